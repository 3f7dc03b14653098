"""The table of an observation, against itself; and rewards against what they say at their ends."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.envs.observation import CLIP, Block, ObservationTable
from musclehand.envs.tracking import reward
from musclehand.envs.tracking.reward import RewardWeights, weigh

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@given(SIZES, st.floats(0.01, 100.0), st.integers(0, 1000))
def test_what_is_written_is_read_back(sizes, scale, seed):
    table = ObservationTable([Block(f"b{i}", size, "m", scale, "") for i, size in enumerate(sizes)])
    rng = np.random.default_rng(seed)
    values = {f"b{i}": scale * rng.uniform(-9, 9, size=(3, size)) for i, size in enumerate(sizes)}
    out = table.write(values, np.empty((3, table.size)))
    assert table.size == sum(sizes)
    for name, part in values.items():
        np.testing.assert_allclose(table.read(out, name), part)
    wild = {name: part * 1e9 for name, part in values.items()}
    assert np.abs(table.write(wild, np.empty((3, table.size)))).max() <= CLIP


def test_tables_that_are_none_are_refused():
    block = Block("a", 2, "m", 1.0, "")
    for wrong in ([block, block], [Block("a", 0, "", 1.0, "")], [Block("a", 1, "", 0.0, "")]):
        with pytest.raises(InvalidValue):
            ObservationTable(wrong)
    table = ObservationTable([block])
    with pytest.raises(UnknownName):
        table.slice("b")
    with pytest.raises(UnknownName):
        table.read(np.zeros((1, 2)), "b")
    with pytest.raises(UnknownName):
        table.scale("b")
    with pytest.raises(InvalidValue):
        table.write({}, np.zeros((1, 2)))


def test_rewards_at_their_ends():
    zeros = np.zeros((2, 5))
    ones = np.ones((2, 5))
    np.testing.assert_allclose(reward.tip(np.zeros((2, 5, 3))), 0.0)
    for term in (reward.angle, reward.speed):
        np.testing.assert_allclose(term(zeros), 0.0)
    # All fingertips 10 mm off cost about 10, all joints off by a unit cost 1.
    np.testing.assert_allclose(
        reward.tip(0.01 * np.eye(3)[None, :1].repeat(5, axis=1)), -9.5, rtol=0.01
    )
    np.testing.assert_allclose(reward.angle(reward.ANGLE_UNIT * ones), -1.0)
    np.testing.assert_allclose(reward.speed(reward.SPEED_UNIT * ones), -1.0)
    np.testing.assert_allclose(reward.effort(ones), -1.0)
    np.testing.assert_allclose(reward.change(ones, zeros), -1.0)
    np.testing.assert_allclose(reward.failure(np.array([True, False])), [-1.0, 0.0])


def test_every_weight_weighs_its_term():
    weights = RewardWeights()
    names = [field.name for field in fields(weights)]
    terms = {
        name: np.array([float(i == j) for j in range(len(names))]) for i, name in enumerate(names)
    }
    np.testing.assert_allclose(weigh(terms, weights), [getattr(weights, name) for name in names])
    assert all(callable(getattr(reward, name)) for name in names)
