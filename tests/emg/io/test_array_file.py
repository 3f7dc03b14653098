"""EMG in bare arrays: MATLAB, numpy and pickles, whole and damaged."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import io

from musclehand.emg.io.array_file import read_numpy, read_pickle
from musclehand.emg.io.matlab_file import read_matlab
from musclehand.emg.recording import EmgFileError

SAMPLES = np.random.default_rng(0).normal(size=(200, 3))


class Dangerous:
    """Would make a folder when it is loaded as pickles are."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def save_matlab(path, *, compressed=False, **more):
    labels = np.repeat([0, 3, 0, 5], 50)[:, None]
    content = {
        "emg": SAMPLES,
        "restimulus": labels.astype(np.int8),
        "glove": np.ones((200, 22), np.float32),
    }
    io.savemat(path, {**content, "subject": 4, "note": "words", **more}, do_compression=compressed)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_a_matlab_file_in_the_layout_of_ninapro(compressed, tmp_path):
    path = save_matlab(tmp_path / "S1_E3.mat", compressed=compressed)
    emg = read_matlab(path, fs_hz=2000.0, unit="mV")
    assert emg.samples == pytest.approx(1e-3 * SAMPLES)
    assert emg.names == ("1", "2", "3")
    assert [(event.label, event.onset, event.duration) for event in emg.events] == [
        ("movement 3", 0.025, 0.025),
        ("movement 5", 0.075, 0.025),
    ]
    assert emg.extra["glove"].values.shape == (200, 22)
    with pytest.raises(EmgFileError, match="--rate"):
        read_matlab(path)
    assert read_matlab(save_matlab(tmp_path / "b.mat", frequency=1000.0)).fs_hz == 1000.0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"x": 1.0}, "no variable emg"),
        ({"emg": "words"}, "no variable emg"),
        ({"emg": np.zeros((2, 2, 2))}, "shape"),
        ({"emg": np.zeros((1, 3))}, "shape"),
        ({"emg": {"a": 1.0}}, "no variable emg"),
        ({"emg": np.zeros((5, 2)) + 1j}, "no variable emg|shape"),
    ],
)
def test_matlab_files_without_samples_are_named(content, problem, tmp_path):
    io.savemat(tmp_path / "a.mat", content)
    if np.iscomplexobj(content.get("emg")):
        problem = "emg"
    with pytest.raises(EmgFileError, match=problem):
        read_matlab(tmp_path / "a.mat", fs_hz=100.0)


@pytest.mark.parametrize(
    "data", [b"", b"x" * 300, b"\x89HDF\r\n\x1a\n" + bytes(300), bytes(126) + b"IM" + bytes(100)]
)
def test_a_file_of_something_else_is_named(data, tmp_path):
    for name, read in (("a.mat", read_matlab), ("a.npy", read_numpy)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(EmgFileError, match=name.replace(".", r"\.")):
            read(tmp_path / name, fs_hz=100.0)


def test_arrays_of_numpy(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(SAMPLES))
    assert np.array_equal(read_numpy(tmp_path / "a.npy", fs_hz=100.0).samples, SAMPLES)
    np.save(tmp_path / "b.npy", np.array([[Dangerous(str(tmp_path / "made"))]]))
    with pytest.raises(EmgFileError, match=r"b\.npy"):
        read_numpy(tmp_path / "b.npy", fs_hz=100.0)
    assert not (tmp_path / "made").exists()
    (tmp_path / "c.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(EmgFileError, match="cut short"):
        read_numpy(tmp_path / "c.npy", fs_hz=100.0)


def test_pickles_are_opened_only_when_asked_for_and_never_run(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"emg": SAMPLES, "pose": np.zeros(3)}))
    with pytest.raises(EmgFileError, match="--allow-pickle"):
        read_pickle(path, fs_hz=2000.0)
    assert np.array_equal(read_pickle(path, fs_hz=2000.0, allow_pickle=True).samples, SAMPLES)
    with pytest.raises(EmgFileError, match="no array"):
        read_pickle(path, fs_hz=2000.0, allow_pickle=True, key="force")
    path.write_bytes(pickle.dumps(SAMPLES))
    assert np.array_equal(read_pickle(path, fs_hz=2000.0, allow_pickle=True).samples, SAMPLES)
    path.write_bytes(pickle.dumps(Dangerous(str(tmp_path / "made"))))
    with pytest.raises(EmgFileError, match="nothing of it was run"):
        read_pickle(path, fs_hz=2000.0, allow_pickle=True)
    assert not (tmp_path / "made").exists()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    save_matlab(folder / "plain.mat")
    save_matlab(folder / "packed.mat", compressed=True)
    np.save(folder / "a.npy", SAMPLES)
    (folder / "a.pkl").write_bytes(pickle.dumps({"emg": SAMPLES}))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=80)
@given(
    name=st.sampled_from(["plain.mat", "packed.mat", "a.npy", "a.pkl"]),
    changes=st.lists(
        st.tuples(st.sampled_from((200, 600, 10_000)), st.floats(0, 1), st.integers(0, 255)),
        max_size=5,
    ),
    length=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_bytes_are_errors_or_harmless(name, changes, length, files, tmp_path_factory):
    path: Path = tmp_path_factory.getbasetemp() / f"damaged_{name}"
    data = bytearray(files[name])
    for within, at, value in changes:
        data[int(at * (min(within, len(data)) - 1))] = value
    path.write_bytes(data[: round(length * len(data))])
    options = {"allow_pickle": True} if name.endswith("pkl") else {}
    read = {"mat": read_matlab, "npy": read_numpy, "pkl": read_pickle}[name[-3:]]
    problem = problem_of(lambda: read(path, fs_hz=100.0, **options))
    assert problem is None or "damaged_" in problem


def problem_of(read):
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None
