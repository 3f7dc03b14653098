"""A learned policy plays: the planner's reference in, muscle excitations out, for both hands by
the same network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.control.hand_state import HandState
from musclehand.controllers.muscle import MuscleConfig, MuscleController
from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_motion import Frames, RollingWindow, policy_config
from musclehand.envs.tracking.body import ProprioceptionReader, read_proprioception
from musclehand.envs.tracking.observation import observe, tracking_table
from musclehand.music.score import Score
from musclehand.planning.lookahead import HandsStep
from musclehand.planning.strokes.rehearsal import Corrections
from musclehand.policies.tracking import TrackingPolicy, load_tracking_policy
from musclehand.sim.scene import Scene


class TrackingPolicyController(MuscleController):
    """Plays `score` with two hands, as `MuscleController` does, but for what tells the muscles."""

    def __init__(
        self,
        score: Score,
        *,
        policy: TrackingPolicy | Path | None = None,
        delay: float = 0.0,
        lead_in: float = 1.0,
        tail: float = 0.5,
        config: MuscleConfig | None = None,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
        corrections: Corrections | None = None,
        processes: int = 1,
    ) -> None:
        """`policy`: to play with, or its file; by default the one that comes along. `delay`: so
        late is the data that it is given, as it is told [s]. The rest as `MuscleController`.

        Raises:
            FileError: the policy cannot be read, or is one for other hands.
            InvalidValue: it is one for another rate.
        """
        loaded = policy if isinstance(policy, TrackingPolicy) else load_tracking_policy(policy)
        super().__init__(
            score,
            lead_in=lead_in,
            tail=tail,
            config=policy_config(config),
            scene=scene,
            fatigue=fatigue,
            corrections=corrections,
            processes=processes,
        )
        if loaded.config.sim_steps != self.sim_steps:
            raise InvalidValue(
                "sim_steps",
                self.sim_steps,
                f"{loaded.config.sim_steps}, as the policy was made for",
            )
        self._policy = loaded
        self._delay = delay
        scene = self.scene
        self._feelings = [
            ProprioceptionReader(scene.model, hand, scene.carriers[side], side)
            for side, hand in scene.hands.items()
        ]
        look_ahead = loaded.config.look_ahead
        past = loaded.config.past
        self._table = tracking_table(next(iter(scene.hands.values())), look_ahead, past=past)
        self._frames = Frames(scene.hands)
        # The frame of now, that of the end of the step, and as far ahead from there as the policy
        # looks.
        self._length = 2 + max(look_ahead)
        self._window: RollingWindow | None = None
        self._ahead = list[HandsStep]()
        self._past = np.zeros((max(past, 1), *self._control.muscles.shape))

    def _more(self) -> dict[str, Any]:
        """As `MuscleController`."""
        return {"policy": self._policy, "delay": self._delay}

    def _reference_at(self, step: int) -> HandsStep:
        """The step's reference; those after it, as far as the policy looks ahead, are put into
        its window."""
        while len(self._ahead) < self._length - 1:
            self._push(step + len(self._ahead))
        return self._ahead.pop(0)

    def _push(self, step: int) -> None:
        now = self._reference.at(step)
        self._ahead.append(now)
        frames = self._frames.of(now)
        if self._window is None:
            # There is no step that ends now: the first frame stands for that of now as well.
            dt = self.sim_steps * self.scene.model.opt.timestep
            self._window = RollingWindow(frames, self._length, dt, self._past.shape[2])
        self._window.push(frames)

    def _excite(self, data: mujoco.MjData, state: HandState, now: HandsStep) -> np.ndarray:
        """Excitations of all muscles. Shape (h, 46)."""
        assert self._window is not None
        references = self._window.references
        senses = read_proprioception(self._feelings, lambda name: getattr(data, name)[None])
        config = self._policy.config
        hand = next(iter(self.scene.hands.values()))
        past = self._past[: config.past]
        delay = np.full(len(self._feelings), self._delay)
        seen = observe(
            self._table, references, references.first, senses, hand, config.look_ahead, past, delay
        )
        excitation = np.minimum(self._policy.policy.act(seen), self._control.ceiling)
        self._past = np.concatenate([excitation[None], self._past[:-1]])
        return excitation
