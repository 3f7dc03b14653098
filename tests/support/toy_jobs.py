"""Jobs for the tests of clusters: in a module of their own, so that other processes can import
them."""

import time
from dataclasses import replace

import numpy as np
import torch

from musclehand.core.errors import InvalidValue
from musclehand.learning.apg import ApgTraining
from support.differentiable_points import SMALL, DifferentiablePoints, fresh


def points(number):
    env = DifferentiablePoints(4 + number, seed=number)
    # These can only step while they are watched.
    env.start_recording()
    return env


def backward_gradients(env):
    """The gradient of what was watched, as if each action had been answered alike."""
    answer = np.full((env.num_envs, env.num_observations), 0.1)
    return np.array([env.backward_step(answer) for _ in range(env.begin_backward(0.9))])


def slow_points(number):
    """With a step that takes a while, as a simulation's does, so that there is time to lose a
    machine."""
    env = points(number)
    step = env.step
    env.step = lambda action: (time.sleep(0.01), step(action))[1]
    return env


def unwilling(number):
    raise InvalidValue("number of a shard", number, "another")


def train(job):
    """A training with a seed in a folder, some seconds long; each start of it leaves a file."""
    seed, folder, pause = job
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"started_{time.time_ns()}").touch()
    if seed < 0:
        raise InvalidValue("seed", seed, "0 or more")
    run = ApgTraining(
        points(seed), fresh(), replace(SMALL, iterations=20, seed=seed), folder, identity={}
    )
    run.run(lambda _: time.sleep(pause))
    return run.iterations_done
