"""Wrist movements against their own derivatives and limits, and the muscles that they need against anatomy."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.held_movements import MARGIN, MOVEMENTS_DEG, held_movement, joint_limits, simulate_motion
from musclehand.motion.reference import JOINTS


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
    held = angles[round(3.0 / 0.002)] - angles[0]
    wanted = {JOINTS[i] for i in np.flatnonzero(np.abs(held) > 1e-3)}
    assert wanted
    assert wanted <= set(MOVEMENTS_DEG[name])


@pytest.mark.parametrize(
    ("name", "stronger", "weaker"),
    [("flexion", "FCU", "ECU"), ("extension", "EDC3", "FDS3"), ("pronation", "PT", "SUP"), ("supination", "SUP", "PT")],
)
def test_movements_need_the_muscles_that_make_them(ours, name, stronger, weaker):
    model, hand = ours
    angles, speeds = held_movement(name, joint_limits(model, hand), before=0.6, hold=1.2, after=0.5)
    found = simulate_motion(model, hand, angles, speeds)
    held = found.values[round((1.2 - found.start) * found.fs_hz) : round((1.8 - found.start) * found.fs_hz)].mean(
        axis=0
    )
    activity = dict(zip(found.muscles, held, strict=True))
    assert activity[stronger] > activity[weaker] + 0.01
    assert found.fs_hz == pytest.approx(125.0)


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
