"""What no hands can play: each limit just below and just above; and wide chords, rolled."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.metrics import match_notes
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Finger, Hand, Note, Score, keyboard_score
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.playable import (
    PlayableLimits,
    correct_remarks,
    impossible_notes,
    list_notes,
    report_impossible,
)
from musclehand.planning.fingering.rolling import rolled_onsets

R = Hand.RIGHT
L = Hand.LEFT
ROLLS = FingeringConfig(release_early=True, roll_chords=True)


def chord(
    *pitches: int, at: float = 0.0, hand: Hand | None = None, long: float = 1.0
) -> tuple[Note, ...]:
    return tuple(Note(at, pitch, at + long, 80, hand) for pitch in pitches)


def named(notes: tuple[Note, ...]) -> list[int]:
    return [item.note.pitch for item in impossible_notes(Score(notes))]


def test_two_hands_grip_ten_keys_in_two_spans() -> None:
    assert named(chord(36, 40, 43, 45, 48, 60, 64, 67, 69, 72)) == []
    assert named(chord(36, 40, 43, 45, 48, 54, 60, 64, 67, 69, 72)) == [54]
    assert named(chord(36, 60, 84)) == [60]
    assert named(chord(36, 50, 71, 84)) == []  # a ninth in each hand
    assert named(chord(36, 52, 71, 84)) == [52]


def test_one_hand_grips_five_keys_and_a_ninth() -> None:
    assert named(chord(60, 62, 64, 65, 67, hand=R)) == []
    assert len(named(chord(60, 62, 64, 65, 67, 69, hand=R))) == 1
    assert named(chord(60, 74, hand=L)) == []
    assert named(chord(60, 76, hand=L)) == [60]


def test_spans_are_those_of_the_hand_that_plays() -> None:
    tenths = Score((*chord(36, 52, hand=L), *chord(67, 83, hand=R)))
    reasons = {item.reason for item in impossible_notes(tenths)}
    assert len(reasons) == 2
    assert all("a span of 188 mm can grip" in reason for reason in reasons)
    assert impossible_notes(tenths, limits=PlayableLimits(hand_span=9.0)) == ()
    # The reach of each finger grows with the hand: fewer leaps are out of reach.
    low = replace(chord(36, hand=R, long=0.05)[0], finger=Finger.THUMB)
    high = replace(chord(84, at=0.203, hand=R)[0], finger=Finger.LITTLE)
    leap = Score((low, high))
    assert len(impossible_notes(leap)) == 1
    assert impossible_notes(leap, limits=PlayableLimits(hand_span=9.0)) == ()


def test_a_fingering_names_spans_by_the_size_of_its_hand() -> None:
    score = Score((*chord(36, 48, 52, 64, 72, 88, hand=None),))
    for size, span in ((1.0, "188 mm"), (0.9, "169 mm")):
        config = FingeringConfig(release_early=True, hand_size=size)
        remarks = assign_fingering(score, config=config).remarks
        assert any(f"left out, the chord is more than two hands with a span of {span}" in remark
                   for remark in remarks)  # fmt: skip


def test_keys_repeat_so_fast_and_fingers_faster_not() -> None:
    def again(interval: float, count: int = 5, finger: int | None = None) -> list[str]:
        hand = R if finger else None
        notes = [
            Note(
                interval * k, 60, interval * (k + 0.9), 80, hand, Finger(finger) if finger else None
            )
            for k in range(count)
        ]
        return [item.reason for item in impossible_notes(Score(tuple(notes)))]

    assert again(1 / 14) == []
    assert again(1 / 16) == ["the key is struck more than 15 times a second"] * 4
    assert again(1 / 9, finger=2) == []
    assert again(1 / 11, finger=2) == ["its finger strikes more than 10 times a second"] * 4
    # A double stroke or a mordent is no series.
    assert again(1 / 20, count=3) == again(1 / 20, count=3, finger=2) == []
    assert len(again(1 / 16, count=4)) == 3


def mordents() -> Score:
    """Main note, its neighbour and the main note again, 57 ms each."""
    notes = []
    for k in range(6):
        for j, step in enumerate((0, 2, 0)):
            onset = 0.5 * k + 0.057 * j
            notes.append(Note(onset, 72 + step, onset + (0.05 if j < 2 else 0.2), 80, R))
    return keyboard_score(Score(tuple(notes)))


def test_mordents_are_possible() -> None:
    played = assign_fingering(mordents(), config=ROLLS)
    assert not any("beyond" in remark for remark in played.remarks)


def test_hands_and_fingers_that_were_chosen_prove_nothing() -> None:
    """The same trill with one finger: as written it is out of question, as chosen it is not."""
    trill = Score(tuple(Note(0.08 * k, 60 + k % 2, 0.08 * k + 0.05, 80, R) for k in range(20)))
    one = trill.with_notes(replace(note, finger=Finger.INDEX) for note in trill.notes)
    assert len(impossible_notes(one)) == 19
    assert report_impossible(one, written=trill).remarks == ()
    assert report_impossible(one, written=one).remarks == report_impossible(one).remarks != ()
    assert "its finger strikes" in assign_fingering(one, config=ROLLS).remarks[-1]


def test_notes_that_were_hit_are_not_beyond_what_hands_can_do() -> None:
    trill = Score(
        tuple(Note(0.05 * k, 60, 0.05 * k + 0.03, 80, R) for k in range(20)), remarks=("x",)
    )
    score = report_impossible(trill)
    assert "19 notes beyond what hands can do" in score.remarks[-1]
    assert correct_remarks(score, trill, trill) == ("x",)
    half = trill.with_notes(trill.notes[:10])
    (before, after) = correct_remarks(score, trill, half)
    hits = {match.reference for match in match_notes(trill, half, tolerance=0.1)}
    missed = [note for i, note in enumerate(trill.notes) if i not in hits]
    assert before == "x"
    assert after.startswith(f"{len(missed)} notes beyond what hands can do")
    assert list_notes(missed) in after
    assert correct_remarks(trill, trill, trill) == trill.remarks


def test_leaps_are_limited_by_the_hands_speed() -> None:
    def leap(time: float, finger: Finger | None = None) -> list[int]:
        low = replace(chord(36, hand=R, long=0.05)[0], finger=finger)
        high = replace(chord(84, at=time, hand=R)[0], finger=finger)
        return [item.note.pitch for item in impossible_notes(Score((low, high)))]

    # Four octaves are 28 white keys; the open hand spans eight of them, one finger reaches 1.4
    # without it.
    assert leap(20 * 0.0235 / 2.5 + 0.005) == []
    assert leap(20 * 0.0235 / 2.5 - 0.005) == [84]
    assert leap(26.6 * 0.0235 / 2.5 + 0.005, Finger.MIDDLE) == []
    assert leap(26.6 * 0.0235 / 2.5 - 0.005, Finger.MIDDLE) == [84]


def test_the_repertoire_is_possible_before_and_after_fingering() -> None:
    for piece in list_pieces():
        score = load_piece(piece.name)
        assert impossible_notes(score) == ()
        # Quick repetitions on one finger are the plan's own doing, and slower than what a finger
        # can.
        assert impossible_notes(assign_fingering(score, config=ROLLS)) == ()


def test_remarks_list_notes_by_reason() -> None:
    score = Score(chord(36, 60, 84), remarks=("before",))
    reported = report_impossible(score)
    assert reported.remarks == (
        "before",
        "1 note beyond what hands can do, the chord is more than two hands with a span of 188 mm can "
        "grip: C4 at 0.000 s",
    )
    assert reported.notes == score.notes
    assert report_impossible(reported.with_notes(reported.notes[:2])).remarks == reported.remarks
    assert list_notes(chord(*range(21, 109))).endswith("and 28 more")
    assert list_notes(chord(60, 62), ["loud", "soft"]) == "C4 at 0.000 s loud, D4 at 0.000 s soft"


def test_limits_are_checked() -> None:
    with pytest.raises(InvalidValue, match="travel_speed"):
        PlayableLimits(travel_speed=0)
    with pytest.raises(InvalidValue, match="strokes"):
        PlayableLimits(strokes=1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.integers(21, 108),
            st.integers(1, 20),
            st.sampled_from([None, L, R]),
        ),
        max_size=30,
    )
)
@example([(0, 21, 1, L), (0, 36, 1, L), (0, 36, 1, L)])
def test_any_score_can_be_asked_about(rows: list[tuple[int, int, int, Hand | None]]) -> None:
    score = Score(tuple(Note(0.05 * t, p, 0.05 * (t + d), 80, h) for t, p, d, h in rows))
    impossible = impossible_notes(score)
    assert all(item.note in score.notes for item in impossible)
    assert list(impossible) == sorted(impossible)
    mirrored = score.with_notes(
        replace(n, pitch=124 - n.pitch, hand=None if n.hand is None else Hand(1 - n.hand))
        for n in score.notes
        if n.pitch < 104
    )
    same = score.with_notes(n for n in score.notes if n.pitch < 104)
    assert len(impossible_notes(mirrored)) == len(impossible_notes(same))


def tenths(melody: bool = True) -> Score:
    bass = [note for k in range(4) for note in chord(48, 64, at=1.0 + k, hand=L, long=0.9)]
    tune = [
        note for k in range(8) for note in chord(76 + k % 3, at=1.0 + 0.5 * k, hand=R, long=0.45)
    ]
    return keyboard_score(Score((*bass, *tune) if melody else tuple(bass)))


def test_wide_chords_are_rolled_from_the_bottom_about_the_beat() -> None:
    played = assign_fingering(tenths(), config=ROLLS)
    assert len(played) == len(tenths())
    low = [n for n in played.notes if n.pitch == 48]
    high = [n for n in played.notes if n.pitch == 64]
    for k, (first, last) in enumerate(zip(low, high, strict=True)):
        assert 0.04 <= last.onset - first.onset <= 0.06
        assert abs(0.5 * (first.onset + last.onset) - (1.0 + k)) < 1e-9
        assert (first.hand, last.hand) == (L, L)
    assert "8 notes rolled" in played.remarks[0]
    assert "C3 at 1.000 s" in played.remarks[0]
    assert not any("left out" in remark for remark in played.remarks)


def test_without_leave_to_roll_they_are_thinned() -> None:
    played = assign_fingering(tenths(), config=FingeringConfig(release_early=True))
    assert all(n.onset in {m.onset for m in tenths().notes} for n in played.notes)
    assert any("left out" in remark or "other hand" in remark for remark in played.remarks)


def test_a_free_hand_helps_instead() -> None:
    played = assign_fingering(tenths(melody=False), config=ROLLS)
    assert {n.hand for n in played.notes} == {L, R}
    assert not any("rolled" in remark for remark in played.remarks)


def test_only_wide_chords_without_fingers_are_rolled() -> None:
    for pitches in ((48, 60), (36, 72), (48, 64)):
        score = Score((*chord(*pitches, at=1.0, hand=L), *chord(84, at=1.0, hand=R)))
        onsets = rolled_onsets(score, hand_span=8.0, chord_window=0.03)
        assert (len(set(onsets)) > 1) == (pitches == (48, 64))
    given_fingers = score.with_notes(
        replace(n, finger=Finger.THUMB if n.pitch == 64 else n.finger) for n in score.notes
    )
    assert len(set(rolled_onsets(given_fingers, hand_span=8.0, chord_window=0.03))) == 1


def test_a_roll_at_the_beginning_starts_at_zero() -> None:
    score = Score((*chord(48, 55, 64, hand=L), *chord(84, hand=R)))
    played = assign_fingering(score, config=ROLLS)
    assert [n.onset for n in played.notes if n.hand == L] == pytest.approx([0.0, 0.045, 0.09])


def test_a_fingered_score_says_what_is_too_fast() -> None:
    trill = Score(tuple(Note(0.05 * k, 60, 0.05 * k + 0.03, 80, R) for k in range(20)))
    played = assign_fingering(trill, config=ROLLS)
    assert len(played) == 20
    assert (
        "19 notes beyond what hands can do, the key is struck more than 15 times a second"
        in played.remarks[0]
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 12),
            st.integers(36, 84),
            st.integers(1, 8),
            st.sampled_from([None, L, R]),
        ),
        max_size=24,
    )
)
def test_rolling_loses_nothing_and_moves_little(
    rows: list[tuple[int, int, int, Hand | None]],
) -> None:
    score = keyboard_score(
        Score(tuple(Note(0.25 * t, p, 0.25 * (t + d), 80, h) for t, p, d, h in rows))
    )
    onsets = rolled_onsets(score, hand_span=8.0, chord_window=0.03)
    assert np.abs(onsets - score.intervals[:, 0]).max(initial=0.0) <= 0.2
    assert (onsets >= 0).all()
    played = assign_fingering(score, config=ROLLS)
    left_out = sum(int(remark.split()[0]) for remark in played.remarks if "left out" in remark)
    assert len(played) == len(score) - left_out
    written = sorted(n.pitch for n in score.notes)
    for pitch in (n.pitch for n in played.notes):
        written.remove(pitch)
