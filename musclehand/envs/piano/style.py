"""A person's motion at the frames of a plan: what the style of learners is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, NUM_TIPS, Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.piano import reward
from musclehand.envs.reference import ReferenceSet, mirrors
from musclehand.envs.tracking.body import Proprioception
from musclehand.motion.clip import LEAD_KEPT, MotionClip
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.planning.strokes.person import person_motion

_INDEPENDENT = np.array([HAND_JOINTS.index(joint) for joint in INDEPENDENT_JOINTS])


@dataclass(frozen=True)
class Style:
    """A person's hands at N frames, mirrored to right hands as the plan's are."""

    angles: np.ndarray
    """[rad] independent joint angles. Shape (N, 19)."""

    wrist: np.ndarray
    """[m] in the world. Shape (N, 3)."""

    tips: np.ndarray
    """[m] fingertips in the world. Shape (N, 5, 3)."""

    seen: np.ndarray
    """0 where the person was not seen to 1. Shape (N,)."""

    @classmethod
    def of(cls, people: Sequence[Mapping[Side, MotionClip]], references: ReferenceSet) -> Style:
        """The people who play some pieces, at the frames of the pieces' plans.

        Args:
            people: for each piece the person's hands, on the clock of its score; an empty mapping
                for nobody.
            references: plans of all pieces for one side, then for the other.

        Raises:
            InvalidValue: there are not as many people as pieces.
        """
        count = len(references.names) // 2
        if len(people) != count:
            raise InvalidValue("number of people", len(people), f"{count}, one for each piece")
        ik = HandIk()
        style = cls(
            np.zeros((references.frames, len(INDEPENDENT_JOINTS))),
            np.zeros((references.frames, 3)),
            np.zeros((references.frames, NUM_TIPS, 3)),
            np.zeros(references.frames),
        )
        bounds = zip(references.sides, references.first, references.last, strict=True)
        for number, (side, first, last) in enumerate(bounds):
            clip = people[number % count].get(side)
            if clip is None:
                continue
            rows = slice(int(first), int(last) + 1)
            times = references.dt * np.arange(rows.stop - rows.start) - LEAD_KEPT
            state = person_motion(clip, ik).at(times)
            mirror = mirrors(side)[1]
            style.angles[rows] = state.angles
            style.wrist[rows] = state.wrist * mirror
            style.tips[rows] = state.tips * mirror
            style.seen[rows] = state.seen
        return style

    def term(
        self, frame: np.ndarray, proprioception: Proprioception, held: np.ndarray
    ) -> np.ndarray:
        """The term of the reward (`reward.style`). Shape (n,).

        Args:
            frame: of each hand. Shape (n,).
            proprioception: of the hands, mirrored to right hands.
            held: fingers that should hold a key. Shape (n, 5), bool.
        """
        tips = proprioception.tips - self.tips[frame]
        wrist = proprioception.forearm[:, :3] - self.wrist[frame]
        return reward.style(
            wrist=np.linalg.norm(wrist[:, :2], axis=1),
            tips=np.linalg.norm(tips[:, :, :2], axis=2),
            joints=proprioception.angles[:, _INDEPENDENT] - self.angles[frame],
            waiting=~held,
            seen=self.seen[frame],
        )
