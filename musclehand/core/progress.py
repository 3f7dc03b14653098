"""The callback by which a long computation reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives how much of a computation is done, and how much there is in all.

    Functions that take a `Progress` call it with rising `done`; they name the unit of both numbers,
    such as seconds of a score. `done` equals `total` in the last call. An exception that the
    callback raises ends the computation.
    """

    def __call__(self, done: float, total: float, /) -> None:
        """Called by the computation.

        Args:
            done: amount done, from 0 to `total`.
            total: amount in all, in the same unit; it may change between calls.
        """
