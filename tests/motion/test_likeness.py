"""Likeness of a played motion to a person's, against closed forms."""

import json
from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.motion.clip import MotionClip
from musclehand.motion.likeness import frechet_distance, likeness
from musclehand.motion.person import (
    JOINT_ERROR,
    START,
    TIP_ERROR,
    WRIST_ERROR,
    with_unseen,
)

DT = 0.02
FRAMES = 1001
TIMES = DT * np.arange(FRAMES)


def wave(rate, phase=0.0):
    return np.sin(2 * np.pi * rate * TIMES + phase)


def hand(side=Side.RIGHT, notes=((0.5, 19.0, 60, 64, 2),)):
    """A hand whose wrist, fingertips and joints swing, with its index finger on a key."""
    forearm = np.zeros((FRAMES, 6))
    forearm[:, 0] = 0.1 * wave(0.25)
    forearm[:, 1] = 0.02 * wave(0.17)
    tips = np.zeros((FRAMES, 5, 3))
    tips += forearm[:, None, :3]
    tips += 0.01 * np.stack([wave(0.4 + 0.1 * digit, digit) for digit in range(5)], 1)[:, :, None]
    qpos = 0.3 * np.stack([wave(0.2 + 0.02 * joint) for joint in range(25)], axis=1)
    return MotionClip(
        name=side.name,
        kind="test",
        pattern="test",
        side=side,
        dt=DT,
        qpos=qpos,
        qvel=np.gradient(qpos, DT, axis=0),
        forearm=forearm,
        fingertips=tips,
        notes=np.array(notes, dtype=float).reshape(-1, 5),
        source={START: "-1.0"},
    )


def figures(person, played):
    return likeness({person.side: person}, {played.side: played})


def test_a_motion_is_like_itself():
    result = figures(hand(), hand())
    ours = vars(result.figures)
    for name, value in ours.items():
        assert value == pytest.approx(1.0 if name.endswith("_r") else 0.0, abs=1e-4), name
    assert result.seen_share == 1.0
    assert result.seen_s == pytest.approx(FRAMES * DT, abs=0.03)
    chance = vars(result.chance)
    # Five seconds are one and a quarter periods of the wrist's swing.
    assert chance["wrist_along_r"] == pytest.approx(0.0, abs=0.01)
    assert chance["idle_tip_mm"] > 20.0
    assert chance["frechet_deg"] is None


def test_a_shifted_wrist_has_its_distance_and_its_correlation():
    played = hand()
    forearm = played.forearm + np.array([0.003, -0.004, 0, 0, 0, 0])
    ours = figures(hand(), replace(played, forearm=forearm)).figures
    assert ours.wrist_along_rms_mm == pytest.approx(3.0, abs=1e-3)
    assert ours.wrist_across_rms_mm == pytest.approx(4.0, abs=1e-3)
    assert ours.wrist_along_r == pytest.approx(1.0, abs=1e-6)


def test_an_opposite_path_has_a_correlation_of_minus_one():
    played = hand()
    forearm = played.forearm * [-1, 1, 1, 1, 1, 1]
    assert figures(hand(), replace(played, forearm=forearm)).figures.wrist_along_r == pytest.approx(
        -1.0, abs=1e-6
    )


def test_shifted_fingertips_have_their_distance_from_above_and_in_space():
    played = hand()
    tips = played.fingertips + np.array([0.003, 0.004, 0.012])
    ours = figures(hand(), replace(played, fingertips=tips)).figures
    assert ours.idle_tip_mm == pytest.approx(5.0, abs=1e-3)
    assert ours.idle_tip_3d_mm == pytest.approx(13.0, abs=1e-3)
    assert ours.playing_tip_mm == pytest.approx(5.0, abs=1e-3)
    assert ours.tips_along_r == pytest.approx(1.0, abs=1e-4)


