"""The text exports that users brought, each as its system writes it."""

import numpy as np
import pytest

from musclehand.cli import main
from musclehand.emg.io.reading import find_format, read_emg
from support.paths import SHARED_DATA

VENDOR = SHARED_DATA / "emg" / "vendor"
pytestmark = pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendors' files are not here")

FILES = {
    "header_uV_in_parentheses.csv": ("csv", ("FDS", "EDC"), 2000.0, "V"),
    "no_unit_in_header.csv": ("csv", ("BicepsBrachiiR",), 1925.94, "V"),
    "delsys_emgworks.csv": ("delsys", ("Trigno sensor 1: EMG 1",), 2000.0, "V"),
    "delsys_discover.csv": ("delsys", ("EMG 1", "EMG 2"), 2000.0, "V"),
    "decimal_comma.csv": ("csv", ("FDS", "EDC"), 2000.0, "V"),
    "bts_ascii.emt": ("bts", ("FDS", "EDC"), 2000.0, "V"),
    "opensignals.txt": ("opensignals", ("CH1", "CH2"), 1000.0, "counts"),
}


@pytest.mark.parametrize("name", FILES)
def test_names_rate_and_unit_are_those_of_the_file(name):
    kind, names, fs_hz, unit = FILES[name]
    assert find_format(VENDOR / name) == kind
    emg = read_emg(VENDOR / name)
    assert emg.names == names
    assert emg.fs_hz == pytest.approx(fs_hz, rel=1e-5)
    assert {channel.unit for channel in emg.channels} == {unit}


@pytest.mark.parametrize(
    "name", ["header_uV_in_parentheses.csv", "delsys_emgworks.csv", "delsys_discover.csv"]
)
def test_the_same_signal_has_the_same_volts_in_every_export(name):
    emg = read_emg(VENDOR / name)
    reference = read_emg(VENDOR / "decimal_comma.csv")
    count = min(len(emg.samples), len(reference.samples))
    assert emg.samples[:count, 0] == pytest.approx(reference.samples[:count, 0], abs=1e-8)
    assert 1e6 * np.std(reference.samples[:, 0]) == pytest.approx(208.4, abs=0.1)


def test_units_are_stated_or_assumed(capsys):
    stated = read_emg(VENDOR / "header_uV_in_parentheses.csv").provenance
    assert stated["unit in the file"] == "µV"
    assert main(["emg", "info", str(VENDOR / "no_unit_in_header.csv")]) == 0
    words = capsys.readouterr().out
    assert "unit not in the file, V assumed" in words
    assert "unit in the file" not in words


def test_accelerations_are_series_of_their_own_rate():
    extra = read_emg(VENDOR / "delsys_emgworks.csv").extra
    assert list(extra) == [f"Trigno sensor 1: Acc 1.{axis}" for axis in "XYZ"]
    for series in extra.values():
        assert series.fs_hz == pytest.approx(148.148, abs=1e-3)
        assert series.units == ("g",)
    assert extra["Trigno sensor 1: Acc 1.X"].values[1, 0] == pytest.approx(0.143397)


def test_counts_of_opensignals_stay():
    samples = read_emg(VENDOR / "opensignals.txt").samples
    assert samples[:2].tolist() == [[41339, 32641], [34524, 32982]]
