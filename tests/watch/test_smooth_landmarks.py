"""Gaps, outliers and jitter against closed forms."""

import numpy as np
import pytest

from musclehand.watch.smooth_landmarks import CUT_OFF, runs, smooth
from support.painted_hands import hand_shape

RATE = 30.0


def still(frames: int) -> np.ndarray:
    points = np.empty((frames, 2, 21, 2))
    points[:, 0] = hand_shape(0, (80, 80))
    points[:, 1] = hand_shape(1, (240, 80))
    return points


def test_still_hands_stay_as_they_are() -> None:
    result = smooth(still(60), RATE)
    assert np.allclose(result.points, still(60), atol=1e-4)
    assert not result.bridged.any()


def test_an_even_motion_stays_as_it_is() -> None:
    points = still(90) + np.arange(90)[:, None, None, None]
    assert np.allclose(smooth(points, RATE).points, points, atol=0.02)


def test_a_short_gap_is_bridged_by_a_straight_line() -> None:
    points = still(60) + np.arange(60)[:, None, None, None]
    gap = points.copy()
    gap[20:26, 1] = np.nan
    result = smooth(gap, RATE)
    assert result.bridged[20:26, 1].all()
    assert result.bridged.sum() == 6
    assert np.allclose(result.points, points, atol=0.05)


def test_a_long_gap_stays() -> None:
    points = still(60)
    points[20:27, 0] = np.nan
    result = smooth(points, RATE)
    assert np.isnan(result.points[20:27, 0]).all()
    assert np.isfinite(result.points[:20, 0]).all()
    assert not result.bridged.any()


def test_a_hand_that_flashes_up_is_left_out() -> None:
    points = np.full((60, 2, 21, 2), np.nan)
    points[:, 0] = still(60)[:, 0]
    points[30:32, 1] = still(2)[:, 1]
    assert np.isnan(smooth(points, RATE).points[:, 1]).all()


def test_an_outlier_is_replaced() -> None:
    points = still(60)
    points[30, 0, 8] += [25.0, -10.0]
    assert np.allclose(smooth(points, RATE).points, still(60), atol=1e-3)


@pytest.mark.parametrize(("frequency", "kept"), [(1.0, 0.99), (CUT_OFF, 0.5), (14.0, 0.0)])
def test_the_filter_keeps_slow_motion_and_has_no_delay(frequency: float, kept: float) -> None:
    wave = 3 * np.sin(2 * np.pi * frequency * np.arange(300) / RATE)
    points = still(300) + wave[:, None, None, None]
    result = smooth(points, RATE).points - still(300)
    middle = slice(60, 240)
    gain = (result[middle, 0, 8, 0] @ wave[middle]) / (wave[middle] @ wave[middle])
    assert gain == pytest.approx(kept, abs=0.03)


def test_runs_join_over_short_gaps() -> None:
    seen = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], dtype=bool)
    assert runs(seen, 1) == [(1, 5), (8, 9)]
    assert runs(seen, 3) == [(1, 9)]
    assert runs(np.zeros(3, dtype=bool), 1) == []
