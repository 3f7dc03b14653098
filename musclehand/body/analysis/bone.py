"""Distances between path points and bones, and tests whether a point is inside a bone.

A point is inside by the generalised winding number, the solid angle of the surface around the point
over 4 pi (Jacobson, Kavan & Sorkine-Hornung 2013, ACM Trans Graph 32:33), which tolerates small
holes in a mesh. All meshes of one body form its bone.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

INSIDE = 0.5
"""Winding number from which a point counts as inside, halfway between 0 and 1."""


class Bone(NamedTuple):
    """Surface of the meshes of one body."""

    body: int
    """Id of the body."""

    corners: np.ndarray
    """[m] Corners of the triangles in the frame of the body. Shape (faces, 3 corners, 3)."""


class Depth(NamedTuple):
    """Position of p points relative to the bones."""

    inside: np.ndarray
    """Id of the body whose bone contains the point, or -1. Shape (p,)."""

    distance: np.ndarray
    """[m] Distance to the nearest surface. Shape (p,)."""

    nearest: np.ndarray
    """Id of the body with the nearest surface. Shape (p,)."""


def bones(model: mujoco.MjModel) -> tuple[Bone, ...]:
    """The bones of a model, one for each body with meshes; empty for a model without meshes."""
    triangles: dict[int, list[np.ndarray]] = {}
    for geom in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_MESH):
        mesh = model.geom_dataid[geom]
        vert = model.mesh_vertadr[mesh]
        face = model.mesh_faceadr[mesh]
        vertices = model.mesh_vert[vert : vert + model.mesh_vertnum[mesh]]
        faces = model.mesh_face[face : face + model.mesh_facenum[mesh]]
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        placed = vertices @ turn.reshape(3, 3).T + model.geom_pos[geom]
        triangles.setdefault(int(model.geom_bodyid[geom]), []).append(placed[faces])
    return tuple(Bone(body, np.concatenate(parts)) for body, parts in triangles.items())


def depth(data: mujoco.MjData, surfaces: tuple[Bone, ...], points: np.ndarray) -> Depth:
    """Locates points relative to the bones in the present posture.

    Args:
        data: state of the model, after `mj_kinematics`.
        surfaces: the bones of the model.
        points: world coordinates [m]. Shape (p, 3).

    Raises:
        ValueError: there are no bones.
    """
    if not surfaces:
        raise ValueError("a model without bone meshes has no depth to measure")
    local = [
        (points - data.xpos[bone.body]) @ data.xmat[bone.body].reshape(3, 3) for bone in surfaces
    ]
    boxes = [
        (flat.min(axis=0), flat.max(axis=0))
        for flat in (bone.corners.reshape(-1, 3) for bone in surfaces)
    ]
    # No surface is nearer than its bounding box, so that distances to boxes select the bones for
    # which the exact computation is needed.
    gaps = [
        np.maximum(np.maximum(low - point, point - high), 0.0)
        for (low, high), point in zip(boxes, local, strict=True)
    ]
    box_distance = np.array([np.linalg.norm(gap, axis=1) for gap in gaps])
    inside = np.full(len(points), -1)
    distance = np.full(len(points), np.inf)
    nearest = np.full(len(points), -1)
    for index in range(len(points)):
        for number in np.argsort(box_distance[:, index]):
            if box_distance[number, index] >= distance[index]:
                break
            bone = surfaces[number]
            surface = surface_distance(local[number][index], bone.corners)
            if surface < distance[index]:
                distance[index] = surface
                nearest[index] = bone.body
        for number in np.flatnonzero(box_distance[:, index] == 0.0):
            if winding_number(local[number][index], surfaces[number].corners) > INSIDE:
                inside[index] = surfaces[number].body
    return Depth(inside, distance, nearest)


def winding_number(point: np.ndarray, corners: np.ndarray) -> float:
    """Absolute winding number of a surface about a point: 1 inside a closed surface, 0 outside.

    The solid angle of each triangle is that of van Oosterom & Strackee 1983 (IEEE Trans Biomed Eng
    30:125).

    Args:
        point: shape (3,).
        corners: corners of the triangles. Shape (faces, 3, 3).
    """
    a, b, c = np.moveaxis(corners - point, 1, 0)
    la, lb, lc = (np.linalg.norm(edge, axis=1) for edge in (a, b, c))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ij,ij->i", start, end) for start, end in ((a, b), (b, c), (c, a)))
    angle = 2.0 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb)
    return abs(float(angle.sum())) / (4.0 * np.pi)


def surface_distance(point: np.ndarray, corners: np.ndarray) -> float:
    """Distance from a point to the nearest triangle [m].

    The closest point is in the face if the foot of the perpendicular is inside it, else on an edge.

    Args:
        point: shape (3,).
        corners: corners of the triangles. Shape (faces, 3, 3).
    """
    first, second, third = np.moveaxis(corners, 1, 0)
    best = np.inf
    for start, end in ((first, second), (second, third), (third, first)):
        edge = end - start
        offset = point - start
        square = np.maximum(np.einsum("ij,ij->i", edge, edge), 1e-30)
        share = np.einsum("ij,ij->i", offset, edge) / square
        gap = offset - np.clip(share, 0.0, 1.0)[:, None] * edge
        best = min(best, float(np.einsum("ij,ij->i", gap, gap).min()))
    normal = np.cross(second - first, third - first)
    area = np.einsum("ij,ij->i", normal, normal)
    height = np.einsum("ij,ij->i", point - first, normal)
    foot = point - (height / np.maximum(area, 1e-30))[:, None] * normal
    is_inside = area > 0.0  # a triangle without area is its edges
    for start, end in ((first, second), (second, third), (third, first)):
        is_inside &= np.einsum("ij,ij->i", np.cross(end - start, foot - start), normal) >= 0.0
    if is_inside.any():
        best = min(best, float((height[is_inside] ** 2 / area[is_inside]).min()))
    return float(np.sqrt(best))
