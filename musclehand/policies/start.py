"""Trainings that begin with the weights of a policy for another hand.

Everywhere else a policy that was trained for another hand or observation is refused. Here its
weights are taken over, because training goes on: inputs are matched by the names of their blocks,
joints and muscles (`policies.layout`), outputs by the names of muscles. Inputs that only the new
hand has begin with weights of zero. A hand with other muscles is refused.

Each function also gives the *origin*, an entry of the new policy's metadata: the hashes of hand
and observation that the weights were trained for, and of the weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musclehand.core.checkpoint import Checkpoint, load_checkpoint
from musclehand.core.errors import FileError
from musclehand.envs.observation import ObservationTable
from musclehand.envs.piano.observation import input_mask, piano_table, reference_mask
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.envs.tracking.observation import decoder_mask
from musclehand.policies.files import HIGH_LEVEL, LATENT_SPACE, TRACKING, find_policy
from musclehand.policies.fingerprint import (
    Fingerprint,
    built_in_hand,
    built_in_table,
    observation_hash,
)
from musclehand.policies.high_level import HighLevelPolicy, new_high_level_network
from musclehand.policies.latent import (
    LatentSpace,
    latent_space_info,
    new_latent_policy,
)
from musclehand.policies.layout import (
    HandLayout,
    hand_layout,
    layout_from,
    layout_table,
    number_names,
)
from musclehand.policies.previous_release import upgrade
from musclehand.policies.tracking import TrackingPolicy, config_from, config_info

if TYPE_CHECKING:
    from musclehand.learning.high_level import HighLevelNetwork
    from musclehand.learning.policy import Policy
    from musclehand.learning.transfer import AxisMatch, AxisMatches
    from musclehand.learning.vae import LatentPolicy

Origin = dict[str, Any]
"""What the metadata of a policy say of the one that its training began with; values of JSON."""

START = "start"
"""Entry of a file's metadata that has an origin."""


class _Source(NamedTuple):
    """A policy whose weights are taken over."""

    checkpoint: Checkpoint
    """Content of its file."""

    path: Path
    """Of its file, for messages."""

    layout: HandLayout
    """Of its hand."""

    config: TrackingConfig
    """Environment that it was trained in."""

    table: ObservationTable
    """Its tracking table."""


class StartedPolicy(NamedTuple):
    """A tracking policy with the weights of another one."""

    policy: Policy
    """The network."""

    origin: Origin
    """What it began with."""

    new_inputs: np.ndarray
    """Which of its inputs the other policy did not have; their normalisation has to be fitted
    (`Policy.fit_normalisation`). Shape (num_observations,), bool."""


def start_tracking_policy(
    start: TrackingPolicy | str | PathLike[str], config: TrackingConfig
) -> StartedPolicy:
    """A network for the built-in hand with the weights of a tracking policy for any hand.

    Args:
        start: the policy, its JSON file, or the name of a bundled one.
        config: of the environment that the network is for.

    Raises:
        CheckpointError: the file is damaged or no checkpoint.
        FileError: the file is no tracking policy's; or the policy has other muscles or another rate
            than the environment, or an observation whose numbers have another meaning.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.learning.policy import Policy, layer_sizes
    from musclehand.learning.torch_state import check_layers, module_arrays
    from musclehand.learning.transfer import load_matched

    if isinstance(start, TrackingPolicy):
        info = {
            **start.info,
            **config_info(start.config),
            "policy_sizes": list(start.policy.sizes),
        }
        source = _source(Checkpoint(0, module_arrays("policy", start.policy), info), Path(TRACKING))
    else:
        source = _read(find_policy(start, TRACKING, "tracking"))
    _check_rate(source, config)
    sizes = layer_sizes(source.checkpoint.info)
    if (sizes[0], sizes[-1]) != (source.table.size, len(source.layout.muscles)):
        raise FileError(source.path, "is not the file of a tracking policy")
    hidden = sizes[1:-1]
    check_layers(hidden, source.checkpoint.arrays)
    layout = hand_layout(built_in_hand(config))
    table = built_in_table(config)
    policy = Policy(table.size, len(layout.muscles), hidden)
    inputs = _match_numbers(source, table, layout)
    outputs = _match_muscles(source, layout)
    last = f"layers.{2 * len(hidden)}"
    matches: dict[str, tuple[AxisMatch | None, ...]] = {
        "mean": (inputs,),
        "std": (inputs,),
        "layers.0.weight": (None, inputs),
        f"{last}.weight": (outputs, None if hidden else inputs),
        f"{last}.bias": (outputs,),
    }
    load_matched("policy", policy, source.checkpoint.arrays, matches)
    return StartedPolicy(policy, _origin(source, "policy/"), inputs.places < 0)


def start_latent_policy(
    start: LatentSpace | str | PathLike[str], teacher: TrackingPolicy
) -> tuple[LatentPolicy, Origin]:
    """A latent policy for the built-in hand with the weights of a latent space for any hand.

    Args:
        start: the latent space, its JSON file, or that of a high-level policy.
        teacher: tracking policy with the environment that the latent policy is for; inputs that
            only the new latent policy has are normalised as there.

    Returns:
        The latent policy, and its origin.

    Raises:
        CheckpointError: the file is damaged or no checkpoint.
        FileError: as in `start_tracking_policy`.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.learning.torch_state import module_arrays
    from musclehand.learning.transfer import load_matched

    if isinstance(start, LatentSpace):
        arrays = module_arrays("latent", start.policy)
        source = _source(Checkpoint(0, arrays, latent_space_info(start)), Path(LATENT_SPACE))
    else:
        source = _read(find_policy(start, LATENT_SPACE, "sight_reading"))
    _check_rate(source, teacher.config)
    layout = hand_layout(built_in_hand(teacher.config))
    table = built_in_table(teacher.config)
    policy = new_latent_policy(source.checkpoint, source.path, table, len(layout.muscles))
    policy.copy_normalisation(teacher.policy)
    matches = _latent_matches(policy, source, table, layout)
    load_matched("latent", policy, source.checkpoint.arrays, matches, keep=("state_mask",))
    return policy, _origin(source, "latent/")


