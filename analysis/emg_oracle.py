"""Does the comparison find what was planted, and nothing where nothing was? One figure, and the
table behind it.

    python analysis/emg_oracle.py --out analysis/figures
    python analysis/emg_oracle.py --activations data/emg/synthetic_playing.sto --seeds 2

The activations of played music go through the forward model with leads from 0 to 120 ms and are
compared with themselves: the lag that is found; how often a muscle's electrode is first among all
electrodes, and in an electrode its muscle first among all muscles; whether a random permutation of
channels is undone. Then the EMG is replaced by noise that has nothing to do with the activations, a
thousand times: p-values must be uniform.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from musclehand.emg.comparison.compare import compare
from musclehand.emg.comparison.nulls import SCORES, Curves, surrogate_null
from musclehand.emg.comparison.result import CompareConfig
from musclehand.emg.io.simulated import SimulatedMuscles, read_simulated
from musclehand.emg.model.forearm import forearm_sources, site_electrodes
from musclehand.emg.model.forward import ForwardConfig, mixing_matrix, simulate_emg
from musclehand.emg.processing.envelope import EnvelopeConfig, Envelopes, envelope, smooth_simulated
from musclehand.emg.recording import Channel, EmgRecording
from musclehand.performance.figures import save_figure

CONFIG = EnvelopeConfig()
QUICK = CompareConfig(draws=20, resamples=100, synergies=0)
LEADS_S = (0.0, 0.03, 0.06, 0.09, 0.12)
EDGE = 30


@dataclass(frozen=True)
class Args:
    """Compare synthetic EMG with the activations it came from."""

    activations: Path = Path("data/emg/synthetic_playing.sto")
    """performance or .sto file"""
    seeds: int = 5
    noises: int = 1000
    out: Path = Path("analysis/figures")


def main(args: Args) -> None:
    """Plants, compares, draws, prints and writes."""
    muscles = read_simulated(args.activations)
    rows = [recover(muscles, lead, seed) for lead in LEADS_S for seed in range(args.seeds)]
    print(
        "planted ms | found ms, seed by seed | electrode first | muscle first | permutation | electrode first by r"
    )
    for lead in LEADS_S:
        mine = [row for row in rows if row[0] == lead]
        lags = " ".join(f"{1e3 * row[2]:.0f}" for row in mine)
        shares, by_r = (
            " | ".join(" ".join(f"{row[i]:.2f}" for row in mine) for i in some)
            for some in ((3, 4), (6,))
        )
        print(
            f"{1e3 * lead:.0f} | {lags} | {shares} | {sum(row[5] for row in mine):.0f} of {len(mine)} | {by_r}"
        )
    electrode, muscle, order, by_r = (np.mean([row[i] for row in rows]) for i in (3, 4, 5, 6))
    print(
        f"all | | {electrode:.3f} | {muscle:.3f} | {order * len(rows):.0f} of {len(rows)} | {by_r:.3f}"
    )
    p = noise_p(muscles, args.noises)
    print("score | share of p below 0.05, for noise")
    for name, values in p.items():
        print(f"{name} | {np.mean(values[~np.isnan(values)] < 0.05):.3f}")
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "emg_oracle.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [
                "lead_s",
                "seed",
                "lag_s",
                "electrode_first",
                "muscle_first",
                "permutation",
                "electrode_first_by_r",
            ]
        )
        writer.writerows([[f"{cell:.6g}" for cell in row] for row in rows])
    draw(rows, p, args.out / "emg_oracle.png")


Row = tuple[float, int, float, float, float, float, float]


def recover(muscles: SimulatedMuscles, lead: float, seed: int) -> Row:
    """Lead, seed, lag found [s], shares identified as in the heads, 1 if the order of channels
    was, and the share of electrodes identified by correlation alone."""
    recorded, simulated = make(muscles, lead, seed)
    found = compare(simulated, recorded, (), QUICK)
    order = np.random.default_rng(seed).permutation(len(recorded.names))
    mixed = compare(simulated, replace(recorded, values=recorded.values[:, order]), (), QUICK)
    right = mixed.assigned == tuple(simulated.names[place] for place in np.argsort(order))
    shares = found.channels.first, found.electrodes.first
    by_r = float(np.mean(found.matrix.argmax(axis=1) == np.arange(len(found.matrix))))
    return lead, seed, found.pooled.lag, *shares, float(right), by_r


def make(muscles: SimulatedMuscles, lead: float, seed: int) -> tuple[Envelopes, Envelopes]:
    """Envelopes of synthetic EMG, and what the electrodes hear of the activations, smoothed
    alike."""
    sources = forearm_sources(muscles.muscles)
    electrodes = site_electrodes()
    act = muscles.values[:, [muscles.muscles.index(source.name) for source in sources]]
    config = ForwardConfig(lead_s=lead)
    made = simulate_emg(
        act, muscles.fs_hz, sources, electrodes, np.random.default_rng(seed), config=config
    )
    heard = np.sqrt(np.square(act) @ np.square(mixing_matrix(electrodes, sources, config)).T)
    names = [electrode.name for electrode in electrodes]
    return envelope(made.recording, CONFIG), smooth_simulated(
        heard, muscles.fs_hz, CONFIG, names=names
    )


def noise_p(muscles: SimulatedMuscles, count: int) -> dict[str, np.ndarray]:
    """Surrogate p-values of every score for noise that comes and goes on its own. Each (count,)."""
    rng = np.random.default_rng(0)
    _, simulated = make(muscles, 0.06, 0)
    a = simulated.values[EDGE:-EDGE]
    found: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for first in range(0, count, 100):
        number = min(100, count - first)
        time = np.arange(round(len(simulated.values) / simulated.fs_hz * 200)) / 200
        knots = np.arange(0, time[-1] + 1, 0.4)
        level = np.stack(
            [np.interp(time, knots, rng.gamma(1.0, 1.0, len(knots))) for _ in range(number)], axis=1
        )
        channels = tuple(Channel(str(i)) for i in range(number))
        made = envelope(
            EmgRecording(1e-5 * level * rng.standard_normal(level.shape), 200.0, channels), CONFIG
        )
        e = made.values[EDGE : EDGE + len(a)]
        mine = a[: len(e), rng.integers(a.shape[1], size=number)]
        nulls = surrogate_null(
            Curves(mine, e, mine > np.median(mine, axis=0), e > np.median(e, axis=0), made.fs_hz)
        )
        for name in SCORES:
            found[name].append(nulls[name].p)
    return {name: np.concatenate(values) for name, values in found.items()}


def draw(rows: list[Row], p: dict[str, np.ndarray], path: Path) -> None:
    """Found against planted lags; sorted p-values against those of a uniform distribution."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    lags, sorted_p = figure.subplots(1, 2)
    planted, got = (1e3 * np.array([row[i] for row in rows]) for i in (0, 2))
    lags.plot([0, 130], [0, 130], color="#B9C0C7")
    lags.fill_between([0, 130], [-10, 120], [10, 140], color="#eef2f6")
    lags.plot(planted, got, "o", color="#0072B2", markersize=4)
    lags.set_xlabel("planted lead [ms]")
    lags.set_ylabel("lag found [ms] (band: 10 ms)")
    for (name, values), style in zip(p.items(), ("-", "--", "-.", ":", (0, (1, 3))), strict=True):
        known = np.sort(values[~np.isnan(values)])
        sorted_p.plot(
            (np.arange(len(known)) + 0.5) / max(len(known), 1), known, linestyle=style, label=name
        )
    sorted_p.plot([0, 1], [0, 1], color="#B9C0C7", linewidth=0.8)
    sorted_p.set_xlabel("uniform")
    sorted_p.set_ylabel("p where there is nothing")
    sorted_p.legend(fontsize=8, frameon=False)
    save_figure(figure, path)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
