"""Modules and optimisers of torch as named arrays of numbers, which is what checkpoints hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch

from musclehand.core.errors import InvalidValue

Arrays = dict[str, np.ndarray]


def module_arrays(prefix: str, module: torch.nn.Module) -> Arrays:
    """Parameters and buffers, as `prefix/name`."""
    return {
        f"{prefix}/{name}": values.detach().cpu().numpy().copy()
        for name, values in module.state_dict().items()
    }


def load_module(prefix: str, module: torch.nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Puts back what `module_arrays` gave.

    Raises:
        InvalidValue: arrays are missing or of another shape.
    """
    wanted = module.state_dict()
    for name, values in wanted.items():
        found = arrays.get(f"{prefix}/{name}")
        if found is None or found.shape != tuple(values.shape):
            shape = None if found is None else found.shape
            raise InvalidValue(f"shape of {prefix}/{name}", shape, f"{tuple(values.shape)}")
    module.load_state_dict(
        {name: torch.from_numpy(arrays[f"{prefix}/{name}"].copy()) for name in wanted}
    )


def check_layers(sizes: Sequence[int], arrays: Mapping[str, np.ndarray]) -> None:
    """Refuses layers with more weights than arrays hold, before anything of their size is made.

    Raises:
        InvalidValue: the layers are too large.
    """
    held = sum(values.size for values in arrays.values())
    if sum(before * after for before, after in pairwise(sizes)) > held:
        raise InvalidValue(
            "sizes of layers",
            list(sizes),
            f"no more weights than the {held} numbers that there are",
        )


def optimizer_arrays(prefix: str, optimizer: torch.optim.Optimizer) -> Arrays:
    """What an Adam remembers of each parameter, and its learning rate."""
    state = optimizer.state_dict()
    arrays = {
        f"{prefix}/{number}/{name}": torch.as_tensor(values).cpu().numpy().copy()
        for number, memory in state["state"].items()
        for name, values in memory.items()
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
    """Puts back what `optimizer_arrays` gave.

    Raises:
        InvalidValue: there is no learning rate, or one of other parameters.
    """
    state = optimizer.state_dict()
    rates = arrays.get(f"{prefix}/lr")
    if rates is None or rates.shape != (len(state["param_groups"]),):
        raise InvalidValue(f"{prefix}/lr", rates, f"{len(state['param_groups'])} learning rates")
    memory: dict[int, dict[str, torch.Tensor]] = {}
    for name, values in arrays.items():
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == prefix:
            memory.setdefault(int(parts[1]), {})[parts[2]] = torch.from_numpy(values.copy())
    for group, rate in zip(state["param_groups"], rates, strict=True):
        group["lr"] = float(rate)
    optimizer.load_state_dict({"state": memory, "param_groups": state["param_groups"]})
