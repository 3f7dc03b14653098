"""Course of moment arms (V32): do they rise, fall or stay over the angle of their joint?"""

from __future__ import annotations

import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.moment_arm import sweep
from musclehand.body.analysis.reference import ArmTrendRow, load_reference
from musclehand.validation.check import Check, Finding, Specimen, Verdict
from musclehand.validation.checks.arms import TOLERANCE

SPREAD_OF_ARMS = 0.0025
"""Mean standard deviation of measured arms of the index finger (Lee et al. 2015) [m]."""

MOST_VARIATION = 2.0 * SPREAD_OF_ARMS
"""Largest fall or rise of an arm that counts as constant [m]: one standard deviation either way."""

STEP = float(np.deg2rad(5.0))
"""Largest step between the angles at which the course of an arm is followed [rad]; chosen."""

LEAST_OVERLAP = 0.75
"""Least part of a published interval of angles that a model's joint must reach to be compared."""


def check_trends(specimen: Specimen) -> Finding:
    """V32: do arms rise, fall or stay over the angle as measured ones do?

    Arms that do not change in cadavers may rise: FDS's at the index knuckle does in living hands.
    """
    hand = specimen.hand
    limits = hand.limits(specimen.model)
    posture = rest_angles(specimen.model, hand)
    failed: list[tuple[float, str]] = []
    warned: list[tuple[float, str]] = []
    count = 0
    for row in load_reference().arm_trends:
        if row.muscle not in hand.muscle_names or row.joint not in hand.joints:
            continue
        low, high = np.clip((row.start, row.end), *limits[hand.joints.index(row.joint)])
        if high - low < LEAST_OVERLAP * (row.end - row.start):
            continue
        count += 1
        angles = np.linspace(low, high, 1 + int(np.ceil((high - low) / STEP)))
        arms = sweep(specimen.model, hand, row.joint, posture, angles=angles).arms
        arm = arms[:, hand.muscle_names.index(row.muscle)] / specimen.thickness
        sizes = arm * np.sign(arm.mean())
        error, verdict = _trend_error(row, sizes)
        words = (
            f"{row.muscle} at {row.joint}: {1e3 * sizes[0]:.1f} mm at {np.rad2deg(low):.0f} deg, "
            f"{1e3 * sizes[-1]:.1f} at {np.rad2deg(high):.0f}, between "
            f"{1e3 * sizes.min():.1f} and {1e3 * sizes.max():.1f}; measured: {row.trend} "
            f"({row.source})"
        )
        if verdict is not Verdict.PASS:
            (failed if verdict is Verdict.FAIL else warned).append((-error, words))
    if not count:
        return Finding(Verdict.SKIP, "not applicable: no arm of a measured course is in the model")
    verdict = Verdict.FAIL if failed else Verdict.WARN if warned else Verdict.PASS
    summary = (
        f"{len(failed)} of {count} arms take another course than measured ones, "
        f"{len(warned)} are doubtful"
    )
    lines = tuple(text for _, text in [*sorted(failed), *sorted(warned)])
    return Finding(verdict, summary, float(len(failed)), lines)


def _trend_error(row: ArmTrendRow, sizes: np.ndarray) -> tuple[float, Verdict]:
    """How far a course is from the measured one [m], and the verdict on it.

    Args:
        row: the measured course.
        sizes: of the arm over the angle [m]. Shape (p,).
    """
    if row.trend == "constant":
        fall = float((np.maximum.accumulate(sizes) - sizes).max())
        rise = float((sizes - np.minimum.accumulate(sizes)).max())
        failed = fall > MOST_VARIATION
        verdict = Verdict.WARN if rise > MOST_VARIATION else Verdict.PASS
        error = max(fall, rise) - MOST_VARIATION
    else:
        change = float(sizes[-1] - sizes[0])
        error = -change if row.trend == "rises" else change
        failed = error > 0.0
        verdict = Verdict.WARN if error > -TOLERANCE else Verdict.PASS
    if failed:
        verdict = Verdict.WARN if row.status == "recalled" else Verdict.FAIL
    return error, verdict


CHECKS: tuple[Check, ...] = (
    Check(
        code="V32",
        title="Course of moment arms",
        asks=(
            "Does each arm rise, fall or stay over the angle of its joint as in measurements, "
            "with the other joints at rest?"
        ),
        threshold=(
            "an arm that rises or falls ends above or below its beginning, a warning where it is "
            f"by less than {1e3 * TOLERANCE:g} mm; a constant arm falls by at most "
            f"{1e3 * MOST_VARIATION:g} mm, a warning where it rises by more"
        ),
        source=(
            "models/reference/arm_trends.csv; "
            f"{1e3 * SPREAD_OF_ARMS:g} mm are the SD of measured arms (Lee 2015)"
        ),
        run=check_trends,
    ),
)
"""The checks of this module."""
