"""Enslaving: what the condition adds to the tables, against what is published of it."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.enslaving import (
    DEFICIT,
    PRESSING,
    SHARES,
    deficit_exponent,
    shared_drives,
    tendon_links,
)
from musclehand.core.errors import InvalidValue, ModelError

PUBLISHED = (0.109, 0.547)
"""Zatsiorsky, Li & Latash 1998, abstract."""


def off_diagonal(matrix):
    matrix = np.asarray(matrix)
    return matrix[~np.eye(len(matrix), dtype=bool)]


def test_pressing_is_as_published_nearly_symmetrical_and_larger_for_neighbours():
    matrix = np.array(PRESSING)
    assert np.array_equal(np.diag(matrix), np.ones(4))
    assert off_diagonal(matrix).min() >= PUBLISHED[0]
    assert off_diagonal(matrix).max() <= PUBLISHED[1]
    assert np.abs(matrix - matrix.T).max() <= 0.05
    away = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    for row, distance in zip(matrix, away, strict=True):
        assert row[distance == 1].min() > row[distance > 1].max()
    # The ring finger is enslaved most.
    assert matrix.sum(axis=1).argmax() == 2


def test_row_sums_and_bound_give_the_published_deficit_of_four_fingers():
    for drive in shared_drives():
        mixing = np.array(drive.mixing)
        rows = mixing.sum(axis=1)
        assert (rows > 1.0).all()
        assert drive.exponent > 1.0
        command = 4.0 ** (-1.0 / drive.exponent)
        assert np.mean(rows) * command == pytest.approx(1.0 - DEFICIT)
        assert np.array_equal(np.diag(mixing), np.ones(4))


def test_deep_flexors_are_enslaved_most_and_superficial_ones_least():
    sizes = {drive.name: off_diagonal(drive.mixing).mean() for drive in shared_drives()}
    assert sizes["FDP"] > sizes["EDC"] > sizes["FDS"] > 0.0
    assert set(sizes) == set(SHARES)


def test_the_exponent_of_independent_fingers_without_deficit_sets_no_bound():
    assert deficit_exponent(1.2 * np.eye(4), 0.0) > 7.0
    assert deficit_exponent(np.full((2, 2), 1.0), 0.0) == pytest.approx(1.0)


def test_half_of_it_is_half_as_much_mixing_and_half_as_stiff():
    for half, whole in zip(shared_drives(0.5), shared_drives(), strict=True):
        assert off_diagonal(half.mixing) == pytest.approx(0.5 * off_diagonal(whole.mixing))
    for half, whole in zip(tendon_links(0.5), tendon_links(), strict=True):
        assert half.stiffness == pytest.approx(0.5 * whole.stiffness)
        assert half.slack == whole.slack


def test_the_condition_changes_nothing_but_drives_and_links(tables):
    changed = apply_condition(tables, find_condition("enslaving"))
    assert changed.drives == shared_drives()
    assert changed.links == tendon_links()
    assert replace(changed, drives=(), links=()) == tables
    assert tables.drives == tables.links == ()


def test_it_goes_with_others_and_the_last_share_counts(tables):
    condition = find_condition("enslaving+ulnar-palsy+enslaving=0.5")
    assert condition.drives == shared_drives(0.5)
    changed = apply_condition(tables, condition)
    assert changed.links == tendon_links(0.5)
    assert {row.muscle for row in changed.muscles if row.drive == 0.0}


def test_a_tendon_that_is_moved_away_loses_its_bands(tables):
    changed = apply_condition(tables, find_condition("enslaving+transfer:EDC4>EPL"))
    assert [link.name for link in changed.links] == [
        "EDC_band23",
        "FDP_band23",
        "FDP_band34",
        "FDP_band45",
    ]


@pytest.mark.parametrize("share", ["0", "1.1", "much", "nan"])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(InvalidValue, match=r"from 0\.01 to 1"):
        find_condition(f"enslaving={share}")


def test_a_hand_without_a_slip_is_told_which(tables):
    without = replace(
        tables, muscles=tuple(row for row in tables.muscles if row.muscle not in ("FDP4", "EDC5"))
    )
    with pytest.raises(ModelError, match="hand: has no FDP4, EDC5; enslaving needs a slip"):
        apply_condition(without, find_condition("enslaving"))
