"""Wrist movements against their own derivatives and limits, and the muscles that they need
against anatomy."""

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.passive import independent_torque, passive_torque
from musclehand.body.anatomy import INDEPENDENT_JOINTS, WRIST_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.control.tracking import whole_posture
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.model.wrist_movements import (
    GRIP_NM,
    MARGIN,
    MOVEMENTS_DEG,
    held_movement,
    joint_limits,
    let_fingers_go,
    simulate_motion,
    simulate_movement,
    with_grip,
)


@pytest.fixture(scope="module")
def ours():
    model = load_hand(Side.RIGHT)
    return model, HandIndex.from_model(model, Side.RIGHT)


@pytest.mark.parametrize("name", MOVEMENTS_DEG)
def test_movements_stay_in_limits_start_at_rest_and_move_as_fast_as_said(ours, name):
    limits = joint_limits(*ours)
    angles, speeds = held_movement(name, limits, dt=0.002)
    assert (angles >= limits[:, 0] + MARGIN - 1e-9).all()
    assert (angles <= limits[:, 1] - MARGIN + 1e-9).all()
    assert not speeds[0].any()
    np.testing.assert_allclose(angles[0], angles[-1], atol=1e-9)
    np.testing.assert_allclose(np.gradient(angles, 0.002, axis=0)[1:-1], speeds[1:-1], atol=2e-2)
    held = dict(zip(INDEPENDENT_JOINTS, angles[round(3.0 / 0.002)], strict=True))
    wanted = {joint: np.radians(value) for joint, value in MOVEMENTS_DEG[name].items()}
    assert {joint: held[joint] for joint in wanted} == pytest.approx(wanted, abs=MARGIN)
    still = {*WRIST_JOINTS} - {*wanted}
    assert {joint: held[joint] for joint in still} == pytest.approx(
        {joint: angles[0, INDEPENDENT_JOINTS.index(joint)] for joint in still}, abs=1e-3
    )


@pytest.mark.parametrize("name", MOVEMENTS_DEG)
def test_fingers_that_are_let_go_feel_no_torque_and_follow_the_wrist_as_in_tenodesis(ours, name):
    model, hand = ours
    posture = let_fingers_go(name)
    torque = independent_torque(
        hand, passive_torque(model, hand, whole_posture(hand, posture)).total
    )
    independent = [hand.joints[i] for i in hand.independent]
    held = {*WRIST_JOINTS, *MOVEMENTS_DEG[name]}
    free = [i for i, joint in enumerate(independent) if joint not in held]
    assert free
    np.testing.assert_allclose(torque[free], 0.0, atol=2e-3)
    opened = (
        posture[INDEPENDENT_JOINTS.index("mcp3_flexion")]
        - let_fingers_go("radial deviation")[INDEPENDENT_JOINTS.index("mcp3_flexion")]
    )
    if name in ("flexion", "extension"):
        assert np.sign(opened) == (-1 if name == "flexion" else 1)
        assert 5.0 < np.degrees(abs(opened)) < 40.0


def test_a_wrist_is_extended_by_its_own_extensors(ours):
    muscles = simulate_movement(*ours, "extension", before=0.8, hold=1.2, after=0.5)
    first, last = (round((time - muscles.start) * muscles.fs_hz) for time in (1.4, 2.0))
    rows = slice(first, last)
    held = dict(zip(muscles.muscles, muscles.values[rows].mean(axis=0), strict=True))
    strongest = sorted(held, key=held.__getitem__)[-3:]
    assert set(strongest) == {"ECRL", "ECRB", "ECU"}


@pytest.mark.parametrize(
    ("name", "stronger", "weaker"),
    [
        ("flexion", "FCU", "ECU"),
        ("extension", "ECRB", "FCR"),
        ("pronation", "PT", "SUP"),
        ("supination", "SUP", "PT"),
    ],
)
def test_movements_need_the_muscles_that_make_them_and_rest_needs_none(
    ours, name, stronger, weaker
):
    muscles = simulate_movement(*ours, name, before=0.8, hold=1.2, after=0.5)

    def activity(begin, end):
        first, last = (round((time - muscles.start) * muscles.fs_hz) for time in (begin, end))
        return muscles.values[first:last]

    held = dict(zip(muscles.muscles, activity(1.4, 2.0).mean(axis=0), strict=True))
    assert held[stronger] > held[weaker] + 0.01
    assert activity(0.6, 0.8).max() < 0.01
    assert muscles.fs_hz == pytest.approx(125.0)


def test_a_fist_s_palm_pushes_back_as_stated_and_fingers_press_against_it(ours):
    model, hand = ours
    gripping = with_grip(model, hand)
    fist = np.array([np.radians(MOVEMENTS_DEG["fist"].get(joint, 0.0)) for joint in hand.joints])
    torques = []
    for variant in (model, gripping):
        data = mujoco.MjData(variant)
        hand.pose(data, fist)
        mujoco.mj_forward(variant, data)
        torques.append(data.qfrc_spring[hand.dofs] * hand.signs)
    back = dict(zip(hand.joints, torques[0] - torques[1], strict=True))
    assert {joint: round(torque, 9) for joint, torque in back.items() if torque} == pytest.approx(
        dict(GRIP_NM)
    )
    flexors = [hand.muscle_names.index(name) for name in ("FDS3", "FDP3")]
    angles, speeds = held_movement("fist", joint_limits(*ours), before=0.3, hold=1.0, after=0.5)
    open_air, closed = (
        simulate_motion(variant, hand, angles, speeds).values[60:120, flexors]
        for variant in (model, gripping)
    )
    assert closed.sum(axis=1).mean() > open_air.sum(axis=1).mean() + 0.05


def test_what_is_no_movement_is_refused(ours):
    model, hand = ours
    with pytest.raises(UnknownName, match="movement"):
        held_movement("wave", joint_limits(model, hand))
    with pytest.raises(InvalidValue, match="limits"):
        held_movement("fist", np.zeros((3, 2)))
    with pytest.raises(InvalidValue, match="times"):
        held_movement("fist", joint_limits(model, hand), hold=0.1)
    with pytest.raises(InvalidValue, match="motion"):
        simulate_motion(model, hand, np.zeros((5, 19)), np.zeros((5, 19)))
