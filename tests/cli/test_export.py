"""`musclehand export` as a user meets it."""

import mujoco
import numpy as np
import pytest

from musclehand.body.build.scaling import HAND_LENGTH
from musclehand.cli import main


@pytest.fixture
def export(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder; its exit code, and what it says on stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(["export", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_hand_is_written(export, tmp_path):
    code, out, err = export("hand.xml")
    assert (code, err) == (0, "")
    assert "hand.xml" in out
    assert [path.name for path in tmp_path.iterdir()] == ["hand.xml"]
    model = mujoco.MjModel.from_xml_path("hand.xml")
    assert model.joint("mcp2_flexion_r").id >= 0
    assert (model.nkey, model.nu) == (1, 46)


def test_it_is_the_hand_that_comes_along(export, capsys):
    assert export("hand.xml", "--side", "left")[0] == 0
    assert main(["diff", "musclehand", "hand.xml", "--side", "left"]) == 0
    out = capsys.readouterr().out
    assert "Muscles" not in out
    assert "Moment arms" not in out
    assert "Range of motion" not in out


def test_both_hands_and_their_bones(export, tmp_path):
    code, out, _ = export("sub/hands.xml", "--side", "both", "--bones")
    assert code == 0
    assert "meshes" in out
    model = mujoco.MjModel.from_xml_path("sub/hands.xml")
    assert model.nu == 92
    assert model.nmesh > 40


def test_the_scene_of_a_performance(export, scene):
    assert export("scene.xml", "--piano")[0] == 0
    model = mujoco.MjModel.from_xml_path("scene.xml")
    assert (model.nq, model.nu) == (scene.model.nq, scene.model.nu)
    names = [scene.model.joint(i).name for i in range(model.njnt)]
    order = [model.joint(name).id for name in names]
    assert sorted(order) == list(range(model.njnt))
    assert np.allclose(model.jnt_stiffness[order], scene.model.jnt_stiffness, rtol=1e-5)
    assert np.allclose(np.sort(model.body_mass), np.sort(scene.model.body_mass), rtol=1e-5)
    assert model.opt.jacobian == scene.model.opt.jacobian
    assert model.opt.timestep == scene.model.opt.timestep
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    mujoco.mj_forward(model, data)
    assert (data.contact.dist > 0).all(), "nothing touches"
    before = data.joint("forearm_x_r").qpos[0], data.joint("forearm_z_l").qpos[0]
    mujoco.mj_step(model, data, 250)
    assert np.isfinite(data.qpos).all()
    after = data.joint("forearm_x_r").qpos[0], data.joint("forearm_z_l").qpos[0]
    assert np.allclose(before, after, atol=0.005), "the servos hold the forearms"


def test_a_hand_of_another_person(export):
    assert export("hand.xml")[0] == 0
    assert export("other.xml", "--hand-length", "200", "--strength", "2")[0] == 0
    usual, large = (mujoco.MjModel.from_xml_path(name) for name in ("hand.xml", "other.xml"))
    reach = []
    for model in (usual, large):
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        reach.append(data.site("tip_middle_r").xpos[1] - data.joint("flexion_r").xanchor[1])
    assert reach[1] / reach[0] == pytest.approx(0.2 / HAND_LENGTH, rel=1e-3)
    assert large.actuator("FDP2_r").gainprm[2] == pytest.approx(
        2 * usual.actuator("FDP2_r").gainprm[2], rel=1e-5
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["mine.xml"], "mine.xml: it exists; --force"),
        (["hand.txt"], ".xml"),
        (["hand.xml", "--side", "up"], "left, right, both"),
        (["hand.xml", "--hand-length", "20"], "0.13"),
        (["hand.xml", "--hand-breadth", "nan"], "0.055"),
        (["hand.xml", "--strength", "0"], "above 0"),
        (["mine.xml/hand.xml"], "cannot write"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(export, tmp_path, words, says):
    (tmp_path / "mine.xml").write_text("mine")
    code, out, err = export(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.xml"]
    assert (tmp_path / "mine.xml").read_text() == "mine"


def test_force_writes_over(export, tmp_path):
    (tmp_path / "hand.xml").write_text("mine")
    assert export("hand.xml", "--force")[0] == 0
    assert "<mujoco" in (tmp_path / "hand.xml").read_text()
