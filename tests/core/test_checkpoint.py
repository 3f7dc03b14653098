"""Checkpoints: whole or not there, and nothing in them is ever run."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.checkpoint import (
    FORMAT,
    CheckpointError,
    checkpoints_in,
    load_checkpoint,
    load_latest,
    save_checkpoint,
    save_named_checkpoint,
)
from musclehand.core.errors import InvalidValue, OutputError

ARRAYS = {
    "weight": np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32),
    "state": np.arange(12, dtype=np.float64).reshape(3, 4).T,
    "steps": np.array(7),
    "words": np.array([2**63 + 5], dtype=np.uint64),
    "flags": np.array([True, False]),
}
SHAPES = {name: values.shape for name, values in ARRAYS.items()}
INFO = {"model_sha256": "abc", "iteration": 3, "nested": {"a": [1, 2.5, None]}}


@pytest.fixture
def saved(tmp_path):
    return save_checkpoint(tmp_path / "run", 12, ARRAYS, INFO)


def seal_of(path, content):
    """A seal that fits, as somebody hostile would write it."""
    import hashlib

    seal = {
        "format": FORMAT,
        "version": 1,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    path.write_text(json.dumps(seal))
    path.with_suffix(".safetensors").write_bytes(content)


def test_what_is_kept_comes_back_to_the_bit(saved):
    checkpoint = load_checkpoint(saved, shapes=SHAPES, model_sha256="abc")
    assert checkpoint.number == 12
    assert checkpoint.info == INFO
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(checkpoint.arrays[name], values)
        assert checkpoint.arrays[name].dtype == values.dtype


def test_two_generations_stay_and_the_newest_whole_one_is_taken(tmp_path):
    for number in (1, 2, 3, 10):
        save_checkpoint(tmp_path, number, {"x": np.full(3, number)}, {})
    assert [path.stem for path in checkpoints_in(tmp_path)] == ["000003", "000010"]
    assert len(list(tmp_path.iterdir())) == 4
    assert load_latest(tmp_path).number == 10
    (tmp_path / "000010.safetensors").write_bytes(b"")
    assert load_latest(tmp_path).arrays["x"].tolist() == [3, 3, 3]
    (tmp_path / "000003.json").write_bytes(b"{}")
    with pytest.raises(CheckpointError, match="000010"):
        load_latest(tmp_path)
    assert load_latest(tmp_path / "nothing") is None


def test_every_flipped_bit_and_every_truncation_is_refused(tmp_path):
    """1,000 flips and 1,000 truncations over both files."""
    path = save_checkpoint(tmp_path, 1, ARRAYS, INFO)
    rng = np.random.default_rng(1)
    refused = 0
    for file in (path, path.with_suffix(".safetensors")):
        original = file.read_bytes()
        for _ in range(500):
            bit = int(rng.integers(8 * len(original)))
            flipped = bytearray(original)
            flipped[bit // 8] ^= 1 << bit % 8
            for content in (bytes(flipped), original[: int(rng.integers(len(original)))]):
                file.write_bytes(content)
                with pytest.raises(CheckpointError):
                    load_checkpoint(path, shapes=SHAPES)
                refused += 1
        file.write_bytes(original)
    assert refused == 2000
    assert load_checkpoint(path, shapes=SHAPES).number == 1


class Bomb:
    """What runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_pickles_are_refused_and_not_run(tmp_path):
    import torch

    sentinel = tmp_path / "ran"
    bombs = [pickle.dumps(Bomb(sentinel), protocol) for protocol in range(6)]
    torch.save(Bomb(sentinel), tmp_path / "bomb.pt")
    np.save(tmp_path / "bomb.npy", np.array([Bomb(sentinel)], dtype=object), allow_pickle=True)
    bombs += [(tmp_path / name).read_bytes() for name in ("bomb.pt", "bomb.npy")]
    path = tmp_path / "000001.json"
    for bomb in bombs:
        seal_of(path, bomb)
        with pytest.raises(CheckpointError):
            load_checkpoint(path)
        path.write_bytes(bomb)
        with pytest.raises(CheckpointError):
            load_checkpoint(path)
    assert not sentinel.exists()


