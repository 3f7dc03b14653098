"""EMG in text: tables with a column map, and armbands."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.armband_file import WRIST_LABELS, read_armband, read_armband_session
from musclehand.emg.io.column_map import ColumnMap, read_column_map
from musclehand.emg.io.csv_file import read_csv
from musclehand.emg.io.timing import find_rate
from musclehand.emg.recording import Channel, EmgFileError
from support.paths import SHARED_DATA

SHARED = SHARED_DATA / "emg"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings are not here")
GESTURES = SHARED / "myo_wrist_gestures"
SESSIONS = sorted(path for path in GESTURES.glob("*/*-*") if path.is_dir())

TABLE = "time,FDS,EDC,phase\n0.000,0.1,-0.2,rest\n0.001,0.3,nan,fist\n0.002,,0.5,fist\n0.003,1e-3,-2,rest\n"
ARMBAND = "1,2,3,4,5,6,7,8,0\n-128,127,0,0,0,0,0,1,2\n0,0,0,0,0,0,0,0,2\n0,0,0,0,0,0,0,0,9\n"


def write(folder, text, name="emg.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problem_of(read):
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None


def test_a_table_with_a_heading_and_a_column_map(tmp_path):
    columns = ColumnMap(
        channels={"EDC": Channel("extensor", "EDC", "dorsal", Side.LEFT), "2": Channel("flexor")},
        label="phase",
        labels={"rest": ""},
        unit="mV",
    )
    emg = read_csv(write(tmp_path, TABLE), columns)
    assert emg.fs_hz == pytest.approx(1000.0)
    assert emg.names == ("extensor", "flexor")
    assert emg.channels[0].side is Side.LEFT
    assert emg.channels[0].unit == "V"
    assert emg.samples[:, 1] == pytest.approx([1e-4, 3e-4, np.nan, 1e-6], nan_ok=True)
    assert [
        (event.label, round(event.onset, 6), round(event.duration, 6)) for event in emg.events
    ] == [("fist", 0.001, 0.002)]


@pytest.mark.parametrize(
    ("mark", "ending"), [(",", "\n"), (";", "\r\n"), ("\t", "\n"), (" ", "\r")]
)
def test_delimiters_and_line_ends_are_found(mark, ending, tmp_path):
    text = "t,a,b\n0,1,2\n0.5,3,4\n1,5,6\n".replace(",", mark).replace("\n", ending)
    emg = read_csv(write(tmp_path, text))
    assert emg.fs_hz == 2.0
    assert emg.names == ("a", "b")
    assert emg.samples.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_table_without_heading_has_numbered_columns(tmp_path):
    path = write(tmp_path, "1,2,3\n4,5,6\n7,8,9\n")
    emg = read_csv(path, ColumnMap(fs_hz=1000.0, unit="counts", ignore=("2",)))
    assert emg.names == ("1", "3")
    assert emg.samples.tolist() == [[1, 3], [4, 6], [7, 9]]
    assert emg.channels[0].unit == "counts"
    with pytest.raises(EmgFileError, match="--rate"):
        read_csv(path)


def test_a_column_map_comes_from_a_file(tmp_path):
    content = {
        "fs_hz": 1000,
        "time": "time",
        "label": "phase",
        "labels": {"rest": ""},
        "unit": "uV",
        "channels": {"FDS": {"name": "FDS", "muscle": "FDS", "side": "right"}, "EDC": "EDC"},
    }
    columns = read_column_map(write(tmp_path, json.dumps(content), "map.json"))
    assert columns.channels["FDS"] == Channel("FDS", "FDS", side=Side.RIGHT)
    emg = read_csv(write(tmp_path, TABLE), columns)
    assert emg.channel("EDC")[0] == pytest.approx(-0.2e-6)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "{",
            '{"rate": 3}',
            '{"fs_hz": "fast"}',
            '{"fs_hz": -1}',
            '{"unit": 3}',
            '{"delimiter": "|"}',
        ),
        *(
            '{"channels": [1]}',
            '{"channels": {"a": {"muscle": "b"}}}',
            '{"channels": {"a": {"name": "b", "side": "up"}}}',
        ),
        *(
            '{"fs_hz": true}',
            '{"labels": 3}',
            '{"ignore": 3}',
            "[" * 5000,
            '{"time": []}',
            '{"channels": {"a": 3}}',
        ),
    ],
)
def test_a_file_that_is_no_column_map_is_named(text, tmp_path):
    with pytest.raises(EmgFileError, match=r"bad\.json"):
        read_column_map(write(tmp_path, text, "bad.json"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("time,a\n", "0 samples"),
        ("time,a\n0,1\n", "1 samples"),
        ("time,a\n0,1\n1,2,3\n", "line 3.*3 fields"),
        ("time,a\n0,1\n\n1,2\n", "line 3.*1 fields"),
        ("time,a\n0,1\n1,x\n", "line 3.*'x'"),
        ("time,a\n0,1\n1,inf\n", "line 3.*finite"),
        ("time,a\n0,1\n,2\n", "line 3.*no time"),
        ("time,a\n0,1\n0,2\n", "do not increase"),
        ("time,a\n0,1\n1,2\n2,3\n13,4\n14,5\n15,5\n", "line 5.*11 s"),
        ("time,a,a\n0,1,1\n1,2,2\n", "used once"),
        ("time,,b\n0,1,1\n1,2,2\n", "line 1"),
        ("time\n0\n1\n", "no channels"),
        (b"time,a\n0,1\n1,\xff\n", "line 3.*UTF-8"),
    ],
)
def test_what_is_no_table_is_named_with_its_line(text, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem) as caught:
        read_csv(write(tmp_path, text))
    assert "emg.csv" in str(caught.value)


def test_columns_that_are_not_there_are_named(tmp_path):
    path = write(tmp_path, TABLE)
    with pytest.raises(EmgFileError, match="'FCR'"):
        read_csv(path, ColumnMap(channels={"FCR": Channel("FCR")}))
    with pytest.raises(EmgFileError, match="1000 Hz, the column map 500"):
        read_csv(path, ColumnMap(fs_hz=500.0, ignore=("phase",)))
    with pytest.raises(InvalidValue):
        read_csv(path, ColumnMap(delimiter="|"))


@given(fs_hz=st.floats(1.0, 5000.0), count=st.integers(20, 300), start=st.floats(-10, 10))
def test_the_rate_is_found_in_rounded_times(fs_hz, count, start):
    even = start + np.arange(count) / fs_hz
    assert find_rate("x", even, 1) == pytest.approx(fs_hz, rel=1e-6)
    rounded = np.round(even, 6)
    assert find_rate("x", rounded, 1) == pytest.approx(fs_hz, rel=1e-3)


def test_a_missing_sample_is_found_in_the_times():
    times = np.delete(np.arange(1000) / 1000, [500, 501])
    with pytest.raises(EmgFileError, match="line 510"):
        find_rate("x", times, 10)


def test_an_armband_with_labels(tmp_path):
    emg = read_armband(write(tmp_path, ARMBAND), side=Side.LEFT)
    assert emg.samples.shape == (4, 8)
    assert emg.channels[7].unit == "counts"
    assert [event.label for event in emg.events] == ["hibernation", "extension", "9"]
    assert emg.events[1].duration == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1"),
        ("1,2,3\n", "line 1.*3 fields"),
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7\n", "line 2.*7 fields"),
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,128\n", "line 2.*whole"),
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,1.5\n", "line 2.*whole"),
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,\n", "line 2.*whole"),
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,x\n", "line 2.*'x'"),
    ],
)
def test_what_is_no_armband_is_named_with_its_line(text, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem):
        read_armband(write(tmp_path, text))


@given(
    which=st.sampled_from([(TABLE, read_csv), (ARMBAND, read_armband)]),
    data=st.binary(max_size=30),
    at=st.floats(0, 1),
    cut=st.integers(0, 30),
)
def test_damaged_files_are_errors_that_name_the_file(which, data, at, cut, tmp_path_factory):
    text, read = which
    place = round(at * len(text))
    path = write(
        tmp_path_factory.getbasetemp(),
        text[:place].encode() + data + text[place + cut :].encode(),
        "damaged",
    )
    problem = problem_of(lambda: read(path))
    assert problem is None or "damaged" in problem


@real
@pytest.mark.parametrize("folder", SESSIONS, ids=lambda path: path.name)
def test_sessions_of_the_armband_set_are_read(folder):
    session = read_armband_session(folder)
    assert list(session) == list(WRIST_LABELS.values())
    for movement, emg in session.items():
        assert emg.channels[0].side is (Side.RIGHT if folder.parent.name == "right" else Side.LEFT)
        assert (emg.subject, emg.session) == tuple(folder.name.split("-"))
        assert 55 < emg.duration < 65
        assert {event.label for event in emg.events} == {"hibernation", movement}


@real
def test_the_malformed_file_is_named_with_its_line():
    (path,) = (GESTURES / "malformed").iterdir()
    begin = time.perf_counter()
    with pytest.raises(EmgFileError, match=r"line 12322.*17 fields") as caught:
        read_armband(path)
    assert path.name in str(caught.value)
    assert time.perf_counter() - begin < 5.0


@real
def test_other_armband_files_are_read():
    path = SHARED / "libemg_tests" / "emg_data_myo.csv"
    emg = read_armband(path)
    assert emg.samples.shape == (np.loadtxt(path, delimiter=",").shape[0], 8)
    assert not emg.events


def test_a_folder_that_is_no_session_is_named(tmp_path):
    with pytest.raises(EmgFileError, match=r"0\.txt"):
        read_armband_session(tmp_path)
    with pytest.raises(EmgFileError, match="no such folder"):
        read_armband_session(tmp_path / "none")
