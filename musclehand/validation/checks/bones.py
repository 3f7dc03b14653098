"""Paths and bones (V29): paths run outside the bones, and near them.

This check needs bone meshes. The bundled hand is examined with the meshes of MyoSim, which it
leaves out otherwise.
"""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.analysis.bone import bones, depth
from musclehand.body.build.hand_file import root_body
from musclehand.body.hand_index import HandIndex, bodies_below, path_sites
from musclehand.validation.check import Check, Finding, Specimen, Verdict

DEEPEST = 0.001
"""Points deeper than this are inside a bone [m]: attachments lie on the surface, which meshes have
to a millimetre."""

REACH_HAND = 0.016
REACH_FOREARM = 0.026
"""Largest distance of a tendon from the nearest bone [m], scaled with the hand's thickness: beyond
the wrist, where flexors in their sheaths and thenar muscles lie within 15 mm, and in the forearm,
whose muscles are thicker."""


def check_bones(specimen: Specimen) -> Finding:
    """V29: is every point of a path outside the bones and near one?"""
    model = specimen.with_bones() if specimen.with_bones else specimen.model
    hand = HandIndex.from_model(model, specimen.hand.side, specimen.naming)
    bodies = bodies_below(model, root_body(model, hand))
    surfaces = tuple(bone for bone in bones(model) if bone.body in bodies)
    if not surfaces:
        return Finding(Verdict.SKIP, "the model has no bone meshes")
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    covered = {int(bone.body) for bone in surfaces}
    path_points = sorted({site for tendon in hand.tendons for site in path_sites(model, tendon)})
    sites = [site for site in path_points if int(model.site_bodyid[site]) in covered]
    depths = depth(data, surfaces, data.site_xpos[sites])
    wrist = hand.joint_ids(model)[hand.joints.index("flexion")]
    beyond_wrist = bodies_below(model, int(model.jnt_bodyid[wrist]))
    reach_hand = REACH_HAND * specimen.thickness
    reach_forearm = REACH_FOREARM * specimen.thickness
    offenders = []
    for site, inside, distance in zip(sites, depths.inside, depths.distance, strict=True):
        name = model.site(site).name
        reach = reach_hand if model.site_bodyid[site] in beyond_wrist else reach_forearm
        if inside >= 0 and distance > DEEPEST * specimen.thickness:
            words = f"{name}: {1e3 * distance:.1f} mm inside {model.body(inside).name}"
            offenders.append((distance, words))
        elif inside < 0 and distance > reach:
            words = f"{name}: {1e3 * distance:.1f} mm from the nearest bone"
            offenders.append((distance - reach, words))
    offenders.sort(reverse=True)
    deepest = float(np.where(depths.inside >= 0, depths.distance, 0.0).max())
    summary = (
        f"{len(offenders)} of {len(sites)} path points in a bone or out of reach; "
        f"deepest {1e3 * deepest:.1f} mm"
    )
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    lines = tuple(words for _, words in offenders)
    return Finding(verdict, summary, value=1e3 * deepest, offenders=lines)


CHECKS: tuple[Check, ...] = (
    Check(
        code="V29",
        title="Paths and bones",
        asks="Do the points of all paths lie outside the bones and within reach of them?",
        threshold=(
            f"at most {1e3 * DEEPEST:g} mm deep; within {1e3 * REACH_HAND:g} mm of a bone in the "
            f"hand, {1e3 * REACH_FOREARM:g} mm in the forearm, times the thickness of the hand"
        ),
        source="bone meshes of the model itself",
        run=check_bones,
    ),
)
"""The checks of this module."""
