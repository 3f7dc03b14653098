"""The muscle in numpy is MuJoCo's muscle: curves, dynamics and stepping, and excitations that
reach what is asked."""

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.muscle import (
    MuscleParameters,
    activation_after,
    excitation_for,
    force_length,
    force_velocity,
    muscle_force,
    muscle_parameters,
    passive_force,
    reachable_activation,
)

PARAMETERS = {
    "f0": st.floats(1, 1000),
    "l0": st.floats(0.01, 0.1),
    "lts": st.floats(-0.01, 0.3),
    "lmin": st.floats(0.1, 0.8),
    "lmax": st.floats(1.2, 2.0),
    "vmax": st.floats(0.5, 12),
    "fpmax": st.floats(0, 2),
    "fvmax": st.floats(1.05, 2),
    "tau_act": st.floats(0.005, 0.05),
    "tau_deact": st.floats(0.01, 0.08),
}
muscles = st.builds(
    lambda **kw: MuscleParameters(**{k: np.array([v]) for k, v in kw.items()}), **PARAMETERS
)
shares = st.floats(0, 1)
OURS = MuscleParameters(
    *(np.array([value]) for value in (100, 0.06, 0.2, 0.3, 1.7, 4, 0.3, 1.4, 0.01, 0.02))
)


def mujoco_prm(params, *, low=0.7, high=1.2):
    """MuJoCo's encoding: normalised lengths at the ends of a length range, both chosen here."""
    first = params._replace(**{name: float(getattr(params, name)[0]) for name in params._fields})
    lengthrange = np.array([first.lts + low * first.l0, first.lts + high * first.l0])
    prm = np.zeros(mujoco.mjNGAIN)
    prm[:9] = [
        low,
        high,
        first.f0,
        1.0,
        first.lmin,
        first.lmax,
        first.vmax,
        first.fpmax,
        first.fvmax,
    ]
    return lengthrange, prm


@given(muscles, st.floats(0.0, 2.2), st.floats(-1.5, 1.5))
def test_gain_and_bias_are_those_of_mujoco(params, fibre, speed):
    lengthrange, prm = mujoco_prm(params)
    length = params.lts + fibre * params.l0
    velocity = speed * params.vmax * params.l0
    gain, bias = muscle_force(params, length, velocity)
    scale = params.f0[0]
    expected = mujoco.mju_muscleGain(length[0], velocity[0], lengthrange, 1.0, prm[:9])
    assert gain[0] == pytest.approx(expected, abs=1e-9 * scale)
    assert bias[0] == pytest.approx(
        mujoco.mju_muscleBias(length[0], lengthrange, 1.0, prm[:9]), abs=1e-9 * scale
    )


@given(muscles, shares, shares)
def test_one_step_of_activation_is_that_of_mujoco(params, act, ctrl):
    dt = 0.002
    prm = np.zeros(mujoco.mjNDYN)
    prm[:3] = [params.tau_act[0], params.tau_deact[0], 0.0]
    rate = mujoco.mju_muscleDynamics(ctrl, act, prm[:3])
    after = activation_after(params, np.array([act]), np.array([ctrl]), dt, 1)
    # Where a step would pass the excitation, ours stops at it.
    euler = act + dt * rate
    expected = min(euler, ctrl) if ctrl > act else max(euler, ctrl)
    assert after[0] == pytest.approx(expected, abs=1e-12)


def test_curves_meet_their_landmarks():
    lmin = np.array([0.3])
    lmax = np.array([1.7])
    assert force_length(np.array([0.3, 0.65, 1.0, 1.35, 1.7]), lmin, lmax) == pytest.approx(
        [0, 0.5, 1, 0.5, 0]
    )
    assert force_velocity(
        np.array([-1.2, -1.0, -0.5, 0.0, 0.4, 2.0]), np.array([1.4])
    ) == pytest.approx([0, 0, 0.25, 1, 1.4, 1.4])
    assert passive_force(np.array([0.5, 1.0, 1.35, 1.7]), lmax, np.array([0.3])) == pytest.approx(
        [0, 0, 0.15, 0.45]
    )


def one_muscle_model():
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.002
    spec.option.gravity = [0, 0, 0]
    body = spec.worldbody.add_body(name="weight")
    body.add_joint(name="slide", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1], damping=20)
    body.add_geom(size=[0.05, 0, 0], mass=2.0)
    muscle = spec.add_actuator(name="muscle", trntype=mujoco.mjtTrn.mjTRN_JOINT, target="slide")
    muscle.set_to_muscle(
        timeconst=[0.01, 0.02], tausmooth=0, range=[0.7, 1.3], force=30, scale=1,
        lmin=0.3, lmax=1.7, vmax=4, fpmax=0.3, fvmax=1.4,
    )  # fmt: skip
    muscle.lengthrange = [-0.05, 0.05]
    muscle.ctrllimited = mujoco.mjtLimited.mjLIMITED_TRUE
    muscle.ctrlrange = [0, 1]
    return spec.compile()


