"""Where the hand goes: the path of each wrist over the keyboard, from the notes its fingers play.

Every note asks the wrist to be where its finger stands over its key in a five-finger position. The path is the one
that meets these wishes with the least jerk: a banded linear least-squares problem over the whole piece, solved at
once in time and memory proportional to its length. Around an onset a wish is strong, while a key is only held it
is weak, and where nothing is played the hand is free: leaps and rests become minimum-jerk motions by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry

WRIST_HEIGHT = 0.033
"""Height of the wrist joint over the white keys [m]."""

WRIST_DEPTH = -0.086
"""Resting y of the wrist [m]: in front of the keys by the length of the curved hand."""

TIP_X = np.array([-0.055, -0.0315, -0.008, 0.0155, 0.039])
"""x of the five tips relative to the wrist in a five-finger position, right hand [m]: 23.5 mm apart."""

PRESS_Y = np.array([0.015, 0.049, 0.053, 0.049, 0.035])
"""Where each finger presses a white key, behind its front edge [m]."""

BLACK_PRESS_Y = 0.067
"""Where any finger presses a black key [m]: 7 mm behind its front."""

BLACK_SHARE = np.array([1.0, 0.5, 0.5, 0.5, 0.8])
"""How much of the way in to a black key the hand goes; the long fingers stretch for the rest."""

NOMINAL_TIPS = np.stack([TIP_X, PRESS_Y - WRIST_DEPTH], axis=1)
"""x, y of the tips relative to the wrist, right hand [m]. Shape (5, 2)."""


@dataclass(frozen=True)
class ReachConfig:
    """How the path weighs its wishes.

    `step` grid [s]; `jerk_time` [s] the time scale below which the path resists bending; `onset_weight` within
    `before`..`after` [s] of an onset against `hold_weight` later in the note; `idle_weight` keeps a hand that has
    nothing to do where it is.
    """

    step: float = 0.01
    jerk_time: float = 0.045
    before: float = 0.07
    after: float = 0.05
    onset_weight: float = 1.0
    hold_weight: float = 0.12
    idle_weight: float = 1e-5


@dataclass(frozen=True)
class WristPath:
    """The wrist's x and y over time: cubic between grid points. `xy` shape (n, 2) [m], from time `start` [s]."""

    start: float
    step: float
    xy: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position, velocity, acceleration at `times` [s], each of shape (len(times), 2); held beyond the ends."""
        grid = (np.asarray(times) - self.start) / self.step
        low = np.clip(np.floor(grid).astype(int), 0, len(self.xy) - 2)
        share = np.clip(grid - low, 0.0, 1.0)[:, None]
        held = ((grid < 0) | (grid > len(self.xy) - 1))[:, None]

        def between(values: np.ndarray) -> np.ndarray:
            return (1 - share) * values[low] + share * values[low + 1]

        h = self.step
        p0, p1, m0, m1 = self.xy[low], self.xy[low + 1], self.velocity[low] * h, self.velocity[low + 1] * h
        s2, s3 = share**2, share**3
        position = (2 * s3 - 3 * s2 + 1) * p0 + (s3 - 2 * s2 + share) * m0 + (3 * s2 - 2 * s3) * p1 + (s3 - s2) * m1
        zero = np.zeros_like(position)
        return position, np.where(held, zero, between(self.velocity)), np.where(held, zero, between(self.acceleration))


def note_point(note: Note, geometry: KeyboardGeometry) -> np.ndarray:
    """Where a finger presses the note's key: x, y [m]. The note has a finger."""
    assert note.finger is not None
    y = BLACK_PRESS_Y if geometry.black[note.key] else PRESS_Y[note.finger - 1]
    return np.array([geometry.x[note.key], y])


def plan_wrist(
    notes: list[Note], side: Side, geometry: KeyboardGeometry, *, end: float, config: ReachConfig | None = None
) -> WristPath:
    """The wrist path of one hand from time 0 to `end` [s].

    Args:
        notes: the notes of this hand, each with a finger, in order of onset.
        side: which hand.
        geometry: the keyboard.
        end: length of the path [s].
    """
    config = config or ReachConfig()
    count = max(8, int(np.ceil(end / config.step)) + 1)
    weight, wish = np.full(count, config.idle_weight), np.zeros((count, 2))
    home = _home(notes, side, geometry)
    wish += config.idle_weight * home
    for note in notes:
        target = _wrist_for(note, side, geometry)
        first, onset, stop = (
            int(np.clip(round(time / config.step), 0, count - 1))
            for time in (note.onset - config.before, note.onset + config.after, note.offset)
        )
        weight[first : onset + 1] += config.onset_weight
        wish[first : onset + 1] += config.onset_weight * target
        if stop > onset:
            weight[onset + 1 : stop] += config.hold_weight
            wish[onset + 1 : stop] += config.hold_weight * target
    xy = _smooth(weight, wish, stiffness=(config.jerk_time / config.step) ** 6)
    velocity = np.gradient(xy, config.step, axis=0)
    return WristPath(0.0, config.step, xy, velocity, np.gradient(velocity, config.step, axis=0))


def _wrist_for(note: Note, side: Side, geometry: KeyboardGeometry) -> np.ndarray:
    """Where the wrist would like to be for a note, x and y [m]."""
    assert note.finger is not None
    wish = note_point(note, geometry) - nominal_tip(side, note.finger)
    wish[1] = WRIST_DEPTH + BLACK_SHARE[note.finger - 1] * (wish[1] - WRIST_DEPTH)
    return wish


def nominal_tip(side: Side, finger: int | None) -> np.ndarray:
    """x, y of a finger's tip relative to the wrist in a five-finger position [m]."""
    assert finger is not None
    return NOMINAL_TIPS[finger - 1] * [side.mirror, 1.0]


def _home(notes: list[Note], side: Side, geometry: KeyboardGeometry) -> np.ndarray:
    """Where a hand waits: over its first note, or an octave and a half from the middle."""
    if notes:
        return _wrist_for(notes[0], side, geometry)
    return np.array([0.25 * side.mirror, WRIST_DEPTH])


def _smooth(weight: np.ndarray, wish: np.ndarray, *, stiffness: float) -> np.ndarray:
    """Minimises sum(w (p - target)^2) + stiffness sum(third difference^2); `wish` is w times the target."""
    count = len(weight)
    bands = np.zeros((4, count))
    bands[0] = weight
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for i, a in enumerate(difference):
        for j, b in enumerate(difference[: i + 1]):
            bands[i - j, j : count - 3 + j] += stiffness * a * b
    return solveh_banded(bands, wish, lower=True)
