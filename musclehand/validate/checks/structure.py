"""Is the model put together as a hand? Parts, constants that must agree, masses, what may touch
what, and names."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, digit_joints
from musclehand.body.hand_index import bodies_below, path_sites
from musclehand.body.posture import named_posture, place
from musclehand.validate.check import Check, Finding, Panel, Series, Specimen, Verdict

LARGEST_INERTIA = 20.0
"""A body of mass m and size L cannot have more than m L^2 about its centre; this many times as
much is unphysical."""

HAND_MASS = (0.23, 0.75)
"""From the wrist down [kg]: 0.50 % of a woman of 46 kg to 0.65 % of a man of 115 kg (Plagenhoef
1983, quoted)."""

CMC_SHARE = 0.5
"""A thumb that moves with more than this share of its speed out of the palm's plane abducts,
with less it flexes."""


def check_parts(specimen: Specimen) -> Finding:
    """V01: is every tendon of the hand used, every name there once, every path of a positive
    length?"""
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
        if not (model.tendon_length0[tendon] > 1e-6 and np.isfinite(model.tendon_length0[tendon])):
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
    """V02: MuJoCo keeps a muscle's constants twice, for active and passive force; are they the
    same?"""
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
    """V18: are the inertias of the segments possible, and does the hand weigh what a hand
    weighs?"""
    model = specimen.model
    bodies = np.array(sorted(_bodies_of(specimen)))
    bodies = bodies[(model.body_mass[bodies] > 0) | (model.body_inertia[bodies].max(axis=1) > 0)]
    sizes = np.array([_size(model, body) for body in bodies])
    inertia = model.body_inertia[bodies].max(axis=1)
    ratio = inertia / np.maximum(model.body_mass[bodies] * sizes**2, 1e-15)
    offenders = []
    for i in sorted(np.flatnonzero(ratio > LARGEST_INERTIA), key=lambda i: -ratio[i]):
        parts = f"{1e3 * model.body_mass[bodies[i]]:.1f} g, {1e3 * sizes[i]:.0f} mm"
        offenders.append(
            f"{model.body(bodies[i]).name}: {inertia[i]:.1e} kg m^2 is {ratio[i]:.0f} m L^2 ({parts})"
        )
    mass = _hand_mass(specimen)
    if not HAND_MASS[0] <= mass <= HAND_MASS[1]:
        offenders.insert(0, f"hand from the wrist down: {mass:.3f} kg")
    x = np.arange(len(bodies), dtype=float)
    names = tuple(model.body(body).name for body in bodies)
    panel = Panel(
        "Largest inertia of each body", "", "I / (m L^2)", "bars", (Series("", x, ratio),), names
    )
    summary = f"largest inertia {ratio.max():.1f} m L^2; hand {mass:.3f} kg"
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(
        verdict,
        summary,
        float(ratio.max()),
        tuple(offenders),
        (panel._replace(limit=LARGEST_INERTIA),),
    )


def check_collisions(specimen: Specimen) -> Finding:
    """V20: can digits touch each other, and do neighbouring bones of one digit not?"""
    segments = _segments(specimen)
    geoms = {body: _geoms_of(specimen.model, body) for chain in segments.values() for body in chain}
    offenders = []
    able = 0
    pairs = 0
    for one, two in itertools.combinations(segments, 2):
        pairs_here = list(itertools.product(segments[one], segments[two]))
        if "thumb" not in (one, two) and DIGITS.index(two) == DIGITS.index(one) + 1:
            pairs_here = pairs_here[
                1:
            ]  # the proximal phalanges of neighbours, which the web of the hand joins
        missing = [
            pair
            for pair in pairs_here
            if not _touch(specimen.model, geoms[pair[0]], geoms[pair[1]])
        ]
        pairs = pairs + len(pairs_here)
        able = able + len(pairs_here) - len(missing)
        if missing:
            first = " and ".join(specimen.model.body(body).name for body in missing[0])
            number = f"{len(missing)} of {len(pairs_here)} pairs of segments"
            offenders.append(f"{one} and {two}: {number} pass through each other ({first})")
    for near, far in (pair for chain in segments.values() for pair in itertools.pairwise(chain)):
        if _touch(specimen.model, geoms[near], geoms[far]):
            names = f"{specimen.model.body(near).name} and {specimen.model.body(far).name}"
            offenders.append(f"{names}: neighbours in one digit collide")
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    summary = f"{able} of {pairs} pairs of segments of different digits can touch"
    return Finding(verdict, summary, able / max(pairs, 1), tuple(offenders))


def check_names(specimen: Specimen) -> Finding:
    """V24: would joint angles written for another model mean the same posture here?"""
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
        first = next(
            i
            for i, (mine, usual) in enumerate(zip(order, hand.joints, strict=True))
            if mine != usual
        )
        remarks.append(
            f"order of joints: {order[first]} stands where {hand.joints[first]} is usual"
        )
    own = [specimen.naming.joints[joint].removeprefix("-") for joint in hand.joints]
    renamed = [
        f"{joint} is {name}" for joint, name in zip(hand.joints, own, strict=True) if name != joint
    ]
    verdict = Verdict.FAIL if offenders else Verdict.WARN if remarks else Verdict.PASS
    words = (
        "; ".join(renamed[:4]) + (" ..." if len(renamed) > 4 else "")
        if renamed
        else "all as in MyoSim 0.2.3"
    )
    return Finding(verdict, f"names: {words}", float(len(renamed)), (*offenders, *remarks))


def _idle(specimen: Specimen) -> list[str]:
    """Names of the spatial tendons of this hand that nothing uses."""
    model = specimen.model
    bodies = _bodies_of(specimen)
    pulled = set(
        model.actuator_trnid[model.actuator_trntype == mujoco.mjtTrn.mjTRN_TENDON, 0].tolist()
    )
    tied = model.eq_type == mujoco.mjtEq.mjEQ_TENDON
    pulled |= set(model.eq_obj1id[tied].tolist()) | set(model.eq_obj2id[tied].tolist())
    idle = []
    for tendon in range(model.ntendon):
        sites = path_sites(model, tendon)
        is_ligament = np.any(model.tendon_stiffness[tendon]) or model.tendon_limited[tendon]
        if (
            tendon not in pulled
            and not is_ligament
            and bodies & set(model.site_bodyid[sites].tolist())
        ):
            idle.append(model.tendon(tendon).name or f"number {tendon}")
    return idle


def _bodies_of(specimen: Specimen) -> set[int]:
    """Ids of the bodies that the hand's joints move."""
    model = specimen.model
    return bodies_below(model, int(model.jnt_bodyid[specimen.hand.joint_ids(model)].min()))


