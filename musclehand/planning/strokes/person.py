"""A person's motion as a prior of planning: where the notes leave a hand free, it moves as theirs.

The person's clip (`motion.person`) is brought to the hand that plays: fingertips and wrist are
scaled about the middle of the fingertips, which keys decide and no hand's size does. The player's
forearm is level, so the wrist takes over the pitch and the roll of the person's. Their wrist counts
as no lower than the playing hand's at rest.

The prior enters in five places, and never moves a finger from its key:

- grips: the wrist is near the person's, at their yaw, and the joints near their angles;
- keys: fingers press as far in as the person did, on the part of the key that is free there;
- wrist path: between grips it follows the person's, within the reach of held keys;
- waiting fingers: fingertips are over the place where the person's are, so they are over their next
  key when the person's would be; their heights follow from the joints;
- joints and yaw: pulled towards the person's.

Where the person was not seen, all of it fades out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import INDEPENDENT_JOINTS, NUM_TIPS, Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.person import sample_person, start_of
from musclehand.planning.strokes.press import min_jerk

SAMPLE_STEP = 0.02
"""[s] between samples of a person's motion: films have 25 to 60 frames a second. Chosen."""

SEEN_FADE = 0.2
"""[s] from a time at which the person was not seen until their motion counts in full; chosen, the
time of a finger's way."""

SAME_SIZE = 0.02
"""[share] sizes that differ by less count as the same: errors of a person's hand length are
larger. Chosen."""

DIGITS_KEPT = 5
"""Decimals of metres and radians that are kept, so that plans on disk are exact and small."""


@dataclass(frozen=True)
class LikeConfig:
    """Weights and times with which a plan follows a person's motion.

    Weights marked [share] are factors on that of a finger on its key. All were chosen on motion
    that this project planned itself, with other hands' habits
    (`experiments/bench_likeness.py`).
    """

    grip_pull: float = 100.0
    """[1/m^2] weight of the wrist's distance from the person's in a grip."""

    path: float = 0.1
    """[share] weight of the person's wrist in its planned path, against leaving the reach of a
    note's keys."""

    wrist: float = 100.0
    """[1/m^2] weight of the wrist's distance from that path in the trajectory."""

    yaw: float = 10.0
    """[1/rad^2] weight of the distance from the person's yaw."""

    posture: float = 0.1
    """[1/rad^2] weight of the distance from the person's joint angles."""

    tips: float = 0.05
    """[share] weight of a waiting fingertip's distance from the person's, in the plane of the
    keys."""

    approach: float = 0.15
    """[s] before a finger meets its key, and after it leaves it, in which its place changes over
    between the person's and the key's."""


class PersonState(NamedTuple):
    """A person's hand at n times, in the world."""

    wrist: np.ndarray
    """[m] Shape (n, 3)."""

    yaw: np.ndarray
    """[rad] of the forearm about the vertical. Shape (n,)."""

    angles: np.ndarray
    """[rad] independent joint angles, in the sense of the right hand. Shape (n, 19)."""

    tips: np.ndarray
    """[m] fingertips. Shape (n, 5, 3)."""

    seen: np.ndarray
    """0 where the person was not seen to 1 where their motion counts in full. Shape (n,)."""


_COLUMNS = {
    "wrist": (3,),
    "yaw": (),
    "angles": (len(INDEPENDENT_JOINTS),),
    "tips": (NUM_TIPS, 3),
    "seen": (),
}
"""Fields of a `PersonState`, and the shape of a row of each."""


@dataclass(frozen=True, eq=False)
class PersonMotion:
    """One hand of a person, as the hand that plays can have it: n samples, `SAMPLE_STEP` apart."""

    start: float
    """[s] time of the first sample."""

    samples: PersonState
    """In order of time."""

    def at(self, times: np.ndarray) -> PersonState:
        """The hand at some times, by linear interpolation; not seen before and after the samples.

        Args:
            times: on the clock of `start` [s]. Shape (m,).
        """
        last = len(self.samples.yaw) - 1
        grid = (np.asarray(times, dtype=float) - self.start) / SAMPLE_STEP
        inside = (grid >= 0.0) & (grid <= last)
        grid = np.clip(grid, 0.0, last)
        low = np.minimum(grid.astype(int), max(last - 1, 0))
        high = np.minimum(low + 1, last)
        share = grid - low
        values = {}
        for name, row in _COLUMNS.items():
            column = getattr(self.samples, name)
            part = share.reshape(-1, *(1,) * len(row))
            values[name] = (1.0 - part) * column[low] + part * column[high]
        values["seen"] = values["seen"] * inside
        return PersonState(**values)

    def later(self, by: float) -> PersonMotion:
        """The motion on a clock that is `by` seconds ahead."""
        return replace(self, start=self.start + by)

    def as_dict(self) -> dict[str, Any]:
        """The samples as plain data for JSON."""
        columns = {name: getattr(self.samples, name).tolist() for name in _COLUMNS}
        return {"start_s": self.start, **columns}


class FollowedPerson(NamedTuple):
    """One hand of a person, and how closely it is followed."""

    motion: PersonMotion
    """Theirs, on the clock of the plan."""

    config: LikeConfig
    """Weights and times."""

    def at(self, times: np.ndarray) -> PersonState:
        """Their hand at some times [s]; see `PersonMotion.at`."""
        return self.motion.at(times)


