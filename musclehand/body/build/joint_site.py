"""Path points in the frame of a joint, where their coordinates are moment arms.

At neutral let C be a joint's centre, e_r its axis of flexion (radial in the fingers), e_l the
direction of the distal bone made perpendicular to it, and e_d = -e_r x e_l its dorsal side. A
tendon that runs from P on the proximal bone to D on the distal one,

    P = C - a e_l + h e_d + s e_r        D = C + b e_l + h e_d + s e_r,

has at neutral a moment arm of exactly -h in flexion, and of s in abduction about an axis along e_d.
The columns of a path's row are thus x = s, y = -a or b (its sign selects the bone), and z = h. The
line must not fold over in a bent joint: a b > h^2 for 90 degrees, and b well above |h| where
abduction matters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import DIGITS, DISTAL_BODIES, THUMB_JOINTS
from musclehand.body.build.table_rows import HandTables
from musclehand.core.errors import ModelError

FOLLOWING = {"mcp": "pm", "pm": "md", "mp": "ip", "cmc": "mp"}
"""The next joint along a digit, by the part of the joint's name before the finger's number."""


class JointFrame(NamedTuple):
    """Frame of a joint at neutral, in the orientation that all bones share there."""

    axes: np.ndarray
    """Unit vectors e_r, e_l, e_d as rows. Shape (3, 3)."""

    proximal: tuple[str, np.ndarray]
    """Name of the proximal body, and the centre in its frame [m]."""

    distal: tuple[str, np.ndarray]
    """Name of the distal body, and the centre in its frame [m]."""


def joint_frame(find: Any, tables: HandTables, joint: str) -> JointFrame:
    """Computes the frame of a joint of the right hand.

    Args:
        find: looks up MyoSim's geometry (`MyoSimArm.find`).
        tables: tables of the hand, for the ends of the distal phalanges.
        joint: name without motion: `mcp2`, `pm3`, `md5`, `cmc`, `mp`, `ip` or `wrist`.

    Raises:
        ModelError: there is no such joint.
    """
    motion = "flexion" if joint == "wrist" else f"{joint}_flexion"
    hinge = find("joint", motion)
    body = hinge.parent
    centre = np.asarray(hinge.pos, dtype=float)
    axis = np.asarray(hinge.axis, dtype=float) / np.linalg.norm(hinge.axis)
    radial = -axis if motion in THUMB_JOINTS else axis
    along = (
        np.array([0.0, -1.0, 0.0]) if joint == "wrist" else _bone_end(find, tables, joint) - centre
    )
    distal = along - radial * (radial @ along)
    distal = distal / np.linalg.norm(distal)
    name = body.name.removesuffix("_r")
    parent = body.parent.name.removesuffix("_r")
    axes = np.array([radial, distal, -np.cross(radial, distal)])
    return JointFrame(axes, (parent, np.asarray(body.pos) + centre), (name, centre))


def place_site(frame: JointFrame, pos: tuple[float, float, float]) -> tuple[str, np.ndarray]:
    """Converts a point from joint coordinates.

    Args:
        frame: frame of the joint.
        pos: (s, -a or b, h) [m].

    Returns:
        Name of the body, and the position in its frame [m].
    """
    body, centre = frame.proximal if pos[1] < 0 else frame.distal
    return body, centre + np.asarray(pos) @ frame.axes


def flexion_arm(before: float, after: float, dorsal: float, angle: float) -> float:
    """Moment arm in flexion of the straight line from P to D; positive flexes.

    Args:
        before: a, distance of P from the centre along the proximal bone [m].
        after: b, distance of D from the centre along the distal bone [m].
        dorsal: h, dorsal distance of both from the centre [m].
        angle: flexion [rad].

    Returns:
        Moment arm [m].
    """
    sine = np.sin(angle)
    cosine = np.cos(angle)
    end = np.array([cosine * after + sine * dorsal, -sine * after + cosine * dorsal])
    line = end - [-before, dorsal]
    return float((line[0] * dorsal + before * line[1]) / -np.linalg.norm(line))


def _bone_end(find: Any, tables: HandTables, joint: str) -> np.ndarray:
    """End of the distal bone of a joint, in its frame [m]: the next joint's centre, or the tip."""
    part = joint.rstrip("2345")
    if part in FOLLOWING:
        following = find("joint", f"{FOLLOWING[part]}{joint[len(part) :]}_flexion")
        return np.asarray(following.parent.pos) + np.asarray(following.pos)
    digit = 0 if part == "ip" else int(joint[-1]) - 1
    for row in tables.segments:
        if row.body == DISTAL_BODIES[digit]:
            return np.asarray(row.end)
    raise ModelError("segments.csv", f"has no outline for the last bone of the {DIGITS[digit]}")
