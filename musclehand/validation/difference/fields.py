"""Constants of joints, muscles, tendons, outlines and couplings that are told as they stand.

They are those that have no anatomical meaning of their own, such as the softness of a limit.
`test_every_number_of_a_hand_is_compared` holds that no number which moves the hand is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.validation.difference.change import Change
from musclehand.validation.wording import EQUAL_LENGTH, EQUAL_SHARE, TINY, format_array

EQUAL_NUMBER = 1e-9
"""Changes of numbers that are none, of any unit but metres."""

NONE = "none"
"""Word for a range that does not limit anything."""


class Constant(NamedTuple):
    """An array of `MjModel` with one row for each part."""

    field: str
    """Name in `MjModel`; older versions of MuJoCo may lack it."""

    name: str
    """In words, with the unit."""

    weight: float
    """Weight of its change; own choice."""

    switch: str = ""
    """Array that says whether the constant is in use, such as `jnt_limited`; "" if it always is."""

    enum: str = ""
    """Enumeration of MuJoCo of its values, such as `mjtJoint`; "" for numbers."""


class Row(NamedTuple):
    """One part of a model."""

    model: mujoco.MjModel
    """The model."""

    number: int
    """Id of the part, a row of its arrays."""


JOINT = (
    Constant("jnt_type", "kind of joint", 20.0, enum="mjtJoint"),
    Constant("jnt_margin", "margin of the limits [rad]", 0.5),
    Constant("jnt_solref", "solreflimit", 0.5),
    Constant("jnt_solimp", "solimplimit", 0.5),
    Constant("jnt_actfrcrange", "range of muscle torque [N m]", 5.0, switch="jnt_actfrclimited"),
    Constant("jnt_actgravcomp", "gravity compensation by muscles", 2.0),
    Constant("jnt_springyield", "yield of the spring", 2.0),
)
"""Constants of joints, by joint."""

DOF = (
    Constant("dof_solref", "solreffriction", 0.2),
    Constant("dof_solimp", "solimpfriction", 0.2),
)
"""Constants of joints, by degree of freedom."""

TENDON = (
    Constant("tendon_range", "range of length [m]", 5.0, switch="tendon_limited"),
    Constant("tendon_actfrcrange", "range of force [N]", 5.0, switch="tendon_actfrclimited"),
    Constant("tendon_stiffness", "stiffness [N/m]", 5.0),
    Constant("tendon_stiffnesspoly", "higher coefficients of the stiffness", 5.0),
    Constant("tendon_lengthspring", "rest length [m]", 5.0, switch="tendon_stiffness"),
    Constant("tendon_springyield", "yield of the spring", 2.0),
    Constant("tendon_damping", "damping [N s/m]", 5.0),
    Constant("tendon_dampingpoly", "higher coefficients of the damping", 5.0),
    Constant("tendon_frictionloss", "dry friction [N]", 5.0),
    Constant("tendon_armature", "inertia [kg]", 5.0),
    Constant("tendon_margin", "margin of the limits [m]", 0.5),
    Constant("tendon_solref_lim", "solreflimit", 0.5),
    Constant("tendon_solimp_lim", "solimplimit", 0.5),
    Constant("tendon_solref_fri", "solreffriction", 0.2),
    Constant("tendon_solimp_fri", "solimpfriction", 0.2),
)
"""Constants of the tendons of muscles, and of other tendons."""

ACTUATOR = (
    Constant("actuator_gear", "gear", 5.0),
    Constant("actuator_ctrlrange", "range of excitation", 3.0, switch="actuator_ctrllimited"),
    Constant("actuator_forcerange", "range of force [N]", 5.0, switch="actuator_forcelimited"),
    Constant("actuator_actrange", "range of activation", 3.0, switch="actuator_actlimited"),
    Constant("actuator_actearly", "activation of the next step", 0.5),
    Constant("actuator_delay", "delay [s]", 3.0),
    Constant("actuator_damping", "damping", 3.0),
    Constant("actuator_dampingpoly", "higher coefficients of the damping", 3.0),
    Constant("actuator_armature", "armature", 3.0),
    Constant("actuator_gaintype", "kind of active force", 10.0, enum="mjtGain"),
    Constant("actuator_biastype", "kind of passive force", 10.0, enum="mjtBias"),
    Constant("actuator_dyntype", "kind of activation", 10.0, enum="mjtDyn"),
    Constant("actuator_group", "group", 0.1),
)
"""Constants of muscles and of other actuators."""

DRIVE = (
    Constant("actuator_gainprm", "constants of active force", 5.0),
    Constant("actuator_biasprm", "constants of passive force", 5.0),
    Constant("actuator_dynprm", "constants of activation", 5.0),
)
"""Constants of actuators that are no muscles."""

GEOM = (
    Constant("geom_type", "shape", 2.0, enum="mjtGeom"),
    Constant("geom_size", "size [m]", 2.0),
    Constant("geom_friction", "friction", 1.0),
    Constant("geom_margin", "margin [m]", 1.0),
    Constant("geom_gap", "gap [m]", 1.0),
    Constant("geom_condim", "condim", 1.0),
    Constant("geom_contype", "contype", 1.0),
    Constant("geom_conaffinity", "conaffinity", 1.0),
    Constant("geom_priority", "priority", 0.5),
    Constant("geom_solref", "solref", 0.5),
    Constant("geom_solimp", "solimp", 0.5),
    Constant("geom_solmix", "solmix", 0.5),
    Constant("geom_adhesion", "adhesion", 1.0),
    Constant("geom_surfacevel", "velocity of the surface", 1.0),
    Constant("geom_fluid", "coefficients in a fluid", 0.2),
)
"""Constants of contact geoms."""

BODY = (Constant("body_gravcomp", "share of gravity taken off", 2.0),)
"""Constants of bones."""

PAIR = (
    Constant("pair_dim", "condim", 1.0),
    Constant("pair_friction", "friction", 1.0),
    Constant("pair_margin", "margin [m]", 1.0),
    Constant("pair_gap", "gap [m]", 1.0),
    Constant("pair_solref", "solref", 0.5),
    Constant("pair_solreffriction", "solreffriction", 0.5),
    Constant("pair_solimp", "solimp", 0.5),
    Constant("pair_adhesion", "adhesion", 1.0),
)
"""Constants of pairs of geoms whose contact is defined."""

SOFTNESS = (
    Constant("eq_solref", "solref", 0.5),
    Constant("eq_solimp", "solimp", 0.5),
)
"""Constants of couplings."""

EQUALITY = (
    Constant("eq_active0", "active", 5.0),
    Constant("eq_type", "kind of equality", 5.0, enum="mjtEq"),
    Constant("eq_data", "coefficients", 5.0),
    *SOFTNESS,
)
"""Constants of other equalities."""


def compare_constants(
    old: Row, new: Row, constants: Sequence[Constant], *, group: str, part: str
) -> list[Change]:
    """Changes of constants of one part.

    Args:
        old: the part in the first model.
        new: the part in the second model.
        constants: those of its kind.
        group: heading of the changes.
        part: the part in words.
    """
    changes = []
    for constant in constants:
        a, b = (_values(row, constant) for row in (old, new))
        if a is None and b is None:
            continue
        if a is not None and b is not None:
            atol = EQUAL_LENGTH if "[m]" in constant.name else EQUAL_NUMBER
            if np.allclose(a, b, rtol=EQUAL_SHARE, atol=min(atol, _tenth(a, b))):
                continue
        words = f"{constant.name} {_words(a, constant)} -> {_words(b, constant)}"
        changes.append(Change(group, part, words, constant.weight, shared=words))
    return changes


def _tenth(a: np.ndarray, b: np.ndarray) -> float:
    """A tenth of the largest of all numbers, so that small constants can be told apart."""
    return max(0.1 * float(np.abs([*a, *b]).max(initial=0.0)), TINY)


def _values(row: Row, constant: Constant) -> np.ndarray | None:
    """The numbers of a constant; None where they are not in use or MuJoCo lacks them."""
    values = getattr(row.model, constant.field, None)
    if values is None:
        return None
    if constant.switch and not np.any(getattr(row.model, constant.switch)[row.number]):
        return None
    return np.atleast_1d(values[row.number]).astype(float)


def _words(values: np.ndarray | None, constant: Constant) -> str:
    if values is None:
        return NONE
    if constant.enum:
        return describe_enum(constant.enum, int(values[0]))
    # Zeros at the end, which most constants have, say nothing.
    last = np.flatnonzero(values)
    return format_array(values[: last[-1] + 1] if last.size else values[:1])


def describe_enum(name: str, value: int) -> str:
    """The word for a value of an enumeration of MuJoCo: "hinge" for `mjtJoint.mjJNT_HINGE`.

    Args:
        name: the enumeration.
        value: the value.
    """
    return str(getattr(mujoco, name)(value).name).split("_", 1)[-1].lower().replace("_", " ")
