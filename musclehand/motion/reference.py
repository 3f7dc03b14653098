"""Generated reference motions of a hand, to be tracked by any hand model.

There are five kinds: five fingers playing, single-finger taps, circles of the wrist with swings of
the forearm, grasps, and slow random postures over the range of motion. All are joint angles made of
minimum-jerk strokes (Flash & Hogan 1985, J Neurosci 5:1688), so they are continuous up to the
acceleration, and start and end at rest. They depend on no model but for the joint limits, best
those that all hands under comparison share (`common_limits`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import mujoco
import numpy as np

from musclehand.body.anatomy import (
    FINGER_NUMBERS,
    INDEPENDENT_JOINTS,
    WRIST_JOINTS,
    coupled_joint,
    coupling_ratio,
)
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import PLAYING_POSTURE_DEG, SPREAD_AT_RIGHT_ANGLE
from musclehand.core.errors import InvalidValue
from musclehand.core.time_steps import CONTROL_DT

SHARES = {"playing": 0.3, "taps": 0.2, "wrist": 0.2, "grasps": 0.15, "postures": 0.15}
"""Kinds of motion and their shares of the time."""

LENGTH = 10.0
"""[s] Approximate length of a motion."""

SPEED_LIMIT = 8.0
"""[rad/s] Fastest movement of a finger joint, so that 30 degrees at 4 Hz are just possible."""

WRIST_SPEED_LIMIT = 5.0
"""[rad/s] Fastest movement of a joint of forearm and wrist."""

MINIMUM_JERK_PEAK = 1.875
"""Peak speed of a minimum-jerk stroke, divided by its mean speed (15/8, at the middle)."""

HOME_INSET = 0.15
"""Distance of the initial posture from either joint limit, as a share of the range of motion."""

PAUSE = 0.3
"""[s] Shortest rest at the beginning and end of a motion."""


@dataclass(frozen=True, eq=False)
class ReferenceMotion:
    """A target motion of the joints."""

    name: str
    """Name of the motion, such as "taps_01"."""

    kind: str
    """Kind of motion, a key of `SHARES`."""

    dt: float
    """[s] Time between samples."""

    angles: np.ndarray = field(repr=False)
    """[rad] Anatomical angles of `INDEPENDENT_JOINTS`. Shape (T, 19)."""

    speeds: np.ndarray = field(repr=False)
    """[rad/s] Angular velocities of `INDEPENDENT_JOINTS`. Shape (T, 19)."""

    @property
    def duration(self) -> float:
        """Time from the first to the last sample [s]."""
        return (len(self.angles) - 1) * self.dt


def common_limits(
    hands: Sequence[tuple[mujoco.MjModel, HandIndex]], *, margin_deg: float = 3.0
) -> np.ndarray:
    """Intersection of the joint ranges of several hands.

    The range of a middle finger joint ends where the last joint cannot follow it any further.

    Args:
        hands: models, and the hand in each.
        margin_deg: margin by which the range is reduced at either end [deg].

    Returns:
        Lower and upper angle of `INDEPENDENT_JOINTS` [rad]. Shape (19, 2).

    Raises:
        InvalidValue: the hands have no range of some joint in common.
    """
    limits = np.tile([-np.pi, np.pi], (len(INDEPENDENT_JOINTS), 1))
    for model, hand in hands:
        for joint, (lower, upper) in zip(hand.joints, hand.limits(model), strict=True):
            driver = coupled_joint(joint)
            row = INDEPENDENT_JOINTS.index(driver or joint)
            ratio = coupling_ratio(joint)
            limits[row, 0] = max(limits[row, 0], lower / ratio)
            limits[row, 1] = min(limits[row, 1], upper / ratio)
    limits += np.deg2rad([margin_deg, -margin_deg])
    for joint, (lower, upper) in zip(INDEPENDENT_JOINTS, limits, strict=True):
        if lower >= upper:
            raise InvalidValue(
                f"common range of {joint}", (lower, upper), "a lower below an upper limit [rad]"
            )
    return limits


def reference_motions(
    limits: np.ndarray, *, seconds: float = 300.0, dt: float = CONTROL_DT, seed: int = 0
) -> tuple[ReferenceMotion, ...]:
    """Generate motions of all kinds, each from a seed of its own.

    Args:
        limits: lower and upper angle of `INDEPENDENT_JOINTS` [rad]. Shape (19, 2).
        seconds: total time of all motions [s], at least 10.
        dt: time between samples [s], at most 0.05.
        seed: seed of all random numbers.

    Raises:
        InvalidValue: a number is out of range, or the limits have another shape.
    """
    if not (np.isfinite(seconds) and seconds >= 10.0):
        raise InvalidValue("seconds", seconds, "at least 10")
    if not 0.0 < dt <= 0.05:
        raise InvalidValue("dt", dt, "above 0 and at most 0.05 s")
    if np.shape(limits) != (len(INDEPENDENT_JOINTS), 2) or not (limits[:, 0] < limits[:, 1]).all():
        raise InvalidValue(
            "limits", np.shape(limits), f"({len(INDEPENDENT_JOINTS)}, 2), lower below upper"
        )
    generators: dict[str, MotionGenerator] = {
        "playing": _playing,
        "taps": _taps,
        "wrist": _wrist,
        "grasps": _grasps,
        "postures": _postures,
    }
    motions = []
    for kind, sequence in zip(SHARES, np.random.SeedSequence(seed).spawn(len(SHARES)), strict=True):
        count = max(1, round(SHARES[kind] * seconds / LENGTH))
        duration = SHARES[kind] * seconds / count
        for number, child in enumerate(sequence.spawn(count)):
            draft = _Draft(limits, duration, dt)
            generators[kind](draft, number, np.random.default_rng(child))
            motions.append(draft.finish(f"{kind}_{number + 1:02d}", kind))
    return tuple(motions)


class _Draft:
    """A motion under construction: a home posture, and strokes added to it joint by joint."""

    def __init__(self, limits: np.ndarray, duration: float, dt: float) -> None:
        self.limits = limits
        self.dt = dt
        self.time = np.arange(round(duration / dt) + 1) * dt
        self.end = float(self.time[-1]) - PAUSE
        home = np.deg2rad([PLAYING_POSTURE_DEG.get(joint, 0.0) for joint in INDEPENDENT_JOINTS])
        inset = HOME_INSET * (limits[:, 1] - limits[:, 0])
        self.home = np.clip(home, limits[:, 0] + inset, limits[:, 1] - inset)
        self.excursion = np.zeros((len(self.time), len(INDEPENDENT_JOINTS)))
        self.speed = np.zeros_like(self.excursion)

    def stroke(self, joint: str, start: float, stop: float, size: float) -> None:
        """Move a joint by `size` [rad] between two times [s]."""
        position, velocity = minimum_jerk(self.time, start, stop)
        self.excursion[:, INDEPENDENT_JOINTS.index(joint)] += size * position
        self.speed[:, INDEPENDENT_JOINTS.index(joint)] += size * velocity

    def beat(self, joint: str, start: float, middle: float, stop: float, size: float) -> None:
        """Move a joint by `size` [rad] and back."""
        self.stroke(joint, start, middle, size)
        self.stroke(joint, middle, stop, -size)

    def wave(self, joint: str, centre: float, size: float, rate: float, phase: float) -> None:
        """Oscillate about `centre` [rad] with `rate` [Hz], fading in and out over a second."""
        ramp = min(1.0, self.end / 3)
        rise, rise_rate = minimum_jerk(self.time, PAUSE, PAUSE + ramp)
        fall, fall_rate = minimum_jerk(self.time, self.end - ramp, self.end)
        share = rise - fall
        share_rate = rise_rate - fall_rate
        column = INDEPENDENT_JOINTS.index(joint)
        omega = 2 * np.pi * rate
        angle = omega * self.time + phase
        wave = centre - self.home[column] + size * np.sin(angle)
        self.excursion[:, column] += share * wave
        self.speed[:, column] += share_rate * wave + share * size * omega * np.cos(angle)

    def knots(self, times: np.ndarray, postures: np.ndarray) -> None:
        """Move through postures [rad], shape (k, 19), at the given times, and home at the end."""
        path = np.vstack([self.home, postures, self.home])
        for start, stop, move in zip(
            times, [*times[1:], self.end], np.diff(path, axis=0), strict=True
        ):
            position, velocity = minimum_jerk(self.time, start, stop)
            self.excursion += np.outer(position, move)
            self.speed += np.outer(velocity, move)

    def finish(self, name: str, kind: str) -> ReferenceMotion:
        """The motion, with the excursion of each joint scaled down to its limits and top speed."""
        room = np.array([self.limits[:, 1] - self.home, self.home - self.limits[:, 0]])
        used = np.array([self.excursion.max(axis=0), -self.excursion.min(axis=0)])
        fastest = np.abs(self.speed).max(axis=0)
        share = np.where(used > room, room / np.maximum(used, 1e-9), 1.0).min(axis=0)
        share = np.minimum(share, top_speeds() / np.maximum(fastest, 1e-9))
        angles = np.clip(self.home + share * self.excursion, self.limits[:, 0], self.limits[:, 1])
        return ReferenceMotion(name, kind, self.dt, angles, share * self.speed)


MotionGenerator = Callable[[_Draft, int, np.random.Generator], None]
"""Adds a motion of some kind to a draft, given its number and a generator of random numbers."""


def minimum_jerk(time: np.ndarray, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Minimum-jerk stroke from 0 to 1 (Flash & Hogan 1985), at rest before and after.

    Args:
        time: times at which to evaluate [s].
        start: beginning of the stroke [s].
        stop: end of the stroke [s].

    Returns:
        Position, and velocity [1/s], in the shape of `time`.
    """
    share = np.clip((time - start) / (stop - start), 0.0, 1.0)
    position = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    velocity = 30.0 * share**2 * (1.0 - share) ** 2 / (stop - start)
    return position, velocity


