"""The benchmark of speed: its stages add up, its table has a line a piece."""

import sys

import pytest

from musclehand.music.repertoire import load_piece
from support.scripts import load


@pytest.fixture(scope="module")
def bench():
    yield load("bench_speed")
    del sys.modules["bench_speed"]


def test_the_stages_are_all_there_is(bench):
    cost = bench.measure(load_piece("ode_to_joy").clip(0, 0.5), "ode_to_joy")
    assert len(cost.control) == len(cost.reference) == 500
    stages = (
        cost.plan
        + 2 * sum(cost.reference)
        + 2 * sum(cost.control)
        + cost.physics
        + cost.listen
        + cost.score
    )
    assert stages == pytest.approx(cost.total)
    assert min(cost.plan, cost.physics, cost.listen, cost.score, *cost.both, *cost.bare) > 0
    assert cost.both.work > cost.bare.work
    assert cost.over_physics > 1
    assert cost.realtime_factor > 0
    line = bench.render([cost]).splitlines()[2]
    assert line.startswith("| ode_to_joy | ")
    assert line.count("|") == bench.render([]).splitlines()[0].count("|")
