"""Clips as what hands are to follow: all of them behind each other, at the rate of the policy, as a
right hand's.

A left hand's clip is mirrored at the keyboard's middle. Joint values are the same on both sides; of
the forearm's axes x, yaw and roll turn round, and of a point x.
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
"""Factor on the forearm's coordinates that turns a right hand's into a left hand's. Shape (6,)."""

POINT_MIRROR = np.array([-1.0, 1.0, 1.0])
"""The same for points and forces of the world. Shape (3,)."""


def mirrors(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Factors on the forearm's coordinates, (6,), and on points and forces, (3,), between a side
    and the right."""
    return (FOREARM_MIRROR, POINT_MIRROR) if side is Side.LEFT else (np.ones(6), np.ones(3))


FEWEST_FRAMES = 25
"""Shorter clips are left out."""


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """N frames of some clips, every `dt` [s], as the right hand's; the number of a frame is its
    place in the arrays.

    `angles` [rad] and `speeds` [rad/s] (N, 23); `forearm` (N, 6) with its `forearm_speed` and
    `forearm_acceleration`; `tips` [m] (N, 5, 3), world; `activations` (N, m), 0 where the clip has
    none; `press` [N] (N, 5): force that a finger owes to the key it holds; `key_mass` [kg] and
    `key_damping` [N s/m] (N, 5) of what fingertips move along; `first` and `last` (clips,) frames
    of every clip; `clip` (N,) which one a frame is of; `kinds`, `names`, `sides` (clips,).
    """

    dt: float
    angles: np.ndarray = field(repr=False)
    speeds: np.ndarray = field(repr=False)
    forearm: np.ndarray = field(repr=False)
    forearm_speed: np.ndarray = field(repr=False)
    forearm_acceleration: np.ndarray = field(repr=False)
    tips: np.ndarray = field(repr=False)
    activations: np.ndarray = field(repr=False)
    press: np.ndarray = field(repr=False)
    key_mass: np.ndarray = field(repr=False)
    key_damping: np.ndarray = field(repr=False)
    first: np.ndarray = field(repr=False)
    last: np.ndarray = field(repr=False)
    clip: np.ndarray = field(repr=False)
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    sides: tuple[Side, ...]

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.angles)

    def ahead(self, frame: np.ndarray, steps: int | np.ndarray) -> np.ndarray:
        """The frames `steps` later, the clip's last where it is over by then."""
        return np.asarray(np.minimum(frame + steps, self.last_of(frame)))

    def before(self, frame: np.ndarray, steps: int) -> np.ndarray:
        """The frames `steps` earlier, the clip's first where it begins later."""
        return np.asarray(np.maximum(frame - steps, self.first[self.clip[frame]]))

    def last_of(self, frame: np.ndarray) -> np.ndarray:
        """The last frames of the clips that frames are of."""
        return np.asarray(self.last[self.clip[frame]])


def build_references(
    clips: Iterable[MotionClip], *, dt: float, muscles: Sequence[str], press: float = 2.0
) -> ReferenceSet:
    """Puts clips together.

    Args:
        clips: of either hand.
        dt: time between frames wanted [s]; clips of another are interpolated, by cubics.
        muscles: names of the muscles without the side, in the order that activations are wanted in.
        press: force on a key while it is held [N].

    Raises:
        InvalidValue: no clip of at least `FEWEST_FRAMES`.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _PARTS}
    names = []
    kinds = []
    sides = []
    counts = []
    for clip in clips:
        if clip.duration < FEWEST_FRAMES * dt:
            continue
        for name, values in _parts_of(clip, dt, muscles, press).items():
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
    *("tips", "activations", "press", "key_mass", "key_damping"),
)
"""Arrays with a row for every frame."""


def still_references(clips: int, *, dt: float, muscles: int) -> ReferenceSet:
    """As many clips of one frame, in which nothing is wanted."""
    joints = (clips, len(HAND_JOINTS))
    arms = (clips, len(FOREARM_AXES))
    tips = (clips, len(DIGITS))
    return ReferenceSet(
        dt=dt,
        angles=np.zeros(joints),
        speeds=np.zeros(joints),
        forearm=np.zeros(arms),
        forearm_speed=np.zeros(arms),
        forearm_acceleration=np.zeros(arms),
        tips=np.zeros((*tips, 3)),
        activations=np.zeros((clips, muscles)),
        press=np.zeros(tips),
        key_mass=np.zeros(tips),
        key_damping=np.zeros(tips),
        first=np.arange(clips),
        last=np.arange(clips),
        clip=np.arange(clips),
        kinds=("still",) * clips,
        names=("still",) * clips,
        sides=(Side.RIGHT,) * clips,
    )


def windows(references: ReferenceSet, frames: np.ndarray) -> ReferenceSet:
    """Frames as clips of their own. `frames`: shape (clips, length)."""
    clips, length = frames.shape
    return replace(
        references,
        first=np.arange(clips) * length,
        last=np.arange(1, clips + 1) * length - 1,
        clip=np.repeat(np.arange(clips), length),
        **{name: getattr(references, name)[frames.ravel()] for name in _PARTS},
    )


def join(sets: Sequence[ReferenceSet]) -> ReferenceSet:
    """Several sets as one, clip after clip.

    Raises:
        InvalidValue: none, or sets of different rates.
    """
    if len({one.dt for one in sets}) != 1:
        raise InvalidValue(
            "time between frames",
            [one.dt for one in sets],
            "the same in all sets, of which there is one",
        )
    starts = np.cumsum([0, *(one.frames for one in sets)])
    clips = np.cumsum([0, *(len(one.names) for one in sets)])
    return ReferenceSet(
        dt=sets[0].dt,
        first=np.concatenate([one.first + start for one, start in zip(sets, starts, strict=False)]),
        last=np.concatenate([one.last + start for one, start in zip(sets, starts, strict=False)]),
        clip=np.concatenate([one.clip + clip for one, clip in zip(sets, clips, strict=False)]),
        names=sum((one.names for one in sets), ()),
        kinds=sum((one.kinds for one in sets), ()),
        sides=sum((one.sides for one in sets), ()),
        **{name: np.concatenate([getattr(one, name) for one in sets]) for name in _PARTS},
    )


def cut(
    references: ReferenceSet, spans: Sequence[tuple[int, int]], shift: np.ndarray
) -> ReferenceSet:
    """Parts of a set as clips of their own, moved along the keyboard and in height.

    Args:
        references: what is cut.
        spans: first and last frame of each part, both within one clip.
        shift: of each part in x and z [m]. Shape (len(spans), 2).
    """
    rows = np.concatenate([np.arange(first, last + 1) for first, last in spans])
    counts = np.array([last + 1 - first for first, last in spans])
    ends = np.cumsum(counts)
    clips = [int(references.clip[first]) for first, _ in spans]
    arrays = {name: getattr(references, name)[rows] for name in _PARTS}
    moved = np.repeat(shift, counts, axis=0)
    arrays["forearm"][:, [0, 2]] += moved
    arrays["tips"][:, :, [0, 2]] += moved[:, None]
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


def _parts_of(
    clip: MotionClip, dt: float, muscles: Sequence[str], press: float
) -> dict[str, np.ndarray]:
    """The arrays of `ReferenceSet` for one clip."""
    turn, point = mirrors(clip.side)
    time = np.arange(clip.frames) * clip.dt
    wanted = np.arange(int((time[-1] + 1e-9) / dt) + 1) * dt
    joints = CubicHermiteSpline(time, clip.qpos.astype(float), clip.qvel.astype(float))
    arm = CubicSpline(time, clip.forearm.astype(float) * turn)
    tips = clip.fingertips.astype(float) * point
    activations = np.zeros((len(wanted), len(muscles)))
    if clip.activations is not None:
        for column, muscle in enumerate(muscles):
            if muscle in clip.muscles:
                source = clip.activations[:, clip.muscles.index(muscle)]
                activations[:, column] = np.clip(np.interp(wanted, time, source), 0.0, 1.0)
    owed = np.zeros((len(wanted), len(DIGITS)))
    for onset, offset, _, _, finger in clip.notes:
        if 1 <= finger <= len(DIGITS):
            owed[(wanted >= onset) & (wanted < offset), int(finger) - 1] = press
    return {
        "angles": joints(wanted),
        "speeds": joints(wanted, 1),
        "forearm": arm(wanted),
        "forearm_speed": arm(wanted, 1),
        "forearm_acceleration": arm(wanted, 2),
        "tips": CubicSpline(time, tips)(wanted),
        "activations": activations,
        "press": owed,
        "key_mass": np.zeros_like(owed),
        "key_damping": np.zeros_like(owed),
    }
