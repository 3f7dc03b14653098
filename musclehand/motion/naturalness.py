"""Naturalness of a hand's motion: smoothness, range of motion, individuation and co-contraction of
a motion clip.

Smoothness is that of single strokes: the path of the playing fingertip relative to the forearm,
from `STROKE[0]` to `STROKE[1]` about the onset of its note.

Log dimensionless jerk
    -ln(D^3 / v^2 * integral of squared jerk) with duration D and peak speed v, as in
    Balasubramanian, Melendez & Burdet 2012 (IEEE Trans Biomed Eng 59:2126), after Hogan & Sternad
    2009 (J Mot Behav 41:529). A single minimum-jerk movement has -ln(204.8) = -5.32; more jerk is
    more negative.
Spectral arc length
    From the same source: minus the length of the normalised amplitude spectrum of the speed up to
    20 Hz, here cut off where it stays below 5 % (the authors' later adaptive form). Values nearer
    to 0 are smoother.
Range use
    For each joint, the span from the 5th to the 95th percentile, divided by its range of motion.
Individuation
    For each digit, 1 minus the mean travel of the idle digits divided by its own, over its strokes;
    a digit that moves by itself has 1. Digits that play, release or are about to play are not idle.
    This is the index of Hager-Ross & Schieber 2000 (J Neurosci 20:8542) with fingertips in place of
    joint angles, and strokes in place of slow single-finger movements.
Co-contraction
    For each joint, 2 min(flexing, extending) over flexing + extending torque (Falconer & Winter
    1985, Electromyogr Clin Neurophysiol 25:135): 0 without antagonists, 1 in full balance. Torques
    are summed over all muscles, and numerator and denominator over the clip. The torque of a muscle
    is activation times peak force times moment arm, without its force curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.analysis.moment_arm import moment_arms
from musclehand.body.anatomy import DIGITS, HAND_JOINTS
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import NOTE_COLUMNS, MotionClip

STROKE = (-0.2, 0.05)
"""[s] Beginning and end of a stroke, relative to the onset of its note."""

APART = 0.1
"""[s] A finger is idle in a stroke if its notes are at least this far from it in time."""

LEAST_TRAVEL = 0.004
"""[m] Shortest travel of a fingertip in a stroke that counts for individuation.

