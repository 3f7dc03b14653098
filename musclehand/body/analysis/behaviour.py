"""Simulation experiments with a hand: chatter, limit violations, soak tests, time per step.

Every experiment works on a copy of the model and starts from the same named posture. Other options
of the model (gravity, contacts, solver) are unchanged. Excitations are given for each step and each
muscle of the hand.
"""

from __future__ import annotations

import copy
import time
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import REST_DEG, couple, named_posture
from musclehand.core.errors import InvalidValue
from musclehand.core.mujoco_warnings import silence_mujoco

JITTER_SECONDS = 2.0
"""[s] Duration of a jitter trial; chosen."""

JITTER_WINDOW = 0.5
"""[s] Part at the end of a trial in which jitter is measured; chosen."""

JITTER_VECTORS = 6
"""Random excitation vectors, each in a trial of its own; chosen."""

BLOCK_STEPS = 50
"""Simulation steps in a timed block; chosen."""


class Motion(NamedTuple):
    """A simulated movement."""

    angles: np.ndarray
    """[rad] Anatomical joint angles after every step. Shape (s, n)."""

    speeds: np.ndarray
    """[rad/s] Their rates. Shape (s, n)."""


class Jitter(NamedTuple):
    """Residual joint speed under the worst constant excitation."""

    rms: float
    """[rad/s] Root mean square over joints and time."""

    peak: float
    """[rad/s] Largest speed."""

    joint: str
    """Joint with the largest speed."""


class LimitViolation(NamedTuple):
    """Largest violations of joint limits."""

    excess: np.ndarray
    """[rad] Of every joint over all trials; 0 within limits or without a limit. Shape (n,)."""

    trials: tuple[str, ...]
    """Trial with the largest excess of each joint: "random 2", "all muscles" or a muscle; empty
    without excess."""


class Soak(NamedTuple):
    """Result of a soak test, a long run under random excitation."""

    steps: int
    """Simulation steps made."""

    warnings: dict[str, int]
    """Number of MuJoCo's warnings by name."""

    resets: int
    """Times that MuJoCo reset an unstable simulation."""

    not_finite: int
    """Excitations after which the state was not finite."""

    @property
    def clean(self) -> bool:
        """Whether the run had no warning, no reset and only finite states."""
        return not self.warnings and self.resets == 0 and self.not_finite == 0


def prepared_copy(
    model: mujoco.MjModel,
    *,
    dt: float | None = None,
    integrator: mujoco.mjtIntegrator | None = None,
    gravity: bool = True,
) -> mujoco.MjModel:
    """Copies a model with other simulation options.

    Args:
        model: the model.
        dt: time step [s]; None leaves it unchanged.
        integrator: None leaves it unchanged.
        gravity: whether to keep the model's gravity.

    Raises:
        InvalidValue: the time step is not above 0.
    """
    if dt is not None and not (np.isfinite(dt) and dt > 0.0):
        raise InvalidValue("time step", dt, "a finite number above 0 [s]")
    twin = copy.copy(model)
    if dt is not None:
        twin.opt.timestep = dt
    if integrator is not None:
        twin.opt.integrator = integrator
    if not gravity:
        twin.opt.gravity[:] = 0.0
    return twin


def rest_angles(model: mujoco.MjModel, hand: HandIndex) -> np.ndarray:
    """Angles of `posture.REST_DEG` within the model's limits and couplings [rad]. Shape (n,)."""
    return couple(hand, named_posture(hand, REST_DEG, hand.limits(model)))


def data_at(model: mujoco.MjModel, hand: HandIndex, angles: np.ndarray) -> mujoco.MjData:
    """State of a model at rest in a posture, without activation, after `mj_forward`.

    Args:
        model: any model.
        hand: the hand in the model.
        angles: anatomical angles [rad]. Shape (n,).
    """
    data = mujoco.MjData(model)
    hand.pose(data, angles)
    with silence_mujoco():
        mujoco.mj_forward(model, data)
    return data


