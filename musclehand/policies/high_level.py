"""Planners on file: the network that says what it wants, and the latent space of skill that it
forms intentions in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.observation import ObservationTable
from musclehand.envs.piano.forearm import MOVE_SIZE
from musclehand.envs.piano.observation import (
    felt,
    from_the_hand,
    looked_at,
    piano_table,
    proprioception_of_high_level,
)
from musclehand.envs.tracking.observation import tracking_table
from musclehand.policies.latent import LatentSpace, latent_space_info, latent_space_of
from musclehand.sim.scene import build_scene

if TYPE_CHECKING:
    from musclehand.learning.high_level import HighLevelNetwork

BUNDLED = ("musclehand.models.planners", "000001.json")
"""Package and file of the planner that comes along."""


class HighLevelPolicy(NamedTuple):
    """A planner, its latent space of skill, and what else its file says."""

    policy: HighLevelNetwork
    skill: LatentSpace
    info: Mapping[str, Any]


def new_high_level_network(
    skill: LatentSpace, hidden: Sequence[int], *, seed: int = 0
) -> HighLevelNetwork:
    """A planner that knows nothing yet.

    Args:
        skill: latent space that it acts in.
        hidden: sizes of its layers between.
        seed: of its first weights.
    """
    from musclehand.learning.high_level import HighLevelNetwork

    table = _skill_table(skill)
    return HighLevelNetwork(
        skill.policy,
        seen=looked_at(table),
        felt=proprioception_of_high_level(table),
        shown=~felt(table),
        hand=from_the_hand(table, _hand()),
        moves=MOVE_SIZE,
        hidden=hidden,
        seed=seed,
    )


def transfer_high_level_network(skill: LatentSpace, known: HighLevelPolicy) -> HighLevelNetwork:
    """A planner that wants what another one does, and forms intentions of it in a latent space of
    its own.

    Args:
        skill: that latent space.
        known: the other planner.

    Raises:
        InvalidValue: the two spaces' encoders are not shown the same.
    """
    if _hash(skill) != _hash(known.skill):
        raise InvalidValue(
            "look_ahead, past", (skill.config.look_ahead, skill.config.past), "the known planner's"
        )
    policy = new_high_level_network(skill, known.policy.sizes[1:-1])
    policy.load_state_dict(known.policy.state_dict())
    return policy


def save_high_level_policy(
    folder: Path, policy: HighLevelNetwork, skill: LatentSpace, told: Mapping[str, Any]
) -> Path:
    """Writes a planner with its latent space; `told` is kept with it.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint
    from musclehand.learning.torch_state import module_arrays

    info = {
        **latent_space_info(skill),
        **told,
        "planner_sha256": _hash(skill),
        "policy_sizes": list(policy.sizes),
    }
    arrays = {**module_arrays("policy", policy), **module_arrays("latent", skill.policy)}
    return save_checkpoint(folder, 1, arrays, info)


def load_high_level_policy(path: Path | None = None) -> HighLevelPolicy:
    """Reads a planner, by default the one that comes along. Nothing of a file is ever run.

    Args:
        path: its JSON file.

    Raises:
        CheckpointError: it is damaged or no checkpoint.
        FileError: it was made for a body or an observation that are not those of now.
        InvalidValue: what it says of itself cannot be.
    """
    if path is None:
        with as_file(files(BUNDLED[0])) as folder:
            return load_high_level_policy(folder / BUNDLED[1])
    from musclehand.core.checkpoint import load_checkpoint
    from musclehand.learning.policy import layer_sizes
    from musclehand.learning.torch_state import check_layers, load_module

    checkpoint = load_checkpoint(path)
    skill = latent_space_of(checkpoint, path)
    if checkpoint.info.get("planner_sha256") != _hash(skill):
        raise FileError(
            path, "was made for another observation than this release's; train it again"
        )
    hidden = layer_sizes(checkpoint)[1:-1]
    check_layers(hidden, checkpoint.arrays)
    policy = new_high_level_network(skill, hidden)
    load_module("policy", policy, checkpoint.arrays)
    return HighLevelPolicy(policy, skill, checkpoint.info)


def _skill_table(skill: LatentSpace) -> ObservationTable:
    return tracking_table(_hand(), skill.config.look_ahead, past=skill.config.past)


def high_level_table(skill: LatentSpace) -> ObservationTable:
    """What planners in this space see."""
    return piano_table(_skill_table(skill))


@lru_cache(maxsize=1)
def _hand() -> HandIndex:
    """Looked up once: a scene takes a tenth of a second to build."""
    return next(iter(build_scene().hands.values()))


def _hash(skill: LatentSpace) -> str:
    """Of all that decides what the numbers mean that a planner sees and says."""
    table = _skill_table(skill)
    told = f"{high_level_table(skill)}\n{table}\n{from_the_hand(table, _hand()).round(6).tolist()}"
    return hashlib.sha256(told.encode()).hexdigest()
