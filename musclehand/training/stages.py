"""One stage of a run: a training algorithm in a folder of its own, with its log."""

from __future__ import annotations

from typing import Any, NamedTuple

from musclehand.learning.policy import Policy
from musclehand.learning.training import Training
from musclehand.training.run_log import RunLog

__all__ = ["metrics_of", "run_stage"]

_NO_METRICS = ("iteration", "steps", "terms", "losses")


def run_stage(training: Training[Any, Any, Any], stage: str, log: RunLog) -> Policy:
    """Does the iterations of a training that its folder does not have yet.

    Args:
        training: the algorithm, which has found out how far its folder is.
        stage: name of the stage in the log.
        log: gets a row for each iteration.

    Returns:
        The trained policy.
    """
    log.begin(stage, training.config.iterations, training.iterations_done)
    steps = training.config.steps * training.env.num_envs

    def record(progress: Any) -> None:
        log.record(stage, progress.iteration, steps, metrics_of(progress))

    return training.run(record)


def metrics_of(progress: NamedTuple) -> dict[str, float]:
    """The numbers that an algorithm reports of an iteration, as columns of the log.

    Means of the environment's terms keep their names; losses are called `loss_NAME`.
    """
    values = progress._asdict()
    numbers = {name: value for name, value in values.items() if name not in _NO_METRICS}
    if "loss" in numbers:
        numbers = {"loss": numbers.pop("loss"), **numbers}
    losses = {f"loss_{name}": value for name, value in values.get("losses", {}).items()}
    return {**numbers, **(values.get("terms") or {}), **losses}
