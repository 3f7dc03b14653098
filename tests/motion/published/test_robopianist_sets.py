"""PianoMime arrays and RP1M folders: written in their layouts from known points, read back, and
damaged."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.motion.fingertip_track import MotionFileError
from musclehand.motion.published.robopianist_sets import (
    KEY_BOTTOM,
    read_pianomime,
    read_rp1m,
    song_names,
)
from support.published_files import write_pianomime, write_rp1m


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(5)
    return rng.uniform(0.0, 0.3, size=(7, 5, 3)), rng.uniform(0.0, 0.3, size=(7, 3))


@pytest.fixture(scope="module")
def rollouts():
    return np.random.default_rng(6).uniform(-0.3, 0.3, size=(3, 60, 10, 3))


@pytest.fixture
def folder(tmp_path, rollouts):
    pytest.importorskip("zarr")
    write_rp1m(tmp_path / "rp1m.zarr", {"SongA": rollouts, "SongB": -rollouts})
    return tmp_path / "rp1m.zarr"


def test_pianomime_arrays_come_back(tmp_path, points):
    tips, wrist = points
    write_pianomime(tmp_path / "Song_left_hand_action_list.npy", tips, wrist)
    (track,) = read_pianomime(tmp_path / "Song_left_hand_action_list.npy")
    assert (track.side, track.dt) == (Side.LEFT, 0.05)
    np.testing.assert_allclose(track.fingertips, tips, atol=1e-9)
    np.testing.assert_allclose(track.wrist[:, :2], wrist[:, :2], atol=1e-9)
    assert np.isnan(track.wrist[:, 2]).all()


def test_pianomime_presses_end_where_keys_end(tmp_path, points):
    table = np.zeros((3, 8, 6))
    np.save(tmp_path / "right.npy", table)
    (track,) = read_pianomime(tmp_path / "right.npy")
    np.testing.assert_allclose(track.fingertips[..., 2], KEY_BOTTOM)


def test_pianomime_files_of_other_layout_are_refused(tmp_path, points):
    file = tmp_path / "left.npy"
    for table, match in (
        (np.zeros((4, 6, 8)), r"\(T, 8, 6\)"),
        (np.zeros((4, 8, 6), dtype=int), "must be floats"),
        (np.zeros((1, 8, 6)), "1 frames"),
        (np.zeros((0, 8, 6)), "left.npy"),
        (np.full((4, 8, 6), np.nan), "no frame"),
        (np.full((4, 8, 6), 60.0), "metres"),
        (np.array([{"a": 1}] * 3, dtype=object), "not a whole .npy file"),
    ):
        np.save(file, table, allow_pickle=True)
        with pytest.raises(MotionFileError, match=match):
            read_pianomime(file)
    np.savez(tmp_path / "left.npz", a=np.zeros((4, 8, 6)))
    with pytest.raises(MotionFileError, match=r"several arrays|not a whole"):
        read_pianomime(tmp_path / "left.npz")
    with pytest.raises(MotionFileError, match="no such file"):
        read_pianomime(tmp_path / "left_missing.npy")


def test_sizes_that_an_array_file_does_not_have_are_refused(tmp_path):
    file = tmp_path / "left.npy"
    np.save(file, np.zeros((4, 8, 6)))
    file.write_bytes(file.read_bytes().replace(b"(4, 8, 6)", b"(99999999999, 8, 6)"[:9]))
    with pytest.raises(MotionFileError):
        read_pianomime(file)
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 8, 6), }"
    file.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + bytes(384)
    )
    with pytest.raises(MotionFileError, match="not a whole"):
        read_pianomime(file)


def test_files_longer_than_the_disk_are_refused(tmp_path):
    file = tmp_path / "left.npy"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 8, 6), }"
    file.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n")
    with file.open("r+b") as stream:
        stream.truncate(99999999 * 48 * 8 + 1000)
    with pytest.raises(MotionFileError, match="99999999 frames; at most"):
        read_pianomime(file)


@given(st.data())
@settings(max_examples=80)
def test_damaged_array_files_are_read_or_refused(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("fuzz") / "left.npy"
    np.save(file, np.zeros((3, 8, 6)))
    raw = bytearray(file.read_bytes())[: data.draw(st.integers(0, 1300))]
    for place in data.draw(st.lists(st.integers(0, 127), max_size=4)):
        if place < len(raw):
            raw[place] = data.draw(st.integers(0, 255))
    file.write_bytes(raw)
    try:
        (track,) = read_pianomime(file)
    except MotionFileError as error:
        track = error
    assert isinstance(track, MotionFileError) or track.fingertips.shape[1:] == (5, 3)


@pytest.mark.parametrize("take", [0, 2])
def test_rp1m_rollouts_come_back(folder, rollouts, take):
    assert song_names(folder) == ("SongA", "SongB")
    right, left = read_rp1m(folder, song="SongB", take=take)
    assert (right.side, left.side, right.dt) == (Side.RIGHT, Side.LEFT, 0.05)
    np.testing.assert_allclose(right.fingertips, -rollouts[take, :, :5], atol=1e-6)
    np.testing.assert_allclose(left.fingertips, -rollouts[take, :, 5:], atol=1e-6)
    (only,) = read_rp1m(folder, song="SongB", take=take, side=Side.LEFT)
    np.testing.assert_array_equal(only.fingertips, left.fingertips)


def test_rp1m_blocks_without_packing_come_back(tmp_path, rollouts):
    pytest.importorskip("zarr")
    write_rp1m(tmp_path / "a.zarr", {"Song": rollouts}, compressor=None)
    np.testing.assert_allclose(
        read_rp1m(tmp_path / "a.zarr", take=1)[0].fingertips, rollouts[1, :, :5], atol=1e-6
    )
    write_rp1m(tmp_path / "b.zarr", {"Song": rollouts}, compressor="zlib")
    with pytest.raises(MotionFileError, match="otherwise than with blosc"):
        read_rp1m(tmp_path / "b.zarr")


def test_rp1m_songs_and_rollouts_that_are_not_there_are_named(folder, tmp_path):
    for song, take, match in (
        (None, 0, "several songs; name one: SongA, SongB"),
        ("../SongA", 0, "has no song"),
        ("Other", 0, "has no song 'Other'"),
        ("SongA", 3, "3 rollouts; number 3"),
        ("SongA", -1, "number -1"),
    ):
        with pytest.raises(MotionFileError, match=match):
            read_rp1m(folder, song=song, take=take)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MotionFileError, match="not a zarr folder"):
        read_rp1m(tmp_path / "empty")
    (tmp_path / "empty" / "zarr.json").write_text("{}")
    with pytest.raises(MotionFileError, match="format 3"):
        read_rp1m(tmp_path / "empty")


def test_rp1m_stays_in_its_folder(folder, tmp_path):
    block = folder / "SongA" / "hand_fingertips" / "0.0.0"
    (tmp_path / "outside").write_bytes(block.read_bytes())
    block.unlink()
    with pytest.raises(MotionFileError, match=r"SongA/hand_fingertips/0\.0\.0\): missing"):
        read_rp1m(folder, song="SongA")
    block.symlink_to(tmp_path / "outside")
    with pytest.raises(MotionFileError, match="leads out of the folder"):
        read_rp1m(folder, song="SongA")
    (folder / "SongC").symlink_to(tmp_path)
    (tmp_path / "hand_fingertips").mkdir()
    (tmp_path / "hand_fingertips" / ".zarray").write_text("{}")
    with pytest.raises(MotionFileError, match="leads out of the folder"):
        read_rp1m(folder, song="SongC")


def test_rp1m_notes_are_looked_at_before_they_are_read(folder, tmp_path):
    notes = folder / "SongA" / "hand_fingertips" / ".zattrs"
    notes.unlink(missing_ok=True)
    notes.symlink_to(tmp_path / "outside")
    with pytest.raises(MotionFileError, match="leads out of the folder"):
        read_rp1m(folder, song="SongA")
    notes.unlink()
    notes.mkdir()
    with pytest.raises(MotionFileError, match="zattrs"):
        read_rp1m(folder, song="SongA")


def test_rp1m_blocks_cut_short_or_grown_are_refused(folder):
    block = folder / "SongA" / "hand_fingertips" / "0.1.0"
    content = block.read_bytes()
    grown = content[:4] + struct.pack("<I", 2**31 - 1) + content[8:]
    for raw in (b"", content[:10], content[:-1], grown):
        block.write_bytes(raw)
        with pytest.raises(MotionFileError, match=r"0\.1\.0\): cut short"):
            read_rp1m(folder, song="SongA")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"shape": [2**60, 60, 30]}, "shape"),
        ({"shape": [3, 60, 31]}, "shape"),
        ({"shape": [3, 60]}, "three numbers"),
        ({"chunks": [2**20, 2**20, 30]}, "blocks of"),
        ({"chunks": [0, 25, 30]}, "blocks of"),
        ({"dtype": "|O"}, "type"),
        ({"dtype": "<i4"}, "type"),
        ({"filters": [{"id": "pickle"}]}, "otherwise"),
        ({"compressor": {"id": "pickle"}}, "otherwise"),
        ({"dimension_separator": "/"}, "named with"),
        ({"zarr_format": 7}, "rp1m.zarr"),
        ({"order": "Q"}, "rp1m.zarr"),
        ({"fill_value": {"a": 1}}, "rp1m.zarr"),
    ],
)
def test_rp1m_descriptions_that_are_wrong_are_refused(folder, change, match):
    file = folder / "SongA" / "hand_fingertips" / ".zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(MotionFileError, match=match):
        read_rp1m(folder, song="SongA")


@given(st.data())
@settings(max_examples=60)
def test_damaged_folders_are_read_or_refused(tmp_path_factory, data):
    pytest.importorskip("zarr")
    folder = tmp_path_factory.getbasetemp() / "fuzz.zarr"
    if not folder.exists():
        write_rp1m(folder, {"Song": np.zeros((1, 3, 10, 3))})
    file = folder / "Song" / "hand_fingertips" / data.draw(st.sampled_from([".zarray", "0.0.0"]))
    content = file.read_bytes()
    raw = bytearray(content)[: data.draw(st.integers(0, len(content)))]
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        if place < len(raw):
            raw[place] = data.draw(st.integers(0, 255))
    try:
        file.write_bytes(raw)
        outcome = read_rp1m(folder)
    except MotionFileError as error:
        outcome = error
    finally:
        file.write_bytes(content)
    assert isinstance(outcome, MotionFileError) or len(outcome) == 2
