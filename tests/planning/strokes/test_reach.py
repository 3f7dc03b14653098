"""The wrist path: the exact solution of its least-squares problem, and what a pianist would
expect of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from musclehand.body.anatomy import Side
from musclehand.motion.playing_hand import WRIST_HEIGHT, HandSize
from musclehand.music.score import Finger, Hand, Note
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.placement import WristPose
from musclehand.planning.strokes.reach import ReachConfig, _smooth, _smooth_between, plan_wrist

GEOMETRY = keyboard_geometry(load_piano_parameters())
FINGER_X = np.array([-0.047, -0.0235, 0, 0.0235, 0.047])


def wish(note, side):
    """Place of the wrist for five neighbouring white keys."""
    return np.array(
        [GEOMETRY.x[note.key] - side.mirror * FINGER_X[note.finger - 1], -0.09, WRIST_HEIGHT]
    )


def plan(notes, side, *, end):
    return plan_wrist(
        notes, [WristPose(wish(note, side), np.zeros(2), 0.0) for note in notes], side, end=end
    )


def melody(side, steps, *, spacing=0.4, length=0.3):
    """Notes that walk over the white keys, each with the finger that keeps the hand where it is,
    or moves it."""
    hand = Hand.RIGHT if side is Side.RIGHT else Hand.LEFT
    pitch = 72 if side is Side.RIGHT else 48
    notes = []
    for i, (interval, finger) in enumerate(steps):
        pitch = int(np.clip(pitch + interval, 40, 90))
        notes.append(
            Note(0.5 + spacing * i, pitch, 0.5 + spacing * i + length, 80, hand, Finger(finger))
        )
    return notes


@settings(max_examples=30)
@given(st.integers(8, 80), st.integers(0, 2**32 - 1), st.floats(0.1, 1e5))
def test_the_banded_solution_is_the_dense_one(count, seed, stiffness):
    """Stacked rows sqrt(w) p = sqrt(w) t and sqrt(k) D3 p = 0, solved by numpy."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(1e-2, 2, count)
    target = rng.normal(size=(count, 2))
    solution = _smooth(weight, weight[:, None] * target, stiffness=stiffness)
    third = np.diff(np.eye(count), 3, axis=0)
    rows = np.vstack([np.diag(np.sqrt(weight)), np.sqrt(stiffness) * third])
    right = np.vstack([np.sqrt(weight)[:, None] * target, np.zeros((count - 3, 2))])
    expected = np.linalg.lstsq(rows, right, rcond=None)[0]
    assert solution == pytest.approx(expected, abs=1e-5)


@settings(max_examples=30)
@given(st.integers(8, 200), st.integers(0, 2**32 - 1), st.floats(-1, 1), st.floats(-1, 1))
def test_parabolas_are_free(count, seed, slope, curve):
    """A wish without a third difference costs nothing and is met exactly, whatever its weights."""
    weight = np.random.default_rng(seed).uniform(1e-2, 2, count)
    share = np.linspace(0, 1, count)
    target = np.stack([0.3 + slope * share + curve * share**2, np.full(count, 0.1)], axis=1)
    assert _smooth(weight, weight[:, None] * target, stiffness=100.0) == pytest.approx(
        target, abs=1e-5
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(8, 40), st.integers(0, 2**32 - 1))
def test_between_soft_walls_no_path_is_cheaper(count, seed):
    """The piecewise quadratic cost is convex: a general minimiser that starts elsewhere finds
    the same path."""
    rng = np.random.default_rng(seed)
    ease = rng.uniform(1e-2, 0.1, count)
    target = rng.normal(size=count)
    low = np.where(rng.random(count) < 0.5, rng.normal(size=count), -np.inf)
    high = np.where(np.isfinite(low), low + rng.uniform(0, 0.5, count), np.inf)

    def cost(path):
        outside = np.maximum(low - path, 0) + np.maximum(path - high, 0)
        return (
            (ease * (path - target) ** 2).sum()
            + 3.0 * (np.diff(path, 3) ** 2).sum()
            + (outside**2).sum()
        )

    solution = _smooth_between(ease, ease * target, low, high, 3.0)
    general = minimize(
        cost, rng.normal(size=count), method="BFGS", options={"gtol": 1e-9, "maxiter": 5000}
    )
    assert cost(solution) <= general.fun + 1e-6
    assert solution == pytest.approx(general.x, abs=5e-3)


@given(st.floats(1e-3, 1.0))
def test_a_leap_of_that_time_has_the_top_acceleration(distance):
    config = ReachConfig()
    share = np.linspace(0, 1, 2001)
    jerk_free = distance * (10 * share**3 - 15 * share**4 + 6 * share**5)
    acceleration = (
        np.gradient(np.gradient(jerk_free, share), share) / config.leap_time(distance) ** 2
    )
    assert np.abs(acceleration).max() == pytest.approx(config.acceleration, rel=1e-2)


