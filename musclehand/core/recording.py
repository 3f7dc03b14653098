"""Recordings of performances: one HDF5 file, written step by step and readable after a kill.

Layout; all datasets are checksummed (fletcher32), and so are the structures between them, by the
1.10 file format that is used:

    /                 attributes `format`, `version`, `complete` (0 until closed in good order)
    /header           JSON as bytes: the channels (shape, unit, names, dtype), the tables' columns
                      and units, and the metadata known at the start
    /channels/<name>  one row per control step; attributes `unit`, `names`
    /tables/<name>    lists such as the score and the notes played; attributes `columns`, `units`
    /rows             numbers of complete rows: of all channels, then of each table in the header's
                      order
    /results          JSON as bytes, written at the end

Rows are gathered in memory and written one chunk at a time. The data of a chunk reach the file
before `/rows` counts them, so that a process killed at any moment leaves a file with all rows but
those of the last, unfinished chunk. Every object of the file is made at the start, because HDF5
extends the file too late for later objects to survive a kill. This covers the death of the process,
not of the machine. Reading is lazy. A test replays every prefix of the writes.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from musclehand.core.errors import InvalidValue, OutputError, UnknownName
from musclehand.core.hdf5 import LIBVER
from musclehand.core.recording_reader import (
    FORMAT,
    VERSION,
    Channel,
    RecordedChannel,
    Recording,
    RecordingError,
    Table,
)

__all__ = ["Channel", "RecordedChannel", "Recording", "RecordingError", "RecordingWriter", "Table"]

_BYTES_PER_CHUNK = 4096
"""[bytes] Chunk of the results; chosen, a page of memory."""

_TABLE_ROWS_PER_CHUNK = 256
"""Rows in a chunk of a table; chosen."""

_CACHE_BYTES = 1 << 20
"""[bytes] HDF5's chunk cache of a channel. Rows are written once and in order, so that its default
of 8 MB would only cost memory."""


class _Stream(io.FileIO):
    """The file below HDF5. After a failed write it ignores all later ones and keeps the error.

    An exception in a Python file below HDF5 can crash the process, so that none is raised: the
    writer inspects `error` itself. The disk holds a prefix of the writes, as after a kill.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        super().__init__(path, "w+b")
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write the content unless a write has failed; reports success in any case."""
        unwritten = memoryview(content).cast("B")
        size = len(unwritten)
        try:
            while self.error is None and len(unwritten) > 0:
                unwritten = unwritten[super().write(unwritten) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the size of the file, unless a write has failed."""
        try:
            if self.error is None:
                return super().truncate(size)
        except OSError as error:
            self.error = error
        return size or 0


