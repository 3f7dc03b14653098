"""Fingertips of a film on the keyboard: where they are at every note, and how far from its key.

Pixels become places by the camera at the height of a key's top, where a fingertip is while it
plays; elsewhere the height is unknown. Short gaps are bridged, and what is bridged counts less.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Score
from musclehand.piano.geometry import (
    KeyboardGeometry,
    PianoParameters,
    keyboard_geometry,
    load_piano_parameters,
)
from musclehand.watch.landmarks import SIDES, TIPS, HandLandmarks
from musclehand.watch.view import KeyboardView

FINGERS = 5
"""Fingers of a hand."""

TIP_HEIGHT = 0.005
"""[m] Height of a fingertip's landmark above the key that the finger plays; chosen, between the
pad on the key and the nail."""

WINDOW = 0.25
"""[s] Time from the onset in which fingertips are looked at, or until the key is released. From a
comparison with longer times on a film; later the finger may be changed."""

LONGEST_GAP = 1.0
"""[s] A fingertip that was not visible for longer from a frame is unknown there; chosen."""

_LAG = 0.3
"""[s] Time over which fingertips' displacements are measured; chosen, a few notes."""

_USUAL_ERROR = 0.006
"""[m] Error of a visible fingertip against which that of bridged ones is weighed; of landmarks on
rendered frames after constant displacements are removed."""

_OVERLAP = 0.006
"""[m] Two fingertips of a hand that are closer lie over each other, and one is invented by the
detector. Chosen, less than half of a finger's width."""

_OVERLAP_ERROR = 0.010
"""[m] Error added to such fingertips; chosen, half of a key's width."""


class TipTrack(NamedTuple):
    """Fingertips of both hands over the keyboard, in every frame of a film."""

    time: np.ndarray
    """[s] Times of the frames. Shape (T,)."""

    places: np.ndarray
    """[m] Fingertips at the height of white and of black keys, x and y in the world; NaN where
    unknown. Shape (2, T, 2, 5, 2)."""

    spread: np.ndarray
    """[m^2] Variance that is added to the film's own by gaps. Shape (T, 2, 5)."""

    visible: np.ndarray
    """The fingertip was detected, and is not bridged. Shape (T, 2, 5), bool."""


class Touches(NamedTuple):
    """Fingertips of both hands at the onset of every note."""

    places: np.ndarray
    """[m] Mean x and y in the world; NaN where unknown. Shape (n, 2, 5, 2)."""

    spread: np.ndarray
    """[m^2] Variance that is added to the film's own by gaps; NaN where unknown.
    Shape (n, 2, 5)."""

    visible: np.ndarray
    """Share of the frames in which the fingertip was detected. Shape (n, 2, 5)."""


@lru_cache(maxsize=1)
def bundled_keys() -> KeyboardGeometry:
    """The bundled keyboard, built once per process."""
    return keyboard_geometry(load_piano_parameters())


def keys_of(piano: PianoParameters | None) -> KeyboardGeometry:
    """The keys of a keyboard, by default of the bundled one."""
    return bundled_keys() if piano is None else keyboard_geometry(piano)


def track_tips(
    landmarks: HandLandmarks, view: KeyboardView, *, piano: PianoParameters | None = None
) -> TipTrack:
    """Fingertips over the keyboard, gaps bridged.

    Places in a gap are interpolated. Their variance is that of a Brownian bridge, as fast as the
    hand's fingertips move in this film; so a gap of two frames costs little, and one of a second
    leaves nothing known.

    Args:
        landmarks: of the film.
        view: its camera.
        piano: the keyboard, by default the bundled one.
    """
    geometry = keys_of(piano)
    tops = (0.0, float(geometry.top_z[geometry.black].mean()))
    tips = landmarks.points[:, :, list(TIPS)]
    places = np.stack([view.to_world(tips, top + TIP_HEIGHT)[..., :2] for top in tops])
    visible = np.isfinite(places).all(axis=(0, 4)) & ~landmarks.bridged[..., None]
    spread = np.where(_overlapping(places[0]), _OVERLAP_ERROR**2, 0.0)
    for side in range(SIDES):
        rate = _wander(landmarks.time, places[0, :, side], visible[:, side])
        for finger in range(FINGERS):
            _bridge(
                landmarks.time,
                places[:, :, side, finger],
                spread[:, side, finger],
                visible[:, side, finger],
                rate,
            )
    return TipTrack(landmarks.time, places, spread, visible)


def _overlapping(places: np.ndarray) -> np.ndarray:
    """Fingertips that lie over another one of their hand. Shape (T, 2, 5), bool.

    Args:
        places: of the fingertips [m]. Shape (T, 2, 5, 2).
    """
    apart = np.linalg.norm(places[:, :, :, None] - places[:, :, None], axis=-1)
    apart[:, :, np.arange(FINGERS), np.arange(FINGERS)] = np.inf
    return np.asarray((apart < _OVERLAP).any(axis=-1))


def _wander(time: np.ndarray, places: np.ndarray, visible: np.ndarray) -> float:
    """Growth of the variance of a fingertip's displacement along an axis [m^2/s].

    Args:
        time: of the frames [s]. Shape (T,).
        places: of a hand's fingertips [m]. Shape (T, 5, 2).
        visible: which were detected. Shape (T, 5).
    """
    lag = max(1, round(_LAG / float(np.median(np.diff(time)))))
    both = visible[lag:] & visible[:-lag]
    if not both.any():
        return np.inf
    moved = np.sum((places[lag:] - places[:-lag]) ** 2, axis=-1)[both]
    # The squared length of a Gaussian vector in the plane has the median 2 ln 2 times the variance.
    return float(np.median(moved) / (2.0 * np.log(2.0)) / _LAG)


