"""BrainVision: what pybv writes and what the format's description says."""

import numpy as np
import pytest

from musclehand.emg.io.brainvision_file import read_brainvision
from musclehand.emg.io.reading import ReadOptions, read_emg
from musclehand.emg.recording import EmgFileError

SAMPLES = np.random.default_rng(0).integers(-3000, 3000, (100, 3))
HEADER = """Brain Vision Data Exchange Header File Version 1.0
; a comment

[Common Infos]
Codepage=UTF-8
DataFile={data}
MarkerFile=a.vmrk
DataFormat={format}
DataOrientation={orientation}
NumberOfChannels=3
SamplingInterval=500

[Binary Infos]
BinaryFormat={binary}

[Channel Infos]
Ch1=FDS,,0.1,µV
Ch2=EDC\\1 left,,0.5,
Ch3=Grip,,0.01,N
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0

[Common Infos]
DataFile=a.eeg

[Marker Infos]
Mk1=New Segment,,1,1,0,20260101
Mk2=Stimulus,S  1,41,1,0
Mk3=Comment,hold\\1 hard,61,20,0
"""


def write(folder, *, binary="INT_16", orientation="MULTIPLEXED", data="a.eeg", fmt="BINARY"):
    kinds = {"INT_16": "<i2", "INT_32": "<i4", "IEEE_FLOAT_32": "<f4", "UINT_16": "<u2"}
    values = SAMPLES if orientation == "MULTIPLEXED" else SAMPLES.T
    header = HEADER.format(binary=binary, orientation=orientation, data=data, format=fmt)
    (folder / "a.vhdr").write_text(header, encoding="utf-8")
    (folder / "a.vmrk").write_text(MARKERS, encoding="utf-8")
    (folder / "a.eeg").write_bytes(values.astype(kinds[binary]).tobytes())
    return folder / "a.vhdr"


@pytest.mark.parametrize("binary", ["INT_16", "INT_32", "IEEE_FLOAT_32"])
@pytest.mark.parametrize("orientation", ["MULTIPLEXED", "VECTORIZED"])
@pytest.mark.parametrize("name", ["a.vhdr", "a.eeg", "a.vmrk"])
def test_samples_are_in_volts_by_resolution_and_unit(binary, orientation, name, tmp_path):
    write(tmp_path, binary=binary, orientation=orientation)
    emg = read_emg(tmp_path / name)
    assert emg.fs_hz == 2000.0
    assert emg.names == ("FDS", "EDC, left")
    assert emg.samples == pytest.approx(1e-6 * SAMPLES[:, :2] * [0.1, 0.5], rel=1e-12)
    assert emg.extra["Grip"].units == ("N",)
    assert emg.extra["Grip"].values[:, 0] == pytest.approx(0.01 * SAMPLES[:, 2])
    assert [(event.label, event.onset, event.duration) for event in emg.events] == [
        ("S  1", 0.02, 0.0),
        ("hold, hard", 0.03, 0.01),
    ]


def test_text_samples_are_read(tmp_path):
    path = write(tmp_path, fmt="ASCII")
    infos = "[ASCII Infos]\nDecimalSymbol=,\nSkipLines=1\nSkipColumns=0\n"
    path.write_text(path.read_text().replace("[Binary Infos]", f"{infos}\n[Binary Infos]"))
    lines = [" ".join(f"{value:.2f}".replace(".", ",") for value in row) for row in SAMPLES]
    (tmp_path / "a.eeg").write_text("FDS EDC Grip\n" + "\n".join(lines) + "\n")
    emg = read_emg(path)
    assert emg.samples[:, 0] == pytest.approx(1e-7 * SAMPLES[:, 0])


def test_what_pybv_writes_is_read(tmp_path):
    pybv = pytest.importorskip("pybv")
    volts = 1e-6 * SAMPLES.T
    pybv.write_brainvision(
        data=volts,
        sfreq=1000,
        ch_names=["FDS", "EDC", "EIP"],
        fname_base="b",
        folder_out=tmp_path,
        resolution=1e-3,
        unit=["µV", "mV", "nV"],
        fmt="binary_float32",
        events=np.array([[10, 1, 5]]),
    )
    emg = read_emg(tmp_path / "b.vhdr")
    assert emg.fs_hz == pytest.approx(1000.0)
    assert emg.samples == pytest.approx(volts.T, rel=1e-6)
    assert [event.onset for event in emg.events] == pytest.approx([0.01])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Brain Vision", "Brian", "no header"),
        ("=a.eeg", "=../a.eeg", "beside the header"),
        ("=a.eeg", "=/etc/passwd", "beside the header"),
        ("NumberOfChannels=3", "NumberOfChannels=99999999", "1 to 4096"),
        ("NumberOfChannels=3", "NumberOfChannels=7", "no samples of 7"),
        ("SamplingInterval=500", "SamplingInterval=0", "above 0"),
        ("SamplingInterval=500", "SamplingInterval=x", "a number"),
        ("INT_16", "INT_99", "known are"),
        (",0.1,", ",zero,", "resolution"),
    ],
)
def test_a_header_that_makes_no_sense_is_named(old, new, problem, tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(EmgFileError, match=problem) as caught:
        read_brainvision(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named_and_the_told_unit_holds(tmp_path):
    path = write(tmp_path)
    emg = read_emg(path, ReadOptions(unit="mV"))
    assert emg.samples[:, 0] == pytest.approx(1e-4 * SAMPLES[:, 0])
    (tmp_path / "a.eeg").unlink()
    with pytest.raises(EmgFileError, match=r"a\.eeg"):
        read_emg(path)
