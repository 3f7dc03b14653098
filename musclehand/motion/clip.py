"""A motion clip: what one hand did over some seconds, in joint angles, fingertips, muscles and
notes.

The unit that motion corpora are made of and policies learn from. A clip is one group of an HDF5
file, `write_clips` makes a file of several:

    /                     attributes `format`, `version`
    /<clip>/header        JSON as bytes: kind, pattern, side, dt, muscles, source
    /<clip>/qpos ...      the arrays of `MotionClip`, 4-byte floats, checksummed (fletcher32), not compressed

Nothing of a file is trusted on reading: only datasets of the shapes and the type above, stored in
the file itself and no larger there than on disk, become arrays. The bytes of a file depend on
nothing but its clips.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from musclehand.body.anatomy import DIGITS, FOREARM_AXES, HAND_JOINTS, Side
from musclehand.core.errors import FileError, InvalidValue, OutputError
from musclehand.core.hdf5 import DAMAGE, first_line, load_dataset, open_hdf5, own_member

FORMAT = "musclehand-clips"
VERSION = 1

NOTE_COLUMNS = ("onset", "offset", "pitch", "velocity", "finger")
"""Of `MotionClip.notes`: [s], [s], MIDI, MIDI, 1..5."""

MAX_HEADER_BYTES = 1_000_000
MAX_NAME = 200

_ROWS: Mapping[str, tuple[int, ...]] = {
    "qpos": (len(HAND_JOINTS),),
    "qvel": (len(HAND_JOINTS),),
    "forearm": (len(FOREARM_AXES),),
    "fingertips": (len(DIGITS), 3),
}

# Checksums on all structures came with this version of the file format; naming it keeps the bytes
# the same.
_LIBVER = ("v110", "v110")


class ClipError(FileError):
    """A file that holds no clips, or damaged ones."""


@dataclass(frozen=True, eq=False)
class MotionClip:
    """What one hand did; arrays are kept as 4-byte floats that cannot be written to.

    `name` of the clip, `kind` of motion, `pattern`: what it is an instance of; splits keep a
    pattern together. `side`. `dt` [s] between the T frames. `qpos` (T, 23) [rad], `qvel` (T, 23)
    [rad/s]: joints in the order of `HAND_JOINTS`, in the sense of the right hand on either side.
    `forearm` (T, 6): `FOREARM_AXES` of the forearm's frame, which lies where the wrist's centre is
    while the hand's own joints are at 0. `fingertips` (T, 5, 3) [m], world, thumb first. `notes`
    (n, 5): `NOTE_COLUMNS` that this hand was asked for, time from the clip's first frame on.
    `activations` (T, m) 0..1 of the `muscles`, or None. `source`: where it comes from and under
    which licence.

    Raises:
        InvalidValue: a shape, size or text out of order, or numbers that are not finite.
    """

    name: str
    kind: str
    pattern: str
    side: Side
    dt: float
    qpos: np.ndarray = field(repr=False)
    qvel: np.ndarray = field(repr=False)
    forearm: np.ndarray = field(repr=False)
    fingertips: np.ndarray = field(repr=False)
    notes: np.ndarray = field(repr=False)
    activations: np.ndarray | None = field(default=None, repr=False)
    muscles: tuple[str, ...] = field(default=(), repr=False)
    source: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for thing in ("name", "kind", "pattern"):
            _check_text(f"clip {thing}", getattr(self, thing))
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
        for thing, row in _ROWS.items():
            self._keep(thing, (frames, *row))
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
        """How many frames there are."""
        return len(self.qpos)

    @property
    def duration(self) -> float:
        """Frames times `dt` [s]."""
        return self.frames * self.dt

    def _keep(self, thing: str, shape: tuple[int, ...]) -> None:
        given = getattr(self, thing)
        if np.shape(given) != shape:
            raise InvalidValue(f"shape of clip {thing}", np.shape(given), f"{shape}")
        with np.errstate(over="ignore"):
            values = np.array(given, dtype="<f4", order="C")
        if not np.isfinite(values).all():
            raise InvalidValue(f"clip {thing}", "not finite", "finite 4-byte floats")
        values.flags.writeable = False
        object.__setattr__(self, thing, values)


def write_clip(parent: h5py.Group, clip: MotionClip) -> None:
    """Adds a clip to an HDF5 file that is open for writing: a group of the clip's name in `parent`.

    Raises:
        InvalidValue: there is something of that name already.
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
    for thing in (*_ROWS, "notes"):
        _store(group, thing, getattr(clip, thing))
    if clip.activations is not None:
        _store(group, "activations", clip.activations)


