"""Events of overlapping segments are joined to notes."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.score import Note, Pedal
from musclehand.watch.hearing import SHORTEST, SOFT, SUSTAIN, Event, Heard, join_events

KEY = 60


def event(
    start: float, end: float, *, line: int = KEY, begins: bool = True, ends: bool = True
) -> Event:
    return Event(line, start, end, 70, begins, ends)


def joined(*segments: tuple[float, Sequence[Event]], duration: float = 100.0) -> list[Note]:
    heard = [Heard(begin, tuple(events)) for begin, events in segments]
    return list(join_events(heard, duration).notes)


def times(notes: Sequence[Note]) -> list[tuple[float, float]]:
    return [(note.onset, note.offset) for note in notes]


def test_a_note_goes_on_through_the_next_segments() -> None:
    notes = joined(
        (-4.0, [event(5, 12, ends=False)]),
        (8.0, [event(8, 24, begins=False, ends=False)]),
        (20.0, [event(20, 27, begins=False)]),
    )
    assert times(notes) == [(5, 27)]
    assert notes[0].velocity == 70


def test_an_open_note_is_taken_from_the_segment_that_hears_more_of_it() -> None:
    notes = joined((-4.0, [event(9, 12, ends=False)]), (8.0, [event(9.01, 13)]))
    assert times(notes) == [(9.01, 13)]


def test_an_open_note_that_the_next_segment_does_not_hear_from_its_onset_is_dropped() -> None:
    assert joined((-4.0, [event(9, 12, ends=False)]), (8.0, [])) == []


def test_an_open_note_from_before_the_next_segment_is_kept_where_it_was_heard() -> None:
    assert times(joined((-4.0, [event(3, 12, ends=False)]), (8.0, []))) == [(3, 12)]


def test_an_open_note_ends_when_its_key_is_struck_again() -> None:
    notes = joined((-4.0, [event(3, 12, ends=False)]), (8.0, [event(9, 10), event(10, 11)]))
    assert times(notes) == [(3, 9), (9, 10), (10, 11)]


def test_the_release_is_that_of_the_later_segment() -> None:
    notes = joined(
        (-4.0, [event(3, 12, ends=False)]), (8.0, [event(8, 8.5, begins=False), event(9, 10)])
    )
    assert times(notes) == [(3, 8.5), (9, 10)]


def test_repeated_notes_at_a_border_are_all_kept() -> None:
    notes = joined(
        (-4.0, [event(9.0, 9.12), event(9.13, 9.26), event(9.27, 9.405)]),
        (8.0, [event(9.40, 9.52), event(9.53, 9.66)]),
    )
    assert [note.onset for note in notes] == [9.0, 9.13, 9.27, 9.40, 9.53]
    assert notes[2].offset == 9.40


def test_an_onset_at_the_beginning_of_a_segment_is_one_note() -> None:
    for onset in (7.98, 8.0, 8.02):
        notes = joined((-4.0, [event(onset, 12, ends=False)]), (8.0, [event(8.0, 14)]))
        assert times(notes) == [(8.0, 14)]
        notes = joined(
            (-4.0, [event(onset, 12, ends=False)]), (8.0, [event(8.0, 14, begins=False)])
        )
        assert times(notes) == [(onset, 14)]


def test_sound_without_an_onset_is_no_note() -> None:
    assert joined((8.0, [event(8, 9, begins=False)])) == []


def test_the_last_note_ends_with_the_sound() -> None:
    notes = joined((-4.0, [event(3, 12, ends=False), event(1, 2)]), duration=7.5)
    assert times(notes) == [(1, 2), (3, 7.5)]
    assert joined((-4.0, [event(8, 9)]), duration=7.5) == []


def test_pedals_are_joined_as_notes_are() -> None:
    heard = [
        Heard(-4.0, (event(2, 12, line=SUSTAIN, ends=False), event(1, 3, line=SOFT))),
        Heard(8.0, (event(8, 9, line=SUSTAIN, begins=False), event(10, 11, line=SUSTAIN))),
    ]
    score = join_events(heard, 20.0, "title")
    assert score.pedals == (Pedal(2, 9), Pedal(10, 11))
    assert score.notes == ()
    assert score.title == "title"
    assert score.remarks == ("spans of the soft pedal that are left out: 1",)


def test_velocities_are_legal() -> None:
    heard = Heard(0.0, (Event(60, 1.0, 2.0, 0, True, True), Event(61, 1.0, 2.0, 127, True, True)))
    assert list(join_events([heard], 9.0).velocities) == [1, 127]


@st.composite
def segments(draw: st.DrawFn) -> list[Heard]:
    heard = []
    for index in range(draw(st.integers(1, 4))):
        begin = 12.0 * index - 4.0
        cuts = sorted(draw(st.lists(st.floats(0, 16), min_size=2, max_size=12)))
        events = [
            Event(
                draw(st.sampled_from([KEY, SUSTAIN])),
                begin + start,
                begin + end,
                draw(st.integers(0, 127)),
                number > 0 or draw(st.booleans()),
                number + 2 < len(cuts) // 2 * 2 or draw(st.booleans()),
            )
            for number, (start, end) in enumerate(zip(cuts[::2], cuts[1::2], strict=False))
        ]
        heard.append(Heard(begin, tuple(events)))
    return heard


@settings(max_examples=200, deadline=None)
@given(segments(), st.floats(0.5, 60))
def test_whatever_is_heard_becomes_a_legal_score(heard: list[Heard], duration: float) -> None:
    score = join_events(heard, duration)
    ends = np.array([note.offset for note in score.notes])
    onsets = np.array([note.onset for note in score.notes])
    assert (ends <= duration + SHORTEST).all()
    assert (ends[:-1] <= onsets[1:] + 1e-9).all()
    assert len(score) + len(score.pedals) <= sum(len(h.events) for h in heard)


@pytest.mark.parametrize("count", [1, 3])
def test_complete_events_of_one_segment_are_kept_as_they_are(count: int) -> None:
    events = [event(float(i), i + 0.5) for i in range(count)]
    assert times(joined((0.0, events))) == [(e.start, e.end) for e in events]
