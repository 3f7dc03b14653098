"""A long piece: the theme of Mozart's K. 265, the folk tune "Ah! vous dirai-je, maman", with
variations of our own.

Made to be played from start to end: fifteen minutes of moderate difficulty in which both hands have
runs, broken chords, syncopation, octaves and chords, soft and loud, fast and slow. Nothing is drawn
at random. The variations are not Mozart's; each puts a texture for each hand on the theme's melody
and harmony, beat by beat, all repeats played.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from musclehand.music.score import Hand, Note, Score

PAUSE = 1.5
"""Between the parts [s]."""

_MELODY = {
    "A": (72, 72, 79, 79, 81, 81, 79, 79, 77, 77, 76, 76, 74, 74, 72, 72),
    "B": (79, 79, 77, 77, 76, 76, 74, 74, 79, 79, 77, 77, 76, 76, 74, 74),
}
"""The tune, a pitch a beat; a pitch that lasts two beats stands twice."""

_HARMONY = {"A": "CCCCFFCCGGCCGGCC", "B": "CCGGCCGGCCGGCCGG"}
_CHORDS = {"C": (48, 52, 55), "F": (53, 57, 60), "G": (50, 53, 55)}
"""As the left hand has them: C and F in root position, the dominant seventh over its fifth."""

_FORM = ("A", "A", "B", "A", "B", "A")
_MINOR = {4: -1, 9: -1}
"""What C minor changes, by pitch class; the leading note stays."""

_LOUDNESS = {"A": (76, 90), "B": (66, 80)}
"""MIDI velocity at the beginning and the end of a section."""


class Beat(NamedTuple):
    """A beat of the theme: `pitch` of the melody here and on the `coming` beat, `chord` low to
    high, `place` in the section, and whether the melody has it as the second half of a longer
    note (`tied`)."""

    pitch: int
    coming: int
    chord: tuple[int, ...]
    place: int
    tied: bool


class Stroke(NamedTuple):
    """A note within a beat: where it begins and how long it is held, in beats, and its `accent`
    [MIDI velocity]."""

    start: float
    length: float
    pitch: int
    accent: int = 0


Texture = Callable[[Beat], list[Stroke]]


@dataclass(frozen=True)
class Variation:
    """One part: `tempo` [beats/minute], a texture a hand, minor or not, and how much louder than
    written [MIDI]."""

    name: str
    tempo: float
    right: Texture
    left: Texture
    minor: bool = False
    louder: int = 0

    @property
    def seconds(self) -> float:
        """How long it lasts with all repeats [s]."""
        return 60.0 / self.tempo * sum(len(_MELODY[section]) for section in _FORM)


def theme_and_variations() -> Score:
    """The whole piece, hands given, fingers left to the player; a little under 15 minutes."""
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
                velocity = loudness + part.louder + stroke.accent - (6 if hand is Hand.LEFT else 0)
                notes.append(
                    Note(onset, pitch, onset + stroke.length * beat_seconds, velocity, hand)
                )
        start += beat_seconds
    return notes


def _beats() -> list[tuple[Beat, int]]:
    """All beats with repeats, and how loud each is."""
    beats = []
    for index, section in enumerate(_FORM):
        melody, (soft, loud) = _MELODY[section], _LOUDNESS[section]
        following = _MELODY[_FORM[index + 1]][0] if index + 1 < len(_FORM) else melody[-1]
        for place, pitch in enumerate(melody):
            coming = melody[place + 1] if place + 1 < len(melody) else following
            tied = place in (7, 15) and pitch == melody[place - 1] and section == "A"
            beat = Beat(pitch, coming, _CHORDS[_HARMONY[section][place]], place, tied)
            beats.append((beat, round(soft + (loud - soft) * place / (len(melody) - 1))))
    return beats


def _even(pitches: Sequence[int], hold: float = 0.92) -> list[Stroke]:
    """Notes of equal length that fill a beat, the first a little accented."""
    share = 1.0 / len(pitches)
    return [Stroke(i * share, hold * share, pitch, 5 * (i == 0)) for i, pitch in enumerate(pitches)]


def _white_step(pitch: int, steps: int) -> int:
    """Some white keys up or down from a white key."""
    white = (0, 2, 4, 5, 7, 9, 11)
    octave, place = divmod(white.index(pitch % 12) + steps, len(white))
    return pitch - pitch % 12 + 12 * octave + white[place]


def _tune(beat: Beat) -> list[Stroke]:
    return [] if beat.tied else [Stroke(0.0, 0.9, beat.pitch)]


def _short_tune(beat: Beat) -> list[Stroke]:
    return [Stroke(0.0, 0.4, beat.pitch, 4), Stroke(0.5, 0.4, _white_step(beat.pitch, -2))]


def _late_tune(beat: Beat) -> list[Stroke]:
    return [Stroke(0.5, 0.85, beat.pitch, 6)] if beat.place < 15 else [Stroke(0.0, 0.9, beat.pitch)]


def _turns(beat: Beat) -> list[Stroke]:
    """Semiquavers about the tune, in the last one a step towards the next beat."""
    way = -1 if beat.coming < beat.pitch else 1
    return _even(
        [
            _white_step(beat.pitch, 1),
            beat.pitch,
            _white_step(beat.pitch, -1),
            _white_step(beat.pitch, way),
        ]
    )


def _triplets(beat: Beat) -> list[Stroke]:
    return _even([beat.pitch, _white_step(beat.pitch, -2), _white_step(beat.pitch, -1)])


def _octaves(beat: Beat) -> list[Stroke]:
    """The tune in octaves, let go early: the hand has to come up for the next ones."""
    return [] if beat.tied else [Stroke(0.0, 0.7, beat.pitch - 12), Stroke(0.0, 0.7, beat.pitch, 3)]


def _thirds(beat: Beat) -> list[Stroke]:
    return [Stroke(0.0, 0.85, beat.pitch, 3), Stroke(0.0, 0.85, _white_step(beat.pitch, -2))]


def _sung(beat: Beat) -> list[Stroke]:
    """The tune, slow, with a mordent on every other beat and a passing note before it moves."""
    if beat.place % 2:
        passing = _white_step(beat.pitch, -1 if beat.coming < beat.pitch else 1)
        return [Stroke(0.0, 0.7, beat.pitch), Stroke(0.75, 0.22, passing, -6)]
    above = _white_step(beat.pitch, 1)
    return [
        Stroke(0.0, 0.11, beat.pitch),
        Stroke(0.125, 0.11, above, -6),
        Stroke(0.25, 0.7, beat.pitch, 4),
    ]


def _bass(beat: Beat) -> list[Stroke]:
    return [Stroke(0.0, 0.85, beat.chord[0] if beat.place % 2 == 0 else beat.chord[-1])]


def _chord(beat: Beat) -> list[Stroke]:
    return [Stroke(0.0, 0.75, pitch) for pitch in beat.chord]


def _after_beat(beat: Beat) -> list[Stroke]:
    low, middle, high = beat.chord
    return [Stroke(0.0, 0.4, low, 4), *(Stroke(0.5, 0.35, pitch, -6) for pitch in (middle, high))]


def _broken_four(beat: Beat) -> list[Stroke]:
    low, middle, high = beat.chord
    return _even([low, high, middle, high])


def _broken_three(beat: Beat) -> list[Stroke]:
    return _even(beat.chord)


def _broken_two(beat: Beat) -> list[Stroke]:
    return _even([beat.chord[0], beat.chord[-1]])


def _bass_run(beat: Beat) -> list[Stroke]:
    """Semiquavers up from the chord's lowest note on even beats, down again on odd ones."""
    steps = (0, 1, 2, 3) if beat.place % 2 == 0 else (4, 3, 2, 1)
    return _even([_white_step(beat.chord[0], step) for step in steps])


VARIATIONS = (
    Variation("theme", 100.0, _tune, _bass),
    Variation("semiquavers, right hand", 76.0, _turns, _bass),
    Variation("semiquavers, left hand", 76.0, _tune, _bass_run),
    Variation("triplets, right hand", 88.0, _triplets, _chord),
    Variation("triplets, left hand", 88.0, _tune, _broken_three),
    Variation("syncopation", 100.0, _late_tune, _bass, louder=4),
    Variation("octaves", 80.0, _octaves, _broken_two, louder=6),
    Variation("thirds", 88.0, _thirds, _bass),
    Variation("minore", 84.0, _tune, _broken_two, minor=True, louder=-4),
    Variation("staccato", 92.0, _short_tune, _after_beat),
    Variation("adagio", 48.0, _sung, _broken_two, louder=-4),
    Variation("allegro, fast left hand", 96.0, _tune, _broken_four, louder=4),
    Variation("finale", 104.0, _thirds, _after_beat, louder=6),
)
"""In the order of the piece."""
