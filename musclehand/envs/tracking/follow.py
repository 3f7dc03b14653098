"""One clip followed from its beginning to its end, with everything that happened kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import mirrors
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import Actor
from musclehand.motion.clip import MotionClip


@dataclass(frozen=True, eq=False)
class FollowedClip:
    """What a hand did, and what it should have done, every `dt` [s]; on the clip's own side.

    `angles` [rad] and `reference` (T, 23), `forearm` and `reference_forearm` (T, 6) [m, rad],
    `tips` and `reference_tips` (T, 5, 3) [m], `activations` (T, m) of `muscles`. `failed`: whether
    the hand lost the motion, where the arrays then end.
    """

    clip: MotionClip
    dt: float
    failed: bool
    muscles: tuple[str, ...]
    angles: np.ndarray = field(repr=False)
    reference: np.ndarray = field(repr=False)
    forearm: np.ndarray = field(repr=False)
    reference_forearm: np.ndarray = field(repr=False)
    tips: np.ndarray = field(repr=False)
    reference_tips: np.ndarray = field(repr=False)
    activations: np.ndarray = field(repr=False)

    @property
    def time(self) -> np.ndarray:
        """From the clip's first frame on [s]. Shape (T,)."""
        return np.arange(1, len(self.angles) + 1) * self.dt

    @property
    def tip_errors(self) -> np.ndarray:
        """Distance of each fingertip from its place [m]. Shape (T, 5)."""
        return np.asarray(np.linalg.norm(self.tips - self.reference_tips, axis=2))

    def as_clip(self, name: str, source: dict[str, str]) -> MotionClip:
        """What the hand did as a clip of its own."""
        return MotionClip(
            name=name,
            kind=self.clip.kind,
            pattern=self.clip.pattern,
            side=self.clip.side,
            dt=self.dt,
            qpos=self.angles,
            qvel=np.gradient(self.angles, self.dt, axis=0),
            forearm=self.forearm,
            fingertips=self.tips,
            notes=self.clip.notes,
            activations=self.activations,
            muscles=self.muscles,
            source=source,
        )


def follow(
    clip: MotionClip, act: Actor, config: TrackingConfig | None = None, *, seed: int = 0
) -> FollowedClip:
    """Has the hand of the clip's side follow it.

    Args:
        clip: to follow, all of it.
        act: from observations to excitations.
        config: of the environment; side, number and episodes follow from the clip.
        seed: of disturbances.

    Raises:
        InvalidValue: the clip is too short, or lost in its first step.
    """
    config = replace(
        config or TrackingConfig(),
        num_envs=1,
        side=clip.side,
        fixed_starts=True,
        episode=clip.duration + 1.0,
    )
    env = TrackingEnv([clip], config, seed=seed)
    references = env.references
    observation = env.reset(seed=seed)
    failed = False
    rows: list[Sequence[np.ndarray]] = []
    for _ in range(int(references.last[0])):
        result = env.step(act(observation, env))
        observation = result.observation
        failed = bool(result.terminated[0])
        if failed or result.truncated[0]:
            break
        senses = env.body.senses()
        rows.append(
            [
                np.array(part[0])
                for part in (senses.angles, senses.forearm, senses.tips, senses.activation)
            ]
        )
    if not rows:
        raise InvalidValue("clip", clip.name, "one that can be followed for more than a step")
    angles, forearm, tips, activations = (np.array(part) for part in zip(*rows, strict=True))
    frames = np.arange(1, len(rows) + 1)
    turn, point = mirrors(clip.side)
    return FollowedClip(
        clip=clip,
        dt=env.step_dt,
        failed=failed,
        muscles=env.body.muscles,
        angles=angles,
        reference=references.angles[frames],
        forearm=forearm * turn,
        reference_forearm=references.forearm[frames] * turn,
        tips=tips * point,
        reference_tips=references.tips[frames] * point,
        activations=activations,
    )