def _bridge(
    time: np.ndarray, places: np.ndarray, spread: np.ndarray, visible: np.ndarray, rate: float
) -> None:
    """Fills a fingertip's gaps, in place.

    Args:
        time: of the frames [s]. Shape (T,).
        places: of the fingertip at two heights [m]. Shape (2, T, 2).
        spread: its added variance [m^2]. Shape (T,).
        visible: frames in which it was detected. Shape (T,).
        rate: growth of the variance [m^2/s].
    """
    rows = np.flatnonzero(visible)
    gap = np.flatnonzero(~visible)
    places[:, gap] = np.nan
    if not len(rows) or not len(gap):
        return
    after = np.searchsorted(rows, gap)
    first = rows[np.maximum(after - 1, 0)]
    last = rows[np.minimum(after, len(rows) - 1)]
    since = np.where(after > 0, time[gap] - time[first], np.inf)
    until = np.where(after < len(rows), time[last] - time[gap], np.inf)
    near = np.minimum(since, until) <= LONGEST_GAP
    gap, first, last, since, until = (values[near] for values in (gap, first, last, since, until))
    variance = rate / (1.0 / since + 1.0 / until)
    # The nearer frame alone counts where the gap has a single end.
    share = np.where(np.isinf(since), 1.0, 0.0)
    inner = np.isfinite(since) & np.isfinite(until)
    share[inner] = since[inner] / (since + until)[inner]
    share = share[:, None]
    places[:, gap] = places[:, first] * (1.0 - share) + places[:, last] * share
    spread[gap] += variance


def find_touches(track: TipTrack, score: Score, *, piano: PianoParameters | None = None) -> Touches:
    """Mean places of all fingertips over the first `WINDOW` of every note, or until its end.

    Args:
        track: fingertips of the film.
        score: notes, in the time of the film.
        piano: the keyboard, by default the bundled one.
    """
    black = keys_of(piano).black[score.pitches - 21].astype(int)
    onset, offset = score.intervals.T if len(score) else np.zeros((2, 0))
    first = np.searchsorted(track.time, onset - 1e-9)
    last = np.searchsorted(track.time, np.minimum(offset, onset + WINDOW) + 1e-9)
    first = np.minimum(first, len(track.time) - 1)
    last = np.maximum(last, first + 1)
    inside = (onset >= track.time[0] - WINDOW) & (onset <= track.time[-1])
    finite = np.isfinite(track.places[0]).all(axis=-1)
    weight = np.where(finite, 1.0 / (_USUAL_ERROR**2 + track.spread), 0.0)
    total = _window_sums(weight, first, last)
    spread = _window_sums(weight * track.spread, first, last)
    sums = np.stack(
        [_window_sums(weight[..., None] * np.nan_to_num(at), first, last) for at in track.places]
    )[black, np.arange(len(black))]
    total = np.where((total > 0.0) & inside[:, None, None], total, np.nan)
    visible = _window_sums(track.visible.astype(float), first, last)
    return Touches(
        places=sums / total[..., None],
        spread=spread / total,
        visible=np.where(inside[:, None, None], visible / (last - first)[:, None, None], 0.0),
    )


def _window_sums(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sums over rows `first` to `last` - 1 of each window. Shape (n, ...)."""
    return np.array(
        [values[i:j].sum(axis=0) for i, j in zip(first.tolist(), last.tolist(), strict=True)]
    ).reshape(len(first), *values.shape[1:])


def key_residuals(
    geometry: KeyboardGeometry, keys: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places against keys: along the keyboard from the key's middle, and short of its front.

    The middle of a white key farther in than the fronts of the black keys is that of the part that
    is free between them.

    Args:
        geometry: the keyboard.
        keys: index of the key of each row, 0 to 87. Shape (n,).
        places: x and y in the world [m]. Shape (n, ..., 2).

    Returns:
        Signed distance along the keyboard, distance short of the front (0 or above), and half of
        the key's width there, all [m]. Shape (n, ...).
    """
    if len(keys) != len(places):
        raise InvalidValue("number of keys", len(keys), f"that of places, {len(places)}")
    spare = (slice(None), *(None,) * (places.ndim - 2))
    deep = ~geometry.black[keys][spare] & (places[..., 1] > geometry.press_y[keys, 1][spare])
    back = geometry.back_x[keys]
    middle = np.where(deep, back.mean(axis=1)[spare], geometry.x[keys][spare])
    half = np.where(deep, 0.5 * np.diff(back)[:, 0][spare], 0.5 * geometry.width[keys][spare])
    along = places[..., 0] - middle
    short = np.maximum(geometry.front_y[keys][spare] - places[..., 1], 0.0)
    return along, short, half


def area_distance(geometry: KeyboardGeometry, keys: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Distance of places from the area of keys [m]; 0 across a key's width and farther in.

    Args:
        geometry: the keyboard.
        keys: index of the key of each row, 0 to 87. Shape (n,).
        places: x and y in the world [m]. Shape (n, ..., 2).

    Returns:
        Shape (n, ...); NaN where the place is.
    """
    along, short, half = key_residuals(geometry, keys, places)
    return np.hypot(np.maximum(np.abs(along) - half, 0.0), short)
