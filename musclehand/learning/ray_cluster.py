"""Connection to a Ray cluster, or to this machine's cores, and independent jobs on it.

Only Ray Core is used. Ray executes any code that is sent to its ports, so a cluster belongs
in a private network.
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
"""Address of a cluster that is started on this machine for as long as it is needed."""

PATIENCE = 300.0
"""[s] How long to wait for a machine with room. Ray takes up to half a minute to find out that a
machine has died."""

_POLL = 1.0
"""[s] Time between two queries of the jobs' state."""


class RayUnavailable(MusclehandError):
    """Ray is not installed, there is no cluster at an address, or none of its machines has room."""


class Outcome(NamedTuple):
    """The end of a job."""

    result: Any
    """What the job returned, None if it failed."""

    error: str | None
    """Text of the error it failed with, None if it did not."""


def import_ray() -> Any:
    """The module `ray`.

    Raises:
        RayUnavailable: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise RayUnavailable(f"Ray needs `pip install 'musclehand[ray]'` ({error})") from error
    return ray


@contextmanager
def cluster(address: str | None = None, *, cpus: float = 1, least: float = 1) -> Iterator[Any]:
    """Connects with a Ray cluster in the block; gives the module `ray`.

    A connection that exists already is used as it is, and stays.

    Args:
        address: of a cluster, "auto" for the one this machine is part of; None takes the
            environment variable RAY_ADDRESS, or else starts a cluster on this machine.
        cpus: CPUs that at least one machine has to have.
        least: CPUs that a cluster started here claims to have, if the machine has fewer; jobs
            then share its cores.

    Raises:
        RayUnavailable: Ray is not installed, nothing answers, or no machine has enough CPUs.
    """
    ray = import_ray()
    connects = not ray.is_initialized()
    if connects:
        _connect(ray, address or os.environ.get("RAY_ADDRESS") or LOCAL, max(cpus, least))
    try:
        if not has_room(ray, cpus):
            raise RayUnavailable(f"no machine of the cluster has {cpus} CPUs; {describe_room(ray)}")
        yield ray
    finally:
        if connects:
            ray.shutdown()


def has_room(ray: Any, cpus: float) -> bool:
    """Whether a machine that is alive has that number of CPUs, busy ones included.

    Args:
        ray: the module.
        cpus: number of CPUs.
    """
    return any(node["Alive"] and node["Resources"].get("CPU", 0) >= cpus for node in ray.nodes())


def describe_room(ray: Any) -> str:
    """Number and CPUs of the machines that are alive, in words."""
    sizes = [f"{node['Resources'].get('CPU', 0):g}" for node in ray.nodes() if node["Alive"]]
    return f"machines alive: {len(sizes)}, with {', '.join(sizes) or 'no'} CPUs"


def run_jobs(
    work: Callable[[Any], Any], jobs: Sequence[Any], *, cpus: float = 1, patience: float = PATIENCE
) -> list[Outcome]:
    """Does independent jobs on the machines of the cluster.

    A job whose machine dies is begun again on another one, as often as it takes. An error of one
    job does not stop the others.

    Args:
        work: does a job; picklable. It can be killed at any moment and has to find its own progress
            in files of a folder that all machines share.
        jobs: arguments of `work`, picklable.
        cpus: CPUs that each job takes.
        patience: how long to wait while no machine has room [s].

    Returns:
        The end of each job, in the order of `jobs`.

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
    references = [remote.remote(work, job) for job in jobs]
    waiting = list(references)
    last_room = time.monotonic()
    while waiting:
        _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=_POLL)
        if has_room(ray, cpus):
            last_room = time.monotonic()
        elif time.monotonic() - last_room > patience:
            raise RayUnavailable(
                f"{len(waiting)} of {len(jobs)} jobs are left, and for {patience:g} s no machine "
                f"had {cpus} CPUs; {describe_room(ray)}"
            )
    return [_outcome(ray, reference) for reference in references]


def _attempt(work: Callable[[Any], Any], job: Any) -> Outcome:
    try:
        return Outcome(work(job), None)
    except MusclehandError as error:
        # Exceptions whose `__init__` takes other arguments cannot be unpickled.
        return Outcome(None, str(error))


def _outcome(ray: Any, reference: Any) -> Outcome:
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Outcome(None, str(error))
    return outcome


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
