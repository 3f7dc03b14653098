"""Syncopated pedalling: the sustain pedal holds notes over whose keys are released too early.

As in every piano method, the foot goes down a moment after a chord is struck. So the pedal catches
that chord and not the chord before. It comes up when the next harmony is struck. The rules are not
learned:

- The pedal goes down only where notes are cut short: their keys are released early, or their hand
  has to leave for a leap. Where the pedal of the score is down, no note is cut short. It goes down
  after the last chord struck before that.
- It comes up when the last of these notes ends as written, or earlier, at the first clash. A new
  note clashes with a note held by the pedal alone if they are a semitone or its inversions apart,
  or a whole tone in the same octave.
- Each span has to pay: it ends where frame F1 of what is heard is highest, and is left out if that
  is no higher than without it. So an added pedal never lowers `heard_frame_f1_micro` or
  `heard_frame_f1_mean` of a performance that releases keys as expected.

Notes that are written to sound together never count as clashing. Figures of keys do not change with
a pedal; those of what is heard do (`music.metrics`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.score_file import format_count
from musclehand.music.metrics import STEP
from musclehand.music.score import Hand, Note, Pedal, Score, first_step, piano_roll
from musclehand.music.sounding import is_pedal_down, pedal_spans, sounding_score
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
    on the chord before. An added pedal keeps this distance from those of the score."""

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


def auto_pedal(
    score: Score, written: Score, *, config: PedalConfig | None = None, leaps: bool = True
) -> Score:
    """Adds the sustain pedal where notes end before they do as written, and it can be heard.

    Args:
        score: as it will be played, with keys released early (`planning.fingering.assign` with
            `release_early`).
        written: the same notes with their ends and pedals as written; onsets may differ by a rolled
            chord's width.
        config: times of the foot.
        leaps: whether keys are also released early where a hand has to leave for its next notes.
            False for a score that has these releases already, such as a plan's.

    Returns:
        The same notes. Pedals of the score stay, and new ones are added where these are up. A
        remark says how many notes they hold over.
    """
    config = config or PedalConfig()
    ends = written_ends(score, written)
    key_up = _keys_up(score, config) if leaps else score.intervals[:, 1]
    lost = np.array(ends) - key_up >= config.least_lost
    lost &= ~is_pedal_down(pedal_spans(score.pedals), key_up)
    if not lost.any():
        return score
    spans = _sweep(score, key_up, ends, lost, config)
    spans = _without(spans, score.pedals, config.delay)
    expected = [key_up, score.intervals[:, 1]] if leaps else [key_up]
    spans = _worthwhile(spans, [_Sound(score, up, written) for up in expected], config)
    if not spans:
        return score
    caught = is_pedal_down(np.array(spans), key_up[lost])
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
    spans: list[tuple[float, float]], pedals: tuple[Pedal, ...], apart: float
) -> list[tuple[float, float]]:
    """The parts of ascending spans in which no pedal of the score is down or near.

    Args:
        spans: to cut [s].
        pedals: of the score.
        apart: time between a part and a pedal [s].
    """
    taken = pedal_spans(pedals) + np.array([-apart, apart])
    parts = []
    for start, stop in spans:
        begin = start
        first = int(np.searchsorted(taken[:, 1], start, side="right"))
        for down, up in taken[first:]:
            if down >= stop:
                break
            if down > begin:
                parts.append((begin, float(down)))
            begin = max(begin, float(up))
        if begin < stop:
            parts.append((begin, stop))
    return parts


def _worthwhile(
    spans: list[tuple[float, float]], sounds: list[_Sound], config: PedalConfig
) -> list[tuple[float, float]]:
    """Those of the spans that pay, each with its best end.

    Args:
        spans: of the pedal, ascending and apart from all others [s].
        sounds: what is heard if keys come up as expected; a span has to pay in the first, and to
            cost nothing in the others.
        config: times of the foot.
    """
    kept = []
    for start, stop in spans:
        changes = [
            (end, [sound.change(start, end) for sound in sounds])
            for end in sounds[0].ends(start, stop)
            if end - start >= config.shortest
        ]
        allowed = [
            (end, change)
            for end, change in changes
            if change[0].gain > 0 and all(each.gain >= 0 and each.mean >= 0 for each in change)
        ]
        if not allowed:
            continue
        end, change = max(allowed, key=lambda item: (item[1][0].gain, -item[0]))
        for sound, each in zip(sounds, change, strict=True):
            sound.take(each)
        kept.append((start, end))
    return kept


