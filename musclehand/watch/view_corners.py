"""A camera from four corners of the white keys, which a person has shown in the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH
from musclehand.watch.key_pattern import key_pattern
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_fit import STEPS, Pose, prior

_TILTS_DEG = (0.0, -25.0, -45.0)

CORNER_ERROR = 0.001
"""Standard deviation of a corner by hand, by the width of the picture."""

PAN = 0.03
"""[rad] Standard deviation of a camera's turn along the keyboard; the short sides of the keyboard,
which tell it, are a few pixels uncertain."""

LEAST_AREA = 1e-3
"""Least area between the corners by that of the picture."""


def view_of_corners(
    corners: np.ndarray, size: tuple[int, int], lowest: int | None, highest: int | None
) -> KeyboardView:
    """The camera that shows the corners of the white keys where they are.

    Four corners hardly tell how far away the camera is: a usual angle of view is assumed as far as
    they leave it open.

    Args:
        corners: back left, back right, front right, front left [pixels]. Shape (4, 2).
        size: width and height of the picture [pixels].
        lowest: MIDI pitch of the key at the left corners; None: the lowest of a piano.
        highest: MIDI pitch of the key at the right corners; None: the highest of a piano.

    Raises:
        InvalidValue: the corners are not four finite places in that order, or the pitches are of
            black keys or not in order.
    """
    places = np.asarray(corners, dtype=float)
    if places.shape != (4, 2) or not np.isfinite(places).all():
        raise InvalidValue("corners", places.shape, "four finite places x y")
    if np.abs(places).max() > 10 * max(size):
        raise InvalidValue("corners", places.tolist(), "places in the picture or near it")
    _check_order(places, size)
    lowest = LOWEST_PITCH if lowest is None else lowest
    highest = HIGHEST_PITCH if highest is None else highest
    pattern = key_pattern()
    rows = pattern.rows(lowest - LOWEST_PITCH, highest - LOWEST_PITCH)
    if lowest >= highest or pattern.black[rows][[0, -1]].any():
        raise InvalidValue("keys at the corners", (lowest, highest), "two white keys in order")
    world = corners_of(lowest, highest)
    anchor = world.mean(axis=0)
    across = (places[1] + places[2] - places[0] - places[3]) / 2
    scale = float(np.linalg.norm(across) / np.ptp(world[:, 0]))
    roll = Rotation.from_rotvec([0.0, 0.0, np.arctan2(across[1], across[0])])

    def residuals(change: np.ndarray, pose: Pose) -> np.ndarray:
        moved = replace(pose, numbers=pose.numbers + change * STEPS)
        rest = np.nan_to_num(moved.view().to_pixels(world) - places, nan=1e4)
        pan = moved.numbers[2] / PAN
        return np.append(rest.ravel() / (CORNER_ERROR * size[0]), [prior(moved), pan])

    best = None
    for tilt in _TILTS_DEG:
        turn = (roll * Rotation.from_rotvec([np.radians(tilt), 0.0, 0.0])).as_rotvec()
        numbers = [np.log(1.37 * size[1]), *turn, *places.mean(axis=0), np.log(scale)]
        pose = Pose(np.array(numbers), anchor, size)
        solved = least_squares(
            residuals, np.zeros(7), loss="linear", diff_step=1e-3, max_nfev=100, args=(pose,)
        )
        if best is None or solved.cost < best[0]:
            best = (solved.cost, replace(pose, numbers=pose.numbers + solved.x * STEPS))
    assert best is not None
    view = best[1].view()
    distance = np.linalg.norm(view.to_world(places, 0.0) - world, axis=1)
    residual = float(np.sqrt(np.mean(distance**2)))
    if not residual < 0.02:
        raise InvalidValue("corners", places.tolist(), "those of a keyboard's white keys")
    return replace(view, lowest=lowest, highest=highest, residual=residual)


def corners_of(lowest: int, highest: int) -> np.ndarray:
    """Corners of the white keys between two pitches, in the order of `view_of_corners`.

    Args:
        lowest: MIDI pitch of a white key.
        highest: MIDI pitch of a white key.

    Returns:
        [m] Shape (4, 3).
    """
    pattern = key_pattern()
    rows = pattern.rows(lowest - LOWEST_PITCH, highest - LOWEST_PITCH)
    left, right = pattern.front_x[rows][0, 0], pattern.front_x[rows][-1, 1]
    back = pattern.back
    return np.array([[left, back, 0], [right, back, 0], [right, 0, 0], [left, 0, 0]])


def _check_order(places: np.ndarray, size: tuple[int, int]) -> None:
    sides = np.roll(places, -1, axis=0) - places
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if (turns <= 0).any() or turns.min() < LEAST_AREA * size[0] * size[1]:
        raise InvalidValue(
            "corners", places.tolist(), "back left, back right, front right, front left in turn"
        )
