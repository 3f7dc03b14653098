"""Generated accompaniments: bass and chords of dances and songs in the left hand, under a random
melody in the right.

Unlike exercises, they need leaps of the hand in time, and the same chord struck again and again.
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
"""Figures by name, a letter for each beat.

b is a bass note, v its fifth, o the bass in octaves, c a chord, n a single note of the chord."""

_DEGREES = (0, 5, 7, 9, 2)
"""[semitones] Roots of the chords above the tonic."""

_BASS = 36
"""Lowest pitch of bass notes, which lie within an octave above it."""

_CHORD = 52
"""Lowest pitch of chords, whose notes lie within an octave above it."""


def accompaniment(
    rng: np.random.Generator,
    figure: str,
    *,
    beats_per_second: float = 2.0,
    seconds: float = 10.0,
    difficulty: float = 0.3,
) -> Score:
    """Generate an accompaniment with one chord a bar, under a random melody.

    Args:
        rng: generator of key, chords and melody.
        figure: name of the figure, a key of `FIGURES`.
        beats_per_second: tempo, 0.5 to 8; a beat takes one letter of the figure.
        seconds: length [s], 0.5 to 3600.
        difficulty: difficulty of the melody, 0 to 1.

    Raises:
        UnknownName: there is no such figure.
        InvalidValue: a number is out of range.
    """
    if figure not in FIGURES:
        raise UnknownName("figure", figure, available=FIGURES)
    if not 0.5 <= beats_per_second <= 8.0:
        raise InvalidValue("beats_per_second", beats_per_second, "0.5 to 8")
    melody = random_melody(rng, difficulty, seconds=seconds)
    tonic = int(rng.integers(12))
    beat = 1.0 / beats_per_second
    letters = FIGURES[figure]
    notes: list[Note] = []
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
    """Pitches of a beat, from the root of its chord (in any octave) and the number of the beat."""
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
