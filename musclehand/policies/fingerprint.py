"""Fingerprints of body and observation: a policy's file names by them what it was trained for.

A policy fits one hand and one observation. Both are described by texts, whose SHA-256 hashes are
written into its file and compared when it is loaded. No environment is built for that: the model of
the hand is built once in a process, and the observation follows from it and the configuration.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import FileError
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.piano.observation import piano_table, state_to_reference
from musclehand.envs.tracking.body import tracking_model
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import tracking_table
from musclehand.sim.backend_choice import describe_backend

if TYPE_CHECKING:
    import mujoco

MODEL_FIELDS = (
    *("body_mass", "body_inertia", "body_pos", "body_quat", "body_ipos"),
    *("jnt_range", "jnt_axis", "jnt_stiffness", "dof_damping", "dof_armature"),
    *("site_pos", "geom_size", "geom_pos", "tendon_num", "wrap_objid", "eq_data"),
    *("actuator_gainprm", "actuator_biasprm", "actuator_dynprm", "actuator_lengthrange"),
    "actuator_gear",
)
"""Fields of `MjModel` from which the motion of a hand follows."""


class Fingerprint(NamedTuple):
    """Hashes of what a policy was trained for."""

    model_sha256: str
    """Of the model of hand and keyboard (`describe_model`)."""

    observation_sha256: str
    """Of the table of the observation (`observation_hash`)."""


def built_in_fingerprint(config: TrackingConfig) -> Fingerprint:
    """The fingerprint of the built-in hand in a tracking environment.

    Args:
        config: of the environment, with or without keys, and with its observation.
    """
    return Fingerprint(_built_in_model_hash(config.keys), observation_hash(built_in_table(config)))


def built_in_hand(config: TrackingConfig) -> HandIndex:
    """Where the built-in hand is in the model of a tracking environment."""
    _, hand, _ = tracking_model(Side.RIGHT, config.keys, None)
    return hand


def built_in_table(config: TrackingConfig) -> ObservationTable:
    """Table of the observation of the built-in hand in a tracking environment."""
    return tracking_table(
        built_in_hand(config), config.look_ahead, action_history=config.action_history
    )


def identity_of(env: TrackingEnv) -> dict[str, str | None]:
    """What a run in an environment has to agree with: the fingerprint of its hand, which may be
    another than the built-in one, and what simulates it (`sim.backend_choice.describe_backend`)."""
    fingerprint = Fingerprint(_sha256(describe_model(env.body.model)), observation_hash(env.table))
    return {**fingerprint._asdict(), **describe_backend(env.config.backend)}


def check_fingerprint(
    info: Mapping[str, Any], fingerprint: Fingerprint, path: Path, remedy: str
) -> None:
    """Compares the fingerprint in a file with another one.

    Args:
        info: metadata of the file.
        fingerprint: that it has to have.
        path: of the file, for the message.
        remedy: what to do again with the policy otherwise, such as "train".

    Raises:
        FileError: the policy was made for another hand or observation.
    """
    for name, subject in (("model_sha256", "hand"), ("observation_sha256", "observation")):
        if info.get(name) != getattr(fingerprint, name):
            raise FileError(
                path, f"was made for another {subject} than this release's; {remedy} it again"
            )


def high_level_hash(config: TrackingConfig) -> str:
    """Hash of everything that decides what the inputs and outputs of a high-level policy mean.

    Args:
        config: of its latent action space.
    """
    hand = built_in_hand(config)
    table = built_in_table(config)
    matrix = state_to_reference(table, hand).round(6).tolist()
    return _sha256(f"{hashed_text(piano_table(table))}\n{hashed_text(table)}\n{matrix}")


def observation_hash(table: ObservationTable) -> str:
    """SHA-256 of an observation's table (`hashed_text`)."""
    return _sha256(hashed_text(table))


