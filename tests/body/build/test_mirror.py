"""A mirrored right hand is a left hand: the same joint values give the same lengths, and places
mirrored in z."""

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.bone import bones
from musclehand.body.analysis.moment_arm import moment_arms, tendon_lengths
from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.build.mirror import mirror_hand
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.body.posture import place, sample_postures


@pytest.fixture(scope="module")
def mirrored():
    return mirror_hand(hand_spec(Side.RIGHT), own_naming()).compile()


def test_lengths_and_arms_are_those_of_our_left_hand(mirrored, left_hand):
    model, hand = left_hand
    partner = HandIndex.from_model(mirrored, Side.LEFT)
    postures = sample_postures(hand, hand.limits(model), 20, np.random.default_rng(0))
    assert tendon_lengths(mirrored, partner, postures) == pytest.approx(
        tendon_lengths(model, hand, postures), abs=1e-6
    )
    assert moment_arms(mirrored, partner, postures) == pytest.approx(
        moment_arms(model, hand, postures), abs=1e-5
    )


def test_bones_stand_where_those_of_our_left_hand_stand(mirrored, left_hand):
    model, hand = left_hand
    partner = HandIndex.from_model(mirrored, Side.LEFT)
    ours = mujoco.MjData(model)
    reflected = mujoco.MjData(mirrored)
    places = [mirrored.body(model.body(number).name).id for number in range(model.nbody)]
    for posture in sample_postures(hand, hand.limits(model), 20, np.random.default_rng(1)):
        place(model, ours, hand, posture)
        place(mirrored, reflected, partner, posture)
        assert reflected.xpos[places] == pytest.approx(ours.xpos, abs=1e-6)
        assert reflected.xipos[places] == pytest.approx(ours.xipos, abs=1e-6)
        assert reflected.site_xpos[partner.tips] == pytest.approx(
            ours.site_xpos[hand.tips], abs=1e-6
        )


def test_inertia_is_that_of_our_left_hand(mirrored, left_hand):
    """The mass matrix holds masses, centres and inertias of all bones at once."""
    model, hand = left_hand
    partner = HandIndex.from_model(mirrored, Side.LEFT)
    ours = mujoco.MjData(model)
    reflected = mujoco.MjData(mirrored)
    for posture in sample_postures(hand, hand.limits(model), 5, np.random.default_rng(2)):
        matrix = mass_matrix(model, ours, hand, posture)
        reflected_matrix = mass_matrix(mirrored, reflected, partner, posture)
        assert (matrix.diagonal() > 0).all()
        assert reflected_matrix == pytest.approx(matrix, rel=1e-5, abs=1e-9)


def mass_matrix(model, data, hand, posture):
    hand.pose(data, posture)
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    return full[np.ix_(hand.dofs, hand.dofs)]


def test_meshes_are_mirrored_with_their_bones():
    """The bones of the mirrored right hand fill the same space, each in its own frame, as those
    of our left hand."""
    right = mirror_hand(hand_spec(Side.RIGHT, visual=True), own_naming()).compile()
    left = hand_spec(Side.LEFT, visual=True).compile()
    expected = {right.body(bone.body).name: bone.corners.reshape(-1, 3) for bone in bones(right)}
    ours = {left.body(bone.body).name: bone.corners.reshape(-1, 3) for bone in bones(left)}
    assert len(ours) > 25
    assert expected.keys() == ours.keys()
    for name, corners in ours.items():
        for extent in (np.min, np.max, np.mean):
            assert extent(expected[name], axis=0) == pytest.approx(
                extent(corners, axis=0), abs=2e-6
            ), name


def test_all_names_are_left_ones(mirrored):
    names = [mirrored.body(i).name for i in range(1, mirrored.nbody)]
    names += [mirrored.joint(i).name for i in range(mirrored.njnt)]
    names += [mirrored.actuator(i).name for i in range(mirrored.nu)]
    names += [mirrored.tendon(i).name for i in range(mirrored.ntendon)]
    names += [mirrored.site(i).name for i in range(mirrored.nsite)]
    names += [mirrored.geom(i).name for i in range(mirrored.ngeom)]
    assert all(name.endswith("_l") for name in names)
    assert mirrored.neq == len(HAND_JOINTS) - len(INDEPENDENT_JOINTS)
