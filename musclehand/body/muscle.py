"""MuJoCo's muscle model in NumPy: force-length-velocity curves and activation dynamics.

Vectorised over muscles, and tested against MuJoCo's own `mju_muscleGain`, `mju_muscleBias` and
`mju_muscleDynamics`. The signs are MuJoCo's: a pulling muscle has a negative force, so that joint
torque is `moment_arm @ force` with `moment_arm = d(length)/d(qpos)`.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np


class MuscleParameters(NamedTuple):
    """Constants of a set of n muscles; all arrays have shape (n,), or that of the ids."""

    f0: np.ndarray
    """[N] Peak isometric force."""

    l0: np.ndarray
    """[m] Optimal fibre length."""

    lts: np.ndarray
    """[m] Tendon slack length."""

    lmin: np.ndarray
    """[l0] Lower end of the active force-length curve."""

    lmax: np.ndarray
    """[l0] Upper end of the active force-length curve."""

    vmax: np.ndarray
    """[l0/s] Shortening speed at which force vanishes."""

    fpmax: np.ndarray
    """[f0] Passive force at three quarters of the way from `l0` to `lmax`."""

    fvmax: np.ndarray
    """[f0] Force at saturating lengthening speed."""

    tau_act: np.ndarray
    """[s] Time constant of activation."""

    tau_deact: np.ndarray
    """[s] Time constant of deactivation."""


def muscle_parameters(model: mujoco.MjModel, actuators: np.ndarray) -> MuscleParameters:
    """Reads the constants of muscle actuators from a compiled model.

    As in MuJoCo, a force below 0 stands for `scale` over the acceleration that a unit force causes
    (`actuator_acc0`).

    Args:
        model: the model.
        actuators: ids of muscle actuators, of any shape.

    Returns:
        Arrays in the shape of the ids.
    """
    gain = model.actuator_gainprm[actuators]
    dyn = model.actuator_dynprm[actuators]
    lengthrange = model.actuator_lengthrange[actuators]
    l0 = (lengthrange[..., 1] - lengthrange[..., 0]) / (gain[..., 1] - gain[..., 0])
    acceleration = np.maximum(model.actuator_acc0[actuators], mujoco.mjMINVAL)
    return MuscleParameters(
        f0=np.where(gain[..., 2] < 0, gain[..., 3] / acceleration, gain[..., 2]),
        l0=l0,
        lts=lengthrange[..., 0] - gain[..., 0] * l0,
        lmin=gain[..., 4].copy(),
        lmax=gain[..., 5].copy(),
        vmax=gain[..., 6].copy(),
        fpmax=gain[..., 7].copy(),
        fvmax=gain[..., 8].copy(),
        tau_act=dyn[..., 0].copy(),
        tau_deact=dyn[..., 1].copy(),
    )


def force_length(fibre: np.ndarray, lmin: np.ndarray, lmax: np.ndarray) -> np.ndarray:
    """Active force-length curve of MuJoCo [f0]: four parabolas, 1 at 1, 0 outside lmin..lmax.

    Args:
        fibre: normalised fibre length [l0].
        lmin: lower end of the curve [l0].
        lmax: upper end of the curve [l0].
    """
    below = 0.5 * (lmin + 1.0)
    above = 0.5 * (1.0 + lmax)
    rise = 0.5 * np.square((fibre - lmin) / (below - lmin))
    left = 1.0 - 0.5 * np.square((1.0 - fibre) / (1.0 - below))
    right = 1.0 - 0.5 * np.square((fibre - 1.0) / (above - 1.0))
    fall = 0.5 * np.square((lmax - fibre) / (lmax - above))
    curve = np.where(
        fibre <= below, rise, np.where(fibre <= 1.0, left, np.where(fibre <= above, right, fall))
    )
    return np.where((fibre < lmin) | (fibre > lmax), 0.0, curve)


def force_velocity(speed: np.ndarray, fvmax: np.ndarray) -> np.ndarray:
    """Force-velocity curve of MuJoCo: 0 at -1, 1 at 0, up to `fvmax` when lengthening.

    Args:
        speed: normalised lengthening speed [vmax].
        fvmax: largest factor.
    """
    rise = fvmax - 1.0
    shortening = np.square(np.clip(speed + 1.0, 0.0, 1.0))
    lengthening = fvmax - np.square(np.clip(rise - speed, 0.0, None)) / rise
    return np.where(speed <= 0.0, shortening, lengthening)


def passive_force(fibre: np.ndarray, lmax: np.ndarray, fpmax: np.ndarray) -> np.ndarray:
    """Passive force-length curve of MuJoCo [f0]: 0 up to length 1.

    Args:
        fibre: normalised fibre length [l0].
        lmax: upper end of the active curve [l0].
        fpmax: scale of the passive force [f0].
    """
    above = 0.5 * (1.0 + lmax)
    stretch = np.clip((fibre - 1.0) / (above - 1.0), 0.0, None)
    beyond = 0.5 + (fibre - above) / (above - 1.0)
    return fpmax * np.where(fibre <= above, 0.5 * np.square(stretch), beyond)


def muscle_force(
    params: MuscleParameters, length: np.ndarray, velocity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Muscle force as a linear function of activation: `force = gain * act + bias`.

    Args:
        params: constants of n muscles.
        length: actuator length [m]. Shape (n,) or (..., n).
        velocity: rate of the length [m/s], same shape.

    Returns:
        `gain` and `bias` [N] in the same shape; a pull is negative.
    """
    fibre = (length - params.lts) / params.l0
    active = force_length(fibre, params.lmin, params.lmax) * force_velocity(
        velocity / (params.l0 * params.vmax), params.fvmax
    )
    return -params.f0 * active, -params.f0 * passive_force(fibre, params.lmax, params.fpmax)


