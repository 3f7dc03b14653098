"""Quality checks find the fault that was planted, and no other."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from musclehand.emg.io.armband_file import read_armband, read_armband_session
from musclehand.emg.processing.quality import CHECKS, Quality, check_quality
from musclehand.emg.processing.spectrum import clipped_share, constant_share, reaction_lag
from musclehand.emg.recording import Channel, EmgRecording, Event, TimeSeries
from support.paths import SHARED_DATA

SHARED = SHARED_DATA / "emg"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings are not here")


def clean(fs_hz=2000.0, seconds=20.0, channels=4, seed=0, lag=0.2):
    """Noise of the band of EMG, louder in every other second or so; 100 microvolts at work."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(fs_hz * seconds)) / fs_hz
    work = ((time - lag) % 4.0 >= 2.0) & (time > lag)
    band = signal.butter(2, (30, min(220, 0.45 * fs_hz)), "bandpass", fs=fs_hz, output="sos")
    noise = signal.sosfilt(band, rng.normal(size=(len(time), channels)), axis=0)
    samples = 1e-4 * noise / noise.std() * np.where(work, 1.0, 0.1)[:, None]
    samples += 1e-7 * rng.normal(size=samples.shape)
    events = tuple(Event(4.0 * k + 2.0, 2.0, "fist") for k in range(int(seconds / 4)))
    return EmgRecording(samples, fs_hz, tuple(Channel(f"c{i}") for i in range(channels)), events)


def with_channel(recording, column, change):
    samples = np.array(recording.samples)
    samples[:, column] = change(samples[:, column])
    return recording.with_samples(samples, recording.fs_hz)


def finding(recording, check):
    (found,) = (each for each in check_quality(recording).findings if each.check == check)
    return found


def test_a_clean_recording_is_fit():
    report = check_quality(clean())
    assert {each.check: each.quality.value for each in report.findings} == dict.fromkeys(
        (each.check for each in report.findings), "good"
    )
    assert report.verdict is Quality.GOOD
    assert report.words == "Fit to be compared with."
    assert len(report.findings) == len(CHECKS)


def hum(column, fs_hz=2000.0, mains=50.0):
    return column + 4e-5 * np.sin(2 * np.pi * mains * np.arange(len(column)) / fs_hz)


def gap(column):
    column = column.copy()
    column[3000:3400] = np.nan
    return column


