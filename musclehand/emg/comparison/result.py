"""What came of comparing simulated muscles with recorded ones: numbers, their nulls, and how to
write them down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.emg.comparison.identify import Ceiling, Identification
from musclehand.emg.comparison.inference import CurveTest
from musclehand.emg.comparison.nulls import SCORES
from musclehand.emg.comparison.statistics import SEARCHED, LagCurve
from musclehand.emg.processing.onsets import ActivityConfig, OnsetErrors
from musclehand.emg.processing.synergies import SynergyMatch, VafCurve

SCHEMA = 1
NULLS = ("surrogate", "wrong muscle", "wrong movement")
POOLED = "all"
LEVEL = 0.05
"""What is said to be there, not to be chance."""

INFERENCES = ("cluster", "spm")


@dataclass(frozen=True)
class CompareConfig:
    """How to compare. Every value lands in the result.

    `searched` lags [s], the recording leading; `window` round events, from their onset [s];
    `edge_s` [s] cut off at both ends, where filters are strange; `draws` of nulls, `resamples` of
    the bootstrap, `seed` of both; `synergies`, most to look for, 0 for none; `inference` on curves
    round events: "cluster" (permutations) or "spm" (spm1d); `activity`: what on and off is.

    Raises:
        InvalidValue: a number that cannot be.
    """

    searched: tuple[float, float] = SEARCHED
    window: tuple[float, float] = (-0.2, 0.3)
    edge_s: float = 0.3
    draws: int = 200
    resamples: int = 2000
    seed: int = 0
    synergies: int = 5
    inference: str = "cluster"
    activity: ActivityConfig = field(default_factory=ActivityConfig)

    def __post_init__(self) -> None:
        for name in ("searched", "window"):
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
    """One score without a relation: 5th, 50th, 95th percentile, and the share of draws as good
    as what was seen."""

    low: float
    middle: float
    high: float
    p: float


@dataclass(frozen=True)
class MuscleResult:
    """One channel, or all pooled (`name` is `POOLED`; scores are means over channels then).

    `scores` by name in `nulls.SCORES`; `lag` [s] of the best correlation, `at_edge` if it is no
    delay that was found; `cosine`, the un-centred correlation; `interval` of r (95 %); `size`,
    independent samples; `nulls` by kind, then score; `holm` surrogate p-values of each score, for
    all muscles at once; `rank` of the true channel among so many `candidates`, and `electrode_rank`
    of this muscle among all simulated ones in its own channel; `bursts`: onsets and offsets;
    `ceilings` r of other recordings, by kind, median over movements.
    """

    name: str
    scores: Mapping[str, float]
    lag: float
    at_edge: bool
    cosine: float
    interval: tuple[float, float]
    size: float
    nulls: Mapping[str, Mapping[str, Null]]
    holm: Mapping[str, float]
    rank: float
    candidates: int
    electrode_rank: float
    bursts: OnsetErrors | None
    ceilings: Mapping[str, float]


class Compared(NamedTuple):
    """The curves that were compared. `time` (T,) [s]; `simulated`, `recorded` (T, K) and when they
    are on; `names` (K,); `controls` (T, C) recorded channels without a muscle, and their names;
    `fs_hz`.
    """

    time: np.ndarray
    simulated: np.ndarray
    recorded: np.ndarray
    simulated_on: np.ndarray
    recorded_on: np.ndarray
    names: tuple[str, ...]
    controls: np.ndarray
    control_names: tuple[str, ...]
    fs_hz: float


class Movements(NamedTuple):
    """Which movement was recorded? `labels` (L,), `matrix` (L, L) recorded by simulated, and how
    often it is found."""

    labels: tuple[str, ...]
    matrix: np.ndarray
    found: Identification


class Differences(NamedTuple):
    """Where round events the two sides differ. `time` (W,) [s] from an event; of so many `events`;
    a test of the whole curve for each muscle, `tests` (K,), simulated minus recorded; `p` (K,) that
    a muscle's curves differ nowhere, by Holm over muscles.
    """

    time: np.ndarray
    events: int
    tests: tuple[CurveTest, ...]
    p: np.ndarray


class SynergyComparison(NamedTuple):
    """Synergies of both sides: variance accounted for, and the two sets of `number` paired up."""

    number: int
    simulated: VafCurve
    recorded: VafCurve
    simulated_weights: np.ndarray
    recorded_weights: np.ndarray
    match: SynergyMatch


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that came of it.

    `matrix` (K, K + C), r at the best lag of each simulated muscle with each recorded channel;
    `shares` of what all muscles together explain in it (`identify.shares_of_explained`);
    `channels`, whether a muscle has its highest share in the true one; `electrodes`, whether the
    true muscle has the highest in a channel; `assigned` (K,) names of the channels that muscles get
    by their shares alone; `lags`; `shift` (S,) [s] and `shift_r` (S,), mean r after moving all of
    the recording in a circle; `cocontraction`, (K, K) of each side; `differences` of curves round
    events; `remarks`: what limits all this.
    """

    config: CompareConfig
    curves: Compared = field(repr=False)
    muscles: tuple[MuscleResult, ...]
    pooled: MuscleResult
    matrix: np.ndarray = field(repr=False)
    shares: np.ndarray = field(repr=False)
    channels: Identification
    electrodes: Identification
    assigned: tuple[str, ...]
    lags: LagCurve = field(repr=False)
    shift: np.ndarray = field(repr=False)
    shift_r: np.ndarray = field(repr=False)
    cocontraction: tuple[np.ndarray, np.ndarray] = field(repr=False)
    movements: Movements | None
    differences: Differences | None
    ceilings: Mapping[str, Ceiling]
    synergies: SynergyComparison | None
    remarks: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def table_of(comparison: Comparison) -> tuple[list[str], list[list[str | float]]]:
    """Heads and rows of the table of all muscles, the pooled ones last; nan where there is no
    number."""
    kinds = [kind for kind in NULLS if kind in comparison.pooled.nulls]
    heads = [
        "muscle",
        *SCORES,
        "lag_s",
        "lag_at_edge",
        "r_low",
        "r_high",
        "cosine",
        "n_eff",
        "rank",
        "candidates",
    ]
    heads += ["electrode_rank"]
    for kind in kinds:
        word = kind.replace(" ", "_")
        heads += [f"{name}_{word}_{part}" for name in SCORES for part in ("p05", "p50", "p95", "p")]
    heads += [f"{name}_holm" for name in SCORES]
    heads += [f"burst_{name}" for name in OnsetErrors._fields]
    heads += [f"ceiling_{kind.replace(' ', '_')}" for kind in comparison.ceilings]
    rows: list[list[str | float]] = []
    for each in (*comparison.muscles, comparison.pooled):
        row: list[str | float] = [
            each.name,
            *(each.scores[name] for name in SCORES),
            each.lag,
            float(each.at_edge),
        ]
        row += [
            *each.interval,
            each.cosine,
            each.size,
            each.rank,
            float(each.candidates),
            each.electrode_rank,
        ]
        row += [value for kind in kinds for name in SCORES for value in each.nulls[kind][name]]
        row += [each.holm[name] for name in SCORES]
        row += (
            [math.nan] * len(OnsetErrors._fields)
            if each.bursts is None
            else [float(x) for x in each.bursts]
        )
        row += [each.ceilings.get(kind, math.nan) for kind in comparison.ceilings]
        rows.append(row)
    return heads, rows


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as an object of plain values, null for nan: `schema`, `config`, `muscles`,
    `pooled` and so on."""
    found = comparison.movements
    synergies = comparison.synergies
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "config": asdict(comparison.config),
        "parameters": dict(comparison.parameters),
        "seconds": len(comparison.curves.time) / comparison.curves.fs_hz,
        "fs_hz": comparison.curves.fs_hz,
        "muscles": [_muscle(each) for each in comparison.muscles],
        "pooled": _muscle(comparison.pooled),
        "channels": comparison.channels._asdict(),
        "electrodes": comparison.electrodes._asdict(),
        "assigned": dict(zip(comparison.curves.names, comparison.assigned, strict=True)),
        "r_matrix": comparison.matrix,
        "share_matrix": comparison.shares,
        "controls": comparison.curves.control_names,
        "movements": None
        if found is None
        else {"labels": found.labels, "r_matrix": found.matrix, **found.found._asdict()},
        "differences": None if comparison.differences is None else _differences(comparison),
        "ceilings": {kind: _ceiling(each) for kind, each in comparison.ceilings.items()},
        "synergies": None if synergies is None else _synergies(synergies),
        "remarks": comparison.remarks,
    }
    plain = _plain(whole)
    assert isinstance(plain, dict)
    return plain


def _muscle(each: MuscleResult) -> dict[str, Any]:
    whole = dict(vars(each))
    whole["nulls"] = {
        k: {n: v._asdict() for n, v in scores.items()} for k, scores in each.nulls.items()
    }
    whole["bursts"] = None if each.bursts is None else each.bursts._asdict()
    return whole


def _differences(comparison: Comparison) -> dict[str, Any]:
    """Of each muscle, its p and where curves differ [s from an event]."""
    found = comparison.differences
    assert found is not None
    muscles = {}
    for name, test, p in zip(comparison.curves.names, found.tests, found.p, strict=True):
        clusters = [
            {"from_s": found.time[each.first], "to_s": found.time[each.last - 1], "p": each.p}
            for each in test.clusters
        ]
        muscles[name] = {"p_holm": p, "threshold": test.threshold, "clusters": clusters}
    return {"events": found.events, "inference": comparison.config.inference, "muscles": muscles}


def _ceiling(each: Ceiling) -> dict[str, Any]:
    parts = each._asdict().items()
    return {
        name: np.nanpercentile(values, [5, 50, 95]) if values.size else None
        for name, values in parts
    }


def _synergies(each: SynergyComparison) -> dict[str, Any]:
    sides = {"simulated": each.simulated, "recorded": each.recorded}
    curves = {
        side: {"count": c.counts, "vaf": c.vaf, "null": c.null.mean(axis=0)}
        for side, c in sides.items()
    }
    null = {
        "p95": float(np.percentile(each.match.null_cosines, 95)),
        "mean": float(each.match.null_cosines.mean()),
    }
    match = {"cosines": each.match.cosines, "cosine": each.match.cosine, "cosine_null": null}
    match |= {
        "p_cosine": each.match.p_cosine,
        "angle_rad": each.match.angle,
        "p_angle": each.match.p_angle,
    }
    match |= {"angle_null_median_rad": float(np.median(each.match.null_angles))}
    return {"count": each.number, **curves, **match}


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
