"""Muscle fibres (V03 to V07): length ranges, force over the range of motion, optimal lengths.

MuJoCo does not store optimal fibre lengths: it derives them from a muscle's length range. A range
copied from another version of a path silently makes the muscle weak or slack. Shortest and longest
paths are searched for over the whole range of motion, corners included (`body.analysis.extremes`);
beside them stand the lengths in random postures, in which the abduction of bent fingers is
narrowed as in people. Forces are isometric at full activation, passive force included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.moment_arm import tendon_lengths
from musclehand.body.analysis.reference import ArchitectureRow, load_reference
from musclehand.body.analysis.size import USUAL_LENGTH, relative_size
from musclehand.body.muscle import muscle_force, muscle_parameters
from musclehand.validation.check import (
    NUM_POSTURES,
    Check,
    Finding,
    Panel,
    Series,
    Specimen,
    Verdict,
)

RANGE_MARGIN = 0.10
"""A path may leave the length range by this share of the range's width."""

FEWEST_MEAN = 0.5
FEWEST_MAX = 0.8
"""Least values of the mean and the greatest force over the range of motion [F0]."""

L0_RATIO = (0.7, 1.4)
"""Least and greatest ratio of an optimal fibre length to the nearest published one."""

F0_TOLERANCE = 0.20
"""Largest relative deviation of a peak force from the published proportions."""

FIBRE_LIMITS = (0.5, 1.5)
"""Usable fibre lengths, within which a muscle has active force [l0] (Zajac 1989, Crit Rev Biomed
Eng 17:359, recalled). Human sarcomeres have none below 1.27 and above 4.24 um, 0.47 and 1.57 of
their optimum of 2.7 um (Walker & Schrodt 1974, Anat Rec 178:63, recalled)."""

MOST_UNUSABLE = 0.05
"""Largest share of random postures with a fibre outside `FIBRE_LIMITS`; chosen. Muscles that cross
many joints run out of length in people too, where several joints are at their limits."""

REST_LIMITS = (0.7, 1.2)
"""Limits of normalised fibre lengths at rest [l0]; chosen: active force is at least 80 % of its
peak there by the curve of Thelen 2003 (J Biomech Eng 125:70, recalled), exp(-(l - 1)^2 / 0.45)."""

ROUNDING = 0.005
"""Fibre lengths are compared to two decimals, as the limits are given."""

SLACK_SEVERITY = 10.0
"""Places muscles with negative tendon slack before all others in the list of offenders."""

CM2_PER_M2 = 1e4

_ARCHITECTURE = "models/reference/architecture.csv, the nearest of its sources for each muscle"


def check_length_ranges(specimen: Specimen) -> Finding:
    """V03: does every length range cover the lengths its path takes?"""
    low, high = specimen.model.actuator_lengthrange[specimen.hand.muscles].T
    width = np.maximum(high - low, 1e-9)
    shortest, longest = specimen.extremes.lengths.T
    outside = np.maximum(low - shortest, longest - high) / width
    usual = _lengths(specimen)
    usual_outside = np.maximum(low - usual.min(axis=0), usual.max(axis=0) - high) / width

    def words(i: int) -> str:
        reached = f"{1e3 * shortest[i]:.1f} to {1e3 * longest[i]:.1f} mm"
        return (
            f"range {1e3 * low[i]:.1f} to {1e3 * high[i]:.1f} mm, path {reached}: "
            f"{outside[i]:.0%} of the width out ({max(0.0, usual_outside[i]):.0%} in "
            f"{NUM_POSTURES} random postures)"
        )

    bad, offenders = _offenders(specimen, outside > RANGE_MARGIN, outside, words)
    names = specimen.hand.muscle_names
    panel = _bars(
        "Path outside the length range",
        "share of the range's width",
        names,
        np.maximum(outside, 0.0),
    )
    summary = (
        f"{bad} of {len(names)} muscles leave their length range; "
        f"worst by {max(0.0, outside.max()):.0%}, "
        f"{max(0.0, usual_outside.max()):.0%} in random postures"
    )
    limited = panel._replace(limit=RANGE_MARGIN)
    return _finding(bad, summary, float(outside.max()), offenders, limited)


