"""Inverse kinematics of one hand: fingertip positions to joint angles, one small quadratic
programme a time step.

The joint limits are constraints of the programme, not clipped afterwards: clipping left errors of
up to 28 mm where the constrained solution reaches the target. Both hands are solved on the right
hand's model, whose joint values mean the same on either side; the targets of a left hand are
mirrored in x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign, hand_spec, naming_of
from musclehand.body.hand_index import HandIndex, wrist_centre
from musclehand.body.posture import PLAYING_POSTURE_DEG, named_posture
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.quadratic import BoundedSolver
from musclehand.motion.point_jacobian import PointJacobian

NUM_TIPS = 5

WRIST_HEIGHT = 0.033
"""Of the wrist joint over the white keys at rest [m]."""

PLACE_ITERATIONS = 25
"""Steps of `HandIk.place`: enough to converge from the playing posture to an octave."""

LOWEST_WRIST = 0.015
"""The wrist joint comes no closer to the tops of the white keys [m]: the heel of the hand is
below it."""


@dataclass(frozen=True)
class IkWeights:
    """What the programme trades: fingertip errors [1/m^2] against posture and change of joints
    [1/rad^2].

    `posture` pulls to the playing posture, `wrist` in its place for the three joints of forearm and
    wrist, `change` resists motion between steps, `limit_margin` [rad] stays away from the joint
    limits.
    """

    tip: float = 1.0e4
    posture: float = 0.05
    wrist: float = 0.3
    change: float = 3.0
    max_step: float = 0.35
    limit_margin: float = 0.02


class IkResult(NamedTuple):
    """Joint angles [rad] of all 23 joints, shape (23,), and the distance of each tip from its
    target [m], (5,)."""

    qpos: np.ndarray
    error: np.ndarray


class BonePoints(NamedTuple):
    """Points on the bones: body, place in its frame [m], radius of the skin about it [m], digit
    0..4. Shapes (n,), (n, 3), (n,), (n,)."""

    body: np.ndarray
    local: np.ndarray
    radius: np.ndarray
    digit: np.ndarray


class PointWishes(NamedTuple):
    """Points of the hand that should move: body, place in the carrier frame [m], direction, how
    far [m], weight against a fingertip's. Shapes (n,), (n, 3), (n, 3), (n,), (n,)."""

    body: np.ndarray
    place: np.ndarray
    direction: np.ndarray
    distance: np.ndarray
    weight: np.ndarray

    @classmethod
    def none(cls) -> PointWishes:
        """No wishes."""
        return cls(
            np.zeros(0, dtype=int), np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0)
        )


