"""How the notes of two readers of one score differ, by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from harness.score_oracles import Heard

TOLERANCE = 0.002
"""Quarter notes or seconds by which times may differ: far below any note, above rounding."""

LENGTH = "length"
PITCH = "pitch"
ONSET = "onset"
ONLY_OURS = "only ours"
ONLY_THEIRS = "only theirs"

KINDS = (LENGTH, PITCH, ONSET, ONLY_OURS, ONLY_THEIRS)
"""Kinds of differences of a note."""


def differences(ours: Sequence[Heard], theirs: Sequence[Heard]) -> Counter[str]:
    """Number of notes that differ, by kind; empty where both hear the same."""
    counts: Counter[str] = Counter()
    left: list[Heard] = []
    right: list[Heard] = []
    for mine, others in _by_pitch(ours, theirs):
        alone = _pair_by_onset(mine, others, counts)
        left += alone[0]
        right += alone[1]
    left, right = _pair(left, right, lambda n: (n.onset, n.offset), counts, PITCH)
    left, right = _pair(left, right, lambda n: n.pitch, counts, ONSET)
    counts[ONLY_OURS] += len(left)
    counts[ONLY_THEIRS] += len(right)
    return +counts


def describe(counts: Counter[str]) -> str:
    """Differences in words, such as "3 length, 1 only ours"."""
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def _by_pitch(
    ours: Sequence[Heard], theirs: Sequence[Heard]
) -> list[tuple[list[Heard], list[Heard]]]:
    pitches: dict[int, tuple[list[Heard], list[Heard]]] = defaultdict(lambda: ([], []))
    for index, notes in enumerate((ours, theirs)):
        for note in sorted(notes):
            pitches[note.pitch][index].append(note)
    return list(pitches.values())


def _pair_by_onset(
    ours: list[Heard], theirs: list[Heard], counts: Counter[str]
) -> tuple[list[Heard], list[Heard]]:
    """Notes of one pitch without a partner at the same time; counts partners of another length."""
    left: list[Heard] = []
    right: list[Heard] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        gap = ours[i].onset - theirs[j].onset
        if abs(gap) <= TOLERANCE:
            counts[LENGTH] += abs(ours[i].offset - theirs[j].offset) > TOLERANCE
            i += 1
            j += 1
        elif gap < 0:
            left.append(ours[i])
            i += 1
        else:
            right.append(theirs[j])
            j += 1
    return left + ours[i:], right + theirs[j:]


def _pair(
    left: list[Heard],
    right: list[Heard],
    key: Callable[[Heard], object],
    counts: Counter[str],
    kind: str,
) -> tuple[list[Heard], list[Heard]]:
    """Notes without a partner of equal key; partners are counted."""
    waiting: dict[object, list[Heard]] = defaultdict(list)
    for note in right:
        waiting[key(note)].append(note)
    alone = []
    for note in left:
        if waiting[key(note)]:
            waiting[key(note)].pop(0)
            counts[kind] += 1
        else:
            alone.append(note)
    return alone, [note for notes in waiting.values() for note in notes]
