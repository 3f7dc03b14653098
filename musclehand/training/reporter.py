"""Reports of a training: what a run says while it trains, and where that goes.

A run calls `begin` at the start of each stage, `advance` after each iteration, and `message` for
whatever else a user should read. The command line shows bars; in Python nothing is shown unless a
reporter is given:

    track("corpus", out="runs/track", reporter=TextReporter())
"""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

__all__ = ["Reporter", "SilentReporter", "TextReporter"]


class Reporter(Protocol):
    """Receives the reports of a run."""

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """Called at the start of a stage; the stage before it has ended.

        Args:
            stage: its name.
            total: iterations in all.
            done: iterations that an earlier run has finished.
        """

    def advance(self, detail: str = "") -> None:
        """Called after each iteration; `detail` says how it went."""

    def message(self, text: str) -> None:
        """Called with a sentence for the user."""

    def close(self) -> None:
        """Called when the last stage has ended, also by an error."""


class SilentReporter:
    """A `Reporter` that drops everything."""

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """Does nothing.

        Args:
            stage: not used.
            total: not used.
            done: not used.
        """

    def advance(self, detail: str = "") -> None:
        """Does nothing."""

    def message(self, text: str) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class TextReporter:
    """A `Reporter` that writes lines of text."""

    def __init__(self, stream: TextIO | None = None, *, interval: float = 0.0) -> None:
        """
        Args:
            stream: where the lines go; standard error by default.
            interval: [s] least time between lines of iterations, 0 for a line for each; the last
                iteration of a stage always has one.
        """
        self._stream = stream
        self._interval = interval
        self._written = -float("inf")
        self._stage = ""
        self._total = 0
        self._done = 0

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """Remembers the stage; a stage that is resumed gets a line.

        Args:
            stage: its name.
            total: its iterations in all.
            done: iterations done before.
        """
        self._stage = stage
        self._total = total
        self._done = done
        if done:
            self.message(f"{stage}: {done} of {total} iterations are done")

    def advance(self, detail: str = "") -> None:
        """Writes how many iterations of the stage are done, and the detail."""
        self._done += 1
        now = time.monotonic()
        if self._done < self._total and now - self._written < self._interval:
            return
        self._written = now
        count = f"{self._stage} {self._done}/{self._total}"
        self.message(f"{count}: {detail}" if detail else count)

    def message(self, text: str) -> None:
        """Writes the text."""
        stream = self._stream or sys.stderr
        stream.write(f"{text}\n")
        stream.flush()

    def close(self) -> None:
        """Leaves the stream open: it belongs to the caller."""
