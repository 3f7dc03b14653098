"""Muscle map: a table of the model muscles that each electrode picks up, with weights.

A map is a CSV file with the columns `channel, muscles, weights, confidence, source`:

    channel     as in the recording; compared without regard to case
    muscles     of the model, without side, separated by spaces. "DI1|RI2": the first of the names
                that a model has. Empty: the model lacks the muscle, and the channel is kept as a
                control for crosstalk
    weights     "f0", each muscle's share by its peak isometric force, or one number a muscle
    confidence  high, medium or low: does the electrode pick up this muscle and no other?
    source      reason for the row

The expected activity of a channel is the weighted mean of the activations. The largest of them is
an alternative (`combine="max"`): a mean over the slips of four fingers dilutes the work of a single
slip.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.tables import load_tables
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.emg.io.text_file import read_text
from musclehand.emg.recording import Channel, EmgFileError

COLUMNS = ("channel", "muscles", "weights", "confidence", "source")
"""Columns of a map, in this order."""

CONFIDENCES = ("high", "medium", "low")
"""Legal values of the column confidence."""

MAX_MAP_BYTES = 1_000_000
"""Largest map that is read [bytes]."""

_COMBINATIONS = ("mean", "max")


@dataclass(frozen=True)
class MapRow:
    """Muscles of one channel."""

    channel: str
    """Name of the channel."""

    muscles: tuple[tuple[str, ...], ...]
    """Alternative names of each muscle; empty where models lack the channel's muscle."""

    weights: tuple[float, ...] | None
    """One a muscle, adding up to 1; None: by peak isometric force."""

    confidence: str
    """One of `CONFIDENCES`."""

    source: str
    """Reason for the row."""


class Projected(NamedTuple):
    """Activations projected on channels."""

    values: np.ndarray
    """Expected activity of each channel, 0..1. Shape (T, K)."""

    names: tuple[str, ...]
    """Of the channels, K of them."""


@dataclass(frozen=True)
class MuscleMap:
    """The rows of a map, one a channel.

    Raises:
        InvalidValue: two rows for one channel.
    """

    rows: tuple[MapRow, ...]
    """In the order of the file."""

    def __post_init__(self) -> None:
        keys = [row.channel.casefold() for row in self.rows]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise InvalidValue("channels of the map", repeated, "named once each")

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels, in the order of the file."""
        return tuple(row.channel for row in self.rows)

    def row(self, channel: str) -> MapRow:
        """The row of a channel, without regard to case.

        Raises:
            UnknownName: the map has no such row.
        """
        for row in self.rows:
            if row.channel.casefold() == channel.casefold():
                return row
        raise UnknownName("channel of the map", channel, self.channels)

    def select(self, channels: Sequence[str]) -> MuscleMap:
        """The rows of these channels, in this order and with these names.

        Channels without a row are left out.
        """
        by_key = {row.channel.casefold(): row for row in self.rows}
        return MuscleMap(
            tuple(
                replace(by_key[name.casefold()], channel=name)
                for name in channels
                if name.casefold() in by_key
            )
        )

    def for_channels(self, channels: Sequence[Channel]) -> MuscleMap:
        """The rows of a recording's channels, matched by their names, muscles or sites.

        Raises:
            InvalidValue: the map has none of the channels.
        """
        keys = {channel.casefold() for channel in self.channels}
        rows = []
        for channel in channels:
            matches = [
                key
                for key in (channel.name, channel.muscle, channel.site)
                if key and key.casefold() in keys
            ]
            if matches:
                rows.append(replace(self.row(matches[0]), channel=channel.name))
        if not rows:
            names = [channel.name for channel in channels]
            legal = f"some of those in the map: {', '.join(self.channels)}"
            raise InvalidValue("channels", names[:12], legal)
        return MuscleMap(tuple(rows))

    def matrix(
        self,
        muscles: Sequence[str],
        *,
        side: Side | None = None,
        f0: Mapping[str, float] | None = None,
    ) -> np.ndarray:
        """Weights of a model's muscles in each channel.

        Args:
            muscles: of the model, m of them.
            side: of the hand, if the muscles' names end in it ("FDP2_r").
            f0: peak isometric forces [N] by muscle without side; by default those of the bundled
                hand.

        Returns:
            Rows add up to 1, or to 0 where the model has no muscle of the channel. Shape (K, m).

        Raises:
            InvalidValue: a muscle that is weighted by force has no force.
        """
        column = {name: place for place, name in enumerate(muscles)}
        forces = f0 if f0 is not None else {row.muscle: row.f0 for row in load_tables().muscles}
        matrix = np.zeros((len(self.rows), len(muscles)))
        for k, row in enumerate(self.rows):
            for i, names in enumerate(row.muscles):
                muscle = next((name for name in names if _sided(name, side) in column), None)
                if muscle is None:
                    continue
                weight = _force(forces, names, muscle) if row.weights is None else row.weights[i]
                matrix[k, column[_sided(muscle, side)]] += weight
        total = matrix.sum(axis=1, keepdims=True)
        return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)

    def controls(self, muscles: Sequence[str], *, side: Side | None = None) -> tuple[str, ...]:
        """Control channels: those without a muscle of the model."""
        weights = self.matrix(muscles, side=side, f0=_ONES).sum(axis=1)
        return tuple(name for name, total in zip(self.channels, weights, strict=True) if total == 0)

    def project(
        self,
        activations: np.ndarray,
        muscles: Sequence[str],
        *,
        side: Side | None = None,
        f0: Mapping[str, float] | None = None,
        combine: str = "mean",
        keep_controls: bool = False,
    ) -> Projected:
        """Expected activity of each channel from a model's activations.

        Channels without a muscle are left out.

        Args:
            activations: or excitations, 0..1. Shape (T, m).
            muscles: their names, m of them.
            side: of the hand, if the names end in it.
            f0: peak isometric forces [N] by muscle without side; by default those of the bundled
                hand.
            combine: "mean", weighted, or "max", the largest of the channel's muscles.
            keep_controls: keep channels without a muscle, as NaN (where places matter, as round an
                armband).

        Raises:
            UnknownName: no such way to combine.
            InvalidValue: shapes that do not belong together, or no channel with a muscle.
        """
        values = np.asarray(activations, dtype=float)
        if combine not in _COMBINATIONS:
            raise UnknownName("way to combine muscles", combine, _COMBINATIONS)
        if values.ndim != 2 or values.shape[1] != len(muscles):
            raise InvalidValue(
                "shape of activations",
                values.shape,
                f"(T, {len(muscles)}), a column for each muscle",
            )
        matrix = self.matrix(muscles, side=side, f0=f0)
        has_muscle = np.asarray(matrix.any(axis=1))
        if not has_muscle.any():
            raise InvalidValue(
                "muscles", list(muscles)[:8], "those of the map, with at least one of them"
            )
        expected = np.full((len(values), len(matrix)), np.nan)
        if combine == "mean":
            expected[:, has_muscle] = values @ matrix[has_muscle].T
        else:
            expected[:, has_muscle] = np.stack(
                [values[:, weights > 0].max(axis=1) for weights in matrix[has_muscle]], axis=1
            )
        kept = np.ones_like(has_muscle) if keep_controls else has_muscle
        names = tuple(name for name, keep in zip(self.channels, kept.tolist(), strict=True) if keep)
        return Projected(expected[:, kept], names)


def identity_map(muscles: Sequence[str]) -> MuscleMap:
    """The map of channels that are named like muscles: each picks up its own muscle."""
    return MuscleMap(
        tuple(
            MapRow(
                channel=name,
                muscles=((name,),),
                weights=(1.0,),
                confidence="high",
                source="its own name",
            )
            for name in muscles
        )
    )


def read_map(path: str | PathLike[str]) -> MuscleMap:
    """Reads a map.

    Raises:
        EmgFileError: no such file, or a line that is not one of a map. Names the file and the line.
    """
    reader = csv.reader(io.StringIO(read_text(path, MAX_MAP_BYTES)), strict=True)
    rows: list[MapRow] = []
    try:
        heading = tuple(cell.strip() for cell in next(reader, []))
        if heading != COLUMNS:
            raise EmgFileError(path, f"the columns are {', '.join(COLUMNS)}", where="line 1")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_parse(path, reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise EmgFileError(path, str(error), where=f"line {reader.line_num}") from error
    if not rows:
        raise EmgFileError(path, "no channels in it")
    try:
        return MuscleMap(tuple(rows))
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def write_map(path: str | PathLike[str], muscle_map: MuscleMap) -> None:
    """Writes a map that `read_map` reads.

    Raises:
        MusclehandError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in muscle_map.rows:
        muscles = " ".join("|".join(names) for names in row.muscles)
        weights = (
            "f0" if row.weights is None else " ".join(f"{weight:.17g}" for weight in row.weights)
        )
        writer.writerow(
            [row.channel, muscles, weights if row.muscles else "", row.confidence, row.source]
        )
    try:
        Path(path).write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise MusclehandError(f"cannot write {path}: {error.strerror}") from error


