"""Where a hand stands for what it has to grip: the wrist position from which the fingers reach
their keys together.

Each grip (which fingers on which keys) is solved by inverse kinematics with the wrist's position
among the unknowns: thumbs are short, so a black key under the thumb brings the whole hand in, and
an octave opens it. A grip is solved once, wherever on the keyboard and in whichever hand it occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.inverse_kinematics import WRIST_HEIGHT, HandIk
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry

WRIST_DEPTH = -0.086
"""Resting y of the wrist [m]: in front of the keys by the length of the curved hand."""

TIP_X = np.array([-0.055, -0.0315, -0.008, 0.0155, 0.039])
"""x of the five tips relative to the wrist in a five-finger position, right hand [m]: 23.5 mm
apart."""

PRESS_Y = np.array([0.012, 0.049, 0.050, 0.049, 0.035])
"""Where each finger presses a white key, behind its front edge [m]; the black keys begin at 60
mm."""

BLACK_PRESS_Y = 0.067
"""Where any finger presses a black key [m]: 7 mm behind its front."""

NOMINAL_TIPS = np.stack([TIP_X, PRESS_Y - WRIST_DEPTH], axis=1)
"""x, y of the tips relative to the wrist, right hand [m]. Shape (5, 2)."""

GRIP_DEPTH = 0.009
"""How far below the resting key top the middle of a fingertip is in the middle of a stroke, less
its radius [m]."""


DEEP = 0.02
"""With the wrist further in than this [m] beyond its rest, fingers press white keys between the
black ones."""

DEEP_PRESS_Y = (0.066, 0.105)
"""Where they press them then, behind the fronts of the black keys [m]."""


@dataclass(frozen=True)
class PlacementConfig:
    """`pull` [1/m^2] draws the wrist to its five-finger place; `same_time` [s] makes notes one
    grip; a key held from before stays in the grip until `release` [s] before its end, if then no
    finger misses its key by `miss` [m]."""

    pull: float = 40.0
    same_time: float = 0.03
    release: float = 0.05
    miss: float = 0.003


class WristPose(NamedTuple):
    """How a hand stands for one note: the wrist's x, y, z, the point where the finger presses
    the key, x, y, and how far apart the outermost keys of its grip are [m]."""

    wrist: np.ndarray
    point: np.ndarray
    span: float


def note_point(note: Note, geometry: KeyboardGeometry) -> np.ndarray:
    """Where a finger of a hand in its place presses the note's key: x, y [m]. The note has a
    finger."""
    assert note.finger is not None
    y = BLACK_PRESS_Y if geometry.black[note.key] else PRESS_Y[note.finger - 1]
    return np.array([geometry.x[note.key], y])


def nominal_tip(side: Side, finger: int | None) -> np.ndarray:
    """x, y of a finger's tip relative to the wrist in a five-finger position [m]."""
    assert finger is not None
    return NOMINAL_TIPS[finger - 1] * [side.mirror, 1.0]


class HandPlacement:
    """Finds and remembers wrist positions for grips."""

    def __init__(
        self, ik: HandIk, geometry: KeyboardGeometry, config: PlacementConfig | None = None
    ) -> None:
        self._ik = ik
        self._geometry = geometry
        self._config = config or PlacementConfig()
        self._known: dict[bytes, _Grip] = {}

    def wrist_poses(self, notes: list[Note], side: Side) -> list[WristPose]:
        """How the hand stands for every note of one hand, which come in order of onset."""
        poses: list[WristPose] = []
        held: list[Note] = []
        while len(poses) < len(notes):
            onset = notes[len(poses)].onset
            struck = [
                n
                for n in notes[len(poses) : len(poses) + 10]
                if n.onset - onset <= self._config.same_time
            ]
            busy = {note.finger for note in struck}
            held = [
                n for n in held if n.offset - self._config.release > onset and n.finger not in busy
            ]
            wrist, points, miss = self._grip(struck + held, side)
            if held and miss > self._config.miss:
                wrist, points, miss = self._grip(struck, side)
                held = []
            x = [point[0] for point in points.values()]
            poses += [
                WristPose(wrist, points[int(note.finger or 0)], max(x) - min(x)) for note in struck
            ]
            held = held + struck
        return poses

    def _grip(
        self, notes: list[Note], side: Side
    ) -> tuple[np.ndarray, dict[int, np.ndarray], float]:
        """Wrist x, y for notes held together, the points of the fingers by number, and the
        largest miss [m]."""
        grip = sorted({int(note.finger or 0): note for note in notes}.items())
        geometry = self._geometry
        origin = float(geometry.x[grip[0][1].key])
        keys = np.array([note.key for _, note in grip])
        points = np.array([note_point(note, geometry) for _, note in grip])
        deep_x = geometry.back_x[keys].mean(axis=1)
        for column in (points[:, 0], deep_x):
            column -= origin
            column *= side.mirror
        fingers = np.array([finger - 1 for finger, _ in grip])
        key = np.rint(1e4 * np.column_stack([1e-4 * fingers, points, deep_x])).tobytes()
        if key not in self._known:
            self._known[key] = self._solve(fingers, points, deep_x, geometry.black[keys])
        wrist, points, miss = self._known[key]
        flip = np.array([side.mirror, 1.0])
        shift = np.array([origin, 0.0])
        wrist = np.array([*(shift + flip * wrist[:2]), wrist[2]])
        return wrist, {f: shift + flip * p for (f, _), p in zip(grip, points, strict=True)}, miss

    def _solve(
        self, fingers: np.ndarray, points: np.ndarray, deep_x: np.ndarray, black: np.ndarray
    ) -> _Grip:
        """The wrist for a grip at the front of the white keys, or further in where that takes
        the hand there anyway."""
        wrist, miss = self._place(fingers, points, black)
        inward = wrist[1] - WRIST_DEPTH
        deep = ~black & (fingers > 0)
        if inward > DEEP and deep.any():
            points = points.copy()
            points[deep, 0] = deep_x[deep]
            points[deep, 1] = np.clip(PRESS_Y[fingers[deep]] + inward - 0.5 * DEEP, *DEEP_PRESS_Y)
            wrist, miss = self._place(fingers, points, black)
        return _Grip(wrist, points, miss)

    def _place(
        self, fingers: np.ndarray, points: np.ndarray, black: np.ndarray
    ) -> tuple[np.ndarray, float]:
        height = np.where(black, self._geometry.top_z.max(), 0.0) - GRIP_DEPTH + 0.006
        guess = float(np.mean(points[:, 0] - TIP_X[fingers]))
        return self._ik.place_wrist(
            fingers,
            np.column_stack([points, height]),
            np.array([guess, WRIST_DEPTH, WRIST_HEIGHT]),
            home=np.array([guess, WRIST_DEPTH, WRIST_HEIGHT]),
            pull=self._config.pull,
        )


class _Grip(NamedTuple):
    """A solved grip, right hand, x from the key of its lowest finger: wrist (3,), points (n, 2),
    largest miss [m]."""

    wrist: np.ndarray
    points: np.ndarray
    miss: float
