"""Structure (V01, V02, V18, V20, V35): parts, constants, masses, contact pairs, sizes."""

from __future__ import annotations

import itertools
from collections import Counter

import mujoco
import numpy as np

from musclehand.body.analysis.inertia import SMALLEST_REACH, extent, joint_inertia
from musclehand.body.analysis.size import (
    KNUCKLES_PER_BREADTH,
    USUAL_LENGTH,
    hand_size,
    load_segments,
)
from musclehand.body.anatomy import DIGITS, digit_joints
from musclehand.body.hand_index import bodies_below, path_sites
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict

POSSIBLE_INERTIA = 1.0
"""Largest inertia of parts of mass m within L of an axis or of their centre [m L^2], however their
mass is distributed. Real phalanges have 0.33 about their joints (Wu 2008, quoted)."""

LARGEST_INERTIA = 10.0
"""Inertia from which a part is not usable [m L^2]; chosen, an order of magnitude above what is
possible, which no error of L explains."""

HAND_MASS = (0.23, 0.75)
"""Mass from the wrist down [kg]: 0.50 % of a woman of 46 kg to 0.65 % of a man of 115 kg
(Plagenhoef 1983, quoted)."""

MOST_DAMPING = 1.0
"""Largest damping of a joint [N m s/rad]; chosen. At 10 rad/s, a usual speed of wrist and fingers,
it would take 10 N m, as much as the strongest muscles of the hand have (Delp 1996)."""

SHORTEST_PATH = 1e-6
"""A path of at most this length has no length [m]."""

ADULT_LENGTH = (0.131, 0.243)
ADULT_BREADTH = (0.059, 0.111)
"""Hand lengths and breadths of adults [m]: from the 5th percentile of women to the 95th of men in
ANSUR II (`anthropometry.csv`), and beyond each end as far again as the two percentiles of that sex
lie apart (3.3 standard deviations)."""

NO_HAND = 2.0
"""A hand this many times larger than adults', or smaller, is in a wrong unit or scale: half of the
shortest adult hand is a newborn's; chosen."""

SEGMENT_RATIO = (0.6, 1.4)
"""Least and greatest length of a phalanx relative to the published part of the hand's length.
Standard deviations between people are 11 to 15 % (Buryanov & Kotiuk 2010, recalled); chosen, about
three of them."""

UNITS = {"mm": 1e3, "cm": 1e2, "inches": 1.0 / 0.0254}
"""Units that a model may be in, by their number in a metre."""


def check_parts(specimen: Specimen) -> Finding:
    """V01: is every tendon used, every muscle there once, every path of positive length?"""
    model = specimen.model
    hand = specimen.hand
    offenders = [
        f"tendon {name}: no actuator pulls it, nothing limits or stretches it"
        for name in _idle(specimen)
    ]
    for name, count in Counter(hand.muscle_names).items():
        if count > 1:
            offenders.append(f"muscle {name}: {count} actuators stand for it")
    for name, tendon in zip(hand.muscle_names, hand.tendons, strict=True):
        start = int(model.tendon_adr[tendon])
        kinds = model.wrap_type[start : start + int(model.tendon_num[tendon])]
        length = model.tendon_length0[tendon]
        if not (length > SHORTEST_PATH and np.isfinite(length)):
            offenders.append(f"muscle {name}: its path has no length")
        if np.count_nonzero(kinds == mujoco.mjtWrap.mjWRAP_SITE) < 2:
            offenders.append(f"muscle {name}: its path has fewer than two points")
    counts = (
        f"{len(hand.joints)} joints, {len(hand.muscles)} muscles, {len(hand.digits)} fingertips"
    )
    return Finding(
        Verdict.FAIL if offenders else Verdict.PASS,
        f"compiles; {counts}; {len(offenders)} parts missing, idle or double",
        float(len(offenders)),
        tuple(offenders),
    )


