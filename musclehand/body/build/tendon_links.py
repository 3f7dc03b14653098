"""Bands between tendons of neighbouring fingers, as springs on how two tendons slide.

The bundled hand has none; `body.conditions.enslaving` says which ones people have.
"""

from __future__ import annotations

from functools import lru_cache

import mujoco

from musclehand.body.anatomy import FINGER_JOINTS, Side
from musclehand.body.build.myosim import MyoSimArm
from musclehand.body.build.overlay import add_hand
from musclehand.body.build.table_rows import HandTables, TendonLink
from musclehand.core.errors import ModelError

STEP = 1e-4
"""[rad] Step of the central differences for tendon excursions; chosen."""

SMALLEST_ARM = 1e-6
"""[m] A muscle with smaller arms does not cross a joint; chosen, far above rounding."""


def add_links(spec: mujoco.MjSpec, tables: HandTables, side: Side) -> None:
    """Adds the bands of the tables to a hand, each a spring on how two tendons slide.

    A band is a fixed tendon of MuJoCo: its length is linear in the finger joints. Its arms are the
    means of both muscles' in the rest posture, so that it stays slack while two fingers flex by the
    same angles.

    Args:
        spec: with the hand; changed in place.
        tables: of the hand.
        side: of the hand.
    """
    if not tables.links:
        return
    neutral = {row.joint: row.rest for row in tables.joints}
    for link in tables.links:
        slide = link_arms(tables, link)
        length = sum(arm * neutral[joint] for joint, arm in slide.items())
        tendon = spec.add_tendon(name=side.name_of(link.name))
        for joint, arm in slide.items():
            tendon.wrap_joint(side.name_of(joint), arm)
        tendon.stiffness[0] = link.stiffness
        tendon.springlength = [length - link.slack, length + link.slack]


def link_arms(tables: HandTables, link: TendonLink) -> dict[str, float]:
    """How far the first tendon of a band slides against the second for each joint [m/rad].

    Args:
        tables: of the hand.
        link: one of the bands of the tables.

    Raises:
        ModelError: the two tendons cross no like joints, such as both MCP joints.
    """
    first, second = (finger_arms(tables)[muscle] for muscle in link.muscles)
    partner = {_part(joint): joint for joint in second}
    slide: dict[str, float] = {}
    for joint in first:
        if _part(joint) in partner:
            twin = partner[_part(joint)]
            mean = 0.5 * (first[joint] + second[twin])
            slide |= {joint: mean, twin: -mean}
    if not slide:
        raise ModelError(
            "hand", f"{link.name}: its two tendons cross no like joints of two fingers"
        )
    return slide


def _part(joint: str) -> str:
    """The name of a finger joint without the finger's number."""
    return "".join(letter for letter in joint if not letter.isdigit())


@lru_cache(maxsize=4)
def finger_arms(tables: HandTables) -> dict[str, dict[str, float]]:
    """Arms of the linked muscles about the flexion of the finger joints that they cross, at rest.

    They are derivatives of the muscle's length [m/rad]: positive for an extensor, which flexion
    lengthens. A dictionary by joint for each muscle.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    add_hand(spec, spec.worldbody, MyoSimArm(tables.stretch), tables, Side.RIGHT, visual=False)
    model = spec.compile()
    data = mujoco.MjData(model)
    address = {
        row.joint: model.joint(Side.RIGHT.name_of(row.joint)).qposadr[0] for row in tables.joints
    }
    muscles = list(dict.fromkeys(muscle for link in tables.links for muscle in link.muscles))
    tendons = [model.tendon(Side.RIGHT.name_of(muscle)).id for muscle in muscles]
    arms: dict[str, dict[str, float]] = {muscle: {} for muscle in muscles}
    for joint in (name for name in FINGER_JOINTS if name.endswith("_flexion")):
        ends = []
        for step in (STEP, -STEP):
            for row in tables.joints:
                data.qpos[address[row.joint]] = row.rest + step * (row.joint == joint)
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_tendon(model, data)
            ends.append(data.ten_length[tendons].copy())
        for muscle, arm in zip(muscles, (ends[0] - ends[1]) / (2.0 * STEP), strict=True):
            if abs(arm) > SMALLEST_ARM:
                arms[muscle][joint] = float(arm)
    return arms
