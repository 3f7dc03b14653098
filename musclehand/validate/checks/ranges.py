"""Does the hand move as far as hands move, and are its two sides mirror images?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import mirror_error
from musclehand.body.analysis.reference import RangeRow, load_reference
from musclehand.body.anatomy import Side, directions
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import muscle_parameters
from musclehand.core.errors import ModelError
from musclehand.validate.check import Check, Finding, Panel, Series, Specimen, Verdict

SHORT = float(np.deg2rad(10.0))
"""A range may be this much shorter than the published one, at either end [rad]."""

ASYMMETRY = float(np.deg2rad(5.0))
"""Two ends of a range that differ by more than this are told apart [rad]."""

ROUNDING = float(np.deg2rad(0.05))

MIRROR_LENGTH = 1e-6
MIRROR_ARM = 2e-5
"""Largest difference of path lengths and moment arms between the sides [m]."""

NUM_MIRRORED = 60


class Shortfall(NamedTuple):
    """How far a joint's limits fall short of the published ones [rad]; at most 0 where they do
    not."""

    lower: float
    upper: float


def check_ranges(specimen: Specimen) -> Finding:
    """V19: does every joint move as far as published, and further to the same side?"""
    hand = specimen.hand
    limits = specimen.hand.limits(specimen.model)
    rows = load_reference().ranges
    offenders: list[tuple[float, str]] = []
    compared = 0
    for joint, (low, high) in zip(hand.joints, limits, strict=True):
        row = published_range(joint, rows)
        if row is None:
            continue
        compared += 1
        gap = shortfall(low, high, row)
        for amount, end, word in ((gap.upper, row.upper, 0), (gap.lower, row.lower, 1)):
            if amount > SHORT + ROUNDING:
                reached = np.rad2deg(high if word == 0 else -low) + 0.0  # no minus before 0
                there = (
                    f"{reached:.0f} deg, published {abs(np.rad2deg(end or 0.0)):.0f} ({row.source})"
                )
                offenders.append((amount, f"{joint}: {directions(joint)[word]} {there}"))
        if is_reversed(low, high, row):
            words = f"{np.rad2deg(low):.0f} to {np.rad2deg(high):.0f} deg"
            offenders.append((np.pi, f"{joint}: {words} has its longer end on the wrong side"))
    if not compared:
        return Finding(Verdict.SKIP, "no joint of this model has a published range")
    offenders.sort(key=lambda pair: -pair[0])
    worst = max((amount for amount, _ in offenders if amount < np.pi), default=0.0)
    joints = len({line.split(":")[0] for _, line in offenders})
    summary = f"{joints} of {compared} joints move less than published; worst by {np.rad2deg(worst):.0f} deg"
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    lines = tuple(line for _, line in offenders)
    return Finding(
        verdict, summary, float(np.rad2deg(worst)), lines, (_panel(specimen, limits, rows),)
    )


def published_range(joint: str, rows: tuple[RangeRow, ...]) -> RangeRow | None:
    """What a joint is compared with: the first row of the table that was read in its source, else
    the first.

    The table's other rows are for context; some are of motion in daily life, which is less than
    what joints allow.
    """
    of_joint = [row for row in rows if row.joint == joint]
    read = [row for row in of_joint if row.status == "published"]
    return next(iter(read or of_joint), None)


def shortfall(low: float, high: float, row: RangeRow) -> Shortfall:
    """How far a joint's limits [rad] fall short of a published range at its lower and upper end
    [rad]."""
    below = -np.inf if row.lower is None else low - row.lower
    above = -np.inf if row.upper is None else row.upper - high
    return Shortfall(float(below), float(above))


def is_reversed(low: float, high: float, row: RangeRow) -> bool:
    """Whether a joint goes further to one side, and the published range to the other."""
    if row.lower is None or row.upper is None:
        return False
    mine = high + low
    published = row.upper + row.lower
    return abs(mine) > ASYMMETRY and abs(published) > ASYMMETRY and mine * published < 0


def check_mirror(specimen: Specimen) -> Finding:
    """V21: is the other hand of the model its mirror image?"""
    other = Side.LEFT if specimen.hand.side is Side.RIGHT else Side.RIGHT
    if other not in specimen.naming.sides(specimen.model):
        return Finding(Verdict.SKIP, "the model has one hand only")
    try:
        index = HandIndex.from_model(specimen.model, other, specimen.naming)
    except ModelError as error:
        return Finding(
            Verdict.FAIL, f"the other hand is not complete: {error.problem}", None, (str(error),)
        )
    return compare_sides(
        specimen, Specimen(specimen.source, specimen.model, index, specimen.naming)
    )


def compare_sides(one: Specimen, two: Specimen) -> Finding:
    """The finding of V21 for two hands, of one model or of two."""
    mine = one.hand
    theirs = two.hand
    odd = sorted({*mine.muscle_names} ^ {*theirs.muscle_names}) + sorted(
        {*mine.joints} ^ {*theirs.joints}
    )
    if odd:
        return Finding(
            Verdict.FAIL,
            f"{len(odd)} parts on one side only",
            None,
            tuple(f"{p}: one side only" for p in odd),
        )
    error = mirror_error(one.model, mine, two.model, theirs, one.postures[:NUM_MIRRORED])
    order = [theirs.muscle_names.index(name) for name in mine.muscle_names]
    first, second = (muscle_parameters(each.model, each.hand.muscles) for each in (one, two))
    offenders = []
    for i, name in enumerate(mine.muscle_names):
        arm = error.arms[i].max()
        if error.lengths[i] > MIRROR_LENGTH or arm > MIRROR_ARM:
            offenders.append(
                f"{name}: length differs by {1e3 * error.lengths[i]:.2g} mm, arm by {1e3 * arm:.2g} mm"
            )
        for word, a, b in (
            ("F0", first.f0, second.f0),
            ("l0", first.l0, second.l0),
            ("lts", first.lts, second.lts),
        ):
            if not np.isclose(a[i], b[order[i]], rtol=1e-3, atol=1e-6):
                offenders.append(f"{name}: {word} {a[i]:.4g} and {b[order[i]]:.4g}")
    ranges = mine.limits(one.model), theirs.limits(two.model)
    for i, joint in enumerate(mine.joints):
        pair = ranges[0][i], ranges[1][theirs.joints.index(joint)]
        if not np.allclose(*pair, atol=1e-4):
            offenders.append(
                f"{joint}: ranges {np.rad2deg(pair[0]).round(1)} and {np.rad2deg(pair[1]).round(1)} deg"
            )
    summary = f"lengths within {error.lengths.max():.1e} m, arms within {error.arms.max():.1e} m of the mirror image"
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(verdict, summary, float(error.lengths.max()), tuple(offenders))


def _panel(specimen: Specimen, limits: np.ndarray, rows: tuple[RangeRow, ...]) -> Panel:
    """The model's ranges beside the published ones [deg]."""
    joints = specimen.hand.joints
    x = np.arange(len(joints), dtype=float)
    bounds = np.rad2deg(limits)
    series = [Series("model", x - 0.15, bounds.mean(axis=1), np.diff(bounds)[:, 0] / 2)]
    standards = [published_range(joint, rows) for joint in joints]
    ends = {i: (row.lower, row.upper) for i, row in enumerate(standards) if row is not None}
    known = [i for i, (low, high) in ends.items() if low is not None and high is not None]
    if known:
        published = np.rad2deg(np.array([ends[i] for i in known], dtype=float))
        series.append(
            Series(
                "published", x[known] + 0.15, published.mean(axis=1), np.diff(published)[:, 0] / 2
            )
        )
    return Panel("Ranges of motion", "", "deg", "points", tuple(series), joints)


CHECKS = (
    Check(
        "V19",
        "Range of motion",
        "Does every joint move as far as published, and further to the side to which people's joints go further?",
        "at most 10 deg short of a published range at either end",
        "models/reference/range_of_motion.csv, the first row of each joint that was read in its source",
        check_ranges,
    ),
    Check(
        "V21",
        "Left and right",
        "Is the other hand of the model the mirror image of this one?",
        "path lengths within 1e-6 m, moment arms within 2e-5 m, the same forces, fibres and ranges",
        "myo_sim's symmetry test (2e-5 m); MyoSim 0.2.3 mirrors its left arm to 1e-15 m (measured)",
        check_mirror,
    ),
)
"""The checks of this module."""
