"""Structure (V01, V02, V18, V20, V24): parts, constants, masses, contact pairs, names."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, digit_joints
from musclehand.body.hand_index import bodies_below, path_sites
from musclehand.body.posture import named_posture, place
from musclehand.validation.check import Check, Finding, Panel, Series, Specimen, Verdict

LARGEST_INERTIA = 20.0
"""Largest moment of inertia of a body of mass m and size L [m L^2]. A real one has at most 1 about
its centre; L is only estimated here."""

HAND_MASS = (0.23, 0.75)
"""Mass from the wrist down [kg]: 0.50 % of a woman of 46 kg to 0.65 % of a man of 115 kg
(Plagenhoef 1983, quoted)."""

CMC_SHARE = 0.5
"""A thumb joint is abduction if more than this share of its squared speed is out of the palm's
plane, else flexion."""

SHORTEST_PATH = 1e-6
"""A path of at most this length has no length [m]."""

SMALLEST_SIZE = 0.005
"""Size of bodies that have no extent [m]."""

NUM_RENAMED = 4
"""Joints with another name than MyoSim's that the summary lists."""


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
    counts = f"{len(hand.joints)} joints, {len(hand.muscles)} muscles, {len(hand.tips)} fingertips"
    return Finding(
        Verdict.FAIL if offenders else Verdict.PASS,
        f"compiles; {counts}; {len(offenders)} parts missing, idle or double",
        float(len(offenders)),
        tuple(offenders),
    )


def check_gain_and_bias(specimen: Specimen) -> Finding:
    """V02: MuJoCo has a muscle's constants twice, for active and passive force; do they agree?"""
    muscles = specimen.hand.muscles
    gain = specimen.model.actuator_gainprm[muscles, :9]
    bias = specimen.model.actuator_biasprm[muscles, :9]
    labels = ("range low", "range high", "force", "scale", "lmin", "lmax", "vmax", "fpmax", "fvmax")
    offenders = []
    for i, name in enumerate(specimen.hand.muscle_names):
        columns = np.flatnonzero(gain[i] != bias[i])
        if columns.size:
            pairs = ", ".join(f"{labels[k]} {gain[i, k]:g} and {bias[i, k]:g}" for k in columns)
            offenders.append(f"{name}: {pairs}")
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    summary = f"{len(offenders)} of {len(muscles)} muscles with constants that differ"
    return Finding(verdict, summary, float(len(offenders)), tuple(offenders))


def check_inertia(specimen: Specimen) -> Finding:
    """V18: are the inertias of the segments possible, and the mass that of a hand?"""
    model = specimen.model
    bodies = np.array(sorted(_bodies_of(specimen)))
    bodies = bodies[(model.body_mass[bodies] > 0) | (model.body_inertia[bodies].max(axis=1) > 0)]
    sizes = np.array([_size(model, body) for body in bodies])
    inertia = model.body_inertia[bodies].max(axis=1)
    ratio = inertia / np.maximum(model.body_mass[bodies] * sizes**2, 1e-15)
    offenders = []
    for i in sorted(np.flatnonzero(ratio > LARGEST_INERTIA), key=lambda i: -ratio[i]):
        offenders.append(
            f"{model.body(bodies[i]).name}: {inertia[i]:.1e} kg m^2 is {ratio[i]:.0f} m L^2 "
            f"({1e3 * model.body_mass[bodies[i]]:.1f} g, {1e3 * sizes[i]:.0f} mm)"
        )
    mass = _hand_mass(specimen)
    if not HAND_MASS[0] <= mass <= HAND_MASS[1]:
        offenders.insert(0, f"hand from the wrist down: {mass:.3f} kg")
    panel = Panel(
        title="Largest inertia of each body",
        xlabel="",
        ylabel="I / (m L^2)",
        kind="bars",
        series=(Series("", np.arange(len(bodies), dtype=float), ratio),),
        ticks=tuple(model.body(body).name for body in bodies),
        limit=LARGEST_INERTIA,
    )
    summary = f"largest inertia {ratio.max():.1f} m L^2; hand {mass:.3f} kg"
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(verdict, summary, float(ratio.max()), tuple(offenders), (panel,))


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


