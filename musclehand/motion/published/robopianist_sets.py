"""Readers of two published sets in RoboPianist's coordinates: fingertip arrays of PianoMime, and
RP1M.

The coordinates are those of piano_mjcf.py and piano_constants.py of
github.com/google-research/robopianist. x grows to the player, y to the treble with the middle of
the keyboard at 0, and z up. White keys are 0.15 m long with their middle at x = 0 and their tops at
z = 0.0225, and 0.0235 m apart, as ours. Both sets are sampled at 20 Hz.

**PianoMime** (Qian et al. 2024; MIT according to its README): `*_left_hand_action_list.npy` (T, 8,
6). Rows 0-2 are x, y, z [m], 3-6 a quaternion, 7 the key's index or -1; columns are the wrist, then
thumb to little finger. The layout was read in the repository's wrapper and checked against its file
Stan_1. Values are targets of a robot rather than positions of a hand: a z of 0.0 means "press",
which no key allows, so fingertips end at the bottom of a pressed white key. The height of the wrist
is constant and not used.

**RP1M** (Zhao et al., CoRL 2024): a zarr folder (format 2) with a group per song, and in it
`hand_fingertips` (rollouts, T, 30): thumb to little finger of the right hand, then of the left. The
layout was read in public loaders of the set, which agree; it has not been verified on a file of the
set itself. Only this array is opened, after its description and the sizes of its blocks have been
checked. Links out of the folder and all encodings but blosc are refused. Needs the package zarr.
"""

from __future__ import annotations

import json
import math
import struct
import tokenize
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import DIGITS, Side
from musclehand.motion.fingertip_track import (
    MAX_FRAMES,
    FingertipTrack,
    KeyboardFrame,
    MotionFileError,
    make_track,
    require_side,
)

RATE = 20.0
"""[Hz] Frames per second of both sets."""

ROBOPIANIST_FRAME = KeyboardFrame(
    np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.array([0.075, 0.0, 0.0225])
)
"""Pose of the keyboard in RoboPianist's coordinates."""

MIME_SHAPE = (8, 6)
"""Shape of a frame of PianoMime."""

KEY_BOTTOM = -0.010
"""[m] Height of the front of a pressed white key, relative to its top at rest."""

FINGERTIPS = "hand_fingertips"
"""Name of the array of RP1M that is read."""

MAX_BLOCK = 2**29
"""[bytes] Largest block of a zarr array, unpacked."""

MAX_DESCRIPTION = 1_000_000
"""[bytes] Longest description of an array."""

_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    OverflowError,
    MemoryError,
    # numpy parses the header of a .npy file as Python code.
    SyntaxError,
    tokenize.TokenError,
)
_DTYPES = {f"<f{size}" for size in (2, 4, 8)}


