"""EMG recordings of any format, by the file's ending.

    .h5 .hdf5       this project's store                .c3d            C3D
    .txt .csv .tsv  armband text, or a table            .edf .bdf       EDF, with EMG-BIDS sidecars
    .sto .mot       OpenSim, evenly spaced              .mat            MATLAB 5, as NinaPro has it
    .npy            an array                            .pkl .pickle    a pickle, only if allowed
    .rhd            Intan

Text without a heading that begins with eight or nine whole numbers, separated by commas, is taken
for an armband's if its columns are not described.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.emg.io.armband_file import NUM_ELECTRODES, RATE_HZ, read_armband
from musclehand.emg.io.array_file import read_matlab, read_numpy, read_pickle
from musclehand.emg.io.bids_file import read_edf
from musclehand.emg.io.bids_folder import SIDECARS
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
    """Facts about a file that it may not state itself."""

    fs_hz: float | None = None
    """[Hz] sampling rate; None: as the file says."""

    unit: str | None = None
    """Of the samples; None: as the file says."""

    columns: ColumnMap | None = None
    """Roles of the columns of a table."""

    channels: tuple[str, ...] = ()
    """Channels to keep, in this order; empty for all."""

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
            return "armband" if kind == "csv" and _looks_like_armband(path) else kind
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
    unit = {} if options.unit is None else {"unit": options.unit}
    if kind == "armband":
        return read_armband(path, fs_hz=options.fs_hz or RATE_HZ)
    if kind == "csv":
        columns = options.columns or ColumnMap(unit="V" if options.unit is None else options.unit)
        if options.fs_hz is not None:
            columns = replace(columns, fs_hz=options.fs_hz)
        return read_csv(path, columns)
    if kind == "matlab":
        return read_matlab(path, fs_hz=options.fs_hz, **unit)
    if kind == "numpy":
        return read_numpy(path, fs_hz=options.fs_hz, **unit)
    if kind == "pickle":
        return read_pickle(path, fs_hz=options.fs_hz, allow_pickle=options.allow_pickle, **unit)
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
            path, f"states a rate of {recording.fs_hz:g} Hz, not {options.fs_hz:g} Hz"
        )
    return recording


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


def _looks_like_armband(path: str | PathLike[str]) -> bool:
    """Whether the first line has eight or nine whole numbers with commas."""
    try:
        with open(path, "rb") as file:
            words = file.read(200).split(b"\n")[0].strip().split(b",")
    except OSError:
        return False
    numbers = all(word.removeprefix(b"-").isdigit() for word in words)
    return numbers and len(words) in (NUM_ELECTRODES, NUM_ELECTRODES + 1)
