"""Rigid hands: they are where the reference is, whatever they meet, and keys answer by contact."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.controllers.rigid import RigidController
from musclehand.controllers.run import Run
from musclehand.core.errors import InvalidValue
from musclehand.music.score import Note, Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.plan import plan_performance
from musclehand.sim.scene import build_scene

STRIKES = Score(
    (
        Note(0.0, 60, 0.5, 80),
        Note(0.7, 62, 1.0, 50),
        Note(1.2, 64, 1.5, 100),
        Note(1.7, 66, 2.2, 70),
    )
)


@pytest.fixture(scope="module")
def plan():
    return plan_performance(STRIKES)


def test_hands_are_exactly_on_the_reference(plan):
    player = RigidController(plan)
    model = player.scene.model
    data = mujoco.MjData(model)
    player.reset(data)
    motion = plan.motion()
    wrists = None
    for step in range(330):
        mujoco.mj_step1(model, data)
        player.control(data, step)
        references = motion.at(step)
        for row, (side, hand) in enumerate(player.scene.hands.items()):
            assert data.qpos[hand.qpos] == pytest.approx(references[row].qpos, abs=1e-6)
            if wrists is not None:
                place = data.qpos[player.scene.forearms[side].qpos[:3]]
                assert place == pytest.approx(wrists[row], abs=1e-6)
        wrists = [reference.wrist[-1, :3] for reference in references]
        for substep in range(player.sim_steps):
            player.drive(data, step, substep)
            (mujoco.mj_step2 if substep == 0 else mujoco.mj_step)(model, data)


def test_a_strike_sounds_at_its_time_with_its_velocity():
    played = perform(STRIKES, PlayerSettings("rigid", processes=1)).played
    assert [note.pitch for note in played.notes] == [60, 62, 64, 66]
    for note, wanted in zip(played.notes, STRIKES.notes, strict=True):
        assert note.onset == pytest.approx(wanted.onset, abs=0.006)
        assert note.velocity == pytest.approx(wanted.velocity, abs=8)


def test_two_processes_play_the_same(plan):
    once, twice = (
        perform(STRIKES, PlayerSettings("rigid", processes=processes)) for processes in (1, 2)
    )
    assert once.played == twice.played
    assert once.body == twice.body


def test_the_scene_that_was_given_stays_as_it_is(plan):
    scene = build_scene()
    before = [getattr(scene.model, name).copy() for name in ("dof_armature", "geom_contype")]
    limited = scene.model.jnt_limited.copy()
    player = RigidController(plan, scene=scene)
    assert player.scene.model is not scene.model
    after = [getattr(scene.model, name) for name in ("dof_armature", "geom_contype")]
    for expected, values in zip(before, after, strict=True):
        assert np.array_equal(expected, values)
    assert np.array_equal(limited, scene.model.jnt_limited)


def test_it_moves_no_muscle(plan):
    run = Run(RigidController(plan), end=1.2)
    run.play()
    assert run.body_metrics().mean_activation == 0.0
    assert run.body_metrics().joint_rmse_deg == pytest.approx(0.0, abs=1e-4)


def test_a_scene_with_other_hands_is_refused(plan):
    with pytest.raises(InvalidValue, match="scene's hands"):
        RigidController(plan, scene=build_scene(sides=(Side.LEFT,)))
