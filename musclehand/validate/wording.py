"""Parts and directions of a hand in the words of anatomy.

Directions are those of the hand at neutral (all joints at 0), thumb and fingers alike: proximal
against the fingers, radial towards the thumb, dorsal out of the back of the hand.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, directions
from musclehand.body.build.tables import load_tables
from musclehand.validate.check import Specimen

_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_PHALANGES = {"prox": "proximal", "mid": "middle", "dist": "distal"}
_FINGER_JOINTS = {"mcp": "MCP", "pm": "PIP", "md": "DIP"}
_OTHER_JOINTS = {
    "pro_sup": "forearm rotation",
    "deviation": "wrist deviation",
    "flexion": "wrist flexion",
    "cmc_flexion": "thumb CMC flexion",
    "cmc_abduction": "thumb CMC abduction",
    "mp_flexion": "thumb MCP flexion",
    "ip_flexion": "thumb IP flexion",
}
_AXES = (("radial", "ulnar"), ("proximal", "distal"), ("dorsal", "palmar"))

NEARLY_PARALLEL = np.cos(np.deg2rad(25.0))
"""Bones whose frames lie closer to the hand's directions than this lend it their axes."""

EQUAL_SHARE = 1e-3
"""Relative change that the 6 digits of an XML file can make of a number computed from several of
them."""

EQUAL_LENGTH = 1e-5
"""The same for lengths and positions [m]."""

SMALL_SHARE = 0.1
"""Components below this share of a movement are not mentioned."""


def muscle_words(muscle: str) -> str:
    """`FDP2` -> "FDP2, flexor digitorum profundus (index)"; muscles our tables do not have stay
    as they are."""
    name = _muscle_names().get(muscle)
    return f"{muscle}, {name}" if name else muscle


@lru_cache(maxsize=1)
def _muscle_names() -> dict[str, str]:
    return {row.muscle: row.name for row in load_tables().muscles}


def joint_words(joint: str) -> str:
    """`mcp2_flexion` -> "index MCP flexion"."""
    match = re.fullmatch(r"(mcp|pm|md)([2-5])_(flexion|abduction)", joint)
    if match is None:
        return _OTHER_JOINTS.get(joint, joint)
    finger = DIGITS[FINGER_NUMBERS.index(int(match[2])) + 1]
    return f"{finger} {_FINGER_JOINTS[match[1]]} {match[3]}"


def bone_words(bone: str) -> str:
    """`2proxph` -> "proximal phalanx of the index finger", `thirdmc` -> "third metacarpal";
    others as they are."""
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


def arm_words(joint: str, arm: float) -> str:
    """A moment arm [m] with what it does: "9.8 mm flexion"."""
    return f"{1e3 * abs(arm):.1f} mm {directions(joint)[0 if arm >= 0 else 1]}"


def numbers_differ(old: float, new: float, *, least: float = 0.0) -> bool:
    """Whether two numbers differ by more than rounding, and by more than `least`."""
    return abs(new - old) > max(EQUAL_SHARE * max(abs(old), abs(new)), least, 1e-12)


def change_words(old: float, new: float, unit: str, digits: int) -> str:
    """ "197.3 -> 240.0 N (+22 %)"; more digits where it takes them to tell the two apart."""
    while f"{old:.{digits}f}" == f"{new:.{digits}f}" and digits < 9:
        digits += 1
    share = f" ({percent_words(old, new)})" if old else ""
    return f"{old:.{digits}f} -> {new:.{digits}f} {unit}".rstrip() + share


def array_words(values: np.ndarray) -> str:
    """ "0.9 0.99 0.001"; a number alone where there is one."""
    return " ".join(f"{value:.6g}" for value in np.atleast_1d(values))


def percent_words(old: float, new: float) -> str:
    """A relative change: "+22 %"."""
    percent = 100.0 * (new / old - 1.0)
    return f"{percent:+.0f} %" if abs(percent) >= 9.95 else f"{percent:+.1f} %"


class Frame(NamedTuple):
    """The hand's directions at neutral: rows of `axes` (3, 3) are radial, proximal, dorsal in the
    world.

    `origin` (3,) is the wrist [m], and `data` the model in that posture.
    """

    axes: np.ndarray
    origin: np.ndarray
    data: mujoco.MjData


def neutral_frame(specimen: Specimen) -> Frame:
    """The directions of a hand, from its wrist and knuckles, or its bones' frames where those lie
    along them.

    The world's x, y and z stand in for radial, proximal and dorsal where a model lacks those
    joints.
    """
    model = specimen.model
    hand = specimen.hand
    data = mujoco.MjData(model)
    hand.pose(data, np.zeros(len(hand.joints)))
    mujoco.mj_kinematics(model, data)
    ids = dict(zip(hand.joints, hand.joint_ids(model), strict=True))
    if not {"flexion", "mcp2_flexion", "mcp3_flexion", "mcp5_flexion"} <= set(ids):
        return Frame(np.diag([1.0, 1.0, hand.side.mirror]), np.zeros(3), data)
    place = {joint: data.xanchor[number] for joint, number in ids.items()}
    proximal = _unit(place["flexion"] - place["mcp3_flexion"])
    radial = place["mcp2_flexion"] - place["mcp5_flexion"]
    radial = _unit(radial - proximal * (radial @ proximal))
    axes = np.array([radial, proximal, hand.side.mirror * np.cross(radial, proximal)])
    bone = data.xmat[model.jnt_bodyid[ids["flexion"]]].reshape(3, 3).T
    cosines = axes @ bone.T
    nearest = np.abs(cosines).argmax(axis=1)
    best = cosines[np.arange(3), nearest]
    if len(set(nearest)) == 3 and np.abs(best).min() > NEARLY_PARALLEL:
        axes = np.sign(best)[:, None] * bone[nearest]
    return Frame(axes, place["flexion"].copy(), data)


def direction_words(shift: np.ndarray) -> str:
    """A movement (radial, proximal, dorsal) [m] in words: "3.0 mm distal" or "3.2 mm (3.0
    distal, 1.0 palmar)"."""
    length = float(np.linalg.norm(shift))
    digits = 1 if length >= 0.001 else 2
    told = [i for i in np.argsort(-np.abs(shift)) if abs(shift[i]) >= SMALL_SHARE * length]
    words = [(1e3 * abs(shift[i]), _AXES[i][0 if shift[i] > 0 else 1]) for i in told]
    if len(words) == 1:
        return f"{1e3 * length:.{digits}f} mm {words[0][1]}"
    parts = ", ".join(f"{value:.{digits}f} {word}" for value, word in words)
    return f"{1e3 * length:.{digits}f} mm ({parts})"


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
