"""Strength (V12 to V14): torque closure, torque about each joint, and fingertip force.

For closure and torques the last finger joint follows the middle one, also in models that leave it
free: people cannot move it by itself. Pad force respects only the couplings of the model. A digit's
muscles are all muscles that cross it, with all their torques on its joints. The wrist is locked for
digits, and digits for the wrist.
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
from musclehand.body.anatomy import FINGER_NUMBERS, digit_joints, directions
from musclehand.body.posture import couple, named_posture
from musclehand.validation.check import (
    NUM_POSTURES,
    Check,
    Finding,
    Panel,
    Series,
    Specimen,
    Verdict,
)

CLOSURE_SHARE = 0.99
TORQUE_SHARE = 0.98
"""Least shares of random postures in which a digit has torque closure, and in which all its joints
have their torque."""

TORQUE_QUANTILE = 0.02
"""Quantile of the torques over the postures that is drawn: `TORQUE_SHARE` of postures have more."""

LEAST_TORQUE = 0.02
"""Least torque either way about every joint [N m]: that of a piano key's 0.5 N on 40 mm of
finger. The digit's other joints may move along."""

LEAST_FORCE = 10.0
"""Least force of every pad [N]: an order of magnitude above a piano key, and less than every adult
has."""

FRICTION = 0.5
"""Friction coefficient between pad and surface; own choice."""

OTHER_TASKS = ("not the pad", "proximal phalanx", "model")
"""Words in the table's tasks for forces that are not of a living finger's pad."""

USUAL_SPREAD = 0.3
"""Standard deviation between people over the mean, where a source does not give it; other sources
have 0.30 to 0.44."""

NUM_SD = 2
"""Standard deviations around published means that count as human."""

_NO_DIGIT = "not applicable: no digit of this model has joints"

NOTABLE_SHARE = 0.2
"""Components of a missing torque below this share of the largest are not mentioned."""


def _posture(
    finger: tuple[float, float, float], thumb: tuple[float, float, float]
) -> dict[str, float]:
    """A posture by joint [deg].

    Args:
        finger: MCP, PIP and DIP flexion of all fingers.
        thumb: CMC, MCP and IP flexion.
    """
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
"""The postures in which pads press [deg]: fingers by MCP, PIP and DIP; the thumb (whose flexion is
negative) bent by a like amount at its two outer joints, its base at neutral; forearm and wrist at
neutral."""


class _Group(NamedTuple):
    """A digit or the wrist over the random postures."""

    name: str
    """Of the digit, or "wrist"."""

    arms: GroupArms
    """Moment arms of its muscles about its joints."""

    active: np.ndarray
    """[N] active tensions of its muscles at full activation. Shape (p, m)."""


def check_closure(specimen: Specimen) -> Finding:
    """V12: can the muscles of each digit produce torque in every direction?"""
    groups = _groups(specimen)
    if not groups:
        return Finding(Verdict.SKIP, _NO_DIGIT)
    closed = [torque_closure(group.arms.arms) for group in groups]
    shares = np.array([postures.mean() for postures in closed])
    offenders = [
        f"{groups[i].name}: closure in {shares[i]:.1%} of postures, "
        f"{len(groups[i].arms.muscles)} muscles; "
        f"mostly missing: {_missing_direction(groups[i].arms, closed[i])}"
        for i in np.argsort(shares)
        if shares[i] < CLOSURE_SHARE
    ]
    worst = int(np.argmin(shares))
    names = tuple(group.name for group in groups)
    bars = Series("closure", np.arange(len(groups)), 100 * shares)
    panel = Panel(
        title="Torque closure",
        xlabel="",
        ylabel="% of postures",
        kind="bars",
        series=(bars,),
        ticks=names,
        limit=100 * CLOSURE_SHARE,
    )
    summary = (
        f"closure in {shares[worst]:.1%} of {len(closed[0])} postures at least (the {names[worst]})"
    )
    value = 100 * float(shares[worst])
    return Finding(_verdict(offenders), summary, value, tuple(offenders), (panel,))


