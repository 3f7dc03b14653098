"""Retargeting: joint angles and a forearm path of our hand whose fingertips go where a track's
fingertips go.

Two passes of inverse kinematics over the clip. The first, coarse in time, lets the whole forearm
(place, yaw and pitch) move freely with the joints and finds where the hand has to be; that path is
smoothed. The second, at the output rate, keeps the forearm near the smooth path and lets the
fingers do the rest. Each step is one bounded quadratic programme as in `motion.inverse_kinematics`:
joint limits are never passed, so what our hand cannot do shows as error and is reported.

Between frames of the track fingertips follow modified Akima curves (Akima 1991, ACM TOMS 17:341),
which go through all points and do not overshoot. A left hand is solved as its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.interpolate import Akima1DInterpolator
from scipy.ndimage import gaussian_filter1d

from musclehand.body.anatomy import DIGITS, Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip
from musclehand.motion.fingertip_track import FingertipTrack
from musclehand.motion.inverse_kinematics import WRIST_HEIGHT, HandIk

RATE = 125.0
"""Frames per second of the result."""

COARSE_STRIDE = 4
"""The first pass looks at every so-manieth frame of the result."""

SMOOTHING = 0.06
"""Standard deviation of the Gaussian that smooths the forearm path [s]."""

LONGEST_GAP = 0.2
"""A fingertip unseen for longer [s] is free meanwhile; a shorter gap is bridged."""

CATCH_UP = 6
BEHIND = 0.0005
"""A frame takes up to so many more steps while a fingertip is farther off than this [m]."""

SCALES = (0.80, 0.85, 0.90, 0.95, 1.0, 1.05, 1.10, 1.15, 1.20)
"""Sizes that `scale=None` tries."""

LARGEST_FRAMES = 2_000_000
"""Of the result: four hours and a half."""

_POSE = 5  # x, y, z, yaw, pitch
_FREE_PULL = np.array([0.5, 0.5, 30.0, 0.3, 0.6])
_WRIST_PULL = np.array([40.0, 40.0, 40.0, 0.3, 0.6])
_PATH_PULL = np.array([200.0, 200.0, 200.0, 4.0, 4.0])
_POSE_STEP = np.array([0.03, 0.03, 0.03, 0.15, 0.15])
_POSE_LIMIT = np.array([np.inf, np.inf, np.inf, 0.9, 0.6])

Progress = Callable[[int, int], None]


class RetargetError(NamedTuple):
    """How far our fingertips stay from the track's, thumb to little finger [m], where those are
    known.

    `mean`, `p95`, `max`: shape (5,), NaN for a finger that is never seen. `in_limits`: share of
    frames with all joints within their limits. `seen`: share of frames in which a finger is known,
    shape (5,). `scale`: of the track's hand.
    """

    mean: np.ndarray
    p95: np.ndarray
    max: np.ndarray
    in_limits: float
    seen: np.ndarray
    scale: float


class _Aim(NamedTuple):
    """Fingertips to reach, right hand's world, shape (T, 5, 3), and how much each matters, (T,
    5)."""

    tips: np.ndarray
    weight: np.ndarray
    known: np.ndarray
    wrist: np.ndarray


class _CarriedIk(HandIk):
    """The hand with its forearm: place, yaw and pitch are unknowns beside the joint angles."""

    def start(self, pose: np.ndarray) -> None:
        self.reset()
        self.pose = pose.copy()

    def world_tips(self) -> np.ndarray:
        """Fingertips where hand and forearm are now, right hand's world [m]. Shape (5, 3)."""
        return np.asarray(self.tips() @ self._rotation().T + self.pose[:3])

    def carry(
        self,
        aim: np.ndarray,
        weight: np.ndarray,
        home: np.ndarray,
        pull: np.ndarray,
        iterations: int,
    ) -> None:
        """Moves joints and forearm towards fingertips `aim` (5, 3), the forearm drawn to `home`
        (5,) by `pull`.

        Takes so many steps, and up to as many more as `CATCH_UP` while a fingertip is behind.
        """
        for done in range(iterations + CATCH_UP):
            local = self.tips()
            rotation = self._rotation()
            error = (aim - self.pose[:3] - local @ rotation.T).ravel()
            if (
                done >= iterations
                and np.abs(error).max(initial=0.0, where=np.repeat(weight == 1.0, 3)) < BEHIND
            ):
                return
            turned = (rotation @ self._tip_jacobian().reshape(len(DIGITS), 3, -1)).reshape(
                3 * len(DIGITS), -1
            )
            jacobian = np.hstack([turned, self._pose_rows(local @ rotation.T)])
            away = np.concatenate([self.qr - self.posture, self.pose - home])
            pulls = np.concatenate([self._pull, pull])
            lower = np.concatenate(
                [self.lower - self.qr, np.maximum(-_POSE_STEP, -_POSE_LIMIT - self.pose)]
            )
            upper = np.concatenate(
                [self.upper - self.qr, np.minimum(_POSE_STEP, _POSE_LIMIT - self.pose)]
            )
            move = self._solve(
                jacobian, np.repeat(self.weights.tip * weight, 3), error, pulls, away, lower, upper
            )
            self.qr = self.qr + move[:-_POSE]
            self.pose = self.pose + move[-_POSE:]

    def _rotation(self) -> np.ndarray:
        yaw, pitch = self.pose[3:]
        cy = np.cos(yaw)
        sy = np.sin(yaw)
        cp = np.cos(pitch)
        sp = np.sin(pitch)
        return np.array([[cy, -sy * cp, sy * sp], [sy, cy * cp, -cy * sp], [0.0, sp, cp]])

    def _pose_rows(self, arms: np.ndarray) -> np.ndarray:
        """Tip velocity per velocity of the forearm. Shape (15, 5)."""
        rows = np.zeros((len(DIGITS), 3, _POSE))
        rows[:, :, :3] = np.eye(3)
        rows[:, :, 3] = np.cross([0.0, 0.0, 1.0], arms)
        rows[:, :, 4] = np.cross([np.cos(self.pose[3]), np.sin(self.pose[3]), 0.0], arms)
        return rows.reshape(3 * len(DIGITS), _POSE)


