"""Damaged score files by the thousand: reading returns a score, or says what is wrong.

    python experiments/fuzz_scores.py --count 20000

Sound files of every format are made here, then damaged: bytes flipped, cut off, inserted, lengths
changed, blocks repeated, words of the text exchanged. A worker process with a memory limit reads
each file and is killed when it hangs. Reported are the outcomes, errors by kind, the slowest file,
and the largest growth of memory (peak resident size while reading). The exit code is 1 if anything
but a `ScoreError` escaped, or if a file took over 2 s or grew memory by over 256 MB; such files are
kept. Mutant k of seed s is the same on every machine.
"""

from __future__ import annotations

import io
import random
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.mutants import (
    WAYS,
    WAYS_OF_TEXT,
    Limits,
    Report,
    exchange_words,
    print_report,
    run_worker,
    watch_workers,
)
from musclehand.core.errors import ScoreError
from musclehand.music.formats.midi import write_midi
from musclehand.music.formats.pig import write_pig
from musclehand.music.formats.reading import read_score
from musclehand.music.score import Finger, Hand, Note, Pedal, Score

MAX_SECONDS = 2.0
"""[s] Longest time that reading a file may take."""

MAX_GROWTH_MB = 256.0
"""[MB] Largest growth of memory that reading a file may cause."""


@dataclass(frozen=True)
class Config:
    """What to damage, and where to keep offending files."""

    count: int = 20_000
    """Number of damaged files."""

    seed: int = 0
    """Of the damage."""

    out: Path = Path("runs/fuzz_scores")
    """Folder of offending files."""


def make_seeds() -> list[tuple[str, bytes]]:
    """Sound files of every format, as (extension, content)."""
    rng = random.Random(1)
    notes = [
        Note(
            0.25 * i,
            rng.randint(30, 95),
            0.25 * i + 0.4,
            rng.randint(1, 127),
            Hand(i % 2),
            Finger(1 + i % 5),
        )
        for i in range(24)
    ]
    score = Score(tuple(notes), (Pedal(0.5, 1.5), Pedal(1.5, 3.0)), "seed")
    with tempfile.TemporaryDirectory() as folder:
        midi = Path(folder) / "seed.mid"
        pig = Path(folder) / "seed.txt"
        write_midi(score, midi)
        write_pig(score, pig)
        seeds = [(".mid", midi.read_bytes()), (".mid", _raw_midi()), (".txt", pig.read_bytes())]
    xml = _musicxml().encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(
            "META-INF/container.xml", '<container><rootfile full-path="a.xml"/></container>'
        )
        zipped.writestr("a.xml", xml)
    return [*seeds, (".musicxml", xml), (".mxl", archive.getvalue())]


def _raw_midi() -> bytes:
    """Running status, tempo changes, drums, system-exclusive and text events, a chunk of unknown
    type, format 1."""
    meta = (
        "00 FF 03 05 70 69 65 63 65  00 FF 51 03 07 A1 20  "
        "00 FF 58 04 04 02 18 08  83 60 FF 51 03 05 00 00"
    )
    events = (
        "00 F0 05 7E 7F 09 01 F7  00 B0 40 7F  00 C0 00  00 90 3C 50  "
        "60 3E 51  60 3C 00  60 3E 00  00 99 24 60"
        "30 89 24 00  00 E0 00 40  00 90 05 40  10 05 00  00 40 40  00 B0 40 00"
    )
    chunks = [bytes.fromhex("4D546864 00000006 0001 0002 01E0  58464948 00000002 6162")]
    for body in (bytes.fromhex(meta), bytes.fromhex(events) * 4):
        ended = body + bytes.fromhex("00 FF 2F 00")
        chunks.append(b"MTrk" + len(ended).to_bytes(4, "big") + ended)
    return b"".join(chunks)


