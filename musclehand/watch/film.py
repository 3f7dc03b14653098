"""Films: what they are, and their pictures one after the other in bounded memory.

The ffmpeg that `imageio-ffmpeg` brings reads the film in a process of its own and sends raw
pictures through a pipe. It may open the named file alone, as one of the film formats `FORMATS`: a
file that names further files or addresses is refused. A process that sends nothing for `PATIENCE`
is ended.

Times are in seconds from the first picture of the film. Pictures are taken on an even grid of
times; where the film's frame rate varies, each is the picture nearest to its time.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from musclehand.core import interrupts
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.file_hash import file_sha256

FORMATS = ("mov", "mp4", "matroska", "webm", "avi", "mpegts", "flv", "ogg", "asf")
"""Names of the film formats that are read, as ffmpeg calls them."""

LARGEST_SIDE = 8192
"""[pixels] Largest width or height of a film; 8K films have 7680."""

SMALLEST_SIDE = 64
"""[pixels] Smallest width or height of a film; chosen, no finger can be told below."""

LARGEST_PICTURE = 36_000_000
"""[pixels] Largest picture, a little more than 8K, which bounds the memory of the decoder."""

LONGEST = 6 * 3600.0
"""[s] Longest film."""

FASTEST = 480.0
"""[Hz] Highest frame rate; slow-motion cameras have 240."""

PATIENCE = 10.0
"""[s] Time without any data after which ffmpeg is taken to hang."""

VARIES = 0.5
"""[frames] A film whose pictures are farther than this from an even grid has a variable rate."""

LARGEST_LOSS = 0.5
"""[s] A film is truncated where its pictures end earlier than its header says by more than this;
chosen, because sound often lasts a little longer than the picture."""

_HEADER_BYTES = 200_000
"""[bytes] Most of ffmpeg's messages that are kept."""

_LARGEST_ALLOCATION = 400_000_000
"""[bytes] Largest single piece of memory that ffmpeg may take: a picture of the largest size."""

_SEEK_MARGIN = 1.0
"""[s] by which seeking goes to before a key picture; chosen, time stamps of sound and picture
differ by less."""

_SHORT = 2
"""[frames] Pictures that a film may lack at its end: the last packets of a cut are incomplete."""

_CUT_SHORT = re.compile(r"partial file|ended prematurely|Truncating packet")

_NO_TABLE = re.compile(r"moov atom not found|error reading header")

_THREADED_PICTURE = 9_000_000
"""[pixels] Largest picture that is decoded by two threads; chosen, 4K films have 8.8 million."""

_KEY, _DISCARDED = 1, 4
"""ffmpeg's flags of packets: coded without others; decoded, but before the film begins."""

_EVEN_SHARE = 0.98
"""Share of equal gaps between pictures from which their common gap gives the frame rate."""


class FilmError(FileError):
    """A film that cannot be read."""


class _Packets(NamedTuple):
    """Times of a film's pictures."""

    times: np.ndarray
    """[ticks] Ascending."""

    keys: np.ndarray
    """[ticks] Of pictures that are coded without others, ascending."""

    last: int
    """[ticks] Duration of the last picture."""

    tick: Fraction
    """[s]"""

    messages: str
    """What ffmpeg complained about."""


