"""Mixing of commands into excitations where muscles share drive.

Each belly that shares drive (`body.build.tables.SharedDrive`) mixes the commands to its slips, and
bounds their norm. All other muscles have their commands for excitations.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from musclehand.body.build.table_rows import SharedDrive
from musclehand.core.errors import ModelError

TOLERANCE = 0.02
"""Part by which a belly's norm may exceed 1 before it is cut; chosen, as commands are scaled to
1 in the end."""


class DriveMixer:
    """Mixes the commands of one hand's muscles into excitations.

    Attributes:
        places: positions of each drive's muscles. Shape (n,) each.
        shared: positions of all muscles that share drive. Shape (s,), int.
        matrix: excitations for commands, the identity for all other muscles. Shape (m, m).
    """

    def __init__(self, names: Sequence[str], drives: Sequence[SharedDrive]) -> None:
        """
        Args:
            names: of the hand's m muscles, without side.
            drives: that muscles share, none to leave every command as it is.

        Raises:
            ModelError: the hand lacks a muscle of a drive.
        """
        missing = [muscle for drive in drives for muscle in drive.muscles if muscle not in names]
        if missing:
            lacks = f"has no {', '.join(missing)}; shared drive needs a slip for every finger"
            raise ModelError("hand", lacks)
        order = list(names)
        self.places = [
            np.array([order.index(muscle) for muscle in drive.muscles]) for drive in drives
        ]
        self.shared = np.array(sorted({int(i) for part in self.places for i in part}), dtype=int)
        self.matrix = np.eye(len(names))
        for drive, places in zip(drives, self.places, strict=True):
            self.matrix[np.ix_(places, places)] = drive.mixing
        self._exponents = [drive.exponent for drive in drives]
        self._tangents = [
            _equal_tangents(places, drive.exponent, len(names))
            for drive, places in zip(drives, self.places, strict=True)
        ]

    def bounded(self, commands: np.ndarray) -> np.ndarray:
        """Commands from 0 to 1, those of each belly scaled down to a norm of 1 where they exceed
        it. Shape (m,)."""
        allowed = np.clip(commands, 0.0, 1.0)
        for places, exponent in zip(self.places, self._exponents, strict=True):
            allowed[places] /= max(1.0, _norm(allowed[places], exponent))
        return allowed

    def mix(self, commands: np.ndarray) -> np.ndarray:
        """Excitations of commands, 0 to 1, before weakness and fatigue take their share. Shape
        (m,)."""
        return np.minimum(self.matrix @ self.bounded(commands), 1.0)

    def cuts(self, commands: np.ndarray) -> list[np.ndarray]:
        """Rows r with `r @ u <= 1` for all allowed commands u, which these commands break.

        For a belly whose norm is too large these are the bound's tangent at the commands, and those
        at equal commands to some muscles.

        Args:
            commands: shape (m,).

        Returns:
            Shape (m,) each.
        """
        rows: list[np.ndarray] = []
        for places, exponent, tangents in zip(
            self.places, self._exponents, self._tangents, strict=True
        ):
            part = np.maximum(commands[places], 0.0)
            if _norm(part, exponent) > 1.0 + TOLERANCE:
                own = np.zeros(len(commands))
                own[places] = _tangent(part, exponent)
                rows += [own, *tangents[tangents @ commands > 1.0]]
        return rows


def mixed_excitations(
    mixers: Sequence[DriveMixer], commands: np.ndarray, ceiling: np.ndarray
) -> np.ndarray:
    """Excitations that commands lead to which know of no shared drive. Shape (h, m).

    Args:
        mixers: of the hands; none where all muscles are independent.
        commands: to the muscles of every hand, 0 to 1. Shape (h, m).
        ceiling: highest excitations, the share of drive that reaches a muscle. Shape (h, m).
    """
    excitations = np.minimum(commands, ceiling)
    for row, mixer in enumerate(mixers):
        shared = mixer.shared
        excitations[row, shared] = (ceiling[row] * mixer.mix(commands[row]))[shared]
    return excitations


def _norm(commands: np.ndarray, exponent: float) -> float:
    """Norm of commands that are at least 0; the largest of them for an infinite exponent."""
    if np.isinf(exponent):
        return float(np.max(commands))
    return float(np.sum(commands**exponent) ** (1.0 / exponent))


def _tangent(commands: np.ndarray, exponent: float) -> np.ndarray:
    """Row r with `r @ u <= 1` for all u of norm 1, and equality at these commands, scaled."""
    return np.asarray((commands / _norm(commands, exponent)) ** (exponent - 1.0))


def _equal_tangents(places: np.ndarray, exponent: float, count: int) -> np.ndarray:
    """Tangents at equal commands to two or more muscles of a belly, for all sets of them.

    Args:
        places: positions of the belly's muscles. Shape (n,).
        exponent: of the norm.
        count: number m of all muscles.

    Returns:
        Shape (s, m).
    """
    if np.isinf(exponent):
        return np.zeros((0, count))
    rows = []
    for size in range(2, len(places) + 1):
        for chosen in combinations(range(len(places)), size):
            row = np.zeros(count)
            row[places] = _tangent(np.isin(np.arange(len(places)), chosen).astype(float), exponent)
            rows.append(row)
    return np.array(rows).reshape(-1, count)