def person_from_dict(data: Mapping[str, Any]) -> PersonMotion:
    """The motion that `PersonMotion.as_dict` returned.

    Raises:
        ValueError, KeyError, TypeError: the data is damaged.
    """
    columns = {name: np.array(data[name], dtype=float) for name in _COLUMNS}
    count = len(columns["yaw"])
    for name, row in _COLUMNS.items():
        values = columns[name]
        if count < 1 or values.shape != (count, *row) or not np.isfinite(values).all():
            raise ValueError(f"{name} of a person has the shape {values.shape}, or is not finite")
    start = float(data["start_s"])
    if not np.isfinite(start):
        raise ValueError("start of a person is not finite")
    return PersonMotion(start, PersonState(**columns))


def person_motion(clip: MotionClip, ik: HandIk) -> PersonMotion:
    """A person's hand as the hand that plays can have it.

    Args:
        clip: of the person, on the score's clock.
        ik: of the hand that plays.

    Raises:
        InvalidValue: a text in the clip's source is not legal.
    """
    mirror = clip.side.mirror
    start = start_of(clip)
    count = max(1, int((clip.frames - 1) * clip.dt / SAMPLE_STEP) + 1)
    taken = sample_person(clip, start + SAMPLE_STEP * np.arange(count))
    wrist = taken.forearm[:, :3]
    yaw, pitch, roll = taken.forearm[:, 3:].T
    angles = taken.angles.copy()
    # A level forearm: the same hand with flexion and pronation taken over by the wrist.
    angles[:, INDEPENDENT_JOINTS.index("flexion")] -= pitch
    angles[:, INDEPENDENT_JOINTS.index("pro_sup")] -= mirror * roll
    angles = np.clip(angles, ik.lower, ik.upper)
    scale = _scale(taken.tips - wrist[:, None], angles, ik)
    middle = taken.tips.mean(axis=1)
    scaled_wrist = middle + scale * (wrist - middle)
    # A low wrist lays the thumb across neighbouring keys, and films tell heights badly.
    scaled_wrist[:, 2] = np.maximum(scaled_wrist[:, 2], ik.playing.wrist_height)
    samples = PersonState(
        wrist=scaled_wrist,
        yaw=yaw,
        angles=angles,
        tips=middle[:, None] + scale * (taken.tips - middle[:, None]),
        seen=_faded(taken.seen),
    )
    return PersonMotion(start, PersonState(*(np.round(part, DIGITS_KEPT) for part in samples)))


def person_motions(person: Mapping[Side, MotionClip], ik: HandIk) -> dict[Side, PersonMotion]:
    """Both hands of a person, as the hands that play can have them.

    Args:
        person: clips by side.
        ik: of the hand that plays.

    Raises:
        InvalidValue: a clip is of another side than it stands for, or a text in its source is not
            legal.
    """
    for side, clip in person.items():
        if clip.side is not side:
            raise InvalidValue(f"side of the clip {clip.name}", clip.side, str(side))
    return {side: person_motion(clip, ik) for side, clip in person.items()}


def place_towards_keys(
    times: np.ndarray,
    place: np.ndarray,
    edges: np.ndarray,
    offsets: np.ndarray,
    *,
    approach: float,
) -> np.ndarray:
    """The place of a waiting fingertip: the person's, led over into its keys and out of them.

    Args:
        times: at which to ask, ascending [s]. Shape (n,).
        place: x and y of the person's fingertip then [m]. Shape (n, 2).
        edges: times at which the finger meets each of its keys and leaves it, in order [s]. Shape
            (m, 2).
        offsets: from the person's fingertip to the key's point at these times [m]. Shape (m, 2, 2).
        approach: time of the change [s].

    Returns:
        Place of the fingertip [m]. Shape (n, 2).
    """
    if not len(edges):
        return place
    following = np.searchsorted(edges[:, 0], times, side="right")
    last = len(edges) - 1
    to_next = np.where(following <= last, edges[np.minimum(following, last), 0] - times, np.inf)
    since = np.where(following > 0, times - edges[np.maximum(following - 1, 0), 1], np.inf)
    length = np.clip(to_next + np.maximum(since, 0.0), 1e-3, approach)
    into = min_jerk(1.0 - to_next / length)[:, None] * offsets[np.minimum(following, last), 0]
    out = min_jerk(1.0 - since / length)[:, None] * offsets[np.maximum(following - 1, 0), 1]
    return np.asarray(place + into + out)


def _scale(arms: np.ndarray, angles: np.ndarray, ik: HandIk) -> float:
    """Length of the hand that plays over that of the person's.

    Args:
        arms: from the person's wrist to the fingertips [m]. Shape (n, 5, 3).
        angles: of the person's joints [rad]. Shape (n, 19).
        ik: of the hand that plays; its angles do not change.
    """
    previous = ik.qr
    ratios = []
    for row in np.unique(np.linspace(0, len(angles) - 1, 40).astype(int)):
        ik.reset(angles[row])
        length = np.linalg.norm(arms[row], axis=1)
        ratios.append(np.linalg.norm(ik.tips(), axis=1).sum() / max(float(length.sum()), 1e-6))
    ik.reset(previous)
    scale = float(np.median(ratios))
    return 1.0 if abs(scale - 1.0) < SAME_SIZE else scale


def _faded(seen: np.ndarray) -> np.ndarray:
    """1 where the person was seen, 0 where not, with a gradual change on the seen side."""
    if seen.all():
        return np.ones(len(seen))
    gaps = np.flatnonzero(~seen)
    index = np.arange(len(seen))
    following = np.searchsorted(gaps, index)
    before = np.abs(index - gaps[np.maximum(following - 1, 0)])
    after = np.abs(gaps[np.minimum(following, len(gaps) - 1)] - index)
    distance = np.where(seen, np.minimum(before, after), 0) * SAMPLE_STEP
    return np.asarray(min_jerk(distance / SEEN_FADE))
