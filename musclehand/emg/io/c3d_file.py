"""EMG and markers from C3D files.

This is a reader of its own; the tests compare it with ezc3d. ezc3d trusts the sizes in a file, and
a few damaged bytes can keep it busy forever or make it allocate all memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_parameters import BLOCK, C3dHeading, floats_of, read_heading
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.io.units import is_emg_unit, to_volts, unit_facts
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, Event, TimeSeries

MAX_BYTES = 400_000_000
"""Largest file that is read [bytes]."""

MAX_CHANNELS = 4096
"""Most analogue channels of a file."""

_PLATE = re.compile(r"(?:.*[\s._:-])?(?:fp?\d*[\s._-]*)?[FM][xyz]\d*(?:[\s._:-].*)?")
_PLATE_SERIES = "force plates"
_OTHER_SERIES = "other analogue channels"


class _Layout(NamedTuple):
    """Sizes of the data section."""

    frames: int
    """Number of frames."""

    points: int
    """Markers in a frame."""

    channels: int
    """Analogue channels."""

    per_frame: int
    """Samples of each channel in a frame."""

    rate: float
    """[Hz] of frames."""

    first: int
    """Number of the first frame."""


def read_c3d(path: str | PathLike[str]) -> EmgRecording:
    """Reads a C3D file: EMG, with its markers as the series "markers", and its events.

    Analogue channels in volts, parts of them, or in counts become channels. Those of force plates
    become the series "force plates": the channels of FORCE_PLATFORM:CHANNEL, and others named Fx to
    Mz. Channels in further units become the series "other analogue channels". Labels do not state
    whether a channel in volts is EMG: choose with `EmgRecording.select`. A hidden marker is NaN.

    Raises:
        EmgFileError: no such file, not a C3D file, cut short or damaged, or without analogue
            channels of EMG.
    """
    data = read_bytes(path, MAX_BYTES)
    try:
        heading, layout, (points, analogs) = _read(path, data, other_order=False)
    except EmgFileError as error:
        # A file whose processor type is wrong makes sense in the other byte order only.
        try:
            heading, layout, (points, analogs) = _read(path, data, other_order=True)
        except EmgFileError:
            raise error from None
    labels = unique_names(heading.texts("ANALOG:LABELS", layout.channels))
    units = [unit or "unknown" for unit in heading.texts("ANALOG:UNITS", layout.channels)]
    places = [place or None for place in heading.texts("ANALOG:DESCRIPTIONS", layout.channels)]
    plates = _plate_channels(heading, labels)
    emg = [i for i, unit in enumerate(units) if i not in plates and is_emg_unit(unit)]
    if not emg:
        listed = ", ".join(f"{labels[i]} [{units[i]}]" for i in range(min(6, len(units))))
        raise EmgFileError(path, f"no EMG among {len(units)} analogue channels ({listed})")
    try:
        changed = [to_volts(units[i]) for i in emg]
        channels = tuple(
            Channel(labels[i], site=places[i], unit=unit)
            for i, (_, unit) in zip(emg, changed, strict=True)
        )
        with np.errstate(invalid="ignore", over="ignore"):
            samples = analogs[:, emg] * np.array([factor for factor, _ in changed])
        fs_hz = layout.rate * layout.per_frame
        extra = {"markers": _markers(heading, layout, points)}
        further = [i for i in range(len(units)) if i not in plates and i not in emg]
        for name, members in ((_PLATE_SERIES, sorted(plates)), (_OTHER_SERIES, further)):
            extra[name] = _analog_series(analogs, members, labels, units, fs_hz)
        return EmgRecording(
            samples=np.where(np.isfinite(samples), samples, np.nan),
            fs_hz=fs_hz,
            channels=channels,
            events=_events(heading, layout),
            extra={name: series for name, series in extra.items() if series is not None},
            provenance={
                "file": Path(path).name,
                "reader": "C3D",
                **_unit_facts([labels[i] for i in emg], [units[i] for i in emg]),
            },
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _read(
    path: str | PathLike[str], data: bytes, *, other_order: bool
) -> tuple[C3dHeading, _Layout, tuple[np.ndarray, np.ndarray]]:
    """Heading, sizes, and markers with samples, in one byte order."""
    heading = read_heading(path, data, other_order=other_order)
    layout = _find_layout(path, heading)
    return heading, layout, _read_frames(path, data, heading, layout)


def _unit_facts(names: Sequence[str], units: Sequence[str]) -> dict[str, str]:
    """What to say about the units of channels; an absent one is not assumed to be volts."""
    stated = [i for i, unit in enumerate(units) if unit != "unknown"]
    facts = unit_facts([names[i] for i in stated], [units[i] for i in stated], "")
    if len(stated) < len(units):
        facts["note"] = "unit not in the file" if not stated else "units of some not in the file"
    return facts


def _plate_channels(heading: C3dHeading, labels: Sequence[str]) -> set[int]:
    """Places of the channels of force plates: those that the file lists, and those by name."""
    plates = min(heading.count("FORCE_PLATFORM:USED"), MAX_CHANNELS)
    listed = heading.parameters.get("FORCE_PLATFORM:CHANNEL")
    places: set[int] = set()
    if plates and isinstance(listed, np.ndarray):
        places = {int(number) - 1 for number in listed if np.isfinite(number)}
    places |= {i for i, label in enumerate(labels) if _PLATE.fullmatch(label)}
    return {place for place in places if 0 <= place < len(labels)}


def _analog_series(
    analogs: np.ndarray,
    members: Sequence[int],
    labels: Sequence[str],
    units: Sequence[str],
    fs_hz: float,
) -> TimeSeries | None:
    """Some analogue channels as a series in their own units; None for none."""
    if not members:
        return None
    values = analogs[:, list(members)]
    return TimeSeries(
        time=np.arange(len(values)) / fs_hz,
        values=np.where(np.isfinite(values), values, np.nan),
        names=tuple(labels[i] for i in members),
        units=tuple(units[i] for i in members),
    )


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, with a number after each repeated one; empty names become their place."""
    counts: dict[str, int] = {}
    unique: list[str] = []
    used: set[str] = set()
    for i, raw in enumerate(names):
        name = "".join(mark for mark in raw if mark.isprintable()).strip() or f"channel {i + 1}"
        counts[name] = counts.get(name, 0) + 1
        while (candidate := name if counts[name] == 1 else f"{name} ({counts[name]})") in used:
            counts[name] += 1
        used.add(candidate)
        unique.append(candidate)
    return unique


