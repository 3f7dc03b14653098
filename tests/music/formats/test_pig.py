from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.core.errors import ScoreError
from musclehand.music.formats.pig import read_pig, write_pig
from musclehand.music.score import Finger, Hand, Note, Pedal, Score

IN_FOLDER = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GOOD = "0\t0.000000\t0.500000\tC4\t64\t80\t0\t1"


def read(folder: Path, text: str) -> Score:
    path = folder / "piece.txt"
    path.write_text(text, encoding="utf-8")
    return read_pig(path)


def sensible(reading: Callable[[], Score]) -> bool:
    """Whether reading gives notes, or refuses in one line."""
    try:
        return len(reading()) > 0
    except ScoreError as error:
        return "\n" not in str(error)


def notes() -> st.SearchStrategy[Note]:
    def build(
        onset: float,
        length: float,
        pitch: int,
        velocity: int,
        hand: Hand | None,
        finger: Finger | None,
    ) -> Note:
        return Note(
            onset, pitch, onset + length, velocity, hand, finger if hand is not None else None
        )

    hands = st.sampled_from([*Hand, None])
    fingers = st.sampled_from([*Finger, None])
    return st.builds(
        build,
        st.floats(0, 500),
        st.floats(1e-6, 9),
        st.integers(21, 108),
        st.integers(1, 127),
        hands,
        fingers,
    )


@IN_FOLDER
@given(st.lists(notes(), min_size=1, max_size=30))
def test_round_trip_is_exact(tmp_path: Path, listed: list[Note]):
    score = Score(tuple(listed), title="round")
    write_pig(score, tmp_path / "round.txt")
    assert read_pig(tmp_path / "round.txt").notes == score.notes


def test_a_published_layout_is_read(tmp_path: Path):
    text = (
        "//Version: PianoFingering_v170101\r\n"
        f"{GOOD}\r\n"
        "1\t0.5\t1\tBb2\t64\t80\t1\t-5\r\n"
        "2\t1\t1.5\tF#5\t64\t80\t0\t1_3\r\n"
        "3\t2\t2.5\t60\t70\t80\t\t\r\n"
        "4\t3\t3.5\tE4\t70\t80\t1\t2\r\n"
        "5\t4\t4.5\tE4\t70\t80\t1\n"
    )
    score = read(tmp_path, text)
    assert [(n.pitch, n.hand, n.finger) for n in score.notes] == [
        (60, Hand.RIGHT, Finger.THUMB),
        (46, Hand.LEFT, Finger.LITTLE),
        (78, Hand.RIGHT, Finger.THUMB),
        (60, None, None),
        (64, Hand.RIGHT, Finger.INDEX),
        (64, Hand.LEFT, None),
    ]
    assert (score.notes[0].onset, score.notes[0].offset, score.notes[0].velocity) == (0.0, 0.5, 64)
    assert score.remarks == ("1 note with a change of finger on the key; the first finger taken",)
    assert score.title == "piece"


def test_notes_off_the_keyboard_and_without_length_are_remarked(tmp_path: Path):
    score = read(tmp_path, f"{GOOD}\n1\t1\t2\tC9\t64\t80\t0\t1\n2\t3\t3\tC4\t64\t80\t0\t1\n")
    assert len(score) == 1
    assert score.remarks == ("1 note off the 88 keys left out", "1 note without length left out")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0\t1\t2\tC4", "4 fields"),
        ("0\tx\t2\tC4\t64\t80\t0\t1", "onset is 'x'"),
        ("0\tnan\t2\tC4\t64\t80\t0\t1", "onset is 'nan'"),
        ("0\t-1\t2\tC4\t64\t80\t0\t1", "onset is '-1'"),
        ("0\t1\t1e99\tC4\t64\t80\t0\t1", "offset is '1e99'"),
        ("0\t3\t2\tC4\t64\t80\t0\t1", "before onset"),
        ("0\t1\t2\tH4\t64\t80\t0\t1", "pitch is 'H4'"),
        ("0\t1\t2\tC4\t128\t80\t0\t1", "onset velocity is '128'"),
        ("0\t1\t2\tC4\t64\t80\t2\t1", "channel is '2'"),
        ("0\t1\t2\tC4\t64\t80\t0\t6", "fingering is '6'"),
        ("0\t1\t2\tC4\t64\t80\t0\t" + "9" * 5000, "fingering is '9999"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, line: str, says: str):
    with pytest.raises(ScoreError) as caught:
        read(tmp_path, f"//Version: x\n{GOOD}\n{line}\n")
    assert "piece.txt (line 3): " in str(caught.value)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


def test_empty_off_keyboard_and_too_many(tmp_path: Path):
    with pytest.raises(ScoreError, match="no notes"):
        read(tmp_path, "//Version: x\n")
    with pytest.raises(ScoreError, match="88 keys"):
        read(tmp_path, "0\t1\t2\tC9\t64\t80\t0\t1")
    with pytest.raises(ScoreError, match="more than 100,000 notes"):
        read(tmp_path, f"{GOOD}\n" * 100_001)


@IN_FOLDER
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(["0", "1", "-1", "C4", "x", "\t", "\n", "1_3", "1e5", "٣"]), max_size=40
    ).map("\t".join)
)
def test_arbitrary_text_raises_nothing_else(tmp_path: Path, text: str):
    assert sensible(lambda: read(tmp_path, text))


def test_pedals_are_comments_and_come_back_exactly(tmp_path):
    pedals = (Pedal(0.0, 1.25), Pedal(1.3, 2.0 + 1 / 3))
    score = Score((Note(0.0, 60, 1.0),), pedals=pedals)
    path = tmp_path / "pedals.txt"
    write_pig(score, path)
    assert read_pig(path).pedals == pedals
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("//") for line in lines[:-1])


@pytest.mark.parametrize(
    "comment", ["//Pedal: 2 1", "//Pedal: a b", "//Pedal: 1", "//Pedal: 0 1e9"]
)
def test_a_comment_that_is_no_pedal_is_skipped(tmp_path, comment):
    path = tmp_path / "comment.txt"
    path.write_text(f"{comment}\n0\t0.0\t1.0\tC4\t80\t80\t0\t1\n", encoding="utf-8")
    assert read_pig(path).pedals == ()
