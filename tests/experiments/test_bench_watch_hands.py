"""The benchmark of hands in films: errors against closed forms, and what it says without networks."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from support.films import film_truth
from support.scripts import load


@pytest.fixture(scope="module")
def bench():
    yield load("bench_watch_hands")
    del sys.modules["bench_watch_hands"]


def test_the_truth_has_no_error(bench):
    truth = film_truth()
    assert np.nanmax(bench.errors(truth.pixels, truth).raw) < 0.05


def test_a_constant_error_is_taken_out(bench):
    truth = film_truth()
    moved = replace(truth, points=truth.points + np.array([0.003, -0.004, 0.0]))
    away = bench.errors(truth.pixels, moved)
    assert np.allclose(away.raw, 5.0, atol=0.05)
    assert np.nanmax(away.after) < 0.1


def test_without_networks_it_says_so(bench, tmp_path, capsys):
    bench.main(bench.Args(networks=tmp_path))
    assert "skipped" in capsys.readouterr().out
