"""The reference motion of a performance, step by step: solved here, or ahead of the simulation in a
second process.

The reference follows from the score alone. Where there are two processors, a second process solves
it while this one simulates. Until that process is under way, and should it end early, steps are
solved here, to the same bits.
"""

from __future__ import annotations

import logging
from itertools import pairwise

import numpy as np

from musclehand.core.helper_process import HelperProcess
from musclehand.planning.strokes.bimanual import BimanualMotion
from musclehand.planning.strokes.motion import AHEAD, MotionStep

_LOG = logging.getLogger(__name__)


HandsStep = MotionStep
"""A `MotionStep` of h hands: each field has a leading axis of length h; `pressing` is 0.0 or
1.0."""


def start_helper() -> HelperProcess:
    """A second process for `ReferenceStream`; it loads its libraries while this one plans."""
    return HelperProcess(__name__)


class BlockLayout:
    """How `AHEAD` steps of some hands lie in one flat block of numbers, as processes exchange
    it."""

    def __init__(self, motion: BimanualMotion) -> None:
        joints, independent = motion.joints
        wrist = (motion.sim_steps, 4)
        shapes: dict[str, tuple[int, ...]] = {
            "qpos": (joints,),
            "next_qpos": (independent,),
            "next_qvel": (independent,),
            "tips": (5, 3),
            "pressing": (5,),
            "press": (5,),
            "key_mass": (5,),
            "key_damping": (5,),
            "wrist": wrist,
            "wrist_velocity": wrist,
            "wrist_acceleration": wrist,
        }
        hands = len(motion.hands)
        self.shapes = tuple((AHEAD, hands, *shapes[name]) for name in MotionStep._fields)
        edges = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        self.places = tuple(slice(int(start), int(end)) for start, end in pairwise(edges))
        self.size = int(edges[-1])

    def fields(self, block: np.ndarray) -> HandsStep:
        """Views of the parts of a block, to read and to write. Shapes (AHEAD, h, ...).

        Args:
            block: shape (size,).
        """
        parts = zip(self.places, self.shapes, strict=True)
        return HandsStep(*(block[place].reshape(shape) for place, shape in parts))


class BlockMaker:
    """Solves block after block of steps."""

    def __init__(self, motion: BimanualMotion) -> None:
        """
        Args:
            motion: of which no step was solved yet.
        """
        self._motion = motion
        self._layout = BlockLayout(motion)
        self.done = 0
        """Blocks solved so far."""

    def __call__(self, number: int) -> np.ndarray:
        """Block `number`, which must be `done`: blocks come in order. Shape (size,)."""
        block = np.empty(self._layout.size)
        fields = self._layout.fields(block)
        for row in range(AHEAD):
            for column, step in enumerate(self._motion.at(number * AHEAD + row)):
                for field, value in zip(fields, step, strict=True):
                    field[row, column] = value
        self.done = number + 1
        return block


class ReferenceStream:
    """The steps of all hands of a performance, in order."""

    def __init__(self, motion: BimanualMotion, helper: HelperProcess | None = None) -> None:
        """
        Args:
            motion: of which no step was solved yet.
            helper: a process to solve steps in (see `start_helper`), or None.
        """
        self._make = BlockMaker(motion)
        self._helper = helper
        self._layout = BlockLayout(motion)
        self._number = -1
        self._fields = self._layout.fields(np.empty(self._layout.size))
        self._helped = False
        if helper is not None:
            helper.start(self._make, self._layout.size)

    def at(self, step: int) -> HandsStep:
        """Control step `step`, counted from 0; steps must come in order."""
        number, row = divmod(step, AHEAD)
        if number != self._number:
            self._fields = self._layout.fields(self._block(number))
            self._number = number
        return HandsStep(*(field[row] for field in self._fields))

    def close(self) -> None:
        """Ends the helper, if there is one; further steps would be solved here."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _block(self, number: int) -> np.ndarray:
        if self._helper is not None:
            # Until the helper has delivered its first block it is sooner solved here than waited
            # for.
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
