"""Checkpoints that are complete or absent, and safe to load from anywhere.

A checkpoint is two files. `000012.safetensors` holds named arrays and, in its metadata, further
information as JSON. `000012.json`, the seal, has that file's size and SHA-256; it is written last
and makes the checkpoint valid. Both are written atomically (`core.atomic`), so that a kill or a
full disk at any moment leaves the previous checkpoint. Nothing is ever unpickled. A file is refused
if a bit of it, its length, or its set of arrays is not as expected.

Checkpoints of a training have numbers; what is kept for good has a name, such as `tracking.json`.
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

from musclehand.core.atomic import find_temporaries, write_file
from musclehand.core.errors import FileError, InvalidValue, OutputError

FORMAT = "musclehand-checkpoint"
VERSION = 1

MAX_BYTES = 2_000_000_000
"""[bytes] Largest file of arrays that is loaded; chosen, hundreds of times the largest policy."""

MAX_SEAL_BYTES = 10_000
"""[bytes] Largest seal that is read; a seal has about 150."""

KEPT = 2
"""Newest checkpoints that stay in a folder."""

_NUMBER = re.compile(r"([0-9]{6,12})\.json")
SHA256 = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 digest in hexadecimal."""

_LOG = logging.getLogger(__name__)

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each array, by name."""


class CheckpointError(FileError):
    """A file that is no checkpoint, is damaged, or belongs to another model."""


class Checkpoint(NamedTuple):
    """Content of a checkpoint."""

    number: int
    """Number in the file name, rising within a folder; 0 for a named checkpoint."""

    arrays: dict[str, np.ndarray]
    """Arrays by name."""

    info: dict[str, Any]
    """Further information, as JSON has it."""


def save_checkpoint(
    folder: str | PathLike[str],
    number: int,
    arrays: Mapping[str, np.ndarray],
    info: Mapping[str, Any],
    *,
    keep: int = KEPT,
) -> Path:
    """Writes a checkpoint and removes all but the newest ones.

    Args:
        folder: created if it does not exist.
        number: of the checkpoint, 0 to 10^12, rising.
        arrays: numeric arrays by name.
        info: further information that JSON can express, without NaN.
        keep: newest checkpoints that stay, at least 1.

    Returns:
        Path of the JSON file, by which the checkpoint is loaded.

    Raises:
        OutputError: it cannot be written; earlier checkpoints are unchanged.
        InvalidValue: the number is out of range, an array is not numeric, or JSON cannot express
            the info.
    """
    if not 0 <= number < 10**12 or keep < 1:
        raise InvalidValue("number, keep", (number, keep), "0 to 10^12, and 1 or more")
    path = save_named_checkpoint(Path(folder) / f"{number:06d}.json", arrays, info)
    try:
        _sweep(path.parent, keep)
    except OSError as error:
        raise OutputError(path, os.strerror(error.errno) if error.errno else str(error)) from error
    return path


def save_named_checkpoint(
    path: str | PathLike[str], arrays: Mapping[str, np.ndarray], info: Mapping[str, Any]
) -> Path:
    """Writes a checkpoint under a name of its own, in place of one with that name.

    Args:
        path: its JSON file; the folder is created if it does not exist.
        arrays: numeric arrays by name.
        info: further information that JSON can express, without NaN.

    Returns:
        `path`, by which the checkpoint is loaded.

    Raises:
        OutputError: it cannot be written.
        InvalidValue: the name does not end in `.json`, an array is not numeric, or JSON cannot
            express the info.
    """
    path = Path(path)
    if path.suffix != ".json":
        raise InvalidValue("name of a checkpoint", path.name, "one that ends in .json")
    content = _pack(arrays, info)
    seal = {
        "format": FORMAT,
        "version": VERSION,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(_arrays_of(path), content)
        write_file(path, json.dumps(seal))
    except OSError as error:
        raise OutputError(path, os.strerror(error.errno) if error.errno else str(error)) from error
    return path


def load_checkpoint(
    path: str | PathLike[str], *, shapes: Shapes | None = None, **expected: object
) -> Checkpoint:
    """Reads a checkpoint.

    Args:
        path: its JSON file.
        shapes: names and shapes that its arrays must have; None accepts any.
        expected: entries that its info must have, such as `model_sha256`.

    Raises:
        CheckpointError: the checkpoint cannot be used; the message names the file and the reason.
    """
    path = Path(path)
    if path.suffix != ".json":
        raise CheckpointError(
            path, "a checkpoint is loaded by its JSON file, such as 000012.json or tracking.json"
        )
    seal = _read_seal(path)
    source = _arrays_of(path)
    content = _read(source, MAX_BYTES)
    if len(content) != seal["size"] or hashlib.sha256(content).hexdigest() != seal["sha256"]:
        raise CheckpointError(
            source, f"is not what {path.name} says: cut short, damaged or exchanged"
        )
    arrays, info = _unpack(content, source)
    for name, value in expected.items():
        if info.get(name) != value:
            raise CheckpointError(
                path, f"was made with {name} {info.get(name)!r}; this is {value!r}"
            )
    if shapes is not None:
        _check_shapes(source, arrays, shapes)
    number = _NUMBER.fullmatch(path.name)
    return Checkpoint(int(number.group(1)) if number else 0, arrays, info)


def load_latest(
    folder: str | PathLike[str], *, shapes: Shapes | None = None, **expected: object
) -> Checkpoint | None:
    """Reads the newest valid checkpoint of a folder; None if the folder holds none at all.

    Args:
        folder: may be missing.
        shapes: names and shapes that its arrays must have; None accepts any.
        expected: entries that its info must have, such as `model_sha256`.

    Raises:
        CheckpointError: no checkpoint of the folder can be used; the message is about the newest.
    """
    newest_error: CheckpointError | None = None
    for path in checkpoints_in(folder)[::-1]:
        try:
            return load_checkpoint(path, shapes=shapes, **expected)
        except CheckpointError as error:
            newest_error = newest_error or error
            _LOG.warning("%s; looking for an older one", error)
    if newest_error is not None:
        raise newest_error
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
        info_text = json.dumps(dict(info), allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InvalidValue("info of a checkpoint", info, f"of JSON ({error})") from error
    # Arrays that are not contiguous would be written in the order of their memory.
    rows = {
        name: np.ascontiguousarray(arrays[name]).reshape(np.shape(arrays[name]))
        for name in sorted(arrays)
    }
    for name, values in rows.items():
        if values.dtype.kind not in "fiub":
            raise InvalidValue(f"array {name}", values.dtype, "of numbers")
    return bytes(save(rows, metadata={"info": info_text}))


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
    unknown = sorted(arrays.keys() - shapes.keys())
    if missing or unknown:
        raise CheckpointError(path, f"lacks {missing[:5]} and has {unknown[:5]} that are not known")
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
    types = {"format": str, "version": int, "size": int, "sha256": str}
    if not isinstance(seal, dict) or {key: type(value) for key, value in seal.items()} != types:
        raise CheckpointError(path, f"needs {', '.join(types)} and nothing else")
    if (
        seal["format"] != FORMAT
        or seal["version"] != VERSION
        or not SHA256.fullmatch(seal["sha256"])
    ):
        raise CheckpointError(
            path, f"this release reads {FORMAT} of version {VERSION} with a SHA-256"
        )
    return seal


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise CheckpointError(path, f"{size} bytes; at most {max_bytes}")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            path, os.strerror(error.errno) if error.errno else str(error)
        ) from error


def _arrays_of(path: Path) -> Path:
    return path.with_suffix(".safetensors")


def _sweep(folder: Path, keep: int) -> None:
    """Removes old checkpoints, the seal first, then files without a seal."""
    paths = checkpoints_in(folder)
    for path in paths[:-keep]:
        path.unlink(missing_ok=True)
    sealed = {_arrays_of(path).name for path in paths[-keep:]}
    for path in [*folder.glob("*.safetensors"), *find_temporaries(folder)]:
        if path.name not in sealed and re.fullmatch(r"\.?[0-9]{6,12}\..*", path.name):
            path.unlink(missing_ok=True)
