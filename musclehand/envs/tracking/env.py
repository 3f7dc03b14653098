"""Motion tracking with muscles: hands follow reference motion by excitations of 46 muscles.

Each environment has one hand. Servos move its forearm's base along the reference; muscles move its
25 joints. An episode starts at a random frame, in the state that the reference has there (reference
state initialisation), and ends by failure when fingertips or joints are far from the reference.

    env = TrackingEnv(open_corpus("corpus").clips("train"), TrackingConfig(num_envs=64))
    observation = env.reset(seed=0)             # (64, env.num_observations): print(env.table)
    result = env.step(env.teacher_action())     # excitations (64, 46), 0 to 1
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from typing_extensions import override

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.control.arrays import HandState
from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import (
    DifferentiableEnv,
    StepResult,
    TeacherEnv,
    pack_generator,
    unpack_generator,
)
from musclehand.envs.gradients.adjoint import RewardGradient, reward_gradient
from musclehand.envs.observation import ObservationTable
from musclehand.envs.reference import ReferenceSet, build_references
from musclehand.envs.tracking import reward
from musclehand.envs.tracking.body import Proprioception, TrackingBody
from musclehand.envs.tracking.cropped_keyboard import fit_to_cropped_keyboard, without_key_forces
from musclehand.envs.tracking.disturbance import DisturbanceConfig, Pushes, draw_strengths
from musclehand.envs.tracking.observation import observe, tracking_table
from musclehand.envs.tracking.recorder import GradientRecorder
from musclehand.envs.tracking.reward import RewardWeights
from musclehand.envs.tracking.sensing import Sensing
from musclehand.envs.tracking.starts import StartSampler
from musclehand.envs.tracking.teacher import Teacher
from musclehand.motion.clip import MotionClip
from musclehand.sim.backend_choice import BackendName
from musclehand.sim.health import HealthMonitor


@dataclass(frozen=True)
class TrackingConfig:
    """What a tracking environment is like."""

    num_envs: int = 64
    """Number of environments, each with one hand."""

    num_threads: int = 1
    """Threads of the simulation."""

    backend: BackendName = "cpu"
    """What simulates: MuJoCo on the processor, or MuJoCo Warp."""

    side: Side = Side.RIGHT
    """Hand that is simulated. Observations and actions are those of a right hand either way."""

    keys: bool = False
    """Simulate a keyboard of four octaves too."""

    sim_steps: int = 4
    """Simulation steps of 2 ms in a step of the policy: 4 makes 125 Hz."""

    look_ahead: tuple[int, ...] = (2, 4, 8, 16)
    """Steps ahead, 2 or more, at which the reference is observed, beside the next one."""

    action_history: int = 0
    """Number of last excitations that are observed; needed to make up for sensory delay."""

    episode: float = 4.0
    """[s] Longest duration of an episode."""

    tip_limit: float = 0.04
    """[m] Mean distance of fingertips from the reference at which an episode fails."""

    angle_limit: float = 1.4
    """[rad] Error of any joint angle at which an episode fails."""

    fixed_starts: bool = False
    """Start episodes at the beginnings of clips, clip after clip, for evaluation."""

    weights: RewardWeights = field(default_factory=RewardWeights)
    """Weights of the reward's terms."""

    disturbance: DisturbanceConfig = field(default_factory=DisturbanceConfig)
    """Perturbations and domain randomisation."""

    design: HandDesign | None = None
    """Another hand than the built-in one."""

    def __post_init__(self) -> None:
        if not 1 <= self.sim_steps <= 50:
            raise InvalidValue("sim_steps", self.sim_steps, "1 to 50")
        if not (self.look_ahead and all(2 <= step <= 1000 for step in self.look_ahead)):
            raise InvalidValue("look_ahead", self.look_ahead, "one or more steps from 2 to 1000")
        if not 0 <= self.action_history <= 100:
            raise InvalidValue("action_history", self.action_history, "0 to 100")
        if not (self.episode > 0 and self.tip_limit > 0 and self.angle_limit > 0):
            limits = (self.episode, self.tip_limit, self.angle_limit)
            raise InvalidValue("episode, tip_limit, angle_limit", limits, "above 0")