@given(st.binary(max_size=300))
def test_any_bytes_under_a_seal_that_fits_are_refused_or_arrays(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "000001.json"
    seal_of(path, content)
    with pytest.raises(CheckpointError):
        load_checkpoint(path, shapes={"x": (3,)})


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.text(), inner),
    )
)
def test_any_header_under_a_seal_that_fits_is_refused(tmp_path_factory, header):
    text = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("any") / "000001.json"
    seal_of(path, len(text).to_bytes(8, "little") + text + bytes(64))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "arrays",
    [
        {**ARRAYS, "weight": ARRAYS["weight"].T},
        {name: values for name, values in ARRAYS.items() if name != "weight"},
        {**ARRAYS, "more": np.zeros(2)},
        {**ARRAYS, "weight": np.full((7, 5), np.nan, dtype=np.float32)},
    ],
)
def test_arrays_that_are_not_expected_are_refused(tmp_path, arrays):
    path = save_checkpoint(tmp_path, 1, arrays, INFO)
    with pytest.raises(CheckpointError):
        load_checkpoint(path, shapes=SHAPES)


def test_another_model_is_refused(saved):
    with pytest.raises(CheckpointError, match="model_sha256"):
        load_checkpoint(saved, model_sha256="abd")
    with pytest.raises(CheckpointError):
        load_checkpoint(saved.with_suffix(".safetensors"))


def test_what_cannot_be_kept_is_said(tmp_path):
    for arrays, info in (
        ({"x": np.array(["text"])}, {}),
        ({"x": np.array([None])}, {}),
        ({}, {"x": np.zeros(2)}),
        ({}, {"x": float("nan")}),
    ):
        with pytest.raises(InvalidValue):
            save_checkpoint(tmp_path, 1, arrays, info)
    with pytest.raises(InvalidValue):
        save_checkpoint(tmp_path, -1, {}, {})


def test_a_full_disk_leaves_what_was_there(saved, monkeypatch):
    real = os.fsync

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="space"):
        save_checkpoint(saved.parent, 13, ARRAYS, INFO)
    monkeypatch.setattr(os, "fsync", real)
    assert load_latest(saved.parent).number == 12
    assert len(list(saved.parent.iterdir())) == 2


WRITER = """
import sys, numpy as np
from musclehand.core.checkpoint import save_checkpoint
number = 0
while True:
    number += 1
    save_checkpoint(sys.argv[1], number, {"x": np.full(200_000, number)}, {"number": number})
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_whole_one(tmp_path):
    rng = np.random.default_rng(0)
    last = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(float(rng.uniform(0.0, 0.15)))
        process.send_signal(signal.SIGKILL)
        printed = process.communicate()[0].split()
        checkpoint = load_latest(tmp_path)
        assert checkpoint.number >= max([1, *map(int, printed)])
        assert (checkpoint.arrays["x"] == checkpoint.info["number"]).all()
        last = max(last, checkpoint.number)
    assert last > 1


def test_a_named_checkpoint_is_read_by_its_name_and_left_alone_by_numbered_ones(tmp_path):
    arrays = {"weights": np.arange(6.0).reshape(2, 3)}
    path = save_named_checkpoint(tmp_path / "best" / "tracking.json", arrays, {"kind": "named"})
    for number in range(1, 5):
        save_checkpoint(path.parent, number, {"weights": np.zeros(2)}, {}, keep=1)
    assert [numbered.name for numbered in checkpoints_in(path.parent)] == ["000004.json"]
    checkpoint = load_checkpoint(path, kind="named")
    assert checkpoint.number == 0
    np.testing.assert_array_equal(checkpoint.arrays["weights"], arrays["weights"])
    path.with_suffix(".safetensors").write_bytes(b"other")
    with pytest.raises(CheckpointError, match="cut short"):
        load_checkpoint(path)
    with pytest.raises(InvalidValue):
        save_named_checkpoint(tmp_path / "tracking", arrays, {})
    with pytest.raises(CheckpointError, match="JSON file"):
        load_checkpoint(path.with_suffix(".safetensors"))