def check_force(specimen: Specimen) -> Finding:
    """V04: how much of its peak force does each muscle have over the range of motion?"""
    params = muscle_parameters(specimen.model, specimen.hand.muscles)
    lengths = _lengths(specimen)
    unit = params._replace(f0=np.ones_like(params.f0))
    gain, bias = muscle_force(unit, lengths, np.zeros_like(lengths))
    force = -(gain + bias)
    mean = force.mean(axis=0)
    most = force.max(axis=0)
    wrong = (mean < FEWEST_MEAN) | (most < FEWEST_MAX) | ~np.isfinite(mean)
    bad, offenders = _offenders(
        specimen, wrong, -mean, lambda i: f"mean {mean[i]:.2f}, greatest {most[i]:.2f} F0"
    )
    names = specimen.hand.muscle_names
    panel = _bars("Force at full activation, mean over postures", "F / F0", names, mean)
    summary = (
        f"{bad} of {len(names)} muscles too weak; the weakest has {mean.min():.2f} F0 on average"
    )
    limited = panel._replace(limit=FEWEST_MEAN)
    return _finding(bad, summary, float(mean.min()), offenders, limited)


def check_implied_lengths(specimen: Specimen) -> Finding:
    """V05: do the length ranges imply optimal fibre and tendon slack lengths of real muscles?

    Published lengths are of hands of average size; they are scaled with the length of the hand.
    """
    params = muscle_parameters(specimen.model, specimen.hand.muscles)
    names = specimen.hand.muscle_names
    usual = params.l0 / relative_size(specimen.model, specimen.hand)
    ratio = np.array(
        [_nearest_ratio(usual[i], _published(name, "l0")) for i, name in enumerate(names)]
    )
    published = np.isfinite(ratio)
    wrong = published & ((ratio < L0_RATIO[0] - ROUNDING) | (ratio > L0_RATIO[1] + ROUNDING))
    slack = params.lts < 0
    severity = np.where(slack, SLACK_SEVERITY - params.lts, 0.0)
    severity = severity + np.abs(np.log(np.where(published, ratio, 1.0)))

    def words(i: int) -> str:
        parts = [f"tendon slack length {1e3 * params.lts[i]:.1f} mm"] if slack[i] else []
        if wrong[i]:
            parts.append(f"l0 {1e3 * params.l0[i]:.1f} mm, {ratio[i]:.2f} times the published one")
        return "; ".join(parts)

    bad, offenders = _offenders(specimen, wrong | slack, severity, words)
    shown = np.flatnonzero(published)
    panel = _bars(
        "Optimal fibre length", "ratio to published", [names[i] for i in shown], ratio[shown]
    )
    median = np.median(ratio[published]) if published.any() else np.nan
    summary = (
        f"{int(slack.sum())} muscles with negative tendon slack; "
        f"{int(wrong.sum())} of {int(published.sum())} with published fibre length off it "
        f"(median ratio {median:.2f})"
    )
    value = float(slack.sum() + wrong.sum())
    return _finding(bad, summary, value, offenders, panel._replace(limit=L0_RATIO[1]))


def check_peak_forces(specimen: Specimen) -> Finding:
    """V06: are peak forces in the published proportions?

    One factor common to all muscles is free: the strength of the person, or, for muscles with a
    published cross section only, the specific tension. It is the one with which most muscles pass.
    Published forces of one muscle differ by up to four times; any force between the least and the
    greatest passes.
    """
    names = specimen.hand.muscle_names
    proportions = _proportions(names, _peak_forces(specimen))
    relative = proportions.relative
    compared = np.flatnonzero(np.isfinite(relative))
    if not compared.size:
        return Finding(
            Verdict.SKIP, "no muscle of this model has a published peak force or cross section"
        )
    deviation = np.nan_to_num(np.abs(relative - 1.0))
    wrong = deviation > F0_TOLERANCE + ROUNDING
    bad, offenders = _offenders(specimen, wrong, deviation, lambda i: proportions.words[i])
    panel = _bars(
        "Peak force over published, common factor taken out",
        "ratio",
        [names[i] for i in compared],
        relative[compared],
    )
    summary = (
        f"{bad} of {compared.size} muscles off the published proportions by over "
        f"{F0_TOLERANCE:.0%}; {', '.join(proportions.factors)}"
    )
    return _finding(bad, summary, float(deviation.max()), offenders, panel._replace(limit=1.0))


