"""`musclehand play --condition`: the hands that play have it, and what is wrong with it is said
before any work."""

import json

import numpy as np
import pytest

from musclehand.body.conditions.condition import find_condition
from musclehand.cli import main
from musclehand.core.recording import Recording
from musclehand.music.sources import load_score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings

PARALYSED = ("DI", "PI", "ADM", "FDM")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def play(*words):
    return main(["play", "five_finger_right", "--clip", "0", "2", *words])


def read_metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def activations(folder):
    """Every muscle's activation by name, both hands. Shape (steps,) each."""
    with Recording.open(folder / "recording.h5") as recording:
        names = recording.channels["act"].names
        act = np.asarray(recording["act"][:])
    return dict(zip(names, act.T, strict=True))


def test_a_hand_with_ulnar_palsy_plays_without_its_interossei(tmp_path):
    healthy = perform(load_score("five_finger_right", clip=(0.0, 2.0)), record="recording.h5")
    assert play("--condition", "ulnar-palsy") == 0
    folder = tmp_path / "performances" / "five_finger_right_muscle_ulnar-palsy"
    palsy = read_metrics(folder)
    assert palsy["condition"] == "ulnar-palsy"
    assert palsy["model_sha256"] != healthy.provenance["model_sha256"]
    assert palsy["joint_rmse_deg"] > 1.5 * healthy.body.joint_rmse_deg
    for name, act in activations(folder).items():
        if name.startswith(PARALYSED):
            assert act.max() < 1e-6, name
    healthy_act = activations(tmp_path)
    assert max(act.max() for name, act in healthy_act.items() if name.startswith(PARALYSED)) > 0.05


def test_tired_hands_give_less(tmp_path):
    tired = find_condition("fatigue=0.9").fatigue
    settings = PlayerSettings(fatigue=tired)
    perform(load_score("five_finger_right", clip=(0.0, 1.0)), settings, record="recording.h5")
    most = max(act.max() for act in activations(tmp_path).values())
    # 0.1 of the motor units at first, and what recovers in two seconds and a half at 1.4 % a
    # second.
    assert 0.1 < most < 0.14


@pytest.mark.parametrize(
    "words",
    [
        ("--condition", "ulnar-plasy"),
        ("--condition", "weak:FDP9=0.5"),
        ("--condition", "weak:FDP2=2"),
        ("--condition", "transfer:EIP>PT"),
        ("--condition", "enslaving=3"),
        ("--condition", "enslaving", "--criterion", "cubes"),
        ("--condition", "fatigue", "--controller", "keyboard"),
    ],
)
def test_a_wrong_condition_is_one_line_before_any_work(tmp_path, capsys, words):
    assert play(*words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("musclehand: error: ")
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
