"""Column maps: what the columns of a table are, from a JSON file.

The roles of columns are never guessed from their numbers. A `ColumnMap` states them: the channels,
the time or the rate, the unit, and the column of labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.text_file import read_bytes, shown
from musclehand.emg.recording import Channel, EmgFileError, check_rate, check_text

DELIMITERS: Mapping[str, str | None] = {"comma": ",", "semicolon": ";", "tab": "\t", "space": None}
"""Names of delimiters in a column map; None is any white space."""

_KEYS = ("fs_hz", "time", "label", "unit", "delimiter", "labels", "channels", "ignore")


@dataclass(frozen=True)
class ColumnMap:
    """Roles of the columns of a table. A column is its name in the heading, or its number from
    1."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    """Channel of each column; empty: all columns without another role."""

    fs_hz: float | None = None
    """[Hz] sampling rate; with a time column as well, the times must agree with it."""

    time: str | None = None
    """Column of the time in seconds."""

    label: str | None = None
    """Column of labels: runs of the same number or word become events."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Names of events by label; "" for no event."""

    unit: str | None = None
    """Of the samples: V, mV and uV become volts, others stay. None: as the headings say, else V."""

    delimiter: str | None = None
    """One of `DELIMITERS`; None: found in the first line."""

    ignore: tuple[str, ...] = ()
    """Columns without a role."""


def read_column_map(path: str | PathLike[str]) -> ColumnMap:
    """Reads a column map from a JSON file with the fields of `ColumnMap`.

    A channel is an object with name, muscle, site and side ("right", "left"); only the name is
    needed.

    Raises:
        EmgFileError: no such file, or not a column map. Names the problem.
    """
    try:
        content = json.loads(read_bytes(path, 1_000_000))
        if not isinstance(content, dict) or set(content) - set(_KEYS):
            raise EmgFileError(path, f"a column map is a JSON object with {', '.join(_KEYS)}")
        channels = {
            key: _channel(entry) for key, entry in dict(content.pop("channels", {})).items()
        }
        labels = {str(key): str(value) for key, value in dict(content.pop("labels", {})).items()}
        ignore = tuple(str(column) for column in content.pop("ignore", []))
        for key in ("time", "label", "unit", "delimiter"):
            if not isinstance(content.get(key, ""), str | None):
                raise EmgFileError(path, f"must be text, not {shown(str(content[key]))}", where=key)
        return check_columns(ColumnMap(channels=channels, labels=labels, ignore=ignore, **content))
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise EmgFileError(
            path, f"not a column map ({type(error).__name__}: {str(error)[:100]})"
        ) from error


def check_columns(columns: ColumnMap) -> ColumnMap:
    """The same map, after checks.

    Raises:
        InvalidValue: a rate, delimiter or unit that is not legal.
    """
    if columns.fs_hz is not None:
        check_rate("fs_hz", columns.fs_hz)
    if columns.delimiter is not None and columns.delimiter not in DELIMITERS:
        raise InvalidValue("delimiter", columns.delimiter, f"one of {', '.join(DELIMITERS)}")
    if columns.unit is not None:
        check_text("unit", columns.unit)
    return columns


def _channel(entry: object) -> Channel:
    if isinstance(entry, str):
        return Channel(entry)
    fields = dict(entry)  # type: ignore[call-overload]
    sides = {"right": Side.RIGHT, "left": Side.LEFT, None: None}
    if set(fields) - {"name", "muscle", "site", "side"} or fields.get("side") not in sides:
        raise InvalidValue(
            "channel", str(fields)[:80], "a name, or name, muscle, site and side (right or left)"
        )
    return Channel(
        name=fields["name"],
        muscle=fields.get("muscle"),
        site=fields.get("site"),
        side=sides[fields.get("side")],
    )
