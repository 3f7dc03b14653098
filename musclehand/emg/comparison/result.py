"""Results of a comparison of simulated with recorded muscles: scores, their nulls, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.comparison.identify import Identification, NoiseCeiling
from musclehand.emg.comparison.inference import CurveTest
from musclehand.emg.comparison.nulls import SCORES
from musclehand.emg.comparison.statistics import LAG_RANGE, LagCurve
from musclehand.emg.processing.onsets import ActivityConfig, OnsetErrors
from musclehand.emg.processing.synergies import SynergyMatch, VafCurve

SCHEMA = 1
"""Version of the JSON file; raised when the meaning of an entry changes."""

NULLS = ("surrogate", "wrong muscle", "wrong movement")
"""Kinds of null distributions, as files name them: see `nulls`."""

POOLED = "all"
"""Name of the pooled result in tables."""

LEVEL = 0.05
"""p below which a score or difference is reported as more than chance."""

INFERENCES = ("cluster", "spm")
"""Tests of curves round events: cluster permutations, or spm1d."""


@dataclass(frozen=True)
class CompareConfig:
    """Settings of a comparison. Every value is written into the result.

    Raises:
        InvalidValue: a number outside its range.
        UnknownName: no such inference.
    """

    lag_range: tuple[float, float] = LAG_RANGE
    """[s] lags searched for the best correlation, the recording leading."""

    window: tuple[float, float] = (-0.2, 0.3)
    """[s] round events, from their onset."""

    edge_s: float = 0.3
    """[s] cut off at both ends, where filters have transients."""

    draws: int = 200
    """Draws of the wrong-movement null."""

    resamples: int = 2000
    """Resamples of the bootstrap."""

    seed: int = 0
    """Of all random draws."""

    synergies: int = 5
    """Largest number of synergies to extract; 0 for none."""

    inference: str = "cluster"
    """Test of curves round events, one of `INFERENCES`."""

    activity: ActivityConfig = field(default_factory=ActivityConfig)
    """When a muscle counts as on."""

    def __post_init__(self) -> None:
        for name in ("lag_range", "window"):
            low, high = getattr(self, name)
            if not (math.isfinite(low) and math.isfinite(high) and low < high and high - low < 60):
                raise InvalidValue(
                    name, (low, high), "two times in seconds, the first below the second"
                )
        if not 0 <= self.edge_s < 60:
            raise InvalidValue("edge_s", self.edge_s, "0 to 60 s")
        for name in ("draws", "resamples"):
            if not 20 <= getattr(self, name) <= 100_000:
                raise InvalidValue(name, getattr(self, name), "20 to 100000")
        if self.inference not in INFERENCES:
            raise UnknownName("inference", self.inference, INFERENCES)
        if not 0 <= self.synergies <= 20 or self.seed < 0:
            raise InvalidValue(
                "synergies and seed", (self.synergies, self.seed), "0 to 20, and 0 or more"
            )


class Null(NamedTuple):
    """Null distribution of one score of one muscle."""

    low: float
    """5th percentile."""

    median: float
    """50th percentile."""

    high: float
    """95th percentile."""

    p: float
    """Share of draws at least as good as the observed score."""


@dataclass(frozen=True)
class MuscleResult:
    """Scores of one channel, or means over all channels (`name` is `POOLED`)."""

    name: str
    """Of the channel."""

    scores: Mapping[str, float]
    """By name in `nulls.SCORES`."""

    lag: float
    """[s] lag of the best correlation, the recording leading."""

    at_edge: bool
    """Whether that lag is the edge of those searched, and so no delay."""

    cosine: float
    """Un-centred correlation, to be compared with publications."""

    interval: tuple[float, float]
    """95 % confidence interval of r."""

    size: float
    """Effective number of independent samples."""

    nulls: Mapping[str, Mapping[str, Null]]
    """By kind in `NULLS`, then by score."""

    holm: Mapping[str, float]
    """Surrogate p-value of each score, adjusted over all muscles."""

    rank: float
    """Of the true channel among the candidates; 1 is identified."""

    candidates: int
    """Number of recorded channels."""

    electrode_rank: float
    """Of this muscle among all simulated muscles in its own channel."""

    bursts: OnsetErrors | None
    """Errors of onsets and offsets; None where a side is never or always on."""

    ceilings: Mapping[str, float]
    """Noise ceiling: r between recordings, by kind, the median over movements."""


class AlignedCurves(NamedTuple):
    """Simulated and recorded curves of the same channels over the same time."""

    time: np.ndarray
    """[s] Shape (T,)."""

    simulated: np.ndarray
    """Activations, projected on channels and smoothed. Shape (T, K)."""

    recorded: np.ndarray
    """Envelopes. Shape (T, K)."""

    simulated_on: np.ndarray
    """When each activation counts as on. Shape (T, K)."""

    recorded_on: np.ndarray
    """When each envelope counts as on. Shape (T, K)."""

    names: tuple[str, ...]
    """Of the channels. K of them."""

    controls: np.ndarray
    """Envelopes of recorded channels without a simulated muscle. Shape (T, C)."""

    control_names: tuple[str, ...]
    """Of these. C of them."""

    fs_hz: float
    """[Hz] rate of all curves."""


class MovementIdentification(NamedTuple):
    """Identification of each recorded movement among all simulated ones."""

    labels: tuple[str, ...]
    """Of the movements. L of them."""

    matrix: np.ndarray
    """Correlation of recorded (rows) with simulated movements. Shape (L, L)."""

    identification: Identification
    """Ranks of the true movement."""


class CurveDifferences(NamedTuple):
    """Tests of where the two sides differ round events, simulated minus recorded."""

    time: np.ndarray
    """[s] from the onset of an event. Shape (W,)."""

    events: int
    """Number of events."""

    tests: tuple[CurveTest, ...]
    """Test of the whole curve for each muscle. K of them."""

    p: np.ndarray
    """Of each muscle's test, adjusted over muscles by Holm's method. Shape (K,)."""


class SynergyComparison(NamedTuple):
    """Muscle synergies of the two sides."""

    number: int
    """Synergies a side, k."""

    simulated: VafCurve
    """Variance that synergies of the simulated side account for."""

    recorded: VafCurve
    """Variance that synergies of the recorded side account for."""

    simulated_weights: np.ndarray
    """Of muscles in each simulated synergy. Shape (k, K)."""

    recorded_weights: np.ndarray
    """Of muscles in each recorded synergy. Shape (k, K)."""

    match: SynergyMatch
    """The two sets paired up."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A whole comparison of simulated muscles with a recording."""

    config: CompareConfig
    """Settings of the comparison."""

    curves: AlignedCurves = field(repr=False)
    """The curves that were compared."""

    muscles: tuple[MuscleResult, ...]
    """One result a channel."""

    pooled: MuscleResult
    """Means over all channels."""

    matrix: np.ndarray = field(repr=False)
    """r at the best lag of each simulated muscle with each recorded channel. Shape (K, K + C)."""

    shares: np.ndarray = field(repr=False)
    """Shares of muscles in the explained correlation of channels (`identify.explained_shares`).
    Shape (K, K + C)."""

    channels: Identification
    """Whether a muscle has its highest share in its true channel."""

    electrodes: Identification
    """Whether the true muscle has the highest share in a channel."""

    assigned: tuple[str, ...]
    """Channels that muscles get by optimal assignment of their shares. K of them."""

    lags: LagCurve = field(repr=False)
    """Correlation against lag."""

    shift: np.ndarray = field(repr=False)
    """[s] circular shifts of the whole recording. Shape (S,)."""

    shift_r: np.ndarray = field(repr=False)
    """Mean correlation after each shift. Shape (S,)."""

    cocontraction: tuple[np.ndarray, np.ndarray] = field(repr=False)
    """Co-contraction index of every two muscles, simulated and recorded. Each of shape (K, K)."""

    movements: MovementIdentification | None
    """None with fewer than two labels of events."""

    differences: CurveDifferences | None
    """Of curves round events; None with too few events."""

    ceilings: Mapping[str, NoiseCeiling]
    """Noise ceilings by kind of the repeated recordings."""

    synergies: SynergyComparison | None
    """None with fewer than three muscles, or where none are asked for."""

    remarks: tuple[str, ...]
    """Limits of these numbers, as sentences."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the envelopes and of the files, for the methods section."""


