"""One EMG recording: samples of all channels, events, and series measured beside it.

All readers return this type, and all processing takes it. Times are seconds from the first sample.
A missing sample is NaN; no other value that is not finite is legal. The names of the fields follow
EMG-BIDS (BIDS 1.11, BEP 042) where it has them: `Channel` is a row of channels.tsv, `Event` one of
events.tsv.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import FileError, InvalidValue, UnknownName

COUNTS = "counts"
"""Unit of samples that are numbers of an analogue-digital converter of unknown gain."""

MAX_RATE = 1e6
"""[Hz] highest sampling rate of any EMG."""

MAX_VALUES = 200_000_000
"""Most numbers that a recording may have: 16 channels at 2 kHz for 1.7 hours, 1.6 GB in memory."""

_MAX_TEXT = 2000


class EmgFileError(FileError):
    """A file of EMG, motion or force that cannot be used. Names the file, the place in it and the
    problem."""


@dataclass(frozen=True)
class Channel:
    """One pair of electrodes.

    Raises:
        InvalidValue: a text that is empty or not printable, or no side.
    """

    name: str
    """In the file."""

    muscle: str | None = None
    """Target muscle; None where it is not known or there is none (an armband)."""

    site: str | None = None
    """Placement on the skin."""

    side: Side | None = None
    """Of the body."""

    unit: str = "V"
    """Of the samples: "V" or "counts", or any unit of an analogue channel that is no EMG."""

    def __post_init__(self) -> None:
        for name in ("name", "muscle", "site", "unit"):
            value = getattr(self, name)
            if name in ("muscle", "site") and value is None:
                continue
            check_text(f"channel {name}", value)
        if self.side is not None and not isinstance(self.side, Side):
            raise InvalidValue("channel side", self.side, "Side.RIGHT, Side.LEFT or None")


@dataclass(frozen=True)
class Event:
    """A labelled stretch of time: a movement, a note, a trigger.

    Raises:
        InvalidValue: a time that is not finite, a duration below 0, or a label that is not
            printable.
    """

    onset: float
    """[s] from the first sample."""

    duration: float
    """[s] at least 0."""

    label: str
    """Name of the movement, note or trigger."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.onset) and math.isfinite(self.duration) and self.duration >= 0):
            raise InvalidValue(
                "event",
                (self.onset, self.duration),
                "a time and a duration of at least 0, in seconds",
            )
        check_text("event label", self.label)

    @property
    def offset(self) -> float:
        """End of the event [s]."""
        return self.onset + self.duration


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """Motion, force or another quantity measured beside the EMG, with its own times.

    Raises:
        InvalidValue: shapes or names that do not belong together, or times that are not finite or
            go back.
    """

    time: np.ndarray = field(repr=False)
    """[s] from the first EMG sample, never going back. Shape (n,)."""

    values: np.ndarray = field(repr=False)
    """A column for each name; NaN where nothing was measured. Shape (n, m)."""

    names: tuple[str, ...]
    """Of the columns, m of them."""

    units: tuple[str, ...] = ()
    """Of the columns, m of them; empty where they are not known."""

    def __post_init__(self) -> None:
        time = _frozen(self.time)
        values = _frozen(self.values)
        names = tuple(self.names)
        units = tuple(self.units)
        if time.ndim != 1 or values.shape != (len(time), len(names)):
            legal = f"(n,) and (n, {len(names)}) for {len(names)} names"
            raise InvalidValue("shapes of time and values", (time.shape, values.shape), legal)
        if not np.isfinite(time).all() or (np.diff(time) < 0).any():
            raise InvalidValue(
                "times of a series", "not ordered", "finite seconds that never go back"
            )
        if np.isinf(values).any():
            raise InvalidValue(
                "values of a series",
                "infinite",
                "finite numbers, or NaN where nothing was measured",
            )
        for name in names:
            check_text("name of a column", name)
        _check_unique("names of the columns", names)
        if units and len(units) != len(names):
            raise InvalidValue(
                "units of a series", units, f"one for each of {len(names)} columns, or none"
            )
        checked = {"time": time, "values": values, "names": names, "units": units}
        for attribute, value in checked.items():
            object.__setattr__(self, attribute, value)

    def column(self, name: str) -> np.ndarray:
        """The values of one column. Shape (n,).

        Raises:
            UnknownName: no such column.
        """
        if name not in self.names:
            raise UnknownName("column", name, self.names)
        return np.asarray(self.values[:, self.names.index(name)])

    @property
    def fs_hz(self) -> float:
        """Rate of the median step [Hz]; NaN for fewer than two rows or times that stand still."""
        step = float(np.median(np.diff(self.time))) if len(self.time) > 1 else 0.0
        return 1.0 / step if step > 0 else math.nan