@dataclass(frozen=True)
class Film:
    """A film whose pictures can be read; made by `open_film`."""

    path: Path
    """The file."""

    size: tuple[int, int]
    """[pixels] Width and height of pictures as they are shown: turned, with square pixels."""

    rate: float
    """[Hz] Pictures per second; the most frequent value where the rate varies."""

    frame_count: int
    """Pictures in the file."""

    duration: float
    """[s] From the first picture to the end of the last."""

    variable_rate: bool
    """Pictures are not evenly spaced in time."""

    has_sound: bool
    """The film has a sound track."""

    sha256: str
    """Hash of the file, in hexadecimal digits."""

    start: float = field(default=0.0, repr=False)
    """[s] Time stamp of the first picture in the file."""

    keys: np.ndarray = field(default_factory=lambda: np.zeros(1), repr=False, compare=False)
    """[s] Times of pictures that are coded without others, from which decoding can begin."""

    def times(
        self, start: float = 0.0, stop: float | None = None, rate: float | None = None
    ) -> np.ndarray:
        """Times of the pictures that `frames` gives.

        Args:
            start: first time [s].
            stop: time at which pictures end, itself not included [s]; None for the whole film.
            rate: wanted pictures per second [Hz]; None for all. The film's rate is divided by a
                whole number, so that pictures are those of the film.

        Returns:
            [s] Shape (T,).

        Raises:
            InvalidValue: a time is outside the film, or the rate is not above 0.
        """
        end = self.duration if stop is None else min(stop, self.duration)
        if not (math.isfinite(start) and 0 <= start < self.duration):
            raise InvalidValue("start [s]", start, f"within the film, 0 to {self.duration:.3f}")
        if not (math.isfinite(end) and end > start):
            raise InvalidValue("stop [s]", stop, f"after the start, {start:.3f}")
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise InvalidValue("rate of pictures [Hz]", rate, "a finite number above 0")
        step = self._stride(rate) / self.rate
        # The grid is that of the whole film, so that pieces of it have the same pictures.
        first = math.ceil(start / step - 1e-6)
        last = math.ceil(end / step - 1e-6)
        return np.arange(first, max(last, first + 1)) * step

    def frames(
        self,
        start: float = 0.0,
        stop: float | None = None,
        rate: float | None = None,
        *,
        scale: float = 1.0,
    ) -> Iterator[tuple[float, np.ndarray]]:
        """Pictures of the film, one at a time.

        Args:
            start: first time [s].
            stop: time at which pictures end, itself not included [s]; None for the whole film.
            rate: wanted pictures per second [Hz]; None for all (`times`).
            scale: size of pictures over the film's, above 0 and up to 1.

        Yields:
            The time [s], and the picture. Shape (height, width, 3), uint8, red first. A film may
            lack up to two pictures at its end.

        Raises:
            InvalidValue: an argument is not legal.
            FilmError: the film is damaged, has changed, or ffmpeg hangs.
        """
        if not 0 < scale <= 1:
            raise InvalidValue("scale of pictures", scale, "above 0 and up to 1")
        times = self.times(start, stop, rate)
        width, height = (max(1, round(side * scale)) for side in self.size)
        offset = self.start + float(times[0])
        begin = self._seek(float(times[0]))
        grid = Fraction(self.rate).limit_denominator(100_000)
        filters = [
            f"setpts=PTS-({offset:.9f})/TB",
            f"fps=fps={grid.numerator}/{grid.denominator}:start_time=0:round=near",
            f"select='not(mod(n,{self._stride(rate)}))'",
            f"scale={width}:{height}:flags=area",
        ]
        seek = ["-seek_timestamp", "1", "-ss", f"{begin:.6f}"] if begin > self.start else []
        threads = 2 if math.prod(self.size) <= _THREADED_PICTURE else 1
        command = [*_command("error", threads), "-copyts", *seek, "-i", _name(self.path)]
        command += [
            "-map",
            "0:V:0",
            "-an",
            "-sn",
            "-dn",
            "-vf",
            ",".join(filters),
            "-frames:v",
            str(len(times)),
        ]
        command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        count = 0
        with _running(command, self.path) as process:
            for moment in times:
                interrupts.check()
                content = process.read(width * height * 3)
                if len(content) < width * height * 3:
                    break
                count += 1
                yield float(moment), np.frombuffer(content, np.uint8).reshape(height, width, 3)
        at_end = times[-1] + (1 + _SHORT) / self.rate >= self.duration
        if count < len(times) - (_SHORT if at_end else 0) or not count:
            when = f"{times[min(count, len(times) - 1)]:.2f} s"
            raise FilmError(self.path, f"no picture any more ({process.complaint})", where=when)

    def picture(self, moment: float, *, scale: float = 1.0) -> np.ndarray:
        """The picture at a time. Shape (height, width, 3), uint8, red first.

        Args:
            moment: the time [s].
            scale: size of the picture over the film's, above 0 and up to 1.

        Raises:
            InvalidValue: the time is outside the film.
            FilmError: the film is damaged or has changed.
        """
        step = 1 / self.rate
        last = max(0.0, (round(self.duration * self.rate) - 1 - _SHORT) * step)
        first = moment if moment >= self.duration else min(moment, last)
        for _, picture in self.frames(first, first + 2 * step, scale=scale):
            return picture
        raise FilmError(self.path, "no picture", where=f"{moment:.2f} s")

    def _seek(self, moment: float) -> float:
        """Time stamp [s] to seek for pictures from a time on: before the last key picture.

        Formats without an index are searched by time stamps, not by key pictures; so the place is
        a little earlier.
        """
        before = self.keys[self.keys <= moment]
        return self.start + (float(before[-1]) if len(before) else 0.0) - _SEEK_MARGIN

    def _stride(self, rate: float | None) -> int:
        """Pictures of the film for one that is given."""
        return 1 if rate is None else max(1, round(self.rate / rate))


