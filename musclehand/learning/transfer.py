"""Transfer of weights to a network of the same layers with other inputs or outputs.

Each axis of an array of weights is matched by the names of its entries. Entries that both networks
have keep their weights. A new input begins with weights of zero, so that the network's outputs do
not depend on it until it has learnt to use it; its normalisation is that of the new network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from musclehand.core.errors import InvalidValue


class AxisMatch(NamedTuple):
    """Which entries of an axis of an earlier array an axis of a new one takes over."""

    places: np.ndarray
    """Position in the earlier array of each entry of the new one, -1 where it is new. Shape
    (n,)."""

    size: int
    """Length of the earlier axis."""


AxisMatches = Mapping[str, tuple[AxisMatch | None, ...]]
"""By the names of a module's tensors: a match for each axis, or None where nothing changes. Tensors
that are not named do not change."""


def match_names(earlier: Sequence[str], current: Sequence[str]) -> AxisMatch:
    """Matches the entries of two axes by their names.

    Args:
        earlier: names of the earlier axis, each only once.
        current: names of the new axis.
    """
    place = {name: number for number, name in enumerate(earlier)}
    return AxisMatch(np.array([place.get(name, -1) for name in current], dtype=int), len(earlier))


def unchanged(size: int) -> AxisMatch:
    """The match of an axis of the same entries."""
    return AxisMatch(np.arange(size), size)


def concatenate(*matches: AxisMatch) -> AxisMatch:
    """The match of an axis on which several follow each other."""
    places = []
    start = 0
    for match in matches:
        places.append(np.where(match.places < 0, -1, match.places + start))
        start += match.size
    return AxisMatch(np.concatenate(places), start)


def select(match: AxisMatch, earlier: np.ndarray, current: np.ndarray) -> AxisMatch:
    """The match of those entries of an axis that masks choose.

    Args:
        match: of the whole axis.
        earlier: which entries of the earlier axis are chosen. Shape (match.size,), bool.
        current: which entries of the new axis are chosen. Shape (n,), bool.
    """
    position = np.where(earlier, np.cumsum(earlier) - 1, -1)
    places = np.where(match.places < 0, -1, position[match.places])
    return AxisMatch(places[current], int(earlier.sum()))


def load_matched(
    prefix: str,
    module: torch.nn.Module,
    arrays: Mapping[str, np.ndarray],
    matches: AxisMatches,
    *,
    keep: Collection[str] = (),
) -> None:
    """Sets a module's parameters and buffers to those of another module, matched axis by axis.

    New entries of parameters are 0; new entries of buffers stay as they are.

    Args:
        prefix: of the names of arrays, as in `torch_state.module_arrays`.
        module: of the same layers but for the sizes of matched axes.
        arrays: may hold more than that.
        matches: of the axes.
        keep: names of tensors of the module that stay as they are.

    Raises:
        InvalidValue: an array is missing or of another shape than the earlier module's.
    """
    parameters = {name for name, _ in module.named_parameters()}
    state = module.state_dict()
    for name, values in state.items():
        if name in keep:
            continue
        axes = matches.get(name, (None,) * values.ndim)
        shape = tuple(
            size if axis is None else axis.size
            for size, axis in zip(values.shape, axes, strict=True)
        )
        array = arrays.get(f"{prefix}/{name}")
        if array is None or array.shape != shape:
            present = None if array is None else array.shape
            raise InvalidValue(f"shape of {prefix}/{name}", present, f"{shape}")
        start = torch.zeros_like(values) if name in parameters else values.clone()
        state[name] = torch.from_numpy(_matched(array, axes, start.numpy()))
    module.load_state_dict(state)


def _matched(array: np.ndarray, axes: Sequence[AxisMatch | None], start: np.ndarray) -> np.ndarray:
    """The new array: that of the start, with the entries of the earlier one where they match."""
    sources = [
        np.arange(size) if axis is None else axis.places
        for size, axis in zip(start.shape, axes, strict=True)
    ]
    kept = [np.flatnonzero(source >= 0) for source in sources]
    taken = [source[places] for source, places in zip(sources, kept, strict=True)]
    result = start.copy()
    result[np.ix_(*kept)] = array[np.ix_(*taken)]
    return result
