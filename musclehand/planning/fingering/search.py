"""The search for one hand's fingers: beam search over chords, carrying held keys and the hand's
position.

A state is the fingers on the last two chords and on all keys still held, and where the hand's
centre is. The hand moves only as far as the fingers on keys demand (each has a reach about the
centre), so that moving late, far or often has its price; a plain pairwise rule does not see a hand
that drifts. Of states alike in fingers and (rounded) position the cheapest is kept, then the `beam`
cheapest: linear in time, and exact where the beam holds all states.

Works in the right hand's frame; a left hand is passed in mirrored, so both are fingered by the very
same arithmetic.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from musclehand.planning.fingering.cost import (
    FINGER_PLACE,
    FINGER_REACH,
    IMPOSSIBLE,
    MAX_STEPS,
    CostTables,
    FingeringConfig,
    cost_tables,
)
from musclehand.planning.fingering.keyboard_map import chord_slices

_MOST_NOTES = 7
"""Notes of one chord that one hand's search looks at; of more, inner ones are left out
beforehand."""

_INSISTED = 12.0
"""Cost of a pair of fingers that a person asks for and the tables call impossible, within the
hand's span."""

_SECOND_FINGER_ON_KEY = 30.0
"""Cost of a finger on a key that another finger still holds."""

RELEASE_AFTER = 0.05
"""A key is down at least this long before it is let go early [s]."""


class HandNotes(NamedTuple):
    """Notes of one hand in order of onset, each array of shape (num_notes,) unless stated.

    Attributes:
        step: place of the key in half white keys, thumb to little finger upwards.
        onset, offset: [s].
        black: 1 on black keys.
        given: finger a person asked for, 0 where none.
        blocked: fingers taken at the time by a person's choice for other notes. Shape (num_notes,
            6).
        weight: importance when something has to be left out.
    """

    step: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    black: np.ndarray
    given: np.ndarray
    blocked: np.ndarray
    weight: np.ndarray


class HandPlan(NamedTuple):
    """Fingers 1..5 (0: left out) and the time each key is let go early [s] (inf: not). Shapes
    (num_notes,)."""

    finger: np.ndarray
    release: np.ndarray


class _Beam(NamedTuple):
    """States: `cost`, `centre` (num_states,), `fingers` (num_states, num_active) on the notes
    `active`.

    `age` (num_active,) counts chords back: 0 the last chord, struck at `time` [s] with `num_struck`
    notes, 1 the one before; older ones only while held.
    """

    cost: np.ndarray
    centre: np.ndarray
    active: np.ndarray
    fingers: np.ndarray
    age: np.ndarray
    num_struck: int
    time: float


class _Record(NamedTuple):
    """How each state of a slice came about: its parent, the fingers of the new notes, the keys
    let go."""

    parent: np.ndarray
    notes: np.ndarray
    fingers: np.ndarray
    active: np.ndarray
    release: np.ndarray
    time: float


class _Links(NamedTuple):
    """Cost between active notes and new ones by their fingers.

    Shapes (num_active, num_new, 6, 6); `firm` (binds the span) and `price` of letting go
    (num_active,).
    """

    melodic: np.ndarray
    hold: np.ndarray
    firm: np.ndarray
    price: np.ndarray


def search_fingers(notes: HandNotes, config: FingeringConfig) -> HandPlan:
    """The cheapest fingers found for one hand's notes."""
    none = np.zeros(0, dtype=int)
    beam = _Beam(
        np.zeros(1), np.full(1, np.nan), none, np.zeros((1, 0), dtype=int), none, 0, -np.inf
    )
    records = []
    for slice_ in chord_slices(notes.onset, config.chord_window):
        new = slice_[np.argsort(notes.step[slice_], kind="stable")]
        new = _thin(new, notes)
        beam, record = _advance(beam, new, notes, config)
        records.append(record)
    plan = HandPlan(np.zeros(len(notes.step), dtype=int), np.full(len(notes.step), np.inf))
    state = int(np.argmin(beam.cost))
    for record in reversed(records):
        plan.finger[record.notes] = record.fingers[state]
        plan.release[record.active[record.release[state]]] = record.time
        state = int(record.parent[state])
    return plan


