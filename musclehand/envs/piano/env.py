"""Piano playing with two hands by latent actions: notes in, a latent action for each hand out.

The decoder of a latent action space (`learning.vae`) turns latent actions into excitations of all
muscles, step by step, while one is held (action repeat). Rows are hands, the left ones of all
worlds first, mirrored to right hands. An action consists of numbers from 0 to 1: a latent action,
then where the forearm should be when it ends and how fast (`envs.piano.forearm`).

    env = PianoEnv(pieces, load_latent_space(path))
    observation = env.reset(seed=0)            # (2 num_worlds, env.num_observations)
    result = env.step(env.teacher_action())    # (2 num_worlds, latent_size + 6)

The teacher is the model-based player: its plan, encoded to latent actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from typing_extensions import override

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import DemonstrationEnv, StepResult, pack_generator, unpack_generator
from musclehand.envs.observation import ObservationTable
from musclehand.envs.piano import reward
from musclehand.envs.piano.body import SIDES, ForearmState, PianoBody
from musclehand.envs.piano.forearm import MOVE_SIZE, decode_move, state_at
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.initial_states import InitialStates, draw_off_plan
from musclehand.envs.piano.observation import PianoObserver, TrackingObserver, reference_mask
from musclehand.envs.piano.pieces import LatentCodec, LatentSpaceLike, PlannedPieces
from musclehand.envs.piano.reward import PianoWeights
from musclehand.envs.piano.style import Style
from musclehand.envs.piano.teacher import PlanTeacher
from musclehand.envs.reference import ReferenceSet, join
from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.starts import StartSampler
from musclehand.motion.clip import MotionClip
from musclehand.music.pitch import NUM_KEYS
from musclehand.sim.backend_choice import BackendName
from musclehand.sim.health import HealthMonitor

NEUTRAL_ACTION = 0.5
"""A latent action of 0, and a forearm that continues its motion."""


@dataclass(frozen=True)
class PianoConfig:
    """What a piano environment is like."""

    num_worlds: int = 32
    """Number of worlds, each with two hands: `PianoEnv.num_envs`, the number of hands, is twice
    this."""

    num_threads: int = 1
    """Threads of the simulation."""

    backend: BackendName = "cpu"
    """What simulates: MuJoCo on the processor, or MuJoCo Warp."""

    episode: float = 4.0
    """[s] Longest duration of an episode."""

    tip_limit: float = 0.08
    """[m] Mean distance of a hand's fingertips from the plan at which an episode fails."""

    off_plan: float = 0.01
    """[m] Largest offset of forearms from the plan, in each direction, at the start of an episode;
    half of the episodes have none."""

    fixed_starts: bool = False
    """Start episodes at the beginnings of pieces, piece after piece."""

    weights: PianoWeights = field(default_factory=PianoWeights)
    """Weights of the reward's terms."""

    def __post_init__(self) -> None:
        if not (self.episode > 0 and self.tip_limit > 0 and 0 <= self.off_plan <= 0.1):
            values = (self.episode, self.tip_limit, self.off_plan)
            raise InvalidValue(
                "episode, tip_limit, off_plan", values, "above 0, above 0, and 0 to 0.1"
            )