class _Change(NamedTuple):
    """What one more span of the pedal changes."""

    hits: int
    """Frames of keys that sound as written."""

    frames: int
    """Frames of keys that sound."""

    gain: float
    """Micro F1 of what is heard, compared with no such span."""

    mean: float
    """Sum of the F1 of all steps, likewise; rounding counts as no change."""


class _Sound:
    """What is heard of a score, in steps of `music.metrics.STEP`, as pedals are added to it."""

    def __init__(self, score: Score, key_up: np.ndarray, written: Score) -> None:
        """
        Args:
            score: notes and pedals.
            key_up: time at which each key comes up [s]. Shape (num_notes,).
            written: what should be heard, with its pedals.
        """
        ups = [
            max(float(up), note.onset + 1e-6) for note, up in zip(score.notes, key_up, strict=True)
        ]
        played = sounding_score(
            score.with_notes(
                replace(note, offset=up) for note, up in zip(score.notes, ups, strict=True)
            )
        )
        target = sounding_score(written)
        steps = first_step(max(target.duration, played.duration), step=STEP) + 1
        self._target = piano_roll(target, step=STEP, num_steps=steps)
        self._roll = piano_roll(played, step=STEP, num_steps=steps)
        self._hits = int((self._target & self._roll).sum())
        self._total = int(self._target.sum()) + int(self._roll.sum())
        again: dict[int, float] = {}
        rows = []
        for note, up in zip(reversed(score.notes), reversed(ups), strict=True):
            rows.append((up, note.key, again.get(note.pitch, np.inf)))
            again[note.pitch] = note.onset
        self._ups = sorted(rows)
        self._strokes = np.unique(score.intervals[:, 0])

    def ends(self, start: float, stop: float) -> list[float]:
        """Times at which a span could end: the strokes in it, and its own end [s]."""
        first, last = np.searchsorted(self._strokes, [start, stop])
        return [*self._strokes[first:last].tolist(), stop]

    def change(self, start: float, stop: float) -> _Change:
        """What the pedal changes from `start` to `stop` [s], where no pedal is down yet."""
        begin = first_step(start, step=STEP)
        before = self._roll[begin : first_step(stop, step=STEP)]
        target = self._target[begin : begin + len(before)]
        after = before.copy()
        for up, key, again in self._ups[bisect_left(self._ups, (start,)) :]:
            if up >= stop:
                break
            first, last = (first_step(time, step=STEP) - begin for time in (up, min(stop, again)))
            after[first:last, key] = True
        added = after & ~before
        hits = int((added & target).sum())
        frames = int(added.sum())
        f1 = (2 * (self._hits + hits) / (self._total + frames)) if self._total + frames else 0.0
        f1_before = 2 * self._hits / self._total if self._total else 0.0
        mean = float((_f1_of_steps(after, target) - _f1_of_steps(before, target)).sum())
        return _Change(hits, frames, f1 - f1_before, round(mean, 9))

    def take(self, change: _Change) -> None:
        """Counts a change from now on. Later spans begin after it, so the roll can stay."""
        self._hits += change.hits
        self._total += change.frames


def _f1_of_steps(roll: np.ndarray, target: np.ndarray) -> np.ndarray:
    """F1 of each step, 1 for silence in both. Shape (num_steps,).

    Args:
        roll: keys that sound. Shape (num_steps, 88), bool.
        target: keys that should. Shape (num_steps, 88), bool.
    """
    total = roll.sum(axis=1) + target.sum(axis=1)
    return np.where(total > 0, 2 * (roll & target).sum(axis=1) / np.maximum(total, 1), 1.0)
