"""HDF5 files from elsewhere, nothing in them trusted: what damage raises, and datasets looked at
before they are read.

A dataset that is read lies in the file itself, has the type expected, and is no larger in memory
than on disk, so that a small file cannot ask for much.
"""

from __future__ import annotations

import math
import os
from os import PathLike
from typing import Any

import h5py
import numpy as np

from musclehand.core.errors import FileError

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
"""What h5py, numpy and json raise on damaged content."""


def open_hdf5(path: str | PathLike[str], error: type[FileError]) -> h5py.File:
    """Opens a file for reading.

    Raises:
        FileError: `error`, where there is no such file or it is no HDF5 file.
    """
    try:
        with open(path, "rb"):
            return h5py.File(path, "r")
    except (OSError, ValueError) as problem:
        number = getattr(problem, "errno", None)
        words = os.strerror(number) if number else "not an HDF5 file, or cut short or damaged"
        raise error(path, words) from problem


def own_member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """What is called `name` in the group, None where nothing is or it lies elsewhere (a soft or
    external link)."""
    link = group.get(name, getlink=True)
    return group[name] if isinstance(link, h5py.HardLink) else None


def load_dataset(
    group: h5py.Group,
    name: str,
    *,
    path: str | PathLike[str],
    dtypes: tuple[np.dtype[Any], ...],
    error: type[FileError],
    most: int | None = None,
) -> np.ndarray:
    """A dataset as an array, after looking at where it lies, what it is and how large it is.

    Args:
        group: it is in.
        name: of the dataset.
        path: of the file, for messages.
        dtypes: types that it may have, the one to name last.
        error: what is raised.
        most: bytes, or None where its size on disk is bound enough.

    Raises:
        FileError: `error`, where it is missing, lies elsewhere, is compressed, too large, of
            another type or damaged.
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
        # Without compression nothing in memory is larger than in the file.
        if filters - {h5py.h5z.FILTER_FLETCHER32} or data.id.get_storage_size() < size:
            raise error(path, f"{size} bytes that are compressed or not there", where=where)
        if most is not None and size > most:
            raise error(path, f"{size} bytes; at most {most}", where=where)
        return np.asarray(data[...])
    except DAMAGE as problem:
        raise error(path, f"damaged ({first_line(problem)})", where=where) from problem


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its class where there is none."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
