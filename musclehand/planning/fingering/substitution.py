"""Finger substitution: a second finger takes over a held key silently, and frees the first one.

Organists and pianists do so to keep a legato that no single finger could. A fingered `Score` has
one finger to a note, the finger that strikes. Where `planning.fingering.assign` had to release a
key early, `find_substitutions` says which finger could take it over, when, and for how long. A
controller that can change fingers holds the key for longer; for any other the score stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.cost import IMPOSSIBLE, FingeringConfig, cost_tables
from musclehand.planning.fingering.keyboard_map import MAX_STEPS, half_keys, outward
from musclehand.planning.fingering.pedalling import written_ends

CHANGE_TIME = 0.15
"""[s] least time between the hand's last stroke and the moment at which the first finger has to be
free; an estimate."""

_LEAST_GAIN = 0.1
"""[s] a change of finger is left out if it keeps the key down for less than this; an assumption."""

_SLACK = 0.002
"""[s] notes that overlap by less do not meet; that of `FingeringConfig.overlap_tolerance`."""


class Substitution(NamedTuple):
    """A change of finger on a held key."""

    note: Note
    """Of the fingered score."""

    finger: Finger
    """Finger that takes over."""

    time: float
    """[s] of the change."""

    until: float
    """[s] time until which the new finger can hold the key."""


class _HeldKey(NamedTuple):
    """A finger on a key for some time."""

    step: int
    """[half white keys] place of the key, from thumb to little finger upwards; odd on black
    keys."""

    finger: int
    """1 to 5."""

    since: float
    """[s] time at which the finger comes to the key."""

    until: float
    """[s] time at which it leaves."""


def find_substitutions(
    score: Score, written: Score, *, config: FingeringConfig | None = None
) -> tuple[Substitution, ...]:
    """Finds fingers that could take over the keys that are released early, in order of the notes.

    The hand must not use the new finger from the change on. The finger must reach the key beside
    all that the hand strikes and holds meanwhile, with the fingers in order. Substitutions for
    earlier notes count as held keys.

    Args:
        score: fingered, with keys released early (`planning.fingering.assign` with
            `release_early`).
        written: the same notes with their ends as written.
        config: limits and weights of the hand.
    """
    hold = cost_tables(config or FingeringConfig()).hold
    ends = written_ends(score, written)
    substitutions: list[Substitution] = []
    for hand in Hand:
        indices = [
            i for i, note in enumerate(score.notes) if note.hand == hand and note.finger is not None
        ]
        notes = [score.notes[i] for i in indices]
        substitutions += _of_hand(notes, [ends[i] for i in indices], hand, hold)
    return tuple(sorted(substitutions))


def _of_hand(
    notes: Sequence[Note], ends: Sequence[float], hand: Hand, hold: np.ndarray
) -> list[Substitution]:
    """The substitutions of one hand.

    Args:
        notes: of the hand, with fingers.
        ends: of these notes as written [s].
        hand: left or right.
        hold: cost of two fingers on keys (`CostTables.hold`).
    """
    substitutions = []
    line = [_held_key(note, hand) for note in notes]
    sounding: list[_HeldKey] = []
    for k, key in enumerate(line):
        sounding = [held for held in sounding if held.until > key.since + _SLACK]
        if ends[k] - key.until >= _LEAST_GAIN:
            later = (line[j] for j in range(k + 1, len(line)))
            neighbours = chain(sounding, later)
            change = _take_over(key, ends[k], neighbours, hold)
            if change is not None:
                finger = Finger(change.finger)
                substitutions.append(Substitution(notes[k], finger, change.since, change.until))
                sounding.append(change)
        sounding.append(key)
    return substitutions


def _held_key(note: Note, hand: Hand) -> _HeldKey:
    """The key of a note, held by the finger that strikes it."""
    return _HeldKey(
        step=outward(hand) * half_keys(note.pitch),
        finger=int(note.finger or 0),
        since=note.onset,
        until=note.offset,
    )


def _take_over(
    key: _HeldKey, end: float, neighbours: Iterable[_HeldKey], hold: np.ndarray
) -> _HeldKey | None:
    """The finger that can hold a key longest after its own finger has left it.

    Args:
        key: with its own finger.
        end: of the note as written [s].
        neighbours: other keys of the hand: those already down, then those struck later, in order.
        hold: cost of two fingers on keys (`CostTables.hold`).

    Returns:
        The key with its new finger from the change on; None if no finger gains much.
    """
    until = dict.fromkeys((finger for finger in range(1, 6) if finger != key.finger), end)
    last_stroke = key.since
    for neighbour in neighbours:
        if neighbour.since >= end - _SLACK or not until:
            break
        if neighbour.since < key.until - _SLACK:
            last_stroke = max(last_stroke, neighbour.since)
        time = 0.5 * (last_stroke + key.until)
        if neighbour.until <= time + _SLACK:
            continue
        apart = neighbour.step - key.step + MAX_STEPS
        colours = 2 * (key.step % 2) + neighbour.step % 2
        for finger in list(until):
            if (
                neighbour.finger != finger
                and hold[colours, finger, neighbour.finger, apart] < IMPOSSIBLE
            ):
                continue
            until[finger] = min(until[finger], max(neighbour.since, key.since))
            if until[finger] - key.until < _LEAST_GAIN:
                del until[finger]
    if not until or key.until - last_stroke < CHANGE_TIME:
        return None
    finger = max(until, key=lambda finger: (until[finger], -abs(finger - key.finger)))
    return _HeldKey(key.step, finger, 0.5 * (last_stroke + key.until), until[finger])
