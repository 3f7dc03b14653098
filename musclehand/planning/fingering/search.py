"""The search for one hand's fingers: beam search over chords, with held keys and a hand position.

A state consists of the fingers on the last two chords and on all keys still held, and of the place
of the hand's centre. Each finger has a reach about the centre, and the hand moves only as far as
the fingers on keys demand. So moving late, far or often has its price; a rule for pairs of fingers
alone does not see a hand that drifts. Of states alike in fingers and (rounded) position the
cheapest is kept, and of these the `beam_width` cheapest. Time is linear in the number of notes, and
the search is exact where the beam holds all states.

The search works in the right hand's frame. A left hand is passed in mirrored, so both hands are
fingered by the very same arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from musclehand.planning.fingering.cost import (
    FINGER_PLACE,
    FINGER_REACH,
    IMPOSSIBLE,
    CostTables,
    FingeringConfig,
    cost_tables,
)
from musclehand.planning.fingering.keyboard_map import MAX_STEPS, chord_slices

_MOST_NOTES = 7
"""Notes of one chord that one hand's search looks at; of more, inner ones are left out
beforehand. Two more than the hand has fingers, to choose from."""

_INSISTED = 12.0
"""Cost of a pair of fingers that the score has and the tables call impossible, within the hand's
span. An assumption: far cheaper than leaving a note out."""

_SECOND_FINGER_ON_KEY = 30.0
"""Cost of a finger on a key that another finger still holds; an assumption, above that of an early
release."""

RELEASE_AFTER = 0.05
"""[s] a key is down at least this long before it is released early; an assumption."""

_LEAST_INTERVAL = 0.05
"""[s] least time counted for a hand's movement between two chords; an assumption."""


class HandNotes(NamedTuple):
    """Notes of one hand in order of onset."""

    step: np.ndarray
    """[half white keys] place of the key, from thumb to little finger upwards. Shape
    (num_notes,)."""

    onset: np.ndarray
    """[s] Shape (num_notes,)."""

    offset: np.ndarray
    """[s] Shape (num_notes,)."""

    black: np.ndarray
    """1 on black keys, else 0. Shape (num_notes,)."""

    fixed: np.ndarray
    """Finger that the score has already, 0 for none. Shape (num_notes,)."""

    blocked: np.ndarray
    """Fingers that are fixed on other keys at the time, counted from 1. Shape (num_notes, 6)."""

    weight: np.ndarray
    """Importance when notes have to be left out. Shape (num_notes,)."""

    evidence: np.ndarray
    """Cost of each finger on each note by what was seen, counted from 1. Shape (num_notes, 6)."""


class HandPlan(NamedTuple):
    """Fingers and early releases of one hand's notes."""

    finger: np.ndarray
    """1 to 5; 0: the note is left out. Shape (num_notes,)."""

    release: np.ndarray
    """[s] time at which the key is released early; inf: it is not. Shape (num_notes,)."""

    cost: float
    """Of all notes together."""


class _Beam(NamedTuple):
    """The states of the search after a chord."""

    cost: np.ndarray
    """Shape (num_states,)."""

    centre: np.ndarray
    """[white keys] place of the hand's centre, nan before its first note. Shape (num_states,)."""

    active: np.ndarray
    """Notes of the last two chords, and notes still held. Shape (num_active,)."""

    fingers: np.ndarray
    """Fingers on the active notes, 0 for none. Shape (num_states, num_active)."""

    age: np.ndarray
    """Chords since the active notes were struck: 0 the last chord, 1 the chord before. Shape
    (num_active,)."""

    num_struck: int
    """Notes of the last chord."""

    time: float
    """[s] of the last chord."""


