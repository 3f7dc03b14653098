"""Records come back from plain data to the last bit, and data that does not fit is refused with the
name of the field."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.dataclass_json import from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    """A record in a record."""

    weight: float
    pair: tuple[float, float] = (0.5, 2.0)
    name: str = ""


@dataclass(frozen=True)
class Outer:
    """A record with a field of each kind."""

    inner: Inner
    count: int = 3
    on: bool = False
    names: tuple[str, ...] = ()
    limit: float | None = None
    mixed: tuple[int, str] = (1, "a")
    many: tuple[Inner, ...] = ()
    other: Inner = field(default_factory=lambda: Inner(1.0))


finite = st.floats(allow_nan=False, allow_infinity=False)
inners = st.builds(Inner, finite, st.tuples(finite, finite), st.text())
outers = st.builds(
    Outer,
    inner=inners,
    count=st.integers(),
    on=st.booleans(),
    names=st.lists(st.text()).map(tuple),
    limit=st.none() | finite,
    mixed=st.tuples(st.integers(), st.text()),
    many=st.lists(inners, max_size=3).map(tuple),
    other=inners,
)
PLAIN = to_plain(Outer(Inner(2.0), limit=4.0))


@given(outers)
def test_records_come_back_from_json(record: Outer) -> None:
    text = json.dumps(to_plain(record))
    again = from_plain(Outer, json.loads(text))
    assert again == record
    assert json.dumps(to_plain(again)) == text
    assert math.copysign(1.0, again.inner.weight) == math.copysign(1.0, record.inner.weight)


def test_plain_data_is_made_of_tables_lists_numbers_and_texts() -> None:
    assert PLAIN == {
        "inner": {"weight": 2.0, "pair": [0.5, 2.0], "name": ""},
        "count": 3,
        "on": False,
        "names": [],
        "limit": 4.0,
        "mixed": [1, "a"],
        "many": [],
        "other": {"weight": 1.0, "pair": [0.5, 2.0], "name": ""},
    }


def test_missing_fields_take_their_defaults() -> None:
    assert from_plain(Outer, {"inner": {"weight": 2}}) == Outer(Inner(2.0))
    weight = from_plain(Inner, {"weight": 2}).weight
    assert isinstance(weight, float)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": 1}, "colour"),
        ({"inner": {}}, "weight"),
        ({"inner": {"weight": 1.0, "size": 2}}, "size"),
        ({"inner": None}, "inner"),
        ({"inner": [1.0]}, "inner"),
        ({"inner": {"weight": None}}, "inner.weight"),
        ({"inner": {"weight": "1.0"}}, "inner.weight"),
        ({"inner": {"weight": True}}, "inner.weight"),
        ({"inner": {"weight": math.nan}}, "inner.weight"),
        ({"inner": {"weight": -math.inf}}, "inner.weight"),
        ({"inner": {"weight": 10**400}}, "inner.weight"),
        ({"inner": {"weight": 1.0, "pair": [1.0]}}, "inner.pair"),
        ({"inner": {"weight": 1.0, "pair": [1.0, 2.0, 3.0]}}, "inner.pair"),
        ({"inner": {"weight": 1.0, "pair": [1.0, "2"]}}, "inner.pair"),
        ({"inner": {"weight": 1.0, "pair": 1.0}}, "inner.pair"),
        ({"inner": {"weight": 1.0, "name": 3}}, "inner.name"),
        ({"count": 3.0}, "count"),
        ({"count": True}, "count"),
        ({"count": None}, "count"),
        ({"on": 1}, "on"),
        ({"names": "ab"}, "names"),
        ({"names": ["a", 1]}, "names"),
        ({"limit": "none"}, "limit"),
        ({"limit": math.nan}, "limit"),
        ({"mixed": ["a", 1]}, "mixed"),
        ({"many": [{"weight": 1.0}, {}]}, "weight"),
        ({"many": [{"weight": 1.0}, 3]}, "many"),
        ({"other": 3}, "other"),
    ],
)
def test_data_that_does_not_fit_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=rf"\b{named}\b"):
        from_plain(Outer, PLAIN | change)


@pytest.mark.parametrize("data", [None, 3, "inner", [], [["inner", 1]]])
def test_data_that_is_no_table_is_refused_by_the_name_of_the_record(data: Any) -> None:
    with pytest.raises(ValueError, match="Outer"):
        from_plain(Outer, data)
    with pytest.raises(ValueError, match="config"):
        from_plain(Outer, data, name="config")
    with pytest.raises(ValueError, match=r"config\.inner\.weight"):
        from_plain(Outer, {"inner": {"weight": "much"}}, name="config")


def test_records_of_other_values_are_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        to_plain(replace(Inner(1.0), weight=1j))  # type: ignore[arg-type]
