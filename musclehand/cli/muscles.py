"""`musclehand muscles`: muscle use of a performance, or a comparison of several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import OutputError

if TYPE_CHECKING:
    from musclehand.performance.muscle_use import MuscleName, MuscleUse, MuscleUseComparison

SHOWN = 12
"""Most muscles of a comparison that are shown without --all."""

LEAST_CHANGE = 5e-4
"""Smallest change of a mean activation that is shown without --all."""

MOST_SHARE = 999.0
"""[%] Larger relative changes are shown as "over +999 %"."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class MusclesArgs:
    """Show the muscle use of a performance, or compare performances.

    RUN is a folder that `musclehand play` wrote, or a recording.h5. For a single run, all muscles
    are listed by anatomical group. For several runs, the muscles whose mean activation changed most
    from the first run are listed. Peak is the 95th percentile of the activation, force is that
    along the tendon (passive force included), and impulse is its integral over time. Only the time
    from the first note to the end of the last note counts.

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
    """Draw the muscles that changed most, and the activation of the first of them over time."""

    csv: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write the values of all muscles to this CSV file."""

    all: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """List all muscles of a comparison, not only those that changed most."""


def muscles(args: MusclesArgs) -> None:
    """`musclehand muscles`.

    Raises:
        MusclehandError: a run or path is not usable, or the runs have different muscles.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.core.figure_file import save_figure
    from musclehand.performance.muscle_use import (
        compare_muscle_use,
        draw_muscle_use,
        read_muscle_use,
        write_muscle_use,
    )

    if args.figure is not None and args.figure.suffix.lower() != ".png":
        raise OutputError(args.figure, "the figure is a PNG picture; let its name end in .png")
    comparison = compare_muscle_use([read_muscle_use(run) for run in args.runs])
    if args.csv is not None:
        write_muscle_use(comparison, args.csv)
    if args.figure is not None:
        save_figure(draw_muscle_use(comparison), args.figure)
    if len(comparison.uses) == 1:
        print_use(comparison.uses[0], comparison.labels[0])
    else:
        print_comparison(comparison, shown=None if args.all else SHOWN)
    console = open_console()
    for remark in comparison.remarks:
        say(console, f"Remark: {remark}")
    written = [str(path) for path in (args.csv, args.figure) if path is not None]
    if written:
        say(console, f"Written to {', '.join(written)}")


def print_use(use: MuscleUse, label: str) -> None:
    """Print all muscles of a performance by anatomical group, with columns for each hand."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.body.anatomy import Side
    from musclehand.cli.console import open_console, say

    rows = {(muscle.short, muscle.side): row for row, muscle in enumerate(use.muscles)}
    sides = [side for side in Side if any(muscle.side is side for muscle in use.muscles)]
    table = Table(title=Text(f"Muscle use: {label}"), title_justify="left")
    table.add_column("muscle", no_wrap=True, min_width=6)
    table.add_column("", ratio=1)
    for side in sides:
        for heading in ("mean", "peak", "force N", "impulse N s"):
            table.add_column(f"{side.name.lower()}\n{heading}", justify="right")
    groups: dict[str, dict[str, MuscleName]] = {}
    for muscle in use.muscles:
        groups.setdefault(muscle.group, {})[muscle.short] = muscle
    for group, members in groups.items():
        table.add_section()
        table.add_row("", Text(group, style="bold"))
        for short, muscle in members.items():
            cells: list[str] = []
            for side in sides:
                row = rows.get((short, side))
                cells += ["-"] * 4 if row is None else _cells(use, row)
            table.add_row(Text(short), Text(muscle.name), *cells)
    console = open_console()
    console.print(table)
    mean = f"mean activation {use.overall_activation:.4f}"
    say(console, f"All muscles: {mean}, sum of squared activations {use.effort:.3f}")
    say(console, _period(use))


