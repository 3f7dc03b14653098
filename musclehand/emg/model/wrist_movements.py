"""Simulated activations of a motion: wrist movements as EMG recordings hold them, or any motion.

The hand alone follows the motion by computed muscle control, its elbow fixed, without gravity and
without contacts. Muscles work against inertia, passive tissue and each other. Fingers that a
movement leaves free come to rest by passive tissue (`let_fingers_go`): a flexed wrist opens them,
an extended one closes them (tenodesis). In a fist the palm pushes back on the fingers (`GRIP_NM`).
Co-contraction beyond what the control needs is not modelled; a real forearm has it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import prepared_copy
from musclehand.body.analysis.passive import release_hand
from musclehand.body.anatomy import FINGER_NUMBERS, INDEPENDENT_JOINTS, WRIST_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.tables import load_tables
from musclehand.body.hand_index import HandIndex
from musclehand.control.tracking import SETTLE, track, whole_posture
from musclehand.core.errors import InvalidValue, ModelError, UnknownName
from musclehand.core.time_steps import CONTROL_DT
from musclehand.emg.io.simulated import SimulatedMuscles
from musclehand.motion.reference import minimum_jerk

MOVEMENTS_DEG: Mapping[str, Mapping[str, float]] = {
    "flexion": {"flexion": 50.0},
    "extension": {"flexion": -50.0},
    "radial deviation": {"deviation": 18.0},
    "ulnar deviation": {"deviation": -28.0},
    "pronation": {"pro_sup": 65.0},
    "supination": {"pro_sup": -65.0},
    "fist": {
        **{f"mcp{finger}_flexion": 75.0 for finger in FINGER_NUMBERS},
        **{f"pm{finger}_flexion": 85.0 for finger in FINGER_NUMBERS},
        "cmc_flexion": -12.0,
        "cmc_abduction": 30.0,
        "mp_flexion": -35.0,
        "ip_flexion": -45.0,
        "flexion": -15.0,
    },
}
"""Goals of joints [deg]: about three quarters of the range, as of people asked to move "as far as
comfortable"."""

GRIP_NM: Mapping[str, float] = {
    **{f"mcp{finger}_flexion": 0.40 for finger in FINGER_NUMBERS},
    **{f"pm{finger}_flexion": 0.25 for finger in FINGER_NUMBERS},
}
"""Torques of a closed fist's palm on finger joints [N m]: 10 N on each fingertip, 40 and 25 mm from
the joints. That is a fifth of a finger's strength of some 50 N (recalled)."""

MARGIN = np.radians(3.0)
"""Distance of goals from the ends of a model's joints [rad]."""

HEAVY = 1e6
"""Inertia that holds a joint in place while others come to rest [kg m^2]."""

LET_GO = 3.0
"""Time in which joints come to rest [s]: after 2 s they are within 0.1 degrees of their final
angles."""


