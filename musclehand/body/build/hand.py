"""The hand as a MuJoCo model, with fibre and tendon slack lengths fitted to its muscle paths.

`add_hands` adds one or two hands to a spec; `load_hand` compiles a single hand alone, for analyses
and inverse kinematics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.extremes import path_extremes
from musclehand.body.anatomy import (
    Side,
    coupled_joint,
    coupling_ratio,
)
from musclehand.body.build.hand_file import HandFile
from musclehand.body.build.myosim import MyoSimArm
from musclehand.body.build.overlay import add_hand
from musclehand.body.build.path import add_path, add_wrap
from musclehand.body.build.scaling import scale_tables
from musclehand.body.build.table_rows import HandTables
from musclehand.body.build.tables import load_tables
from musclehand.body.build.tendon_links import add_links
from musclehand.body.naming import Naming, own_naming
from musclehand.body.posture import narrow_spread
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

ACTIVATION_TIMES = (0.010, 0.020)
"""[s] Time constants of activation and deactivation. The second limits how fast a finger can tap:
with 40 ms, as in models of slower muscles, an earlier version of this hand reached 4-5 Hz; people
reach 5-7 Hz (Neurosci Lett 2009)."""

LMIN = 0.28
"""[l0] Lower end of the active force-length curve; `models/hand/SOURCES.md` has the sources of this
and the following four (`analysis/muscle_curves.py` draws the curves beside published ones)."""

LMAX = 1.7
"""[l0] Upper end of the active force-length curve."""

VMAX = 10.0
"""[l0/s] Maximum shortening velocity."""

FPMAX = 0.2
"""[f0] Scale of the passive force, small because fingers spend their time near rest."""

FVMAX = 1.4
"""[f0] Force at saturating lengthening velocity."""

FIBRE_RANGE = (0.5, 1.5)
"""[l0] Normalised fibre lengths that ordinary postures stay within: the range over which the fibres
of a whole muscle usually work."""

USUAL_FIBRE = 0.9
"""Longest share of its path that a fibre takes for the sake of `FIBRE_RANGE`; chosen, so that a
short muscle keeps some tendon."""

MOST_FIBRE = 0.975
"""Longest share of its path that a fibre takes for the sake of `CORNER_RANGE`. Only hands far from
usual proportions reach it, whose adductor then has no force in some corner; chosen."""

CORNER_RANGE = (LMIN + 0.02, LMAX - 0.05)
"""[l0] Normalised fibre lengths that no posture leaves, corners of the range of motion included, so
that every muscle has some active force everywhere; chosen."""

NUM_POSTURES = 400
"""Random postures over which path lengths are measured; chosen."""

NO_DRIVE = 1e-9
"""Highest excitation of a paralysed muscle, because MuJoCo refuses an empty control range."""


class Fibre(NamedTuple):
    """Fitted lengths of a muscle."""

    l0: float
    """[m] Optimal fibre length."""

    lts: float
    """[m] Tendon slack length."""

    shortest: float
    """[m] Shortest path over all postures."""

    longest: float
    """[m] Longest path over all postures."""


HandDesign = HandTables | HandFile
"""Source of a hand: tables, or a model file."""


def naming_of(design: HandDesign | None) -> Naming:
    """The naming of a hand of that design, with patterns for both sides."""
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
        parents: a frame at the root of each hand.
        visual: whether to add bone meshes (hands from tables only), for pictures.
        strength_scale: factor on the peak force of all muscles.
        design: source of the hands; by default the bundled tables.

    Raises:
        InvalidValue: strength scale not above 0.
        ModelError: a table refers to a part that does not exist, or the hand of a file cannot be
            cut out of its model.
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
        add_links(spec, tables, side)


def add_muscles(
    spec: mujoco.MjSpec, side: Side, muscles: Sequence[str], tables: HandTables | None = None
) -> None:
    """Adds muscles of the tables to another hand on MyoSim's bones, such as MyoHand's thumb.

    Args:
        spec: the hand; changed in place.
        side: which hand.
        muscles: names of the muscles, without side suffix.
        tables: tables that define them; by default the bundled ones.

    Raises:
        UnknownName: the tables do not have a muscle.
        ModelError: the hand does not have a bone of a path.
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
            spec.actuator(side.name_of(muscle)),
            fibres[muscle],
            rows[muscle].f0 * math.cos(rows[muscle].pennation),
        )


