"""A second process that makes blocks of numbers ahead of their use, without any demand on the
user's script.

It is a plain child with a pipe each way, not one of `multiprocessing`: that would run a script
without a main guard again, and forking is not for programs with threads. The child is sent one
object, pickled here, calls it with 0, 1, 2 and so on and writes the arrays it gets; a thread here
reads them. What fits the pipe and the thread's few blocks is all that is ever ahead. A child whose
parent is gone, however it went, ends at its next write.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import IO

import numpy as np

Maker = Callable[[int], np.ndarray]
"""Makes block 0, 1, 2 ... as doubles, always of one size; must be possible to pickle."""

MOST_AHEAD = 4
"""Blocks kept here at most."""

_LOG = logging.getLogger(__name__)

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class HelperProcess:
    """A child that starts up at once and makes blocks from `start` on, until `close` or the end
    of this object."""

    def __init__(self, module: str) -> None:
        """`module`: what the child may import while it waits for its maker.

        Where no process can be started, the helper is one that is of no help.
        """
        self._channel = _Channel(_start(module))
        self._end = weakref.finalize(self, self._channel.close)

    @property
    def pid(self) -> int | None:
        """The child's number, None if it could not be started."""
        process = self._channel.process
        return None if process is None else process.pid

    def start(self, make: Maker, size: int) -> None:
        """Has the child make blocks; returns at once. Every block is of shape (size,)."""
        content = pickle.dumps(make)
        self._channel.serving = True
        threading.Thread(target=self._channel.serve, args=(content, size), daemon=True).start()

    def take(self, number: int, *, wait: bool) -> np.ndarray | None:
        """Block `number`, and none before it from then on; None if it is not there (yet) or never
        will be.

        `wait`: until it is there, or the child has ended.
        """
        return self._channel.take(number, wait)

    def close(self) -> None:
        """Ends the child; once is enough."""
        self._end()


class _Channel:
    """What the reading thread shares with the helper; it does not keep the helper itself alive."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self.process = process
        self._changed = threading.Condition()
        self._blocks: deque[np.ndarray] = deque()
        self._first = 0  # number of the block at the left
        self._ended = process is None
        self._closed = self.serving = False

    def serve(self, content: bytes, size: int) -> None:
        """Sends the maker and takes in what it makes."""
        if self.process is None:
            return
        sending = self.process.stdin
        receiving = self.process.stdout
        assert sending is not None
        assert receiving is not None
        try:
            with sending:
                sending.write(content)
            while self._room():
                block = np.empty(size)
                if not _fill(receiving, block):
                    break
                with self._changed:
                    self._blocks.append(block)
                    self._changed.notify_all()
        except (OSError, ValueError) as problem:
            _LOG.debug("the helper process cannot be reached: %s", problem)
        finally:
            receiving.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _room(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._blocks) < MOST_AHEAD)
            return not self._ended

    def take(self, number: int, wait: bool) -> np.ndarray | None:
        """As `HelperProcess.take`."""
        with self._changed:
            while True:
                while self._blocks and self._first < number:
                    self._blocks.popleft()
                    self._first += 1
                self._changed.notify_all()
                if self._blocks and not self._closed:
                    self._first += 1
                    return self._blocks.popleft()
                if self._ended or not wait:
                    return None
                self._changed.wait()

    def close(self) -> None:
        """Ends the child and waits until it is gone."""
        with self._changed:
            self._ended = self._closed = True
            self._changed.notify_all()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if not self.serving:
                for pipe in (self.process.stdin, self.process.stdout):
                    if pipe is not None:
                        pipe.close()


def _start(module: str) -> subprocess.Popen[bytes] | None:
    """The child, which looks for modules where this process does; None where there can be none."""
    if not sys.executable or getattr(sys, "frozen", False):
        # A program with Python inside, which is no Python to call.
        return None
    code = f"import sys; sys.path[:] = {sys.path!r}; import {module}; from {__name__} import main; main()"
    try:
        # In a session of its own it does not hear a Ctrl-C that is meant for this process.
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ONE_THREAD,
            start_new_session=True,
        )
    except OSError as problem:
        _LOG.warning("no second process: %s", problem)
        return None


def _fill(source: IO[bytes], block: np.ndarray) -> bool:
    """Reads a whole block; False if the source ends before."""
    rest = block.data.cast("B")
    while rest:
        read = source.readinto(rest)  # type: ignore[attr-defined]
        if not read:
            return False
        rest = rest[read:]
    return True


def main() -> None:
    """The child: its maker from stdin, blocks to stdout until nobody reads them."""
    make = pickle.loads(sys.stdin.buffer.read())
    with open(os.dup(1), "wb", buffering=0) as out:
        os.dup2(2, 1)  # what others may print is not a block
        try:
            for number in count():
                rest = np.ascontiguousarray(make(number), dtype=float).data.cast("B")
                while rest:
                    rest = rest[out.write(rest) or 0 :]
        except OSError:
            # Nobody reads any more.
            return
