"""What was changed on purpose is told, in the right words and numbers; what was not is not
mentioned."""

import re

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.core.errors import InvalidValue
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation.check import Specimen
from musclehand.validation.difference.compare import compare
from musclehand.validation.difference.figure import arm_curves, force_changes
from musclehand.validation.difference.muscles import arms_in_shared_postures
from musclehand.validation.specimen import open_specimens
from musclehand.validation.wording import (
    describe_arm,
    describe_bone,
    describe_change,
    describe_direction,
    describe_joint,
    describe_muscle,
    describe_shift,
    neutral_frame,
)

MUSCLE = "FDP2"


def specimen_of(spec, side=Side.RIGHT, source="changed"):
    model = spec.compile()
    return Specimen(source, model, HandIndex.from_model(model, side), own_naming(), spec)


def path_sites(specimen, muscle):
    """Names of the points of a path, from origin to insertion."""
    model = specimen.model
    hand = specimen.hand
    tendon = hand.tendons[hand.muscle_names.index(muscle)]
    wraps = range(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
    return [
        model.site(model.wrap_objid[w]).name
        for w in wraps
        if model.wrap_type[w] == mujoco.mjtWrap.mjWRAP_SITE
    ]


@pytest.fixture(scope="module")
def original():
    return specimen_of(hand_spec(Side.RIGHT), source="original")


@pytest.fixture
def spec(original):
    return original.spec.copy()


def changes_to(original, spec):
    return compare([original], [specimen_of(spec)]).changes


def test_a_model_does_not_differ_from_itself_as_xml(original, tmp_path):
    path = tmp_path / "hand.xml"
    path.write_text(original.spec.to_xml())
    assert compare([original], open_specimens(str(path))).changes == ()


def test_mirror_images_differ_only_in_their_side(original):
    left = specimen_of(hand_spec(Side.LEFT), Side.LEFT)
    turns = left.model.body_quat.copy()
    assert {change.group for change in compare([original], [left]).changes} == {"hands"}
    np.testing.assert_array_equal(left.model.body_quat, turns, "models are not changed")


def test_an_insertion_moved(original, spec):
    name = path_sites(original, MUSCLE)[-2]
    spec.site(name).pos = np.add(spec.site(name).pos, [0.0, -0.003, -0.001])
    changes = changes_to(original, spec)
    assert {change.group for change in changes} <= {"paths", "moment arms"}
    (path,) = (change for change in changes if change.group == "paths")
    assert f"point {name[:-2]} moved 3.2 mm (3.0 distal, 1.0 palmar)" in path.words
    assert "of the index finger" in path.words
    assert path.part == "FDP2, flexor digitorum profundus (index)"
    assert path.new == pytest.approx(np.hypot(3, 1))
    arms = [change for change in changes if change.group == "moment arms"]
    assert arms
    assert {change.muscle for change in arms} == {MUSCLE}


def test_the_same_on_a_left_hand():
    left = specimen_of(hand_spec(Side.LEFT), Side.LEFT, "original")
    spec = left.spec.copy()
    name = path_sites(left, MUSCLE)[-2]
    spec.site(name).pos = np.add(spec.site(name).pos, [0.001, 0.003, 0.001])
    (path,) = (
        c for c in compare([left], [specimen_of(spec, Side.LEFT)]).changes if c.group == "paths"
    )
    assert (
        "(3.0 proximal, 1.0 radial, 1.0 palmar)" in path.words
        or "(3.0 proximal, 1.0 palmar, 1.0" in path.words
    )


def test_arm_changes_are_the_largest_of_the_postures(original, spec):
    name = path_sites(original, MUSCLE)[-2]
    spec.site(name).pos = np.add(spec.site(name).pos, [0.0, 0.0, -0.002])
    after = specimen_of(spec)
    arms = [c for c in compare([original], [after]).changes if c.group == "moment arms"]
    joints = list(original.hand.joints)
    old, new = arms_in_shared_postures(original, after, [MUSCLE], joints)
    shift = 1e3 * np.abs(new - old)[:, 0].max(axis=0)
    for change in arms:
        assert abs(change.new - change.old) == pytest.approx(shift[joints.index(change.joint)])
    assert {change.joint for change in arms} == {joints[i] for i in np.flatnonzero(shift > 0.05)}
    assert [c.weight for c in arms] == sorted((c.weight for c in arms), reverse=True)


def test_a_force_changed(original, spec):
    actuator = spec.actuator(f"{MUSCLE}_r")
    old = actuator.gainprm[2]
    actuator.gainprm[2] *= 1.25
    actuator.biasprm[2] *= 1.25
    (change,) = changes_to(original, spec)
    assert (change.group, change.muscle, change.unit) == ("peak force", MUSCLE, "N")
    assert (change.old, change.new) == pytest.approx((old, 1.25 * old))
    assert change.words == f"{old:.1f} -> {1.25 * old:.1f} N (+25 %)"


def test_the_same_change_of_all_muscles_is_told_once(original):
    (change,) = changes_to(original, hand_spec(Side.RIGHT, strength_scale=1.3))
    assert change.words == "+30 % each"
    assert change.part.endswith(f"and {len(original.hand.muscles) - 5} more")


def test_fibres_and_times(original, spec):
    actuator = spec.actuator(f"{MUSCLE}_r")
    actuator.dynprm[1] *= 2
    actuator.lengthrange = np.asarray(actuator.lengthrange) + 0.004
    changes = {change.group: change for change in changes_to(original, spec)}
    assert set(changes) == {"deactivation time", "tendon slack length"}
    assert "(+100 %)" in changes["deactivation time"].words
    slack = changes["tendon slack length"]
    assert slack.new - slack.old == pytest.approx(4.0)


def test_muscles_points_and_joints_that_come_and_go(original, spec):
    spec.delete(spec.actuator("EIP_r"))
    spec.delete(spec.joint("mcp5_abduction_r"))
    changes = changes_to(original, spec)
    by_words = {(change.group, change.words): change for change in changes}
    assert by_words["muscles", "removed"].muscle == "EIP"
    assert by_words["joints", "removed"].joint == "mcp5_abduction"
    back = compare([specimen_of(spec)], [original]).changes
    assert {(change.group, change.words) for change in back} == {
        ("muscles", "added"),
        ("joints", "added"),
    }


def test_a_point_on_another_bone(original, spec):
    name = path_sites(original, MUSCLE)[-1]
    site = spec.site(name)
    spec.delete(site)
    spec.body("distph3_r").add_site(name=name, pos=[0, -0.005, -0.004])
    (path,) = (change for change in changes_to(original, spec) if change.group == "paths")
    assert (
        "now on the distal phalanx of the middle finger, before on the distal phalanx of the index"
        in path.words
    )


def test_branches(original, tmp_path):
    xml = original.spec.to_xml()
    if "<pulley" not in xml:
        pytest.skip("no muscle of the hand branches")
    path = tmp_path / "hand.xml"
    path.write_text(re.sub('<pulley divisor="[^"]*"', '<pulley divisor="3"', xml, count=1))
    changes = [
        change
        for change in compare([original], open_specimens(str(path))).changes
        if change.group == "paths"
    ]
    assert len(changes) == 1
    assert "lengths divided by" in changes[0].words


def test_joints(original, spec):
    joint = spec.joint("mcp2_flexion_r")
    joint.range = [joint.range[0], joint.range[1] - np.deg2rad(10)]
    joint.damping = np.asarray(joint.damping) * 3
    joint.stiffness = np.asarray(joint.stiffness) * 2
    joint.springref = joint.springref + np.deg2rad(5)
    spec.equality("md3_flexion_coupling_r").data[1] = 0.5
    all_changes = changes_to(original, spec)
    changes = {change.group: change for change in all_changes}
    assert set(changes) == {
        "range of motion",
        "damping",
        "passive stiffness",
        "rest angle",
        "couplings",
    }
    range_ = changes["range of motion"]
    coupling = changes["couplings"]
    assert range_.words.startswith("flexion limit 90.0 -> 80.0 deg")
    assert range_.joint == "mcp2_flexion"
    assert any(
        "(+100 %)" in change.words for change in all_changes if change.group == "passive stiffness"
    )
    assert changes["rest angle"].new - changes["rest angle"].old == pytest.approx(5.0)
    assert (coupling.part, coupling.new) == ("middle DIP flexion", pytest.approx(0.5))


def test_limits_of_the_thumb_are_named_by_what_they_limit(original, spec):
    joint = spec.joint("ip_flexion_r")
    joint.range = [joint.range[0] + 0.2, joint.range[1]]
    (change,) = (c for c in changes_to(original, spec) if c.group == "range of motion")
    assert change.words.startswith("flexion limit")
    assert change.new - change.old == pytest.approx(-np.degrees(0.2))


def test_couplings_that_end(original, spec):
    spec.delete(spec.equality("md3_flexion_coupling_r"))
    (change,) = (c for c in changes_to(original, spec) if c.group == "couplings")
    assert change.words.startswith("no longer follows middle PIP flexion")


def test_bones_contacts_and_simulation(original, spec):
    geom = spec.geom("skin_distph2_r")
    geom.mass *= 1.5
    geom.friction[0] = 1.5
    spec.option.timestep = 0.004
    spec.option.gravity = [0, 0, -9.81]
    changes = changes_to(original, spec)
    by_word = {(change.group, change.words.split()[0]): change for change in changes}
    mass = by_word["inertia", "mass"]
    assert mass.part == "distal phalanx of the index finger"
    assert mass.new == pytest.approx(1.5 * mass.old)
    assert by_word["inertia", "moment"].new == pytest.approx(
        1.5 * by_word["inertia", "moment"].old, rel=1e-3
    )
    assert by_word["contacts", "friction"].part == "distal phalanx of the index finger"
    simulation = {change.part: change.words for change in changes if change.group == "simulation"}
    assert simulation == {
        "time step [s]": "0.002 -> 0.004",
        "gravity [m/s^2]": "0 0 0 -> 0 0 -9.81",
    }


def test_what_both_hands_share_is_told_once(original):
    left = specimen_of(hand_spec(Side.LEFT), Side.LEFT, "original")
    stronger = [specimen_of(hand_spec(side, strength_scale=1.3), side) for side in Side]
    (change,) = compare([original, left], stronger).changes
    assert change.sides == (Side.RIGHT, Side.LEFT)
    assert compare([original, left], stronger).as_json()["changes"][0]["sides"] == ["right", "left"]


def test_another_models_hand_is_compared_by_anatomy(original):
    difference = compare([original], open_specimens("myohand"))
    groups = difference.groups
    removed = {change.muscle for change in groups["muscles"]}
    assert {"ADPo", "APB"} <= removed
    assert not {"DI1", "LU1"} & removed, "MyoHand has them by other names"
    assert any(change.muscle == "DI1" for change in groups["moment arms"])
    gone = {c.joint for c in difference.changes if (c.group, c.words) == ("joints", "removed")}
    assert gone <= {"cmc4_flexion", "cmc5_flexion"}, "MyoHand's palm does not cup"


def test_nothing_to_compare(original):
    with pytest.raises(InvalidValue, match="hands"):
        compare([original], [])


def test_the_figure_shows_what_changed(original, spec):
    name = path_sites(original, MUSCLE)[-2]
    spec.site(name).pos = np.add(spec.site(name).pos, [0.0, 0.0, -0.002])
    actuator = spec.actuator("FDS3_r")
    actuator.gainprm[2] *= 0.5
    after = specimen_of(spec)
    difference = compare([original], [after])
    curves = arm_curves(original, after, difference.changes)
    assert curves[0].muscle == MUSCLE
    assert np.abs(curves[0].arms_before - curves[0].arms_after).max() > 0.5
    assert force_changes(original, after) == [("FDS3", pytest.approx(-50.0))]
    figure = difference.draw()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0] == MUSCLE
    assert titles[-1] == "Peak force"
    same = compare([original], [original])
    assert not same.draw().axes


