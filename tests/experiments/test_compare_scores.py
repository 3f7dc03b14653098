"""Scores read by this library and by others."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import MusclehandError
from musclehand.music.formats.midi import write_midi
from musclehand.music.score import Note, Score
from support.musicxml_text import DIVISIONS, barline, notations, note, xml
from support.scripts import load

compare_scores = load("compare_scores")

from harness import score_oracles  # noqa: E402
from harness.score_differences import describe, differences  # noqa: E402
from harness.score_oracles import Heard, MissingOracle  # noqa: E402
from harness.score_verdicts import verdict_of  # noqa: E402

HEARD = st.builds(
    Heard, st.integers(0, 6).map(float), st.integers(7, 9).map(float), st.integers(60, 63)
)


@given(st.lists(HEARD, max_size=8), st.lists(HEARD, max_size=8))
def test_every_note_that_differs_is_counted_once(ours: list[Heard], theirs: list[Heard]):
    counts = differences(ours, theirs)
    same = sum((Counter(ours) & Counter(theirs)).values())
    paired = counts["length"] + counts["pitch"] + counts["onset"]
    assert paired + counts["only ours"] <= len(ours)
    assert paired + counts["only theirs"] <= len(theirs)
    assert counts["only ours"] - counts["only theirs"] == len(ours) - len(theirs)
    assert (not counts) == (same == len(ours) == len(theirs))
    assert differences(ours, ours) == Counter()


def test_kinds_of_differences():
    first = Heard(0, 1, 60)
    assert differences([first], [Heard(0, 2, 60)]) == Counter({"length": 1})
    assert differences([first], [Heard(0, 1, 62)]) == Counter({"pitch": 1})
    assert differences([first], [Heard(3, 4, 60)]) == Counter({"onset": 1})
    assert describe(differences([first], [])) == "1 only ours"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    again = barline('<repeat direction="backward"/>')
    (tmp_path / "repeat.xml").write_text(xml(DIVISIONS + note("C4"), note("D4") + again))
    tied = note(more=notations('<tied type="start"/>')) + note(
        more=notations('<tied type="stop"/>')
    )
    (tmp_path / "tied.musicxml").write_text(xml(DIVISIONS + tied))
    (tmp_path / "rest.xml").write_text(
        xml(DIVISIONS + "<note><rest/><duration>4</duration></note>")
    )
    (tmp_path / "deep").mkdir()
    write_midi(Score((Note(0, 60, 1), Note(1, 62, 1.5))), tmp_path / "deep" / "two.mid")
    return tmp_path


def test_a_line_for_each_file_and_a_table(folder: Path, capsys: pytest.CaptureFixture[str]):
    for name in score_oracles.ORACLES:
        pytest.importorskip(name)
    compare_scores.main(compare_scores.Args((folder,)))
    lines = capsys.readouterr().out.splitlines()
    name = folder.name
    assert f"{name}/two.mid: 2 notes; partitura same; pretty_midi same" in lines
    assert f"{name}/repeat.xml: 4 notes; music21 same; partitura same" in lines
    different = "1 length, 1 only theirs"
    assert f"{name}/tied.musicxml: 1 notes; music21 {different}; partitura {different}" in lines
    assert any(line.startswith(f"{name}/rest.xml: has no notes") for line in lines)
    assert "| all | 4 | 1 | 3 | 1 of 2 | 2 of 3 | 1 of 1 | 2 | 1 |" in lines


def test_what_is_not_there_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MusclehandError, match="no MusicXML or MIDI file"):
        compare_scores.main(compare_scores.Args((empty,), oracles=()))
    with pytest.raises(MusclehandError, match="music22"):
        compare_scores.main(compare_scores.Args((folder,), oracles=("music22",)))

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(score_oracles.importlib, "import_module", missing)
    with pytest.raises(MissingOracle, match="pip install music21"):
        compare_scores.main(compare_scores.Args((folder,), oracles=("music21",)))


def test_an_error_of_another_reader_is_its_answer(tmp_path: Path):
    pytest.importorskip("music21")
    path = tmp_path / "bad.xml"
    path.write_text("<score-partwise>")
    assert "Error" in score_oracles.hear("music21", path)


def test_verdicts_are_found_by_folder_and_file():
    assert verdict_of("lilypond", "33k-Tie-Types.xml").right == "musclehand"
    assert verdict_of("mine", "33k.xml") is None
