"""A performance that follows a person, and its likeness."""

import json

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import write_clips
from musclehand.motion.likeness import likeness
from musclehand.motion.person import START, retime, start_of
from musclehand.music.repertoire import load_piece
from musclehand.performance.perform import perform
from musclehand.performance.play import play
from musclehand.performance.played_motion import MotionKeeper
from musclehand.performance.players import make_controller
from musclehand.performance.settings import PlayerSettings
from musclehand.performance.stages import play_track

TUNE = load_piece("twinkle_twinkle").clip(0.0, 2.0)


@pytest.fixture(scope="module")
def person():
    """The hands of a rigid player."""
    controller = make_controller(TUNE, PlayerSettings("rigid", processes=1))
    keeper = MotionKeeper(controller)
    track = play_track(controller, TUNE)
    for time, qpos in zip(track.time, track.qpos, strict=True):
        keeper.append(time=float(time), qpos=qpos)
    return dict(keeper.clips(controller.score))


def test_kept_motion_is_on_the_clock_of_the_score(person):
    clip = person[Side.RIGHT]
    assert start_of(clip) == pytest.approx(-1.0, abs=0.01)
    first = clip.notes[0]
    frame = round((first[0] + 0.05) / clip.dt)
    heights = clip.fingertips[frame, :, 2]
    assert int(np.argmin(heights)) == int(first[4]) - 1
    assert likeness(person, person).figures.idle_tip_mm == pytest.approx(0.0, abs=1e-6)


def test_a_performance_that_follows_a_person_tells_its_likeness(person, tmp_path):
    write_clips(tmp_path / "motion.h5", person.values())
    result = play(
        TUNE,
        out=tmp_path / "out",
        like=tmp_path / "motion.h5",
        processes=1,
    )
    assert result.metrics.onset_f1_50ms == 1.0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["like"] == str(tmp_path / "motion.h5")
    told = metrics["likeness"]
    assert told["idle_tip_mm"]["value"] < 5.0 < told["idle_tip_mm"]["chance"]
    assert told["wrist_along_r"]["ceiling"] is None
    assert told["seen_share"] > 0.9


def test_without_a_person_nothing_is_told():
    assert perform(TUNE, PlayerSettings("rigid", processes=1)).likeness is None


def test_a_controller_without_a_plan_follows_nobody(person):
    with pytest.raises(InvalidValue, match="person"):
        PlayerSettings("keyboard", like=person)
    with pytest.raises(InvalidValue, match="person"):
        play(TUNE, controller="keyboard", like="motion.h5")


def test_a_part_of_a_score_takes_its_part_of_the_person(person, tmp_path):
    """The person of the second half, one second in and at half the tempo."""
    moved = {side: retime(clip, start=1.0, speed=0.5) for side, clip in person.items()}
    assert start_of(moved[Side.RIGHT]) == pytest.approx(-4.0, abs=0.02)
    write_clips(tmp_path / "motion.h5", person.values())
    result = play(
        TUNE,
        clip=(1.0, 2.0),
        tempo=0.5,
        like=tmp_path / "motion.h5",
        controller="rigid",
        processes=1,
    )
    assert result.likeness.figures.idle_tip_mm < 5.0
    assert START in person[Side.RIGHT].source