def top_speeds() -> np.ndarray:
    """Fastest movement of each of `INDEPENDENT_JOINTS` [rad/s]. Shape (19,)."""
    return np.array(
        [
            WRIST_SPEED_LIMIT if joint in WRIST_JOINTS else SPEED_LIMIT
            for joint in INDEPENDENT_JOINTS
        ]
    )


PRESS_DEG: tuple[Mapping[str, float], ...] = (
    {"cmc_abduction": 9, "mp_flexion": -7, "ip_flexion": -5},
    *({f"mcp{finger}_flexion": 14, f"pm{finger}_flexion": 6} for finger in FINGER_NUMBERS),
)
"""[deg] Change of joint angles in a key stroke, thumb first.

Before the stroke, the digit is lifted by half of it."""


def _playing(draft: _Draft, number: int, rng: np.random.Generator) -> None:
    """A five-finger passage at 2 to 7 notes a second with small movements of the wrist.

    Scales, trills, chords and leaps take turns by `number`.
    """
    rate = rng.uniform(2.0, 7.0)
    patterns = ([0, 1, 2, 3, 4, 3, 2, 1], [1, 2], [0, 2, 4, 2], rng.integers(0, 5, 64).tolist())
    pattern = patterns[number % 4]
    together = 3 if number % 4 == 2 else 1
    gap = together / rate
    strike = min(0.09, 0.4 * gap)
    for i, onset in enumerate(np.arange(PAUSE + 2.2 * strike, draft.end - gap - strike, gap)):
        loud = rng.uniform(0.7, 1.2)
        digits = {(pattern[i % len(pattern)] + 2 * j) % 5 for j in range(together)}
        for joint, degrees in (item for digit in digits for item in PRESS_DEG[digit].items()):
            size = loud * np.deg2rad(degrees)
            draft.stroke(joint, onset - 2.2 * strike, onset - strike, -0.5 * size)
            draft.stroke(joint, onset - strike, onset, 1.5 * size)
            draft.stroke(joint, onset + 0.5 * gap, onset + 0.5 * gap + strike, -size)
    for joint, degrees in (("flexion", 5.0), ("deviation", 5.0), ("pro_sup", 8.0)):
        centre = draft.home[INDEPENDENT_JOINTS.index(joint)]
        draft.wave(
            joint, centre, np.deg2rad(degrees), rng.uniform(0.3, 0.8), rng.uniform(0, 2 * np.pi)
        )


