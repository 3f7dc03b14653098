"""XDF: streams on one clock as pyxdf gives them; sizes are checked before it reads."""

import gzip

import numpy as np
import pytest

from musclehand.emg.io.reading import ReadOptions, read_emg
from musclehand.emg.io.xdf_file import read_xdf
from musclehand.emg.recording import EmgFileError
from support.emg_files import xdf

pyxdf = pytest.importorskip("pyxdf")

SAMPLES = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)


def write(folder, data, name="a.xdf"):
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("unit", "factor"), [("microvolts", 1e-6), ("mV", 1e-3), ("V", 1.0), ("uV", 1e-6)]
)
def test_emg_is_in_volts_by_the_unit_of_its_channels(unit, factor, tmp_path):
    path = write(tmp_path, xdf(SAMPLES, unit=unit))
    emg = read_emg(path)
    assert emg.names == ("FDS", "EDC")
    assert emg.fs_hz == 500.0
    assert emg.samples == pytest.approx(factor * SAMPLES.astype(float), rel=1e-12)
    assert emg.provenance["unit in the file"] == unit
    streams, _ = pyxdf.load_xdf(str(path))
    assert np.array_equal(streams[0]["time_series"], SAMPLES)


def test_other_streams_are_series_and_events_on_the_same_clock(tmp_path):
    emg = read_xdf(write(tmp_path, xdf(SAMPLES)))
    assert emg.extra["Grip"].time == pytest.approx([0, 0.1, 0.2, 0.3], abs=1e-6)
    assert emg.extra["Grip"].values[:, 0].tolist() == [0, 1, 2, 3]
    assert [(event.label, round(event.onset, 6)) for event in emg.events] == [("press", 0.1)]
    shifted = read_xdf(write(tmp_path, xdf(SAMPLES, offset=0.05)))
    assert shifted.events[0].onset == pytest.approx(0.05, abs=1e-6)


def test_a_stream_can_be_chosen_and_the_only_even_one_is(tmp_path):
    path = write(tmp_path, xdf(SAMPLES, kind="EEG"))
    assert read_xdf(path).names == ("FDS", "EDC")
    assert read_emg(path, ReadOptions(variable="Armband")).names == ("FDS", "EDC")
    with pytest.raises(EmgFileError, match="Grip"):
        read_xdf(path, variable="none")


def test_an_absent_unit_is_assumed_and_told_ones_hold(tmp_path):
    path = write(tmp_path, xdf(SAMPLES, unit=""))
    assert read_xdf(path).provenance["note"] == "unit not in the file, V assumed"
    emg = read_xdf(path, unit="uV")
    assert emg.samples == pytest.approx(1e-6 * SAMPLES.astype(float), rel=1e-12)


def test_a_packed_file_is_read_and_a_bomb_is_not(tmp_path):
    assert len(read_emg(write(tmp_path, gzip.compress(xdf(SAMPLES)), "a.xdfz")).samples) == 300
    with pytest.raises(EmgFileError, match="refused"):
        read_emg(write(tmp_path, gzip.compress(b"XDF:" + bytes(30_000_000)), "b.xdfz"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no XDF"),
        (b"XDF:", "no stream"),
        (b"XDF:\x04\xff\xff\xff\x7f\x02\x00", "cut short"),
        (xdf(SAMPLES)[:-7], "cut short"),
        (xdf(SAMPLES).replace(b"<channel_count>2", b"<channel_count>9"), "damaged"),
        (
            xdf(SAMPLES).replace(b'<?xml version="1.0"?><info><name>A', b"<!DOCTYPE a [<!ENT  ><A"),
            "XML",
        ),
    ],
)
def test_what_is_no_xdf_file_is_named(data, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem) as caught:
        read_xdf(write(tmp_path, data))
    assert "a.xdf" in str(caught.value)
    assert "\n" not in str(caught.value)
