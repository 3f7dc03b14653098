"""The recording: round trips, every prefix of the writes, real kills, flipped bits, full disks,
foreign files."""

import io
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musclehand.core import recording as module
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError, UnknownName
from musclehand.core.recording import Channel, Recording, RecordingError, RecordingWriter

CHANNELS = {
    "time": Channel("s"),
    "qpos": Channel("rad", (3,), ("wrist", "thumb", "index")),
    "down": Channel("1", (4,), dtype="u1"),
}


TABLES = {"score": {"onset": "s", "pitch": "MIDI"}, "played": {"onset": "s"}}


def row(i):
    return {
        "time": 0.01 * i,
        "qpos": np.array([i, i + 0.5, -i]),
        "down": np.array([i % 2, 0, 1, 1], dtype="u1"),
    }


def write(path, num_rows=10, rows_per_chunk=4, **metadata):
    with RecordingWriter(
        path, CHANNELS, tables=TABLES, metadata=metadata, rows_per_chunk=rows_per_chunk
    ) as writer:
        writer.extend_table("score", [[0.5, 60.0], [1.0, 62.0]])
        for i in range(num_rows):
            writer.append(**row(i))
        writer.close({"f1": 1.0})
    return path


def test_round_trip_with_units_names_tables_and_metadata(tmp_path):
    path = write(tmp_path / "a.h5", seed=3, versions={"mujoco": "4"})
    with Recording.open(path) as recording:
        assert recording.complete
        assert recording.num_rows == 10
        assert dict(recording.metadata) == {"seed": 3, "versions": {"mujoco": "4"}}
        assert dict(recording.results) == {"f1": 1.0}
        assert recording.channels == CHANNELS
        assert [recording[name].unit for name in CHANNELS] == ["s", "rad", "1"]
        assert recording["qpos"].names == ("wrist", "thumb", "index")
        assert recording["qpos"].shape == (10, 3)
        np.testing.assert_array_equal(recording["qpos"][:], [row(i)["qpos"] for i in range(10)])
        np.testing.assert_array_equal(np.asarray(recording["time"]), 0.01 * np.arange(10))
        table = recording.table("score")
        np.testing.assert_array_equal(table.values, [[0.5, 60], [1, 62]])
        assert (table.columns, table.units) == (("onset", "pitch"), ("s", "MIDI"))
        assert recording.tables == ("score", "played")
        assert recording.table("played").values.shape == (0, 1)
        with pytest.raises(UnknownName):
            recording["qvel"]
        with pytest.raises(UnknownName):
            recording.table("notes")


def test_other_tools_see_the_units(tmp_path):
    with h5py.File(write(tmp_path / "a.h5"), "r") as file:
        assert file["channels/qpos"].attrs["unit"] == b"rad"
        assert list(file["channels/qpos"].attrs["names"]) == [b"wrist", b"thumb", b"index"]
        assert all(file["channels"][name].fletcher32 for name in file["channels"])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=hnp.arrays(
        "f8", st.tuples(st.integers(0, 23), st.integers(1, 3)), elements=st.floats(width=64)
    ),
    chunk=st.integers(1, 9),
    index=st.one_of(st.slices(25), st.tuples(st.slices(25), st.just(0))),
)
def test_what_is_written_is_read(tmp_path, data, chunk, index):
    path = tmp_path / "p.h5"
    with RecordingWriter(path, {"x": Channel("N", data.shape[1:])}, rows_per_chunk=chunk) as writer:
        for values in data:
            writer.append(x=values)
    with Recording.open(path) as recording:
        np.testing.assert_array_equal(recording["x"][:], data)
        np.testing.assert_array_equal(recording["x"][index], data[index])
        if len(data):
            np.testing.assert_array_equal(recording["x"][-1], data[-1])
        with pytest.raises(IndexError):
            recording["x"][len(data)]


class LoggedStream(io.BytesIO):
    """A file in memory that remembers its writes."""

    error = None

    def __init__(self, path):
        super().__init__()
        self.log = []

    def write(self, content):
        self.log.append((self.tell(), bytes(content)))
        return super().write(content)

    def close(self):
        self.content = self.getvalue()
        super().close()


