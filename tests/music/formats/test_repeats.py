import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.repeats import (
    MAX_MEASURES,
    UNMARKED,
    UNNUMBERED,
    MeasureMarks,
    playing_order,
    unfold,
)

BEGIN = MeasureMarks(begins_repeat=True)
AGAIN = MeasureMarks(times=2)


DA_CAPO = MeasureMarks(da_capo=True)
FINE = MeasureMarks(fine=True)


def ending(
    *numbers: int, times: int = 0, begins_repeat: bool = False, begins_ending: bool = False
) -> MeasureMarks:
    return MeasureMarks(
        endings=frozenset(numbers),
        times=times,
        begins_repeat=begins_repeat,
        begins_ending=begins_ending,
    )


def unnumbered(*, times: int = 0, begins: bool = True) -> MeasureMarks:
    return ending(UNNUMBERED, times=times, begins_ending=begins)


@pytest.mark.parametrize(
    ("marks", "order"),
    [
        ([], []),
        ([UNMARKED] * 3, [0, 1, 2]),
        ([UNMARKED, AGAIN, UNMARKED], [0, 1, 0, 1, 2]),
        ([UNMARKED, BEGIN, AGAIN, UNMARKED], [0, 1, 2, 1, 2, 3]),
        ([MeasureMarks(begins_repeat=True, times=2)] * 2, [0, 0, 1, 1]),
        ([AGAIN, UNMARKED, AGAIN], [0, 0, 1, 2, 1, 2]),
        ([MeasureMarks(times=4), UNMARKED], [0, 0, 0, 0, 1]),
        ([UNMARKED, ending(1, times=2), ending(2), UNMARKED], [0, 1, 0, 2, 3]),
        ([UNMARKED, ending(1, times=2), UNMARKED, AGAIN], [0, 1, 0, 2, 3, 2, 3]),
        ([UNMARKED, ending(1, 2, times=2), ending(3), UNMARKED], [0, 1, 0, 1, 0, 2, 3]),
        ([UNMARKED, ending(1, times=2), ending(2, times=2), UNMARKED], [0, 1, 0, 2, 3]),
        (
            [UNMARKED, ending(1), ending(1, times=2), ending(2), BEGIN, AGAIN],
            [0, 1, 2, 0, 3, 4, 5, 4, 5],
        ),
        ([UNMARKED, MeasureMarks(fine=True), MeasureMarks(da_capo=True)], [0, 1, 2, 0, 1]),
        ([AGAIN, MeasureMarks(da_capo=True)], [0, 0, 1, 0, 1]),
        (
            [UNMARKED, ending(1, times=2), ending(2), MeasureMarks(da_capo=True)],
            [0, 1, 0, 2, 3, 0, 2, 3],
        ),
        (
            [
                UNMARKED,
                MeasureMarks(segno="", to_coda=""),
                MeasureMarks(dal_segno=""),
                UNMARKED,
                MeasureMarks(coda=""),
            ],
            [0, 1, 2, 1, 4],
        ),
        # The second ending begins a repeat.
        (
            [BEGIN, ending(1, times=2), ending(2, begins_repeat=True), AGAIN, UNMARKED],
            [0, 1, 0, 2, 3, 2, 3, 4],
        ),
        (
            [UNMARKED, ending(1, times=2), ending(2, begins_repeat=True), ending(2, times=2)],
            [0, 1, 0, 2, 3, 2, 3],
        ),
        # Repeats inside each of two endings.
        (
            [
                UNMARKED,
                ending(1),
                ending(1, begins_repeat=True, times=2),
                ending(1, times=2),
                ending(2, begins_repeat=True, times=2),
                ending(2),
                UNMARKED,
            ],
            [0, 1, 2, 2, 3, 0, 4, 4, 5, 6],
        ),
        # Endings without numbers, of one and of two measures.
        ([UNMARKED, unnumbered(times=2), unnumbered(), UNMARKED], [0, 1, 0, 2, 3]),
        (
            [UNMARKED, unnumbered(), unnumbered(times=2, begins=False), unnumbered(), UNMARKED],
            [0, 1, 2, 0, 3, 4],
        ),
        ([UNMARKED, ending(1, times=2), unnumbered(), UNMARKED], [0, 1, 0, 2, 3]),
        # A first ending by da capo.
        ([UNMARKED, MeasureMarks(endings=frozenset({1}), da_capo=True), ending(2)], [0, 1, 0, 2]),
        # Two jumps, each taken once; what comes after the first is not "after a return" for good.
        ([FINE, DA_CAPO, UNMARKED, DA_CAPO], [0, 1, 0]),
        (
            [UNMARKED, DA_CAPO, UNMARKED, AGAIN],
            [0, 1, 0, 1, 2, 3, 0, 1, 2, 3],
        ),
        # A repeat that is taken after a jump too.
        ([MeasureMarks(times=2, after_jump=True), DA_CAPO], [0, 0, 1, 0, 0, 1]),
        # Named signs: to B, not to the nearer A.
        (
            [MeasureMarks(segno="B"), MeasureMarks(segno="A"), MeasureMarks(dal_segno="B")],
            [0, 1, 2, 0, 1, 2],
        ),
        (
            [
                DA_CAPO,
                MeasureMarks(to_coda="B"),
                MeasureMarks(coda="A"),
                MeasureMarks(coda="B"),
            ],
            [0, 0, 1, 3],
        ),
    ],
)
def test_playing_order(marks: list[MeasureMarks], order: list[int]):
    assert playing_order(marks) == order


