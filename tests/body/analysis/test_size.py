"""Sizes of hands are the distances between their axes and tips."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.analysis.size import (
    KNUCKLES_PER_BREADTH,
    hand_size,
    load_hand_sizes,
    load_segments,
)
from musclehand.body.hand_index import NO_TIP


def test_phalanges_are_as_long_as_their_bodies_are_apart(right_hand):
    model, hand = right_hand
    size = hand_size(model, hand)
    for name, body in (
        ("middle proximal phalanx", "midph3_r"),
        ("ring middle phalanx", "distph4_r"),
    ):
        length = np.linalg.norm(model.body_pos[model.body(body).id])
        assert size.segments[name] == pytest.approx(length, rel=0.02)
    middle = sum(
        size.segments[f"middle {part} phalanx"] for part in ("proximal", "middle", "distal")
    )
    assert 0.07 < size.length - middle < 0.1  # from the wrist to the knuckle
    assert size.length == pytest.approx(0.175, abs=0.005)  # the site lies below the skin
    assert size.knuckles / KNUCKLES_PER_BREADTH == pytest.approx(0.07, abs=0.01)


def test_sizes_do_not_depend_on_the_side(right_hand, left_hand):
    right = hand_size(*right_hand)
    left = hand_size(*left_hand)
    assert left.segments == pytest.approx(right.segments)
    assert (left.length, left.knuckles) == pytest.approx((right.length, right.knuckles))


def test_digits_that_are_not_there_have_no_size(right_hand):
    model, hand = right_hand
    kept = [i for i, joint in enumerate(hand.joints) if joint.startswith(("mcp2", "pm2", "md2"))]
    tips = np.full(5, NO_TIP)
    finger = replace(
        hand,
        joints=tuple(hand.joints[i] for i in kept),
        dofs=hand.dofs[kept],
        qpos=hand.qpos[kept],
        signs=hand.signs[kept],
        tips=tips,
    )
    size = hand_size(model, finger)
    assert size.length is None
    assert size.knuckles is None
    segments = hand_size(model, hand).segments
    assert size.segments == pytest.approx(
        {name: segments[name] for name in ("index proximal phalanx", "index middle phalanx")}
    )


def test_tables_are_in_metres_and_name_the_segments_that_are_measured(right_hand):
    assert {0.165, 0.193} <= {row.length for row in load_hand_sizes()}
    named = {row.segment for row in load_segments()}
    assert {*hand_size(*right_hand).segments} <= named
    assert all(0.05 < row.ratio < 0.5 for row in load_segments())