def _thin(new: np.ndarray, notes: HandNotes) -> np.ndarray:
    """The notes of a chord worth searching over: all, or the outermost, the given and some spread
    between.

    Notes of little weight (another hand's) come last.
    """
    if len(new) <= _MOST_NOTES:
        return new
    weighty = np.flatnonzero(notes.weight[new] >= 0.5 * notes.weight[new].max())
    spread = weighty[np.rint(np.linspace(0, len(weighty) - 1, _MOST_NOTES)).astype(int)]
    wanted = [weighty[0], weighty[-1], *np.flatnonzero(notes.given[new]), *spread, *range(len(new))]
    return new[np.sort(list(dict.fromkeys(int(i) for i in wanted))[:_MOST_NOTES])]


def _importance(new: np.ndarray, notes: HandNotes) -> np.ndarray:
    """Worth of each note of a chord: the outer voice (melody, bass) most, then the inner edge.
    Shape (num_new,)."""
    place = np.ones(len(new))
    place[0] = 1.3
    place[-1] = 2.0
    return place * notes.weight[new] + 5.0 * (notes.given[new] > 0)


def _advance(
    beam: _Beam, new: np.ndarray, notes: HandNotes, config: FingeringConfig
) -> tuple[_Beam, _Record]:
    """All states after the chord `new`; notes are left out only when nothing else is possible,
    fewest first."""
    tables = cost_tables(config)
    links = _link(beam, new, notes, tables, config)
    worth = config.drop * _importance(new, notes)
    total = np.full((1, 1), np.inf)
    for left_out in range(max(0, len(new) - 5), len(new) + 1):
        options = _options(tuple(notes.given[new].tolist()), left_out)
        barred = notes.blocked[new][np.arange(len(new)), options] & (notes.given[new] == 0)
        options = options[~barred.any(axis=1)]
        if not len(options):
            continue
        own = _chord_cost(options, new, notes, tables, config)
        follow, released = _follow_cost(beam, options, links)
        centre, moved = _move(beam, options, new, released, links, notes)
        hurry = config.shift + config.shift_hurry / max(notes.onset[new].min() - beam.time, 0.05)
        step_cost = follow + own[:, None] + hurry * moved
        dropped = (options == 0) @ worth
        step_cost = step_cost + config.posture * _posture(options, centre, new, notes)
        total = beam.cost + step_cost + dropped[:, None]
        if step_cost.min() < IMPOSSIBLE:
            break
    return _select(beam, new, options, total, centre, released, notes, config)


@lru_cache(maxsize=4096)
def _options(given: tuple[int, ...], left_out: int) -> np.ndarray:
    """Fingers for a chord from the thumb's side outwards, 0 for notes left out. Shape (num_options,
    num_notes).

    Fingers follow the keys in order; only a person's own choice may break the order.
    """
    size = len(given)
    ordered: list[list[int]] = []
    crossed: list[list[int]] = []
    for kept in combinations(range(size), size - left_out):
        wanted = [given[i] for i in kept]
        choices: list[tuple[int, ...]] = [
            fingers
            for fingers in combinations(range(1, 6), len(kept))
            if all(w in (0, f) for w, f in zip(wanted, fingers, strict=True))
        ]
        into = ordered
        if not choices:
            into = crossed
            choices = [
                fingers
                for fingers in permutations(range(1, 6), len(kept))
                if all(w in (0, f) for w, f in zip(wanted, fingers, strict=True))
            ]
        for fingers in choices:
            row = [0] * size
            for i, finger in zip(kept, fingers, strict=True):
                row[i] = finger
            into.append(row)
    return np.array(ordered + crossed, dtype=int).reshape(-1, size)


def _chord_cost(
    options: np.ndarray,
    new: np.ndarray,
    notes: HandNotes,
    tables: CostTables,
    config: FingeringConfig,
) -> np.ndarray:
    """Cost of the fingers of a chord among themselves. Shape (num_options,)."""
    cost = tables.single[notes.black[new], options].sum(axis=1)
    for i in range(len(new)):
        for j in range(i + 1, len(new)):
            apart = notes.step[new[j]] - notes.step[new[i]]
            pair = tables.chord[options[:, i], options[:, j], apart + MAX_STEPS]
            if notes.given[new[i]] and notes.given[new[j]] and apart <= 2 * config.hand_span:
                pair = np.minimum(pair, _INSISTED)
            cost = cost + pair
    return cost


