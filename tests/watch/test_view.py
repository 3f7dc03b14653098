"""Cameras: projection against closed forms, and back again."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.watch.view import KeyboardView

DOWN = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])


def from_above(height: float = 1.2) -> KeyboardView:
    return KeyboardView((1280, 720), 900.0, DOWN, np.array([0.0, 0.07, height]))


def test_a_point_below_the_camera_is_in_the_middle() -> None:
    assert np.allclose(from_above().to_pixels(np.array([0.0, 0.07, 0.0])), [640, 360])


def test_lengths_in_the_picture_are_focal_length_over_distance() -> None:
    view = from_above()
    pixels = view.to_pixels(np.array([[0.1, 0.07, 0.0], [0.1, 0.07, 0.2]]))
    assert np.allclose(pixels[:, 0] - 640, [900 * 0.1 / 1.2, 900 * 0.1 / 1.0])


def test_points_into_the_piano_are_higher_in_the_picture() -> None:
    assert from_above().to_pixels(np.array([0.0, 0.15, 0.0]))[1] < 360


def test_pixels_at_a_height_go_there_and_back() -> None:
    rng = np.random.default_rng(0)
    world = rng.uniform([-0.6, -0.2, 0.0], [0.6, 0.2, 0.1], (50, 3))
    view = from_above()
    assert np.allclose(view.to_world(view.to_pixels(world), world[:, 2]), world)


def test_a_focal_length_of_zero_is_refused() -> None:
    with pytest.raises(InvalidValue, match="focal"):
        KeyboardView((10, 10), 0.0, DOWN, np.zeros(3))
