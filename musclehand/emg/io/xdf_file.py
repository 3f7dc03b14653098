"""EMG streams of XDF files (Lab Streaming Layer), read by pyxdf (extra `emg`).

Streams whose type or name has EMG in it become channels; further streams of numbers become series,
and streams of words events. All times are on one clock, as pyxdf synchronises them. The chunks of a
file are checked before pyxdf reads it, which trusts their sizes.
"""

from __future__ import annotations

import gzip
import io
import logging
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_file import unique_names
from musclehand.emg.io.safe_xml import parse_xml, text_of
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.io.units import is_emg_unit, to_volts, unit_facts
from musclehand.emg.recording import (
    MAX_VALUES,
    Channel,
    EmgFileError,
    EmgRecording,
    Event,
    TimeSeries,
)

MAX_BYTES = 800_000_000
"""Largest file that is read [bytes]."""

MAX_RATIO = 20
"""Largest size of a compressed file over its size on disk."""

MAX_CHANNELS = 4096
"""Most channels of a stream."""

_HEADER, _SAMPLES, _OFFSET, _FOOTER = 2, 3, 4, 6
_SIZES = {"int8": 1, "int16": 2, "int32": 4, "int64": 8, "float32": 4, "double64": 8}
_DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, OSError, RuntimeError, EOFError),
    *(OverflowError, MemoryError, ZeroDivisionError, UnboundLocalError, RecursionError),
    *(struct.error, zlib.error, AssertionError, SyntaxError, ArithmeticError),
)


def read_xdf(
    path: str | PathLike[str], *, variable: str | None = None, unit: str | None = None
) -> EmgRecording:
    """Reads the EMG of a file.

    Args:
        path: the file.
        variable: name of the stream; None: the first one with EMG in its type or name, or else the
            only stream of an even rate.
        unit: of the EMG; None: as the stream says, else V.

    Raises:
        EmgFileError: no such file, no XDF file, damaged, no such stream, or pyxdf is not installed.
    """
    data = _unpacked(path, read_bytes(path, MAX_BYTES))
    _check_chunks(path, data)
    try:
        import pyxdf
    except ImportError as error:
        raise EmgFileError(path, "XDF files need pyxdf: pip install 'musclehand[emg]'") from error
    try:
        logging.getLogger("pyxdf").setLevel(logging.CRITICAL)
        with np.errstate(all="ignore"):
            streams, _ = pyxdf.load_xdf(io.BytesIO(data))
    except _DAMAGE as error:
        problem = f"damaged ({type(error).__name__}: {str(error)[:100]})"
        raise EmgFileError(path, problem.splitlines()[0]) from error
    try:
        with np.errstate(all="ignore"):
            return _assemble(path, streams, variable, unit)
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error
    except _DAMAGE as error:
        raise EmgFileError(path, f"damaged ({type(error).__name__})") from error


