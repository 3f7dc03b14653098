"""Can the muscles move and press? Torque in every direction, torque about each joint, and force of
each pad.

Closure and torques are asked of the last finger joint following the middle one, in models that
leave it free too: people cannot move it by itself. Pad force respects only the couplings that a
model really has. A digit's muscles are all that cross it, with all their torques on its joints; the
wrist is locked for digits, digits for the wrist.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import muscle_geometry
from musclehand.body.analysis.reference import FingertipForceRow, load_reference
from musclehand.body.analysis.strength import (
    GROUPS,
    GroupArms,
    anatomical_coupling,
    feasible_forces,
    group_arms,
    muscle_limits,
    torque_closure,
    torque_normals,
    torque_range,
)
from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, digit_joints, directions
from musclehand.body.posture import couple, named_posture
from musclehand.validate.check import Check, Finding, Panel, Series, Specimen, Verdict

CLOSURE_SHARE = 0.99
TORQUE_SHARE = 0.98
"""Shares of random postures in which a digit has to have closure, and all its joints their
torque."""

LEAST_TORQUE = 0.02
"""Torque either way about every joint [N m]; pressing a piano key's 0.5 N with 40 mm of finger
takes as much."""

LEAST_FORCE = 10.0
"""Force of every pad [N]: an order above what a piano key takes, and within every adult's reach."""

FRICTION = 0.5

OTHER_TASKS = ("not the pad", "proximal phalanx", "model")
"""Words in the table's tasks that mark forces of something else than a living finger's pad."""

USUAL_SPREAD = 0.3
"""Standard deviation between people over the mean where a source does not give it; 0.30 to 0.44
where they do."""


def _posture(
    finger: tuple[float, float, float], thumb: tuple[float, float, float]
) -> dict[str, float]:
    """Degrees by joint; all fingers alike, the thumb's as carpometacarpal, metacarpophalangeal,
    interphalangeal."""
    degrees = dict(zip(("cmc_flexion", "mp_flexion", "ip_flexion"), thumb, strict=True))
    for number in FINGER_NUMBERS:
        names = (f"mcp{number}_flexion", f"pm{number}_flexion", f"md{number}_flexion")
        degrees.update(zip(names, finger, strict=True))
    return degrees


PRESSING_DEG = {
    "straight": _posture((0, 0, 0), (0, -10, -10)),
    "bent": _posture((30, 30, 20), (0, -20, -25)),
    "curled": _posture((45, 45, 30), (0, -30, -40)),
}
"""The three postures pads press in [deg]: fingers as MCP, PIP and DIP, the thumb (whose flexion
is negative) bent by a like amount at its two outer joints with its base at neutral; forearm and
wrist at neutral."""


class _Group(NamedTuple):
    """A digit or the wrist over the random postures; tensions (p, m) [N]."""

    name: str
    arms: GroupArms
    active: np.ndarray


def check_closure(specimen: Specimen) -> Finding:
    """V12: can each digit's muscles together turn it every way?"""
    groups = _groups(specimen)
    if not groups:
        return Finding(Verdict.SKIP, "no digit of this model has joints")
    closed = [torque_closure(group.arms.arms) for group in groups]
    shares = np.array([one.mean() for one in closed])
    offenders = [
        f"{groups[i].name}: closure in {shares[i]:.1%} of postures, {len(groups[i].arms.muscles)} muscles; "
        f"mostly missing: {_missing_direction(groups[i].arms, closed[i])}"
        for i in np.argsort(shares)
        if shares[i] < CLOSURE_SHARE
    ]
    worst = int(np.argmin(shares))
    names = tuple(group.name for group in groups)
    bars = Series("closure", np.arange(len(groups)), 100 * shares)
    panel = Panel(
        "Torque closure", "", "% of postures", "bars", (bars,), names, 100 * CLOSURE_SHARE
    )
    summary = (
        f"closure in {shares[worst]:.1%} of {len(closed[0])} postures at least (the {names[worst]})"
    )
    return Finding(
        _verdict(offenders), summary, 100 * float(shares[worst]), tuple(offenders), (panel,)
    )


