"""Extremes of path lengths against closed forms, full grids and thousands of other postures."""

import copy
import itertools

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.extremes import (
    crossed_joints,
    followers,
    length_extremes,
    path_extremes,
)
from musclehand.body.analysis.moment_arm import tendon_lengths
from musclehand.body.posture import couple

CRANK = """
<mujoco>
  <compiler angle="radian"/>
  <worldbody>
    <site name="start" pos="0.05 0 0"/>
    <site name="anchor" pos="0.09 0 0"/>
    <body name="crank">
      <joint name="turn" axis="0 0 1" range="{low} {high}" limited="true"/>
      <geom size="0.01"/>
      <site name="end" pos="0.03 0 0"/>
      <body name="arm" pos="0.03 0 0">
        <joint name="bend" axis="0 0 1" range="-1 1" limited="true"/>
        <joint name="slip" type="slide" axis="1 0 0"/>
        <geom size="0.01"/>
        <site name="far" pos="0.02 0 0"/>
      </body>
    </body>
  </worldbody>
  <tendon>
    <spatial name="near"><site site="start"/><site site="end"/></spatial>
    <spatial name="whole"><site site="anchor"/><site site="far"/></spatial>
    <spatial name="idle"><site site="start"/><site site="anchor"/></spatial>
  </tendon>
  {more}
</mujoco>
"""

COUPLING = """
<equality>
  <joint joint1="bend" joint2="turn" polycoef="0.1 0.5 -0.2 0 0"/>
  <joint joint1="slip" joint2="bend" polycoef="0.001 0.01 0 0 0"/>
</equality>
"""


def crank(low=-1.0, high=2.0, more=""):
    return mujoco.MjModel.from_xml_string(CRANK.format(low=low, high=high, more=more))


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 2.0), (0.5, 3.0), (-2.0, -0.3), (-0.1, 3.1), (2.0, 5.0)]
)
def test_a_crank_has_the_extremes_of_the_law_of_cosines(low, high):
    """Interior extremes at 0 and pi count as those at the limits do."""
    result = path_extremes(crank(low, high), [0], [0])
    angles = [low, high] + [angle for angle in (0.0, np.pi) if low < angle < high]
    lengths = np.sqrt(0.05**2 + 0.03**2 - 2 * 0.05 * 0.03 * np.cos(angles))
    assert result.lengths[0] == pytest.approx([lengths.min(), lengths.max()], abs=1e-6)


def test_followers_obey_the_whole_polynomial_and_chains_of_it():
    model = crank(more=COUPLING)
    assert [row.joint for row in followers(model)] == [1, 2]
    result = path_extremes(model, [1], [0, 1, 2])
    turn = np.linspace(-1.0, 2.0, 20001)
    bend = 0.1 + 0.5 * turn - 0.2 * turn**2
    slip = 0.001 + 0.01 * bend
    reach = 0.02 + slip  # the slide's axis turns with the hinge before it
    x = 0.03 * np.cos(turn) + reach * np.cos(turn + bend)
    y = 0.03 * np.sin(turn) + reach * np.sin(turn + bend)
    lengths = np.hypot(x - 0.09, y)
    assert result.lengths[0] == pytest.approx([lengths.min(), lengths.max()], abs=1e-6)
    assert path_extremes(model, [1], [0]).lengths == pytest.approx(result.lengths)
    qpos = result.qpos[0, 1]
    assert qpos[1] == pytest.approx(0.1 + 0.5 * qpos[0] - 0.2 * qpos[0] ** 2)
    assert qpos[2] == pytest.approx(0.001 + 0.01 * qpos[1])


def test_a_follower_stays_where_its_driver_does():
    """Its driver does not move in this search, and it does not move without it."""
    result = path_extremes(crank(more=COUPLING), [1], [1, 2])
    assert result.lengths[0, 0] == result.lengths[0, 1]


