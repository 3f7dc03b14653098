"""EMG recordings of any format.

The format is that of the file's ending, and of the first lines of a text:

    .h5 .hdf5       this project's store             .c3d            C3D
    .txt .csv .tsv  tables, armbands, and the        .edf .bdf       EDF, with EMG-BIDS sidecars
      .asc .dat     exports of Delsys, OpenSignals   .vhdr           BrainVision
    .emt            BTS                              .otb+ .otb4     OT Bioelettronica
    .xlsx           a table in Excel                 .xdf .xdfz      Lab Streaming Layer
    .sto .mot       OpenSim, evenly spaced           .mat            MATLAB 5 and 7.3
    .npy            an array                         .rhd            Intan
    .pkl .pickle    a pickle, only if allowed

Text without a heading that begins with eight or nine whole numbers, separated by commas, is taken
for an armband's if its columns are not described.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.emg.io.armband_file import NUM_ELECTRODES, RATE_HZ, read_armband
from musclehand.emg.io.array_file import read_numpy, read_pickle
from musclehand.emg.io.bids_file import read_edf
from musclehand.emg.io.bids_folder import SIDECARS
from musclehand.emg.io.brainvision_file import read_brainvision
from musclehand.emg.io.bts_file import MAGIC as BTS_MAGIC
from musclehand.emg.io.bts_file import read_bts
from musclehand.emg.io.c3d_file import read_c3d
from musclehand.emg.io.column_map import ColumnMap
from musclehand.emg.io.csv_file import read_csv
from musclehand.emg.io.delsys_file import is_delsys, read_delsys
from musclehand.emg.io.excel_file import read_excel
from musclehand.emg.io.matlab_file import read_matlab
from musclehand.emg.io.opensignals_file import MAGIC as OPENSIGNALS_MAGIC
from musclehand.emg.io.opensignals_file import read_opensignals
from musclehand.emg.io.opensim_file import read_storage
from musclehand.emg.io.otb_file import read_otb
from musclehand.emg.io.rhd_file import read_rhd
from musclehand.emg.io.store import load_recording
from musclehand.emg.io.timing import find_rate
from musclehand.emg.io.xdf_file import read_xdf
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, check_rate

FORMATS: Mapping[str, tuple[str, ...]] = {
    "musclehand": (".h5", ".hdf5"),
    "armband": (),
    "csv": (".csv", ".txt", ".tsv", ".asc", ".dat"),
    "delsys": (),
    "opensignals": (),
    "bts": (".emt",),
    "excel": (".xlsx", ".xlsm"),
    "opensim": (".sto", ".mot"),
    "c3d": (".c3d",),
    "edf": (".edf", ".bdf"),
    "brainvision": (".vhdr",),
    "otb": (".otb+", ".otb4", ".otb"),
    "xdf": (".xdf", ".xdfz"),
    "matlab": (".mat",),
    "intan": (".rhd",),
    "numpy": (".npy",),
    "pickle": (".pkl", ".pickle"),
}
"""Formats and the endings of their files."""

_PARTS = (".eeg", ".vmrk")
"""Endings of files that belong to a header of BrainVision."""

_HEAD_BYTES = 20_000
"""Bytes of a text in which marks of vendors are looked for: chosen, more than their headings."""


@dataclass(frozen=True)
class ReadOptions:
    """Facts about a file that it may not state itself."""

    fs_hz: float | None = None
    """[Hz] sampling rate; None: as the file says."""

    unit: str | None = None
    """Of the samples; None: as the file says."""

    columns: ColumnMap | None = None
    """Roles of the columns of a table."""

    channels: tuple[str, ...] = ()
    """Channels to keep, in this order; empty for all."""

    variable: str | None = None
    """Variable of a .mat file, sheet of an .xlsx file, stream of an .xdf file, or entry of a
    pickle; None: the one of EMG."""

    allow_pickle: bool = False
    """Whether pickles are opened."""

    format: str = "auto"
    """One of `FORMATS`, or "auto" by the ending."""


def read_emg(path: str | PathLike[str], options: ReadOptions | None = None) -> EmgRecording:
    """Reads a recording of any format.

    Raises:
        EmgFileError: the file cannot be used. Names it, the place in it and the problem.
        UnknownName: no such format or channel.
        InvalidValue: a rate out of range.
    """
    options = options or ReadOptions()
    if options.fs_hz is not None:
        check_rate("sampling rate", options.fs_hz)
    kind = find_format(path) if options.format == "auto" else options.format
    recording = _read(path, kind, options)
    return recording.select(options.channels) if options.channels else recording


def find_format(path: str | PathLike[str]) -> str:
    """The format of a file, by its ending and, of text, its first line.

    Raises:
        EmgFileError: no format has this ending.
    """
    ending = Path(path).suffix.lower()
    for kind, endings in FORMATS.items():
        if ending in endings:
            return _text_format(path) if kind == "csv" else kind
    if ending in _PARTS:
        return "brainvision"
    available = ", ".join(ending for endings in FORMATS.values() for ending in endings)
    raise EmgFileError(
        path, f"unknown ending {ending!r}; there are {available}; or name its format with --format"
    )


def find_recordings(folder: str | PathLike[str]) -> list[Path]:
    """All files of recordings in a folder and its folders, in alphabetical order.

    Raises:
        MusclehandError: there is none.
    """
    endings = {ending for endings in FORMATS.values() for ending in endings}
    paths = sorted(
        path
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in endings and path.is_file() and not path.name.endswith(SIDECARS)
    )
    if not paths:
        raise MusclehandError(f"{folder}: no recordings in it ({', '.join(sorted(endings))})")
    return paths


def _read(path: str | PathLike[str], kind: str, options: ReadOptions) -> EmgRecording:
    reader = _READERS.get(kind)
    if reader is None:
        raise UnknownName("format", kind, [*FORMATS, "auto"])
    recording = reader(path, options)
    if options.fs_hz is not None and abs(recording.fs_hz / options.fs_hz - 1) > 1e-3:
        raise EmgFileError(
            path, f"states a rate of {recording.fs_hz:g} Hz, not {options.fs_hz:g} Hz"
        )
    return recording


def _columns(options: ReadOptions) -> ColumnMap:
    """The column map, with the rate and unit of the options where these are given."""
    columns = options.columns or ColumnMap()
    if options.unit is not None and options.columns is None:
        columns = replace(columns, unit=options.unit)
    return columns if options.fs_hz is None else replace(columns, fs_hz=options.fs_hz)


_READERS: Mapping[str, Callable[[str | PathLike[str], ReadOptions], EmgRecording]] = {
    "musclehand": lambda path, _: load_recording(path),
    "armband": lambda path, options: read_armband(path, fs_hz=options.fs_hz or RATE_HZ),
    "csv": lambda path, options: read_csv(path, _columns(options)),
    "delsys": lambda path, options: read_delsys(path, fs_hz=options.fs_hz, unit=options.unit),
    "opensignals": lambda path, options: read_opensignals(
        path, fs_hz=options.fs_hz, unit=options.unit
    ),
    "bts": lambda path, options: read_bts(path, _columns(options)),
    "excel": lambda path, options: read_excel(path, _columns(options), variable=options.variable),
    "opensim": lambda path, _: read_opensim(path),
    "c3d": lambda path, _: read_c3d(path),
    "edf": lambda path, _: read_edf(path),
    "brainvision": lambda path, options: read_brainvision(path, unit=options.unit),
    "otb": lambda path, options: read_otb(path, unit=options.unit),
    "xdf": lambda path, options: read_xdf(path, variable=options.variable, unit=options.unit),
    "matlab": lambda path, options: read_matlab(
        path, fs_hz=options.fs_hz, unit=options.unit, variable=options.variable
    ),
    "intan": lambda path, _: read_rhd(path),
    "numpy": lambda path, options: read_numpy(path, fs_hz=options.fs_hz, unit=options.unit),
    "pickle": lambda path, options: read_pickle(
        path,
        fs_hz=options.fs_hz,
        unit=options.unit,
        key=options.variable,
        allow_pickle=options.allow_pickle,
    ),
}
"""Reader of each format; the reading functions take no more than a format can state."""


def read_opensim(path: str | PathLike[str]) -> EmgRecording:
    """An evenly spaced .sto or .mot file as a recording.

    Its columns, such as EMG or activations, become channels of unit "unknown".

    Raises:
        EmgFileError: not a file of OpenSim, or its times are not evenly spaced.
    """
    storage = read_storage(path)
    series = storage.series
    if len(series.time) < 2:
        raise EmgFileError(path, "a single row; a recording has at least 2 samples")
    try:
        return EmgRecording(
            samples=series.values,
            fs_hz=find_rate(path, series.time, storage.first_line),
            channels=tuple(Channel(name, unit="unknown") for name in series.names),
            provenance={
                "file": Path(path).name,
                "reader": "OpenSim",
                "first time": f"{series.time[0]:g} s",
            },
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _text_format(path: str | PathLike[str]) -> str:
    """The format of a text, by its first lines."""
    try:
        with open(path, "rb") as file:
            data = file.read(_HEAD_BYTES)
    except OSError:
        return "csv"
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    head = data.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    first = head.split("\n", 1)[0]
    if OPENSIGNALS_MAGIC.lower() in first.lower():
        return "opensignals"
    if first.strip().lower().startswith(BTS_MAGIC.lower()):
        return "bts"
    if is_delsys(head):
        return "delsys"
    return "armband" if _looks_like_armband(first) else "csv"


def _looks_like_armband(line: str) -> bool:
    """Whether a line has eight or nine whole numbers with commas."""
    words = line[:200].strip().split(",")
    numbers = all(
        word.removeprefix("-").isascii() and word.removeprefix("-").isdigit() for word in words
    )
    return numbers and len(words) in (NUM_ELECTRODES, NUM_ELECTRODES + 1)
