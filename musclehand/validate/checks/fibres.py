"""Are the muscles' fibres where they can pull? Length ranges, force over the range of motion, and
what they imply.

MuJoCo does not store optimal fibre lengths: it gets them from a muscle's length range, so that a
range copied from another version of a path silently makes the muscle weak or slack. Lengths here
are those of the paths in random postures over the range of motion; force is at full activation and
standing still, passive force included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.moment_arm import tendon_lengths
from musclehand.body.analysis.reference import ArchitectureRow, load_reference
from musclehand.body.muscle import muscle_force, muscle_parameters
from musclehand.validate.check import Check, Finding, Panel, Series, Specimen, Verdict

RANGE_MARGIN = 0.10
"""A path may leave the length range by this share of the range's width."""

FEWEST_MEAN = 0.5
FEWEST_MAX = 0.8
"""Least mean and least greatest force over the range of motion [F0]."""

L0_RATIO = (0.7, 1.4)
F0_TOLERANCE = 0.20
FIBRE_LIMITS = (0.38, 1.6)
REST_LIMITS = (0.7, 1.2)
"""Normalised fibre lengths over the range of motion and at rest [l0]."""

ROUNDING = 0.005
"""Fibre lengths are compared to two decimals, as the limits are given."""

_SURVEY = "myo_sim's pending test of length parameters (path within lengthrange); measured on MyoHand: 12 muscles out"
_ARCHITECTURE = "models/reference/architecture.csv, the nearest of its sources for each muscle"


def check_length_ranges(specimen: Specimen) -> Finding:
    """V03: does every length range cover the lengths its path takes?"""
    lengths = _lengths(specimen)
    low, high = specimen.model.actuator_lengthrange[specimen.hand.muscles].T
    width = np.maximum(high - low, 1e-9)
    outside = np.maximum(low - lengths.min(axis=0), lengths.max(axis=0) - high) / width

    def words(i: int) -> str:
        reached = f"{1e3 * lengths[:, i].min():.1f} to {1e3 * lengths[:, i].max():.1f} mm"
        return f"range {1e3 * low[i]:.1f} to {1e3 * high[i]:.1f} mm, path {reached}: {outside[i]:.0%} of the width out"

    bad, offenders = _offenders(specimen, outside > RANGE_MARGIN, outside, words)
    names = specimen.hand.muscle_names
    panel = _bars(
        "Path outside the length range",
        "share of the range's width",
        names,
        np.maximum(outside, 0.0),
    )
    summary = f"{bad} of {len(names)} muscles leave their length range; worst by {max(0.0, outside.max()):.0%}"
    return _finding(
        bad, summary, float(outside.max()), offenders, panel._replace(limit=RANGE_MARGIN)
    )


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
    panel = _bars("Force at full activation, mean over postures", "F / F0", names, mean)._replace(
        limit=FEWEST_MEAN
    )
    summary = (
        f"{bad} of {len(names)} muscles too weak; the weakest has {mean.min():.2f} F0 on average"
    )
    return _finding(bad, summary, float(mean.min()), offenders, panel)


def check_implied_lengths(specimen: Specimen) -> Finding:
    """V05: are the optimal fibre and tendon slack lengths that the length ranges imply those of
    a muscle?"""
    params = muscle_parameters(specimen.model, specimen.hand.muscles)
    names = specimen.hand.muscle_names
    ratio = np.array(
        [_nearest_ratio(params.l0[i], _published(name, "l0")) for i, name in enumerate(names)]
    )
    known = np.isfinite(ratio)
    off = known & ((ratio < L0_RATIO[0] - ROUNDING) | (ratio > L0_RATIO[1] + ROUNDING))
    slack = params.lts < 0
    severity = np.where(slack, 10.0 - params.lts, 0.0) + np.abs(np.log(np.where(known, ratio, 1.0)))

    def words(i: int) -> str:
        parts = [f"tendon slack length {1e3 * params.lts[i]:.1f} mm"] if slack[i] else []
        if off[i]:
            parts.append(f"l0 {1e3 * params.l0[i]:.1f} mm, {ratio[i]:.2f} times the published one")
        return "; ".join(parts)

    bad, offenders = _offenders(specimen, off | slack, severity, words)
    shown = np.flatnonzero(known)
    panel = _bars(
        "Optimal fibre length", "ratio to published", [names[i] for i in shown], ratio[shown]
    )
    summary = (
        f"{int(slack.sum())} muscles with negative tendon slack; {int(off.sum())} of {int(known.sum())} with published "
        f"fibre length off it (median ratio {np.median(ratio[known]) if known.any() else np.nan:.2f})"
    )
    return _finding(
        bad, summary, float(slack.sum() + off.sum()), offenders, panel._replace(limit=L0_RATIO[1])
    )