def check_constants(specimen: Specimen) -> Finding:
    """V02: do a muscle's constants agree, and is the damping of joints possible?

    MuJoCo has the constants of a muscle twice, for active and passive force.
    """
    model = specimen.model
    muscles = specimen.hand.muscles
    gain = model.actuator_gainprm[muscles, :9]
    bias = model.actuator_biasprm[muscles, :9]
    labels = ("range low", "range high", "force", "scale", "lmin", "lmax", "vmax", "fpmax", "fvmax")
    offenders = []
    for i, name in enumerate(specimen.hand.muscle_names):
        columns = np.flatnonzero(gain[i] != bias[i])
        if columns.size:
            pairs = ", ".join(f"{labels[k]} {gain[i, k]:g} and {bias[i, k]:g}" for k in columns)
            offenders.append(f"{name}: {pairs}")
    for joint, dof in zip(specimen.hand.joints, specimen.hand.dofs, strict=True):
        damping = float(model.dof_damping[dof])
        if not 0.0 <= damping <= MOST_DAMPING:
            offenders.append(f"{joint}: damping {damping:g} N m s/rad")
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    summary = f"{len(offenders)} constants that differ or are not people's"
    return Finding(verdict, summary, float(len(offenders)), tuple(offenders))


def check_inertia(specimen: Specimen) -> Finding:
    """V18: are the inertias of joints and segments possible, and the mass that of a hand?"""
    joints = joint_inertia(specimen.model, specimen.hand)
    lines: list[tuple[float, str]] = []
    for i, joint in enumerate(specimen.hand.joints):
        share = joints.armature[i] / max(joints.inertia[i], 1e-15)
        words = (
            f"{joint}: {joints.inertia[i]:.1e} kg m^2 is {_times(joints.ratio[i])} m L^2 "
            f"({1e3 * joints.mass[i]:.1f} g, {1e3 * joints.reach[i]:.0f} mm), "
            f"{share:.0%} of it armature"
        )
        lines.append((float(joints.ratio[i]), words))
    lines += _body_inertia(specimen)
    lines.sort(key=lambda pair: -pair[0])
    wrong = [words for ratio, words in lines if ratio > POSSIBLE_INERTIA or not np.isfinite(ratio)]
    worst = lines[0][0]
    is_wrong = worst > LARGEST_INERTIA
    mass = _hand_mass(specimen)
    if not HAND_MASS[0] <= mass <= HAND_MASS[1]:
        wrong.insert(0, f"hand from the wrist down: {mass:.3f} kg")
        is_wrong = True
    panel = Panel(
        title="Inertia about each joint, armature included",
        xlabel="",
        ylabel="I / (m L^2)",
        kind="bars",
        series=(Series("", np.arange(len(joints.ratio), dtype=float), joints.ratio),),
        ticks=specimen.hand.joints,
        limit=POSSIBLE_INERTIA,
    )
    summary = (
        f"largest inertia {_times(worst)} m L^2; {len(wrong)} parts with more than is possible; "
        f"hand {mass:.3f} kg"
    )
    verdict = Verdict.FAIL if is_wrong else Verdict.WARN if wrong else Verdict.PASS
    return Finding(verdict, summary, worst, tuple(wrong), (panel,))


