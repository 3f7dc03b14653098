"""Makes every table of the README again: from the weights that come along, or with `--train` from nothing.

    python experiments/reproduce.py --list
    python experiments/reproduce.py                                 all of it: many hours on two cores
    python experiments/reproduce.py --only policy learning --corpus corpus
    python experiments/reproduce.py --train --out runs/all          a corpus, the policy, the latent space, the planner

Each table is made by a command of its own, told before it is run; all can be killed and go on where they were. Tables
about learning need a corpus (`musclehand corpus`), which is made if it is not there; the columns of MUSIC-Hand need its
file (`--music`). Three takes of the policy and its warm start, which the README's table of following has, are trained
by commands that stand above it; here the table is of one.
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
    "latent": "bench_latent.py {corpus} --policy {policy} --only default 'plain autoencoder' '16 numbers'"
    " '32 numbers' 'intentions at 125 Hz' 'intentions at 41.7 Hz' 'intentions at 31.2 Hz'",
    "pieces": "plan_piece.py --planner {planner} --variants at_sight --iterations 16 --every 8",
    "without": "plan_piece.py --planner {planner} --variants from_nothing without_fingers nearest_keys without_space"
    " either_hand both_hands by_reward --iterations 16 --every 4 --pieces ode_to_joy chopin_prelude_in_e_minor"
    " --out runs/plan_piece_without",
    "troubled": "bench_troubled.py --planner {planner} --pieces ode_to_joy minuet_in_g bach_prelude_in_c wild_horseman"
    " --seconds 10",
}
"""The README's tables by name, and what makes them."""

TRAINING = {
    "policy": "track_hand.py {corpus} --out {out}/track_hand",
    "skill": "distill_latent.py {corpus} {policy} --out {out}/distill_latent",
    "planner": "plan_generalist.py {skill} --out {out}/plan_generalist",
}
"""What is learnt, in that order."""

MODELS = HERE.parent / "models"


@dataclass(frozen=True)
class Args:
    """What to make."""

    only: tuple[str, ...] = tuple(TABLES)
    """names of tables"""
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
        if name not in TABLES:
            raise UnknownName("table", name, TABLES)
    for command in commands(args):
        print(shlex.join(command), flush=True)
        if not args.list:
            subprocess.run(command, check=True)


def commands(args: Args) -> Iterator[list[str]]:
    """What is to be run, in order."""
    places = {"corpus": str(args.corpus), "out": str(args.out), "music": str(args.music)}
    places |= {
        "policy": str(MODELS / "policies" / "000001.json"),
        "planner": str(MODELS / "planners" / "000001.json"),
    }
    if args.train:
        places |= {
            "policy": f"{args.out}/track_hand/policy/000001.json",
            "skill": f"{args.out}/distill_latent/skill/000001.json",
            "planner": f"{args.out}/plan_generalist/planner/000001.json",
        }
    wanted = [*TRAINING.values()] if args.train else []
    wanted += [f"{TABLES[name]} --readme" for name in args.only]
    if any("{corpus}" in command for command in wanted):
        yield [sys.executable, "-m", "musclehand", "corpus", str(args.corpus), "--hours", "1"]
    for command in wanted:
        script, *rest = shlex.split(command.replace("{music}", "" if args.music is None else "--music {music}"))
        yield [sys.executable, str(HERE / script), *(part.format(**places) for part in rest)]


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except (MusclehandError, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from None
