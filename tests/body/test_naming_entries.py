"""Naming files of any content are read as meant, or refused with the entry at fault."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import DIGITS, HAND_JOINTS
from musclehand.body.naming import own_naming
from musclehand.body.naming_entries import ENTRIES, parse_entries
from musclehand.body.naming_patterns import Patterns
from musclehand.core.errors import ModelError, MusclehandError, UnknownName

MUSCLES = tuple(own_naming().muscles)
names = st.text("abcXYZ019_:/. é", min_size=1, max_size=8)
patterns = st.tuples(st.text("ab_:/", max_size=3), st.text("ab_:/", max_size=3)).map("{}".join)
pattern_lists = patterns | st.lists(patterns, min_size=1, max_size=3)
sides = (
    st.none()
    | pattern_lists
    | st.fixed_dictionaries(
        {"joints": pattern_lists}, optional={"muscles": pattern_lists, "tips": pattern_lists}
    )
)


def maps(parts, values=names):
    """Maps of some anatomical parts to different names."""
    keys = st.lists(st.sampled_from(parts), unique=True, max_size=6)
    return keys.flatmap(
        lambda chosen: st.lists(
            values, unique=True, min_size=len(chosen), max_size=len(chosen)
        ).map(lambda given: dict(zip(chosen, given, strict=True)))
    )


def entries_of(**change):
    entries = {"name": "x", "right": "{}_r", "left": None, "joints": {}, "muscles": {}, "tips": {}}
    return {**entries, **change}


def parse(**change):
    return parse_entries("map.json", json.dumps(entries_of(**change)), MUSCLES)


def as_tuple(entry):
    return tuple(entry) if isinstance(entry, list) else (entry,)


@given(names, sides, sides, maps(HAND_JOINTS), maps(MUSCLES), maps(DIGITS))
def test_what_is_written_is_read(name, right, left, joints, muscles, tips):
    entries = parse(name=name, right=right, left=left, joints=joints, muscles=muscles, tips=tips)
    assert (entries.name, entries.joints, entries.muscles, entries.tips) == (
        name,
        joints,
        muscles,
        tips,
    )
    for entry, parsed in ((right, entries.right), (left, entries.left)):
        if entry is None:
            assert parsed is None
        elif isinstance(entry, dict):
            joint_patterns = as_tuple(entry["joints"])
            kinds = (as_tuple(entry.get(kind, entry["joints"])) for kind in ("muscles", "tips"))
            assert parsed == Patterns(joint_patterns, *kinds)
        else:
            assert parsed == Patterns.same(*as_tuple(entry))


@given(maps(MUSCLES, names.filter(lambda name: name not in MUSCLES)))
def test_maps_of_older_files_run_the_other_way(muscles):
    backwards = {name: muscle for muscle, name in muscles.items()}
    assert parse(muscles=backwards).muscles == muscles


@given(maps(HAND_JOINTS, names.filter(lambda name: name not in HAND_JOINTS)))
def test_joints_the_wrong_way_round_are_shown_the_right_way(joints):
    backwards = {name: joint for joint, name in joints.items()}
    if not backwards:
        return
    name, joint = next(iter(backwards.items()))
    with pytest.raises(ModelError) as raised:
        parse(joints=backwards)
    assert f'write "{joint}": "{name}"' in str(raised.value)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ENTRIES,
            st.none() | st.booleans() | names | st.lists(names) | st.dictionaries(names, names),
        ),
    )
)
def test_any_other_content_is_an_error_of_ours(change):
    problem = None
    try:
        parse(**change)
    except MusclehandError as error:
        problem = str(error)
    assert problem is None or len(problem.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"muscels": {}}, UnknownName, "'muscels'; did you mean: muscles"),
        ({"muscles": {"FPD2": "x"}}, UnknownName, "muscle in muscles of map.json 'FPD2'.*FDP2"),
        ({"joints": {"mcp2_flexon": "x"}}, UnknownName, "joint in joints.*mean: mcp2_flexion"),
        ({"tips": {"indx": "x"}}, UnknownName, "tip in tips.*mean: index"),
        ({"right": {"joint": "{}"}}, UnknownName, "'joint'; did you mean: joints"),
        ({"right": {"muscles": "{}"}}, ModelError, "right, joints has None"),
        ({"right": {"joints": "{}", "tips": "tip"}}, ModelError, "right, tips has 'tip'"),
        ({"right": []}, ModelError, "right has no pattern"),
        ({"left": "{}{}"}, ModelError, "left has '{}{}'"),
        ({"left": "{a}_{}"}, ModelError, "left has '{a}_{}'"),
        ({"joints": {"flexion": "-"}}, ModelError, "joints must be an object of names"),
        (
            {"joints": {"flexion": "a", "deviation": "-a"}},
            ModelError,
            "flexion and deviation are both '-a'",
        ),
        (
            {"muscles": {"RI2": "DI1", "x": "DI1"}},
            ModelError,
            'anatomical names come first; write "DI1": "RI2"',
        ),
    ],
)
def test_what_is_wrong_is_named(change, error, message):
    with pytest.raises(error, match=message):
        parse(**change)


def test_an_entry_may_stand_once():
    with pytest.raises(ModelError, match="has 'name' twice"):
        parse_entries("map.json", '{"name": "a", "name": "b"}', None)
