"""Practice of place, on contacts that are written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.contacts import DigitTouch, KeyTouch, RunContacts
from musclehand.planning.strokes.corrections import Correction
from musclehand.planning.strokes.place import (
    ASIDE,
    BRUSH_STEP,
    DEPTH_STEP,
    MISS_SHARE,
    MOST_DEPTH,
    MOST_INWARDS,
    MOST_SIDEWAYS,
    PlaceStep,
    learn_lifts,
    learn_places,
)

GEOMETRY = keyboard_geometry(load_piano_parameters())
NOTE = Note(1.0, 60, 1.5, 80, Hand.RIGHT, Finger.INDEX)
KEY = (NOTE.onset, NOTE.pitch)
INDEX, MIDDLE = (Side.RIGHT, 2), (Side.RIGHT, 3)
UP = (0.0, 0.0, 1.0)


def touch(pitch, *, digit=INDEX, start=0.99, end=1.05, normal=UP):
    return KeyTouch(digit, pitch - 21, start, end, (0.0, 0.03, 0.0), normal)


def step(contacts, extra=(), heard=None, note=NOTE):
    heard = {(note.onset, note.pitch): note} if heard is None else heard
    steps = learn_places(Score((note,)), heard, extra, contacts, GEOMETRY)
    return steps[note.onset, note.pitch]


@pytest.mark.parametrize(("pitch", "direction"), [(59, 1.0), (62, -1.0), (61, -1.0)])
def test_a_finger_moves_away_from_a_key_that_it_brushed(pitch, direction):
    extra = (Note(1.01, pitch, 1.1),)
    moved = step(RunContacts(keys=(touch(pitch),)), extra)
    assert moved == PlaceStep(sideways=direction * BRUSH_STEP)


def test_a_finger_draws_back_from_the_front_of_a_black_key():
    contacts = RunContacts(keys=(touch(61, normal=(0.1, -0.95, 0.2)),))
    assert step(contacts, (Note(1.01, 61, 1.1),)) == PlaceStep(inwards=-BRUSH_STEP)


@pytest.mark.parametrize(
    ("pitch", "place"),
    [
        (72, touch(72)),  # a key met on the way
        (62, touch(62, digit=MIDDLE)),  # an idle finger
        (62, touch(62, start=1.2, end=1.3)),  # another time
    ],
)
def test_nothing_moves_for_what_the_stroke_did_not_brush(pitch, place):
    assert step(RunContacts(keys=(place,)), (Note(1.01, pitch, 1.1),)) == PlaceStep()


@given(st.floats(-0.02, 0.02))
def test_a_finger_that_missed_moves_half_way_to_the_middle_or_presses_further_down(away):
    x = GEOMETRY.x[NOTE.key] + away
    away = x - GEOMETRY.x[NOTE.key]
    moved = step(RunContacts(tips={KEY: (x, 0.03, 0.01)}), heard={})
    assert (moved.depth, moved.sideways) in (
        (DEPTH_STEP, 0.0),
        (0.0, pytest.approx(-MISS_SHARE * away)),
    )
    assert (moved.depth > 0) == (abs(away) <= 0.002)


def test_between_black_keys_the_middle_is_that_of_the_free_part():
    """C has a black key on its right alone."""
    free = GEOMETRY.back_x[NOTE.key].mean()
    assert free < GEOMETRY.x[NOTE.key] - 0.002
    moved = step(RunContacts(tips={KEY: (GEOMETRY.x[NOTE.key], 0.08, 0.01)}), heard={})
    assert moved.sideways == pytest.approx(MISS_SHARE * (free - GEOMETRY.x[NOTE.key]))


def test_a_key_that_sounded_again_or_was_let_go_is_pressed_deeper():
    again = Note(1.2, 60, 1.4)
    assert step(RunContacts(keys=(touch(60, end=1.25),)), (again,)) == PlaceStep(depth=DEPTH_STEP)
    middle = RunContacts(tips={KEY: (GEOMETRY.x[NOTE.key], 0.03, 0.01)})
    for missing, depth in ((0.05, 0.0), (0.07, DEPTH_STEP)):
        heard = {KEY: Note(1.0, 60, 1.5 - missing)}
        assert step(middle, heard=heard) == PlaceStep(depth=depth)


@given(st.floats(-0.02, 0.02))
def test_a_finger_far_from_the_middle_moves_there_though_its_note_sounded(away):
    x = GEOMETRY.x[NOTE.key] + away
    away = x - GEOMETRY.x[NOTE.key]
    moved = step(RunContacts(tips={KEY: (x, 0.03, 0.01)}))
    assert moved.sideways == pytest.approx(-MISS_SHARE * away if abs(away) > ASIDE else 0.0)


def test_several_contacts_of_one_stroke_move_it_once():
    contacts = RunContacts(keys=(touch(62), touch(62, start=0.95, end=1.0)))
    assert step(contacts, (Note(1.0, 62, 1.1),)) == PlaceStep(sideways=-BRUSH_STEP)


@given(
    st.tuples(*[st.floats(-0.05, 0.05)] * 3),
    st.tuples(*[st.floats(-0.006, 0.006)] * 3),
    st.booleans(),
)
def test_places_are_bounded(moved, before, black):
    correction = PlaceStep(*moved).added(Correction(0.01, 0.02, 3.0, *before), black=black)
    assert correction[:3] == (0.01, 0.02, 3.0)
    assert abs(correction.sideways) <= MOST_SIDEWAYS[black]
    assert abs(correction.inwards) <= MOST_INWARDS
    assert abs(correction.depth) <= MOST_DEPTH


def test_an_idle_finger_that_touched_a_key_is_raised_around_that_time():
    contacts = RunContacts(keys=(touch(62, digit=MIDDLE), touch(62)))
    heard = {KEY: NOTE}
    (lift,) = learn_lifts(Score((NOTE,)), heard, (Note(1.01, 62, 1.1),), contacts, GEOMETRY)
    assert (lift.side, lift.finger) == MIDDLE
    assert lift.start < 1.01 < lift.end


def test_a_finger_that_met_a_key_on_its_way_is_raised():
    contacts = RunContacts(keys=(touch(72), touch(60)))
    (lift,) = learn_lifts(Score((NOTE,)), {KEY: NOTE}, (Note(1.01, 72, 1.1),), contacts, GEOMETRY)
    assert (lift.side, lift.finger) == INDEX


def test_an_idle_finger_that_rubbed_against_one_that_missed_is_raised():
    rubbing = DigitTouch((INDEX, MIDDLE), 0.9, 0.98)
    contacts = RunContacts(digits=(rubbing,))
    (lift,) = learn_lifts(Score((NOTE,)), {}, (), contacts, GEOMETRY)
    assert (lift.side, lift.finger) == MIDDLE
    assert learn_lifts(Score((NOTE,)), {KEY: NOTE}, (), contacts, GEOMETRY) == []
    busy = Note(1.0, 62, 1.5, 80, Hand.RIGHT, Finger.MIDDLE)
    heard = {(busy.onset, busy.pitch): busy}
    assert learn_lifts(Score((NOTE, busy)), heard, (), contacts, GEOMETRY) == []
