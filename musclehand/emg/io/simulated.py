"""The simulated side of a comparison: activations or excitations of muscles over time, from a file.

Read are recordings of performances (`musclehand play`: recording.h5, or the folder it lies in) and
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
from musclehand.core.errors import UnknownName
from musclehand.core.recording_reader import Recording
from musclehand.emg.io.opensim_file import read_storage
from musclehand.emg.recording import EmgFileError, Event
from musclehand.music.pitch import pitch_name

QUANTITIES = {"activation": "act", "excitation": "ctrl"}
"""What of a muscle is compared, and its channel in a recording: after activation dynamics, or
before."""

RECORDING = "recording.h5"

_UNEVEN = 0.02
_HANDS = {Side.LEFT: 0, Side.RIGHT: 1}


@dataclass(frozen=True, eq=False)
class SimulatedMuscles:
    """`values` (T, m), 0..1, of `muscles` (m,) without the side in their names, at `fs_hz` from
    `start` [s] on.

    `quantity`: activation or excitation. `events`: notes of this hand, if the file has any, from
    the same zero on.
    """

    values: np.ndarray = field(repr=False)
    fs_hz: float
    muscles: tuple[str, ...]
    quantity: str
    start: float
    events: tuple[Event, ...] = field(default=(), repr=False)


def read_simulated(
    path: str | PathLike[str], *, side: Side = Side.RIGHT, quantity: str = "activation"
) -> SimulatedMuscles:
    """Muscles of one hand.

    Args:
        path: recording of a performance, its folder, or a .sto file.
        side: which hand, where muscles' names end in one (`FDP2_r`).
        quantity: activation or excitation.

    Raises:
        MusclehandError: no such file or quantity, a damaged file, no muscles of this hand in it, or
            uneven times.
    """
    if quantity not in QUANTITIES:
        raise UnknownName("quantity", quantity, QUANTITIES)
    place = Path(path)
    if place.is_dir():
        place = place / RECORDING
    if place.suffix.lower() in (".sto", ".mot"):
        return _from_storage(place, side, quantity)
    return _from_performance(place, side, quantity)


def _from_performance(path: Path, side: Side, quantity: str) -> SimulatedMuscles:
    with Recording.open(path) as recording:
        channel = QUANTITIES[quantity]
        if channel not in recording.channels or "time" not in recording.channels:
            raise EmgFileError(
                path, f"a recording without {quantity}s: hands played it without muscles"
            )
        names = recording[channel].names
        known = set(recording["act"].names) if "act" in recording.channels else set(names)
        ending = side.name_of("")
        columns = [i for i, name in enumerate(names) if name.endswith(ending) and name in known]
        values = np.asarray(recording[channel][:], dtype=float)
        time = np.asarray(recording["time"][:], dtype=float)
        events = _notes(recording, side)
    muscles = tuple(names[i].removesuffix(ending) for i in columns)
    return _checked(path, time, values[:, columns], muscles, quantity, events, side)


def _notes(recording: Recording, side: Side) -> tuple[Event, ...]:
    """Notes that this hand was asked to play, by name."""
    if "score" not in recording.tables:
        return ()
    rows, columns, _ = recording.table("score")
    place = {name: index for index, name in enumerate(columns)}
    if not {"onset", "offset", "pitch", "hand"} <= set(place):
        return ()
    mine = rows[rows[:, place["hand"]] == _HANDS[side]]
    events = []
    for row in mine:
        onset = float(row[place["onset"]])
        offset = float(row[place["offset"]])
        events.append(Event(onset, max(offset - onset, 0.0), pitch_name(int(row[place["pitch"]]))))
    return tuple(events)


def _from_storage(path: Path, side: Side, quantity: str) -> SimulatedMuscles:
    series = read_storage(path).series
    found: dict[str, int] = {}
    for index, name in enumerate(series.names):
        *_, muscle, last = ["", *re.split(r"[/.|]", name)]
        said = last if last in QUANTITIES and muscle else None
        if (said or quantity) == quantity:
            found.setdefault((muscle if said else last).removesuffix(side.name_of("")), index)
    return _checked(
        path, series.time, series.values[:, list(found.values())], tuple(found), quantity, (), side
    )


def _checked(
    path: Path,
    time: np.ndarray,
    values: np.ndarray,
    muscles: tuple[str, ...],
    quantity: str,
    events: tuple[Event, ...],
    side: Side,
) -> SimulatedMuscles:
    """Evenly spaced in time, between 0 and 1, and at least one muscle."""
    if not muscles:
        raise EmgFileError(path, f"no {quantity} of a muscle of the {side.name.lower()} hand")
    if len(time) < 3 or not np.isfinite(values).all():
        raise EmgFileError(path, f"{len(time)} rows; at least 3 are needed, all finite")
    steps = np.diff(time)
    step = float(np.median(steps))
    if step <= 0 or np.abs(steps - step).max() > _UNEVEN * step + 1e-6:
        raise EmgFileError(path, "times are not evenly spaced")
    if values.min() < -1e-6 or values.max() > 1 + 1e-6:
        raise EmgFileError(
            path,
            f"{quantity}s from {values.min():g} to {values.max():g}; they must be between 0 and 1",
        )
    rate = (len(time) - 1) / float(time[-1] - time[0])
    return SimulatedMuscles(np.clip(values, 0, 1), rate, muscles, quantity, float(time[0]), events)


def parse_side(word: str) -> Side:
    """The side of the body that is named.

    Raises:
        UnknownName: neither left nor right.
    """
    if word not in ("left", "right"):
        raise UnknownName("side", word, ["left", "right"])
    return Side[word.upper()]
