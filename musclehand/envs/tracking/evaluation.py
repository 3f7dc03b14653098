"""Tracking errors on a set of clips: of a policy, of the teacher, or of any other actor.

Every clip is followed once from its beginning, all of them at the same time, for ten seconds at
most. Errors count up to the moment of failure, if a hand fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from musclehand.control.arrays import HandState
from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.motion.clip import MotionClip

LONGEST = 10.0
"""[s] Duration for which a clip is followed, at most."""

SETTLE = 0.25
"""[s] Time at the start that does not count, unless the hand fails within it: muscles that begin at
rest let the hand drop."""

RAPID = 10.0
"""[rad/s] Velocity of any joint of the reference above which a passage is rapid. Chosen: 570
degrees a second."""

Actor = Callable[[np.ndarray, TrackingEnv], np.ndarray]
"""From observations, (n, num_observations), and the environment to excitations, (n, 46)."""


class ClipScore(NamedTuple):
    """Errors of one clip."""

    name: str
    """Name of the clip."""

    kind: str
    """Kind of the clip, such as "scales"."""

    seconds: float
    """[s] Duration for which it was followed."""

    asked: float
    """[s] Duration for which it should have been followed."""

    survived: bool
    """Whether the hand did not fail."""

    joint_rmse: float
    """[rad] Root mean square error over joints and time."""

    tip_mean: float
    """[m] Mean distance of fingertips from the reference, over fingers and time."""

    tip_p95: float
    """[m] 95th percentile over time of the fingers' mean distance."""

    activation: float
    """Mean activation."""

    change: float
    """Mean absolute change of excitation from one step to the next."""

    reward: float
    """Mean reward of a step."""

    rapid_tip: float
    """[m] Mean distance of fingertips in rapid passages, 0 if there are none."""

    rapid_seconds: float
    """[s] Duration of the passages in which a joint of the reference is faster than `RAPID`."""

    loaded_tip: float
    """[m] Mean distance of fingertips while a finger presses on a key, 0 if none does."""

    loaded_seconds: float
    """[s] Duration for which a finger presses on a key."""


def follow_teacher(observation: np.ndarray, env: TrackingEnv) -> np.ndarray:
    """Computed muscle control as an `Actor`.

    Args:
        observation: not used.
        env: with the true state, which the teacher gets.
    """
    return env.teacher_action()


class DelayedTeacher:
    """Computed muscle control with sensory delay, as an `Actor` for one evaluation."""

    def __init__(self, steps: int) -> None:
        """
        Args:
            steps: sensory delay [steps].

        Raises:
            InvalidValue: a negative delay.
        """
        if steps < 0:
            raise InvalidValue("steps", steps, "0 or more")
        self._steps = steps
        self._states = list[HandState]()

    def __call__(self, observation: np.ndarray, env: TrackingEnv) -> np.ndarray:
        """Excitations. Shape (n, 46).

        Args:
            observation: not used.
            env: whose states the teacher gets, with the delay.
        """
        self._states = [*self._states, env.teacher.states()][-self._steps - 1 :]
        return env.teacher_action_at(self._states[0])


def evaluate(
    clips: Iterable[MotionClip] | ReferenceSet,
    act: Actor,
    config: TrackingConfig | None = None,
    *,
    seed: int = 0,
) -> list[ClipScore]:
    """Follows every clip once.

    Args:
        clips: of either hand, or their references; clips shorter than
            `envs.reference.FEWEST_FRAMES` are left out.
        act: what acts.
        config: of the environment; number of environments, starts and ends of episodes follow from
            the clips.
        seed: of disturbances.

    Returns:
        A score for each clip, or for each part that fits the cropped keyboard.

    Raises:
        InvalidValue: there is no clip long enough.
    """
    config = config or TrackingConfig()
    single = replace(config, num_envs=1, fixed_starts=True, episode=LONGEST)
    if not isinstance(clips, ReferenceSet):
        clips = list(clips)
    # Clips are cut to the cropped keyboard, so only an environment knows how many there are.
    count = len(TrackingEnv(clips, single).references.names)
    env = TrackingEnv(clips, replace(single, num_envs=count), seed=seed)
    references = env.references
    terms, lasted, failed = _roll_out(env, act, seed)
    max_steps = round(LONGEST / env.step_dt)
    full_seconds = np.minimum(references.last - references.first, max_steps) * env.step_dt
    skip = round(SETTLE / env.step_dt)
    scores = []
    for clip, (name, kind) in enumerate(zip(references.names, references.kinds, strict=True)):
        begin = min(skip, lasted[clip] - 1)
        scores.append(
            _score(
                {key: rows[begin : lasted[clip], clip] for key, rows in terms.items()},
                env.step_dt,
                name=name,
                kind=kind,
                seconds=float(lasted[clip] * env.step_dt),
                full_seconds=float(full_seconds[clip]),
                survived=bool(not failed[clip]),
            )
        )
    return scores


