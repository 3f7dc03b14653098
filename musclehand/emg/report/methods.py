"""What was done, in words for a methods section, put together from the parameters of a
comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import musclehand
from musclehand.emg.comparison.identify import FEW
from musclehand.emg.comparison.nulls import NEAREST
from musclehand.emg.comparison.result import Comparison

_NORMALISED = {
    "mvc": "its largest value in maximal voluntary contractions",
    "reference": "its mean in a reference contraction",
    "task_p99": "the 99th percentile over the task",
}


def describe_methods(comparison: Comparison) -> list[str]:
    """Paragraphs, each some sentences."""
    return [
        " ".join(_signals(comparison)),
        " ".join(_scores(comparison)),
        " ".join(_nulls(comparison)),
    ]


def _signals(comparison: Comparison) -> list[str]:
    made: Mapping[str, Any] = comparison.parameters.get("envelope", {})
    ours: Mapping[str, Any] = comparison.parameters.get("simulated envelope", {})
    low, high = made.get("band") or (None, None)
    if high is not None:
        band = f"band-pass filtered from {low:g} to {high:g} Hz"
    elif low is not None:
        band = f"high-pass filtered at {low:g} Hz (the sampling rate does not hold an upper corner)"
    else:
        band = "not band-pass filtered"
    if low is not None:
        band += (
            f" (Butterworth, order {made['band_order']} a pass, zero phase, second-order sections)"
        )
    sentences = [f"EMG was {band}"]
    if made.get("notch_hz"):
        sentences[0] += f", freed of mains at {made['notch_hz']:g} Hz"
    lowpass = (
        f"{made.get('lowpass_hz', 0):g} Hz (order {made.get('lowpass_order')} a pass, zero phase)"
    )
    sentences[0] += f", rectified and low-pass filtered at {lowpass}."
    scale = _NORMALISED.get(str(made.get("normalise")))
    sentences.append(
        f"Each channel was divided by {scale}." if scale else "Amplitudes were not normalised."
    )
    quantity = comparison.parameters.get("quantity", "activation")
    same = all(made.get(name) == ours.get(name) for name in ("lowpass_hz", "lowpass_order"))
    filtered = "the same low-pass" if same else f"a low-pass at {ours.get('lowpass_hz')} Hz"
    theirs = _NORMALISED.get(str(ours.get("normalise")))
    divided = f" and were divided by {theirs}" if theirs and ours.get("normalise") != "mvc" else ""
    sentences.append(f"Simulated muscle {quantity}s went through {filtered}{divided}.")
    if comparison.parameters.get("combine"):
        word = {"mean": "weighted mean", "max": "largest"}[str(comparison.parameters["combine"])]
        sentences.append(f"A channel stands for the {word} of the muscles that the map gives it.")
    curves = comparison.curves
    seconds = len(curves.time) / curves.fs_hz
    edge = comparison.config.edge_s
    sentences.append(
        f"{seconds:.1f} s at {curves.fs_hz:g} Hz were compared, {edge:g} s cut off at either end."
    )
    return sentences


def _scores(comparison: Comparison) -> list[str]:
    low, high = (1e3 * edge for edge in comparison.config.searched)
    activity = comparison.config.activity
    return [
        f"r is Pearson's correlation without lag and at the best of lags from {low:.0f} to {high:.0f} ms, the "
        "recording leading; a best lag on the edge of these is flagged and is no delay.",
        "CCC is Lin's concordance; nRMSE the root mean square error over that of the recording's mean (1: no better "
        "than a constant).",
        "On and off are two normal distributions fitted to the logarithm of each curve, where they are apart (Ashman's "
        f"D of 2), bursts and gaps shorter than {1e3 * activity.shortest:.0f} ms left out; kappa is Cohen's, and "
        f"onsets within {1e3 * activity.tolerance:.0f} ms of each other belong together.",
        "The number of independent samples follows Pyper and Peterman (1998); intervals of r are from "
        f"{comparison.config.resamples} circular block resamples.",
        *_identification(comparison),
        *_differences(comparison),
    ]


def _identification(comparison: Comparison) -> list[str]:
    count = comparison.shares.shape[1]
    muscles = len(comparison.muscles)
    sentences = []
    if muscles > FEW:
        sentences.append(
            "The share of a muscle in a channel is its r there, at its best lag, over the multiple correlation of all "
            "simulated muscles with that channel (at least the 95th percentile of that after moves in time), so that "
            "channels of unequal noise can be compared."
        )
    what = "share" if muscles > FEW else "r"
    sentences.append(
        f"A muscle is identified where its own channel has its highest {what} of all {count}, a channel where its own "
        f"muscle has the highest {what} of all simulated ones."
    )
    return sentences


def _differences(comparison: Comparison) -> list[str]:
    found = comparison.differences
    if found is None:
        return []
    how = {
        "cluster": "paired t at every sample, clusters beyond p = 0.05 against the largest of 1000 random exchanges",
        "spm": "a paired t-test by statistical parametric mapping (spm1d)",
    }
    words = how[comparison.config.inference]
    return [
        f"Curves round {found.events} events were compared, without lag, by {words}; p by Holm over muscles."
    ]


def _nulls(comparison: Comparison) -> list[str]:
    before, after = comparison.config.window
    sentences = [
        f"Surrogates are all moves of the recording, in a circle, by {NEAREST:g} s or more."
    ]
    if "wrong muscle" in comparison.pooled.nulls:
        sentences.append("Wrong muscle: every other channel of the same recording.")
    if "wrong movement" in comparison.pooled.nulls:
        sentences.append(
            f"Wrong movement: windows from {before:g} to {after:g} s round events, exchanged {comparison.config.draws} "
            "times for those of events with another label."
        )
    else:
        sentences.append("There are too few labelled events for a null of wrong movements.")
    sentences.append("p-values over muscles are adjusted by Holm's method.")
    sentences.append(
        f"Made with musclehand {musclehand.__version__}, seed {comparison.config.seed}."
    )
    return sentences
