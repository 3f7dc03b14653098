"""Which movement is which, where the truth is planted, and where there is nothing to find."""

import sys

import numpy as np
import pytest

from musclehand.emg.model.armband import Ensembles
from support.paths import EXPERIMENTS

sys.path.insert(0, str(EXPERIMENTS))

from harness import match_movements as matching

MOVEMENTS = 7
SAMPLES = 60
ELECTRODES = 8


def session_of(values, person, *, left=False):
    names = tuple(str(k) for k in range(ELECTRODES))
    movements = tuple(f"movement {k}" for k in range(len(values)))
    ensembles = Ensembles(
        values, np.arange(values.shape[1]) / 25, movements, names, (5,) * len(values), 25.0
    )
    return matching.Session(f"{person}-1", person, left, ensembles)


def patterns(rng):
    """Of each movement a pattern over electrodes that rises and falls."""
    course = np.exp(-0.5 * ((np.arange(SAMPLES) - 30) / 12) ** 2)
    return 0.02 + course[None, :, None] * rng.uniform(size=(MOVEMENTS, 1, ELECTRODES)) ** 2


@pytest.mark.parametrize("compression", ["square root", "logarithm", "none"])
def test_turned_and_mirrored_armbands_are_all_understood(compression):
    rng = np.random.default_rng(1)
    truth = patterns(rng)
    worn = [session_of(np.roll(truth, turn, axis=2), str(turn)) for turn in (0, 3)]
    worn.append(session_of(np.roll(truth[:, :, ::-1], 2, axis=2), "left", left=True))
    worn = matching.compressed(worn, compression)
    results = matching.identify_all(matching.COMPRESSIONS[compression](truth), worn, 20, rng)
    for result in results.values():
        assert result.hits.all()
        assert result.r == pytest.approx(1.0)
        assert (result.wrong < 0.5).all()
        assert result.null.mean() < 0.5
        assert result.null_margin.max() < (result.r - result.wrong).mean()
    assert matching.identify_people(worn)["other person"].hits == 3 * 2 * MOVEMENTS


def test_nothing_is_found_where_there_is_nothing():
    rng = np.random.default_rng(2)
    sessions = [session_of(patterns(rng), str(number)) for number in range(30)]
    hits, right, wrong = matching.match(patterns(rng), sessions, matching.QUESTIONS[0])
    assert hits.mean() == pytest.approx(1 / MOVEMENTS, abs=0.08)
    assert abs((right - wrong).mean()) < 0.1


def test_people_are_compared_with_other_people_alone():
    rng = np.random.default_rng(3)
    one = session_of(patterns(rng), "one")
    assert matching.people_by_compression([one]) == {}
    assert matching.people_by_compression([one, one]) == {}
    assert matching.identify_people([one, one])["same person"].hits == 2 * MOVEMENTS
    other = session_of(patterns(rng), "other")
    assert set(matching.people_by_compression([one, other])) == set(matching.COMPRESSIONS)


def test_a_silent_electrode_stays_a_number():
    values = patterns(np.random.default_rng(4))
    values[:, :, 3] = 0.0
    assert np.isfinite(matching.logarithm(values)).all()
    assert (matching.square_root(values - 0.03) >= 0.0).all()
