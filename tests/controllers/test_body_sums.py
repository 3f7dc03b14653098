"""Sums over a performance against the same figures taken step by step."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.controllers.body_sums import STEPS, BodyWatch
from musclehand.controllers.controller import HandReference, selection
from musclehand.sim.scene import build_scene


@pytest.fixture(scope="module")
def scene():
    return build_scene()


def test_sums_are_those_of_every_step(scene):
    rng = np.random.default_rng(0)
    data = mujoco.MjData(scene.model)
    watch = BodyWatch(data, scene.hands)
    square = 0.0
    apart = []
    act = 0.0
    joints = 0
    muscles = 0
    for step in range(2 * STEPS + 7):
        data.qpos[:], data.act[:] = rng.normal(size=scene.model.nq), rng.random(scene.model.na)
        data.site_xpos[:] = rng.normal(size=data.site_xpos.shape)
        sides = [side for side in Side if rng.random() < 0.8]
        reference = {
            side: HandReference(rng.normal(size=25), rng.normal(size=(5, 3)), rng.random(5) < 0.3)
            for side in sides
        }
        watch.note(reference)
        for side, wanted in reference.items():
            hand = scene.hands[side]
            off = data.qpos[hand.qpos[hand.independent]] - wanted.qpos[hand.independent]
            square = square + off @ off
            joints = joints + off.size
            apart += list(
                np.linalg.norm(data.site_xpos[hand.tips] - wanted.tips, axis=1)[wanted.pressing]
            )
        if sides:
            act = act + data.act.sum()
            muscles = muscles + scene.model.na
        if step % 50 == 0:
            watch.sums()  # looking changes nothing
    found = watch.sums()
    assert found.joint_sum == pytest.approx(square)
    assert found.tip_sum == pytest.approx(np.sum(apart))
    assert found.act_sum == pytest.approx(act)
    assert (found.joint_count, found.tip_count, found.act_count) == (joints, len(apart), muscles)


def test_without_hands_there_is_nothing_to_sum():
    scene = build_scene(sides=())
    watch = BodyWatch(mujoco.MjData(scene.model), scene.hands)
    watch.note({})
    assert watch.sums().joint_count == watch.sums().act_count == 0


def test_addresses_in_a_row_are_a_slice():
    assert selection(np.array([3, 4, 5])) == slice(3, 6)
    assert selection(np.array([], dtype=int)) == slice(0, 0)
    for apart in ([3, 5], [4, 3], [2, 2]):
        assert selection(np.array(apart)).tolist() == apart
