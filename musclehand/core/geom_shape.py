"""Geoms of a model as triangle meshes, for viewers other than MuJoCo's."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

ROUND_PARTS = 20
"""Edges around a cylinder or capsule; a ball has half as many from pole to pole."""


class Shape(NamedTuple):
    """A triangle mesh."""

    vertices: np.ndarray
    """[m] corners in the frame of the geom. Shape (v, 3)."""

    faces: np.ndarray
    """Indices of the corners of each triangle. Shape (f, 3), int."""


def geom_shape(model: mujoco.MjModel, geom: int) -> Shape | None:
    """The triangle mesh of a geom; None for planes, height fields and SDFs."""
    kind = model.geom_type[geom]
    size = model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        vertices = slice(
            model.mesh_vertadr[mesh], model.mesh_vertadr[mesh] + model.mesh_vertnum[mesh]
        )
        faces = slice(model.mesh_faceadr[mesh], model.mesh_faceadr[mesh] + model.mesh_facenum[mesh])
        return Shape(np.array(model.mesh_vert[vertices]), np.array(model.mesh_face[faces]))
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return _revolve(*_ball(size[0], 0.0))
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return _revolve(*_ball(size[0], size[1]))
    if kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        radii = np.array([0.0, size[0], size[0], 0.0])
        heights = np.array([size[1], size[1], -size[1], -size[1]])
        return _revolve(radii, heights)
    if kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
        ball = _revolve(*_ball(1.0, 0.0))
        return Shape(ball.vertices * size, ball.faces)
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        return _box(size)
    return None


def _ball(radius: float, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Outline of a ball whose halves are moved apart by `half` either way.

    Returns:
        Radii and heights, from the upper pole down.
    """
    slope = np.linspace(0.0, np.pi / 2, ROUND_PARTS // 2 + 1)
    radii = radius * np.sin(slope)
    heights = half + radius * np.cos(slope)
    return np.concatenate([radii, radii[::-1]]), np.concatenate([heights, -heights[::-1]])


def _revolve(radii: np.ndarray, heights: np.ndarray) -> Shape:
    """The surface of revolution of an outline about z; faces look outwards."""
    around = np.linspace(0.0, 2.0 * np.pi, ROUND_PARTS, endpoint=False)
    rings = np.stack(
        [
            radii[:, None] * np.cos(around),
            radii[:, None] * np.sin(around),
            np.repeat(heights[:, None], ROUND_PARTS, axis=1),
        ],
        axis=-1,
    )
    faces = []
    for ring in range(len(radii) - 1):
        for i in range(ROUND_PARTS):
            j = (i + 1) % ROUND_PARTS
            a = ring * ROUND_PARTS + i
            b = ring * ROUND_PARTS + j
            faces += [[a, a + ROUND_PARTS, b], [b, a + ROUND_PARTS, b + ROUND_PARTS]]
    return Shape(rings.reshape(-1, 3), np.array(faces))


def _box(half: np.ndarray) -> Shape:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    sides = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = [[a, b, c] for a, b, c, _ in sides] + [[a, c, d] for a, _, c, d in sides]
    return Shape(corners, np.array(faces))
