"""The one door to all formats: which file goes where, and errors that say what to do."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.core.errors import MusclehandError, UnknownName
from musclehand.motion.fingertip_track import MotionFileError
from musclehand.motion.published.reading import FORMATS, find_format, read_tracks
from support.published_files import write_elise, write_pianomime, write_rp1m


@pytest.fixture(scope="module")
def points():
    return np.full((5, 5, 3), 0.1), np.zeros((5, 3))


def test_formats_are_found_by_name(tmp_path, points):
    write_elise(tmp_path / "007", points, points)
    write_pianomime(tmp_path / "song_left.npy", *points)
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "clip.joblib").touch()
    assert find_format(tmp_path / "007") == "fuer-elise"
    assert find_format(tmp_path / "song_left.npy") == "pianomime"
    assert find_format(tmp_path / "a.zarr") == "rp1m"
    assert find_format(tmp_path / "clip.joblib") == "music"
    assert find_format(tmp_path / "007" / "motion.pkl") == "pickle"


def test_every_format_is_read(tmp_path, points):
    write_elise(tmp_path / "007", points, points)
    write_pianomime(tmp_path / "song_left.npy", *points)
    assert len(read_tracks(tmp_path / "007", allow_pickle=True)) == 2
    assert (
        len(
            read_tracks(
                tmp_path / "007" / "motion.pkl",
                format="fuer-elise",
                allow_pickle=True,
                side=Side.LEFT,
            )
        )
        == 1
    )
    (track,) = read_tracks(str(tmp_path / "song_left.npy"))
    assert track.side is Side.LEFT
    pytest.importorskip("zarr")
    write_rp1m(tmp_path / "a.zarr", {"Song": np.zeros((2, 5, 10, 3))})
    assert [t.side for t in read_tracks(tmp_path / "a.zarr", song="Song", take=1)] == [
        Side.RIGHT,
        Side.LEFT,
    ]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("piece_fingering.txt", "a score, not a motion"),
        ("piece.MID", "a score, not a motion"),
        ("clip.csv", "unknown kind of file '.csv'"),
        ("missing/clip.npy", "no such file"),
        ("folder/", "neither motion.pkl"),
    ],
)
def test_other_files_are_refused_with_advice(tmp_path, name, match):
    (tmp_path / "folder").mkdir()
    if "missing" not in name and not name.endswith("/"):
        (tmp_path / name).touch()
    with pytest.raises(MotionFileError, match=match):
        read_tracks(tmp_path / name)


def test_options_that_do_not_fit_are_refused(tmp_path, points):
    write_pianomime(tmp_path / "left.npy", *points)
    with pytest.raises(MotionFileError, match="only RP1M"):
        read_tracks(tmp_path / "left.npy", take=2)
    with pytest.raises(UnknownName, match="fuer-elise"):
        read_tracks(tmp_path / "left.npy", format="fuer_elise")


@pytest.mark.parametrize("format", FORMATS)
def test_any_format_refuses_any_other_file(tmp_path, format):
    file = tmp_path / "left.npy"
    file.write_bytes(b"\x00neither this nor that")
    with pytest.raises(MusclehandError):
        read_tracks(file, format=format, allow_pickle=True)