@pytest.mark.parametrize("side", Side)
def test_one_place_asked_for_is_kept(side):
    notes = melody(side, [(0, 3)] * 6)
    path = plan(notes, side, end=4.0)
    position, velocity, _ = path.at(np.linspace(0, 4, 200))
    assert position == pytest.approx(np.tile(wish(notes[0], side), (200, 1)), abs=1e-4)
    assert np.abs(velocity).max() < 1e-2


@pytest.mark.parametrize("side", Side)
def test_a_hand_comes_in_from_its_own_side(side):
    """Two hands that begin next to each other do not begin inside each other."""
    first = Note(2.0, 62, 2.4, 80, Hand.RIGHT if side is Side.RIGHT else Hand.LEFT, Finger.THUMB)
    path = plan([first], side, end=3.0)
    x = path.at(np.array([0.0, 1.3, 2.0]))[0][:, 0] * side.mirror
    home = wish(first, side)[0] * side.mirror
    assert x[:2] - home == pytest.approx(0.05, abs=0.01)
    assert x[2] == pytest.approx(home, abs=2e-3)


@settings(max_examples=25)
@given(
    st.sampled_from(Side),
    st.lists(st.tuples(st.integers(-4, 4), st.integers(1, 5)), min_size=1, max_size=12),
)
def test_the_path_passes_near_every_wish_at_its_onset(side, steps):
    """With time to move, every finger comes over its key well within the reach of the hand."""
    notes = melody(side, steps, spacing=0.8)
    path = plan(notes, side, end=notes[-1].offset + 1)
    at_onsets = path.at(np.array([note.onset for note in notes]))[0]
    wishes = np.array([wish(note, side) for note in notes])
    assert np.linalg.norm(at_onsets - wishes, axis=1).max() < 0.02


def test_velocity_and_acceleration_are_derivatives():
    notes = melody(Side.RIGHT, [(0, 1), (12, 5), (-12, 1), (5, 3)])
    path = plan(notes, Side.RIGHT, end=3.0)
    times = np.linspace(0.3, 2.5, 400)
    dt = 1e-4
    position, velocity, acceleration = path.at(times)
    ahead = path.at(times + dt)
    behind = path.at(times - dt)
    largest = np.abs(velocity).max()
    assert velocity == pytest.approx((ahead[0] - behind[0]) / (2 * dt), abs=0.03 * largest)
    assert (
        np.sqrt(np.mean((acceleration - (ahead[1] - behind[1]) / (2 * dt)) ** 2))
        < 0.1 * np.abs(acceleration).max()
    )
    assert position.shape == velocity.shape == acceleration.shape == (400, 3)


def test_the_path_is_held_beyond_its_ends():
    path = plan(melody(Side.LEFT, [(0, 2), (7, 4)]), Side.LEFT, end=2.0)
    position, velocity, acceleration = path.at(np.array([-1.0, 50.0]))
    assert position == pytest.approx(path.at(np.array([0.0, 2.0]))[0], abs=1e-9)
    assert not velocity.any()
    assert not acceleration.any()


def test_a_hand_without_notes_waits_on_its_side():
    for side in Side:
        position = plan([], side, end=5.0).at(np.linspace(0, 5, 100))[0]
        assert (position[:, 0] * side.mirror > 0.1).all()
        assert np.ptp(position, axis=0) == pytest.approx(0, abs=1e-6)


def test_left_and_right_mirror_each_other():
    """A melody about the keyboard's middle key and its mirror image give mirrored paths."""
    steps = [(0, 1), (2, 2), (2, 3), (3, 5), (-5, 2)]
    right = melody(Side.RIGHT, steps)
    mirror = {round(x, 6): key for key, x in enumerate(GEOMETRY.x)}
    left = []
    for note in right:
        key = mirror.get(
            round(float(2 * GEOMETRY.x[41] - GEOMETRY.x[note.key]), 6)
        )  # D4, an axis of symmetry
        assert key is not None
        left.append(Note(note.onset, key + 21, note.offset, 80, Hand.LEFT, note.finger))
    times = np.linspace(0, 3, 200)
    right_path, left_path = (
        plan(notes, side, end=3.0).at(times)[0]
        for notes, side in ((right, Side.RIGHT), (left, Side.LEFT))
    )
    assert left_path[:, 0] == pytest.approx(2 * GEOMETRY.x[41] - right_path[:, 0], abs=1e-6)
    assert left_path[:, 1:] == pytest.approx(right_path[:, 1:], abs=1e-6)


def test_a_larger_hand_has_more_room_and_others_keep_what_keys_decide():
    config = ReachConfig()
    large = config.for_hand(HandSize(1.2, 1.1))
    for name in ("hold_room", "full_span", "thumb_under"):
        assert getattr(large, name) == pytest.approx(1.15 * getattr(config, name))
    assert large.strike_room == config.strike_room
    assert config.for_hand(HandSize()) == config