def check_size(specimen: Specimen) -> Finding:
    """V35: is the hand as large as people's, in metres, and in their proportions?"""
    size = hand_size(specimen.model, specimen.hand)
    breadth = None if size.knuckles is None else size.knuckles / KNUCKLES_PER_BREADTH
    wrong = []
    doubtful = []
    for name, value, (low, high) in (
        ("length", size.length, ADULT_LENGTH),
        ("breadth", breadth, ADULT_BREADTH),
    ):
        if value is None or low <= value <= high:
            continue
        words = f"hand {name} {1e3 * value:.4g} mm; adults have {1e3 * low:g} to {1e3 * high:g}"
        if low / NO_HAND <= value <= high * NO_HAND:
            doubtful.append(words)
        else:
            wrong.append(words + _unit_of(value / (0.5 * (low + high))))
    for row in load_segments():
        if row.segment not in size.segments:
            continue
        length = size.segments[row.segment]
        spans = ADULT_LENGTH if size.length is None else (size.length, size.length)
        low, high = row.ratio * SEGMENT_RATIO[0] * spans[0], row.ratio * SEGMENT_RATIO[1] * spans[1]
        # Sites at the tips may lie anywhere on the last phalanx.
        is_short = length < low and "distal" not in row.segment
        if is_short or length > high:
            share = length / (row.ratio * (size.length or USUAL_LENGTH))
            wrong.append(
                f"{row.segment} {1e3 * length:.4g} mm, {share:.2g} times its published part of "
                "the hand's length"
            )
    if not size.segments and size.length is None and breadth is None:
        return Finding(Verdict.SKIP, "the model has no two joints whose distance is published")
    verdict = Verdict.FAIL if wrong else Verdict.WARN if doubtful else Verdict.PASS
    measured = [
        f"{name} {1e3 * value:.4g} mm"
        for name, value in (("length", size.length), ("breadth by its knuckles", breadth))
        if value is not None
    ]
    summary = f"{', '.join(measured) or 'single digits'}; {len(wrong)} sizes wrong"
    return Finding(verdict, summary, size.length, (*wrong, *doubtful))


def check_collisions(specimen: Specimen) -> Finding:
    """V20: can digits touch each other, while neighbouring bones of one digit do not collide?"""
    segments = _segments(specimen)
    geoms = {body: _geoms_of(specimen.model, body) for chain in segments.values() for body in chain}
    offenders = []
    able = 0
    total = 0
    for digit1, digit2 in itertools.combinations(segments, 2):
        pairs = list(itertools.product(segments[digit1], segments[digit2]))
        adjacent = DIGITS.index(digit2) == DIGITS.index(digit1) + 1
        if adjacent and "thumb" not in (digit1, digit2):
            # The web of the hand joins the proximal phalanges of adjacent fingers.
            pairs = pairs[1:]
        missing = [
            pair for pair in pairs if not _touch(specimen.model, geoms[pair[0]], geoms[pair[1]])
        ]
        total += len(pairs)
        able += len(pairs) - len(missing)
        if missing:
            first = " and ".join(specimen.model.body(body).name for body in missing[0])
            offenders.append(
                f"{digit1} and {digit2}: {len(missing)} of {len(pairs)} pairs of segments "
                f"pass through each other ({first})"
            )
    for near, far in (pair for chain in segments.values() for pair in itertools.pairwise(chain)):
        if _touch(specimen.model, geoms[near], geoms[far]):
            names = f"{specimen.model.body(near).name} and {specimen.model.body(far).name}"
            offenders.append(f"{names}: neighbours in one digit collide")
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    summary = f"{able} of {total} pairs of segments of different digits can touch"
    return Finding(verdict, summary, able / max(total, 1), tuple(offenders))


def _idle(specimen: Specimen) -> list[str]:
    """Names of the hand's tendons that no actuator, equality, spring or limit uses."""
    model = specimen.model
    bodies = _bodies_of(specimen)
    by_tendon = model.actuator_trntype == mujoco.mjtTrn.mjTRN_TENDON
    pulled = set(model.actuator_trnid[by_tendon, 0].tolist())
    tied = model.eq_type == mujoco.mjtEq.mjEQ_TENDON
    pulled |= set(model.eq_obj1id[tied].tolist()) | set(model.eq_obj2id[tied].tolist())
    idle = []
    for tendon in range(model.ntendon):
        sites = path_sites(model, tendon)
        is_ligament = np.any(model.tendon_stiffness[tendon]) or model.tendon_limited[tendon]
        is_hands = bool(bodies & set(model.site_bodyid[sites].tolist()))
        if tendon not in pulled and not is_ligament and is_hands:
            idle.append(model.tendon(tendon).name or f"number {tendon}")
    return idle


