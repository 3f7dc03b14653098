"""Time constants (V38): how fast muscles are switched on and off."""

from __future__ import annotations

import numpy as np

from musclehand.body.muscle import muscle_parameters
from musclehand.validation.check import Check, Finding, Specimen, Verdict

RISE_MS = (5.0, 50.0)
"""Shortest and longest time constant of activation [ms]: the times from an action potential to the
peak of force, of the fastest and of slow muscles (OpenSim's documentation of first-order activation
dynamics, after Thelen 2003 and Winters 1995; read there)."""

FALL_MS = (RISE_MS[0], 4.0 * RISE_MS[1])
"""Shortest and longest time constant of deactivation [ms]: the same source has it longer than
that of activation, without a number; the factor is chosen, models have two to four."""

ROUNDING_MS = 1e-6
"""Excess over a limit that is rounding [ms]."""


def check_time_constants(specimen: Specimen) -> Finding:
    """V38: are muscles switched on and off as fast as people's?"""
    hand = specimen.hand
    params = muscle_parameters(specimen.model, hand.muscles)
    rise = 1e3 * params.tau_act
    fall = 1e3 * params.tau_deact
    excess = np.maximum(_outside(rise, RISE_MS), _outside(fall, FALL_MS))
    wrong = [int(i) for i in np.argsort(-excess) if excess[i] > ROUNDING_MS]
    offenders = tuple(
        f"{hand.muscle_names[i]}: activation {rise[i]:g} ms, deactivation {fall[i]:g} ms; "
        f"people {RISE_MS[0]:g} to {RISE_MS[1]:g} and {FALL_MS[0]:g} to {FALL_MS[1]:g} ms"
        for i in wrong
    )
    summary = (
        f"activation {rise.min():g} to {rise.max():g} ms, "
        f"deactivation {fall.min():g} to {fall.max():g} ms"
    )
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(verdict, summary, float(rise.max()), offenders)


def _outside(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """How far values are outside limits; 0 or less within."""
    return np.maximum(limits[0] - values, values - limits[1])


CHECKS: tuple[Check, ...] = (
    Check(
        code="V38",
        title="Time constants",
        asks="Are muscles switched on and off as fast as people's?",
        threshold=(
            f"activation {RISE_MS[0]:g} to {RISE_MS[1]:g} ms, "
            f"deactivation {FALL_MS[0]:g} to {FALL_MS[1]:g} ms"
        ),
        source=(
            "activation: times to the peak of force in OpenSim's documentation (after Thelen and "
            "Winters); deactivation: chosen"
        ),
        run=check_time_constants,
    ),
)
"""The checks of this module."""
