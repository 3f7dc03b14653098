"""Policies that follow motion, on file: what they were made for, and how they act in an
environment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mujoco
import numpy as np

from musclehand.core.errors import FileError
from musclehand.core.time_steps import CONTROL_DT
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.sim.backend_choice import describe_backend

if TYPE_CHECKING:
    from musclehand.learning.policy import Policy

BUNDLED = ("musclehand.models.policies", "000001.json")
"""Package and file of the policy that comes along."""

DESCRIBING = (
    *("body_mass", "body_inertia", "body_pos", "body_quat", "body_ipos"),
    *("jnt_range", "jnt_axis", "jnt_stiffness", "dof_damping", "dof_armature"),
    *("site_pos", "geom_size", "geom_pos", "tendon_num", "wrap_objid", "eq_data"),
    *(
        "actuator_gainprm",
        "actuator_biasprm",
        "actuator_dynprm",
        "actuator_lengthrange",
        "actuator_gear",
    ),
)
"""Fields of a model that its behaviour follows from."""


class TrackingPolicy(NamedTuple):
    """A policy, the environment it is for, and what else its file says. `act` is an `Actor`."""

    policy: Policy
    config: TrackingConfig
    info: Mapping[str, Any]

    def act(self, observation: np.ndarray, env: TrackingEnv) -> np.ndarray:
        """Excitations of n hands. Shape (n, 46)."""
        return self.policy.act(observation)


def identity_of(env: TrackingEnv) -> dict[str, str | None]:
    """Hashes of the body and of the observation's table: a policy fits no others. And what
    simulates it (`sim.backend_choice.describe_backend`)."""
    hashes = {"model_sha256": describe_model(env.body.model), "observation_sha256": str(env.table)}
    known: dict[str, str | None] = {
        name: hashlib.sha256(text.encode()).hexdigest() for name, text in hashes.items()
    }
    return known | describe_backend(env.config.backend)


def check_identity(info: Mapping[str, Any], env: TrackingEnv, path: Path, again: str) -> None:
    """Holds what a file says of itself against an environment; `again`: what to do with it anew
    otherwise.

    Raises:
        FileError: it was made for another body or observation.
    """
    here = identity_of(env)
    for name, what in (
        ("model_sha256", "another hand"),
        ("observation_sha256", "another observation"),
    ):
        if info.get(name) != here[name]:
            raise FileError(path, f"was made for {what} than this release's; {again} it again")


def describe_model(model: mujoco.MjModel) -> str:
    """What makes a body what it is, to five digits: the same on every machine, other than
    MuJoCo's own file of it."""
    lines = [
        hashlib.sha256(bytes(model.names)).hexdigest(),
        f"{model.opt.timestep:.4e} {int(model.opt.integrator)}",
    ]
    for name in DESCRIBING:
        values = np.ravel(getattr(model, name)).astype(float)
        values = np.where(np.abs(values) < 1e-9, 0.0, values)
        lines.append(f"{name} " + " ".join(f"{value:.4e}" for value in values))
    return "\n".join(lines)


def save_tracking_policy(
    folder: Path, policy: Policy, env: TrackingEnv, told: Mapping[str, Any]
) -> Path:
    """Writes a policy; `told` is kept with it (data, steps, seed, command).

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint
    from musclehand.learning.torch_state import module_arrays

    info = {
        **told,
        **identity_of(env),
        **config_info(env.config),
        "policy_sizes": list(policy.sizes),
    }
    return save_checkpoint(folder, 1, module_arrays("policy", policy), info)


def load_tracking_policy(path: Path | None = None) -> TrackingPolicy:
    """Reads a policy, by default the one that comes along. Nothing of a file is ever run.

    Args:
        path: its JSON file, such as `runs/track_hand/policy/000001.json`.

    Raises:
        CheckpointError: it is damaged or no checkpoint.
        FileError: it was made for a body or an observation that are not those of now.
        InvalidValue: what it says of itself cannot be.
    """
    if path is None:
        with as_file(files(BUNDLED[0])) as folder:
            return load_tracking_policy(folder / BUNDLED[1])
    from musclehand.core.checkpoint import load_checkpoint
    from musclehand.learning.policy import policy_of

    checkpoint = load_checkpoint(path)
    info = checkpoint.info
    config = config_from(info, path)
    probe = TrackingEnv([still_clip()], config)
    check_identity(info, probe, path, "train")
    policy = policy_of(checkpoint, observations=probe.num_observations, actions=probe.num_actions)
    return TrackingPolicy(policy, config, info)


def config_info(config: TrackingConfig) -> dict[str, Any]:
    """What a file says of the environment that its policy is for."""
    names = ("sim_steps", "past", "keys")
    return {
        **{name: getattr(config, name) for name in names},
        "look_ahead": list(config.look_ahead),
    }


def config_from(info: Mapping[str, Any], path: Path) -> TrackingConfig:
    """The environment that a file says its policy is for.

    Raises:
        FileError: it does not say so.
        InvalidValue: what it says cannot be.
    """
    try:
        return TrackingConfig(
            num_envs=1,
            sim_steps=int(info["sim_steps"]),
            look_ahead=tuple(int(step) for step in info["look_ahead"]),
            past=int(info["past"]),
            keys=bool(info["keys"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            path, f"does not say what the policy is for ({type(error).__name__}: {error})"
        ) from error


def still_clip() -> Any:
    """A clip in which nothing moves, to look at an environment with."""
    from musclehand.body.anatomy import DIGITS, FOREARM_AXES, HAND_JOINTS, Side
    from musclehand.motion.clip import MotionClip

    rows = 200
    return MotionClip(
        name="still",
        kind="still",
        pattern="still",
        side=Side.RIGHT,
        dt=CONTROL_DT,
        qpos=np.zeros((rows, len(HAND_JOINTS))),
        qvel=np.zeros((rows, len(HAND_JOINTS))),
        forearm=np.zeros((rows, len(FOREARM_AXES))),
        fingertips=np.zeros((rows, len(DIGITS), 3)),
        notes=np.zeros((0, 5)),
    )