class _Record(NamedTuple):
    """Origin of the states after a chord, to trace the cheapest state back."""

    parent: np.ndarray
    """State before the chord. Shape (num_states,)."""

    notes: np.ndarray
    """Notes of the chord. Shape (num_new,)."""

    fingers: np.ndarray
    """Their fingers. Shape (num_states, num_new)."""

    active: np.ndarray
    """Active notes before the chord. Shape (num_active,)."""

    released: np.ndarray
    """Which of these are released for the chord. Shape (num_states, num_active), bool."""

    time: float
    """[s] of the chord."""


class _Links(NamedTuple):
    """Costs between active notes and the notes of a new chord."""

    melodic: np.ndarray
    """One key after the other, by both fingers. Shape (num_active, num_new, 6, 6)."""

    hold: np.ndarray
    """A new key while the active one is held, by both fingers. Shape (num_active, num_new, 6, 6).
    """

    firm: np.ndarray
    """Whether the active note is held long enough to bind the hand's span. Shape (num_active,)."""

    price: np.ndarray
    """Cost of releasing the active note early, inf where that may not be. Shape (num_active,)."""


class _Step(NamedTuple):
    """The options for the fingers of a chord, after each state of the beam."""

    options: np.ndarray
    """Fingers of the chord, 0 for notes left out. Shape (num_options, num_new)."""

    total: np.ndarray
    """Cost up to and with the chord. Shape (num_options, num_states)."""

    centre: np.ndarray
    """[white keys] place of the hand's centre. Shape (num_options, num_states)."""

    released: np.ndarray
    """Active notes that are released for the chord. Shape (num_options, num_states, num_active)."""


def search_fingers(notes: HandNotes, config: FingeringConfig) -> HandPlan:
    """Finds the cheapest fingers for the notes of one hand."""
    no_notes = np.zeros(0, dtype=int)
    beam = _Beam(
        cost=np.zeros(1),
        centre=np.full(1, np.nan),
        active=no_notes,
        fingers=np.zeros((1, 0), dtype=int),
        age=no_notes,
        num_struck=0,
        time=-np.inf,
    )
    records = []
    for slice_ in chord_slices(notes.onset, config.chord_window):
        new = slice_[np.argsort(notes.step[slice_], kind="stable")]
        new = _thin(new, notes)
        beam, record = _advance(beam, new, notes, config)
        records.append(record)
    plan = HandPlan(
        np.zeros(len(notes.step), dtype=int),
        np.full(len(notes.step), np.inf),
        float(beam.cost.min()),
    )
    state = int(np.argmin(beam.cost))
    for record in reversed(records):
        plan.finger[record.notes] = record.fingers[state]
        plan.release[record.active[record.released[state]]] = record.time
        state = int(record.parent[state])
    return plan


def _thin(new: np.ndarray, notes: HandNotes) -> np.ndarray:
    """The notes of a chord that are searched over.

    These are all notes, or of many the outermost, those with fixed fingers and some spread between.
    Notes of little weight (the other hand's) come last.
    """
    if len(new) <= _MOST_NOTES:
        return new
    weighty = np.flatnonzero(notes.weight[new] >= 0.5 * notes.weight[new].max())
    spread = weighty[np.rint(np.linspace(0, len(weighty) - 1, _MOST_NOTES)).astype(int)]
    outermost = [weighty[0], weighty[-1]]
    ranked = [*outermost, *np.flatnonzero(notes.fixed[new]), *spread, *range(len(new))]
    return new[np.sort(list(dict.fromkeys(int(i) for i in ranked))[:_MOST_NOTES])]


def _importance(new: np.ndarray, notes: HandNotes) -> np.ndarray:
    """Importance of each note of a chord. Shape (num_new,).

    The outer voice (melody or bass) counts most, then the voice at the thumb's edge.
    """
    place = np.ones(len(new))
    place[0] = 1.3
    place[-1] = 2.0
    return place * notes.weight[new] + 5.0 * (notes.fixed[new] > 0)