@st.composite
def measure_marks(draw: st.DrawFn) -> MeasureMarks:
    names = st.sampled_from([None, None, "", "A"])
    return MeasureMarks(
        begins_repeat=draw(st.booleans()),
        times=draw(st.sampled_from([0, 0, 2, 3])),
        endings=draw(st.frozensets(st.integers(0, 3), max_size=2)),
        begins_ending=draw(st.booleans()),
        segno=draw(names),
        coda=draw(names),
        da_capo=draw(st.booleans()),
        dal_segno=draw(names),
        to_coda=draw(names),
        fine=draw(st.booleans()),
        after_jump=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(measure_marks(), max_size=12))
def test_any_signs_end_and_stay_within_the_piece(marks: list[MeasureMarks]):
    order, turns, missed = unfold(marks)
    assert all(0 <= index < len(marks) for index in [*order, *missed])
    assert len(turns) == len(order)
    assert min(turns, default=1) >= 1
    if marks and not any(mark.endings for mark in marks):
        assert order[0] == 0


def test_too_many_measures_are_refused():
    with pytest.raises(InvalidValue, match="at most"):
        playing_order([MeasureMarks(begins_repeat=True, times=99)] * (MAX_MEASURES // 99 + 1))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=6))
def test_sections_with_endings_unfold_as_their_definition_says(sections: list[tuple[int, int]]):
    """Each section: measures of its own, then endings 1, 2, ..., all but the last repeated."""
    marks: list[MeasureMarks] = []
    expected: list[int] = []
    for length, endings in sections:
        own = list(range(len(marks), len(marks) + length))
        marks += [MeasureMarks(begins_repeat=i == 0) for i in range(length)]
        for number in range(1, endings + 1):
            expected += [*own, len(marks)]
            marks.append(ending(number, times=2 if number < endings else 0))
        expected += own if not endings else []
    assert playing_order(marks) == expected


def test_jumps_that_lead_nowhere_are_told():
    assert unfold([UNMARKED, MeasureMarks(dal_segno="")]).jumps_not_taken == [1]
    assert unfold([MeasureMarks(to_coda=""), DA_CAPO]).jumps_not_taken == [0]
    assert unfold([FINE, DA_CAPO, DA_CAPO]).jumps_not_taken == [2]
    assert unfold([UNMARKED, DA_CAPO]).jumps_not_taken == []


def test_turns_count_the_repeats_of_a_section():
    assert unfold([AGAIN, UNMARKED, AGAIN]).turns == [1, 2, 1, 1, 2, 2]
