from pathlib import Path

import pytest

from musclehand.music.formats.musicxml_loudness import DEFAULT_VELOCITY, STEP
from musclehand.music.score import Hand
from support.musicxml_text import (
    DIVISIONS,
    TWO_STAVES,
    direction,
    notations,
    note,
    read,
    velocities,
    xml,
)

BACK = "<backup><duration>4</duration></backup>"


def mark(sign: str, *, staff: int = 0, more: str = "", sound: str = "", place: str = "") -> str:
    of_staff = f"<staff>{staff}</staff>" if staff else ""
    attributes = f'placement="{place}"' if place else ""
    kind = f"<dynamics><{sign}/></dynamics>"
    return direction(kind, sound, more=more + of_staff, attributes=attributes)


def wedge(kind: str, *, number: int = 1) -> str:
    return direction(f'<wedge type="{kind}" number="{number}"/>')


def by_hand(folder: Path, *measures: str) -> tuple[list[int], list[int]]:
    score = read(folder, xml(*measures))
    upper = [n.velocity for n in score.notes if n.hand is Hand.RIGHT]
    return upper, [n.velocity for n in score.notes if n.hand is Hand.LEFT]


def test_marks_belong_to_their_staff(tmp_path: Path):
    first = TWO_STAVES + mark("ff", staff=1) + note() + BACK + mark("pp", staff=2) + note(staff=2)
    second = mark("mf", staff=1) + note() + BACK + note(staff=2)
    assert by_hand(tmp_path, first, second) == ([112, 80], [33, 33])


def test_a_staff_without_marks_of_its_own_follows_the_others(tmp_path: Path):
    bar = TWO_STAVES + mark("p", staff=1) + note() + BACK + note(staff=2)
    assert by_hand(tmp_path, bar) == ([49], [49])


def test_a_mark_between_the_staves_is_of_both(tmp_path: Path):
    first = TWO_STAVES + note() + BACK + mark("f", staff=2) + note(staff=2)
    second = mark("p", staff=1, place="below") + note() + BACK + note(staff=2)
    assert by_hand(tmp_path, first, second) == ([DEFAULT_VELOCITY, 49], [96, 49])
    above = mark("p", staff=1, place="above") + note() + BACK + note(staff=2)
    assert by_hand(tmp_path, first, above) == ([DEFAULT_VELOCITY, 49], [96, 96])


def test_a_mark_without_a_staff_is_of_all(tmp_path: Path):
    first = TWO_STAVES + mark("ff", staff=1) + note() + BACK + mark("pp", staff=2) + note(staff=2)
    second = mark("mp") + note() + BACK + note(staff=2)
    assert by_hand(tmp_path, first, second) == ([112, 64], [33, 64])


def test_an_offset_moves_a_mark_if_it_is_one_of_sound(tmp_path: Path):
    moved = mark("pp", more='<offset sound="yes">4</offset>')
    drawn = mark("pp", more="<offset>4</offset>")
    assert velocities(read(tmp_path, xml(DIVISIONS + moved + note() * 2))) == [80, 33]
    assert velocities(read(tmp_path, xml(DIVISIONS + drawn + note() * 2))) == [33, 33]
    assert velocities(read(tmp_path, xml(DIVISIONS + moved + note(), note()))) == [80, 33]


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("fp", [80, 96, 49]),
        ("sfp", [80, 112, 49]),
        ("pf", [80, 49, 96]),
        ("sfz", [80, 112, 80]),
        ("sf", [80, 112, 80]),
        ("fz", [80, 112, 80]),
        ("rfz", [80, 112, 80]),
        ("sffz", [80, 126, 80]),
    ],
)
def test_loud_soft_marks_are_of_the_notes_at_their_place(
    tmp_path: Path, sign: str, expected: list[int]
):
    assert velocities(read(tmp_path, xml(DIVISIONS + note() + mark(sign) + note() * 2))) == expected


def test_the_number_of_a_sound_wins_over_the_sign(tmp_path: Path):
    text = (
        DIVISIONS
        + mark("sfz", sound='dynamics="100"')
        + note()
        + mark("p", sound='dynamics="50"')
        + note()
    )
    assert velocities(read(tmp_path, xml(text))) == [90, 45]


@pytest.mark.parametrize(
    ("sign", "factor"), [("accent", 1.2), ("strong-accent", 1.2), ("unstress", 0.9)]
)
def test_accents_are_of_one_note_or_chord(tmp_path: Path, sign: str, factor: float):
    accent = notations(f"<articulations><{sign}/></articulations>")
    chord = note("E4", more=accent) + note("C4", first="<chord/>")
    score = read(tmp_path, xml(DIVISIONS + note() + chord + note()))
    assert velocities(score) == [80, round(80 * factor), round(80 * factor), 80]


def test_the_dynamics_of_a_note_are_its_velocity(tmp_path: Path):
    text = DIVISIONS + mark("pp") + note(attributes='dynamics="100"') + note()
    assert velocities(read(tmp_path, xml(text))) == [90, 33]


def test_a_loudness_below_zero_is_as_marked(tmp_path: Path):
    sound = '<sound dynamics="-1.11"/>'
    text = DIVISIONS + mark("pp") + sound + note(attributes='dynamics="-1.11"') + note()
    assert velocities(read(tmp_path, xml(text))) == [33, 33]


def test_marks_among_the_signs_of_a_note(tmp_path: Path):
    text = DIVISIONS + note() + note(more=notations("<dynamics><p/></dynamics>")) + note()
    assert velocities(read(tmp_path, xml(text))) == [80, 49, 49]


def test_a_hairpin_reaches_the_mark_at_its_end(tmp_path: Path):
    text = mark("p") + wedge("crescendo") + note() * 4 + wedge("stop") + mark("f") + note()
    assert velocities(read(tmp_path, xml(DIVISIONS + text))) == [49, 61, 72, 84, 96]
    down = mark("f") + wedge("diminuendo") + note() * 2 + wedge("stop") + mark("p") + note()
    assert velocities(read(tmp_path, xml(DIVISIONS + down))) == [96, 72, 49]


def test_a_hairpin_without_a_mark_changes_by_one_step_which_holds(tmp_path: Path):
    text = mark("p") + wedge("crescendo") + note() * 2 + wedge("stop") + note() * 2
    assert velocities(read(tmp_path, xml(DIVISIONS + text))) == [49, 49 + STEP // 2, 65, 65]


def test_a_sudden_piano_behind_a_crescendo(tmp_path: Path):
    text = mark("mf") + wedge("crescendo") + note() * 2 + wedge("stop") + mark("p") + note()
    assert velocities(read(tmp_path, xml(DIVISIONS + text))) == [80, 88, 49]


def test_hairpins_follow_each_other_and_repeats(tmp_path: Path):
    first = DIVISIONS + mark("p") + wedge("crescendo") + note() * 2 + wedge("stop")
    second = wedge("diminuendo") + note() * 2 + wedge("stop") + '<sound dacapo="yes"/>'
    played = velocities(read(tmp_path, xml(first, second)))
    assert played == [49, 57, 65, 57] * 2


def test_what_is_not_played_out_is_counted(tmp_path: Path):
    text = direction("<words>cresc. e rit.</words>") + wedge("crescendo") + note()
    text += direction("<dynamics><n/></dynamics>")
    remark = read(tmp_path, xml(DIVISIONS + text)).remarks[0]
    for name in (
        "hairpin without an end (1)",
        "loudness words (1)",
        "tempo words (1)",
        "other-dynamics (1)",
    ):
        assert name in remark