def held_movement(
    name: str,
    limits: np.ndarray,
    *,
    before: float = 1.3,
    hold: float = 5.0,
    after: float = 2.0,
    dt: float = CONTROL_DT,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimum-jerk motion from rest into a movement, held, and back, half a second each way.

    Rest is the equilibrium of the bundled hand's passive tissue (its table of joints): any other
    rest posture would need muscle work, which relaxed people do not show. Fingers move as in
    `let_fingers_go`.

    Args:
        name: of `MOVEMENTS_DEG`.
        limits: lower and upper limit of each of `INDEPENDENT_JOINTS` [rad]. Shape (19, 2).
        before: time at rest first [s].
        hold: from the start of the movement to the start of the return [s].
        after: time from the start of the return [s].
        dt: time step of the samples [s].

    Returns:
        Angles [rad] and speeds [rad/s] of `INDEPENDENT_JOINTS`. Shapes (T, 19).

    Raises:
        UnknownName: no such movement.
        InvalidValue: limits of another shape, or times too short.
    """
    if name not in MOVEMENTS_DEG:
        raise UnknownName("movement", name, MOVEMENTS_DEG)
    if np.shape(limits) != (len(INDEPENDENT_JOINTS), 2):
        raise InvalidValue("limits", np.shape(limits), f"({len(INDEPENDENT_JOINTS)}, 2)")
    if min(before, after - 0.5, hold - 0.5) < 0 or not 0 < dt <= 0.05:
        raise InvalidValue(
            "times", (before, hold, after, dt), "before at least 0, hold and after at least 0.5 s"
        )
    low = limits[:, 0] + MARGIN
    high = limits[:, 1] - MARGIN
    relaxed = np.clip(_relaxed_posture(), low, high)
    excursion = np.clip(let_fingers_go(name), low, high) - relaxed
    time = np.arange(round((before + hold + after) / dt) + 1) * dt
    forth, forth_rate = minimum_jerk(time, before, before + 0.5)
    back, back_rate = minimum_jerk(time, before + hold, before + hold + 0.5)
    angles = relaxed + (forth - back)[:, None] * excursion
    speeds = (forth_rate - back_rate)[:, None] * excursion
    return angles, speeds


@cache
def let_fingers_go(name: str) -> np.ndarray:
    """Posture of the bundled hand at the end of a movement, with free joints at passive rest.

    The movement's own joints and the wrist are held; all other joints come to rest by passive
    tissue alone. Tendons that pass wrist and fingers pull fingers along (tenodesis). A control that
    held fingers in the posture of a straight wrist would extend the wrist by the fingers'
    extensors, while people use those of the wrist.

    Args:
        name: of `MOVEMENTS_DEG`.

    Returns:
        Angles of `INDEPENDENT_JOINTS` [rad], read-only. Shape (19,).
    """
    model = prepared_copy(load_hand(Side.RIGHT), gravity=False)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    hand = HandIndex.from_model(model, Side.RIGHT)
    posture = _relaxed_posture()
    for joint, value in MOVEMENTS_DEG[name].items():
        posture[INDEPENDENT_JOINTS.index(joint)] = np.radians(value)
    held = {*WRIST_JOINTS, *MOVEMENTS_DEG[name]}
    for joint, dof in zip(hand.joints, hand.dofs, strict=True):
        if joint in held:
            model.dof_armature[dof] = HEAVY
    final = release_hand(model, hand, whole_posture(hand, posture), LET_GO)[-1]
    angles = dict(zip(hand.joints, final, strict=True))
    posture = np.array([angles[joint] for joint in INDEPENDENT_JOINTS])
    posture.flags.writeable = False
    return posture


def _relaxed_posture() -> np.ndarray:
    """Angles of `INDEPENDENT_JOINTS` at which the bundled hand's passive tissue is at rest [rad].

    Shape (19,).
    """
    angles = {row.joint: row.rest for row in load_tables().joints}
    return np.array([angles[joint] for joint in INDEPENDENT_JOINTS])


def simulate_movement(
    model: mujoco.MjModel,
    hand: HandIndex,
    name: str,
    *,
    before: float = 1.3,
    hold: float = 5.0,
    after: float = 2.0,
) -> SimulatedMuscles:
    """Activations of all muscles in a movement of `MOVEMENTS_DEG`, by computed muscle control.

    Args:
        model: with this hand and nothing else that moves.
        hand: index of its joints and muscles.
        name: of the movement.
        before: time at rest first [s].
        hold: from the start of the movement to the start of the return [s].
        after: time from the start of the return [s].

    Raises:
        UnknownName: no such movement.
        InvalidValue: times too short.
        ModelError: the simulation broke down.
    """
    limits = joint_limits(model, hand)
    angles, speeds = held_movement(name, limits, before=before, hold=hold, after=after)
    if name == "fist":
        model = with_grip(model, hand)
    return simulate_motion(model, hand, angles, speeds)


def with_grip(model: mujoco.MjModel, hand: HandIndex) -> mujoco.MjModel:
    """A copy of a model with a palm: springs that push fingers back in a fist by `GRIP_NM`.

    They push less the further the fist is open.
    """
    gripping = copy.copy(model)
    for joint, torque in GRIP_NM.items():
        if joint in hand.joints:
            place = hand.joints.index(joint)
            index = model.dof_jntid[hand.dofs[place]]
            closed = (
                np.radians(MOVEMENTS_DEG["fist"][joint])
                - hand.signs[place] * model.qpos_spring[hand.qpos[place]]
            )
            gripping.jnt_stiffness[index] += torque / closed
    return gripping


def simulate_motion(
    model: mujoco.MjModel,
    hand: HandIndex,
    angles: np.ndarray,
    speeds: np.ndarray,
    *,
    dt: float = CONTROL_DT,
) -> SimulatedMuscles:
    """Activations of all muscles while the hand follows a motion, by computed muscle control.

    Args:
        model: with this hand and nothing else that moves.
        hand: index of its joints and muscles.
        angles: of `INDEPENDENT_JOINTS` [rad]. Shape (T, 19).
        speeds: their rates [rad/s]. Shape (T, 19).
        dt: time step of the samples [s].

    Returns:
        From the time at which muscles have settled, `SETTLE` after the first sample.

    Raises:
        ModelError: the simulation broke down; names the time.
        InvalidValue: a motion too short, or one that `track` refuses.
    """
    result = track(model, hand, angles, speeds, dt=dt)
    if result.failure is not None or result.activations is None:
        raise ModelError("model", f"could not follow the motion: {result.failure}")
    if len(result.time) < 3:
        raise InvalidValue(
            "motion",
            f"{len(angles) * dt:.2f} s",
            f"longer than the {SETTLE:g} s muscles need to settle",
        )
    values = np.clip(result.activations, 0.0, 1.0)
    return SimulatedMuscles(
        values=values,
        fs_hz=1 / dt,
        muscles=hand.muscle_names,
        quantity="activation",
        start=float(result.time[0]),
    )


def joint_limits(model: mujoco.MjModel, hand: HandIndex) -> np.ndarray:
    """Lower and upper limits of `INDEPENDENT_JOINTS` as anatomical angles [rad]. Shape (19, 2).

    Joints that the model lacks have -pi and pi.
    """
    limits = dict(zip(hand.joints, hand.limits(model), strict=True))
    return np.array([limits.get(joint, (-np.pi, np.pi)) for joint in INDEPENDENT_JOINTS])
