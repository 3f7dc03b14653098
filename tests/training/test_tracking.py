"""Training of tracking policies on a corpus of two clips, and their evaluation."""

import json
from dataclasses import replace

import numpy as np
import pytest

from musclehand import training
from musclehand.core.checkpoint import CheckpointError, load_checkpoint
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.learning.apg import ApgConfig
from musclehand.learning.dagger import DaggerConfig
from musclehand.motion.dataset import MotionCorpus
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training.evaluation import AIR, KEYS, TEACHER, evaluate_tracking
from musclehand.training.reporter import SilentReporter
from musclehand.training.tracking import TrackConfig, track
from support.tracking_clips import write_small_corpus

pytest.importorskip("rsl_rl")

from musclehand.learning.ppo import PpoConfig

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_small_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """A run that was never interrupted."""
    return track(corpus, tmp_path_factory.mktemp("whole"), config_of(2, 2))


def config_of(dagger, ppo):
    """A small training with so many iterations."""
    return TrackConfig(
        envs=4,
        scores=1,
        apg=ApgConfig(iterations=0),
        dagger=DaggerConfig(
            iterations=dagger, steps=10, updates=5, batch=16, hidden=(16,), buffer_iterations=3
        ),
        ppo=PpoConfig(
            iterations=ppo,
            steps=8,
            minibatches=2,
            epochs=1,
            critic_hidden=(16,),
            critic_warm_up=1,
        ),
    )


def test_a_training_is_resumed_to_the_same_bits(corpus, whole, tmp_path):
    for dagger, ppo in ((1, 0), (2, 1), (2, 2)):
        parts = track(corpus, tmp_path, config_of(dagger, ppo))
    first = load_checkpoint(whole.policy_path)
    second = load_checkpoint(parts.policy_path)
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(values, second.arrays[name], err_msg=name)
    stages = [(row["stage"], row["iteration"]) for row in whole.metrics]
    assert stages == [("dagger", 0), ("dagger", 1), ("ppo", 0), ("ppo", 1)]
    assert [(row["stage"], row["iteration"]) for row in parts.metrics] == stages
    assert parts.scores == whole.scores


def test_a_run_tells_how_held_out_clips_are_followed(whole):
    (score,) = whole.scores
    assert score.kind == "wave"
    assert json.loads((whole.folder / "scores.json").read_text()) == [score._asdict()]
    settings = json.loads((whole.folder / "config.json").read_text())
    assert settings["envs"] == 4
    assert settings["dagger"]["hidden"] == [16]
    info = load_checkpoint(whole.policy_path).info
    assert info["stage"] == "ppo"
    # A policy's file does not say where things were on the machine that trained it.
    assert not {"corpus", "out", "ray", "backend"} & info["config"].keys()


def test_a_run_with_another_configuration_is_refused(corpus, whole):
    config = config_of(2, 2)
    other = replace(config, dagger=replace(config.dagger, updates=6))
    with pytest.raises(CheckpointError):
        track(corpus, whole.folder, other)


def test_a_cold_start_leaves_the_warm_start_out(corpus, tmp_path):
    config = replace(config_of(2, 0), cold=True, keys=False)
    run = track(corpus, tmp_path, replace(config, apg=ApgConfig(iterations=1, steps=4)))
    assert [row["stage"] for row in run.metrics] == ["apg"]
    assert not (tmp_path / "dagger").exists()
    assert not (tmp_path / "planned").exists()


