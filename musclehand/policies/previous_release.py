"""Policies' files of release 0.1 in the names of this one; the next release will not read them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musclehand.core.checkpoint import Checkpoint

INFO_NAMES: Mapping[str, str] = {
    "past": "action_history",
    "latent": "latent_size",
    "hold": "action_repeat",
    "planner_sha256": "high_level_sha256",
}
"""New names of entries of a file's metadata, by the earlier ones."""

TENSOR_NAMES: Mapping[str, str] = {
    "policy/spread": "policy/std",
    "policy/seen": "policy/input_mask",
    "policy/felt": "policy/proprioception_mask",
    "policy/shown": "policy/reference_mask",
    "policy/middle": "policy/target_mean",
    "policy/width": "policy/target_std",
    "latent/spread": "latent/std",
    "latent/state": "latent/state_mask",
}
"""New names of tensors, by the earlier ones."""

LAYER_NAMES: Mapping[str, str] = {".curved.": ".mlp.", ".straight.": ".skip."}
"""New names of layers within the names of tensors, by the earlier ones."""


def upgrade(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """A policy's file in the names of this release, with the same numbers.

    One of release 0.1 causes a `FutureWarning`.

    Args:
        checkpoint: of a policy.
        path: of its file, for the warning.
    """
    info = upgrade_info(checkpoint.info)
    arrays = {upgrade_tensor_name(name): values for name, values in checkpoint.arrays.items()}
    if info.keys() == checkpoint.info.keys() and arrays.keys() == checkpoint.arrays.keys():
        return checkpoint
    warnings.warn(
        f"{path} was written by release 0.1, whose files the next release will not read; "
        "load and save it once with this one",
        FutureWarning,
        stacklevel=3,
    )
    return checkpoint._replace(arrays=arrays, info=info)


def upgrade_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of a file's metadata under their new names."""
    return {INFO_NAMES.get(name, name): value for name, value in info.items()}


def upgrade_tensor_name(name: str) -> str:
    """New name of a tensor."""
    name = TENSOR_NAMES.get(name, name)
    if name.startswith("latent/"):
        for earlier, current in LAYER_NAMES.items():
            name = name.replace(earlier, current)
    return name
