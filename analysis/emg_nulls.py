"""Correlation of unrelated EMG curves: null distributions of the usual scores.

Draws a figure and writes the table behind it.

    python analysis/emg_nulls.py myo-readings-dataset --out analysis/figures

Scores are those that publications report: un-centred "xcorr coeff", Pearson's r, and the best r
within +-100 ms. Pairs are ones that should not agree: another channel of the same trial, the same
channel circularly shifted by 2 s or more, and the same channel with random phases. Low-passes are 2
and 6 Hz. A trial is one file of an armband session: a minute, 5 s rest, 5 s hold.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from musclehand.core.errors import MusclehandError
from musclehand.core.figure_file import save_figure
from musclehand.emg.comparison.sessions import find_sessions
from musclehand.emg.comparison.statistics import (
    correlation,
    lagged_correlation,
    uncentred_correlation,
)
from musclehand.emg.io.armband_file import read_armband_session
from musclehand.emg.processing.envelope import EnvelopeConfig, envelope
from musclehand.emg.recording import EmgRecording

LOWPASSES_HZ = (2.0, 6.0)
"""[Hz] low-passes of the envelopes."""

SCORES = ("cosine", "r", "best r")
"""Names of the scores."""

PAIRS = ("other channel, same trial", "same channel, moved", "same channel, phases exchanged")
"""Kinds of pairs."""

MIN_SHIFT = 2.0
"""[s] smallest circular shift."""

LAG_RANGE = (-0.1, 0.1)
"""[s] lags searched for the best r."""

Scores = dict[tuple[float, str], np.ndarray]


@dataclass(frozen=True)
class Args:
    """Measure null distributions on the sessions of an armband data set."""

    data: tyro.conf.Positional[Path]
    """folder of sessions"""
    out: Path = Path("analysis/figures")
    """folder of the figure and the table"""
    seed: int = 0
    """of pairs, shifts and phases"""


def main(args: Args) -> None:
    """Reads, draws, prints and writes."""
    rng = np.random.default_rng(args.seed)
    trials = list(read_trials(args.data))
    if not trials:
        raise SystemExit(f"{args.data}: no recordings of movements")
    scores = {
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
            *(
                f"{percentile:.3f}"
                for column in values.T
                for percentile in np.percentile(column, [50, 95])
            ),
        ]
        for (lowpass, pair), values in scores.items()
    ]
    parts = [f"{name} {part}" for name in SCORES for part in ("median", "p95")]
    columns = ["lowpass_hz", "pair", "count", *parts]
    print(f"{len(trials)} trials")
    for row in [columns, *rows]:
        print(" | ".join(row))
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "emg_nulls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    draw(scores, args.out / "emg_nulls.png")


def read_trials(folder: Path) -> Iterator[EmgRecording]:
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


def score_pairs(
    trial: EmgRecording, lowpass: float, pair: str, rng: np.random.Generator
) -> np.ndarray:
    """Scores of eight pairs of one trial.

    Args:
        trial: with eight channels.
        lowpass: of the envelopes [Hz].
        pair: one of `PAIRS`.
        rng: draws channels, shifts and phases.

    Returns:
        Shape (8, 3).
    """
    envelopes = envelope(trial, EnvelopeConfig(lowpass_hz=lowpass, fs_out_hz=50.0))
    first = envelopes.values
    if pair == PAIRS[0]:
        second = np.roll(first, int(rng.integers(1, first.shape[1])), axis=1)
    elif pair == PAIRS[1]:
        step = round(MIN_SHIFT * envelopes.fs_hz)
        second = np.roll(first, int(rng.integers(step, len(first) - step)), axis=0)
    else:
        second = randomise_phases(first, rng)
    best = lagged_correlation(first, second, envelopes.fs_hz, lag_range=LAG_RANGE).best
    return np.stack(
        [uncentred_correlation(first, second), correlation(first, second), best], axis=1
    )


def randomise_phases(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Phase-randomised surrogates: curves with the same spectrum, cut off at 0 as envelopes are."""
    spectrum = np.fft.rfft(values, axis=0)
    randomised = spectrum * np.exp(2j * np.pi * rng.random(spectrum.shape))
    randomised[0] = spectrum[0]
    return np.maximum(np.fft.irfft(randomised, len(values), axis=0), 0.0)


def draw(scores: Scores, path: Path) -> None:
    """Boxes: middle half, median, 5th to 95th percentile."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for panel, (index, name) in zip(
        figure.subplots(1, len(SCORES), sharey=True), enumerate(SCORES), strict=True
    ):
        values = [scores[lowpass, pair][:, index] for pair in PAIRS for lowpass in LOWPASSES_HZ]
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
