import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.core.errors import OutputError, ScoreError
from musclehand.music.formats.midi import GRACE_SECONDS, read_midi, write_midi
from musclehand.music.formats.midi_scan import MAX_EVENTS
from musclehand.music.score import Hand, Note, Pedal, Score

TICK = 0.25e-3
END = b"\x00\xff\x2f\x00"
IN_FOLDER = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def varlen(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def midi_file(*tracks: bytes, division: int = 480, kind: int = 1) -> bytes:
    header = b"MThd" + b"".join(
        n.to_bytes(size, "big") for n, size in ((6, 4), (kind, 2), (len(tracks), 2), (division, 2))
    )
    return header + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def note(pitch: int, ticks: int, *, wait: int = 0, velocity: int = 64, channel: int = 0) -> bytes:
    on = varlen(wait) + bytes([0x90 | channel, pitch, velocity])
    return on + varlen(ticks) + bytes([0x80 | channel, pitch, 0])


def name(text: str) -> bytes:
    return b"\x00\xff\x03" + bytes([len(text)]) + text.encode()


def events(*rows: tuple[int, int, int, int]) -> bytes:
    """A track of messages, each with its time from the beginning [ticks]."""
    body = b""
    before = 0
    for tick, *message in rows:
        body += varlen(tick - before) + bytes(message[: 2 if 0xC0 <= message[0] < 0xE0 else 3])
        before = tick
    return body + END


def read(folder: Path, data: bytes) -> Score:
    path = folder / "file.mid"
    path.write_bytes(data)
    return read_midi(path)


def as_rows(score: Score) -> list[tuple]:
    return sorted(
        (n.pitch, n.hand is None, n.hand or 0, n.onset, n.offset, n.velocity) for n in score.notes
    )


def sensible(reading: Callable[[], Score]) -> bool:
    """Whether reading gives notes, or refuses in one line."""
    try:
        return len(reading()) > 0
    except ScoreError as error:
        return "\n" not in str(error)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    seconds = st.floats(0, 60)
    notes = [
        Note(onset, pitch, onset + length, velocity, hand)
        for onset, pitch, length, velocity, hand in draw(
            st.lists(
                st.tuples(
                    seconds,
                    st.integers(21, 108) | st.integers(60, 62),
                    st.floats(1e-3, 5),
                    st.integers(1, 127),
                    st.sampled_from([Hand.LEFT, Hand.RIGHT, None]),
                ),
                min_size=1,
                max_size=30,
            )
        )
    ]
    times = sorted(draw(st.lists(seconds, max_size=8, unique_by=lambda t: round(t, 2))))
    pedals = [Pedal(a, b) for a, b in zip(times[::2], times[1::2], strict=False)]
    return Score(tuple(notes), tuple(pedals), draw(st.sampled_from(["", "Für Elise", "曲 No. 1"])))


@IN_FOLDER
@given(score=scores())
def test_round_trip_is_exact_to_one_tick(tmp_path: Path, score: Score):
    path = tmp_path / "round.mid"
    write_midi(score, path)
    back = read_midi(path)
    assert back.title == (score.title or "round")
    assert back.remarks == ()
    for before, after in zip(as_rows(score), as_rows(back), strict=True):
        assert before[:3] == after[:3]
        assert after[3:5] == pytest.approx(before[3:5], abs=TICK / 2 + 1e-9)
    expected = [(p.start, p.end) for p in score.pedals]
    assert np.allclose([(p.start, p.end) for p in back.pedals], expected, atol=TICK / 2 + 1e-9)
    assert sorted(n.velocity for n in back.notes) == sorted(n.velocity for n in score.notes)


@IN_FOLDER
@given(score=scores())
def test_pretty_midi_reads_what_is_written(tmp_path: Path, score: Score):
    path = tmp_path / "written.mid"
    write_midi(score, path)
    midi = pretty_midi.PrettyMIDI(str(path))
    written = sorted(
        (n.pitch, n.start, n.end, n.velocity) for i in midi.instruments for n in i.notes
    )
    back = sorted((n.pitch, n.onset, n.offset, n.velocity) for n in read_midi(path).notes)
    assert np.allclose(written, back)
    assert midi.get_tempo_changes()[1].tolist() == [120.0]


@IN_FOLDER
@given(
    strokes=st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 200), st.integers(58, 62), st.integers(0, 1)),
        min_size=1,
        max_size=30,
    ),
    tempos=st.lists(st.tuples(st.integers(1, 500), st.integers(100_000, 1_000_000)), max_size=5),
)
def test_tempo_changes_are_read_as_pretty_midi_does(tmp_path: Path, strokes: list, tempos: list):
    """Keys that are not struck while they are down; the readers differ in others."""
    conductor = (
        b"".join(varlen(t) + b"\xff\x51\x03" + tempo.to_bytes(3, "big") for t, tempo in tempos)
        + END
    )
    free_from: dict[tuple[int, int], int] = {}
    rows = []
    for start, length, pitch, channel in sorted(strokes):
        begin = max(start, free_from.get((pitch, channel), 0))
        free_from[(pitch, channel)] = begin + length + 1
        rows += [(begin, 0x90 + channel, pitch, 70), (begin + length, 0x80 + channel, pitch, 0)]
    data = midi_file(conductor, events(*sorted(rows)))
    (tmp_path / "oracle.mid").write_bytes(data)
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "oracle.mid"))
    expected = sorted(
        (n.pitch, n.start, n.end, n.velocity) for i in midi.instruments for n in i.notes
    )
    notes_read = sorted(
        (n.pitch, n.onset, n.offset, n.velocity) for n in read(tmp_path, data).notes
    )
    assert np.allclose(notes_read, expected)


