"""A person's motion on the clock of a score."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.core.errors import FileError, InvalidValue
from musclehand.motion.clip import MotionClip, write_clips
from musclehand.motion.person import (
    START,
    TIP_ERROR,
    UNSEEN,
    error_of,
    read_person,
    retime,
    sample_person,
    start_of,
    unseen_spans,
    with_unseen,
)


def ramp(frames=11, side=Side.RIGHT, **source):
    """A clip in which the forearm moves 1 m/s along the keyboard, 0.1 s between frames."""
    forearm = np.zeros((frames, 6))
    forearm[:, 0] = 0.1 * np.arange(frames)
    return MotionClip(
        name=side.name,
        kind="test",
        pattern="test",
        side=side,
        dt=0.1,
        qpos=np.zeros((frames, 25)),
        qvel=np.ones((frames, 25)),
        forearm=forearm,
        fingertips=np.zeros((frames, 5, 3)),
        notes=np.array([[0.2, 0.4, 60, 64, 1]]),
        source=source,
    )


def test_a_clip_is_interpolated_on_the_clock_of_the_score():
    clip = ramp(**{START: "2.0"})
    samples = sample_person(clip, np.array([1.5, 2.0, 2.25, 3.0, 3.5]))
    np.testing.assert_allclose(samples.forearm[:, 0], [0, 0, 0.25, 1, 1], atol=1e-6)
    assert samples.seen.tolist() == [False, True, True, True, False]


def test_marked_frames_are_not_seen_and_survive_a_file(tmp_path):
    unseen = np.zeros(11, dtype=bool)
    unseen[[3, 4, 10]] = True
    write_clips(tmp_path / "m.h5", [with_unseen(ramp(), unseen, start=1.0)])
    clip = read_person(tmp_path / "m.h5")[Side.RIGHT]
    times = start_of(clip) + 0.1 * np.arange(11)
    assert (~sample_person(clip, times).seen).tolist() == unseen.tolist()
    np.testing.assert_allclose(unseen_spans(clip)[0], [1.25, 1.45], atol=1e-6)


def test_a_part_at_another_tempo_has_its_own_clock():
    clip = with_unseen(ramp(), np.arange(11) == 6)
    part = retime(clip, start=0.5, speed=2.0)
    samples = sample_person(part, np.array([0.0, 0.05, 0.25]))
    np.testing.assert_allclose(samples.forearm[:, 0], [0.5, 0.6, 1.0], atol=1e-6)
    assert samples.seen.tolist() == [True, False, True]
    np.testing.assert_allclose(part.notes[0, :2], [0.1, 0.2], atol=1e-6)


@pytest.mark.parametrize("text", ["x", "1", "2-1", "nan-1", "1-2,3-4", "--1"])
def test_spans_that_are_none_are_named(text):
    with pytest.raises(InvalidValue, match=UNSEEN):
        unseen_spans(ramp(**{UNSEEN: text}))


@given(st.text(max_size=30))
def test_any_text_gives_spans_or_is_refused(text):
    clip = replace(ramp(), source={UNSEEN: text, START: text})
    for read in (unseen_spans, start_of):
        try:
            assert np.isfinite(read(clip)).all()
        except InvalidValue:
            continue


def test_errors_are_told_where_known():
    assert error_of(ramp(), TIP_ERROR) is None
    assert error_of(ramp(**{TIP_ERROR: "4.5"}), TIP_ERROR) == 4.5
    with pytest.raises(InvalidValue, match=TIP_ERROR):
        error_of(ramp(**{TIP_ERROR: "-1"}), TIP_ERROR)


def test_a_person_has_one_clip_of_each_hand(tmp_path):
    path = tmp_path / "m.h5"
    write_clips(path, [])
    with pytest.raises(FileError, match="no clip"):
        read_person(path)
    write_clips(path, [ramp(), replace(ramp(), name="again")])
    with pytest.raises(FileError, match="two clips of the right hand"):
        read_person(path)
