"""Simulated muscle activity against recorded EMG: every score with its nulls, its ceiling and its
certainty.

    simulated = smooth_simulated(projected.values, fs_hz, config, names=projected.names)
    recorded = envelope(recording, config)
    comparison = compare(simulated, recorded, recording.events)

Columns with the same name belong together. Recorded channels that no simulated muscle has stay in
as candidates, so that a muscle has to be told from them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from musclehand.emg.comparison.align import align_curves, all_channels
from musclehand.emg.comparison.around_events import find_differences, identify_movements
from musclehand.emg.comparison.identify import (
    Ceiling,
    Identification,
    average_events,
    ceiling,
    identify,
    match_channels,
    shares_of_explained,
)
from musclehand.emg.comparison.nulls import (
    SCORES,
    Curves,
    NullBand,
    band,
    moved_mixture,
    moved_scores,
    periodicity,
    score_matrix,
    surrogate_null,
    wrong_movement_null,
    wrong_muscle_null,
)
from musclehand.emg.comparison.result import (
    POOLED,
    CompareConfig,
    Compared,
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
from musclehand.emg.processing.onsets import match_onsets
from musclehand.emg.processing.synergies import find_synergies, match_synergies, vaf_curve
from musclehand.emg.recording import Event

METRONOMIC = 0.5
"""Autocorrelation beyond a second from which moves in time are no fair null."""

ENOUGH_VAF = 0.9
SYNERGY_HZ = 25.0
"""Rate at which synergies are looked for; four times what a low-pass at 6 Hz leaves."""

OtherRecording = tuple[Envelopes, Sequence[Event]]

_ASSIGNMENTS = 1000


class _Found(NamedTuple):
    """What results are put together from."""

    compared: Compared
    curves: Curves
    matrices: Mapping[str, np.ndarray]
    nulls: Mapping[str, Mapping[str, NullBand]]
    lags: LagCurve
    channels: Identification
    electrodes: Identification
    ceilings: Mapping[str, Ceiling]


def compare(
    simulated: Envelopes,
    recorded: Envelopes,
    events: Sequence[Event] = (),
    config: CompareConfig | None = None,
    others: Mapping[str, Sequence[OtherRecording]] | None = None,
) -> Comparison:
    """Compares all muscles that are on both sides.

    Args:
        simulated: activations or excitations, projected on channels and smoothed as the recording
            was.
        recorded: envelopes, at the same rate; times count from the same moment.
        events: what was done when: notes, movements.
        config: how.
        others: other recordings of the same movements by kind ("same person", "other person"), for
            the ceiling.

    Raises:
        InvalidValue: no channel in common, rates that differ, or too little time in common.
    """
    config = config or CompareConfig()
    rng = np.random.default_rng(config.seed)
    compared, remarks = align_curves(simulated, recorded, config)
    curves = Curves(*compared[1:5], compared.fs_hz)
    matrices, shares = _matrices(compared, curves, config)
    found = _Found(
        compared,
        curves,
        matrices,
        _nulls(curves, matrices, compared, events, config, rng),
        _lags(compared, config),
        identify(shares, compared.names, rng),
        identify(shares[:, : len(compared.names)].T, compared.names, rng),
        _ceilings(compared, recorded, events, others or {}, config),
    )
    remarks += _remarks(compared, simulated, recorded)
    moved = moved_scores(curves, config.searched)["r"]
    half = len(moved) // 2
    muscles = tuple(_muscles(found, config, rng))
    candidates = (*compared.names, *compared.control_names)
    return Comparison(
        config=config,
        curves=compared,
        muscles=muscles,
        pooled=_pooled(found, muscles, rng),
        matrix=matrices["r_best"],
        shares=shares,
        channels=found.channels,
        electrodes=found.electrodes,
        assigned=tuple(candidates[place] for place in match_channels(shares)),
        lags=found.lags,
        shift=(np.arange(len(moved)) - half) / compared.fs_hz,
        shift_r=np.roll(_mean_over(moved), half),
        cocontraction=(_cocontraction(compared.simulated), _cocontraction(compared.recorded)),
        movements=identify_movements(compared, events, config, rng),
        differences=find_differences(compared, events, config, rng),
        ceilings=found.ceilings,
        synergies=_synergies(compared, config, rng),
        remarks=tuple(remarks),
        parameters={
            "envelope": describe(recorded.config),
            "simulated envelope": describe(simulated.config),
        },
    )


def _matrices(
    compared: Compared, curves: Curves, config: CompareConfig
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores of every muscle with every channel, and its share of what all muscles explain
    there."""
    channels, on = all_channels(compared, config)
    matrices = score_matrix(curves, channels, on, config.searched)
    moved = moved_mixture(compared.simulated, channels, compared.fs_hz, config.searched)
    return matrices, shares_of_explained(matrices["r_best"], moved)


