"""The benchmark of control rates plays at the rate that it says."""

import sys

import pytest

from musclehand.music.score import keyboard_score
from support.scripts import load


@pytest.fixture(scope="module")
def bench():
    yield load("bench_rate")
    del sys.modules["bench_rate"]


def test_a_score_at_two_rates(bench):
    score = keyboard_score(bench.scores(2.0)[4].clip(0, 0.4))
    often, seldom = (bench.play(score, sim_steps) for sim_steps in (2, 5))
    assert often.onset_f1 == pytest.approx(1.0)
    assert often.activation != seldom.activation
    assert 0 < often.joint_rmse_deg < 5
    rate, *_, speed = bench.row(5, [often, seldom])
    assert rate == "100 Hz"
    assert speed == f"{(often.realtime_factor + seldom.realtime_factor) / 2:.2f}"


def test_scores_are_as_long_as_asked(bench):
    assert len(bench.scores(3.0)) == 6
    assert all(0 < score.duration < 6.0 for score in bench.scores(3.0))
