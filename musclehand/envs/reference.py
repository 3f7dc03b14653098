"""Clips as what hands are to follow: all of them behind each other, at the rate of the policy, as a right hand's.

A left hand's clip is mirrored at the keyboard's middle. Joint values are the same on both sides; of the forearm's axes
x, yaw and roll turn round, and of a point x.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from musclehand.body.anatomy import DIGITS, FOREARM_AXES, Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.clip import MotionClip

FOREARM_MIRROR = np.array([-1.0 if axis in ("x", "yaw", "roll") else 1.0 for axis in FOREARM_AXES])
"""Factor on the forearm's coordinates that turns a right hand's into a left hand's. Shape (6,)."""

POINT_MIRROR = np.array([-1.0, 1.0, 1.0])
"""The same for points and forces of the world. Shape (3,)."""


def mirrors(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Factors on the forearm's coordinates, (6,), and on points and forces, (3,), between a side and the right."""
    return (FOREARM_MIRROR, POINT_MIRROR) if side is Side.LEFT else (np.ones(6), np.ones(3))


FEWEST_FRAMES = 25
"""Shorter clips are left out."""


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """N frames of some clips, every `dt` [s], as the right hand's; the number of a frame is its place in the arrays.

    `angles` [rad] and `speeds` [rad/s] (N, 23); `forearm` (N, 6) with its `forearm_speed` and `forearm_acceleration`;
    `tips` [m] (N, 5, 3), world; `activations` (N, m), 0 where the clip has none; `press` [N] (N, 5): force that a
    finger owes to the key it holds; `first` and `last` (clips,) frames of every clip; `clip` (N,) which one a frame is
    of; `kinds`, `names` (clips,).
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
    first: np.ndarray = field(repr=False)
    last: np.ndarray = field(repr=False)
    clip: np.ndarray = field(repr=False)
    kinds: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.angles)

    def ahead(self, frame: np.ndarray, steps: int | np.ndarray) -> np.ndarray:
        """The frames `steps` later, the clip's last where it is over by then."""
        return np.asarray(np.minimum(frame + steps, self.last_of(frame)))

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
    names, kinds, counts = [], [], []
    for clip in clips:
        if clip.duration < FEWEST_FRAMES * dt:
            continue
        for name, values in _parts_of(clip, dt, muscles, press).items():
            parts[name].append(values)
        names.append(clip.name)
        kinds.append(clip.kind)
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
        **{name: np.concatenate(rows) for name, rows in parts.items()},
    )


_PARTS = (
    *("angles", "speeds", "forearm", "forearm_speed", "forearm_acceleration"),
    *("tips", "activations", "press"),
)


def _parts_of(clip: MotionClip, dt: float, muscles: Sequence[str], press: float) -> dict[str, np.ndarray]:
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
    }
