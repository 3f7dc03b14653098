"""Worlds that have gone wrong: found within one control step, kept on file, started over and
counted.

MuJoCo puts a simulation that blows up back to its first state and goes on, all values finite;
looking for NaN in what comes out finds none of it. What finds it, measured over thousands of
damaged worlds: controls looked at before they are used, the state looked at before and after every
step, bounds that no healthy hand leaves, and time, which has to have advanced by exactly what was
asked for.
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


@dataclass(frozen=True)
class HealthLimits:
    """What a healthy hand stays within.

    `joint_margin` beyond a joint's range [rad], `slide_margin` [m]; `speed` of hinges [rad/s] and
    slides [m/s]; `force` the largest push, all components together [N, N m]; `servo` the largest
    set point of an actuator without a control range [m, rad]; `act_margin` beyond 0 to 1.
    """

    joint_margin: float = 0.6
    slide_margin: float = 1.0
    speed: float = 200.0
    force: float = 1e4
    servo: float = 100.0
    act_margin: float = 1e-6


class HealthMonitor:
    """Steps a backend and keeps watch over it.

    `counts`: worlds found so far by reason: "control" (not finite or out of range), "state" (not
    finite or beyond `limits`), "time" (MuJoCo started over). `files`: where states were kept.
    """

    def __init__(
        self,
        backend: Backend,
        limits: HealthLimits | None = None,
        *,
        folder: Path | None = None,
        most_files: int = 20,
    ) -> None:
        """`folder`: states that went wrong are kept there, the first `most_files` of them; None
        keeps none."""
        self.backend = backend
        self.limits = limits or HealthLimits()
        self.counts: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self.files: list[Path] = []
        self._folder = folder
        self._most_files = most_files
        model = backend.model
        self._low, self._high = _joint_bounds(model, self.limits)
        limited = model.actuator_ctrllimited.astype(bool)
        servo = self.limits.servo
        self._ctrl_low = np.where(limited, model.actuator_ctrlrange[:, 0], -servo)
        self._ctrl_high = np.where(limited, model.actuator_ctrlrange[:, 1], servo)
        self._muscles = model.actuator_dyntype == mujoco.mjtDyn.mjDYN_MUSCLE
        self._fixed = np.array(
            [model.actuator_actadr[row] for row in np.flatnonzero(self._muscles)], dtype=int
        )

    def bad_controls(self, ctrl: np.ndarray) -> np.ndarray:
        """Worlds with controls that are not finite or outside of what actuators take. Shape
        (num_worlds,), bool.

        Args:
            ctrl: of every part of a step. Shape (parts, num_worlds, nu).
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
            muscle = act[:, self._fixed]
            fine &= ((muscle >= -limits.act_margin) & (muscle <= 1.0 + limits.act_margin)).all(
                axis=1
            )
            # A sum is not finite where a part of it is not, and a hundred times faster than looking
            # at each.
            fine &= np.abs(backend.read("xfrc_applied").sum(axis=(1, 2))) <= limits.force
        return np.asarray(~fine)

    def step(self, substeps: np.ndarray, *, steps_each: int = 1) -> np.ndarray:
        """One control step: the controls of each part of it in turn.

        Worlds that are wrong before, during or after it end up in the model's first state, their
        neighbours untouched.

        Args:
            substeps: controls of every part. Shape (parts, num_worlds, nu).
            steps_each: steps of the simulation in a part.

        Returns:
            Worlds that were started over. Shape (num_worlds,), bool.
        """
        backend = self.backend
        wrong_state = self.bad_states()
        # Copied: on the CPU the array read is the simulation's own.
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
        passed = backend.read("time") - time
        asked = len(substeps) * steps_each * backend.model.opt.timestep
        # Not a number is no small difference either.
        jumped = ~(np.abs(passed - asked) < 0.25 * backend.model.opt.timestep)
        found = {"control": wrong_control, "state": wrong_state | self.bad_states(), "time": jumped}
        return self._start_over(found, before, substeps)

    def _start_over(
        self, found: dict[str, np.ndarray], before: np.ndarray, substeps: np.ndarray
    ) -> np.ndarray:
        wrong = found["control"] | found["state"] | found["time"]
        for world in np.flatnonzero(wrong):
            reason = next(reason for reason in REASONS if found[reason][world])
            self.counts[reason] += 1
            self._keep(reason, int(world), before[world], substeps[:, world])
        if wrong.any():
            self.backend.reset(np.flatnonzero(wrong))
        return np.asarray(wrong)

    def _keep(self, reason: str, world: int, state: np.ndarray, ctrl: np.ndarray) -> None:
        if self._folder is None or len(self.files) >= self._most_files:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self.files):04d}_{reason}_world{world}.npz"
        content = io.BytesIO()
        np.savez(
            content, state=state, ctrl=ctrl, reason=reason, world=world, mujoco=mujoco.__version__
        )
        path.write_bytes(content.getvalue())
        self.files.append(path)


def load_offender(path: Path) -> dict[str, np.ndarray]:
    """What a file of `HealthMonitor` has: `state` before the control step, `ctrl` (parts, nu),
    `reason`, `world`.

    Raises:
        InvalidValue: it is not such a file.
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
    low = np.full(model.nq, -1e3)
    high = np.full(model.nq, 1e3)
    for joint in range(model.njnt):
        kind = model.jnt_type[joint]
        if kind not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
            continue
        slide = kind == mujoco.mjtJoint.mjJNT_SLIDE
        margin = limits.slide_margin if slide else limits.joint_margin
        # Joints without a range: a slide stays within reach of a person, a hinge within one turn.
        span = (
            model.jnt_range[joint]
            if model.jnt_limited[joint]
            else ((-2.0, 2.0) if slide else (-np.pi, np.pi))
        )
        address = model.jnt_qposadr[joint]
        low[address], high[address] = span[0] - margin, span[1] + margin
    return low, high
