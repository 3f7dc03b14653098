"""Pictures and films of a recording, drawn without a screen.

    render_still("recording.h5", 2.5, "hands.png", camera="side")
    render_video("recording.h5", "performance.mp4", sound="played.wav")

Frames go straight to ffmpeg (the one `imageio-ffmpeg` brings along); memory stays that of one
frame. Drawing in software costs a quarter of a second of processor time for a frame of 1280 x 720:
on two free cores half a minute of music at 25 frames a second takes about two minutes, with a
graphics card a few seconds.
"""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import IO

import numpy as np

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.core.recording import Recording
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.render.stage import VIEWS, Stage

BONE_EDGE = 0.0015
"""Bones of a film are thinned to triangles of this edge [m], about a pixel from where the camera
stands."""

HOLD = 1.0
"""The last picture stays for this long [s] while the sound fades."""

Progress = Callable[[float, float], None]


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
        time: [s], 0 is the score's beginning; moments beyond the recording show its first or last.
        path: the picture to write.
        camera: "player", "front", "side" or "top" (`VIEWS`); close up on where the hands are.
        width, height: [pixels].

    Raises:
        UnknownName, InvalidValue: no such camera; an impossible size or time.
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
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        Image.fromarray(picture).save(part, format="PNG")
        os.replace(part, target)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


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
        sound: a sound file whose beginning is the score's time 0.
        width, height: [pixels], even numbers.
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
            frames = _frames(
                stage, canvas, str(opened.metadata.get("title", "")), width / height, fps, progress
            )
            encode_video(frames, Path(path), (width, height), fps, sound, stage.time)


def _check_format(width: int, height: int, fps: int) -> None:
    for thing, value in (("video width", width), ("video height", height)):
        if value % 2 or not 16 <= value <= 4096:
            raise InvalidValue(thing, value, "an even number of pixels from 16 to 4096")
    if not 1 <= fps <= 120:
        raise InvalidValue("frames per second", fps, "1..120")


def _frames(
    stage: Stage, canvas: Canvas, title: str, aspect: float, fps: int, progress: Progress | None
) -> Iterator[np.ndarray]:
    """All pictures in order: the recording, then its last one held."""
    camera = stage.camera("player", aspect=aspect)
    start = float(stage.time[0])
    end = float(stage.time[-1])
    count = max(1, math.ceil((end - start) * fps))
    # MuJoCo's font has ASCII only: accents are dropped.
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
    fps: int,
    sound: str | PathLike[str] | None,
    times: np.ndarray,
) -> None:
    """Makes a film of pictures; it appears complete or not at all.

    Args:
        frames: pictures, shape (height, width, 3), uint8.
        path: of the film (MP4).
        size: width and height [pixels], even numbers.
        fps: frames per second.
        sound: a sound file, or None.
        times: of the recording's rows [s]; they say when the sound begins and ends. Shape (rows,).

    Raises:
        OutputError: it cannot be written.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    command = [get_ffmpeg_exe(), "-y", "-nostdin", "-loglevel", "error"]
    command += [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{size[0]}x{size[1]}",
        "-r",
        str(fps),
        "-i",
        "pipe:0",
    ]
    if sound is not None:
        command += ["-i", os.fspath(sound), "-map", "0:v", "-map", "1:a", *_sound_options(times)]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    command += ["-movflags", "+faststart", "-f", "mp4", str(part)]
    try:
        with tempfile.TemporaryFile() as complaints:
            _feed(command, frames, path, complaints)
        os.replace(part, path)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def _sound_options(times: np.ndarray) -> list[str]:
    """The sound set off by the time before the score's beginning, cut and faded with the last
    picture."""
    delay = max(0.0, -float(times[0]))
    length = float(times[-1] - times[0]) + HOLD
    filters = f"adelay={1000 * delay:.3f}:all=1,apad,atrim=end={length:.6f}"
    filters += f",afade=t=out:st={length - 0.8 * HOLD:.6f}:d={0.8 * HOLD:.6f}"
    return ["-af", filters, "-c:a", "aac", "-b:a", "192k"]


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
