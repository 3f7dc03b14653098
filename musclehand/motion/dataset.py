"""Motion corpora: sharded data sets of motion clips, with random windows for learning.

    corpus = open_corpus("corpus")
    batch = corpus.windows(rng, 256, 64, split="train")       # batch.qpos: (256, 64, 25)

The folder of a corpus has shards `shard_00000.h5` and so on, in the format of `motion.clip`, and
`index.json`. The index has the version of the format, the plan of the corpus, and for each shard
its SHA-256, its clips (name, kind, pattern, side, frames, split) and failures. Splits go by
pattern: all clips of a pattern are in the same split in every corpus.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core import file_hash
from musclehand.core.atomic import write_file
from musclehand.core.checkpoint import SHA256
from musclehand.core.errors import FileError, InvalidValue, UnknownName
from musclehand.motion.clip import MotionClip, open_clips, read_clip

INDEX = "index.json"
"""File name of the index."""

FORMAT = "musclehand-corpus"
"""Name of the format, in the index."""

VERSION = 1
"""Version of the format."""

MAX_INDEX_BYTES = 200_000_000
"""[bytes] Largest index that is read."""

SPLITS: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""Splits and their shares of the patterns."""

FIELDS = ("qpos", "qvel", "forearm", "fingertips", "activations")
"""Arrays of `MotionClip` that windows can have."""

SHARD_NAME = re.compile(r"shard_[0-9]{5,9}\.h5")
"""File names of shards."""


class CorpusError(FileError):
    """A folder that is no corpus, or a damaged corpus."""


@dataclass(frozen=True)
class ClipEntry:
    """A clip in the index."""

    name: str
    """Name of the clip, unique in its shard."""

    kind: str
    """Kind of motion."""

    pattern: str
    """Pattern that the motion is an instance of."""

    side: str
    """"r" or "l"."""

    frames: int
    """Number of frames."""

    dt: float
    """[s] Time between frames."""

    split: str
    """Split of the pattern, a key of `SPLITS`."""

    @property
    def seconds(self) -> float:
        """[s] Duration."""
        return self.frames * self.dt


@dataclass(frozen=True)
class ShardEntry:
    """A shard in the index."""

    sha256: str
    """SHA-256 of the file, in hexadecimal."""

    clips: tuple[ClipEntry, ...]
    """Clips of the shard."""

    failures: tuple[str, ...] = ()
    """Sentences about items that could not be generated."""


