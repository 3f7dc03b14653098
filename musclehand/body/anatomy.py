"""Names of the hand: sides, digits, joints, and which of them move together.

Joint names are MyoSim's without the side suffix; a model carries both sides as `mcp2_flexion_r`,
`mcp2_flexion_l`. Positive values mean the same anatomical movement on both sides. MyoSim 0.2.3
names the two carpometacarpal axes of the thumb the other way round than MyoSim 0.1.7 did: read
trajectories of older models with care.
"""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """Side of the body; the value is the suffix of every name in a model."""

    RIGHT = "r"
    LEFT = "l"

    @property
    def mirror(self) -> float:
        """+1 for the right, -1 for the left: the factor on local z coordinates and on world x at
        the keyboard."""
        return 1.0 if self is Side.RIGHT else -1.0

    def name_of(self, base: str) -> str:
        """The name of a part on this side: `Side.LEFT.name_of("FDP2") == "FDP2_l"`."""
        return f"{base}_{self.value}"


WRIST_JOINTS = ("pro_sup", "deviation", "flexion")
THUMB_JOINTS = ("cmc_flexion", "cmc_abduction", "mp_flexion", "ip_flexion")
FINGER_NUMBERS = (2, 3, 4, 5)
FINGER_JOINTS = tuple(
    f"{part}{number}_{motion}"
    for number in FINGER_NUMBERS
    for part, motion in (
        ("mcp", "flexion"),
        ("mcp", "abduction"),
        ("pm", "flexion"),
        ("md", "flexion"),
    )
)
HAND_JOINTS = WRIST_JOINTS + THUMB_JOINTS + FINGER_JOINTS

FOREARM_AXES = ("x", "y", "z", "yaw", "pitch", "roll")
"""How a forearm is carried at the keyboard: [m] and, about z, x and y in turn, [rad]."""

DIGITS = ("thumb", "index", "middle", "ring", "little")
DISTAL_BODIES = ("distal_thumb", "distph2", "distph3", "distph4", "distph5")

DIP_PER_PIP = 2.0 / 3.0
"""Flexion of the last finger joint per flexion of the middle one, the usual reading of the
extensor hood."""


def coupled_joint(joint: str) -> str | None:
    """The joint that drives `joint` through the extensor mechanism (md2_flexion -> pm2_flexion),
    or None."""
    return joint.replace("md", "pm", 1) if joint.startswith("md") else None


def directions(joint: str) -> tuple[str, str]:
    """What positive and negative values of a joint are called, such as ("flexion", "extension") for
    "mcp2_flexion".

    The thumb's flexion is negative, as in MyoSim; `pro_sup` is positive in pronation, `deviation`
    and the fingers' abduction towards the thumb.
    """
    if joint == "pro_sup":
        return "pronation", "supination"
    if joint == "cmc_abduction":
        return "abduction", "adduction"
    if joint == "deviation" or joint.endswith("abduction"):
        return "radial", "ulnar"
    if joint in THUMB_JOINTS:
        return "extension", "flexion"
    return "flexion", "extension"


def digit_joints(digit: str) -> tuple[str, ...]:
    """The joints of one digit, or of the forearm and wrist for "wrist", from the palm out."""
    if digit == "wrist":
        return WRIST_JOINTS
    if digit == "thumb":
        return THUMB_JOINTS
    number = FINGER_NUMBERS[DIGITS.index(digit) - 1]
    return tuple(joint for joint in FINGER_JOINTS if str(number) in joint)
