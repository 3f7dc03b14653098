"""Small films whose pictures tell their number, encoded by the ffmpeg that is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

SIZE = (128, 96)
"""[pixels] Width and height."""

STEP = 4
"""Difference of brightness between consecutive pictures."""


def numbered_pictures(count: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Pictures of even brightness, `STEP` apart. Shape (count, height, width, 3)."""
    grey = (20 + STEP * (np.arange(count) % 56)).astype(np.uint8)
    return np.broadcast_to(grey[:, None, None, None], (count, size[1], size[0], 3))


def number_of(picture: np.ndarray) -> int:
    """The number of a picture, from its brightness."""
    return round((float(picture.mean()) - 20) / STEP)


def encode(
    path: Path, pictures: np.ndarray, rate: float = 30.0, *options: str, sound: bool = False
) -> Path:
    """Writes pictures as a film in the format of the file's suffix.

    Args:
        path: the film.
        pictures: shape (count, height, width, 3), uint8.
        rate: pictures per second [Hz].
        options: of the encoder.
        sound: adds a sound track of silence.
    """
    height, width = pictures.shape[1:3]
    command = [get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate}", "-i", "pipe:0"]
    if sound:
        command += ["-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono", "-shortest", "-c:a", "aac"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p"]
    command += [*(options or codec), str(path)]
    subprocess.run(command, input=np.ascontiguousarray(pictures).tobytes(), check=True)
    return path
