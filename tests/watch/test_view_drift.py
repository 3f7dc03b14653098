"""Cameras that drift, move, or stand still."""

import numpy as np
import pytest

from musclehand.watch.view_drift import CameraMoves, watch_drift
from musclehand.watch.view_search import find_keyboard
from support.drawn_keyboards import camera, draw_keyboard


def samples(shifts_mm):
    return [
        (10.0 * number, [draw_keyboard(camera(x=shift / 1000))])
        for number, shift in enumerate(shifts_mm)
    ]


@pytest.fixture(scope="module")
def view():
    return find_keyboard([draw_keyboard(camera())])


def test_a_camera_that_stands_still_has_no_drift(view):
    drift = watch_drift(view, samples([0, 0, 0, 0]))
    assert drift.largest < 0.3e-3
    assert drift.remark is None


def test_a_slow_drift_is_followed_and_told(view):
    drift = watch_drift(view, samples([-3, -1.5, 0, 1.5, 3]))
    assert drift.largest == pytest.approx(4.5e-3, abs=1.6e-3)
    assert drift.remark is not None
    assert "drifts" in drift.remark
    middle = drift.view_at(15.0)
    key = np.array([[0.3, 0.05, 0.0]])
    truth = camera(x=-0.00075)
    error = middle.to_pixels(key) - truth.to_pixels(key)
    assert np.abs(error).max() < 1.0


def test_a_camera_that_moves_is_refused(view):
    with pytest.raises(CameraMoves, match="moves"):
        watch_drift(view, samples([0, 0, 0, 15, 15, 15]))


def test_a_keyboard_that_vanishes_is_refused(view):
    grey = np.full((720, 1280, 3), 128, np.uint8)
    with pytest.raises(CameraMoves, match="lost"):
        watch_drift(view, [(0.0, [draw_keyboard(camera())]), (10.0, [grey])])
