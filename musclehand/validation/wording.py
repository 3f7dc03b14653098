"""Anatomical terms for parts and directions of a hand, and wording of numbers that differ.

Directions are those of the hand at neutral (all joints at 0), for thumb and fingers alike: proximal
is towards the forearm, radial towards the thumb, dorsal out of the back of the hand.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, directions
from musclehand.body.build.tables import load_tables
from musclehand.validation.check import Specimen

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_PHALANGES = {"prox": "proximal", "mid": "middle", "dist": "distal"}
_FINGER_JOINTS = {"mcp": "MCP", "pm": "PIP", "md": "DIP"}
_OTHER_JOINTS = {
    "pro_sup": "forearm rotation",
    "deviation": "wrist deviation",
    "flexion": "wrist flexion",
    "cmc_flexion": "thumb CMC flexion",
    "cmc_abduction": "thumb CMC abduction",
    "cmc4_flexion": "fourth metacarpal flexion",
    "cmc5_flexion": "fifth metacarpal flexion",
    "mp_flexion": "thumb MCP flexion",
    "ip_flexion": "thumb IP flexion",
}
_AXES = (("radial", "ulnar"), ("proximal", "distal"), ("dorsal", "palmar"))

NEARLY_PARALLEL = np.cos(np.deg2rad(25.0))
"""Cosine between a bone's axes and the hand's directions above which the bone's axes are taken."""

EQUAL_SHARE = 1e-3
"""Relative change below which numbers are equal: an XML file has 6 digits, and a number may be
computed from several of them."""

EQUAL_LENGTH = 1e-5
"""The same for lengths and positions [m]."""

TINY = 1e-12
"""Absolute change below which numbers are equal, whatever their unit."""

SMALL_SHARE = 0.1
"""Components below this share of a movement are not mentioned."""

LARGE_SHARE = 0.4
"""The same of a direction."""

WHOLE_PERCENT = 9.95
"""Changes from here on are given in whole per cent."""

MOST_DIGITS = 9
"""Most digits after the point that tell two numbers apart."""


def describe_muscle(muscle: str) -> str:
    """`FDP2` -> "FDP2, flexor digitorum profundus (index)"; muscles that our tables lack keep their
    name."""
    name = _muscle_names().get(muscle)
    return f"{muscle}, {name}" if name else muscle


@lru_cache(maxsize=1)
def _muscle_names() -> dict[str, str]:
    return {row.muscle: row.name for row in load_tables().muscles}


def describe_joint(joint: str) -> str:
    """`mcp2_flexion` -> "index MCP flexion"."""
    match = re.fullmatch(r"(mcp|pm|md)([2-5])_(flexion|abduction)", joint)
    if match is None:
        return _OTHER_JOINTS.get(joint, joint)
    finger = DIGITS[FINGER_NUMBERS.index(int(match[2])) + 1]
    return f"{finger} {_FINGER_JOINTS[match[1]]} {match[3]}"


def describe_bone(bone: str) -> str:
    """`2proxph` -> "proximal phalanx of the index finger", `thirdmc` -> "third metacarpal"; other
    bones keep their name."""
    if bone.endswith("mc") and bone.removesuffix("mc") in _ORDINALS:
        return f"{bone.removesuffix('mc')} metacarpal"
    thumb = re.fullmatch(r"(proximal|distal)_thumb", bone)
    if thumb is not None:
        return f"{thumb[1]} phalanx of the thumb"
    match = re.fullmatch(r"([2-5])?(prox|mid|dist)ph([2-5])?", bone)
    number = match and (match[1] or match[3])
    if match is None or not number:
        return bone
    return f"{_PHALANGES[match[2]]} phalanx of the {DIGITS[int(number) - 1]} finger"


def describe_arm(joint: str, arm: float) -> str:
    """A moment arm [m] with the motion that it drives: "9.8 mm flexion"."""
    return f"{1e3 * abs(arm):.1f} mm {directions(joint)[0 if arm >= 0 else 1]}"


def numbers_differ(old: float, new: float, *, least: float = 0.0) -> bool:
    """Whether two numbers differ by more than rounding.

    Args:
        old: a number.
        new: another, in the same unit.
        least: changes up to this are none either, in the same unit.
    """
    return abs(new - old) > max(EQUAL_SHARE * max(abs(old), abs(new)), least, TINY)


