"""The motion of a person on the clock of a score: clips of one hand each, sampled at any time.

A person's motion is a file of clips (`motion.clip`), at most one of each hand. Times are those of
the score. Texts in a clip's source say what its arrays cannot; all may be left out:

    start_s            [s] time of the first frame on the score's clock, by default 0
    unseen_s           spans in which the person was not seen, on that clock: "12.3-14.5 20-21.25"
    joint_error_deg    [deg] error of the joint angles, root mean square
    tip_error_mm       [mm] error of the fingertips, median
    wrist_error_mm     [mm] error of the wrist along an axis, root mean square
"""

from __future__ import annotations

import math
from dataclasses import replace
from os import PathLike
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, Side
from musclehand.core.errors import FileError, InvalidValue
from musclehand.motion.clip import MotionClip, read_clips

START = "start_s"
"""Name of the time of the first frame, in the source of a clip."""

UNSEEN = "unseen_s"
"""Name of the spans in which the person was not seen."""

JOINT_ERROR, TIP_ERROR, WRIST_ERROR = "joint_error_deg", "tip_error_mm", "wrist_error_mm"
"""Names of the errors of the motion itself."""

MOST_SPANS = 20_000
"""Most spans without the person in a clip: one in each third of a second of two hours."""

_INDEPENDENT = np.array([HAND_JOINTS.index(joint) for joint in INDEPENDENT_JOINTS])


class PersonSamples(NamedTuple):
    """A person's hand at n times."""

    angles: np.ndarray
    """[rad] independent joint angles, in the sense of the right hand. Shape (n, 19)."""

    forearm: np.ndarray
    """[m, rad] pose of the forearm along `FOREARM_AXES`, in the world. Shape (n, 6)."""

    tips: np.ndarray
    """[m] fingertips in the world, thumb first. Shape (n, 5, 3)."""

    seen: np.ndarray
    """The person was seen. Shape (n,), bool. Elsewhere the other fields are interpolated, or those
    of the nearest end."""


def start_of(clip: MotionClip) -> float:
    """Time of a clip's first frame on the score's clock [s].

    Raises:
        InvalidValue: its source has a text there that is no time.
    """
    return _number(clip, START) or 0.0


def unseen_spans(clip: MotionClip) -> np.ndarray:
    """Spans in which the person was not seen: begin and end [s]. Shape (n, 2).

    Raises:
        InvalidValue: its source has a text there that is no list of spans.
    """
    words = clip.source.get(UNSEEN, "").split()
    legal = 'spans in seconds such as "12.3-14.5 20-21.25", each ending after its beginning'
    if len(words) > MOST_SPANS:
        raise InvalidValue(f"{UNSEEN} of {clip.name}", f"{len(words)} spans", f"{MOST_SPANS} spans")
    spans = np.zeros((len(words), 2))
    for row, word in enumerate(words):
        begin, _, end = word.partition("-")
        try:
            spans[row] = float(begin), float(end)
        except ValueError:
            raise InvalidValue(f"{UNSEEN} of {clip.name}", word, legal) from None
    if not (np.isfinite(spans).all() and (spans[:, 0] <= spans[:, 1]).all()):
        raise InvalidValue(f"{UNSEEN} of {clip.name}", clip.source[UNSEEN][:80], legal)
    return spans


def with_unseen(clip: MotionClip, unseen: np.ndarray, *, start: float = 0.0) -> MotionClip:
    """The clip on the score's clock, with the frames marked in which the person was not seen.

    Args:
        clip: motion of a hand.
        unseen: frames. Shape (T,), bool.
        start: time of the first frame [s].

    Raises:
        InvalidValue: `unseen` has another shape.
    """
    if np.shape(unseen) != (clip.frames,):
        raise InvalidValue("shape of unseen", np.shape(unseen), f"({clip.frames},)")
    edges = np.flatnonzero(np.diff(np.concatenate([[False], unseen, [False]]).astype(int)))
    times = start + clip.dt * (edges.reshape(-1, 2) - 0.5)
    text = " ".join(f"{max(begin, 0.0):.4f}-{end:.4f}" for begin, end in times if end > 0.0)
    source = {**clip.source, START: repr(float(start)), UNSEEN: text}
    return replace(clip, source=source)


