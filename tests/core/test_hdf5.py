"""Datasets are read only when they lie in the file, are of the type expected and no larger than
on disk."""

import h5py
import numpy as np
import pytest

from musclehand.core.errors import FileError
from musclehand.core.hdf5 import first_line, load_dataset, open_hdf5, own_member

FLOATS = (np.dtype("<f4"),)


class OddFile(FileError):
    """Raised by the functions under test when told to."""


@pytest.fixture
def file(tmp_path):
    np.arange(3, dtype="<f4").tofile(tmp_path / "outside.bin")
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file.create_dataset("good", data=np.arange(3, dtype="<f4"), chunks=(3,), fletcher32=True)
        file.create_dataset("packed", data=np.zeros(1000, "<f4"), compression="gzip")
        file.create_dataset("hollow", shape=(10**9,), dtype="<f4", chunks=(1000,))
        file.create_dataset("doubles", data=np.zeros(3))
        file.create_dataset(
            "outside", (3,), "<f4", external=[(str(tmp_path / "outside.bin"), 0, 12)]
        )
        file.create_group("group")
        file["soft"] = h5py.SoftLink("/good")
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/good")
        yield file


def test_what_is_in_order_is_read(file):
    values = load_dataset(file, "good", path="x.h5", dtypes=FLOATS, error=OddFile, max_bytes=12)
    assert values.tolist() == [0.0, 1.0, 2.0]
    assert own_member(file, "group") == file["group"]
    assert own_member(file, "soft") is None
    assert own_member(file, "nothing") is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(
            (name, "not in the file")
            for name in ("missing", "soft", "elsewhere", "outside", "group")
        ),
        *((name, "compressed or not there") for name in ("packed", "hollow")),
        ("doubles", "holds float64; it must hold float32"),
    ],
)
def test_what_is_not_is_told_with_file_and_place(file, name, words):
    with pytest.raises(OddFile, match=words) as caught:
        load_dataset(file, name, path="x.h5", dtypes=FLOATS, error=OddFile)
    assert (caught.value.path, caught.value.where) == ("x.h5", name)


def test_more_bytes_than_allowed_are_not_read(file):
    with pytest.raises(OddFile, match="12 bytes; at most 11"):
        load_dataset(file, "good", path="x.h5", dtypes=FLOATS, error=OddFile, max_bytes=11)


def test_opening_says_what_is_wrong_with_a_file(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(OddFile, match="not an HDF5 file"):
        open_hdf5(tmp_path / "text.h5", OddFile)
    with pytest.raises(OddFile, match="No such file"):
        open_hdf5(tmp_path / "none.h5", OddFile)


def test_an_error_without_words_goes_by_its_class():
    assert first_line(KeyError()) == "KeyError"
    assert first_line(ValueError("one\ntwo")) == "one"
