"""Two hands at the piano: both observe the same, forearms go where they are sent, and states are
restored to the bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.body.anatomy import Side
from musclehand.core.checkpoint import load_checkpoint, save_checkpoint
from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.demonstrations.planned_pieces import load_pieces, plan_pieces, save_pieces
from musclehand.envs.piano.body import SIDES
from musclehand.envs.piano.env import PianoConfig, PianoEnv, reward
from musclehand.music.score import Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.piano.keys import KeySensor
from musclehand.policies.high_level import load_high_level_policy, save_high_level_policy
from support.small_high_level import MIRRORED, small_high_level, small_latent_space

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def latent_space(tmp_path_factory):
    return small_latent_space(tmp_path_factory.mktemp("latent_space"))


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


def make_env(pieces, latent_space, **settings):
    return PianoEnv(
        pieces,
        latent_space,
        PianoConfig(**{"num_worlds": 2, "fixed_starts": True, "off_plan": 0.0, **settings}),
    )


def test_mirrored_hands_see_and_do_the_same(pieces, latent_space):
    env = make_env(pieces, latent_space)
    observation = env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(12):
        left, right = np.split(observation, 2)
        np.testing.assert_allclose(left, right, atol=2e-3)
        teacher = env.teacher_action()
        np.testing.assert_allclose(*np.split(teacher, 2), atol=2e-3)
        action = np.clip(teacher[:2] + 0.02 * rng.normal(size=teacher[:2].shape), 0, 1)
        observation = env.step(np.concatenate([action, action])).observation


def test_forearms_go_where_they_are_sent_and_the_teacher_sends_them_along_the_plan(
    pieces, latent_space
):
    env = make_env(pieces, latent_space, off_plan=0.01, fixed_starts=False)
    env.reset(seed=3)
    started = np.linalg.norm(env._forearm[0] - env.references.forearm[env.frame, :3], axis=1)
    assert started.max() > 1e-3
    for _ in range(10):
        result = env.step(env.teacher_action())
    assert result.terms["arm_error"].max() < 1e-4
    np.testing.assert_allclose(env.body.proprioception().forearm[:, :3], env._forearm[0], atol=2e-3)


def test_wanted_keys_are_those_of_the_score(pieces, latent_space):
    env = make_env(pieces, latent_space)
    env.reset(seed=0)
    for _ in range(40):
        # The piece's first frame is half a second before its first note.
        time = env._time()[0] - 0.5
        target = {note.pitch - 21 for note in MIRRORED.notes if note.onset <= time < note.offset}
        assert set(np.flatnonzero(env.target_keys()[0])) == target
        env.step(env.teacher_action())


def test_keys_are_struck_as_hard_as_the_piano_finds(pieces, latent_space):
    """Beside the sensor, which looks at each step of the simulation."""
    env = make_env(pieces, latent_space, num_worlds=1)
    env.reset(seed=0)
    body = env.body
    dt = env.body.model.opt.timestep
    keys = body.scene.keys
    sensor = KeySensor(body.scene.piano)
    backend = body.backend
    velocities = {}
    push = np.zeros((1, body.model.nbody, 6))
    for number, torque in ((2, 0.15), (80, 0.2), (84, 0.3)):
        push[0, body.model.jnt_bodyid[keys.joint[number]], 3] = torque
    backend.write("xfrc_applied", push)
    current = body.key_state(np.zeros((1, 88), dtype=bool))
    for step in range(60):
        for part in range(4):
            backend.step()
            sensor.update(
                (4 * step + part) * dt,
                backend.read("qpos")[0, keys.qpos],
                backend.read("qvel")[0, keys.dof],
            )
        before = current
        current = body.key_state(current.sounding)
        struck = body.struck(before, current)[0]
        velocities |= {int(key): struck[key] for key in np.flatnonzero(struck)}
    notes = {note.pitch - 21: note.velocity for note in sensor.finish(10.0).notes}
    # Not those that limp hands fall on, which bounce.
    for number in (2, 80, 84):
        assert velocities[number] == pytest.approx(notes[number], abs=6)
    assert len({notes[number] for number in (2, 80, 84)}) == 3


def test_only_keys_that_should_be_struck_now_count_for_velocity(pieces, latent_space):
    env = make_env(pieces, latent_space)
    env.reset(seed=0)
    observer = env._observer
    pieces_played = env._pieces()
    times = env._time() + 0.5
    target = observer.target_velocity(pieces_played, times, 2)
    assert {int(key): int(target[0, key]) for key in np.flatnonzero(target[0])} == {
        note.pitch - 21: 80 for note in MIRRORED.notes if note.onset == 0.0
    }
    assert not observer.target_velocity(pieces_played, times + 0.2, 2).any()
    struck = np.zeros_like(target)
    struck[:, 5] = 100
    assert (reward.velocity(target, struck) == 0.0).all()
    struck[0, np.flatnonzero(target[0])[0]] = 60
    assert reward.velocity(target, struck) == pytest.approx([-20 / 127, 0.0])


def test_what_was_done_can_be_done_again(pieces, latent_space):
    env = make_env(pieces, latent_space, fixed_starts=False, episode=0.5)
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    kept = env.state()
    actions = [rng.uniform(0.3, 0.7, size=(4, env.num_actions)) for _ in range(20)]
    first = [env.step(action) for action in actions]
    assert any((result.truncated | result.terminated).any() for result in first)
    copy = make_env(pieces, latent_space, fixed_starts=False, episode=0.5)
    copy.restore(kept)
    for action, result in zip(actions, first, strict=True):
        again = copy.step(action)
        np.testing.assert_array_equal(again.observation, result.observation)
        np.testing.assert_array_equal(again.reward, result.reward)
    with pytest.raises(InvalidValue):
        env.restore({**kept, "arm": kept["arm"][:1]})


def test_what_is_not_a_number_ends_the_episode_of_its_world_alone(pieces, latent_space):
    env = make_env(pieces, latent_space)
    env.reset(seed=0)
    action = env.teacher_action()
    action[2, 0] = np.nan
    result = env.step(action)
    np.testing.assert_array_equal(result.terminated, [True, False, True, False])
    assert np.isfinite(result.observation).all()
    with pytest.raises(InvalidValue):
        env.step(action[:, :3])


def test_pieces_are_kept_on_file(pieces, tmp_path):
    save_pieces(tmp_path, pieces, {"seed": 4})
    again = load_pieces(tmp_path, {"seed": 4})
    for planned, read in zip(pieces.hands, again.hands, strict=True):
        np.testing.assert_array_equal(planned.tips, read.tips)
    for planned, read in zip(pieces.notes, again.notes, strict=True):
        np.testing.assert_array_equal(planned[0].onset, read[0].onset)
        np.testing.assert_array_equal(planned[0].point, read[0].point)
    with pytest.raises(FileError):
        load_pieces(tmp_path, {"seed": 5})
    with pytest.raises(InvalidValue):
        plan_pieces([("empty", Score(()))])


def test_high_level_policies_are_kept_on_file_and_play(latent_space, tmp_path):
    path = small_high_level(tmp_path / "high_level", latent_space)
    assert path.name == "high_level.json"
    loaded = load_high_level_policy(path)
    again = load_high_level_policy(path)
    for module, copy in (
        (loaded.policy, again.policy),
        (latent_space.policy, loaded.latent_space.policy),
    ):
        states = zip(module.state_dict().values(), copy.state_dict().values(), strict=True)
        assert all(torch.equal(values, copied) for values, copied in states)
    short = Score(MIRRORED.notes[:1])
    recording = tmp_path / "played.h5"
    settings = PlayerSettings("high-level", policy=path)
    performance = perform(short, settings, record=recording)
    assert perform(short, settings).played == performance.played
    assert recording.stat().st_size > 0
    assert performance.body.joint_rmse_deg is None
    changed = latent_space._replace(config=replace(latent_space.config, look_ahead=(2,)))
    path = save_high_level_policy(tmp_path / "changed", loaded.policy, changed, {})
    with pytest.raises(FileError):
        load_high_level_policy(path)


@pytest.mark.parametrize("sizes", [[3, 90_000, 90_000, 11], [3, 0, 11], "large", [3]])
def test_a_policy_that_says_it_is_huge_is_refused_before_it_is_made(latent_space, tmp_path, sizes):
    checkpoint = load_checkpoint(small_high_level(tmp_path / "high_level", latent_space))
    path = save_checkpoint(
        tmp_path / "lies", 1, checkpoint.arrays, {**checkpoint.info, "policy_sizes": sizes}
    )
    with pytest.raises(InvalidValue, match="sizes"):
        load_high_level_policy(path)


def test_left_comes_first(latent_space, pieces):
    env = make_env(pieces, latent_space)
    assert [side for clips in pieces.hands for side in clips.sides] == [Side.LEFT, Side.RIGHT]
    # As right hands, both are to the right of the middle.
    assert (env._forearm[0][:, 0] > 0).all()


def test_the_plan_is_adapted_to_forearms_that_are_off_it(pieces, latent_space):
    """Joints make up for most of what forearms are off, to first order."""
    env = make_env(pieces, latent_space)
    env.reset(seed=0)

    def adapted():
        return env.teacher.adapted_plan(
            env.frame, env.body.fingertip_jacobian(), env._forearm[0], 3
        )

    plain = adapted()
    env._forearm[0][:, 0] += 0.004
    shifted = adapted()
    np.testing.assert_array_equal(shifted.tips, plain.tips)
    np.testing.assert_allclose(shifted.forearm[:, 0] - plain.forearm[:, 0], 0.004)
    turned = (shifted.angles - plain.angles)[::3][:, env.body.hand.independent]
    moved = np.einsum("nrk,nk->nr", env.body.fingertip_jacobian(), turned).reshape(-1, 5, 3)
    np.testing.assert_allclose(moved[:, :, 0], -0.004, atol=0.0012)
    np.testing.assert_allclose(moved[:, :, 1:], 0.0, atol=0.0012)


def test_tips_move_with_joints_as_the_jacobian_says(pieces, latent_space):
    env = make_env(pieces, latent_space)
    env.reset(seed=0)
    body = env.body
    step = 1e-5
    jacobian = body.fingertip_jacobian()
    before = body.proprioception().tips
    for joint in (0, 4, 9):
        qpos = body.backend.read("qpos").copy()
        for side in SIDES:
            qpos[:, body.scene.hands[side].qpos] += step * body.hand.expand[:, joint]
        body.backend.write("qpos", qpos)
        body.backend.forward()
        difference = (body.proprioception().tips - before).reshape(body.rows, 15) / step
        np.testing.assert_allclose(difference, jacobian[:, :, joint], atol=2e-4)
        env.reset(seed=0)


@pytest.mark.slow
def test_pianos_on_warp_are_those_of_the_cpu(pieces, latent_space):
    """Single precision: a third of a second along the plan, keys and all, on warp's CPU device."""
    pytest.importorskip("mujoco_warp")
    on_cpu, on_warp = (
        make_env(pieces, latent_space, backend=backend) for backend in ("cpu", "warp")
    )
    np.testing.assert_allclose(on_cpu.reset(seed=2), on_warp.reset(seed=2), atol=1e-3)
    for _ in range(20):
        action = on_cpu.teacher_action()
        np.testing.assert_allclose(action, on_warp.teacher_action(), atol=5e-3)
        cpu = on_cpu.step(action)
        warp = on_warp.step(action)
        np.testing.assert_array_equal(cpu.terminated, warp.terminated)
        np.testing.assert_allclose(cpu.terms["tip_error"], warp.terms["tip_error"], atol=2e-4)
    np.testing.assert_array_equal(on_cpu.body.pressed(), on_warp.body.pressed())
