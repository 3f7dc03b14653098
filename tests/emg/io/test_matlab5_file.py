"""MATLAB 5: every kind of number, and texts, as scipy writes them."""

import numpy as np
import pytest
from scipy import io

from musclehand.emg.io.matlab5_file import load_matlab5
from musclehand.emg.recording import EmgFileError

KINDS = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


def load(path):
    return load_matlab5(path, path.read_bytes())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_equal_those_of_scipy(kind, packed, tmp_path):
    values = np.random.default_rng(0).integers(0, 100, (7, 3, 2)).astype(kind)
    path = tmp_path / "a.mat"
    io.savemat(path, {"values": values, "one": values[0, 0, 0]}, do_compression=packed)
    arrays, _ = load(path)
    expected = io.loadmat(path)
    for name in ("values", "one"):
        assert np.array_equal(arrays[name], expected[name])
        assert arrays[name].shape == expected[name].shape


@pytest.mark.parametrize("packed", [False, True])
def test_structures_cells_and_texts_are_read_and_the_rest_is_passed_over(packed, tmp_path):
    from scipy import sparse

    content = {
        "trial": {"emg": {"raw": np.eye(3)}, "unit": "µV", "empty": np.empty((0, 0))},
        "names": np.array(["FDS", "EDC µ"], dtype=object),
        "mixed": np.array(["a", 3.0], dtype=object),
        "sparse": sparse.csc_matrix(np.eye(4)),
        "complex": np.ones(3) * 1j,
        "flag": True,
        "many": np.zeros(3, dtype=[("a", "f8"), ("b", "f8")]),
    }
    path = tmp_path / "a.mat"
    io.savemat(path, content, do_compression=packed)
    arrays, texts = load(path)
    assert np.array_equal(arrays["trial.emg.raw"], np.eye(3))
    assert set(arrays) >= {"trial.emg.raw", "flag"}
    assert not {"sparse", "complex", "many"} & set(arrays)
    assert texts["trial.unit"] == ["µV"]
    assert texts["names"] == ["FDS", "EDC µ"]
    assert texts["mixed"] == []


def test_every_cut_is_an_error_or_harmless(tmp_path):
    path = tmp_path / "a.mat"
    io.savemat(path, {"trial": {"emg": np.eye(5), "name": "abc"}})
    whole = path.read_bytes()
    refused = 0
    for length in range(132, len(whole), 7):
        try:
            load_matlab5(path, whole[:length])
        except EmgFileError:
            refused += 1
    assert refused > 20
