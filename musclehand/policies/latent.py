"""Latent action spaces on file: encoder, prior and decoder, and the environment of training."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.observation import ObservationTable
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import decoder_mask
from musclehand.policies.files import LATENT_SPACE, find_policy
from musclehand.policies.fingerprint import (
    Fingerprint,
    built_in_fingerprint,
    built_in_hand,
    built_in_table,
    check_fingerprint,
    identity_of,
)
from musclehand.policies.layout import ENTRY as LAYOUT
from musclehand.policies.layout import hand_layout, layout_info
from musclehand.policies.previous_release import upgrade
from musclehand.policies.tracking import config_from, config_info

if TYPE_CHECKING:
    from musclehand.core.checkpoint import Checkpoint
    from musclehand.learning.vae import LatentPolicy

MAX_SIZE = 100_000
"""Largest layer or latent action that a file may have."""


class LatentSpace(NamedTuple):
    """A latent action space with the metadata of its file."""

    policy: LatentPolicy
    """Encoder, prior and decoder."""

    config: TrackingConfig
    """Environment that it was trained in: its observation and rate."""

    info: Mapping[str, Any]
    """Metadata of the file, such as data and settings of the training."""


def save_latent_space(
    folder: str | PathLike[str], policy: LatentPolicy, env: TrackingEnv, info: Mapping[str, Any]
) -> Path:
    """Writes a latent action space to `latent_space.json` and `latent_space.safetensors` in a
    folder.

    Args:
        folder: made if it is not there.
        policy: to write.
        env: that it was trained in.
        info: further metadata of the file; values of JSON.

    Returns:
        Path of the JSON file, by which the space is loaded.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.core.checkpoint import save_named_checkpoint
    from musclehand.learning.torch_state import module_arrays

    info = {
        **info,
        **identity_of(env),
        **config_info(env.config),
        **layout_info(hand_layout(env.body.hand)),
        **_sizes(policy),
    }
    path = Path(folder) / LATENT_SPACE
    return save_named_checkpoint(path, module_arrays("latent", policy), info)


def load_latent_space(path: str | PathLike[str] | None = None) -> LatentSpace:
    """Reads a latent action space. Nothing in a file is ever executed.

    Args:
        path: JSON file of the space, or of a high-level policy, whose file has its space; by
            default that of the bundled high-level policy, "sight_reading".

    Raises:
        CheckpointError: the file is damaged or no checkpoint.
        FileError: the space was made for another hand or observation.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.core.checkpoint import load_checkpoint

    path = find_policy(path, LATENT_SPACE, "sight_reading")
    return latent_space_from_checkpoint(upgrade(load_checkpoint(path), path), path)


def latent_space_info(latent_space: LatentSpace) -> dict[str, Any]:
    """Entries of a file's metadata from which `latent_space_from_checkpoint` restores a space."""
    info = latent_space.info
    return {
        **{name: info[name] for name in (*Fingerprint._fields, LAYOUT) if name in info},
        **config_info(latent_space.config),
        **_sizes(latent_space.policy),
    }


def latent_space_from_checkpoint(checkpoint: Checkpoint, path: Path) -> LatentSpace:
    """The latent action space whose tensors a checkpoint holds under "latent".

    Args:
        checkpoint: of a latent action space, or of a policy that acts in one.
        path: of its file, for messages.

    Raises:
        FileError: the space was made for another hand or observation, or the metadata of the file
            has no sizes.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.learning.torch_state import load_module

    info = checkpoint.info
    config = config_from(info, path)
    check_fingerprint(info, built_in_fingerprint(config), path, "distil")
    muscles = len(built_in_hand(config).muscles)
    policy = new_latent_policy(checkpoint, path, built_in_table(config), muscles)
    load_module("latent", policy, checkpoint.arrays)
    return LatentSpace(policy, config, info)


def new_latent_policy(
    checkpoint: Checkpoint, path: Path, table: ObservationTable, muscles: int
) -> LatentPolicy:
    """An untrained latent policy with layers of the sizes that a file names.

    Args:
        checkpoint: of a latent action space, or of a policy that acts in one.
        path: of its file, for messages.
        table: of the observation.
        muscles: number of muscles.

    Raises:
        FileError: the metadata of the file has no sizes.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.learning.torch_state import check_layers
    from musclehand.learning.vae import LatentPolicy

    info = checkpoint.info
    try:
        latent_size = int(info["latent_size"])
        action_repeat = int(info["action_repeat"])
        hidden = [int(size) for size in info["hidden"]]
        variational = bool(info["variational"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            path, f"does not say what it is ({type(error).__name__}: {error})"
        ) from error
    sizes = [latent_size, action_repeat, *hidden]
    if max(sizes) > MAX_SIZE:
        raise InvalidValue("sizes", sizes, f"up to {MAX_SIZE:,} each")
    check_layers([*hidden, latent_size], checkpoint.arrays)
    return LatentPolicy(
        decoder_mask(table),
        muscles,
        latent_size=latent_size,
        action_repeat=action_repeat,
        hidden=hidden,
        variational=variational,
    )


def _sizes(policy: LatentPolicy) -> dict[str, Any]:
    return {
        "latent_size": policy.latent_size,
        "action_repeat": policy.action_repeat,
        "hidden": list(policy.sizes[1:]),
        "variational": policy.variational,
    }