def open_film(path: str | PathLike[str]) -> Film:
    """Opens a film: reads all time stamps, decodes the first picture and hashes the file.

    Raises:
        FilmError: there is no such file; it is no film, has no picture, is truncated, or is
            larger, longer or faster than `LARGEST_SIDE`, `LONGEST` and `FASTEST` allow.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise FilmError(path, "an empty file")
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        raise FilmError(path, os.strerror(number) if number else str(error)) from error
    header = _header(path)
    packets = _packets(path)
    ticks = packets.times
    span = float((ticks[-1] - ticks[0] + packets.last) * packets.tick)
    if not 0 < span <= LONGEST:
        raise FilmError(path, f"lasts {span:.0f} s; at most {LONGEST:.0f} s")
    rate, variable = _rate(ticks, packets.tick, packets.last)
    if not 0 < rate <= FASTEST:
        raise FilmError(path, f"{rate:.0f} pictures a second; at most {FASTEST:.0f}")
    stated = _stated_duration(header)
    cut = [line for line in packets.messages.splitlines() if _CUT_SHORT.search(line)]
    if cut:
        raise FilmError(path, f"truncated ({_last_line(cut[0])})")
    if span < stated - LARGEST_LOSS - 0.02 * stated:
        raise FilmError(path, f"truncated: its pictures end at {span:.1f} s of {stated:.1f} s")
    return Film(
        path=path,
        size=_first_picture(path),
        rate=rate,
        frame_count=len(ticks),
        duration=span,
        variable_rate=variable,
        has_sound=re.search(r"^  Stream #0:\d+.*: Audio: ", header, re.MULTILINE) is not None,
        sha256=file_sha256(path),
        start=float(int(ticks[0]) * packets.tick),
        keys=(packets.keys - ticks[0]) * float(packets.tick),
    )


def _header(path: Path) -> str:
    """ffmpeg's description of a file that has a picture stream."""
    command = [*_command("info"), "-i", _name(path)]
    with _running(command, path) as process:
        process.read(1)
    header = process.messages
    if not re.search(r"^  Duration: ", header, re.MULTILINE):
        cut = _NO_TABLE.search(header) and "low score" not in header
        problem = "truncated or damaged: its header cannot be read" if cut else "not a film"
        raise FilmError(path, problem)
    streams = re.findall(r"^  Stream #0:\d+.*: Video: .*$", header, re.MULTILINE)
    if all("(attached pic)" in stream for stream in streams):
        raise FilmError(
            path, "no picture stream, only sound" if "Audio:" in header else "not a film"
        )
    return header