def check_names(specimen: Specimen) -> Finding:
    """V24: do joint angles recorded with other models mean the same posture here?"""
    model = specimen.model
    hand = specimen.hand
    ids = dict(zip(hand.joints, hand.joint_ids(model), strict=True))
    offenders = _cmc_swap(specimen, ids)
    remarks = [
        f"joint {joint}: not in the model" for joint in HAND_JOINTS if joint not in hand.joints
    ]
    for joint, sign in zip(hand.joints, hand.signs, strict=True):
        if sign < 0:
            remarks.append(f"{model.joint(ids[joint]).name}: positive the other way round")
    if (np.diff(hand.qpos) <= 0).any():
        order = [hand.joints[i] for i in np.argsort(hand.qpos)]
        pairs = zip(order, hand.joints, strict=True)
        joint, expected = next(pair for pair in pairs if pair[0] != pair[1])
        remarks.append(f"order of joints: {joint} where {expected} is expected")
    names = {joint: specimen.naming.joints[joint].removeprefix("-") for joint in hand.joints}
    renamed = [f"{joint} is {name}" for joint, name in names.items() if name != joint]
    words = "; ".join(renamed[:NUM_RENAMED]) or "all as in MyoSim 0.2.3"
    if len(renamed) > NUM_RENAMED:
        words += " ..."
    verdict = Verdict.FAIL if offenders else Verdict.WARN if remarks else Verdict.PASS
    return Finding(verdict, f"names: {words}", float(len(renamed)), (*offenders, *remarks))


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


def _size(model: mujoco.MjModel, body: int) -> float:
    """Largest distance of a body's geoms, sites and child bodies from its origin [m]."""
    children = np.flatnonzero(model.body_parentid == body)
    reach = [SMALLEST_SIZE, *np.linalg.norm(model.body_pos[children], axis=1)]
    reach += list(np.linalg.norm(model.site_pos[model.site_bodyid == body], axis=1))
    for geom in np.flatnonzero(model.geom_bodyid == body):
        reach.append(float(np.linalg.norm(model.geom_pos[geom]) + model.geom_rbound[geom]))
    return float(max(reach))


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


def _cmc_swap(specimen: Specimen, ids: dict[str, Any]) -> list[str]:
    """Faults in the names of the thumb's carpometacarpal joints, by how they move its tip."""
    model = specimen.model
    hand = specimen.hand
    needed = {"cmc_flexion", "cmc_abduction", "flexion"}
    needed |= {"mcp2_flexion", "mcp3_flexion", "mcp5_flexion"}
    if not needed <= set(ids):
        return []
    data = mujoco.MjData(model)
    place(model, data, hand, named_posture(hand, {}, hand.limits(model)))
    across = data.xanchor[ids["mcp2_flexion"]] - data.xanchor[ids["mcp5_flexion"]]
    along = data.xanchor[ids["mcp3_flexion"]] - data.xanchor[ids["flexion"]]
    normal = np.cross(across, along)
    normal /= np.linalg.norm(normal)
    faults = []
    for joint in ("cmc_flexion", "cmc_abduction"):
        arm = data.site_xpos[hand.tips[0]] - data.xanchor[ids[joint]]
        velocity = np.cross(data.xaxis[ids[joint]], arm)
        share = float((velocity @ normal) ** 2 / max(velocity @ velocity, 1e-18))
        motion = "abduction" if share > CMC_SHARE else "flexion"
        name = model.joint(ids[joint]).name
        called = motion
        if "flex" in name.lower():
            called = "flexion"
        elif "abd" in name.lower():
            called = "abduction"
        if called != motion:
            faults.append(
                f"{name}: called {called}, but {share:.0%} of its motion is out of the palm's "
                f"plane: {motion}"
            )
        if not joint.endswith(motion):
            faults.append(
                f"naming {specimen.naming.name}: takes {name} for {joint}, which moves as {motion}"
            )
    return faults


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
        title="Active and passive constants",
        asks="Are the constants of a muscle's active force those of its passive force?",
        threshold="equal to the last digit",
        source=(
            "MuJoCo's muscle model (gainprm and biasprm); "
            "they differ in the supinator of MyoSim's arm"
        ),
        run=check_gain_and_bias,
    ),
    Check(
        code="V18",
        title="Mass and inertia",
        asks=(
            "Are the inertias of the segments possible for their mass and size, "
            "and does the hand weigh what hands weigh?"
        ),
        threshold=(
            f"inertia at most {LARGEST_INERTIA:g} m L^2, "
            f"hand {HAND_MASS[0]:g} to {HAND_MASS[1]:g} kg"
        ),
        source=(
            "no body of size L has more than m L^2; hand 0.50 % of a woman of 46 kg "
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
        code="V24",
        title="Names and order of joints",
        asks="Do joint angles recorded with other models mean the same posture here?",
        threshold=(
            "thumb joints named as they move, abduction with over "
            f"{100 * CMC_SHARE:g} % of the motion out of the palm's plane; "
            "a warning for a joint missing, another order or sign"
        ),
        source=(
            "joint names of MyoSim 0.2.3; version 0.1.7 has the two carpometacarpal joints "
            "of the thumb swapped"
        ),
        run=check_names,
    ),
)
"""The checks of this module."""
