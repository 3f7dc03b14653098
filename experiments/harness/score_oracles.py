"""Other readers of scores, which ours is compared with: music21, partitura and pretty_midi.

MusicXML is compared in quarter notes, before tempo and ornaments: music21 with its repeats
expanded, ties stripped and parts at sounding pitch; partitura with its parts unfolded and ties
merged. MIDI is compared in seconds. A reader that fails on a file gives its error in place of
notes.
"""

from __future__ import annotations

import importlib
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from musclehand.core.errors import MusclehandError
from musclehand.music.formats.midi import read_midi
from musclehand.music.formats.midi_lines import DRUM_CHANNEL
from musclehand.music.formats.musicxml import written_notes
from musclehand.music.pitch import is_on_keyboard

MUSICXML = (".musicxml", ".xml", ".mxl")
MIDI = (".mid", ".midi")

_ERROR_LENGTH = 60
"""Characters of another reader's error that are shown."""


class Heard(NamedTuple):
    """A note that sounds."""

    onset: float
    """Press: quarter notes (MusicXML) or seconds (MIDI)."""

    offset: float
    """Release, in the same unit; the press for a grace note of MusicXML."""

    pitch: int
    """MIDI pitch."""


class MissingOracle(MusclehandError):
    """A reader to compare with is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not installed; install it with: pip install {name}, or name the readers "
            "to compare with: --oracles"
        )


def _music21(path: Path) -> Iterator[Heard]:
    music21 = importlib.import_module("music21")
    score = music21.converter.parse(str(path), forceSource=True).toSoundingPitch()
    for element in score.expandRepeats().stripTies().flatten().notes:
        if isinstance(element, music21.harmony.Harmony):
            continue  # a chord symbol, which is not a note
        begin = float(element.offset)
        end = begin + float(element.quarterLength)
        for pitch in getattr(element, "pitches", ()):
            yield Heard(begin, end, math.floor(pitch.ps + 0.5))


def _partitura(path: Path) -> Iterator[Heard]:
    partitura = importlib.import_module("partitura")
    for part in partitura.load_musicxml(str(path)).parts:
        unfolded = partitura.score.unfold_part_maximal(part)
        # Its quarter notes count from the first full bar; those of others from the beginning.
        zero = float(unfolded.quarter_map(unfolded.first_point.t))
        for note in unfolded.notes_tied:
            begin, end = (
                float(unfolded.quarter_map(t)) - zero for t in (note.start.t, note.end_tied.t)
            )
            yield Heard(begin, end, note.midi_pitch)


def _partitura_midi(path: Path) -> Iterator[Heard]:
    partitura = importlib.import_module("partitura")
    performance = partitura.load_performance_midi(str(path))
    for part in performance.performedparts:
        for note in part.notes:
            if note["channel"] != DRUM_CHANNEL and is_on_keyboard(note["midi_pitch"]):
                yield Heard(note["note_on"], note["note_off"], note["midi_pitch"])


def _pretty_midi(path: Path) -> Iterator[Heard]:
    pretty_midi = importlib.import_module("pretty_midi")
    for instrument in pretty_midi.PrettyMIDI(str(path)).instruments:
        for note in instrument.notes if not instrument.is_drum else ():
            if is_on_keyboard(note.pitch):
                yield Heard(note.start, note.end, note.pitch)


_READERS: dict[str, dict[str, Callable[[Path], Iterator[Heard]]]] = {
    "music21": dict.fromkeys(MUSICXML, _music21),
    "partitura": dict.fromkeys(MUSICXML, _partitura) | dict.fromkeys(MIDI, _partitura_midi),
    "pretty_midi": dict.fromkeys(MIDI, _pretty_midi),
}

ORACLES = tuple(_READERS)
"""Names of the readers to compare with, which are those of their packages."""


def require(names: tuple[str, ...]) -> None:
    """Check that readers are installed.

    Raises:
        MissingOracle: one is not.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            raise MissingOracle(name) from None


def reads(name: str, path: Path) -> bool:
    """Whether a reader takes files of this kind."""
    return path.suffix.lower() in _READERS[name]


def hear(name: str, path: Path) -> list[Heard] | str:
    """The notes that another reader finds in a file, or its error.

    Args:
        name: one of `ORACLES`.
        path: a file that it takes (`reads`).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return sorted(_READERS[name][path.suffix.lower()](path))
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            return f"{type(error).__name__}: {lines[0][:_ERROR_LENGTH]}"


def hear_ours(path: Path) -> list[Heard]:
    """The notes that this library finds in a file.

    Raises:
        ScoreError: it refuses the file.
    """
    if path.suffix.lower() in MUSICXML:
        return [Heard(*note) for note in written_notes(path)]
    return sorted(Heard(note.onset, note.offset, note.pitch) for note in read_midi(path).notes)


def files_in(folder: Path) -> list[Path]:
    """All score files in a folder and those below it, in order of name."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in MUSICXML + MIDI and path.is_file()
    )


def stop_chatter() -> None:
    """Keep other readers from printing warnings between the lines of a report."""
    logging.disable(logging.WARNING)
