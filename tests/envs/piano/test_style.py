"""The term of the reward that tells how unlike a person's motion is."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from musclehand.body.anatomy import INDEPENDENT_JOINTS, digit_joints
from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano import reward
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.reward import STYLE_ANGLE, STYLE_DISTANCE, PianoWeights
from musclehand.envs.piano.style import Style
from musclehand.envs.reference import join
from musclehand.motion.clip import LEAD_KEPT, MotionClip
from musclehand.motion.person import START
from support.small_high_level import MIRRORED, small_latent_space

pytestmark = pytest.mark.usefixtures("one_thread")


def parts(**chosen):
    values = {
        "wrist": np.zeros(1),
        "tips": np.zeros((1, 5)),
        "joints": np.zeros((1, 19)),
        "waiting": np.ones((1, 5), dtype=bool),
        "seen": np.ones(1),
    }
    return reward.style(**{**values, **chosen})


def test_a_hand_at_the_persons_loses_nothing():
    np.testing.assert_array_equal(parts(), 0.0)


def test_a_person_who_was_not_seen_costs_nothing():
    np.testing.assert_array_equal(parts(wrist=np.ones(1), seen=np.zeros(1)), 0.0)


def test_one_part_of_all_counts_by_its_distance():
    """There are the wrist, five fingertips, and 16 joints of the digits."""
    joints = sum(len(set(digit_joints(d)) & set(INDEPENDENT_JOINTS)) for d in ("thumb", "index"))
    loss = (np.exp(-1.0) - 1.0) / (1 + 5 + 16)
    assert parts(wrist=np.array([STYLE_DISTANCE])) == pytest.approx(loss)
    tips = np.zeros((1, 5))
    tips[0, 3] = STYLE_DISTANCE
    assert parts(tips=tips) == pytest.approx(loss)
    waiting = np.array([[True, True, False, False, False]])
    angles = np.full((1, 19), STYLE_ANGLE)
    expected = (np.exp(-1.0) - 1.0) * joints / (1 + 2 + joints)
    assert parts(joints=angles, waiting=waiting) == pytest.approx(expected)
    assert parts(tips=tips, waiting=waiting) == 0.0


def person_of(pieces):
    """A person who moves as the plan does."""
    clips = {}
    for references in pieces.hands:
        side = references.sides[0]
        flip = np.array([side.mirror, 1.0, 1.0])
        arm = np.array([side.mirror, 1, 1, side.mirror, 1, side.mirror])
        clips[side] = MotionClip(
            name=side.name,
            kind="test",
            pattern="test",
            side=side,
            dt=references.dt,
            qpos=references.angles,
            qvel=references.speeds,
            forearm=references.forearm * arm,
            fingertips=references.tips * flip,
            notes=np.zeros((0, 5)),
            source={START: repr(-LEAD_KEPT)},
        )
    return clips


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


def test_hands_where_the_person_has_theirs_lose_nothing(pieces):
    """The person moves as the plan does, and both hands of the plan are given back."""
    references = join(pieces.hands)
    frame = np.arange(50, references.frames - 50, 7)
    style = Style.of([person_of(pieces)], references)
    hands = SimpleNamespace(
        angles=references.angles[frame],
        tips=references.tips[frame],
        forearm=references.forearm[frame],
    )
    waiting = np.zeros((len(frame), 5), dtype=bool)
    inside = style.seen[frame] == 1.0
    assert inside.mean() > 0.5
    np.testing.assert_allclose(style.term(frame, hands, waiting)[inside], 0.0, atol=0.01)


def test_a_weight_of_zero_changes_no_bit(tmp_path, pieces):
    latent_space = small_latent_space(tmp_path)
    person = person_of(pieces)
    away = {
        side: replace(clip, forearm=clip.forearm + 0.1, fingertips=clip.fingertips + 0.1)
        for side, clip in person.items()
    }
    results = []
    for people, weight in ((None, 0.0), ([person], 0.0), ([person], 1.0), ([away], 1.0)):
        config = PianoConfig(
            num_worlds=1, fixed_starts=True, off_plan=0.0, weights=PianoWeights(style=weight)
        )
        env = PianoEnv(pieces, latent_space, config, people=people)
        env.reset(seed=0)
        results.append([env.step(env.teacher_action()) for _ in range(3)])
    plain, unweighted, weighted, far = results
    for one, two, three, four in zip(plain, unweighted, weighted, far, strict=True):
        np.testing.assert_array_equal(one.reward, two.reward)
        np.testing.assert_allclose(three.reward - one.reward, three.terms["style"], atol=1e-9)
        assert (four.terms["style"] < three.terms["style"]).all()
    with pytest.raises(InvalidValue, match="people"):
        PianoEnv(pieces, latent_space, config, people=[])
