"""A generated piece of 15 minutes: variations on the folk tune "Ah! vous dirai-je, maman", the
theme of Mozart's K. 265.

It is a test of long performances: of moderate difficulty, with runs, broken chords, syncopation,
octaves and chords in both hands, soft and loud, fast and slow. Nothing in it is random. The
variations are not Mozart's: each combines a texture for each hand with the melody and harmony of
the theme, beat by beat, with all repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from musclehand.music.score import Hand, Note, Score

PAUSE = 1.5
"""[s] Silence between the variations."""

_MELODY = {
    "A": (72, 72, 79, 79, 81, 81, 79, 79, 77, 77, 76, 76, 74, 74, 72, 72),
    "B": (79, 79, 77, 77, 76, 76, 74, 74, 79, 79, 77, 77, 76, 76, 74, 74),
}
"""The tune, a pitch for each beat; a note of two beats stands twice."""

_HARMONY = {"A": "CCCCFFCCGGCCGGCC", "B": "CCGGCCGGCCGGCCGG"}
"""The chord of each beat."""

_CHORDS = {"C": (48, 52, 55), "F": (53, 57, 60), "G": (50, 53, 55)}
"""Pitches of the left hand: C and F in root position, the dominant seventh over its fifth."""

_FORM = ("A", "A", "B", "A", "B", "A")
"""Sections in the order in which they are played."""

_MINOR = {4: -1, 9: -1}
"""[semitones] Changes for C minor, by pitch class; the leading note stays."""

_LOUDNESS = {"A": (76, 90), "B": (66, 80)}
"""MIDI velocity at the beginning and the end of a section."""


class Beat(NamedTuple):
    """A beat of the theme."""

    pitch: int
    """MIDI pitch of the melody."""

    next_pitch: int
    """MIDI pitch of the melody on the following beat."""

    chord: tuple[int, ...]
    """MIDI pitches of the harmony, low to high."""

    place: int
    """Number of the beat in its section, from 0."""

    tied: bool
    """The beat is the second half of a longer melody note."""


class BeatNote(NamedTuple):
    """A note within a beat."""

    start: float
    """[beats] Onset, from the beginning of the beat."""

    length: float
    """[beats] Time that the key is held."""

    pitch: int
    """MIDI pitch."""

    accent: int = 0
    """MIDI velocity above that of the beat."""


Texture = Callable[[Beat], list[BeatNote]]
"""Turns a beat of the theme into notes of a hand."""


@dataclass(frozen=True)
class Variation:
    """A part of the piece."""

    name: str
    """Name of the variation."""

    tempo: float
    """[beats/min] Tempo."""

    right: Texture
    """Texture of the right hand."""

    left: Texture
    """Texture of the left hand."""

    minor: bool = False
    """The variation is in C minor."""

    velocity_offset: int = 0
    """MIDI velocity added to all notes."""

    @property
    def seconds(self) -> float:
        """[s] Length with all repeats."""
        return 60.0 / self.tempo * sum(len(_MELODY[section]) for section in _FORM)


def theme_and_variations() -> Score:
    """The piece, a little under 15 minutes, with hands but without fingers."""
    notes: list[Note] = []
    start = 0.0
    for part in VARIATIONS:
        notes += _write(part, start)
        start += part.seconds + PAUSE
    return Score(tuple(notes), title='Variations on "Ah! vous dirai-je, maman"')


def _write(part: Variation, start: float) -> list[Note]:
    beat_seconds = 60.0 / part.tempo
    notes = []
    for beat, loudness in _beats():
        for hand, texture in ((Hand.RIGHT, part.right), (Hand.LEFT, part.left)):
            for stroke in texture(beat):
                pitch = stroke.pitch + (_MINOR.get(stroke.pitch % 12, 0) if part.minor else 0)
                onset = start + stroke.start * beat_seconds
                # The accompaniment stays below the tune.
                velocity = loudness + part.velocity_offset + stroke.accent
                velocity -= 6 if hand is Hand.LEFT else 0
                offset = onset + stroke.length * beat_seconds
                notes.append(Note(onset, pitch, offset, velocity, hand))
        start += beat_seconds
    return notes


def _beats() -> list[tuple[Beat, int]]:
    """All beats with repeats, and the MIDI velocity of each."""
    beats = []
    for index, section in enumerate(_FORM):
        melody = _MELODY[section]
        soft, loud = _LOUDNESS[section]
        following = _MELODY[_FORM[index + 1]][0] if index + 1 < len(_FORM) else melody[-1]
        for place, pitch in enumerate(melody):
            next_pitch = melody[place + 1] if place + 1 < len(melody) else following
            tied = place in (7, 15) and pitch == melody[place - 1] and section == "A"
            beat = Beat(pitch, next_pitch, _CHORDS[_HARMONY[section][place]], place, tied)
            beats.append((beat, round(soft + (loud - soft) * place / (len(melody) - 1))))
    return beats


def _even(pitches: Sequence[int], hold: float = 0.92) -> list[BeatNote]:
    """Notes of equal length that fill a beat, with a small accent on the first."""
    share = 1.0 / len(pitches)
    return [
        BeatNote(i * share, hold * share, pitch, 5 * (i == 0)) for i, pitch in enumerate(pitches)
    ]


def _white_step(pitch: int, steps: int) -> int:
    """The white key `steps` white keys above a white key."""
    white = (0, 2, 4, 5, 7, 9, 11)
    octave, place = divmod(white.index(pitch % 12) + steps, len(white))
    return pitch - pitch % 12 + 12 * octave + white[place]


def _tune(beat: Beat) -> list[BeatNote]:
    return [] if beat.tied else [BeatNote(0.0, 0.9, beat.pitch)]


def _short_tune(beat: Beat) -> list[BeatNote]:
    return [BeatNote(0.0, 0.4, beat.pitch, 4), BeatNote(0.5, 0.4, _white_step(beat.pitch, -2))]


def _late_tune(beat: Beat) -> list[BeatNote]:
    return (
        [BeatNote(0.5, 0.85, beat.pitch, 6)]
        if beat.place < 15
        else [BeatNote(0.0, 0.9, beat.pitch)]
    )


def _turns(beat: Beat) -> list[BeatNote]:
    """Semiquavers about the tune; the last is a step towards the next beat."""
    direction = -1 if beat.next_pitch < beat.pitch else 1
    return _even(
        [
            _white_step(beat.pitch, 1),
            beat.pitch,
            _white_step(beat.pitch, -1),
            _white_step(beat.pitch, direction),
        ]
    )


def _triplets(beat: Beat) -> list[BeatNote]:
    return _even([beat.pitch, _white_step(beat.pitch, -2), _white_step(beat.pitch, -1)])


def _octaves(beat: Beat) -> list[BeatNote]:
    """The tune in octaves, released early: the hand has to come up for the next octave."""
    return (
        []
        if beat.tied
        else [BeatNote(0.0, 0.7, beat.pitch - 12), BeatNote(0.0, 0.7, beat.pitch, 3)]
    )


def _thirds(beat: Beat) -> list[BeatNote]:
    return [BeatNote(0.0, 0.85, beat.pitch, 3), BeatNote(0.0, 0.85, _white_step(beat.pitch, -2))]


def _sung(beat: Beat) -> list[BeatNote]:
    """The slow tune with a mordent on every second beat and a passing note before it moves."""
    if beat.place % 2:
        passing = _white_step(beat.pitch, -1 if beat.next_pitch < beat.pitch else 1)
        return [BeatNote(0.0, 0.7, beat.pitch), BeatNote(0.75, 0.22, passing, -6)]
    above = _white_step(beat.pitch, 1)
    return [
        BeatNote(0.0, 0.11, beat.pitch),
        BeatNote(0.125, 0.11, above, -6),
        BeatNote(0.25, 0.7, beat.pitch, 4),
    ]


def _bass(beat: Beat) -> list[BeatNote]:
    return [BeatNote(0.0, 0.85, beat.chord[0] if beat.place % 2 == 0 else beat.chord[-1])]


def _chord(beat: Beat) -> list[BeatNote]:
    return [BeatNote(0.0, 0.75, pitch) for pitch in beat.chord]


def _after_beat(beat: Beat) -> list[BeatNote]:
    low, middle, high = beat.chord
    return [
        BeatNote(0.0, 0.4, low, 4),
        *(BeatNote(0.5, 0.35, pitch, -6) for pitch in (middle, high)),
    ]


def _broken_four(beat: Beat) -> list[BeatNote]:
    low, middle, high = beat.chord
    return _even([low, high, middle, high])


def _broken_three(beat: Beat) -> list[BeatNote]:
    return _even(beat.chord)


def _broken_two(beat: Beat) -> list[BeatNote]:
    return _even([beat.chord[0], beat.chord[-1]])


def _bass_run(beat: Beat) -> list[BeatNote]:
    """Semiquavers up from the chord's lowest note on even beats, down again on odd ones."""
    steps = (0, 1, 2, 3) if beat.place % 2 == 0 else (4, 3, 2, 1)
    return _even([_white_step(beat.chord[0], step) for step in steps])


VARIATIONS = (
    Variation("theme", 100.0, _tune, _bass),
    Variation("semiquavers, right hand", 76.0, _turns, _bass),
    Variation("semiquavers, left hand", 76.0, _tune, _bass_run),
    Variation("triplets, right hand", 88.0, _triplets, _chord),
    Variation("triplets, left hand", 88.0, _tune, _broken_three),
    Variation("syncopation", 100.0, _late_tune, _bass, velocity_offset=4),
    Variation("octaves", 80.0, _octaves, _broken_two, velocity_offset=6),
    Variation("thirds", 88.0, _thirds, _bass),
    Variation("minore", 84.0, _tune, _broken_two, minor=True, velocity_offset=-4),
    Variation("staccato", 92.0, _short_tune, _after_beat),
    Variation("adagio", 48.0, _sung, _broken_two, velocity_offset=-4),
    Variation("allegro, fast left hand", 96.0, _tune, _broken_four, velocity_offset=4),
    Variation("finale", 104.0, _thirds, _after_beat, velocity_offset=6),
)
"""The parts in the order of the piece."""
