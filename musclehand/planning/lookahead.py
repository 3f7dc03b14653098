"""What the hands of a performance should do, step by step: solved here, or ahead of the simulation
in another process.

The reference follows from the score alone, so where there are two processors a process of its own
works it out while this one simulates. That process is a helper, no more: until it is under way, and
should it come to grief, steps are solved here, to the same bits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.helper_process import HelperProcess
from musclehand.planning.strokes.motion import AHEAD, HandMotion, MotionStep

_LOG = logging.getLogger(__name__)


HandsStep = MotionStep
"""Of h hands, field by field: shapes (h, ...). Numbers all; `pressing` is 0 or 1."""


class Layout:
    """How `AHEAD` steps of some hands lie in one block of numbers, which is how they are passed
    on."""

    def __init__(self, motions: Mapping[Side, HandMotion]) -> None:
        """`motions`: of hands with the same joints, as all of one scene are."""
        first = next(iter(motions.values()))
        joints, independent = first.ik.index.expand.shape
        wrist = (first.sim_steps, 3)
        shapes = (
            (joints,),
            (independent,),
            (independent,),
            (5, 3),
            (5,),
            (5,),
            (5,),
            (5,),
            wrist,
            wrist,
            wrist,
        )
        self.shapes = tuple((AHEAD, len(motions), *shape) for shape in shapes)
        edges = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        self.places = tuple(slice(int(a), int(b)) for a, b in pairwise(edges))
        self.size = int(edges[-1])

    def fields(self, block: np.ndarray) -> HandsStep:
        """The parts of a block, to read and to write: shapes (AHEAD, h, ...). Block of shape
        (size,)."""
        return HandsStep(
            *(
                block[place].reshape(shape)
                for place, shape in zip(self.places, self.shapes, strict=True)
            )
        )


class BlockMaker:
    """Solves block after block of steps of some hands."""

    def __init__(self, motions: dict[Side, HandMotion]) -> None:
        """`motions`, of which no step was asked for yet."""
        self._motions = motions
        self._layout = Layout(motions)
        self.done = 0

    def __call__(self, number: int) -> np.ndarray:
        """Block `number`, which must be `done`: they come in order. Shape (size,)."""
        block = np.empty(self._layout.size)
        fields = self._layout.fields(block)
        for row in range(AHEAD):
            for column, motion in enumerate(self._motions.values()):
                for field, value in zip(fields, motion.at(number * AHEAD + row), strict=True):
                    field[row, column] = value
        self.done = number + 1
        return block


class Reference:
    """The steps of all hands of a performance, in order."""

    def __init__(
        self, motions: dict[Side, HandMotion], helper: HelperProcess | None = None
    ) -> None:
        """`motions`, of which no step was asked for yet; `helper`: a process to solve them in,
        or None."""
        self._make = BlockMaker(motions)
        self._helper = helper
        self._layout = Layout(motions)
        self._number, self._fields = -1, self._layout.fields(np.empty(self._layout.size))
        self._helped = False
        if helper is not None:
            helper.start(self._make, self._layout.size)

    def at(self, step: int) -> HandsStep:
        """Control step `step` [steps from 0 on]; none before it is asked for from then on."""
        number, row = divmod(step, AHEAD)
        if number != self._number:
            self._fields = self._layout.fields(self._block(number))
            self._number = number
        return HandsStep(*(field[row] for field in self._fields))

    def close(self) -> None:
        """Ends the helper, if there is one; steps not yet asked for would be solved here."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _block(self, number: int) -> np.ndarray:
        if self._helper is not None:
            # Before its first help it has caught up with nothing: what it would be waited for is
            # sooner solved here.
            block = self._helper.take(number, wait=self._helped)
            if block is not None:
                self._helped = True
                return block
            if self._helped:
                _LOG.warning(
                    "the process that solves the reference has ended; it is solved in this one"
                )
                self.close()
        while self._make.done < number:
            self._make(self._make.done)
        return self._make(number)
