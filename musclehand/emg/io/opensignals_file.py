"""Text files of OpenSignals (biosignalsplux, BITalino).

The second line is JSON: for each device its columns, sensors, rate and resolution. The numbers are
counts of a converter, unless the header says that they were converted to millivolts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_file import unique_names
from musclehand.emg.io.text_file import parse_numbers, read_text
from musclehand.emg.io.units import to_volts
from musclehand.emg.recording import COUNTS, Channel, EmgFileError, EmgRecording, TimeSeries

MAGIC = "OpenSignals Text File Format"
"""In the first line of a file."""

_END = "EndOfHeader"
_HEAD_LINES = 20
_DIGITAL = ("nseq", "di", "i1", "i2", "i3", "i4", "o1", "o2", "o3", "o4")


class _Column(NamedTuple):
    """A column of the file."""

    name: str
    """As the header has it."""

    sensor: str
    """Such as "EMG"; empty for counters and digital lines."""

    bits: str
    """Resolution of the converter; empty where it is not stated."""

    converted: bool
    """Whether the values were converted."""


def read_opensignals(
    path: str | PathLike[str], *, fs_hz: float | None = None, unit: str | None = None
) -> EmgRecording:
    """Reads a file: EMG sensors are channels, others series; RAW ones are EMG if none is.

    Args:
        path: the file.
        fs_hz: sampling rate [Hz]; None: as the header says.
        unit: of the EMG; None: counts, or millivolts where the header says so.

    Raises:
        EmgFileError: no such file, no valid header, devices of different rates, or a line that
            does not fit.
    """
    lines = read_text(path).rstrip("\n").split("\n")
    devices = _devices(path, lines[:_HEAD_LINES])
    columns = [column for device in devices for column in _columns(path, device)]
    rates = {_rate(path, device) for device in devices}
    if len(rates) > 1 and fs_hz is None:
        raise EmgFileError(path, f"devices of different rates: {sorted(rates)} Hz")
    start = next(i for i, line in enumerate([*lines, ""]) if not line.startswith("#") and i > 0)
    body = [line.strip().replace(",", ".") for line in lines[start:]]
    values = parse_numbers(path, body, len(columns), delimiter=None, first_line=start + 1)
    if len(values) < 2:
        raise EmgFileError(path, f"{len(values)} samples; a recording has at least 2")
    return _assemble(path, values, columns, fs_hz or rates.pop(), unit)


def _assemble(
    path: str | PathLike[str],
    values: np.ndarray,
    columns: Sequence[_Column],
    fs_hz: float,
    unit: str | None,
) -> EmgRecording:
    names = unique_names([column.name for column in columns])
    sensors = [column.sensor.upper() for column in columns]
    emg = [i for i, sensor in enumerate(sensors) if "EMG" in sensor]
    emg = emg or [i for i, sensor in enumerate(sensors) if sensor in ("RAW", "CUSTOM")]
    emg = emg or [i for i, sensor in enumerate(sensors) if sensor]
    if not emg:
        raise EmgFileError(path, "no EMG sensor in it")
    factors = np.ones(len(emg))
    channels = []
    try:
        for k, i in enumerate(emg):
            own = unit or ("mV" if columns[i].converted else COUNTS)
            factors[k], volts = to_volts(own)
            channels.append(Channel(names[i], site=columns[i].sensor, unit=volts))
        facts = {"file": Path(path).name, "reader": "OpenSignals"}
        if unit is not None:
            facts["unit as told"] = unit
        elif columns[emg[0]].converted:
            facts["unit in the file"] = "mV, as converted by OpenSignals"
        elif columns[emg[0]].bits:
            facts["note"] = f"counts of a converter of {columns[emg[0]].bits} bits"
        further = [i for i, sensor in enumerate(sensors) if i not in emg and sensor]
        time = np.arange(len(values)) / fs_hz
        return EmgRecording(
            samples=values[:, emg] * factors,
            fs_hz=fs_hz,
            channels=tuple(channels),
            extra={
                f"{columns[i].sensor} {names[i]}".replace("/", "-"): TimeSeries(
                    time, values[:, [i]], (names[i],), (COUNTS,)
                )
                for i in further
            },
            provenance=facts,
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _devices(path: str | PathLike[str], lines: Sequence[str]) -> list[Mapping[str, Any]]:
    """The entries of the header, one for each device."""
    if MAGIC.lower() not in lines[0].lower():
        raise EmgFileError(path, f"does not begin with '# {MAGIC}'", where="line 1")
    place = next((i for i, line in enumerate(lines) if line.lstrip("# ").startswith("{")), None)
    if place is None:
        raise EmgFileError(path, "no line of JSON in the header")
    where = f"line {place + 1}"
    try:
        header = json.loads(lines[place].lstrip("# "))
    except (ValueError, RecursionError) as error:
        raise EmgFileError(path, f"no JSON ({type(error).__name__})", where=where) from error
    devices = list(header.values()) if isinstance(header, dict) else []
    if not devices or not all(isinstance(device, dict) for device in devices):
        raise EmgFileError(path, "no device in the header", where=where)
    return devices


def _columns(path: str | PathLike[str], device: Mapping[str, Any]) -> list[_Column]:
    """The columns of a device; its sensors are in the order of its analogue columns."""
    listed = device.get("column")
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise EmgFileError(path, "no list of columns in the header")
    sensors = _texts(device.get("sensor"))
    labels = _texts(device.get("label"))
    bits = _texts(device.get("resolution"))
    converted = device.get("convertedValues") in (1, True, "1")
    analog = [name for name in listed if name.lower() not in _DIGITAL]
    bits = bits[-len(analog) :] if analog else []
    columns = []
    k = 0
    for name in listed:
        if name.lower() in _DIGITAL:
            columns.append(_Column(name, "", "", False))
            continue
        sensor = sensors[k] if k < len(sensors) else "RAW"
        own = name or (labels[k] if k < len(labels) else "")
        columns.append(_Column(own, sensor or "RAW", bits[k] if k < len(bits) else "", converted))
        k += 1
    return columns


def _texts(entry: object) -> list[str]:
    return [str(value)[:100] for value in entry] if isinstance(entry, list) else []


def _rate(path: str | PathLike[str], device: Mapping[str, Any]) -> float:
    rate = device.get("sampling rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1e6:
        raise EmgFileError(path, f"the sampling rate is {str(rate)[:40]!r}; it must be above 0 Hz")
    return float(rate)