def retarget(
    track: FingertipTrack,
    *,
    design: HandDesign | None = None,
    scale: float | None = 1.0,
    progress: Progress | None = None,
) -> tuple[MotionClip, RetargetError]:
    """Motion of our hand that follows a track's fingertips.

    Args:
        track: of either hand.
        design: a hand other than the one that comes with the package.
        scale: makes the track's hand larger or smaller about its wrist; 1 keeps the fingertips on
            the keys where they are, None takes the size that our hand follows best.
        progress: is told how many of how many steps are done.

    Raises:
        InvalidValue: a scale outside 0.5..2, or a result of more than `LARGEST_FRAMES`.
    """
    if scale is not None and not 0.5 <= scale <= 2.0:
        raise InvalidValue("scale", scale, "0.5 to 2, or None to have it found")
    if track.duration * RATE > LARGEST_FRAMES:
        raise InvalidValue(
            f"duration of {track.name}", track.duration, f"at most {LARGEST_FRAMES / RATE:.0f} s"
        )
    aim = _resample(track)
    frames = len(aim.tips)
    coarse = np.arange(0, frames, COARSE_STRIDE)
    tell = progress or (lambda _done, _total: None)
    total = len(coarse) + frames
    ik = _CarriedIk(design=design)
    path = _find_path(ik, aim, coarse, lambda done: tell(done, total))
    if scale is None:
        scale = _fit_scale(ik, aim, path)
    if scale != 1.0:
        aim = aim._replace(tips=_scaled(aim, path, scale))
        path = _find_path(ik, aim, coarse, lambda done: tell(done, total))
    qr, pose, tips = _follow(ik, aim, path, lambda done: tell(len(coarse) + done, total))
    error = _measure(ik, aim, qr, tips, scale)
    return _clip(track, ik, qr, pose, tips, scale), error


