"""Penetration depths against postures whose depth is known."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.core.recording import Channel, RecordingError, RecordingWriter
from musclehand.piano.geometry import keyboard_geometry
from musclehand.sim.penetration import PenetrationMeter, measure_penetration
from musclehand.sim.scene import build_scene


@pytest.fixture(scope="module")
def scene():
    return build_scene()


def posture(scene, *, height, right_x=0.3, left_x=-0.3):
    """Hands with the index finger down; the right one's tip `height` [m] above a white key, the
    left one's in the air.

    The right index finger is over the front of a white key nearest to `right_x`, the left wrist at
    `left_x`.
    """
    model = scene.model
    data = mujoco.MjData(scene.model)
    (row,) = (row for row in scene.design.segments if row.body == "distph2")
    for side, x in ((Side.RIGHT, right_x), (Side.LEFT, left_x)):
        hand = scene.hands[side]
        forearm = scene.forearms[side]
        data.qpos[forearm.qpos[:3]] = [x, -0.13, 0.3]
        for name, angle in (
            ("mcp2", 0.6),
            ("pm2", 0.3),
            ("mcp3", -0.3),
            ("mcp4", -0.3),
            ("mcp5", -0.3),
        ):
            data.qpos[hand.qpos[HAND_JOINTS.index(f"{name}_flexion")]] = angle
    mujoco.mj_kinematics(model, data)
    geometry = keyboard_geometry(scene.piano)
    white = geometry.x[~geometry.black]
    target = np.array([white[np.abs(white - right_x).argmin()], 0.02, row.radius + height])
    right = scene.forearms[Side.RIGHT].qpos[:3]
    left = scene.forearms[Side.LEFT].qpos[:3]
    move = target - data.site_xpos[scene.hands[Side.RIGHT].tips[1]]
    data.qpos[right] += move
    data.qpos[left[1:]] = data.qpos[right[1:]] + [0.0, 0.05 - height]
    return data.qpos.copy()


def depths(scene, qpos):
    deepest = {}
    for kind, depth, _ in PenetrationMeter(scene).measure(qpos):
        deepest[kind] = max(depth, deepest.get(kind, 0.0))
    return deepest


@pytest.mark.parametrize("depth", [0.0005, 0.002, 0.004])
def test_a_fingertip_in_a_key_is_as_deep_as_it_was_put(scene, depth):
    deepest = depths(scene, posture(scene, height=-depth))
    assert deepest["keys"] == pytest.approx(depth, abs=1e-6)


def test_hands_in_the_air_touch_nothing(scene):
    assert depths(scene, posture(scene, height=0.03)).get("keys") is None


def test_a_hand_in_the_other_is_found_at_any_layer(scene):
    apart = depths(scene, posture(scene, height=0.05))
    together = depths(scene, posture(scene, height=0.05, right_x=0.0, left_x=0.02))
    assert "other hand" not in apart
    assert together["other hand"] > 0.003


def test_the_scene_is_not_changed(scene):
    before = scene.model.geom_contype.copy()
    PenetrationMeter(scene)
    assert (scene.model.geom_contype == before).all()


def write(path, scene, postures, names=None):
    names = names or tuple(scene.model.joint(i).name for i in range(scene.model.njnt))
    channels = {"time": Channel("s"), "qpos": Channel("rad or m", (len(names),), names, "f8")}
    with RecordingWriter(path, channels) as writer:
        for row, qpos in enumerate(postures):
            writer.append(time=0.1 * row, qpos=qpos[: len(names)])
    return path


def test_a_recording_is_summed_up(scene, tmp_path):
    postures = [posture(scene, height=height) for height in (0.03, -0.0005, -0.002, 0.03)]
    report = measure_penetration(write(tmp_path / "rec.h5", scene, postures))
    assert report.steps == 4
    assert report.keys.largest == pytest.approx(0.002, abs=1e-6)
    assert report.keys.time == pytest.approx(0.2)
    assert report.keys.share == 0.25
    assert report.keys.geoms is not None
    assert any("key/" in name for name in report.keys.geoms)
    assert report.other_hand == (0.0, None, None, 0.0)
    assert report.largest >= report.keys.largest


def test_another_model_is_refused(scene, tmp_path):
    names = tuple(scene.model.joint(i).name for i in range(scene.model.njnt))[:-1]
    path = write(tmp_path / "rec.h5", scene, [np.zeros(scene.model.nq)], names)
    with pytest.raises(RecordingError, match="another model"):
        measure_penetration(path)
