"""Files that are no plans, or damaged ones, are refused with an error that names them."""

import copy
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import FileError
from musclehand.music.score import Note, Score
from musclehand.planning import plan_file
from musclehand.planning.plan import VERSION, PerformancePlan, plan_performance
from musclehand.planning.plan_file import load_plan


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A plan of two notes as text."""
    score = Score((Note(0.0, 60, 0.2), Note(0.2, 64, 0.3)), title="two notes")
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    return plan_performance(score).save(path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(content):
    return json.loads(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated")


def refused(path, content, match):
    """Asserts that a file with this content is refused, and that the error names it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with pytest.raises(FileError, match=match) as caught:
        load_plan(path)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)


def changed(data, value, *keys):
    """The data as text, with another value at a place."""
    data = copy.deepcopy(data)
    parent = data
    for key in keys[:-1]:
        parent = parent[key]
    parent[keys[-1]] = value
    return json.dumps(data)


def places(data, place=()):
    """The keys of all values in nested data, outermost first."""
    children = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in children:
        yield (*place, key)
        yield from places(value, (*place, key))


def test_files_that_are_not_there_or_no_files(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(FileError) as caught:
            load_plan(path)
        assert caught.value.path == str(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileError, match="no regular file"):
            load_plan(tmp_path / "pipe")


def test_files_that_are_no_json(tmp_path, content):
    path = tmp_path / "plan.json"
    refused(path, "", "no JSON")
    refused(path, "not a plan", "no JSON")
    refused(path, b"\xff\xfe\x00plan", "no JSON")
    refused(path, "[" * 100_000, "no JSON")
    refused(path, '{"format": ' + "9" * 5000 + "}", "no JSON")
    for share in (0.1, 0.5, 0.9, 0.999):
        refused(path, content[: int(share * len(content))], "no JSON")


def test_files_of_something_else(tmp_path, data):
    path = tmp_path / "plan.json"
    for foreign in ("null", "3", "[]", '"musclehand plan"', "{}", '{"format": "something"}'):
        refused(path, foreign, "no plan of musclehand")
    for version in (VERSION + 1, 0, None, str(VERSION)):
        refused(path, changed(data, version, "version"), "version")
    refused(path, changed(data, 1, "version"), "plan its score again with this release")


def test_files_too_large_are_not_read(tmp_path, monkeypatch, content):
    monkeypatch.setattr(plan_file, "MAX_BYTES", len(content) - 1)
    refused(tmp_path / "plan.json", content, "larger than")


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        (None, ("sides",)),
        ([], ("sides",)),
        (["r", "both"], ("sides",)),
        (float("nan"), ("lead_in_s",)),
        (1e9, ("tail_s",)),
        (0.0, ("sim_dt_s",)),
        (0, ("config", "sim_steps")),
        ("much", ("config", "fingering", "hand_span")),
        (float("inf"), ("config", "motion", "stroke", "hover")),
        (1e-9, ("config", "motion", "reach", "step")),
        (-1.0, ("config", "motion", "placement", "same_time")),
        (1e300, ("config", "motion", "ik", "tip")),
        ([0.04], ("config", "motion", "stroke", "press_times")),
        ({"stiffness": 1.0}, ("config", "motion", "ik")),
        (3, ("config", "motion")),
        (-0.02, ("piano", "white_width")),
        (1e6, ("piano", "white_width")),
        (True, ("piano", "white_mass")),
        ([[0.0, 60]], ("corrections",)),
        ([[0.0, 60]], ("corrections", "notes")),
        ([[0.0, 60, 0.0, 0.0, 0.0]], ("corrections", "notes")),
        ([[0.0, "C4", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], ("corrections", "notes")),
        ([[0.0, 60, 0.0, 0.0, 0.0, float("inf"), 0.0, 0.0]], ("corrections", "notes")),
        ([["r", 6, 0.0, 1.0, 0.008]], ("corrections", "lifts")),
        ([["x", 3, 0.0, 1.0, 0.008]], ("corrections", "lifts")),
        ([["r", 3, float("nan"), 1.0, 0.008]], ("corrections", "lifts")),
        ({}, ("score",)),
        (None, ("target", "notes")),
        (float("nan"), ("score", "notes", 0, 0)),
        (1e12, ("score", "notes", 1, 1)),
        (200, ("score", "notes", 0, 2)),
        (float("inf"), ("score", "notes", 0, 2)),
        (0, ("score", "notes", 0, 3)),
        (2, ("score", "notes", 0, 4)),
        (6, ("score", "notes", 0, 5)),
        ([1.0, 0.0], ("target", "pedals")),
        ("five", ("planned", "notes", 0, 0)),
    ],
)
def test_damaged_values(tmp_path, data, value, keys):
    refused(tmp_path / "plan.json", changed(data, value, *keys), "damaged")


def test_missing_values(tmp_path, data):
    for key in data:
        if key not in ("format", "version"):
            fewer = {name: value for name, value in data.items() if name != key}
            refused(tmp_path / "plan.json", json.dumps(fewer), "damaged")


def test_scores_longer_than_those_of_score_files(tmp_path, data, monkeypatch):
    refused(tmp_path / "plan.json", changed(data, 15_000.0, "score", "notes", 1, 1), "15,?000|1.5e")
    monkeypatch.setattr(plan_file, "MAX_NOTES", 1)
    refused(tmp_path / "plan.json", json.dumps(data), "2 notes")


def test_a_plan_that_does_not_follow_from_its_scores(tmp_path, data):
    path = tmp_path / "plan.json"
    planned = data["planned"]["notes"][0]
    refused(path, changed(data, planned[1] - 0.01, "planned", "notes", 0, 1), "does not follow")
    refused(path, changed(data, "0" * 64, "hand_sha256"), "other hands")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=300)
@given(draws=st.data())
def test_mutated_files_give_plans_or_errors_that_name_them(folder, content, data, draws):
    """One value replaced, or one byte; a value out of range may leave a plan that is as good."""
    path = folder / "plan.json"
    if draws.draw(st.booleans()):
        place = draws.draw(st.sampled_from([*places(data)]))
        numbers = st.floats() | st.integers() | st.just(10**400)
        value = st.none() | st.booleans() | numbers | st.text(max_size=3)
        value = value | st.lists(value, max_size=3) | st.dictionaries(st.text(max_size=3), value)
        path.write_text(changed(data, draws.draw(value), *place), encoding="utf-8")
    else:
        mutated = bytearray(content.encode("utf-8"))
        mutated[draws.draw(st.integers(0, len(mutated) - 1))] = draws.draw(st.integers(0, 255))
        path.write_bytes(bytes(mutated))
    problem = None
    try:
        assert isinstance(load_plan(path), PerformancePlan)
    except FileError as error:
        problem = error
    assert problem is None or problem.path == str(path)
