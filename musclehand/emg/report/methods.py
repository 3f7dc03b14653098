"""Methods section of a comparison, put together from its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import musclehand
from musclehand.emg.comparison.identify import MAX_WITHOUT_MIXTURE
from musclehand.emg.comparison.nulls import MIN_SHIFT
from musclehand.emg.comparison.result import Comparison

_NORMALISED = {
    "mvc": "its largest value in maximal voluntary contractions",
    "reference": "its mean in a reference contraction",
    "task_p99": "the 99th percentile over the task",
}

_COMBINED = {"mean": "weighted mean", "max": "largest"}

_TESTS = {
    "cluster": "paired t at every sample, clusters beyond p = 0.05 against the largest of 1000 "
    "random exchanges",
    "spm": "a paired t-test by statistical parametric mapping (spm1d)",
}


def describe_methods(comparison: Comparison) -> list[str]:
    """Paragraphs on signals, scores and null distributions."""
    return [
        " ".join(_signals(comparison)),
        " ".join(_scores(comparison)),
        " ".join(_nulls(comparison)),
    ]


def _signals(comparison: Comparison) -> list[str]:
    recorded: Mapping[str, Any] = comparison.parameters.get("envelope", {})
    curves = comparison.curves
    seconds = len(curves.time) / curves.fs_hz
    edge = comparison.config.edge_s
    return [
        _filters(recorded),
        _scaling(recorded),
        *_simulated(comparison, recorded),
        f"{seconds:.1f} s at {curves.fs_hz:g} Hz were compared, {edge:g} s cut off at either end.",
    ]


def _filters(recorded: Mapping[str, Any]) -> str:
    """The sentence on the filters of the recording."""
    low, high = recorded.get("band") or (None, None)
    if high is not None:
        band = f"band-pass filtered from {low:g} to {high:g} Hz"
    elif low is not None:
        band = f"high-pass filtered at {low:g} Hz (the sampling rate does not hold an upper corner)"
    else:
        band = "not band-pass filtered"
    if low is not None:
        order = recorded["band_order"]
        band += f" (Butterworth, order {order} a pass, zero phase, second-order sections)"
    notch = f", freed of mains at {recorded['notch_hz']:g} Hz" if recorded.get("notch_hz") else ""
    lowpass = (
        f"{recorded.get('lowpass_hz', 0):g} Hz (order {recorded.get('lowpass_order')} a pass, "
        "zero phase)"
    )
    return f"EMG was {band}{notch}, rectified and low-pass filtered at {lowpass}."


def _scaling(recorded: Mapping[str, Any]) -> str:
    scale = _NORMALISED.get(str(recorded.get("normalise")))
    return f"Each channel was divided by {scale}." if scale else "Amplitudes were not normalised."


def _simulated(comparison: Comparison, recorded: Mapping[str, Any]) -> list[str]:
    """Sentences on the simulated side."""
    simulated: Mapping[str, Any] = comparison.parameters.get("simulated envelope", {})
    quantity = comparison.parameters.get("quantity", "activation")
    same = all(
        recorded.get(name) == simulated.get(name) for name in ("lowpass_hz", "lowpass_order")
    )
    filtered = "the same low-pass" if same else f"a low-pass at {simulated.get('lowpass_hz')} Hz"
    scale = _NORMALISED.get(str(simulated.get("normalise")))
    divided = (
        f" and were divided by {scale}" if scale and simulated.get("normalise") != "mvc" else ""
    )
    sentences = [f"Simulated muscle {quantity}s went through {filtered}{divided}."]
    if comparison.parameters.get("combine"):
        word = _COMBINED[str(comparison.parameters["combine"])]
        sentences.append(f"A channel stands for the {word} of the muscles that the map gives it.")
    return sentences


def _scores(comparison: Comparison) -> list[str]:
    low, high = (1e3 * edge for edge in comparison.config.lag_range)
    activity = comparison.config.activity
    return [
        f"r is Pearson's correlation without lag and at the best of lags from {low:.0f} to "
        f"{high:.0f} ms, the recording leading; a best lag on the edge of these is flagged and is "
        "no delay.",
        "CCC is Lin's concordance; nRMSE the root mean square error over that of the recording's "
        "mean (1: no better than a constant).",
        "On and off are two normal distributions fitted to the logarithm of each curve, where they "
        "are apart (Ashman's D of 2), bursts and gaps shorter than "
        f"{1e3 * activity.shortest:.0f} ms left out; kappa is Cohen's, and onsets within "
        f"{1e3 * activity.tolerance:.0f} ms of each other belong together.",
        "The number of independent samples follows Pyper and Peterman (1998); intervals of r are "
        f"from {comparison.config.resamples} circular block resamples.",
        *_identification(comparison),
        *_differences(comparison),
    ]


def _identification(comparison: Comparison) -> list[str]:
    count = comparison.shares.shape[1]
    with_mixture = len(comparison.muscles) > MAX_WITHOUT_MIXTURE
    sentences = []
    if with_mixture:
        sentences.append(
            "The share of a muscle in a channel is its r there, at its best lag, over the multiple "
            "correlation of all simulated muscles with that channel (at least the 95th percentile "
            "of that after circular shifts in time), so that channels of unequal noise can be "
            "compared."
        )
    score = "share" if with_mixture else "r"
    sentences.append(
        f"A muscle is identified where its own channel has its highest {score} of all {count}, a "
        f"channel where its own muscle has the highest {score} of all simulated muscles."
    )
    return sentences


def _differences(comparison: Comparison) -> list[str]:
    if comparison.differences is None:
        return []
    return [
        f"Curves round {comparison.differences.events} events were compared, without lag, by "
        f"{_TESTS[comparison.config.inference]}; p by Holm over muscles."
    ]


def _nulls(comparison: Comparison) -> list[str]:
    before, after = comparison.config.window
    sentences = [f"Surrogates are all circular shifts of the recording by {MIN_SHIFT:g} s or more."]
    if "wrong muscle" in comparison.pooled.nulls:
        sentences.append("Wrong muscle: every other channel of the same recording.")
    if "wrong movement" in comparison.pooled.nulls:
        sentences.append(
            f"Wrong movement: windows from {before:g} to {after:g} s round events, exchanged "
            f"{comparison.config.draws} times for those of events with another label."
        )
    else:
        sentences.append("There are too few labelled events for a null of wrong movements.")
    sentences.append("p-values over muscles are adjusted by Holm's method.")
    sentences.append(
        f"Made with musclehand {musclehand.__version__}, seed {comparison.config.seed}."
    )
    return sentences
