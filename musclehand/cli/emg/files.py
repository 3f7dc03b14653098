"""`musclehand emg info`, `qc` and `convert`: contents and quality of EMG files, and conversion."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import MusclehandError, OutputError

if TYPE_CHECKING:
    from rich.table import Table

    from musclehand.emg.io.reading import ReadOptions
    from musclehand.emg.processing.quality import QualityReport
    from musclehand.emg.recording import EmgRecording, TimeSeries

FIT = 0
UNFIT = 1
"""Exit codes of `emg qc`."""

_NO_DEFAULT = ""
_STYLES = {"good": "green", "doubtful": "yellow", "bad": "bold red", "unknown": "dim"}
_FORMATS = (
    "auto|musclehand|armband|csv|delsys|opensignals|bts|excel|opensim|c3d|edf|brainvision|otb|xdf|"
    "matlab|intan|numpy|pickle"
)


@dataclass(frozen=True)
class RecordingArgs:
    """Facts about a file that it may not state itself."""

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """Recording: .h5, .csv, .txt, .emt, .xlsx, .c3d, .edf, .bdf, .vhdr, .otb+, .otb4, .xdf, .sto,
    .mot, .mat, .rhd, .npy or .pkl; or a folder of them."""

    rate: Annotated[float | None, tyro.conf.arg(metavar="HZ", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Samples a second, where the file does not say; armbands have 200."""

    unit: Annotated[
        str | None, tyro.conf.arg(metavar="V|mV|uV|counts", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Unit of the samples, where the file does not say; by default V is assumed."""

    columns: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.json", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Roles of the columns of a table (see `musclehand.emg.io.column_map`)."""

    channels: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="NAME ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Only these channels."""

    variable: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Variable of a .mat file, sheet of an .xlsx file or stream of an .xdf file; by default the one
    of EMG."""

    format: Annotated[str, tyro.conf.arg(metavar=_FORMATS)] = "auto"
    """Format of the file, where its ending does not say."""

    allow_pickle: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Open .pkl files. Only numbers are read from them and nothing in them is run."""


@dataclass(frozen=True)
class InfoArgs(RecordingArgs):
    """Contents of an EMG file: channels, rate, duration, units, events and further series.

    For example:
      musclehand emg info session/2.txt
      musclehand emg info trial.c3d
      musclehand emg info emg.csv --columns columns.json
      musclehand emg info session.mat --variable raw.emg --rate 2000
      musclehand emg info right/12345-1                   every recording of a folder
    """


@dataclass(frozen=True)
class QcArgs(RecordingArgs):
    """Quality control of an EMG file: clipping, mains hum, gaps, dead and doubled channels, rate,
    synchrony.

    Exit code 0: no check fails; 1: one does; 2: the file cannot be read.

    For example:
      musclehand emg qc trial.c3d --channels Biceps.EMG4 Triceps.EMG5
      musclehand emg qc right/12345-1 --json quality.json
    """

    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write the findings to this file."""


@dataclass(frozen=True)
class ConvertArgs(RecordingArgs):
    """Convert a recording to HDF5, with all its metadata; or add it to a folder of EMG-BIDS.

    For example:
      musclehand emg convert S1_E3_A1.mat --rate 2000 --out s1.h5
      musclehand emg convert s1.h5 --out study --task scales
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.h5|FOLDER")] = Path("emg.h5")
    """Where to write it; an existing file stays, unless --force. A name without an ending is a
    folder of EMG-BIDS."""

    task: Annotated[str, tyro.conf.arg(metavar="NAME")] = "task"
    """Task label in the names of EMG-BIDS."""

    force: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Write over an existing file."""


def options_of(args: RecordingArgs) -> ReadOptions:
    """The options of the command line as options of a reader.

    Raises:
        MusclehandError: no such column map.
    """
    from musclehand.emg.io.column_map import read_column_map
    from musclehand.emg.io.reading import ReadOptions

    columns = None if args.columns is None else read_column_map(args.columns)
    return ReadOptions(
        fs_hz=args.rate,
        unit=args.unit,
        columns=columns,
        channels=args.channels,
        variable=args.variable,
        allow_pickle=args.allow_pickle,
        format=args.format,
    )


def info(args: InfoArgs) -> None:
    """`musclehand emg info`.

    Raises:
        MusclehandError: a file cannot be read.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.io.marker_file import read_markers
    from musclehand.emg.io.reading import read_emg

    if args.file.suffix.lower() == ".trc":
        say(open_console(), _series_line(args.file.name, read_markers(args.file)))
    elif args.file.is_dir():
        _print_folder(args)
    else:
        print_recording(args.file, read_emg(args.file, options_of(args)))


def qc(args: QcArgs) -> int:
    """`musclehand emg qc`.

    Returns:
        0 where no check fails, else 1.

    Raises:
        MusclehandError: a file cannot be read, or the findings cannot be written.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.processing.quality import Quality, check_quality

    problems: list[MusclehandError] = []
    reports = {
        str(path): check_quality(recording) for path, recording in _recordings(args, problems)
    }
    for name, report in reports.items():
        print_quality(name, report)
    if args.json is not None:
        content = {name: report.as_json() for name, report in reports.items()}
        try:
            args.json.write_text(json_format.dumps(content, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(args.json, error.strerror or str(error)) from error
        say(open_console(), f"Written to {args.json}")
    _raise_all(problems)
    return UNFIT if any(report.verdict is Quality.BAD for report in reports.values()) else FIT


def convert(args: ConvertArgs) -> None:
    """`musclehand emg convert`.

    Raises:
        MusclehandError: the file cannot be read, or the result cannot be written.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.io.bids_folder import save_bids
    from musclehand.emg.io.reading import read_emg
    from musclehand.emg.io.store import SUFFIXES, save_recording

    if args.out.suffix == "" and not args.file.is_dir():
        recording = read_emg(args.file, options_of(args))
        path = save_bids(args.out, recording, task=args.task, force=args.force)
        left = f" (left out, no EMG: {', '.join(recording.extra)})" if recording.extra else ""
        say(open_console(), f"Written to {path}{left}")
        return
    if args.out.suffix.lower() not in SUFFIXES:
        raise OutputError(
            args.out, "recordings are HDF5 files; name it .h5, or give a folder for EMG-BIDS"
        )
    if args.out.is_dir() or (args.out.exists() and not args.force):
        raise OutputError(args.out, "it exists already; --force writes over it")
    if args.file.is_dir():
        raise MusclehandError(f"{args.file} is a folder; convert its files one by one")
    save_recording(args.out, read_emg(args.file, options_of(args)))
    say(open_console(), f"Written to {args.out}")


def print_recording(path: Path, recording: EmgRecording) -> None:
    """Contents and quality of a recording."""
    from musclehand.cli.console import open_console, say
    from musclehand.emg.processing.quality import check_quality

    console = open_console()
    head = (
        f"{path.name}: {len(recording.channels)} channels, {recording.duration:.2f} s at "
        f"{recording.fs_hz:.6g} Hz"
    )
    say(console, f"{head} ({len(recording.samples)} samples)")
    for word, value in (
        ("subject", recording.subject),
        ("session", recording.session),
        ("licence", recording.licence),
    ):
        if value:
            say(console, f"{word}: {value}")
    console.print(_channel_table(recording))
    for label, (number, seconds) in _labels(recording).items():
        say(console, f"event {label}: {number} times, {seconds:.1f} s together")
    for name, series in recording.extra.items():
        say(console, _series_line(name, series))
    for key, value in recording.provenance.items():
        say(console, f"{key}: {value}")
    if recording.provenance.get("reader") == "OpenSim":
        say(console, "Curves of a model or of motion, no raw EMG: there is no quality to check.")
        return
    report = check_quality(recording)
    say(console, f"Quality: {report.verdict.value}. {report.words} (musclehand emg qc {path})")


def _channel_table(recording: EmgRecording) -> Table:
    """A row for each channel: placement, unit, and statistics of its samples."""
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for heading in ("channel", "muscle", "site", "side"):
        table.add_column(heading, overflow="fold")
    for heading in ("unit", "rms", "least", "most", "missing"):
        table.add_column(heading, justify="right")
    count = len(recording.samples)
    for channel, column in zip(recording.channels, recording.samples.T, strict=True):
        valid = column[np.isfinite(column)]
        numbers = ("", "", "")
        if len(valid):
            numbers = (
                f"{np.sqrt(np.mean((valid - valid.mean()) ** 2)):.3g}",
                f"{valid.min():.3g}",
                f"{valid.max():.3g}",
            )
        side = "" if channel.side is None else channel.side.name.lower()
        words = [
            Text(word or "")
            for word in (channel.name, channel.muscle, channel.site, side, channel.unit)
        ]
        table.add_row(*words, *numbers, f"{1 - len(valid) / count:.1%}")
    return table


def print_quality(name: str, report: QualityReport) -> None:
    """The findings on a recording, and advice."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say

    table = Table(title=Text(name), title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("finding")
    for finding in report.findings:
        word = finding.quality.value
        table.add_row(Text(finding.check), Text(word.upper(), _STYLES[word]), Text(finding.words))
    console = open_console()
    console.print(table)
    say(console, f"{report.verdict.value.upper()}: {report.words}")


def _print_folder(args: InfoArgs) -> None:
    """A line for each recording of a folder that can be read.

    Raises:
        MusclehandError: a recording cannot be read; the readable ones are printed first.
    """
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console
    from musclehand.emg.processing.quality import check_quality

    table = Table(title=Text(str(args.file)), title_justify="left")
    problems: list[MusclehandError] = []
    for heading in ("file", "channels", "seconds", "Hz", "events", "quality"):
        table.add_column(heading, overflow="fold")
    for path, recording in _recordings(args, problems):
        word = check_quality(recording).verdict.value
        events = ", ".join(f"{number} {label}" for label, (number, _) in _labels(recording).items())
        numbers = (
            str(len(recording.channels)),
            f"{recording.duration:.1f}",
            f"{recording.fs_hz:.6g}",
        )
        table.add_row(
            Text(str(path.relative_to(args.file))),
            *numbers,
            Text(events),
            Text(word, _STYLES[word]),
        )
    open_console().print(table)
    _raise_all(problems)


def _recordings(
    args: RecordingArgs, problems: list[MusclehandError]
) -> Iterator[tuple[Path, EmgRecording]]:
    """The recording of a file, or all recordings in a folder and its folders.

    Errors of single files in a folder are added to `problems`.
    """
    from musclehand.emg.io.reading import find_recordings, read_emg

    options = options_of(args)
    if not args.file.is_dir():
        yield args.file, read_emg(args.file, options)
        return
    for path in find_recordings(args.file):
        try:
            recording = read_emg(path, options)
        except MusclehandError as error:
            problems.append(error)
        else:
            yield path, recording


def _raise_all(problems: list[MusclehandError]) -> None:
    """Raises the errors of all files at once."""
    if problems:
        raise MusclehandError("; ".join(str(problem) for problem in problems))


def _labels(recording: EmgRecording) -> dict[str, tuple[int, float]]:
    """Number and total duration [s] of the events of each label."""
    totals: dict[str, tuple[int, float]] = {}
    for event in recording.events:
        number, seconds = totals.get(event.label, (0, 0.0))
        totals[event.label] = number + 1, seconds + event.duration
    return totals


def _series_line(name: str, series: TimeSeries) -> str:
    columns = ", ".join(series.names[:6]) + (
        f" and {len(series.names) - 6} more" if len(series.names) > 6 else ""
    )
    span = f"{series.time[0]:.2f} to {series.time[-1]:.2f} s" if len(series.time) else "empty"
    units = f" [{', '.join(sorted(set(series.units)))}]" if series.units else ""
    return f"{name}: {len(series.time)} rows, {span}, {series.fs_hz:.6g} Hz; {columns}{units}"