def _resample(track: FingertipTrack) -> _Aim:
    """The track at `RATE`, as a right hand's, gaps bridged."""
    given = np.arange(len(track.fingertips)) * track.dt
    times = np.arange(int(track.duration * RATE + 1e-9) + 1) / RATE
    mirror = np.array([track.side.mirror, 1.0, 1.0])
    tips = np.zeros((len(times), len(DIGITS), 3))
    weight = np.zeros((len(times), len(DIGITS)))
    known = np.zeros_like(weight, dtype=bool)
    for finger, seen in enumerate(track.known.T):
        if seen.any():
            tips[:, finger], gap = _curve(given[seen], track.fingertips[seen, finger], times)
            known[:, finger] = gap < 1.5 * track.dt
            weight[:, finger] = np.where(
                known[:, finger], 1.0, np.where(gap <= LONGEST_GAP, 0.3, 0.0)
            )
    wrist = np.full((len(times), 3), np.nan)
    for axis, values in enumerate(track.wrist.T):
        seen = np.isfinite(values)
        if seen.any():
            curve, gap = _curve(given[seen], values[seen, None], times)
            wrist[:, axis] = np.where(gap <= LONGEST_GAP, curve[:, 0], np.nan)
    return _Aim(tips * mirror, weight, known, wrist * mirror)


