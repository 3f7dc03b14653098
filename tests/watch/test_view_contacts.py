"""Touches against cameras whose distance is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.watch.key_pattern import key_pattern
from musclehand.watch.view_contacts import TIP_HEIGHT, Contacts, refine_view
from musclehand.watch.view_fit import STEPS, Pose
from support.drawn_keyboards import camera


def test_touches_correct_the_distance_of_the_camera():
    truth = camera(height=1.3)
    wrong = Pose.of(truth, np.array([0.0, 0.07, 0.0]))
    numbers = wrong.numbers.copy()
    numbers[0] += 0.3  # farther away, and as much magnified
    wrong = replace(wrong, numbers=numbers).view()
    rng = np.random.default_rng(0)
    keys = rng.integers(5, 83, 300)
    pattern = key_pattern()
    rows = keys - pattern.first
    height = TIP_HEIGHT + np.where(pattern.black[rows], pattern.rise, 0.0)
    tips = np.stack([pattern.x[rows], rng.uniform(0.0, 0.05, 300), height], axis=1)
    tips[:, 0] += rng.normal(0.0, 0.003, 300)
    refined = refine_view(wrong, Contacts(truth.to_pixels(tips), keys + 21))
    before = abs(wrong.position[2] - truth.position[2])
    after = abs(refined.position[2] - truth.position[2])
    assert before > 0.4
    assert after < 0.5 * before
    white = np.array([[x, y, 0.0] for x in (-0.6, 0.0, 0.6) for y in (0.0, 0.15)])
    assert np.abs(refined.to_pixels(white) - wrong.to_pixels(white)).max() < 1.0


def test_few_touches_change_nothing():
    view = camera()
    contacts = Contacts(np.full((3, 2), 300.0), np.array([60, 62, 64]))
    assert refine_view(view, contacts) is view


def test_touches_that_are_not_legal_are_refused():
    with pytest.raises(InvalidValue, match="contacts"):
        refine_view(camera(), Contacts(np.zeros((3, 2)), np.array([60])))
    with pytest.raises(InvalidValue, match="pitches"):
        refine_view(camera(), Contacts(np.zeros((1, 2)), np.array([5])))


def test_numbers_of_a_pose_give_its_camera_back():
    view = camera(tilt_deg=20.0, roll_deg=3.0)
    pose = Pose.of(view, np.array([0.2, 0.05, 0.0]))
    again = pose.view()
    assert np.allclose(again.rotation, view.rotation)
    assert np.allclose(again.position, view.position)
    nearer = replace(pose, numbers=pose.numbers + 0.1 * STEPS * np.eye(7)[0]).view()
    anchor = np.array([0.2, 0.05, 0.0])
    assert np.allclose(nearer.to_pixels(anchor), view.to_pixels(anchor))
