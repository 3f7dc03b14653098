"""The bench of independence: its tables, from hands and from results on file."""

import json
import sys

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, UnknownName
from support.paths import EXPERIMENTS

sys.path.insert(0, str(EXPERIMENTS))

import bench_independence as bench


@pytest.fixture(scope="module")
def hands():
    return {
        bench.HEALTHY: bench.open_hand(None),
        bench.ENSLAVED: bench.open_hand(bench.ENSLAVED),
    }


def cells(table):
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {row[0]: row[1:] for row in rows[2:]}


def test_slaves_are_none_without_and_some_with_enslaving(hands):
    table = cells(bench.press_table(hands))
    assert len(table) == 9
    assert [cell.strip() for cell in table["ring, independent"][1:]] == ["0.00", "0.00", "", "0.00"]
    assert all(0.1 < float(cell) < 0.55 for cell in table["ring, enslaving"][1:] if cell.strip())
    assert table["ring, independent"][0] == table["ring, enslaving"][0]
    deficits = cells(bench.deficit_table(hands))
    assert [float(cell) for cell in deficits["independent"]] == [0.0, 0.0, 0.0]
    assert float(deficits["enslaving"][2]) > 0.3


def test_what_is_not_corrected_lies_below_people_and_what_is_lies_above(hands):
    slopes = bench.uncorrected_slopes(hands[bench.HEALTHY], hands[bench.ENSLAVED])
    free = bench.individuation(slopes).individuation
    aware = bench.individuation(bench.active_slopes(hands[bench.ENSLAVED])).individuation
    people = np.array([index for index, _ in bench.PUBLISHED_INDEX.values()])
    # The thumb shares no drive with the fingers.
    assert (free < people)[1:].all()
    assert (aware > people).all()


def test_activations_of_the_independent_hand_move_it_as_before(hands):
    healthy = hands[bench.HEALTHY]
    assert bench.uncorrected_slopes(healthy, healthy) == pytest.approx(
        bench.active_slopes(healthy), abs=0.02
    )


def test_the_table_has_pieces_and_means_from_results_on_file(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("a", "b", "c"):
        (clips / f"{name}.mid").touch()
    args = bench.Args(pieces=("ode_to_joy",), clips=clips, every=2, out=tmp_path, workers=1)
    for source, onset in (("ode_to_joy", 1.0), ("a", 0.5), ("c", 0.7)):
        for controller in bench.CONTROLLERS:
            for hand in (bench.HEALTHY, bench.ENSLAVED):
                row = {"onset_f1_50ms": onset, "frame_f1_micro": onset / 2}
                (tmp_path / f"{source}_{controller}_{hand}.json").write_text(json.dumps(row))
    table = cells(bench.piano_table(args))
    assert table["ode_to_joy"] == ["1.000, 0.500"] * 4
    assert table["**1 pieces, mean**"] == ["1.000, 0.500"] * 4
    assert table["**2 clips of people, mean**"] == ["0.600, 0.300"] * 4

    args = bench.Args(pieces=("ode_to_joy",), controllers=("muscle",), out=tmp_path, workers=1)
    assert cells(bench.piano_table(args))["ode_to_joy"] == ["1.000, 0.500"] * 2
    with pytest.raises(UnknownName, match="piano"):
        bench.piano_table(bench.Args(controllers=("piano",), out=tmp_path))


def test_a_folder_without_midi_files_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match=r"a folder with MIDI files"):
        bench.clip_files(bench.Args(clips=tmp_path))
