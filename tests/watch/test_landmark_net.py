"""Crops and regions of the landmark network against closed forms."""

import math

import numpy as np
import pytest
from PIL import Image

from musclehand.watch.landmark_net import SIDE, LandmarkNetwork, affine, next_region
from musclehand.watch.palm import PalmDetector, Region
from support.hand_networks import hand_networks
from support.painted_hands import hand_shape


def test_the_middle_of_a_crop_is_the_middle_of_the_region() -> None:
    region = Region(300.0, 200.0, 112.0, 0.4)
    assert np.allclose(affine(region) @ [SIDE / 2, SIDE / 2, 1], [300, 200])


def test_up_in_a_crop_is_the_direction_of_the_fingers() -> None:
    region = Region(0.0, 0.0, 224.0, math.radians(30))
    top = affine(region) @ [SIDE / 2, 0, 1]
    assert np.allclose(top, [112 * math.sin(math.radians(30)), -112 * math.cos(math.radians(30))])


def test_a_crop_shows_a_mark_where_the_map_says() -> None:
    picture = np.zeros((200, 300, 3), dtype=np.uint8)
    picture[80:84, 150:154] = 255
    matrix = affine(Region(140.0, 90.0, 112.0, 0.7))
    crop = Image.fromarray(picture).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BILINEAR
    )
    rows, columns = np.nonzero(np.asarray(crop)[..., 0] > 128)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    assert np.allclose(matrix @ [*middle, 1], [152, 82], atol=0.2)


@pytest.mark.parametrize("degrees", [0, 35, -80, 170])
@pytest.mark.parametrize("size", [0.5, 2.0])
def test_the_next_region_turns_and_grows_with_the_hand(degrees: float, size: float) -> None:
    angle = math.radians(degrees)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    upright = next_region(hand_shape(1))
    region = next_region(size * hand_shape(1) @ turned.T + np.array([50, 70]))
    assert region.side == pytest.approx(size * upright.side)
    difference = region.angle - upright.angle - angle
    assert math.remainder(difference, 2 * math.pi) == pytest.approx(0, abs=1e-9)
    middle = size * turned @ [upright.x, upright.y] + np.array([50, 70])
    assert np.allclose([region.x, region.y], middle)


def test_the_region_holds_the_hand() -> None:
    points = hand_shape(0)
    region = next_region(points)
    assert (np.abs(points - [region.x, region.y]) < region.side / 2).all()


def test_the_networks_see_no_hand_in_an_even_picture() -> None:
    networks = hand_networks()
    picture = Image.new("RGB", (640, 360), (120, 110, 100))
    assert PalmDetector(networks.palm).detect(picture, (0.0, -140.0, 640.0)) == []
    hand = LandmarkNetwork(networks.landmarks).detect(picture, Region(320.0, 180.0, 200.0, 0.0))
    assert hand.presence < 0.5
