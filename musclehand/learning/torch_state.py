"""State of torch modules and optimisers as named NumPy arrays, the content of checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch

from musclehand.core.errors import InvalidValue

Arrays = dict[str, np.ndarray]
"""Arrays by their names in a checkpoint."""


def module_arrays(prefix: str, module: torch.nn.Module) -> Arrays:
    """Copies of a module's parameters and persistent buffers, under the names `prefix/name`."""
    return {
        f"{prefix}/{name}": values.detach().cpu().numpy().copy()
        for name, values in module.state_dict().items()
    }


def load_module(prefix: str, module: torch.nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Sets a module's parameters and buffers to what `module_arrays` returned.

    Args:
        prefix: of the names.
        module: of the same layers.
        arrays: may hold more than that.

    Raises:
        InvalidValue: an array is missing or of another shape.
    """
    expected = module.state_dict()
    for name, values in expected.items():
        array = arrays.get(f"{prefix}/{name}")
        if array is None or array.shape != tuple(values.shape):
            shape = None if array is None else array.shape
            raise InvalidValue(f"shape of {prefix}/{name}", shape, f"{tuple(values.shape)}")
    module.load_state_dict(
        {name: torch.from_numpy(arrays[f"{prefix}/{name}"].copy()) for name in expected}
    )


def check_layers(sizes: Sequence[int], arrays: Mapping[str, np.ndarray]) -> None:
    """Refuses layers with more weights than a file holds, before memory of that size is taken.

    Args:
        sizes: of the layers, from the first to the last.
        arrays: what the file holds.

    Raises:
        InvalidValue: the layers are too large.
    """
    available = sum(values.size for values in arrays.values())
    if sum(inputs * outputs for inputs, outputs in pairwise(sizes)) > available:
        raise InvalidValue(
            "sizes of layers", list(sizes), f"no more weights than the {available} of the file"
        )


def optimizer_arrays(prefix: str, optimizer: torch.optim.Optimizer) -> Arrays:
    """Adam's moments and step counts, as `prefix/number/name`, and learning rates, `prefix/lr`."""
    state = optimizer.state_dict()
    arrays = {
        f"{prefix}/{number}/{name}": torch.as_tensor(values).cpu().numpy().copy()
        for number, moments in state["state"].items()
        for name, values in moments.items()
    }
    return {
        **arrays,
        f"{prefix}/lr": np.array(
            [group["lr"] for group in state["param_groups"]], dtype=np.float64
        ),
    }


def load_optimizer(
    prefix: str, optimizer: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]
) -> None:
    """Sets an optimiser's state to what `optimizer_arrays` returned.

    Args:
        prefix: of the names.
        optimizer: of the same parameters, in the same order.
        arrays: may hold more than that.

    Raises:
        InvalidValue: there are no learning rates, or those of other groups of parameters.
    """
    state = optimizer.state_dict()
    rates = arrays.get(f"{prefix}/lr")
    if rates is None or rates.shape != (len(state["param_groups"]),):
        raise InvalidValue(f"{prefix}/lr", rates, f"{len(state['param_groups'])} learning rates")
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, values in arrays.items():
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == prefix:
            moments.setdefault(int(parts[1]), {})[parts[2]] = torch.from_numpy(values.copy())
    for group, rate in zip(state["param_groups"], rates, strict=True):
        group["lr"] = float(rate)
    optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})
