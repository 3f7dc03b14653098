"""The benchmark of speed: its stages add up, its table has a line a piece."""

import importlib.util
import sys
from pathlib import Path

import pytest

from musclehand.music.repertoire import load_piece


@pytest.fixture(scope="module")
def bench():
    path = Path(__file__).parents[1] / "experiments" / "bench_speed.py"
    spec = importlib.util.spec_from_file_location("bench_speed", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_speed"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bench_speed"]


def test_the_stages_are_all_there_is(bench):
    cost = bench.measure(load_piece("ode_to_joy").clip(0, 0.5), "ode_to_joy")
    assert len(cost.control) == len(cost.reference) == 500
    stages = cost.plan + 2 * sum(cost.reference) + 2 * sum(cost.control) + cost.physics + cost.listen + cost.score
    assert stages == pytest.approx(cost.total)
    assert min(cost.plan, cost.physics, cost.listen, cost.score, *cost.both, *cost.bare) > 0
    assert cost.both.work > cost.bare.work
    assert cost.over_physics > 1
    assert cost.realtime_factor > 0
    line = bench.render([cost]).splitlines()[2]
    assert line.startswith("| ode_to_joy | ")
    assert line.count("|") == bench.render([]).splitlines()[0].count("|")