def check_fibre_lengths(specimen: Specimen) -> Finding:
    """V07: do fibres stay on the usable part of the force-length curve, near 1 at rest?

    It fails where a fibre is off at rest or in many usual postures, or reaches a length without
    active force by the model's own curve. Lengths outside the usable ones that only a search
    reaches are a warning.
    """
    params = muscle_parameters(specimen.model, specimen.hand.muscles)
    names = specimen.hand.muscle_names
    fibre = (_lengths(specimen) - params.lts) / params.l0
    posture = rest_angles(specimen.model, specimen.hand)
    lengths_at_rest = tendon_lengths(specimen.model, specimen.hand, posture[None])
    fibre_at_rest = ((lengths_at_rest - params.lts) / params.l0)[0]
    low, high = (specimen.extremes.lengths.T - params.lts) / params.l0
    unusable = (fibre < FIBRE_LIMITS[0] - ROUNDING) | (fibre > FIBRE_LIMITS[1] + ROUNDING)
    share = unusable.mean(axis=0)
    resting = _excess(fibre_at_rest, fibre_at_rest, *REST_LIMITS)
    idle = _excess(low, high, params.lmin, params.lmax)
    extreme = _excess(low, high, *FIBRE_LIMITS)
    failed = (resting > ROUNDING) | (share > MOST_UNUSABLE) | (idle > ROUNDING)

    def words(i: int) -> str:
        line = (
            f"{low[i]:.2f} to {high[i]:.2f} l0 over the range of motion, "
            f"{fibre_at_rest[i]:.2f} l0 at rest, {share[i]:.0%} of random postures unusable"
        )
        if idle[i] > ROUNDING:
            line += f"; no active force outside {params.lmin[i]:.2g} to {params.lmax[i]:.2g} l0"
        return line

    bad, offenders = _offenders(specimen, failed, np.maximum(extreme, resting), words)
    doubtful, remarks = _offenders(specimen, (extreme > ROUNDING) & ~failed, extreme, words)
    x = np.arange(len(names), dtype=float)
    span = Series("range of motion", x, (low + high) / 2, error=(high - low) / 2)
    panel = Panel(
        title="Normalised fibre length",
        xlabel="",
        ylabel="l / l0",
        kind="points",
        series=(span, Series("at rest", x, fibre_at_rest)),
        ticks=tuple(names),
        limit=1.0,
    )
    summary = (
        f"{bad} of {len(names)} muscles wrong, {doubtful} more unusable somewhere; "
        f"{fibre.min():.2f} to {fibre.max():.2f} l0 in random postures, "
        f"{low.min():.2f} to {high.max():.2f} l0 by search"
    )
    verdict = Verdict.FAIL if bad else Verdict.WARN if doubtful else Verdict.PASS
    value = float(np.maximum(extreme, resting).max())
    return Finding(verdict, summary, value, (*offenders, *remarks), (panel,))


def _excess(
    low: np.ndarray, high: np.ndarray, least: np.ndarray | float, most: np.ndarray | float
) -> np.ndarray:
    """Distance by which spans leave limits; at most 0 within them."""
    return np.maximum(least - low, high - most)


def muscle_label(specimen: Specimen, i: int) -> str:
    """The anatomical name of a hand's muscle `i`, with the model's name where that differs."""
    actuator = specimen.model.actuator(int(specimen.hand.muscles[i])).name
    base = specimen.naming.base_of(actuator, specimen.hand.side) or actuator
    name = specimen.hand.muscle_names[i]
    return name if base == name else f"{name} ({base})"


class _Proportions(NamedTuple):
    """Peak forces relative to published ones, the common factor taken out."""

    relative: np.ndarray
    """Ratio to the published range, 1 within it; NaN for muscles without a source. Shape (m,)."""

    words: dict[int, str]
    """Line of each compared muscle for the report."""

    factors: list[str]
    """The common factors in words."""


