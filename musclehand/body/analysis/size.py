"""Sizes of a hand, and of people's (`models/reference`)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.reference import PACKAGE, STATUSES
from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS
from musclehand.body.build.table_file import Fields, read_rows
from musclehand.body.hand_index import NO_TIP, HandIndex

USUAL_LENGTH = 0.187
"""[m] Mean hand length of women and men in ANSUR II (`anthropometry.csv`)."""

SCALES = (0.5, 2.0)
"""Least and greatest `relative_size`: hands beyond are in a wrong unit or scale."""

KNUCKLES_PER_BREADTH = 0.653
"""Distance from the index knuckle to the little finger's as part of the hand's breadth: their
axes lie 0.251 and -0.402 breadths beside the middle finger's (Buchholz, Armstrong & Goldstein
1992, Ergonomics 35:261; recalled)."""


class HandSizeRow(NamedTuple):
    """Sizes of the hands of one percentile of one sex."""

    sex: str
    """ "female" or "male"."""

    percentile: float
    """0 to 100."""

    length: float | None
    """[m] From the wrist's crease to the tip of the middle finger, if known."""

    breadth: float
    """[m] Across the knuckles."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `reference.STATUSES`."""


class SegmentRow(NamedTuple):
    """Length of one segment as part of the length of the hand."""

    segment: str
    """Such as "index middle phalanx"."""

    ratio: float
    """Length from joint centre to joint centre, or to the fingertip, over the hand's length."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `reference.STATUSES`."""


class HandSize(NamedTuple):
    """Sizes of a hand at neutral."""

    length: float | None
    """[m] From the wrist over the joints of the middle finger to its tip; None without them."""

    knuckles: float | None
    """[m] From the index knuckle to the little finger's; None without them."""

    segments: dict[str, float]
    """[m] Lengths of the thumb's metacarpal and of all phalanges, named as in `SegmentRow`."""


@lru_cache(maxsize=1)
def load_hand_sizes() -> tuple[HandSizeRow, ...]:
    """Rows of `anthropometry.csv`, in file order."""
    return tuple(read_rows(None, PACKAGE, "anthropometry.csv", _size))


@lru_cache(maxsize=1)
def load_segments() -> tuple[SegmentRow, ...]:
    """Rows of `segment_ratios.csv`, in file order."""
    return tuple(read_rows(None, PACKAGE, "segment_ratios.csv", _segment))


def hand_size(model: mujoco.MjModel, hand: HandIndex) -> HandSize:
    """Measures a hand between its joint axes and fingertips, all angles at 0.

    Args:
        model: any model.
        hand: the hand in the model.
    """
    data = mujoco.MjData(model)
    hand.pose(data, np.zeros(len(hand.joints)))
    mujoco.mj_kinematics(model, data)
    anchors = {
        joint: np.array(data.xanchor[number])
        for joint, number in zip(hand.joints, hand.joint_ids(model), strict=True)
    }
    segments: dict[str, float] = {}
    middle = None
    for i, digit in enumerate(DIGITS):
        joints, names = _chain(i, digit)
        if not {*joints} <= anchors.keys():
            continue
        points = [anchors[joint] for joint in joints]
        if hand.tips[i] != NO_TIP:
            points.append(np.array(data.site_xpos[hand.tips[i]]))
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
        segments.update(zip(names, lengths.tolist(), strict=False))
        if digit == "middle" and "flexion" in anchors:
            middle = float(lengths.sum() + np.linalg.norm(points[0] - anchors["flexion"]))
    knuckles = None
    if {"mcp2_flexion", "mcp5_flexion"} <= anchors.keys():
        knuckles = float(np.linalg.norm(anchors["mcp2_flexion"] - anchors["mcp5_flexion"]))
    return HandSize(middle, knuckles, segments)


def relative_size(model: mujoco.MjModel, hand: HandIndex) -> float:
    """Length of a hand over that of an average adult, with which published lengths of muscles are
    scaled.

    Args:
        model: any model.
        hand: the hand in the model.

    Returns:
        The ratio, within `SCALES`; 1 for a hand without wrist or middle finger.
    """
    length = hand_size(model, hand).length
    return 1.0 if length is None else float(np.clip(length / USUAL_LENGTH, *SCALES))


def _chain(number: int, digit: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Joints of a digit whose axes bound its segments, and the names of the segments."""
    if digit == "thumb":
        return ("cmc_flexion", "mp_flexion", "ip_flexion"), (
            "thumb metacarpal",
            "thumb proximal phalanx",
            "thumb distal phalanx",
        )
    finger = FINGER_NUMBERS[number - 1]
    joints = tuple(f"{part}{finger}_flexion" for part in ("mcp", "pm", "md"))
    return joints, tuple(f"{digit} {part} phalanx" for part in ("proximal", "middle", "distal"))


def _size(row: Fields) -> HandSizeRow:
    return HandSizeRow(
        sex=row.text("sex", choices=("female", "male")),
        percentile=row.number("percentile", low=0.0),
        length=row.number_or_none("hand_length_mm", low=1.0, scale=1e-3),
        breadth=row.number("hand_breadth_mm", low=1.0, scale=1e-3),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )


def _segment(row: Fields) -> SegmentRow:
    return SegmentRow(
        segment=row.text("segment", required=True),
        ratio=row.number("ratio_of_hand_length", low=0.01),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )
