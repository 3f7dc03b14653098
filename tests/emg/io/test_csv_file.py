"""Tables as vendors and spreadsheets export them: headings, units, decimal marks, facts above."""

import contextlib
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.emg.io.column_map import ColumnMap
from musclehand.emg.io.csv_file import read_csv
from musclehand.emg.io.reading import ReadOptions, read_emg
from musclehand.emg.recording import EmgFileError
from support.emg_files import noraxon

RATE = 2000.0
VALUES = np.round(np.random.default_rng(0).normal(scale=100.0, size=(60, 2)), 3)


def rows(mark=",", decimal=".", *, times=True, quoted=False, further=()):
    lines = []
    for i, row in enumerate(VALUES):
        cells = [f"{i / RATE:.5f}"] if times else []
        cells += [f"{value:.3f}" for value in row] + list(further)
        cells = [cell.replace(".", decimal) for cell in cells]
        lines.append(mark.join(f'"{cell}"' if quoted else cell for cell in cells))
    return "\n".join(lines) + "\n"


def write(folder, text, name="a.csv", encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def problem_of(path):
    """What reading says is wrong; the name of the file where nothing is."""
    try:
        read_csv(path)
    except EmgFileError as error:
        return str(error)
    return path.name


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("time (s),FDS (µV),EDC (µV)\n" + rows(), 1e-6),
        ("time,FDS {mV},EDC {mV}\n" + rows(), 1e-3),
        ("Zeit [s];FDS [mV];EDC [mV]\n" + rows(";", ","), 1e-3),
        ("Zeit [s]\tFDS [mV]\tEDC [mV]\n" + rows("\t", ","), 1e-3),
        ('"Zeit [s]","FDS [mV]","EDC [mV]"\n' + rows(",", ",", quoted=True), 1e-3),
        ("time;FDS (uV);EDC (uV)\n" + rows(";"), 1e-6),
        ("time FDS[mV] EDC[mV]\n" + rows(" ", ","), 1e-3),
        ("time (s)  FDS (mV)  EDC (mV)\n" + rows("  "), 1e-3),
        ("time,FDS,EDC\ns,mV,mV\n" + rows(), 1e-3),
        ("time,FDS,EDC\n(s),[uV],[uV]\n" + rows(), 1e-6),
        ("# time, FDS (mV), EDC (mV)\n" + rows(), 1e-3),
        ("Messung;Test\nAbtastrate;2000 Hz\n\nZeit;FDS;EDC\ns;µV;µV\n" + rows(";", ","), 1e-6),
        ("Sampling rate: 2000 Hz\nUnit: mV\nFDS;EDC\n" + rows(";", ",", times=False), 1e-3),
        ("Sampling interval\t0.5 ms\n\nFDS (uV)\tEDC (uV)\n" + rows("\t", times=False), 1e-6),
        ("time;FDS (mV);EDC (mV);\n" + rows(";").replace("\n", ";\n"), 1e-3),
        ("time,FDS,EDC\n" + rows(), 1.0),
        ("time (s),FDS (mV),EDC (mV)\n" + rows() + ",,\n  \n", 1e-3),
        ("Einheit: µV\nSampled at 2 kHz\nFDS\tEDC\n" + rows("\t", times=False), 1e-6),
        ("2000 samples/s\nFDS (mV)\tEDC (mV)\n" + rows("\t", times=False), 1e-3),
        ("Fs = 2000 Hz, low pass 500 Hz\nFDS (mV);EDC (mV)\n" + rows(";", times=False), 1e-3),
    ],
)
def test_unit_names_rate_and_decimal_mark_are_found(text, factor, tmp_path):
    emg = read_csv(write(tmp_path, text))
    assert emg.names == ("FDS", "EDC")
    assert emg.fs_hz == pytest.approx(RATE)
    assert emg.samples == pytest.approx(factor * VALUES, rel=1e-12)
    assert [channel.unit for channel in emg.channels] == ["V", "V"]
    assert ("note" in emg.provenance) == (factor == 1.0)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_headings_in_other_encodings_are_read(encoding, tmp_path):
    path = write(tmp_path, "time (s);FDS (µV);EDC (µV)\n" + rows(";", ","), encoding=encoding)
    assert read_emg(path).samples == pytest.approx(1e-6 * VALUES, rel=1e-12)


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-6), ("mV", 1e-3)])
def test_an_export_of_noraxon_has_names_units_series_and_activities(unit, factor, tmp_path):
    emg = read_emg(write(tmp_path, noraxon(VALUES, unit=unit)))
    assert emg.names == ("VMO RT", "VLO RT")
    assert emg.fs_hz == pytest.approx(1500.0, rel=1e-4)
    assert emg.samples == pytest.approx(factor * np.round(VALUES, 4), rel=1e-9)
    other = emg.extra["other"]
    assert other.names == ("Ultium EMG.Internal Accel 1 Ax", "Ultium EMG.Sync")
    assert other.units == ("mG", "On")
    labels = [event.label for event in emg.events]
    assert labels == ["Rest", "Press", "M1"]


def test_an_export_of_vicon_has_its_rate_above(tmp_path):
    text = "Devices\n2000\n,,EMG,\nFrame,Sub Frame,FDS,EDC\n,,mV,mV\n"
    text += "".join(f"{1 + i // 20},{i % 20},{a},{b}\n" for i, (a, b) in enumerate(VALUES))
    emg = read_csv(write(tmp_path, text))
    assert emg.fs_hz == 2000.0
    assert emg.names == ("FDS", "EDC")
    assert emg.samples == pytest.approx(1e-3 * VALUES, rel=1e-12)


