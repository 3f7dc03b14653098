"""Published muscle curves for comparison with MuJoCo's: De Groote et al. 2016, Millard et al. 2013.

Lengths are in optimal fibre lengths [l0], speeds in maximum shortening speeds [vmax], lengthening
positive, forces in peak isometric forces [f0]. All functions take and return arrays of any shape.
Formulas and constants were read in OpenSim 4's classes that carry the papers' curves
(`DeGrooteFregly2016Muscle`, `ActiveForceLengthCurve`, `FiberForceLengthCurve`,
`ForceVelocityCurve`, `SmoothSegmentedFunctionFactory`, `FirstOrderMuscleActivationDynamics`), not
in the papers themselves. Tests check the constants that OpenSim states and their landmarks.
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
"""A vectorised function of normalised length or speed."""

LENGTHS = (0.4, 1.6)
"""[l0] Range of fibre lengths over which curves are compared; chosen."""

SPEEDS = (-1.0, 1.0)
"""[vmax] Range of speeds over which curves are compared."""

_GAUSSIANS = (
    (0.8150671134243542, 1.055033428970575, 0.162384573599574, 0.063303448465465),
    (0.433004984392647, 0.716775413397760, -0.029947116970696, 0.200356847296188),
    (0.1, 1.0, 0.353553390593274, 0.0),
)
"""Height, centre, width and growth of the width with length of three Gaussians (b11 to b43), as in
OpenSim, whose first height makes the sum 1 at length 1."""

_SPEED_SCALE = -8.149
"""d2 of De Groote et al. 2016, as in OpenSim."""

_SPEED_SHIFT = -0.374
"""d3 of De Groote et al. 2016, as in OpenSim."""

_PASSIVE_SHAPE = 4.0
"""kPE of De Groote et al. 2016."""

_PASSIVE_STRAIN = 0.6
"""e0 of De Groote et al. 2016: strain with passive force 1."""

_TENDON_SCALE = 0.2
"""c1 of De Groote et al. 2016."""

_TENDON_SHIFT = 0.995
"""c2 of De Groote et al. 2016."""

_TENDON_OFFSET = 0.25
"""c3 of De Groote et al. 2016."""

_BISECTIONS = 52
"""Bisections that reach the precision of a double."""


class CurveConstants(NamedTuple):
    """Shape of MuJoCo's curves, with the names of its muscle actuator."""

    lmin: float
    """[l0] Lower end of the active force-length curve."""

    lmax: float
    """[l0] Upper end of the active force-length curve."""

    fpmax: float
    """[f0] Scale of the passive force."""

    fvmax: float
    """[f0] Force at saturating lengthening speed."""


class CurveSet(NamedTuple):
    """Curves of one muscle model."""

    active: Curve
    """Active force [f0] over length [l0]."""

    passive: Curve
    """Passive force [f0] over length [l0]."""

    velocity: Curve
    """Force factor over lengthening speed [vmax]."""


class Difference(NamedTuple):
    """Difference between two curves."""

    largest: float
    """[f0] Largest absolute difference."""

    rms: float
    """[f0] Root mean square difference."""


class CurveDifferences(NamedTuple):
    """Differences between two muscle models."""

    active: Difference
    """Of the active force over `LENGTHS`."""

    passive: Difference
    """Of the passive force over `LENGTHS`."""

    velocity: Difference
    """Of the force factor over `SPEEDS`."""


def de_groote_active(fibre: np.ndarray) -> np.ndarray:
    """Active force-length curve [f0] of De Groote et al. 2016 (Ann Biomed Eng 44:2922).

    Three Gaussians of varying width, 1 at length 1.

    Args:
        fibre: length [l0], valid from 0.2 to 1.8.
    """
    fibre = np.asarray(fibre, dtype=float)
    force = np.zeros_like(fibre)
    for height, centre, width, growth in _GAUSSIANS:
        force = force + height * np.exp(
            -0.5 * np.square((fibre - centre) / (width + growth * fibre))
        )
    return force


