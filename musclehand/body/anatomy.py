"""Anatomical names of the hand: sides, digits, joints, and couplings between joints.

Joint names are MyoSim's without the side suffix; a model has both sides as `mcp2_flexion_r` and
`mcp2_flexion_l`. Positive values mean the same anatomical movement on both sides. MyoSim 0.2.3 and
0.1.7 name the two carpometacarpal axes of the thumb the opposite way, so that trajectories of older
models need their names exchanged.
"""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """Side of the body; the value is the suffix of every name in a model."""

    RIGHT = "r"
    LEFT = "l"

    @property
    def mirror(self) -> float:
        """Factor on local z coordinates, and on world x at the keyboard: 1 right, -1 left."""
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
PALM_JOINTS = ("cmc4_flexion", "cmc5_flexion")
"""Flexion of the fourth and fifth metacarpal, which hollows the palm. Models without these joints
have a flat palm."""

HAND_JOINTS = WRIST_JOINTS + THUMB_JOINTS + FINGER_JOINTS + PALM_JOINTS

FOREARM_AXES = ("x", "y", "z", "yaw", "pitch", "roll")
"""Axes of the forearm base at the keyboard: [m], then [rad] about z, x and y in turn."""

DIGITS = ("thumb", "index", "middle", "ring", "little")
DISTAL_BODIES = ("distal_thumb", "distph2", "distph3", "distph4", "distph5")

NUM_TIPS = len(DIGITS)
"""Fingertips of a hand, in the order of `DIGITS`."""

DIP_PER_PIP = 2.0 / 3.0
"""DIP flexion per PIP flexion through the extensor hood, a usual ratio; chosen in place of a model
of the ligaments (`models/hand/SOURCES.md`)."""


PALM_PER_MCP = {"cmc4_flexion": 11.6 / 125.0, "cmc5_flexion": 27.0 / 125.0}
"""Flexion of a metacarpal per flexion of its MCP joint. Each metacarpal goes through its published
range while the finger goes through its 125 degrees (`models/hand/SOURCES.md`); that they move
together is chosen, no published coefficient was found."""


def coupled_joint(joint: str) -> str | None:
    """The joint that `joint` follows, or None.

    DIP joints follow PIP joints through the extensor mechanism, and the fourth and fifth metacarpal
    follow the MCP joints of their fingers: `coupled_joint("md2_flexion") == "pm2_flexion"`.
    """
    if joint in PALM_PER_MCP:
        return joint.replace("cmc", "mcp", 1)
    return joint.replace("md", "pm", 1) if joint.startswith("md") else None


def coupling_ratio(joint: str) -> float:
    """Angle of a joint per angle of the joint that it follows; 1 for a joint that follows none."""
    if joint.startswith("md"):
        return DIP_PER_PIP
    return PALM_PER_MCP.get(joint, 1.0)


INDEPENDENT_JOINTS = tuple(joint for joint in HAND_JOINTS if coupled_joint(joint) is None)
"""The 19 joints that do not follow another one."""


def directions(joint: str) -> tuple[str, str]:
    """Anatomical terms for positive and negative values of a joint.

    `directions("mcp2_flexion") == ("flexion", "extension")`. Flexion of the thumb is negative, as
    in MyoSim; `pro_sup` is positive in pronation, `deviation` and the fingers' abduction are
    positive towards the thumb.
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
    """The joints of a digit from the palm outwards, or of forearm and wrist for "wrist"."""
    if digit == "wrist":
        return WRIST_JOINTS
    if digit == "thumb":
        return THUMB_JOINTS
    number = FINGER_NUMBERS[DIGITS.index(digit) - 1]
    return tuple(joint for joint in FINGER_JOINTS if str(number) in joint)
