"""Cameras as files: round trips, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.watch.view import KeyboardView
from musclehand.watch.view_file import LARGEST_FILE, ViewError, read_view, write_view

VIEW = KeyboardView(
    (1280, 720), 912.3, np.diag([1.0, -1.0, -1.0]), np.array([0.01, 0.07, 1.3]), 36, 96, 0.0007
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_view(tmp_path / "view.json", VIEW)
    return tmp_path / "view.json"


def test_a_camera_comes_back_exactly(path: Path) -> None:
    view = read_view(path)
    assert (view.size, view.focal, view.lowest, view.highest) == ((1280, 720), 912.3, 36, 96)
    assert np.array_equal(view.rotation, VIEW.rotation)
    assert np.array_equal(view.position, VIEW.position)
    assert view.residual == pytest.approx(0.0007)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "other", "not a camera"),
        ("version", 2, "version 2"),
        ("size_pixels", [1e9, 5], "whole number"),
        ("size_pixels", [100_000, 5], "8192"),
        ("focal_pixels", -1, "focal"),
        ("focal_pixels", 10**400, "too large"),
        ("rotation", np.eye(3).tolist()[:2], "shape"),
        ("rotation", (2 * np.eye(3)).tolist(), "orthogonal"),
        ("position_m", [0, 0, float("nan")], "finite"),
        ("position_m", [0, 0, 1e6], "within"),
        ("lowest_pitch", 97, "rising"),
        ("lowest_pitch", True, "whole number"),
        ("residual_mm", "x", "float"),
        ("residual_mm", float("inf"), "finite"),
    ],
)
def test_a_wrong_value_is_named(path: Path, name: str, value: object, message: str) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    content[name] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ViewError, match=message):
        read_view(path)


def test_a_missing_value_is_named(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["rotation"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ViewError, match="lacks 'rotation'"):
        read_view(path)


def test_a_missing_and_a_long_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ViewError):
        read_view(tmp_path / "none.json")
    (tmp_path / "long.json").write_bytes(b" " * (LARGEST_FILE + 1))
    with pytest.raises(ViewError, match="longer"):
        read_view(tmp_path / "long.json")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_are_cameras_or_refused(path: Path, data: st.DataObject) -> None:
    content = bytearray((path.parent / "view.json").read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    damaged = path.parent / "damaged.json"
    damaged.write_bytes(bytes(content))
    try:
        view = read_view(damaged)
    except ViewError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(view.to_pixels(view.position - [0.0, 0.0, 1.0])).all()
