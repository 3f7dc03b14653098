"""A pinhole camera fitted to a picture of a keyboard: first to light and dark, then to edges of
keys at their true heights.

The tops of black keys are 12 mm above those of white keys. What a view shows of their sides tells
where the camera is; so the focal length and the distance are found apart, not only their ratio.
Light and dark: direct alignment (Lucas and Kanade 1981) over a blurred picture. Edges: the nearest
edge along each normal is found anew between steps of least squares (Harris and Stennett 1990).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from musclehand.watch.key_edges import KeyEdges, front_contrast, key_edges
from musclehand.watch.key_pattern import key_samples
from musclehand.watch.view import KeyboardView

DOWN = np.diag([1.0, -1.0, -1.0])
"""Rotation of a camera that looks straight down, the player below in the picture."""

TYPICAL_FOVY_DEG = 40.0
"""[deg] Angle of view over the height of the picture that is assumed where the keys tell nothing;
phones have 40 to 50, cameras less."""

FOVY_SPREAD = 0.6
"""Standard deviation of the logarithm of the focal length about the typical one; chosen."""

BLURS = (0.004, 0.0015)
"""[m] Blur of the picture on the keyboard, a third and a ninth of a black key's width."""

REACHES = (0.005, 0.004, 0.003, 0.002, 0.002, 0.002)
"""[m] How far from the model its edges are looked for, step by step."""

FRONT_REACH = 0.002
"""[m] Fronts of white keys are used from this reach on, when their faces are no longer in it."""

DEPTHS = 0.001 * np.arange(-24, 25)
"""[m] Shifts into the piano that are compared by the fronts of black keys."""

LEAST_REACH = 2.5
"""[pixels] At least so far."""

OUTLIER = 0.6
"""[pixels] Residual from which an edge counts less (Cauchy)."""


@dataclass(frozen=True)
class Pose:
    """A camera by numbers that can change one by one: what is at a point of the picture stays
    there when the others change."""

    numbers: np.ndarray
    """Logarithm of the focal length [pixels], rotation vector from `DOWN` (tilt, pan, roll) [rad],
    place of `anchor` in the picture x and y [pixels], logarithm of the scale there [pixels/m].
    Shape (7,)."""

    anchor: np.ndarray
    """[m] A point of the keyboard. Shape (3,)."""

    size: tuple[int, int]
    """[pixels] Width and height of the picture."""

    def view(self) -> KeyboardView:
        """The camera."""
        focal, scale = np.exp(np.clip(self.numbers[[0, 6]], -25.0, 25.0))
        rotation = Rotation.from_rotvec(self.numbers[1:4]).as_matrix() @ DOWN
        flat = (self.numbers[4:6] - np.array(self.size) / 2) / focal
        ahead = focal / scale * np.array([flat[0], flat[1], 1.0])
        return KeyboardView(self.size, float(focal), rotation, self.anchor - rotation.T @ ahead)

    @classmethod
    def of(cls, view: KeyboardView, anchor: np.ndarray) -> Pose:
        """The numbers of a camera.

        Args:
            view: a camera.
            anchor: a point in front of it [m]. Shape (3,).
        """
        turn = Rotation.from_matrix(view.rotation @ DOWN.T).as_rotvec()
        depth = float((anchor - view.position) @ view.rotation[2])
        numbers = [np.log(view.focal), *turn, *view.to_pixels(anchor), np.log(view.focal / depth)]
        return cls(np.array(numbers), anchor, view.size)


LEAST_VARIATION = 2.0
"""[1/255] Standard deviation of brightness below which a picture is plain."""

LEAST_EDGES = 30
"""Points of edges below which nothing is fitted."""

LEAST_SAMPLES = 100
"""Places on keys, about six keys' worth, below which there is nothing to align."""

STEPS = np.array([0.1, 0.02, 0.02, 0.02, 2.0, 2.0, 0.01])
"""Sizes of usual changes of `Pose.numbers`."""


class Fit(NamedTuple):
    """A camera and how well its edges fit."""

    pose: Pose
    """The camera."""

    residual: float
    """[m] Root mean square distance between edges in the picture and in the model, without the
    worst fifth."""

    edges: int
    """Points of edges that were found."""

    share: float
    """Share of the points of edges in the picture that were found."""


