"""The keyboard's parameters and geometry, against published dimensions and closed forms."""

import dataclasses
import json
from importlib import resources

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, ModelError
from musclehand.music.pitch import is_black, parse_pitch
from musclehand.piano.geometry import (
    key_distance,
    key_top_point,
    keyboard_geometry,
    load_piano_parameters,
)

PARAMS = load_piano_parameters()
GEOMETRY = keyboard_geometry(PARAMS)


def key(name):
    return parse_pitch(name) - 21


def test_every_parameter_has_a_unit_and_a_known_source():
    table = json.loads(
        resources.files("musclehand.models.piano").joinpath("keyboard.json").read_text()
    )
    assert {row["source"] for row in table["parameters"].values()} == set(table["sources"])
    assert all(row["unit"] for row in table["parameters"].values())
    assert table["parameters"].keys() == {field.name for field in dataclasses.fields(PARAMS)}


def test_a_keyboard_of_52_white_and_36_black_keys_is_centred_and_grows_to_the_treble():
    assert (~GEOMETRY.black).sum() == 52
    np.testing.assert_array_equal(GEOMETRY.black, [is_black(p) for p in range(21, 109)])
    assert np.all(np.diff(GEOMETRY.x) > 0)
    assert GEOMETRY.x[0] == pytest.approx(-GEOMETRY.x[-1])
    # 52 keys of 22.5 mm and 51 gaps of 1 mm, as RoboPianist's PIANO_LENGTH
    total = GEOMETRY.x[-1] - GEOMETRY.x[0] + 0.0225
    assert total == pytest.approx(52 * 0.0225 + 51 * 0.001)


def test_an_octave_is_seven_white_keys():
    assert key_distance(GEOMETRY, 60, 72) == pytest.approx(7 * 0.0235)
    np.testing.assert_allclose(
        key_distance(GEOMETRY, np.arange(21, 97), np.arange(33, 109)), 7 * 0.0235
    )
    assert key_distance(GEOMETRY, 72, 60) == key_distance(GEOMETRY, 60, 72)
    with pytest.raises(InvalidValue, match="109"):
        key_distance(GEOMETRY, 60, 109)


def test_black_keys_stand_higher_and_further_in_between_their_neighbours():
    black = np.flatnonzero(GEOMETRY.black)
    assert np.all(GEOMETRY.x[black - 1] < GEOMETRY.back_x[black, 0])
    assert np.all(GEOMETRY.back_x[black, 1] < GEOMETRY.x[black + 1])
    np.testing.assert_allclose(GEOMETRY.top_z[black], 0.0125)
    np.testing.assert_allclose(GEOMETRY.front_y[black], 0.06)
    np.testing.assert_allclose(GEOMETRY.front_y[~GEOMETRY.black], 0.0)
    np.testing.assert_allclose(GEOMETRY.top_z[~GEOMETRY.black], 0.0)


def test_where_a_finger_may_press():
    np.testing.assert_allclose(GEOMETRY.press_y[key("C4")], [0, 0.06])
    np.testing.assert_allclose(GEOMETRY.press_y[key("C#4")], [0.06, 0.15])
    width = np.diff(GEOMETRY.back_x, axis=1)[:, 0]
    # D lies between two black keys, C beside one; A0 has one, C8 none
    assert width[key("D4")] == pytest.approx(1.2 * 0.0235 - 0.010)
    assert width[key("C4")] == pytest.approx(0.0225 - 0.0045 - 0.1 * 0.0235)
    assert width[key("A0")] == pytest.approx(0.0225 - 0.0045 + 0.0235 / 7)
    assert width[key("C8")] == pytest.approx(0.0225)
    assert width[key("C#4")] == pytest.approx(0.010)


def test_behind_their_fronts_the_keys_of_c_to_e_and_of_f_to_b_are_equally_far_apart():
    """The five keys C..E share the width of three white keys, the seven keys F..B that of four."""
    pitch = 0.0235
    left = GEOMETRY.x[key("C4")] - 0.5 * pitch
    for number, name in ((1, "C#4"), (3, "D#4")):
        assert GEOMETRY.x[key(name)] == pytest.approx(left + (number + 0.5) * 3 * pitch / 5)
    left = GEOMETRY.x[key("F4")] - 0.5 * pitch
    for number, name in ((1, "F#4"), (3, "G#4"), (5, "A#4")):
        assert GEOMETRY.x[key(name)] == pytest.approx(left + (number + 0.5) * 4 * pitch / 7)


