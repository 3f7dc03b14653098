"""What the picture of a page consists of: bones, boxes of the piano, and paths of muscles."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.core.geom_shape import geom_shape
from musclehand.sim.scene import Scene

LARGEST_GROUP = 2
"""Geoms of higher groups are not drawn, as in MuJoCo's viewers."""

PULLEY = -2
"""Kind of a point of `mjData.wrap_obj` that ends one branch of a tendon."""


class Bone(NamedTuple):
    """The bones of a body as one mesh."""

    body: int
    """Id of the body."""

    vertices: np.ndarray
    """[m] corners in the frame of the body. Shape (v, 3)."""

    faces: np.ndarray
    """Indices of the corners of each triangle, counterclockwise from outside. Shape (f, 3), int."""


class Box(NamedTuple):
    """A part of the piano."""

    centre: np.ndarray
    """[m] in the world; of a key, at rest. Shape (3,)."""

    half: np.ndarray
    """[m] half of its edges along the world's axes. Shape (3,)."""

    rgb: np.ndarray
    """Colour, 0 to 1. Shape (3,)."""

    hinge: np.ndarray | None = None
    """[m] a point on the axis along x that it turns about: its front, at lower y, goes down with
    positive angles. Shape (3,). None: it does not move."""


class PathPoint(NamedTuple):
    """A point on the path of a muscle."""

    body: int
    """Id of the body that the point moves with."""

    place: tuple[float, float, float] | None
    """[m] in the frame of the body; None where the path wraps around a surface."""

    slot: int = 0
    """Number of the surface among all surfaces that muscles wrap around."""


Path = list[list[PathPoint]]
"""Branches of a muscle's path, each from one end to the other."""


def bones_of(model: mujoco.MjModel) -> list[Bone]:
    """Meshes of all moving bodies but the keys; transparent skin only where there is no bone."""
    geoms = [
        geom
        for geom in range(model.ngeom)
        if model.geom_group[geom] <= LARGEST_GROUP
        and model.geom_rgba[geom, 3] > 0
        and model.body_weldid[model.geom_bodyid[geom]] != 0
        and not model.geom(geom).name.startswith("key/")
    ]
    opaque = [geom for geom in geoms if model.geom_rgba[geom, 3] == 1]
    parts: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for geom in opaque or geoms:
        shape = geom_shape(model, geom)
        if shape is None:
            continue
        used, faces = np.unique(shape.faces, return_inverse=True)
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        vertices = shape.vertices[used] @ turn.reshape(3, 3).T + model.geom_pos[geom]
        parts.setdefault(int(model.geom_bodyid[geom]), []).append((vertices, faces.reshape(-1, 3)))
    bones = []
    for body, meshes in parts.items():
        counts = [len(vertices) for vertices, _ in meshes]
        shift = np.repeat(np.cumsum(counts) - counts, [len(faces) for _, faces in meshes])
        joined = np.vstack([faces for _, faces in meshes]) + shift[:, None]
        bones.append(Bone(body, np.vstack([vertices for vertices, _ in meshes]), joined))
    return bones


def key_boxes(scene: Scene, colours: np.ndarray) -> list[Box]:
    """The 88 keys at rest.

    Args:
        scene: with the piano.
        colours: of the keys. Shape (88, 3 or more).
    """
    data = _at_rest(scene.model)
    return [
        Box(
            data.geom_xpos[geom].copy(),
            scene.model.geom_size[geom].copy(),
            rgba[:3],
            data.xanchor[joint].copy(),
        )
        for geom, joint, rgba in zip(scene.keys.geom, scene.keys.joint, colours, strict=True)
    ]


def case_boxes(scene: Scene) -> list[Box]:
    """The parts of the piano that do not move."""
    model = scene.model
    data = _at_rest(model)
    boxes = []
    for geom in range(model.ngeom):
        if model.geom(geom).name.startswith("case/"):
            material = model.geom_matid[geom]
            rgba = model.geom_rgba[geom] if material < 0 else model.mat_rgba[material]
            boxes.append(Box(data.geom_xpos[geom].copy(), model.geom_size[geom].copy(), rgba[:3]))
    return boxes