def _stated_duration(header: str) -> float:
    """Duration in the header [s], 0 where it has none."""
    text = re.search(r"^  Duration: (\d{1,9}):(\d\d):(\d\d(?:\.\d+)?)", header, re.MULTILINE)
    return 0.0 if text is None else int(text[1]) * 3600 + int(text[2]) * 60 + float(text[3])


def _packets(path: Path) -> _Packets:
    """Time stamps of all pictures, in ascending order, without decoding any of them."""
    command = [*_command("error"), "-copyts", "-i", _name(path), "-map", "0:V:0", "-c", "copy"]
    command += ["-flush_packets", "1", "-f", "framecrc", "pipe:1"]
    times, keys = array("q"), array("q")
    tick = Fraction(0)
    limit = int(LONGEST * FASTEST)
    last, latest = 0, -(2**62)
    with _running(command, path) as process:
        while line := process.line():
            if line.startswith("#tb 0:"):
                tick = Fraction(line[6:].strip())
            row = line.split(",")
            flags = _flags(row)
            if line.startswith("#") or len(row) < 6 or flags & _DISCARDED:
                continue
            # Old formats have only the time of decoding, which comes first.
            stamps = [int(word) for word in row[1:3] if re.fullmatch(r" *-?\d{1,18} *", word)]
            if not stamps or not re.fullmatch(r" *\d{1,18} *", row[3]):
                continue
            if stamps[-1] >= latest:
                latest, last = stamps[-1], int(row[3])
            times.append(stamps[-1])
            if flags & _KEY:
                keys.append(stamps[-1])
            if len(times) > limit:
                raise FilmError(path, f"more than {limit} pictures")
    if not times or not tick:
        raise FilmError(path, f"no pictures ({process.complaint})")
    ticks = np.unique(np.frombuffer(times, dtype="<i8"))
    if len(ticks) < 2:
        raise FilmError(path, "a single picture; a film has two or more")
    starts = np.unique(np.frombuffer(keys, dtype="<i8")) if keys else ticks[:1]
    return _Packets(ticks, starts, max(0, last), tick, process.messages)


def _flags(row: Sequence[str]) -> int:
    """ffmpeg's flags of a packet; it leaves them out of the line where only `_KEY` is set."""
    flags = [int(m[1], 16) for m in (re.match(r" *F=0x([0-9A-Fa-f]{1,8})", w) for w in row) if m]
    return flags[0] if flags else _KEY


def _rate(ticks: np.ndarray, tick: Fraction, last: int) -> tuple[float, bool]:
    """Pictures per second, and whether they are unevenly spaced."""
    gaps, counts = np.unique(np.diff(ticks), return_counts=True)
    common = int(gaps[np.argmax(counts)])
    total = int(ticks[-1] - ticks[0])
    if counts.max() >= _EVEN_SHARE * counts.sum():
        rate = 1 / (common * tick)
    else:
        rate = _common_rate((len(ticks) - 1) / (total * tick), Fraction(1, total))
    grid = np.arange(len(ticks)) / float(rate * tick)
    deviation = (ticks - ticks[0] - grid) * float(rate * tick)
    variable = bool(np.ptp(deviation) > 2 * VARIES)
    if variable:
        rate = 1 / (Fraction(float(np.median(np.diff(ticks)))) * tick)
    return float(rate), variable


def _common_rate(rate: Fraction, error: Fraction) -> Fraction:
    """A whole rate, or one of television (1000/1001 of it), that is within a relative error."""
    for unit in (Fraction(1), Fraction(1000, 1001)):
        whole = round(rate / unit) * unit
        if abs(whole - rate) <= error * rate:
            return whole
    return rate


