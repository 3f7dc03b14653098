"""Bach's four-part chorales, from the corpus that comes with music21, as scores for two hands.

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
"""Quarter notes a minute where none are asked for. The scores have no tempo; chosen, as slow as
a chorale is sung."""

VOICES = (Hand.RIGHT, Hand.RIGHT, Hand.LEFT, Hand.LEFT)
"""The hand of soprano, alto, tenor and bass."""


class MissingChorales(MusclehandError):
    """The library that has the chorales is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Bach's chorales need music21; install it with: pip install 'musclehand[corpus]'"
        )


@lru_cache(maxsize=1)
def list_chorales() -> tuple[str, ...]:
    """Names such as "bwv269" of the chorales, each once, in the order of Riemenschneider's edition.

    Raises:
        MissingChorales: music21 is not installed.
    """
    chorales = _music21().corpus.chorales.ChoraleListRKBWV().byRiemenschneider
    return tuple(dict.fromkeys(f"bwv{chorales[number]['bwv']}" for number in sorted(chorales)))


def chorale_score(
    name: str, *, beats_per_minute: float = BEATS_PER_MINUTE, velocity: int = 70
) -> Score:
    """A chorale as written, repeats and fermatas not observed.

    Args:
        name: one of `list_chorales`.
        beats_per_minute: quarter notes a minute, 20..240.
        velocity: of all notes.

    Raises:
        MissingChorales: music21 is not installed.
        UnknownName: no such chorale.
        InvalidValue: the tempo is out of range.
        MusclehandError: it has not four voices.
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
            pitches = [
                int(pitch.midi) for pitch in sound.pitches if is_on_keyboard(int(pitch.midi))
            ]
            notes += [
                Note(start, pitch, start + length, velocity, hand)
                for pitch in pitches
                if length > 0
            ]
    return keyboard_score(Score(tuple(notes), title=f"J. S. Bach, chorale {name.upper()}"))


def draw_chorale(rng: np.random.Generator) -> tuple[str, Score]:
    """A chorale by chance, in a tempo and loudness by chance (50 to 90 beats a minute), and its
    name.

    Raises:
        MissingChorales: music21 is not installed.
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
