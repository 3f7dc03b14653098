"""Recordings hold what they are given, refuse what cannot be, and give parts of themselves."""

from itertools import pairwise

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, Event, TimeSeries

CHANNELS = (Channel("FDS", "FDS", "volar forearm", Side.RIGHT), Channel("EDC", unit="counts"))


def recording(**changed):
    samples = np.arange(200.0).reshape(100, 2)
    settings = {
        "samples": samples,
        "fs_hz": 100.0,
        "channels": CHANNELS,
        "events": (Event(0.5, 0.2, "fist"), Event(0.1, 0.0, "sync")),
        "extra": {
            "force": TimeSeries(np.arange(10) / 10, np.arange(10.0)[:, None], ("grip",), ("N",))
        },
        "subject": "01",
        "provenance": {"source": "made up"},
    }
    return EmgRecording(**(settings | changed))


def test_a_recording_is_what_it_was_given():
    made = recording()
    assert made.duration == 1.0
    assert made.names == ("FDS", "EDC")
    assert made.time[[0, -1]].tolist() == [0.0, 0.99]
    assert made.channel("EDC")[:3].tolist() == [1.0, 3.0, 5.0]
    assert [event.label for event in made.events] == ["sync", "fist"]
    assert made.events[1].offset == pytest.approx(0.7)
    assert made.extra["force"].fs_hz == pytest.approx(10.0)
    assert made.extra["force"].column("grip")[3] == 3.0
    assert not made.gaps.any()


def test_samples_are_a_copy_that_cannot_be_written_to():
    samples = np.zeros((10, 2))
    made = recording(samples=samples)
    samples[0] = 1.0
    assert not made.samples.any()
    with pytest.raises(ValueError, match="read-only"):
        made.samples[0] = 1.0


def test_missing_samples_are_nan_and_infinite_ones_are_refused():
    samples = np.zeros((10, 2))
    samples[3, 1] = np.nan
    assert np.argwhere(recording(samples=samples).gaps).tolist() == [[3, 1]]
    samples[4, 0] = np.inf
    with pytest.raises(InvalidValue, match="infinite"):
        recording(samples=samples)


@pytest.mark.parametrize(
    "changed",
    [
        {"samples": np.zeros((10, 3))},
        {"samples": np.zeros((0, 2))},
        {"samples": np.zeros(10)},
        {"fs_hz": 0.0},
        {"fs_hz": float("nan")},
        {"fs_hz": 2e6},
        {"fs_hz": True},
        {"channels": ()},
        {"channels": (Channel("a"), Channel("a"))},
        {"subject": "one\ntwo"},
        {"provenance": {"": "x"}},
        {"extra": {"a/b": TimeSeries(np.zeros(1), np.zeros((1, 0)), ())}},
        {"extra": {"force": np.zeros(3)}},
    ],
)
def test_what_cannot_be_is_refused(changed):
    with pytest.raises(InvalidValue):
        recording(**changed)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Channel(""),
        lambda: Channel("a", muscle=""),
        lambda: Channel("a", side="r"),
        lambda: Event(np.nan, 0.0, "x"),
        lambda: Event(0.0, -1.0, "x"),
        lambda: Event(0.0, 1.0, ""),
        lambda: TimeSeries(np.zeros(2), np.zeros((3, 1)), ("a",)),
        lambda: TimeSeries(np.zeros(2), np.zeros((2, 2)), ("a", "a")),
        lambda: TimeSeries(np.array([1.0, 0.0]), np.zeros((2, 1)), ("a",)),
        lambda: TimeSeries(np.zeros(2), np.zeros((2, 1)), ("a",), ("N", "m")),
        lambda: TimeSeries(np.zeros(2), np.full((2, 1), np.inf), ("a",)),
    ],
)
def test_parts_that_cannot_be_are_refused(make):
    with pytest.raises(InvalidValue):
        make()


def test_unknown_channels_are_named():
    with pytest.raises(UnknownName, match="FDP"):
        recording().channel("FDP")
    with pytest.raises(UnknownName):
        recording().extra["force"].column("pinch")


def test_channels_are_selected_in_the_order_asked_for():
    part = recording().select(["EDC", "FDS"])
    assert part.names == ("EDC", "FDS")
    assert part.samples[0].tolist() == [1.0, 0.0]


def test_other_samples_of_the_same_channels():
    slow = recording().with_samples(np.zeros((10, 2)), 10.0)
    assert slow.duration == 1.0
    assert slow.events == recording().events
    with pytest.raises(InvalidValue):
        recording().with_samples(np.zeros((10, 1)), 10.0)


def test_a_segment_has_its_own_time():
    part = recording().segment(0.3, 0.6)
    assert part.samples[:, 0].tolist() == np.arange(60.0, 120.0, 2).tolist()
    assert len(part.events) == 1
    assert part.events[0].onset == pytest.approx(0.2)
    assert part.events[0].duration == pytest.approx(0.1)
    assert part.extra["force"].time == pytest.approx([0.0, 0.1, 0.2])
    assert part.extra["force"].values[:, 0].tolist() == [3.0, 4.0, 5.0]


def test_segments_next_to_each_other_make_the_whole():
    whole = recording()
    cuts = [0.0, 0.07, 0.29, 0.3, 0.57, 1.0]
    parts = [whole.segment(low, high).samples for low, high in pairwise(cuts)]
    assert np.concatenate(parts).tolist() == whole.samples.tolist()


@pytest.mark.parametrize("times", [(0.5, 0.5), (2.0, 3.0), (0.6, 0.5), (np.nan, 1.0)])
def test_an_empty_segment_is_refused(times):
    with pytest.raises(InvalidValue, match="segment"):
        recording().segment(*times)


def test_a_file_error_names_file_and_place():
    assert str(EmgFileError("a.csv", "too short", where="line 3")) == "a.csv (line 3): too short"
