"""Text of OpenSignals: columns, sensors and rate from its JSON header."""

import numpy as np
import pytest

from musclehand.emg.io.opensignals_file import read_opensignals
from musclehand.emg.io.reading import ReadOptions, find_format, read_emg
from musclehand.emg.recording import EmgFileError
from support.emg_files import opensignals

COUNTS = np.random.default_rng(0).integers(0, 65536, (60, 2))


def write(folder, text, name="a.txt"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_counts_stay_and_further_sensors_are_series(tmp_path):
    path = write(tmp_path, opensignals(COUNTS, 500, sensors=("ECG", "EMG")))
    assert find_format(path) == "opensignals"
    emg = read_emg(path)
    assert emg.names == ("CH2",)
    assert emg.fs_hz == 500.0
    assert emg.samples[:, 0].tolist() == COUNTS[:, 1].tolist()
    assert emg.channels[0].unit == "counts"
    assert emg.extra["ECG CH1"].values[:, 0].tolist() == COUNTS[:, 0].tolist()


def test_raw_sensors_are_emg_where_none_is(tmp_path):
    emg = read_emg(write(tmp_path, opensignals(COUNTS, sensors=("RAW", "RAW"))))
    assert emg.names == ("CH1", "CH2")


def test_converted_values_are_millivolts(tmp_path):
    path = write(tmp_path, opensignals(COUNTS, converted=1))
    assert read_emg(path).samples == pytest.approx(1e-3 * COUNTS)
    assert read_emg(path, ReadOptions(unit="uV")).samples == pytest.approx(1e-6 * COUNTS)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("# OpenSignals", "# ClosedSignals", "line 1"),
        ('"sampling rate": 1000', '"sampling rate": 0', "sampling rate"),
        ('"sampling rate": 1000', '"sampling rate": "x"', "sampling rate"),
        ('{"sensor"', '{"sensor', "JSON"),
        ('# {"00', '# ["00', "no line of JSON"),
        ('"column"', '"columns"', "no list of columns"),
        ("\n3\t0\t", "\n3\t0\t7\t", "5 fields"),
    ],
)
def test_a_header_that_makes_no_sense_is_named(old, new, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem):
        read_opensignals(write(tmp_path, opensignals(COUNTS).replace(old, new, 1)))
