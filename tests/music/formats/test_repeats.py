import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.repeats import MAX_MEASURES, UNMARKED, MeasureMarks, playing_order

BEGIN = MeasureMarks(begins_repeat=True)
AGAIN = MeasureMarks(times=2)


def ending(*numbers: int, times: int = 0) -> MeasureMarks:
    return MeasureMarks(endings=frozenset(numbers), times=times)


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
                MeasureMarks(segno=True, to_coda=True),
                MeasureMarks(dal_segno=True),
                UNMARKED,
                MeasureMarks(coda=True),
            ],
            [0, 1, 2, 1, 4],
        ),
    ],
)
def test_playing_order(marks: list[MeasureMarks], order: list[int]):
    assert playing_order(marks) == order


@st.composite
def measure_marks(draw: st.DrawFn) -> MeasureMarks:
    flags = draw(st.lists(st.booleans(), min_size=7, max_size=7))
    return MeasureMarks(
        *flags[:1],
        draw(st.sampled_from([0, 0, 2, 3])),
        draw(st.frozensets(st.integers(1, 3), max_size=2)),
        *flags[1:],
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(measure_marks(), max_size=12))
def test_any_signs_end_and_stay_within_the_piece(marks: list[MeasureMarks]):
    order = playing_order(marks)
    assert all(0 <= index < len(marks) for index in order)
    if marks and not any(mark.endings for mark in marks):
        assert order[0] == 0


def test_too_many_measures_are_refused():
    with pytest.raises(InvalidValue, match="at most"):
        playing_order([MeasureMarks(begins_repeat=True, times=99)] * (MAX_MEASURES // 99 + 1))
