"""Recordings kept as HDF5: all comes back, and damage is an error that names the file."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musclehand.body.anatomy import Side
from musclehand.core.errors import OutputError
from musclehand.emg.io.store import load_recording, save_recording
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, Event, TimeSeries


def synthetic_recording(samples=None):
    rng = np.random.default_rng(0)
    return EmgRecording(
        samples=rng.normal(size=(500, 2)) if samples is None else samples,
        fs_hz=1000.0 / 3,
        channels=(Channel("FDS", "FDS", "volar forearm", Side.RIGHT), Channel("2", unit="counts")),
        events=(Event(0.25, 0.5, "fist"), Event(-1.0, 0.0, "sync µ")),
        extra={
            "force": TimeSeries(
                np.arange(3) / 3, np.array([[1.0], [np.nan], [0.1]]), ("grip",), ("N",)
            ),
            "angles": TimeSeries(np.arange(2) / 3, np.zeros((2, 0)), ()),
        },
        subject="01",
        session="a",
        provenance={"source": "made up"},
        licence="CC0",
    )


def assert_same(a, b):
    assert np.array_equal(a.samples, b.samples, equal_nan=True)
    for thing in ("fs_hz", "channels", "events", "subject", "session", "provenance", "licence"):
        assert getattr(a, thing) == getattr(b, thing), thing
    assert set(a.extra) == set(b.extra)
    for name, series in a.extra.items():
        assert np.array_equal(series.time, b.extra[name].time)
        assert np.array_equal(series.values, b.extra[name].values, equal_nan=True)
        assert (series.names, series.units) == (b.extra[name].names, b.extra[name].units)


@settings(max_examples=40)
@given(
    samples=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 40), st.just(2)),
        elements=st.floats(allow_infinity=False) | st.integers(-128, 127).map(float),
    )
)
def test_all_comes_back(samples, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "all.h5"
    recording = synthetic_recording(samples)
    save_recording(path, recording)
    assert_same(load_recording(path), recording)


def test_the_same_recording_makes_the_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        save_recording(tmp_path / name, synthetic_recording())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_counts_take_four_bytes(tmp_path):
    save_recording(tmp_path / "counts.h5", synthetic_recording(np.ones((100_000, 2))))
    assert (tmp_path / "counts.h5").stat().st_size < 850_000


def test_a_file_of_something_else_is_named(tmp_path):
    with pytest.raises(EmgFileError, match="No such file"):
        load_recording(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("time,a\n")
    with pytest.raises(EmgFileError, match="not an HDF5 file"):
        load_recording(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(EmgFileError, match="not an EMG recording"):
        load_recording(tmp_path / "other.h5")
    save_recording(tmp_path / "later.h5", synthetic_recording())
    with h5py.File(tmp_path / "later.h5", "a") as file:
        file.attrs["version"] = 2
    with pytest.raises(EmgFileError, match="version 2"):
        load_recording(tmp_path / "later.h5")
    with pytest.raises(OutputError):
        save_recording(tmp_path / "no" / "a.h5", synthetic_recording())


def _replace(file, name, **options):
    data = options.pop("data", None)
    del file[name]
    if data is not None or options:
        file.create_dataset(name, data=data, **options)


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: _replace(file, "header"),
        lambda file: _replace(file, "header", data=np.frombuffer(b"[" * 100_000, "u1")),
        lambda file: _replace(file, "header", data=np.frombuffer(b"{}", "u1")),
        lambda file: _replace(file, "header", data=np.zeros(30_000_000, "u1")),
        lambda file: _replace(file, "signals/emg"),
        lambda file: _replace(file, "signals/emg", data=np.zeros((5, 3))),
        lambda file: _replace(file, "signals/emg", data=np.full((5, 2), np.inf)),
        lambda file: _replace(file, "signals/emg", data=np.zeros((5, 2), "i8")),
        lambda file: _replace(file, "signals/emg", data=np.zeros((500, 2)), compression="gzip"),
        lambda file: _replace(file, "signals/emg", shape=(10**9, 2), dtype="f8", chunks=(1000, 2)),
        lambda file: _replace(file, "signals/1/time", data=np.array([1.0, 0.0, 2.0])),
    ],
)
def test_damaged_parts_are_errors(harm, tmp_path):
    save_recording(tmp_path / "harmed.h5", synthetic_recording())
    with h5py.File(tmp_path / "harmed.h5", "a") as file:
        harm(file)
    with pytest.raises(EmgFileError, match=r"harmed\.h5"):
        load_recording(tmp_path / "harmed.h5")


def test_links_out_of_the_file_are_not_followed(tmp_path):
    save_recording(tmp_path / "a.h5", synthetic_recording())
    save_recording(tmp_path / "b.h5", synthetic_recording())
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["signals/emg"]
        file["signals/emg"] = h5py.ExternalLink("b.h5", "/signals/emg")
    with pytest.raises(EmgFileError, match="not in the file itself"):
        load_recording(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file.move("signals", "elsewhere")
        file["signals"] = h5py.SoftLink("/elsewhere")
    with pytest.raises(EmgFileError, match="not in the file itself"):
        load_recording(tmp_path / "b.h5")


@settings(max_examples=60)
@given(at=st.floats(0, 0.999), bit=st.integers(0, 7), cut=st.booleans())
def test_damaged_bytes_are_errors_or_harmless(at, bit, cut, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "bytes.h5"
    save_recording(path, synthetic_recording(np.arange(40.0).reshape(20, 2)))
    data = bytearray(path.read_bytes())
    place = int(at * len(data))
    data[place] ^= 1 << bit
    path.write_bytes(data[:place] if cut else data)
    problem = None
    read = None
    try:
        read = load_recording(path)
    except EmgFileError as error:
        problem = str(error)
    if read is None:
        assert "bytes.h5" in problem
    else:
        assert_same(read, synthetic_recording(np.arange(40.0).reshape(20, 2)))
