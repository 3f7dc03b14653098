"""Simulated activations, and synthetic EMG made from them."""

import numpy as np

from musclehand.emg.comparison.result import CompareConfig
from musclehand.emg.model.forward import (
    Electrode,
    ForwardConfig,
    Source,
    mixing_matrix,
    simulate_emg,
)
from musclehand.emg.processing.envelope import EnvelopeConfig, envelope, smooth_simulated
from musclehand.emg.recording import Event

RATE = 100.0
SECONDS = 20.0
LEAD = 0.06


MUSCLES = ("FCR", "PL", "FDS3", "FCU", "FDP3", "FPL", "ECRL", "EDC3", "ECU", "EPL", "APL", "PT")


SOURCES = [
    Source(name, 2 * np.pi * i / 12, 0.008 if i % 3 else 0.020) for i, name in enumerate(MUSCLES)
]


SITES = [Electrode(f"site {i + 1}", 2 * np.pi * i / 8) for i in range(8)]


CONFIG = EnvelopeConfig()


QUICK = CompareConfig(draws=40, resamples=200, synergies=0)


def playing(seed):
    """Activations of 12 muscles in 20 s of playing with five fingers, each with its own share of
    muscles; and notes."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(RATE * SECONDS)) / RATE
    activation = np.full((len(time), 12), 0.02)
    events = []
    onset = 0.6
    shares = rng.uniform(size=(5, 12)) ** 3
    while onset < SECONDS - 0.8:
        finger = int(rng.integers(5))
        length = rng.uniform(0.2, 0.6)
        press = np.exp(-0.5 * ((time - onset) / 0.09) ** 2) * rng.uniform(0.5, 1.2)
        activation += 0.35 * press[:, None] * shares[finger]
        events.append(Event(onset, length, f"finger {finger + 1}"))
        onset += length
    return np.clip(activation, 0, 1), events


def recorded_and_simulated(seed, lead_s=LEAD):
    activation, events = playing(seed)
    config = ForwardConfig(lead_s=lead_s)
    made = simulate_emg(
        activation, RATE, SOURCES, SITES, np.random.default_rng(seed), config=config, events=events
    )
    mixing = mixing_matrix(SITES, SOURCES)
    projected = activation @ mixing.T / mixing.sum(axis=1).max()
    simulated = smooth_simulated(projected, RATE, CONFIG, names=[site.name for site in SITES])
    return envelope(made.recording, CONFIG), simulated, events
