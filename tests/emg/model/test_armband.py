"""Armbands: planted rotations and mixings are found, and real wearers are turned as the data
set's notes say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.armband_file import read_armband_session
from musclehand.emg.model.armband import (
    cross_validate_mixing,
    cross_validate_rotation,
    find_rotation,
    fit_mixing,
    movement_ensembles,
    pooled_correlation,
    rotate_channels,
)
from musclehand.emg.processing.envelope import EnvelopeConfig
from musclehand.emg.recording import Channel, EmgRecording, Event
from support.paths import SHARED_DATA

SESSIONS = SHARED_DATA / "emg" / "myo_wrist_gestures"
real = pytest.mark.skipif(not SESSIONS.is_dir(), reason="the recordings are not here")


def movements(rng, count=6, rows=60, muscles=5):
    """Activities of muscles in movements, each with its own pattern and course."""
    course = np.exp(-(((np.arange(rows) - rng.uniform(20, 40, (count, muscles, 1))) / 10) ** 2))
    return np.moveaxis(course * rng.uniform(0, 1, (count, muscles, 1)) ** 2, 1, 2)


@settings(max_examples=30)
@given(shift=st.integers(0, 7), mirrored=st.booleans(), seed=st.integers(0, 1000))
def test_a_planted_rotation_is_found(shift, mirrored, seed):
    rng = np.random.default_rng(seed)
    reference = movements(rng, muscles=8)
    rotated = np.empty_like(reference)
    places = (shift - np.arange(8)) % 8 if mirrored else (np.arange(8) + shift) % 8
    rotated[..., places] = reference
    rotated = rotated + rng.normal(scale=0.02, size=rotated.shape)
    fitted = find_rotation(reference, rotated, mirror=mirrored)
    assert (fitted.shift, fitted.mirrored) == (shift, mirrored)
    assert fitted.r > 0.9
    aligned = rotate_channels(rotated, fitted.shift, mirrored=fitted.mirrored)
    assert aligned == pytest.approx(reference, abs=0.15)


def test_pooled_correlation_is_pearsons():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 3, 4, 5))
    assert pooled_correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert np.isnan(pooled_correlation(a, np.ones_like(a)))
    assert np.isnan(pooled_correlation(a, np.full_like(a, np.nan)))


def test_electrodes_without_a_muscle_do_not_hinder():
    rng = np.random.default_rng(7)
    rotated = movements(rng, muscles=8)
    reference = rotate_channels(rotated, 5)
    reference[..., 1] = np.nan
    assert find_rotation(reference, rotated).shift == 5
    assert find_rotation(reference, rotated).r == pytest.approx(1.0)


def test_rotation_is_tested_on_movements_that_it_did_not_see():
    rng = np.random.default_rng(2)
    reference = movements(rng, muscles=8)
    rotated = rotate_channels(reference, 3) + rng.normal(scale=0.02, size=reference.shape)
    test = cross_validate_rotation(reference, rotated)
    assert test.shifts.tolist() == [5] * 6
    assert test.right.min() > 0.9
    assert test.wrong.shape == (6, 5)
    apart = cross_validate_rotation(reference, rotated, align=False)
    assert apart.right.max() < test.right.min()
    assert apart.shifts.tolist() == [0] * 6


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_a_planted_mixing_is_found(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(0, 1, (8, 5)) * (rng.random((8, 5)) < 0.5)
    activity = movements(rng)
    envelopes = activity @ matrix.T
    fitted = fit_mixing(activity.reshape(-1, 5), envelopes.reshape(-1, 8), ridge=1e-9)
    assert fitted.matrix == pytest.approx(matrix, abs=1e-3)
    assert fitted.predict(activity) == pytest.approx(envelopes, abs=1e-3)


def test_mixing_is_the_least_squares_of_scipy():
    rng = np.random.default_rng(3)
    activity = rng.uniform(size=(200, 4))
    envelopes = rng.uniform(size=(200, 3))
    fitted = fit_mixing(activity, envelopes, ridge=0.0).matrix
    for row, target in zip(fitted, envelopes.T, strict=True):
        assert row == pytest.approx(optimize.nnls(activity, target)[0])
    assert (fitted >= 0).all()


def test_a_prior_holds_where_the_activity_does_not_tell():
    rng = np.random.default_rng(4)
    activity = rng.uniform(size=(100, 3))
    activity[:, 2] = 0.0
    prior = np.array([[0.2, 0.3, 0.7]])
    fitted = fit_mixing(activity, activity @ np.array([[0.5], [0.0], [9.0]]), prior=prior)
    assert fitted.matrix[0] == pytest.approx([0.5, 0.0, 0.7], abs=0.01)


def test_mixing_is_tested_on_movements_that_it_did_not_see():
    rng = np.random.default_rng(5)
    activity = movements(rng)
    test = cross_validate_mixing(activity, activity @ rng.uniform(0, 1, (8, 5)).T)
    assert test.right.min() > 0.95
    assert np.median(test.right) > np.median(test.wrong)


def held(label, levels, *, repetitions=2, seed=0):
    """Armband noise that is as loud as `levels` (K,) for 5 s, after 5 s of rest each time."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(200 * (10 * repetitions + 5))) / 200
    on = ((time % 10) >= 5).astype(float)
    samples = rng.normal(size=(len(time), len(levels))) * (1 + np.outer(on, levels))
    events = tuple(Event(10.0 * k + 5.0, 5.0, label) for k in range(repetitions))
    return EmgRecording(
        samples, 200.0, tuple(Channel(str(i + 1)) for i in range(len(levels))), events
    )


