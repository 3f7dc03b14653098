"""The whole chain on synthetic EMG: planted lag, channels and rotation are recovered, and noise
finds nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.compare import compare_envelopes
from musclehand.emg.comparison.identify import match_channels
from musclehand.emg.comparison.nulls import SCORES
from musclehand.emg.comparison.result import CompareConfig, as_json, muscle_table
from musclehand.emg.model.armband import find_rotation
from musclehand.emg.processing.envelope import Envelopes
from support.synthetic_comparison import CONFIG, LEAD, QUICK, RATE, recorded_and_simulated


@pytest.fixture(scope="module")
def sessions():
    return [recorded_and_simulated(seed) for seed in range(5)]


def reordered(envelopes, order):
    return replace(envelopes, values=envelopes.values[:, order])


def test_lag_channels_permutation_and_rotation_are_recovered(sessions):
    ranks = []
    electrode_ranks = []
    for seed, (recorded, simulated, _) in enumerate(sessions):
        result = compare_envelopes(simulated, recorded, (), QUICK)
        assert result.pooled.lag == pytest.approx(LEAD, abs=0.01)
        assert not any(muscle.at_edge for muscle in result.muscles)
        ranks += [muscle.rank for muscle in result.muscles]
        electrode_ranks += [muscle.electrode_rank for muscle in result.muscles]
        order = np.random.default_rng(seed).permutation(8)
        np.testing.assert_array_equal(match_channels(result.matrix[:, order]), np.argsort(order))
        if seed == 0:
            mixed = compare_envelopes(simulated, reordered(recorded, order), (), QUICK)
            assert mixed.assigned == tuple(simulated.names[place] for place in np.argsort(order))
        turn = int(np.random.default_rng(seed).integers(1, 8))
        turned = np.roll(recorded.values, turn, axis=1)
        assert find_rotation(simulated.values, turned).shift == turn
    assert np.mean(np.array(ranks) == 1) >= 0.9
    assert np.mean(np.array(electrode_ranks) == 1) >= 0.95


@pytest.mark.parametrize("lead_s", [0.02, 0.1])
def test_other_leads_are_recovered(lead_s):
    recorded, simulated, _ = recorded_and_simulated(7, lead_s)
    assert compare_envelopes(simulated, recorded, (), QUICK).pooled.lag == pytest.approx(
        lead_s, abs=0.01
    )


def test_every_null_ceiling_and_movement_is_there(sessions):
    recorded, simulated, events = sessions[0]
    config = replace(QUICK, synergies=3)
    result = compare_envelopes(
        simulated, recorded, events, config, {"same person": [(recorded, events)]}
    )
    for muscle in (*result.muscles, result.pooled):
        assert set(muscle.nulls) == {"surrogate", "wrong muscle", "wrong movement"}
        assert muscle.ceilings["same person"] == pytest.approx(1.0)
    assert result.pooled.nulls["surrogate"]["r"].p < 0.02
    assert result.pooled.nulls["wrong muscle"]["r"].p < 0.02
    assert result.pooled.nulls["wrong movement"]["r"].p < 0.05
    assert result.movements is not None
    assert result.movements.identification.first >= 0.8
    assert result.synergies is not None
    assert abs(result.shift[np.argmax(result.shift_r)] - LEAD) < 0.03
    heads, rows = muscle_table(result)
    assert all(len(row) == len(heads) for row in rows)
    assert [row[0] for row in rows] == [*simulated.names, "all"]
    whole = json.loads(json.dumps(as_json(result), allow_nan=False))
    assert whole["config"]["searched"] == [0.0, 0.15]
    assert whole["parameters"]["envelope"]["lowpass_hz"] == 6.0
    assert (
        as_json(compare_envelopes(simulated, recorded, events, config))["muscles"][3]["nulls"]
        == whole["muscles"][3]["nulls"]
    )


def test_channels_of_noise_alone_are_not_taken_for_those_of_muscles(sessions):
    recorded, simulated, _ = sessions[0]
    noise = np.concatenate([sessions[seed][0].values[::-1] for seed in (1, 2)], axis=1)
    names = (*recorded.names, *(f"noise {k}" for k in range(noise.shape[1])))
    both = np.concatenate([recorded.values, noise], axis=1)
    beside = replace(recorded, values=both, names=names, scale=np.ones(len(names)))
    result = compare_envelopes(simulated, beside, (), QUICK)
    assert result.muscles[0].candidates == 24
    assert result.channels.first >= 0.85


def test_noise_in_place_of_a_muscle_finds_nothing(sessions):
    recorded, simulated, events = sessions[1]
    other, _, _ = sessions[2]
    result = compare_envelopes(simulated, replace(other, values=other.values[::-1]), events, QUICK)
    assert result.pooled.nulls["surrogate"]["r"].p > 0.01
    assert result.channels.first <= 0.5
    noisy = recorded.values.copy()
    noisy[:, 0] = other.values[::-1, 3]
    one = compare_envelopes(simulated, replace(recorded, values=noisy), events, QUICK).muscles[0]
    null = one.nulls["surrogate"]
    assert all(np.isnan(null[name].p) or null[name].p > 0.005 for name in SCORES)
    assert one.rank > 1
    assert one.electrode_rank > 1


def test_channels_without_a_muscle_are_candidates(sessions):
    recorded, simulated, events = sessions[0]
    result = compare_envelopes(simulated.select(simulated.names[:5]), recorded, events, QUICK)
    assert result.matrix.shape == (5, 8)
    assert result.curves.control_names == recorded.names[5:]
    assert result.muscles[0].candidates == 8


def test_gaps_dead_channels_and_other_times_are_told(sessions):
    recorded, simulated, events = sessions[0]
    values = recorded.values.copy()
    values[:400, 2], values[:, 7] = np.nan, np.nan
    result = compare_envelopes(simulated, replace(recorded, values=values), events, QUICK)
    assert result.curves.time[0] == pytest.approx(4.3)
    assert len(result.curves.names) == 7
    assert any("gaps" in remark for remark in result.remarks)
    assert any("site 8" in remark for remark in result.remarks)
    late = Envelopes(
        recorded.values[300:], RATE, recorded.names, recorded.config, recorded.scale, 3.0
    )
    shifted = compare_envelopes(simulated, late, events, QUICK)
    assert shifted.pooled.lag == pytest.approx(LEAD, abs=0.01)


def test_a_metronome_is_remarked_on():
    time = np.arange(2000) / RATE
    values = np.maximum(np.sin(2 * np.pi * time[:, None] / 2 + np.arange(3)), 0)
    beat = Envelopes(values, RATE, ("a", "b", "c"), CONFIG, np.ones(3))
    assert any("repeats" in remark for remark in compare_envelopes(beat, beat, (), QUICK).remarks)


def test_what_cannot_be_compared_is_refused(sessions):
    recorded, simulated, _ = sessions[0]
    with pytest.raises(InvalidValue, match="rate"):
        compare_envelopes(replace(simulated, fs_hz=50.0), recorded)
    with pytest.raises(InvalidValue, match="channels"):
        compare_envelopes(replace(simulated, names=tuple("abcdefgh")), recorded)
    with pytest.raises(InvalidValue, match="time in common"):
        compare_envelopes(replace(simulated, start=18.0), recorded)
    for wrong in ({"lag_range": (0.1, 0.0)}, {"draws": 0}, {"synergies": -1}, {"edge_s": -1}):
        with pytest.raises(InvalidValue, match=next(iter(wrong))):
            CompareConfig(**wrong)
