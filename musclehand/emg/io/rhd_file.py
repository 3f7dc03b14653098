"""EMG from Intan's .rhd files, read by neo (extra `emg`).

Amplifier channels become channels, in volts. Other signals of the file (auxiliary inputs, analogue
inputs, supply voltage) become series at their own rates. Only the usual form, header and data in
one file, is read.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_file import unique_names
from musclehand.emg.io.units import to_volts
from musclehand.emg.recording import MAX_VALUES, Channel, EmgFileError, EmgRecording, TimeSeries

MAX_BYTES = 2_000_000_000
"""Largest file that is read [bytes]."""

_MAGIC = 0xC6912702
_AMPLIFIER = "amplifier"
_DAMAGE = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    OverflowError,
    MemoryError,
    AssertionError,
    EOFError,
    UnboundLocalError,
    ZeroDivisionError,
    struct.error,
)


def read_rhd(path: str | PathLike[str]) -> EmgRecording:
    """Reads an .rhd file.

    Raises:
        EmgFileError: no such file, not an .rhd file, cut short or damaged, without amplifier
            channels, or with samples missing in between; or neo is not installed.
    """
    _check_magic(path)
    try:
        from neo.rawio import IntanRawIO
    except ImportError as error:
        raise EmgFileError(path, ".rhd files need neo: pip install 'musclehand[emg]'") from error
    try:
        file = IntanRawIO(filename=str(path))
        file.parse_header()
        return _assemble(path, file)
    except EmgFileError:
        raise
    except (*_DAMAGE, InvalidValue) as error:
        problem = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise EmgFileError(path, f"not a whole .rhd file: {problem}") from error


def _assemble(path: str | PathLike[str], file: Any) -> EmgRecording:
    """The recording of the amplifier channels, with all other streams as series."""
    recording: EmgRecording | None = None
    extra: dict[str, TimeSeries] = {}
    streams = file.header["signal_streams"]
    all_channels = file.header["signal_channels"]
    for stream, name in enumerate(streams["name"]):
        members = all_channels[all_channels["stream_id"] == streams["id"][stream]]
        fs_hz = float(members["sampling_rate"][0])
        if file.get_signal_size(0, 0, stream) * len(members) > MAX_VALUES:
            raise EmgFileError(path, f"more than {MAX_VALUES} samples")
        raw = file.get_analogsignal_chunk(0, 0, stream_index=stream)
        values = np.asarray(
            file.rescale_signal_raw_to_float(raw, dtype="float64", stream_index=stream)
        )
        names = unique_names([str(channel_name) for channel_name in members["name"]])
        units = [str(unit) or "unknown" for unit in members["units"]]
        if _AMPLIFIER in str(name).lower():
            values = values * np.array([to_volts(unit)[0] for unit in units])
            channels = [
                Channel(channel_name, unit=to_volts(unit)[1])
                for channel_name, unit in zip(names, units, strict=True)
            ]
            source = {"file": Path(path).name, "reader": "Intan RHD (neo)"}
            recording = EmgRecording(values, fs_hz, tuple(channels), provenance=source)
        else:
            time = np.arange(len(values)) / fs_hz
            extra[str(name).replace("/", "-")] = TimeSeries(
                time, values, tuple(names), tuple(units)
            )
    if recording is None:
        raise EmgFileError(path, "no amplifier channels in it")
    return replace(recording, extra=extra)


def _check_magic(path: str | PathLike[str]) -> None:
    try:
        size = Path(path).stat().st_size
        with open(path, "rb") as file:
            head = file.read(8)
    except OSError as error:
        raise EmgFileError(path, error.strerror or str(error)) from error
    if len(head) < 8 or struct.unpack("<I", head[:4])[0] != _MAGIC:
        raise EmgFileError(path, "not an .rhd file")
    if size > MAX_BYTES:
        raise EmgFileError(path, f"{size} bytes; at most {MAX_BYTES}")
