"""Where one hand is in a compiled model: names resolved to ids once, so that nothing looks up
names in a loop."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side
from musclehand.body.naming import Naming, own_naming
from musclehand.core.errors import ModelError


@dataclass(frozen=True)
class HandIndex:
    """One hand of a model, ours or another; arrays are int ids in the order of the names beside
    them.

    `joints` anatomical names of the n joints the model has (23 in ours), in the order of
    `HAND_JOINTS`; `dofs`, `qpos` (n,) where they are; `signs` (n,) 1 or -1: a value of the model
    times its sign is the anatomical value. `muscles` (m,) actuators (46 in ours), `act` (m,)
    entries of `data.act`, `tendons` (m,), `muscle_names` anatomical names where the naming knows
    them, else the model's. `tips` (5,) sites. `expand` (n, k) maps velocities of the independent
    joints to all joints: in our hand the last finger joints follow the middle ones; `independent`
    (k,) are the positions of the independent joints among the n.
    """

    side: Side
    joints: tuple[str, ...]
    muscle_names: tuple[str, ...]
    dofs: np.ndarray
    qpos: np.ndarray
    signs: np.ndarray
    muscles: np.ndarray
    act: np.ndarray
    tendons: np.ndarray
    tips: np.ndarray
    expand: np.ndarray
    independent: np.ndarray

    @classmethod
    def from_model(
        cls, model: mujoco.MjModel, side: Side, naming: Naming | None = None
    ) -> HandIndex:
        """Finds the hand by the names of `naming`, by default those of our own model.

        Raises:
            ModelError: the model has no such hand, no muscles in it, or lacks a fingertip.
        """
        naming = naming or own_naming()
        found = {joint: naming.joint(model, joint, side) for joint in HAND_JOINTS}
        joints = [(name, *place) for name, place in found.items() if place is not None]
        if not joints:
            raise ModelError("model", f"has no {side.name.lower()} hand named as in {naming.name}")
        ids = np.array([number for _, number, _ in joints])
        muscles = _muscles(model, naming, side)
        actuators = np.array([number for number, _ in muscles], dtype=int)
        signs = np.array([sign for _, _, sign in joints])
        expand, independent = _reduction(model, ids, signs)
        return cls(
            side=side,
            joints=tuple(name for name, _, _ in joints),
            muscle_names=tuple(name for _, name in muscles),
            dofs=np.asarray(model.jnt_dofadr)[ids],
            qpos=np.asarray(model.jnt_qposadr)[ids],
            signs=signs,
            muscles=actuators,
            act=np.asarray(model.actuator_actadr)[actuators],
            tendons=np.asarray(model.actuator_trnid)[actuators, 0],
            tips=_tips(model, naming, side),
            expand=expand,
            independent=independent,
        )

    def joint_ids(self, model: mujoco.MjModel) -> np.ndarray:
        """Ids of the joints in the model. Shape (n,)."""
        return np.asarray(model.dof_jntid)[self.dofs]

    def limits(self, model: mujoco.MjModel) -> np.ndarray:
        """Lower and upper limit of every joint as anatomical values [rad], -pi and pi without
        limits. Shape (n, 2)."""
        ids = self.joint_ids(model)
        limits = np.where(model.jnt_limited[ids, None] != 0, model.jnt_range[ids], [-np.pi, np.pi])
        return np.sort(limits * self.signs[:, None], axis=1)

    def pose(self, data: mujoco.MjData, angles: np.ndarray) -> None:
        """Writes anatomical joint angles [rad], shape (n,), into `data.qpos`; nothing is
        computed from them yet."""
        data.qpos[self.qpos] = self.signs * angles

    def angles(self, data: mujoco.MjData) -> np.ndarray:
        """The anatomical joint angles [rad]. Shape (n,)."""
        return data.qpos[self.qpos] * self.signs


def path_sites(model: mujoco.MjModel, tendon: int) -> list[int]:
    """Ids of the sites that a tendon runs through, in its order."""
    part = slice(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
    kinds = model.wrap_type[part]
    objects = model.wrap_objid[part]
    return [int(number) for number in objects[kinds == mujoco.mjtWrap.mjWRAP_SITE]]


def bodies_below(model: mujoco.MjModel, *tops: int) -> set[int]:
    """Ids of some bodies and of all that hang on them."""
    found = set(tops)
    for body in range(min(tops) + 1, model.nbody):
        if int(model.body_parentid[body]) in found:
            found.add(body)
    return found


def _muscles(model: mujoco.MjModel, naming: Naming, side: Side) -> list[tuple[int, str]]:
    """Muscle actuators of one side with their anatomical names, in the model's order."""
    found = []
    for number in range(model.nu):
        base = naming.base_of(model.actuator(number).name, side)
        is_muscle = model.actuator_dyntype[number] == mujoco.mjtDyn.mjDYN_MUSCLE
        pulls_tendon = model.actuator_trntype[number] == mujoco.mjtTrn.mjTRN_TENDON
        if base is not None and is_muscle and pulls_tendon:
            found.append((number, naming.muscles.get(base, base)))
    if not found:
        raise ModelError(
            "model",
            f"has no muscles (tendon-driven muscle actuators) in its {side.name.lower()} hand",
        )
    return found


def _tips(model: mujoco.MjModel, naming: Naming, side: Side) -> np.ndarray:
    names = [
        naming.name_of(naming.tips[digit], side) if digit in naming.tips else "" for digit in DIGITS
    ]
    tips = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, name) for name in names]
    missing = [
        f"{digit} ({name!r})"
        for digit, name, tip in zip(DIGITS, names, tips, strict=True)
        if tip < 0
    ]
    if missing:
        raise ModelError(
            "model",
            f"has no site at the tip of: {', '.join(missing)}; name them in the naming's tips",
        )
    return np.array(tips)


def _reduction(
    model: mujoco.MjModel, joints: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The map from independent joints to all joints, from the model's own couplings. Shapes (n, k)
    and (k,).

    A coupling is an active joint equality between two of these joints; its linear coefficient is
    what counts, turned to anatomical values.
    """
    drivers: dict[int, tuple[int, float]] = {}
    place = {int(joint): i for i, joint in enumerate(joints)}
    for number in range(model.neq):
        one = int(model.eq_obj1id[number])
        two = int(model.eq_obj2id[number])
        is_coupling = model.eq_type[number] == mujoco.mjtEq.mjEQ_JOINT and model.eq_active0[number]
        if is_coupling and one in place and two in place:
            sign = signs[place[one]] * signs[place[two]]
            drivers[place[one]] = (place[two], float(sign * model.eq_data[number, 1]))
    independent = [i for i in range(len(joints)) if i not in drivers]
    expand = np.zeros((len(joints), len(independent)))
    for column, joint in enumerate(independent):
        expand[joint, column] = 1.0
    for joint, (driver, ratio) in drivers.items():
        if driver not in drivers:
            expand[joint, independent.index(driver)] = ratio
    return expand, np.array(independent)


def wrist_centre(model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex) -> np.ndarray:
    """Where the axis of wrist flexion is now, world [m]; `mj_kinematics` has to have run. Shape
    (3,)."""
    joint = hand.joint_ids(model)[hand.joints.index("flexion")]
    return np.array(data.xanchor[joint])
