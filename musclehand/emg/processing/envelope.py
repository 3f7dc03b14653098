"""Linear envelopes of raw EMG, and simulated activations through the same low-pass.

Steps: band-pass, optional mains notch, full-wave rectification, low-pass, one scale a channel, a
common rate. Each filter is a zero-phase Butterworth (second-order sections, forward and backward).
One pass of a 2nd-order low-pass would delay by 60 ms at 4 Hz and 40 ms at 6 Hz. That is as much as
the electromechanical delay that is searched. A corner frequency is where both passes together have
lost 3 dB; the single pass is designed for it exactly (Winter, Biomechanics and Motor Control of
Human Movement, gives the same correction for one order; recalled).

Bands: SENIAM 10-20 Hz to near 500 Hz, sampled at 1 kHz or more (Hermens et al. 2000, recalled);
high-pass 20 Hz against movement artefacts (De Luca et al. 2010, J Biomech 43:1573, recalled). An
armband at 200 Hz cannot hold that band: all that it samples above 20 Hz is kept, without an upper
corner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from scipy import signal

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.processing.filtering import (
    bridge_gaps,
    filter_zero_phase,
    highpass_sections,
    lowpass_sections,
    resample,
)
from musclehand.emg.recording import EmgRecording, check_rate

NORMALISATIONS = ("mvc", "reference", "task_p99", "none")
"""Scales of a channel: the maximum of maximal voluntary contractions, the mean of a reference
contraction, the 99th percentile over the task, or 1."""

HIGH_PASS_HZ = 20.0
"""[Hz] lower corner of the band, against movement artefacts (De Luca et al. 2010, recalled)."""

UPPER_CORNER_HZ = 450.0
"""[Hz] upper corner of the band, where the sampling rate has room for it (SENIAM: near 500 Hz)."""


@dataclass(frozen=True)
class EnvelopeConfig:
    """Settings of envelopes. Every value is written into the result.

    Raises:
        InvalidValue: a number that no filter can be made of.
        UnknownName: no such normalisation.
    """

    band: tuple[float | None, float | None] | None = None
    """[Hz] corners of the band-pass, either None for no such corner. None as a whole: 20 to 450 Hz,
    and 20 Hz up for a rate that does not hold 450 Hz."""

    band_order: int = 4
    """Poles of one pass of the band-pass, 1 to 12."""

    notch_hz: float | None = None
    """[Hz] mains frequency to remove; None for no notch."""

    notch_harmonics: int = 1
    """Multiples of mains to remove, as far as the rate reaches (1: mains alone)."""

    notch_q: float = 30.0
    """Frequency of a notch over its width."""

    lowpass_hz: float = 6.0
    """[Hz] low-pass of the envelope."""

    lowpass_order: int = 2
    """Poles of one pass of the low-pass, 1 to 12."""

    normalise: str = "task_p99"
    """One of `NORMALISATIONS`: one scale a channel, never one a trial."""

    fs_out_hz: float = 100.0
    """[Hz] rate of the result, at least 4 times the low-pass."""

    def __post_init__(self) -> None:
        for name in ("band_order", "lowpass_order", "notch_harmonics"):
            if type(getattr(self, name)) is not int or not 1 <= getattr(self, name) <= 12:
                raise InvalidValue(name, getattr(self, name), "a whole number from 1 to 12")
        low, high = self.band or (None, None)
        corners = [
            ("high-pass", low),
            ("upper corner", high),
            ("notch", self.notch_hz),
            ("low-pass", self.lowpass_hz),
        ]
        for name, corner in corners:
            if corner is not None and not (math.isfinite(corner) and corner > 0):
                raise InvalidValue(f"{name} frequency", corner, "above 0 Hz")
        if low is not None and high is not None and low >= high:
            raise InvalidValue("band", self.band, "two frequencies, the first below the second")
        if not (math.isfinite(self.notch_q) and self.notch_q >= 1):
            raise InvalidValue("notch_q", self.notch_q, "at least 1")
        if self.normalise not in NORMALISATIONS:
            raise UnknownName("normalisation", self.normalise, NORMALISATIONS)
        check_rate("rate of the envelope", self.fs_out_hz)
        if self.fs_out_hz < 4 * self.lowpass_hz:
            legal = f"at least 4 times the low-pass frequency, {4 * self.lowpass_hz:g} Hz"
            raise InvalidValue("rate of the envelope", self.fs_out_hz, legal)

    def for_rate(self, fs_hz: float) -> EnvelopeConfig:
        """The same settings, with the band that a recording of this rate gets.

        Raises:
            InvalidValue: a corner is not below half the rate, or the rate is too low for a band at
                all.
        """
        check_rate("sampling rate", fs_hz)
        nyquist = fs_hz / 2
        band = self.band
        if band is None:
            if nyquist < 2 * HIGH_PASS_HZ:
                legal = (
                    f"at least {4 * HIGH_PASS_HZ:g} Hz, or a band must be given (a slower file is "
                    "no raw EMG)"
                )
                raise InvalidValue("sampling rate", fs_hz, legal)
            band = HIGH_PASS_HZ, UPPER_CORNER_HZ if nyquist > UPPER_CORNER_HZ else None
        for corner in (*band, self.notch_hz):
            if corner is not None and corner >= nyquist:
                raise InvalidValue(
                    "filter corner", corner, f"below {nyquist:g} Hz, half the sampling rate"
                )
        _check_lowpass(self.lowpass_hz, fs_hz)
        return replace(self, band=band)


@dataclass(frozen=True, eq=False)
class Envelopes:
    """Envelopes of EMG, or smoothed activations, at one rate.

    Raises:
        InvalidValue: shapes or names that do not belong together, or a rate out of range.
    """

    values: np.ndarray = field(repr=False)
    """At least 0; NaN where the recording has gaps or never varies. Shape (T, K)."""

    fs_hz: float
    """[Hz]"""

    names: tuple[str, ...]
    """Of the columns, K of them."""

    config: EnvelopeConfig
    """Settings that the envelopes were made with."""

    scale: np.ndarray = field(repr=False)
    """Divisor of each column, in the channel's unit. Shape (K,)."""

    start: float = 0.0
    """[s] time of the first row."""

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=float)
        names = tuple(self.names)
        scale = np.asarray(self.scale, float)
        if values.ndim != 2 or values.shape[1] != len(names) or scale.shape != (len(names),):
            shapes = values.shape, scale.shape
            raise InvalidValue(
                "shapes of envelopes", shapes, f"(T, {len(names)}) and ({len(names)},)"
            )
        if len(set(names)) < len(names):
            raise InvalidValue("names of envelopes", names, "used once each")
        check_rate("rate of envelopes", self.fs_hz)
        for name, value in {"values": values, "names": names, "scale": scale}.items():
            object.__setattr__(self, name, value)

    @property
    def time(self) -> np.ndarray:
        """Time of every row [s]. Shape (T,)."""
        return self.start + np.arange(len(self.values)) / self.fs_hz

    def column(self, name: str) -> np.ndarray:
        """One envelope. Shape (T,).

        Raises:
            UnknownName: no such column.
        """
        if name not in self.names:
            raise UnknownName("envelope", name, self.names)
        return np.asarray(self.values[:, self.names.index(name)])

    def select(self, names: Sequence[str]) -> Envelopes:
        """Only these columns, in this order.

        Raises:
            UnknownName: no such column.
        """
        for name in names:
            self.column(name)
        places = [self.names.index(name) for name in names]
        return replace(
            self, values=self.values[:, places], names=tuple(names), scale=self.scale[places]
        )

    def segment(self, begin: float, end: float) -> Envelopes:
        """The rows from `begin` up to before `end` [s]; they keep their times."""
        count = len(self.values)
        first, last = (math.ceil((time - self.start) * self.fs_hz - 1e-6) for time in (begin, end))
        first = min(max(first, 0), count)
        last = min(max(last, 0), count)
        return replace(self, values=self.values[first:last], start=self.start + first / self.fs_hz)