class RecordingWriter:
    """Writes a recording, row by row.

    At the end of a `with` block the file is closed as complete; an exception leaves it marked as
    incomplete. Memory is constant: one chunk.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        channels: Mapping[str, Channel],
        *,
        tables: Mapping[str, Mapping[str, str]] | None = None,
        metadata: Mapping[str, Any] | None = None,
        rows_per_chunk: int = 256,
    ) -> None:
        """Creates the file, or empties one that exists.

        Args:
            path: the file to write.
            channels: the recorded quantities by name.
            tables: for each table its columns' units by column name.
            metadata: information known at the start (versions, model hash, seed) that JSON can
                express.
            rows_per_chunk: rows written at a time, the most a kill can lose.

        Raises:
            OutputError: the file cannot be written.
            InvalidValue: no channels, or metadata that JSON cannot express.
        """
        if not channels:
            raise InvalidValue("channels", {}, "at least one channel")
        if rows_per_chunk < 1:
            raise InvalidValue("rows_per_chunk", rows_per_chunk, "at least 1")
        self._columns = {name: dict(columns) for name, columns in (tables or {}).items()}
        if not all(self._columns.values()):
            raise InvalidValue("table columns", self._columns, "at least one column in each table")
        header = _to_json(
            {
                "channels": {name: asdict(channel) for name, channel in channels.items()},
                "tables": self._columns,
                "metadata": dict(metadata or {}),
            }
        )
        self.path = str(path)
        self.num_rows = 0
        self._channels = dict(channels)
        self._chunk = rows_per_chunk
        self._buffer = {
            n: np.empty((rows_per_chunk, *c.shape), c.dtype) for n, c in channels.items()
        }
        self._filled = 0
        try:
            self._stream = _Stream(path)
        except OSError as error:
            raise OutputError(
                path, os.strerror(error.errno) if error.errno else str(error)
            ) from error
        self._create(header)

    def _create(self, header: bytes) -> None:
        # Through a Python file, HDF5 does not mark the file as open for writing, a mark that a kill
        # would leave behind.
        self._file = h5py.File(self._stream, "w", libver=LIBVER, rdcc_nbytes=_CACHE_BYTES)
        self._file.attrs["format"] = np.bytes_(FORMAT)
        self._file.attrs["version"] = VERSION
        self._file.attrs["complete"] = 0
        content = np.frombuffer(header, dtype="u1")
        self._file.create_dataset("header", data=content, chunks=content.shape, fletcher32=True)
        self._results = self._extendable(self._file, "results", (), "u1", _BYTES_PER_CHUNK)
        counts = 1 + len(self._columns)
        self._rows = self._file.create_dataset(
            "rows", data=np.zeros(counts, "i8"), chunks=(counts,), fletcher32=True
        )
        group = self._file.create_group("channels")
        self._data = {}
        for name, channel in self._channels.items():
            data = self._extendable(group, name, channel.shape, channel.dtype, self._chunk)
            data.attrs["unit"] = np.bytes_(channel.unit.encode())
            if channel.names:
                data.attrs["names"] = _fixed(channel.names)
            self._data[name] = data
        group = self._file.create_group("tables")
        self._tables = {}
        for name, columns in self._columns.items():
            data = self._extendable(group, name, (len(columns),), "f8", _TABLE_ROWS_PER_CHUNK)
            data.attrs["columns"] = _fixed(tuple(columns))
            data.attrs["units"] = _fixed(tuple(columns.values()))
            self._tables[name] = data
        self._flush()

    @staticmethod
    def _extendable(
        group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str, chunk: int
    ) -> h5py.Dataset:
        return group.create_dataset(
            name,
            (0, *shape),
            dtype,
            maxshape=(None, *shape),
            chunks=(chunk, *shape),
            fletcher32=True,
        )

    def append(self, **arrays: np.ndarray | float) -> None:
        """Add one row.

        Args:
            arrays: a value for every channel; they are copied.

        Raises:
            UnknownName: a value for a channel that does not exist.
            InvalidValue: a channel without a value, a value of another shape, or the writer is
                closed.
            OutputError: the disk is full or gone.
        """
        self._check_open()
        for name in arrays:
            if name not in self._channels:
                raise UnknownName("channel", name, self._channels)
        for name, channel in self._channels.items():
            if name not in arrays:
                raise InvalidValue(f"channel {name}", None, "given in every row")
            if np.shape(arrays[name]) != channel.shape:
                raise InvalidValue(
                    f"shape of channel {name}", np.shape(arrays[name]), f"{channel.shape}"
                )
        for name, value in arrays.items():
            self._buffer[name][self._filled] = value
        self._filled += 1
        if self._filled == self._chunk:
            self._write_chunk()

    def extend_table(self, name: str, values: np.ndarray) -> None:
        """Add rows to a table. They reach the file at once.

        Args:
            name: of the table.
            values: the rows. Shape (num_rows, num_columns).

        Raises:
            UnknownName: no such table.
            InvalidValue: the shape does not fit the columns, or the writer is closed.
            OutputError: the disk is full or gone.
        """
        self._check_open()
        if name not in self._tables:
            raise UnknownName("table", name, self._tables)
        values = np.asarray(values, dtype="f8")
        columns = len(self._columns[name])
        if values.ndim != 2 or values.shape[1] != columns:
            raise InvalidValue(f"shape of table {name}", values.shape, f"(rows, {columns})")
        table = self._tables[name]
        count = 1 + list(self._tables).index(name)
        begin = len(table)
        table.resize(begin + len(values), axis=0)
        table[begin:] = values
        self._flush()
        self._rows[count] = len(table)
        self._flush()

    def close(self, results: Mapping[str, Any] | None = None) -> None:
        """Write the last rows and the results, and mark the recording as complete.

        A second call does nothing.

        Args:
            results: anything that JSON can express.

        Raises:
            InvalidValue: JSON cannot express the results.
            OutputError: the disk is full or gone.
        """
        if self._stream.closed:
            return
        text = np.frombuffer(_to_json(dict(results or {})), dtype="u1")
        self._write_chunk()
        self._results.resize(len(text), axis=0)
        self._results[:] = text
        self._flush()
        self._file.attrs.modify("complete", 1)
        self._flush()
        self._release()

    def abandon(self) -> None:
        """Write the last rows and close without marking the recording as complete.

        A second call does nothing.

        Raises:
            OutputError: the disk is full or gone.
        """
        if not self._stream.closed:
            self._write_chunk()
            self._release()

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _write_chunk(self) -> None:
        """Write the gathered rows: first the data, then the count that makes them valid."""
        if self._filled == 0:
            return
        end = self.num_rows + self._filled
        for name, data in self._data.items():
            data.resize(end, axis=0)
            data[self.num_rows :] = self._buffer[name][: self._filled]
        self._flush()
        self._rows[0] = end
        self._flush()
        self.num_rows = end
        self._filled = 0

    def _flush(self) -> None:
        """Write HDF5's buffers to the file; on an error close it, its counted rows readable."""
        self._file.flush()
        if self._stream.error is not None:
            self._release()

    def _release(self) -> None:
        self._file.close()
        self._stream.close()
        if (error := self._stream.error) is not None:
            raise OutputError(
                self.path, os.strerror(error.errno) if error.errno else str(error)
            ) from error

    def _check_open(self) -> None:
        if self._stream.closed:
            raise InvalidValue("recording", self.path, "open; this one has been closed")


def _fixed(texts: tuple[str, ...]) -> np.ndarray:
    """Strings of fixed length, which HDF5 keeps in the checksummed header; its heap for others has
    no checksum."""
    return np.array([text.encode() for text in texts], dtype="S")


def _to_json(content: dict[str, Any]) -> bytes:
    try:
        return json.dumps(content, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidValue("metadata", content, f"expressible in JSON ({error})") from error
