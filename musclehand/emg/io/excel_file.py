"""Tables in Excel workbooks (.xlsx), read by openpyxl (extra `emg`).

A sheet is read like a text table, with headings, units and facts above it. Formulas are not
computed: their stored results are read. Archives that unpack to many times their size, and XML with
entities, are refused.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from os import PathLike
from typing import Any

from musclehand.emg.io.column_map import ColumnMap
from musclehand.emg.io.csv_file import MAX_COLUMNS, read_table
from musclehand.emg.io.table_layout import find_layout
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.recording import EmgFileError, EmgRecording

MAX_BYTES = 100_000_000
"""Largest file that is read [bytes]."""

MAX_UNPACKED = 1_000_000_000
"""Largest size of its parts together [bytes]."""

MAX_RATIO = 60
"""Largest size of the parts over that of the file: sheets of numbers have below 20."""

MAX_ROWS = 1_048_576
"""Most rows of a sheet, as Excel has it."""

MAX_CELLS = 30_000_000
"""Most cells of a sheet: 8 channels at 2 kHz for half an hour."""

_SMALL = 2_000_000
_DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, OSError, RuntimeError, EOFError),
    *(OverflowError, MemoryError, AssertionError, RecursionError, SyntaxError, zlib.error),
    *(zipfile.BadZipFile, StopIteration),
)


def read_excel(
    path: str | PathLike[str],
    columns: ColumnMap | None = None,
    *,
    variable: str | None = None,
) -> EmgRecording:
    """Reads a sheet of a workbook.

    Args:
        path: the file.
        columns: roles of the columns.
        variable: name of the sheet; None: the first one with a table of numbers.

    Raises:
        EmgFileError: no such file, no workbook, no such sheet, too large, a line that does not fit,
            or openpyxl is not installed.
    """
    data = read_bytes(path, MAX_BYTES)
    _check_archive(path, data)
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise EmgFileError(
            path, ".xlsx files need openpyxl: pip install 'musclehand[emg]'"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        names = [sheet.title for sheet in book.worksheets]
        if variable is not None and variable not in names:
            raise EmgFileError(path, f"no sheet {variable!r}; there are {', '.join(names)}"[:300])
        lines = [""]
        for sheet in book.worksheets:
            if variable in (None, sheet.title):
                lines = _lines(path, sheet)
                if find_layout(lines) is not None:
                    break
    except EmgFileError:
        raise
    except (*_DAMAGE, InvalidFileException) as error:
        raise EmgFileError(path, f"no workbook, or damaged ({type(error).__name__})") from error
    return read_table(path, lines, columns, reader="Excel (openpyxl)")


def _lines(path: str | PathLike[str], sheet: Any) -> list[str]:
    """The rows of a sheet as lines with tabs."""
    sheet.reset_dimensions()
    lines: list[str] = []
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        if len(lines) >= MAX_ROWS:
            raise EmgFileError(path, f"over {MAX_ROWS} rows")
        if len(row) > MAX_COLUMNS:
            raise EmgFileError(path, f"{len(row)} columns; at most {MAX_COLUMNS}")
        cells += len(row) + 1
        if cells > MAX_CELLS:
            raise EmgFileError(path, f"over {MAX_CELLS} cells")
        lines.append("\t".join(map(_text, row)))
    while lines and not lines[-1].strip():
        lines.pop()
    width = max((line.count("\t") for line in lines), default=0)
    lines = lines or [""]
    return [line + "\t" * (width - line.count("\t")) if line.strip() else "" for line in lines]


def _text(value: object) -> str:
    """A cell as text without line ends and tabs; numbers with all their digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return " ".join(str(value).split())


def _check_archive(path: str | PathLike[str], data: bytes) -> None:
    """Checks sizes and XML of the parts, without keeping them.

    Raises:
        EmgFileError: no archive, parts that are too large, or XML with a DOCTYPE or entities.
    """
    limit = min(MAX_UNPACKED, max(MAX_RATIO * len(data), _SMALL))
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.flag_bits & 1 or info.file_size > limit:
                    raise EmgFileError(path, "parts that are too large or encrypted; refused")
                with archive.open(info) as part:
                    tail = b""
                    while block := part.read(1 << 20):
                        total += len(block)
                        if total > limit:
                            problem = f"over {limit} bytes when unpacked; refused"
                            raise EmgFileError(path, problem)
                        words = (tail + block).replace(b"\0", b"").upper()
                        if b"<!DOCTYPE" in words or b"<!ENTITY" in words:
                            raise EmgFileError(path, "XML with entities is refused")
                        tail = block[-16:]
    except EmgFileError:
        raise
    except _DAMAGE as error:
        raise EmgFileError(path, f"no workbook ({type(error).__name__})") from error
