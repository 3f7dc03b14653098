"""The sustain pedal used to free a hand: where a key is let go before its note ends, the pedal
holds the sound over.

Syncopated pedalling, as in every piano method: the foot goes down a moment after a chord is struck,
so that it catches that chord and not the one before, and comes up when the next harmony is struck.
Rules, not learned; the pedal goes down

- only where notes are cut short, because their keys are let go early or their hand has to leave for
  a leap, after the last chord struck before that;
- and comes up when the last of them ends as written, or earlier, at the first new note that clashes
  (by a semitone or its inversions, or by a whole tone in the same octave) with a note that only the
  pedal still holds.

Notes that are written to sound together never count as clashing. Metrics compare keys, not sound,
so a pedal neither helps nor hurts there; `sounding_score` turns keys and pedal into what is heard,
for comparing that.
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
    """When the foot moves. Times [s].

    Attributes:
        delay: after a chord is struck until the pedal goes down; so much the dampers need to fall
            on the chord before.
        margin: the pedal is down this long before the key it stands in for comes up.
        leap_acceleration: top acceleration of a hand on its way to a leap's end, with minimum jerk
            [m/s^2].
        least_lost: a note cut short by less is not worth a pedal.
        shortest: spans of the pedal shorter than this are left out.
        chord_window: notes that begin within this time are one chord.
    """

    delay: float = 0.08
    margin: float = 0.02
    leap_acceleration: float = 20.0
    least_lost: float = 0.1
    shortest: float = 0.1
    chord_window: float = 0.03

    def __post_init__(self) -> None:
        for name in ("delay", "margin", "least_lost", "shortest", "chord_window"):
            if not getattr(self, name) >= 0:
                raise InvalidValue(f"pedal {name}", getattr(self, name), "0 s or more")
        if not self.leap_acceleration > 0:
            raise InvalidValue("pedal leap_acceleration", self.leap_acceleration, "above 0 m/s^2")


class _Down(NamedTuple):
    """The pedal while it is down: since `start`, wanted `until` [s], holding pitches (with their
    written ends)."""

    start: float
    until: float
    held: dict[int, float]


def auto_pedal(score: Score, written: Score, *, config: PedalConfig | None = None) -> Score:
    """The score with sustain-pedal spans added where its notes end before those of `written`.

    Args:
        score: as it will be played, with keys let go early (`planning.fingering.assign` with
            `release_early`); where hands are known, keys also count as let go when a hand has to
            leave for its next notes.
        written: the same notes with their ends as written; onsets may differ by a rolled chord's
            width.
        config: times of the foot.

    Returns:
        The same notes; pedals that were there stay and their changes count, new ones join them
            where they are up; a
        remark says for how many notes.
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
    remark = f"{format_count(int(caught.sum()), 'note')} held over with the pedal, the finger or hand is needed elsewhere"
    pedals = (*score.pedals, *(Pedal(float(start), float(stop)) for start, stop in spans))
    return replace(score, pedals=pedals, remarks=(*score.remarks, remark))


def written_ends(score: Score, written: Score) -> list[float]:
    """When each note of the score ends as written [s]: of the written notes on its key, the one
    struck nearest."""
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
    return abs(by_key[note.pitch][i].onset - note.onset)


def _keys_up(score: Score, config: PedalConfig) -> np.ndarray:
    """When each key comes up [s]: at its note's end, or earlier where the hand must leave. Shape
    (num_notes,)."""
    up = score.intervals[:, 1].copy()
    for hand in Hand:
        mine = np.array([i for i, note in enumerate(score.notes) if note.hand == hand], dtype=int)
        slices = [
            mine[slice_] for slice_ in chord_slices(score.intervals[mine, 0], config.chord_window)
        ]
        wrist_bounds = [centre_range([score.notes[i] for i in slice_], hand) for slice_ in slices]
        for k in range(1, len(slices)):
            away = (
                max(
                    wrist_bounds[k].low - wrist_bounds[k - 1].high,
                    wrist_bounds[k - 1].low - wrist_bounds[k].high,
                    0.0,
                )
                * WHITE_KEY_PITCH
            )
            time = score.notes[slices[k][0]].onset
            leave = time - leap_time(away, config.leap_acceleration)
            for i in slices[k - 1]:
                up[i] = min(up[i], max(leave, 0.5 * (score.notes[i].onset + time)))
    return up


def _sweep(
    score: Score, key_up: np.ndarray, ends: list[float], lost: np.ndarray, config: PedalConfig
) -> list[tuple[float, float]]:
    """Where the pedal is down [s], in one pass over the chords; at most 88 keys are looked at
    for each."""
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
    """Whether a new note at a time clashes with one that is over as written and goes on with the
    pedal alone."""
    over = [pitch for pitch, end in held.items() if end <= time + 0.05]
    return any(
        (new - old) % 12 in (1, 11) or abs(new - old) == 2 for new in pitches for old in over
    )


def _without(
    spans: list[tuple[float, float]], pedals: tuple[Pedal, ...]
) -> list[tuple[float, float]]:
    """The parts of ascending spans in which no pedal of the score is down already."""
    left = []
    k = 0
    for start, stop in spans:
        while k < len(pedals) and pedals[k].end <= start:
            k += 1
        at = start
        j = k
        while j < len(pedals) and pedals[j].start < stop:
            if pedals[j].start > at:
                left.append((at, pedals[j].start))
            at = max(at, pedals[j].end)
            j += 1
        if at < stop:
            left.append((at, stop))
    return left


def _merged(pedals: tuple[Pedal, ...]) -> np.ndarray:
    """When the pedal is down [s], overlapping spans joined; between two that touch it came up.
    Shape (num_spans, 2)."""
    spans: list[list[float]] = []
    for pedal in pedals:
        if spans and pedal.start < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], pedal.end)
        else:
            spans.append([pedal.start, pedal.end])
    return np.array(spans, dtype=float).reshape(-1, 2)


def _is_down(spans: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Whether each time [s] lies in one of the ascending spans, closed at the start. Shape
    (num_times,), bool."""
    if not len(spans):
        return np.zeros(len(times), dtype=bool)
    k = np.searchsorted(spans[:, 0], times, side="right") - 1
    return (k >= 0) & (spans[k, 1] > times)


def sounding_score(score: Score) -> Score:
    """What is heard: a note whose key comes up while the pedal is down goes on until it is up, or
    the key struck again.

    Pedals are taken off the result, since their work is done.
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