def error_of(clip: MotionClip, name: str) -> float | None:
    """An error of the motion itself, in the unit of its name; None where it is not known.

    Args:
        clip: of the person.
        name: `JOINT_ERROR`, `TIP_ERROR` or `WRIST_ERROR`.

    Raises:
        InvalidValue: its source has a text there that is no number of 0 or more.
    """
    value = _number(clip, name)
    if value is not None and value < 0.0:
        raise InvalidValue(f"{name} of {clip.name}", value, "0 or more")
    return value


def read_person(path: str | PathLike[str]) -> dict[Side, MotionClip]:
    """Reads the clips of a person's hands.

    Args:
        path: of a file of clips, with one or two hands.

    Raises:
        ClipError: the file cannot be read.
        FileError: it has no clip, or two of one hand.
        InvalidValue: a text in a clip's source is not legal.
    """
    person: dict[Side, MotionClip] = {}
    clips = read_clips(path)
    for clip in clips:
        if clip.side in person:
            side = clip.side.name.lower()
            problem = f"has two clips of the {side} hand; a person's motion has one of each hand"
            raise FileError(path, problem)
        person[clip.side] = clip
        check_person(clip)
    if not person:
        raise FileError(path, "holds no clip")
    return person


def check_person(clip: MotionClip) -> None:
    """Checks the texts in a clip's source that the module names.

    Raises:
        InvalidValue: one is not legal.
    """
    start_of(clip)
    unseen_spans(clip)
    for name in (JOINT_ERROR, TIP_ERROR, WRIST_ERROR):
        error_of(clip, name)


def retime(clip: MotionClip, *, start: float, speed: float = 1.0) -> MotionClip:
    """The clip for a part of its score, at another tempo.

    Args:
        clip: of the person.
        start: time of the score at which the part begins [s].
        speed: factor on the tempo, above 0.
    """
    spans = (unseen_spans(clip) - start) / speed
    notes = clip.notes.copy()
    notes[:, :2] /= speed
    source = {
        **clip.source,
        START: repr((start_of(clip) - start) / speed),
        UNSEEN: " ".join(f"{max(begin, 0.0):.4f}-{end:.4f}" for begin, end in spans if end > 0.0),
    }
    return replace(clip, dt=clip.dt / speed, qvel=clip.qvel * speed, notes=notes, source=source)


def sample_person(clip: MotionClip, times: np.ndarray) -> PersonSamples:
    """A person's hand at some times of the score, by linear interpolation.

    Args:
        clip: of the hand.
        times: of the score [s]. Shape (n,).
    """
    times = np.asarray(times, dtype=float)
    grid = (times - start_of(clip)) / clip.dt
    last = clip.frames - 1
    seen = (grid >= -1e-6) & (grid <= last + 1e-6)
    for begin, end in unseen_spans(clip):
        seen &= (times < begin) | (times > end)
    grid = np.clip(grid, 0.0, last)
    low = np.minimum(grid.astype(int), max(last - 1, 0))
    share = grid - low

    def between(values: np.ndarray) -> np.ndarray:
        part = share.reshape(-1, *(1,) * (values.ndim - 1))
        after = values[np.minimum(low + 1, last)]
        return np.asarray((1.0 - part) * values[low] + part * after)

    return PersonSamples(
        angles=between(clip.qpos[:, _INDEPENDENT].astype(float)),
        forearm=between(clip.forearm.astype(float)),
        tips=between(clip.fingertips.astype(float)),
        seen=seen,
    )


def _number(clip: MotionClip, name: str) -> float | None:
    text = clip.source.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidValue(f"{name} of {clip.name}", text, "a finite number")
    return value