class PianoEnv(DemonstrationEnv):
    """Pairs of hands that play pieces by latent actions."""

    config: PianoConfig
    """What the environment is like."""

    body: PianoBody
    """The simulated hands and pianos."""

    monitor: HealthMonitor
    """Counts and keeps states in which the simulation went unstable."""

    latent_space: LatentSpaceLike
    """The latent action space that the actions are in."""

    policy: LatentCodec
    """Encoder and decoder of that space."""

    references: ReferenceSet
    """The plan of all hands: all pieces for left hands, then all for right ones."""

    teacher: PlanTeacher
    """Encodes the plan to latent actions."""

    table: ObservationTable
    """What the numbers of an observation are."""

    frame: np.ndarray
    """Current frame of the plan of each hand. Shape (num_envs,)."""

    def __init__(
        self,
        pieces: PlannedPieces,
        latent_space: LatentSpaceLike,
        config: PianoConfig | None = None,
        *,
        seed: int = 0,
        goals: GoalsMaker = Goals,
        initial_states: InitialStates | None = None,
        bad_states: Path | None = None,
        people: Sequence[Mapping[Side, MotionClip]] | None = None,
    ) -> None:
        """
        Args:
            pieces: to play, with their plans.
            latent_space: latent action space, with its decoder.
            config: what the environment is like.
            seed: of all random numbers, until `reset` sets another.
            goals: encoding of the notes.
            initial_states: draws the postures in which hands start; by default `draw_off_plan` with
                the offset of the configuration.
            bad_states: folder for states in which the simulation went unstable.
            people: for each piece a person's hands on the clock of its score, for the term `style`
                of the reward; None: that term is 0.

        Raises:
            InvalidValue: pieces were planned for another rate than that of the latent space.
        """
        self.config = config = config or PianoConfig()
        self.body = PianoBody(
            config.num_worlds, num_threads=config.num_threads, backend=config.backend
        )
        self.monitor = HealthMonitor(self.body.backend, folder=bad_states)
        self.latent_space = latent_space
        self.policy = latent_space.policy
        self._dt = latent_space.config.sim_steps * self.body.model.opt.timestep
        self.step_dt = self.policy.action_repeat * self._dt
        one_hand = pieces.hands[0]
        if abs(one_hand.dt - self._dt) > 1e-9:
            raise InvalidValue(
                "time between frames", one_hand.dt, f"{self._dt}, a step of the muscles"
            )
        self.references = join(pieces.hands)
        self._style = None if people is None else Style.of(people, self.references)
        self._one_hand = one_hand
        self._goals = goals([notes for side in pieces.notes for notes in side])
        self._tracking = TrackingObserver(
            latent_space, self.body.hand, self.body.rows, self.body.muscles
        )
        self._observer = PianoObserver(self._tracking.table, self._goals)
        self._reference_mask = reference_mask(self._tracking.table)
        self._limits = self.body.hand.limits(self.body.model)
        self._draw_states = initial_states or partial(draw_off_plan, off_plan=config.off_plan)
        self.table = self._observer.table
        self.num_envs = self.body.rows
        self.num_observations = self.table.size
        self.num_actions = self.policy.latent_size + MOVE_SIZE
        self._max_steps = max(1, round(config.episode / self.step_dt))
        self.teacher = PlanTeacher(
            self.references, latent_space, self._tracking, self.body.hand, self._limits
        )
        self._starts = StartSampler(one_hand)
        self._rng = np.random.default_rng(seed)
        self.frame, self._age = np.zeros((2, self.num_envs), dtype=int)
        self._start_frame = self.frame[: config.num_worlds].copy()
        self._error_sum = np.zeros(self.num_envs)
        self._forearm = np.zeros((3, self.num_envs, 3))
        history = max(latent_space.config.action_history, 1)
        self._history = np.zeros((history, self.num_envs, self.body.muscles))
        self._previous = np.full((self.num_envs, self.num_actions), NEUTRAL_ACTION)
        self._sounding = np.zeros((config.num_worlds, NUM_KEYS), dtype=bool)
        self._next_piece = 0
        self.reset()

    @override
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._next_piece = 0
        self._start_episodes(np.arange(self.config.num_worlds))
        return self._observe(self.body.proprioception())

    @override
    def step(self, action: np.ndarray) -> StepResult:
        """Makes one step of the high-level policy, several of the muscles.

        `terms` of the result also has `tip_error`, the mean distance of fingertips from the plan,
        and `arm_error`, that of the forearm's base [m].

        Args:
            action: latent actions and moves of the forearm, clipped to 0 to 1; one that is not
                finite ends the episode of its world. Shape (num_envs, num_actions).

        Raises:
            InvalidValue: the action has another shape.
        """
        if np.shape(action) != (self.num_envs, self.num_actions):
            raise InvalidValue(
                "shape of action", np.shape(action), f"{(self.num_envs, self.num_actions)}"
            )
        not_finite = ~np.isfinite(action).all(axis=1)
        action = np.where(not_finite[:, None], NEUTRAL_ACTION, action)
        action = np.clip(action, 0.0, 1.0)
        latent_size = self.policy.latent_size
        z = self.latent_action(action[:, :latent_size])
        move = decode_move(action[:, latent_size:], self._forearm_state(), self.step_dt)
        unstable = np.zeros(self.config.num_worlds, dtype=bool)
        effort = np.zeros(self.num_envs)
        proprioception = self.body.proprioception()
        keys = self.body.key_state(self._sounding)
        struck = np.zeros(keys.sounding.shape, dtype=int)
        for part in range(1, self.policy.action_repeat + 1):
            end = state_at(move, part * self._dt)
            unstable |= self._muscle_step(proprioception, z, part - 1, end)
            proprioception = self.body.proprioception()
            before = keys
            keys = self.body.key_state(keys.sounding)
            struck = np.maximum(struck, self.body.struck(before, keys))
            square = np.square(proprioception.activation).mean(axis=1)
            effort += square / self.policy.action_repeat
        self._sounding = keys.sounding
        self._age += 1
        terms, failed = self._judge(proprioception, action, effort, struck)
        failed = failed | not_finite | np.tile(unstable, len(SIDES))
        return self._conclude(proprioception, terms, failed)

    @override
    def teacher_action(self) -> np.ndarray:
        """The plan encoded to latent actions, and the plan's moves of the forearms. Shape
        (num_envs, num_actions)."""
        return self.teacher.action(self.frame, self._forearm_state(), self._encoder_observation())

    @override
    def teacher_label(self) -> np.ndarray:
        """The teacher's actions, then the reference block of the encoder's observation
        (`reference_mask`), with the plan for a reference. Shape (num_envs, num_actions +
        references)."""
        observation = self._encoder_observation()
        action = self.teacher.action(self.frame, self._forearm_state(), observation)
        return np.hstack([action, observation[:, self._reference_mask]])

    def latent_action(self, action: np.ndarray) -> np.ndarray:
        """Latent actions `z` that numbers from 0 to 1 stand for. Shape as `action`."""
        return np.asarray(2.0 * self.policy.latent_bound * (action - 0.5))

    def target_keys(self) -> np.ndarray:
        """Which keys should be down now. Shape (worlds, 88), bool."""
        return self._observer.target_keys(self._pieces(), self._time(), self.config.num_worlds)

    @override
    def state(self) -> dict[str, np.ndarray]:
        return {
            "backend": self.body.backend.state(),
            "rng": pack_generator(self._rng),
            "badness": self._starts.difficulty.copy(),
            "arm": self._forearm.copy(),
            "past": self._history.copy(),
            "last": self._previous.copy(),
            "sounding": self._sounding.copy(),
            "error": self._error_sum.copy(),
            "places": np.column_stack([self.frame, self._age]),
            "begin": self._start_frame.copy(),
            "next_piece": np.array([self._next_piece]),
        }

    @override
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        expected = {name: values.shape for name, values in self.state().items()}
        shapes = {name: np.shape(values) for name, values in state.items()}
        if shapes != expected:
            raise InvalidValue("shapes of the state", shapes, f"{expected}")
        self.body.backend.restore(np.asarray(state["backend"]))
        self._rng = unpack_generator(state["rng"])
        self._starts.difficulty = np.array(state["badness"])
        self._forearm = np.array(state["arm"])
        self._history = np.array(state["past"])
        self._previous = np.array(state["last"])
        self._sounding = np.array(state["sounding"]).astype(bool)
        self._error_sum = np.array(state["error"])
        self._start_frame = np.array(state["begin"]).astype(int)
        self.frame, self._age = np.array(state["places"]).astype(int).T.copy()
        self._next_piece = int(state["next_piece"][0])
        return self._observe(self.body.proprioception())

    def _muscle_step(
        self, proprioception: Proprioception, z: np.ndarray, repeat_index: int, end: ForearmState
    ) -> np.ndarray:
        """Makes one step of the muscles. Returns which worlds went unstable, shape (worlds,)."""
        observation = self._tracking.observe(proprioception, end, self._history)
        excitation = self.policy.act(observation, z, repeat_index)
        sim_steps = self.latent_space.config.sim_steps
        controls = self.body.controls(excitation, self._forearm_state(), end, sim_steps)
        unstable = self.monitor.step(controls)
        self._forearm = np.array(end)
        self.frame = self.references.ahead(self.frame, 1)
        self._history = np.concatenate([excitation[None], self._history[:-1]])
        return unstable

    def _judge(
        self,
        proprioception: Proprioception,
        action: np.ndarray,
        effort: np.ndarray,
        struck: np.ndarray,
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Reward terms, and which hands have failed, shapes (num_envs,).

        Args:
            proprioception: after the step.
            action: of the step. Shape (num_envs, num_actions).
            effort: mean squared activation. Shape (num_envs,).
            struck: velocities of notes that began. Shape (worlds, 88).
        """
        frame = self.frame
        references = self.references
        distance = np.linalg.norm(proprioception.tips - references.tips[frame], axis=2)
        tip_error = distance.mean(axis=1)
        self._error_sum += tip_error
        pieces = self._pieces()
        time = self._time()
        held, points = self._goals.held_keys(pieces, time)
        target = self.target_keys()
        pressed = self.body.pressed()
        velocity = self._observer.target_velocity(pieces, time, self.config.num_worlds)
        hands = len(SIDES)
        terms = {
            "press": np.tile(reward.missing_keys(target, pressed), hands),
            "wrong": np.tile(reward.wrong(target, pressed), hands),
            "velocity": np.tile(reward.velocity(velocity, struck), hands),
            "reach": reward.reach(proprioception.tips, points, held),
            "plan": reward.plan(tip_error),
            "effort": -effort,
            "change": reward.change(action, self._previous),
            "style": np.zeros(self.num_envs)
            if self._style is None
            else self._style.term(frame, proprioception, held),
            "tip_error": tip_error,
            "arm_error": np.linalg.norm(self._forearm[0] - references.forearm[frame, :3], axis=1),
        }
        self._previous = action
        return terms, tip_error > self.config.tip_limit

    def _conclude(
        self, proprioception: Proprioception, terms: dict[str, np.ndarray], failed: np.ndarray
    ) -> StepResult:
        """Ends episodes, of both hands of a world together, and starts new ones.

        Args:
            proprioception: after the step.
            terms: of the reward, to which `failure` is added.
            failed: hands that have failed. Shape (num_envs,), bool.
        """
        worlds = self.config.num_worlds
        hands = len(SIDES)
        world_failed = failed.reshape(hands, worlds).any(axis=0)
        over = (self._age >= self._max_steps) | (self.frame >= self.references.last_of(self.frame))
        terminated = np.tile(world_failed, hands)
        truncated = np.tile(~world_failed & over[:worlds], hands)
        terms["failure"] = -terminated.astype(float)
        final_observation = observation = self._observe(proprioception)
        done = np.flatnonzero((terminated | truncated)[:worlds])
        if len(done):
            largest = self._error_sum.reshape(hands, worlds).max(axis=0)
            mean_error = largest / self._age[:worlds] / self.config.tip_limit
            error = np.where(world_failed, 1.0, np.minimum(mean_error, 1.0))
            self._starts.update(self._start_frame[done], error[done])
            self._start_episodes(done)
            rows = np.concatenate([done, done + worlds])
            observation = final_observation.copy()
            observation[rows] = self._observe(self.body.proprioception())[rows]
        return StepResult(
            observation=observation,
            reward=reward.weigh(terms, self.config.weights),
            terminated=terminated,
            truncated=truncated,
            final_observation=final_observation,
            terms=terms,
        )

    def _start_episodes(self, worlds: np.ndarray) -> None:
        """Draws starts of new episodes, and resets the worlds to them."""
        config = self.config
        one_hand = self._one_hand
        if config.fixed_starts:
            count = len(one_hand.first)
            pieces = (self._next_piece + np.arange(len(worlds))) % count
            self._next_piece = int((self._next_piece + len(worlds)) % count)
            frames = one_hand.first[pieces]
        else:
            frames = self._starts.draw(self._rng, len(worlds))
        self._start_frame[worlds] = frames
        rows = np.concatenate([worlds, worlds + config.num_worlds])
        frame = np.concatenate([frames, frames + one_hand.frames])
        self.frame[rows] = frame
        self._age[rows] = 0
        self._error_sum[rows] = 0.0
        start = self._draw_states(self.references, frame, self._limits, self._rng)
        acceleration = self.references.forearm_acceleration[frame, :3]
        self._forearm[:, rows] = start.place, start.forearm_speed, acceleration
        self._history[:, rows] = 0.0
        self._previous[rows] = NEUTRAL_ACTION
        self._sounding[worlds] = False
        forearm_state = ForearmState(start.place, start.forearm_speed, np.zeros_like(start.place))
        self.body.reset_to(worlds, start.angles, start.speeds, forearm_state)

    def _observe(self, proprioception: Proprioception) -> np.ndarray:
        """Observations of all hands."""
        forearm_state = self._forearm_state()
        tracking = self._tracking.observe(proprioception, forearm_state, self._history)
        return self._observer.observe(
            tracking, proprioception, forearm_state, self._pieces(), self._time()
        )

    def _encoder_observation(self) -> np.ndarray:
        """Observations of the encoder, with the plan for a reference."""
        return self.teacher.encoder_observation(
            self.frame,
            self.body.proprioception(),
            self.body.fingertip_jacobian(),
            self._forearm_state(),
            self._history,
        )

    def _forearm_state(self) -> ForearmState:
        """Current state of the forearms."""
        return ForearmState(*self._forearm)

    def _pieces(self) -> np.ndarray:
        """Number of each hand's notes in the goals: those of its piece and side."""
        return np.asarray(self.references.clip[self.frame])

    def _time(self) -> np.ndarray:
        """Time of each hand since its piece's first frame [s]."""
        return np.asarray((self.frame - self.references.first[self._pieces()]) * self._dt)
