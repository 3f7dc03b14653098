"""Synergies where they are planted, and the p-values of matches where there are none."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.emg.processing.synergies import find_synergies, match_synergies, vaf_curve


def planted(rng, count=3, muscles=8, samples=300):
    weights = rng.uniform(size=(count, muscles)) ** 4
    activity = rng.uniform(size=(samples, count)) * (rng.uniform(size=(samples, count)) < 0.5)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True), activity @ weights + 1e-3


def test_planted_synergies_are_found_whatever_their_order():
    rng = np.random.default_rng(1)
    weights, envelopes = planted(rng)
    synergies = find_synergies(envelopes, 3)
    assert synergies.vaf > 0.995
    np.testing.assert_allclose(
        synergies.activity @ synergies.weights, envelopes, atol=0.1 * envelopes.max()
    )
    np.testing.assert_allclose(np.linalg.norm(synergies.weights, axis=1), 1.0)
    match = match_synergies(weights, synergies.weights, rng, draws=200)
    assert sorted(match.pairs) == [0, 1, 2]
    assert match.cosine > 0.95
    assert max(match.p_cosine, match.p_angle) < 0.05


def test_the_same_set_matches_itself_reordered():
    rng = np.random.default_rng(2)
    weights, _ = planted(rng)
    match = match_synergies(weights, weights[[2, 0, 1]], rng, draws=50)
    np.testing.assert_array_equal(match.pairs, [1, 2, 0])
    assert match.cosine == pytest.approx(1.0)
    assert match.angle == pytest.approx(0.0, abs=1e-6)


def test_matches_of_nothing_are_significant_in_five_percent():
    rng = np.random.default_rng(3)
    results = [match_synergies(*rng.uniform(size=(2, 3, 8)), rng, draws=39) for _ in range(100)]
    assert np.mean([each.cosine for each in results]) > 0.75
    for p in ([each.p_cosine for each in results], [each.p_angle for each in results]):
        assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.10


def test_more_synergies_account_for_more_and_related_muscles_for_more_than_unrelated():
    rng = np.random.default_rng(4)
    curve = vaf_curve(planted(rng)[1], rng, max_count=4, draws=3)
    assert (np.diff(curve.vaf) > -1e-3).all()
    assert curve.null.shape == (3, 4)
    assert curve.vaf[2] > curve.null[:, 2].max()


@pytest.mark.parametrize(
    "wrong", [-np.ones((5, 3)), np.full((5, 3), np.nan), np.zeros((5, 3)), np.ones(5)]
)
def test_what_has_no_synergies_is_refused(wrong):
    with pytest.raises(InvalidValue, match="envelopes"):
        find_synergies(wrong, 1)
    with pytest.raises(InvalidValue, match="number"):
        find_synergies(np.ones((5, 3)), 4)
    with pytest.raises(InvalidValue, match="synergies"):
        match_synergies(np.ones((2, 3)), np.ones((2, 4)), np.random.default_rng(0))
