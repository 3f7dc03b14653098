"""What a performance costs: planning, muscle control and simulation against the bare physics of the same states.

    python experiments/bench_speed.py --readme
    python experiments/bench_speed.py --pieces fuer_elise --seconds 5

Times are those of the processor in one thread (`time.thread_time`), so that other programs on the machine count little.
Bare physics is the same run once more, with nothing but `mj_step` and the excitations kept from the first.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from time import thread_time
from typing import Any

import mujoco
import numpy as np
import tyro
from threadpoolctl import threadpool_limits

from musclehand.controllers.muscle import MuscleConfig, MuscleController
from musclehand.controllers.run import Run
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.perform import LEAD_IN, TAIL

README = Path(__file__).parent.parent / "README.md"
MARK = "<!-- speed table -->"


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = ("clementi_sonatina", "bach_prelude_in_c", "entertainer", "fuer_elise")
    """pieces of the repertoire, all for two hands"""
    seconds: float = 30.0
    """of each piece, from its beginning"""
    out: Path = Path("runs/bench_speed")
    """folder of the results"""
    readme: bool = False
    """put the table into README.md"""


@dataclass(frozen=True)
class Cost:
    """Processor time of one performance [s], of music of length `music` [s]; `control` and `reference` for each step
    and hand [s]."""

    piece: str
    music: float
    total: float
    plan: float
    physics: float
    bare: float
    listen: float
    score: float
    control: Sequence[float]
    reference: Sequence[float]

    @property
    def realtime_factor(self) -> float:
        """Seconds of music a second of work."""
        return self.music / self.total

    @property
    def over_physics(self) -> float:
        """All work against the bare physics."""
        return self.total / self.bare


def main(args: Args) -> None:
    """Plays every piece and prints what it cost."""
    args.out.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(limits=1):
        measure(load_piece(args.pieces[0]).clip(0, 1), args.pieces[0])  # what is only done once in a process
        costs = [measure(load_piece(piece).clip(0, args.seconds), piece) for piece in args.pieces]
    table = render(costs)
    (args.out / "speed.json").write_text(json.dumps([summary(cost) for cost in costs], indent=1))
    print(table)
    if args.readme:
        before, _, after = README.read_text().split(MARK)
        README.write_text(f"{before}{MARK}\n{table}\n{MARK}{after}")


def measure(score: Score, name: str, config: MuscleConfig | None = None) -> Cost:
    """Plays a score as `perform` does, with a clock at every stage, and then the physics alone."""
    clocks: dict[str, list[float]] = defaultdict(list)
    begin = thread_time()
    target = keyboard_score(score)
    player = MuscleController(target, lead_in=LEAD_IN, tail=TAIL, config=config)
    planned = thread_time()
    watch(player, "control", clocks)
    watch(player, "drive", clocks)
    for motion in player._motions.values():
        watch(motion, "at", clocks)
    run = _Kept(player, end=LEAD_IN + max(target.duration, player.score.duration) + TAIL)
    played = run.play()
    heard = thread_time()
    score_performance(target, played)
    end = thread_time()
    reference = np.reshape(clocks["at"][2:], (-1, 2))  # `reset` asks for the first step once more
    control = (np.array(clocks["control"]) - reference.sum(axis=1)) / 2
    return Cost(
        piece=name,
        music=score.duration,
        total=end - begin,
        plan=planned - begin,
        physics=run.physics,
        bare=run.bare(),
        listen=heard - planned - run.physics - sum(clocks["control"]),
        score=end - heard,
        control=control.tolist(),
        reference=reference.ravel().tolist(),
    )


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

    def bare(self) -> float:
        """Processor time of the same steps again, with nothing between them [s]."""
        again = mujoco.MjData(self.scene.model)
        again.qpos[:] = self.begin
        model, ctrl = self.scene.model, again.ctrl
        begin = thread_time()
        for control in self.controls:
            ctrl[:] = control
            mujoco.mj_step(model, again)
        taken = thread_time() - begin
        assert np.array_equal(again.qpos, self.data.qpos), "the same controls led elsewhere"
        return taken


def summary(cost: Cost) -> dict[str, Any]:
    """What the table shows of a performance."""
    control, reference = 1e6 * np.array(cost.control), 1e6 * np.array(cost.reference)
    return {
        "piece": cost.piece,
        "music_s": cost.music,
        "realtime_factor": cost.realtime_factor,
        "total_over_physics": cost.over_physics,
        "control_us_median": float(np.median(control)),
        "control_us_p95": float(np.percentile(control, 95)),
        "reference_us_mean": float(reference.mean()),
        "plan_share": cost.plan / cost.total,
        "reference_share": sum(cost.reference) / cost.total,
        "control_share": 2 * sum(cost.control) / cost.total,
        "physics_share": cost.physics / cost.total,
        "listen_share": cost.listen / cost.total,
        "score_share": cost.score / cost.total,
    }


def render(costs: Sequence[Cost]) -> str:
    """A line a piece."""
    lines = [
        "| piece | music | realtime factor | total / physics | control of a hand, median (95 %) | inverse kinematics of"
        " a hand, mean | planning | reference | control | physics | listening | metrics |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cost in costs:
        one = summary(cost)
        shares = [one[f"{stage}_share"] for stage in ("plan", "reference", "control", "physics", "listen", "score")]
        control = f"{one['control_us_median']:.0f} us ({one['control_us_p95']:.0f})"
        lines.append(
            f"| {cost.piece} | {cost.music:.0f} s | {one['realtime_factor']:.2f} | {one['total_over_physics']:.2f} "
            f"| {control} | {one['reference_us_mean']:.0f} us | "
            + " | ".join(f"{100 * share:.0f} %" for share in shares)
            + " |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
