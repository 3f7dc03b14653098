"""Shortest and longest path of every muscle over the whole range of motion, found by search.

Random postures hardly ever come near the corners of a range of motion, where several joints stand
at their limits and paths are shortest or longest. A path changes with the few joints that it
crosses only. All combinations of their lower limits, middles and upper limits are therefore tried,
and the best of them is improved joint by joint. Muscles of different digits are examined in the
same postures.

Joints move independently over all of their ranges; only joints that others drive (joint equalities
of the model, such as DIP by PIP) follow them. The abduction of a bent finger is therefore not
narrowed, as it is in `posture.sample_postures`: a simulated hand can go wherever its limits allow.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex

MOST_POSTURES = 20_000
"""Most combinations of joint angles that are tried at once; with more joints the middles, then
random corners, are left out."""

LEVELS = 3
"""Angles of each joint that are combined: its lower limit, middle and upper limit."""

POINTS = 9
"""Angles of a joint that the first look of its improvement compares."""

HALVINGS = 6
"""Times that the distance to the two angles beside the best of them is halved afterwards."""

NUM_STARTS = 2
"""Best combinations from which joints are improved one by one."""

MOST_ROUNDS = 6
"""Most rounds over the joints of a muscle."""

FINEST = 3e-6
"""[m] A round that gains less is the last."""


class Extremes(NamedTuple):
    """Shortest and longest paths of m muscles."""

    lengths: np.ndarray
    """[m] Shortest and longest length. Shape (m, 2)."""

    qpos: np.ndarray
    """The model's joint positions in which the lengths occur. Shape (m, 2, nq)."""


class Follower(NamedTuple):
    """A joint that another one drives."""

    joint: int
    """Id of the joint."""

    driver: int
    """Id of its driver."""

    polynomial: np.ndarray
    """Coefficients of its angle, from the constant on, both measured from `qpos0`. Shape (5,)."""


def length_extremes(model: mujoco.MjModel, hand: HandIndex) -> Extremes:
    """Shortest and longest lengths of a hand's muscles over its range of motion.

    Args:
        model: any model.
        hand: the hand in the model; other joints stay as in `qpos0`.

    Returns:
        Lengths of the actuators: of the paths, times the gear. `qpos[..., hand.qpos] * hand.signs`
        are the anatomical angles.
    """
    paths = path_extremes(model, hand.tendons, hand.joint_ids(model))
    lengths = paths.lengths * model.actuator_gear[hand.muscles, :1]
    order = np.argsort(lengths, axis=1)
    return Extremes(
        np.take_along_axis(lengths, order, axis=1),
        np.take_along_axis(paths.qpos, order[:, :, None], axis=1),
    )


def path_extremes(
    model: mujoco.MjModel, tendons: Sequence[int] | np.ndarray, joints: Sequence[int] | np.ndarray
) -> Extremes:
    """Shortest and longest paths of tendons over the ranges of some joints.

    The result is the same on every call.

    Args:
        model: any model.
        tendons: ids of m spatial tendons.
        joints: ids of the hinges and slides that move; those that others of them drive follow,
            and so do other joints that they drive. Joints without limits move over a full turn.
    """
    search = _Search(model, np.asarray(tendons, dtype=int), np.asarray(joints, dtype=int))
    lengths = np.empty((len(search.tendons), 2))
    qpos = np.empty((len(search.tendons), 2, model.nq))
    starts = search.starts()
    for tendon, end in itertools.product(range(len(search.tendons)), (0, 1)):
        factor = (-1.0, 1.0)[end]
        tries = [search.improve(tendon, factor, angles) for angles in starts[tendon][end]]
        best, angles = max(tries, key=lambda pair: pair[0])
        lengths[tendon, end] = factor * best
        qpos[tendon, end] = search.qpos(angles)
    return Extremes(lengths, qpos)


def followers(model: mujoco.MjModel) -> tuple[Follower, ...]:
    """The joints that active joint equalities drive, every driver before its followers."""
    rows = [
        Follower(int(model.eq_obj1id[i]), int(model.eq_obj2id[i]), np.array(model.eq_data[i, :5]))
        for i in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT)
        if model.eq_active0[i] and model.eq_obj2id[i] >= 0
    ]
    ordered: list[Follower] = []
    while rows:
        waiting = {row.joint for row in rows}
        ready = [row for row in rows if row.driver not in waiting]
        if not ready:  # joints that drive each other in a circle
            break
        ordered += ready
        rows = [row for row in rows if row.driver in waiting]
    return tuple(ordered)


def crossed_joints(model: mujoco.MjModel, tendon: int) -> set[int]:
    """Ids of the joints between the bodies that a tendon touches, without those that follow."""
    start = int(model.tendon_adr[tendon])
    part = slice(start, start + int(model.tendon_num[tendon]))
    bodies = set()
    for kind, number in zip(model.wrap_type[part], model.wrap_objid[part], strict=True):
        # An int: MuJoCo's enumerations are not equal to NumPy's integers in every order.
        if int(kind) == mujoco.mjtWrap.mjWRAP_SITE:
            bodies.add(int(model.site_bodyid[number]))
        elif int(kind) in (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER):
            bodies.add(int(model.geom_bodyid[number]))
    chains = [_joints_above(model, body) for body in bodies]
    if not chains:
        return set()
    return chains[0].union(*chains) - chains[0].intersection(*chains)


def _joints_above(model: mujoco.MjModel, body: int) -> set[int]:
    """Ids of the joints that move a body."""
    joints: set[int] = set()
    while body > 0:
        first = int(model.body_jntadr[body])
        joints.update(range(first, first + int(model.body_jntnum[body])))
        body = int(model.body_parentid[body])
    return joints


