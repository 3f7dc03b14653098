"""Motion clips: joint angles, fingertips, muscle activations and notes of one hand over time.

Motion corpora consist of clips, and policies learn from them. A clip is a group of an HDF5 file;
`write_clips` writes a file of several:

    /                     attributes `format`, `version`
    /<clip>/header        JSON as bytes: kind, pattern, side, dt, muscles, source
    /<clip>/qpos ...      arrays of `MotionClip`: 4-byte floats, checksummed (fletcher32),
                          not compressed

Files are not trusted on reading: only datasets of the shapes and type above become arrays, if they
are stored in the file itself and are no larger than their bytes on disk. The bytes of a file depend
on its clips alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from musclehand.body.anatomy import (
    DIGITS,
    FOREARM_AXES,
    HAND_JOINTS,
    PALM_JOINTS,
    Side,
    coupled_joint,
    coupling_ratio,
)
from musclehand.core.atomic import temporary_path
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.hdf5 import DAMAGE, LIBVER, first_line, load_dataset, open_hdf5, own_member

FORMAT = "musclehand-clips"
"""Name of the file format, in the attributes of a file."""

VERSION = 1
"""Version of the file format."""

NOTE_COLUMNS = ("onset", "offset", "pitch", "velocity", "finger")
"""Columns of `MotionClip.notes`: [s], [s], MIDI pitch, MIDI velocity, finger 1 to 5."""

MAX_HEADER_BYTES = 1_000_000
"""[bytes] Longest header of a clip that is read."""

MAX_NAME = 200
"""Most characters of a name."""

_ROWS: Mapping[str, tuple[int, ...]] = {
    "qpos": (len(HAND_JOINTS),),
    "qvel": (len(HAND_JOINTS),),
    "forearm": (len(FOREARM_AXES),),
    "fingertips": (len(DIGITS), 3),
}


LEAD_KEPT = 0.5
"""[s] Time before the first note at which clips of playing begin; chosen."""


class ClipError(FileError):
    """A file that holds no clips, or damaged clips."""


@dataclass(frozen=True, eq=False)
class MotionClip:
    """The motion of one hand; arrays are stored as read-only 4-byte floats.

    Raises:
        InvalidValue: a shape, size or text is not legal, or a number is not finite.
    """

    name: str
    """Name of the clip, unique in its file."""

    kind: str
    """Kind of motion."""

    pattern: str
    """Pattern that the motion is an instance of; all clips of a pattern are in the same split."""

    side: Side
    """Side of the hand."""

    dt: float
    """[s] Time between frames."""

    qpos: np.ndarray = field(repr=False)
    """[rad] Joint angles in the order of `HAND_JOINTS`; signs are those of the right hand on
    either side. Shape (T, 25)."""

    qvel: np.ndarray = field(repr=False)
    """[rad/s] Angular velocities of the joints. Shape (T, 25)."""

    forearm: np.ndarray = field(repr=False)
    """[m, rad] Pose of the forearm's frame along `FOREARM_AXES`. Shape (T, 6).

    Its origin is the centre of the wrist while the joints of the hand are at 0."""

    fingertips: np.ndarray = field(repr=False)
    """[m] Fingertips in the world frame, thumb first. Shape (T, 5, 3)."""

    notes: np.ndarray = field(repr=False)
    """Notes that this hand was to play, in columns `NOTE_COLUMNS`. Shape (n, 5).

    Times are from the first frame of the clip."""

    activations: np.ndarray | None = field(default=None, repr=False)
    """Activations of `muscles`, 0 to 1, where they were recorded. Shape (T, m)."""

    muscles: tuple[str, ...] = field(default=(), repr=False)
    """Names of the muscles of `activations`."""

    source: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Origin and licence of the motion."""

    def __post_init__(self) -> None:
        for text in ("name", "kind", "pattern"):
            _check_text(f"clip {text}", getattr(self, text))
        if "/" in self.name or self.name.strip(".") == "":
            raise InvalidValue(
                "clip name", self.name, "a text without slashes that is not only dots"
            )
        if not isinstance(self.side, Side):
            raise InvalidValue("clip side", self.side, "Side.RIGHT or Side.LEFT")
        if not (isinstance(self.dt, int | float) and math.isfinite(self.dt) and self.dt > 0):
            raise InvalidValue("clip dt", self.dt, "a finite number of seconds above 0")
        frames = np.shape(self.qpos)[0] if np.ndim(self.qpos) else 0
        if frames < 1:
            raise InvalidValue(
                "clip qpos", np.shape(self.qpos), f"(T, {len(HAND_JOINTS)}) with at least one frame"
            )
        for name, row in _ROWS.items():
            self._keep(name, (frames, *row))
        self._keep("notes", (len(self.notes), len(NOTE_COLUMNS)))
        muscles = tuple(self.muscles)
        for muscle in muscles:
            _check_text("clip muscle", muscle)
        object.__setattr__(self, "muscles", muscles)
        if self.activations is not None:
            self._keep("activations", (frames, len(muscles)))
        elif muscles:
            raise InvalidValue("clip muscles", muscles, "left out where there are no activations")
        if not all(isinstance(word, str) for pair in dict(self.source).items() for word in pair):
            raise InvalidValue("clip source", self.source, "texts by text")
        object.__setattr__(self, "source", MappingProxyType(dict(self.source)))

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.qpos)

    @property
    def duration(self) -> float:
        """Number of frames times `dt` [s]."""
        return self.frames * self.dt

    def _keep(self, name: str, shape: tuple[int, ...]) -> None:
        """Check an array and store it as read-only 4-byte floats."""
        array = getattr(self, name)
        if np.shape(array) != shape:
            raise InvalidValue(f"shape of clip {name}", np.shape(array), f"{shape}")
        with np.errstate(over="ignore"):
            values = np.array(array, dtype="<f4", order="C")
        if not np.isfinite(values).all():
            raise InvalidValue(f"clip {name}", "not finite", "finite 4-byte floats")
        values.flags.writeable = False
        object.__setattr__(self, name, values)


