"""What goes wrong on purpose: other bodies than the one that was learnt on, pushes, noise and late
senses.

Motor noise is in proportion to the signal (Harris & Wolpert 1998, Nature 394:780). Noise that is
added whatever the signal stiffens an over-actuated hand, as excitations cannot be negative: 5 % of
it ruins computed muscle control that 50 % of the other kind hardly troubles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclehand.core.errors import InvalidValue


@dataclass(frozen=True)
class DisturbanceConfig:
    """All off by default.

    `strength`: lowest and highest factor on the peak force of each muscle, drawn for each by itself
    at the start of an episode; `mass`: the same of the whole hand's mass. `weak_muscles`: how many
    muscles at once have only `weak_strength` of their force. `push` [N]: largest force on a
    fingertip, `push_rate` [1/s] of them, each lasting `push_time` [s]. `motor_noise`: standard
    deviation, as a share of the excitation. `angle_noise` [rad], `length_noise` (fibre lengths):
    standard deviations of what is sensed. `delay` [s]: shortest and longest of all that is sensed,
    drawn for an episode, in `late_share` of episodes; in the others there is none. `key_weight`:
    factor on inertia and spring of the keys, likewise.
    """

    strength: tuple[float, float] = (1.0, 1.0)
    mass: tuple[float, float] = (1.0, 1.0)
    weak_muscles: int = 0
    weak_strength: float = 0.5
    push: float = 0.0
    push_rate: float = 1.0
    push_time: float = 0.1
    motor_noise: float = 0.0
    angle_noise: float = 0.0
    length_noise: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    late_share: float = 1.0
    key_weight: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for thing, (low, high) in (
            ("strength", self.strength),
            ("mass", self.mass),
            ("keys", self.key_weight),
        ):
            if not 0.05 <= low <= high <= 20.0:
                raise InvalidValue(
                    f"factors on {thing}", (low, high), "from low to high within 0.05 to 20"
                )
        for thing in (
            "push",
            "push_rate",
            "motor_noise",
            "angle_noise",
            "length_noise",
            "weak_muscles",
        ):
            value = getattr(self, thing)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidValue(thing, value, "0 or more")
        if not 0.0 <= self.delay[0] <= self.delay[1] <= 0.5:
            raise InvalidValue("delay", self.delay, "from short to long within 0 to 0.5 s")
        if not (
            0.0 < self.push_time <= 10.0
            and 0.0 <= self.weak_strength <= 1.0
            and 0.0 <= self.late_share <= 1.0
        ):
            values = (self.push_time, self.weak_strength, self.late_share)
            raise InvalidValue(
                "push_time, weak_strength, late_share", values, "above 0 to 10 s, and 0 to 1 each"
            )

    @property
    def changes_bodies(self) -> bool:
        """Whether bodies or keys differ from one episode to the next."""
        return (
            any(part != (1.0, 1.0) for part in (self.strength, self.mass, self.key_weight))
            or self.weak_muscles > 0
        )


def draw_strengths(
    config: DisturbanceConfig, rng: np.random.Generator, count: int, muscles: int
) -> np.ndarray:
    """Factors on the peak forces of `count` bodies. Shape (count, muscles)."""
    factors = rng.uniform(*config.strength, size=(count, muscles))
    for row in factors:
        row[rng.permutation(muscles)[: config.weak_muscles]] *= config.weak_strength
    return factors


class Pushes:
    """Forces on fingertips that come and go. `force` [N] (n, 3) on `finger` (n,) for `left` (n,)
    more steps."""

    def __init__(self, config: DisturbanceConfig, num_envs: int, dt: float) -> None:
        """`dt`: of a step [s]."""
        self._config = config
        self._dt = dt
        self.force = np.zeros((num_envs, 3))
        self.finger = np.zeros(num_envs, dtype=int)
        self.left = np.zeros(num_envs, dtype=int)

    def advance(self, rng: np.random.Generator) -> None:
        """One step later: some end, some begin."""
        count = len(self.left)
        # As many numbers are drawn whatever happens, so that one environment's luck does not depend
        # on another's.
        begin = rng.random(count) < self._config.push_rate * self._dt
        finger = rng.integers(5, size=count)
        direction = rng.normal(size=(count, 3))
        size = rng.random(count)
        self.left = np.maximum(self.left - 1, 0)
        begin &= self.left == 0
        direction *= (
            self._config.push * size / np.maximum(np.linalg.norm(direction, axis=1), 1e-9)
        )[:, None]
        self.finger = np.where(begin, finger, self.finger)
        self.force = np.where(begin[:, None], direction, self.force)
        self.left = np.where(begin, max(1, round(self._config.push_time / self._dt)), self.left)

    def clear(self, envs: np.ndarray) -> None:
        """Ends the pushes of some environments."""
        self.left[envs] = 0
