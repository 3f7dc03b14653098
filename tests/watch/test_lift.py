"""The lift against motions that are filmed exactly, with errors, and in part."""

import json
from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import read_clips, write_clips
from musclehand.music.score import Score
from musclehand.watch.landmarks import TIPS
from musclehand.watch.lift import lift
from musclehand.watch.lifting.config import LiftConfig
from support.lifted_hands import IK, RATE, film_hands

SHARP = LiftConfig(
    point_error=0.0005,
    least_point_error=0.0005,
    offset=1e-4,
    thumb_offset=1e-4,
    wrist_offset=1e-4,
    idle_error=0.03,
    size=0.2,
)
"""For points that are exact, and waiting fingers at any height."""


def tip_errors(lifted, film):
    """[m] Distances of fingertips from the truth."""
    distances = []
    for side, clip in lifted.clips.items():
        truth = film.places[:, 0 if side is Side.LEFT else 1][:, list(TIPS)]
        distances.append(np.linalg.norm(clip.fingertips - truth, axis=2))
    return np.concatenate(distances)


@pytest.fixture(scope="module")
def film():
    return film_hands(60)


@pytest.fixture(scope="module")
def lifted(film):
    return lift(film.landmarks, film.view, film.score, size=1.0, config=SHARP)


def test_exact_points_give_the_motion_back(film, lifted):
    assert np.median(tip_errors(lifted, film)) < 0.003
    for side, clip in lifted.clips.items():
        angles = film.u[side][:, :-4] @ IK.index.expand.T
        assert np.degrees(np.sqrt(np.mean((clip.qpos - angles) ** 2))) < 4.0


def test_contacts_give_heights(film):
    errors = {}
    for name, score in (("with", film.score), ("without", Score(()))):
        found = lift(film.landmarks, film.view, score, size=1.0)
        rows = []
        for note in film.score.notes:
            side = Side.LEFT if note.hand == 0 else Side.RIGHT
            frame = round(note.onset * RATE)
            truth = film.places[frame, int(note.hand), 4 * int(note.finger)]
            rows.append(found.clips[side].fingertips[frame, int(note.finger) - 1, 2] - truth[2])
        errors[name] = np.sqrt(np.mean(np.square(rows)))
    assert len(rows) > 5
    assert errors["with"] < 0.003 < errors["without"]


def test_angles_stay_within_their_limits_and_speeds_are_those_of_the_angles(lifted):
    low, high = HandIndex.from_model(IK.model, Side.RIGHT).limits(IK.model).T
    for clip in lifted.clips.values():
        assert (clip.qpos >= low).all()
        assert (clip.qpos <= high).all()
        np.testing.assert_allclose(
            clip.qvel, np.gradient(clip.qpos.astype(float), clip.dt, axis=0), atol=1e-4
        )


def test_fingertips_of_a_clip_are_those_of_its_angles_and_forearm(lifted):
    for side, clip in lifted.clips.items():
        for row in (0, 31, 59):
            IK.reset(clip.qpos[row, IK.index.independent].astype(float))
            yaw = float(clip.forearm[row, 3])
            turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
            tips = IK.tips() * [side.mirror, 1.0, 1.0]
            tips[:, :2] = tips[:, :2] @ turn.T
            np.testing.assert_allclose(
                tips + clip.forearm[row, :3], clip.fingertips[row], atol=2e-6
            )


def test_motion_does_not_jump_between_windows(film, lifted):
    short = replace(SHARP, window=0.5, ahead=0.5)
    pieces = lift(film.landmarks, film.view, film.score, size=1.0, config=short)
    for side, clip in pieces.clips.items():
        whole = lifted.clips[side]
        assert np.abs(np.diff(clip.qpos, axis=0)).max() < 1.2 * np.abs(
            np.diff(whole.qpos, axis=0)
        ).max() + np.radians(2.0)
        assert np.degrees(np.abs(clip.qpos - whole.qpos)).mean() < 1.0


def test_the_size_of_a_hand_is_found_and_its_fingertips_stay_where_they_are():
    film = film_hands(60, size=1.1)
    found = lift(film.landmarks, film.view, film.score, config=SHARP)
    assert found.size == pytest.approx(1.1, abs=0.02)
    assert found.hand_length == pytest.approx(0.17141 * found.size, rel=1e-3)
    assert np.median(tip_errors(found, film)) < 0.008


