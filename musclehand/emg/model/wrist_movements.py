"""Simulated muscles from a motion: wrist movements as they are held in EMG recordings, or any
motion of the joints.

The hand alone follows the motion by computed muscle control, its elbow fixed, without gravity and
without contacts: what is found is what muscles need against inertia, passive tissue and each other.
Fingers that a movement does not ask for are let go: a bent wrist opens them, an extended one closes
them, as tendons do that pass both (`let_fingers_go`). In a fist the palm pushes back on the fingers
(`GRIP_NM`). Nobody stiffens more than the control asks for; a real forearm does.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import prepared_copy
from musclehand.body.analysis.passive import let_go
from musclehand.body.anatomy import FINGER_NUMBERS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.tables import load_tables
from musclehand.body.hand_index import HandIndex
from musclehand.control.tracking import SETTLE, track, whole_posture
from musclehand.core.errors import InvalidValue, ModelError, UnknownName
from musclehand.emg.io.simulated import SimulatedMuscles
from musclehand.motion.reference import JOINTS, minimum_jerk

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
        **{
            "cmc_flexion": -12.0,
            "cmc_abduction": 30.0,
            "mp_flexion": -35.0,
            "ip_flexion": -45.0,
            "flexion": -15.0,
        },
    },
}
"""Where joints go [deg]: about three quarters of the range, as a person asked to move "as far as
comfortable" would."""

GRIP_NM: Mapping[str, float] = {
    **{f"mcp{finger}_flexion": 0.40 for finger in FINGER_NUMBERS},
    **{f"pm{finger}_flexion": 0.25 for finger in FINGER_NUMBERS},
}
"""What a closed fist's palm turns finger joints back with [N m]: 10 N on each fingertip, 40 and
25 mm from the joints. A fifth of what a finger can press, which is some 50 N (recalled)."""

MARGIN = np.radians(3.0)
"""Goals keep this far from the ends of a model's joints [rad]."""

WRIST = ("pro_sup", "deviation", "flexion")
HEAVY = 1e6
LET_GO = 3.0
"""Inertia that keeps a joint where it is while others come to rest [kg m^2], and the time they
get: after 2 s they are within 0.1 degrees of where they will ever be [s]."""


def held_movement(
    name: str,
    limits: np.ndarray,
    *,
    before: float = 1.3,
    hold: float = 5.0,
    after: float = 2.0,
    dt: float = 0.008,
) -> tuple[np.ndarray, np.ndarray]:
    """From rest into a movement, held, and back, each way in half a second with least jerk.

    Rest is where our hand's passive tissue holds it (its table of joints): in another posture
    muscles would have to hold it there, in every movement, as no relaxed person does. Fingers do as
    in `let_fingers_go`.

    Args:
        name: of `MOVEMENTS_DEG`.
        limits: lower and upper of `JOINTS` [rad]. Shape (19, 2).
        before: time at rest first [s].
        hold: from the begin of the way there to the begin of the way back [s].
        after: time after that [s].
        dt: of the samples [s].

    Returns:
        Angles [rad] and speeds [rad/s] of `JOINTS`. Shapes (T, 19).

    Raises:
        UnknownName: no such movement.
        InvalidValue: limits of another shape, or times too short.
    """
    if name not in MOVEMENTS_DEG:
        raise UnknownName("movement", name, MOVEMENTS_DEG)
    if np.shape(limits) != (len(JOINTS), 2):
        raise InvalidValue("limits", np.shape(limits), f"({len(JOINTS)}, 2)")
    if min(before, after - 0.5, hold - 0.5) < 0 or not 0 < dt <= 0.05:
        raise InvalidValue(
            "times", (before, hold, after, dt), "before at least 0, hold and after at least 0.5 s"
        )
    low = limits[:, 0] + MARGIN
    high = limits[:, 1] - MARGIN
    rest = np.clip(_at_ease(), low, high)
    away = np.clip(let_fingers_go(name), low, high) - rest
    time = np.arange(round((before + hold + after) / dt) + 1) * dt
    there, rate = minimum_jerk(time, before, before + 0.5)
    back, back_rate = minimum_jerk(time, before + hold, before + hold + 0.5)
    return rest + (there - back)[:, None] * away, (rate - back_rate)[:, None] * away


@cache
def let_fingers_go(name: str) -> np.ndarray:
    """Where our hand's joints are at the end of a movement whose own joints are held, and the wrist
    where it is not one of them, while all others come to rest by passive tissue alone.

    Tendons that pass wrist and fingers pull fingers along (tenodesis). A control that held fingers
    in the posture of a straight wrist would extend a wrist by the fingers' extensors, which people
    do with those of the wrist.

    Args:
        name: of `MOVEMENTS_DEG`.

    Returns:
        Angles of `JOINTS` [rad], read-only. Shape (19,).
    """
    model = prepared_copy(load_hand(Side.RIGHT), gravity=False)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    hand = HandIndex.from_model(model, Side.RIGHT)
    posture = _at_ease()
    for joint, value in MOVEMENTS_DEG[name].items():
        posture[JOINTS.index(joint)] = np.radians(value)
    held = {*WRIST, *MOVEMENTS_DEG[name]}
    for joint, dof in zip(hand.joints, hand.dofs, strict=True):
        if joint in held:
            model.dof_armature[dof] = HEAVY
    ends = dict(
        zip(hand.joints, let_go(model, hand, whole_posture(hand, posture), LET_GO)[-1], strict=True)
    )
    posture = np.array([ends[joint] for joint in JOINTS])
    posture.flags.writeable = False
    return posture


def _at_ease() -> np.ndarray:
    """Where passive tissue holds `JOINTS` of our hand [rad]. Shape (19,)."""
    rest = {row.joint: row.rest for row in load_tables().joints}
    return np.array([rest[joint] for joint in JOINTS])


def simulate_movement(
    model: mujoco.MjModel,
    hand: HandIndex,
    name: str,
    *,
    before: float = 1.3,
    hold: float = 5.0,
    after: float = 2.0,
) -> SimulatedMuscles:
    """Activations of all muscles in a movement of `MOVEMENTS_DEG`; times and errors as
    `held_movement`."""
    angles, speeds = held_movement(
        name, joint_limits(model, hand), before=before, hold=hold, after=after
    )
    return simulate_motion(
        with_grip(model, hand) if name == "fist" else model, hand, angles, speeds
    )


def with_grip(model: mujoco.MjModel, hand: HandIndex) -> mujoco.MjModel:
    """A copy whose finger joints are pushed back in a fist by `GRIP_NM`, and less the further
    the fist is open."""
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
    dt: float = 0.008,
) -> SimulatedMuscles:
    """Activations of all muscles while the hand follows a motion, by computed muscle control.

    Args:
        model: with this hand and nothing else that moves.
        hand: where it is.
        angles: of `JOINTS` [rad]. Shape (T, 19).
        speeds: their rates [rad/s]. Shape (T, 19).
        dt: of the samples [s].

    Returns:
        From the time on at which muscles have settled, `SETTLE` after the first sample.

    Raises:
        ModelError: the simulation broke down; says when.
        InvalidValue: as `track`.
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
    return SimulatedMuscles(values, 1 / dt, hand.muscle_names, "activation", float(result.time[0]))


def joint_limits(model: mujoco.MjModel, hand: HandIndex) -> np.ndarray:
    """Of `JOINTS`, as anatomical values; -pi and pi of joints that the model lacks [rad]. Shape
    (19, 2)."""
    found = dict(zip(hand.joints, hand.limits(model), strict=True))
    return np.array([found.get(joint, (-np.pi, np.pi)) for joint in JOINTS])
