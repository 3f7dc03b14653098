"""Hands cut out of somebody's model move, weigh and pull as they did there."""

import json
import re
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.moment_arm import tendon_lengths
from musclehand.body.anatomy import HAND_JOINTS, PALM_JOINTS, Side
from musclehand.body.build.hand import add_muscles, hand_spec
from musclehand.body.build.hand_file import HandFile, add_tip_sites, read_hand
from musclehand.body.build.overlay import KEY_BIT
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import find_naming, own_naming
from musclehand.body.posture import place, sample_postures
from musclehand.core.errors import ModelError, UnknownName
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.sim.scene import build_scene


@pytest.fixture(scope="module")
def myohand():
    from myo_sim.build.compose import build_spec

    with silence_mujoco():
        spec = build_spec("myohand_r")
        model = spec.copy().compile()
    return HandFile("myohand", spec, find_naming(model)), model


@pytest.fixture(scope="module")
def alone(myohand):
    file, _ = myohand
    with silence_mujoco():
        return {side: file.hand_spec(side).compile() for side in Side}


def test_a_hand_cut_out_is_the_hand_it_was(myohand, alone):
    file, original = myohand
    model = alone[Side.RIGHT]
    before, after = (
        HandIndex.from_model(source, Side.RIGHT, file.naming) for source in (original, model)
    )
    assert after.muscle_names == before.muscle_names
    postures = sample_postures(before, before.limits(original), 20, np.random.default_rng(0))
    assert tendon_lengths(model, after, postures) == pytest.approx(
        tendon_lengths(original, before, postures), abs=1e-9
    )
    assert after.limits(model) == pytest.approx(before.limits(original))
    assert after.joints == tuple(joint for joint in HAND_JOINTS if joint not in PALM_JOINTS)
    assert_same_bodies(model, original)


def assert_same_bodies(model, original):
    for number in range(1, model.nbody):
        actual = model.body(number)
        expected = original.body(model.body(number).name)
        for part in ("mass", "inertia", "ipos", "iquat"):
            assert getattr(actual, part) == pytest.approx(
                getattr(expected, part), rel=1e-9, abs=1e-12
            ), (
                actual.name,
                part,
            )


def test_our_own_hand_goes_through_unchanged(right_hand):
    original, before = right_hand
    with silence_mujoco():
        model = HandFile("own", hand_spec(Side.RIGHT), own_naming()).hand_spec(Side.RIGHT).compile()
    after = HandIndex.from_model(model, Side.RIGHT)
    assert (after.joints, after.muscle_names) == (before.joints, before.muscle_names)
    assert after.expand == pytest.approx(before.expand)
    assert [model.body(i).name for i in range(model.nbody)] == [
        original.body(i).name for i in range(original.nbody)
    ]
    assert_same_bodies(model, original)
    postures = sample_postures(before, before.limits(original), 10, np.random.default_rng(3))
    assert tendon_lengths(model, after, postures) == pytest.approx(
        tendon_lengths(original, before, postures), abs=1e-9
    )
    for side in ("contype", "conaffinity"):  # it knows of keys already
        assert np.array_equal(getattr(model, f"geom_{side}"), getattr(original, f"geom_{side}"))


def test_nothing_else_comes_along_and_the_root_is_at_the_origin(alone):
    model = alone[Side.RIGHT]
    assert (model.nmesh, model.nu, model.nv) == (0, 39, 23)
    assert model.body(1).name == "humerus_r"
    assert model.body(1).pos == pytest.approx([0, 0, 0])
    assert model.body(1).quat == pytest.approx([1, 0, 0, 0])


def test_the_other_hand_is_the_mirror_image(myohand, alone):
    file, _ = myohand
    right, left = (HandIndex.from_model(alone[side], side, file.both) for side in Side)
    postures = sample_postures(right, right.limits(alone[Side.RIGHT]), 10, np.random.default_rng(1))
    lengths = tendon_lengths(alone[Side.RIGHT], right, postures)
    assert tendon_lengths(alone[Side.LEFT], left, postures) == pytest.approx(lengths, abs=1e-6)
    actual = mujoco.MjData(alone[Side.RIGHT])
    expected = mujoco.MjData(alone[Side.LEFT])
    for posture in postures:
        place(alone[Side.RIGHT], actual, right, posture)
        place(alone[Side.LEFT], expected, left, posture)
        assert expected.xipos == pytest.approx(actual.xipos * [1, 1, -1], abs=1e-6)
        assert expected.geom_xpos == pytest.approx(actual.geom_xpos * [1, 1, -1], abs=1e-6)
    assert alone[Side.LEFT].body_mass == pytest.approx(alone[Side.RIGHT].body_mass, rel=1e-5)


def test_geoms_that_touch_feel_keys(alone):
    model = alone[Side.RIGHT]
    touching = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
    assert touching.any()
    assert ((model.geom_conaffinity[touching] & KEY_BIT) != 0).all()


