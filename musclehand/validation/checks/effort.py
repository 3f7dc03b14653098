"""Effort of an idle hand (V34): how active its muscles must be to hold it where it rests."""

from __future__ import annotations

import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.effort import holding_effort
from musclehand.body.posture import PLAYING_POSTURE_DEG, couple, named_posture
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict

RESTING = (0.02, 0.05)
"""Largest activation at rest that warns and that fails: the static load that should not and that
must not be exceeded (Jonsson 1982, J Hum Ergol 11:73, recalled; 2 and 5 % of maximal contraction).
A relaxed muscle is electrically silent."""

PLAYING = (0.10, 0.14)
"""The same in playing posture, which is held between notes: the median load of Jonsson 1982."""

NOTABLE = 0.01
"""Least activation of a muscle that a report names; chosen."""

MOST_NAMED = 6
"""Most muscles that a report names for a posture; chosen."""


def check_idle_effort(specimen: Specimen) -> Finding:
    """V34: do an idle hand's muscles have little to do?"""
    model = specimen.model
    hand = specimen.hand
    playing = couple(hand, named_posture(hand, PLAYING_POSTURE_DEG, hand.limits(model)))
    postures = {
        "at rest": (rest_angles(model, hand), RESTING),
        "in playing posture": (playing, PLAYING),
    }
    fails = False
    warns = False
    parts = []
    offenders = []
    series = []
    largest = []
    for label, (posture, (should, must)) in postures.items():
        effort = holding_effort(model, hand, posture)
        largest.append(effort.largest)
        fails |= effort.largest > must
        warns |= effort.largest > should
        if not np.isfinite(effort.largest):
            parts.append(f"{label} no activations hold the hand")
            offenders.append(f"{label}: muscles cannot balance the passive torques")
            continue
        parts.append(f"{label} {effort.largest:.2f}")
        order = [i for i in np.argsort(-effort.activations) if effort.activations[i] > NOTABLE]
        names = [f"{hand.muscle_names[i]} {effort.activations[i]:.2f}" for i in order[:MOST_NAMED]]
        if effort.largest > should:
            offenders.append(f"{label}: {', '.join(names)}")
        series.append(Series(label, np.arange(len(hand.muscles)), effort.activations))
    panel = Panel(
        title="Activations that hold an idle hand",
        xlabel="",
        ylabel="activation",
        kind="bars",
        series=tuple(series),
        ticks=hand.muscle_names,
        limit=RESTING[1],
    )
    verdict = Verdict.FAIL if fails else Verdict.WARN if warns else Verdict.PASS
    summary = f"largest activation needed {', '.join(parts)}"
    value = float(min(1.0, largest[0]))
    return Finding(verdict, summary, value, tuple(offenders), (panel,) if series else ())


CHECKS: tuple[Check, ...] = (
    Check(
        code="V34",
        title="Idle effort",
        asks=(
            "How active must the most active muscle be, at the least, to hold an idle hand at "
            "rest and in playing posture, without gravity?"
        ),
        threshold=(
            f"a warning above {RESTING[0]:g} at rest, fails above {RESTING[1]:g}; in playing "
            f"posture above {PLAYING[0]:g} and {PLAYING[1]:g}"
        ),
        source="limits of static and median muscle load (Jonsson 1982, recalled)",
        run=check_idle_effort,
    ),
)
"""The checks of this module."""
