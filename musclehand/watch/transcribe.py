"""Notes, velocities and pedals of a piano's sound, by segments, resumable.

The sound is decoded and heard segment by segment, so memory does not grow with its length. With a
folder, every segment that was heard is kept there. Transcribing the same sound again goes on after
the last one, and ends with the same notes as without an interruption.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core import interrupts
from musclehand.core.errors import InvalidValue, OutputError
from musclehand.core.file_hash import file_sha256
from musclehand.core.progress import Progress
from musclehand.music.score import Score
from musclehand.watch.hearing import Event, Heard, Transcriber, join_events
from musclehand.watch.sound import LONGEST, open_sound

SEGMENTS_FILE = "segments.jsonl"
"""Name of the file of heard segments. Its first line names the sound and the transcriber; every
further line is a segment. Each line begins with the SHA-256 of the line before and of itself."""

_FORMAT = "musclehand-segments 1"


def transcribe(
    sound: str | PathLike[str] | np.ndarray,
    *,
    clip: tuple[float, float] | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    model: Transcriber | None = None,
) -> Score:
    """Hears the notes and pedals of a sound.

    Args:
        sound: a sound file or film; or samples at the rate of the model (44.1 kHz), full scale 1,
            shape (num_samples,) or (num_samples, 2).
        clip: start and end of the part that is heard [s]; all by default. Times of the score count
            from its start.
        out: folder for the segments that were heard; it is made where it does not exist. None
            keeps nothing.
        progress: called with seconds heard and their total.
        model: what hears; by default Transkun (`watch.transkun_model`).

    Returns:
        Notes with velocities, releases of keys (not of the sound) and spans of the sustain pedal.

    Raises:
        InvalidValue: samples of another shape, or a clip outside of the sound.
        SoundError: the sound cannot be read.
        OutputError: the folder cannot be written.
        MusclehandError: the transcriber is not installed.
    """
    if isinstance(sound, np.ndarray):
        samples = _stereo(sound)
        title, identity = "", hashlib.sha256(samples.tobytes()).hexdigest()
    else:
        opened = open_sound(sound)
        title, identity = opened.path.stem, file_sha256(opened.path)
    if model is None:
        from musclehand.watch.transkun_model import TranskunModel

        model = TranskunModel()
    if isinstance(sound, np.ndarray):
        blocks = _cut(samples, clip, model.rate)
        total: float | None = len(samples) / model.rate
    else:
        blocks = opened.blocks(rate=model.rate, channels=2, clip=clip)
        total = opened.duration
    if clip is not None:
        total = clip[1] - clip[0] if total is None else min(clip[1], total) - clip[0]
    settings = {"format": _FORMAT, "sound": identity, "clip": clip, "model": model.name}
    store = _SegmentStore(None if out is None else Path(out), settings)
    return _hear(blocks, model, store, total, title, progress)


def _hear(
    blocks: Iterable[np.ndarray],
    model: Transcriber,
    store: _SegmentStore,
    total: float | None,
    title: str,
    progress: Progress | None,
) -> Score:
    """Hears all segments, those excepted that are in the store."""
    heard: list[Heard] = []
    resume: Sequence[int] = ()
    count = 0
    end = 0.0
    with store:
        for index, (samples, count) in enumerate(_segments(blocks, model)):
            interrupts.check()
            begin = _begin(index, model) / model.rate
            kept = store.get(index)
            if kept is None:
                kept = model.hear(samples, begin, resume)
                store.append(*kept)
            segment, resume = kept
            heard.append(segment)
            end = min(count / model.rate, begin + model.length / model.rate)
            if progress is not None:
                progress(end, max(end, total or end))
    duration = count / model.rate
    if progress is not None and end != total:
        progress(duration, duration)
    return join_events(heard, duration, title)


def _begin(index: int, model: Transcriber) -> int:
    """First sample of a segment, negative before the sound: half of an overlap is in front of what
    the segment is responsible for, and all of it is at the beginning."""
    return index * model.step - (model.length - model.step)


def _segments(blocks: Iterable[np.ndarray], model: Transcriber) -> Iterator[tuple[np.ndarray, int]]:
    """Samples of each segment, zero before and after the sound, and all samples so far."""
    overlap = model.length - model.step
    window = np.zeros((model.length, 2), dtype=np.float32)
    filled = overlap
    count = 0
    index = 0
    for block in blocks:
        count += len(block)
        while len(block):
            part = block[: model.length - filled]
            window[filled : filled + len(part)] = part
            filled += len(part)
            block = block[len(part) :]
            if filled == model.length:
                yield window.copy(), count - len(block)
                index += 1
                window[:overlap] = window[model.step :]
                window[overlap:] = 0
                filled = overlap
    # A further segment is needed where onsets of the sound lie in what it is responsible for.
    while _begin(index, model) + overlap // 2 < count:
        yield window.copy(), count
        index += 1
        window[:overlap] = window[model.step :]
        window[overlap:] = 0


class _SegmentStore:
    """Heard segments in a file, which grows by a line for each."""

    def __init__(self, folder: Path | None, settings: dict[str, Any]) -> None:
        """Reads what is there of the same sound, heard with the same settings."""
        self._path = None if folder is None else folder / SEGMENTS_FILE
        self._kept: list[tuple[Heard, list[int]]] = []
        self._handle: int | None = None
        self._head = json.dumps(settings, sort_keys=True)
        self._chain = ""
        self._size = 0
        if self._path is not None:
            self._read(self._path)

    def _read(self, path: Path) -> None:
        """Takes the lines that are whole; the first that is not, and all after it, are dropped."""
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(path, os.strerror(error.errno or 0)) from error
        for number, line in enumerate(lines):
            sha256, _, payload = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
            if not line.endswith(b"\n") or sha256 != self._link(payload):
                return
            if number == 0 and payload != self._head:
                return
            if number > 0:
                self._kept.append(_from_json(payload))
            self._chain = sha256
            self._size += len(line)

    def __enter__(self) -> _SegmentStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def get(self, index: int) -> tuple[Heard, list[int]] | None:
        """A segment that is kept, and the `resume` of the next; None where it is not."""
        return self._kept[index] if index < len(self._kept) else None

    def append(self, heard: Heard, resume: list[int]) -> None:
        """Keeps the next segment; the first makes the folder."""
        if self._path is None:
            return
        try:
            if self._handle is None:
                self._handle = self._open(self._path)
            self._write(self._handle, json.dumps([heard.begin, heard.events, resume]))
        except OSError as error:
            raise OutputError(self._path, os.strerror(error.errno or 0)) from error

    def _open(self, path: Path) -> int:
        """Opens the file behind its last whole line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.ftruncate(handle, self._size)
        os.lseek(handle, self._size, os.SEEK_SET)
        if not self._size:
            self._write(handle, self._head)
        return handle

    def _write(self, handle: int, payload: str) -> None:
        self._chain = self._link(payload)
        line = f"{self._chain} {payload}\n".encode()
        while line:
            line = line[os.write(handle, line) :]
        os.fsync(handle)

    def _link(self, payload: str) -> str:
        return hashlib.sha256(f"{self._chain} {payload}".encode()).hexdigest()


