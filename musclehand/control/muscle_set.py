"""Many muscles at once, again and again: the formulas of `body.muscle` with all constants worked out beforehand.

A control step evaluates ninety muscles dozens of times, and at that size numpy's time is the number of its calls. Here
the curves are written without branches (each pair of parabolas as a difference of two squares) and activation over
several steps as one polynomial step after the other. The results are those of `body.muscle` up to rounding.
"""

from __future__ import annotations

import numpy as np

from musclehand.body.muscle import MuscleParameters, activation_after


class MuscleSet:
    """Muscles whose state comes in arrays of one shape, that of the constants given at construction."""

    def __init__(self, params: MuscleParameters, *, dt: float, steps: int) -> None:
        """`params` with entries of any one shape S; activation changes over `steps` simulation steps of `dt` [s]."""
        self.params, self.dt, self.steps = params, dt, steps
        self._per_l0 = 1.0 / params.l0
        self._per_left, self._per_right = 1.0 / (1.0 - params.lmin), 1.0 / (params.lmax - 1.0)
        self._per_speed = 1.0 / (params.l0 * params.vmax)
        self._lengthening = params.fvmax - 1.0
        self._per_lengthening = 1.0 / self._lengthening
        self._pull, self._passive = -params.f0, -0.5 * params.f0 * params.fpmax
        self._stretch = 2.0 / (params.lmax - 1.0)
        self._per_act, self._per_deact = dt / params.tau_act, dt / params.tau_deact
        self._full, self._none = 2.0 * self._per_act, 1.0 + 0.5 * self._per_deact
        # Shares of more than the whole way never occur with time constants above twice the step.
        self._smooth = bool(max(np.max(self._per_act), np.max(self._per_deact)) <= 0.5)

    def force(self, length: np.ndarray, velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`gain` and `bias` [N] with `force = gain * act + bias`, as `body.muscle.muscle_force`. Shape S each.

        Args:
            length: actuator length [m]. Shape S.
            velocity: its rate [m/s]. Shape S.
        """
        params = self.params
        fibre = (length - params.lts) * self._per_l0
        side = np.minimum((fibre - params.lmin) * self._per_left, (params.lmax - fibre) * self._per_right)
        np.maximum(side, 0.0, out=side)
        top = np.maximum(2.0 * side - 1.0, 0.0)
        side *= side
        side *= 2.0
        side -= top * top

        speed = velocity * self._per_speed
        short = np.minimum(np.maximum(speed + 1.0, 0.0), 1.0)
        rest = self._lengthening - np.minimum(np.maximum(speed, 0.0), self._lengthening)
        side *= short * short + (self._lengthening - rest * rest * self._per_lengthening)
        side *= self._pull

        stretch = np.maximum(fibre - 1.0, 0.0)
        stretch *= self._stretch
        beyond = np.maximum(stretch - 1.0, 0.0)
        return side, self._passive * (stretch * stretch - beyond * beyond)

    def reach(self, act: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Activation after all steps with no and with full excitation. Shape S each."""
        if not self._smooth:
            none = np.zeros_like(act)
            return self._after(act, none), self._after(act, none + 1.0)
        slowing = _slowing(act)
        return _act(self._fall(slowing, self._none)), _act(self._rise(slowing, self._full))

    def reach_below(self, act: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
        """The highest activation after all steps with excitation of at most `ceiling`. Shape S."""
        return self._after(act, ceiling)

    def excitation(self, act: np.ndarray, target: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The constant excitation that leads from `act` to `target`, as `body.muscle.excitation_for`. Shape S.

        `low` and `high`: what `reach` returned for `act`.
        """
        rising = target > act
        far = rising.astype(float)
        far_value = np.where(rising, high, low)
        ctrl = _between(act, act, far, far_value, target)
        value = self._towards(act, ctrl, rising)
        beyond = (value > target) == rising
        near, near_value = np.where(beyond, act, ctrl), np.where(beyond, act, value)
        return _between(near, near_value, np.where(beyond, ctrl, far), np.where(beyond, value, far_value), target)

    def _towards(self, act: np.ndarray, ctrl: np.ndarray, rising: np.ndarray) -> np.ndarray:
        """Activation after all steps at excitation `ctrl`, known to lie above `act` or not."""
        if not self._smooth:
            return self._after(act, ctrl)
        slowing, goal = _slowing(act), _slowing(ctrl)
        up, down = self._rise(slowing, self._per_act * goal), self._fall(slowing, 1.0 + self._per_deact * goal)
        return _act(np.where(rising, up, down))

    # Time constants grow and shrink with s = 0.5 + 1.5 act, and in s a step of Euler's method is short: towards a goal
    # g it is s + rate (g - s) / s when rising, and s + rate (g - s) s when falling.

    def _rise(self, slowing: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """All steps up, `pull` being the rate times the goal."""
        slowing, gain = slowing.copy(), np.empty_like(slowing)
        for _ in range(self.steps):
            np.divide(pull, slowing, out=gain)
            slowing -= self._per_act
            slowing += gain
        return slowing

    def _fall(self, slowing: np.ndarray, hold: np.ndarray) -> np.ndarray:
        """All steps down, `hold` being one more than the rate times the goal."""
        slowing, factor = slowing.copy(), np.empty_like(slowing)
        for _ in range(self.steps):
            np.multiply(self._per_deact, slowing, out=factor)
            np.subtract(hold, factor, out=factor)
            slowing *= factor
        return slowing

    def _after(self, act: np.ndarray, ctrl: np.ndarray) -> np.ndarray:
        return activation_after(self.params, act, ctrl, self.dt, self.steps)


def _slowing(act: np.ndarray) -> np.ndarray:
    slowing = 1.5 * act
    slowing += 0.5
    return slowing


def _act(slowing: np.ndarray) -> np.ndarray:
    """Undoes `_slowing`, in place."""
    slowing -= 0.5
    slowing *= 1.0 / 1.5
    return slowing


def _between(
    near: np.ndarray, near_value: np.ndarray, far: np.ndarray, far_value: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Where a line through two points takes the wanted value, no further than the points."""
    gap = far_value - near_value
    share = (wanted - near_value) / np.where(np.abs(gap) < 1e-12, 1e-12, gap)
    return near + np.minimum(np.maximum(share, 0.0), 1.0) * (far - near)