def test_the_joints_that_a_path_crosses():
    model = crank()
    assert crossed_joints(model, 0) == {0}
    assert crossed_joints(model, 1) == {0, 1, 2}
    assert crossed_joints(model, 2) == set()


@pytest.mark.parametrize("name", ["LU1", "DI1", "PQ", "OP", "ADPt", "ECRB"])
def test_a_full_grid_has_no_more(right_hand, name):
    """Every combination of many angles of the joints that a muscle crosses, in plain MuJoCo."""
    model, hand = right_hand
    muscle = hand.muscle_names.index(name)
    lengths = length_extremes(model, hand).lengths[muscle]
    crossed = crossed_joints(model, hand.tendons[muscle])
    ids = hand.joint_ids(model)
    drivers = {row.joint: row.driver for row in followers(model)}
    crossed = {drivers.get(joint, joint) for joint in crossed}
    columns = [i for i, joint in enumerate(ids) if joint in crossed]
    steps = {1: 400, 2: 60, 3: 25, 4: 11}[len(columns)]
    spans = [np.linspace(*hand.limits(model)[i], steps) for i in columns]
    postures = np.zeros((steps ** len(columns), len(ids)))
    postures[:, columns] = list(itertools.product(*spans))
    grid = tendon_lengths(model, hand, couple(hand, postures))[:, muscle]
    width = lengths[1] - lengths[0]
    assert lengths[0] == pytest.approx(grid.min(), abs=5e-3 * width)
    assert lengths[1] == pytest.approx(grid.max(), abs=5e-3 * width)
    assert lengths[0] <= grid.min() + 1e-4 * width
    assert lengths[1] >= grid.max() - 1e-4 * width


def test_random_corners_have_no_more_either(right_hand, myohand):
    """Corners and other postures; MyoHand's lumbricals and interossei jump over their surfaces."""
    for (model, hand), tolerance in ((right_hand, 2e-4), ((myohand.model, myohand.hand), 5e-3)):
        limits = hand.limits(model)
        rng = np.random.default_rng(3)
        shares = rng.random((4000, len(limits)))
        shares = np.where(rng.random(shares.shape) < 0.7, np.round(shares), shares)
        postures = couple(hand, limits[:, 0] + shares * (limits[:, 1] - limits[:, 0]))
        lengths = tendon_lengths(model, hand, postures)
        shortest, longest = length_extremes(model, hand).lengths.T
        width = longest - shortest
        assert (shortest <= lengths.min(axis=0) + tolerance * width).all()
        assert (longest >= lengths.max(axis=0) - tolerance * width).all()


def test_the_postures_have_the_lengths_and_keep_to_the_limits(right_hand):
    model, hand = right_hand
    result = length_extremes(model, hand)
    angles = result.qpos[..., hand.qpos] * hand.signs
    limits = hand.limits(model)
    for end in (0, 1):
        lengths = np.diag(tendon_lengths(model, hand, angles[:, end]))
        assert lengths == pytest.approx(result.lengths[:, end], abs=1e-12)
    assert angles == pytest.approx(couple(hand, angles))
    independent = angles[..., hand.independent]
    assert (independent >= limits[hand.independent, 0] - 1e-12).all()
    assert (independent <= limits[hand.independent, 1] + 1e-12).all()


def test_the_search_repeats_itself_and_leaves_the_model_alone(right_hand):
    model, hand = right_hand
    before = copy.copy(model)
    first = length_extremes(model, hand)
    second = length_extremes(model, hand)
    assert np.array_equal(first.lengths, second.lengths)
    assert np.array_equal(first.qpos, second.qpos)
    assert np.array_equal(model.qpos0, before.qpos0)


def test_a_gear_stretches_and_turns_the_lengths(right_hand):
    model, hand = right_hand
    geared = copy.copy(model)
    geared.actuator_gear[hand.muscles[3], 0] = -2.0
    usual = length_extremes(model, hand).lengths[3]
    assert length_extremes(geared, hand).lengths[3] == pytest.approx(-2.0 * usual[::-1])