def test_ensembles_are_means_about_the_onsets():
    recordings = {
        "fist": held("fist", [30, 3]),
        "flexion": held("flexion", [5, 10], seed=1),
        "none": held("other", [1, 1]),
    }
    ensembles = movement_ensembles(recordings, EnvelopeConfig())
    assert ensembles.movements == ("fist", "flexion")
    assert ensembles.counts == (2, 2)
    assert ensembles.values.shape == (2, 800, 2)
    assert ensembles.time[[0, -1]] == pytest.approx([-1.0, 6.99])
    on = (ensembles.time > 1) & (ensembles.time < 4)
    assert (
        ensembles.values[0, on, 0].mean() > 5 * ensembles.values[0, ensembles.time < -0.2, 0].mean()
    )
    loud = ensembles.values[:, on].mean(axis=1)
    # One scale a channel over all movements: the ratio between movements is that of the levels.
    assert loud[0, 0] / loud[1, 0] == pytest.approx(31 / 6, rel=0.1)
    assert loud[0, 1] / loud[1, 1] == pytest.approx(4 / 11, rel=0.1)


def test_what_cannot_be_fitted_is_refused():
    rng = np.random.default_rng(6)
    with pytest.raises(InvalidValue, match="wearers"):
        find_rotation(np.zeros((2, 8)), np.zeros((3, 8)))
    with pytest.raises(InvalidValue, match="constant"):
        find_rotation(np.zeros((2, 8)), np.zeros((2, 8)))
    with pytest.raises(InvalidValue, match="at least 3"):
        cross_validate_rotation(np.zeros((2, 5, 8)), np.zeros((2, 5, 8)))
    with pytest.raises(InvalidValue, match=r"\(n, m\)"):
        fit_mixing(rng.uniform(size=(5, 2)), rng.uniform(size=(6, 2)))
    with pytest.raises(InvalidValue, match="finite"):
        fit_mixing(np.full((5, 2), np.nan), rng.uniform(size=(5, 2)))
    with pytest.raises(InvalidValue, match="prior"):
        fit_mixing(rng.uniform(size=(5, 2)), rng.uniform(size=(5, 2)), prior=np.zeros((3, 3)))
    with pytest.raises(InvalidValue, match="events"):
        movement_ensembles({"fist": held("other", [1])}, EnvelopeConfig())
    with pytest.raises(InvalidValue, match="before"):
        movement_ensembles(
            {"fist": held("fist", [1], repetitions=1)}, EnvelopeConfig(), before=30.0
        )


@real
def test_two_real_wearers_are_turned_by_a_quarter():
    first, second = (
        movement_ensembles(read_armband_session(SESSIONS / "right" / name), EnvelopeConfig())
        for name in ("12345-1", "45612-1")
    )
    assert first.counts == (5,) * 7
    assert find_rotation(first.values, second.values).shift in (2, 6)
    aligned = cross_validate_rotation(first.values, second.values)
    apart = cross_validate_rotation(first.values, second.values, align=False)
    assert set(aligned.shifts.tolist()) <= {2, 6}
    assert np.median(aligned.right) > np.median(apart.right) + 0.1
    assert np.median(aligned.right) > np.median(aligned.wrong) + 0.1
