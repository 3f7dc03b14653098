"""The long piece keeps the theme, the length asked for and what two hands can play."""

import numpy as np
import pytest

from musclehand.music.formats.midi import read_midi, write_midi
from musclehand.music.generate.variations import PAUSE, VARIATIONS, theme_and_variations
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Hand, keyboard_score

SCORE = theme_and_variations()
STARTS = np.cumsum([0.0, *(part.seconds + PAUSE for part in VARIATIONS)])


def part(name):
    index = [variation.name for variation in VARIATIONS].index(name)
    return SCORE.clip(STARTS[index], STARTS[index] + VARIATIONS[index].seconds), VARIATIONS[index]


def test_it_lasts_fourteen_minutes_and_nothing_is_left_to_chance():
    assert 840.0 <= SCORE.duration < 1000.0
    assert theme_and_variations() == SCORE
    assert len(SCORE) > 4000


def test_the_theme_is_the_repertoire_s():
    ours, variation = part("theme")
    mozart = load_piece("mozart_k265_theme")
    beat = 60.0 / variation.tempo
    sounding = [n for n in ours.notes if n.hand is Hand.RIGHT and n.onset < 16 * beat - 1e-6]
    pitches = [
        n.pitch for n in mozart.notes if n.hand is Hand.RIGHT and n.onset < 16 * 60.0 / 112.0 - 1e-6
    ]
    plain = [n.pitch for n in sounding]
    # Theirs has one passing note before the close, ours has none.
    del pitches[-2]
    assert plain == pitches


def test_a_keyboard_and_two_hands_can_play_it():
    assert len(keyboard_score(SCORE)) == len(SCORE)
    assert SCORE.pitches.min() >= 40
    assert SCORE.pitches.max() <= 90
    for hand in Hand:
        notes = [n for n in SCORE.notes if n.hand is hand]
        onsets = np.array([n.onset for n in notes])
        assert max(np.searchsorted(onsets, onsets + 1.0) - np.arange(len(onsets))) <= 9
        for onset in np.unique(onsets.round(6)):
            chord = [n.pitch for n in notes if abs(n.onset - onset) < 1e-6]
            assert max(chord) - min(chord) <= 12
            assert len(chord) <= 3


def test_loudness_varies_within_what_strokes_can_do():
    assert SCORE.velocities.min() >= 50
    assert SCORE.velocities.max() <= 110
    assert np.std(SCORE.velocities) > 5.0


def test_minore_has_flat_thirds_and_sixths_only():
    pitches = {n.pitch % 12 for n in part("minore")[0].notes}
    assert pitches <= {0, 2, 3, 5, 7, 8, 11}
    assert 3 in pitches


@pytest.mark.parametrize("index", range(len(VARIATIONS)))
def test_each_part_has_both_hands_to_its_end(index):
    variation = VARIATIONS[index]
    piece = SCORE.clip(STARTS[index], STARTS[index] + variation.seconds)
    for hand in Hand:
        ends = [n.offset for n in piece.notes if n.hand is hand]
        assert max(ends) > variation.seconds - 3 * 60.0 / variation.tempo


def test_it_is_the_same_as_a_file(tmp_path):
    write_midi(SCORE, tmp_path / "variations.mid")
    again = read_midi(tmp_path / "variations.mid")
    assert again.pitches.tolist() == SCORE.pitches.tolist()
    assert np.abs(again.intervals - SCORE.intervals).max() < 0.002
