"""Ranges of motion (V19), and symmetry of the two hands of a model (V21)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import mirror_error
from musclehand.body.analysis.reference import RangeRow, load_reference
from musclehand.body.anatomy import Side, directions
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import muscle_parameters
from musclehand.core.errors import ModelError
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict

SHORT = float(np.deg2rad(10.0))
"""A range may be this much shorter than the published one, at either end [rad]."""

ASYMMETRY = float(np.deg2rad(5.0))
"""A range is lopsided when its two ends differ by more than this [rad]."""

ROUNDING = float(np.deg2rad(0.05))
"""Published ranges are given in whole degrees; shortfalls have this tolerance [rad]."""

MIRROR_LENGTH = 1e-6
MIRROR_ARM = 2e-5
"""Largest difference of path lengths and of moment arms between the sides [m]."""

MIRROR_SHARE = 1e-3
"""Largest relative difference of peak forces and fibre lengths between the sides."""

MIRROR_RANGE = 1e-4
"""Largest difference of joint limits between the sides [rad]."""

NUM_MIRRORED = 60
"""Random postures in which the sides are compared."""

_EQUAL_PARAMETER = 1e-6
"""Peak forces [N] and lengths [m] that differ by less are equal."""


class Shortfall(NamedTuple):
    """Distance by which a joint's limits fall short of the published ones; at most 0 if not."""

    lower: float
    """[rad] at the lower end of the range."""

    upper: float
    """[rad] at the upper end of the range."""


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
        upward, downward = directions(joint)
        # 0.0 is added so that a limit of 0 has no minus sign.
        ends = (
            (gap.upper, row.upper, upward, np.rad2deg(high) + 0.0),
            (gap.lower, row.lower, downward, np.rad2deg(-low) + 0.0),
        )
        for amount, published, direction, reached in ends:
            if amount > SHORT + ROUNDING:
                degrees = abs(np.rad2deg(published or 0.0))
                words = f"{direction} {reached:.0f} deg, published {degrees:.0f} ({row.source})"
                offenders.append((amount, f"{joint}: {words}"))
        if is_reversed(low, high, row):
            words = f"{np.rad2deg(low):.0f} to {np.rad2deg(high):.0f} deg"
            offenders.append((np.pi, f"{joint}: {words} has its longer end on the wrong side"))
    if not compared:
        return Finding(Verdict.SKIP, "no joint of this model has a published range")
    offenders.sort(key=lambda pair: -pair[0])
    worst = max((amount for amount, _ in offenders if amount < np.pi), default=0.0)
    joints = len({line.split(":")[0] for _, line in offenders})
    summary = (
        f"{joints} of {compared} joints move less than published; "
        f"worst by {np.rad2deg(worst):.0f} deg"
    )
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    lines = tuple(line for _, line in offenders)
    panel = _panel(specimen, limits, rows)
    return Finding(verdict, summary, float(np.rad2deg(worst)), lines, (panel,))


def published_range(joint: str, rows: tuple[RangeRow, ...]) -> RangeRow | None:
    """The published range of a joint: the first row that was read in its source, else the first.

    The table's other rows are context; some are of motion in daily life, which is less than joints
    allow.

    Args:
        joint: anatomical name.
        rows: the table of published ranges.
    """
    joint_rows = [row for row in rows if row.joint == joint]
    read_rows = [row for row in joint_rows if row.status == "published"]
    return next(iter(read_rows or joint_rows), None)


def shortfall(low: float, high: float, row: RangeRow) -> Shortfall:
    """Compares a joint's limits with a published range.

    Args:
        low: the joint's lower limit [rad].
        high: the joint's upper limit [rad].
        row: the published range; an end that it lacks counts as reached.
    """
    below = -np.inf if row.lower is None else low - row.lower
    above = -np.inf if row.upper is None else row.upper - high
    return Shortfall(float(below), float(above))


def is_reversed(low: float, high: float, row: RangeRow) -> bool:
    """Whether a joint moves further to one side, and the published range to the other.

    Args:
        low: the joint's lower limit [rad].
        high: the joint's upper limit [rad].
        row: the published range.
    """
    if row.lower is None or row.upper is None:
        return False
    surplus = high + low
    published = row.upper + row.lower
    return abs(surplus) > ASYMMETRY and abs(published) > ASYMMETRY and surplus * published < 0


def check_mirror(specimen: Specimen) -> Finding:
    """V21: is the other hand of the model its mirror image?"""
    opposite = Side.LEFT if specimen.hand.side is Side.RIGHT else Side.RIGHT
    if opposite not in specimen.naming.sides(specimen.model):
        return Finding(Verdict.SKIP, "the model has one hand only")
    try:
        hand = HandIndex.from_model(specimen.model, opposite, specimen.naming)
    except ModelError as error:
        problem = f"the other hand is not complete: {error.problem}"
        return Finding(Verdict.FAIL, problem, None, (str(error),))
    partner = Specimen(specimen.source, specimen.model, hand, specimen.naming)
    return compare_sides(specimen, partner)


