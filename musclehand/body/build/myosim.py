"""MyoSim's right arm as a source of geometry, and its reflection to a left arm.

Bones, joint axes, attachment sites and wrapping surfaces are read from MyoSim's right arm (package
`myo-sim`) when a model is built, and referred to by name; none of its files is copied here. The
left arm is the right one with local z mirrored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mujoco

from musclehand.body.anatomy import Side
from musclehand.body.build.scaling import stretch_bones
from musclehand.core.errors import ModelError, UnknownName
from musclehand.core.mujoco_warnings import silence_mujoco

ROOT = "humerus"
"""Body of MyoSim that carries the forearm."""


class MyoSimArm:
    """MyoSim's right arm, stretched, with lookup by names without side suffix."""

    def __init__(self, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
        """Copies the arm; `stretch` are factors on local x, y and z (see `body.build.scaling`)."""
        self.spec = _right_arm().copy()
        self.root = self.find("body", ROOT)
        if stretch != (1.0, 1.0, 1.0):
            stretch_bones(self.root, self.spec, stretch)
        self.mesh_folder = self.spec.meshdir

    def find(self, kind: str, base: str) -> Any:
        """Looks up a part of the spec, which MyoSim names with or without `_r`.

        Args:
            kind: "body", "joint", "site", "geom" or "mesh".
            base: name without side suffix.

        Raises:
            ModelError: MyoSim has no such part, although a table names it.
        """
        lookup = getattr(self.spec, kind)
        part = lookup(f"{base}_r") or lookup(base)
        if part is None:
            names = (base_name(each.name) for each in _parts(self.spec, kind) if each.name)
            raise ModelError(
                "hand tables", str(UnknownName(f"{kind} of MyoSim's arm", base, names))
            )
        return part


def _parts(spec: mujoco.MjSpec, kind: str) -> Any:
    """All parts of a kind."""
    return {"body": spec.bodies, "mesh": spec.meshes}.get(kind) or getattr(spec, f"{kind}s")


@lru_cache(maxsize=1)
def _right_arm() -> mujoco.MjSpec:
    """MyoSim's arm as its package builds it, the slowest part of building a hand; to be copied."""
    from myo_sim.build.compose import build_right_arm_spec

    with silence_mujoco():
        return build_right_arm_spec()


def mirrored(point: Any, side: Side) -> list[float]:
    """A local position of the right hand, reflected for the left one. Shape (3,)."""
    return [point[0], point[1], side.mirror * point[2]]


def mirrored_axis(axis: Any, side: Side) -> list[float]:
    """A rotation axis (pseudovector) of the right hand, reflected for the left one. Shape (3,)."""
    return [side.mirror * axis[0], side.mirror * axis[1], axis[2]]


def base_name(name: str) -> str:
    """A name of MyoSim without its side suffix."""
    return name.removesuffix("_r")
