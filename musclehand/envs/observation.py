"""Observations as printable tables: names, sizes, units and scales of their blocks of numbers.

    table.slice("activation")           # where the block is in an observation
    table.read(observation, "angle")    # its values in their unit
    print(table)                        # all blocks

Observations hold each value divided by its block's scale, so that most numbers lie between -1 and 1
before a network normalises them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName

ValueT = TypeVar("ValueT")

CLIP = 10.0
"""Scaled numbers are clipped to this and its negative, so that an unstable state does not reach
a network."""


@dataclass(frozen=True)
class Block:
    """One row of the table."""

    name: str
    """Name of the block, unique in the table."""

    size: int
    """Number of values."""

    unit: str
    """Unit of the values before scaling, empty for ratios."""

    scale: float
    """Value, in that unit, which a scaled number of 1 stands for."""

    meaning: str
    """What the values are, for people."""


class ObservationTable:
    """The blocks of an observation, in their order."""

    blocks: tuple[Block, ...]
    """The rows of the table."""

    size: int
    """Length of an observation."""

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
        self._factors = np.repeat(
            [1.0 / block.scale for block in self.blocks], [block.size for block in self.blocks]
        )

    def slice(self, name: str) -> slice:
        """Where a block is in an observation.

        Raises:
            UnknownName: there is no such block.
        """
        return self._by_name(name, self._slices)

    def mask(self, chosen: Callable[[str], bool]) -> np.ndarray:
        """Which numbers belong to chosen blocks. Shape (size,), bool.

        Args:
            chosen: whether the block with a name is.
        """
        return np.repeat(
            [chosen(block.name) for block in self.blocks], [block.size for block in self.blocks]
        )

    def write(self, values: Mapping[str, np.ndarray], out: np.ndarray) -> np.ndarray:
        """Fills observations with values, scaled and clipped to `CLIP`.

        Args:
            values: of every block, in its unit. Shapes (n, ...), with `size` numbers a row.
            out: array that is written into and returned. Shape (n, size).

        Raises:
            InvalidValue: not the blocks of the table.
        """
        if values.keys() != self._slices.keys():
            raise InvalidValue("blocks", sorted(values), f"{sorted(self._slices)}")
        rows = [np.reshape(values[block.name], (len(out), block.size)) for block in self.blocks]
        np.multiply(np.concatenate(rows, axis=1), self._factors, out=out, casting="same_kind")
        return np.asarray(np.clip(out, -CLIP, CLIP, out=out))

    def read(self, observation: np.ndarray, name: str) -> np.ndarray:
        """Values of a block, in its unit. Shape (..., size of the block).

        Args:
            observation: shape (..., size).
            name: of the block.

        Raises:
            UnknownName: there is no such block.
        """
        return np.asarray(observation[..., self.slice(name)] * self.scale(name))

    def gradient(self, observation_gradient: np.ndarray, name: str) -> np.ndarray:
        """Gradient with respect to a block's values in their unit; clipping is ignored. Shape
        (..., size of the block).

        Args:
            observation_gradient: gradient with respect to the observation. Shape (..., size).
            name: of the block.

        Raises:
            UnknownName: there is no such block.
        """
        return np.asarray(observation_gradient[..., self.slice(name)] / self.scale(name))

    def scale(self, name: str) -> float:
        """Value, in the block's unit, which a scaled number of 1 stands for.

        Raises:
            UnknownName: there is no such block.
        """
        return self._by_name(name, self._scales)

    @staticmethod
    def _by_name(name: str, values: Mapping[str, ValueT]) -> ValueT:
        if name not in values:
            raise UnknownName("block of the observation", name, values)
        return values[name]

    def __str__(self) -> str:
        lines = [f"{'block':<22}{'from':>6}{'to':>6}  {'scale':<20}meaning"]
        for block in self.blocks:
            place = self._slices[block.name]
            scale = f"{block.scale:g} {block.unit}"
            lines.append(
                f"{block.name:<22}{place.start:>6}{place.stop:>6}  {scale:<20}{block.meaning}"
            )
        return "\n".join(lines)
