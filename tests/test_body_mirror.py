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
from musclehand.body.posture import sample_postures


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
    model, _ = left_hand
    ours, theirs = mujoco.MjData(model), mujoco.MjData(mirrored)
    for data, of in ((ours, model), (theirs, mirrored)):
        data.qpos[:] = np.linspace(-0.3, 0.3, of.nq)
        mujoco.mj_kinematics(of, data)
    for number in range(1, model.nbody):
        name = model.body(number).name
        assert theirs.body(name).xpos == pytest.approx(ours.body(name).xpos, abs=1e-6)


def test_all_names_are_left_ones(mirrored):
    names = [mirrored.body(i).name for i in range(1, mirrored.nbody)] + [mirrored.joint(i).name for i in range(23)]
    names += [mirrored.actuator(i).name for i in range(mirrored.nu)] + [mirrored.site(i).name for i in range(50)]
    assert all(name.endswith("_l") for name in names)
    assert mirrored.neq == 4
