"""MuJoCo's muscle in numpy: force from activation, length and velocity, and activation from
excitation.

Vectorised over muscles, and tested against MuJoCo's own `mju_muscleGain`, `mju_muscleBias` and
`mju_muscleDynamics`. The signs are MuJoCo's: a pulling muscle has a negative force, so that joint
torque is `moment_arm @ force` with `moment_arm = d(length)/d(qpos)`.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np


class MuscleParameters(NamedTuple):
    """Constants of a set of muscles, one entry a muscle.

    `f0` peak isometric force [N], `l0` optimal fibre length [m], `lts` tendon slack length [m],
    `lmin`, `lmax` [l0] ends of the force-length curve, `vmax` [l0/s] shortening speed without
    force, `fpmax` [f0] passive force three quarters of the way from l0 to lmax, `fvmax` [f0] force
    when lengthening fast, `tau_act`, `tau_deact` [s] time constants.
    """

    f0: np.ndarray
    l0: np.ndarray
    lts: np.ndarray
    lmin: np.ndarray
    lmax: np.ndarray
    vmax: np.ndarray
    fpmax: np.ndarray
    fvmax: np.ndarray
    tau_act: np.ndarray
    tau_deact: np.ndarray


def muscle_parameters(model: mujoco.MjModel, actuators: np.ndarray) -> MuscleParameters:
    """The constants of the muscle actuators with the given ids, as compiled; in the shape of the
    ids."""
    gain = model.actuator_gainprm[actuators]
    dyn = model.actuator_dynprm[actuators]
    lengthrange = model.actuator_lengthrange[actuators]
    l0 = (lengthrange[..., 1] - lengthrange[..., 0]) / (gain[..., 1] - gain[..., 0])
    return MuscleParameters(
        f0=gain[..., 2].copy(),
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
    """Active force [f0] at normalised fibre length `fibre` [l0]: four parabolas, 1 at 1, 0
    outside lmin..lmax."""
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
    """Force factor at normalised lengthening speed `speed` [vmax]: 0 at -1, 1 at 0, `fvmax` when
    lengthening."""
    rise = fvmax - 1.0
    shortening = np.square(np.clip(speed + 1.0, 0.0, 1.0))
    lengthening = fvmax - np.square(np.clip(rise - speed, 0.0, None)) / rise
    return np.where(speed <= 0.0, shortening, lengthening)


def passive_force(fibre: np.ndarray, lmax: np.ndarray, fpmax: np.ndarray) -> np.ndarray:
    """Force of the stretched fibre [f0] at normalised length `fibre` [l0]; 0 up to 1."""
    above = 0.5 * (1.0 + lmax)
    stretch = np.clip((fibre - 1.0) / (above - 1.0), 0.0, None)
    beyond = 0.5 + (fibre - above) / (above - 1.0)
    return fpmax * np.where(fibre <= above, 0.5 * np.square(stretch), beyond)


def muscle_force(
    params: MuscleParameters, length: np.ndarray, velocity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Force is linear in activation: returns (`gain`, `bias`) [N] with `force = gain * act + bias`,
    pull negative.

    Args:
        params: constants of n muscles.
        length: actuator length [m]. Shape (n,) or (..., n).
        velocity: its rate [m/s], same shape.
    """
    fibre = (length - params.lts) / params.l0
    active = force_length(fibre, params.lmin, params.lmax) * force_velocity(
        velocity / (params.l0 * params.vmax), params.fvmax
    )
    return -params.f0 * active, -params.f0 * passive_force(fibre, params.lmax, params.fpmax)


def activation_after(
    params: MuscleParameters, act: np.ndarray, ctrl: np.ndarray, dt: float, steps: int
) -> np.ndarray:
    """Activation after `steps` simulation steps of `dt` [s] under constant excitation, as MuJoCo
    integrates it.

    First-order dynamics with the activation-dependent time constants of Millard et al. 2013 (J
    Biomech Eng 135:021005), integrated by explicit Euler and clipped to 0..1.
    """
    # An activation never passes the excitation it moves to, so which of the two constants rules
    # does not change.
    rising = ctrl > act
    per_act = dt / params.tau_act
    per_deact = dt / params.tau_deact
    for _ in range(steps):
        slowing = 0.5 + 1.5 * act
        share = np.where(rising, per_act / slowing, per_deact * slowing)
        act = act + np.minimum(share, 1.0) * (ctrl - act)
    return act


def excitation_ceiling(model: mujoco.MjModel, actuators: np.ndarray) -> np.ndarray:
    """The highest excitation that each muscle takes: the end of its control range, 1 where it
    has none. In the shape of the ids."""
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
    """Lowest and highest activation that a constant excitation of 0 to `ceiling` reaches in
    `steps` steps."""
    zero = np.zeros_like(act)
    most = np.zeros_like(act) + ceiling
    return activation_after(params, act, zero, dt, steps), activation_after(
        params, act, most, dt, steps
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
    """The constant excitation that brings activation from `act` to `target` in `steps` steps;
    clipped to 0..1.

    Inverts `activation_after`, which rises monotonically with the excitation and leaves `act` where
    it is when the two are equal, by a bracketed secant method; two iterations leave an error of at
    most 5e-3 (tested). Targets out of reach give 0 or 1.
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
