"""Intan's files: bytes laid out as their documentation says are read, and damage is an error."""

import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.emg.io.rhd_file import read_rhd
from musclehand.emg.recording import EmgFileError

pytest.importorskip("neo")

RATE = 2000.0
BLOCK = 128
BLOCKS = 4


def text(words):
    raw = words.encode("utf-16-le")
    return struct.pack("<I", len(raw)) + raw


def channel(name, kind):
    head = text(name) + text(name) + struct.pack("<6h", 0, 0, kind, 1, 0, 0)
    return head + struct.pack("<4h", 0, 0, 0, 0) + struct.pack("<2f", 1000.0, 0.0)


def rhd_bytes(counts, aux):
    """A file of version 2.0 with two amplifier channels and an auxiliary input at a quarter of
    the rate."""
    head = struct.pack("<I2h", 0xC6912702, 2, 0)
    head += struct.pack("<fh6f", RATE, 1, 20.0, 20.0, 450.0, 20.0, 20.0, 450.0)
    head += (
        struct.pack("<h2f", 0, 1000.0, 1000.0)
        + text("") * 3
        + struct.pack("<2h", 0, 0)
        + text("n/a")
    )
    head += struct.pack("<h", 1) + text("Port A") + text("A") + struct.pack("<3h", 1, 3, 2)
    head += channel("A-000", 0) + channel("A-001", 0) + channel("A-AUX1", 1)
    blocks = b""
    for k in range(BLOCKS):
        rows = slice(k * BLOCK, (k + 1) * BLOCK)
        blocks += np.arange(k * BLOCK, (k + 1) * BLOCK, dtype="<i4").tobytes()
        blocks += (
            counts[rows, 0].tobytes()
            + counts[rows, 1].tobytes()
            + aux[k * 32 : (k + 1) * 32].tobytes()
        )
    return head + blocks


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 65536, (BLOCK * BLOCKS, 2)).astype("<u2")
    aux = rng.integers(0, 65536, BLOCK * BLOCKS // 4).astype("<u2")
    path = tmp_path_factory.mktemp("rhd") / "a.rhd"
    path.write_bytes(rhd_bytes(counts, aux))
    return path, counts, aux


def test_counts_become_volts_as_documented(written):
    path, counts, aux = written
    emg = read_rhd(path)
    assert emg.fs_hz == RATE
    assert len(emg.names) == 2
    assert emg.channels[0].unit == "V"
    assert emg.samples == pytest.approx(0.195e-6 * (counts.astype(float) - 32768), abs=1e-12)
    (series,) = emg.extra.values()
    assert series.fs_hz == pytest.approx(RATE / 4)
    assert series.values[:, 0] == pytest.approx(37.4e-6 * aux, rel=1e-6)


@pytest.mark.parametrize(
    "data", [b"", b"time,a\n" * 100, bytes(1000), struct.pack("<I2h", 0xC6912702, 2, 0)]
)
def test_a_file_of_something_else_is_named(data, tmp_path):
    (tmp_path / "no.rhd").write_bytes(data)
    with pytest.raises(EmgFileError, match=r"no\.rhd"):
        read_rhd(tmp_path / "no.rhd")
    with pytest.raises(EmgFileError, match="No such file"):
        read_rhd(tmp_path / "none.rhd")


@settings(max_examples=100)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=5),
    length=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_bytes_are_errors_or_harmless(changes, length, written, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.rhd"
    data = bytearray(written[0].read_bytes())
    for at, value in changes:
        data[4 + int(at * 500)] = value
    path.write_bytes(data[: round(length * len(data))])
    begin = time.perf_counter()
    problem = problem_of(lambda: read_rhd(path))
    assert time.perf_counter() - begin < 5.0
    assert problem is None or "damaged.rhd" in problem


def problem_of(read):
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None