def _proportions(names: Sequence[str], forces: np.ndarray) -> _Proportions:
    """Compares peak forces [N] with published forces, or else with cross sections."""
    relative = np.full(len(names), np.nan)
    has_force = np.zeros(len(names), dtype=bool)
    words = {}
    factors = []
    for column, unit, scale in (("f0", "N", 1.0), ("pcsa", "cm^2", CM2_PER_M2)):
        published = {
            i: _published(name, column) for i, name in enumerate(names) if not has_force[i]
        }
        published = {i: values for i, values in published.items() if values}
        if not published:
            continue
        spans = np.array([_span(values) for values in published.values()])
        factor = _common_factor(forces[list(published)], spans)
        if column == "f0":
            factors.append(f"strength {factor:.2f}")
        else:
            factors.append(f"{factor / CM2_PER_M2:.0f} N/cm^2 where only cross sections are known")
        for i, values in published.items():
            has_force[i] = column == "f0"
            relative[i] = _outside_ratio(forces[i] / factor, values)
            listed = " or ".join(f"{value * scale:.3g}" for value in sorted({*values}))
            percent = 100 * (relative[i] - 1)
            words[i] = f"{forces[i]:.1f} N, {percent:+.0f} % (published {listed} {unit})"
    return _Proportions(relative, words, factors)


def _lengths(specimen: Specimen) -> np.ndarray:
    return tendon_lengths(specimen.model, specimen.hand, specimen.postures)


def _peak_forces(specimen: Specimen) -> np.ndarray:
    """Peak forces [N].

    Where a model leaves them to MuJoCo, they are its scale over the muscle's acceleration.
    """
    gain = specimen.model.actuator_gainprm[specimen.hand.muscles]
    acc0 = specimen.model.actuator_acc0[specimen.hand.muscles]
    return np.where(gain[:, 2] < 0, gain[:, 3] / np.maximum(acc0, 1e-12), gain[:, 2])


def _published(muscle: str, column: str) -> tuple[float, ...]:
    """All published values of one muscle: `l0` [m], `pcsa` [m^2], or `f0` along the tendon [N]."""
    rows = [row for row in load_reference().architecture if row.muscle == muscle]
    values = [_along_tendon(row) if column == "f0" else getattr(row, column) for row in rows]
    return tuple(value for value in values if value is not None)


def _common_factor(forces: np.ndarray, spans: np.ndarray) -> float:
    """The factor with which most forces lie in the published spans, and the others nearest to them.

    Args:
        forces: forces of k muscles [N]. Shape (k,).
        spans: least and greatest published value of each, in any unit. Shape (k, 2).
    """
    low, high = np.log(spans).T
    own = np.log(np.maximum(forces, 1e-12))
    # The best factor is at an end of a span, or where a muscle just leaves the tolerance.
    margins = np.log([1.0 - F0_TOLERANCE, 1.0, 1.0 + F0_TOLERANCE])
    tries = np.unique(
        ((own[:, None] - np.stack([low, high], axis=1))[:, :, None] - margins).ravel()
    )
    scaled = own - tries[:, None]
    beyond = np.maximum(low - scaled, 0.0) + np.maximum(scaled - high, 0.0)
    is_out = np.abs(np.exp(np.sign(scaled - high) * beyond) - 1.0) > F0_TOLERANCE + ROUNDING
    best = np.lexsort((beyond.sum(axis=1).round(12), is_out.sum(axis=1)))[0]
    return float(np.exp(tries[best]))


def _span(values: tuple[float, ...]) -> tuple[float, float]:
    """The least and the greatest published value."""
    return min(values), max(values)


def _along_tendon(row: ArchitectureRow) -> float | None:
    """Peak force along the tendon [N]: a MuJoCo muscle has no pennation."""
    return None if row.f0 is None else row.f0 * float(np.cos(row.pennation or 0.0))


def _nearest_ratio(value: float, published: tuple[float, ...]) -> float:
    """Ratio to the published value that is nearest by ratio; NaN where there is none."""
    ratios = [max(value, 1e-12) / reference for reference in published]
    return min(ratios, key=lambda ratio: abs(np.log(ratio))) if ratios else float("nan")


