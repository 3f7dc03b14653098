"""Names of worlds and predictors, and limits of delays: what options are checked with, without a
heavy library."""

from __future__ import annotations

from typing import NamedTuple

from musclehand.core.errors import InvalidValue

OBSERVER, ROLLOUT = "observer", "rollout"

PREDICTORS = (OBSERVER, ROLLOUT)
"""Ways to correct a player's belief by late senses (`world.predictor`)."""

LONGEST_DELAY = 0.2
"""[s] Longest delay of senses or commands. A person's long reflex loop takes half of it."""

SURROGATE = "surrogate"

TIERS = ("t0", "t1")
"""Tiers of surrogate worlds: the player's structure with other numbers, and other structure."""

LARGEST_SEED = 2**31 - 1


class SurrogateName(NamedTuple):
    """Which surrogate world is meant."""

    tier: str
    """One of `TIERS`."""

    seed: int
    """Of its draw, 0 to `LARGEST_SEED`."""

    def __str__(self) -> str:
        return f"{SURROGATE}:{self.tier}:{self.seed}"


def parse_world(name: str) -> SurrogateName:
    """The surrogate world that a name such as "surrogate:t1:7" means.

    Raises:
        InvalidValue: it means none.
    """
    kind, *rest = name.split(":")
    if kind == SURROGATE and len(rest) == 2 and rest[0] in TIERS:
        tier, seed = rest
        if seed.isascii() and seed.isdigit() and len(seed) <= 10 and int(seed) <= LARGEST_SEED:
            return SurrogateName(tier, int(seed))
    raise InvalidValue("world", name, f"surrogate:{'|'.join(TIERS)}:SEED, such as surrogate:t1:7")


def check_delay(name: str, delay: float) -> None:
    """Checks a delay [s].

    Args:
        name: of the delay, for the error.
        delay: 0 to `LONGEST_DELAY`.

    Raises:
        InvalidValue: it is out of range.
    """
    if not 0.0 <= delay <= LONGEST_DELAY:
        raise InvalidValue(name, f"{1e3 * delay:g} ms", f"0 to {1e3 * LONGEST_DELAY:g} ms")