class HandIk:
    """Follows fingertip targets given in the frame of the carrier: origin at the wrist, world
    axes, palm down."""

    def __init__(
        self,
        *,
        weights: IkWeights | None = None,
        design: HandDesign | None = None,
        model: mujoco.MjModel | None = None,
    ) -> None:
        """`model`: of another instance with the same design, which need not be built again."""
        self.weights = weights or IkWeights()
        if model is None:
            with silence_mujoco():
                model = hand_spec(Side.RIGHT, design=design).compile()
        self.model = model
        self.data = mujoco.MjData(self.model)
        self.index = HandIndex.from_model(self.model, Side.RIGHT, naming_of(design))
        mujoco.mj_kinematics(self.model, self.data)
        self._wrist = wrist_centre(self.model, self.data, self.index)
        self._axes = np.array([-1.0, -1.0, 1.0])  # root frame to world, palm down
        independent = self.index.independent
        limits = self.model.jnt_range[self.model.dof_jntid[self.index.dofs[independent]]]
        self.lower = limits[:, 0] + self.weights.limit_margin
        self.upper = limits[:, 1] - self.weights.limit_margin
        posture = named_posture(self.index, PLAYING_POSTURE_DEG, self.index.limits(self.model))
        self.posture = np.clip(posture[independent], self.lower, self.upper)
        self._pull = np.full(independent.size, self.weights.posture)
        self._pull[:3] = self.weights.wrist
        self._points = PointJacobian(self.model, self.index.dofs, self.index.expand)
        self._tip_bodies = np.repeat(self.model.site_bodyid[self.index.tips], 3)
        self._tip_directions = np.tile(np.diag(self._axes), (NUM_TIPS, 1))
        self._solver = BoundedSolver()
        self._known: tuple[np.ndarray, np.ndarray] | None = None
        self.reset()

    def reset(self, qr: np.ndarray | None = None) -> None:
        """Starts from independent joint angles `qr` (19,), by default the playing posture."""
        self.qr = (self.posture if qr is None else qr).copy()

    def forget(self) -> None:
        """Has what comes not depend, to the last bit, on which problems were solved before."""
        self._solver = BoundedSolver()

    def tips(self) -> np.ndarray:
        """Fingertip positions at the present angles, carrier frame [m]. Shape (5, 3)."""
        if self._known is None or self._known[0] is not self.qr:
            self.data.qpos[self.index.qpos] = self.index.expand @ self.qr
            mujoco.mj_kinematics(self.model, self.data)
            # Angles are replaced, never changed in place, so the same array means the same angles.
            self._known = self.qr, (self.data.site_xpos[self.index.tips] - self._wrist) * self._axes
        return self._known[1].copy()

    def points(self, body: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Where points of bodies are at the angles of the last `step` or `tips`, carrier frame [m].

        Args:
            body: ids in `model`. Shape (n,).
            local: in the bodies' frames [m]. Shape (n, 3).
        """
        world = (self.data.xmat[body].reshape(-1, 3, 3) @ local[:, :, None])[:, :, 0]
        world += self.data.xpos[body]
        world -= self._wrist
        world *= self._axes
        return world

    def bone_points(self, per_bone: int) -> BonePoints:
        """Points along the axes of the outlines (capsules that touch things) of the last two
        bones of every digit."""
        model = self.model
        rows = []
        for digit, tip in enumerate(self.index.tips):
            last = int(model.site_bodyid[tip])
            bones = (last, int(model.body_parentid[last]))
            for geom in np.flatnonzero(
                np.isin(model.geom_bodyid, bones) & (model.geom_contype > 0)
            ):
                axis = np.zeros(3)
                mujoco.mju_rotVecQuat(
                    axis, np.array([0.0, 0.0, model.geom_size[geom, 1]]), model.geom_quat[geom]
                )
                for share in np.linspace(-1.0, 1.0, per_bone):
                    place = model.geom_pos[geom] + share * axis
                    rows.append((model.geom_bodyid[geom], place, model.geom_size[geom, 0], digit))
        return BonePoints(*(np.array(column) for column in zip(*rows, strict=True)))

    def step(
        self,
        targets: np.ndarray,
        weights: np.ndarray,
        *,
        iterations: int = 1,
        wishes: PointWishes | None = None,
    ) -> IkResult:
        """Moves towards the targets and stays there.

        Args:
            targets: fingertip positions, carrier frame of a right hand [m]. Shape (5, 3).
            weights: how much each tip matters, 1 for a finger that plays; of each of its
                coordinates, if these differ. Shape (5,) or (5, 3).
            iterations: Newton steps; one follows a smooth motion, ten converge from anywhere.
            wishes: other points that should move from where they are now.
        """
        self.move(targets, weights, iterations=iterations, wishes=wishes)
        error = np.linalg.norm(targets - self.tips(), axis=1)
        return IkResult(self.index.expand @ self.qr, error)

    def move(
        self,
        targets: np.ndarray,
        weights: np.ndarray,
        *,
        iterations: int = 1,
        wishes: PointWishes | None = None,
    ) -> None:
        """As `step`, for those who do not ask how near the tips came."""
        for _ in range(iterations):
            self.qr = self.qr + self._newton_step(targets - self.tips(), weights, wishes)
        self.tips()

    def place(
        self,
        fingers: np.ndarray,
        points: np.ndarray,
        wrist: np.ndarray,
        *,
        home: np.ndarray,
        pull: float,
    ) -> tuple[np.ndarray, float]:
        """Finds where over the keyboard the wrist has to be for some fingers to reach given points
        together.

        The wrist's position is unknown beside the joint angles. The fingers not named are free. The
        joint angles of `step` are not touched.

        Args:
            fingers: 0 thumb .. 4 little finger. Shape (n,).
            points: where their tips have to be, world, right hand [m]. Shape (n, 3).
            wrist: a first guess of the wrist's position [m]. Shape (3,).
            home: where the wrist likes to be [m], shape (3,), and
            pull: how strongly it is drawn there [1/m^2].

        Returns:
            The wrist's position [m], and the largest distance that remains between a tip and its
                point [m].
        """
        kept = self.qr
        wrist = np.array(wrist, dtype=float)
        self.reset()
        weight = np.repeat(np.isin(np.arange(NUM_TIPS), fingers) * self.weights.tip, 3)
        joints = len(self.posture)
        error = np.zeros((NUM_TIPS, 3))
        jacobian = np.zeros((3 * NUM_TIPS, joints + 3))
        jacobian[:, joints:] = np.tile(np.eye(3), (NUM_TIPS, 1))
        pulls = np.append(self._pull, [pull] * 3)
        liked = np.append(self.posture, home)
        lower = np.full(joints + 3, -0.03)
        upper = np.full(joints + 3, 0.02)
        lower[-3], upper[-3:-1] = -0.05, (0.05, 0.03)
        for _ in range(PLACE_ITERATIONS):
            error[fingers] = points - (self.tips()[fingers] + wrist)
            jacobian[:, :joints] = self._tip_jacobian()
            away = np.append(self.qr, wrist) - liked
            np.subtract(self.lower, self.qr, out=lower[:joints])
            np.subtract(self.upper, self.qr, out=upper[:joints])
            lower[-1] = LOWEST_WRIST - wrist[2]
            move = self._solve(jacobian, weight, error, pulls, away, lower, upper)
            self.qr = self.qr + move[:-3]
            wrist = wrist + move[-3:]
        error[fingers] = points - (self.tips()[fingers] + wrist)
        self.qr = kept
        return wrist, float(np.linalg.norm(error, axis=1).max())

    def _newton_step(
        self, error: np.ndarray, weights: np.ndarray, wishes: PointWishes | None
    ) -> np.ndarray:
        weight = (
            self.weights.tip
            * (weights if weights.ndim == 2 else np.repeat(weights[:, None], 3, axis=1)).ravel()
        )
        away = self.qr - self.posture
        bodies = self._tip_bodies
        places = self._tip_places()
        directions = self._tip_directions
        wanted = error.ravel()
        if wishes is not None and len(wishes.body):
            bodies = np.concatenate([bodies, wishes.body])
            places = np.concatenate([places, wishes.place * self._axes + self._wrist])
            directions = np.concatenate([directions, wishes.direction * self._axes])
            weight = np.concatenate([weight, self.weights.tip * wishes.weight])
            wanted = np.concatenate([wanted, wishes.distance])
        jacobian = self._jacobian(bodies, places, directions)
        return self._solve(
            jacobian, weight, wanted, self._pull, away, self.lower - self.qr, self.upper - self.qr
        )

    def _solve(
        self,
        jacobian: np.ndarray,
        weight: np.ndarray,
        error: np.ndarray,
        pull: np.ndarray,
        away: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
    ) -> np.ndarray:
        """The bounded step that lessens tip errors, distance from the posture (`away`) and its
        own size."""
        weighted = jacobian.T * weight
        hessian = weighted @ jacobian
        hessian.reshape(-1)[:: len(hessian) + 1] += pull + self.weights.change
        gradient = pull * away - weighted @ error.ravel()
        reach = self.weights.max_step
        return self._solver.solve(
            hessian, gradient, np.maximum(lower, -reach), np.minimum(upper, reach)
        )

    def _tip_jacobian(self) -> np.ndarray:
        """Tip velocity per independent joint velocity, carrier frame [m/rad]. Shape (15, 19)."""
        return self._jacobian(self._tip_bodies, self._tip_places(), self._tip_directions)

    def _tip_places(self) -> np.ndarray:
        """Where the tips are, each three times, in MuJoCo's world [m]. Shape (15, 3)."""
        return np.repeat(self.data.site_xpos[self.index.tips], 3, axis=0)

    def _jacobian(
        self, bodies: np.ndarray, places: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        """Speed of points along directions (both MuJoCo's world) per independent joint velocity.
        Shape (n, 19)."""
        mujoco.mj_comPos(self.model, self.data)
        return self._points.rows(self.data, bodies, places, directions)
