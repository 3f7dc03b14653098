"""Any file of EMG by its ending: what the command line and the comparison read recordings with.

    .h5 .hdf5       our own store                       .c3d            C3D
    .txt .csv .tsv  armband text, or a table            .edf .bdf       EDF, with the sidecars of EMG-BIDS
    .sto .mot       OpenSim, evenly spaced              .mat            MATLAB 5 in the layout of NinaPro
    .npy            an array                            .pkl .pickle    a pickle of arrays, only if allowed
    .rhd            Intan

Text without a heading that begins with eight or nine whole numbers, separated by commas, is taken
for an armband's if nothing else is said about its columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.io.armband_file import NUM_ELECTRODES, RATE_HZ, read_armband
from musclehand.emg.io.array_file import read_matlab, read_numpy, read_pickle
from musclehand.emg.io.bids_file import read_edf
from musclehand.emg.io.c3d_file import read_c3d
from musclehand.emg.io.csv_file import ColumnMap, find_rate, read_csv
from musclehand.emg.io.opensim_file import read_storage
from musclehand.emg.io.rhd_file import read_rhd
from musclehand.emg.io.store import load_recording
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, check_rate

FORMATS: Mapping[str, tuple[str, ...]] = {
    "musclehand": (".h5", ".hdf5"),
    "armband": (),
    "csv": (".csv", ".txt", ".tsv"),
    "opensim": (".sto", ".mot"),
    "c3d": (".c3d",),
    "edf": (".edf", ".bdf"),
    "matlab": (".mat",),
    "intan": (".rhd",),
    "numpy": (".npy",),
    "pickle": (".pkl", ".pickle"),
}
"""Formats and the endings of their files."""


@dataclass(frozen=True)
class ReadOptions:
    """What a file may need to have said about it; left out: what it says itself.

    `fs_hz` sampling rate [Hz]; `unit` of the samples; `columns` of a table; `channels` to take, in
    this order; `allow_pickle`; `format` of `FORMATS`.
    """

    fs_hz: float | None = None
    unit: str | None = None
    columns: ColumnMap | None = None
    channels: tuple[str, ...] = ()
    allow_pickle: bool = False
    format: str = "auto"


def read_emg(path: str | PathLike[str], options: ReadOptions | None = None) -> EmgRecording:
    """Reads a recording of any format.

    Raises:
        EmgFileError: the file cannot be used; names it, the place in it and what is wrong.
        UnknownName: no such format or channel.
        InvalidValue: a rate that cannot be.
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
            return "armband" if kind == "csv" and _looks_like_armband(path) else kind
    known = ", ".join(ending for endings in FORMATS.values() for ending in endings)
    raise EmgFileError(
        path, f"unknown ending {ending!r}; there are {known}; or say what it is with --format"
    )


def _read(path: str | PathLike[str], kind: str, options: ReadOptions) -> EmgRecording:
    given = {} if options.unit is None else {"unit": options.unit}
    if kind == "armband":
        return read_armband(path, fs_hz=options.fs_hz or RATE_HZ)
    if kind == "csv":
        columns = options.columns or (
            ColumnMap() if options.unit is None else ColumnMap(unit=options.unit)
        )
        return read_csv(
            path, columns if options.fs_hz is None else replace(columns, fs_hz=options.fs_hz)
        )
    if kind == "matlab":
        return read_matlab(path, fs_hz=options.fs_hz, **given)
    if kind == "numpy":
        return read_numpy(path, fs_hz=options.fs_hz, **given)
    if kind == "pickle":
        return read_pickle(path, fs_hz=options.fs_hz, allow_pickle=options.allow_pickle, **given)
    plain = {
        "musclehand": load_recording,
        "opensim": read_opensim,
        "c3d": read_c3d,
        "edf": read_edf,
        "intan": read_rhd,
    }
    if kind not in plain:
        raise UnknownName("format", kind, [*FORMATS, "auto"])
    recording = plain[kind](path)
    if options.fs_hz is not None and abs(recording.fs_hz / options.fs_hz - 1) > 1e-3:
        raise EmgFileError(
            path, f"says itself that its rate is {recording.fs_hz:g} Hz, not {options.fs_hz:g} Hz"
        )
    return recording


def read_opensim(path: str | PathLike[str]) -> EmgRecording:
    """An evenly spaced .sto or .mot as a recording: its columns as channels of unit "unknown", such
    as EMG or activations that were saved so.

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


def _looks_like_armband(path: str | PathLike[str]) -> bool:
    """Eight or nine whole numbers with commas in the first line."""
    try:
        with open(path, "rb") as file:
            words = file.read(200).split(b"\n")[0].strip().split(b",")
    except OSError:
        return False
    numbers = all(word.removeprefix(b"-").isdigit() for word in words)
    return numbers and len(words) in (NUM_ELECTRODES, NUM_ELECTRODES + 1)
