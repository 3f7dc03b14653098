"""Comparison of simulated muscle activity with recorded EMG: scores, nulls, ceiling, certainty.

    simulated = smooth_simulated(projected.values, fs_hz, config, names=projected.names)
    recorded = envelope(recording, config)
    comparison = compare_envelopes(simulated, recorded, recording.events)

Columns with the same name belong together. Recorded channels without a simulated muscle stay in as
candidates: a muscle has to be distinguished from these too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from musclehand.emg.comparison.align import align_curves, all_channels
from musclehand.emg.comparison.around_events import find_differences, identify_movements
from musclehand.emg.comparison.identify import (
    Identification,
    NoiseCeiling,
    average_events,
    explained_shares,
    identify,
    match_channels,
    noise_ceiling,
)
from musclehand.emg.comparison.nulls import (
    SCORES,
    Curves,
    NullBand,
    null_band,
    periodicity,
    score_matrix,
    shifted_mixture_r,
    shifted_scores,
    surrogate_null,
    wrong_movement_null,
    wrong_muscle_null,
)
from musclehand.emg.comparison.result import (
    POOLED,
    AlignedCurves,
    CompareConfig,
    Comparison,
    MuscleResult,
    Null,
    SynergyComparison,
)
from musclehand.emg.comparison.statistics import (
    LagCurve,
    bootstrap_interval,
    cocontraction,
    effective_size,
    holm,
    lagged_correlation,
    uncentred_correlation,
)
from musclehand.emg.processing.envelope import Envelopes, describe
from musclehand.emg.processing.onsets import OnsetErrors, match_onsets
from musclehand.emg.processing.synergies import find_synergies, match_synergies, vaf_curve
from musclehand.emg.recording import Event

MAX_PERIODICITY = 0.5
"""Autocorrelation beyond a second from which circular shifts are no fair null; a working limit of
this project."""

MIN_VAF = 0.9
"""Variance accounted for that decides the number of synergies: the usual criterion (recalled)."""

SYNERGY_HZ = 25.0
"""[Hz] rate at which synergies are extracted; four times what a low-pass at 6 Hz leaves."""

RepeatRecording = tuple[Envelopes, Sequence[Event]]
"""Envelopes and events of another recording of the same movements."""

_ASSIGNMENTS = 1000


class _Parts(NamedTuple):
    """Intermediate results that the comparison is put together from."""

    curves: AlignedCurves
    """The curves compared."""

    matrices: Mapping[str, np.ndarray]
    """Each score of every muscle with every channel. Each (K, K + C)."""

    nulls: Mapping[str, Mapping[str, NullBand]]
    """By kind, then by score."""

    lags: LagCurve
    """Correlation against lag."""

    channels: Identification
    """Of the true channel of each muscle."""

    electrodes: Identification
    """Of the true muscle of each channel."""

    ceilings: Mapping[str, NoiseCeiling]
    """By kind of the repeated recordings."""


def compare_envelopes(
    simulated: Envelopes,
    recorded: Envelopes,
    events: Sequence[Event] = (),
    config: CompareConfig | None = None,
    repeats: Mapping[str, Sequence[RepeatRecording]] | None = None,
) -> Comparison:
    """Compares all muscles that are on both sides.

    Args:
        simulated: activations or excitations, projected on channels and smoothed like the
            recording.
        recorded: envelopes, at the same rate; times count from the same moment.
        events: notes or movements, in the same time.
        config: settings.
        repeats: other recordings of the same movements by kind ("same person", "other person"),
            for the noise ceiling.

    Raises:
        InvalidValue: no channel in common, rates that differ, or too little time in common.
    """
    config = config or CompareConfig()
    rng = np.random.default_rng(config.seed)
    aligned, remarks = align_curves(simulated, recorded, config)
    curves = Curves(
        simulated=aligned.simulated,
        recorded=aligned.recorded,
        simulated_on=aligned.simulated_on,
        recorded_on=aligned.recorded_on,
        fs_hz=aligned.fs_hz,
    )
    matrices, shares = _matrices(aligned, curves, config)
    parts = _Parts(
        curves=aligned,
        matrices=matrices,
        nulls=_nulls(curves, matrices, config, rng, events=events, start=aligned.time[0]),
        lags=_lags(aligned, config),
        channels=identify(shares, aligned.names, rng),
        electrodes=identify(shares[:, : len(aligned.names)].T, aligned.names, rng),
        ceilings=_ceilings(aligned, recorded, events, repeats or {}, config),
    )
    remarks += _remarks(aligned, simulated, recorded)
    shifted = shifted_scores(curves, config.lag_range)["r"]
    half = len(shifted) // 2
    muscles = tuple(_muscles(parts, config, rng))
    candidates = (*aligned.names, *aligned.control_names)
    return Comparison(
        config=config,
        curves=aligned,
        muscles=muscles,
        pooled=_pooled(parts, muscles, rng),
        matrix=matrices["r_best"],
        shares=shares,
        channels=parts.channels,
        electrodes=parts.electrodes,
        assigned=tuple(candidates[place] for place in match_channels(shares)),
        lags=parts.lags,
        shift=(np.arange(len(shifted)) - half) / aligned.fs_hz,
        shift_r=np.roll(_row_means(shifted), half),
        cocontraction=(_cocontraction(aligned.simulated), _cocontraction(aligned.recorded)),
        movements=identify_movements(aligned, events, config, rng),
        differences=find_differences(aligned, events, config, rng),
        ceilings=parts.ceilings,
        synergies=_synergies(aligned, config, rng),
        remarks=tuple(remarks),
        parameters={
            "envelope": describe(recorded.config),
            "simulated envelope": describe(simulated.config),
        },
    )


def _matrices(
    aligned: AlignedCurves, curves: Curves, config: CompareConfig
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores of every muscle with every channel, and its share of the explained correlation."""
    channels, on = all_channels(aligned, config)
    matrices = score_matrix(curves, channels, on, config.lag_range)
    mixture = shifted_mixture_r(aligned.simulated, channels, aligned.fs_hz, config.lag_range)
    return matrices, explained_shares(matrices["r_best"], mixture)