@dataclass(frozen=True)
class CorpusIndex:
    """The index of a corpus."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    """Parameters and versions of libraries with which the corpus was generated."""

    shards: Mapping[str, ShardEntry] = field(default_factory=dict)
    """Shards by file name."""

    complete: bool = False
    """All shards of the plan are in the index."""


class WindowBatch(NamedTuple):
    """Windows of clips; arrays are 4-byte floats as in `MotionClip`, or None if not requested."""

    clip: np.ndarray
    """Indices of the clips in `MotionCorpus.entries(split)`. Shape (batch,)."""

    start: np.ndarray
    """First frames of the windows in their clips. Shape (batch,)."""

    qpos: np.ndarray | None = None
    """[rad] Joint angles. Shape (batch, length, 25)."""

    qvel: np.ndarray | None = None
    """[rad/s] Angular velocities. Shape (batch, length, 25)."""

    forearm: np.ndarray | None = None
    """[m, rad] Poses of the forearm. Shape (batch, length, 6)."""

    fingertips: np.ndarray | None = None
    """[m] Fingertips. Shape (batch, length, 5, 3)."""

    activations: np.ndarray | None = None
    """Muscle activations. Shape (batch, length, m)."""


def split_of(pattern: str) -> str:
    """The split of a pattern, by its SHA-256: the same in every corpus and on every machine."""
    draw = int.from_bytes(hashlib.sha256(pattern.encode()).digest()[:8], "big") / 2.0**64
    train = SPLITS["train"]
    validation = SPLITS["train"] + SPLITS["validation"]
    return "train" if draw < train else "validation" if draw < validation else "test"


def entry_of(clip: MotionClip) -> ClipEntry:
    """The entry of a clip for the index."""
    return ClipEntry(
        name=clip.name,
        kind=clip.kind,
        pattern=clip.pattern,
        side=clip.side.value,
        frames=clip.frames,
        dt=float(clip.dt),
        split=split_of(clip.pattern),
    )


def file_sha256(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        return file_hash.file_sha256(path)
    except OSError as error:
        raise CorpusError(path, os.strerror(error.errno) if error.errno else str(error)) from error


class MotionCorpus:
    """A corpus open for reading; clips are read from their files on demand.

    Windows come from arrays in memory, which the first call with a split and its fields reads. They
    take 4 bytes per number: about 300 MB per hour of playing with all fields, 60 MB with `qpos`
    alone.
    """

    def __init__(self, folder: str | PathLike[str], index: CorpusIndex) -> None:
        """Corpus in `folder` with the given index; `open_corpus` reads the index itself."""
        self.folder = Path(folder)
        self.index = index
        self._memory: dict[tuple[str | None, str], np.ndarray] = {}
        self._frames: dict[str | None, np.ndarray] = {}

    def entries(self, split: str | None = None) -> tuple[ClipEntry, ...]:
        """Entries of the clips of a split (by default of all clips), shard by shard.

        Raises:
            UnknownName: there is no such split.
        """
        return tuple(entry for _, entry in self._located(split))

    def clips(self, split: str | None = None) -> Iterator[MotionClip]:
        """Read the clips of a split (by default all clips) one after the other.

        Raises:
            UnknownName: there is no such split.
            MusclehandError: a shard is missing, damaged, or differs from the index.
        """
        shards: dict[str, list[ClipEntry]] = {}
        for shard, entry in self._located(split):
            shards.setdefault(shard, []).append(entry)
        for shard, entries in shards.items():
            with open_clips(self.folder / shard) as file:
                for entry in entries:
                    clip = read_clip(file, entry.name)
                    if entry_of(clip) != entry:
                        raise CorpusError(
                            self.folder / shard, f"clip {entry.name} differs from {INDEX}"
                        )
                    yield clip

    def seconds(self, split: str | None = None) -> float:
        """Total duration of the clips of a split, each hand counted [s]."""
        return sum(entry.seconds for entry in self.entries(split))

    def verify(self) -> None:
        """Compare the checksums of all shards.

        Raises:
            CorpusError: shards are missing or have changed; names them all.
        """
        wrong = []
        for name, shard in self.index.shards.items():
            path = self.folder / name
            if not path.is_file():
                wrong.append(f"{name} is missing")
            elif file_sha256(path) != shard.sha256:
                wrong.append(f"{name} has changed")
        if wrong:
            raise CorpusError(self.folder, "; ".join(wrong))

    def windows(
        self,
        rng: np.random.Generator,
        batch: int,
        length: int,
        *,
        split: str | None = "train",
        fields: Sequence[str] = FIELDS[:-1],
    ) -> WindowBatch:
        """Draw random windows, uniformly from all positions at which a window fits.

        Args:
            rng: generator of the positions.
            batch: number of windows.
            length: frames of each window.
            split: one of `SPLITS`, or None for all clips.
            fields: arrays to return, of `FIELDS`.

        Raises:
            UnknownName: there is no such split or field.
            InvalidValue: a number is below 1, or no clip is as long as `length`.
            MusclehandError: clips cannot be read, or do not have the same muscles.
        """
        for name, value in (("batch", batch), ("length", length)):
            if value < 1:
                raise InvalidValue(name, value, "at least 1")
        for name in fields:
            if name not in FIELDS:
                raise UnknownName("field", name, FIELDS)
        if split not in self._frames:
            self._frames[split] = np.array(
                [entry.frames for entry in self.entries(split)], dtype=np.int64
            )
        frames = self._frames[split]
        fitting = np.cumsum(np.maximum(frames - length + 1, 0))
        if not len(frames) or fitting[-1] == 0:
            longest = int(frames.max(initial=0))
            raise InvalidValue(
                "length", length, f"at most {longest} frames, the longest clip of split {split}"
            )
        draw = rng.integers(fitting[-1], size=batch)
        clip = np.searchsorted(fitting, draw, side="right")
        start = draw - np.concatenate([[0], fitting])[clip]
        first = np.concatenate([[0], np.cumsum(frames)])[clip] + start
        rows = first[:, None] + np.arange(length)
        self._load(split, [name for name in fields if (split, name) not in self._memory])
        arrays = {name: np.take(self._memory[split, name], rows, axis=0) for name in fields}
        return WindowBatch(clip, start, **arrays)

    def _load(self, split: str | None, names: Sequence[str]) -> None:
        """Read arrays of all clips of a split into memory, one after the other."""
        if not names:
            return
        total = sum(entry.frames for entry in self.entries(split))
        arrays: dict[str, np.ndarray] = {}
        muscles = None
        row = 0
        for clip in self.clips(split):
            if "activations" in names and (
                clip.activations is None or (muscles or clip.muscles) != clip.muscles
            ):
                raise InvalidValue(
                    f"muscles of clip {clip.name}", clip.muscles, "those of the other clips"
                )
            muscles = clip.muscles
            for name in names:
                part = getattr(clip, name)
                if name not in arrays:
                    arrays[name] = np.empty((total, *part.shape[1:]), dtype=np.float32)
                arrays[name][row : row + len(part)] = part
            row += clip.frames
        self._memory |= {(split, name): array for name, array in arrays.items()}

    def _located(self, split: str | None) -> list[tuple[str, ClipEntry]]:
        """Shard and entry of the clips of a split."""
        if split is not None and split not in SPLITS:
            raise UnknownName("split", split, SPLITS)
        return [
            (name, entry)
            for name, shard in self.index.shards.items()
            for entry in shard.clips
            if split is None or entry.split == split
        ]


def open_corpus(folder: str | PathLike[str]) -> MotionCorpus:
    """Open a corpus; only its index is read.

    Raises:
        CorpusError: there is no such folder, it is no corpus, or its index is damaged.
    """
    return MotionCorpus(folder, read_index(folder))


def write_index(folder: str | PathLike[str], index: CorpusIndex) -> None:
    """Write the index atomically: readers see the previous or the new index as a whole.

    Raises:
        OutputError: the index cannot be written.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "complete": index.complete,
        "plan": dict(index.plan),
        "shards": {name: asdict(index.shards[name]) for name in sorted(index.shards)},
    }
    write_file(Path(folder) / INDEX, json.dumps(content, indent=1, allow_nan=False))