Reference = EmgRecording | Iterable[EmgRecording] | Mapping[str, float]


def envelope(
    recording: EmgRecording, config: EnvelopeConfig, reference: Reference | None = None
) -> Envelopes:
    """Linear envelopes of all channels of a recording.

    Args:
        recording: raw EMG.
        config: filters, scale and rate.
        reference: source of the scale. Recordings of maximal or reference contractions (needed for
            "mvc" and "reference") or of the whole task ("task_p99"; by default the recording
            itself), all with the same channels; or the scale of every channel by name, as
            `find_scale` returns it.

    Raises:
        InvalidValue: the rate does not hold the filters, the reference is missing or has other
            channels.
    """
    resolved = config.for_rate(recording.fs_hz)
    if resolved.normalise == "none":
        scale = np.ones(len(recording.names))
    elif isinstance(reference, Mapping):
        scale = _scale_from(reference, recording.names)
    elif reference is None and resolved.normalise != "task_p99":
        raise InvalidValue(
            "reference", None, f"recordings that give the scale for {resolved.normalise}"
        )
    else:
        recordings = [recording] if reference is None else reference
        scale = _scale_from(find_scale(recordings, config), recording.names)
    values = _smoothed(_rectified(recording, resolved), recording.fs_hz, resolved)
    return Envelopes(
        values=_divide(values, scale),
        fs_hz=resolved.fs_out_hz,
        names=recording.names,
        config=resolved,
        scale=scale,
    )


def find_scale(
    reference: EmgRecording | Iterable[EmgRecording], config: EnvelopeConfig
) -> dict[str, float]:
    """Scale of each channel, from the envelopes of one or several recordings.

    The largest value for "mvc", the mean for "reference", the 99th percentile for "task_p99" of all
    recordings together, 1 for "none". A channel that is always 0 or missing has the scale 0: its
    envelope becomes NaN.

    Raises:
        InvalidValue: no recording, or recordings with different channels.
    """
    recordings = [reference] if isinstance(reference, EmgRecording) else list(reference)
    if not recordings or any(item.names != recordings[0].names for item in recordings):
        raise InvalidValue(
            "reference", [item.names for item in recordings[:3]], "recordings of the same channels"
        )
    names = recordings[0].names
    if config.normalise == "none":
        return dict.fromkeys(names, 1.0)
    parts = []
    for recording in recordings:
        resolved = config.for_rate(recording.fs_hz)
        parts.append(_smoothed(_rectified(recording, resolved), recording.fs_hz, resolved))
    return dict(zip(names, _typical(np.concatenate(parts), config.normalise).tolist(), strict=True))


def smooth_simulated(
    activations: np.ndarray,
    fs_hz: float,
    config: EnvelopeConfig,
    *,
    names: Sequence[str] | None = None,
    start: float = 0.0,
    scale: np.ndarray | None = None,
) -> Envelopes:
    """Simulated activations or excitations through the low-pass of recorded envelopes.

    Activations are fractions of the maximum already, so that "mvc" and "none" leave them as they
    are. "task_p99" and "reference" divide each muscle as a recorded channel would be, by its own
    99th percentile or mean over all rows.

    Args:
        activations: 0..1. Shape (T, m).
        fs_hz: their rate [Hz].
        config: of the recording that they are compared with.
        names: of the muscles; by default their numbers from 1 on.
        start: time of the first row [s].
        scale: another divisor, such as that of the whole task for a part of it. Shape (m,).

    Raises:
        InvalidValue: a shape or a rate that does not fit, or numbers that are infinite.
    """
    values = np.asarray(activations, dtype=float)
    check_rate("rate of activations", fs_hz)
    _check_lowpass(config.lowpass_hz, fs_hz)
    if values.ndim != 2 or len(values) < 1 or np.isinf(values).any():
        raise InvalidValue("activations", values.shape, "finite numbers of shape (T, m)")
    titles = [str(i + 1) for i in range(values.shape[1])] if names is None else list(names)
    smooth = _smoothed(values, fs_hz, config)
    if scale is None:
        scale = (
            _typical(smooth, config.normalise)
            if config.normalise in ("task_p99", "reference")
            else None
        )
    divisor = np.ones(values.shape[1]) if scale is None else np.asarray(scale, dtype=float)
    return Envelopes(
        values=_divide(smooth, divisor),
        fs_hz=config.fs_out_hz,
        names=tuple(titles),
        config=config,
        scale=divisor,
        start=start,
    )


