"""Names and directions (V24, V36): what joints and muscles are called, and where joints move."""

from __future__ import annotations

from typing import Any, NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.moment_arm import moment_arms
from musclehand.body.analysis.reference import load_reference
from musclehand.body.anatomy import (
    DIGITS,
    HAND_JOINTS,
    PALM_JOINTS,
    THUMB_JOINTS,
    digit_joints,
    directions,
)
from musclehand.body.build.hand import load_hand
from musclehand.body.build.tables import load_tables
from musclehand.body.hand_index import NO_TIP, HandIndex
from musclehand.body.naming import similar_name
from musclehand.body.posture import named_posture, place
from musclehand.validation.check import Check, Finding, Specimen, Verdict
from musclehand.validation.wording import Frame, describe_direction, neutral_frame

CMC_SHARE = 0.5
"""A thumb joint is abduction if more than this share of its squared speed is out of the palm's
plane, else flexion."""

NUM_RENAMED = 4
"""Joints with another name than MyoSim's that the summary lists."""

SAME_PATH = 0.05
"""Moment arms that differ by less than this share of their size are those of the same path."""

LIKE_PATH = 0.3
"""The same of similar paths."""

NUM_COMPARED = 20
"""Random postures in which paths are compared."""

WRONG_TURN_DEG = 60.0
ODD_TURN_DEG = 40.0
"""Angles between a part's motion and its anatomical direction that fail and that give a warning
[deg]; chosen. The axes of real fingers are up to about 20 degrees oblique to the palm, as the
arch of the metacarpals is, and those of the thumb up to 35."""

_FRAME = ("flexion", "mcp2_flexion", "mcp3_flexion", "mcp5_flexion")
"""Joints that define the directions of a hand."""


def check_names(specimen: Specimen) -> Finding:
    """V24: do joint angles recorded with other models mean the same posture here?"""
    model = specimen.model
    hand = specimen.hand
    ids = dict(zip(hand.joints, hand.joint_ids(model), strict=True))
    offenders = _cmc_swap(specimen, ids)
    remarks = [
        _missing_joint(specimen, joint)
        for joint in HAND_JOINTS
        if joint not in hand.joints and joint not in PALM_JOINTS
    ]
    for joint, sign in zip(hand.joints, hand.signs, strict=True):
        if sign < 0:
            remarks.append(f"{model.joint(ids[joint]).name}: positive the other way round")
    remarks += _unknown_muscles(specimen)
    usual = [
        (address, joint)
        for address, joint in zip(hand.qpos.tolist(), hand.joints, strict=True)
        if joint not in PALM_JOINTS
    ]
    for (_, joint), (_, expected) in zip(sorted(usual), usual, strict=True):
        if joint != expected:
            remarks.append(f"order of joints: {joint} where {expected} is expected")
            break
    names = {joint: specimen.naming.joints[joint].removeprefix("-") for joint in hand.joints}
    renamed = [f"{joint} is {name}" for joint, name in names.items() if name != joint]
    words = "; ".join(renamed[:NUM_RENAMED]) or "all as in MyoSim 0.2.3"
    if len(renamed) > NUM_RENAMED:
        words += " ..."
    verdict = Verdict.FAIL if offenders else Verdict.WARN if remarks else Verdict.PASS
    return Finding(verdict, f"names: {words}", float(len(renamed)), (*offenders, *remarks))


def _missing_joint(specimen: Specimen, joint: str) -> str:
    """A line about a joint that the model lacks, with the joint that may have been meant."""
    naming = specimen.naming
    line = f"joint {joint}: not in the model"
    if joint not in naming.joints:
        return line
    name = naming.name_of(naming.joints[joint].removeprefix("-"), specimen.hand.side)
    similar = similar_name(naming, specimen.model, "joints", name)
    return line if similar is None else f"{line}, which has a joint {similar!r}"


