"""Settings of the built-in players: what a user's options mean for hands, planning and control."""

import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.export import export_model, hands_spec
from musclehand.body.build.hand_file import HandFile
from musclehand.body.build.tables import load_tables
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.control.muscle_control import ControlConfig
from musclehand.controllers.muscle import playing_control
from musclehand.core.errors import (
    FileError,
    InvalidValue,
    ModelError,
    MusclehandError,
    UnknownName,
)
from musclehand.performance.options import PlayOptions
from musclehand.performance.settings import PlayerSettings, settings_of
from musclehand.planning.plan import PlanConfig
from musclehand.policies.files import bundled_path
from musclehand.sim.scene import build_scene


def test_without_options_settings_are_the_defaults():
    assert settings_of(PlayOptions()) == PlayerSettings()


def test_options_of_the_player_are_passed_on(tmp_path):
    mine = tmp_path / "mine.json"
    mine.write_text("{}")
    options = PlayOptions(
        controller="policy", policy=str(mine), pedal="auto", rehearsals=2, processes=1
    )
    assert settings_of(options) == PlayerSettings(
        "policy", policy=mine, pedal="auto", rehearsals=2, processes=1
    )


@pytest.mark.parametrize("controller", ["policy", "high-level"])
def test_a_policy_that_is_not_there_is_named_with_the_bundled_ones(controller):
    with pytest.raises(FileError, match=r"missing\.json: there is no such file.*sight_reading"):
        settings_of(PlayOptions(controller=controller, policy="missing.json"))


def test_a_bundled_policy_is_found_by_its_name():
    settings = settings_of(PlayOptions(controller="policy", policy="tracking_delayed"))
    assert settings.policy == bundled_path("tracking_delayed")


def test_rolled_chords_are_a_matter_of_fingering_alone():
    plan = settings_of(PlayOptions(chords="rolled")).plan
    assert plan is not None
    assert plan.fingering.roll_chords
    assert plan.motion == PlanConfig().motion


def test_the_sharing_of_muscles_is_a_matter_of_control_alone():
    settings = settings_of(PlayOptions(criterion="cubes", co_contraction=0.1))
    assert settings.plan is None
    assert settings.control is not None
    assert (settings.control.criterion, settings.control.co_contraction) == ("cubes", 0.1)
    assert settings.control.effort == playing_control().effort


def test_a_condition_changes_the_hand_and_tires_it():
    settings = settings_of(PlayOptions(condition="ulnar-palsy+fatigue=0.3"))
    condition = find_condition("ulnar-palsy+fatigue=0.3")
    assert settings.design == apply_condition(load_tables(), condition)
    assert settings.fatigue == condition.fatigue
    assert settings.fatigue is not None


def test_enslaving_is_in_the_tables_of_the_hand():
    settings = settings_of(PlayOptions(condition="enslaving=0.5", co_contraction=0.1))
    assert settings.design == apply_condition(load_tables(), find_condition("enslaving=0.5"))
    assert settings.fatigue is None
    with pytest.raises(InvalidValue, match=r'"squares" with the condition enslaving'):
        settings_of(PlayOptions(condition="enslaving", criterion="cubes"))


def test_a_model_is_read_by_its_path_as_text(tmp_path):
    export_model(tmp_path / "hand.xml", hands_spec((Side.RIGHT,)), title="A hand")
    settings = settings_of(PlayOptions(model=f"{tmp_path}/hand.xml", root=f"{tmp_path}"))
    assert isinstance(settings.design, HandFile)
    assert settings.fatigue is None
    assert len(build_scene(design=settings.design).hands) == 2


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (PlayOptions(model="missing.xml"), ModelError),
        (PlayOptions(condition="lumbago"), MusclehandError),
        (PlayOptions(pedal="down"), UnknownName),
    ],
)
def test_options_that_cannot_be_met_are_errors(options, kind):
    with pytest.raises(kind):
        settings_of(options)


@pytest.mark.parametrize("controller", ["policy", "high-level", "keyboard"])
def test_muscle_control_has_its_settings_with_muscle_alone(controller):
    with pytest.raises(InvalidValue, match="must be muscle"):
        PlayerSettings(controller, control=ControlConfig())


@pytest.mark.parametrize(
    ("name", "value"),
    [("design", load_tables()), ("fatigue", FatigueParameters()), ("plan", PlanConfig())],
)
def test_the_keyboard_alone_has_no_hands(name, value):
    for controller in ("muscle", "policy", "high-level"):
        PlayerSettings(controller, **{name: value})
    with pytest.raises(InvalidValue, match=f"one with hands, for its {name}"):
        PlayerSettings("keyboard", **{name: value})


@pytest.mark.parametrize("controller", ["torque", "rigid"])
def test_what_has_no_muscles_does_not_tire(controller):
    with pytest.raises(InvalidValue, match="one with muscles, which tire"):
        PlayerSettings(controller, fatigue=FatigueParameters())


def test_gains_of_muscle_control_go_with_muscles_alone():
    with pytest.raises(InvalidValue, match="muscle, to have settings"):
        PlayerSettings("rigid", control=ControlConfig())