def _size(model: mujoco.MjModel, body: int) -> float:
    """How far a body's own parts and the joints of its children are from its origin, at most
    [m]."""
    children = np.flatnonzero(model.body_parentid == body)
    reach = [0.005, *np.linalg.norm(model.body_pos[children], axis=1)]
    reach += list(np.linalg.norm(model.site_pos[model.site_bodyid == body], axis=1))
    for geom in np.flatnonzero(model.geom_bodyid == body):
        reach.append(float(np.linalg.norm(model.geom_pos[geom]) + model.geom_rbound[geom]))
    return float(max(reach))


def _hand_mass(specimen: Specimen) -> float:
    """Mass below the wrist, or below the first joint where a model has no wrist [kg]."""
    model = specimen.model
    hand = specimen.hand
    ids = hand.joint_ids(model)
    wrist = [
        int(model.jnt_bodyid[ids[hand.joints.index(j)]])
        for j in ("deviation", "flexion")
        if j in hand.joints
    ]
    body = (
        max(wrist, key=lambda b: model.body_subtreemass[b])
        if wrist
        else int(model.jnt_bodyid[ids].min())
    )
    return float(model.body_subtreemass[body])


def _segments(specimen: Specimen) -> dict[str, list[int]]:
    """The phalanges of each digit from the palm out, as the bodies their joints move."""
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


