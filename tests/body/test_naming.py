"""Namings find the hands of known models, and say what is wrong with one that does not fit."""

import json
import re
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import (
    DIGITS,
    HAND_JOINTS,
    PALM_JOINTS,
    Side,
    coupled_joint,
    coupling_ratio,
    digit_joints,
    directions,
)
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import find_naming, known_namings, own_naming, read_naming
from musclehand.body.naming_patterns import Patterns
from musclehand.core.errors import ModelError, MusclehandError
from musclehand.core.mujoco_warnings import silence_mujoco

GUIDE = Path(__file__).parents[2] / "docs" / "how_to" / "own_hand.md"


@pytest.fixture(scope="module")
def myohand():
    from myo_sim.build.compose import build_spec

    return build_spec("myohand_r").compile()


def test_each_naming_covers_the_anatomy():
    assert set(own_naming().joints) == set(HAND_JOINTS)
    for naming in known_namings():
        assert set(HAND_JOINTS) - set(PALM_JOINTS) <= set(naming.joints) <= set(HAND_JOINTS)
        assert set(naming.tips) == set(DIGITS)
        assert len(naming.muscles) >= 39
        assert set(naming.muscles) <= set(own_naming().muscles)


def test_our_hand_and_myohand_are_recognised(right_hand, myohand):
    assert find_naming(right_hand[0]) is own_naming()
    assert find_naming(myohand).name == "MyoHand 0.2.3"
    assert find_naming(myohand).sides(myohand) == (Side.RIGHT,)


def test_names_and_parts_are_inverse():
    for naming in known_namings():
        for side in Side:
            if naming.patterns(side) is not None:
                assert naming.base_of(naming.name_of("FDP2", side), side) == "FDP2"
                assert naming.muscle(naming.name_of(naming.muscles["DI1"], side), side) == "DI1"
    assert own_naming().base_of("FDP2_l", Side.RIGHT) is None
    assert own_naming().muscle("FDP2_l", Side.RIGHT) is None


def test_index_of_a_foreign_hand(myohand):
    hand = HandIndex.from_model(myohand, Side.RIGHT, find_naming(myohand))
    assert hand.joints == tuple(joint for joint in HAND_JOINTS if joint not in PALM_JOINTS)
    assert len(hand.muscles) == 39
    assert {"DI1", "LU4", "PI3", "ADM"} <= set(hand.muscle_names)
    assert len(hand.independent) == 23, "MyoHand couples no joints"


def test_our_hand_couples_joints_to_others(right_hand):
    hand = right_hand[1]
    assert hand.expand.shape == (len(HAND_JOINTS), 19)
    slow = np.random.default_rng(0).normal(size=19)
    full = dict(zip(hand.joints, hand.expand @ slow, strict=True))
    for joint in HAND_JOINTS:
        driver = coupled_joint(joint)
        if driver is not None:
            assert full[joint] == pytest.approx(coupling_ratio(joint) * full[driver], rel=1e-5)


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
    angles = np.linspace(-0.2, 0.2, len(HAND_JOINTS))
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
    assert set(HAND_JOINTS) - set(joints) <= set(PALM_JOINTS)


def renamed(change):
    """Our right hand, with the names of all its parts changed."""
    with silence_mujoco():
        spec = hand_spec(Side.RIGHT)
        spec.compile()
        text = spec.to_xml()
    attributes = "name|joint|joint1|joint2|site|sidesite|geom|body1|body2|tendon"
    return mujoco.MjModel.from_xml_string(
        re.sub(rf'\b({attributes})="([^"]*)"', lambda m: f'{m[1]}="{change(m[2])}"', text)
    )


@pytest.mark.parametrize(
    ("change", "side", "pattern"),
    [
        (lambda name: name.removesuffix("_r"), Side.RIGHT, "{}"),
        (lambda name: f"{name.removesuffix('_r')}_L", Side.LEFT, "{}_L"),
        (lambda name: f"right/{name.removesuffix('_r')}", Side.RIGHT, "right/{}"),
        (lambda name: f"robot/{name}", Side.RIGHT, "robot/{}_r"),
    ],
)
def test_our_names_are_recognised_with_other_affixes(right_hand, change, side, pattern):
    model = renamed(change)
    naming = find_naming(model)
    assert naming.patterns(side) == Patterns.same(pattern)
    hand = HandIndex.from_model(model, side, naming)
    assert hand.muscle_names == right_hand[1].muscle_names
    assert hand.joints == right_hand[1].joints
    assert hand.digits == DIGITS


def with_map(tmp_path, **entries):
    own = own_naming()
    content = {
        "name": "x",
        "right": "{}_r",
        "left": None,
        "joints": dict(own.joints),
        "muscles": dict(own.muscles),
        "tips": dict(own.tips),
        **entries,
    }
    path = tmp_path / "map.json"
    path.write_text(json.dumps(content))
    return path


