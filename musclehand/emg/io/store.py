"""EMG recordings as HDF5 files: the format in which this project stores and shares them.

    /                     attributes `format`, `version`
    /header               JSON as bytes: all metadata
    /signals/emg          samples (T, K), NaN where missing; 4-byte floats where these are exact,
                          else 8-byte ones
    /signals/<n>/time     of the n-th of the header's `extra` (n,) [s]
    /signals/<n>/values   (n, m)

The header uses the terms of EMG-BIDS (BIDS 1.11, BEP 042), which `bids_folder` writes:

    sidecar json     SamplingFrequency, License, SourceDatasets (provenance)
    channels.tsv     name, type "EMG", units, target_muscle, placement (placement_description), side
    events.tsv       onset, duration, trial_type
    participants     participant_id, session_id

A file is not trusted on reading. Only datasets of these types, in the file itself and no larger
than their size on disk, become arrays, and the recording is checked like any other. The bytes of a
file depend only on the recording.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from os import PathLike
from typing import Any

import h5py
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError
from musclehand.core.hdf5 import DAMAGE, LIBVER, first_line, load_dataset, open_hdf5, own_member
from musclehand.emg.recording import (
    MAX_VALUES,
    Channel,
    EmgFileError,
    EmgRecording,
    Event,
    TimeSeries,
)

FORMAT = "musclehand-emg"
VERSION = 1
"""Name and version of the format."""

SUFFIXES = (".h5", ".hdf5")
"""Endings of its files."""

MAX_HEADER_BYTES = 20_000_000
"""Largest header that is read [bytes]."""

MAX_SERIES = 1000
"""Most series of a recording."""

_FLOATS = (np.dtype("<f4"), np.dtype("<f8"))
_SIDES = {"right": Side.RIGHT, "left": Side.LEFT, None: None}
_SIDE_WORDS = {side: word for word, side in _SIDES.items()}


def save_recording(path: str | PathLike[str], recording: EmgRecording) -> None:
    """Writes a recording; a file that exists is replaced.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with h5py.File(path, "w", libver=LIBVER) as file:
            file.attrs["format"] = np.bytes_(FORMAT)
            file.attrs["version"] = VERSION
            header = json.dumps(_header_of(recording), sort_keys=True).encode()
            _store(file, "header", np.frombuffer(header, dtype="u1"))
            _store(file, "signals/emg", _shortest(recording.samples))
            for i, series in enumerate(recording.extra[name] for name in sorted(recording.extra)):
                _store(file, f"signals/{i}/time", np.asarray(series.time, dtype="<f8"))
                _store(file, f"signals/{i}/values", _shortest(series.values))
    except OSError as error:
        raise OutputError(path, os.strerror(error.errno) if error.errno else str(error)) from error


def load_recording(path: str | PathLike[str]) -> EmgRecording:
    """Reads a recording.

    Raises:
        EmgFileError: no such file, not an EMG recording of this format, of a later version, cut
            short or damaged.
    """
    file = open_hdf5(path, EmgFileError)
    try:
        with file:
            return _read(path, file)
    except EmgFileError:
        raise
    except (*DAMAGE, MusclehandError) as error:
        raise EmgFileError(path, f"damaged ({first_line(error)[:200]})") from error


def _read(path: str | PathLike[str], file: h5py.File) -> EmgRecording:
    if bytes(file.attrs.get("format", b"")) != FORMAT.encode():
        raise EmgFileError(path, "an HDF5 file, but not an EMG recording of musclehand")
    if int(file.attrs["version"]) != VERSION:
        raise EmgFileError(
            path, f"version {file.attrs['version']}; this release reads version {VERSION}"
        )
    header = json.loads(_load(path, file, "header", (np.dtype("u1"),), MAX_HEADER_BYTES).tobytes())
    names = list(header["extra"])
    if len(names) > MAX_SERIES:
        raise InvalidValue("number of series", len(names), f"at most {MAX_SERIES}")
    extra = {}
    for i, entry in enumerate(names):
        time = _load(path, file, f"signals/{i}/time", _FLOATS)
        values = _load(path, file, f"signals/{i}/values", _FLOATS)
        extra[entry["name"]] = TimeSeries(
            time, values, tuple(entry["columns"]), tuple(entry["units"])
        )
    return EmgRecording(
        samples=_load(path, file, "signals/emg", _FLOATS),
        fs_hz=header["SamplingFrequency"],
        channels=tuple(_channel(row) for row in header["channels"]),
        events=tuple(
            Event(float(row["onset"]), float(row["duration"]), row["trial_type"])
            for row in header["events"]
        ),
        extra=extra,
        subject=header["participant_id"],
        session=header["session_id"],
        provenance=dict(header["SourceDatasets"]),
        licence=header["License"],
    )


def _header_of(recording: EmgRecording) -> dict[str, Any]:
    channels = [
        {
            "name": channel.name,
            "type": "EMG",
            "units": channel.unit,
            "target_muscle": channel.muscle,
            "placement": channel.site,
            "side": _SIDE_WORDS[channel.side],
        }
        for channel in recording.channels
    ]
    events = [
        {"onset": event.onset, "duration": event.duration, "trial_type": event.label}
        for event in recording.events
    ]
    extra = [
        {"name": name, "columns": recording.extra[name].names, "units": recording.extra[name].units}
        for name in sorted(recording.extra)
    ]
    return {
        "SamplingFrequency": recording.fs_hz,
        "License": recording.licence,
        "SourceDatasets": dict(recording.provenance),
        "participant_id": recording.subject,
        "session_id": recording.session,
        "channels": channels,
        "events": events,
        "extra": extra,
    }


def _channel(row: Mapping[str, Any]) -> Channel:
    return Channel(
        name=row["name"],
        muscle=row["target_muscle"],
        site=row["placement"],
        side=_SIDES[row["side"]],
        unit=row["units"],
    )


def _shortest(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        short = values.astype("<f4")
    return (
        short
        if np.array_equal(short.astype("<f8"), values, equal_nan=True)
        else np.asarray(values, dtype="<f8")
    )


def _store(file: h5py.File, name: str, values: np.ndarray) -> None:
    # Checksums belong to chunks. They have a megabyte, so that damage stays local.
    options: dict[str, Any] = {}
    if values.size:
        rows = max(1, min(len(values), 2**20 * len(values) // max(1, values.nbytes)))
        options = {"chunks": (rows, *values.shape[1:]), "fletcher32": True}
    file.create_dataset(name, data=values, track_times=False, **options)


def _load(
    path: str | PathLike[str],
    group: Any,
    name: str,
    dtypes: tuple[np.dtype[Any], ...],
    max_bytes: int = 8 * MAX_VALUES,
) -> np.ndarray:
    """A dataset by its path through groups of the file itself."""
    *parts, last = name.split("/")
    for part in parts:
        group = own_member(group, part)
        if not isinstance(group, h5py.Group):
            raise EmgFileError(path, "missing, or not in the file itself", where=name)
    return load_dataset(
        group, last, path=path, dtypes=dtypes, error=EmgFileError, max_bytes=max_bytes
    )