def _find_layout(path: str | PathLike[str], heading: C3dHeading) -> _Layout:
    """Sizes of the data section, from the parameters or else from the header."""
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
        problem = (
            f"rates of {rate:g} Hz (frames) and {analog_rate:g} Hz (samples), not a whole number "
            "in each frame"
        )
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
    return _Layout(
        frames=last - first + 1,
        points=points,
        channels=channels,
        per_frame=round(analog_rate / rate),
        rate=rate,
        first=first,
    )


def _read_frames(
    path: str | PathLike[str], data: bytes, heading: C3dHeading, layout: _Layout
) -> tuple[np.ndarray, np.ndarray]:
    """Markers in the file's unit, NaN where hidden, shape (frames, points, 3); samples, shape
    (T, channels)."""
    scale = heading.number("POINT:SCALE", -1.0)
    integers = scale > 0
    begin = ((heading.count("POINT:DATA_START") or heading.start) - 1) * BLOCK
    numbers = 4 * layout.points + layout.channels * layout.per_frame
    size = layout.frames * numbers * (2 if integers else 4)
    available = max(len(data) - begin, 0)
    if begin < BLOCK or size > available:
        raise EmgFileError(
            path, f"{size} bytes of frames, {available} in the file: cut short or damaged"
        )
    raw = data[begin : begin + size]
    values = (
        np.frombuffer(raw, heading.order + "i2")
        if integers
        else floats_of(raw, heading.order, heading.dec)
    )
    rows = values.reshape(layout.frames, numbers)
    points = rows[:, : 4 * layout.points].reshape(layout.frames, layout.points, 4)
    with np.errstate(invalid="ignore", over="ignore"):
        places = points[..., :3].astype(float) * (scale if integers else 1.0)
        places[~((points[..., 3] >= 0) & np.isfinite(places).all(axis=2))] = np.nan
        analogs = rows[:, 4 * layout.points :].reshape(-1, layout.channels)
        if integers and "UNSIGNED" in heading.texts("ANALOG:FORMAT", 1)[0].upper():
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
    """Events of the EVENT group, with times from the first frame."""
    count = min(heading.count("EVENT:USED"), 65535)
    times = heading.numbers("EVENT:TIMES", 2 * count, np.nan).reshape(-1, 2)
    labels, contexts = (heading.texts(f"EVENT:{word}", count) for word in ("LABELS", "CONTEXTS"))
    start = (layout.first - 1) / layout.rate
    return tuple(
        Event(60.0 * minutes + seconds - start, 0.0, f"{context} {label}".strip() or "event")
        for (minutes, seconds), label, context in zip(times.tolist(), labels, contexts, strict=True)
        if np.isfinite(minutes) and np.isfinite(seconds)
    )
