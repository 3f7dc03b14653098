"""The score: what its operations keep, and what one keyboard can be asked to play."""

import math
from dataclasses import FrozenInstanceError
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Finger, Hand, Note, Pedal, Score, keyboard_score, piano_roll

times = st.floats(0, 30)
lengths = st.floats(0.001, 5)
notes = st.builds(
    lambda onset, length, pitch, velocity, hand, finger: Note(
        onset, pitch, onset + length, velocity, hand, finger
    ),
    times,
    lengths,
    st.integers(21, 108),
    st.integers(1, 127),
    st.sampled_from([None, *Hand]),
    st.sampled_from([None, *Finger]),
)
few_keys = notes.map(
    lambda n: Note(n.onset, 60 + n.pitch % 3, n.offset, n.velocity, n.hand, n.finger)
)
pedals = st.builds(lambda start, length: Pedal(start, start + length), times, lengths)
scores = st.builds(
    lambda members, downs: Score(tuple(members), tuple(downs)),
    st.lists(notes, max_size=40),
    st.lists(pedals, max_size=4),
)
crowded = st.builds(lambda members: Score(tuple(members)), st.lists(few_keys, max_size=40))


def by_key(score):
    lines = {}
    for note in score.notes:
        lines.setdefault(note.pitch, []).append(note)
    return lines


@given(
    st.lists(notes, max_size=40).flatmap(
        lambda members: st.tuples(st.just(members), st.permutations(members))
    )
)
def test_order_of_entry_does_not_matter(case):
    first, second = (Score(tuple(members)) for members in case)
    assert [(n.onset, n.pitch, n.offset) for n in first.notes] == [
        (n.onset, n.pitch, n.offset) for n in second.notes
    ]
    assert list(first.intervals[:, 0]) == sorted(first.intervals[:, 0])


def test_a_score_cannot_be_changed():
    score = Score((Note(0, 60, 1),))
    with pytest.raises(FrozenInstanceError):
        score.title = "other"
    with pytest.raises(FrozenInstanceError):
        score.notes[0].pitch = 61


@pytest.mark.parametrize(
    "fields",
    [
        {"onset": -0.1},
        {"offset": 0.0},
        {"onset": 2.0},
        {"onset": math.nan},
        {"offset": math.inf},
        {"pitch": 20},
        {"pitch": 109},
        {"velocity": 0},
        {"velocity": 128},
    ],
)
def test_impossible_notes_are_refused(fields):
    with pytest.raises(InvalidValue):
        Note(**({"onset": 0.0, "pitch": 60, "offset": 1.0} | fields))


def test_impossible_pedals_are_refused():
    for start, end in ((1.0, 1.0), (-1.0, 2.0), (0.0, math.nan)):
        with pytest.raises(InvalidValue, match="pedal"):
            Pedal(start, end)


@given(scores, times, lengths)
def test_clip_keeps_what_begins_inside(score, start, length):
    end = start + length
    part = score.clip(start, end)
    assert len(part) == sum(start <= note.onset < end for note in score.notes)
    assert part.duration <= length + 1e-9
    assert all(note.onset >= 0 and note.offset <= length + 1e-9 for note in part.notes)
    assert all(0 <= pedal.start < pedal.end <= length + 1e-9 for pedal in part.pedals)
    assert part.clip(0, length + 1) == part


def test_clip_to_everything_changes_nothing():
    score = Score((Note(0, 60, 1), Note(1, 64, 2)), (Pedal(0, 1.5),))
    assert score.clip(0, 2) == score


@pytest.mark.parametrize("ends", [(-1, 2), (2, 2), (3, 1), (0, math.nan)])
def test_senseless_clips_are_refused(ends):
    with pytest.raises(InvalidValue, match="clip"):
        Score(()).clip(*ends)


