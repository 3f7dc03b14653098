"""Errors are one line, name the thing and the value, and say what would be legal."""

import pytest

from musclehand.core.errors import (
    InvalidValue,
    ModelError,
    MusclehandError,
    OutputError,
    ScoreError,
    UnknownName,
)


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (InvalidValue("tempo", -1, "a number above 0"), ["tempo", "-1", "a number above 0"]),
        (
            ScoreError("song.mid", "the file is cut short", where="byte 14"),
            ["song.mid", "byte 14", "cut short"],
        ),
        (ScoreError("song.mid", "no notes"), ["song.mid: no notes"]),
        (ModelError("muscles.csv", "line 3, f0_N is 'x'"), ["muscles.csv", "line 3", "'x'"]),
        (OutputError("out/played.wav", "no space left"), ["out/played.wav", "no space left"]),
        (
            UnknownName("muscle", "FDP9", ["FDP2", "FDP3", "ECU"]),
            ["muscle", "FDP9", "FDP2", "FDP3", "did you mean"],
        ),
    ],
)
def test_message_names_what_matters_in_one_line(error, parts):
    assert isinstance(error, MusclehandError)
    for part in parts:
        assert part in str(error)
    assert "\n" not in str(error)


def test_fields_are_kept_for_callers():
    error = InvalidValue("pitch", 200, "21..108")
    assert (error.thing, error.value, error.legal) == ("pitch", 200, "21..108")
    unknown = UnknownName("piece", "ode", ["b", "a"])
    assert (unknown.kind, unknown.name, unknown.available) == ("piece", "ode", ["a", "b"])
    score = ScoreError("a.pig", "bad line", where="line 3")
    assert (score.path, score.problem, score.where) == ("a.pig", "bad line", "line 3")


def test_an_unknown_name_lists_close_ones_first_and_never_floods():
    names = [f"muscle{i:03d}" for i in range(300)]
    assert "did you mean: muscle123" in str(UnknownName("muscle", "muscle123x", names))
    listed = str(UnknownName("muscle", "zzz", names))
    assert "and 288 more" in listed
    assert len(listed) < 300
    assert str(UnknownName("muscle", "zzz", [])).startswith("unknown muscle 'zzz'")


def test_one_class_catches_what_a_user_can_cause_and_defects_escape():
    for kind in (InvalidValue, UnknownName, ScoreError, ModelError, OutputError):
        assert issubclass(kind, MusclehandError)
    assert not issubclass(MusclehandError, ValueError | KeyError | OSError)
