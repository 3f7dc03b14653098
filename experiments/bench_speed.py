"""Cost of a performance: planning, muscle control and simulation beside the bare physics.

    python experiments/bench_speed.py --seconds 40
    python experiments/bench_speed.py --pieces fuer_elise --seconds 5

Every piece is played in two ways. In one process, with a clock at every stage: processor time
(`time.thread_time`), which other programs on the machine hardly change. And as `perform` does by
default, with the reference in a second process: wall-clock time of the whole, for which two cores
should be idle (the quickest of `repeats`), and processor time of the main process plus its waiting
for the other, which is the wall-clock time on idle cores. Bare physics is the same run once more,
nothing but `mj_step` with the controls kept from the first.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any, NamedTuple

import mujoco
import numpy as np
from threadpoolctl import threadpool_limits
from typing_extensions import override

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.run import Run
from musclehand.core.atomic import write_file
from musclehand.core.recording import RecordingWriter
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.planning.lookahead import start_helper
from musclehand.planning.plan import LEAD_IN, TAIL, PlanConfig, plan_performance

TITLE = "Cost of planning, control and simulation"

PROSE = """\
"Wall" is wall-clock time of the player as it is by default: inverse kinematics of both hands in
a second process ahead of the simulation, and the ratio to the bare `mj_step` of the same run.
"Main process" is its processor time and its waiting for the second process. All other columns
are processor time with everything in one process (`--processes 1`, same bytes): the whole, one
control decision for one hand, inverse kinematics of a hand and step, and shares of the stages."""


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = (
        "clementi_sonatina",
        "bach_prelude_in_c",
        "entertainer",
        "fuer_elise",
    )
    """Pieces of the repertoire, all for two hands."""

    seconds: float = 30.0
    """Of each piece, from its beginning."""

    repeats: int = 3
    """Runs in two processes, and of the bare physics, of which the quickest counts."""

    out: Path = Path("runs/bench_speed")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


class Clock(NamedTuple):
    """Two times of this thread."""

    wall: float
    """[s] Wall-clock time."""

    work: float
    """[s] Processor time."""

    @classmethod
    def now(cls) -> Clock:
        """The present times, to be subtracted from later ones."""
        return cls(perf_counter(), thread_time())

    def since(self, begin: Clock) -> Clock:
        """The times that have passed since some earlier ones."""
        return Clock(self.wall - begin.wall, self.work - begin.work)


@dataclass(frozen=True)
class Cost:
    """What a performance costs. Processor times are those in one process."""

    piece: str
    """Name of the piece."""

    music: float
    """[s] Length of the music."""

    total: float
    """[s] Processor time of everything."""

    plan: float
    """[s] Processor time of planning."""

    physics: float
    """[s] Processor time of the simulation."""

    listen: float
    """[s] Processor time of finding the notes that sound, and of the rest of the run."""

    score: float
    """[s] Processor time of the metrics."""

    control: Sequence[float]
    """[s] Processor time of muscle control, for each step and hand."""

    reference: Sequence[float]
    """[s] Processor time of inverse kinematics, for each step and hand."""

    both: Clock
    """[s] The same performance in two processes."""

    bare: Clock
    """[s] The physics alone."""

    @property
    def main_factor(self) -> float:
        """Seconds of music a second of the main process."""
        return self.music / self.both.work

    @property
    def realtime_factor(self) -> float:
        """Seconds of music a second of wall-clock time, in two processes."""
        return self.music / self.both.wall

    @property
    def over_physics(self) -> float:
        """Wall-clock time of the whole over that of bare physics."""
        return self.both.wall / self.bare.wall


def main(args: Args) -> None:
    """Plays every piece and prints its costs."""
    args.out.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(limits=1):
        # Loads what is loaded once in a process.
        measure(load_piece(args.pieces[0]).clip(0, 1), args.pieces[0])
        costs = [
            measure(load_piece(piece).clip(0, args.seconds), piece, args.repeats)
            for piece in args.pieces
        ]
    table = render(costs)
    write_file(args.out / "speed.json", json.dumps([summary(cost) for cost in costs], indent=1))
    print(table)
    if args.results:
        body = f"{PROSE}\n\n{table}"
        write_results_page("speed", TITLE, command_of(__file__, args), body)


def measure(score: Score, name: str, repeats: int = 1, config: PlanConfig | None = None) -> Cost:
    """Plays a score as `perform` does, with a clock at every stage, then in two processes, then
    its physics alone.

    Args:
        score: to play.
        name: of the piece.
        repeats: runs of the last two, of which the quickest counts.
        config: of planning.
    """
    clocks: dict[str, list[float]] = defaultdict(list)
    begin = thread_time()
    target = keyboard_score(score)
    player = MuscleController(plan_performance(target, config=config))
    planned = thread_time()
    for owner, method in ((player, "control"), (player, "drive"), (player.stream, "at")):
        watch(owner, method, clocks)
    run = _Kept(player, end=end_of(player, target))
    played = run.play()
    heard = thread_time()
    score_performance(target, played)
    end = thread_time()
    reference = np.array(clocks["at"][1:])  # `reset` asks for the first step once more
    both = []
    bare = []
    for _ in range(repeats):
        both.append(play_in_two(score, run, config))
        bare.append(run.bare())
    return Cost(
        piece=name,
        music=score.duration,
        total=end - begin,
        plan=planned - begin,
        physics=run.physics,
        listen=heard - planned - run.physics - sum(clocks["control"]) - clocks["at"][0],
        score=end - heard,
        control=((np.array(clocks["control"]) - reference) / 2).tolist(),
        reference=((reference + clocks["at"][0] / len(reference)) / 2).tolist(),
        both=Clock(*map(min, zip(*both, strict=True))),
        bare=Clock(*map(min, zip(*bare, strict=True))),
    )


def play_in_two(score: Score, before: Run, config: PlanConfig | None) -> Clock:
    """Times of the same performance with a second process; waiting for that process counts as
    work.

    Args:
        score: to play.
        before: the run in one process, which ends with the same positions.
        config: of planning.
    """
    waits: list[float] = []
    begin = Clock.now()
    target = keyboard_score(score)
    helper = start_helper()
    player = MuscleController(plan_performance(target, config=config), helper=helper)
    take = helper.take

    def waited(number: int, *, wait: bool) -> np.ndarray | None:
        before = Clock.now()
        block = take(number, wait=wait)
        passed = Clock.now().since(before)
        waits.append(passed.wall - passed.work)
        return block

    helper.take = waited  # type: ignore[method-assign]
    run = Run(player, end=end_of(player, target))
    score_performance(target, run.play())
    taken = Clock.now().since(begin)
    taken = Clock(taken.wall, taken.work + sum(waits))
    assert np.array_equal(run.data.qpos, before.data.qpos), "two processes ended elsewhere"
    return taken


def end_of(player: MuscleController, target: Score) -> float:
    """End of the run, as in `perform` [s]."""
    return LEAD_IN + max(target.duration, player.score.duration) + TAIL


def watch(owner: Any, name: str, clocks: dict[str, list[float]]) -> None:
    """Makes a method of one object note the processor time of each of its calls.

    Args:
        owner: the object.
        name: of the method.
        clocks: gets the times, by the name.
    """
    method = getattr(owner, name)

    @wraps(method)
    def timed(*args: Any, **kwargs: Any) -> Any:
        begin = thread_time()
        result = method(*args, **kwargs)
        clocks[name].append(thread_time() - begin)
        return result

    setattr(owner, name, timed)


class _Kept(Run):
    """A run with a clock at the physics, which keeps its controls to be simulated again."""

    @override
    def play(self, writer: RecordingWriter | None = None) -> Score:
        self.begin: np.ndarray | None = None
        self.controls: list[np.ndarray] = []
        self.physics = 0.0
        kept = {name: getattr(mujoco, name) for name in ("mj_step", "mj_step1", "mj_step2")}

        def timed(name: str) -> Any:
            def step(model: mujoco.MjModel, data: mujoco.MjData) -> None:
                if self.begin is None:
                    self.begin = data.qpos.copy()
                if name != "mj_step1":
                    self.controls.append(data.ctrl.copy())
                begin = thread_time()
                kept[name](model, data)
                self.physics += thread_time() - begin

            return step

        try:
            for name in kept:
                setattr(mujoco, name, timed(name))
            return super().play(writer)
        finally:
            for name, function in kept.items():
                setattr(mujoco, name, function)

    def bare(self) -> Clock:
        """Times of the same steps again, with nothing between them."""
        again = mujoco.MjData(self.scene.model)
        again.qpos[:] = self.begin
        model = self.scene.model
        ctrl = again.ctrl
        begin = Clock.now()
        for control in self.controls:
            ctrl[:] = control
            mujoco.mj_step(model, again)
        taken = Clock.now().since(begin)
        assert np.array_equal(again.qpos, self.data.qpos), "the same controls ended elsewhere"
        return taken


def summary(cost: Cost) -> dict[str, Any]:
    """The figures of a performance that the table shows."""
    control = 1e6 * np.array(cost.control)
    reference = 1e6 * np.array(cost.reference)
    return {
        "piece": cost.piece,
        "music_s": cost.music,
        "realtime_factor": cost.realtime_factor,
        "main_realtime_factor": cost.main_factor,
        "wall_over_physics": cost.over_physics,
        "main_work_over_physics": cost.both.work / cost.bare.work,
        "work_over_physics": cost.total / cost.bare.work,
        "control_us_median": float(np.median(control)),
        "control_us_p95": float(np.percentile(control, 95)),
        "reference_us_mean": float(reference.mean()),
        "plan_share": cost.plan / cost.total,
        "reference_share": 2 * sum(cost.reference) / cost.total,
        "control_share": 2 * sum(cost.control) / cost.total,
        "physics_share": cost.physics / cost.total,
        "listen_share": cost.listen / cost.total,
        "score_share": cost.score / cost.total,
    }


def render(costs: Sequence[Cost]) -> str:
    """A row for each piece, in Markdown."""
    stages = {
        "planning": "plan",
        "reference": "reference",
        "control": "control",
        "physics": "physics",
        "listening": "listen",
    }
    head = (
        "piece",
        "music",
        "realtime factor, wall",
        "main process",
        "total / physics, wall",
        "main process",
        "one process",
        "control of a hand, median (95 %)",
        "inverse kinematics of a hand",
        *stages,
    )
    rows = []
    for cost in costs:
        figures = summary(cost)
        rows.append(
            [
                cost.piece,
                f"{cost.music:.0f} s",
                f"{cost.realtime_factor:.2f}",
                f"{cost.main_factor:.2f}",
                f"{figures['wall_over_physics']:.2f}",
                f"{figures['main_work_over_physics']:.2f}",
                f"{figures['work_over_physics']:.2f}",
                f"{figures['control_us_median']:.0f} us ({figures['control_us_p95']:.0f})",
                f"{figures['reference_us_mean']:.0f} us",
                *(f"{100 * figures[f'{stage}_share']:.0f} %" for stage in stages.values()),
            ]
        )
    return markdown_table(head, rows)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
