"""The viewer without a browser: what it shows follows its controls, and it is served."""

import socket
import urllib.request

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.moment_arm import moment_arms
from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.posture import PLAYING_POSTURE_DEG, REST_DEG
from musclehand.cli import main
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.geom_shape import geom_shape
from musclehand.validation.specimen import open_specimens
from musclehand.view.state import ACTIVE_COLOUR, SILENT_COLOUR, HandState


@pytest.fixture(scope="module")
def specimen():
    return open_specimens("musclehand", side="right")[0]


@pytest.fixture
def state(specimen):
    return HandState(specimen)


@pytest.fixture
def page(specimen):
    pytest.importorskip("viser")
    from musclehand.view.app import HandPage

    page = HandPage(specimen, port=0)
    yield page
    page.stop()


def test_it_begins_at_rest_and_takes_postures(state):
    flexion = state.hand.joints.index("mcp2_flexion")
    assert np.degrees(state.angles[flexion]) == pytest.approx(REST_DEG["mcp2_flexion"])
    state.set_posture("neutral")
    assert state.angles == pytest.approx(np.clip(0.0, *state.limits.T))
    with pytest.raises(UnknownName, match="posture"):
        state.set_posture("fist")


def test_joints_keep_their_limits_and_take_followers_along(state):
    state.set_joint("pm2_flexion", 9.0)
    angles = dict(zip(state.hand.joints, state.angles, strict=True))
    upper = state.limits[state.hand.joints.index("pm2_flexion"), 1]
    assert angles["pm2_flexion"] == pytest.approx(upper)
    assert angles["md2_flexion"] == pytest.approx(2 / 3 * upper)
    with pytest.raises(UnknownName, match="joint"):
        state.set_joint("elbow", 0.0)


