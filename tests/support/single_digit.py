"""A digit of our hand alone, as a student models a single finger."""

import mujoco

from musclehand.body.anatomy import DIGITS, Side, digit_joints
from musclehand.body.build.hand import hand_spec

MUSCLES = {
    "thumb": ("FPL", "EPL", "EPB", "APL", "OP", "APB", "FPB", "ADPt", "ADPo"),
    "index": ("FDS2", "FDP2", "EDC2", "EIP", "DI1", "PI1", "LU1"),
}
"""Muscles of a digit."""


def single_digit(digit):
    """The compiled model of a digit with its muscles: all other joints, muscles and tips are gone."""
    spec = hand_spec(Side.RIGHT)
    muscles = {Side.RIGHT.name_of(name) for name in MUSCLES[digit]}
    joints = {Side.RIGHT.name_of(name) for name in digit_joints(digit)}
    for actuator in list(spec.actuators):
        if actuator.name not in muscles:
            spec.delete(actuator)
    paths = {actuator.target for actuator in spec.actuators}
    for tendon in list(spec.tendons):
        if tendon.name not in paths:
            spec.delete(tendon)
    for equality in list(spec.equalities):
        if equality.name1 not in joints:
            spec.delete(equality)
    for joint in list(spec.joints):
        if joint.name not in joints:
            spec.delete(joint)
    gone = {Side.RIGHT.name_of(f"tip_{name}") for name in DIGITS if name != digit}
    for site in list(spec.sites):
        if site.name in gone:
            spec.delete(site)
    model: mujoco.MjModel = spec.compile()
    return model
