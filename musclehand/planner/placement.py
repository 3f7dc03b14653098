"""Where a hand stands for what it has to grip: the wrist position from which the fingers reach their keys together.

Each grip (which fingers on which keys) is solved by inverse kinematics with the wrist's position among the
unknowns: thumbs are short, so a black key under the thumb brings the whole hand in, and an octave opens it.
A grip is solved once, wherever on the keyboard and in whichever hand it occurs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.retarget import HandIk
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry

WRIST_HEIGHT = 0.033
"""Height of the wrist joint over the white keys [m]."""

WRIST_DEPTH = -0.086
"""Resting y of the wrist [m]: in front of the keys by the length of the curved hand."""

TIP_X = np.array([-0.055, -0.0315, -0.008, 0.0155, 0.039])
"""x of the five tips relative to the wrist in a five-finger position, right hand [m]: 23.5 mm apart."""

PRESS_Y = np.array([0.015, 0.049, 0.053, 0.049, 0.035])
"""Where each finger presses a white key, behind its front edge [m]; the black keys begin at 60 mm."""

BLACK_PRESS_Y = 0.067
"""Where any finger presses a black key [m]: 7 mm behind its front."""

NOMINAL_TIPS = np.stack([TIP_X, PRESS_Y - WRIST_DEPTH], axis=1)
"""x, y of the tips relative to the wrist, right hand [m]. Shape (5, 2)."""

GRIP_DEPTH = 0.004
"""How far below the resting key top the middle of a fingertip is in the middle of a stroke, less its radius [m]."""


@dataclass(frozen=True)
class PlacementConfig:
    """`pull` [1/m^2] draws the wrist to its five-finger place; `same_time` [s] makes notes one grip; a key held from
    before stays in the grip until `let_go` [s] before its end, if then no finger misses its key by `miss` [m]."""

    pull: float = 40.0
    same_time: float = 0.03
    let_go: float = 0.05
    miss: float = 0.003


def note_point(note: Note, geometry: KeyboardGeometry) -> np.ndarray:
    """Where a finger presses the note's key: x, y [m]. The note has a finger."""
    assert note.finger is not None
    y = BLACK_PRESS_Y if geometry.black[note.key] else PRESS_Y[note.finger - 1]
    return np.array([geometry.x[note.key], y])


def nominal_tip(side: Side, finger: int | None) -> np.ndarray:
    """x, y of a finger's tip relative to the wrist in a five-finger position [m]."""
    assert finger is not None
    return NOMINAL_TIPS[finger - 1] * [side.mirror, 1.0]


class HandPlacement:
    """Finds and remembers wrist positions for grips."""

    def __init__(self, ik: HandIk, geometry: KeyboardGeometry, config: PlacementConfig | None = None) -> None:
        self._ik, self._geometry, self._config = ik, geometry, config or PlacementConfig()
        self._known: dict[tuple[tuple[int, int, bool], ...], tuple[np.ndarray, float]] = {}

    def wrists(self, notes: list[Note], side: Side) -> np.ndarray:
        """The wrist's x, y for every note of one hand, in order of onset [m]. Shape (num_notes, 2)."""
        wrists = np.empty((len(notes), 2))
        held: list[Note] = []
        first = 0
        while first < len(notes):
            onset = notes[first].onset
            last = first
            while last < len(notes) and notes[last].onset - onset <= self._config.same_time:
                last += 1
            struck = notes[first:last]
            busy = {note.finger for note in struck}
            held = [n for n in held if n.offset - self._config.let_go > onset and n.finger not in busy]
            place, miss = self._grip(struck + held, side)
            if held and miss > self._config.miss:
                place, miss = self._grip(struck, side)
                held = []
            wrists[first:last] = place
            held = held + struck
            first = last
        return wrists

    def _grip(self, notes: list[Note], side: Side) -> tuple[np.ndarray, float]:
        """Wrist x, y [m] for notes held together, and the largest miss [m]."""
        by_finger = {int(note.finger or 0): note for note in notes}
        grip = sorted(by_finger.items())
        origin = float(self._geometry.x[grip[0][1].key])
        points = np.array([note_point(note, self._geometry) for _, note in grip])
        points[:, 0] = side.mirror * (points[:, 0] - origin)
        key = tuple(
            (finger, round(1e4 * x), bool(self._geometry.black[note.key]))
            for (finger, note), x in zip(grip, points[:, 0], strict=True)
        )
        if key not in self._known:
            self._known[key] = self._solve(np.array([finger - 1 for finger, _ in grip]), points, key)
        place, miss = self._known[key]
        return np.array([origin + side.mirror * place[0], place[1]]), miss

    def _solve(
        self, fingers: np.ndarray, points: np.ndarray, key: tuple[tuple[int, int, bool], ...]
    ) -> tuple[np.ndarray, float]:
        black = np.array([is_black for *_, is_black in key])
        height = np.where(black, self._geometry.top_z.max(), 0.0) - GRIP_DEPTH + 0.006
        guess = float(np.mean(points[:, 0] - TIP_X[fingers]))
        return self._ik.place(
            fingers,
            np.column_stack([points, height]),
            np.array([guess, WRIST_DEPTH, WRIST_HEIGHT]),
            home=np.array([guess, WRIST_DEPTH]),
            pull=self._config.pull,
        )
