"""How often muscle control has to decide: generated scores played at several control rates, one
line a rate.

    python experiments/bench_rate.py
    python experiments/bench_rate.py --seconds 5 --sim-steps 3 4

Processor time as in `bench_speed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import thread_time
from typing import NamedTuple

import numpy as np
import tyro
from threadpoolctl import threadpool_limits

from musclehand.controllers.muscle import MuscleController, playing_control
from musclehand.core.time_steps import SIM_DT
from musclehand.music.generate import exercises as generate
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.planning.plan import PlanConfig, plan_performance


@dataclass(frozen=True)
class Args:
    """How much to play."""

    sim_steps: tuple[int, ...] = (2, 3, 4, 5)
    """simulation steps in a control step"""
    seconds: float = 10.0
    """of each score"""


class Outcome(NamedTuple):
    """Of one score at one rate: scores of the metrics, joint error [deg], mean activation, and
    speed."""

    onset_f1: float
    frame_f1: float
    onset_error_ms: float
    joint_rmse_deg: float
    activation: float
    realtime_factor: float


def scores(seconds: float) -> list[Score]:
    """Six scores of one and two hands, from easy to hard."""
    textures = [
        generate.two_hand_texture(np.random.default_rng(seed), difficulty, seconds)
        for seed, difficulty in ((1, 0.2), (2, 0.5), (3, 0.8))
    ]
    return [
        *textures,
        generate.random_melody(np.random.default_rng(4), 0.6, seconds=seconds),
        generate.scale("E4", "major", octaves=2, notes_per_second=6).clip(0, seconds),
        generate.chord_progression(
            "G4", "major", (1, 4, 5, 1), style="alberti", seconds_per_chord=2.0
        ).clip(0, seconds),
    ]


def main(args: Args) -> None:
    """Plays every score at every rate and prints the means."""
    music = [keyboard_score(score) for score in scores(args.seconds)]
    print(
        "| simulation steps | rate | onset F1 | frame F1 | onset error | joint error | activation | realtime factor |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with threadpool_limits(limits=1):
        for sim_steps in args.sim_steps:
            print(line(sim_steps, [play(score, sim_steps) for score in music]), flush=True)


def play(score: Score, sim_steps: int) -> Outcome:
    """One score at one rate."""
    default = PlanConfig()
    # An activation does more in a longer interval.
    effort = playing_control().effort * sim_steps / default.sim_steps
    begin = thread_time()
    plan = plan_performance(score, config=replace(default, sim_steps=sim_steps))
    controller = MuscleController(plan, control=replace(playing_control(), effort=effort))
    result = perform(score, controller)
    taken = thread_time() - begin
    return Outcome(
        onset_f1=result.metrics.onset_f1_50ms,
        frame_f1=result.metrics.frame_f1_micro,
        onset_error_ms=result.metrics.onset_error_ms_median or 0.0,
        joint_rmse_deg=result.body.joint_rmse_deg or 0.0,
        activation=result.body.mean_activation or 0.0,
        realtime_factor=result.duration_s / taken,
    )


def line(sim_steps: int, outcomes: Sequence[Outcome]) -> str:
    """A row of the table: means over the scores."""
    mean = Outcome(*np.mean(outcomes, axis=0))
    return (
        f"| {sim_steps} | {1.0 / (sim_steps * SIM_DT):.0f} Hz | {mean.onset_f1:.3f} | {mean.frame_f1:.3f} "
        f"| {mean.onset_error_ms:.1f} ms | {mean.joint_rmse_deg:.2f} deg | {mean.activation:.3f} "
        f"| {mean.realtime_factor:.2f} |"
    )


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
