"""Damaged EMG files by the thousand: reading returns a recording, or says what is wrong.

    python experiments/fuzz_emg.py --count 10000

Sound files of every format are made here, then damaged: bytes flipped, cut off, inserted, lengths
changed, blocks repeated, words of texts exchanged. Half of the damage to archives is inside their
parts. Reported are the outcomes, errors by kind, the slowest file, and the largest growth of
memory. The exit code is 1 if anything but an error of musclehand escaped, or if a file took over
5 s or grew memory by over 500 MB; such files are kept. Mutant k of seed s is the same everywhere.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.mutants import (
    WAYS,
    WAYS_OF_TEXT,
    Limits,
    Report,
    print_report,
    run_worker,
    watch_workers,
)
from musclehand.core.errors import MusclehandError
from musclehand.emg.io.reading import ReadOptions, read_emg
from musclehand.emg.io.store import save_recording
from musclehand.emg.recording import Channel, EmgRecording

MAX_SECONDS = 5.0
"""[s] Longest time that reading a file may take."""

MAX_GROWTH_MB = 500.0
"""[MB] Largest growth of memory that reading a file may cause."""

_TEXTS = (".csv", ".txt", ".emt", ".vhdr")
_RATE_HZ = 500.0


@dataclass(frozen=True)
class Config:
    """What to damage, and where to keep offending files."""

    count: int = 10_000
    """Number of damaged files."""

    seed: int = 0
    """Of the damage."""

    out: Path = Path("runs/fuzz_emg")
    """Folder of offending files."""


def make_seeds() -> list[tuple[str, bytes]]:
    """Sound files of every format, as (extension, content)."""
    values = np.round(np.random.default_rng(1).normal(size=(120, 2)), 4)
    seeds = [(suffix, text.encode()) for suffix, text in _texts(values)]
    seeds += [(".otb+", _otb_plus(values)), (".otb4", _otb4(values)), (".xdf", _xdf(values))]
    seeds.append((".xdfz", gzip.compress(_xdf(values))))
    with tempfile.TemporaryDirectory() as folder:
        seeds += _library_files(Path(folder), values)
    return seeds


def mutant(seeds: list[tuple[str, bytes]], seed: int, index: int) -> tuple[str, bytes]:
    """Damaged file number `index` of a random seed, as (extension, content).

    Args:
        seeds: intact files, as (extension, content).
        seed: of all damage.
        index: number of the file.
    """
    rng = random.Random(f"{seed}/{index}")
    suffix, content = seeds[index % len(seeds)]
    if suffix in (".xlsx", ".otb+", ".otb4") and rng.random() < 0.6:
        return suffix, _damage_part(content, rng)
    is_text = suffix in _TEXTS and rng.random() < 0.7
    return suffix, _damage(content, rng, is_text=is_text)


def _damage(content: bytes, rng: random.Random, *, is_text: bool) -> bytes:
    data = bytearray(content)
    head = rng.choice((len(data), len(data), min(len(data), 1500)))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        way = rng.choice(WAYS_OF_TEXT if is_text else WAYS)
        damaged = way(data[:head], rng) or bytearray(b"\0")
        data = damaged + data[head:]
    return bytes(data)


def _damage_part(content: bytes, rng: random.Random) -> bytes:
    """A sound archive with one damaged part."""
    target = io.BytesIO()
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        chosen = rng.choice(sorted(parts))
        parts[chosen] = _damage(parts[chosen], rng, is_text=rng.random() < 0.7)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in parts.items():
                archive.writestr(name, part)
        return target.getvalue()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in tar.getmembers()}
    chosen = rng.choice(sorted(members))
    members[chosen] = _damage(members[chosen], rng, is_text=chosen.endswith(".xml"))
    return _tar(members)


def _texts(values: np.ndarray) -> list[tuple[str, str]]:
    """Texts in the layouts of vendors."""
    rows = [[f"{i / _RATE_HZ:.4f}", *map(str, row)] for i, row in enumerate(values.tolist())]
    plain = "\n".join(",".join(row) for row in rows) + "\n"
    tabs = plain.replace(",", "\t")
    pairs = "\n".join(",".join([*row[:2], row[0], row[2]]) for row in rows) + "\n"
    labels = "".join(
        f"Label: {name} Sampling frequency: 500.0 Number of points: 120 start: 0 Unit: {unit} "
        "Domain Unit: s\n"
        for name, unit in (("EMG 1", "mV"), ("Acc 1.X", "g"))
    )
    counts = "\n".join(f"{i}\t0\t{i * 37 % 65536}\t{i * 91 % 65536}\t" for i in range(120)) + "\n"
    header = (
        '# OpenSignals Text File Format\n# {"00:07": {"sensor": ["EMG", "ECG"], "column": '
        '["nSeq", "DI", "CH1", "CH2"], "sampling rate": 500, "resolution": [16, 16]}}\n'
        "# EndOfHeader\n"
    )
    bts = (
        "BTS ASCII format\n\nType:\tEmg tracks\nMeasure unit:\tmV\n\nTracks:\t2\nFrequency:\t500\n"
        "Frames:\t120\nStart time:\t0.000\n\nTime\tFDS\tEDC\n"
    )
    discover = (
        "Application:,Trigno Discover\nDate/Time:,x\nCollection Length (seconds):,1\n"
        "Sensor 1 (1),,Sensor 2 (2),\nEMG 1 Time Series (s),EMG 1 (mV),"
        "EMG 1 Time Series (s),EMG 1 (mV)\n,500.0 Hz,,500.0 Hz\n,0.002 s,,0.002 s,,Type,Name,"
        "Label,Time (s)\n"
    )
    noraxon = 'name,frequency,x\nTrial 1,500,2\n\ntime,"FDS, uV","EDC, uV"\n'
    brainvision = (
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=none.eeg\n"
        "NumberOfChannels=2\nSamplingInterval=2000\n[Channel Infos]\nCh1=FDS,,0.1,µV\n"
    )
    return [
        (".csv", "time (s),FDS (µV),EDC (µV)\n" + plain),
        (".csv", "Zeit [s];FDS [mV];EDC [mV]\n" + tabs.replace(".", ",").replace("\t", ";")),
        (".csv", labels + 'X[s],"EMG 1",X[s],"Acc 1.X"\n' + pairs),
        (".csv", discover + pairs),
        (".csv", noraxon + plain),
        (".txt", header + counts),
        (".emt", bts + tabs),
        (".vhdr", brainvision),
    ]


def _otb_plus(values: np.ndarray) -> bytes:
    xml = (
        '<Device Name="QUATTROCENTO" SampleFrequency="500" DeviceTotalChannels="2" ad_bits="16">'
        '<Channels><Adapter ID="A" Gain="150" ChannelStartIndex="0"><Channel Index="0" ID="E1"/>'
        '<Channel Index="1" ID="E2"/></Adapter></Channels></Device>'
    )
    samples = (1000 * values).astype("<i2").tobytes()
    return _tar({"a.xml": xml.encode(), "a.sig": samples, "markers_0.xml": b"<Markers/>"})


def _otb4(values: np.ndarray) -> bytes:
    track = (
        "<ArrayOfTrackInfo><TrackInfo><Device>NOVECENTO+</Device><Title>T</Title><SubTitle>S"
        "</SubTitle><SamplingFrequency>500</SamplingFrequency><NumberOfChannels>2"
        "</NumberOfChannels><Gain>1</Gain><AcquisitionChannel>0</AcquisitionChannel><ADC_Range>4.8"
        "</ADC_Range><ADC_Nbits>16</ADC_Nbits><SampleSize>2</SampleSize><TotalChannelsInFile>2"
        "</TotalChannelsInFile><UnitOfMeasurement>mV</UnitOfMeasurement><UnitOfMeasurementFactor>"
        "1000</UnitOfMeasurementFactor><SignalStreamPath>a.sig</SignalStreamPath></TrackInfo>"
        "</ArrayOfTrackInfo>"
    )
    return _tar(
        {"Tracks_000.xml": track.encode(), "a.sig": (1000 * values).astype("<i2").tobytes()}
    )


def _tar(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def _xdf(values: np.ndarray) -> bytes:
    """A stream of EMG and one of markers."""

    def chunk(tag: int, content: bytes) -> bytes:
        body = struct.pack("<H", tag) + content
        return struct.pack("<BI", 4, len(body)) + body

    def info(name: str, count: int, rate: float, kind: str) -> bytes:
        return (
            f"<info><name>{name}</name><type>{name}</type><channel_count>{count}</channel_count>"
            f"<nominal_srate>{rate}</nominal_srate><channel_format>{kind}</channel_format>"
            "<desc/></info>"
        ).encode()

    first, second = struct.pack("<I", 1), struct.pack("<I", 2)
    rows = [
        (struct.pack("<Bd", 8, 10.0) if i == 0 else b"\0") + row.astype("<f4").tobytes()
        for i, row in enumerate(values)
    ]
    return b"".join(
        [
            b"XDF:",
            chunk(1, b"<info><version>1.0</version></info>"),
            chunk(2, first + info("EMG", 2, _RATE_HZ, "float32")),
            chunk(2, second + info("Markers", 1, 0.0, "string")),
            chunk(3, first + struct.pack("<BI", 4, len(rows)) + b"".join(rows)),
            chunk(4, first + struct.pack("<dd", 10.0, 0.1)),
            chunk(4, first + struct.pack("<dd", 15.0, 0.1)),
            chunk(3, second + b"\x01\x01" + struct.pack("<Bd", 8, 10.1) + b"\x01\x05press"),
            chunk(6, first + b"<info/>"),
        ]
    )


def _library_files(folder: Path, values: np.ndarray) -> list[tuple[str, bytes]]:
    """Files that libraries write; those of libraries that are absent are left out."""
    import h5py
    from scipy import io as scipy_io

    channels = (Channel("FDS"), Channel("EDC"))
    save_recording(folder / "a.h5", EmgRecording(values, _RATE_HZ, channels))
    trial = {"emg": values, "fs": _RATE_HZ, "labels": np.array(["a", "b"], dtype=object)}
    scipy_io.savemat(folder / "a.mat", {"trial": trial}, do_compression=False)
    scipy_io.savemat(folder / "b.mat", {"trial": trial, "x": values}, do_compression=True)
    with h5py.File(folder / "c.mat", "w") as file:
        file["emg"] = values.T
        file["fs"] = np.array([[_RATE_HZ]])
    np.save(folder / "a.npy", values)
    try:
        import openpyxl

        book = openpyxl.Workbook()
        for row in [["time (s)", "FDS (mV)", "EDC (mV)"], *_sheet(values)]:
            book.active.append(row)
        book.save(folder / "a.xlsx")
    except ImportError:
        print("openpyxl is not installed: no .xlsx files", file=sys.stderr)
    try:
        import ezc3d

        file = ezc3d.c3d()
        file["parameters"]["ANALOG"]["RATE"]["value"] = [500]
        file["parameters"]["ANALOG"]["LABELS"]["value"] = ("FDS", "EDC")
        file["parameters"]["POINT"]["RATE"]["value"] = [100]
        file["data"]["points"], file["data"]["analogs"] = np.ones((4, 0, 24)), values.T[None]
        file.write(str(folder / "a.c3d"))
    except ImportError:
        print("ezc3d is not installed: no .c3d files", file=sys.stderr)
    return [(path.suffix, path.read_bytes()) for path in sorted(folder.iterdir())]


def _sheet(values: np.ndarray) -> list[list[float]]:
    return [[i / _RATE_HZ, *row] for i, row in enumerate(values.tolist())]


def read(path: Path) -> EmgRecording:
    """Reads a file; bare arrays do not state their rate."""
    rate = _RATE_HZ if path.suffix in (".npy", ".mat") else None
    return read_emg(path, ReadOptions(fs_hz=rate))


def work(start: int, stop: int, seed: int, folder: Path) -> None:
    """Reads mutants and prints a line of JSON for each: the worker process.

    Args:
        start: number of the first mutant.
        stop: number after the last one.
        seed: of the damage.
        folder: for the file that is read.
    """
    seeds = make_seeds()
    run_worker(
        (mutant(seeds, seed, index) for index in range(start, stop)),
        read,
        MusclehandError,
        start=start,
        folder=folder,
    )


def fuzz(config: Config, *, progress: bool = True) -> Report:
    """Read all mutants and keep the offending ones in `config.out`."""
    seeds = make_seeds()
    return watch_workers(
        __file__,
        lambda index: mutant(seeds, config.seed, index),
        Limits(MAX_SECONDS, MAX_GROWTH_MB),
        count=config.count,
        seed=config.seed,
        out=config.out,
        progress=progress,
    )


def main(config: Config) -> int:
    """Run, print the tables, and return the exit code."""
    began = time.perf_counter()
    report = fuzz(config)
    return print_report(report, config.count, time.perf_counter() - began)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
    else:
        import tyro

        sys.exit(main(tyro.cli(Config)))
