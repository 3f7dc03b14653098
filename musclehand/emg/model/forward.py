"""From muscle activations to the EMG they would give: the oracle of the comparison, because here
the truth is known.

Each muscle is a pool of motor units that are recruited in order of size and fire faster as
activation grows (the pool of Fuglevand, Winter and Patla 1993, J. Neurophysiol. 70:2470; its
numbers recalled). Their potentials add up to the noise that EMG is, whose amplitude follows
activation. A surface electrode hears every muscle, the deep and distant ones less (power of the
distance), its neighbours a little, mains hum and its own noise. All of that begins `lead_s` before
the activation that it belongs to.

It is a model of signals, not of tissue: potentials are of one shape for all electrodes, muscles are
points in a round forearm, nobody tires, and electrodes stay where they are.
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
"""Motor units fire on a grid at least this fine [Hz]."""

REFERENCE_DISTANCE = 0.010
"""A muscle this far from the electrode is heard with gain 1 [m]."""

_UNITS = 40
_SMALLEST_THRESHOLD = 0.01
_LARGEST_THRESHOLD = 0.60
_FORCE_RANGE = 100.0
_LOWEST_RATE = 8.0
_HIGHEST_RATE = 35.0
_RATE_AT = 0.40
_INTERVAL_VARIATION = 0.2
_POTENTIAL_SECONDS = (0.003, 0.005)
_DRIVE_HZ = 200.0


class Source(NamedTuple):
    """A muscle in the cross section of the forearm: `angle` [rad] round it, `depth` [m] under
    the skin."""

    name: str
    angle: float
    depth: float


class Electrode(NamedTuple):
    """A pair of electrodes on the skin at `angle` [rad], and which `muscle` it is meant for, if
    one."""

    name: str
    angle: float
    muscle: str | None = None


@dataclass(frozen=True)
class ForwardConfig:
    """What is between activation and file.

    `fs_hz` of the file; `lead_s` [s] by which EMG leads activation; `forearm_radius` [m]; `decay`,
    power of the distance (bipolar surface electrodes: 2 to 3, recalled); `full_v` [V] rms of a
    fully active muscle at `REFERENCE_DISTANCE`; `leakage`, share that an electrode takes from the
    mean of all; `mains_hz`, `mains_v` [V] amplitude; `noise_v` [V] rms; `bits` and `range_v` [V] of
    the converter, which clips beyond plus and minus `range_v`.
    """

    fs_hz: float = 1000.0
    lead_s: float = 0.060
    forearm_radius: float = 0.040
    decay: float = 2.5
    full_v: float = 1e-3
    leakage: float = 0.02
    mains_hz: float = 50.0
    mains_v: float = 3e-6
    noise_v: float = 2e-6
    bits: int = 16
    range_v: float = 5e-3

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
    """A recording and the truth about it: `mixing` (K, M), gain of each muscle in each channel;
    `amplitude` (T, K) [V], rms that each channel is expected to have; `muscles` names of the
    columns of `mixing`; `lead_s` [s].
    """

    recording: EmgRecording
    mixing: np.ndarray
    amplitude: np.ndarray
    muscles: tuple[str, ...]
    lead_s: float


def mixing_matrix(
    electrodes: Sequence[Electrode], sources: Sequence[Source], config: ForwardConfig | None = None
) -> np.ndarray:
    """How loud each muscle is in each electrode: (`REFERENCE_DISTANCE` / distance) ** decay, and
    leakage. Shape (K, M).

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
    """EMG that muscles with these activations would give.

    Args:
        activations: of the muscles in `sources`, 0..1. Shape (T, M).
        fs_hz: of the activations.
        sources: the muscles, in the order of the columns.
        electrodes: one for each channel.
        rng: for whatever is random.
        config: the rest.
        events: what the person did, copied to the recording.

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
    heard = (
        np.stack(
            [motor_unit_noise(column, config.fs_hz * factor, rng) for column in drive.T], axis=1
        )
        @ mixing.T
    )
    samples = signal.resample_poly(heard, 1, factor, axis=0)[:count] if factor > 1 else heard
    amplitude = np.sqrt(np.square(expected_amplitude(drive[::factor])) @ np.square(mixing.T))
    recording = EmgRecording(
        samples=_digitised(samples, config, rng),
        fs_hz=config.fs_hz,
        channels=tuple(
            Channel(each.name, muscle=each.muscle, site=each.name) for each in electrodes
        ),
        events=tuple(events),
        provenance={"source": "forward model of musclehand", "parameters": repr(config)},
        licence="CC0-1.0",
    )
    names = tuple(source.name for source in sources)
    return SyntheticEmg(recording, mixing, amplitude, names, config.lead_s)


def motor_unit_noise(drive: np.ndarray, fs_hz: float, rng: np.random.Generator) -> np.ndarray:
    """The EMG of one muscle, with an rms of 1 when it is fully active. Shape (T,).

    Motor units fire at gamma-distributed intervals; their potentials have the shape of the second
    derivative of a bell.

    Args:
        drive: activation, 0..1. Shape (T,).
        fs_hz: of it and of the result.
        rng: which intervals and potentials.
    """
    sizes, _, lengths = _pool()
    # Longer than the drive, so that the end does not reach the start.
    count = fft.next_fast_len(
        len(drive) + int(np.ceil(8 * max(_POTENTIAL_SECONDS) * fs_hz)), real=True
    )
    frequencies = fft.rfftfreq(count, 1 / fs_hz)
    total = np.zeros(len(frequencies), dtype=complex)
    shape = 1 / _INTERVAL_VARIATION**2
    every = max(int(fs_hz / _DRIVE_HZ), 1)
    places = np.minimum(np.arange(0, len(drive) + every, every), len(drive))
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
    """rms of `motor_unit_noise` at constant activation: root of the summed rates times energies
    (Campbell's theorem).

    Args:
        drive: activation, 0..1. Shape (...).

    Returns:
        0 to 1. Shape (...).
    """
    sizes, _, lengths = _pool()
    power = firing_rates(drive) @ (np.square(sizes) * _unit_energy(lengths))
    return np.asarray(np.sqrt(power) / _full_amplitude())


def firing_rates(drive: np.ndarray) -> np.ndarray:
    """Rates of the motor units [1/s], 0 below their thresholds. Shape (..., units)."""
    _, thresholds, _ = _pool()
    above = np.asarray(drive)[..., None] - thresholds
    slope = (_HIGHEST_RATE - _LOWEST_RATE) / _RATE_AT
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
    """With hum, noise, steps and limits of the converter [V]. Shape (T, K)."""
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
