"""Compiled muscles are the muscles of `body.muscle`, which are tested against MuJoCo, and of
MuJoCo itself."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.muscle import (
    MuscleParameters,
    activation_after,
    excitation_for,
    muscle_force,
    muscle_parameters,
    reachable_activation,
)
from musclehand.control.kernels import muscle as compiled_muscle

DT = 0.002
SHAPE = (2, 7)


def some_muscles(rng, *, slowest=0.08, fastest=0.005):
    def between(low, high):
        return rng.uniform(low, high, SHAPE)

    return MuscleParameters(
        f0=between(1, 1000),
        l0=between(0.01, 0.1),
        lts=between(-0.01, 0.3),
        lmin=between(0.1, 0.8),
        lmax=between(1.2, 2.0),
        vmax=between(0.5, 12),
        fpmax=between(0, 2),
        fvmax=between(1.05, 2),
        tau_act=between(fastest, slowest),
        tau_deact=between(fastest, slowest),
    )


def table(params):
    """Shape (hands, 10, muscles)."""
    return np.ascontiguousarray(np.array(params).transpose(1, 0, 2))


def forces(params, length, velocity):
    gain = np.empty(length.shape)
    bias = np.empty(length.shape)
    compiled_muscle.forces(table(params), length, velocity, gain, bias)
    return gain, bias


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_forces(seed):
    rng = np.random.default_rng(seed)
    params = some_muscles(rng)
    length = params.lts + params.l0 * rng.choice([0.0, 0.3, 1.0, 1.7, 2.1], SHAPE) * rng.uniform(
        0.9, 1.1, SHAPE
    )
    velocity = params.l0 * params.vmax * rng.uniform(-1.5, 1.5, SHAPE) * rng.integers(0, 2, SHAPE)
    found = forces(params, length, velocity)
    expected = muscle_force(params, length, velocity)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 8), st.sampled_from([0.005, 0.001]))
def test_activation_and_its_inverse(seed, steps, fastest):
    """Time constants down to half a step too, where a step would overshoot."""
    rng = np.random.default_rng(seed)
    params = some_muscles(rng, fastest=fastest)
    act = np.clip(rng.uniform(-0.2, 1.2, SHAPE), 0, 1)
    ceiling = rng.random(SHAPE)
    low, high, found = (np.empty(SHAPE) for _ in range(3))
    compiled_muscle.reach(table(params), act, ceiling, DT, steps, low, high)
    for one, other in zip(
        (low, high), reachable_activation(params, act, DT, steps, ceiling=ceiling), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-12)
    assert high == pytest.approx(activation_after(params, act, ceiling, DT, steps))
    target = np.where(
        rng.random(SHAPE) < 0.2, act, low + rng.uniform(-0.1, 1.1, SHAPE) * (high - low)
    )
    compiled_muscle.excite(table(params), act, target, ceiling, DT, steps, found)
    expected = np.minimum(excitation_for(params, act, target, DT, steps), ceiling)
    assert found == pytest.approx(expected, abs=1e-9)


def test_force_is_what_mujoco_computes(right_hand):
    model, hand = right_hand
    rng = np.random.default_rng(2)
    params = muscle_parameters(model, hand.muscles[None])
    data = mujoco.MjData(model)
    low, high = model.jnt_range.T
    for _ in range(10):
        data.qpos[:] = low + rng.random(model.nq) * (high - low)
        data.qvel[:] = rng.normal(size=model.nv)
        data.act[:] = rng.random(model.na)
        mujoco.mj_forward(model, data)
        length = data.actuator_length[hand.muscles]
        velocity = data.actuator_velocity[hand.muscles]
        gain, bias = forces(params, length[None], velocity[None])
        assert gain[0] * data.act[hand.act] + bias[0] == pytest.approx(
            data.actuator_force[hand.muscles], abs=1e-9
        )
