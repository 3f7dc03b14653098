"""Quality control of an EMG recording: is it fit for a comparison?

    report = check_quality(recording)
    report.verdict, report.words

One check a function, each with a verdict and a sentence. Good: nothing was found. Doubtful: usable,
after the sentence has been read. Bad: leave the named channels out, or question the whole file.
Unknown: the recording is too short or too slow for this check. Thresholds are working limits of
this project, named below, not published ones; a source is named where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from musclehand.emg.processing.filtering import bridge_gaps
from musclehand.emg.processing.spectrum import (
    channel_correlations,
    clipped_share,
    constant_share,
    mains_share,
    power_spectrum,
    reaction_lag,
)
from musclehand.emg.recording import COUNTS, EmgRecording

CLIPPED_DOUBTFUL = 0.001
"""Share of samples at a rail from which a channel is doubtful. An armband's wrist movements clip in
0.07 % of the samples."""

CLIPPED_BAD = 0.05
"""Share of samples at a rail from which a channel is bad. An armband's hardest grip clips in 3.8 %
of the samples."""

MAINS_DOUBTFUL = 0.05
"""Share of the power that is mains hum (`spectrum.mains_share`) from which a channel is
doubtful."""

MAINS_BAD = 0.3
"""The same from which a channel is bad."""

RECTIFIED_TAIL = 0.5
"""Reach of rectified samples below their median over that above it: 0.2 for rectified noise, 1 for
raw noise; chosen between them."""

SLOW_DOUBTFUL = 0.5
"""Share of the power below 20 Hz from which a channel is doubtful: movement artefacts are there,
and little surface EMG."""

SLOW_BAD = 0.95
"""The same from which a channel is bad."""

MEDIAN_RANGE = (40.0, 200.0)
"""[Hz] median frequency of surface EMG between 20 and 450 Hz (50 to 150 Hz in most muscles;
recalled)."""

GAP_DOUBTFUL = 0.0
"""Share of missing samples above which a channel is doubtful."""

GAP_BAD = 0.05
"""The same above which a channel is bad."""

FLAT_DOUBTFUL = 0.02
"""Share of the time that a signal is constant, above which a channel is doubtful."""

FLAT_BAD = 0.5
"""The same above which a channel is bad."""

ALIKE_DOUBTFUL = 0.9
"""Correlation of two channels from which the pair is doubtful."""

ALIKE_BAD = 0.999
"""Correlation of two channels from which they are one signal."""

RMS_RANGE = (0.5e-6, 5e-3)
"""[V] rms of surface EMG, from a resting to a very strong muscle (recalled)."""

LOUDNESS_DOUBTFUL = 2.0
"""Loudness of the 90th over that of the 10th percentile, below which activity and rest are not
distinct."""

REACTION = (-0.5, 1.0)
"""[s] activity after a cue; before it where cues come every few seconds and are expected."""

MIN_RATE = 1000.0
"""[Hz] sampling rate that SENIAM and ISEK ask for at least (Hermens et al. 2000, Merletti 1999;
recalled)."""

SPECTRAL_RATE = 500.0
"""[Hz] below this rate half of the band of surface EMG is missing, and its median is not judged."""


class Quality(Enum):
    """Verdict of a check, from best to worst; UNKNOWN is outside of the order."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"
    UNKNOWN = "unknown"


_ORDER = (Quality.UNKNOWN, Quality.GOOD, Quality.DOUBTFUL, Quality.BAD)


@dataclass(frozen=True)
class QualityFinding:
    """Result of one check."""

    check: str
    """Name of the check."""

    quality: Quality
    """Its verdict."""

    words: str
    """The finding in a sentence."""

    channels: tuple[str, ...] = ()
    """Channels that the finding is about."""

    values: tuple[float, ...] = field(default=(), repr=False)
    """The check's number for every channel; empty where it has none."""


@dataclass(frozen=True)
class QualityReport:
    """All findings on a recording."""

    findings: tuple[QualityFinding, ...]
    """One a check, in the order of `CHECKS`."""

    @property
    def verdict(self) -> Quality:
        """The worst verdict of all checks."""
        return max((finding.quality for finding in self.findings), key=_ORDER.index)

    @property
    def bad_channels(self) -> tuple[str, ...]:
        """Channels that some check calls bad."""
        bad = (
            channel
            for finding in self.findings
            if finding.quality is Quality.BAD
            for channel in finding.channels
        )
        return tuple(dict.fromkeys(bad))

    @property
    def words(self) -> str:
        """Advice in a sentence."""
        if self.verdict is Quality.BAD and self.bad_channels:
            return f"Do not compare with {_few(self.bad_channels)}: see its bad findings."
        if self.verdict is Quality.BAD:
            return "Do not compare with this recording before its bad findings are understood."
        if self.verdict is Quality.DOUBTFUL:
            return "Usable; mention the doubtful findings in your methods."
        return "Fit to be compared with."

    def as_json(self) -> dict[str, object]:
        """The report as an object of plain values; null for infinite ones."""
        findings = [
            {
                "check": finding.check,
                "quality": finding.quality.value,
                "words": finding.words,
                "channels": list(finding.channels),
                "values": [
                    value if abs(value) < float("inf") else None for value in finding.values
                ],
            }
            for finding in self.findings
        ]
        return {"verdict": self.verdict.value, "words": self.words, "findings": findings}


