"""Differential inverse kinematics of a hand: joint angles for fingertip targets, by a bounded
quadratic programme per time step.

Each step is a damped Gauss-Newton step on fingertip errors and a posture task. The joint limits are
constraints of the programme: clipping the angles afterwards left errors of up to 28 mm where the
constrained solution reaches the target. Both hands are solved on the model of the right hand, whose
joint values mean the same on either side; the targets of a left hand are mirrored in x.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import NUM_TIPS, Side
from musclehand.body.build.hand import HandDesign, hand_spec, naming_of
from musclehand.body.contact_geometry import half_axis
from musclehand.body.hand_index import HandIndex, wrist_centre
from musclehand.body.posture import REST_DEG, named_posture
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.quadratic import BoundedSolver
from musclehand.motion.playing_hand import REST_HOVER, TIP_X, measure_hand
from musclehand.motion.point_jacobian import PointJacobian

PLACE_ITERATIONS = 25
"""Steps of `HandIk.place_wrist`: enough to converge from the playing posture to an octave."""

_SETTLE_ITERATIONS = 150
"""Steps by which the playing posture is found."""

_SETTLE_FACTOR = 100.0
"""Factor on its weights, against which damping is small: the steps then go all the way."""

_HELD = 1000.0
"""Weight of an error of the wrist in x against that of a fingertip, while it is found."""

_WRIST_STEP = (0.05, 0.03, 0.02)
"""[m] Largest displacement of the wrist in a step of `place_wrist`: to either side, to the front or
back, and upwards. Downwards, the hand's heel bounds it."""


@dataclass(frozen=True)
class IkWeights:
    """Weights of the quadratic programme."""

    tip: float = 1.0e4
    """[1/m^2] Weight of fingertip errors."""

    posture: float = 0.05
    """[1/rad^2] Weight of the distance from the playing posture, for the joints of the fingers."""

    wrist: float = 0.3
    """[1/rad^2] Weight of that distance for the three joints of forearm and wrist."""

    change: float = 3.0
    """[1/rad^2] Weight of the change of angles in a step (damping)."""

    max_step: float = 0.35
    """[rad] Largest change of an angle in a step."""

    limit_margin: float = 0.02
    """[rad] Distance that angles keep from the joint limits."""


class IkResult(NamedTuple):
    """Solution of a step."""

    qpos: np.ndarray
    """[rad] Angles of all joints of the hand. Shape (25,)."""

    error: np.ndarray
    """[m] Distance of each fingertip from its target. Shape (5,)."""


class BonePoints(NamedTuple):
    """Points on the bones of a hand, as many as there are rows in each field."""

    body: np.ndarray
    """Ids of the bodies in the model. Shape (n,)."""

    local: np.ndarray
    """[m] Positions in the frames of the bodies. Shape (n, 3)."""

    radius: np.ndarray
    """[m] Radius of the skin about the points. Shape (n,)."""

    digit: np.ndarray
    """Digit of the points, 0 (thumb) to 4. Shape (n,)."""