def de_groote_velocity(speed: np.ndarray) -> np.ndarray:
    """Force-velocity curve of De Groote et al. 2016, an inverse hyperbolic sine.

    With the paper's rounded scale and offset the curve misses (-1, 0) and (0, 1); the scale and
    offset here meet both, as OpenSim's do.

    Args:
        speed: lengthening speed [vmax], valid from -1 to 1.
    """
    scale = 1.0 / (math.asinh(_SPEED_SHIFT) - math.asinh(_SPEED_SHIFT - _SPEED_SCALE))
    offset = 1.0 - scale * math.asinh(_SPEED_SHIFT)
    return scale * np.arcsinh(_SPEED_SCALE * np.asarray(speed, dtype=float) + _SPEED_SHIFT) + offset


def de_groote_passive(fibre: np.ndarray) -> np.ndarray:
    """Passive force-length curve [f0] of De Groote et al. 2016: an exponential, 1 at 1.6.

    As published it is 0 at length 1 and negative below, down to -0.019; OpenSim shifts the curve to
    be 0 at length 0.2.

    Args:
        fibre: length [l0].
    """
    strain = (np.asarray(fibre, dtype=float) - 1.0) / _PASSIVE_STRAIN
    return np.expm1(_PASSIVE_SHAPE * strain) / math.expm1(_PASSIVE_SHAPE)


def de_groote_tendon(tendon: np.ndarray, *, stiffness: float = 35.0) -> np.ndarray:
    """Tendon force-length curve [f0] of De Groote et al. 2016: an exponential, 1 at 1.0474.

    As published it is -0.0118 at slack length; OpenSim changed two constants so that it is 0 there,
    and 1 at 1.049. The tendons of our hand are inextensible.

    Args:
        tendon: length [lts].
        stiffness: kT of the paper.
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
    """Activation dynamics of De Groote et al. 2016: rate of activation [1/s].

    Millard's two rates, blended by a hyperbolic tangent in place of a switch.

    Args:
        act: activation, 0..1, any shape.
        ctrl: excitation, 0..1, a shape that broadcasts with it.
        times: time constants of activation and deactivation [s].
        steepness: of the blend. With 0.1, published according to OpenSim, the two rates are nearly
            averaged. OpenSim recommends 10, which sympy considers the published value. A large
            value approaches Millard's switch.
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
    """Activation dynamics of Millard et al. 2013: rate of activation [1/s].

    After Thelen 2003 (J Biomech Eng 125:70). With `floor` 0 it is MuJoCo's muscle without
    smoothing; OpenSim has 0.01. Our hand has other time constants.

    Args:
        act: activation, 0..1, any shape.
        ctrl: excitation, 0..1, a shape that broadcasts with it.
        times: time constants of activation and deactivation [s].
        floor: smallest activation and excitation; smaller values are raised to it.
    """
    act, ctrl = (np.clip(np.asarray(value, dtype=float), floor, 1.0) for value in (act, ctrl))
    slowing = 0.5 + 1.5 * act
    return np.asarray((ctrl - act) / np.where(ctrl > act, times[0] * slowing, times[1] / slowing))


def millard_active(fibre: np.ndarray, *, floor: float = 0.0) -> np.ndarray:
    """Active force-length curve [f0] of Millard et al. 2013 (J Biomech Eng 135:021005).

    Steep and shallow ascending limb, plateau and descending limb, with OpenSim's constants.

    Args:
        fibre: length [l0].
        floor: force outside the limbs: 0 in the model with fibre damping, 0.1 in the model without,
            which needs some force.
    """
    return _active_spline(floor)(fibre)


def millard_passive(fibre: np.ndarray) -> np.ndarray:
    """Passive force-length curve [f0] of Millard et al. 2013 with OpenSim's constants.

    It is 0 up to length 1, 1 at 1.7, and linear beyond.

    Args:
        fibre: length [l0].
    """
    return _passive_spline()(fibre)


