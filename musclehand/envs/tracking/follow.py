"""One clip followed from its beginning to its end, with the hand's motion recorded."""

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
    """Motion of the hand and of its reference, T frames on the clip's own side."""

    clip: MotionClip
    """The clip that was followed."""

    dt: float
    """[s] Time between frames."""

    failed: bool
    """Whether the hand lost the motion; the arrays end there."""

    muscles: tuple[str, ...]
    """Names of the muscles, without the side."""

    angles: np.ndarray = field(repr=False)
    """[rad] Joint angles of the hand. Shape (T, 25)."""

    reference: np.ndarray = field(repr=False)
    """[rad] Joint angles of the reference. Shape (T, 25)."""

    forearm: np.ndarray = field(repr=False)
    """[m, rad] Coordinates of the forearm's base. Shape (T, 6)."""

    reference_forearm: np.ndarray = field(repr=False)
    """[m, rad] The same of the reference. Shape (T, 6)."""

    tips: np.ndarray = field(repr=False)
    """[m] Fingertips of the hand in the world. Shape (T, 5, 3)."""

    reference_tips: np.ndarray = field(repr=False)
    """[m] Fingertips of the reference in the world. Shape (T, 5, 3)."""

    activations: np.ndarray = field(repr=False)
    """Activations of the muscles. Shape (T, m)."""

    @property
    def time(self) -> np.ndarray:
        """Time since the clip's first frame [s]. Shape (T,)."""
        return np.arange(1, len(self.angles) + 1) * self.dt

    @property
    def tip_errors(self) -> np.ndarray:
        """Distance of each fingertip from its reference [m]. Shape (T, 5)."""
        return np.asarray(np.linalg.norm(self.tips - self.reference_tips, axis=2))

    def as_clip(self, name: str, source: dict[str, str]) -> MotionClip:
        """The hand's motion as a clip of its own.

        Args:
            name: of the clip.
            source: what the clip says of its origin.
        """
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
    """Follows a clip with the hand of its side.

    Args:
        clip: to follow, all of it.
        act: what acts.
        config: of the environment; side, number and episodes follow from the clip.
        seed: of disturbances.

    Raises:
        InvalidValue: the clip is too short, or the hand fails in the first step.
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
        proprioception = env.body.proprioception()
        rows.append(
            [
                np.array(part[0])
                for part in (
                    proprioception.angles,
                    proprioception.forearm,
                    proprioception.tips,
                    proprioception.activation,
                )
            ]
        )
    if not rows:
        raise InvalidValue("clip", clip.name, "one that can be followed for more than a step")
    angles, forearm, tips, activations = (np.array(part) for part in zip(*rows, strict=True))
    frames = np.arange(1, len(rows) + 1)
    forearm_mirror, point_mirror = mirrors(clip.side)
    return FollowedClip(
        clip=clip,
        dt=env.step_dt,
        failed=failed,
        muscles=env.body.muscles,
        angles=angles,
        reference=references.angles[frames],
        forearm=forearm * forearm_mirror,
        reference_forearm=references.forearm[frames] * forearm_mirror,
        tips=tips * point_mirror,
        reference_tips=references.tips[frames] * point_mirror,
        activations=activations,
    )
