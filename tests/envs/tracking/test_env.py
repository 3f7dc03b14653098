"""The tracking environment: its teacher, symmetry, repeatability, disturbances and what can go
wrong."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from support.tracking_clips import wave

ROUGH = DisturbanceConfig(
    strength=(0.8, 1.2),
    mass=(0.9, 1.1),
    weak_muscles=2,
    push=0.5,
    push_rate=5.0,
    motor_noise=0.2,
    angle_noise=0.01,
    length_noise=0.01,
    delay=(0.016, 0.016),
)
SMALL = TrackingConfig(num_envs=4, episode=0.4)


@pytest.fixture(scope="module")
def clips():
    return [wave(0), wave(1, side=Side.LEFT), wave(2)]


def roll(env, steps, action=None):
    """Follows the teacher, or does the same thing all the time; all results."""
    return [env.step(env.teacher_action() if action is None else action) for _ in range(steps)]


def test_the_teacher_follows_clips_of_both_hands(clips):
    env = TrackingEnv(clips, replace(SMALL, num_envs=6, episode=2.0))
    results = roll(env, 60)
    assert not np.any([result.terminated for result in results])
    # The clips have no activations, so muscles begin at rest and the hand drops at first.
    late = [result.terms["tip_error"] for result in results[30:]]
    assert np.mean(late) < 0.003
    assert np.mean([result.reward for result in results[30:]]) > -2.5


def test_a_left_hand_sees_and_does_what_a_right_one_does(clips):
    """Mirrored clips, the same actions: the same observations, rewards and ends."""
    config = replace(SMALL, disturbance=replace(ROUGH, mass=(1.0, 1.0)))
    pair = [TrackingEnv([wave(0), wave(2)], replace(config, side=side), seed=3) for side in Side]
    first = [env.reset(seed=4) for env in pair]
    np.testing.assert_allclose(*first, atol=2e-5)
    rng = np.random.default_rng(0)
    for _ in range(25):
        action = 0.2 * rng.random((4, 46))
        right, left = (env.step(action) for env in pair)
        np.testing.assert_allclose(right.final_observation, left.final_observation, atol=2e-3)
        np.testing.assert_allclose(right.reward, left.reward, atol=1e-4)
        np.testing.assert_array_equal(right.terminated, left.terminated)


def test_a_left_clip_is_its_right_twin(clips):
    right, left = (TrackingEnv([wave(5, side=side)], SMALL).references for side in Side)
    for name in ("angles", "forearm", "forearm_speed", "tips"):
        np.testing.assert_allclose(
            getattr(right, name), getattr(left, name), atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bits_at_any_number_of_threads(clips, threads):
    config = replace(SMALL, disturbance=ROUGH)
    env = TrackingEnv(clips, config)
    threaded = TrackingEnv(clips, replace(config, num_threads=threads))
    np.testing.assert_array_equal(env.reset(seed=7), threaded.reset(seed=7))
    action = np.full((4, 46), 0.05)
    results = roll(env, 60, action)
    for result, repeated in zip(results, roll(threaded, 60, action), strict=True):
        np.testing.assert_array_equal(result.observation, repeated.observation)
        np.testing.assert_array_equal(result.reward, repeated.reward)


@pytest.mark.parametrize("disturbance", [DisturbanceConfig(), ROUGH])
def test_a_state_that_is_put_back_goes_on_to_the_bit(clips, disturbance):
    env = TrackingEnv(clips, replace(SMALL, disturbance=disturbance))
    roll(env, 20)
    kept = env.state()
    env.restore(kept)
    results = roll(env, 40)
    again = TrackingEnv(clips, replace(SMALL, disturbance=disturbance), seed=99)
    again.restore(kept)
    for result, repeated in zip(results, roll(again, 40), strict=True):
        np.testing.assert_array_equal(result.observation, repeated.observation)
        np.testing.assert_array_equal(result.reward, repeated.reward)
    with pytest.raises(InvalidValue):
        again.restore({**kept, "past": kept["past"][:, 1:]})


def test_the_observation_says_what_it_says(clips):
    """Blocks against what they are told to be; the rest of the table against itself."""
    env = TrackingEnv(clips, SMALL)
    observation = env.reset(seed=0)
    table = env.table
    references = env.references
    body = env.body
    assert observation.shape == (4, table.size)
    assert observation.dtype == np.float32
    ends = [(table.slice(block.name).start, table.slice(block.name).stop) for block in table.blocks]
    assert ends[0][0] == 0
    assert ends[-1][1] == table.size
    assert all(left[1] == right[0] for left, right in itertools.pairwise(ends))
    proprioception = body.proprioception()
    goal = references.ahead(env.frame, 1)
    np.testing.assert_allclose(table.read(observation, "angle"), proprioception.angles, atol=1e-5)
    np.testing.assert_allclose(proprioception.angles, references.angles[env.frame], atol=1e-6)
    np.testing.assert_allclose(proprioception.tips, references.tips[env.frame], atol=1e-5)
    far = (references.tips[goal] - proprioception.tips).reshape(4, -1)
    np.testing.assert_allclose(table.read(observation, "tip_error"), far, atol=1e-6)
    names = [block.name for block in table.blocks]
    assert all(name in str(table) for name in names)


def test_hands_that_let_go_fail_and_start_again_where_they_failed(clips):
    env = TrackingEnv(clips, replace(SMALL, episode=4.0, tip_limit=0.015))
    before = env._starts.difficulty.copy()
    results = roll(env, 120, np.zeros((4, 46)))
    failed = np.array([result.terminated for result in results])
    assert failed.any()
    step, row = np.argwhere(failed)[0]
    result = results[step]
    assert result.terms["failure"][row] == -1.0
    assert result.terms["tip_error"][row] > 0.015
    assert not np.array_equal(result.observation[row], result.final_observation[row])
    assert env._starts.difficulty.max() > before.max()


def test_time_and_the_clips_end_truncate(clips):
    short = TrackingEnv(clips, replace(SMALL, episode=0.08))
    truncated = np.array([result.truncated for result in roll(short, 10)])
    assert truncated[-1].all()
    assert not truncated[:-1].any()
    whole_clips = TrackingEnv(clips, replace(SMALL, num_envs=3, episode=60.0, fixed_starts=True))
    frames = whole_clips.references.last - whole_clips.references.first
    ends = np.array([result.truncated for result in roll(whole_clips, int(frames.max()))])
    assert ends[int(frames[0]) - 1, 0]
    assert ends.sum() == 3


def test_bad_actions_end_an_episode_and_are_kept_from_the_others(clips, tmp_path):
    env = TrackingEnv(clips, SMALL, bad_states=tmp_path)
    action = np.full((4, 46), 0.02)
    action[2, 5] = np.nan
    result = env.step(action)
    assert result.terminated.tolist() == [False, False, True, False]
    assert np.isfinite(result.observation).all()
    assert np.isfinite(result.reward).all()
    assert env.monitor.counts["control"] == 1
    assert len(env.monitor.files) == 1
    with pytest.raises(InvalidValue):
        env.step(np.zeros((3, 46)))


def test_what_is_felt_comes_late(clips):
    config = replace(SMALL, num_envs=1, episode=2.0)
    exact = TrackingEnv(clips, config)
    delayed = TrackingEnv(
        clips, replace(config, disturbance=DisturbanceConfig(delay=(0.016, 0.016)))
    )
    exact.reset(seed=1)
    delayed.reset(seed=1)
    action = np.full((1, 46), 0.01)
    sensed = [
        [env.table.read(row.final_observation, "angle") for row in roll(env, 12, action)]
        for env in (exact, delayed)
    ]
    np.testing.assert_array_equal(sensed[0][:-2], sensed[1][2:])


def test_the_last_excitations_are_shown(clips):
    env = TrackingEnv(clips, replace(SMALL, action_history=2, episode=2.0))
    for number in range(1, 5):
        observation = env.step(np.full((4, 46), 0.01 * number)).observation
        np.testing.assert_allclose(
            env.table.read(observation, "excitation_1"), 0.01 * number, atol=1e-6
        )
    np.testing.assert_allclose(env.table.read(observation, "excitation_2"), 0.03, atol=1e-6)
    again = env.restore(env.state())
    np.testing.assert_array_equal(again, observation)


def test_bodies_and_pushes_are_what_was_drawn(clips):
    env = TrackingEnv(clips, replace(SMALL, disturbance=ROUGH))
    strength = env.body.strength
    assert strength.shape == (4, 46)
    assert len(np.unique(strength)) > 100
    assert (strength < 0.62).sum(axis=1).min() >= 1
    gain = env.body.backend.field("actuator_gainprm")[:, env.body.hand.muscles, 2]
    np.testing.assert_allclose(
        gain, strength * env.body.model.actuator_gainprm[env.body.hand.muscles, 2]
    )
    pushed = 0
    for _ in range(60):
        env.step(np.full((4, 46), 0.02))
        force = np.linalg.norm(env.body.backend.read("xfrc_applied")[:, :, :3], axis=2)
        assert force.max() <= 0.5 + 1e-9
        pushed += int((force > 0).any(axis=1).sum())
    assert 20 < pushed < 200


def test_other_rates_follow_the_same_motion(clips):
    fast = TrackingEnv(clips, replace(SMALL, sim_steps=1, episode=1.0))
    assert fast.step_dt == pytest.approx(0.002)
    results = roll(fast, 200)
    assert np.mean([result.terms["tip_error"] for result in results[150:]]) < 0.004
    with pytest.raises(InvalidValue):
        TrackingEnv(fast.references, SMALL)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TrackingConfig(sim_steps=0),
        lambda: TrackingConfig(look_ahead=(1,)),
        lambda: TrackingConfig(tip_limit=0.0),
        lambda: TrackingConfig(action_history=-1),
        lambda: DisturbanceConfig(strength=(2.0, 1.0)),
        lambda: DisturbanceConfig(delay=(0.02, 0.01)),
        lambda: DisturbanceConfig(push_time=0.0),
        lambda: TrackingEnv([], SMALL),
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidValue):
        wrong()


def test_a_hand_over_the_keyboard(clips):
    """The same table of observations and, out of reach of the keys, the same motion."""
    plain, env = (
        TrackingEnv(clips, replace(SMALL, num_envs=2, keys=keys), seed=1) for keys in (False, True)
    )
    assert env.body.model.nq == plain.body.model.nq + 48
    assert str(env.table) == str(plain.table)
    for result in roll(env, 5):
        assert not result.terminated.any()
        in_air = plain.step(plain.teacher_action())
        np.testing.assert_allclose(result.terms["tip_error"], in_air.terms["tip_error"], atol=1e-5)


def test_without_keys_nothing_is_owed_to_them(clips):
    held = replace(clips[0], notes=np.array([[0.0, 10.0, 60.0, 80.0, 2.0]]))
    forces = {}
    for keys in (True, False):
        env = TrackingEnv([held], replace(SMALL, num_envs=1, keys=keys))
        # A clip that no keys were planned for is done above them.
        forces[keys] = env.table.read(env.reset(seed=0), "press")
    assert (forces[True] == 0.0).all()
    assert (forces[False] == 0.0).all()


def test_delays_are_drawn_and_told(clips):
    disturbance = DisturbanceConfig(delay=(0.0, 0.024))
    env = TrackingEnv(clips, replace(SMALL, num_envs=16, episode=0.2, disturbance=disturbance))
    delays = []
    for _ in range(60):
        observation = env.step(np.full((16, 46), 0.03)).observation
        delays.append(env.table.read(observation, "delay")[:, 0])
    assert sorted(set(np.round(np.ravel(delays), 6))) == [0.0, 0.008, 0.016, 0.024]
    # Nobody's changes within an episode, which takes 25 steps at most.
    assert (np.diff(delays, axis=0) != 0).mean() < 0.1


@pytest.mark.slow
def test_worlds_on_warp_are_those_of_the_cpu(clips):
    """Single precision: a tenth of a second of the same excitations, on warp's CPU device."""
    pytest.importorskip("mujoco_warp")
    on_cpu = TrackingEnv(clips, SMALL)
    on_warp = TrackingEnv(clips, replace(SMALL, backend="warp"))
    np.testing.assert_allclose(on_cpu.reset(seed=2), on_warp.reset(seed=2), atol=1e-3)
    for _ in range(12):
        action = on_cpu.teacher_action()
        cpu = on_cpu.step(action)
        warp = on_warp.step(action)
        np.testing.assert_array_equal(cpu.terminated, warp.terminated)
        np.testing.assert_allclose(cpu.terms["tip_error"], warp.terms["tip_error"], atol=1e-4)
        np.testing.assert_allclose(cpu.reward, warp.reward, atol=0.02)
    np.testing.assert_allclose(
        on_cpu.body.proprioception().angles, on_warp.body.proprioception().angles, atol=1e-3
    )
