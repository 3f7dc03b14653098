"""Touches of known keys make a camera's distance exact.

Fingertips are above the keys, so where they appear depends on how far away the camera is, which
flat keys hardly tell: over the keyboard, the distance between fingertip and key grows with
height / (distance - height).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import is_on_keyboard
from musclehand.watch.key_pattern import key_pattern
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_fit import STEPS, Pose, prior

TIP_HEIGHT = 0.008
"""[m] Middle of a fingertip above the key that it presses: half the thickness of a fingertip."""

ERROR = 0.0045
"""[m] Standard deviation of a fingertip from the middle of its key, across the key: where people
strike and errors of detectors."""

HELD = 0.3
"""[pixels] Standard deviation of the keys' corners, which stay where they are."""

HELD_BLACK = 1.5
"""[pixels] The same of the tops of black keys, whose height and shape differ between pianos."""

LEAST_CONTACTS = 20
"""Touches below this number tell nothing."""


class Contacts(NamedTuple):
    """Touches of known keys."""

    pixels: np.ndarray
    """[pixels] Fingertips in the picture. Shape (n, 2)."""

    pitches: np.ndarray
    """MIDI pitches of their keys. Shape (n,), int."""


def refine_view(view: KeyboardView, contacts: Contacts) -> KeyboardView:
    """Changes a camera so that touches are over their keys, and keys stay where they are.

    Args:
        view: a camera whose keys are where they are in the picture.
        contacts: touches; fewer than `LEAST_CONTACTS` change nothing.

    Raises:
        InvalidValue: shapes differ, a place is not finite, or a pitch is not on the keyboard.
    """
    pixels = np.asarray(contacts.pixels, dtype=float)
    pitches = np.asarray(contacts.pitches)
    if pixels.ndim != 2 or pixels.shape != (len(pitches), 2) or not np.isfinite(pixels).all():
        raise InvalidValue("contacts", pixels.shape, "(n, 2) finite pixels, and n pitches")
    if not all(is_on_keyboard(int(pitch)) for pitch in pitches):
        raise InvalidValue("pitches of contacts", sorted(set(pitches.tolist())), "those of keys")
    if len(pitches) < LEAST_CONTACTS:
        return view
    pattern = key_pattern()
    rows = pitches.astype(int) - 21 - pattern.first
    x = pattern.x[rows]
    height = TIP_HEIGHT + np.where(pattern.black[rows], pattern.rise, 0.0)
    keys = pattern.rows(view.lowest - 21, view.highest - 21)
    corners, tops = _corners(keys, black=False), _corners(keys, black=True)
    held, held_tops = view.to_pixels(corners), view.to_pixels(tops)
    start = Pose.of(view, corners.mean(axis=0))

    def residuals(change: np.ndarray) -> np.ndarray:
        pose = replace(start, numbers=start.numbers + change * STEPS)
        moved = pose.view()
        touch = _soft((moved.to_world(pixels, height)[:, 0] - x) / ERROR)
        return np.nan_to_num(
            np.concatenate(
                [
                    touch,
                    (moved.to_pixels(corners) - held).ravel() / HELD,
                    (moved.to_pixels(tops) - held_tops).ravel() / HELD_BLACK,
                    [prior(pose)],
                ]
            ),
            nan=1e3,
        )

    solved = least_squares(residuals, np.zeros(7), diff_step=1e-3, max_nfev=60)
    moved = replace(start, numbers=start.numbers + solved.x * STEPS).view()
    return replace(moved, lowest=view.lowest, highest=view.highest, residual=view.residual)


def _soft(residual: np.ndarray) -> np.ndarray:
    """Residuals of which large ones count less (soft L1)."""
    size = np.sqrt(2 * (np.sqrt(1 + residual**2) - 1))
    return np.asarray(np.sign(residual) * size)


def _corners(keys: slice, *, black: bool) -> np.ndarray:
    """[m] The four corners of the white keys' or black keys' tops. Shape (4, 3)."""
    pattern = key_pattern()
    chosen = pattern.black[keys] == black
    edges = (pattern.back_x if black else pattern.front_x)[keys][chosen]
    low, high = float(edges[0, 0]), float(edges[-1, 1])
    front, height = (pattern.black_front, pattern.rise) if black else (0.0, 0.0)
    return np.array([(x, y, height) for x in (low, high) for y in (front, pattern.back)])
