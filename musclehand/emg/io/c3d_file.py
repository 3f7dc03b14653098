"""EMG and markers out of C3D files.

Read here and not through ezc3d, which is what the tests compare with: ezc3d believes a file about
its sizes, and a few damaged bytes can keep it busy for ever or make it ask for all memory there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_parameters import BLOCK, C3dHeading, floats_of, read_heading
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, Event, TimeSeries

MAX_BYTES = 400_000_000
MAX_CHANNELS = 4096
_VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6}


class _Layout(NamedTuple):
    """`frames` of `points` markers and `per_frame` samples of each of `channels`; `rate` of
    frames [Hz], `first`."""

    frames: int
    points: int
    channels: int
    per_frame: int
    rate: float
    first: int


def read_c3d(path: str | PathLike[str]) -> EmgRecording:
    """Reads a C3D file: all analogue channels, its markers as the series "markers" and its events.

    Channels have the file's labels; which of them are EMG and of which muscle is for the reader to
    say (`EmgRecording.select`). Those in volts or parts of it are in volts. A marker that was not
    seen is NaN.

    Raises:
        EmgFileError: no such file, not a C3D file, cut short or damaged, or without analogue
            channels.
    """
    data = read_bytes(path, MAX_BYTES)
    heading = read_heading(path, data)
    layout = _find_layout(path, heading)
    points, analogs = _read_frames(path, data, heading, layout)
    labels = unique_names(heading.texts("ANALOG:LABELS", layout.channels))
    units = [unit or "unknown" for unit in heading.texts("ANALOG:UNITS", layout.channels)]
    places = [place or None for place in heading.texts("ANALOG:DESCRIPTIONS", layout.channels)]
    try:
        channels = tuple(
            Channel(name, site=site, unit="V" if unit in _VOLTS else unit)
            for name, site, unit in zip(labels, places, units, strict=True)
        )
        with np.errstate(invalid="ignore", over="ignore"):
            samples = analogs * np.array([_VOLTS.get(unit, 1.0) for unit in units])
        markers = _markers(heading, layout, points)
        return EmgRecording(
            samples=np.where(np.isfinite(samples), samples, np.nan),
            fs_hz=layout.rate * layout.per_frame,
            channels=channels,
            events=_events(heading, layout),
            extra={} if markers is None else {"markers": markers},
            provenance={"file": Path(path).name, "reader": "C3D"},
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, each second and further one of its kind with a number behind it; nameless ones
    by their place."""
    seen: dict[str, int] = {}
    used: set[str] = set()
    unique: list[str] = []
    for i, raw in enumerate(names):
        name = "".join(mark for mark in raw if mark.isprintable()).strip() or f"channel {i + 1}"
        seen[name] = seen.get(name, 0) + 1
        while (made := name if seen[name] == 1 else f"{name} ({seen[name]})") in used:
            seen[name] += 1
        used.add(made)
        unique.append(made)
    return unique


def _find_layout(path: str | PathLike[str], heading: C3dHeading) -> _Layout:
    """How many of what a frame has, where the parameters say it and else the header."""
    rate = heading.number("POINT:RATE")
    analog_rate = heading.number("ANALOG:RATE")
    channels = heading.count("ANALOG:USED")
    if not 0 < channels <= MAX_CHANNELS:
        raise EmgFileError(
            path, f"{channels} analogue channels in it; there must be 1 to {MAX_CHANNELS}"
        )
    if (
        not (0 < rate < np.inf and rate <= analog_rate < 1e6)
        or abs(analog_rate / rate % 1 - 0.5) < 0.49
    ):
        problem = f"rates of {rate:g} Hz (frames) and {analog_rate:g} Hz (samples), not a whole number in each frame"
        raise EmgFileError(path, problem)
    first = heading.first
    last = heading.last
    start, end = (
        heading.numbers(f"TRIAL:ACTUAL_{word}_FIELD", 2, 0.0) % 65536 for word in ("START", "END")
    )
    if end.any() and np.isfinite([start, end]).all():
        first, last = (int(low + 65536 * high) for low, high in (start, end))
    if last < first:
        raise EmgFileError(path, f"frames from {first} to {last}: damaged")
    points = heading.count("POINT:USED") if "POINT:USED" in heading.parameters else heading.points
    return _Layout(last - first + 1, points, channels, round(analog_rate / rate), rate, first)


def _read_frames(
    path: str | PathLike[str], data: bytes, heading: C3dHeading, layout: _Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Markers in the file's unit, NaN where not seen, shape (frames, points, 3); samples, shape
    (T, channels)."""
    scale = heading.number("POINT:SCALE", -1.0)
    whole = scale > 0
    begin = ((heading.count("POINT:DATA_START") or heading.start) - 1) * BLOCK
    numbers = 4 * layout.points + layout.channels * layout.per_frame
    size = layout.frames * numbers * (2 if whole else 4)
    there = max(len(data) - begin, 0)
    if begin < BLOCK or size > there:
        raise EmgFileError(
            path, f"{size} bytes of frames, {there} of them there: cut short or damaged"
        )
    raw = data[begin : begin + size]
    values = (
        np.frombuffer(raw, heading.order + "i2")
        if whole
        else floats_of(raw, heading.order, heading.dec)
    )
    rows = values.reshape(layout.frames, numbers)
    points = rows[:, : 4 * layout.points].reshape(layout.frames, layout.points, 4)
    with np.errstate(invalid="ignore", over="ignore"):
        places = points[..., :3].astype(float) * (scale if whole else 1.0)
        places[~((points[..., 3] >= 0) & np.isfinite(places).all(axis=2))] = np.nan
        analogs = rows[:, 4 * layout.points :].reshape(-1, layout.channels)
        if whole and "UNSIGNED" in heading.texts("ANALOG:FORMAT", 1)[0].upper():
            analogs = analogs.view(heading.order + "u2")
        offset = heading.numbers("ANALOG:OFFSET", layout.channels, 0.0)
        gain = heading.numbers("ANALOG:SCALE", layout.channels, 1.0) * heading.number(
            "ANALOG:GEN_SCALE", 1.0
        )
        return places, (analogs - offset) * gain


def _markers(heading: C3dHeading, layout: _Layout, points: np.ndarray) -> TimeSeries | None:
    if not layout.points:
        return None
    names = unique_names(heading.texts("POINT:LABELS", layout.points))
    unit = heading.texts("POINT:UNITS", 1)[0] or "mm"
    columns = tuple(f"{name}.{axis}" for name in names for axis in "xyz")
    time = np.arange(layout.frames) / layout.rate
    return TimeSeries(time, points.reshape(layout.frames, -1), columns, (unit,) * len(columns))


def _events(heading: C3dHeading, layout: _Layout) -> tuple[Event, ...]:
    """Events of the EVENT group, in time from the first frame on."""
    count = min(heading.count("EVENT:USED"), 65535)
    times = heading.numbers("EVENT:TIMES", 2 * count, np.nan).reshape(-1, 2)
    labels, contexts = (heading.texts(f"EVENT:{word}", count) for word in ("LABELS", "CONTEXTS"))
    start = (layout.first - 1) / layout.rate
    return tuple(
        Event(60.0 * minutes + seconds - start, 0.0, f"{context} {label}".strip() or "event")
        for (minutes, seconds), label, context in zip(times.tolist(), labels, contexts, strict=True)
        if np.isfinite(minutes) and np.isfinite(seconds)
    )
