"""Score files that were read wrongly once, each of which stands for its kind."""

import pytest

from musclehand.core.errors import ScoreError
from musclehand.music.formats.reading import read_score
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Hand, Score
from support.paths import SHARED_DATA

SCORES = SHARED_DATA / "scores"

pytestmark = pytest.mark.skipif(not SCORES.is_dir(), reason="needs the score files")


def names(score: Score) -> str:
    return " ".join(pitch_name(note.pitch) for note in score.notes)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("own_second_ending_begins_repeat.musicxml", "C4 D4 C4 E4 F4 E4 F4 G4"),
        ("own_dc_al_fine_in_the_middle_of_a_bar.musicxml", "C4 D4 E4 F4 C4 D4"),
        ("own_measure_repeat.musicxml", "C4 C4"),
        ("probe_transpose_clarinet_in_b_flat.musicxml", "C5"),
        ("vrv2725_transpose_octave_change.musicxml", "C3"),
        ("own_doctype_internal_subset.musicxml", "C4"),
        ("probe_header_longer.mid", "C4"),
        ("own_zero_length_grace_notes.mid", "D5 C5 B4 G4"),
    ],
)
def test_notes(file: str, expected: str):
    assert names(read_score(SCORES / file)) == expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("ms31782_grace_tied_to_note.musicxml", [("C4", 0, 1), ("E4", 0.92, 2)]),
        ("own_tied_without_tie.musicxml", [("C4", 0, 4)]),
        ("probe_all_notes_off.mid", [("C4", 0, 0.5), ("E4", 0, 0.5), ("G4", 1.5, 2)]),
    ],
)
def test_strokes(file: str, expected: list[tuple[str, float, float]]):
    score = read_score(SCORES / file)
    assert [(pitch_name(n.pitch), n.onset, n.offset) for n in score.notes] == [
        (name, pytest.approx(onset), pytest.approx(offset)) for name, onset, offset in expected
    ]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("own_dynamics_per_staff.musicxml", {"C5": 112, "C3": 33}),
        ("own_direction_offset_sound.musicxml", {"C4": 80, "D4": 33}),
    ],
)
def test_velocities(file: str, expected: dict[str, int]):
    score = read_score(SCORES / file)
    assert {pitch_name(note.pitch): note.velocity for note in score.notes} == expected


def test_accompaniment_is_left_out():
    score = read_score(SCORES / "own_lesson_with_accompaniment.mid")
    assert [note.hand for note in score.notes].count(Hand.LEFT) == 2
    assert [note.hand for note in score.notes].count(Hand.RIGHT) == 3
    assert len(score) == 5
    assert any("32 notes" in remark and "Plectrum-Guitar" in remark for remark in score.remarks)


def test_a_transposition_is_told():
    score = read_score(SCORES / "probe_transpose_clarinet_in_b_flat.musicxml")
    assert any("2 semitones lower" in remark for remark in score.remarks)


def test_the_legal_octaves_are_told():
    with pytest.raises(ScoreError, match=r"octave is '-1'; it must be a whole number, 0\.\.9"):
        read_score(SCORES / "own_negative_alter_octave_minus.musicxml")
