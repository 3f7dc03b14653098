"""Wrist and knuckles (V30, V31): strength by direction, and passive torque over the range."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.passive import passive_curve
from musclehand.body.analysis.reference import load_reference
from musclehand.body.analysis.tapping import FINGERS, knuckle
from musclehand.body.analysis.wrist import WristStrength, wrist_strength
from musclehand.body.anatomy import DIGITS, WRIST_JOINTS, digit_joints, directions
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict
from musclehand.validation.wording import describe_joint

NUM_SD = 1
"""Standard deviations around a mean that count as human, where a source does not give its weakest
and strongest person."""

USUAL_SPREAD = 0.3
"""Standard deviation between people over the mean, where a source does not give it; the wrist's
directions have 0.18 to 0.45."""

WOMEN_SHARE = 0.64
"""Strength of women's wrists over men's (isokinetic, 20 women and 20 men: J Funct Morphol Kinesiol
2025 10:377, abstract). The range of people goes from weak women to strong men."""

HELD_FACTOR = 1.5
"""Torque with held fingers fails by this factor above people's strongest; chosen: people do not
excite all finger muscles to turn a wrist, but they do some."""

WARN_NEAR_ZERO = 0.5
"""Passive wrist torque in the middle of the range that warns [N m]: the smallest that Delp et al.
1996 do not call near zero, that at 90 degrees of flexion."""

MOST_NEAR_ZERO = 1.0
"""Passive wrist torque in the middle of the range that fails [N m]: a stiffness of 1 N m/rad, the
most that is reported for a relaxed wrist (Formica et al. 2012, recalled), over a radian."""

END_FACTOR = 2.0
"""Most passive torque at the ends of the wrist's range, in published means; chosen, no spread is
published."""

STIFFNESS_FACTOR = 2.0
"""The stiffness of a knuckle fails by this factor outside the published values; chosen."""

MEN = "men"
"""People of a source without women."""

KNUCKLE_DEG = (10, 32)
"""Angles between which the published stiffness of the index knuckle was measured [deg]."""

KNUCKLE_POINTS = 9
"""Angles at which the torque between them is taken; chosen."""

PANEL_POINTS = 13
"""Angles of a drawn curve; chosen."""

LEAST_STIFFNESS = 1e-4
"""Softer knuckles, also those with negative stiffness, count as this stiff [N m/rad]; chosen, a
hundredth of a person's."""

STIFFNESS_ROWS = "passive MCP stiffness; index"
"""How the quantity of the published stiffness begins in the table."""


class TorqueRange(NamedTuple):
    """Published strength in one direction."""

    low: float
    """[N m] Weakest people, women among them."""

    mean: float
    """[N m] Mean of the first source."""

    high: float
    """[N m] Strongest people."""


def published_strength(joint: str, direction: str) -> TorqueRange | None:
    """Published isometric torque about a joint of wrist or forearm, over all sources.

    A source without its weakest and strongest person counts by its mean and `NUM_SD` SD. The low
    end of a source of men is scaled to women by `WOMEN_SHARE`.

    Args:
        joint: one of `anatomy.WRIST_JOINTS`.
        direction: a term of `anatomy.directions`.

    Returns:
        None without a source.
    """
    rows = [
        row
        for row in load_reference().wrist_torques
        if (row.joint, row.direction) == (joint, direction)
    ]
    if not rows:
        return None
    spread = [NUM_SD * (USUAL_SPREAD * row.mean if row.sd is None else row.sd) for row in rows]
    low = min(
        (row.mean - width if row.low is None else row.low)
        * (WOMEN_SHARE if row.people == MEN else 1.0)
        for row, width in zip(rows, spread, strict=True)
    )
    high = max(
        row.mean + width if row.high is None else row.high
        for row, width in zip(rows, spread, strict=True)
    )
    return TorqueRange(max(0.0, low), rows[0].mean, high)


def check_wrist_strength(specimen: Specimen) -> Finding:
    """V30: is the wrist as strong as people's in every direction?

    A hand without all digits has not all muscles of the wrist, and is not asked whether it is too
    weak.
    """
    hand = specimen.hand
    is_whole = all(set(digit_joints(digit)) & set(hand.joints) for digit in DIGITS)
    curves = {
        joint: wrist_strength(specimen.model, hand, joint)
        for joint in WRIST_JOINTS
        if joint in hand.joints
    }
    if not curves:
        return Finding(Verdict.SKIP, "not applicable: the model has no joint of wrist or forearm")
    failed: list[tuple[float, str]] = []
    warned: list[tuple[float, str]] = []
    parts = []
    worst = 0.0
    for joint, curve in curves.items():
        for column, direction in enumerate(directions(joint)):
            free = float(curve.peak_free[column])
            held = float(curve.peak_held[column])
            parts.append(f"{direction} {free:.1f} to {held:.1f}")
            people = published_strength(joint, direction)
            if people is None:
                continue
            words = (
                f"{direction}: {free:.1f} N m with free fingers, {held:.1f} with held ones; "
                f"people {people.low:.1f} to {people.high:.1f}, mean {people.mean:.1f}"
            )
            weakness = people.low / max(held, 1e-9) if is_whole else 0.0
            ratio = max(free / people.high, held / people.high / HELD_FACTOR, weakness)
            worst = max(worst, ratio)
            if ratio > 1.0:
                failed.append((-ratio, words))
            elif (is_whole and free < people.low) or held > people.high:
                warned.append((-max(held / people.high, people.low / max(free, 1e-9)), words))
    summary = f"N m with free to held fingers: {', '.join(parts)}"
    verdict = Verdict.FAIL if failed else Verdict.WARN if warned else Verdict.PASS
    lines = tuple(text for _, text in [*sorted(failed), *sorted(warned)])
    return Finding(verdict, summary, worst, lines, _strength_panels(curves))


