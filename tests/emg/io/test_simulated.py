"""Muscles out of recordings of performances and OpenSim's files, and what is no such thing."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.core.recording import Channel, RecordingWriter
from musclehand.core.recording_reader import Recording
from musclehand.emg.io.opensim_file import StorageFile, write_storage
from musclehand.emg.io.simulated import (
    SimulatedMuscles,
    muscles_of_performance,
    parse_side,
    read_simulated,
    write_simulated,
)
from musclehand.emg.recording import TimeSeries

NOTES = {
    "onset": "s",
    "offset": "s",
    "pitch": "MIDI",
    "velocity": "MIDI",
    "hand": "0/1",
    "finger": "1-5",
}


def performance(folder, act, step=0.01):
    names = ("FDP2_r", "FCU_r", "FDP2_l")
    channels = {
        "time": Channel("s"),
        "act": Channel("1", (3,), names),
        "ctrl": Channel("1", (4,), (*names, "forearm_r")),
    }
    with RecordingWriter(folder / "recording.h5", channels, tables={"score": NOTES}) as writer:
        writer.extend_table("score", np.array([[0.1, 0.3, 60, 80, 1, 2], [0.2, 0.4, 48, 80, 0, 5]]))
        for index, row in enumerate(act):
            writer.append(time=index * step, act=row, ctrl=np.append(row / 2, 9.0))
    return folder


def test_muscles_of_one_hand_and_its_notes(tmp_path):
    act = np.random.default_rng(1).uniform(size=(50, 3))
    folder = performance(tmp_path, act)
    right = read_simulated(folder)
    assert (right.muscles, right.quantity) == (("FDP2", "FCU"), "activation")
    assert right.fs_hz == pytest.approx(100.0)
    np.testing.assert_allclose(right.values, act[:, :2])
    (note,) = right.events
    assert (note.onset, note.duration, note.label) == (0.1, pytest.approx(0.2), "C4")
    left = read_simulated(folder / "recording.h5", side=Side.LEFT, quantity="excitation")
    assert left.muscles == ("FDP2",)
    np.testing.assert_allclose(left.values[:, 0], act[:, 2] / 2)
    assert left.events[0].label == "C3"


def test_an_open_recording_gives_the_muscles_of_its_file(tmp_path):
    folder = performance(tmp_path, np.random.default_rng(4).uniform(size=(50, 3)))
    with Recording.open(folder / "recording.h5") as recording:
        muscles = muscles_of_performance(recording, side=Side.LEFT)
    assert np.array_equal(muscles.values, read_simulated(folder, side=Side.LEFT).values)
    assert muscles.muscles == ("FDP2",)


def test_written_muscles_are_read_back(tmp_path):
    values = np.random.default_rng(5).uniform(size=(30, 2))
    muscles = SimulatedMuscles(values, 125.0, ("FDP2", "FCU"), "excitation", 0.5)
    write_simulated(tmp_path / "muscles.sto", muscles)
    again = read_simulated(tmp_path / "muscles.sto", quantity="excitation")
    np.testing.assert_allclose(again.values, values)
    assert (again.muscles, again.start) == (muscles.muscles, 0.5)
    assert again.fs_hz == pytest.approx(125.0)
    with pytest.raises(InvalidValue, match=r"\.sto"):
        write_simulated(tmp_path / "muscles.csv", muscles)


@pytest.mark.parametrize(
    "names", [("/forceset/FDP2/activation", "/forceset/FCU/activation"), ("FDP2", "FCU_r")]
)
def test_activations_of_opensim(tmp_path, names):
    time = np.arange(20) / 50
    values = np.random.default_rng(2).uniform(size=(20, 2))
    path = tmp_path / "states.sto"
    write_storage(path, StorageFile(TimeSeries(time, values, names)))
    muscles = read_simulated(path)
    assert (muscles.muscles, muscles.events) == (("FDP2", "FCU"), ())
    assert muscles.fs_hz == pytest.approx(50.0)
    np.testing.assert_allclose(muscles.values, values, rtol=1e-6)


@pytest.mark.parametrize(
    ("time", "value", "words"),
    [
        (np.array([0.0, 0.1, 0.4, 0.5]), 0.5, "evenly"),
        (np.arange(4) / 10, 1.5, "between 0 and 1"),
        (np.arange(2) / 10, 0.5, "2 rows"),
    ],
)
def test_what_are_no_activations_is_refused(tmp_path, time, value, words):
    path = tmp_path / "states.sto"
    write_storage(path, StorageFile(TimeSeries(time, np.full((len(time), 1), value), ("FCU",))))
    with pytest.raises(MusclehandError, match=words) as error:
        read_simulated(path)
    assert "states.sto" in str(error.value)


def test_names_that_do_not_exist_are_told(tmp_path):
    with pytest.raises(UnknownName, match="quantity"):
        read_simulated(tmp_path, quantity="force")
    with pytest.raises(UnknownName, match="side"):
        parse_side("up")
    assert parse_side("left") is Side.LEFT
    with pytest.raises(MusclehandError, match=r"recording\.h5"):
        read_simulated(tmp_path)
    path = tmp_path / "states.sto"
    write_storage(
        path, StorageFile(TimeSeries(np.arange(3.0), np.zeros((3, 1)), ("FCU/excitation",)))
    )
    with pytest.raises(MusclehandError, match="no activation"):
        read_simulated(path)
