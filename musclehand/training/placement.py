"""Where the environments of one training run: in this process, in shards, or on a Ray cluster.

Shards are environments with a part of the hands each, whose random numbers follow from the run's
seed and the shard's number. Where a shard runs does not change a bit of what it computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.ray_cluster import cluster
from musclehand.learning.ray_shards import RayShards
from musclehand.learning.shards import LocalShards, ShardedEnv, ShardGroup, shard_seed

__all__ = ["TrackingEnvMaker", "place_env", "ray_address"]


@dataclass(frozen=True)
class TrackingEnvMaker:
    """Makes shards of a tracking environment; it can be pickled and sent to other machines."""

    references: ReferenceSet
    """Motion to follow."""

    config: TrackingConfig
    """Of one shard."""

    seed: int
    """Of the run."""

    bad_states: Path
    """Folder for states of worlds that became unstable, with a folder for each shard."""

    def __call__(self, number: int) -> TrackingEnv:
        """The shard of a number, from 0."""
        folder = self.bad_states / f"shard_{number}"
        seed = shard_seed(self.seed, number)
        return TrackingEnv(self.references, self.config, seed=seed, bad_states=folder)


@contextmanager
def place_env(
    pattern: TrackingEnv,
    config: TrackingConfig,
    *,
    seed: int,
    shards: int,
    ray: Sequence[str] | None,
    bad_states: Path,
) -> Iterator[TrackingEnv | ShardedEnv]:
    """Opens the environment that a stage of a training learns in.

    Args:
        pattern: an environment that follows the same references; it is given back if it has the
            wanted configuration.
        config: of the environment; `num_envs` is the number of hands over all shards.
        seed: of the random numbers.
        shards: number of shards.
        ray: address of a Ray cluster, or () for one on this machine's cores; None for this
            process.
        bad_states: folder for states of worlds that became unstable.

    Raises:
        InvalidValue: the hands cannot be divided evenly, or a cluster was asked for with nothing
            to place on it.
        RayUnavailable: there is no such cluster.
    """
    if shards == 1:
        if ray is not None:
            raise InvalidValue("ray", ray, "given with seeds or shards, to have something to place")
        if config is pattern.config:
            yield pattern
        else:
            # Also where the configuration is equal: a stage begins with new hands.
            yield TrackingEnv(pattern.references, config, seed=seed, bad_states=bad_states)
        return
    if shards < 1 or config.num_envs % shards:
        raise InvalidValue("shards", shards, f"a divisor of {config.num_envs} hands")
    part = replace(config, num_envs=config.num_envs // shards)
    make = TrackingEnvMaker(pattern.references, part, seed, bad_states.resolve())
    threads = config.num_threads
    connection = cluster(ray_address(ray), cpus=threads, least=shards * threads)
    with nullcontext() if ray is None else connection:
        group: ShardGroup = (
            LocalShards(make, shards) if ray is None else RayShards(make, shards, cpus=threads)
        )
        try:
            yield ShardedEnv(group)
        finally:
            group.close()


def ray_address(ray: Sequence[str] | None) -> str | None:
    """The address of a cluster as an option gives it, None if it gives none.

    Raises:
        InvalidValue: more than one address.
    """
    if ray is not None and len(ray) > 1:
        raise InvalidValue("ray", " ".join(ray), "one address or none")
    return ray[0] if ray else None
