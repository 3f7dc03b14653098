"""EMG as bare arrays: .npy files and pickles.

They do not state their rate: the caller must give it. Pickles are programs. They are opened only if
allowed, and then through `motion.published.strict_pickle`, which runs none of their code.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.io.timing import label_events
from musclehand.emg.io.units import to_volts
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, TimeSeries
from musclehand.motion.published.strict_pickle import load_plain, plain_array

MAX_BYTES = 800_000_000
"""Largest file that is read [bytes]."""

DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    RecursionError,
)
MALFORMED = (
    *DAMAGE,
    EOFError,
    RuntimeError,
    AssertionError,
    zlib.error,
    UnboundLocalError,
    TokenError,
    SyntaxError,
)


def read_numpy(
    path: str | PathLike[str], *, fs_hz: float | None = None, unit: str | None = None
) -> EmgRecording:
    """Reads an array (T, K) of numbers from a .npy file; objects are refused.

    Args:
        path: the file.
        fs_hz: sampling rate [Hz].
        unit: of the samples; None: V is assumed.

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
    except MALFORMED as error:
        raise EmgFileError(path, f"not a .npy file ({str(error)[:120]})") from error
    return assemble_array(path, samples, fs_hz, unit, reader="numpy")


def read_pickle(
    path: str | PathLike[str],
    *,
    fs_hz: float | None = None,
    unit: str | None = None,
    key: str | None = None,
    allow_pickle: bool = False,
) -> EmgRecording:
    """Reads an array (T, K) from a pickle: the array itself, or an entry of a dict.

    Args:
        path: the file.
        fs_hz: sampling rate [Hz].
        unit: of the samples; None: V is assumed.
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
    except (MusclehandError, *MALFORMED) as error:
        raise EmgFileError(path, str(error).removeprefix(f"{path}: ")[:200]) from error
    return assemble_array(path, samples, fs_hz, unit, reader="pickle")


def assemble_array(
    path: str | PathLike[str],
    samples: np.ndarray,
    fs_hz: float | None,
    unit: str | None,
    *,
    reader: str,
    words: list[str] | None = None,
    series: Mapping[str, np.ndarray] | None = None,
    names: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
) -> EmgRecording:
    """The recording of an array and of others beside it.

    Args:
        path: the file, for messages.
        samples: Shape (T, K).
        fs_hz: sampling rate [Hz]; None is an error.
        unit: of the samples; None: V is assumed, and the provenance says so.
        reader: name for the provenance.
        words: labels of the samples, whose runs become events. T of them.
        series: arrays of T rows by name.
        names: of the channels, K of them; empty: their numbers from 1.
        facts: further entries of the provenance.

    Raises:
        EmgFileError: another shape, no rate, or infinite samples.
    """
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= 4096 or len(samples) < 2:
        raise EmgFileError(
            path, f"an array of shape {samples.shape}; it must be (T, K), a column for each channel"
        )
    if fs_hz is None:
        raise EmgFileError(path, "the file does not state its sampling rate; give it (--rate)")
    factor, volts = to_volts(unit or "V")
    stated = {"unit as told": unit} if unit else {"note": "unit not in the file, V assumed"}
    if "unit in the file" in (facts or {}):
        stated = {}
    labels = list(names) or [str(i + 1) for i in range(samples.shape[1])]
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
            channels=tuple(Channel(label, unit=volts) for label in labels),
            events=label_events(words, fs_hz, {"": ""}) if words is not None else (),
            extra=extra,
            provenance={"file": Path(path).name, "reader": reader, **(facts or {}), **stated},
        )
    except (InvalidValue, ZeroDivisionError, TypeError) as error:
        raise EmgFileError(path, str(error)) from error
