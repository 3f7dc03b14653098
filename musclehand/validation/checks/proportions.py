"""Proportions of force (V33): FDS to FDP, and interossei to their cross sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from musclehand.body.analysis.reference import load_reference
from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS
from musclehand.body.muscle import muscle_parameters
from musclehand.validation.check import Check, Finding, Specimen, Verdict

RATIO_SPREAD = 0.25
"""Standard deviation between people of the ratio of FDS to FDP, over its mean; chosen: that of one
cross section is 0.15 to 0.2 (Lieber et al. 1992, recalled), and that of their ratio the root of two
more."""

PROPORTION_FACTOR = 1.5
"""Force ratios and specific tensions fail by this factor outside published ones; chosen."""

TENSION_SPREAD = 0.1
"""Specific tensions pass by this share outside published ones; chosen, cross sections are given to
two digits."""

N_PER_CM2 = 1e4
"""One N/cm2 [N/m^2]."""

INTEROSSEI = ("DI1", "DI2", "DI3", "DI4", "PI1", "PI2", "PI3")
"""Muscles whose specific tension is compared."""

AREA_SOURCE = "Jacobson1992"
"""The one source with cross sections of all interossei."""


def check_proportions(specimen: Specimen) -> Finding:
    """V33: are FDS and FDP, and the tensions of the interossei, in people's proportions?"""
    force = peak_forces(specimen)
    both = [n for n in FINGER_NUMBERS if f"FDS{n}" in force and f"FDP{n}" in force]
    tensions = interosseus_tensions(specimen)
    if not both and not tensions:
        return Finding(
            Verdict.SKIP, "not applicable: the model has neither FDS and FDP nor interossei"
        )
    judged = []
    parts = []
    if both:
        label = "four fingers" if len(both) == len(FINGER_NUMBERS) else DIGITS[both[0] - 1]
        ratio = flexor_ratio(force, both if label == "four fingers" else both[:1])
        low, high = _published("ratio of FDS to FDP", label)
        words = f"FDS to FDP of {label} {ratio:.2f}; people {low:.2f} to {high:.2f}"
        parts.append(words)
        judged.append((_outside(ratio, low, high, RATIO_SPREAD), words))
    if tensions:
        low, high = _published("specific tension", "")
        parts.append(f"interossei {min(tensions.values()):.0f} to {max(tensions.values()):.0f}")
        parts[-1] += f" N/cm2; people {low:.0f} to {high:.0f}"
        judged += [
            (
                _outside(tension, low, high, TENSION_SPREAD),
                f"{muscle}: {force[muscle]:.0f} N of {force[muscle] / tension:.2f} cm2 are "
                f"{tension:.0f} N/cm2; people {low:.0f} to {high:.0f}",
            )
            for muscle, tension in tensions.items()
        ]
    marked = sorted((-excess, words) for excess, words in judged if excess > 0.0)
    fails = bool(marked) and -marked[0][0] >= 1.0
    verdict = Verdict.FAIL if fails else Verdict.WARN if marked else Verdict.PASS
    worst = max(excess for excess, _ in judged)
    return Finding(verdict, "; ".join(parts), worst, tuple(words for _, words in marked))


def peak_forces(specimen: Specimen) -> dict[str, float]:
    """Peak force of every muscle of a hand [N]."""
    f0 = muscle_parameters(specimen.model, specimen.hand.muscles).f0
    return dict(zip(specimen.hand.muscle_names, f0.astype(float).tolist(), strict=True))


def flexor_ratio(force: Mapping[str, float], fingers: Sequence[int]) -> float:
    """Ratio of the summed forces of FDS and FDP of some fingers.

    Args:
        force: peak forces [N] by muscle, with both flexors of these fingers.
        fingers: numbers of the fingers, 2 to 5.
    """
    sums = [sum(force[f"{kind}{n}"] for n in fingers) for kind in ("FDS", "FDP")]
    return sums[0] / sums[1]


def interosseus_tensions(specimen: Specimen) -> dict[str, float]:
    """Peak force over published cross section of the interossei that a hand has [N/cm2].

    Cross sections are of hands as thick as MyoSim's, and grow with the square of thickness.
    """
    force = peak_forces(specimen)
    return {
        row.muscle: force[row.muscle] / (row.pcsa * specimen.thickness**2) / N_PER_CM2
        for row in load_reference().architecture
        if row.source == AREA_SOURCE and row.pcsa and row.muscle in INTEROSSEI
        if row.muscle in force
    }


def _published(start: str, end: str) -> tuple[float, float]:
    """Least and greatest published value of a quantity whose name begins and ends so."""
    values = [
        row.value
        for row in load_reference().performance
        if row.quantity.startswith(start) and row.quantity.endswith(end)
    ]
    return min(values), max(values)


def _outside(value: float, low: float, high: float, spread: float) -> float:
    """0 within the published values and their spread; 1 or more where the value fails.

    Args:
        value: the number.
        low: least published value.
        high: greatest published value.
        spread: share by which people differ from these.
    """
    factor = max(value / high, low / max(value, 1e-9))
    if low * (1.0 - spread) <= value <= high * (1.0 + spread):
        return 0.0
    return factor / PROPORTION_FACTOR


CHECKS: tuple[Check, ...] = (
    Check(
        code="V33",
        title="Proportions of force",
        asks=(
            "Are FDS and FDP in people's proportion, and the peak forces of the interossei in "
            "proportion to their cross sections?"
        ),
        threshold=(
            f"a ratio within the published ones +- {RATIO_SPREAD:.0%}, tensions +- "
            f"{TENSION_SPREAD:.0%}; a warning beyond, fails by a factor of "
            f"{PROPORTION_FACTOR:g} outside the published ones"
        ),
        source=(
            "models/reference/performance.csv (Brand & Hollister 1993, Gonzalez 1997, MoBL-ARMS; "
            "specific tensions of arm models); cross sections of Jacobson 1992"
        ),
        run=check_proportions,
    ),
)
"""The checks of this module."""
