"""Lazy reading of recordings: slices of channels, tables, and clear errors about damage.

`musclehand.core.recording` describes the format and how a file survives the death of its writer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple

import h5py
import numpy as np

from musclehand.core.errors import FileError, InvalidValue, UnknownName
from musclehand.core.hdf5 import DAMAGE, first_line, open_hdf5

FORMAT = "musclehand-recording"
VERSION = 1

RECORDING = "recording.h5"
"""Name of the recording in the folder of a performance."""


class RecordingError(FileError):
    """A file that is no recording, or is cut short or damaged."""


@dataclass(frozen=True)
class Channel:
    """Description of a quantity that is recorded at every control step."""

    unit: str
    """Unit as text: "rad", "N", "1"."""

    shape: tuple[int, ...] = ()
    """Shape of one row."""

    names: tuple[str, ...] = ()
    """Names of the entries along the first axis (joints, muscles, keys), or none."""

    dtype: str = "f8"
    """"f8", "f4", "i8" or "u1"."""

    def __post_init__(self) -> None:
        if self.dtype not in ("f8", "f4", "i8", "u1"):
            raise InvalidValue("channel dtype", self.dtype, "f8, f4, i8 or u1")
        if any(size < 1 for size in self.shape):
            raise InvalidValue("channel shape", self.shape, "sizes of at least 1")
        if self.names and (not self.shape or len(self.names) != self.shape[0]):
            raise InvalidValue(
                "channel names", len(self.names), f"one for each of the entries of {self.shape}"
            )


class Table(NamedTuple):
    """A table of a recording."""

    values: np.ndarray
    """Shape (num_rows, num_columns)."""

    columns: tuple[str, ...]
    """Names of the columns."""

    units: tuple[str, ...]
    """Units of the columns."""


class RecordedChannel:
    """A channel of an open recording, which reads from the file only the rows that are indexed.

    It is indexed like an array: `qpos[10]`, `qpos[-100:]`, `qpos[::10, 3]`, `qpos[:]`.
    """

    def __init__(self, path: str, data: h5py.Dataset, channel: Channel, num_rows: int) -> None:
        """Wraps a dataset.

        Args:
            path: the recording, for messages.
            data: the dataset.
            channel: its description.
            num_rows: number of valid rows.
        """
        self._path = path
        self._data = data
        self.unit = channel.unit
        self.names = channel.names
        self.shape = (num_rows, *channel.shape)
        self.dtype = np.dtype(channel.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice | tuple[Any, ...]) -> Any:
        """Reads rows into memory.

        Raises:
            RecordingError: this part of the file is damaged.
            IndexError: a row out of range.
        """
        selection, columns = (index[0], index[1:]) if isinstance(index, tuple) else (index, ())
        if not isinstance(selection, slice):
            row = range(len(self))[selection]
            return self._read(slice(row, row + 1))[(0, *columns)]
        rows = range(len(self))[selection]
        if len(rows) == 0:
            return self._read(slice(0, 0))[(slice(None), *columns)]
        low = min(rows[0], rows[-1])
        high = max(rows[0], rows[-1])
        block = self._read(slice(low, high + 1, abs(rows.step)))
        return (block if rows.step > 0 else block[::-1])[(slice(None), *columns)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)

    def _read(self, rows: slice) -> np.ndarray:
        try:
            return self._data[rows]
        except DAMAGE as error:
            raise RecordingError(
                self._path, f"rows {rows.start}..{rows.stop} of {self._data.name} are damaged"
            ) from error


class Recording:
    """A recording that is open for reading.

        with Recording.open(path) as recording:
            qpos = recording["qpos"][:100]

    The attributes `channels`, `metadata`, `results` (empty if incomplete), `num_rows` and `tables`
    (names) are read at once. `complete` is whether the writer closed the file in good order; the
    recording of a killed writer has all rows but those of the last chunk.
    """

    def __init__(self, path: str, file: h5py.File) -> None:
        self.path = path
        self._file = file
        header = _from_json(file["header"])
        self.metadata: Mapping[str, Any] = MappingProxyType(header["metadata"])
        self.channels: Mapping[str, Channel] = MappingProxyType(
            {
                name: Channel(row["unit"], tuple(row["shape"]), tuple(row["names"]), row["dtype"])
                for name, row in header["channels"].items()
            }
        )
        self.complete = bool(file.attrs["complete"])
        self.results: Mapping[str, Any] = MappingProxyType(
            _from_json(file["results"]) if self.complete else {}
        )
        self.tables = tuple(header["tables"])
        self._columns = {name: dict(columns) for name, columns in header["tables"].items()}
        counts = [int(count) for count in file["rows"][:]]
        self.num_rows = counts[0]
        self._counts = dict(zip(self.tables, counts[1:], strict=True))
        for name, channel in self.channels.items():
            data = file["channels"][name]
            fits = len(data) == self.num_rows if self.complete else len(data) >= self.num_rows
            if not fits or data.shape[1:] != channel.shape or data.dtype != np.dtype(channel.dtype):
                raise ValueError(f"channel {name} is not what the header says")
        for name, columns in self._columns.items():
            if (
                file["tables"][name].shape[1] != len(columns)
                or len(file["tables"][name]) < self._counts[name]
            ):
                raise ValueError(f"table {name} is not what the header says")

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Recording:
        """Open a recording, complete or not.

        Raises:
            RecordingError: no such file, not a recording, of a later version, cut short or damaged.
        """
        file = open_hdf5(path, RecordingError)
        try:
            if bytes(file.attrs.get("format", b"")) != FORMAT.encode():
                raise RecordingError(path, "an HDF5 file, but not a recording of musclehand")
            if int(file.attrs["version"]) != VERSION:
                raise RecordingError(
                    path, f"version {file.attrs['version']}; this release reads version {VERSION}"
                )
            return cls(str(path), file)
        except RecordingError:
            file.close()
            raise
        except (*DAMAGE, InvalidValue) as error:
            file.close()
            raise RecordingError(path, f"damaged ({first_line(error)})") from error

    def __getitem__(self, name: str) -> RecordedChannel:
        """A channel, to be sliced.

        Raises:
            UnknownName: no such channel.
        """
        if name not in self.channels:
            raise UnknownName("channel", name, self.channels)
        return RecordedChannel(
            self.path, self._file["channels"][name], self.channels[name], self.num_rows
        )

    def table(self, name: str) -> Table:
        """Reads a table.

        Raises:
            UnknownName: no such table.
            RecordingError: the table is damaged.
        """
        if name not in self.tables:
            raise UnknownName("table", name, self.tables)
        try:
            values = self._file["tables"][name][: self._counts[name]]
        except DAMAGE as error:
            raise RecordingError(self.path, f"table {name} is damaged") from error
        return Table(values, tuple(self._columns[name]), tuple(self._columns[name].values()))

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _from_json(data: h5py.Dataset) -> dict[str, Any]:
    return dict(json.loads(bytes(data[:])))
