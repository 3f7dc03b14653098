from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.formats.musicxml_signs import (
    BAR_LINE,
    BEGIN_REPEAT,
    CODA,
    CODA_SIGN,
    DA_CAPO,
    DAL_SEGNO,
    END_REPEAT,
    ENDING,
    ENDING_STOP,
    FINE,
    SEGNO,
    TO_CODA,
    Sign,
    cut_at_signs,
)
from support.musicxml_text import (
    DIVISIONS,
    NO_TEMPO,
    barline,
    direction,
    note,
    pitches,
    read,
    xml,
)

C, D, E, F = 60, 62, 64, 65


def words(text: str) -> str:
    return direction(f"<words>{text}</words>")


def test_fine_inside_a_bar_ends_the_piece_there(tmp_path: Path):
    halves = note("D4", 8) + '<sound fine="yes"/>' + note("E4", 8)
    score = read(
        tmp_path, xml(DIVISIONS + note("C4"), halves, note("F4") + '<sound dacapo="yes"/>')
    )
    assert pitches(score) == [C, D, E, F, C, D]
    assert score.duration == pytest.approx(0.5 + 2 + 0.5 + 0.5 + 1)


def test_fine_of_a_direction_inside_a_bar_ends_the_piece_there(tmp_path: Path):
    fine = direction("<words>Fine</words>", 'fine="yes"')
    halves = note("D4", 8) + fine + note("E4", 8)
    score = read(tmp_path, xml(DIVISIONS + note("C4"), halves, note("F4") + words("D.C. al Fine")))
    assert pitches(score) == [C, D, E, F, C, D]


@pytest.mark.parametrize(
    "text", ["D.C.", "D.C. al Fine", "Da Capo", "da capo al fine", "D. C. al Fine"]
)
def test_da_capo_in_words(tmp_path: Path, text: str):
    score = read(tmp_path, xml(DIVISIONS + note("C4") + words("Fine"), note("D4") + words(text)))
    assert pitches(score) == [C, D, C]
    assert score.remarks == (NO_TEMPO,)


@pytest.mark.parametrize("text", ["D.S.", "D.S. al Coda", "Dal Segno al Coda"])
@pytest.mark.parametrize("to_coda", ["To Coda", "al Coda", ""])
def test_dal_segno_and_coda_in_words_and_signs(tmp_path: Path, text: str, to_coda: str):
    """Without words, the first coda sign is the way to the coda and the second the coda."""
    away = words(to_coda) if to_coda else direction("<coda/>")
    score = read(
        tmp_path,
        xml(
            DIVISIONS + note("C4"),
            direction("<segno/>") + note("D4") + away,
            note("E4") + words(text),
            direction("<coda/>") + note("F4"),
        ),
    )
    assert pitches(score) == [C, D, E, D, F]
    assert score.remarks == (NO_TEMPO,)


def test_words_beside_a_sound_that_says_the_same_count_once(tmp_path: Path):
    spoken = words("D.C. al Fine")
    sounding = '<sound dacapo="yes"/>'
    first = DIVISIONS + note("C4") + direction("<words>Fine</words>", 'fine="yes"')
    score = read(tmp_path, xml(first, note("D4") + spoken + sounding, note("E4")))
    assert pitches(score) == [C, D, C]
    assert "1 bar never played, by the repeats: 3" in score.remarks


def test_a_printed_jump_before_the_last_note_belongs_to_the_bar_line(tmp_path: Path):
    last = note("D4") + direction("<words>D.C. al Fine</words>", 'dacapo="yes"') + note("E4")
    score = read(tmp_path, xml(DIVISIONS + note("C4") + '<sound fine="yes"/>', last))
    assert pitches(score) == [C, D, E, C]


def test_named_segnos(tmp_path: Path):
    first = DIVISIONS + '<sound segno="B"/>' + note("C4")
    second = '<sound segno="A"/>' + note("D4") + '<sound fine="yes"/>'
    score = read(tmp_path, xml(first, second, note("E4") + '<sound dalsegno="B"/>'))
    assert pitches(score) == [C, D, E, C, D]


