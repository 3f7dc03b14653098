"""Syncopated pedalling: the sustain pedal holds notes over whose keys are released too early.

As in every piano method, the foot goes down a moment after a chord is struck. So the pedal catches
that chord and not the chord before. It comes up when the next harmony is struck. The rules are not
learned:

- The pedal goes down only where notes are cut short: their keys are released early, or their hand
  has to leave for a leap. It goes down after the last chord struck before that.
- It comes up when the last of these notes ends as written, or earlier, at the first clash. A new
  note clashes with a note held by the pedal alone if they are a semitone or its inversions apart,
  or a whole tone in the same octave.

Notes that are written to sound together never count as clashing. Metrics compare keys and not
sound, so a pedal changes none of them. `sounding_score` gives the notes as they sound with the
pedal, to compare sound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.score_file import format_count
from musclehand.music.score import Hand, Note, Pedal, Score
from musclehand.planning.fingering.keyboard_map import WHITE_KEY_PITCH, chord_slices
from musclehand.planning.fingering.playable import centre_range
from musclehand.planning.strokes.reach import leap_time


@dataclass(frozen=True)
class PedalConfig:
    """Times of the foot, and limits of the hand. All are assumptions.

    Raises:
        InvalidValue: a time is below 0, or the acceleration not above 0.
    """

    delay: float = 0.08
    """[s] from the stroke of a chord until the pedal goes down: the dampers need this time to fall
    on the chord before."""

    margin: float = 0.02
    """[s] the pedal is down this long before the key comes up for which it stands in."""

    leap_acceleration: float = 20.0
    """[m/s^2] top acceleration of a hand in a leap, a minimum-jerk movement."""

    least_lost: float = 0.1
    """[s] a note that is cut short by less needs no pedal."""

    shortest: float = 0.1
    """[s] shorter spans of the pedal are left out."""

    chord_window: float = 0.03
    """[s] notes that begin within this time are one chord."""

    def __post_init__(self) -> None:
        for name in ("delay", "margin", "least_lost", "shortest", "chord_window"):
            if not getattr(self, name) >= 0:
                raise InvalidValue(f"pedal {name}", getattr(self, name), "0 s or more")
        if not self.leap_acceleration > 0:
            raise InvalidValue("pedal leap_acceleration", self.leap_acceleration, "above 0 m/s^2")


_SHORT_OVERLAP = 0.05
"""[s] a note that lasts into the next one by less is over when that begins; an assumption."""


class _Down(NamedTuple):
    """The pedal while it is down."""

    start: float
    """[s] time at which it went down."""

    until: float
    """[s] time until which it is needed."""

    held: dict[int, float]
    """[s] written ends of the notes that it holds, by pitch."""


def auto_pedal(score: Score, written: Score, *, config: PedalConfig | None = None) -> Score:
    """Adds the sustain pedal where notes end before they do as written.

    Args:
        score: as it will be played, with keys released early (`planning.fingering.assign` with
            `release_early`). Where hands are known, keys also count as released when a hand has to
            leave for its next notes.
        written: the same notes with their ends as written; onsets may differ by a rolled chord's
            width.
        config: times of the foot.

    Returns:
        The same notes. Pedals of the score stay, and new ones are added where these are up. A
        remark says how many notes they hold over.
    """
    config = config or PedalConfig()
    ends = written_ends(score, written)
    key_up = _keys_up(score, config)
    lost = np.array(ends) - key_up >= config.least_lost
    lost &= ~_is_down(_merged(score.pedals), key_up)
    if not lost.any():
        return score
    spans = _sweep(score, key_up, ends, lost, config)
    spans = [span for span in _without(spans, score.pedals) if span[1] - span[0] >= config.shortest]
    if not spans:
        return score
    caught = _is_down(np.array(spans), key_up[lost])
    count = format_count(int(caught.sum()), "note")
    remark = f"{count} held over with the pedal, the finger or hand is needed elsewhere"
    pedals = (*score.pedals, *(Pedal(float(start), float(stop)) for start, stop in spans))
    return replace(score, pedals=pedals, remarks=(*score.remarks, remark))


def written_ends(score: Score, written: Score) -> list[float]:
    """End of each note as written [s], not before its end in the score.

    Args:
        score: as it is played.
        written: the notes as written; of those on the same key, the note with the nearest onset
            counts.
    """
    by_key: dict[int, list[Note]] = {}
    for note in written.notes:
        by_key.setdefault(note.pitch, []).append(note)
    onsets = {pitch: np.array([note.onset for note in notes]) for pitch, notes in by_key.items()}
    ends = []
    for note in score.notes:
        if note.pitch not in by_key:
            ends.append(note.offset)
            continue
        k = int(np.searchsorted(onsets[note.pitch], note.onset))
        near = min(
            (i for i in (k - 1, k) if 0 <= i < len(by_key[note.pitch])),
            key=lambda i: _apart(by_key, note, i),
        )
        ends.append(max(by_key[note.pitch][near].offset, note.offset))
    return ends


def _apart(by_key: dict[int, list[Note]], note: Note, i: int) -> float:
    """Time between the onsets of a note and of note `i` on its key [s]."""
    return abs(by_key[note.pitch][i].onset - note.onset)


def _keys_up(score: Score, config: PedalConfig) -> np.ndarray:
    """Time at which each key comes up [s]: its note's end, or earlier where the hand must leave.

    Shape (num_notes,).
    """
    up = score.intervals[:, 1].copy()
    for hand in Hand:
        indices = np.array(
            [i for i, note in enumerate(score.notes) if note.hand == hand], dtype=int
        )
        onsets = score.intervals[indices, 0]
        slices = [indices[slice_] for slice_ in chord_slices(onsets, config.chord_window)]
        centres = [centre_range([score.notes[i] for i in slice_], hand) for slice_ in slices]
        for k in range(1, len(slices)):
            before, after = centres[k - 1 : k + 1]
            distance = max(after.low - before.high, before.low - after.high, 0.0) * WHITE_KEY_PITCH
            time = score.notes[slices[k][0]].onset
            leave = time - leap_time(distance, config.leap_acceleration)
            for i in slices[k - 1]:
                up[i] = min(up[i], max(leave, 0.5 * (score.notes[i].onset + time)))
    return up


def _sweep(
    score: Score, key_up: np.ndarray, ends: list[float], lost: np.ndarray, config: PedalConfig
) -> list[tuple[float, float]]:
    """Spans of the pedal [s], in one pass over the chords; each looks at 88 keys at most.

    Args:
        score: as it is played.
        key_up: time at which each key comes up [s]. Shape (num_notes,).
        ends: of the notes as written [s].
        lost: whether each note is cut short. Shape (num_notes,), bool.
        config: times of the foot.
    """
    spans: list[tuple[float, float]] = []
    slices = chord_slices(score.intervals[:, 0], config.chord_window)
    begins = [float(score.notes[slice_[0]].onset) for slice_ in slices] + [np.inf]
    down: _Down | None = None
    sounding: dict[int, int] = {}  # pitch -> note whose key is down
    for slice_, time, after in zip(slices, begins, begins[1:], strict=False):
        if down is not None and down.until <= time:
            spans.append((down.start, down.until))
            down = None
        if down is not None and _clashes(down.held, [score.notes[i].pitch for i in slice_], time):
            spans.append((down.start, time))
            down = None
        sounding = {pitch: i for pitch, i in sounding.items() if key_up[i] > time}
        sounding |= {score.notes[i].pitch: int(i) for i in slice_}
        if down is not None:
            down.held.update({score.notes[i].pitch: ends[i] for i in slice_})
        leaving = [
            i for i in sounding.values() if lost[i] and key_up[i] <= after + config.chord_window
        ]
        if not leaving:
            continue
        until = max(ends[i] for i in leaving)
        if down is not None:
            down = down._replace(until=max(until, down.until))
            continue
        first = min(float(key_up[i]) for i in leaving)
        start = max(time, min(time + config.delay, first - config.margin))
        caught = {pitch: ends[i] for pitch, i in sounding.items() if key_up[i] > start}
        down = _Down(start, until, caught)
    return spans if down is None else [*spans, (down.start, down.until)]


def _clashes(held: dict[int, float], pitches: list[int], time: float) -> bool:
    """Whether new notes clash with notes that are over as written and sound by the pedal alone.

    Args:
        held: written ends of the notes that the pedal holds, by pitch [s].
        pitches: of the new notes.
        time: of the new notes [s].
    """
    over = [pitch for pitch, end in held.items() if end <= time + _SHORT_OVERLAP]
    intervals = (new - old for new in pitches for old in over)
    return any(interval % 12 in (1, 11) or abs(interval) == 2 for interval in intervals)


def _without(
    spans: list[tuple[float, float]], pedals: tuple[Pedal, ...]
) -> list[tuple[float, float]]:
    """The parts of ascending spans in which no pedal of the score is down already."""
    parts = []
    k = 0
    for start, stop in spans:
        while k < len(pedals) and pedals[k].end <= start:
            k += 1
        begin = start
        j = k
        while j < len(pedals) and pedals[j].start < stop:
            if pedals[j].start > begin:
                parts.append((begin, pedals[j].start))
            begin = max(begin, pedals[j].end)
            j += 1
        if begin < stop:
            parts.append((begin, stop))
    return parts


def _merged(pedals: tuple[Pedal, ...]) -> np.ndarray:
    """Spans of the pedal, overlapping ones joined [s]. Shape (num_spans, 2).

    Spans that only touch stay apart: between them the pedal comes up.
    """
    spans: list[list[float]] = []
    for pedal in pedals:
        if spans and pedal.start < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], pedal.end)
        else:
            spans.append([pedal.start, pedal.end])
    return np.array(spans, dtype=float).reshape(-1, 2)


def _is_down(spans: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Whether the pedal is down at each time. Shape (num_times,), bool.

    Args:
        spans: ascending, and closed at the start [s]. Shape (num_spans, 2).
        times: to ask about [s]. Shape (num_times,).
    """
    if not len(spans):
        return np.zeros(len(times), dtype=bool)
    k = np.searchsorted(spans[:, 0], times, side="right") - 1
    return (k >= 0) & (spans[k, 1] > times)


def sounding_score(score: Score) -> Score:
    """The notes as they sound with the pedal, without pedals.

    A note whose key comes up while the pedal is down sounds until the pedal is up, or until its key
    is struck again.
    """
    spans = _merged(score.pedals)
    again: dict[int, float] = {}
    notes = []
    for note in reversed(score.notes):
        k = int(np.searchsorted(spans[:, 0], note.offset, side="right")) - 1
        end = note.offset
        if k >= 0 and spans[k, 1] > note.offset:
            end = max(end, min(float(spans[k, 1]), again.get(note.pitch, np.inf)))
        again[note.pitch] = note.onset
        notes.append(replace(note, offset=end))
    return replace(score, notes=tuple(notes), pedals=())