def _outside_ratio(value: float, published: tuple[float, ...]) -> float:
    """1 between the least and the greatest published value, else the ratio to the nearer end."""
    return value / min(max(value, min(published)), max(published))


def _offenders(
    specimen: Specimen, wrong: np.ndarray, severity: np.ndarray, words: Callable[[int], str]
) -> tuple[int, tuple[str, ...]]:
    """Number of wrong muscles, and a line for each, the most severe first."""
    order = sorted(np.flatnonzero(wrong).tolist(), key=lambda i: -severity[i])
    return len(order), tuple(f"{muscle_label(specimen, i)}: {words(i)}" for i in order)


def _bars(title: str, ylabel: str, names: Sequence[str], values: np.ndarray) -> Panel:
    series = Series("", np.arange(len(names), dtype=float), np.asarray(values, dtype=float))
    return Panel(title, "", ylabel, kind="bars", series=(series,), ticks=tuple(names))


def _finding(
    bad: int, summary: str, value: float, offenders: tuple[str, ...], panel: Panel
) -> Finding:
    """Fails where the number of bad muscles is not 0."""
    return Finding(Verdict.FAIL if bad else Verdict.PASS, summary, value, offenders, (panel,))


CHECKS: tuple[Check, ...] = (
    Check(
        code="V03",
        title="Length ranges",
        asks=(
            "Does each muscle's length range cover the lengths its path takes "
            "over the range of motion?"
        ),
        threshold=(
            f"shortest and longest path by search at most {100 * RANGE_MARGIN:g} % "
            "of the range's width outside it"
        ),
        source="myo_sim's pending test of length parameters (path within lengthrange)",
        run=check_length_ranges,
    ),
    Check(
        code="V04",
        title="Force over the range of motion",
        asks="Has each muscle most of its peak force when fully activated, wherever the hand is?",
        threshold=(
            f"mean at least {FEWEST_MEAN:g} F0 and greatest at least {FEWEST_MAX:g} F0 "
            f"over {NUM_POSTURES} random postures"
        ),
        source=(
            "force-length curve of MuJoCo's muscle; a muscle below it is on a limb "
            "that people hardly use"
        ),
        run=check_force,
    ),
    Check(
        code="V05",
        title="Fibre and slack lengths",
        asks=(
            "Are the optimal fibre length and the tendon slack length that the model implies "
            "those of the real muscle?"
        ),
        threshold=(
            f"optimal length {L0_RATIO[0]:g} to {L0_RATIO[1]:g} times a published one, scaled from "
            f"a hand of {1e3 * USUAL_LENGTH:g} mm; no negative slack length"
        ),
        source=_ARCHITECTURE,
        run=check_implied_lengths,
    ),
    Check(
        code="V06",
        title="Peak forces",
        asks=(
            "Are peak forces in the published proportions, "
            "up to one strength factor common to all muscles?"
        ),
        threshold=(
            f"within {100 * F0_TOLERANCE:g} % of a published force, or cross section where there "
            "is none, after dividing by the factor with which most muscles pass"
        ),
        source=(
            f"{_ARCHITECTURE}; forces along the tendon. "
            f"How strong people are differs by more than {100 * F0_TOLERANCE:g} %"
        ),
        run=check_peak_forces,
    ),
    Check(
        code="V07",
        title="Normalised fibre length",
        asks=(
            "Do fibres stay on the usable part of the force-length curve, "
            "and near their optimum at rest?"
        ),
        threshold=(
            f"{REST_LIMITS[0]:g} to {REST_LIMITS[1]:g} l0 at rest; at most "
            f"{100 * MOST_UNUSABLE:g} % of {NUM_POSTURES} random postures outside "
            f"{FIBRE_LIMITS[0]:g} to {FIBRE_LIMITS[1]:g} l0; shortest and longest fibre by search "
            "on the muscle's own active curve, and a warning where outside the usable lengths"
        ),
        source=(
            f"Zajac 1989 (Crit Rev Biomed Eng 17:359; recalled): active force from "
            f"{FIBRE_LIMITS[0]:g} to {FIBRE_LIMITS[1]:g} l0"
        ),
        run=check_fibre_lengths,
    ),
)
"""The checks of this module."""
