"""Readers of two published sets made in RoboPianist's world: PianoMime's fingertip arrays and RP1M.

Their world (piano_mjcf.py and piano_constants.py of github.com/google-research/robopianist, read):
x to the player, y to the treble with the keyboard's middle at 0, z up; white keys 0.15 m long with
their middle at x = 0, tops at z = 0.0225; 0.0235 m from key to key, as ours. Both sets are sampled
at 20 Hz.

**PianoMime** (Qian et al. 2024; README says MIT): `*_left_hand_action_list.npy` (T, 8, 6). Rows 0-2
are x, y, z [m], 3-6 a quaternion, 7 the key's index or -1; columns are the wrist, then thumb to
little finger. Read in the repository's wrapper and checked against its file Stan_1. They are
targets of a robot rather than places of a hand: 0.0 as z means "press", which no key allows, so
fingertips end at the bottom of a pressed white key; the wrist's height is always the same and not
used.

**RP1M** (Zhao et al., CoRL 2024): a zarr folder (format 2) with a group a song, in it
`hand_fingertips` (rollouts, T, 30): the right hand's thumb to little finger, then the left's. Read
in public loaders of the set, which agree; not verified: a file of the set itself. Only this array
is opened, after its description and the sizes of its blocks have been looked at; links out of the
folder and all encodings but blosc are refused. Needs the package zarr.
"""

from __future__ import annotations

import json
import math
import struct
import tokenize
from pathlib import Path

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
"""Frames per second of both sets."""

ROBOPIANIST_FRAME = KeyboardFrame(
    np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.array([0.075, 0.0, 0.0225])
)

MIME_SHAPE = (8, 6)
KEY_BOTTOM = -0.010
"""Where the front of a white key stops below its top at rest [m]."""

FINGERTIPS = "hand_fingertips"
MAX_BLOCK = 2**29
"""No block of a zarr array is larger, unpacked [bytes]."""

MAX_DESCRIPTION = 1_000_000
"""No description of an array is longer [bytes]."""

_DAMAGE = (
    *(
        OSError,
        ValueError,
        EOFError,
        TypeError,
        LookupError,
        AttributeError,
        RuntimeError,
        OverflowError,
        MemoryError,
    ),
    *(SyntaxError, tokenize.TokenError),  # numpy reads the head of a .npy file as Python's words
)
_DTYPES = {f"<f{size}" for size in (2, 4, 8)}


def read_pianomime(
    path: Path, *, side: Side | None = None, allow_pickle: bool = False
) -> tuple[FingertipTrack, ...]:
    """The hand in a PianoMime fingertip array.

    Args:
        path: a .npy file.
        side: of the hand; by default as the file's name says.
        allow_pickle: not needed for this format.

    Raises:
        MotionFileError: the file is damaged or of another layout, or its side is not known.
    """
    hand = require_side(path, side)
    try:
        if not path.is_file():
            raise MotionFileError(path, "no such file")
        # Mapped, not loaded: a size that the file does not have is then an error instead of an
        # allocation.
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGE as error:
        raise MotionFileError(
            path, f"not a whole .npy file of numbers ({_brief(error)})"
        ) from error
    if (
        not isinstance(table, np.ndarray)
        or table.ndim != 3
        or table.shape[1:] != MIME_SHAPE
        or table.dtype.kind != "f"
    ):
        found = (
            f"{table.dtype} of shape {table.shape}"
            if isinstance(table, np.ndarray)
            else "several arrays"
        )
        raise MotionFileError(path, f"holds {found}; it must be floats of shape (T, 8, 6)")
    if len(table) > MAX_FRAMES:  # a file may have holes and be longer than the disk
        raise MotionFileError(path, f"{len(table)} frames; at most {MAX_FRAMES} are read")
    places = ROBOPIANIST_FRAME.to_world(np.asarray(table[:, :3], dtype=float).transpose(0, 2, 1))
    places[:, 0, 2] = np.nan
    places[:, 1:, 2] = np.maximum(places[:, 1:, 2], KEY_BOTTOM)
    source = {
        "format": "PianoMime action list",
        "file": path.name,
        "licence": "MIT according to the README (Qian et al. 2024)",
        "layout": "checked against the repository's file Stan_1",
    }
    return (make_track(path, path.stem, hand, RATE, places[:, 1:], places[:, 0], source),)