def muscle_table(comparison: Comparison) -> tuple[list[str], list[list[str | float]]]:
    """Column names and rows of the table of all muscles, the pooled one last.

    Returns:
        Names and rows; NaN where there is no number.
    """
    kinds = [kind for kind in NULLS if kind in comparison.pooled.nulls]
    columns = ["muscle", *SCORES, "lag_s", "lag_at_edge", "r_low", "r_high"]
    columns += ["cosine", "n_eff", "rank", "candidates", "electrode_rank"]
    for kind in kinds:
        word = kind.replace(" ", "_")
        parts = [f"{word}_{part}" for part in ("p05", "p50", "p95", "p")]
        columns += [f"{name}_{part}" for name in SCORES for part in parts]
    columns += [f"{name}_holm" for name in SCORES]
    columns += [f"burst_{name}" for name in OnsetErrors._fields]
    columns += [f"ceiling_{kind.replace(' ', '_')}" for kind in comparison.ceilings]
    results = (*comparison.muscles, comparison.pooled)
    return columns, [_table_row(result, kinds, list(comparison.ceilings)) for result in results]


def _table_row(
    result: MuscleResult, null_kinds: list[str], ceiling_kinds: list[str]
) -> list[str | float]:
    row: list[str | float] = [result.name]
    row += [result.scores[name] for name in SCORES]
    row += [result.lag, float(result.at_edge), *result.interval]
    row += [result.cosine, result.size, result.rank, float(result.candidates)]
    row += [result.electrode_rank]
    for kind in null_kinds:
        row += [value for name in SCORES for value in result.nulls[kind][name]]
    row += [result.holm[name] for name in SCORES]
    if result.bursts is None:
        row += [math.nan] * len(OnsetErrors._fields)
    else:
        row += [float(value) for value in result.bursts]
    row += [result.ceilings.get(kind, math.nan) for kind in ceiling_kinds]
    return row


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as an object of plain values: `schema`, `config`, `muscles`, `pooled` and
    further parts. NaN becomes null."""
    movements = comparison.movements
    synergies = comparison.synergies
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "config": _config_json(comparison.config),
        "parameters": dict(comparison.parameters),
        "seconds": len(comparison.curves.time) / comparison.curves.fs_hz,
        "fs_hz": comparison.curves.fs_hz,
        "muscles": [_muscle_json(result) for result in comparison.muscles],
        "pooled": _muscle_json(comparison.pooled),
        "channels": comparison.channels._asdict(),
        "electrodes": comparison.electrodes._asdict(),
        "assigned": dict(zip(comparison.curves.names, comparison.assigned, strict=True)),
        "r_matrix": comparison.matrix,
        "share_matrix": comparison.shares,
        "controls": comparison.curves.control_names,
        "movements": None if movements is None else _movements_json(movements),
        "differences": None if comparison.differences is None else _differences_json(comparison),
        "ceilings": {kind: _ceiling_json(value) for kind, value in comparison.ceilings.items()},
        "synergies": None if synergies is None else _synergies_json(synergies),
        "remarks": comparison.remarks,
    }
    plain = _plain(content)
    assert isinstance(plain, dict)
    return plain


def _config_json(config: CompareConfig) -> dict[str, Any]:
    """The settings; the file calls the range of lags "searched"."""
    names = {"lag_range": "searched"}
    return {names.get(name, name): value for name, value in asdict(config).items()}


def _muscle_json(result: MuscleResult) -> dict[str, Any]:
    content = dict(vars(result))
    content["nulls"] = {
        kind: {name: _null_json(null) for name, null in nulls.items()}
        for kind, nulls in result.nulls.items()
    }
    content["bursts"] = None if result.bursts is None else result.bursts._asdict()
    return content


def _null_json(null: Null) -> dict[str, float]:
    """The null; the file calls the median "middle"."""
    return {"low": null.low, "middle": null.median, "high": null.high, "p": null.p}


def _movements_json(movements: MovementIdentification) -> dict[str, Any]:
    content = {"labels": movements.labels, "r_matrix": movements.matrix}
    return content | movements.identification._asdict()


def _differences_json(comparison: Comparison) -> dict[str, Any]:
    """For each muscle, its p and where curves differ [s from an event]."""
    differences = comparison.differences
    assert differences is not None
    time = differences.time
    muscles = {}
    for name, test, p in zip(
        comparison.curves.names, differences.tests, differences.p, strict=True
    ):
        clusters = [
            {
                "from_s": time[cluster.first],
                "to_s": time[cluster.last - 1],
                "p": cluster.p,
            }
            for cluster in test.clusters
        ]
        muscles[name] = {"p_holm": p, "threshold": test.threshold, "clusters": clusters}
    return {
        "events": differences.events,
        "inference": comparison.config.inference,
        "muscles": muscles,
    }


def _ceiling_json(ceiling: NoiseCeiling) -> dict[str, Any]:
    return {
        name: np.nanpercentile(values, [5, 50, 95]) if values.size else None
        for name, values in ceiling._asdict().items()
    }


def _synergies_json(synergies: SynergyComparison) -> dict[str, Any]:
    match = synergies.match
    return {
        "count": synergies.number,
        "simulated": _vaf_json(synergies.simulated),
        "recorded": _vaf_json(synergies.recorded),
        "cosines": match.cosines,
        "cosine": match.cosine,
        "cosine_null": {
            "p95": float(np.percentile(match.null_cosines, 95)),
            "mean": float(match.null_cosines.mean()),
        },
        "p_cosine": match.p_cosine,
        "angle_rad": match.angle,
        "p_angle": match.p_angle,
        "angle_null_median_rad": float(np.median(match.null_angles)),
    }


def _vaf_json(curve: VafCurve) -> dict[str, Any]:
    return {"count": curve.counts, "vaf": curve.vaf, "null": curve.null.mean(axis=0)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
