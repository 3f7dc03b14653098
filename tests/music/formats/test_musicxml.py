import io
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.core.errors import ScoreError
from musclehand.music.formats.musicxml import GRACE_SECONDS, written_notes
from musclehand.music.formats.musicxml_scan import MAX_ELEMENTS
from musclehand.music.score import Finger, Hand, Score
from support.musicxml_text import (
    DIVISIONS,
    NO_TEMPO,
    TWO_STAVES,
    barline,
    direction,
    notations,
    note,
    pitches,
    read,
    times,
    xml,
)

IN_FOLDER = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SCALES = {1: ["C4", "D4", "E4", "F#4", "G4"], 2: ["C3", "D3", "E3", "F#3", "G3"]}
CONTAINER = '<container><rootfiles><rootfile full-path="a/b.xml"/></rootfiles></container>'


def pack(
    content: bytes,
    *,
    container: str = CONTAINER,
    name: str = "a/b.xml",
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as zipped:
        zipped.writestr("META-INF/container.xml", container)
        zipped.writestr(name, content)
    return archive.getvalue()


def test_two_staves_with_backup_chords_and_default_tempo(tmp_path: Path):
    upper = note("C5", 4) + note("E5", 4, first="<chord/>") + note("F#5", 12)
    measure = (
        TWO_STAVES + upper + "<backup><duration>16</duration></backup>" + note("C3", 16, staff=2)
    )
    score = read(tmp_path, xml(measure))
    assert times(score) == [(48, 0.0, 2.0), (72, 0.0, 0.5), (76, 0.0, 0.5), (78, 0.5, 2.0)]
    assert [n.hand for n in score.notes] == [Hand.LEFT, Hand.RIGHT, Hand.RIGHT, Hand.RIGHT]
    assert score.remarks == ("no tempo is marked; played at 120 quarter notes a minute",)
    assert score.title == "piece"


def test_ties_are_merged_across_measures(tmp_path: Path):
    start = '<tie type="start"/>'
    ties = '<tie type="stop"/><tie type="start"/>'
    stop = '<tie type="stop"/>'
    score = read(
        tmp_path, xml(DIVISIONS + note(more=start), note(more=ties), note(more=stop) + note())
    )
    assert times(score) == [(60, 0.0, 1.5), (60, 1.5, 2.0)]


def test_tempo_changes_metronome_and_divisions(tmp_path: Path):
    half = "<metronome><beat-unit>half</beat-unit><beat-unit-dot/><per-minute>ca. 20</per-minute></metronome>"
    finer = "<attributes><divisions>12</divisions></attributes>"
    score = read(
        tmp_path,
        xml(
            DIVISIONS + direction(sound='tempo="60"') + note(),
            direction(half) + note(),
            finer + note("D4", 4),
        ),
    )
    assert times(score) == [(60, 0.0, 1.0), (60, 1.0, 2.0), (62, 2.0, pytest.approx(2 + 1 / 3))]
    assert score.remarks == ()


def test_repeats_keep_their_tempo_and_loudness(tmp_path: Path):
    first = DIVISIONS + direction("<dynamics><p/></dynamics>", 'tempo="60"') + note("C4")
    second = barline('<repeat direction="forward"/>', "left") + note("D4")
    third = (
        direction("<dynamics><f/></dynamics>", 'tempo="120"')
        + note("E4")
        + barline('<repeat direction="backward"/>')
    )
    score = read(tmp_path, xml(first, second, third, note("F4")))
    assert times(score) == [
        (60, 0, 1),
        (62, 1, 2),
        (64, 2, 2.5),
        (62, 2.5, 3.5),
        (64, 3.5, 4),
        (65, 4, 4.5),
    ]
    assert [n.velocity for n in score.notes] == [49, 49, 96, 49, 96, 96]


def test_endings_are_played_in_turn(tmp_path: Path):
    first_ending = barline('<ending number="1" type="start"/>', "left") + note("D4")
    first_ending += barline('<ending number="1" type="stop"/><repeat direction="backward"/>')
    second_ending = (
        barline('<ending number="2" type="start"/>', "left")
        + note("E4")
        + barline('<ending number="2" type="stop"/>')
    )
    score = read(tmp_path, xml(DIVISIONS + note("C4"), first_ending, second_ending, note("F4")))
    assert [n.pitch for n in score.notes] == [60, 62, 60, 64, 65]


def test_fingering_dynamics_and_pedal(tmp_path: Path):
    def finger(text: str) -> str:
        return f"<notations><technical><fingering>{text}</fingering></technical></notations>"

    down = direction('<pedal type="start"/>')
    up = direction('<pedal type="stop"/>')
    body = down + note(more=finger("5")) + direction('<pedal type="change"/>', 'dynamics="100"')
    body += note(more=finger("1_3")) + up + note(more=finger("0"))
    score = read(tmp_path, xml(TWO_STAVES + body))
    assert [n.finger for n in score.notes] == [Finger.LITTLE, Finger.THUMB, None]
    assert [n.velocity for n in score.notes] == [80, 90, 90]
    assert [(p.start, p.end) for p in score.pedals] == [(0.0, 0.5), (0.5, 1.0)]
    assert "1 note with a change of finger on the key; the first finger taken" in score.remarks


def test_grace_notes_come_before_the_beat(tmp_path: Path):
    grace = note("D4", first="<grace/>") + note("E4", first="<grace/>")
    score = read(tmp_path, xml(DIVISIONS + note("C4") + grace + note("C4")))
    expected = [
        (60, 0, 0.5),
        (62, 0.5 - 2 * GRACE_SECONDS),
        (64, 0.5 - GRACE_SECONDS),
        (60, 0.5, 1),
    ]
    assert [(n.pitch, n.onset) for n in score.notes] == [
        (row[0], pytest.approx(row[1])) for row in expected
    ]
    first = read(tmp_path, xml(DIVISIONS + grace + note("C4")))
    assert [n.onset for n in first.notes] == pytest.approx([0, GRACE_SECONDS, 2 * GRACE_SECONDS])


def test_cues_are_silent_and_drums_left_out(tmp_path: Path):
    drum = (
        "<note><unpitched><display-step>C</display-step></unpitched><duration>4</duration></note>"
    )
    score = read(
        tmp_path,
        xml(DIVISIONS + note(first="<cue/>") + drum + note("D4") + note("C9") + note("E4", 0)),
    )
    assert times(score) == [(62, 1.0, 1.5)]
    assert score.remarks[:3] == (
        "1 note of unpitched percussion left out",
        "1 note off the 88 keys left out",
        "1 note without length left out",
    )
    with pytest.raises(ScoreError, match="percussion"):
        read(tmp_path, xml(DIVISIONS + drum))


def test_hand_from_the_name_of_a_part(tmp_path: Path):
    assert (
        read(tmp_path, xml(DIVISIONS + note(), name="Piano left hand")).notes[0].hand is Hand.LEFT
    )
    assert read(tmp_path, xml(DIVISIONS + note(), name="Flute")).notes[0].hand is None


def test_timewise_utf16_and_archives_read_the_same(tmp_path: Path):
    plain = xml(DIVISIONS + note("C4"), note("D4"))
    expected = times(read(tmp_path, plain))
    timewise = (
        '<score-timewise><part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>'
        f'<measure number="1"><part id="P1">{DIVISIONS + note("C4")}</part></measure>'
        f'<measure number="2"><part id="P1">{note("D4")}</part></measure></score-timewise>'
    )
    doctype = '<?xml version="1.0"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD" "file:///etc/passwd">'
    for variant in (timewise, plain.encode("utf-16"), doctype + plain, pack(plain.encode())):
        assert times(read(tmp_path, variant)) == expected
    assert times(read(tmp_path, pack(plain.encode(), container="<container/>"))) == expected


BAD = {
    "not XML": ("<score-partwise><part", "not well-formed"),
    "other XML": ("<html><body/></html>", "not MusicXML"),
    "no parts": ("<score-partwise/>", "no notes"),
    "no notes": (xml(DIVISIONS), "no notes"),
    "truncated": (xml(DIVISIONS + note())[:-30], "line 1"),
    "off the keyboard": (xml(DIVISIONS + note("C9")), "88 keys"),
    "tempo zero": (xml(DIVISIONS + direction(sound='tempo="0"') + note()), "tempo is 0"),
    "tempo tiny": (xml(DIVISIONS + direction(sound='tempo="0.000001"') + note()), "limit"),
    "division zero": (xml("<attributes><divisions>0</divisions></attributes>" + note()), "divisions is '0'"),
    "bad step": (xml(DIVISIONS + note("H4")), "measure 1"),
    "bad duration": (xml(DIVISIONS + note("C4", -4)), "duration is '-4'"),
    "absurd duration": (xml(DIVISIONS + note("C4", 999_999_999)), "limit"),
    "wild divisions": (
        xml(*(f"<attributes><divisions>{n}</divisions></attributes>" + note() for n in (9973, 9967, 9949, 9941))),
        "no common multiple",
    ),
    "deep": ("<score-partwise>" + "<a>" * 100_000, "deep"),
    "elements": ("<score-partwise>" + "<a/>" * (MAX_ELEMENTS + 1), f"{MAX_ELEMENTS:,} XML elements"),
    "notes": (xml(DIVISIONS + note() * 2000, barline('<repeat direction="backward" times="99"/>')), "100,000 notes"),
    "long trills": (
        xml(
            DIVISIONS + direction(sound='tempo="0.01"')
            + note("C4", 400, more=notations("<ornaments><trill-mark/></ornaments>")) * 300
        ),
        "strokes with its ornaments played out",
    ),
    "laughs": (
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + xml(DIVISIONS + note("&b;")),
        "entities of its own",
    ),
    "external entity": (
        '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + xml(DIVISIONS + note(), name="&a;"),
        "entities of its own",
    ),
    "attribute of its own": (
        '<!DOCTYPE a [<!ATTLIST note dynamics CDATA "300">]>' + xml(DIVISIONS + note()),
        "attributes of its own",
    ),
    "octave below": (xml(DIVISIONS + note("C4").replace("<octave>4", "<octave>-1")), "a whole number, 0..9"),
    "offset": (xml(DIVISIONS + direction(more='<offset sound="yes">x</offset>') + note()), "offset is 'x'"),
    "transposition": (
        xml("<attributes><transpose><octave-change>9</octave-change></transpose></attributes>" + note()),
        "-60..60 semitones",
    ),
    "undeclared entity": (xml(DIVISIONS + note(), name="&a;"), "not well-formed"),
    "unknown encoding": ('<?xml version="1.0" encoding="nonsense"?>' + xml(DIVISIONS + note()), "encoding"),
    "no archive": (b"PK\x03\x04" + bytes(100), "damaged archive"),
    "archive of nothing": (pack(b"la la", container="<container/>", name="a.txt"), "without a MusicXML score"),
    "archive without its score": (pack(b"la la", name="c.xml"), "without the score"),
    "bomb": (pack(b"<score-partwise>" + bytes(30_000_000)), "30,000,016 bytes"),
    "bomb of another method": (pack(bytes(10_000_000), method=zipfile.ZIP_BZIP2), "other than deflate"),
    "truncated archive": (pack(xml(DIVISIONS + note()).encode())[:-40], "damaged archive"),
    "damaged archive": (pack(xml(DIVISIONS + note()).encode()).replace(b"a/b.xml", b"a/c.xml", 1), "damaged archive"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line_and_quick(tmp_path: Path, case: str):
    data, says = BAD[case]
    began = time.perf_counter()
    with pytest.raises(ScoreError) as caught:
        read(tmp_path, data)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - began < 5


def test_a_lying_archive_is_not_unpacked_beyond_the_limit(tmp_path: Path):
    packed = pack(b"<score-partwise>" + bytes(30_000_000))
    size = (30_000_016).to_bytes(4, "little")
    assert packed.count(size) == 2
    with pytest.raises(ScoreError):
        read(tmp_path, packed.replace(size, (1000).to_bytes(4, "little")))


def test_too_many_members(tmp_path: Path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for number in range(300):
            zipped.writestr(f"{number}.xml", "")
    with pytest.raises(ScoreError, match="more than 256 files"):
        read(tmp_path, archive.getvalue())


def test_a_document_type_that_declares_nothing_is_read(tmp_path: Path):
    plain = xml(DIVISIONS + note())
    doctypes = (
        "<!DOCTYPE score-partwise [ ]>",
        '<!DOCTYPE score-partwise PUBLIC "a" "b" [<!-- empty -->]>',
        "<!DOCTYPE score-partwise [<!ELEMENT note (#PCDATA)>]>",
    )
    for doctype in doctypes:
        assert pitches(read(tmp_path, doctype + plain)) == [60]


def test_a_grace_note_tied_to_its_main_note_is_one_stroke(tmp_path: Path):
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    grace = note("E4", first="<grace/>", more=start)
    score = read(tmp_path, xml(DIVISIONS + note("C4") + grace + note("E4", 8, more=stop)))
    assert times(score) == [(60, 0, 0.5), (64, 0.5 - GRACE_SECONDS, 1.5)]
    both = note("E4", first="<grace/>", more=stop + start)
    first = note("E4", 4, more=start)
    through = read(tmp_path, xml(DIVISIONS + first + both + note("E4", 8, more=stop)))
    assert times(through) == [(64, 0, 1.5)]


def test_a_tie_over_a_bar_that_is_shorter_than_in_other_parts(tmp_path: Path):
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    plain = xml(DIVISIONS + note("C4", more=start), note("C4", more=stop))
    second = f'<part id="P2"><measure number="1">{DIVISIONS + note("C3", 8)}</measure></part>'
    text = plain.replace("</score-partwise>", second + "</score-partwise>")
    assert times(read(tmp_path, text)) == [(48, 0, 1), (60, 0, 1.5)]


def test_a_part_with_too_many_notes_in_a_bar_delays_no_other(tmp_path: Path):
    meter = "<time><beats>2</beats><beat-type>4</beat-type></time></attributes>"
    first = DIVISIONS.replace("</attributes>", meter)
    plain = xml(first + note("C4") * 2, note("D4"))
    second = f'<part id="P2"><measure number="1">{DIVISIONS + note("C3") * 3}</measure>'
    second += f'<measure number="2">{note("D3")}</measure></part>'
    score = read(tmp_path, plain.replace("</score-partwise>", second + "</score-partwise>"))
    assert [n.onset for n in score.notes if n.pitch in (50, 62)] == [1, 1]
    alone = xml(first + note("C4") * 3, note("D4"))
    assert read(tmp_path, alone).notes[-1].onset == 1.5


@pytest.mark.parametrize("kind", ["start", "continue"])
def test_ties_written_as_tied_only_are_merged(tmp_path: Path, kind: str):
    first = note(more=notations(f'<tied type="{kind}"/>'))
    second = note(more=notations('<tied type="stop"/>'))
    assert times(read(tmp_path, xml(DIVISIONS + first, second + note()))) == [
        (60, 0, 1),
        (60, 1, 1.5),
    ]


def test_a_note_left_to_ring_is_no_tie_and_is_remarked(tmp_path: Path):
    first = note(more=notations('<tied type="let-ring"/>'))
    score = read(tmp_path, xml(DIVISIONS + first + note()))
    assert len(score) == 2
    assert score.remarks[0] == "not played out: note left to ring (1)"


@pytest.mark.parametrize(
    ("transpose", "shift"),
    [
        ("<diatonic>-1</diatonic><chromatic>-2</chromatic>", -2),
        ("<chromatic>0</chromatic><octave-change>-1</octave-change>", -12),
        ("<chromatic>3</chromatic><octave-change>1</octave-change>", 15),
    ],
)
def test_transposing_parts_sound_as_they_should(tmp_path: Path, transpose: str, shift: int):
    attributes = (
        f"<attributes><divisions>4</divisions><transpose>{transpose}</transpose></attributes>"
    )
    back = "<attributes><transpose><chromatic>0</chromatic></transpose></attributes>"
    score = read(tmp_path, xml(attributes + note(), back + note()))
    assert pitches(score) == [60 + shift, 60]
    assert f"{abs(shift)} semitones {'lower' if shift < 0 else 'higher'}" in score.remarks[0]


def test_transposition_of_one_staff(tmp_path: Path):
    attributes = TWO_STAVES.replace(
        "</attributes>", '<transpose number="2"><chromatic>-12</chromatic></transpose></attributes>'
    )
    lower = "<backup><duration>4</duration></backup>" + note(staff=2)
    assert pitches(read(tmp_path, xml(attributes + note() + lower))) == [48, 60]


def test_repeated_bars_are_played_again(tmp_path: Path):
    def style(kind: str, count: str) -> str:
        repeat = f'<measure-repeat type="{kind}">{count}</measure-repeat>'
        return f"<attributes><measure-style>{repeat}</measure-style></attributes>"

    rest = "<note><rest/><duration>4</duration></note>"
    one = xml(
        DIVISIONS + note("C4"), style("start", "1") + rest, rest, style("stop", "") + note("D4")
    )
    assert pitches(read(tmp_path, one)) == [60, 60, 60, 62]
    two = xml(DIVISIONS + note("C4"), note("D4"), style("start", "2") + rest, rest)
    assert pitches(read(tmp_path, two)) == [60, 62, 60, 62]
    written = xml(DIVISIONS + note("C4"), style("start", "1") + note("E4"))
    assert pitches(read(tmp_path, written)) == [60, 64]


def test_a_fermata_lengthens_its_note_for_all_voices(tmp_path: Path):
    held = notations("<fermata/>")
    lower = "<backup><duration>8</duration></backup>" + note("C3", 8, staff=2, more=held)
    score = read(tmp_path, xml(TWO_STAVES + note() + note("D4", more=held) + lower, note("E4")))
    assert times(score) == [(48, 0, 1.5), (60, 0, 0.5), (62, 0.5, 1.5), (64, 1.5, 2)]


def test_pedal_of_sound_attributes_and_half_pedal(tmp_path: Path):
    down, half, up = (f'<sound damper-pedal="{p}"/>' for p in ("yes", "49.5", "no"))
    score = read(
        tmp_path, xml(DIVISIONS + down + note() + half + note() + down + note() + up + note())
    )
    assert [(p.start, p.end) for p in score.pedals] == [(0, 0.5), (1, 1.5)]
    assert score.remarks[0] == "1 half pedal read as down from the middle on, else as up"


def test_offsets_move_the_sound_of_a_mark_even_to_another_bar(tmp_path: Path):
    later, earlier = ('<offset sound="yes">6</offset>', '<offset sound="yes">-4</offset>')
    unmoved = "<offset>4</offset>"
    first = DIVISIONS + direction(sound='tempo="60"', more=later) + note("C4")
    second = note("D4") + direction(sound='tempo="240"', more=unmoved) + note("E4")
    score = read(tmp_path, xml(first, second))
    assert times(score) == [(60, 0, 0.5), (62, 0.5, 1.25), (64, 1.25, 1.5)]
    moved = read(tmp_path, xml(first, second.replace(unmoved, earlier)))
    assert times(moved) == [(60, 0, 0.5), (62, 0.5, 1.125), (64, 1.125, 2.125)]


def test_notes_of_one_turn_only(tmp_path: Path):
    first = note("C4", attributes='time-only="1"')
    never = note("D4", attributes='time-only="3"')
    again = barline('<repeat direction="backward"/>')
    score = read(tmp_path, xml(DIVISIONS + first + never + note("E4") + again))
    assert pitches(score) == [60, 64, 64]
    assert "1 note of turns that are never played left out" in score.remarks


def test_several_parts_are_remarked(tmp_path: Path):
    text = (
        '<score-partwise><part-list><score-part id="A"><part-name>Voice</part-name></score-part>'
        '<score-part id="B"><part-name>Piano</part-name></score-part></part-list>'
        f'<part id="A"><measure number="1">{DIVISIONS + note("C5")}</measure></part>'
        f'<part id="B"><measure number="1">{DIVISIONS + note("C3")}</measure></part>'
        "</score-partwise>"
    )
    remarks = read(tmp_path, text).remarks
    assert remarks == ("2 parts are played together: 'Voice', 'Piano'", NO_TEMPO)


def test_written_notes_are_in_quarters_and_without_ornaments(tmp_path: Path):
    staccato = notations("<articulations><staccato/></articulations>")
    path = tmp_path / "piece.musicxml"
    text = DIVISIONS + note("C4", 6, more=staccato) + note("D4", first="<grace/>") + note("E9", 2)
    path.write_text(xml(text))
    assert written_notes(path) == [(0, 1.5, 60), (1.5, 1.5, 62), (1.5, 2, 124)]


def sensible(reading: Callable[[], Score]) -> bool:
    """Whether reading gives notes, or refuses in one line."""
    try:
        return len(reading()) > 0
    except ScoreError as error:
        return "\n" not in str(error)


@st.composite
def measures(draw: st.DrawFn) -> list[str]:
    """Random two-staff music: chords, rests, ties, uneven voices, repeats.

    The staves have different keys, for partitura mixes up ties of one pitch at one time.
    """
    written = []
    for number in range(draw(st.integers(1, 5))):
        voices = []
        for staff in (1, 2):
            voice = ""
            length = 0
            for duration in draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)):
                kind = draw(st.sampled_from(["note", "note", "rest", "chord", "tied"]))
                pitch = draw(st.sampled_from(SCALES[staff]))
                length += duration * (2 if kind == "tied" else 1)
                if kind == "rest":
                    voice += (
                        f"<note><rest/><duration>{duration}</duration><staff>{staff}</staff></note>"
                    )
                elif kind == "tied":
                    voice += note(pitch, duration, staff=staff, more='<tie type="start"/>')
                    voice += note(pitch, duration, staff=staff, more='<tie type="stop"/>')
                else:
                    voice += note(pitch, duration, staff=staff)
                    voice += (
                        note(f"A{5 - staff}", duration, staff=staff, first="<chord/>")
                        if kind == "chord"
                        else ""
                    )
            voices.append(
                voice + (f"<backup><duration>{length}</duration></backup>" if staff == 1 else "")
            )
        again = barline('<repeat direction="backward"/>') if draw(st.booleans()) else ""
        written.append((TWO_STAVES if number == 0 else "") + "".join(voices) + again)
    return written


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written=measures())
def test_partitura_reads_the_same(tmp_path: Path, written: list[str]):
    partitura = pytest.importorskip("partitura")
    text = xml(*written)
    if "<pitch>" not in text:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = partitura.score.unfold_part_maximal(
            partitura.load_musicxml(io.BytesIO(text.encode())).parts[0]
        )
        array = part.note_array()
    expected = sorted(
        (int(n["pitch"]), n["onset_quarter"] / 2, n["duration_quarter"] / 2) for n in array
    )
    found = sorted((n.pitch, n.onset, n.duration) for n in read(tmp_path, text).notes)
    assert np.allclose(expected, found, atol=1e-5)


@IN_FOLDER
@given(
    st.lists(
        st.sampled_from(
            [
                "<note>",
                "</note>",
                "<chord/>",
                "<grace/>",
                note(),
                note(first="<grace/>"),
                "<tie/>",
                DIVISIONS,
            ]
        )
        | st.sampled_from(
            [
                "<backup>",
                "</backup>",
                "<duration>3</duration>",
                "<duration>x</duration>",
                barline("<repeat/>"),
            ]
        )
        | st.text(max_size=3),
        max_size=12,
    )
)
def test_arbitrary_xml_raises_nothing_else(tmp_path: Path, pieces: list[str]):
    assert sensible(lambda: read(tmp_path, xml("".join(pieces)).encode("utf-8", "replace")))
