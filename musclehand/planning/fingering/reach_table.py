"""What two fingers reach together: the table `models/hand/reach.csv`, and how strained it is.

The table has the pairs of fingers, colours of their keys and distances that the bundled hand can
hold with no finger in another one (`planning.fingering.grip_solver`; `experiments/fit_reach.py`
solves it). For a hand of another size distances grow with its span. Strain is the share of the
ranges of motion about the playing posture that a grip needs: 0.3 or less is easy, 1 is the limit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musclehand.body.build.table_file import Fields, read_rows
from musclehand.music.pitch import LOWEST_PITCH
from musclehand.piano.geometry import KeyboardGeometry
from musclehand.planning.fingering.grip_solver import Grip, GripSolver
from musclehand.planning.fingering.keyboard_map import MAX_STEPS, half_keys

PACKAGE = "musclehand.models.hand"

COLOURS = ("white", "black")
"""Colours of keys; the index of each is that of `CostTables.single`."""

LEAST_HALF_KEYS, MOST_HALF_KEYS = -9, 19
"""[half white keys] Distances that the table tries: a fifth crossed to a tenth and a half."""

OUT_OF_REACH = 1.2
"""Share given to what the hand cannot hold: between it and a grip at the limit, hands of other
sizes find their limits by interpolation."""

COLUMNS = (
    "low",
    "high",
    "low_key",
    "high_key",
    "half_keys",
    "share",
    "miss_mm",
    "overlap_mm",
    "x_from_mm",
    "x_to_mm",
    "y_from_mm",
    "y_to_mm",
    "z_from_mm",
    "z_to_mm",
)
"""Columns of the table."""

MOST_PLACES = 3
"""Places on the keyboard at which a distance is tried."""

MOST_FAILURES = 2
"""Distances out of reach after which no greater ones are tried."""

_MIDDLE_PITCH = 62


class GripCase(NamedTuple):
    """One or two fingers on keys of the real keyboard."""

    low: int
    """Finger nearer to the thumb, 1 to 5."""

    high: int
    """Finger nearer to the little finger; 0: there is none."""

    low_black: int
    """1 if the key of `low` is black, else 0."""

    high_black: int
    """1 if the key of `high` is black, else 0."""

    distance: int
    """[half white keys] from the key of `low` to that of `high`; below 0 where they cross."""

    places: tuple[tuple[int, ...], ...]
    """Indices of keys at that distance, at up to three places of the keyboard. Black keys are not
    all alike, and the case is in reach if the hand can hold it at one of them."""


class ReachRow(NamedTuple):
    """A grip that the bundled hand can hold, as a right hand."""

    low: int
    """As in `GripCase`, like the next four."""

    high: int
    """Finger nearer to the little finger."""

    low_black: int
    """Colour of its key."""

    high_black: int
    """Colour of its key."""

    distance: int
    """[half white keys] between the keys."""

    share: float
    """Share of the ranges of motion that it needs, 0.3 to 1."""

    wrist_low: tuple[float, float, float]
    """[m] least place of the wrist while the keys are held: x from the key of `low` towards the
    little finger, y behind the front edges, z above the white keys. Each on its own, with the two
    others in the middle of the grip."""

    wrist_high: tuple[float, float, float]
    """[m] greatest place of the wrist."""


def grip_chains(geometry: KeyboardGeometry) -> list[tuple[GripCase, ...]]:
    """The cases of the table: those distances and colours that occur on a keyboard.

    Each chain has the same fingers and colours, and distances that grow in one direction. Beyond
    two distances that the hand cannot hold none is tried.

    Args:
        geometry: places of the keys.
    """
    chains: list[tuple[GripCase, ...]] = [
        (GripCase(low, 0, colour, 0, 0, ((_key_of_colour(geometry, colour),),)),)
        for low in range(1, 6)
        for colour in (0, 1)
    ]
    crossed = range(-1, LEAST_HALF_KEYS - 1, -1)
    for low in range(1, 5):
        for high in range(low + 1, 6):
            for colours in range(4):
                for distances in (crossed if low == 1 else (), range(1, MOST_HALF_KEYS + 1)):
                    chain = tuple(
                        GripCase(low, high, colours // 2, colours % 2, distance, places)
                        for distance in distances
                        if (places := _keys_apart(geometry, colours, distance))
                    )
                    if chain:
                        chains.append(chain)
    return chains


def _key_of_colour(geometry: KeyboardGeometry, colour: int) -> int:
    """Index of the key of a colour (1: black) next above the middle."""
    middle = _MIDDLE_PITCH - LOWEST_PITCH
    return middle + int(np.argmax(geometry.black[middle:] == colour))


def _keys_apart(
    geometry: KeyboardGeometry, colours: int, distance: int
) -> tuple[tuple[int, int], ...]:
    """Up to three pairs of keys of given colours and distance near the middle.

    Of all such pairs they are those whose distance is the nearest to half keys of equal width.

    Args:
        geometry: places of the keys.
        colours: 2 (first is black) + (second is black).
        distance: between them [half white keys].
    """
    width = float(np.diff(geometry.x[~geometry.black]).mean())
    pairs = []
    for first in range(_MIDDLE_PITCH - 7, _MIDDLE_PITCH + 7):
        for second in range(first - 14, first + 20):
            keys = (first - LOWEST_PITCH, second - LOWEST_PITCH)
            if half_keys(second) - half_keys(first) != distance:
                continue
            if 2 * geometry.black[keys[0]] + geometry.black[keys[1]] != colours:
                continue
            apart = float(geometry.x[keys[1]] - geometry.x[keys[0]])
            deviation = round(abs(apart - 0.5 * distance * width), 5)
            pairs.append((deviation, abs(first - _MIDDLE_PITCH), keys))
    return tuple(keys for _, _, keys in sorted(pairs)[:MOST_PLACES])


def solve_chain(solver: GripSolver, chain: tuple[GripCase, ...]) -> list[dict[str, str]]:
    """The rows of the table for the cases of a chain that the hand can hold.

    Args:
        solver: of the hand.
        chain: cases whose distances grow; the grip of one is a start for the next.
    """
    rows = []
    before: Grip | None = None
    failures = 0
    for case in chain:
        digits = _digits(case)
        for keys in case.places:
            middle = np.array([solver.geometry.x[list(keys)].mean(), 0.0, 0.0])
            near = None if before is None else before._replace(wrist=before.wrist + middle)
            grip = solver.solve(digits, keys, near=near)
            if grip.holds:
                before = grip._replace(wrist=grip.wrist - middle)
                rows.append(_table_row(solver, case, keys, grip))
                break
        else:
            failures += 1
            if failures == MOST_FAILURES:
                break
    return rows


def _digits(case: GripCase) -> tuple[int, ...]:
    """Digits of a case, 0 (thumb) to 4."""
    return (case.low - 1, case.high - 1) if case.high else (case.low - 1,)


def _table_row(
    solver: GripSolver, case: GripCase, keys: tuple[int, ...], grip: Grip
) -> dict[str, str]:
    """The row of the table for a case.

    Args:
        solver: of the hand.
        case: that the hand can hold.
        keys: on which it can.
        grip: with which it can.
    """
    digits = _digits(case)
    share, grip = solver.easiest(digits, keys, grip)
    room = solver.room(digits, keys, grip)
    wrist = grip.wrist - [solver.geometry.x[keys[0]], 0.0, 0.0]
    box = 1e3 * (wrist[:, None] + room * [-1.0, 1.0])
    entries = (
        case.low,
        case.high or "",
        COLOURS[case.low_black],
        COLOURS[case.high_black] if case.high else "",
        case.distance if case.high else "",
        f"{share:.1f}",
        f"{1e3 * grip.miss:.1f}",
        f"{1e3 * grip.overlap:.1f}",
        *(f"{value:.0f}" for value in box.ravel()),
    )
    return dict(zip(COLUMNS, map(str, entries), strict=True))


@lru_cache(maxsize=1)
def load_reach() -> tuple[ReachRow, ...]:
    """The bundled table.

    Raises:
        ModelError: it is damaged.
    """
    return read_rows(None, PACKAGE, "reach.csv", _row)


def _row(fields: Fields) -> ReachRow:
    fingers = ("1", "2", "3", "4", "5")
    high = fields.text("high", ("", *fingers))
    box = [fields.number(column, scale=1e-3) for column in COLUMNS[8:]]
    return ReachRow(
        low=int(fields.text("low", fingers)),
        high=int(high or 0),
        low_black=COLOURS.index(fields.text("low_key", COLOURS)),
        high_black=COLOURS.index(fields.text("high_key", COLOURS)) if high else 0,
        distance=int(fields.number("half_keys", low=-99, high=99)) if high else 0,
        share=fields.number("share", low=0.0, high=1.0),
        wrist_low=(box[0], box[2], box[4]),
        wrist_high=(box[1], box[3], box[5]),
    )


@lru_cache(maxsize=8)
def reach_shares(size: float) -> np.ndarray:
    """Shares of the ranges of motion for pairs of fingers at all distances, for a size of the hand.

    Args:
        size: span of the hand against the bundled one, above 0.

    Returns:
        By colours (2 (first is black) + (second is black)), first and second finger 0..5, and
        distance from the first to the second key in half white keys plus `MAX_STEPS`; infinite
        where the hand cannot hold both. Shape (4, 6, 6, 2 MAX_STEPS + 1).
    """
    count = 2 * MAX_STEPS + 1
    shares = np.full((4, 6, 6, count), np.inf)
    by_kind: dict[tuple[int, int, int], dict[int, float]] = {}
    for row in load_reach():
        if row.high:
            kind = (2 * row.low_black + row.high_black, row.low, row.high)
            by_kind.setdefault(kind, {})[row.distance] = row.share
    half = np.arange(count) - MAX_STEPS
    for (colours, low, high), by_distance in by_kind.items():
        odd = next(iter(by_distance)) % 2
        tried = np.array(
            [d for d in range(LEAST_HALF_KEYS - 2, MOST_HALF_KEYS + 3) if d % 2 == odd]
        )
        table = np.array([by_distance.get(d, OUT_OF_REACH) for d in tried.tolist()])
        table = _easier_towards(table, int(np.searchsorted(tried, 2 * (high - low))))
        share = np.interp(half / size, tried, table)
        share[(share > 1.0 + 1e-9) | (half % 2 != odd)] = np.inf
        shares[colours, low, high] = share
        swapped = 2 * (colours % 2) + colours // 2
        shares[swapped, high, low] = share[::-1]
    shares.setflags(write=False)
    return shares


def _easier_towards(share: np.ndarray, natural: int) -> np.ndarray:
    """Shares that do not grow towards the natural distance of two fingers.

    What the hand can hold further apart, or closer together, than is natural it can hold between
    as well. The solver's search is local and misses some of that.

    Args:
        share: by distance.
        natural: index of the natural distance.
    """
    crowded = np.minimum.accumulate(share[:natural])
    spread = np.minimum.accumulate(share[natural:][::-1])[::-1]
    return np.concatenate([crowded, spread])


@lru_cache(maxsize=8)
def hand_holds(size: float) -> np.ndarray:
    """Whether any two fingers can hold two keys, by colours and distance, for a size of the hand.

    Args:
        size: span of the hand against the bundled one, above 0.

    Returns:
        By colours as in `reach_shares`, the key on the thumb's side first, and distance in half
        white keys from 0. Shape (4, MAX_STEPS + 1), bool.
    """
    low, high = np.triu_indices(6, 1)
    holds = np.isfinite(reach_shares(size)[:, low, high, MAX_STEPS:]).any(axis=1)
    holds[:, 0] = True
    holds.setflags(write=False)
    return holds


def beyond_hand(low: np.ndarray, high: np.ndarray, *, thumb_low: bool, size: float) -> np.ndarray:
    """Whether no two fingers of a hand can hold the lowest and the highest of its keys together.

    Args:
        low: lowest key [half white keys from D4]. Any shape.
        high: highest key, in the same shape; below `low` for a hand without keys.
        thumb_low: the thumb is at the lower end, as in a right hand.
        size: span of the hand against the bundled one.

    Returns:
        In the same shape, bool.
    """
    near, far = (low, high) if thumb_low else (high, low)
    distance = np.clip(high - low, 0, MAX_STEPS)
    return ~hand_holds(size)[2 * (near % 2) + far % 2, distance] & (high > low)
