"""Curves round events: a difference that is planted is found where it is, by both kinds of test,
and none where not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from musclehand.core.errors import UnknownName
from musclehand.emg.comparison.around_events import find_differences, identify_movements
from musclehand.emg.comparison.result import AlignedCurves, CompareConfig
from musclehand.emg.recording import Event

RATE = 100.0
CONFIG = CompareConfig(draws=20, resamples=100)
EVENTS = [Event(1.0 + 1.2 * i, 0.5, "ab"[i % 2]) for i in range(14)]


def compared_with(bump):
    """Two channels that differ by smooth noise, the first one by `bump` 0.1 s after every event
    as well."""
    rng = np.random.default_rng(1)
    time = np.arange(1900) / RATE
    both = ndimage.gaussian_filter1d(rng.standard_normal((1900, 2)), 8, axis=0)
    recorded = both + 0.1 * ndimage.gaussian_filter1d(rng.standard_normal((1900, 2)), 4, axis=0)
    simulated = both.copy()
    for event in EVENTS:
        simulated[:, 0] += bump * np.exp(-0.5 * ((time - event.onset - 0.1) / 0.03) ** 2)
    on = simulated > 0
    return AlignedCurves(
        time, simulated, recorded, on, on, ("A", "B"), np.empty((1900, 0)), (), RATE
    )


@pytest.mark.parametrize("inference", ["cluster", "spm"])
def test_a_planted_difference_is_found_where_it_is_and_only_there(inference):
    if inference == "spm":
        pytest.importorskip("spm1d")
    config = replace(CONFIG, inference=inference)
    differences = find_differences(compared_with(0.2), EVENTS, config, np.random.default_rng(0))
    assert differences.events == 14
    assert differences.p[0] < 0.01
    assert differences.p[1] > 0.05
    best = min(differences.tests[0].clusters, key=lambda cluster: cluster.p)
    assert differences.time[best.first] < 0.1 < differences.time[best.last - 1]
    assert differences.tests[0].t[best.first] > 0


def test_too_few_events_or_identical_curves_are_no_test():
    compared = compared_with(0.0)
    rng = np.random.default_rng(0)
    assert find_differences(compared, EVENTS[:4], CONFIG, rng) is None
    same = compared._replace(recorded=compared.simulated)
    assert find_differences(same, EVENTS, CONFIG, rng) is None
    assert identify_movements(compared, EVENTS[::2], CONFIG, rng) is None
    assert identify_movements(compared, EVENTS, CONFIG, rng).identification.first == 1.0
    with pytest.raises(UnknownName, match="inference"):
        replace(CONFIG, inference="anova")
