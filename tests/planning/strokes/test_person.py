"""A person's motion as a prior of planning."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.anatomy import INDEPENDENT_JOINTS, Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.person import START, with_unseen
from musclehand.music.repertoire import load_piece
from musclehand.planning.plan import plan_performance
from musclehand.planning.plan_file import load_plan
from musclehand.planning.strokes.person import (
    SEEN_FADE,
    person_from_dict,
    person_motion,
    person_motions,
    place_towards_keys,
)

IK = HandIk()
FRAMES = 401
DT = 0.02
TUNE = load_piece("twinkle_twinkle").clip(0.0, 4.0)
ASIDE = 0.012


def still(side=Side.RIGHT, wrist=(0.1, -0.09, 0.04), yaw=0.0, pitch=0.0, size=1.0):
    """A hand that rests in the playing posture."""
    IK.reset()
    arms = IK.tips() * [side.mirror, 1, 1]
    cosine, sine = np.cos(pitch), np.sin(pitch)
    arms = arms @ np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]).T
    forearm = np.tile([*wrist, yaw, pitch, 0.0], (FRAMES, 1))
    return MotionClip(
        name=side.name,
        kind="test",
        pattern="test",
        side=side,
        dt=DT,
        qpos=np.tile(IK.index.expand @ IK.posture, (FRAMES, 1)),
        qvel=np.zeros((FRAMES, 25)),
        forearm=forearm,
        fingertips=np.tile(np.array(wrist) + size * arms, (FRAMES, 1, 1)),
        notes=np.zeros((0, 5)),
        source={START: "-1.0"},
    )


def planned_tips(plan):
    """Fingertips and pressing fingers of the right hand, at all control steps."""
    motion = plan.motion()
    ik = next(iter(motion.hands.values())).ik
    rows = []
    for step in range(int(plan.end / plan.control_dt) - 40):
        hand = dict(zip(motion.hands, motion.at(step), strict=True))[Side.RIGHT]
        ik.reset(hand.qpos[ik.index.independent])
        wrist, yaw = hand.wrist[0, :3], hand.wrist[0, 3]
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        rows.append((ik.tips() @ turn.T + wrist, hand.pressing > 0, wrist.copy()))
    return [np.array(column) for column in zip(*rows, strict=True)]


def moved_person(plan):
    """A person who moves as the plan does, but aside, their keys too."""
    motion = plan.motion()
    steps = range(0, int(plan.end / plan.control_dt) - 40, 5)
    hands = [dict(zip(motion.hands, motion.at(step), strict=True))[Side.RIGHT] for step in steps]
    forearm = np.zeros((len(hands), 6))
    forearm[:, :4] = [hand.wrist[0] for hand in hands]
    forearm[:, 0] += ASIDE
    tips = np.array([hand.tips for hand in hands]) + np.array([ASIDE, 0.0, 0.0])
    qpos = np.array([hand.qpos for hand in hands])
    return MotionClip(
        name="right",
        kind="test",
        pattern="test",
        side=Side.RIGHT,
        dt=5 * plan.control_dt,
        qpos=qpos,
        qvel=np.zeros_like(qpos),
        forearm=forearm,
        fingertips=tips,
        notes=np.zeros((0, 5)),
        source={START: repr(-plan.lead_in)},
    )


@pytest.fixture(scope="module")
def plans():
    plain = plan_performance(TUNE, sides=(Side.RIGHT,))
    person = moved_person(plain)
    return plain, plan_performance(TUNE, sides=(Side.RIGHT,), like={Side.RIGHT: person})


def test_a_plan_without_a_person_says_nothing_of_one(plans):
    assert "person" not in plans[0].as_dict()


def test_the_wrist_goes_with_the_person_and_pressing_fingers_stay(plans):
    """The person's hand is 12 mm to the right of the plan's; the keys are the same."""
    (tips, pressing, wrist), (own, pressed, moved) = (planned_tips(plan) for plan in plans)
    distance = moved[:, 0] - wrist[:, 0]
    assert np.median(distance) == pytest.approx(ASIDE, abs=0.003)
    both = pressing & pressed
    assert np.median(np.abs(own - tips)[both][:, 0]) < 0.002
    assert plans[1].metrics.onset_f1_50ms == plans[0].metrics.onset_f1_50ms


def test_a_plan_with_a_person_survives_a_file(plans, tmp_path):
    plan = load_plan(plans[1].save(tmp_path / "plan.json"))
    first, second = plans[1].motion(), plan.motion()
    for step in (0, 100, 500):
        for one, two in zip(first.at(step), second.at(step), strict=True):
            for value, copy in zip(one, two, strict=True):
                np.testing.assert_array_equal(value, copy)


def test_a_person_who_was_not_seen_changes_nothing_that_counts():
    plain = plan_performance(TUNE, sides=(Side.RIGHT,))
    clip = moved_person(plain)
    clip = with_unseen(clip, np.ones(clip.frames, dtype=bool), start=0.0)
    away = replace(clip, forearm=clip.forearm + 0.5, fingertips=clip.fingertips + 0.5)
    blind = plan_performance(TUNE, sides=(Side.RIGHT,), like={Side.RIGHT: away})
    tips, _, _ = planned_tips(plain)
    own, _, _ = planned_tips(blind)
    assert np.abs(own - tips).max() < 1e-6


def test_a_hand_of_the_same_size_keeps_its_places():
    motion = person_motion(still(), IK)
    state = motion.at(np.array([0.0, 3.0]))
    np.testing.assert_allclose(state.wrist, [[0.1, -0.09, 0.04]] * 2, atol=1e-4)
    np.testing.assert_allclose(state.tips[0] - state.wrist[0], IK.tips(), atol=1e-4)
    np.testing.assert_allclose(state.angles[0], IK.posture, atol=1e-4)


def test_a_smaller_hand_is_scaled_about_the_middle_of_its_fingertips():
    clip = still(size=0.8)
    state = person_motion(clip, IK).at(np.array([1.0]))
    IK.reset()
    np.testing.assert_allclose(state.tips[0] - state.wrist[0], IK.tips(), atol=1e-4)
    np.testing.assert_allclose(
        state.tips[0].mean(axis=0), clip.fingertips[0].mean(axis=0), atol=1e-4
    )


def test_the_wrist_takes_over_the_pitch_of_the_forearm():
    state = person_motion(still(pitch=0.15), IK).at(np.array([1.0]))
    flexion = INDEPENDENT_JOINTS.index("flexion")
    assert state.angles[0, flexion] == pytest.approx(IK.posture[flexion] - 0.15, abs=1e-4)
    IK.reset(state.angles[0])
    arms = state.tips[0] - state.wrist[0]
    # The axis of flexion is not exactly across the forearm.
    assert np.linalg.norm(IK.tips() - arms, axis=1).max() < 0.003
    IK.reset()


def test_a_low_wrist_counts_as_one_at_rest():
    state = person_motion(still(wrist=(0.1, -0.09, 0.01)), IK).at(np.array([1.0]))
    assert state.wrist[0, 2] == pytest.approx(IK.playing.wrist_height, abs=1e-4)


def test_the_person_fades_in_and_out_where_they_were_seen():
    unseen = np.zeros(FRAMES, dtype=bool)
    unseen[200:250] = True
    motion = person_motion(with_unseen(still(), unseen), IK)
    times = np.array([-0.1, 1.0, 4.5, 3.98 - SEEN_FADE - 0.05, 3.9, 9.0])
    seen = motion.at(times).seen
    assert seen[[0, 2, 5]].tolist() == [0.0, 0.0, 0.0]
    assert seen[[1, 3]].tolist() == [1.0, 1.0]
    assert 0.0 < seen[4] < 1.0


def test_a_clip_of_another_side_is_refused():
    with pytest.raises(InvalidValue, match="side"):
        person_motions({Side.LEFT: still()}, IK)


def test_samples_survive_json():
    motion = person_motion(still(), IK).later(2.0)
    again = person_from_dict(motion.as_dict())
    assert again.start == motion.start
    for one, two in zip(motion.samples, again.samples, strict=True):
        np.testing.assert_array_equal(one, two)
    with pytest.raises(ValueError, match="yaw"):
        person_from_dict({**motion.as_dict(), "yaw": [float("nan")] * 401})


def test_waiting_fingers_are_led_into_keys_and_out_of_them():
    times = np.linspace(0.0, 2.0, 201)
    place = np.zeros((201, 2))
    edges = np.array([[0.5, 0.8], [0.85, 1.2]])
    offsets = np.array([[[0.01, 0], [0.02, 0]], [[0.03, 0], [0.04, 0]]])
    led = place_towards_keys(times, place, edges, offsets, approach=0.15)[:, 0]
    at = dict(zip(np.round(times, 2).tolist(), led.tolist(), strict=True))
    assert at[0.3] == at[1.5] == 0.0
    assert [at[t] for t in (0.8, 1.2)] == pytest.approx([0.02, 0.04])
    assert at[0.49] == pytest.approx(0.01, abs=1e-3)
    assert at[0.84] == pytest.approx(0.03, abs=2e-3)
    nobody = place_towards_keys(times, place, edges[:0], offsets[:0], approach=0.15)
    np.testing.assert_array_equal(nobody, place)
