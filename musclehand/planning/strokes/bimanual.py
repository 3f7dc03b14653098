"""The reference motion of all hands of a performance, solved together.

Each hand keeps clear of where the other one is at the step solved last, so the order in which their
inverse kinematics is solved belongs to the motion. One object owns both hands and that order.
"""

from __future__ import annotations

from collections.abc import Mapping

from musclehand.body.anatomy import Side
from musclehand.planning.strokes.motion import HandMotion, MotionStep
from musclehand.planning.trajectory.hand_trajectory import solve_window


class BimanualMotion:
    """Solves the steps of one or two hands in order. A motion is used up by a single
    performance."""

    def __init__(self, hands: Mapping[Side, HandMotion]) -> None:
        """
        Args:
            hands: motions of which no step was solved yet, with the same joints and the same steps.
        """
        self.hands = dict(hands)

    @property
    def sim_steps(self) -> int:
        """Simulation steps in a control step."""
        return next(iter(self.hands.values())).sim_steps

    @property
    def joints(self) -> tuple[int, int]:
        """Joints of a hand, and how many of them are independent."""
        all_joints, independent = next(iter(self.hands.values())).ik.index.expand.shape
        return all_joints, independent

    def at(self, step: int) -> tuple[MotionStep, ...]:
        """The reference of control step `step`, of each hand in order; steps must come in order."""
        hands = self.hands.values()
        while any(hand.trajectory.solved_until < hand.needs(step) for hand in hands):
            solve_window([hand.trajectory for hand in hands])
        return tuple(hand.at(step) for hand in hands)
