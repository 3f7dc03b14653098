"""Exports of Delsys: every signal with its own rate, and units of each."""

import numpy as np
import pytest

from musclehand.emg.io.delsys_file import read_delsys
from musclehand.emg.io.reading import find_format, read_emg
from musclehand.emg.recording import EmgFileError
from support.emg_files import discover, emgworks

VALUES = np.round(np.random.default_rng(0).normal(size=(80, 2)), 6)


def write(folder, text, name="a.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(("mark", "decimal"), [(",", "."), (";", ","), ("\t", ".")])
@pytest.mark.parametrize(
    ("unit", "factor"), [("V", 1.0), ("mV", 1e-3), ("Volts", 1.0), ("µV", 1e-6)]
)
def test_emgworks_states_rates_and_units_above(mark, decimal, unit, factor, tmp_path):
    path = write(tmp_path, emgworks(VALUES[:, 0], unit=unit, mark=mark, decimal=decimal))
    assert find_format(path) == "delsys"
    emg = read_emg(path)
    assert emg.names == ("R FDS: EMG 1",)
    assert emg.fs_hz == 2000.0
    assert emg.samples[:, 0] == pytest.approx(factor * VALUES[:, 0], rel=1e-9)
    acceleration = emg.extra["R FDS: Acc 1.X"]
    assert acceleration.fs_hz == pytest.approx(500.0)
    assert acceleration.units == ("g",)
    assert len(acceleration.time) == 20
    assert "shorter than stated" not in emg.provenance


def test_labels_inside_the_heading_are_read(tmp_path):
    label = "Label: R FDS: EMG 1 Sampling frequency: 2.0e+003 Number of points: 3 start: 0 Unit: mV"
    text = f"X[s],{label} Domain Unit: s\n0,1\n0.0005,2\n0.001,3\n"
    emg = read_emg(write(tmp_path, text))
    assert emg.names == ("R FDS: EMG 1",)
    assert emg.fs_hz == 2000.0
    assert emg.samples[:, 0] == pytest.approx([1e-3, 2e-3, 3e-3])


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e-3), ("V", 1.0), ("uV", 1e-6)])
def test_discover_states_rates_below_the_heading(unit, factor, tmp_path):
    emg = read_emg(write(tmp_path, discover(VALUES, 1259.2593, unit=unit)))
    assert emg.names == ("Avanti Sensor 1: EMG 1", "Avanti Sensor 2: EMG 1")
    assert emg.fs_hz == pytest.approx(1259.2593)
    assert emg.samples == pytest.approx(factor * VALUES, rel=1e-9)
    assert emg.channels[0].site == "Avanti Sensor 1 (111)"
    assert emg.extra["Avanti Sensor 2: ACC X"].fs_hz == pytest.approx(1259.2593 / 4)
    assert [event.label for event in emg.events] == ["E0", "E1"]


def test_discover_without_times_is_read(tmp_path):
    text = "Application:,Trigno Discover\nDate/Time:,x\nCollection Length (seconds):,1\n"
    text += "Sensor 1 (1),Sensor 2 (2)\nEMG 1 (mV),EMG 2 (mV)\n2000.0 Hz,2000.0 Hz\n"
    text += "".join(f"{a},{b}\n" for a, b in VALUES)
    emg = read_emg(write(tmp_path, text))
    assert emg.names == ("EMG 1", "EMG 2")
    assert emg.fs_hz == 2000.0
    assert emg.samples == pytest.approx(1e-3 * VALUES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Application:,Trigno Discover\n", "no heading"),
        ("Label: a Sampling frequency: 1 Unit: V\n", "no heading"),
        (discover(VALUES).replace("0.000500, ", "0.5x, ", 1), "line 10.*not a number"),
        (emgworks(VALUES[:, 0]).replace("0.001000,", "0.901000,", 1), "evenly spaced"),
        (emgworks(VALUES[:, 0]).replace("2000.0000", "4000.0000"), "say 2000"),
    ],
)
def test_what_does_not_fit_is_named(text, problem, tmp_path):
    path = write(tmp_path, text)
    with pytest.raises(EmgFileError, match=problem):
        read_delsys(path)
