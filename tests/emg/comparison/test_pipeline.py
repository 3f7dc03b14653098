"""The comparison from files, on the bundled synthetic recording whose truth is in truth.json."""

import hashlib
import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from musclehand.cli.emg.compare import CompareArgs
from musclehand.core.errors import MusclehandError
from musclehand.emg.comparison.pipeline import compare, project
from musclehand.emg.io.simulated import read_simulated
from musclehand.emg.io.store import load_recording
from musclehand.emg.model.forward import expected_amplitude
from musclehand.emg.model.muscle_map import read_map
from support.paths import EMG_DATA

SIM = EMG_DATA / "synthetic_playing.sto"
EMG = EMG_DATA / "synthetic_playing.h5"
MAP = EMG_DATA / "muscle_map.csv"


@pytest.fixture(scope="module")
def result():
    return compare(SIM, EMG, muscle_map=MAP, same_person=EMG)


def test_the_bundled_truth_is_recovered(result):
    truth = json.loads((EMG_DATA / "truth.json").read_text())
    comparison = result.comparison
    assert result.pooled.lag == pytest.approx(truth["lead_s"], abs=0.01)
    assert comparison.channels.first >= 0.5 >= 4 * comparison.channels.chance
    assert result.pooled.nulls["surrogate"]["r"].p < 0.01
    assert result.pooled.nulls["wrong muscle"]["r"].p < 0.01
    assert result.pooled.ceilings["same person"] == pytest.approx(1.0)
    assert len(result.events) > 20


def test_the_recording_is_what_the_activations_would_give():
    truth = json.loads((EMG_DATA / "truth.json").read_text())
    simulated = read_simulated(SIM)
    recording = load_recording(EMG)
    columns = [simulated.muscles.index(name) for name in truth["muscles"]]
    gains = np.array([truth["gain_v"][name] for name in recording.names])
    power = np.square(expected_amplitude(simulated.values[:, columns])) @ np.square(gains.T)
    expected = np.sqrt(
        power.mean(axis=0) + truth["forward"]["noise_v"] ** 2 + truth["forward"]["mains_v"] ** 2 / 2
    )
    np.testing.assert_allclose(recording.samples.std(axis=0), expected, rtol=0.1)


def test_the_readme_has_the_checksums():
    text = (EMG_DATA / "README.md").read_text()
    listed = dict(re.findall(r"\| (\S+) \| \d+ kB \| `([0-9a-f]{64})` \|", text))
    assert set(listed) == {"synthetic_playing.h5", "synthetic_playing.sto", "truth.json"}
    for name, digest in listed.items():
        assert hashlib.sha256((EMG_DATA / name).read_bytes()).hexdigest() == digest


def test_loaded_objects_give_the_numbers_of_their_files(result):
    loaded = compare(
        read_simulated(SIM),
        load_recording(EMG),
        muscle_map=read_map(MAP),
        same_person=[load_recording(EMG)],
    )
    assert np.array_equal(loaded.comparison.shares, result.comparison.shares)
    assert loaded.pooled.scores == result.pooled.scores
    assert loaded.pooled.ceilings == result.pooled.ceilings
    assert loaded.comparison.parameters["simulated"] == "simulated muscles in memory"


def test_every_option_of_the_command_is_a_keyword_with_the_same_default():
    keywords = inspect.signature(compare).parameters
    names = {"map": "muscle_map", "sim": "performance", "emg": "recording"}
    options = {names.get(field.name, field.name): field for field in fields(CompareArgs)}
    assert set(options) - {"out"} == set(keywords)
    for name, field in options.items():
        if name not in ("out", "performance", "recording"):
            assert keywords[name].default == field.default, name


def test_a_saved_folder_has_page_numbers_and_figures(result, tmp_path):
    files = result.save(str(tmp_path / "deep" / "compared"))
    assert [file.name for file in files[:3]] == [
        "comparison.html",
        "comparison.json",
        "muscles.csv",
    ]
    assert all(file.exists() for file in files)
    assert "synthetic_playing.sto against synthetic_playing.h5" in files[0].read_text()
    written = json.loads(files[1].read_text())
    assert written["parameters"]["map"] == str(MAP)
    assert written["pooled"]["scores"]["r"] == result.pooled.scores["r"]


def test_printed_it_has_title_table_and_summary(result):
    text = str(result)
    assert text.startswith(result.title)
    assert text.endswith(result.summary)
    assert all(f"\n{muscle.name} " in text for muscle in result.muscles)


def test_a_notebook_shows_summary_and_table(result):
    part = result._repr_html_()
    assert result.summary.split(";")[0] in part
    assert part.count("<tr>") == len(result.muscles) + 2
    assert "<html" not in part
    assert "<script" not in part


def test_channels_named_like_muscles_need_no_map():
    projected = project(read_simulated(SIM), load_recording(EMG))
    assert set(projected.names) == {"FCR", "PT", "FCU", "ECU", "APL"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"performance": Path("none.sto")}, "none.sto"),
        ({"recording": Path("none.h5")}, "none.h5"),
        ({"muscle_map": EMG_DATA / "muscle_map_armband.csv"}, "channels"),
        ({"side": "up"}, "side"),
        ({"quantity": "force"}, "quantity"),
        ({"normalise": "mvc"}, "reference"),
        ({"delay": 100.0}, "time in common"),
        ({"lags": (0.2, 0.1)}, "lag_range"),
    ],
)
def test_what_cannot_be_compared_is_refused(change, words):
    with pytest.raises(MusclehandError, match=words):
        compare(**{"performance": SIM, "recording": EMG, "muscle_map": MAP, **change})
