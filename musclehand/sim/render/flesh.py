"""Flesh of hands for films: palm, web of the thumb, wrist and forearm between the skin's capsules.

Contacts need no skin there, so the simulated hand has none; a detector of hands expects it. The
flesh is drawn only, as capsules between points of the skin's axes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side


class Place(NamedTuple):
    """A point on the axis of a capsule of skin."""

    body: str
    """Body of the capsule."""

    along: float
    """From the end near the elbow, 0, to the far end, 1."""


class Strand(NamedTuple):
    """A capsule of flesh between two points, each of which lies between two places."""

    starts: tuple[Place, Place]
    """Places of the first end."""

    ends: tuple[Place, Place]
    """Places of the second end."""

    share: float
    """How far both ends lie from the first place to the second, 0 to 1."""

    radius: float
    """[m] Of the capsule."""


def _palm() -> list[Strand]:
    """Between the metacarpals of the fingers."""
    bones = ("secondmc", "thirdmc", "fourthmc", "fifthmc")
    return [
        Strand((Place(a, 0), Place(b, 0)), (Place(a, 0.95), Place(b, 0.95)), 0.5, 0.0095)
        for a, b in pairwise(bones)
    ]


def _thumb() -> list[Strand]:
    """The ball of the thumb and the web to the index finger."""
    web = [
        Strand(
            (Place("firstmc", 0.2), Place("secondmc", 0.1)),
            (Place("firstmc", 0.95), Place("secondmc", 0.75)),
            share,
            0.0085,
        )
        for share in (0.25, 0.5, 0.75)
    ]
    ball = (Place("firstmc", 0.1), Place("firstmc", 0.1))
    return [*web, Strand(ball, (Place("firstmc", 0.8), Place("firstmc", 0.8)), 0.0, 0.0125)]


def _wrist() -> list[Strand]:
    """From the forearm's two bones to the palm, and between them."""
    rays = [
        Strand(
            (Place("radius", 0.02), Place("ulna", 0.10)),
            (Place("secondmc", 0.25), Place("fifthmc", 0.25)),
            share,
            0.0135,
        )
        for share in (0.15, 0.5, 0.85)
    ]
    middle = Strand(
        (Place("radius", 0.05), Place("ulna", 0.1)),
        (Place("radius", 1.0), Place("ulna", 1.0)),
        0.5,
        0.028,
    )
    return [*rays, middle]


STRANDS = (*_palm(), *_thumb(), *_wrist())
"""The flesh of a hand; radii chosen to look like a hand's."""


class Flesh:
    """The flesh of one hand in a compiled model."""

    def __init__(self, model: mujoco.MjModel, side: Side) -> None:
        """Finds the hand's skin and its flesh.

        Args:
            model: compiled from a spec that `add_flesh` was called on.
            side: the hand.
        """
        self._model = model
        self._geoms = [model.geom(f"flesh_{i}_{side.value}").id for i in range(len(STRANDS))]
        bodies = {place.body for strand in STRANDS for place in (*strand.starts, *strand.ends)}
        self._skin = {body: model.geom(side.name_of(f"skin_{body}")).id for body in bodies}

    def pose(self, data: mujoco.MjData) -> None:
        """Puts the flesh to where the bones are.

        Args:
            data: a state after `mj_kinematics`; the flesh is moved in it.
        """
        quat, matrix = np.zeros(4), np.zeros(9)
        for geom, strand in zip(self._geoms, STRANDS, strict=True):
            start = self._between(data, *strand.starts, strand.share)
            end = self._between(data, *strand.ends, strand.share)
            axis = end - start
            mujoco.mju_quatZ2Vec(quat, axis)
            mujoco.mju_quat2Mat(matrix, quat)
            data.geom_xpos[geom] = 0.5 * (start + end)
            data.geom_xmat[geom] = matrix
            self._model.geom_size[geom, 1] = 0.5 * np.linalg.norm(axis)

    def _between(
        self, data: mujoco.MjData, first: Place, second: Place, share: float
    ) -> np.ndarray:
        return (1 - share) * self._at(data, first) + share * self._at(data, second)

    def _at(self, data: mujoco.MjData, place: Place) -> np.ndarray:
        geom = self._skin[place.body]
        axis = data.geom_xmat[geom].reshape(3, 3)[:, 2] * self._model.geom_size[geom, 1]
        return np.asarray(data.geom_xpos[geom] + (2 * place.along - 1) * axis)


def add_flesh(spec: mujoco.MjSpec, side: Side) -> None:
    """Adds the flesh of a hand to a scene, where it stays until `Flesh.pose`.

    Args:
        spec: a scene with that hand.
        side: the hand.
    """
    for number, strand in enumerate(STRANDS):
        spec.worldbody.add_geom(
            name=f"flesh_{number}_{side.value}",
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            size=[strand.radius, 0.01, 0.0],
            contype=0,
            conaffinity=0,
        )
