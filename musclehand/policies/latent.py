"""Latent spaces of skill on file: what they were distilled from, and how they act in an
environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import own_state
from musclehand.policies.tracking import (
    check_identity,
    config_from,
    config_info,
    identity_of,
    still_clip,
)

if TYPE_CHECKING:
    from musclehand.core.checkpoint import Checkpoint
    from musclehand.learning.vae import LatentPolicy


class LatentSpace(NamedTuple):
    """A latent policy, the environment it is for, and what else its file says."""

    policy: LatentPolicy
    config: TrackingConfig
    info: Mapping[str, Any]


def save_latent_space(
    folder: Path, policy: LatentPolicy, env: TrackingEnv, told: Mapping[str, Any]
) -> Path:
    """Writes a latent policy; `told` is kept with it.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint
    from musclehand.learning.torch_state import module_arrays

    info = {**told, **identity_of(env), **config_info(env.config), **_sizes(policy)}
    return save_checkpoint(folder, 1, module_arrays("latent", policy), info)


def load_latent_space(path: Path) -> LatentSpace:
    """Reads a latent policy. Nothing of a file is ever run.

    Raises:
        CheckpointError: it is damaged or no checkpoint.
        FileError: it was made for a body or an observation that are not those of now.
        InvalidValue: what it says of itself cannot be.
    """
    from musclehand.core.checkpoint import load_checkpoint

    return latent_space_of(load_checkpoint(path), path)


def latent_space_info(skill: LatentSpace) -> dict[str, Any]:
    """What a file has to say of a latent space for `latent_space_of` to read it."""
    names = ("model_sha256", "observation_sha256")
    return {
        **{name: skill.info[name] for name in names},
        **config_info(skill.config),
        **_sizes(skill.policy),
    }


def latent_space_of(checkpoint: Checkpoint, path: Path) -> LatentSpace:
    """The latent space that a checkpoint holds under "latent"; errors as for
    `load_latent_space`."""
    from musclehand.learning.torch_state import check_layers, load_module
    from musclehand.learning.vae import LatentPolicy

    info = checkpoint.info
    config = config_from(info, path)
    probe = TrackingEnv([still_clip()], config)
    try:
        sizes = {"latent": int(info["latent"]), "hold": int(info["hold"])}
        hidden = [int(size) for size in info["hidden"]]
        variational = bool(info["variational"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            path, f"does not say what it is ({type(error).__name__}: {error})"
        ) from error
    check_identity(info, probe, path, "distil")
    if max([*sizes.values(), *hidden], default=0) > 100_000:
        raise InvalidValue("sizes", (sizes, hidden), "up to 100,000 each")
    check_layers([*hidden, sizes["latent"]], checkpoint.arrays)
    state = own_state(probe.table)
    policy = LatentPolicy(state, probe.num_actions, **sizes, hidden=hidden, variational=variational)
    load_module("latent", policy, checkpoint.arrays)
    return LatentSpace(policy, config, info)


def _sizes(policy: LatentPolicy) -> dict[str, Any]:
    hidden = list(policy.sizes[1:])
    return {
        "latent": policy.latent,
        "hold": policy.hold,
        "hidden": hidden,
        "variational": policy.variational,
    }
