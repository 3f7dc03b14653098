"""Synthetic EMG against Campbell's theorem, geometry, and the spectra of hum and noise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from musclehand.core.errors import InvalidValue
from musclehand.emg.model.forward import (
    Electrode,
    ForwardConfig,
    Source,
    expected_amplitude,
    firing_rates,
    mixing_matrix,
    motor_unit_noise,
    simulate_emg,
)
from musclehand.emg.recording import Event

SILENT = ForwardConfig(mains_v=0, noise_v=0, leakage=0, bits=32)
ONE = (Source("FCR", 0.0, 0.010),)
OVER = (Electrode("volar", 0.0, "FCR"),)


@pytest.mark.parametrize("activation", [0.05, 0.2, 0.6, 1.0])
def test_amplitude_is_that_of_campbells_theorem(activation):
    noise = motor_unit_noise(np.full(40000, activation), 2000.0, np.random.default_rng(1))
    assert noise[1000:].std() == pytest.approx(
        float(expected_amplitude(np.array(activation))), rel=0.08
    )
    assert abs(noise.mean()) < 0.02


def test_amplitude_grows_with_activation_from_nothing_to_one():
    amplitude = expected_amplitude(np.linspace(0, 1, 101))
    assert (amplitude[0], amplitude[-1]) == (0.0, pytest.approx(1.0))
    assert (np.diff(amplitude) >= 0).all()
    assert not motor_unit_noise(np.zeros(4000), 2000.0, np.random.default_rng(0)).any()


def test_units_are_recruited_in_order_and_fire_within_their_range():
    rates = firing_rates(np.linspace(0, 1, 50))
    active = (rates > 0).sum(axis=1)
    assert (np.diff(active) >= 0).all()
    assert set(np.unique(rates[rates > 0] >= 8.0)) == {True}
    assert rates.max() <= 35.0


def test_spectrum_is_that_of_surface_emg():
    noise = motor_unit_noise(np.full(60000, 0.5), 2000.0, np.random.default_rng(2))
    frequency, power = signal.welch(noise, 2000.0, nperseg=2048)
    median = frequency[np.searchsorted(np.cumsum(power), power.sum() / 2)]
    assert 50 < median < 120


def test_gain_falls_with_the_power_of_distance():
    electrodes = [Electrode("near", 0.0), Electrode("opposite", np.pi)]
    gains = mixing_matrix(electrodes, ONE, SILENT)
    np.testing.assert_allclose(gains[:, 0], [1.0, (0.010 / 0.070) ** 2.5])
    leaky = mixing_matrix(electrodes, ONE, replace(SILENT, leakage=1.0))
    np.testing.assert_allclose(leaky[0], leaky[1])
    with pytest.raises(InvalidValue, match="depth"):
        mixing_matrix(electrodes, [Source("air", 0.0, -0.01)])


def test_emg_comes_before_activation_by_the_lead():
    activation = np.zeros((400, 1))
    activation[200:] = 0.5
    recording = simulate_emg(
        activation, 100.0, ONE, OVER, np.random.default_rng(3), config=replace(SILENT, lead_s=0.1)
    ).recording
    active = recording.time[np.abs(recording.samples[:, 0]) > 2e-4]
    assert active[0] == pytest.approx(1.9, abs=0.05)


def test_samples_have_the_amplitude_expected_of_them():
    activation = np.full((1000, 1), 0.4)
    result = simulate_emg(activation, 100.0, ONE, OVER, np.random.default_rng(4), config=SILENT)
    assert result.recording.samples.shape == result.amplitude.shape == (10000, 1)
    assert result.recording.samples.std() == pytest.approx(result.amplitude[5000, 0], rel=0.1)
    assert result.muscles == ("FCR",)


def test_hum_noise_steps_and_limits_of_the_converter():
    config = ForwardConfig(mains_v=5e-5, noise_v=1e-6, bits=8, range_v=1e-3)
    quiet = simulate_emg(
        np.zeros((1000, 1)), 100.0, ONE, OVER, np.random.default_rng(5), config=config
    ).recording
    frequency, power = signal.periodogram(quiet.samples[:, 0], quiet.fs_hz)
    assert frequency[power.argmax()] == pytest.approx(50.0, abs=0.2)
    steps = quiet.samples / (2e-3 / 256)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    loud = simulate_emg(
        np.ones((200, 1)),
        100.0,
        ONE,
        OVER,
        np.random.default_rng(5),
        config=replace(config, full_v=1.0),
    )
    assert np.abs(loud.recording.samples).max() == pytest.approx(1e-3)


def test_the_same_seed_gives_the_same_and_events_and_channels_are_kept():
    activation = np.random.default_rng(6).uniform(size=(300, 1))
    one, two = (
        simulate_emg(
            activation, 100.0, ONE, OVER, np.random.default_rng(7), events=[Event(0.5, 0.2, "A4")]
        ).recording
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.samples, two.samples)
    assert one.events == (Event(0.5, 0.2, "A4"),)
    assert (one.names, one.channels[0].muscle, one.channels[0].unit) == (("volar",), "FCR", "V")


@pytest.mark.parametrize(
    "wrong", [np.full((10, 1), 1.5), np.full((10, 2), 0.5), np.full((10, 1), np.nan)]
)
def test_activations_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidValue, match="activations"):
        simulate_emg(wrong, 100.0, ONE, OVER, np.random.default_rng(0))


@pytest.mark.parametrize(
    "setting", [{"fs_hz": 0}, {"leakage": 2}, {"bits": 2}, {"lead_s": 3}, {"noise_v": -1}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(InvalidValue, match=next(iter(setting))):
        ForwardConfig(**setting)