def _remarks(compared: Compared, simulated: Envelopes, recorded: Envelopes) -> list[str]:
    """What limits the numbers."""
    remarks = []
    period = float(np.nanmax(periodicity(compared.recorded, compared.fs_hz)))
    if period > METRONOMIC:
        remarks.append(
            f"the recording repeats itself (autocorrelation {period:.2f}): moves in time are no fair null"
        )
    if "task_p99" in (simulated.config.normalise, recorded.config.normalise):
        remarks.append(
            "scaled by its own task: error and concordance compare shapes, not amplitudes"
        )
    steady = [name for k, name in enumerate(compared.names) if not compared.recorded_on[:, k].any()]
    if steady:
        remarks.append(
            f"on and off cannot be told apart in the recording of {', '.join(steady)}: no kappa there"
        )
    return remarks


def _nulls(
    curves: Curves,
    matrices: Mapping[str, np.ndarray],
    compared: Compared,
    events: Sequence[Event],
    config: CompareConfig,
    rng: np.random.Generator,
) -> dict[str, dict[str, NullBand]]:
    found = {"surrogate": surrogate_null(curves, config.searched)}
    if matrices["r"].shape[1] > 1:
        found["wrong muscle"] = wrong_muscle_null(matrices)
    onsets = [event.onset - compared.time[0] for event in events]
    labels = [event.label for event in events]
    other = wrong_movement_null(curves, onsets, labels, config.window, rng, config.draws)
    return found if other is None else found | {"wrong movement": other}


def _lags(compared: Compared, config: CompareConfig) -> LagCurve:
    shown = max(0.3, config.searched[1] + 0.1, 0.1 - config.searched[0])
    return lagged_correlation(
        compared.simulated, compared.recorded, compared.fs_hz, searched=config.searched, shown=shown
    )


def _muscles(found: _Found, config: CompareConfig, rng: np.random.Generator) -> list[MuscleResult]:
    compared = found.compared
    lags = found.lags
    cosine = uncentred_correlation(compared.simulated, compared.recorded)
    low, high, _ = bootstrap_interval(
        compared.simulated, compared.recorded, rng, draws=config.resamples
    )
    size = effective_size(compared.simulated, compared.recorded)
    adjusted = {name: holm(found.nulls["surrogate"][name].p) for name in SCORES}
    results = []
    for k, name in enumerate(compared.names):
        on = compared.simulated_on[:, k], compared.recorded_on[:, k]
        bursts = (
            match_onsets(*on, compared.fs_hz, config.activity.tolerance)
            if on[0].any() and on[1].any()
            else None
        )
        scores = {each: float(matrix[k, k]) for each, matrix in found.matrices.items()}
        results.append(
            MuscleResult(
                name=name,
                scores=scores | {"r_best": float(lags.best[k])},
                lag=float(lags.lag[k]),
                at_edge=bool(lags.at_edge[k]),
                cosine=float(cosine[k]),
                interval=(float(low[k]), float(high[k])),
                size=float(size[k]),
                nulls={
                    kind: {n: _null(each, k) for n, each in bands.items()}
                    for kind, bands in found.nulls.items()
                },
                holm={each: float(values[k]) for each, values in adjusted.items()},
                rank=float(found.channels.ranks[k]),
                candidates=found.matrices["r"].shape[1],
                electrode_rank=float(found.electrodes.ranks[k]),
                bursts=bursts,
                ceilings={
                    kind: _median(each.channels[:, k]) for kind, each in found.ceilings.items()
                },
            )
        )
    return results