def test_row_numbers_without_a_heading_are_no_channel(tmp_path):
    lines = ["", *rows().split("\n")[:-1]]
    text = ",time,FDS [mV],EDC [mV]\n" + "\n".join(f"{i},{row}" for i, row in enumerate(lines[1:]))
    emg = read_csv(write(tmp_path, text))
    assert emg.names == ("FDS", "EDC")
    assert emg.fs_hz == pytest.approx(RATE)


def test_an_export_of_labchart_has_its_names_above(tmp_path):
    text = "Interval=\t0.0005 s\nTimeFormat=\tStartOfBlock\nChannelTitle=\tFDS\tEDC\n"
    text += "Range=\t10.000 mV\t5.000 µV\n" + rows("\t")
    emg = read_csv(write(tmp_path, text, "a.txt"))
    assert emg.names == ("FDS", "EDC")
    assert emg.fs_hz == 2000.0
    assert emg.samples == pytest.approx([1e-3, 1e-6] * VALUES, rel=1e-12)


@pytest.mark.parametrize(("clock", "factor"), [("sec", 1.0), ("min", 1 / 60), ("ms", 1e3)])
def test_an_export_of_acqknowledge_has_its_names_above(clock, factor, tmp_path):
    text = "a.acq\n0.5 msec/sample\n2 channels\nEMG, FDS\nmV\nEMG, EDC\nmV\n"
    text += f"{clock}\tCH1\tCH2\n\t60\t60\n"
    text += "".join(
        f"{factor * i / 2000:.10g}\t{a}\t{b}\n" for i, (a, b) in enumerate(VALUES.tolist())
    )
    emg = read_csv(write(tmp_path, text, "a.txt"))
    assert emg.names == ("EMG, FDS", "EMG, EDC")
    assert emg.fs_hz == pytest.approx(2000.0)
    assert emg.samples == pytest.approx(1e-3 * VALUES, rel=1e-12)


def test_force_and_trigger_are_series(tmp_path):
    text = "time [s],FDS [uV],EDC [uV],Force [N],Trigger\n" + rows(further=("1.5", "0"))
    emg = read_csv(write(tmp_path, text))
    assert emg.names == ("FDS", "EDC")
    assert emg.extra["other"].names == ("Force", "Trigger")
    assert emg.extra["other"].units == ("N", "unknown")


def test_milliseconds_are_read_as_such(tmp_path):
    text = "time (ms),FDS (mV)\n" + "".join(f"{0.5 * i},{a}\n" for i, a in enumerate(VALUES[:, 0]))
    assert read_csv(write(tmp_path, text)).fs_hz == pytest.approx(2000.0)
    plain = "Rate: 2000 Hz\n" + text.replace(" (ms)", "")
    assert read_csv(write(tmp_path, plain)).fs_hz == pytest.approx(2000.0)


def test_signals_with_times_of_their_own_are_read_side_by_side(tmp_path):
    lines = ["X [s],L FDS: EMG 1 [V],X [s],L FDS: ACC.X 1 [g]"]
    for i, value in enumerate(VALUES[:, 0]):
        lines.append(f"{i / 2000:.6f},{value}," + (f"{i / 500:.6f},{i}" if i < 15 else ","))
    emg = read_csv(write(tmp_path, "\n".join(lines) + "\n"))
    assert emg.names == ("L FDS: EMG 1",)
    assert emg.fs_hz == pytest.approx(2000.0)
    assert emg.extra["L FDS: ACC.X 1"].fs_hz == pytest.approx(500.0)
    assert len(emg.extra["L FDS: ACC.X 1"].time) == 15


def test_what_the_caller_says_about_units_holds_and_is_written_down(tmp_path):
    path = write(tmp_path, "time,FDS (mV),EDC (mV)\n" + rows())
    emg = read_emg(path, ReadOptions(unit="uV"))
    assert emg.samples == pytest.approx(1e-6 * VALUES)
    assert emg.provenance["unit as told"] == "uV"
    assert emg.provenance["unit in the file"] == "mV"
    columns = ColumnMap(time="time", ignore=("EDC (mV)",))
    assert read_csv(path, columns).names == ("FDS",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("time;FDS [mV]\n0,0;1.234,5\n0,5;2,0\n", "not a number"),
        ("Rate: 2000 Hz\nFDS,EDC\n1,2\n1,2,3\n", "line 4.*3 fields"),
        ("FDS [mV];EDC [mV]\n1,0;2,0\n1,0;2,0\n", "--rate"),
    ],
)
def test_lines_that_do_not_fit_are_named(text, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem):
        read_csv(write(tmp_path, text))


@pytest.mark.parametrize(
    "line",
    [
        *(" " * 100_000, "9" * 100_000, "sampl" * 20_000, "rate " * 20_000, "(" * 100_000),
        *(
            "a, " * 30_000,
            "Label: " + " " * 100_000,
            "1 " * 50_000,
            '"' * 100_000,
            "unit\t" * 20_000,
        ),
    ],
)
def test_long_lines_take_no_time(line, tmp_path):
    path = write(tmp_path, "\n".join([line] * 40) + "\ntime,FDS\n0,1\n1,2\n")
    begin = time.perf_counter()
    assert problem_of(path)
    with contextlib.suppress(EmgFileError):
        read_emg(path)
    assert time.perf_counter() - begin < 5.0


@given(text=st.text(alphabet='time,FDS;(mV)µ[]\t\n01.5e-"# ', max_size=120))
def test_no_text_does_more_than_fail_with_a_line(text, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8")
    problem = problem_of(path)
    assert "any.csv" in problem
    assert "\n" not in problem
