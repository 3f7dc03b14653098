"""Pitch names, keys and colours, against the piano everyone knows and against pretty_midi."""

import pretty_midi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    NUM_KEYS,
    is_black,
    is_on_keyboard,
    key_to_pitch,
    parse_pitch,
    pitch_name,
    pitch_to_key,
)

PITCHES = range(LOWEST_PITCH, HIGHEST_PITCH + 1)


def test_the_keyboard_has_52_white_and_36_black_keys():
    assert len(PITCHES) == NUM_KEYS == 88
    assert sum(map(is_black, PITCHES)) == 36
    assert (pitch_name(LOWEST_PITCH), pitch_name(60), pitch_name(HIGHEST_PITCH)) == (
        "A0",
        "C4",
        "C8",
    )


@pytest.mark.parametrize("pitch", PITCHES)
def test_names_agree_with_pretty_midi_and_go_both_ways(pitch):
    assert pitch_name(pitch) == pretty_midi.note_number_to_name(pitch)
    assert parse_pitch(pitch_name(pitch)) == pitch
    assert is_black(pitch) == ("#" in pitch_name(pitch))
    assert key_to_pitch(pitch_to_key(pitch)) == pitch


@given(
    st.sampled_from("CDEFGABcdefgab"),
    st.sampled_from(["", "#", "##", "b", "bb"]),
    st.integers(-1, 9),
)
def test_accidentals_move_by_semitones(letter, accidental, octave):
    plain = parse_pitch(f"{letter}{octave}")
    assert parse_pitch(f"{letter}{accidental}{octave}") - plain == accidental.count(
        "#"
    ) - accidental.count("b")
    assert parse_pitch(f"{letter}{octave + 1}") == plain + 12


def test_enharmonic_names():
    assert parse_pitch("Cb4") == parse_pitch("B3") == 59
    assert parse_pitch("E#4") == parse_pitch("F4")
    assert parse_pitch(" Bb2 ") == parse_pitch("A#2")


@pytest.mark.parametrize(
    "name", ["", "H4", "C", "4", "C#b4", "C###4", "C4.5", "C 4", "Cis4", "C400"]
)
def test_what_is_not_a_name_is_refused(name):
    with pytest.raises(InvalidValue, match="pitch name"):
        parse_pitch(name)


@given(st.integers(-1000, 1000))
def test_what_is_off_the_keyboard_is_refused(pitch):
    if is_on_keyboard(pitch):
        assert 0 <= pitch_to_key(pitch) < NUM_KEYS
    else:
        with pytest.raises(InvalidValue, match="pitch"):
            pitch_to_key(pitch)
    if not 0 <= pitch < NUM_KEYS:
        with pytest.raises(InvalidValue, match="key"):
            key_to_pitch(pitch)
