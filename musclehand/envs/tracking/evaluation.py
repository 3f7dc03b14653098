"""How well clips are followed: by a policy, by the teacher, by anything that acts on observations.

Every clip is followed once from its beginning, all of them at the same time, for ten seconds at
most. What counts is the time until a hand fails; one that does is told apart from those that
survive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from musclehand.control.arrays import HandState
from musclehand.control.tracking import SETTLE
from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.motion.clip import MotionClip

LONGEST = 10.0
"""Of a clip so much is followed [s]."""

RAPID = 10.0
"""Where a joint is wanted to turn faster than that, the passage is rapid [rad/s]. Chosen: 570
degrees a second."""

Actor = Callable[[np.ndarray, TrackingEnv], np.ndarray]
"""From observations, (n, size), and the environment to excitations, (n, 46)."""


class ClipScore(NamedTuple):
    """How one clip was followed, by its name and kind.

    `seconds` followed of `asked` ones; `survived`; `joint_rmse` [rad]; fingertips' mean distance
    `tip_mean` and `tip_p95` [m], over fingers and time; mean `activation`; `change`, the mean
    change of excitation from one step to the next; `reward` a step. Passages apart: `rapid_tip` [m]
    over `rapid_seconds` in which a joint has to turn faster than `RAPID`, `loaded_tip` over
    `loaded_seconds` in which a finger presses on a key; 0 where there are none.
    """

    name: str
    kind: str
    seconds: float
    asked: float
    survived: bool
    joint_rmse: float
    tip_mean: float
    tip_p95: float
    activation: float
    change: float
    reward: float
    rapid_tip: float
    rapid_seconds: float
    loaded_tip: float
    loaded_seconds: float


def follow_teacher(observation: np.ndarray, env: TrackingEnv) -> np.ndarray:
    """What computed muscle control does; an `Actor`."""
    return env.teacher_action()


class DelayedTeacher:
    """Computed muscle control whose senses are some steps late; an `Actor`, for one evaluation."""

    def __init__(self, steps: int) -> None:
        """
        Raises:
            InvalidValue: fewer steps than none.
        """
        if steps < 0:
            raise InvalidValue("steps", steps, "0 or more")
        self._steps = steps
        self._states = list[HandState]()

    def __call__(self, observation: np.ndarray, env: TrackingEnv) -> np.ndarray:
        """What it does."""
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
        clips: of either hand, without those shorter than `envs.reference.FEWEST_FRAMES` steps, or
            their references.
        act: what is to be judged.
        config: of the environments; their number and how they start and end follow from the clips.
        seed: of disturbances.

    Raises:
        InvalidValue: there is no clip long enough.
    """
    config = config or TrackingConfig()
    alone = replace(config, num_envs=1, fixed_starts=True, episode=LONGEST)
    if not isinstance(clips, ReferenceSet):
        clips = list(clips)
    # Those that are left after clips are cut to the keys there are.
    count = len(TrackingEnv(clips, alone).references.names)
    env = TrackingEnv(clips, replace(alone, num_envs=count), seed=seed)
    references = env.references
    count = env.num_envs
    steps = round(LONGEST / env.step_dt)
    names = ("tip_error", "angle_error", "activation", "change", "reward", "rapid", "loaded")
    terms = {name: np.full((steps, count), np.nan) for name in names}
    running = np.ones(count, dtype=bool)
    failed = np.zeros(count, dtype=bool)
    lasted = np.zeros(count, dtype=int)
    observation = env.reset(seed=seed)
    last = None
    for step in range(steps):
        if not running.any():
            break
        action = np.clip(act(observation, env), 0.0, 1.0)
        result = env.step(action)
        observation = result.observation
        for name in ("tip_error", "angle_error", "activation"):
            terms[name][step, running] = result.terms[name][running]
        terms["reward"][step, running] = result.reward[running]
        wanted = references.ahead(references.first, step + 1)
        terms["rapid"][step] = np.abs(references.speeds[wanted]).max(axis=1) > RAPID
        terms["loaded"][step] = references.press[wanted].any(axis=1)
        terms["change"][step, running] = (
            0.0 if last is None else np.abs(action - last).mean(axis=1)[running]
        )
        last = action
        lasted[running] += 1
        failed |= running & result.terminated
        running &= ~(result.terminated | result.truncated)
    asked = np.minimum(references.last - references.first, steps) * env.step_dt
    skip = round(SETTLE / env.step_dt)
    scores = []
    for clip, (name, kind) in enumerate(zip(references.names, references.kinds, strict=True)):
        part = {
            key: rows[min(skip, lasted[clip] - 1) : lasted[clip], clip]
            for key, rows in terms.items()
        }
        scores.append(
            _score(name, kind, lasted[clip], asked[clip], not failed[clip], part, env.step_dt)
        )
    return scores


def _score(
    name: str,
    kind: str,
    lasted: int,
    asked: float,
    survived: bool,
    part: dict[str, np.ndarray],
    dt: float,
) -> ClipScore:
    passages: dict[str, float] = {}
    for passage in ("rapid", "loaded"):
        tips = part["tip_error"][part[passage] > 0]
        passages |= {
            f"{passage}_tip": float(tips.mean()) if len(tips) else 0.0,
            f"{passage}_seconds": len(tips) * dt,
        }
    return ClipScore(
        name=name,
        kind=kind,
        seconds=float(lasted * dt),
        asked=float(asked),
        survived=bool(survived),
        joint_rmse=float(np.sqrt(np.mean(np.square(part["angle_error"])))),
        tip_mean=float(np.mean(part["tip_error"])),
        tip_p95=float(np.percentile(part["tip_error"], 95)),
        activation=float(np.mean(part["activation"])),
        change=float(np.mean(part["change"])),
        reward=float(np.mean(part["reward"])),
        **passages,
    )


def table_by_kind(scores: Sequence[ClipScore]) -> list[tuple[str, ...]]:
    """Rows for people: kind, clips, survived [%], joints [deg], fingertips' mean and p95 [mm],
    activation, change.

    The last row is all of them; means count each clip by the time it was followed for.
    """
    rows: list[tuple[str, ...]] = []
    kinds = sorted({score.kind for score in scores})
    for kind in [*kinds, "all"]:
        some = [score for score in scores if kind in (score.kind, "all")]
        weight = np.array([score.seconds for score in some])
        weight = weight / weight.sum()
        square = float(weight @ np.square([score.joint_rmse for score in some]))
        means = {
            name: float(weight @ np.array([getattr(score, name) for score in some]))
            for name in ("tip_mean", "tip_p95", "activation", "change")
        }
        rows.append(
            (
                kind,
                str(len(some)),
                f"{100 * np.mean([score.survived for score in some]):.1f}",
                f"{np.degrees(np.sqrt(square)):.2f}",
                f"{1e3 * means['tip_mean']:.2f}",
                f"{1e3 * means['tip_p95']:.2f}",
                f"{means['activation']:.3f}",
                f"{means['change']:.3f}",
            )
        )
    return rows
