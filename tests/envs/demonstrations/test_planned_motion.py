"""Plans as references, against the plan itself, MuJoCo's kinematics and the keyboard; and a
policy that plays them."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.controllers.run import Run
from musclehand.controllers.tracking_policy import TrackingPolicyController
from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.demonstrations.planned_motion import (
    load_references,
    plan_references,
    policy_plan_config,
    save_references,
)
from musclehand.envs.reference import cut, join
from musclehand.envs.tracking.cropped_keyboard import (
    AIR_HEIGHT,
    CROPPED_KEYS,
    fit_to_cropped_keyboard,
)
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import evaluate, follow_teacher
from musclehand.learning.policy import Policy
from musclehand.motion.playing_hand import TIP_RADIUS
from musclehand.music.generate.patterns import PatternScore
from musclehand.music.score import Hand, Note, Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.plan import plan_performance
from musclehand.policies.tracking import TrackingPolicy, save_tracking_policy

GEOMETRY = keyboard_geometry(load_piano_parameters())
PITCHES = {Hand.RIGHT: (64, 66, 67, 69, 71), Hand.LEFT: (60, 58, 57, 55, 53)}


def five_notes():
    notes = [
        Note(0.25 * number, pitch, 0.25 * number + 0.2, velocity=70, hand=hand, finger=number + 1)
        for hand, pitches in PITCHES.items()
        for number, pitch in enumerate(pitches)
    ]
    return Score(tuple(notes), title="five notes")


@pytest.fixture(scope="module")
def planned():
    return plan_references([PatternScore("five", "hanon", five_notes())])


def test_fingers_reach_their_keys_and_no_further(planned):
    """Half-way through each note the tip is over its key's middle, as far down as pulp lets it."""
    assert planned.names == ("00000_r", "00000_l")
    assert planned.sides == (Side.RIGHT, Side.LEFT)
    assert planned.kinds == ("hanon", "hanon")
    for clip, (hand, mirror) in enumerate(((Hand.RIGHT, 1.0), (Hand.LEFT, -1.0))):
        for number, pitch in enumerate(PITCHES[hand]):
            frame = planned.first[clip] + round((0.5 + 0.25 * number + 0.12) / planned.dt)
            tip = planned.tips[frame, number]
            assert mirror * tip[0] == pytest.approx(GEOMETRY.x[pitch - 21], abs=0.006)
            key = pitch - 21
            lever = GEOMETRY.hinge_y[key] - tip[1]
            stop = GEOMETRY.top_z[key] - lever * np.tan(GEOMETRY.full_angle[key])
            assert tip[2] - stop - TIP_RADIUS[number] == pytest.approx(0.001, abs=0.001)
            assert planned.key_force[frame, number] > 0
            assert (planned.key_force[frame, np.arange(5) != number] == 0).all()


def test_speeds_are_those_of_the_angles(planned):
    for name, rate in (("angles", "speeds"), ("forearm", "forearm_speed")):
        for first, last in zip(planned.first, planned.last, strict=True):
            values = getattr(planned, name)[first : last + 1]
            slopes = np.gradient(values, planned.dt, axis=0)
            wrong = np.abs(slopes - getattr(planned, rate)[first : last + 1])[2:-2]
            assert np.percentile(wrong, 95) < 0.05


def test_what_is_kept_comes_back(planned, tmp_path):
    save_references(tmp_path, planned, {"scores": 1})
    back = load_references(tmp_path, {"scores": 1})
    for name in ("angles", "tips", "key_force", "clip", "first"):
        np.testing.assert_array_equal(getattr(back, name), getattr(planned, name))
    assert (back.dt, back.kinds, back.names, back.sides) == (
        planned.dt,
        planned.kinds,
        planned.names,
        planned.sides,
    )
    assert "press" in load_latest(tmp_path).arrays
    with pytest.raises(FileError):
        load_references(tmp_path, {"scores": 2})
    with pytest.raises(FileError):
        load_references(tmp_path / "nothing", {})
    with pytest.raises(InvalidValue):
        plan_references([])


def test_parts_and_joints_of_sets(planned):
    twice = join([planned, planned])
    assert twice.frames == 2 * planned.frames
    np.testing.assert_array_equal(
        twice.last - twice.first, np.tile(planned.last - planned.first, 2)
    )
    assert twice.names == planned.names * 2
    part = cut(planned, [(10, 50)], np.array([[0.1, 0.2]]))
    np.testing.assert_allclose(part.tips[:, :, 0], planned.tips[10:51, :, 0] + 0.1)
    np.testing.assert_allclose(part.forearm[:, [0, 2]], planned.forearm[10:51, [0, 2]] + [0.1, 0.2])
    np.testing.assert_array_equal(part.angles, planned.angles[10:51])
    with pytest.raises(InvalidValue):
        join([])