def write_clip(parent: h5py.Group, clip: MotionClip) -> None:
    """Write a clip into an open HDF5 file, as a group of the clip's name in `parent`.

    Raises:
        InvalidValue: `parent` already has a member of that name.
    """
    if clip.name in parent:
        raise InvalidValue("clip name", clip.name, "used once in a file")
    group = parent.create_group(clip.name)
    header = {
        "kind": clip.kind,
        "pattern": clip.pattern,
        "side": clip.side.value,
        "dt": float(clip.dt),
        "muscles": list(clip.muscles),
        "source": dict(sorted(clip.source.items())),
    }
    _store(group, "header", np.frombuffer(json.dumps(header).encode(), dtype="u1"))
    for array in (*_ROWS, "notes"):
        _store(group, array, getattr(clip, array))
    if clip.activations is not None:
        _store(group, "activations", clip.activations)


def read_clip(parent: h5py.Group, name: str) -> MotionClip:
    """Read a clip from an open HDF5 file.

    Files of earlier releases have 23 joints, without those of the palm, which follow the fingers
    (`anatomy.coupling_ratio`).

    Raises:
        ClipError: there is no such clip, or it is damaged; names the file, the dataset and the
            defect.
    """
    path = _file_name(parent)
    try:
        group = own_member(parent, name)
        if not isinstance(group, h5py.Group):
            raise ClipError(path, "no such clip in the file itself", where=name)
        header = _read_header(group, path, name)
        arrays = {array: _load(group, array, path) for array in (*_ROWS, "notes")}
        arrays |= {array: _with_palm(arrays[array]) for array in ("qpos", "qvel")}
        activations = _load(group, "activations", path) if "activations" in group else None
        return MotionClip(
            name=name,
            kind=header["kind"],
            pattern=header["pattern"],
            side=Side(header["side"]),
            dt=header["dt"],
            activations=activations,
            muscles=tuple(header["muscles"]),
            source=dict(header["source"]),
            **arrays,
        )
    except (*DAMAGE, InvalidValue) as error:
        raise ClipError(path, f"damaged ({first_line(error)})", where=name) from error


