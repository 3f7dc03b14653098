"""Ranges of motion (V19), and symmetry of the two hands of a model (V21)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import mirror_error
from musclehand.body.analysis.reference import RangeRow, load_reference
from musclehand.body.anatomy import PALM_JOINTS, Side, directions
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import muscle_parameters
from musclehand.core.errors import ModelError
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict

SHORT = float(np.deg2rad(10.0))
"""A range may be this much shorter than the published one, at either end [rad]."""

LONG_LEAST = float(np.deg2rad(20.0))
LONG_SHARE = 0.3
"""A joint may go beyond all published ends by the larger of this angle [rad] and this share of the
published range; chosen. The coefficient of variation between people is 5 to 26 % (Wagner 1988,
Ergonomics 31:97, abstract), and goniometers of two examiners differ by 5 to 10 degrees."""

NO_ANGLE = 2.0 * np.pi
"""No hinge of a hand turns this far [rad]: the number is in degrees."""

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
    """V19: does every joint move as far as published, not much further, and to the same side?"""
    hand = specimen.hand
    limits = specimen.hand.limits(specimen.model)
    is_limited = specimen.model.jnt_limited[hand.joint_ids(specimen.model)] != 0
    rows = load_reference().ranges
    offenders: list[tuple[float, str]] = []
    compared = 0
    for i, joint in enumerate(hand.joints):
        row = published_range(joint, rows)
        if row is None:
            continue
        compared += 1
        low, high = limits[i]
        if joint in PALM_JOINTS:  # published as a whole: where neutral lies in it is not known
            low, high = 0.0, high - low
        widest = widest_range(joint, rows)
        if not is_limited[i]:
            offenders.append((np.pi, f"{joint}: has no limits, published {_degrees(widest)}"))
            continue
        lines = _short_ends(joint, low, high, row) + _long_ends(joint, low, high, widest)
        unit = _wrong_unit(low, high, row, widest) if lines else ""
        offenders += [(amount, f"{joint}: {words}{unit}") for amount, words in lines]
        if is_reversed(low, high, row):
            words = f"{np.rad2deg(low):.0f} to {np.rad2deg(high):.0f} deg"
            offenders.append((np.pi, f"{joint}: {words} has its longer end on the wrong side"))
    if not compared:
        return Finding(Verdict.SKIP, "no joint of this model has a published range")
    offenders.sort(key=lambda pair: -pair[0])
    worst = max((amount for amount, line in offenders if "deg, published" in line), default=0.0)
    joints = len({line.split(":")[0] for _, line in offenders})
    summary = (
        f"{joints} of {compared} joints move less or more than published; "
        f"worst by {np.rad2deg(worst):.0f} deg"
    )
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    lines_only = tuple(line for _, line in offenders)
    panel = _panel(specimen, limits, rows)
    return Finding(verdict, summary, float(np.rad2deg(worst)), lines_only, (panel,))


def _short_ends(joint: str, low: float, high: float, row: RangeRow) -> list[tuple[float, str]]:
    """The ends that fall short of the published range: distance [rad] and words."""
    gap = shortfall(low, high, row)
    upward, downward = directions(joint)
    # 0.0 is added so that a limit of 0 has no minus sign.
    ends = (
        (gap.upper, row.upper, upward, np.rad2deg(high) + 0.0),
        (gap.lower, row.lower, downward, np.rad2deg(-low) + 0.0),
    )
    lines = []
    for amount, published, direction, reached in ends:
        if amount > SHORT + ROUNDING:
            degrees = abs(np.rad2deg(published or 0.0))
            words = f"{direction} {reached:.0f} deg, published {degrees:.0f} ({row.source})"
            lines.append((amount, words))
    return lines


def _long_ends(joint: str, low: float, high: float, widest: RangeRow) -> list[tuple[float, str]]:
    """The ends that go far beyond the published ranges: distance [rad] and words."""
    allowed = LONG_LEAST
    if widest.lower is not None and widest.upper is not None:
        allowed = max(allowed, LONG_SHARE * (widest.upper - widest.lower))
    upward, downward = directions(joint)
    gap = shortfall(low, high, widest)
    ends = (
        (-gap.upper, widest.upper, upward, high),
        (-gap.lower, widest.lower, downward, -low),
    )
    lines = []
    for amount, published, direction, reached in ends:
        if published is not None and amount > allowed + ROUNDING:
            words = f"{direction} {np.rad2deg(reached):.0f} deg, published at most "
            words += f"{abs(np.rad2deg(published)):.0f} ({widest.source})"
            lines.append((amount, words))
    return lines


def _wrong_unit(low: float, high: float, row: RangeRow, widest: RangeRow) -> str:
    """What unit the numbers of a range look as if they were in, in words; empty if in radians."""
    for turn, words in (
        (np.deg2rad(1.0), "degrees in a file whose compiler says radian"),
        (np.rad2deg(1.0), "radians in a file whose compiler says degree"),
    ):
        ends = low * turn, high * turn
        if turn < 1.0 and max(abs(low), abs(high)) <= NO_ANGLE:
            continue
        is_short = max(shortfall(*ends, row)) > SHORT + ROUNDING
        if not is_short and not _long_ends(row.joint, *ends, widest):
            meant = f"{np.rad2deg(ends[0]):.0f} to {np.rad2deg(ends[1]):.0f} deg"
            return f"; it looks like {words} ({meant} would do)"
    return ""


def _degrees(row: RangeRow) -> str:
    """A range in words: "-45 to 90 deg"."""
    ends = ["?" if end is None else f"{np.rad2deg(end):.0f}" for end in (row.lower, row.upper)]
    return f"{ends[0]} to {ends[1]} deg"


def widest_range(joint: str, rows: tuple[RangeRow, ...]) -> RangeRow:
    """The widest published range of a joint: the outermost ends of all its rows.

    Args:
        joint: anatomical name, which the table has.
        rows: the table of published ranges.

    Returns:
        The ends with the sources that have them.
    """
    lower = [row for row in rows if row.joint == joint and row.lower is not None]
    upper = [row for row in rows if row.joint == joint and row.upper is not None]
    first = min(lower, key=lambda row: row.lower or 0.0, default=None)
    last = max(upper, key=lambda row: row.upper or 0.0, default=None)
    sources = dict.fromkeys(row.source for row in (first, last) if row is not None)
    return RangeRow(
        joint,
        None if first is None else first.lower,
        None if last is None else last.upper,
        ", ".join(sources),
        "published",
    )


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
            "Does every joint move as far as published, not much further, "
            "and further to the side to which people's joints go further?"
        ),
        threshold=(
            f"at most {np.rad2deg(SHORT):.0f} deg short of a published range at either end; "
            f"beyond the widest published range by at most {np.rad2deg(LONG_LEAST):.0f} deg or "
            f"{100 * LONG_SHARE:g} % of it"
        ),
        source=(
            "models/reference/range_of_motion.csv: short of the first row of each joint that was "
            "read in its source, beyond all rows"
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
