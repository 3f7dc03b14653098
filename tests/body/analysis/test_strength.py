"""Strength against linear programmes, closed forms and MuJoCo's own statics."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from musclehand.body.analysis.moment_arm import muscle_geometry
from musclehand.body.analysis.strength import (
    GROUPS,
    anatomical_coupling,
    feasible_forces,
    force_set,
    group_arms,
    muscle_limits,
    torque_closure,
    torque_range,
)
from musclehand.body.anatomy import DIGITS, DIP_PER_PIP, Side, coupled_joint
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import muscle_force, muscle_parameters
from musclehand.body.posture import named_posture, sample_postures
from musclehand.core.errors import InvalidValue, ModelError

LENGTH = 0.040
RADIUS = 0.008
STRENGTH = 50.0
SITES = "".join(f'<site name="tip_{digit}_r" pos="{LENGTH} 0 0"/>' for digit in DIGITS)


def lever(kinds="flexor extensor"):
    """One finger joint with cylinders for arms: a flexor and an extensor of arm `RADIUS`, at
    their best length."""
    sides = {"flexor": -1, "extensor": 1}
    sites = "".join(
        f'<site name="{kind}_0" pos="-.02 {0.004 * sides[kind]} 0"/>' for kind in kinds.split()
    )
    ends = "".join(
        f'<site name="{kind}_1" pos=".02 {0.004 * sides[kind]} 0"/>' for kind in kinds.split()
    )
    side_sites = "".join(
        f'<site name="{kind}_s" pos="0 {0.02 * sides[kind]} 0"/>' for kind in kinds.split()
    )
    paths = "".join(
        f'<spatial name="{kind}"><site site="{kind}_0"/><geom geom="pulley" sidesite="{kind}_s"/>'
        f'<site site="{kind}_1"/></spatial>'
        for kind in kinds.split()
    )
    muscles = "".join(
        f'<muscle name="{kind}_r" tendon="{kind}" lengthrange=".03 .06" '
        f'range=".5 1.5" force="{STRENGTH}"/>'
        for kind in kinds.split()
    )
    xml = f"""
    <mujoco>
      <worldbody>
        {sites}{side_sites}
        <geom name="pulley" type="cylinder" size="{RADIUS} .01" contype="0" conaffinity="0"/>
        <body><joint name="md2_flexion_r" axis="0 0 -1"/><geom size=".005" pos=".02 0 0"/>
        {ends}{SITES}</body>
      </worldbody>
      <tendon>{paths}</tendon><actuator>{muscles}</actuator>
    </mujoco>"""
    model = mujoco.MjModel.from_xml_string(xml)
    return model, HandIndex.from_model(model, Side.RIGHT)


def tension_at_zero(model, hand):
    return muscle_limits(
        model, hand, muscle_geometry(model, hand, np.zeros((1, 1))).lengths
    ).active[0]


def random_sets(size, count, seed, postures=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(postures, count, size)) * 0.01, rng.uniform(
        5.0, 200.0, size=(postures, count)
    )


def hull_margin(vectors):
    """Largest s for which strictly positive combinations of the vectors make zero with every
    weight at least s."""
    count, size = vectors.shape
    balance = np.vstack(
        [
            np.hstack([vectors.T / np.abs(vectors).max(), np.zeros((size, 1))]),
            np.ones((1, count + 1)),
        ]
    )
    balance[-1, -1] = 0.0
    least = np.hstack([-np.eye(count), np.ones((count, 1))])
    target = np.append(np.zeros(size), 1.0)
    solution = linprog(
        np.append(np.zeros(count), -1.0), least, np.zeros(count), balance, target, (None, None)
    )
    return -solution.fun if solution.status == 0 else -1.0


def range_by_programme(arms, active, passive, joint):
    locked = [i for i in range(arms.shape[1]) if i != joint]
    bounds = [(0.0, most) for most in active]
    ends = []
    for sign in (1.0, -1.0):
        torque = arms.T @ passive
        solution = linprog(
            sign * arms[:, joint], A_eq=arms[:, locked].T, b_eq=-torque[locked], bounds=bounds
        )
        ends.append(np.nan if solution.status else sign * solution.fun + torque[joint])
    return ends


@settings(max_examples=40)
@given(size=st.integers(1, 4), extra=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_closure_is_that_of_a_linear_programme(size, extra, seed):
    arms, _ = random_sets(size, size + extra, seed)
    margins = np.array([hull_margin(vectors) for vectors in arms])
    assert torque_closure(arms).tolist() == (margins > 1e-9).tolist()


@settings(max_examples=30)
@given(
    size=st.integers(1, 4),
    count=st.integers(1, 8),
    pull=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 10_000),
)
def test_torque_ranges_are_those_of_a_linear_programme(size, count, pull, seed):
    arms, active = random_sets(size, count, seed, postures=2)
    passive = pull * active
    lower, upper = torque_range(arms, active, passive)
    for posture in range(2):
        for joint in range(size):
            expected = range_by_programme(arms[posture], active[posture], passive[posture], joint)
            solution = [lower[posture, joint], upper[posture, joint]]
            assert solution == pytest.approx(expected, abs=1e-6, rel=1e-6, nan_ok=True)


def test_muscles_on_one_side_or_in_one_plane_do_not_close():
    one_side = np.array([[[0.01], [0.02]]])
    assert not torque_closure(one_side)[0]
    assert torque_closure(np.array([[[0.01], [-0.02]]]))[0]
    flat = np.array([[[0.01, 0.0], [-0.01, 0.0], [0.02, 0.0]]])
    assert not torque_closure(flat)[0]
    assert not torque_closure(np.zeros((1, 3, 2)))[0]
    lower, upper = torque_range(flat, np.full((1, 3), 100.0))
    assert (lower[0, 0], upper[0, 0]) == pytest.approx((-1.0, 3.0), rel=1e-6)
    assert (lower[0, 1], upper[0, 1]) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_one_joint_between_two_muscles():
    model, hand = lever()
    assert tension_at_zero(model, hand) == pytest.approx(tension_at_zero(model, hand)[::-1])
    geometry = muscle_geometry(model, hand, np.zeros((1, 1)))
    group = group_arms(hand, geometry.arms, "index")
    assert group.joints == ("md2_flexion",)
    assert group.arms[0, :, 0] == pytest.approx([RADIUS, -RADIUS])
    active = muscle_limits(model, hand, geometry.lengths).active
    lower, upper = torque_range(group.arms, active)
    assert upper[0, 0] == pytest.approx(RADIUS * active[0, 0])
    assert lower[0, 0] == pytest.approx(-RADIUS * active[0, 1])
    assert torque_closure(group.arms).tolist() == [True]


@pytest.mark.parametrize("friction", [0.0, 0.5])
def test_a_lever_presses_with_torque_over_length(friction):
    """Friction acts along the bone or across the plane, where it makes no torque: the normal
    force stays."""
    model, hand = lever()
    pad = feasible_forces(model, hand, "index", np.zeros(1), friction)
    tension = tension_at_zero(model, hand)[0]
    assert pad.force == pytest.approx(RADIUS * tension / LENGTH, rel=1e-6)
    assert pad.normal == pytest.approx([0.0, -1.0, 0.0]), "the way flexion goes"
    assert pad.tensions == pytest.approx([tension, 0.0], abs=1e-6)


def test_without_a_flexor_nothing_is_pressed():
    model, hand = lever("extensor")
    assert feasible_forces(model, hand, "index", np.zeros(1)).force == pytest.approx(0.0, abs=1e-9)


def test_passive_pull_of_the_extensor_takes_from_the_force():
    model, hand = lever()
    posture = np.array([0.6])
    lengths, arms = muscle_geometry(model, hand, posture[None])
    limits = muscle_limits(model, hand, lengths)
    assert limits.passive[0, 1] > 0 == limits.passive[0, 0]
    expected = arms[0, :, 0] @ [limits.active[0, 0], limits.passive[0, 1]] / LENGTH
    assert expected < feasible_forces(model, hand, "index", posture).force
    assert feasible_forces(model, hand, "index", posture, passive=True).force == pytest.approx(
        expected, rel=1e-6
    )


def test_the_set_of_forces_of_a_lever_reaches_its_two_torques():
    corners = force_set(*lever(), "index", np.zeros(1), 16)
    reach = RADIUS * tension_at_zero(*lever())[0] / LENGTH
    assert corners[:, 0].max() == pytest.approx(reach, rel=1e-6)
    assert corners[:, 0].min() == pytest.approx(-reach, rel=1e-6)


def test_pressing_holds_in_mujoco(right_hand):
    """The tensions and the reaction on the pad leave no torque on the digit's independent
    joints."""
    model, hand = right_hand
    posture = named_posture(
        hand, {"mcp3_flexion": 30, "pm3_flexion": 30, "md3_flexion": 20}, hand.limits(model)
    )
    pad = feasible_forces(model, hand, "middle", posture, 0.0)
    data = mujoco.MjData(model)
    hand.pose(data, posture)
    mujoco.mj_forward(model, data)
    torque = np.zeros(model.nv)
    tip = hand.tips[DIGITS.index("middle")]
    body = model.site_bodyid[tip]
    mujoco.mj_applyFT(
        model, data, -pad.force * pad.normal, np.zeros(3), data.site_xpos[tip], body, torque
    )
    pulls = pad.tensions @ muscle_geometry(model, hand, posture[None]).arms[0]
    total = (pulls + torque[hand.dofs] * hand.signs) @ hand.expand
    moved = [i for i, position in enumerate(hand.independent) if "3_" in hand.joints[position]]
    assert len(moved) == 3
    assert total[moved] == pytest.approx(np.zeros(3), abs=1e-6)
    assert pad.force > 1.0


def test_limits_are_the_muscle_curves(right_hand):
    model, hand = right_hand
    postures = sample_postures(hand, hand.limits(model), 20, np.random.default_rng(0))
    lengths = muscle_geometry(model, hand, postures).lengths
    gain, bias = muscle_force(
        muscle_parameters(model, hand.muscles), lengths, np.zeros_like(lengths)
    )
    limits = muscle_limits(model, hand, lengths)
    assert limits.active == pytest.approx(-gain, abs=1e-9)
    assert limits.passive == pytest.approx(-bias, abs=1e-9)


def test_coupling_is_added_only_where_it_is_missing(right_hand):
    hand = right_hand[1]
    same = anatomical_coupling(hand)
    assert np.array_equal(same.expand, hand.expand)
    free = replace(hand, expand=np.eye(25), independent=np.arange(25))
    coupled = anatomical_coupling(free)
    assert np.array_equal(coupled.independent, hand.independent)
    assert coupled.expand == pytest.approx(hand.expand)
    for joint, ratio in (("md4_flexion", DIP_PER_PIP), ("cmc5_flexion", 27 / 125)):
        row = coupled.expand[hand.joints.index(joint)]
        driver = hand.joints.index(coupled_joint(joint))
        assert row[list(coupled.independent).index(driver)] == ratio


def test_groups_cover_every_independent_joint_once(right_hand):
    model, hand = right_hand
    arms = muscle_geometry(model, hand, np.zeros((1, len(hand.joints)))).arms
    joints = [joint for group in GROUPS for joint in group_arms(hand, arms, group).joints]
    assert sorted(joints) == sorted(hand.joints[i] for i in hand.independent)


def test_what_cannot_be_computed_is_named():
    model, hand = lever()
    with pytest.raises(InvalidValue, match="friction"):
        feasible_forces(model, hand, "index", np.zeros(1), -0.1)
    with pytest.raises(ModelError, match="ring"):
        feasible_forces(model, hand, "ring", np.zeros(1))
    at_joint = lever()[0]
    at_joint.site_pos[hand.tips] = 0.0
    with pytest.raises(ModelError, match="axis of md2_flexion"):
        feasible_forces(at_joint, hand, "index", np.zeros(1))
    model.actuator_gaintype[0] = mujoco.mjtGain.mjGAIN_FIXED
    with pytest.raises(ModelError, match="flexor"):
        muscle_limits(model, hand, np.full((1, 2), 0.04))