def test_joints_count_while_their_finger_waits():
    """The index finger is on its key from 0.5 s to 19 s of the clip."""
    played = hand()
    qpos = played.qpos.copy()
    qpos[50:900, HAND_JOINTS.index("mcp2_flexion")] += 1.0
    ours = figures(hand(), replace(played, qpos=qpos)).figures
    assert ours.joint_rms_deg == pytest.approx(0.0, abs=1e-3)
    qpos = played.qpos + 0.1
    ours = figures(hand(), replace(played, qpos=qpos)).figures
    assert ours.joint_rms_deg == pytest.approx(np.rad2deg(0.1), abs=1e-3)


def test_preparation_is_the_time_over_the_place_of_the_onset():
    """The person's index finger steps to its key 0.4 s before the onset, the player's 0.1 s."""
    notes = ((10.0, 12.0, 60, 64, 2),)
    clips = []
    for early in (0.4, 0.1):
        tips = np.zeros((FRAMES, 5, 3))
        tips[TIMES + early > 9.999, 1, 0] = 0.05
        clips.append(replace(hand(notes=notes), fingertips=tips))
    assert figures(*clips).figures.preparation_ms == pytest.approx(300.0, abs=11.0)


def test_times_without_the_person_are_left_out():
    person = hand()
    tips = person.fingertips.copy()
    tips[100:400] += 1.0
    person = replace(person, fingertips=tips)
    unseen = np.zeros(FRAMES, dtype=bool)
    unseen[99:401] = True
    result = figures(with_unseen(person, unseen, start=-1.0), hand())
    assert result.figures.idle_tip_mm == pytest.approx(0.0, abs=1e-3)
    assert result.seen_share == pytest.approx(1 - 302 / FRAMES, abs=0.01)


def test_clocks_are_aligned_by_their_starts():
    rows = slice(50, None)
    whole = hand()
    later = replace(
        whole,
        **{name: getattr(whole, name)[rows] for name in ("qpos", "qvel", "forearm", "fingertips")},
        notes=whole.notes - [1.0, 1.0, 0, 0, 0],
        source={START: "0.0"},
    )
    result = figures(whole, later)
    assert result.figures.idle_tip_mm == pytest.approx(0.0, abs=1e-3)
    assert result.seen_share == 1.0


def test_the_ceiling_follows_from_the_errors_of_the_person():
    person = hand()
    errors = {JOINT_ERROR: "5", TIP_ERROR: "4", WRIST_ERROR: "20"}
    ceiling = figures(replace(person, source={**person.source, **errors}), hand()).ceiling
    assert (ceiling.joint_rms_deg, ceiling.idle_tip_mm, ceiling.wrist_along_rms_mm) == (5, 4, 20)
    spread = 1e3 * person.forearm[:, 0].std()
    assert ceiling.wrist_along_r == pytest.approx(np.sqrt(1 - (20 / spread) ** 2), abs=2e-3)
    assert figures(person, hand()).ceiling.joint_rms_deg is None


def test_frechet_distance_of_normal_samples():
    """Equal shapes are as far apart as their means; scaled ones by their standard deviations."""
    sample = np.random.default_rng(0).normal(size=(500, 3))
    assert frechet_distance(sample, sample) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(sample, sample + np.array([3.0, 4.0, 0.0])) == pytest.approx(5.0)
    centred = sample - sample.mean(axis=0)
    expected = np.sqrt(np.trace(np.cov(centred, rowvar=False)))
    assert frechet_distance(centred, 2.0 * centred) == pytest.approx(expected)


def test_chance_of_the_frechet_distance_is_the_other_hand():
    left = replace(hand(Side.LEFT), qpos=hand().qpos + 0.2)
    result = likeness({Side.RIGHT: hand(), Side.LEFT: left}, {Side.RIGHT: hand()})
    assert result.figures.frechet_deg == pytest.approx(0.0, abs=1e-3)
    assert result.chance.frechet_deg == pytest.approx(np.rad2deg(0.2 * np.sqrt(19)), abs=1e-3)


def test_without_a_common_hand_nothing_is_told():
    result = likeness({Side.RIGHT: hand()}, {Side.LEFT: hand(Side.LEFT)})
    assert set(vars(result.figures).values()) == {None}
    assert result.seen_share == 0.0
    json.dumps(result.as_dict(), allow_nan=False)
