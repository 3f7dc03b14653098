"""Fingering against standard fingerings, symmetry, and what hands can do at all."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.generate.exercises import arpeggio
from musclehand.music.pitch import is_black, parse_pitch
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.cost import IMPOSSIBLE, cost_tables, span_limits
from musclehand.planning.fingering.keyboard_map import (
    MAX_STEPS,
    MIRROR_PITCH,
    WHITE_KEY_PITCH,
    chord_slices,
    finger_offset,
    half_keys,
    hand_centre,
    outward,
)
from musclehand.planning.fingering.match import match_rates, pool

R = Hand.RIGHT
L = Hand.LEFT
TOLERANCE = FingeringConfig().overlap_tolerance
HOLDS = FingeringConfig(release_early=True)


def line(text: str, hand: Hand, *, step: float = 0.3) -> Score:
    """'C4:1 C4+E4+G4:135': names and fingers, one beat each."""
    notes = []
    for beat, token in enumerate(text.split()):
        names, fingers = token.split(":")
        for name, finger in zip(names.split("+"), fingers, strict=True):
            notes.append(
                Note(
                    beat * step, parse_pitch(name), (beat + 1) * step, 80, hand, Finger(int(finger))
                )
            )
    return Score(tuple(notes))


def run(tonic: str, fingers: str, hand: Hand, *, degrees: tuple[int, ...]) -> Score:
    """A scale or arpeggio up and down again in the given fingers."""
    size = len(fingers)
    pitches = [
        parse_pitch(tonic) + 12 * (i // len(degrees)) + degrees[i % len(degrees)]
        for i in range(size)
    ]
    path = [*range(size), *range(size - 2, -1, -1)]
    return Score(
        tuple(
            Note(0.2 * beat, pitches[i], 0.2 * beat + 0.2, 80, hand, Finger(int(fingers[i])))
            for beat, i in enumerate(path)
        )
    )


MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 11)
TRIAD = (0, 4, 7)
TWO_RIGHT = "123123412312345"
TWO_LEFT = "543213214321321"

# Fingerings that every method prints: scales and arpeggios as in Cooke (1913), "Mastering the
# Scales and Arpeggios", Presser; five-finger patterns, Alberti bass and the first figure of Hanon's
# "The Virtuoso Pianist" (1873).
BOOK = {
    "C major, one octave, right": run("C4", "12312345", R, degrees=MAJOR),
    "C major, one octave, left": run("C3", "54321321", L, degrees=MAJOR),
    "C major, right": run("C4", TWO_RIGHT, R, degrees=MAJOR),
    "C major, left": run("C3", TWO_LEFT, L, degrees=MAJOR),
    "G major, right": run("G3", TWO_RIGHT, R, degrees=MAJOR),
    "G major, left": run("G2", TWO_LEFT, L, degrees=MAJOR),
    "D major, one octave, right": run("D4", "12312345", R, degrees=MAJOR),
    "D major, one octave, left": run("D3", "54321321", L, degrees=MAJOR),
    "D major, right": run("D4", TWO_RIGHT, R, degrees=MAJOR),
    "D major, left": run("D3", TWO_LEFT, L, degrees=MAJOR),
    "A major, right": run("A3", TWO_RIGHT, R, degrees=MAJOR),
    "A major, left": run("A2", TWO_LEFT, L, degrees=MAJOR),
    "E major, right": run("E4", TWO_RIGHT, R, degrees=MAJOR),
    "E major, left": run("E3", TWO_LEFT, L, degrees=MAJOR),
    "B major, right": run("B3", TWO_RIGHT, R, degrees=MAJOR),
    "B major, left": run("B2", "432143213214321", L, degrees=MAJOR),
    "F major, right": run("F4", "123412312341234", R, degrees=MAJOR),
    "F major, left": run("F3", TWO_LEFT, L, degrees=MAJOR),
    "A minor, right": run("A3", TWO_RIGHT, R, degrees=MINOR),
    "A minor, left": run("A2", TWO_LEFT, L, degrees=MINOR),
    "C arpeggio, right": run("C4", "1231235", R, degrees=TRIAD),
    "C arpeggio, left": run("C3", "5421421", L, degrees=TRIAD),
    "five fingers, right": line(
        "C4:1 D4:2 E4:3 F4:4 G4:5 F4:4 E4:3 D4:2 C4:1 E4:3 G4:5 E4:3 C4:1", R
    ),
    "five fingers, left": line(
        "C3:5 D3:4 E3:3 F3:2 G3:1 F3:2 E3:3 D3:4 C3:5 E3:3 G3:1 E3:3 C3:5", L
    ),
    "five fingers on D": line("D4:1 E4:2 F#4:3 G4:4 A4:5 G4:4 F#4:3 E4:2 D4:1", R),
    "Hanon 1": line(
        "C4:1 E4:2 F4:3 G4:4 A4:5 G4:4 F4:3 E4:2 D4:1 F4:2 G4:3 A4:4 B4:5 A4:4 G4:3 F4:2",
        R,
        step=0.15,
    ),
    "Alberti bass": line(
        "C3:5 G3:1 E3:3 G3:1 C3:5 G3:1 E3:3 G3:1 B2:5 G3:1 D3:3 G3:1 C3:5 G3:1 E3:3 G3:1", L
    ),
    "triads, right": line(
        "C4+E4+G4:135 C4+F4+A4:135 B3+D4+G4:125 C4+E4+G4:135 G4+C5+E5:135", R, step=0.6
    ),
    "triads, left": line(
        "C3+E3+G3:531 C3+F3+A3:521 B2+D3+G3:531 C3+E3+G3:531 G3+C4+E4:521", L, step=0.6
    ),
    "octaves": line("C4+C5:15 D4+D5:15 E4+E5:15 C4+C5:15", R, step=0.5),
}
EXACT = [
    "C major, one octave, right",
    "C major, one octave, left",
    "D major, one octave, right",
    "D major, one octave, left",
    "five fingers, right",
    "five fingers, left",
    "five fingers on D",
    "Hanon 1",
    "Alberti bass",
    "octaves",
]


def without_fingers(score: Score, *, hands: bool = True) -> Score:
    return score.with_notes(
        replace(n, finger=None, hand=n.hand if hands else None) for n in score.notes
    )


def identity(note: Note) -> tuple[float, int, float, int]:
    return note.onset, note.pitch, note.offset, note.velocity


def remarked(score: Score, reason: str) -> int:
    return sum(
        int(remark.split()[0].replace(",", "")) for remark in score.remarks if reason in remark
    )


def clashes(score: Score) -> list[tuple[Note, Note]]:
    """Pairs of notes with one finger on two keys at overlapping times."""
    pairs = []
    for i, first in enumerate(score.notes):
        for second in score.notes[i + 1 :]:
            same = (first.hand, first.finger) == (
                second.hand,
                second.finger,
            ) and first.pitch != second.pitch
            if (
                same
                and min(first.offset, second.offset) - max(first.onset, second.onset)
                > TOLERANCE + 1e-9
            ):
                pairs.append((first, second))
    return pairs


@pytest.mark.parametrize("name", EXACT)
def test_book_fingering_is_found(name: str) -> None:
    played = assign_fingering(without_fingers(BOOK[name]))
    assert [int(n.finger) for n in played.notes] == [int(n.finger) for n in BOOK[name].notes]


def test_agreement_with_books_and_repertoire() -> None:
    rates = {
        name: match_rates(assign_fingering(without_fingers(s)), [s]).general
        for name, s in BOOK.items()
    }
    assert np.mean(list(rates.values())) >= 0.85
    typed = [load_piece(piece.name) for piece in list_pieces()]
    rates = pool(match_rates(assign_fingering(without_fingers(s)), [s]) for s in typed)
    assert rates.notes > 1000
    assert rates.general >= 0.75


@pytest.mark.parametrize("name", [name for name in BOOK if "major" in name or "minor" in name])
def test_scales_pass_the_thumb_no_more_often_than_the_book(name: str) -> None:
    def passes(score: Score) -> int:
        pairs = zip(score.notes, score.notes[1:], strict=False)
        return sum(
            (b.pitch - a.pitch) * (b.finger - a.finger) * outward(a.hand) < 0 for a, b in pairs
        )

    played = assign_fingering(without_fingers(BOOK[name]))
    assert passes(played) <= passes(BOOK[name])
    assert not any(is_black(n.pitch) and n.finger == Finger.THUMB for n in played.notes)


@pytest.mark.parametrize("tonic", ["C4", "D4", "E4", "G4", "A4", "C5"])
def test_arpeggios_pass_the_thumb_where_the_book_does(tonic: str) -> None:
    for mode in ("major", "minor"):
        book = arpeggio(tonic, mode)
        played = assign_fingering(without_fingers(book))
        assert [n.finger == 1 for n in played.notes] == [n.finger == 1 for n in book.notes]


def test_hands_written_crossed_stay_crossed() -> None:
    bass = [
        Note(0.5 * k, p, 0.5 * k + 0.5, 80, R)
        for k, p in enumerate((60, 64, 67, 64, 60, 64, 67, 64))
    ]
    over = [Note(1.0 + k, 79 - k, 1.4 + k, 90, L) for k in range(3)]
    played = assign_fingering(Score((*bass, *over)), config=HOLDS)
    assert [n.hand for n in played.notes] == [n.hand for n in Score((*bass, *over)).notes]
    assert played.remarks == ()
    alone = assign_fingering(Score(tuple(bass)), config=HOLDS)
    assert [n.finger for n in played.notes if n.hand == R] == [n.finger for n in alone.notes]


def test_a_finger_is_not_changed_needlessly_two_notes_apart() -> None:
    turning = line("C4:1 G4:5 D4:2 G4:5 E4:3 G4:5 F4:4 G4:5", R, step=0.2)
    played = assign_fingering(without_fingers(turning))
    assert len({n.finger for n in played.notes if n.pitch == 67}) == 1
    thumbs = {n.pitch for n in played.notes if n.finger == Finger.THUMB}
    assert len(thumbs) == 1


note_times = st.tuples(st.integers(0, 120), st.integers(1, 60))


@st.composite
def scores(
    draw: st.DrawFn, *, hands: bool | None = None, fingers: bool = False, spread: int = 82
) -> Score:
    """Up to 25 notes on a grid of 25 ms, near each other or anywhere; hands and fingers now and
    then."""
    lowest = draw(st.integers(21, 103 - spread))
    notes = []
    for _ in range(draw(st.integers(0, 25))):
        start, length = draw(note_times)
        has_hand = draw(st.booleans()) if hands is None else hands
        hand = draw(st.sampled_from(Hand)) if has_hand else None
        finger = draw(st.none() | st.sampled_from(Finger)) if fingers and hand is not None else None
        pitch = draw(st.integers(lowest, lowest + spread))
        notes.append(
            Note(
                0.025 * start,
                pitch,
                0.025 * (start + length),
                draw(st.integers(1, 127)),
                hand,
                finger,
            )
        )
    return Score(tuple(notes), remarks=("from the reader",))


@settings(max_examples=100, deadline=None)
@given(scores(fingers=True) | scores(fingers=True, spread=14))
def test_every_note_is_fingered_or_remarked_and_nothing_else_changes(score: Score) -> None:
    played = assign_fingering(score)
    assert all(n.hand is not None and n.finger is not None for n in played.notes)
    assert len(score) - len(played) == remarked(played, "left out")
    left = [identity(n) for n in score.notes]
    for note in played.notes:
        left.remove(identity(note))
    assert played.remarks[0] == "from the reader"
    assert clashes(played) == []


@settings(max_examples=60, deadline=None)
@given(scores(fingers=True, spread=20))
def test_letting_go_early_shortens_and_loses_less(score: Score) -> None:
    played = assign_fingering(score, config=HOLDS)
    ends = {}
    for note in score.notes:
        ends.setdefault((note.onset, note.pitch, note.velocity), []).append(note.offset)
    assert all(
        any(n.offset <= end for end in ends[n.onset, n.pitch, n.velocity]) for n in played.notes
    )
    originals = {identity(n) for n in score.notes}
    assert sum(identity(n) not in originals for n in played.notes) <= remarked(
        played, "released early"
    )
    assert all(n.duration >= min(0.025, TOLERANCE) for n in played.notes)
    assert clashes(played) == []


@settings(max_examples=60, deadline=None)
@given(scores(hands=True, fingers=True, spread=30))
def test_given_fingers_are_kept(score: Score) -> None:
    played = assign_fingering(score)
    wanted_fingers = {}
    for note in score.notes:
        wanted_fingers.setdefault(identity(note), []).append((note.hand, note.finger))
    changed = sum(
        all(
            finger is not None and (hand, finger) != (n.hand, n.finger)
            for hand, finger in wanted_fingers[identity(n)]
        )
        for n in played.notes
    )
    assert changed <= remarked(played, "contradict")


@settings(max_examples=60, deadline=None)
@given(scores(hands=True) | scores(hands=True, spread=20))
def test_mirrored_keyboard_gives_mirrored_fingering(score: Score) -> None:
    def mirror(played: Score) -> Score:
        return played.with_notes(
            replace(n, pitch=2 * MIRROR_PITCH - n.pitch, hand=Hand(1 - n.hand))
            for n in played.notes
        )

    distinct = {(n.onset, n.pitch, n.hand): n for n in score.notes}
    score = score.with_notes(distinct.values())
    mirrored = mirror(assign_fingering(score))
    direct = assign_fingering(mirror(score))
    assert sorted(mirrored.notes) == sorted(direct.notes)


def test_contradicting_fingers_are_chosen_anew() -> None:
    chord = line("C4+E4+G4:115", R)
    played = assign_fingering(chord)
    assert [int(n.finger) for n in played.notes][::2] == [1, 5]
    assert played.notes[1].finger in (2, 3, 4)
    assert "contradict" in played.remarks[0]
    assert "E4 at 0.000 s" in played.remarks[0]


def test_crossed_chord_of_a_person_is_kept() -> None:
    chord = line("C4+E4+G4:215", R)
    assert [int(n.finger) for n in assign_fingering(chord).notes] == [2, 1, 5]


def test_a_free_note_avoids_the_finger_a_person_needs_later() -> None:
    free = Note(0.0, 60, 2.0, 80, R)
    assert (
        assign_fingering(Score((free, Note(1.0, 62, 1.5, 80, R)))).notes[0].finger == Finger.INDEX
    )
    played = assign_fingering(Score((free, Note(1.0, 62, 1.5, 80, R, Finger.INDEX))))
    assert [n.finger for n in played.notes] == [Finger.THUMB, Finger.INDEX]
    assert clashes(played) == []


def test_span_no_hand_has_is_thinned_or_shared() -> None:
    tenth = Score((Note(0, 48, 1, 80, L), Note(0, 64, 1, 80, L)))
    shared = assign_fingering(tenth)
    assert {n.hand for n in shared.notes} == {L, R}
    assert "given to the other hand" in shared.remarks[0]
    insisted = tenth.with_notes(
        (
            replace(tenth.notes[0], finger=Finger.LITTLE),
            replace(tenth.notes[1], finger=Finger.THUMB),
        )
    )
    thinned = assign_fingering(insisted)
    assert [n.pitch for n in thinned.notes] == [48]
    assert "E4 at 0.000 s" in thinned.remarks[0]


def test_more_keys_than_fingers_keep_the_outer_voices() -> None:
    cluster = Score(tuple(Note(0, p, 1) for p in range(50, 74)))
    played = assign_fingering(cluster)
    assert 2 <= len(played) <= 10
    assert played.notes[0].pitch == 50
    assert played.notes[-1].pitch == 73
    assert remarked(played, "left out") == 24 - len(played)


def test_a_held_key_keeps_its_finger_and_the_hand() -> None:
    held = Score(
        (
            Note(0, 48, 4, 80, L),
            *(Note(0.5 * k, p, 0.5 * k + 0.5, 80, L) for k, p in enumerate((55, 52) * 4)),
        )
    )
    played = assign_fingering(held)
    assert len(played) == 9
    bass = next(n for n in played.notes if n.pitch == 48)
    assert all(n.finger != bass.finger for n in played.notes if n is not bass)


def test_pedalled_notes_are_let_go_when_the_hand_leaves() -> None:
    notes = tuple(Note(0.4 * k, p, 3.0, 80, L) for k, p in enumerate((36, 48, 60, 43)))
    assert len(assign_fingering(Score(notes), config=HOLDS)) == 4
    played = assign_fingering(Score(notes), config=HOLDS)
    assert remarked(played, "released early") >= 1
    assert clashes(played) == []


def test_time_is_linear() -> None:
    rng = np.random.default_rng(0)
    notes = []
    at = 0.0
    centre = [48, 67]
    while len(notes) < 1600:
        at += float(rng.choice([0.1, 0.15, 0.25]))
        for hand in Hand:
            centre[hand] = int(
                np.clip(centre[hand] + rng.integers(-4, 5), 30 + 20 * hand, 70 + 20 * hand)
            )
            for k in range(int(rng.integers(0, 3))):
                notes.append(Note(at, centre[hand] + 4 * k, at + float(rng.uniform(0.1, 0.4))))
    score = Score(tuple(notes))
    begin = time.process_time()
    assign_fingering(score.clip(0, score.duration / 4))
    quarter = time.process_time() - begin
    begin = time.process_time()
    played = assign_fingering(score, config=HOLDS)
    full_time = time.process_time() - begin
    assert len(played) > 0.95 * len(score)
    assert full_time < 8 * quarter + 1.0


def test_empty_score() -> None:
    assert assign_fingering(Score(())).notes == ()


def test_keyboard_map_is_the_pianos() -> None:
    x = keyboard_geometry(load_piano_parameters()).x
    places = np.array([half_keys(p) for p in range(21, 109)])
    geometry = keyboard_geometry(replace(load_piano_parameters(), black_spread=0.0))
    assert np.allclose(np.diff(places) * WHITE_KEY_PITCH / 2, np.diff(geometry.x))
    assert np.allclose(geometry.x, x, atol=0.15 * WHITE_KEY_PITCH)
    assert all(half_keys(2 * MIRROR_PITCH - p) == -half_keys(p) for p in range(21, 104))
    assert all(half_keys(p) % 2 == is_black(p) for p in range(21, 109))
    with pytest.raises(InvalidValue, match="pitch"):
        half_keys(109)


def test_fingers_lie_one_white_key_apart() -> None:
    right = [finger_offset(R, f) for f in Finger]
    assert np.allclose(np.diff(right), WHITE_KEY_PITCH)
    assert right == [-finger_offset(L, f) for f in Finger]
    assert hand_centre(0.1, R, Finger.THUMB) == pytest.approx(0.1 + 2 * WHITE_KEY_PITCH)


def test_chord_slices_cover_all_notes_once() -> None:
    slices = chord_slices(np.array([0.0, 0.01, 0.03, 0.05, 0.5]), 0.03)
    assert [s.tolist() for s in slices] == [[0, 1, 2], [3], [4]]


def test_span_tables() -> None:
    tables = cost_tables(FingeringConfig())
    assert np.allclose(span_limits(1, 5, FingeringConfig())[5], 8.0)
    white, black = 0, 3
    # A ninth on white keys is the limit of the hand, and a tenth beyond it.
    assert tables.chord[white, 1, 5, MAX_STEPS + 16] < IMPOSSIBLE
    assert tables.chord[white, 1, 5, MAX_STEPS + 18] == IMPOSSIBLE
    assert tables.chord[black, 1, 5, MAX_STEPS + 14] < tables.chord[black, 1, 4, MAX_STEPS + 14]
    assert (tables.chord[:, 3, 3, MAX_STEPS] == IMPOSSIBLE).all()
    assert (tables.hold[:, 3, 1, MAX_STEPS + 2] < IMPOSSIBLE).any()
    assert (tables.hold[:, 4, 3, MAX_STEPS + 2] == IMPOSSIBLE).all()
    mirrored = tables.melodic[0].transpose(1, 0, 2)[:, :, ::-1]
    assert np.allclose(tables.melodic[0], mirrored)
    assert np.allclose(tables.melodic[:, 0], 0.0)


def test_what_one_hand_spans_follows_its_size() -> None:
    """The little finger of a hand of 80 % ends a key short of the octave, and a hand of 120 %
    plays a tenth."""
    octave = Score((Note(0, 60, 1, 80, R), Note(0, 72, 1, 80, R)), title="octave")
    tenth = Score((Note(0, 60, 1, 80, R), Note(0, 76, 1, 80, R)), title="tenth")
    for score, least in ((octave, 1.0), (tenth, 1.2)):
        for size in (0.8, 1.0, 1.2):
            played = assign_fingering(score, config=FingeringConfig(hand_size=size))
            together = [int(n.finger or 0) for n in played.notes if n.hand is R] == [1, 5]
            assert together == (size >= least), (score.title, size)
    for pair in ((1, 2), (2, 5), (1, 5)):
        small, usual = (span_limits(*pair, FingeringConfig(hand_size=s)) for s in (0.8, 1.0))
        assert small[3:] == pytest.approx(0.8 * usual[3:], rel=0.15)
    with pytest.raises(InvalidValue, match="hand_size"):
        FingeringConfig(hand_size=0.0)


def test_without_knowledge_evidence_changes_nothing() -> None:
    for piece in ("fuer_elise", "minuet_in_g"):
        score = load_piece(piece)
        bare = score.with_notes(replace(n, hand=None, finger=None) for n in score.notes)
        plain = assign_fingering(bare, config=HOLDS)
        for evidence in (np.full((len(bare), 2, 5), np.nan), np.full((len(bare), 2, 5), 3.0)):
            assert assign_fingering(bare, config=HOLDS, evidence=evidence) == plain


def test_strong_evidence_decides_hands_and_fingers() -> None:
    score = Score(tuple(Note(0.4 * i, 60 + i, 0.4 * i + 0.3) for i in range(8)))
    truth = [(i % 2, (2 * i) % 5) for i in range(8)]
    evidence = np.full((8, 2, 5), 300.0)
    for i, (hand, finger) in enumerate(truth):
        evidence[i, hand, finger] = 0.0
    played = assign_fingering(score, config=HOLDS, evidence=evidence)
    assert [(int(n.hand or 0), int(n.finger or 0) - 1) for n in played.notes] == truth


def test_evidence_lets_hands_cross_within_a_chord() -> None:
    chord = Score((Note(0, 60, 1), Note(0, 64, 1), Note(0, 67, 1)))
    evidence = np.full((3, 2, 5), 300.0)
    evidence[0, 1, 0] = evidence[1, 0, 1] = evidence[2, 1, 4] = 0.0
    played = assign_fingering(chord, evidence=evidence)
    assert [n.hand for n in played.notes] == [R, L, R]
    assert [int(n.finger or 0) for n in played.notes] == [1, 2, 5]


def test_evidence_follows_its_notes_when_chords_are_rolled() -> None:
    wide = Score((Note(0.0, 48, 1), Note(0.5, 60, 2), Note(0.5, 67, 2), Note(0.5, 77, 2)))
    evidence = np.zeros((4, 2, 5))
    evidence[1:, 0] = 300.0
    evidence[0, 1] = 300.0
    played = assign_fingering(wide, config=FingeringConfig(roll_chords=True), evidence=evidence)
    assert {n.pitch: n.hand for n in played.notes}[48] is L
    assert all(n.hand is R for n in played.notes if n.pitch > 48)


def test_the_finger_of_the_score_goes_before_evidence() -> None:
    evidence = np.full((1, 2, 5), 50.0)
    evidence[0, 1, 4] = 0.0
    played = assign_fingering(Score((Note(0, 60, 1, 80, R, Finger(2)),)), evidence=evidence)
    assert played.notes[0].finger == 2


def test_evidence_of_another_shape_or_infinite_is_refused() -> None:
    score = Score((Note(0, 60, 1),))
    with pytest.raises(InvalidValue, match="shape of evidence"):
        assign_fingering(score, evidence=np.zeros((2, 2, 5)))
    with pytest.raises(InvalidValue, match="infinite"):
        assign_fingering(score, evidence=np.full((1, 2, 5), np.inf))
