"""Moment arms and paths (V08 to V11, V25): direction, size, continuity, and folds.

Arms are compared with `models/reference/moment_arms.csv`. The table has the direction in which each
muscle turns each joint, and measured sizes of arms. An arm is positive in the table's direction.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.moment_arm import (
    FINEST_STEP,
    JUMP_OF_ARM,
    JUMP_OF_LENGTH,
    find_discontinuities,
    moment_arms,
    sweep,
)
from musclehand.body.analysis.reference import MomentArmRow, load_reference
from musclehand.body.anatomy import directions
from musclehand.body.hand_index import HandIndex, path_sites
from musclehand.body.posture import place
from musclehand.validation.check import (
    NUM_POSTURES,
    Check,
    Finding,
    Panel,
    Series,
    Specimen,
    Verdict,
)

RIGHT_SHARE = 0.99
"""Least share of random postures in which an arm has its sign."""

TOLERANCE = 0.0005
"""Arms on the wrong side by less than this pass [m]: an arm passes through zero somewhere."""

NO_ARM = 0.0001
"""An arm that is smaller in all postures is missing [m]."""

RMS_LIMIT = 0.003
DEVIATIONS = 2.0
"""Largest error of an arm against a published one over the joint's range: this many [m], or this
many standard deviations of the source."""

SEGMENTS = 150
"""Straight movements between random postures along which jumps are looked for."""

MOST_TURN = float(np.deg2rad(120.0))
"""Sharpest bend of a path at one of its points [rad]. A joint bent by a right angle bends the path
by that and the slant of the path; beyond a third of a circle the path runs back."""

SHORTEST_STEP = 1e-6
"""Pieces of a path below this length have no direction [m]."""

_NOTHING_TO_COMPARE = (
    "not applicable: none of the muscles and joints of the table are in this model"
)


class _Pair(NamedTuple):
    """One muscle and one joint that it should turn."""

    muscle: int
    """Index of the muscle in the hand."""

    joint: int
    """Index of the joint in the hand."""

    sign: float
    """1 or -1: the sign of the arm in anatomical convention."""

    label: str
    """Words for a report."""


def check_signs(specimen: Specimen) -> Finding:
    """V08: does each muscle turn each joint in the anatomical direction?"""
    pairs = _pairs(specimen.hand)
    if not pairs:
        return Finding(Verdict.SKIP, _NOTHING_TO_COMPARE)
    arms = moment_arms(specimen.model, specimen.hand, specimen.postures)
    offenders = []
    for pair in pairs:
        arm = pair.sign * arms[:, pair.muscle, pair.joint]
        wrong = float((arm < -TOLERANCE).mean())
        if 1.0 - wrong < RIGHT_SHARE:
            words = (
                f"{pair.label}: wrong in {wrong:.1%} of postures, by up to "
                f"{-1e3 * arm.min():.1f} mm (mean {1e3 * arm.mean():.1f} mm)"
            )
            offenders.append((-wrong, words))
    summary = (
        f"{len(offenders)} of {len(pairs)} muscle-joint pairs turn the joint the wrong way in over "
        f"{100 * (1 - RIGHT_SHARE):.0f} % of postures"
    )
    return _finding(offenders, summary)


def check_missing(specimen: Specimen) -> Finding:
    """V09: is every muscle of the table in the model, and has it an arm about its joints?"""
    hand = specimen.hand
    rows = load_reference().moment_arms
    pairs = _pairs(hand)
    if not pairs:
        return Finding(Verdict.SKIP, _NOTHING_TO_COMPARE)
    arms = np.abs(moment_arms(specimen.model, hand, specimen.postures)).max(axis=0)
    offenders = [
        (float(arms[pair.muscle, pair.joint]), f"{pair.label}: no arm in any posture")
        for pair in pairs
        if arms[pair.muscle, pair.joint] < NO_ARM
    ]
    absent = sorted({row.muscle for row in rows} - set(hand.muscle_names))
    summary = (
        f"{len(offenders)} of {len(pairs)} muscle-joint pairs have no arm; "
        f"{len(absent)} muscles are not in the model"
    )
    finding = _finding(offenders, summary)
    if not absent:
        return finding
    line = f"not in the model: {', '.join(absent)}"
    if finding.verdict is Verdict.PASS:
        return Finding(Verdict.WARN, summary, 0.0, (line,))
    return Finding(finding.verdict, summary, finding.value, (*finding.offenders, line))


def check_continuity(specimen: Specimen) -> Finding:
    """V10: do lengths and arms change without jumps as the hand moves?"""
    postures = specimen.postures
    half = min(SEGMENTS, len(postures) // 2)
    jump = find_discontinuities(
        specimen.model, specimen.hand, postures[:half], postures[half : 2 * half]
    )
    names = specimen.hand.muscle_names
    wrong = (jump.length > JUMP_OF_LENGTH) | (jump.arm > JUMP_OF_ARM)
    severity = np.maximum(jump.length / JUMP_OF_LENGTH, jump.arm / JUMP_OF_ARM)
    offenders = [
        (
            -float(severity[i]),
            f"{names[i]}: length jumps by up to {1e3 * jump.length[i]:.2f} mm, "
            f"an arm by {1e3 * jump.arm[i]:.1f} mm, on {jump.segments[i]:.0%} of segments",
        )
        for i in np.flatnonzero(wrong)
    ]
    summary = (
        f"{len(offenders)} of {len(names)} muscles jump; largest "
        f"{1e3 * jump.length.max():.3f} mm in length, {1e3 * jump.arm.max():.2f} mm in arm, "
        f"along {half} segments"
    )
    return _finding(offenders, summary, 1e3 * float(jump.length.max()))


def check_published(specimen: Specimen) -> Finding:
    """V11: how far are arms from published ones over each joint's range of motion?

    Published arms are of hands as thick as MyoSim's; arms of a thicker or thinner hand are scaled
    to it before the comparison. Recalled values (not read in their source) only warn. Values that
    the table marks as not used are only drawn.
    """
    hand = specimen.hand
    rows = [
        row
        for row in load_reference().moment_arms
        if row.muscle in hand.muscle_names and row.joint in hand.joints
    ]
    used = [row for row in rows if row.arm is not None and row.used]
    if not used:
        problem = "not applicable: no published arm is about a muscle and joint of this model"
        return Finding(Verdict.SKIP, problem)
    posture = rest_angles(specimen.model, specimen.hand)
    thickness = specimen.thickness
    wrong: list[tuple[float, str]] = []
    doubtful: list[tuple[float, str]] = []
    errors = []
    panels = []
    for joint in dict.fromkeys(row.joint for row in rows):
        angles, arms = sweep(specimen.model, hand, joint, posture)
        joint_rows = [row for row in rows if row.joint == joint]
        panels.append(_panel(hand, joint, angles, arms / thickness, joint_rows))
        for row in joint_rows:
            if row not in used:
                continue
            arm = arms[:, hand.muscle_names.index(row.muscle)] / thickness
            error, words = _distance(row, arm)
            errors.append(error)
            excess = error - max(RMS_LIMIT, DEVIATIONS * (row.sd or 0.0))
            if excess > 0:
                (doubtful if row.status == "recalled" else wrong).append((-excess, words))
    summary = (
        f"{len(wrong)} published and {len(doubtful)} recalled arms of {len(used)} missed; "
        f"root mean square error {1e3 * float(np.median(errors)):.1f} mm in the middle"
    )
    lines = tuple(text for _, text in [*sorted(wrong), *sorted(doubtful)])
    verdict = Verdict.FAIL if wrong else Verdict.WARN if doubtful else Verdict.PASS
    return Finding(verdict, summary, float(len(wrong)), lines, tuple(panels))


def check_folds(specimen: Specimen) -> Finding:
    """V25: do paths fold over?

    A path folds where it bends by more than `MOST_TURN` at one of its points, so that it runs back.
    It also folds where its arm about a joint changes sides within the range of that joint, although
    anatomy gives it one side. Other joints are at rest.
    """
    hand = specimen.hand
    turns, sites = path_turns(specimen)
    offenders = [
        (
            -float(turns[i]),
            f"{hand.muscle_names[i]}: bends by {np.rad2deg(turns[i]):.0f} deg at {sites[i]}",
        )
        for i in np.flatnonzero(turns > MOST_TURN)
    ]
    posture = rest_angles(specimen.model, specimen.hand)
    pairs = _pairs(hand)
    for joint in dict.fromkeys(pair.joint for pair in pairs):
        angles, arms = sweep(specimen.model, hand, hand.joints[joint], posture)
        for pair in (pair for pair in pairs if pair.joint == joint):
            arm = pair.sign * arms[:, pair.muscle]
            if arm.min() < -TOLERANCE and arm.max() > TOLERANCE:
                angle = np.rad2deg(angles[int(np.argmin(arm))])
                words = (
                    f"{pair.label}: arm turns over, {1e3 * arm.max():.1f} to "
                    f"{1e3 * arm.min():.1f} mm at {angle:.0f} deg"
                )
                offenders.append((float(arm.min()), words))
    sharpest = int(np.argmax(turns))
    summary = (
        f"{len(offenders)} folds; sharpest bend {np.rad2deg(turns.max()):.0f} deg "
        f"({hand.muscle_names[sharpest]} at {sites[sharpest]})"
    )
    return _finding(offenders, summary, float(np.rad2deg(turns.max())))


def path_turns(specimen: Specimen) -> tuple[np.ndarray, list[str]]:
    """The sharpest bend of each muscle's path at a site, over the random postures.

    Bends on wrapping surfaces are round and do not count.

    Returns:
        Angles [rad], 0 for a straight path, shape (m,), and the names of the sites.
    """
    model = specimen.model
    hand = specimen.hand
    data = mujoco.MjData(model)
    worst = np.zeros(len(hand.tendons))
    names = ["no site"] * len(hand.tendons)
    sites = [path_sites(model, tendon) for tendon in hand.tendons]
    for angles in specimen.postures:
        place(model, data, hand, angles)
        points = data.wrap_xpos.reshape(-1, 3)
        kinds = data.wrap_obj.reshape(-1)
        for i, tendon in enumerate(hand.tendons):
            first = data.ten_wrapadr[tendon]
            part = slice(first, first + data.ten_wrapnum[tendon])
            turn, number = _sharpest(points[part], kinds[part])
            if turn > worst[i]:
                worst[i] = turn
                names[i] = model.site(sites[i][number]).name
    return worst, names


def _sharpest(points: np.ndarray, kinds: np.ndarray) -> tuple[float, int]:
    """The largest bend at a site of one path [rad], and the index of the site among its sites.

    Args:
        points: the path [m]. Shape (p, 3).
        kinds: -1 at sites, -2 at pulleys. Shape (p,).
    """
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    products = np.maximum(lengths[:-1] * lengths[1:], 1e-12)
    cosines = np.einsum("ij,ij->i", steps[:-1], steps[1:]) / products
    inner = (
        (kinds[1:-1] == -1)
        & (kinds[:-2] != -2)
        & (kinds[2:] != -2)
        & (np.minimum(lengths[:-1], lengths[1:]) > SHORTEST_STEP)
    )
    bends = np.where(inner, np.arccos(np.clip(cosines, -1.0, 1.0)), 0.0)
    if bends.size == 0:
        return 0.0, 0
    sharpest = int(np.argmax(bends))
    return float(bends[sharpest]), int(np.count_nonzero(kinds[: sharpest + 1] == -1))


def _pairs(hand: HandIndex) -> list[_Pair]:
    """The muscle-joint pairs of the table that the hand has, in the table's order.

    Pairs without a certain direction are left out: sources disagree about it, or the arm is within
    a standard deviation or `TOLERANCE` of zero.
    """
    pairs = {}
    rows = [
        row
        for row in load_reference().moment_arms
        if row.muscle in hand.muscle_names and row.joint in hand.joints
    ]
    for muscle, joint in dict.fromkeys((row.muscle, row.joint) for row in rows):
        certain = [
            row
            for row in rows
            if (row.muscle, row.joint) == (muscle, joint)
            and (row.arm is None or row.arm > max(row.sd or 0.0, TOLERANCE))
        ]
        words = {row.direction for row in certain}
        if len(words) == 1:
            label = f"{muscle} at {joint} ({words.pop()})"
            indices = (hand.muscle_names.index(muscle), hand.joints.index(joint))
            pairs[indices] = _Pair(*indices, sign=_sign(certain[0]), label=label)
    return list(pairs.values())


def _sign(row: MomentArmRow) -> float:
    return 1.0 if row.direction == directions(row.joint)[0] else -1.0


def _distance(row: MomentArmRow, arms: np.ndarray) -> tuple[float, str]:
    """Root mean square error of arms [m] against a published one, and a line for the report."""
    error = float(np.sqrt(np.mean(np.square(arms - _sign(row) * (row.arm or 0.0)))))
    arm = _sign(row) * arms
    recalled = ", recalled" if row.status == "recalled" else ""
    words = (
        f"{row.muscle} at {row.joint} ({row.direction}): "
        f"arm {1e3 * arm.min():.1f} to {1e3 * arm.max():.1f} mm; "
        f"{1e3 * error:.1f} mm off {1e3 * (row.arm or 0.0):.1f} mm ({row.source}{recalled})"
    )
    return error, words


def _panel(
    hand: HandIndex, joint: str, angles: np.ndarray, arms: np.ndarray, rows: list[MomentArmRow]
) -> Panel:
    """The model's arms over a joint's range, each with its published values as error bars."""
    degrees = np.rad2deg(angles)
    series = []
    for muscle in dict.fromkeys(row.muscle for row in rows):
        series.append(Series(muscle, degrees, 1e3 * arms[:, hand.muscle_names.index(muscle)]))
        valued = [row for row in rows if row.muscle == muscle and row.arm is not None]
        if valued:
            # Sources seldom give the angle of an arm: the values are evenly spaced.
            x = np.quantile(degrees, (np.arange(len(valued)) + 1) / (len(valued) + 1))
            values = np.array([1e3 * _sign(row) * (row.arm or 0.0) for row in valued])
            spread = np.array([1e3 * (row.sd or 0.0) for row in valued])
            series.append(Series(f"{muscle}, published", x, values, error=spread))
    positive, negative = directions(joint)
    ylabel = f"arm [mm], {positive} +, {negative} -"
    return Panel(f"Moment arms about {joint}", f"{joint} [deg]", ylabel, "line", tuple(series))


def _finding(
    offenders: list[tuple[float, str]], summary: str, value: float | None = None
) -> Finding:
    """Fails with any offender; offenders with the lowest number come first.

    The value is the number of offenders where None.
    """
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    number = float(len(offenders)) if value is None else value
    return Finding(verdict, summary, number, tuple(text for _, text in sorted(offenders)))


_TABLE = "models/reference/moment_arms.csv"

CHECKS: tuple[Check, ...] = (
    Check(
        code="V08",
        title="Direction of moment arms",
        asks="Does each muscle turn each joint it crosses the way it does in anatomy?",
        threshold=(
            f"in at least {RIGHT_SHARE:.0%} of {NUM_POSTURES} random postures, every pair; "
            f"wrong by over {1e3 * TOLERANCE:g} mm counts"
        ),
        source=_TABLE,
        run=check_signs,
    ),
    Check(
        code="V09",
        title="Missing moment arms",
        asks="Does every muscle act on all joints it acts on in anatomy?",
        threshold=(
            f"an arm above {1e3 * NO_ARM:g} mm in some posture; "
            "a warning where muscles are not in the model"
        ),
        source=_TABLE,
        run=check_missing,
    ),
    Check(
        code="V10",
        title="Continuity of paths",
        asks=(
            "Do lengths and moment arms change without jumps along random movements, "
            f"sampled every {np.rad2deg(FINEST_STEP):g} deg?"
        ),
        threshold=(
            f"no jump over {1e3 * JUMP_OF_LENGTH:g} mm in length or {1e3 * JUMP_OF_ARM:g} mm in arm"
        ),
        source=(
            f"wraps that hold stay below {1e3 * JUMP_OF_LENGTH:g} mm; "
            "measured on MyoHand and MUSIC-Hand, where one muscle does not"
        ),
        run=check_continuity,
    ),
    Check(
        code="V11",
        title="Size of moment arms",
        asks=(
            "How far is each arm from each published value, "
            "over the joint's range with the other joints at rest?"
        ),
        threshold=(
            f"root mean square error at most {1e3 * RMS_LIMIT:g} mm or {DEVIATIONS:g} SD; "
            "recalled values only warn"
        ),
        source=_TABLE,
        run=check_published,
    ),
    Check(
        code="V25",
        title="Folding paths",
        asks="Does a path run back on itself, or an arm turn over within the range of its joint?",
        threshold=(
            f"bends of at most {np.rad2deg(MOST_TURN):.0f} deg at via points; "
            f"no change of sides beyond {1e3 * TOLERANCE:g} mm"
        ),
        source=(
            "measured: via points that pass each other in flexion take a third of the postures' "
            "torque closure"
        ),
        run=check_folds,
    ),
)
"""The checks of this module."""
