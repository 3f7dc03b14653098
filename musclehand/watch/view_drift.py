"""A camera that should not move is watched: the keyboard is located again every few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter
from scipy.spatial.transform import Rotation, Slerp

from musclehand.core.errors import MusclehandError
from musclehand.music.pitch import LOWEST_PITCH
from musclehand.watch.key_pattern import key_pattern
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_fit import BLURS, STEPS, Pose, fit_still, likeness
from musclehand.watch.view_search import still_picture

EVERY = 10.0
"""[s] Between the times at which the keyboard is located."""

TOLD = 0.002
"""[m] Drift from which the user is told; half of the largest error of keys that is meant."""

REFUSED = 0.010
"""[m] Drift from which the camera is said to move; nearly half a white key."""

SHIFTS = 0.003 * np.arange(-10, 11)
"""[m] Shifts along the keyboard and across it that are compared first."""

SMOOTHED = 3
"""Times over which the median is taken, so that a hand over the keys is no drift."""


class CameraMoves(MusclehandError):
    """The camera moves by more than can be followed."""


@dataclass(frozen=True, eq=False)
class Drift:
    """Where the camera was over time."""

    time: np.ndarray
    """[s] Times at which the keyboard was located. Shape (n,)."""

    views: tuple[KeyboardView, ...] = field(repr=False)
    """The camera at these times."""

    moved: np.ndarray
    """[m] Largest shift of a key in the picture since the first view. Shape (n,)."""

    @property
    def largest(self) -> float:
        """[m] The largest drift."""
        return float(self.moved.max(initial=0.0))

    @property
    def remark(self) -> str | None:
        """A sentence for the user, or None where there is no drift to speak of."""
        if self.largest <= TOLD:
            return None
        return f"the camera drifts by {1000 * self.largest:.1f} mm over the film; it was followed"

    def view_at(self, time: float) -> KeyboardView:
        """The camera at a time [s], interpolated; held at both ends."""
        after = int(np.searchsorted(self.time, time))
        if after == 0 or after == len(self.time):
            return self.views[min(after, len(self.time) - 1)]
        first, second = self.views[after - 1], self.views[after]
        share = float((time - self.time[after - 1]) / (self.time[after] - self.time[after - 1]))
        turn = Slerp([0.0, 1.0], Rotation.from_matrix([first.rotation, second.rotation]))
        return replace(
            first,
            rotation=turn(share).as_matrix(),
            position=(1 - share) * first.position + share * second.position,
        )


def watch_drift(view: KeyboardView, samples: Iterable[tuple[float, Sequence[np.ndarray]]]) -> Drift:
    """Locates the keyboard over a film.

    Args:
        view: the camera, found on the whole film.
        samples: times [s], about every `EVERY`, each with some pictures from about then, of which
            the median is taken; shape (height, width, 3), uint8.

    Raises:
        CameraMoves: a key shifts by more than `REFUSED`, or the keyboard is lost.
    """
    keys = (view.lowest - LOWEST_PITCH, view.highest - LOWEST_PITCH)
    pattern = key_pattern()
    rows = pattern.rows(*keys)
    edges = pattern.front_x[rows]
    corners = np.array(
        [(x, y, 0.0) for x in (edges[0, 0], edges[-1, 1]) for y in (0.0, pattern.back)]
    )
    start = Pose.of(view, corners.mean(axis=0))
    times, changes = [], []
    for time, pictures in samples:
        grey = still_picture(pictures).mean(axis=2)
        changes.append(_located(start, grey, keys, time))
        times.append(time)
    if not times:
        return Drift(np.zeros(1), (view,), np.zeros(1))
    smooth = median_filter(np.array(changes), size=(SMOOTHED, 1), mode="nearest")
    # What is found on the whole film is the median over it.
    smooth -= np.median(smooth, axis=0)
    views = tuple(
        replace(
            replace(start, numbers=start.numbers + change * STEPS).view(),
            lowest=view.lowest,
            highest=view.highest,
            residual=view.residual,
        )
        for change in smooth
    )
    places = np.array([at.to_pixels(corners) for at in views])
    scale = float(np.exp(start.numbers[6]))
    moved = np.linalg.norm(places - places[0], axis=2).max(axis=1) / scale
    drift = Drift(np.array(times), views, moved)
    if drift.largest > REFUSED:
        worst = int(np.argmax(moved))
        raise CameraMoves(
            f"the camera moves: keys shift by {1000 * moved[worst]:.0f} mm until "
            f"{times[worst]:.0f} s; at most {1000 * REFUSED:.0f} mm can be followed"
        )
    return drift


def _located(start: Pose, grey: np.ndarray, keys: tuple[int, int], time: float) -> np.ndarray:
    """Change of the camera's numbers, by `STEPS`. Shape (7,).

    Raises:
        CameraMoves: the keyboard is not near where it was.
    """
    scale = float(np.exp(start.numbers[6]))
    blurred = gaussian_filter(grey, BLURS[0] * scale)
    best, agreement = start, -1.0
    for x in SHIFTS:
        for y in SHIFTS:
            numbers = start.numbers.copy()
            numbers[4:6] += scale * np.array([x, y])
            moved = replace(start, numbers=numbers)
            likely = likeness(moved.view(), blurred, keys) - 0.5 * float(np.hypot(x, y))
            if likely > agreement:
                best, agreement = moved, likely
    if agreement < LEAST_LIKENESS:
        raise CameraMoves(
            f"the keyboard is lost at {time:.0f} s: the camera moves, or it is covered"
        )
    return np.asarray((fit_still(best, grey, keys).numbers - start.numbers) / STEPS)


LEAST_LIKENESS = 0.5
"""Least correlation of light and dark at the best shift."""