def _pooled(
    found: _Found, muscles: Sequence[MuscleResult], rng: np.random.Generator
) -> MuscleResult:
    """Means over muscles; their surrogates move all muscles together, their wrong muscles are
    random assignments."""
    matrices = found.matrices
    scores = {name: _mean([each.scores[name] for each in muscles]) for name in SCORES}
    bands = {"surrogate": {n: _mean_band(n, each) for n, each in found.nulls["surrogate"].items()}}
    if "wrong muscle" in found.nulls:
        orders = _wrong_assignments(len(muscles), matrices["r"].shape[1], rng)
        rows = np.arange(len(muscles))
        wrong = {n: _mean_over(matrix[rows, orders])[:, None] for n, matrix in matrices.items()}
        seen = {n: np.array([_mean(np.diagonal(matrix))]) for n, matrix in matrices.items()}
        bands["wrong muscle"] = {n: band(n, seen[n], wrong[n]) for n in SCORES}
    if "wrong movement" in found.nulls:
        bands["wrong movement"] = {
            n: _mean_band(n, each) for n, each in found.nulls["wrong movement"].items()
        }
    nulls = {
        kind: {n: _null(each, 0) for n, each in values.items()} for kind, values in bands.items()
    }
    return MuscleResult(
        name=POOLED,
        scores=scores,
        lag=_median(np.array([each.lag for each in muscles if not each.at_edge])),
        at_edge=all(each.at_edge for each in muscles),
        cosine=_mean([each.cosine for each in muscles]),
        interval=(np.nan, np.nan),
        size=float(np.median([each.size for each in muscles])),
        nulls=nulls,
        holm={name: nulls["surrogate"][name].p for name in SCORES},
        rank=_mean(found.channels.ranks),
        candidates=matrices["r"].shape[1],
        electrode_rank=_mean(found.electrodes.ranks),
        bursts=None,
        ceilings={kind: _median(each.pooled) for kind, each in found.ceilings.items()},
    )


def _ceilings(
    compared: Compared,
    recorded: Envelopes,
    events: Sequence[Event],
    others: Mapping[str, Sequence[OtherRecording]],
    config: CompareConfig,
) -> dict[str, Ceiling]:
    """By kind, of all other recordings together."""
    found = {}
    if others and events:
        mine = average_events(recorded.select(compared.names), events, config.window)
        for kind, recordings in others.items():
            parts = [
                ceiling(mine, average_events(other.select(compared.names), theirs, config.window))
                for other, theirs in recordings
            ]
            if parts:
                found[kind] = Ceiling(
                    *(np.concatenate(column) for column in zip(*parts, strict=True))
                )
    return found


def _synergies(
    compared: Compared, config: CompareConfig, rng: np.random.Generator
) -> SynergyComparison | None:
    """As many synergies as explain 90 % of the recording; None where there are fewer than three
    muscles."""
    sides = compared.simulated, compared.recorded
    if (
        config.synergies < 1
        or len(compared.names) < 3
        or any((side.std(axis=0) == 0).any() for side in sides)
    ):
        return None
    every = max(round(compared.fs_hz / SYNERGY_HZ), 1)
    a, e = (np.maximum(side[::every], 0) / side.std(axis=0) for side in sides)
    draws = min(max(config.draws // 20, 3), 10)
    most = min(config.synergies, len(compared.names) - 1)
    simulated, recorded = (vaf_curve(side, rng, most=most, draws=draws) for side in (a, e))
    enough = np.flatnonzero(recorded.vaf >= ENOUGH_VAF)
    count = int(recorded.counts[enough[0]] if len(enough) else recorded.counts[-1])
    one = find_synergies(a, count).weights
    two = find_synergies(e, count).weights
    return SynergyComparison(count, simulated, recorded, one, two, match_synergies(one, two, rng))


def _cocontraction(values: np.ndarray) -> np.ndarray:
    """Of every two muscles. Shape (K, K)."""
    positive = np.maximum(values, 0)
    count = values.shape[1]
    return np.stack(
        [cocontraction(positive, np.repeat(positive[:, [k]], count, axis=1)) for k in range(count)]
    )


def _wrong_assignments(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Candidates for all rows, none of them the true one, each assignment once. Shape (D, rows)."""
    drawn = rng.permuted(np.tile(np.arange(columns), (_ASSIGNMENTS, 1)), axis=1)[:, :rows]
    wrong = drawn[(drawn != np.arange(rows)).all(axis=1)]
    return np.unique(np.concatenate([wrong, np.roll(np.arange(columns), 1)[None, :rows]]), axis=0)


def _mean_band(name: str, each: NullBand) -> NullBand:
    """Of the mean over muscles, which are all drawn together."""
    return band(name, _mean_over(each.seen[None]), _mean_over(each.draws)[:, None])


def _null(each: NullBand, k: int) -> Null:
    return Null(*(float(part[k]) for part in (each.low, each.middle, each.high, each.p)))


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(_mean_over(np.asarray(values, dtype=float)[None])[0])


def _mean_over(values: np.ndarray) -> np.ndarray:
    """Over the columns that are known. Shape (D,)."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")
