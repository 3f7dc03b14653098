"""The networks: where they are kept, and packages and files that are not the published ones."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from musclehand.core.errors import MusclehandError
from musclehand.watch import networks as networks_module
from musclehand.watch.networks import (
    LANDMARK_FILE,
    PALM_FILE,
    Network,
    NetworkError,
    cache_folder,
    find_networks,
    set_up_networks,
)
from support.hand_networks import hand_networks


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("MUSCLEHAND_CACHE", raising=False)
    assert cache_folder() == tmp_path / "xdg" / "musclehand"
    monkeypatch.setenv("MUSCLEHAND_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_the_cache_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "MUSCLEHAND_CACHE", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert Path.home() in cache_folder().parents


def test_missing_networks_tell_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUSCLEHAND_CACHE", str(tmp_path))
    with pytest.raises(NetworkError, match="musclehand watch --setup"):
        find_networks()
    with pytest.raises(NetworkError, match="missing"):
        find_networks(tmp_path)


def test_networks_in_the_cache_must_be_the_published_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSCLEHAND_CACHE", str(tmp_path))
    (tmp_path / "hands").mkdir()
    for file in (PALM_FILE, LANDMARK_FILE):
        (tmp_path / "hands" / file.name).write_bytes(b"another one")
    with pytest.raises(NetworkError, match="not the published"):
        find_networks()
    assert find_networks(tmp_path / "hands").palm.name == PALM_FILE.name


def make_wheel(path: Path, sizes: dict[str, int]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, size in sizes.items():
            archive.writestr(member, bytes(size))
    return path


def test_a_package_with_other_networks_is_refused(tmp_path: Path) -> None:
    sizes = {file.member: file.size for file in (PALM_FILE, LANDMARK_FILE)}
    wheel = make_wheel(tmp_path / "a.whl", sizes)
    with pytest.raises(NetworkError, match="not the published network"):
        set_up_networks(tmp_path / "kept", wheel=wheel)
    assert not (tmp_path / "kept").exists()


def test_a_member_of_another_size_is_not_unpacked(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "a.whl", {PALM_FILE.member: 50_000_000})
    with pytest.raises(NetworkError, match="50000000 bytes instead of"):
        set_up_networks(tmp_path / "kept", wheel=wheel)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive"])
def test_what_is_no_package_is_refused(tmp_path: Path, content: bytes) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(content)
    with pytest.raises(NetworkError, match="not the package"):
        set_up_networks(tmp_path / "kept", wheel=wheel)
    with pytest.raises(NetworkError, match="not the package"):
        set_up_networks(tmp_path / "kept", wheel=tmp_path / "missing.whl")
    with pytest.raises(NetworkError, match="not the package"):
        set_up_networks(tmp_path / "kept", wheel=make_wheel(tmp_path / "b.whl", {"x": 3}))


def test_a_download_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        assert command[:3] == [sys.executable, "-m", "pip"]
        return subprocess.CompletedProcess(command, 1, b"", b"warning\nERROR: no connection\n")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(NetworkError, match=r"ERROR: no connection.*--hand-model") as caught:
        set_up_networks(tmp_path / "kept")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "kept").exists()


def test_a_download_that_hangs_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(NetworkError, match="longer than"):
        set_up_networks(tmp_path / "kept")


def test_networks_that_are_there_are_not_downloaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = hand_networks()
    for path in (networks.palm, networks.landmarks):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(networks_module, "_download", None)
    assert set_up_networks(tmp_path).sha256 == (PALM_FILE.sha256, LANDMARK_FILE.sha256)


def test_shapes_of_own_networks_are_checked() -> None:
    networks = hand_networks()
    with pytest.raises(NetworkError, match="shapes"):
        Network(networks.palm, (1, 224, 224, 3), ((1, 63),))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "a.tflite"
    path.write_bytes(b"no network at all" * 10)
    with pytest.raises(NetworkError, match="not a network"):
        Network(path, (1, 224, 224, 3), ((1, 63),))


def test_without_the_runtime_one_line_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MusclehandError, match=r"pip install 'musclehand\[watch\]'"):
        Network(tmp_path / "a.tflite", (1, 2, 2, 3), ())
