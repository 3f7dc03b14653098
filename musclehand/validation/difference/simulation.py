"""Changes of the options of the simulation."""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.validation.difference.change import Change
from musclehand.validation.difference.fields import NONE, describe_enum
from musclehand.validation.wording import EQUAL_SHARE, TINY, format_array

_OPTIONS = (
    ("timestep", "time step [s]", 1.0),
    ("gravity", "gravity [m/s^2]", 1.0),
    ("integrator", "integrator", 1.0),
    ("solver", "solver", 0.5),
    ("cone", "friction cone", 0.5),
    ("jacobian", "Jacobian", 0.1),
    ("iterations", "solver iterations", 0.5),
    ("ls_iterations", "line search iterations", 0.2),
    ("noslip_iterations", "no-slip iterations", 0.5),
    ("ccd_iterations", "collision iterations", 0.2),
    ("tolerance", "solver tolerance", 0.2),
    ("ls_tolerance", "line search tolerance", 0.1),
    ("noslip_tolerance", "no-slip tolerance", 0.1),
    ("ccd_tolerance", "collision tolerance", 0.1),
    ("impratio", "impratio", 0.5),
    ("wind", "wind [m/s]", 0.5),
    ("magnetic", "magnetic flux", 0.1),
    ("density", "density of the medium [kg/m^3]", 0.5),
    ("viscosity", "viscosity of the medium [Pa s]", 0.5),
    ("disableflags", "disabled", 5.0),
    ("enableflags", "enabled", 1.0),
    ("disableactuator", "disabled groups of actuators", 5.0),
    ("o_margin", "margin of all contacts [m]", 0.5),
    ("o_solref", "solref of all contacts", 0.5),
    ("o_solimp", "solimp of all contacts", 0.5),
    ("o_friction", "friction of all contacts", 0.5),
    ("sdf_iterations", "iterations of distance fields", 0.1),
    ("sdf_initpoints", "starts of distance fields", 0.1),
    ("sleep_tolerance", "sleep tolerance", 0.2),
)
"""Field of `mjOption`, its name in words, and the weight of its change."""

_ENUMS = {
    "integrator": "mjtIntegrator",
    "solver": "mjtSolver",
    "cone": "mjtCone",
    "jacobian": "mjtJacobian",
}

_FLAGS = {"disableflags": "mjtDisableBit", "enableflags": "mjtEnableBit"}


def compare_options(before: mujoco.MjModel, after: mujoco.MjModel) -> list[Change]:
    """All changes of the options of two models, in order."""
    changes = []
    for field, part, weight in _OPTIONS:
        if not hasattr(before.opt, field):
            continue
        old, new = (
            np.atleast_1d(getattr(model.opt, field)).astype(float) for model in (before, after)
        )
        if np.allclose(old, new, rtol=EQUAL_SHARE, atol=TINY):
            continue
        words = [_words(field, values) for values in (old, new)]
        changes.append(Change("simulation", part, f"{words[0]} -> {words[1]}", weight))
    return changes


def _words(field: str, values: np.ndarray) -> str:
    if field in _ENUMS:
        return describe_enum(_ENUMS[field], int(values[0]))
    if field in _FLAGS:
        bits = getattr(mujoco, _FLAGS[field]).__members__.values()
        names = [
            bit.name.split("_", 1)[-1].lower()
            for bit in bits
            if bit.name.count("_") and int(values[0]) & bit.value
        ]
        return ", ".join(names) or NONE
    return format_array(values)
