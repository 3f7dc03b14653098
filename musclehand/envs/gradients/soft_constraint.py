"""MuJoCo's soft constraints, as small changes meet them: a mass, a damper and a spring beside the
body.

A constraint pulls with a force f = (a* - a) / R towards the acceleration a* = -b v - k d r that
would undo its violation r (MuJoCo, "Computation", constraint model). So as long as it acts it is a
mass 1/R, with damping b/R and stiffness k d/R, where R and d follow from how deep it is violated.
Here of the ends of a hand's joints, and of fingertips on keys that are all the way down.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex

_LEVER = 0.85
"""Where keys are pressed, as a share of their length from the hinge. Chosen."""


class SoftConstraint(NamedTuple):
    """Masses [kg, kg m^2], dampings [N s/m, N m s/rad] and stiffnesses [N/m, N m/rad] of some
    constraints, in arrays of one shape."""

    mass: np.ndarray
    damping: np.ndarray
    stiffness: np.ndarray

    def times(self, factor: np.ndarray | float) -> SoftConstraint:
        """So many times as much of each, 0 where it does not act."""
        return SoftConstraint(*(factor * part for part in self))


def restraint(
    solref: np.ndarray, solimp: np.ndarray, weight: np.ndarray, depth: np.ndarray
) -> SoftConstraint:
    """Constraints by their parameters; the shapes of their numbers, without the last axis, are to
    fit.

    Args:
        solref: time constant [s] and damping ratio. Shape (..., 2).
        solimp: impedance on the surface and `width` below it, width, midpoint, power; of the last
            two MuJoCo's defaults are assumed. Shape (..., 5).
        weight: the inverse of the inertia, as MuJoCo takes it for the constraint [1/kg, 1/(kg
            m^2)].
        depth: of the violation [m, rad].
    """
    time, ratio = np.moveaxis(np.asarray(solref, dtype=float), -1, 0)
    surface, deepest, width = np.moveaxis(np.asarray(solimp, dtype=float), -1, 0)[:3]
    inside = np.clip(np.asarray(depth) / width, 0.0, 1.0)
    inside = np.where(inside < 0.5, 2.0 * inside**2, 1.0 - 2.0 * (1.0 - inside) ** 2)
    impedance = surface + (deepest - surface) * inside
    mass = impedance / ((1.0 - impedance) * weight)
    return SoftConstraint(
        mass, mass * 2.0 / (deepest * time), mass * impedance / (deepest * time * ratio) ** 2
    )


class JointLimits:
    """The ends of a hand's joints, and the springs within."""

    def __init__(self, model: mujoco.MjModel, hand: HandIndex) -> None:
        joints = model.dof_jntid[hand.dofs]
        self._low, self._high = model.jnt_range[joints].T
        self._margin = model.jnt_margin[joints]
        self._soft = (
            model.jnt_solref[joints],
            model.jnt_solimp[joints],
            model.dof_invweight0[hand.dofs],
        )
        self._rest = model.qpos_spring[hand.qpos]
        self._springs = np.column_stack(
            [model.jnt_stiffness[joints], model.jnt_stiffnesspoly[joints]]
        )

    def at(self, angles: np.ndarray) -> SoftConstraint:
        """What holds joints at their ends, nothing in between. Shapes (n, j).

        Args:
            angles: of all joints [rad]. Shape (n, j).
        """
        depth = self._margin - np.minimum(angles - self._low, self._high - angles)
        return restraint(*self._soft, np.maximum(depth, 0.0)).times(depth > 0.0)

    def springs(self, angles: np.ndarray) -> np.ndarray:
        """Stiffness of the tissue round each joint [N m/rad]. Shape (n, j); argument as for
        `at`."""
        far = np.abs(angles - self._rest)
        linear, square, cubic = self._springs.T
        return np.asarray(linear + 2.0 * square * far + 3.0 * cubic * far**2)


class KeyStop(NamedTuple):
    """A fingertip on a key that is all the way down: what it meets downwards, and sideways,
    where friction holds it."""

    down: SoftConstraint
    aside: SoftConstraint

    @classmethod
    def of(cls, model: mujoco.MjModel, hand: HandIndex, key: int) -> KeyStop:
        """Of five fingers, on any key. Shapes (5,).

        Args:
            model: with keys.
            hand: whose fingers.
            key: joint of a key.
        """
        bodies = model.site_bodyid[hand.tips]
        skin = np.array([_skin(model, int(body)) for body in bodies])
        plate = int(model.body_geomadr[model.jnt_bodyid[key]])
        solref, solimp = (
            0.5 * (part[skin] + part[plate]) for part in (model.geom_solref, model.geom_solimp)
        )
        slip = np.maximum(model.geom_friction[skin, 0], model.geom_friction[plate, 0])
        weight = model.body_invweight0[bodies, 0] + model.body_invweight0[model.jnt_bodyid[key], 0]
        # A pyramid of friction has four edges, each of which pulls as hard as `edge` has it.
        edge = restraint(solref, solimp, weight * (1.0 + slip**2), np.zeros(5)).times(0.5 / slip**2)
        lever = _LEVER * 2.0 * model.geom_size[plate, 1]
        stop = restraint(
            model.jnt_solref[key],
            model.jnt_solimp[key],
            model.dof_invweight0[model.jnt_dofadr[key]] * lever**2,
            np.zeros(5),
        )
        pad = edge.times(4.0)
        sideways = edge.times(2.0 * slip**2)
        # One behind the other.
        down = SoftConstraint(
            *(one * two / (one + two) for one, two in zip(pad, stop, strict=True))
        )
        return cls(down, sideways._replace(stiffness=np.zeros(5)))


def _skin(model: mujoco.MjModel, body: int) -> int:
    """The geom of a fingertip that touches."""
    first = int(model.body_geomadr[body])
    geoms = range(first, first + int(model.body_geomnum[body]))
    return next(geom for geom in geoms if model.geom_contype[geom] or model.geom_conaffinity[geom])
