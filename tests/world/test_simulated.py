"""Worlds beside the belief: the same bits without differences, delays that are those of nerves."""

import mujoco
import numpy as np
import pytest

from musclehand.controllers.world_run import Nerves
from musclehand.core.errors import InvalidValue
from musclehand.music.repertoire import load_piece
from musclehand.music.score import keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.players import PlanPlayer
from musclehand.performance.settings import PlayerSettings
from musclehand.world.names import OBSERVER, PREDICTORS
from musclehand.world.senses import BodyIndex, DelayLine, Delays, SenseNoise
from musclehand.world.simulated import Nature, SimulatedWorld
from musclehand.world.world import Start

SCORE = load_piece("ode_to_joy").clip(0.0, 1.5)


@pytest.fixture(scope="module")
def player():
    return PlanPlayer(keyboard_score(SCORE), PlayerSettings(processes=1))


@pytest.fixture(scope="module")
def own(player):
    return perform(SCORE, player.controller(player.plan))


def play(player, delays=None, nerves=None, noise=None):
    nature = Nature(delays or Delays(), noise or SenseNoise())
    world = SimulatedWorld(player.scene, nature)
    return perform(SCORE, player.controller(player.plan), world=world, nerves=nerves)


@pytest.mark.parametrize("predictor", [None, OBSERVER])
def test_a_world_like_the_belief_gives_the_same_bits(player, own, predictor):
    result = play(player, nerves=Nerves(predictor=predictor))
    assert result.played == own.played
    assert result.body == own.body


@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("delays", [Delays(0.024), Delays(0.0, 0.008), Delays(0.03, 0.02)])
def test_prediction_is_exact_where_the_belief_is_true(player, own, predictor, delays):
    result = play(player, delays, Nerves(delays, predictor))
    # Late commands shift what the means are over by some steps at the end.
    assert result.body.joint_rmse_deg == pytest.approx(own.body.joint_rmse_deg, rel=0.01)
    assert result.body.mean_activation == pytest.approx(own.body.mean_activation, rel=0.01)
    notes = zip(result.played.notes, own.played.notes, strict=True)
    for mine, his in notes:
        assert (mine.pitch, mine.velocity) == (his.pitch, his.velocity)
        assert mine.onset == pytest.approx(his.onset, abs=2e-9)


def test_late_senses_alone_break_the_player(player, own):
    delays = Delays(0.024)
    late = play(player, delays, Nerves(delays, None))
    assert late.body.mean_activation > 2.0 * own.body.mean_activation


def test_noisy_senses_are_averaged_by_the_predictor(player):
    noise = SenseNoise(angle=0.01, speed=0.1)
    with_predictor = play(player, nerves=Nerves(), noise=noise).body.mean_activation
    without = play(player, nerves=Nerves(predictor=None), noise=noise).body.mean_activation
    assert with_predictor < 0.7 * without


def begun(scene, delays, sim_steps=2):
    world = SimulatedWorld(scene, Nature(delays))
    body = BodyIndex(scene)
    world.begin(Start(scene.model.qpos0[body.qpos], 0.1, sim_steps, scene.model.opt.timestep))
    return world, body


def test_senses_are_those_of_some_time_ago(player):
    world, body = begun(player.scene, Delays(0.012))
    rng = np.random.default_rng(1)
    logs = []
    for step in range(12):
        felt = world.sense()
        if step >= 4:
            # 12 ms are three control steps; the log has the state at the end of each step.
            np.testing.assert_array_equal(felt.angles, logs[step - 4].angles)
            np.testing.assert_array_equal(felt.activation, logs[step - 4].activation)
        commands = rng.random((2, len(body.actuators))) * 0.1
        logs.append(world.advance(commands, np.zeros(2)))


def test_commands_are_as_late_as_in_mujocos_own_delay_buffers(player):
    """One muscle's excitation, delayed by us and by the engine."""
    steps, dt = 4, 0.002
    spec = mujoco.MjSpec.from_string(
        """<mujoco><option timestep="0.002"/><worldbody><body><joint name="j" axis="0 0 1"/>
        <geom size=".1"/></body></worldbody><actuator><motor joint="j"/></actuator></mujoco>"""
    )
    plain = spec.compile()
    actuator = spec.actuators[0]
    actuator.delay, actuator.nsample = steps * dt, steps + 2
    delayed = spec.compile()
    data, line = mujoco.MjData(plain), DelayLine(steps)
    oracle = mujoco.MjData(delayed)
    commands = np.sin(np.arange(30.0)) * (np.arange(30) > 0)
    for command in commands:
        data.ctrl[0] = line.put(command)
        oracle.ctrl[0] = command
        mujoco.mj_step(plain, data)
        mujoco.mj_step(delayed, oracle)
        assert data.qpos[0] == oracle.qpos[0]
    assert data.qpos[0] != 0.0


def test_the_body_rests_until_the_first_command_arrives(player):
    world, body = begun(player.scene, Delays(0.0, 0.008))
    commands = np.full((2, len(body.actuators)), 0.2)
    commands[:, len(body.act) :] = 0.0
    first = world.sense()
    for _ in range(2):
        log = world.advance(commands, np.zeros(2))
        np.testing.assert_array_equal(log.angles, first.angles)
    log = world.advance(commands, np.zeros(2))
    assert np.all(log.activation > 0.0)


def test_a_finer_world_lives_through_more_steps_of_each_command(player):
    with pytest.raises(InvalidValue, match="whole number"):
        SimulatedWorld(player.scene).begin(Start(np.zeros(1), 0.1, 2, 0.003))


@pytest.mark.parametrize("name", ["keyboard", "torque", "rigid"])
def test_players_without_muscles_play_in_their_own_model_alone(name):
    with pytest.raises(InvalidValue, match="controller"):
        PlayerSettings(name, nerves=Nerves())


@pytest.mark.parametrize("delay", [-0.001, 0.21, float("nan")])
def test_delays_have_limits(delay):
    with pytest.raises(InvalidValue, match="sensory delay"):
        Delays(delay)
