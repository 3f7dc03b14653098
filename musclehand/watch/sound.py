"""Sound of a sound file or film as samples, decoded block by block with bounded memory.

The ffmpeg of `imageio-ffmpeg` decodes in a process of its own. It opens nothing but the named file:
play lists and network addresses are refused, and every wait has a limit.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO

import numpy as np

from musclehand.core import interrupts
from musclehand.core.errors import FileError, InvalidValue

RATE = 44100
"""[Hz] Usual sample rate."""

LONGEST = 6 * 3600.0
"""[s] Longest sound that is decoded; chosen above the longest recital."""

LONGEST_ARRAY = 3600.0
"""[s] Longest sound that is kept in memory as a whole: 1.3 GB of stereo."""

PATIENCE = 9.0
"""[s] Longest wait for the decoder to say something; chosen, it usually takes 0.1 s."""

FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,matroska,mov,mp3,mp4,mpeg,mpegps,mpegts,"
    "ogg,rm,tta,w64,wav,webm,wv"
)
"""Formats of ffmpeg that hold sound or film themselves. Play lists and scripts are not among them:
they name other files."""

_LARGEST_BLOCK = 1 << 28
"""[bytes] Most that ffmpeg allocates at once: damaged headers ask for more."""

_BLOCK = 1 << 15
"""[samples] Decoded at a time."""

_LONGER = (4.0, 60.0)
"""A sound may exceed its stated length by this factor and these seconds. Lengths that are estimated
from the bit rate miss by a factor of two or three; damaged time stamps by far more."""

_MISSING = (0.5, 0.01)
"""[s, share] A sound that misses more of its stated length than both was cut off. Rounding and the
padding of encoders explain 0.1 s."""

_CHUNKS = 64
"""Most chunks of a WAV file before its samples."""

_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_STREAM = re.compile(r"^\s*Stream #\d+:\d+.*?: (Audio|Video): (.*)$", re.MULTILINE)
_PREFIX = re.compile(r"^\[[^\]]*@ 0x[0-9a-f]+\]\s*")


class SoundError(FileError):
    """A file whose sound cannot be read."""


@dataclass(frozen=True)
class SoundFile:
    """The sound of a file, which `blocks` decodes."""

    path: Path
    """The file."""

    duration: float | None
    """[s] Stated length of the file; None where it states none."""

    estimated: bool
    """The length was estimated from the bit rate."""

    film: bool
    """The file has moving pictures, which may last longer than the sound."""

    def blocks(
        self,
        *,
        rate: int = RATE,
        channels: int = 2,
        clip: tuple[float, float] | None = None,
        block: int = _BLOCK,
    ) -> Iterator[np.ndarray]:
        """Decodes the sound from time 0 of the file; sound that begins later follows silence.

        Args:
            rate: sample rate of the result [Hz], 1000 to 192000.
            channels: 1 (mixed) or 2.
            clip: start and end of the part that is wanted [s]; all by default.
            block: samples at a time, 1 or more.

        Yields:
            Samples, full scale 1; the last block may be shorter. Shape (block, channels), float32.

        Raises:
            InvalidValue: an argument is not legal, or the clip begins after the end of the sound.
            SoundError: the sound cannot be decoded, was cut off, or is longer than `LONGEST`.
        """
        _check_arguments(rate, channels, clip, block)
        first, last = (round(time * rate) for time in clip or (0.0, LONGEST + 1.0))
        position = 0
        kept = np.zeros((0, channels), dtype=np.float32)
        for samples in self._decode(rate, channels):
            wanted = samples[max(first - position, 0) : max(last - position, 0)]
            position += len(samples)
            kept = np.concatenate([kept, wanted]) if len(kept) else wanted
            for start in range(0, len(kept) - block + 1, block):
                yield kept[start : start + block]
            kept = kept[len(kept) - len(kept) % block :]
            if position >= last:
                break
        if clip is not None and position <= first:
            legal = f"within the sound, which lasts {position / rate:.1f} s"
            raise InvalidValue("clip", clip, legal)
        if len(kept):
            yield kept

    def _decode(self, rate: int, channels: int) -> Iterator[np.ndarray]:
        """Decodes all of the sound, in blocks of any length; checks its length and its values."""
        limit = LONGEST
        if self.duration is not None:
            limit = min(limit, _LONGER[0] * self.duration + _LONGER[1])
        command = [*_ffmpeg(), "-v", "error", *_input(self.path), "-map", "0:a:0"]
        # Sound that begins later than the pictures is preceded by silence, and gaps are filled.
        command += ["-af", "aresample=async=1:first_pts=0:rematrix_maxval=1", "-ac", str(channels)]
        command += ["-ar", str(rate), "-f", "f32le", "-t", f"{limit + 1.0:g}", "pipe:1"]
        count = 0
        with tempfile.TemporaryFile() as complaints:
            for data in _run(command, 4 * channels * _BLOCK, self.path, complaints):
                whole = len(data) - len(data) % (4 * channels)
                samples = np.frombuffer(data[:whole], dtype="<f4").reshape(-1, channels)
                if not np.isfinite(samples).all():
                    raise SoundError(self.path, "samples of the sound are not finite numbers")
                count += len(samples)
                if count > limit * rate:
                    raise SoundError(self.path, self._too_long(limit))
                yield samples.astype(np.float32, copy=False)
            self._check_length(count / rate, _complaint(complaints))

    def _too_long(self, limit: float) -> str:
        if limit == LONGEST or self.duration is None:
            return f"the sound is longer than {LONGEST / 3600:g} hours"
        return f"the sound goes on after the stated {self.duration:.1f} s; the file is damaged"

    def _check_length(self, seconds: float, complaint: str) -> None:
        """Refuses sound that is empty or was cut off."""
        if seconds == 0:
            reason = f": {complaint}" if complaint else ""
            raise SoundError(self.path, f"the sound cannot be decoded{reason}")
        if self.duration is None or self.estimated or (self.film and not complaint):
            return
        missing = self.duration - seconds
        if missing > max(_MISSING[0], _MISSING[1] * self.duration):
            lengths = f"{self.duration:.1f} s are stated, {seconds:.1f} s can be decoded"
            raise SoundError(self.path, f"the sound was cut off: {lengths}")


def open_sound(path: str | PathLike[str]) -> SoundFile:
    """Looks at the sound of a file.

    Args:
        path: a sound file (WAV, FLAC, MP3, AAC, Ogg and others) or a film.

    Raises:
        SoundError: there is no such file, it is neither sound nor film, it has no sound, or the
            sound is longer than `LONGEST`.
    """
    path = Path(path)
    _check_file(path)
    command = [*_ffmpeg(), *_input(path)]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SoundError(path, f"ffmpeg does not understand it within {PATIENCE:g} s") from error
    text = answer.stderr.decode(errors="replace")
    streams = _STREAM.findall(text)
    kinds = [kind for kind, _ in streams]
    film = any(kind == "Video" and "attached pic" not in line for kind, line in streams)
    if "Audio" not in kinds:
        raise SoundError(path, "the film has no sound" if film else _no_sound(text))
    stated = _DURATION.search(text)
    duration = None
    if stated is not None:
        hours, minutes, seconds = (float(part) for part in stated.groups())
        duration = 3600 * hours + 60 * minutes + seconds
    wav = _wav_seconds(path)
    duration = wav or duration
    if duration is not None and duration > LONGEST:
        raise SoundError(
            path, f"the sound lasts {duration / 3600:.1f} h; {LONGEST / 3600:g} are the most"
        )
    estimated = "Estimating duration" in text and wav is None
    return SoundFile(path, duration or None, estimated, film)


def read_sound(
    path: str | PathLike[str],
    rate: int = RATE,
    *,
    channels: int = 1,
    clip: tuple[float, float] | None = None,
) -> np.ndarray:
    """Reads the sound of a file, or a part of it, as a whole.

    Args:
        path: a sound file or a film.
        rate: sample rate of the result [Hz], 1000 to 192000.
        channels: 1 (mixed) or 2.
        clip: start and end of the part [s]; all by default.

    Returns:
        Samples, full scale 1. Shape (num_samples,) for one channel, else (num_samples, 2); float32.

    Raises:
        InvalidValue: an argument is not legal.
        SoundError: the sound cannot be read, or is longer than `LONGEST_ARRAY`.
    """
    sound = open_sound(path)
    blocks = []
    count = 0
    for block in sound.blocks(rate=rate, channels=channels, clip=clip):
        count += len(block)
        if count > LONGEST_ARRAY * rate:
            raise SoundError(sound.path, f"the sound is longer than {LONGEST_ARRAY:g} s")
        blocks.append(block)
    samples = np.concatenate(blocks)
    return samples[:, 0] if channels == 1 else samples


def _check_arguments(
    rate: int, channels: int, clip: tuple[float, float] | None, block: int
) -> None:
    if not 1000 <= rate <= 192_000:
        raise InvalidValue("sample rate", rate, "1000..192000 Hz")
    if channels not in (1, 2):
        raise InvalidValue("channels", channels, "1 or 2")
    if block < 1:
        raise InvalidValue("block", block, "1 sample or more")
    if clip is not None and not 0 <= clip[0] < clip[1] <= LONGEST:
        legal = f"two times in seconds with 0 <= start < end <= {LONGEST:g}"
        raise InvalidValue("clip", clip, legal)


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
        regular = path.is_file()
    except (OSError, ValueError) as error:
        strerror = getattr(error, "strerror", None)
        raise SoundError(path, strerror or str(error)) from error
    if not regular:
        raise SoundError(path, "this is no file")
    if not size:
        raise SoundError(path, "the file is empty")
    if not os.access(path, os.R_OK):
        raise SoundError(path, "the file may not be read")


def _wav_seconds(path: Path) -> float | None:
    """Stated length of a WAV file [s]; ffmpeg takes that of its bytes. None for other files, and
    where a recorder could not state it."""
    rate = 0
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        for _ in range(_CHUNKS):
            chunk = file.read(8)
            start = file.tell()
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                stated = rate and size not in (0, 0xFFFFFFFF)
                return size / rate if stated else None
            if chunk[:4] == b"fmt ":
                rate = int.from_bytes(file.read(12)[8:], "little")
            if len(chunk) < 8:
                return None
            file.seek(start + size + size % 2)
    return None


def _ffmpeg() -> list[str]:
    from imageio_ffmpeg import get_ffmpeg_exe

    return [get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-max_alloc", str(_LARGEST_BLOCK)]


def _input(path: Path) -> list[str]:
    """Options that open a file and nothing else."""
    safe = ["-protocol_whitelist", "file", "-format_whitelist", FORMATS]
    return [*safe, "-threads", "1", "-vn", "-sn", "-dn", "-i", f"file:{path.absolute()}"]


def _run(command: list[str], block: int, path: Path, complaints: IO[bytes]) -> Iterator[bytes]:
    """Runs the decoder; yields blocks of its output. It does not outlive the iteration."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
    ) as decoder:
        assert decoder.stdout is not None
        stalled = threading.Event()

        def stop() -> None:
            stalled.set()
            decoder.kill()

        try:
            while True:
                interrupts.check()
                timer = threading.Timer(PATIENCE, stop)
                timer.daemon = True
                timer.start()
                try:
                    data = decoder.stdout.read(block)
                finally:
                    timer.cancel()
                if stalled.is_set():
                    raise SoundError(path, f"ffmpeg decodes nothing for {PATIENCE:g} s")
                if not data:
                    return
                yield data
        finally:
            decoder.kill()


def _complaint(complaints: IO[bytes]) -> str:
    """The last thing that ffmpeg said, without the address in its memory."""
    complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, complaints.tell() - 4096))
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return _PREFIX.sub("", lines[-1]).strip()[:200] if lines else ""


def _no_sound(text: str) -> str:
    """Why a file has no sound, from what ffmpeg says."""
    if "moov atom not found" in text:
        return "the file was cut off: its index (moov) is missing"
    if "Duration:" in text:
        return "the file has no sound"
    return "this is not a sound or film file that ffmpeg knows"