def compare_sides(specimen: Specimen, partner: Specimen) -> Finding:
    """V21 for two hands, of one model or of two."""
    hand = specimen.hand
    mirrored = partner.hand
    unpaired = sorted({*hand.muscle_names} ^ {*mirrored.muscle_names})
    unpaired += sorted({*hand.joints} ^ {*mirrored.joints})
    if unpaired:
        lines = tuple(f"{part}: one side only" for part in unpaired)
        return Finding(Verdict.FAIL, f"{len(unpaired)} parts on one side only", None, lines)
    postures = specimen.postures[:NUM_MIRRORED]
    error = mirror_error(specimen.model, hand, partner.model, mirrored, postures)
    own = _muscle_constants(specimen)
    opposite = _muscle_constants(partner)
    offenders = []
    for i, name in enumerate(hand.muscle_names):
        arm = error.arms[i].max()
        if error.lengths[i] > MIRROR_LENGTH or arm > MIRROR_ARM:
            offenders.append(
                f"{name}: length differs by {1e3 * error.lengths[i]:.2g} mm, "
                f"arm by {1e3 * arm:.2g} mm"
            )
        offenders += _unequal(name, own[name], opposite[name])
    limits = hand.limits(specimen.model)
    mirrored_limits = mirrored.limits(partner.model)
    for i, joint in enumerate(hand.joints):
        pair = (limits[i], mirrored_limits[mirrored.joints.index(joint)])
        if not np.allclose(*pair, atol=MIRROR_RANGE):
            first, second = (np.rad2deg(span).round(1) for span in pair)
            offenders.append(f"{joint}: ranges {first} and {second} deg")
    summary = (
        f"lengths within {error.lengths.max():.1e} m, "
        f"arms within {error.arms.max():.1e} m of the mirror image"
    )
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(verdict, summary, float(error.lengths.max()), tuple(offenders))


def _muscle_constants(specimen: Specimen) -> dict[str, dict[str, float]]:
    """Peak force [N], optimal fibre length and tendon slack length [m] of each muscle."""
    params = muscle_parameters(specimen.model, specimen.hand.muscles)
    return {
        name: {"F0": params.f0[i], "l0": params.l0[i], "lts": params.lts[i]}
        for i, name in enumerate(specimen.hand.muscle_names)
    }


def _unequal(muscle: str, values: dict[str, float], mirrored: dict[str, float]) -> list[str]:
    """A line for each constant of a muscle that differs between the sides."""
    return [
        f"{muscle}: {word} {value:.4g} and {mirrored[word]:.4g}"
        for word, value in values.items()
        if not np.isclose(value, mirrored[word], rtol=MIRROR_SHARE, atol=_EQUAL_PARAMETER)
    ]


def _panel(specimen: Specimen, limits: np.ndarray, rows: tuple[RangeRow, ...]) -> Panel:
    """The model's ranges beside the published ones [deg]."""
    joints = specimen.hand.joints
    x = np.arange(len(joints), dtype=float)
    bounds = np.rad2deg(limits)
    series = [Series("model", x - 0.15, bounds.mean(axis=1), np.diff(bounds)[:, 0] / 2)]
    standards = [published_range(joint, rows) for joint in joints]
    ends = {i: (row.lower, row.upper) for i, row in enumerate(standards) if row is not None}
    complete = [i for i, (low, high) in ends.items() if low is not None and high is not None]
    if complete:
        published = np.rad2deg(np.array([ends[i] for i in complete], dtype=float))
        half = np.diff(published)[:, 0] / 2
        series.append(Series("published", x[complete] + 0.15, published.mean(axis=1), half))
    return Panel("Ranges of motion", "", "deg", kind="points", series=tuple(series), ticks=joints)


CHECKS: tuple[Check, ...] = (
    Check(
        code="V19",
        title="Range of motion",
        asks=(
            "Does every joint move as far as published, "
            "and further to the side to which people's joints go further?"
        ),
        threshold=f"at most {np.rad2deg(SHORT):.0f} deg short of a published range at either end",
        source=(
            "models/reference/range_of_motion.csv, "
            "the first row of each joint that was read in its source"
        ),
        run=check_ranges,
    ),
    Check(
        code="V21",
        title="Left and right",
        asks="Is the other hand of the model the mirror image of this one?",
        threshold=(
            f"path lengths within {1e3 * MIRROR_LENGTH:g} mm, "
            f"moment arms within {1e3 * MIRROR_ARM:g} mm, "
            f"forces and fibres within {100 * MIRROR_SHARE:g} %, "
            f"ranges within {np.rad2deg(MIRROR_RANGE):.4f} deg"
        ),
        source=(
            f"myo_sim's symmetry test ({1e3 * MIRROR_ARM:g} mm); "
            "MyoSim 0.2.3 mirrors its left arm to 1e-15 m (measured)"
        ),
        run=check_mirror,
    ),
)
"""The checks of this module."""
