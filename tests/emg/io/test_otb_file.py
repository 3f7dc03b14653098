"""Archives of OT BioLab: gains, ranges and units as they state them, and nothing hostile opened."""

import io
import tarfile

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.emg.io.otb_file import read_otb
from musclehand.emg.io.reading import read_emg
from musclehand.emg.recording import EmgFileError
from support.emg_files import archive, otb4, otb_plus

COUNTS = np.random.default_rng(0).integers(-3000, 3000, (200, 4))


def write(folder, data, name="a.otb+"):
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("device", "gain", "microvolts"),
    [
        ("QUATTROCENTO", "150.0", 5e6 / 2**16 / 150),
        ("QUATTROCENTO", "1", 5e6 / 2**16 / 150),
        ("DUE+", "202.0", 3.3e6 / 2**16 / 202),
        ("MUOVI", "1", 4.8e6 / 2**16 / 256),
        ("EMG-USB2", "500", 5e6 / 2**16 / 500),
    ],
)
def test_counts_become_volts_by_the_gain_of_adapter_or_device(device, gain, microvolts, tmp_path):
    emg = read_emg(write(tmp_path, otb_plus(COUNTS, device=device, gain=gain)))
    assert emg.fs_hz == 2048.0
    assert emg.names == ("EMG 1", "EMG 2")
    assert emg.samples == pytest.approx(1e-6 * microvolts * COUNTS[:, :2], rel=1e-12)
    assert [channel.unit for channel in emg.channels] == ["V", "V"]


def test_muscles_sides_auxiliary_inputs_and_markers_are_kept(tmp_path):
    emg = read_otb(write(tmp_path, otb_plus(COUNTS)))
    assert emg.channels[0].muscle == "Flexor digitorum superficialis"
    assert emg.channels[1].muscle is None
    assert emg.channels[0].side is Side.LEFT
    assert list(emg.extra) == ["AUX 1", "Ramp"]
    assert np.array_equal(emg.extra["Ramp"].values[:, 0], COUNTS[:, 3])
    assert [(event.label, event.onset) for event in emg.events] == [("press", 0.01)]


def test_an_assumed_converter_is_called_so(tmp_path):
    emg = read_otb(write(tmp_path, otb_plus(COUNTS, device="SOMETHING", gain="1")))
    assert "assumed" in emg.provenance["note"]


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e3), ("uV", 1e6), ("V", 1.0)])
def test_tracks_state_range_bits_gain_and_unit(size, unit, factor, tmp_path):
    path = write(
        tmp_path, otb4(COUNTS[:, :3], gain=4.0, unit=unit, factor=factor, size=size), "a.otb4"
    )
    emg = read_emg(path)
    assert emg.names == ("HD08MM1305 1", "HD08MM1305 2")
    assert emg.fs_hz == 2000.0
    expected = COUNTS[:, :2] * 4.8 / 2.0 ** (8 * size) / 4
    assert emg.samples == pytest.approx(expected, rel=1e-12, abs=1e-18)
    assert emg.provenance["unit in the file"] == unit
    assert list(emg.extra) == ["Ramp"]


def test_floats_are_not_scaled(tmp_path):
    path = write(tmp_path, otb4(COUNTS[:, :3], size=8), "a.otb4")
    assert read_emg(path).samples == pytest.approx(1e-3 * COUNTS[:, :2], rel=1e-12)


def test_a_packed_archive_is_read_and_a_bomb_is_not(tmp_path):
    assert len(read_otb(write(tmp_path, otb_plus(COUNTS, packed="gz"))).samples) == 200
    zeros = archive({"a.sig": bytes(30_000_000)}, "gz")
    with pytest.raises(EmgFileError, match="refused"):
        read_otb(write(tmp_path, zeros))


ENTITY = '<!DOCTYPE a [<!ENTITY b "c">]>'


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no archive"),
        (b"x" * 2000, "no archive"),
        (archive({"a.txt": b""}), "no samples"),
        (otb_plus(COUNTS)[:2000], "damaged"),
        (otb_plus(COUNTS, doctype=ENTITY), "DOCTYPE"),
        (archive({"a.sig": b"", "a.xml": b"<a>" * 300}), "levels"),
        (archive({"a.sig": b"", "a.xml": b"<a"}), "no XML"),
        (otb_plus(COUNTS[:199, :3]), "no samples of 4 channels"),
    ],
)
def test_what_is_no_archive_is_named(data, problem, tmp_path):
    with pytest.raises(EmgFileError, match=problem) as caught:
        read_otb(write(tmp_path, data))
    assert "a.otb+" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_in_an_archive_are_not_followed(tmp_path):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as file:
        link = tarfile.TarInfo("a.sig")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    with pytest.raises(EmgFileError, match="no samples"):
        read_otb(write(tmp_path, target.getvalue()))