def _taps(draft: _Draft, number: int, rng: np.random.Generator) -> None:
    """Taps of one digit after another at 1 to 4 Hz, growing up to 30 degrees."""
    burst = (draft.end - PAUSE) / len(PRESS_DEG)
    for digit, press in enumerate(PRESS_DEG):
        rate = max(1.0 + (number + digit) % 4, 1.0 / burst)
        count = max(1, int(burst * rate))
        largest = np.deg2rad(rng.uniform(24.0, 30.0))
        first, firm = next(iter(press.items()))
        for tap in range(count):
            start = PAUSE + digit * burst + tap / rate
            size = largest * np.interp(tap, [0, max(count - 1, 1)], [0.4, 1.0])
            for joint, degrees in press.items():
                part = size * degrees / abs(firm) * (1.0 if joint == first else 0.5)
                draft.beat(joint, start, start + 0.5 / rate, start + 1.0 / rate, part)


def _wrist(draft: _Draft, number: int, rng: np.random.Generator) -> None:
    """Circles of the wrist at 0.5 to 2 Hz with still fingers; every third motion also swings the
    forearm."""
    rate = 0.5 + 0.5 * (number % 4)
    turn = rng.choice([-1.0, 1.0])
    for joint, phase, share in (("flexion", 0.0, 0.8), ("deviation", turn * np.pi / 2, 0.9)):
        lower, upper = draft.limits[INDEPENDENT_JOINTS.index(joint)]
        size = min(share * (upper - lower) / 2, 0.9 * WRIST_SPEED_LIMIT / (2 * np.pi * rate))
        draft.wave(joint, (lower + upper) / 2, size, rate, phase)
    if number % 3 == 0:
        size = min(np.deg2rad(50.0), 0.9 * WRIST_SPEED_LIMIT / (np.pi * rate))
        draft.wave("pro_sup", 0.0, size, rate / 2, rng.uniform(0, 2 * np.pi))


