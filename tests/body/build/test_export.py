"""Hands written as MJCF: the same hand comes back, wherever the file goes and whoever opens it."""

import os
import re
import shutil
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import DIP_PER_PIP, HAND_JOINTS, Side
from musclehand.body.build.export import (
    ASSETS,
    EXACT_MUJOCO,
    LEAST_MUJOCO,
    REST,
    export_model,
    hands_spec,
    rest_angles,
)
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import find_naming
from musclehand.core.errors import OutputError
from musclehand.core.time_steps import SIM_DT

BOTH = (Side.RIGHT, Side.LEFT)


@pytest.fixture(scope="module")
def hands(tmp_path_factory, tables):
    """The spec of two hands, and the file that it was written to."""
    spec = hands_spec(BOTH)
    path = tmp_path_factory.mktemp("export") / "hands.xml"
    assert export_model(path, spec, title="Two hands", keyframe=rest_angles(tables, BOTH)) == (
        path,
    )
    return spec, path


@pytest.fixture(scope="module")
def written(hands):
    return mujoco.MjModel.from_xml_path(str(hands[1]))


def moments(model, data):
    dense = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(
        dense, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
    )
    return dense


def test_paths_arms_and_forces_are_those_of_the_hand(hands, written):
    models = [hands[0].compile(), written]
    assert [models[0].joint(i).name for i in range(written.njnt)] == [
        written.joint(i).name for i in range(written.njnt)
    ]
    datas = [mujoco.MjData(model) for model in models]
    rng = np.random.default_rng(0)
    low, high = written.jnt_range.T
    for _ in range(40):
        qpos = low + rng.random(written.nq) * (high - low)
        act = rng.random(written.na)
        for model, data in zip(models, datas, strict=True):
            data.qpos[:], data.act[:] = qpos, act
            mujoco.mj_forward(model, data)
        original, exported = datas
        assert np.abs(original.ten_length - exported.ten_length).max() < 1e-6
        assert np.abs(moments(models[0], original) - moments(models[1], exported)).max() < 1e-6
        assert np.abs(original.actuator_force - exported.actuator_force).max() < 0.05
        assert np.abs(original.xpos - exported.xpos).max() < 1e-6


def test_every_number_of_a_muscle_comes_back(hands, written):
    model = hands[0].compile()
    for name in (
        "gainprm",
        "biasprm",
        "dynprm",
        "lengthrange",
        "ctrlrange",
        "ctrllimited",
        "trnid",
        "dyntype",
    ):
        original = getattr(model, f"actuator_{name}")
        exported = getattr(written, f"actuator_{name}")
        assert np.allclose(original, exported, rtol=1e-5, atol=1e-9), name


def test_it_is_simulated_as_the_player_does_it(written):
    assert written.opt.timestep == SIM_DT
    assert written.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert written.opt.gravity[2] == pytest.approx(-9.81)


def test_its_names_are_known(written):
    naming = find_naming(written)
    assert set(naming.sides(written)) == set(BOTH)
    for side in BOTH:
        hand = HandIndex.from_model(written, side, naming)
        assert hand.joints == HAND_JOINTS


def test_palms_are_down_and_thumbs_inside(written):
    data = mujoco.MjData(written)
    mujoco.mj_kinematics(written, data)
    right, left = (data.joint(side.name_of("mcp3_flexion")).xanchor for side in BOTH)
    thumbs = [data.joint(side.name_of("ip_flexion")).xanchor for side in BOTH]
    assert np.allclose(right * [-1, 1, 1], left, atol=1e-5), "mirror images"
    assert right[0] > thumbs[0][0] > thumbs[1][0] > left[0]
    assert right[1] > 0.2, "fingers point forward"
    bend = mujoco.MjData(written)
    for side in BOTH:
        bend.joint(side.name_of("mcp3_flexion")).qpos = 0.5
    mujoco.mj_kinematics(written, bend)
    for side in BOTH:
        joint = side.name_of("md3_flexion")
        assert bend.joint(joint).xanchor[2] < data.joint(joint).xanchor[2], "flexion goes down"


def test_the_keyframe_is_the_hand_at_ease(written, tables):
    data = mujoco.MjData(written)
    mujoco.mj_resetDataKeyframe(written, data, written.key(REST).id)
    assert data.joint("mcp2_flexion_r").qpos[0] == data.joint("mcp2_flexion_l").qpos[0] > 0.3
    assert data.joint("md3_flexion_l").qpos[0] == pytest.approx(
        DIP_PER_PIP * data.joint("pm3_flexion_l").qpos[0], rel=1e-5
    )
    mujoco.mj_forward(written, data)
    assert (data.contact.dist > 0).all(), "within the margin, but not touching"
    mujoco.mj_step(written, data, 250)
    assert np.isfinite(data.qpos).all()
    assert not any(warning.number for warning in data.warning)


def test_servos_hold_what_they_move(tmp_path):
    spec = mujoco.MjSpec.from_string(
        '<mujoco><worldbody><body><joint name="slide" type="slide"/><geom size=".1"/></body>'
        "</worldbody>"
        '<actuator><position name="servo" joint="slide" kp="10"/></actuator></mujoco>'
    )
    export_model(tmp_path / "servo.xml", spec, title="A servo", keyframe={"slide": 0.25})
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "servo.xml"))
    assert model.key_qpos[0] == model.key_ctrl[0] == 0.25