def _link(
    beam: _Beam, new: np.ndarray, notes: HandNotes, tables: CostTables, config: FingeringConfig
) -> _Links:
    """Cost tables between every active note and every new one, by held or let go, distance and
    time between them."""
    old = beam.active
    onset = notes.onset[new]
    offset = notes.offset[beam.active][:, None]
    apart = notes.step[new] - notes.step[old][:, None]
    held = offset > onset + config.overlap_tolerance
    firm = offset > onset + config.legato_overlap
    same_key = apart == 0

    hold = np.moveaxis(tables.hold[:, :, apart + MAX_STEPS], (0, 1), (2, 3))
    hold = np.where(same_key[..., None, None], np.minimum(hold, _SECOND_FINGER_ON_KEY), hold)
    insisted = (
        (notes.given[old][:, None] > 0)
        & (notes.given[new] > 0)
        & (np.abs(apart) <= 2 * config.hand_span)
    )
    differ = ~np.eye(6, dtype=bool)
    hold = np.where(insisted[..., None, None] & differ, np.minimum(hold, _INSISTED), hold)
    clash = np.where(same_key[..., None, None] | differ, 0.0, IMPOSSIBLE)
    clash[:, :, 0, 0] = 0.0
    hold = np.where(firm[..., None, None], hold, np.where(held[..., None, None], clash, 0.0))

    colours = 2 * notes.black[old][:, None] + notes.black[new]
    melodic = tables.melodic[colours, :, :, apart + MAX_STEPS]
    urgency = 1.0 / (1.0 + (np.maximum(onset - offset, 0.0) / config.legato_gap) ** 2)
    melodic = melodic * urgency[..., None, None]
    fast = (onset - notes.onset[old][:, None] < config.fast_repeat).astype(int)
    melodic = np.where(same_key[..., None, None], tables.repeat[fast], melodic)
    fewest, most = sorted((beam.num_struck, len(new)))
    weight = (config.chord_follows if fewest > 1 else 1.0) / max(most, 1)
    melodic = melodic * (weight * ((beam.age == 0)[:, None] & ~firm))[..., None, None]
    melodic = melodic + _second_order(beam, new, notes, tables, config) * ~firm[..., None, None]
    return _Links(
        melodic, hold, firm.any(axis=1), _letting_go(old, notes.onset[new].min(), notes, config)
    )


def _second_order(
    beam: _Beam, new: np.ndarray, notes: HandNotes, tables: CostTables, config: FingeringConfig
) -> np.ndarray:
    """Cost between the chord before the last and the new one. Shape (num_active, num_new, 6, 6)."""
    apart = notes.step[new] - notes.step[beam.active][:, None]
    ago = notes.onset[new] - notes.onset[beam.active][:, None]
    second = beam.age == 1
    weight = second[:, None] / (
        (1.0 + (ago / config.skip_time) ** 2) * len(new) * max(int(second.sum()), 1)
    )
    return (
        np.moveaxis(tables.skip[:, :, apart + MAX_STEPS], (0, 1), (2, 3)) * weight[..., None, None]
    )


def _letting_go(
    old: np.ndarray, time: float, notes: HandNotes, config: FingeringConfig
) -> np.ndarray:
    """Cost of letting go of each active note at `time`, infinite where that may not be. Shape
    (num_active,)."""
    duration = notes.offset[old] - notes.onset[old]
    lost = np.clip((notes.offset[old] - time) / duration, 0.0, 1.0)
    allowed = config.release_early & (notes.onset[old] <= time - RELEASE_AFTER)
    return np.where(allowed, config.release * (0.25 + 0.75 * lost), np.inf)


