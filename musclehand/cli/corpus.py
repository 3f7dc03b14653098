"""`musclehand corpus` and `musclehand corpus-info`: generates a motion corpus, and lists the
content of one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from musclehand.motion.dataset import ClipEntry, CorpusIndex

SHOWN = 6
"""Most failures that are listed."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class CorpusArgs:
    """Generate a motion corpus: muscle-driven hands play scales, chords, exercises and random
    music, and track reference motions.

    The folder OUT gets files of clips (shard_00000.h5 ...), and index.json with checksums and
    splits. A clip is the motion of a hand with joint angles, fingertips, forearm, notes with
    fingers, and muscle activations. After any interruption, the same command resumes the corpus and
    ends with the same files; with more --hours it continues the corpus.

    For example:
      musclehand corpus corpus --hours 1
      musclehand corpus corpus --hours 20 --workers 16 --seed 3
      musclehand corpus corpus --hours 1 --chorales
      musclehand corpus-info corpus --verify

    In Python: open_corpus("corpus").windows(rng, 256, 64), from musclehand.motion.dataset.
    """

    out: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="OUT")]]
    """Folder of the corpus."""

    hours: Annotated[float, tyro.conf.arg(metavar="H")] = 1.0
    """Approximate hours of music and motion, both hands at once; an hour takes about 0.3 GB."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Random seed; the same seed gives the same corpus."""

    workers: Annotated[int, tyro.conf.arg(metavar="N", help_behavior_hint=_NO_DEFAULT)] = 0
    """Worker processes; by default one for each processor core."""

    chorales: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Include chorales by Bach; needs music21: pip install 'musclehand[corpus]'."""


@dataclass(frozen=True)
class CorpusInfoArgs:
    """List clips and minutes of a corpus by kind of motion and split, and the failures.

    The exit code is 2 if the folder is no corpus, or if --verify finds a file that is missing or
    has changed, and else 0.

    For example:
      musclehand corpus-info corpus --verify
    """

    folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="DIR")]]
    """Folder of the corpus."""

    verify: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Compare the checksums of all files."""


def corpus(args: CorpusArgs) -> None:
    """`musclehand corpus`.

    Raises:
        MusclehandError: an option or the folder is not usable.
    """
    from musclehand.cli.console import open_console, progress_bar, say
    from musclehand.corpus.generate import generate_corpus
    from musclehand.corpus.plan import CorpusPlan

    plan = CorpusPlan(hours=args.hours, seed=args.seed, chorales=args.chorales)
    with progress_bar("generating the first shards", "generating", "real time") as show:
        index = generate_corpus(
            args.out, plan, workers=args.workers or os.cpu_count() or 1, progress=show
        )
    print_index(index)
    say(open_console(), f"Written to {args.out}: {len(index.shards)} shards and index.json")


def corpus_info(args: CorpusInfoArgs) -> None:
    """`musclehand corpus-info`.

    Raises:
        MusclehandError: the folder is no corpus, or a file of it is missing or has changed.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.motion.dataset import open_corpus

    opened = open_corpus(args.folder)
    if args.verify:
        opened.verify()
    print_index(opened.index)
    if not opened.index.complete:
        say(open_console(), "Not complete: run the command that generated it again to resume.")
    if args.verify:
        say(open_console(), f"The checksums of all {len(opened.index.shards)} shards match.")


def print_index(index: CorpusIndex) -> None:
    """Print clips and minutes by kind and split, and the failures."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say
    from musclehand.motion.dataset import SPLITS

    entries = [entry for shard in index.shards.values() for entry in shard.clips]
    table = Table(title="Clips (one hand each) and their minutes", title_justify="left")
    table.add_column("kind", no_wrap=True)
    for column in ("patterns", "clips", "minutes", *SPLITS):
        table.add_column(column, justify="right")
    kinds = sorted({entry.kind for entry in entries})
    groups = [(kind, [entry for entry in entries if entry.kind == kind]) for kind in kinds]
    for kind, group in [*groups, ("all", entries)]:
        splits = [_minutes([entry for entry in group if entry.split == split]) for split in SPLITS]
        patterns = str(len({entry.pattern for entry in group}))
        table.add_row(Text(kind), patterns, str(len(group)), _minutes(group), *splits)
    console = open_console()
    console.print(table)
    failures = [failure for shard in index.shards.values() for failure in shard.failures]
    for failure in failures[:SHOWN]:
        say(console, f"Left out: {failure}")
    if len(failures) > SHOWN:
        say(console, f"and {len(failures) - SHOWN} more")


def _minutes(entries: Sequence[ClipEntry]) -> str:
    return f"{sum(entry.seconds for entry in entries) / 60:.1f}"
