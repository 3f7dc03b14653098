"""MuJoCo's soft constraints, linearised: an additional mass, damper and spring.

A constraint exerts a force f = (a* - a) / R, towards the acceleration a* = -b v - k d r that would
correct its violation r (MuJoCo documentation, "Computation", constraint model). While it is active,
it is equivalent to a mass 1/R with damping b/R and stiffness k d/R, where R and d depend on the
violation. Here this is applied to joint limits, and to fingertips on keys that are on their stops.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex

_PRESS_POINT = 0.85
"""Where keys are pressed, as a share of their length from the hinge. Chosen."""


class SoftConstraint(NamedTuple):
    """Linearised constraints, in arrays of one shape."""

    mass: np.ndarray
    """[kg, kg m^2] Equivalent mass."""

    damping: np.ndarray
    """[N s/m, N m s/rad] Equivalent damping."""

    stiffness: np.ndarray
    """[N/m, N m/rad] Equivalent stiffness."""

    def times(self, factor: np.ndarray | float) -> SoftConstraint:
        """All three times a factor, 0 where a constraint is not active."""
        return SoftConstraint(*(factor * part for part in self))


def linearise(
    solref: np.ndarray, solimp: np.ndarray, inv_weight: np.ndarray, depth: np.ndarray
) -> SoftConstraint:
    """Linearised constraints by MuJoCo's parameters; arguments are broadcast.

    Args:
        solref: time constant [s] and damping ratio. Shape (..., 2).
        solimp: impedance at the surface and at depth `width`, width, midpoint, power; of the last
            two MuJoCo's defaults are assumed. Shape (..., 5).
        inv_weight: inverse inertia that MuJoCo takes for the constraint [1/kg, 1/(kg m^2)].
        depth: violation [m, rad].
    """
    time, ratio = np.moveaxis(np.asarray(solref, dtype=float), -1, 0)
    surface, deepest, width = np.moveaxis(np.asarray(solimp, dtype=float), -1, 0)[:3]
    inside = np.clip(np.asarray(depth) / width, 0.0, 1.0)
    inside = np.where(inside < 0.5, 2.0 * inside**2, 1.0 - 2.0 * (1.0 - inside) ** 2)
    impedance = surface + (deepest - surface) * inside
    mass = impedance / ((1.0 - impedance) * inv_weight)
    return SoftConstraint(
        mass=mass,
        damping=mass * 2.0 / (deepest * time),
        stiffness=mass * impedance / (deepest * time * ratio) ** 2,
    )


class JointLimits:
    """Limits and springs of a hand's joints."""

    def __init__(self, model: mujoco.MjModel, hand: HandIndex) -> None:
        joints = model.dof_jntid[hand.dofs]
        self._low, self._high = model.jnt_range[joints].T
        self._margin = model.jnt_margin[joints]
        self._solref = model.jnt_solref[joints]
        self._solimp = model.jnt_solimp[joints]
        self._inv_weight = model.dof_invweight0[hand.dofs]
        self._rest = model.qpos_spring[hand.qpos]
        self._springs = np.column_stack(
            [model.jnt_stiffness[joints], model.jnt_stiffnesspoly[joints]]
        )

    def at(self, angles: np.ndarray) -> SoftConstraint:
        """Constraints of joints at their limits, 0 for the others. Shapes (n, j).

        Args:
            angles: of all joints [rad]. Shape (n, j).
        """
        depth = self._margin - np.minimum(angles - self._low, self._high - angles)
        constraint = linearise(self._solref, self._solimp, self._inv_weight, np.maximum(depth, 0.0))
        return constraint.times(depth > 0.0)

    def springs(self, angles: np.ndarray) -> np.ndarray:
        """Stiffness of the passive tissue at each joint [N m/rad]. Shape (n, j).

        Args:
            angles: of all joints [rad]. Shape (n, j).
        """
        distance = np.abs(angles - self._rest)
        linear, square, cubic = self._springs.T
        return np.asarray(linear + 2.0 * square * distance + 3.0 * cubic * distance**2)


class KeyStop(NamedTuple):
    """Constraints of five fingertips on keys that are on their stops."""

    down: SoftConstraint
    """Contact and the key's stop, vertically. Shapes (5,)."""

    aside: SoftConstraint
    """Friction, sideways. Shapes (5,)."""

    @classmethod
    def of(cls, model: mujoco.MjModel, hand: HandIndex, key: int) -> KeyStop:
        """The constraints of any key, as all keys are alike in this.

        Args:
            model: with keys.
            hand: with the fingers.
            key: joint of a key.
        """
        bodies = model.site_bodyid[hand.tips]
        skin = np.array([_skin(model, int(body)) for body in bodies])
        plate = int(model.body_geomadr[model.jnt_bodyid[key]])
        solref, solimp = (
            0.5 * (values[skin] + values[plate])
            for values in (model.geom_solref, model.geom_solimp)
        )
        friction = np.maximum(model.geom_friction[skin, 0], model.geom_friction[plate, 0])
        inv_weight = (
            model.body_invweight0[bodies, 0] + model.body_invweight0[model.jnt_bodyid[key], 0]
        )
        # A friction pyramid has four edges, each of them with the constraint `edge`.
        edge = linearise(solref, solimp, inv_weight * (1.0 + friction**2), np.zeros(5)).times(
            0.5 / friction**2
        )
        lever = _PRESS_POINT * 2.0 * model.geom_size[plate, 1]
        stop = linearise(
            model.jnt_solref[key],
            model.jnt_solimp[key],
            model.dof_invweight0[model.jnt_dofadr[key]] * lever**2,
            np.zeros(5),
        )
        pad = edge.times(4.0)
        sideways = edge.times(2.0 * friction**2)
        # Contact and stop are in series.
        down = SoftConstraint(
            *(
                of_pad * of_stop / (of_pad + of_stop)
                for of_pad, of_stop in zip(pad, stop, strict=True)
            )
        )
        return cls(down, sideways._replace(stiffness=np.zeros(5)))


def _skin(model: mujoco.MjModel, body: int) -> int:
    """The geom of a fingertip that can touch."""
    first = int(model.body_geomadr[body])
    geoms = range(first, first + int(model.body_geomnum[body]))
    return next(geom for geom in geoms if model.geom_contype[geom] or model.geom_conaffinity[geom])
