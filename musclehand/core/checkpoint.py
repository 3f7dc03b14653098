"""Checkpoints that are whole or not there, and that can do nothing but be read.

A checkpoint is two files. `000012.safetensors` holds named arrays and, in its metadata, what else
is known, as JSON; `000012.json` says how long that file is and its SHA-256, is written after it,
and makes it one. Each is written under a passing name, synced and renamed, so that a kill or a full
disk at any moment leaves the one before. Nothing is ever unpickled, and a file that differs in a
bit, in length, or from what is expected of its arrays is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import FileError, InvalidValue, OutputError

FORMAT = "musclehand-checkpoint"
VERSION = 1
MAX_BYTES = 2_000_000_000
MAX_SEAL_BYTES = 10_000
KEPT = 2
"""Generations that stay in a folder."""

_NUMBER = re.compile(r"([0-9]{6,12})\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOG = logging.getLogger(__name__)

Shapes = Mapping[str, tuple[int, ...]]


class CheckpointError(FileError):
    """A file that is no checkpoint, a damaged one, or one of something else."""


class Checkpoint(NamedTuple):
    """What was kept: `number`, `arrays` by name, and `info`, what JSON can say."""

    number: int
    arrays: dict[str, np.ndarray]
    info: dict[str, Any]


def save_checkpoint(
    folder: str | PathLike[str],
    number: int,
    arrays: Mapping[str, np.ndarray],
    info: Mapping[str, Any],
    *,
    keep: int = KEPT,
) -> Path:
    """Writes a checkpoint and removes all but the last `keep` ones.

    Args:
        folder: made if it is not there.
        number: of the checkpoint, rising.
        arrays: of numbers.
        info: what else is to be known, in terms of JSON; no NaN.
        keep: generations that stay.

    Returns:
        The JSON file, by which the checkpoint is loaded.

    Raises:
        OutputError: it could not be written; what was there before still is.
        InvalidValue: the number is out of range, or an array or the info is not of numbers or of
            JSON.
    """
    if not 0 <= number < 10**12 or keep < 1:
        raise InvalidValue("number, keep", (number, keep), "0 to 10^12, and 1 or more")
    folder = Path(folder)
    content = _pack(arrays, info)
    seal = {
        "format": FORMAT,
        "version": VERSION,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    path = folder / f"{number:06d}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(_arrays_of(path), content)
        _replace(path, json.dumps(seal).encode())
        _sweep(folder, keep)
    except OSError as error:
        raise OutputError(path, os.strerror(error.errno) if error.errno else str(error)) from error
    return path


def load_checkpoint(
    path: str | PathLike[str], *, shapes: Shapes | None = None, **known: object
) -> Checkpoint:
    """Reads a checkpoint.

    Args:
        path: its JSON file.
        shapes: the arrays that have to be in it, and their shapes; None takes what is there.
        known: entries of the info that have to be so, such as `model_sha256`.

    Raises:
        CheckpointError: names the file and says what is wrong with it.
    """
    path = Path(path)
    found = _NUMBER.fullmatch(path.name)
    if not found:
        raise CheckpointError(path, "a checkpoint is loaded by its JSON file, such as 000012.json")
    seal = _read_seal(path)
    source = _arrays_of(path)
    content = _read(source, MAX_BYTES)
    if len(content) != seal["size"] or hashlib.sha256(content).hexdigest() != seal["sha256"]:
        raise CheckpointError(
            source, f"is not what {path.name} says: cut short, damaged or exchanged"
        )
    arrays, info = _unpack(content, source)
    for name, value in known.items():
        if info.get(name) != value:
            raise CheckpointError(
                path, f"was made with {name} {info.get(name)!r}; this is {value!r}"
            )
    if shapes is not None:
        _check_shapes(source, arrays, shapes)
    return Checkpoint(int(found.group(1)), arrays, info)


def load_latest(
    folder: str | PathLike[str], *, shapes: Shapes | None = None, **known: object
) -> Checkpoint | None:
    """The newest checkpoint of a folder that is whole, None if there are none at all; arguments as
    `load_checkpoint`.

    Raises:
        CheckpointError: there are some, and none can be used; tells of the newest.
    """
    first: CheckpointError | None = None
    for path in checkpoints_in(folder)[::-1]:
        try:
            return load_checkpoint(path, shapes=shapes, **known)
        except CheckpointError as error:
            first = first or error
            _LOG.warning("%s; looking for an older one", error)
    if first is not None:
        raise first
    return None


def checkpoints_in(folder: str | PathLike[str]) -> list[Path]:
    """The JSON files of a folder's checkpoints, oldest first."""
    folder = Path(folder)
    paths = (
        [path for path in folder.iterdir() if _NUMBER.fullmatch(path.name)]
        if folder.is_dir()
        else []
    )
    return sorted(paths, key=lambda path: int(path.stem))


