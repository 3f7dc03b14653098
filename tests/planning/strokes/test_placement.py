"""Wrist poses for grips: fingers reach their keys, wherever on the keyboard and in
either hand."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import LOWEST_WRIST
from musclehand.music.score import Finger, Hand, Note
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.placement import HandPlacement, nominal_tip, note_point

GEOMETRY = keyboard_geometry(load_piano_parameters())


HAND_IK = HandIk()


@pytest.fixture(scope="module")
def placement():
    return HandPlacement(HAND_IK, GEOMETRY)


def point_of(note):
    """Where the bundled hand presses."""
    return note_point(note, GEOMETRY, HAND_IK.playing)


def chord(*pitches_and_fingers, onset=0.0, length=0.5, hand=Hand.RIGHT):
    return [
        Note(onset, pitch, onset + length, 80, hand, Finger(finger))
        for pitch, finger in pitches_and_fingers
    ]


def wrists_of(placement, notes, side):
    """x and y."""
    return np.array([pose.wrist[:2] for pose in placement.wrist_poses(notes, side)])


@pytest.mark.parametrize("finger", range(1, 6))
def test_a_single_white_key_leaves_the_hand_in_its_five_finger_place(placement, finger):
    note = chord((64, finger))[0]
    (wrist,) = wrists_of(placement, [note], Side.RIGHT)
    assert wrist == pytest.approx(
        point_of(note) - nominal_tip(Side.RIGHT, finger, HAND_IK.playing), abs=0.012
    )


def test_the_same_grip_elsewhere_is_the_same_hand_elsewhere(placement):
    place = wrists_of(placement, chord((60, 1), (64, 3), (67, 5)), Side.RIGHT)
    octave_higher = wrists_of(placement, chord((72, 1), (76, 3), (79, 5)), Side.RIGHT)
    octave = GEOMETRY.x[51] - GEOMETRY.x[39]
    assert octave_higher - place == pytest.approx(np.tile([octave, 0], (3, 1)), abs=1e-4)
    assert np.ptp(place, axis=0) == pytest.approx(0, abs=1e-12)


def test_mirrored_grips_mirror(placement):
    """D4 is an axis of symmetry of the keyboard: 60-64-67 becomes 64-60-57."""
    middle = GEOMETRY.x[62 - 21]
    right = wrists_of(placement, chord((60, 1), (64, 3), (67, 5)), Side.RIGHT)[0]
    left = wrists_of(placement, chord((57, 5), (60, 3), (64, 1), hand=Hand.LEFT), Side.LEFT)[0]
    assert left[0] - middle == pytest.approx(middle - right[0], abs=1e-6)
    assert left[1] == pytest.approx(right[1], abs=1e-6)


def test_a_black_key_under_the_thumb_brings_the_hand_in(placement):
    white = wrists_of(placement, chord((60, 1)), Side.RIGHT)[0]
    black = wrists_of(placement, chord((61, 1)), Side.RIGHT)[0]
    assert black[1] > white[1] + 0.01


def test_a_wide_grip_lowers_the_hand(placement):
    """An octave leaves fingers nothing to bend down with; the hand goes down instead, but not
    into the keys."""
    octave = placement.wrist_poses(chord((60, 1), (72, 5)), Side.RIGHT)
    third = placement.wrist_poses(chord((60, 1), (64, 3)), Side.RIGHT)
    assert LOWEST_WRIST - 1e-9 <= octave[0].wrist[2] < third[0].wrist[2] - 0.002
    assert octave[0].span == pytest.approx(7 * 0.0235)
    assert third[0].span == pytest.approx(2 * 0.0235)


def test_every_note_has_a_finite_place_near_its_key(placement):
    rng = np.random.default_rng(8)
    notes = []
    for k in range(60):
        fingers = sorted(rng.choice(5, size=rng.integers(1, 4), replace=False) + 1)
        base = int(rng.integers(40, 80))
        notes += chord(
            *((base + 2 * int(finger), int(finger)) for finger in fingers), onset=0.4 * k
        )
    wrists = wrists_of(placement, notes, Side.RIGHT)
    assert wrists.shape == (len(notes), 2)
    away = wrists - np.array([point_of(note) for note in notes])
    assert np.linalg.norm(away, axis=1).max() < 0.25


def test_fingers_of_a_hand_far_in_press_white_keys_between_the_black_ones(placement):
    """E flat, G, B flat with the thumb on E flat: the long finger on G would otherwise curl over
    F sharp."""
    poses = placement.wrist_poses(chord((63, 1), (67, 3), (70, 5)), Side.RIGHT)
    key = 67 - 21
    low, high = GEOMETRY.back_x[key]
    assert low < poses[1].point[0] < high
    assert GEOMETRY.front_y[key - 1] < poses[1].point[1] < GEOMETRY.hinge_y[key]
    front = placement.wrist_poses(chord((60, 1), (64, 3), (67, 5)), Side.RIGHT)
    assert front[1].point == pytest.approx(point_of(chord((64, 3))[0]), abs=1e-9)
