"""Delays of nerves: how the muscle controller plays with late senses, and what a predictor gives.

    python experiments/bench_delay.py
    python experiments/bench_delay.py --clips FOLDER --results

Every score is planned once and then played in worlds whose senses are late, with and without a
state predictor: in a world that is otherwise as the player believes, and in worlds with stiffer
keys, weaker muscles or noisy senses. Clips are MIDI files of a folder, the first ones by name.
Results on file in `--out` are not computed again.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np
from rich.console import Console

from harness.kept_results import keep_results
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.controllers.world_run import Nerves
from musclehand.core.errors import UnknownName
from musclehand.music.score import keyboard_score
from musclehand.music.sources import load_score
from musclehand.performance.perform import perform
from musclehand.performance.players import PlanPlayer
from musclehand.performance.settings import PlayerSettings
from musclehand.sim.scene import Scene
from musclehand.world.names import OBSERVER, ROLLOUT
from musclehand.world.senses import Delays, SenseNoise
from musclehand.world.simulated import Nature, SimulatedWorld

TITLE = "Delays of nerves"

PROSE = """\
The muscle controller with late senses, on {pieces} pieces and {clips} clips of recorded
performances, up to {seconds:g} s of each; means. Cells have onset F1 (50 ms), Velocity F1 and mean
activation. The predictor knows the delay, and simulates what the player believes of its hands and
keys; in the first table the belief is true, and the prediction exact. The player beside has the
late senses alone. Time is that of playing without planning, over playing without delay and
predictor."""

MISMATCH = """\
Worlds that differ from the belief: key springs {stiff:g} times as stiff, muscles at {weak:g} of
their strength, and senses with errors of {angle:g} deg, {speed:g} deg/s, {place:g} mm and
{velocity:g} mm/s in every control step."""

PIECES = ("ode_to_joy", "are_you_sleeping", "twinkle_twinkle", "happy_birthday")

STIFF = 1.3
"""Factor on the springs of keys."""

WEAK = 0.8
"""Factor on the peak force of all muscles."""

NOISE = SenseNoise(angle=math.radians(0.5), speed=math.radians(5.0), place=0.0003, velocity=0.005)
"""Of noisy senses; chosen: joint angles are felt to about a degree."""

TRUE, KEYS, STRENGTH, SENSES, ALL = (
    "true",
    "stiff keys",
    "weak muscles",
    "noisy senses",
    "all three",
)

WORLDS = (TRUE, KEYS, STRENGTH, SENSES, ALL)

NONE = "none"

FIGURES = ("onset_f1_50ms", "velocity_f1", "mean_activation", "time")


@dataclass(frozen=True)
class Args:
    """What to play."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    clips: Path | None = None
    """Folder with MIDI files of recorded performances."""

    num_clips: int = 4
    """Of the folder, evenly over their names."""

    seconds: float = 8.0
    """Of each score, from its beginning."""

    delays_ms: tuple[float, ...] = (8.0, 16.0, 24.0, 50.0)
    """Sensory delays."""

    out: Path = Path("runs/bench_delay")
    """Folder of the results."""

    workers: int = 1
    """Processes; more disturb the measured times."""

    results: bool = False
    """Write the results page."""


class Case(NamedTuple):
    """A player in a world."""

    world: str
    """One of `WORLDS`."""

    predictor: str
    """One of `world.names.PREDICTORS`, or "none"."""

    delay_ms: float
    """[ms] sensory delay."""

    @property
    def key(self) -> str:
        """Name in a file of results."""
        return f"{self.world}/{self.predictor}/{self.delay_ms:g}"


def cases(delays_ms: Sequence[float]) -> list[Case]:
    """All that every score is played with.

    In a true world both predictors are exact, so that one is played.
    """
    chosen = [Case(TRUE, NONE, 0.0), Case(TRUE, OBSERVER, 0.0)]
    for delay in delays_ms:
        chosen += [Case(TRUE, NONE, delay), Case(TRUE, OBSERVER, delay)]
    for world in WORLDS[1:]:
        chosen.append(Case(world, NONE, 0.0))
        for delay in delays_ms:
            chosen.append(Case(world, OBSERVER, delay))
            if world == ALL:
                chosen += [Case(world, ROLLOUT, delay), Case(world, NONE, delay)]
    return chosen


def make_world(scene: Scene, world: str, delay: float) -> SimulatedWorld:
    """The world of a case.

    Args:
        scene: that the player believes in; it stays as it is.
        world: one of `WORLDS`.
        delay: of senses [s].

    Raises:
        UnknownName: no such world.
    """
    if world not in WORLDS:
        raise UnknownName("world", world, WORLDS)
    model = copy.copy(scene.model)
    if world in (KEYS, ALL):
        model.jnt_stiffness[scene.keys.joint] *= STIFF
    if world in (STRENGTH, ALL):
        for hand in scene.hands.values():
            # The third parameter of MuJoCo's muscles is their peak force.
            model.actuator_gainprm[hand.muscles, 2] *= WEAK
            model.actuator_biasprm[hand.muscles, 2] *= WEAK
    mujoco.mj_setConst(model, mujoco.MjData(model))
    noise = NOISE if world in (SENSES, ALL) else SenseNoise()
    return SimulatedWorld(replace(scene, model=model), Nature(Delays(delay), noise))