def _touch(model: mujoco.MjModel, one: np.ndarray, two: np.ndarray) -> bool:
    """Whether MuJoCo looks for contact between any geom of one set and any of the other."""
    named = set(zip(model.pair_geom1.tolist(), model.pair_geom2.tolist(), strict=True))
    excluded = set(model.exclude_signature.tolist())
    filters_parents = not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_FILTERPARENT
    for first, second in itertools.product(one.tolist(), two.tolist()):
        if (first, second) in named or (second, first) in named:
            return True
        bodies = int(model.geom_bodyid[first]), int(model.geom_bodyid[second])
        welds = [int(model.body_weldid[body]) for body in bodies]
        parents = [int(model.body_weldid[model.body_parentid[weld]]) for weld in welds]
        related = filters_parents and (parents[0] == welds[1] or parents[1] == welds[0])
        low, high = sorted(bodies)
        masks = (model.geom_contype[first] & model.geom_conaffinity[second]) | (
            model.geom_contype[second] & model.geom_conaffinity[first]
        )
        if (
            masks
            and not related
            and (low << 16) + high not in excluded
            and (high << 16) + low not in excluded
        ):
            return True
    return False


def _cmc_swap(specimen: Specimen, ids: dict[str, Any]) -> list[str]:
    """What is wrong with the names of the thumb's carpometacarpal joints, judged by where they
    move its tip."""
    model = specimen.model
    hand = specimen.hand
    needed = {
        "cmc_flexion",
        "cmc_abduction",
        "mcp2_flexion",
        "mcp3_flexion",
        "mcp5_flexion",
        "flexion",
    }
    if not needed <= set(ids):
        return []
    data = mujoco.MjData(model)
    place(model, data, hand, named_posture(hand, {}, hand.limits(model)))
    across = data.xanchor[ids["mcp2_flexion"]] - data.xanchor[ids["mcp5_flexion"]]
    along = data.xanchor[ids["mcp3_flexion"]] - data.xanchor[ids["flexion"]]
    normal = np.cross(across, along)
    normal /= np.linalg.norm(normal)
    wrong = []
    for joint in ("cmc_flexion", "cmc_abduction"):
        arm = data.site_xpos[hand.tips[0]] - data.xanchor[ids[joint]]
        velocity = np.cross(data.xaxis[ids[joint]], arm)
        share = float((velocity @ normal) ** 2 / max(velocity @ velocity, 1e-18))
        moves = "abduction" if share > CMC_SHARE else "flexion"
        name = model.joint(ids[joint]).name
        says = (
            "flexion" if "flex" in name.lower() else "abduction" if "abd" in name.lower() else moves
        )
        if says != moves:
            wrong.append(
                f"{name}: called {says}, but {share:.0%} of its motion is out of the palm's plane: {moves}"
            )
        if not joint.endswith(moves):
            wrong.append(
                f"naming {specimen.naming.name}: takes {name} for {joint}, which moves as {moves}"
            )
    return wrong


CHECKS = (
    Check(
        "V01",
        "Parts",
        "Does the model compile, and is every tendon of the hand pulled by one muscle?",
        "no part missing, idle or double",
        "MuJoCo's compiler, which also sees to unique names and to sites and surfaces that paths refer to",
        check_parts,
    ),
    Check(
        "V02",
        "Active and passive constants",
        "Are the constants of a muscle's active force those of its passive force?",
        "equal to the last digit",
        "MuJoCo's muscle model (gainprm and biasprm); they differ in the supinator of MyoSim's arm",
        check_gain_and_bias,
    ),
    Check(
        "V18",
        "Mass and inertia",
        "Are the inertias of the segments possible for their mass and size, and does the hand weigh what hands weigh?",
        "inertia at most 20 m L^2, hand 0.3 to 0.6 kg",
        "no body of size L has more than m L^2; hand 0.6 % of body mass (Winter 2009, table 4.1; recalled)",
        check_inertia,
    ),
    Check(
        "V20",
        "Self-collision",
        "Can the phalanges of different digits touch each other, while neighbouring bones of one digit do not collide?",
        "all pairs of phalanges of different digits but the proximal ones of neighbours, which the web joins",
        "fingers do not pass through each other; MyoHand 0.2.3 has no such pair (myo_sim issue 127)",
        check_collisions,
    ),
    Check(
        "V24",
        "Names and order of joints",
        "Do joint angles recorded with other models mean the same posture here?",
        "thumb joints named as they move; a warning for a joint missing, another order or sign",
        "joint names of MyoSim 0.2.3; version 0.1.7 has the two carpometacarpal joints of the thumb swapped",
        check_names,
    ),
)
"""The checks of this module."""
