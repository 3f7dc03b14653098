"""High-level policies on file: the network, and the latent action space that it acts in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from musclehand.core.errors import FileError
from musclehand.envs.observation import ObservationTable
from musclehand.envs.piano.forearm import MOVE_SIZE
from musclehand.envs.piano.observation import (
    input_mask,
    piano_table,
    proprioception_mask,
    reference_mask,
    state_to_reference,
)
from musclehand.policies.files import HIGH_LEVEL, find_policy
from musclehand.policies.fingerprint import built_in_hand, built_in_table, high_level_hash
from musclehand.policies.latent import (
    LatentSpace,
    latent_space_from_checkpoint,
    latent_space_info,
)
from musclehand.policies.previous_release import upgrade

if TYPE_CHECKING:
    from musclehand.learning.high_level import HighLevelNetwork


class HighLevelPolicy(NamedTuple):
    """A high-level policy with its latent action space and the metadata of its file."""

    policy: HighLevelNetwork
    """The network."""

    latent_space: LatentSpace
    """The latent action space that it acts in."""

    info: Mapping[str, Any]
    """Metadata of the file, such as data and settings of the training."""


def new_high_level_network(
    latent_space: LatentSpace, hidden: Sequence[int], *, seed: int = 0
) -> HighLevelNetwork:
    """An untrained network that acts in a latent action space.

    Args:
        latent_space: to act in.
        hidden: sizes of the hidden layers.
        seed: of the initial weights.
    """
    from musclehand.learning.high_level import HighLevelNetwork

    table = built_in_table(latent_space.config)
    return HighLevelNetwork(
        latent_space.policy,
        input_mask=input_mask(table),
        proprioception_mask=proprioception_mask(table),
        reference_mask=reference_mask(table),
        state_to_reference=state_to_reference(table, built_in_hand(latent_space.config)),
        move_size=MOVE_SIZE,
        hidden=hidden,
        seed=seed,
    )


def save_high_level_policy(
    folder: str | PathLike[str],
    policy: HighLevelNetwork,
    latent_space: LatentSpace,
    info: Mapping[str, Any],
) -> Path:
    """Writes a high-level policy and its latent action space to `high_level.json` and
    `high_level.safetensors` in a folder.

    Args:
        folder: made if it is not there.
        policy: to write.
        latent_space: that it acts in.
        info: further metadata of the file; values of JSON.

    Returns:
        Path of the JSON file, by which the policy is loaded.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.core.checkpoint import save_named_checkpoint
    from musclehand.learning.torch_state import module_arrays

    info = {
        **latent_space_info(latent_space),
        **info,
        "high_level_sha256": high_level_hash(latent_space.config),
        "policy_sizes": list(policy.sizes),
    }
    arrays = {**module_arrays("policy", policy), **module_arrays("latent", latent_space.policy)}
    return save_named_checkpoint(Path(folder) / HIGH_LEVEL, arrays, info)


def load_high_level_policy(path: str | PathLike[str] | None = None) -> HighLevelPolicy:
    """Reads a high-level policy. Nothing in a file is ever executed.

    Args:
        path: its JSON file, such as `runs/generalist/policy/high_level.json`; by default the
            bundled policy, "sight_reading".

    Raises:
        CheckpointError: the file is damaged or no checkpoint.
        FileError: the policy was made for another hand or observation.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.core.checkpoint import load_checkpoint
    from musclehand.learning.policy import layer_sizes
    from musclehand.learning.torch_state import check_layers, load_module

    path = find_policy(path, HIGH_LEVEL, "sight_reading")
    checkpoint = upgrade(load_checkpoint(path), path)
    latent_space = latent_space_from_checkpoint(checkpoint, path)
    if checkpoint.info.get("high_level_sha256") != high_level_hash(latent_space.config):
        raise FileError(
            path, "was made for another observation than this release's; train it again"
        )
    hidden = layer_sizes(checkpoint.info)[1:-1]
    check_layers(hidden, checkpoint.arrays)
    policy = new_high_level_network(latent_space, hidden)
    load_module("policy", policy, checkpoint.arrays)
    return HighLevelPolicy(policy, latent_space, checkpoint.info)


def high_level_table(latent_space: LatentSpace) -> ObservationTable:
    """The table of the observation of high-level policies in a latent action space."""
    return piano_table(built_in_table(latent_space.config))
