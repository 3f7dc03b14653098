"""Measures of how natural a hand's motion is, from a motion clip: smoothness, range, idle fingers,
co-contraction.

Smoothness is that of single strokes: the fingertip that plays, relative to the forearm, from
`STROKE[0]` to `STROKE[1]` about each note's onset.

Log dimensionless jerk
    -ln(D^3 / v^2 * integral of squared jerk), D the duration and v the peak speed, as in
    Balasubramanian, Melendez & Burdet 2012 (IEEE Trans Biomed Eng 59:2126), after Hogan & Sternad
    2009 (J Mot Behav 41:529). A single minimum-jerk movement has -ln(204.8) = -5.32; more jerk is
    more negative.
Spectral arc length
    Of the same source: minus the length of the speed's normalised amplitude spectrum up to 20 Hz,
    here cut off where it stays below 5 % (the authors' later adaptive form). Nearer to 0 is
    smoother.
Range use
    Of each joint, the span from the 5th to the 95th percentile over its range of motion.
Individuation
    Of each digit, 1 minus the mean travel of the idle ones over its own in its strokes; 1 is a
    finger that moves by itself. Fingers that play, let go or are about to play are not idle. The
    index of Hager-Ross & Schieber 2000 (J Neurosci 20:8542) with fingertips in place of joint
    angles and strokes in place of slow single-finger movements.
Co-contraction
    Of each joint, 2 min(flexing, extending) over flexing + extending torque, both summed over the
    clip first of all muscles (Falconer & Winter 1985, Electromyogr Clin Neurophysiol 25:135): 0
    without antagonists, 1 with all in balance. A muscle's torque is taken as activation times peak
    force times moment arm; the curves are left out.
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
"""A stroke, relative to its note's onset [s]."""

APART = 0.1
"""A finger is idle during a stroke where it has no note from so long before it to so long after
it [s]."""

LEAST_TRAVEL = 0.004
"""A stroke whose fingertip travels less [m] says nothing about the other fingers: the key's
travel is 10 mm."""

ARMS_EVERY = 0.1
"""Moment arms are looked up this often [s]."""

CUTOFF_HZ = 20.0
LEAST_AMPLITUDE = 0.05


@dataclass(frozen=True, eq=False)
class Naturalness:
    """What was measured on one clip; the module's docstring defines each figure.

    `strokes` that counted; `log_jerk` and `spectral_arc`, medians over them, None without strokes.
    `range_use` of `HAND_JOINTS`, shape (23,), 0..1. `individuation` thumb first, (5,), NaN for a
    digit that never plays. `cocontraction` of the joints, (23,), NaN where no muscle works, or None
    for a clip without activations.
    """

    strokes: int
    log_jerk: float | None
    spectral_arc: float | None
    range_use: np.ndarray
    individuation: np.ndarray
    cocontraction: np.ndarray | None


def measure_naturalness(clip: MotionClip, model: mujoco.MjModel, hand: HandIndex) -> Naturalness:
    """All measures of a clip.

    Args:
        clip: of a hand that plays notes; without notes there are no strokes.
        model: with that hand, for ranges, peak forces and moment arms.
        hand: where it is in the model.

    Raises:
        InvalidValue: the clip has muscles that the hand has not.
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
    """Smoothness of a movement; -inf where nothing moves.

    Args:
        path: positions [m]. Shape (T, 3), T at least 5.
        dt: between them [s].

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
    """Smoothness of a movement's speed, 0 at best; 0 where nothing moves. Arguments, errors as
    for the jerk."""
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
    """Share of torque that antagonists cancel, 0..1, NaN without any.

    Args:
        flexing: sums of the torques one way, not negative [N m]. Shape (T, n).
        extending: the other way, not negative. Shape (T, n).

    Returns:
        Shape (n,).
    """
    total = (flexing + extending).sum(axis=0)
    common = 2.0 * np.minimum(flexing, extending).sum(axis=0)
    return np.divide(common, total, out=np.full(total.shape, np.nan), where=total > 0)


def _velocity(path: np.ndarray, dt: float) -> np.ndarray:
    if len(path) < 5:
        raise InvalidValue("number of positions", len(path), "at least 5")
    return np.asarray(np.gradient(path, dt, axis=0))


def _strokes(clip: MotionClip) -> list[tuple[int, slice]]:
    """Digit 0..4 and rows of each note's stroke that lies within the clip."""
    found = []
    for onset, finger in clip.notes[:, [NOTE_COLUMNS.index("onset"), NOTE_COLUMNS.index("finger")]]:
        first, last = (round(float(onset + edge) / clip.dt) for edge in STROKE)
        if 1 <= finger <= len(DIGITS) and first >= 0 and last < clip.frames and last - first >= 4:
            found.append((int(finger) - 1, slice(first, last + 1)))
    return found


def _individuation(
    clip: MotionClip, tips: np.ndarray, windows: list[tuple[int, slice]]
) -> np.ndarray:
    """Over the strokes of each finger, weighing each alike. Shape (5,)."""
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
