"""Envelopes against closed forms of their filters and signals whose envelope is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.processing.envelope import (
    EnvelopeConfig,
    Envelopes,
    describe,
    envelope,
    find_scale,
    smooth_simulated,
)
from musclehand.emg.processing.filtering import bridge_gaps, highpass_sections, lowpass_sections
from musclehand.emg.recording import Channel, EmgRecording

PLAIN = EnvelopeConfig(normalise="none")


def recording(samples, fs_hz=2000.0):
    samples = np.asarray(samples, dtype=float)
    samples = samples[:, None] if samples.ndim == 1 else samples
    return EmgRecording(samples, fs_hz, tuple(Channel(f"c{i}") for i in range(samples.shape[1])))


def modulated(fs_hz=2000.0, seconds=8.0, carrier=123.0, rate=1.0):
    """A carrier whose amplitude goes 0..1..0 at a known rate; its rectified mean is 2/pi of
    that."""
    time = np.arange(int(seconds * fs_hz)) / fs_hz
    amplitude = 0.5 - 0.5 * np.cos(2 * np.pi * rate * time)
    return time, amplitude, amplitude * np.sin(2 * np.pi * carrier * time)


def lag_of(delayed, original, fs_hz):
    """Delay of one signal behind another [s], from the phase of what they share."""
    spectrum = np.fft.rfft(delayed - delayed.mean()) * np.conj(
        np.fft.rfft(original - original.mean())
    )
    k = int(np.argmax(np.abs(spectrum)))
    return -float(np.angle(spectrum[k])) / (2 * np.pi * k * fs_hz / len(delayed))


@given(
    fs_hz=st.floats(50.0, 20_000.0),
    share=st.floats(0.003, 0.45),
    order=st.integers(1, 6),
    low=st.booleans(),
)
def test_two_passes_lose_three_decibels_at_the_corner(fs_hz, share, order, low):
    corner = share * fs_hz
    make = lowpass_sections if low else highpass_sections
    _, response = signal.sosfreqz(make(corner, order, fs_hz), worN=[corner], fs=fs_hz)
    assert abs(response[0]) ** 2 == pytest.approx(np.sqrt(0.5), rel=1e-6)


def test_response_is_that_of_a_butterworth_filter():
    frequencies = np.array([0.5, 2.0, 6.0, 15.0, 60.0, 400.0])
    _, response = signal.sosfreqz(lowpass_sections(6.0, 2, 2000.0), worN=frequencies, fs=2000.0)
    ratio = np.tan(np.pi * frequencies / 2000) / np.tan(np.pi * 6.0 / 2000)
    expected = 1 / (1 + (np.sqrt(2) - 1) * ratio**4)
    assert np.abs(response) ** 2 == pytest.approx(expected, rel=1e-6)


def test_the_envelope_is_not_delayed_where_one_pass_is():
    fs_hz = 2000.0
    _, amplitude, emg = modulated(fs_hz)
    smooth = envelope(recording(emg), replace(PLAIN, fs_out_hz=fs_hz)).values[:, 0]
    inner = slice(int(fs_hz), int(7 * fs_hz))
    assert abs(lag_of(smooth[inner], amplitude[inner], fs_hz)) < 1e-3
    once = signal.sosfilt(signal.butter(2, 6.0, fs=fs_hz, output="sos"), np.abs(emg))
    assert lag_of(once[inner], amplitude[inner], fs_hz) == pytest.approx(0.0375, abs=0.003)


@pytest.mark.parametrize("fs_hz", [1000.0, 2000.0, 2148.1481, 4096.0])
def test_the_envelope_of_a_modulated_carrier_is_its_amplitude(fs_hz):
    _, _, emg = modulated(fs_hz)
    envelopes = envelope(recording(emg, fs_hz), PLAIN)
    assert envelopes.fs_hz == 100.0
    expected = (0.5 - 0.5 * np.cos(2 * np.pi * envelopes.time)) * 2 / np.pi
    assert envelopes.values[50:-50, 0] == pytest.approx(expected[50:-50], abs=0.01)


def test_an_armband_gets_the_band_it_can_hold():
    fs_hz = 200.0
    _, _, emg = modulated(fs_hz, carrier=61.3)
    envelopes = envelope(recording(emg, fs_hz), PLAIN)
    assert envelopes.config.band == (20.0, None)
    expected = (0.5 - 0.5 * np.cos(2 * np.pi * envelopes.time)) * 2 / np.pi
    assert envelopes.values[50:-50, 0] == pytest.approx(expected[50:-50], abs=0.03)
    with pytest.raises(InvalidValue, match="below 100 Hz"):
        envelope(recording(emg, fs_hz), EnvelopeConfig(band=(20.0, 450.0)))


@pytest.mark.parametrize(
    ("fs_hz", "band"), [(2000.0, (20.0, 450.0)), (1000.0, (20.0, 450.0)), (900.0, (20.0, None))]
)
def test_the_band_follows_the_rate(fs_hz, band):
    assert EnvelopeConfig().for_rate(fs_hz).band == band


def test_what_is_an_envelope_already_is_refused():
    with pytest.raises(InvalidValue, match="raw EMG"):
        envelope(recording(np.ones(500), 50.0), PLAIN)


def test_the_notch_takes_mains_and_leaves_the_rest():
    fs_hz = 2000.0
    time = np.arange(16_000) / 2000.0
    mains = np.sin(2 * np.pi * 50 * time)
    muscle = np.sin(2 * np.pi * 130 * time)
    both = recording(np.stack([mains, muscle], axis=1), fs_hz)
    plain = envelope(both, PLAIN).values[200:-200].mean(axis=0)
    notched = envelope(both, replace(PLAIN, notch_hz=50.0)).values[200:-200].mean(axis=0)
    assert notched[0] < 0.01 * plain[0]
    assert notched[1] == pytest.approx(plain[1], rel=0.02)
    third = recording(np.sin(2 * np.pi * 150 * time), fs_hz)
    without = (
        envelope(third, replace(PLAIN, notch_hz=50.0, notch_harmonics=3)).values[200:-200].mean()
    )
    assert without < 0.01


def test_movement_artefacts_and_offsets_are_out_of_band():
    time, _, emg = modulated()
    clean = envelope(recording(emg), PLAIN).values
    dirty = envelope(recording(emg + 0.5 * np.sin(2 * np.pi * 2.0 * time) + 3.0), PLAIN).values
    assert dirty[50:-50] == pytest.approx(clean[50:-50], abs=0.005)


def test_scales_are_one_a_channel():
    rng = np.random.default_rng(1)
    weak, strong = (
        recording(size * rng.normal(size=(8000, 2)) * [1.0, 3.0]) for size in (1.0, 4.0)
    )
    mvc = EnvelopeConfig(normalise="mvc")
    envelopes = envelope(weak, mvc, strong)
    assert envelopes.values.max() < 0.6
    assert envelopes.scale[1] / envelopes.scale[0] == pytest.approx(3.0, rel=0.2)
    assert envelope(strong, mvc, strong).values.max(axis=0) == pytest.approx([1.0, 1.0])
    mean = envelope(strong, EnvelopeConfig(normalise="reference"), strong)
    assert mean.values.mean(axis=0) == pytest.approx([1.0, 1.0])
    task = EnvelopeConfig()
    together = find_scale([weak, strong], task)
    assert envelope(weak, task, [weak, strong]).scale.tolist() == list(together.values())
    assert (
        envelope(weak, task, together).values.tolist()
        == envelope(weak, task, [weak, strong]).values.tolist()
    )
    alone = envelope(weak, task)
    assert np.percentile(alone.values, 99, axis=0) == pytest.approx([1.0, 1.0])


def test_a_scale_needs_its_reference():
    emg = recording(np.random.default_rng(2).normal(size=4000))
    with pytest.raises(InvalidValue, match="mvc"):
        envelope(emg, EnvelopeConfig(normalise="mvc"))
    with pytest.raises(InvalidValue, match="c0 has none"):
        envelope(emg, EnvelopeConfig(normalise="mvc"), {"other": 1.0})
    with pytest.raises(InvalidValue, match="at least 0"):
        envelope(emg, EnvelopeConfig(), {"c0": np.nan})
    with pytest.raises(InvalidValue):
        find_scale([], EnvelopeConfig())


def test_a_dead_channel_is_missing_and_harms_no_other():
    rng = np.random.default_rng(3)
    samples = np.stack([rng.normal(size=4000), np.full(4000, 0.1)], axis=1)
    envelopes = envelope(recording(samples), EnvelopeConfig())
    assert envelopes.scale[1] == 0.0
    assert np.isnan(envelopes.values[:, 1]).all()
    assert np.isfinite(envelopes.values[:, 0]).all()


def test_short_gaps_are_bridged_and_long_ones_stay():
    rng = np.random.default_rng(4)
    samples = rng.normal(size=(8000, 2))
    samples[1000:1030, 0] = np.nan
    samples[4000:5000, 1] = np.nan
    envelopes = envelope(recording(samples), PLAIN)
    assert np.isfinite(envelopes.values[:, 0]).all()
    missing = np.flatnonzero(np.isnan(envelopes.values[:, 1]))
    assert missing[[0, -1]].tolist() == [200, 249]
    assert len(missing) == 50


def test_bridges_are_straight():
    values, missing = bridge_gaps(np.array([[0.0], [np.nan], [np.nan], [3.0]]), 200.0)
    assert values[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert not missing.any()


def test_simulated_activations_go_through_the_same_lowpass():
    fs_hz = 250.0
    rng = np.random.default_rng(5)
    activations = np.clip(np.cumsum(rng.normal(size=(2000, 3)), axis=0) * 0.02 + 0.5, 0, 1)
    smooth = smooth_simulated(activations, fs_hz, PLAIN, names=("FDP2", "FDS2", "EDC2"), start=1.5)
    padded = min(len(activations) - 1, int(np.ceil(2 * fs_hz / 6.0)))
    sections = lowpass_sections(6.0, 2, fs_hz)
    expected = signal.sosfiltfilt(sections, activations, axis=0, padtype="even", padlen=padded)
    assert smooth.values[::2] == pytest.approx(np.maximum(expected[::5], 0), abs=1e-9)
    assert smooth.time[:2] == pytest.approx([1.5, 1.51])
    assert smooth.scale.tolist() == [1.0, 1.0, 1.0]
    scaled = smooth_simulated(activations, fs_hz, EnvelopeConfig())
    assert scaled.names == ("1", "2", "3")
    assert scaled.values * scaled.scale == pytest.approx(smooth.values)
    again = smooth_simulated(activations, fs_hz, EnvelopeConfig(), scale=scaled.scale)
    assert again.values.tolist() == scaled.values.tolist()


@pytest.mark.parametrize(
    "changed",
    [
        {"lowpass_hz": 0.0},
        {"lowpass_hz": 40.0},
        {"band": (50.0, 20.0)},
        {"band": (-1.0, None)},
        {"band_order": 0},
        {"notch_hz": np.nan},
        {"notch_q": 0.1},
        {"fs_out_hz": 10.0},
    ],
)
def test_what_no_filter_is_made_of_is_refused(changed):
    with pytest.raises(InvalidValue):
        EnvelopeConfig(**changed)


def test_an_unknown_normalisation_is_named():
    with pytest.raises(UnknownName, match="task_p99"):
        EnvelopeConfig(normalise="task_p95")


@pytest.mark.parametrize(
    ("values", "fs_hz"), [(np.zeros(5), 100.0), (np.zeros((5, 1)), 10.0), ([[np.inf]], 100.0)]
)
def test_simulated_activations_that_do_not_fit_are_refused(values, fs_hz):
    with pytest.raises(InvalidValue):
        smooth_simulated(values, fs_hz, PLAIN)


def test_very_short_recordings_have_envelopes():
    for count in (1, 2, 3, 7):
        envelopes = envelope(recording(np.arange(count, dtype=float)), PLAIN)
        assert envelopes.values.shape == (1, 1)
        assert np.isfinite(envelopes.values).all()


def test_envelopes_give_parts_of_themselves():
    envelopes = Envelopes(
        np.arange(40.0).reshape(20, 2), 10.0, ("a", "b"), PLAIN, np.ones(2), start=1.0
    )
    part = envelopes.segment(1.5, 2.0)
    assert part.start == 1.5
    assert part.column("a").tolist() == [10.0, 12.0, 14.0, 16.0, 18.0]
    assert envelopes.select(["b"]).values[0].tolist() == [1.0]
    assert len(envelopes.segment(5.0, 6.0).values) == 0
    with pytest.raises(UnknownName):
        envelopes.column("c")
    with pytest.raises(InvalidValue):
        replace(envelopes, names=("a",))
    with pytest.raises(InvalidValue):
        replace(envelopes, names=("a", "a"))


def test_every_parameter_is_described():
    config = EnvelopeConfig(notch_hz=50.0)
    described = describe(config)
    assert described["notch_hz"] == 50.0
    assert set(EnvelopeConfig.__dataclass_fields__) < set(described)
