"""Wrist poses for grips: positions of the wrist from which the fingers reach their keys together.

A grip says which fingers are on which keys. It is solved by inverse kinematics with the position of
the wrist among the unknowns. Thumbs are short, so a black key under the thumb brings the whole hand
in, and an octave opens it. Each grip is solved once, wherever on the keyboard and in whichever hand
it occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import LEAST_PRESS_Y, TIP_X, PlayingHand
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry
from musclehand.planning.strokes.person import FollowedPerson

BLACK_PRESS_Y = 0.067
"""[m] y at which any finger presses a black key: 7 mm behind its front."""

GRIP_DEPTH = 0.009
"""[m] depth of a fingertip's lowest point below the top of the key at rest, for which grips are
solved: that in the middle of a stroke."""

DEEP = 0.02
"""[m] distance of the wrist further in than at rest, from which on fingers press white keys between
the black keys; an assumption."""

DEEPEST_BLACK_Y = 0.074
"""[m] y up to which a black key is pressed where a person presses it: farther in, its lever is
short and the key is late. Chosen, nine tenths of the lever at `BLACK_PRESS_Y`."""

DEEP_PRESS_Y = (0.066, 0.105)
"""[m] range of y at which they press white keys there, behind the fronts of the black keys."""

_CHORD_NOTES = 10
"""Notes that are considered for one grip."""


@dataclass(frozen=True)
class PlacementConfig:
    """Constants of wrist poses.

    Raises:
        InvalidValue: `same_time` is negative.
    """

    pull: float = 40.0
    """[1/m^2] weight of the wrist's distance from its place in a five-finger position; chosen by
    `experiments/bench_repertoire.py`."""

    same_time: float = 0.03
    """[s] notes that begin within this time are one grip; the chord window of
    `fingering.cost.FingeringConfig`."""

    release_lead: float = 0.05
    """[s] a held key leaves the grip this long before its end; an assumption."""

    largest_miss: float = 0.003
    """[m] held keys leave the grip if with them a finger misses its key by more; an assumption."""

    def __post_init__(self) -> None:
        if not self.same_time >= 0.0:
            raise InvalidValue("same_time", self.same_time, "0 s or more")


class WristPose(NamedTuple):
    """Pose of a hand for one note."""

    wrist: np.ndarray
    """[m] position of the wrist: x, y, z. Shape (3,)."""

    point: np.ndarray
    """[m] x and y at which the finger presses the key. Shape (2,)."""

    span: float
    """[m] distance between the outermost keys of the grip."""

    grip: tuple[int, ...] = ()
    """Indices of the notes whose keys the hand has down together in this pose: those struck with
    the note, and those held from before."""


class PersonGuide(NamedTuple):
    """A person's hand at the time of a grip."""

    wrist: np.ndarray
    """[m] in the world. Shape (3,)."""

    yaw: float
    """[rad] of the forearm about the vertical."""

    angles: np.ndarray
    """[rad] independent joint angles. Shape (19,)."""

    tips: np.ndarray
    """[m] fingertips in the world. Shape (5, 3)."""

    pull: float
    """[1/m^2] weight of the wrist's distance from theirs."""

    @classmethod
    def of(cls, person: FollowedPerson, time: float) -> PersonGuide | None:
        """The hand of a person at a time [s]; None where it was not seen."""
        state = person.at(np.array([time]))
        if state.seen[0] < 0.5:
            return None
        return cls(
            wrist=state.wrist[0],
            yaw=float(state.yaw[0]),
            angles=state.angles[0],
            tips=state.tips[0],
            pull=person.config.grip_pull,
        )

    def mirrored(self, side: Side, origin: float) -> PersonGuide:
        """The guide in the frame of a right hand, with x from `origin` [m]."""
        flip = np.array([side.mirror, 1.0, 1.0])
        shift = np.array([origin, 0.0, 0.0])
        return self._replace(
            wrist=flip * (self.wrist - shift),
            yaw=side.mirror * self.yaw,
            tips=flip * (self.tips - shift),
        )


class _Grip(NamedTuple):
    """A solved grip of a right hand, with x from the key of its lowest finger."""

    wrist: np.ndarray
    """[m] position of the wrist. Shape (3,)."""

    points: np.ndarray
    """[m] x and y at which the fingers press their keys. Shape (n, 2)."""

    miss: float
    """[m] largest distance of a finger from its point."""


def last_grip(i: int, poses: list[WristPose]) -> int:
    """Index of the last note in whose grip a key is held.

    Args:
        i: index of the key's note.
        poses: of the wrist for each note.
    """
    last = i
    for j in range(i + 1, len(poses)):
        if i not in poses[j].grip:
            break
        last = j
    return last