class TrackingEnv(TeacherEnv, DifferentiableEnv):
    """Hands that follow clips by muscle excitations."""

    config: TrackingConfig
    """What the environment is like."""

    body: TrackingBody
    """The simulated hands."""

    monitor: HealthMonitor
    """Counts and keeps states in which the simulation went unstable."""

    references: ReferenceSet
    """The reference motion, on the cropped keyboard if there is one."""

    table: ObservationTable
    """What the numbers of an observation are."""

    frame: np.ndarray
    """Current frame of the reference in each environment. Shape (num_envs,)."""

    def __init__(
        self,
        clips: Iterable[MotionClip] | ReferenceSet,
        config: TrackingConfig | None = None,
        *,
        seed: int = 0,
        bad_states: Path | None = None,
    ) -> None:
        """
        Args:
            clips: motion to follow, of either hand.
            config: what the environment is like.
            seed: of all random numbers, until `reset` sets another.
            bad_states: folder for states in which the simulation went unstable.

        Raises:
            InvalidValue: no clip is long enough, or references are at another rate than the policy.
        """
        self.config = config = config or TrackingConfig()
        self.body = TrackingBody(
            config.num_envs,
            side=config.side,
            keys=config.keys,
            design=config.design,
            num_threads=config.num_threads,
            backend=config.backend,
        )
        self.monitor = HealthMonitor(self.body.backend, folder=bad_states)
        self.step_dt = config.sim_steps * self.body.model.opt.timestep
        if not isinstance(clips, ReferenceSet):
            clips = build_references(clips, dt=self.step_dt, muscles=self.body.muscles)
        if abs(clips.dt - self.step_dt) > 1e-9:
            raise InvalidValue(
                "time between frames", clips.dt, f"{self.step_dt}, a step of the policy"
            )
        self.references = (
            fit_to_cropped_keyboard(clips, config.side)
            if config.keys
            else without_key_forces(clips)
        )
        self.table = tracking_table(
            self.body.hand, config.look_ahead, action_history=config.action_history
        )
        self.num_envs = config.num_envs
        self.num_actions = len(self.body.muscles)
        self.num_observations = self.table.size
        self._max_steps = max(1, round(config.episode / self.step_dt))
        self._starts = StartSampler(self.references)
        self._sensing = Sensing(config.disturbance, config.num_envs, self.step_dt)
        self._pushes = Pushes(config.disturbance, config.num_envs, self.step_dt)
        self._teacher: Teacher | None = None
        self._recorder: GradientRecorder | None = None
        self._rng = np.random.default_rng(seed)
        self.frame = np.zeros(config.num_envs, dtype=int)
        self._start_frame = self.frame.copy()
        self._age = self.frame.copy()
        self._error_sum = np.zeros(config.num_envs)
        self._history = np.zeros((max(config.action_history, 1), config.num_envs, self.num_actions))
        self._next_clip = 0
        self.reset()

    @override
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._stop_recording()
        self._next_clip = 0
        self._forget_teacher()
        all_envs = np.arange(self.num_envs)
        self._start_episodes(all_envs)
        proprioception = self.body.proprioception()
        self._sensing.begin(proprioception, all_envs, self._rng)
        return self._observe(proprioception)

    @override
    def step(self, action: np.ndarray) -> StepResult:
        """Makes one step in every environment.

        `terms` of the result also has `tip_error` [m], the mean over fingers, `angle_error` [rad],
        the root mean square over joints, and the mean `activation`.

        Args:
            action: excitations, clipped to 0 to 1; one that is not finite ends its episode. Shape
                (num_envs, 46).

        Raises:
            InvalidValue: the action has another shape.
        """
        config = self.config
        body = self.body
        if np.shape(action) != (self.num_envs, self.num_actions):
            raise InvalidValue(
                "shape of action", np.shape(action), f"{(self.num_envs, self.num_actions)}"
            )
        excitation = self._disturb(np.clip(np.asarray(action, dtype=float), 0.0, 1.0))
        goal = self.references.ahead(self.frame, 1)
        controls = body.controls(excitation, self.references, self.frame, goal, config.sim_steps)
        recorder = self._recorder
        jacobian = None
        if recorder is not None and recorder.recording:
            jacobian = recorder.step_jacobian(np.nan_to_num(excitation), self.references, goal)
        unstable = self.monitor.step(controls)
        self.frame = goal
        self._age = self._age + 1
        proprioception = body.proprioception()
        if unstable.any():
            # Actions that are not finite have reached only the monitor, which resets their worlds.
            excitation = np.nan_to_num(excitation)
        terms, failed = self._judge(proprioception, excitation)
        terminated = failed | unstable
        terms["failure"] = reward.failure(terminated)
        truncated = ~terminated & (
            (self._age >= self._max_steps) | (goal >= self.references.last_of(goal))
        )
        if recorder is not None and jacobian is not None:
            not_done = ~(terminated | truncated)
            gradient = self._reward_gradient(proprioception, excitation, not_done)
            recorder.add(jacobian, gradient, self._sensing.delay)
        self._history = np.concatenate([excitation[None], self._history[:-1]])
        self._sensing.advance(proprioception, self._rng)
        final_observation = self._observe(proprioception)
        observation = self._restart(terminated, truncated, final_observation)
        return StepResult(
            observation=observation,
            reward=reward.weigh(terms, config.weights),
            terminated=terminated,
            truncated=truncated,
            final_observation=final_observation,
            terms=terms,
        )

    @override
    def teacher_action(self) -> np.ndarray:
        """Excitations by computed muscle control, which knows the true state and the body as it
        was built. Shape (num_envs, 46)."""
        return self.teacher_action_at(None)

    def teacher_action_at(self, state: HandState | None) -> np.ndarray:
        """The teacher's action for another state than the true one, such as a delayed one. Shape
        (num_envs, 46).

        Args:
            state: of all hands; None for the true one.
        """
        goal = self.references.ahead(self.frame, 1)
        return self.teacher.action(self.references, goal, with_keys=self.config.keys, state=state)

    @override
    def start_recording(self) -> None:
        self.recorder.start()

    @override
    def begin_backward(self, discount: float) -> int:
        return self.recorder.begin_backward(discount, self._sensing.delay)

    @override
    def backward_step(self, observation_gradient: np.ndarray | None) -> np.ndarray:
        history = self.config.action_history
        return self.recorder.backward_step(self.table, observation_gradient, history)

    @property
    def recorder(self) -> GradientRecorder:
        """Records steps and passes gradients back through them."""
        if self._recorder is None:
            sim_steps = self.config.sim_steps
            self._recorder = GradientRecorder(self.body, self.teacher, sim_steps=sim_steps)
        return self._recorder

    @property
    def teacher(self) -> Teacher:
        """Computed muscle control of all hands."""
        if self._teacher is None:
            self._teacher = Teacher(self.body, sim_steps=self.config.sim_steps)
        return self._teacher

    @override
    def state(self) -> dict[str, np.ndarray]:
        return {
            "backend": self.body.backend.state(),
            "strength": self.body.strength.copy(),
            "mass": self.body.mass.copy(),
            "key_weight": self.body.key_weight.copy(),
            "rng": pack_generator(self._rng),
            "badness": self._starts.difficulty.copy(),
            "pushes": self._pushes.state(),
            "past": self._history.copy(),
            "error": self._error_sum.copy(),
            "places": np.column_stack([self.frame, self._start_frame, self._age]),
            "next_clip": np.array([self._next_clip]),
            "sensed": self._sensing.buffer.copy(),
            "delay": self._sensing.delay.copy(),
        }

    @override
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        expected = {name: values.shape for name, values in self.state().items()}
        shapes = {name: np.shape(values) for name, values in state.items()}
        if shapes != expected:
            raise InvalidValue("shapes of the state", shapes, f"{expected}")
        all_envs = np.arange(self.num_envs)
        if self.config.disturbance.changes_bodies:
            self.body.set_bodies(
                all_envs,
                strength=np.asarray(state["strength"]),
                mass=np.asarray(state["mass"]),
                key_weight=np.asarray(state["key_weight"]),
            )
        self.body.backend.restore(np.asarray(state["backend"]))
        self._rng = unpack_generator(state["rng"])
        self._starts.difficulty = np.array(state["badness"])
        self._pushes.restore(np.asarray(state["pushes"]))
        self._history = np.array(state["past"])
        self._error_sum = np.array(state["error"])
        self.frame, self._start_frame, self._age = np.array(state["places"]).astype(int).T.copy()
        self._next_clip = int(state["next_clip"][0])
        self._sensing.buffer = np.array(state["sensed"])
        self._sensing.delay = np.array(state["delay"]).astype(int)
        self._stop_recording()
        self._forget_teacher()
        return self._observe(self.body.proprioception())

    def _stop_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.stop()

    def _forget_teacher(self) -> None:
        """Puts the teacher into the state of a new one."""
        if self._teacher is not None:
            self._teacher.forget()

    def _disturb(self, excitation: np.ndarray) -> np.ndarray:
        """Excitations with motor noise; also advances and applies the pushes."""
        disturbance = self.config.disturbance
        if disturbance.motor_noise > 0:
            noise = self._rng.normal(size=excitation.shape)
            excitation = np.clip(excitation * (1.0 + disturbance.motor_noise * noise), 0.0, 1.0)
        if disturbance.push > 0:
            self._pushes.advance(self._rng)
            active = (self._pushes.left > 0)[:, None]
            self.body.push(self._pushes.force * active, self._pushes.finger)
        return excitation

    def _observe(
        self, proprioception: Proprioception, envs: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Observations in some environments, from the exact proprioception in all of them."""
        config = self.config
        sensed = self._sensing.sense(proprioception)
        return observe(
            self.table,
            self.references,
            self.frame[envs],
            proprioception=Proprioception(*(part[envs] for part in sensed)),
            hand=self.body.hand,
            look_ahead=config.look_ahead,
            history=self._history[: config.action_history, envs],
            delay=(self._sensing.delay * self.step_dt)[envs],
        )

    def _restart(
        self, terminated: np.ndarray, truncated: np.ndarray, final_observation: np.ndarray
    ) -> np.ndarray:
        """Starts new episodes where one ended. Returns the observations after that."""
        done = np.flatnonzero(terminated | truncated)
        if not len(done):
            return final_observation
        mean_error = self._error_sum / self._age / self.config.tip_limit
        error = np.where(terminated, 1.0, np.minimum(mean_error, 1.0))
        self._starts.update(self._start_frame[done], error[done])
        self._start_episodes(done)
        proprioception = self.body.proprioception()
        self._sensing.begin(proprioception, done, self._rng)
        observation = final_observation.copy()
        observation[done] = self._observe(proprioception, done)
        return observation

    def _start_episodes(self, envs: np.ndarray) -> None:
        """Draws starts and bodies of new episodes, and resets the worlds to them."""
        config = self.config
        disturbance = config.disturbance
        if config.fixed_starts:
            clips = len(self.references.first)
            rows = (self._next_clip + np.arange(len(envs))) % clips
            self._next_clip = int((self._next_clip + len(envs)) % clips)
            frames = self.references.first[rows]
        else:
            frames = self._starts.draw(self._rng, len(envs))
        if disturbance.changes_bodies:
            strength = draw_strengths(disturbance, self._rng, len(envs), self.num_actions)
            mass = self._rng.uniform(*disturbance.mass, size=len(envs))
            key_weight = self._rng.uniform(*disturbance.key_weight, size=len(envs))
            self.body.set_bodies(envs, strength, mass, key_weight)
        self.body.reset_to(envs, self.references, frames)
        self._pushes.clear(envs)
        self.frame[envs] = frames
        self._start_frame[envs] = frames
        self._age[envs] = 0
        self._error_sum[envs] = 0.0
        self._history[:, envs] = self.references.activations[frames]

    def _judge(
        self, proprioception: Proprioception, excitation: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Reward terms, and which hands have failed."""
        references = self.references
        frame = self.frame
        tip_error = proprioception.tips - references.tips[frame]
        angle_error = proprioception.angles - references.angles[frame]
        speed_error = proprioception.speeds - references.speeds[frame]
        mean_tip_error = np.linalg.norm(tip_error, axis=2).mean(axis=1)
        self._error_sum += mean_tip_error
        terms = {
            "tip": reward.tip(tip_error),
            "angle": reward.angle(angle_error),
            "speed": reward.speed(speed_error),
            "effort": reward.effort(proprioception.activation),
            "change": reward.change(excitation, self._history[0]),
            "tip_error": mean_tip_error,
            "angle_error": np.sqrt(np.mean(np.square(angle_error), axis=1)),
            "activation": proprioception.activation.mean(axis=1),
        }
        failed = mean_tip_error > self.config.tip_limit
        failed |= np.abs(angle_error).max(axis=1) > self.config.angle_limit
        return terms, failed

    def _reward_gradient(
        self, proprioception: Proprioception, excitation: np.ndarray, not_done: np.ndarray
    ) -> RewardGradient:
        """Gradient of the reward of the step that was just made."""
        references = self.references
        frame = self.frame
        return reward_gradient(
            self.config.weights,
            proprioception,
            tip_error=proprioception.tips - references.tips[frame],
            angle_error=proprioception.angles - references.angles[frame],
            speed_error=proprioception.speeds - references.speeds[frame],
            excitation=excitation,
            previous=self._history[0],
            not_done=not_done,
        )
