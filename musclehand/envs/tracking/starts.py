"""Adaptive reference state initialisation: where in the clips episodes start.

Episodes start at random frames, in the state that the reference has there (reference state
initialisation, Peng et al. 2018, DeepMimic). Frames are grouped in segments of half a second, and
each segment has a difficulty, a running mean of the errors of episodes that began in it. Half of
the starts are drawn in proportion to difficulty, the other half uniformly, so that no segment is
ever left out.
"""

from __future__ import annotations

import numpy as np

from musclehand.envs.reference import ReferenceSet

SEGMENT = 0.5
"""[s] Duration of a segment. Chosen."""

RETENTION = 0.9
"""Share of the running mean that is kept when an episode is added. Chosen."""

INITIAL_DIFFICULTY = 0.5
"""Difficulty of segments in which no episode has begun yet."""


class StartSampler:
    """Draws frames to start at."""

    difficulty: np.ndarray
    """Running mean of the error of episodes from each segment, 0 to 1. Shape (segments,)."""

    def __init__(
        self, references: ReferenceSet, *, adaptive_share: float = 0.5, end_margin: int = 10
    ) -> None:
        """
        Args:
            references: with the clips.
            adaptive_share: share of the starts that is drawn in proportion to difficulty.
            end_margin: number of frames at the end of a clip without starts.
        """
        self._adaptive_share = adaptive_share
        length = max(1, round(SEGMENT / references.dt))
        frames = np.arange(references.frames)
        segment_in_clip = (frames - references.first[references.clip]) // length
        most = int(segment_in_clip.max()) + 1
        _, self._segment = np.unique(references.clip * most + segment_in_clip, return_inverse=True)
        self._frames = frames[frames + end_margin <= references.last[references.clip]]
        self.difficulty = np.full(int(self._segment.max()) + 1, INITIAL_DIFFICULTY)
        # Frames are in the order of segments, so the possible starts of a segment are consecutive.
        self._counts = np.bincount(self._segment[self._frames], minlength=len(self.difficulty))
        self._first = np.cumsum(self._counts) - self._counts

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draws frames to start at. Shape (count,).

        Args:
            rng: random numbers, one for each start.
            count: number of starts.
        """
        weight = self.difficulty * self._counts
        uniform = self._counts / self._counts.sum()
        share = self._adaptive_share
        chance = (1.0 - share) * uniform + share * weight / max(float(weight.sum()), 1e-12)
        if weight.sum() <= 0.0:
            chance = uniform
        edges = np.cumsum(chance)
        drawn = rng.random(count) * edges[-1]
        segment = np.minimum(
            np.searchsorted(edges, drawn, side="right"), np.flatnonzero(self._counts)[-1]
        )
        within = 1.0 - (edges[segment] - drawn) / chance[segment]
        counts = self._counts[segment]
        rows = np.clip((within * counts).astype(int), 0, counts - 1)
        return np.asarray(self._frames[self._first[segment] + rows])

    def update(self, starts: np.ndarray, error: np.ndarray) -> None:
        """Adds episodes to the difficulties of the segments that they began in.

        Args:
            starts: frames that episodes began at. Shape (count,).
            error: of each episode, from 0, perfect, to 1, failed. Shape (count,).
        """
        for segment, value in zip(self._segment[starts], error, strict=True):
            self.difficulty[segment] = RETENTION * self.difficulty[segment] + (
                1.0 - RETENTION
            ) * min(max(float(value), 0.0), 1.0)
