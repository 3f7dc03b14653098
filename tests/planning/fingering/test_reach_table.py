"""The table of what two fingers reach: solved again, by size of the hand, and as fingering uses it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.cost import IMPOSSIBLE, MAX_STEPS, cost_tables
from musclehand.planning.fingering.grip_solver import GripSolver
from musclehand.planning.fingering.reach_table import (
    beyond_hand,
    grip_chains,
    hand_holds,
    load_reach,
    reach_shares,
    solve_chain,
)

WHITE_WHITE, BLACK_BLACK = 0, 3
OCTAVE = 14
"""Half white keys."""


def test_a_sample_of_the_table_is_what_the_solver_finds() -> None:
    solver = GripSolver(HandIk())
    kept = {row[:5]: row for row in load_reach()}
    sample = grip_chains(solver.geometry)[4:90:17]
    for chain in sample:
        short = chain[:4]
        solved = {
            (
                int(row["low"]),
                int(row["high"] or 0),
                int(row["low_key"] == "black"),
                int(row["high_key"] == "black"),
                int(row["half_keys"] or 0),
            ): float(row["share"])
            for row in solve_chain(solver, short)
        }
        for case in short:
            kind = (case.low, case.high, case.low_black, case.high_black, case.distance)
            assert (kind in solved) == (kind in kept), kind
            if kind in solved:
                assert solved[kind] == pytest.approx(kept[kind].share, abs=0.11), kind


def test_rows_occur_once_and_have_room_about_a_wrist_over_the_keys() -> None:
    rows = load_reach()
    assert len({row[:5] for row in rows}) == len(rows)
    for row in rows:
        assert (np.array(row.wrist_low) <= np.array(row.wrist_high)).all()
        assert row.wrist_low[2] >= 0.014
        assert 0.3 <= row.share <= 1.0


def test_black_octaves_are_easiest_for_thumb_and_little_finger() -> None:
    shares = reach_shares(1.0)[BLACK_BLACK, 1, :, MAX_STEPS + OCTAVE]
    assert shares[5] < shares[4] < shares[3]
    assert not np.isfinite(shares[2])
    assert hand_holds(1.0)[WHITE_WHITE, OCTAVE]
    assert not hand_holds(1.0)[:, OCTAVE + 5 :].any()


def test_shares_are_the_same_from_either_key() -> None:
    shares = reach_shares(1.0)
    for colours, swapped in ((0, 0), (1, 2), (3, 3)):
        mirrored = shares[swapped].transpose(1, 0, 2)[:, :, ::-1]
        assert np.array_equal(shares[colours], mirrored)


@given(st.floats(0.7, 1.4), st.floats(1.01, 1.3))
def test_a_larger_hand_holds_whatever_a_smaller_one_spans(size: float, factor: float) -> None:
    small, large = hand_holds(size), hand_holds(size * factor)
    widest = [np.flatnonzero(holds.any(axis=0)).max() for holds in (small, large)]
    assert widest[1] >= widest[0]


@given(st.integers(0, 40), st.integers(0, 24))
def test_what_is_beyond_a_hand_is_the_same_in_the_mirror(low: int, distance: int) -> None:
    keys = np.array(low), np.array(low + distance)
    mirrored = -keys[1], -keys[0]
    right = beyond_hand(*keys, thumb_low=True, size=1.0)
    left = beyond_hand(*mirrored, thumb_low=False, size=1.0)
    assert right == left


def test_no_pair_that_costs_are_given_for_is_out_of_reach() -> None:
    config = FingeringConfig()
    tables = cost_tables(config)
    shares = reach_shares(1.0)
    two = ~np.eye(6, dtype=bool)
    two[0] = two[:, 0] = False
    for table in (tables.chord, tables.hold):
        assert not (np.isinf(shares) & (table < IMPOSSIBLE))[:, two].any()


@pytest.mark.parametrize("hand", list(Hand))
@pytest.mark.parametrize("start", [49, 51, 54, 56])
def test_octaves_on_black_keys_are_played_by_thumb_and_little_finger(
    hand: Hand, start: int
) -> None:
    black = [p for p in range(start, start + 13) if p % 12 in (1, 3, 6, 8, 10)]
    notes = tuple(
        Note(0.4 * i, pitch + octave, 0.4 * i + 0.35, 80, hand)
        for i, pitch in enumerate([*black, *black[::-1]])
        for octave in (0, 12)
    )
    fingered = assign_fingering(Score(notes), config=FingeringConfig(release_early=True))
    assert {int(note.finger or 0) for note in fingered.notes} == {1, 5}
    assert len(fingered) == len(notes)
