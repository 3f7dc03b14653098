"""Reference motion: clips for hands to follow, as arrays of frames at the rate of the policy.

All clips are mirrored to right hands, so that one policy serves both. Mirroring is at the
keyboard's middle, x = 0: it leaves joint values as they are and negates the forearm's x, yaw and
roll, and x of points and forces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from musclehand.body.anatomy import DIGITS, FOREARM_AXES, HAND_JOINTS, Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip

FOREARM_MIRROR = np.array([-1.0 if axis in ("x", "yaw", "roll") else 1.0 for axis in FOREARM_AXES])
"""Factors on the forearm's coordinates that mirror them. Shape (6,)."""

POINT_MIRROR = np.array([-1.0, 1.0, 1.0])
"""Factors on points and forces in the world that mirror them. Shape (3,)."""

FEWEST_FRAMES = 25
"""Shorter clips are left out: 0.2 s at 125 Hz."""


def mirrors(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Factors between a hand's coordinates and those of a right hand, in either direction: on the
    forearm's, shape (6,), and on points and forces, shape (3,)."""
    return (FOREARM_MIRROR, POINT_MIRROR) if side is Side.LEFT else (np.ones(6), np.ones(3))


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """N frames of several clips, one after the other, mirrored to right hands.

    The number of a frame is its row in the arrays.
    """

    dt: float
    """[s] Time between frames."""

    angles: np.ndarray = field(repr=False)
    """[rad] Joint angles. Shape (N, 25)."""

    speeds: np.ndarray = field(repr=False)
    """[rad/s] Joint velocities. Shape (N, 25)."""

    forearm: np.ndarray = field(repr=False)
    """[m, rad] Coordinates of the forearm's base. Shape (N, 6)."""

    forearm_speed: np.ndarray = field(repr=False)
    """[m/s, rad/s] Their velocities. Shape (N, 6)."""

    forearm_acceleration: np.ndarray = field(repr=False)
    """[m/s^2, rad/s^2] Their accelerations. Shape (N, 6)."""

    tips: np.ndarray = field(repr=False)
    """[m] Fingertips in the world. Shape (N, 5, 3)."""

    activations: np.ndarray = field(repr=False)
    """Muscle activations, 0 where the clip has none. Shape (N, m)."""

    key_force: np.ndarray = field(repr=False)
    """[N] Force of each finger on the key that it holds. Shape (N, 5)."""

    key_mass: np.ndarray = field(repr=False)
    """[kg] Effective mass of the key that each fingertip moves. Shape (N, 5)."""

    key_damping: np.ndarray = field(repr=False)
    """[N s/m] Effective damping of that key. Shape (N, 5)."""

    first: np.ndarray = field(repr=False)
    """First frame of each clip. Shape (clips,)."""

    last: np.ndarray = field(repr=False)
    """Last frame of each clip. Shape (clips,)."""

    clip: np.ndarray = field(repr=False)
    """Clip of each frame. Shape (N,)."""

    kinds: tuple[str, ...]
    """Kind of each clip, such as "scales"."""

    names: tuple[str, ...]
    """Name of each clip."""

    sides: tuple[Side, ...]
    """Hand that each clip was made for, before mirroring."""

    @property
    def frames(self) -> int:
        """Number of frames, N."""
        return len(self.angles)

    def ahead(self, frame: np.ndarray, steps: int | np.ndarray) -> np.ndarray:
        """Frames some steps later, at most the last ones of their clips.

        Args:
            frame: numbers of frames. Shape (...).
            steps: number of steps, or one for each frame.
        """
        return np.asarray(np.minimum(frame + steps, self.last_of(frame)))

    def before(self, frame: np.ndarray, steps: int) -> np.ndarray:
        """Frames some steps earlier, at least the first ones of their clips.

        Args:
            frame: numbers of frames. Shape (...).
            steps: number of steps.
        """
        return np.asarray(np.maximum(frame - steps, self.first[self.clip[frame]]))

    def last_of(self, frame: np.ndarray) -> np.ndarray:
        """Last frames of the clips that frames belong to. Shape as `frame`."""
        return np.asarray(self.last[self.clip[frame]])


def build_references(
    clips: Iterable[MotionClip], *, dt: float, muscles: Sequence[str], hold_force: float = 2.0
) -> ReferenceSet:
    """Clips of motion as a reference set; clips shorter than `FEWEST_FRAMES` are left out.

    Args:
        clips: of either hand.
        dt: time between frames of the result [s]; clips are interpolated by cubic splines.
        muscles: names without the side, in the order of the columns of `activations`.
        hold_force: force on a key while it is held [N].

    Raises:
        InvalidValue: no clip is long enough.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _PARTS}
    names = []
    kinds = []
    sides = []
    counts = []
    for clip in clips:
        if clip.duration < FEWEST_FRAMES * dt:
            continue
        for name, values in _interpolate(clip, dt, muscles, hold_force).items():
            parts[name].append(values)
        names.append(clip.name)
        kinds.append(clip.kind)
        sides.append(clip.side)
        counts.append(len(parts["angles"][-1]))
    if not names:
        raise InvalidValue("clips", "none", f"at least one of {FEWEST_FRAMES * dt:g} s")
    ends = np.cumsum(counts)
    return ReferenceSet(
        dt=dt,
        first=ends - counts,
        last=ends - 1,
        clip=np.repeat(np.arange(len(counts)), counts),
        names=tuple(names),
        kinds=tuple(kinds),
        sides=tuple(sides),
        **{name: np.concatenate(rows) for name, rows in parts.items()},
    )


_PARTS = (
    *("angles", "speeds", "forearm", "forearm_speed", "forearm_acceleration"),
    *("tips", "activations", "key_force", "key_mass", "key_damping"),
)
"""Fields of a reference set with a row for every frame."""


def still_references(clips: int, *, dt: float, muscles: int) -> ReferenceSet:
    """Clips of one frame each, with all values 0: a placeholder where there is no reference.

    Args:
        clips: number of clips.
        dt: time between frames [s].
        muscles: number of muscles.
    """
    joints = (clips, len(HAND_JOINTS))
    arms = (clips, len(FOREARM_AXES))
    fingers = (clips, len(DIGITS))
    return ReferenceSet(
        dt=dt,
        angles=np.zeros(joints),
        speeds=np.zeros(joints),
        forearm=np.zeros(arms),
        forearm_speed=np.zeros(arms),
        forearm_acceleration=np.zeros(arms),
        tips=np.zeros((*fingers, 3)),
        activations=np.zeros((clips, muscles)),
        key_force=np.zeros(fingers),
        key_mass=np.zeros(fingers),
        key_damping=np.zeros(fingers),
        first=np.arange(clips),
        last=np.arange(clips),
        clip=np.arange(clips),
        kinds=("still",) * clips,
        names=("still",) * clips,
        sides=(Side.RIGHT,) * clips,
    )


def still_clip() -> MotionClip:
    """A clip of 1.6 s without motion, all values 0: for environments of which only the model and
    the observation matter."""
    frames = 200
    return MotionClip(
        name="still",
        kind="still",
        pattern="still",
        side=Side.RIGHT,
        dt=0.008,
        qpos=np.zeros((frames, len(HAND_JOINTS))),
        qvel=np.zeros((frames, len(HAND_JOINTS))),
        forearm=np.zeros((frames, len(FOREARM_AXES))),
        fingertips=np.zeros((frames, len(DIGITS), 3)),
        notes=np.zeros((0, 5)),
    )


def windows(references: ReferenceSet, frames: np.ndarray) -> ReferenceSet:
    """Rows of frames as clips of their own. Kinds, names and sides stay those of `references`.

    Args:
        references: with the frames.
        frames: numbers of frames. Shape (clips, length).
    """
    clips, length = frames.shape
    return replace(
        references,
        first=np.arange(clips) * length,
        last=np.arange(1, clips + 1) * length - 1,
        clip=np.repeat(np.arange(clips), length),
        **{name: getattr(references, name)[frames.ravel()] for name in _PARTS},
    )


def join(sets: Sequence[ReferenceSet]) -> ReferenceSet:
    """Several reference sets as one, clip after clip.

    Raises:
        InvalidValue: there is no set, or sets have different rates.
    """
    rates = [part.dt for part in sets]
    if len(set(rates)) != 1:
        raise InvalidValue(
            "time between frames", rates, "the same in all sets, of which there is one"
        )
    frame_offsets = np.cumsum([0, *(part.frames for part in sets)])[:-1]
    clip_offsets = np.cumsum([0, *(len(part.names) for part in sets)])[:-1]
    shifted = {
        name: np.concatenate(
            [getattr(part, name) + offset for part, offset in zip(sets, offsets, strict=True)]
        )
        for name, offsets in (
            ("first", frame_offsets),
            ("last", frame_offsets),
            ("clip", clip_offsets),
        )
    }
    return ReferenceSet(
        dt=sets[0].dt,
        names=sum((part.names for part in sets), ()),
        kinds=sum((part.kinds for part in sets), ()),
        sides=sum((part.sides for part in sets), ()),
        **shifted,
        **{name: np.concatenate([getattr(part, name) for part in sets]) for name in _PARTS},
    )


def cut(
    references: ReferenceSet, spans: Sequence[tuple[int, int]], shift: np.ndarray
) -> ReferenceSet:
    """Parts of clips as clips of their own, shifted along the keyboard and in height.

    Args:
        references: with the clips.
        spans: first and last frame of each part, both within one clip.
        shift: of each part in x and z [m]. Shape (len(spans), 2).
    """
    rows = np.concatenate([np.arange(first, last + 1) for first, last in spans])
    counts = np.array([last + 1 - first for first, last in spans])
    ends = np.cumsum(counts)
    clips = [int(references.clip[first]) for first, _ in spans]
    arrays = {name: getattr(references, name)[rows] for name in _PARTS}
    row_shift = np.repeat(shift, counts, axis=0)
    arrays["forearm"][:, [0, 2]] += row_shift
    arrays["tips"][:, :, [0, 2]] += row_shift[:, None]
    return ReferenceSet(
        dt=references.dt,
        first=ends - counts,
        last=ends - 1,
        clip=np.repeat(np.arange(len(spans)), counts),
        names=tuple(references.names[clip] for clip in clips),
        kinds=tuple(references.kinds[clip] for clip in clips),
        sides=tuple(references.sides[clip] for clip in clips),
        **arrays,
    )


def _interpolate(
    clip: MotionClip, dt: float, muscles: Sequence[str], hold_force: float
) -> dict[str, np.ndarray]:
    """The arrays of `ReferenceSet` for one clip; arguments as of `build_references`."""
    forearm_mirror, point_mirror = mirrors(clip.side)
    clip_times = np.arange(clip.frames) * clip.dt
    times = np.arange(int((clip_times[-1] + 1e-9) / dt) + 1) * dt
    joints = CubicHermiteSpline(clip_times, clip.qpos.astype(float), clip.qvel.astype(float))
    forearm = CubicSpline(clip_times, clip.forearm.astype(float) * forearm_mirror)
    tips = clip.fingertips.astype(float) * point_mirror
    activations = np.zeros((len(times), len(muscles)))
    if clip.activations is not None:
        for column, muscle in enumerate(muscles):
            if muscle in clip.muscles:
                recorded = clip.activations[:, clip.muscles.index(muscle)]
                activations[:, column] = np.clip(np.interp(times, clip_times, recorded), 0.0, 1.0)
    force = np.zeros((len(times), len(DIGITS)))
    for onset, offset, _, _, finger in clip.notes:
        if 1 <= finger <= len(DIGITS):
            force[(times >= onset) & (times < offset), int(finger) - 1] = hold_force
    return {
        "angles": joints(times),
        "speeds": joints(times, 1),
        "forearm": forearm(times),
        "forearm_speed": forearm(times, 1),
        "forearm_acceleration": forearm(times, 2),
        "tips": CubicSpline(clip_times, tips)(times),
        "activations": activations,
        "key_force": force,
        "key_mass": np.zeros_like(force),
        "key_damping": np.zeros_like(force),
    }
