"""The part of a picture in which hands are."""

import numpy as np
import pytest

from musclehand.watch.contacts import bundled_keys
from musclehand.watch.keyboard_band import BEHIND, BESIDE, IN_FRONT, hand_band
from musclehand.watch.view import KeyboardView

DOWN = np.diag([1.0, -1.0, -1.0])


def test_the_band_is_that_of_the_hands_seen_from_above() -> None:
    view = KeyboardView((1280, 720), 640.0, DOWN, np.array([0.0, 0.0, 1.0]))
    left, top, right, bottom = hand_band(view)
    half = bundled_keys().x[-1] + BESIDE
    assert (left, right) == pytest.approx((640 - 640 * half / 0.88, 640 + 640 * half / 0.88))
    # Nearest to the camera, 0.12 m above the keys, 0.25 m are 640 * 0.25 / 0.88 pixels.
    assert bottom == pytest.approx(360 + 640 * IN_FRONT / 0.88)
    assert top < 360 - 640 * (0.145 + BEHIND)


def test_fewer_keys_make_a_narrower_band() -> None:
    view = KeyboardView((1280, 720), 640.0, DOWN, np.array([0.0, 0.0, 1.0]), 60, 71)
    left, _, right, _ = hand_band(view)
    assert 0 < left < right < 1280
