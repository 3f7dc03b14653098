"""A mirrored right hand is a left hand: the same joint values give the same lengths, and places mirrored in z."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.mirror import mirror_hand
from musclehand.body.moment_arm import moment_arms, tendon_lengths
from musclehand.body.naming import own_naming
from musclehand.body.posture import place, sample_postures


@pytest.fixture(scope="module")
def mirrored():
    return mirror_hand(hand_spec(Side.RIGHT), own_naming()).compile()


def test_lengths_and_arms_are_those_of_our_left_hand(mirrored, left_hand):
    model, hand = left_hand
    other = HandIndex.from_model(mirrored, Side.LEFT)
    postures = sample_postures(hand, hand.limits(model), 20, np.random.default_rng(0))
    assert tendon_lengths(mirrored, other, postures) == pytest.approx(tendon_lengths(model, hand, postures), abs=1e-6)
    assert moment_arms(mirrored, other, postures) == pytest.approx(moment_arms(model, hand, postures), abs=1e-5)


def test_bones_stand_where_those_of_our_left_hand_stand(mirrored, left_hand):
    model, hand = left_hand
    other = HandIndex.from_model(mirrored, Side.LEFT)
    ours, theirs = mujoco.MjData(model), mujoco.MjData(mirrored)
    places = [mirrored.body(model.body(number).name).id for number in range(model.nbody)]
    for posture in sample_postures(hand, hand.limits(model), 20, np.random.default_rng(1)):
        place(model, ours, hand, posture)
        place(mirrored, theirs, other, posture)
        assert theirs.xpos[places] == pytest.approx(ours.xpos, abs=1e-6)
        assert theirs.xipos[places] == pytest.approx(ours.xipos, abs=1e-6)
        assert theirs.site_xpos[other.tips] == pytest.approx(ours.site_xpos[hand.tips], abs=1e-6)


def test_all_names_are_left_ones(mirrored):
    names = [mirrored.body(i).name for i in range(1, mirrored.nbody)]
    names += [mirrored.joint(i).name for i in range(mirrored.njnt)]
    names += [mirrored.actuator(i).name for i in range(mirrored.nu)]
    names += [mirrored.tendon(i).name for i in range(mirrored.ntendon)]
    names += [mirrored.site(i).name for i in range(mirrored.nsite)]
    names += [mirrored.geom(i).name for i in range(mirrored.ngeom)]
    assert all(name.endswith("_l") for name in names)
    assert mirrored.neq == 4
