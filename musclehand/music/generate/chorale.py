"""Bach's four-part chorales, from the corpus bundled with music21, as scores for two hands.

Soprano and alto go to the right hand, tenor and bass to the left; a key that two voices sound at
once is pressed once. The works are in the public domain. music21 (Cuthbert & Ariza 2010, ISMIR) is
an optional dependency.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Hand, Note, Score, keyboard_score

BEATS_PER_MINUTE = 60.0
"""[quarter notes a minute] Default tempo. The scores have none; a usual tempo of singing."""

VOICES = (Hand.RIGHT, Hand.RIGHT, Hand.LEFT, Hand.LEFT)
"""Hands of soprano, alto, tenor and bass."""


class MissingChorales(MusclehandError):
    """The library with the chorales, music21, is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Bach's chorales need music21; install it with: pip install 'musclehand[corpus]'"
        )


@lru_cache(maxsize=1)
def list_chorales() -> tuple[str, ...]:
    """Names of all chorales, such as "bwv269", in the order of Riemenschneider's edition.

    Raises:
        MissingChorales: music21 is not installed.
    """
    chorales = _music21().corpus.chorales.ChoraleListRKBWV().byRiemenschneider
    return tuple(dict.fromkeys(f"bwv{chorales[number]['bwv']}" for number in sorted(chorales)))


def chorale_score(
    name: str, *, beats_per_minute: float = BEATS_PER_MINUTE, velocity: int = 70
) -> Score:
    """Load a chorale as written, without its repeats and fermatas.

    Args:
        name: name of the chorale, one of `list_chorales`.
        beats_per_minute: tempo in quarter notes a minute, 20 to 240.
        velocity: MIDI velocity of all notes, 1 to 127.

    Raises:
        MissingChorales: music21 is not installed.
        UnknownName: there is no such chorale.
        InvalidValue: the tempo is out of range.
        MusclehandError: the chorale does not have four voices.
    """
    if not 20 <= beats_per_minute <= 240:
        raise InvalidValue("beats_per_minute", beats_per_minute, "20..240")
    if name not in list_chorales():
        raise UnknownName("chorale", name, list_chorales())
    work = _music21().corpus.parse(f"bach/{name}")
    parts = list(work.parts)
    if len(parts) != len(VOICES):
        raise MusclehandError(
            f"chorale {name} has {len(parts)} voices; only those with four can be played here"
        )
    beat = 60.0 / beats_per_minute
    notes = []
    for part, hand in zip(parts, VOICES, strict=True):
        for sound in part.stripTies().flatten().notes:
            start = beat * float(sound.offset)
            length = beat * float(sound.duration.quarterLength)
            pitches = [int(pitch.midi) for pitch in sound.pitches]
            notes += [
                Note(start, pitch, start + length, velocity, hand)
                for pitch in pitches
                if is_on_keyboard(pitch) and length > 0
            ]
    return keyboard_score(Score(tuple(notes), title=f"J. S. Bach, chorale {name.upper()}"))


def draw_chorale(rng: np.random.Generator) -> tuple[str, Score]:
    """Draw a random chorale at a random tempo (50 to 90 beats a minute) and loudness.

    Returns:
        Name and score of the chorale.

    Raises:
        MissingChorales: music21 is not installed.
        MusclehandError: music21's corpus has no chorale with four voices.
    """
    tempo = float(rng.uniform(50, 90))
    velocity = int(rng.integers(50, 91))
    for index in rng.permutation(len(list_chorales())).tolist():
        name = list_chorales()[index]
        if _has_four_voices(name):
            return name, chorale_score(name, beats_per_minute=tempo, velocity=velocity)
    raise MusclehandError("music21's corpus has no chorale with four voices")


def _has_four_voices(name: str) -> bool:
    return len(_music21().corpus.parse(f"bach/{name}").parts) == len(VOICES)


def _music21() -> Any:
    try:
        import music21
        import music21.corpus.chorales
    except ImportError as error:
        raise MissingChorales from error
    return music21
