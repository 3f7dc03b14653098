"""The text notation: what it means, and that mistakes are found and located."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import ScoreError
from musclehand.music.formats.notation import PEDAL_DELAY, VELOCITY, parse_header, parse_notation
from musclehand.music.score import Finger, Hand, Score, keyboard_score

HEADER = "title: T\ncomposer: C\nsource: S\nlevel: 1\ntempo_bpm: 60\ntime: 2/4\n"


def parse(body: str, header: str = HEADER) -> Score:
    return parse_notation(header + body, "test.txt")


def facts(score: Score) -> list[tuple[float, float, int]]:
    return [(note.onset, note.offset, note.pitch) for note in score.notes]


def test_notes_chords_rests_and_inherited_lengths() -> None:
    score = parse("right:\n C4/1:0.5 E4/3 R [G4/5 C5]:1/2 | f A4:2 |\nleft:\n pp C3:1 R | % |\n")
    right = [note for note in score.notes if note.hand is Hand.RIGHT]
    left = [note for note in score.notes if note.hand is Hand.LEFT]
    assert [(n.onset, n.offset, n.pitch) for n in right] == [
        (0.0, 0.5, 60),
        (0.5, 1.0, 64),
        (1.5, 2.0, 67),
        (1.5, 2.0, 72),
        (2.0, 4.0, 69),
    ]
    assert [n.finger for n in right] == [Finger.THUMB, Finger.MIDDLE, Finger.LITTLE, None, None]
    assert [n.velocity for n in right] == [VELOCITY["mf"]] * 4 + [VELOCITY["f"]]
    assert [(n.onset, n.pitch, n.velocity) for n in left] == [
        (0.0, 48, VELOCITY["pp"]),
        (2.0, 48, VELOCITY["pp"]),
    ]


def test_ties_join_and_staccato_shortens() -> None:
    score = parse("right:\n C4~:1 [C4~ E4]:1 | C4:1 G4':1 |\n")
    assert facts(score) == [(0.0, 3.0, 60), (1.0, 2.0, 64), (3.0, 3.25, 67)]


def test_repeated_keys_are_let_go_in_time() -> None:
    score = parse("right:\n C4:1 C4 |\n")
    assert facts(score) == [(0.0, pytest.approx(0.96), 60), (1.0, 2.0, 60)]
    assert keyboard_score(score) == score


def test_pickup_tempo_changes_and_systems() -> None:
    header = HEADER.replace("60", "60, 120 @ 3") + "pickup: 0.5\n"
    score = parse(
        "right:\n G4:0.5 | C4:2 |\nleft:\n R:0.5 | C3:2\nright:\n D4:2 | E4:1.5\nleft:\n D3:2 | E3:1.5 |",
        header,
    )
    assert [n.onset for n in score.notes if n.hand is Hand.RIGHT] == [0.0, 0.5, 2.5, 3.5]
    assert score.duration == pytest.approx(4.25)


def test_pedal_follows_and_ties_across_bars() -> None:
    score = parse("right:\n C4:2 | D4:2 | E4:2 |\npedal:\n P~:2 | P:1 R:1 | P:2 |\n")
    assert [(p.start, p.end) for p in score.pedals] == [(PEDAL_DELAY, 3.0), (4 + PEDAL_DELAY, 6.0)]


def test_two_voices_of_a_hand() -> None:
    score = parse("left:\n C3:2 |\nleft 2:\n R:1 G3 |\n")
    assert facts(score) == [(0.0, 2.0, 48), (1.0, 2.0, 55)]
    assert {n.hand for n in score.notes} == {Hand.LEFT}


def test_comments_sharps_and_header() -> None:
    header = parse_header("# a comment\n" + HEADER + "right:\n F#4:2 # the end\n", "test.txt")
    assert (header.title, header.level, header.bar, header.pickup) == ("T", 1, 2, None)
    assert facts(parse("right:\n F#4:2 # the end\n")) == [(0.0, 2.0, 66)]


@pytest.mark.parametrize(
    ("body", "line", "problem"),
    [
        ("right:\n C4:1 D4 |\n C4:1 D4 E4 |\n", 9, "bar 2 of 'right' has 3 quarters, not 2"),
        ("right:\n C4:1 |\n", 8, "has 1 quarters, not 2"),
        ("right:\n C4:2 | |\n", 8, "has 0 quarters"),
        ("right:\n C4 D4 |\n", 8, "has no length"),
        ("right:\n H4:2 |\n", 8, "'H4' is not a note"),
        ("right:\n C4/6:2 |\n", 8, "'C4/6' is not a note"),
        ("right:\n C9:2 |\n", 8, "not on the keyboard"),
        ("right:\n C4:0 |\n", 8, "length '0'"),
        ("right:\n C4:1/0 |\n", 8, "length '1/0'"),
        ("right:\n [C4 C4]:2 |\n", 8, "repeats a pitch"),
        ("right:\n []:2 |\n", 8, "is empty"),
        ("right:\n [C4:1 E4:1 |\n", 8, "'[C4' is not a note"),
        ("right:\n C4~:2 | D4:2 |\n", 8, "is tied"),
        ("right:\n C4~:2 |\n", 8, "is tied"),
        ("right:\n % |\n", 8, "there is none"),
        ("right:\n C4:2 |\npedal:\n Q:2 |\n", 10, "neither P nor R"),
    ],
)
def test_mistakes_in_voices_are_located(body: str, line: int, problem: str) -> None:
    with pytest.raises(ScoreError) as caught:
        parse(body)
    assert caught.value.where == f"line {line}"
    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"test.txt (line {line}): ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEADER, "no voice"),
        (HEADER + "right:\n R:2 |\n", "no notes"),
        (
            HEADER + "right:\n C4:2 |\nleft:\n C3:2 | C3:2 |\n",
            "'left' has 2 bars (4 quarters) but 'right' has 1",
        ),
        (HEADER.replace("title: T\n", "") + "right:\n C4:2 |\n", "no 'title'"),
        (HEADER + "title: U\nright:\n C4:2 |\n", "given twice"),
        (HEADER + "mood: sad\nright:\n C4:2 |\n", "'mood: sad' is neither"),
        (HEADER.replace("2/4", "2/3") + "right:\n C4:2 |\n", "not a time signature"),
        (HEADER.replace("level: 1", "level: 11") + "right:\n C4:2 |\n", "level '11'"),
        (HEADER.replace("60", "0") + "right:\n C4:2 |\n", "tempo_bpm '0'"),
        (HEADER.replace("60", "60, 80") + "right:\n C4:2 |\n", "tempo_bpm '60, 80'"),
        (HEADER.replace("60", "60, 80 @ 9") + "right:\n C4:2 |\n", "tempo changes at bar 9 of 1"),
        (HEADER + "pickup: 2\nright:\n C4:2 |\n", "no shorter than a bar"),
        ("", "no 'title'"),
    ],
)
def test_mistakes_in_the_header_are_named(text: str, problem: str) -> None:
    with pytest.raises(ScoreError, match=r"test\.txt") as caught:
        parse_notation(text, "test.txt")
    assert problem in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "C4:1",
                "E4/3",
                "[C4 G4]:1",
                "[",
                "]",
                "|",
                "|\n",
                "%",
                "R:1",
                "mf",
                "~",
                "C4~:1",
                ":",
                "right:\n",
                "/",
            ]
        )
    )
)
def test_any_text_is_read_or_refused(tokens: list[str]) -> None:
    body = "right:\n" + " ".join(tokens)
    with contextlib.suppress(ScoreError):
        assert len(parse(body)) > 0
