"""Motion retargeting: joint angles and a forearm path of our hand that follow a fingertip track.

Two passes of inverse kinematics go over the clip. In the first, coarse in time, the forearm
(position, yaw and pitch) moves freely with the joints; its path is then smoothed. In the second, at
the output rate, the forearm stays near the smooth path, and the fingers reach the targets. Each
step is a bounded quadratic programme as in `motion.inverse_kinematics`. It never exceeds a joint
limit; targets beyond the reach of our hand appear as errors, which are reported.

Between frames of the track, fingertips follow modified Akima curves (Akima 1991, ACM TOMS 17:341),
which interpolate all points without overshoot. A left hand is solved as its mirror image.
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
from musclehand.core.progress import Progress
from musclehand.core.time_steps import CONTROL_DT
from musclehand.motion.clip import MotionClip
from musclehand.motion.fingertip_track import FingertipTrack
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import WRIST_HEIGHT

RATE = 1.0 / CONTROL_DT
"""[Hz] Frames per second of the result."""

COARSE_STRIDE = 4
"""[frames] Step of the first pass, in frames of the result."""

SMOOTHING = 0.06
"""[s] Standard deviation of the Gaussian that smooths the path of the forearm."""

LONGEST_GAP = 0.2
"""[s] Longest gap in the track of a fingertip that is interpolated; in a longer gap, the finger is
free."""

EXTRA_STEPS = 6
"""Most additional steps in a frame, taken while a fingertip is beyond `TOLERANCE`."""

TOLERANCE = 0.0005
"""[m] Fingertip error, along an axis, below which a frame needs no additional step."""

SCALES = (0.80, 0.85, 0.90, 0.95, 1.0, 1.05, 1.10, 1.15, 1.20)
"""Sizes of the track's hand that `scale=None` tries."""

LARGEST_FRAMES = 2_000_000
"""Most frames of a result: four and a half hours."""

_POSE = 5
"""Coordinates of the forearm: x, y, z [m], yaw, pitch [rad]. The arrays below have one weight or
bound for each; their values are our own choice."""

_FREE_PULL = np.array([0.5, 0.5, 30.0, 0.3, 0.6])
"""[1/m^2, 1/rad^2] Weights of the forearm's home pose, where the track has no wrist."""

_WRIST_PULL = np.array([40.0, 40.0, 40.0, 0.3, 0.6])
"""[1/m^2, 1/rad^2] Weights of the track's wrist."""

_PATH_PULL = np.array([200.0, 200.0, 200.0, 4.0, 4.0])
"""[1/m^2, 1/rad^2] Weights of the smooth path in the second pass."""

_POSE_STEP = np.array([0.03, 0.03, 0.03, 0.15, 0.15])
"""[m, rad] Largest change of the pose in a step."""

_POSE_LIMIT = np.array([np.inf, np.inf, np.inf, 0.9, 0.6])
"""[m, rad] Largest absolute pose."""


class RetargetError(NamedTuple):
    """Fingertip errors of a retargeted motion, in frames where the track has the fingertip."""

    mean: np.ndarray
    """[m] Mean error, thumb to little finger; NaN for a finger without any frame. Shape (5,)."""

    p95: np.ndarray
    """[m] 95th percentile of the error. Shape (5,)."""

    max: np.ndarray
    """[m] Largest error. Shape (5,)."""

    in_limits: float
    """Share of frames with all joints within their limits, 0 to 1."""

    tracked: np.ndarray
    """Share of frames in which the track has the fingertip, 0 to 1. Shape (5,)."""

    scale: float
    """Factor by which the track's hand was enlarged."""


class _Targets(NamedTuple):
    """The track at the output rate, in the world frame of a right hand."""

    tips: np.ndarray
    """[m] Fingertips. Shape (T, 5, 3)."""

    weight: np.ndarray
    """Weights of fingertips: 1 where tracked, 0.3 in short gaps, 0 in long gaps. Shape (T, 5)."""

    tracked: np.ndarray
    """The fingertip was tracked. Shape (T, 5), bool."""

    wrist: np.ndarray
    """[m] Wrist, NaN where it was not tracked. Shape (T, 3)."""


