"""Retargeting of published files: every track becomes a clip, and progress counts all of them."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.motion.fingertip_track import MotionFileError
from musclehand.motion.published.reading import read_tracks
from musclehand.motion.published.retargeting import retarget_published
from musclehand.motion.retarget import retarget
from support.published_files import mirrored, playing, write_elise


@pytest.fixture(scope="module")
def piece(tmp_path_factory, right_hand):
    """A piece with both hands, eight frames each."""
    tips, wrist = playing(*right_hand, rate=20, seconds=0.4)
    folder = tmp_path_factory.mktemp("published") / "081"
    write_elise(folder, (tips[:8], wrist[:8]), (mirrored(tips[:8]), mirrored(wrist[:8])))
    return folder


def test_every_track_becomes_the_clip_that_retargeting_it_alone_gives(piece):
    results = retarget_published(piece, allow_pickle=True)
    tracks = read_tracks(piece, allow_pickle=True)
    assert [result.clip.side for result in results] == [Side.RIGHT, Side.LEFT]
    for result, track in zip(results, tracks, strict=True):
        clip, error = retarget(track)
        assert result.track.name == track.name == result.clip.name
        np.testing.assert_array_equal(result.clip.qpos, clip.qpos)
        np.testing.assert_array_equal(result.error.mean, error.mean)
        assert result.peak_joint_speed == pytest.approx(np.abs(clip.qvel).max())


def test_progress_is_the_motion_of_all_tracks_in_seconds(piece):
    calls = []
    results = retarget_published(
        piece, allow_pickle=True, progress=lambda done, total: calls.append((done, total))
    )
    total = sum(result.track.duration for result in results)
    done = [amount for amount, _ in calls]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(total)
    assert {amount for _, amount in calls} == {total}


def test_one_side_alone_and_a_pickle_that_is_not_allowed(piece):
    (result,) = retarget_published(piece, side=Side.LEFT, allow_pickle=True)
    assert result.clip.side is Side.LEFT
    with pytest.raises(MotionFileError, match="allow_pickle"):
        retarget_published(piece)
