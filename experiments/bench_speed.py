"""What a performance costs: planning, muscle control and simulation against the bare physics of the
same states.

    python experiments/bench_speed.py --readme
    python experiments/bench_speed.py --pieces fuer_elise --seconds 5

Every piece is played in two ways. In one process, with a clock at every stage: processor time
(`time.thread_time`), in which other programs on the machine count little. And as `perform` does by
default, with the reference in a second process: wall-clock time of the whole, for which two cores
should be idle (the best of `repeats`), and processor time of the main process with what it waits
for the other, which is what the wall clock shows where they are. Bare physics is the same run once
more, nothing but `mj_step` and the excitations kept from the first.
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
import tyro
from readme_table import put_table
from threadpoolctl import threadpool_limits

from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.run import Run
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.planning.lookahead import start_helper
from musclehand.planning.plan import LEAD_IN, TAIL, PlanConfig, plan_performance

MARK = "speed table"


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = (
        "clementi_sonatina",
        "bach_prelude_in_c",
        "entertainer",
        "fuer_elise",
    )
    """pieces of the repertoire, all for two hands"""
    seconds: float = 30.0
    """of each piece, from its beginning"""
    out: Path = Path("runs/bench_speed")
    """folder of the results"""
    repeats: int = 3
    """runs in two processes, and of the bare physics, of which the quickest counts"""
    readme: bool = False
    """put the table into README.md"""


class Clock(NamedTuple):
    """Wall-clock and processor time of this thread [s]."""

    wall: float
    work: float

    @classmethod
    def now(cls) -> Clock:
        """To be subtracted from a later one."""
        return cls(perf_counter(), thread_time())

    def since(self, begin: Clock) -> Clock:
        """What has passed since then."""
        return Clock(self.wall - begin.wall, self.work - begin.work)


@dataclass(frozen=True)
class Cost:
    """What a performance cost [s], of music of length `music` [s].

    `plan`, `physics`, `listen`, `score` and, for each step and hand, `control` and `reference`:
    processor time in one process, `total` all of it. `both`: the same performance in two processes;
    `bare`: nothing but its physics.
    """

    piece: str
    music: float
    total: float
    plan: float
    physics: float
    listen: float
    score: float
    control: Sequence[float]
    reference: Sequence[float]
    both: Clock
    bare: Clock

    @property
    def main_factor(self) -> float:
        """Seconds of music a second of the main process."""
        return self.music / self.both.work

    @property
    def realtime_factor(self) -> float:
        """Seconds of music a second by the clock on the wall, in two processes."""
        return self.music / self.both.wall

    @property
    def over_physics(self) -> float:
        """The whole against bare physics, by the clock on the wall."""
        return self.both.wall / self.bare.wall


def main(args: Args) -> None:
    """Plays every piece and prints what it cost."""
    args.out.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(limits=1):
        measure(
            load_piece(args.pieces[0]).clip(0, 1), args.pieces[0]
        )  # what is only done once in a process
        costs = [
            measure(load_piece(piece).clip(0, args.seconds), piece, args.repeats)
            for piece in args.pieces
        ]
    table = render(costs)
    (args.out / "speed.json").write_text(json.dumps([summary(cost) for cost in costs], indent=1))
    print(table)
    if args.readme:
        put_table(MARK, table)


def measure(score: Score, name: str, repeats: int = 1, config: PlanConfig | None = None) -> Cost:
    """Plays a score as `perform` does, with a clock at every stage, then in two processes and
    the physics alone."""
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
    """The same performance with a second process, which leads to the same positions as the run
    before. Waiting for that process counts as work."""
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
    assert np.array_equal(run.data.qpos, before.data.qpos), "two processes led elsewhere"
    return taken


def end_of(player: MuscleController, target: Score) -> float:
    """When the run is over, as in `perform` [s]."""
    return LEAD_IN + max(target.duration, player.score.duration) + TAIL


def watch(owner: Any, name: str, clocks: dict[str, list[float]]) -> None:
    """Has a method of one object note how long each of its calls took."""
    method = getattr(owner, name)

    @wraps(method)
    def timed(*args: Any, **kwargs: Any) -> Any:
        begin = thread_time()
        result = method(*args, **kwargs)
        clocks[name].append(thread_time() - begin)
        return result

    setattr(owner, name, timed)


class _Kept(Run):
    """A run that keeps the control of every step, to be simulated again."""

    def play(self, writer: None = None) -> Score:
        """As `Run.play`, with the physics timed."""
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
        """Time of the same steps again, with nothing between them."""
        again = mujoco.MjData(self.scene.model)
        again.qpos[:] = self.begin
        model = self.scene.model
        ctrl = again.ctrl
        begin = Clock.now()
        for control in self.controls:
            ctrl[:] = control
            mujoco.mj_step(model, again)
        taken = Clock.now().since(begin)
        assert np.array_equal(again.qpos, self.data.qpos), "the same controls led elsewhere"
        return taken


def summary(cost: Cost) -> dict[str, Any]:
    """What the table shows of a performance."""
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
    """A line a piece."""
    lines = [
        "| piece | music | realtime factor, wall | main process | total / physics, wall | main process | one process |"
        " control of a hand, median (95 %) | inverse kinematics of a hand | planning | reference | control | physics"
        " | listening |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cost in costs:
        one = summary(cost)
        shares = [
            one[f"{stage}_share"] for stage in ("plan", "reference", "control", "physics", "listen")
        ]
        ratios = [
            one[name]
            for name in ("wall_over_physics", "main_work_over_physics", "work_over_physics")
        ]
        cells = [
            cost.piece,
            f"{cost.music:.0f} s",
            f"{cost.realtime_factor:.2f}",
            f"{cost.main_factor:.2f}",
            *(f"{ratio:.2f}" for ratio in ratios),
            f"{one['control_us_median']:.0f} us ({one['control_us_p95']:.0f})",
            f"{one['reference_us_mean']:.0f} us",
            *(f"{100 * share:.0f} %" for share in shares),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
