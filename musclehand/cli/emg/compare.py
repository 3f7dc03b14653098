"""`musclehand emg compare`: simulated muscle activity against recorded EMG, with nulls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from musclehand.emg.comparison.pipeline import EmgComparison
    from musclehand.emg.comparison.result import Comparison

_NO_DEFAULT = ""


@dataclass(frozen=True)
class CompareArgs:
    """Compare simulated muscles with an EMG recording: per muscle and pooled, each number beside
    its null distributions.

    SIM is a performance (its folder or recording.h5) or an OpenSim .sto file of activations; EMG a
    recording that `musclehand emg info` can read. Both clocks begin at the same moment, unless
    --delay says otherwise.

    For example:
      musclehand emg compare performances/ode session.h5 --map map.csv --out compared
      musclehand emg compare activations.sto session.edf --same-person session2.edf
    """

    sim: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SIM")]]
    """Performance or .sto file."""

    emg: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="EMG")]]
    """Recorded EMG."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Muscles that each channel picks up (such as data/emg/muscle_map.csv); by default channels are
    named like muscles."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = None
    """Write a page, figures, tables and JSON into this folder."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right")] = "right"
    """Hand of SIM."""

    quantity: Annotated[str, tyro.conf.arg(metavar="activation|excitation")] = "activation"
    """Quantity of a muscle: after activation dynamics, or before."""

    combine: Annotated[str, tyro.conf.arg(metavar="mean|max")] = "mean"
    """Expected activity of a channel with several muscles."""

    delay: Annotated[float, tyro.conf.arg(metavar="S")] = 0.0
    """Start of SIM's clock after EMG's."""

    lowpass: Annotated[float, tyro.conf.arg(metavar="HZ")] = 6.0
    """Low-pass of the envelopes and of the simulated side."""

    notch: Annotated[float | None, tyro.conf.arg(metavar="HZ", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Mains frequency to remove."""

    normalise: Annotated[str, tyro.conf.arg(metavar="task_p99|mvc|reference|none")] = "task_p99"
    """Scale of each channel: one value a muscle."""

    reference: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Recordings of maximal or reference contractions, for mvc and reference."""

    same_person: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Other recordings of the same events by the same person, for the noise ceiling."""

    other_person: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Recordings of the same events by other people, for the noise ceiling."""

    window: Annotated[tuple[float, float], tyro.conf.arg(metavar="A B")] = (-0.2, 0.3)
    """Window round notes or movements [s]."""

    lags: Annotated[tuple[float, float], tyro.conf.arg(metavar="A B")] = (0.0, 0.15)
    """Delays searched, EMG leading [s]."""

    inference: Annotated[str, tyro.conf.arg(metavar="cluster|spm")] = "cluster"
    """Test of curves round events: cluster permutations, or spm1d, which has to be installed."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of nulls and intervals."""


def compare(args: CompareArgs) -> None:
    """`musclehand emg compare`.

    Raises:
        MusclehandError: a file or an option cannot be used.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.report.write import PAGE

    result = run_comparison(args)
    print_comparison(result.comparison)
    console = open_console()
    say(console, result.summary)
    for remark in result.remarks:
        say(console, f"Note: {remark}")
    if args.out is not None:
        files = result.save(args.out)
        say(console, f"Written to {args.out}: {PAGE} and {len(files) - 1} files")


def run_comparison(args: CompareArgs) -> EmgComparison:
    """The comparison that the options describe.

    Raises:
        MusclehandError: a file or an option cannot be used.
    """
    from musclehand.emg.comparison.pipeline import compare as compare_emg

    return compare_emg(
        args.sim,
        args.emg,
        muscle_map=args.map,
        side=args.side,
        quantity=args.quantity,
        combine=args.combine,
        delay=args.delay,
        lowpass=args.lowpass,
        notch=args.notch,
        normalise=args.normalise,
        reference=args.reference,
        same_person=args.same_person,
        other_person=args.other_person,
        window=args.window,
        lags=args.lags,
        inference=args.inference,
        seed=args.seed,
    )


def print_comparison(comparison: Comparison) -> None:
    """The table of all muscles, with the nulls of r beside it."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console
    from musclehand.emg.report.text import TITLE, result_table

    columns, rows = result_table(comparison)
    table = Table(title=TITLE, title_justify="left")
    for column in columns:
        is_ceiling = column.startswith("ceiling")
        justify: JustifyMethod = "left" if column == "muscle" else "right"
        table.add_column(column, justify=justify, no_wrap=not is_ceiling)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    open_console().print(table)
