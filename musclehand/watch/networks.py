"""The two networks that detect hands: MediaPipe's palm detector and hand landmarks.

They are published under the Apache License 2.0 within the package `mediapipe` on the Python package
index (Zhang et al. 2020, arXiv:2006.10214). `set_up_networks` has pip download that package,
takes out the two files, holds them against their hashes and keeps them in the user's cache. The
package itself is not installed, and no code of it is run. `ai-edge-litert` runs the networks.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError, MusclehandError
from musclehand.watch.stages import file_sha256

PACKAGE = "mediapipe==0.10.21"
"""The last release of the package with the networks in it."""

CACHE_VARIABLE = "MUSCLEHAND_CACHE"
"""Environment variable with the folder in which musclehand keeps what it downloads."""

LARGEST_NETWORK = 64_000_000
"""[bytes] Largest file that is loaded as a network."""

DOWNLOAD_LIMIT = 900.0
"""[s] Longest download; the package has 36 MB."""

_PLATFORM = (
    *("--only-binary=:all:", "--platform", "manylinux_2_28_x86_64"),
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
)
"""One build of the package for all users: its networks are the same in each."""


class NetworkError(FileError):
    """A network that is missing, damaged or not the expected one."""


class NetworkFile(NamedTuple):
    """One of the published files."""

    name: str
    """Name of the file."""

    member: str
    """Its place in the package."""

    size: int
    """[bytes]"""

    sha256: str
    """Hash, in hexadecimal digits."""


PALM_FILE = NetworkFile(
    "palm_detection_full.tflite",
    "mediapipe/modules/palm_detection/palm_detection_full.tflite",
    2_339_846,
    "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
)
"""The palm detector."""

LANDMARK_FILE = NetworkFile(
    "hand_landmark_full.tflite",
    "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
    5_478_917,
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
)
"""The network of the 21 points."""


class HandNetworks(NamedTuple):
    """Files of the two networks."""

    palm: Path
    """The palm detector."""

    landmarks: Path
    """The network of the 21 points."""

    sha256: tuple[str, str]
    """Their hashes, in hexadecimal digits."""


def cache_folder() -> Path:
    """The folder of the user's cache.

    It is `MUSCLEHAND_CACHE` where that is set, else `musclehand` in `XDG_CACHE_HOME`, or in the
    place that the system has for caches.
    """
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "musclehand"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "musclehand"
    if sys.platform == "win32" and (base := os.environ.get("LOCALAPPDATA")):
        return Path(base) / "musclehand" / "cache"
    return Path.home() / ".cache" / "musclehand"


def networks_folder() -> Path:
    """The folder in which `set_up_networks` keeps the networks."""
    return cache_folder() / "hands"


def find_networks(folder: str | PathLike[str] | None = None) -> HandNetworks:
    """Finds the networks.

    Args:
        folder: copies of one's own, which may be others of the same shapes; None for those of
            `set_up_networks`, whose hashes are checked.

    Raises:
        NetworkError: a file is missing, or is not the published one; says what to do.
    """
    own = folder is not None
    place = Path(folder) if folder is not None else networks_folder()
    hashes = []
    for file in (PALM_FILE, LANDMARK_FILE):
        path = place / file.name
        remedy = "" if own else "; get it with: musclehand watch --setup"
        if not path.is_file():
            raise NetworkError(path, f"a network that detects hands is missing{remedy}")
        size = path.stat().st_size
        if not 0 < size <= LARGEST_NETWORK:
            raise NetworkError(path, f"{size} bytes; a network has 1 to {LARGEST_NETWORK}{remedy}")
        sha256 = file_sha256(path)
        if not own and sha256 != file.sha256:
            raise NetworkError(path, f"not the published network, or damaged{remedy}")
        hashes.append(sha256)
    return HandNetworks(place / PALM_FILE.name, place / LANDMARK_FILE.name, (hashes[0], hashes[1]))


def set_up_networks(
    folder: str | PathLike[str] | None = None, *, wheel: str | PathLike[str] | None = None
) -> HandNetworks:
    """Gets the networks, unless they are there: from the package index, by pip.

    Args:
        folder: where they are kept; None for the user's cache.
        wheel: the package as a file that is there already; None to download it.

    Raises:
        NetworkError: the download fails, or the package is not the expected one. Nothing is kept.
        OutputError: the folder cannot be written.
    """
    place = Path(folder) if folder is not None else networks_folder()
    if _are_published(place):
        return find_networks(place)
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(wheel) if wheel is not None else _download(Path(scratch))
        contents = {file.name: _take_out(package, file) for file in (PALM_FILE, LANDMARK_FILE)}
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NetworkError(place, f"cannot be made ({os.strerror(error.errno or 0)})") from error
    for name, content in contents.items():
        write_file(place / name, content)
    return find_networks(place)


def _are_published(folder: Path) -> bool:
    """A folder holds the published networks."""
    try:
        return find_networks(folder).sha256 == (PALM_FILE.sha256, LANDMARK_FILE.sha256)
    except NetworkError:
        return False


def _download(scratch: Path) -> Path:
    """Has pip download the package into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--retries", "2", *_PLATFORM]
    command += ["--dest", str(scratch), PACKAGE]
    advice = "try again, or give copies of your own by --hand-model"
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=DOWNLOAD_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        limit = f"{DOWNLOAD_LIMIT:.0f} s"
        raise NetworkError(
            PACKAGE, f"pip took longer than {limit} to download it; {advice}"
        ) from error
    wheels = sorted(scratch.glob("*.whl"))
    if run.returncode or not wheels:
        lines = run.stderr.decode(errors="replace").strip().splitlines()
        problem = lines[-1][:200] if lines else f"exit code {run.returncode}"
        raise NetworkError(PACKAGE, f"pip cannot download it ({problem}); {advice}")
    return wheels[0]


