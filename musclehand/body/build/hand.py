"""The hand as a model: fibre lengths fitted to its paths, and where its parts are in a compiled
scene.

`add_hands` puts one or two hands into a MuJoCo spec; `load_hand` compiles a single hand by itself
(for analysis and inverse kinematics).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import (
    DIP_PER_PIP,
    Side,
    coupled_joint,
)
from musclehand.body.build.hand_file import HandFile
from musclehand.body.build.myosim import MyoSimArm
from musclehand.body.naming import Naming, own_naming
from musclehand.body.build.overlay import add_hand
from musclehand.body.build.path import add_path, add_wrap
from musclehand.body.posture import narrow_spread
from musclehand.body.build.scaling import scale_tables
from musclehand.body.build.tables import HandTables, load_tables
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

ACTIVATION_TIMES = (0.010, 0.020)
"""Time constants of activation and deactivation [s]. The second sets how fast a finger can tap:
with 40 ms, which models of slower muscles have, 4-5 Hz in an earlier hand of ours; people reach
5-7 Hz (Neurosci Lett 2009)."""

LMIN = 0.3
LMAX = 1.7
VMAX = 10.0
FPMAX = 0.3
FVMAX = 1.4
"""Shape of MuJoCo's muscle curves (`models/hand/SOURCES.md`; `analysis/muscle_curves.py` draws
them beside published ones); passive force is kept small about rest, where fingers spend their
time."""

FIBRE_RANGE = (0.38, 1.55)
"""Normalised fibre lengths [l0] that no posture may leave: the usable limbs of the force-length
curve."""

NUM_POSTURES = 400

NO_DRIVE = 1e-9
"""Highest excitation of a paralysed muscle: MuJoCo refuses a control range of no width."""


class Fibre(NamedTuple):
    """Optimal fibre length `l0` [m], tendon slack length `lts` [m], and the path lengths [m]
    over all postures."""

    l0: float
    lts: float
    shortest: float
    longest: float


HandDesign = HandTables | HandFile
"""What a hand is built from: our tables, or somebody's model."""


def naming_of(design: HandDesign | None) -> Naming:
    """What the parts of a hand of that design are called, on both sides."""
    return design.both if isinstance(design, HandFile) else own_naming()


def add_hands(
    spec: mujoco.MjSpec,
    parents: dict[Side, Any],
    *,
    visual: bool = False,
    strength_scale: float = 1.0,
    design: HandDesign | None = None,
) -> None:
    """Adds hands with their muscles to a scene, one under each parent frame.

    Args:
        spec: the scene, in radians; changed in place.
        parents: a frame for each hand, at the hand's root.
        visual: with bone meshes (hands from tables only), for pictures.
        strength_scale: factor on the peak force of all muscles.
        design: another hand than the one that comes with the package.

    Raises:
        InvalidValue: strength scale not above 0.
        ModelError: a table names something that does not exist, or the model is not one that can be
            put in.
    """
    if not (math.isfinite(strength_scale) and strength_scale > 0):
        raise InvalidValue("strength scale", strength_scale, "a finite number above 0")
    if isinstance(design, HandFile):
        for side, parent in parents.items():
            design.attach(parent, side, strength_scale=strength_scale)
        return
    tables = design or load_tables()
    source = MyoSimArm(tables.stretch)
    fibres = fit_fibres(tables)
    for side, parent in parents.items():
        add_hand(spec, parent, source, tables, side, visual=visual)
        for row in tables.muscles:
            actuator = spec.actuator(side.name_of(row.muscle))
            f0 = row.f0 * math.cos(row.pennation) * strength_scale
            _set_muscle(actuator, fibres[row.muscle], f0, row.drive)


def add_muscles(spec: mujoco.MjSpec, side: Side, muscles: Sequence[str], tables: HandTables | None = None) -> None:
    """Adds muscles of ours to another hand on MyoSim's bones, such as MyoHand, which lacks those of
    the thumb.

    Raises:
        UnknownName: the tables do not have a muscle.
        ModelError: the hand does not have a bone that a path needs.
    """
    tables = tables or load_tables()
    source = MyoSimArm(tables.stretch)
    fibres = fit_fibres(tables)
    rows = {row.muscle: row for row in tables.muscles}
    for muscle in muscles:
        if muscle not in rows:
            raise UnknownName("muscle", muscle, rows)
        path = [row for row in tables.paths if row.muscle == muscle]
        surfaces = {row.name for row in path if row.kind == "wrap"}
        for wrap in tables.wraps:
            if wrap.name in surfaces:
                add_wrap(spec, wrap, side)
        add_path(spec, source, tables, path, side)
        _set_muscle(
            spec.actuator(side.name_of(muscle)), fibres[muscle], rows[muscle].f0 * math.cos(rows[muscle].pennation)
        )


