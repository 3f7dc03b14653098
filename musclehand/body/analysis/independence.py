"""Independence of fingers: slave forces and force deficit in pressing, and individuated movement.

- **Pressing.** Fingertips are pinned, as on force sensors. One finger or several are commanded to
  press with both flexors, through the drive that the slips share (`body.conditions.enslaving`).
  Slaves and deficit are shares of what each finger presses alone, as in Zatsiorsky, Li & Latash
  1998 (Biol Cybern 79:139).
- **Moving.** One digit moves while the others are to stay. `individuation` has the indices of
  Häger-Ross & Schieber 2000 (J Neurosci 20:8542).
- **Passive.** One finger of a relaxed hand is moved from outside (Lang & Schieber 2004, J
  Neurophysiol 92:2802), or one tendon is pulled (von Schroeder & Botte 1993, J Hand Surg 18A:641).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import data_at, prepared_copy, rest_angles, simulate
from musclehand.body.analysis.moment_arm import independent_arms, muscle_geometry
from musclehand.body.analysis.passive import settled_posture
from musclehand.body.analysis.strength import feasible_forces, muscle_limits
from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, WRIST_JOINTS, digit_joints
from musclehand.body.build.table_rows import SharedDrive
from musclehand.body.conditions.mixing import DriveMixer
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import ModelError

FINGERS = DIGITS[1:]
"""Index to little finger."""

FLEXORS = ("FDP", "FDS")
"""Bellies that press with the fingertips."""

STROKE = np.deg2rad([0.0, 10.0, 20.0, 30.0])
"""[rad] Flexion of MCP and PIP joint from rest by which a finger is moved; chosen, about what
people move in such tests."""

TRACTION_TIME = 1.5
"""[s] Duration of a pull at a tendon, after which the hand is still; chosen."""

HELD_INERTIA = 100.0
"""[kg m^2] Inertia that holds the wrist still against a pull; chosen."""

STILL = 1e-9
"""[rad] Travel of a digit that counts as none; chosen."""


class Pressing(NamedTuple):
    """A hand of m muscles that presses with its fingertips in one posture."""

    names: tuple[str, ...]
    """Names of the muscles."""

    flexors: np.ndarray
    """Positions of the slips of FDP and FDS by finger. Shape (2, 4)."""

    gain: np.ndarray
    """[N] Force of each pinned fingertip for each muscle fully excited. Shape (4, m)."""


class Individuation(NamedTuple):
    """Indices of n digits, 1 for a digit that is wholly independent. Shape (n,) each."""

    individuation: np.ndarray
    """How still the others stay while this digit moves."""

    stationarity: np.ndarray
    """How still this digit stays while others move."""


def pressing(model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray) -> Pressing:
    """What each muscle gives to the forces of pinned fingertips.

    The force is the part along the pad's normal (as in `strength.feasible_forces`) of what holds
    the tip in place.

    Args:
        model: any model.
        hand: the hand in the model.
        posture: anatomical joint angles [rad]. Shape (n,).

    Raises:
        ModelError: the hand lacks a slip of FDP or FDS, or a finger.
    """
    names = [[f"{belly}{number}" for number in FINGER_NUMBERS] for belly in FLEXORS]
    missing = [name for row in names for name in row if name not in hand.muscle_names]
    if missing:
        raise ModelError("hand", f"has no {', '.join(missing)}, with which single fingers press")
    geometry = muscle_geometry(model, hand, posture[None])
    active = muscle_limits(model, hand, geometry.lengths).active[0]
    torques = independent_arms(hand, geometry.arms)[0] * active[:, None]
    data = data_at(model, hand, posture)
    jacobian = np.zeros((3, model.nv))
    gains = []
    for digit in FINGERS:
        normal = feasible_forces(model, hand, digit, posture).normal
        mujoco.mj_jacSite(model, data, jacobian, None, hand.tips[DIGITS.index(digit)])
        moved = (jacobian[:, hand.dofs] * hand.signs) @ hand.expand
        own = [i for i, at in enumerate(hand.independent) if hand.joints[at] in digit_joints(digit)]
        gains.append(normal @ np.linalg.pinv(moved[:, own].T) @ torques[:, own].T)
    places = np.array([[hand.muscle_names.index(name) for name in row] for row in names])
    return Pressing(hand.muscle_names, places, np.array(gains))


def pad_forces(
    pressed: Pressing, drives: Sequence[SharedDrive], commands: np.ndarray
) -> np.ndarray:
    """Forces of the four fingertips [N] for commands to the fingers' flexors. Shape (4,).

    A finger's command drives its slips of FDP and FDS; no other muscle contracts.

    Args:
        pressed: the hand.
        drives: that muscles share, none where all are independent.
        commands: of index to little finger, 0 to 1, before the bound of a drive. Shape (4,).

    Raises:
        ModelError: the hand lacks a muscle of a drive.
    """
    full = np.zeros(len(pressed.names))
    full[pressed.flexors] = commands
    return np.asarray(pressed.gain @ DriveMixer(pressed.names, drives).mix(full))


def enslaving_matrix(pressed: Pressing, drives: Sequence[SharedDrive]) -> np.ndarray:
    """Force of each finger (row) when one (column) presses maximally, over its own maximum.

    Args:
        pressed: the hand.
        drives: that muscles share, none where all are independent.

    Returns:
        Shares, 1 on the diagonal. Shape (4, 4).

    Raises:
        ModelError: the hand lacks a muscle of a drive.
    """
    unit = np.eye(len(FINGERS))
    forces = np.stack([pad_forces(pressed, drives, command) for command in unit], axis=1)
    return np.asarray(forces / np.diag(forces)[:, None])


def force_deficit(pressed: Pressing, drives: Sequence[SharedDrive]) -> np.ndarray:
    """Share of the sum of single maxima that is missing when fingers press together.

    Fingers that press have equal commands, as large as the drives allow. The mean over all sets of
    2, 3 and 4 fingers.

    Args:
        pressed: the hand.
        drives: that muscles share, none where all are independent.

    Returns:
        For 2, 3 and 4 fingers. Shape (3,).

    Raises:
        ModelError: the hand lacks a muscle of a drive.
    """
    count = len(FINGERS)
    unit = np.eye(count)
    single = np.array([pad_forces(pressed, drives, unit[i])[i] for i in range(count)])
    means = []
    for size in range(2, count + 1):
        sets = [list(chosen) for chosen in combinations(range(count), size)]
        together = [pad_forces(pressed, drives, unit[chosen].sum(axis=0)) for chosen in sets]
        missing = [
            1.0 - forces[chosen].sum() / single[chosen].sum()
            for forces, chosen in zip(together, sets, strict=True)
        ]
        means.append(np.mean(missing))
    return np.array(means)


def individuation(slopes: np.ndarray) -> Individuation:
    """Indices of Häger-Ross and Schieber from how much all digits move when one does.

    Args:
        slopes: movement of each digit (row) for that of the instructed one (column). Shape (n, n).
    """
    size = np.abs(slopes)
    others = len(size) - 1
    return Individuation(
        1.0 - (size.sum(axis=0) - np.diag(size)) / others,
        1.0 - (size.sum(axis=1) - np.diag(size)) / others,
    )


def movement_slopes(hand: HandIndex, angles: np.ndarray, instructed: str) -> np.ndarray:
    """Movement of each digit for that of the instructed one: slopes of lines through all points.

    A digit's angle is the sum of its flexion angles, without those that follow others.

    Args:
        hand: whose joints.
        angles: of all joints over time [rad]. Shape (t, n).
        instructed: one of `anatomy.DIGITS`.

    Returns:
        1 for the instructed digit; 0 for all others if it does not move. Shape (5,).
    """
    flexion = np.stack([angles[:, _flexion(hand, digit)].sum(axis=1) for digit in DIGITS], axis=1)
    moved = flexion - flexion.mean(axis=0)
    lead = moved[:, DIGITS.index(instructed)]
    if np.abs(lead).max() < STILL:
        return np.array([float(digit == instructed) for digit in DIGITS])
    return np.asarray(moved.T @ lead / (lead @ lead))


def passive_slopes(model: mujoco.MjModel, hand: HandIndex) -> np.ndarray:
    """Movement of each digit (row) of a relaxed hand while one finger (column) is flexed from rest.

    The wrist is held, and the other digits settle where their passive torques balance.

    Args:
        model: any model.
        hand: the hand in the model.

    Returns:
        The thumb's column is that of an independent digit. Shape (5, 5).
    """
    slopes = np.eye(len(DIGITS))
    relaxed = settled_posture(model, hand, rest_angles(model, hand), set(WRIST_JOINTS))
    for digit in FINGERS:
        held = {*WRIST_JOINTS, *digit_joints(digit)}
        joints = _flexion(hand, digit)
        postures = [relaxed]
        for step in np.diff(STROKE):
            independent = postures[-1][hand.independent].copy()
            independent[np.isin(hand.independent, joints)] += step
            start = np.asarray(hand.expand @ independent)
            postures.append(settled_posture(model, hand, start, held))
        slopes[:, DIGITS.index(digit)] = movement_slopes(hand, np.array(postures), digit)
    return slopes


def traction(model: mujoco.MjModel, hand: HandIndex, muscle: str) -> np.ndarray:
    """Change of all joint angles from rest by a full contraction of one muscle alone [rad].

    The hand is relaxed but for that, without gravity, its wrist held. Shape (n,).

    Args:
        model: any model with muscles.
        hand: the hand in the model.
        muscle: name without side.

    Raises:
        ModelError: the hand has no such muscle.
    """
    if muscle not in hand.muscle_names:
        raise ModelError("hand", f"has no muscle {muscle}")
    twin = prepared_copy(model, gravity=False)
    held = [i for i, joint in enumerate(hand.joints) if joint in WRIST_JOINTS]
    twin.dof_armature[hand.dofs[held]] += HELD_INERTIA
    steps = round(TRACTION_TIME / twin.opt.timestep)
    ends = []
    for pull in (0.0, 1.0):
        excitations = np.zeros((steps, len(hand.muscles)))
        excitations[:, hand.muscle_names.index(muscle)] = pull
        data = data_at(twin, hand, rest_angles(twin, hand))
        ends.append(simulate(twin, data, hand, excitations).angles[-1])
    return np.asarray(ends[1] - ends[0])


def _flexion(hand: HandIndex, digit: str) -> np.ndarray:
    """Positions of a digit's flexion joints that follow no others."""
    own = {name for name in digit_joints(digit) if name.endswith("flexion")}
    return np.array([i for i in hand.independent if hand.joints[i] in own], dtype=int)