def check_joint_torques(specimen: Specimen) -> Finding:
    """V13: does every joint have torque both ways?

    The other joints of its digit may move along, as they do in people. The share of postures in
    which the joint can do so alone is reported: it is no merit, as people cannot do so either.
    """
    groups = _groups(specimen)
    if not groups:
        return Finding(Verdict.SKIP, _NO_DIGIT)
    shares: list[float] = []
    alone: list[float] = []
    offenders: list[tuple[float, str]] = []
    drawn: list[np.ndarray] = []
    ticks: list[str] = []
    for group in groups:
        torques = group.arms.arms * group.active[..., None]
        together = np.stack([np.clip(sign * torques, 0.0, None).sum(axis=1) for sign in (1, -1)])
        lower, upper = torque_range(group.arms.arms, group.active)
        single = np.stack([upper, -lower])
        share, share_alone = (
            float((torque >= LEAST_TORQUE).all(axis=(0, 2)).mean()) for torque in (together, single)
        )
        shares.append(share)
        alone.append(share_alone)
        ticks.extend(group.arms.joints)
        drawn.append(np.quantile(np.concatenate([together, single]), TORQUE_QUANTILE, axis=1))
        if share < TORQUE_SHARE:
            words = f"{group.name}: {share:.1%} of postures; {_short_of(group, together)}"
            offenders.append((share, words))
    lines = tuple(line for _, line in sorted(offenders))
    worst = int(np.argmin(shares))
    single_worst = int(np.argmin(alone))
    summary = (
        f"all joints have +-{LEAST_TORQUE} N m in {shares[worst]:.1%} of postures "
        f"(the {groups[worst].name}); each alone, with its digit's others in balance, in "
        f"{alone[single_worst]:.1%} (the {groups[single_worst].name}; people's move each other)"
    )
    panel = _torque_panel(tuple(ticks), np.concatenate(drawn, axis=1))
    return Finding(_verdict(lines), summary, 100 * shares[worst], lines, (panel,))


def check_pad_force(specimen: Specimen) -> Finding:
    """V14: can every pad press, and not harder than people's?"""
    present = [
        digit
        for digit in specimen.hand.digits
        if set(digit_joints(digit)) & set(specimen.hand.joints)
    ]
    if not present:
        return Finding(Verdict.SKIP, _NO_DIGIT)
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
                words = f"{digit}, {name}: {force:.1f} N; people up to {human[1]:.0f} N"
                strong.append((human[1] - force, words))
    offenders = tuple(line for _, line in [*sorted(weak), *sorted(strong)])
    verdict = Verdict.FAIL if weak else Verdict.WARN if strong else Verdict.PASS
    posture, pad = np.unravel_index(int(np.argmin(forces)), forces.shape)
    weakest = f"{present[pad]}, {list(PRESSING_DEG)[posture]}"
    summary = f"least pad force {forces.min():.1f} N ({weakest}), greatest {forces.max():.1f} N"
    panel = _force_panel(present, forces, people)
    return Finding(verdict, summary, float(forces.min()), offenders, (panel,))


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
    groups = [(name, group_arms(hand, geometry.arms, name)) for name in GROUPS]
    return [_Group(name, group, active[:, group.muscles]) for name, group in groups if group.joints]


def _missing_direction(group: GroupArms, closed: np.ndarray) -> str:
    """The torque farthest from reach in anatomical words: the mean of the worst directions of all
    postures without closure."""
    if len(group.muscles) < len(group.joints):
        return "all but what single muscles do"
    normals, reach = torque_normals(group.arms[~closed])
    reach = np.where(np.any(normals != 0.0, axis=-1), reach, np.inf)
    worst = np.argmin(reach, axis=1)
    mean = normals[np.arange(len(normals)), worst].mean(axis=0)
    size = float(np.abs(mean).max())
    if size == 0.0:
        return "any torque"
    order = [i for i in np.argsort(-np.abs(mean)) if abs(mean[i]) > NOTABLE_SHARE * size]
    return ", ".join(
        f"{group.joints[i]} {directions(group.joints[i])[int(mean[i] < 0)]}" for i in order
    )


def _short_of(group: _Group, torques: np.ndarray) -> str:
    """Joints and directions that lack torque in some posture, with the share that has it.

    Args:
        group: a digit or the wrist.
        torques: in the positive and the negative direction [N m]. Shape (2, p, k).
    """
    parts = []
    for column, joint in enumerate(group.arms.joints):
        for direction, torque in zip(directions(joint), torques[..., column], strict=True):
            share = float((torque >= LEAST_TORQUE).mean())
            if share < 1.0:
                least = 1e3 * max(0.0, torque.min())
                parts.append((share, f"{joint} {direction} {share:.1%} (least {least:.0f} mN m)"))
    return ", ".join(text for _, text in sorted(parts))


