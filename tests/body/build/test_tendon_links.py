"""Bands between tendons, against closed forms, MuJoCo's own arms, and the hand without them."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.moment_arm import muscle_geometry
from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec, load_hand
from musclehand.body.build.tendon_links import finger_arms, link_arms
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import ModelError


@pytest.fixture(scope="module")
def tied(tables):
    return apply_condition(tables, find_condition("enslaving"))


@pytest.fixture(scope="module")
def tied_hand(tied):
    model = load_hand(Side.RIGHT, tables=tied)
    return model, HandIndex.from_model(model, Side.RIGHT)


def rest(tables, hand):
    angles = {row.joint: row.rest for row in tables.joints}
    return np.array([angles[joint] for joint in hand.joints])


def test_a_hand_without_bands_is_the_same_to_the_last_bit(tables, tied):
    healthy = hand_spec(Side.RIGHT, design=tables).to_xml()
    assert hand_spec(Side.RIGHT, design=replace(tied, links=())).to_xml() == healthy
    assert hand_spec(Side.RIGHT).to_xml() == healthy
    assert hand_spec(Side.RIGHT, design=tied).to_xml() != healthy


def test_bands_come_after_the_tendons_of_the_muscles(tables, tied, tied_hand):
    model, _ = tied_hand
    assert model.ntendon == len(tables.muscles) + len(tied.links)
    assert (model.tendon_stiffness[: len(tables.muscles)] == 0.0).all()
    assert model.tendon_stiffness[len(tables.muscles) :] == pytest.approx(
        [link.stiffness for link in tied.links]
    )


def test_arms_are_mujocos_at_rest(tied, tied_hand):
    model, hand = tied_hand
    arms = -muscle_geometry(model, hand, rest(tied, hand)[None]).arms[0]
    for muscle, by_joint in finger_arms(tied).items():
        row = arms[hand.muscle_names.index(muscle)]
        for joint, arm in by_joint.items():
            assert arm == pytest.approx(row[hand.joints.index(joint)], abs=1e-6)


def test_bands_are_slack_at_rest_and_while_two_fingers_flex_alike(tied, tied_hand):
    model, hand = tied_hand
    data = mujoco.MjData(model)
    for flexion in (0.0, 0.4, 0.8):
        posture = rest(tied, hand)
        posture[[i for i, joint in enumerate(hand.joints) if joint.startswith("mcp")]] += [
            flexion * joint.endswith("flexion") for joint in hand.joints if joint.startswith("mcp")
        ]
        hand.pose(data, posture)
        mujoco.mj_forward(model, data)
        loose = load_hand(Side.RIGHT, tables=replace(tied, links=()))
        free = mujoco.MjData(loose)
        hand.pose(free, posture)
        mujoco.mj_forward(loose, free)
        assert data.qfrc_spring == pytest.approx(free.qfrc_spring, abs=1e-12)


@pytest.mark.parametrize("side", list(Side))
def test_a_taut_band_pulls_both_fingers_by_stiffness_times_stretch(tied, side):
    link = next(link for link in tied.links if link.name == "EDC_band34")
    only = replace(tied, links=(link,))
    model = load_hand(side, tables=only)
    loose = load_hand(side, tables=replace(tied, links=()))
    hand = HandIndex.from_model(model, side)
    posture = rest(tied, hand)
    posture[hand.joints.index("mcp3_flexion")] += 0.9
    torques = []
    for one in (model, loose):
        data = mujoco.MjData(one)
        hand.pose(data, posture)
        mujoco.mj_forward(one, data)
        torques.append(data.qfrc_spring[hand.dofs] * hand.signs)
    arms = link_arms(only, link)
    stretch = 0.9 * arms["mcp3_flexion"] - link.slack
    assert stretch > 0.0
    expected = np.array([-link.stiffness * stretch * arms.get(joint, 0.0) for joint in hand.joints])
    assert torques[0] - torques[1] == pytest.approx(expected, abs=1e-9)


def test_a_band_between_tendons_of_no_like_joints_is_refused(tied):
    link = tied.links[0]._replace(muscles=("EDC3", "FCR"))
    with pytest.raises(ModelError, match="EDC_band23: its two tendons cross no like joints"):
        link_arms(replace(tied, links=(link,)), link)
