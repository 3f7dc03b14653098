"""Pictures to check: keys, skeletons and fingers are where they are in the film."""

import numpy as np
import pytest

from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.watch.check_film import FilmPictures, draw_film, draw_sheet
from musclehand.watch.drawing import BONES, HAND_COLOURS, CheckDrawing
from musclehand.watch.film import open_film
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.view import KeyboardView

SIZE = (640, 360)
VIEW = KeyboardView(SIZE, 300.0, np.diag([1.0, -1.0, -1.0]), np.array([0.0, 0.07, 0.6]))
NOTE = Note(0.5, 60, 1.0, hand=Hand.RIGHT, finger=Finger.INDEX)


@pytest.fixture
def drawing() -> CheckDrawing:
    time = np.arange(45) / 30.0
    points = np.full((45, 2, 21, 2), np.nan)
    points[:, 1] = [300.0, 300.0] + 5.0 * np.arange(42).reshape(21, 2) % 50
    marks = HandLandmarks(time, points, np.ones((45, 2)), np.zeros((45, 2), dtype=bool), SIZE)
    return CheckDrawing(VIEW, marks, Score((NOTE,)))


def grey() -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), 90, dtype=np.uint8)


def test_a_key_is_coloured_while_its_note_sounds(drawing: CheckDrawing) -> None:
    x, y = VIEW.to_pixels(np.array([drawing.geometry.x[60 - 21], 0.02, 0.0])).round().astype(int)
    before = np.asarray(drawing.draw(grey(), 0.4))[y, x]
    during = np.asarray(drawing.draw(grey(), 0.6))[y, x].astype(int)
    assert np.ptp(before) < 30
    assert during[0] - during[2] > 50  # Orange, the right hand.


def test_bones_connect_the_wrist_with_all_points() -> None:
    assert {end for _, end in BONES} == set(range(1, 21))


def test_a_hand_that_is_not_in_view_is_not_drawn(drawing: CheckDrawing) -> None:
    picture = np.asarray(drawing.draw(grey(), 0.1))
    assert (picture == HAND_COLOURS[Hand.RIGHT]).all(axis=2).any()
    assert not (picture == HAND_COLOURS[Hand.LEFT]).all(axis=2).any()


def test_a_film_without_pictures_has_the_length_of_its_landmarks(
    drawing: CheckDrawing, tmp_path
) -> None:
    pictures = FilmPictures(None, SIZE, 0.0, None)
    draw_sheet(tmp_path / "sheet.png", drawing, pictures)
    draw_film(tmp_path / "check.mp4", drawing, pictures, None)
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    film = open_film(tmp_path / "check.mp4")
    assert film.size == SIZE
    assert film.duration == pytest.approx(1.5, abs=0.11)
