"""Makes every results page and picture again: from the bundled policies, or from new trainings.

    python experiments/reproduce.py --list
    python experiments/reproduce.py                                  all: many hours on two cores
    python experiments/reproduce.py --only policy learning --corpus corpus
    python experiments/reproduce.py --train --out runs/all           trains everything first

Each page of docs/results is made by a command of its own, which is printed before it runs; all can
be killed and resumed. Pages about learning need a corpus (`musclehand corpus`), which is made if it
is not there. The columns of MUSIC-Hand need its file (`--music`), the page of wrist movements a
data set (`--emg`), the clips of people MIDI files (`--clips`), the comparison of readers folders of
scores (`--scores`), the piano literature a folder of music (`--literature`). The pages of three
seeds of the tracking policy need their files (`--seeds`).
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.script import run_script
from musclehand.cli.deprecated import Renamed
from musclehand.core.errors import UnknownName

EXPERIMENTS = Path(__file__).parent

PAGES = {
    "hands": "bench_hands.py {music}",
    "tracking": "bench_tracking.py {music}",
    "people": "bench_people.py",
    "independence": "bench_independence.py {clips} {policy_option}",
    "repertoire": "bench_repertoire.py --peer",
    "literature": "bench_literature.py {literature} --clip 0 20",
    "generated": "bench_repertoire.py --generated 50 --out runs/bench_repertoire_generated",
    "rehearsals": "bench_repertoire.py --rehearsals 1 --out runs/bench_repertoire_rehearsals",
    "budget": "bench_budget.py",
    "naturalness": "bench_naturalness.py",
    "scores": "compare_scores.py {scores}",
    "transcription": "bench_transcribe.py {heard} --every 5",
    "watching_view": "bench_watch_view.py --random 12 --seed 11",
    "watching_fingers": "bench_watch_fingers.py",
    "watching_lift": "bench_watch_lift.py",
    "watching_long": "bench_watch_long.py",
    "fingering": "bench_fingering.py",
    "dynamics": "bench_dynamics.py",
    "rate": "bench_rate.py --seconds 8",
    "speed": "bench_speed.py --seconds 40",
    "long": "bench_long.py",
    "environment": "bench_env.py {corpus} --peer",
    "emg": "bench_emg.py {emg} --permutations 500",
    "following": "bench_following.py {corpus} {seeds} --conditions undisturbed"
    " 'pushes of up to 3 N' 'one muscle at 50 %' 'keys 30 % heavier'",
    "delayed": "bench_following.py {corpus} {delayed} --conditions undisturbed"
    " 'sensory delay 24 ms' --page delayed",
    "step_gradients": "check_gradients.py {corpus} {policy}",
    "policy": "bench_policy.py --seconds 12 {policy_option} {high_level_option}",
    "policy_generated": "bench_policy.py --generated 30 --controllers muscle high-level"
    " {high_level_option} --out runs/bench_policy_generated",
    "learning": "bench_learning.py {corpus}",
    "sequences": "bench_sequences.py {corpus} {space_option} {policy_option} --clips 44",
    "latent": "bench_latent.py {corpus} {policy_option}",
    "latent_space": "bench_latent_space.py {space} --scores 8 --corpus {corpus}",
    "pieces": "bench_pieces.py {policy_of_pieces} --iterations 16 --every 8",
    "hard_pieces": "bench_pieces.py {policy_of_pieces} --iterations 40 --every 20"
    " --pieces chopin_prelude_in_a entertainer ragtime_left_hand repeated_notes --page hard_pieces"
    " --out runs/bench_pieces_hard",
    "ablations": "bench_pieces.py {policy_of_pieces} --variants from-scratch no-fingering"
    " nearest-keys no-latent-space direct-one-hand direct-both-hands ppo-residual plan-residual"
    " --iterations 16 --every 4 --pieces ode_to_joy chopin_prelude_in_e_minor"
    " --out runs/bench_pieces_ablations",
    "robustness": "bench_robustness.py {high_level_option} --seconds 10"
    " --pieces ode_to_joy minuet_in_g bach_prelude_in_c wild_horseman",
    "delay": "bench_delay.py",
}
"""Results pages by name, and the commands that write them; some write further pages and pictures
as well."""

PICTURES = {"performance": "draw_figures.py {corpus}"}
"""Pictures without a page."""

TRAININGS = {
    "track": "track {corpus} --out {out}/track",
    "latent": "latent {corpus} {out}/track/policy/tracking.json --out {out}/latent",
    "generalist": "generalist {out}/latent/policy/latent_space.json --out {out}/generalist",
}
"""Commands of `musclehand train`, in order."""

COMMANDS = PAGES | PICTURES


@dataclass(frozen=True)
class Args:
    """What to make."""

    only: tuple[str, ...] = ()
    """Names of pages and pictures; all by default."""

    corpus: Path = Path("corpus")
    """Folder of a corpus."""

    train: bool = False
    """Train everything, and judge that in place of the bundled policies."""

    music: Path | None = None
    """MUSIC-Hand's two_hands_ds6.5_muscle_driven.xml (github.com/xupei0610/music)."""

    emg: Path | None = None
    """A copy of the data set aljazfrancic/myo-readings-dataset."""

    clips: Path | None = None
    """Folder of MIDI files of people's performances."""

    scores: tuple[Path, ...] = ()
    """Folders of scores that readers are compared on."""

    literature: Path | None = None
    """Folder of MIDI and MusicXML files, for the page of the piano literature."""

    heard: tuple[Path, ...] = ()
    """Folders of MIDI files, with recordings beside some, for the page of transcription."""

    seeds: tuple[Path, ...] = ()
    """Tracking policies of several seeds, by their JSON files; the bundled one by default."""

    delayed: tuple[Path, ...] = ()
    """Tracking policies for sensory delay, by their JSON files; the bundled one by default."""

    out: Path = Path("runs/reproduce")
    """Folder of trainings."""

    list: bool = False
    """Print the commands, and run none."""


