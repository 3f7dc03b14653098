"""The benchmark of the literature: which files it plays, its figures, and its page."""

import sys

import pytest

from musclehand.core.errors import FileError, InvalidValue, UnknownName
from musclehand.music.formats.midi import write_midi
from musclehand.music.score import Note, Score
from support.paths import EXPERIMENTS
from support.scripts import load

sys.path.insert(0, str(EXPERIMENTS))

from harness import literature
from harness.literature import (
    MAESTRO_TABLE,
    Piece,
    find_maestro,
    find_pieces,
    means,
)


@pytest.fixture(scope="module")
def bench():
    yield load("bench_literature")
    del sys.modules["bench_literature"]


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_folders_are_searched_with_all_below_them(tmp_path):
    touch(tmp_path / "b.MID", tmp_path / "deep/er/a.mxl", tmp_path / "notes.txt")
    assert find_pieces(tmp_path) == [
        Piece("b", str(tmp_path / "b.MID"), "performance"),
        Piece("deep/er/a", str(tmp_path / "deep/er/a.mxl"), "score"),
    ]


def test_asap_s_scores_are_taken_once_and_told_from_performances(tmp_path):
    piece = tmp_path / "Bach/Fugue/bwv_846"
    touch(piece / "midi_score.mid", piece / "xml_score.musicxml", piece / "Shi05M.mid")
    touch(tmp_path / "Liszt/Sonata/midi_score.mid", tmp_path / "Liszt/Sonata/A.mid")
    assert [(one.name, one.kind) for one in find_pieces(tmp_path)] == [
        ("Bach/Fugue/bwv_846/Shi05M", "performance"),
        ("Bach/Fugue/bwv_846/xml_score", "score"),
        ("Liszt/Sonata/A", "performance"),
        ("Liszt/Sonata/midi_score", "score"),
    ]


def test_a_folder_without_music_is_refused(tmp_path):
    with pytest.raises(FileError, match="no music"):
        find_pieces(tmp_path)
    with pytest.raises(FileError, match="is no folder"):
        find_pieces(tmp_path / "missing")


def maestro_table(folder, count):
    lines = ["canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"]
    for i in range(count):
        lines.append(f'"A, B",Title,test,2018,2018/piece_{i:03d}.midi,x.wav,100.0')
        lines.append(f"C,Title,train,2018,2018/other_{i:03d}.midi,x.wav,100.0")
    (folder / MAESTRO_TABLE).write_text("\n".join(lines) + "\n")


def test_maestro_s_test_split_is_read_from_its_table(tmp_path):
    maestro_table(tmp_path, literature.MAESTRO_PIECES)
    with pytest.raises(FileError, match="is missing, and 176 others"):
        find_maestro(tmp_path)
    touch(*(tmp_path / f"2018/piece_{i:03d}.midi" for i in range(literature.MAESTRO_PIECES)))
    pieces = find_maestro(tmp_path)
    assert len(pieces) == 177
    assert pieces[0].name == "2018/piece_000"


def test_another_table_than_maestro_v3_s_is_refused(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        find_maestro(tmp_path)
    maestro_table(tmp_path, 3)
    with pytest.raises(FileError, match="3 pieces in its test split, not 177"):
        find_maestro(tmp_path)


def test_means_leave_out_what_is_undefined():
    assert means([{"a": 1, "b": None}, {"a": 2, "b": 4}]) == {"a": 1.5, "b": 4.0}


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, InvalidValue),
        ({"folder": "x", "maestro": "y"}, InvalidValue),
        ({"folder": "x", "players": ("robot",)}, UnknownName),
        ({"folder": "x", "kind": "jazz"}, UnknownName),
        ({"folder": "x", "rehearsals": 11}, InvalidValue),
        ({"folder": "x", "limit": 0}, InvalidValue),
    ],
)
def test_senseless_options_are_refused(bench, options, kind):
    with pytest.raises(kind):
        bench._check(bench.Args(**options))


def test_a_piece_is_played_by_four_players_and_its_page_has_all(bench, tmp_path):
    write_midi(Score((Note(0.0, 60, 0.3), Note(0.5, 64, 0.8))), tmp_path / "two.mid")
    row = bench.play_piece(
        "two", str(tmp_path / "two.mid"), "performance", None, tuple(bench.PLAYERS), 0
    )
    assert tuple(row["players"]) == ("plan", "rigid", "torque", "muscle")
    assert row["players"]["plan"]["onset_f1_50ms"] == 1.0
    assert row["players"]["torque"]["missed"] == 0
    broken = bench.play_piece("none", "none.mid", "score", None, ("plan",), 0)
    assert "none.mid" in broken["error"]
    row["lost"] = [["missed", "torque", "tracking", 0.3], ["extra", "rigid", "same_key", 0.0]]
    page = bench.page({"two": row, "none": broken}, bench.Args(folder=tmp_path))
    for words in (
        "1 pieces, 2 notes",
        "Not played:",
        "| all (1) | ideal torques |",
        "### Missed notes: 1",
        "lost by ideal torques",
        "| two | 2 |",
    ):
        assert words in page


def test_results_are_kept_by_content_and_options(bench, tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(b"one")
    piece = Piece("deep/a", str(path), "performance")
    names = {bench._file_name(piece, None, bench.Args(folder=tmp_path))}
    names.add(bench._file_name(piece, (0.0, 1.0), bench.Args(folder=tmp_path)))
    names.add(bench._file_name(piece, None, bench.Args(folder=tmp_path, rehearsals=1)))
    path.write_bytes(b"two")
    names.add(bench._file_name(piece, None, bench.Args(folder=tmp_path)))
    assert len(names) == 4
    assert all(name.startswith("deep_a_") for name in names)
