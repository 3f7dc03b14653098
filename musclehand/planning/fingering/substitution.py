"""Finger substitution: another finger takes over a held key silently, so that the first one is free
for the next.

Organists and pianists do so to keep a legato that no single finger could. A fingered `Score` has
one finger to a note, the one that strikes; where `planning.fingering.assign` had to let a key go
early, `find_substitutions` says which finger could have taken it over, when, and how long it could
then be held. A player that can do that holds on; for any other the score stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.cost import IMPOSSIBLE, MAX_STEPS, FingeringConfig, cost_tables
from musclehand.planning.fingering.keyboard_map import half_keys, outward
from musclehand.planning.fingering.pedalling import written_ends

CHANGE_TIME = 0.15
"""Least time between the hand's last stroke and the moment the first finger has to be free [s];
an estimate."""

_LEAST_GAIN = 0.1
"""A change of finger that keeps the key down for less than this is not worth it [s]."""

_SLACK = 0.002
"""Notes that overlap by less do not meet [s]."""


class Substitution(NamedTuple):
    """`note` of the fingered score is taken over by `finger` at `time` and can be held until
    `until` [s]."""

    note: Note
    finger: Finger
    time: float
    until: float


class _Held(NamedTuple):
    """A finger on a key of the hand's own keyboard (thumb to little finger, half keys) between
    two times [s]."""

    step: int
    finger: int
    since: float
    until: float


def find_substitutions(
    score: Score, written: Score, *, config: FingeringConfig | None = None
) -> tuple[Substitution, ...]:
    """Fingers that could take over the keys let go early, in order of the notes.

    The new finger must be one that the hand does not use from the change on, and must reach the key
    beside all that the hand strikes and holds meanwhile, fingers in order. Substitutions found for
    earlier notes count.

    Args:
        score: fingered, with keys let go early (`planning.fingering.assign` with `release_early`).
        written: the same notes with their ends as written.
        config: limits and weights of the hand.
    """
    hold = cost_tables(config or FingeringConfig()).hold
    ends = written_ends(score, written)
    found: list[Substitution] = []
    for hand in Hand:
        mine = [
            i for i, note in enumerate(score.notes) if note.hand == hand and note.finger is not None
        ]
        line = [_held(score.notes[i], hand) for i in mine]
        sounding: list[_Held] = []
        for k, i in enumerate(mine):
            sounding = [other for other in sounding if other.until > line[k].since + _SLACK]
            if ends[i] - line[k].until >= _LEAST_GAIN:
                others = chain(sounding, (line[j] for j in range(k + 1, len(line))))
                change = _take_over(
                    line[k], ends[i], others, lambda *key: bool(hold[key] < IMPOSSIBLE)
                )
                if change is not None:
                    found.append(
                        Substitution(
                            score.notes[i], Finger(change.finger), change.since, change.until
                        )
                    )
                    sounding.append(change)
            sounding.append(line[k])
    return tuple(sorted(found))


def _held(note: Note, hand: Hand) -> _Held:
    return _Held(
        outward(hand) * half_keys(note.pitch), int(note.finger or 0), note.onset, note.offset
    )


def _take_over(
    key: _Held, end: float, others: Iterable[_Held], fits: Callable[[int, int, int], bool]
) -> _Held | None:
    """The finger that can hold a key longest after its own has left it, up to `end` [s]; None if
    none gains much.

    `others` on keys of the same hand, in order of their beginning after those already down; `fits`
    tells whether a finger on a key and a second one so many half keys further out (shifted as the
    tables are) go together.
    """
    until = dict.fromkeys((finger for finger in range(1, 6) if finger != key.finger), end)
    last = key.since
    for other in others:
        if other.since >= end - _SLACK or not until:
            break
        if other.since < key.until - _SLACK:
            last = max(last, other.since)
        time = 0.5 * (last + key.until)
        for finger in list(until):
            apart = other.step - key.step + MAX_STEPS
            if other.until > time + _SLACK and not (
                other.finger != finger and fits(finger, other.finger, apart)
            ):
                until[finger] = min(until[finger], max(other.since, key.since))
                if until[finger] - key.until < _LEAST_GAIN:
                    del until[finger]
    if not until or key.until - last < CHANGE_TIME:
        return None
    finger = max(until, key=lambda finger: (until[finger], -abs(finger - key.finger)))
    return _Held(key.step, finger, 0.5 * (last + key.until), until[finger])
