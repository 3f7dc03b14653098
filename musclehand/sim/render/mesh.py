"""Meshes with fewer triangles, for pictures on machines that draw in software."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue


def simplify_meshes(model: mujoco.MjModel, edge: float) -> int:
    """Thins all meshes of a model in place, to be drawn only: collision and inertia are computed
    before.

    Vertices are gathered in cubes of `edge` [m]; each cube keeps the vertex nearest to their mean,
    triangles with two corners in one cube vanish (vertex clustering: Rossignac and Borrel 1993).
    Call before a picture's context is made.

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
        keeper = _keepers(model.mesh_vert[vertices], edge)
        normal_of = np.zeros(len(keeper), dtype=int)
        normal_of[corners.ravel()] = normals.ravel()
        thinned = keeper[corners]
        whole = (thinned != np.roll(thinned, 1, axis=1)).all(axis=1)
        thinned = thinned[whole]
        _, first = np.unique(np.sort(thinned, axis=1), axis=0, return_index=True)
        thinned = thinned[np.sort(first)]
        count = len(thinned)
        model.mesh_face[faces.start : faces.start + count] = thinned
        model.mesh_facenormal[faces.start : faces.start + count] = normal_of[thinned]
        model.mesh_facenum[mesh] = count
    return int(model.mesh_facenum.sum())


def _keepers(vertices: np.ndarray, edge: float) -> np.ndarray:
    """For every vertex, the one that stands for its cube. Shape (num_vertices,), int."""
    _, cube = np.unique(np.floor(vertices / edge).astype(int), axis=0, return_inverse=True)
    cube = cube.ravel()
    count = np.bincount(cube)
    mean = np.stack([np.bincount(cube, axis) / count for axis in vertices.T], axis=1)
    off = np.linalg.norm(vertices - mean[cube], axis=1)
    order = np.lexsort((off, cube))
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    return order[first][cube]
