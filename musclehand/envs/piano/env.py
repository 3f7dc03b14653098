"""Playing the piano with two hands by intentions: notes in, a latent action for each hand at a low
rate out.

A decoder (`learning.vae`) turns intentions into excitations of all muscles, step by step, while one
is held. Rows are hands, left ones first, all told as right ones. What a planner does, each number
from 0 to 1: the intention, and where the forearm should be when the intention ends, and how fast.

    env = PianoEnv(pieces, load_latent_skill(path))
    result = env.step(env.teacher_action())

The teacher is the model-based player: its plan, as the encoder of the latent space understands it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import DemonstrationEnv, StepResult, pack_generator, unpack_generator
from musclehand.envs.piano import reward
from musclehand.envs.piano.body import ForearmPath, PianoBody
from musclehand.envs.piano.forearm import MOVE_SIZE, move_of, moved
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.observation import PianoObserver, TrackingObserver, felt
from musclehand.envs.piano.pieces import LatentSpaceLike, PlannedPieces
from musclehand.envs.piano.reward import PianoWeights
from musclehand.envs.piano.teacher import PlanTeacher
from musclehand.envs.reference import join
from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.starts import StartSampler
from musclehand.music.pitch import NUM_KEYS
from musclehand.sim.backend_choice import BackendName
from musclehand.sim.health import HealthMonitor


@dataclass(frozen=True)
class PianoConfig:
    """What an environment is.

    `num_worlds` with two hands each, simulated by `backend` (`sim.backend_choice`) on `num_threads`
    threads. `episode` [s] at most; it fails when fingertips of a hand are further from the plan
    than `tip_limit` [m] on average. `off_plan` [m]: forearms start that far from where the plan has
    them, at most, in half of the episodes. `fixed_starts`: episodes begin with a piece, piece after
    piece.
    """

    num_worlds: int = 32
    num_threads: int = 1
    backend: BackendName = "cpu"
    episode: float = 4.0
    tip_limit: float = 0.08
    off_plan: float = 0.01
    fixed_starts: bool = False
    weights: PianoWeights = field(default_factory=PianoWeights)

    def __post_init__(self) -> None:
        if not (self.episode > 0 and self.tip_limit > 0 and 0 <= self.off_plan <= 0.1):
            values = (self.episode, self.tip_limit, self.off_plan)
            raise InvalidValue(
                "episode, tip_limit, off_plan", values, "above 0, above 0, and 0 to 0.1"
            )


class PianoEnv(DemonstrationEnv):
    """Pairs of hands that play pieces. `table` of the observation, `references` of all hands;
    `frame` (n,) of the plan that each hand is at, `monitor` of the worlds, `teacher` who knows
    the plan."""

    def __init__(
        self,
        pieces: PlannedPieces,
        skill: LatentSpaceLike,
        config: PianoConfig | None = None,
        *,
        seed: int = 0,
        goals: GoalsMaker = Goals,
        bad_states: Path | None = None,
    ) -> None:
        """`pieces`: to play; `skill`: what turns intentions into excitations; `goals`: how a
        planner is told of notes; `bad_states`: a folder for what blew up.

        Raises:
            InvalidValue: pieces were planned for another rate than the skill is for.
        """
        self.config = config = config or PianoConfig()
        self.body = PianoBody(
            config.num_worlds, num_threads=config.num_threads, backend=config.backend
        )
        self.monitor = HealthMonitor(self.body.backend, folder=bad_states)
        self.skill = skill
        self.policy = skill.policy
        self._reach = skill.policy.reach
        self._dt = skill.config.sim_steps * self.body.model.opt.timestep
        self.step_dt = self.policy.hold * self._dt
        if abs(pieces.hands[0].dt - self._dt) > 1e-9:
            raise InvalidValue(
                "time between frames", pieces.hands[0].dt, f"{self._dt}, a step of the muscles"
            )
        self.references = join(pieces.hands)
        self._one_hand = pieces.hands[0]
        self._goals = goals([one for side in pieces.notes for one in side])
        self._own = TrackingObserver(skill, self.body.hand, self.body.rows, self.body.muscles)
        self._view = PianoObserver(self._own.table, self._goals)
        self._shown_numbers = ~felt(self._own.table)
        self.table = self._view.table
        self.num_envs = self.body.rows
        self.num_observations = self.table.size
        self.num_actions = self.policy.latent + MOVE_SIZE
        self._most_steps = max(1, round(config.episode / self.step_dt))
        self._limits = self.body.hand.limits(self.body.model)
        self.teacher = PlanTeacher(self.references, skill, self._own, self.body.hand, self._limits)
        self._starts = StartSampler(self._one_hand)
        self._rng = np.random.default_rng(seed)
        self.frame, self._age = np.zeros((2, self.num_envs), dtype=int)
        self._begin = self.frame[: config.num_worlds].copy()
        self._error = np.zeros(self.num_envs)
        self._arm = np.zeros((3, self.num_envs, 3))
        self._past = np.zeros((max(skill.config.past, 1), self.num_envs, self.body.muscles))
        self._last = np.full((self.num_envs, self.num_actions), 0.5)
        self._sounding = np.zeros((config.num_worlds, NUM_KEYS), dtype=bool)
        self._next_piece = 0
        self.reset()

    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """As `VecEnv`."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._next_piece = 0
        self._start(np.arange(self.config.num_worlds))
        return self._see(self.body.senses())

    def step(self, action: np.ndarray) -> StepResult:
        """As `VecEnv`: an intention and a move of the forearm for each hand. `terms` also has
        `tip_error` [m], from where the plan has fingertips, and `arm_error` [m], from where it
        has the wrist."""
        if np.shape(action) != (self.num_envs, self.num_actions):
            raise InvalidValue(
                "shape of action", np.shape(action), f"{(self.num_envs, self.num_actions)}"
            )
        harmful = ~np.isfinite(action).all(axis=1)
        action = np.clip(np.where(harmful[:, None], 0.5, action), 0.0, 1.0)
        z = self.intention_of(action[:, : self.policy.latent])
        move = move_of(action[:, self.policy.latent :], self._path(), self.step_dt)
        sick = np.zeros(self.config.num_worlds, dtype=bool)
        effort = np.zeros(self.num_envs)
        senses = self.body.senses()
        keys = self.body.keys(self._sounding)
        struck = np.zeros(keys.sound.shape, dtype=int)
        for part in range(1, self.policy.hold + 1):
            sick |= self._muscle_step(senses, z, part - 1, moved(move, part * self._dt))
            senses = self.body.senses()
            before = keys
            keys = self.body.keys(keys.sound)
            struck = np.maximum(struck, self.body.struck(before, keys))
            effort += np.square(senses.activation).mean(axis=1) / self.policy.hold
        self._sounding = keys.sound
        self._age += 1
        terms, lost = self._judge(senses, action, effort, struck)
        return self._conclude(senses, terms, lost | harmful | np.tile(sick, 2))

    def teacher_action(self) -> np.ndarray:
        """As `TeacherEnv`: what the encoder intends that is shown the plan, and where the plan
        has the forearms."""
        return self.teacher.action(self.frame, self._path(), self._plan_view())

    def teacher_label(self) -> np.ndarray:
        """As `DemonstrationEnv`: with the action, of what the encoder sees who is shown the
        plan, what is not felt."""
        seen = self._plan_view()
        return np.hstack(
            [self.teacher.action(self.frame, self._path(), seen), seen[:, self._shown_numbers]]
        )

    def intention_of(self, action: np.ndarray) -> np.ndarray:
        """Intentions told as numbers from 0 to 1."""
        return np.asarray(2.0 * self._reach * (action - 0.5))

    def wanted_keys(self) -> np.ndarray:
        """Which keys should be down now, in each world. Shape (worlds, 88), bool."""
        return self._view.wanted_keys(self._hands(), self._time(), self.config.num_worlds)

    def state(self) -> dict[str, np.ndarray]:
        """As `VecEnv`."""
        return {
            "backend": self.body.backend.state(),
            "rng": pack_generator(self._rng),
            "badness": self._starts.badness.copy(),
            "arm": self._arm.copy(),
            "past": self._past.copy(),
            "last": self._last.copy(),
            "sounding": self._sounding.copy(),
            "error": self._error.copy(),
            "places": np.column_stack([self.frame, self._age]),
            "begin": self._begin.copy(),
            "next_piece": np.array([self._next_piece]),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """As `VecEnv`."""
        shapes = {name: values.shape for name, values in self.state().items()}
        given = {name: np.shape(values) for name, values in state.items()}
        if given != shapes:
            raise InvalidValue("shapes of the state", given, f"{shapes}")
        self.body.backend.restore(np.asarray(state["backend"]))
        self._rng = unpack_generator(state["rng"])
        self._starts.badness = np.array(state["badness"])
        self._arm, self._past, self._last = (
            np.array(state[name]) for name in ("arm", "past", "last")
        )
        self._sounding = np.array(state["sounding"]).astype(bool)
        self._error = np.array(state["error"])
        self._begin = np.array(state["begin"]).astype(int)
        self.frame, self._age = np.array(state["places"]).astype(int).T.copy()
        self._next_piece = int(state["next_piece"][0])
        return self._see(self.body.senses())

    def _muscle_step(
        self, senses: Proprioception, z: np.ndarray, held: int, there: ForearmPath
    ) -> np.ndarray:
        """One step of the muscles; which worlds went wrong. Shape (worlds,)."""
        here = self._path()
        excitation = self.policy.act(self._own.observe(senses, there, self._past), z, held)
        sick = self.monitor.step(
            self.body.controls(excitation, here, there, self.skill.config.sim_steps)
        )
        self._arm = np.array(there)
        self.frame = self.references.ahead(self.frame, 1)
        self._past = np.concatenate([excitation[None], self._past[:-1]])
        return sick

    def _judge(
        self, senses: Proprioception, action: np.ndarray, effort: np.ndarray, struck: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Reward terms, and which hands are lost. `struck`: velocities of keys, shape (worlds,
        88)."""
        frame = self.frame
        references = self.references
        tip_error = np.linalg.norm(senses.tips - references.tips[frame], axis=2).mean(axis=1)
        self._error += tip_error
        held, points = self._goals.wanted(self._hands(), self._time())
        wanted = self.wanted_keys()
        pressed = self.body.pressed()
        loud = self._view.wanted_velocity(self._hands(), self._time(), self.config.num_worlds)
        terms = {
            "press": np.tile(reward.press(wanted, pressed), 2),
            "wrong": np.tile(reward.wrong(wanted, pressed), 2),
            "velocity": np.tile(reward.velocity(loud, struck), 2),
            "reach": reward.reach(senses.tips, points, held),
            "plan": reward.plan(tip_error),
            "effort": -effort,
            "change": reward.change(action, self._last),
            "tip_error": tip_error,
            "arm_error": np.linalg.norm(self._arm[0] - references.forearm[frame, :3], axis=1),
        }
        self._last = action
        return terms, tip_error > self.config.tip_limit

    def _conclude(
        self, senses: Proprioception, terms: dict[str, np.ndarray], lost: np.ndarray
    ) -> StepResult:
        """Ends episodes and begins new ones; both hands of a world together."""
        worlds = self.config.num_worlds
        failed = lost.reshape(2, worlds).any(axis=0)
        over = (self._age >= self._most_steps) | (self.frame >= self.references.last_of(self.frame))
        terminated = np.tile(failed, 2)
        truncated = np.tile(~failed & over[:worlds], 2)
        terms["failure"] = -terminated.astype(float)
        final = observation = self._see(senses)
        done = np.flatnonzero((terminated | truncated)[:worlds])
        if len(done):
            error = (
                self._error.reshape(2, worlds).max(axis=0)
                / self._age[:worlds]
                / self.config.tip_limit
            )
            self._starts.tell(
                self._begin[done], np.where(failed, 1.0, np.minimum(error, 1.0))[done]
            )
            self._start(done)
            rows = np.concatenate([done, done + worlds])
            observation = final.copy()
            observation[rows] = self._see(self.body.senses())[rows]
        return StepResult(
            observation,
            reward.weigh(terms, self.config.weights),
            terminated,
            truncated,
            final,
            terms,
        )

    def _start(self, worlds: np.ndarray) -> None:
        """New episodes."""
        config = self.config
        one = self._one_hand
        if config.fixed_starts:
            pieces = (self._next_piece + np.arange(len(worlds))) % len(one.first)
            self._next_piece = int((self._next_piece + len(worlds)) % len(one.first))
            frames = one.first[pieces]
        else:
            frames = self._starts.draw(self._rng, len(worlds))
        self._begin[worlds] = frames
        rows = np.concatenate([worlds, worlds + config.num_worlds])
        frame = np.concatenate([frames, frames + one.frames])
        references = self.references
        self.frame[rows], self._age[rows], self._error[rows] = frame, 0, 0.0
        angles, speeds, place, speed = self._placed(frame)
        self._arm[:, rows] = place, speed, references.forearm_acceleration[frame, :3]
        self._past[:, rows], self._last[rows], self._sounding[worlds] = 0.0, 0.5, False
        path = ForearmPath(place, speed, np.zeros_like(place))
        self.body.place(worlds, angles, speeds, path)

    def _placed(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Where hands begin that begin with these frames: angles and speeds of joints, place and
        speed of forearms."""
        references = self.references
        off = self._rng.uniform(-1.0, 1.0, size=(len(frame), 3)) * self.config.off_plan
        off[self._rng.random(len(frame)) < 0.5] = 0.0
        place = references.forearm[frame, :3] + off
        return (
            references.angles[frame],
            references.speeds[frame],
            place,
            references.forearm_speed[frame, :3],
        )

    def _see(self, senses: Proprioception) -> np.ndarray:
        """Observations of all hands."""
        own = self._own.observe(senses, self._path(), self._past)
        return self._view.observe(own, senses, self._path(), self._hands(), self._time())

    def _plan_view(self) -> np.ndarray:
        """What the encoder sees who is shown the plan. Shape (n, its observation)."""
        return self.teacher.view(
            self.frame, self.body.senses(), self.body.tip_slopes(), self._path(), self._past
        )

    def _path(self) -> ForearmPath:
        return ForearmPath(*self._arm)

    def _hands(self) -> np.ndarray:
        """Which notes each row plays: those of its piece and side."""
        return np.asarray(self.references.clip[self.frame])

    def _time(self) -> np.ndarray:
        """Since the piece's first frame [s]."""
        return np.asarray((self.frame - self.references.first[self._hands()]) * self._dt)
