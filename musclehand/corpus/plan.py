"""What a corpus of motion consists of: a plan, its jobs, and what a job makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip

ITEMS_PER_JOB = 6
"""Scores and motions in a shard: some 75 s of motion."""

ITEM_SECONDS = 12.6
"""How long one of them lasts on average [s]: measured over the stream of
`musclehand.corpus.record`."""

MOST_HOURS = 10_000.0


@dataclass(frozen=True)
class CorpusPlan:
    """What a corpus is made of: about so many hours, a seed, and whether Bach's chorales (needs
    music21) are in it.

    An hour is one of music or of other motion, both hands at once. More hours continue a smaller
    corpus.
    """

    hours: float = 1.0
    seed: int = 0
    chorales: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.hours <= MOST_HOURS:
            raise InvalidValue("hours", self.hours, f"above 0 and at most {MOST_HOURS:g}")
        if self.seed < 0:
            raise InvalidValue("seed", self.seed, "0 or more")

    def jobs(self) -> tuple[CorpusJob, ...]:
        """The jobs, as many as it takes."""
        count = max(1, round(3600 * self.hours / (ITEMS_PER_JOB * ITEM_SECONDS)))
        return tuple(CorpusJob(number, self.seed, self.chorales) for number in range(count))


class CorpusJob(NamedTuple):
    """One shard's work: items `ITEMS_PER_JOB` * `number` and following of the stream of a seed."""

    number: int
    seed: int
    chorales: bool

    @property
    def shard(self) -> str:
        """Name of its file."""
        return f"shard_{self.number:05d}.h5"


class ShardContent(NamedTuple):
    """What a job made: clips with names of their own, and what failed, as sentences."""

    clips: tuple[MotionClip, ...]
    failures: tuple[str, ...] = ()
