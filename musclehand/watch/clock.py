"""The clock between a film and notes: offset and drift, from fingertips that must be on keys.

At the right offset a fingertip is near the key of every note as it begins; a tenth of a second off,
fingertips are on other keys. So the mean distance over all notes, as a function of the offset, has
its minimum there. All offsets at which the notes meet the film are tried, at the film's frames.
The minimum is then located between frames, in windows of a minute for the drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import MusclehandError
from musclehand.music.pitch import LOWEST_PITCH, NUM_KEYS
from musclehand.music.score import Pedal, Score
from musclehand.piano.geometry import PianoParameters
from musclehand.watch.contacts import TipTrack, key_residuals, keys_of, track_tips
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.view import KeyboardView

WINDOW = 60.0
"""[s] Length of the windows in which the drift is measured."""

LARGEST_DRIFT = 0.01
"""Largest drift that is looked for: ten times that between 24 and 23.976 frames a second."""

NEAR = 0.008
"""[m] A fingertip that is no farther from a key's area is on it. On a film, it keeps 0.993 of the
notes that were played."""

LEAST_SHARE = 0.8
"""Least share of notes with a fingertip on their key, below which film and notes do not belong
together; chosen, true pairs have 0.95 and more."""

EARLY = 0.1
"""[s] A note that begins before the film by no more belongs to it; chosen, three frames."""

_TOUCH = 0.02
"""[s] Time after a note's onset, and before its end, at which fingertips are looked at; chosen,
within a short note. Fingers come to their keys before a note and leave them after it, so looks at
both ends make the minimum lie at the true offset."""

_LONGEST = 0.4
"""[s] Time from the onset at which a longer note is looked at in place of its end; chosen, since
the pedal and transcriptions lengthen notes."""

_FAR = 0.03
"""[m] Distances count up to this, more than a white key; chosen."""

_LEAST_COVERED = 0.5
"""Least share of the notes that are in the film; chosen."""

_LARGEST_SPREAD = 1e-4
"""[m^2] Bridged fingertips of a larger variance do not count, a standard deviation of 10 mm."""

_APART = 0.5
"""[s] Two offsets that are closer are the same; chosen."""

_ALIKE = 3.0
"""Two offsets are alike if the notes' distances differ on the mean by less than this many standard
errors; chosen."""

_FINE = 0.005
"""[s] Step of offsets between frames."""

_VALLEY = 0.2
"""[s] Offsets about the minimum between which it is located; chosen."""

_FLOOR_SHARE = 0.3
"""Share of the valley's depth in whose middle the minimum is taken to be; chosen, since fingers
rest on keys for a while and the valley is flat."""


class ClockError(MusclehandError):
    """Film and notes that do not belong together, or whose clock is not determined."""


@dataclass(frozen=True)
class Clock:
    """Time of a film by the time of notes: `offset + (1 + drift) * time`."""

    offset: float
    """[s] Time in the film at which the notes' time is 0."""

    drift: float = 0.0
    """Seconds that the film gains in a second of the notes."""

    share: float = 1.0
    """Share of the notes in the film that have a fingertip on their key."""

    distance: float = 0.0
    """[m] Mean distance of the nearest fingertip from the middles of notes' keys as they begin."""

    def to_film(self, score: Score) -> Score:
        """The score in the time of the film.

        Notes that begin before the film by up to `EARLY` begin with it; earlier ones are left out.
        """
        scale = 1.0 + self.drift
        times = self.offset + scale * score.intervals
        notes = [
            replace(note, onset=max(0.0, onset), offset=offset)
            for note, (onset, offset) in zip(score.notes, times.tolist(), strict=True)
            if onset >= -EARLY and offset > 0.0
        ]
        pedals = tuple(
            Pedal(max(0.0, self.offset + scale * pedal.start), self.offset + scale * pedal.end)
            for pedal in score.pedals
            if self.offset + scale * pedal.end > 0.0
        )
        return replace(score, notes=tuple(notes), pedals=pedals)