def start_high_level_network(
    start: HighLevelPolicy | str | PathLike[str], latent_space: LatentSpace
) -> tuple[HighLevelNetwork, Origin]:
    """A high-level network in a latent space with the weights of a policy for any hand.

    It predicts the same references; the encoder of the latent space maps them to latent actions.

    Args:
        start: the policy, or its JSON file, or "sight_reading".
        latent_space: to act in; inputs that only the new network has are normalised as there.

    Returns:
        The network, and its origin.

    Raises:
        CheckpointError: the file is damaged or no checkpoint.
        FileError: as in `start_tracking_policy`; also if the encoders observe other references.
        InvalidValue: the metadata of the file has impossible values.
    """
    from musclehand.learning.policy import layer_sizes
    from musclehand.learning.torch_state import check_layers, module_arrays

    if isinstance(start, HighLevelPolicy):
        arrays = {
            **module_arrays("policy", start.policy),
            **module_arrays("latent", start.latent_space.policy),
        }
        info = {**latent_space_info(start.latent_space), "policy_sizes": list(start.policy.sizes)}
        source = _source(Checkpoint(0, arrays, info), Path(HIGH_LEVEL))
    else:
        source = _read(find_policy(start, HIGH_LEVEL, "sight_reading"))
    _check_rate(source, latent_space.config)
    hidden = layer_sizes(source.checkpoint.info)[1:-1]
    check_layers(hidden, source.checkpoint.arrays)
    network = new_high_level_network(latent_space, hidden)
    _load_high_level(network, source, latent_space)
    return network, _origin(source, "policy/", "latent/")