@IN_FOLDER
@given(
    strokes=st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 300)), min_size=1, max_size=12, unique=True
    )
)
def test_overlapping_strokes_keep_their_length(tmp_path: Path, strokes: list):
    """Of strokes of one key, the first to begin is the first to end."""
    starts = sorted({start for start, _ in strokes})
    ends = sorted({start + length for start, length in strokes})[-len(starts) :]
    starts = starts[: len(ends)]
    pairs = [(a, b) for a, b in zip(starts, ends, strict=True) if a < b]
    rows = [(a, 0x90, 60, 70) for a, _ in pairs] + [(b, 0x80, 60, 0) for _, b in pairs]
    rows.sort(key=lambda row: (row[0], -row[1]))
    if not pairs:
        return
    score = read(tmp_path, midi_file(events(*rows), division=500))
    assert [(n.onset, n.offset) for n in score.notes] == [
        (pytest.approx(a / 1000), pytest.approx(b / 1000)) for a, b in pairs
    ]


def test_a_lost_note_off_spoils_no_later_note(tmp_path: Path):
    on, off = (0x90, 60, 70), (0x80, 60, 0)
    later = [row for i in range(3) for row in ((500 + 100 * i, *on), (550 + 100 * i, *off))]
    score = read(
        tmp_path, midi_file(events((0, *on), (100, *on), (200, *off), *later), division=500)
    )
    expected = [(0, 0.2), (0.1, 0.2), (0.5, 0.55), (0.6, 0.65), (0.7, 0.75)]
    assert np.allclose(score.intervals, expected)


@pytest.mark.parametrize("controller", [120, 123, 124, 126, 127])
def test_controllers_that_end_all_notes(tmp_path: Path, controller: int):
    body = events(
        (0, 0x90, 60, 70), (0, 0x91, 64, 70), (480, 0xB0, controller, 0), (960, 0x81, 64, 0)
    )
    score = read(tmp_path, midi_file(body))
    assert [(n.pitch, n.offset) for n in score.notes] == [(60, 0.5), (64, 1)]
    assert score.remarks == ()


def test_reset_of_all_controllers_releases_the_pedal(tmp_path: Path):
    body = events((0, 0xB0, 64, 127), (0, 0x90, 60, 70), (480, 0xB0, 121, 0), (960, 0x80, 60, 0))
    assert read(tmp_path, midi_file(body)).pedals == (Pedal(0, 0.5),)


def test_notes_without_length_are_struck_just_before_their_beat(tmp_path: Path):
    on, off = 0x90, 0x80
    graces = [(480, on, 74, 60), (480, off, 74, 0), (480, on, 72, 60), (480, off, 72, 0)]
    score = read(tmp_path, midi_file(events(*graces, (480, on, 71, 80), (960, off, 71, 0))))
    assert [(n.pitch, n.onset, n.offset) for n in score.notes] == [
        (74, pytest.approx(0.5 - 2 * GRACE_SECONDS), pytest.approx(0.5 - GRACE_SECONDS)),
        (72, pytest.approx(0.5 - GRACE_SECONDS), 0.5),
        (71, 0.5, 1),
    ]
    assert score.remarks == ("2 notes without length struck for 40 ms before the beat",)
    same = read(
        tmp_path,
        midi_file(events((0, on, 60, 60), (0, off, 60, 0), (0, on, 60, 80), (480, off, 60, 0))),
    )
    assert [(n.pitch, n.onset, n.offset) for n in same.notes] == [(60, 0, 0.5)]
    assert same.remarks == ("1 note without length on a longer one left out",)


def test_a_longer_header_is_read(tmp_path: Path):
    data = midi_file(note(60, 480) + END)
    longer = b"MThd" + (9).to_bytes(4, "big") + data[8:14] + b"\x00\xff\x00" + data[14:]
    assert read(tmp_path, longer).notes == read(tmp_path, data).notes


