"""Files are replaced as a whole or not at all, whatever goes wrong."""

import os
import resource
import signal
import stat
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.core.atomic import find_temporaries, move_file, temporary_path, write_file
from musclehand.core.errors import InvalidValue, OutputError

CONTENTS = st.binary(max_size=2000) | st.text(st.characters(codec="utf-8"), max_size=500)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 255
)
CALLS = ("open", "fsync", "replace", "close")
"""Calls to the system that may fail while a file is replaced."""


def as_bytes(content):
    return content.encode() if isinstance(content, str) else content


@given(NAMES, CONTENTS, CONTENTS)
def test_any_content_under_any_name_is_there_to_the_byte(tmp_path_factory, name, first, second):
    folder = tmp_path_factory.mktemp("any")
    path = folder / name
    for content in (first, second):
        write_file(path, content)
        assert path.read_bytes() == as_bytes(content)
        assert list(folder.iterdir()) == [path]


def test_the_longest_legal_names_can_be_written(tmp_path):
    for name in ("x" * 255, "\N{GRINNING FACE}" * 63, "." + "x" * 254, "x." + "y" * 253):
        write_file(tmp_path / name, name)
        assert (tmp_path / name).read_text() == name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=st.none() | st.binary(max_size=100), call=st.sampled_from(CALLS), number=st.integers(0, 3)
)
def test_a_failing_call_leaves_the_file_that_was_there(
    tmp_path_factory, monkeypatch, old, call, number
):
    """The nth call of each kind fails with a full disk."""
    folder = tmp_path_factory.mktemp("failing")
    path = folder / "file.txt"
    if old is not None:
        path.write_bytes(old)
    real = getattr(os, call)
    calls = []

    def fail(*args, **keywords):
        calls.append(args)
        if len(calls) == number + 1:
            raise OSError(28, "No space left on device")
        return real(*args, **keywords)

    error = None
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        try:
            write_file(path, b"new")
        except OutputError as raised:
            error = raised
    if error is not None:
        assert (error.path, error.problem) == (str(path), "No space left on device")
    content = path.read_bytes() if path.exists() else None
    # A folder that cannot be synced is an error as well, although the file is in place.
    assert content in ({b"new"} if error is None else {b"new", old})
    if error is not None and number == 0:
        assert content == old
    assert [entry for entry in folder.iterdir() if entry != path] == []


@given(st.integers(0, 3000))
def test_a_disk_that_is_full_after_any_byte_leaves_the_file_that_was_there(tmp_path_factory, limit):
    folder = tmp_path_factory.mktemp("full")
    path = folder / "file.bin"
    path.write_bytes(b"old")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, kept[1]))
        if limit < 2000:
            with pytest.raises(OutputError, match=r"file\.bin: File too large"):
                write_file(path, bytes(2000))
        else:
            write_file(path, bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == (b"old" if limit < 2000 else bytes(2000))
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [ValueError("defect"), KeyboardInterrupt(), InvalidValue("x", 1, "2"), SystemExit(3)]
)
def test_an_exception_of_the_block_passes_and_leaves_the_file_that_was_there(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write():
        with temporary_path(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)) as caught:
        write()
    assert caught.value is error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_of_the_block_name_the_file_and_not_its_temporary_name(tmp_path):
    path = tmp_path / "file.h5"
    elsewhere = OutputError(tmp_path / "other.h5", "it is a folder")

    def write(error_about):
        with temporary_path(path) as part:
            raise error_about(part)

    for error_about in (
        lambda part: OSError(13, "Permission denied", str(part)),
        lambda part: OutputError(part, "Permission denied"),
    ):
        with pytest.raises(OutputError) as caught:
            write(error_about)
        assert str(caught.value) == f"cannot write {path}: Permission denied"
    with pytest.raises(OutputError) as caught:
        write(lambda part: elsewhere)
    assert caught.value is elsewhere


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    path = tmp_path / "file.txt"
    with pytest.raises(OutputError, match="No such file"), temporary_path(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("")
    for path, problem in (
        (tmp_path / "missing" / "file", "No such file"),
        (tmp_path / "plain" / "file", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / "a\0b", "null"),
        (tmp_path / "\ud800", "surrogates"),
        (tmp_path / ("x" * 256), "too long"),
        ("", "Is a directory"),
        ("/", "Is a directory"),
    ):
        with pytest.raises(OutputError, match=problem):
            write_file(path, "new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "plain"]


def test_permissions_are_those_of_a_new_file(tmp_path):
    mask = os.umask(0o027)
    try:
        write_file(tmp_path / "file", "new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path, monkeypatch):
    real = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_file(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"


def test_the_content_is_synced_before_the_renaming_and_the_folder_after_it(tmp_path, monkeypatch):
    steps = []
    real_sync = os.fsync
    real_replace = os.replace

    def fsync(handle):
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        steps.append("sync folder" if is_folder else "sync file")
        real_sync(handle)

    def replace(part, path):
        steps.append("rename")
        real_replace(part, path)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_file(tmp_path / "file", "new")
    assert steps == ["sync file", "rename", "sync folder"]


def test_libraries_write_to_the_temporary_name_by_its_suffix(tmp_path):
    from matplotlib.figure import Figure

    with temporary_path(tmp_path / "figure.svg") as part:
        Figure().savefig(part)
    assert b"<svg" in (tmp_path / "figure.svg").read_bytes()
    with temporary_path(tmp_path / "arrays.npz") as part:
        np.savez(part, x=np.arange(3))
    with temporary_path(tmp_path / "data.h5") as part, h5py.File(part, "w") as file:
        file["x"] = np.arange(3)
    for name, opened in (("arrays.npz", np.load), ("data.h5", h5py.File)):
        with opened(tmp_path / name) as file:
            assert file["x"][:].tolist() == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 3


def test_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "file.txt"
    with temporary_path(path) as outer:
        outer.write_text("outer")
        with temporary_path(path) as inner:
            inner.write_text("inner")
        assert path.read_text() == "inner"
    assert path.read_text() == "outer"


def test_a_file_is_moved_over_another(tmp_path):
    (tmp_path / "part").write_text("new")
    (tmp_path / "file").write_text("old")
    move_file(tmp_path / "part", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"
    with pytest.raises(OutputError, match="file: No such file"):
        move_file(tmp_path / "part", tmp_path / "file")


WRITER = """
import sys
from musclehand.core.atomic import write_file
number = 0
while True:
    number += 1
    write_file(sys.argv[1], str(number % 10) * 200_000)
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "file.txt"
    temporaries = 0
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(float(rng.uniform(0.0, 0.05)))
        process.send_signal(signal.SIGKILL)
        last = int(([1, *process.communicate()[0].split()])[-1])
        text = path.read_text()
        assert len(text) == 200_000
        assert set(text) == {text[0]}
        # The last one said, or the one after it, whose name was there before it was said.
        assert int(text[0]) in {last % 10, (last + 1) % 10}
        leftovers = find_temporaries(tmp_path, "file")
        assert {path, *leftovers} == set(tmp_path.iterdir())
        temporaries += len(leftovers)
        for part in leftovers:
            part.unlink()
    assert temporaries <= 10
