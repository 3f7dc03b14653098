"""Joint angles and forearms from points in the picture and fingers on keys.

    lifted = lift(landmarks, view, score)
    lifted.clips[Side.RIGHT].qpos, lifted.errors[Side.RIGHT].points

A picture from above does not show heights. A finger that plays is at the top of its key, though;
so which finger is on which key gives the depth. The lift is one smoothing over the film: of all
motions of our hand within its joint limits, the one that is most probable with the 21 points in the
picture, the fingers on their keys, a playing posture, and little jerk. A sample of frames first
gives what they share (`watch.lifting.calibration`): the size of the person's hand, and a constant
displacement of every point, which is what the detector means by it.

The left hand is solved as the mirror image of the right one. Where a hand is not in the picture the
smoothing goes on without it; `Lift.seen` tells where.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.errors import InvalidValue
from musclehand.core.progress import Progress
from musclehand.motion.clip import MotionClip
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import BUNDLED_LENGTH
from musclehand.music.score import Hand, Score
from musclehand.planning.trajectory.chain import Chain
from musclehand.watch.landmarks import TIPS, HandLandmarks
from musclehand.watch.lifting.calibration import Calibration, calibrate, point_errors
from musclehand.watch.lifting.config import LiftConfig
from musclehand.watch.lifting.hand_points import place_points, points_of, scaled
from musclehand.watch.lifting.observe import Observed, even_times, observe
from musclehand.watch.lifting.problem import Frames
from musclehand.watch.lifting.smoothing import Limits, Smoother, smoothness_of
from musclehand.watch.lifting.windows import Pieces, solve_motion
from musclehand.watch.view import KeyboardView

LARGEST_FRAMES = 2_000_000
"""Most frames of a film: 18 hours at 30 Hz."""

_OWN_SIZE = 0.005
"""Difference of a hand's size from the design's, from which the motion is fitted to the design."""

_FIT_TIP = 0.001
"""[m] Error of fingertips in this fit; chosen: they stay on their keys."""

_FIT_ANGLE = 0.1
"""[rad] Change of joint angles in this fit; chosen."""

_FIT_WRIST = 0.02
"""[m] Change of the wrist's place in this fit; chosen, the length that a hand of another size
lacks."""


class LiftErrors(NamedTuple):
    """How well the motion of a hand agrees with the film."""

    points: float
    """[m] Median distance of the points in the picture, their displacements removed."""

    points_p95: float
    """[m] 95th percentile of it."""

    contact_height: float
    """[m] Root mean square error of the height of fingers that play; NaN without them."""

    contact_side: float
    """[m] Mean distance of these beyond the edges of their keys; NaN without them."""

    contact_notes_refused: int
    """Notes whose finger is too far from the key in the picture, which were left out."""

    at_limits: float
    """Share of joint angles at a limit, 0 to 1."""

    seen: float
    """Share of frames in which the hand was detected, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Lift:
    """Motion of a film's hands."""

    clips: Mapping[Side, MotionClip]
    """Motion of our hands, from the film's first frame; a hand that is in no frame is missing.
    Fingertips are where the person's are, also where the person's hand has another size."""

    seen: Mapping[Side, np.ndarray] = field(repr=False)
    """Frames of the clips with the hand in the picture, or in a gap no longer than
    `LiftConfig.longest_gap`. Shape (T,), bool."""

    size: float
    """Lengths of the person's hand divided by those of our hand."""

    hand_length: float
    """[m] Length of the person's hand along the bones from the wrist to the tip of the middle
    finger."""

    offsets: np.ndarray = field(repr=False)
    """[m] Constant displacement of every point, along the hand to the fingers and across it, as a
    right hand's. Shape (21, 2)."""

    point_error: float
    """[m] Error of the points along each axis, measured on the film."""

    errors: Mapping[Side, LiftErrors]
    """How well each hand's motion agrees with the film."""

    start: float = 0.0
    """[s] Time of the clips' first frame in the film."""

    def gaps(self, side: Side) -> tuple[tuple[float, float], ...]:
        """Times without the hand in the picture: start and end of each [s].

        Args:
            side: of the hand.
        """
        unseen = np.concatenate([[False], ~self.seen[side], [False]]).astype(int)
        edges = np.flatnonzero(np.diff(unseen)).reshape(-1, 2)
        dt = self.clips[side].dt
        return tuple((self.start + first * dt, self.start + last * dt) for first, last in edges)

    def figures(self) -> dict[str, Any]:
        """All figures, for a JSON file."""
        hands = {}
        for side, errors in self.errors.items():
            row: dict[str, Any] = {}
            for name, value in errors._asdict().items():
                unit = "_mm" if name in _LENGTHS else ""
                number = value * 1e3 if unit else value
                row[name + unit] = number if np.isfinite(number) else None
            row["not_seen_s"] = [list(gap) for gap in self.gaps(side)]
            hands[side.name.lower()] = row
        return {
            "hand_size": self.size,
            "hand_length_mm": 1e3 * self.hand_length,
            "point_error_mm": 1e3 * self.point_error,
            "offsets_mm": (1e3 * self.offsets).round(3).tolist(),
            "hands": hands,
        }