class _ForearmIk(HandIk):
    """Inverse kinematics of hand and forearm: the pose of the forearm is unknown beside the joint
    angles."""

    def start(self, pose: np.ndarray) -> None:
        """Start from a pose of the forearm (5,) with the hand in the playing posture."""
        self.reset()
        self.pose = pose.copy()

    def world_tips(self) -> np.ndarray:
        """Fingertips at the present angles and pose, right hand's world [m]. Shape (5, 3)."""
        return np.asarray(self.tips() @ self._rotation().T + self.pose[:3])

    def move_forearm(
        self,
        tips: np.ndarray,
        weight: np.ndarray,
        *,
        home: np.ndarray,
        pull: np.ndarray,
        iterations: int,
    ) -> None:
        """Move joints and forearm towards fingertip targets.

        Takes `iterations` steps, and up to `EXTRA_STEPS` more while a fingertip is beyond
        `TOLERANCE`.

        Args:
            tips: fingertip targets [m]. Shape (5, 3).
            weight: weights of the fingertips. Shape (5,).
            home: preferred pose of the forearm. Shape (5,).
            pull: weights of the distance from `home`. Shape (5,).
            iterations: number of steps.
        """
        for done in range(iterations + EXTRA_STEPS):
            local = self.tips()
            rotation = self._rotation()
            error = (tips - self.pose[:3] - local @ rotation.T).ravel()
            full_weight = np.repeat(weight == 1.0, 3)
            if done >= iterations and np.abs(error).max(initial=0.0, where=full_weight) < TOLERANCE:
                return
            local_jacobian = self._tip_jacobian().reshape(len(DIGITS), 3, -1)
            world_jacobian = (rotation @ local_jacobian).reshape(3 * len(DIGITS), -1)
            pose_jacobian = self._pose_jacobian(local @ rotation.T)
            lowest = np.maximum(-_POSE_STEP, -_POSE_LIMIT - self.pose)
            highest = np.minimum(_POSE_STEP, _POSE_LIMIT - self.pose)
            step = self._solve(
                np.hstack([world_jacobian, pose_jacobian]),
                np.repeat(self.weights.tip * weight, 3),
                error,
                pull=np.concatenate([self.posture_weights, pull]),
                offset=np.concatenate([self.qr - self.posture, self.pose - home]),
                lower=np.concatenate([self.lower - self.qr, lowest]),
                upper=np.concatenate([self.upper - self.qr, highest]),
            )
            self.qr = self.qr + step[:-_POSE]
            self.pose = self.pose + step[-_POSE:]

    def _rotation(self) -> np.ndarray:
        """Rotation matrix of the forearm. Shape (3, 3)."""
        yaw, pitch = self.pose[3:]
        cy = np.cos(yaw)
        sy = np.sin(yaw)
        cp = np.cos(pitch)
        sp = np.sin(pitch)
        return np.array([[cy, -sy * cp, sy * sp], [sy, cy * cp, -cy * sp], [0.0, sp, cp]])

    def _pose_jacobian(self, arms: np.ndarray) -> np.ndarray:
        """Tip velocity per velocity of the forearm's pose. Shape (15, 5)."""
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
    """Retarget a fingertip track to our hand.

    Args:
        track: fingertips of either hand.
        design: our hand; by default the bundled one.
        scale: factor by which the track's hand is enlarged about its wrist, 0.5 to 2. At 1 the
            fingertips stay on their keys; None takes the one of `SCALES` that our hand follows
            best.
        progress: called with the number of steps done and of all steps.

    Returns:
        The motion at `RATE`, and its fingertip errors.

    Raises:
        InvalidValue: the scale is out of range, or the result has more than `LARGEST_FRAMES`.
    """
    if scale is not None and not 0.5 <= scale <= 2.0:
        raise InvalidValue("scale", scale, "0.5 to 2, or None to have it found")
    if track.duration * RATE > LARGEST_FRAMES:
        raise InvalidValue(
            f"duration of {track.name}", track.duration, f"at most {LARGEST_FRAMES / RATE:.0f} s"
        )
    targets = _resample(track)
    frames = len(targets.tips)
    coarse = np.arange(0, frames, COARSE_STRIDE)
    report = progress or (lambda _done, _total: None)
    total = len(coarse) + frames
    ik = _ForearmIk(design=design)
    path = _find_path(ik, targets, coarse, lambda done: report(done, total))
    if scale is None:
        scale = _fit_scale(ik, targets, path)
    if scale != 1.0:
        targets = targets._replace(tips=_scaled_tips(targets, path, scale))
        path = _find_path(ik, targets, coarse, lambda done: report(done, total))
    solution = _follow(ik, targets, path, lambda done: report(len(coarse) + done, total))
    error = _measure(ik, targets, solution, scale)
    return _clip(track, ik, solution, scale), error


