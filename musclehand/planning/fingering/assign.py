"""Hands and fingers for every note of a score: what a player needs to know before it moves.

`assign_fingering` divides the notes between the hands (`hand_split`), rolls chords too wide for one
when asked (`rolling`), searches each hand's fingers (`finger_search`, rules and weights in
`fingering_cost`), offers the other hand what one cannot play, and leaves out, with a remark, what
ten fingers cannot do. A person's hand or finger stays as given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musclehand.music.formats.score_file import counted
from musclehand.music.pitch import is_black
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.hand_split import HandSplitConfig, split_hands
from musclehand.planning.fingering.keyboard_map import half_keys, outward
from musclehand.planning.fingering.playable import list_notes, report_impossible
from musclehand.planning.fingering.rolling import roll_chords, rolled_onsets
from musclehand.planning.fingering.search import LET_GO_AFTER, HandNotes, HandPlan, search_fingers

__all__ = ["FingeringConfig", "assign_fingering"]

_GUEST_WEIGHT = 0.3
"""Importance of a note taken over from the other hand against the hand's own notes."""


def assign_fingering(
    score: Score, *, config: FingeringConfig | None = None, split: HandSplitConfig | None = None
) -> Score:
    """The same notes in the same order, each with a hand and a finger; what no hand can play is
    left out.

    Pitches and velocities do not change, onsets only with `config.roll_chords`, note ends only with
    either that or `config.let_go_early`. A given hand is changed only where that hand cannot play
    the note and the other can, a given finger only where the same finger is asked for on two keys
    at once. Remarks name each note left out, moved, refingered or let go early, by time and pitch,
    and those that are there but beyond what hands can do (`playable.impossible_notes`). The result
    depends on nothing but the arguments; time and memory are linear in the number of notes.

    Two notes on one key that overlap are taken as one key held (`music.score.keyboard_score` makes
    such a score playable first).

    Returns:
        A score in which no finger is on two keys at once (by more than `config.overlap_tolerance`).
    """
    config = config or FingeringConfig()
    handed = split_hands(score, config=split)
    if config.roll_chords:
        onsets = rolled_onsets(handed, hand_span=config.hand_span, chord_window=config.chord_window)
        score = roll_chords(score, onsets)
        handed = roll_chords(handed, onsets)
    notes = handed.notes
    hand = np.array([int(note.hand) if note.hand is not None else 0 for note in notes], dtype=int)
    given = np.array([int(note.finger or 0) for note in notes], dtype=int)
    contradicting = [
        i
        for side in Hand
        for i in _contradictions(notes, np.flatnonzero(hand == side), given, config)
    ]
    given[contradicting] = 0

    weight = 1.0 + score.velocities / 256.0
    finger = np.zeros(len(notes), dtype=int)
    let_go = np.full(len(notes), np.inf)
    for side in Hand:
        mine = np.flatnonzero(hand == side)
        plan = _plan_hand(notes, mine, side, given, weight, config)
        finger[mine], let_go[mine] = plan
    before = hand.copy()
    stuck = {side: np.flatnonzero((hand == side) & (finger == 0) & (given == 0)) for side in Hand}
    for side in Hand:
        guests = stuck[Hand(1 - side)]
        if not len(guests):
            continue
        mine = np.sort(np.concatenate([np.flatnonzero((hand == side) & (finger > 0)), guests]))
        lighter = weight.copy()
        lighter[guests] *= _GUEST_WEIGHT
        plan = _plan_hand(notes, mine, side, given, lighter, config)
        finger[mine], let_go[mine] = plan
        hand[guests[finger[guests] > 0]] = side
    return _result(score, hand, before, finger, let_go, contradicting)


def _contradictions(
    notes: Sequence[Note], mine: np.ndarray, given: np.ndarray, config: FingeringConfig
) -> list[int]:
    """Notes of a hand whose given finger is on another key at the time, or not the one given to the
    same key at once.

    The first of the two keeps its finger; of a chord, the one on the thumb's side.
    """
    side = 1 if not len(mine) or notes[mine[0]].hand == Hand.RIGHT else -1
    order = sorted(
        (i for i in mine if given[i]), key=lambda i: (notes[i].onset, side * notes[i].pitch)
    )
    busy: dict[int, tuple[int, float, float]] = {}
    struck: dict[int, tuple[float, int]] = {}
    contradicting = []
    for i in order:
        note = notes[i]
        pitch, onset, until = busy.get(int(given[i]), (note.pitch, 0.0, 0.0))
        freed = config.let_go_early and onset <= note.onset - LET_GO_AFTER
        taken = pitch != note.pitch and until > note.onset + config.overlap_tolerance and not freed
        at, other = struck.get(note.pitch, (-np.inf, 0))
        if taken or (note.onset - at <= config.chord_window and other != given[i]):
            contradicting.append(int(i))
            continue
        struck[note.pitch] = (note.onset, int(given[i]))
        until = note.offset if pitch != note.pitch else max(until, note.offset)
        busy[int(given[i])] = (note.pitch, note.onset, until)
    return contradicting


