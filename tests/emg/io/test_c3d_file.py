"""C3D: what ezc3d writes and Vicon recorded is read, and no damage makes it crash or ask for
memory."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.emg.io.c3d_file import read_c3d, unique_names
from musclehand.emg.io.c3d_parameters import read_heading
from musclehand.emg.recording import EmgFileError
from support.c3d_files import c3d_bytes, swapped
from support.paths import SHARED_DATA

ezc3d = pytest.importorskip("ezc3d")

REAL = SHARED_DATA / "emg" / "pyomeca_formats" / "markers_analogs.c3d"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file of two channels at 1 kHz and two markers at 100 Hz, as ezc3d writes it."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("c3d") / "written.c3d"
    points = rng.normal(size=(4, 2, 20))
    analogs = rng.normal(size=(1, 2, 200))
    points[3] = 1.0
    points[:3, 1, 5] = np.nan
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [100]
    file["parameters"]["POINT"]["LABELS"]["value"] = ("WRIST", "TIP2")
    file["parameters"]["POINT"]["UNITS"]["value"] = ("mm",)
    file["parameters"]["ANALOG"]["RATE"]["value"] = [1000]
    file["parameters"]["ANALOG"]["LABELS"]["value"] = ("FDS", "grip")
    file["parameters"]["ANALOG"]["UNITS"]["value"] = ("mV", "N")
    file.add_parameter("EVENT", "USED", [2])
    file.add_parameter("EVENT", "TIMES", np.array([[0.0, 0.0], [0.05, 0.12]]))
    file.add_parameter("EVENT", "LABELS", ["press", "release"])
    file.add_parameter("EVENT", "CONTEXTS", ["Right", "Right"])
    file["data"]["points"], file["data"]["analogs"] = points, analogs
    file.write(str(path))
    return path, points, analogs


def test_what_ezc3d_writes_is_read(written):
    path, points, analogs = written
    emg = read_c3d(path)
    assert emg.fs_hz == 1000.0
    assert emg.names == ("FDS",)
    assert emg.channels[0].unit == "V"
    assert emg.channel("FDS") == pytest.approx(1e-3 * analogs[0, 0], abs=1e-9)
    force = emg.extra["other analogue channels"]
    assert force.units == ("N",)
    assert force.column("grip") == pytest.approx(analogs[0, 1], abs=1e-6)
    markers = emg.extra["markers"]
    assert markers.fs_hz == pytest.approx(100.0)
    assert markers.units[0] == "mm"
    assert markers.column("WRIST.z") == pytest.approx(points[2, 0], abs=1e-6)
    assert np.isnan(markers.column("TIP2.x")).tolist() == [i == 5 for i in range(20)]
    assert [event.label for event in emg.events] == ["Right press", "Right release"]
    assert [event.onset for event in emg.events] == pytest.approx([0.05, 0.12], abs=1e-6)


@pytest.mark.skipif(not REAL.exists(), reason="the recording is not here")
def test_a_real_recording_at_two_kilohertz():
    emg = read_c3d(REAL)
    assert emg.fs_hz == 2000.0
    assert emg.samples.shape == (11600, 38)
    assert {channel.unit for channel in emg.channels} == {"V"}
    assert emg.names[6] == "Delt_ant.EMG1"
    assert "Sensor 1" in emg.channels[6].site
    assert emg.extra["markers"].values.shape == (580, 3 * 51)
    direct = ezc3d.c3d(str(REAL))["data"]
    assert np.array_equal(emg.samples.T, direct["analogs"][0])
    assert np.array_equal(
        emg.extra["markers"].values[:, :3].T, direct["points"][:3, 0], equal_nan=True
    )


def test_names_are_made_different():
    assert unique_names(["a", "a", "", "a (2)", "a"]) == [
        "a",
        "a (2)",
        "channel 3",
        "a (2) (2)",
        "a (3)",
    ]


@pytest.mark.parametrize("data", [b"", b"time,a\n" * 300, b"\x02\x50" + bytes(1022), bytes(2000)])
def test_a_file_of_something_else_is_named(data, tmp_path):
    (tmp_path / "no.c3d").write_bytes(data)
    with pytest.raises(EmgFileError, match=r"no\.c3d"):
        read_c3d(tmp_path / "no.c3d")


def test_a_file_cut_short_is_named(written, tmp_path):
    data = written[0].read_bytes()
    for length in (600, 1500, len(data) - 512):
        (tmp_path / "short.c3d").write_bytes(data[:length])
        with pytest.raises(EmgFileError, match=r"short\.c3d"):
            read_c3d(tmp_path / "short.c3d")


@settings(max_examples=80)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from((24, 700, 2500)), st.floats(0, 1), st.integers(0, 255)),
        max_size=6,
    ),
    length=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_bytes_are_errors_or_harmless(changes, length, written, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.c3d"
    data = bytearray(written[0].read_bytes())
    for within, at, value in changes:
        data[int(at * (min(within, len(data)) - 1))] = value
    path.write_bytes(data[: round(length * len(data))])
    begin = time.perf_counter()
    problem = problem_of(lambda: read_c3d(path))
    assert time.perf_counter() - begin < 5.0
    assert problem is None or "damaged.c3d" in problem


def problem_of(read):
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("integers", [False, True])
def test_both_byte_orders_are_read(order, integers, tmp_path):
    rng = np.random.default_rng(1)
    analogs = np.round(rng.normal(size=(20, 10, 3)), 3)
    points = np.round(100 * rng.normal(size=(20, 2, 3)), 1)
    labels, units = ["FDS", "EDC", "grip"], ["uV", "V", "N"]
    data = c3d_bytes(analogs, labels, units, order=order, points=points, integers=integers)
    (tmp_path / "a.c3d").write_bytes(data)
    emg = read_c3d(tmp_path / "a.c3d")
    assert emg.fs_hz == 1000.0
    assert emg.names == ("FDS", "EDC")
    assert emg.channel("FDS") == pytest.approx(1e-6 * analogs[..., 0].ravel(), abs=1e-12)
    assert emg.channel("EDC") == pytest.approx(analogs[..., 1].ravel(), abs=1e-6)
    markers = emg.extra["markers"].values
    assert markers == pytest.approx(points.reshape(20, -1), abs=1e-3)
    if order == "<":
        direct = ezc3d.c3d(str(tmp_path / "a.c3d"))["data"]["analogs"][0]
        assert emg.channel("EDC") == pytest.approx(direct[1], abs=1e-7)


def test_a_file_is_the_same_in_the_other_byte_order(written, tmp_path):
    data = written[0].read_bytes()
    start = read_heading(written[0], data).count("POINT:DATA_START")
    turned = swapped(data, start)
    expected = read_c3d(written[0])
    (tmp_path / "big.c3d").write_bytes(turned)
    assert np.array_equal(read_c3d(tmp_path / "big.c3d").samples, expected.samples)
    # Some converters leave the header as it was, or state the wrong processor.
    (tmp_path / "head.c3d").write_bytes(data[:512] + turned[512:])
    assert np.array_equal(read_c3d(tmp_path / "head.c3d").samples, expected.samples)
    wrong = bytearray(turned)
    wrong[512 + 3] = 84
    (tmp_path / "type.c3d").write_bytes(wrong)
    assert np.array_equal(read_c3d(tmp_path / "type.c3d").samples, expected.samples)


@pytest.mark.parametrize(
    ("labels", "units", "plates"),
    [
        (["FDS", "P1", "P2", "EDC"], ["V", "V", "V", "mV"], [[2, 3]]),
        (["FDS", "Force.Fx1", "Moment.Mz1", "EDC"], ["V", "V", "V", "mV"], None),
        (["FDS", "Fx1", "Mz1", "EDC"], ["V", "N", "Nmm", "mV"], [[2, 3]]),
    ],
)
def test_force_plates_are_no_emg(labels, units, plates, tmp_path):
    analogs = np.round(np.random.default_rng(2).normal(size=(20, 10, 4)), 3)
    (tmp_path / "a.c3d").write_bytes(c3d_bytes(analogs, labels, units, plates=plates))
    emg = read_c3d(tmp_path / "a.c3d")
    assert emg.names == ("FDS", "EDC")
    assert emg.extra["force plates"].names == tuple(labels[1:3])
    assert emg.extra["force plates"].units == tuple(units[1:3])
    assert emg.extra["force plates"].values == pytest.approx(
        analogs.reshape(-1, 4)[:, 1:3], abs=1e-6
    )


def test_a_file_of_force_plates_alone_is_named(tmp_path):
    (tmp_path / "a.c3d").write_bytes(c3d_bytes(np.ones((20, 10, 1)), ["Fz1"], ["N"]))
    with pytest.raises(EmgFileError, match="no EMG among 1 analogue channels"):
        read_c3d(tmp_path / "a.c3d")
