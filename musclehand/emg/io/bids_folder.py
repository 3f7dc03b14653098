"""EMG recordings into a folder of EMG-BIDS (BIDS 1.11): BDF+ with sidecars.

`bids_file.read_edf` reads the result.

    study/dataset_description.json
    study/sub-01/ses-1/emg/sub-01_ses-1_task-scales_emg.bdf    samples, 24 bits over each channel's
                                                               own range
        ..._emg.json         rate, duration, licence, provenance
        ..._channels.tsv     name, type, units, target_muscle, placement, side
        ..._channels.json    description of "side", an additional column
        ..._events.tsv       onset, duration, trial_type

Columns and required fields are those of the schema (bids-specification, src/schema/rules). Unknown
entries are "n/a". Kinematics and forces are not written: BIDS keeps them as other modalities.
"""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import musclehand
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError
from musclehand.emg.recording import EmgRecording

BIDS_VERSION = "1.11.0"
"""Version of the standard."""

UNKNOWN = "n/a"
"""Value of entries that a recording does not know."""

SIDECARS = (
    "_channels.tsv",
    "_events.tsv",
    "_electrodes.tsv",
    "_scans.tsv",
    "_sessions.tsv",
    "participants.tsv",
)
"""Endings of tables in such a folder that are no recordings."""

RATE_ERROR = 1e-6
"""Largest relative error of the rate. The format keeps it as whole samples in a record of whole 10
us."""

_STEPS = 2**23 - 1
_SCALES = {"V": ("uV", 1e6)}
_LABEL_CHARS = 16


