"""Many seeds and shards of hands: what they leave, how far they are, and what is said of them in
the end."""

import io
import json
import pickle
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.shards import ShardedEnv
from support.scripts import load
from support.tracking_clips import wave

HEADER = "stage,iteration,seconds,steps_s,tip_error\n"
SMALL = TrackingConfig(
    num_envs=4, disturbance=DisturbanceConfig(motor_noise=0.1, strength=(0.8, 1.2))
)


@pytest.fixture(scope="module")
def scale_out():
    yield load("scale_out")
    for name in ("scale_out",):
        del sys.modules[name]


@dataclass(frozen=True)
class Args:
    """As much of the training command's as matters."""

    out: Path
    corpus: Path = Path("corpus")
    seeds: tuple[int, ...] = ()
    seed: int = 0
    ray: tuple[str, ...] | None = None
    threads: int = 1


def train(args, console):
    """Leaves what a training does."""
    console.print("trains")
    if args.seed == 13:
        raise InvalidValue("seed", args.seed, "another")
    (args.out / "metrics.csv").write_text(HEADER + "warm,0,2.0,100,\nwarm,1,4.0,50,0.002\n")
    clip = {
        "joint_rmse": 0.02,
        "tip_mean": 0.001 * args.seed,
        "tip_p95": 0.01,
        "survived": True,
        "activation": 0.1,
    }
    (args.out / "scores.json").write_text(json.dumps([clip, clip | {"survived": False}]))


def test_seeds_are_trained_in_folders_of_their_own(scale_out, tmp_path):
    said = io.StringIO()
    args = Args(tmp_path / "run", seeds=(1, 2, 3))
    scale_out.train_seeds(train, args, {"warm": 2}, Console(file=said, width=120))
    summary = json.loads((args.out / "summary.json").read_text())
    assert summary["tip_mean"]["values"] == pytest.approx([0.001, 0.002, 0.003])
    assert summary["tip_mean"]["mean"] == pytest.approx(0.002)
    # Student's t of two degrees of freedom: 4.303 standard errors.
    assert summary["tip_mean"]["interval"] == pytest.approx(4.302653 * 0.001 / np.sqrt(3))
    assert summary["survived"]["mean"] == 0.5
    assert "± 2.48" in said.getvalue()
    assert "done" in said.getvalue()
    assert (args.out / "seed_2" / "log.txt").read_text() == "trains\n"


def test_a_seed_that_fails_leaves_the_others_alone(scale_out, tmp_path):
    said = io.StringIO()
    args = Args(tmp_path, seeds=(13, 2))
    with pytest.raises(MusclehandError, match="seed 13: seed is 13; it must be another"):
        scale_out.train_seeds(train, args, {"warm": 2}, Console(file=said, width=120))
    assert json.loads((tmp_path / "summary.json").read_text())["tip_mean"]["interval"] is None
    with pytest.raises(InvalidValue, match="each only once"):
        scale_out.train_seeds(train, replace(args, seeds=(1, 1)), {}, Console(file=said))
    with pytest.raises(InvalidValue, match="one address or none"):
        scale_out.train_seeds(train, replace(args, ray=("a", "b")), {}, Console(file=said))
    assert scale_out.summarise([]) == {}


def test_it_tells_how_far_a_training_is(scale_out, tmp_path):
    totals = {"warm": 3, "slope": 10}
    assert scale_out.standing_of(tmp_path / "none", totals).stage == "waits"
    assert scale_out.standing_of(tmp_path, totals).stage == "prepares"
    path = tmp_path / "metrics.csv"
    path.write_text(HEADER)
    assert scale_out.standing_of(tmp_path, totals).stage == "prepares"
    path.write_text(HEADER + "warm,0,2.0,100,\nwarm,1,4.0,50,0.002\n")
    # One iteration of the warm start and ten more, of which nothing is known yet, at 3 s each.
    assert scale_out.standing_of(tmp_path, totals) == ("warm", 2, 50.0, 0.002, 33.0)
    path.write_text(HEADER + "warm,0,2,1,\nwarm,1,4,1,\nwarm,2,6,1,\nslope,0,5,70,0.001\n")
    assert scale_out.standing_of(tmp_path, totals) == ("slope", 1, 70.0, 0.001, 45.0)
    short = {"warm": 3, "slope": 1}
    assert scale_out.standing_of(tmp_path, short)[:3] == ("evaluates", 1, 70.0)
    (tmp_path / "scores.json").write_text("[]")
    assert scale_out.standing_of(tmp_path, short)[0] == "done"


def test_hands_are_shared_out(scale_out, tmp_path):
    pattern = TrackingEnv([wave(3)], replace(SMALL, num_envs=1), seed=0)
    place = {"seed": 5, "ray": None, "bad_states": tmp_path}
    with scale_out.hands(pattern, SMALL, shards=2, **place) as env:
        assert isinstance(env, ShardedEnv)
        seen = env.reset(seed=5)
        assert seen.shape == (4, pattern.num_observations)
        assert not np.array_equal(seen[:2], seen[2:])
        state = env.state()
        env.start_recording()
        rng = np.random.default_rng(0)
        actions = rng.uniform(size=(5, 4, env.num_actions)) * 0.1
        first = [env.step(action) for action in actions]
        assert env.begin_backward(0.8) == len(actions)
        slopes = np.array([env.backward_step(None), *(env.backward_step(0.01 * seen) for _ in actions[1:])])
        assert slopes.shape == actions.shape
        assert np.abs(slopes).max() > 0
        assert env.teacher_action().shape == (4, env.num_actions)
        np.testing.assert_array_equal(env.restore(state), seen)
        for action, result in zip(actions, first, strict=True):
            again = env.step(action)
            np.testing.assert_array_equal(again.observation, result.observation)
            np.testing.assert_array_equal(again.terms["tip_error"], result.terms["tip_error"])
    make = pickle.loads(pickle.dumps(scale_out.HandMaker(pattern.references, SMALL, 5, tmp_path)))
    assert make(1).num_envs == 4
    with (
        pytest.raises(InvalidValue, match="a divisor of 4 hands"),
        scale_out.hands(pattern, SMALL, shards=3, **place),
    ):
        pytest.fail("they cannot be")
    with scale_out.hands(pattern, pattern.config, shards=1, **place) as env:
        assert env is pattern
    with (
        pytest.raises(InvalidValue, match="seeds or shards"),
        scale_out.hands(pattern, SMALL, shards=1, **{**place, "ray": ()}),
    ):
        pytest.fail("there is nothing to place")
