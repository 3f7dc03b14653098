"""Left and right: errors of the networks, crossings, and hands that come and go."""

import numpy as np
import pytest

from musclehand.watch.hand_sides import assign_sides
from support.painted_hands import hand_shape

RATE = 30.0


def two_hands(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A right hand at 240 in the first place, a left one at 80 in the second."""
    points = np.empty((frames, 2, 21, 2))
    points[:, 0] = hand_shape(1, (240, 80))
    points[:, 1] = hand_shape(0, (80, 80))
    return points, np.tile([0.95, 0.05], (frames, 1))


def test_handedness_decides() -> None:
    points, right = two_hands(30)
    assert assign_sides(points, right, RATE).all()
    assert not assign_sides(points[:, ::-1], right[:, ::-1], RATE).any()


def test_place_decides_where_handedness_does_not() -> None:
    points, right = two_hands(30)
    assert assign_sides(points, np.full_like(right, 0.5), RATE).all()


@pytest.mark.parametrize("length", [1, 5, 8])
def test_short_errors_of_both_hands_change_nothing(length: int) -> None:
    points, right = two_hands(90)
    right[40 : 40 + length] = right[40 : 40 + length, ::-1]
    assert assign_sides(points, right, RATE).all()


def test_long_errors_of_a_single_hand_change_nothing() -> None:
    points, right = two_hands(90)
    right[30:60, 0] = 0.4
    assert assign_sides(points, right, RATE).all()


def test_crossed_hands_keep_their_sides() -> None:
    points, right = two_hands(90)
    shift = np.clip(np.arange(90) - 30, 0, 30)[:, None, None] * np.array([8.0, 0.0])
    points[:, 0] -= shift
    points[:, 1] += shift
    right[30:60] = 0.5
    assert assign_sides(points, right, RATE).all()


def test_hands_that_return_in_other_places_are_exchanged() -> None:
    points, right = two_hands(90)
    points[40:60] = np.nan
    right[40:60] = 0.5
    points[60:] = points[60:, ::-1]
    right[60:] = right[60:, ::-1]
    exchanged = assign_sides(points, right, RATE)
    assert exchanged[:40].all()
    assert not exchanged[60:].any()


def test_places_that_are_exchanged_by_a_jump_are_told() -> None:
    points, right = two_hands(90)
    points[45:] = points[45:, ::-1]
    right[45:] = right[45:, ::-1]
    exchanged = assign_sides(points, right, RATE)
    assert exchanged[:44].all()
    assert not exchanged[46:].any()
