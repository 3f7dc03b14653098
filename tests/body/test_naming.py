"""Namings find the hands of known models, and say what is wrong with one that does not fit."""

import json

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side, digit_joints, directions
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import find_naming, known_namings, own_naming, read_naming
from musclehand.core.errors import ModelError, MusclehandError


@pytest.fixture(scope="module")
def myohand():
    from myo_sim.build.compose import build_spec

    return build_spec("myohand_r").compile()


def test_each_naming_covers_the_anatomy():
    for naming in known_namings():
        assert set(naming.joints) == set(HAND_JOINTS)
        assert set(naming.tips) == set(DIGITS)
        assert len(naming.muscles) >= 39


def test_our_hand_and_myohand_are_recognised(right_hand, myohand):
    assert find_naming(right_hand[0]) is own_naming()
    assert find_naming(myohand).name == "MyoHand 0.2.3"
    assert find_naming(myohand).sides(myohand) == (Side.RIGHT,)


def test_names_and_parts_are_inverse():
    for naming in known_namings():
        for side in Side:
            if naming.pattern(side) is not None:
                assert naming.base_of(naming.name_of("FDP2", side), side) == "FDP2"
    assert own_naming().base_of("FDP2_l", Side.RIGHT) is None


def test_index_of_a_foreign_hand(myohand):
    hand = HandIndex.from_model(myohand, Side.RIGHT, find_naming(myohand))
    assert hand.joints == HAND_JOINTS
    assert len(hand.muscles) == 39
    assert {"DI1", "LU4", "PI3", "ADM"} <= set(hand.muscle_names)
    assert len(hand.independent) == 23, "MyoHand couples no joints"


def test_our_hand_couples_the_last_finger_joints(right_hand):
    hand = right_hand[1]
    assert hand.expand.shape == (23, 19)
    slow = np.random.default_rng(0).normal(size=19)
    full = dict(zip(hand.joints, hand.expand @ slow, strict=True))
    for number in range(2, 6):
        assert full[f"md{number}_flexion"] == pytest.approx(2 / 3 * full[f"pm{number}_flexion"])


def test_a_reversed_joint_turns_its_sign(right_hand, tmp_path):
    model = right_hand[0]
    path = tmp_path / "map.json"
    own = own_naming()
    joints = {**own.joints, "pm2_flexion": "-pm2_flexion"}
    path.write_text(
        json.dumps(
            {
                "name": "x",
                "right": "{}_r",
                "left": None,
                "joints": joints,
                "muscles": {},
                "tips": dict(own.tips),
            }
        )
    )
    hand = HandIndex.from_model(model, Side.RIGHT, read_naming(path))
    place = hand.joints.index("pm2_flexion")
    assert hand.limits(model)[place] == pytest.approx(-right_hand[1].limits(model)[place][::-1])
    assert hand.expand[hand.joints.index("md2_flexion")].min() == pytest.approx(-2 / 3)
    data = mujoco.MjData(model)
    angles = np.linspace(-0.2, 0.2, 23)
    hand.pose(data, angles)
    assert data.joint("pm2_flexion_r").qpos[0] == -angles[place]
    assert hand.angles(data) == pytest.approx(angles)


def test_a_model_that_is_no_hand_is_refused():
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><joint/><geom size='1'/></body></worldbody></mujoco>"
    )
    with pytest.raises(ModelError, match="--map"):
        find_naming(model)
    with pytest.raises(ModelError, match="no right hand"):
        HandIndex.from_model(model, Side.RIGHT)


def test_a_side_that_is_not_there_is_named(right_hand):
    with pytest.raises(ModelError, match="left hand"):
        HandIndex.from_model(right_hand[0], Side.LEFT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": {"elbow": "e"}}, "elbow"),
        ({"tips": {"index": 3}}, "tips"),
        ({"right": "r_"}, "right and left"),
        ({"name": None}, "name"),
        ({"muscles": ["FDP2"]}, "muscles"),
    ],
)
def test_wrong_entries_are_named(tmp_path, change, message):
    entries = {
        "name": "x",
        "right": "{}_r",
        "left": None,
        "joints": {},
        "muscles": {},
        "tips": {},
        **change,
    }
    path = tmp_path / "map.json"
    path.write_text(json.dumps(entries))
    with pytest.raises(MusclehandError, match=message):
        read_naming(path)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200),
        st.recursive(st.none() | st.text(max_size=5), st.lists).map(json.dumps),
    )
)
def test_any_other_text_is_an_error_of_ours(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("map") / "map.json"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ModelError):
        read_naming(path)


def test_directions_and_digits():
    assert directions("mcp2_flexion") == ("flexion", "extension")
    assert directions("cmc_flexion") == ("extension", "flexion")
    assert directions("mcp5_abduction") == ("radial", "ulnar")
    assert digit_joints("index") == ("mcp2_flexion", "mcp2_abduction", "pm2_flexion", "md2_flexion")
    joints = [joint for digit in ("wrist", *DIGITS) for joint in digit_joints(digit)]
    assert sorted(joints) == sorted(HAND_JOINTS)
