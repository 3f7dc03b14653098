"""The reference motion of all hands of a performance, solved together.

Each hand keeps clear of where the other one is at the step solved last, so the order in which their
inverse kinematics is solved belongs to the motion. One object owns both hands and that order.
"""

from __future__ import annotations

from collections.abc import Mapping

from musclehand.body.anatomy import Side
from musclehand.planning.strokes.clearance import Skin
from musclehand.planning.strokes.motion import AHEAD, BEGINNING, HandMotion, MotionStep


class BimanualMotion:
    """Solves the steps of one or two hands in order. A motion is used up by a single
    performance."""

    def __init__(self, hands: Mapping[Side, HandMotion]) -> None:
        """
        Args:
            hands: motions of which no step was solved yet, with the same joints and the same steps.
        """
        self.hands = dict(hands)
        self._solved = 0

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
        while self._solved <= step + BEGINNING - 1:
            self._solve()
        return tuple(hand.at(step) for hand in self.hands.values())

    def _solve(self) -> None:
        """The first steps of one hand after the other, from then on the hands in turn."""
        hands = self.hands.values()
        if self._solved == 0:
            for hand in hands:
                for _ in range(BEGINNING):
                    hand.solve_next(self._skin_beside(hand))
            self._solved = BEGINNING
            return
        for _ in range(AHEAD):
            for hand in hands:
                hand.solve_next(self._skin_beside(hand))
        self._solved += AHEAD

    def _skin_beside(self, hand: HandMotion) -> Skin | None:
        """Outline of the other hand at its last step, None if there is no other hand."""
        return next((partner.skin for partner in self.hands.values() if partner is not hand), None)
