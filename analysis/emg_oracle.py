"""Recovery test of the EMG comparison: planted leads and muscles, and p-values of noise.

Draws a figure and writes the table behind it.

    python analysis/emg_oracle.py --out analysis/figures
    python analysis/emg_oracle.py --activations data/emg/synthetic_playing.sto --seeds 2

The activations of played music go through the forward model with leads from 0 to 120 ms and are
compared with themselves. Measured are the lag; how often a muscle's electrode is first among all
electrodes, and an electrode's muscle first among all muscles; and whether a random permutation of
channels is undone. Then the EMG is replaced by unrelated noise, a thousand times: p-values must be
uniform.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from musclehand.core.figure_file import save_figure
from musclehand.emg.comparison.compare import compare_envelopes
from musclehand.emg.comparison.nulls import SCORES, Curves, surrogate_null
from musclehand.emg.comparison.result import CompareConfig
from musclehand.emg.io.simulated import SimulatedMuscles, read_simulated
from musclehand.emg.model.forearm import forearm_sources, site_electrodes
from musclehand.emg.model.forward import ForwardConfig, mixing_matrix, simulate_emg
from musclehand.emg.processing.envelope import EnvelopeConfig, Envelopes, envelope, smooth_simulated
from musclehand.emg.recording import Channel, EmgRecording

CONFIG = EnvelopeConfig()
QUICK = CompareConfig(draws=20, resamples=100, synergies=0)
"""Settings of envelopes and of comparisons; few draws, because intervals are not measured."""

LEADS_S = (0.0, 0.03, 0.06, 0.09, 0.12)
"""[s] planted leads."""

EDGE = 30
"""Samples cut off at both ends of the curves, where filters have transients."""

NOISE_HZ = 200.0
"""[Hz] sampling rate of the noise."""


@dataclass(frozen=True)
class Args:
    """Compare synthetic EMG with the activations it came from."""

    activations: Path = Path("data/emg/synthetic_playing.sto")
    """performance or .sto file"""
    seeds: int = 5
    """recordings at each lead"""
    noises: int = 1000
    """channels of noise"""
    out: Path = Path("analysis/figures")
    """folder of the figure and the table"""


class Row(NamedTuple):
    """Results of one synthetic recording; the fields are the columns of the table."""

    lead_s: float
    """[s] planted lead."""

    seed: int
    """Of the recording."""

    lag_s: float
    """[s] lag of the best correlation."""

    electrode_first: float
    """Share of muscles whose electrode is first, by shares of the explained correlation."""

    muscle_first: float
    """Share of electrodes whose muscle is first."""

    permutation: float
    """1 if a random permutation of the channels was undone, else 0."""

    electrode_first_by_r: float
    """Share of muscles whose electrode is first by correlation alone."""


def main(args: Args) -> None:
    """Plants, compares, draws, prints and writes."""
    muscles = read_simulated(args.activations)
    rows = [recover(muscles, lead, seed) for lead in LEADS_S for seed in range(args.seeds)]
    print_rows(rows)
    p = noise_p(muscles, args.noises)
    print("score | share of p below 0.05, for noise")
    for name, values in p.items():
        print(f"{name} | {np.mean(values[~np.isnan(values)] < 0.05):.3f}")
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "emg_oracle.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows([[f"{cell:.6g}" for cell in row] for row in rows])
    draw(rows, p, args.out / "emg_oracle.png")


def print_rows(rows: list[Row]) -> None:
    """A table of all leads, seed by seed, and the means."""
    print(
        "planted ms | found ms, seed by seed | electrode first | muscle first | permutation | "
        "electrode first by r"
    )
    for lead in LEADS_S:
        group = [row for row in rows if row.lead_s == lead]
        lags = " ".join(f"{1e3 * row.lag_s:.0f}" for row in group)
        electrodes, muscles, by_r = (
            " ".join(f"{getattr(row, name):.2f}" for row in group)
            for name in ("electrode_first", "muscle_first", "electrode_first_by_r")
        )
        undone = f"{sum(row.permutation for row in group):.0f} of {len(group)}"
        print(f"{1e3 * lead:.0f} | {lags} | {electrodes} | {muscles} | {undone} | {by_r}")
    electrode, muscle, order, by_r_mean = (
        np.mean([getattr(row, name) for row in rows]) for name in Row._fields[3:]
    )
    undone = f"{order * len(rows):.0f} of {len(rows)}"
    print(f"all | | {electrode:.3f} | {muscle:.3f} | {undone} | {by_r_mean:.3f}")


def recover(muscles: SimulatedMuscles, lead: float, seed: int) -> Row:
    """Compares a synthetic recording with its activations, once with permuted channels.

    Args:
        muscles: activations.
        lead: of the EMG over the activations [s].
        seed: of the recording and of the permutation.
    """
    recorded, simulated = synthesise(muscles, lead, seed)
    comparison = compare_envelopes(simulated, recorded, (), QUICK)
    order = np.random.default_rng(seed).permutation(len(recorded.names))
    permuted = replace(recorded, values=recorded.values[:, order])
    assigned = compare_envelopes(simulated, permuted, (), QUICK).assigned
    expected = tuple(simulated.names[place] for place in np.argsort(order))
    matrix = comparison.matrix
    return Row(
        lead_s=lead,
        seed=seed,
        lag_s=comparison.pooled.lag,
        electrode_first=comparison.channels.first,
        muscle_first=comparison.electrodes.first,
        permutation=float(assigned == expected),
        electrode_first_by_r=float(np.mean(matrix.argmax(axis=1) == np.arange(len(matrix)))),
    )


def synthesise(muscles: SimulatedMuscles, lead: float, seed: int) -> tuple[Envelopes, Envelopes]:
    """Envelopes of synthetic EMG, and the expected activity of its electrodes, smoothed alike.

    Args:
        muscles: activations.
        lead: of the EMG over the activations [s].
        seed: of the recording.
    """
    sources = forearm_sources(muscles.muscles)
    electrodes = site_electrodes()
    act = muscles.values[:, [muscles.muscles.index(source.name) for source in sources]]
    config = ForwardConfig(lead_s=lead)
    synthetic = simulate_emg(
        act, muscles.fs_hz, sources, electrodes, np.random.default_rng(seed), config=config
    )
    expected = np.sqrt(np.square(act) @ np.square(mixing_matrix(electrodes, sources, config)).T)
    names = [electrode.name for electrode in electrodes]
    return envelope(synthetic.recording, CONFIG), smooth_simulated(
        expected, muscles.fs_hz, CONFIG, names=names
    )


def noise_p(muscles: SimulatedMuscles, count: int) -> dict[str, np.ndarray]:
    """Surrogate p-values of every score for noise with a random course of loudness. Each
    (count,)."""
    rng = np.random.default_rng(0)
    _, simulated = synthesise(muscles, 0.06, 0)
    a = simulated.values[EDGE:-EDGE]
    p: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for first in range(0, count, 100):
        number = min(100, count - first)
        samples = round(len(simulated.values) / simulated.fs_hz * NOISE_HZ)
        envelopes = envelope(random_noise(samples, number, rng), CONFIG)
        e = envelopes.values[EDGE : EDGE + len(a)]
        chosen = a[: len(e), rng.integers(a.shape[1], size=number)]
        curves = Curves(
            simulated=chosen,
            recorded=e,
            simulated_on=chosen > np.median(chosen, axis=0),
            recorded_on=e > np.median(e, axis=0),
            fs_hz=envelopes.fs_hz,
        )
        nulls = surrogate_null(curves)
        for name in SCORES:
            p[name].append(nulls[name].p)
    return {name: np.concatenate(values) for name, values in p.items()}


def random_noise(samples: int, channels: int, rng: np.random.Generator) -> EmgRecording:
    """Channels of noise whose loudness changes at random every 0.4 s.

    Args:
        samples: of each channel.
        channels: number of channels.
        rng: draws loudness and noise.
    """
    time = np.arange(samples) / NOISE_HZ
    knots = np.arange(0, time[-1] + 1, 0.4)
    level = np.stack(
        [np.interp(time, knots, rng.gamma(1.0, 1.0, len(knots))) for _ in range(channels)], axis=1
    )
    return EmgRecording(
        samples=1e-5 * level * rng.standard_normal(level.shape),
        fs_hz=NOISE_HZ,
        channels=tuple(Channel(str(i)) for i in range(channels)),
    )


def draw(rows: list[Row], p: dict[str, np.ndarray], path: Path) -> None:
    """Measured against planted lags; sorted p-values against those of a uniform distribution.

    Args:
        rows: of all recordings.
        p: p-values of noise by score.
        path: of the figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    lags, sorted_p = figure.subplots(1, 2)
    lags.plot([0, 130], [0, 130], color="#B9C0C7")
    lags.fill_between([0, 130], [-10, 120], [10, 140], color="#eef2f6")
    planted = 1e3 * np.array([row.lead_s for row in rows])
    measured = 1e3 * np.array([row.lag_s for row in rows])
    lags.plot(planted, measured, "o", color="#0072B2", markersize=4)
    lags.set_xlabel("planted lead [ms]")
    lags.set_ylabel("lag found [ms] (band: 10 ms)")
    for (name, values), style in zip(p.items(), ("-", "--", "-.", ":", (0, (1, 3))), strict=True):
        finite = np.sort(values[~np.isnan(values)])
        uniform = (np.arange(len(finite)) + 0.5) / max(len(finite), 1)
        sorted_p.plot(uniform, finite, linestyle=style, label=name)
    sorted_p.plot([0, 1], [0, 1], color="#B9C0C7", linewidth=0.8)
    sorted_p.set_xlabel("uniform")
    sorted_p.set_ylabel("p of unrelated noise")
    sorted_p.legend(fontsize=8, frameon=False)
    save_figure(figure, path)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