def save_bids(
    root: str | PathLike[str], recording: EmgRecording, *, task: str, force: bool = False
) -> Path:
    """Adds a recording to a folder of EMG-BIDS, which is created if need be.

    Args:
        root: of the data set.
        recording: without gaps; volts are written as microvolts.
        task: label of letters and digits.
        force: write over a recording of the same subject, session and task.

    Returns:
        The .bdf file.

    Raises:
        InvalidValue: gaps, a task that is no label, or a rate that the format cannot hold.
        OutputError: the file exists, or it cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9]+", task):
        raise InvalidValue("task", task, "letters and digits")
    if np.isnan(recording.samples).any():
        raise InvalidValue("samples", "gaps", "without gaps in a BDF file; HDF5 keeps them")
    subject, session = (
        re.sub(r"[^A-Za-z0-9]", "", word) for word in (recording.subject, recording.session)
    )
    parts = [f"sub-{subject or 'unknown'}", *([f"ses-{session}"] if session else [])]
    folder = Path(root).joinpath(*parts, "emg")
    stem = "_".join([*parts, f"task-{task}"])
    path = folder / f"{stem}_emg.bdf"
    if path.exists() and not force:
        raise OutputError(path, "it exists already; --force writes over it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        description = Path(root) / "dataset_description.json"
        if not description.exists():
            _write_json(description, _dataset(Path(root).resolve().name, recording))
        _write_signals(path, recording)
        _write_json(folder / f"{stem}_emg.json", _sidecar(recording, task))
        _write_table(folder / f"{stem}_channels.tsv", _channels(recording))
        _write_json(
            folder / f"{stem}_channels.json",
            {"side": {"Description": "side of the body: left or right"}},
        )
        _write_table(folder / f"{stem}_events.tsv", _events(recording))
    except OSError as error:
        raise OutputError(root, error.strerror or str(error)) from error
    return path


def _write_signals(path: Path, recording: EmgRecording) -> None:
    try:
        import pyedflib
    except ImportError as error:
        raise MusclehandError("BDF files need pyedflib: pip install 'musclehand[emg]'") from error
    count, seconds = _record(recording.fs_hz)
    headers = []
    columns = []
    for name, channel, column in zip(
        _labels(recording), recording.channels, recording.samples.T, strict=True
    ):
        unit, scale = _SCALES.get(channel.unit, (channel.unit, 1.0))
        values = column * scale
        limit = _limit(channel.name, values)
        headers.append(
            {
                "label": name,
                "dimension": unit[:8],
                "sample_frequency": count / seconds,
                "prefilter": "",
                "physical_max": limit,
                "physical_min": -limit,
                "digital_max": _STEPS,
                "digital_min": -_STEPS,
                "transducer": "EMG",
            }
        )
        columns.append(np.ascontiguousarray(values))
    with pyedflib.EdfWriter(str(path), len(headers), pyedflib.FILETYPE_BDFPLUS) as writer:
        writer.setSignalHeaders(headers)
        with warnings.catch_warnings():
            # It warns that the rate may change; `_record` chose a length that keeps it.
            warnings.simplefilter("ignore", UserWarning)
            writer.setDatarecordDuration(seconds)
        writer.writeSamples(columns)


def _limit(name: str, values: np.ndarray) -> float:
    """Range of a channel in its unit. The heading has eight characters for it; a power of ten is
    exact in them."""
    largest = float(np.abs(values).max())
    limit: float = 10.0 ** np.ceil(np.log10(max(largest, 1e-4)) + 1e-9)
    if limit >= 1e7:
        raise InvalidValue(f"samples of {name}", largest, "below 1000000 in their unit")
    return int(limit) if limit >= 1 else limit


def _record(fs_hz: float) -> tuple[int, float]:
    """Samples in a record and its length [s], a multiple of 10 us.

    Raises:
        InvalidValue: no record of up to 2 s holds the rate.
    """
    counts = np.arange(max(int(0.1 * fs_hz), 1), max(int(2 * fs_hz), 1) + 1)
    ticks = np.maximum(np.round(counts / fs_hz * 1e5), 1)
    errors = np.abs(counts / ticks * 1e5 / fs_hz - 1)
    good = np.flatnonzero(errors < 1e-9)
    best = int(good[np.argmin(np.abs(ticks[good] - 1e5))]) if len(good) else int(np.argmin(errors))
    if errors[best] > RATE_ERROR:
        raise InvalidValue(
            "sampling rate", fs_hz, "one that whole samples in a record of at most 2 s have"
        )
    return int(counts[best]), float(ticks[best]) * 1e-5


def _labels(recording: EmgRecording) -> list[str]:
    """Names of at most 16 ASCII characters; those that differ only beyond get a number.

    channels.tsv has the same names as the BDF file.
    """
    labels: list[str] = []
    for name in recording.names:
        plain = name.encode("ascii", "replace").decode()[:_LABEL_CHARS].strip() or "EMG"
        number = f"~{len(labels) + 1}"
        is_taken = plain in labels
        labels.append(f"{plain[: _LABEL_CHARS - len(number)]}{number}" if is_taken else plain)
    return labels


def _dataset(name: str, recording: EmgRecording) -> dict[str, Any]:
    description: dict[str, Any] = {
        "Name": name or "EMG",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "musclehand", "Version": musclehand.__version__}],
    }
    if recording.licence:
        description["License"] = recording.licence
    return description


def _sidecar(recording: EmgRecording, task: str) -> dict[str, Any]:
    required = {
        "TaskName": task,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "as channels.tsv says of each channel",
        "EMGReference": UNKNOWN,
        "SamplingFrequency": recording.fs_hz,
        "PowerLineFrequency": UNKNOWN,
        "SoftwareFilters": UNKNOWN,
        "EMGChannelCount": len(recording.channels),
        "RecordingDuration": recording.duration,
        "RecordingType": "continuous",
    }
    licence = {"License": recording.licence} if recording.licence else {}
    return dict(recording.provenance) | required | licence


def _channels(recording: EmgRecording) -> list[list[str]]:
    rows = [["name", "type", "units", "target_muscle", "placement_description", "side"]]
    for name, channel in zip(_labels(recording), recording.channels, strict=True):
        side = UNKNOWN if channel.side is None else channel.side.name.lower()
        unit = _SCALES.get(channel.unit, (channel.unit, 1.0))[0]
        rows.append([name, "EMG", unit, channel.muscle or UNKNOWN, channel.site or UNKNOWN, side])
    return rows


def _events(recording: EmgRecording) -> list[list[str]]:
    rows = [
        [f"{event.onset:.9g}", f"{event.duration:.9g}", event.label] for event in recording.events
    ]
    return [["onset", "duration", "trial_type"], *rows]


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_table(path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(
        text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
    ).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
