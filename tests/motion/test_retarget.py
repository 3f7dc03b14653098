"""Retargeting: on files in each published layout our fingertips come closer than 3 mm to those
written."""

import mujoco
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from musclehand.body.anatomy import Side
from musclehand.body.build.scaling import scale_tables
from musclehand.core.errors import InvalidValue
from musclehand.motion.fingertip_track import FingertipTrack
from musclehand.motion.published.reading import read_tracks
from musclehand.motion.retarget import RATE, retarget
from musclehand.sim.scene import build_scene
from musclehand.validation.specimen import open_specimens
from support.published_files import (
    mirrored,
    myohand,
    playing,
    write_elise,
    write_music,
    write_pianomime,
    write_rp1m,
)

LIMIT = 0.003
"""What the fingertips of a retargeted clip may be off [m]."""


def large_hand(tables):
    specimen = open_specimens(
        "musclehand", side="right", tables=scale_tables(tables, hand_length=0.205)
    )[0]
    return specimen.model, specimen.hand


@pytest.fixture(scope="module", params=["own", "large", "myohand"])
def truth(request, right_hand, tables):
    """Fingertips and wrist of a hand that plays, by rate: our own hand's, a larger one's,
    MyoHand's."""
    model, hand = {
        "own": lambda: right_hand,
        "large": lambda: large_hand(tables),
        "myohand": myohand,
    }[request.param]()
    return lambda rate: playing(model, hand, rate=rate, seconds=0.8)


def check(track, tips):
    """Our fingertips at the file's frames, against the points that were written."""
    clip, error = retarget(track)
    assert clip.side is track.side
    assert clip.dt == 1 / RATE
    assert np.nanmax(error.max) < LIMIT
    assert error.in_limits == 1.0
    np.testing.assert_allclose(error.tracked, 1.0)
    at = np.arange(len(tips)) * track.dt
    inside = at <= (clip.frames - 1) * clip.dt + 1e-9
    ours = CubicSpline(np.arange(clip.frames) * clip.dt, clip.fingertips)(at[inside])
    assert np.linalg.norm(ours - tips[inside], axis=2).max() < LIMIT
    assert inside.sum() >= len(tips) - 1


def test_music_clips(tmp_path, truth):
    pytest.importorskip("joblib")
    tips, wrist = truth(60)
    write_music(tmp_path / "right.joblib", [(tips, wrist, 60)])
    (track,) = read_tracks(tmp_path / "right.joblib", allow_pickle=True)
    check(track, tips)


def test_fuer_elise_pieces(tmp_path, truth):
    tips, wrist = truth(60)
    write_elise(tmp_path / "001", (tips, wrist), (mirrored(tips), mirrored(wrist)))
    for track, points in zip(
        read_tracks(tmp_path / "001", allow_pickle=True), (tips, mirrored(tips)), strict=True
    ):
        check(track, points)


def test_rp1m_rollouts(tmp_path, truth):
    pytest.importorskip("zarr")
    tips, _ = truth(20)
    both_hands = np.concatenate([tips, mirrored(tips)], axis=1)[None]
    write_rp1m(tmp_path / "a.zarr", {"Song": both_hands})
    for track, points in zip(read_tracks(tmp_path / "a.zarr"), (tips, mirrored(tips)), strict=True):
        check(track, points)


def test_pianomime_arrays(tmp_path, truth):
    tips, wrist = truth(20)
    tips[..., 2] = np.maximum(tips[..., 2], -0.010)
    write_pianomime(tmp_path / "x_left_hand_action_list.npy", mirrored(tips), mirrored(wrist))
    (track,) = read_tracks(tmp_path / "x_left_hand_action_list.npy")
    check(track, mirrored(tips))


