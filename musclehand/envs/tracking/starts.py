"""Where episodes start: anywhere in the clips, and more often where they went wrong lately.

Frames are gathered in stretches of half a second. Each keeps a running mean of how bad episodes
that began there were; half of the starts are drawn by it, the other half evenly, so that no stretch
is ever left out.
"""

from __future__ import annotations

import numpy as np

from musclehand.envs.reference import ReferenceSet

STRETCH = 0.5
"""A stretch [s]."""

MEMORY = 0.9
"""How much of the running mean stays when an episode is added to it."""


class StartSampler:
    """Draws starts. `badness` of every stretch, 0 to 1, is all it remembers. Shape (stretches,)."""

    def __init__(self, references: ReferenceSet, *, share: float = 0.5, room: int = 10) -> None:
        """`share` of the starts drawn by badness; no start within the last `room` frames of a
        clip."""
        self._share = share
        length = max(1, round(STRETCH / references.dt))
        frames = np.arange(references.frames)
        place = (frames - references.first[references.clip]) // length
        most = int(place.max()) + 1
        _, self._stretch = np.unique(references.clip * most + place, return_inverse=True)
        self._frames = frames[frames + room <= references.last[references.clip]]
        self.badness = np.full(int(self._stretch.max()) + 1, 0.5)
        # Frames are in order of stretches: those of each that can be started at lie behind each
        # other.
        self._counts = np.bincount(self._stretch[self._frames], minlength=len(self.badness))
        self._first = np.cumsum(self._counts) - self._counts

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Frames to start at. Shape (count,)."""
        weight = self.badness * self._counts
        even = self._counts / self._counts.sum()
        chance = (1.0 - self._share) * even + self._share * weight / max(float(weight.sum()), 1e-12)
        if weight.sum() <= 0.0:
            chance = even
        edges = np.cumsum(chance)
        drawn = rng.random(count) * edges[-1]
        stretch = np.minimum(
            np.searchsorted(edges, drawn, side="right"), np.flatnonzero(self._counts)[-1]
        )
        within = 1.0 - (edges[stretch] - drawn) / chance[stretch]
        places = np.clip((within * self._counts[stretch]).astype(int), 0, self._counts[stretch] - 1)
        return np.asarray(self._frames[self._first[stretch] + places])

    def tell(self, starts: np.ndarray, badness: np.ndarray) -> None:
        """Remembers how episodes went.

        Args:
            starts: the frames they began at. Shape (count,).
            badness: from 0, as wanted, to 1, failed. Shape (count,).
        """
        for stretch, value in zip(self._stretch[starts], badness, strict=True):
            self.badness[stretch] = MEMORY * self.badness[stretch] + (1.0 - MEMORY) * min(
                max(float(value), 0.0), 1.0
            )
