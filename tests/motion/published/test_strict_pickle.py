"""Pickles: what libraries write is read back equal, what could do harm is refused and does
nothing."""

import io
import os
import pickle
import struct
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.motion.fingertip_track import MotionFileError
from musclehand.motion.published import strict_pickle
from musclehand.motion.published.strict_pickle import load_plain, plain_array

Motion = namedtuple("Motion", "fps pos")
RECORDS = {"Motion": ("fps", "pos")}
PATH = "clip.pkl"

ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6.0, dtype=np.float32).reshape(2, 3)),
    np.arange(5, dtype=">i4"),
    np.array([True, False]),
    np.zeros((0, 3)),
    np.full((), 3.5),
]


def load(data):
    return load_plain(data, PATH, records=RECORDS)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_of_every_protocol_come_back(array, protocol):
    content = load(
        pickle.dumps(
            {"a": [array, "text", (1, 2.5, None, True, -7, 2**40)], "b": b"raw"}, protocol=protocol
        )
    )
    back = plain_array(content["a"][0], PATH, "a")
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert content["a"][1:] == ["text", (1, 2.5, None, True, -7, 2**40)]
    assert content["b"] == b"raw"


def test_numpy_scalars_and_named_tuples_come_back():
    content = load(pickle.dumps([Motion(np.float32(60), np.ones(3)), OrderedDict(a=1)]))
    assert content[0].fps == 60
    assert plain_array(content[0].pos, PATH, "pos").tolist() == [1, 1, 1]
    assert content[1] == {"a": 1}


@pytest.mark.parametrize(
    "array", [a for a in ARRAYS if a.ndim], ids=lambda array: f"{array.dtype}{array.shape}"
)
def test_joblib_arrays_come_back(array):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump([Motion(60, array), Motion(30, 2 * np.ones(4))], file)
    first, second = load(file.getvalue())
    np.testing.assert_array_equal(plain_array(first.pos, PATH, "pos"), array)
    np.testing.assert_array_equal(plain_array(second.pos, PATH, "pos"), 2 * np.ones(4))


def test_tensors_come_back():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    for sample in (tensor, tensor.T, tensor[1:, ::2], tensor.double(), torch.zeros(0, 3)):
        np.testing.assert_array_equal(
            load(pickle.dumps([Motion(60, sample)]))[0].pos, sample.numpy()
        )


class _Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("function", [os.system, eval, exec, getattr, open, np.load, __import__])
def test_nothing_in_a_file_is_run(function, tmp_path):
    mark = tmp_path / "ran"
    data = pickle.dumps([_Runs(function, f"touch {mark}")])
    with pytest.raises(MotionFileError, match="not plain data; nothing of it was run"):
        load(data)
    assert not mark.exists()


def test_objects_in_arrays_are_refused(tmp_path):
    joblib = pytest.importorskip("joblib")
    mark = tmp_path / "ran"
    array = np.array([_Runs(os.system, f"touch {mark}")], dtype=object)
    file = io.BytesIO()
    joblib.dump([Motion(60, array)], file)
    for data in (
        file.getvalue(),
        pickle.dumps(array),
        pickle.dumps(np.array(["a"])),
        pickle.dumps({1: 2}),
        pickle.dumps({1}),
    ):
        with pytest.raises(MotionFileError):
            load(data)
    assert not mark.exists()


def test_a_dtype_whose_name_is_damaged_is_refused():
    """numpy answers such names with a SyntaxError, unlike others that it does not know."""
    damaged = pickle.dumps(np.zeros(3), protocol=4).replace(b"\x8c\x02f8", b"\x8c\x02,8")
    with pytest.raises(SyntaxError):
        np.dtype(",8")
    with pytest.raises(MotionFileError, match="SyntaxError"):
        load(damaged)


def test_state_cannot_be_set_on_other_objects():
    data = b"\x80\x04c__main__\nMotion\nK\x01K\x02\x86R}\x8c\x01aK\x01sb."
    with pytest.raises(MotionFileError, match="set itself up"):
        load(data)


def test_sizes_that_the_file_does_not_have_cost_nothing():
    huge = struct.pack("<Q", 2**45)
    for opcode in (pickle.BYTEARRAY8, pickle.BINBYTES8, pickle.BINUNICODE8, pickle.FRAME):
        with pytest.raises(MotionFileError):
            load(b"\x80\x05" + opcode + huge + b"abc")
    array = pickle.dumps(np.zeros(3), protocol=4).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85")
    with pytest.raises(MotionFileError, match="bytes of which"):
        load(array)


def test_tensors_larger_than_their_numbers_are_refused():
    torch = pytest.importorskip("torch")
    data = pickle.dumps(torch.zeros(2).expand(3_000_000, 2))
    with pytest.raises(MotionFileError, match="larger than its numbers"):
        load(data)


def test_the_same_bytes_again_and_again_are_refused():
    torch = pytest.importorskip("torch")
    sample = pickle.dumps(torch.zeros(300_000), protocol=4)
    start = sample.index(b"\x8c\x0ctorch._utils")
    again = (
        b"h\x05h\x06\x85R" * 50
    )  # the storage's maker and its bytes, both remembered, put together once more
    data = b"\x80\x04](" + sample[start:-1] + again + b"e."
    with pytest.raises(MotionFileError, match="again and again"):
        load(data)
    text = (
        b"\x80\x02c_codecs\nencode\nq\x00X"
        + struct.pack("<I", 400_000)
        + b"a" * 400_000
        + b"q\x01X\x06\x00\x00\x00latin1q\x02"
    )
    with pytest.raises(MotionFileError, match="again and again"):
        load(text + b"00" + b"h\x00h\x01h\x02\x86R" * 20 + b".")


def test_endless_small_change_is_refused(monkeypatch):
    monkeypatch.setattr(strict_pickle, "MAX_READS", 1000)
    with pytest.raises(MotionFileError, match="single values"):
        load(pickle.dumps(list(range(5000))))


def test_what_is_no_array_is_named():
    with pytest.raises(MotionFileError, match=r"clip\.pkl \(left\): is str, not an array"):
        plain_array("text", PATH, "left")


GOOD = pickle.dumps([Motion(60, np.ones((3, 2))), {"a": [1.5, "b", np.arange(4)]}], protocol=4)


@given(st.data())
@settings(max_examples=300)
def test_damaged_files_are_read_or_refused(data):
    raw = bytearray(GOOD[: data.draw(st.integers(0, len(GOOD)))])
    for _ in range(data.draw(st.integers(0, 6))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        outcome = load(bytes(raw))
    except MotionFileError as error:
        outcome = str(error)
    assert outcome is None or not callable(outcome)


@given(st.binary(max_size=200))
def test_noise_is_read_or_refused(noise):
    try:
        content = load(b"\x80\x04" + noise + b".")
    except MotionFileError as error:
        content = error
    assert content is None or not callable(content)
