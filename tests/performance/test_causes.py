"""Causes of lost notes, on tracks in which one thing goes wrong at a time."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.performance import causes
from musclehand.performance.causes import CAUSES, KINDS, causes_csv, count_causes, find_causes
from musclehand.performance.stages import HandsOnKeys, Track, digit_of, play_stages
from musclehand.planning.plan import plan_performance
from musclehand.sim.scene import build_scene

NOTES = Score(
    (
        Note(0.0, 60, 0.4, 70, Hand.RIGHT, Finger.THUMB),
        Note(0.5, 64, 0.9, 70, Hand.RIGHT, Finger.MIDDLE),
        Note(1.0, 67, 1.4, 70, Hand.RIGHT, Finger.LITTLE),
    )
)

MIDDLE = 1
"""Index of the note that things happen to."""


@pytest.fixture(scope="module")
def stage():
    """Plan, hands and the tracks of rigid hands and of a player that does the same."""
    plan = plan_performance(NOTES)
    scene = build_scene()
    rigid = play_stages(plan, scene, names=("rigid",))["rigid"]
    return plan, HandsOnKeys(scene), rigid


def tracks_of(track, **played):
    """The same motion for all players, with the notes that each of them plays."""
    return {
        name: track._replace(played=played.get(name, NOTES))
        for name in ("rigid", "torque", "muscle")
    }


def without(index):
    return Score(tuple(note for i, note in enumerate(NOTES.notes) if i != index))


def only(rows, kind="missed"):
    chosen = [row for row in rows if row.kind == kind]
    assert len(chosen) == 1
    return chosen[0]


def test_nothing_is_lost_where_all_is_played(stage):
    plan, hands, rigid = stage
    assert find_causes(plan, hands, tracks_of(rigid), "muscle") == []


@pytest.mark.parametrize(
    ("losers", "place", "cause"),
    [
        (("muscle",), "muscle", "muscles_only"),
        (("torque", "muscle"), "torque", "tracking"),
        (("rigid", "torque", "muscle"), "rigid", "not_struck"),
        (("rigid", "muscle"), "muscle", "muscles_only"),
    ],
)
def test_a_miss_is_put_to_the_stage_from_which_on_it_stays_missed(stage, losers, place, cause):
    plan, hands, rigid = stage
    tracks = tracks_of(rigid, **{name: without(MIDDLE) for name in losers})
    row = only(find_causes(plan, hands, tracks, "muscle"))
    assert (row.stage, row.cause) == (place, cause)
    assert (row.time, row.pitch, row.hand, row.finger) == (0.5, 64, Hand.RIGHT, 3)
    assert row.lost_s == pytest.approx(0.4)


def test_what_the_fingering_leaves_out_is_lost_by_the_plan(stage):
    plan, hands, rigid = stage
    thinned = replace(plan, planned=without(MIDDLE))
    row = only(find_causes(thinned, hands, tracks_of(rigid, muscle=without(MIDDLE)), "muscle"))
    assert (row.stage, row.cause, row.hand) == ("plan", "left_out", None)


def test_a_reference_beside_the_key_is_off_the_key(stage):
    plan, hands, rigid = stage
    qpos = rigid.qpos.copy()
    qpos[:, hands.scene.forearms[Side.RIGHT].qpos[0]] += 0.012
    moved = rigid._replace(qpos=qpos)
    tracks = tracks_of(moved, muscle=without(MIDDLE))
    assert only(find_causes(plan, hands, tracks, "muscle")).cause == "off_key"


def test_a_reference_above_its_target_is_off_the_key(stage):
    plan, hands, rigid = stage
    assert rigid.targets is not None
    lower = rigid._replace(targets=rigid.targets - [0.0, 0.0, 0.004])
    tracks = tracks_of(lower, muscle=without(MIDDLE))
    assert only(find_causes(plan, hands, tracks, "muscle")).cause == "off_key"


def test_a_forearm_off_its_path_is_the_servo(stage):
    plan, hands, rigid = stage
    tracks = tracks_of(rigid, muscle=without(MIDDLE))
    qpos = rigid.qpos.copy()
    qpos[:, hands.scene.forearms[Side.RIGHT].qpos[2]] += 0.006
    tracks["muscle"] = tracks["muscle"]._replace(qpos=qpos)
    assert only(find_causes(plan, hands, tracks, "muscle")).cause == "servo"


def test_a_finger_in_another_one_is_named(stage):
    plan, hands, rigid = stage
    index = hands.scene.hands[Side.RIGHT]
    column = index.qpos[index.joints.index("mcp2_abduction")]
    neighbour = index.qpos[index.joints.index("mcp2_flexion")]
    middle = index.qpos[index.joints.index("mcp3_flexion")]
    qpos = rigid.qpos.copy()
    deepest = 0.0
    # The index finger is laid into the middle one, from whichever side it fits.
    for angle in np.linspace(-0.5, 0.5, 21):
        trial = qpos.copy()
        trial[:, column] += angle
        trial[:, neighbour] = trial[:, middle]
        row = rigid.row(0.5)
        depth = hands.overlap(rigid._replace(qpos=trial), range(row, row + 1), 2)
        if depth > deepest:
            deepest, worst = depth, trial
    assert deepest > causes.OVERLAP
    tracks = tracks_of(rigid._replace(qpos=worst), muscle=without(MIDDLE))
    assert only(find_causes(plan, hands, tracks, "muscle")).cause == "fingers_in_each_other"


def test_a_jerk_before_the_stroke_is_named(stage):
    plan, hands, rigid = stage
    index = hands.scene.hands[Side.RIGHT]
    qpos = rigid.qpos.copy()
    qpos[rigid.row(0.46), index.qpos[index.joints.index("mcp3_flexion")]] += 0.1
    tracks = tracks_of(rigid._replace(qpos=qpos), muscle=without(MIDDLE))
    assert only(find_causes(plan, hands, tracks, "muscle")).cause == "jerk"


def test_a_neighbour_that_is_touched_instead_is_named(stage, monkeypatch):
    plan, hands, rigid = stage
    touch = causes.Touch(65 - 21, digit_of(hands.sides, Side.RIGHT, 3), True, 0.0)
    monkeypatch.setattr(hands, "touches", lambda track, rows: [touch])
    tracks = tracks_of(rigid, torque=without(MIDDLE), muscle=without(MIDDLE))
    assert only(find_causes(plan, hands, tracks, "muscle")).cause == "neighbour"


@pytest.mark.parametrize(
    ("extra", "cause"),
    [
        (Note(0.2, 60, 0.3, 40), "same_key"),
        (Note(0.5, 90, 0.6, 40), "unseen"),
    ],
)
def test_extra_notes_have_a_cause_and_the_first_stage_that_plays_them(stage, extra, cause):
    plan, hands, rigid = stage
    more = Score((*NOTES.notes, extra))
    for players, place in ((("muscle",), "muscle"), (("torque", "muscle"), "torque")):
        tracks = tracks_of(rigid, **dict.fromkeys(players, more))
        row = only(find_causes(plan, hands, tracks, "muscle"), "extra")
        assert (row.cause, row.stage, row.lost_s) == (cause, place, 0.0)


@pytest.mark.parametrize(
    ("finger", "at_tip", "cause"),
    [
        (3, True, "neighbour_struck"),
        (3, False, "side_of_finger"),
        (2, True, "idle_finger"),
    ],
)
def test_the_finger_that_touches_an_extra_key_decides(stage, monkeypatch, finger, at_tip, cause):
    plan, hands, rigid = stage
    touch = causes.Touch(66 - 21, digit_of(hands.sides, Side.RIGHT, finger), at_tip, 0.0)
    monkeypatch.setattr(hands, "touches", lambda track, rows: [touch])
    more = Score((*NOTES.notes, Note(0.52, 66, 0.6, 40)))
    row = only(find_causes(plan, hands, tracks_of(rigid, muscle=more), "muscle"), "extra")
    assert (row.cause, row.hand, row.finger) == (cause, Hand.RIGHT, finger)


def test_keys_that_the_plan_lets_go_early_are_listed(stage):
    plan, hands, rigid = stage
    notes = [
        replace(note, offset=note.offset - 0.2) if i == MIDDLE else note
        for i, note in enumerate(NOTES.notes)
    ]
    row = only(
        find_causes(replace(plan, planned=Score(tuple(notes))), hands, tracks_of(rigid), "muscle"),
        "short",
    )
    assert (row.stage, row.cause, row.lost_s) == ("plan", "released_early", 0.2)


def test_counts_and_the_table_have_every_row(stage):
    plan, hands, rigid = stage
    rows = find_causes(plan, hands, tracks_of(rigid, muscle=Score((Note(0.5, 90, 0.6),))), "muscle")
    counts = count_causes(rows)
    assert tuple(counts) == KINDS
    assert sum(sum(each.values()) for each in counts.values()) == len(rows) == 4
    lines = list(csv.DictReader(io.StringIO(causes_csv(rows))))
    assert [line["cause"] for line in lines] == [row.cause for row in rows]
    assert all(line["cause"] in CAUSES for line in lines)
    assert {line["note"] for line in lines} == {"C4", "E4", "G4", "F#6"}


def test_touches_and_tips_are_those_of_the_positions(stage):
    _, hands, rigid = stage
    row = rigid.row(0.7)
    touches = hands.touches(rigid, range(row, row + 1))
    assert any(
        touch.key == 64 - 21 and touch.digit == digit_of(hands.sides, Side.RIGHT, 3)
        for touch in touches
    )
    assert rigid.targets is not None
    hand = hands.sides.index(Side.RIGHT)
    tip = hands.tips(rigid, range(row, row + 1))[0, hand, 2]
    assert tip == pytest.approx(rigid.targets[row, hand, 2], abs=0.003)
    assert hands.overlap(rigid, range(row, row + 1), digit_of(hands.sides, Side.RIGHT, 3)) < 0.0015


def test_rows_of_a_track_include_both_ends():
    track = Track(np.arange(5) * 0.004, np.zeros((5, 1)), Score(()))
    assert track.rows(0.004, 0.012) == range(1, 4)
    assert track.row(0.0059) == 1
