"""A trained tracking policy follows a plan: the plan's motion in, muscle excitations out, for both
hands by the same network."""

from __future__ import annotations

from functools import partial
from os import PathLike

import mujoco
import numpy as np

from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.control.arrays import HandState
from musclehand.control.muscle_control import MuscleControl
from musclehand.controllers.muscle import playing_control
from musclehand.controllers.plan_follower import PlanFollower
from musclehand.core.errors import InvalidValue
from musclehand.core.helper_process import HelperProcess
from musclehand.envs.demonstrations.planned_motion import FrameBuilder, ReferenceWindow
from musclehand.envs.tracking.body import ProprioceptionReader, read_proprioception
from musclehand.envs.tracking.observation import observe, tracking_table
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan
from musclehand.policies.tracking import TrackingPolicy, load_tracking_policy
from musclehand.sim.scene import Scene


class PolicyExcitations:
    """Excitations by a tracking policy that looks ahead in the reference: an `ExcitationSource`."""

    def __init__(
        self, policy: TrackingPolicy, scene: Scene, muscle_control: MuscleControl, *, delay: float
    ) -> None:
        """
        Args:
            policy: that acts.
            scene: with the hands.
            muscle_control: whose ceiling bounds the excitations.
            delay: sensory delay that the policy is informed of [s].
        """
        self._policy = policy
        self._muscle_control = muscle_control
        self._readers = [
            ProprioceptionReader(scene.model, hand, scene.forearms[side], side)
            for side, hand in scene.hands.items()
        ]
        self._delay = np.full(len(self._readers), delay)
        self._hand = next(iter(scene.hands.values()))
        config = policy.config
        self._table = tracking_table(
            self._hand, config.look_ahead, action_history=config.action_history
        )
        self._frames = FrameBuilder(scene.hands)
        self._dt = config.sim_steps * scene.model.opt.timestep
        # The frame of now, that at the end of the step, and as far ahead from there as the policy
        # looks.
        self._length = 2 + max(config.look_ahead)
        self._window: ReferenceWindow | None = None
        self._ahead = list[HandsStep]()
        self._history = np.zeros((max(config.action_history, 1), *muscle_control.muscles.shape))

    def reference_at(self, stream: ReferenceStream, step: int) -> HandsStep:
        """The reference of a step; those after it, as far as the policy looks, enter its window."""
        while len(self._ahead) < self._length - 1:
            self._push(stream.at(step + len(self._ahead)))
        return self._ahead.pop(0)

    def excitations(
        self, data: mujoco.MjData, state: HandState, reference: HandsStep, wrist_acc: np.ndarray
    ) -> np.ndarray:
        """Excitations of all muscles. Shape (h, 46).

        Args:
            data: of the simulation.
            state: not used: the policy has its own proprioception.
            reference: not used: it is in the window already.
            wrist_acc: not used.
        """
        assert self._window is not None
        references = self._window.references
        proprioception = read_proprioception(self._readers, lambda name: getattr(data, name)[None])
        config = self._policy.config
        observation = observe(
            self._table,
            references,
            references.first,
            proprioception=proprioception,
            hand=self._hand,
            look_ahead=config.look_ahead,
            history=self._history[: config.action_history],
            delay=self._delay,
        )
        command = self._policy.policy.act(observation)
        own = np.minimum(command, self._muscle_control.ceiling)
        self._history = np.concatenate([own[None], self._history[:-1]])
        return self._muscle_control.mixed(command)

    def _push(self, step: HandsStep) -> None:
        self._ahead.append(step)
        frames = self._frames.of(step)
        if self._window is None:
            # No step ends now: the first frame stands for the present as well.
            self._window = ReferenceWindow(frames, self._length, self._dt, self._history.shape[2])
        self._window.push(frames)


class TrackingPolicyController(PlanFollower):
    """Plays a plan by a trained tracking policy.

    The plan is made for the policy's control rate and strokes:
    `plan_performance(score, config=musclehand.envs.policy_plan_config())`.
    """

    def __init__(
        self,
        plan: PerformancePlan,
        policy: TrackingPolicy | str | PathLike[str] | None = None,
        *,
        delay: float = 0.0,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        """
        Args:
            plan: to follow.
            policy: to play with, or its file or name (`policies.tracking.load_tracking_policy`);
                by default the bundled one.
            delay: sensory delay that the policy is informed of [s].
            scene: with the plan's hands and piano, by default built from the plan.
            fatigue: parameters of fatigue; None: muscles do not tire.
            helper: a second process that solves the reference ahead, with the same result.

        Raises:
            FileError: the policy cannot be read, or was made for other hands.
            InvalidValue: the policy acts at another rate than the plan.
        """
        policy = policy if isinstance(policy, TrackingPolicy) else load_tracking_policy(policy)
        if policy.config.sim_steps != plan.config.sim_steps:
            legal = (
                f"{policy.config.sim_steps} for this policy, as `envs.policy_plan_config` has it"
            )
            raise InvalidValue("sim_steps", plan.config.sim_steps, legal)
        super().__init__(
            plan,
            partial(PolicyExcitations, policy, delay=delay),
            control=playing_control(),
            scene=scene,
            fatigue=fatigue,
            helper=helper,
        )