def _remarks(curves: AlignedCurves, simulated: Envelopes, recorded: Envelopes) -> list[str]:
    """Limits of the numbers, as sentences."""
    remarks = []
    period = float(np.nanmax(periodicity(curves.recorded, curves.fs_hz)))
    if period > MAX_PERIODICITY:
        remarks.append(
            f"the recording repeats itself (autocorrelation {period:.2f}): circular shifts in time "
            "are no fair null"
        )
    if "task_p99" in (simulated.config.normalise, recorded.config.normalise):
        remarks.append(
            "scaled by its own task: error and concordance compare shapes, not amplitudes"
        )
    steady = [name for k, name in enumerate(curves.names) if not curves.recorded_on[:, k].any()]
    if steady:
        remarks.append(
            f"on and off cannot be distinguished in the recording of {', '.join(steady)}: no kappa "
            "there"
        )
    return remarks


def _nulls(
    curves: Curves,
    matrices: Mapping[str, np.ndarray],
    config: CompareConfig,
    rng: np.random.Generator,
    *,
    events: Sequence[Event],
    start: float,
) -> dict[str, dict[str, NullBand]]:
    """Null bands of every score by kind; events count in the curves' time from `start` [s]."""
    nulls = {"surrogate": surrogate_null(curves, config.lag_range)}
    if matrices["r"].shape[1] > 1:
        nulls["wrong muscle"] = wrong_muscle_null(matrices)
    onsets = [event.onset - start for event in events]
    labels = [event.label for event in events]
    wrong_movement = wrong_movement_null(
        curves, onsets, labels, config.window, rng, draws=config.draws
    )
    if wrong_movement is not None:
        nulls["wrong movement"] = wrong_movement
    return nulls


