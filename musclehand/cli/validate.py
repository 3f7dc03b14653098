"""`musclehand validate`: runs all checks on hand models, and shows and writes the findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import MusclehandError

if TYPE_CHECKING:
    from musclehand.body.build.table_rows import HandTables
    from musclehand.core.progress import Progress
    from musclehand.validation.check import Check, Specimen
    from musclehand.validation.suite import OnCheck

PASSED = 0
FAILED = 1
"""Exit codes of a model that was checked."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class ValidateArgs:
    """Check a hand model: is it anatomical, stable and strong enough?

    MODEL is an MJCF file with one hand or two, or a bundled model: musclehand or myohand. Names of
    joints and muscles are recognised as in MyoSim, MuscleMimic and MUSIC-Hand, whatever their
    suffix; --map gives the names of other models. A single finger can be checked too. Exit code 0:
    no check of MODEL fails; 1: one does; 2: a model cannot be used.

    For example:
      musclehand validate musclehand
      musclehand validate my_hand.xml --against musclehand myohand --report report
      musclehand validate my_hand.xml --checks V12 V14 --side right
      musclehand validate musclehand --hand-length 165 --hand-breadth 72
    """

    model: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """MJCF file, or musclehand or myohand."""

    against: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="MODEL ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Other models to put through the same checks and to show beside MODEL."""

    report: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write a page with figures (validation.html) and the results (validation.json) into this
    folder."""

    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write the results to this file."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Names of the parts of MODEL: a JSON file that maps anatomical names to the model's, with a
    pattern for each side, such as "{}_r"; the guide to own hands shows one."""

    root: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder that a model's includes, meshes and textures may come from; by default the one it lies
    in."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right|both")] = "both"
    """Which hands to check; both means those that a model has."""

    checks: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="V12 ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Only these checks."""

    hand_length: Annotated[
        float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Check musclehand at this length, wrist to fingertip; by default 175 mm."""

    hand_breadth: Annotated[
        float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Check musclehand at this breadth across the knuckles; by default 77 mm."""

    strength: Annotated[float, tyro.conf.arg(metavar="X")] = 1.0
    """Check musclehand with all muscles X times as strong."""


def validate(args: ValidateArgs) -> int:
    """`musclehand validate`; returns 0 if the model passes and 1 if it does not.

    Raises:
        MusclehandError: a model, naming, check or path is not usable.
    """
    from musclehand.body.naming import known_namings
    from musclehand.cli.console import open_console, say
    from musclehand.validation.report.text import findings_text
    from musclehand.validation.report.write import write_json
    from musclehand.validation.run import validate as validate_models
    from musclehand.validation.specimen import open_specimens
    from musclehand.validation.suite import select_checks

    select_checks(args.checks)
    if args.model in args.against:
        raise MusclehandError("a model is compared with itself: name each only once")
    specimens = open_specimens(
        args.model,
        naming=args.map,
        root=args.root,
        side=args.side,
        tables=_tables(args),
        strength_scale=args.strength,
    )
    with _progress_bar() as (progress, on_check):
        report = validate_models(
            specimens,
            against=args.against,
            checks=args.checks,
            side=args.side,
            root=args.root,
            progress=progress,
            on_check=on_check,
        )
    files: list[Path] = []
    if args.report is not None:
        files += report.save(args.report)
    if args.json is not None:
        write_json(report.examinations, args.json)
        files.append(args.json)
    console = open_console()
    console.print(findings_text(report.examinations, report.validated), crop=False)
    for source, naming in dict.fromkeys((hand.source, hand.naming.name) for hand in specimens):
        if args.map is None and naming not in {bundled.name for bundled in known_namings()}:
            say(console, f"{source}: read as {naming}")
    if files:
        say(console, f"Written to {', '.join(map(str, files))}")
    return PASSED if report.passed else FAILED


def _tables(args: ValidateArgs) -> HandTables | None:
    """Tables of the bundled hand in the requested size; None for its default size."""
    from musclehand.body.build.scaling import scale_tables
    from musclehand.body.build.tables import load_tables

    sized = args.hand_length is not None or args.hand_breadth is not None
    if (sized or args.strength != 1.0) and args.model != "musclehand":
        raise MusclehandError(
            f"size and strength are settings of the model musclehand, not of {args.model}"
        )
    if not sized:
        return None
    length, breadth = (
        None if size is None else 1e-3 * size for size in (args.hand_length, args.hand_breadth)
    )
    return scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)


@contextmanager
def _progress_bar() -> Iterator[tuple[Progress, OnCheck]]:
    """A bar on stderr, if that is a terminal, with the name of the running check.

    Gives the two callbacks of `validate` that move it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(done: float, total: float) -> None:
            bar.update(task, completed=done, total=total)

        def on_check(specimen: Specimen, check: Check) -> None:
            side = specimen.hand.side.name.lower()
            name = f"{specimen.source} {side}: {check.code} {check.title}"
            bar.update(task, description=str(Text(name)))

        yield progress, on_check
