"""A film of a hand that tracks a reference motion, with the reference drawn over it as a ghost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mujoco
import numpy as np

from musclehand.body.anatomy import FOREARM_AXES, Side
from musclehand.core.errors import InvalidValue
from musclehand.sim.render.mesh import simplify_meshes
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.render.stage import colour_muscles
from musclehand.sim.render.video import BONE_EDGE, encode_video
from musclehand.sim.scene import build_scene, forearm_joint


@dataclass(frozen=True, eq=False)
class Following:
    """The motion of one hand and its reference, T samples at a constant rate."""

    side: Side
    """The hand."""

    dt: float
    """[s] time between samples."""

    angles: np.ndarray = field(repr=False)
    """[rad] joint angles. Shape (T, 25)."""

    forearm: np.ndarray = field(repr=False)
    """[m, rad] position of the forearm base, by `FOREARM_AXES`. Shape (T, 6)."""

    activations: np.ndarray = field(repr=False)
    """Muscle activations, 0 to 1. Shape (T, m)."""

    reference_angles: np.ndarray = field(repr=False)
    """[rad] joint angles of the reference. Shape (T, 25)."""

    reference_forearm: np.ndarray = field(repr=False)
    """[m, rad] position of the reference's forearm base. Shape (T, 6)."""


def film_following(
    path: Path,
    shown: Following,
    *,
    caption: str = "",
    width: int = 960,
    height: int = 720,
    fps: int = 25,
) -> None:
    """Films a hand and its reference (MP4).

    Args:
        path: the film to write.
        shown: the motion to show.
        caption: in the lower left corner, ASCII.
        width: [pixels], an even number.
        height: [pixels], an even number.
        fps: frames per second.

    Raises:
        InvalidValue: the motion has no samples.
        OutputError: OpenGL is missing, or the film cannot be written.
    """
    if not len(shown.angles):
        raise InvalidValue("moments", 0, "1 or more")
    theatre = _Theatre(shown)
    with Canvas(theatre.model, width, height, plain_tendons=True) as canvas:
        frames = theatre.frames(canvas, caption, fps)
        encode_video(frames, path, (width, height), fps, sound=None, times=np.zeros(1))


class _Theatre:
    """The keyboard with one hand, and a second state of it for the ghost."""

    def __init__(self, shown: Following) -> None:
        self._shown = shown
        scene = build_scene(sides=(shown.side,), visual=True)
        self.model = scene.model
        self._hand = scene.hands[shown.side]
        self._arm = [
            int(self.model.joint(forearm_joint(shown.side, axis)).qposadr[0])
            for axis in FOREARM_AXES
        ]
        self._data = mujoco.MjData(self.model)
        self._ghost = mujoco.MjData(self.model)
        simplify_meshes(self.model, BONE_EDGE)

    def frames(self, canvas: Canvas, caption: str, fps: int) -> Iterator[np.ndarray]:
        """All pictures in order."""
        shown = self._shown
        camera = self._camera()
        for index in range(max(1, int(len(shown.angles) * shown.dt * fps))):
            row = min(round(index / fps / shown.dt), len(shown.angles) - 1)
            self._pose(self._data, shown.angles[row], shown.forearm[row])
            self._pose(self._ghost, shown.reference_angles[row], shown.reference_forearm[row])
            colour_muscles(self.model, self._hand.tendons, shown.activations[row])
            camera.lookat[0] = shown.reference_forearm[row, 0]
            text = (f"{caption}\n{row * shown.dt:.2f} s", "")
            yield canvas.draw(self._data, camera, text=text, ghost=self._ghost)

    def _pose(self, data: mujoco.MjData, angles: np.ndarray, forearm: np.ndarray) -> None:
        data.qpos[self._hand.qpos] = angles
        data.qpos[self._arm] = forearm
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_comPos(self.model, data)
        mujoco.mj_camlight(self.model, data)
        mujoco.mj_tendon(self.model, data)

    def _camera(self) -> mujoco.MjvCamera:
        """A camera from the thumb's side and above, aimed at the hand."""
        camera = mujoco.MjvCamera()
        middle = self._shown.forearm.mean(axis=0)
        camera.lookat[:] = [middle[0], middle[1] + 0.09, middle[2]]
        camera.azimuth = 90.0 - 55.0 * self._shown.side.mirror
        camera.elevation = -24.0
        camera.distance = 0.34
        return camera
