"""Following reference motion with muscles: one hand in each environment, a reference in, muscle
excitations out.

The hand hangs on a forearm that servos carry along the reference; its 23 joints are moved by 46
muscles. Episodes start anywhere in the clips, in the posture that the reference has there
(reference state initialisation), and end by failure when fingertips are far from where they should
be.

    env = TrackingEnv(open_corpus("corpus").clips("train"), TrackingConfig(num_envs=64))
    observation = env.reset(seed=0)
    result = env.step(env.teacher_action())
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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
from musclehand.envs.gradients.adjoint import (
    AdjointPass,
    ObservationGradient,
    RewardGradient,
    reward_gradient,
)
from musclehand.envs.gradients.step_jacobian import BodyJacobian, KeyContact, StepJacobian
from musclehand.envs.reference import ReferenceSet, build_references
from musclehand.envs.tracking import reward
from musclehand.envs.tracking.body import Proprioception, TrackingBody
from musclehand.envs.tracking.cropped_keyboard import fit_to_cropped_keyboard, without_key_forces
from musclehand.envs.tracking.disturbance import DisturbanceConfig, Pushes, draw_strengths
from musclehand.envs.tracking.observation import observe, observe_back, past_back, tracking_table
from musclehand.envs.tracking.reward import RewardWeights
from musclehand.envs.tracking.sensing import Sensing
from musclehand.envs.tracking.starts import StartSampler
from musclehand.envs.tracking.teacher import Teacher
from musclehand.motion.clip import MotionClip
from musclehand.sim.backend_choice import BackendName
from musclehand.sim.health import HealthMonitor

NEAR_STOP = 3e-4
"""A finger that should press, and is no further than that above where it should be [m], is on
its key's stop."""


@dataclass(frozen=True)
class TrackingConfig:
    """What an environment is.

    `num_envs` hands, simulated by `backend` (`sim.backend_choice`) on `num_threads` threads.
    `side`: the hand that is simulated; observations and actions are as of a right hand either way.
    `keys`: with the keyboard. `sim_steps`: of 2 ms in a step of the policy (4: 125 Hz).
    `look_ahead`: steps from the next one on at which the reference is shown. `past`: how many of
    the last excitations are shown, for senses that are late. `episode` [s] at most. `tip_limit`
    [m]: an episode fails when fingertips are further from their places than that, on average,
    `angle_limit` [rad] a joint. `fixed_starts`: episodes begin as clips do, clip after clip, for
    evaluation. `design`: another hand.
    """

    num_envs: int = 64
    num_threads: int = 1
    backend: BackendName = "cpu"
    side: Side = Side.RIGHT
    keys: bool = False
    sim_steps: int = 4
    look_ahead: tuple[int, ...] = (2, 4, 8, 16)
    past: int = 0
    episode: float = 4.0
    tip_limit: float = 0.04
    angle_limit: float = 1.4
    fixed_starts: bool = False
    weights: RewardWeights = field(default_factory=RewardWeights)
    disturbance: DisturbanceConfig = field(default_factory=DisturbanceConfig)
    design: HandDesign | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.sim_steps <= 50:
            raise InvalidValue("sim_steps", self.sim_steps, "1 to 50")
        if not (self.look_ahead and all(2 <= step <= 1000 for step in self.look_ahead)):
            raise InvalidValue("look_ahead", self.look_ahead, "one or more steps from 2 to 1000")
        if not 0 <= self.past <= 100:
            raise InvalidValue("past", self.past, "0 to 100")
        if not (self.episode > 0 and self.tip_limit > 0 and self.angle_limit > 0):
            limits = (self.episode, self.tip_limit, self.angle_limit)
            raise InvalidValue("episode, tip_limit, angle_limit", limits, "above 0")