_LENGTHS = ("points", "points_p95", "contact_height", "contact_side")


def lift(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    *,
    design: HandDesign | None = None,
    size: float | None = None,
    config: LiftConfig | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Lift:
    """Finds joint angles and forearms.

    Args:
        landmarks: of the film.
        view: its camera.
        score: notes with hands and fingers, in the time of the film; notes without them are left
            out.
        design: our hand; by default the bundled one.
        size: of the person's hand against the design, 0.8 to 1.25; None to have it found.
        config: constants.
        out: an existing folder in which finished windows are kept, to go on with after a stop; the
            result is the same to the bit. None to keep nothing.
        progress: receives frames that are done, of both hands together.

    Raises:
        InvalidValue: there are too many frames, no hand is in any, or the size is out of range.
    """
    config = config or LiftConfig()
    times = even_times(landmarks)
    if len(times) > LARGEST_FRAMES:
        raise InvalidValue("frames of the film", len(times), f"at most {LARGEST_FRAMES}")
    if size is not None and not 0.8 <= size <= 1.25:
        raise InvalidValue("size of the hand", size, "0.8 to 1.25, or None to have it found")
    lifting = _Lifting(design, config, times, score)
    hands = [
        hand
        for side in (Side.LEFT, Side.RIGHT)
        if (hand := observe(landmarks, view, score, side, ik=lifting.ik, config=config)) is not None
    ]
    if not hands:
        raise InvalidValue("landmarks", "no hand in any frame", "hands in the picture")
    shared = calibrate(
        hands, lifting.chain, lifting.points, lifting.limits, config, dt=lifting.dt, size=size
    )
    keep = Pieces(None if out is None else Path(out), _key(hands, shared, config))
    fits = 2 if abs(shared.size - 1.0) > _OWN_SIZE else 1
    total = len(times) * len(hands) * fits
    clips, seen, errors = {}, {}, {}
    for rank, hand in enumerate(hands):
        report = _Report(progress, rank * fits * len(times), total)
        solution = lifting.solve(hand, shared, keep, report)
        errors[hand.side] = lifting.measure(hand, shared, solution)
        seen[hand.side] = _without_short_gaps(hand.seen, config.longest_gap / lifting.dt)
        if fits == 2:
            report = _Report(progress, (rank * fits + 1) * len(times), total)
            solution = lifting.fit_design(hand, shared, solution, keep, report)
        clips[hand.side] = lifting.clip(hand.side, solution, landmarks.source)
    return Lift(
        clips=MappingProxyType(clips),
        seen=MappingProxyType(seen),
        size=shared.size,
        hand_length=BUNDLED_LENGTH * lifting.ik.playing.size.length * shared.size,
        offsets=shared.offsets,
        point_error=shared.error,
        errors=MappingProxyType(errors),
        start=float(times[0]),
    )


class _Report:
    """Progress of a part of the work."""

    def __init__(self, progress: Progress | None, done: int, total: int) -> None:
        """
        Args:
            progress: receives it.
            done: frames that are done already.
            total: frames in all.
        """
        self.progress = progress
        self.done = done
        self.total = total

    def __call__(self, frames: int) -> None:
        """Called with the number of frames of the part that are done."""
        if self.progress is not None:
            self.progress(self.done + frames, self.total)


class _Lifting:
    """What is needed to lift the hands of a film."""

    def __init__(
        self, design: HandDesign | None, config: LiftConfig, times: np.ndarray, score: Score
    ) -> None:
        """
        Args:
            design: our hand.
            config: constants.
            times: of the frames [s]. Shape (T,).
            score: notes of the film.
        """
        self.config = config
        self.score = score
        self.start = float(times[0])
        self.dt = float(times[1] - times[0])
        self.ik = HandIk(design=design)
        self.chain, self.points = points_of(self.ik)
        self.limits = Limits.of(self.ik.lower, self.ik.upper)
        self.share = self.dt / config.correlation

    def solve(
        self, hand: Observed, shared: Calibration, keep: Pieces, report: Callable[[int], None]
    ) -> np.ndarray:
        """The motion of the person's hand: unknowns of shape (T, n).

        Args:
            hand: in the film.
            shared: by all frames.
            keep: finished windows.
            report: receives frames that are done.
        """
        factor = (self.config.point_error / shared.error) ** 2
        frames = hand.frames._replace(precision=hand.frames.precision * factor)
        smoother = self._smoother(hand, shared)
        name = f"{hand.side.value}_person"
        return solve_motion(
            smoother, frames, self.dt, self.config, keep=keep, name=name, report=report
        )

    def fit_design(
        self,
        hand: Observed,
        shared: Calibration,
        solution: np.ndarray,
        keep: Pieces,
        report: Callable[[int], None],
    ) -> np.ndarray:
        """The same motion of a hand of the design's size, with fingertips at the same places.

        Args:
            hand: in the film.
            shared: by all frames.
            solution: of the person's hand. Shape (T, n).
            keep: finished windows.
            report: receives frames that are done.
        """
        tips = self.places(shared.size, solution)[:, list(TIPS)]
        precision = np.full(solution.shape, _FIT_ANGLE**-2)
        precision[:, -4:-1] = _FIT_WRIST**-2
        frames = Frames(
            pixels=hand.frames.pixels,
            precision=np.zeros_like(hand.frames.precision),
            basis=hand.frames.basis,
            low=tips,
            high=tips,
            tip_precision=np.full(tips.shape, _FIT_TIP**-2),
            home=solution,
            home_precision=precision,
        )
        smoother = self._smoother(hand, shared._replace(size=1.0))
        name = f"{hand.side.value}_design"
        return solve_motion(
            smoother, frames, self.dt, self.config, keep=keep, name=name, report=report
        )

    def places(self, size: float, u: np.ndarray) -> np.ndarray:
        """The 21 points in the world of a right hand [m]. Shape (T, 21, 3).

        Args:
            size: of the hand.
            u: unknowns. Shape (T, n).
        """
        return place_points(scaled(self.chain, size), self.points, u)

    def measure(self, hand: Observed, shared: Calibration, u: np.ndarray) -> LiftErrors:
        """How well a motion agrees with the film.

        Args:
            hand: in the film.
            shared: by all frames.
            u: unknowns. Shape (T, n).
        """
        frames = hand.frames
        rows = np.flatnonzero(frames.precision[:, 0] > 0.0)
        values = np.append(shared.offsets.ravel(), shared.size)
        pixels = point_errors(
            frames.rows(rows), hand.camera, self.chain, self.points, values, u[rows]
        )
        distance = pixels / np.linalg.norm(frames.basis[rows, :, 0], axis=1)[:, None]
        tips = self.places(shared.size, u)[:, list(TIPS)]
        beyond = np.maximum(frames.low - tips, 0.0) + np.maximum(tips - frames.high, 0.0)
        playing = beyond[hand.contacts]
        some = bool(len(playing))
        angles = u[:, :-4]
        at_limits = (angles <= self.ik.lower + 1e-6) | (angles >= self.ik.upper - 1e-6)
        return LiftErrors(
            points=float(np.median(distance)),
            points_p95=float(np.percentile(distance, 95)),
            contact_height=float(np.sqrt(np.mean(playing[:, 2] ** 2))) if some else np.nan,
            contact_side=float(np.mean(np.hypot(*playing[:, :2].T))) if some else np.nan,
            contact_notes_refused=hand.refused,
            at_limits=float(at_limits.mean()),
            seen=float(hand.seen.mean()),
        )

    def clip(self, side: Side, u: np.ndarray, source: Mapping[str, str]) -> MotionClip:
        """The motion as a clip.

        Args:
            side: of the hand.
            u: unknowns of a hand of the design's size. Shape (T, n).
            source: of the landmarks.
        """
        qpos = u[:, :-4] @ self.ik.index.expand.T
        flip = np.array([side.mirror, 1.0, 1.0, side.mirror])
        tips = self.places(1.0, u)[:, list(TIPS)] * flip[:3]
        hand = Hand.LEFT if side is Side.LEFT else Hand.RIGHT
        end = self.dt * len(u)
        notes = [
            (
                note.onset - self.start,
                note.offset - self.start,
                note.pitch,
                note.velocity,
                int(note.finger or 0),
            )
            for note in self.score.notes
            if note.hand is hand and 0.0 <= note.onset - self.start < end
        ]
        return MotionClip(
            name=f"watched_{side.value}",
            kind="watched",
            pattern="watched",
            side=side,
            dt=self.dt,
            qpos=qpos,
            qvel=np.gradient(qpos, self.dt, axis=0),
            forearm=np.pad(u[:, -4:] * flip, ((0, 0), (0, 2))),
            fingertips=tips,
            notes=np.array(notes, dtype=float).reshape(-1, 5),
            source={**source, "lifted": "from points in the picture and fingers on keys"},
        )

    def _smoother(self, hand: Observed, shared: Calibration) -> Smoother:
        return Smoother(
            chain=_contiguous(scaled(self.chain, shared.size)),
            points=self.points,
            camera=hand.camera,
            common=shared.common(self.share, self.config.freedom),
            limits=self.limits,
            smoothness=smoothness_of(self.config, len(self.ik.posture), self.dt),
            steps=self.config.steps,
        )


def _contiguous(chain: Chain) -> Chain:
    """The chain with its arrays in the order that kernels are compiled for."""
    return Chain(*(np.ascontiguousarray(values) for values in chain))


def _without_short_gaps(seen: np.ndarray, longest: float) -> np.ndarray:
    """Frames with a hand, or in gaps of up to `longest` frames within the film. Shape (T,)."""
    rows = np.flatnonzero(seen)
    filled = seen.copy()
    for before, after in itertools.pairwise(rows):
        if after - before - 1 <= longest:
            filled[before:after] = True
    return filled


def _key(hands: list[Observed], shared: Calibration, config: LiftConfig) -> str:
    """A text that is different for different inputs of the lift."""
    digest = hashlib.sha256(repr(config).encode())
    digest.update(np.append(shared.offsets.ravel(), [shared.size, shared.error]).tobytes())
    for hand in hands:
        for values in (*hand.camera, *hand.frames):
            digest.update(np.asarray(values).tobytes())
    return digest.hexdigest()[:16]