def _advance(
    beam: _Beam, new: np.ndarray, notes: HandNotes, config: FingeringConfig
) -> tuple[_Beam, _Record]:
    """All states after a chord.

    Notes are left out only when nothing else is possible, as few as possible.

    Args:
        beam: states before the chord.
        new: notes of the chord from the thumb's side outwards.
        notes: all notes of the hand.
        config: limits and weights.
    """
    tables = cost_tables(config)
    links = _link(beam, new, notes, tables, config)
    drop_cost = config.drop * _importance(new, notes)
    step: _Step | None = None
    for left_out in range(max(0, len(new) - 5), len(new) + 1):
        options = _options(tuple(notes.fixed[new].tolist()), left_out)
        barred = notes.blocked[new][np.arange(len(new)), options] & (notes.fixed[new] == 0)
        options = options[~barred.any(axis=1)]
        if not len(options):
            continue
        chord = _chord_cost(options, new, notes, tables, config)
        follow, released = _follow_cost(beam, options, links)
        centre, moved = _move(beam, options, new, released, links=links, notes=notes)
        interval = max(notes.onset[new].min() - beam.time, _LEAST_INTERVAL)
        hurry = config.shift + config.shift_hurry / interval
        step_cost = follow + chord[:, None] + hurry * moved
        dropped = (options == 0) @ drop_cost
        step_cost = step_cost + config.posture * _posture(options, centre, new, notes)
        step = _Step(options, beam.cost + step_cost + dropped[:, None], centre, released)
        if step_cost.min() < IMPOSSIBLE:
            break
    assert step is not None  # With all notes left out there always is an option.
    return _select(beam, new, step, notes, config)


@lru_cache(maxsize=4096)
def _options(fixed: tuple[int, ...], left_out: int) -> np.ndarray:
    """All fingers for a chord, from the thumb's side outwards. Shape (num_options, num_notes).

    Fingers follow the keys in order; only fingers that the score has may break the order.

    Args:
        fixed: finger that the score has for each note, 0 for none.
        left_out: number of notes without a finger, which have 0 in the options.
    """
    size = len(fixed)
    ordered: list[list[int]] = []
    crossed: list[list[int]] = []
    for kept in combinations(range(size), size - left_out):
        required = tuple(fixed[i] for i in kept)
        choices = _fitting(combinations(range(1, 6), len(kept)), required)
        rows = ordered
        if not choices:
            rows = crossed
            choices = _fitting(permutations(range(1, 6), len(kept)), required)
        for fingers in choices:
            row = [0] * size
            for i, finger in zip(kept, fingers, strict=True):
                row[i] = finger
            rows.append(row)
    return np.array(ordered + crossed, dtype=int).reshape(-1, size)