def still(column):
    column = column.copy()
    column[: len(column) * 3 // 5] = column[0]
    return column


@pytest.mark.parametrize(
    ("change", "check", "quality", "also"),
    [
        (lambda x: np.clip(x, -1.5e-4, 1.5e-4), "clipping", Quality.BAD, ()),
        (lambda x: np.clip(x, None, 2.8e-4), "clipping", Quality.DOUBTFUL, ()),
        (hum, "mains", Quality.DOUBTFUL, {"size"}),
        (lambda x: hum(hum(hum(hum(x)))), "mains", Quality.BAD, {"size"}),
        (gap, "gaps", Quality.DOUBTFUL, ()),
        (still, "flat", Quality.BAD, {"size"}),
        (np.zeros_like, "flat", Quality.BAD, {"size", "median frequency"}),
        (np.abs, "band", Quality.BAD, {"median frequency", "size", "sampling"}),
        (
            lambda x: x + 3e-4 * np.sin(2 * np.pi * 1.5 * np.arange(len(x)) / 2000),
            "band",
            Quality.DOUBTFUL,
            {"size"},
        ),
        (lambda x: x * 1e6, "size", Quality.DOUBTFUL, {"sync"}),
        (
            lambda x: np.random.default_rng(1).normal(size=len(x)) * 1e-5,
            "size",
            Quality.DOUBTFUL,
            {"median frequency"},
        ),
    ],
)
def test_a_planted_fault_is_found_in_its_channel(change, check, quality, also):
    harmed = with_channel(clean(), 2, change)
    found = finding(harmed, check)
    assert found.quality is quality, found.words
    assert found.channels == ("c2",)
    assert "c2" in found.words
    others = {
        each.check for each in check_quality(harmed).findings if each.quality is not Quality.GOOD
    }
    assert others - {check} <= set(also)


def test_hum_names_its_frequency():
    harmed = with_channel(clean(), 0, lambda x: hum(x, mains=60.0))
    assert "60 Hz" in finding(harmed, "mains").words


def test_one_signal_in_two_channels_is_found():
    emg = clean()
    samples = np.array(emg.samples)
    samples[:, 3] = 2.0 * samples[:, 1]
    found = finding(emg.with_samples(samples, emg.fs_hz), "duplicates")
    assert found.quality is Quality.BAD
    assert found.channels == ("c1", "c3")
    samples[:, 3] = samples[:, 1] + 0.3 * emg.samples[:, 3]
    assert finding(emg.with_samples(samples, emg.fs_hz), "duplicates").quality is Quality.DOUBTFUL


def test_a_rate_that_the_signal_does_not_fill_is_found():
    slow = clean(fs_hz=500.0)
    fast = signal.resample(slow.samples, 4 * len(slow.samples), axis=0)
    found = finding(slow.with_samples(fast, 2000.0), "sampling")
    assert found.quality is Quality.DOUBTFUL
    assert "lower one" in found.words
    assert finding(slow, "sampling").quality is Quality.DOUBTFUL
    assert (
        finding(EmgRecording(np.ones((500, 1)), 50.0, (Channel("a"),)), "sampling").quality
        is Quality.BAD
    )


def test_events_and_series_that_do_not_fit_are_found():
    emg = clean()
    assert reaction_lag(emg) == pytest.approx(0.2, abs=0.03)
    late = replace(emg, events=tuple(Event(e.onset - 1.5, e.duration, e.label) for e in emg.events))
    assert finding(late, "sync").quality is Quality.DOUBTFUL
    beyond = replace(emg, events=(Event(100.0, 1.0, "fist"),))
    assert "outside" in finding(beyond, "sync").words
    force = TimeSeries(np.arange(10.0), np.zeros((10, 1)), ("grip",))
    assert "force" in finding(replace(emg, extra={"force": force}), "sync").words
    assert finding(replace(emg, events=()), "sync").quality is Quality.UNKNOWN


def test_rest_is_the_label_during_which_it_is_quiet():
    emg = clean(lag=0.3)
    rest = tuple(Event(4.0 * k, 2.0, "rest") for k in range(5))
    assert reaction_lag(replace(emg, events=emg.events + rest)) == pytest.approx(0.3, abs=0.03)


def test_bad_channels_are_named_in_the_verdict():
    report = check_quality(with_channel(clean(), 1, np.zeros_like))
    assert report.verdict is Quality.BAD
    assert report.bad_channels == ("c1",)
    assert "c1" in report.words


def test_rails_are_where_samples_pile_up():
    rng = np.random.default_rng(2)
    coarse = np.round(rng.normal(scale=2.0, size=20_000))
    fine = np.round(rng.normal(scale=20.0, size=20_000))
    cut = np.clip(fine, -40, 40)
    shares = clipped_share(np.stack([coarse, cut, np.zeros(20_000)], axis=1))
    assert shares[0] == 0.0
    assert shares[1] == pytest.approx((np.abs(fine) >= 40).mean())
    assert shares[2] == 0.0


def test_stillness_is_measured_in_runs():
    column = np.array([1.0, 1, 1, 2, 3, 3, 4, 4, 4, 4])
    assert constant_share(column[:, None], 3).tolist() == [0.7]


@pytest.mark.parametrize("count", [1, 2, 5, 50])
@pytest.mark.parametrize("fs_hz", [10.0, 200.0, 2000.0])
def test_short_recordings_get_a_report(count, fs_hz):
    report = check_quality(
        EmgRecording(np.arange(2.0 * count).reshape(count, 2), fs_hz, (Channel("a"), Channel("b")))
    )
    assert report.verdict in Quality
    assert all(each.words for each in report.findings)


def test_recordings_of_nothing_get_a_report():
    for value in (0.0, np.nan, 5.0):
        emg = EmgRecording(np.full((4000, 2), value), 1000.0, (Channel("a"), Channel("b")))
        assert check_quality(emg).verdict is Quality.BAD


@real
def test_real_armbands_are_usable_with_remarks():
    session = read_armband_session(SHARED / "myo_wrist_gestures" / "right" / "12345-1")
    for movement in ("hibernation", "flexion", "fist"):
        emg = session[movement]
        report = check_quality(emg)
        assert report.verdict is Quality.DOUBTFUL
        if movement != "hibernation":
            assert finding(emg, "sync").quality is Quality.GOOD, movement
    assert (
        check_quality(read_armband(SHARED / "libemg_tests" / "emg_data_myo.csv")).verdict
        is Quality.DOUBTFUL
    )
