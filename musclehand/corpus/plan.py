"""Plan of a generated motion corpus, its jobs, and the content of a shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip

ITEMS_PER_JOB = 6
"""Scores and motions in a shard: about 75 s of motion."""

ITEM_SECONDS = 12.6
"""[s] Mean length of an item, measured over the stream of `musclehand.corpus.record`."""

MOST_HOURS = 10_000.0
"""[h] Largest corpus."""


@dataclass(frozen=True)
class CorpusPlan:
    """Size and seed of a corpus. A plan with more hours continues a smaller corpus.

    Raises:
        InvalidValue: a number is out of range.
    """

    hours: float = 1.0
    """[h] Approximate time of music and other motion, both hands at once."""

    seed: int = 0
    """Seed of all random numbers."""

    chorales: bool = False
    """Include Bach's chorales, which needs music21."""

    def __post_init__(self) -> None:
        if not 0 < self.hours <= MOST_HOURS:
            raise InvalidValue("hours", self.hours, f"above 0 and at most {MOST_HOURS:g}")
        if self.seed < 0:
            raise InvalidValue("seed", self.seed, "0 or more")

    def jobs(self) -> tuple[CorpusJob, ...]:
        """The jobs that generate the corpus, one for each shard."""
        count = max(1, round(3600 * self.hours / (ITEMS_PER_JOB * ITEM_SECONDS)))
        return tuple(CorpusJob(number, self.seed, self.chorales) for number in range(count))


class CorpusJob(NamedTuple):
    """The work of a shard: `ITEMS_PER_JOB` consecutive items of the stream of a seed."""

    number: int
    """Number of the shard, from 0; its first item is `ITEMS_PER_JOB` times as far in the stream."""

    seed: int
    """Seed of the stream."""

    chorales: bool
    """The stream includes chorales."""

    @property
    def shard(self) -> str:
        """File name of the shard."""
        return f"shard_{self.number:05d}.h5"


class ShardContent(NamedTuple):
    """Result of a job."""

    clips: tuple[MotionClip, ...]
    """Clips with unique names."""

    failures: tuple[str, ...] = ()
    """Sentences about items that could not be generated."""
