"""Match rates against counts by hand, and PIG's folder layout."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from musclehand.core.errors import InvalidValue, ScoreError
from musclehand.music.formats.pig import write_pig
from musclehand.music.generate.exercises import scale
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.match import human_match_rate, match_rates, pool, read_pig_folder
from support.paths import EXPERIMENTS

sys.path.insert(0, str(EXPERIMENTS))

R = Hand.RIGHT
L = Hand.LEFT


def fingered(*fingers: int, hand: Hand = R) -> Score:
    return Score(
        tuple(
            Note(0.5 * i, 60 + i, 0.5 * i + 0.5, 80, hand, Finger(f)) for i, f in enumerate(fingers)
        )
    )


def test_rates_are_the_counts() -> None:
    ours = fingered(1, 2, 3, 4)
    people = [fingered(1, 2, 3, 5), fingered(1, 3, 4, 5), fingered(2, 3, 3, 5)]
    rates = match_rates(ours, people)
    assert rates.general == pytest.approx((3 + 1 + 1) / 12)
    assert rates.highest == 0.75
    assert rates.soft == 0.75
    assert rates.notes == 4
    assert human_match_rate(people) == pytest.approx((2 + 2 + 2) / 12)


def test_hands_count_apart_and_have_to_be_the_same() -> None:
    two_hands = Score(
        (
            *fingered(1, 2).notes,
            *(replace(n, pitch=n.pitch - 24) for n in fingered(5, 4, 3, hand=L).notes),
        )
    )
    wrong = two_hands.with_notes(
        replace(n, finger=Finger.THUMB) if n.hand == L else n for n in two_hands.notes
    )
    assert match_rates(wrong, [two_hands], hand=R)[:3] == (1.0, 1.0, 1.0)
    assert match_rates(wrong, [two_hands], hand=L).general == 0.0
    swapped = two_hands.with_notes(replace(n, hand=R) for n in two_hands.notes)
    assert match_rates(swapped, [two_hands]).notes == 5
    assert match_rates(swapped, [two_hands]).general == pytest.approx(2 / 5)


def test_notes_left_out_do_not_match_and_unfingered_ones_do_not_count() -> None:
    reference = fingered(1, 2, 3, 4)
    fewer = reference.with_notes(reference.notes[:3])
    assert match_rates(fewer, [reference]).general == 0.75
    bare = reference.with_notes(replace(n, finger=None) for n in reference.notes)
    nothing = match_rates(reference, [bare])
    assert nothing.notes == 0
    assert math.isnan(nothing.general)
    assert math.isnan(human_match_rate([reference]))
    assert math.isnan(pool([nothing]).soft)


def test_pieces_are_pooled_by_their_notes() -> None:
    one_note = match_rates(fingered(1), [fingered(1)])
    three = match_rates(fingered(1, 2, 3), [fingered(2, 3, 3)])
    assert pool([one_note, three]).general == pytest.approx(2 / 4)
    assert pool([one_note, three]).notes == 4


def test_a_pig_folder_is_read_by_piece_and_annotator(tmp_path: Path) -> None:
    inner = tmp_path / "FingeringFiles"
    inner.mkdir()
    for name, score in {
        "010-1": fingered(1, 2),
        "002-2": fingered(1, 3),
        "002-1": fingered(1, 2),
    }.items():
        write_pig(score, inner / f"{name}_fingering.txt")
    (tmp_path / "List.csv").write_text("not a fingering")
    pieces = read_pig_folder(tmp_path)
    assert list(pieces) == ["002", "010"]
    assert [len(scores) for scores in pieces.values()] == [2, 1]
    assert [int(n.finger) for n in pieces["002"][1].notes] == [1, 3]
    assert human_match_rate(pieces["002"]) == 0.5


def test_folders_without_fingerings_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InvalidValue, match="PIG folder"):
            read_pig_folder(folder)
    (tmp_path / "001-1_fingering.txt").write_text("0\t0.0\n")
    with pytest.raises(ScoreError, match="line 1"):
        read_pig_folder(tmp_path)


def test_the_experiment_measures_a_pig_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bench_fingering

    piece = scale("G3", "major", hands=(R,))
    write_pig(piece, tmp_path / "001-1_fingering.txt")
    write_pig(piece, tmp_path / "001-2_fingering.txt")
    row = bench_fingering.Row("PIG", dict(read_pig_folder(tmp_path)))
    assert row.people() == 1.0
    assert row.rates().notes == len(piece)
    assert row.rates().general == row.rates().highest == row.rates(R).soft
    assert row.hands() is None  # All notes belong to one hand.
    table = bench_fingering.render([row])
    assert f"| PIG | {len(piece)} |" in table
    assert "71.4 %" in bench_fingering.literature()
    monkeypatch.setattr(bench_fingering, "HANON", ())
    monkeypatch.setattr(bench_fingering, "TONICS", ("C",))
    monkeypatch.setattr(bench_fingering, "repertoire_rows", list)
    bench_fingering.main(bench_fingering.Args(pig=tmp_path, out=tmp_path / "out"))
    assert "| scales" in (tmp_path / "out" / "table.md").read_text()
    assert "| PIG |" in (tmp_path / "out" / "table.md").read_text()
    assert "71.4 %" in (tmp_path / "out" / "table.md").read_text()