def _take_out(package: Path, file: NetworkFile) -> bytes:
    """A file of the package, if it is the published one."""
    try:
        with zipfile.ZipFile(package) as archive:
            member = archive.getinfo(file.member)
            if member.file_size != file.size:
                raise NetworkError(
                    package, f"{member.file_size} bytes instead of {file.size}", where=file.name
                )
            with archive.open(member) as stream:
                content = stream.read(file.size + 1)
    except (OSError, LookupError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise NetworkError(package, f"not the package {PACKAGE}", where=file.name) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise NetworkError(package, "not the published network, or damaged", where=file.name)
    return content


class Network:
    """A network that is ready to run, on one thread, so that its results are the same each time."""

    def __init__(
        self, path: Path, input_shape: Sequence[int], output_shapes: Sequence[Sequence[int]]
    ) -> None:
        """Loads a network and checks the shapes of what goes in and out.

        Args:
            path: the file.
            input_shape: of the picture: (1, height, width, 3).
            output_shapes: of the results in their order.

        Raises:
            MusclehandError: `ai-edge-litert` is not installed.
            NetworkError: the file is no network of these shapes.
        """
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise MusclehandError(
                "hands in films need ai-edge-litert; get it with: pip install 'musclehand[watch]'"
            ) from error
        try:
            self._interpreter: Any = Interpreter(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
            inputs = self._interpreter.get_input_details()
            outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError, TypeError, OSError) as error:
            raise NetworkError(path, "not a network in TensorFlow Lite's format") from error
        shapes = [tuple(int(n) for n in detail["shape"]) for detail in (*inputs, *outputs)]
        legal = [tuple(input_shape), *(tuple(shape) for shape in output_shapes)]
        floats = all(detail["dtype"] == np.float32 for detail in (*inputs, *outputs))
        if shapes != legal or not floats:
            raise NetworkError(path, f"shapes {shapes}; this network has {legal} of 4-byte floats")
        self._input = inputs[0]["index"]
        self._outputs = [detail["index"] for detail in outputs]

    def run(self, picture: np.ndarray) -> list[np.ndarray]:
        """Results for a picture.

        Args:
            picture: colours from 0 to 1. Shape (height, width, 3), float32.
        """
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]
