"""Loudness as people play: phrases that swell and fade, a melody above its accompaniment, and no
two notes alike.

What a player of written velocities is tried on, since most scores at hand are all of one loudness.
Spread and order of size are those of recorded playing (Goebl & Bresin 2003, J Acoust Soc Am
114:2273, play 30 to 110; recalled); the way it is made up is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from musclehand.music.score import Score

TOGETHER = 0.03
"""Notes that begin within this are struck together [s]."""


@dataclass(frozen=True)
class Dynamics:
    """Of all MIDI velocities, about `mean` and kept within `lowest` and `highest`.

    `phrase` [s] after which loudness takes another way, remembering `memory` of the last one's and
    changing by `phrase_spread`; `melody` above the mean and `accompaniment` below it for notes that
    are the highest sounding and others; `touch` spread of single notes.
    """

    mean: float = 58.0
    lowest: int = 20
    highest: int = 115
    phrase: float = 1.5
    memory: float = 0.6
    phrase_spread: float = 9.0
    melody: float = 10.0
    accompaniment: float = 4.0
    touch: float = 6.0


def shape_dynamics(score: Score, rng: np.random.Generator, config: Dynamics | None = None) -> Score:
    """The same notes with velocities as people would play them, spread over some 15 of MIDI's 127.

    Args:
        score: anything.
        rng: where chance comes from.
        config: how much of what.
    """
    config = config or Dynamics()
    begins, ends = score.intervals.T
    pitches = np.array([note.pitch for note in score.notes])
    swells = [0.0]
    for _ in range(int(score.duration / config.phrase) + 1):
        swells.append(config.memory * swells[-1] + config.phrase_spread * rng.normal())
    notes = []
    for note in score.notes:
        sounding = (begins <= note.onset + TOGETHER) & (ends > note.onset)
        voice = config.melody if note.pitch == pitches[sounding].max() else -config.accompaniment
        swell = swells[int(note.onset / config.phrase)]
        velocity = config.mean + swell + voice + config.touch * rng.normal()
        notes.append(
            replace(note, velocity=int(np.clip(round(velocity), config.lowest, config.highest)))
        )
    return score.with_notes(notes)
