"""Releases of keys: as late as can be, and early enough for the next notes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.motion.playing_hand import WRIST_HEIGHT, PlayingHand
from musclehand.music.score import Finger, Hand, Note
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.placement import WristPose, nominal_tip, note_point
from musclehand.planning.strokes.press import StrokeConfig
from musclehand.planning.strokes.reach import ReachConfig, plan_wrist
from musclehand.planning.strokes.release import keep_within_reach, plan_releases

GEOMETRY = keyboard_geometry(load_piano_parameters())
HAND = PlayingHand()
STROKE = StrokeConfig()
REACH = ReachConfig()


def poses_of(notes):
    places = [
        note_point(note, GEOMETRY, HAND) - nominal_tip(Side.RIGHT, note.finger, HAND)
        for note in notes
    ]
    return [WristPose(np.array([*place, WRIST_HEIGHT]), np.zeros(2), 0.0) for place in places]


def released(notes):
    return plan_releases(notes, poses_of(notes), Side.RIGHT, STROKE, REACH)


def test_five_fingers_in_place_hold_to_the_end():
    notes = [
        Note(1 + 0.4 * i, (60, 62, 64, 65, 67)[i], 1.4 + 0.4 * i, 80, Hand.RIGHT, Finger(i + 1))
        for i in range(5)
    ]
    assert released(notes) == notes


def test_a_leap_takes_the_time_that_it_takes():
    notes = [Note(1, 60, 2, 80, Hand.RIGHT, Finger(1)), Note(2, 84, 3, 80, Hand.RIGHT, Finger(3))]
    first, second = released(notes)
    near, far = (pose.wrist[0] for pose in poses_of(notes))
    distance = far - near - (REACH.hold_room + REACH.strike_room)
    assert first.offset == pytest.approx(2 - REACH.before - REACH.leap_time(distance), abs=0.01)
    assert second.offset == 3


@given(st.floats(0.3, 1.5))
def test_a_finger_leaves_a_key_that_it_plays_again(gap):
    notes = [
        Note(1, 60, 1 + gap, 80, Hand.RIGHT, Finger(2)),
        Note(1 + gap, 60, 3, 80, Hand.RIGHT, Finger(2)),
    ]
    assert released(notes)[0].offset <= 1 + gap - 0.6 * min(gap, STROKE.same_key_gap)


@given(
    st.lists(
        st.tuples(st.floats(0.06, 1.0), st.integers(60, 72), st.integers(1, 5)),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=40, deadline=None)
def test_holds_are_shortened_only_and_onsets_kept(steps):
    notes = []
    time = 0.5
    for gap, pitch, finger in steps:
        notes.append(Note(time, pitch, time + 2.0, 80, Hand.RIGHT, Finger(finger)))
        time += gap
    poses = poses_of(notes)
    held = released(notes)
    path = plan_wrist(held, poses, Side.RIGHT, end=time + 2)
    held = keep_within_reach(held, poses, path, distance=STROKE.hold_distance)
    assert [(n.onset, n.pitch, n.finger) for n in held] == [
        (n.onset, n.pitch, n.finger) for n in notes
    ]
    for before, after in zip(notes, held, strict=True):
        assert after.onset < after.offset <= before.offset + 1e-9
    for i, note in enumerate(held):
        following = [
            n.onset
            for n in notes[i + 1 :]
            if n.finger == note.finger and n.onset > note.onset + 0.03
        ]
        assert not following or note.offset <= following[0] + 1e-9