def test_activation_and_force_follow_a_simulated_muscle():
    model = one_muscle_model()
    data = mujoco.MjData(model)
    params = muscle_parameters(model, np.array([0]))
    rng = np.random.default_rng(3)
    for _ in range(60):
        steps = int(rng.integers(1, 8))
        ctrl = rng.random(1)
        expected = activation_after(params, data.act.copy(), ctrl, model.opt.timestep, steps)
        data.ctrl[:] = ctrl
        for _ in range(steps):
            mujoco.mj_step(model, data)
        assert data.act == pytest.approx(expected, abs=1e-12)
        mujoco.mj_forward(model, data)
        gain, bias = muscle_force(params, data.actuator_length, data.actuator_velocity)
        assert data.actuator_force == pytest.approx(gain * data.act + bias, abs=1e-9)


def test_a_force_below_0_is_computed_as_in_mujoco():
    model = mujoco.MjModel.from_xml_string(
        """<mujoco><worldbody><site name="a"/><body pos="0.1 0 0"><joint type="slide" axis="1 0 0"/>
        <geom size="0.01" mass="0.2"/><site name="b"/></body></worldbody>
        <tendon><spatial name="t"><site site="a"/><site site="b"/></spatial></tendon>
        <actuator><muscle name="m" tendon="t" force="-1" scale="50" lengthrange="0.05 0.15"/>
        </actuator></mujoco>"""
    )
    (f0,) = muscle_parameters(model, np.array([0])).f0
    gain = mujoco.mju_muscleGain(
        0.1,
        0.0,
        model.actuator_lengthrange[0],
        model.actuator_acc0[0],
        model.actuator_gainprm[0, :9],
    )
    # At mid range (0.9 l0 with the default range) the curve is not at its top.
    assert f0 == pytest.approx(50.0 / model.actuator_acc0[0])
    assert -gain / f0 == pytest.approx(
        float(force_length(np.array(0.9), np.array(0.5), np.array(1.6)))
    )


def test_parameters_are_read_back_as_they_were_set(right_hand, tables):
    from musclehand.body.build.hand import fit_fibres

    model, hand = right_hand
    params = muscle_parameters(model, hand.muscles)
    fibres = fit_fibres(tables)
    for i, row in enumerate(tables.muscles):
        assert params.f0[i] == pytest.approx(row.f0 * np.cos(row.pennation))
        assert params.l0[i] == pytest.approx(fibres[row.muscle].l0)
        assert params.lts[i] == pytest.approx(fibres[row.muscle].lts)
        assert params.l0[i] >= row.l0 - 1e-12


@given(shares, shares, st.integers(1, 12))
def test_excitation_reaches_every_activation_within_reach(act, share, steps):
    now = np.array([act])
    low, high = reachable_activation(OURS, now, 0.002, steps)
    assert low <= now <= high
    target = low + share * (high - low)
    ctrl = excitation_for(OURS, now, target, 0.002, steps)
    assert 0 <= ctrl <= 1
    assert activation_after(OURS, now, ctrl, 0.002, steps) == pytest.approx(target, abs=5e-3)


@given(shares, shares, st.integers(1, 12))
def test_more_iterations_come_closer(act, share, steps):
    now = np.array([act])
    low, high = reachable_activation(OURS, now, 0.002, steps)
    target = low + share * (high - low)
    ctrl = excitation_for(OURS, now, target, 0.002, steps, iterations=12)
    assert activation_after(OURS, now, ctrl, 0.002, steps) == pytest.approx(target, abs=1e-6)


@given(shares, shares)
def test_out_of_reach_means_full_on_or_off(act, target):
    now = np.array([act])
    low, high = reachable_activation(OURS, now, 0.002, 4)
    ctrl = float(excitation_for(OURS, now, np.array([target]), 0.002, 4)[0])
    if target > high:
        assert ctrl == pytest.approx(1.0)
    if target < low:
        assert ctrl == pytest.approx(0.0)


@given(shares, shares, shares, st.integers(1, 12))
def test_activation_rises_with_excitation_and_never_passes_it(act, first, second, steps):
    now, few, many = (np.array([value]) for value in (act, min(first, second), max(first, second)))
    after_few = activation_after(OURS, now, few, 0.002, steps)
    after_many = activation_after(OURS, now, many, 0.002, steps)
    assert after_few <= after_many + 1e-12
    assert min(act, few[0]) - 1e-12 <= after_few <= max(act, few[0]) + 1e-12
