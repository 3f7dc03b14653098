"""Motion clips by file, or by file and name, as the CLIP argument of every command."""

from __future__ import annotations

import os
from dataclasses import replace

from musclehand.core.errors import FileError, InvalidValue, UnknownName
from musclehand.motion.clip import MotionClip, clip_names, open_clips, read_clip

__all__ = ["load_clip"]


def load_clip(source: str | os.PathLike[str], *, seconds: float | None = None) -> MotionClip:
    """Load a clip of motion.

    Args:
        source: path of a file of clips, FILE.h5 for its first clip, or FILE.h5:NAME.
        seconds: keep only the first seconds [s]; by default the whole clip is kept.

    Raises:
        ClipError: the file cannot be read.
        FileError: the file holds no clip.
        InvalidValue: `seconds` is not above 0.
        UnknownName: the file has no clip of that name.
    """
    text = os.fspath(source)
    path, _, name = text.partition(":") if ".h5:" in text else (text, "", "")
    with open_clips(path) as file:
        names = clip_names(file)
        if not names:
            raise FileError(path, "holds no clip")
        if name and name not in names:
            raise UnknownName("clip", name, names)
        clip = read_clip(file, name or names[0])
    if seconds is None:
        return clip
    if not seconds > 0:
        raise InvalidValue("seconds", seconds, "above 0")
    rows = slice(0, max(1, round(seconds / clip.dt)))
    return replace(
        clip,
        qpos=clip.qpos[rows],
        qvel=clip.qvel[rows],
        forearm=clip.forearm[rows],
        fingertips=clip.fingertips[rows],
        activations=None if clip.activations is None else clip.activations[rows],
    )