def check_joint_torques(specimen: Specimen) -> Finding:
    """V13: does every joint have torque both ways while the others of its digit have none?"""
    groups = _groups(specimen)
    if not groups:
        return Finding(Verdict.SKIP, "no digit of this model has joints")
    shares: list[float] = []
    offenders: list[tuple[float, str]] = []
    low = []
    high = []
    ticks = list[str]()
    for group in groups:
        lower, upper = torque_range(group.arms.arms, group.active)
        enough = (lower <= -LEAST_TORQUE) & (upper >= LEAST_TORQUE)
        share = float(enough.all(axis=1).mean())
        shares.append(share)
        low.extend(np.quantile(-lower, 0.02, axis=0))
        high.extend(np.quantile(upper, 0.02, axis=0))
        ticks.extend(group.arms.joints)
        if share < TORQUE_SHARE:
            offenders.append(
                (share, f"{group.name}: {share:.1%} of postures; {_short_of(group, lower, upper)}")
            )
    lines = tuple(line for _, line in sorted(offenders))
    places = np.arange(len(ticks))
    series = (Series("positive", places, np.array(high)), Series("negative", places, np.array(low)))
    title = "Torque that 98 % of postures have, all other joints of the digit in balance"
    panel = Panel(title, "", "N m", "bars", series, tuple(ticks), LEAST_TORQUE)
    worst = int(np.argmin(shares))
    summary = f"all joints have +-{LEAST_TORQUE} N m in {shares[worst]:.1%} of postures (the {groups[worst].name})"
    return Finding(_verdict(lines), summary, 100 * shares[worst], lines, (panel,))


def check_pad_force(specimen: Specimen) -> Finding:
    """V14: can every pad press, and not harder than people's?"""
    present = [digit for digit in DIGITS if set(digit_joints(digit)) & set(specimen.hand.joints)]
    if not present:
        return Finding(Verdict.SKIP, "no digit of this model has joints")
    forces = pad_forces(specimen, present)
    people = load_reference().fingertip_forces
    weak = []
    strong = []
    for column, digit in enumerate(present):
        human = _human_range(people, digit)
        for row, name in enumerate(PRESSING_DEG):
            force = forces[row, column]
            if force < LEAST_FORCE:
                weak.append((force, f"{digit}, {name}: {force:.1f} N"))
            elif human is not None and force > human[1]:
                strong.append(
                    (
                        human[1] - force,
                        f"{digit}, {name}: {force:.1f} N; people up to {human[1]:.0f} N",
                    )
                )
    offenders = tuple(line for _, line in [*sorted(weak), *sorted(strong)])
    verdict = Verdict.FAIL if weak else Verdict.WARN if strong else Verdict.PASS
    worst = np.unravel_index(int(np.argmin(forces)), forces.shape)
    where = f"{present[worst[1]]}, {list(PRESSING_DEG)[worst[0]]}"
    summary = f"least pad force {forces.min():.1f} N ({where}), greatest {forces.max():.1f} N"
    return Finding(
        verdict, summary, float(forces.min()), offenders, (_force_panel(present, forces, people),)
    )


def pad_forces(specimen: Specimen, digits: list[str]) -> np.ndarray:
    """The largest force of each pad in each posture of `PRESSING_DEG` [N]. Shape (3, digits)."""
    model = specimen.model
    hand = specimen.hand
    limits = hand.limits(model)
    postures = [
        couple(hand, named_posture(hand, degrees, limits)) for degrees in PRESSING_DEG.values()
    ]
    return np.array(
        [
            [feasible_forces(model, hand, digit, q, FRICTION).force for digit in digits]
            for q in postures
        ]
    )


def _groups(specimen: Specimen) -> list[_Group]:
    model = specimen.model
    hand = anatomical_coupling(specimen.hand)
    limits = hand.limits(model)
    postures = np.clip(couple(hand, specimen.postures), limits[:, 0], limits[:, 1])
    geometry = muscle_geometry(model, hand, postures)
    active = muscle_limits(model, hand, geometry.lengths).active
    found = [(name, group_arms(hand, geometry.arms, name)) for name in GROUPS]
    return [_Group(name, group, active[:, group.muscles]) for name, group in found if group.joints]