def test_killed_after_any_write_all_counted_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_Stream", LoggedStream)
    counted = []  # (number of writes, rows that must be there)
    writer = RecordingWriter(
        "memory", CHANNELS, tables=TABLES, metadata={"seed": 1}, rows_per_chunk=2
    )
    stream = writer._stream
    counted.append((len(stream.log), 0))
    for i in range(60):
        writer.append(**row(i))
        counted.append((len(stream.log), writer.num_rows))
        if i % 20 == 0:
            writer.extend_table("played", np.full((10, 1), 1.0))
    writer.close({"note": "x" * 10_000})

    path = tmp_path / "cut.h5"
    content = bytearray()
    checked = 0
    for number, (offset, written) in enumerate(stream.log, start=1):
        content.extend(bytes(max(0, offset + len(written) - len(content))))
        content[offset : offset + len(written)] = written
        if number < counted[0][0]:
            continue
        path.write_bytes(content)
        with Recording.open(path) as recording:
            n = recording.num_rows
            assert n >= max(rows for writes, rows in counted if writes <= number)
            np.testing.assert_array_equal(recording["time"][:], 0.01 * np.arange(n))
            np.testing.assert_array_equal(recording["qpos"][:, 0], np.arange(n))
            assert np.all(recording.table("played").values == 1.0)
            assert recording.results in ({}, {"note": "x" * 10_000})
        checked += 1
    assert checked > 200
    assert bytes(content) == stream.content


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_killed_for_real(tmp_path):
    program = (
        "import sys, numpy as np\n"
        "from musclehand.core.recording import *\n"
        "w = RecordingWriter(sys.argv[1], {'x': Channel('N', (50,))}, rows_per_chunk=16)\n"
        "i = 0\n"
        "while True:\n"
        "    w.append(x=np.full(50, float(i))); i += 1\n"
        "    if i % 16 == 0: print(i, flush=True)\n"
    )
    for wait in (1, 7, 40):
        path = tmp_path / f"{wait}.h5"
        child = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
        try:
            for _ in range(wait):
                printed = int(child.stdout.readline())
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
        with Recording.open(path) as recording:
            assert not recording.complete
            assert recording.num_rows >= printed
            np.testing.assert_array_equal(recording["x"][:, 7], np.arange(recording.num_rows))


def contents(path):
    with Recording.open(path) as recording:
        return (
            recording.complete,
            dict(recording.metadata),
            dict(recording.results),
            dict(recording.channels),
            {name: recording[name][:].tobytes() for name in recording.channels},
            {
                name: (t.values.tobytes(), *t[1:])
                for name in recording.tables
                if (t := recording.table(name))
            },
        )


def test_a_flipped_bit_is_refused_or_harmless(tmp_path):
    undamaged = write(tmp_path / "a.h5", num_rows=64, rows_per_chunk=16, note="x" * 300)
    original = contents(undamaged)
    content = undamaged.read_bytes()
    rng = np.random.default_rng(5)
    path = tmp_path / "flipped.h5"
    refused = 0
    for position in rng.integers(len(content), size=400):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            read = contents(path)
        except RecordingError:
            refused += 1
        else:
            assert read == original, f"byte {position}"
    assert refused > 100


def test_a_cut_file_is_refused(tmp_path):
    content = write(tmp_path / "a.h5", num_rows=64).read_bytes()
    path = tmp_path / "cut.h5"
    for size in np.linspace(0, len(content) - 1, 25).astype(int):
        path.write_bytes(content[:size])
        with pytest.raises(RecordingError):
            contents(path)


def test_files_that_are_not_recordings(tmp_path):
    path = tmp_path / "x.h5"
    with pytest.raises(RecordingError, match="No such file"):
        Recording.open(path)
    path.write_text("MThd, but no HDF5")
    with pytest.raises(RecordingError, match="not an HDF5 file"):
        Recording.open(path)
    with h5py.File(path, "w") as file:
        file["x"] = [1.0]
    with pytest.raises(RecordingError, match="not a recording"):
        Recording.open(path)
    with h5py.File(path, "a") as file:
        file.attrs["format"] = np.bytes_("musclehand-recording")
        file.attrs["version"] = 99
    with pytest.raises(RecordingError, match="version 99"):
        Recording.open(path)
    with pytest.raises(RecordingError):
        Recording.open(tmp_path)


