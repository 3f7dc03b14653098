"""A hand's motion through a film, solved window by window.

Levenberg-Marquardt steps (Marquardt 1963, J Soc Ind Appl Math 11:431) lower the cost of all frames
of a window together with squared third differences. Joint angles stay within their limits: those
at a limit that the cost pushes outwards are held in a step, and steps end at limits (projected
Newton steps; Bertsekas 1982, SIAM J Control Optim 20:221). Normal equations are banded, so time and
memory are linear in the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded
from threadpoolctl import ThreadpoolController

from musclehand.planning.trajectory.chain import Chain
from musclehand.planning.trajectory.problem import Equations, Poses, Smoothness
from musclehand.watch.lifting.config import LiftConfig
from musclehand.watch.lifting.hand_points import HandPoints
from musclehand.watch.lifting.problem import Camera, Common, Frames

PAST = 3
"""Frames before a window that are fixed: as many as third differences reach back."""

_HELD = 1e12
"""Diagonal element of an unknown that is held, against which all others are small."""

_AT_LIMIT = 1e-9
"""[rad] Distance from a limit at which an angle is at it."""

_CONVERGED = 1e-5
"""Share of the cost; two steps in a row that gain less are the last ones. Chosen."""

_DAMPING = (1e-3, 1e-6, 1e6)
"""First, least and largest damping, as a share of the diagonal; chosen."""

_LESS = 5.0
"""Divisor of the damping behind a step that succeeds; of the size that Marquardt proposes."""

_MORE = 4.0
"""Factor on the damping behind one that fails."""

_ANGLE_STEP = 0.35
"""[rad] Largest change of an angle in a step, as in `IkWeights.max_step`."""

_WRIST_STEP = 0.05
"""[m] Largest change of the wrist's place in a step; chosen."""


class Limits(NamedTuple):
    """Bounds of the unknowns of a frame."""

    lower: np.ndarray
    """[rad, m] Least ones. Shape (n,)."""

    upper: np.ndarray
    """[rad, m] Largest ones. Shape (n,)."""

    step: np.ndarray
    """[rad, m] Largest changes in a step. Shape (n,)."""

    @classmethod
    def of(cls, lower: np.ndarray, upper: np.ndarray) -> Limits:
        """Those of a hand.

        Args:
            lower: least joint angles [rad]. Shape (k,).
            upper: largest ones [rad]. Shape (k,).
        """
        free = np.full(4, 1e9)
        step = np.full(len(lower) + 4, _ANGLE_STEP)
        step[len(lower) : -1] = _WRIST_STEP
        return cls(np.append(lower, -free), np.append(upper, free), step)

    def held(self, u: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Unknowns at a limit that the cost pushes outwards. Shape of u, bool.

        Args:
            u: unknowns. Shape (t, n).
            right: minus the gradient of the cost. Shape (t, n).
        """
        at_lower = (u <= self.lower + _AT_LIMIT) & (right < 0.0)
        return np.asarray(at_lower | ((u >= self.upper - _AT_LIMIT) & (right > 0.0)))

    def stepped(self, u: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Unknowns after a step, within their limits. Shape of u.

        Args:
            u: unknowns. Shape (t, n).
            step: wanted change. Shape (t, n).
        """
        within = np.clip(step, -self.step, self.step)
        return np.asarray(np.clip(u + within, self.lower, self.upper))


@dataclass
class Smoother:
    """The smoothing of one hand's motion."""

    chain: Chain
    """Of the hand, of its size."""

    points: HandPoints
    """On it."""

    camera: Camera
    """Of the film."""

    common: Common
    """What all frames share."""

    limits: Limits
    """Of the unknowns."""

    smoothness: Smoothness
    """Weights of squared third differences."""

    steps: int
    """Most steps of a window."""

    def solve(self, frames: Frames, u: np.ndarray, past: int) -> np.ndarray:
        """Solves a window. Shape (t, n).

        Args:
            frames: of the window, those that are fixed included.
            u: unknowns to begin with. Shape (t, n).
            past: number of frames at the beginning that are fixed.
        """
        from musclehand.planning.trajectory import smoothness as smoothness_kernels

        count = u.shape[1]
        bands = np.empty((3 * count + 1, u.size))
        right = np.empty(u.size)
        damping, least, most = _DAMPING
        cost, equations = self.evaluate(frames, u, past)
        idle = 0
        no_damping = np.zeros(count)
        with _threads().limit(limits=1, user_api="blas"):
            for _ in range(self.steps):
                smoothness_kernels.fill_bands(
                    equations, u, self.smoothness, no_damping, past, bands, right
                )
                held = self.limits.held(u, right.reshape(u.shape)).ravel()
                bands[0] *= 1.0 + damping
                bands[0, held] = _HELD
                right[held] = 0.0
                step = solveh_banded(bands, right, lower=True, check_finite=False)
                new = self.limits.stepped(u, step.reshape(u.shape))
                new[:past] = u[:past]
                new_cost, new_equations = self.evaluate(frames, new, past)
                if new_cost >= cost:
                    damping = min(damping * _MORE, most)
                    if damping == most:
                        break
                    continue
                idle = idle + 1 if cost - new_cost < _CONVERGED * cost else 0
                u, cost, equations = new, new_cost, new_equations
                damping = max(damping / _LESS, least)
                if idle == 2:
                    break
        return u

    def evaluate(self, frames: Frames, u: np.ndarray, past: int) -> tuple[float, Equations]:
        """Cost of a window, and normal equations of its frames without smoothness.

        Args:
            frames: of the window.
            u: unknowns. Shape (t, n).
            past: number of frames at the beginning that are fixed.
        """
        from musclehand.planning.trajectory import smoothness as smoothness_kernels

        cost, equations = frame_equations(
            self.chain, self.points, self.camera, frames, self.common, u, past=past
        )
        return cost + float(smoothness_kernels.roughness(u, self.smoothness)), equations


def frame_equations(
    chain: Chain,
    points: HandPoints,
    camera: Camera,
    frames: Frames,
    common: Common,
    u: np.ndarray,
    *,
    past: int = 0,
    shared: int = 0,
) -> tuple[float, Equations]:
    """Cost of frames and their normal equations.

    Args:
        chain: of the hand, of its size.
        points: on it.
        camera: of the film.
        frames: what is known.
        common: to all frames.
        u: unknowns. Shape (t, n).
        past: number of frames at the beginning that do not count.
        shared: number of unknowns behind these, 0 or `GLOBALS`.
    """
    from musclehand.planning.trajectory import kinematics
    from musclehand.watch.lifting import equations as kernels

    poses = Poses.empty(chain, len(u))
    kinematics.pose_hand(chain, u, poses)
    equations = Equations.zero(len(u), u.shape[1] + shared)
    cost = kernels.add_frames(chain, points, camera, frames, common, past, u, poses, equations)
    return float(cost), equations


def smoothness_of(config: LiftConfig, joints: int, dt: float) -> Smoothness:
    """Weights of squared third differences.

    Args:
        config: expected jerks.
        joints: independent joints.
        dt: time between frames [s].
    """
    jerk = np.full(joints + 4, config.joint_jerk)
    jerk[joints:-1] = config.wrist_jerk
    jerk[-1] = config.yaw_jerk
    weight = dt / config.correlation / (jerk * dt**3) ** 2
    return Smoothness(jerk=weight, bend=np.zeros(0), bend_weight=0.0)


@cache
def _threads() -> ThreadpoolController:
    """The threads of the libraries of linear algebra, which are loaded by then. On one thread,
    results do not depend on their number."""
    return ThreadpoolController()
