"""Any file of EMG by its ending, and a thousand damaged ones: errors that name the file, in time
and in memory."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import io

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.io.column_map import ColumnMap
from musclehand.emg.io.opensim_file import StorageFile, write_storage
from musclehand.emg.io.reading import ReadOptions, find_format, read_emg
from musclehand.emg.io.store import save_recording
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, Event, TimeSeries
from support.scripts import load

RATE = 500.0
SAMPLES = np.round(np.random.default_rng(0).normal(size=(300, 2)), 6)
TIME = np.arange(300) / RATE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same two channels in every format that can be written without an extra."""
    folder = tmp_path_factory.mktemp("formats")
    channels = (Channel("FDS"), Channel("EDC"))
    save_recording(
        folder / "a.h5", EmgRecording(SAMPLES, RATE, channels, (Event(0.1, 0.2, "fist"),))
    )
    table = [f"{t:.6f},{x:.6f},{y:.6f}" for t, (x, y) in zip(TIME, SAMPLES, strict=True)]
    (folder / "a.csv").write_text("\n".join(["time,FDS,EDC", *table]) + "\n")
    write_storage(folder / "a.sto", StorageFile(TimeSeries(TIME, SAMPLES, ("FDS", "EDC"))))
    io.savemat(folder / "a.mat", {"emg": SAMPLES, "frequency": RATE}, do_compression=True)
    np.save(folder / "a.npy", SAMPLES)
    (folder / "a.pkl").write_bytes(pickle.dumps(SAMPLES))
    counts = np.random.default_rng(1).integers(-128, 128, (300, 8))
    (folder / "armband.txt").write_text("\n".join(",".join(map(str, row)) for row in counts) + "\n")
    return folder


@pytest.mark.parametrize("name", ["a.h5", "a.csv", "a.sto", "a.mat", "a.npy", "a.pkl"])
def test_every_format_gives_the_same_samples(name, folder):
    rate = RATE if name in ("a.npy", "a.pkl") else None
    emg = read_emg(folder / name, ReadOptions(fs_hz=rate, allow_pickle=True))
    assert emg.samples == pytest.approx(SAMPLES, abs=1e-12)
    assert emg.fs_hz == pytest.approx(RATE)


def test_extras_are_read_by_their_ending_too(tmp_path):
    pyedflib = pytest.importorskip("pyedflib")
    writer = pyedflib.EdfWriter(str(tmp_path / "a.edf"), 1, pyedflib.FILETYPE_EDFPLUS)
    limits = {"physical_max": 4, "physical_min": -4, "digital_max": 32767, "digital_min": -32768}
    writer.setSignalHeader(0, {"label": "FDS", "dimension": "mV", "sample_frequency": 500} | limits)
    writer.writeSamples([np.tile(SAMPLES[:250, 0], 2)])
    writer.close()
    assert read_emg(tmp_path / "a.edf").samples[:250, 0] == pytest.approx(
        1e-3 * SAMPLES[:250, 0], abs=2e-7
    )


def test_text_of_an_armband_is_known(folder):
    assert find_format(folder / "armband.txt") == "armband"
    assert read_emg(folder / "armband.txt").fs_hz == 200.0
    assert read_emg(folder / "armband.txt", ReadOptions(fs_hz=190.0)).fs_hz == 190.0
    table = read_emg(folder / "armband.txt", ReadOptions(fs_hz=200.0, format="csv", unit="counts"))
    assert table.names == tuple("12345678")
    assert table.channels[0].unit == "counts"


def test_options_say_what_the_file_does_not(folder):
    emg = read_emg(folder / "a.csv", ReadOptions(columns=ColumnMap(unit="mV"), channels=("EDC",)))
    assert emg.names == ("EDC",)
    assert emg.samples[:, 0] == pytest.approx(1e-3 * SAMPLES[:, 1])
    with pytest.raises(UnknownName, match="FCR"):
        read_emg(folder / "a.csv", ReadOptions(channels=("FCR",)))
    with pytest.raises(EmgFileError, match="500 Hz, not 400"):
        read_emg(folder / "a.h5", ReadOptions(fs_hz=400.0))
    with pytest.raises(EmgFileError, match="--allow-pickle"):
        read_emg(folder / "a.pkl", ReadOptions(fs_hz=RATE))
    with pytest.raises(EmgFileError, match="--rate"):
        read_emg(folder / "a.npy")
    with pytest.raises(InvalidValue):
        read_emg(folder / "a.npy", ReadOptions(fs_hz=-1.0))
    with pytest.raises(UnknownName, match="armband"):
        read_emg(folder / "a.npy", ReadOptions(format="wav"))
    with pytest.raises(EmgFileError, match="unknown ending"):
        read_emg(folder / "a.wav")
    with pytest.raises(EmgFileError, match="no such file"):
        read_emg(folder / "none.csv")


