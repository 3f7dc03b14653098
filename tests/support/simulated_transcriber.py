"""A transcriber that reads its notes out of the sound: the oracle of joining and resuming."""

from collections.abc import Sequence

import numpy as np

from musclehand.music.score import Score
from musclehand.watch.hearing import Event, Heard

RATE = 1000
"""[Hz] Sample rate; times are exact to a sample."""

FIRST = 21
"""Pitch of the first line."""

LINES = 20
"""Keys that the sound has room for, ten in each channel."""


def encode(score: Score, duration: float) -> np.ndarray:
    """A sound whose samples tell which keys are down, by a bit for each.

    Shape (duration * RATE, 2), float32.
    """
    bits = np.zeros((round(duration * RATE), 2))
    for note in score.notes:
        channel, bit = divmod(note.pitch - FIRST, 10)
        bits[round(note.onset * RATE) : round(note.offset * RATE), channel] += 2.0**bit
    return (bits / 1024).astype(np.float32)


class SimulatedTranscriber:
    """Hears what `encode` wrote, by segments of 4 s every 3 s, and as a network does: from `resume`
    (samples) on, onsets up to half an overlap before the end, and releases within the segment."""

    name = "simulated"
    rate = RATE
    length = 4 * RATE
    step = 3 * RATE

    def __init__(self) -> None:
        self.calls = 0

    def hear(
        self, samples: np.ndarray, begin: float, resume: Sequence[int]
    ) -> tuple[Heard, list[int]]:
        assert samples.shape == (self.length, 2)
        self.calls += 1
        bound = self.length - (self.length - self.step) // 2
        words = np.rint(samples * 1024).astype(int)
        events = []
        ends = [0] * LINES
        for line in range(LINES):
            channel, bit = divmod(line, 10)
            first = resume[line] if resume else 0
            down = (words[:, channel] >> bit) & 1
            down[:first] = 0
            edges = np.flatnonzero(np.diff(np.concatenate([[0], down, [0]])))
            for start, end in edges.reshape(-1, 2):
                if start >= bound:
                    continue
                whole = end < self.length
                events.append(
                    Event(
                        FIRST + line,
                        round(begin + start / RATE, 5),
                        round(begin + end / RATE, 5),
                        50 + line,
                        bool(start > 0),
                        bool(whole),
                    )
                )
                if whole:
                    ends[line] = max(int(end) - self.step, 0)
        return Heard(begin, tuple(events)), ends