def play_one(source: str, args: Args) -> dict[str, dict[str, float]]:
    """Figures of all cases on one score.

    Args:
        source: name of a piece, or file.
        args: of the experiment.
    """
    score = load_score(source)
    score = score.clip(0.0, min(args.seconds, score.duration))
    player = PlanPlayer(keyboard_score(score), PlayerSettings(processes=1))
    perform(score, player.controller(player.plan))  # compiles the kernels
    own = perform(score, player.controller(player.plan)).wall_s
    rows = {}
    for case in cases(args.delays_ms):
        delays = Delays(1e-3 * case.delay_ms)
        nerves = Nerves(delays, None if case.predictor == NONE else case.predictor)
        world = make_world(player.scene, case.world, delays.sensory)
        result = perform(score, player.controller(player.plan), world=world, nerves=nerves)
        metrics = result.metrics
        rows[case.key] = {
            "onset_f1_50ms": float(metrics.onset_f1_50ms or 0.0),
            "velocity_f1": float(metrics.velocity_f1 or 0.0),
            "mean_activation": float(result.body.mean_activation or 0.0),
            "time": result.wall_s / own,
        }
    return rows


def main(args: Args) -> None:
    """Plays, prints, writes."""
    args.out.mkdir(parents=True, exist_ok=True)
    clips = find_clips(args)
    sources = [*args.pieces, *map(str, clips)]
    paths = {(source,): args.out / f"{Path(source).stem}.json" for source in sources}
    results = keep_results(paths, play_one, args, workers=args.workers, description="scores")
    rows = {source: results[source,] for source in sources}
    text = as_text(rows, args, len(clips))
    Console().print(text, markup=False)
    if args.results:
        write_results_page("delay", TITLE, command_of(__file__, args), text)


def find_clips(args: Args) -> list[Path]:
    """Files of the folder, evenly over their names."""
    if args.clips is None or args.num_clips < 1:
        return []
    files = sorted(args.clips.glob("*.mid"))
    chosen = np.linspace(0, len(files), min(args.num_clips, len(files)), endpoint=False)
    return [files[int(number)] for number in chosen]


def as_text(
    rows: Mapping[str, Mapping[str, Mapping[str, float]]], args: Args, num_clips: int
) -> str:
    """The page below its command, in Markdown.

    Args:
        rows: figures by score and case.
        args: of the experiment.
        num_clips: how many of the scores are clips.
    """
    prose = PROSE.format(pieces=len(args.pieces), clips=num_clips, seconds=args.seconds)
    mismatch = MISMATCH.format(
        stiff=STIFF,
        weak=WEAK,
        angle=math.degrees(NOISE.angle),
        speed=math.degrees(NOISE.speed),
        place=1e3 * NOISE.place,
        velocity=1e3 * NOISE.velocity,
    )

    def mean(case: Case, figure: str) -> float:
        return float(np.mean([row[case.key][figure] for row in rows.values()]))

    def cell(case: Case) -> str:
        f1, velocity, activation = (mean(case, figure) for figure in FIGURES[:3])
        return f"{f1:.3f} / {velocity:.2f} / {activation:.3f}"

    delays = (0.0, *args.delays_ms)
    true = markdown_table(
        ["sensory delay", "no predictor", "predictor", "time of the predictor"],
        [
            [
                f"{delay:g} ms",
                cell(Case(TRUE, NONE, delay)),
                cell(Case(TRUE, OBSERVER, delay)),
                f"{mean(Case(TRUE, OBSERVER, delay), 'time'):.2f}",
            ]
            for delay in delays
        ],
    )
    players = [(world, OBSERVER) for world in WORLDS[1:]] + [(ALL, ROLLOUT), (ALL, NONE)]
    lines = []
    for world, predictor in players:
        line = [world, predictor, cell(Case(world, NONE, 0.0))]
        for delay in args.delays_ms:
            case = Case(world, predictor, delay)
            line.append(f"{cell(case)} / {mean(case, 'time'):.1f}")
        lines.append(line)
    head = ["world", "predictor", "0 ms, no predictor"]
    other = markdown_table([*head, *(f"{delay:g} ms / time" for delay in args.delays_ms)], lines)
    by_score = markdown_table(
        ["onset F1, predictor in a true world", *(f"{delay:g} ms" for delay in delays)],
        [
            [
                Path(source).stem,
                *(f"{row[Case(TRUE, OBSERVER, d).key]['onset_f1_50ms']:.3f}" for d in delays),
            ]
            for source, row in rows.items()
        ],
    )
    return f"{prose}\n\n{true}\n\n{mismatch}\n\n{other}\n\n{by_score}"


if __name__ == "__main__":
    run_script(main, Args, __doc__)