def test_accompaniment_of_named_hands_is_left_out(tmp_path: Path):
    right, left = name("Solo-Right") + note(72, 96) + END, name("Solo-Left") + note(48, 96) + END
    strings = name("Strings") + b"\x00\xc2\x30" + note(60, 96, channel=2) * 3 + END
    score = read(tmp_path, midi_file(right, left, strings))
    assert [(n.pitch, n.hand) for n in score.notes] == [(48, Hand.LEFT), (72, Hand.RIGHT)]
    assert score.remarks == (
        "3 notes of accompaniment left out, as tracks name the hands: 'Strings' (ensemble)",
    )
    unnamed = read(tmp_path, midi_file(right, left, note(60, 96) + END))
    assert [n.pitch for n in unnamed.notes] == [48, 60, 72]
    one_hand = read(tmp_path, midi_file(left, name("Melody") + note(72, 96) + END))
    assert [(n.pitch, n.hand) for n in one_hand.notes] == [(48, Hand.LEFT), (72, None)]


def test_other_instruments_are_remarked(tmp_path: Path):
    violin = name("Violin") + b"\x00\xc1\x28" + note(72, 96, channel=1) + END
    score = read(tmp_path, midi_file(name("Piano") + note(48, 96) + END, violin))
    assert len(score) == 2
    assert score.remarks == (
        "1 note of instruments that are not a piano played as well: 'Violin' (strings)",
    )


def test_tempo_changes_in_any_track_add_up(tmp_path: Path):
    slow_down = varlen(480) + b"\xff\x51\x03" + (1_000_000).to_bytes(3, "big") + END
    score = read(tmp_path, midi_file(END, note(60, 480) + note(62, 480) + END, slow_down))
    assert [(n.onset, n.offset) for n in score.notes] == [(0.0, 0.5), (0.5, 1.5)]


def test_pedal_is_down_from_64_on(tmp_path: Path):
    pedal = b"".join(varlen(480) + bytes([0xB0, 64, value]) for value in (63, 64, 127, 63, 100))
    score = read(tmp_path, midi_file(note(60, 240) + pedal + note(60, 480) + END))
    assert [(p.start, p.end) for p in score.pedals] == [(1.25, 2.25), (2.75, 3.25)]
    assert score.remarks == ("half pedals are read as down from 64 of 127 on, else as up",)
    plain = b"".join(varlen(480) + bytes([0xB0, 64, value]) for value in (0, 127, 5))
    assert read(tmp_path, midi_file(plain + note(60, 480) + END)).remarks == ()


def test_what_is_left_out_is_remarked(tmp_path: Path):
    body = (
        note(40, 96, channel=9)
        + note(5, 96)
        + note(120, 96)
        + note(60, 0)
        + note(64, 96)
        + b"\x00\x90\x48\x40\x60\x90\x49\x00"
    )
    score = read(tmp_path, midi_file(body + END))
    assert [n.pitch for n in score.notes] == [60, 64, 72]
    assert score.notes[2].duration == pytest.approx(0.1)
    assert score.remarks == (
        "1 note on the drum channel left out",
        "2 notes off the 88 keys left out",
        "1 note without length struck for 40 ms before the beat",
        "1 note never released; ended with the track",
    )


@pytest.mark.parametrize(
    ("first", "second", "hands"),
    [
        ("Right Hand", "Left Hand", [Hand.RIGHT, Hand.LEFT]),
        ("Piano LH", "Piano RH", [Hand.LEFT, Hand.RIGHT]),
        ("", "", [Hand.RIGHT, Hand.LEFT]),
        ("rechte Hand", "linke Hand", [Hand.RIGHT, Hand.LEFT]),
    ],
)
def test_hands_from_track_names_else_from_pitch(
    tmp_path: Path, first: str, second: str, hands: list
):
    data = midi_file(
        END, name(first) + note(72, 96) + END, name(second) + note(48, 96, wait=96) + END
    )
    assert [n.hand for n in read(tmp_path, data).notes] == hands


def test_no_hands_for_one_line_three_lines_or_equal_pitch(tmp_path: Path):
    line = note(72, 96) + END
    low = note(40, 96) + END
    near = note(70, 96) + END
    for tracks in ([line], [line, near], [line, low, low]):
        assert {n.hand for n in read(tmp_path, midi_file(*tracks)).notes} == {None}


def test_channels_of_one_track_are_two_lines(tmp_path: Path):
    data = midi_file(note(72, 96) + note(40, 96, channel=1) + END, kind=0)
    assert [n.hand for n in read(tmp_path, data).notes] == [Hand.RIGHT, Hand.LEFT]


