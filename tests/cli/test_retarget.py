"""`musclehand retarget` as a user meets it."""

import os
import re

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.cli import main
from musclehand.motion.clip import read_clips
from support.published_files import mirrored, playing, write_elise, write_pianomime, write_rp1m


@pytest.fixture
def retarget(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder; its exit code, and what it says on stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words):
        code = main(["retarget", *words])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@pytest.fixture(scope="module")
def motion(right_hand):
    return playing(*right_hand, rate=20, seconds=1.0)


def test_an_array_becomes_a_clip(retarget, motion):
    write_pianomime("song_right.npy", *motion)
    code, out, err = retarget("song_right.npy", "--out", "clip.h5")
    assert (code, err) == (0, "")
    (clip,) = read_clips("clip.h5")
    assert (clip.name, clip.side, clip.dt, clip.frames) == ("song_right", Side.RIGHT, 0.008, 126)
    assert clip.source["format"] == "PianoMime action list"
    assert "Written to clip.h5" in out
    assert all(
        word in out
        for word in ("[mm]", "thumb", "little", "in limits", "100%", "song_right", "rad/s")
    )
    errors = [float(number) for number in re.findall(r"\d+\.\d\d", out)]
    assert errors
    assert max(errors) < 3.0


def test_both_hands_of_a_piece_become_two_clips(retarget, motion, tmp_path):
    tips, wrist = motion
    write_elise(tmp_path / "081", (tips[:8], wrist[:8]), (mirrored(tips[:8]), mirrored(wrist[:8])))
    code, _, err = retarget("081", "--out", "clip.h5")
    assert code == 2
    assert "--allow-pickle" in err
    assert retarget("081", "--out", "clip.h5", "--allow-pickle")[0] == 0
    left, right = read_clips("clip.h5")
    assert (left.side, right.side) == (Side.LEFT, Side.RIGHT)
    np.testing.assert_allclose(left.fingertips, mirrored(right.fingertips), atol=1e-4)
    assert (
        retarget("081", "--out", "one.h5", "--allow-pickle", "--side", "left", "--scale", "fit")[0]
        == 0
    )
    assert len(read_clips("one.h5")) == 1


def test_a_song_is_chosen(retarget, motion, tmp_path):
    pytest.importorskip("zarr")
    both_hands = np.concatenate([motion[0][:6], mirrored(motion[0][:6])], axis=1)
    write_rp1m(tmp_path / "a.zarr", {"SongA": both_hands[None], "SongB": both_hands[None]})
    code, _, err = retarget("a.zarr", "--out", "clip.h5")
    assert code == 2
    assert "SongA, SongB" in err
    assert retarget("a.zarr", "--song", "SongB", "--out", "clip.h5")[0] == 0
    assert [clip.name for clip in read_clips("clip.h5")] == ["SongB_000_left", "SongB_000_right"]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["missing.npy", "--out", "clip.h5"], "missing.npy: no such file"),
        (["bad_left.npy", "--out", "clip.h5"], "bad_left.npy: not a whole .npy"),
        (["good_left.npy", "--out", "clip.csv"], "HDF5"),
        (["good_left.npy", "--out", "there.h5"], "exists already"),
        (["good_left.npy", "--out", "nowhere/clip.h5"], "cannot write nowhere/clip.h5"),
        (["good_left.npy", "--out", "clip.h5", "--side", "both"], "left or right"),
        (["good_left.npy", "--out", "clip.h5", "--scale", "big"], "a number from 0.5 to 2, or fit"),
        (["good_left.npy", "--out", "clip.h5", "--scale", "9"], "0.5 to 2"),
        (["good_left.npy", "--out", "clip.h5", "--format", "mano"], "unknown motion format"),
        (["good_left.npy", "--out", "clip.h5", "--song", "x"], "only RP1M"),
        (["piece.txt", "--out", "clip.h5"], "a score, not a motion"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(retarget, motion, tmp_path, words, match):
    write_pianomime("good_left.npy", motion[0][:4], motion[1][:4])
    (tmp_path / "bad_left.npy").write_bytes((tmp_path / "good_left.npy").read_bytes()[:500])
    (tmp_path / "there.h5").write_text("mine")
    (tmp_path / "piece.txt").touch()
    before = sorted(os.listdir(tmp_path))
    code, out, err = retarget(*words)
    assert (code, out) == (2, "")
    assert match in err
    assert err.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "there.h5").read_text() == "mine"


def test_a_file_is_replaced_when_asked(retarget, motion, tmp_path):
    write_pianomime("a_left.npy", motion[0][:4], motion[1][:4])
    (tmp_path / "clip.h5").write_text("old")
    assert retarget("a_left.npy", "--out", "clip.h5", "--force")[0] == 0
    assert len(read_clips("clip.h5")) == 1
    assert sorted(os.listdir(tmp_path)) == ["a_left.npy", "clip.h5"]