def check_passive_curves(specimen: Specimen) -> Finding:
    """V31: are relaxed wrist and knuckles as soft as people's over their range?"""
    wrist = _wrist_lines(specimen)
    knuckles = _knuckle_lines(specimen)
    if not wrist and not knuckles:
        return Finding(Verdict.SKIP, "not applicable: the model has neither wrist nor knuckles")
    lines = [*wrist, *knuckles]
    marked = [line for line in lines if line.verdict is not Verdict.PASS]
    marked.sort(key=lambda line: (line.verdict is not Verdict.FAIL, -line.excess))
    summary = ", ".join(
        max(group, key=lambda line: line.excess).words for group in (wrist, knuckles) if group
    )
    verdict = marked[0].verdict if marked else Verdict.PASS
    offenders = tuple(line.words for line in marked)
    value = max(line.excess for line in lines)
    return Finding(verdict, summary, value, offenders, _passive_panels(specimen))


class _Line(NamedTuple):
    """One judged number."""

    verdict: Verdict
    """Of the number."""

    excess: float
    """The number over the limit beyond which it fails."""

    words: str
    """For the report."""


def _wrist_posture(specimen: Specimen) -> np.ndarray:
    """The hand at rest with a neutral wrist [rad]. Shape (n,)."""
    posture = rest_angles(specimen.model, specimen.hand)
    for i, joint in enumerate(specimen.hand.joints):
        if joint in WRIST_JOINTS:
            posture[i] = 0.0
    return posture


def _wrist_lines(specimen: Specimen) -> list[_Line]:
    """Torques of the relaxed wrist at the published angles, with relaxed fingers."""
    hand = specimen.hand
    independent = {hand.joints[i] for i in hand.independent}
    posture = _wrist_posture(specimen)
    limits = hand.limits(specimen.model)
    lines = []
    for joint in WRIST_JOINTS:
        rows = [row for row in load_reference().passive_torques if row.joint == joint]
        if joint not in independent or not rows:
            continue
        low, high = limits[hand.joints.index(joint)]
        angles = np.clip([row.angle for row in rows], low, high)
        curve = passive_curve(
            specimen.model, hand, joint, posture, angles=angles, settled=True
        ).total
        for row, angle, torque in zip(rows, angles, curve, strict=True):
            size = abs(float(torque))
            is_middle = row.torque == 0.0
            most = MOST_NEAR_ZERO if is_middle else END_FACTOR * abs(row.torque)
            warns = WARN_NEAR_ZERO if is_middle else most
            verdict = Verdict.FAIL if size > most else Verdict.PASS
            if verdict is Verdict.PASS and size > warns:
                verdict = Verdict.WARN
            words = (
                f"{describe_joint(joint)} at {np.rad2deg(angle):.0f} deg: {torque:+.2f} N m; "
                f"people {'near 0' if is_middle else f'{row.torque:+.1f}'} at "
                f"{np.rad2deg(row.angle):.0f} deg"
            )
            lines.append(_Line(verdict, size / most, words))
    return lines


def _knuckle_lines(specimen: Specimen) -> list[_Line]:
    """Stiffness of the relaxed knuckles. Only the index finger's can fail: it was measured."""
    hand = specimen.hand
    independent = {hand.joints[i] for i in hand.independent}
    low, high = published_stiffness()
    lines = []
    for finger in FINGERS:
        joint = knuckle(finger)
        if joint not in independent:
            continue
        stiffness = knuckle_stiffness(specimen, joint)
        softness = low / max(stiffness, LEAST_STIFFNESS)
        excess = max(stiffness / high, softness) / STIFFNESS_FACTOR
        is_human = low <= stiffness <= high
        fails = excess > 1.0 and finger == FINGERS[0]
        verdict = Verdict.FAIL if fails else Verdict.PASS if is_human else Verdict.WARN
        people = "people" if finger == FINGERS[0] else "people's index finger"
        words = (
            f"{describe_joint(joint)}: {stiffness:.3f} N m/rad; {people} {low:.3f} to {high:.3f}"
        )
        lines.append(_Line(verdict, excess, words))
    return lines


