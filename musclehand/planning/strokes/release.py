"""When keys are let go: as late as the next notes of the same hand allow, in the time it takes to
get there.

Every note that a hand plays asks it to be somewhere (`planning.strokes.reach.WristBounds`). A key is held
to the end of its note unless its finger is needed for another one, or the hand cannot stay within
reach of it and be in time at the next: then it is let go just as early as the leap takes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.planning.strokes.placement import WristPose
from musclehand.planning.strokes.reach import ReachConfig, WristPath, wrist_bounds
from musclehand.planning.strokes.strike import StrokeConfig

LOOK_AHEAD = 1.0
"""No leap takes longer than this [s]."""

LEAST_SOUND = 0.03
"""A key is down for at least this long [s]."""


def plan_releases(
    notes: list[Note],
    poses: list[WristPose],
    side: Side,
    stroke: StrokeConfig,
    reach: ReachConfig,
) -> list[Note]:
    """Notes with the ends that one hand can play.

    Args:
        notes: of one hand with fingers, in order of onset.
        stands: how the hand stands for each.
        side: which hand.
        stroke, reach: the constants of strokes and leaps.
    """
    room = wrist_bounds(notes, poses, side, reach)
    onsets = np.array([note.onset for note in notes])
    released = []
    for i, note in enumerate(notes):
        offset = min(note.offset, _finger_needed(i, notes, poses, stroke, reach))
        last = int(np.searchsorted(onsets, min(note.offset, offset) + LOOK_AHEAD, side="right"))
        later = np.arange(i + 1, last)
        later = later[onsets[later] > note.onset + reach.before]
        if len(later):
            apart = room.place[later] - room.place[i]
            # As seen from the next place: how far outside of what holding this key leaves is what
            # striking there asks?
            free = np.where(
                apart > 0,
                room.hold[i, 1] + room.strike[later, 0],
                room.hold[i, 0] + room.strike[later, 1],
            )
            distance = np.linalg.norm(np.maximum(np.abs(apart) - free, 0.0), axis=1)
            leap = np.array([reach.leap_time(d) for d in distance]) + reach.before * (distance > 0)
            latest = np.where(distance > 0, onsets[later] - leap, np.inf)
            # The hand has to be here first: no less than the least share of the time between the
            # two is kept.
            latest = np.maximum(
                latest, note.onset + stroke.least_hold * (onsets[later] - note.onset)
            )
            offset = min(offset, float(latest.min()))
        released.append(replace(note, offset=max(offset, note.onset + LEAST_SOUND)))
    return released


def _finger_needed(
    i: int, notes: list[Note], poses: list[WristPose], config: StrokeConfig, reach: ReachConfig
) -> float:
    """When the finger of note `i` has to leave it for its next one [s]; infinite if it has none."""
    note = notes[i]
    for follower, pose in zip(notes[i + 1 :], poses[i + 1 :], strict=True):
        if follower.onset > note.offset + LOOK_AHEAD:
            break
        if follower.finger == note.finger:
            distance = float(np.linalg.norm(np.subtract(pose.point, poses[i].point)))
            gap = max(config.same_key_gap, reach.leap_time(distance) + reach.before)
            return max(
                follower.onset - gap, note.onset + config.least_hold * (follower.onset - note.onset)
            )
    return np.inf


def keep_within_reach(
    notes: list[Note], poses: list[WristPose], path: WristPath, config: StrokeConfig
) -> list[Note]:
    """The notes, let go where the path takes the hand further than the reach from where it
    stands for them."""
    kept = []
    for note, pose in zip(notes, poses, strict=True):
        times = np.arange(note.onset + 0.05, note.offset, 0.01)
        away = np.linalg.norm(path.at(times)[0][:, :2] - pose.wrist[:2], axis=1) > config.reach
        offset = float(times[np.argmax(away)]) if away.any() else note.offset
        kept.append(replace(note, offset=offset))
    return kept