def _follow_cost(beam: _Beam, options: np.ndarray, links: _Links) -> tuple[np.ndarray, np.ndarray]:
    """Cost of each option after each state, and which held keys it makes let go.

    Shapes (num_options, num_states) and (num_options, num_states, num_active).
    """
    size = np.arange(options.shape[1])
    columns = np.arange(len(beam.active))
    melodic = links.melodic[:, size[None, :], :, options].sum(axis=1)
    hold = links.hold[:, size[None, :], :, options].sum(axis=1)
    broken = hold > links.price[:, None]
    cost = melodic + np.where(broken, links.price[:, None], hold)
    return cost[:, columns, beam.fingers].sum(axis=2), broken[:, columns, beam.fingers] & (
        beam.fingers > 0
    )


def _move(
    beam: _Beam,
    options: np.ndarray,
    new: np.ndarray,
    released: np.ndarray,
    links: _Links,
    notes: HandNotes,
) -> tuple[np.ndarray, np.ndarray]:
    """The hand's centre after each option and state, and how far it moved. Shapes (num_options,
    num_states)."""
    place = 0.5 * notes.step[new]
    lowest = (place - FINGER_REACH[options, 1]).max(axis=1)[:, None]
    highest = (place - FINGER_REACH[options, 0]).min(axis=1)[:, None]
    if links.firm.any():
        still = links.firm & ~released
        place = 0.5 * notes.step[beam.active]
        lowest = np.maximum(
            lowest, np.where(still, place - FINGER_REACH[beam.fingers, 1], -np.inf).max(axis=2)
        )
        highest = np.minimum(
            highest, np.where(still, place - FINGER_REACH[beam.fingers, 0], np.inf).min(axis=2)
        )
    finite = np.isfinite(lowest) & np.isfinite(highest)
    middle = 0.5 * (np.where(finite, lowest, 0.0) + np.where(finite, highest, 0.0))
    wide = finite & (lowest > highest)
    lowest = np.where(wide, middle, lowest)
    highest = np.where(wide, middle, highest)
    start = np.where(np.isnan(beam.centre), np.where(finite, middle, np.nan), beam.centre)
    centre = np.minimum(np.maximum(start, lowest), highest)
    moved = np.abs(centre - start)
    return centre, np.where(np.isnan(moved), 0.0, moved)


def _posture(
    options: np.ndarray, centre: np.ndarray, new: np.ndarray, notes: HandNotes
) -> np.ndarray:
    """How far the new fingers are from their natural places in the hand, in all. Shape
    (num_options, num_states)."""
    away = np.abs((0.5 * notes.step[new] - FINGER_PLACE[options])[:, None, :] - centre[..., None])
    return np.where(options[:, None, :] > 0, away, 0.0).sum(axis=2)


def _select(
    beam: _Beam,
    new: np.ndarray,
    options: np.ndarray,
    total: np.ndarray,
    centre: np.ndarray,
    released: np.ndarray,
    notes: HandNotes,
    config: FingeringConfig,
) -> tuple[_Beam, _Record]:
    """The cheapest states, one of each kind."""
    flat = total.ravel()
    best = np.argsort(flat, kind="stable")[: 6 * config.beam]
    best = best[flat[best] < flat[best[0]] + 0.5 * IMPOSSIBLE]
    option, parent = np.divmod(best, total.shape[1])
    release = released[option, parent]
    fingers = np.hstack([np.where(release, 0, beam.fingers[parent]), options[option]])
    active = np.concatenate([beam.active, new])
    lasting = notes.offset[active] > notes.onset[new].max() + config.overlap_tolerance
    age = np.concatenate([beam.age + 1, np.zeros(len(new), dtype=int)])
    lasting |= age <= 1
    lasting &= fingers.any(axis=0)
    fingers = fingers[:, lasting]
    active = active[lasting]
    age = age[lasting]

    place = np.rint(2.0 * np.where(np.isnan(centre), 0.0, centre)[option, parent]).astype(np.int64)
    kind = fingers @ (6 ** np.arange(len(active), dtype=np.int64)) * 512 + place
    keep = np.sort(np.unique(kind, return_index=True)[1])[: config.beam]
    after = _Beam(
        flat[best][keep],
        centre[option, parent][keep],
        active,
        fingers[keep],
        age,
        len(new),
        float(notes.onset[new].min()),
    )
    record = _Record(
        parent[keep], new, options[option[keep]], beam.active, release[keep], after.time
    )
    return after, record