def knuckle_stiffness(specimen: Specimen, joint: str) -> float:
    """Passive stiffness of a relaxed knuckle between `KNUCKLE_DEG` [N m/rad].

    Args:
        specimen: the hand.
        joint: an independent MCP joint, such as "mcp2_flexion".
    """
    angles = np.deg2rad(np.linspace(*KNUCKLE_DEG, KNUCKLE_POINTS))
    posture = _wrist_posture(specimen)
    curve = passive_curve(specimen.model, specimen.hand, joint, posture, angles=angles)
    return -float(np.polyfit(angles, curve.total, 1)[0])


def published_stiffness() -> tuple[float, float]:
    """Least and greatest passive stiffness of the index knuckle of healthy people [N m/rad].

    Means of single people, minus and plus `NUM_SD` SD.
    """
    rows = [row for row in load_reference().performance if row.quantity.startswith(STIFFNESS_ROWS)]
    return (
        min(row.value - NUM_SD * (row.sd or 0.0) for row in rows),
        max(row.value + NUM_SD * (row.sd or 0.0) for row in rows),
    )


def _strength_panels(curves: dict[str, WristStrength]) -> tuple[Panel, ...]:
    """Peaks beside those of people, and the course over the angle."""
    pairs = [
        (joint, column, direction)
        for joint in curves
        for column, direction in enumerate(directions(joint))
    ]
    x = np.arange(len(pairs))
    series = [
        Series("free fingers", x, np.array([curves[j].peak_free[c] for j, c, _ in pairs])),
        Series("held fingers", x, np.array([curves[j].peak_held[c] for j, c, _ in pairs])),
    ]
    ranges = {i: published_strength(joint, word) for i, (joint, _, word) in enumerate(pairs)}
    ends = {i: (people.low, people.high) for i, people in ranges.items() if people is not None}
    if ends:
        values = np.array(list(ends.values()))
        half = np.diff(values, axis=1)[:, 0] / 2
        series.append(Series("people", np.array(list(ends)), values.mean(axis=1), error=half))
    bars = Panel(
        "Strength of wrist and forearm",
        "",
        "N m",
        "bars",
        tuple(series),
        ticks=tuple(direction for _, _, direction in pairs),
    )
    courses = [
        Panel(
            f"Strength over {describe_joint(joint)}",
            "angle [deg]",
            "N m",
            "line",
            tuple(
                Series(f"{direction}, {name} fingers", np.rad2deg(curve.angles), torque[:, column])
                for column, direction in enumerate(directions(joint))
                for name, torque in (("free", curve.free), ("held", curve.held))
            ),
        )
        for joint, curve in curves.items()
    ]
    return (bars, *courses)


def _passive_panels(specimen: Specimen) -> tuple[Panel, ...]:
    """Passive torque over the range of the wrist's joints: of all tissue, and of muscles alone."""
    hand = specimen.hand
    independent = {hand.joints[i] for i in hand.independent}
    posture = _wrist_posture(specimen)
    panels = []
    for joint in WRIST_JOINTS:
        rows = [row for row in load_reference().passive_torques if row.joint == joint]
        if joint not in independent or not rows:
            continue
        curve = passive_curve(specimen.model, hand, joint, posture, PANEL_POINTS, settled=True)
        degrees = np.rad2deg(curve.angles)
        published = Series(
            "people",
            np.rad2deg([row.angle for row in rows]),
            np.array([row.torque for row in rows]),
        )
        series = (
            Series("muscles and springs", degrees, curve.total),
            Series("muscles", degrees, curve.muscles),
            published,
        )
        title = f"Passive torque about {describe_joint(joint)}, relaxed fingers"
        panels.append(Panel(title, "angle [deg]", f"N m, {directions(joint)[0]} +", "line", series))
    return tuple(panels)


CHECKS: tuple[Check, ...] = (
    Check(
        code="V30",
        title="Wrist strength",
        asks=(
            "How large is the isometric torque of all muscles in each direction of wrist and "
            "forearm, at its best angle, with fingers free or held?"
        ),
        threshold=(
            "both within the published range of each direction, weak women's "
            f"({WOMEN_SHARE:g} of men) to strong men's, by {NUM_SD:g} SD where no range is "
            "published; a warning if only one is; fails if both are above or below, or the torque "
            f"with held fingers is {HELD_FACTOR:g} times the strongest people's"
        ),
        source="models/reference/wrist_torque.csv (Delp 1996; Holzbaur 2007; forearm: two sources)",
        run=check_wrist_strength,
    ),
    Check(
        code="V31",
        title="Passive torque curves",
        asks=(
            "How large is the torque of muscles and springs of a relaxed wrist over its range, "
            "and how stiff are relaxed knuckles between "
            f"{KNUCKLE_DEG[0]:g} and {KNUCKLE_DEG[1]:g} deg?"
        ),
        threshold=(
            f"at most {MOST_NEAR_ZERO:g} N m where people's wrists have nearly none, a warning "
            f"above {WARN_NEAR_ZERO:g}; at most {END_FACTOR:g} times the published torque at the "
            f"ends; knuckles within the published means +- {NUM_SD:g} SD, the index finger's fails "
            f"by a factor of {STIFFNESS_FACTOR:g} outside"
        ),
        source="models/reference/passive_torque.csv and performance.csv (Delp 1996; PMC7775510)",
        run=check_passive_curves,
    ),
)
"""The checks of this module."""
