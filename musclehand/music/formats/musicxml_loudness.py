"""Loudness of written notes: dynamic marks by staff, hairpins, accents.

Conventions (where MusicXML 4.0 is silent, chosen):

- A mark with a staff is of that staff. One between the staves of a piano part (below the upper,
  above the lower) is of both, but for a staff that has a mark of its own at that time. A staff
  without any mark of its own follows all marks of its part.
- A loud-soft mark (fp, sfz, ...) is of the notes at its place; behind it, its last letters hold,
  or else the loudness before it. It never makes a note softer than its surroundings.
- A hairpin changes the velocity evenly in time to the mark at its end, up to a quarter note behind
  it; without a mark, by one step of dynamics, which then holds.
- An accent multiplies the velocity by the factor in `ACCENT_FACTORS`.
- A `dynamics` attribute of a note is its velocity, whatever else is marked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from musclehand.music.formats.musicxml_note import WrittenNote

DEFAULT_VELOCITY = 80
"""MIDI velocity until the first dynamic mark: mezzo-forte."""

STEP = 16
"""MIDI velocity by which a hairpin without a mark at its end changes the loudness: the distance
of p, mp, mf, f in MuseScore."""

ACCENT_FACTORS = {
    "accent": 1.2,
    "strong-accent": 1.2,
    "soft-accent": 1.1,
    "stress": 1.1,
    "unstress": 0.9,
}
"""Factor on the velocity. 1.2 for accents and marcato is MuseScore's (its list of instruments,
from memory: 120 %, and 150 % for accents in older files); the others are chosen, half of it."""


class LoudMark(NamedTuple):
    """A dynamic mark."""

    time: int
    """[ticks] Time, from the beginning of the part as written."""

    staff: int
    """Staff, from 1; 0 for all."""

    is_between: bool
    """It stands between the two staves of a piano part."""

    velocity: int
    """MIDI velocity of the notes at the mark."""

    after: int | None
    """MIDI velocity from the mark on; None where the one before holds."""

    is_accent: bool
    """Only the notes at the mark have its velocity."""


class Wedge(NamedTuple):
    """The beginning or end of a hairpin."""

    time: int
    """[ticks] Time, from the beginning of the part as written."""

    staff: int
    """Staff, from 1; 0 for all."""

    is_between: bool
    """It stands between the two staves of a piano part."""

    step: int
    """1 for a crescendo, -1 for a diminuendo, 0 for an end."""

    name: str
    """Tells hairpins apart that overlap."""


class _Level(NamedTuple):
    """Velocity from a time on."""

    time: int
    """[ticks] Beginning."""

    velocity: float
    """At the beginning."""

    stop: int
    """[ticks] End of a hairpin; the beginning where there is none."""

    target: float
    """From the end on."""

    def at(self, time: int) -> float:
        """Velocity at a time that is not before the beginning."""
        if time >= self.stop:
            return self.target
        share = (time - self.time) / (self.stop - self.time)
        return self.velocity + share * (self.target - self.velocity)


class _Loudness:
    """Velocity of one staff over the time of a part."""

    def __init__(self, marks: Iterable[LoudMark], wedges: Sequence[Wedge], quarter: int) -> None:
        self._accents: dict[int, int] = {}
        self._levels = [_Level(-1, DEFAULT_VELOCITY, -1, DEFAULT_VELOCITY)]
        self._times = [-1]
        self.unended = 0
        for mark in sorted(marks, key=lambda mark: mark.time):
            if mark.is_accent:
                self._accents[mark.time] = mark.velocity
            if mark.after is not None:
                self._insert(_Level(mark.time, mark.after, mark.time, mark.after))
        for index, wedge in enumerate(wedges):
            if wedge.step:
                stops = (w.time for w in wedges[index + 1 :] if w.name == wedge.name and not w.step)
                self._hairpin(wedge, next(stops, None), quarter)

    def _insert(self, level: _Level) -> None:
        index = bisect_right(self._times, level.time)
        self._times.insert(index, level.time)
        self._levels.insert(index, level)

    def _level(self, time: int) -> float:
        return self._levels[bisect_right(self._times, time) - 1].at(time)

    def _hairpin(self, wedge: Wedge, stop: int | None, quarter: int) -> None:
        """Add a hairpin; one without an end goes to the next mark."""
        start = self._level(wedge.time)
        index = bisect_right(self._times, wedge.time)
        mark = self._levels[index] if index < len(self._levels) else None
        if stop is None and mark is None:
            self.unended += 1
            return
        end = mark.time if stop is None and mark is not None else (stop or 0)
        target = start + STEP * wedge.step
        if mark is not None and mark.time <= end + quarter:
            end = min(end, mark.time)
            if (mark.velocity - start) * wedge.step > 0:
                target = mark.velocity
        if end > wedge.time:
            self._insert(_Level(wedge.time, start, end, min(127.0, max(1.0, target))))

    def velocity(self, note: WrittenNote, time: int) -> int:
        """MIDI velocity of a note at a time."""
        if note.velocity:
            return note.velocity
        level = max(self._level(time), self._accents.get(time, 0))
        if time in self._accents and self._accents[time] < DEFAULT_VELOCITY:
            level = self._accents[time]  # the soft beginning of pf
        for sign in note.signs & ACCENT_FACTORS.keys():
            level *= ACCENT_FACTORS[sign]
        return min(127, max(1, round(level)))


def set_velocities(
    measures: Sequence[tuple[int, Sequence[WrittenNote]]],
    marks: Sequence[LoudMark],
    wedges: Sequence[Wedge],
    quarter: int,
) -> tuple[list[tuple[WrittenNote, ...]], int]:
    """Decide the velocities of the notes of a part.

    Args:
        measures: beginning of each measure [ticks], and its notes.
        marks: dynamic marks of the part.
        wedges: ends of its hairpins.
        quarter: ticks per quarter note.

    Returns:
        The notes of each measure, and the number of hairpins without an end.
    """
    ordered = sorted(wedges, key=lambda wedge: (wedge.time, wedge.step != 0))
    staves = sorted({note.staff for _, notes in measures for note in notes})
    loudness = {}
    for staff in staves:
        own = {mark.time for mark in marks if mark.staff == staff}
        loudness[staff] = _Loudness(
            _of_staff(marks, staff, own), _of_staff(ordered, staff, own), quarter
        )
    louder = [
        tuple(n._replace(velocity=loudness[n.staff].velocity(n, start + n.position)) for n in notes)
        for start, notes in measures
    ]
    return louder, max((level.unended for level in loudness.values()), default=0)


_MarkT = TypeVar("_MarkT", LoudMark, Wedge)


def _of_staff(marks: Sequence[_MarkT], staff: int, own: set[int]) -> list[_MarkT]:
    """The marks that a staff follows; `own`: times of its own dynamic marks [ticks]."""
    return [
        mark
        for mark in marks
        if not own or mark.staff in (0, staff) or (mark.is_between and mark.time not in own)
    ]
