"""Health monitoring of batched simulation: failed worlds are detected, saved, reset and counted.

When a simulation blows up, MuJoCo resets it to the initial state and continues with finite values;
looking for NaN in the results detects none of it. The detection here was measured on thousands of
damaged worlds. It checks controls before they are applied, and states before and after every step
against bounds that no healthy hand exceeds. It also checks the time, which must have advanced by
exactly the duration of the step.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.sim.backend import Backend

REASONS = ("control", "state", "time")
"""Why a world failed: a control that is not finite or out of range, a state that is not finite or
beyond the limits, a time that shows a reset by MuJoCo. A world counts under the first that
applies."""

TIME_SHARE = 0.25
"""Largest error of the time advanced [simulation steps]; far above rounding, below one step."""

UNLIMITED_SLIDE = (-2.0, 2.0)
UNLIMITED_HINGE = (-np.pi, np.pi)
"""Range taken for joints without one: slides within a person's reach [m], hinges within one turn
[rad]."""

UNBOUNDED = 1e3
"""Bound of positions that are of neither hinges nor slides."""


@dataclass(frozen=True)
class HealthLimits:
    """Bounds that no healthy hand exceeds; the tests inject three thousand faults against them."""

    joint_margin: float = 0.6
    """[rad] beyond the range of a hinge."""

    slide_margin: float = 1.0
    """[m] beyond the range of a slide."""

    speed: float = 200.0
    """[rad/s] of hinges, [m/s] of slides."""

    force: float = 1e4
    """[N, N m] sum of all components of the forces applied to the bodies of a world."""

    servo: float = 100.0
    """[m, rad] set point of an actuator without a control range."""

    act_margin: float = 1e-6
    """Muscle activation below 0 or above 1."""


class HealthMonitor:
    """Steps a backend and resets the worlds that fail."""

    counts: Counter[str]
    """Failures by reason, of `REASONS`."""

    files: list[Path]
    """Files of the failed states that were saved."""

    def __init__(
        self,
        backend: Backend,
        limits: HealthLimits | None = None,
        *,
        folder: Path | None = None,
        max_files: int = 20,
    ) -> None:
        """Prepares the bounds of the backend's model.

        Args:
            backend: the worlds to step.
            limits: bounds of a healthy state; the defaults where None.
            folder: where failed states are saved; None saves none.
            max_files: number of failures that are saved, the first ones.
        """
        self.backend = backend
        self.limits = limits or HealthLimits()
        self.counts = Counter(dict.fromkeys(REASONS, 0))
        self.files = []
        self._folder = folder
        self._max_files = max_files
        model = backend.model
        self._low, self._high = _joint_bounds(model, self.limits)
        limited = model.actuator_ctrllimited.astype(bool)
        servo = self.limits.servo
        self._ctrl_low = np.where(limited, model.actuator_ctrlrange[:, 0], -servo)
        self._ctrl_high = np.where(limited, model.actuator_ctrlrange[:, 1], servo)
        muscles = model.actuator_dyntype == mujoco.mjtDyn.mjDYN_MUSCLE
        self._muscle_act = np.array(
            [model.actuator_actadr[row] for row in np.flatnonzero(muscles)], dtype=int
        )

    def bad_controls(self, ctrl: np.ndarray) -> np.ndarray:
        """Worlds with controls that are not finite or out of range. Shape (num_worlds,), bool.

        Args:
            ctrl: controls of every part of a step. Shape (parts, num_worlds, nu).
        """
        with np.errstate(invalid="ignore"):
            fine = (ctrl >= self._ctrl_low) & (ctrl <= self._ctrl_high)
        return np.asarray(~fine.all(axis=(0, 2)))

    def bad_states(self) -> np.ndarray:
        """Worlds whose state is not finite or beyond the limits. Shape (num_worlds,), bool."""
        backend = self.backend
        limits = self.limits
        qpos = backend.read("qpos")
        qvel = backend.read("qvel")
        act = backend.read("act")
        with np.errstate(invalid="ignore"):
            fine = ((qpos >= self._low) & (qpos <= self._high)).all(axis=1)
            fine &= (np.abs(qvel) <= limits.speed).all(axis=1)
            muscle = act[:, self._muscle_act]
            fine &= ((muscle >= -limits.act_margin) & (muscle <= 1.0 + limits.act_margin)).all(
                axis=1
            )
            # The sum is not finite where an element is not, and costs a hundredth of a test of
            # each.
            fine &= np.abs(backend.read("xfrc_applied").sum(axis=(1, 2))) <= limits.force
        return np.asarray(~fine)

    def step(self, substeps: np.ndarray, *, steps_each: int = 1) -> np.ndarray:
        """Takes one control step of several parts, each with its own controls.

        Worlds that fail before, during or after the step are reset; their neighbours are untouched.

        Args:
            substeps: controls of every part. Shape (parts, num_worlds, nu).
            steps_each: simulation steps in a part.

        Returns:
            Worlds that were reset. Shape (num_worlds,), bool.
        """
        backend = self.backend
        wrong_state = self.bad_states()
        # `read` may return the simulation's own array: the time is copied.
        before = backend.state()
        time = np.array(backend.read("time"))
        wrong_control = self.bad_controls(substeps)
        if wrong_state.any():
            backend.reset(np.flatnonzero(wrong_state))
            time[wrong_state] = 0.0
        backend.follow(
            np.where(wrong_control[:, None], 0.0, substeps) if wrong_control.any() else substeps,
            steps_each,
        )
        elapsed = backend.read("time") - time
        duration = len(substeps) * steps_each * backend.model.opt.timestep
        # Negated, so that NaN counts as a jump.
        jumped = ~(np.abs(elapsed - duration) < TIME_SHARE * backend.model.opt.timestep)
        failures = {
            "control": wrong_control,
            "state": wrong_state | self.bad_states(),
            "time": jumped,
        }
        return self._reset_failed(failures, before, substeps)

    def _reset_failed(
        self, failures: dict[str, np.ndarray], before: np.ndarray, substeps: np.ndarray
    ) -> np.ndarray:
        failed = failures["control"] | failures["state"] | failures["time"]
        for world in np.flatnonzero(failed):
            reason = next(reason for reason in REASONS if failures[reason][world])
            self.counts[reason] += 1
            self._save(reason, int(world), before[world], substeps[:, world])
        if failed.any():
            self.backend.reset(np.flatnonzero(failed))
        return np.asarray(failed)

    def _save(self, reason: str, world: int, state: np.ndarray, ctrl: np.ndarray) -> None:
        if self._folder is None or len(self.files) >= self._max_files:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self.files):04d}_{reason}_world{world}.npz"
        content = io.BytesIO()
        np.savez(
            content, state=state, ctrl=ctrl, reason=reason, world=world, mujoco=mujoco.__version__
        )
        path.write_bytes(content.getvalue())
        self.files.append(path)


def load_failed_state(path: Path) -> dict[str, np.ndarray]:
    """Reads a file of `HealthMonitor`.

    Returns:
        `state` before the control step, `ctrl` (parts, nu), `reason`, `world`, and the version of
        `mujoco`.

    Raises:
        InvalidValue: the file is not one of a health monitor.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ("state", "ctrl", "reason", "world", "mujoco")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InvalidValue(
            "file of a state", str(path), f"one that a health monitor wrote ({error})"
        ) from error


def _joint_bounds(model: mujoco.MjModel, limits: HealthLimits) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest healthy value of every entry of `qpos`. Shapes (nq,)."""
    low = np.full(model.nq, -UNBOUNDED)
    high = np.full(model.nq, UNBOUNDED)
    for joint in range(model.njnt):
        kind = int(model.jnt_type[joint])
        if kind not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
            continue
        slide = kind == mujoco.mjtJoint.mjJNT_SLIDE
        margin = limits.slide_margin if slide else limits.joint_margin
        unlimited = UNLIMITED_SLIDE if slide else UNLIMITED_HINGE
        span = model.jnt_range[joint] if model.jnt_limited[joint] else unlimited
        address = model.jnt_qposadr[joint]
        low[address] = span[0] - margin
        high[address] = span[1] + margin
    return low, high
