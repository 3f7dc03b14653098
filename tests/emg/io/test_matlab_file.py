"""MATLAB files: a chosen variable of version 5 or 7.3, and no array larger than its bytes."""

import struct
import zlib

import h5py
import numpy as np
import pytest
from scipy import io

from musclehand.emg.io.matlab_file import read_matlab
from musclehand.emg.io.reading import ReadOptions, read_emg
from musclehand.emg.recording import EmgFileError

SAMPLES = np.random.default_rng(0).normal(size=(200, 3))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["raw", "EMG", "my_data"])
def test_the_only_matrix_is_the_emg(name, packed, tmp_path):
    io.savemat(tmp_path / "a.mat", {name: SAMPLES, "Fs": 1500.0}, do_compression=packed)
    emg = read_emg(tmp_path / "a.mat")
    assert emg.fs_hz == 1500.0
    assert emg.samples == pytest.approx(SAMPLES)
    assert emg.provenance["variable"] == name


def test_a_variable_can_be_chosen_also_inside_a_structure(tmp_path):
    content = {
        "a": SAMPLES,
        "b": 2 * SAMPLES,
        "trial": {"emg": {"raw": 3 * SAMPLES.T, "fs": 2000.0, "unit": "mV"}},
    }
    io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(EmgFileError, match=r"--variable: .*a \(200 x 3\).*trial\.emg\.raw"):
        read_matlab(tmp_path / "a.mat", fs_hz=1000.0)
    emg = read_emg(tmp_path / "a.mat", ReadOptions(variable="b", fs_hz=1000.0, unit="uV"))
    assert emg.samples == pytest.approx(2e-6 * SAMPLES)
    emg = read_emg(tmp_path / "a.mat", ReadOptions(variable="trial.emg.raw"))
    assert emg.fs_hz == 2000.0
    assert emg.samples == pytest.approx(3e-3 * SAMPLES)
    assert emg.provenance["orientation"] == "rows are channels"
    with pytest.raises(EmgFileError, match="no variable 'c'"):
        read_matlab(tmp_path / "a.mat", variable="c")


def test_names_and_times_beside_the_emg_are_used(tmp_path):
    names = np.array(["FDS", "EDC", "EIP"], dtype=object)
    time = np.arange(200)[:, None] / 800
    io.savemat(tmp_path / "a.mat", {"emg": SAMPLES, "labels": names, "time": time})
    emg = read_emg(tmp_path / "a.mat")
    assert emg.names == ("FDS", "EDC", "EIP")
    assert emg.fs_hz == pytest.approx(800.0)
    assert emg.provenance["note"] == "unit not in the file, V assumed"


def test_version_7_3_is_read(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        trial = file.create_group("trial")
        for name, value in (("emg", SAMPLES.T), ("fs", np.array([[1000.0]]))):
            trial.create_dataset(name, data=value).attrs["MATLAB_class"] = b"double"
        text = trial.create_dataset("unit", data=np.array([[117], [86]], np.uint16))
        text.attrs["MATLAB_class"] = b"char"
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "a")
    with open(tmp_path / "a.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    emg = read_emg(tmp_path / "a.mat")
    assert emg.fs_hz == 1000.0
    assert emg.samples == pytest.approx(1e-6 * SAMPLES)
    assert emg.provenance["unit in the file"] == "uV"


def header():
    return b"MATLAB 5.0".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")


def cells(shape, kind=1):
    flags = struct.pack("<2I2I", 6, 8, kind, 0)
    sizes = struct.pack("<2I2i", 5, 8, *shape)
    body = flags + sizes + struct.pack("<2I", 1, 3) + b"emg".ljust(8, b"\0")
    return struct.pack("<2I", 14, len(body)) + body


def squeezed(data):
    packed = zlib.compress(data)
    return struct.pack("<2I", 15, len(packed)) + packed


@pytest.mark.parametrize("kind", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(100_000, 100_000), (30_000, 3_000), (-1, 5), (3000, 3000)])
def test_arrays_larger_than_their_bytes_are_refused(shape, kind, tmp_path):
    for element in (cells(shape, kind), squeezed(cells(shape, kind))):
        (tmp_path / "a.mat").write_bytes(header() + element)
        with pytest.raises(EmgFileError, match=r"a\.mat"):
            read_matlab(tmp_path / "a.mat", fs_hz=1000.0)


def test_a_variable_that_unpacks_to_far_more_is_refused(tmp_path):
    body = struct.pack("<2I", 14, 300_000_000) + bytes(300_000_000)
    (tmp_path / "a.mat").write_bytes(header() + squeezed(body))
    with pytest.raises(EmgFileError, match="refused"):
        read_matlab(tmp_path / "a.mat", fs_hz=1000.0)