class TrackingEnv(TeacherEnv, DifferentiableEnv):
    """Hands that follow clips. `table` of the observation, `references` that are followed,
    `monitor` of the worlds; `frame` (n,) of the reference each hand is at."""

    def __init__(
        self,
        clips: Iterable[MotionClip] | ReferenceSet,
        config: TrackingConfig | None = None,
        *,
        seed: int = 0,
        bad_states: Path | None = None,
    ) -> None:
        """`clips`: to follow, of either hand; `bad_states`: a folder for what blew up.

        Raises:
            InvalidValue: no clip is long enough, or references are of another rate than the policy.
        """
        self.config = config = config or TrackingConfig()
        shared = {
            name: getattr(config, name)
            for name in ("side", "keys", "design", "num_threads", "backend")
        }
        self.body = TrackingBody(config.num_envs, **shared)
        self.monitor = HealthMonitor(self.body.backend, folder=bad_states)
        self.step_dt = config.sim_steps * self.body.model.opt.timestep
        if not isinstance(clips, ReferenceSet):
            clips = build_references(clips, dt=self.step_dt, muscles=self.body.muscles)
        if abs(clips.dt - self.step_dt) > 1e-9:
            raise InvalidValue(
                "time between frames", clips.dt, f"{self.step_dt}, a step of the policy"
            )
        self.references = fit_to_cropped_keyboard(clips, config.side) if config.keys else without_key_forces(clips)
        self.table = tracking_table(self.body.hand, config.look_ahead, past=config.past)
        self.num_envs, self.num_actions = config.num_envs, len(self.body.muscles)
        self.num_observations = self.table.size
        self._most_steps = max(1, round(config.episode / self.step_dt))
        self._starts = StartSampler(self.references)
        self._sensing = Sensing(config.disturbance, config.num_envs, self.step_dt)
        self._pushes = Pushes(config.disturbance, config.num_envs, self.step_dt)
        self._teacher: Teacher | None = None
        self._watched: list[tuple[StepJacobian, RewardGradient, np.ndarray]] | None = None
        self._way_back: AdjointPass | None = None
        self._delays: list[np.ndarray] = []
        self._slopes: BodyJacobian | None = None
        self._rng = np.random.default_rng(seed)
        self.frame = np.zeros(config.num_envs, dtype=int)
        self._begin, self._age = self.frame.copy(), self.frame.copy()
        self._error = np.zeros(config.num_envs)
        self._past = np.zeros((max(config.past, 1), config.num_envs, self.num_actions))
        self._next_clip = 0
        self.reset()

    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """As `VecEnv`."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._watched = None
        self._next_clip = 0
        self._forget()
        everyone = np.arange(self.num_envs)
        self._start(everyone)
        senses = self.body.senses()
        self._sensing.begin(senses, everyone, self._rng)
        return self._see(senses)

    def step(self, action: np.ndarray) -> StepResult:
        """As `VecEnv`: excitations, shape (num_envs, 46). `terms` also has `tip_error` [m], the
        mean over fingers, `angle_error` [rad], root mean square over joints, and `activation`."""
        config = self.config
        body = self.body
        disturbance = self.config.disturbance
        if np.shape(action) != (self.num_envs, self.num_actions):
            raise InvalidValue(
                "shape of action", np.shape(action), f"{(self.num_envs, self.num_actions)}"
            )
        excitation = np.clip(np.asarray(action, dtype=float), 0.0, 1.0)
        if disturbance.motor_noise > 0:
            noise = self._rng.normal(size=excitation.shape)
            excitation = np.clip(excitation * (1.0 + disturbance.motor_noise * noise), 0.0, 1.0)
        if disturbance.push > 0:
            self._pushes.advance(self._rng)
            body.push(self._pushes.force * (self._pushes.left > 0)[:, None], self._pushes.finger)
        goal = self.references.ahead(self.frame, 1)
        controls = body.controls(excitation, self.references, self.frame, goal, config.sim_steps)
        slopes = (
            None if self._watched is None else self._slopes_now(np.nan_to_num(excitation), goal)
        )
        sick = self.monitor.step(controls)
        self.frame = goal
        self._age = self._age + 1
        senses = body.senses()
        if sick.any():
            # What is not a number has gone no further than here.
            excitation = np.nan_to_num(excitation)
        terms, failed = self._judge(senses, excitation)
        terminated = failed | sick
        terms["failure"] = reward.failure(terminated)
        truncated = ~terminated & (
            (self._age >= self._most_steps) | (goal >= self.references.last_of(goal))
        )
        if self._watched is not None and slopes is not None:
            worth = self._worth(senses, excitation, ~(terminated | truncated))
            self._watched.append((slopes, worth, self._sensing.delay.copy()))
        self._past = np.concatenate([excitation[None], self._past[:-1]])
        self._sensing.advance(senses, self._rng)
        final = observation = self._see(senses)
        done = np.flatnonzero(terminated | truncated)
        if len(done):
            badness = np.where(
                terminated, 1.0, np.minimum(self._error / self._age / config.tip_limit, 1.0)
            )
            self._starts.tell(self._begin[done], badness[done])
            self._start(done)
            senses = body.senses()
            self._sensing.begin(senses, done, self._rng)
            observation = final.copy()
            observation[done] = self._see(senses, done)
        return StepResult(
            observation, reward.weigh(terms, config.weights), terminated, truncated, final, terms
        )

    def teacher_action(self) -> np.ndarray:
        """As `TeacherEnv`: computed muscle control, which knows the true state and the body as
        it was built."""
        return self.teacher_action_at(None)

    def teacher_action_at(self, state: HandState | None) -> np.ndarray:
        """What the teacher does that takes the hands for being in a state, such as that of some
        time ago."""
        goal = self.references.ahead(self.frame, 1)
        return self.teacher.action(self.references, goal, press=self.config.keys, state=state)

    def start_recording(self) -> None:
        """As `DifferentiableEnv`."""
        self._watched = []
        self._way_back = None
        self._slopes = self._slopes or BodyJacobian(self.body, sim_steps=self.config.sim_steps)

    def begin_backward(self, discount: float) -> int:
        """As `DifferentiableEnv`."""
        if not self._watched or self._slopes is None:
            raise InvalidValue("steps watched", 0, "1 or more, after `start_recording`")
        slopes, worth, delays = zip(*self._watched, strict=True)
        self._way_back = AdjointPass(
            slopes, worth, self._slopes.senses(self.teacher.states()), discount
        )
        self._delays = [*delays, self._sensing.delay.copy()]
        self._watched = None
        return len(worth)

    def backward_step(self, observation_gradient: np.ndarray | None) -> np.ndarray:
        """As `DifferentiableEnv`."""
        if self._way_back is None:
            raise InvalidValue("steps to go back", 0, "1 or more, after `begin_backward`")
        delay = self._delays.pop()
        if observation_gradient is None:
            return self._way_back.step(None)
        senses = observe_back(self.table, observation_gradient, self.body.hand)
        return self._way_back.step(
            ObservationGradient(
                senses, past_back(self.table, observation_gradient, self.config.past), delay
            )
        )

    @property
    def teacher(self) -> Teacher:
        """Computed muscle control of all hands."""
        if self._teacher is None:
            self._teacher = Teacher(self.body, sim_steps=self.config.sim_steps)
        return self._teacher

    def _forget(self) -> None:
        """Has a teacher go on as a new one would."""
        if self._teacher is not None:
            self._teacher.forget()

    def state(self) -> dict[str, np.ndarray]:
        """As `VecEnv`."""
        return {
            "backend": self.body.backend.state(),
            "strength": self.body.strength.copy(),
            "mass": self.body.mass.copy(),
            "key_weight": self.body.key_weight.copy(),
            "rng": pack_generator(self._rng),
            "badness": self._starts.badness.copy(),
            "pushes": np.column_stack([self._pushes.force, self._pushes.finger, self._pushes.left]),
            "past": self._past.copy(),
            "error": self._error.copy(),
            "places": np.column_stack([self.frame, self._begin, self._age]),
            "next_clip": np.array([self._next_clip]),
            "sensed": self._sensing.memory.copy(),
            "delay": self._sensing.delay.copy(),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """As `VecEnv`."""
        mine = self.state()
        shapes = {name: values.shape for name, values in mine.items()}
        given = {name: np.shape(values) for name, values in state.items()}
        if given != shapes:
            raise InvalidValue("shapes of the state", given, f"{shapes}")
        everyone = np.arange(self.num_envs)
        if self.config.disturbance.changes_bodies:
            self.body.set_bodies(
                everyone, *(np.asarray(state[name]) for name in ("strength", "mass", "key_weight"))
            )
        self.body.backend.restore(np.asarray(state["backend"]))
        self._rng = unpack_generator(state["rng"])
        self._starts.badness = np.array(state["badness"])
        pushes = np.array(state["pushes"])
        self._pushes.force = pushes[:, :3]
        self._pushes.finger = pushes[:, 3].astype(int)
        self._pushes.left = pushes[:, 4].astype(int)
        self._past = np.array(state["past"])
        self._error = np.array(state["error"])
        self.frame, self._begin, self._age = np.array(state["places"]).astype(int).T.copy()
        self._next_clip = int(state["next_clip"][0])
        self._sensing.memory = np.array(state["sensed"])
        self._sensing.delay = np.array(state["delay"]).astype(int)
        self._watched = self._way_back = None
        self._forget()
        return self._see(self.body.senses())

    def _see(self, senses: Proprioception, envs: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Observations of some hands."""
        return self._seen(self._sensing.now(senses), self._sensing.delay * self.step_dt, envs)

    def _seen(
        self, senses: Proprioception, delay: np.ndarray, envs: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        past = self._past[: self.config.past, envs]
        look_ahead = self.config.look_ahead
        some = Proprioception(*(part[envs] for part in senses))
        frame = self.frame[envs]
        return observe(
            self.table, self.references, frame, some, self.body.hand, look_ahead, past, delay[envs]
        )

    def _start(self, envs: np.ndarray) -> None:
        """New episodes."""
        config = self.config
        disturbance = self.config.disturbance
        if config.fixed_starts:
            clips = (self._next_clip + np.arange(len(envs))) % len(self.references.first)
            self._next_clip = int((self._next_clip + len(envs)) % len(self.references.first))
            frames = self.references.first[clips]
        else:
            frames = self._starts.draw(self._rng, len(envs))
        if disturbance.changes_bodies:
            strength = draw_strengths(disturbance, self._rng, len(envs), self.num_actions)
            factors = (
                self._rng.uniform(*span, size=len(envs))
                for span in (disturbance.mass, disturbance.key_weight)
            )
            self.body.set_bodies(envs, strength, *factors)
        self.body.place(envs, self.references, frames)
        self._pushes.clear(envs)
        self.frame[envs], self._begin[envs], self._age[envs] = frames, frames, 0
        self._error[envs], self._past[:, envs] = 0.0, self.references.activations[frames]

    def _judge(
        self, senses: Proprioception, excitation: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Reward terms, and which hands have failed."""
        references = self.references
        frame = self.frame
        apart = senses.tips - references.tips[frame]
        angle_error = senses.angles - references.angles[frame]
        mean_tip = np.linalg.norm(apart, axis=2).mean(axis=1)
        self._error += mean_tip
        terms = {
            "tip": reward.tip(apart),
            "angle": reward.angle(angle_error),
            "speed": reward.speed(senses.speeds - references.speeds[frame]),
            "effort": reward.effort(senses.activation),
            "change": reward.change(excitation, self._past[0]),
            "tip_error": mean_tip,
            "angle_error": np.sqrt(np.mean(np.square(angle_error), axis=1)),
            "activation": senses.activation.mean(axis=1),
        }
        failed = mean_tip > self.config.tip_limit
        failed |= np.abs(angle_error).max(axis=1) > self.config.angle_limit
        return terms, failed

    def _slopes_now(self, excitation: np.ndarray, goal: np.ndarray) -> StepJacobian:
        """Of the step that is about to be done."""
        assert self._slopes is not None
        references = self.references
        owed, mass, damping = (
            getattr(references, name)[goal] for name in ("press", "key_mass", "key_damping")
        )
        if not self.config.keys:
            owed, mass, damping = np.zeros((3, *owed.shape))
        tips = self.body.senses().tips[:, :, 2]
        held = (owed > 0) & (tips < references.tips[goal][:, :, 2] + NEAR_STOP)
        return self._slopes.at(self.teacher.states(), excitation, KeyContact(mass, damping, held))

    def _worth(
        self, senses: Proprioception, excitation: np.ndarray, not_done: np.ndarray
    ) -> RewardGradient:
        """Slopes of the reward of the step just done."""
        references = self.references
        frame = self.frame
        return reward_gradient(
            self.config.weights,
            senses,
            tips=senses.tips - references.tips[frame],
            angles=senses.angles - references.angles[frame],
            speeds=senses.speeds - references.speeds[frame],
            excitation=excitation,
            last=self._past[0],
            not_done=not_done,
        )
