"""Sessions of an armband set: planted people, sessions and turns are told apart, and the real
ones land where known."""

import json

import numpy as np
import pytest

from musclehand.cli import main
from musclehand.emg.comparison.sessions import (
    HALVES,
    OTHER_PERSON,
    SAME_PERSON,
    find_sessions,
    spearman_brown,
    spread,
    study_sessions,
    summarise,
)
from musclehand.emg.recording import EmgFileError
from support.paths import SHARED_DATA

REAL = SHARED_DATA / "emg" / "myo_wrist_gestures"


def write_session(folder, pattern, *, turn=0, seed=0):
    """Files 1.txt to 4.txt of 5 repetitions; `pattern` (4, 8) is how loud each electrode is in
    each movement."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    on = (np.arange(200 * 55) // 1000) % 2 == 1
    for movement, levels in enumerate(np.roll(pattern, turn, axis=1), start=1):
        counts = rng.normal(size=(len(on), 8)) * (2 + np.outer(on, levels))
        rows = np.column_stack(
            [np.clip(np.round(counts), -128, 127).astype(int), np.where(on, movement, 0)]
        )
        (folder / f"{movement}.txt").write_text(
            "\n".join(",".join(map(str, row)) for row in rows) + "\n"
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three people; the first with two sessions, the second turned by 3 and a little different,
    one broken file."""
    root = tmp_path_factory.mktemp("sessions") / "right"
    rng = np.random.default_rng(1)
    pattern = rng.uniform(0, 30, (4, 8))
    write_session(root / "11111-1", pattern, seed=1)
    write_session(root / "11111-2", pattern, seed=2)
    write_session(root / "22222-1", pattern + rng.uniform(0, 5, (4, 8)), turn=3, seed=3)
    write_session(root / "33333-1", pattern)
    with open(root / "33333-1" / "2.txt", "a") as file:
        file.write("1,2,3,4,5,6,7,8,00,1,2,3\n")
    return root


def test_people_sessions_and_turns_are_told_apart(folder):
    study = study_sessions(folder)
    assert study.sessions == ("11111-1", "11111-2", "22222-1", "33333-1")
    assert {name: len(study.group(name)) for name in (HALVES, SAME_PERSON, OTHER_PERSON)} == {
        HALVES: 4,
        SAME_PERSON: 1,
        OTHER_PERSON: 5,
    }
    assert [pair.shift for pair in study.group(SAME_PERSON)] == [0]
    assert [pair.shift for pair in study.group(OTHER_PERSON)] == [3, 0, 3, 0, 5]
    assert study.pairs[-1].worn.pooled.shape == (3,)
    (problem,) = study.problems
    assert "33333-1" in problem
    assert "line 11001" in problem
    table = summarise(study)
    assert table[SAME_PERSON]["pooled, right"].median > 0.9
    assert table[SAME_PERSON]["pooled, right"].median > table[SAME_PERSON]["pooled, wrong"].median
    turned = [pair for pair in study.group(OTHER_PERSON) if pair.shift]
    right, worn = (
        np.concatenate(parts)
        for parts in zip(*((p.rotated.right, p.worn.pooled) for p in turned), strict=True)
    )
    assert np.median(right) > np.median(worn) + 0.2


def test_the_command_prints_and_writes_it(folder, tmp_path, capsys):
    assert main(["emg", "sessions", str(folder), "--json", str(tmp_path / "s.json")]) == 0
    out = capsys.readouterr().out
    assert "4 sessions" in out
    assert "left out" in out
    assert "Spearman-Brown" in out
    assert "No two" not in out
    content = json.loads((tmp_path / "s.json").read_text())
    assert content["scores"]["other person"]["turned, right"]["number"] == 17
    assert main(["emg", "sessions", str(tmp_path)]) == 2
    assert main(["emg", "sessions", str(folder / "22222-1")]) == 0
    assert "No two sessions are of one person" in capsys.readouterr().out


def test_halves_stepped_up_are_what_whole_sessions_have():
    rng = np.random.default_rng(2)
    truth = rng.standard_normal(100_000)
    noise = rng.standard_normal((2, 2, 100_000))
    whole = np.corrcoef(truth + noise[0].mean(axis=0), truth + noise[1].mean(axis=0))[0, 1]
    half = np.corrcoef(truth + noise[0, 0], truth + noise[1, 0])[0, 1]
    assert spearman_brown(half) == pytest.approx(whole, abs=0.01)


def test_folders_without_sessions_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(EmgFileError, match="no sessions"):
            find_sessions(path)


def test_a_spread_is_of_what_is_there():
    assert spread(np.array([np.nan, 1.0, 2.0, 3.0])).median == 2.0
    assert spread(np.array([np.nan])).number == 0


@pytest.mark.skipif(not REAL.is_dir(), reason="the recordings are not here")
def test_real_wearers_land_where_the_set_is_known_to():
    """Other person, over 15 curated sessions: 0.63 a channel (wrong 0.62), 0.31 pooled (wrong
    0.25), 0.68 turned."""
    study = study_sessions(REAL / "right")
    row = summarise(study)[OTHER_PERSON]
    assert [pair.shift for pair in study.group(OTHER_PERSON)] == [2]
    assert row["channel, right"].median == pytest.approx(0.63, abs=0.1)
    assert row["channel, wrong"].median == pytest.approx(0.62, abs=0.1)
    assert row["pooled, right"].median == pytest.approx(0.31, abs=0.15)
    assert row["turned, right"].median > row["pooled, right"].median + 0.1
    assert row["turned, right"].median > row["turned, wrong"].median + 0.1