def simulate(
    model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex, excitations: np.ndarray
) -> Motion:
    """Simulates a hand under given excitations.

    Args:
        model: any model.
        data: its state; changed in place.
        hand: the hand in the model.
        excitations: of the hand's muscles, 0 to 1. Shape (s, m).
    """
    steps = len(excitations)
    angles = np.empty((steps, len(hand.joints)))
    speeds = np.empty((steps, len(hand.joints)))
    with silence_mujoco():
        for step in range(steps):
            data.ctrl[hand.muscles] = excitations[step]
            mujoco.mj_step(model, data)
            angles[step] = data.qpos[hand.qpos]
            speeds[step] = data.qvel[hand.dofs]
    return Motion(angles * hand.signs, speeds * hand.signs)


def constant_excitations(count: int, muscles: int, rng: np.random.Generator) -> np.ndarray:
    """Random excitation vectors, alternately uniform in 0..1 and with each muscle at 0 or 1.

    Args:
        count: number of vectors.
        muscles: number of muscles.
        rng: random generator.

    Returns:
        Shape (count, muscles).
    """
    vectors = rng.random((count, muscles))
    vectors[1::2] = np.round(vectors[1::2])
    return vectors


def changing_excitations(
    seconds: float, dt: float, muscles: int, hold: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Excitation that is piecewise constant, with random vectors and random durations.

    Args:
        seconds: total duration [s].
        dt: time step [s].
        muscles: number of muscles.
        hold: shortest and longest duration of a vector [s].
        rng: random generator.

    Returns:
        Shape (steps, muscles).
    """
    steps = round(seconds / dt)
    rows: list[np.ndarray] = []
    filled = 0
    while filled < steps:
        length = max(1, round(rng.uniform(*hold) / dt))
        vector = constant_excitations(2, muscles, rng)[len(rows) % 2]
        rows.append(np.repeat(vector[None], length, axis=0))
        filled += length
    return np.vstack(rows)[:steps]


def jitter(
    model: mujoco.MjModel,
    hand: HandIndex,
    *,
    dt: float,
    integrator: mujoco.mjtIntegrator,
    seed: int = 0,
) -> Jitter:
    """Measures residual joint speeds under constant excitation: chatter of the integration.

    The speeds are those in the last half second of trials of 2 s; the worst of six random vectors
    counts. Slow residual motion contributes as well.

    Args:
        model: any model.
        hand: the hand in the model.
        dt: time step [s].
        integrator: of the simulation.
        seed: of the random vectors.
    """
    twin = prepared_copy(model, dt=dt, integrator=integrator)
    start = rest_angles(twin, hand)
    worst = Jitter(0.0, 0.0, hand.joints[0])
    rng = np.random.default_rng(seed)
    steps = round(JITTER_SECONDS / dt)
    for vector in constant_excitations(JITTER_VECTORS, len(hand.muscles), rng):
        excitations = np.broadcast_to(vector, (steps, len(vector)))
        motion = simulate(twin, data_at(twin, hand, start), hand, excitations)
        late = np.abs(motion.speeds[-round(JITTER_WINDOW / dt) :])
        rms = float(np.sqrt(np.mean(np.square(late))))
        if rms > worst.rms:
            worst = Jitter(rms, float(late.max()), hand.joints[int(late.max(axis=0).argmax())])
    return worst


def limit_violation(
    model: mujoco.MjModel,
    hand: HandIndex,
    *,
    trials: int = 4,
    alone_seconds: float = 0.5,
    seed: int = 0,
) -> LimitViolation:
    """Measures how far muscles push joints through their limits, at the model's time step.

    All trials start from the rest posture: 3 s of random excitation with vectors of 0.1 to 0.5 s,
    1 s of full excitation of all muscles, and full excitation of every muscle alone.

    Args:
        model: any model.
        hand: the hand in the model.
        trials: number of trials with random excitation.
        alone_seconds: duration of the trials of single muscles [s].
        seed: of the random excitations.
    """
    dt = model.opt.timestep
    muscles = len(hand.muscles)
    rng = np.random.default_rng(seed)
    plans = {
        f"random {i + 1}": changing_excitations(3.0, dt, muscles, (0.1, 0.5), rng)
        for i in range(trials)
    }
    plans["all muscles"] = np.ones((round(1.0 / dt), muscles))
    for i, name in enumerate(hand.muscle_names):
        plans[name] = np.broadcast_to(np.eye(muscles)[i], (round(alone_seconds / dt), muscles))
    limits = hand.limits(model)
    start = rest_angles(model, hand)
    limited = model.jnt_limited[hand.joint_ids(model)] != 0
    excess = np.zeros(len(hand.joints))
    worst_trials = [""] * len(hand.joints)
    for name, excitations in plans.items():
        angles = simulate(model, data_at(model, hand, start), hand, excitations).angles
        beyond = np.maximum(angles.max(axis=0) - limits[:, 1], limits[:, 0] - angles.min(axis=0))
        for joint in np.flatnonzero(limited & (beyond > excess)):
            excess[joint] = beyond[joint]
            worst_trials[joint] = name
    return LimitViolation(excess, tuple(worst_trials))


def soak(
    model: mujoco.MjModel, hand: HandIndex, *, seconds: float, dt: float, seed: int = 0
) -> Soak:
    """Soak test: a long run under random excitation that changes every 0.1 to 0.3 s.

    MuJoCo resets an unstable simulation without an exception; its time then jumps back.

    Args:
        model: any model.
        hand: the hand in the model.
        seconds: duration [s].
        dt: time step [s].
        seed: of the random excitations.
    """
    twin = prepared_copy(model, dt=dt)
    data = data_at(twin, hand, rest_angles(twin, hand))
    rng = np.random.default_rng(seed)
    warnings: dict[str, int] = {}
    resets = 0
    not_finite = 0
    done = 0
    hold = 0
    total = round(seconds / dt)
    with silence_mujoco():
        while done < total:
            steps = min(max(1, round(rng.uniform(0.1, 0.3) / dt)), total - done)
            data.ctrl[hand.muscles] = constant_excitations(2, len(hand.muscles), rng)[hold % 2]
            before = data.time
            mujoco.mj_step(twin, data, nstep=steps)
            done = done + steps
            hold = hold + 1
            resets += data.time < before + (steps - 0.5) * dt
            not_finite += not all(
                np.isfinite(part).all() for part in (data.qpos, data.qvel, data.act)
            )
            for kind in range(mujoco.mjtWarning.mjNWARNING.value):
                if data.warning[kind].number:
                    name = mujoco.mjtWarning(kind).name
                    warnings[name] = warnings.get(name, 0) + int(data.warning[kind].number)
                    data.warning[kind].number = 0
    return Soak(done, warnings, int(resets), int(not_finite))


def step_time(model: mujoco.MjModel, hand: HandIndex, *, blocks: int = 40, seed: int = 0) -> float:
    """Processor time of a simulation step under random excitation, median over blocks.

    The time is that of this thread, which other programs on the machine disturb little.

    Args:
        model: any model.
        hand: the hand in the model.
        blocks: number of blocks of 50 steps.
        seed: of the random excitations.

    Returns:
        Time per step [us].
    """
    return float(np.median(_times([(model, hand)], blocks, seed)))


def step_time_ratio(
    specimen: tuple[mujoco.MjModel, HandIndex],
    baseline: tuple[mujoco.MjModel, HandIndex],
    *,
    blocks: int = 60,
    seed: int = 0,
) -> float:
    """Ratio of the times of a simulation step of two models, median over interleaved blocks.

    Args:
        specimen: a model and its hand.
        baseline: the model and hand to divide by.
        blocks: number of blocks of 50 steps.
        seed: of the random excitations.
    """
    times = _times([specimen, baseline], blocks, seed)
    return float(np.median(times[:, 0] / times[:, 1]))


def _times(specimens: list[tuple[mujoco.MjModel, HandIndex]], blocks: int, seed: int) -> np.ndarray:
    """Time per step [us] in every block, after two uncounted ones. Shape (blocks, models)."""
    data = [data_at(model, hand, rest_angles(model, hand)) for model, hand in specimens]
    generators = [np.random.default_rng(seed) for _ in specimens]
    times = np.empty((blocks + 2, len(specimens)))
    with silence_mujoco():
        for block in range(blocks + 2):
            for i, (model, hand) in enumerate(specimens):
                data[i].ctrl[hand.muscles] = generators[i].random(len(hand.muscles))
                begin = time.thread_time()
                mujoco.mj_step(model, data[i], nstep=BLOCK_STEPS)
                times[block, i] = (time.thread_time() - begin) / BLOCK_STEPS * 1e6
    return times[2:]
