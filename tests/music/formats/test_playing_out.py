from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.music.formats.playing_out import (
    ARPEGGIO_SECONDS,
    LEAST_SECONDS,
    ORNAMENT_SECONDS,
    STROKE_SECONDS,
    TRILL_SECONDS,
)
from support.musicxml_text import DIVISIONS, direction, notations, note, pitches, read, times, xml

SLOW = DIVISIONS + direction(sound='tempo="60"')
IN_FOLDER = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def signed(kind: str, inside: str, pitch: str = "C4", duration: int = 4, **parts: str) -> str:
    return note(pitch, duration, more=notations(f"<{kind}>{inside}</{kind}>"), **parts)


def ornament(inside: str, pitch: str = "C4", duration: int = 4) -> str:
    return signed("ornaments", inside, pitch, duration)


def tremolo(beams: int, kind: str = "single", pitch: str = "C4", duration: int = 4) -> str:
    return ornament(f'<tremolo type="{kind}">{beams}</tremolo>', pitch, duration)


@pytest.mark.parametrize(
    ("signs", "share"),
    [
        ("<staccato/>", 0.5),
        ("<staccatissimo/>", 0.33),
        ("<spiccato/>", 0.33),
        ("<tenuto/>", 1),
        ("<staccato/><tenuto/>", 0.67),
        ("<detached-legato/>", 0.67),
    ],
)
def test_length_of_short_notes(tmp_path: Path, signs: str, share: float):
    score = read(tmp_path, xml(SLOW + signed("articulations", signs) + note()))
    assert times(score) == [(60, 0, pytest.approx(share)), (60, 1, 2)]


def test_staccato_of_a_chord_stands_at_one_note(tmp_path: Path):
    chord = signed("articulations", "<staccato/>") + note("E4", first="<chord/>")
    assert times(read(tmp_path, xml(SLOW + chord))) == [(60, 0, 0.5), (64, 0, 0.5)]


def test_a_tied_note_is_not_shortened(tmp_path: Path):
    first = note(
        more='<tie type="start"/>' + notations("<articulations><staccato/></articulations>")
    )
    assert times(read(tmp_path, xml(SLOW + first + note(more='<tie type="stop"/>')))) == [
        (60, 0, 2)
    ]


def test_a_trill_alternates_with_the_upper_neighbour_of_the_key(tmp_path: Path):
    score = read(tmp_path, xml(SLOW + ornament("<trill-mark/>", "E4")))
    assert pitches(score) == [64, 65] * 4 + [64]
    assert score.notes[-1].offset == pytest.approx(1)
    assert all(n.duration >= TRILL_SECONDS for n in score.notes)
    in_d = "<attributes><key><fifths>2</fifths></key></attributes>"
    assert set(pitches(read(tmp_path, xml(SLOW + in_d + ornament("<trill-mark/>", "E4"))))) == {
        64,
        66,
    }
    in_f = "<attributes><key><fifths>-1</fifths></key></attributes>"
    assert set(pitches(read(tmp_path, xml(SLOW + in_f + ornament("<trill-mark/>", "A4"))))) == {
        69,
        70,
    }
    marked = ornament("<trill-mark/><accidental-mark>sharp</accidental-mark>", "E4")
    assert set(pitches(read(tmp_path, xml(SLOW + marked)))) == {64, 66}


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("mordent", [60, 59, 60]),
        ("inverted-mordent", [60, 62, 60]),
        ("turn", [62, 60, 59, 60]),
        ("inverted-turn", [59, 60, 62, 60]),
        ("delayed-turn", [60, 62, 60, 59, 60]),
        ("delayed-inverted-turn", [60, 59, 60, 62, 60]),
        ("shake", [60, 62, 60, 62, 60]),
    ],
)
def test_mordents_and_turns(tmp_path: Path, sign: str, expected: list[int]):
    score = read(tmp_path, xml(SLOW + ornament(f"<{sign}/>")))
    assert pitches(score) == expected
    short = score.notes[1:] if sign.startswith("delayed") else score.notes[:-1]
    assert all(n.duration == pytest.approx(ORNAMENT_SECONDS) for n in short)
    assert score.notes[-1].offset == pytest.approx(1)
    assert all(
        a.offset == pytest.approx(b.onset)
        for a, b in zip(score.notes, score.notes[1:], strict=False)
    )