def check_peak_forces(specimen: Specimen) -> Finding:
    """V06: are peak forces in the published proportions?

    One factor common to all muscles is left free: how strong a person is, or, for muscles of which
    only the cross section is published, how much a muscle pulls per area. It is the median ratio.
    Published forces of one muscle differ by up to four times; anything between the smallest and the
    largest of them is as good as they are.
    """
    forces = _peak_forces(specimen)
    names = specimen.hand.muscle_names
    relative = np.full(len(names), np.nan)
    of_force = np.zeros(len(names), dtype=bool)
    factors = {}
    texts = {}
    for column, unit in (("f0", "N"), ("pcsa", "cm^2")):
        published = {i: _published(name, column) for i, name in enumerate(names) if not of_force[i]}
        published = {i: values for i, values in published.items() if values}
        if not published:
            continue
        factor = float(
            np.median([_nearest_ratio(forces[i], values) for i, values in published.items()])
        )
        factors[column] = factor
        for i, values in published.items():
            of_force[i] = column == "f0"
            relative[i] = _outside_ratio(forces[i] / factor, values)
            listed = " or ".join(
                f"{value * (1e4 if column == 'pcsa' else 1.0):.3g}" for value in sorted({*values})
            )
            texts[i] = f"published {listed} {unit}"
    known = np.flatnonzero(np.isfinite(relative))
    if not known.size:
        return Finding(
            Verdict.SKIP, "no muscle of this model has a published peak force or cross section"
        )
    deviation = np.nan_to_num(np.abs(relative - 1.0))
    bad, offenders = _offenders(
        specimen,
        deviation > F0_TOLERANCE + ROUNDING,
        deviation,
        lambda i: f"{forces[i]:.1f} N, {100 * (relative[i] - 1):+.0f} % ({texts[i]})",
    )
    panel = _bars(
        "Peak force over published, common factor taken out",
        "ratio",
        [names[i] for i in known],
        relative[known],
    )
    said = [f"strength {factors['f0']:.2f}"] if "f0" in factors else []
    said += (
        [f"{factors['pcsa'] / 1e4:.0f} N/cm^2 where only cross sections are known"]
        if "pcsa" in factors
        else []
    )
    summary = f"{bad} of {known.size} muscles off the published proportions by over {F0_TOLERANCE:.0%}; {', '.join(said)}"
    return _finding(bad, summary, float(deviation.max()), offenders, panel._replace(limit=1.0))


def check_fibre_lengths(specimen: Specimen) -> Finding:
    """V07: do fibres stay where they make force, and are they near their optimum at rest?"""
    params = muscle_parameters(specimen.model, specimen.hand.muscles)
    names = specimen.hand.muscle_names
    fibre = (_lengths(specimen) - params.lts) / params.l0
    rest_posture = rest_angles(specimen.model, specimen.hand)
    rest = (
        (tendon_lengths(specimen.model, specimen.hand, rest_posture[None]) - params.lts) / params.l0
    )[0]
    low = fibre.min(axis=0)
    high = fibre.max(axis=0)
    moving = np.maximum(FIBRE_LIMITS[0] - low, high - FIBRE_LIMITS[1])
    resting = np.maximum(REST_LIMITS[0] - rest, rest - REST_LIMITS[1])
    excess = np.maximum(moving, resting)

    def words(i: int) -> str:
        return (
            f"{low[i]:.2f} to {high[i]:.2f} l0 over the range of motion, {rest[i]:.2f} l0 at rest"
        )

    bad, offenders = _offenders(specimen, excess > ROUNDING, excess, words)
    x = np.arange(len(names), dtype=float)
    span = Series("range of motion", x, (low + high) / 2, (high - low) / 2)
    panel = Panel(
        "Normalised fibre length",
        "",
        "l / l0",
        "points",
        (span, Series("at rest", x, rest)),
        tuple(names),
        1.0,
    )
    summary = f"{bad} of {len(names)} muscles leave the limits; all together {low.min():.2f} to {high.max():.2f} l0"
    return _finding(bad, summary, float(excess.max()), offenders, panel)


def muscle_label(specimen: Specimen, i: int) -> str:
    """The anatomical name of a hand's muscle `i`, and what the model calls it where that is
    something else."""
    own = specimen.model.actuator(int(specimen.hand.muscles[i])).name
    base = specimen.naming.base_of(own, specimen.hand.side) or own
    name = specimen.hand.muscle_names[i]
    return name if base == name else f"{name} ({base})"


