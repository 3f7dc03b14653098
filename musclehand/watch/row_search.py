"""Rows of a picture that cross black keys: where, how large and how turned the keyboard is.

Every row of the picture, turned by small angles, is correlated with the pattern of dark and light
of the 88 keys over scale and shift. Keys beyond the picture do not count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from musclehand.music.pitch import NUM_KEYS
from musclehand.watch.key_pattern import key_pattern

WIDTH = 640
"""[pixels] Width of the reduced picture that is searched; a black key is 5 pixels or more."""

ANGLES_DEG = tuple(range(-8, 9, 4))
"""[deg] Turns that are tried; a row stays on black keys over 2 degrees to either side."""

FINE_DEG = (-2, 0, 2)
"""[deg] Turns about the best of `ANGLES_DEG` that are tried then."""

WIDTHS_IN_VIEW = (0.5, 2.6)
"""[m] Least and largest width of the picture at the keys: from three octaves to a keyboard that
fills half of it."""

SCALE_STEPS = (1.024, 1.008)
"""Ratio between scales, in the search over all and about the best; the ends of a keyboard move by
less than half of a white key."""

FINE_ROWS = 8
"""Rows that are searched again about the best place."""

ROW_STEP = 5
"""[pixels] Between rows, which are means over as many; black keys are five times as long."""


LEAST_POWER = 1.0
"""Energy below which a row is plain."""


class RowMatch(NamedTuple):
    """A place of the keyboard in a picture."""

    score: float
    """Correlation, weighed by the share of the row."""

    angle: float
    """[rad] Direction of the keyboard, clockwise in the picture."""

    scale: float
    """[pixels/m] Along the keyboard."""

    pixel: np.ndarray
    """[pixels] Where the middle of the 88 keys' black ones is. Shape (2,)."""


def match_rows(grey: np.ndarray) -> list[RowMatch]:
    """The best place for each turn of the picture, best first.

    Args:
        grey: brightness. Shape (height, width).
    """
    from PIL import Image

    height, width = grey.shape
    ratio = width / WIDTH
    small = Image.fromarray(np.asarray(grey, dtype=np.float32)).resize(
        (WIDTH, max(8, round(height / ratio))), Image.Resampling.BOX
    )
    fill = float(np.median(grey))
    low, high = WIDTH / WIDTHS_IN_VIEW[1], WIDTH / WIDTHS_IN_VIEW[0]
    templates = _templates(low, high, SCALE_STEPS[0])

    def search(angle_deg: int, templates: list[_Template], rows: int | None) -> RowMatch:
        turned = small.rotate(angle_deg, Image.Resampling.BILINEAR, fillcolor=fill)
        score, scale, x, y = _best_row(np.asarray(turned), templates, rows)
        angle = float(np.radians(angle_deg))
        centre = np.array([small.width, small.height]) / 2
        cos, sin = np.cos(angle), np.sin(angle)
        # Pillow turns pictures anticlockwise; the way back is clockwise.
        away = np.array([[cos, -sin], [sin, cos]]) @ (np.array([x, y]) - centre)
        return RowMatch(score, angle, scale * ratio, (away + centre) * ratio)

    coarse = max((search(angle, templates, None) for angle in ANGLES_DEG), key=lambda m: m.score)
    scale = coarse.scale / ratio
    templates = _templates(scale / SCALE_STEPS[0], scale * SCALE_STEPS[0], SCALE_STEPS[1])
    middle = round(np.degrees(coarse.angle))
    matches = [search(middle + turn, templates, FINE_ROWS) for turn in FINE_DEG]
    return sorted([*matches, coarse], key=lambda match: -match.score)


class _Template(NamedTuple):
    """The pattern of the keys at one scale."""

    scale: float
    """[pixels/m]."""

    values: np.ndarray
    """Light minus the mean. Shape (n,)."""


def _templates(least: float, largest: float, step: float) -> list[_Template]:
    """Templates at scales from the least to the largest [pixels/m], each `step` times the last."""
    pattern = key_pattern()
    rows = pattern.rows(0, NUM_KEYS - 1)
    black = pattern.black[rows]
    dark = pattern.back_x[rows][black]
    low, high = pattern.front_x[rows][0, 0], pattern.front_x[rows][-1, 1]
    count = int(np.log(largest / least) / np.log(step) + 1e-6) + 1
    templates = []
    for scale in least * step ** np.arange(count):
        size = int((high - low) * scale)
        edges = low + np.arange(size + 1) / scale
        # Share of each pixel that is dark.
        covered = sum(
            np.clip(np.minimum(edges[1:], right) - np.maximum(edges[:-1], left), 0.0, None)
            for left, right in dark
        )
        values = 0.5 - np.asarray(covered) * scale
        templates.append(
            _Template(float(scale), np.asarray(values - values.mean(), dtype=np.float32))
        )
    return templates


def _best_row(
    picture: np.ndarray, templates: list[_Template], kept: int | None
) -> tuple[float, float, float, float]:
    """Score, scale, and place of the middle of the keys of the best row.

    Args:
        picture: brightness. Shape (height, WIDTH).
        templates: to compare with.
        kept: only this many rows, the best at the middle template, are compared with all.
    """
    rows = _standardised(picture)
    numbers = np.arange(len(rows))
    if kept is not None:
        score, _ = _correlate(rows, templates[len(templates) // 2])
        numbers = np.argsort(-score.max(axis=1))[:kept]
        rows = rows[numbers]
    best = (-1.0, 1.0, 0.0, 0.0)
    for template in templates:
        score, begin = _correlate(rows, template)
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] > best[0]:
            middle = float(begin[column]) + len(template.values) / 2
            height = (float(numbers[row]) + 0.5) * ROW_STEP
            best = (float(score[row, column]), template.scale, middle, height)
    return best


def _standardised(picture: np.ndarray) -> np.ndarray:
    """Means over `ROW_STEP` rows, less what changes slowly, by their deviation."""
    rows = picture[: len(picture) // ROW_STEP * ROW_STEP]
    rows = rows.reshape(-1, ROW_STEP, picture.shape[1]).mean(axis=1)
    rows = rows - uniform_filter1d(rows, WIDTH // 6, axis=1, mode="nearest")
    deviation = rows.std(axis=1, keepdims=True)
    rows = rows / np.maximum(deviation, 1e-6 + 0.02 * deviation.max())
    return np.asarray(np.clip(rows, -2.5, 2.5), dtype=np.float32)


def _correlate(rows: np.ndarray, template: _Template) -> tuple[np.ndarray, np.ndarray]:
    """Weighed correlation of every row for each begin of the template, and the begins [pixels]."""
    count = len(template.values)
    size = int(next_fast_len(WIDTH + count, real=True))
    spectrum = rfft(rows, size, axis=1) * np.conj(rfft(template.values, size))
    least = WIDTH // 2
    # The template begins at these columns; negative ones are at the end of the circle.
    begin = np.arange(min(0, least - count), max(WIDTH - count, WIDTH - least) + 1)
    numerator = irfft(spectrum, size, axis=1)[:, begin]
    left, right = np.clip(begin, 0, WIDTH), np.clip(begin + count, 0, WIDTH)
    energy = np.pad(np.cumsum(rows.astype(float) ** 2, axis=1), ((0, 0), (1, 0)))
    own = np.pad(np.cumsum(template.values**2), (1, 0))
    power = (energy[:, right] - energy[:, left]) * (own[right - begin] - own[left - begin])
    weight = ((right - left) / WIDTH) ** np.float32(0.25)
    return numerator / np.sqrt(np.maximum(power, LEAST_POWER)) * weight, begin
