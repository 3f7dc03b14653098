"""Between the body and the policy: senses that come late and are not exact."""

from __future__ import annotations

import numpy as np

from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.disturbance import DisturbanceConfig


class Sensing:
    """What n hands have felt over the last steps.

    `memory`: the flattened senses of so many steps, the oldest first; without delay and noise
    nothing is kept. Shape (steps, n, size). `delay` of each hand's senses [steps]. Shape (n,).
    """

    def __init__(self, config: DisturbanceConfig, num_envs: int, dt: float) -> None:
        """`dt`: of a step [s]; the delay is rounded to a whole number of them."""
        self._config = config
        self._shortest, self._steps = (round(delay / dt) for delay in config.delay)
        self.delay = np.full(num_envs, self._steps)
        self._noisy = config.angle_noise > 0 or config.length_noise > 0
        self.memory = np.zeros((0, num_envs, 0))

    @property
    def exact(self) -> bool:
        """Whether what is felt is what there is."""
        return self._steps == 0 and not self._noisy

    def advance(self, senses: Proprioception, rng: np.random.Generator) -> None:
        """A step later."""
        if self.exact:
            return
        self.memory = np.concatenate([self.memory[1:], self._flat(senses, rng)[None]])

    def begin(self, senses: Proprioception, envs: np.ndarray, rng: np.random.Generator) -> None:
        """New episodes: what is felt now has been felt for ever. Delays are drawn, if they
        differ."""
        if self.exact:
            return
        if self._shortest < self._steps or self._config.late_share < 1.0:
            late = rng.random(len(envs)) < self._config.late_share
            self.delay[envs] = late * rng.integers(self._shortest, self._steps + 1, size=len(envs))
        flat = self._flat(senses, rng)
        if not self.memory.size:
            self.memory = np.repeat(flat[None], self._steps + 1, axis=0)
        self.memory[:, envs] = flat[envs]

    def now(self, senses: Proprioception) -> Proprioception:
        """What is felt, in the shapes of `senses`."""
        if self.exact:
            return senses
        ends = np.cumsum([part[0].size for part in senses])[:-1]
        felt = self.memory[len(self.memory) - 1 - self.delay, np.arange(len(self.delay))]
        parts = np.split(felt, ends, axis=1)
        return Proprioception(
            *(part.reshape(like.shape) for part, like in zip(parts, senses, strict=True))
        )

    def _flat(self, senses: Proprioception, rng: np.random.Generator) -> np.ndarray:
        config = self._config
        if self._noisy:
            senses = senses._replace(
                angles=senses.angles + config.angle_noise * rng.normal(size=senses.angles.shape),
                length=senses.length + config.length_noise * rng.normal(size=senses.length.shape),
            )
        return np.concatenate([part.reshape(len(part), -1) for part in senses], axis=1)
