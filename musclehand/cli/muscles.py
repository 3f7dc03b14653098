"""`musclehand muscles`: how hard each muscle worked in a performance, or in several beside each
other."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import OutputError

if TYPE_CHECKING:
    from musclehand.performance.muscle_use import MuscleUse, UseComparison

SHOWN = 12
"""Muscles of a comparison shown before "and more"."""

LEAST_CHANGE = 5e-4
"""A mean activation that changed by less counts as unchanged, and is shown with --all only."""

MOST_SHARE = 999.0
"""Larger relative changes are only said to be over this [%]."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class MusclesArgs:
    """Show how hard each muscle worked in a performance, or compare performances.

    RUN is a folder that `musclehand play` wrote, or a recording.h5. Of one run, all muscles are
    listed by anatomical group; of more, those whose mean activation changed most from the first run
    come first. Peak is the 95th percentile of the activation, force that along the tendon (passive
    force included), impulse its integral over time. Only the time from the first note to the end of
    the last one counts.

    For example:
      musclehand muscles original
      musclehand muscles original edited --figure use.png
      musclehand muscles healthy palsy transfer --csv use.csv
    """

    runs: tyro.conf.Positional[
        Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN", help_behavior_hint="")]
    ]
    """Folders of performances, or recordings."""

    figure: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.png", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Draw the muscles that changed most, and the first of them over time."""

    csv: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write the figures of all muscles to this file."""

    all: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Compare all muscles, not only those that changed most."""


def muscles(args: MusclesArgs) -> None:
    """`musclehand muscles`.

    Raises:
        MusclehandError: a run or path is not usable, or the runs are of different muscles.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.performance.figures import save_figure
    from musclehand.performance.muscle_use import compare_uses, draw_use, read_use

    if args.figure is not None and args.figure.suffix.lower() != ".png":
        raise OutputError(args.figure, "the figure is a PNG picture; let its name end in .png")
    comparison = compare_uses([read_use(run) for run in args.runs])
    if args.csv is not None:
        write_csv(comparison, args.csv)
    if args.figure is not None:
        save_figure(draw_use(comparison), args.figure)
    if len(comparison.uses) == 1:
        print_use(comparison.uses[0], comparison.labels[0])
    else:
        print_comparison(comparison, shown=None if args.all else SHOWN)
    console = open_console()
    for remark in comparison.remarks:
        say(console, f"Remark: {remark}")
    if written := [str(path) for path in (args.csv, args.figure) if path is not None]:
        say(console, f"Written to {', '.join(written)}")


def print_use(use: MuscleUse, label: str) -> None:
    """All muscles of one performance by anatomical group on stdout, right and left hand beside
    each other."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.body.anatomy import Side
    from musclehand.cli.console import open_console, say

    places = {(each.short, each.side): i for i, each in enumerate(use.muscles)}
    sides = [side for side in Side if any(each.side is side for each in use.muscles)]
    table = Table(title=Text(f"Muscle use: {label}"), title_justify="left")
    table.add_column("muscle", no_wrap=True, min_width=6)
    table.add_column("", ratio=1)
    for side in sides:
        for heading in ("mean", "peak", "force N", "impulse N s"):
            table.add_column(f"{side.name.lower()}\n{heading}", justify="right")
    names = {each.short: each for each in use.muscles}
    for group in dict.fromkeys(each.group for each in names.values()):
        table.add_section()
        table.add_row("", Text(group, style="bold"))
        for each in (each for each in names.values() if each.group == group):
            cells: list[str] = []
            for side in sides:
                place = places.get((each.short, side))
                cells += ["-"] * 4 if place is None else _cells(use, place)
            table.add_row(Text(each.short), Text(each.name), *cells)
    console = open_console()
    console.print(table)
    say(
        console,
        f"All muscles: mean activation {_mean(use):.4f}, sum of squared activations {use.effort:.3f}",
    )
    say(console, _period(use))


