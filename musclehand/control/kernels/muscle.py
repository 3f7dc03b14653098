"""MuJoCo's muscle, compiled (see `core.jit`): forces, and activation from excitation and back.

The formulas are those of `body.muscle`. Parameters are the fields of `MuscleParameters` in their
order, for each hand: shape (h, 10, m).
"""

from __future__ import annotations

import numpy as np

from musclehand.control.arrays import ActivationRange, HandState, MuscleForces
from musclehand.core.jit import compiled


@compiled
def forces(
    params: np.ndarray, length: np.ndarray, velocity: np.ndarray, gain: np.ndarray, bias: np.ndarray
) -> None:
    """Muscle forces as `gain * act + bias`: the formula of `body.muscle.muscle_force`.

    Args:
        params: shape (h, 10, m).
        length: of the muscles [m]. Shape (h, m).
        velocity: of the muscles [m/s]. Shape (h, m).
        gain: [N]; written. Shape (h, m).
        bias: [N]; written. Shape (h, m).
    """
    for hand in range(length.shape[0]):
        for i in range(length.shape[1]):
            f0 = params[hand, 0, i]
            l0 = params[hand, 1, i]
            lts = params[hand, 2, i]
            lmin = params[hand, 3, i]
            lmax = params[hand, 4, i]
            vmax = params[hand, 5, i]
            fpmax = params[hand, 6, i]
            fvmax = params[hand, 7, i]
            fibre = (length[hand, i] - lts) / l0
            speed = velocity[hand, i] / (l0 * vmax)
            # From an end of the curve, 0, to the middle, 1: two parabolas that meet half-way.
            side = max(min((fibre - lmin) / (1.0 - lmin), (lmax - fibre) / (lmax - 1.0)), 0.0)
            active = 2.0 * side * side if side <= 0.5 else 1.0 - 2.0 * (1.0 - side) * (1.0 - side)
            if speed <= 0.0:
                pace = max(speed + 1.0, 0.0) ** 2
            else:
                pace = fvmax - max(fvmax - 1.0 - speed, 0.0) ** 2 / (fvmax - 1.0)
            stretch = max(2.0 * (fibre - 1.0) / (lmax - 1.0), 0.0)
            passive = 0.5 * stretch * stretch if stretch <= 1.0 else stretch - 0.5
            gain[hand, i] = -f0 * active * pace
            bias[hand, i] = -f0 * fpmax * passive


@compiled
def after(act: float, ctrl: float, per_act: float, per_deact: float, steps: int) -> float:
    """Activation after some simulation steps: the formula of `body.muscle.activation_after`.

    Args:
        act: at the beginning.
        ctrl: excitation.
        per_act: simulation step over the time constant of activation.
        per_deact: simulation step over the time constant of deactivation.
        steps: number of simulation steps.
    """
    rising = ctrl > act
    for _ in range(steps):
        slowing = 0.5 + 1.5 * act
        share = per_act / slowing if rising else per_deact * slowing
        act += min(share, 1.0) * (ctrl - act)
    return act


@compiled
def respond(
    params: np.ndarray,
    act: np.ndarray,
    ctrl: np.ndarray,
    dt: float,
    steps: int,
    mean: np.ndarray,
    end: np.ndarray,
) -> None:
    """Activation under a constant excitation: its mean at the beginnings of the steps, from which
    MuJoCo takes force, and its value at the end.

    Args:
        params: shape (h, 10, m).
        act: at the beginning. Shape (h, m).
        ctrl: excitation. Shape (h, m).
        dt: simulation step [s].
        steps: number of simulation steps.
        mean: written. Shape (h, m).
        end: written. Shape (h, m).
    """
    for hand in range(act.shape[0]):
        for i in range(act.shape[1]):
            per_act = dt / params[hand, 8, i]
            per_deact = dt / params[hand, 9, i]
            value = act[hand, i]
            total = 0.0
            for _ in range(steps):
                total += value
                value = after(value, ctrl[hand, i], per_act, per_deact, 1)
            mean[hand, i], end[hand, i] = total / steps, value


@compiled
def reach(
    params: np.ndarray,
    act: np.ndarray,
    ceiling: np.ndarray,
    dt: float,
    steps: int,
    low: np.ndarray,
    high: np.ndarray,
) -> None:
    """Lowest and highest activation within some steps: `body.muscle.reachable_activation`.

    Args:
        params: shape (h, 10, m).
        act: at the beginning. Shape (h, m).
        ceiling: highest excitation. Shape (h, m).
        dt: simulation step [s].
        steps: number of simulation steps.
        low: written. Shape (h, m).
        high: written. Shape (h, m).
    """
    for hand in range(act.shape[0]):
        for i in range(act.shape[1]):
            per_act = dt / params[hand, 8, i]
            per_deact = dt / params[hand, 9, i]
            low[hand, i] = after(act[hand, i], 0.0, per_act, per_deact, steps)
            high[hand, i] = after(act[hand, i], ceiling[hand, i], per_act, per_deact, steps)


@compiled
def prospects(
    params: np.ndarray,
    state: HandState,
    ceiling: np.ndarray,
    dt: float,
    steps: int,
    reachable: ActivationRange,
    muscle_forces: MuscleForces,
) -> None:
    """`reach` and `forces` in one call.

    Args:
        params: shape (h, 10, m).
        state: of the hands.
        ceiling: highest excitation. Shape (h, m).
        dt: simulation step [s].
        steps: number of simulation steps.
        reachable: written.
        muscle_forces: written.
    """
    reach(params, state.act, ceiling, dt, steps, reachable.low, reachable.high)
    forces(params, state.length, state.velocity, muscle_forces.gain, muscle_forces.bias)


@compiled
def excite(
    params: np.ndarray,
    act: np.ndarray,
    target: np.ndarray,
    ceiling: np.ndarray,
    dt: float,
    steps: int,
    out: np.ndarray,
) -> None:
    """The constant excitation that leads to an activation: `body.muscle.excitation_for`.

    Args:
        params: shape (h, 10, m).
        act: activation at the beginning. Shape (h, m).
        target: activation at the end. Shape (h, m).
        ceiling: highest excitation. Shape (h, m).
        dt: simulation step [s].
        steps: number of simulation steps.
        out: written. Shape (h, m).
    """
    for hand in range(act.shape[0]):
        for i in range(act.shape[1]):
            per_act = dt / params[hand, 8, i]
            per_deact = dt / params[hand, 9, i]
            start = act[hand, i]
            goal = target[hand, i]
            low = high = low_value = high_value = start
            if goal > start:
                high = 1.0
                high_value = after(start, 1.0, per_act, per_deact, steps)
            else:
                low = 0.0
                low_value = after(start, 0.0, per_act, per_deact, steps)
            ctrl = _between(low, low_value, high, high_value, goal)
            value = after(start, ctrl, per_act, per_deact, steps)
            if value > goal:
                high = ctrl
                high_value = value
            else:
                low = ctrl
                low_value = value
            out[hand, i] = min(_between(low, low_value, high, high_value, goal), ceiling[hand, i])


@compiled
def _between(low: float, low_value: float, high: float, high_value: float, value: float) -> float:
    """Where a line through two points takes a value, within the two points."""
    share = (value - low_value) / max(high_value - low_value, 1e-12)
    return low + min(max(share, 0.0), 1.0) * (high - low)