def _pack(arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]) -> bytes:
    from safetensors.numpy import save

    try:
        told = json.dumps(dict(info), allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InvalidValue("info of a checkpoint", info, f"of JSON ({error})") from error
    # Not contiguous arrays would be written in the order of their memory.
    rows = {
        name: np.ascontiguousarray(arrays[name]).reshape(np.shape(arrays[name]))
        for name in sorted(arrays)
    }
    for name, values in rows.items():
        if values.dtype.kind not in "fiub":
            raise InvalidValue(f"array {name}", values.dtype, "of numbers")
    return bytes(save(rows, metadata={"info": told}))


def _unpack(content: bytes, path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(content)
        size = int.from_bytes(content[:8], "little")
        info = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["info"])
    except (
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise CheckpointError(
            path, f"no checkpoint ({type(error).__name__}: {str(error)[:200]})"
        ) from error
    if not isinstance(info, dict):
        raise CheckpointError(path, "no checkpoint (its info is no table)")
    return {name: np.array(values) for name, values in arrays.items()}, info


def _check_shapes(path: Path, arrays: Mapping[str, np.ndarray], shapes: Shapes) -> None:
    missing = sorted(shapes.keys() - arrays.keys())
    more = sorted(arrays.keys() - shapes.keys())
    if missing or more:
        raise CheckpointError(path, f"lacks {missing[:5]} and has {more[:5]} that are not known")
    for name, shape in shapes.items():
        values = arrays[name]
        if values.shape != tuple(shape):
            raise CheckpointError(
                path, f"is {values.shape}; it has to be {tuple(shape)}", where=name
            )
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise CheckpointError(path, "has values that are not finite", where=name)


def _read_seal(path: Path) -> dict[str, Any]:
    try:
        seal = json.loads(_read(path, MAX_SEAL_BYTES))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(path, f"not JSON ({type(error).__name__})") from error
    wanted = {"format": str, "version": int, "size": int, "sha256": str}
    if not isinstance(seal, dict) or {key: type(value) for key, value in seal.items()} != wanted:
        raise CheckpointError(path, f"needs {', '.join(wanted)} and nothing else")
    if (
        seal["format"] != FORMAT
        or seal["version"] != VERSION
        or not _SHA256.fullmatch(seal["sha256"])
    ):
        raise CheckpointError(
            path, f"this release reads {FORMAT} of version {VERSION} with a SHA-256"
        )
    return seal


def _read(path: Path, most: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > most:
            raise CheckpointError(path, f"{size} bytes; at most {most}")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            path, os.strerror(error.errno) if error.errno else str(error)
        ) from error


def _arrays_of(path: Path) -> Path:
    return path.with_suffix(".safetensors")


def _replace(path: Path, content: bytes) -> None:
    """Puts a file in place in one step."""
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a renaming last; not every system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path, keep: int) -> None:
    """Removes old checkpoints, each one's seal first, and what has no seal."""
    paths = checkpoints_in(folder)
    for path in paths[:-keep]:
        path.unlink(missing_ok=True)
    sealed = {_arrays_of(path).name for path in paths[-keep:]}
    for path in [*folder.glob("*.safetensors"), *folder.glob(".*.part")]:
        if path.name not in sealed and re.fullmatch(r"\.?[0-9]{6,12}\..*", path.name):
            path.unlink(missing_ok=True)
