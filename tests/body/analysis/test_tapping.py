"""Tapping against the closed form of a damped joint, and the muscles that do it in hands."""

import numpy as np
import pytest

from musclehand.body.analysis.tapping import AMPLITUDE, antagonists, tapping_amplitude, tapping_rate
from musclehand.core.errors import InvalidValue, ModelError, UnknownName
from support.one_joint_model import ARM, FORCE, one_joint


@pytest.mark.parametrize(("damping", "rate"), [(0.02, 5.5), (0.012, 9.5)])
def test_a_damped_joint_taps_at_torque_over_damping(damping, rate):
    """Speed is torque / damping up and down in turn: over half a cycle T / (2 b f), so f = T /
    (2 b amplitude)."""
    model, hand = one_joint(damping=damping, armature=1e-6, dt=0.001)
    closed = FORCE * ARM / (2 * damping * AMPLITUDE)
    result = tapping_rate(model, hand, "index")
    assert abs(closed - rate) < 0.5
    assert result.equal_rate == pytest.approx(closed, abs=0.75)
    assert result.rate == result.equal_rate
    assert result.share == 0.5
    assert (result.flexors, result.extensors) == (("flexor",), ("extensor",))
    assert tapping_amplitude(model, hand, "index", 4.0) == pytest.approx(
        FORCE * ARM / (2 * damping * 4.0), rel=0.06
    )


def test_tapping_needs_a_knuckle_and_both_kinds_of_muscles():
    model, hand = one_joint(damping=0.02)
    with pytest.raises(ModelError, match="mcp3_flexion"):
        tapping_rate(model, hand, "middle")
    with pytest.raises(UnknownName, match="thumb"):
        tapping_rate(model, hand, "thumb")
    for frequency in (0.0, -1.0, np.nan, 1e6):
        with pytest.raises(InvalidValue, match="tapping frequency"):
            tapping_amplitude(model, hand, "index", frequency)
    model.wrap_prm[:] = 0.0
    with pytest.raises(ModelError, match="no muscle"):
        antagonists(model, hand, "index")


@pytest.mark.parametrize(
    ("finger", "number"), [("index", 2), ("middle", 3), ("ring", 4), ("little", 5)]
)
def test_antagonists_are_the_finger_s_own(right_hand, finger, number):
    model, hand = right_hand
    groups = [{hand.muscle_names[i] for i in group} for group in antagonists(model, hand, finger)]
    assert {f"FDS{number}", f"FDP{number}", f"LU{number - 1}"} <= groups[0]
    assert f"EDC{number}" in groups[1]
    foreign = {
        f"{muscle}{finger_number}"
        for muscle in ("FDS", "FDP", "EDC")
        for finger_number in range(2, 6)
        if finger_number != number
    }
    assert not (groups[0] | groups[1]) & foreign
    assert not (groups[0] | groups[1]) & {"FCR", "ECU", "PL", "FPL"}


def test_left_and_right_tap_alike(right_hand, left_hand):
    right, left = (tapping_amplitude(*hand, "ring", 5.0) for hand in (right_hand, left_hand))
    assert right == pytest.approx(left, rel=0.05)
    assert np.rad2deg(right) > 25