BAD = {
    "not MIDI": (b"hello, this is no music", "not a MIDI file"),
    "header only": (b"MThd", "truncated"),
    "gigabyte header": (b"MThd\xff\xff\xff\xff" + bytes(20), "must be 6"),
    "format 3": (midi_file(END, kind=3), "format 3"),
    "no tracks": (midi_file(), "0 tracks"),
    "division zero": (midi_file(note(60, 96) + END, division=0), "0 ticks per quarter"),
    "SMPTE": (midi_file(note(60, 96) + END, division=0xE728), "SMPTE"),
    "tempo zero": (midi_file(b"\x00\xff\x51\x03\x00\x00\x00" + note(60, 96) + END), "tempo of 0"),
    "truncated": (midi_file(note(60, 96) * 50 + END)[:-60], "truncated"),
    "missing track": (midi_file(END, note(60, 96) + END)[:26], "truncated"),
    "event past the end": (midi_file(b"\x00\x90\x40"), "past the end"),
    "endless number": (midi_file(b"\xff" * 300_000 + END), "more than 4 bytes"),
    "no notes": (midi_file(END), "has no notes"),
    "drums only": (midi_file(note(40, 96, channel=9) + END), "drum"),
    "off the keyboard": (midi_file(note(5, 96) + END), "88 keys"),
    "header beyond the file": (b"MThd" + (20).to_bytes(4, "big") + bytes(16), "must be 6 or more"),
    "short header": (b"MThd" + (5).to_bytes(4, "big") + bytes(16), "must be 6 or more"),
    "late note": (midi_file(note(60, 96, wait=9_999_990) + END), "nothing is struck"),
    "slow motion": (
        midi_file(b"\x00\xff\x51\x03\xff\xff\xff" + note(60, 1000) * 2 + END, division=1),
        "limit",
    ),
    "million notes": (
        midi_file(b"\x01\x90\x40\x40\x01\x40\x00" * 1_000_000 + END),
        "more than 100,000 notes",
    ),
    "million events": (
        midi_file(note(60, 96) + b"\x00\xa0\x40\x40" * 1_000_000 + END),
        f"{MAX_EVENTS:,}",
    ),
    "data byte": (midi_file(b"\x00\x90\x80\x40" + END), "above 127"),
    "stray data": (midi_file(b"\x00\x40\x40" + END), "damaged"),
    "system byte": (midi_file(b"\x00\xf4\x40" + END), "0xF4"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line_and_quick(tmp_path: Path, case: str):
    data, says = BAD[case]
    began = time.perf_counter()
    with pytest.raises(ScoreError) as caught:
        read(tmp_path, data)
    assert says in str(caught.value)
    assert "file.mid" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - began < 5


@IN_FOLDER
@given(data=st.binary(max_size=200), dressed=st.booleans())
def test_arbitrary_bytes_raise_nothing_else(tmp_path: Path, data: bytes, dressed: bool):
    assert sensible(lambda: read(tmp_path, midi_file(data) if dressed else data))


def test_every_truncation_is_an_error(tmp_path: Path):
    path = tmp_path / "whole.mid"
    write_midi(Score(tuple(Note(i, 60 + i, i + 1) for i in range(4)), (Pedal(0, 1),)), path)
    data = path.read_bytes()
    for length in range(1, len(data)):
        with pytest.raises(ScoreError):
            read(tmp_path, data[:length])


def test_bad_key_signature_and_unknown_chunk_do_not_matter(tmp_path: Path):
    data = midi_file(b"\x00\xff\x59\x02\x40\x07" + note(60, 96) + END)
    assert len(read(tmp_path, data[:14] + b"XFIH\x00\x00\x00\x01z" + data[14:])) == 1


def test_ten_thousand_notes_are_quick(tmp_path: Path):
    began = time.perf_counter()
    assert len(read(tmp_path, midi_file(note(60, 96) * 10_000 + END))) == 10_000
    assert time.perf_counter() - began < 2


def test_long_scores_stay_readable_elsewhere(tmp_path: Path):
    score = Score(tuple(Note(300.0 * i, 60, 300.0 * i + 1) for i in range(40)))
    write_midi(score, tmp_path / "long.mid")
    assert np.allclose(read_midi(tmp_path / "long.mid").intervals, score.intervals, atol=2e-3)
    assert pretty_midi.PrettyMIDI(str(tmp_path / "long.mid")).get_end_time() == pytest.approx(
        score.duration, abs=2e-3
    )


def test_writing_fails_cleanly(tmp_path: Path):
    score = Score((Note(0, 60, 1),))
    with pytest.raises(OutputError, match="missing"):
        write_midi(score, tmp_path / "missing" / "a.mid")
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(OutputError):
        write_midi(score, tmp_path / "folder.mid")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.mid"]
