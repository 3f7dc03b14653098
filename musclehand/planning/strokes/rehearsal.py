"""Practice: iterative learning control over runs through a piece, note by note.

After Arimoto, Kawamura & Miyazaki (1984, J Robotic Systems 1:123), with notes in place of time
steps. A stroke that came late begins earlier in the next run, by a share of its error. The same
goes for releases and for loudness. Place is learned from what fingers touched (`strokes.place`).
The corrections come from the piano that will be played. So they also cover errors that no plan
knows, such as the delay and softness of a stretched little finger.

A hand that moves otherwise at one note is in another place at the next one. So a correction may do
harm nearby. `Rehearsal` takes back what was followed by more errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from musclehand.music.metrics import PerformanceMetrics, match_notes
from musclehand.music.score import Note, Score
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters, keyboard_geometry
from musclehand.planning.strokes.contacts import RunContacts
from musclehand.planning.strokes.corrections import Correction, Corrections, IdleLift, NoteKey
from musclehand.planning.strokes.place import learn_lifts, learn_places

HEARD_WITHIN = 0.15
"""[s] a stroke of a key within this time of a note's onset is taken for that note; an
assumption."""

GAIN = 0.8
"""[share] of an error in time that the next run corrects; chosen by
`experiments/bench_repertoire.py`, option `--rehearsals`."""

VELOCITY_GAINS = (0.6, 0.4, 0.3)
"""[share] of an error in loudness that is corrected after the first run, the second one, and all
further ones. A key that is asked for 1 more sounds 1.55 louder on average, and a note whose
correction stays changes by 7 from run to run (standard deviation). So a later run counts less, as
in the mean of all runs."""

MOST_TIME = 0.04
"""[s] largest correction of a time, summed over the runs; an assumption."""

MOST_VELOCITY = 40.0
"""[MIDI velocity] largest correction of loudness, summed over the runs; an assumption."""

LEAST_TIMES = (0.0015, 0.008)
"""[s] errors of an onset and of an end that are left as they are. What changes at one note changes
the next ones a little, so that nothing is changed without need. Chosen: a third of the median error
at first sight, and a third of what listeners notice in ends of notes (25 ms, an assumption)."""

LEAST_VELOCITY = 2
"""[MIDI velocity] error in loudness that is left as it is; chosen."""

UNHEARD_TIME = 0.01
"""[s] a note that did not sound is struck earlier by this; an assumption."""

UNHEARD_VELOCITY = 15.0
"""[MIDI velocity] a note that did not sound is struck harder by this; an assumption."""

NEAR = 0.3
"""[s] errors within this time of a note say whether its correction was good; the prototype's
value."""


NEAR_TIE = 0.01
"""[share of the notes] by which runs may differ in missed and extra notes and still count as equal
in them; chosen: such a difference is less than what practice gains in timing and loudness."""


class RunOutcome(NamedTuple):
    """One run through the piece, and how it went."""

    planned: Score
    """Notes of the plan, with their ends in it."""

    played: Score
    """Notes that sounded."""

    corrections: Corrections
    """What the plan had learnt before."""

    metrics: PerformanceMetrics
    """Of the run."""

    contacts: RunContacts
    """What fingers touched."""


class _Kept(NamedTuple):
    """The best that is known for one note."""

    errors: int
    """Number of errors near the note."""

    correction: Correction
    """With which that was."""


class Rehearsal:
    """Learns from run to run, and knows the best of them.

    Attributes:
        runs: so far, in order.
    """

    def __init__(self, piano: PianoParameters) -> None:
        """
        Args:
            piano: that is played on.
        """
        self._geometry = keyboard_geometry(piano)
        self._kept: dict[NoteKey, _Kept] = {}
        self._lifts: dict[IdleLift, int] = {}
        self.runs: list[RunOutcome] = []

    @property
    def best(self) -> int:
        """Index of the run with the fewest missed and extra notes.

        Runs with as few errors but for `NEAR_TIE` are judged by the sum of onset F1 (50 ms), frame
        F1 and Velocity F1: by what practice teaches of timing and loudness. The last of several
        equal ones is taken.
        """
        metrics = [run.metrics for run in self.runs]
        errors = [run.missed + run.extra for run in metrics]
        most = min(errors) + NEAR_TIE * metrics[0].num_reference

        def quality(index: int) -> tuple[float, int]:
            run = metrics[index]
            shares = (run.onset_f1_50ms, run.frame_f1_micro, run.velocity_f1)
            return sum(share or 0.0 for share in shares), index

        return max((i for i, count in enumerate(errors) if count <= most), key=quality)

    def add(self, run: RunOutcome) -> None:
        """Takes in a run, and what its errors say about the corrections that it had."""
        self.runs.append(run)

    def next_corrections(self) -> Corrections:
        """What the next run should be played with."""
        run = self.runs[-1]
        gain = VELOCITY_GAINS[min(len(self.runs), len(VELOCITY_GAINS)) - 1]
        near = _ErrorCount(run.metrics)
        learnt = rehearse(run, self._geometry, velocity_gain=gain)
        notes = {}
        for key, correction in learnt.notes.items():
            errors = near(key[0])
            kept = self._kept.get(key)
            if kept is not None and errors > kept.errors:
                notes[key] = kept.correction
                continue
            self._kept[key] = _Kept(errors, run.corrections.notes.get(key, Correction()))
            notes[key] = correction
        return Corrections(notes, self._next_lifts(run, learnt, near))

    def _next_lifts(
        self, run: RunOutcome, learnt: Corrections, near: _ErrorCount
    ) -> tuple[IdleLift, ...]:
        """Lifts of the run that did no harm, and new ones.

        Args:
            run: the last one.
            learnt: corrections with the lifts of the run and new ones.
            near: counts the errors of the run.
        """
        lifts = []
        for lift in learnt.lifts:
            errors = near(0.5 * (lift.start + lift.end))
            before = self._lifts.setdefault(lift, errors)
            if lift not in run.corrections.lifts or errors <= before:
                lifts.append(lift)
        return tuple(lifts)


class _ErrorCount:
    """Counts the errors of a run near a time."""

    def __init__(self, metrics: PerformanceMetrics) -> None:
        """
        Args:
            metrics: of the run.
        """
        notes = (*metrics.missed_notes, *metrics.extra_notes)
        self._times = np.sort([note.onset for note in notes])

    def __call__(self, time: float) -> int:
        first = np.searchsorted(self._times, time - NEAR)
        return int(np.searchsorted(self._times, time + NEAR, side="right") - first)


def rehearse(
    run: RunOutcome, geometry: KeyboardGeometry, *, velocity_gain: float = VELOCITY_GAINS[0]
) -> Corrections:
    """Learns the corrections for the next run from the last one, without looking further back.

    Args:
        run: the last one.
        geometry: where the keys are.
        velocity_gain: share of an error in loudness that is corrected, 0 to 1.
    """
    before = run.corrections.notes
    heard = heard_notes(run.planned, run.played)
    places = learn_places(run.planned, heard, run.metrics.extra_notes, run.contacts, geometry)
    notes = {}
    for note in run.planned.notes:
        key = (note.onset, note.pitch)
        correction = _sounding(note, heard.get(key), before.get(key, Correction()), velocity_gain)
        notes[key] = places[key].added(correction, black=bool(geometry.black[note.key]))
    lifts = learn_lifts(run.planned, heard, run.metrics.extra_notes, run.contacts, geometry)
    return Corrections(notes, (*run.corrections.lifts, *lifts))


def heard_notes(planned: Score, played: Score) -> Mapping[NoteKey, Note]:
    """The stroke that was heard for each planned note; those that did not sound are left out.

    Args:
        planned: notes of the plan.
        played: notes that sounded.
    """
    return {
        (planned.notes[match.reference].onset, planned.notes[match.reference].pitch): (
            played.notes[match.played]
        )
        for match in match_notes(planned, played, tolerance=HEARD_WITHIN)
    }


def _sounding(
    note: Note, heard: Note | None, correction: Correction, velocity_gain: float
) -> Correction:
    """The correction of one note with the timing and loudness for the next run.

    Args:
        note: of the plan.
        heard: the stroke that was heard for it; None: it did not sound.
        correction: of the run.
        velocity_gain: share of an error in loudness that is corrected.
    """
    if heard is None:
        early = UNHEARD_TIME
        short = 0.0
        louder = UNHEARD_VELOCITY
    else:
        early = GAIN * beyond(heard.onset - note.onset, LEAST_TIMES[0])
        short = GAIN * bounded(beyond(heard.offset - note.offset, LEAST_TIMES[1]), MOST_TIME)
        louder = velocity_gain * beyond(note.velocity - heard.velocity, LEAST_VELOCITY)
    return correction._replace(
        strike=bounded(correction.strike + early, MOST_TIME),
        release=bounded(correction.release + short, MOST_TIME),
        velocity=bounded(correction.velocity + louder, MOST_VELOCITY),
    )


def beyond(error: float, least: float) -> float:
    """The error, or 0 if it is not larger than what is left as it is."""
    return error if abs(error) > least else 0.0


def bounded(value: float, most: float) -> float:
    """The value cut to -most..most."""
    return min(max(value, -most), most)