class HandIk:
    """Inverse kinematics of a hand with its palm down.

    Positions are in the frame of the forearm base, which has its origin at the wrist and the axes
    of the world.

    Attributes:
        posture: the playing posture that this hand's size and ranges give, independent angles
            [rad]. Shape (19,).
        playing: its lengths at the keys.
        lower: least angles that are allowed, a margin above the joint limits [rad]. Shape (19,).
        upper: largest ones [rad]. Shape (19,).
        posture_weights: weights of the distance from the playing posture [1/rad^2]. Shape (19,).
        wrist: centre of the wrist in MuJoCo's world [m]. Shape (3,).
    """

    def __init__(
        self,
        *,
        weights: IkWeights | None = None,
        design: HandDesign | None = None,
        model: mujoco.MjModel | None = None,
    ) -> None:
        """Build the model of the right hand, and start in its playing posture.

        Args:
            weights: weights of the quadratic programme; by default `IkWeights()`.
            design: the hand; by default the bundled one.
            model: the model of another instance with the same design, to save building it again.
        """
        self.weights = weights or IkWeights()
        if model is None:
            with silence_mujoco():
                model = hand_spec(Side.RIGHT, design=design).compile()
        self.model = model
        self.data = mujoco.MjData(self.model)
        self.index = HandIndex.from_model(self.model, Side.RIGHT, naming_of(design))
        mujoco.mj_kinematics(self.model, self.data)
        self.wrist = wrist_centre(self.model, self.data, self.index)
        self._axes = np.array([-1.0, -1.0, 1.0])  # root frame to world, palm down
        independent = self.index.independent
        limits = self.model.jnt_range[self.model.dof_jntid[self.index.dofs[independent]]]
        self.lower = limits[:, 0] + self.weights.limit_margin
        self.upper = limits[:, 1] - self.weights.limit_margin
        relaxed = named_posture(self.index, REST_DEG, self.index.limits(self.model))
        self.posture = np.clip(relaxed[independent], self.lower, self.upper)
        self.playing = measure_hand(self.model, self.data, self.index)
        self.posture_weights = np.full(independent.size, self.weights.posture)
        self.posture_weights[:3] = self.weights.wrist
        self._points = PointJacobian(self.model, self.index.dofs, self.index.expand)
        self._tip_bodies = np.repeat(self.model.site_bodyid[self.index.tips], 3)
        self._tip_directions = np.tile(np.diag(self._axes), (NUM_TIPS, 1))
        self._solver = BoundedSolver()
        self._solved_tips: tuple[np.ndarray, np.ndarray] | None = None
        self._take_playing_posture()
        self.reset()

    def reset(self, qr: np.ndarray | None = None) -> None:
        """Start from independent joint angles `qr` (19,), by default the playing posture."""
        self.qr = (self.posture if qr is None else qr).copy()

    def tips(self) -> np.ndarray:
        """Fingertip positions at the present angles [m]. Shape (5, 3)."""
        if self._solved_tips is None or self._solved_tips[0] is not self.qr:
            self.data.qpos[self.index.qpos] = self.index.expand @ self.qr
            mujoco.mj_kinematics(self.model, self.data)
            tips = (self.data.site_xpos[self.index.tips] - self.wrist) * self._axes
            # Angles are replaced, never changed in place, so the same array means the same angles.
            self._solved_tips = (self.qr, tips)
        return self._solved_tips[1].copy()

    def points(self, body: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Positions of points of bodies at the angles of the last `step` or `tips` [m].

        Args:
            body: ids of the bodies in `model`. Shape (n,).
            local: positions in the frames of the bodies [m]. Shape (n, 3).

        Returns:
            Positions in the frame of the forearm base. Shape (n, 3).
        """
        world = (self.data.xmat[body].reshape(-1, 3, 3) @ local[:, :, None])[:, :, 0]
        world += self.data.xpos[body]
        world -= self.wrist
        world *= self._axes
        return world

    def bone_points(self, per_bone: int, *, bones: int = 2) -> BonePoints:
        """Points along the axes of the collision capsules of the last bones of every digit.

        Args:
            per_bone: points, spread evenly over each capsule.
            bones: bones of each digit, counted from its tip: 2 or 3.
        """
        model = self.model
        rows = []
        for digit, tip in enumerate(self.index.tips):
            chain = [int(model.site_bodyid[tip])]
            while len(chain) < bones:
                chain.append(int(model.body_parentid[chain[-1]]))
            for geom in np.flatnonzero(
                np.isin(model.geom_bodyid, chain) & (model.geom_contype > 0)
            ):
                axis = half_axis(model, int(geom))
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
    ) -> IkResult:
        """Move the angles towards fingertip targets, and return them.

        Args:
            targets: fingertip positions of a right hand [m]. Shape (5, 3).
            weights: weight of each fingertip, 1 for a finger that plays; or of each of its
                coordinates. Shape (5,) or (5, 3).
            iterations: Gauss-Newton steps; one follows a smooth motion, ten converge from any
                posture.
        """
        for _ in range(iterations):
            self.qr = self.qr + self._newton_step(targets - self.tips(), weights)
        error = np.linalg.norm(targets - self.tips(), axis=1)
        return IkResult(self.index.expand @ self.qr, error)

    def place_wrist(
        self,
        fingers: np.ndarray,
        points: np.ndarray,
        wrist: np.ndarray,
        *,
        home: np.ndarray,
        pull: float,
        posture: np.ndarray | None = None,
    ) -> tuple[np.ndarray, float]:
        """Find a wrist position from which some fingers reach given points together.

        The position of the wrist is unknown beside the joint angles; the other fingers are free.
        The angles of `step` do not change.

        Args:
            fingers: digits that reach for points, 0 (thumb) to 4. Shape (n,).
            points: targets of their tips, world frame of a right hand [m]. Shape (n, 3).
            wrist: initial guess of the position of the wrist [m]. Shape (3,).
            home: preferred position of the wrist [m]. Shape (3,).
            pull: weight of the distance from `home` [1/m^2].
            posture: preferred angles, by default the playing posture [rad]. Shape (19,).

        Returns:
            Position of the wrist [m], shape (3,), and the largest distance that remains between a
            tip and its target [m].
        """
        previous_qr = self.qr
        self.reset(posture)
        wrist = self._settle(
            fingers,
            points,
            wrist,
            home=home,
            pull=np.full(3, pull),
            iterations=PLACE_ITERATIONS,
            posture=posture,
        )
        error = points - (self.tips()[fingers] + wrist)
        self.qr = previous_qr
        return wrist, float(np.linalg.norm(error, axis=1).max())

    def _take_playing_posture(self) -> None:
        """Finds the playing posture, and the place of the wrist with it.

        Of all postures with the fingertips over five neighbouring white keys, at any height and
        depth of the wrist, it is the one nearest to the relaxed hand in the weights of inverse
        kinematics. It follows from the size of the hand and from its ranges of motion.
        """
        hand = self.playing
        places = np.column_stack([TIP_X, hand.press_y, hand.tip_radius + REST_HOVER])
        home = np.array([0.0, hand.wrist_depth, hand.wrist_height])
        self.reset()
        wrist = self._settle(
            np.arange(NUM_TIPS),
            places,
            home,
            home=home,
            pull=np.array([_HELD * self.weights.tip, 0.0, 0.0]),
            iterations=_SETTLE_ITERATIONS,
            factor=_SETTLE_FACTOR,
        )
        self.posture = self.qr
        self.playing = replace(hand, wrist_depth=float(wrist[1]), wrist_height=float(wrist[2]))

    def _settle(
        self,
        fingers: np.ndarray,
        points: np.ndarray,
        wrist: np.ndarray,
        *,
        home: np.ndarray,
        pull: np.ndarray,
        iterations: int,
        factor: float = 1.0,
        posture: np.ndarray | None = None,
    ) -> np.ndarray:
        """Moves angles and wrist together until some fingers are at given points.

        Args:
            fingers: as for `place_wrist`, like `points`, `wrist` and `home`.
            points: targets of their tips.
            wrist: initial guess.
            home: preferred position of the wrist.
            pull: weights of the distance from `home` along x, y and z [1/m^2]. Shape (3,).
            iterations: Gauss-Newton steps.
            factor: on all weights but that of the size of a step.
            posture: preferred angles, by default the playing posture [rad]. Shape (19,).

        Returns:
            Position of the wrist [m]. Shape (3,).
        """
        wrist = np.array(wrist, dtype=float)
        weight = np.repeat(np.isin(np.arange(NUM_TIPS), fingers) * factor * self.weights.tip, 3)
        joints = len(self.posture)
        error = np.zeros((NUM_TIPS, 3))
        jacobian = np.zeros((3 * NUM_TIPS, joints + 3))
        jacobian[:, joints:] = np.tile(np.eye(3), (NUM_TIPS, 1))
        pulls = factor * np.append(self.posture_weights, pull)
        preferred = np.append(self.posture if posture is None else posture, home)
        upper = np.append(np.zeros(joints), _WRIST_STEP)
        lower = -upper
        for _ in range(iterations):
            error[fingers] = points - (self.tips()[fingers] + wrist)
            jacobian[:, :joints] = self._tip_jacobian()
            offset = np.append(self.qr, wrist) - preferred
            np.subtract(self.lower, self.qr, out=lower[:joints])
            np.subtract(self.upper, self.qr, out=upper[:joints])
            lower[-1] = self.playing.lowest_wrist - wrist[2]
            step = self._solve(
                jacobian, weight, error, pull=pulls, offset=offset, lower=lower, upper=upper
            )
            self.qr = self.qr + step[:-3]
            wrist = wrist + step[-3:]
        return wrist

    def _newton_step(self, error: np.ndarray, weights: np.ndarray) -> np.ndarray:
        per_axis = weights if weights.ndim == 2 else np.repeat(weights[:, None], 3, axis=1)
        return self._solve(
            self._tip_jacobian(),
            self.weights.tip * per_axis.ravel(),
            error,
            pull=self.posture_weights,
            offset=self.qr - self.posture,
            lower=self.lower - self.qr,
            upper=self.upper - self.qr,
        )

    def _solve(
        self,
        jacobian: np.ndarray,
        weight: np.ndarray,
        error: np.ndarray,
        *,
        pull: np.ndarray,
        offset: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
    ) -> np.ndarray:
        """Bounded step that minimises the weighted sum of task errors, posture error and its size.

        Args:
            jacobian: derivatives of the tasks. Shape (m, n).
            weight: weights of the tasks. Shape (m,).
            error: displacements that the tasks still need [m]. Shape (m,) or reshapable to it.
            pull: weights of the posture error. Shape (n,).
            offset: posture error, present minus preferred values. Shape (n,).
            lower: lower bounds of the step. Shape (n,).
            upper: upper bounds of the step. Shape (n,).
        """
        weighted = jacobian.T * weight
        hessian = weighted @ jacobian
        hessian.reshape(-1)[:: len(hessian) + 1] += pull + self.weights.change
        gradient = pull * offset - weighted @ error.ravel()
        reach = self.weights.max_step
        return self._solver.solve(
            hessian, gradient, np.maximum(lower, -reach), np.minimum(upper, reach)
        )

    def velocities(self, body: np.ndarray, place: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Speed of points along directions per velocity of the independent joints [m/rad].

        Args:
            body: ids of the bodies in `model`. Shape (n,).
            place: positions of the points at the angles of the last `step` or `tips`, frame of
                the forearm base [m]. Shape (n, 3).
            direction: unit vectors in that frame. Shape (n, 3).

        Returns:
            Shape (n, 19).
        """
        return self._jacobian(body, place * self._axes + self.wrist, direction * self._axes)

    def _tip_jacobian(self) -> np.ndarray:
        """Tip velocity per independent joint velocity [m/rad]. Shape (15, 19)."""
        return self._jacobian(self._tip_bodies, self._tip_points(), self._tip_directions)

    def _tip_points(self) -> np.ndarray:
        """Positions of the tips, each three times, in MuJoCo's world [m]. Shape (15, 3)."""
        return np.repeat(self.data.site_xpos[self.index.tips], 3, axis=0)

    def _jacobian(
        self, bodies: np.ndarray, points: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        """Speed of points along directions (both in MuJoCo's world) per joint velocity [m/rad].

        Shape (n, 19).
        """
        mujoco.mj_comPos(self.model, self.data)
        return self._points.rows(self.data, bodies, points, directions)