def likeness(view: KeyboardView, picture: np.ndarray, keys: tuple[int, int]) -> float:
    """Correlation of light and dark between a picture and the keys that a camera shows.

    Args:
        view: the camera.
        picture: brightness. Shape (height, width).
        keys: numbers of the first and the last key.

    Returns:
        -1 to 1; 0 where less than a third of the keys is in the picture, or it is plain.
    """
    samples = key_samples(*keys)
    pixels = view.to_pixels(samples.points)
    inside = _inside(pixels, view.size)
    if inside.sum() < max(LEAST_SAMPLES, 0.3 * len(inside)):
        return 0.0
    values = sample(picture, pixels[inside])
    residual = _unexplained(values, samples.points[inside, 0], samples.light[inside])
    flat = _unexplained(values, samples.points[inside, 0], None)
    if flat @ flat < len(flat) * LEAST_VARIATION**2:
        return 0.0
    explained = max(0.0, 1.0 - (residual @ residual) / (flat @ flat))
    sign = np.sign(flat @ samples.light[inside])
    return float(np.sqrt(explained) * sign)


def fit_light(pose: Pose, grey: np.ndarray, keys: tuple[int, int]) -> Pose:
    """Aligns a camera to light and dark; the focal length, which they tell little of, is kept.

    Args:
        pose: within a third of a black key's width of the truth.
        grey: brightness. Shape (height, width).
        keys: numbers of the first and the last key.
    """
    samples = key_samples(*keys)
    for blur in BLURS:
        radius = max(0.7, blur * np.exp(pose.numbers[6]))
        picture = gaussian_filter(grey, radius)
        pixels = pose.view().to_pixels(samples.points)
        inside = _inside(pixels, pose.size)
        if inside.sum() < LEAST_SAMPLES:
            return pose
        points, light = samples.points[inside], samples.light[inside]
        contrast = max(float(np.std(sample(picture, pixels[inside]))), 1e-6)

        def residuals(
            change: np.ndarray,
            pose: Pose = pose,
            picture: np.ndarray = picture,
            points: np.ndarray = points,
            light: np.ndarray = light,
            contrast: float = contrast,
        ) -> np.ndarray:
            moved = replace(pose, numbers=pose.numbers + np.append(0.0, change) * STEPS)
            values = sample(picture, moved.view().to_pixels(points))
            rest = _unexplained(values, points[:, 0], light) / contrast
            return rest

        solved = least_squares(
            residuals, np.zeros(6), loss="soft_l1", f_scale=0.5, diff_step=1e-2, max_nfev=25
        )
        pose = replace(pose, numbers=pose.numbers + np.append(0.0, solved.x) * STEPS)
    return pose


def settle_depth(pose: Pose, grey: np.ndarray, keys: tuple[int, int]) -> Pose:
    """Shifts a camera across the keyboard to where the fronts of black keys are plainest.

    Args:
        pose: right along the keyboard.
        grey: brightness. Shape (height, width).
        keys: numbers of the first and the last key.
    """
    picture = gaussian_filter(grey, 1.0)
    shifted = [replace(pose, anchor=pose.anchor + np.array([0.0, depth, 0.0])) for depth in DEPTHS]
    return max(shifted, key=lambda moved: front_contrast(moved.view(), picture, keys))


def fit_edges(pose: Pose, grey: np.ndarray, keys: tuple[int, int]) -> Fit:
    """Fits a camera to the edges of keys.

    Args:
        pose: within a few millimetres of the truth.
        grey: brightness. Shape (height, width).
        keys: numbers of the first and the last key.
    """
    picture = gaussian_filter(grey, 0.7)
    spread = 0.0
    distance = np.zeros(0)
    share = 0.0
    for reach in REACHES:
        scale = np.exp(pose.numbers[6])
        edges = key_edges(pose.view(), keys, spread, fronts=reach <= FRONT_REACH)
        places, normals, found = edges.locate(picture, max(LEAST_REACH, reach * scale))
        share = float(found.mean()) if len(found) else 0.0
        if found.sum() < LEAST_EDGES:
            return Fit(pose, np.inf, int(found.sum()), share)
        pose, spread, distance = _step(pose, edges, places, normals, found, spread)
    kept = np.sort(np.abs(distance))[: int(0.8 * len(distance))]
    residual = float(np.sqrt(np.mean(kept**2)) / np.exp(pose.numbers[6]))
    return Fit(pose, residual, len(distance), share)


