"""`musclehand emg compare`: simulated muscle activity against recorded EMG, with all that is
needed to judge it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import InvalidValue

if TYPE_CHECKING:
    from musclehand.emg.comparison.result import Comparison, MuscleResult
    from musclehand.emg.io.simulated import SimulatedMuscles
    from musclehand.emg.model.muscle_map import MuscleMap, Projected
    from musclehand.emg.processing.envelope import Envelopes
    from musclehand.emg.recording import EmgRecording, Event

_NO_DEFAULT = ""


@dataclass(frozen=True)
class CompareArgs:
    """Compare simulated muscles with an EMG recording: per muscle and pooled, each number beside
    its nulls.

    SIM is a performance (its folder or recording.h5) or an OpenSim .sto file of activations; EMG a
    recording that `musclehand emg info` can read. Both clocks begin at the same moment, unless
    --delay says otherwise.

    For example:
      musclehand emg compare performances/ode_muscle session.h5 --map data/emg/muscle_map.csv --out
      compared musclehand emg compare activations.sto session.edf --map map.csv --same-person
      session2.edf
    """

    sim: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SIM")]]
    """Performance or .sto file."""

    emg: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="EMG")]]
    """Recorded EMG."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Which muscles each channel hears (data/emg/muscle_map.csv); by default channels are called
    like muscles."""

    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = None
    """Write a page, figures, tables and JSON into this folder."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right")] = "right"
    """Which hand of SIM."""

    quantity: Annotated[str, tyro.conf.arg(metavar="activation|excitation")] = "activation"
    """What of a muscle is compared: after activation dynamics, or before."""

    combine: Annotated[str, tyro.conf.arg(metavar="mean|max")] = "mean"
    """What a channel hears of several muscles."""

    delay: Annotated[float, tyro.conf.arg(metavar="S")] = 0.0
    """SIM's clock began so many seconds after EMG's."""

    lowpass: Annotated[float, tyro.conf.arg(metavar="HZ")] = 6.0
    """Low-pass of the envelope and of the simulated side."""

    notch: Annotated[float | None, tyro.conf.arg(metavar="HZ", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Take mains out at this frequency."""

    normalise: Annotated[str, tyro.conf.arg(metavar="task_p99|mvc|reference|none")] = "task_p99"
    """What each channel is divided by: one value a muscle."""

    reference: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Recordings of maximal or reference contractions, for mvc and reference."""

    same_person: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Other recordings of the same events by the same person: how alike could it be?"""

    other_person: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """The same of other people."""

    window: Annotated[tuple[float, float], tyro.conf.arg(metavar="A B")] = (-0.2, 0.3)
    """Around notes or movements [s]."""

    lags: Annotated[tuple[float, float], tyro.conf.arg(metavar="A B")] = (0.0, 0.15)
    """Delays looked for, EMG leading [s]."""

    inference: Annotated[str, tyro.conf.arg(metavar="cluster|spm")] = "cluster"
    """Test of curves round events: permuted clusters, or spm1d, which has to be installed."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """For nulls and intervals."""


def compare_files(args: CompareArgs) -> None:
    """`musclehand emg compare`.

    Raises:
        MusclehandError: a file or an option cannot be used.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.report.write import PAGE, summarise, write_comparison

    comparison, events = run_comparison(args)
    print_comparison(comparison)
    console = open_console()
    say(console, summarise(comparison))
    for remark in comparison.remarks:
        say(console, f"Note: {remark}")
    if args.out is not None:
        files = write_comparison(
            comparison, args.out, title=f"{args.sim.name} against {args.emg.name}", events=events
        )
        say(console, f"Written to {args.out}: {PAGE} and {len(files) - 1} files")


def run_comparison(args: CompareArgs) -> tuple[Comparison, tuple[Event, ...]]:
    """Reads, filters and compares what the options say; the events are those of EMG, or else of
    SIM.

    Raises:
        MusclehandError: a file or an option cannot be used.
    """
    from musclehand.emg.comparison.compare import compare
    from musclehand.emg.comparison.result import CompareConfig
    from musclehand.emg.io.reading import read_emg
    from musclehand.emg.io.simulated import parse_side, read_simulated
    from musclehand.emg.processing.envelope import (
        EnvelopeConfig,
        envelope,
        find_scale,
        smooth_simulated,
    )

    config = EnvelopeConfig(notch_hz=args.notch, lowpass_hz=args.lowpass, normalise=args.normalise)
    settings = CompareConfig(
        searched=args.lags, window=args.window, seed=args.seed, inference=args.inference
    )
    simulated = read_simulated(args.sim, side=parse_side(args.side), quantity=args.quantity)
    recording = read_emg(args.emg)
    references = [read_emg(path) for path in args.reference]
    scale = find_scale(references, config) if references else None
    projected = project(simulated, recording, args.map, args.combine)
    ours = smooth_simulated(
        projected.values,
        simulated.fs_hz,
        config,
        names=projected.names,
        start=simulated.start + args.delay,
    )
    theirs = envelope(recording, config, scale)
    others: dict[str, list[tuple[Envelopes, tuple[Event, ...]]]] = {}
    for kind, paths in (("same person", args.same_person), ("other person", args.other_person)):
        read = [read_emg(path) for path in paths]
        if read:
            others[kind] = [(envelope(each, config, scale), each.events) for each in read]
    events = recording.events or tuple(
        replace(each, onset=each.onset + args.delay) for each in simulated.events
    )
    result = compare(ours, theirs, events, settings, others)
    said = {
        "simulated": str(args.sim),
        "emg": str(args.emg),
        "map": str(args.map or ""),
        "quantity": args.quantity,
    }
    said |= {"combine": args.combine, "side": args.side, "delay_s": f"{args.delay:g}"}
    return replace(result, parameters={**result.parameters, **said}), events


def project(
    simulated: SimulatedMuscles, recording: EmgRecording, path: Path | None, combine: str = "mean"
) -> Projected:
    """What each channel should show, by the map in a file, or else by channels that are called like
    muscles.

    Raises:
        MusclehandError: no such map, or it has none of the channels.
    """
    from musclehand.emg.model.muscle_map import MapRow, MuscleMap, read_map

    if path is None:
        rows = tuple(
            MapRow(name, ((name,),), (1.0,), "high", "its own name") for name in simulated.muscles
        )
        return _for_channels(MuscleMap(rows), recording).project(
            simulated.values, simulated.muscles
        )
    return _for_channels(read_map(path), recording).project(
        simulated.values, simulated.muscles, combine=combine
    )


def _for_channels(muscle_map: MuscleMap, recording: EmgRecording) -> MuscleMap:
    """Rows for the channels of a recording, found by their names, muscles or sites."""
    from musclehand.emg.model.muscle_map import MuscleMap as Map

    known = {channel.casefold() for channel in muscle_map.channels}
    rows = []
    for channel in recording.channels:
        keys = [
            key
            for key in (channel.name, channel.muscle, channel.site)
            if key and key.casefold() in known
        ]
        if keys:
            rows.append(replace(muscle_map.row(keys[0]), channel=channel.name))
    if not rows:
        legal = f"some of those in the map: {', '.join(muscle_map.channels)}"
        raise InvalidValue("channels", list(recording.names)[:12], legal)
    return Map(tuple(rows))


def print_comparison(comparison: Comparison) -> None:
    """The table of all muscles, with the nulls of r beside it."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console

    table = Table(
        title="Simulated against recorded; surrogate, wrong: r of these nulls, 95th percentile",
        title_justify="left",
    )
    table.add_column("muscle", no_wrap=True)
    heads = [
        "r",
        "95 %",
        "surrogate",
        "wrong",
        "p",
        "best r",
        "lag ms",
        "CCC",
        "nRMSE",
        "kappa",
        "n_eff",
        "rank",
    ]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for kind in comparison.ceilings:
        table.add_column(f"ceiling, {kind}", justify="right")
    for each in (*comparison.muscles, comparison.pooled):
        ceilings = [_shown(each.ceilings[kind]) for kind in comparison.ceilings]
        table.add_row(Text(each.name), *_cells(each), *ceilings)
    open_console().print(table)


def _cells(each: MuscleResult) -> list[str]:
    low, high = each.interval
    kinds = ("surrogate", "wrong muscle")
    nulls = [each.nulls[kind]["r"].high if kind in each.nulls else float("nan") for kind in kinds]
    return [
        _shown(each.scores["r"]),
        f"{low:.2f}..{high:.2f}" if low == low else "",
        *(_shown(null) for null in nulls),
        _shown(each.holm["r"], 3),
        _shown(each.scores["r_best"]),
        _shown(1e3 * each.lag, 0) + ("*" if each.at_edge else ""),
        *(_shown(each.scores[name]) for name in ("ccc", "nrmse", "kappa")),
        _shown(each.size, 0),
        f"{each.rank:.2g}/{each.candidates}",
    ]


def _shown(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if value == value else "-"