def _resample(track: FingertipTrack) -> _Targets:
    """The track at `RATE`, mirrored to a right hand, with gaps interpolated."""
    sampled = np.arange(len(track.fingertips)) * track.dt
    times = np.arange(int(track.duration * RATE + 1e-9) + 1) / RATE
    mirror = np.array([track.side.mirror, 1.0, 1.0])
    tips = np.zeros((len(times), len(DIGITS), 3))
    weight = np.zeros((len(times), len(DIGITS)))
    tracked = np.zeros_like(weight, dtype=bool)
    for finger, rows in enumerate(track.tracked.T):
        if rows.any():
            tips[:, finger], gap = _curve(sampled[rows], track.fingertips[rows, finger], times)
            tracked[:, finger] = gap < 1.5 * track.dt
            weight[:, finger] = np.where(
                tracked[:, finger], 1.0, np.where(gap <= LONGEST_GAP, 0.3, 0.0)
            )
    wrist = np.full((len(times), 3), np.nan)
    for axis, values in enumerate(track.wrist.T):
        rows = np.isfinite(values)
        if rows.any():
            curve, gap = _curve(sampled[rows], values[rows, None], times)
            wrist[:, axis] = np.where(gap <= LONGEST_GAP, curve[:, 0], np.nan)
    return _Targets(tips * mirror, weight, tracked, wrist * mirror)