def _from_json(payload: str) -> tuple[Heard, list[int]]:
    """A segment from its line, whose checksum is right."""
    begin, events, resume = json.loads(payload)
    return Heard(begin, tuple(Event(*event) for event in events)), resume


def _stereo(samples: np.ndarray) -> np.ndarray:
    """Samples with two channels, checked. Shape (num_samples, 2), float32."""
    if samples.ndim == 1:
        samples = np.stack([samples, samples], axis=1)
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        raise InvalidValue(
            "shape of samples", samples.shape, "(num_samples,) or (num_samples, 2), not empty"
        )
    if len(samples) > LONGEST * 44100:
        raise InvalidValue("samples", len(samples), f"at most {LONGEST:g} s of sound")
    if not np.isfinite(samples).all():
        raise InvalidValue("samples", "nan or infinity", "finite numbers")
    return np.ascontiguousarray(samples, dtype=np.float32)


def _cut(samples: np.ndarray, clip: tuple[float, float] | None, rate: int) -> Iterable[np.ndarray]:
    if clip is None:
        return [samples]
    if not 0 <= clip[0] < min(clip[1], len(samples) / rate):
        legal = f"two times with 0 <= start < end, in a sound of {len(samples) / rate:.1f} s"
        raise InvalidValue("clip", clip, legal)
    return [samples[round(clip[0] * rate) : round(clip[1] * rate)]]