def test_servos_are_written_as_old_versions_of_mujoco_read_them(tmp_path):
    """MuJoCo 4.0 writes <general input="pos">, which versions before 3.17 refuse."""
    spec = mujoco.MjSpec.from_string(
        '<mujoco><worldbody><body><joint name="slide" type="slide"/><geom size=".1"/></body>'
        '</worldbody><actuator><position name="servo" joint="slide" kp="10" kv="2" '
        'forcerange="-3 3"/><general name="odd" joint="slide" biastype="affine" gainprm="4" '
        'biasprm="1 -4 -2"/></actuator></mujoco>'
    )
    export_model(tmp_path / "servo.xml", spec, title="A servo")
    text = (tmp_path / "servo.xml").read_text()
    assert '<position name="servo" joint="slide"' in text
    assert "input=" not in text.split("odd")[0]
    before, after = spec.compile(), mujoco.MjModel.from_xml_path(str(tmp_path / "servo.xml"))
    for name in dir(before):
        if name.startswith("actuator_"):
            assert np.array_equal(getattr(before, name), getattr(after, name)), name


def test_a_muscle_is_changed_by_hand(hands, tmp_path):
    text, count = re.subn(
        r'(<muscle name="FDP2_r".*?force=)"[^"]*"', r'\1"123"', hands[1].read_text()
    )
    assert count == 1
    (tmp_path / "mine.xml").write_text(text)
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "mine.xml"))
    assert model.actuator("FDP2_r").gainprm[2] == model.actuator("FDP2_r").biasprm[2] == 123
    assert model.actuator("FDP3_r").gainprm[2] != 123
    assert "gainprm" not in text


def test_the_head_explains_the_file(hands):
    head = hands[1].read_text().split("-->")[0]
    for word in (
        "Two hands",
        "force",
        "lengthrange",
        "Apache",
        "MyoSim",
        "musclehand validate hands.xml",
        "rad",
        f"MuJoCo {LEAST_MUJOCO} or later opens the file",
        f"with {EXACT_MUJOCO} or later",
    ):
        assert word in head


def test_the_least_version_of_mujoco_is_that_of_springs_with_a_cubic_term(hands):
    """Up to 3.6 a stiffness is one number; 3.7 to 4.0 take three, which are the only such ones."""
    tree = ElementTree.fromstring(hands[1].read_text())
    lengths = {len(joint.get("stiffness", "0").split()) for joint in tree.iter("joint")}
    assert max(lengths) == 3
    assert not any("input" in actuator.attrib for actuator in tree.iterfind("actuator/*"))


@pytest.mark.parametrize("name", ["my--hand---.xml", "wei\udcffrd\x01.xml", "ä b&<'.xml"])
def test_files_may_be_called_anything(tmp_path, name):
    path = tmp_path / name
    spec = mujoco.MjSpec.from_string("<mujoco><worldbody/></mujoco>")
    export_model(path, spec, title="Nothing")
    assert mujoco.MjModel.from_xml_string(path.read_text()).nbody == 1


def test_bones_go_along_and_move_with_the_file(tmp_path, tables):
    path = tmp_path / "made" / "here" / "hand.xml"
    files = export_model(
        path,
        hands_spec((Side.LEFT,), bones=True),
        title="A hand",
        keyframe=rest_angles(tables, [Side.LEFT]),
    )
    assert files[0] == path
    assert len(files) > 20
    assert {file.parent for file in files[1:]} == {path.parent / ASSETS}
    assert str(tmp_path) not in path.read_text()
    assert 'file="/' not in path.read_text()
    shutil.move(tmp_path / "made", tmp_path / "moved")
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "moved" / "here" / "hand.xml"))
    assert model.nmesh == len(files) - 1
    built = hands_spec((Side.LEFT,), bones=True).compile()
    assert np.allclose(model.mesh_vert, built.mesh_vert, atol=1e-6)
    assert np.allclose(model.geom_pos, built.geom_pos, atol=1e-6)


def test_nothing_is_overwritten_unasked(tmp_path):
    spec = mujoco.MjSpec.from_string("<mujoco><worldbody/></mujoco>")
    path = tmp_path / "hand.xml"
    path.write_text("mine")
    with pytest.raises(OutputError, match="--force"):
        export_model(path, spec, title="Nothing")
    assert path.read_text() == "mine"
    export_model(path, spec, title="Nothing", force=True)
    assert "<mujoco" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_another_persons_meshes_are_not_overwritten(tmp_path):
    (tmp_path / ASSETS).mkdir()
    (tmp_path / ASSETS / "ulna.stl").write_text("mine")
    with pytest.raises(OutputError, match="another file"):
        export_model(tmp_path / "hand.xml", hands_spec((Side.RIGHT,), bones=True), title="A hand")
    assert (tmp_path / ASSETS / "ulna.stl").read_text() == "mine"
    assert not (tmp_path / "hand.xml").exists()


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    spec = mujoco.MjSpec.from_string("<mujoco><worldbody/></mujoco>")
    path = tmp_path / "hand.xml"
    path.write_text("before")

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        export_model(path, spec, title="Nothing", force=True)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name", ["hand", "hand.mjcf", "hand.XML", "folder.xml", "file/hand.xml", f"{'x' * 300}.xml"]
)
def test_places_that_cannot_be_written(tmp_path, name):
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "file").write_text("")
    spec = mujoco.MjSpec.from_string("<mujoco><worldbody/></mujoco>")
    with pytest.raises(OutputError) as caught:
        export_model(tmp_path / name, spec, title="Nothing")
    assert "\n" not in str(caught.value)


def test_myosuite_opens_it(hands, written):
    builder = pytest.importorskip("myosuite.core.model_builder")
    model, _ = builder.ModelBuilder.from_xml_file(hands[1]).build()
    assert (model.nq, model.nu) == (written.nq, written.nu)
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, 20)
    assert np.isfinite(data.qpos).all()