def test_a_file_s_pattern_is_replaced_where_the_model_has_no_such_part(right_hand, tmp_path):
    path = with_map(tmp_path, right={"joints": "{}_r", "muscles": "muscle_{}", "tips": "{}"})
    naming = find_naming(right_hand[0], path)
    assert naming.right == Patterns.same("{}_r")
    assert HandIndex.from_model(right_hand[0], Side.RIGHT, naming).digits == DIGITS


@pytest.mark.parametrize(
    ("kind", "part", "name", "message"),
    [
        ("joints", "mcp2_flexion", "mcp2_flexon", "joint 'mcp2_flexon_r'; .*'mcp2_flexion_r'"),
        ("muscles", "FDP2", "FDPP2", "muscle 'FDPP2_r'; did you mean 'FDP2_r'"),
        ("tips", "index", "tip_indx", "tip 'tip_indx_r'; did you mean 'tip_index_r'"),
    ],
)
def test_a_misspelt_name_of_a_file_is_shown(right_hand, tmp_path, kind, part, name, message):
    path = with_map(tmp_path, **{kind: {**getattr(own_naming(), kind), part: name}})
    with pytest.raises(ModelError, match=message):
        find_naming(right_hand[0], path)


def test_a_file_without_a_match_says_what_it_wants(right_hand, tmp_path):
    path = with_map(tmp_path, right="hand:{}")
    with pytest.raises(ModelError, match=r"3 joints of .*map\.json, such as hand:pro_sup"):
        find_naming(right_hand[0], path)


def test_a_tip_that_is_misspelt_in_the_model_is_shown():
    spec = hand_spec(Side.RIGHT)
    spec.site("tip_index_r").name = "tip_indx_r"
    with silence_mujoco():
        model = spec.compile()
    with pytest.raises(ModelError, match=r"index \('tip_index_r'; did you mean 'tip_indx_r'"):
        HandIndex.from_model(model, Side.RIGHT, find_naming(model))


def test_muscles_of_no_bone_of_the_hand_are_left_out(right_hand):
    spec = hand_spec(Side.RIGHT)
    for name, body in (("near", "ulna_r"), ("far", "distph2_r")):
        tendon = spec.add_tendon(name=name)
        for number, place in enumerate((0.0, 0.1)):
            part = spec.body(body if number else "humerus_r")
            part.add_site(name=f"{name}{number}", pos=[0, place, 0])
            tendon.wrap_site(f"{name}{number}")
        actuator = spec.add_actuator(name=name, target=name)
        actuator.trntype = mujoco.mjtTrn.mjTRN_TENDON
        actuator.dyntype = mujoco.mjtDyn.mjDYN_MUSCLE
        actuator.gaintype = mujoco.mjtGain.mjGAIN_MUSCLE
        actuator.biastype = mujoco.mjtBias.mjBIAS_MUSCLE
        actuator.gainprm[:9] = actuator.biasprm[:9] = [0.75, 1.05, 1, 1, 0.5, 1.6, 1.5, 1.3, 1.2]
        actuator.lengthrange = [0.1, 1.0]
    with silence_mujoco():
        model = spec.compile()
    hand = HandIndex.from_model(model, Side.RIGHT, find_naming(model))
    assert hand.muscle_names == (*right_hand[1].muscle_names, "far")


def test_the_map_in_the_guide_opens_a_finger(tmp_path):
    """The example of the documentation, on our index finger alone under its names."""
    text = re.search(r"```json\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[1]
    path = tmp_path / "map.json"
    path.write_text(text, encoding="utf-8")
    naming = read_naming(path)
    spec = hand_spec(Side.RIGHT)
    for kind, parts in (("joint", naming.joints), ("actuator", naming.muscles)):
        for part, name in parts.items():
            pattern = getattr(naming.right, "joints" if kind == "joint" else "muscles")[0]
            getattr(spec, kind)(f"{part}_r").name = pattern.format(name.removeprefix("-"))
    spec.site("tip_index_r").name = "index_tip_site_r"
    for equality in list(spec.equalities):
        spec.delete(equality)
    with silence_mujoco():
        model = spec.compile()
    hand = HandIndex.from_model(model, Side.RIGHT, find_naming(model, path))
    assert sorted(hand.joints) == sorted(digit_joints("index"))
    assert hand.signs[hand.joints.index("mcp2_abduction")] == -1.0
    assert hand.digits == ("index",)
    assert {"FDP2", "FDS2", "EDC2", "DI1"} <= set(hand.muscle_names)


def test_both_sides_of_a_naming(right_hand):
    own = own_naming()
    assert own.with_both_sides() is own
    mixed = replace(own, right=Patterns(("{}_r", "{}"), ("{}",), ("{}_r",)), left=None)
    both = mixed.with_both_sides()
    assert both.on_the_left("mcp2_flexion_r") == "mcp2_flexion_r_left"
    assert both.on_the_left("FDP2") == "FDP2_left"
    assert both.base_of("FDP2_left", Side.LEFT) == "FDP2"
    assert own.on_the_left("FDP2_r") == "FDP2_l"
    with pytest.raises(ModelError, match="no right hand"):
        replace(own, right=None).with_both_sides()
