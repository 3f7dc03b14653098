"""Scaled hands against the exact laws of similar bodies."""

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.moment_arm import moment_arms, tendon_lengths
from musclehand.body.anatomy import Side
from musclehand.body.build.hand import fit_fibres, load_hand
from musclehand.body.build.scaling import (
    BREADTH_RANGE,
    HAND_BREADTH,
    HAND_LENGTH,
    LENGTH_RANGE,
    PROPORTION_RANGE,
    scale_tables,
)
from musclehand.body.hand_index import HandIndex, wrist_centre
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import sample_postures
from musclehand.core.errors import InvalidValue

FACTOR = 1.2


@pytest.fixture(scope="module")
def similar():
    return load_hand(hand_length=FACTOR * HAND_LENGTH, hand_breadth=FACTOR * HAND_BREADTH)


def content(model):
    buffer = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def test_the_tables_own_size_changes_nothing():
    assert content(load_hand(hand_length=HAND_LENGTH, hand_breadth=HAND_BREADTH)) == content(
        load_hand()
    )


def test_the_tables_are_of_the_length_they_say(right_hand):
    model, hand = right_hand
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    reach = wrist_centre(model, data, hand) - data.site_xpos[hand.tips[2]]
    skin = model.geom("skin_distph3_r").size[0]
    assert np.linalg.norm(reach) + skin == pytest.approx(HAND_LENGTH, abs=0.0015)


def test_a_similar_hand_has_lengths_and_arms_in_proportion(right_hand, similar):
    model, hand = right_hand
    second = HandIndex.from_model(similar, Side.RIGHT)
    postures = sample_postures(hand, hand.limits(model), 10, np.random.default_rng(3))
    lengths = FACTOR * tendon_lengths(model, hand, postures)
    assert tendon_lengths(similar, second, postures) == pytest.approx(lengths, abs=1e-9)
    ours = moment_arms(model, hand, postures)
    scaled = moment_arms(similar, second, postures)
    assert scaled == pytest.approx(FACTOR * ours, abs=1e-9)


def test_masses_grow_with_the_volume_and_forces_stay(right_hand, similar):
    model, hand = right_hand
    assert similar.body_mass == pytest.approx(FACTOR**3 * model.body_mass, rel=1e-9)
    assert similar.body_inertia == pytest.approx(FACTOR**5 * model.body_inertia, rel=1e-9)
    assert similar.actuator_gainprm[hand.muscles, 2] == pytest.approx(
        model.actuator_gainprm[hand.muscles, 2]
    )


def test_fibres_and_tendons_of_the_built_hand_are_in_proportion(right_hand, similar):
    model, hand = right_hand
    ours = muscle_parameters(model, hand.muscles)
    scaled = muscle_parameters(similar, hand.muscles)
    assert scaled.l0 == pytest.approx(FACTOR * ours.l0, rel=1e-9)
    assert scaled.lts == pytest.approx(FACTOR * ours.lts, rel=1e-9)


def test_fibres_grow_with_the_length(tables):
    longer = scale_tables(
        tables, hand_length=FACTOR * HAND_LENGTH, hand_breadth=FACTOR * HAND_BREADTH
    )
    ours = fit_fibres(tables)
    scaled = fit_fibres(longer)
    for muscle in tables.muscle_names:
        assert scaled[muscle].l0 == pytest.approx(FACTOR * ours[muscle].l0)
        assert scaled[muscle].lts == pytest.approx(FACTOR * ours[muscle].lts)


def measures(model):
    """From the wrist to the tip of the middle finger, and from the first to the last knuckle, at
    neutral [m]."""
    hand = HandIndex.from_model(model, Side.RIGHT)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    first, last = (model.joint(f"mcp{finger}_flexion_r").id for finger in (2, 5))
    reach = data.site_xpos[hand.tips[2]] - wrist_centre(model, data, hand)
    return reach, data.xanchor[first] - data.xanchor[last]


def test_length_and_breadth_go_their_own_ways(right_hand):
    model, _ = right_hand
    long = load_hand(hand_length=1.1 * HAND_LENGTH)
    broad = load_hand(hand_breadth=1.1 * HAND_BREADTH)
    (reach, knuckles), (far, same), (near, wide) = measures(model), measures(long), measures(broad)
    assert far == pytest.approx(reach * [1.0, 1.1, 1.0], abs=1e-12)
    assert same == pytest.approx(knuckles * [1.0, 1.1, 1.0], abs=1e-12)
    assert near == pytest.approx(reach * [1.1, 1.0, 1.1], abs=1e-12)
    assert wide == pytest.approx(knuckles * [1.1, 1.0, 1.1], abs=1e-12)
    # Along the hand is y, across the knuckles mostly x and z: most of either distance is its own
    # factor's.
    assert np.linalg.norm(far) / np.linalg.norm(reach) == pytest.approx(1.1, abs=0.002)
    assert np.linalg.norm(wide) / np.linalg.norm(knuckles) == pytest.approx(1.1, abs=0.01)


def test_scaling_twice_is_scaling_by_the_product(tables):
    twice = scale_tables(
        scale_tables(tables, hand_length=1.1 * HAND_LENGTH), hand_length=1.1 * HAND_LENGTH
    )
    assert twice.stretch == pytest.approx((1.0, 1.21, 1.0))
    assert scale_tables(tables) is tables


def test_left_mirrors_right_at_any_size():
    sized = {"hand_length": 0.16, "hand_breadth": 0.09}
    right = load_hand(Side.RIGHT, **sized)
    left = load_hand(Side.LEFT, **sized)
    first = HandIndex.from_model(right, Side.RIGHT)
    second = HandIndex.from_model(left, Side.LEFT)
    postures = sample_postures(first, first.limits(right), 10, np.random.default_rng(4))
    assert tendon_lengths(left, second, postures) == pytest.approx(
        tendon_lengths(right, first, postures), abs=1e-12
    )
    assert moment_arms(left, second, postures) == pytest.approx(
        moment_arms(right, first, postures), abs=1e-12
    )
    assert left.body_mass == pytest.approx(right.body_mass)


@pytest.mark.parametrize(
    "size", [{"hand_length": 0.05}, {"hand_length": float("nan")}, {"hand_breadth": 0.3}]
)
def test_sizes_that_no_hand_has_are_refused(size):
    with pytest.raises(InvalidValue, match="hand"):
        load_hand(**size)


@pytest.mark.parametrize("length", [LENGTH_RANGE[0], HAND_LENGTH, LENGTH_RANGE[1]])
@pytest.mark.parametrize("breadth", [BREADTH_RANGE[0], HAND_BREADTH, BREADTH_RANGE[1]])
def test_every_size_that_is_accepted_can_be_built(tables, length, breadth):
    low, high = PROPORTION_RANGE
    if not low <= breadth / length <= high:
        with pytest.raises(InvalidValue, match="times the hand length"):
            scale_tables(tables, hand_length=length, hand_breadth=breadth)
        return
    fibres = fit_fibres(scale_tables(tables, hand_length=length, hand_breadth=breadth))
    assert all(fibre.lts >= 0.0 for fibre in fibres.values())