@given(scores, st.integers(-100, 100))
def test_transpose_moves_or_leaves_out_and_says_so(score, semitones):
    moved = score.transpose(semitones)
    kept = [note for note in score.notes if 21 <= note.pitch + semitones <= 108]
    assert sorted(moved.pitches) == sorted(note.pitch + semitones for note in kept)
    assert np.array_equal(moved.intervals[:, 0], [note.onset for note in kept])
    assert all(note.finger is None for note in moved.notes)
    lost = len(score) - len(kept)
    assert (f"{lost} notes left the keyboard" in " ".join(moved.remarks)) == (lost > 0)


@given(scores, st.floats(0.1, 10))
def test_stretch_and_back(score, factor):
    slow = score.stretch(factor)
    assert slow.duration == pytest.approx(score.duration * factor)
    assert slow.stretch(1 / factor).intervals == pytest.approx(score.intervals)
    assert [n.finger for n in slow.notes] == [n.finger for n in score.notes] or len(
        set(score.intervals[:, 0])
    ) < len(score)


@pytest.mark.parametrize("factor", [0, -1, math.nan, math.inf])
def test_senseless_stretches_are_refused(factor):
    with pytest.raises(InvalidValue, match="stretch"):
        Score(()).stretch(factor)


@given(scores, st.sampled_from([0.01, 0.05, 0.1]))
def test_roll_shows_a_key_where_it_is_down_in_the_middle_of_a_step(score, step):
    roll = piano_roll(score, step=step)
    middles = (np.arange(len(roll)) + 0.5) * step
    for note in score.notes:
        inside = (middles > note.onset + 1e-5 * step) & (middles < note.offset - 1e-5 * step)
        assert roll[inside, note.key].all()
    keys_played = {note.key for note in score.notes}
    assert set(np.flatnonzero(roll.any(axis=0))) <= keys_played


def test_roll_of_notes_on_the_grid_is_exact():
    score = Score((Note(0.0, 60, 0.1), Note(0.1, 62, 0.25)))
    roll = piano_roll(score, step=0.05)
    assert roll.shape == (5, 88)
    assert np.flatnonzero(roll[:, 39]).tolist() == [0, 1]
    assert np.flatnonzero(roll[:, 41]).tolist() == [2, 3, 4]
    assert piano_roll(score, step=0.05, num_steps=9).shape == (9, 88)
    assert piano_roll(Score(()), step=0.05).shape == (0, 88)


@given(crowded)
def test_one_press_at_a_time_on_every_key(score):
    playable = keyboard_score(score)
    for line in by_key(playable).values():
        for before, after in pairwise(line):
            assert after.onset - before.onset >= 0.04
            room = min(0.04, 0.5 * (after.onset - before.onset))
            assert after.onset - before.offset >= room - 1e-9


@given(crowded)
def test_making_playable_twice_changes_nothing_more(score):
    once = keyboard_score(score)
    twice = keyboard_score(once)
    assert len(once) == len(twice)
    for first, second in zip(once.notes, twice.notes, strict=True):
        assert (first.onset, first.pitch, first.velocity) == (
            second.onset,
            second.pitch,
            second.velocity,
        )
        assert first.offset == pytest.approx(second.offset, abs=1e-9)


@given(crowded)
def test_onsets_are_kept_but_for_presses_closer_than_the_gap(score):
    playable = keyboard_score(score)
    kept = {(note.onset, note.pitch) for note in playable.notes}
    assert kept <= {(note.onset, note.pitch) for note in score.notes}
    for pitch, line in by_key(score).items():
        for note in line:
            if (note.onset, pitch) not in kept:
                assert any(p == pitch and 0 <= note.onset - onset < 0.04 for onset, p in kept)
        assert max(n.velocity for n in line) == max(
            n.velocity for n in playable.notes if n.pitch == pitch
        )


@given(scores)
def test_notes_alone_on_their_keys_are_left_alone(score):
    alone = score.with_notes({note.pitch: note for note in score.notes}.values())
    assert keyboard_score(alone) == alone
