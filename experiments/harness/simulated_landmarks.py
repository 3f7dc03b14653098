"""Films of simulated hands: landmarks of planned or recorded motion, with a detector's errors.

    film = film_piece(load_piece("fuer_elise"))
    landmarks = film.landmarks(LandmarkErrors(slow=0.01, offsets=1.0, dropouts=0.2), seed=0)

The 21 points of both hands are found by forward kinematics and projected through a camera. Errors
are those measured of MediaPipe Hands on rendered frames with exact truth: a constant displacement
of every landmark, which is what the point means to the detector; slow errors; jitter; times at
which a hand is lost; and fingers that are hidden and invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import mujoco
import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.score import Hand, Pedal, Score
from musclehand.planning.plan import PerformancePlan, plan_performance
from musclehand.watch.landmarks import NUM_POINTS, SIDES, TIPS, HandLandmarks
from musclehand.watch.lifting.hand_points import POINT_JOINTS
from musclehand.watch.view import KeyboardView

RATE = 30.0
"""[Hz] Frames of a film."""

OFFSETS_MM = (
    15.0,
    *(12.0, 13.0, 10.0, 12.0),
    *(5.0, 4.0, 4.0, 4.0),
    *(3.0, 4.0, 4.0, 3.0),
    *(4.0, 5.0, 4.0, 3.0),
    *(6.0, 5.0, 4.0, 4.0),
)
"""[mm] Length of the constant displacement of each landmark. Of MediaPipe Hands on rendered frames:
wrist 14 to 16, joints of the thumb 9 to 16, its tip 11 to 14, all others 0.5 to 9."""

_SIDES = {Side.LEFT: Hand.LEFT, Side.RIGHT: Hand.RIGHT}

_MIRROR_FOREARM = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0])
"""A left forearm's pose is the mirror image of a right one."""


