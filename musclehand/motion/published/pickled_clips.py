"""Readers of the two published sets that come as pickles: MUSIC's motion clips and FuerElise's
captured hands.

**MUSIC** (Xu et al., SIGGRAPH 2026; motions derived from FuerElise, CC BY-NC 4.0): `.joblib`, a
list of named tuples `Motion(fps, pos, orient, ang_vel, lin_vel, joint_pos, joint_vel)`, or `.pkl`
with a single one, one hand per file. `pos` (T, 34, 3) [m] are the hand's bodies in the order of its
MuJoCo model, from ulna to the little fingertip. Read from ref_motion.py, the hand's MJCF and
piano_ds6.5.xml of github.com/xupei0610/music at 033681c: names, order, axes (x to the bass, y to
the player, hinges at y = 0, white tops at z = 0), white keys 1.205/51 m apart and 0.148 m long. The
loader concatenates `pos` as torch tensors, so tensors are read as well as arrays. Not verified: a
file of the published set itself.

**FuerElise** (Wang, Xu et al., SIGGRAPH Asia 2024; CC BY-NC 4.0): a folder a piece with
`motion.pkl`, a dict of "left" and "right" with `joints` (N, 21, 3) [m]: wrist first, fingertips at
4, 8, 12, 16, 20; 59.94 frames a second. x to the player (white fronts at 0.1475), y to the treble,
z up (white tops at -0.0008). Layout, rate and axes agree between several public loaders that were
read. Not verified: the middle of the keyboard at y = 0 (taken over from MUSIC's keyboard, by the
same authors), its key pitch, and a file of the set itself.

Neither format is opened without `allow_pickle`, and even then only by `strict_pickle`, which runs
nothing.
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
"""No file, unpacked, is read beyond this."""

MUSIC_FIELDS = ("fps", "pos", "orient", "ang_vel", "lin_vel", "joint_pos", "joint_vel")
MUSIC_LINKS = 34
MUSIC_WRIST = 2
MUSIC_TIPS = (11, 18, 23, 28, 33)
"""The lunate, whose origin is the wrist's centre, and the bodies THtip, IFtip, MFtip, RFtip,
LFtip."""

MUSIC_FRAME = KeyboardFrame(
    np.diag([-1.0, -1.0, 1.0]), np.array([0.0, 0.148, 0.0]), key_pitch=1.205 / 51
)

ELISE_JOINTS = 21
ELISE_WRIST = 0
ELISE_TIPS = (4, 8, 12, 16, 20)
ELISE_RATE = 60000 / 1001
ELISE_FRAME = KeyboardFrame(
    np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    np.array([0.1475, 0.0, -0.0008]),
    1.205 / 51,
)

_LICENCE = "CC BY-NC 4.0 (FuerElise, Wang et al. 2024): not for commercial use, with attribution"

_RISK = (
    "this format is a pickle, which can carry commands. musclehand reads only its numbers and runs nothing, but open "
    "only files from whom you trust: allow it with --allow-pickle (allow_pickle=True)"
)


def read_music(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """The clips of a MUSIC motion file.

    Args:
        path: a .joblib or .pkl file.
        side: of the hand; by default as the file's or its folder's name says.
        allow_pickle: that the file may be opened at all.

    Raises:
        MotionFileError: pickles are not allowed, the file is damaged or of another layout, or its
            side is not known.
    """
    hand = require_side(path, side)
    data = unpacked(path, allow_pickle=allow_pickle)
    return _music_tracks(
        load_plain(data, path, records={"Motion": MUSIC_FIELDS}), path, hand, len(data)
    )


def read_fuer_elise(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """Both hands of a FuerElise piece, or one.

    Args:
        path: the piece's folder, or the `motion.pkl` in it.
        side: only this hand.
        allow_pickle: that the file may be opened at all.

    Raises:
        MotionFileError: pickles are not allowed, or the file is damaged or of another layout.
    """
    file = path / "motion.pkl" if path.is_dir() else path
    return _elise_tracks(load_plain(unpacked(file, allow_pickle=allow_pickle), file), file, side)


def read_pickle(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """A .pkl of either set, told apart by what is in it.

    Raises:
        MotionFileError: as of the two readers.
    """
    data = unpacked(path, allow_pickle=allow_pickle)
    content = load_plain(data, path, records={"Motion": MUSIC_FIELDS})
    if isinstance(content, dict):
        return _elise_tracks(content, path, side)
    return _music_tracks(content, path, require_side(path, side), len(data))


def unpacked(path: Path, *, allow_pickle: bool) -> bytes:
    """A file's bytes; of a compressed one (zlib, gzip, bzip2, xz, as joblib writes them) what is in
    it.

    Raises:
        MotionFileError: not allowed, no file, damaged, or more than `MAX_BYTES`.
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
    found = machine.decompress(data, MAX_BYTES + 1)
    if not machine.eof and len(found) <= MAX_BYTES:
        raise EOFError("the compressed data end early")
    return found


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
            problem = f"{pos.dtype} of shape {pos.shape}; it must be floats of shape (T, {MUSIC_LINKS}, 3)"
            raise MotionFileError(path, problem, where=f"{where}, pos")
        used += pos.nbytes
        if used > size:  # one stretch of bytes named again and again
            raise MotionFileError(path, "the clips are larger than the file", where=where)
        rate = (
            float(motion.fps) if isinstance(motion.fps, int | float | np.number) else float("nan")
        )
        places = MUSIC_FRAME.to_world(pos[:, (MUSIC_WRIST, *MUSIC_TIPS)])
        source = {
            "format": "MUSIC motion clip",
            "file": path.name,
            "clip": str(number),
            "licence": _LICENCE,
            "layout": "read in MUSIC's loader and model; not checked against a published file",
        }
        name = f"{path.stem}_{number:03d}" if len(motions) > 1 else path.stem
        tracks.append(make_track(path, name, side, rate, places[:, 1:], places[:, 0], source))
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
            problem = f"{joints.dtype} of shape {joints.shape}; it must be floats of shape (N, {ELISE_JOINTS}, 3)"
            raise MotionFileError(path, problem, where=where)
        places = ELISE_FRAME.to_world(joints[:, (ELISE_WRIST, *ELISE_TIPS)])
        source = {
            "format": "FuerElise motion.pkl",
            "file": f"{path.parent.name}/{path.name}",
            "licence": _LICENCE,
            "layout": "agrees between public loaders; the keyboard's middle along y is assumed to be 0",
        }
        name = f"{path.parent.name or path.stem}_{hand.name.lower()}"
        tracks.append(make_track(path, name, hand, ELISE_RATE, places[:, 1:], places[:, 0], source))
    return tuple(tracks)
