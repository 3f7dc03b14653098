"""Trajectories of whole pieces: on the keys, within limits, smooth, apart, the same bits always."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from musclehand.body.anatomy import Side
from musclehand.body.build.scaling import HAND_BREADTH, HAND_LENGTH, scale_tables
from musclehand.core.errors import InvalidValue
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.plan import PlanConfig, plan_performance
from musclehand.planning.trajectory.chain import chain_of
from musclehand.planning.trajectory.config import TrajectoryConfig
from musclehand.planning.trajectory.hand_trajectory import PAST_KNOTS
from support.trajectory_problem import JOINTS, poses_of

WHITE = (60, 62, 64, 65, 67)


def exercise(repeats=1, spacing=0.25):
    """Five fingers up and down, the left hand as the mirror image about D4."""
    notes = []
    order = [0, 1, 2, 3, 4, 3, 2, 1] * repeats
    for i, k in enumerate(order):
        for hand in (Hand.RIGHT, Hand.LEFT):
            pitch = WHITE[k] + 12 if hand is Hand.RIGHT else 124 - WHITE[k] - 12
            begin = spacing * i
            notes.append(Note(begin, pitch, begin + 0.8 * spacing, 70, hand, Finger(k + 1)))
    return Score(tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))))


def close_hands():
    """Both thumbs in turn on neighbouring keys, with fingers crossing the middle."""
    notes = []
    for i in range(8):
        begin = 0.3 * i
        notes.append(Note(begin, 62 + (i % 2), begin + 0.25, 70, Hand.RIGHT, Finger(1 + i % 2)))
        notes.append(Note(begin, 60 - (i % 2), begin + 0.25, 70, Hand.LEFT, Finger(1 + i % 2)))
    return Score(tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))))


def rows_of(plan):
    """Unknowns of each hand at control steps, in the frame of a right hand, and the motion."""
    motion = plan.motion()
    rows = {side: [] for side in motion.hands}
    for step in range(int(plan.end / plan.control_dt) - 1):
        for side, reference in zip(motion.hands, motion.at(step), strict=True):
            mirror = np.array([side.mirror, 1.0, 1.0, side.mirror])
            forearm = reference.wrist[-1] * mirror
            rows[side].append(np.concatenate([reference.next_qpos, forearm]))
    return {side: np.array(values) for side, values in rows.items()}, motion


@pytest.fixture(scope="module")
def five_fingers():
    plan = plan_performance(exercise(repeats=2))
    return plan, *rows_of(plan)


@pytest.fixture(scope="module")
def crossing():
    plan = plan_performance(close_hands())
    return plan, *rows_of(plan)


def test_fingertips_are_on_their_keys_when_they_strike(five_fingers):
    plan, rows, motion = five_fingers
    errors = []
    for side, hand in motion.hands.items():
        poses = poses_of(rows[side])
        for note in hand.notes:
            step = round(note.onset / plan.control_dt)
            time = np.array([step * plan.control_dt])
            targets = hand.strokes.at(time).tips[0]
            targets = targets + hand.path.at(time)[0][0] * [side.mirror, 1.0, 1.0]
            tip = poses.tips[step - 1, note.finger - 1]
            errors.append(np.linalg.norm(tip - targets[note.finger - 1]))
    assert len(errors) == len(plan.planned.notes)
    assert max(errors) < 0.0005


def test_joints_stay_within_their_limits(five_fingers, crossing):
    for _, rows, motion in (five_fingers, crossing):
        for side, hand in motion.hands.items():
            limits = hand.ik.model.jnt_range[hand.ik.model.dof_jntid[hand.ik.index.dofs]]
            low, high = limits[hand.ik.index.independent].T
            assert (rows[side][:, :JOINTS] >= low).all()
            assert (rows[side][:, :JOINTS] <= high).all()


def overlaps(ends, others, pairs, radius):
    """Depths of overlap of pairs of bones at all times [m]. Shape (t, p)."""
    share = np.linspace(0.0, 1.0, 13)
    lines = [
        ends_of[:, :, :1] * (1 - share[:, None]) + ends_of[:, :, 1:] * share[:, None]
        for ends_of in (ends, others)
    ]
    depths = []
    for a, b in pairs:
        gap = np.linalg.norm(lines[0][:, a, :, None] - lines[1][:, b, None], axis=3)
        depths.append(radius[a] + radius[b] - gap.min(axis=(1, 2)))
    return np.array(depths).T


def test_no_digit_is_within_another_and_fingers_keep_their_order(five_fingers, crossing):
    for _, rows, motion in (five_fingers, crossing):
        for side, hand in motion.hands.items():
            chain = chain_of(hand.ik.model, hand.ik.index, hand.ik.wrist)
            ends = poses_of(rows[side][::3]).ends
            assert overlaps(ends, ends, chain.pairs, chain.bone_radius).max() < 0.001
            first, second = (ends[:, chain.neighbours[:, i], 1, 0] for i in (0, 1))
            assert (second - first).min() > 0.0


def test_hands_keep_apart(crossing):
    _, rows, motion = crossing
    hand = motion.hands[Side.RIGHT]
    chain = chain_of(hand.ik.model, hand.ik.index, hand.ik.wrist)
    right, left = (poses_of(rows[side][::5]).ends for side in (Side.RIGHT, Side.LEFT))
    bones = range(len(chain.bone_body))
    pairs = [(a, b) for a in bones for b in bones]
    assert overlaps(right, left * [-1.0, 1.0, 1.0], pairs, chain.bone_radius).max() < 0.0


def test_the_trajectory_is_as_smooth_at_the_edges_of_windows_as_elsewhere(five_fingers):
    plan, rows, motion = five_fingers
    config = plan.config.motion.trajectory
    window = config.window_knots * config.knot_time
    times = plan.control_dt * np.arange(1, len(rows[Side.RIGHT]) + 1)
    for side in motion.hands:
        change = np.abs(np.diff(rows[side][:, :JOINTS], 3, axis=0)).max(axis=1)
        phase = (times[2:-1] + 0.5 * window) % window - 0.5 * window
        near = np.abs(phase) < 2.5 * config.knot_time
        late = times[2:-1] > window
        assert near.any()
        assert change[near & late].max() <= change[~near].max()


def test_left_and_right_mirror_each_other_until_they_take_turns(five_fingers):
    """Far apart, hands do not see each other: a mirrored piece has mirrored hands."""
    _, rows, _ = five_fingers
    right, left = rows[Side.RIGHT].copy(), rows[Side.LEFT]
    shift = right[0, JOINTS] - left[0, JOINTS]
    right[:, JOINTS] -= shift
    np.testing.assert_allclose(right, left, atol=1e-6)


def bits(plan, steps):
    motion = plan.motion()
    return {
        step: [[np.asarray(field).tobytes() for field in hand] for hand in motion.at(step)]
        for step in steps
    }


def test_the_same_bits_whichever_steps_are_asked_for(five_fingers):
    plan, _, _ = five_fingers
    every = bits(plan, range(700))
    assert bits(plan, range(700)) == every
    for chosen in (range(0, 700, 7), range(5, 700, 45), (699,)):
        few = bits(plan, chosen)
        assert all(few[step] == every[step] for step in chosen)


def test_the_same_bits_on_any_number_of_threads(five_fingers):
    plan, _, _ = five_fingers
    runs = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            runs.append(bits(plan, range(0, 300, 20)))
    assert runs[0] == runs[1]


def test_windows_forget_what_has_been_played():
    plan = plan_performance(exercise(repeats=6))
    motion = plan.motion()
    config = plan.config.motion.trajectory
    most = config.window_knots + config.ahead_knots + PAST_KNOTS + 40
    kept = set()
    for step in range(0, int(plan.end / plan.control_dt) - 40, 16):
        motion.at(step)
        kept |= {hand.trajectory.kept_knots for hand in motion.hands.values()}
    assert max(kept) == most


@pytest.mark.parametrize("sim_steps", [1, 20])
def test_control_steps_of_any_length_have_the_same_trajectory(sim_steps):
    """With long steps more is asked for at once; still nothing is asked for that was forgotten."""
    score = exercise()
    config = PlanConfig()
    plans = [
        plan_performance(score),
        plan_performance(score, config=replace(config, sim_steps=sim_steps)),
    ]
    motions = [plan.motion() for plan in plans]
    for time in np.arange(0.0, 2.0, plans[1].control_dt * plans[0].config.sim_steps):
        steps = [round(time / plan.control_dt) for plan in plans]
        for first, second in zip(
            *(m.at(s) for m, s in zip(motions, steps, strict=True)), strict=True
        ):
            np.testing.assert_allclose(first.qpos, second.qpos, atol=0.02)


@pytest.mark.parametrize(("length", "breadth"), [(0.93, 0.95), (1.1, 1.08)])
def test_hands_of_other_sizes_reach_their_keys_too(tables, length, breadth):
    design = scale_tables(
        tables, hand_length=length * HAND_LENGTH, hand_breadth=breadth * HAND_BREADTH
    )
    plan = plan_performance(exercise(), design=design)
    rows, motion = rows_of(plan)
    for side, hand in motion.hands.items():
        chain = chain_of(hand.ik.model, hand.ik.index, hand.ik.wrist)
        poses = poses_of(rows[side], chain)
        for note in hand.notes:
            step = round(note.onset / plan.control_dt)
            time = np.array([step * plan.control_dt])
            target = hand.strokes.at(time).tips[0, note.finger - 1]
            target = target + hand.path.at(time)[0][0] * [side.mirror, 1.0, 1.0]
            tip = poses.tips[step - 1, note.finger - 1]
            assert np.linalg.norm(tip - target) < 0.0005


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("knot_time", 0.0),
        ("knot_time", 0.1),
        ("window_knots", 1),
        ("ahead_knots", 0),
        ("steps", 0),
        ("rounds", 0),
        ("first_rounds", 0),
    ],
)
def test_constants_out_of_range_are_refused(name, value):
    with pytest.raises(InvalidValue, match=name):
        TrajectoryConfig(**{name: value})
