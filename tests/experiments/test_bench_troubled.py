"""Troubles: what they change, and that nobody tells the player."""

import sys

import mujoco
import numpy as np
import pytest

from musclehand.music.repertoire import load_piece
from musclehand.performance.players import make_controller
from support.scripts import load


@pytest.fixture(scope="module")
def troubled():
    names = ("kept_results", "readme_table", "bench_troubled")
    yield [load(name) for name in names][-1]
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def player():
    return make_controller("muscle", load_piece("ode_to_joy").clip(0.0, 1.0))


def changed(one, two):
    """Which numbers of two models differ, by the field's name."""
    fields = (
        "actuator_gainprm",
        "actuator_biasprm",
        "jnt_stiffness",
        "body_mass",
        "body_inertia",
        "dof_armature",
    )
    apart = {name: np.flatnonzero(getattr(one, name) != getattr(two, name)) for name in fields}
    return {name: places for name, places in apart.items() if len(places)}


def test_one_muscle_of_each_hand_is_weak_and_the_player_reckons_with_all_of_it(troubled, player):
    before = player.scene.model.actuator_gainprm.copy()
    world = troubled.Troubled(player, "weak", 3)
    np.testing.assert_array_equal(player.scene.model.actuator_gainprm, before)
    apart = changed(player.scene.model, world.scene.model)
    assert set(apart) == {"actuator_gainprm", "actuator_biasprm"}
    rows = apart["actuator_gainprm"] // before.shape[1]
    assert [sum(row in hand.muscles for row in rows) for hand in world.scene.hands.values()] == [
        1,
        1,
    ]
    np.testing.assert_allclose(
        world.scene.model.actuator_gainprm[rows, 2], troubled.WEAK * before[rows, 2]
    )


def test_keys_alone_are_heavier(troubled, player):
    apart = changed(player.scene.model, troubled.Troubled(player, "heavy", 3).scene.model)
    assert "actuator_gainprm" not in apart
    keys = player.scene.keys
    assert set(apart["jnt_stiffness"]) <= set(keys.joint)
    assert set(apart["body_mass"]) == set(player.scene.model.jnt_bodyid[keys.joint])


def test_forearms_are_pushed_now_and_then_and_nothing_else_is(troubled, player):
    world = troubled.Troubled(player, "pushed", 3)
    assert not changed(player.scene.model, world.scene.model)
    data = mujoco.MjData(world.scene.model)
    world.reset(data)
    pushed = []
    for step in range(60):
        mujoco.mj_step1(world.scene.model, data)
        world.control(data, step)
        world.drive(data, step, 0)
        mujoco.mj_step2(world.scene.model, data)
        pushed.append(np.linalg.norm(data.xfrc_applied[:, :3], axis=1))
    pushed = np.array(pushed)
    assert 0.0 < pushed.max() <= troubled.PUSH
    assert (pushed[:, 1:].max(axis=0) > 0).sum() <= 2
    assert 0.0 < (pushed.max(axis=1) > 0).mean() < 0.9


def test_late_senses_are_those_of_some_time_ago(troubled, monkeypatch):
    player = make_controller("muscle", load_piece("ode_to_joy").clip(0.0, 1.0))
    world = troubled.Troubled(player, "late", 3)
    data = mujoco.MjData(world.scene.model)
    interval = player.sim_steps * player.scene.model.opt.timestep
    seen = []

    def control(late, step):
        seen.append(late.time)
        late.ctrl[:] = step

    monkeypatch.setattr(player, "control", control)
    world.reset(data)
    for step in range(20):
        mujoco.mj_step1(world.scene.model, data)
        world.control(data, step)
        assert (data.ctrl == step).all()
        data.time += interval
    late = np.arange(20) * interval - np.array(seen)
    assert late[-10:] == pytest.approx(troubled.LATE)
    assert (np.diff(late) >= -1e-9).all()


def test_a_policy_is_told_how_late_its_senses_are(troubled):
    score = load_piece("ode_to_joy").clip(0.0, 1.0)
    with troubled.as_file(troubled.files("musclehand.models.policies")) as folder:
        policy = folder / troubled.LATE_POLICY
        players = [
            troubled.TrackingPolicyController(score, policy=policy, delay=delay)
            for delay in (0.0, troubled.LATE)
        ]
    excited = []
    for player in players:
        data = mujoco.MjData(player.scene.model)
        player.reset(data)
        mujoco.mj_step1(player.scene.model, data)
        player.control(data, 0)
        excited.append(np.array(data.ctrl))
    assert not np.array_equal(*excited)