def check_directions(specimen: Specimen) -> Finding:
    """V36: does every joint move its digit where its name says?

    At neutral, the motion of the fingertip per angle is compared with the directions of the hand
    that its wrist and knuckles define.
    """
    if not {*_FRAME} <= {*specimen.hand.joints}:
        missing = [joint for joint in _FRAME if joint not in specimen.hand.joints]
        return Finding(Verdict.SKIP, f"the hand's directions need the joints {', '.join(missing)}")
    frame = neutral_frame(specimen)
    motions = _motions(specimen, frame)
    wrong = []
    doubtful = []
    for motion in sorted(motions, key=lambda motion: -motion.turn):
        words = (
            f"{motion.name}: positive angles ({directions(motion.joint)[0]}) move {motion.part} "
            f"{describe_direction(motion.velocity)}, {motion.turn:.0f} deg from {motion.expected}"
        )
        if motion.turn > WRONG_TURN_DEG:
            wrong.append(words)
        elif motion.turn > ODD_TURN_DEG:
            doubtful.append(words)
    worst = max(motion.turn for motion in motions)
    summary = (
        f"{len(wrong)} of {len(motions)} joints move elsewhere; "
        f"at most {worst:.0f} deg from the anatomical direction"
    )
    if all(motion.turn > 180.0 - WRONG_TURN_DEG for motion in motions if motion.is_mirrored):
        summary += "; it moves like the other hand"
    verdict = Verdict.FAIL if wrong else Verdict.WARN if doubtful else Verdict.PASS
    return Finding(verdict, summary, worst, (*wrong, *doubtful))


class _Motion(NamedTuple):
    """Motion of a part when a joint turns."""

    joint: str
    """Anatomical name."""

    name: str
    """The model's name."""

    part: str
    """The part in words."""

    velocity: np.ndarray
    """Radial, proximal and dorsal components per angle [m]. Shape (3,)."""

    expected: str
    """The anatomical direction in words."""

    turn: float
    """[deg] Angle between the two."""

    @property
    def is_mirrored(self) -> bool:
        """Whether the joints of the other hand move the other way in this hand's directions."""
        return self.expected in ("dorsal", "palmar")


def _motions(specimen: Specimen, frame: Frame) -> list[_Motion]:
    model = specimen.model
    hand = specimen.hand
    data = frame.data
    motions = []
    anchors = dict(zip(hand.joints, data.xanchor[hand.joint_ids(model)], strict=True))
    for joint, number, sign in zip(hand.joints, hand.joint_ids(model), hand.signs, strict=True):
        if model.jnt_type[number] != mujoco.mjtJoint.mjJNT_HINGE:
            continue
        if joint == "pro_sup":
            part = "the index knuckle"
            arm = anchors["mcp2_flexion"] - anchors["mcp5_flexion"]
        else:
            digit = _digit_of(joint)
            digit = "middle" if digit == "wrist" else digit
            tip = hand.tips[DIGITS.index(digit)]
            if tip == NO_TIP:
                continue
            part = f"the {digit} tip"
            arm = data.site_xpos[tip] - anchors[joint]
        velocity = frame.axes @ (sign * np.cross(data.xaxis[number], arm))
        expected, axis = _expected(joint)
        cosine = velocity @ axis / max(float(np.linalg.norm(velocity)), 1e-12)
        turn = float(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))
        motions.append(_Motion(joint, model.joint(number).name, part, velocity, expected, turn))
    return motions


def _expected(joint: str) -> tuple[str, np.ndarray]:
    """Where positive angles of a joint move its digit, in words and in the hand's directions."""
    positive = directions(joint)[0]
    if positive == "radial" or (joint in THUMB_JOINTS and positive == "extension"):
        return "radial", np.array([1.0, 0.0, 0.0])
    return "palmar", np.array([0.0, 0.0, -1.0])


def _digit_of(joint: str) -> str:
    """The digit that a joint belongs to, its metacarpal's too; "wrist" for forearm and wrist."""
    if joint in PALM_JOINTS:
        joint = joint.replace("cmc", "mcp", 1)
    return next((digit for digit in DIGITS if joint in digit_joints(digit)), "wrist")


def _unknown_muscles(specimen: Specimen) -> list[str]:
    """A line for each muscle without an anatomical name, with the muscle whose path it has."""
    reference = load_reference()
    anatomical = {row.muscle for row in load_tables().muscles}
    anatomical |= {row.muscle for row in reference.architecture}
    anatomical |= {row.muscle for row in reference.moment_arms}
    hand = specimen.hand
    unnamed = [i for i, name in enumerate(hand.muscle_names) if name not in anatomical]
    if not unnamed:
        return []
    postures = specimen.postures[:NUM_COMPARED]
    arms = moment_arms(specimen.model, hand, postures)
    named = [i for i, name in enumerate(hand.muscle_names) if name in anatomical]
    lines = []
    for i in unnamed:
        path = _nearest(arms[:, i], arms[:, named], [hand.muscle_names[k] for k in named])
        if not path:
            path = _nearest_in_ours(hand, postures, arms[:, i]) or "no known muscle has such a path"
        lines.append(
            f"muscle {specimen.model.actuator(int(hand.muscles[i])).name}: no anatomical name, so "
            f"that checks of published forces, fibres and arms leave it out; {path}"
        )
    return lines


