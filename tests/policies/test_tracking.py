"""Policies on file, and the command that has a clip followed."""

import copy
import json

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.cli.track import TrackArgs, track
from musclehand.core.checkpoint import load_checkpoint, save_checkpoint
from musclehand.core.errors import FileError, MusclehandError, UnknownName
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import evaluate, follow_teacher
from musclehand.envs.tracking.follow import follow
from musclehand.learning.policy import Policy
from musclehand.motion.clip import read_clips, write_clips
from musclehand.motion.sources import load_clip
from musclehand.policies.fingerprint import describe_model
from musclehand.policies.tracking import load_tracking_policy, save_tracking_policy
from support.tracking_clips import wave

CLIPS = [wave(0, seconds=0.5), wave(1, seconds=0.5, side=Side.LEFT)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A policy that has learnt nothing, its file, and its environment."""
    env = TrackingEnv(CLIPS, TrackingConfig(num_envs=2, action_history=1, look_ahead=(2, 5)))
    policy = Policy(env.num_observations, env.num_actions, (16,), seed=3)
    return (
        policy,
        save_tracking_policy(tmp_path_factory.mktemp("policy"), policy, env, {"data": "none"}),
        env,
    )


def test_a_policy_comes_back_with_its_environment(saved):
    policy, path, env = saved
    assert path.name == "tracking.json"
    loaded = load_tracking_policy(path)
    assert (loaded.config.action_history, loaded.config.look_ahead) == (1, (2, 5))
    assert loaded.info["data"] == "none"
    observation = env.reset(seed=0)
    np.testing.assert_array_equal(loaded.act(observation, env), policy.act(observation))


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "0"},
        {"observation_sha256": "0"},
        {"action_history": None},
        {"look_ahead": 3},
        {"policy_sizes": None},
    ],
)
def test_a_policy_for_something_else_is_refused(saved, tmp_path, change):
    kept = load_checkpoint(saved[1])
    info = {**kept.info, **change}
    path = save_checkpoint(
        tmp_path, 1, kept.arrays, {key: value for key, value in info.items() if value is not None}
    )
    with pytest.raises(MusclehandError, match=r"another|does not say|policy_sizes"):
        load_tracking_policy(path)


def test_a_clip_is_followed_on_its_own_side():
    right, left = (follow(clip, follow_teacher) for clip in CLIPS)
    for followed, clip in ((right, CLIPS[0]), (left, CLIPS[1])):
        assert not followed.failed
        rows = len(followed.angles)
        assert followed.time[-1] == pytest.approx(rows * 0.008)
        np.testing.assert_allclose(followed.reference, clip.qpos[1 : rows + 1], atol=1e-5)
        np.testing.assert_allclose(
            followed.reference_forearm, clip.forearm[1 : rows + 1], atol=1e-5
        )
        np.testing.assert_allclose(
            followed.reference_tips, clip.fingertips[1 : rows + 1], atol=1e-5
        )
        assert np.abs(followed.forearm - followed.reference_forearm).max() < 0.005
        assert followed.tip_errors.mean() < 0.006
        again = followed.as_clip("again", {"made": "here"})
        assert again.muscles[0] in right.muscles
    assert left.forearm[0, 0] < 0 < right.forearm[0, 0]


@pytest.mark.parametrize("controller", ["policy", "teacher"])
def test_the_command_writes_what_the_hand_did(saved, tmp_path, controller, capsys):
    write_clips(tmp_path / "clips.h5", CLIPS)
    out = tmp_path / "out"
    track(
        TrackArgs(
            f"{tmp_path / 'clips.h5'}:wave_1_l",
            out=out,
            controller=controller,
            policy=saved[1],
            seconds=0.3,
        )
    )
    (clip,) = read_clips(out / "followed.h5")
    assert clip.side is Side.LEFT
    assert clip.activations.shape[1] == 46
    summary = json.loads((out / "tracking.json").read_text())
    assert summary["seconds_asked"] == pytest.approx(0.3, abs=0.01)
    assert (out / "tracking.png").stat().st_size > 10_000
    assert "left hand" in capsys.readouterr().out


def test_clips_that_are_not_there_are_said(tmp_path):
    write_clips(tmp_path / "clips.h5", CLIPS)
    assert load_clip(tmp_path / "clips.h5").name == "wave_0_r"
    with pytest.raises(UnknownName):
        load_clip(f"{tmp_path / 'clips.h5'}:wave_9")
    with pytest.raises(FileError):
        load_clip(tmp_path / "nothing.h5")
    with pytest.raises(UnknownName):
        track(TrackArgs(str(tmp_path / "clips.h5"), controller="nobody"))


def test_the_bundled_policy_follows_motion_that_it_never_saw():
    """Waves of all joints at once, of either hand; half a degree and a millimetre are the
    teacher's."""
    loaded = load_tracking_policy()
    scores = evaluate([wave(20), wave(21, side=Side.LEFT)], loaded.act, loaded.config)
    assert all(score.survived for score in scores)
    assert max(score.tip_mean for score in scores) < 0.006
    assert max(score.joint_rmse for score in scores) < np.radians(4.0)
    assert loaded.info["stage"] == "apg"


def test_a_description_is_that_of_the_body():
    model = TrackingEnv(CLIPS, TrackingConfig(num_envs=1)).body.model
    changed = copy.copy(model)
    assert describe_model(changed) == describe_model(model)
    changed.body_mass[5] *= 1.001
    assert describe_model(changed) != describe_model(model)
