"""The keyboard in pictures: drawn ones with exact truth, the film, and pictures without one."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.watch.view_search import KeyboardNotFound, find_keyboard, still_picture
from support.drawn_keyboards import camera, draw_keyboard, key_errors
from support.films import film_pictures, film_truth


@pytest.mark.parametrize("wood", [(25, 20, 18), (150, 110, 70)])
@pytest.mark.parametrize(
    "view",
    [
        camera(),
        camera(height=1.1, tilt_deg=28.0, focal=1050.0),
        camera(height=1.4, tilt_deg=10.0, roll_deg=4.0, x=0.03, focal=1250.0),
    ],
)
def test_a_drawn_keyboard_is_found_within_a_millimetre(view, wood):
    found = find_keyboard([draw_keyboard(view, wood=wood)])
    error = key_errors(found, view)
    assert error.mean() < 0.7e-3
    assert error.max() < 2e-3
    assert (found.lowest, found.highest) == (21, 108)
    assert found.residual < 1e-3


def test_the_film_is_found_with_its_hands():
    truth = film_truth().view
    found = find_keyboard(film_pictures(range(0, 150, 4)))
    error = key_errors(found, truth)
    assert error.mean() < 1.5e-3
    assert error.max() < 4e-3


def test_part_of_a_keyboard_needs_its_lowest_key():
    view = camera(height=0.8, x=0.1)
    picture = draw_keyboard(view)
    with pytest.raises(KeyboardNotFound, match="name the lowest"):
        find_keyboard([picture])
    edge = view.to_world(np.array([[0.0, 250.0]]), 0.0)[0, 0]
    lowest = next(k for k in range(88) if key_x()[k] > edge + 0.02) + 21
    found = find_keyboard([picture], lowest=lowest)
    assert abs(found.lowest - lowest) <= 2
    assert key_errors(found, view, (found.lowest - 21, found.highest - 21)).max() < 2e-3
    with pytest.raises(KeyboardNotFound, match="lowest key in the picture is"):
        find_keyboard([picture], lowest=lowest + 4)


def key_x():
    from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters

    return keyboard_geometry(load_piano_parameters()).x


def test_a_keyboard_of_61_keys_is_known_by_its_ends():
    view = camera()
    found = find_keyboard([draw_keyboard(view, keys=(15, 75))])
    assert (found.lowest, found.highest) == (36, 96)
    assert key_errors(found, view, (15, 75)).max() < 2e-3


def test_mirrored_and_turned_pictures_are_told():
    picture = draw_keyboard(camera())
    with pytest.raises(KeyboardNotFound, match="mirrored"):
        find_keyboard([picture[:, ::-1]])
    with pytest.raises(KeyboardNotFound, match="upside down"):
        find_keyboard([picture[::-1, ::-1]])
    with pytest.raises(KeyboardNotFound, match="upside down"):
        find_keyboard([picture[::-1]])


def pictures_without_a_keyboard():
    rng = np.random.default_rng(0)
    rows = np.arange(1280)
    stripes = np.tile((rows // 13 % 2 * 255).astype(np.uint8)[None, :, None], (720, 1, 3))
    bars = np.repeat(rng.integers(0, 2, 160) * 255, 8).astype(np.uint8)
    smooth = np.kron(rng.integers(0, 255, (9, 16, 3)), np.ones((80, 80, 1))).astype(np.uint8)
    return {
        "noise": rng.integers(0, 255, (720, 1280, 3)).astype(np.uint8),
        "stripes": stripes,
        "a bar code": np.tile(bars[None, :, None], (720, 1, 3)),
        "squares": smooth,
        "grey": np.full((720, 1280, 3), 128, np.uint8),
    }


@pytest.mark.parametrize("name", ["noise", "stripes", "a bar code", "squares", "grey"])
def test_pictures_without_a_keyboard_are_refused(name):
    with pytest.raises(KeyboardNotFound, match="no keyboard"):
        find_keyboard([pictures_without_a_keyboard()[name]])


def test_a_keyboard_that_is_half_hidden_is_refused():
    picture = draw_keyboard(camera()).copy()
    picture[:, 350:950] = (90, 120, 80)
    with pytest.raises(KeyboardNotFound):
        find_keyboard([picture])


def test_corners_by_hand_give_the_camera():
    view = camera(tilt_deg=12.0)
    x = key_x()
    left, right = x[0] - 0.01125, x[-1] + 0.01125
    world = np.array([[left, 0.15, 0], [right, 0.15, 0], [right, 0, 0], [left, 0, 0]])
    corners = view.to_pixels(world)
    plain = find_keyboard([np.full((720, 1280, 3), 200, np.uint8)], corners=corners)
    white = np.abs(plain.to_world(corners, 0.0) - world)
    assert white.max() < 2e-3
    # Four pixels of error by hand are made good by the picture.
    found = find_keyboard(
        [draw_keyboard(view)], corners=corners + np.array([[3, -3], [-2, 3], [3, 2], [-3, 3]])
    )
    assert key_errors(found, view).max() < 2e-3
    with pytest.raises(InvalidValue, match="corners"):
        find_keyboard([draw_keyboard(view)], corners=corners[::-1])
    with pytest.raises(InvalidValue, match="corners"):
        find_keyboard([draw_keyboard(view)], corners=np.full((4, 2), np.nan))


def test_the_median_removes_what_moves():
    still = np.full((180, 320, 3), 100, np.uint8)
    moved = []
    for step in range(9):
        picture = still.copy()
        picture[:, 30 * step : 30 * step + 60] = 255
        moved.append(picture)
    assert (still_picture(moved) == 100).all()


@pytest.mark.parametrize(
    "pictures",
    [[], [np.zeros((10, 10, 3), np.uint8)], [np.zeros((200, 400), np.uint8)]],
)
def test_pictures_of_illegal_shapes_are_refused(pictures):
    with pytest.raises(InvalidValue, match="pictures"):
        find_keyboard(pictures)
