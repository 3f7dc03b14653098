"""The scene: hands and forearm bases in place, quiet at rest, and as strong as they say."""

import dataclasses

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import FOREARM_AXES, HAND_JOINTS, Side
from musclehand.body.posture import PLAYING_POSTURE_DEG
from musclehand.core.errors import InvalidValue
from musclehand.core.time_steps import SIM_DT
from musclehand.motion.playing_hand import WRIST_DEPTH, WRIST_HEIGHT
from musclehand.piano.geometry import load_piano_parameters
from musclehand.sim.scene import (
    ForearmParameters,
    build_scene,
    forearm_joint,
    hand_to_world,
)

POSTURE = np.deg2rad([PLAYING_POSTURE_DEG.get(name, 0.0) for name in HAND_JOINTS])


def placed(scene, *, x=0.25, posture=POSTURE):
    """Both hands in a posture, `x` to the right and left of the middle; positions computed."""
    data = mujoco.MjData(scene.model)
    for side, hand in scene.hands.items():
        data.qpos[hand.qpos] = posture
        data.qpos[scene.forearms[side].qpos[:3]] = [side.mirror * x, WRIST_DEPTH, WRIST_HEIGHT]
    mujoco.mj_kinematics(scene.model, data)
    return data


def test_sides_are_those_asked_for(scene):
    assert tuple(scene.hands) == tuple(scene.forearms) == tuple(Side)
    assert scene.model.opt.timestep == SIM_DT
    assert scene.model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert scene.model.nu == scene.model.na + 2 * len(FOREARM_AXES)
    alone = build_scene(sides=())
    assert alone.model.nu == 0
    assert not alone.hands
    left = build_scene(sides=(Side.LEFT,))
    assert tuple(left.hands) == (Side.LEFT,)


def test_the_neutral_wrist_is_where_the_forearm_base_is(scene):
    data = placed(scene, posture=0.0)
    for side in Side:
        wrist = data.xpos[scene.model.body(side.name_of("lunate")).id]
        assert wrist == pytest.approx([side.mirror * 0.25, WRIST_DEPTH, WRIST_HEIGHT], abs=1e-9)


def test_palms_are_down_and_thumbs_point_inwards(scene):
    data = placed(scene)
    for side, hand in scene.hands.items():
        tips = data.site_xpos[hand.tips]
        assert (tips[:, 1] > WRIST_DEPTH + 0.05).all()
        assert (side.mirror * np.diff(tips[:, 0]) > 0).all()
        assert np.linalg.det(hand_to_world(side)) == pytest.approx(1)
    right, left = (data.site_xpos[scene.hands[side].tips] for side in Side)
    assert left == pytest.approx(right * [-1, 1, 1], abs=1e-9)


def test_forearm_bases_hold_the_weight_of_the_arm_within_their_bounds(scene):
    """Servos at their set point sag by weight / stiffness, which is what the controller feeds
    forward."""
    data = placed(scene)
    model = scene.model
    for side in Side:
        data.ctrl[scene.forearms[side].actuators[:3]] = [
            side.mirror * 0.25,
            WRIST_DEPTH,
            WRIST_HEIGHT + 0.1,
        ]
        data.qpos[scene.forearms[side].qpos[2]] += 0.1  # clear of the keys
    for _ in range(500):
        mujoco.mj_step(model, data)
    for side in Side:
        forearm = scene.forearms[side]
        offset = data.qpos[forearm.qpos] - data.ctrl[forearm.actuators]
        assert np.abs(offset[:3]).max() < 2e-3
        assert np.abs(offset[3:]).max() < np.deg2rad(2)
        assert offset[2] < 0


def test_servo_forces_are_bounded(scene):
    bounds = ForearmParameters().bound
    data = placed(scene)
    data.ctrl[:] = 0
    for side in Side:
        data.ctrl[scene.forearms[side].actuators] = 100.0
    mujoco.mj_forward(scene.model, data)
    for side in Side:
        force = data.actuator_force[scene.forearms[side].actuators]
        assert force == pytest.approx(np.repeat(bounds, 3))
        joints = [scene.model.joint(forearm_joint(side, axis)).qposadr[0] for axis in FOREARM_AXES]
        assert joints == scene.forearms[side].qpos.tolist()


def test_nothing_passes_through_anything_in_the_starting_posture(scene):
    data = placed(scene)
    mujoco.mj_forward(scene.model, data)
    assert all(contact.dist > -1e-3 for contact in data.contact[: data.ncon])


def test_a_finger_pushed_into_a_key_presses_it(scene):
    """Contacts are on: a hand lowered onto the keyboard takes keys down, and palms and digits
    are stopped by it."""
    data = placed(scene)
    for side in Side:
        forearm = scene.forearms[side]
        data.ctrl[forearm.actuators[:3]] = [side.mirror * 0.25, WRIST_DEPTH, WRIST_HEIGHT - 0.015]
    for _ in range(250):
        mujoco.mj_step(scene.model, data)
    assert data.qpos[scene.keys.qpos].max() > 0.01
    assert data.ncon > 0


def test_resting_keys_cost_no_constraints():
    scene = build_scene(sides=())
    data = mujoco.MjData(scene.model)
    for _ in range(50):
        mujoco.mj_step(scene.model, data)
    assert data.nefc == 0


def test_pictures_are_of_the_same_scene(scene):
    pictured = build_scene(visual=True).model
    model = scene.model
    assert pictured.nmesh > 0
    for name in ("nq", "nv", "nu", "na", "ntendon", "neq"):
        assert getattr(pictured, name) == getattr(model, name), name
    assert [pictured.joint(i).name for i in range(pictured.njnt)] == [
        model.joint(i).name for i in range(model.njnt)
    ]
    assert pictured.body_mass.sum() == pytest.approx(model.body_mass.sum())


def test_other_parameters_are_taken(scene):
    softer = dataclasses.replace(load_piano_parameters(), stiffness=1.0)
    changed = build_scene(piano=softer, forearm=ForearmParameters(bound=(80.0, 5.0)))
    key = changed.model.jnt_stiffness[changed.keys.joint]
    assert key == pytest.approx(0.5 * scene.model.jnt_stiffness[scene.keys.joint])
    servo = changed.forearms[Side.RIGHT].actuators
    assert changed.model.actuator_forcerange[servo[0]] == pytest.approx([-80, 80])
    with pytest.raises(InvalidValue):
        build_scene(strength_scale=-1)
