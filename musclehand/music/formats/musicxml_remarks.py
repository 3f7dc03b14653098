"""What the user is told about a MusicXML file: what was left out, changed, or never played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from musclehand.music.formats.musicxml_note import UNPLAYED
from musclehand.music.formats.musicxml_part import Part
from musclehand.music.formats.musicxml_signs import Passage
from musclehand.music.formats.repeats import Unfolding
from musclehand.music.formats.score_file import format_count

_SHOWN = 6
"""Bars and parts that a remark names; further ones are counted."""


class Played(NamedTuple):
    """What came of the notes."""

    beyond: int
    """Notes that the keyboard has no key for."""

    empty: int
    """Notes without length."""

    unplayed: Counter[str]
    """Signs that were not played out, by name."""

    default_tempo: float
    """[quarter notes a minute] Tempo where none is marked."""


def musicxml_remarks(
    parts: Sequence[Part], passages: Sequence[Passage], unfolding: Unfolding, played: Played
) -> tuple[str, ...]:
    """Sentences for the user.

    Args:
        parts: the parts; their measures are the passages.
        passages: where each passage stands in its written bar.
        unfolding: order in which they are played.
        played: what came of the notes.
    """
    return (
        *_notes(parts, played),
        *_never_played(parts, passages, unfolding),
        *_parts(parts),
        *_signs(played.unplayed),
        *_tempo(parts, played),
    )


def _notes(parts: Sequence[Part], played: Played) -> Iterator[str]:
    counts = [
        (sum(part.num_unpitched for part in parts), "of unpitched percussion left out"),
        (played.beyond, "off the 88 keys left out"),
        (played.empty, "without length left out"),
        (
            sum(part.num_substitutions for part in parts),
            "with a change of finger on the key; the first finger taken",
        ),
    ]
    yield from (f"{format_count(number, 'note')} {phrase}" for number, phrase in counts if number)


def _never_played(
    parts: Sequence[Part], passages: Sequence[Passage], unfolding: Unfolding
) -> Iterator[str]:
    """Bars with notes that no repeat or jump leads to, and jumps that lead nowhere."""
    visited = set(unfolding.order)
    turns: dict[int, set[int]] = {}
    for index, turn in zip(unfolding.order, unfolding.turns, strict=True):
        turns.setdefault(index, set()).add(turn)
    labels = _labels(parts, passages)
    lost: dict[str, None] = {}
    silent = 0
    for index in range(len(passages)):
        notes = [note for part in parts for note in part.measures[index].notes]
        if notes and index not in visited:
            lost[labels[index]] = None
        silent += sum(
            bool(n.passes) and index in visited and not n.passes & turns[index] for n in notes
        )
    if lost:
        yield f"{format_count(len(lost), 'bar')} never played, by the repeats: {_list(lost)}"
    if silent:
        yield f"{format_count(silent, 'note')} of turns that are never played left out"
    if unfolding.jumps_not_taken:
        bars = dict.fromkeys(labels[index] for index in unfolding.jumps_not_taken)
        yield f"jump not taken, as it leads nowhere or is never reached: bar {_list(bars)}"


def _labels(parts: Sequence[Part], passages: Sequence[Passage]) -> list[str]:
    """Number of the bar of each passage, as the file has it."""
    return [
        next((p.measures[i].label for p in parts if p.measures[i].label), str(passage.measure + 1))
        for i, passage in enumerate(passages)
    ]


def _list(names: dict[str, None]) -> str:
    shown = list(names)[:_SHOWN]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _parts(parts: Sequence[Part]) -> Iterator[str]:
    """Transposition, several instruments, half pedal."""
    for part in parts:
        for shift in part.transpositions:
            direction = "higher" if shift > 0 else "lower"
            yield (
                f"part {part.name[:40]!r} is for a transposing instrument; played "
                f"{format_count(abs(shift), 'semitone')} {direction} than written, as it sounds"
            )
    sounding = [part for part in parts if any(measure.notes for measure in part.measures)]
    if len(sounding) > 1:
        names = dict.fromkeys(repr(part.name[:40] or "?") for part in sounding)
        yield f"{len(sounding)} parts are played together: {_list(names)}"
    halfway = sum(part.num_half_pedals for part in parts)
    if halfway:
        yield f"{format_count(halfway, 'half pedal')} read as down from the middle on, else as up"


def _signs(unplayed: Counter[str]) -> Iterator[str]:
    counts = [
        f"{UNPLAYED.get(name, name)} ({number})"
        for name, number in sorted(unplayed.items())
        if number
    ]
    if counts:
        yield f"not played out: {', '.join(counts)}"


def _tempo(parts: Sequence[Part], played: Played) -> Iterator[str]:
    if not any(measure.tempos for part in parts for measure in part.measures):
        yield f"no tempo is marked; played at {played.default_tempo:.0f} quarter notes a minute"
