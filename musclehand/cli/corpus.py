"""`musclehand corpus` and `musclehand corpus-info`: makes a corpus of motion, and tells what is
in one."""

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
"""Failures shown before "and more"."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class CorpusArgs:
    """Make a corpus of motion: muscle-driven hands play scales, chords, exercises and random music,
    and move freely.

    The folder OUT gets files of clips (shard_00000.h5 ...), each one hand's motion with joint
    angles, fingertips, forearm, notes with fingers, and muscle activations, and index.json with
    checksums and splits. Interrupted in any way, the same command goes on where it was and ends
    with the same files; with more --hours it continues.

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
    """About so many hours of music and motion, both hands at once; an hour takes some 0.3 GB."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of all that is drawn; the same seed gives the same corpus."""

    workers: Annotated[int, tyro.conf.arg(metavar="N", help_behavior_hint=_NO_DEFAULT)] = 0
    """Processes to work with; by default one for each processor core."""

    chorales: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Play chorales by Bach as well; needs music21: pip install 'musclehand[corpus]'."""


@dataclass(frozen=True)
class CorpusInfoArgs:
    """Tell what is in a corpus: clips and minutes by kind of motion and split, and what could not
    be made.

    Exit code 0: all is well; 2: the folder is no corpus, or with --verify, a file of it is missing
    or has changed.

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
    with progress_bar("making the first shards", "making", "real time") as show:
        index = generate_corpus(
            args.out, plan, workers=args.workers or os.cpu_count() or 1, progress=show
        )
    print_index(index)
    say(open_console(), f"Written to {args.out}: {len(index.shards)} shards and index.json")


def corpus_info(args: CorpusInfoArgs) -> None:
    """`musclehand corpus-info`.

    Raises:
        MusclehandError: no corpus, or a file of it is missing or has changed.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.motion.dataset import open_corpus

    opened = open_corpus(args.folder)
    if args.verify:
        opened.verify()
    print_index(opened.index)
    if not opened.index.complete:
        say(open_console(), "Not complete yet: the command that made it goes on where it was.")
    if args.verify:
        say(open_console(), f"All {len(opened.index.shards)} shards are as they were written.")


def print_index(index: CorpusIndex) -> None:
    """Clips and minutes by kind and split, and what failed."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say
    from musclehand.motion.dataset import SPLITS

    entries = [entry for shard in index.shards.values() for entry in shard.clips]
    table = Table(title="Clips (one hand each) and their minutes", title_justify="left")
    table.add_column("kind", no_wrap=True)
    for column in ("patterns", "clips", "minutes", *SPLITS):
        table.add_column(column, justify="right")
    groups = [
        (kind, [e for e in entries if e.kind == kind]) for kind in sorted({e.kind for e in entries})
    ]
    for kind, some in [*groups, ("all", entries)]:
        by_split = [_minutes([entry for entry in some if entry.split == split]) for split in SPLITS]
        patterns = str(len({entry.pattern for entry in some}))
        table.add_row(Text(kind), patterns, str(len(some)), _minutes(some), *by_split)
    console = open_console()
    console.print(table)
    failures = [failure for shard in index.shards.values() for failure in shard.failures]
    for failure in failures[:SHOWN]:
        say(console, f"Left out: {failure}")
    if len(failures) > SHOWN:
        say(console, f"and {len(failures) - SHOWN} more")


def _minutes(entries: Sequence[ClipEntry]) -> str:
    return f"{sum(entry.seconds for entry in entries) / 60:.1f}"