class _Ones(dict[str, float]):
    """Equal forces for all muscles."""

    def __missing__(self, key: str) -> float:
        return 1.0

    def __contains__(self, key: object) -> bool:
        return True


_ONES = _Ones()


def _parse(path: str | PathLike[str], line: int, cells: Sequence[str]) -> MapRow:
    def wrong(problem: str) -> EmgFileError:
        return EmgFileError(path, problem, where=f"line {line}")

    if len(cells) != len(COLUMNS):
        raise wrong(f"{len(cells)} fields; there are {len(COLUMNS)} columns")
    channel, muscles, weights, confidence, source = cells
    if not (channel and channel.isprintable() and len(channel) <= 200):
        raise wrong(f"channel {channel[:40]!r} is no name")
    names = tuple(tuple(word.split("|")) for word in muscles.split())
    if not all(name for choice in names for name in choice):
        raise wrong(f"muscles {muscles!r}: names separated by spaces, alternatives by |")
    if confidence not in CONFIDENCES:
        raise wrong(f"confidence {confidence!r}; it must be {', '.join(CONFIDENCES)}")
    if weights == "f0" or not names:
        if weights not in ("f0", ""):
            raise wrong("weights, but no muscles")
        return MapRow(channel, names, None, confidence, source)
    try:
        numbers = [float(word) for word in weights.split()]
    except ValueError:
        raise wrong(f"weights {weights!r}: numbers separated by spaces, or f0") from None
    total = math.fsum(numbers)
    if (
        len(numbers) != len(names)
        or not all(0 <= number < math.inf for number in numbers)
        or not 0 < total < math.inf
    ):
        raise wrong(
            f"weights {weights!r}: {len(names)} numbers of at least 0 that are not all 0, or f0"
        )
    return MapRow(channel, names, tuple(number / total for number in numbers), confidence, source)


def _sided(name: str, side: Side | None) -> str:
    return name if side is None else side.name_of(name)


def _force(forces: Mapping[str, float], names: Sequence[str], muscle: str) -> float:
    for name in (muscle, *names):
        if name in forces:
            return forces[name]
    raise InvalidValue(
        "peak force", muscle, "given for every muscle of the map that is weighted by force (f0)"
    )
