"""Which keys a picture shows, once a camera is about right: their colours, and where they end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.watch.key_pattern import BEYOND, OCTAVE, key_pattern, key_samples
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_fit import sample

WHITE_LEAST = 0.35
"""Least brightness of a white key, 0 as black keys and 1 as white ones; shade costs about half."""

BLACK_MOST = 0.40
"""Largest brightness of a black key on the same scale."""

COLOUR_MOST = 0.10
"""Largest distance of a key's colour from the line between black and white keys, by their contrast.
Wood and skin are about 0.15 away, shade is on the line."""

LEAST_PART = 0.5
"""Least share of places on a part of a key that are right; half of it may be under a hand."""

MISS = -1.5
"""What a key that is not as it should be costs a run, by what one that is brings; so a run goes on
under a hand, and ends where two keys in three are wrong."""

TRUSTED = (0.6, 0.9, 1.0)
"""Share of a run, about its middle, from which the next round takes the colours of keys."""

LIT = 3
"""Octaves over which the light on the keys is taken as the same."""


class KeyRun(NamedTuple):
    """The keys of a picture."""

    first: int
    """Number of the first key."""

    last: int
    """Number of the last key."""

    share: float
    """Share of these keys that look as they should."""

    left_end: bool
    """The picture shows what is to the left of the first key."""

    right_end: bool
    """The picture shows what is to the right of the last key."""

    @property
    def size(self) -> int:
        """Number of keys."""
        return self.last - self.first + 1

    @property
    def keys(self) -> tuple[int, int]:
        """Numbers of the first and the last key."""
        return self.first, self.last


def find_run(view: KeyboardView, picture: np.ndarray) -> KeyRun | None:
    """The longest run of keys that look as they should.

    Args:
        view: the camera, within a third of a black key's width of the truth.
        picture: colours. Shape (height, width, 3).

    Returns:
        None where fewer than an octave's keys are in the picture or none looks right.
    """
    pattern = key_pattern()
    first, last = -BEYOND, len(pattern.black) - BEYOND - 1
    samples = key_samples(first, last)
    pixels = view.to_pixels(samples.points)
    inside = ((pixels > 0) & (pixels < np.array(view.size))).all(axis=1)
    inside &= np.isfinite(pixels).all(axis=1)
    numbers = np.arange(first, last + 1)
    shown = np.array([inside[samples.key == number].all() for number in numbers])
    if shown.sum() < OCTAVE:
        return None
    values = np.stack([sample(channel, pixels) for channel in np.moveaxis(picture, 2, 0)], axis=1)
    trusted = inside
    begin, end, passed = 0, -1, shown
    for middle in TRUSTED:
        right = _look_right(values, samples.light > 0.5, samples.points[:, 0], trusted)
        share = np.array(
            [_share(right, samples.front, samples.key == number) for number in numbers]
        )
        passed = shown & (share >= LEAST_PART)
        begin, end = _best_run(np.where(shown, np.where(passed, 1.0, MISS), -1e3))
        begin, end = _trimmed(begin, end, shown)
        if end < begin:
            return None
        left = begin + 0.5 * (1 - middle) * (end - begin)
        trusted = inside & (samples.key >= numbers[0] + left)
        trusted &= samples.key <= numbers[0] + begin + end - left
    return KeyRun(
        first=int(numbers[begin]),
        last=int(numbers[end]),
        share=float(passed[begin : end + 1].mean()),
        left_end=bool(begin >= 2 and shown[begin - 2 : begin].all()),
        right_end=bool(end + 2 < len(shown) and shown[end + 1 : end + 3].all()),
    )


def _share(right: np.ndarray, front: np.ndarray, key: np.ndarray) -> float:
    """Share of a key that looks right: that of its front or of its back, whichever is less."""
    parts = [right[key & part] for part in (front, ~front)]
    return min(float(part.mean()) for part in parts if part.size)


def _trimmed(begin: int, end: int, shown: np.ndarray) -> tuple[int, int]:
    """A run without black keys at its ends, unless the picture ends there.

    Keyboards begin and end with white keys; what looks like a black one there is dark wood.
    """
    black = key_pattern().black
    while end > begin and black[begin] and begin >= 1 and shown[begin - 1]:
        begin += 1
    while end > begin and black[end] and end + 1 < len(shown) and shown[end + 1]:
        end -= 1
    return begin, end


def _look_right(
    values: np.ndarray, white: np.ndarray, x: np.ndarray, trusted: np.ndarray
) -> np.ndarray:
    """Places whose colours are those of their keys, by the colours of the keys around them.

    Args:
        values: colours. Shape (n, 3).
        white: the place is on a white key. Shape (n,).
        x: along the keyboard [m]. Shape (n,).
        trusted: the place is on a key, and in the picture; colours are taken there. Shape (n,).
    """
    reach = 0.5 * LIT * key_pattern().octave
    right = np.zeros(len(values), dtype=bool)
    if not trusted.any():
        return right
    low, high = x[trusted].min() + reach, x[trusted].max() - reach
    columns = x.round(2)
    for place in np.unique(columns):
        rows = columns == place
        middle = np.clip(place, min(low, high), max(low, high))
        near = trusted & (np.abs(x - middle) <= reach)
        if not (near & white).any() or not (near & ~white).any():
            continue
        light = np.median(values[near & white], axis=0)
        dark = np.median(values[near & ~white], axis=0)
        axis = light - dark
        contrast = max(float(np.linalg.norm(axis)), 1e-6)
        if axis.sum() <= 0 or contrast < 20.0:
            continue
        offset = values[rows] - dark
        level = offset @ axis / contrast**2
        aside = np.linalg.norm(offset - level[:, None] * axis, axis=1) / contrast
        right[rows] = np.where(
            white[rows],
            (level > WHITE_LEAST) & (level < 2.0) & (aside < COLOUR_MOST),
            level < BLACK_MOST,
        )
    return right


def _best_run(gains: np.ndarray) -> tuple[int, int]:
    """First and last row of the run with the largest sum (Kadane)."""
    best, begin, end = 0.0, 0, -1
    total, start = 0.0, 0
    for row, gain in enumerate(gains):
        if total <= 0:
            total, start = 0.0, row
        total += float(gain)
        if total > best:
            best, begin, end = total, start, row
    return begin, end