def test_directions_do_not_depend_on_where_a_hand_is(original):
    upright = neutral_frame(original).axes
    assert upright == pytest.approx(np.eye(3), abs=1e-9)
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    with silence_mujoco():
        frame = spec.worldbody.add_frame(pos=[1, 2, 3], euler=[0.3, 1.2, -2.0])
        frame.attach_body(hand_spec(Side.RIGHT).body("humerus_r"), "", "")
        turned = specimen_of(spec)
    axes = neutral_frame(turned).axes
    root = neutral_frame(turned).data.body("humerus_r").xmat.reshape(3, 3)
    assert axes @ root == pytest.approx(upright, abs=1e-6)


def test_words():
    assert describe_joint("pm4_flexion") == "ring PIP flexion"
    assert describe_joint("cmc_flexion") == "thumb CMC flexion"
    assert describe_joint("cmc5_flexion") == "fifth metacarpal flexion"
    assert len({describe_joint(joint) for joint in HAND_JOINTS}) == len(HAND_JOINTS)
    assert describe_bone("2proxph") == "proximal phalanx of the index finger"
    assert (
        describe_bone("proxph2")
        == describe_bone("2proxph")
        == describe_bone(describe_bone("2proxph"))
    )
    assert describe_bone("midph5") == "middle phalanx of the little finger"
    assert describe_bone("distal_thumb") == "distal phalanx of the thumb"
    assert describe_bone("thirdmc") == "third metacarpal"
    assert describe_bone("capitate") == "capitate"
    assert describe_muscle("XYZ") == "XYZ"
    assert describe_arm("cmc_flexion", -0.0052) == "5.2 mm flexion"
    assert describe_change(10.0, 10.02, "N", 1) == "10.00 -> 10.02 N (+0.2 %)"
    assert describe_shift(np.array([0.0, -0.003, 0.0])) == "3.0 mm distal"


@given(
    st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=3).filter(
        lambda shift: np.linalg.norm(shift) > 1e-4
    )
)
def test_direction_words_give_the_length(shift):
    words = describe_shift(np.array(shift))
    assert float(words.split()[0]) == pytest.approx(1e3 * np.linalg.norm(shift), abs=0.051)
    assert any(
        word in words for word in ("radial", "ulnar", "proximal", "distal", "dorsal", "palmar")
    )


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        ((0.0, 0.0, -0.02), "palmar"),
        ((5.0, 0.1, 0.2), "radial"),
        ((-1.0, 0.0, 1.1), "dorsal and ulnar"),
        ((0.0, 0.0, 0.0), "nowhere"),
    ],
)
def test_directions_in_words_leave_small_components_out(vector, words):
    assert describe_direction(np.array(vector)) == words