def _first_picture(path: Path) -> tuple[int, int]:
    """Width and height of the first picture as it is shown."""
    shown = "scale=w='if(between(sar,0.25,4),2*round(iw*sar/2),iw)':h=ih"
    command = [*_command("error"), "-i", _name(path), "-map", "0:V:0", "-an", "-vf", shown]
    command += ["-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"]
    with _running(command, path) as process:
        start = process.read(64)
    numbers = re.match(rb"P6\s+(\d{1,6})\s+(\d{1,6})\s", start)
    if numbers is None:
        raise FilmError(path, f"its first picture cannot be decoded ({process.complaint})")
    size = (int(numbers[1]), int(numbers[2]))
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in size):
        legal = f"{SMALLEST_SIDE} to {LARGEST_SIDE} a side"
        raise FilmError(path, f"pictures of {size[0]} x {size[1]} pixels; legal are {legal}")
    return size


def _name(path: Path) -> str:
    """A file name that ffmpeg takes for nothing else."""
    return f"file:{os.path.abspath(path)}"


def _command(loglevel: str, threads: int = 1) -> list[str]:
    """ffmpeg with the options that bound what it may open and take.

    Every thread of a decoder takes the memory of several pictures.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    return [
        *(get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", loglevel),
        *("-max_alloc", str(_LARGEST_ALLOCATION), "-protocol_whitelist", "file"),
        *("-format_whitelist", ",".join(FORMATS), "-threads", str(threads)),
        *("-max_pixels", str(LARGEST_PICTURE)),
    ]


class _Process:
    """A running ffmpeg: its output is read with patience, its complaints are kept."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self._process = process
        self._path = path
        self._waiting: float | None = None
        self._hung = False
        self._ended = threading.Event()
        self._kept: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._watch, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def messages(self) -> str:
        """What ffmpeg wrote beside its output; complete when the process has ended."""
        return b"".join(self._kept).decode(errors="replace")

    @property
    def complaint(self) -> str:
        """The last line of the messages."""
        return _last_line(self.messages)

    def read(self, count: int) -> bytes:
        """The next bytes of the output; fewer at its end."""
        return self._patiently(lambda: self._output.read(count))

    def line(self) -> str:
        """The next line of the output; empty at its end."""
        return self._patiently(lambda: self._output.readline(1000)).decode(errors="replace")

    def end(self) -> None:
        """Ends the process, its threads and pipes."""
        self._process.kill()
        self._process.wait()
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _patiently(self, read: Callable[[], bytes]) -> bytes:
        self._waiting = time.monotonic()
        content = read()
        self._waiting = None
        if self._hung:
            raise FilmError(self._path, _hangs())
        return content

    def _watch(self) -> None:
        """Ends a process that has sent nothing for too long."""
        while not self._ended.wait(PATIENCE / 20):
            since = self._waiting
            if since is not None and time.monotonic() - since > PATIENCE:
                self._hung = True
                self._process.kill()
                return

    def _listen(self) -> None:
        """Keeps the beginning of the messages and their newest part."""
        assert self._process.stderr is not None
        size = 0
        while block := self._process.stderr.read1(4096):  # type: ignore[attr-defined]
            if size + len(block) > _HEADER_BYTES:
                size -= len(self._kept.pop())
            self._kept.append(block)
            size += len(block)


def _last_line(messages: str) -> str:
    """The last line of ffmpeg's messages, without addresses of its objects."""
    lines = [line for line in messages.splitlines() if line.strip() and "repeated" not in line]
    text = re.sub(r"\[[^]]* @ [^]]*\] ?", "", lines[-1]) if lines else "it ends"
    return "".join(c for c in text if c.isprintable())[:160]


def _hangs() -> str:
    return f"ffmpeg gave nothing for {PATIENCE:.0f} s"


@contextmanager
def _running(command: Sequence[str], path: Path) -> Iterator[_Process]:
    """A process whose output is read in the block, at whose end it is ended."""
    process = _Process(
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ),
        path,
    )
    try:
        yield process
    finally:
        process.end()
