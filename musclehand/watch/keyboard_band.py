"""Pictures in which a keyboard is looked for, and the part of the picture in which hands are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from musclehand.music.pitch import LOWEST_PITCH
from musclehand.watch.contacts import bundled_keys
from musclehand.watch.film import Film
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_drift import EVERY

PICTURES = 40
"""Pictures of the film in which the keyboard is looked for: their median removes the hands."""

IN_WINDOW = 3
"""Pictures around every time at which the camera is checked; chosen, a hand is rarely at one place
in two of them."""

IN_FRONT = 0.25
"""[m] In front of the keys, hands are looked for; chosen, the length of a hand and a wrist."""

BEHIND = 0.10
"""[m] Behind the keys' fronts plus their length, hands are looked for; chosen."""

BESIDE = 0.10
"""[m] Beside the lowest and highest key in the picture, hands are looked for; chosen."""

ABOVE = 0.12
"""[m] Hands are looked for up to this height above the keys; chosen, a raised wrist."""


def sample_pictures(film: Film, start: float, stop: float | None) -> list[np.ndarray]:
    """Pictures at even distances over a part of the film, at most `PICTURES`.

    Args:
        film: the film.
        start: first time [s].
        stop: last time [s]; None for the whole film.

    Returns:
        Each of shape (height, width, 3), uint8.

    Raises:
        FilmError: the film is damaged.
        InvalidValue: the part is outside of the film.
    """
    times = film.times(start, stop)
    chosen = times[np.unique(np.linspace(0, len(times) - 1, PICTURES).astype(int))]
    return [film.picture(time) for time in chosen.tolist()]


def sample_windows(
    film: Film, start: float, stop: float | None
) -> Iterator[tuple[float, list[np.ndarray]]]:
    """Times at even distances over a part of the film, each with a few pictures around it.

    Args:
        film: the film.
        start: first time [s].
        stop: last time [s]; None for the whole film.

    Raises:
        FilmError: the film is damaged.
        InvalidValue: the part is outside of the film.
    """
    times = film.times(start, stop)
    count = int((times[-1] - times[0]) / EVERY) + 1
    for window in np.array_split(times, count):
        chosen = window[np.unique(np.linspace(0, len(window) - 1, IN_WINDOW).astype(int))]
        yield float(window.mean()), [film.picture(time) for time in chosen.tolist()]


def hand_band(view: KeyboardView) -> tuple[float, float, float, float]:
    """The part of the picture in which hands can be: left, top, right and bottom [pixels].

    Args:
        view: camera of the film.
    """
    keys = bundled_keys()
    left = keys.x[view.lowest - LOWEST_PITCH] - BESIDE
    right = keys.x[view.highest - LOWEST_PITCH] + BESIDE
    corners = np.array(
        list(product((left, right), (-IN_FRONT, keys.hinge_y.max() + BEHIND), (0.0, ABOVE)))
    )
    pixels = view.to_pixels(corners)
    width, height = view.size
    low = np.nanmin(pixels, axis=0)
    high = np.nanmax(pixels, axis=0)
    return (
        float(np.clip(low[0], 0, width)),
        float(np.clip(low[1], 0, height)),
        float(np.clip(high[0], 0, width)),
        float(np.clip(high[1], 0, height)),
    )
