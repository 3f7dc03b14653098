"""Pictures and films of a recording, drawn without a screen.

    render_still("recording.h5", 2.5, "hands.png", camera="side")
    render_video("recording.h5", "performance.mp4", sound="played.wav")

Frames are piped to ffmpeg (bundled with `imageio-ffmpeg`), so that one frame is in memory at a
time. Software rendering takes a quarter of a second of CPU time for a frame of 1280 x 720. Half a
minute of music at 25 frames per second takes about two minutes on two free cores, and a few seconds
with a graphics card.
"""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import IO

import numpy as np

from musclehand.core.atomic import temporary_path
from musclehand.core.errors import InvalidValue, OutputError
from musclehand.core.progress import Progress
from musclehand.core.recording import Recording
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.render.sound import sound_filters
from musclehand.sim.render.stage import VIEWS, Stage

BONE_EDGE = 0.0015
"""Bones of a film are simplified to triangles of this edge [m], about a pixel from the camera's
distance."""

HOLD = 1.0
"""The last picture is held for this long [s] while the sound fades."""

FADE_SHARE = 0.8
"""Share of `HOLD` during which the sound fades."""

SIZES = (16, 4096)
"""Smallest and largest width and height of a film [pixels]."""

MAX_FPS = 120
"""Largest number of frames per second."""


def render_still(
    recording: str | PathLike[str],
    time: float,
    path: str | PathLike[str],
    *,
    camera: str = "player",
    width: int = 1280,
    height: int = 720,
) -> None:
    """One picture (PNG) of a recording at a time of its score.

    Args:
        recording: the file.
        time: [s], 0 at the beginning of the score; times beyond the recording show its first or
            last row.
        path: the picture to write.
        camera: "player", "front", "side" or "top" (`VIEWS`), close up on the hands.
        width: [pixels].
        height: [pixels].

    Raises:
        UnknownName: no such camera.
        InvalidValue: an impossible size or time.
        RecordingError: a file that cannot be drawn.
        OutputError: OpenGL is missing, or the picture cannot be written.
    """
    from PIL import Image

    if not math.isfinite(time):
        raise InvalidValue("time", time, "a finite number of seconds")
    with Recording.open(recording) as opened:
        stage = Stage(opened)
        viewpoint = stage.camera(camera, aspect=width / height, time=time)
        if not VIEWS[camera].fallboard:
            stage.hide_fallboard()
        with Canvas(stage.model, width, height) as canvas:
            stage.pose(time)
            picture = canvas.draw(stage.data, viewpoint)
    with temporary_path(path) as part:
        Image.fromarray(picture).save(part, format="PNG")


def render_video(
    recording: str | PathLike[str],
    path: str | PathLike[str],
    *,
    sound: str | PathLike[str] | None = None,
    width: int = 1280,
    height: int = 720,
    fps: int = 25,
    progress: Progress | None = None,
) -> None:
    """A film (MP4: H.264, AAC) of a recording from its first row to its last.

    Args:
        recording: the file.
        path: the film to write; it appears complete or not at all.
        sound: a sound file that begins at time 0 of the score.
        width: [pixels], an even number.
        height: [pixels], an even number.
        fps: frames per second.
        progress: called with seconds of film drawn and their total.

    Raises:
        InvalidValue: an impossible size or rate.
        RecordingError: a file that cannot be drawn.
        OutputError: OpenGL or the sound is missing, or the film cannot be written.
    """
    _check_format(width, height, fps)
    if sound is not None and not Path(sound).is_file():
        raise OutputError(path, f"there is no sound file {sound}")
    with Recording.open(recording) as opened:
        stage = Stage(opened, bone_edge=BONE_EDGE)
        with Canvas(stage.model, width, height, plain_tendons=True) as canvas:
            title = str(opened.metadata.get("title", ""))
            aspect = width / height
            frames = _frames(stage, canvas, title, aspect, fps, progress=progress)
            encode_video(frames, Path(path), (width, height), fps, sound=sound, times=stage.time)


def _check_format(width: int, height: int, fps: int) -> None:
    for thing, value in (("video width", width), ("video height", height)):
        low, high = SIZES
        if value % 2 or not low <= value <= high:
            raise InvalidValue(thing, value, f"an even number of pixels from {low} to {high}")
    if not 1 <= fps <= MAX_FPS:
        raise InvalidValue("frames per second", fps, f"1..{MAX_FPS}")


def _frames(
    stage: Stage,
    canvas: Canvas,
    title: str,
    aspect: float,
    fps: int,
    *,
    progress: Progress | None,
) -> Iterator[np.ndarray]:
    """All pictures in order; the last one is repeated for `HOLD` seconds."""
    camera = stage.camera("player", aspect=aspect)
    start = float(stage.time[0])
    end = float(stage.time[-1])
    count = max(1, math.ceil((end - start) * fps))
    # MuJoCo's font is ASCII: accents are dropped.
    caption = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    picture = None
    for index in range(count):
        time = start + index / fps
        stage.pose(time)
        picture = canvas.draw(stage.data, camera, text=(f"{caption}\n{max(time, 0.0):.1f} s", ""))
        yield picture
        if progress is not None:
            progress((index + 1) / fps, count / fps)
    for _ in range(round(HOLD * fps)):
        assert picture is not None
        yield picture


def encode_video(
    frames: Iterator[np.ndarray],
    path: Path,
    size: tuple[int, int],
    fps: float,
    *,
    sound: str | PathLike[str] | None,
    times: np.ndarray,
    hold: float = HOLD,
    fade: float = FADE_SHARE * HOLD,
) -> None:
    """Encodes pictures as a film (MP4), which appears complete or not at all.

    Args:
        frames: pictures. Shape (height, width, 3), uint8.
        path: the film to write.
        size: width and height [pixels], even numbers.
        fps: frames per second.
        sound: a sound file, or None.
        times: time of each row of the recording [s]; the sound begins at 0 and ends with the last.
            Shape (rows,).
        hold: the sound goes on for this long after the last row [s].
        fade: the sound fades within this time before its end [s].

    Raises:
        OutputError: the film cannot be written.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-y", "-nostdin", "-loglevel", "error"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}"]
    command += ["-r", str(fps), "-i", "pipe:0"]
    if sound is not None:
        filters = sound_filters(times, hold, fade)
        command += ["-i", os.fspath(sound), "-map", "0:v", "-map", "1:a", "-af", filters]
        command += ["-c:a", "aac", "-b:a", "192k"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    command += ["-movflags", "+faststart", "-f", "mp4"]
    with temporary_path(path) as part, tempfile.TemporaryFile() as complaints:
        _feed([*command, str(part)], frames, path, complaints)


def _feed(
    command: list[str], frames: Iterator[np.ndarray], path: Path, complaints: IO[bytes]
) -> None:
    encoder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints
    )
    assert encoder.stdin is not None
    try:
        for frame in frames:
            encoder.stdin.write(np.ascontiguousarray(frame).data)
        encoder.stdin.close()
        code = encoder.wait()
    except BrokenPipeError:
        code = encoder.wait() or 1
    except BaseException:
        encoder.kill()
        encoder.wait()
        raise
    if code:
        complaints.seek(0)
        lines = complaints.read().decode(errors="replace").strip().splitlines()
        raise OutputError(path, f"ffmpeg failed: {lines[-1] if lines else f'exit code {code}'}")