def read_rp1m(
    path: Path,
    *,
    side: Side | None = None,
    allow_pickle: bool = False,
    song: str | None = None,
    take: int = 0,
) -> tuple[FingertipTrack, ...]:
    """Both hands of one rollout of a song in RP1M, or one.

    Args:
        path: the .zarr folder.
        side: only this hand.
        allow_pickle: not needed for this format.
        song: name of a group; may be left out where there is only one.
        take: number of the rollout, from 0 on.

    Raises:
        MotionFileError: the folder is damaged, of another layout or leads out of itself, there is
            no such song or rollout, or the package zarr is missing.
    """
    songs = song_names(path)
    if song is None and len(songs) == 1:
        song = songs[0]
    if song not in songs:
        some = ", ".join(songs[:8]) + (f" and {len(songs) - 8} more" if len(songs) > 8 else "")
        problem = "holds several songs; name one" if song is None else f"has no song {song!r}"
        raise MotionFileError(
            path, f"{problem}: {some}" if songs else "holds no song with hand_fingertips"
        )
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
        tracks.append(make_track(path, name, hand, RATE, half, None, source))
    return tuple(tracks)


def song_names(path: Path) -> tuple[str, ...]:
    """The songs of an RP1M folder, in alphabetical order.

    Raises:
        MotionFileError: it is no folder of zarr's format 2.
    """
    try:
        if not (path / ".zgroup").is_file():
            problem = (
                "a zarr folder of format 3; format 2 is read"
                if (path / "zarr.json").is_file()
                else None
            )
            raise MotionFileError(path, problem or "not a zarr folder: it has no .zgroup")
        return tuple(
            sorted(
                part.name for part in path.iterdir() if (part / FINGERTIPS / ".zarray").is_file()
            )
        )
    except OSError as error:
        raise MotionFileError(path, f"cannot be read ({error})") from error


def _read_rollout(path: Path, array: Path, take: int) -> np.ndarray:
    """Fingertips of one rollout. Shape (T, 30)."""
    where = array.relative_to(path).as_posix()
    shape, blocks, itemsize, packed = _described(path, array, where)
    if not 0 <= take < shape[0]:
        raise MotionFileError(
            path, f"has {shape[0]} rollouts; number {take} is not one of them", where=where
        )
    row = take // blocks[0]
    counts = [math.ceil(size / block) for size, block in zip(shape[1:], blocks[1:], strict=True)]
    for index in np.ndindex(*counts):
        _check_block(path, array, [row, *index], math.prod(blocks) * itemsize, packed)
    notes = array / ".zattrs"
    _stay_inside(path, notes)
    if notes.exists() and not (notes.is_file() and notes.stat().st_size <= MAX_DESCRIPTION):
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


def _described(path: Path, array: Path, where: str) -> tuple[list[int], list[int], int, bool]:
    """Shape, shape of the blocks, bytes a number, and whether it is packed: as the description
    says, checked."""
    try:
        file = array / ".zarray"
        _stay_inside(path, file)
        with file.open("rb") as description:
            about = json.loads(description.read(MAX_DESCRIPTION))
        shape = about["shape"]
        blocks = about["chunks"]
        dtype = about["dtype"]
        packer = about["compressor"]
        filters = about["filters"]
        separator = about.get("dimension_separator", ".")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise MotionFileError(
            path, f"damaged description ({_brief(error)})", where=where
        ) from error
    sizes = [shape, blocks]
    if not all(
        isinstance(size, list) and len(size) == 3 and all(type(n) is int for n in size)
        for size in sizes
    ):
        raise MotionFileError(path, "shape or blocks are not three numbers", where=where)
    if shape[2] != 2 * len(DIGITS) * 3 or not 1 <= shape[0] <= 10**6 or not 2 <= shape[1] <= 10**6:
        raise MotionFileError(path, f"shape {shape}; it must be (rollouts, T, 30)", where=where)
    if dtype not in _DTYPES:
        raise MotionFileError(
            path, f"numbers of type {str(dtype)[:50]!r}; it must be floats", where=where
        )
    if filters is not None or not (
        packer is None or (isinstance(packer, dict) and packer.get("id") == "blosc")
    ):
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
    return shape, blocks, itemsize, packer is not None


def _check_block(path: Path, array: Path, index: list[int], wanted: int, packed: bool) -> None:
    """A block must lie in the folder and unpack to its size: blosc says in its head how much it
    will need."""
    file = array / ".".join(map(str, index))
    where = file.relative_to(path).as_posix()
    try:
        _stay_inside(path, file)
        if not file.is_file():
            raise MotionFileError(path, "missing", where=where)
        size = file.stat().st_size
        with file.open("rb") as block:
            head = block.read(16)
    except OSError as error:
        raise MotionFileError(path, f"cannot be read ({error})", where=where) from error
    if not packed and size == wanted:
        return
    # A blosc block begins with 4 bytes of versions, then its size unpacked, the size of its parts,
    # and its own size.
    unpacked, _, own = struct.unpack("<3I", head[4:]) if packed and len(head) == 16 else (0, 0, 0)
    if unpacked != wanted or own != size:
        raise MotionFileError(
            path, f"cut short, or not the {wanted} bytes that the description says", where=where
        )


def _stay_inside(path: Path, file: Path) -> None:
    if not file.resolve().is_relative_to(path.resolve()):
        raise MotionFileError(
            path, "a link that leads out of the folder", where=file.relative_to(path).as_posix()
        )


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
