"""Effort of holding a posture: the least activations of muscles that balance a hand at rest.

As in computed muscle control, every joint's torque must be in balance: of active and passive
muscles, and of springs. Gravity is left out, which hands of unknown orientation cannot have in
common; a hand's weight takes a few per cent of its muscles.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from scipy.optimize import linprog

from musclehand.body.analysis.moment_arm import independent_arms, muscle_geometry
from musclehand.body.analysis.passive import independent_torque, passive_torque
from musclehand.body.analysis.strength import muscle_limits
from musclehand.body.hand_index import HandIndex

NEGLIGIBLE_TORQUE = 0.002
"""[N m] Torque about a joint that needs no muscle; chosen, that of a last phalanx's weight."""

SLACK = 1e-6
"""Play of the largest activation in the second programme; chosen, above the solver's rounding."""


class Effort(NamedTuple):
    """Activations that hold a posture."""

    largest: float
    """Largest activation, 0 to 1; infinite where no activations hold the posture."""

    activations: np.ndarray
    """Activations of all muscles, of the smallest sum with that largest one. Shape (m,)."""

    torque: np.ndarray
    """[N m] Passive torque on the independent joints that muscles balance. Shape (k,)."""


def holding_effort(model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray) -> Effort:
    """Least activations that hold a posture at rest, by two linear programmes.

    The first finds the smallest possible value of the largest activation: no controller can hold
    the posture with less. The second finds the smallest sum of activations within it, so that only
    muscles that are needed are active. Torques below `NEGLIGIBLE_TORQUE` need not be balanced.

    Args:
        model: any model.
        hand: the hand in the model.
        posture: anatomical angles [rad]. Shape (n,).

    Raises:
        ModelError: a muscle whose force is not MuJoCo's muscle model.
    """
    geometry = muscle_geometry(model, hand, np.asarray(posture, dtype=float)[None])
    active = muscle_limits(model, hand, geometry.lengths).active[0]
    turns = (independent_arms(hand, geometry.arms)[0] * active[:, None]).T
    torque = independent_torque(hand, passive_torque(model, hand, posture).total)
    count = len(hand.muscles)
    rows = np.vstack([turns, -turns])
    sides = NEGLIGIBLE_TORQUE + np.concatenate([-torque, torque])
    # Unknowns: the activations and their largest value.
    least = linprog(
        np.append(np.zeros(count), 1.0),
        A_ub=np.block([[rows, np.zeros((len(rows), 1))], [np.eye(count), -np.ones((count, 1))]]),
        b_ub=np.concatenate([sides, np.zeros(count)]),
        bounds=(0.0, 1.0),
        method="highs",
    )
    if least.x is None:
        return Effort(np.inf, np.full(count, np.nan), torque)
    largest = float(least.x[-1])
    ceiling = min(1.0, largest + SLACK)
    smallest = linprog(np.ones(count), A_ub=rows, b_ub=sides, bounds=(0.0, ceiling), method="highs")
    activations = least.x[:count] if smallest.x is None else smallest.x
    return Effort(largest, np.asarray(activations), torque)
