"""Tracking policies on file: weights, and the environment that they were trained in."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musclehand.core.errors import FileError
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.policies.files import TRACKING, find_policy
from musclehand.policies.fingerprint import (
    built_in_fingerprint,
    built_in_hand,
    built_in_table,
    check_fingerprint,
    identity_of,
)
from musclehand.policies.layout import hand_layout, layout_info
from musclehand.policies.previous_release import upgrade

if TYPE_CHECKING:
    from musclehand.learning.policy import Policy


class TrackingPolicy(NamedTuple):
    """A tracking policy with the metadata of its file."""

    policy: Policy
    """The network."""

    config: TrackingConfig
    """Environment that it was trained in: its observation and rate."""

    info: Mapping[str, Any]
    """Metadata of the file, such as data and settings of the training."""

    def act(self, observation: np.ndarray, env: TrackingEnv) -> np.ndarray:
        """Excitations of n hands; this is an `envs.tracking.evaluation.Actor`. Shape (n, 46).

        Args:
            observation: shape (n, num_observations).
            env: not used.
        """
        return self.policy.act(observation)


def save_tracking_policy(
    folder: str | PathLike[str], policy: Policy, env: TrackingEnv, info: Mapping[str, Any]
) -> Path:
    """Writes a tracking policy to `tracking.json` and `tracking.safetensors` in a folder.

    Args:
        folder: made if it is not there.
        policy: to write.
        env: that it was trained in.
        info: further metadata of the file, such as data and settings of the training; values of
            JSON.

    Returns:
        Path of the JSON file, by which the policy is loaded.

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
        "policy_sizes": list(policy.sizes),
    }
    return save_named_checkpoint(Path(folder) / TRACKING, module_arrays("policy", policy), info)


def load_tracking_policy(path: str | PathLike[str] | None = None) -> TrackingPolicy:
    """Reads a tracking policy. Nothing in a file is ever executed.

    Args:
        path: its JSON file, such as `runs/track/policy/tracking.json`; or the name of a bundled
            policy, "tracking" (the default) or "tracking_delayed", which was trained with sensory
            delay.

    Raises:
        CheckpointError: the file is damaged or no checkpoint.
        FileError: the policy was made for another hand or observation.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.core.checkpoint import load_checkpoint
    from musclehand.learning.policy import policy_from_checkpoint

    path = find_policy(path, TRACKING, "tracking")
    checkpoint = upgrade(load_checkpoint(path), path)
    config = config_from(checkpoint.info, path)
    check_fingerprint(checkpoint.info, built_in_fingerprint(config), path, "train")
    policy = policy_from_checkpoint(
        checkpoint,
        num_observations=built_in_table(config).size,
        num_actions=len(built_in_hand(config).muscles),
    )
    return TrackingPolicy(policy, config, checkpoint.info)


def config_info(config: TrackingConfig) -> dict[str, Any]:
    """Entries of a file's metadata about the environment of its policy."""
    return {
        "sim_steps": config.sim_steps,
        "action_history": config.action_history,
        "keys": config.keys,
        "look_ahead": list(config.look_ahead),
    }


def config_from(info: Mapping[str, Any], path: Path) -> TrackingConfig:
    """The environment of a policy, by the metadata of its file.

    Args:
        info: metadata of the file.
        path: of the file, for the message.

    Raises:
        FileError: the metadata has no such entries.
        InvalidValue: the metadata has impossible values.
    """
    try:
        return TrackingConfig(
            num_envs=1,
            sim_steps=int(info["sim_steps"]),
            look_ahead=tuple(int(step) for step in info["look_ahead"]),
            action_history=int(info["action_history"]),
            keys=bool(info["keys"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            path, f"does not say what the policy is for ({type(error).__name__}: {error})"
        ) from error
