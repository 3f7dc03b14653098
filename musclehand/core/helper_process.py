"""A second process that computes blocks of numbers ahead of their use (a producer).

It is a plain child process with a pipe each way and not one of `multiprocessing`: that module would
run a script without a main guard a second time, and forking is unsafe in programs with threads. The
parent sends one pickled callable. The child calls it with 0, 1, 2 and so on and writes the
resulting arrays, which a thread of the parent reads. The pipe and a few blocks in that thread bound
how far the child is ahead. A child ends at its first write after the death of its parent.
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
"""Makes block 0, 1, 2 ... as doubles, all of one size; it must be picklable."""

MOST_AHEAD = 4
"""Most blocks that the parent buffers."""

_LOG = logging.getLogger(__name__)

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class HelperProcess:
    """A child process that makes blocks after `start`, until `close` or the end of this object.

    The child begins to import at once. Where the system cannot start a process, `take` always
    returns None.
    """

    def __init__(self, module: str) -> None:
        """Starts the child.

        Args:
            module: module that the child imports while it waits for its maker.
        """
        self._channel = _Channel(start_process(module, f"from {__name__} import main; main()"))
        self._end = weakref.finalize(self, self._channel.close)

    @property
    def pid(self) -> int | None:
        """Process id of the child, None if it could not be started."""
        process = self._channel.process
        return None if process is None else process.pid

    def start(self, make: Maker, size: int) -> None:
        """Makes the child begin; returns at once.

        Args:
            make: makes the blocks.
            size: numbers in a block.
        """
        content = pickle.dumps(make)
        self._channel.serving = True
        threading.Thread(target=self._channel.serve, args=(content, size), daemon=True).start()

    def take(self, number: int, *, wait: bool) -> np.ndarray | None:
        """Takes a block, and drops all blocks before it.

        Args:
            number: of the block; numbers of successive calls must rise.
            wait: whether to wait for the block as long as the child lives.

        Returns:
            The block, shape (size,), or None if it is not ready, or the child has ended without it.
        """
        return self._channel.take(number, wait)

    def close(self) -> None:
        """Ends the child. Further calls do nothing."""
        self._end()


class _Channel:
    """State shared with the reading thread, which must not keep the helper itself alive."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        self.process = process
        self._changed = threading.Condition()
        self._blocks: deque[np.ndarray] = deque()
        self._first = 0  # number of the block at the left
        self._ended = process is None
        self._closed = False
        self.serving = False

    def serve(self, content: bytes, size: int) -> None:
        """Sends the pickled maker and buffers its blocks, until the child ends."""
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
        """Takes block `number` from the buffer, or None (see `HelperProcess.take`)."""
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
        """Kills the child and waits for its end."""
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


def start_process(module: str, statement: str) -> subprocess.Popen[bytes] | None:
    """A child process with a pipe each way and this process's module search path.

    Args:
        module: that the child imports first.
        statement: of Python, that it runs then.

    Returns:
        The child; None if it cannot be started.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        # A frozen program has no Python interpreter that could be called.
        return None
    code = f"import sys; sys.path[:] = {sys.path!r}; import {module}; {statement}"
    try:
        # In a session of its own the child receives no Ctrl-C that is meant for this process.
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
    """Reads a complete block; False if the source ends before."""
    unfilled = block.data.cast("B")
    while unfilled:
        received = source.readinto(unfilled)  # type: ignore[attr-defined]
        if not received:
            return False
        unfilled = unfilled[received:]
    return True


def main() -> None:
    """Runs in the child: reads the maker from stdin and writes blocks to stdout."""
    make = pickle.loads(sys.stdin.buffer.read())
    with open(os.dup(1), "wb", buffering=0) as out:
        os.dup2(2, 1)  # prints of other code must not mix with the blocks
        try:
            for number in count():
                unsent = np.ascontiguousarray(make(number), dtype=float).data.cast("B")
                while unsent:
                    unsent = unsent[out.write(unsent) or 0 :]
        except OSError:
            # The parent reads no more.
            return
