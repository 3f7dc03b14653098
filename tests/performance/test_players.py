"""Built-in players: their plans and policies, and the second process, which never outlives them."""

import os

import pytest

from musclehand.controllers.high_level import HighLevelController
from musclehand.controllers.keyboard import KeyboardController
from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.rigid import RigidController
from musclehand.controllers.torque import TorqueController
from musclehand.controllers.tracking_policy import TrackingPolicyController
from musclehand.core.errors import MusclehandError, OutputError
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Hand, Note, Score, keyboard_score
from musclehand.performance import players
from musclehand.performance.perform import perform
from musclehand.performance.players import PlanPlayer, make_controller
from musclehand.performance.settings import PlayerSettings

NOTE = Score((Note(0.0, 60, 0.3),))

BASS = Note(0.0, 36, 1.95, 80, Hand.LEFT)

LEAP = Score(
    (
        BASS,
        *(Note(at, pitch, at + 0.4, 70, Hand.LEFT) for at in (0.6, 1.2) for pitch in (60, 64)),
    )
)
"""A bass written through under chords that the hand has to leave it for."""


@pytest.fixture
def helpers(monkeypatch):
    """All second processes that players start."""
    started = []
    start = players.start_helper

    def start_and_note():
        started.append(start())
        return started[-1]

    monkeypatch.setattr(players, "start_helper", start_and_note)
    return started


def assert_ended(helper):
    with pytest.raises(ProcessLookupError):
        os.kill(helper.pid, 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("muscle", MuscleController),
        ("policy", TrackingPolicyController),
        ("high-level", HighLevelController),
        ("keyboard", KeyboardController),
        ("torque", TorqueController),
        ("rigid", RigidController),
    ],
)
def test_every_name_has_its_controller(name, kind):
    assert type(make_controller(NOTE, PlayerSettings(name, processes=1))) is kind


def test_the_pedal_is_added_to_the_final_plan_alone():
    target = keyboard_score(LEAP)
    player = PlanPlayer(target, PlayerSettings(pedal="auto", processes=1))
    final = player.final_plan
    assert player.plan.planned.pedals == ()
    assert final.planned.notes == player.plan.planned.notes
    assert final.planned.pedals != ()
    assert PlanPlayer(target, PlayerSettings(processes=1)).final_plan.planned.pedals == ()


def test_a_policy_that_is_not_there_is_named_before_anything_is_planned(helpers, monkeypatch):
    def plan(*arguments, **options):
        raise AssertionError("planned")

    monkeypatch.setattr(players, "plan_performance", plan)
    with pytest.raises(MusclehandError, match=r"none\.json"):
        make_controller(NOTE, PlayerSettings("policy", policy="none.json", processes=2))
    assert helpers == []


def test_a_policy_is_loaded_once_for_all_rehearsals(monkeypatch):
    from musclehand.policies import tracking

    load = tracking.load_tracking_policy
    calls = []

    def load_and_note(path=None):
        calls.append(path)
        return load(path)

    monkeypatch.setattr(tracking, "load_tracking_policy", load_and_note)
    settings = PlayerSettings("policy", policy="tracking", rehearsals=2, processes=1)
    assert len(perform(NOTE, settings).rehearsals) == 3
    assert calls == ["tracking"]


def test_planning_that_fails_ends_the_second_process(helpers, monkeypatch):
    def plan(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(players, "plan_performance", plan)
    with pytest.raises(KeyboardInterrupt):
        PlanPlayer(NOTE, PlayerSettings(processes=2))
    assert_ended(helpers[0])


def test_a_recording_that_cannot_be_written_ends_the_second_process(helpers, tmp_path):
    with pytest.raises(OutputError):
        perform(NOTE, PlayerSettings(processes=2), record=tmp_path / "missing" / "song.h5")
    assert_ended(helpers[0])


def test_every_run_has_a_second_process_of_its_own(helpers):
    clip = load_piece("ode_to_joy").clip(0, 0.5)
    alone = perform(clip, PlayerSettings(rehearsals=1, processes=1))
    helped = perform(clip, PlayerSettings(rehearsals=1, processes=2))
    assert len(helpers) == 2
    for helper in helpers:
        assert_ended(helper)
    assert helped.played == alone.played
    assert helped.rehearsals == alone.rehearsals
