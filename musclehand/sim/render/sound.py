"""The sound of a recording on the recording's clock, for films and pages."""

from __future__ import annotations

import os
import subprocess
import tempfile
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.core.errors import OutputError

MP3_OPTIONS = ("-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "1", "-f", "mp3")
"""MP3 of variable bit rate, 140 kbit/s on average. All browsers play it; its first frame tells
them how much silence the encoder has added, so that the sound begins on time."""

LONGEST = 600.0
"""[s] that the encoder may take; it makes an hour of music in less."""


def sound_filters(times: np.ndarray, hold: float, fade: float) -> str:
    """Filters of ffmpeg that delay a sound to time 0 of the score, and fade it at the end.

    Args:
        times: time of each row of the recording [s]; the sound begins at 0. Shape (rows,).
        hold: the sound goes on for this long after the last row [s].
        fade: the sound fades within this time before its end [s].
    """
    delay = max(0.0, -float(times[0]))
    length = float(times[-1] - times[0]) + hold
    return (
        f"adelay={1000 * delay:.3f}:all=1,apad,atrim=end={length:.6f}"
        f",afade=t=out:st={length - fade:.6f}:d={fade:.6f}"
    )


def encode_mp3(sound: str | PathLike[str], times: np.ndarray, *, hold: float, fade: float) -> bytes:
    """A sound as MP3, which begins with the first row of a recording.

    Args:
        sound: a sound file that begins at time 0 of the score.
        times: as `sound_filters`.
        hold: as `sound_filters` [s].
        fade: as `sound_filters` [s].

    Raises:
        OutputError: the sound is missing, or cannot be encoded.
    """
    if not Path(sound).is_file():
        raise OutputError(sound, "there is no such sound file")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.mp3"
        command = [_encoder(sound), "-y", "-nostdin", "-loglevel", "error"]
        command += ["-i", os.fspath(sound), "-af", sound_filters(times, hold, fade)]
        command += ["-map_metadata", "-1", *MP3_OPTIONS, str(path)]
        try:
            ended = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
        except subprocess.TimeoutExpired:
            raise OutputError(sound, f"ffmpeg takes more than {LONGEST:.0f} s") from None
        if ended.returncode or not path.is_file():
            lines = ended.stderr.decode(errors="replace").strip().splitlines()
            raise OutputError(sound, f"ffmpeg failed: {lines[-1] if lines else 'no output'}")
        return path.read_bytes()


def _encoder(sound: str | PathLike[str]) -> str:
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        return get_ffmpeg_exe()
    except RuntimeError as error:
        raise OutputError(sound, f"as MP3: ffmpeg is missing ({error})") from error