def print_comparison(comparison: MuscleUseComparison, *, shown: int | None = SHOWN) -> None:
    """Print the muscles of several performances, at most `shown`, and totals below."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say

    uses = comparison.uses
    with_details = len(uses) <= 2
    table = Table(title="Muscle use, by how much the mean activation changed", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("", ratio=1)
    for heading in ("activation", "peak", "force N")[: 3 if with_details else 1]:
        for label in comparison.labels:
            table.add_column(Text(f"{heading}\n{label}"), justify="right", overflow="fold")
        if heading == "activation":
            table.add_column("change", justify="right", no_wrap=True)
    changed = [row for row in comparison.order if abs(comparison.change[row]) >= LEAST_CHANGE]
    rows = comparison.order if shown is None else changed[:shown]
    for row in rows:
        name = uses[0].muscles[row]
        cells = [f"{use.mean_activation[row]:.3f}" for use in uses]
        cells.append(_format_change(uses[0].mean_activation[row], comparison.change[row]))
        if with_details:
            cells += [f"{use.peak_activation[row]:.3f}" for use in uses]
            cells += [f"{use.mean_force[row]:.1f}" for use in uses]
        table.add_row(Text(f"{name.short} {name.side.name.lower()}"), Text(name.name), *cells)
    table.add_section()
    for label, values, digits in _totals(uses):
        cells = ["-" if value is None else f"{value:.{digits}f}" for value in values]
        table.add_row("", label, *cells, _format_total_change(values, digits))
    console = open_console()
    console.print(table)
    if shown is not None and len(changed) > len(rows):
        say(console, f"{len(changed) - len(rows)} more changed less (--all)")
    unchanged = len(comparison.order) - len(changed)
    if not changed:
        say(console, f"No mean activation changed by {LEAST_CHANGE:g} or more.")
    elif unchanged:
        muscles = f"{unchanged} of {len(comparison.order)} muscles"
        say(console, f"Mean activation changed by less than {LEAST_CHANGE:g} in {muscles}.")
    say(console, _period(uses[0]))


def _cells(use: MuscleUse, row: int) -> list[str]:
    """Mean and peak activation, force and impulse of a muscle."""
    return [
        f"{use.mean_activation[row]:.3f}",
        f"{use.peak_activation[row]:.3f}",
        f"{use.mean_force[row]:.1f}",
        f"{use.impulse[row]:.1f}",
    ]


def _totals(uses: tuple[MuscleUse, ...]) -> list[tuple[str, list[float | None], int]]:
    """Label, values of the runs, and decimals of each total that at least one run has."""
    rows: list[tuple[str, list[float | None], int]] = [
        ("all muscles, mean activation", [use.overall_activation for use in uses], 4),
        ("sum of squared activations", [use.effort for use in uses], 3),
        ("joint error, RMS deg", [use.joint_rmse_deg for use in uses], 2),
        ("onset F1 within 50 ms", [use.onset_f1 for use in uses], 3),
    ]
    return [row for row in rows if any(value is not None for value in row[1])]


def _format_total_change(values: list[float | None], digits: int) -> str:
    """The change of a total from the first of two runs to the second, where both have it."""
    if len(values) != 2 or values[0] is None or values[1] is None:
        return ""
    return _format_change(values[0], values[1] - values[0], digits)


def _format_change(before: float, change: float, digits: int = 3) -> str:
    """The difference, and its share of the first value unless that is close to 0."""
    if abs(change) < 0.5 * 10.0**-digits:
        return "="
    percent = 100.0 * change / before if before > LEAST_CHANGE else 0.0
    text = f"{change:+.{digits}f}"
    if abs(percent) < 0.5:
        return text
    if percent >= MOST_SHARE:
        return f"{text} (over +{MOST_SHARE:.0f} %)"
    return f"{text} ({percent:+.0f} %)"


def _period(use: MuscleUse) -> str:
    period = f"the {use.seconds:.2f} s from the first note to the end of the last one"
    return f"Counted: {period}, without the lead-in."
