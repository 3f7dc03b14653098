"""MUSIC clips and FuerElise pieces: written in their layouts from known points, read back, and
damaged."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.motion.fingertip_track import MotionFileError
from musclehand.motion.published import pickled_clips
from musclehand.motion.published.pickled_clips import (
    read_fuer_elise,
    read_music,
    read_pickle,
    read_uncompressed,
)
from support.published_files import music_motion, write_elise, write_music

pytest.importorskip("joblib")


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(5)
    return rng.uniform(-0.3, 0.3, size=(7, 5, 3)), rng.uniform(-0.3, 0.3, size=(7, 3))


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 1), ("lzma", 1)])
def test_music_clips_come_back(tmp_path, points, compress):
    tips, wrist = points
    file = tmp_path / "right.joblib"
    write_music(file, [(tips, wrist, 60), (tips[:4], wrist[:4], 120)], compress=compress)
    first, second = read_music(file, allow_pickle=True)
    assert (first.side, first.dt, second.dt, second.name) == (
        Side.RIGHT,
        1 / 60,
        1 / 120,
        "right_001",
    )
    np.testing.assert_allclose(first.fingertips, tips, atol=1e-6)
    np.testing.assert_allclose(second.wrist, wrist[:4], atol=1e-6)
    assert "CC BY-NC" in first.source["licence"]


def test_music_tensors_come_back(tmp_path, points):
    torch = pytest.importorskip("torch")
    write_music(tmp_path / "left.joblib", [(*points, 60)], convert=torch.from_numpy)
    (track,) = read_music(tmp_path / "left.joblib", allow_pickle=True)
    assert track.side is Side.LEFT
    np.testing.assert_allclose(track.fingertips, points[0], atol=1e-6)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_fuer_elise_pieces_come_back(tmp_path, points, protocol):
    tips, wrist = points
    write_elise(tmp_path / "081", points, (-tips, -wrist), protocol=protocol)
    right, left = read_fuer_elise(tmp_path / "081", allow_pickle=True)
    assert (right.side, left.side, right.name) == (Side.RIGHT, Side.LEFT, "081_right")
    assert right.dt == pytest.approx(1001 / 60000)
    np.testing.assert_allclose(right.fingertips, tips, atol=1e-6)
    np.testing.assert_allclose(left.wrist, -wrist, atol=1e-6)
    (only,) = read_fuer_elise(tmp_path / "081" / "motion.pkl", side=Side.LEFT, allow_pickle=True)
    np.testing.assert_array_equal(only.fingertips, left.fingertips)


def test_pickles_of_either_set_are_told_apart(tmp_path, points):
    single = tmp_path / "right_clip.pkl"
    single.write_bytes(pickle.dumps(music_motion(*points, 60)))
    write_elise(tmp_path / "a", points, points)
    assert read_pickle(single, allow_pickle=True)[0].source["format"].startswith("MUSIC")
    assert len(read_pickle(tmp_path / "a" / "motion.pkl", allow_pickle=True)) == 2


@pytest.mark.parametrize("reader", [read_music, read_fuer_elise, read_pickle])
def test_pickles_have_to_be_allowed(tmp_path, points, reader):
    write_elise(tmp_path / "right", points, points)
    with pytest.raises(MotionFileError, match=r"--allow-pickle \(allow_pickle=True\)"):
        reader(tmp_path / "right" / "motion.pkl")


def test_files_of_other_layout_are_named(tmp_path, points):
    file = tmp_path / "left.pkl"
    good = music_motion(*points, 60)
    cases = [
        ([good._replace(pos=good.pos[:, :33])], "clip 0, pos"),
        ([good._replace(pos=good.pos.astype(int))], "must be floats"),
        ([good._replace(pos=good.pos[:1])], "1 frames"),
        ([good._replace(pos=good.pos * np.nan)], "no frame"),
        ([good._replace(pos=100 * good.pos)], "metres"),
        ([good._replace(pos="text")], "not an array"),
        ([good._replace(fps="fast")], "frames per second"),
        ([good._replace(fps=0)], "frames per second"),
        ([good, 7], r"clip 1\): is int"),
        ([], "hold a list of Motion"),
        ({"left": {"joints": np.zeros((4, 20, 3))}}, r"left joints\): float64 of shape"),
        ({"right": {"joints": None}}, "not an array"),
        ({"right": 4}, "has no"),
        ({}, "has no left hand"),
    ]
    for content, match in cases:
        file.write_bytes(pickle.dumps(content))
        with pytest.raises(MotionFileError, match=match):
            read_pickle(
                file, side=Side.RIGHT if "right" in content else Side.LEFT, allow_pickle=True
            )


def test_the_same_clip_over_and_over_is_refused(tmp_path, points):
    motion = music_motion(*points, 60)
    (tmp_path / "left.pkl").write_bytes(pickle.dumps([motion] * 100_000))
    with pytest.raises(MotionFileError, match="larger than the file"):
        read_music(tmp_path / "left.pkl", allow_pickle=True)


@pytest.mark.parametrize("name", ["zlib", "gzip", "bz2", "xz"])
def test_unpacking_stops_at_the_limit(tmp_path, monkeypatch, name):
    import joblib

    joblib.dump(np.zeros(2_000_000), tmp_path / "left.joblib", compress=(name, 9))
    monkeypatch.setattr(pickled_clips, "MAX_BYTES", 1_000_000)
    with pytest.raises(MotionFileError, match="more than 1000000 bytes"):
        read_uncompressed(tmp_path / "left.joblib", allow_pickle=True)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 1)])
def test_files_cut_short_are_refused(tmp_path, points, compress):
    file = tmp_path / "left.joblib"
    write_music(file, [(*points, 60)], compress=compress)
    original = file.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.99):
        file.write_bytes(original[: int(share * len(original))])
        with pytest.raises(MotionFileError, match=r"left\.joblib"):
            read_music(file, allow_pickle=True)


@given(st.data())
@settings(max_examples=100)
def test_damaged_clips_are_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    original = pickle.dumps([music_motion(np.full((2, 5, 3), 0.1), np.zeros((2, 3)), 60)])
    # Damage the descriptions, not the numbers, which may be any.
    places = [i for i in range(len(original)) if original[i] != 0]
    raw = bytearray(original)
    for place in data.draw(st.lists(st.sampled_from(places), max_size=5)):
        raw[place] = data.draw(st.integers(0, 255))
    (folder / "left.pkl").write_bytes(raw)
    try:
        tracks = read_pickle(folder / "left.pkl", allow_pickle=True)
    except MotionFileError:
        tracks = ()
    assert all(np.nanmax(np.abs(track.fingertips)) < 4 for track in tracks)
