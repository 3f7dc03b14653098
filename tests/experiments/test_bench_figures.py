"""The benches: rules from the score, players, thirds and tables, on small cases."""

import json
import sys

import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS
from musclehand.motion.naturalness import Naturalness
from musclehand.music.generate.exercises import scale
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Hand, Note, Score
from musclehand.sim.penetration import Depth, PenetrationReport
from support.paths import EXPERIMENTS

sys.path.insert(0, str(EXPERIMENTS))

import bench_budget
import bench_long
import bench_naturalness
import bench_repertoire


def grips(*chords, period=0.5, hand=Hand.LEFT):
    return Score(
        tuple(
            Note(i * period, p, (i + 1) * period, 80, hand)
            for i, chord in enumerate(chords)
            for p in chord
        )
    )


@pytest.mark.parametrize(
    ("score", "expected", "dense"),
    [
        (grips((60,), (62,), (64,), (65,)), (2.0, 0.0, 0.0), False),
        (grips((48, 60), (62,), (50, 62), (52,)), (3.0, 0.5, 0.0), True),
        (grips((36,), (60, 64), (36,), (60, 64)), (3.0, 0.0, 1.0), True),
        (grips((36,), (60, 64), (36,), (60, 64), period=0.7), (6 / 2.8, 0.0, 0.0), False),
        (grips((60,), (62,), (64,), (65,), period=0.125), (8.0, 0.0, 0.0), True),
        (Score(()), (0.0, 0.0, 0.0), False),
    ],
)
def test_density_goes_by_rate_octaves_and_leaps(score, expected, dense):
    density = bench_repertoire.density_of(score)
    assert density == pytest.approx(expected)
    assert density.dense is dense


def test_dense_pieces_stand_apart_with_means_of_their_own():
    row = {
        "num_reference": 8,
        "onset_error_ms_median": 3.0,
        "onset_error_ms_p95": 9.0,
        "velocity_correlation": None,
        "joint_rmse_deg": 1.0,
        "fingertip_error_mm": 5.0,
        "mean_activation": 0.05,
        "penetration_mm": {"keys": 0.1, "same_hand": 0.0, "other_hand": 0.0},
        "realtime_factor": 2.0,
        "limit": "nothing",
    }
    rows = {
        name: {
            **row,
            "density": {"rate": rate, "octaves": 0.0, "leaps": 0.0},
            **dict.fromkeys(bench_repertoire.SCORES, figure),
        }
        for name, rate, figure in (("hard", 9.0, 0.5), ("slow", 2.0, 1.0), ("calm", 3.0, 0.9))
    }
    lines = bench_repertoire.render_table(rows).splitlines()
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    order = [line.split("|")[1].strip(" *") for line in lines[2:8]]
    assert order == ["slow", "calm", "not dense, mean", "not dense, lowest", "hard", "dense, mean"]
    assert "**0.950**" in lines[4]
    assert "**0.900**" in lines[5]
    assert "- hard (0.500): nothing." in lines


def test_ideal_torques_follow_more_closely_than_muscles(tmp_path):
    score = scale("C4", octaves=1, notes_per_second=4.0).clip(0.0, 1.2)
    rows = {player: [bench_budget.play_one(score, player)] for player in bench_budget.PLAYERS[:3]}
    plan, torques, muscles = (rows[player][0] for player in bench_budget.PLAYERS[:3])
    assert plan["onset_f1_50ms"] == torques["onset_f1_50ms"] == 1.0
    assert torques["joint_rmse_deg"] < muscles["joint_rmse_deg"]
    assert torques["mean_activation"] is not None
    table = bench_budget.render_table(rows)
    assert len({line.count("|") for line in table.splitlines()}) == 1
    json.dumps(rows)


def test_thirds_judge_each_part_by_itself():
    asked = grips(*[(60 + i % 5,) for i in range(30)], period=0.4)
    wrong = asked.with_notes(n for n in asked.notes if n.onset < 7.9)
    rows = bench_long.thirds(asked, asked, wrong)
    assert [row["notes"] for row in rows] == [10, 10, 10]
    assert [row["onset_f1_50ms"] for row in rows] == [1.0, 1.0, 0.0]
    assert all(row["plan_frame_f1_micro"] == 1.0 for row in rows)


def test_memory_is_looked_at_every_minute_and_its_slope_is_of_the_second_half(monkeypatch):
    from rich.console import Console

    log = bench_long.MemoryLog(Console(quiet=True))
    monkeypatch.setattr(bench_long, "resident_megabytes", lambda: 100.0)
    for second in range(0, 601, 5):
        if second >= 300:
            monkeypatch.setattr(
                bench_long, "resident_megabytes", lambda now=second: 200.0 + now / 60.0
            )
        log(float(second), 600.0)
    assert len(log.minutes) == 11
    assert log.slope == pytest.approx(1.0)


def test_naturalness_table_has_a_mean_and_stands_without_individuation():
    shares = np.full(len(HAND_JOINTS), 0.25)
    nothing = np.full(5, np.nan)
    depth = Depth(0.0004, 1.0, ("a", "b"), 0.0)
    report = PenetrationReport(depth, depth, depth, 10)
    hands = (
        Naturalness(3, -8.0, -1.8, shares, nothing, shares),
        Naturalness(0, None, None, shares, nothing, None),
    )
    pieces = {name: bench_naturalness.Piece((), hands, report) for name in ("one", "two")}
    lines = bench_naturalness.render_table(pieces).splitlines()
    assert (
        lines[2] == "| one | 3 | -8.0 | -1.80 | nan | 25, 25, 25, 25 | 25, 25, 25, 25 | 0.4, 0.4 |"
    )
    assert lines[-1].startswith("| **mean** |")


def test_excerpts_of_the_budget_are_as_long_as_asked():
    args = bench_budget.Args(pieces=("ode_to_joy",), generated=2, seconds=5.0)
    scores = bench_budget.excerpts(args)
    assert list(scores) == ["ode_to_joy", "generated_0", "generated_1"]
    assert all(score.duration <= 7.0 for score in scores.values())
    assert scores["ode_to_joy"].notes[0] == load_piece("ode_to_joy").notes[0]