@dataclass(frozen=True, eq=False)
class EmgRecording:
    """Samples of K channels at one rate, with events, series and metadata.

    Raises:
        InvalidValue: a shape, rate or name out of order, or samples that are infinite.
    """

    samples: np.ndarray = field(repr=False)
    """In the channels' units, NaN where a sample is missing; read-only 8-byte floats. Shape (T,
    K)."""

    fs_hz: float
    """[Hz] sampling rate."""

    channels: tuple[Channel, ...]
    """One for each column."""

    events: tuple[Event, ...] = field(default=(), repr=False)
    """Sorted by onset."""

    extra: Mapping[str, TimeSeries] = field(default_factory=dict, repr=False)
    """Kinematics, force and other series by name."""

    subject: str = ""
    """As the data set names the person."""

    session: str = ""
    """As the data set names the session."""

    provenance: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Source and processing; keys are free (source, file, reader, note ...)."""

    licence: str = ""
    """Of the data."""

    def __post_init__(self) -> None:
        channels = tuple(self.channels)
        check_rate("sampling rate", self.fs_hz)
        shape = np.shape(self.samples)
        if len(shape) != 2 or shape[0] < 1 or shape[1] != len(channels) or not channels:
            raise InvalidValue(
                "shape of samples", shape, f"(T, {len(channels)}), a column for each channel"
            )
        if math.prod(shape) > MAX_VALUES:
            raise InvalidValue("number of samples", math.prod(shape), f"at most {MAX_VALUES}")
        samples = _frozen(self.samples)
        if np.isinf(samples).any():
            raise InvalidValue(
                "samples", "infinite", "finite numbers, or NaN where a sample is missing"
            )
        _check_unique("names of the channels", [channel.name for channel in channels])
        for name in ("subject", "session", "licence"):
            check_text(name, getattr(self, name), empty=True)
        for key, words in dict(self.provenance).items():
            check_text("provenance", key)
            check_text(f"provenance of {key}", words, empty=True)
        for name, series in dict(self.extra).items():
            check_text("name of a series", name)
            if "/" in name or not name.strip(".") or not isinstance(series, TimeSeries):
                raise InvalidValue("series", name, "a TimeSeries, under a name without slashes")
        events = tuple(
            sorted(self.events, key=lambda event: (event.onset, event.duration, event.label))
        )
        checked: dict[str, object] = {
            "samples": samples,
            "fs_hz": float(self.fs_hz),
            "channels": channels,
            "events": events,
            "extra": MappingProxyType(dict(self.extra)),
            "provenance": MappingProxyType(dict(self.provenance)),
        }
        for attribute, value in checked.items():
            object.__setattr__(self, attribute, value)

    @property
    def duration(self) -> float:
        """Number of samples over the rate [s]."""
        return len(self.samples) / self.fs_hz

    @property
    def time(self) -> np.ndarray:
        """Time of every sample [s], from 0 on. Shape (T,)."""
        return np.arange(len(self.samples)) / self.fs_hz

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(channel.name for channel in self.channels)

    @property
    def gaps(self) -> np.ndarray:
        """Which samples are missing. Shape (T, K)."""
        return np.asarray(np.isnan(self.samples))

    def channel(self, name: str) -> np.ndarray:
        """The samples of one channel. Shape (T,).

        Raises:
            UnknownName: no such channel.
        """
        return np.asarray(self.samples[:, self.place(name)])

    def place(self, name: str) -> int:
        """Column of a channel.

        Raises:
            UnknownName: no such channel.
        """
        if name not in self.names:
            raise UnknownName("channel", name, self.names)
        return self.names.index(name)

    def select(self, names: Sequence[str]) -> EmgRecording:
        """The same recording with only these channels, in this order.

        Raises:
            UnknownName: no such channel.
        """
        places = [self.place(name) for name in names]
        return replace(
            self, samples=self.samples[:, places], channels=tuple(self.channels[i] for i in places)
        )

    def with_samples(self, samples: np.ndarray, fs_hz: float) -> EmgRecording:
        """The same recording with other samples of the same channels, such as filtered ones.

        Args:
            samples: Shape (T', K).
            fs_hz: their rate [Hz].

        Raises:
            InvalidValue: another number of channels, or samples out of order.
        """
        return replace(self, samples=samples, fs_hz=fs_hz)

    def segment(self, begin: float, end: float) -> EmgRecording:
        """The samples from `begin` [s] up to before `end` [s].

        Times count from the first sample of the segment. Events are cut at its ends; series keep
        the rows inside.

        Raises:
            InvalidValue: there is no sample between the two times.
        """
        if not (math.isfinite(begin) and math.isfinite(end)):
            raise InvalidValue("segment", (begin, end), "two times in seconds")
        # A begin on the grid must not lose its sample to rounding.
        first, last = (
            math.ceil(time * self.fs_hz - 1e-6)
            for time in (max(begin, 0.0), min(end, self.duration))
        )
        if first >= last:
            raise InvalidValue(
                "segment",
                (begin, end),
                f"times between 0 and {self.duration:g} s, the first below the second",
            )
        start = first / self.fs_hz
        stop = last / self.fs_hz
        events = []
        for event in self.events:
            low = max(event.onset, start)
            high = min(event.offset, stop)
            if low < high or (event.duration == 0 and start <= event.onset < stop):
                events.append(Event(low - start, high - low, event.label))
        extra = {name: _cut(series, start, stop) for name, series in self.extra.items()}
        return replace(self, samples=self.samples[first:last], events=tuple(events), extra=extra)


def check_rate(thing: str, fs_hz: object) -> None:
    """Checks a sampling rate.

    Raises:
        InvalidValue: not a finite number above 0 and up to `MAX_RATE`.
    """
    if isinstance(fs_hz, bool) or not isinstance(fs_hz, int | float | np.floating | np.integer):
        raise InvalidValue(thing, fs_hz, "a number [Hz]")
    if not (math.isfinite(fs_hz) and 0 < fs_hz <= MAX_RATE):
        raise InvalidValue(thing, fs_hz, f"above 0 and at most {MAX_RATE:g} Hz")


def check_text(thing: str, text: object, *, empty: bool = False) -> None:
    """Checks a text that goes into tables and files.

    Args:
        thing: its name, for the message.
        text: the text.
        empty: whether an empty text is legal.

    Raises:
        InvalidValue: no text, an empty or a very long one, or one that is not printable.
    """
    if (
        not isinstance(text, str)
        or not text.isprintable()
        or len(text) > _MAX_TEXT
        or not (text or empty)
    ):
        shown = text if not isinstance(text, str) or len(text) <= 80 else f"{text[:80]}..."
        raise InvalidValue(
            thing, shown, f"{'up to' if empty else '1 to'} {_MAX_TEXT} printable characters"
        )


def _check_unique(thing: str, names: Sequence[str]) -> None:
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise InvalidValue(thing, repeated[:5], "used once each")


def _frozen(values: np.ndarray) -> np.ndarray:
    copy = np.array(values, dtype=np.float64, order="C")
    copy.flags.writeable = False
    return copy


def _cut(series: TimeSeries, start: float, stop: float) -> TimeSeries:
    inside = (series.time >= start) & (series.time < stop)
    return replace(series, time=series.time[inside] - start, values=series.values[inside])