def _lags(curves: AlignedCurves, config: CompareConfig) -> LagCurve:
    low, high = config.lag_range
    return lagged_correlation(
        curves.simulated,
        curves.recorded,
        curves.fs_hz,
        lag_range=config.lag_range,
        max_lag=max(0.3, high + 0.1, 0.1 - low),
    )


def _muscles(parts: _Parts, config: CompareConfig, rng: np.random.Generator) -> list[MuscleResult]:
    curves = parts.curves
    lags = parts.lags
    cosine = uncentred_correlation(curves.simulated, curves.recorded)
    low, high, _ = bootstrap_interval(
        curves.simulated, curves.recorded, rng, draws=config.resamples
    )
    size = effective_size(curves.simulated, curves.recorded)
    adjusted = {name: holm(parts.nulls["surrogate"][name].p) for name in SCORES}
    results = []
    for k, name in enumerate(curves.names):
        scores = {score: float(matrix[k, k]) for score, matrix in parts.matrices.items()}
        results.append(
            MuscleResult(
                name=name,
                scores=scores | {"r_best": float(lags.best[k])},
                lag=float(lags.lag[k]),
                at_edge=bool(lags.at_edge[k]),
                cosine=float(cosine[k]),
                interval=(float(low[k]), float(high[k])),
                size=float(size[k]),
                nulls={kind: _nulls_of(bands, k) for kind, bands in parts.nulls.items()},
                holm={score: float(values[k]) for score, values in adjusted.items()},
                rank=float(parts.channels.ranks[k]),
                candidates=parts.matrices["r"].shape[1],
                electrode_rank=float(parts.electrodes.ranks[k]),
                bursts=_bursts(curves, k, config),
                ceilings={
                    kind: _median(ceiling.channels[:, k])
                    for kind, ceiling in parts.ceilings.items()
                },
            )
        )
    return results


def _bursts(curves: AlignedCurves, k: int, config: CompareConfig) -> OnsetErrors | None:
    """Errors of onsets and offsets of a muscle; None where a side is never on."""
    simulated_on = curves.simulated_on[:, k]
    recorded_on = curves.recorded_on[:, k]
    if not (simulated_on.any() and recorded_on.any()):
        return None
    return match_onsets(simulated_on, recorded_on, curves.fs_hz, config.activity.tolerance)


def _pooled(
    parts: _Parts, muscles: Sequence[MuscleResult], rng: np.random.Generator
) -> MuscleResult:
    """Means over muscles. Their surrogates shift all muscles together; their wrong muscles are
    random assignments."""
    matrices = parts.matrices
    bands = {
        kind: {name: _mean_band(name, band) for name, band in parts.nulls[kind].items()}
        for kind in ("surrogate", "wrong movement")
        if kind in parts.nulls
    }
    if "wrong muscle" in parts.nulls:
        orders = _wrong_assignments(len(muscles), matrices["r"].shape[1], rng)
        rows = np.arange(len(muscles))
        bands["wrong muscle"] = {
            name: null_band(
                name,
                np.array([_mean(np.diagonal(matrices[name]))]),
                _row_means(matrices[name][rows, orders])[:, None],
            )
            for name in SCORES
        }
    nulls = {kind: _nulls_of(bands[kind], 0) for kind in parts.nulls}
    return MuscleResult(
        name=POOLED,
        scores={name: _mean([muscle.scores[name] for muscle in muscles]) for name in SCORES},
        lag=_median(np.array([muscle.lag for muscle in muscles if not muscle.at_edge])),
        at_edge=all(muscle.at_edge for muscle in muscles),
        cosine=_mean([muscle.cosine for muscle in muscles]),
        interval=(np.nan, np.nan),
        size=float(np.median([muscle.size for muscle in muscles])),
        nulls=nulls,
        holm={name: nulls["surrogate"][name].p for name in SCORES},
        rank=_mean(parts.channels.ranks),
        candidates=matrices["r"].shape[1],
        electrode_rank=_mean(parts.electrodes.ranks),
        bursts=None,
        ceilings={kind: _median(ceiling.pooled) for kind, ceiling in parts.ceilings.items()},
    )


