"""Reflection of a right hand to a left one, for models that have only a right hand.

Local z of every position and the sense of every axis are reversed, so that the same joint value is
the same posture on both sides. The hand passes through MuJoCo's XML once, where all parts can be
renamed together; lengths agree with the original to the six digits of XML. Materials are omitted.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import mujoco
import numpy as np

from musclehand.body.naming import Naming
from musclehand.core.mujoco_warnings import silence_mujoco

MIRROR = np.array([1.0, 1.0, -1.0])
"""Factors on a position."""

MIRROR_AXIS = np.array([-1.0, -1.0, 1.0])
"""Factors on a rotation axis, a pseudovector."""

MIRROR_QUAT = np.array([1.0, -1.0, -1.0, 1.0])
"""Factors on an orientation, a quaternion."""

NAMES = {
    *(
        "name",
        "joint",
        "joint1",
        "joint2",
        "site",
        "sidesite",
        "geom",
        "geom1",
        "geom2",
        "mesh",
        "target",
    ),
    *("body", "body1", "body2", "tendon", "tendon1", "tendon2"),
}
"""Attributes of MJCF that name a part or refer to one by name."""


def mirror_hand(spec: mujoco.MjSpec, naming: Naming) -> mujoco.MjSpec:
    """Makes a left hand from the spec of a right one.

    Args:
        spec: a right hand and nothing else; it is compiled, otherwise unchanged.
        naming: its names, with patterns for both sides.

    Raises:
        ModelError: the naming has no pattern for one of the sides.
        ValueError: MuJoCo cannot compile the hand.
    """
    with silence_mujoco():
        spec.compile()
        text = spec.to_xml()
    tree = ElementTree.fromstring(text)
    for element in tree.iter():
        element.attrib.pop("material", None)
        for attribute in NAMES & set(element.attrib):
            # Parts whose names lack the pattern of the right side need new names as well, because
            # both hands may be in one model.
            element.set(attribute, naming.on_the_left(element.attrib[attribute]))
    mirrored = mujoco.MjSpec.from_string(ElementTree.tostring(tree, encoding="unicode"))
    mirrored.modelfiledir = spec.modelfiledir
    for mesh in mirrored.meshes:
        mesh.scale = np.asarray(mesh.scale) * MIRROR
    for body in mirrored.worldbody.bodies:
        _mirror_body(body)
    return mirrored


def _mirror_body(body: Any) -> None:
    _mirror_frame(body)
    if body.explicitinertial:
        body.ipos = np.asarray(body.ipos) * MIRROR
        body.iquat = np.asarray(body.iquat) * MIRROR_QUAT
    for joint in body.joints:
        joint.pos = np.asarray(joint.pos) * MIRROR
        joint.axis = np.asarray(joint.axis) * MIRROR_AXIS
    for part in (*body.geoms, *body.sites):
        _mirror_frame(part)
        if not np.isnan(part.fromto[0]):
            part.fromto = np.asarray(part.fromto) * np.tile(MIRROR, 2)
    for child in body.bodies:
        _mirror_body(child)


def _mirror_frame(part: Any) -> None:
    part.pos = np.asarray(part.pos) * MIRROR
    part.quat = np.asarray(part.quat) * MIRROR_QUAT
