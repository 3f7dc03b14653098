"""How fast a finger can tap: its flexors and extensors in turn at full excitation.

How a cycle is shared between them is free, as it is for who taps: flexors are the stronger ones,
and with equal shares they press the finger into the fist. The rate with equal shares is there to
compare with. Forearm and wrist are held, as a player holds them; all other joints are free, the
finger's own middle and last joint included, and nothing is in the finger's way. People tap at 5 to
7 Hz (Neurosci Lett 2009).
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import data_at, prepared_copy, rest_angles, simulate
from musclehand.body.anatomy import DIGITS, WRIST_JOINTS, digit_joints
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, place
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

FINGERS = DIGITS[1:]

AMPLITUDE = np.deg2rad(25.0)
"""Movement of the knuckle, peak to peak, that counts as a tap [rad]."""

GRID_HZ = 0.5
HIGHEST_HZ = 20.0

OWN_SHARE = 0.8
"""A muscle is a finger's own when this share of its moment arms about digit joints is about that
finger's."""

LEAST_ARM = 5e-4
"""Muscles with a smaller mean moment arm about the knuckle are left alone [m]."""

SHARES = (0.5, 0.4, 0.3, 0.2, 0.6, 0.7)
"""Shares of a cycle that flexors may have."""

HELD_INERTIA = 1e4
"""Added to the forearm's and wrist's joints to hold them [kg m^2]."""


class Tapping(NamedTuple):
    """How fast a finger taps.

    `rate` [Hz] the fastest at which the knuckle still moves by `AMPLITUDE`, 0 where it never does;
    `share` of a cycle that flexors have then; `equal_rate` [Hz] the fastest with equal shares;
    `flexors`, `extensors` names of the muscles that took turns.
    """

    rate: float
    share: float
    equal_rate: float
    flexors: tuple[str, ...]
    extensors: tuple[str, ...]


class Antagonists(NamedTuple):
    """Positions among a hand's muscles of those that bend and those that straighten a finger's
    knuckle."""

    flexors: np.ndarray
    extensors: np.ndarray


def tapping_rate(model: mujoco.MjModel, hand: HandIndex, finger: str) -> Tapping:
    """The fastest tapping of "index", "middle", "ring" or "little", to half a hertz.

    Found by bisection for each of `SHARES`: the faster, the smaller the movement.

    Raises:
        UnknownName: no such finger.
        ModelError: the model lacks its knuckle, its flexors or its extensors.
    """
    muscles = antagonists(model, hand, finger)
    held = _held(model, hand)

    def reaches(place: int, share: float) -> bool:
        return _amplitude(held, hand, finger, muscles, place * GRID_HZ, share) >= AMPLITUDE

    best = equal = 0
    best_share = 0.5
    for share in SHARES:
        low = best
        high = round(HIGHEST_HZ / GRID_HZ) + 1
        if low and not reaches(low + 1, share):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if reaches(middle, share) else (low, middle)
        if low > best:
            best = low
            best_share = share
        if share == 0.5:
            equal = low
    flexors, extensors = (tuple(hand.muscle_names[i] for i in group) for group in muscles)
    return Tapping(best * GRID_HZ, best_share, equal * GRID_HZ, flexors, extensors)


def tapping_amplitude(
    model: mujoco.MjModel, hand: HandIndex, finger: str, frequency: float, share: float = 0.5
) -> float:
    """Movement of the knuckle, peak to peak [rad], at a tapping frequency [Hz], flexors having
    `share` of a cycle.

    The smaller one of the way there and the way back in the last two cycles of at least five: drift
    does not count.

    Raises:
        UnknownName: no such finger.
        ModelError: the model lacks its knuckle, its flexors or its extensors.
        InvalidValue: the frequency is not above 0, or a cycle has fewer than four steps.
    """
    highest = 0.25 / model.opt.timestep
    if not 0.0 < frequency <= highest:
        raise InvalidValue("tapping frequency", frequency, f"above 0 and at most {highest:g} [Hz]")
    return _amplitude(
        _held(model, hand), hand, finger, antagonists(model, hand, finger), frequency, share
    )