@pytest.mark.parametrize("side", list(Side))
def test_clip_agrees_with_the_scene(right_hand, side):
    """Forearm and joints of the clip, set in the scene of a performance, put the fingertips
    where the clip says."""
    tips, wrist = playing(*right_hand, rate=60, seconds=0.5)
    mirror = np.array([side.mirror, 1.0, 1.0])
    clip, _ = retarget(FingertipTrack("a", side, 1 / 60, tips * mirror, wrist * mirror))
    scene = build_scene(sides=(side,))
    data = mujoco.MjData(scene.model)
    hand = scene.hands[side]
    carrier = scene.forearms[side]
    for frame in (0, 20, clip.frames - 1):
        data.qpos[hand.qpos] = clip.qpos[frame]
        data.qpos[carrier.qpos] = clip.forearm[frame]
        mujoco.mj_kinematics(scene.model, data)
        np.testing.assert_allclose(data.site_xpos[hand.tips], clip.fingertips[frame], atol=2e-5)


def test_speeds_are_those_of_the_angles(right_hand):
    tips, wrist = playing(*right_hand, rate=60, seconds=0.5)
    clip, _ = retarget(FingertipTrack("a", Side.RIGHT, 1 / 60, tips, wrist))
    walked = np.cumsum(0.5 * (clip.qvel[1:] + clip.qvel[:-1]), axis=0) * clip.dt
    np.testing.assert_allclose(clip.qpos[0] + walked, clip.qpos[1:], atol=0.02)


def test_gaps_are_bridged_or_left_free(right_hand):
    tips, wrist = playing(*right_hand, rate=60, seconds=1.2)
    holes = tips.copy()
    holes[10:14, 1] = np.nan  # short: bridged
    holes[20:60, 3] = np.nan  # long: the finger is free
    holes[:, 4] = np.nan  # never seen
    holes[40] = np.nan
    clip, error = retarget(
        FingertipTrack("a", Side.RIGHT, 1 / 60, holes, np.full_like(wrist, np.nan))
    )
    assert np.nanmax(error.max) < LIMIT
    assert np.isnan(error.mean[4])
    assert 0.0 == error.tracked[4] < error.tracked[3] < error.tracked[1] < error.tracked[0] < 1.0
    assert np.linalg.norm(clip.fingertips[25] - tips[12], axis=1)[1] < 0.01
    assert np.isfinite(clip.qpos).all()


def test_what_our_hand_cannot_do_is_reported(right_hand):
    tips, wrist = playing(*right_hand, rate=60, seconds=0.3)
    tips[:, 4, 0] += 0.15
    _, error = retarget(FingertipTrack("a", Side.RIGHT, 1 / 60, tips, wrist))
    assert error.max.max() > 0.02
    assert error.in_limits == 1.0


def test_size_is_found(right_hand):
    """A hand more than twice as large: ours follows it better when it is made smaller."""
    tips, wrist = playing(*right_hand, rate=60, seconds=0.15)
    spread = wrist[:, None] + 2.3 * (tips - wrist[:, None])
    track = FingertipTrack("a", Side.RIGHT, 1 / 60, spread, wrist)
    _, plain = retarget(track)
    clip, fitted = retarget(track, scale=None)
    assert fitted.scale < 1.0
    assert fitted.mean.mean() < plain.mean.mean()
    assert f"{fitted.scale:g}" in clip.source["retargeted"]


def test_progress_ends_at_the_end(right_hand):
    tips, wrist = playing(*right_hand, rate=60, seconds=0.3)
    calls = []
    retarget(
        FingertipTrack("a", Side.RIGHT, 1 / 60, tips, wrist),
        progress=lambda *step: calls.append(step),
    )
    assert calls[-1][0] == calls[-1][1]
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_scales_that_make_no_sense_are_refused():
    track = FingertipTrack("a", Side.RIGHT, 0.05, np.zeros((3, 5, 3)), np.zeros((3, 3)))
    for scale in (0.0, 3.0, float("nan")):
        with pytest.raises(InvalidValue, match="scale"):
            retarget(track, scale=scale)