def _missing_direction(group: GroupArms, closed: np.ndarray) -> str:
    """In anatomical words, the torque farthest from reach: the mean of each open posture's worst
    direction."""
    if len(group.muscles) < len(group.joints):
        return "all but what single muscles do"
    normals, reach = torque_normals(group.arms[~closed])
    reach = np.where(np.any(normals != 0.0, axis=-1), reach, np.inf)
    worst = np.argmin(reach, axis=1)
    mean = normals[np.arange(len(normals)), worst].mean(axis=0)
    size = float(np.abs(mean).max())
    if size == 0.0:
        return "any torque"
    order = [i for i in np.argsort(-np.abs(mean)) if abs(mean[i]) > 0.2 * size]
    return ", ".join(
        f"{group.joints[i]} {directions(group.joints[i])[int(mean[i] < 0)]}" for i in order
    )


def _short_of(group: _Group, lower: np.ndarray, upper: np.ndarray) -> str:
    """Which joints lack torque which way, and how often they have it."""
    parts = []
    for column, joint in enumerate(group.arms.joints):
        for word, torque in zip(
            directions(joint), (upper[:, column], -lower[:, column]), strict=True
        ):
            share = float((torque >= LEAST_TORQUE).mean())
            if share < 1.0:
                parts.append(
                    (
                        share,
                        f"{joint} {word} {share:.1%} (least {1e3 * max(0.0, torque.min()):.0f} mN m)",
                    )
                )
    return ", ".join(text for _, text in sorted(parts))


def _human_range(people: tuple[FingertipForceRow, ...], digit: str) -> tuple[float, float] | None:
    """Two standard deviations below and above the published means for a digit's pad [N], or None
    without any."""
    rows = [
        row
        for row in people
        if row.digit == digit and not any(word in row.task for word in OTHER_TASKS)
    ]
    if not rows:
        return None
    spread = [2 * (row.sd if row.sd is not None else USUAL_SPREAD * row.force) for row in rows]
    low = min(row.force - width for row, width in zip(rows, spread, strict=True))
    return max(0.0, low), max(row.force + width for row, width in zip(rows, spread, strict=True))


def _force_panel(
    digits: list[str], forces: np.ndarray, people: tuple[FingertipForceRow, ...]
) -> Panel:
    places = np.arange(len(digits))
    series = [Series(name, places, forces[row]) for row, name in enumerate(PRESSING_DEG)]
    ranges = {column: _human_range(people, digit) for column, digit in enumerate(digits)}
    known = {column: ends for column, ends in ranges.items() if ends is not None}
    if known:
        ends = np.array(list(known.values()))
        middle = ends.mean(axis=1)
        half = np.diff(ends, axis=1)[:, 0] / 2
        series.append(Series("people, all sources +-2 SD", np.array(list(known)), middle, half))
    return Panel(
        "Pad force, friction 0.5", "", "N", "bars", tuple(series), tuple(digits), LEAST_FORCE
    )


def _verdict(offenders: tuple[str, ...] | list[str]) -> Verdict:
    return Verdict.FAIL if offenders else Verdict.PASS


CHECKS: tuple[Check, ...] = (
    Check(
        "V12",
        "Torque closure",
        "Can the muscles of each digit and of the wrist together make torque in every direction?",
        f"in at least {CLOSURE_SHARE:.0%} of 300 random postures, every digit and the wrist",
        "positive spanning of the moment arms (Valero-Cuevas 2016, Fundamentals of Neuromechanics, ch. 7; recalled)",
        check_closure,
    ),
    Check(
        "V13",
        "Torque of each joint",
        "Can every joint be turned either way, by muscles at full activation at most, while its digit's others rest?",
        f"+-{LEAST_TORQUE} N m about all joints of a digit in at least {TORQUE_SHARE:.0%} of 300 random postures",
        "0.5 N at the tip of a 40 mm lever, what a piano key takes to go down",
        check_joint_torques,
    ),
    Check(
        "V14",
        "Pad force",
        "How hard can each pad press in three postures, with friction 0.5?",
        f"at least {LEAST_FORCE:.0f} N for every digit in every posture; a warning above published human force + 2 SD",
        "models/reference/fingertip_force.csv",
        check_pad_force,
    ),
)
