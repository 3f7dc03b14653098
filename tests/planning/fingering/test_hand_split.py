"""Dividing notes between hands: against pieces whose hands are known, and what may never happen."""

import time
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.generate.exercises import scale
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.fingering.hand_split import (
    HandSplitConfig,
    _beyond,
    _grip_cost,
    split_hands,
)

R = Hand.RIGHT
L = Hand.LEFT


def bare(score: Score) -> Score:
    return score.with_notes(replace(n, hand=None, finger=None) for n in score.notes)


def hands(score: Score) -> list[Hand | None]:
    return [n.hand for n in score.notes]


def test_hands_of_the_repertoire_are_found() -> None:
    same = total = 0
    for piece in list_pieces():
        score = load_piece(piece.name)
        if len({n.hand for n in score.notes}) < 2:
            continue
        split = split_hands(bare(score))
        agree = sum(a == b for a, b in zip(hands(split), hands(score), strict=True))
        assert agree >= 0.75 * len(score), piece.name
        same = same + agree
        total = total + len(score)
    assert same >= 0.95 * total


def test_scales_in_octaves_are_shared() -> None:
    for tonic in ("C4", "E4", "Bb3"):
        score = scale(tonic, hands=(R, L))
        split = split_hands(bare(score))
        assert sum(a == b for a, b in zip(hands(split), hands(score), strict=True)) >= 0.9 * len(
            score
        )


def test_melody_over_chords() -> None:
    chords = [Note(k, p, k + 0.95) for k in range(6) for p in ((48, 52, 55), (43, 50, 53))[k % 2]]
    melody = [
        Note(0.5 * k, p, 0.5 * k + 0.5)
        for k, p in enumerate((72, 74, 76, 77, 79, 77, 76, 74, 72, 71, 72, 67))
    ]
    split = split_hands(Score((*chords, *melody)))
    assert all(n.hand == (R if n.pitch >= 67 else L) for n in split.notes)


def test_wide_and_thick_chords_are_shared() -> None:
    for pitches in ((36, 43, 48, 60, 67, 72), tuple(range(60, 70)), (40, 64), (57, 74)):
        split = split_hands(Score(tuple(Note(0, p, 1) for p in pitches)))
        for hand in Hand:
            pitches_of_hand = [n.pitch for n in split.notes if n.hand == hand]
            assert 1 <= len(pitches_of_hand) <= 5
            assert max(pitches_of_hand) - min(pitches_of_hand) <= 14
        assert hands(split) == sorted(hands(split))


def test_register_decides_for_a_single_line() -> None:
    def line(first: int) -> Score:
        return Score(
            tuple(
                Note(0.3 * k, first + d, 0.3 * k + 0.3)
                for k, d in enumerate((0, 2, 4, 5, 7, 5, 4, 2, 0))
            )
        )

    assert set(hands(split_hands(line(72)))) == {R}
    assert set(hands(split_hands(line(41)))) == {L}


def test_a_hand_that_holds_does_not_reach_away() -> None:
    held = [Note(0, 48, 6), Note(0, 55, 6)]
    moving = [Note(1 + 0.5 * k, p, 1.4 + 0.5 * k) for k, p in enumerate((64, 67, 72, 67, 64, 60))]
    split = split_hands(Score((*held, *moving)))
    assert all(n.hand == (L if n.pitch < 60 else R) for n in split.notes)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    notes = []
    for _ in range(draw(st.integers(0, 40))):
        start, length = draw(st.tuples(st.integers(0, 60), st.integers(1, 80)))
        hand = draw(st.none() | st.sampled_from(Hand))
        notes.append(
            Note(0.02 * start, draw(st.integers(21, 108)), 0.02 * (start + length), 80, hand)
        )
    return Score(tuple(notes), remarks=("from the reader",))


@settings(max_examples=100, deadline=None)
@given(scores())
def test_every_note_gets_a_hand_and_keeps_what_it_has(score: Score) -> None:
    split = split_hands(score)
    assert split.remarks == score.remarks
    assert [replace(n, hand=None) for n in split.notes] == [
        replace(n, hand=None) for n in score.notes
    ]
    for before, after in zip(score.notes, split.notes, strict=True):
        assert after.hand in (L, R)
        assert before.hand in (None, after.hand)
    assert split_hands(split) is split


def test_chords_are_cut_once() -> None:
    rng = np.random.default_rng(1)
    notes = [
        Note(0.4 * k, int(p), 0.4 * k + 0.3)
        for k in range(60)
        for p in rng.choice(88, 5, replace=False) + 21
    ]
    split = split_hands(Score(tuple(notes)), config=HandSplitConfig(beam_width=16))
    for k in range(60):
        chord = hands(split)[5 * k : 5 * k + 5]
        assert chord == sorted(chord)


def test_linear_time_even_when_nothing_is_let_go() -> None:
    rng = np.random.default_rng(2)
    notes = tuple(Note(0.08 * k, int(rng.integers(21, 109)), 1000.0) for k in range(2000))
    begin = time.process_time()
    split = split_hands(Score(notes))
    assert time.process_time() - begin < 6.0
    assert set(hands(split)) == {L, R}


def test_spans_of_one_hand_have_its_size() -> None:
    """A tenth is beyond the bundled hands, and hardly wide for hands of 130 %."""
    usual = HandSplitConfig()
    large = usual.for_size(1.3)
    low, high, keys = np.array([-1.0]), np.array([8.0]), np.array([2])
    for hand in (0, 1):
        costs = [
            _grip_cost(high - low, beyond, beyond, keys, config)
            for config in (usual, large)
            for beyond in [_beyond(low, high, hand, config)]
        ]
        assert costs[0] > usual.too_wide
        assert costs[1] < 0.1 * usual.too_wide
    assert (large.reach, large.line_reach) == (usual.reach, usual.line_reach)
    assert usual.for_size(1.0) == usual
