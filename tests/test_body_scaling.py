"""Scaled hands against the exact laws of similar bodies."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.hand import fit_fibres, load_hand
from musclehand.body.hand_index import HandIndex, wrist_centre
from musclehand.body.moment_arm import moment_arms, tendon_lengths
from musclehand.body.posture import sample_postures
from musclehand.body.scaling import HAND_BREADTH, HAND_LENGTH, scale_tables
from musclehand.core.errors import InvalidValue

FACTOR = 1.2


@pytest.fixture(scope="module")
def similar():
    return load_hand(hand_length=FACTOR * HAND_LENGTH, hand_breadth=FACTOR * HAND_BREADTH)


def test_the_tables_are_of_the_length_they_say(right_hand):
    model, hand = right_hand
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    reach = wrist_centre(model, data, hand) - data.site_xpos[hand.tips[2]]
    skin = model.geom("skin_distph3_r").size[0]
    assert np.linalg.norm(reach) + skin == pytest.approx(HAND_LENGTH, abs=0.0015)


def test_a_similar_hand_has_lengths_and_arms_in_proportion(right_hand, similar):
    model, hand = right_hand
    other = HandIndex.from_model(similar, Side.RIGHT)
    postures = sample_postures(hand, hand.limits(model), 10, np.random.default_rng(3))
    assert tendon_lengths(similar, other, postures) == pytest.approx(FACTOR * tendon_lengths(model, hand, postures))
    ours, theirs = moment_arms(model, hand, postures), moment_arms(similar, other, postures)
    assert theirs == pytest.approx(FACTOR * ours, abs=1e-9)


def test_masses_grow_with_the_volume_and_forces_stay(right_hand, similar):
    model, hand = right_hand
    moving = slice(int(model.body("lunate_r").id), None)
    assert similar.body_mass[moving] == pytest.approx(FACTOR**3 * model.body_mass[moving], rel=1e-6)
    assert similar.actuator_gainprm[hand.muscles, 2] == pytest.approx(model.actuator_gainprm[hand.muscles, 2])


def test_fibres_grow_with_the_length(tables):
    longer = scale_tables(tables, hand_length=FACTOR * HAND_LENGTH, hand_breadth=FACTOR * HAND_BREADTH)
    ours, theirs = fit_fibres(tables), fit_fibres(longer)
    for muscle in tables.muscle_names:
        assert theirs[muscle].l0 == pytest.approx(FACTOR * ours[muscle].l0)
        assert theirs[muscle].lts == pytest.approx(FACTOR * ours[muscle].lts)


def test_length_and_breadth_go_their_own_ways(right_hand):
    model, _ = right_hand
    long, broad = load_hand(hand_length=1.1 * HAND_LENGTH), load_hand(hand_breadth=1.1 * HAND_BREADTH)
    at = model.body("midph3_r").pos
    assert long.body("midph3_r").pos == pytest.approx(at * [1.0, 1.1, 1.0])
    assert broad.body("midph3_r").pos == pytest.approx(at * [1.1, 1.0, 1.1])


def test_scaling_twice_is_scaling_by_the_product(tables):
    twice = scale_tables(scale_tables(tables, hand_length=1.1 * HAND_LENGTH), hand_length=1.1 * HAND_LENGTH)
    assert twice.stretch == pytest.approx((1.0, 1.21, 1.0))
    assert scale_tables(tables) is tables


def test_left_mirrors_right_at_any_size():
    sized = {"hand_length": 0.16, "hand_breadth": 0.09}
    right, left = load_hand(Side.RIGHT, **sized), load_hand(Side.LEFT, **sized)
    assert left.tendon_length0 == pytest.approx(right.tendon_length0, abs=1e-12)


@pytest.mark.parametrize("size", [{"hand_length": 0.05}, {"hand_length": float("nan")}, {"hand_breadth": 0.3}])
def test_sizes_that_no_hand_has_are_refused(size):
    with pytest.raises(InvalidValue, match="hand"):
        load_hand(**size)
