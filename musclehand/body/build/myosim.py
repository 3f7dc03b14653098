"""MyoSim's arm as a source of geometry, and how its right side becomes a left one.

From MyoSim's right arm (package `myo-sim`) come the bones, joint axes, attachment sites and
wrapping surfaces, read when a model is built and referred to by name; nothing of it is copied here.
Left is right with local z mirrored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mujoco

from musclehand.body.anatomy import Side
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.body.build.scaling import stretch_bones
from musclehand.core.errors import ModelError

ROOT = "humerus"


class MyoSimArm:
    """MyoSim's right arm as a source of geometry, stretched, looked up by names without side
    suffix."""

    def __init__(self, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
        self.spec = _right_arm().copy()
        self.root = self.find("body", ROOT)
        if stretch != (1.0, 1.0, 1.0):
            stretch_bones(self.root, self.spec, stretch)
        self.mesh_folder = self.spec.meshdir

    def find(self, kind: str, base: str) -> Any:
        """The body, joint, site, geom or mesh `base`, which MyoSim names with or without `_r`.

        Raises:
            ModelError: there is none; the tables name something MyoSim does not have.
        """
        lookup = getattr(self.spec, kind)
        found = lookup(f"{base}_r") or lookup(base)
        if found is None:
            raise ModelError("hand tables", f"MyoSim's arm has no {kind} named {base!r}")
        return found


@lru_cache(maxsize=1)
def _right_arm() -> mujoco.MjSpec:
    """MyoSim's arm as its package builds it, which takes longer than all else in a hand; to be
    copied."""
    from myo_sim.build.compose import build_right_arm_spec

    with silence_mujoco():
        return build_right_arm_spec()


def mirrored(point: Any, side: Side) -> list[float]:
    """A local position of the right hand on either side."""
    return [point[0], point[1], side.mirror * point[2]]


def mirrored_axis(axis: Any, side: Side) -> list[float]:
    """A rotation axis (a pseudovector) of the right hand on either side."""
    return [side.mirror * axis[0], side.mirror * axis[1], axis[2]]


def base_name(name: str) -> str:
    """A name of MyoSim's without its side."""
    return name.removesuffix("_r")
