"""Whole curves: how often a difference is found where there is none, where one is planted, and
what spm1d says."""

import numpy as np
import pytest
from scipy import ndimage, stats

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.inference import (
    _clusters,
    _largest_mass,
    compare_curves,
    compare_curves_spm,
)


def smooth(rng, rows=10, count=100):
    return ndimage.gaussian_filter1d(rng.standard_normal((rows, count)), 6, axis=1)


def bump(height):
    return height * np.exp(-0.5 * ((np.arange(100) - 60) / 8) ** 2)


def test_t_is_that_of_scipy():
    rng = np.random.default_rng(1)
    a = smooth(rng)
    b = smooth(rng)
    np.testing.assert_allclose(
        compare_curves(a, b, rng, draws=20).t, stats.ttest_rel(a, b).statistic
    )


def test_a_difference_is_found_in_five_percent_where_there_is_none():
    rng = np.random.default_rng(2)
    rejected = [
        compare_curves(smooth(rng), smooth(rng), rng, draws=99).p <= 0.05 for _ in range(100)
    ]
    assert 0.01 <= np.mean(rejected) <= 0.10


def test_the_largest_cluster_of_many_curves_is_that_of_each():
    t = smooth(np.random.default_rng(9), rows=50) / 0.2
    masses = [max((mass for *_, mass in _clusters(row, 2.0)), default=0.0) for row in t]
    assert min(masses) == 0.0 < max(masses)
    np.testing.assert_allclose(_largest_mass(t, 2.0), masses, atol=1e-9)


def test_a_planted_difference_is_found_where_it_is():
    rng = np.random.default_rng(3)
    result = compare_curves(smooth(rng) + bump(0.6), smooth(rng), rng, draws=400)
    (cluster,) = (item for item in result.clusters if item.p < 0.05)
    assert cluster.first < 60 < cluster.last
    assert result.p == cluster.p


def test_curves_that_are_the_same_have_no_cluster():
    a = smooth(np.random.default_rng(4))
    assert compare_curves(a, a, np.random.default_rng(4), draws=20).p == 1.0
    for wrong in (a[:4], a[:, :50], np.full_like(a, np.nan)):
        with pytest.raises(InvalidValue, match="curves"):
            compare_curves(wrong, a[:4] if len(wrong) == 4 else a, np.random.default_rng(4))


def test_spm1d_finds_the_same_difference():
    pytest.importorskip("spm1d")
    rng = np.random.default_rng(5)
    a = smooth(rng) + bump(0.6)
    b = smooth(rng)
    spm = compare_curves_spm(a, b)
    ours = compare_curves(a, b, rng, draws=200)
    np.testing.assert_allclose(spm.t, ours.t, rtol=1e-6)
    assert spm.threshold > ours.threshold
    assert any(
        cluster.first < 62 and cluster.last > 58 and cluster.p < 0.05 for cluster in spm.clusters
    )


def test_spm1d_and_clusters_find_alike_where_there_is_nothing_and_where_there_is_something():
    pytest.importorskip("spm1d")
    rng = np.random.default_rng(6)
    p = []
    for height in [0.0] * 40 + [0.9] * 10:
        a = smooth(rng) + bump(height)
        b = smooth(rng)
        p.append(
            (compare_curves_spm(a, b).p <= 0.05, compare_curves(a, b, rng, draws=99).p <= 0.05)
        )
    nothing = np.array(p[:40])
    something = np.array(p[40:])
    assert (nothing.mean(axis=0) <= 0.15).all()
    assert (something.mean(axis=0) >= 0.9).all()
    assert np.mean(nothing[:, 0] == nothing[:, 1]) >= 0.85


def test_spm1d_is_not_asked_about_curves_that_differ_by_the_same_everywhere():
    a = smooth(np.random.default_rng(7))
    with pytest.raises(InvalidValue, match="100 samples"):
        compare_curves_spm(a, a)
    b = a + smooth(np.random.default_rng(8))
    b[:, 50] = a[:, 50]
    with pytest.raises(InvalidValue, match="1 samples"):
        compare_curves_spm(a, b)
