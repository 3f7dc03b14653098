"""Mesh simplification by vertex clustering, for software rendering."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue


def simplify_meshes(model: mujoco.MjModel, edge: float) -> int:
    """Simplifies all meshes of a model in place, for drawing only.

    Vertex clustering (Rossignac and Borrel 1993): vertices are grouped by cubes of edge `edge`, and
    each cube keeps the vertex nearest to the mean of its vertices. Triangles with two corners in
    one cube vanish. Collision geometry and inertia are computed before and do not change. Call
    this before the OpenGL context of the model is created.

    Args:
        model: the model, whose meshes are changed.
        edge: of the cubes [m].

    Returns:
        The number of triangles left.

    Raises:
        InvalidValue: `edge` is not above 0.
    """
    if not (math.isfinite(edge) and edge > 0):
        raise InvalidValue("mesh edge", edge, "a finite length above 0 m")
    for mesh in range(model.nmesh):
        vertices = slice(
            model.mesh_vertadr[mesh], model.mesh_vertadr[mesh] + model.mesh_vertnum[mesh]
        )
        faces = slice(model.mesh_faceadr[mesh], model.mesh_faceadr[mesh] + model.mesh_facenum[mesh])
        corners = model.mesh_face[faces]
        normals = model.mesh_facenormal[faces]
        representative = _representatives(model.mesh_vert[vertices], edge)
        normal_of = np.zeros(len(representative), dtype=int)
        normal_of[corners.ravel()] = normals.ravel()
        clustered = representative[corners]
        distinct = (clustered != np.roll(clustered, 1, axis=1)).all(axis=1)
        clustered = clustered[distinct]
        _, first = np.unique(np.sort(clustered, axis=1), axis=0, return_index=True)
        clustered = clustered[np.sort(first)]
        count = len(clustered)
        model.mesh_face[faces.start : faces.start + count] = clustered
        model.mesh_facenormal[faces.start : faces.start + count] = normal_of[clustered]
        model.mesh_facenum[mesh] = count
    return int(model.mesh_facenum.sum())


def _representatives(vertices: np.ndarray, edge: float) -> np.ndarray:
    """For every vertex, the vertex that its cube keeps. Shape (num_vertices,), int."""
    _, cube = np.unique(np.floor(vertices / edge).astype(int), axis=0, return_inverse=True)
    cube = cube.ravel()
    count = np.bincount(cube)
    mean = np.stack([np.bincount(cube, axis) / count for axis in vertices.T], axis=1)
    distance = np.linalg.norm(vertices - mean[cube], axis=1)
    order = np.lexsort((distance, cube))
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    return order[first][cube]
