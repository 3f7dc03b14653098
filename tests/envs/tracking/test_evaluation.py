"""Evaluation: the teacher does well, nobody badly, and a table has a row for each kind."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.envs.tracking.evaluation import (
    DelayedTeacher,
    evaluate,
    follow_teacher,
    table_by_kind,
)
from support.tracking_clips import wave

CLIPS = [wave(0), wave(1, kind="other"), wave(2, seconds=0.8)]


def test_the_teacher_is_better_than_rest():
    taught = evaluate(CLIPS, follow_teacher)
    idle = evaluate(
        CLIPS,
        lambda observation, env: np.zeros((len(observation), 46)),
        TrackingConfig(tip_limit=0.02),
    )
    assert [score.name for score in taught] == ["wave_0_r", "other_1_r", "wave_2_r"]
    assert all(score.survived for score in taught)
    assert [score.seconds for score in taught] == pytest.approx([1.6, 1.6, 0.8])
    assert [score.asked for score in taught] == pytest.approx([1.6, 1.6, 0.8])
    assert not all(score.survived for score in idle)
    for followed, limp in zip(taught, idle, strict=True):
        assert followed.tip_mean < 0.5 * limp.tip_mean
        assert followed.joint_rmse < limp.joint_rmse
        assert limp.change == 0.0
        assert followed.tip_p95 >= followed.tip_mean


def test_the_table_has_all_kinds():
    rows = table_by_kind(evaluate(CLIPS, follow_teacher))
    assert [row[:3] for row in rows] == [
        ("other", "1", "100.0"),
        ("wave", "2", "100.0"),
        ("all", "3", "100.0"),
    ]
    assert float(rows[-1][3]) < 3.0
    assert float(rows[-1][4]) < 4.0


def test_late_senses_make_a_teacher_worse():
    exact, same, delayed = (
        evaluate(CLIPS[2:], act) for act in (follow_teacher, DelayedTeacher(0), DelayedTeacher(2))
    )
    assert same == exact
    assert delayed[0].tip_mean > 1.5 * exact[0].tip_mean
    with pytest.raises(InvalidValue):
        DelayedTeacher(-1)