def test_an_exception_leaves_the_rows_marked_incomplete(tmp_path):
    path = tmp_path / "a.h5"

    def blow_up():
        with RecordingWriter(path, CHANNELS) as writer:
            writer.append(**row(0))
            raise KeyError("simulation blew up")

    with pytest.raises(KeyError):
        blow_up()
    with Recording.open(path) as recording:
        assert not recording.complete
        assert recording.num_rows == 1
        assert dict(recording.results) == {}


def fill_disk(path, limit):
    """Append until the file may not grow further; returns the closed writer, or None if it never
    came to be."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = None
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        writer = RecordingWriter(path, CHANNELS, tables=TABLES, rows_per_chunk=8)
        for i in range(5_000):
            writer.append(**row(i))
            if i % 100 == 0:
                writer.extend_table("played", np.ones((4, 1)))
    except OutputError as error:
        # The operating system's message at this limit.
        assert "File too large" in str(error)  # noqa: PT017
        return writer
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    raise AssertionError("the disk was not full")


def test_a_full_disk_is_one_error_and_keeps_what_was_counted(tmp_path):
    path = tmp_path / "full.h5"
    kept = []
    for limit in [*range(100, 30_000, 1_000), 100_000]:
        writer = fill_disk(path, limit)
        if writer is None:
            with pytest.raises(RecordingError):
                Recording.open(path)
            continue
        with pytest.raises(InvalidValue):
            writer.append(**row(0))
        writer.close()
        with Recording.open(path) as recording:
            assert not recording.complete
            assert recording.num_rows == writer.num_rows
            np.testing.assert_array_equal(recording["time"][:], 0.01 * np.arange(writer.num_rows))
            assert recording.table("played").values.all()
        kept.append(writer.num_rows)
    assert len(kept) > 10
    assert kept == sorted(kept)
    assert kept[-1] > 500


def test_unwritable_path(tmp_path):
    with pytest.raises(OutputError, match="No such file"):
        RecordingWriter(tmp_path / "nowhere" / "a.h5", CHANNELS)


def test_bad_calls_name_what_is_wrong(tmp_path):
    with pytest.raises(InvalidValue, match="dtype"):
        Channel("s", dtype="O")
    with pytest.raises(InvalidValue, match="names"):
        Channel("rad", (2,), ("one",))
    with pytest.raises(InvalidValue, match="channels"):
        RecordingWriter(tmp_path / "a.h5", {})
    with pytest.raises(InvalidValue, match="metadata"):
        RecordingWriter(tmp_path / "a.h5", CHANNELS, metadata={"x": float("nan")})
    assert not (tmp_path / "a.h5").exists()
    with pytest.raises(InvalidValue, match="column"):
        RecordingWriter(tmp_path / "a.h5", CHANNELS, tables={"score": {}})
    with RecordingWriter(tmp_path / "a.h5", CHANNELS, tables=TABLES) as writer:
        with pytest.raises(UnknownName, match="did you mean: qpos"):
            writer.append(**row(0), qpso=1.0)
        with pytest.raises(InvalidValue, match="channel qpos"):
            writer.append(time=0.0, down=np.zeros(4))
        with pytest.raises(InvalidValue, match="shape of channel qpos"):
            writer.append(**(row(0) | {"qpos": np.zeros(4)}))
        with pytest.raises(InvalidValue, match="shape of table"):
            writer.extend_table("score", np.zeros((2, 3)))
        with pytest.raises(UnknownName):
            writer.extend_table("notes", np.zeros((0, 1)))
        writer.extend_table("played", np.zeros((0, 1)))
        writer.extend_table("score", np.ones((300, 2)))
        writer.extend_table("score", np.ones((300, 2)))
    with pytest.raises(InvalidValue, match="closed"):
        writer.append(**row(0))
    with Recording.open(tmp_path / "a.h5") as recording:
        assert recording.num_rows == 0
        assert recording["qpos"][:].shape == (0, 3)
        assert recording.table("score").values.shape == (600, 2)
        assert recording.table("score").values.all()
    assert issubclass(RecordingError, MusclehandError)


def test_memory_and_file_grow_with_the_rows_only():
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for num_rows in (1_000, 2_000):
            path = Path(folder) / "a.h5"
            with RecordingWriter(path, {"x": Channel("N", (100,))}, rows_per_chunk=100) as writer:
                for _ in range(num_rows):
                    writer.append(x=np.ones(100))
            sizes.append(path.stat().st_size)
    assert sizes[1] - sizes[0] == pytest.approx(1_000 * 100 * 8, rel=0.01)