class _Table(NamedTuple):
    """Distances of the nearest fingertip from every key, at equal steps of time."""

    rate: float
    """[Hz]"""

    start: float
    """[s] Time of the first column."""

    distance: np.ndarray
    """[m] From the middle of the key, up to `_FAR`; NaN where no hand is visible. Shape (88, T)."""

    half: np.ndarray
    """[m] Half of the width of each key. Shape (88,)."""

    def at(self, keys: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Distances for keys at times in the film [m], interpolated; NaN outside of it."""
        place = (times - self.start) * self.rate
        last = self.distance.shape[1] - 1
        inside = (place >= 0.0) & (place <= last)
        left = np.clip(np.floor(place).astype(int), 0, max(last - 1, 0))
        share = place - left
        right = np.minimum(left + 1, last)
        between = self.distance[keys, left] * (1.0 - share) + self.distance[keys, right] * share
        return np.where(inside, between, np.nan)


class _Fit(NamedTuple):
    """The best offset and drift for the keys of some notes."""

    offset: float
    """[s]"""

    drift: float
    """Relative."""

    curve: np.ndarray
    """[m] Mean distance at this drift by the offset; NaN where too few notes are in the film."""

    offsets: np.ndarray
    """[s] Offsets of the curve."""


def find_clock(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    *,
    piano: PianoParameters | None = None,
    search: tuple[float, float] | None = None,
) -> Clock:
    """Offset and drift between a film and notes.

    Args:
        landmarks: of the film.
        view: its camera.
        score: notes, in a time of their own.
        piano: the keyboard, by default the bundled one.
        search: least and largest offset [s]; by default all at which half of the notes are in the
            film.

    Raises:
        ClockError: there are no notes, too few of them have a fingertip on their key, or two
            offsets fit alike. The message tells where another octave or a mirrored picture fits.
    """
    if not len(score):
        raise ClockError("there are no notes to find in the film")
    table = _distances(track_tips(landmarks, view, piano=piano), piano)
    keys, onset = _looks(score)
    fit = _fit(table, keys, onset, search)
    clock = _refine(table, keys, onset, fit) if fit is not None else None
    if clock is None or clock.share < LEAST_SHARE:
        raise ClockError(
            _explain(table, keys, onset, search, 0.0 if clock is None else clock.share)
        )
    if search is None and fit is not None:
        rival = _rival(table, keys, onset, fit)
        if rival is not None:
            raise ClockError(
                f"the notes fit the film alike at {clock.offset:.2f} s and at {rival:.2f} s; "
                "tell about where they begin"
            )
    return clock


def _looks(score: Score) -> tuple[np.ndarray, np.ndarray]:
    """Keys and times at which fingertips are looked at, two for each note [s]. Shapes (2 n,)."""
    onset, offset = score.intervals.T
    end = np.minimum(offset, onset + _LONGEST)
    times = np.concatenate([np.minimum(onset + _TOUCH, end), np.maximum(end - _TOUCH, onset)])
    order = np.argsort(times, kind="stable")
    return np.tile(score.pitches - LOWEST_PITCH, 2)[order], times[order]


def _distances(track: TipTrack, piano: PianoParameters | None) -> _Table:
    """Distances of the nearest fingertip from every key.

    Args:
        track: fingertips of the film.
        piano: the keyboard, by default the bundled one.
    """
    geometry = keys_of(piano)
    rate = 1.0 / float(np.median(np.diff(track.time)))
    grid = np.arange(track.time[0], track.time[-1] + 1e-9, 1.0 / rate)
    row = np.clip(np.searchsorted(track.time, grid - 0.5 / rate), 0, len(track.time) - 1)
    vague = (track.spread > _LARGEST_SPREAD)[..., None]
    distance = np.empty((NUM_KEYS, len(grid)))
    widths = np.empty(NUM_KEYS)
    for key in range(NUM_KEYS):
        places = np.where(vague, np.nan, track.places[int(geometry.black[key])])[row]
        along, short, half = key_residuals(geometry, np.full(len(row), key), places)
        away = np.hypot(along, short).reshape(len(row), -1)
        nearest = np.where(np.isnan(away), np.inf, away).min(axis=1)
        distance[key] = np.where(np.isinf(nearest), np.nan, np.minimum(nearest, _FAR))
        widths[key] = float(np.nanmedian(half)) if np.isfinite(half).any() else 0.0
    return _Table(rate, float(track.time[0]), distance, widths)


def _fit(
    table: _Table, keys: np.ndarray, onset: np.ndarray, search: tuple[float, float] | None
) -> _Fit | None:
    """The offset and drift of the least mean distance; None where no offset is legal.

    Args:
        table: distances in the film.
        keys: of the notes, 0 to 87. Shape (n,).
        onset: times at which they are looked at [s]. Shape (n,).
        search: least and largest offset [s], if bounded.
    """
    frames = np.rint(onset * table.rate).astype(int)
    span = table.distance.shape[1]
    longest = int(frames.max())
    window = ((onset - onset[0]) // WINDOW).astype(int)
    centres = np.array([onset[window == w].mean() for w in np.unique(window)])
    sums = np.zeros((len(centres), longest + span))
    counts = np.zeros_like(sums)
    valid = np.isfinite(table.distance)
    filled = np.where(valid, table.distance, 0.0)
    for row, w in enumerate(np.unique(window)):
        for key, frame in zip(keys[window == w], frames[window == w], strict=True):
            begin = longest - frame
            sums[row, begin : begin + span] += filled[key]
            counts[row, begin : begin + span] += valid[key]
    offsets = (np.arange(longest + span) - longest) / table.rate + table.start
    legal = np.ones(len(offsets), dtype=bool)
    if search is not None:
        legal = (offsets >= search[0]) & (offsets <= search[1])
    best: _Fit | None = None
    lowest = np.inf
    for drift in _drifts(centres, table.rate):
        shift = np.rint(drift * centres * table.rate).astype(int)
        total, count = (_shifted_sum(values, shift) for values in (sums, counts))
        enough = legal & (count >= _LEAST_COVERED * len(keys))
        if not enough.any():
            continue
        usual = total[enough].sum() / count[enough].sum()
        curve = np.where(enough, (total + usual * (len(keys) - count)) / len(keys), np.nan)
        place = int(np.nanargmin(curve))
        if curve[place] < lowest - 1e-12:
            lowest = float(curve[place])
            best = _Fit(float(offsets[place]), float(drift), curve, offsets)
    return best


def _drifts(centres: np.ndarray, rate: float) -> np.ndarray:
    """Drifts that are tried, from the smallest: steps of half a frame over the notes' length.

    Args:
        centres: mean times of the windows [s]. Shape (w,).
        rate: of the frames [Hz].
    """
    length = float(np.ptp(centres))
    if length < WINDOW / 2:
        return np.zeros(1)
    count = int(np.ceil(LARGEST_DRIFT * length * rate / 0.5))
    drifts = np.linspace(-LARGEST_DRIFT, LARGEST_DRIFT, 2 * count + 1)
    return drifts[np.argsort(np.abs(drifts), kind="stable")]


def _shifted_sum(values: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Sum of rows, each moved to the left by its shift, zeros outside. Shape (m,).

    Args:
        values: shape (w, m).
        shift: shape (w,).
    """
    size = values.shape[1]
    total = np.zeros(size)
    for row, step in zip(values, shift.tolist(), strict=True):
        if abs(step) >= size:
            continue
        total[max(0, -step) : size - max(0, step)] += row[max(0, step) : size + min(0, step)]
    return total


def _refine(table: _Table, keys: np.ndarray, onset: np.ndarray, fit: _Fit) -> Clock:
    """The clock between frames: a line through the minima of the windows.

    Args:
        table: distances in the film.
        keys: of the notes, 0 to 87. Shape (n,).
        onset: times at which they are looked at [s]. Shape (n,).
        fit: offset and drift to a frame.
    """
    fine = np.arange(-_VALLEY, _VALLEY + _FINE / 2, _FINE)
    base = fit.offset + (1.0 + fit.drift) * onset
    window = ((onset - onset[0]) // WINDOW).astype(int)
    times = []
    corrections = []
    counts = []
    for w in np.unique(window):
        rows = window == w
        away = table.at(keys[rows], base[rows] + fine[:, None])
        covered = np.isfinite(away).all(axis=0)
        if covered.any():
            times.append(float(onset[rows][covered].mean()))
            corrections.append(_valley_middle(fine, away[:, covered].mean(axis=1)))
            counts.append(int(covered.sum()))
    offset, drift = fit.offset, fit.drift
    if len(times) > 1 and np.ptp(times) >= WINDOW / 2:
        slope, level = np.polyfit(times, corrections, 1, w=np.sqrt(counts))
        offset, drift = offset + float(level), drift + float(slope)
    elif times:
        offset += float(np.average(corrections, weights=counts))
    away = table.at(keys, offset + (1.0 + drift) * onset)
    inside = np.isfinite(away)
    away = away[inside]
    share = float((away <= NEAR + table.half[keys[inside]]).mean()) if len(away) else 0.0
    return Clock(offset, drift, share, float(away.mean()) if len(away) else _FAR)


def _valley_middle(offsets: np.ndarray, curve: np.ndarray) -> float:
    """The middle of the bottom of a curve about its minimum [s].

    Args:
        offsets: ascending [s]. Shape (m,).
        curve: mean distance at each. Shape (m,).
    """
    place = int(np.argmin(curve))
    level = curve[place] + _FLOOR_SHARE * (min(curve[0], curve[-1]) - curve[place])
    above = np.flatnonzero(curve > level)
    left = above[above < place]
    right = above[above > place]
    if not len(left) or not len(right):
        return float(offsets[place])
    sides = [
        np.interp(level, sorted((curve[i], curve[j])), ordered)
        for i, j in ((left[-1], left[-1] + 1), (right[0] - 1, right[0]))
        for ordered in [offsets[[i, j]] if curve[i] <= curve[j] else offsets[[j, i]]]
    ]
    return float(np.mean(sides))


def _rival(table: _Table, keys: np.ndarray, onset: np.ndarray, fit: _Fit) -> float | None:
    """An offset that fits as well as the best one [s], if there is any.

    Distances at both offsets are compared note by note.

    Args:
        table: distances in the film.
        keys: of the notes, 0 to 87. Shape (n,).
        onset: times at which they are looked at [s]. Shape (n,).
        fit: the best offset.
    """
    apart = np.isfinite(fit.curve) & (np.abs(fit.offsets - fit.offset) >= _APART)
    if not apart.any():
        return None
    offset = float(fit.offsets[int(np.argmin(np.where(apart, fit.curve, np.inf)))])
    times = (1.0 + fit.drift) * onset
    worse = table.at(keys, offset + times) - table.at(keys, fit.offset + times)
    worse = worse[np.isfinite(worse)]
    if len(worse) < 2:
        return offset
    error = float(worse.std(ddof=1)) / np.sqrt(len(worse))
    return offset if float(worse.mean()) < _ALIKE * error else None


def _explain(
    table: _Table,
    keys: np.ndarray,
    onset: np.ndarray,
    search: tuple[float, float] | None,
    share: float,
) -> str:
    """Why film and notes do not fit: another octave or a mirrored picture, if that fits.

    Args:
        table: distances in the film.
        keys: of the notes, 0 to 87. Shape (n,).
        onset: times at which they are looked at [s]. Shape (n,).
        search: least and largest offset [s], if bounded.
        share: of the notes with a fingertip on their key.
    """
    lead = (
        f"film and notes do not belong together: a fingertip is on the key of {100 * share:.0f} % "
        f"of the notes, at least {100 * LEAST_SHARE:.0f} % are needed"
    )
    best = (max(share + 0.1, LEAST_SHARE), "")
    for moved, reason in _hypotheses(keys):
        if moved.min() < 0 or moved.max() >= NUM_KEYS:
            continue
        fit = _fit(table, moved, onset, search)
        fitted = 0.0 if fit is None else _refine(table, moved, onset, fit).share
        if fitted > best[0]:
            best = (fitted, f"; {reason} ({100 * fitted:.0f} %)")
    return lead + best[1]


def _hypotheses(keys: np.ndarray) -> Sequence[tuple[np.ndarray, str]]:
    """Keys that the notes may have in the picture, and what that would mean.

    A mirrored keyboard has the same pattern about D4.
    """
    mirrored = 2 * (62 - LOWEST_PITCH) - keys
    moves = [(octaves, keys + 12 * octaves, "") for octaves in (-2, -1, 1, 2)]
    moves += [(octaves, mirrored + 12 * octaves, "mirrored") for octaves in (0, -1, 1, -2, 2)]
    listed = []
    for octaves, moved, kind in moves:
        way = "higher" if octaves > 0 else "lower"
        octave = f"{abs(octaves)} octave{'s' * (abs(octaves) > 1)} {way}"
        if kind:
            reason = "the picture is mirrored, with it turned over they fit"
        else:
            reason = f"the notes fit {octave} in the picture, correct the lowest key of the view"
        listed.append((moved, reason))
    return listed
