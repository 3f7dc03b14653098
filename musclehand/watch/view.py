"""The camera of a film: from points on and above the keyboard to pixels, and back.

The world is that of `piano.geometry`: x along the keyboard to the treble, y into the piano from the
fronts of the white keys, z up from their tops, all in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclehand.core.errors import InvalidValue


@dataclass(frozen=True, eq=False)
class KeyboardView:
    """A pinhole camera that does not move, and what it shows of the keyboard.

    Raises:
        InvalidValue: a shape is not legal or a number is not finite.
    """

    size: tuple[int, int]
    """[pixels] Width and height of the picture."""

    focal: float
    """[pixels] Focal length."""

    rotation: np.ndarray
    """Axes of the world in those of the camera (x right, y down, z ahead). Shape (3, 3)."""

    position: np.ndarray
    """[m] Position of the camera in the world. Shape (3,)."""

    lowest: int = 21
    """MIDI pitch of the lowest key in the picture."""

    highest: int = 108
    """MIDI pitch of the highest key in the picture."""

    residual: float = 0.0
    """[m] Root mean square distance between edges of keys in the picture and in the model."""

    def __post_init__(self) -> None:
        if np.shape(self.rotation) != (3, 3) or np.shape(self.position) != (3,):
            shapes = f"{np.shape(self.rotation)}, {np.shape(self.position)}"
            raise InvalidValue("shapes of a view's rotation and position", shapes, "(3, 3), (3,)")
        if not (np.isfinite(self.rotation).all() and np.isfinite(self.position).all()):
            raise InvalidValue("view", "not finite", "finite numbers")
        if not (np.isfinite(self.focal) and self.focal > 0):
            raise InvalidValue("focal length", self.focal, "a finite number of pixels above 0")

    def to_pixels(self, world: np.ndarray) -> np.ndarray:
        """Points in the picture; NaN for points behind the camera.

        Args:
            world: points [m]. Shape (..., 3).

        Returns:
            [pixels] Shape (..., 2).
        """
        ahead = (np.asarray(world, dtype=float) - self.position) @ self.rotation.T
        depth = np.where(ahead[..., 2] > 0, ahead[..., 2], np.nan)
        centre = np.array(self.size) / 2
        return np.asarray(self.focal * ahead[..., :2] / depth[..., None] + centre)

    def to_world(self, pixels: np.ndarray, height: np.ndarray | float) -> np.ndarray:
        """Points of the world at a height that appear at pixels.

        Args:
            pixels: points of the picture. Shape (..., 2).
            height: above the tops of white keys [m]. Broadcasts with shape (...).

        Returns:
            [m] Shape (..., 3); NaN where the ray does not go down to that height.
        """
        centre = np.array(self.size) / 2
        flat = (np.asarray(pixels, dtype=float) - centre) / self.focal
        rays = np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], axis=-1) @ self.rotation
        drop = np.where(rays[..., 2] < 0, rays[..., 2], np.nan)
        length = (np.asarray(height) - self.position[2]) / drop
        return np.asarray(self.position + rays * length[..., None])
