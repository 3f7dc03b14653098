"""EMG as bare arrays: MATLAB files (version 5, the layout of NinaPro), .npy files, and pickles.

None of them states its rate, unless a MATLAB file has a variable `frequency` or `fs`: the caller
must give it. Pickles are programs. They are opened only if allowed, and then through
`motion.published.strict_pickle`, which runs none of their code.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.emg.io.csv_file import UNITS, label_events
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.recording import MAX_VALUES, Channel, EmgFileError, EmgRecording, TimeSeries
from musclehand.motion.published.strict_pickle import load_plain, plain_array

MAX_BYTES = 800_000_000
"""Largest file that is read [bytes]."""

MAX_RATIO = 200
"""Largest size of a compressed variable over that of the file: noise does not compress better."""

_NUMBERS = (
    "double",
    "single",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
)
_LABELS = ("restimulus", "stimulus")
_SERIES = ("glove", "force", "acc")
_RATES = ("frequency", "fs")
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RecursionError,
)
_MALFORMED = (
    *_DAMAGE,
    EOFError,
    RuntimeError,
    AssertionError,
    zlib.error,
    UnboundLocalError,
    TokenError,
    SyntaxError,
)


def read_matlab(
    path: str | PathLike[str], *, fs_hz: float | None = None, unit: str = "V"
) -> EmgRecording:
    """Reads a MATLAB file in the layout of NinaPro.

    The variable `emg` (T, K) is needed. Optional are `restimulus` or `stimulus` (T, 1; the number
    of the movement, 0 for rest), and `glove`, `force` and `acc` at the same rate.

    Args:
        path: the file.
        fs_hz: sampling rate [Hz]; by default the file's `frequency` or `fs`. DB2 has 2000, DB5 200,
            DB1 100 (recalled).
        unit: of `emg`.

    Raises:
        EmgFileError: no such file, not a MATLAB file of version 5, no numbers in `emg`, damaged, or
            no rate.
    """
    variables = _load_matlab(path)
    if "emg" not in variables:
        raise EmgFileError(
            path, f"no variable emg; it has {', '.join(sorted(variables)) or 'none of numbers'}"
        )
    for name in _RATES:
        if fs_hz is None and name in variables and variables[name].size == 1:
            fs_hz = float(variables[name].reshape(-1)[0])
    samples = variables["emg"]
    labels = next((variables[name] for name in _LABELS if name in variables), None)
    words = None
    if (
        labels is not None
        and samples.ndim == 2
        and labels.size == len(samples)
        and np.isfinite(labels).all()
    ):
        words = [f"movement {value:g}" if value else "" for value in labels.reshape(-1).tolist()]
    series = {name: variables[name] for name in _SERIES if name in variables}
    return _assemble(path, samples, fs_hz, unit, reader="MATLAB 5", words=words, series=series)


def read_numpy(
    path: str | PathLike[str], *, fs_hz: float | None = None, unit: str = "V"
) -> EmgRecording:
    """Reads an array (T, K) of numbers from a .npy file; objects are refused.

    Args:
        path: the file.
        fs_hz: sampling rate [Hz].
        unit: of the samples.

    Raises:
        EmgFileError: no such file, not an array of numbers, cut short, or no rate.
    """
    data = read_bytes(path, MAX_BYTES)
    try:
        stream = io.BytesIO(data)
        version = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read_header(stream)
        if dtype.kind not in "fiu" or min(shape, default=1) < 0:
            raise EmgFileError(path, f"an array of {dtype}; it must be of numbers")
        raw = data[stream.tell() :]
        expected = math.prod(shape) * dtype.itemsize
        if len(raw) != expected:
            raise EmgFileError(
                path, f"{expected} bytes expected, {len(raw)} in the file: cut short"
            )
        samples = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    except _MALFORMED as error:
        raise EmgFileError(path, f"not a .npy file ({str(error)[:120]})") from error
    return _assemble(path, samples, fs_hz, unit, reader="numpy")


def read_pickle(
    path: str | PathLike[str],
    *,
    fs_hz: float | None = None,
    unit: str = "V",
    key: str | None = None,
    allow_pickle: bool = False,
) -> EmgRecording:
    """Reads an array (T, K) from a pickle: the array itself, or an entry of a dict.

    Args:
        path: the file.
        fs_hz: sampling rate [Hz].
        unit: of the samples.
        key: of the dict; by default "emg".
        allow_pickle: whether to open the file. None of its code is run.

    Raises:
        EmgFileError: not allowed, no such file, or a content other than plain arrays.
    """
    if not allow_pickle:
        raise EmgFileError(
            path,
            "a pickle, which is opened only with --allow-pickle (only numbers are read from it)",
        )
    data = read_bytes(path, MAX_BYTES)
    try:
        content = load_plain(data, Path(path))
        if isinstance(content, dict):
            name = key or "emg"
            if name not in content:
                raise EmgFileError(
                    path, f"no array {name!r}; it has {', '.join(map(str, content))}"[:300]
                )
            content = content[name]
        samples = plain_array(content, Path(path), key or "emg")
    except EmgFileError:
        raise
    except (MusclehandError, *_MALFORMED) as error:
        raise EmgFileError(path, str(error).removeprefix(f"{path}: ")[:200]) from error
    return _assemble(path, samples, fs_hz, unit, reader="pickle")


def _load_matlab(path: str | PathLike[str]) -> dict[str, np.ndarray]:
    """The numeric variables that a NinaPro file may have, after a check of their sizes."""
    data = read_bytes(path, MAX_BYTES)
    if data[:8] == b"\x89HDF\r\n\x1a\n" or data[:10] == b"MATLAB 7.3":
        raise EmgFileError(path, "a MATLAB file of version 7.3; save it with -v7 (or -v6)")
    if len(data) < 132 or data[126:128] not in (b"IM", b"MI") or 0 in data[:4]:
        raise EmgFileError(path, "not a MATLAB file of version 5")
    from scipy import io as scipy_io
    from scipy.io.matlab import MatReadError

    legal = {"emg", *_LABELS, *_SERIES, *_RATES}
    try:
        names = []
        for name, shape, kind in scipy_io.whosmat(str(path)):
            count = math.prod(shape)
            if name in legal and kind in _NUMBERS:
                if count > min(MAX_VALUES, MAX_RATIO * len(data)) or min(shape, default=0) < 0:
                    raise EmgFileError(
                        path, f"{count} numbers in {len(data)} bytes: damaged", where=name
                    )
                names.append(name)
        variables = {}
        if names:
            variables = scipy_io.loadmat(
                str(path), variable_names=names, verify_compressed_data_integrity=True
            )
    except EmgFileError:
        raise
    except (*_MALFORMED, MatReadError) as error:
        raise EmgFileError(path, f"damaged ({type(error).__name__}: {str(error)[:120]})") from error
    return {
        name: value
        for name, value in variables.items()
        if name in legal and isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
    }


def _assemble(
    path: str | PathLike[str],
    samples: np.ndarray,
    fs_hz: float | None,
    unit: str,
    *,
    reader: str,
    words: list[str] | None = None,
    series: Mapping[str, np.ndarray] | None = None,
) -> EmgRecording:
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= 4096 or len(samples) < 2:
        raise EmgFileError(
            path, f"an array of shape {samples.shape}; it must be (T, K), a column for each channel"
        )
    if fs_hz is None:
        raise EmgFileError(path, "the file does not state its sampling rate; give it (--rate)")
    factor, unit = (UNITS[unit], "V") if unit in UNITS else (1.0, unit)
    try:
        time = np.arange(len(samples)) / fs_hz
        extra: dict[str, Any] = {}
        for name, values in (series or {}).items():
            if values.ndim == 2 and len(values) == len(samples):
                columns = tuple(str(i + 1) for i in range(values.shape[1]))
                extra[name] = TimeSeries(
                    time, np.where(np.isfinite(values), values, np.nan), columns
                )
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = samples.astype(float) * factor
        return EmgRecording(
            samples=np.where(np.isfinite(scaled), scaled, np.nan),
            fs_hz=fs_hz,
            channels=tuple(Channel(str(i + 1), unit=unit) for i in range(samples.shape[1])),
            events=label_events(words, fs_hz, {"": ""}) if words is not None else (),
            extra=extra,
            provenance={"file": Path(path).name, "reader": reader},
        )
    except (InvalidValue, ZeroDivisionError, TypeError) as error:
        raise EmgFileError(path, str(error)) from error
