"""Published curves of muscle, to compare MuJoCo's with: De Groote et al. 2016 and Millard et al.
2013.

Lengths are in optimal fibre lengths [l0], speeds in maximum shortening speeds [vmax], lengthening
positive, forces in peak isometric forces [f0]. All functions take and return arrays of any shape.
Formulas and constants were read in OpenSim 4's classes that carry the papers' curves
(`DeGrooteFregly2016Muscle`, `ActiveForceLengthCurve`, `FiberForceLengthCurve`,
`ForceVelocityCurve`, `SmoothSegmentedFunctionFactory`, `FirstOrderMuscleActivationDynamics`), not
in the papers themselves; tests hold the constants OpenSim states and the landmarks they imply.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.interpolate import BPoly

from musclehand.body.muscle import force_length, force_velocity, passive_force
from musclehand.core.errors import InvalidValue

Curve = Callable[[np.ndarray], np.ndarray]

LENGTHS = (0.4, 1.6)
SPEEDS = (-1.0, 1.0)
"""Where curves are compared: fibre lengths [l0] and speeds [vmax]."""

_GAUSSIANS = (
    (0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465),
    (0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188),
    (0.1, 1.0, 0.353553390593274, 0.0),
)
"""Height, centre, width and growth of width with length, as in OpenSim, whose first height makes
the sum 1 at 1."""

_SPEED_SCALE = -8.149
_SPEED_SHIFT = -0.374
_PASSIVE_SHAPE = 4.0
_PASSIVE_STRAIN = 0.6
_TENDON_SCALE = 0.2
_TENDON_SHIFT = 0.995
_TENDON_OFFSET = 0.25

_BISECTIONS = 52


class CurveConstants(NamedTuple):
    """Shape of MuJoCo's curves: `lmin`, `lmax` [l0], `fpmax`, `fvmax` [f0], as in its muscle
    actuator."""

    lmin: float
    lmax: float
    fpmax: float
    fvmax: float


class CurveSet(NamedTuple):
    """The three curves of one model: active and passive force [f0] over length [l0], force
    factor over speed [vmax]."""

    active: Curve
    passive: Curve
    velocity: Curve


class Difference(NamedTuple):
    """Between two curves: largest absolute and root mean square difference [f0]."""

    largest: float
    rms: float


class CurveDifferences(NamedTuple):
    """Between two models: active and passive force over `LENGTHS`, force factor over `SPEEDS`."""

    active: Difference
    passive: Difference
    velocity: Difference


def de_groote_active(fibre: np.ndarray) -> np.ndarray:
    """Active force [f0] at length `fibre` [l0]: three bells of varying width, 1 at 1; made for 0.2
    to 1.8.

    De Groote et al. 2016 (Ann Biomed Eng 44:2922).
    """
    fibre = np.asarray(fibre, dtype=float)
    force = np.zeros_like(fibre)
    for height, centre, width, growth in _GAUSSIANS:
        force = force + height * np.exp(
            -0.5 * np.square((fibre - centre) / (width + growth * fibre))
        )
    return force


def de_groote_velocity(speed: np.ndarray) -> np.ndarray:
    """Force factor at lengthening speed `speed` [vmax]: a logarithm on both sides, made for -1 to
    1.

    De Groote et al. 2016. The paper's rounded scale and offset miss (-1, 0) and (0, 1); like
    OpenSim's, ours are those with which the curve meets both.
    """
    scale = 1.0 / (math.asinh(_SPEED_SHIFT) - math.asinh(_SPEED_SHIFT - _SPEED_SCALE))
    offset = 1.0 - scale * math.asinh(_SPEED_SHIFT)
    return scale * np.arcsinh(_SPEED_SCALE * np.asarray(speed, dtype=float) + _SPEED_SHIFT) + offset


def de_groote_passive(fibre: np.ndarray) -> np.ndarray:
    """Force of the stretched fibre [f0] at length `fibre` [l0]: an exponential, 0 at 1 and 1 at
    1.6.

    De Groote et al. 2016, as published: below length 1 it pushes, with at most 0.019 (OpenSim
    shifts the curve to be 0 at length 0.2 instead).
    """
    strain = (np.asarray(fibre, dtype=float) - 1.0) / _PASSIVE_STRAIN
    return np.expm1(_PASSIVE_SHAPE * strain) / math.expm1(_PASSIVE_SHAPE)


def de_groote_tendon(tendon: np.ndarray, *, stiffness: float = 35.0) -> np.ndarray:
    """Force of the tendon [f0] at length `tendon` [lts], an exponential: 1 at 1.0474 with the usual
    stiffness.

    De Groote et al. 2016, as published: at slack length it pushes with 0.0118 (OpenSim changed two
    constants so that it is 0 there, and bears 1 at 1.049). The hand has no such curve: its tendons
    do not stretch.
    """
    stretched = np.exp(stiffness * (np.asarray(tendon, dtype=float) - _TENDON_SHIFT))
    return np.asarray(_TENDON_SCALE * stretched - _TENDON_OFFSET)


def de_groote_activation_rate(
    act: np.ndarray,
    ctrl: np.ndarray,
    *,
    times: tuple[float, float] = (0.015, 0.060),
    steepness: float = 0.1,
) -> np.ndarray:
    """Change of activation [1/s] at activation `act` under excitation `ctrl`, both 0..1.

    De Groote et al. 2016: Millard's two rates blended by a hyperbolic tangent in place of the
    switch between them.

    Args:
        act: activation, any shape.
        ctrl: excitation, any shape that goes with it.
        times: time constants of activation and deactivation [s].
        steepness: of the blend. OpenSim says that 0.1 was published, with which the two rates are
            nearly averaged, and recommends 10, which sympy takes for the published one; a large one
            is Millard's switch.
    """
    act = np.asarray(act, dtype=float)
    ctrl = np.asarray(ctrl, dtype=float)
    slowing = 0.5 + 1.5 * act
    rising = 0.5 + 0.5 * np.tanh(steepness * (ctrl - act))
    return np.asarray(
        (rising / (times[0] * slowing) + (1.0 - rising) * slowing / times[1]) * (ctrl - act)
    )


def millard_activation_rate(
    act: np.ndarray,
    ctrl: np.ndarray,
    *,
    times: tuple[float, float] = (0.010, 0.040),
    floor: float = 0.0,
) -> np.ndarray:
    """Change of activation [1/s] at activation `act` under excitation `ctrl`, both 0..1 and taken
    as at least `floor`.

    Millard et al. 2013, after Thelen 2003 (J Biomech Eng 125:70). With `floor` 0 it is MuJoCo's
    muscle without smoothing; OpenSim's is 0.01. The hand's differs in its time constants.

    Args:
        act: activation, any shape.
        ctrl: excitation, any shape that goes with it.
        times: time constants of activation and deactivation [s].
        floor: lowest activation.
    """
    act, ctrl = (np.clip(np.asarray(value, dtype=float), floor, 1.0) for value in (act, ctrl))
    slowing = 0.5 + 1.5 * act
    return np.asarray((ctrl - act) / np.where(ctrl > act, times[0] * slowing, times[1] / slowing))


def millard_active(fibre: np.ndarray, *, floor: float = 0.0) -> np.ndarray:
    """Active force [f0] at length `fibre` [l0]: steep and shallow ascending limb, plateau,
    descending limb.

    Millard et al. 2013 (J Biomech Eng 135:021005) with OpenSim's constants.

    Args:
        fibre: length [l0].
        floor: force outside the limbs; 0 in the model with fibre damping, 0.1 in the one without,
            which cannot do with less.
    """
    return _active_spline(floor)(fibre)


def millard_passive(fibre: np.ndarray) -> np.ndarray:
    """Force of the stretched fibre [f0] at length `fibre` [l0]: 0 up to 1, 1 at 1.7, straight
    beyond.

    Millard et al. 2013 with OpenSim's constants.
    """
    return _passive_spline()(fibre)


def millard_velocity(speed: np.ndarray) -> np.ndarray:
    """Force factor at lengthening speed `speed` [vmax]: 0 up to -1, 1 at 0, 1.4 from 1 on.

    Millard et al. 2013 with OpenSim's constants.
    """
    return _velocity_spline()(speed)


def curve_sets(constants: CurveConstants) -> dict[str, CurveSet]:
    """The three models by name: `mujoco` with the given constants, `de_groote_2016`,
    `millard_2013`.

    Raises:
        InvalidValue: constants with which MuJoCo's curves are not defined.
    """
    _check(constants)
    lmin, lmax, fpmax, fvmax = (np.asarray(value, dtype=float) for value in constants)
    return {
        "mujoco": CurveSet(
            lambda fibre: force_length(np.asarray(fibre, dtype=float), lmin, lmax),
            lambda fibre: passive_force(np.asarray(fibre, dtype=float), lmax, fpmax),
            lambda speed: force_velocity(np.asarray(speed, dtype=float), fvmax),
        ),
        "de_groote_2016": CurveSet(de_groote_active, de_groote_passive, de_groote_velocity),
        "millard_2013": CurveSet(millard_active, millard_passive, millard_velocity),
    }


def curve_differences(one: CurveSet, other: CurveSet, *, samples: int = 601) -> CurveDifferences:
    """How far two models are apart, over `samples` evenly spaced lengths in `LENGTHS` and speeds
    in `SPEEDS`."""
    places = (
        np.linspace(*LENGTHS, samples),
        np.linspace(*LENGTHS, samples),
        np.linspace(*SPEEDS, samples),
    )
    gaps = (first(at) - second(at) for first, second, at in zip(one, other, places, strict=True))
    return CurveDifferences(
        *(Difference(float(np.abs(d).max()), float(np.sqrt(np.mean(d * d)))) for d in gaps)
    )


class _Knot(NamedTuple):
    """A point of a curve and its slope there."""

    x: float
    y: float
    slope: float


class _Spline(NamedTuple):
    """A curve through knots in pieces of fifth-order Bezier, straight beyond its ends; called
    with any array."""

    x: BPoly
    y: BPoly
    first: _Knot
    last: _Knot

    def __call__(self, at: np.ndarray) -> np.ndarray:
        at = np.asarray(at, dtype=float)
        inside = np.clip(at, self.first.x, self.last.x)
        # x rises with the curve's parameter, so halving finds it for all places at once and cannot
        # fail.
        low = np.zeros_like(inside)
        high = np.full_like(inside, self.x.x[-1])
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            below = self.x(middle) < inside
            low = np.where(below, middle, low)
            high = np.where(below, high, middle)
        beyond = at - inside
        slope = np.where(beyond < 0.0, self.first.slope, self.last.slope)
        return np.asarray(self.y(0.5 * (low + high)) + slope * beyond)


def _spline(*corners: tuple[_Knot, float]) -> _Spline:
    """Joins knots, each given with the curviness (0..1) of the piece that ends in it; the first
    one's is not used.

    A piece has six control points: both ends, and twice each a point on the way from an end to
    where the two tangents cross. With the doubled points curvature vanishes at the knots, which
    makes the curve twice differentiable.
    """
    columns = []
    for (start, _), (end, curviness) in itertools.pairwise(corners):
        share = 0.1 + 0.8 * curviness
        cross = (end.y - start.y - end.x * end.slope + start.x * start.slope) / (
            start.slope - end.slope
        )
        height = end.y + (cross - end.x) * end.slope
        near = start.x + share * (cross - start.x), start.y + share * (height - start.y)
        far = end.x + share * (cross - end.x), end.y + share * (height - end.y)
        columns.append([start[:2], near, near, far, far, end[:2]])
    points = np.array(columns)
    breaks = np.arange(len(columns) + 1.0)
    return _Spline(
        BPoly(points[..., 0].T, breaks),
        BPoly(points[..., 1].T, breaks),
        first=corners[0][0],
        last=corners[-1][0],
    )


@lru_cache(maxsize=8)
def _active_spline(floor: float) -> _Spline:
    shortest = 0.4441
    bend = 0.73
    longest = 1.8123
    shallow = 0.8616
    shoulder = 0.05  # half the width of the plateau
    bend_force = 1.0 - shallow * (1.0 - shoulder - bend)
    middle = 0.5 * (1.0 - shoulder - bend)
    knots = (
        _Knot(shortest, floor, 0.0),
        _Knot(0.5 * (shortest + bend), 0.5 * bend_force, 1.25 * bend_force / (bend - shortest)),
        _Knot(bend + middle, 0.5 * (bend_force + 1.0), shallow),
        _Knot(1.0, 1.0, 0.0),
        _Knot(0.5 * (1.0 + shoulder + longest), 0.5, -1.0 / (longest - 1.0 - 2.0 * shoulder)),
        _Knot(longest, floor, 0.0),
    )
    return _spline(*((knot, 1.0) for knot in knots))


@lru_cache(maxsize=1)
def _passive_spline() -> _Spline:
    strain = 0.7
    toe_stiffness = 0.2
    curviness = 0.75
    stiffness = 2.0 / strain
    toe = 0.1 * min(1.0 / stiffness, strain)
    knots = (
        _Knot(1.0, 0.0, 0.0),
        _Knot(1.0 + toe, 0.5 * toe_stiffness * toe, toe_stiffness),
        _Knot(1.0 + strain, 1.0, stiffness),
    )
    return _spline(*((knot, curviness) for knot in knots))


@lru_cache(maxsize=1)
def _velocity_spline() -> _Spline:
    shortening = 0.6
    lengthening = 0.9
    most = 1.4
    near = 0.9
    near_slope = 0.25
    isometric_slope = 5.0
    far_slope = 0.15
    return _spline(
        (_Knot(-1.0, 0.0, 0.0), shortening),
        (_Knot(-near, 0.5 * near_slope * (1.0 - near), near_slope), shortening),
        (_Knot(0.0, 1.0, isometric_slope), shortening),
        (_Knot(near, most - 0.5 * far_slope * (1.0 - near), far_slope), lengthening),
        (_Knot(1.0, most, 0.0), lengthening),
    )


def _check(constants: CurveConstants) -> None:
    lmin, lmax, fpmax, fvmax = constants
    for name, value, legal, fine in (
        ("lmin", lmin, "at least 0 and below 1", 0.0 <= lmin < 1.0),
        ("lmax", lmax, "a finite number above 1", 1.0 < lmax < math.inf),
        ("fpmax", fpmax, "a finite number of at least 0", 0.0 <= fpmax < math.inf),
        ("fvmax", fvmax, "a finite number above 1", 1.0 < fvmax < math.inf),
    ):
        if not fine:
            raise InvalidValue(name, value, legal)
