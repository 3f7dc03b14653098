"""Control rate: computed muscle control at several rates, on six generated scores.

    python experiments/bench_rate.py --seconds 8
    python experiments/bench_rate.py --sim-steps 2 4

An activation acts longer in a longer control interval, so the weight of effort is proportional to
the interval. The real-time factor is by processor time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import thread_time
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.controllers.muscle import MuscleController, playing_control
from musclehand.core.time_steps import SIM_DT
from musclehand.music.generate import exercises as generate
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.planning.plan import PlanConfig, plan_performance

TITLE = "Control rate"

PROSE = """\
Computed muscle control at several control rates. Means over six generated scores; the speed is
by processor time; the weight of effort is proportional to the control interval."""


@dataclass(frozen=True)
class Args:
    """How much to play."""

    sim_steps: tuple[int, ...] = (2, 3, 4, 5)
    """Simulation steps of 2 ms in a control step."""

    seconds: float = 10.0
    """Of each score."""

    results: bool = False
    """Write the results page."""


class Outcome(NamedTuple):
    """Figures of one score at one rate."""

    onset_f1: float
    """Onset F1 within 50 ms."""

    frame_f1: float
    """Frame F1, micro average."""

    onset_error_ms: float
    """[ms] Median onset error."""

    joint_rmse_deg: float
    """[deg] Joint error, root mean square."""

    activation: float
    """Mean activation."""

    realtime_factor: float
    """Seconds of music a second of processor time."""


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
    rows = []
    with threadpool_limits(limits=1):
        for sim_steps in args.sim_steps:
            rows.append(row(sim_steps, [play(score, sim_steps) for score in music]))
            print(*rows[-1], flush=True)
    table = markdown_table(HEAD, rows)
    print(table)
    if args.results:
        body = f"{PROSE}\n\n{table}"
        write_results_page("rate", TITLE, command_of(__file__, args), body)


def play(score: Score, sim_steps: int) -> Outcome:
    """Plays one score at one rate."""
    default = PlanConfig()
    # An activation does more in a longer interval.
    effort = playing_control().effort * sim_steps / default.sim_steps
    begin = thread_time()
    plan = plan_performance(score, config=replace(default, sim_steps=sim_steps))
    controller = MuscleController(plan, control=replace(playing_control(), effort=effort))
    result = perform(score, controller)
    taken = thread_time() - begin
    return Outcome(
        onset_f1=result.metrics.onset_f1_50ms or 0.0,
        frame_f1=result.metrics.frame_f1_micro or 0.0,
        onset_error_ms=result.metrics.onset_error_ms_median or 0.0,
        joint_rmse_deg=result.body.joint_rmse_deg or 0.0,
        activation=result.body.mean_activation or 0.0,
        realtime_factor=result.duration_s / taken,
    )


HEAD = (
    "control rate",
    "onset F1 50 ms",
    "frame F1 micro",
    "onset error ms",
    "joints deg",
    "activation",
    "x real time",
)


def row(sim_steps: int, outcomes: Sequence[Outcome]) -> list[str]:
    """A row of the table: means over the scores at one rate."""
    mean = Outcome(*np.mean(outcomes, axis=0))
    return [
        f"{1.0 / (sim_steps * SIM_DT):.0f} Hz",
        f"{mean.onset_f1:.3f}",
        f"{mean.frame_f1:.3f}",
        f"{mean.onset_error_ms:.1f}",
        f"{mean.joint_rmse_deg:.2f}",
        f"{mean.activation:.3f}",
        f"{mean.realtime_factor:.2f}",
    ]


if __name__ == "__main__":
    run_script(main, Args, __doc__)
