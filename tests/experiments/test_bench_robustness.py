"""Disturbances: what they change, and that no controller is told."""

import sys

import mujoco
import numpy as np
import pytest

from musclehand.music.repertoire import load_piece
from musclehand.music.score import keyboard_score
from musclehand.performance.players import PlayerSettings, make_controller
from support.scripts import load


@pytest.fixture(scope="module")
def bench():
    yield load("bench_robustness")
    del sys.modules["bench_robustness"]


def make_player():
    score = load_piece("ode_to_joy").clip(0.0, 1.0)
    return make_controller(keyboard_score(score), PlayerSettings(processes=1))


@pytest.fixture(scope="module")
def player():
    return make_player()


def changed(first, second):
    """Which numbers of two models differ, by the field's name."""
    fields = (
        "actuator_gainprm",
        "actuator_biasprm",
        "jnt_stiffness",
        "body_mass",
        "body_inertia",
        "dof_armature",
    )
    places = {
        name: np.flatnonzero(getattr(first, name) != getattr(second, name)) for name in fields
    }
    return {name: rows for name, rows in places.items() if len(rows)}


def inertia(model):
    """Diagonal of the inertia matrix in the first posture. Shape (nv,)."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    matrix = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, matrix)
    return np.diag(matrix)


def test_one_muscle_of_each_hand_is_weak_and_the_controller_reckons_with_all_of_it(bench, player):
    before = player.scene.model.actuator_gainprm.copy()
    world = bench.DisturbedController(player, bench.WEAK_MUSCLE, 3)
    np.testing.assert_array_equal(player.scene.model.actuator_gainprm, before)
    places = changed(player.scene.model, world.scene.model)
    assert set(places) == {"actuator_gainprm", "actuator_biasprm"}
    rows = places["actuator_gainprm"] // before.shape[1]
    hands = world.scene.hands.values()
    assert [sum(row in hand.muscles for row in rows) for hand in hands] == [1, 1]
    np.testing.assert_allclose(
        world.scene.model.actuator_gainprm[rows, 2], bench.WEAK * before[rows, 2]
    )


def test_keys_alone_are_heavier(bench, player):
    model = bench.DisturbedController(player, bench.HEAVY_KEYS, 3).scene.model
    places = changed(player.scene.model, model)
    assert "actuator_gainprm" not in places
    keys = player.scene.keys
    assert set(places["jnt_stiffness"]) <= set(keys.joint)
    assert set(places["body_mass"]) == set(player.scene.model.jnt_bodyid[keys.joint])


def test_heavier_keys_have_more_inertia_and_stiffness_in_proportion(bench, player):
    """MuJoCo keeps the inertia of bodies that move by themselves; it has to follow the mass."""
    model = bench.DisturbedController(player, bench.HEAVY_KEYS, 3).scene.model
    ratio = inertia(model) / inertia(player.scene.model)
    keys = np.zeros(model.nv, dtype=bool)
    keys[model.jnt_dofadr[player.scene.keys.joint]] = True
    np.testing.assert_allclose(ratio[keys], bench.HEAVY)
    np.testing.assert_allclose(ratio[~keys], 1.0)
    joints = player.scene.keys.joint
    stiffness = player.scene.model.jnt_stiffness[joints]
    np.testing.assert_allclose(model.jnt_stiffness[joints], bench.HEAVY * stiffness)


def test_forearms_are_pushed_now_and_then_and_nothing_else_is(bench, player):
    world = bench.DisturbedController(player, bench.PUSHES, 3)
    assert not changed(player.scene.model, world.scene.model)
    data = mujoco.MjData(world.scene.model)
    world.reset(data)
    forces = []
    for step in range(60):
        mujoco.mj_step1(world.scene.model, data)
        world.control(data, step)
        world.drive(data, step, 0)
        mujoco.mj_step2(world.scene.model, data)
        forces.append(np.linalg.norm(data.xfrc_applied[:, :3], axis=1))
    forces = np.array(forces)
    assert 0.0 < forces.max() <= bench.PUSH
    assert (forces[:, 1:].max(axis=0) > 0).sum() <= 2
    assert 0.0 < (forces.max(axis=1) > 0).mean() < 0.9


def test_delayed_senses_are_those_of_some_time_ago(bench, monkeypatch):
    player = make_player()
    world = bench.DisturbedController(player, bench.SENSORY_DELAY, 3)
    data = mujoco.MjData(world.scene.model)
    interval = player.sim_steps * player.scene.model.opt.timestep
    times = []

    def control(sensed, step):
        times.append(sensed.time)
        sensed.ctrl[:] = step

    monkeypatch.setattr(player, "control", control)
    world.reset(data)
    for step in range(20):
        mujoco.mj_step1(world.scene.model, data)
        world.control(data, step)
        assert (data.ctrl == step).all()
        data.time += interval
    delay = np.arange(20) * interval - np.array(times)
    assert delay[-10:] == pytest.approx(bench.DELAY)
    assert (np.diff(delay) >= -1e-9).all()


def test_a_policy_is_informed_of_the_delay_of_its_senses(bench):
    score = load_piece("ode_to_joy").clip(0.0, 1.0)
    args = bench.Args()
    excitations = []
    for delay in (0.0, bench.DELAY):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bench, "DELAY", delay)
            player = bench.make_player(score, "policy", bench.SENSORY_DELAY, args)
        data = mujoco.MjData(player.scene.model)
        player.reset(data)
        mujoco.mj_step1(player.scene.model, data)
        player.control(data, 0)
        excitations.append(np.array(data.ctrl))
    assert not np.array_equal(*excitations)


def test_the_table_has_changes_from_the_undisturbed(bench):
    args = bench.Args(pieces=("a", "b"), controllers=("muscle", "policy"))
    rows = {
        (piece, controller, disturbance): {
            "onset_f1_50ms": 0.9 if disturbance == bench.UNDISTURBED else 0.8,
            "frame_f1_micro": 0.7,
        }
        for piece in args.pieces
        for controller in args.controllers
        for disturbance in args.disturbances
    }
    lines = bench.as_table(rows, args).splitlines()
    assert lines[2] == "| undisturbed | 0.900 | 0.700 | 0.900 | 0.700 |"
    assert lines[3].startswith(
        "| forearms pushed with up to 50 N | 0.800 (-0.100) | 0.700 (+0.000)"
    )
    # The policy with sensory delay is another one, which is not compared.
    assert lines[-1].endswith("| 0.800 | 0.700 |")
