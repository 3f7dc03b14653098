"""Readers of two published sets that are pickles: motion clips of MUSIC and captured hands of
FuerElise.

**MUSIC** (Xu et al., SIGGRAPH 2026; motions derived from FuerElise, CC BY-NC 4.0): `.joblib`, a
list of named tuples `Motion(fps, pos, orient, ang_vel, lin_vel, joint_pos, joint_vel)`, or `.pkl`
with a single tuple, one hand per file. `pos` (T, 34, 3) [m] are the hand's bodies in the order of
its MuJoCo model, from ulna to the little fingertip. The layout was read from ref_motion.py, the
hand's MJCF and piano_ds6.5.xml of github.com/xupei0610/music at 033681c: names, order, axes (x to
the bass, y to the player, hinges at y = 0, white tops at z = 0), white keys 1.205/51 m apart and
0.148 m long. The loader concatenates `pos` as torch tensors, so tensors are read as well as arrays.
It has not been verified on a file of the published set itself.

**FuerElise** (Wang, Xu et al., SIGGRAPH Asia 2024; CC BY-NC 4.0): a folder per piece with
`motion.pkl`, a dict of "left" and "right" with `joints` (N, 21, 3) [m]: wrist first, fingertips at
4, 8, 12, 16, 20; 59.94 frames a second. x to the player (white fronts at 0.1475), y to the treble,
z up (white tops at -0.0008). Several public loaders agree on layout, rate and axes. Not verified
are the middle of the keyboard at y = 0 (taken over from MUSIC's keyboard, by the same authors), its
key pitch, and a file of the set itself.

Both formats need `allow_pickle`, and are opened by `strict_pickle`, which runs no code of a file.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.fingertip_track import (
    FingertipTrack,
    KeyboardFrame,
    MotionFileError,
    make_track,
    require_side,
)
from musclehand.motion.published.strict_pickle import load_plain, plain_array

MAX_BYTES = 2**31
"""[bytes] Largest file that is read, uncompressed."""

MUSIC_FIELDS = ("fps", "pos", "orient", "ang_vel", "lin_vel", "joint_pos", "joint_vel")
"""Fields of the named tuple `Motion`."""

MUSIC_LINKS = 34
"""Bodies of MUSIC's hand."""

MUSIC_WRIST = 2
"""Index of the lunate, whose origin is the centre of the wrist."""

MUSIC_TIPS = (11, 18, 23, 28, 33)
"""Indices of the bodies THtip, IFtip, MFtip, RFtip and LFtip."""

MUSIC_FRAME = KeyboardFrame(
    np.diag([-1.0, -1.0, 1.0]), np.array([0.0, 0.148, 0.0]), key_pitch=1.205 / 51
)
"""Pose of the keyboard in MUSIC's coordinates."""

ELISE_JOINTS = 21
"""Points of FuerElise's hand."""

ELISE_WRIST = 0
"""Index of the wrist."""

ELISE_TIPS = (4, 8, 12, 16, 20)
"""Indices of the fingertips, thumb first."""

ELISE_RATE = 60000 / 1001
"""[Hz] Frames per second, 59.94."""

ELISE_FRAME = KeyboardFrame(
    np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    np.array([0.1475, 0.0, -0.0008]),
    1.205 / 51,
)
"""Pose of the keyboard in FuerElise's coordinates."""

_LICENCE = "CC BY-NC 4.0 (FuerElise, Wang et al. 2024): not for commercial use, with attribution"

_RISK = (
    "this format is a pickle, which can carry commands. musclehand reads only its numbers and runs "
    "nothing, but open only files from whom you trust: allow it with --allow-pickle "
    "(allow_pickle=True)"
)