def write_clips(path: str | PathLike[str], clips: Iterable[MotionClip]) -> None:
    """Write a file of clips, complete or not at all; an existing file is replaced.

    Raises:
        InvalidValue: two clips have the same name.
        OutputError: the file cannot be written.
    """
    with temporary_path(path) as part, h5py.File(part, "w", libver=LIBVER) as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        file.attrs["version"] = VERSION
        for clip in clips:
            write_clip(file, clip)


@contextmanager
def open_clips(path: str | PathLike[str]) -> Iterator[h5py.File]:
    """Open a file of clips for reading, with `clip_names` and `read_clip`.

    Raises:
        ClipError: there is no such file, or it is not a file of clips.
    """
    with open_hdf5(path, ClipError) as file:
        try:
            format_ = bytes(file.attrs["format"])
            version = int(file.attrs["version"])
        except DAMAGE as error:
            raise ClipError(path, "an HDF5 file, but not one of motion clips") from error
        if format_ != FORMAT.encode() or version != VERSION:
            raise ClipError(
                path, f"{format_!r} of version {version}; this release reads {FORMAT} {VERSION}"
            )
        yield file


def clip_names(file: h5py.File) -> tuple[str, ...]:
    """Names of the clips of an open file, in alphabetical order.

    Raises:
        ClipError: the file is damaged.
    """
    try:
        return tuple(sorted(str(name) for name in file))
    except DAMAGE as error:
        raise ClipError(_file_name(file), f"damaged ({first_line(error)})") from error


def read_clips(path: str | PathLike[str]) -> tuple[MotionClip, ...]:
    """Read all clips of a file.

    Raises:
        ClipError: the file cannot be read, or a clip in it is damaged.
    """
    with open_clips(path) as file:
        return tuple(read_clip(file, name) for name in clip_names(file))


def _read_header(group: h5py.Group, path: str, name: str) -> dict[str, Any]:
    dtypes = (np.dtype("u1"),)
    content = load_dataset(
        group, "header", path=path, dtypes=dtypes, error=ClipError, max_bytes=MAX_HEADER_BYTES
    )
    header = json.loads(content.tobytes().decode())
    kinds = {"kind": str, "pattern": str, "side": str, "dt": float, "muscles": list, "source": dict}
    if not isinstance(header, dict) or not all(
        isinstance(header.get(key), kind) for key, kind in kinds.items()
    ):
        raise ClipError(path, f"needs {', '.join(kinds)}", where=f"{name}/header")
    return header


def _load(group: h5py.Group, name: str, path: str) -> np.ndarray:
    return load_dataset(group, name, path=path, dtypes=(np.dtype("<f4"),), error=ClipError)


def _with_palm(values: np.ndarray) -> np.ndarray:
    """Angles or speeds of all joints, also where a file lacks those of the palm."""
    first = len(HAND_JOINTS) - len(PALM_JOINTS)
    if values.ndim != 2 or values.shape[1] != first:
        return values
    drivers = [HAND_JOINTS.index(coupled_joint(joint) or joint) for joint in PALM_JOINTS]
    ratios = np.array([coupling_ratio(joint) for joint in PALM_JOINTS], dtype=values.dtype)
    return np.hstack([values, values[:, drivers] * ratios])


def _store(group: h5py.Group, name: str, values: np.ndarray) -> None:
    # An empty dataset cannot be chunked, and so cannot have a checksum; it has no bytes to check.
    options: dict[str, Any] = {"chunks": values.shape, "fletcher32": True} if values.size else {}
    group.create_dataset(name, data=values, track_times=False, **options)


def _check_text(label: str, text: object) -> None:
    # A lone surrogate or a null can be in a Python string, but not in a file.
    if not (isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isprintable()):
        raise InvalidValue(label, text, f"1..{MAX_NAME} printable characters")


def _file_name(group: h5py.Group) -> str:
    name = group.file.filename
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
