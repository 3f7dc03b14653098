"""Atomic file replacement: write under a temporary name in the same folder, sync, then rename.

After an error, a kill, a full disk or a power failure the name holds either the previous file or
the whole new one. The content is synced to the disk (fsync) before the renaming, and the folder
after it. Only a kill leaves anything behind, which is the temporary file (`find_temporaries`).
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path

from musclehand.core.errors import OutputError

_LONGEST_STEM = 40
_LONGEST_SUFFIX = 16
"""Characters of a name that its temporary name repeats; the latter fits wherever the former
does (255 bytes, of which a character takes up to 4)."""

_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM})
"""What systems answer that cannot sync a folder, or do not let this user open it."""


def write_file(path: str | PathLike[str], content: str | bytes) -> None:
    """Writes a file atomically; text as UTF-8.

    Raises:
        OutputError: it cannot be written; a file that was there before is unchanged.
        UnicodeEncodeError: the text has characters that UTF-8 cannot encode (lone surrogates).
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with temporary_path(path) as part:
        part.write_bytes(data)


@contextmanager
def temporary_path(path: str | PathLike[str]) -> Iterator[Path]:
    """Gives the name to write to in the block, at whose end the file is renamed to `path`.

    This is for libraries that open files themselves (h5py, Matplotlib, a video encoder). The
    temporary name ends in the suffix of `path`, by which some of them choose the format. If the
    block raises, the temporary file is removed, and a file that was there before is unchanged.

    Raises:
        OutputError: the file cannot be written. An `OSError` of the block becomes one too, and an
            `OutputError` about the temporary file is raised as one about `path`.
    """
    path = Path(path)
    _check_name(path)
    part = path.with_name(_temporary_name(path.name))
    try:
        yield part
        move_file(part, path)
    except OSError as error:
        raise OutputError(path, _problem(error)) from error
    except OutputError as error:
        if error.path == str(part):
            raise OutputError(path, error.problem) from error
        raise
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def move_file(part: str | PathLike[str], path: str | PathLike[str]) -> None:
    """Moves a complete file to its place on the same file system, replacing what is there.

    Args:
        part: the file, which nothing has open any more.
        path: its place.

    Raises:
        OutputError: it cannot be synced or moved.
    """
    try:
        _sync(part)
        os.replace(part, path)
        _sync_folder(Path(path).parent)
    except OSError as error:
        raise OutputError(path, _problem(error)) from error


def find_temporaries(folder: str | PathLike[str], stem: str = "*") -> list[Path]:
    """Temporary files that killed writers have left in a folder, in alphabetical order.

    Args:
        folder: where to look.
        stem: glob pattern of the names without suffix, such as "shard_*".
    """
    paths = Path(folder).glob(f".{stem}.*")
    return sorted(path for path in paths if ".part" in path.suffixes)


def _temporary_name(name: str) -> str:
    """A hidden name that no other writer uses, with the suffix of `name`."""
    stem, suffix = os.path.splitext(name)
    token = secrets.token_hex(6)
    return f".{stem[:_LONGEST_STEM]}.{token}.part{suffix[:_LONGEST_SUFFIX]}"


def _check_name(path: Path) -> None:
    """Refuses names that no file can have: empty, with a NUL, or not to be encoded."""
    if not path.name:
        raise OutputError(path, os.strerror(errno.EISDIR))
    try:
        with suppress(OSError):
            os.lstat(path)
    except ValueError as error:
        raise OutputError(path, str(error)) from error


def _sync(path: str | PathLike[str]) -> None:
    """Waits until the content of a file is on the disk."""
    # Windows syncs only what is open for writing; elsewhere the file may be read-only.
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """Waits until a renaming is on the disk, where the system can do that."""
    if os.name != "posix":
        return
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _problem(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
