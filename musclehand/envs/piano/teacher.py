"""The teacher of planners: the model-based player's plan, as the encoder of the latent space
understands it."""

from __future__ import annotations

import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.envs.piano.body import ForearmPath
from musclehand.envs.piano.forearm import back_on, offset_action
from musclehand.envs.piano.observation import TrackingObserver
from musclehand.envs.piano.pieces import LatentSpaceLike
from musclehand.envs.reference import ReferenceSet, windows
from musclehand.envs.tracking.body import Proprioception

SOFTNESS = 1e-4
"""How much joints give way rather than turn far to make up for a forearm that is elsewhere
[m^2/rad^2]."""

DEEPER = 0.008
"""The teacher asks fingers that hold a key to go so much further than the plan [m]: what follows
an intention is a little soft, and now and then would let it up."""

SETTLED = 5
"""Steps of the muscles for which a finger has to have pressed for that: on its way down it would
be early and loud."""


class PlanTeacher:
    """What `n` hands should intend, and where their forearms should go, to do as a plan does."""

    def __init__(
        self,
        references: ReferenceSet,
        skill: LatentSpaceLike,
        own: TrackingObserver,
        hand: HandIndex,
        limits: np.ndarray,
    ) -> None:
        """
        Args:
            references: plans of all hands, at the rate of the muscles.
            skill: whose encoder is shown them.
            own: what the encoder sees.
            hand: any of them.
            limits: of its joints [rad]. Shape (23, 2).
        """
        self._references = references
        self._skill = skill
        self._own = own
        self._expand = hand.expand
        self._limits = limits

    def view(
        self,
        frame: np.ndarray,
        senses: Proprioception,
        slopes: np.ndarray,
        path: ForearmPath,
        past: np.ndarray,
    ) -> np.ndarray:
        """What the encoder sees who is shown the plan. Shape (n, its observation).

        Args:
            frame: of the plan, of now. Shape (n,).
            senses: of the hands.
            slopes: how fingertips move with independent joints [m/rad]. Shape (n, 15, k).
            path: where the forearms are.
            past: the last excitations. Shape (steps, n, m).
        """
        plan = self.shown(frame, slopes, path.place, max(self._skill.config.look_ahead) + 2)
        return self._own.observe(senses, path, past, plan)

    def action(self, frame: np.ndarray, path: ForearmPath, seen: np.ndarray) -> np.ndarray:
        """Intentions and moves of the forearm, numbers from 0 to 1. Shape (n, numbers).

        Args:
            frame: of the plan, of now. Shape (n,).
            path: where the forearms are.
            seen: by the encoder (`view`).
        """
        policy = self._skill.policy
        interval = policy.hold * self._references.dt
        now, then = (
            self._planned(self._references.ahead(frame, steps)) for steps in (0, policy.hold)
        )
        place, speed = back_on(path, now, then, interval)
        arms = offset_action(path, place, speed, interval)
        return np.hstack([0.5 + 0.5 * policy.encode_mean(seen) / policy.reach, arms]).clip(0.0, 1.0)

    def shown(
        self, frame: np.ndarray, slopes: np.ndarray, place: np.ndarray, length: int
    ) -> ReferenceSet:
        """The plan from some frames on, as hands can still do it whose forearms are elsewhere:
        with the same fingertips, and joints that make up for it. `place`: of the forearms [m],
        shape (n, 3); `length`: in frames."""
        references = self._references
        frames = references.ahead(frame[:, None], np.arange(length))
        window = windows(references, frames)
        holds = (window.press > 0.0) & (
            references.press[references.before(frames.ravel(), SETTLED)] > 0.0
        )
        off = place - references.forearm[frame, :3]
        stiff = slopes @ slopes.transpose(0, 2, 1) + SOFTNESS * np.eye(slopes.shape[1])
        back = np.linalg.solve(stiff, -np.tile(off, (1, slopes.shape[1] // 3))[:, :, None])
        turned = (slopes.transpose(0, 2, 1) @ back)[:, :, 0] @ self._expand.T
        window.forearm[:, :3] += np.repeat(off, length, axis=0)
        window.tips[:, :, 2] -= DEEPER * holds
        window.angles[:] = np.clip(
            window.angles + np.repeat(turned, length, axis=0), *self._limits.T
        )
        return window

    def _planned(self, frame: np.ndarray) -> ForearmPath:
        """Where the plan has forearms."""
        references = self._references
        parts = references.forearm, references.forearm_speed, references.forearm_acceleration
        return ForearmPath(*(part[frame, :3] for part in parts))
