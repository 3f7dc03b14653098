"""A corpus of motion: a folder of files of clips, an index with checksums, and windows out of them
for learning.

    corpus = open_corpus("corpus")
    batch = corpus.windows(rng, 256, 64, split="train")       # batch.qpos: (256, 64, 23)

The folder has `shard_00000.h5` and so on, which `motion.clip` reads, and `index.json`: the format's
version, the plan it was made by, and for each shard its SHA-256, its clips (name, kind, pattern,
side, frames, split) and what could not be made. Splits go by pattern: all clips of one pattern are
in the same split, whichever corpus they are in.
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
from musclehand.core.atomic import write_file
from musclehand.core.checkpoint import SHA256
from musclehand.core.errors import FileError, InvalidValue, UnknownName
from musclehand.motion.clip import MotionClip, open_clips, read_clip

INDEX = "index.json"
FORMAT = "musclehand-corpus"
VERSION = 1
MAX_INDEX_BYTES = 200_000_000

SPLITS: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""Shares of the patterns."""

FIELDS = ("qpos", "qvel", "forearm", "fingertips", "activations")
"""What windows can have of a clip."""

SHARD_NAME = re.compile(r"shard_[0-9]{5,9}\.h5")


class CorpusError(FileError):
    """A folder that is no corpus, or a damaged one."""


@dataclass(frozen=True)
class ClipEntry:
    """A clip in the index: as in `MotionClip`, `side` "r" or "l", with its number of frames and
    its split."""

    name: str
    kind: str
    pattern: str
    side: str
    frames: int
    dt: float
    split: str

    @property
    def seconds(self) -> float:
        """How long it lasts [s]."""
        return self.frames * self.dt


@dataclass(frozen=True)
class ShardEntry:
    """A shard in the index: the SHA-256 of its file, its clips, and what failed while it was
    made, as sentences."""

    sha256: str
    clips: tuple[ClipEntry, ...]
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class CorpusIndex:
    """The index: what the corpus was made by, its shards by file name, and whether it is all
    there."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    shards: Mapping[str, ShardEntry] = field(default_factory=dict)
    complete: bool = False


class WindowBatch(NamedTuple):
    """Pieces of clips; arrays are 4-byte floats as in `MotionClip`, None where they were not asked
    for.

    `qpos`, `qvel` (batch, length, 23), `forearm` (batch, length, 6), `fingertips` (batch, length,
    5, 3), `activations` (batch, length, m); `clip` (batch,) places in
    `MotionCorpus.entries(split)`, `start` (batch,) frames in them.
    """

    clip: np.ndarray
    start: np.ndarray
    qpos: np.ndarray | None = None
    qvel: np.ndarray | None = None
    forearm: np.ndarray | None = None
    fingertips: np.ndarray | None = None
    activations: np.ndarray | None = None


def split_of(pattern: str) -> str:
    """The split that a pattern is in, by its SHA-256: the same in every corpus, on every
    machine."""
    draw = int.from_bytes(hashlib.sha256(pattern.encode()).digest()[:8], "big") / 2.0**64
    train = SPLITS["train"]
    validation = SPLITS["train"] + SPLITS["validation"]
    return "train" if draw < train else "validation" if draw < validation else "test"


def entry_of(clip: MotionClip) -> ClipEntry:
    """What the index says about a clip."""
    split = split_of(clip.pattern)
    return ClipEntry(
        clip.name, clip.kind, clip.pattern, clip.side.value, clip.frames, float(clip.dt), split
    )


def file_sha256(path: str | PathLike[str]) -> str:
    """Of a file's bytes, in hexadecimal.

    Raises:
        CorpusError: it cannot be read.
    """
    try:
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    except OSError as error:
        raise CorpusError(path, os.strerror(error.errno) if error.errno else str(error)) from error


class MotionCorpus:
    """A corpus that is open for reading; clips are read from their files when they are asked for.

    Windows come from arrays in memory, which the first call for a split and its fields reads: 4
    bytes for each number, some 300 MB an hour of playing with everything, 60 MB with `qpos` alone.
    """

    def __init__(self, folder: str | PathLike[str], index: CorpusIndex) -> None:
        self.folder = Path(folder)
        self.index = index
        self._memory: dict[tuple[str | None, str], np.ndarray] = {}
        self._frames: dict[str | None, np.ndarray] = {}

    def entries(self, split: str | None = None) -> tuple[ClipEntry, ...]:
        """The clips of a split, or all, shard by shard.

        Raises:
            UnknownName: no such split.
        """
        return tuple(entry for _, entry in self._places(split))

    def clips(self, split: str | None = None) -> Iterator[MotionClip]:
        """Reads the clips of a split, or all, one after the other.

        Raises:
            UnknownName: no such split.
            MusclehandError: a shard is missing, damaged, or not what the index says.
        """
        places = self._places(split)
        for shard in dict.fromkeys(shard for shard, _ in places):
            with open_clips(self.folder / shard) as file:
                for entry in (entry for of, entry in places if of == shard):
                    clip = read_clip(file, entry.name)
                    if entry_of(clip) != entry:
                        raise CorpusError(
                            self.folder / shard, f"clip {entry.name} is not what {INDEX} says"
                        )
                    yield clip

    def seconds(self, split: str | None = None) -> float:
        """Motion of all clips together, each hand counted [s]."""
        return sum(entry.seconds for entry in self.entries(split))

    def verify(self) -> None:
        """Compares the checksums of all shards.

        Raises:
            CorpusError: a shard is missing or has changed; names all of them.
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
        """Pieces of `length` frames, every place in the split where one fits as likely as any
        other.

        Args:
            rng: draws the places.
            batch: how many.
            length: frames of each.
            split: of `SPLITS`; None for all clips.
            fields: of `FIELDS`, what to return.

        Raises:
            UnknownName: no such split or field.
            InvalidValue: a number below 1, or no clip is so long.
            MusclehandError: clips cannot be read, or have not the same muscles.
        """
        for thing, value in (("batch", batch), ("length", length)):
            if value < 1:
                raise InvalidValue(thing, value, "at least 1")
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
        """Fills arrays of all clips of the split, one after the other."""
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

    def _places(self, split: str | None) -> list[tuple[str, ClipEntry]]:
        if split is not None and split not in SPLITS:
            raise UnknownName("split", split, SPLITS)
        every = (
            (name, entry) for name, shard in self.index.shards.items() for entry in shard.clips
        )
        return [(name, entry) for name, entry in every if split is None or entry.split == split]


def open_corpus(folder: str | PathLike[str]) -> MotionCorpus:
    """Opens a corpus; only its index is read.

    Raises:
        CorpusError: no such folder, no corpus, or a damaged index.
    """
    return MotionCorpus(folder, read_index(folder))


def write_index(folder: str | PathLike[str], index: CorpusIndex) -> None:
    """Writes the index, in one step: whoever reads it at any moment finds the old or the new one
    whole.

    Raises:
        OutputError: it cannot be written.
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
    """Reads the index of a corpus.

    Raises:
        CorpusError: there is none, or it is damaged.
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
    frames = entry.frames
    dt = entry.dt
    if (
        type(frames) is not int
        or not 1 <= frames <= 10**9
        or type(dt) is not float
        or not 0 < dt < 1e6
    ):
        raise InvalidValue(
            "frames and dt of a clip", (frames, dt), "a whole number and seconds above 0"
        )
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