def test_repeat_bars_inside_a_measure(tmp_path: Path):
    forward = barline('<repeat direction="forward"/>', "middle")
    back = barline('<repeat direction="backward"/>', "middle")
    score = read(
        tmp_path, xml(DIVISIONS + note("C4") + forward + note("D4"), note("E4") + back + note("F4"))
    )
    assert pitches(score) == [C, D, E, D, E, F]
    implied = read(
        tmp_path,
        xml(
            DIVISIONS
            + note("C4")
            + '<sound forward-repeat="yes"/>'
            + note("D4")
            + barline('<repeat direction="backward"/>')
        ),
    )
    assert pitches(implied) == [C, D, D]


@pytest.mark.parametrize(
    ("number", "numbers"),
    [("", ["", ""]), (" ", [" ", " "]), ("1-2", ["1-2", "3"]), ("1, 2", ["1, 2", "3"])],
)
def test_endings_without_or_with_several_numbers(tmp_path: Path, number: str, numbers: list[str]):
    def ending(text: str, pitch: str, inside: str = "") -> str:
        start = barline(f'<ending number="{text}" type="start"/>', "left")
        return start + note(pitch) + barline(f'<ending number="{text}" type="stop"/>{inside}')

    first = ending(numbers[0], "D4", '<repeat direction="backward"/>')
    score = read(tmp_path, xml(DIVISIONS + note("C4"), first, ending(numbers[1], "E4"), note("F4")))
    again = [C, D] * (1 if not number.strip() else 2)
    assert pitches(score) == [*again, C, E, F]


def test_bars_that_no_repeat_leads_to_are_told(tmp_path: Path):
    third = barline('<ending number="3" type="start"/>', "left") + note("E4")
    third += barline('<ending number="3" type="stop"/>')
    first = barline('<ending number="1" type="start"/>', "left") + note("D4")
    first += barline('<ending number="1" type="stop"/>')
    score = read(tmp_path, xml(DIVISIONS + note("C4"), first, third, note("F4")))
    assert pitches(score) == [C, D, F]
    assert score.remarks[0] == "1 bar never played, by the repeats: 3"
    nowhere = read(tmp_path, xml(DIVISIONS + note("C4"), note("D4") + words("D.S.")))
    assert nowhere.remarks[0] == "jump not taken, as it leads nowhere or is never reached: bar 2"


def test_signs_of_all_parts_count(tmp_path: Path):
    plain = xml(DIVISIONS + note("C4"), note("D4"))
    second = f'<part id="P2"><measure number="1">{DIVISIONS + note("C3")}</measure>'
    second += f'<measure number="2">{note("D3")}{words("D.C.")}</measure></part>'
    text = plain.replace("</score-partwise>", second + "</score-partwise>")
    assert sorted(pitches(read(tmp_path, text))) == [48, 48, 50, 50, C, C, D, D]


KINDS = [BAR_LINE, BEGIN_REPEAT, CODA, CODA_SIGN, DA_CAPO, DAL_SEGNO, END_REPEAT, ENDING, ENDING_STOP, FINE, SEGNO, TO_CODA]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.sets(
                st.builds(
                    Sign,
                    st.sampled_from(KINDS),
                    st.none() | st.integers(0, 10),
                    numbers=st.just(frozenset({1})),
                    times=st.just(2),
                    loose=st.booleans(),
                    spoken=st.booleans(),
                ),
                max_size=4,
            ),
        ),
        max_size=5,
    )
)
def test_passages_cover_every_bar_without_a_gap(bars: list[tuple[int, set[Sign]]]):
    lengths = [length for length, _ in bars]
    passages = cut_at_signs(lengths, [signs for _, signs in bars])
    for measure, length in enumerate(lengths):
        own = [passage for passage in passages if passage.measure == measure]
        assert own[0].start == 0
        assert own[-1].stop == length
        assert [p.is_last for p in own] == [False] * (len(own) - 1) + [True]
        assert [p.stop for p in own[:-1]] == [p.start for p in own[1:]]
