"""Each built-in piece begins as the music does, stays in its key, and fits under two hands."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from musclehand.core.errors import UnknownName
from musclehand.music.pitch import parse_pitch
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Hand, Note, keyboard_score

NAMES = [piece.name for piece in list_pieces()]

# The first notes of the melody (of the hand named), and the scale the piece keeps to (None: it is
# chromatic).
OPENINGS = {
    "are_you_sleeping": (Hand.RIGHT, "C4 D4 E4 C4 C4 D4 E4 C4 E4 F4 G4", "C D E F G A B"),
    "au_clair_de_la_lune": (Hand.LEFT, "C3 C3 C3 D3 E3 D3 C3 E3 D3 D3 C3", "C D E F G A B"),
    "twinkle_twinkle": (Hand.RIGHT, "C4 C4 G4 G4 A4 A4 G4 F4 F4 E4 E4 D4 D4 C4", "C D E F G A B"),
    "mozart_k265_theme": (Hand.RIGHT, "C5 C5 G5 G5 A5 A5 G5 F5 F5 E5 E5", "C D E F G A B"),
    "happy_birthday": (Hand.RIGHT, "G4 G4 A4 G4 C5 B4 G4 G4 A4 G4 D5 C5", "C D E F G A B"),
    "ode_to_joy": (Hand.RIGHT, "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4 D4 D4", "C D E F F# G A B"),
    "c_major_scale_together": (Hand.LEFT, "C3 D3 E3 F3 G3 A3 B3 C4", "C D E F G A B"),
    "d_major_scale_together": (Hand.RIGHT, "D4 E4 F#4 G4 A4 B4 C#5 D5", "D E F# G A B C#"),
    "minuet_in_g": (
        Hand.RIGHT,
        "D5 G4 A4 B4 C5 D5 G4 G4 E5 C5 D5 E5 F#5 G5 G4 G4",
        "G A B C D E F#",
    ),
    "bach_prelude_in_c": (
        Hand.RIGHT,
        "G4 C5 E5 G4 C5 E5 G4 C5 E5 G4 C5 E5 A4 D5 F5",
        "C D E F F# G A B",
    ),
    "fuer_elise": (
        Hand.RIGHT,
        "E5 D#5 E5 D#5 E5 B4 D5 C5 A4 C4 E4 A4 B4 E4 G#4 B4 C5",
        "A B C D D# E F G G#",
    ),
    "chopin_prelude_in_a": (Hand.RIGHT, "E4 C#5 D5 D4 G#4 B4", None),
    "chopin_prelude_in_e_minor": (Hand.RIGHT, "B3 B4 B4 C5 B4 C5 B4 C5 B4 A#4 A4 B4", None),
    "wild_horseman": (Hand.RIGHT, "E4 A4 E4 A4 C5 A4 C5 E5 C5 F5 E5 C5 A4", "A B C D E F G G#"),
    "clementi_sonatina": (Hand.RIGHT, "C5 E5 C5 G4 G4 C5 E5 C5 G4 G5", "C D E F F# G A B"),
    "arabesque": (Hand.RIGHT, "A4 B4 C5 B4 A4 A4 B4 C5 D5 E5 D5 E5 F5 G5 A5", None),
    "entertainer": (Hand.RIGHT, "D6 E6 C6 A5 B5 G5 D5 E5 C5 A4 B4 G4", None),
}


def hand_notes(name: str, hand: Hand) -> list[Note]:
    return [note for note in load_piece(name).notes if note.hand is hand]


def sounding_groups(notes: list[Note]) -> list[list[Note]]:
    """The notes a hand holds down together, sampled just after every onset."""
    return [
        [n for n in notes if n.onset <= t + 1e-6 < n.offset]
        for t in sorted({n.onset for n in notes})
    ]


def test_the_repertoire_is_large_and_rises_in_difficulty() -> None:
    pieces = list_pieces()
    assert len(pieces) >= 18
    assert [piece.level for piece in pieces] == sorted(piece.level for piece in pieces)
    assert {piece.level for piece in pieces} >= set(range(1, 10))
    assert len({piece.title for piece in pieces}) == len(pieces)


def test_an_unknown_piece_is_suggested() -> None:
    with pytest.raises(UnknownName, match=r"did you mean.*fuer_elise"):
        load_piece("fur_elise")


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_is_described_and_lasts_seconds_to_a_minute(name: str) -> None:
    piece = next(piece for piece in list_pieces() if piece.name == name)
    assert 5 <= piece.seconds <= 65
    assert piece.seconds == load_piece(name).duration
    assert "public domain" in piece.source or "Apache-2.0" in piece.source
    assert load_piece(name).title == piece.title


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_asks_for_nothing_a_keyboard_cannot_do(name: str) -> None:
    score = load_piece(name)
    assert keyboard_score(score) == score
    assert all(note.hand is not None for note in score.notes)
    assert min(note.duration for note in score.notes) > 0.04


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hand", list(Hand))
def test_each_hand_can_reach_its_notes(name: str, hand: Hand) -> None:
    for group in sounding_groups(hand_notes(name, hand)):
        pitches = [note.pitch for note in group]
        assert len(group) <= 5
        assert max(pitches) - min(pitches) <= 14
        fingers = [
            note.finger for note in sorted(group, key=lambda n: n.pitch) if note.finger is not None
        ]
        assert len(set(fingers)) == len(fingers)
        assert fingers == sorted(fingers, reverse=hand is Hand.LEFT)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hand", list(Hand))
def test_fingered_melodies_step_as_hands_do(name: str, hand: Hand) -> None:
    """Two notes in a row, both fingered: going outward raises the finger number unless the thumb
    is passed."""
    notes = hand_notes(name, hand)
    onsets = [note.onset for note in notes]
    single = [n for n in notes if onsets.count(n.onset) == 1]
    for before, after in itertools.pairwise(single):
        joined = abs(after.onset - before.offset) < 0.05 and after.pitch != before.pitch
        if (
            not joined
            or before.finger is None
            or after.finger is None
            or passes_thumb(before, after)
        ):
            continue
        outward = (after.pitch > before.pitch) == (hand is Hand.RIGHT)
        assert (after.finger > before.finger) == outward, (before, after)


def passes_thumb(before: Note, after: Note) -> bool:
    return 1 in (before.finger, after.finger)


@pytest.mark.parametrize("name", sorted(OPENINGS))
def test_the_opening_is_the_tune(name: str) -> None:
    hand, opening, scale = OPENINGS[name]
    expected = [parse_pitch(word) for word in opening.split()]
    assert [note.pitch for note in hand_notes(name, hand)][: len(expected)] == expected
    if scale is not None:
        allowed = {parse_pitch(f"{word}4") % 12 for word in scale.split()}
        assert set((load_piece(name).pitches % 12).tolist()) <= allowed


@pytest.mark.parametrize("key", ["c", "d"])
def test_scales_run_up_and_down_alike_in_both_hands(key: str) -> None:
    right, left = (hand_notes(f"{key}_major_scale_apart", hand) for hand in (Hand.RIGHT, Hand.LEFT))
    assert [n.pitch - 24 for n in right] == [n.pitch for n in left]
    assert [n.pitch for n in right] == [n.pitch for n in right][::-1]
    assert np.diff([n.pitch for n in right[:15]]).tolist() == [2, 2, 1, 2, 2, 2, 1] * 2
    together = load_piece(f"{key}_major_scale_together")
    assert all(
        a.onset == b.onset and b.pitch - a.pitch == 12
        for a, b in zip(*[iter(together.notes)] * 2, strict=True)
    )