def note_point(note: Note, geometry: KeyboardGeometry, hand: PlayingHand) -> np.ndarray:
    """Point at which a finger presses its key in a five-finger position: x and y [m].

    Args:
        note: with a finger.
        geometry: places of the keys.
        hand: that plays.
    """
    assert note.finger is not None
    y = BLACK_PRESS_Y if geometry.black[note.key] else hand.press_y[note.finger - 1]
    return np.array([geometry.x[note.key], y])


def nominal_tip(side: Side, finger: int | None, hand: PlayingHand) -> np.ndarray:
    """Fingertip relative to the wrist in a five-finger position: x and y [m].

    Args:
        side: of the hand.
        finger: 1 to 5; None, as of a note without a finger, is an error.
        hand: that plays.
    """
    assert finger is not None
    return hand.nominal_tips[finger - 1] * [side.mirror, 1.0]


class HandPlacement:
    """Finds wrist poses for grips, and keeps them for when they occur again."""

    def __init__(
        self, ik: HandIk, geometry: KeyboardGeometry, config: PlacementConfig | None = None
    ) -> None:
        """
        Args:
            ik: inverse kinematics of the hand.
            geometry: places of the keys.
            config: constants of wrist poses.
        """
        self._ik = ik
        self._hand = ik.playing
        self._geometry = geometry
        self._config = config or PlacementConfig()
        self._grips: dict[bytes, _Grip] = {}

    def wrist_poses(
        self, notes: list[Note], side: Side, person: FollowedPerson | None = None
    ) -> list[WristPose]:
        """Poses for all notes of a hand.

        Args:
            notes: of the hand, with fingers, in order of onset.
            side: of the hand.
            person: whose grips are followed as far as the keys allow.
        """
        poses: list[WristPose] = []
        held: list[int] = []
        while len(poses) < len(notes):
            first = len(poses)
            onset = notes[first].onset
            struck = [
                i
                for i in range(first, min(first + _CHORD_NOTES, len(notes)))
                if notes[i].onset - onset <= self._config.same_time
            ]
            busy = {notes[i].finger for i in struck}
            held = [
                i
                for i in held
                if notes[i].offset - self._config.release_lead > onset
                and notes[i].finger not in busy
            ]
            guide = None if person is None else PersonGuide.of(person, onset)
            held, (wrist, points, _) = self._largest_grip(notes, struck, held, side, guide)
            x = [point[0] for point in points.values()]
            poses += [
                WristPose(
                    wrist,
                    points[int(notes[i].finger or 0)],
                    max(x) - min(x),
                    (*struck, *held),
                )
                for i in struck
            ]
            held = held + struck
        return poses

    def _largest_grip(
        self,
        notes: list[Note],
        struck: list[int],
        held: list[int],
        side: Side,
        guide: PersonGuide | None,
    ) -> tuple[list[int], tuple[np.ndarray, dict[int, np.ndarray], float]]:
        """The grip of the struck keys with as many of the held ones as fit.

        Where they do not all fit, keys are given up one at a time: the one whose note ends first
        among those without which the grip fits, or, if none is enough, the one that helps most.

        Args:
            notes: of the hand.
            struck: indices of the notes that begin.
            held: indices of those that are held.
            side: of the hand.
            guide: a person's hand at the time.

        Returns:
            The held notes that stay, and the grip as of `_grip`.
        """
        held = list(held)
        grip = self._grip([notes[i] for i in struck + held], side, guide)
        while held and grip[2] > self._config.largest_miss:
            tries = []
            for given_up in held:
                kept = [i for i in held if i != given_up]
                smaller = self._grip([notes[i] for i in struck + kept], side, guide)
                excess = max(smaller[2], self._config.largest_miss)
                tries.append((excess, notes[given_up].offset, given_up, smaller))
            _, _, given_up, grip = min(tries, key=lambda each: each[:3])
            held.remove(given_up)
        return held, grip

    def _grip(
        self, notes: list[Note], side: Side, guide: PersonGuide | None
    ) -> tuple[np.ndarray, dict[int, np.ndarray], float]:
        """Solves a grip, or looks it up; one with a guide is solved each time.

        Args:
            notes: held together.
            side: of the hand.
            guide: a person's hand at the time.

        Returns:
            Position of the wrist [m], points of the fingers by number [m], and largest distance of
            a finger from its point [m].
        """
        grip = sorted({int(note.finger or 0): note for note in notes}.items())
        geometry = self._geometry
        origin = float(geometry.x[grip[0][1].key])
        keys = np.array([note.key for _, note in grip])
        points = np.array([note_point(note, geometry, self._hand) for _, note in grip])
        deep_x = geometry.back_x[keys].mean(axis=1)
        for column in (points[:, 0], deep_x):
            column -= origin
            column *= side.mirror
        fingers = np.array([finger - 1 for finger, _ in grip])
        black = geometry.black[keys]
        if guide is not None:
            guided = guide.mirrored(side, origin)
            wrist, points, miss = self._solve_like(fingers, points, deep_x, black, guided)
        else:
            signature = np.rint(1e4 * np.column_stack([1e-4 * fingers, points, deep_x])).tobytes()
            if signature not in self._grips:
                self._grips[signature] = self._solve(fingers, points, deep_x, black)
            wrist, points, miss = self._grips[signature]
        flip = np.array([side.mirror, 1.0])
        shift = np.array([origin, 0.0])
        wrist = np.array([*(shift + flip * wrist[:2]), wrist[2]])
        by_finger = {
            finger: shift + flip * point for (finger, _), point in zip(grip, points, strict=True)
        }
        return wrist, by_finger, miss

    def _solve(
        self, fingers: np.ndarray, points: np.ndarray, deep_x: np.ndarray, black: np.ndarray
    ) -> _Grip:
        """Solves a grip at the front of the white keys, or further in if the hand is there anyway.

        Args:
            fingers: digits, 0 (thumb) to 4. Shape (n,).
            points: x and y of their keys at the front [m]. Shape (n, 2).
            deep_x: x of their keys between the black keys [m]. Shape (n,).
            black: whether each key is black. Shape (n,), bool.
        """
        wrist, miss = self._place(fingers, points, black)
        inward = wrist[1] - self._hand.wrist_depth
        deep = ~black & (fingers > 0)
        if inward > DEEP and deep.any():
            points = points.copy()
            points[deep, 0] = deep_x[deep]
            deep_y = self._hand.press_y[fingers[deep]] + inward - 0.5 * DEEP
            points[deep, 1] = np.clip(deep_y, *DEEP_PRESS_Y)
            wrist, miss = self._place(fingers, points, black)
        return _Grip(wrist, points, miss)

    def _solve_like(
        self,
        fingers: np.ndarray,
        points: np.ndarray,
        deep_x: np.ndarray,
        black: np.ndarray,
        guide: PersonGuide,
    ) -> _Grip:
        """Solves a grip near a person's: fingers press as far in as theirs, where keys are free.

        Args:
            fingers: digits, 0 (thumb) to 4. Shape (n,).
            points: x and y of their keys at the front [m]. Shape (n, 2).
            deep_x: x of their keys between the black keys [m]. Shape (n,).
            black: whether each key is black. Shape (n,), bool.
            guide: the person's hand, in the frame of the points.
        """
        y = guide.tips[fingers, 1]
        crest = float(self._hand.press_y.max())
        deep = ~black & (fingers > 0) & (y > DEEP_PRESS_Y[0])
        points = points.copy()
        points[deep, 0] = deep_x[deep]
        inside = np.where(black, BLACK_PRESS_Y, DEEP_PRESS_Y[0])
        points[:, 1] = np.where(
            black | deep,
            np.clip(y, inside, np.where(black, DEEPEST_BLACK_Y, DEEP_PRESS_Y[1])),
            np.clip(y, LEAST_PRESS_Y, crest),
        )
        # The forearm of `place_wrist` points straight in: all is turned about the person's wrist.
        cosine, sine = np.cos(guide.yaw), np.sin(guide.yaw)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        centre = guide.wrist[:2]
        height = np.where(black, self._geometry.top_z.max(), 0.0) - GRIP_DEPTH
        targets = np.column_stack([(points - centre) @ turn, height + self._hand.tip_radius[0]])
        home = np.array([0.0, 0.0, max(guide.wrist[2], self._hand.lowest_wrist)])
        wrist, miss = self._ik.place_wrist(
            fingers, targets, home, home=home, pull=guide.pull, posture=guide.angles
        )
        return _Grip(np.append(turn @ wrist[:2] + centre, wrist[2]), points, miss)

    def _place(
        self, fingers: np.ndarray, points: np.ndarray, black: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Position of the wrist for given points, and largest distance of a finger from its point.

        Args:
            fingers: digits, 0 (thumb) to 4. Shape (n,).
            points: x and y [m]. Shape (n, 2).
            black: whether each key is black. Shape (n,), bool.
        """
        height = np.where(black, self._geometry.top_z.max(), 0.0) - GRIP_DEPTH
        height += self._hand.tip_radius[0]
        guess = float(np.mean(points[:, 0] - TIP_X[fingers]))
        home = np.array([guess, self._hand.wrist_depth, self._hand.wrist_height])
        return self._ik.place_wrist(
            fingers, np.column_stack([points, height]), home, home=home, pull=self._config.pull
        )