def test_tendon_lines_are_as_long_as_tendons(state):
    """But for the pieces around surfaces, which are straight here; a muscle's pieces are those
    it colours."""
    model = state.model
    hand = state.hand
    data = mujoco.MjData(model)
    hand.pose(data, state.angles)
    mujoco.mj_forward(model, data)
    silent = state.tendon_lines()
    compared = 0
    for muscle, tendon in zip(hand.muscle_names, hand.tendons, strict=True):
        wraps = slice(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
        if mujoco.mjtWrap.mjWRAP_PULLEY in model.wrap_type[wraps]:
            continue  # branches count less than once
        state.set_excitation(muscle, 1.0)
        own = (state.tendon_lines().colours != silent.colours).any(axis=(1, 2))
        state.set_excitation(muscle, 0.0)
        total = np.linalg.norm(np.diff(silent.points[own], axis=1), axis=-1).sum()
        assert 0.97 * data.ten_length[tendon] < total <= data.ten_length[tendon] + 1e-6, muscle
        compared += 1
    assert compared > 15


def test_tendons_show_the_activation_of_their_muscle(state):
    silent = state.tendon_lines().colours
    assert (silent == SILENT_COLOUR.astype(np.uint8)).all()
    state.set_excitation("FDP2", 1.0)
    changed = state.tendon_lines().colours
    active = (changed != silent).any(axis=(1, 2))
    assert 0 < active.sum() < len(active) / 5
    assert (changed[active] == ACTIVE_COLOUR.astype(np.uint8)).all()
    with pytest.raises(InvalidValue, match="excitation"):
        state.set_excitation("FDP2", 1.2)
    with pytest.raises(UnknownName, match="muscle"):
        state.set_excitation("FDP9", 0.5)


def test_simulated_muscles_move_their_joints(state):
    before = state.angles[state.hand.joints.index("pm2_flexion")]
    for muscle in ("FDP2", "FDS2"):
        state.set_excitation(muscle, 0.6, simulated=True)
    assert state.activations.max() == 0.0
    assert state.advance(0.3)
    assert state.activations.max() > 0.5
    assert state.angles[state.hand.joints.index("pm2_flexion")] > before + 0.2


def test_an_unstable_simulation_is_told_and_ended(specimen):
    model = load_hand(Side.RIGHT)
    model.opt.timestep = 0.5
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
    state = HandState(type(specimen)("wild", model, specimen.hand, specimen.naming))
    for muscle in state.hand.muscle_names[::2]:
        state.set_excitation(muscle, 1.0, simulated=True)
    assert not all(state.advance(5.0) for _ in range(4))
    assert np.isfinite(state.angles).all()


def test_arms_of_a_muscle(state):
    table = state.arm_table("FDP2")
    arms = moment_arms(state.model, state.hand, state.angles[None])[0]
    number = state.hand.muscle_names.index("FDP2")
    for joint, arm in table:
        assert arm == pytest.approx(arms[number, state.hand.joints.index(joint)])
    assert [abs(arm) for _, arm in table] == sorted((abs(arm) for _, arm in table), reverse=True)
    assert not {"mcp4_flexion", "ip_flexion"} & {joint for joint, _ in table}
    curve = state.arm_curve("FDP2", "mcp2_flexion")
    angle = state.angles[state.hand.joints.index("mcp2_flexion")]
    at = arms[number, state.hand.joints.index("mcp2_flexion")]
    assert np.interp(angle, curve.angles, curve.arms) == pytest.approx(at, abs=5e-5)


def test_facts_of_muscles(state):
    facts = {fact.muscle: fact for fact in state.muscles()}
    assert set(facts) == set(state.hand.muscle_names)
    assert facts["FDP2"].name == "flexor digitorum profundus (index)"
    gain = state.model.actuator("FDP2_r").gainprm
    assert facts["FDP2"].f0 == gain[2]


def test_shapes_have_the_size_of_their_geoms():
    kinds = {
        "sphere": "0.1",
        "capsule": "0.1 0.3",
        "cylinder": "0.1 0.3",
        "ellipsoid": "0.1 0.2 0.3",
        "box": ".1 .2 .3",
    }
    geoms = "".join(f"<geom type='{kind}' size='{size}'/>" for kind, size in kinds.items())
    model = mujoco.MjModel.from_xml_string(
        f"<mujoco><worldbody>{geoms}<geom type='plane' size='1 1 1'/></worldbody></mujoco>"
    )
    extents = {"sphere": [0.1] * 3, "capsule": [0.1, 0.1, 0.4], "cylinder": [0.1, 0.1, 0.3]}
    for geom, kind in enumerate(kinds):
        shape = geom_shape(model, geom)
        expected = extents.get(kind, [0.1, 0.2, 0.3])
        assert shape.vertices.max(axis=0) == pytest.approx(expected, rel=0.02)
        assert -shape.vertices.min(axis=0) == pytest.approx(expected, rel=0.02)
        # Outward faces enclose the volume (divergence theorem).
        corners = shape.vertices[shape.faces]
        volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        true = {
            "sphere": 4 / 3 * np.pi * 1e-3,
            "capsule": 4 / 3 * np.pi * 1e-3 + np.pi * 0.01 * 0.6,
            "cylinder": np.pi * 0.01 * 0.6,
            "ellipsoid": 4 / 3 * np.pi * 6e-3,
            "box": 8 * 6e-3,
        }[kind]
        assert volume == pytest.approx(true, rel=0.06)
    assert geom_shape(model, len(kinds)) is None


def test_the_page_is_served(page):
    with urllib.request.urlopen(page.url, timeout=10) as answer:
        assert answer.status == 200
        assert b"<html" in answer.read().lower()


def test_moving_a_slider_moves_bones_and_tendons(page):
    before = page._tendons.points.copy()
    bones = [frame.wxyz.copy() for frame in page._frames]
    page.on_joint("mcp2_flexion", 80.0)
    assert np.abs(page._tendons.points - before).max() > 0.005
    assert (
        sum(
            np.abs(frame.wxyz - old).max() > 1e-3
            for frame, old in zip(page._frames, bones, strict=True)
        )
        == 3
    )
    assert page._joint_sliders["mcp2_flexion"].value == 80.0
    assert set(page._joint_sliders) == {HAND_JOINTS[i] for i in page.state.hand.independent}


def test_buttons_excitation_and_simulation(page):
    page.on_posture("playing")
    assert page._joint_sliders["pm3_flexion"].value == PLAYING_POSTURE_DEG["pm3_flexion"]
    colours = page._tendons.colors.copy()
    page.on_excitation("FDP3", 0.9)
    assert (page._tendons.colors != colours).any()
    page.on_simulate(True)
    for _ in range(10):
        page.advance(1 / 30)
    assert page._joint_sliders["pm3_flexion"].value > 45.0
    page.on_simulate(False)
    still = page.state.angles
    page.advance(1.0)
    assert page.state.angles == pytest.approx(still)
    page.on_silence()
    assert not page.state.activations.any()


def test_moment_arms_on_the_page(page):
    page._muscle.value = "EPL"
    page._joint.value = "thumb IP flexion"
    page.on_arms()
    assert "extensor pollicis longus" in page._arm_table.content
    assert "| thumb IP flexion |" in page._arm_table.content
    assert "extension" in page._arm_table.content
    x, y = page._arm_plot.data
    assert len(x) == len(y) > 30
    assert (y > 0).all(), "EPL extends the thumb everywhere"


def test_a_port_that_is_taken_is_one_line(specimen, capsys):
    pytest.importorskip("viser")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main(["view", "musclehand", "--port", str(port)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert str(port) in captured.err
    assert main(["view", "--port", "70000"]) == 2


def test_without_viser_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "viser", None)
    assert main(["view", "musclehand", "--port", "0"]) == 2
    assert "pip install 'musclehand[view]'" in capsys.readouterr().err