def test_a_training_goes_on_from_an_earlier_policy(corpus, whole, tmp_path):
    """The warm start is left out; the file says what the training began with."""
    config = replace(config_of(2, 0), keys=False)
    first = track(corpus, tmp_path / "none", config, start=whole.policy_path)
    for name, values in whole.policy.policy.state_dict().items():
        np.testing.assert_array_equal(values, first.policy.policy.state_dict()[name], name)
    assert first.metrics == []
    assert first.policy.info["stage"] == "start"
    apg = ApgConfig(iterations=2, steps=4, minibatches=2)
    for iterations in (1, 2):
        part = replace(config, apg=replace(apg, iterations=iterations))
        run = track(corpus, tmp_path / "apg", part, start=whole.policy)
    assert [(row["stage"], row["iteration"]) for row in run.metrics] == [("apg", 0), ("apg", 1)]
    again = track(
        corpus, tmp_path / "again", replace(config, apg=apg), start=str(whole.policy_path)
    )
    first, second = (load_checkpoint(each.policy_path) for each in (run, again))
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(values, second.arrays[name], err_msg=name)
    origin = first.info["start"]
    assert origin["model_sha256"] == whole.policy.info["model_sha256"]
    assert origin["observation_sha256"] == whole.policy.info["observation_sha256"]
    assert first.info["stage"] == "apg"
    # With another start it is another run.
    with pytest.raises(CheckpointError):
        track(corpus, tmp_path / "apg", replace(config, apg=apg), start=run.policy)


def test_a_training_with_sensory_delay_goes_on_from_one_without(corpus, whole, tmp_path):
    config = replace(config_of(0, 0), keys=False, action_history=2, sensory_delay=0.016)
    apg = ApgConfig(iterations=1, steps=4, minibatches=2)
    run = track(corpus, tmp_path, replace(config, apg=apg), start=whole.policy_path)
    inputs = whole.policy.policy.sizes[0]
    assert run.policy.policy.sizes[0] == inputs + 2 * 46


def test_a_corpus_without_held_out_clips_trains_and_says_so(corpus, tmp_path, monkeypatch):
    clips = MotionCorpus.clips
    monkeypatch.setattr(
        MotionCorpus,
        "clips",
        lambda self, split: () if split == "validation" else clips(self, split),
    )
    messages = []
    reporter = SilentReporter()
    monkeypatch.setattr(reporter, "message", messages.append)
    config = replace(config_of(1, 0), keys=False)
    run = track(corpus, tmp_path, config, reporter=reporter)
    assert run.scores == ()
    assert run.policy_path.exists()
    assert any("no clip in its validation split" in message for message in messages)


def test_a_seed_of_a_stage_is_refused():
    """It would be ignored: the run's seed is that of all its stages."""
    with pytest.raises(InvalidValue, match=r"apg\.seed"):
        TrackConfig(apg=ApgConfig(seed=3))
    assert TrackConfig(seed=3, apg=ApgConfig(seed=3)).seed == 3


def test_shards_have_to_divide_the_hands(corpus, tmp_path):
    with pytest.raises(InvalidValue, match="a divisor of 4 hands"):
        track(corpus, tmp_path, replace(config_of(1, 0), keys=False, shards=3))
    with pytest.raises(InvalidValue, match="auto or cpu"):
        track(corpus, tmp_path, replace(config_of(1, 0), ray=(), backend="warp"))


def test_a_policy_is_judged_beside_its_teacher(corpus, whole):
    result = evaluate_tracking(
        whole.policy,
        corpus,
        split="validation",
        scores=0,
        conditions=("undisturbed", "one muscle at 50 %"),
    )
    assert result.places() == [("undisturbed", AIR), ("one muscle at 50 %", AIR)]
    assert len(result.clips) == 4
    assert 0.0 < result.tip_error(TEACHER) < result.tip_error("policy")
    assert result.tip_error("policy") == pytest.approx(1e3 * result.scores("policy")[0].tip_mean)
    row = result.rows()[0]
    assert (row["actor"], row["condition"], row["place"]) == (TEACHER, "undisturbed", AIR)
    with pytest.raises(UnknownName, match="condition"):
        evaluate_tracking(whole.policy, corpus, conditions=("drunk",))


def test_policies_are_judged_on_keys_as_well(corpus):
    policies = {"bundled": load_tracking_policy()}
    result = evaluate_tracking(policies, corpus, clips=1, scores=1, teacher=False)
    assert {place for _, place in result.places()} == {AIR, KEYS}
    assert result.tip_error("bundled", place=KEYS) < 5.0
    assert all(score.name.startswith("plan ") for score in result.scores("bundled", place=KEYS))


def test_the_package_offers_its_functions():
    assert training.track is track
    assert set(training.__all__) <= set(dir(training))
    for name in training.__all__:
        assert getattr(training, name).__doc__
