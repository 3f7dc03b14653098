"""Practice of place: where fingers press their keys, and how high idle fingers are held.

What went wrong in a run is looked up in its contacts. A finger that played, and brushed a key
beside its own one, presses further away from it in the next run. A finger that missed its key
presses nearer to the key's middle, or further down where it was in the middle already. A finger
that had nothing to play and touched a key, or a finger that played, is raised for a while.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from musclehand.body.anatomy import Side
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.piano.geometry import KeyboardGeometry
from musclehand.planning.strokes.contacts import Digit, KeyTouch, Point, RunContacts
from musclehand.planning.strokes.corrections import Correction, IdleLift, NoteKey

BRUSH_STEP = 0.002
"""[m] a finger that brushed a key presses at least this much further away from it; the
prototype's value."""

MISS_SHARE = 0.5
"""[share] of its distance from the key's middle by which a finger that missed is moved; the
prototype's value."""

MIDDLE = 0.002
"""[m] a finger that missed its key, and was this close to its middle, did not miss it sideways;
chosen, the accuracy of the fingertips."""

ASIDE = 0.004
"""[m] a finger that is further from the middle of its key is moved there even where it did no
harm: its tip of 7 mm is then close to the edge of a white key (11 mm) and over that of a black
one (5 mm). Chosen."""

HELD_SHORT = 0.06
"""[s] a key that falls silent earlier than its note's end by more was let go by a finger that was
to hold it; chosen, the time of a release."""

DEPTH_STEP = 0.0015
"""[m] a finger that was over its key, and did not sound it or did not hold it, presses this much
further down; chosen, half of what it presses below the key's stop at first."""

MOST_SIDEWAYS = (0.006, 0.003)
"""[m] largest correction along a white key's width and a black one's, summed over the runs; a
fingertip on it then still misses the neighbours."""

MOST_INWARDS = 0.006
"""[m] largest correction along a key, summed over the runs; chosen."""

MOST_DEPTH = 0.0045
"""[m] largest correction downwards, summed over the runs; chosen."""

STEEP = 0.7
"""Share of a contact's direction along the key from which it is the key's front that was hit,
that of 45 degrees."""

LIFT = 0.008
"""[m] by which an idle finger is raised; the prototype's value."""

LIFT_WINDOW = (0.2, 0.12)
"""[s] before and after an error in which the finger is raised; a little longer than it takes to
rise and come back (`idle_lift.RAISE_TIME`)."""

ABOUT = 0.03
"""[s] between a contact and the error that it explains, at most; chosen, a few control steps and
the time in which a key goes down."""

STROKE = (0.12, 0.08)
"""[s] before the onset and after the end of its note for which a finger counts as playing it; the
times of a usual strike and release."""

TRAVELLED = 0.03
"""[m] a key further from a finger's own one was not brushed but met on the way; a little more than
the distance between two white keys."""


class PlaceStep(NamedTuple):
    """What one run adds to the place of a note."""

    sideways: float = 0.0
    """[m] to the right."""

    inwards: float = 0.0
    """[m] away from the front edge."""

    depth: float = 0.0
    """[m] downwards."""

    def added(self, correction: Correction, *, black: bool) -> Correction:
        """A correction with this step added, within the bounds.

        Args:
            correction: of the run.
            black: the key is a black one.
        """
        most = MOST_SIDEWAYS[black]
        return correction._replace(
            sideways=_within(correction.sideways + self.sideways, most),
            inwards=_within(correction.inwards + self.inwards, MOST_INWARDS),
            depth=_within(correction.depth + self.depth, MOST_DEPTH),
        )


class _Fingers:
    """Which note each finger plays, at any time."""

    def __init__(self, planned: Score) -> None:
        """
        Args:
            planned: notes of the plan, with hands and fingers.
        """
        self._notes = defaultdict[Digit, list[Note]](list)
        for note in planned.notes:
            digit = digit_of(note)
            if digit is not None:
                self._notes[digit].append(note)
        self._onsets = {
            digit: [note.onset for note in notes] for digit, notes in self._notes.items()
        }

    def playing(self, digit: Digit, time: float) -> Note | None:
        """The note that a finger plays; None if it is idle.

        Args:
            digit: the finger.
            time: on the score's clock [s].
        """
        index = bisect_right(self._onsets.get(digit, []), time)
        near = self._notes.get(digit, [])[max(index - 1, 0) : index + 1]
        playing = [
            note for note in near if note.onset - STROKE[0] <= time <= note.offset + STROKE[1]
        ]
        return min(playing, key=lambda note: abs(note.onset - time), default=None)


def digit_of(note: Note) -> Digit | None:
    """The finger that plays a note; None if that is not decided."""
    if note.hand is None or note.finger is None:
        return None
    return (Side.RIGHT if note.hand is Hand.RIGHT else Side.LEFT, int(note.finger))