def arrays_hash(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the values of named arrays, in the order of their names."""
    return hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()


def _origin(source: _Source, *prefixes: str) -> Origin:
    """Hashes of hand and observation, and of the tensors whose names begin with the prefixes."""
    info = source.checkpoint.info
    arrays = source.checkpoint.arrays
    taken = {name: array for name, array in arrays.items() if name.startswith(prefixes)}
    hashes = {name: info[name] for name in Fingerprint._fields}
    return {**hashes, "weights_sha256": arrays_hash(taken)}


def _read(path: Path) -> _Source:
    return _source(upgrade(load_checkpoint(path), path), path)


def _source(checkpoint: Checkpoint, path: Path) -> _Source:
    """The policy, if the numbers of its observation mean what they mean in this release."""
    info = checkpoint.info
    config = config_from(info, path)
    layout = layout_from(info, path)
    table = layout_table(layout, config)
    if not set(Fingerprint._fields) <= info.keys() or (
        info["observation_sha256"] != observation_hash(table)
    ):
        raise FileError(
            path, "was made for an observation of another kind; training cannot begin with it"
        )
    return _Source(checkpoint, path, layout, config, table)


def _check_rate(source: _Source, config: TrackingConfig) -> None:
    if source.config.sim_steps != config.sim_steps:
        raise FileError(
            source.path,
            f"acts every {source.config.sim_steps} steps of the simulation, and the new policy"
            f" every {config.sim_steps} (sim_steps)",
        )


def _match_numbers(source: _Source, table: ObservationTable, layout: HandLayout) -> AxisMatch:
    from musclehand.learning.transfer import match_names

    return match_names(number_names(source.table, source.layout), number_names(table, layout))


def _match_muscles(source: _Source, layout: HandLayout) -> AxisMatch:
    """Muscles of the new hand in the earlier order."""
    from musclehand.learning.transfer import match_names

    missing = sorted(set(layout.muscles) - set(source.layout.muscles))
    surplus = sorted(set(source.layout.muscles) - set(layout.muscles))
    if missing or surplus:
        parts = [
            f"{verb} {', '.join(names)}"
            for verb, names in (("lacks", missing), ("has in excess", surplus))
            if names
        ]
        raise FileError(
            source.path,
            f"is for other muscles than this hand's: it {' and '.join(parts)};"
            " train without a start",
        )
    return match_names(source.layout.muscles, layout.muscles)


def _latent_matches(
    policy: LatentPolicy, source: _Source, table: ObservationTable, layout: HandLayout
) -> AxisMatches:
    from musclehand.learning.transfer import concatenate, select, unchanged

    inputs = _match_numbers(source, table, layout)
    state = select(inputs, decoder_mask(source.table), decoder_mask(table))
    decoded = concatenate(state, unchanged(policy.latent_size + policy.action_repeat))
    muscles = _match_muscles(source, layout)
    last = f"mlp.{2 * (len(policy.sizes) - 1)}"
    matches: dict[str, tuple[AxisMatch | None, ...]] = {
        "mean": (inputs,),
        "std": (inputs,),
    }
    for network, columns, rows in (
        ("encoder", inputs, None),
        ("prior", state, None),
        ("decoder", decoded, muscles),
    ):
        matches[f"{network}.mlp.0.weight"] = (None, columns)
        matches[f"{network}.skip.weight"] = (rows, columns)
        if rows is not None:
            matches[f"{network}.{last}.weight"] = (rows, None)
            matches[f"{network}.{last}.bias"] = (rows,)
    return matches


def _load_high_level(network: HighLevelNetwork, source: _Source, latent_space: LatentSpace) -> None:
    from musclehand.learning.transfer import concatenate, load_matched, select, unchanged

    layout = hand_layout(built_in_hand(latent_space.config))
    table = layout_table(layout, latent_space.config)
    tables = (source.table, table)
    inputs = _match_piano_numbers(source, table, layout)
    references = select(
        _match_numbers(source, table, layout), *(reference_mask(each) for each in tables)
    )
    if (references.places < 0).any() or len(references.places) != references.size:
        raise FileError(
            source.path,
            "predicts other references than the latent space's encoder observes: look_ahead and"
            " independent joints have to be the same",
        )
    outputs = concatenate(references, unchanged(network.move_size))
    columns = select(inputs, *(input_mask(each) for each in tables))
    # The state comes first in a piano table, with the numbers that the decoder gets.
    state = latent_space.policy.decoder_mask
    network.mean[: int(state.sum())] = latent_space.policy.mean[state]
    network.std[: int(state.sum())] = latent_space.policy.std[state]
    last = f"layers.{2 * (len(network.sizes) - 2)}"
    matches: dict[str, tuple[AxisMatch | None, ...]] = {
        "mean": (inputs,),
        "std": (inputs,),
        "target_mean": (outputs,),
        "target_std": (outputs,),
        "layers.0.weight": (None, columns),
        f"{last}.weight": (outputs, columns if len(network.sizes) == 2 else None),
        f"{last}.bias": (outputs,),
    }
    masks = ("input_mask", "proprioception_mask", "reference_mask")
    load_matched("policy", network, source.checkpoint.arrays, matches, keep=masks)


def _match_piano_numbers(source: _Source, table: ObservationTable, layout: HandLayout) -> AxisMatch:
    from musclehand.learning.transfer import match_names

    return match_names(
        number_names(piano_table(source.table), source.layout),
        number_names(piano_table(table), layout),
    )