def _torque_panel(joints: tuple[str, ...], torques: np.ndarray) -> Panel:
    """Torques that most postures have, of joints that move along with others and of single ones.

    Args:
        joints: names of k joints.
        torques: together positive and negative, alone positive and negative [N m]. Shape (4, k).
    """
    x = np.arange(len(joints))
    names = ("positive", "negative", "positive, alone", "negative, alone")
    return Panel(
        title=(
            f"Torque that {100 * (1 - TORQUE_QUANTILE):g} % of postures have; alone: all other "
            "joints of the digit in balance"
        ),
        xlabel="",
        ylabel="N m",
        kind="bars",
        series=tuple(Series(name, x, row) for name, row in zip(names, torques, strict=True)),
        ticks=joints,
        limit=LEAST_TORQUE,
    )


def _human_range(people: tuple[FingertipForceRow, ...], digit: str) -> tuple[float, float] | None:
    """Range of the published pad forces of a digit, `NUM_SD` around the means [N]; None without
    any."""
    rows = [
        row
        for row in people
        if row.digit == digit and not any(word in row.task for word in OTHER_TASKS)
    ]
    if not rows:
        return None
    spread = [NUM_SD * (row.sd if row.sd is not None else USUAL_SPREAD * row.force) for row in rows]
    low = min(row.force - width for row, width in zip(rows, spread, strict=True))
    return max(0.0, low), max(row.force + width for row, width in zip(rows, spread, strict=True))


def _force_panel(
    digits: list[str], forces: np.ndarray, people: tuple[FingertipForceRow, ...]
) -> Panel:
    """Forces in each posture beside those of people [N]."""
    x = np.arange(len(digits))
    series = [Series(name, x, forces[row]) for row, name in enumerate(PRESSING_DEG)]
    ranges = {column: _human_range(people, digit) for column, digit in enumerate(digits)}
    published = {column: ends for column, ends in ranges.items() if ends is not None}
    if published:
        ends = np.array(list(published.values()))
        middle = ends.mean(axis=1)
        half = np.diff(ends, axis=1)[:, 0] / 2
        label = f"people, all sources +-{NUM_SD} SD"
        series.append(Series(label, np.array(list(published)), middle, error=half))
    return Panel(
        title=f"Pad force, friction {FRICTION:g}",
        xlabel="",
        ylabel="N",
        kind="bars",
        series=tuple(series),
        ticks=tuple(digits),
        limit=LEAST_FORCE,
    )


def _verdict(offenders: tuple[str, ...] | list[str]) -> Verdict:
    return Verdict.FAIL if offenders else Verdict.PASS


CHECKS: tuple[Check, ...] = (
    Check(
        code="V12",
        title="Torque closure",
        asks=(
            "Can the muscles of each digit and of the wrist together make torque "
            "in every direction?"
        ),
        threshold=(
            f"in at least {CLOSURE_SHARE:.0%} of {NUM_POSTURES} random postures, "
            "every digit and the wrist"
        ),
        source=(
            "positive spanning of the moment arms "
            "(Valero-Cuevas 2016, Fundamentals of Neuromechanics, ch. 7; recalled)"
        ),
        run=check_closure,
    ),
    Check(
        code="V13",
        title="Torque of each joint",
        asks=(
            "Can every joint be turned either way, by muscles at full activation at most, "
            "where its digit's others may move along?"
        ),
        threshold=(
            f"+-{LEAST_TORQUE:g} N m about all joints of a digit in at least "
            f"{TORQUE_SHARE:.0%} of {NUM_POSTURES} random postures; "
            "torque of single joints is reported and not judged"
        ),
        source=(
            "0.5 N at the tip of a 40 mm lever, what a piano key takes to go down; people's "
            "fingers and joints move each other (PMC3976954)"
        ),
        run=check_joint_torques,
    ),
    Check(
        code="V14",
        title="Pad force",
        asks=(
            f"How hard can each pad press in {len(PRESSING_DEG)} postures, "
            f"with friction {FRICTION:g}?"
        ),
        threshold=(
            f"at least {LEAST_FORCE:g} N for every digit in every posture; "
            f"a warning above published human force + {NUM_SD} SD"
        ),
        source="models/reference/fingertip_force.csv",
        run=check_pad_force,
    ),
)
"""The checks of this module."""