def learn_places(
    planned: Score,
    heard: Mapping[NoteKey, Note],
    extra: Iterable[Note],
    contacts: RunContacts,
    geometry: KeyboardGeometry,
) -> dict[NoteKey, PlaceStep]:
    """Steps of all notes; those of notes without an error are 0.

    Args:
        planned: notes of the plan, with hands and fingers.
        heard: the stroke that was heard for each note.
        extra: notes that sounded and should not have.
        contacts: of the run.
        geometry: where the keys are.
    """
    fingers = _Fingers(planned)
    steps = {(note.onset, note.pitch): PlaceStep() for note in planned.notes}
    for touch, time in _culprits(extra, contacts):
        note = fingers.playing(touch.digit, time)
        if note is None:
            continue
        key = (note.onset, note.pitch)
        if touch.key == note.key and note.onset < time < note.offset:
            steps[key] = _sum(steps[key], PlaceStep(depth=DEPTH_STEP))
        elif _brushed(note, touch.key, geometry):
            steps[key] = _sum(steps[key], _away(note, touch, geometry))
    for note in planned.notes:
        key = (note.onset, note.pitch)
        if key in contacts.tips:
            steps[key] = _sum(steps[key], _onto(note, heard.get(key), contacts, geometry))
    return steps


def learn_lifts(
    planned: Score,
    heard: Mapping[NoteKey, Note],
    extra: Iterable[Note],
    contacts: RunContacts,
    geometry: KeyboardGeometry,
) -> list[IdleLift]:
    """Lifts of fingers that touched a key on their way or at rest, or a finger that missed.

    Args:
        planned: notes of the plan, with hands and fingers.
        heard: the stroke that was heard for each note.
        extra: notes that sounded and should not have.
        contacts: of the run.
        geometry: where the keys are.
    """
    fingers = _Fingers(planned)
    lifts: dict[IdleLift, None] = {}
    for touch, time in _culprits(extra, contacts):
        note = fingers.playing(touch.digit, time)
        if note is None or not (note.key == touch.key or _brushed(note, touch.key, geometry)):
            lifts[_lift(touch.digit, time)] = None
    for note in planned.notes:
        digit = digit_of(note)
        if digit is None or (note.onset, note.pitch) in heard:
            continue
        for neighbour in _rubbing(digit, note.onset, contacts):
            if fingers.playing(neighbour, note.onset) is None:
                lifts[_lift(neighbour, note.onset)] = None
    return list(lifts)


def _culprits(extra: Iterable[Note], contacts: RunContacts) -> Iterator[tuple[KeyTouch, float]]:
    """Fingers that touched a key as it sounded and should not have, with the time of that [s]."""
    by_key = defaultdict[int, list[KeyTouch]](list)
    for touch in contacts.keys:
        by_key[touch.key].append(touch)
    for note in extra:
        for touch in by_key[note.key]:
            if touch.start - ABOUT <= note.onset <= touch.end + ABOUT:
                yield touch, note.onset


def _rubbing(digit: Digit, time: float, contacts: RunContacts) -> Iterator[Digit]:
    """Fingers that touched a finger at about a time [s]."""
    for touch in contacts.digits:
        if digit in touch.digits and touch.start - ABOUT <= time <= touch.end + ABOUT:
            first, second = touch.digits
            yield second if first == digit else first


def _brushed(note: Note, key: int, geometry: KeyboardGeometry) -> bool:
    """Whether a key is a neighbour of a note's."""
    return key != note.key and abs(geometry.x[key] - geometry.x[note.key]) <= TRAVELLED


def _away(note: Note, touch: KeyTouch, geometry: KeyboardGeometry) -> PlaceStep:
    """The step away from a brushed key: along the key from its front, else sideways.

    Args:
        note: that was played.
        touch: of the brushed key.
        geometry: where the keys are.
    """
    if abs(touch.normal[1]) > STEEP:
        return PlaceStep(inwards=math.copysign(BRUSH_STEP, touch.normal[1]))
    apart = float(geometry.x[note.key] - geometry.x[touch.key])
    return PlaceStep(sideways=math.copysign(BRUSH_STEP, apart))


def _onto(
    note: Note, heard: Note | None, contacts: RunContacts, geometry: KeyboardGeometry
) -> PlaceStep:
    """The step of a note towards its key's middle, and further down.

    Args:
        note: of the plan.
        heard: the stroke that was heard for it; None: it was missed.
        contacts: of the run.
        geometry: where the keys are.
    """
    tip = contacts.tips[note.onset, note.pitch]
    distance = _middle(note.key, tip, geometry) - tip[0]
    if abs(distance) > (MIDDLE if heard is None else ASIDE):
        return PlaceStep(sideways=MISS_SHARE * distance)
    if heard is None or heard.offset < note.offset - HELD_SHORT:
        return PlaceStep(depth=DEPTH_STEP)
    return PlaceStep()


def _middle(key: int, tip: Point, geometry: KeyboardGeometry) -> float:
    """Middle of the part of a key that is free where a fingertip is [m]."""
    if tip[1] > geometry.press_y[key, 1]:
        return float(geometry.back_x[key].mean())
    return float(geometry.x[key])


def _lift(digit: Digit, time: float) -> IdleLift:
    side, finger = digit
    before, after = LIFT_WINDOW
    return IdleLift(side, Finger(finger), time - before, time + after, LIFT)


def _sum(first: PlaceStep, second: PlaceStep) -> PlaceStep:
    """Both steps, each direction taken once: several contacts of one stroke are one error."""

    def stronger(one: float, two: float) -> float:
        return one if abs(one) >= abs(two) else two

    return PlaceStep(*map(stronger, first, second))


def _within(value: float, most: float) -> float:
    return min(max(value, -most), most)
