"""EMG tracks of BTS: unit, rate and frames from the lines above."""

import numpy as np
import pytest

from musclehand.emg.io.bts_file import read_bts
from musclehand.emg.io.reading import find_format, read_emg
from musclehand.emg.recording import EmgFileError
from support.emg_files import bts

VALUES = np.round(np.random.default_rng(0).normal(size=(50, 2)), 6)


def write(folder, text, name="a.emt"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e-3), ("V", 1.0), ("uV", 1e-6), ("µV", 1e-6)])
@pytest.mark.parametrize("name", ["a.emt", "a.txt"])
def test_tracks_are_in_volts_by_the_stated_unit(unit, factor, decimal, name, tmp_path):
    path = write(tmp_path, bts(VALUES, unit=unit, decimal=decimal), name)
    assert find_format(path) == "bts"
    emg = read_emg(path)
    assert emg.names == ("FDS", "EDC")
    assert emg.fs_hz == 1000.0
    assert emg.samples == pytest.approx(factor * VALUES, rel=1e-9)
    assert emg.provenance["unit in the file"] == unit
    assert not emg.extra


def test_a_shortened_file_says_so(tmp_path):
    text = bts(VALUES).replace("Frames:       \t50", "Frames:       \t90")
    assert "50 of 90 frames" in read_bts(write(tmp_path, text)).provenance["note"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("something\n", "line 1.*BTS ASCII"),
        (bts(VALUES, kind="Point 3D tracks", unit="mm"), "Point 3D tracks"),
        (bts(VALUES)[:200], "a.emt"),
    ],
)
def test_what_is_no_emg_is_named(text, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem):
        read_bts(write(tmp_path, text))
