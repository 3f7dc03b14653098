"""Sound checked by film: ghosts far from fingers are dropped, faint notes that are touched kept."""

import pytest

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Note, Score
from musclehand.watch.cross_check import KEPT, UNSEEN, check_by_film
from support.leaping_finger import VIEW, film, melody


def test_true_notes_are_kept_and_ghosts_an_octave_up_dropped_with_a_reason() -> None:
    true = melody(20.0)
    ghosts = true.transpose(12)
    landmarks = film(true, seconds=22.0)
    both = true.with_notes((*true.notes, *ghosts.notes))
    check = check_by_film(landmarks, VIEW, both)
    assert set(true.notes) <= set(check.score.notes)
    assert len(check.dropped) > 0.9 * len(ghosts)
    assert all("fingertip" in reason for _, reason in check.dropped)
    assert f"{len(check.dropped)} of {len(both)} notes dropped" in check.score.remarks[-1]
    assert check.reason.count(KEPT) == len(check.score)


def test_faint_notes_are_taken_only_with_a_finger_on_their_key() -> None:
    true = melody(20.0)
    landmarks = film(true, seconds=22.0)
    loud = true.with_notes(true.notes[::2])
    wrong = Note(5.0, 100, 5.5)
    faint = true.with_notes((*true.notes[1::2], wrong))
    check = check_by_film(landmarks, VIEW, loud, faint=faint)
    assert check.score.notes == true.notes
    assert [note for note, _ in check.dropped] == [wrong]


def test_notes_of_which_the_film_shows_nothing_are_kept() -> None:
    landmarks = film(melody(5.0), seconds=5.0)
    late = Score((Note(60.0, 60, 61.0),))
    check = check_by_film(landmarks, VIEW, late)
    assert check.reason == (UNSEEN,)
    assert check.score.notes == late.notes
    assert check_by_film(landmarks, VIEW, Score(()), faint=late).score.notes == ()


def test_an_error_below_zero_is_refused() -> None:
    with pytest.raises(InvalidValue, match="error of the film"):
        check_by_film(film(melody(5.0), seconds=5.0), VIEW, melody(5.0), error=-1.0)
