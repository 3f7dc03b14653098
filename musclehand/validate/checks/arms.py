"""Do muscles pull on the joints they should, the way they should, as far as published, and without
jumps?

Arms are compared with `models/reference/moment_arms.csv`: which way each muscle turns each joint,
and how large its arm is where somebody measured it. An arm is counted positive in the direction the
table gives it.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.moment_arm import (
    JUMP_OF_ARM,
    JUMP_OF_LENGTH,
    jumps,
    moment_arms,
    sweep,
)
from musclehand.body.analysis.reference import MomentArmRow, load_reference
from musclehand.body.anatomy import directions
from musclehand.body.hand_index import HandIndex, path_sites
from musclehand.body.posture import place
from musclehand.validate.check import Check, Finding, Panel, Series, Specimen, Verdict

RIGHT_SHARE = 0.99
"""Share of random postures in which an arm has to have its sign."""

TOLERANCE = 0.0005
"""An arm on the wrong side by less than this is not held against it [m]: paths pass through zero
somewhere."""

NO_ARM = 0.0001
"""An arm that is never larger is missing [m]."""

RMS_LIMIT = 0.003
DEVIATIONS = 2.0
"""How far an arm may be from a published one over the joint's range: this many [m], or standard
deviations."""

SEGMENTS = 150

MOST_TURN = float(np.deg2rad(120.0))
"""Sharpest bend of a path at one of its points [rad]. A joint bent by a right angle turns the
path across it by that and the slant of the path; with more than a third of a circle it runs back
the way it came."""


class _Pair(NamedTuple):
    """One muscle on one joint: positions in the hand, and the sign of the anatomical direction."""

    muscle: int
    joint: int
    sign: float
    label: str


def check_signs(specimen: Specimen) -> Finding:
    """V08: does each muscle turn each joint the way it does in anatomy?"""
    pairs = _pairs(specimen.hand)
    if not pairs:
        return Finding(
            Verdict.SKIP, "none of the muscles and joints of the table are in this model"
        )
    arms = moment_arms(specimen.model, specimen.hand, specimen.postures)
    found = []
    for pair in pairs:
        arm = pair.sign * arms[:, pair.muscle, pair.joint]
        wrong = float((arm < -TOLERANCE).mean())
        if 1.0 - wrong < RIGHT_SHARE:
            words = f"{pair.label}: wrong in {wrong:.1%} of postures, by up to {-1e3 * arm.min():.1f} mm"
            found.append((-wrong, f"{words} (mean {1e3 * arm.mean():.1f} mm)"))
    summary = f"{len(found)} of {len(pairs)} muscle-joint pairs turn the joint the wrong way in over 1 % of postures"
    return _finding(found, summary)


def check_missing(specimen: Specimen) -> Finding:
    """V09: is every muscle that should act on a joint there, and has it an arm at all?"""
    hand = specimen.hand
    rows = load_reference().moment_arms
    pairs = _pairs(hand)
    if not pairs:
        return Finding(
            Verdict.SKIP, "none of the muscles and joints of the table are in this model"
        )
    arms = np.abs(moment_arms(specimen.model, hand, specimen.postures)).max(axis=0)
    found = [
        (float(arms[pair.muscle, pair.joint]), f"{pair.label}: no arm in any posture")
        for pair in pairs
        if arms[pair.muscle, pair.joint] < NO_ARM
    ]
    absent = sorted({row.muscle for row in rows} - set(hand.muscle_names))
    summary = f"{len(found)} of {len(pairs)} muscle-joint pairs have no arm; {len(absent)} muscles are not in the model"
    finding = _finding(found, summary)
    if absent and finding.verdict is Verdict.PASS:
        return Finding(Verdict.WARN, summary, 0.0, (f"not in the model: {', '.join(absent)}",))
    offenders = finding.offenders + ((f"not in the model: {', '.join(absent)}",) if absent else ())
    return Finding(finding.verdict, summary, finding.value, offenders)


def check_continuity(specimen: Specimen) -> Finding:
    """V10: do lengths and arms change without jumps as the hand moves?"""
    postures = specimen.postures
    half = min(SEGMENTS, len(postures) // 2)
    found = jumps(specimen.model, specimen.hand, postures[:half], postures[half : 2 * half])
    names = specimen.hand.muscle_names
    wrong = (found.length > JUMP_OF_LENGTH) | (found.arm > JUMP_OF_ARM)
    severity = np.maximum(found.length / JUMP_OF_LENGTH, found.arm / JUMP_OF_ARM)
    offenders = [
        (
            -float(severity[i]),
            f"{names[i]}: length jumps by up to {1e3 * found.length[i]:.2f} mm, an arm by {1e3 * found.arm[i]:.1f} mm, "
            f"on {found.segments[i]:.0%} of segments",
        )
        for i in np.flatnonzero(wrong)
    ]
    summary = (
        f"{len(offenders)} of {len(names)} muscles jump; largest {1e3 * found.length.max():.3f} mm in length, "
        f"{1e3 * found.arm.max():.2f} mm in arm, along {half} segments"
    )
    return _finding(offenders, summary, 1e3 * float(found.length.max()))


def check_published(specimen: Specimen) -> Finding:
    """V11: how far are arms from published ones over each joint's range of motion?

    Published arms are for hands as thick as MyoSim's; those of a thicker or thinner hand are
    brought to it before they are compared. Values that are recalled, not read, only warn; those
    that the table marks as not used are drawn only.
    """
    hand = specimen.hand
    rows = [
        row
        for row in load_reference().moment_arms
        if row.muscle in hand.muscle_names and row.joint in hand.joints
    ]
    valued = [row for row in rows if row.arm is not None and row.used]
    if not valued:
        return Finding(Verdict.SKIP, "no published arm is about a muscle and joint of this model")
    rest = rest_angles(specimen.model, specimen.hand)
    thickness = specimen.thickness
    wrong: list[tuple[float, str]] = []
    doubtful: list[tuple[float, str]] = []
    errors = []
    panels = []
    for joint in dict.fromkeys(row.joint for row in rows):
        angles, arms = sweep(specimen.model, hand, joint, rest)
        about = [row for row in rows if row.joint == joint]
        panels.append(_panel(hand, joint, angles, arms / thickness, about))
        for row in about:
            if row in valued:
                error, words = _distance(
                    row, arms[:, hand.muscle_names.index(row.muscle)] / thickness
                )
                errors.append(error)
                excess = error - max(RMS_LIMIT, DEVIATIONS * (row.sd or 0.0))
                if excess > 0:
                    (doubtful if row.status == "recalled" else wrong).append((-excess, words))
    said = f"{len(wrong)} published and {len(doubtful)} recalled arms of {len(valued)} missed"
    summary = (
        f"{said}; root mean square error {1e3 * float(np.median(errors)):.1f} mm in the middle"
    )
    lines = tuple(text for _, text in [*sorted(wrong), *sorted(doubtful)])
    verdict = Verdict.FAIL if wrong else Verdict.WARN if doubtful else Verdict.PASS
    return Finding(verdict, summary, float(len(wrong)), lines, tuple(panels))


def check_folds(specimen: Specimen) -> Finding:
    """V25: do paths fold over?

    A path folds where it bends by more than `MOST_TURN` at one of its points, so that it runs back;
    and where its arm about a joint changes sides within that joint's own range, others at rest,
    although anatomy gives it one.
    """
    hand = specimen.hand
    turns, where = path_turns(specimen)
    found = [
        (
            -float(turns[i]),
            f"{hand.muscle_names[i]}: bends by {np.rad2deg(turns[i]):.0f} deg at {where[i]}",
        )
        for i in np.flatnonzero(turns > MOST_TURN)
    ]
    rest = rest_angles(specimen.model, specimen.hand)
    pairs = _pairs(hand)
    for joint in dict.fromkeys(pair.joint for pair in pairs):
        angles, arms = sweep(specimen.model, hand, hand.joints[joint], rest)
        for pair in (pair for pair in pairs if pair.joint == joint):
            arm = pair.sign * arms[:, pair.muscle]
            if arm.min() < -TOLERANCE and arm.max() > TOLERANCE:
                at = np.rad2deg(angles[int(np.argmin(arm))])
                words = f"{pair.label}: arm turns over, {1e3 * arm.max():.1f} to {1e3 * arm.min():.1f} mm at {at:.0f} deg"
                found.append((float(arm.min()), words))
    summary = (
        f"{len(found)} folds; sharpest bend {np.rad2deg(turns.max()):.0f} deg "
        f"({hand.muscle_names[int(np.argmax(turns))]} at {where[int(np.argmax(turns))]})"
    )
    return _finding(found, summary, float(np.rad2deg(turns.max())))


def path_turns(specimen: Specimen) -> tuple[np.ndarray, list[str]]:
    """Sharpest bend of each muscle's path at a site over the random postures.

    Bends on wrapping surfaces are round and do not count.

    Returns:
        Angles [rad], 0 being straight on, shape (m,), and the names of the sites.
    """
    model = specimen.model
    hand = specimen.hand
    data = mujoco.MjData(model)
    worst = np.zeros(len(hand.tendons))
    where = ["no site"] * len(hand.tendons)
    sites = [path_sites(model, tendon) for tendon in hand.tendons]
    for angles in specimen.postures:
        place(model, data, hand, angles)
        points = data.wrap_xpos.reshape(-1, 3)
        kinds = data.wrap_obj.reshape(-1)
        for i, tendon in enumerate(hand.tendons):
            part = slice(
                data.ten_wrapadr[tendon], data.ten_wrapadr[tendon] + data.ten_wrapnum[tendon]
            )
            turn, number = _sharpest(points[part], kinds[part])
            if turn > worst[i]:
                worst[i], where[i] = turn, model.site(sites[i][number]).name
    return worst, where


def _sharpest(points: np.ndarray, kinds: np.ndarray) -> tuple[float, int]:
    """The largest bend at a site of one path [rad], and which of its sites; kinds are -1 at
    sites, -2 at pulleys."""
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    cosines = np.einsum("ij,ij->i", steps[:-1], steps[1:]) / np.maximum(
        lengths[:-1] * lengths[1:], 1e-12
    )
    inner = (
        (kinds[1:-1] == -1)
        & (kinds[:-2] != -2)
        & (kinds[2:] != -2)
        & (np.minimum(lengths[:-1], lengths[1:]) > 1e-6)
    )
    bends = np.where(inner, np.arccos(np.clip(cosines, -1.0, 1.0)), 0.0)
    if bends.size == 0:
        return 0.0, 0
    sharpest = int(np.argmax(bends))
    return float(bends[sharpest]), int(np.count_nonzero(kinds[: sharpest + 1] == -1))


def _pairs(hand: HandIndex) -> list[_Pair]:
    """The muscle-joint pairs of the table that this hand has and that have a direction, in the
    table's order.

    Where sources disagree about the direction, or an arm is within a standard deviation or
    `TOLERANCE` of zero, nothing is asked of a model.
    """
    pairs = {}
    rows = [
        row
        for row in load_reference().moment_arms
        if row.muscle in hand.muscle_names and row.joint in hand.joints
    ]
    for muscle, joint in dict.fromkeys((row.muscle, row.joint) for row in rows):
        about = [row for row in rows if (row.muscle, row.joint) == (muscle, joint)]
        certain = [
            row for row in about if row.arm is None or row.arm > max(row.sd or 0.0, TOLERANCE)
        ]
        words = {row.direction for row in certain}
        if len(words) == 1:
            label = f"{muscle} at {joint} ({words.pop()})"
            places = hand.muscle_names.index(muscle), hand.joints.index(joint)
            pairs[places] = _Pair(*places, _sign(certain[0]), label)
    return list(pairs.values())


def _sign(row: MomentArmRow) -> float:
    return 1.0 if row.direction == directions(row.joint)[0] else -1.0


def _distance(row: MomentArmRow, arms: np.ndarray) -> tuple[float, str]:
    """Root mean square error over the range [m], and that in words."""
    error = float(np.sqrt(np.mean(np.square(arms - _sign(row) * (row.arm or 0.0)))))
    arm = _sign(row) * arms
    recalled = ", recalled" if row.status == "recalled" else ""
    span = f"arm {1e3 * arm.min():.1f} to {1e3 * arm.max():.1f} mm"
    off = f"{1e3 * error:.1f} mm off {1e3 * (row.arm or 0.0):.1f} mm ({row.source}{recalled})"
    return error, f"{row.muscle} at {row.joint} ({row.direction}): {span}; {off}"


def _panel(
    hand: HandIndex, joint: str, angles: np.ndarray, arms: np.ndarray, rows: list[MomentArmRow]
) -> Panel:
    """Curves of the model, each followed by its published values: points with error bars across
    the range."""
    degrees = np.rad2deg(angles)
    series = []
    for muscle in dict.fromkeys(row.muscle for row in rows):
        series.append(Series(muscle, degrees, 1e3 * arms[:, hand.muscle_names.index(muscle)]))
        valued = [row for row in rows if row.muscle == muscle and row.arm is not None]
        if valued:
            # Published arms seldom say at which angle; they stand evenly spaced, whatever their
            # posture.
            places = np.quantile(degrees, (np.arange(len(valued)) + 1) / (len(valued) + 1))
            values = np.array([1e3 * _sign(row) * (row.arm or 0.0) for row in valued])
            spread = np.array([1e3 * (row.sd or 0.0) for row in valued])
            series.append(Series(f"{muscle}, published", places, values, spread))
    positive, negative = directions(joint)
    ylabel = f"arm [mm], {positive} +, {negative} -"
    return Panel(f"Moment arms about {joint}", f"{joint} [deg]", ylabel, "line", tuple(series))


def _finding(found: list[tuple[float, str]], summary: str, value: float | None = None) -> Finding:
    """Fails with any offender, worst (lowest number) first; the value is their count where there
    is no better one."""
    verdict = Verdict.FAIL if found else Verdict.PASS
    return Finding(
        verdict,
        summary,
        float(len(found)) if value is None else value,
        tuple(t for _, t in sorted(found)),
    )


_TABLE = "models/reference/moment_arms.csv"

CHECKS: tuple[Check, ...] = (
    Check(
        "V08",
        "Direction of moment arms",
        "Does each muscle turn each joint it crosses the way it does in anatomy?",
        f"in at least {RIGHT_SHARE:.0%} of 300 random postures, every pair; wrong by over {1e3 * TOLERANCE} mm counts",
        _TABLE,
        check_signs,
    ),
    Check(
        "V09",
        "Missing moment arms",
        "Does every muscle act on all joints it acts on in anatomy?",
        f"an arm above {1e3 * NO_ARM} mm in some posture; a warning where muscles are not in the model",
        _TABLE,
        check_missing,
    ),
    Check(
        "V10",
        "Continuity of paths",
        "Do lengths and moment arms change without jumps along random movements, looked at every half degree?",
        f"no jump over {1e3 * JUMP_OF_LENGTH} mm in length or {1e3 * JUMP_OF_ARM:.0f} mm in arm",
        "wraps that hold stay below 0.3 mm; measured on MyoHand and MUSIC-Hand, where one muscle does not",
        check_continuity,
    ),
    Check(
        "V11",
        "Size of moment arms",
        "How far is each arm from each published value, over the joint's range with the other joints at rest?",
        f"root mean square error at most {1e3 * RMS_LIMIT:.0f} mm or {DEVIATIONS:.0f} SD; recalled values only warn",
        _TABLE,
        check_published,
    ),
    Check(
        "V25",
        "Folding paths",
        "Does a path run back on itself, or an arm turn over within the range of its joint?",
        f"bends of at most {np.rad2deg(MOST_TURN):.0f} deg at via points; no change of sides beyond "
        f"{1e3 * TOLERANCE} mm",
        "measured: via points that pass each other in flexion take a third of the postures' torque closure",
        check_folds,
    ),
)
