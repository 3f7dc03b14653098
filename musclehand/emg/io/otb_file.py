"""Recordings of OT Bioelettronica: .otb+ (OT BioLab+) and .otb4 (OT BioLab 24).

Both are archives (tar) of XML and interleaved samples. In .otb4 each track states range, bits, gain
and unit of its converter. In .otb+ the gain stands beside each adapter; a gain of 1 stands for that
of the device. Ranges and gains of devices are those of the maker's script OpenOTBfilesConvFact.m,
as MNE-Python 1.11 quotes it. Nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import math
import tarfile
import zlib
from collections.abc import Mapping
from os import PathLike
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.paired_table import Signal, assemble_signals
from musclehand.emg.io.safe_xml import parse_xml, text_of
from musclehand.emg.io.text_file import read_bytes, shown
from musclehand.emg.io.units import Heading
from musclehand.emg.recording import MAX_VALUES, EmgFileError, EmgRecording, Event

MAX_BYTES = 800_000_000
"""Largest file that is read [bytes]."""

MAX_MEMBERS = 10_000
"""Most files in an archive."""

MAX_CHANNELS = 4096
"""Most channels of an archive."""

MAX_RATIO = 20
"""Largest size of a compressed archive over that of the file: samples do not compress better."""

_SIDES = {"left": Side.LEFT, "right": Side.RIGHT}
_NO_EMG = ("quaternion", "buffer", "ramp", "loadcell", "load cell", "aux", "control", "force")
_FIVE_VOLTS = ("QUATTRO", "QUATTROCENTO", "DUE", "EMG-USB", "EMG-USB2", "EMG-USB2+")
_GAINS = {"QUATTRO": 150.0, "QUATTROCENTO": 150.0, "DUE": 200.0, "DUE+": 202.0, "QUATTRO+": 202.0}


class _Converter(NamedTuple):
    """Analogue-digital converter of some channels."""

    range: float
    """[V] from the least to the largest number."""

    bits: int
    """Of a number."""

    gain: float
    """Of the amplifier."""


def read_otb(path: str | PathLike[str], *, unit: str | None = None) -> EmgRecording:
    """Reads an archive: EMG are channels in volts; forces, ramps and auxiliary inputs are series.

    Args:
        path: the file.
        unit: of the EMG; None: as the archive says.

    Raises:
        EmgFileError: no such file, no archive of OT BioLab, damaged, or too large.
    """
    data = read_bytes(path, MAX_BYTES)
    members = _members(path, data)
    if any(name.startswith("Tracks_") and name.endswith(".xml") for name in members):
        signals, facts = _read_tracks(path, members)
    else:
        signals, facts = _read_device(path, members)
    return assemble_signals(
        path, signals, unit=unit, provenance=facts, events=_markers(path, members)
    )


def _members(path: str | PathLike[str], data: bytes) -> dict[str, bytes]:
    """The files of an archive by name, without folders."""
    if data[:2] == b"\x1f\x8b":
        try:
            limit = min(MAX_BYTES, MAX_RATIO * len(data))
            unpacked = zlib.decompressobj(31).decompress(data, limit + 1)
        except zlib.error as error:
            raise EmgFileError(path, f"damaged archive ({error})") from error
        if len(unpacked) > limit:
            raise EmgFileError(path, f"an archive of over {limit} bytes when unpacked; refused")
        data = unpacked
    members: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for count, member in enumerate(archive):
                if count >= MAX_MEMBERS:
                    raise EmgFileError(path, f"over {MAX_MEMBERS} files in the archive")
                begin = member.offset_data
                if not member.isreg() or member.issparse():
                    continue
                if member.size < 0 or begin + member.size > len(data):
                    raise EmgFileError(path, "an archive that is cut short or damaged")
                name = member.name.replace("\\", "/").rsplit("/", 1)[-1]
                members[name] = data[begin : begin + member.size]
    except (tarfile.TarError, ValueError, LookupError, OverflowError, EOFError, OSError) as error:
        raise EmgFileError(path, f"no archive of OT BioLab ({str(error)[:80]})") from error
    return members


def _read_device(
    path: str | PathLike[str], members: Mapping[str, bytes]
) -> tuple[list[Signal], dict[str, str]]:
    """Signals of an .otb+ file: the first samples with an XML file of the same name."""
    stem = next(
        (
            name.removesuffix(".sig")
            for name in members
            if name.endswith(".sig") and f"{name.removesuffix('.sig')}.xml" in members
        ),
        None,
    )
    if stem is None:
        raise EmgFileError(path, "no samples (.sig) with their description (.xml) in the archive")
    where = f"{stem}.xml"
    device = parse_xml(path, members[where], where)
    name = device.get("Name", device.get("DeviceName", "")).strip()
    fs_hz = _number(path, device, "SampleFrequency", where)
    count = int(_number(path, device, "DeviceTotalChannels", where))
    bits = int(_number(path, device, "ad_bits", where))
    values = _samples(path, members[f"{stem}.sig"], count, math.ceil(bits / 8), f"{stem}.sig")
    signals: list[Signal] = []
    assumed = False
    for adapter in device.iter("Adapter"):
        converter, guessed = _converter(name, adapter, bits)
        first = int(_number(path, adapter, "ChannelStartIndex", where, 0.0))
        for channel in adapter.iter("Channel"):
            place = first + int(_number(path, channel, "Index", where, 0.0))
            if not 0 <= place < count:
                raise EmgFileError(path, f"channel {place} of {count}", where=where)
            own = _number(path, channel, "Gain", where, 1.0) or 1.0
            factor = converter.range / 2.0**converter.bits / (converter.gain * own)
            signal = _signal(adapter.get("ID", ""), channel, len(signals), fs_hz)
            is_emg = signal.heading.unit == "V"
            signal.values = values[:, place] * (factor if is_emg else 1.0)
            assumed |= guessed and is_emg
            signals.append(signal)
    facts = {"reader": "OTB+", "device": _printable(name) or "unknown"}
    if assumed:
        facts["note"] = "range and gain of the converter not in the file, 4.8 V and 256 assumed"
    return signals, facts


def _converter(device: str, adapter: Element, bits: int) -> tuple[_Converter, bool]:
    """Converter of an adapter, and whether it is assumed for want of any statement."""
    name = device.upper()
    kind = adapter.get("ID", "")
    stated = _float(adapter.get("Gain"), 1.0)
    span = 5.0 if name in _FIVE_VOLTS else 4.8
    gain = _GAINS.get(name, 256.0)
    if name in ("DUE+", "QUATTRO+") or (name == "SYNCSTATION" and kind in ("Due+", "Quattro+")):
        span, gain = 3.3, 202.0
    known = name in _GAINS or name in _FIVE_VOLTS or name in ("SYNCSTATION", "MUOVI", "MUOVI+")
    known = known or name in ("SESSANTAQUATTRO", "SESSANTAQUATTRO+", "NOVECENTO+")
    return _Converter(span, bits, stated if stated not in (0.0, 1.0) else gain), not known


def _signal(adapter: str, channel: Element, place: int, fs_hz: float) -> Signal:
    """A channel of an .otb+ file without its values; the unit of EMG is V."""
    name = _printable(channel.get("ID", "")) or f"channel {place + 1}"
    muscle = _printable(channel.get("Muscle", ""))
    words = f"{adapter} {name}".lower()
    emg = not any(word in words for word in _NO_EMG) and not adapter.startswith("Direct conn")
    place_words = [_printable(channel.get(key, "")) for key in ("Prefix", "Description")]
    site = ", ".join(word for word in [_printable(adapter), *place_words] if word)
    signal = Signal(Heading(name, "V" if emg else "counts"), place, None, fs_hz, site or None)
    signal.muscle = muscle if muscle.lower() not in ("", "not defined", "undefined") else None
    signal.side = _SIDES.get(channel.get("Side", "").strip().lower())
    signal.is_emg = emg
    return signal


def _read_tracks(
    path: str | PathLike[str], members: Mapping[str, bytes]
) -> tuple[list[Signal], dict[str, str]]:
    """Signals of an .otb4 file: those of all its tracks."""
    tracks = [
        (name, track)
        for name in sorted(members)
        if name.startswith(("Tracks_", "TrapezoidalTracks_")) and name.endswith(".xml")
        for track in parse_xml(path, members[name], name).iter("TrackInfo")
    ]
    widths: dict[str, int] = {}
    for _, track in tracks:
        stream = text_of(track, "SignalStreamPath")
        widths[stream] = widths.get(stream, 0) + int(_float(text_of(track, "NumberOfChannels"), 1))
    signals: list[Signal] = []
    device = ""
    streams: dict[str, np.ndarray] = {}
    for where, track in tracks:
        stream = text_of(track, "SignalStreamPath")
        name = stream.replace("\\", "/").rsplit("/", 1)[-1]
        if name not in members:
            raise EmgFileError(path, f"no samples {shown(stream)} in the archive", where=where)
        width = int(_float(text_of(track, "TotalChannelsInFile"), widths[stream]))
        bits = int(_float(text_of(track, "ADC_Nbits"), 16))
        size = int(_float(text_of(track, "SampleSize"), math.ceil(max(bits, 8) / 8)))
        if stream not in streams:
            streams[stream] = _samples(path, members[name], width, size, name)
        device = device or text_of(track, "Device")
        signals += _track_signals(path, track, streams[stream], size, where)
    if sum(len(signal.values) for signal in signals) > MAX_VALUES:
        raise EmgFileError(path, f"more than {MAX_VALUES} samples")
    return signals, {"reader": "OTB4", "device": _printable(device) or "unknown"}


def _track_signals(
    path: str | PathLike[str], track: Element, samples: np.ndarray, size: int, where: str
) -> list[Signal]:
    """The signals of a track, in the unit that it states."""
    first = int(_float(text_of(track, "AcquisitionChannel"), 0))
    count = int(_float(text_of(track, "NumberOfChannels"), 1))
    if not (first >= 0 and count > 0 and first + count <= samples.shape[1]):
        problem = f"channels {first} to {first + count - 1} of {samples.shape[1]}"
        raise EmgFileError(path, problem, where=where)
    fs_hz = _float(text_of(track, "SamplingFrequency"), math.nan)
    if not 0 < fs_hz <= 1e6:
        raise EmgFileError(path, "a track without SamplingFrequency above 0 Hz", where=where)
    factor = _float(text_of(track, "UnitOfMeasurementFactor"), 1.0)
    bits = _float(text_of(track, "ADC_Nbits"), 0.0)
    gain = _float(text_of(track, "Gain"), 1.0)
    if size == 8:
        factor = 1.0
    elif 0 < bits <= 64 and gain != 0:
        factor *= _float(text_of(track, "ADC_Range"), 1.0) / 2.0**bits / gain
    title = _printable(
        " ".join(filter(None, (text_of(track, "Title"), text_of(track, "SubTitle"))))
    )
    unit = _printable(text_of(track, "UnitOfMeasurement")) or None
    short = _printable(text_of(track, "SubTitle")) or title or "track"
    control = "true" in (text_of(track, tag).lower() for tag in ("IsControl", "IsProcessing"))
    emg = not (
        control or where.startswith("Trapez") or any(word in title.lower() for word in _NO_EMG)
    )
    labels = [_printable(text_of(node, "Label")) for node in track.iter("ChannelRapresentation")]
    signals = []
    for i in range(count):
        label = labels[i] if len(labels) == count and count > 1 else ""
        name = label if label and not label.isdecimal() else f"{short} {i + 1}"
        heading = Heading(short if count == 1 else name, unit)
        signal = Signal(heading, first + i, None, fs_hz, title or None)
        with np.errstate(over="ignore", invalid="ignore"):
            values = samples[:, first + i] * factor
        signal.values = np.where(np.isfinite(values), values, np.nan)
        signal.is_emg = emg
        signals.append(signal)
    return signals


def _samples(
    path: str | PathLike[str], data: bytes, width: int, size: int, where: str
) -> np.ndarray:
    """Interleaved samples. Shape (T, width)."""
    if not 0 < width <= MAX_CHANNELS or size not in (1, 2, 3, 4, 8):
        problem = (
            f"{width} channels of {size} bytes; there must be 1 to {MAX_CHANNELS} of 2, 3, 4 or 8"
        )
        raise EmgFileError(path, problem, where=where)
    count = len(data) // (width * size)
    if count < 2 or len(data) != count * width * size:
        problem = f"{len(data)} bytes are no samples of {width} channels of {size} bytes"
        raise EmgFileError(path, problem, where=where)
    if size == 3:
        raw = np.frombuffer(data, np.uint8).reshape(-1, 3)
        wide = np.zeros((len(raw), 4), np.uint8)
        wide[:, 1:] = raw
        return (wide.view("<i4")[:, 0] >> 8).reshape(count, width)
    kinds = {1: "i1", 2: "<i2", 4: "<i4", 8: "<f8"}
    return np.frombuffer(data, kinds[size]).reshape(count, width)


def _markers(path: str | PathLike[str], members: Mapping[str, bytes]) -> list[Event]:
    """Markers as events, each once."""
    events = set()
    for name in sorted(members):
        if not (name.lower().startswith("marker") and name.endswith(".xml") and members[name]):
            continue
        for marker in parse_xml(path, members[name], name).iter("Marker"):
            onset = _float(text_of(marker, "Milliseconds"), math.nan) / 1e3
            if math.isfinite(onset):
                events.add((onset, _printable(text_of(marker, "Description")) or "marker"))
    try:
        return [Event(onset, 0.0, label) for onset, label in sorted(events)]
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _number(
    path: str | PathLike[str], node: Element, key: str, where: str, default: float | None = None
) -> float:
    """An attribute that is a number of at least 0."""
    value = _float(node.get(key), math.nan if default is None else default)
    if not 0 <= value < 1e9:
        problem = f"{key} is {shown(str(node.get(key)))}; it must be a number of at least 0"
        raise EmgFileError(path, problem, where=where)
    return value


def _float(text: str | None, default: float) -> float:
    """A finite number; `default` for any other text."""
    try:
        value = float((text or "").replace(",", "."))
    except ValueError:
        return default
    return value if math.isfinite(value) and abs(value) < 1e12 else default


def _printable(text: str) -> str:
    return "".join(mark for mark in text if mark.isprintable()).strip()[:200]
