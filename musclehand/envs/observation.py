"""An observation as a table: which numbers stand where, what they are, and what a 1 of them means.

    table.slice("activation")           where it stands
    print(table)                        all of it

Numbers are told in the units of the table, divided by its scales, so that most lie between -1 and 1
and a network needs no other normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName

ToldT = TypeVar("ToldT")

LARGEST = 10.0
"""Scaled numbers are kept between this and its negative: a wild state does not blow up a
network."""


@dataclass(frozen=True)
class Block:
    """One row of the table: `size` numbers in `unit`; a scaled number of 1 stands for `scale` of
    that unit."""

    name: str
    size: int
    unit: str
    scale: float
    meaning: str


class ObservationTable:
    """Blocks in their order. `size`: how many numbers there are in all."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        """
        Raises:
            InvalidValue: a name is used twice, or a size or scale is not above 0.
        """
        self.blocks = tuple(blocks)
        self._slices: dict[str, slice] = {}
        self._scales = {block.name: block.scale for block in self.blocks}
        start = 0
        for block in self.blocks:
            if block.name in self._slices or block.size < 1 or not block.scale > 0:
                raise InvalidValue("block", block, "a new name with a size and a scale above 0")
            self._slices[block.name] = slice(start, start + block.size)
            start += block.size
        self.size = start
        self._units = np.repeat(
            [1.0 / block.scale for block in self.blocks], [block.size for block in self.blocks]
        )

    def slice(self, name: str) -> slice:
        """Where a block stands.

        Raises:
            UnknownName: there is no such block.
        """
        return self._of(name, self._slices)

    def where(self, chosen: Callable[[str], bool]) -> np.ndarray:
        """Which numbers are of blocks whose names are chosen. Shape (size,), bool."""
        return np.repeat(
            [chosen(block.name) for block in self.blocks], [block.size for block in self.blocks]
        )

    def write(self, values: Mapping[str, np.ndarray], out: np.ndarray) -> np.ndarray:
        """Fills observations with values in the units of the table, scaled and kept within
        `LARGEST`.

        Args:
            values: of every block. Shapes (n, ...), with `size` numbers a row.
            out: what is written into and returned. Shape (n, size).

        Raises:
            InvalidValue: not the blocks of the table.
        """
        if values.keys() != self._slices.keys():
            raise InvalidValue("blocks", sorted(values), f"{sorted(self._slices)}")
        rows = [np.reshape(values[block.name], (len(out), block.size)) for block in self.blocks]
        np.multiply(np.concatenate(rows, axis=1), self._units, out=out, casting="same_kind")
        return np.asarray(np.clip(out, -LARGEST, LARGEST, out=out))

    def read(self, observation: np.ndarray, name: str) -> np.ndarray:
        """A block of observations in its unit. Shape (n, size of the block).

        Raises:
            UnknownName: there is no such block.
        """
        return np.asarray(observation[..., self.slice(name)] * self.scale(name))

    def slope(self, by_observation: np.ndarray, name: str) -> np.ndarray:
        """How something changes with a block in its unit, told how it changes with observations;
        what was cut off at `LARGEST` is taken as if it were not. Shape (n, size of the block).

        Raises:
            UnknownName: there is no such block.
        """
        return np.asarray(by_observation[..., self.slice(name)] / self.scale(name))

    def scale(self, name: str) -> float:
        """What a scaled number of 1 stands for, in the block's unit.

        Raises:
            UnknownName: there is no such block.
        """
        return self._of(name, self._scales)

    @staticmethod
    def _of(name: str, told: Mapping[str, ToldT]) -> ToldT:
        if name not in told:
            raise UnknownName("block of the observation", name, told)
        return told[name]

    def __str__(self) -> str:
        lines = [f"{'block':<22}{'from':>6}{'to':>6}  {'1 is':<14}what it is"]
        for block in self.blocks:
            place = self._slices[block.name]
            scale = f"{block.scale:g} {block.unit}"
            lines.append(
                f"{block.name:<22}{place.start:>6}{place.stop:>6}  {scale:<14}{block.meaning}"
            )
        return "\n".join(lines)