def millard_velocity(speed: np.ndarray) -> np.ndarray:
    """Force-velocity curve of Millard et al. 2013 with OpenSim's constants.

    It is 0 up to speed -1, 1 at 0, and 1.4 from 1 on.

    Args:
        speed: lengthening speed [vmax].
    """
    return _velocity_spline()(speed)


def curve_sets(constants: CurveConstants) -> dict[str, CurveSet]:
    """Curves of three muscle models by name: `mujoco`, `de_groote_2016` and `millard_2013`.

    Args:
        constants: of MuJoCo's curves.

    Raises:
        InvalidValue: MuJoCo's curves are not defined for the constants.
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


def curve_differences(
    curves: CurveSet, baseline: CurveSet, *, samples: int = 601
) -> CurveDifferences:
    """Compares two muscle models.

    Args:
        curves: a model.
        baseline: another model.
        samples: number of evenly spaced lengths in `LENGTHS` and speeds in `SPEEDS`.
    """
    points = (
        np.linspace(*LENGTHS, samples),
        np.linspace(*LENGTHS, samples),
        np.linspace(*SPEEDS, samples),
    )
    gaps = (curve(x) - base(x) for curve, base, x in zip(curves, baseline, points, strict=True))
    return CurveDifferences(
        *(Difference(float(np.abs(gap).max()), float(np.sqrt(np.mean(gap * gap)))) for gap in gaps)
    )


class _Knot(NamedTuple):
    """A point of a curve with the slope of the curve."""

    x: float
    """Length [l0] or speed [vmax]."""

    y: float
    """Force [f0]."""

    slope: float
    """Derivative of y by x."""


class _Spline(NamedTuple):
    """A curve of fifth-order Bezier pieces through knots, linear beyond its ends."""

    x: BPoly
    """x over the parameter of the curve."""

    y: BPoly
    """y over the parameter of the curve."""

    first: _Knot
    """Left end."""

    last: _Knot
    """Right end."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, dtype=float)
        inside = np.clip(values, self.first.x, self.last.x)
        # x rises with the curve's parameter, so that bisection finds it for all values at once.
        low = np.zeros_like(inside)
        high = np.full_like(inside, self.x.x[-1])
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            below = self.x(middle) < inside
            low = np.where(below, middle, low)
            high = np.where(below, high, middle)
        beyond = values - inside
        slope = np.where(beyond < 0.0, self.first.slope, self.last.slope)
        return np.asarray(self.y(0.5 * (low + high)) + slope * beyond)


def _spline(*corners: tuple[_Knot, float]) -> _Spline:
    """Joins knots by Bezier pieces.

    A piece has six control points: both ends, and two double points, each between an end and the
    intersection of the tangents. The double points make curvature vanish at the knots, so that the
    curve is twice differentiable.

    Args:
        corners: each knot with the curviness (0..1) of the piece that ends there; that of the first
            is not used.
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
    highest = 1.4
    near = 0.9
    near_slope = 0.25
    isometric_slope = 5.0
    far_slope = 0.15
    return _spline(
        (_Knot(-1.0, 0.0, 0.0), shortening),
        (_Knot(-near, 0.5 * near_slope * (1.0 - near), near_slope), shortening),
        (_Knot(0.0, 1.0, isometric_slope), shortening),
        (_Knot(near, highest - 0.5 * far_slope * (1.0 - near), far_slope), lengthening),
        (_Knot(1.0, highest, 0.0), lengthening),
    )


def _check(constants: CurveConstants) -> None:
    lmin, lmax, fpmax, fvmax = constants
    for name, value, legal, is_legal in (
        ("lmin", lmin, "at least 0 and below 1", 0.0 <= lmin < 1.0),
        ("lmax", lmax, "a finite number above 1", 1.0 < lmax < math.inf),
        ("fpmax", fpmax, "a finite number of at least 0", 0.0 <= fpmax < math.inf),
        ("fvmax", fvmax, "a finite number above 1", 1.0 < fvmax < math.inf),
    ):
        if not is_legal:
            raise InvalidValue(name, value, legal)