def _plan_hand(
    notes: Sequence[Note],
    mine: np.ndarray,
    side: Hand,
    given: np.ndarray,
    weight: np.ndarray,
    config: FingeringConfig,
) -> HandPlan:
    """Fingers of the notes `mine`. Notes struck together on one key are fingered as one."""
    leader: dict[int, int] = {}
    last: dict[int, int] = {}
    end: dict[int, float] = {}
    finger_of: dict[int, int] = {}
    for i in mine.tolist():
        first = last.get(notes[i].pitch)
        same = first is not None and notes[i].onset - notes[first].onset <= config.chord_window
        leader[i] = first if same and first is not None else i
        last[notes[i].pitch] = leader[i]
        end[leader[i]] = max(end.get(leader[i], 0.0), notes[i].offset)
        finger_of[leader[i]] = finger_of.get(leader[i], 0) or int(given[i])
    kept = np.array(sorted(set(leader.values())), dtype=int)
    onset = np.array([notes[i].onset for i in kept])
    offset = np.array([end[i] for i in kept.tolist()])
    step = np.array([outward(side) * half_keys(notes[i].pitch) for i in kept], dtype=int)
    black = np.array([int(is_black(notes[i].pitch)) for i in kept], dtype=int)
    asked = np.array([finger_of[i] for i in kept.tolist()], dtype=int)
    blocked = _blocked(step, onset, offset, asked, config)
    plan = search_fingers(
        HandNotes(step, onset, offset, black, asked, blocked, weight[kept]), config
    )
    row = {int(i): k for k, i in enumerate(kept)}
    rows = np.array([row[leader[i]] for i in mine.tolist()], dtype=int)
    return HandPlan(plan.finger[rows], plan.let_go[rows])


def _blocked(
    step: np.ndarray,
    onset: np.ndarray,
    offset: np.ndarray,
    asked: np.ndarray,
    config: FingeringConfig,
) -> np.ndarray:
    """Fingers a note cannot have since a person put them on another key meanwhile. Shape
    (num_notes, 6)."""
    blocked = np.zeros((len(step), 6), dtype=bool)
    for finger in range(1, 6):
        theirs = np.flatnonzero(asked == finger)
        if not len(theirs):
            continue
        ends = np.maximum.accumulate(offset[theirs])
        first = np.searchsorted(ends, onset + config.overlap_tolerance, side="right")
        until = onset + LET_GO_AFTER if config.let_go_early else offset - config.overlap_tolerance
        last = np.searchsorted(onset[theirs], until, side="left")
        for i in np.flatnonzero(last > first):
            others = theirs[first[i] : last[i]]
            busy = (step[others] != step[i]) & (
                offset[others] > onset[i] + config.overlap_tolerance
            )
            blocked[i, finger] = bool(busy.any())
    return blocked


def _result(
    score: Score,
    hand: np.ndarray,
    before: np.ndarray,
    finger: np.ndarray,
    let_go: np.ndarray,
    contradicting: list[int],
) -> Score:
    """The fingered score and its remarks."""
    notes = score.notes
    played = []
    for i, note in enumerate(notes):
        if finger[i]:
            offset = min(note.offset, float(let_go[i]))
            played.append(
                replace(note, hand=Hand(int(hand[i])), finger=Finger(int(finger[i])), offset=offset)
            )
    moved = [
        n for i, n in enumerate(notes) if finger[i] and hand[i] != before[i] and n.hand is not None
    ]
    short = [n for i, n in enumerate(notes) if finger[i] and let_go[i] < n.offset]
    remarks = (
        (
            "refingered, their given fingers contradict others",
            [notes[i] for i in sorted(contradicting)],
        ),
        ("given to the other hand, out of reach for their own", moved),
        ("let go early, the finger or hand is needed elsewhere", short),
        (
            "left out, no hand can play them with the rest",
            [n for i, n in enumerate(notes) if not finger[i]],
        ),
    )
    told = tuple(
        f"{counted(len(listed), 'note')} {what}: {list_notes(listed)}"
        for what, listed in remarks
        if listed
    )
    return report_impossible(replace(score, notes=tuple(played), remarks=score.remarks + told))
