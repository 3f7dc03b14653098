"""Perturbations and domain randomisation: other bodies, pushes, noise and sensory delay.

Motor noise is in proportion to the excitation (signal-dependent noise, Harris & Wolpert 1998,
Nature 394:780). Noise of constant size co-contracts an over-actuated hand, because excitations
cannot be negative: 5 % of it ruins computed muscle control, which 50 % of the other kind hardly
affects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclehand.core.errors import InvalidValue


@dataclass(frozen=True)
class DisturbanceConfig:
    """What is disturbed, and how much; by default nothing is."""

    strength: tuple[float, float] = (1.0, 1.0)
    """Least and largest factor on the peak force of each muscle, drawn for every muscle at the
    start of an episode."""

    mass: tuple[float, float] = (1.0, 1.0)
    """Least and largest factor on the mass of the whole hand, drawn at the start of an episode."""

    weak_muscles: int = 0
    """Number of muscles, drawn at the start of an episode, with `weak_strength` of their force."""

    weak_strength: float = 0.5
    """Factor on the peak force of the weak muscles."""

    push: float = 0.0
    """[N] Largest force on a fingertip; sizes are drawn uniformly from 0 to this."""

    push_rate: float = 1.0
    """[1/s] Mean rate of pushes."""

    push_time: float = 0.1
    """[s] Duration of a push."""

    motor_noise: float = 0.0
    """Standard deviation of the excitations, as a share of each excitation."""

    angle_noise: float = 0.0
    """[rad] Standard deviation of sensed joint angles."""

    length_noise: float = 0.0
    """Standard deviation of sensed fibre lengths, in optimal fibre lengths."""

    delay: tuple[float, float] = (0.0, 0.0)
    """[s] Shortest and longest sensory delay, drawn at the start of an episode."""

    delay_probability: float = 1.0
    """Probability that an episode has a sensory delay."""

    key_weight: tuple[float, float] = (1.0, 1.0)
    """Least and largest factor on inertia and spring of the keys, drawn at the start of an
    episode."""

    def __post_init__(self) -> None:
        for name in ("strength", "mass", "key_weight"):
            low, high = getattr(self, name)
            if not 0.05 <= low <= high <= 20.0:
                raise InvalidValue(
                    f"factors on {name}", (low, high), "from low to high within 0.05 to 20"
                )
        for name in (
            *("push", "push_rate", "motor_noise", "angle_noise", "length_noise"),
            "weak_muscles",
        ):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidValue(name, value, "0 or more")
        if not 0.0 <= self.delay[0] <= self.delay[1] <= 0.5:
            raise InvalidValue("delay", self.delay, "from short to long within 0 to 0.5 s")
        if not (
            0.0 < self.push_time <= 10.0
            and 0.0 <= self.weak_strength <= 1.0
            and 0.0 <= self.delay_probability <= 1.0
        ):
            values = (self.push_time, self.weak_strength, self.delay_probability)
            raise InvalidValue(
                "push_time, weak_strength, delay_probability",
                values,
                "above 0 to 10 s, and 0 to 1 each",
            )

    @property
    def changes_bodies(self) -> bool:
        """Whether bodies or keys differ from one episode to the next."""
        factors = (self.strength, self.mass, self.key_weight)
        return any(factor != (1.0, 1.0) for factor in factors) or self.weak_muscles > 0


def draw_strengths(
    config: DisturbanceConfig, rng: np.random.Generator, count: int, muscles: int
) -> np.ndarray:
    """Draws factors on the muscles' peak forces. Shape (count, muscles).

    Args:
        config: with the ranges.
        rng: random numbers.
        count: number of hands.
        muscles: number of muscles of a hand.
    """
    factors = rng.uniform(*config.strength, size=(count, muscles))
    for row in factors:
        row[rng.permutation(muscles)[: config.weak_muscles]] *= config.weak_strength
    return factors


class Pushes:
    """External forces on fingertips, which begin at random and last for a while."""

    force: np.ndarray
    """[N] Force of the latest push in each environment. Shape (n, 3)."""

    finger: np.ndarray
    """Finger that it acts on, 0 to 4. Shape (n,)."""

    left: np.ndarray
    """Steps for which it still acts, 0 for none. Shape (n,)."""

    def __init__(self, config: DisturbanceConfig, num_envs: int, dt: float) -> None:
        """
        Args:
            config: with size, rate and duration of pushes.
            num_envs: number of environments, n.
            dt: duration of a step [s].
        """
        self._config = config
        self._dt = dt
        self.force = np.zeros((num_envs, 3))
        self.finger = np.zeros(num_envs, dtype=int)
        self.left = np.zeros(num_envs, dtype=int)

    def advance(self, rng: np.random.Generator) -> None:
        """Advances by one step, in which pushes end and begin."""
        count = len(self.left)
        # The same number of draws in every step, so that the pushes of one environment do not
        # depend on those of another.
        begin = rng.random(count) < self._config.push_rate * self._dt
        finger = rng.integers(5, size=count)
        direction = rng.normal(size=(count, 3))
        size = rng.random(count)
        self.left = np.maximum(self.left - 1, 0)
        begin &= self.left == 0
        norm = np.maximum(np.linalg.norm(direction, axis=1), 1e-9)
        direction *= (self._config.push * size / norm)[:, None]
        steps = max(1, round(self._config.push_time / self._dt))
        self.finger = np.where(begin, finger, self.finger)
        self.force = np.where(begin[:, None], direction, self.force)
        self.left = np.where(begin, steps, self.left)

    def clear(self, envs: np.ndarray) -> None:
        """Ends the pushes in some environments. Shape (count,)."""
        self.left[envs] = 0

    def state(self) -> np.ndarray:
        """Force, finger and remaining steps of each environment. Shape (n, 5)."""
        return np.column_stack([self.force, self.finger, self.left])

    def restore(self, state: np.ndarray) -> None:
        """Restores what `state` returned. Shape (n, 5)."""
        state = np.array(state)
        self.force = state[:, :3]
        self.finger = state[:, 3].astype(int)
        self.left = state[:, 4].astype(int)
