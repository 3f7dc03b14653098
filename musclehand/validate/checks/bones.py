"""Do paths run where there is room for tendons: outside the bones, and within reach of them?

Only for models with bone meshes. Our own hand is judged with the meshes of MyoSim, which it leaves
out otherwise.
"""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.analysis.bone import bones, depth
from musclehand.body.build.hand_file import root_body
from musclehand.body.hand_index import HandIndex, bodies_below, path_sites
from musclehand.validate.check import Check, Finding, Specimen, Verdict

DEEPEST = 0.001
"""A point this deep in a bone is in it [m]; attachments lie on a surface that meshes know to a
millimetre."""

REACH_HAND = 0.016
REACH_FOREARM = 0.026
"""Farthest from any bone that a tendon runs [m]: beyond the wrist (flexors in their sheaths and
the thenar muscles lie within 15 mm of it), and in the forearm, whose muscles are thicker; more
in a thicker hand."""


def check_bones(specimen: Specimen) -> Finding:
    """V29: is every point of a path outside the bones and near one?"""
    model = specimen.with_bones() if specimen.with_bones else specimen.model
    hand = HandIndex.from_model(model, specimen.hand.side, specimen.naming)
    within = bodies_below(model, root_body(model, hand))
    surfaces = tuple(bone for bone in bones(model) if bone.body in within)
    if not surfaces:
        return Finding(Verdict.SKIP, "the model has no bone meshes")
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    covered = {int(bone.body) for bone in surfaces}
    everywhere = sorted({site for tendon in hand.tendons for site in path_sites(model, tendon)})
    sites = [site for site in everywhere if int(model.site_bodyid[site]) in covered]
    found = depth(data, surfaces, data.site_xpos[sites])
    beyond_wrist = bodies_below(
        model, int(model.jnt_bodyid[hand.joint_ids(model)[hand.joints.index("flexion")]])
    )
    reach_hand = REACH_HAND * specimen.thickness
    reach_forearm = REACH_FOREARM * specimen.thickness
    offenders = []
    for site, inside, distance in zip(sites, found.inside, found.distance, strict=True):
        name = model.site(site).name
        far = reach_hand if model.site_bodyid[site] in beyond_wrist else reach_forearm
        if inside >= 0 and distance > DEEPEST * specimen.thickness:
            offenders.append(
                (distance, f"{name}: {1e3 * distance:.1f} mm inside {model.body(inside).name}")
            )
        elif inside < 0 and distance > far:
            offenders.append(
                (distance - far, f"{name}: {1e3 * distance:.1f} mm from the nearest bone")
            )
    offenders.sort(reverse=True)
    deepest = float(np.where(found.inside >= 0, found.distance, 0.0).max())
    summary = f"{len(offenders)} of {len(sites)} path points in a bone or out of reach; deepest {1e3 * deepest:.1f} mm"
    verdict = Verdict.FAIL if offenders else Verdict.PASS
    return Finding(
        verdict, summary, value=1e3 * deepest, offenders=tuple(words for _, words in offenders)
    )


CHECKS = (
    Check(
        "V29",
        "Paths and bones",
        "Do the points of all paths lie outside the bones and within reach of them?",
        f"at most {1e3 * DEEPEST:g} mm deep; within {1e3 * REACH_HAND:g} mm of a bone in the hand, "
        f"{1e3 * REACH_FOREARM:g} mm in the forearm",
        "bone meshes of the model itself",
        check_bones,
    ),
)
