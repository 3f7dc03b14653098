"""Options of a performance: each is checked before any file is read, and errors name legal values."""

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import get_type_hints

from musclehand.cli.play import PlayArgs
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.performance.options import (
    CONTROLLERS,
    FOLLOW_PLANS,
    HAVE_POLICIES,
    MOST_REHEARSALS,
    ORACLES,
    PlayKeywords,
    PlayOptions,
)
from musclehand.performance.settings import PlayerSettings

FLAGS = {"naming": "map"}
"""Fields of `PlayOptions` that have another name on the command line."""


def test_keywords_for_type_checkers_are_the_options():
    assert get_type_hints(PlayKeywords) == get_type_hints(PlayOptions)


def test_flags_of_the_command_are_the_options_with_the_same_defaults():
    defaults = {field.name: field.default for field in fields(PlayArgs)}
    for field in fields(PlayOptions):
        assert defaults[FLAGS.get(field.name, field.name)] == field.default, field.name


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_controller_can_be_chosen_alone(controller):
    PlayOptions(controller=controller).check()
    assert PlayerSettings(controller).follows_plan == (controller in FOLLOW_PLANS)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"controller": "planner"}, UnknownName, "controller 'planner'"),
        ({"criterion": "cube"}, UnknownName, "did you mean: cubes"),
        ({"chords": "broken"}, UnknownName, "known: rolled, thinned"),
        ({"pedal": "down"}, UnknownName, "known: auto, written"),
        (
            {"co_contraction": -0.1},
            InvalidValue,
            "co-contraction is -0.1; it must be an activation",
        ),
        ({"co_contraction": float("nan")}, InvalidValue, "0 to 1"),
        ({"rehearsals": -1}, InvalidValue, "rehearsals is -1; it must be 0 to 10"),
        ({"rehearsals": MOST_REHEARSALS + 1}, InvalidValue, "rehearsals is 11"),
        ({"processes": 0}, InvalidValue, "1 or 2"),
        ({"naming": "names.json"}, InvalidValue, "left out without a model"),
        ({"model": "hand.xml", "condition": "fatigue"}, InvalidValue, "only the bundled hand"),
        ({"policy": "p.json"}, InvalidValue, "with controller policy or high-level"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, kind, words):
    with pytest.raises(kind, match=re.escape(words)):
        PlayOptions(**options).check()


@pytest.mark.parametrize("controller", ORACLES)
def test_oracles_play_with_other_hands_and_rolled_chords(controller):
    PlayOptions(controller=controller, model="hand.xml").check()
    PlayOptions(controller=controller, chords="rolled").check()
    with pytest.raises(InvalidValue, match=r"condition is .* with controller muscle$"):
        PlayOptions(controller=controller, condition="fatigue").check()


@pytest.mark.parametrize("controller", ["policy", "high-level", "keyboard"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("condition", "fatigue"),
        ("model", "hand.xml"),
        ("criterion", "cubes"),
        ("co_contraction", 0.1),
        ("chords", "rolled"),
    ],
)
def test_options_of_muscle_control_go_with_it_alone(controller, name, value):
    PlayOptions(**{name: value}).check()
    with pytest.raises(
        InvalidValue, match=f"{name.replace('_', '-')} is .* with controller muscle"
    ):
        PlayOptions(controller=controller, **{name: value}).check()


@given(
    controller=st.sampled_from(CONTROLLERS),
    policy=st.sampled_from([None, "policy.json"]),
    pedal=st.sampled_from(["written", "auto", "down"]),
    rehearsals=st.integers(-1, MOST_REHEARSALS + 1),
    processes=st.sampled_from([None, 0, 1, 2, 3]),
)
def test_options_and_settings_agree_on_what_is_legal(**values):
    legal = (
        (values["policy"] is None or values["controller"] in HAVE_POLICIES)
        and values["pedal"] != "down"
        and 0 <= values["rehearsals"] <= MOST_REHEARSALS
        and (not values["rehearsals"] or values["controller"] in FOLLOW_PLANS)
        and values["processes"] in (None, 1, 2)
    )
    messages = []
    for check in (lambda: PlayOptions(**values).check(), lambda: PlayerSettings(**values)):
        try:
            check()
            messages.append("")
        except MusclehandError as error:
            messages.append(str(error))
    assert messages[0] == messages[1]
    assert (messages[0] == "") == legal


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"sensory_delay_ms": -1.0}, "sensory delay"),
        ({"command_delay_ms": 201.0}, "command delay"),
        ({"predictor": "oracle"}, "predictor"),
        ({"world": "surrogate:t7:1"}, "world"),
        ({"world": "surrogate:t1:7", "controller": "keyboard"}, "controller"),
        ({"sensory_delay_ms": 8.0, "controller": "rigid"}, "controller"),
        ({"world": "surrogate:t1:7", "condition": "ulnar-palsy"}, "condition"),
    ],
)
def test_delays_and_worlds_are_checked(options, word):
    with pytest.raises(MusclehandError, match=word):
        PlayOptions(**options).check()


def test_delays_part_the_player_from_its_body():
    assert not PlayOptions().parted
    assert PlayOptions(command_delay_ms=8.0).parted
    assert PlayOptions(world="surrogate:t0:0").parted
