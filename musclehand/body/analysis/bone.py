"""Path points against the bones: is a point inside a bone, and how far is it from the nearest one?

Inside is decided by the solid angle that a closed surface covers around the point (4 pi inside, 0
outside; Jacobson, Kavan & Sorkine-Hornung 2013, ACM Trans Graph 32:33), which forgives small holes
in a mesh. All meshes of one body count as its bone.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

INSIDE = 0.5
"""Share of the full solid angle from which a point counts as inside."""


class Bone(NamedTuple):
    """The surface of one body's meshes in the body's frame [m]: `corners` of shape (faces, 3
    corners, 3)."""

    body: int
    corners: np.ndarray


class Depth(NamedTuple):
    """Where p points are to the bones, arrays of shape (p,).

    `inside` id of the body whose bone contains the point, or -1; `distance` to the nearest surface
    [m]; `nearest` that bone's body.
    """

    inside: np.ndarray
    distance: np.ndarray
    nearest: np.ndarray


def bones(model: mujoco.MjModel) -> tuple[Bone, ...]:
    """The bones of a model, one a body with meshes; empty where a model has none."""
    found: dict[int, list[np.ndarray]] = {}
    for geom in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_MESH):
        mesh = model.geom_dataid[geom]
        vert = model.mesh_vertadr[mesh]
        face = model.mesh_faceadr[mesh]
        vertices = model.mesh_vert[vert : vert + model.mesh_vertnum[mesh]]
        faces = model.mesh_face[face : face + model.mesh_facenum[mesh]]
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        placed = vertices @ turn.reshape(3, 3).T + model.geom_pos[geom]
        found.setdefault(int(model.geom_bodyid[geom]), []).append(placed[faces])
    return tuple(Bone(body, np.concatenate(parts)) for body, parts in found.items())


def depth(data: mujoco.MjData, surfaces: tuple[Bone, ...], points: np.ndarray) -> Depth:
    """Where world points [m], shape (p, 3), are to the bones in the present posture
    (`mj_kinematics` has to have run).

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
    # No surface is nearer than the box around it, which says which bones are worth an exact look.
    gaps = [
        np.maximum(np.maximum(low - at, at - high), 0.0)
        for (low, high), at in zip(boxes, local, strict=True)
    ]
    apart = np.array([np.linalg.norm(gap, axis=1) for gap in gaps])
    inside = np.full(len(points), -1)
    distance = np.full(len(points), np.inf)
    nearest = np.full(len(points), -1)
    for index in range(len(points)):
        for number in np.argsort(apart[:, index]):
            if apart[number, index] >= distance[index]:
                break
            bone = surfaces[number]
            point = local[number][index]
            away = surface_distance(point, bone.corners)
            if away < distance[index]:
                distance[index], nearest[index] = away, bone.body
        for number in np.flatnonzero(apart[:, index] == 0.0):
            if winding(local[number][index], surfaces[number].corners) > INSIDE:
                inside[index] = surfaces[number].body
    return Depth(inside, distance, nearest)


def winding(point: np.ndarray, corners: np.ndarray) -> float:
    """Share of the full solid angle that a surface covers around a point: 1 inside a closed one, 0
    outside.

    The solid angle of each triangle after van Oosterom & Strackee 1983 (IEEE Trans Biomed Eng
    30:125).
    """
    a, b, c = np.moveaxis(corners - point, 1, 0)
    la, lb, lc = (np.linalg.norm(edge, axis=1) for edge in (a, b, c))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    pairs = [np.einsum("ij,ij->i", one, two) for one, two in ((a, b), (b, c), (c, a))]
    angle = 2.0 * np.arctan2(volume, la * lb * lc + pairs[0] * lc + pairs[1] * la + pairs[2] * lb)
    return abs(float(angle.sum())) / (4.0 * np.pi)


def surface_distance(point: np.ndarray, corners: np.ndarray) -> float:
    """Distance from a point to the nearest of some triangles [m]; corners (faces, 3, 3).

    The closest point is in the face where its foot falls inside, else on an edge.
    """
    first, second, third = np.moveaxis(corners, 1, 0)
    best = np.inf
    for start, end in ((first, second), (second, third), (third, first)):
        edge = end - start
        away = point - start
        share = np.einsum("ij,ij->i", away, edge) / np.maximum(
            np.einsum("ij,ij->i", edge, edge), 1e-30
        )
        gap = away - np.clip(share, 0.0, 1.0)[:, None] * edge
        best = min(best, float(np.einsum("ij,ij->i", gap, gap).min()))
    normal = np.cross(second - first, third - first)
    area = np.einsum("ij,ij->i", normal, normal)
    height = np.einsum("ij,ij->i", point - first, normal)
    foot = point - (height / np.maximum(area, 1e-30))[:, None] * normal
    falls_in = area > 0.0  # a triangle without area is its edges
    for start, end in ((first, second), (second, third), (third, first)):
        falls_in &= np.einsum("ij,ij->i", np.cross(end - start, foot - start), normal) >= 0.0
    if falls_in.any():
        best = min(best, float((height[falls_in] ** 2 / area[falls_in]).min()))
    return float(np.sqrt(best))
