"""Index of one hand in a compiled model: names resolved to ids once, before any loop."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side, digit_joints
from musclehand.body.naming import Naming, own_naming, similar_name
from musclehand.core.errors import ModelError

NO_TIP = -1
"""In place of the site at the tip of a digit that a model lacks."""


@dataclass(frozen=True)
class HandIndex:
    """Ids of the n joints, m muscles and 5 fingertips of one hand, ours or any other."""

    side: Side
    """Side of the hand."""

    joints: tuple[str, ...]
    """Anatomical names of the model's joints (n = 25 in ours), in the order of `HAND_JOINTS`."""

    muscle_names: tuple[str, ...]
    """Anatomical names (m = 46 in ours); the model's where the naming has none."""

    dofs: np.ndarray
    """Degrees of freedom of the joints. Shape (n,)."""

    qpos: np.ndarray
    """Entries of the joints in `data.qpos`. Shape (n,)."""

    signs: np.ndarray
    """1 or -1; a value of the model times its sign is the anatomical value. Shape (n,)."""

    muscles: np.ndarray
    """Actuators of the muscles. Shape (m,)."""

    act: np.ndarray
    """Entries of the muscles in `data.act`. Shape (m,)."""

    tendons: np.ndarray
    """Tendons of the muscles. Shape (m,)."""

    tips: np.ndarray
    """Sites at the fingertips, thumb to little finger; `NO_TIP` of digits that the model lacks.
    Shape (5,)."""

    expand: np.ndarray
    """Jacobian of all joints by the k independent ones: in our hand the DIP joints follow the PIP
    joints. Shape (n, k)."""

    independent: np.ndarray
    """Positions of the independent joints among the n. Shape (k,)."""

    @classmethod
    def from_model(
        cls, model: mujoco.MjModel, side: Side, naming: Naming | None = None
    ) -> HandIndex:
        """Looks up all parts of a hand.

        Args:
            model: any model with a hand.
            side: which hand.
            naming: the model's names; by default those of our own model.

        Raises:
            ModelError: the model has no such hand, no muscles in it, or lacks a fingertip.
        """
        naming = naming or own_naming()
        lookup = {joint: naming.joint(model, joint, side) for joint in HAND_JOINTS}
        joints = [(name, *place) for name, place in lookup.items() if place is not None]
        if not joints:
            raise ModelError("model", f"has no {side.name.lower()} hand named as in {naming.name}")
        ids = np.array([number for _, number, _ in joints])
        muscles = _muscles(model, naming, side, ids)
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
            tips=_tips(model, naming, side, {name for name, _, _ in joints}),
            expand=expand,
            independent=independent,
        )

    @property
    def digits(self) -> tuple[str, ...]:
        """The digits that have a fingertip, of `DIGITS`."""
        return tuple(digit for digit, tip in zip(DIGITS, self.tips, strict=True) if tip != NO_TIP)

    def joint_ids(self, model: mujoco.MjModel) -> np.ndarray:
        """Ids of the joints in the model. Shape (n,)."""
        return np.asarray(model.dof_jntid)[self.dofs]

    def limits(self, model: mujoco.MjModel) -> np.ndarray:
        """Lower and upper limit of every joint as anatomical values [rad].

        Joints without limits have -pi and pi.

        Returns:
            Shape (n, 2).
        """
        ids = self.joint_ids(model)
        limits = np.where(model.jnt_limited[ids, None] != 0, model.jnt_range[ids], [-np.pi, np.pi])
        return np.sort(limits * self.signs[:, None], axis=1)

    def pose(self, data: mujoco.MjData, angles: np.ndarray) -> None:
        """Writes joint angles into `data.qpos` without computing anything from them.

        Args:
            data: state of the model; changed in place.
            angles: anatomical angles [rad]. Shape (n,).
        """
        data.qpos[self.qpos] = self.signs * angles

    def angles(self, data: mujoco.MjData) -> np.ndarray:
        """Anatomical joint angles of a state [rad]. Shape (n,)."""
        return data.qpos[self.qpos] * self.signs


