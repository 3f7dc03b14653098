"""Simulated experiments against closed forms on one joint with ideal muscles, and on the hand
itself."""

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.behaviour import (
    changing_excitations,
    constant_excitations,
    data_at,
    jitter,
    limit_violation,
    prepared_copy,
    rest_angles,
    simulate,
    soak,
    step_time,
    step_time_ratio,
)
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue
from support.one_joint_model import ARM, FORCE, one_joint

EULER = mujoco.mjtIntegrator.mjINT_EULER


def test_a_copy_changes_what_was_asked_and_leaves_the_model_alone():
    model, _ = one_joint()
    twin = prepared_copy(
        model, dt=0.004, integrator=mujoco.mjtIntegrator.mjINT_IMPLICITFAST, gravity=False
    )
    assert (twin.opt.timestep, twin.opt.integrator) == (
        0.004,
        mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    )
    assert not twin.opt.gravity.any()
    assert (model.opt.timestep, model.opt.integrator, model.opt.gravity[2]) == (0.001, EULER, -9.81)


@pytest.mark.parametrize("dt", [0.0, -0.001, np.nan, np.inf])
def test_a_time_step_is_above_zero(dt):
    with pytest.raises(InvalidValue, match="time step"):
        prepared_copy(one_joint()[0], dt=dt)


def test_simulate_gives_anatomical_angles_after_every_step():
    """A joint whose sign is turned: torque over inertia, integrated twice."""
    model, hand = one_joint()
    hand = HandIndex(**{**hand.__dict__, "signs": np.array([-1.0])})
    motion = simulate(
        model, data_at(model, hand, np.array([0.1])), hand, np.tile([1.0, 0.0], (200, 1))
    )
    acceleration = FORCE * ARM / 1e-3
    late = motion.speeds[100:, 0]
    assert np.allclose(np.diff(late) / 0.001, -acceleration, rtol=0.01)
    assert np.allclose(np.diff(motion.angles[:, 0]), motion.speeds[1:, 0] * 0.001, atol=1e-12)


def test_excitations_hold_and_jump_within_bounds():
    vectors = constant_excitations(6, 40, np.random.default_rng(0))
    assert vectors.shape == (6, 40)
    assert ((vectors >= 0) & (vectors <= 1)).all()
    assert set(np.unique(vectors[1::2])) == {0.0, 1.0}
    rows = changing_excitations(3.0, 0.002, 5, (0.1, 0.5), np.random.default_rng(1))
    assert rows.shape == (1500, 5)
    jumps = np.flatnonzero((np.diff(rows, axis=0) != 0).any(axis=1)) + 1
    holds = np.diff(jumps)
    assert holds.min() >= 0.1 / 0.002 - 1
    assert holds.max() <= 0.5 / 0.002 + 1


def test_a_damped_joint_comes_to_rest_unless_the_step_is_too_long():
    """Spring and damper in balance with the muscles: nothing moves any more after 1.5 s.

    At a step as long as the time constant of activation, explicit Euler makes activation alternate
    for ever.
    """
    model, hand = one_joint(damping=0.02, stiffness=0.1)
    result = jitter(model, hand, dt=0.0005, integrator=EULER)
    assert result.rms < 1e-3
    assert result.joint == "mcp2_flexion"
    assert jitter(model, hand, dt=0.002, integrator=EULER).rms > 0.05


def test_an_undamped_joint_swings_as_long_as_it_is_looked_at():
    """A step of torque T on a spring k and inertia I: speed T / sqrt(k I) sin(wt), by 0.71 as
    root mean square."""
    model, hand = one_joint(stiffness=10.0)
    result = jitter(model, hand, dt=0.0005, integrator=mujoco.mjtIntegrator.mjINT_RK4, seed=0)
    largest = FORCE * ARM + 10.0 * abs(
        rest_angles(model, hand)[0]
    )  # released from the rest posture
    assert (
        0.8 * largest / np.sqrt(10.0 * 1e-3) < result.peak < 1.05 * largest / np.sqrt(10.0 * 1e-3)
    )
    assert result.rms == pytest.approx(result.peak / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(("solref", "armature"), [(0.02, 1e-3), (0.01, 1e-3), (0.02, 1e-2)])
def test_limit_violation_is_the_static_depth_of_a_soft_limit(solref, armature):
    """MuJoCo's limit under a constant torque T: depth (1 - d) T / I timeconst^2 at impedance d,
    damping ratio 1.

    The joint starts at its limit and is damped, so that it does not run into it.
    """
    model, hand = one_joint(
        armature=armature,
        damping=2.0,
        limits=f'range="-0.7 0.61" solreflimit="{solref} 1"',
        dt=0.0005,
    )
    result = limit_violation(model, hand, trials=0, alone_seconds=3.0)
    assert result.excess[0] == pytest.approx(
        (1 - 0.9) * FORCE * ARM / armature * solref**2, rel=0.06
    )
    assert result.trials[0] in hand.muscle_names


def test_a_joint_without_limits_cannot_leave_them():
    result = limit_violation(*one_joint(damping=0.001), trials=1)
    assert result.excess[0] == 0.0
    assert result.trials == ("",)


def test_a_stable_model_runs_clean():
    model, hand = one_joint(damping=0.01, stiffness=0.1)
    result = soak(model, hand, seconds=2.0, dt=0.002)
    assert result.clean
    assert result.steps == 1000


def test_silent_resets_and_warnings_are_counted(tmp_path, monkeypatch):
    """A spring too stiff for the step (k dt^2 / I above 4) explodes; MuJoCo starts over and only
    counts a warning."""
    monkeypatch.chdir(tmp_path)
    model, hand = one_joint(stiffness=50.0)
    result = soak(model, hand, seconds=2.0, dt=0.01)
    assert not result.clean
    assert result.resets > 0
    assert sum(result.warnings.values()) >= result.resets
    assert not list(tmp_path.iterdir()), "MuJoCo wrote a log"


def test_a_step_of_a_hand_takes_longer_than_one_of_a_joint(right_hand):
    small = one_joint()
    assert 0 < step_time(*small, blocks=5) < step_time(*right_hand, blocks=5)
    assert step_time_ratio(right_hand, small, blocks=5) > 2
    assert step_time_ratio(right_hand, right_hand, blocks=11) == pytest.approx(1.0, abs=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.002, 0.004])
def test_ten_minutes_of_random_excitation_go_through(right_hand, dt):
    assert soak(*right_hand, seconds=600.0, dt=dt).clean