def read_index(folder: str | PathLike[str]) -> CorpusIndex:
    """Read the index of a corpus.

    Raises:
        CorpusError: there is no index, or it is damaged.
    """
    path = Path(folder) / INDEX
    try:
        size = path.stat().st_size
        if size > MAX_INDEX_BYTES:
            raise CorpusError(path, f"{size} bytes; at most {MAX_INDEX_BYTES}")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise CorpusError(path, os.strerror(error.errno) if error.errno else str(error)) from error
    except (ValueError, RecursionError) as error:
        raise CorpusError(path, f"not JSON ({type(error).__name__})") from error
    try:
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise CorpusError(path, f"this release reads {FORMAT} of version {VERSION}")
        shards = {name: _shard(name, content["shards"][name]) for name in sorted(content["shards"])}
        return CorpusIndex(dict(content["plan"]), shards, bool(content["complete"]))
    except (LookupError, TypeError, ValueError, AttributeError, InvalidValue) as error:
        raise CorpusError(
            path, f"not an index of a corpus ({type(error).__name__}: {error})"
        ) from error


def _shard(name: str, content: Mapping[str, Any]) -> ShardEntry:
    if not SHARD_NAME.fullmatch(name) or not SHA256.fullmatch(content["sha256"]):
        raise InvalidValue("shard", name, "shard_00000.h5 and so on, with its SHA-256")
    clips = tuple(_clip(entry) for entry in content["clips"])
    return ShardEntry(content["sha256"], clips, _texts(content["failures"]))


def _clip(content: Mapping[str, Any]) -> ClipEntry:
    entry = ClipEntry(**content)
    _texts([entry.name, entry.kind, entry.pattern])
    frames_are_legal = type(entry.frames) is int and 1 <= entry.frames <= 10**9
    dt_is_legal = type(entry.dt) is float and 0 < entry.dt < 1e6
    if not (frames_are_legal and dt_is_legal):
        legal = "a whole number and seconds above 0"
        raise InvalidValue("frames and dt of a clip", (entry.frames, entry.dt), legal)
    if entry.side not in {side.value for side in Side} or entry.split != split_of(entry.pattern):
        raise InvalidValue(
            "side and split of a clip", (entry.side, entry.split), "r or l, and its pattern's split"
        )
    return entry


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    texts = tuple(values)
    if not all(isinstance(text, str) for text in texts):
        raise InvalidValue("texts", texts, "texts")
    return texts
