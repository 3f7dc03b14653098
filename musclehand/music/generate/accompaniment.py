"""Accompaniments: a bass and chords in the left hand, as dances and songs have them, under a melody
in the right.

They ask of a hand what exercises do not: to leap and be back in time, and to strike the same chord
again and again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.music.generate.exercises import random_melody
from musclehand.music.score import Hand, Note, Score, keyboard_score

FIGURES: Mapping[str, str] = {
    "stride": "bc",
    "waltz": "bcc",
    "march": "bcvc",
    "repeated": "cccc",
    "octaves": "ov",
    "tremolo": "nnnn",
}
"""What each beat has: b a bass note, v the fifth for a bass, o the bass in octaves, c a chord, n
one note of it."""

_DEGREES = (0, 5, 7, 9, 2)
"""Roots of the chords above the tonic, in semitones."""

_BASS = 36
_CHORD = 52
"""Lowest pitches: a bass lies within the octave above the one, the notes of a chord above the
other."""


def accompaniment(
    rng: np.random.Generator,
    figure: str,
    *,
    beats_per_second: float = 2.0,
    seconds: float = 10.0,
    difficulty: float = 0.3,
) -> Score:
    """A left hand that plays a figure, one chord a bar, and a random melody in the right.

    Args:
        rng: draws key, chords and melody.
        figure: of `FIGURES`.
        beats_per_second: 0.5 to 8; each beat has one of the figure's letters.
        seconds: how long, 0.5 to 3600.
        difficulty: of the melody, 0 to 1.

    Raises:
        UnknownName: another figure.
        InvalidValue: a number out of range.
    """
    if figure not in FIGURES:
        raise UnknownName("figure", figure, available=FIGURES)
    if not 0.5 <= beats_per_second <= 8.0:
        raise InvalidValue("beats_per_second", beats_per_second, "0.5 to 8")
    melody = random_melody(rng, difficulty, seconds=seconds)
    tonic = int(rng.integers(12))
    beat = 1.0 / beats_per_second
    letters = FIGURES[figure]
    notes = list[Note]()
    degree = 0
    for number in range(int(seconds / beat)):
        if number % len(letters) == 0:
            degree = int(rng.choice(_DEGREES))
        velocity = int(np.clip(rng.normal(72, 8), 30, 110))
        length = beat * float(rng.choice([0.5, 0.9]))
        for pitch in _pitches(letters[number % len(letters)], tonic + degree, number):
            notes.append(Note(number * beat, pitch, number * beat + length, velocity, Hand.LEFT))
    return keyboard_score(Score((*melody.notes, *notes), title=f"{figure} accompaniment"))


def _pitches(letter: str, root: int, number: int) -> Iterator[int]:
    """What sounds at a beat. `root`: of the chord, any octave; `number`: of the beat."""
    bass = _BASS + root % 12
    triad = sorted(_CHORD + (root + step - _CHORD) % 12 for step in (0, 4, 7))
    if letter == "c":
        yield from triad
    elif letter == "n":
        yield triad[number // 4 % 3]
    else:
        fifth = 7 if bass + 7 < _BASS + 12 else -5
        yield bass + (fifth if letter == "v" else 0)
        if letter == "o":
            yield bass + 12
