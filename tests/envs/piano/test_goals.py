"""What hands are to play, seen from any moment: against a search by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.piano.goals import (
    APPROACH_KNOTS,
    HORIZON,
    NUM_NEXT,
    POINT_UNIT,
    TIME_KNOTS,
    Goals,
    goal_blocks,
    hand_notes,
    hat_functions,
)
from musclehand.music.score import Finger, Hand, Note
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters

GEOMETRY = keyboard_geometry(load_piano_parameters())


@st.composite
def lines(draw):
    """Notes of one hand, those of one finger one after the other."""
    notes = []
    for finger in Finger:
        time = 0.0
        for _ in range(draw(st.integers(0, 4))):
            onset = time + draw(st.integers(0, 1000)) / 1000
            time = onset + draw(st.integers(50, 1000)) / 1000
            pitch = draw(st.integers(30, 90))
            velocity = draw(st.integers(1, 127))
            notes.append(Note(onset, pitch, time, velocity, Hand.RIGHT, finger))
    return notes


def by_hand(notes, finger, time):
    """The note that a finger holds, or None, and those that come."""
    own = sorted(note for note in notes if note.finger == finger)
    held = [note for note in own if note.onset <= time < note.offset]
    return (held[-1] if held else None), [note for note in own if note.onset > time][:NUM_NEXT]


def by_interpolation(time, moments):
    """What each moment's share is: a line from 0 at its neighbours to 1 at itself."""
    return [np.interp(time, moments, row) for row in np.eye(len(moments))]


@given(st.floats(-3.0, 3.0))
def test_times_are_shared_out_between_moments(time):
    encoded = hat_functions(np.array([[time]]), TIME_KNOTS)
    assert encoded.shape == (1, 1, len(TIME_KNOTS))
    np.testing.assert_allclose(
        encoded[0, 0] @ TIME_KNOTS, np.clip(time, 0.0, TIME_KNOTS[-1]), atol=1e-12
    )
    np.testing.assert_allclose(encoded.sum(), 1.0)


@given(
    lines(),
    lines(),
    st.lists(st.integers(0, 6000).map(lambda ms: ms / 1000), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_every_finger_is_told_of_its_notes(first, second, times):
    goals = Goals(
        [hand_notes(first, Side.RIGHT, GEOMETRY), hand_notes(second, Side.RIGHT, GEOMETRY)]
    )
    tips = np.random.default_rng(0).normal(size=(2 * len(times), 5, 3))
    hands = np.repeat([0, 1], len(times))
    wrist = np.random.default_rng(1).normal(size=(2 * len(times), 3))
    encoded = goals.encode(hands, np.tile(times, 2), tips, wrist)
    assert [block.name for block in goal_blocks()] == list(encoded)
    held_now, points = goals.held_keys(hands, np.tile(times, 2))
    for row, (hand, time) in enumerate(zip(hands, np.tile(times, 2), strict=True)):
        for finger in Finger:
            held, coming = by_hand((first, second)[hand], finger, time)
            assert held_now[row, finger - 1] == (held is not None)
            shown = [
                encoded[name].reshape(len(hands), 5, -1)[row, finger - 1]
                for name in encoded
                if name != "approach"
            ]
            for note, numbers in zip([held, *coming, *[None] * NUM_NEXT], shown, strict=False):
                if note is None:
                    np.testing.assert_array_equal(numbers, 0.0)
                    continue
                key = note.pitch - 21
                point = np.array(
                    [GEOMETRY.x[key], GEOMETRY.press_y[key].mean(), GEOMETRY.top_z[key]]
                )
                begins, ends = (
                    np.clip(moment - time, -HORIZON, HORIZON)
                    for moment in (note.onset, note.offset)
                )
                place = [
                    *((point - tips[row, finger - 1]) / POINT_UNIT),
                    *((point - wrist[row])[:2] / POINT_UNIT),
                ]
                expected = [1.0, begins, ends, note.velocity / 127, *place]
                expected += [
                    *by_interpolation(begins, TIME_KNOTS),
                    *by_interpolation(ends, TIME_KNOTS),
                ]
                np.testing.assert_allclose(numbers, expected, atol=1e-9)
                if coming and note is coming[0]:
                    approach = encoded["approach"].reshape(len(hands), 5, len(APPROACH_KNOTS), 5)[
                        row, finger - 1
                    ]
                    np.testing.assert_allclose(
                        approach,
                        np.outer(by_interpolation(begins, APPROACH_KNOTS), place),
                        atol=1e-9,
                    )
                if note is held:
                    np.testing.assert_allclose(points[row, finger - 1], point)


def test_a_left_hand_is_told_as_a_right_one():
    """Keys are their own mirror image about each D."""
    right = [Note(0.5, 62 + step, 1.0, 80, Hand.RIGHT, Finger(1 + step // 2)) for step in (0, 2, 5)]
    left = [Note(0.5, 62 - step, 1.0, 80, Hand.LEFT, Finger(1 + step // 2)) for step in (0, 2, 5)]
    first, second = (
        hand_notes(notes, side, GEOMETRY)
        for notes, side in ((right, Side.RIGHT), (left, Side.LEFT))
    )
    order = np.argsort(second.finger)
    apart = first.point - second.point[order]
    np.testing.assert_allclose(apart - apart[0], 0.0, atol=1e-12)


def test_hands_without_notes_have_no_goals_and_notes_need_fingers():
    goals = Goals([hand_notes([], Side.RIGHT, GEOMETRY)])
    encoded = goals.encode(np.array([0]), np.array([1.0]), np.zeros((1, 5, 3)), np.zeros((1, 3)))
    assert all(not values.any() for values in encoded.values())
    with pytest.raises(InvalidValue, match="finger"):
        hand_notes([Note(0.0, 60, 1.0)], Side.RIGHT, GEOMETRY)
