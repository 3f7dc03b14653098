"""Couplings of joints (V39): does each follow a joint of its digit, as far as its range goes?"""

from __future__ import annotations

import numpy as np

from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, THUMB_JOINTS, WRIST_JOINTS
from musclehand.validation.check import Check, Finding, Specimen, Verdict

MOST_EXCESS_DEG = 5.0
"""A follower may be led this far beyond its range [deg]; chosen, limits are soft by about a
degree."""

LEAST_RATIO = 0.0
"""Follower and driver flex together: with a ratio below this, one extends while the other flexes.
DIP joints flex with PIP joints (Leijnse and others, recalled)."""


def check_couplings(specimen: Specimen) -> Finding:
    """V39: does each coupled joint follow one of its digit, the same way, within its range?"""
    hand = specimen.hand
    limits = np.rad2deg(hand.limits(specimen.model))
    offenders = []
    ratios = []
    for i, joint in enumerate(hand.joints):
        column = int(np.abs(hand.expand[i]).argmax())
        ratio = float(hand.expand[i, column])
        j = int(hand.independent[column])
        if j == i or not ratio:
            continue
        driver = hand.joints[j]
        ratios.append(ratio)
        excess, led = _excess(ratio * limits[j], limits[i])
        words = f"{joint}: {ratio:.2f} times {driver}"
        if _digit(joint) != _digit(driver):
            offenders.append(f"{words}, a joint of the {_digit(driver)}")
        if ratio < LEAST_RATIO:
            offenders.append(f"{words}: one flexes while the other extends")
        elif excess > MOST_EXCESS_DEG:
            low, high = limits[i]
            offenders.append(
                f"{words}, which leads it to {led:.0f} deg; its range is {low:.0f} to {high:.0f}"
            )
    if not ratios:
        return Finding(Verdict.SKIP, "no joint of this model follows another one")
    summary = (
        f"{len(ratios)} joints follow others, {min(ratios):.2f} to {max(ratios):.2f} to 1; "
        f"{len(offenders)} wrongly"
    )
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(verdict, summary, float(len(offenders)), tuple(offenders))


def _excess(ends: np.ndarray, limits: np.ndarray) -> tuple[float, float]:
    """How far a follower is led out of its range, and the angle to which it is led [deg].

    Args:
        ends: angles to which the ends of the driver's range lead it [deg]. Shape (2,).
        limits: its own range [deg]. Shape (2,).
    """
    low, high = sorted(float(end) for end in ends)
    below = float(limits[0]) - low
    above = high - float(limits[1])
    return (above, high) if above >= below else (below, low)


def _digit(joint: str) -> str:
    """The digit of a joint, or "wrist"."""
    if joint in WRIST_JOINTS:
        return "wrist"
    if joint in THUMB_JOINTS:
        return DIGITS[0]
    number = next(number for number in FINGER_NUMBERS if str(number) in joint)
    return DIGITS[FINGER_NUMBERS.index(number) + 1]


CHECKS: tuple[Check, ...] = (
    Check(
        code="V39",
        title="Couplings of joints",
        asks="Does each coupled joint follow a joint of its digit, the same way, in its range?",
        threshold=(
            f"a ratio of at least {LEAST_RATIO:g}, "
            f"and not led more than {MOST_EXCESS_DEG:g} deg beyond the range"
        ),
        source="definition; the margin is chosen",
        run=check_couplings,
    ),
)
"""The checks of this module."""
