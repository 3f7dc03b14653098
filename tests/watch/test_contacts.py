"""Fingertips on keys: distances against closed forms, gaps against interpolation."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Note, Score
from musclehand.watch.contacts import (
    LONGEST_GAP,
    area_distance,
    bundled_keys,
    find_touches,
    key_residuals,
    track_tips,
)
from musclehand.watch.landmarks import TIPS, HandLandmarks
from musclehand.watch.view import KeyboardView

DOWN = np.diag([1.0, -1.0, -1.0])
VIEW = KeyboardView((1280, 720), 1200.0, DOWN, np.array([0.0, 0.05, 1.3]))
KEYS = bundled_keys()
C4 = 60 - 21


def film(x: np.ndarray, *, hidden: slice | None = None) -> HandLandmarks:
    """A right hand whose fingertips are 20 mm apart; the thumb's tip is at x, 5 mm over the keys."""
    frames = len(x)
    world = np.zeros((frames, 2, 21, 3))
    for finger, tip in enumerate(TIPS):
        world[:, :, tip, 0] = x[:, None] + 0.02 * finger
    world[..., 1] = 0.03
    world[..., 2] = 0.005
    points = VIEW.to_pixels(world)
    if hidden is not None:
        points[hidden, 1] = np.nan
    points[:, 0] = np.nan
    visible = np.isfinite(points).all(axis=(2, 3))
    return HandLandmarks(
        np.arange(frames) / 30.0, points, visible.astype(float), np.zeros_like(visible), VIEW.size
    )


def test_inside_the_width_of_a_key_and_farther_in_there_is_no_distance() -> None:
    half = 0.5 * KEYS.width[C4]
    x = KEYS.x[C4] + np.array([-half, 0.0, half])
    places = np.stack([x, np.full(3, 0.05)], axis=1)
    assert np.allclose(area_distance(KEYS, np.full(3, C4), places), 0.0, atol=1e-12)
    deep = np.array([[KEYS.back_x[C4].mean(), 0.12]])
    assert area_distance(KEYS, np.array([C4]), deep)[0] == 0.0


def test_distances_beside_and_in_front_of_keys_are_those_of_a_rectangle() -> None:
    half = 0.5 * KEYS.width[C4]
    beside = np.array([[KEYS.x[C4] + half + 0.003, 0.05]])
    corner = np.array([[KEYS.x[C4] + half + 0.003, -0.004]])
    assert area_distance(KEYS, np.array([C4]), beside)[0] == pytest.approx(0.003)
    assert area_distance(KEYS, np.array([C4]), corner)[0] == pytest.approx(0.005)
    black = C4 + 1
    front = np.array([[KEYS.x[black], KEYS.front_y[black] - 0.006]])
    assert area_distance(KEYS, np.array([black]), front)[0] == pytest.approx(0.006)


def test_deep_in_a_white_key_is_only_as_wide_as_its_free_part() -> None:
    inside = np.array([[KEYS.x[C4], 0.12]])
    along, _, half = key_residuals(KEYS, np.array([C4]), inside)
    assert half[0] == pytest.approx(0.5 * np.diff(KEYS.back_x[C4])[0])
    assert along[0] == pytest.approx(KEYS.x[C4] - KEYS.back_x[C4].mean())


def test_keys_and_places_must_be_as_many() -> None:
    with pytest.raises(InvalidValue, match="number of keys"):
        key_residuals(KEYS, np.array([C4]), np.zeros((2, 2)))


def test_touches_are_mean_places_over_the_first_quarter_of_a_second() -> None:
    time = np.arange(90) / 30.0
    track = track_tips(film(0.1 * time), VIEW)
    touch = find_touches(track, Score((Note(1.0, 60, 3.0),)))
    assert touch.places[0, 1, 0] == pytest.approx([0.1 * (1.0 + 3.5 / 30.0), 0.03], abs=1e-9)
    assert touch.visible[0, 1].tolist() == [1.0] * 5
    assert np.isnan(touch.places[0, 0]).all()


def test_a_steady_motion_is_bridged_exactly_and_its_variance_grows_to_the_middle() -> None:
    time = np.arange(90) / 30.0
    track = track_tips(film(0.1 * time, hidden=slice(40, 51)), VIEW)
    assert track.places[0, 40:51, 1, 0, 0] == pytest.approx(0.1 * time[40:51])
    spread = track.spread[40:51, 1, 0]
    assert spread.argmax() == 5
    assert spread == pytest.approx(spread[::-1])
    assert not track.visible[40:51, 1].any()
    assert (track.spread[:40, 1] == 0.0).all()


def test_nothing_is_known_long_after_a_hand_was_lost() -> None:
    track = track_tips(film(np.zeros(150), hidden=slice(60, 150)), VIEW)
    finite = np.isfinite(track.places[0, :, 1, 0, 0])
    assert finite.sum() == pytest.approx(60 + LONGEST_GAP * 30, abs=1)
    assert finite[:60].all()
    assert not finite[-30:].any()


def test_notes_outside_of_the_film_have_no_touches() -> None:
    touch = find_touches(track_tips(film(np.zeros(30)), VIEW), Score((Note(9.0, 60, 10.0),)))
    assert np.isnan(touch.places).all()
    assert not touch.visible.any()
    empty = find_touches(track_tips(film(np.zeros(30)), VIEW), Score(()))
    assert empty.places.shape == (0, 2, 5, 2)
