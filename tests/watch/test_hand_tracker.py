"""The tracker with painted hands: places, losses, crossings, and the state between pictures."""

import numpy as np
import pytest
from PIL import Image

from musclehand.watch.hand_tracker import HandTracker, Tracked, search_windows
from support.painted_hands import SIZE, PaintedLandmarks, PaintedPalms, hand_shape, paint

AREA = (0.0, 0.0, float(SIZE[0]), float(SIZE[1]))


def tracker() -> HandTracker:
    return HandTracker(PaintedPalms(), PaintedLandmarks(), rate=30.0, area=AREA)


def follow(tracking: HandTracker, paths: list[list[tuple[float, float] | None]]) -> list[Tracked]:
    return [tracking.track(Image.fromarray(paint(middles))) for middles in paths]


def still(count: int) -> list[list[tuple[float, float] | None]]:
    return [[(80, 80), (240, 80)]] * count


def test_both_hands_are_detected_and_then_followed_without_the_palm_network() -> None:
    tracking = tracker()
    results = follow(tracking, still(10))
    for result in results:
        assert np.allclose(result.points[0], hand_shape(0, (80, 80)), atol=0.6)
        assert np.allclose(result.points[1], hand_shape(1, (240, 80)), atol=0.6)
        assert (result.presence > 0.9).all()
    assert tracking._palms.count == 1


def test_a_hand_that_leaves_is_missing_and_comes_back_to_its_place() -> None:
    tracking = tracker()
    path = [*still(5), *[[None, (240, 80)]] * 40, *still(10)]
    results = follow(tracking, path)
    assert all(np.isnan(result.points[0]).all() for result in results[5:45])
    assert all(result.presence[0] == 0 for result in results[5:45])
    assert np.isfinite([result.points[1] for result in results]).all()
    back = [k for k in range(45, 55) if np.isfinite(results[k].points[0]).all()]
    assert back[0] <= 45 + 6


def test_a_missing_hand_is_searched_seldom() -> None:
    tracking = tracker()
    follow(tracking, [[None, (240, 80)]] * 66)
    windows = sum(len(group) for group in search_windows(AREA))
    assert tracking._palms.count <= windows * (6 + 11)


def test_hands_that_cross_keep_their_places() -> None:
    tracking = tracker()
    steps = np.linspace(0, 1, 41)
    path = [[(80 + 160 * s, 60), (240 - 160 * s, 100)] for s in steps]
    results = follow(tracking, path)
    assert np.allclose(results[-1].points[0], hand_shape(0, (240, 60)), atol=0.6)
    assert np.allclose(results[-1].points[1], hand_shape(1, (80, 100)), atol=0.6)


def test_one_hand_is_not_followed_twice() -> None:
    tracking = tracker()
    follow(tracking, still(3))
    state = tracking.state
    state[1, 1:5] = state[0, 1:5]
    tracking.resume(state)
    result = follow(tracking, [[(80, 80), None]])[0]
    assert np.isfinite(result.points[0]).all()
    assert np.isnan(result.points[1]).all()


def test_no_hands() -> None:
    result = follow(tracker(), [[None, None]])[0]
    assert np.isnan(result.points).all()
    assert (result.presence == 0).all()
    assert (result.right == 0.5).all()


def test_hands_outside_the_area_are_not_followed() -> None:
    tracking = HandTracker(
        PaintedPalms(), PaintedLandmarks(), rate=30.0, area=(0.0, 0.0, 160.0, 160.0)
    )
    result = follow(tracking, still(1))[0]
    assert np.isfinite(result.points[0]).all()
    assert np.isnan(result.points[1]).all()


@pytest.mark.parametrize("cut", [1, 5, 7, 20])
def test_the_state_is_all_that_the_next_picture_depends_on(cut: int) -> None:
    path = [*still(5), *[[None, (240, 80)]] * 8, *still(10)]
    whole = follow(tracker(), path)
    first = tracker()
    follow(first, path[:cut])
    second = tracker()
    second.resume(first.state)
    for result, expected in zip(follow(second, path[cut:]), whole[cut:], strict=True):
        for got, want in zip(result, expected, strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("area", [(0, 0, 1280, 720), (100, 300, 1200, 560), (0, 0, 500, 900)])
def test_windows_cover_the_area_and_overlap(area: tuple[float, float, float, float]) -> None:
    whole, *groups = search_windows(area)
    (x, y, side), *rest = whole
    assert not rest
    assert x <= area[0]
    assert y <= area[1]
    assert x + side >= area[2]
    assert y + side >= area[3]
    rng = np.random.default_rng(0)
    for group in groups:
        for point in rng.uniform(area[:2], area[2:], (200, 2)):
            assert any(
                x <= point[0] <= x + side and y <= point[1] <= y + side for x, y, side in group
            )
