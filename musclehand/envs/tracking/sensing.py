"""Sensory delay and sensor noise, between the simulated hand and the policy."""

from __future__ import annotations

import numpy as np

from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.disturbance import DisturbanceConfig


class Sensing:
    """Delayed and noisy proprioception of n hands, from a buffer of the last steps."""

    buffer: np.ndarray
    """Proprioception of the last steps, flattened, the oldest first; empty without delay and
    noise. Shape (steps, n, size)."""

    delay: np.ndarray
    """[steps] Current delay of each hand. Shape (n,)."""

    def __init__(self, config: DisturbanceConfig, num_envs: int, dt: float) -> None:
        """
        Args:
            config: with delay and noise.
            num_envs: number of hands, n.
            dt: duration of a step [s]; delays are rounded to whole steps.
        """
        self._config = config
        self._min_delay, self._max_delay = (round(delay / dt) for delay in config.delay)
        self.delay = np.full(num_envs, self._max_delay)
        self._noisy = config.angle_noise > 0 or config.length_noise > 0
        self.buffer = np.zeros((0, num_envs, 0))

    @property
    def exact(self) -> bool:
        """Whether there is neither delay nor noise."""
        return self._max_delay == 0 and not self._noisy

    def advance(self, proprioception: Proprioception, rng: np.random.Generator) -> None:
        """Adds the proprioception after a step to the buffer.

        Args:
            proprioception: exact one.
            rng: random numbers of the noise.
        """
        if self.exact:
            return
        self.buffer = np.concatenate([self.buffer[1:], self._flatten(proprioception, rng)[None]])

    def begin(
        self, proprioception: Proprioception, envs: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Begins episodes: draws delays, and fills the buffer with the current proprioception.

        Args:
            proprioception: exact one of all hands.
            envs: hands whose episode begins. Shape (count,).
            rng: random numbers of delays and noise.
        """
        if self.exact:
            return
        if self._min_delay < self._max_delay or self._config.delay_probability < 1.0:
            delayed = rng.random(len(envs)) < self._config.delay_probability
            steps = rng.integers(self._min_delay, self._max_delay + 1, size=len(envs))
            self.delay[envs] = delayed * steps
        flat = self._flatten(proprioception, rng)
        if not self.buffer.size:
            self.buffer = np.repeat(flat[None], self._max_delay + 1, axis=0)
        self.buffer[:, envs] = flat[envs]

    def sense(self, proprioception: Proprioception) -> Proprioception:
        """Proprioception as the policy gets it.

        Args:
            proprioception: exact one, whose shapes the result has.
        """
        if self.exact:
            return proprioception
        ends = np.cumsum([part[0].size for part in proprioception])[:-1]
        rows = len(self.buffer) - 1 - self.delay
        delayed = self.buffer[rows, np.arange(len(self.delay))]
        parts = np.split(delayed, ends, axis=1)
        return Proprioception(
            *(
                part.reshape(exact_part.shape)
                for part, exact_part in zip(parts, proprioception, strict=True)
            )
        )

    def _flatten(self, proprioception: Proprioception, rng: np.random.Generator) -> np.ndarray:
        """Proprioception with noise, in one row for each hand. Shape (n, size)."""
        config = self._config
        if self._noisy:
            angles = proprioception.angles
            length = proprioception.length
            proprioception = proprioception._replace(
                angles=angles + config.angle_noise * rng.normal(size=angles.shape),
                length=length + config.length_noise * rng.normal(size=length.shape),
            )
        return np.concatenate([part.reshape(len(part), -1) for part in proprioception], axis=1)
