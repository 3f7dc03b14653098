"""OpenSim's tables and markers: files that OpenSim wrote come out as they went in, and fakes are
refused."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.emg.io.marker_file import in_metres, read_markers, write_markers
from musclehand.emg.io.opensim_file import StorageFile, read_storage, write_storage
from musclehand.emg.recording import EmgFileError, TimeSeries
from support.paths import SHARED_DATA

SHARED = SHARED_DATA / "emg"
GOLDEN = SHARED / "opensim_golden"
FAKES = SHARED / "pyomeca_formats"
golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the files that OpenSim wrote are not here")
fakes = pytest.mark.skipif(not FAKES.is_dir(), reason="the files with commas are not here")

STO = "inDegrees=no\nDataType=double\nversion=3\nendheader\ntime\ta\tb\n0\t1\t2\n0.01\t3\tnan\n"
TRC = (
    "PathFileType\t4\t(X/Y/Z)\tx.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    "100\t100\t2\t2\tmm\t100\t0\t2\nFrame#\tTime\tTIP\t\t\tMCP\t\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\t\n\n"
    "1\t0\t1\t2\t3\t4\t5\t6\t\n2\t0.01\t7\t8\t9\t\t\t\t\n"
)

columns = st.lists(
    st.text(
        st.characters(codec="ascii", min_codepoint=48, max_codepoint=122, exclude_characters="=,"),
        min_size=1,
    ),
    min_size=1,
    max_size=4,
    unique=True,
)
numbers = st.floats(allow_infinity=False, width=32) | st.floats(-1e6, 1e6)


@golden
@pytest.mark.parametrize("name", ["activations_opensim46.sto", "kinematics_opensim46.mot"])
def test_files_of_opensim_come_out_byte_for_byte(name, tmp_path):
    storage = read_storage(GOLDEN / name)
    assert storage.in_degrees == name.endswith(".mot")
    assert len(storage.series.time) == 101
    assert storage.series.fs_hz == pytest.approx(100.0)
    write_storage(tmp_path / name, storage)
    assert (tmp_path / name).read_bytes() == (GOLDEN / name).read_bytes()


@golden
def test_markers_of_opensim_come_out_byte_for_byte_below_the_file_name(tmp_path):
    markers = read_markers(GOLDEN / "markers_opensim46.trc")
    assert markers.names[:3] == ("WRIST.x", "WRIST.y", "WRIST.z")
    assert set(markers.units) == {"mm"}
    assert in_metres(markers).column("MCP2.x")[0] == pytest.approx(
        1e-3 * markers.column("MCP2.x")[0]
    )
    write_markers(tmp_path / "out.trc", markers)
    ours, theirs = (
        (path.read_bytes().split(b"\n", 1)[1])
        for path in (tmp_path / "out.trc", *GOLDEN.glob("*.trc"))
    )
    assert ours == theirs


def test_opensim_reads_what_we_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it leaves a log where it is loaded
    opensim = pytest.importorskip("opensim")
    rng = np.random.default_rng(1)
    series = TimeSeries(np.arange(20) / 50, rng.normal(size=(20, 3)), ("a", "b", "c"))
    write_storage(tmp_path / "x.sto", StorageFile(series))
    table = opensim.TimeSeriesTable(str(tmp_path / "x.sto"))
    assert table.getColumnLabels() == ("a", "b", "c")
    assert table.getMatrix().to_numpy() == pytest.approx(series.values, rel=1e-15)
    points = TimeSeries(
        np.arange(5) / 50,
        rng.normal(size=(5, 6)),
        ("A.x", "A.y", "A.z", "B.x", "B.y", "B.z"),
        ("m",) * 6,
    )
    write_markers(tmp_path / "x.trc", points)
    markers = opensim.TimeSeriesTableVec3(str(tmp_path / "x.trc"))
    assert markers.getColumnLabels() == ("A", "B")
    assert markers.getRowAtIndex(3).getElt(0, 1).get(2) == pytest.approx(points.values[3, 5])


@fakes
@pytest.mark.parametrize("name", ["inverse_dyn.sto", "inverse_kin.mot", "markers.trc"])
def test_files_with_commas_are_refused_at_once(name):
    begin = time.perf_counter()
    with pytest.raises(EmgFileError, match="commas") as caught:
        (read_markers if name.endswith("trc") else read_storage)(FAKES / name)
    assert time.perf_counter() - begin < 1.0
    assert name in str(caught.value)
    assert "line 1" in str(caught.value)


@given(names=columns, data=st.data(), degrees=st.booleans())
def test_tables_survive_writing_and_reading(names, data, degrees, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round.sto"
    rows = data.draw(st.integers(1, 5))
    values = np.array([[data.draw(numbers) for _ in names] for _ in range(rows)])
    values = np.where(np.abs(values) < 1e-300, 0.0, values)
    write_storage(
        path,
        StorageFile(
            TimeSeries(np.arange(rows) * 0.1, values, tuple(names)), degrees, {"note": "x"}
        ),
    )
    again = read_storage(path)
    assert again.in_degrees == degrees
    assert again.heading["note"] == "x"
    assert again.series.names == tuple(names)
    assert again.series.values == pytest.approx(values, rel=1e-15, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    "text",
    [
        STO,
        STO.replace("\n", "\r\n"),
        STO.rstrip("\n"),
        STO + "\n\n",
        "\ufeff" + STO,
        STO.replace(
            "inDegrees=no\nDataType=double\nversion=3",
            "Results\nversion=1\nnRows=2\nnColumns=3\ninDegrees=no",
        ),
        STO.replace(
            "inDegrees=no\nDataType=double\nversion=3",
            "name moves\ndatacolumns 3\ndatarows 2\nrange 0 1",
        ),
        STO.replace("\t", "  ").replace("time", "Time"),
        STO.replace("\tb\n", "\tb\t\n").replace("\t2\n", "\t2\t\n"),
    ],
)
def test_every_way_of_writing_the_same_table_is_read(text, tmp_path):
    (tmp_path / "a.sto").write_bytes(text.encode())
    storage = read_storage(tmp_path / "a.sto")
    assert storage.series.names == ("a", "b")
    assert storage.series.time.tolist() == [0.0, 0.01]
    assert storage.series.column("a").tolist() == [1.0, 3.0]
    assert np.isnan(storage.series.column("b")[1])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "endheader"),
        ("time\ta\n0\t1\n", "endheader"),
        ("endheader\n", "nothing below"),
        ("endheader\nframe\ta\n0\t1\n", "line 2"),
        ("endheader\ntime\ta\n", "no rows"),
        ("endheader\ntime\ta\n0\t1\n1\t2\t3\n", "line 4"),
        ("endheader\ntime\ta\n0\t1\n\n1\t2\n", "line 4"),
        ("endheader\ntime\ta\n0\tone\n", "line 3.*'one'"),
        ("endheader\ntime\ta\n0\tinf\n", "line 3.*finite"),
        ("endheader\ntime\ta\n0\t1_0\n", "line 3"),
        ("endheader\ntime\ta\nnan\t1\n", "without a time"),
        ("endheader\ntime\ta\n1\t1\n0\t1\n", "go back"),
        ("endheader\ntime\ta\ta\n1\t1\t1\n", "used once"),
        ("nRows=3\nendheader\ntime\ta\n0\t1\n", "3' rows"),
        ("nColumns=4\nendheader\ntime\ta\n0\t1\n", "4' columns"),
        ("DataType=Vec3\nendheader\ntime\ta\n0\t1,2,3\n", "Vec3"),
        ("inDegrees=maybe\nendheader\ntime\ta\n0\t1\n", "maybe"),
        ("a\0b\nendheader\n", "zero byte"),
    ],
)
def test_what_is_no_table_is_named(text, problem, tmp_path):
    (tmp_path / "a.sto").write_text(text)
    with pytest.raises(EmgFileError, match=problem) as caught:
        read_storage(tmp_path / "a.sto")
    assert "a.sto" in str(caught.value)


def test_markers_that_were_not_seen_are_missing(tmp_path):
    for text in (
        TRC,
        TRC.replace("9\t\t\t\t\n", "9\n"),
        TRC.replace("\n\n1", "\n1"),
        TRC.replace("\t\n", "\n"),
    ):
        (tmp_path / "a.trc").write_text(text)
        markers = read_markers(tmp_path / "a.trc")
        assert markers.column("TIP.z").tolist() == [3.0, 9.0]
        assert np.isnan(markers.column("MCP.y")[1])
        assert markers.column("MCP.y")[0] == 5.0


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("PathFileType\t", "Path\t", "line 1"),
        ("\tmm\t", "\tmiles\t", "line 3.*miles"),
        ("\t2\t2\t", "\t2\t3\t", "line 4"),
        ("\t2\t2\t", "\t2\t99999999\t", "line 3"),
        ("\t2\t2\t", "\t3\t2\t", "cut short"),
        ("\t2\t2\t", "\t-1\t2\t", "line 3"),
        ("DataRate\t", "Rate\t", "DataRate"),
        ("Frame#", "Frames", "line 4"),
        ("\t9\t", "\tnine\t", "line 8.*nine"),
        ("2\t0.01", "2\t", "line 8|without a time"),
        ("MCP", "TIP", "used once"),
    ],
)
def test_what_is_no_marker_file_is_named(old, new, problem, tmp_path):
    assert old in TRC
    (tmp_path / "a.trc").write_text(TRC.replace(old, new))
    with pytest.raises(EmgFileError, match=problem):
        read_markers(tmp_path / "a.trc")


@given(points=st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4))
def test_markers_survive_writing_and_reading(points, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round.trc"
    values = np.where(np.abs(points) < 1e-300, 0.0, np.array(points))
    markers = TimeSeries(
        np.arange(len(points)) * 0.02, values, ("TIP.x", "TIP.y", "TIP.z"), ("m",) * 3
    )
    write_markers(path, markers)
    again = read_markers(path)
    assert again.names == markers.names
    assert again.values == pytest.approx(markers.values, rel=1e-15, abs=0, nan_ok=True)


@given(
    which=st.sampled_from([(STO, read_storage), (TRC, read_markers)]),
    data=st.binary(max_size=40),
    at=st.floats(0, 1),
    cut=st.integers(0, 40),
)
def test_damaged_files_are_errors_that_name_the_file(which, data, at, cut, tmp_path_factory):
    text, read = which
    path = tmp_path_factory.getbasetemp() / "damaged"
    place = round(at * len(text))
    path.write_bytes(text[:place].encode() + data + text[place + cut :].encode())
    problem = problem_of(lambda: read(path))
    assert problem is None or "damaged" in problem


def problem_of(read):
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None


def test_what_cannot_be_written_is_refused(tmp_path):
    series = TimeSeries(np.zeros(1), np.zeros((1, 1)), ("a=b",))
    with pytest.raises(InvalidValue, match="equals"):
        write_storage(tmp_path / "a.sto", StorageFile(series))
    with pytest.raises(InvalidValue, match=r"NAME\.x"):
        write_markers(tmp_path / "a.trc", series)
    with pytest.raises(InvalidValue, match="units"):
        in_metres(series)
    with pytest.raises(OutputError):
        write_storage(
            tmp_path / "no" / "a.sto",
            StorageFile(TimeSeries(np.zeros(1), np.zeros((1, 1)), ("a",))),
        )


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(EmgFileError, match="no such file"):
        read_storage(tmp_path / "none.sto")
    with pytest.raises(EmgFileError, match="not a file"):
        read_markers(tmp_path)


def test_long_lines_take_no_time(tmp_path):
    (tmp_path / "a.sto").write_text(
        "a" + " " * 1_000_000 + "b\n" * 3 + "endheader\ntime\ta\n0\t1\n"
    )
    begin = time.perf_counter()
    assert read_storage(tmp_path / "a.sto").series.names == ("a",)
    assert time.perf_counter() - begin < 2.0
