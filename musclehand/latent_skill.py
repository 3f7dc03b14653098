"""Latent spaces of skill on file: what they were distilled from, and how they act in an environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from musclehand.core.errors import FileError
from musclehand.envs.tracking import TrackingConfig, TrackingEnv
from musclehand.envs.tracking_observation import own_state
from musclehand.tracking_policy import check_identity, config_from, config_info, identity_of, still_clip

if TYPE_CHECKING:
    from musclehand.learning.vae import LatentPolicy


class LatentSkill(NamedTuple):
    """A latent policy, the environment it is for, and what else its file says."""

    policy: LatentPolicy
    config: TrackingConfig
    info: Mapping[str, Any]


def save_latent_skill(folder: Path, policy: LatentPolicy, env: TrackingEnv, told: Mapping[str, Any]) -> Path:
    """Writes a latent policy; `told` is kept with it.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.learning.checkpoint import save_checkpoint
    from musclehand.learning.torch_state import module_arrays

    sizes = {"latent": policy.latent, "hold": policy.hold, "hidden": list(policy.sizes[1:])}
    info = {**told, **identity_of(env), **config_info(env.config), **sizes, "variational": policy.variational}
    return save_checkpoint(folder, 1, module_arrays("latent", policy), info)


def load_latent_skill(path: Path) -> LatentSkill:
    """Reads a latent policy. Nothing of a file is ever run.

    Raises:
        CheckpointError: it is damaged or no checkpoint.
        FileError: it was made for a body or an observation that are not those of now.
        InvalidValue: what it says of itself cannot be.
    """
    from musclehand.learning.checkpoint import load_checkpoint
    from musclehand.learning.torch_state import load_module
    from musclehand.learning.vae import LatentPolicy

    checkpoint = load_checkpoint(path)
    info = checkpoint.info
    config = config_from(info, path)
    probe = TrackingEnv([still_clip()], config)
    try:
        sizes = {"latent": int(info["latent"]), "hold": int(info["hold"])}
        hidden, variational = [int(size) for size in info["hidden"]], bool(info["variational"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(path, f"does not say what it is ({type(error).__name__}: {error})") from error
    check_identity(info, probe, path, "distil")
    state = own_state(probe.table)
    policy = LatentPolicy(state, probe.num_actions, **sizes, hidden=hidden, variational=variational)
    load_module("latent", policy, checkpoint.arrays)
    return LatentSkill(policy, config, info)