def test_our_hand_from_its_own_xml_plays_in_the_same_scene(tmp_path):
    with silence_mujoco():
        spec = hand_spec(Side.RIGHT)
        spec.compile()
        (tmp_path / "hand.xml").write_text(spec.to_xml())
    scene = build_scene(design=read_hand(tmp_path / "hand.xml"))
    usual = build_scene()
    assert scene.model.nu == usual.model.nu
    for side in Side:
        actual = scene.hands[side]
        expected = usual.hands[side]
        assert actual.muscle_names == expected.muscle_names
        assert actual.expand == pytest.approx(expected.expand, abs=1e-5)
        postures = sample_postures(
            expected, expected.limits(usual.model), 5, np.random.default_rng(4)
        )
        lengths = tendon_lengths(usual.model, expected, postures)
        assert tendon_lengths(scene.model, actual, postures) == pytest.approx(lengths, abs=1e-6)


def test_strength_scales_what_is_attached():
    file = HandFile("own", hand_spec(Side.RIGHT), own_naming())
    forces = []
    for scale in (1.0, 0.5):
        spec = mujoco.MjSpec()
        spec.compiler.degree = False
        file.attach(spec.worldbody.add_frame(), Side.RIGHT, strength_scale=scale)
        with silence_mujoco():
            forces.append(spec.compile().actuator_gainprm[:, 2])
    assert forces[1] == pytest.approx(0.5 * forces[0])


def test_muscles_of_ours_go_on_another_hand(myohand):
    file, _ = myohand
    with silence_mujoco():
        spec = file.spec.copy()
        add_muscles(spec, Side.RIGHT, ("APB", "SUP"))
        model = spec.compile()
    hand = HandIndex.from_model(model, Side.RIGHT, file.naming)
    ours = hand_spec(Side.RIGHT).compile()
    index = HandIndex.from_model(ours, Side.RIGHT)
    postures = sample_postures(index, index.limits(ours), 10, np.random.default_rng(2))
    is_shared = np.isin(index.joints, hand.joints)
    postures[:, ~is_shared] = 0.0
    for muscle in ("APB", "SUP"):
        actual = tendon_lengths(model, hand, postures[:, is_shared])[
            :, hand.muscle_names.index(muscle)
        ]
        expected = tendon_lengths(ours, index, postures)[:, index.muscle_names.index(muscle)]
        assert actual == pytest.approx(expected, abs=1e-9)
    with pytest.raises(UnknownName, match="APL9"):
        add_muscles(spec, Side.RIGHT, ("APL9",))


def test_tips_that_are_bodies_become_sites():
    spec = hand_spec(Side.RIGHT)
    spec.body("distph2_r").add_body(name="IFtip_r", pos=[0, -0.015, 0])
    naming = own_naming()
    changed = replace(naming, left=None, tips={**naming.tips, "index": "IFtip"})
    add_tip_sites(spec, changed)
    model = spec.compile()
    assert model.site(HandIndex.from_model(model, Side.RIGHT, changed).tips[1]).name == "IFtip_r"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pm2_flexion": "-pm2_flexion"}, "reverses pm2_flexion"),
        ({"pro_sup": "gone"}, "lacks pro_sup"),
    ],
)
def test_hands_that_can_only_be_checked_say_so(tmp_path, change, message):
    own = own_naming()
    entries = {
        "name": "x",
        "right": "{}_r",
        "left": None,
        "joints": {**own.joints, **change},
        "muscles": {},
    }
    (tmp_path / "map.json").write_text(json.dumps({**entries, "tips": dict(own.tips)}))
    with silence_mujoco():
        spec = hand_spec(Side.RIGHT)
        spec.compile()
        (tmp_path / "hand.xml").write_text(spec.to_xml())
    file = read_hand(tmp_path / "hand.xml", naming=tmp_path / "map.json")
    with pytest.raises(ModelError, match=f"{message}: it can be checked, not played"):
        file.hand_spec(Side.RIGHT)


def test_a_hand_that_points_elsewhere_is_refused():
    """The same hand with every first-level part turned by 90 degrees about z: its fingers point
    along x."""
    spec = hand_spec(Side.RIGHT)
    turn = [np.sqrt(0.5), 0, 0, np.sqrt(0.5)]
    for body in spec.body("humerus_r").bodies:
        x, y, z = body.pos
        body.pos = [-y, x, z]
        body.quat = turn
    with pytest.raises(ModelError, match="fingers do not point along -y"):
        HandFile("turned", spec, own_naming()).hand_spec(Side.RIGHT)


def test_a_hand_whose_muscles_lack_the_suffix_has_a_left_one(tmp_path):
    """Our right hand with muscles without "_r", and its mirror image."""
    with silence_mujoco():
        spec = hand_spec(Side.RIGHT)
        spec.compile()
        text = re.sub(r'(<general name="[^"]*)_r"', r'\1"', spec.to_xml())
    (tmp_path / "hand.xml").write_text(text)
    file = read_hand(tmp_path / "hand.xml")
    models = {side: file.hand_spec(side).compile() for side in Side}
    hands = {side: HandIndex.from_model(models[side], side, file.both) for side in Side}
    right, left = hands[Side.RIGHT], hands[Side.LEFT]
    assert left.muscle_names == right.muscle_names
    assert {"FDP2", "ADPt"} <= set(left.muscle_names)
    assert left.joints == right.joints == HAND_JOINTS
    postures = sample_postures(right, right.limits(models[Side.RIGHT]), 5, np.random.default_rng(6))
    lengths = [tendon_lengths(models[side], hands[side], postures) for side in Side]
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-9)