def describe(config: EnvelopeConfig) -> dict[str, Any]:
    """All settings and the kind of the filters, as plain values for a result file."""
    return asdict(config) | {
        "filters": "Butterworth, second-order sections, forward and backward",
        "rectify": "full",
    }


def _rectified(recording: EmgRecording, config: EnvelopeConfig) -> np.ndarray:
    """Band-passed and rectified samples, NaN in long gaps. Shape (T, K)."""
    fs_hz = recording.fs_hz
    low, high = config.band or (None, None)
    values, missing = bridge_gaps(recording.samples, fs_hz)
    stages = []
    if low is not None:
        stages.append((highpass_sections(low, config.band_order, fs_hz), low))
    if high is not None:
        stages.append((lowpass_sections(high, config.band_order, fs_hz), high))
    if config.notch_hz is not None:
        multiples = [n * config.notch_hz for n in range(1, config.notch_harmonics + 1)]
        for mains in (mains for mains in multiples if mains < fs_hz / 2):
            notch = signal.tf2sos(*signal.iirnotch(mains, config.notch_q, fs=fs_hz))
            stages.append((notch, mains / config.notch_q))
    for sections, slowest in stages:
        values = filter_zero_phase(sections, values, fs_hz / slowest, "odd")
    values = np.abs(values if low is not None else values - values.mean(axis=0))
    values[:, _flat(recording.samples)] = 0.0
    values[missing] = np.nan
    return values


def _smoothed(values: np.ndarray, fs_hz: float, config: EnvelopeConfig) -> np.ndarray:
    """Low-passed curves at the rate of the result. Shape (T', K)."""
    filled, missing = bridge_gaps(values, fs_hz)
    sections = lowpass_sections(config.lowpass_hz, config.lowpass_order, fs_hz)
    smooth = filter_zero_phase(sections, filled, fs_hz / config.lowpass_hz, "even")
    return np.maximum(resample(smooth, missing, fs_hz, config.fs_out_hz), 0.0)


def _typical(values: np.ndarray, normalise: str) -> np.ndarray:
    """Scale of each column; 0 where all of it is missing. Shape (K,)."""
    filled = np.where(np.isnan(values).all(axis=0), 0.0, values)
    if normalise == "reference":
        return np.asarray(np.nanmean(filled, axis=0))
    return np.asarray(np.nanpercentile(filled, 100.0 if normalise == "mvc" else 99.0, axis=0))


def _scale_from(scale: Mapping[str, float], names: Sequence[str]) -> np.ndarray:
    absent = [name for name in names if name not in scale]
    if absent:
        raise InvalidValue(
            "reference",
            sorted(scale)[:12],
            f"a scale for every channel; {', '.join(absent)} has none",
        )
    values = np.array([scale[name] for name in names], dtype=float)
    if not (np.isfinite(values) & (values >= 0)).all():
        raise InvalidValue("scale", values.tolist(), "finite and at least 0")
    return values


def _divide(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return values / np.where(scale > 0, scale, np.nan)


def _check_lowpass(corner_hz: float, fs_hz: float) -> None:
    if corner_hz >= fs_hz / 2:
        raise InvalidValue(
            "low-pass frequency", corner_hz, f"below {fs_hz / 2:g} Hz, half the sampling rate"
        )


def _flat(samples: np.ndarray) -> np.ndarray:
    """Which channels never vary: a filter would turn their rounding into noise. Shape (K,)."""
    low = np.nan_to_num(samples, nan=np.inf).min(axis=0)
    high = np.nan_to_num(samples, nan=-np.inf).max(axis=0)
    return np.asarray(high <= low)
