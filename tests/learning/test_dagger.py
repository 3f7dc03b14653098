"""Learning from a teacher: it is learnt, and interruptions leave no trace."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from musclehand.core.checkpoint import CheckpointError, load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.policy import Policy, policy_from_checkpoint
from support.dagger_run import SMALL, whole_run
from support.paths import TESTS
from support.toy_env import Points

pytestmark = pytest.mark.usefixtures("one_thread")


def errors(env, act, steps=20):
    observation = env.reset(seed=5)
    measured = []
    for _ in range(steps):
        result = env.step(act(observation))
        observation = result.observation
        measured.append(result.terms["error"])
    return float(np.mean(measured))


def test_the_network_does_what_its_teacher_does(tmp_path):
    log = []
    policy = DaggerTraining(Points(), SMALL, tmp_path, identity={}).run(log.append)
    env = Points()
    student = errors(Points(), policy.act)
    idle = errors(Points(), lambda observation: np.full((16, 2), 0.5))
    teacher = errors(env, lambda observation: env.teacher_action())
    assert teacher < 0.4 * idle
    assert student < teacher + 0.2 * (idle - teacher)
    assert [progress.iteration for progress in log] == list(range(4))
    assert log[0].terms is None
    assert log[-1].terms["error"] < 1.0
    assert log[-1].loss < log[0].loss


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    DaggerTraining(Points(), SMALL, tmp_path / "whole", identity={}).run()
    for _ in range(SMALL.iterations):
        DaggerTraining(Points(seed=9), SMALL, tmp_path / "parts", identity={}).iterate()
    same_arrays(tmp_path / "whole", tmp_path / "parts")


def same_arrays(whole, parts):
    whole = load_latest(whole)
    parts = load_latest(parts)
    assert whole.number == parts.number
    assert whole.info == parts.info
    assert whole.arrays.keys() == parts.arrays.keys()
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


RUN = """
import sys, torch
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from support.toy_env import Points
from support.dagger_run import whole_run
torch.set_num_threads(1)
print("begins", flush=True)
whole_run(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_twenty_kills_at_any_moment_leave_no_trace(tmp_path):
    pytest.importorskip("rsl_rl")
    whole_run(tmp_path / "whole")
    rng = np.random.default_rng(0)
    killed = 0
    command = [sys.executable, "-c", RUN, tmp_path / "killed", str(TESTS)]
    while killed < 20:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begins\n"
        time.sleep(float(rng.uniform(0.05, 0.6)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "all was done before the last kill"
        killed += 1
    assert subprocess.run(command, check=True, capture_output=True, timeout=300).returncode == 0
    for stage in ("warm", "ppo"):
        same_arrays(tmp_path / "whole" / stage, tmp_path / "killed" / stage)


def test_other_runs_are_refused(tmp_path):
    DaggerTraining(Points(), SMALL, tmp_path, identity={"model_sha256": "a"}).iterate()
    with pytest.raises(CheckpointError, match="model_sha256"):
        DaggerTraining(Points(), SMALL, tmp_path, identity={"model_sha256": "b"})
    with pytest.raises(CheckpointError, match="distill"):
        DaggerTraining(Points(), DaggerConfig(), tmp_path, identity={"model_sha256": "a"})


def test_a_policy_comes_back_from_its_checkpoint(tmp_path):
    policy = DaggerTraining(Points(), SMALL, tmp_path, identity={}).run()
    restored = policy_from_checkpoint(load_latest(tmp_path), num_observations=4, num_actions=2)
    observation = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_array_equal(policy.act(observation), restored.act(observation))
    with pytest.raises(InvalidValue):
        policy_from_checkpoint(load_latest(tmp_path), num_observations=5, num_actions=2)


def test_a_policy_begins_near_rest_and_is_what_its_seed_says():
    observation = np.random.default_rng(0).normal(size=(50, 30))
    first, again, different = (Policy(30, 46, seed=seed).act(observation) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, different)
    assert first.min() > 0.02
    assert first.max() < 0.12
    with pytest.raises(InvalidValue):
        Policy(0, 2)
    for wrong in (
        {"steps": 0},
        {"learning_rate": 0.0},
        {"noise": -0.1},
        {"dagger_beta": (1.0, -0.5)},
        {"hidden": (8, 0)},
    ):
        with pytest.raises(InvalidValue):
            DaggerConfig(**wrong)