def _held(model: mujoco.MjModel, hand: HandIndex) -> mujoco.MjModel:
    """A copy whose forearm and wrist do not move."""
    twin = prepared_copy(model)
    held = [i for i, joint in enumerate(hand.joints) if joint in WRIST_JOINTS]
    twin.dof_armature[hand.dofs[held]] += HELD_INERTIA
    return twin


def _amplitude(
    model: mujoco.MjModel,
    hand: HandIndex,
    finger: str,
    muscles: Antagonists,
    frequency: float,
    share: float,
) -> float:
    cycles = max(5, round(frequency))
    cycle = 1.0 / (frequency * model.opt.timestep)
    phase = np.arange(round(cycles * cycle)) / cycle % 1.0
    excitations = np.zeros((len(phase), len(hand.muscles)))
    excitations[:, muscles.flexors] = (phase < share)[:, None]
    excitations[:, muscles.extensors] = (phase >= share)[:, None]
    motion = simulate(model, data_at(model, hand, rest_angles(model, hand)), hand, excitations)
    angle = motion.angles[:, hand.joints.index(knuckle(finger))]
    late = angle[-round(2 * cycle) :]
    there = (late - np.minimum.accumulate(late)).max()
    back = (np.maximum.accumulate(late) - late).max()
    return float(min(there, back))


def antagonists(model: mujoco.MjModel, hand: HandIndex, finger: str) -> Antagonists:
    """The muscles of a finger by what they do at its knuckle, by their mean moment arm from 0 to 60
    degrees.

    Raises:
        UnknownName: no such finger.
        ModelError: the model lacks the knuckle, its flexors or its extensors.
    """
    if finger not in FINGERS:
        raise UnknownName("finger", finger, FINGERS)
    joint = knuckle(finger)
    if joint not in hand.joints:
        raise ModelError("model", f"has no joint {joint}, which the {finger} finger taps with")
    digits = [i for i, name in enumerate(hand.joints) if name not in WRIST_JOINTS]
    own = [i for i, name in enumerate(hand.joints) if name in digit_joints(finger)]
    rest = rest_angles(model, hand)
    arms = np.zeros((len(hand.muscles), len(hand.joints)))
    for i in digits:
        arms[:, i] = _mean_arm(model, hand, rest, i, rest[i] - 0.1, rest[i] + 0.1)
    share = np.abs(arms[:, own]).sum(axis=1) / np.maximum(
        np.abs(arms[:, digits]).sum(axis=1), 1e-12
    )
    arm = _mean_arm(model, hand, rest, hand.joints.index(joint), 0.0, np.deg2rad(60.0))
    flexors = np.flatnonzero((share >= OWN_SHARE) & (arm >= LEAST_ARM))
    extensors = np.flatnonzero((share >= OWN_SHARE) & (arm <= -LEAST_ARM))
    for what, found in (("flexes", flexors), ("extends", extensors)):
        if not len(found):
            raise ModelError("model", f"has no muscle of the {finger} finger that {what} {joint}")
    return Antagonists(flexors, extensors)


def knuckle(finger: str) -> str:
    """The joint a finger taps with: "mcp2_flexion" for "index"."""
    return digit_joints(finger)[0]


def _mean_arm(
    model: mujoco.MjModel, hand: HandIndex, angles: np.ndarray, joint: int, low: float, high: float
) -> np.ndarray:
    """Mean moment arm of every muscle about a joint between two angles: shortening by angle [m].
    Shape (m,)."""
    data = mujoco.MjData(model)
    lengths = []
    for angle in (low, high):
        posture = angles.copy()
        posture[joint] = angle
        place(model, data, hand, couple(hand, posture) if joint in hand.independent else posture)
        lengths.append(data.actuator_length[hand.muscles].copy())
    return (lengths[0] - lengths[1]) / (high - low)
