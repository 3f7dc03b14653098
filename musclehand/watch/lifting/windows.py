"""A film's whole motion in overlapping windows, whose results may be kept to go on with later."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from musclehand.core import interrupts
from musclehand.core.atomic import write_file
from musclehand.watch.lifting.config import LiftConfig
from musclehand.watch.lifting.problem import Frames
from musclehand.watch.lifting.smoothing import PAST, Smoother


class Pieces:
    """Windows that are solved, in files; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, key: str) -> None:
        """
        Args:
            folder: that exists, or None.
            key: of all that the results depend on; letters and digits.
        """
        self.folder = folder
        self.key = key

    def read(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """A result; None where it is not there, or damaged.

        Args:
            name: of the result.
            shape: that it has.
        """
        if self.folder is None:
            return None
        try:
            with self._path(name).open("rb") as file:
                values = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        sound = values.shape == shape and values.dtype == np.float64 and np.isfinite(values).all()
        return values if sound else None

    def write(self, name: str, values: np.ndarray) -> None:
        """Keeps a result, complete or not at all.

        Args:
            name: of the result.
            values: of it.
        """
        if self.folder is not None:
            content = io.BytesIO()
            np.save(content, values, allow_pickle=False)
            write_file(self._path(name), content.getvalue())

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"lift_{self.key}_{name}.npy"


def solve_motion(
    smoother: Smoother,
    frames: Frames,
    dt: float,
    config: LiftConfig,
    *,
    keep: Pieces,
    name: str,
    report: Callable[[int], None],
) -> np.ndarray:
    """The unknowns of all frames. Shape (T, n).

    The results have the same bits whether some windows were kept or not.

    Args:
        smoother: of the hand.
        frames: of the film.
        dt: time between frames [s].
        config: lengths of windows.
        keep: solved windows.
        name: of these.
        report: called with the number of frames that are done.
    """
    total = len(frames.home)
    window = max(round(config.window / dt), PAST)
    ahead = max(round(config.ahead / dt), PAST)
    u = frames.home.copy()
    solved = 0
    for start in range(0, total, window):
        interrupts.check()
        first = max(start - PAST, 0)
        stop = min(start + window + ahead, total)
        piece = keep.read(f"{name}_{start}", (stop - first, u.shape[1]))
        if piece is None:
            guess = u[first:stop].copy()
            if solved:
                guess[solved - first :] = _continued(u[solved - 1], guess[solved - first :])
            piece = smoother.solve(frames.rows(slice(first, stop)), guess, start - first)
            keep.write(f"{name}_{start}", piece)
        u[first:stop] = piece
        solved = stop
        report(min(start + window, total))
        if stop == total:
            break
    report(total)
    return u


def _continued(last: np.ndarray, home: np.ndarray) -> np.ndarray:
    """A guess of frames from the one before them: its posture, where the wrist is expected.

    Args:
        last: unknowns of the frame before. Shape (n,).
        home: expected unknowns. Shape (t, n).
    """
    guess = np.tile(last, (len(home), 1))
    guess[:, -4:-2] = home[:, -4:-2]
    return guess
