"""Releases of keys: as late as the next notes of the same hand allow.

Every note has a wrist pose and bounds about it (`planning.strokes.reach.WristBounds`). A key is
held to the end of its note in general. It is released earlier if its finger is needed for another
note, or if the hand cannot stay with it and be in time at the next note. Then it is released as
early as the leap takes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.planning.strokes.placement import WristPose, last_grip
from musclehand.planning.strokes.reach import ReachConfig, WristBounds, WristPath, wrist_bounds
from musclehand.planning.strokes.strike import StrokeConfig

LOOK_AHEAD = 1.0
"""[s] behind a note within which its hand's next notes are considered; no leap takes longer."""

LEAST_SOUND = 0.03
"""[s] a key is down for at least this long; an assumption."""

_SETTLED = 0.05
"""[s] behind an onset from which the hand's distance is considered; before that it is at its
place."""

_LOOK_STEP = 0.01
"""[s] between sampled times."""


def plan_releases(
    notes: list[Note],
    poses: list[WristPose],
    side: Side,
    stroke: StrokeConfig,
    reach: ReachConfig,
) -> list[Note]:
    """Shortens notes to what one hand can hold.

    Args:
        notes: of the hand, with fingers, in order of onset.
        poses: of the wrist for each of them.
        side: of the hand.
        stroke: constants of strokes.
        reach: constants of leaps.
    """
    bounds = wrist_bounds(notes, poses, side, reach)
    onsets = np.array([note.onset for note in notes])
    released = []
    for i, note in enumerate(notes):
        offset = min(note.offset, _finger_needed(i, notes, poses, stroke, reach))
        last = int(np.searchsorted(onsets, min(note.offset, offset) + LOOK_AHEAD, side="right"))
        later = np.arange(i + 1, last)
        later = later[onsets[later] > note.onset + reach.before]
        # Grips in which the key is held come first, then those that it has to be given up for.
        common = np.array([i in poses[j].grip for j in later], dtype=bool)
        later = later[~common]
        if len(later):
            leaps = _hand_needed(
                i, last_grip(i, poses), later, onsets, bounds, stroke=stroke, reach=reach
            )
            offset = min(offset, float(leaps.min()))
        released.append(replace(note, offset=max(offset, note.onset + LEAST_SOUND)))
    return released


def _hand_needed(
    i: int,
    place: int,
    later: np.ndarray,
    onsets: np.ndarray,
    bounds: WristBounds,
    *,
    stroke: StrokeConfig,
    reach: ReachConfig,
) -> np.ndarray:
    """Times at which the hand has to leave a note to be in time at later notes [s]. Shape (m,).

    Args:
        i: index of the note.
        place: index of the last note in whose grip its key is held.
        later: indices of later notes of the hand. Shape (m,).
        onsets: of all notes of the hand [s].
        bounds: of its wrist.
        stroke: constants of strokes.
        reach: constants of leaps.
    """
    apart = bounds.place[later] - bounds.place[place]
    # Bounds that face each other: those of holding this key and those of striking the later one.
    free = np.where(
        apart > 0,
        bounds.hold[place, 1] + bounds.strike[later, 0],
        bounds.hold[place, 0] + bounds.strike[later, 1],
    )
    distance = np.linalg.norm(np.maximum(np.abs(apart) - free, 0.0), axis=1)
    leap = np.array([reach.leap_time(d) for d in distance]) + reach.before * (distance > 0)
    latest = np.where(distance > 0, onsets[later] - leap, np.inf)
    # Before it leaves, the hand has to be at its note: the key is kept for its least share of the
    # time between the two notes.
    least = onsets[i] + stroke.least_hold * (onsets[later] - onsets[i])
    return np.maximum(latest, np.maximum(least, onsets[place]))


def _finger_needed(
    i: int, notes: list[Note], poses: list[WristPose], stroke: StrokeConfig, reach: ReachConfig
) -> float:
    """Time at which a finger has to leave its note for its next note [s].

    Args:
        i: index of the note.
        notes: of the hand.
        poses: of the wrist for each of them.
        stroke: constants of strokes.
        reach: constants of leaps.

    Returns:
        The time; infinite if the finger has no note soon after.
    """
    note = notes[i]
    for follower, pose in zip(notes[i + 1 :], poses[i + 1 :], strict=True):
        if follower.onset > note.offset + LOOK_AHEAD:
            break
        if follower.finger == note.finger:
            distance = float(np.linalg.norm(np.subtract(pose.point, poses[i].point)))
            gap = max(stroke.same_key_gap, reach.leap_time(distance) + reach.before)
            least = note.onset + stroke.least_hold * (follower.onset - note.onset)
            return max(follower.onset - gap, least)
    return np.inf


def keep_within_reach(
    notes: list[Note], poses: list[WristPose], path: WristPath, *, distance: float
) -> list[Note]:
    """Shortens notes to the time for which the wrist is within reach of their poses.

    Args:
        notes: of the hand, with fingers, in order of onset.
        poses: of the wrist for each of them.
        path: of the wrist.
        distance: of the wrist from a pose that is still within reach [m].
    """
    kept = []
    for i, note in enumerate(notes):
        places = np.array([pose.wrist[:2] for pose in poses[i : last_grip(i, poses) + 1]])
        low, high = places.min(axis=0), places.max(axis=0)
        times = np.arange(note.onset + _SETTLED, note.offset, _LOOK_STEP)
        wrist = path.at(times)[0][:, :2]
        beyond = np.maximum(np.maximum(low - wrist, wrist - high), 0.0)
        away = np.linalg.norm(beyond, axis=1) > distance
        offset = float(times[np.argmax(away)]) if away.any() else note.offset
        kept.append(replace(note, offset=offset))
    return kept
