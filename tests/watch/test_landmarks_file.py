"""Files of landmarks: round trips, others' files, and files that are damaged or hostile."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musclehand.core.errors import OutputError
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.landmarks_file import (
    LandmarksError,
    read_landmarks,
    write_landmarks,
)


def make_landmarks(frames: int = 40, seed: int = 0) -> HandLandmarks:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1000, (frames, 2, 21, 2)).astype(np.float32)
    seen = rng.random((frames, 2)) < 0.8
    points[~seen] = np.nan
    return HandLandmarks(
        time=np.arange(frames) / 30,
        points=points,
        presence=np.where(seen, rng.random((frames, 2)), 0).astype(np.float32),
        bridged=seen & (rng.random((frames, 2)) < 0.1),
        size=(1280, 720),
        source={"film": "a.mp4", "detector": "none"},
    )


def write_own(path: Path, **changes: Any) -> Path:
    """A file as others write it."""
    landmarks = make_landmarks()
    content: dict[str, Any] = {
        "time": landmarks.time,
        "points": landmarks.points,
        "size": (1280, 720),
        **changes,
    }
    with h5py.File(path, "w") as file:
        file.attrs["format"], file.attrs["version"] = "musclehand-landmarks", 1
        for name, values in content.items():
            if values is not None:
                file[name] = values
    return path


def assert_same(first: HandLandmarks, second: HandLandmarks) -> None:
    for name in ("time", "points", "presence", "bridged"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.size == second.size
    assert dict(first.source) == dict(second.source)


@pytest.mark.parametrize("frames", [2, 40, 3000])
def test_what_is_written_is_read(tmp_path: Path, frames: int) -> None:
    landmarks = make_landmarks(frames)
    write_landmarks(tmp_path / "a.h5", landmarks)
    assert_same(read_landmarks(tmp_path / "a.h5"), landmarks)


def test_bytes_depend_on_the_landmarks_alone(tmp_path: Path) -> None:
    write_landmarks(tmp_path / "a.h5", make_landmarks())
    write_landmarks(tmp_path / "b.h5", make_landmarks())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@given(
    data=st.data(),
    frames=st.integers(2, 6),
    source=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_landmarks_are_read_as_written(
    tmp_path: Path, data: st.DataObject, frames: int, source: dict[str, str]
) -> None:
    numbers = st.floats(-1e5, 1e5, width=32)
    points = data.draw(hnp.arrays("f4", (frames, 2, 21, 2), elements=numbers))
    points[data.draw(hnp.arrays(bool, (frames, 2)))] = np.nan
    seen = np.isfinite(points[:, :, 0, 0])
    steps = data.draw(hnp.arrays(float, frames, elements=st.floats(1e-3, 10)))
    landmarks = HandLandmarks(
        np.cumsum(steps), points, seen.astype("f4"), seen & False, (640, 480), source
    )
    write_landmarks(tmp_path / "a.h5", landmarks)
    assert_same(read_landmarks(tmp_path / "a.h5"), landmarks)


def test_files_of_others_are_read(tmp_path: Path) -> None:
    landmarks = make_landmarks()
    result = read_landmarks(write_own(tmp_path / "a.h5"))
    np.testing.assert_array_equal(result.points, landmarks.points)
    assert ((result.presence == 1) == landmarks.detected).all()
    assert not result.bridged.any()
    assert not result.source


def test_a_third_column_is_ignored(tmp_path: Path) -> None:
    points = make_landmarks().points.astype(float)
    deep = np.concatenate([points, np.full((*points.shape[:3], 1), 1e30)], axis=3)
    result = read_landmarks(write_own(tmp_path / "a.h5", points=deep))
    np.testing.assert_array_equal(result.points, points)


def test_a_hand_with_a_missing_point_is_missing(tmp_path: Path) -> None:
    points = np.array(make_landmarks().points)
    points[3, 0] = 5.0
    points[3, 0, 7, 1] = np.nan
    result = read_landmarks(write_own(tmp_path / "a.h5", points=points))
    assert np.isnan(result.points[3, 0]).all()
    assert result.presence[3, 0] == 0


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"points": None}, "points"),
        ({"time": None}, "time"),
        ({"size": None}, "size"),
        ({"points": np.zeros((40, 2, 20, 2))}, r"\(40, 2, 20, 2\)"),
        ({"points": np.zeros((39, 2, 21, 2))}, r"\(39, 2, 21, 2\)"),
        ({"points": np.zeros((40, 2, 21, 4))}, r"\(40, 2, 21, 4\)"),
        ({"points": np.zeros((40, 2, 21, 2), "i4")}, "int32"),
        ({"points": np.full((40, 2, 21, 2), np.inf)}, "farther"),
        ({"points": np.full((40, 2, 21, 2), 1e8)}, "farther"),
        ({"time": np.zeros(40)}, "ascend"),
        ({"time": np.full(40, np.nan)}, "ascend"),
        ({"time": np.zeros((40, 1))}, "points"),
        ({"time": 3.0}, "points"),
        ({"size": (0, 720)}, "size"),
        ({"size": (1280, 720, 3)}, "size"),
        ({"size": (1280.0, 720.0)}, "size"),
        ({"presence": np.full((40, 2), 2.0)}, "presence"),
        ({"presence": np.full((40, 2), np.nan)}, "presence"),
        ({"presence": np.zeros((40, 3))}, "presence"),
        ({"bridged": np.zeros((40, 1), bool)}, "bridged"),
        ({"header": np.frombuffer(b"[1]", "u1")}, "header"),
        ({"header": np.frombuffer(b'{"a": 1}', "u1")}, "header"),
        ({"header": np.frombuffer(b"[" * 90_000, "u1")}, "damaged"),
        ({"header": np.zeros(200_000, "u1")}, "header"),
    ],
)
def test_illegal_files_are_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    path = write_own(tmp_path / "a.h5", **changes)
    with pytest.raises(LandmarksError, match=problem) as caught:
        read_landmarks(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_other_formats_and_versions_are_refused(tmp_path: Path) -> None:
    path = write_own(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 2
    with pytest.raises(LandmarksError, match="of version 2"):
        read_landmarks(path)
    with h5py.File(path, "a") as file:
        del file.attrs["format"]
    with pytest.raises(LandmarksError, match="its format is not"):
        read_landmarks(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(LandmarksError, match="not an HDF5 file"):
        read_landmarks(path)
    with pytest.raises(LandmarksError, match="No such file"):
        read_landmarks(tmp_path / "none.h5")


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = write_own(tmp_path / "a.h5", points=None)
    with h5py.File(path, "a") as file:
        shape = (40, 2, 21, 2)
        file.create_dataset("points", shape, "f4", chunks=shape, compression="gzip", fillvalue=1.0)
    with pytest.raises(LandmarksError, match="compressed or not there"):
        read_landmarks(path)


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    write_own(tmp_path / "b.h5")
    path = write_own(tmp_path / "a.h5", points=None)
    with h5py.File(path, "a") as file:
        file["points"] = h5py.ExternalLink(str(tmp_path / "b.h5"), "points")
    with pytest.raises(LandmarksError, match="not in the file itself"):
        read_landmarks(path)


def test_a_folder_that_is_missing_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_landmarks(tmp_path / "none" / "a.h5", make_landmarks())


@given(
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    cut=st.one_of(st.none(), st.floats(0, 1)),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_refused(
    tmp_path: Path, edits: list[tuple[float, int]], cut: float | None
) -> None:
    whole = tmp_path / "whole.h5"
    if not whole.exists():
        write_landmarks(whole, make_landmarks(4))
    data = bytearray(whole.read_bytes())
    for place, value in edits:
        data[int(place * len(data))] = value
    if cut is not None:
        del data[int(cut * len(data)) :]
    path = tmp_path / "damaged.h5"
    path.write_bytes(data)
    lines, size = 1, 0
    try:
        size = read_landmarks(path).points.nbytes
    except LandmarksError as error:
        lines += str(error).count("\n")
    assert lines == 1
    assert size < 100_000
