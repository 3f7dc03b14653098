"""The worlds of the data sets: their keys, as their sources place them, must fall on ours."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.fingertip_track import (
    OUR_KEY_PITCH,
    FingertipTrack,
    KeyboardFrame,
    MotionFileError,
    make_track,
    require_side,
    side_in_name,
)
from musclehand.motion.published.pickled_clips import ELISE_FRAME, MUSIC_FRAME
from musclehand.motion.published.robopianist_sets import ROBOPIANIST_FRAME
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters


@pytest.fixture(scope="module")
def keys():
    return keyboard_geometry(load_piano_parameters())


def test_key_pitch_is_that_of_the_piano():
    params = load_piano_parameters()
    assert params.white_width + params.white_gap == pytest.approx(OUR_KEY_PITCH)


def test_white_fronts_of_robopianist_fall_on_ours(keys):
    whites = np.flatnonzero(~keys.black)
    length = 52 * 0.0225 + 51 * 0.001  # as piano_mjcf.py computes it
    y = -0.5 * length + 0.5 * 0.0225 + np.arange(52) * 0.0235
    fronts = np.stack([np.full(52, 0.075), y, np.full(52, 0.0225)], axis=1)
    ours = np.stack([keys.x[whites], keys.front_y[whites], keys.top_z[whites]], axis=1)
    np.testing.assert_allclose(ROBOPIANIST_FRAME.to_world(fronts), ours, atol=1e-9)


def test_white_fronts_of_music_fall_on_ours(keys):
    # piano_ds6.5.xml: key 0 at x = 0.6025, key 2 at 0.578873, key 87 at -0.6025; keys reach to y =
    # 0.148, tops at 0.
    fronts = np.array([[0.6025, 0.148, 0.0], [0.578873, 0.148, 0.0], [-0.6025, 0.148, 0.0]])
    np.testing.assert_allclose(MUSIC_FRAME.to_world(fronts)[:, 0], keys.x[[0, 2, 87]], atol=2e-6)
    np.testing.assert_allclose(MUSIC_FRAME.to_world(fronts)[:, 1:], 0.0, atol=1e-9)


def test_fuer_elise_has_treble_at_the_right_and_the_piano_ahead():
    front, ahead, treble = ELISE_FRAME.to_world(
        np.array([[0.1475, 0, -0.0008], [0.05, 0, 0], [0.1475, 0.3, 0.02]])
    )
    np.testing.assert_allclose(front, 0.0, atol=1e-12)
    assert ahead[1] > 0.09
    assert treble[0] > 0.29
    assert treble[2] > 0.02


@pytest.mark.parametrize("frame", [ROBOPIANIST_FRAME, MUSIC_FRAME, ELISE_FRAME])
def test_frames_are_rotations_and_turn_back(frame):
    np.testing.assert_allclose(frame.rotation @ frame.rotation.T, np.eye(3))
    assert np.linalg.det(frame.rotation) == pytest.approx(1.0)
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    np.testing.assert_allclose(frame.from_world(frame.to_world(points)), points, atol=1e-12)


def test_wider_keys_are_narrowed():
    frame = KeyboardFrame(np.eye(3), np.zeros(3), key_pitch=2 * OUR_KEY_PITCH)
    np.testing.assert_allclose(frame.to_world(np.array([1.0, 1.0, 1.0])), [0.5, 1.0, 1.0])


def test_sides_in_names(tmp_path):
    assert side_in_name(tmp_path / "Song_left_hand_action_list.npy") is Side.LEFT
    assert side_in_name(tmp_path / "right" / "clip.joblib") is Side.RIGHT
    assert side_in_name(tmp_path / "x" / "left_and_right.npy") is None
    assert require_side(tmp_path / "left.npy", Side.RIGHT) is Side.RIGHT
    with pytest.raises(MotionFileError, match="left or right"):
        require_side(tmp_path / "x" / "clip.npy", None)


def test_gaps_are_masked_and_other_units_refused(tmp_path):
    tips = np.zeros((4, 5, 3))
    tips[1, 2, 0] = np.inf
    tips[2, 3] = np.nan
    track = make_track(tmp_path, "a", Side.LEFT, rate=50.0, tips=tips, wrist=None, source={})
    assert track.tracked.sum() == 18
    assert not track.tracked[1, 2]
    assert np.isnan(track.wrist).all()
    assert track.duration == pytest.approx(0.06)
    for bad, match in (
        (tips + 40.0, "metres"),
        (tips * np.nan, "no frame"),
        (tips[:1], "1 frames"),
    ):
        with pytest.raises(MotionFileError, match=match):
            make_track(tmp_path, "a", Side.LEFT, rate=50.0, tips=bad, wrist=None, source={})
    with pytest.raises(MotionFileError, match="frames per second"):
        make_track(tmp_path, "a", Side.LEFT, rate=0.0, tips=tips, wrist=None, source={})


def test_tracks_of_wrong_shape_are_refused():
    with pytest.raises(InvalidValue, match="shapes"):
        FingertipTrack("a", Side.LEFT, 0.01, np.zeros((4, 4, 3)), np.zeros((4, 3)))
    with pytest.raises(InvalidValue, match="time between frames"):
        FingertipTrack("a", Side.LEFT, np.nan, np.zeros((4, 5, 3)), np.zeros((4, 3)))
