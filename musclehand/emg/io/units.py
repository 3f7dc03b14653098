"""Units of signals, and headings that state them.

Vendors put the unit behind the name: "FDS (µV)", "FDS [mV]", "FDS, uV", "FDS_mV". Channels in volts
or parts of them become volts. Columns in units of force, motion or time are no EMG.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

_VOLTS = {
    **dict.fromkeys(("v", "volt", "volts"), 1.0),
    **dict.fromkeys(("mv", "mvolt", "mvolts", "millivolt", "millivolts"), 1e-3),
    **dict.fromkeys(("uv", "μv", "uvolt", "uvolts", "μvolt", "microvolt", "microvolts"), 1e-6),
    **dict.fromkeys(("nv", "nvolt", "nvolts", "nanovolt", "nanovolts"), 1e-9),
}
"""Spellings in small letters. "MV" is a millivolt in capitals: no EMG has megavolts."""

_POWER = re.compile(r"(?:1?0?\^?e|10\s*(?:\^|\*\*))\s*(-?\d{1,2})\s*[*·x]?\s*v(?:olts?)?")
_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
}
_AMPLITUDES = frozenset(
    [
        "counts",
        "count",
        "cnt",
        "bit",
        "bits",
        "adc",
        "lsb",
        "digits",
        "a.u.",
        "au",
        "a.u",
        "arb",
        "arb.units",
        "%",
        "%mvc",
        "%mvic",
        "%max",
        "normalized",
        "normalised",
        "mvc",
        "mvic",
        "unknown",
    ]
)
_FURTHER = frozenset(
    [
        "hz",
        "khz",
        "n",
        "kn",
        "mn",
        "nm",
        "nmm",
        "n.m",
        "n.mm",
        "n*m",
        "n·m",
        "n-m",
        "nmm",
        "n/mm",
        "kg",
        "g",
        "mg",
        "gs",
        "lb",
        "lbf",
        "lbs",
        "m",
        "cm",
        "mm",
        "m/s",
        "mm/s",
        "m/s2",
        "m/s^2",
        "m/s²",
        "m/s/s",
        "mm/s2",
        "deg",
        "°",
        "degrees",
        "deg/s",
        "°/s",
        "dps",
        "degrees/s",
        "rad",
        "rad/s",
        "rad/s2",
        "ut",
        "μt",
        "mt",
        "gauss",
        "mgauss",
        "pa",
        "kpa",
        "hpa",
        "mmhg",
        "bar",
        "psi",
        "°c",
        "degc",
        "ohm",
        "kohm",
        "ohms",
        "on",
        "off",
        "on/off",
        "bool",
        "bpm",
        "l/min",
        "%",
        "index",
        "samples",
        "frames",
        "ma",
        "v/s",
        "mv/v",
        "us/s",
    ]
)
_LETTERS = frozenset("VvsNgGm%°")
"""Units of one letter; any further letter in brackets is a side or a place, such as "(L)"."""

_TIME_NAMES = frozenset(
    [
        "time",
        "t",
        "zeit",
        "temps",
        "tempo",
        "tiempo",
        "tijd",
        "tid",
        "czas",
        "timestamp",
        "timestamps",
        "sec",
        "secs",
        "second",
        "seconds",
        "elapsed",
        "reltime",
        "time_s",
        "time_sec",
    ]
)
_AUXILIARY = re.compile(
    r"acc[xyz]?|accel\w*|gyro?\w*|mag(?:net\w*)?|imu|quat\w*|sync\w*|trig(?:ger)?s?|markers?|"
    r"events?|activity|contacts?|footswitch|(?:sub)?frames?|sample(?:s|no|number|index)?|index|"
    r"counter|nseq|force[xyz]?|torque|moments?|angles?|gonio\w*|load|loadcell|cop[xy]?|[fm][xyz]\d?"
)
_MAX_HEADING = 300
_BRACKETS = re.compile(r"[(\[{<]\s*([^()\[\]{}<>]{1,40}?)\s*[)\]}>]")
_MARK = re.compile(r"^(.*\S)\s*[,;:/|]\s*([^,;:/|]{1,12})$")
_TAIL = re.compile(r"^(.*?\w)(?:_|\s+in\s+|\s+)(\S{2,11})$")


class Heading(NamedTuple):
    """Heading of a column."""

    name: str
    """Without the unit."""

    unit: str | None
    """As written; None where the heading has none."""


def volts_per(unit: str) -> float | None:
    """Volts in one of a unit; None for a unit that is no part of a volt.

    Spellings such as mV, MV, millivolts, µV and 1e-6 V are legal.
    """
    word = _plain(unit)
    if word in _VOLTS:
        return _VOLTS[word]
    power = _POWER.fullmatch(word)
    return 10.0 ** int(power.group(1)) if power else None


def seconds_per(unit: str) -> float | None:
    """Seconds in one of a unit; None for a unit that is no time."""
    return _SECONDS.get(_plain(unit))


def to_volts(unit: str) -> tuple[float, str]:
    """Factor and unit of samples that become volts where they can; 1 and the same unit else."""
    factor = volts_per(unit)
    return (1.0, unit) if factor is None else (factor, "V")


def is_emg_unit(unit: str) -> bool:
    """Whether EMG comes in this unit: volts, counts of a converter, or a share of a maximum."""
    return volts_per(unit) is not None or _plain(unit).replace(" ", "") in _AMPLITUDES


def is_unit(text: str) -> bool:
    """Whether a text is a unit by itself."""
    word = _plain(text).replace(" ", "")
    if len(text.strip()) == 1:
        return text.strip() in _LETTERS
    return bool(word) and (
        is_emg_unit(text) or word in _SECONDS or word in _FURTHER or word.rstrip(".") in _FURTHER
    )


def split_heading(cell: str) -> Heading:
    """Name and unit of a heading: the unit stands in any brackets, or behind a mark.

    A bracket without a unit, as in "EMG (left)", belongs to the name.
    """
    text = cell.strip().strip('"').strip()
    if len(text) > _MAX_HEADING:
        return Heading(text, None)
    for bracket in reversed(list(_BRACKETS.finditer(text))):
        if is_unit(bracket.group(1)):
            name = f"{text[: bracket.start()].strip()} {text[bracket.end() :].strip()}".strip()
            return Heading(name.rstrip(",;:/|").strip() or text, bracket.group(1))
        first = bracket.group(1).split()[0]
        if len(first) > 1 and volts_per(first) is not None:  # "(mV RMS)"
            return Heading(text, first)
    mark = _MARK.match(text)
    if mark and is_unit(mark.group(2)):
        return Heading(mark.group(1).strip(), mark.group(2).strip())
    tail = _TAIL.match(text)
    if tail and (volts_per(tail.group(2)) is not None or tail.group(2) in ("sec", "ms", "msec")):
        return Heading(tail.group(1).strip(), tail.group(2))
    return Heading(text, None)


def time_factor(heading: Heading) -> float | None:
    """Seconds in one unit of a column of times; None for a column of something else.

    A column is a time by its name (time, t, Zeit, X with a unit of time ...), in seconds where its
    heading has no unit.
    """
    words = re.split(r"[^\w]+", unicodedata.normalize("NFKC", heading.name).lower())
    factor = 1.0 if heading.unit is None else seconds_per(heading.unit)
    if factor is None:
        return None
    named = bool(words) and (words[0] in _TIME_NAMES or words[-1] in _TIME_NAMES)
    if heading.unit is None:
        own = seconds_per(heading.name)
        return own if own is not None else (1.0 if len(words) == 1 and named else None)
    return factor if named or words == ["x"] or "time" in words else None


def is_auxiliary(name: str) -> bool:
    """Whether a name is that of a signal other than EMG: acceleration, trigger, force, frame."""
    words = re.split(r"[^a-z]+", name.lower().replace("_", " "))
    return "emg" not in words and any(word and _AUXILIARY.fullmatch(word) for word in words)


def emg_columns(headings: Sequence[Heading]) -> list[bool]:
    """Which columns are EMG, by unit and name; all of them where none is.

    A column with a unit is EMG if EMG comes in that unit. One without is EMG unless its name says
    otherwise.
    """
    chosen = [
        not is_auxiliary(heading.name)
        if heading.unit is None
        else is_emg_unit(heading.unit) and not _is_switch(heading)
        for heading in headings
    ]
    return chosen if any(chosen) else [True] * len(chosen)


def unit_facts(names: Sequence[str], units: Sequence[str | None], assumed: str) -> dict[str, str]:
    """What to say about the units of channels: those in the file, and those assumed.

    Args:
        names: of the channels.
        units: of each in the file; None where the file has none.
        assumed: unit that was taken for these.

    Returns:
        Entries for the provenance of a recording.
    """
    stated = {name: unit for name, unit in zip(names, units, strict=True) if unit is not None}
    absent = [name for name, unit in zip(names, units, strict=True) if unit is None]
    facts = {}
    if stated:
        different = sorted(set(stated.values()))
        listed = ", ".join(f"{name} {unit}" for name, unit in stated.items())
        facts["unit in the file"] = different[0] if len(different) == 1 else listed[:500]
    if absent:
        whose = "" if not stated else f" of {', '.join(absent)}"[:400]
        facts["note"] = f"unit{whose} not in the file, {assumed} assumed"
    return facts


def _is_switch(heading: Heading) -> bool:
    """Whether a column in volts is a trigger or sensor by its name, such as "Sync (V)"."""
    return volts_per(heading.unit or "") is not None and is_auxiliary(heading.name)


def _plain(unit: str) -> str:
    """A unit in small letters, with one sign for micro and without brackets."""
    text = unicodedata.normalize("NFKC", unit.replace("Â", "")).strip().strip("()[]{}<>").strip()
    return text.lower().replace("\N{MICRO SIGN}", "μ")