def describe_change(old: float, new: float, unit: str, digits: int) -> str:
    """A change with its percentage: "197.3 -> 240.0 N (+22 %)".

    Args:
        old: the number before.
        new: the number after.
        unit: of both; may be empty.
        digits: after the point; more where the two would read the same.
    """
    while f"{old:.{digits}f}" == f"{new:.{digits}f}" and digits < MOST_DIGITS:
        digits += 1
    share = f" ({describe_percentage(old, new)})" if old else ""
    return f"{old:.{digits}f} -> {new:.{digits}f} {unit}".rstrip() + share


def format_array(values: np.ndarray) -> str:
    """The numbers of an array, or a number alone: "0.9 0.99 0.001"."""
    return " ".join(f"{value:.6g}" for value in np.atleast_1d(values))


def describe_percentage(old: float, new: float) -> str:
    """A relative change: "+22 %"."""
    percent = 100.0 * (new / old - 1.0)
    return f"{percent:+.0f} %" if abs(percent) >= WHOLE_PERCENT else f"{percent:+.1f} %"


class Frame(NamedTuple):
    """The anatomical directions of a hand at neutral."""

    axes: np.ndarray
    """Rows are the radial, proximal and dorsal directions in the world. Shape (3, 3)."""

    origin: np.ndarray
    """[m] the wrist. Shape (3,)."""

    data: mujoco.MjData
    """The model in that posture."""


def neutral_frame(specimen: Specimen) -> Frame:
    """The anatomical directions of a hand at neutral, from its wrist and knuckles.

    If the frame of the wrist's bone lies along them, its axes are taken instead. Where a model
    lacks these joints, the world's x, y and z stand in for radial, proximal and dorsal.
    """
    model = specimen.model
    hand = specimen.hand
    data = mujoco.MjData(model)
    hand.pose(data, np.zeros(len(hand.joints)))
    mujoco.mj_kinematics(model, data)
    ids = dict(zip(hand.joints, hand.joint_ids(model), strict=True))
    if not {"flexion", "mcp2_flexion", "mcp3_flexion", "mcp5_flexion"} <= set(ids):
        return Frame(np.diag([1.0, 1.0, hand.side.mirror]), np.zeros(3), data)
    anchor = {joint: data.xanchor[number] for joint, number in ids.items()}
    proximal = _unit(anchor["flexion"] - anchor["mcp3_flexion"])
    radial = anchor["mcp2_flexion"] - anchor["mcp5_flexion"]
    radial = _unit(radial - proximal * (radial @ proximal))
    axes = np.array([radial, proximal, hand.side.mirror * np.cross(radial, proximal)])
    bone = data.xmat[model.jnt_bodyid[ids["flexion"]]].reshape(3, 3).T
    cosines = axes @ bone.T
    nearest = np.abs(cosines).argmax(axis=1)
    best = cosines[np.arange(3), nearest]
    if len(set(nearest)) == 3 and np.abs(best).min() > NEARLY_PARALLEL:
        axes = np.sign(best)[:, None] * bone[nearest]
    return Frame(axes, anchor["flexion"].copy(), data)


def describe_shift(shift: np.ndarray) -> str:
    """A displacement in words: "3.0 mm distal" or "3.2 mm (3.0 distal, 1.0 palmar)".

    Args:
        shift: radial, proximal and dorsal components [m]. Shape (3,).
    """
    length = float(np.linalg.norm(shift))
    digits = 1 if length >= 0.001 else 2
    order = [i for i in np.argsort(-np.abs(shift)) if abs(shift[i]) >= SMALL_SHARE * length]
    words = [(1e3 * abs(shift[i]), _AXES[i][0 if shift[i] > 0 else 1]) for i in order]
    if len(words) == 1:
        return f"{1e3 * length:.{digits}f} mm {words[0][1]}"
    parts = ", ".join(f"{value:.{digits}f} {word}" for value, word in words)
    return f"{1e3 * length:.{digits}f} mm ({parts})"


def describe_direction(vector: np.ndarray) -> str:
    """A direction in words, without its length: "palmar" or "palmar and ulnar".

    Args:
        vector: radial, proximal and dorsal components, in any unit. Shape (3,).
    """
    shares = vector / max(float(np.linalg.norm(vector)), TINY)
    order = [i for i in np.argsort(-np.abs(shares)) if abs(shares[i]) >= LARGE_SHARE]
    return " and ".join(_AXES[i][0 if shares[i] > 0 else 1] for i in order) or "nowhere"


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), TINY)
