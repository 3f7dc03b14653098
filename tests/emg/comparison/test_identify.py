"""Ranks, assignments and ensembles where the truth is planted, and ranks of nothing against
chance."""

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.identify import (
    average_events,
    explained_shares,
    identify,
    match_channels,
    movement_matrix,
    noise_ceiling,
    select_movements,
)
from musclehand.emg.processing.envelope import EnvelopeConfig, Envelopes
from musclehand.emg.recording import Event

NAMES = tuple("abcdefgh")


def envelopes_of(values, fs_hz=10.0, start=0.0):
    names = NAMES[: values.shape[1]]
    return Envelopes(
        values, fs_hz, names, EnvelopeConfig(normalise="none"), np.ones(len(names)), start
    )


def test_the_true_channel_is_found_and_a_permutation_recovered():
    rng = np.random.default_rng(1)
    order = rng.permutation(8)
    matrix = rng.uniform(-0.5, 0.5, size=(8, 8))
    matrix[np.arange(8), order] = 0.9
    np.testing.assert_array_equal(match_channels(matrix), order)
    result = identify(matrix[:, order], NAMES, rng)
    assert (result.first, result.chance) == (1.0, 1 / 8)
    np.testing.assert_array_equal(result.ranks, 1)
    assert result.p < 1e-3
    assert result.low == pytest.approx(0.676, abs=1e-3)


def test_a_channel_is_found_in_spite_of_its_noise_and_one_of_noise_alone_is_not():
    rng = np.random.default_rng(4)
    clean = 0.4 + 0.5 * np.eye(4)
    heard = np.array([1.0, 0.4, 0.3, 0.9, 0.1])
    matrix = np.hstack([clean, rng.uniform(-0.9, 0.9, size=(4, 1))]) * heard
    assert identify(matrix, NAMES[:4], rng).first == 0.5
    chance = np.array([[0.25], [0.3]]) * np.ones(5)
    moved = np.concatenate([np.append(0.95 * heard[:4], 0.12)[None], chance.repeat(50, axis=0)])
    shares = explained_shares(matrix, moved)
    assert identify(shares, NAMES[:4], rng).first == 1.0
    assert shares[:, 0] == pytest.approx(matrix[:, 0] / 0.95)
    assert shares[:, 4] == pytest.approx(matrix[:, 4] / 0.3)
    assert (explained_shares(matrix[:3], moved) == matrix[:3]).all()


def test_ranks_of_nothing_are_chance():
    rng = np.random.default_rng(2)
    results = [identify(rng.standard_normal((6, 8)), NAMES[:6], rng) for _ in range(300)]
    assert np.mean([each.first for each in results]) == pytest.approx(1 / 8, abs=0.03)
    assert np.mean([each.ranks.mean() for each in results]) == pytest.approx(4.5, abs=0.15)
    assert 0.02 <= np.mean([each.p <= 0.05 for each in results]) <= 0.09


def test_ties_are_in_the_middle_and_what_has_no_score_is_left_out():
    rng = np.random.default_rng(3)
    tied = identify(np.ones((3, 3)), NAMES[:3], rng)
    np.testing.assert_allclose(tied.ranks, 2)
    assert tied.first == 0
    half = identify(np.array([[1.0, 0.0], [np.nan, np.nan]]), NAMES[:2], rng)
    assert half.first == 1.0
    assert np.isnan(half.ranks[1])
    assert np.isnan(identify(np.full((2, 2), np.nan), NAMES[:2], rng).first)
    with pytest.raises(InvalidValue, match="matrix"):
        identify(np.ones((3, 2)), NAMES[:3], rng)


def test_events_are_averaged_at_their_own_times():
    values = np.arange(100.0)[:, None] * [1.0, 2.0]
    events = [
        Event(12.0, 1.0, "x"),
        Event(14.0, 1.0, "x"),
        Event(13.0, 1.0, "y"),
        Event(19.9, 1.0, "x"),
        Event(10.0, 1, "z"),
    ]
    result = average_events(envelopes_of(values, start=10.0), events, (-0.5, 0.5))
    assert (result.movements, result.counts) == (("x", "y"), (2, 1))
    np.testing.assert_allclose(result.values[0, :, 0], np.arange(25.0, 35.0))
    np.testing.assert_allclose(result.values[1, :, 1], 2 * np.arange(25.0, 35.0))
    assert select_movements(result, ["y"]).counts == (1,)
    for window, labels in (((0.5, 0.5), None), ((-0.5, 0.5), ["z"])):
        with pytest.raises(InvalidValue, match=r"window|events"):
            average_events(envelopes_of(values, start=10.0), events, window, labels)


def test_movements_are_told_apart_and_the_ceiling_is_above_its_null():
    rng = np.random.default_rng(4)
    events = [Event(float(3 * i + 1), 1.0, str(i % 4)) for i in range(16)]
    shapes = rng.uniform(size=(4, 20, 5))
    sessions = []
    for _ in range(2):
        values = 0.1 * rng.uniform(size=(500, 5))
        for event in events:
            first = round(event.onset * 10)
            values[first : first + 20] += shapes[int(event.label)]
        sessions.append(average_events(envelopes_of(values), events, (0.0, 2.0)))
    matrix = movement_matrix(*sessions)
    assert (np.diagonal(matrix) > 0.95).all()
    assert identify(matrix, sessions[0].movements, rng).first == 1.0
    result = noise_ceiling(*sessions)
    assert (result.channels.shape, result.wrong_channels.shape) == ((4, 5), (12, 5))
    assert np.median(result.pooled) > 0.95 > np.median(result.wrong_pooled) + 0.5
    with pytest.raises(InvalidValue, match="movements"):
        noise_ceiling(sessions[0], sessions[1]._replace(movements=("p", "q", "r", "s")))
