"""How alike are curves that have nothing to do with each other? One figure, and the table behind
it.

    python analysis/emg_nulls.py myo-readings-dataset --out analysis/figures

The scores that publications report (un-centred "xcorr coeff", Pearson's r, the best r within +-100
ms) of pairs that should not agree: another channel of the same trial, the same channel moved in
time by 2 s or more, and with its phases exchanged; with low-passes at 2 and at 6 Hz. A trial is one
file of an armband session: a minute, 5 s rest, 5 s hold.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from musclehand.core.errors import MusclehandError
from musclehand.emg.comparison.sessions import find_sessions
from musclehand.emg.comparison.statistics import (
    correlation,
    lagged_correlation,
    uncentred_correlation,
)
from musclehand.emg.io.armband_file import read_armband_session
from musclehand.emg.processing.envelope import EnvelopeConfig, envelope
from musclehand.performance.figures import save_figure

LOWPASSES_HZ = (2.0, 6.0)
SCORES = ("cosine", "r", "best r")
PAIRS = ("other channel, same trial", "same channel, moved", "same channel, phases exchanged")
FAR = 2.0
SEARCHED = (-0.1, 0.1)


@dataclass(frozen=True)
class Args:
    """Measure nulls on the sessions of an armband data set."""

    data: tyro.conf.Positional[Path]
    """folder of sessions"""
    out: Path = Path("analysis/figures")
    seed: int = 0


def main(args: Args) -> None:
    """Reads, draws, prints and writes."""
    rng = np.random.default_rng(args.seed)
    trials = list(read_trials(args.data))
    if not trials:
        raise SystemExit(f"{args.data}: no recordings of movements")
    found = {
        (lowpass, pair): np.concatenate(
            [score_pairs(trial, lowpass, pair, rng) for trial in trials]
        )
        for lowpass in LOWPASSES_HZ
        for pair in PAIRS
    }
    rows = [
        [
            f"{lowpass:g}",
            pair,
            str(len(values)),
            *(f"{x:.3f}" for s in values.T for x in np.percentile(s, [50, 95])),
        ]
        for (lowpass, pair), values in found.items()
    ]
    heads = [
        "lowpass_hz",
        "pair",
        "count",
        *(f"{name} {part}" for name in SCORES for part in ("median", "p95")),
    ]
    print(f"{len(trials)} trials")
    for row in [heads, *rows]:
        print(" | ".join(row))
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "emg_nulls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([heads, *rows])
    draw(found, args.out / "emg_nulls.png")


def read_trials(folder: Path):
    """Every recording of a movement, in every session that can be read."""
    for path in find_sessions(folder):
        try:
            session = read_armband_session(path)
        except MusclehandError as error:
            print(f"left out: {error}")
            continue
        yield from (
            recording for movement, recording in session.items() if movement != "hibernation"
        )


def score_pairs(trial, lowpass: float, pair: str, rng: np.random.Generator) -> np.ndarray:
    """Scores of eight pairs of one trial. Shape (8, 3)."""
    made = envelope(trial, EnvelopeConfig(lowpass_hz=lowpass, fs_out_hz=50.0))
    first = made.values
    if pair == PAIRS[0]:
        second = np.roll(first, int(rng.integers(1, first.shape[1])), axis=1)
    elif pair == PAIRS[1]:
        far = round(FAR * made.fs_hz)
        second = np.roll(first, int(rng.integers(far, len(first) - far)), axis=0)
    else:
        second = exchange_phases(first, rng)
    best = lagged_correlation(first, second, made.fs_hz, searched=SEARCHED).best
    return np.stack(
        [uncentred_correlation(first, second), correlation(first, second), best], axis=1
    )


def exchange_phases(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Curves with the same spectrum and random phases, cut off at 0 as envelopes are."""
    spectrum = np.fft.rfft(values, axis=0)
    turned = spectrum * np.exp(2j * np.pi * rng.random(spectrum.shape))
    turned[0] = spectrum[0]
    return np.maximum(np.fft.irfft(turned, len(values), axis=0), 0.0)


def draw(found: dict[tuple[float, str], np.ndarray], path: Path) -> None:
    """Boxes: middle half, median, 5th to 95th percentile."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for panel, (index, name) in zip(
        figure.subplots(1, len(SCORES), sharey=True), enumerate(SCORES), strict=True
    ):
        values = [found[lowpass, pair][:, index] for pair in PAIRS for lowpass in LOWPASSES_HZ]
        panel.boxplot(values, whis=(5, 95), showfliers=False, medianprops={"color": "#D55E00"})
        labels = [
            f"{pair.replace(', ', chr(10))}\n{lowpass:g} Hz"
            for pair in PAIRS
            for lowpass in LOWPASSES_HZ
        ]
        panel.set_xticks(range(1, len(labels) + 1), labels, rotation=90, fontsize=7)
        panel.set_title(name, fontsize=10)
        panel.axhline(0, color="#B9C0C7", linewidth=0.8)
    save_figure(figure, path)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