def _curve(
    sampled: np.ndarray, points: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate points, and measure the gaps between samples.

    Args:
        sampled: times of the samples [s]. Shape (m,).
        points: the samples. Shape (m, n).
        times: times at which to interpolate [s]. Shape (T,).

    Returns:
        Points at `times`, shape (T, n), and the time between the samples before and after [s],
        shape (T,).
    """
    after = np.clip(np.searchsorted(sampled, times - 1e-9), 0, len(sampled) - 1)
    before = np.where(np.abs(sampled[after] - times) < 1e-9, after, np.maximum(after - 1, 0))
    gap = np.where(
        after == before, 2.0 * np.abs(sampled[after] - times), sampled[after] - sampled[before]
    )
    inside = np.clip(times, sampled[0], sampled[-1])
    if len(sampled) < 3:
        return np.stack([np.interp(inside, sampled, column) for column in points.T], axis=1), gap
    return np.asarray(Akima1DInterpolator(sampled, points, axis=0, method="makima")(inside)), gap


def _find_path(
    ik: _ForearmIk, targets: _Targets, coarse: np.ndarray, report: Callable[[int], None]
) -> np.ndarray:
    """First pass: the smooth path of the forearm. Shape (T, 5)."""
    home = np.zeros(_POSE)
    is_target = targets.weight[coarse] > 0
    first = int(np.argmax(is_target.any(axis=1)))
    ik.start(home)
    nominal = ik.tips().mean(axis=0)
    centre = np.full((len(coarse), 3), np.nan)
    for row, frame in enumerate(coarse):
        if is_target[row].any():
            centre[row] = targets.tips[frame][is_target[row]].mean(axis=0)
    ik.start(np.array([*(centre[first] - nominal)[:2], WRIST_HEIGHT, 0.0, 0.0]))
    poses = np.empty((len(coarse), _POSE))
    for row, frame in enumerate(coarse):
        wrist = targets.wrist[frame]
        if np.isnan(centre[row]).any():
            default = ik.pose[:3]
        else:
            default = np.array([*(centre[row] - nominal)[:2], WRIST_HEIGHT])
        home[:3] = np.where(np.isfinite(wrist), wrist, default)
        ik.move_forearm(
            targets.tips[frame],
            targets.weight[frame],
            home=home,
            pull=np.where(np.isfinite([*wrist, 0.0, 0.0]), _WRIST_PULL, _FREE_PULL),
            iterations=25 if row <= first else 4,
        )
        poses[row] = ik.pose
        report(row + 1)
    smooth = gaussian_filter1d(poses, SMOOTHING * RATE / COARSE_STRIDE, axis=0, mode="nearest")
    frames = np.arange(len(targets.tips))
    if len(coarse) < 3:
        return np.stack([np.interp(frames, coarse, column) for column in smooth.T], axis=1)
    inside = np.minimum(frames, coarse[-1])
    return np.asarray(Akima1DInterpolator(coarse, smooth, axis=0, method="makima")(inside))


class _Solution(NamedTuple):
    """Motion of a right hand."""

    qr: np.ndarray
    """[rad] Independent joint angles. Shape (T, 19)."""

    pose: np.ndarray
    """[m, rad] Pose of the forearm. Shape (T, 5)."""

    tips: np.ndarray
    """[m] Fingertips. Shape (T, 5, 3)."""


def _follow(
    ik: _ForearmIk, targets: _Targets, path: np.ndarray, report: Callable[[int], None]
) -> _Solution:
    """Second pass: the motion at every frame, with the forearm near its smooth path."""
    frames = len(targets.tips)
    qr = np.empty((frames, ik.qr.size))
    pose = np.empty((frames, _POSE))
    tips = np.empty((frames, len(DIGITS), 3))
    ik.start(path[0])
    for frame in range(frames):
        ik.move_forearm(
            targets.tips[frame],
            targets.weight[frame],
            home=path[frame],
            pull=_PATH_PULL,
            iterations=2 if frame else 25,
        )
        qr[frame] = ik.qr
        pose[frame] = ik.pose
        tips[frame] = ik.world_tips()
        report(frame + 1)
    return _Solution(qr, pose, tips)


def _scaled_tips(targets: _Targets, path: np.ndarray, scale: float) -> np.ndarray:
    """Fingertips of a hand `scale` times as large, about its wrist. Shape (T, 5, 3)."""
    wrist = np.where(np.isfinite(targets.wrist), targets.wrist, path[:, :3])[:, None]
    return np.asarray(wrist + scale * (targets.tips - wrist))


def _fit_scale(ik: _ForearmIk, targets: _Targets, path: np.ndarray) -> float:
    """The scale at which our hand reaches a sample of frames best.

    It is 1 unless another scale is better by a tenth of a millimetre.
    """
    sample = np.unique(np.linspace(0, len(targets.tips) - 1, 40).astype(int))
    errors = []
    for scale in SCALES:
        tips = _scaled_tips(targets, path, scale)
        total = 0.0
        for frame in sample:
            ik.start(path[frame])
            ik.move_forearm(
                tips[frame],
                targets.weight[frame],
                home=path[frame],
                pull=_PATH_PULL,
                iterations=12,
            )
            distance = np.linalg.norm(ik.world_tips() - tips[frame], axis=1)
            total += float(distance @ targets.weight[frame])
        errors.append(total / max(1e-9, float(targets.weight[sample].sum())))
    best = int(np.argmin(errors))
    return SCALES[best] if errors[best] < errors[SCALES.index(1.0)] - 1e-4 else 1.0


def _measure(ik: _ForearmIk, targets: _Targets, solution: _Solution, scale: float) -> RetargetError:
    distance = np.linalg.norm(solution.tips - targets.tips, axis=2)
    mean = np.full(len(DIGITS), np.nan)
    p95 = mean.copy()
    largest = mean.copy()
    for finger, rows in enumerate(targets.tracked.T):
        if rows.any():
            errors = distance[:, finger][rows]
            mean[finger] = errors.mean()
            p95[finger] = np.percentile(errors, 95)
            largest[finger] = errors.max()
    inside = (solution.qr >= ik.lower - 1e-6) & (solution.qr <= ik.upper + 1e-6)
    return RetargetError(
        mean=mean,
        p95=p95,
        max=largest,
        in_limits=float(inside.all(axis=1).mean()),
        tracked=targets.tracked.mean(axis=0),
        scale=float(scale),
    )


def _clip(track: FingertipTrack, ik: _ForearmIk, solution: _Solution, scale: float) -> MotionClip:
    """The motion in the frame of the track: a left hand is the mirror image of the solution."""
    qpos = solution.qr @ ik.index.expand.T
    pose = solution.pose
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
        fingertips=solution.tips * np.array([track.side.mirror, 1.0, 1.0]),
        notes=np.zeros((0, 5)),
        source={**track.source, "retargeted": f"by fingertips, size times {scale:g}"},
    )
