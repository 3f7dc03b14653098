"""The palm detector's own arithmetic: anchors, boxes, suppression and regions."""

import math

import numpy as np
import pytest

from musclehand.watch.palm import anchors, decode, merge, overlap, turn


def test_anchors_are_at_the_centres_of_cells() -> None:
    centres = anchors()
    assert centres.shape == (2016, 2)
    assert np.allclose(centres[:4], [[0.5 / 24, 0.5 / 24]] * 2 + [[1.5 / 24, 0.5 / 24]] * 2)
    assert np.allclose(centres[1152:1158], 0.5 / 12)
    assert np.allclose(centres[-1], 1 - 0.5 / 12)


def test_a_box_is_relative_to_its_anchor_in_pixels() -> None:
    values = np.zeros((2016, 18))
    scores = np.full((2016, 1), -9.0)
    values[700, :4] = [9.6, -19.2, 38.4, 57.6]
    values[700, 4:6] = [19.2, 0.0]
    scores[700] = 2.0
    boxes, points, confidence = decode(values, scores, anchors())
    centre = anchors()[700]
    assert np.allclose(boxes, [[*(centre - (0.05, 0.25)), *(centre - (-0.15, -0.05))]])
    assert np.allclose(points[0, 0], centre - (-0.1, 0.0))
    assert np.allclose(points[0, 1:], centre)
    assert confidence == pytest.approx(1 / (1 + math.exp(-2)))


def test_numbers_that_are_not_finite_are_no_palms() -> None:
    values = np.zeros((2016, 18))
    values[5, 0] = np.nan
    scores = np.full((2016, 1), -np.inf)
    scores[5] = 9.0
    scores[6] = np.nan
    boxes, _, confidence = decode(values, scores, anchors())
    assert len(boxes) == len(confidence) == 0


def test_overlap_of_boxes() -> None:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.5, 0.0, 1.5, 1.0], [2.0, 2.0, 3.0, 3.0]])
    assert np.allclose(overlap(boxes[0], boxes), [1.0, 1 / 3, 0.0])


def test_boxes_about_one_palm_are_averaged_by_confidence() -> None:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.1, 0.0, 1.1, 1.0], [3.0, 3.0, 4.0, 4.0]])
    points = np.zeros((3, 7, 2))
    points[1] = 1.0
    palms = merge(boxes, points, np.array([0.9, 0.6, 0.5]))
    assert len(palms) == 2
    box, marks, sure = palms[0]
    assert np.allclose(box, [0.04, 0.0, 1.04, 1.0])
    assert np.allclose(marks, 0.4)
    assert sure == 0.9
    assert palms[1][2] == 0.5


@pytest.mark.parametrize(
    ("direction", "angle"), [((0, -1), 0.0), ((1, 0), 90.0), ((-1, 0), -90.0), ((1, -1), 45.0)]
)
def test_a_hand_that_points_up_is_not_turned(direction: tuple[float, float], angle: float) -> None:
    assert math.degrees(turn(np.zeros(2), np.array(direction, float))) == pytest.approx(angle)