def _bodies_of(specimen: Specimen) -> set[int]:
    """Ids of the bodies that the hand's joints move."""
    model = specimen.model
    return bodies_below(model, int(model.jnt_bodyid[specimen.hand.joint_ids(model)].min()))


def _body_inertia(specimen: Specimen) -> list[tuple[float, str]]:
    """Largest inertia of each body about its centre of mass [m L^2], and a line about it."""
    model = specimen.model
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    lines = []
    for body in sorted(_bodies_of(specimen)):
        inertia = float(model.body_inertia[body].max())
        mass = float(model.body_mass[body])
        if inertia <= 0.0:
            continue
        children = np.flatnonzero(model.body_parentid == body)
        points = np.vstack([extent(model, data, {body}), data.xpos[children]])
        size = max(float(np.linalg.norm(points - data.xipos[body], axis=1).max()), SMALLEST_REACH)
        ratio = inertia / max(mass * size**2, 1e-15)
        words = (
            f"{model.body(body).name}: {inertia:.1e} kg m^2 is {_times(ratio)} m L^2 "
            f"({1e3 * mass:.1f} g, {1e3 * size:.0f} mm)"
        )
        lines.append((ratio, words))
    return lines


def _times(ratio: float) -> str:
    """A ratio with two digits, or in whole numbers: "0.21", "43", "4.3e+03"."""
    return f"{ratio:.2g}" if ratio < 100 or ratio >= 1e4 else f"{ratio:.0f}"


def _unit_of(ratio: float) -> str:
    """A guess at the unit of a model that is `ratio` times too large."""
    for unit, number in UNITS.items():
        if number / NO_HAND < ratio < number * NO_HAND:
            return f": the model looks as if it were in {unit}, MuJoCo takes metres"
    return ""


def _hand_mass(specimen: Specimen) -> float:
    """Mass beyond the wrist, or beyond the first joint where a model has no wrist [kg]."""
    model = specimen.model
    hand = specimen.hand
    ids = hand.joint_ids(model)
    wrist = [
        int(model.jnt_bodyid[ids[hand.joints.index(joint)]])
        for joint in ("deviation", "flexion")
        if joint in hand.joints
    ]
    bodies = wrist or [int(model.jnt_bodyid[ids].min())]
    return float(max(model.body_subtreemass[body] for body in bodies))


def _segments(specimen: Specimen) -> dict[str, list[int]]:
    """Ids of the phalanges of each digit, from the palm to the tip: the bodies its joints move."""
    model = specimen.model
    hand = specimen.hand
    ids = dict(zip(hand.joints, hand.joint_ids(model), strict=True))
    segments = {}
    for digit in DIGITS:
        joints = [
            joint for joint in digit_joints(digit) if joint in ids and not joint.startswith("cmc")
        ]
        segments[digit] = list(dict.fromkeys(int(model.jnt_bodyid[ids[joint]]) for joint in joints))
    return {digit: chain for digit, chain in segments.items() if chain}


def _geoms_of(model: mujoco.MjModel, body: int) -> np.ndarray:
    """Ids of the geoms that move with a body."""
    return np.flatnonzero(model.body_weldid[model.geom_bodyid] == model.body_weldid[body])


def _touch(model: mujoco.MjModel, geoms1: np.ndarray, geoms2: np.ndarray) -> bool:
    """Whether MuJoCo tests any geom of one set for contact with any of the other."""
    explicit = set(zip(model.pair_geom1.tolist(), model.pair_geom2.tolist(), strict=True))
    excluded = set(model.exclude_signature.tolist())
    for geom1, geom2 in itertools.product(geoms1.tolist(), geoms2.tolist()):
        if (geom1, geom2) in explicit or (geom2, geom1) in explicit:
            return True
        body1 = int(model.geom_bodyid[geom1])
        body2 = int(model.geom_bodyid[geom2])
        # An exclusion is stored under the ids of both bodies, in either order.
        signatures = {(body1 << 16) + body2, (body2 << 16) + body1}
        masks = (model.geom_contype[geom1] & model.geom_conaffinity[geom2]) | (
            model.geom_contype[geom2] & model.geom_conaffinity[geom1]
        )
        if masks and not _filtered(model, body1, body2) and not signatures & excluded:
            return True
    return False