def main(args: Args) -> None:
    """Runs the commands in turn; the first that fails ends it.

    Raises:
        SystemExit: a command failed.
        UnknownName: there is no such page or picture.
    """
    for command in commands(args):
        print(shlex.join(command), flush=True)
        if args.list:
            continue
        try:
            subprocess.run(command, check=True)
        except subprocess.CalledProcessError as error:
            raise SystemExit(str(error)) from None


def commands(args: Args) -> Iterator[list[str]]:
    """The commands, in order; pages whose data are not given are left out.

    Raises:
        UnknownName: there is no such page or picture.
    """
    for name in args.only:
        if name not in COMMANDS:
            raise UnknownName("page or picture", name, COMMANDS)
    names = args.only or tuple(COMMANDS)
    given = {"emg": args.emg, "scores": args.scores or None, "literature": args.literature}
    names = tuple(name for name in names if name not in given or given[name] is not None)
    places = placeholders(args)
    commands = [COMMANDS[name] for name in names]
    if args.train or any("{corpus}" in command for command in commands):
        yield [sys.executable, "-m", "musclehand", "corpus", str(args.corpus), "--hours", "1"]
    if args.train:
        for training in TRAININGS.values():
            words = shlex.split(training.format(**places))
            yield [sys.executable, "-m", "musclehand", "train", *words]
    for command in commands:
        script, *words = shlex.split(command.format(**places))
        yield [sys.executable, str(EXPERIMENTS / script), *words, "--results"]


def placeholders(args: Args) -> dict[str, str]:
    """Words of the command line for the names in braces; empty where a script's default holds."""
    out = shlex.quote(str(args.out))
    policy = f"{out}/track/policy/tracking.json" if args.train else ""
    space = f"{out}/latent/policy/latent_space.json" if args.train else ""
    high_level = f"{out}/generalist/policy/high_level.json" if args.train else ""
    return {
        "corpus": shlex.quote(str(args.corpus)),
        "out": out,
        "music": "" if args.music is None else f"--music {shlex.quote(str(args.music))}",
        "clips": "" if args.clips is None else f"--clips {shlex.quote(str(args.clips))} --every 3",
        "emg": "" if args.emg is None else shlex.quote(str(args.emg)),
        "scores": joined(args.scores),
        "heard": joined(args.heard),
        "literature": "" if args.literature is None else shlex.quote(str(args.literature)),
        "policy": policy,
        "policy_option": f"--policy {policy}" if policy else "",
        "space": space,
        "space_option": f"--space {space}" if space else "",
        "high_level_option": f"--high-level {high_level}" if high_level else "",
        "policy_of_pieces": f"--policy {high_level}" if high_level else "",
        "seeds": joined(args.seeds) or policy or "tracking",
        "delayed": joined(args.delayed) or "tracking_delayed",
    }


def joined(paths: tuple[Path, ...]) -> str:
    """Paths as words of a command line."""
    return shlex.join(str(path) for path in paths)


_OLD_NAMES = {
    "troubled": "robustness",
    "without": "ablations",
    "intentions": "latent_space",
}

if __name__ == "__main__":
    renamed = Renamed(values={("--only", old): new for old, new in _OLD_NAMES.items()})
    run_script(main, Args, __doc__, renamed=renamed)
