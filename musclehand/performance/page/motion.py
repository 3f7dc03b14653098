"""The motion of a recording in pictures at a constant rate: bodies, keys, muscles."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.core import interrupts
from musclehand.core.recording import Recording
from musclehand.performance.page.shapes import WrapSlots

RATE = 50.0
"""[Hz] Pictures a second: a key goes down in 20 ms and more. The page interpolates between them."""

BLOCK = 500
"""Pictures whose rows are in memory at a time."""


class Motion(NamedTuple):
    """T pictures of a performance."""

    start: float
    """[s] time of the first picture, on the score's clock."""

    poses: np.ndarray
    """[m] position and quaternion of each body; quaternions do not change their sign on the way.
    Shape (T, bodies, 7)."""

    wraps: np.ndarray
    """[m] points on surfaces, in the frames of their bodies, NaN where a path passes. Shape
    (T, slots, 2, 3)."""

    activations: np.ndarray
    """Activation of each muscle, 0 to 1. Shape (T, muscles)."""

    keys: np.ndarray
    """[rad] angle of each key, 0 at rest, down positive. Shape (T, 88)."""


class Sampler:
    """Reads a recording at times between its rows, by linear interpolation."""

    def __init__(self, recording: Recording) -> None:
        """
        Args:
            recording: open; must outlive the sampler.
        """
        self._recording = recording
        self.rows = np.asarray(recording["time"][:], dtype=float)
        """[s] times of all rows. Shape (rows,)."""
        span = self.rows[-1] - self.rows[0]
        self.times = self.rows[0] + np.arange(int(span * RATE + 1e-6) + 1) / RATE
        """[s] times of the pictures. Shape (T,)."""

    def read(self, channel: str, pictures: slice) -> np.ndarray:
        """Values at the times of pictures. Shape (pictures, ...).

        Args:
            channel: of the recording.
            pictures: which ones.
        """
        times = self.times[pictures]
        after = np.clip(np.searchsorted(self.rows, times), min(1, len(self.rows) - 1), None)
        after = np.minimum(after, len(self.rows) - 1)
        before = np.maximum(after - 1, 0)
        first = int(before[0])
        values = np.asarray(self._recording[channel][first : int(after[-1]) + 1], dtype=float)
        span = np.maximum(self.rows[after] - self.rows[before], 1e-12)
        share = np.clip((times - self.rows[before]) / span, 0.0, 1.0)[:, None]
        return (1 - share) * values[before - first] + share * values[after - first]


def sample_motion(
    recording: Recording,
    model: mujoco.MjModel,
    *,
    bodies: list[int],
    slots: WrapSlots,
) -> Motion:
    """Samples a recording.

    Args:
        recording: to be shown, with channels `time`, `qpos` and `key_angle`.
        model: the scene, whose joints have the names of the recording's.
        bodies: ids of the bodies to follow.
        slots: surfaces that muscles wrap around.
    """
    sampler = Sampler(recording)
    data = mujoco.MjData(model)
    address = np.array([model.joint(name).qposadr[0] for name in recording["qpos"].names])
    count = len(sampler.times)
    poses = np.zeros((count, len(bodies), 7))
    wraps = np.zeros((count, len(slots), 2, 3))
    activations, keys = [], []
    for first in range(0, count, BLOCK):
        interrupts.check()
        block = slice(first, min(first + BLOCK, count))
        for row, qpos in enumerate(sampler.read("qpos", block), start=first):
            data.qpos[address] = qpos
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_tendon(model, data)
            poses[row, :, :3] = data.xpos[bodies]
            poses[row, :, 3:] = data.xquat[bodies]
            wraps[row] = slots.points(data)
        keys.append(sampler.read("key_angle", block))
        if "act" in recording.channels:
            activations.append(sampler.read("act", block))
    _align(poses[:, :, 3:])
    shown = np.vstack(activations) if activations else np.zeros((count, 0))
    return Motion(float(sampler.times[0]), poses, wraps, np.clip(shown, 0, 1), np.vstack(keys))


def _align(quaternions: np.ndarray) -> None:
    """Gives neighbouring quaternions the same sign, in place. Shape (T, bodies, 4)."""
    turned = (quaternions[1:] * quaternions[:-1]).sum(axis=-1) < 0
    sign = np.where(np.cumsum(turned, axis=0) % 2, -1.0, 1.0)
    quaternions[1:] *= sign[..., None]
