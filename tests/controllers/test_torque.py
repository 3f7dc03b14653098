"""Ideal joint torques: they follow the reference closely, without any muscle."""

import mujoco
import numpy as np
import pytest

from musclehand.controllers.run import Run
from musclehand.controllers.torque import TORQUE_BOUND, TorqueController
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


def test_it_plays_what_is_written_and_stays_near_the_reference():
    result = perform(STRIKES, PlayerSettings("torque", processes=1))
    assert [note.pitch for note in result.played.notes] == [60, 62, 64, 66]
    for note, wanted in zip(result.played.notes, STRIKES.notes, strict=True):
        assert note.onset == pytest.approx(wanted.onset, abs=0.008)
        assert note.velocity == pytest.approx(wanted.velocity, abs=8)
    assert result.body.joint_rmse_deg < 0.7


def test_muscles_have_no_force_and_torques_are_bounded(plan):
    run = Run(TorqueController(plan), end=1.1)
    run.play()
    data = run.data
    for hand in run.player.scene.hands.values():
        assert np.all(data.act[hand.act] == 0.0)
        assert np.all(data.actuator_force[hand.muscles] == 0.0)
        torque = np.abs(data.qfrc_applied[hand.dofs])
        assert 0.0 < torque[:3].max() <= TORQUE_BOUND[0]
        assert 0.0 < torque[3:].max() <= TORQUE_BOUND[1]


def test_the_torques_are_those_of_inverse_dynamics(plan):
    """MuJoCo's inverse dynamics as the oracle, with contacts and limits of joints left out."""
    scene = build_scene()
    scene.model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    player = TorqueController(plan, scene=scene)
    model = player.scene.model
    data = mujoco.MjData(model)
    player.reset(data)
    rng = np.random.default_rng(0)
    for hand in player.scene.hands.values():
        data.qvel[hand.dofs] = hand.expand @ rng.normal(0.0, 0.05, hand.expand.shape[1])
    mujoco.mj_step1(model, data)
    player.control(data, 0)
    player.drive(data, 0, 0)
    applied = data.qfrc_applied.copy()
    data.qacc[:] = player.source._acceleration
    mujoco.mj_inverse(model, data)
    for hand in player.scene.hands.values():
        # The simulation takes damping implicitly, one step ahead.
        ahead = model.dof_damping[hand.dofs] * model.opt.timestep * data.qacc[hand.dofs]
        assert applied[hand.dofs] == pytest.approx(
            data.qfrc_inverse[hand.dofs] + ahead, rel=1e-6, abs=1e-9
        )


def test_two_processes_play_the_same():
    once, twice = (
        perform(STRIKES, PlayerSettings("torque", processes=processes)) for processes in (1, 2)
    )
    assert once.played == twice.played
    assert once.body == twice.body


def test_it_can_rehearse():
    result = perform(STRIKES, PlayerSettings("torque", rehearsals=1, processes=1))
    assert result.metrics.missed == 0
    assert len(result.rehearsals) >= 1


def test_the_scene_that_was_given_keeps_its_muscles(plan):
    scene = build_scene()
    before = scene.model.actuator_gainprm.copy()
    TorqueController(plan, scene=scene)
    assert np.array_equal(before, scene.model.actuator_gainprm)
