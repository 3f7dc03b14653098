"""Generated music: theory for the exercises, playability for the random material."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.music.generate.exercises import (
    BOTH_HANDS,
    Mode,
    Style,
    arpeggio,
    chord_progression,
    hanon_pattern,
    random_melody,
    random_score,
    scale,
    two_hand_texture,
)
from musclehand.music.metrics import score_performance
from musclehand.music.pitch import is_black, parse_pitch, pitch_name
from musclehand.music.score import Finger, Hand, Note, Score, keyboard_score

TONICS = [pitch_name(pitch) for pitch in range(48, 60)]
SEEDS = st.integers(0, 2**32 - 1)


def of_hand(score: Score, hand: Hand) -> list[Note]:
    return [note for note in score.notes if note.hand is hand]


def held_together(notes: list[Note]) -> list[list[Note]]:
    return [
        [n for n in notes if n.onset <= t + 1e-6 < n.offset]
        for t in sorted({n.onset for n in notes})
    ]


@pytest.mark.parametrize("tonic", TONICS)
@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("hand", list(Hand))
def test_scales_have_the_right_notes_and_a_fingering_that_works(
    tonic: str, mode: Mode, hand: Hand
) -> None:
    notes = of_hand(scale(tonic, mode, octaves=3, hands=(hand,)), hand)
    up = notes[: len(notes) // 2 + 1]
    steps = {"major": [2, 2, 1, 2, 2, 2, 1], "minor": [2, 1, 2, 2, 1, 3, 1]}[mode]
    assert up[0].pitch == parse_pitch(tonic)
    assert np.diff([note.pitch for note in up]).tolist() == steps * 3
    assert [note.pitch for note in notes] == [note.pitch for note in notes][::-1]
    assert [note.finger for note in notes] == [note.finger for note in notes][::-1]
    for note in notes:
        assert not (note.finger is Finger.THUMB and is_black(note.pitch))
    for before, after in itertools.pairwise(up if hand is Hand.RIGHT else up[::-1]):
        stepped = after.finger == before.finger + 1
        passed_the_thumb = after.finger is Finger.THUMB and before.finger in (2, 3, 4)
        assert stepped or passed_the_thumb


def test_both_hands_play_scales_an_octave_apart() -> None:
    score = scale("D4", hands=BOTH_HANDS, notes_per_second=5)
    right = of_hand(score, Hand.RIGHT)
    left = of_hand(score, Hand.LEFT)
    assert [a.pitch - b.pitch for a, b in zip(right, left, strict=True)] == [12] * 29
    assert [n.finger for n in right[:15]] == [1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 4, 5]
    assert [n.finger for n in left[:15]] == [5, 4, 3, 2, 1, 3, 2, 1, 4, 3, 2, 1, 3, 2, 1]
    assert right[1].onset == pytest.approx(0.2)


def test_arpeggios_are_triads_and_fingered_on_white_roots() -> None:
    score = arpeggio("D4", hands=BOTH_HANDS)
    right = of_hand(score, Hand.RIGHT)
    left = of_hand(score, Hand.LEFT)
    assert [pitch_name(n.pitch) for n in right[:7]] == ["D4", "F#4", "A4", "D5", "F#5", "A5", "D6"]
    assert [n.finger for n in right[:7]] == [1, 2, 3, 1, 2, 3, 5]
    assert [n.finger for n in left[:7]] == [5, 3, 2, 1, 3, 2, 1]
    assert {n.finger for n in arpeggio("Eb4", "minor").notes} == {None}


@pytest.mark.parametrize("style", ["block", "broken", "alberti"])
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_chord_progressions_have_the_chords_asked_for(style: Style, mode: Mode) -> None:
    degrees = (1, 6, 4, 5, 1)
    score = chord_progression("E4", mode, degrees, style=style, seconds_per_chord=1.0)
    steps = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 11)}[mode]
    tops = []
    for index, degree in enumerate(degrees):
        chord = {(4 + steps[(degree - 1 + k) % 7]) % 12 for k in (0, 2, 4)}
        during = [n for n in score.notes if index <= n.onset + 1e-6 < index + 1]
        assert {n.pitch % 12 for n in during if n.hand is Hand.RIGHT} == chord
        bass = [n.pitch for n in during if n.hand is Hand.LEFT]
        assert [pitch % 12 for pitch in bass] == [(4 + steps[degree - 1]) % 12]
        right = [n.pitch for n in during if n.hand is Hand.RIGHT]
        assert max(right) - min(right) <= 12
        assert bass[0] < min(right)
        tops.append(max(right))
    assert max(abs(np.diff(tops))) <= 5


def test_hanon_patterns_move_along_the_white_keys() -> None:
    score = hanon_pattern((1, 3, 2, 5), "C4", positions=3, hands=BOTH_HANDS)
    right = of_hand(score, Hand.RIGHT)
    left = of_hand(score, Hand.LEFT)
    assert [pitch_name(n.pitch) for n in right[:8]] == [
        "C4",
        "E4",
        "D4",
        "G4",
        "D4",
        "F4",
        "E4",
        "A4",
    ]
    assert [n.finger for n in right[:4]] == [1, 3, 2, 5]
    assert [n.finger for n in left[:4]] == [5, 3, 4, 1]
    assert len(right) == 4 * 5
    assert not any(is_black(n.pitch) for n in score.notes)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, difficulty=st.floats(0, 1), seconds=st.floats(1, 20))
def test_textures_can_be_played_by_two_hands(seed: int, difficulty: float, seconds: float) -> None:
    score = two_hand_texture(np.random.default_rng(seed), difficulty, seconds)
    assert len(score) > 0
    assert keyboard_score(score) == score
    assert score.duration <= seconds + 1e-9
    for hand in Hand:
        notes = of_hand(score, hand)
        groups = held_together(notes)
        for group in groups:
            assert len(group) <= 5
            assert max(n.pitch for n in group) - min(n.pitch for n in group) <= 12
        for a, b in itertools.pairwise(groups):
            centre = [np.mean([max(n.pitch for n in g), min(n.pitch for n in g)]) for g in (a, b)]
            elapsed = b[0].onset - a[0].onset
            assert abs(centre[1] - centre[0]) <= 12 + 40 * elapsed
    left = of_hand(score, Hand.LEFT)
    right = of_hand(score, Hand.RIGHT)
    assert max((n.pitch for n in left), default=0) < min((n.pitch for n in right), default=128)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, difficulty=st.floats(0, 1))
def test_melodies_are_single_lines(seed: int, difficulty: float) -> None:
    score = random_melody(np.random.default_rng(seed), difficulty, hands=BOTH_HANDS)
    for hand in Hand:
        assert all(a.offset <= b.onset + 1e-9 for a, b in itertools.pairwise(of_hand(score, hand)))
    if difficulty <= 0.3:
        assert not any(is_black(n.pitch) for n in score.notes)


def test_difficulty_makes_it_faster_and_wider() -> None:
    easy, hard = (two_hand_texture(np.random.default_rng(1), d, 60.0) for d in (0.0, 1.0))
    assert len(hard) > 5 * len(easy)
    assert np.ptp(hard.pitches) > np.ptp(easy.pitches)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, num_notes=st.integers(1, 200))
def test_random_scores_are_legal_and_perfect_against_themselves(seed: int, num_notes: int) -> None:
    score = random_score(np.random.default_rng(seed), num_notes=num_notes)
    assert 0 < len(score) <= num_notes
    assert keyboard_score(score) == score
    metrics = score_performance(score, score)
    assert metrics.onset_f1_50ms == metrics.frame_f1_mean == 1.0


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_music(seed: int) -> None:
    first, second = (two_hand_texture(np.random.default_rng(seed), 0.7) for _ in range(2))
    assert first == second
    assert random_score(np.random.default_rng(seed)) == random_score(np.random.default_rng(seed))


def test_impossible_requests_are_named() -> None:
    with pytest.raises(UnknownName, match="dorian"):
        scale("C4", "dorian")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="strummed"):
        chord_progression(style="strummed")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="generated pitch"):
        scale("C7", octaves=3)
    with pytest.raises(InvalidValue, match="degree"):
        chord_progression(degrees=(1, 8))
    with pytest.raises(InvalidValue, match="finger"):
        hanon_pattern((1, 6))
    with pytest.raises(InvalidValue, match="a white key"):
        hanon_pattern(tonic="C#4")
    with pytest.raises(InvalidValue, match="difficulty"):
        random_melody(np.random.default_rng(0), 1.5)