def activation_after(
    params: MuscleParameters, act: np.ndarray, ctrl: np.ndarray, dt: float, steps: int
) -> np.ndarray:
    """Activation after some simulation steps under constant excitation, as MuJoCo integrates it.

    First-order dynamics with the activation-dependent time constants of Millard et al. 2013 (J
    Biomech Eng 135:021005), integrated by explicit Euler and clipped to 0..1.

    Args:
        params: constants of n muscles.
        act: activation at the start, 0..1. Shape (n,).
        ctrl: excitation, 0..1. Shape (n,).
        dt: duration of a step [s].
        steps: number of steps.
    """
    # An activation never passes the excitation that it approaches, so that it rises or falls all
    # the time.
    rising = ctrl > act
    per_act = dt / params.tau_act
    per_deact = dt / params.tau_deact
    for _ in range(steps):
        slowing = 0.5 + 1.5 * act
        share = np.where(rising, per_act / slowing, per_deact * slowing)
        act = act + np.minimum(share, 1.0) * (ctrl - act)
    return act


def excitation_ceiling(model: mujoco.MjModel, actuators: np.ndarray) -> np.ndarray:
    """Highest excitation of each muscle: the upper end of its control range, 1 without one.

    Args:
        model: the model.
        actuators: ids of muscle actuators, of any shape.

    Returns:
        In the shape of the ids.
    """
    upper = np.clip(model.actuator_ctrlrange[actuators][..., 1], 0.0, 1.0)
    return np.where(model.actuator_ctrllimited[actuators].astype(bool), upper, 1.0)


def reachable_activation(
    params: MuscleParameters,
    act: np.ndarray,
    dt: float,
    steps: int,
    *,
    ceiling: np.ndarray | float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest activation that a constant excitation can reach in some steps.

    Args:
        params: constants of n muscles.
        act: activation at the start, 0..1. Shape (n,).
        dt: duration of a step [s].
        steps: number of steps.
        ceiling: highest excitation; the lowest is 0. Shape (n,) or a number.

    Returns:
        Lowest and highest activation. Shape (n,) each.
    """
    zero = np.zeros_like(act)
    highest = np.zeros_like(act) + ceiling
    return (
        activation_after(params, act, zero, dt, steps),
        activation_after(params, act, highest, dt, steps),
    )


def excitation_for(
    params: MuscleParameters,
    act: np.ndarray,
    target: np.ndarray,
    dt: float,
    steps: int,
    *,
    iterations: int = 2,
) -> np.ndarray:
    """Constant excitation that brings activation to a target in some steps, clipped to 0..1.

    Inverts `activation_after` by a bracketed secant method (regula falsi). It rises monotonically
    with the excitation and keeps `act` when the two are equal. Two iterations leave an error of at
    most 5e-3 (tested).

    Args:
        params: constants of n muscles.
        act: activation at the start, 0..1. Shape (n,).
        target: activation at the end; targets out of reach give 0 or 1. Shape (n,).
        dt: duration of a step [s].
        steps: number of steps.
        iterations: of the secant method.

    Returns:
        Shape (n,).
    """
    rising = target > act
    low = np.where(rising, act, 0.0)
    low_value = act
    high = np.where(rising, 1.0, act)
    high_value = act
    bound = activation_after(params, act, rising.astype(float), dt, steps)
    low_value = np.where(rising, act, bound)
    high_value = np.where(rising, bound, act)
    ctrl = act
    for iteration in range(iterations):
        share = (target - low_value) / np.maximum(high_value - low_value, 1e-12)
        ctrl = low + np.minimum(np.maximum(share, 0.0), 1.0) * (high - low)
        if iteration + 1 == iterations:
            break
        value = activation_after(params, act, ctrl, dt, steps)
        over = value > target
        high = np.where(over, ctrl, high)
        high_value = np.where(over, value, high_value)
        low = np.where(over, low, ctrl)
        low_value = np.where(over, low_value, value)
    return ctrl
