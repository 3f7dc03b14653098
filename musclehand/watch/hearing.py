"""What a transcriber hears in segments of a sound, joined to notes and pedals.

A long sound is heard in segments that overlap. In each of them a transcriber reports events: a key
or pedal that is down for a while. An event may be open at either end: it goes on beyond the end of
the segment, or was already going on at its beginning. `join_events` makes whole notes of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Note, Pedal, Score

SUSTAIN = -64
"""Line of the sustain pedal: minus its MIDI controller."""

SOFT = -67
"""Line of the soft pedal."""

SAME = 0.05
"""[s] Two onsets of one key closer than this, heard in two segments, are one press: two frames of
the transcriber, and the tolerance of note F1. Pianos repeat a key every 70 ms at the fastest."""

SHORTEST = 0.01
"""[s] Shortest note or pedal; what is heard as shorter lasts this long. Chosen."""


class Event(NamedTuple):
    """A key or pedal that is down for a while, as heard in one segment."""

    line: int
    """MIDI pitch of the key, or `SUSTAIN`, or `SOFT`."""

    start: float
    """[s] Onset; where it was not heard, the beginning of the segment."""

    end: float
    """[s] Release; where it was not heard, the end of the segment."""

    velocity: int
    """MIDI velocity, 0 to 127."""

    begins: bool
    """The onset was heard."""

    ends: bool
    """The release was heard."""


class Heard(NamedTuple):
    """What was heard in a segment."""

    begin: float
    """[s] Beginning of the segment."""

    events: tuple[Event, ...]
    """Events; on one line they do not overlap."""


class Transcriber(Protocol):
    """Hears notes in a segment of sound."""

    name: str
    """What hears: with the same name, the same sound gives the same events."""

    rate: int
    """[Hz] Sample rate of the sound."""

    length: int
    """[samples] Length of a segment."""

    step: int
    """[samples] From the beginning of one segment to the next, below `length`."""

    def hear(
        self, samples: np.ndarray, begin: float, resume: Sequence[int]
    ) -> tuple[Heard, list[int]]:
        """Hears one segment.

        Args:
            samples: of the segment. Shape (length, 2), float32.
            begin: of the segment [s].
            resume: what the segment before gave for this one; empty for the first.

        Returns:
            What was heard, and the `resume` of the next segment, in which every line goes on from
            the end of its last complete event.
        """


@dataclass
class _Line:
    """Events of one key or pedal, joined so far."""

    done: list[Event]
    """Complete events."""

    open: Event | None = None
    """An event whose release has not been heard yet."""

    def add(self, heard: Sequence[Event], begin: float) -> None:
        """Adds the events of the next segment, in order of time."""
        pending = self.open
        self.open = None
        if pending is not None and pending.start > begin + SAME:
            # The segment heard the same time again, with more of what follows.
            pending = None
        for event in heard:
            if pending is not None:
                self._go_on(pending, event)
                pending = None
            elif event.begins:
                self._append(event)
        if pending is not None:
            self._append(pending._replace(ends=True))
        if self.done and not self.done[-1].ends:
            self.open = self.done.pop()

    def _go_on(self, pending: Event, event: Event) -> None:
        """The first event of a segment, where an event before was open."""
        if not event.begins:
            self._append(pending._replace(end=max(event.end, pending.start), ends=event.ends))
        else:
            if abs(event.start - pending.start) > SAME:
                self._append(pending._replace(end=min(pending.end, event.start), ends=True))
            self._append(event)

    def _append(self, event: Event) -> None:
        """Appends an event; the key comes up before it is pressed again."""
        if self.done and event.start - self.done[-1].start < SHORTEST:
            self.done.pop()
        if self.done and self.done[-1].end > event.start:
            self.done[-1] = self.done[-1]._replace(end=event.start)
        self.done.append(event)

    def finish(self) -> list[Event]:
        """All events, the last one complete."""
        return [*self.done, *([] if self.open is None else [self.open])]


def join_events(segments: Iterable[Heard], duration: float, title: str = "") -> Score:
    """Notes and pedals of a sound.

    An event that is open at the end of a segment goes on with the event that is open at the
    beginning of the next. Without one it ends where it was heard last. An open event whose onset
    lies in the next segment is taken from there, where more of what follows is heard.

    Args:
        segments: what was heard, in order of time.
        duration: of the sound [s]; nothing lasts longer.
        title: of the score.
    """
    lines: dict[int, _Line] = defaultdict(lambda: _Line([]))
    for heard in segments:
        by_line: dict[int, list[Event]] = defaultdict(list)
        for event in sorted(heard.events, key=lambda e: (e.start, e.end)):
            by_line[event.line].append(event)
        for number in sorted(lines.keys() | by_line.keys()):
            lines[number].add(by_line[number], heard.begin)
    notes = []
    pedals = []
    soft = 0
    for number, line in lines.items():
        for start, end, velocity in _spans(line.finish(), duration):
            if number == SUSTAIN:
                pedals.append(Pedal(start, end))
            elif number == SOFT:
                soft += 1
            elif is_on_keyboard(number):
                notes.append(Note(start, number, end, min(max(velocity, 1), 127)))
    remarks = (f"spans of the soft pedal that are left out: {soft}",) if soft else ()
    return Score(tuple(notes), tuple(pedals), title, remarks)


def _spans(events: Sequence[Event], duration: float) -> Iterable[tuple[float, float, int]]:
    """Start, end and velocity of events within the sound, none shorter than `SHORTEST`."""
    for event in events:
        start = max(event.start, 0.0)
        before = event.start < 0 and event.end <= SHORTEST
        if start < duration and not before:
            yield start, max(min(event.end, duration), start + SHORTEST), event.velocity
