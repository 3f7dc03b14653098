"""Layouts: each number of an observation has a name, and files say whose it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from musclehand.core.errors import FileError
from musclehand.envs.piano.observation import piano_table
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.policies.fingerprint import built_in_hand, built_in_table, observation_hash
from musclehand.policies.layout import (
    EARLIER_LAYOUT,
    hand_layout,
    layout_from,
    layout_info,
    layout_table,
    number_names,
)

ON_KEYS = TrackingConfig(num_envs=1, keys=True)
PATH = Path("tracking.json")


def test_the_earlier_layout_has_the_hashes_of_the_first_release():
    """Written down: policies' files hold them."""
    hashes = {
        0: "cafd6c2de21fe253a549a02a161d5de4fe27c5a979095ac1e81c20fe66875605",
        3: "def8be55fc13e9e8dfc2abfe01bb36eec316f0cdb58ca472404f7917cc9af694",
    }
    for history, expected in hashes.items():
        table = layout_table(EARLIER_LAYOUT, replace(ON_KEYS, action_history=history))
        assert observation_hash(table) == expected
    assert layout_from({}, PATH) == EARLIER_LAYOUT
    assert len(EARLIER_LAYOUT.muscles) == 46
    assert len(EARLIER_LAYOUT.independent) == 19


def test_each_number_of_the_hands_own_tables_has_a_name():
    config = replace(ON_KEYS, action_history=2)
    layout = hand_layout(built_in_hand(config))
    table = built_in_table(config)
    assert str(layout_table(layout, config)) == str(table)
    for each in (table, piano_table(table)):
        names = number_names(each, layout)
        assert len(names) == len(set(names)) == each.size
        for block, parts in (
            ("angle", layout.joints),
            ("velocity", layout.muscles),
            ("excitation_2", layout.muscles),
        ):
            assert names[each.slice(block)] == [f"{block}/{part}" for part in parts]
    names = number_names(table, layout)
    assert names[table.slice("ahead_8")] == [f"ahead_8/{part}" for part in layout.independent]
    assert names[table.slice("tip")][:2] == ["tip/0", "tip/1"]


def test_a_layout_comes_back_from_metadata():
    layout = hand_layout(built_in_hand(ON_KEYS))
    assert layout_from(layout_info(layout), PATH) == layout


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"joints": ["a"]},
        {"joints": [], "independent": ["a"], "muscles": ["m"]},
        {"joints": ["a", "a"], "independent": ["a"], "muscles": ["m"]},
        {"joints": [1], "independent": ["a"], "muscles": ["m"]},
        {"joints": "abc", "independent": ["a"], "muscles": ["m"]},
    ],
)
def test_what_is_no_layout_is_refused(entry):
    with pytest.raises(FileError, match="layout"):
        layout_from({"layout": entry}, PATH)
