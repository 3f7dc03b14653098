"""The networks on the film of the tests, against its exact truth."""

import numpy as np
import pytest

from musclehand.watch.film import open_film
from musclehand.watch.landmarks import TIPS, HandLandmarks
from musclehand.watch.track_hands import detect_hands, orientation_fault
from support.films import FILM, film_truth
from support.hand_networks import hand_networks


@pytest.fixture(scope="module")
def landmarks() -> HandLandmarks:
    return detect_hands(open_film(FILM), networks=hand_networks(), stop=4.0)


def test_both_hands_are_seen_in_every_picture(landmarks: HandLandmarks) -> None:
    assert landmarks.detected.mean() >= 0.99
    assert orientation_fault(landmarks) is None


def test_points_are_within_four_millimetres_after_offsets(landmarks: HandLandmarks) -> None:
    truth = film_truth()
    true = truth.points[: len(landmarks.time)]
    away = 1e3 * (truth.view.to_world(landmarks.points, true[..., 2]) - true)[..., :2]
    after = np.linalg.norm(away - np.nanmedian(away, axis=0), axis=-1)
    assert np.nanmedian(after) <= 4.0
    assert np.nanmedian(after[:, :, list(TIPS)]) <= 4.0
    assert np.nanpercentile(after, 95) <= 12.0


def test_a_band_about_the_keyboard_is_enough() -> None:
    film = open_film(FILM)
    width, height = film.size
    band = (0.0, 0.15 * height, float(width), 0.7 * height)
    result = detect_hands(film, networks=hand_networks(), stop=0.5, band=band)
    assert result.detected.all()
