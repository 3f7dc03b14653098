"""Ctrl-C taken at safe points, so that files stay whole and no callback swallows it.

Python raises `KeyboardInterrupt` wherever the main thread happens to be. Within a callback from C,
a finalizer or a library's clean-up, the exception is lost or turned into another error. In a
`deferred` block an interrupt is only noted, and raised at the next `check`. A second Ctrl-C, or no
safe point within `PATIENCE`, raises at once.

    with deferred():
        for step in range(steps):
            check()
            ...

Only the main thread receives interrupts; in any other thread none of these functions does anything.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 130
"""Exit code of an interrupted command, as shells have it."""

PATIENCE = 2.0
"""[s] that a noted interrupt waits for a safe point before it is raised where the program is."""


class _State:
    """Of the main thread: there is one signal handler in a process."""

    def __init__(self) -> None:
        self.pending = False
        self.shielded = 0
        self.timer: threading.Timer | None = None


_state = _State()


def check() -> None:
    """A safe point: raises an interrupt that was noted.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed within the surrounding `deferred` block.
    """
    if _state.pending and not _state.shielded and _in_main_thread():
        _forget()
        raise KeyboardInterrupt


@contextmanager
def deferred() -> Iterator[None]:
    """Notes interrupts in the block instead of raising them; one that is left is raised at its end.

    An exception of the block goes before an interrupt that is left. Does nothing where the program
    has a handler of its own. Blocks may be nested: the outermost one counts.
    """
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    _forget()
    signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        unraised = _forget()
    if unraised:
        raise KeyboardInterrupt


@contextmanager
def shielded() -> Iterator[None]:
    """A part of a `deferred` block that nothing interrupts, such as the closing of a file."""
    if not _in_main_thread():
        yield
        return
    _state.shielded += 1
    try:
        yield
    finally:
        _state.shielded -= 1
        if _state.pending and not _state.shielded:
            _start_timer()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _note(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT within `deferred`."""
    if _state.shielded:
        _state.pending = True
    elif _state.pending:
        _forget()
        raise KeyboardInterrupt
    else:
        _state.pending = True
        _start_timer()


def _start_timer() -> None:
    """Has the noted interrupt raised after `PATIENCE`, unless it is forgotten before."""
    if _state.timer is not None:
        _state.timer.cancel()
    _state.timer = threading.Timer(PATIENCE, _insist)
    _state.timer.daemon = True
    try:
        _state.timer.start()
    except RuntimeError:  # No thread can be started any more.
        _forget()
        raise KeyboardInterrupt from None


def _insist() -> None:
    """Interrupts the main thread once more, in the thread of a timer that is still wanted."""
    if _state.timer is not threading.current_thread():
        return
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        # Sent to the main thread itself, the signal also ends its waiting for a file or a lock.
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def _forget() -> bool:
    """Drops a noted interrupt; returns whether there was one."""
    pending = _state.pending
    timer = _state.timer
    _state.pending = False
    _state.timer = None
    if timer is not None:
        timer.cancel()
    return pending
