"""Likeness of a played motion to a person's: paths, joints, fingertips, preparation, distribution.

Both are clips on the clock of one score (`motion.person`). Figures count times at which the person
was seen and the player played. Each stands beside its chance, the same person `CHANCE_SHIFT`
seconds later, and beside its ceiling where the error of the person's motion is known: no motion can
be shown to be closer than that.

A finger plays from `STRIKE` before the onset of its note to `RELEASE` after the end; else it waits.
Fingers are those of the player's notes, and of the person's where their clip has notes. Figures of
waiting fingers tell about the person's manner, those of playing fingers about the notes. Along is
along the keyboard, across is along its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import DIGITS, INDEPENDENT_JOINTS, NUM_TIPS, Side, digit_joints
from musclehand.motion.clip import NOTE_COLUMNS, MotionClip
from musclehand.motion.person import (
    JOINT_ERROR,
    TIP_ERROR,
    WRIST_ERROR,
    PersonSamples,
    error_of,
    sample_person,
    start_of,
)

STEP = 0.01
"""[s] Time between the samples that are compared; chosen, finer than films and coarser than
simulated motion."""

CHANCE_SHIFT = 5.0
"""[s] Time by which the person is moved for chance, at most half of the motion; chosen, longer than
a phrase is alike to itself."""

STRIKE = 0.05
"""[s] Before the onset of its note a finger strikes; chosen, the time of a quick descent."""

RELEASE = 0.05
"""[s] After the end of its note a finger leaves the key; chosen."""

OVER_KEY = 0.010
"""[m] A finger is prepared while it is this close, along the keyboard, to the place at which its
note begins: not yet over the neighbouring white key. Chosen."""

LONGEST_PREPARATION = 1.0
"""[s] Longest time of preparation that is told apart; chosen."""

WINDOW = 0.25
"""[s] Length of the windows of the Frechet distance; chosen, about the time of a finger's way."""

LEAST_SAMPLES = 20
"""Fewest samples of which a correlation is told; chosen."""

LEAST_SPREAD = 1e-4
"""[m] A path that spreads less has no correlation: the resolution of clips. Chosen."""

_FINGER_COLUMNS = [
    [INDEPENDENT_JOINTS.index(name) for name in digit_joints(digit) if name in INDEPENDENT_JOINTS]
    for digit in DIGITS
]


@dataclass(frozen=True)
class LikenessFigures:
    """Figures over all hands; None where there is nothing to compare."""

    wrist_along_r: float | None = None
    """Correlation over time of the wrists' places along the keyboard; mean over hands."""

    wrist_across_r: float | None = None
    """The same along the keys."""

    wrist_along_rms_mm: float | None = None
    """[mm] Root mean square of the wrists' distance along the keyboard."""

    wrist_across_rms_mm: float | None = None
    """[mm] The same along the keys."""

    joint_rms_deg: float | None = None
    """[deg] Root mean square of the difference of joint angles, over joints of waiting fingers."""

    idle_tip_mm: float | None = None
    """[mm] Mean distance of waiting fingertips, as seen from above."""

    idle_tip_3d_mm: float | None = None
    """[mm] The same with heights."""

    playing_tip_mm: float | None = None
    """[mm] Mean distance of playing fingertips, as seen from above."""

    tips_along_r: float | None = None
    """Correlation over time of fingertips' places about the wrist along the keyboard; mean over
    fingers and hands."""

    tips_across_r: float | None = None
    """The same along the keys."""

    preparation_ms: float | None = None
    """[ms] Mean absolute difference of the times before onsets from which fingers are over their
    keys (`OVER_KEY`)."""

    frechet_deg: float | None = None
    """[deg] Frechet distance of normal distributions fitted to windows of `WINDOW`: of mean angles,
    and of root-mean-square speeds times the window's length, of all joints (Dowson & Landau 1982,
    J Multivar Anal 12:450); mean over hands."""


