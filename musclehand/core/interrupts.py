"""Ctrl-C taken at safe points, so that files stay whole and no callback swallows it.

Python raises `KeyboardInterrupt` wherever the main thread happens to be. Within a callback from C,
a finalizer or a library's clean-up, the exception is lost or turned into another error. In a
`deferred` block an interrupt is only noted, and raised at the next `check`. A second Ctrl-C, or no
safe point within `PATIENCE`, raises at once.

    with deferred():
        for step in range(steps):
            check()
            ...
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

PATIENCE = 2.0
"""[s] that a noted interrupt waits for a safe point before it is raised where the program is."""


class _State:
    """Of the main thread: there is one signal handler in a process."""

    def __init__(self) -> None:
        self.depth = 0
        self.pending = False
        self.shielded = 0
        self.timer: threading.Timer | None = None
        self.before: Any = signal.default_int_handler


_state = _State()


def check() -> None:
    """A safe point: raises an interrupt that was noted.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed within the surrounding `deferred` block.
    """
    if _state.pending and not _state.shielded:
        _clear()
        raise KeyboardInterrupt


@contextmanager
def deferred() -> Iterator[None]:
    """Notes interrupts in the block instead of raising them; one that is left is raised at its end.

    Does nothing outside the main thread, and where the program has a handler of its own. Blocks may
    be nested.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if _state.depth == 0:
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            yield
            return
        _state.before = before
        signal.signal(signal.SIGINT, _note)
    _state.depth += 1
    try:
        yield
        if _state.depth == 1:
            check()
    finally:
        _state.depth -= 1
        if _state.depth == 0:
            signal.signal(signal.SIGINT, _state.before)
            _clear()


@contextmanager
def shielded() -> Iterator[None]:
    """A part of a `deferred` block that nothing interrupts, such as the closing of a file."""
    _state.shielded += 1
    try:
        yield
    finally:
        _state.shielded -= 1


def _note(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT within `deferred`."""
    if _state.shielded:
        _state.pending = True
        return
    if _state.pending:
        _clear()
        raise KeyboardInterrupt
    _state.pending = True
    _state.timer = threading.Timer(PATIENCE, signal.raise_signal, [signal.SIGINT])
    _state.timer.daemon = True
    _state.timer.start()


def _clear() -> None:
    _state.pending = False
    if _state.timer is not None:
        _state.timer.cancel()
        _state.timer = None