def _roll_out(
    env: TrackingEnv, act: Actor, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """One episode in each environment. Returns terms of each step, shapes (steps, num_envs), the
    number of steps of each episode, and whether it failed, shapes (num_envs,)."""
    references = env.references
    max_steps = round(LONGEST / env.step_dt)
    names = ("tip_error", "angle_error", "activation", "change", "reward", "rapid", "loaded")
    terms = {name: np.full((max_steps, env.num_envs), np.nan) for name in names}
    running = np.ones(env.num_envs, dtype=bool)
    failed = np.zeros(env.num_envs, dtype=bool)
    lasted = np.zeros(env.num_envs, dtype=int)
    observation = env.reset(seed=seed)
    previous = None
    for step in range(max_steps):
        if not running.any():
            break
        action = np.clip(act(observation, env), 0.0, 1.0)
        result = env.step(action)
        observation = result.observation
        for name in ("tip_error", "angle_error", "activation"):
            terms[name][step, running] = result.terms[name][running]
        terms["reward"][step, running] = result.reward[running]
        goal = references.ahead(references.first, step + 1)
        terms["rapid"][step] = np.abs(references.speeds[goal]).max(axis=1) > RAPID
        terms["loaded"][step] = references.key_force[goal].any(axis=1)
        terms["change"][step, running] = (
            0.0 if previous is None else np.abs(action - previous).mean(axis=1)[running]
        )
        previous = action
        lasted[running] += 1
        failed |= running & result.terminated
        running &= ~(result.terminated | result.truncated)
    return terms, lasted, failed


def _score(
    terms: dict[str, np.ndarray],
    dt: float,
    *,
    name: str,
    kind: str,
    seconds: float,
    full_seconds: float,
    survived: bool,
) -> ClipScore:
    """Score of a clip, by the terms of its steps, shapes (steps,)."""
    passages: dict[str, float] = {}
    for passage in ("rapid", "loaded"):
        tips = terms["tip_error"][terms[passage] > 0]
        passages |= {
            f"{passage}_tip": float(tips.mean()) if len(tips) else 0.0,
            f"{passage}_seconds": len(tips) * dt,
        }
    return ClipScore(
        name=name,
        kind=kind,
        seconds=seconds,
        asked=full_seconds,
        survived=survived,
        joint_rmse=float(np.sqrt(np.mean(np.square(terms["angle_error"])))),
        tip_mean=float(np.mean(terms["tip_error"])),
        tip_p95=float(np.percentile(terms["tip_error"], 95)),
        activation=float(np.mean(terms["activation"])),
        change=float(np.mean(terms["change"])),
        reward=float(np.mean(terms["reward"])),
        **passages,
    )


def table_by_kind(scores: Sequence[ClipScore]) -> list[tuple[str, ...]]:
    """Rows of a table: kind, clips, survived [%], joints [deg], fingertips' mean and 95th
    percentile [mm], activation, change.

    The last row is that of all clips. Means are weighted by the duration of each clip.
    """
    rows: list[tuple[str, ...]] = []
    kinds = sorted({score.kind for score in scores})
    for kind in [*kinds, "all"]:
        chosen = [score for score in scores if kind in (score.kind, "all")]
        weight = np.array([score.seconds for score in chosen])
        weight = weight / weight.sum()
        mean_square = float(weight @ np.square([score.joint_rmse for score in chosen]))
        means = {
            name: float(weight @ np.array([getattr(score, name) for score in chosen]))
            for name in ("tip_mean", "tip_p95", "activation", "change")
        }
        rows.append(
            (
                kind,
                str(len(chosen)),
                f"{100 * np.mean([score.survived for score in chosen]):.1f}",
                f"{np.degrees(np.sqrt(mean_square)):.2f}",
                f"{1e3 * means['tip_mean']:.2f}",
                f"{1e3 * means['tip_p95']:.2f}",
                f"{means['activation']:.3f}",
                f"{means['change']:.3f}",
            )
        )
    return rows
