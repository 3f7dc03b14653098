"""Teacher of high-level policies: the model-based player's plan, encoded to latent actions."""

from __future__ import annotations

import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.envs.piano.body import ForearmState
from musclehand.envs.piano.forearm import encode_move, return_to_plan
from musclehand.envs.piano.observation import TrackingObserver
from musclehand.envs.piano.pieces import LatentSpaceLike
from musclehand.envs.reference import ReferenceSet, windows
from musclehand.envs.tracking.body import Proprioception

SOFTNESS = 1e-4
"""[m^2/rad^2] Damping of the least squares by which joints make up for a forearm that is off the
plan: joints turn less and fingertips stay off a little. Chosen."""

EXTRA_DEPTH = 0.008
"""[m] How much lower than in the plan the reference is for fingers that hold a key. The decoder
follows a reference softly, and would release a key now and then. Chosen."""

SETTLED_STEPS = 5
"""Steps of the muscles for which a finger must have pressed before its reference is lowered. A
lower reference on the way down would strike the key early and loud. Chosen."""


class PlanTeacher:
    """Latent actions and moves of the forearm by which n hands do what a plan does."""

    def __init__(
        self,
        references: ReferenceSet,
        latent_space: LatentSpaceLike,
        observer: TrackingObserver,
        hand: HandIndex,
        limits: np.ndarray,
    ) -> None:
        """
        Args:
            references: plans of all hands, at the rate of the muscles.
            latent_space: whose encoder is used.
            observer: makes the encoder's observations.
            hand: any of the hands.
            limits: of its joints [rad]. Shape (23, 2).
        """
        self._references = references
        self._latent_space = latent_space
        self._observer = observer
        self._expand = hand.expand
        self._limits = limits

    def encoder_observation(
        self,
        frame: np.ndarray,
        proprioception: Proprioception,
        jacobian: np.ndarray,
        forearm_state: ForearmState,
        history: np.ndarray,
    ) -> np.ndarray:
        """Observation of the encoder, with the plan for a reference. Shape (n, its
        num_observations).

        Args:
            frame: current frame of the plan. Shape (n,).
            proprioception: of the hands.
            jacobian: fingertips by independent joint angles [m/rad]. Shape (n, 15, k).
            forearm_state: current one.
            history: last excitations, the latest first. Shape (steps, n, m).
        """
        length = max(self._latent_space.config.look_ahead) + 2
        plan = self.adapted_plan(frame, jacobian, forearm_state.position, length)
        return self._observer.observe(proprioception, forearm_state, history, plan)

    def action(
        self, frame: np.ndarray, forearm_state: ForearmState, encoder_observation: np.ndarray
    ) -> np.ndarray:
        """Latent actions and moves of the forearm, 0 to 1. Shape (n, latent_size + MOVE_SIZE).

        Args:
            frame: current frame of the plan. Shape (n,).
            forearm_state: current one.
            encoder_observation: from the method of that name.
        """
        policy = self._latent_space.policy
        duration = policy.action_repeat * self._references.dt
        current, later = (
            self._planned_state(self._references.ahead(frame, steps))
            for steps in (0, policy.action_repeat)
        )
        position, velocity = return_to_plan(forearm_state, current, later, duration)
        moves = encode_move(forearm_state, position, velocity, duration)
        z = policy.encode_mean(encoder_observation)
        return np.hstack([0.5 + 0.5 * z / policy.latent_bound, moves]).clip(0.0, 1.0)

    def adapted_plan(
        self, frame: np.ndarray, jacobian: np.ndarray, place: np.ndarray, length: int
    ) -> ReferenceSet:
        """The plan from some frames on, adapted to forearms that are off the plan: fingertips stay
        where they are, and joints make up for the forearm by damped least squares.

        Args:
            frame: current frame of the plan. Shape (n,).
            jacobian: fingertips by independent joint angles [m/rad]. Shape (n, 15, k).
            place: of the forearms [m]. Shape (n, 3).
            length: number of frames.
        """
        references = self._references
        frames = references.ahead(frame[:, None], np.arange(length))
        window = windows(references, frames)
        pressed_before = (
            references.key_force[references.before(frames.ravel(), SETTLED_STEPS)] > 0.0
        )
        holds = (window.key_force > 0.0) & pressed_before
        offset = place - references.forearm[frame, :3]
        coordinates = jacobian.shape[1]
        transposed = jacobian.transpose(0, 2, 1)
        damped = jacobian @ transposed + SOFTNESS * np.eye(coordinates)
        tip_offset = np.tile(offset, (1, coordinates // 3))[:, :, None]
        turn = (transposed @ np.linalg.solve(damped, -tip_offset))[:, :, 0] @ self._expand.T
        window.forearm[:, :3] += np.repeat(offset, length, axis=0)
        window.tips[:, :, 2] -= EXTRA_DEPTH * holds
        window.angles[:] = np.clip(window.angles + np.repeat(turn, length, axis=0), *self._limits.T)
        return window

    def _planned_state(self, frame: np.ndarray) -> ForearmState:
        """State of the forearms in the plan."""
        references = self._references
        return ForearmState(
            position=references.forearm[frame, :3],
            velocity=references.forearm_speed[frame, :3],
            acceleration=references.forearm_acceleration[frame, :3],
        )