def check_quality(recording: EmgRecording) -> QualityReport:
    """Runs all checks on a recording."""
    return QualityReport(tuple(check(recording) for check in CHECKS))


def check_rate_and_length(recording: EmgRecording) -> QualityFinding:
    """Sampling rate: does it hold surface EMG, and is the upper part of its band empty as after
    upsampling?"""
    fs_hz = recording.fs_hz
    seconds = recording.duration
    words = f"{fs_hz:.6g} Hz for {seconds:.1f} s"
    if fs_hz < 80:
        return QualityFinding(
            "sampling", Quality.BAD, f"{words}: too slow for raw EMG; is it an envelope?"
        )
    if seconds < 2.0:
        return QualityFinding("sampling", Quality.DOUBTFUL, f"{words}: too short to say much about")
    frequencies, power = power_spectrum(_filled(recording), fs_hz)
    total = power.sum(axis=1, keepdims=True)
    shares = np.cumsum(np.divide(power, total, out=np.zeros_like(power), where=total > 0), axis=1)
    live = total[:, 0] > 0
    edge = (
        float(frequencies[np.argmax(shares[live] > 0.99999, axis=1)].max())
        if live.any()
        else fs_hz / 2
    )
    if edge < min(0.35 * fs_hz, 400.0):  # surface EMG may end at 450 Hz
        problem = (
            f"{words}, but nothing above {edge:.0f} Hz: filtered hard, or brought to this rate "
            "from a lower one"
        )
        return QualityFinding("sampling", Quality.DOUBTFUL, problem)
    if fs_hz < MIN_RATE:
        advice = f"{words}: envelopes can be used, spectra cannot (surface EMG reaches to 450 Hz)"
        return QualityFinding("sampling", Quality.DOUBTFUL, advice)
    return QualityFinding("sampling", Quality.GOOD, words)


def check_gaps(recording: EmgRecording) -> QualityFinding:
    """Missing samples."""
    shares = recording.gaps.mean(axis=0)
    return _by_share(
        recording,
        "gaps",
        shares,
        limits=(GAP_DOUBTFUL, GAP_BAD),
        bad="samples are missing",
        good="no sample is missing",
    )


def check_flat(recording: EmgRecording) -> QualityFinding:
    """Channels that are constant for a tenth of a second or more: unplugged, or switched off for
    a while."""
    shares = constant_share(_filled(recording), max(3, round(0.1 * recording.fs_hz)))
    return _by_share(
        recording,
        "flat",
        shares,
        limits=(FLAT_DOUBTFUL, FLAT_BAD),
        bad="of the time the signal is constant",
        good="every channel varies",
    )


def check_duplicates(recording: EmgRecording) -> QualityFinding:
    """Pairs of channels with the same signal."""
    names = recording.names
    if len(names) < 2:
        return QualityFinding("duplicates", Quality.UNKNOWN, "a single channel")
    table = np.abs(channel_correlations(_filled(recording)))
    np.fill_diagonal(table, 0.0)
    values = tuple(table.max(axis=0).tolist())
    pairs = [
        (table[i, j], names[i], names[j]) for i, j in np.argwhere(np.triu(table) >= ALIKE_DOUBTFUL)
    ]
    if not pairs:
        return QualityFinding(
            "duplicates", Quality.GOOD, "every channel has a signal of its own", values=values
        )
    largest, first, second = max(pairs)
    same = [pair for pair in pairs if pair[0] >= ALIKE_BAD]
    words = f"{first} and {second} correlate by {largest:.4f}"
    words += (
        ": one signal in two channels"
        if same
        else ": a bridge of gel, a common reference or strong crosstalk"
    )
    channels = tuple(dict.fromkeys(name for pair in (same or pairs) for name in pair[1:]))
    return QualityFinding(
        "duplicates", Quality.BAD if same else Quality.DOUBTFUL, words, channels, values
    )