def _nearest(own: np.ndarray, candidates: np.ndarray, names: list[str]) -> str:
    """The muscle whose moment arms are nearest, in words; empty if none is near.

    Args:
        own: moment arms of a muscle [m]. Shape (p, n).
        candidates: those of k other muscles. Shape (p, k, n).
        names: of these muscles.
    """
    if not names:
        return ""
    gaps = np.linalg.norm(candidates - own[:, None], axis=(0, 2))
    shares = gaps / max(float(np.linalg.norm(own)), 1e-9)
    best = int(shares.argmin())
    if shares[best] > LIKE_PATH:
        return ""
    return f"its path is {'that' if shares[best] < SAME_PATH else 'nearly that'} of {names[best]}"


def _nearest_in_ours(hand: HandIndex, postures: np.ndarray, own: np.ndarray) -> str:
    """The same among the muscles of the bundled hand, for a muscle that has lost its name."""
    model = load_hand(hand.side)
    ours = HandIndex.from_model(model, hand.side)
    shared = [joint for joint in ours.joints if joint in hand.joints]
    columns = [ours.joints.index(joint) for joint in shared]
    places = [hand.joints.index(joint) for joint in shared]
    angles = np.zeros((len(postures), len(ours.joints)))
    angles[:, columns] = postures[:, places]
    candidates = moment_arms(model, ours, angles)[:, :, columns]
    words = _nearest(own[:, places], candidates, list(ours.muscle_names))
    return f"{words} in the bundled hand: name it in a naming file" if words else ""


def _cmc_swap(specimen: Specimen, ids: dict[str, Any]) -> list[str]:
    """Faults in the names of the thumb's carpometacarpal joints, by how they move its tip."""
    model = specimen.model
    hand = specimen.hand
    needed = {"cmc_flexion", "cmc_abduction", "flexion"}
    needed |= {"mcp2_flexion", "mcp3_flexion", "mcp5_flexion"}
    if not needed <= set(ids):
        return []
    data = mujoco.MjData(model)
    place(model, data, hand, named_posture(hand, {}, hand.limits(model)))
    across = data.xanchor[ids["mcp2_flexion"]] - data.xanchor[ids["mcp5_flexion"]]
    along = data.xanchor[ids["mcp3_flexion"]] - data.xanchor[ids["flexion"]]
    normal = np.cross(across, along)
    normal /= np.linalg.norm(normal)
    faults = []
    for joint in ("cmc_flexion", "cmc_abduction"):
        arm = data.site_xpos[hand.tips[0]] - data.xanchor[ids[joint]]
        velocity = np.cross(data.xaxis[ids[joint]], arm)
        share = float((velocity @ normal) ** 2 / max(velocity @ velocity, 1e-18))
        motion = "abduction" if share > CMC_SHARE else "flexion"
        name = model.joint(ids[joint]).name
        called = motion
        if "flex" in name.lower():
            called = "flexion"
        elif "abd" in name.lower():
            called = "abduction"
        if called != motion:
            faults.append(
                f"{name}: called {called}, but {share:.0%} of its motion is out of the palm's "
                f"plane: {motion}"
            )
        if not joint.endswith(motion):
            faults.append(
                f"naming {specimen.naming.name}: takes {name} for {joint}, which moves as {motion}"
            )
    return faults


CHECKS: tuple[Check, ...] = (
    Check(
        code="V24",
        title="Names and order",
        asks=(
            "Do joint angles recorded with other models mean the same posture here, "
            "and are all muscles known by name?"
        ),
        threshold=(
            "thumb joints named as they move, abduction with over "
            f"{100 * CMC_SHARE:g} % of the motion out of the palm's plane; "
            "a warning for a joint missing, another order or sign, or a muscle without a name"
        ),
        source=(
            "joint names of MyoSim 0.2.3; version 0.1.7 has the two carpometacarpal joints "
            "of the thumb swapped"
        ),
        run=check_names,
    ),
    Check(
        code="V36",
        title="Directions of joints",
        asks="Does every joint move its digit where its name says, with all angles at 0?",
        threshold=(
            f"motion of fingertips, and of the index knuckle in pronation, at most "
            f"{WRONG_TURN_DEG:g} deg from the anatomical direction; a warning above "
            f"{ODD_TURN_DEG:g} deg"
        ),
        source=(
            "anatomical terms (musclehand/body/anatomy.py) in the frame of wrist and knuckles; "
            "chosen: axes of people are oblique by less"
        ),
        run=check_directions,
    ),
)
"""The checks of this module."""
