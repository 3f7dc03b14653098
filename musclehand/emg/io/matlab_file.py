"""EMG in MATLAB files, of versions 5 and 7.3.

The variable `emg` is read, as NinaPro has it, or one that the caller chooses; fields of structures
are named with points ("data.emg"). Nothing in a file is executed: objects and functions are not
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from musclehand.emg.io.array_file import MAX_BYTES, assemble_array
from musclehand.emg.io.c3d_file import unique_names
from musclehand.emg.io.matlab5_file import load_matlab5
from musclehand.emg.io.text_file import read_bytes
from musclehand.emg.recording import EmgFileError, EmgRecording

_EMG = "emg"
_LABELS = ("restimulus", "stimulus")
_SERIES = ("glove", "force", "acc")
_RATES = (
    *("frequency", "fs", "samplingrate", "samplerate", "srate", "samplefrequency"),
    *("samplingfrequency", "rate", "freq", "fsamp", "fsemg", "fs_hz", "sampling_rate"),
    *("sample_rate", "sampling_frequency", "emgfs", "fs_emg", "sf"),
)
_NAMES = ("channels", "labels", "names", "channelnames", "channel_names", "muscles", "chnames")
_TIMES = ("time", "t", "times", "timestamps")
_UNITS = ("unit", "units")


def read_matlab(
    path: str | PathLike[str],
    *,
    fs_hz: float | None = None,
    unit: str | None = None,
    variable: str | None = None,
) -> EmgRecording:
    """Reads a MATLAB file.

    Beside the variable of the EMG these are used: `restimulus` or `stimulus` (T, 1; the number of
    the movement, 0 for rest); `glove`, `force` and `acc` of the same length; names of channels
    (`channels`, `labels`); and the rate (`fs`, `frequency`, `samplingRate`) or evenly spaced
    times (`time`, `t`).

    Args:
        path: the file.
        fs_hz: sampling rate [Hz]; by default that of the file. NinaPro's DB2 has 2000, DB5 200, DB1
            100 (recalled).
        unit: of the EMG; None: as a variable `unit` says, else V.
        variable: name of the EMG; None: `emg`, or the only matrix of numbers. Its longer side is
            the time.

    Raises:
        EmgFileError: no such file, no MATLAB file, no such variable, damaged, or no rate.
    """
    arrays, texts, version = _load(path)
    name = _choose(path, arrays, variable)
    samples = arrays[name]
    facts = {"variable": name} if name != _EMG else {}
    if samples.ndim == 1:
        samples = samples[:, None]
    turned = samples.ndim == 2 and len(samples) < samples.shape[1]
    if turned and (variable is not None or name != _EMG or samples.shape[1] > 4096):
        samples = samples.T
        facts["orientation"] = "rows are channels"
    near = _beside(arrays, name)
    rate = fs_hz or _rate(near, len(samples))
    labels = next((near[key] for key in _LABELS if key in near), None)
    words = None
    if labels is not None and labels.size == len(samples) and np.isfinite(labels).all():
        words = [f"movement {value:g}" if value else "" for value in labels.reshape(-1).tolist()]
    series = {key: near[key] for key in _SERIES if key in near}
    own = _beside(texts, name)
    names: list[str] = next(
        (own[key] for key in _NAMES if len(own.get(key, ())) == samples.shape[-1]), []
    )
    stated = next((own[key][0] for key in _UNITS if own.get(key)), None)
    if stated is not None and unit is None:
        facts["unit in the file"] = stated
    return assemble_array(
        path,
        samples,
        rate,
        unit or stated,
        reader=f"MATLAB {version}",
        words=words,
        series=series,
        names=unique_names(names),
        facts=facts,
    )


def _choose(
    path: str | PathLike[str], arrays: Mapping[str, np.ndarray], variable: str | None
) -> str:
    """Name of the array of EMG."""
    listed = ", ".join(
        f"{name} ({' x '.join(map(str, values.shape))})" for name, values in arrays.items()
    )
    if variable is not None:
        if variable not in arrays:
            problem = f"no variable {variable!r} of numbers; there are {listed or 'none'}"
            raise EmgFileError(path, problem[:400])
        return variable
    if _EMG in arrays:
        return _EMG
    named = [name for name in arrays if name.lower().rsplit(".", 1)[-1] == _EMG]
    known = (*_LABELS, *_SERIES, *_RATES, *_TIMES)
    further = [
        name
        for name, values in arrays.items()
        if name.lower().rsplit(".", 1)[-1] not in known and values.ndim <= 2 and values.size > 4
    ]
    if len(named) == 1 or len(further) == 1:
        return (named if len(named) == 1 else further)[0]
    problem = f"no variable emg; choose one with --variable: {listed or 'it has none of numbers'}"
    raise EmgFileError(path, problem[:400])


def _beside(entries: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Entries by their last name in small letters: those of the same structure, else outside."""
    folder = name.rpartition(".")[0]
    outside = {key.lower(): value for key, value in entries.items() if "." not in key}
    inside = {
        key.rpartition(".")[2].lower(): value
        for key, value in entries.items()
        if key.rpartition(".")[0] == folder
    }
    return outside | inside


def _rate(near: Mapping[str, np.ndarray], length: int) -> float | None:
    """Rate that variables state, directly or as times [Hz]."""
    for key in _RATES:
        values = near.get(key)
        if values is not None and values.size and (values == values.reshape(-1)[0]).all():
            return float(values.reshape(-1)[0])
    for key in _TIMES:
        values = near.get(key)
        if values is not None and values.size % length == 0 and values.size:
            time = (
                values
                if values.ndim == 1
                else values[np.argmax(values[:, -1])]
                if (values.shape[1] == length)
                else values[:, 0]
            )
            steps = np.diff(np.asarray(time, dtype=float).reshape(-1))
            if len(steps) and steps.min() > 0 and steps.max() < 1.5 * np.median(steps):
                return float(len(steps) / steps.sum())
    return None


def _load(
    path: str | PathLike[str],
) -> tuple[dict[str, np.ndarray], dict[str, list[str]], str]:
    """Arrays of numbers and lists of texts by name, and the version."""
    data = read_bytes(path, MAX_BYTES)
    if data[:8] == b"\x89HDF\r\n\x1a\n" or data[:10] == b"MATLAB 7.3":
        from musclehand.emg.io.matlab73_file import load_hdf5

        return *load_hdf5(path), "7.3"
    if len(data) < 132 or data[126:128] not in (b"IM", b"MI") or 0 in data[:4]:
        raise EmgFileError(path, "not a MATLAB file of version 5 or 7.3")
    arrays, texts = load_matlab5(path, data)
    return {name: values for name, values in arrays.items() if values.size}, texts, "5"
