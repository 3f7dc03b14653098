"""What a hand does when it is simulated: chatter, joints pushed through their limits, long runs,
time per step.

Every experiment works on a copy of the model and starts from the same named posture; other options
of the model (its gravity, contacts, solver) stay as they are. Excitations are per step and per
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
JITTER_WINDOW = 0.5
JITTER_VECTORS = 6
BLOCK_STEPS = 50
"""Steps in one timed block."""


class Motion(NamedTuple):
    """A simulated movement: anatomical joint angles [rad] and their rates [rad/s] after every
    step. Shapes (s, n)."""

    angles: np.ndarray
    speeds: np.ndarray


class Jitter(NamedTuple):
    """Joint speed that is left under constant excitation [rad/s]: `rms` over joints and time,
    `peak`, of the worst excitation; `joint` is the one with the peak."""

    rms: float
    peak: float
    joint: str


class LimitViolation(NamedTuple):
    """How far joints were pushed beyond their limits.

    `excess` [rad] of every joint over all trials, shape (n,), 0 for joints that stayed inside or
    have no limit; `trials` what pushed it there: "random 2", "all muscles" or a muscle's name.
    """

    excess: np.ndarray
    trials: tuple[str, ...]


class Soak(NamedTuple):
    """A long run: steps made, MuJoCo's warnings by name, resets (time went back), holds that
    ended not finite."""

    steps: int
    warnings: dict[str, int]
    resets: int
    not_finite: int

    @property
    def clean(self) -> bool:
        """Whether nothing happened."""
        return not self.warnings and self.resets == 0 and self.not_finite == 0


def prepared_copy(
    model: mujoco.MjModel,
    *,
    dt: float | None = None,
    integrator: mujoco.mjtIntegrator | None = None,
    gravity: bool = True,
) -> mujoco.MjModel:
    """A copy of the model with another time step [s], integrator, or without gravity; None leaves
    what it has.

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
    """Anatomical angles [rad] of `posture.REST_DEG`, within the model's limits and couplings.
    Shape (n,)."""
    return couple(hand, named_posture(hand, REST_DEG, hand.limits(model)))


def data_at(model: mujoco.MjModel, hand: HandIndex, angles: np.ndarray) -> mujoco.MjData:
    """The model at rest in a posture (n,), all muscles without activation, everything computed."""
    data = mujoco.MjData(model)
    hand.pose(data, angles)
    with silence_mujoco():
        mujoco.mj_forward(model, data)
    return data


def simulate(
    model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex, excitations: np.ndarray
) -> Motion:
    """Steps `data` under excitations of the hand's muscles, 0 to 1. Shape (s, m)."""
    steps = len(excitations)
    angles = np.empty((steps, len(hand.joints)))
    speeds = np.empty((steps, len(hand.joints)))
    with silence_mujoco():
        for step in range(steps):
            data.ctrl[hand.muscles] = excitations[step]
            mujoco.mj_step(model, data)
            angles[step], speeds[step] = data.qpos[hand.qpos], data.qvel[hand.dofs]
    return Motion(angles * hand.signs, speeds * hand.signs)


def constant_excitations(count: int, muscles: int, rng: np.random.Generator) -> np.ndarray:
    """Random excitation vectors, in turn uniform in 0..1 and each muscle either off or full.
    Shape (count, muscles)."""
    vectors = rng.random((count, muscles))
    vectors[1::2] = np.round(vectors[1::2])
    return vectors


def changing_excitations(
    seconds: float, dt: float, muscles: int, hold: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Excitation that jumps to another random vector after a random time in `hold` [s]. Shape
    (steps, muscles)."""
    steps = round(seconds / dt)
    rows: list[np.ndarray] = []
    made = 0
    while made < steps:
        length = max(1, round(rng.uniform(*hold) / dt))
        rows.append(
            np.repeat(constant_excitations(2, muscles, rng)[len(rows) % 2][None], length, axis=0)
        )
        made += length
    return np.vstack(rows)[:steps]


def jitter(
    model: mujoco.MjModel,
    hand: HandIndex,
    *,
    dt: float,
    integrator: mujoco.mjtIntegrator,
    seed: int = 0,
) -> Jitter:
    """Joint speeds in the last half second of 2 s under constant excitation, worst of six random
    vectors.

    What moves then is either chatter of the integration or slow residual motion: the excitation
    does not change.
    """
    twin = prepared_copy(model, dt=dt, integrator=integrator)
    start = rest_angles(twin, hand)
    worst = Jitter(0.0, 0.0, hand.joints[0])
    for vector in constant_excitations(
        JITTER_VECTORS, len(hand.muscles), np.random.default_rng(seed)
    ):
        steps = round(JITTER_SECONDS / dt)
        motion = simulate(
            twin, data_at(twin, hand, start), hand, np.broadcast_to(vector, (steps, len(vector)))
        )
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
    """How far muscles push joints through their limits, at the model's own time step.

    Trials of 3 s under random excitation held for 0.1 to 0.5 s, all muscles at once at full
    excitation for 1 s, and every muscle alone at full excitation for `alone_seconds` [s]; all from
    the rest posture.
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
    pushers = [""] * len(hand.joints)
    for name, excitations in plans.items():
        angles = simulate(model, data_at(model, hand, start), hand, excitations).angles
        beyond = np.maximum(angles.max(axis=0) - limits[:, 1], limits[:, 0] - angles.min(axis=0))
        for joint in np.flatnonzero(limited & (beyond > excess)):
            excess[joint], pushers[joint] = beyond[joint], name
    return LimitViolation(excess, tuple(pushers))


def soak(
    model: mujoco.MjModel, hand: HandIndex, *, seconds: float, dt: float, seed: int = 0
) -> Soak:
    """Simulates for long under random excitation that changes every 0.1 to 0.3 s, and counts what
    goes wrong.

    MuJoCo starts a simulation over without an exception when it becomes unstable; that shows as
    time going back.
    """
    twin = prepared_copy(model, dt=dt)
    data = data_at(twin, hand, rest_angles(twin, hand))
    rng = np.random.default_rng(seed)
    warnings: dict[str, int] = {}
    resets = not_finite = made = hold = 0
    total = round(seconds / dt)
    with silence_mujoco():
        while made < total:
            steps = min(max(1, round(rng.uniform(0.1, 0.3) / dt)), total - made)
            data.ctrl[hand.muscles] = constant_excitations(2, len(hand.muscles), rng)[hold % 2]
            before = data.time
            mujoco.mj_step(twin, data, nstep=steps)
            made = made + steps
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
    return Soak(made, warnings, int(resets), int(not_finite))


def step_time(model: mujoco.MjModel, hand: HandIndex, *, blocks: int = 40, seed: int = 0) -> float:
    """Microseconds that one step takes under random excitation: median of blocks of 50 steps.

    Counted is the processor time of this thread, which other programs on the machine disturb
    little.
    """
    return float(np.median(_times([(model, hand)], blocks, seed)))


def step_time_ratio(
    one: tuple[mujoco.MjModel, HandIndex],
    two: tuple[mujoco.MjModel, HandIndex],
    *,
    blocks: int = 60,
    seed: int = 0,
) -> float:
    """Time a step of one model takes relative to another's: median over blocks of both that run
    in turn."""
    times = _times([one, two], blocks, seed)
    return float(np.median(times[:, 0] / times[:, 1]))


def _times(specimens: list[tuple[mujoco.MjModel, HandIndex]], blocks: int, seed: int) -> np.ndarray:
    """Time a step [us] in every block of every model, after two blocks that are not counted.
    Shape (blocks, models)."""
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
