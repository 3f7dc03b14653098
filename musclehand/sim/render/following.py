"""A film of a hand that follows a motion, with the motion wanted as a ghost over it."""

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
    """T moments, every `dt` [s]: `angles` and `wanted_angles` [rad] (T, 23), `forearm` and
    `wanted_forearm` [m, rad] (T, 6), `activations` 0..1 (T, m) of the hand of a `side`."""

    side: Side
    dt: float
    angles: np.ndarray = field(repr=False)
    forearm: np.ndarray = field(repr=False)
    activations: np.ndarray = field(repr=False)
    wanted_angles: np.ndarray = field(repr=False)
    wanted_forearm: np.ndarray = field(repr=False)


def film_following(
    path: Path,
    shown: Following,
    *,
    caption: str = "",
    width: int = 960,
    height: int = 720,
    fps: int = 25,
) -> None:
    """Makes the film (MP4).

    Args:
        path: of the film.
        shown: what it shows.
        caption: in the lower left corner, ASCII.
        width, height: [pixels], even numbers.
        fps: frames per second.

    Raises:
        InvalidValue: nothing to show.
        OutputError: OpenGL is missing, or the film cannot be written.
    """
    if not len(shown.angles):
        raise InvalidValue("moments", 0, "1 or more")
    theatre = _Theatre(shown)
    with Canvas(theatre.model, width, height, plain_tendons=True) as canvas:
        encode_video(
            theatre.frames(canvas, caption, fps), path, (width, height), fps, None, np.zeros(1)
        )


class _Theatre:
    """The keyboard with one hand, and a second state for the ghost."""

    def __init__(self, shown: Following) -> None:
        self._shown = shown
        scene = build_scene(sides=(shown.side,), visual=True)
        self.model = scene.model
        self._hand = scene.hands[shown.side]
        self._arm = [
            int(self.model.joint(forearm_joint(shown.side, axis)).qposadr[0])
            for axis in FOREARM_AXES
        ]
        self._data, self._ghost = mujoco.MjData(self.model), mujoco.MjData(self.model)
        simplify_meshes(self.model, BONE_EDGE)

    def frames(self, canvas: Canvas, caption: str, fps: int) -> Iterator[np.ndarray]:
        """All pictures in their order."""
        shown = self._shown
        camera = self._camera()
        for index in range(max(1, int(len(shown.angles) * shown.dt * fps))):
            row = min(round(index / fps / shown.dt), len(shown.angles) - 1)
            self._pose(self._data, shown.angles[row], shown.forearm[row])
            self._pose(self._ghost, shown.wanted_angles[row], shown.wanted_forearm[row])
            colour_muscles(self.model, self._hand.tendons, shown.activations[row])
            camera.lookat[0] = shown.wanted_forearm[row, 0]
            text = (f"{caption}\n{row * shown.dt:.2f} s", "")
            yield canvas.draw(self._data, camera, text=text, ghost=self._ghost)

    def _pose(self, data: mujoco.MjData, angles: np.ndarray, forearm: np.ndarray) -> None:
        data.qpos[self._hand.qpos], data.qpos[self._arm] = angles, forearm
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_comPos(self.model, data)
        mujoco.mj_camlight(self.model, data)
        mujoco.mj_tendon(self.model, data)

    def _camera(self) -> mujoco.MjvCamera:
        """From the thumb's side and above, on the hand."""
        camera = mujoco.MjvCamera()
        middle = self._shown.forearm.mean(axis=0)
        camera.lookat[:] = [middle[0], middle[1] + 0.09, middle[2]]
        camera.azimuth = 90.0 - 55.0 * self._shown.side.mirror
        camera.elevation = -24.0
        camera.distance = 0.34
        return camera