def hand_spec(
    side: Side = Side.RIGHT, *, design: HandDesign | None = None, visual: bool = False, strength_scale: float = 1.0
) -> mujoco.MjSpec:
    """One hand by itself, its elbow fixed to the world, no gravity, as a spec that can be added to
    or written out.

    Raises:
        InvalidValue: strength scale not above 0.
        ModelError: a table names something that does not exist.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.option.gravity = [0, 0, 0]
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.compiler.boundmass = 0.0
    add_hands(spec, {side: spec.worldbody.add_frame()}, design=design, visual=visual, strength_scale=strength_scale)
    return spec


def load_hand(
    side: Side = Side.RIGHT,
    *,
    hand_length: float | None = None,
    hand_breadth: float | None = None,
    strength_scale: float = 1.0,
    tables: HandTables | None = None,
    visual: bool = False,
) -> mujoco.MjModel:
    """A hand of some person, compiled: for analysis and inverse kinematics.

    Args:
        side: which hand.
        hand_length: from the wrist to the tip of the middle finger [m]; 0.175 by default (see
            `body.build.scaling`).
        hand_breadth: across the knuckles [m]; 0.077 by default.
        strength_scale: factor on the peak force of all muscles.
        tables: another hand than the one that comes with the package.
        visual: with bone meshes, for pictures.

    Raises:
        InvalidValue: a size or strength out of range.
        ModelError: a table names something that does not exist.
    """
    scaled = scale_tables(tables or load_tables(), hand_length=hand_length, hand_breadth=hand_breadth)
    return hand_spec(side, design=scaled, visual=visual, strength_scale=strength_scale).compile()


@lru_cache(maxsize=4)
def fit_fibres(tables: HandTables) -> dict[str, Fibre]:
    """Fibre and slack lengths that fit the paths: normalised length 1 at rest, within `FIBRE_RANGE`
    everywhere.

    The slack length follows from the optimal fibre length and the path length in the rest posture
    of `joints.csv`, so that passive force at rest is nothing, which is what keeps the extensors
    from working against the flexors all the time. The optimal length is that of the table, and
    longer only where a posture would leave `FIBRE_RANGE`.

    Raises:
        ModelError: a path is shorter than the fibre that has to be in it.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    add_hand(spec, spec.worldbody, MyoSimArm(tables.stretch), tables, Side.RIGHT, visual=False)
    model = spec.compile()
    rest, lengths = _path_lengths(model, tables)
    fibres = {}
    for i, row in enumerate(tables.muscles):
        shortest = float(lengths[:, i].min())
        longest = float(lengths[:, i].max())
        low, high = FIBRE_RANGE
        l0 = max(row.l0, (rest[i] - shortest) / (1.0 - low), (longest - rest[i]) / (high - 1.0))
        if l0 > rest[i]:
            problem = f"the path of {row.muscle} is {1e3 * rest[i]:.0f} mm at rest, its fibre {1e3 * l0:.0f} mm"
            raise ModelError("hand tables", f"{problem}; there is no room for a tendon")
        fibres[row.muscle] = Fibre(float(l0), float(rest[i] - l0), shortest, longest)
    return fibres


def _path_lengths(model: mujoco.MjModel, tables: HandTables) -> tuple[np.ndarray, np.ndarray]:
    """Path lengths [m] at rest, shape (muscles,), and over the range of motion, shape (postures,
    muscles).

    Postures are random within the limits, bent fingers spreading less, plus every single joint at
    either limit.
    """
    data = mujoco.MjData(model)
    tendons = [model.tendon(Side.RIGHT.name_of(row.muscle)).id for row in tables.muscles]
    rest = np.array([row.rest for row in tables.joints])
    lower = np.array([row.lower for row in tables.joints])
    upper = np.array([row.upper for row in tables.joints])
    names = [row.joint for row in tables.joints]
    address = [model.joint(Side.RIGHT.name_of(name)).qposadr[0] for name in names]
    rng = np.random.default_rng(0)
    postures = lower + rng.random((NUM_POSTURES, len(names))) * (upper - lower)
    narrow_spread(names, postures)
    single = np.repeat(rest[None], 2 * len(names), axis=0)
    for i in range(len(names)):
        single[2 * i, i], single[2 * i + 1, i] = lower[i], upper[i]
    lengths = []
    for posture in np.vstack([rest, postures, single]):
        for i, name in enumerate(names):
            driver = coupled_joint(name)
            if driver is not None:
                posture[i] = DIP_PER_PIP * posture[names.index(driver)]
        data.qpos[address] = posture
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_tendon(model, data)
        lengths.append(data.ten_length[tendons].copy())
    return lengths[0], np.array(lengths)


def _set_muscle(actuator: Any, fibre: Fibre, f0: float, drive: float = 1.0) -> None:
    """MuJoCo encodes l0 and lts in a length range and what it is in normalised lengths."""
    low, high = ((length - fibre.lts) / fibre.l0 for length in (fibre.shortest, fibre.longest))
    actuator.set_to_muscle(
        timeconst=list(ACTIVATION_TIMES),
        tausmooth=0.0,
        range=[low, high],
        force=f0,
        scale=1.0,
        lmin=LMIN,
        lmax=LMAX,
        vmax=VMAX,
        fpmax=FPMAX,
        fvmax=FVMAX,
    )
    actuator.lengthrange = [fibre.shortest, fibre.longest]
    actuator.ctrllimited = mujoco.mjtLimited.mjLIMITED_TRUE
    actuator.ctrlrange = [0.0, max(drive, NO_DRIVE)]