@dataclass(frozen=True)
class Likeness:
    """How alike a played motion is to a person's."""

    figures: LikenessFigures
    """Of the person and the player."""

    chance: LikenessFigures
    """Of the person at other times, and the player. For `frechet_deg`, which has no times: of the
    person's other hand, in the sense of a right one, and the player; None with one hand."""

    ceiling: LikenessFigures
    """Of the person and a player who moved exactly as they did, given the error of their recorded
    motion; None where it is not known."""

    seen_s: float
    """[s] Time that was compared, summed over hands."""

    seen_share: float
    """Share of the played time at which the person was seen, 0 to 1."""

    def as_dict(self) -> dict[str, object]:
        """All figures by name, each with its chance and its ceiling, as plain data for JSON."""
        return {
            "seen_s": self.seen_s,
            "seen_share": self.seen_share,
            **{
                item.name: {
                    "value": getattr(self.figures, item.name),
                    "chance": getattr(self.chance, item.name),
                    "ceiling": getattr(self.ceiling, item.name),
                }
                for item in fields(LikenessFigures)
            },
        }


class _Pair(NamedTuple):
    """One hand of a person and of a player at the same n times."""

    person: PersonSamples
    """The person's."""

    played: PersonSamples
    """The player's."""

    seen: np.ndarray
    """Both are known. Shape (n,), bool."""

    waiting: np.ndarray
    """Fingers that wait in both. Shape (n, 5), bool."""

    playing: np.ndarray
    """Fingers that the player has on a key. Shape (n, 5), bool."""

    onsets: np.ndarray
    """Index of the sample at each onset of the player's, and digit. Shape (k, 2), int."""

    free_from: np.ndarray
    """Index of the first sample at which that finger is free for it. Shape (k,), int."""


def likeness(person: Mapping[Side, MotionClip], played: Mapping[Side, MotionClip]) -> Likeness:
    """Compares a played motion with a person's.

    Args:
        person: clips of their hands, on the clock of the score. The errors in their sources make
            the ceiling.
        played: clips of the player's hands on the same clock, with the notes that they played.

    Raises:
        InvalidValue: a text in a clip's source is not legal.
    """
    sides = [side for side in played if side in person]
    pairs = [_pair(person[side], played[side], shift=0.0) for side in sides]
    shifted = [_pair(person[side], played[side], shift=_shift(played[side])) for side in sides]
    chance = _measure(shifted)
    others = [
        _pair(person[other], played[side], shift=0.0)
        for side in sides
        for other in person
        if other is not side
    ]
    samples = sum(len(pair.seen) for pair in pairs)
    seen = sum(int(pair.seen.sum()) for pair in pairs)
    return Likeness(
        figures=_measure(pairs),
        chance=_with_frechet(chance, _mean(map(_frechet, others))),
        ceiling=_ceiling([person[side] for side in sides], pairs),
        seen_s=seen * STEP,
        seen_share=seen / samples if samples else 0.0,
    )


def _shift(clip: MotionClip) -> float:
    """Time by which the person is moved for chance [s]."""
    return min(CHANCE_SHIFT, 0.5 * clip.frames * clip.dt)


def _pair(person: MotionClip, played: MotionClip, *, shift: float) -> _Pair:
    """A hand of both at the times of the player's clip.

    Args:
        person: the person's clip.
        played: the player's clip.
        shift: time by which the person is earlier; the end follows on the beginning [s].
    """
    start = start_of(played)
    length = (played.frames - 1) * played.dt
    count = max(1, int(length / STEP + 1e-6) + 1)
    times = start + STEP * np.arange(count)
    theirs = times if shift == 0.0 else start + (times - start + shift) % max(length, STEP)
    samples = sample_person(person, theirs)
    own = sample_person(played, times)
    busy = _playing(played, times, STRIKE, RELEASE)
    if len(person.notes):
        busy |= _playing(person, theirs, STRIKE, RELEASE)
    onsets, free_from = _onsets(played, times)
    return _Pair(
        person=samples,
        played=own,
        seen=samples.seen & own.seen,
        waiting=~busy,
        playing=_playing(played, times, 0.0, 0.0),
        onsets=onsets,
        free_from=free_from,
    )