def muscle_paths(model: mujoco.MjModel, tendons: np.ndarray) -> tuple[list[Path], WrapSlots]:
    """Paths of muscles: points fixed to bodies, and surfaces that they wrap around.

    Args:
        model: the scene.
        tendons: ids of the muscles' tendons.

    Returns:
        The path of each tendon, and where on their surfaces to find the others' points.
    """
    slots = WrapSlots(model)
    paths = []
    for tendon in tendons:
        branches: Path = [[]]
        first = int(model.tendon_adr[tendon])
        for wrap in range(first, first + int(model.tendon_num[tendon])):
            kind, thing = model.wrap_type[wrap], int(model.wrap_objid[wrap])
            if kind == mujoco.mjtWrap.mjWRAP_PULLEY:
                branches.append([])
            elif kind == mujoco.mjtWrap.mjWRAP_SITE:
                x, y, z = model.site_pos[thing].tolist()
                branches[-1].append(PathPoint(int(model.site_bodyid[thing]), (x, y, z)))
            elif wrap in slots.number:
                body = int(model.geom_bodyid[thing])
                branches[-1].append(PathPoint(body, None, slots.number[wrap]))
        paths.append([branch for branch in branches if len(branch) > 1])
    return paths, slots


class WrapSlots:
    """Finds the points at which tendons touch the surfaces that they wrap around.

    A slot is a surface on the path of one branch of a tendon. MuJoCo lists two points of it where
    the path touches, and none where it passes.
    """

    number: dict[int, int]
    """Slot of each entry of the model's tendon paths that is a surface."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """
        Args:
            model: of the scene.
        """
        self._model = model
        kinds = model.wrap_type
        surfaces = (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER)
        wraps = np.flatnonzero(np.isin(kinds, surfaces))
        self.number = {int(wrap): slot for slot, wrap in enumerate(wraps)}
        self._bodies = model.geom_bodyid[model.wrap_objid[wraps]]
        branch = self._branches(model.tendon_num, kinds == mujoco.mjtWrap.mjWRAP_PULLEY)
        self._slot = np.full((branch.max(initial=0) + 1, model.ngeom), -1)
        self._slot[branch[wraps], model.wrap_objid[wraps]] = np.arange(len(wraps))

    def __len__(self) -> int:
        return len(self.number)

    def points(self, data: mujoco.MjData) -> np.ndarray:
        """Points on the surfaces, in the frames of their bodies [m].

        Args:
            data: after `mj_tendon`.

        Returns:
            Shape (slots, 2, 3); NaN where a path passes its surface.
        """
        points = np.full((len(self), 2, 3), np.nan)
        count = int(data.ten_wrapnum.sum())
        things = data.wrap_obj.ravel()[:count]
        places = data.wrap_xpos.reshape(-1, 3)[:count]
        branch = self._branches(data.ten_wrapnum, things == PULLEY)
        touching = np.flatnonzero(things >= 0)
        slots = self._slot[branch[touching], things[touching]].reshape(-1, 2)[:, 0]
        bodies = self._bodies[slots]
        turns = data.xmat[bodies].reshape(-1, 3, 3)
        away = places[touching].reshape(-1, 2, 3) - data.xpos[bodies][:, None]
        points[slots] = away @ turns
        return points

    @staticmethod
    def _branches(counts: np.ndarray, pulleys: np.ndarray) -> np.ndarray:
        """Number of the branch that each point of all tendons belongs to."""
        begins = np.zeros(len(pulleys), dtype=int)
        begins[(np.cumsum(counts) - counts)[counts > 0]] = 1
        return np.cumsum(begins + pulleys)


def _at_rest(model: mujoco.MjModel) -> mujoco.MjData:
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return data
