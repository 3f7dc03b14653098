"""Cameras of rendered films: five that differ in what makes a keyboard hard to find, and more by
seed."""

from __future__ import annotations

import numpy as np

from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.sim.render.film_stage import FilmCamera
from musclehand.watch.view import KeyboardView

CAMERAS = (
    FilmCamera(),
    FilmCamera(height=1.25, tilt_deg=15.0, fovy_deg=34.0, offset=0.04),
    FilmCamera(height=1.2, tilt_deg=30.0, fovy_deg=36.0, depth=0.0),
    FilmCamera(height=1.3, tilt_deg=8.0, fovy_deg=34.0, offset=-0.05, yaw_deg=3.0),
    FilmCamera(height=0.9, fovy_deg=30.0, offset=0.1, tilt_deg=5.0, yaw_deg=-2.0),
)
"""From straight above; tilted by 15 and by 30 degrees; turned; near, so that keys are cut off."""


def random_camera(rng: np.random.Generator) -> FilmCamera:
    """A camera that a person may hang over a keyboard; all keys are in the picture, or most.

    Args:
        rng: draws it.
    """
    fovy = float(rng.uniform(24.0, 50.0))
    # The width in view at 16 to 9: from a little less than the keyboard to half as much again.
    width = float(rng.uniform(1.15, 1.8))
    distance = width / (2 * np.tan(np.radians(fovy / 2)) * 16 / 9)
    tilt = float(rng.uniform(-5.0, 30.0))
    return FilmCamera(
        height=float(np.clip(distance * np.cos(np.radians(tilt)), 0.4, 3.0)),
        tilt_deg=tilt,
        fovy_deg=fovy,
        offset=float(rng.uniform(-0.06, 0.06)),
        yaw_deg=float(rng.uniform(-4.0, 4.0)),
        depth=float(rng.uniform(-0.12, 0.08)),
    )


def view_of(camera: FilmCamera, size: tuple[int, int]) -> KeyboardView:
    """The record of a camera, with the keys that its picture shows over their whole width.

    Args:
        camera: of a film.
        size: width and height of its pictures [pixels].
    """
    view = KeyboardView(size, camera.focal(size[1]), camera.rotation, camera.position)
    keys = keyboard_geometry(load_piano_parameters())
    edges = np.stack([keys.x - keys.width / 2, keys.x + keys.width / 2], axis=1)
    middle = np.broadcast_to((keys.front_y + keys.hinge_y)[:, None] / 2, edges.shape)
    height = np.broadcast_to(keys.top_z[:, None], edges.shape)
    pixels = view.to_pixels(np.stack([edges, middle, height], axis=2))
    inside = ((pixels > 0) & (pixels < np.array(size))).all(axis=(1, 2))
    shown = np.flatnonzero(inside)
    if not shown.size:
        return view
    return KeyboardView(
        size,
        view.focal,
        view.rotation,
        view.position,
        lowest=int(shown[0]) + 21,
        highest=int(shown[-1]) + 21,
    )