def read_clip(parent: h5py.Group, name: str) -> MotionClip:
    """A clip out of an open HDF5 file.

    Raises:
        ClipError: there is no such clip or it is damaged: names the file, the dataset and what is
            wrong.
    """
    path = _file_name(parent)
    try:
        group = own_member(parent, name)
        if not isinstance(group, h5py.Group):
            raise ClipError(path, "no such clip in the file itself", where=name)
        header = _read_header(group, path, name)
        arrays = {thing: _load(group, thing, path) for thing in (*_ROWS, "notes")}
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
    """Writes a file of clips; one that exists is replaced.

    Raises:
        InvalidValue: two clips of one name.
        OutputError: the file cannot be written.
    """
    try:
        with h5py.File(path, "w", libver=_LIBVER) as file:
            file.attrs["format"] = np.bytes_(FORMAT)
            file.attrs["version"] = VERSION
            for clip in clips:
                write_clip(file, clip)
    except OSError as error:
        raise OutputError(path, os.strerror(error.errno) if error.errno else str(error)) from error


@contextmanager
def open_clips(path: str | PathLike[str]) -> Iterator[h5py.File]:
    """Opens a file of clips for reading, for `clip_names` and `read_clip`.

    Raises:
        ClipError: no such file, no HDF5 file, or one of something else.
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
    """The clips of an open file, in alphabetical order.

    Raises:
        ClipError: the file is damaged.
    """
    try:
        return tuple(sorted(str(name) for name in file))
    except DAMAGE as error:
        raise ClipError(_file_name(file), f"damaged ({first_line(error)})") from error


def read_clips(path: str | PathLike[str]) -> tuple[MotionClip, ...]:
    """All clips of a file.

    Raises:
        ClipError: it cannot be read, or a clip in it is damaged.
    """
    with open_clips(path) as file:
        return tuple(read_clip(file, name) for name in clip_names(file))


def _read_header(group: h5py.Group, path: str, name: str) -> dict[str, Any]:
    dtypes = (np.dtype("u1"),)
    content = load_dataset(
        group, "header", path=path, dtypes=dtypes, error=ClipError, most=MAX_HEADER_BYTES
    )
    header = json.loads(content.tobytes().decode())
    kinds = {"kind": str, "pattern": str, "side": str, "dt": float, "muscles": list, "source": dict}
    if not isinstance(header, dict) or not all(
        isinstance(header.get(key), kind) for key, kind in kinds.items()
    ):
        raise ClipError(path, f"needs {', '.join(kinds)}", where=f"{name}/header")
    return header


def _load(group: h5py.Group, thing: str, path: str) -> np.ndarray:
    return load_dataset(group, thing, path=path, dtypes=(np.dtype("<f4"),), error=ClipError)


def _store(group: h5py.Group, thing: str, values: np.ndarray) -> None:
    # An empty dataset cannot be chunked, and without chunks there is no checksum: nothing to be
    # checked either.
    options: dict[str, Any] = {"chunks": values.shape, "fletcher32": True} if values.size else {}
    group.create_dataset(thing, data=values, track_times=False, **options)


def _check_text(thing: str, text: object) -> None:
    # A lone surrogate or a null can be in a Python string, but not in a file.
    if not (isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isprintable()):
        raise InvalidValue(thing, text, f"1..{MAX_NAME} printable characters")


def _file_name(group: h5py.Group) -> str:
    name = group.file.filename
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
