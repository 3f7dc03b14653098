"""Cameras in files: round trips, and whatever a file contains."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.watch.view import KeyboardView
from musclehand.watch.view_file import ViewError, read_view, write_view
from support.drawn_keyboards import camera

FIELDS = ("format", "version", "size", "focal_px", "rotation", "position_m", "lowest", "highest")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("view") / "view.json"


@given(
    st.floats(100, 5000),
    st.floats(-40, 40),
    st.floats(-10, 10),
    st.floats(-1, 1),
    st.integers(21, 60),
    st.integers(61, 108),
)
def test_a_camera_comes_back_as_it_was(path, focal, tilt, roll, x, lowest, highest):
    view = camera(focal=focal, tilt_deg=tilt, roll_deg=roll, x=x)
    view = KeyboardView(
        view.size, view.focal, view.rotation, view.position, lowest, highest, 0.00025
    )
    write_view(path, view)
    again = read_view(path)
    assert (again.size, again.focal, again.lowest) == (view.size, view.focal, lowest)
    assert (again.highest, again.residual) == (highest, 0.00025)
    assert np.array_equal(again.rotation, view.rotation)
    assert np.array_equal(again.position, view.position)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(st.sampled_from((*FIELDS, "residual_m")), json_values)
def test_a_field_of_any_content_is_read_or_refused(path, field, value):
    write_view(path, camera())
    content = json.loads(path.read_text())
    content[field] = value
    path.write_text(json.dumps(content))
    try:
        view = read_view(path)
    except ViewError as error:
        message = str(error)
    else:
        message = f"{path}: {np.isfinite(view.rotation).all()}"
    assert message.startswith(str(path))
    assert "\n" not in message


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(path, data):
    path.write_bytes(data)
    with pytest.raises(ViewError):
        read_view(path)


def test_missing_long_and_deep_files_are_refused(tmp_path):
    with pytest.raises(ViewError):
        read_view(tmp_path / "none.json")
    long = tmp_path / "long.json"
    long.write_bytes(b" " * 200_000)
    with pytest.raises(ViewError, match="longer"):
        read_view(long)
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 50_000)
    with pytest.raises(ViewError):
        read_view(deep)