def check_clipping(recording: EmgRecording) -> QualityFinding:
    """Samples at the ends of the converter's range."""
    shares = clipped_share(recording.samples)
    return _by_share(
        recording,
        "clipping",
        shares,
        limits=(CLIPPED_DOUBTFUL, CLIPPED_BAD),
        bad="of the samples are cut off at the range",
        good="nothing is cut off",
    )


def check_mains(recording: EmgRecording) -> QualityFinding:
    """Mains hum: a spectral line at 50 or 60 Hz. A line beside them hints at a wrong sampling
    rate."""
    if recording.fs_hz < 130 or recording.duration < 4:
        return QualityFinding("mains", Quality.UNKNOWN, "too slow or too short to see mains")
    frequencies, power = power_spectrum(_filled(recording), recording.fs_hz)
    hum = {mains: mains_share(frequencies, power, mains) for mains in (50.0, 60.0)}
    mains, shares = max(hum.items(), key=lambda item: float(item[1].sum()))
    limits = (MAINS_DOUBTFUL, MAINS_BAD)
    bad = f"of the power is mains hum at {mains:.0f} Hz (--notch {mains:.0f} takes it out)"
    return _by_share(recording, "mains", shares, limits=limits, bad=bad, good="little hum")


def _is_rectified(values: np.ndarray) -> bool:
    """Whether values are never below zero and reach less far below their median than above it."""
    if not len(values) or values.min() < 0 or np.ptp(values) == 0:
        return False
    median = float(np.median(values))
    return median - float(values.min()) < RECTIFIED_TAIL * (float(values.max()) - median)


def check_band(recording: EmgRecording) -> QualityFinding:
    """Power below 20 Hz, and signals that never go below zero.

    Counts of a converter around half its range are raw all the same: they reach as far below their
    median as above it.
    """
    rectified = tuple(
        name
        for name, column in zip(recording.names, recording.samples.T, strict=True)
        if _is_rectified(column[np.isfinite(column)])
    )
    if rectified:
        words = f"{', '.join(rectified)} never below zero: rectified already, or an envelope"
        return QualityFinding("band", Quality.BAD, words, rectified)
    if recording.fs_hz < 80 or recording.duration < 2:
        return QualityFinding("band", Quality.UNKNOWN, "too slow or too short for a spectrum")
    frequencies, power = power_spectrum(_filled(recording), recording.fs_hz)
    above_offset = frequencies >= 1.0  # an offset is no artefact
    slow = power[:, above_offset & (frequencies < 20)].sum(axis=1)
    total = power[:, above_offset].sum(axis=1)
    shares = np.divide(slow, total, out=np.zeros_like(slow), where=total > 0)
    bad = "of the power is below 20 Hz: movement of cables and skin, or no raw EMG"
    return _by_share(
        recording,
        "band",
        shares,
        limits=(SLOW_DOUBTFUL, SLOW_BAD),
        bad=bad,
        good="most power is in the band of EMG",
    )


def check_median_frequency(recording: EmgRecording) -> QualityFinding:
    """Median frequency from 20 to 450 Hz."""
    if recording.fs_hz < SPECTRAL_RATE or recording.duration < 2:
        words = f"not judged below {SPECTRAL_RATE:.0f} Hz: half of the band is not there"
        return QualityFinding("median frequency", Quality.UNKNOWN, words)
    frequencies, power = power_spectrum(_filled(recording), recording.fs_hz)
    inside = (frequencies >= 20) & (frequencies <= 450)
    shares = np.cumsum(power[:, inside], axis=1)
    medians = frequencies[inside][np.argmax(shares >= shares[:, -1:] / 2, axis=1)]
    low, high = MEDIAN_RANGE
    odd = [
        name
        for name, median in zip(recording.names, medians, strict=True)
        if not low <= median <= high
    ]
    words = (
        f"{medians.min():.0f} to {medians.max():.0f} Hz; surface EMG has {low:.0f} to {high:.0f} Hz"
    )
    quality = Quality.DOUBTFUL if odd else Quality.GOOD
    return QualityFinding("median frequency", quality, words, tuple(odd), tuple(medians.tolist()))