The key dip is 10 mm."""

ARMS_EVERY = 0.1
"""[s] Time between the postures at which moment arms are evaluated."""

CUTOFF_HZ = 20.0
"""[Hz] Highest frequency of the spectral arc length (Balasubramanian et al. 2012)."""

LEAST_AMPLITUDE = 0.05
"""Normalised amplitude at which the spectrum is cut off (Balasubramanian et al. 2015)."""


@dataclass(frozen=True, eq=False)
class Naturalness:
    """Measures of a clip; the module docstring defines each."""

    strokes: int
    """Number of strokes that lie within the clip."""

    log_jerk: float | None
    """Median log dimensionless jerk; None without strokes."""

    spectral_arc: float | None
    """Median spectral arc length; None without strokes."""

    range_use: np.ndarray
    """Range use of `HAND_JOINTS`, 0 to 1. Shape (25,)."""

    individuation: np.ndarray
    """Individuation of the digits, thumb first; NaN for a digit that never plays. Shape (5,)."""

    cocontraction: np.ndarray | None
    """Co-contraction of `HAND_JOINTS`, NaN without torque. Shape (25,).

    None for a clip without activations."""


def measure_naturalness(clip: MotionClip, model: mujoco.MjModel, hand: HandIndex) -> Naturalness:
    """Compute all measures of a clip.

    Args:
        clip: motion of a hand; without notes there are no strokes.
        model: model with that hand, for ranges, peak forces and moment arms.
        hand: indices of the hand in the model.

    Raises:
        InvalidValue: the clip has muscles that the hand does not have.
    """
    tips = clip.fingertips.astype(float) - clip.forearm[:, None, :3]
    windows = _strokes(clip)
    jerks = [log_dimensionless_jerk(tips[rows, digit], clip.dt) for digit, rows in windows]
    arcs = [spectral_arc_length(tips[rows, digit], clip.dt) for digit, rows in windows]
    low, high = hand.limits(model).T
    spread = np.percentile(clip.qpos, 95, axis=0) - np.percentile(clip.qpos, 5, axis=0)
    return Naturalness(
        strokes=len(windows),
        log_jerk=float(np.median(jerks)) if jerks else None,
        spectral_arc=float(np.median(arcs)) if arcs else None,
        range_use=spread / (high - low),
        individuation=_individuation(clip, tips, windows),
        cocontraction=None if clip.activations is None else _cocontraction(clip, model, hand),
    )


def log_dimensionless_jerk(path: np.ndarray, dt: float) -> float:
    """Log dimensionless jerk of a movement; -inf for a path without movement.

    Args:
        path: positions [m]. Shape (T, 3), T at least 5.
        dt: time between positions [s].

    Raises:
        InvalidValue: the path is too short.
    """
    velocity = _velocity(path, dt)
    peak = float(np.linalg.norm(velocity, axis=1).max())
    if peak == 0.0:
        return -np.inf
    jerk = np.gradient(np.gradient(velocity, dt, axis=0), dt, axis=0)
    duration = (len(path) - 1) * dt
    return -float(np.log(duration**3 / peak**2 * np.trapezoid((jerk**2).sum(axis=1), dx=dt)))


def spectral_arc_length(path: np.ndarray, dt: float) -> float:
    """Spectral arc length of a movement, 0 at best; 0 for a path without movement.

    Args:
        path: positions [m]. Shape (T, 3), T at least 5.
        dt: time between positions [s].

    Raises:
        InvalidValue: the path is too short.
    """
    speed = np.linalg.norm(_velocity(path, dt), axis=1)
    if not speed.any():
        return 0.0
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + 4)
    frequency = np.fft.rfftfreq(size, dt)
    spectrum = np.abs(np.fft.rfft(speed, size))
    spectrum = (spectrum / spectrum[0])[frequency <= CUTOFF_HZ]
    last = int(np.flatnonzero(spectrum >= LEAST_AMPLITUDE)[-1])
    if last == 0:
        return 0.0
    along = frequency[: last + 1] / frequency[last]
    return -float(np.hypot(np.diff(along), np.diff(spectrum[: last + 1])).sum())


def cocontraction_index(flexing: np.ndarray, extending: np.ndarray) -> np.ndarray:
    """Co-contraction index of Falconer & Winter (1985): share of torque that antagonists cancel.

    Args:
        flexing: sum of the flexing torques, not negative [N m]. Shape (T, n).
        extending: sum of the extending torques, not negative [N m]. Shape (T, n).

    Returns:
        Index from 0 to 1, NaN without torque. Shape (n,).
    """
    total = (flexing + extending).sum(axis=0)
    common = 2.0 * np.minimum(flexing, extending).sum(axis=0)
    return np.divide(common, total, out=np.full(total.shape, np.nan), where=total > 0)


def _velocity(path: np.ndarray, dt: float) -> np.ndarray:
    if len(path) < 5:
        raise InvalidValue("number of positions", len(path), "at least 5")
    return np.asarray(np.gradient(path, dt, axis=0))


def _strokes(clip: MotionClip) -> list[tuple[int, slice]]:
    """Digit (0 to 4) and frames of each stroke that lies within the clip."""
    strokes = []
    for onset, finger in clip.notes[:, [NOTE_COLUMNS.index("onset"), NOTE_COLUMNS.index("finger")]]:
        first, last = (round(float(onset + edge) / clip.dt) for edge in STROKE)
        if 1 <= finger <= len(DIGITS) and first >= 0 and last < clip.frames and last - first >= 4:
            strokes.append((int(finger) - 1, slice(first, last + 1)))
    return strokes


def _individuation(
    clip: MotionClip, tips: np.ndarray, windows: list[tuple[int, slice]]
) -> np.ndarray:
    """Mean individuation over the strokes of each digit. Shape (5,)."""
    shares: list[list[float]] = [[] for _ in DIGITS]
    onsets, offsets, fingers = (
        clip.notes[:, NOTE_COLUMNS.index(column)] for column in ("onset", "offset", "finger")
    )
    for digit, rows in windows:
        start = rows.start * clip.dt
        end = rows.stop * clip.dt
        busy = fingers[(onsets < end + APART) & (offsets > start - APART)].astype(int) - 1
        idle = np.setdiff1d(np.arange(len(DIGITS)), [*busy, digit])
        travel = np.linalg.norm(tips[rows] - tips[rows.start], axis=2).max(axis=0)
        if len(idle) and travel[digit] >= LEAST_TRAVEL:
            shares[digit].append(float(travel[idle].mean() / travel[digit]))
    return np.array([1.0 - np.mean(share) if share else np.nan for share in shares])


def _cocontraction(clip: MotionClip, model: mujoco.MjModel, hand: HandIndex) -> np.ndarray:
    unknown = set(clip.muscles) - set(hand.muscle_names)
    if unknown or clip.activations is None:
        raise InvalidValue("muscles of the clip", sorted(unknown), "muscles of the hand")
    rows = slice(None, None, max(1, round(ARMS_EVERY / clip.dt)))
    order = [hand.muscle_names.index(muscle) for muscle in clip.muscles]
    arms = moment_arms(model, hand, clip.qpos[rows].astype(float))[:, order]
    # Peak force, the third number of MuJoCo's muscle parameters.
    tension = clip.activations[rows] * model.actuator_gainprm[hand.muscles[order], 2]
    torque = tension[:, :, None] * arms
    index = cocontraction_index(
        np.maximum(torque, 0.0).sum(axis=1), np.maximum(-torque, 0.0).sum(axis=1)
    )
    if index.shape != (len(HAND_JOINTS),):
        raise InvalidValue("joints of the hand", index.shape, f"all {len(HAND_JOINTS)} of them")
    return index
