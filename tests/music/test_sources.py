"""A score by file or by name: which of the two is meant, and what a clip and a tempo do to it."""

import pytest

from musclehand.core.errors import InvalidValue, MusclehandError, ScoreError, UnknownName
from musclehand.music.formats.midi import write_midi
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Note, Score
from musclehand.music.sources import TEMPO_RANGE, load_score


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_file_wins_over_a_piece_of_the_same_name(tmp_path):
    score = Score((Note(0.0, 60, 0.5), Note(0.5, 62, 1.0)))
    write_midi(score, tmp_path / "ode_to_joy")
    assert load_score("ode_to_joy").pitches.tolist() == [60, 62]
    (tmp_path / "ode_to_joy").unlink()
    assert load_score("ode_to_joy") == load_piece("ode_to_joy")
    (tmp_path / "ode_to_joy").mkdir()
    assert load_score("ode_to_joy") == load_piece("ode_to_joy")


def test_clip_is_in_seconds_as_written_and_tempo_comes_after():
    piece = load_piece("ode_to_joy")
    part = load_score("ode_to_joy", clip=(4.0, 8.0), tempo=2.0)
    inside = [note for note in piece.notes if 4.0 <= note.onset < 8.0]
    assert [note.onset for note in part.notes] == pytest.approx(
        [(note.onset - 4.0) / 2.0 for note in inside]
    )
    assert part.duration <= 2.0 + 1e-9


def test_slow_enough_to_break_a_limit_is_refused(tmp_path):
    write_midi(Score((Note(0.0, 60, 0.5), Note(500.0, 62, 501.0))), tmp_path / "long.mid")
    assert len(load_score("long.mid")) == 2
    with pytest.raises(MusclehandError, match=r"long\.mid"):
        load_score("long.mid", tempo=0.5)


def test_unknown_names_suggest_close_ones():
    with pytest.raises(UnknownName, match="fuer_elise"):
        load_score("fur_elise")


def test_a_path_object_is_read_like_its_string(tmp_path):
    write_midi(Score((Note(0.0, 60, 0.5),)), tmp_path / "song.mid")
    assert load_score(tmp_path / "song.mid") == load_score("song.mid")


@pytest.mark.parametrize("tempo", [0.0, -1.0, TEMPO_RANGE[1] + 1.0, float("nan")])
def test_a_tempo_out_of_range_is_refused(tempo):
    with pytest.raises(InvalidValue, match=r"tempo is .* a number from 0\.05 to 20"):
        load_score("ode_to_joy", tempo=tempo)


@pytest.mark.parametrize("clip", [(2.0, 2.0), (-1.0, 2.0), (0.0, float("inf"))])
def test_a_clip_that_is_no_span_is_refused(clip):
    with pytest.raises(InvalidValue, match="clip is"):
        load_score("ode_to_joy", clip=clip)


def test_a_clip_without_notes_says_where_the_score_ends():
    with pytest.raises(ScoreError, match="no notes between 900 and 901 s; the last note ends at"):
        load_score("ode_to_joy", clip=(900.0, 901.0))