def hand_spec(
    side: Side = Side.RIGHT,
    *,
    design: HandDesign | None = None,
    visual: bool = False,
    strength_scale: float = 1.0,
) -> mujoco.MjSpec:
    """One hand alone as a spec, its elbow fixed to the world, without gravity.

    Args:
        side: which hand.
        design: source of the hand; by default the bundled tables.
        visual: whether to add bone meshes, for pictures.
        strength_scale: factor on the peak force of all muscles.

    Raises:
        InvalidValue: strength scale not above 0.
        ModelError: a table refers to a part that does not exist.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.option.gravity = [0, 0, 0]
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.compiler.boundmass = 0.0
    add_hands(
        spec,
        {side: spec.worldbody.add_frame()},
        design=design,
        visual=visual,
        strength_scale=strength_scale,
    )
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
    """Compiles one hand of a given size, for analyses and inverse kinematics.

    Args:
        side: which hand.
        hand_length: from the wrist to the tip of the middle finger [m]; 0.175 by default (see
            `body.build.scaling`).
        hand_breadth: across the knuckles [m]; 0.077 by default.
        strength_scale: factor on the peak force of all muscles.
        tables: tables of the hand; by default the bundled ones.
        visual: whether to add bone meshes, for pictures.

    Raises:
        InvalidValue: a size or strength out of range.
        ModelError: a table refers to a part that does not exist.
    """
    scaled = scale_tables(
        tables or load_tables(), hand_length=hand_length, hand_breadth=hand_breadth
    )
    return hand_spec(side, design=scaled, visual=visual, strength_scale=strength_scale).compile()


@lru_cache(maxsize=4)
def fit_fibres(tables: HandTables) -> dict[str, Fibre]:
    """Fits fibre and tendon slack lengths to the muscle paths of a hand.

    Each fibre has normalised length 1 in the rest posture of `joints.csv`. It stays within
    `FIBRE_RANGE` in ordinary postures, and within `CORNER_RANGE` over the whole range of motion,
    whose extremes are searched (`body.analysis.extremes`). The slack length follows from the
    optimal fibre length and the path length at rest. Passive force at rest is therefore zero, and
    the extensors do not oppose the flexors all the time. The optimal length is the table's, or a
    longer one if a posture would otherwise leave these ranges, up to `USUAL_FIBRE` and `MOST_FIBRE`
    of the path at rest.

    Raises:
        ModelError: a path at rest is shorter than its fibre.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    add_hand(spec, spec.worldbody, MyoSimArm(tables.stretch), tables, Side.RIGHT, visual=False)
    model = spec.compile()
    at_rest, lengths = _path_lengths(model, tables)
    tendons = np.array([model.tendon(Side.RIGHT.name_of(row.muscle)).id for row in tables.muscles])
    joints = [model.joint(Side.RIGHT.name_of(row.joint)).id for row in tables.joints]
    extremes = path_extremes(model, tendons, np.array(joints)).lengths
    fibres = {}
    for i, row in enumerate(tables.muscles):
        path = at_rest[i]
        shortest = float(extremes[i, 0])
        longest = float(extremes[i, 1])
        ordinary = _needed(path, lengths[:, i].min(), lengths[:, i].max(), FIBRE_RANGE)
        corners = _needed(path, shortest, longest, CORNER_RANGE)
        l0 = max(row.l0, min(ordinary, USUAL_FIBRE * path), min(corners, MOST_FIBRE * path))
        if l0 > path:
            sizes = f"is {1e3 * path:.0f} mm at rest, its fibre {1e3 * l0:.0f} mm"
            raise ModelError(
                "hand tables", f"the path of {row.muscle} {sizes}; there is no room for a tendon"
            )
        fibres[row.muscle] = Fibre(float(l0), float(path - l0), shortest, longest)
    return fibres


def _needed(path: float, shortest: float, longest: float, limits: tuple[float, float]) -> float:
    """Least optimal length [m] with which a fibre stays within its limits [l0].

    Args:
        path: length of the path where the fibre is at its optimum [m].
        shortest: shortest path [m].
        longest: longest path [m].
        limits: least and greatest normalised length [l0].
    """
    return max((path - shortest) / (1.0 - limits[0]), (longest - path) / (limits[1] - 1.0))


def _path_lengths(model: mujoco.MjModel, tables: HandTables) -> tuple[np.ndarray, np.ndarray]:
    """Path lengths [m] at rest (muscles,) and over the range of motion (postures, muscles).

    The postures are random within the limits, with less abduction of bent fingers, and every single
    joint at either limit.
    """
    data = mujoco.MjData(model)
    tendons = [model.tendon(Side.RIGHT.name_of(row.muscle)).id for row in tables.muscles]
    neutral = np.array([row.rest for row in tables.joints])
    lower = np.array([row.lower for row in tables.joints])
    upper = np.array([row.upper for row in tables.joints])
    names = [row.joint for row in tables.joints]
    address = [model.joint(Side.RIGHT.name_of(name)).qposadr[0] for name in names]
    rng = np.random.default_rng(0)
    postures = lower + rng.random((NUM_POSTURES, len(names))) * (upper - lower)
    narrow_spread(names, postures)
    single = np.repeat(neutral[None], 2 * len(names), axis=0)
    for i in range(len(names)):
        single[2 * i, i] = lower[i]
        single[2 * i + 1, i] = upper[i]
    lengths = []
    for posture in np.vstack([neutral, postures, single]):
        for i, name in enumerate(names):
            driver = coupled_joint(name)
            if driver is not None:
                posture[i] = coupling_ratio(name) * posture[names.index(driver)]
        data.qpos[address] = posture
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_tendon(model, data)
        lengths.append(data.ten_length[tendons].copy())
    return lengths[0], np.array(lengths)


def _set_muscle(actuator: Any, fibre: Fibre, f0: float, drive: float = 1.0) -> None:
    """Sets a muscle's constants; MuJoCo encodes l0 and lts by a length range in m and in l0."""
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
