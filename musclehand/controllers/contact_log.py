"""Log of the contacts of a run, from MuJoCo's list of contacts in every control step.

MuJoCo lists a contact from the margin of the skin on (1.2 mm in our hands), before there is a
force. Every geometry of a hand counts as part of the finger whose joints move it. The palm is left
out.
"""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, Side, digit_joints
from musclehand.body.hand_index import NO_TIP, HandIndex, bodies_below
from musclehand.music.pitch import NUM_KEYS
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.strokes.contacts import (
    Digit,
    DigitTouch,
    KeyTouch,
    Point,
    RunContacts,
)
from musclehand.sim.scene import Scene

_NOTHING = -1


class ContactLog:
    """Watches one run. Its memory grows with the number of touches, not with the time."""

    def __init__(self, scene: Scene, planned: Score, *, lead_in: float) -> None:
        """
        Args:
            scene: that is played in.
            planned: notes of the plan, with hands and fingers.
            lead_in: simulation time at which the score begins [s].
        """
        self._lead_in = lead_in
        self._digits: list[Digit] = [
            (side, finger) for side in scene.hands for finger in range(1, len(DIGITS) + 1)
        ]
        self._part = _parts(scene, self._digits)
        self._sites = np.array([hand.tips for hand in scene.hands.values()], dtype=int).ravel()
        self._rows = {digit: row for row, digit in enumerate(self._digits)}
        played = (note for note in planned.notes if self._row_of(note) is not None)
        self._coming = sorted(played, key=lambda note: note.onset, reverse=True)
        self._begun: dict[tuple[int, int], _Begun] = {}
        self._keys: list[KeyTouch] = []
        self._pairs: list[DigitTouch] = []
        self._tips: dict[tuple[float, int], Point] = {}

    def note(self, data: mujoco.MjData) -> None:
        """Notes a control step; positions and contacts must be computed."""
        time = round(data.time - self._lead_in, 9)
        while self._coming and self._coming[-1].onset <= time:
            note = self._coming.pop()
            row = self._row_of(note)
            self._tips[note.onset, note.pitch] = _point(data.site_xpos[self._sites[row]])
        contact = data.contact
        parts = self._part[contact.geom]
        touching = np.flatnonzero((parts >= 0).all(axis=1) & (parts[:, 0] != parts[:, 1]))
        now = set()
        for i in touching.tolist():
            first, second = parts[i].tolist()
            pair = (first, second) if first < second else (second, first)
            now.add(pair)
            begun = self._begun.get(pair)
            depth = float(contact.dist[i])
            if begun is None:
                begun = self._begun[pair] = _Begun(time)
            if depth < begun.distance:
                begun.distance = depth
                begun.place = _point(contact.pos[i])
                # MuJoCo's normal points from the first geometry to the second one.
                sign = 1.0 if first < second else -1.0
                begun.normal = _point(sign * contact.frame[i, :3])
            begun.end = time
        for pair in self._begun.keys() - now:
            self._finish(pair)

    def contacts(self) -> RunContacts:
        """All that was noted so far."""
        for pair in list(self._begun):
            self._finish(pair)
        return RunContacts(tuple(self._keys), tuple(self._pairs), dict(self._tips))

    def _row_of(self, note: Note) -> int | None:
        """Number of a note's finger among the fingers; None without a hand, finger or fingertip."""
        if note.hand is None or note.finger is None:
            return None
        side = Side.RIGHT if note.hand is Hand.RIGHT else Side.LEFT
        row = self._rows.get((side, int(note.finger)))
        return None if row is None or self._sites[row] == NO_TIP else row

    def _finish(self, pair: tuple[int, int]) -> None:
        begun = self._begun.pop(pair)
        first, second = pair
        digit = self._digits[second - NUM_KEYS]
        if first < NUM_KEYS:
            self._keys.append(
                KeyTouch(digit, first, begun.start, begun.end, begun.place, begun.normal)
            )
            return
        self._pairs.append(
            DigitTouch((self._digits[first - NUM_KEYS], digit), begun.start, begun.end)
        )


class _Begun:
    """A touch that has begun, with its deepest contact so far."""

    def __init__(self, start: float) -> None:
        """
        Args:
            start: of the touch [s].
        """
        self.start = start
        self.end = start
        self.distance = np.inf
        self.place: Point = (0.0, 0.0, 0.0)
        self.normal: Point = (0.0, 0.0, 0.0)


def _point(values: np.ndarray) -> Point:
    x, y, z = values.tolist()
    return (x, y, z)


def _parts(scene: Scene, digits: list[Digit]) -> np.ndarray:
    """Number of every geometry's part: 0 to 87 for keys, then the fingers, else -1.

    Shape (geometries,).
    """
    model = scene.model
    part = np.full(model.ngeom, _NOTHING)
    part[scene.keys.geom] = np.arange(NUM_KEYS)
    for number, (side, finger) in enumerate(digits):
        bodies = _bodies(model, scene.hands[side], DIGITS[finger - 1])
        part[np.isin(model.geom_bodyid, bodies)] = NUM_KEYS + number
    return part


def _bodies(model: mujoco.MjModel, hand: HandIndex, digit: str) -> list[int]:
    """Ids of the bodies that the joints of a digit move."""
    joints = set(digit_joints(digit))
    dofs = [dof for name, dof in zip(hand.joints, hand.dofs, strict=True) if name in joints]
    tops = [int(model.dof_bodyid[dof]) for dof in dofs]
    return sorted(bodies_below(model, *tops)) if tops else []
