"""Random stream of exercises and music: training material for playing hands.

    for item in islice(pattern_scores(seed=0), 100):
        perform(item.score)

Each score is an instance of a pattern (a scale, a five-finger pattern, a random melody) with random
tempo, loudness, articulation, register and hands. Score number n of a seed does not depend on the
scores generated before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.generate.exercises import (
    Mode,
    Style,
    arpeggio,
    chord_progression,
    hanon_pattern,
    random_melody,
    scale,
    two_hand_texture,
)
from musclehand.music.pitch import is_black, pitch_name
from musclehand.music.score import Hand, Score, keyboard_score

SHARES: Mapping[str, float] = {
    "scale": 0.2,
    "arpeggio": 0.1,
    "chords": 0.15,
    "hanon": 0.15,
    "melody": 0.15,
    "texture": 0.25,
}
"""Kinds of score and their shares of the stream, by number of scores.

Chosen so that runs (scales, five-finger patterns), chords with arpeggios, and unpredictable music
(melodies, textures) each have at least a quarter."""

SECONDS = 8.0
"""[s] Exercises are repeated until they last this long; random scores last 1 to 2 times as long."""

NUM_FINGER_PATTERNS = 60
"""Number of different five-finger patterns."""

SHORTEST = 0.07
"""[s] Shortest note after any change of articulation: a key needs about this long to sound."""

_HANDS = ((Hand.RIGHT,), (Hand.LEFT,), (Hand.RIGHT, Hand.LEFT))
_REGISTER = {Hand.RIGHT: (45, 98), Hand.LEFT: (28, 81)}
"""Lowest and highest pitch of exercises for each hand."""


class PatternScore(NamedTuple):
    """A score of the stream."""

    pattern: str
    """Name of the pattern that the score is an instance of, such as "scale C major"."""

    kind: str
    """Kind of pattern, a key of `SHARES`."""

    score: Score
    """The score itself, with a hand on every note."""


def pattern_scores(seed: int = 0, *, start: int = 0) -> Iterator[PatternScore]:
    """Generate the endless stream of scores of a seed, from score number `start` on.

    Raises:
        InvalidValue: a seed or start below 0.
    """
    return (pattern_score(seed, number) for number in count(start))


def pattern_score(seed: int, number: int) -> PatternScore:
    """Generate score `number` of the stream of `seed`.

    Raises:
        InvalidValue: a seed or number below 0.
    """
    for thing, value in (("seed", seed), ("number", number)):
        if value < 0:
            raise InvalidValue(thing, value, "0 or more")
    rng = np.random.default_rng([seed, number])
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    name = f"{kind} {seed}-{number}"
    if kind == "melody":
        hands = _HANDS[int(rng.integers(3))]
        melody = random_melody(rng, float(rng.uniform(0, 0.9)), seconds=_length(rng), hands=hands)
        return PatternScore(name, kind, vary_articulation(rng, melody))
    if kind == "texture":
        texture = two_hand_texture(rng, float(rng.uniform(0, 0.8)), _length(rng))
        return PatternScore(name, kind, vary_articulation(rng, texture))
    makers = {"scale": _scale, "arpeggio": _arpeggio, "chords": _chords, "hanon": _hanon}
    pattern, score = makers[kind](rng)
    shaped = vary_loudness(rng, repeat_to_length(score, SECONDS))
    return PatternScore(pattern, kind, vary_articulation(rng, shaped))


def finger_pattern(number: int) -> tuple[int, ...]:
    """Five-finger pattern `number`: eight finger numbers.

    No finger plays twice in a row, the last is not the first, and at least four are used.

    Raises:
        InvalidValue: the number is not in 0..`NUM_FINGER_PATTERNS` - 1.
    """
    if not 0 <= number < NUM_FINGER_PATTERNS:
        raise InvalidValue("number of a finger pattern", number, f"0..{NUM_FINGER_PATTERNS - 1}")
    rng = np.random.default_rng([5, number])
    while True:
        fingers = tuple(int(finger) for finger in rng.integers(1, 6, 8))
        following = fingers[1:] + fingers[:1]
        apart = all(finger != after for finger, after in zip(fingers, following, strict=True))
        if apart and len(set(fingers)) >= 4:
            return fingers


def repeat_to_length(score: Score, seconds: float) -> Score:
    """Repeat a score until it lasts at least `seconds`; an empty score is returned unchanged."""
    if not score.notes or score.duration >= seconds:
        return score
    length = score.duration
    notes = list(score.notes)
    turns = int(np.ceil(seconds / length))
    for turn in range(1, turns):
        notes += [
            replace(n, onset=n.onset + turn * length, offset=n.offset + turn * length)
            for n in score.notes
        ]
    return keyboard_score(score.with_notes(notes))


def vary_loudness(rng: np.random.Generator, score: Score) -> Score:
    """Add a slow random wave of up to 16 MIDI steps and small random changes to the velocities."""
    size = rng.uniform(0, 16)
    phase = rng.uniform(0, 2 * np.pi)
    waves = rng.uniform(0.5, 2.0)
    swell = size * np.sin(
        phase + 2 * np.pi * waves * score.intervals[:, 0] / max(score.duration, 1e-9)
    )
    loud = np.clip(score.velocities + swell + rng.normal(0, 3, len(score)), 25, 120)
    return score.with_notes(
        replace(n, velocity=round(v)) for n, v in zip(score.notes, loud.tolist(), strict=True)
    )


def vary_articulation(rng: np.random.Generator, score: Score) -> Score:
    """Shorten all notes alike: half of the scores stay legato, a quarter each become detached and
    staccato."""
    draw = rng.random()
    share = 1.0 if draw < 0.5 else rng.uniform(0.6, 0.9) if draw < 0.75 else rng.uniform(0.3, 0.5)
    if share == 1.0:
        return score
    return score.with_notes(
        replace(n, offset=n.onset + min(n.duration, max(share * n.duration, SHORTEST)))
        for n in score.notes
    )


def _length(rng: np.random.Generator) -> float:
    return float(rng.uniform(SECONDS, 2 * SECONDS))


def _scale(rng: np.random.Generator) -> tuple[str, Score]:
    tonic, mode, octaves, hands = _key(rng)
    rate = _rate(rng, 2.0, 7.0)
    velocity = _loudness(rng)
    score = scale(
        tonic, mode, octaves=octaves, hands=hands, notes_per_second=rate, velocity=velocity
    )
    return f"scale {tonic.rstrip('0123456789-')} {mode}", score


def _arpeggio(rng: np.random.Generator) -> tuple[str, Score]:
    tonic, mode, octaves, hands = _key(rng)
    rate = _rate(rng, 1.5, 5.0)
    velocity = _loudness(rng)
    score = arpeggio(
        tonic, mode, octaves=octaves, hands=hands, notes_per_second=rate, velocity=velocity
    )
    return f"arpeggio {tonic.rstrip('0123456789-')} {mode}", score


def _chords(rng: np.random.Generator) -> tuple[str, Score]:
    tonic = pitch_name(int(rng.integers(53, 65)))
    mode = _mode(rng)
    style = _style(rng)
    degrees = [1, *(int(degree) for degree in rng.integers(1, 8, int(rng.integers(2, 7)))), 1]
    seconds = 1 / _rate(rng, 0.4, 1.5)
    score = chord_progression(
        tonic, mode, degrees, style=style, seconds_per_chord=seconds, velocity=_loudness(rng)
    )
    return f"chords {tonic.rstrip('0123456789-')} {mode}", score


def _hanon(rng: np.random.Generator) -> tuple[str, Score]:
    fingers = finger_pattern(int(rng.integers(NUM_FINGER_PATTERNS)))
    hands = _HANDS[int(rng.integers(3))]
    positions = int(rng.integers(2, 9))
    low, high = _range(hands, 7 + 2 * positions)
    tonic = int(rng.choice([pitch for pitch in range(low, high + 1) if not is_black(pitch)]))
    if hands == (Hand.LEFT,):  # `hanon_pattern` puts the left hand an octave below
        tonic += 12
    score = hanon_pattern(
        fingers,
        pitch_name(tonic),
        positions=positions,
        hands=hands,
        notes_per_second=_rate(rng, 2.0, 7.0),
        velocity=_loudness(rng),
    )
    return f"hanon {'-'.join(map(str, fingers))}", score


def _key(rng: np.random.Generator) -> tuple[str, Mode, int, tuple[Hand, ...]]:
    """A random tonic, mode, number of octaves and hands, in which all octaves stay in register."""
    hands = _HANDS[int(rng.integers(3))]
    octaves = int(rng.integers(1, 5))
    key = int(rng.integers(12))
    mode = _mode(rng)
    while True:
        low, high = _range(hands, 12 * octaves)
        tonics = [pitch for pitch in range(low, high + 1) if pitch % 12 == key]
        if tonics:
            return pitch_name(int(rng.choice(tonics))), mode, octaves, hands
        octaves -= 1


def _range(hands: tuple[Hand, ...], span: int) -> tuple[int, int]:
    """Lowest and highest first pitch of a run of `span` semitones, for the first of the hands."""
    low, high = _REGISTER[hands[0]]
    return low, high - span


def _mode(rng: np.random.Generator) -> Mode:
    return "major" if rng.random() < 0.5 else "minor"


def _style(rng: np.random.Generator) -> Style:
    styles: tuple[Style, ...] = ("block", "broken", "alberti")
    return styles[int(rng.integers(3))]


def _rate(rng: np.random.Generator, low: float, high: float) -> float:
    """A log-uniform random rate: every doubling is equally likely."""
    return float(low * (high / low) ** rng.random())


def _loudness(rng: np.random.Generator) -> int:
    return int(rng.integers(45, 101))