def read_pianomime(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """Read the hand of a PianoMime fingertip array.

    Args:
        path: a .npy file.
        side: side of the hand; by default the one that the name of the file or folder mentions.
        allow_pickle: without effect, as this format is no pickle.

    Raises:
        MotionFileError: the file is damaged or has another layout, or the side is unknown.
    """
    hand = require_side(path, side)
    try:
        if not path.is_file():
            raise MotionFileError(path, "no such file")
        # Mapped, not loaded: a size beyond that of the file is then an error, not an allocation.
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGE as error:
        raise MotionFileError(
            path, f"not a whole .npy file of numbers ({_brief(error)})"
        ) from error
    if not isinstance(table, np.ndarray):
        raise MotionFileError(path, "holds several arrays; it must be floats of shape (T, 8, 6)")
    if table.ndim != 3 or table.shape[1:] != MIME_SHAPE or table.dtype.kind != "f":
        content = f"{table.dtype} of shape {table.shape}"
        raise MotionFileError(path, f"holds {content}; it must be floats of shape (T, 8, 6)")
    if len(table) > MAX_FRAMES:  # a sparse file may be larger than the disk
        raise MotionFileError(path, f"{len(table)} frames; at most {MAX_FRAMES} are read")
    points = ROBOPIANIST_FRAME.to_world(np.asarray(table[:, :3], dtype=float).transpose(0, 2, 1))
    points[:, 0, 2] = np.nan
    points[:, 1:, 2] = np.maximum(points[:, 1:, 2], KEY_BOTTOM)
    source = {
        "format": "PianoMime action list",
        "file": path.name,
        "licence": "MIT according to the README (Qian et al. 2024)",
        "layout": "checked against the repository's file Stan_1",
    }
    track = make_track(
        path, path.stem, hand, rate=RATE, tips=points[:, 1:], wrist=points[:, 0], source=source
    )
    return (track,)


def read_rp1m(
    path: Path,
    *,
    side: Side | None = None,
    allow_pickle: bool = False,
    song: str | None = None,
    take: int = 0,
) -> tuple[FingertipTrack, ...]:
    """Read the hands of a rollout of a song in RP1M.

    Args:
        path: the .zarr folder.
        side: read only this hand; by default both.
        allow_pickle: without effect, as this format is no pickle.
        song: name of the song; needed where there are several.
        take: number of the rollout, from 0.

    Raises:
        MotionFileError: the folder is damaged, has another layout or links out of itself, there is
            no such song or rollout, or the package zarr is missing.
    """
    songs = song_names(path)
    if song is None and len(songs) == 1:
        song = songs[0]
    if song not in songs:
        if not songs:
            raise MotionFileError(path, "holds no song with hand_fingertips")
        listed = ", ".join(songs[:8]) + (f" and {len(songs) - 8} more" if len(songs) > 8 else "")
        problem = "holds several songs; name one" if song is None else f"has no song {song!r}"
        raise MotionFileError(path, f"{problem}: {listed}")
    tips = _read_rollout(path, path / song / FINGERTIPS, take)
    world = ROBOPIANIST_FRAME.to_world(tips.reshape(len(tips), 2, len(DIGITS), 3))
    tracks = []
    for hand in (Side.RIGHT, Side.LEFT) if side is None else (side,):
        source = {
            "format": "RP1M zarr",
            "file": path.name,
            "song": song,
            "rollout": str(take),
            "licence": "see the data set's page (Zhao et al. 2024)",
            "layout": "agrees between public loaders; not checked against the published file",
        }
        name = f"{song}_{take:03d}_{hand.name.lower()}"
        half = world[:, 0 if hand is Side.RIGHT else 1]
        tracks.append(make_track(path, name, hand, rate=RATE, tips=half, wrist=None, source=source))
    return tuple(tracks)


def song_names(path: Path) -> tuple[str, ...]:
    """List the songs of an RP1M folder, in alphabetical order.

    Raises:
        MotionFileError: the folder is not of zarr's format 2.
    """
    try:
        if (path / ".zgroup").is_file():
            groups = [part for part in path.iterdir() if (part / FINGERTIPS / ".zarray").is_file()]
            return tuple(sorted(group.name for group in groups))
        if (path / "zarr.json").is_file():
            raise MotionFileError(path, "a zarr folder of format 3; format 2 is read")
        raise MotionFileError(path, "not a zarr folder: it has no .zgroup")
    except OSError as error:
        raise MotionFileError(path, f"cannot be read ({error})") from error


def _read_rollout(path: Path, array: Path, take: int) -> np.ndarray:
    """Fingertips of a rollout. Shape (T, 30)."""
    where = array.relative_to(path).as_posix()
    layout = _read_layout(path, array, where)
    shape = layout.shape
    blocks = layout.blocks
    if not 0 <= take < shape[0]:
        raise MotionFileError(
            path, f"has {shape[0]} rollouts; number {take} is not one of them", where=where
        )
    row = take // blocks[0]
    counts = [math.ceil(size / block) for size, block in zip(shape[1:], blocks[1:], strict=True)]
    for index in np.ndindex(*counts):
        block = array / ".".join(map(str, [row, *index]))
        _check_block(path, block, math.prod(blocks) * layout.itemsize, layout.compressed)
    attributes = array / ".zattrs"
    _check_inside(path, attributes)
    if attributes.exists() and not (
        attributes.is_file() and attributes.stat().st_size <= MAX_DESCRIPTION
    ):
        raise MotionFileError(
            path, f"no file of at most {MAX_DESCRIPTION} bytes", where=f"{where}/.zattrs"
        )
    try:
        import zarr
    except ImportError as error:
        raise MotionFileError(
            path, "reading zarr needs the package zarr: pip install 'musclehand[zarr]'"
        ) from error
    try:
        return np.asarray(zarr.open_array(str(array), mode="r", zarr_format=2)[take], dtype=float)
    except _DAMAGE as error:
        raise MotionFileError(path, f"damaged ({_brief(error)})", where=where) from error


class _Layout(NamedTuple):
    """Layout of a zarr array."""

    shape: list[int]
    """Rollouts, frames, 30 coordinates."""

    blocks: list[int]
    """Shape of the blocks that the array is stored in."""

    itemsize: int
    """[bytes] Size of a number."""

    compressed: bool
    """Blocks are compressed with blosc."""


def _read_layout(path: Path, array: Path, where: str) -> _Layout:
    """Read and check the description of an array."""
    try:
        file = array / ".zarray"
        _check_inside(path, file)
        with file.open("rb") as stream:
            description = json.loads(stream.read(MAX_DESCRIPTION))
        shape = description["shape"]
        blocks = description["chunks"]
        dtype = description["dtype"]
        compressor = description["compressor"]
        filters = description["filters"]
        separator = description.get("dimension_separator", ".")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise MotionFileError(
            path, f"damaged description ({_brief(error)})", where=where
        ) from error
    if not (_is_three_integers(shape) and _is_three_integers(blocks)):
        raise MotionFileError(path, "shape or blocks are not three numbers", where=where)
    if shape[2] != 2 * len(DIGITS) * 3 or not 1 <= shape[0] <= 10**6 or not 2 <= shape[1] <= 10**6:
        raise MotionFileError(path, f"shape {shape}; it must be (rollouts, T, 30)", where=where)
    if dtype not in _DTYPES:
        raise MotionFileError(
            path, f"numbers of type {str(dtype)[:50]!r}; it must be floats", where=where
        )
    is_blosc = isinstance(compressor, dict) and compressor.get("id") == "blosc"
    if filters is not None or not (compressor is None or is_blosc):
        raise MotionFileError(
            path, "packed otherwise than with blosc; rewrite it with zarr first", where=where
        )
    if separator != ".":
        raise MotionFileError(
            path, f"blocks named with {str(separator)[:5]!r} instead of a dot", where=where
        )
    itemsize = int(dtype[2:])
    if min(blocks) < 1 or math.prod(blocks) * itemsize > MAX_BLOCK:
        raise MotionFileError(
            path, f"blocks of {blocks}; at most {MAX_BLOCK} bytes are read", where=where
        )
    return _Layout(shape, blocks, itemsize, compressed=compressor is not None)


def _is_three_integers(size: object) -> bool:
    return isinstance(size, list) and len(size) == 3 and all(type(n) is int for n in size)


def _check_block(path: Path, file: Path, expected_size: int, compressed: bool) -> None:
    """Check that a block lies in the folder and has its size when it is unpacked.

    The header of a blosc block has the size that unpacking it needs.
    """
    where = file.relative_to(path).as_posix()
    try:
        _check_inside(path, file)
        if not file.is_file():
            raise MotionFileError(path, "missing", where=where)
        size = file.stat().st_size
        with file.open("rb") as block:
            header = block.read(16)
    except OSError as error:
        raise MotionFileError(path, f"cannot be read ({error})", where=where) from error
    if not compressed and size == expected_size:
        return
    unpacked_size = packed_size = 0
    if compressed and len(header) == 16:
        # 4 bytes of versions, then the unpacked size, the size of parts, and the packed size.
        unpacked_size, _, packed_size = struct.unpack("<3I", header[4:])
    if unpacked_size != expected_size or packed_size != size:
        problem = f"cut short, or not the {expected_size} bytes that the description says"
        raise MotionFileError(path, problem, where=where)


def _check_inside(path: Path, file: Path) -> None:
    if not file.resolve().is_relative_to(path.resolve()):
        raise MotionFileError(
            path, "a link that leads out of the folder", where=file.relative_to(path).as_posix()
        )


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
