"""Mixing of commands: products by hand, bounds that hold for all commands, and missing slips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.build.table_rows import SharedDrive
from musclehand.body.conditions.mixing import TOLERANCE, DriveMixer, mixed_excitations
from musclehand.core.errors import ModelError

NAMES = ("EIP", "FDP2", "FDP3", "FDP4", "DI1")
BELLY = SharedDrive(
    "FDP", ("FDP2", "FDP3", "FDP4"), ((1.0, 0.4, 0.1), (0.3, 1.0, 0.5), (0.2, 0.6, 1.0)), 1.5
)
COMMANDS = st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5).map(np.array)


@pytest.fixture
def mixer():
    return DriveMixer(NAMES, (BELLY,))


def norm(values):
    return np.sum(values**BELLY.exponent) ** (1.0 / BELLY.exponent)


def test_without_drives_commands_are_excitations():
    commands = np.array([0.1, 0.5, 1.0, 0.0, 0.3])
    assert np.array_equal(DriveMixer(NAMES, ()).mix(commands), commands)
    assert np.array_equal(mixed_excitations([], commands[None], np.ones((1, 5))), commands[None])


def test_a_command_reaches_the_neighbours_and_no_muscle_of_another_belly(mixer):
    assert mixer.mix(np.array([0.0, 0.0, 0.5, 0.0, 0.0])) == pytest.approx([0, 0.2, 0.5, 0.3, 0])
    assert mixer.mix(np.array([0.7, 0.2, 0.1, 0.0, 0.4])) == pytest.approx(
        [0.7, 0.24, 0.16, 0.1, 0.4]
    )


def test_a_single_command_may_be_full(mixer):
    for place in range(5):
        assert mixer.mix(np.eye(5)[place])[place] == 1.0


@given(commands=COMMANDS)
def test_commands_stay_within_their_norm_and_keep_their_ratio(commands):
    allowed = DriveMixer(NAMES, (BELLY,)).bounded(commands)
    assert norm(allowed[1:4]) <= 1.0 + 1e-12
    assert np.outer(allowed[1:4], commands[1:4]) == pytest.approx(
        np.outer(commands[1:4], allowed[1:4])
    )
    assert np.array_equal(allowed[[0, 4]], commands[[0, 4]])


@given(commands=COMMANDS, others=COMMANDS)
def test_a_cut_takes_away_what_breaks_the_norm_and_nothing_that_keeps_it(commands, others):
    mixer = DriveMixer(NAMES, (BELLY,))
    for row in mixer.cuts(commands):
        assert row @ commands > 1.0
        assert row @ mixer.bounded(others) <= 1.0 + 1e-9
    assert bool(mixer.cuts(commands)) == (norm(commands[1:4]) > 1.0 + TOLERANCE)


def test_a_norm_without_an_exponent_is_the_largest():
    mixer = DriveMixer(NAMES, (BELLY._replace(exponent=np.inf),))
    assert np.array_equal(mixer.bounded(np.ones(5)), np.ones(5))


def test_a_weak_muscle_gets_its_share_of_what_is_mixed(mixer):
    ceiling = np.array([[0.5, 1.0, 0.25, 1.0, 1.0]])
    excitations = mixed_excitations([mixer], np.array([[1.0, 0.0, 0.4, 0.0, 0.0]]), ceiling)
    assert excitations[0] == pytest.approx([0.5, 0.16, 0.1, 0.24, 0.0])


def test_a_hand_without_all_slips_is_refused_by_name():
    with pytest.raises(ModelError, match="hand: has no FDP3, FDP4; shared drive needs a slip"):
        DriveMixer(("FDP2", "EIP"), (BELLY,))
