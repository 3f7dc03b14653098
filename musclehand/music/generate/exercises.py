"""Generated exercises, and random music that two hands can play.

Exercises (`scale`, `arpeggio`, `chord_progression`, `hanon_pattern`) are deterministic; functions
of random music take a numpy `Generator` first. Every score is playable on one keyboard
(`keyboard_score` leaves it unchanged) and has a hand on every note. No hand needs more than five
keys or an octave at once. `random_score` is the exception: it assigns no hands. Fingers are
assigned where piano methods agree on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.music.pitch import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    is_black,
    is_on_keyboard,
    parse_pitch,
    pitch_name,
)
from musclehand.music.score import Finger, Hand, Note, Score, keyboard_score

Mode = Literal["major", "minor"]
Style = Literal["block", "broken", "alberti"]

BOTH_HANDS = (Hand.RIGHT, Hand.LEFT)
"""Both hands, the right one first."""

_STEPS: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 11),
}
"""[semitones] Degrees of each mode above the tonic; minor is the harmonic minor."""

# Fingers of an octave from the tonic, right and left hand, by mode and pitch class of the tonic:
# the standard scale fingerings of piano methods (both hands put the thumb on white keys only).
# `scale` replaces the outermost finger, where no further octave follows.
_SCALE_FINGERS: dict[str, dict[int, tuple[str, str]]] = {
    "major": {
        **dict.fromkeys((0, 2, 4, 7, 9), ("1231234", "1432132")),
        1: ("2312341", "3214321"),
        3: ("3123412", "3214321"),
        5: ("1234123", "1432132"),
        6: ("2341231", "4321321"),
        8: ("3412312", "3214321"),
        10: ("4123123", "3214321"),
        11: ("1231234", "1321432"),
    },
    "minor": {
        **dict.fromkeys((0, 2, 4, 7, 9), ("1231234", "1432132")),
        1: ("3412312", "3214321"),
        3: ("3123412", "2143213"),
        5: ("1234123", "1432132"),
        6: ("3412312", "4321321"),
        8: ("3412312", "3214321"),
        10: ("4123123", "2132143"),
        11: ("1231234", "1321432"),
    },
}


class _Level(NamedTuple):
    """Limits of random music for a hand, at some difficulty."""

    beat: float
    """[s] Shortest time between onsets."""

    travel: float
    """[semitones/s] Fastest movement of the hand along the keyboard."""

    span: int
    """[semitones] Width of the window of keys under the hand."""

    voices: int
    """Most keys at once."""


def scale(
    tonic: str = "C4",
    mode: Mode = "major",
    *,
    octaves: int = 2,
    hands: Sequence[Hand] = (Hand.RIGHT,),
    notes_per_second: float = 4.0,
    velocity: int = 78,
) -> Score:
    """Generate a scale up and down with its standard fingering.

    Beside the right hand, the left hand plays an octave lower.

    Args:
        tonic: lowest note of the right hand, or of the left hand where it plays alone; such as
            "F#3".
        mode: "major", or "minor" for the harmonic minor.
        octaves: range of the scale, 1 to 7.
        hands: the hands that play, one or both.
        notes_per_second: tempo, 0.1 to 20.
        velocity: MIDI velocity of all notes, 1 to 127.

    Raises:
        InvalidValue: a number is out of range, or the scale leaves the keyboard.
        UnknownName: there is no such mode.
    """
    steps = _mode_steps(mode)
    _check_number("octaves", octaves, 1, 7)
    right, left = _SCALE_FINGERS[mode][parse_pitch(tonic) % 12]
    offsets = [12 * octave + step for octave in range(octaves) for step in steps] + [12 * octaves]
    fingers = {Hand.RIGHT: right * octaves + right[0], Hand.LEFT: left * octaves + left[0]}
    if right[0] == "1":  # after a thumb on the tonic, the run ends on the next free finger
        fingers[Hand.RIGHT] = fingers[Hand.RIGHT][:-1] + str(int(right[-1]) + 1)
    if left[0] == "1":
        fingers[Hand.LEFT] = str(int(left[1]) + 1) + fingers[Hand.LEFT][1:]
    title = f"{pitch_name(parse_pitch(tonic))} {mode} scale"
    notes = _run(
        parse_pitch(tonic),
        offsets,
        fingers,
        hands=hands,
        notes_per_second=notes_per_second,
        velocity=velocity,
    )
    return keyboard_score(Score(tuple(notes), title=title))


def arpeggio(
    tonic: str = "C4",
    mode: Mode = "major",
    *,
    octaves: int = 2,
    hands: Sequence[Hand] = (Hand.RIGHT,),
    notes_per_second: float = 3.0,
    velocity: int = 78,
) -> Score:
    """Generate an arpeggio up and down: a triad in root position, fingered on white roots.

    Args:
        tonic: lowest note of the right hand, or of the left hand where it plays alone; such as
            "C4".
        mode: "major" or "minor".
        octaves: range of the arpeggio, 1 to 7.
        hands: the hands that play, one or both; beside the right hand, the left hand plays an
            octave lower.
        notes_per_second: tempo, 0.1 to 20.
        velocity: MIDI velocity of all notes, 1 to 127.

    Raises:
        InvalidValue: a number is out of range, or the arpeggio leaves the keyboard.
        UnknownName: there is no such mode.
    """
    steps = _mode_steps(mode)
    _check_number("octaves", octaves, 1, 7)
    root = parse_pitch(tonic)
    triad = (steps[0], steps[2], steps[4])
    offsets = [12 * octave + step for octave in range(octaves) for step in triad] + [12 * octaves]
    fingers: dict[Hand, str] = {}
    if not is_black(root):
        middle = "3" if mode == "major" and is_black(root + triad[1]) else "4"
        fingers = {Hand.RIGHT: "123" * octaves + "5", Hand.LEFT: "5" + (f"{middle}21" * octaves)}
    title = f"{pitch_name(root)} {mode} arpeggio"
    notes = _run(
        root, offsets, fingers, hands=hands, notes_per_second=notes_per_second, velocity=velocity
    )
    return keyboard_score(Score(tuple(notes), title=title))


def chord_progression(
    tonic: str = "C4",
    mode: Mode = "major",
    degrees: Sequence[int] = (1, 4, 5, 1),
    *,
    style: Style = "block",
    seconds_per_chord: float = 2.0,
    velocity: int = 72,
) -> Score:
    """Generate a chord progression: triads in the right hand over bass notes in the left.

    Each triad is in the inversion nearest to the triad before it.

    Args:
        tonic: root of degree 1 in the right hand; the bass lies about an octave below.
        mode: "major" or "minor" (harmonic).
        degrees: scale degrees of the roots, 1 to 7.
        style: "block" chords, "broken" upward, or "alberti" (low, high, middle, high).
        seconds_per_chord: length of a chord [s], 0.2 to 60.
        velocity: MIDI velocity of all notes, 1 to 127.

    Raises:
        InvalidValue: a degree or number is out of range, or a note is off the keyboard.
        UnknownName: there is no such mode or style.
    """
    orders: dict[str, tuple[int, ...]] = {
        "block": (),
        "broken": (0, 1, 2, 1),
        "alberti": (0, 2, 1, 2),
    }
    if style not in orders:
        raise UnknownName("chord style", style, available=orders)
    steps = _mode_steps(mode)
    root = parse_pitch(tonic)
    _check_number("seconds_per_chord", seconds_per_chord, 0.2, 60)
    notes: list[Note] = []
    previous: tuple[int, ...] | None = None
    for index, degree in enumerate(degrees):
        _check_number("degree", degree, 1, 7)
        members = [root + steps[(degree - 1 + k) % 7] for k in (0, 2, 4)]
        chord = _nearest_inversion(members, previous or tuple(root + steps[k] for k in (0, 2, 4)))
        start = index * seconds_per_chord
        end = (index + 1) * seconds_per_chord
        bass = members[0] - 12 - 12 * (members[0] - root > 6)
        notes.append(_note(start, end, bass, velocity, Hand.LEFT))
        if style == "block":
            notes.extend(_note(start, end, pitch, velocity, Hand.RIGHT) for pitch in chord)
        else:
            quarter = seconds_per_chord / 4
            for k, member in enumerate(orders[style]):
                onset = start + k * quarter
                notes.append(_note(onset, onset + quarter, chord[member], velocity, Hand.RIGHT))
        previous = chord
    return keyboard_score(Score(tuple(notes), title=f"{style} chords in {pitch_name(root)} {mode}"))


def hanon_pattern(
    pattern: Sequence[int] = (1, 2, 3, 4, 5, 4, 3, 2),
    tonic: str = "C4",
    *,
    positions: int = 8,
    hands: Sequence[Hand] = (Hand.RIGHT,),
    notes_per_second: float = 5.0,
    velocity: int = 74,
) -> Score:
    """Generate a five-finger exercise in the manner of Hanon.

    A pattern of fingers moves up the white keys position by position, and down again.

    Args:
        pattern: fingers of the right hand, 1 to 5; the left hand plays the same keys an octave
            lower with mirrored fingers.
        tonic: first position of the right thumb, a white key.
        positions: number of positions up, 1 to 40.
        hands: the hands that play, one or both.
        notes_per_second: tempo, 0.1 to 20.
        velocity: MIDI velocity of all notes, 1 to 127.

    Raises:
        InvalidValue: there is no such finger, the tonic is a black key, a number is out of range,
            or a key is off the keyboard.
    """
    _check_number("positions", positions, 1, 40)
    for finger in pattern:
        _check_number("finger", finger, 1, 5)
    root = parse_pitch(tonic)
    if is_black(root) or not pattern:
        raise InvalidValue(
            "tonic and pattern", (tonic, tuple(pattern)), "a white key and at least one finger"
        )
    white = [pitch for pitch in range(root - 12, root + 96) if not is_black(pitch)]
    base = white.index(root)
    places = [*range(positions), *range(positions - 2, -1, -1)]
    period = _period(notes_per_second)
    notes = []
    steps = [(place, finger) for place in places for finger in pattern]
    for index, (place, finger) in enumerate(steps):
        key = white[base + place + finger - 1]
        start = index * period
        end = (index + 1) * period
        for hand in hands:
            if hand is Hand.RIGHT:
                notes.append(_note(start, end, key, velocity, hand, finger=Finger(finger)))
            else:
                notes.append(_note(start, end, key - 12, velocity, hand, finger=Finger(6 - finger)))
    title = f"five-finger pattern {'-'.join(map(str, pattern))}"
    return keyboard_score(Score(tuple(notes), title=title))


def random_melody(
    rng: np.random.Generator,
    difficulty: float = 0.3,
    *,
    seconds: float = 10.0,
    hands: Sequence[Hand] = (Hand.RIGHT,),
) -> Score:
    """Generate a random line for each hand.

    Args:
        rng: generator of the music.
        difficulty: 0 (slow, nearby white keys) to 1 (quick leaps, black keys too).
        seconds: length [s], 0.5 to 3600.
        hands: the hands that play, one or both.

    Raises:
        InvalidValue: a number is out of range.
    """
    _check_number("difficulty", difficulty, 0, 1)
    _check_number("seconds", seconds, 0.5, 3600)
    level = _level(difficulty)._replace(voices=1)
    notes = [note for hand in hands for note in _random_hand(rng, level, difficulty, seconds, hand)]
    return keyboard_score(Score(tuple(notes), title=f"random melody, difficulty {difficulty:.2f}"))


def two_hand_texture(
    rng: np.random.Generator, difficulty: float = 0.5, seconds: float = 10.0
) -> Score:
    """Generate random single notes and chords within an octave, for both hands at once.

    Args:
        rng: generator of the music.
        difficulty: 0 (slow, small movements, single notes) to 1 (quick leaps, five-note chords).
        seconds: length [s], 0.5 to 3600.

    Raises:
        InvalidValue: a number is out of range.
    """
    _check_number("difficulty", difficulty, 0, 1)
    _check_number("seconds", seconds, 0.5, 3600)
    level = _level(difficulty)
    notes = [
        note for hand in BOTH_HANDS for note in _random_hand(rng, level, difficulty, seconds, hand)
    ]
    return keyboard_score(Score(tuple(notes), title=f"random texture, difficulty {difficulty:.2f}"))


def random_score(rng: np.random.Generator, *, num_notes: int = 50, seconds: float = 10.0) -> Score:
    """Generate random notes on all 88 keys, without hands or any limit of reach.

    Every press lasts at least 60 ms, and every key rests at least 60 ms between presses. Notes that
    would strike a key too soon are dropped.

    Args:
        rng: generator of the music.
        num_notes: notes before any are dropped, 0 to 1,000,000.
        seconds: span of the onsets [s], 0.5 to 3600.

    Raises:
        InvalidValue: a number is out of range.
    """
    _check_number("num_notes", num_notes, 0, 1_000_000)
    _check_number("seconds", seconds, 0.5, 3600)
    free = np.zeros(HIGHEST_PITCH + 1)
    notes = []
    for onset in np.sort(rng.uniform(0, seconds, num_notes)).tolist():
        pitch = int(rng.integers(LOWEST_PITCH, HIGHEST_PITCH + 1))
        length = 0.06 + float(rng.exponential(0.4))
        if onset >= free[pitch]:
            notes.append(Note(onset, pitch, onset + length, int(rng.integers(1, 128))))
            free[pitch] = onset + length + 0.06
    return Score(tuple(notes), title="random notes")


def _level(difficulty: float) -> _Level:
    return _Level(
        beat=0.8 * (0.12 / 0.8) ** difficulty,
        travel=2.0 * 20.0**difficulty,
        span=round(7 + 5 * difficulty),
        voices=1 + round(4 * difficulty),
    )


def _random_hand(
    rng: np.random.Generator, level: _Level, difficulty: float, seconds: float, hand: Hand
) -> Iterable[Note]:
    """A hand that wanders over its half of the keyboard; its window moves at most at
    `level.travel`."""
    reach = 14 + 18 * difficulty
    low, high = (
        (60.0, 60 + reach - level.span) if hand is Hand.RIGHT else (60 - reach, 59.0 - level.span)
    )
    window = target = (low + high) / 2
    onset = 0.0
    while onset + level.beat <= seconds:
        length = min(level.beat * float(rng.choice([1, 1, 2, 2, 4])), seconds - onset)
        if rng.random() < 0.3:
            target = float(rng.uniform(low, high))
        keys = range(math.ceil(window), math.floor(window + level.span) + 1)
        allowed = [key for key in keys if difficulty > 0.3 or not is_black(key)]
        count = int(rng.integers(1, level.voices + 1)) if rng.random() < 0.5 else 1
        velocity = int(np.clip(rng.normal(72, 4 + 16 * difficulty), 25, 120))
        is_silent = rng.random() < 0.1 and onset > 0
        size = 0 if is_silent else min(count, len(allowed))
        for pitch in rng.choice(allowed, size=size, replace=False).tolist():
            yield _note(onset, onset + length, pitch, velocity, hand)
        window += float(np.clip(target - window, -level.travel * length, level.travel * length))
        onset += length


def _run(
    root: int,
    offsets: list[int],
    fingers: dict[Hand, str],
    *,
    hands: Sequence[Hand],
    notes_per_second: float,
    velocity: int,
) -> list[Note]:
    """Notes up and down through `offsets` [semitones above the root] in every hand.

    Beside the right hand, the left hand plays an octave lower.
    """
    period = _period(notes_per_second)
    path = [*range(len(offsets)), *range(len(offsets) - 2, -1, -1)]
    notes = []
    for hand in hands:
        base = root - 12 if hand is Hand.LEFT and Hand.RIGHT in hands else root
        for index, place in enumerate(path):
            finger = Finger(int(fingers[hand][place])) if hand in fingers else None
            start = index * period
            end = (index + 1) * period
            notes.append(_note(start, end, base + offsets[place], velocity, hand, finger=finger))
    return notes


def _nearest_inversion(members: Sequence[int], previous: tuple[int, ...]) -> tuple[int, ...]:
    """The close position of a triad with the least finger movement from `previous`."""
    classes = sorted(pitch % 12 for pitch in members)
    around = range(previous[0] - 12, previous[0] + 13)
    choices = []
    for lowest in (pitch for pitch in around if pitch % 12 in classes):
        above = sorted(lowest + (c - lowest) % 12 for c in classes)
        choices.append(tuple(above))
    return min(
        choices,
        key=lambda chord: (sum(abs(a - b) for a, b in zip(chord, previous, strict=True)), chord),
    )


def _note(
    start: float,
    end: float,
    pitch: int,
    velocity: int,
    hand: Hand,
    *,
    finger: Finger | None = None,
) -> Note:
    if not is_on_keyboard(pitch):
        raise InvalidValue(
            "generated pitch",
            pitch,
            f"{LOWEST_PITCH}..{HIGHEST_PITCH}: choose another tonic or range",
        )
    return Note(start, pitch, end, velocity, hand=hand, finger=finger)


def _mode_steps(mode: str) -> tuple[int, ...]:
    if mode not in _STEPS:
        raise UnknownName("mode", mode, available=_STEPS)
    return _STEPS[mode]


def _period(notes_per_second: float) -> float:
    _check_number("notes_per_second", notes_per_second, 0.1, 20)
    return 1 / notes_per_second


def _check_number(thing: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InvalidValue(thing, value, f"{low}..{high}")