@dataclass(frozen=True)
class LandmarkErrors:
    """Errors of a detector, as lengths at the height of the keys.

    Raises:
        InvalidValue: a value is negative, or a share is above 0.9.
    """

    slow: float = 0.0
    """[m] Standard deviation along each axis of errors that are correlated over time."""

    slow_time: float = 0.3
    """[s] Time after which the correlation of these is 1/e."""

    jitter: float = 0.0
    """[m] Standard deviation along each axis of errors that are independent in every frame."""

    offsets: float = 0.0
    """Factor on `OFFSETS_MM`, 1 for those measured; directions are drawn once for a film."""

    dropouts: float = 0.0
    """Share of the time at which a hand is not detected."""

    burst: float = 0.3
    """[s] Mean length of such a time; lengths are exponentially distributed."""

    hidden: float = 0.0
    """Share of the time at which a finger is hidden, and its points beyond the knuckle are
    invented: they stand as they do on the mean over the film."""

    def __post_init__(self) -> None:
        for name in ("slow", "jitter", "offsets", "dropouts", "hidden"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise InvalidValue(f"landmark error {name}", value, "a finite number, 0 or above")
        if max(self.dropouts, self.hidden) > 0.9:
            raise InvalidValue("share of time", max(self.dropouts, self.hidden), "0 to 0.9")


@dataclass(frozen=True, eq=False)
class SimulatedFilm:
    """Hands that played, and the camera over them."""

    score: Score
    """Notes with hands and fingers, in the time of the film."""

    clips: Mapping[Side, MotionClip]
    """Motion of the hands from the film's first frame."""

    time: np.ndarray = field(repr=False)
    """[s] Times of the frames. Shape (T,)."""

    points: np.ndarray = field(repr=False)
    """[m] Landmarks in the world. Shape (T, 2, 21, 3)."""

    view: KeyboardView
    """The camera."""

    def landmarks(self, errors: LandmarkErrors | None = None, *, seed: int = 0) -> HandLandmarks:
        """What a detector with these errors sees.

        Args:
            errors: none by default.
            seed: of the errors.
        """
        return project(self.time, self.points, self.view, errors or LandmarkErrors(), seed=seed)


def camera_above(height: float = 1.3, *, size: tuple[int, int] = (1280, 720)) -> KeyboardView:
    """A camera straight above the keyboard that shows 1.3 m of it.

    Args:
        height: above the keys [m].
        size: of the picture [pixels].
    """
    down = np.diag([1.0, -1.0, -1.0])
    return KeyboardView(size, size[0] * height / 1.3, down, np.array([0.0, 0.02, height]))


def film_piece(
    score: Score, *, view: KeyboardView | None = None, rate: float = RATE
) -> SimulatedFilm:
    """Films the planned motion of a piece.

    Args:
        score: hands and fingers are assigned where it has none.
        view: the camera, by default `camera_above()`.
        rate: frames per second [Hz].
    """
    plan = plan_performance(score)
    clips = plan_clips(plan, rate=rate)
    return film_clips(clips, later(plan.planned, plan.lead_in), view=view)


def film_clips(
    clips: Mapping[Side, MotionClip], score: Score, *, view: KeyboardView | None = None
) -> SimulatedFilm:
    """Films clips of both hands that begin together.

    Args:
        clips: with the same time between frames.
        score: what they play, in the time of the clips.
        view: the camera, by default `camera_above()`.
    """
    first = next(iter(clips.values()))
    frames = min(len(clip.qpos) for clip in clips.values())
    points = np.full((frames, SIDES, NUM_POINTS, 3), np.nan)
    for side, clip in clips.items():
        points[:, _SIDES[side]] = clip_points(clip)[:frames]
    time = np.arange(frames) * first.dt
    return SimulatedFilm(score, clips, time, points, view or camera_above())


def later(score: Score, delay: float) -> Score:
    """The score moved to a later time [s]."""
    notes = [
        replace(note, onset=note.onset + delay, offset=note.offset + delay) for note in score.notes
    ]
    pedals = tuple(Pedal(pedal.start + delay, pedal.end + delay) for pedal in score.pedals)
    return replace(score, notes=tuple(notes), pedals=pedals)


def plan_clips(plan: PerformancePlan, *, rate: float = RATE) -> dict[Side, MotionClip]:
    """The planned motion of each hand that plays, from the beginning of the simulation.

    Args:
        plan: of a piece.
        rate: frames per second [Hz].
    """
    motion = plan.motion()
    steps = np.rint(np.arange(0.0, plan.end, 1.0 / rate) / plan.control_dt).astype(int)
    rows: dict[Side, list[tuple[np.ndarray, np.ndarray]]] = {side: [] for side in motion.hands}
    for step in steps.tolist():
        for side, state in zip(motion.hands, motion.at(step), strict=True):
            rows[side].append((state.qpos, state.wrist[0]))
    clips = {}
    for side, states in rows.items():
        qpos = np.array([angles for angles, _ in states])
        forearm = np.pad(np.array([pose for _, pose in states]), ((0, 0), (0, 2)))
        clips[side] = MotionClip(
            name=f"plan_{side.value}",
            kind="planned",
            pattern=plan.target.title or "piece",
            side=side,
            dt=1.0 / rate,
            qpos=qpos,
            qvel=np.gradient(qpos, 1.0 / rate, axis=0),
            forearm=forearm,
            fingertips=hand_points(side, qpos, forearm)[:, list(TIPS)],
            notes=np.zeros((0, 5)),
        )
    return clips


def clip_points(clip: MotionClip) -> np.ndarray:
    """Landmarks of a clip in the world [m]. Shape (T, 21, 3)."""
    return hand_points(clip.side, clip.qpos, clip.forearm)


def hand_points(side: Side, qpos: np.ndarray, forearm: np.ndarray) -> np.ndarray:
    """Landmarks in the world by forward kinematics of the bundled hand.

    Args:
        side: of the hand.
        qpos: joint angles in the order of `HAND_JOINTS` [rad]. Shape (T, 25).
        forearm: pose of the forearm along `FOREARM_AXES` [m, rad]. Shape (T, 6).

    Returns:
        Positions [m]. Shape (T, 21, 3).
    """
    ik = HandIk()
    lookup = dict(zip(HAND_JOINTS, ik.index.joint_ids(ik.model).tolist(), strict=True))
    local = np.empty((len(qpos), NUM_POINTS, 3))
    joints = [lookup[name] for name in POINT_JOINTS if name]
    inner = [row for row, name in enumerate(POINT_JOINTS) if name]
    for row, angles in enumerate(np.asarray(qpos, dtype=float)):
        ik.data.qpos[ik.index.qpos] = angles
        mujoco.mj_kinematics(ik.model, ik.data)
        local[row, inner] = ik.data.xanchor[joints]
        local[row, list(TIPS)] = ik.data.site_xpos[ik.index.tips]
    local = (local - ik.wrist) * [-1.0, -1.0, 1.0]  # Half a turn about z: palm down.
    pose = np.asarray(forearm, dtype=float)
    if side is Side.LEFT:
        pose = pose * _MIRROR_FOREARM
    world = np.einsum("tij,tkj->tki", _turns(pose[:, 3:]), local) + pose[:, None, :3]
    return np.asarray(world * [side.mirror, 1.0, 1.0])


def _turns(angles: np.ndarray) -> np.ndarray:
    """Rotations by yaw, pitch and roll about z, x and y in turn. Shape (T, 3, 3)."""
    turns = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for column, (i, j) in enumerate(((0, 1), (1, 2), (2, 0))):
        turn = np.tile(np.eye(3), (len(angles), 1, 1))
        turn[:, i, i] = turn[:, j, j] = np.cos(angles[:, column])
        turn[:, j, i] = np.sin(angles[:, column])
        turn[:, i, j] = -turn[:, j, i]
        turns = turns @ turn
    return turns


def project(
    time: np.ndarray,
    points: np.ndarray,
    view: KeyboardView,
    errors: LandmarkErrors,
    *,
    seed: int = 0,
) -> HandLandmarks:
    """Landmarks as a detector with errors sees them.

    Args:
        time: of the frames [s]. Shape (T,).
        points: landmarks in the world, NaN for a hand that is not there [m]. Shape (T, 2, 21, 3).
        view: the camera.
        errors: of the detector.
        seed: of the errors.
    """
    rng = np.random.default_rng(seed)
    step = float(np.median(np.diff(time)))
    pixels = view.to_pixels(points)
    scale = view.focal / abs(float(view.position[2]))
    pixels = pixels + scale * _offsets(pixels, errors.offsets, rng)
    if errors.hidden:
        pixels = _hide_fingers(pixels, errors, step, rng)
    pixels += scale * errors.slow * _correlated(pixels.shape, errors.slow_time / step, rng)
    pixels += scale * errors.jitter * rng.standard_normal(pixels.shape)
    for side in range(SIDES):
        pixels[_bursts(len(time), errors.dropouts, errors.burst / step, rng), side] = np.nan
    presence = np.isfinite(pixels).all(axis=(2, 3)).astype(float)
    bridged = np.zeros(presence.shape, dtype=bool)
    return HandLandmarks(time, pixels, presence, bridged, view.size, {"detector": "simulated"})


def _offsets(pixels: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Constant displacements in the frame of each hand, in the picture [m].

    Args:
        pixels: points in the picture. Shape (T, 2, 21, 2).
        factor: on the lengths.
        rng: draws the directions; both hands have the same ones, mirrored.
    """
    turn = rng.uniform(0.0, 2.0 * np.pi, NUM_POINTS)
    own = factor * 1e-3 * np.array(OFFSETS_MM)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    ahead = pixels[:, :, 9] - pixels[:, :, 0]
    ahead = ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)
    across = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1) * np.array([[-1.0], [1.0]])
    return np.asarray(
        own[:, :1] * ahead[:, :, None, :] + own[:, 1:] * across[:, :, None, :],
    )


def _hide_fingers(
    pixels: np.ndarray, errors: LandmarkErrors, step: float, rng: np.random.Generator
) -> np.ndarray:
    """Invents the points of fingers while they are hidden.

    Args:
        pixels: points in the picture. Shape (T, 2, 21, 2).
        errors: share and length of the times.
        step: time between frames [s].
        rng: draws the times.
    """
    pixels = pixels.copy()
    for side in range(SIDES):
        for base in range(1, NUM_POINTS, 4):
            rows = _bursts(len(pixels), errors.hidden, errors.burst / step, rng)
            away = pixels[:, side, base + 1 : base + 4] - pixels[:, side, base : base + 1]
            usual = np.nanmean(away, axis=0) if np.isfinite(away).any() else 0.0
            pixels[rows, side, base + 1 : base + 4] = (
                pixels[rows, side, base : base + 1] + np.broadcast_to(usual, away.shape)[rows]
            )
    return pixels


def _correlated(shape: tuple[int, ...], frames: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of variance 1, correlated over time by exp(-lag/frames) (Ornstein-Uhlenbeck).

    Args:
        shape: time first.
        frames: after which the correlation is 1/e.
        rng: draws it.
    """
    keep = np.exp(-1.0 / max(frames, 1e-9))
    noise = rng.standard_normal(shape)
    noise[1:] *= np.sqrt(1.0 - keep**2)
    for row in range(1, shape[0]):
        noise[row] += keep * noise[row - 1]
    return noise


def _bursts(frames: int, share: float, length: float, rng: np.random.Generator) -> np.ndarray:
    """Frames at which something is lost: a two-state Markov chain. Shape (frames,), bool.

    Args:
        frames: of the film.
        share: of the frames that are lost.
        length: mean length of a burst [frames].
        rng: draws them.
    """
    lost = np.zeros(frames, dtype=bool)
    if not share:
        return lost
    end = 1.0 / max(length, 1.0)
    begin = min(1.0, end * share / (1.0 - share))
    now = rng.random() < share
    for row, chance in enumerate(rng.random(frames)):
        now = chance >= end if now else chance < begin
        lost[row] = now
    return lost
