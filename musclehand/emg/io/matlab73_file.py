"""MATLAB files of version 7.3, which are HDF5: arrays of numbers and texts by name."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from musclehand.emg.recording import MAX_VALUES, EmgFileError

_MAX_DATASETS = 2000
_MAX_DEPTH = 6
_MAX_TEXTS = 4096
_DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError),
    *(MemoryError, OverflowError, RecursionError),
)


def load_hdf5(
    path: str | PathLike[str],
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Arrays and lists of texts of a file, with rows and columns as MATLAB has them.

    Fields of structures have names with points.

    Raises:
        EmgFileError: no such file, damaged, or too large.
    """
    import h5py

    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, list[str]] = {}
    try:
        with h5py.File(path, "r") as file:
            for name, data in _datasets(file):
                kind = _text(data.attrs.get("MATLAB_class", b""))
                if data.dtype.kind in "fiu" and kind not in ("char", "cell"):
                    if data.size > MAX_VALUES or (data.size > 1e6 and _is_bomb(data)):
                        raise EmgFileError(path, f"{data.size} numbers; refused", where=name)
                    if data.size and not data.attrs.get("MATLAB_empty", 0):
                        arrays[name] = np.asarray(data[()]).T
                elif kind in ("char", "cell") and data.size <= _MAX_TEXTS:
                    texts[name] = _texts(file, data, kind)
    except EmgFileError:
        raise
    except _DAMAGE as error:
        problem = f"damaged ({type(error).__name__}: {str(error)[:100]})"
        raise EmgFileError(path, " ".join(problem.split())) from error
    return arrays, texts


def _datasets(file: Any) -> list[tuple[str, Any]]:
    """Datasets of a file by name; links to further files are not followed."""
    import h5py

    leaves: list[tuple[str, Any]] = []
    waiting = [("", file, 0)]
    while waiting and len(leaves) < _MAX_DATASETS:
        prefix, group, depth = waiting.pop(0)
        for key in list(group)[:_MAX_DATASETS]:
            if key.startswith("#") or not isinstance(group.get(key, getlink=True), h5py.HardLink):
                continue
            member = group.get(key)
            if isinstance(member, h5py.Dataset) and not (member.external or member.is_virtual):
                leaves.append((prefix + key, member))
            elif isinstance(member, h5py.Group) and depth < _MAX_DEPTH:
                waiting.append((f"{prefix}{key}.", member, depth + 1))
    return leaves


def _is_bomb(data: Any) -> bool:
    """Whether a dataset takes far more memory than its bytes in the file."""
    stored = data.id.get_storage_size()
    return bool(data.size * data.dtype.itemsize > 200 * max(stored, 1))


def _texts(file: Any, data: Any, kind: str) -> list[str]:
    """Texts of a matrix of characters or of a cell array."""
    if kind == "char":
        return _rows(data)
    texts: list[str] = []
    for reference in np.asarray(data[()]).reshape(-1, order="F"):
        cell = file[reference] if reference else None
        if cell is None or _text(cell.attrs.get("MATLAB_class", b"")) != "char":
            return []
        texts += _rows(cell)[:1]
    return texts


def _rows(data: Any) -> list[str]:
    """Rows of a matrix of characters, without spaces behind them."""
    if data.size > _MAX_TEXTS * 10 or data.dtype.kind not in "ui":
        return []
    codes = np.atleast_2d(np.asarray(data[()]).T)
    rows = ["".join(map(chr, row)) for row in codes.tolist()]
    return ["".join(mark for mark in row if mark.isprintable()).strip()[:200] for row in rows]


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
