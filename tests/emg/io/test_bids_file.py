"""EDF and BDF with the sidecars of EMG-BIDS: what pyedflib writes is read, and damage is an
error."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.emg.io.bids_file import read_edf
from musclehand.emg.recording import EmgFileError

pyedflib = pytest.importorskip("pyedflib")


def write_edf(path, kind):
    """Two channels at 1 kHz in microvolts, a force at 100 Hz, and an annotation; returns the
    three signals."""
    rng = np.random.default_rng(0)
    signals = [rng.normal(size=3000) * 50, rng.normal(size=3000) * 20, np.linspace(0, 10, 300)]
    low, high = (-32768, 32767) if kind == pyedflib.FILETYPE_EDFPLUS else (-8388608, 8388607)
    writer = pyedflib.EdfWriter(str(path), 3, kind)
    for i, (label, unit, rate) in enumerate(
        (("FDS", "uV", 1000), ("EDC", "uV", 1000), ("grip", "N", 100))
    ):
        heading = {
            "label": label,
            "dimension": unit,
            "sample_frequency": rate,
            "transducer": "",
            "prefilter": "",
        }
        limits = {
            "physical_max": 500,
            "physical_min": -500,
            "digital_max": high,
            "digital_min": low,
        }
        writer.setSignalHeader(i, heading | limits)
    writer.writeSamples(signals)
    writer.writeAnnotation(0.5, 1.0, "fist")
    writer.close()
    return signals


@pytest.fixture(scope="module")
def edf(tmp_path_factory):
    path = tmp_path_factory.mktemp("edf") / "sub-01_ses-a_task-scales_emg.edf"
    write_edf(path, pyedflib.FILETYPE_EDFPLUS)
    return path


@pytest.mark.parametrize(("ending", "kind"), [("edf", "EDFPLUS"), ("bdf", "BDFPLUS")])
def test_what_pyedflib_writes_is_read(ending, kind, tmp_path):
    path = tmp_path / f"x.{ending}"
    signals = write_edf(path, getattr(pyedflib, f"FILETYPE_{kind}"))
    emg = read_edf(path)
    step = 1000 / (2**16 if ending == "edf" else 2**24)
    assert emg.fs_hz == 1000.0
    assert emg.names == ("FDS", "EDC")
    assert emg.channels[0].unit == "V"
    for name, signal in zip(emg.names, signals, strict=False):
        assert emg.channel(name) == pytest.approx(1e-6 * signal, abs=1.1e-6 * step)
    grip = emg.extra["other grip"]
    assert grip.units == ("N",)
    assert grip.fs_hz == pytest.approx(100.0)
    assert grip.values[:, 0] == pytest.approx(signals[2], abs=2 * step)
    assert [(event.onset, event.duration, event.label) for event in emg.events] == [
        (0.5, 1.0, "fist")
    ]


def sidecars(path, tmp_path, **texts):
    stem = path.name.removesuffix("_emg.edf")
    (tmp_path / path.name).write_bytes(path.read_bytes())
    for kind, text in texts.items():
        ending = "emg.json" if kind == "emg" else f"{kind}.tsv"
        (tmp_path / f"{stem}_{ending}").write_text(text)
    return tmp_path / path.name


def test_sidecars_say_what_channels_and_events_are(edf, tmp_path):
    path = sidecars(
        edf,
        tmp_path,
        channels="name\ttype\tunits\ttarget_muscle\tplacement\tside\nFDS\tEMG\tuV\tFDS\tvolar\tleft\nEDC\tMISC\tuV\tn/a\tn/a\tn/a\n",
        events="onset\tduration\ttrial_type\n1.5\t0.25\tpress\n2\tn/a\tsync\n",
        emg=json.dumps({"License": "CC0", "PowerLineFrequency": 50, "nested": {"a": 1}}),
    )
    emg = read_edf(path)
    assert emg.names == ("FDS",)
    assert (emg.channels[0].muscle, emg.channels[0].site, emg.channels[0].side) == (
        "FDS",
        "volar",
        Side.LEFT,
    )
    assert set(emg.extra) == {"other EDC", "other grip"}
    assert [event.label for event in emg.events] == ["fist", "press", "sync"]
    assert (emg.subject, emg.session, emg.licence) == ("01", "a", "CC0")
    assert emg.provenance["PowerLineFrequency"] == "50"


@pytest.mark.parametrize(
    ("sidecar", "problem"),
    [
        ({"channels": "type\nEMG\n"}, "channels.*line 1"),
        ({"channels": "name\ttype\nFDS\n"}, "channels.*line 2"),
        ({"channels": "name\ttype\nFCR\tEMG\n"}, "FCR"),
        ({"channels": "name\ttype\nFDS\tMISC\nEDC\tMISC\ngrip\tMISC\n"}, "no EMG"),
        ({"events": "onset\tduration\nsoon\t1\n"}, "events.*line 2"),
        ({"events": "onset\tduration\n1\t-1\n"}, "events.*line 2"),
        ({"events": "onset\n1\n"}, "events.*line 1"),
        ({"emg": "{"}, "JSON"),
        ({"emg": "[]"}, "JSON"),
    ],
)
def test_wrong_sidecars_are_named(sidecar, problem, edf, tmp_path):
    with pytest.raises(EmgFileError, match=problem):
        read_edf(sidecars(edf, tmp_path, **sidecar))


@pytest.mark.parametrize("data", [b"", b"0       ", b"time,a\n" * 100, b"0       " + bytes(600)])
def test_a_file_of_something_else_is_named(data, tmp_path):
    (tmp_path / "no.edf").write_bytes(data)
    with pytest.raises(EmgFileError, match=r"no\.edf"):
        read_edf(tmp_path / "no.edf")
    with pytest.raises(EmgFileError, match="no such file"):
        read_edf(tmp_path / "none.edf")


def test_a_file_cut_short_is_named(edf, tmp_path):
    (tmp_path / "short.edf").write_bytes(edf.read_bytes()[:-100])
    with pytest.raises(EmgFileError, match="cut short"):
        read_edf(tmp_path / "short.edf")


@settings(max_examples=60)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.sampled_from(b" 019-+.e\xff\0A")), max_size=4),
    length=st.floats(0, 1) | st.just(1.0),
)
def test_damaged_bytes_are_errors_or_harmless(changes, length, edf, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.edf"
    data = bytearray(edf.read_bytes())
    for at, value in changes:
        data[int(at * 256 * 5)] = value
    path.write_bytes(data[: round(length * len(data))])
    problem = problem_of(lambda: read_edf(path))
    assert problem is None or "damaged.edf" in problem


def problem_of(read):
    try:
        read()
    except EmgFileError as error:
        return str(error)
    return None
