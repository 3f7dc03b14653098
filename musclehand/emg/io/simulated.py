"""Simulated muscles: activations or excitations over time, from and to files.

Readable are recordings of performances (`musclehand play`: recording.h5, or its folder) and
OpenSim's .sto files, whose columns may be called `/forceset/FDP2/activation`, `FDP2.activation` or
plainly `FDP2`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.recording_reader import RECORDING, Recording
from musclehand.emg.io.opensim_file import StorageFile, read_storage, write_storage
from musclehand.emg.recording import EmgFileError, Event, TimeSeries
from musclehand.music.pitch import pitch_name

QUANTITIES = {"activation": "act", "excitation": "ctrl"}
"""Quantities of a muscle, after and before activation dynamics, and their channels in a
recording."""


_MAX_JITTER = 0.02  # of a step
_HANDS = {Side.LEFT: 0, Side.RIGHT: 1}


@dataclass(frozen=True, eq=False)
class SimulatedMuscles:
    """Activations or excitations of the muscles of one hand."""

    values: np.ndarray = field(repr=False)
    """0..1. Shape (T, m)."""

    fs_hz: float
    """[Hz] rate of the values."""

    muscles: tuple[str, ...]
    """Names without side, m of them."""

    quantity: str
    """One of `QUANTITIES`."""

    start: float
    """[s] time of the first row."""

    events: tuple[Event, ...] = field(default=(), repr=False)
    """Notes of this hand, in the same time; empty where the file has none."""


def read_simulated(
    path: str | PathLike[str], *, side: Side = Side.RIGHT, quantity: str = "activation"
) -> SimulatedMuscles:
    """Reads the muscles of one hand.

    Args:
        path: recording of a performance, its folder, or a .sto file.
        side: hand, where muscles' names end in one (`FDP2_r`).
        quantity: activation or excitation.

    Raises:
        MusclehandError: no such file or quantity, a damaged file, no muscles of this hand in it, or
            uneven times.
    """
    _check_quantity(quantity)
    file = Path(path)
    if file.is_dir():
        file = file / RECORDING
    if file.suffix.lower() in (".sto", ".mot"):
        return _from_storage(file, side, quantity)
    with Recording.open(file) as recording:
        return muscles_of_performance(recording, side=side, quantity=quantity)


def muscles_of_performance(
    recording: Recording, *, side: Side = Side.RIGHT, quantity: str = "activation"
) -> SimulatedMuscles:
    """The muscles of one hand of an open recording.

    Args:
        recording: of a performance.
        side: hand.
        quantity: activation or excitation.

    Raises:
        UnknownName: no such quantity.
        EmgFileError: a performance without muscles of this hand, or uneven times.
    """
    _check_quantity(quantity)
    path = Path(recording.path)
    channel = QUANTITIES[quantity]
    if channel not in recording.channels or "time" not in recording.channels:
        raise EmgFileError(
            path, f"a recording without {quantity}s: hands played it without muscles"
        )
    names = recording[channel].names
    muscle_names = set(recording["act"].names) if "act" in recording.channels else set(names)
    ending = side.name_of("")
    columns = [i for i, name in enumerate(names) if name.endswith(ending) and name in muscle_names]
    values = np.asarray(recording[channel][:], dtype=float)
    return _checked(
        path,
        time=np.asarray(recording["time"][:], dtype=float),
        values=values[:, columns],
        muscles=tuple(names[i].removesuffix(ending) for i in columns),
        quantity=quantity,
        events=_notes(recording, side),
        side=side,
    )


def write_simulated(path: str | PathLike[str], simulated: SimulatedMuscles) -> None:
    """Writes muscles as an OpenSim .sto file that `read_simulated` reads.

    Raises:
        InvalidValue: another ending than .sto.
        OutputError: it cannot be written.
    """
    check_storage_name(path)
    time = simulated.start + np.arange(len(simulated.values)) / simulated.fs_hz
    names = tuple(f"/forceset/{name}/{simulated.quantity}" for name in simulated.muscles)
    write_storage(path, StorageFile(TimeSeries(time, simulated.values, names)))


def check_storage_name(path: str | PathLike[str]) -> None:
    """Checks the name of a file for `write_simulated`.

    Raises:
        InvalidValue: another ending than .sto.
    """
    if Path(path).suffix.lower() != ".sto":
        raise InvalidValue("out", str(path), "a file that ends in .sto")


def _check_quantity(quantity: str) -> None:
    if quantity not in QUANTITIES:
        raise UnknownName("quantity", quantity, QUANTITIES)


def _notes(recording: Recording, side: Side) -> tuple[Event, ...]:
    """Notes of the score for this hand, by name."""
    if "score" not in recording.tables:
        return ()
    rows, columns, _ = recording.table("score")
    place = {name: index for index, name in enumerate(columns)}
    if not {"onset", "offset", "pitch", "hand"} <= set(place):
        return ()
    events = []
    for row in rows[rows[:, place["hand"]] == _HANDS[side]]:
        onset = float(row[place["onset"]])
        offset = float(row[place["offset"]])
        events.append(Event(onset, max(offset - onset, 0.0), pitch_name(int(row[place["pitch"]]))))
    return tuple(events)


def _from_storage(path: Path, side: Side, quantity: str) -> SimulatedMuscles:
    series = read_storage(path).series
    columns: dict[str, int] = {}
    for index, name in enumerate(series.names):
        *_, muscle, ending = ["", *re.split(r"[/.|]", name)]
        stated = ending if ending in QUANTITIES and muscle else None
        if (stated or quantity) == quantity:
            columns.setdefault((muscle if stated else ending).removesuffix(side.name_of("")), index)
    return _checked(
        path,
        time=series.time,
        values=series.values[:, list(columns.values())],
        muscles=tuple(columns),
        quantity=quantity,
        events=(),
        side=side,
    )


def _checked(
    path: Path,
    *,
    time: np.ndarray,
    values: np.ndarray,
    muscles: tuple[str, ...],
    quantity: str,
    events: tuple[Event, ...],
    side: Side,
) -> SimulatedMuscles:
    """The muscles, after checks: at least one, evenly spaced in time, between 0 and 1."""
    if not muscles:
        raise EmgFileError(path, f"no {quantity} of a muscle of the {side.name.lower()} hand")
    if len(time) < 3 or not np.isfinite(values).all():
        raise EmgFileError(path, f"{len(time)} rows; at least 3 are needed, all finite")
    steps = np.diff(time)
    step = float(np.median(steps))
    if step <= 0 or np.abs(steps - step).max() > _MAX_JITTER * step + 1e-6:
        raise EmgFileError(path, "times are not evenly spaced")
    if values.min() < -1e-6 or values.max() > 1 + 1e-6:
        raise EmgFileError(
            path,
            f"{quantity}s from {values.min():g} to {values.max():g}; they must be between 0 and 1",
        )
    rate = (len(time) - 1) / float(time[-1] - time[0])
    return SimulatedMuscles(
        values=np.clip(values, 0, 1),
        fs_hz=rate,
        muscles=muscles,
        quantity=quantity,
        start=float(time[0]),
        events=events,
    )


def parse_side(word: str) -> Side:
    """The side of the body that is named.

    Raises:
        UnknownName: neither left nor right.
    """
    if word not in ("left", "right"):
        raise UnknownName("side", word, ["left", "right"])
    return Side[word.upper()]
