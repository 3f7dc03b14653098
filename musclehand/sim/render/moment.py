"""Close pictures of single moments of a recording: a key, the hands, and where the reference has
them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.core.atomic import temporary_path
from musclehand.core.recording import Recording
from musclehand.music.pitch import LOWEST_PITCH
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.render.stage import Stage

KEY_RGBA = (0.94, 0.89, 0.26, 1.0)
"""Colour of the key that a picture is about: yellow of the palette of Okabe and Ito (2008)."""

AZIMUTH, ELEVATION, DISTANCE = 100.0, -48.0, 0.30
"""[deg, deg, m] viewpoint: over the player's head, near enough to see single keys."""

AHEAD_OF_KEY = -0.02
"""[m] point looked at, along the keys: between knuckles and fingertips."""


class Moment(NamedTuple):
    """A moment to draw."""

    time: float
    """[s] on the score's clock."""

    pitch: int
    """MIDI number of the key that it is about."""

    reference: np.ndarray | None
    """[rad, m] positions of all joints in the reference, drawn as a blue ghost. Shape (nq,).
    None: no ghost."""


def draw_moments(
    recording: Recording,
    moments: Sequence[Moment],
    paths: Sequence[Path],
    *,
    width: int = 800,
    height: int = 500,
) -> Iterator[Path]:
    """Writes a picture of each moment (PNG), and gives its path then.

    The key is yellow; keys that are down are green if the score has them then, or else orange.

    Args:
        recording: open.
        moments: to draw.
        paths: of the pictures, one for each moment.
        width: of the pictures [pixels].
        height: of the pictures [pixels].

    Raises:
        RecordingError: the recording was made with other hands than the bundled ones.
        OutputError: OpenGL is missing, or a picture cannot be written.
    """
    from PIL import Image

    stage = Stage(recording)
    keys = stage.scene.keys.qpos
    names = recording["qpos"].names
    address = np.array([stage.model.joint(name).qposadr[0] for name in names])
    ghost = mujoco.MjData(stage.model)
    camera = mujoco.MjvCamera()
    camera.azimuth, camera.elevation, camera.distance = AZIMUTH, ELEVATION, DISTANCE
    with Canvas(stage.model, width, height) as canvas:
        for moment, path in zip(moments, paths, strict=True):
            stage.pose(moment.time)
            number = moment.pitch - LOWEST_PITCH
            key = stage.scene.keys.geom[number]
            if np.allclose(stage.model.geom_rgba[key], stage.rest_colours[number]):
                stage.model.geom_rgba[key] = KEY_RGBA
            camera.lookat[:] = [stage.data.geom_xpos[key, 0], AHEAD_OF_KEY, 0.02]
            shown = None
            if moment.reference is not None:
                ghost.qpos[address] = moment.reference
                # Keys that are as they are move nothing, and are not drawn twice.
                ghost.qpos[keys] = stage.data.qpos[keys]
                mujoco.mj_kinematics(stage.model, ghost)
                mujoco.mj_comPos(stage.model, ghost)
                shown = ghost
            picture = canvas.draw(stage.data, camera, ghost=shown)
            with temporary_path(path) as part:
                Image.fromarray(picture).save(part, format="PNG")
            yield path
