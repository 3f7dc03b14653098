"""Persons that are simulated: hands planned by this project with habits of their own, and the same
as a film would show them.

A person plays the notes of a score with its fingers. Their wrist strays from where the planner has
it, and waiting fingers from their places, slowly and at random; playing fingers stay on their keys.
`lifted` adds errors such as those of motion that was lifted from a film.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from musclehand.body.anatomy import DIGITS, Side
from musclehand.motion.clip import MotionClip
from musclehand.motion.fingertip_track import FingertipTrack
from musclehand.motion.person import JOINT_ERROR, START, TIP_ERROR, WRIST_ERROR
from musclehand.motion.retarget import retarget
from musclehand.music.score import Hand, Score
from musclehand.planning.plan import PerformancePlan, plan_performance
from musclehand.planning.strokes.press import min_jerk

STEP = 0.02
"""[s] Time between frames of the track that a person's hand follows."""

ERROR_TIME = 0.3
"""[s] Time over which errors of lifted motion are alike."""

_HANDS = {Side.RIGHT: Hand.RIGHT, Side.LEFT: Hand.LEFT}


@dataclass(frozen=True)
class Habits:
    """How far a person strays from the planner; standard deviations of slow random paths."""

    wrist: tuple[float, float, float] = (0.012, 0.015, 0.006)
    """[m] Of the wrist along the keyboard, along the keys and upwards."""

    tips: tuple[float, float, float] = (0.006, 0.010, 0.006)
    """[m] Of waiting fingertips."""

    raised: float = 0.012
    """[m] Height by which waiting fingers are held higher."""

    time: float = 0.7
    """[s] Time over which the paths are alike."""

    away: float = 0.12
    """[s] Before and after its notes in which a finger comes back to the planner's place."""


@dataclass(frozen=True)
class LiftErrors:
    """Errors of motion that was lifted from a film; standard deviations."""

    tips: float = 0.005
    """[m] Of fingertips and wrist, each axis."""

    joints: float = np.deg2rad(5.0)
    """[rad] Of joint angles."""


def simulated_person(
    score: Score, *, seed: int = 0, habits: Habits | None = None
) -> tuple[Score, dict[Side, MotionClip]]:
    """A person who plays a score.

    Args:
        score: with or without fingers.
        seed: of their habits.
        habits: how far they stray.

    Returns:
        The score with the fingers that they use, and the clips of their hands.
    """
    habits = habits or Habits()
    plan = plan_performance(score)
    rng = np.random.default_rng(seed)
    clips = {}
    for side, (tips, wrist) in _planned(plan).items():
        rows = [note for note in plan.score.notes if note.hand is _HANDS[side] and note.finger]
        notes = np.array(
            [
                (note.onset, note.offset, note.pitch, note.velocity, int(note.finger or 0))
                for note in rows
            ],
            dtype=float,
        ).reshape(-1, 5)
        notes[:, :2] += plan.lead_in
        times = STEP * np.arange(len(tips))
        free = _free(times, notes, habits.away)
        stray = _slow(rng, (len(tips), len(DIGITS), 3), habits.time / STEP) * habits.tips
        stray[:, :, 2] += habits.raised
        tips = tips + free[:, :, None] * stray
        wrist = wrist + _slow(rng, (len(tips), 3), habits.time / STEP) * habits.wrist
        track = FingertipTrack(side.name.lower(), side, STEP, tips, wrist)
        clip, _ = retarget(track)
        source = {**clip.source, START: repr(-plan.lead_in)}
        clips[side] = replace(clip, kind="simulated person", notes=notes, source=source)
    return plan.score, clips


def lifted(
    person: Mapping[Side, MotionClip], *, seed: int = 0, errors: LiftErrors | None = None
) -> dict[Side, MotionClip]:
    """A person as motion lifted from a film has them, with the errors in the clips' sources.

    Args:
        person: clips without errors.
        seed: of the errors.
        errors: their sizes.
    """
    errors = errors or LiftErrors()
    rng = np.random.default_rng([seed, 1])
    clips = {}
    for side, clip in person.items():
        width = ERROR_TIME / clip.dt
        arm = np.zeros((clip.frames, 6))
        arm[:, :3] = errors.tips * _slow(rng, (clip.frames, 3), width)
        source = {
            **clip.source,
            TIP_ERROR: repr(float(1e3 * errors.tips * np.sqrt(0.5 * np.pi))),
            WRIST_ERROR: repr(float(1e3 * errors.tips)),
            JOINT_ERROR: repr(float(np.rad2deg(errors.joints))),
        }
        clips[side] = replace(
            clip,
            qpos=clip.qpos + errors.joints * _slow(rng, clip.qpos.shape, width),
            forearm=clip.forearm + arm,
            fingertips=clip.fingertips + errors.tips * _slow(rng, clip.fingertips.shape, width),
            source=source,
        )
    return clips


def _planned(plan: PerformancePlan) -> dict[Side, tuple[np.ndarray, np.ndarray]]:
    """Targets of fingertips, shape (T, 5, 3), and wrists, shape (T, 3), of a plan [m]."""
    motion = plan.motion()
    stride = max(1, round(STEP / plan.control_dt))
    rows: dict[Side, list[tuple[np.ndarray, np.ndarray]]] = {side: [] for side in motion.hands}
    for step in range(int(plan.end / plan.control_dt) - 1):
        for side, hand in zip(motion.hands, motion.at(step), strict=True):
            if step % stride == 0:
                rows[side].append((hand.tips.copy(), hand.wrist[0, :3].copy()))
    return {
        side: (np.array([tips for tips, _ in row]), np.array([wrist for _, wrist in row]))
        for side, row in rows.items()
    }


def _free(times: np.ndarray, notes: np.ndarray, away: float) -> np.ndarray:
    """0 for fingers with a note, to 1 for those that are `away` [s] from any. Shape (T, 5)."""
    free = np.ones((len(times), len(DIGITS)))
    for onset, offset, _, _, finger in notes:
        apart = np.maximum(np.maximum(onset - 0.05 - times, times - offset - 0.05), 0.0)
        column = int(finger) - 1
        free[:, column] = np.minimum(free[:, column], min_jerk(apart / away))
    return free


def _slow(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> np.ndarray:
    """Random paths of standard deviation 1 along the first axis, smooth over `width` rows."""
    noise = rng.normal(size=shape)
    smooth = gaussian_filter1d(noise, width / 2.0, axis=0, mode="nearest")
    # The standard deviation of white noise behind a Gaussian filter of this width.
    return np.asarray(smooth * np.sqrt(np.sqrt(np.pi) * width))