def print_comparison(comparison: UseComparison, *, shown: int | None = SHOWN) -> None:
    """The muscles of several performances beside each other on stdout, at most `shown`, and
    totals below."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say

    uses = comparison.uses
    table = Table(title="Muscle use, by how much the mean activation changed", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("", ratio=1)
    for heading in ("activation", "peak", "force N")[: 3 if len(uses) <= 2 else 1]:
        for label in comparison.labels:
            table.add_column(Text(f"{heading}\n{label}"), justify="right", overflow="fold")
        if heading == "activation":
            table.add_column("change", justify="right", no_wrap=True)
    changed = [i for i in comparison.order if abs(comparison.change[i]) >= LEAST_CHANGE]
    rows = comparison.order if shown is None else changed[:shown]
    for i in rows:
        name = uses[0].muscles[i]
        cells = [f"{use.mean_activation[i]:.3f}" for use in uses]
        cells.append(_change(float(uses[0].mean_activation[i]), float(comparison.change[i])))
        if len(uses) <= 2:
            cells += [f"{use.peak_activation[i]:.3f}" for use in uses] + [
                f"{use.mean_force[i]:.1f}" for use in uses
            ]
        table.add_row(Text(f"{name.short} {name.side.name.lower()}"), Text(name.name), *cells)
    table.add_section()
    for label, values, digits in _totals(uses):
        base = values[0]
        last = values[-1]
        told = (
            _change(base, last - base, digits)
            if len(uses) == 2 and base is not None and last is not None
            else ""
        )
        table.add_row(
            "", label, *("-" if value is None else f"{value:.{digits}f}" for value in values), told
        )
    console = open_console()
    console.print(table)
    if cut := len(changed) - len(rows) if shown is not None else 0:
        say(console, f"{cut} more changed less (--all)")
    if not changed:
        say(console, f"No mean activation changed by {LEAST_CHANGE:g} or more.")
    elif unchanged := len(comparison.order) - len(changed):
        total = len(comparison.order)
        say(
            console,
            f"Mean activation changed by less than {LEAST_CHANGE:g} in {unchanged} of {total} muscles.",
        )
    say(console, _period(uses[0]))


def write_csv(comparison: UseComparison, path: Path) -> None:
    """A row for each run and muscle.

    Raises:
        OutputError: the file cannot be written.
    """
    columns = ("mean_activation", "peak_activation", "mean_force", "impulse")
    units = ("mean_activation", "p95_activation", "mean_force_N", "impulse_Ns")
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["run", "muscle", "hand", "name", "group", *units, "change_of_mean_activation"]
            )
            for use, label in zip(comparison.uses, comparison.labels, strict=True):
                for i, name in enumerate(use.muscles):
                    change = use.mean_activation[i] - comparison.uses[0].mean_activation[i]
                    values = [float(getattr(use, column)[i]) for column in columns] + [
                        float(change)
                    ]
                    words = [label, name.short, name.side.name.lower(), name.name, name.group]
                    writer.writerow([*words, *(f"{value:.6g}" for value in values)])
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def _cells(use: MuscleUse, place: int) -> list[str]:
    activations = [f"{values[place]:.3f}" for values in (use.mean_activation, use.peak_activation)]
    return [*activations, f"{use.mean_force[place]:.1f}", f"{use.impulse[place]:.1f}"]


def _totals(uses: tuple[MuscleUse, ...]) -> list[tuple[str, list[float | None], int]]:
    """Words, a value for each run, and how many digits to show; without those that no run has."""
    rows: list[tuple[str, list[float | None], int]] = [
        ("all muscles, mean activation", [_mean(use) for use in uses], 4),
        ("sum of squared activations", [use.effort for use in uses], 3),
        ("joint error, RMS deg", [use.joint_rmse_deg for use in uses], 2),
        ("onset F1 within 50 ms", [use.onset_f1 for use in uses], 3),
    ]
    return [row for row in rows if any(value is not None for value in row[1])]


def _mean(use: MuscleUse) -> float:
    return float(use.mean_activation.mean())


def _change(before: float, change: float, digits: int = 3) -> str:
    """The difference, and what share of the first value it is where that is not next to nothing."""
    if abs(change) < 0.5 * 10.0**-digits:
        return "="
    share = 100.0 * change / before if before > LEAST_CHANGE else 0.0
    told = f"{share:+.0f} %" if share < MOST_SHARE else f"over +{MOST_SHARE:.0f} %"
    return f"{change:+.{digits}f}" + (f" ({told})" if abs(share) >= 0.5 else "")


def _period(use: MuscleUse) -> str:
    return f"Counted: the {use.seconds:.2f} s from the first note to the end of the last one, without the lead-in."