@pytest.mark.parametrize("side", list(Side))
def test_on_the_strip_every_finger_stands_over_a_key_of_its_colour(planned, side):
    """Moved by octaves, and mirrored for the other hand: the tip that presses is over some key's
    middle."""
    moved = fit_to_cropped_keyboard(planned, side)
    x = GEOMETRY.x[CROPPED_KEYS]
    for clip, own in enumerate(moved.sides):
        pitches = PITCHES[Hand.RIGHT if own is Side.RIGHT else Hand.LEFT]
        for number, pitch in enumerate(pitches):
            frame = moved.first[clip] + round((0.5 + 0.25 * number + 0.12) / moved.dt)
            tip = moved.tips[frame, number]
            # Told as of a right hand; a left one's keys are at the mirrored places.
            near = int(np.argmin(np.abs(side.mirror * tip[0] - x)))
            assert abs(side.mirror * tip[0] - x[near]) < 0.006
            expected_pitch = pitch if own is side else 2 * 62 - pitch
            assert (near + 48 - expected_pitch) % 12 == 0


def test_a_long_way_is_cut(planned):
    """A hand that goes over the whole keyboard does it in parts, each of them on the strip."""
    frames = planned.last[0] + 1
    moved_clip = cut(planned, [(0, int(planned.last[0]))], np.zeros((1, 2)))
    shift = np.linspace(-0.6, 0.6, frames)
    moved_clip.tips[:, :, 0] += shift[:, None]
    parts = fit_to_cropped_keyboard(moved_clip, Side.RIGHT)
    assert len(parts.names) >= 2
    x = GEOMETRY.x[CROPPED_KEYS]
    half = 0.5 * GEOMETRY.width[0]
    assert parts.tips[:, :, 0].min() > x[0] - half
    assert parts.tips[:, :, 0].max() < x[-1] + half
    np.testing.assert_array_equal(parts.tips[:, :, 2], moved_clip.tips[: parts.frames, :, 2])


def test_what_was_not_planned_for_keys_is_done_above_them(planned):
    plain = replace(planned, key_mass=np.zeros_like(planned.key_mass))
    moved = fit_to_cropped_keyboard(plain, Side.RIGHT)
    np.testing.assert_allclose(moved.tips, planned.tips + np.array([0.0, 0.0, AIR_HEIGHT]))
    assert not moved.key_force.any()


def test_the_teacher_plays_on_the_strip(planned):
    scores = evaluate(planned, follow_teacher, TrackingConfig(keys=True))
    assert [score.kind for score in scores] == ["hanon", "hanon"]
    assert all(score.survived and score.tip_mean < 0.003 for score in scores)


def test_heavier_keys_are_heavier(planned):
    config = TrackingConfig(
        num_envs=2, keys=True, disturbance=DisturbanceConfig(key_weight=(1.3, 1.3))
    )
    env = TrackingEnv(planned, config)
    plain = env.body.model
    for name in ("jnt_stiffness", "dof_armature", "body_inertia"):
        heavy = env.body.backend.field(name)[0]
        full = getattr(plain, name)
        changed = ~np.isclose(heavy, full)
        assert changed.any()
        np.testing.assert_allclose(heavy[changed], 1.3 * full[changed], rtol=1e-6)


def test_a_policy_plays_what_it_is_shown(planned, tmp_path):
    """Untrained, so it does not play; but it observes what the environment would show, and acts on
    it."""
    config = TrackingConfig(num_envs=1, action_history=2, look_ahead=(2, 5), keys=True)
    env = TrackingEnv(planned, config)
    policy = Policy(env.num_observations, env.num_actions, (8,), seed=1)
    path = save_tracking_policy(tmp_path, policy, env, {})
    result = perform(five_notes(), PlayerSettings("policy", policy=path))
    assert result.metrics.onset_f1_50ms is not None
    observations = []

    def act(observation):
        observations.append(np.array(observation))
        return np.full((2, 46), 0.02)

    plan = plan_performance(five_notes(), config=policy_plan_config())
    player = TrackingPolicyController(plan, TrackingPolicy(policy, config, {}))
    policy.act = act
    Run(player, end=1.0).play()
    table = env.table
    ahead = np.array([table.read(row, "ahead_5") for row in observations])[:, :, :19]
    free = env.body.hand.independent
    for row in (70, 90, 110):
        for clip in range(2):
            frame = planned.first[clip] + row - round(0.5 / planned.dt)
            expected = (planned.angles[frame + 4] - planned.angles[frame])[free]
            np.testing.assert_allclose(ahead[row, clip], expected, atol=2e-3)
