"""Patterns are recognised from names alone, whatever a model's affixes are."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.body.naming import own_naming
from musclehand.body.naming_patterns import Patterns, part_of, recognise

OWN = own_naming()
PARTS = {"joints": OWN.joints.values(), "muscles": OWN.muscles.values(), "tips": OWN.tips.values()}
MARKS = {
    Side.RIGHT: ("{}_r", "{}_R", "{}_right", "R:{}", "right/{}", "rh_{}", "{}.r"),
    Side.LEFT: ("{}_l", "{}_L", "{}_left", "L:{}", "left/{}", "lh_{}", "{}.l"),
}
texts = st.text("abcdefgh:/_-.", max_size=6)


def written(pattern, kind):
    return [pattern.format(part) for part in PARTS[kind]]


@given(texts, texts, st.sampled_from(sorted(OWN.joints)))
def test_a_part_is_read_as_it_was_written(head, tail, part):
    pattern = head + "{}" + tail
    assert part_of(pattern, pattern.format(part)) == part
    assert part_of(pattern, head + tail) is None


@pytest.mark.parametrize("side", Side)
@given(data=st.data())
def test_each_kind_may_have_a_pattern_of_its_own(side, data):
    choices = {kind: data.draw(st.sampled_from((*MARKS[side], "{}"))) for kind in PARTS}
    assume(side is Side.RIGHT or any(pattern != "{}" for pattern in choices.values()))
    names = {kind: written(pattern, kind) for kind, pattern in choices.items()}
    patterns = recognise(PARTS, names)
    assert patterns == {side: Patterns(*((choices[kind],) for kind in PARTS))}


@given(st.sampled_from(MARKS[Side.LEFT]), st.sampled_from(("{}", *MARKS[Side.RIGHT])))
def test_two_hands_are_told_apart(left, right):
    names = {kind: written(left, kind) + written(right, kind) for kind in PARTS}
    patterns = recognise(PARTS, names)
    assert patterns == {Side.RIGHT: Patterns.same(right), Side.LEFT: Patterns.same(left)}


@given(st.permutations(sorted(OWN.joints)), st.integers(1, 11))
def test_names_without_their_suffix_are_the_same_hand_s(order, count):
    bare = order[:count]
    joints = [name if name in bare else f"{name}_l" for name in OWN.joints.values()]
    names = {"joints": joints, "muscles": written("{}", "muscles"), "tips": written("{}_l", "tips")}
    patterns = recognise(PARTS, names)
    assert patterns == {Side.LEFT: Patterns(("{}_l", "{}"), ("{}",), ("{}_l",))}


@given(texts.filter(str.strip))
def test_a_prefix_of_a_robot_or_a_file_is_part_of_the_pattern(head):
    pattern = f"{head}/{{}}_r"
    names = {kind: written(pattern, kind) for kind in PARTS}
    assert recognise(PARTS, names) == {Side.RIGHT: Patterns.same(pattern)}


def test_targets_and_single_joints_of_an_arm_make_no_pattern():
    names = {
        "joints": [*written("{}_r", "joints"), "elbow_flexion_r", "hip_flexion_l"],
        "muscles": written("{}_r", "muscles"),
        "tips": [*written("{}_r_target", "tips"), *written("{}_r", "tips")],
    }
    assert recognise(PARTS, names) == {Side.RIGHT: Patterns.same("{}_r")}


def test_a_hand_of_targets_is_not_the_left_one():
    names = {kind: written("{}", kind) + written("target/{}", kind) for kind in PARTS}
    assert recognise(PARTS, names) == {Side.RIGHT: Patterns.same("{}")}


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_are_taken(names):
    recognise(PARTS, dict.fromkeys(PARTS, names))
    recognise(dict.fromkeys(PARTS, names), dict.fromkeys(PARTS, names))


def test_patterns_in_words():
    assert str(Patterns.same("{}_r")) == "all names {}_r"
    mixed = Patterns(("{}_r", "{}"), ("{}",), ("{}_r",))
    assert str(mixed) == "joints {}_r or {}, muscles {}, tips {}_r"
    assert mixed.all == ("{}_r", "{}")
    assert mixed.with_tail("_left").muscles == ("{}_left",)