def test_constant_displacements_are_found():
    offsets = np.zeros((21, 2))
    offsets[8] = (6.0, 0.0)
    film = film_hands(60, offsets=offsets, sides=(Side.RIGHT,))
    plain = film_hands(60, sides=(Side.RIGHT,))
    found, without = (lift(x.landmarks, x.view, x.score, size=1.0).offsets for x in (film, plain))
    # A pixel is about 1 mm, and right is the side away from a right hand's thumb.
    assert np.linalg.norm(found[8] - without[8]) > 0.002
    assert np.abs(found[12] - without[12]).max() < 0.002


def test_hidden_hands_are_bridged_and_long_gaps_marked(film):
    points = film.landmarks.points.copy()
    points[20:24, 1] = np.nan
    points[35:55, 1] = np.nan
    presence = np.isfinite(points[..., 0, 0]).astype(float)
    landmarks = replace(film.landmarks, points=points, presence=presence)
    found = lift(landmarks, film.view, film.score, size=1.0)
    assert found.seen[Side.RIGHT][20:24].all()
    assert not found.seen[Side.RIGHT][36:54].any()
    assert found.seen[Side.LEFT].all()
    (gap,) = found.gaps(Side.RIGHT)
    assert gap == pytest.approx((35 / RATE, 55 / RATE))
    truth = film.u[Side.RIGHT][:, -4:-1]
    away = np.linalg.norm(found.clips[Side.RIGHT].forearm[:, :3] - truth, axis=1)
    assert away[20:24].max() < 0.02
    assert away[35:55].max() < 0.06


def test_a_hand_that_is_in_no_frame_has_no_clip():
    film = film_hands(20, sides=(Side.LEFT,))
    assert set(lift(film.landmarks, film.view, film.score, size=1.0).clips) == {Side.LEFT}
    nothing = replace(film.landmarks, points=np.full_like(film.landmarks.points, np.nan))
    with pytest.raises(InvalidValue, match="no hand"):
        lift(nothing, film.view, film.score)


def test_notes_of_a_wrong_finger_are_refused(film):
    wrong = [replace(note, pitch=note.pitch + 12) for note in film.score.notes]
    found = lift(film.landmarks, film.view, Score(tuple(wrong)), size=1.0)
    refused = sum(errors.contact_notes_refused for errors in found.errors.values())
    assert refused == len(wrong)


def test_a_lift_that_was_stopped_goes_on_to_the_same_bits(film, tmp_path):
    config = LiftConfig(window=0.5, ahead=0.3)
    whole = lift(film.landmarks, film.view, film.score, config=config)

    class Stopped(Exception):
        pass

    def stop(done, total):
        if done > 0.6 * total:
            raise Stopped

    with pytest.raises(Stopped):
        lift(film.landmarks, film.view, film.score, config=config, out=tmp_path, progress=stop)
    kept = sorted(tmp_path.iterdir())
    assert kept
    kept[0].write_bytes(b"damaged")
    resumed = lift(film.landmarks, film.view, film.score, config=config, out=tmp_path)
    for side, clip in whole.clips.items():
        assert clip.qpos.tobytes() == resumed.clips[side].qpos.tobytes()
        assert clip.forearm.tobytes() == resumed.clips[side].forearm.tobytes()


def test_clips_go_through_a_file_and_figures_through_json(lifted, tmp_path):
    write_clips(tmp_path / "motion.h5", lifted.clips.values())
    assert {clip.kind for clip in read_clips(tmp_path / "motion.h5")} == {"watched"}
    figures = json.loads(json.dumps(lifted.figures(), allow_nan=False))
    assert figures["hands"]["right"]["seen"] == 1.0


def test_progress_rises_to_its_total(film):
    calls = []
    lift(film.landmarks, film.view, film.score, progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert calls[-1][0] == calls[-1][1]


@pytest.mark.parametrize("size", [0.5, 2.0, np.nan])
def test_a_size_out_of_range_is_refused(film, size):
    with pytest.raises(InvalidValue, match="size of the hand"):
        lift(film.landmarks, film.view, film.score, size=size)
