"""Maximum finger tapping rate, with flexors and extensors alternately at full excitation.

The share of a cycle in which flexors are excited is free, as for people: flexors are stronger, and
equal shares press the finger into the fist. The rate with equal shares is reported for comparison.
Forearm and wrist are held, as a player holds them. All other joints are free, the finger's PIP and
DIP joints included, and nothing obstructs the finger. People tap at 5 to 7 Hz (Neurosci Lett 2009).
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import data_at, prepared_copy, rest_angles, simulate
from musclehand.body.analysis.moment_arm import independent_arms
from musclehand.body.anatomy import DIGITS, WRIST_JOINTS, digit_joints
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, place
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

FINGERS = DIGITS[1:]
"""Digits whose tapping can be measured."""

AMPLITUDE = np.deg2rad(25.0)
"""[rad] Smallest peak-to-peak movement of the MCP joint that counts as a tap; chosen."""

GRID_HZ = 0.5
"""[Hz] Resolution of tapping rates; chosen."""

HIGHEST_HZ = 20.0
"""[Hz] Highest tapping rate that is tried; chosen."""

OWN_SHARE = 0.8
"""A muscle belongs to a finger if its moment arms about the finger's joints are at least this share
of those about all digit joints; chosen."""

LEAST_ARM = 5e-4
"""[m] Muscles with a smaller mean moment arm about the MCP joint are not excited; chosen."""

SHARES = (0.5, 0.4, 0.3, 0.2, 0.6, 0.7)
"""Shares of a cycle with excited flexors that are tried; chosen."""

HELD_INERTIA = 1e4
"""[kg m^2] Inertia that is added to the joints of forearm and wrist to hold them."""


class Tapping(NamedTuple):
    """Maximum tapping rate of a finger."""

    rate: float
    """[Hz] Highest rate at which the MCP joint moves by `AMPLITUDE`, 0 if it never does."""

    share: float
    """Share of a cycle with excited flexors at that rate."""

    equal_rate: float
    """[Hz] Highest rate with equal shares."""

    flexors: tuple[str, ...]
    """Names of the excited flexors."""

    extensors: tuple[str, ...]
    """Names of the excited extensors."""


class Antagonists(NamedTuple):
    """Flexors and extensors of a finger's MCP joint, as positions among the hand's muscles."""

    flexors: np.ndarray
    """Positions of the flexors."""

    extensors: np.ndarray
    """Positions of the extensors."""


def tapping_rate(model: mujoco.MjModel, hand: HandIndex, finger: str) -> Tapping:
    """Searches for the maximum tapping rate of a finger, to half a hertz.

    The search is a bisection for each of `SHARES`, because movement shrinks with the rate.

    Args:
        model: any model.
        hand: the hand in the model.
        finger: one of `FINGERS`.

    Raises:
        UnknownName: no such finger.
        ModelError: the model lacks its MCP joint, its flexors or its extensors.
    """
    muscles = antagonists(model, hand, finger)
    held = _held(model, hand)

    def reaches(place: int, share: float) -> bool:
        frequency = place * GRID_HZ
        amplitude = _amplitude(held, hand, finger, muscles, frequency=frequency, share=share)
        return amplitude >= AMPLITUDE

    best = 0
    equal = 0
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
    """Peak-to-peak movement of the MCP joint at a tapping frequency.

    It is the smaller of flexion and extension over the last two cycles of at least five, so that
    drift does not count.

    Args:
        model: any model.
        hand: the hand in the model.
        finger: one of `FINGERS`.
        frequency: tapping frequency [Hz].
        share: share of a cycle with excited flexors.

    Returns:
        Amplitude [rad].

    Raises:
        UnknownName: no such finger.
        ModelError: the model lacks its MCP joint, its flexors or its extensors.
        InvalidValue: the frequency is not above 0, or a cycle has fewer than four steps.
    """
    highest = 0.25 / model.opt.timestep
    if not 0.0 < frequency <= highest:
        raise InvalidValue("tapping frequency", frequency, f"above 0 and at most {highest:g} [Hz]")
    muscles = antagonists(model, hand, finger)
    held = _held(model, hand)
    return _amplitude(held, hand, finger, muscles, frequency=frequency, share=share)


def _held(model: mujoco.MjModel, hand: HandIndex) -> mujoco.MjModel:
    """A copy of the model with immobile forearm and wrist."""
    twin = prepared_copy(model)
    held = [i for i, joint in enumerate(hand.joints) if joint in WRIST_JOINTS]
    twin.dof_armature[hand.dofs[held]] += HELD_INERTIA
    return twin


def _amplitude(
    model: mujoco.MjModel,
    hand: HandIndex,
    finger: str,
    muscles: Antagonists,
    *,
    frequency: float,
    share: float,
) -> float:
    """Peak-to-peak movement [rad] of a model whose forearm and wrist are held."""
    cycles = max(5, round(frequency))
    cycle = 1.0 / (frequency * model.opt.timestep)
    phase = np.arange(round(cycles * cycle)) / cycle % 1.0
    excitations = np.zeros((len(phase), len(hand.muscles)))
    excitations[:, muscles.flexors] = (phase < share)[:, None]
    excitations[:, muscles.extensors] = (phase >= share)[:, None]
    motion = simulate(model, data_at(model, hand, rest_angles(model, hand)), hand, excitations)
    angle = motion.angles[:, hand.joints.index(knuckle(finger))]
    late = angle[-round(2 * cycle) :]
    flexion = (late - np.minimum.accumulate(late)).max()
    extension = (np.maximum.accumulate(late) - late).max()
    return float(min(flexion, extension))


def antagonists(model: mujoco.MjModel, hand: HandIndex, finger: str) -> Antagonists:
    """Divides the muscles of a finger by their mean MCP moment arm from 0 to 60 degrees.

    Args:
        model: any model.
        hand: the hand in the model.
        finger: one of `FINGERS`.

    Raises:
        UnknownName: no such finger.
        ModelError: the model lacks the MCP joint, its flexors or its extensors.
    """
    if finger not in FINGERS:
        raise UnknownName("finger", finger, FINGERS)
    joint = knuckle(finger)
    if joint not in hand.joints:
        raise ModelError("model", f"has no joint {joint}, which the {finger} finger taps with")
    free = [hand.joints[i] for i in hand.independent]
    digits = [i for i, name in enumerate(free) if name not in WRIST_JOINTS]
    own = [i for i, name in enumerate(free) if name in digit_joints(finger)]
    posture = rest_angles(model, hand)
    arms = np.zeros((len(hand.muscles), len(hand.joints)))
    for i, name in enumerate(hand.joints):
        if name in WRIST_JOINTS:
            continue
        low = posture[i] - 0.1
        high = posture[i] + 0.1
        arms[:, i] = _mean_arm(model, hand, posture, i, low=low, high=high)
    arms = independent_arms(hand, arms)
    total = np.maximum(np.abs(arms[:, digits]).sum(axis=1), 1e-12)
    share = np.abs(arms[:, own]).sum(axis=1) / total
    mcp = hand.joints.index(joint)
    arm = _mean_arm(model, hand, posture, mcp, low=0.0, high=np.deg2rad(60.0))
    flexors = np.flatnonzero((share >= OWN_SHARE) & (arm >= LEAST_ARM))
    extensors = np.flatnonzero((share >= OWN_SHARE) & (arm <= -LEAST_ARM))
    for action, muscles in (("flexes", flexors), ("extends", extensors)):
        if not len(muscles):
            raise ModelError("model", f"has no muscle of the {finger} finger that {action} {joint}")
    return Antagonists(flexors, extensors)


def knuckle(finger: str) -> str:
    """The MCP flexion joint of a finger: "mcp2_flexion" for "index"."""
    return digit_joints(finger)[0]


def _mean_arm(
    model: mujoco.MjModel,
    hand: HandIndex,
    angles: np.ndarray,
    joint: int,
    *,
    low: float,
    high: float,
) -> np.ndarray:
    """Mean moment arm of every muscle about a joint between two angles [m]. Shape (m,)."""
    data = mujoco.MjData(model)
    lengths = []
    for angle in (low, high):
        posture = angles.copy()
        posture[joint] = angle
        place(model, data, hand, couple(hand, posture) if joint in hand.independent else posture)
        lengths.append(data.actuator_length[hand.muscles].copy())
    return (lengths[0] - lengths[1]) / (high - low)
