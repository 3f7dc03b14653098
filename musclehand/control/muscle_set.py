"""Forces of many muscles at a time by the formulas of `body.muscle`, with constants precomputed.

For hands in many worlds, in arrays of any size. The curves are written without branches, each pair
of parabolas as a difference of two squares. The results are those of `body.muscle` up to rounding.
"""

from __future__ import annotations

import numpy as np

from musclehand.body.muscle import MuscleParameters


class MuscleSet:
    """Muscles whose state comes in arrays whose last dimensions are those of the constants."""

    def __init__(self, params: MuscleParameters) -> None:
        """`params` with entries of any one shape S."""
        self.params = params
        self._per_l0 = 1.0 / params.l0
        self._per_left = 1.0 / (1.0 - params.lmin)
        self._per_right = 1.0 / (params.lmax - 1.0)
        self._per_speed = 1.0 / (params.l0 * params.vmax)
        self._lengthening = params.fvmax - 1.0
        self._per_lengthening = 1.0 / self._lengthening
        self._pull = -params.f0
        self._passive = -0.5 * params.f0 * params.fpmax
        self._stretch = 2.0 / (params.lmax - 1.0)

    def force(self, length: np.ndarray, velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`gain` and `bias` [N] with `force = gain * act + bias`, as `body.muscle.muscle_force`.
        Shape (..., *S) each.

        Args:
            length: actuator length [m]. Shape (..., *S).
            velocity: its rate [m/s]. Shape (..., *S).
        """
        params = self.params
        fibre = (length - params.lts) * self._per_l0
        side = np.minimum(
            (fibre - params.lmin) * self._per_left, (params.lmax - fibre) * self._per_right
        )
        np.maximum(side, 0.0, out=side)
        top = np.maximum(2.0 * side - 1.0, 0.0)
        side *= side
        side *= 2.0
        side -= top * top

        speed = velocity * self._per_speed
        short = np.minimum(np.maximum(speed + 1.0, 0.0), 1.0)
        remaining = self._lengthening - np.minimum(np.maximum(speed, 0.0), self._lengthening)
        side *= short * short + (self._lengthening - remaining * remaining * self._per_lengthening)
        side *= self._pull

        stretch = np.maximum(fibre - 1.0, 0.0)
        stretch *= self._stretch
        beyond = np.maximum(stretch - 1.0, 0.0)
        return side, self._passive * (stretch * stretch - beyond * beyond)
