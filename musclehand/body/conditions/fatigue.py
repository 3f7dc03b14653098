"""Muscle fatigue: the three-compartment controller model, vectorised over muscles.

The motor units of a muscle are resting, active or fatigued, in the fractions MR + MA + MF = 1. A
controller brings resting ones to action (or back) until the active ones meet the load asked for;
active ones fatigue at the rate F, fatigued ones recover at the rate R, and r times as fast while
the load is no more than what is active (rest). Xia & Frey-Law 2008 (J Biomech 41:3046); Frey-Law,
Looft & Heitsman 2012 (J Biomech 45:1803); the multiplier r: Looft, Herkert & Frey-Law 2018 (J
Biomech 77:16).

Differences from the source: activation and fatigue are integrated one after the other, each by its
exact exponential, instead of both by explicit Euler. Fractions then stay in 0..1 and add up to 1
for any step; the error is of first order in the step, which is a hundredth of a second beside time
constants of minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue

CONTROLLER_RATE = 10.0
"""How fast units are brought to action and back [1/s]; the source's value for both, to which it
finds results insensitive (recalled)."""


class FatigueRates(NamedTuple):
    """Rates of a muscle: `fatigue` F [1/s], `recovery` R [1/s], `rest` r, how many times as fast it
    recovers in rest.

    Entries may be arrays, one value a muscle. Shape () or (n,).
    """

    fatigue: float | np.ndarray
    recovery: float | np.ndarray
    rest: float | np.ndarray


GENERAL = FatigueRates(0.0097, 0.00091, 15.0)
"""MyoSuite 3's default for any muscle, as quoted there (file `muscle_conditions.py`), not read
in its source."""

FIRST_DORSAL_INTEROSSEUS = FatigueRates(0.02686, 0.00656, 3.41)
"""As quoted in MyoSuite 3 (which names Rakshit et al. 2021, J Biomech 110695), not read in its
source."""

ADDUCTOR_POLLICIS = FatigueRates(0.00558, 0.00283, 1.0)
"""As quoted in MyoSuite 3 (which names Rakshit et al. 2021, J Biomech 110695), not read in its
source."""


@dataclass(frozen=True)
class FatigueParameters:
    """How the muscles of a hand tire.

    `rates` of all muscles but those of `named`, by muscle name; `initial`: share of every muscle
    that is fatigued at the start, 0 (fresh) to 1.
    """

    rates: FatigueRates = GENERAL
    named: Mapping[str, FatigueRates] = field(
        default_factory=lambda: MappingProxyType(
            {"DI1": FIRST_DORSAL_INTEROSSEUS, "ADPo": ADDUCTOR_POLLICIS, "ADPt": ADDUCTOR_POLLICIS}
        )
    )
    initial: float = 0.0

    def of_muscles(self, muscles: Sequence[str]) -> FatigueRates:
        """The rates of the muscles named, as arrays. Shape (n,) each."""
        rows = np.array(
            [self.named.get(muscle, self.rates) for muscle in muscles], dtype=float
        ).reshape(-1, 3)
        return FatigueRates(*rows.T)


class Compartments(NamedTuple):
    """Fractions of motor units: `resting`, `active`, `fatigued`. Shape (n,) each; they add up to
    1."""

    resting: np.ndarray
    active: np.ndarray
    fatigued: np.ndarray


def fresh(count: int, *, fatigued: float = 0.0) -> Compartments:
    """`count` muscles at rest, of which the share `fatigued` is fatigued.

    Raises:
        InvalidValue: `fatigued` not in 0..1.
    """
    if not 0.0 <= fatigued <= 1.0:
        raise InvalidValue("initial fatigue", fatigued, "a share from 0 to 1")
    return Compartments(np.full(count, 1.0 - fatigued), np.zeros(count), np.full(count, fatigued))


def fatigue_step(
    state: Compartments, load: np.ndarray, rates: FatigueRates, dt: float
) -> Compartments:
    """The fractions after `dt` [s] under a constant target load.

    Args:
        state: fractions now. Shape (n,) each.
        load: share of all motor units that the task asks for, 0..1. Shape (n,).
        rates: of the muscles.
        dt: step [s]; any length is stable, a short one is accurate.
    """
    resting, active, fatigued = state
    at_rest = active >= load
    goal = np.minimum(load, active + resting)
    moved = (goal - active) * -np.expm1(-CONTROLLER_RATE * dt)
    recovery = np.where(at_rest, np.multiply(rates.rest, rates.recovery), rates.recovery)
    active = active + moved
    resting = resting - moved
    # Each flow is exact by itself; what flows in within the step is left for the next.
    tired = active * -np.expm1(-np.asarray(rates.fatigue) * dt)
    recovered = fatigued * -np.expm1(-recovery * dt)
    return Compartments(resting + recovered, active - tired, fatigued + tired - recovered)


class Fatigue:
    """The fatigue of a set of muscles over time: what is left of each of them."""

    def __init__(self, muscles: Sequence[str], parameters: FatigueParameters, dt: float) -> None:
        """`muscles`: names without side, one a muscle; `dt`: time between calls of `advance` [s].

        Raises:
            InvalidValue: initial fatigue not in 0..1.
        """
        self.rates = parameters.of_muscles(muscles)
        self.dt = dt
        self._initial = fresh(len(muscles), fatigued=parameters.initial)
        self.state = self._initial

    def reset(self) -> None:
        """Back to the start."""
        self.state = self._initial

    @property
    def capacity(self) -> np.ndarray:
        """Share of each muscle's motor units that are not fatigued, 0..1. Shape (n,)."""
        return np.asarray(np.clip(1.0 - self.state.fatigued, 0.0, 1.0))

    def advance(self, load: np.ndarray) -> None:
        """One step under the load `load`, share of all motor units 0..1. Shape (n,)."""
        self.state = fatigue_step(self.state, load, self.rates, self.dt)