def _curve(
    given: np.ndarray, points: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points in between, (T, n), and at each time how far the two frames beside it are apart
    [s], (T,)."""
    after = np.clip(np.searchsorted(given, times - 1e-9), 0, len(given) - 1)
    before = np.where(np.abs(given[after] - times) < 1e-9, after, np.maximum(after - 1, 0))
    gap = np.where(
        after == before, 2.0 * np.abs(given[after] - times), given[after] - given[before]
    )
    inside = np.clip(times, given[0], given[-1])
    if len(given) < 3:
        return np.stack([np.interp(inside, given, column) for column in points.T], axis=1), gap
    return np.asarray(Akima1DInterpolator(given, points, axis=0, method="makima")(inside)), gap


def _find_path(
    ik: _CarriedIk, aim: _Aim, coarse: np.ndarray, tell: Callable[[int], None]
) -> np.ndarray:
    """Where the forearm should be, smooth. Shape (T, 5)."""
    home = np.zeros(_POSE)
    seen = aim.weight[coarse] > 0
    first = int(np.argmax(seen.any(axis=1)))
    ik.start(home)
    nominal = ik.tips().mean(axis=0)
    centre = np.array(
        [
            aim.tips[i][aim.weight[i] > 0].mean(axis=0)
            if (aim.weight[i] > 0).any()
            else [np.nan] * 3
            for i in coarse
        ]
    )
    ik.start(np.array([*(centre[first] - nominal)[:2], WRIST_HEIGHT, 0.0, 0.0]))
    poses = np.empty((len(coarse), _POSE))
    for row, frame in enumerate(coarse):
        wrist = aim.wrist[frame]
        near = (
            ik.pose[:3]
            if np.isnan(centre[row]).any()
            else np.array([*(centre[row] - nominal)[:2], WRIST_HEIGHT])
        )
        home[:3] = np.where(np.isfinite(wrist), wrist, near)
        pull = np.where(np.isfinite([*wrist, 0.0, 0.0]), _WRIST_PULL, _FREE_PULL)
        ik.carry(aim.tips[frame], aim.weight[frame], home, pull, 25 if row <= first else 4)
        poses[row] = ik.pose
        tell(row + 1)
    smooth = gaussian_filter1d(poses, SMOOTHING * RATE / COARSE_STRIDE, axis=0, mode="nearest")
    everywhere = np.arange(len(aim.tips))
    if len(coarse) < 3:
        return np.stack([np.interp(everywhere, coarse, column) for column in smooth.T], axis=1)
    inside = np.minimum(everywhere, coarse[-1])
    return np.asarray(Akima1DInterpolator(coarse, smooth, axis=0, method="makima")(inside))


def _follow(
    ik: _CarriedIk, aim: _Aim, path: np.ndarray, tell: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Independent joint angles (T, 19), forearm (T, 5) and fingertips (T, 5, 3) at every frame."""
    frames = len(aim.tips)
    qr = np.empty((frames, ik.qr.size))
    pose = np.empty((frames, _POSE))
    tips = np.empty((frames, len(DIGITS), 3))
    ik.start(path[0])
    for frame in range(frames):
        ik.carry(aim.tips[frame], aim.weight[frame], path[frame], _PATH_PULL, 2 if frame else 25)
        qr[frame], pose[frame], tips[frame] = ik.qr, ik.pose, ik.world_tips()
        tell(frame + 1)
    return qr, pose, tips


def _scaled(aim: _Aim, path: np.ndarray, scale: float) -> np.ndarray:
    """Fingertips of a hand `scale` times as large, about its wrist. Shape (T, 5, 3)."""
    wrist = np.where(np.isfinite(aim.wrist), aim.wrist, path[:, :3])[:, None]
    return np.asarray(wrist + scale * (aim.tips - wrist))


def _fit_scale(ik: _CarriedIk, aim: _Aim, path: np.ndarray) -> float:
    """The size at which our hand reaches some frames best; 1 unless another is better by a tenth
    of a millimetre."""
    some = np.unique(np.linspace(0, len(aim.tips) - 1, 40).astype(int))
    errors = []
    for scale in SCALES:
        tips = _scaled(aim, path, scale)
        total = 0.0
        for frame in some:
            ik.start(path[frame])
            ik.carry(tips[frame], aim.weight[frame], path[frame], _PATH_PULL, 12)
            distance = np.linalg.norm(ik.world_tips() - tips[frame], axis=1)
            total += float(distance @ aim.weight[frame])
        errors.append(total / max(1e-9, float(aim.weight[some].sum())))
    best = int(np.argmin(errors))
    return SCALES[best] if errors[best] < errors[SCALES.index(1.0)] - 1e-4 else 1.0


def _measure(
    ik: _CarriedIk, aim: _Aim, qr: np.ndarray, tips: np.ndarray, scale: float
) -> RetargetError:
    distance = np.where(aim.known, np.linalg.norm(tips - aim.tips, axis=2), np.nan)
    seen = aim.known.mean(axis=0)
    rows = np.full((3, len(DIGITS)), np.nan)
    for finger in np.flatnonzero(seen):
        of = distance[:, finger][aim.known[:, finger]]
        rows[:, finger] = of.mean(), np.percentile(of, 95), of.max()
    inside = ((qr >= ik.lower - 1e-6) & (qr <= ik.upper + 1e-6)).all(axis=1)
    return RetargetError(rows[0], rows[1], rows[2], float(inside.mean()), seen, float(scale))


def _clip(
    track: FingertipTrack,
    ik: _CarriedIk,
    qr: np.ndarray,
    pose: np.ndarray,
    tips: np.ndarray,
    scale: float,
) -> MotionClip:
    """The motion in the track's own world: a left hand is the mirror image of what was solved."""
    qpos = qr @ ik.index.expand.T
    forearm = np.hstack([pose, np.zeros((len(pose), 1))])
    if track.side is Side.LEFT:
        forearm = forearm * np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0])
    speed = np.gradient(qpos, 1.0 / RATE, axis=0) if len(qpos) > 1 else np.zeros_like(qpos)
    return MotionClip(
        name=track.name,
        kind="retargeted",
        pattern=track.name,
        side=track.side,
        dt=1.0 / RATE,
        qpos=qpos,
        qvel=speed,
        forearm=forearm,
        fingertips=tips * np.array([track.side.mirror, 1.0, 1.0]),
        notes=np.zeros((0, 5)),
        source={**track.source, "retargeted": f"by fingertips, size times {scale:g}"},
    )
