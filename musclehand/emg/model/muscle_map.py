"""Which model muscles an electrode hears: a table from channels to muscles with weights.

A map is a CSV file with the columns `channel, muscles, weights, confidence, source`:

    channel  as in the recording; compared without regard to case
    muscles  of the model, without side, separated by spaces. "DI1|RI2": the first of the names that a model has.
             Empty: a muscle that the model has not; the channel is kept as a control for crosstalk
    weights  "f0", each muscle's share by its peak isometric force, or one number for each muscle
    confidence  high, medium or low: does the electrode hear this muscle and no other?
    source   why

What a channel should show is the weighted mean of the activations, the largest of them beside it
(`combine="max"`): a mean over the slips of four fingers dilutes the work of one of them.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.tables import load_tables
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.emg.io.text_file import read_text
from musclehand.emg.recording import EmgFileError

COLUMNS = ("channel", "muscles", "weights", "confidence", "source")
CONFIDENCES = ("high", "medium", "low")
MAX_MAP_BYTES = 1_000_000
_COMBINATIONS = ("mean", "max")


@dataclass(frozen=True)
class MapRow:
    """One channel: its `muscles`, each with the names it may have; `weights` adding up to 1;
    `source` of the choice.

    `weights` None: by peak isometric force. No muscles: the model has none that this channel is
    meant for.
    """

    channel: str
    muscles: tuple[tuple[str, ...], ...]
    weights: tuple[float, ...] | None
    confidence: str
    source: str


class Projected(NamedTuple):
    """What the channels should show. `values` (T, K), `names` (K,) the channels."""

    values: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class MuscleMap:
    """The rows of a map, one a channel.

    Raises:
        InvalidValue: two rows for one channel.
    """

    rows: tuple[MapRow, ...]

    def __post_init__(self) -> None:
        keys = [row.channel.casefold() for row in self.rows]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise InvalidValue("channels of the map", twice, "named once each")

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels, in the order of the file."""
        return tuple(row.channel for row in self.rows)

    def row(self, channel: str) -> MapRow:
        """The row of a channel, in upper or lower case.

        Raises:
            UnknownName: the map has none.
        """
        for row in self.rows:
            if row.channel.casefold() == channel.casefold():
                return row
        raise UnknownName("channel of the map", channel, self.channels)

    def select(self, channels: Sequence[str]) -> MuscleMap:
        """The rows of these channels, in this order and with these names; channels without a row
        are left out."""
        known = {row.channel.casefold(): row for row in self.rows}
        kept = [(name, known[name.casefold()]) for name in channels if name.casefold() in known]
        return MuscleMap(tuple(MapRow(name, *_rest(row)) for name, row in kept))

    def matrix(
        self,
        muscles: Sequence[str],
        *,
        side: Side | None = None,
        f0: Mapping[str, float] | None = None,
    ) -> np.ndarray:
        """Weights of a model's muscles in each channel; rows add up to 1, or to 0 where no muscle
        is there.

        Args:
            muscles: of the model, m of them.
            side: of the hand, if the muscles' names end in it ("FDP2_r").
            f0: peak isometric forces [N] by muscle without side; by default those of our own hand.

        Returns:
            Shape (K, m).

        Raises:
            InvalidValue: a muscle that is weighted by force has no force.
        """
        column = {name: place for place, name in enumerate(muscles)}
        forces = f0 if f0 is not None else {row.muscle: row.f0 for row in load_tables().muscles}
        matrix = np.zeros((len(self.rows), len(muscles)))
        for k, row in enumerate(self.rows):
            for i, names in enumerate(row.muscles):
                found = next((name for name in names if _sided(name, side) in column), None)
                if found is not None:
                    weight = _force(forces, names, found) if row.weights is None else row.weights[i]
                    matrix[k, column[_sided(found, side)]] += weight
        total = matrix.sum(axis=1, keepdims=True)
        return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)

    def controls(self, muscles: Sequence[str], *, side: Side | None = None) -> tuple[str, ...]:
        """The channels that no muscle of the model belongs to."""
        heard = self.matrix(muscles, side=side, f0=_ONES).sum(axis=1)
        return tuple(name for name, weight in zip(self.channels, heard, strict=True) if weight == 0)

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
        """What each channel should show of a model's activations; channels without a muscle are
        left out.

        Args:
            activations: or excitations, 0..1. Shape (T, m).
            muscles: their names, m of them.
            side: of the hand, if the names end in it.
            f0: peak isometric forces [N] by muscle without side; by default those of our own hand.
            combine: "mean", weighted, or "max", the largest of the channel's muscles.
            keep_controls: keep channels without a muscle, as NaN (where places count, as round an
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
        heard = np.asarray(matrix.any(axis=1))
        if not heard.any():
            raise InvalidValue(
                "muscles", list(muscles)[:8], "those of the map, with at least one of them"
            )
        shown = np.full((len(values), len(matrix)), np.nan)
        if combine == "mean":
            shown[:, heard] = values @ matrix[heard].T
        else:
            shown[:, heard] = np.stack(
                [values[:, weights > 0].max(axis=1) for weights in matrix[heard]], axis=1
            )
        kept = np.ones_like(heard) if keep_controls else heard
        names = tuple(name for name, keep in zip(self.channels, kept.tolist(), strict=True) if keep)
        return Projected(shown[:, kept], names)


def read_map(path: str | PathLike[str]) -> MuscleMap:
    """Reads a map.

    Raises:
        EmgFileError: no such file, or a line that is not one of a map: names the file and the line.
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
    """Writes a map as `read_map` reads it.

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
    """Every muscle as strong as the next."""

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
        or not all(0 <= x < math.inf for x in numbers)
        or not 0 < total < math.inf
    ):
        raise wrong(
            f"weights {weights!r}: {len(names)} numbers of at least 0 that are not all 0, or f0"
        )
    return MapRow(channel, names, tuple(number / total for number in numbers), confidence, source)


def _rest(row: MapRow) -> tuple[tuple[tuple[str, ...], ...], tuple[float, ...] | None, str, str]:
    return row.muscles, row.weights, row.confidence, row.source


def _sided(name: str, side: Side | None) -> str:
    return name if side is None else side.name_of(name)


def _force(forces: Mapping[str, float], names: Sequence[str], found: str) -> float:
    for name in (found, *names):
        if name in forces:
            return forces[name]
    raise InvalidValue(
        "peak force", found, "given for every muscle of the map that is weighted by force (f0)"
    )