CLOSED_DEG: Mapping[str, float] = {
    **{f"mcp{finger}_flexion": 75.0 for finger in FINGER_NUMBERS},
    **{f"mcp{finger}_abduction": 0.0 for finger in FINGER_NUMBERS},
    **{f"pm{finger}_flexion": 85.0 for finger in FINGER_NUMBERS},
    **{
        "cmc_flexion": -12.0,
        "cmc_abduction": 30.0,
        "mp_flexion": -35.0,
        "ip_flexion": -45.0,
        "flexion": -25.0,
    },
}
"""[deg] Joint angles of the closed hand; other joints keep their home angle."""

OPEN_DEG: Mapping[str, float] = {
    **{f"mcp{finger}_flexion": 5.0 for finger in FINGER_NUMBERS},
    **{
        f"mcp{finger}_abduction": spread
        for finger, spread in zip(FINGER_NUMBERS, (8, 2, -5, -11), strict=True)
    },
    **{f"pm{finger}_flexion": 8.0 for finger in FINGER_NUMBERS},
    **{
        "cmc_flexion": 30.0,
        "cmc_abduction": 5.0,
        "mp_flexion": 0.0,
        "ip_flexion": 0.0,
        "flexion": 10.0,
    },
}
"""[deg] Joint angles of the open hand; other joints keep their home angle."""


def _grasps(draft: _Draft, number: int, rng: np.random.Generator) -> None:
    """Opening and closing against the thumb, more or less far, of all fingers or the first few."""
    limits = draft.limits
    extremes = []
    for degrees in (OPEN_DEG, CLOSED_DEG):
        goal = draft.home.copy()
        for joint, value in degrees.items():
            goal[INDEPENDENT_JOINTS.index(joint)] = np.deg2rad(value)
        extremes.append(np.clip(goal, limits[:, 0], limits[:, 1]))
    times = [PAUSE]
    postures: list[np.ndarray] = []
    fingers = (5, 2, 5, 3)[number % 4]
    open_fingers = FINGER_NUMBERS[fingers - 1 :]
    left_out = [
        row
        for row, joint in enumerate(INDEPENDENT_JOINTS)
        if any(str(finger) in joint for finger in open_fingers)
    ]
    while True:
        closed = extremes[0] + rng.uniform(0.6, 1.0) * (extremes[1] - extremes[0])
        closed[left_out] = extremes[0][left_out]
        step = min(rng.uniform(0.6, 1.2), (draft.end - PAUSE) / 3)
        if times[-1] + 3 * step > draft.end + 1e-9:
            break
        postures += [extremes[0], closed]
        times += [times[-1] + step, times[-1] + 2 * step]
    draft.knots(np.array(times), np.array(postures).reshape(-1, len(INDEPENDENT_JOINTS)))


def _postures(draft: _Draft, number: int, rng: np.random.Generator) -> None:
    """Random postures, uniform over the range of motion, about 1.5 s each."""
    limits = draft.limits
    times = [PAUSE]
    postures: list[np.ndarray] = []
    while times[-1] + 3.6 < draft.end or not postures:
        posture = limits[:, 0] + rng.random(len(INDEPENDENT_JOINTS)) * (limits[:, 1] - limits[:, 0])
        for finger in FINGER_NUMBERS:
            bend = np.clip(
                posture[INDEPENDENT_JOINTS.index(f"mcp{finger}_flexion")] / (np.pi / 2), 0.0, 1.0
            )
            posture[INDEPENDENT_JOINTS.index(f"mcp{finger}_abduction")] *= (
                1.0 - (1.0 - SPREAD_AT_RIGHT_ANGLE) * bend
            )
        postures.append(posture)
        times.append(times[-1] + min(rng.uniform(1.2, 1.8), (draft.end - times[-1]) / 2))
    draft.knots(np.array(times), np.array(postures))