def _ceilings(
    curves: AlignedCurves,
    recorded: Envelopes,
    events: Sequence[Event],
    repeats: Mapping[str, Sequence[RepeatRecording]],
    config: CompareConfig,
) -> dict[str, NoiseCeiling]:
    """Noise ceilings by kind, of all repeated recordings together."""
    if not repeats or not events:
        return {}
    ceilings = {}
    ensembles = average_events(recorded.select(curves.names), events, config.window)
    for kind, recordings in repeats.items():
        single = [
            noise_ceiling(
                ensembles,
                average_events(repeat.select(curves.names), repeat_events, config.window),
            )
            for repeat, repeat_events in recordings
        ]
        if single:
            ceilings[kind] = NoiseCeiling(
                *(np.concatenate(column) for column in zip(*single, strict=True))
            )
    return ceilings


def _synergies(
    curves: AlignedCurves, config: CompareConfig, rng: np.random.Generator
) -> SynergyComparison | None:
    """As many synergies as explain 90 % of the recording; None with fewer than three muscles."""
    sides = curves.simulated, curves.recorded
    if (
        config.synergies < 1
        or len(curves.names) < 3
        or any((side.std(axis=0) == 0).any() for side in sides)
    ):
        return None
    stride = max(round(curves.fs_hz / SYNERGY_HZ), 1)
    a, e = (np.maximum(side[::stride], 0) / side.std(axis=0) for side in sides)
    draws = min(max(config.draws // 20, 3), 10)
    max_count = min(config.synergies, len(curves.names) - 1)
    simulated, recorded = (
        vaf_curve(side, rng, max_count=max_count, draws=draws) for side in (a, e)
    )
    enough = np.flatnonzero(recorded.vaf >= MIN_VAF)
    count = int(recorded.counts[enough[0]] if len(enough) else recorded.counts[-1])
    simulated_weights = find_synergies(a, count).weights
    recorded_weights = find_synergies(e, count).weights
    return SynergyComparison(
        number=count,
        simulated=simulated,
        recorded=recorded,
        simulated_weights=simulated_weights,
        recorded_weights=recorded_weights,
        match=match_synergies(simulated_weights, recorded_weights, rng),
    )


def _cocontraction(values: np.ndarray) -> np.ndarray:
    """Co-contraction index of every two muscles. Shape (K, K)."""
    positive = np.maximum(values, 0)
    count = values.shape[1]
    return np.stack(
        [cocontraction(positive, np.repeat(positive[:, [k]], count, axis=1)) for k in range(count)]
    )


def _wrong_assignments(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Random candidates for all rows, never the true one, each assignment once. Shape (D, rows)."""
    drawn = rng.permuted(np.tile(np.arange(columns), (_ASSIGNMENTS, 1)), axis=1)[:, :rows]
    wrong = drawn[(drawn != np.arange(rows)).all(axis=1)]
    return np.unique(np.concatenate([wrong, np.roll(np.arange(columns), 1)[None, :rows]]), axis=0)


def _mean_band(name: str, band: NullBand) -> NullBand:
    """Null band of the mean over muscles, which are all drawn together."""
    return null_band(name, _row_means(band.observed[None]), _row_means(band.draws)[:, None])


def _nulls_of(bands: Mapping[str, NullBand], k: int) -> dict[str, Null]:
    """The null of each score for the muscle of column k."""
    return {
        name: Null(
            low=float(band.low[k]),
            median=float(band.median[k]),
            high=float(band.high[k]),
            p=float(band.p[k]),
        )
        for name, band in bands.items()
    }


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(_row_means(np.asarray(values, dtype=float)[None])[0])


def _row_means(values: np.ndarray) -> np.ndarray:
    """Mean of each row over its entries that are not NaN. Shape (D,)."""
    valid = ~np.isnan(values)
    count = valid.sum(axis=1)
    total = np.where(valid, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def _median(values: np.ndarray) -> float:
    valid = values[~np.isnan(values)]
    return float(np.median(valid)) if len(valid) else float("nan")
