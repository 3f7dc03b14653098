"""Makes every table and picture of the README again: from the weights that come along, or with
`--train` from nothing.

    python experiments/reproduce.py --list
    python experiments/reproduce.py                                 all of it: many hours on two cores
    python experiments/reproduce.py --only policy learning --corpus corpus
    python experiments/reproduce.py --train --out runs/all          a corpus, the policy, the latent space, the planner

Each table is made by a command of its own, told before it is run; all can be killed and go on where
they were. Tables about learning need a corpus (`musclehand corpus`), which is made if it is not
there; the columns of MUSIC-Hand need its file (`--music`). Three takes of the policy and its warm
start, which the README's table of following has, are trained by commands that stand above it; here
the table is of one.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tyro

from musclehand.core.errors import MusclehandError, UnknownName

HERE = Path(__file__).parent

TABLES = {
    "hands": "bench_hands.py {music}",
    "tracking": "bench_tracking.py {music}",
    "repertoire": "bench_repertoire.py --peer",
    "budget": "bench_budget.py",
    "naturalness": "bench_naturalness.py",
    "fingering": "bench_fingering.py",
    "dynamics": "bench_dynamics.py",
    "speed": "bench_speed.py --seconds 40",
    "environment": "bench_env.py {corpus} --peer",
    "following": "eval_tracking.py {corpus} {policy} --conditions undisturbed 'pushes of up to 3 N'"
    " 'one muscle at 50 %' 'keys 30 % heavier'",
    "policy": "bench_policy.py --seconds 12 --policy {policy} --planner {planner}",
    "learning": "bench_learning.py {corpus}",
    "sequences": "distill_latent.py {corpus} {policy} {judged} --clips 44",
    "latent": "bench_latent.py {corpus} --policy {policy}",
    "pieces": "plan_piece.py --planner {planner} --variants at_sight --iterations 16 --every 8",
    "without": "plan_piece.py --planner {planner} --variants from_nothing without_fingers nearest_keys without_space"
    " either_hand both_hands by_reward on_the_plan --iterations 16 --every 4"
    " --pieces ode_to_joy chopin_prelude_in_e_minor --out runs/plan_piece_without",
    "troubled": "bench_troubled.py --planner {planner} --pieces ode_to_joy minuet_in_g bach_prelude_in_c wild_horseman"
    " --seconds 10",
}
"""The README's tables by name, and what makes them; some put a picture beside it as well."""

PICTURES = {
    "performance": "draw_figures.py {corpus}",
    "intentions": "look_at_latent.py --scores 8 {skill}",
}
"""Pictures without a table."""

TRAINING = {
    "policy": "track_hand.py {corpus} --out {out}/track_hand",
    "skill": "distill_latent.py {corpus} {policy} --out {out}/distill_latent",
    "planner": "plan_generalist.py {skill} --out {out}/plan_generalist",
}
"""What is learnt, in that order."""

MADE = TABLES | PICTURES

MODELS = HERE.parent / "models"


@dataclass(frozen=True)
class Args:
    """What to make."""

    only: tuple[str, ...] = (*TABLES, *PICTURES)
    """names of tables and pictures"""
    corpus: Path = Path("corpus")
    """folder of the corpus"""
    train: bool = False
    """train everything anew, and judge that"""
    music: Path | None = None
    """MUSIC-Hand's two_hands_ds6.5_muscle_driven.xml (github.com/xupei0610/music)"""
    out: Path = Path("runs/reproduce")
    """folder of trainings"""
    list: bool = False
    """tell the commands, and run none"""


def main(args: Args) -> None:
    """Runs one command after the other; the first that fails ends it."""
    for name in args.only:
        if name not in MADE:
            raise UnknownName("table or picture", name, MADE)
    for command in commands(args):
        print(shlex.join(command), flush=True)
        if not args.list:
            subprocess.run(command, check=True)


def commands(args: Args) -> Iterator[list[str]]:
    """What is to be run, in order."""
    places = {"corpus": args.corpus, "out": args.out}
    places |= {
        "policy": MODELS / "policies" / "000001.json",
        "planner": MODELS / "planners" / "000001.json",
    }
    if args.train:
        places |= {
            "policy": args.out / "track_hand" / "policy" / "000001.json",
            "skill": args.out / "distill_latent" / "skill" / "000001.json",
            "planner": args.out / "plan_generalist" / "planner" / "000001.json",
        }
    told = {"skill": "", "music": ""} | {
        name: shlex.quote(str(path)) for name, path in places.items()
    }
    told["judged"] = f"--out {told['out']}/distill_latent" if args.train else "--shipped"
    if args.music is not None:
        told["music"] = f"--music {shlex.quote(str(args.music))}"
    wanted = [*TRAINING.values()] if args.train else []
    wanted += [f"{MADE[name]} --readme" for name in args.only]
    if any("{corpus}" in command for command in wanted):
        yield [sys.executable, "-m", "musclehand", "corpus", str(args.corpus), "--hours", "1"]
    for command in wanted:
        script, *rest = shlex.split(command.format(**told))
        yield [sys.executable, str(HERE / script), *rest]


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except (MusclehandError, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from None