def _musicxml() -> str:
    """Two staves with ties, grace notes, chords, repeats with endings, jumps, tempo, dynamics,
    hairpins, ornaments, transposition, pedal, fingering."""

    def note(
        step: str, octave: int, duration: int, staff: int, marks: str = "", first: str = ""
    ) -> str:
        pitch = f"<pitch><step>{step}</step><alter>0</alter><octave>{octave}</octave></pitch>"
        time_ = f"<duration>{duration}</duration>" if "grace" not in first else ""
        return (
            f"<note>{first}{pitch}{time_}{marks}<voice>{staff}</voice><staff>{staff}</staff></note>"
        )

    finger = "<notations><technical><fingering>3</fingering></technical></notations>"
    sign = "<direction><direction-type><{0}/></direction-type></direction>"
    start = (
        "<attributes><divisions>4</divisions>"
        "<time><beats>4</beats><beat-type>4</beat-type></time><staves>2</staves>"
        "</attributes><direction><direction-type><dynamics><f/></dynamics></direction-type>"
        '<sound tempo="90"/></direction>'
    )
    left = '<barline location="left">'
    right = '<barline location="right">'
    ending = '<ending number="{0}" type="{1}"/>'
    backward = '<repeat direction="backward"/>'
    measures = [
        start
        + note("C", 5, 8, 1, '<tie type="start"/>')
        + note("E", 5, 8, 1, "", "<chord/>")
        + note("C", 5, 8, 1, '<tie type="stop"/>')
        + "<backup><duration>16</duration></backup>"
        + note("C", 3, 16, 2),
        f'{left}<repeat direction="forward"/></barline>'
        + sign.format('pedal type="start"')
        + note("D", 5, 0, 1, "", "<grace/>")
        + note("E", 5, 16, 1, finger)
        + sign.format('pedal type="stop"'),
        f"{left}{ending.format(1, 'start')}</barline>"
        + note("F", 5, 16, 1)
        + f"{right}{ending.format(1, 'stop')}{backward}</barline>",
        f"{left}{ending.format(2, 'start')}</barline>"
        + note("G", 5, 16, 1)
        + f"{right}{ending.format(2, 'stop')}</barline>",
        "<forward><duration>4</duration></forward>" + note("A", 4, 12, 2),
        *_signs(note, sign),
    ]
    body = "".join(
        f'<measure number="{i}">{measure}</measure>' for i, measure in enumerate(measures, start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE score-partwise PUBLIC '
        '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">'
        '<score-partwise version="4.0"><part-list><score-part id="P1">'
        "<part-name>Piano</part-name></score-part></part-list>"
        f'<part id="P1">{body}</part></score-partwise>'
    )


def _signs(note: Callable[..., str], sign: str) -> list[str]:
    """Measures with signs that are played out; `note` and `sign` write elements."""

    def ornament(inside: str) -> str:
        return f"<notations><ornaments>{inside}</ornaments></notations>"

    wedge = 'wedge type="{0}" number="1"'
    tremolo = '<tremolo type="{0}">2</tremolo>'
    short = "<notations><articulations><staccato/><accent/></articulations></notations>"
    arpeggio = '<notations><arpeggiate number="1"/><fermata/></notations>'
    transpose = "<transpose><chromatic>-2</chromatic><octave-change>1</octave-change></transpose>"
    repeat = '<measure-repeat type="start">1</measure-repeat>'
    return [
        sign.format("segno")
        + sign.format(wedge.format("crescendo"))
        + note("C", 5, 4, 1, ornament("<trill-mark/><accidental-mark>sharp</accidental-mark>"))
        + note("D", 5, 4, 1, ornament("<turn/>") + short)
        + sign.format(wedge.format("stop"))
        + note("C", 5, 4, 1, ornament(tremolo.format("start")))
        + note("G", 5, 4, 1, ornament(tremolo.format("stop"))),
        '<sound tocoda="A"/>'
        + note("C", 5, 8, 1, arpeggio)
        + note("E", 5, 8, 1, arpeggio, "<chord/>")
        + "<direction><direction-type><dynamics><sfz/></dynamics></direction-type>"
        + '<offset sound="yes">2</offset><staff>1</staff></direction>'
        + '<sound fine="yes"/>'
        + note("F", 5, 8, 1, ornament("<tremolo>3</tremolo>")),
        f"<attributes>{transpose}<measure-style>{repeat}</measure-style></attributes>"
        + "<note><rest/><duration>16</duration></note>"
        + "<direction><direction-type><words>D.S. al Coda</words></direction-type></direction>",
        '<sound coda="A"/>' + note("C", 4, 16, 1),
    ]


def mutant(seeds: list[tuple[str, bytes]], seed: int, index: int) -> tuple[str, bytes]:
    """Damaged file number `index` of a random seed, as (extension, content).

    Args:
        seeds: intact files, as (extension, content).
        seed: of all damage.
        index: number of the file.
    """
    rng = random.Random(f"{seed}/{index}")
    suffix, content = seeds[index % len(seeds)]
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        damage = rng.choice(
            WAYS_OF_TEXT if suffix in (".musicxml", ".txt") and rng.random() < 0.7 else WAYS
        )
        data = damage(data, rng) or bytearray(b"\0")
    if suffix == ".mid" and rng.random() < 0.5:
        data = _repair(data)
    if (
        suffix == ".mxl" and rng.random() < 0.5
    ):  # half of the archives are sound, with a damaged score in them
        inner = exchange_words(bytearray(_musicxml().encode()), rng)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("a.xml", bytes(inner))
        data = bytearray(archive.getvalue())
    return suffix, bytes(data)


def _repair(data: bytearray) -> bytearray:
    """Track lengths of a MIDI file set right again, so that damage inside a track is reached."""
    starts = [match.end() for match in re.finditer(rb"MTrk", bytes(data))]
    ends = [*(start - 4 for start in starts[1:]), len(data)]
    for start, end in zip(starts, ends, strict=False):
        if end - start >= 4:
            data[start : start + 4] = (end - start - 4).to_bytes(4, "big")
    return data


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
        read_score,
        ScoreError,
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
