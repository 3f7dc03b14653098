"""Untrusted HDF5 files, read guardedly: each dataset is inspected before it is loaded.

A dataset is loaded only if it lies in the file itself, has the expected type, and is no larger in
memory than on disk, so that a small file cannot allocate much memory.
"""

from __future__ import annotations

import math
import os
from os import PathLike
from typing import Any

import h5py
import numpy as np

from musclehand.core.errors import FileError

LIBVER = ("v110", "v110")
"""File format of all HDF5 files that musclehand writes, for `h5py.File(libver=...)`.

Version 1.10 is the first with checksums on all structures and an append-only chunk index. A fixed
format keeps the bytes the same under later HDF5 libraries."""

DAMAGE = (
    OSError,
    LookupError,
    ValueError,
    RuntimeError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)
"""Exceptions that h5py, numpy and json raise on damaged content."""


def open_hdf5(path: str | PathLike[str], error: type[FileError]) -> h5py.File:
    """Opens a file for reading.

    Args:
        path: the file.
        error: class of the exception that is raised.

    Raises:
        FileError: an `error`, because the file does not exist or is not HDF5.
    """
    try:
        with open(path, "rb"):
            return h5py.File(path, "r")
    except (OSError, ValueError) as problem:
        number = getattr(problem, "errno", None)
        words = os.strerror(number) if number else "not an HDF5 file, or cut short or damaged"
        raise error(path, words) from problem


def own_member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """The member `name` of a group, None if it is missing or a soft or external link."""
    link = group.get(name, getlink=True)
    return group[name] if isinstance(link, h5py.HardLink) else None


def load_dataset(
    group: h5py.Group,
    name: str,
    *,
    path: str | PathLike[str],
    dtypes: tuple[np.dtype[Any], ...],
    error: type[FileError],
    max_bytes: int | None = None,
) -> np.ndarray:
    """Loads a dataset as an array, after inspecting its place, type and size.

    Args:
        group: the group that holds it.
        name: name of the dataset.
        path: path of the file, for messages.
        dtypes: legal types; messages name the last of them.
        error: class of the exception that is raised.
        max_bytes: largest size [bytes], or None where the size on disk is limit enough.

    Raises:
        FileError: an `error`, because the dataset is missing, not in the file itself, compressed,
            too large, of another type or damaged.
    """
    where = f"{(group.name or '').strip('/')}/{name}".strip("/")
    try:
        data = own_member(group, name)
        if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external:
            raise error(path, "missing, or not in the file itself", where=where)
        if data.dtype not in dtypes or data.shape is None:
            raise error(path, f"holds {data.dtype}; it must hold {dtypes[-1]}", where=where)
        plist = data.id.get_create_plist()
        filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
        size = math.prod(data.shape) * data.dtype.itemsize
        # Without compression no dataset is larger in memory than in the file.
        if filters - {h5py.h5z.FILTER_FLETCHER32} or data.id.get_storage_size() < size:
            raise error(path, f"{size} bytes that are compressed or not there", where=where)
        if max_bytes is not None and size > max_bytes:
            raise error(path, f"{size} bytes; at most {max_bytes}", where=where)
        return np.asarray(data[...])
    except DAMAGE as problem:
        raise error(path, f"damaged ({first_line(problem)})", where=where) from problem


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its class where there is none."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