def _fitting(
    choices: Iterable[tuple[int, ...]], required: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """The choices of fingers that have the required finger wherever that is not 0."""
    return [
        fingers
        for fingers in choices
        if all(needed in (0, finger) for needed, finger in zip(required, fingers, strict=True))
    ]


def _chord_cost(
    options: np.ndarray,
    new: np.ndarray,
    notes: HandNotes,
    tables: CostTables,
    config: FingeringConfig,
) -> np.ndarray:
    """Cost of the fingers of a chord among themselves. Shape (num_options,).

    Args:
        options: fingers of the chord. Shape (num_options, num_new).
        new: notes of the chord.
        notes: all notes of the hand.
        tables: costs by finger and distance.
        config: limits of the hand.
    """
    cost = tables.single[notes.black[new], options].sum(axis=1)
    cost = cost + notes.evidence[new[:, None], options.T].sum(axis=0)
    for i in range(len(new)):
        for j in range(i + 1, len(new)):
            apart = notes.step[new[j]] - notes.step[new[i]]
            colours = 2 * notes.black[new[i]] + notes.black[new[j]]
            pair = tables.chord[colours, options[:, i], options[:, j], apart + MAX_STEPS]
            if notes.fixed[new[i]] and notes.fixed[new[j]] and apart <= 2 * config.widest:
                pair = np.minimum(pair, _INSISTED)
            cost = cost + pair
    return cost


def _link(
    beam: _Beam, new: np.ndarray, notes: HandNotes, tables: CostTables, config: FingeringConfig
) -> _Links:
    """Costs between every active note and every new note, by the fingers on both.

    They depend on whether the active note is held, and on distance and time between the notes.

    Args:
        beam: states before the chord.
        new: notes of the chord.
        notes: all notes of the hand.
        tables: costs by finger and distance.
        config: limits and weights.
    """
    active = beam.active
    onset = notes.onset[new]
    offset = notes.offset[active][:, None]
    apart = notes.step[new] - notes.step[active][:, None]
    held = offset > onset + config.overlap_tolerance
    firm = offset > onset + config.legato_overlap
    same_key = apart == 0

    colours = 2 * notes.black[active][:, None] + notes.black[new]
    hold = tables.hold[colours, :, :, apart + MAX_STEPS]
    hold = np.where(same_key[..., None, None], np.minimum(hold, _SECOND_FINGER_ON_KEY), hold)
    insisted = (
        (notes.fixed[active][:, None] > 0)
        & (notes.fixed[new] > 0)
        & (np.abs(apart) <= 2 * config.widest)
    )
    differ = ~np.eye(6, dtype=bool)
    hold = np.where(insisted[..., None, None] & differ, np.minimum(hold, _INSISTED), hold)
    clash = np.where(same_key[..., None, None] | differ, 0.0, IMPOSSIBLE)
    clash[:, :, 0, 0] = 0.0
    hold = np.where(firm[..., None, None], hold, np.where(held[..., None, None], clash, 0.0))

    melodic = tables.melodic[colours, :, :, apart + MAX_STEPS]
    urgency = 1.0 / (1.0 + (np.maximum(onset - offset, 0.0) / config.legato_gap) ** 2)
    melodic = melodic * urgency[..., None, None]
    fast = (onset - notes.onset[active][:, None] < config.fast_repeat).astype(int)
    melodic = np.where(same_key[..., None, None], tables.repeat[fast], melodic)
    fewest, most = sorted((beam.num_struck, len(new)))
    weight = (config.chord_follows if fewest > 1 else 1.0) / max(most, 1)
    melodic = melodic * (weight * ((beam.age == 0)[:, None] & ~firm))[..., None, None]
    melodic = melodic + _second_order(beam, new, notes, tables, config) * ~firm[..., None, None]
    price = _release_cost(active, notes.onset[new].min(), notes, config)
    return _Links(melodic, hold, firm.any(axis=1), price)


def _second_order(
    beam: _Beam, new: np.ndarray, notes: HandNotes, tables: CostTables, config: FingeringConfig
) -> np.ndarray:
    """Cost between the chord before the last and the new one. Shape (num_active, num_new, 6, 6).

    Args:
        beam: states before the new chord.
        new: its notes.
        notes: all notes of the hand.
        tables: costs by finger and distance.
        config: weights.
    """
    apart = notes.step[new] - notes.step[beam.active][:, None]
    ago = notes.onset[new] - notes.onset[beam.active][:, None]
    second = beam.age == 1
    weight = second[:, None] / (
        (1.0 + (ago / config.skip_time) ** 2) * len(new) * max(int(second.sum()), 1)
    )
    return (
        np.moveaxis(tables.skip[:, :, apart + MAX_STEPS], (0, 1), (2, 3)) * weight[..., None, None]
    )


def _release_cost(
    active: np.ndarray, time: float, notes: HandNotes, config: FingeringConfig
) -> np.ndarray:
    """Cost of releasing each active note early, infinite where that may not be.

    Args:
        active: notes that may be held.
        time: of the release [s].
        notes: all notes of the hand.
        config: weights.

    Returns:
        Shape (num_active,).
    """
    duration = notes.offset[active] - notes.onset[active]
    lost = np.maximum(notes.offset[active] - time, 0.0)
    share = np.minimum(lost / duration, 1.0)
    seconds = np.minimum(config.release_second * lost, config.release_most)
    allowed = config.release_early & (notes.onset[active] <= time - RELEASE_AFTER)
    return np.where(allowed, config.release * (0.25 + 0.75 * share) + seconds, np.inf)


def _follow_cost(beam: _Beam, options: np.ndarray, links: _Links) -> tuple[np.ndarray, np.ndarray]:
    """Cost of each option after each state, and the held keys that it has released.

    Args:
        beam: states before the chord.
        options: fingers of the chord. Shape (num_options, num_new).
        links: costs between active notes and the chord.

    Returns:
        Arrays of shapes (num_options, num_states) and (num_options, num_states, num_active).
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
    *,
    links: _Links,
    notes: HandNotes,
) -> tuple[np.ndarray, np.ndarray]:
    """The hand's centre for each option after each state, and the distance that it moved.

    The centre moves only as far as the fingers on keys demand.

    Args:
        beam: states before the chord.
        options: fingers of the chord. Shape (num_options, num_new).
        new: notes of the chord.
        released: active notes released for it. Shape (num_options, num_states, num_active).
        links: which active notes bind the hand.
        notes: all notes of the hand.

    Returns:
        Two arrays of shape (num_options, num_states) [white keys].
    """
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
    """Sum of the new fingers' distances from their natural places in the hand [white keys].

    Args:
        options: fingers of the chord. Shape (num_options, num_new).
        centre: of the hand [white keys]. Shape (num_options, num_states).
        new: notes of the chord.
        notes: all notes of the hand.

    Returns:
        Shape (num_options, num_states).
    """
    away = np.abs((0.5 * notes.step[new] - FINGER_PLACE[options])[:, None, :] - centre[..., None])
    return np.where(options[:, None, :] > 0, away, 0.0).sum(axis=2)


def _select(
    beam: _Beam, new: np.ndarray, step: _Step, notes: HandNotes, config: FingeringConfig
) -> tuple[_Beam, _Record]:
    """The cheapest states; of states alike in fingers and rounded place only the cheapest.

    Args:
        beam: states before the chord.
        new: notes of the chord.
        step: options for their fingers.
        notes: all notes of the hand.
        config: limits, and the width of the beam.
    """
    flat = step.total.ravel()
    best = np.argsort(flat, kind="stable")[: 6 * config.beam_width]
    best = best[flat[best] < flat[best[0]] + 0.5 * IMPOSSIBLE]
    option, parent = np.divmod(best, step.total.shape[1])
    released = step.released[option, parent]
    fingers = np.hstack([np.where(released, 0, beam.fingers[parent]), step.options[option]])
    active = np.concatenate([beam.active, new])
    lasting = notes.offset[active] > notes.onset[new].max() + config.overlap_tolerance
    age = np.concatenate([beam.age + 1, np.zeros(len(new), dtype=int)])
    lasting |= age <= 1
    lasting &= fingers.any(axis=0)
    fingers = fingers[:, lasting]
    active = active[lasting]

    centre = step.centre[option, parent]
    place = np.rint(2.0 * np.where(np.isnan(centre), 0.0, centre)).astype(np.int64)
    kind = fingers @ (6 ** np.arange(len(active), dtype=np.int64)) * 512 + place
    keep = np.sort(np.unique(kind, return_index=True)[1])[: config.beam_width]
    time = float(notes.onset[new].min())
    record = _Record(
        parent=parent[keep],
        notes=new,
        fingers=step.options[option[keep]],
        active=beam.active,
        released=released[keep],
        time=time,
    )
    beam = _Beam(
        cost=flat[best][keep],
        centre=centre[keep],
        active=active,
        fingers=fingers[keep],
        age=age[lasting],
        num_struck=len(new),
        time=time,
    )
    return beam, record
