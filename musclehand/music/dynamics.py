"""Expressive dynamics: random MIDI velocities with the spread of human playing.

Loudness is the sum of an autoregressive swell from phrase to phrase, a melody that stands above its
accompaniment, and independent noise on every note. Most scores at hand have a single loudness; a
player that is to follow written velocities is tested on scores that this module has shaped. The
range of velocities is that of recorded playing (30 to 110 in Goebl & Bresin 2003, J Acoust Soc Am
114:2273, cited from memory); the model is our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from musclehand.music.score import Score

TOGETHER = 0.03
"""[s] Notes whose onsets differ by less belong to one chord."""


@dataclass(frozen=True)
class Dynamics:
    """Parameters of the random dynamics; velocities are MIDI velocities, 1 to 127.

    The defaults give velocities a standard deviation of about 15, as in recorded playing.
    """

    mean: float = 58.0
    """Mean velocity."""

    lowest: int = 20
    """Softer notes are raised to this velocity."""

    highest: int = 115
    """Louder notes are lowered to this velocity."""

    phrase: float = 1.5
    """[s] Length of a phrase, in which the swell is constant."""

    persistence: float = 0.6
    """Autoregressive coefficient of the swell: the share that the next phrase keeps, 0 to 1."""

    phrase_spread: float = 9.0
    """Standard deviation of the change of velocity from one phrase to the next."""

    melody: float = 10.0
    """Velocity that the highest sounding note has above the mean."""

    accompaniment: float = 4.0
    """Velocity that all other notes have below the mean."""

    touch: float = 6.0
    """Standard deviation of the velocities of single notes."""


def shape_dynamics(score: Score, rng: np.random.Generator, config: Dynamics | None = None) -> Score:
    """Replace the velocities of a score by random expressive ones.

    Args:
        score: any score with at least one note.
        rng: generator of the swells and of the noise on single notes.
        config: parameters of the model; by default those of `Dynamics()`.

    Returns:
        The same notes with new velocities.
    """
    config = config or Dynamics()
    onsets, offsets = score.intervals.T
    pitches = np.array([note.pitch for note in score.notes])
    swells = [0.0]
    for _ in range(int(score.duration / config.phrase) + 1):
        swells.append(config.persistence * swells[-1] + config.phrase_spread * rng.normal())
    notes = []
    for note in score.notes:
        sounding = (onsets <= note.onset + TOGETHER) & (offsets > note.onset)
        voice = config.melody if note.pitch == pitches[sounding].max() else -config.accompaniment
        swell = swells[int(note.onset / config.phrase)]
        velocity = config.mean + swell + voice + config.touch * rng.normal()
        notes.append(
            replace(note, velocity=int(np.clip(round(velocity), config.lowest, config.highest)))
        )
    return score.with_notes(notes)
