"""Postures stay within limits and couplings."""

import mujoco
import numpy as np
import pytest

from musclehand.body.posture import (
    PLAYING_POSTURE_DEG,
    REST_DEG,
    named_posture,
    place,
    sample_postures,
)


def test_samples_are_within_limits_coupled_and_repeatable(right_hand):
    model, hand = right_hand
    limits = hand.limits(model)
    postures = sample_postures(hand, limits, 500, np.random.default_rng(5))
    assert (postures >= limits[:, 0] - 1e-9).all()
    assert (postures <= limits[:, 1] + 1e-9).all()
    for finger in range(2, 6):
        middle, last = (
            postures[:, hand.joints.index(f"{part}{finger}_flexion")] for part in ("pm", "md")
        )
        assert last == pytest.approx(2 / 3 * middle)
    assert np.array_equal(postures, sample_postures(hand, limits, 500, np.random.default_rng(5)))


def test_bent_fingers_spread_less(right_hand):
    """Straight on or bent back all of the range, at 90 degrees 30 % of it, in between in
    proportion."""
    model, hand = right_hand
    limits = hand.limits(model)
    postures = sample_postures(hand, limits, 3000, np.random.default_rng(6))
    bend = postures[:, hand.joints.index("mcp2_flexion")]
    spread = np.abs(postures[:, hand.joints.index("mcp2_abduction")])
    most = limits[hand.joints.index("mcp2_abduction"), 1]
    share = spread / (most * (1 - 0.7 * np.clip(bend / (np.pi / 2), 0, 1)))
    assert share.max() <= 1 + 1e-9
    for low, high in ((-40, 0), (0, 30), (30, 60), (60, 90)):
        assert share[(bend > np.deg2rad(low)) & (bend < np.deg2rad(high))].max() > 0.97


def test_named_postures_are_clipped_to_the_limits(right_hand):
    model, hand = right_hand
    limits = hand.limits(model)
    angles = named_posture(hand, {"pm2_flexion": 400.0}, limits)
    assert angles[hand.joints.index("pm2_flexion")] == limits[hand.joints.index("pm2_flexion"), 1]
    assert set(REST_DEG) | set(PLAYING_POSTURE_DEG) <= set(hand.joints)


def test_placing_computes_what_forward_computes(right_hand):
    model, hand = right_hand
    placed = mujoco.MjData(model)
    reference = mujoco.MjData(model)
    angles = sample_postures(hand, hand.limits(model), 1, np.random.default_rng(1))[0]
    place(model, placed, hand, angles)
    hand.pose(reference, angles)
    mujoco.mj_forward(model, reference)
    assert placed.ten_length == pytest.approx(reference.ten_length)
    assert placed.actuator_moment == pytest.approx(reference.actuator_moment)
