"""Keyboards drawn by Pillow through a camera: no renderer, no hands, exact truth."""

import numpy as np
from PIL import Image, ImageDraw

from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_fit import DOWN

SMOOTH = 3
"""Pictures are drawn this much larger, and reduced."""


def camera(
    *, height=1.3, tilt_deg=0.0, roll_deg=0.0, x=0.0, y=0.05, focal=1200.0, size=(1280, 720)
):
    """A camera over the keyboard; tilted, it hangs on the player's side."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(np.radians([0.0, 0.0, roll_deg]))
    turn = turn * Rotation.from_rotvec(np.radians([-tilt_deg, 0.0, 0.0]))
    rotation = turn.as_matrix() @ DOWN
    target = np.array([x, y, 0.0])
    return KeyboardView(size, focal, rotation, target - height * rotation[2] / -rotation[2, 2])


def draw_keyboard(view, *, wood=(25, 20, 18), white=(225, 222, 214), black=(20, 20, 22), keys=None):
    """A picture of the 88 keys, or of those from the first to the last of `keys`."""
    geometry = keyboard_geometry(load_piano_parameters())
    first, last = keys or (0, 87)
    image = Image.new("RGB", (view.size[0] * SMOOTH, view.size[1] * SMOOTH), wood)
    draw = ImageDraw.Draw(image)

    def polygon(points, colour):
        corners = view.to_pixels(np.array(points)) * SMOOTH
        draw.polygon([tuple(corner) for corner in corners], fill=colour)

    half = geometry.width / 2
    for key in range(first, last + 1):
        if not geometry.black[key]:
            left, right = geometry.x[key] - half[key], geometry.x[key] + half[key]
            polygon([(left, 0, 0), (right, 0, 0), (right, 0.15, 0), (left, 0.15, 0)], white)
    for key in range(first, last + 1):
        if geometry.black[key]:
            left, right = geometry.x[key] - half[key], geometry.x[key] + half[key]
            front, rise = geometry.front_y[key], geometry.top_z[key]
            back = geometry.hinge_y[key]
            box = [(left, front), (right, front), (right, back), (left, back)]
            for low, high in zip(box, [*box[1:], box[0]], strict=True):
                wall = [(*low, 0.0), (*high, 0.0), (*high, rise), (*low, rise)]
                polygon(wall, black)
            polygon([(*corner, rise) for corner in box], black)
    return np.asarray(image.reduce(SMOOTH))


def key_errors(view, truth, keys=(0, 87)):
    """Errors of the tops of keys [m]."""
    from musclehand.watch.key_pattern import key_samples

    points = key_samples(*keys).points
    return np.linalg.norm(view.to_world(truth.to_pixels(points), points[:, 2]) - points, axis=1)