class _Search:
    """Evaluates path lengths for angles of k independent joints."""

    def __init__(self, model: mujoco.MjModel, tendons: np.ndarray, joints: np.ndarray) -> None:
        self.model = model
        self.tendons = tendons
        self.data = mujoco.MjData(model)
        rows = followers(model)
        drivers = {row.joint: row.driver for row in rows}
        self.joints = np.array([joint for joint in joints if int(joint) not in drivers], dtype=int)
        place = {int(joint): i for i, joint in enumerate(self.joints)}
        # Drivers come before their followers, so that a chain ends at an independent joint.
        root = dict(place)
        for row in rows:
            if row.driver in root:
                root[row.joint] = root[row.driver]
        self.start = np.array(model.qpos0)
        self.addresses = model.jnt_qposadr[self.joints]
        self.rules = [
            (model.jnt_qposadr[row.driver], model.jnt_qposadr[row.joint], row.polynomial.tolist())
            for row in rows
            if row.joint in root
        ]
        limited = model.jnt_limited[self.joints, None] != 0
        self.limits = np.where(limited, model.jnt_range[self.joints], [-np.pi, np.pi])
        self.columns = [
            sorted({root[joint] for joint in crossed_joints(model, tendon) if joint in root})
            for tendon in tendons
        ]

    def qpos(self, angles: np.ndarray) -> np.ndarray:
        """Joint positions of the whole model. Shape (nq,)."""
        qpos = self.start.copy()
        qpos[self.addresses] = angles
        for driver, follower, polynomial in self.rules:
            turn = float(qpos[driver] - self.start[driver])
            # Horner's scheme.
            total = 0.0
            for coefficient in reversed(polynomial):
                total = total * turn + coefficient
            qpos[follower] = self.start[follower] + total
        return qpos

    def lengths(self, angles: np.ndarray) -> np.ndarray:
        """Path lengths [m]. Shape (m,)."""
        self.data.qpos[:] = self.qpos(angles)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_tendon(self.model, self.data)
        return np.array(self.data.ten_length[self.tendons])

    def starts(self) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
        """The combinations of angles with the shortest and the longest paths of every tendon."""
        slots = self._slots()
        count = int(slots.max(initial=-1)) + 1
        shares = _combinations(count)
        lengths = np.empty((len(shares), len(self.tendons)))
        postures = np.empty((len(shares), len(self.joints)))
        width = np.diff(self.limits)[:, 0]
        for i, share in enumerate(shares):
            postures[i] = self.limits[:, 0] + share[slots] * width
            lengths[i] = self.lengths(postures[i])
        order = np.argsort(lengths, axis=0, kind="stable")
        return [
            (
                self._distinct(tendon, postures[column]),
                self._distinct(tendon, postures[column[::-1]]),
            )
            for tendon, column in enumerate(order.T)
        ]

    def _distinct(self, tendon: int, postures: np.ndarray) -> list[np.ndarray]:
        """The first postures that differ in joints that the tendon crosses."""
        chosen: list[np.ndarray] = []
        columns = self.columns[tendon]
        for angles in postures:
            if not any(np.array_equal(angles[columns], start[columns]) for start in chosen):
                chosen.append(angles)
            if len(chosen) == NUM_STARTS:
                break
        return chosen

    def _slots(self) -> np.ndarray:
        """A number for each joint, such that no tendon crosses two joints of one number."""
        slots = np.full(len(self.joints), -1)
        degree = [sum(i in columns for columns in self.columns) for i in range(len(self.joints))]
        for joint in sorted(range(len(self.joints)), key=lambda i: (-degree[i], i)):
            taken = {
                int(slots[neighbour])
                for columns in self.columns
                if joint in columns
                for neighbour in columns
            }
            slots[joint] = next(slot for slot in itertools.count() if slot not in taken)
        return slots

    def improve(self, tendon: int, factor: float, angles: np.ndarray) -> tuple[float, np.ndarray]:
        """Raises `factor` times a length by changing one joint after the other.

        Args:
            tendon: index of the tendon.
            factor: 1 for the longest path, -1 for the shortest.
            angles: where to start [rad]. Shape (k,).

        Returns:
            The product [m] and the angles.
        """
        angles = angles.copy()
        best = factor * float(self.lengths(angles)[tendon])
        for _ in range(MOST_ROUNDS):
            before = best
            for joint in self.columns[tendon]:
                best = self._improve_joint(tendon, factor, angles, joint, best)
            if best - before < FINEST:
                break
        return best, angles

    def _improve_joint(
        self, tendon: int, factor: float, angles: np.ndarray, joint: int, best: float
    ) -> float:
        """The same for one joint, whose angle is changed in place; returns the product [m]."""
        low, high = self.limits[joint]
        step = (high - low) / (POINTS - 1)
        tries = np.linspace(low, high, POINTS)
        for _ in range(HALVINGS + 1):
            centre = angles[joint]
            for angle in tries[tries != centre]:
                angles[joint] = angle
                value = factor * float(self.lengths(angles)[tendon])
                if value > best:
                    best = value
                    centre = angle
            angles[joint] = centre
            step /= 2.0
            tries = np.clip([centre - step, centre + step], low, high)
        return best


def _combinations(count: int) -> np.ndarray:
    """Shares of the range of each of `count` slots, all combined. Shape (postures, count)."""
    for levels in range(LEVELS, 1, -1):
        if levels**count <= MOST_POSTURES:
            shares = np.linspace(0.0, 1.0, levels)
            return np.array(list(itertools.product(shares, repeat=count))).reshape(
                levels**count, count
            )
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, (MOST_POSTURES, count)).astype(float)