def _lengths(specimen: Specimen) -> np.ndarray:
    return tendon_lengths(specimen.model, specimen.hand, specimen.postures)


def _peak_forces(specimen: Specimen) -> np.ndarray:
    """Peak forces [N]; where a model leaves them to MuJoCo they are its scale over the muscle's
    acceleration."""
    gain = specimen.model.actuator_gainprm[specimen.hand.muscles]
    acc0 = specimen.model.actuator_acc0[specimen.hand.muscles]
    return np.where(gain[:, 2] < 0, gain[:, 3] / np.maximum(acc0, 1e-12), gain[:, 2])


def _published(muscle: str, column: str) -> tuple[float, ...]:
    """All published values of one muscle: `l0` [m], `pcsa` [m^2], or `f0` along the tendon [N]."""
    rows = [row for row in load_reference().architecture if row.muscle == muscle]
    values = [_along_tendon(row) if column == "f0" else getattr(row, column) for row in rows]
    return tuple(value for value in values if value is not None)


def _along_tendon(row: ArchitectureRow) -> float | None:
    """A MuJoCo muscle has no pennation, so that its peak force is what the tendon feels."""
    return None if row.f0 is None else row.f0 * float(np.cos(row.pennation or 0.0))


def _nearest_ratio(value: float, published: tuple[float, ...]) -> float:
    """Value over that published one which it is nearest to, by ratio; NaN where there is none."""
    ratios = [max(value, 1e-12) / other for other in published]
    return min(ratios, key=lambda ratio: abs(np.log(ratio))) if ratios else float("nan")


def _outside_ratio(value: float, published: tuple[float, ...]) -> float:
    """1 between the smallest and the largest published value, else the ratio to the nearer end."""
    return value / min(max(value, min(published)), max(published))


def _offenders(
    specimen: Specimen, wrong: np.ndarray, severity: np.ndarray, words: Callable[[int], str]
) -> tuple[int, tuple[str, ...]]:
    """How many muscles are wrong, and a line for each, the most severe first."""
    order = sorted(np.flatnonzero(wrong).tolist(), key=lambda i: -severity[i])
    return len(order), tuple(f"{muscle_label(specimen, i)}: {words(i)}" for i in order)


def _bars(title: str, ylabel: str, names: Sequence[str], values: np.ndarray) -> Panel:
    series = Series("", np.arange(len(names), dtype=float), np.asarray(values, dtype=float))
    return Panel(title, "", ylabel, "bars", (series,), tuple(names))


def _finding(
    bad: int, summary: str, value: float, offenders: tuple[str, ...], panel: Panel
) -> Finding:
    return Finding(Verdict.FAIL if bad else Verdict.PASS, summary, value, offenders, (panel,))


CHECKS = (
    Check(
        "V03",
        "Length ranges",
        "Does each muscle's length range cover the lengths its path takes over the range of motion?",
        "at most 10 % of the range's width outside it",
        _SURVEY,
        check_length_ranges,
    ),
    Check(
        "V04",
        "Force over the range of motion",
        "Has each muscle most of its peak force when fully activated, wherever the hand is?",
        "mean at least 0.5 F0 and greatest at least 0.8 F0 over 300 random postures",
        "force-length curve of MuJoCo's muscle; a muscle below it is on a limb that people hardly use",
        check_force,
    ),
    Check(
        "V05",
        "Fibre and slack lengths",
        "Are the optimal fibre length and the tendon slack length that the model implies those of the real muscle?",
        "optimal length 0.7 to 1.4 times a published one; no negative slack length",
        _ARCHITECTURE,
        check_implied_lengths,
    ),
    Check(
        "V06",
        "Peak forces",
        "Are peak forces in the published proportions, up to one strength factor common to all muscles?",
        "within 20 % of a published force, or cross section where there is none, after dividing by the median ratio",
        _ARCHITECTURE
        + "; forces along the tendon. How strong people are differs by more than 20 %",
        check_peak_forces,
    ),
    Check(
        "V07",
        "Normalised fibre length",
        "Do fibres stay on the usable part of the force-length curve, and near their optimum at rest?",
        "0.38 to 1.6 l0 over the range of motion, 0.7 to 1.2 l0 at rest",
        "Zajac 1989 (Crit Rev Biomed Eng 17:359; recalled): active force from 0.5 to 1.5 l0, and a margin",
        check_fibre_lengths,
    ),
)
"""The checks of this module."""