def read_music(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """Read the clips of a MUSIC motion file.

    Args:
        path: a .joblib or .pkl file.
        side: side of the hand; by default the one that the name of the file or folder mentions.
        allow_pickle: open the file at all.

    Raises:
        MotionFileError: pickles are not allowed, the file is damaged or has another layout, or the
            side is unknown.
    """
    hand = require_side(path, side)
    data = read_uncompressed(path, allow_pickle=allow_pickle)
    content = load_plain(data, path, records={"Motion": MUSIC_FIELDS})
    return _music_tracks(content, path, hand, len(data))


def read_fuer_elise(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """Read the hands of a FuerElise piece.

    Args:
        path: the folder of the piece, or the `motion.pkl` in it.
        side: read only this hand; by default both.
        allow_pickle: open the file at all.

    Raises:
        MotionFileError: pickles are not allowed, or the file is damaged or has another layout.
    """
    file = path / "motion.pkl" if path.is_dir() else path
    data = read_uncompressed(file, allow_pickle=allow_pickle)
    return _elise_tracks(load_plain(data, file), file, side)


def read_pickle(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """Read a .pkl file of either set, by its content.

    Args:
        path: a .pkl file.
        side: side of the hand in a MUSIC file, or the only hand to read of a FuerElise file.
        allow_pickle: open the file at all.

    Raises:
        MotionFileError: pickles are not allowed, the file is damaged or has another layout, or the
            side is unknown.
    """
    data = read_uncompressed(path, allow_pickle=allow_pickle)
    content = load_plain(data, path, records={"Motion": MUSIC_FIELDS})
    if isinstance(content, dict):
        return _elise_tracks(content, path, side)
    return _music_tracks(content, path, require_side(path, side), len(data))


def read_uncompressed(path: Path, *, allow_pickle: bool) -> bytes:
    """Read a file, and decompress zlib, gzip, bzip2 and xz as joblib writes them.

    Raises:
        MotionFileError: pickles are not allowed, there is no such file, it is damaged, or it has
            more than `MAX_BYTES`.
    """
    if not allow_pickle:
        raise MotionFileError(path, _RISK)
    try:
        if not path.is_file():
            raise MotionFileError(path, "no such file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        for magic, opener in _PACKERS.items():
            if data.startswith(magic):
                data = opener(data)
                break
    except (OSError, EOFError, zlib.error, lzma.LZMAError, MemoryError, ValueError) as error:
        raise MotionFileError(path, f"cannot be read ({error})") from error
    if len(data) > MAX_BYTES:
        raise MotionFileError(path, f"more than {MAX_BYTES} bytes")
    return data


def _inflate(data: bytes) -> bytes:
    machine = zlib.decompressobj()
    content = machine.decompress(data, MAX_BYTES + 1)
    if not machine.eof and len(content) <= MAX_BYTES:
        raise EOFError("the compressed data end early")
    return content


def _unxz(data: bytes) -> bytes:
    with lzma.LZMAFile(io.BytesIO(data)) as file:
        return file.read(MAX_BYTES + 1)


_PACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": lambda data: gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1),
    b"BZ": lambda data: bz2.BZ2File(io.BytesIO(data)).read(MAX_BYTES + 1),
    b"\xfd7zXZ": _unxz,
    b"\x5d\x00": _unxz,
    b"\x78": _inflate,
}


def _music_tracks(content: Any, path: Path, side: Side, size: int) -> tuple[FingertipTrack, ...]:
    motions = [content] if type(content).__name__ == "Motion" else content
    if not isinstance(motions, list) or not motions:
        raise MotionFileError(
            path, f"holds {type(content).__name__}; MUSIC's files hold a list of Motion"
        )
    used = 0
    tracks = []
    for number, motion in enumerate(motions):
        where = f"clip {number}"
        if type(motion).__name__ != "Motion":
            raise MotionFileError(path, f"is {type(motion).__name__}, not Motion", where=where)
        pos = plain_array(motion.pos, path, f"{where}, pos")
        if pos.ndim != 3 or pos.shape[1:] != (MUSIC_LINKS, 3) or pos.dtype.kind != "f":
            problem = (
                f"{pos.dtype} of shape {pos.shape}; "
                f"it must be floats of shape (T, {MUSIC_LINKS}, 3)"
            )
            raise MotionFileError(path, problem, where=f"{where}, pos")
        used += pos.nbytes
        if used > size:  # the same bytes are referred to again and again
            raise MotionFileError(path, "the clips are larger than the file", where=where)
        is_number = isinstance(motion.fps, int | float | np.number)
        rate = float(motion.fps) if is_number else float("nan")
        points = MUSIC_FRAME.to_world(pos[:, (MUSIC_WRIST, *MUSIC_TIPS)])
        source = {
            "format": "MUSIC motion clip",
            "file": path.name,
            "clip": str(number),
            "licence": _LICENCE,
            "layout": "read in MUSIC's loader and model; not checked against a published file",
        }
        name = f"{path.stem}_{number:03d}" if len(motions) > 1 else path.stem
        tracks.append(
            make_track(
                path,
                name,
                side,
                rate=rate,
                tips=points[:, 1:],
                wrist=points[:, 0],
                source=source,
            )
        )
    return tuple(tracks)


def _elise_tracks(content: Any, path: Path, side: Side | None) -> tuple[FingertipTrack, ...]:
    if not isinstance(content, dict):
        raise MotionFileError(
            path, f"holds {type(content).__name__}; FuerElise's files hold a dict of left and right"
        )
    tracks = []
    for hand in (Side.RIGHT, Side.LEFT) if side is None else (side,):
        part = content.get(hand.name.lower())
        where = f"{hand.name.lower()} joints"
        if not isinstance(part, dict):
            raise MotionFileError(path, f"has no {hand.name.lower()} hand")
        joints = plain_array(part.get("joints"), path, where)
        if joints.ndim != 3 or joints.shape[1:] != (ELISE_JOINTS, 3) or joints.dtype.kind != "f":
            problem = (
                f"{joints.dtype} of shape {joints.shape}; "
                f"it must be floats of shape (N, {ELISE_JOINTS}, 3)"
            )
            raise MotionFileError(path, problem, where=where)
        points = ELISE_FRAME.to_world(joints[:, (ELISE_WRIST, *ELISE_TIPS)])
        source = {
            "format": "FuerElise motion.pkl",
            "file": f"{path.parent.name}/{path.name}",
            "licence": _LICENCE,
            "layout": "agrees between public loaders; "
            "the keyboard's middle along y is assumed to be 0",
        }
        name = f"{path.parent.name or path.stem}_{hand.name.lower()}"
        tracks.append(
            make_track(
                path,
                name,
                hand,
                rate=ELISE_RATE,
                tips=points[:, 1:],
                wrist=points[:, 0],
                source=source,
            )
        )
    return tuple(tracks)