def _filtered(model: mujoco.MjModel, body1: int, body2: int) -> bool:
    """Whether MuJoCo skips contacts of two bodies because they are parent and child."""
    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_FILTERPARENT:
        return False
    weld1 = int(model.body_weldid[body1])
    weld2 = int(model.body_weldid[body2])
    parent1 = int(model.body_weldid[model.body_parentid[weld1]])
    parent2 = int(model.body_weldid[model.body_parentid[weld2]])
    return parent1 == weld2 or parent2 == weld1


CHECKS: tuple[Check, ...] = (
    Check(
        code="V01",
        title="Parts",
        asks="Does the model compile, and is every tendon of the hand pulled by one muscle?",
        threshold="no part missing, idle or double",
        source=(
            "MuJoCo's compiler, which also sees to unique names "
            "and to sites and surfaces that paths refer to"
        ),
        run=check_parts,
    ),
    Check(
        code="V02",
        title="Constants",
        asks=(
            "Are the constants of a muscle's active force those of its passive force, "
            "and is the damping of joints possible?"
        ),
        threshold=(
            f"equal to the last digit; damping of a joint at most {MOST_DAMPING:g} N m s/rad"
        ),
        source=(
            "MuJoCo's muscle model (gainprm and biasprm; "
            "they differ in the supinator of MyoSim's arm); strength of the wrist (Delp 1996)"
        ),
        run=check_constants,
    ),
    Check(
        code="V18",
        title="Mass and inertia",
        asks=(
            "Are the inertias of joints and segments possible for their mass and size, "
            "and does the hand weigh what hands weigh?"
        ),
        threshold=(
            f"inertia about every joint, armature included, and of every body at most "
            f"{LARGEST_INERTIA:g} m L^2, and a warning above {POSSIBLE_INERTIA:g} m L^2; "
            f"hand {HAND_MASS[0]:g} to {HAND_MASS[1]:g} kg"
        ),
        source=(
            "parts of mass m within L of an axis have m L^2 at most; m and L are the model's. "
            "Hand 0.50 % of a woman of 46 kg "
            "to 0.65 % of a man of 115 kg (Plagenhoef 1983, quoted)"
        ),
        run=check_inertia,
    ),
    Check(
        code="V20",
        title="Self-collision",
        asks=(
            "Can the phalanges of different digits touch each other, "
            "while neighbouring bones of one digit do not collide?"
        ),
        threshold=(
            "all pairs of phalanges of different digits but the proximal ones of neighbours, "
            "which the web joins"
        ),
        source=(
            "fingers do not pass through each other; "
            "MyoHand 0.2.3 has no such pair (myo_sim issue 127)"
        ),
        run=check_collisions,
    ),
    Check(
        code="V35",
        title="Size",
        asks="Is the hand as large as people's, in metres, and in their proportions?",
        threshold=(
            f"a warning outside a length of {1e3 * ADULT_LENGTH[0]:g} to "
            f"{1e3 * ADULT_LENGTH[1]:g} mm or a breadth of {1e3 * ADULT_BREADTH[0]:g} to "
            f"{1e3 * ADULT_BREADTH[1]:g} mm, failed by a factor of {NO_HAND:g}; phalanges "
            f"{SEGMENT_RATIO[0]:g} to {SEGMENT_RATIO[1]:g} times their published part of the "
            "length, which the last ones may fall short of"
        ),
        source=(
            "ANSUR II (models/reference/anthropometry.csv), and beyond it as far again as its "
            "percentiles lie apart; Buchholz 1992 (segment_ratios.csv, quoted)"
        ),
        run=check_size,
    ),
)
"""The checks of this module."""
