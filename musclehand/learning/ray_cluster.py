"""Ray: many machines, or this one's cores. Only Ray Core is used, and only where it is asked for.

Ray runs what anyone who reaches its ports sends it: keep a cluster in a private network.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from musclehand.core.errors import InvalidValue, MusclehandError

LOCAL = "local"
"""The address of a cluster that is started on this machine, for as long as it is needed."""

PATIENCE = 300.0
"""How long to wait for a machine with room [s]. Ray takes up to half a minute to find out that
one has died."""

_LOOK = 1.0


class RayUnavailable(MusclehandError):
    """Ray is not installed, there is no cluster at an address, or none of its machines has room."""


class Outcome(NamedTuple):
    """What became of a job: its `result`, or the `error` it ended with."""

    result: Any
    error: str | None


def import_ray() -> Any:
    """The module.

    Raises:
        RayUnavailable: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise RayUnavailable(f"Ray needs `pip install 'musclehand[ray]'` ({error})") from error
    return ray


@contextmanager
def cluster(address: str | None = None, *, cpus: float = 1, least: float = 1) -> Iterator[Any]:
    """Ray, connected; one that is connected already is used as it is, and stays so.

    Args:
        address: of a cluster, "auto" for the one this machine is part of; None takes the
            environment's RAY_ADDRESS, or else starts one on this machine.
        cpus: that one machine has to have.
        least: CPUs that one started here counts as its own, if it has fewer: what takes turns comes
            to its end too.

    Raises:
        RayUnavailable: Ray is not installed, nothing answers, or no machine has so many CPUs.
    """
    ray = import_ray()
    mine = not ray.is_initialized()
    if mine:
        _connect(ray, address or os.environ.get("RAY_ADDRESS") or LOCAL, max(cpus, least))
    try:
        if not has_room(ray, cpus):
            raise RayUnavailable(f"no machine of the cluster has {cpus} CPUs; {describe_room(ray)}")
        yield ray
    finally:
        if mine:
            ray.shutdown()


def has_room(ray: Any, cpus: float) -> bool:
    """Whether a machine that is alive has so many CPUs, busy ones counted."""
    return any(node["Alive"] and node["Resources"].get("CPU", 0) >= cpus for node in ray.nodes())


def describe_room(ray: Any) -> str:
    """The machines that are alive, in words."""
    sizes = [f"{node['Resources'].get('CPU', 0):g}" for node in ray.nodes() if node["Alive"]]
    return f"machines alive: {len(sizes)}, with {', '.join(sizes) or 'no'} CPUs"


def run_jobs(
    work: Callable[[Any], Any], jobs: Sequence[Any], *, cpus: float = 1, patience: float = PATIENCE
) -> list[Outcome]:
    """Does jobs wherever there is room; one whose machine dies is begun again on another, as often
    as it takes.

    Args:
        work: what to do with a job; picklable, and to be left at any moment: what it has done so
            far it finds itself, by its own files in a folder that all machines share.
        jobs: picklable. Shape (n,).
        cpus: that each of them takes.
        patience: how long to go on when no machine has room [s].

    Returns:
        What became of each, in their order. An error of one does not stop the others.

    Raises:
        InvalidValue: `cpus` or `patience` is not above 0.
        RayUnavailable: no machine that is left has room.
    """
    if not (cpus > 0 and patience > 0):
        raise InvalidValue("cpus, patience", (cpus, patience), "above 0")
    ray = import_ray()
    remote = ray.remote(_attempt).options(
        num_cpus=cpus, max_retries=-1, scheduling_strategy="SPREAD"
    )
    asked = [remote.remote(work, job) for job in jobs]
    waiting = list(asked)
    since = time.monotonic()
    while waiting:
        _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=_LOOK)
        if has_room(ray, cpus):
            since = time.monotonic()
        elif time.monotonic() - since > patience:
            raise RayUnavailable(
                f"{len(waiting)} of {len(jobs)} jobs are left, and for {patience:g} s no machine had {cpus} CPUs; "
                f"{describe_room(ray)}"
            )
    return [_outcome(ray, one) for one in asked]


def _attempt(work: Callable[[Any], Any], job: Any) -> Outcome:
    try:
        return Outcome(work(job), None)
    except MusclehandError as error:
        # Errors with arguments of their own do not survive pickling.
        return Outcome(None, str(error))


def _outcome(ray: Any, asked: Any) -> Outcome:
    try:
        found: Outcome = ray.get(asked)
    except ray.exceptions.RayError as error:
        return Outcome(None, str(error))
    return found


def _connect(ray: Any, address: str, least: float) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        settings |= {
            "include_dashboard": False,
            "num_cpus": max(os.cpu_count() or 1, math.ceil(least)),
        }
    try:
        ray.init(address=address, **settings)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise RayUnavailable(f"no Ray cluster at {address!r}: {error}") from error
