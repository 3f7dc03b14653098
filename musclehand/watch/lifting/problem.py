"""Records of the lift's optimisation problem, as the compiled kernels take them.

The n unknowns of a frame are those of `planning.trajectory.problem`: the independent joint angles,
then x, y, z of the wrist, then the yaw of the forearm, of a right hand. A left hand is solved as
its mirror image: in a world mirrored in x, seen through a mirrored camera.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.watch.landmarks import NUM_POINTS
from musclehand.watch.view import KeyboardView

GLOBALS = 2 * NUM_POINTS + 1
"""Unknowns that all frames share: a displacement of every point, and the size of the hand."""


class Camera(NamedTuple):
    """A pinhole camera in the world of a right hand."""

    focal: float
    """[pixels] Focal length."""

    centre: np.ndarray
    """[pixels] Middle of the picture. Shape (2,)."""

    rotation: np.ndarray
    """Axes of that world in those of the camera. Shape (3, 3)."""

    position: np.ndarray
    """[m] Position in that world. Shape (3,)."""

    @classmethod
    def of(cls, view: KeyboardView, mirror: float) -> Camera:
        """The camera of a film.

        Args:
            view: of the film.
            mirror: 1 for a right hand, -1 for a left one, whose world is mirrored in x.
        """
        turned = np.array([mirror, 1.0, 1.0])
        return cls(
            float(view.focal),
            np.array(view.size, dtype=float) / 2.0,
            np.ascontiguousarray(view.rotation * turned, dtype=float),
            np.asarray(view.position, dtype=float) * turned,
        )


class Frames(NamedTuple):
    """What is known of a hand in t frames. Costs are in nats, and those of a frame are taken
    `share` times."""

    pixels: np.ndarray
    """[pixels] Points in the picture; 0 where unseen. Shape (t, 21, 2)."""

    precision: np.ndarray
    """[1/pixels^2] Inverse variance of the points along each axis; 0 where unseen.
    Shape (t, 21)."""

    basis: np.ndarray
    """[pixels/m] Directions along and across the hand in the picture, in columns; a point's
    displacement in metres times it is one in pixels. Shape (t, 2, 2)."""

    low: np.ndarray
    """[m] Least places of the fingertips. Shape (t, 5, 3)."""

    high: np.ndarray
    """[m] Largest places of the fingertips. Shape (t, 5, 3)."""

    tip_precision: np.ndarray
    """[1/m^2] Inverse variance of fingertips outside of these. Shape (t, 5, 3)."""

    home: np.ndarray
    """[rad, m] Expected unknowns. Shape (t, n)."""

    home_precision: np.ndarray
    """[1/rad^2, 1/m^2] Inverse variance of the unknowns about them. Shape (t, n)."""

    def rows(self, part: slice | np.ndarray) -> Frames:
        """Some of the frames.

        Args:
            part: which.
        """
        return Frames(*(values[part] for values in self))


class Common(NamedTuple):
    """What all frames of a film share."""

    offsets: np.ndarray
    """[m] Displacement of every point, along and across the hand; positive across is towards the
    thumb. Shape (21, 2)."""

    size: float
    """Lengths of the hand divided by those of the design."""

    share: float
    """How often the cost of a frame is taken."""

    freedom: float
    """Degrees of freedom of Student's distribution of the points' errors."""
