"""`musclehand emg compare` on the shipped synthetic recording, whose truth is in
data/emg/truth.json."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musclehand.cli.emg.compare import CompareArgs, compare_files, project, run_comparison
from musclehand.core.errors import MusclehandError
from musclehand.emg.io.simulated import read_simulated
from musclehand.emg.io.store import load_recording
from musclehand.emg.model.forward import expected_amplitude
from support.paths import EMG_DATA

DATA = EMG_DATA
ARGS = CompareArgs(
    DATA / "synthetic_playing.sto", DATA / "synthetic_playing.h5", map=DATA / "muscle_map.csv"
)


@pytest.fixture(scope="module")
def found():
    return run_comparison(replace(ARGS, same_person=(ARGS.emg,)))


def test_the_shipped_truth_is_recovered(found):
    comparison, events = found
    truth = json.loads((DATA / "truth.json").read_text())
    assert comparison.pooled.lag == pytest.approx(truth["lead_s"], abs=0.01)
    assert comparison.channels.first >= 0.5 >= 4 * comparison.channels.chance
    assert comparison.pooled.nulls["surrogate"]["r"].p < 0.01
    assert comparison.pooled.nulls["wrong muscle"]["r"].p < 0.01
    assert comparison.pooled.ceilings["same person"] == pytest.approx(1.0)
    assert len(events) > 20


def test_the_recording_is_what_the_activations_would_give():
    truth = json.loads((DATA / "truth.json").read_text())
    simulated = read_simulated(ARGS.sim)
    recording = load_recording(ARGS.emg)
    columns = [simulated.muscles.index(name) for name in truth["muscles"]]
    gains = np.array([truth["gain_v"][name] for name in recording.names])
    power = np.square(expected_amplitude(simulated.values[:, columns])) @ np.square(gains.T)
    expected = np.sqrt(
        power.mean(axis=0) + truth["forward"]["noise_v"] ** 2 + truth["forward"]["mains_v"] ** 2 / 2
    )
    np.testing.assert_allclose(recording.samples.std(axis=0), expected, rtol=0.1)


def test_the_readme_has_the_checksums():
    text = (DATA / "README.md").read_text()
    listed = dict(re.findall(r"\| (\S+) \| \d+ kB \| `([0-9a-f]{64})` \|", text))
    assert set(listed) == {"synthetic_playing.h5", "synthetic_playing.sto", "truth.json"}
    for name, digest in listed.items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest


def test_the_terminal_gets_table_and_verdict_and_the_folder_the_page(
    found, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("musclehand.cli.emg.compare.run_comparison", lambda args: found)
    compare_files(replace(ARGS, out=tmp_path / "compared"))
    said = capsys.readouterr().out
    for words in (
        "FDS",
        "wrong muscle",
        "The true channel is first of 8",
        "compare shapes",
        "Written to",
    ):
        assert words in said
    assert (tmp_path / "compared" / "comparison.html").stat().st_size < 2_000_000
    parameters = json.loads((tmp_path / "compared" / "comparison.json").read_text())["parameters"]
    assert (parameters["quantity"], parameters["combine"]) == ("activation", "mean")


def test_channels_called_like_muscles_need_no_map():
    projected = project(read_simulated(ARGS.sim), load_recording(ARGS.emg), None)
    assert set(projected.names) == {"FCR", "PT", "FCU", "ECU", "APL"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sim": Path("none.sto")}, "none.sto"),
        ({"emg": Path("none.h5")}, "none.h5"),
        ({"map": DATA / "muscle_map_armband.csv"}, "channels"),
        ({"side": "up"}, "side"),
        ({"quantity": "force"}, "quantity"),
        ({"normalise": "mvc"}, "reference"),
        ({"delay": 100.0}, "time in common"),
        ({"lags": (0.2, 0.1)}, "searched"),
    ],
)
def test_what_cannot_be_compared_is_told(change, words):
    with pytest.raises(MusclehandError, match=words):
        run_comparison(replace(ARGS, **change))
