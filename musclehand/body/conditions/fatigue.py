"""Muscle fatigue: the three-compartment controller model, vectorised over muscles.

The motor units of a muscle are resting, active or fatigued, in the fractions MR + MA + MF = 1. A
controller activates resting units (or deactivates active ones) until the active ones meet the
target load. Active units fatigue at the rate F. Fatigued units recover at the rate R, and r times
as fast while the load is at most the active fraction (rest).

Sources: Xia & Frey-Law 2008 (J Biomech 41:3046); Frey-Law, Looft & Heitsman 2012 (J Biomech
45:1803); for the multiplier r Looft, Herkert & Frey-Law 2018 (J Biomech 77:16).

Differences from the source: activation and fatigue are integrated in turn, each by its exact
exponential, and not both by explicit Euler. Fractions then stay in 0..1 and add up to 1 for any
step. The error is of first order in the step, which is a hundredth of a second against time
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
"""[1/s] Rate at which units are activated and deactivated; the source's value for both, to which
it finds results insensitive (recalled)."""


class FatigueRates(NamedTuple):
    """Rates of one muscle, or of n muscles as arrays. Shape () or (n,) each."""

    fatigue: float | np.ndarray
    """[1/s] Rate F at which active units fatigue."""

    recovery: float | np.ndarray
    """[1/s] Rate R at which fatigued units recover under load."""

    rest: float | np.ndarray
    """Factor r on the recovery rate in rest."""


GENERAL = FatigueRates(0.0097, 0.00091, 15.0)
"""Default of MyoSuite 3 for any muscle, as quoted there (file `muscle_conditions.py`), not read in
the original source."""

FIRST_DORSAL_INTEROSSEUS = FatigueRates(0.02686, 0.00656, 3.41)
"""As quoted in MyoSuite 3 (which names Rakshit et al. 2021, J Biomech 110695), not read in its
source."""

ADDUCTOR_POLLICIS = FatigueRates(0.00558, 0.00283, 1.0)
"""As quoted in MyoSuite 3 (which names Rakshit et al. 2021, J Biomech 110695), not read in its
source."""


@dataclass(frozen=True)
class FatigueParameters:
    """Fatigue parameters of all muscles of a hand."""

    rates: FatigueRates = GENERAL
    """Rates of all muscles that `named` does not list."""

    named: Mapping[str, FatigueRates] = field(
        default_factory=lambda: MappingProxyType(
            {"DI1": FIRST_DORSAL_INTEROSSEUS, "ADPo": ADDUCTOR_POLLICIS, "ADPt": ADDUCTOR_POLLICIS}
        )
    )
    """Rates of single muscles, by name without side."""

    initial: float = 0.0
    """Fraction of every muscle that is fatigued at the start, 0 (fresh) to 1."""

    def of_muscles(self, muscles: Sequence[str]) -> FatigueRates:
        """Rates of some muscles as arrays, in the order of their names. Shape (n,) each."""
        rows = np.array(
            [self.named.get(muscle, self.rates) for muscle in muscles], dtype=float
        ).reshape(-1, 3)
        return FatigueRates(*rows.T)


class Compartments(NamedTuple):
    """Fractions of the motor units of n muscles, which add up to 1."""

    resting: np.ndarray
    """Fraction MR. Shape (n,)."""

    active: np.ndarray
    """Fraction MA. Shape (n,)."""

    fatigued: np.ndarray
    """Fraction MF. Shape (n,)."""


def fresh(count: int, *, fatigued: float = 0.0) -> Compartments:
    """Compartments of muscles at rest.

    Args:
        count: number of muscles.
        fatigued: fraction that is fatigued, 0 to 1.

    Raises:
        InvalidValue: `fatigued` not in 0..1.
    """
    if not 0.0 <= fatigued <= 1.0:
        raise InvalidValue("initial fatigue", fatigued, "a share from 0 to 1")
    return Compartments(np.full(count, 1.0 - fatigued), np.zeros(count), np.full(count, fatigued))


def fatigue_step(
    state: Compartments, load: np.ndarray, rates: FatigueRates, dt: float
) -> Compartments:
    """Advances the fractions by one step under a constant target load.

    Args:
        state: fractions before the step. Shape (n,) each.
        load: target load as a fraction of all motor units, 0..1. Shape (n,).
        rates: rates of the muscles.
        dt: step [s]; any length is stable, a short one is accurate.
    """
    resting, active, fatigued = state
    at_rest = active >= load
    goal = np.minimum(load, active + resting)
    moved = (goal - active) * -np.expm1(-CONTROLLER_RATE * dt)
    recovery = np.where(at_rest, np.multiply(rates.rest, rates.recovery), rates.recovery)
    active = active + moved
    resting = resting - moved
    # Each flow is exact by itself; inflow within the step counts from the next step on.
    tired = active * -np.expm1(-np.asarray(rates.fatigue) * dt)
    recovered = fatigued * -np.expm1(-recovery * dt)
    return Compartments(resting + recovered, active - tired, fatigued + tired - recovered)


class Fatigue:
    """Fatigue of a set of muscles over time."""

    def __init__(self, muscles: Sequence[str], parameters: FatigueParameters, dt: float) -> None:
        """Starts with the initial fatigue of the parameters.

        Args:
            muscles: names without side.
            parameters: rates and initial fatigue.
            dt: time between calls of `advance` [s].

        Raises:
            InvalidValue: initial fatigue not in 0..1.
        """
        self.rates = parameters.of_muscles(muscles)
        self.dt = dt
        self._initial = fresh(len(muscles), fatigued=parameters.initial)
        self.state = self._initial

    def reset(self) -> None:
        """Restores the initial fatigue."""
        self.state = self._initial

    @property
    def capacity(self) -> np.ndarray:
        """Fraction of each muscle's motor units that is not fatigued, 0..1. Shape (n,)."""
        return np.asarray(np.clip(1.0 - self.state.fatigued, 0.0, 1.0))

    def advance(self, load: np.ndarray) -> None:
        """Advances by one step.

        Args:
            load: target load as a fraction of all motor units, 0..1. Shape (n,).
        """
        self.state = fatigue_step(self.state, load, self.rates, self.dt)