def _unpacked(path: str | PathLike[str], data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    limit = min(MAX_BYTES, MAX_RATIO * len(data))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise EmgFileError(path, f"damaged ({error})") from error
    if len(unpacked) > limit:
        raise EmgFileError(path, f"over {limit} bytes when unpacked; refused")
    return unpacked


def _check_chunks(path: str | PathLike[str], data: bytes) -> None:
    """Checks that all chunks and samples lie within the file, and its XML.

    Raises:
        EmgFileError: they do not.
    """
    if data[:4] != b"XDF:":
        raise EmgFileError(path, "no XDF file")
    formats: dict[int, tuple[int, int]] = {}
    at = 4
    while at < len(data):
        length, begin = _length(path, data, at)
        if length < 2 or begin + length > len(data):
            raise EmgFileError(path, "cut short or damaged", where=f"byte {at}")
        (tag,) = struct.unpack_from("<H", data, begin)
        content = data[begin + 2 : begin + length]
        where = f"byte {at}"
        if tag == 1:
            parse_xml(path, content, where)
        elif tag in (_HEADER, _SAMPLES, _OFFSET, _FOOTER):
            if len(content) < 4:
                raise EmgFileError(path, "a chunk without a stream", where=where)
            (stream,) = struct.unpack_from("<I", content)
            if tag == _HEADER:
                formats[stream] = _format(path, parse_xml(path, content[4:], where), where)
            elif tag == _FOOTER:
                parse_xml(path, content[4:], where)
            elif stream not in formats or (tag == _OFFSET and len(content) != 20):
                raise EmgFileError(path, "a chunk of no stream", where=where)
            elif tag == _SAMPLES:
                _check_samples(path, content, *formats[stream], where)
        at = begin + length
    if not formats:
        raise EmgFileError(path, "no stream in it")


def _length(path: str | PathLike[str], data: bytes, at: int) -> tuple[int, int]:
    """A length of 1, 4 or 8 bytes, and the place behind it."""
    size = data[at] if at < len(data) else 0
    kind = {1: "<B", 4: "<I", 8: "<Q"}.get(size)
    if kind is None or at + 1 + size > len(data):
        raise EmgFileError(path, "cut short or damaged", where=f"byte {at}")
    return int(struct.unpack_from(kind, data, at + 1)[0]), at + 1 + size


def _format(path: str | PathLike[str], info: Element, where: str) -> tuple[int, int]:
    """Channels of a stream, and bytes of a number; 0 for words."""
    kind = text_of(info, "channel_format")
    try:
        count = int(text_of(info, "channel_count"))
        rate = float(text_of(info, "nominal_srate"))
    except ValueError:
        count, rate = 0, math.nan
    if kind not in (*_SIZES, "string") or not 1 <= count <= MAX_CHANNELS or not 0 <= rate <= 1e6:
        problem = f"a stream of {count} channels of {kind[:20]!r} at {rate:g} Hz"
        raise EmgFileError(path, problem, where=where)
    return count, _SIZES.get(kind, 0)


def _check_samples(
    path: str | PathLike[str], content: bytes, channels: int, size: int, where: str
) -> None:
    """Checks the number of samples that a chunk states against its bytes."""
    count, at = _length(path, content, 4)
    if count * (1 + (channels * size or channels)) > len(content) - at:
        problem = f"{count} samples in {len(content)} bytes: damaged"
        raise EmgFileError(path, problem, where=where)
    for _ in range(count):
        stamp = content[at] if at < len(content) else -1
        if stamp not in (0, 8):
            raise EmgFileError(path, "a sample that is damaged", where=where)
        at += 1 + stamp
        if size:
            at += channels * size
            continue
        for _ in range(channels):
            length, at = _length(path, content, at)
            at += length
    if at != len(content):
        raise EmgFileError(path, "a chunk of samples that is damaged", where=where)


def _assemble(
    path: str | PathLike[str],
    streams: Sequence[Mapping[str, Any]],
    variable: str | None,
    unit: str | None,
) -> EmgRecording:
    main = _choose(path, streams, variable)
    info = main["info"]
    samples = np.asarray(main["time_series"], dtype=float)
    stamps = np.asarray(main["time_stamps"], dtype=float)
    nominal = float(_first(info, "nominal_srate") or 0.0)
    if len(stamps) < 2 or samples.size > MAX_VALUES or stamps[-1] <= stamps[0]:
        raise EmgFileError(path, f"stream {_name(main)} has fewer than 2 samples")
    fs_hz = (len(stamps) - 1) / float(stamps[-1] - stamps[0])
    if nominal > 0 and abs(fs_hz / nominal - 1) < 0.01:
        fs_hz = nominal
    gaps = int(np.sum(np.diff(stamps) > 1.5 / fs_hz))
    labels, stated = _describe(main, samples.shape[1])
    emg = [i for i, own in enumerate(stated) if own is None or is_emg_unit(own)]
    emg = emg or list(range(len(stated)))
    told = [unit or stated[i] or "V" for i in emg]
    facts = {"file": Path(path).name, "reader": "XDF (pyxdf)", "stream": _name(main)}
    if unit is not None:
        facts["unit as told"] = unit
    facts |= unit_facts([labels[i] for i in emg], [stated[i] for i in emg], unit or "V")
    if gaps:
        facts["gaps"] = f"{gaps} in the time stamps; the samples are taken for evenly spaced"
    values = samples[:, emg] * np.array([to_volts(own)[0] for own in told])
    extra: dict[str, TimeSeries] = {}
    if len(emg) < len(labels):
        extra[f"{_name(main)}, other"] = _series(samples, stamps, stamps[0], main, emg)
    for stream in streams:
        if stream is not main and _is_numeric(stream) and len(stream["time_stamps"]):
            name = unique_names([*extra, _name(stream).replace("/", "-")])[-1]
            extra[name] = _series(
                np.asarray(stream["time_series"], dtype=float),
                np.asarray(stream["time_stamps"], dtype=float),
                stamps[0],
                stream,
                [],
            )
    return EmgRecording(
        samples=np.where(np.isfinite(values), values, np.nan),
        fs_hz=fs_hz,
        channels=tuple(
            Channel(labels[i], unit=to_volts(own)[1]) for i, own in zip(emg, told, strict=True)
        ),
        events=tuple(_events(streams, float(stamps[0]))),
        extra=extra,
        provenance=facts,
    )


def _choose(
    path: str | PathLike[str], streams: Sequence[Mapping[str, Any]], variable: str | None
) -> Mapping[str, Any]:
    """The stream of EMG."""
    numeric = [stream for stream in streams if _is_numeric(stream)]
    listed = ", ".join(f"{_name(s)} ({_first(s['info'], 'type')})" for s in streams)[:300]
    if variable is not None:
        chosen = [stream for stream in numeric if _name(stream) == variable]
        if not chosen:
            raise EmgFileError(path, f"no stream {variable!r} of numbers; there are {listed}")
        return chosen[0]
    kinds = [f"{_first(s['info'], 'type')} {_name(s)}".lower() for s in numeric]
    emg = [stream for stream, kind in zip(numeric, kinds, strict=True) if "emg" in kind]
    even = [s for s in numeric if float(_first(s["info"], "nominal_srate") or 0.0) > 0]
    if not emg and len(even) != 1:
        raise EmgFileError(path, f"no stream of EMG; choose one with --variable: {listed}")
    return (emg or even)[0]


def _describe(stream: Mapping[str, Any], count: int) -> tuple[list[str], list[str | None]]:
    """Labels and units of the channels of a stream."""
    entries: list[Any] = []
    try:
        entries = list(stream["info"]["desc"][0]["channels"][0]["channel"])
    except (LookupError, TypeError):
        entries = []
    entries = entries if len(entries) == count else [{}] * count
    labels = [_first(entry, "label") or _first(entry, "name") for entry in entries]
    units = [_first(entry, "unit") or None for entry in entries]
    names = unique_names([label or f"{_name(stream)} {i + 1}" for i, label in enumerate(labels)])
    return names, units


def _series(
    values: np.ndarray,
    stamps: np.ndarray,
    start: float,
    stream: Mapping[str, Any],
    leave: Sequence[int],
) -> TimeSeries:
    labels, units = _describe(stream, values.shape[1])
    kept = [i for i in range(values.shape[1]) if i not in leave]
    order = np.argsort(stamps, kind="stable")
    return TimeSeries(
        time=stamps[order] - start,
        values=np.where(np.isfinite(values), values, np.nan)[order][:, kept],
        names=tuple(labels[i] for i in kept),
        units=tuple(units[i] or "unknown" for i in kept),
    )


def _events(streams: Sequence[Mapping[str, Any]], start: float) -> list[Event]:
    """The words of all streams of words."""
    events = []
    for stream in streams:
        if _is_numeric(stream):
            continue
        for stamp, words in zip(stream["time_stamps"], stream["time_series"], strict=False):
            label = "".join(mark for mark in " ".join(map(str, words)) if mark.isprintable())
            if label.strip() and math.isfinite(stamp):
                events.append(Event(float(stamp) - start, 0.0, label.strip()[:500]))
    return events


def _is_numeric(stream: Mapping[str, Any]) -> bool:
    return isinstance(stream["time_series"], np.ndarray) and stream["time_series"].ndim == 2


def _name(stream: Mapping[str, Any]) -> str:
    return _first(stream["info"], "name") or "stream"


def _first(entry: Any, key: str) -> str:
    """First text of an entry of pyxdf's dictionaries; empty for none."""
    value = entry.get(key) if isinstance(entry, Mapping) else None
    text = value[0] if isinstance(value, list) and value else value
    shown = "" if text is None or isinstance(text, Mapping) else str(text)
    return "".join(mark for mark in shown if mark.isprintable()).strip()[:200]