def path_sites(model: mujoco.MjModel, tendon: int) -> list[int]:
    """Ids of the sites along a tendon, in order."""
    part = slice(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
    kinds = model.wrap_type[part]
    objects = model.wrap_objid[part]
    return [int(number) for number in objects[kinds == mujoco.mjtWrap.mjWRAP_SITE]]


def bodies_below(model: mujoco.MjModel, *tops: int) -> set[int]:
    """Ids of the bodies `tops` and of all their descendants."""
    bodies = set(tops)
    for body in range(min(tops) + 1, model.nbody):
        if int(model.body_parentid[body]) in bodies:
            bodies.add(body)
    return bodies


def _muscles(
    model: mujoco.MjModel, naming: Naming, side: Side, joints: np.ndarray
) -> list[tuple[int, str]]:
    """Muscle actuators of one side with their anatomical names, in the model's order.

    Muscles that the naming does not list are those whose path touches a bone that the joints move.
    """
    is_muscle = model.actuator_dyntype == mujoco.mjtDyn.mjDYN_MUSCLE
    is_muscle &= model.actuator_trntype == mujoco.mjtTrn.mjTRN_TENDON
    bones: set[int] = set()
    for joint in joints:
        if int(model.jnt_bodyid[joint]) not in bones:
            bones |= bodies_below(model, int(model.jnt_bodyid[joint]))
    muscles = []
    for number in map(int, np.flatnonzero(is_muscle)):
        label = model.actuator(number).name
        name = naming.muscle(label, side)
        if name is None and bones & path_bodies(model, int(model.actuator_trnid[number, 0])):
            name = naming.base_of(label, side) or label or f"actuator {number}"
        if name is not None:
            muscles.append((number, name))
    if not muscles:
        has = f"none of its {np.count_nonzero(is_muscle)} muscles on tendons touches a bone of it"
        problem = f"has no muscles in its {side.name.lower()} hand"
        raise ModelError("model", f"{problem}: {has if is_muscle.any() else 'no tendon has one'}")
    return muscles


def path_bodies(model: mujoco.MjModel, tendon: int) -> set[int]:
    """Ids of the bodies that the sites and wrapping surfaces of a tendon belong to."""
    part = slice(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
    kinds = model.wrap_type[part]
    objects = model.wrap_objid[part]
    is_surface = (kinds == mujoco.mjtWrap.mjWRAP_SPHERE) | (kinds == mujoco.mjtWrap.mjWRAP_CYLINDER)
    bodies = {*model.site_bodyid[objects[kinds == mujoco.mjtWrap.mjWRAP_SITE]]}
    return {int(body) for body in bodies | {*model.geom_bodyid[objects[is_surface]]}}


def _tips(model: mujoco.MjModel, naming: Naming, side: Side, joints: set[str]) -> np.ndarray:
    """Sites at the fingertips; -1 where the model has no joint of a digit and no tip of it."""
    tips = [naming.tip(model, digit, side) for digit in DIGITS]
    missing = []
    for digit, tip in zip(DIGITS, tips, strict=True):
        if tip is None and not joints.isdisjoint(digit_joints(digit)):
            name = next(iter(naming.tip_names(digit, side)), "")
            similar = similar_name(naming, model, "tips", name)
            hint = f"; did you mean {similar!r}?" if similar else ""
            missing.append(f"{digit} ({name!r}{hint})")
    if missing:
        raise ModelError(
            "model",
            f"has no site at the tip of: {', '.join(missing)}; name them in the naming's tips",
        )
    return np.array([NO_TIP if tip is None else tip for tip in tips])


def _reduction(
    model: mujoco.MjModel, joints: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Jacobian of all joints by the independent ones (n, k), and positions of the latter (k,).

    A coupling is an active joint equality between two of the joints. Its linear coefficient counts,
    converted to anatomical values.
    """
    drivers: dict[int, tuple[int, float]] = {}
    place = {int(joint): i for i, joint in enumerate(joints)}
    for number in range(model.neq):
        follower = int(model.eq_obj1id[number])
        driver = int(model.eq_obj2id[number])
        is_coupling = model.eq_type[number] == mujoco.mjtEq.mjEQ_JOINT and model.eq_active0[number]
        if is_coupling and follower in place and driver in place:
            sign = signs[place[follower]] * signs[place[driver]]
            drivers[place[follower]] = (place[driver], float(sign * model.eq_data[number, 1]))
    independent = [i for i in range(len(joints)) if i not in drivers]
    expand = np.zeros((len(joints), len(independent)))
    for column, joint in enumerate(independent):
        expand[joint, column] = 1.0
    for joint, (driver, ratio) in drivers.items():
        if driver not in drivers:
            expand[joint, independent.index(driver)] = ratio
    return expand, np.array(independent)


def wrist_centre(model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex) -> np.ndarray:
    """World position of the axis of wrist flexion.

    Args:
        model: the model.
        data: its state, after `mj_kinematics`.
        hand: the hand in the model.

    Returns:
        Position [m]. Shape (3,).
    """
    joint = hand.joint_ids(model)[hand.joints.index("flexion")]
    return np.array(data.xanchor[joint])
