"""Forward model of surface EMG from muscle activations: ground truth for testing the comparison.

Each muscle is a pool of motor units, recruited in order of size and firing faster as activation
grows (Fuglevand, Winter and Patla 1993, J. Neurophysiol. 70:2470; the numbers recalled). Their
potentials add up to interference noise, whose amplitude follows activation. A surface electrode
picks up every muscle, less with distance (a power law), plus some leakage from its neighbours,
mains hum and noise of its own. The EMG begins `lead_s` before the activation that it belongs to.

It is a model of signals, not of tissue. Potentials have one shape for all electrodes, muscles are
points in a round forearm, there is no fatigue, and electrodes do not move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import fft, signal

from musclehand.core.errors import InvalidValue
from musclehand.emg.recording import Channel, EmgRecording, Event

MIN_INTERNAL_HZ = 2000.0
"""[Hz] motor units fire on a grid at least this fine."""

REFERENCE_DISTANCE = 0.010
"""[m] distance of a muscle from the electrode at which its gain is 1."""

# The pool of Fuglevand, Winter and Patla (1993), its numbers recalled.
_UNITS = 40
_SMALLEST_THRESHOLD = 0.01  # of activation
_LARGEST_THRESHOLD = 0.60  # of activation
_FORCE_RANGE = 100.0  # twitch force of the largest over that of the smallest unit
_LOWEST_RATE = 8.0  # [1/s]
_HIGHEST_RATE = 35.0  # [1/s]
_RATE_RANGE = 0.40  # of activation, from the lowest to the highest rate
_INTERVAL_VARIATION = 0.2  # standard deviation of intervals over their mean
_POTENTIAL_SECONDS = (0.003, 0.005)  # length of potentials of large and small units [s]
_DRIVE_HZ = 200.0  # rate at which firing rates follow the drive [Hz]


class Source(NamedTuple):
    """A muscle in the cross section of the forearm."""

    name: str
    """Of the muscle, without side."""

    angle: float
    """[rad] round the forearm."""

    depth: float
    """[m] under the skin."""


class Electrode(NamedTuple):
    """A pair of electrodes on the skin."""

    name: str
    """Of the channel."""

    angle: float
    """[rad] round the forearm."""

    muscle: str | None = None
    """Target muscle; None where there is none."""


@dataclass(frozen=True)
class ForwardConfig:
    """Settings of the forward model, from activation to file.

    Raises:
        InvalidValue: a number outside its range.
    """

    fs_hz: float = 1000.0
    """[Hz] sampling rate of the file."""

    lead_s: float = 0.060
    """[s] by which EMG leads activation."""

    forearm_radius: float = 0.040
    """[m]"""

    decay: float = 2.5
    """Power of the distance by which gain falls (bipolar surface electrodes: 2 to 3, recalled)."""

    full_v: float = 1e-3
    """[V] rms of a fully active muscle at `REFERENCE_DISTANCE`."""

    leakage: float = 0.02
    """Share of a channel that is the mean of all channels."""

    mains_hz: float = 50.0
    """[Hz] frequency of the mains hum."""

    mains_v: float = 3e-6
    """[V] amplitude of the mains hum."""

    noise_v: float = 2e-6
    """[V] rms of the electrode's noise."""

    bits: int = 16
    """Resolution of the converter."""

    range_v: float = 5e-3
    """[V] the converter clips beyond plus and minus this voltage."""

    def __post_init__(self) -> None:
        for name in ("fs_hz", "forearm_radius", "decay", "full_v", "range_v"):
            if not 0 < getattr(self, name) < np.inf:
                raise InvalidValue(name, getattr(self, name), "finite and above 0")
        for name in ("mains_hz", "mains_v", "noise_v"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InvalidValue(name, getattr(self, name), "finite and 0 or more")
        if not 0 <= self.leakage <= 1:
            raise InvalidValue("leakage", self.leakage, "0 to 1")
        if not -1 < self.lead_s < 1:
            raise InvalidValue("lead_s", self.lead_s, "within a second")
        if not 4 <= self.bits <= 32:
            raise InvalidValue("bits", self.bits, "4 to 32")


class SyntheticEmg(NamedTuple):
    """A synthetic recording and the truth about it."""

    recording: EmgRecording
    """The recording."""

    mixing: np.ndarray
    """[V] gain of each muscle in each channel. Shape (K, M)."""

    amplitude: np.ndarray
    """[V] expected rms of each channel. Shape (T, K)."""

    muscles: tuple[str, ...]
    """Names of the columns of `mixing`."""

    lead_s: float
    """[s] by which EMG leads activation."""


def mixing_matrix(
    electrodes: Sequence[Electrode], sources: Sequence[Source], config: ForwardConfig | None = None
) -> np.ndarray:
    """Gain of each muscle in each electrode: (`REFERENCE_DISTANCE` / distance) ** decay, and
    leakage.

    Args:
        electrodes: K of them.
        sources: muscles, M of them.
        config: radius, decay and leakage.

    Returns:
        Shape (K, M).

    Raises:
        InvalidValue: a muscle that is not under the skin.
    """
    config = config or ForwardConfig()
    radius = config.forearm_radius
    depths = np.array([source.depth for source in sources])
    if not ((depths > 0) & (depths <= radius)).all():
        raise InvalidValue(
            "depth of a muscle", depths.tolist(), f"above 0 and at most the radius, {radius:g} m"
        )
    skin = radius * np.exp(1j * np.array([electrode.angle for electrode in electrodes]))
    inside = (radius - depths) * np.exp(1j * np.array([source.angle for source in sources]))
    gains = (REFERENCE_DISTANCE / np.abs(skin[:, None] - inside[None])) ** config.decay
    return np.asarray((1 - config.leakage) * gains + config.leakage * gains.mean(axis=0))


def simulate_emg(
    activations: np.ndarray,
    fs_hz: float,
    sources: Sequence[Source],
    electrodes: Sequence[Electrode],
    rng: np.random.Generator,
    *,
    config: ForwardConfig | None = None,
    events: Sequence[Event] = (),
) -> SyntheticEmg:
    """Synthetic EMG of muscles with these activations.

    Args:
        activations: of the muscles in `sources`, 0..1. Shape (T, M).
        fs_hz: rate of the activations [Hz].
        sources: the muscles, in the order of the columns.
        electrodes: one for each channel.
        rng: draws firing times, potentials, the phase of the hum and noise.
        config: settings of the model.
        events: copied to the recording.

    Raises:
        InvalidValue: activations that are not finite, outside 0..1 or not of this shape.
    """
    config = config or ForwardConfig()
    act = np.asarray(activations, dtype=np.float64)
    if act.ndim != 2 or act.shape[1] != len(sources) or len(act) < 2 or not np.isfinite(act).all():
        raise InvalidValue(
            "activations", act.shape, f"finite, of shape (T, {len(sources)}), T at least 2"
        )
    if act.min() < 0 or act.max() > 1:
        raise InvalidValue("activations", (float(act.min()), float(act.max())), "0 to 1")
    factor = int(np.ceil(MIN_INTERNAL_HZ / config.fs_hz))
    count = round(len(act) / fs_hz * config.fs_hz)
    fine = np.arange(count * factor) / (config.fs_hz * factor)
    times = np.arange(len(act)) / fs_hz
    drive = np.stack([np.interp(fine + config.lead_s, times, column) for column in act.T], axis=1)
    mixing = mixing_matrix(electrodes, sources, config) * config.full_v
    muscle_noise = np.stack(
        [motor_unit_noise(column, config.fs_hz * factor, rng) for column in drive.T], axis=1
    )
    mixed = muscle_noise @ mixing.T
    samples = signal.resample_poly(mixed, 1, factor, axis=0)[:count] if factor > 1 else mixed
    amplitude = np.sqrt(np.square(expected_amplitude(drive[::factor])) @ np.square(mixing.T))
    recording = EmgRecording(
        samples=_digitised(samples, config, rng),
        fs_hz=config.fs_hz,
        channels=tuple(
            Channel(electrode.name, muscle=electrode.muscle, site=electrode.name)
            for electrode in electrodes
        ),
        events=tuple(events),
        provenance={"source": "forward model of musclehand", "parameters": repr(config)},
        licence="CC0-1.0",
    )
    return SyntheticEmg(
        recording=recording,
        mixing=mixing,
        amplitude=amplitude,
        muscles=tuple(source.name for source in sources),
        lead_s=config.lead_s,
    )


def motor_unit_noise(drive: np.ndarray, fs_hz: float, rng: np.random.Generator) -> np.ndarray:
    """Interference EMG of one muscle, with an rms of 1 when it is fully active.

    Motor units fire at gamma-distributed intervals; their potentials have the shape of the second
    derivative of a Gaussian.

    Args:
        drive: activation, 0..1. Shape (T,).
        fs_hz: rate of the drive and of the result [Hz].
        rng: draws intervals and signs of potentials.

    Returns:
        Shape (T,).
    """
    sizes, _, lengths = _pool()
    # Longer than the drive, so that the end does not reach the start.
    count = fft.next_fast_len(
        len(drive) + int(np.ceil(8 * max(_POTENTIAL_SECONDS) * fs_hz)), real=True
    )
    frequencies = fft.rfftfreq(count, 1 / fs_hz)
    total = np.zeros(len(frequencies), dtype=complex)
    shape = 1 / _INTERVAL_VARIATION**2
    stride = max(int(fs_hz / _DRIVE_HZ), 1)
    places = np.minimum(np.arange(0, len(drive) + stride, stride), len(drive))
    rates = firing_rates(drive[np.minimum(places, len(drive) - 1)])
    steps = 0.5 * (rates[1:] + rates[:-1]) * np.diff(places)[:, None] / fs_hz
    for size, length, step in zip(sizes, lengths, steps.T, strict=True):
        expected = np.concatenate([[0.0], np.cumsum(step)])
        if expected[-1] < 1e-6:
            continue
        intervals = rng.gamma(shape, 1 / shape, size=int(expected[-1] * 1.3 + 20))
        marks = np.cumsum(intervals) - rng.uniform()
        fired = np.interp(marks[(marks > 0) & (marks < expected[-1])], expected, places).astype(int)
        impulses = np.bincount(fired, minlength=count).astype(float)
        total += (
            rng.choice((-1.0, 1.0))
            * fft.rfft(impulses)
            * _potential(size, length, frequencies)
            * fs_hz
        )
    return np.asarray(fft.irfft(total, count)[: len(drive)] / _full_amplitude())


def expected_amplitude(drive: np.ndarray) -> np.ndarray:
    """rms of `motor_unit_noise` at constant activation, by Campbell's theorem.

    It is the root of the sum over motor units of firing rate times energy of the potential.

    Args:
        drive: activation, 0..1. Shape (...).

    Returns:
        0 to 1. Shape (...).
    """
    sizes, _, lengths = _pool()
    power = firing_rates(drive) @ (np.square(sizes) * _unit_energy(lengths))
    return np.asarray(np.sqrt(power) / _full_amplitude())


def firing_rates(drive: np.ndarray) -> np.ndarray:
    """Firing rates of the motor units [1/s], 0 below their thresholds. Shape (..., units)."""
    _, thresholds, _ = _pool()
    above = np.asarray(drive)[..., None] - thresholds
    slope = (_HIGHEST_RATE - _LOWEST_RATE) / _RATE_RANGE
    return np.where(above >= 0, np.minimum(_LOWEST_RATE + slope * above, _HIGHEST_RATE), 0.0)


def _pool() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes, recruitment thresholds (activation) and lengths of potentials [s], each (units,),
    small units first."""
    position = np.linspace(0, 1, _UNITS)
    sizes = np.sqrt(_FORCE_RANGE) ** position
    thresholds = _SMALLEST_THRESHOLD * (_LARGEST_THRESHOLD / _SMALLEST_THRESHOLD) ** position
    longest = max(_POTENTIAL_SECONDS)
    shortest = min(_POTENTIAL_SECONDS)
    return sizes, thresholds, longest - (longest - shortest) * position


def _full_amplitude() -> float:
    sizes, _, lengths = _pool()
    return float(np.sqrt(firing_rates(np.array(1.0)) @ (np.square(sizes) * _unit_energy(lengths))))


def _potential(size: float, length: float, frequencies: np.ndarray) -> np.ndarray:
    """Fourier transform of size (1 - 2 x^2) exp(-x^2), x = t / length, at frequencies [Hz]; in
    closed form [s]."""
    squared = np.square(np.pi * frequencies * length)
    return np.asarray(2 * size * length * np.sqrt(np.pi) * squared * np.exp(-squared))


def _unit_energy(lengths: np.ndarray) -> np.ndarray:
    """Integral of the squared potential of size 1 [s]: 3/4 sqrt(pi/2) of its length."""
    return 0.75 * np.sqrt(np.pi / 2) * lengths


def _digitised(samples: np.ndarray, config: ForwardConfig, rng: np.random.Generator) -> np.ndarray:
    """Samples with hum, noise, quantisation and clipping of the converter [V]. Shape (T, K)."""
    time = np.arange(len(samples))[:, None] / config.fs_hz
    phase = rng.uniform(0, 2 * np.pi, size=samples.shape[1])
    turns = 2 * np.pi * config.mains_hz * time + phase
    hum = config.mains_v * (
        np.sin(turns) + (0.2 * np.sin(3 * turns) if 3 * config.mains_hz < config.fs_hz / 2 else 0.0)
    )
    noisy = samples + hum + config.noise_v * rng.standard_normal(samples.shape)
    step = 2 * config.range_v / 2**config.bits
    return np.asarray(
        np.clip(np.round(noisy / step) * step, -config.range_v, config.range_v - step)
    )