def _notes(clip: MotionClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onsets and ends on the score's clock [s], and digits from 0, of notes that have a finger."""
    columns = [NOTE_COLUMNS.index(name) for name in ("onset", "offset", "finger")]
    onset, offset, finger = clip.notes[:, columns].astype(float).T
    fingered = (finger >= 1) & (finger <= NUM_TIPS)
    start = start_of(clip)
    return onset[fingered] + start, offset[fingered] + start, finger[fingered].astype(int) - 1


def _playing(clip: MotionClip, times: np.ndarray, before: float, after: float) -> np.ndarray:
    """Fingers that play at some times. Shape (n, 5), bool.

    Args:
        clip: with notes.
        times: at which to ask [s]. Shape (n,).
        before: time before an onset from which a finger plays [s].
        after: time after an end until which it plays [s].
    """
    busy = np.zeros((len(times), NUM_TIPS), dtype=bool)
    for onset, offset, digit in zip(*_notes(clip), strict=True):
        busy[(times >= onset - before) & (times <= offset + after), digit] = True
    return busy


def _onsets(clip: MotionClip, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Onsets as of `_Pair.onsets`, and `_Pair.free_from`."""
    rows, free = [], []
    free_again = np.full(NUM_TIPS, -np.inf)
    onset, offset, digit = _notes(clip)
    for i in np.argsort(onset, kind="stable"):
        sample = round((onset[i] - times[0]) / STEP)
        earliest = max(free_again[digit[i]], onset[i] - LONGEST_PREPARATION)
        free_again[digit[i]] = max(free_again[digit[i]], offset[i])
        if 0 <= sample < len(times):
            rows.append((sample, digit[i]))
            free.append(max(0, int(np.ceil((earliest - times[0]) / STEP - 1e-6))))
    return np.array(rows, dtype=int).reshape(-1, 2), np.array(free, dtype=int)


def _measure(pairs: list[_Pair]) -> LikenessFigures:
    """All figures of some hands."""
    wrists = [
        (pair.person.forearm[pair.seen, :2], pair.played.forearm[pair.seen, :2]) for pair in pairs
    ]
    along, across = ([(theirs[:, axis], own[:, axis]) for theirs, own in wrists] for axis in (0, 1))
    gaps = [pair.played.tips - pair.person.tips for pair in pairs]
    idle = [pair.waiting & pair.seen[:, None] for pair in pairs]
    busy = [pair.playing & pair.seen[:, None] for pair in pairs]
    above = [np.linalg.norm(gap[:, :, :2], axis=2) for gap in gaps]
    space = [np.linalg.norm(gap, axis=2) for gap in gaps]
    return LikenessFigures(
        wrist_along_r=_mean(_correlation(*path) for path in along),
        wrist_across_r=_mean(_correlation(*path) for path in across),
        wrist_along_rms_mm=_rms([1e3 * (own - theirs) for theirs, own in along]),
        wrist_across_rms_mm=_rms([1e3 * (own - theirs) for theirs, own in across]),
        joint_rms_deg=_rms([_joint_gaps(pair) for pair in pairs]),
        idle_tip_mm=_pooled(above, idle),
        idle_tip_3d_mm=_pooled(space, idle),
        playing_tip_mm=_pooled(above, busy),
        tips_along_r=_mean(_tip_correlations(pairs, 0)),
        tips_across_r=_mean(_tip_correlations(pairs, 1)),
        preparation_ms=_preparation(pairs),
        frechet_deg=_mean(map(_frechet, pairs)),
    )


def _joint_gaps(pair: _Pair) -> np.ndarray:
    """Differences of joint angles of waiting fingers [deg]."""
    gap = np.rad2deg(pair.played.angles - pair.person.angles)
    idle = pair.waiting & pair.seen[:, None]
    return np.concatenate(
        [gap[idle[:, digit]][:, columns].ravel() for digit, columns in enumerate(_FINGER_COLUMNS)]
    )


def _tip_correlations(pairs: list[_Pair], axis: int) -> list[float | None]:
    """Correlations of the fingertips' places about the wrist along an axis."""
    figures = []
    for pair in pairs:
        theirs, own = (
            (hand.tips - hand.forearm[:, None, :3])[pair.seen][:, :, axis]
            for hand in (pair.person, pair.played)
        )
        figures += [_correlation(theirs[:, digit], own[:, digit]) for digit in range(NUM_TIPS)]
    return figures


def _preparation(pairs: list[_Pair]) -> float | None:
    """Mean absolute difference of the times of preparation [ms]."""
    gaps = []
    for pair in pairs:
        theirs, own = pair.person.tips[:, :, 0], pair.played.tips[:, :, 0]
        for (sample, digit), first in zip(pair.onsets, pair.free_from, strict=True):
            first = min(first, sample)
            if not pair.seen[first : sample + 1].all():
                continue
            gaps.append(
                _prepared(own[first : sample + 1, digit])
                - _prepared(theirs[first : sample + 1, digit])
            )
    return 1e3 * STEP * float(np.abs(gaps).mean()) if gaps else None


def _prepared(x: np.ndarray) -> int:
    """Samples before the last one in which a place along the keyboard stays near the last one."""
    away = np.flatnonzero(np.abs(x - x[-1]) > OVER_KEY)
    return len(x) - 1 - (int(away[-1]) + 1 if len(away) else 0)


def _frechet(pair: _Pair) -> float | None:
    """Frechet distance of the windows of a hand [deg]; None with fewer than two."""
    size = round(WINDOW / STEP)
    whole = [
        slice(first, first + size)
        for first in range(0, len(pair.seen) - size + 1, size // 2)
        if pair.seen[first : first + size].all()
    ]
    if len(whole) < 2:
        return None
    samples = []
    for hand in (pair.person, pair.played):
        speeds = np.gradient(hand.angles, STEP, axis=0)
        samples.append(
            [
                np.append(
                    hand.angles[window].mean(axis=0),
                    WINDOW * np.sqrt(np.square(speeds[window]).mean(axis=0)),
                )
                for window in whole
            ]
        )
    theirs, own = samples
    return float(np.rad2deg(frechet_distance(np.array(theirs), np.array(own))))


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance of normal distributions fitted to two samples, in the samples' unit.

    sqrt(|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))) with means m and covariances S (Dowson &
    Landau 1982, J Multivar Anal 12:450).

    Args:
        first: a sample, at least two rows. Shape (n, d).
        second: another. Shape (m, d).
    """
    mean = first.mean(axis=0) - second.mean(axis=0)
    one, two = (np.atleast_2d(np.cov(sample, rowvar=False)) for sample in (first, second))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0.0)).sum()
    square = mean @ mean + np.trace(one) + np.trace(two) - 2.0 * common
    return float(np.sqrt(max(square, 0.0)))


def _ceiling(clips: list[MotionClip], pairs: list[_Pair]) -> LikenessFigures:
    """What a player who moved as the person did would reach, given the errors of their motion.

    A path of variance v that is recorded with an error of variance e has the correlation
    sqrt(1 - e / v) with the true one.
    """
    joint, tip, wrist = (
        _largest(error_of(clip, name) for clip in clips)
        for name in (JOINT_ERROR, TIP_ERROR, WRIST_ERROR)
    )
    correlations: list[float | None] = [None, None]
    if wrist is not None:
        for axis in (0, 1):
            spreads = [1e3 * pair.person.forearm[pair.seen, axis].std() for pair in pairs]
            correlations[axis] = _mean(
                float(np.sqrt(max(0.0, 1.0 - (wrist / spread) ** 2))) if spread > 0.0 else None
                for spread in spreads
            )
    return LikenessFigures(
        wrist_along_r=correlations[0],
        wrist_across_r=correlations[1],
        wrist_along_rms_mm=wrist,
        wrist_across_rms_mm=wrist,
        joint_rms_deg=joint,
        idle_tip_mm=tip,
        idle_tip_3d_mm=tip,
    )


def _with_frechet(figures: LikenessFigures, distance: float | None) -> LikenessFigures:
    """The figures with another Frechet distance [deg]."""
    return LikenessFigures(**{**vars(figures), "frechet_deg": distance})


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson's correlation; None of too few samples, or of a path without movement."""
    if len(first) < LEAST_SAMPLES or min(first.std(), second.std()) < LEAST_SPREAD:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _rms(parts: list[np.ndarray]) -> float | None:
    values = np.concatenate([np.zeros(0), *parts])
    return float(np.sqrt(np.square(values).mean())) if values.size else None


def _pooled(distances: list[np.ndarray], where: list[np.ndarray]) -> float | None:
    """Mean over some fingers and times [mm], of distances in metres."""
    values = [distance[mask] for distance, mask in zip(distances, where, strict=True)]
    return _mean((1e3 * np.concatenate([np.zeros(0), *values])).tolist())


def _mean(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return float(np.mean(told)) if told else None


def _largest(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return max(told) if told else None