def check_size(recording: EmgRecording) -> QualityFinding:
    """Amplitude in volts, and whether the loudest tenth of a channel stands out from its
    quietest."""
    values = _filled(recording)
    values = values - values.mean(axis=0)
    rms = np.sqrt((values**2).mean(axis=0))
    volts = np.array([channel.unit == "V" for channel in recording.channels])
    odd = volts & (rms > 0) & ((rms < RMS_RANGE[0]) | (rms > RMS_RANGE[1]))
    if odd.any():
        names = tuple(
            name for name, is_odd in zip(recording.names, odd.tolist(), strict=True) if is_odd
        )
        words = (
            f"{_few(names)}: {rms[odd].min():.2g} to {rms[odd].max():.2g} V rms; is the unit "
            "right? EMG has microvolts"
        )
        return QualityFinding("size", Quality.DOUBTFUL, words, names, tuple(rms.tolist()))
    ratio = _loudness_ratio(values, recording.fs_hz)
    if ratio is None:
        return QualityFinding(
            "size",
            Quality.UNKNOWN,
            "too short to tell activity from rest",
            values=tuple(rms.tolist()),
        )
    dull = tuple(
        name
        for name, loudness in zip(recording.names, ratio.tolist(), strict=True)
        if loudness < LOUDNESS_DOUBTFUL
    )
    unit = "counts" if recording.channels[0].unit == COUNTS else recording.channels[0].unit
    words = f"{rms.min():.3g} to {rms.max():.3g} {unit} rms"
    if dull:
        words += f"; {_few(dull)} hardly louder at work than at rest"
    return QualityFinding(
        "size", Quality.DOUBTFUL if dull else Quality.GOOD, words, dull, tuple(ratio.tolist())
    )


def _loudness_ratio(values: np.ndarray, fs_hz: float) -> np.ndarray | None:
    """90th over 10th percentile of the rms in blocks of 0.25 s. Shape (K,); None for fewer than 8
    blocks."""
    step = max(1, round(0.25 * fs_hz))
    blocks = len(values) // step
    if blocks < 8:
        return None
    loudness = np.sqrt((values[: blocks * step].reshape(blocks, step, -1) ** 2).mean(axis=1))
    quiet, strong = np.percentile(loudness, (10, 90), axis=0)
    return np.divide(strong, quiet, out=np.full(values.shape[1], np.inf), where=quiet > 0)


def check_sync(recording: EmgRecording) -> QualityFinding:
    """Do events and other series lie within the recording, and does activity follow the events?"""
    end = recording.duration
    beyond = sum(1 for event in recording.events if event.onset < -0.5 or event.offset > end + 0.5)
    apart = [
        name
        for name, series in recording.extra.items()
        if len(series.time)
        and (abs(series.time[0]) > 0.5 or abs(series.time[-1] - end) > max(0.5, 0.02 * end))
    ]
    if beyond or apart:
        parts = [f"{beyond} events outside the recording"] if beyond else []
        parts += [f"{_few(tuple(apart))} of another length than the EMG"] if apart else []
        return QualityFinding("sync", Quality.DOUBTFUL, "; ".join(parts))
    lag = reaction_lag(recording)
    if lag is None:
        return _unknown_sync(recording)
    words = f"activity follows the events by {lag:.2f} s"
    if not REACTION[0] <= lag <= REACTION[1]:
        words += ": no reaction takes that long; are the clocks the same?"
        return QualityFinding("sync", Quality.DOUBTFUL, words)
    return QualityFinding("sync", Quality.GOOD, words)


def _unknown_sync(recording: EmgRecording) -> QualityFinding:
    if recording.events:
        words = "activity does not follow the events clearly"
    elif recording.extra:
        words = "series as long as the EMG"
    else:
        words = "no events to line the signal up with"
    return QualityFinding("sync", Quality.UNKNOWN, f"{words}; a common clock is for you to state")


CHECKS: tuple[Callable[[EmgRecording], QualityFinding], ...] = (
    *(check_rate_and_length, check_gaps, check_flat, check_duplicates, check_clipping),
    *(check_mains, check_band, check_median_frequency, check_size, check_sync),
)
"""All checks, in the order of the report."""


def _by_share(
    recording: EmgRecording,
    check: str,
    shares: np.ndarray,
    *,
    limits: tuple[float, float],
    bad: str,
    good: str,
) -> QualityFinding:
    """A finding by the affected share of each channel; `limits` of doubtful and bad."""
    worst = float(shares.max())
    doubtful_from, bad_from = limits
    if worst <= doubtful_from:
        return QualityFinding(
            check, Quality.GOOD, f"{good} ({worst:.2%} at most)", values=tuple(shares.tolist())
        )
    quality = Quality.DOUBTFUL if worst <= bad_from else Quality.BAD
    limit = bad_from if quality is Quality.BAD else doubtful_from
    names = tuple(
        name for name, share in zip(recording.names, shares.tolist(), strict=True) if share > limit
    )
    return QualityFinding(
        check, quality, f"{_few(names)}: up to {worst:.2%} {bad}", names, tuple(shares.tolist())
    )


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _filled(recording: EmgRecording) -> np.ndarray:
    """Samples interpolated over gaps. Shape (T, K)."""
    return bridge_gaps(recording.samples, recording.fs_hz)[0]