def test_without_spread_black_keys_stand_over_the_gaps():
    geometry = keyboard_geometry(dataclasses.replace(PARAMS, black_spread=0.0))
    black = np.flatnonzero(geometry.black)
    np.testing.assert_allclose(
        geometry.x[black], 0.5 * (geometry.x[black - 1] + geometry.x[black + 1])
    )
    with pytest.raises(InvalidValue, match="black_spread"):
        dataclasses.replace(PARAMS, black_spread=1.5)


def test_the_front_edge_goes_down_by_the_travel():
    down = key_top_point(GEOMETRY, np.arange(88), GEOMETRY.front_y, GEOMETRY.full_angle)
    at_rest = key_top_point(GEOMETRY, np.arange(88), GEOMETRY.front_y)
    np.testing.assert_allclose(at_rest[:, 2], GEOMETRY.top_z, atol=1e-15)
    np.testing.assert_allclose(at_rest[:, 1], GEOMETRY.front_y, atol=1e-15)
    travel = np.where(GEOMETRY.black, 0.008, 0.010)
    # tan(angle) = travel / length is the published definition; the chord is shorter by its second
    # order
    np.testing.assert_allclose(at_rest[:, 2] - down[:, 2], travel, rtol=0.005)
    np.testing.assert_allclose(np.tan(GEOMETRY.full_angle), travel / GEOMETRY.length)
    np.testing.assert_allclose(down[:, 0], GEOMETRY.x)


def test_a_key_top_keeps_its_distance_to_the_hinge():
    keys = np.arange(88)
    for angle in (0.0, 0.03, 0.08):
        point = key_top_point(GEOMETRY, keys, 0.1, angle)
        radius = np.hypot(point[:, 1] - GEOMETRY.hinge_y, point[:, 2] - GEOMETRY.hinge_z)
        np.testing.assert_allclose(radius, np.hypot(0.05, GEOMETRY.top_z - GEOMETRY.hinge_z))
    assert key_top_point(GEOMETRY, keys, np.zeros((3, 1)), 0.01).shape == (3, 88, 3)


def test_sounding_angles_are_the_published_share_of_travel():
    share = GEOMETRY.on_angle / GEOMETRY.full_angle
    np.testing.assert_allclose(share[~GEOMETRY.black], 0.869, atol=5e-4)
    np.testing.assert_allclose(share[GEOMETRY.black], 0.902, atol=5e-4)
    assert np.all(GEOMETRY.off_angle < GEOMETRY.on_angle)
    assert np.all(GEOMETRY.off_angle > 0.5 * GEOMETRY.full_angle)


def test_the_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        GEOMETRY.x[0] = 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["parameters"].pop("armature"), "armature"),
        (lambda t: t["parameters"].update(colour={"value": 1}), "colour"),
        (lambda t: t["parameters"]["white_mass"].update(value=-1), "white_mass"),
        (lambda t: t["parameters"]["friction"].update(value=[1.0]), "friction"),
        (lambda t: t["parameters"]["damping"].update(value="much"), "much"),
        (lambda t: t["parameters"]["off_band"].update(value=0.001), "off_band"),
        (lambda t: t["parameters"]["black_rise"].update(value=None), "NoneType"),
        (lambda t: t.pop("parameters"), "parameters"),
    ],
)
def test_a_bad_table_is_named(tmp_path, change, message):
    table = json.loads(
        resources.files("musclehand.models.piano").joinpath("keyboard.json").read_text()
    )
    change(table)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(table))
    with pytest.raises(ModelError, match=message) as caught:
        load_piano_parameters(path)
    assert "mine.json" in str(caught.value)


def test_another_table_is_used_and_a_missing_one_is_named(tmp_path):
    table = json.loads(
        resources.files("musclehand.models.piano").joinpath("keyboard.json").read_text()
    )
    table["parameters"]["white_gap"]["value"] = 0.002
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(table))
    assert key_distance(keyboard_geometry(load_piano_parameters(path)), 60, 72) == pytest.approx(
        7 * 0.0245
    )
    with pytest.raises(ModelError, match="nowhere"):
        load_piano_parameters(tmp_path / "nowhere.json")