def test_an_ornament_of_a_chord_is_of_its_highest_note(tmp_path: Path):
    chord = ornament("<mordent/>") + note("E4", first="<chord/>")
    assert pitches(read(tmp_path, xml(SLOW + chord))) == [60, 64, 62, 64]
    chord = ornament("<mordent/>", "E4") + note("C4", first="<chord/>")
    assert pitches(read(tmp_path, xml(SLOW + chord))) == [60, 64, 62, 64]


def test_of_a_transposing_part_the_neighbours_sound_too(tmp_path: Path):
    transpose = "<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>"
    assert pitches(read(tmp_path, xml(SLOW + transpose + ornament("<mordent/>")))) == [58, 57, 58]


def test_an_ornament_that_there_is_no_time_for_is_counted(tmp_path: Path):
    fast = DIVISIONS + direction(sound='tempo="240"')
    score = read(tmp_path, xml(fast + ornament("<turn/>", duration=1)))
    assert pitches(score) == [60]
    assert score.remarks == ("not played out: ornament on a note too short for it (1)",)


def test_a_tremolo_repeats_its_note(tmp_path: Path):
    assert len(read(tmp_path, xml(SLOW + tremolo(1)))) == 2
    assert len(read(tmp_path, xml(SLOW + tremolo(2)))) == 4
    fastest = read(tmp_path, xml(SLOW + tremolo(3)))
    assert len(fastest) == 8
    assert fastest.notes[0].duration == pytest.approx(STROKE_SECONDS)
    eighth = note(
        duration=2,
        more="<type>eighth</type>" + notations("<ornaments><tremolo>1</tremolo></ornaments>"),
    )
    assert len(read(tmp_path, xml(SLOW + eighth))) == 2
    chord = tremolo(1) + note("E4", first="<chord/>")
    assert pitches(read(tmp_path, xml(SLOW + chord))) == [60, 64, 60, 64]


def test_a_tremolo_between_two_notes_alternates(tmp_path: Path):
    score = read(tmp_path, xml(SLOW + tremolo(1, "start") + tremolo(1, "stop", "G4")))
    assert times(score) == [(60, 0, 0.5), (67, 0.5, 1), (60, 1, 1.5), (67, 1.5, 2)]
    lost = read(tmp_path, xml(SLOW + tremolo(1, "start")))
    assert times(lost) == [(60, 0, 1)]
    assert lost.remarks == ("not played out: tremolo without its second note or time for it (1)",)


@pytest.mark.parametrize(("way", "order"), [("", [60, 64, 67]), ('direction="down"', [67, 64, 60])])
def test_arpeggios_are_spread(tmp_path: Path, way: str, order: list[int]):
    sign = notations(f"<arpeggiate {way}/>")
    chord = note("E4", more=sign) + "".join(
        note(p, first="<chord/>", more=sign) for p in ("C4", "G4")
    )
    score = read(tmp_path, xml(SLOW + chord))
    assert pitches(score) == order
    assert [n.onset for n in score.notes] == pytest.approx(
        [0, ARPEGGIO_SECONDS, 2 * ARPEGGIO_SECONDS]
    )
    assert {n.offset for n in score.notes} == {1}


def test_other_signs_are_counted_in_one_remark(tmp_path: Path):
    swing = (
        "<direction><sound><swing><first>2</first><second>1</second></swing></sound></direction>"
    )
    slide = note(more=notations('<slide type="start"/>')) + note(
        more=notations('<slide type="stop"/>')
    )
    score = read(tmp_path, xml(SLOW + swing + slide + signed("articulations", "<caesura/>")))
    assert score.remarks == ("not played out: caesura (1), slide (1), swing (1)",)


SIGNS = ["trill-mark", "shake", "turn", "delayed-turn", "mordent", "tremolo", "wavy-line"]


@IN_FOLDER
@given(
    signs=st.lists(st.sampled_from(SIGNS), max_size=3),
    articulation=st.sampled_from(["staccato", "tenuto", "accent"]),
    duration=st.integers(1, 16),
    tempo=st.integers(20, 400),
)
def test_any_sign_stays_within_its_note(
    tmp_path: Path, signs: list[str], articulation: str, duration: int, tempo: int
):
    inside = "".join(f"<{sign}/>" for sign in signs)
    more = notations(
        f"<ornaments>{inside}</ornaments><articulations><{articulation}/></articulations>"
    )
    speed = DIVISIONS + direction(sound=f'tempo="{tempo}"')
    score = read(tmp_path, xml(speed + note(duration=duration, more=more)))
    written = duration / 4 * 60 / tempo
    assert score.notes[0].onset == 0
    assert score.duration <= written + 1e-9
    assert all(n.duration >= min(written, LEAST_SECONDS) - 1e-9 for n in score.notes)
