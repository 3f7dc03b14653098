"""Recordings into EMG-BIDS and back: nothing lost but what is said to be, and the file itself as
pyedflib sees it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.cli import main
from musclehand.core.errors import InvalidValue, OutputError
from musclehand.emg.io.bids_file import read_edf
from musclehand.emg.io.bids_folder import save_bids
from musclehand.emg.io.store import save_recording
from musclehand.emg.recording import Channel, EmgRecording, Event, TimeSeries

pyedflib = pytest.importorskip("pyedflib")

RNG = np.random.default_rng(0)
CHANNELS = (
    Channel("FDS", "FDS", "volar mid-forearm", Side.LEFT),
    Channel("a rather long name of a channel, 1", None, None, None),
    Channel("a rather long name of a channel, 2", "EDC", None, Side.RIGHT),
)
EMG = EmgRecording(
    samples=RNG.normal(size=(2345, 3)) * [1e-4, 3e-3, 1e-6],
    fs_hz=1000.0,
    channels=CHANNELS,
    events=(Event(0.5, 0.25, "press"), Event(1.0, 0.0, "C4")),
    extra={"angles": TimeSeries(np.arange(3.0), np.zeros((3, 1)), ("wrist",))},
    subject="P-07",
    session="2",
    provenance={"source": "made up"},
    licence="CC0-1.0",
)


def test_what_is_written_is_read_back(tmp_path):
    path = save_bids(tmp_path / "study", EMG, task="scales")
    assert (
        path.relative_to(tmp_path).as_posix()
        == "study/sub-P07/ses-2/emg/sub-P07_ses-2_task-scales_emg.bdf"
    )
    back = read_edf(path)
    assert back.samples.shape == EMG.samples.shape
    step = np.array([1e-3, 1e-1, 1e-5]) / (2**23 - 1)
    assert (np.abs(back.samples - EMG.samples).max(axis=0) <= step).all()
    assert back.fs_hz == EMG.fs_hz
    assert back.events == EMG.events
    assert back.names == ("FDS", "a rather long na", "a rather long ~3")
    assert [(c.muscle, c.site, c.side, c.unit) for c in back.channels] == [
        (c.muscle, c.site, c.side, "V") for c in EMG.channels
    ]
    assert (back.subject, back.session, back.licence) == ("P07", "2", "CC0-1.0")
    assert back.provenance["source"] == "made up"
    assert not back.extra


def test_the_folder_has_what_the_schema_requires(tmp_path):
    path = save_bids(tmp_path, EMG, task="scales")
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion", "License"} <= set(description)
    sidecar = json.loads(path.with_suffix(".json").read_text())
    needed = {
        "TaskName",
        "EMGPlacementScheme",
        "EMGReference",
        "SamplingFrequency",
        "PowerLineFrequency",
    }
    assert needed | {"SoftwareFilters"} <= set(sidecar)
    table = (path.parent / path.name.replace("_emg.bdf", "_channels.tsv")).read_text().splitlines()
    assert table[0].split("\t")[:3] == ["name", "type", "units"]
    assert table[2].split("\t") == ["a rather long na", "EMG", "uV", "n/a", "n/a", "n/a"]
    with pyedflib.EdfReader(str(path)) as file:
        assert file.filetype == pyedflib.FILETYPE_BDFPLUS
        assert file.getPhysicalDimension(0) == "uV"


@settings(max_examples=15, deadline=None)
@given(
    fs_hz=st.sampled_from(
        [200.0, 512.0, 1000.0, 1259.259259, 1925.925926, 2000.0, 2148.148148, 4096.0]
    ),
    count=st.integers(5, 5000),
    size=st.sampled_from([1e-3, 1.0, 127.0]),
)
def test_any_length_and_rate_comes_back(fs_hz, count, size, tmp_path_factory):
    samples = np.random.default_rng(count).uniform(-size, size, (count, 2))
    emg = EmgRecording(
        samples,
        fs_hz,
        (Channel("a", unit="counts"), Channel("b", unit="V" if size < 2 else "counts")),
    )
    back = read_edf(save_bids(tmp_path_factory.mktemp("bids"), emg, task="t"))
    assert back.fs_hz == pytest.approx(fs_hz, rel=1e-6)
    assert back.samples.shape == samples.shape
    assert back.channels[0].unit == "counts"
    np.testing.assert_allclose(back.samples, samples, atol=2e-6 * size)


def test_what_cannot_be_written_is_refused(tmp_path):
    gaps = np.array(EMG.samples)
    gaps[3, 1] = np.nan
    with pytest.raises(InvalidValue, match="gaps"):
        save_bids(tmp_path, replace(EMG, samples=gaps), task="t")
    with pytest.raises(InvalidValue, match="task"):
        save_bids(tmp_path, EMG, task="two words")
    with pytest.raises(InvalidValue, match="samples of FDS"):
        save_bids(tmp_path, EMG.with_samples(EMG.samples * 1e9, 1000.0), task="t")
    save_bids(tmp_path, EMG, task="t")
    with pytest.raises(OutputError, match="already"):
        save_bids(tmp_path, EMG, task="t")
    save_bids(tmp_path, EMG, task="t", force=True)


def test_the_command_makes_a_folder_that_can_be_asked(tmp_path, capsys):
    save_recording(tmp_path / "a.h5", EMG)
    assert (
        main(
            [
                "emg",
                "convert",
                str(tmp_path / "a.h5"),
                "--out",
                str(tmp_path / "study"),
                "--task",
                "scales",
            ]
        )
        == 0
    )
    assert "angles" in capsys.readouterr().out
    assert main(["emg", "info", str(tmp_path / "study")]) == 0
    assert "bdf" in capsys.readouterr().out
    assert main(["emg", "convert", str(tmp_path / "a.h5"), "--out", str(tmp_path / "x.csv")]) == 2
