"""Nested dataclasses of plain values to JSON and back, checked against their type annotations."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

RecordT = TypeVar("RecordT")


def to_plain(record: Any) -> dict[str, Any]:
    """A dataclass instance as dictionaries, lists, numbers and texts.

    Args:
        record: its fields are plain values, tuples of them, or dataclasses of the same kind.
    """
    return {item.name: _plain(getattr(record, item.name)) for item in fields(record)}


def from_plain(kind: type[RecordT], data: Any, *, name: str = "") -> RecordT:
    """Makes a record from what `to_plain` returned, checked against its annotations.

    Args:
        kind: dataclass to make.
        data: what `to_plain` returned; fields that are missing take their defaults.
        name: of the record, for errors.

    Raises:
        ValueError: the data does not fit the annotations; the message names the field.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{name or kind.__name__} is no table of fields")
    hints = get_type_hints(kind)
    names = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - names)
    if unknown:
        raise ValueError(f"{name or kind.__name__} has no field {unknown[0]}")
    values = {
        key: _value(hints[key], value, f"{name}.{key}".lstrip(".")) for key, value in data.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{name or kind.__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    raise TypeError(f"{type(value).__name__} is no plain value")


def _value(hint: Any, value: Any, name: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        (hint,) = (part for part in get_args(hint) if part is not type(None))
        return _value(hint, value, name)
    if origin is tuple:
        parts = get_args(hint)
        if not isinstance(value, list):
            raise ValueError(f"{name} is no list")
        if len(parts) == 2 and parts[1] is Ellipsis:
            return tuple(_value(parts[0], item, name) for item in value)
        if len(parts) != len(value):
            raise ValueError(f"{name} has {len(value)} items in place of {len(parts)}")
        return tuple(_value(part, item, name) for part, item in zip(parts, value, strict=True))
    if is_dataclass(hint):
        return from_plain(hint, value, name=name)  # type: ignore[arg-type]
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError as error:
            raise ValueError(f"{name} is too large a number") from error
        if not math.isfinite(number):
            raise ValueError(f"{name} is {value}")
        return number
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise ValueError(f"{name} is {value!r}")