def test_times_that_jump_are_named_with_their_line(tmp_path):
    time = np.delete(TIME, [100, 101])
    write_storage(tmp_path / "a.sto", StorageFile(TimeSeries(time, SAMPLES[:-2], ("a", "b"))))
    lines = (tmp_path / "a.sto").read_text().split("\n")
    line = next(i for i, words in enumerate(lines) if words.startswith("0.204"))
    with pytest.raises(EmgFileError, match=rf"line {line + 1}\)"):
        read_emg(tmp_path / "a.sto")


MUTATE = """
import json, random, sys, time
from pathlib import Path
from musclehand.core.errors import MusclehandError
from musclehand.emg.io.marker_file import read_markers
from musclehand.emg.io.reading import ReadOptions, read_emg

folder, count = Path(sys.argv[1]), int(sys.argv[2])
whole = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.startswith("mutant")}
rng, slowest, unnamed, refused = random.Random(1), 0.0, [], 0
for i in range(count):
    name = sorted(whole)[i % len(whole)]
    data = bytearray(whole[name])
    head = rng.choice([64, 300, 1500, len(data)])
    for _ in range(rng.choice([0, 1, 2, 5, 20])):
        data[rng.randrange(min(head, len(data)))] = rng.choice([0, 255, 48, 57, 10, 9, 44, rng.randrange(256)])
    if i % 3 == 0:
        at = rng.randrange(len(data))
        data = data[:at] if i % 2 else data[:at] + data[rng.randrange(len(data)):]
    path = folder / f"mutant_{name}"
    path.write_bytes(data)
    begin = time.perf_counter()
    try:
        if name.endswith(".trc"):
            read_markers(path)
        else:
            rate = None if name[-3:] in ("edf", "c3d", "sto", "rhd", ".h5", "hdr", "eeg") else 500.0
            read_emg(path, ReadOptions(fs_hz=rate, allow_pickle=True))
    except MusclehandError as error:
        refused += 1
        if path.name not in str(error):
            unnamed.append(str(error))
    slowest = max(slowest, time.perf_counter() - begin)
status = Path("/proc/self/status")  # what getrusage says counts the process that started this one
lines = status.read_text().splitlines() if status.exists() else ["VmHWM: 0 kB"]
peak = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
print(json.dumps({"slowest": slowest, "unnamed": unnamed, "refused": refused, "peak": peak, "files": len(whole)}))
"""


def test_a_thousand_damaged_files_over_all_readers(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    add_extras(tmp_path)
    command = [sys.executable, "-c", MUTATE, str(tmp_path), "1000"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    outcome = json.loads(run.stdout)
    assert outcome["unnamed"] == []
    assert outcome["slowest"] < 5.0
    assert outcome["peak"] < 500
    assert outcome["files"] >= 8
    assert outcome["refused"] > 300


def test_damaged_exports_and_archives_are_read_or_named(tmp_path):
    fuzz = load("fuzz_emg")
    report = fuzz.fuzz(fuzz.Config(count=400, seed=3, out=tmp_path / "kept"), progress=False)
    assert report.offending == []
    assert sum(report.outcomes.values()) == 400
    assert {name.split()[1] for name in report.outcomes} == {"read", "refused"}


def add_extras(folder: Path):
    """Files that only libraries write which may not be here."""
    text = "PathFileType\t4\t(X/Y/Z)\tx.trc\nDataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n100\t100\t2\t1\tmm\n"
    text += "Frame#\tTime\tTIP\t\t\n\t\tX1\tY1\tZ1\n\n1\t0\t1\t2\t3\n2\t0.01\t1\t2\t3\n"
    (folder / "a.trc").write_text(text)
    header = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=b.eeg\n"
    header += "NumberOfChannels=2\nSamplingInterval=2000\n[Channel Infos]\nCh1=FDS,,0.1,µV\n"
    (folder / "b.vhdr").write_text(header, encoding="utf-8")
    (folder / "b.eeg").write_bytes((1000 * SAMPLES).astype("<i2").tobytes())
    try:
        import ezc3d
        import pyedflib
    except ImportError:
        return
    file = ezc3d.c3d()
    file["parameters"]["ANALOG"]["RATE"]["value"] = [500]
    file["parameters"]["ANALOG"]["LABELS"]["value"] = ("FDS", "EDC")
    file["parameters"]["POINT"]["RATE"]["value"] = [100]
    file["data"]["points"], file["data"]["analogs"] = np.ones((4, 0, 60)), SAMPLES.T[None]
    file.write(str(folder / "a.c3d"))
    writer = pyedflib.EdfWriter(str(folder / "a.edf"), 1, pyedflib.FILETYPE_EDFPLUS)
    limits = {"physical_max": 4, "physical_min": -4, "digital_max": 32767, "digital_min": -32768}
    writer.setSignalHeader(0, {"label": "FDS", "dimension": "mV", "sample_frequency": 500} | limits)
    writer.writeSamples([np.tile(SAMPLES[:250, 0], 2)])
    writer.close()