def describe_model(model: mujoco.MjModel) -> str:
    """A model's behaviour as a text, to five digits: the same on every machine, unlike MuJoCo's
    binary file of it."""
    lines = [
        hashlib.sha256(bytes(model.names)).hexdigest(),
        f"{model.opt.timestep:.4e} {int(model.opt.integrator)}",
    ]
    for name in MODEL_FIELDS:
        values = np.ravel(getattr(model, name)).astype(float)
        values = np.where(np.abs(values) < 1e-9, 0.0, values)
        lines.append(f"{name} " + " ".join(f"{value:.4e}" for value in values))
    return "\n".join(lines)


@lru_cache(maxsize=2)
def _built_in_model_hash(keys: bool) -> str:
    model, _, _ = tracking_model(Side.RIGHT, keys, None)
    return _sha256(describe_model(model))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_NOTE = (
    "there is one, begins in, ends in, velocity, the key from the fingertip, x, y, z, and from the "
    "wrist, x, y, and shares of the moments in which it begins, and ends; of each finger"
)
_HASHED: Mapping[str, tuple[str, str]] = {
    "angle": ("angle", "joint angles"),
    "speed": ("speed", "joint speeds"),
    "activation": ("activation", "of the muscles"),
    "length": ("length", "fibre lengths, from 1 on"),
    "velocity": ("velocity", "fibre speeds, lengthening positive"),
    "force": ("force", "tendon forces"),
    "tip": ("tip", "fingertips from the middle finger's wanted place, x, y, z of each"),
    "tip_error": ("tip_error", "from the fingertips to where they should be after this step"),
    "angle_error": ("angle_error", "from the joints to where they should be after this step"),
    "speed_error": ("speed_error", "the same of their speeds"),
    "speed_reference": ("speed_wanted", "joint speeds wanted after this step"),
    "ahead_#": ("ahead_#", "from the angles wanted after this step to those # on"),
    "forearm": ("forearm", "yaw, pitch and roll of the forearm"),
    "forearm_error": ("forearm_error", "from the forearm to where it should be after this step"),
    "forearm_speed": ("forearm_speed", "wanted after this step"),
    "forearm_acceleration": ("forearm_push", "acceleration wanted after this step"),
    "excitation_#": ("excitation_#", "# steps ago"),
    "press": ("press", "force that each finger owes to its key after this step"),
    "load": ("load", "mass of the key that each finger moves by then"),
    "delay": ("delay", "how late the senses are"),
    "height": ("height", "fingertips along and above the keys, y and z of each"),
    "hand": ("hand", "fingertips from the wrist, x and y of each"),
    "wrist": ("wrist", "along and above the keys, y and z"),
    "carried": ("carried", "speed of the forearm"),
    "held": ("held", _NOTE),
    "next_#": ("next_#", _NOTE),
    "approach": ("approach", "where the key of the next note is, by when it begins; of each"),
    "other": ("other", "the other forearm from this one, and its speed"),
}
"""Name and meaning of blocks in the text that is hashed, by the blocks' names; # is a number.

They are those of the first release and stay as they are, so that a better wording of a table does
not make policies useless. A new block, or a changed one, belongs here only if it gets a new
name."""


def hashed_text(table: ObservationTable) -> str:
    """A table as the text that is hashed: names, places, scales and meanings of its blocks."""
    lines = [f"{'block':<22}{'from':>6}{'to':>6}  {'1 is':<14}what it is"]
    for block in table.blocks:
        name, meaning = _hashed_words(block)
        place = table.slice(block.name)
        scale = f"{block.scale:g} {block.unit}"
        lines.append(f"{name:<22}{place.start:>6}{place.stop:>6}  {scale:<14}{meaning}")
    return "\n".join(lines)


def _hashed_words(block: Block) -> tuple[str, str]:
    number = re.search(r"(?<=_)[0-9]+$", block.name)
    if number is None:
        return _HASHED.get(block.name, (block.name, block.meaning))
    pattern = f"{block.name[: number.start()]}#"
    if pattern not in _HASHED:
        return block.name, block.meaning
    name, meaning = (words.replace("#", number.group()) for words in _HASHED[pattern])
    return name, meaning