def fit_still(pose: Pose, grey: np.ndarray, keys: tuple[int, int]) -> Pose:
    """Follows a camera that has moved a little; its focal length stays.

    Args:
        pose: within a third of a black key's width of the truth.
        grey: brightness. Shape (height, width).
        keys: numbers of the first and the last key.
    """
    picture = gaussian_filter(grey, 0.7)
    for reach in REACHES[1:4]:
        edges = key_edges(pose.view(), keys, 0.0, fronts=False)
        scale = np.exp(pose.numbers[6])
        places, normals, found = edges.locate(picture, max(LEAST_REACH, reach * scale))
        if found.sum() < LEAST_EDGES:
            return pose
        points = edges.points[found]

        def residuals(
            change: np.ndarray,
            pose: Pose = pose,
            points: np.ndarray = points,
            places: np.ndarray = places[found],
            normals: np.ndarray = normals[found],
        ) -> np.ndarray:
            # Turns about the camera and shifts in the picture; tilt and pan are held loosely.
            numbers = pose.numbers + np.append(0.0, change) * STEPS
            view = replace(pose, numbers=numbers).view()
            rest = ((view.to_pixels(points) - places) * normals).sum(axis=1)
            return np.append(rest, 3.0 * change[:2])

        solved = least_squares(
            residuals, np.zeros(6), loss="cauchy", f_scale=OUTLIER, diff_step=1e-3, max_nfev=15
        )
        pose = replace(pose, numbers=pose.numbers + np.append(0.0, solved.x) * STEPS)
    return pose


def _step(
    pose: Pose,
    edges: KeyEdges,
    places: np.ndarray,
    normals: np.ndarray,
    found: np.ndarray,
    spread: float,
) -> tuple[Pose, float, np.ndarray]:
    """Least squares over the camera and the black keys' width, for edges that were located.

    Returns:
        The camera, half of what black keys are wider [m], and distances that are left [pixels].
    """
    points, outwards = edges.points[found], edges.outwards[found]
    places, normals = places[found], normals[found]
    weights = edges.weights[found]

    def distances(change: np.ndarray) -> np.ndarray:
        moved = replace(pose, numbers=pose.numbers + change[:7] * STEPS)
        shifted = points + (change[7] * 1e-3) * outwards
        return np.asarray(((moved.view().to_pixels(shifted) - places) * normals).sum(axis=1))

    def residuals(change: np.ndarray) -> np.ndarray:
        moved = replace(pose, numbers=pose.numbers + change[:7] * STEPS)
        own = np.append(prior(moved), (spread + change[7] * 1e-3) / 1e-3)
        return np.append(weights * distances(change), own)

    solved = least_squares(
        residuals, np.zeros(8), loss="cauchy", f_scale=OUTLIER, diff_step=1e-3, max_nfev=15
    )
    pose = replace(pose, numbers=pose.numbers + solved.x[:7] * STEPS)
    return pose, spread + float(solved.x[7]) * 1e-3, distances(solved.x)


def prior(pose: Pose) -> float:
    """How far the focal length is from a usual one, in standard deviations."""
    typical = 0.5 * pose.size[1] / np.tan(np.radians(TYPICAL_FOVY_DEG / 2))
    return float((pose.numbers[0] - np.log(typical)) / FOVY_SPREAD)


def sample(picture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Values of a picture at places in it, bilinear; those beyond it are the nearest in it.

    Args:
        picture: shape (height, width).
        pixels: x and y; the first pixel's middle is at 0.5, 0.5. Shape (..., 2).
    """
    rows, columns = pixels[..., 1] - 0.5, pixels[..., 0] - 0.5
    return np.asarray(map_coordinates(picture, [rows, columns], order=1, mode="nearest"))


def _inside(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(((pixels > 1) & (pixels < np.array(size) - 1)).all(axis=1))


def _unexplained(values: np.ndarray, x: np.ndarray, light: np.ndarray | None) -> np.ndarray:
    """What remains of values after a level that changes along the keyboard, and a contrast."""
    along = (x - x.mean()) / max(float(np.ptp(x)), 1e-9)
    columns = [np.ones_like(along), along]
    if light is not None:
        columns += [light, light * along]
    design = np.stack(columns, axis=1)
    gram = design.T @ design + 1e-9 * np.eye(design.shape[1])
    return np.asarray(values - design @ np.linalg.solve(gram, design.T @ values))
