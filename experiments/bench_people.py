"""The hand beside people: strength, passive torque, moment arms, tapping, mass, lengths, ranges.

    python experiments/bench_people.py
    python experiments/bench_people.py --beside before.xml --results

Each line has what was measured on people, with its source, and what the model gives. `--beside`
puts other hands into columns of their own, such as one that was exported before a change
(`musclehand export before.xml`). Sources are those of `models/reference/SOURCES.md`. Individuation
has a benchmark of its own, `bench_independence.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.extremes import length_extremes
from musclehand.body.analysis.moment_arm import sweep
from musclehand.body.analysis.passive import passive_curve
from musclehand.body.analysis.reference import load_reference
from musclehand.body.analysis.strength import feasible_forces
from musclehand.body.analysis.tapping import FINGERS, tapping_rate
from musclehand.body.analysis.wrist import wrist_strength
from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, directions
from musclehand.body.hand_index import bodies_below
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import named_posture
from musclehand.core.atomic import write_file
from musclehand.validation.checks.proportions import (
    flexor_ratio,
    interosseus_tensions,
    peak_forces,
)
from musclehand.validation.checks.strength import PRESSING_DEG
from musclehand.validation.checks.wrist import knuckle_stiffness, published_stiffness
from musclehand.validation.specimen import Specimen, open_specimens

TITLE = "The hand beside people"

PROSE = """\
What was measured on people, with its source (`models/reference/SOURCES.md`), beside what the models
give. A range of people is that of the people measured, or the mean with one standard deviation
(where a source has none, 30 % of the mean). Bold values lie outside. Wrist torques are given for
free fingers (all finger joints in balance, a linear programme) and for held fingers (all muscles
may pull): people's fingers are in between. Pad forces are those of one digit at a time; of four
fingers together people press with less than their sum."""

USUAL_SPREAD = 0.3
"""Standard deviation over the mean, where a source has none; others have 0.30 to 0.44."""

SPECIFIC_TENSION = (30.0, 50.8)
"""[N/cm^2] Specific tensions of published models of hand and arm (Gonzalez 1997, Saul 2015)."""

FORCE_RATIO = (0.70, 0.815)
"""FDS to FDP by cross section or force: Brand & Hollister 1993, Lieber 1992, MoBL-ARMS."""

TAPPING_HZ = {"index": 6.5, "middle": 6.3, "ring": 5.3, "little": 5.4}
"""Fastest tapping by finger (Aoki 2003, recalled); people's range is 5 to 7 Hz (Fujii 2009)."""

TAPPING_SHARE = 0.2
"""Spread of tapping rates between people over the mean; chosen."""

HAND_MASS = (0.346, 0.445)
"""[kg] Mean hands of women and men, 170 and 190 mm long (de Leva 1996: 0.56 and 0.61 % of body
mass)."""

FIBRE_LENGTHS = (0.5, 1.5)
"""[l0] Usual range of normalised fibre lengths."""

ABDUCTION_DEG = {2: 60.0, 3: 45.0, 4: 45.0, 5: 50.0}
"""Range of abduction and adduction of a knuckle in all (Cobos 2008, recalled)."""

COURSE_MUSCLES = ("FDS2", "FDP2", "EDC2")
"""Muscles whose arm over the knuckle's angle is shown."""

COURSE_DEG = (0.0, 30.0, 60.0, 90.0)
"""Angles at which it is shown."""


@dataclass(frozen=True)
class Args:
    """What to measure and where to keep the results."""

    beside: tuple[str, ...] = ()
    """MJCF files or names of other hands, in columns before this hand's."""

    out: Path = Path("runs/bench_people")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


class Line(NamedTuple):
    """One line of the table."""

    label: str
    """What is measured, with unit."""

    people: str
    """Value of people."""

    source: str
    """Source of it."""

    measure: Callable[[Specimen], list[float]]
    """Values of a hand; more than one are shown with a slash."""

    low: float = -np.inf
    """Least value of people."""

    high: float = np.inf
    """Greatest value of people."""

    digits: int = 1
    """Decimals."""


def main(args: Args) -> None:
    """Measures every hand and prints the table."""
    args.out.mkdir(parents=True, exist_ok=True)
    specimens = {Path(name).stem: open_specimens(name, side="right")[0] for name in args.beside}
    specimens["musclehand"] = open_specimens("musclehand", side="right")[0]
    lines = all_lines()
    values = {
        name: [line.measure(specimen) for line in lines] for name, specimen in specimens.items()
    }
    rows = []
    for i, line in enumerate(lines):
        cells = [_cell(line, values[name][i]) for name in specimens]
        rows.append([line.label, line.people, *cells, line.source])
    table = markdown_table(["", "people", *specimens, "source"], rows)
    labels = [line.label for line in lines]
    write_file(args.out / "people.json", json.dumps({"lines": labels, **values}, indent=1))
    print(table)
    if args.results:
        write_results_page("people", TITLE, command_of(__file__, args), f"{PROSE}\n\n{table}")


def all_lines() -> list[Line]:
    """All lines of the table."""
    return [
        *wrist_lines(),
        *passive_lines(),
        *muscle_lines(),
        *course_lines(),
        *force_lines(),
        *speed_lines(),
        *range_lines(),
    ]


def wrist_lines() -> list[Line]:
    """Largest torque of wrist and forearm by direction."""
    lines = []
    for row in load_reference().wrist_torques:
        if row.source != "Delp1996":
            continue
        column = directions(row.joint).index(row.direction)

        def measure(specimen: Specimen, joint: str = row.joint, side: int = column) -> list[float]:
            strength = wrist_strength(specimen.model, specimen.hand, joint)
            return [float(strength.peak_free[side]), float(strength.peak_held[side])]

        people = f"{row.mean:g} (SD {row.sd:g}), {row.low:g} to {row.high:g}"
        lines.append(
            Line(
                f"wrist {row.direction}, free / held fingers [N m]",
                people,
                row.source,
                measure,
                low=row.low if row.low is not None else -np.inf,
                high=row.high if row.high is not None else np.inf,
            )
        )
    return lines


def passive_lines() -> list[Line]:
    """Passive torque of wrist and knuckles."""

    def torque(joint: str, degrees: float) -> Callable[[Specimen], list[float]]:
        def measure(specimen: Specimen) -> list[float]:
            base = rest_angles(specimen.model, specimen.hand)
            angles = np.deg2rad([degrees])
            curve = passive_curve(
                specimen.model, specimen.hand, joint, base, angles=angles, settled=True
            )
            return [float(curve.total[0])]

        return measure

    def stiffness(specimen: Specimen) -> list[float]:
        return [knuckle_stiffness(specimen, f"mcp{finger}_flexion") for finger in FINGER_NUMBERS]

    softest, stiffest = published_stiffness()
    return [
        Line(
            "passive torque of the wrist, 60 deg flexed [N m]",
            "near 0",
            "Delp1996",
            torque("flexion", 60),
            low=-0.5,
            high=0.5,
            digits=2,
        ),
        Line(
            "the same, 60 deg extended [N m]",
            "near 0",
            "Delp1996",
            torque("flexion", -60),
            low=-0.5,
            high=0.5,
            digits=2,
        ),
        Line(
            "the same, 35 deg ulnar [N m]",
            "0.9",
            "Delp1996",
            torque("deviation", -35),
            low=0.0,
            high=0.9 * (1 + USUAL_SPREAD),
            digits=2,
        ),
        Line(
            "stiffness of the knuckles from 10 to 32 deg, index to little [N m/rad]",
            "0.033 to 0.047 (SD 0.003 to 0.018), index",
            "PMC7775510",
            stiffness,
            low=softest,
            high=stiffest,
            digits=3,
        ),
    ]


def muscle_lines() -> list[Line]:
    """Proportions of forces, and lengths of fibres."""

    def ratio(specimen: Specimen) -> list[float]:
        return [flexor_ratio(peak_forces(specimen), FINGER_NUMBERS)]

    def tension(specimen: Specimen) -> list[float]:
        tensions = interosseus_tensions(specimen).values()
        return [min(tensions), max(tensions)] if tensions else [np.nan]

    def lengths(specimen: Specimen) -> list[float]:
        model, hand = specimen.model, specimen.hand
        constants = muscle_parameters(model, hand.muscles)
        ends = length_extremes(model, hand).lengths
        fibres = (ends - constants.lts[:, None]) / constants.l0[:, None]
        return [float(fibres.min()), float(fibres.max())]

    return [
        Line(
            "FDS to FDP of four fingers, by force",
            "0.70 to 0.815",
            "Brand1993, Gonzalez1997, MoBL-ARMS",
            ratio,
            low=FORCE_RATIO[0],
            high=FORCE_RATIO[1],
            digits=2,
        ),
        Line(
            "interossei, least / largest force over area [N/cm2]",
            "30 to 50.8 in models",
            "Jacobson1992, Saul2015",
            tension,
            low=SPECIFIC_TENSION[0],
            high=SPECIFIC_TENSION[1] + 0.5,
            digits=0,
        ),
        Line(
            "normalised fibre lengths over all of the range of motion [l0]",
            "usually 0.5 to 1.5",
            "recalled",
            lengths,
            low=FIBRE_LENGTHS[0],
            high=FIBRE_LENGTHS[1],
            digits=2,
        ),
    ]


def course_lines() -> list[Line]:
    """Moment arms over the angle of the index knuckle."""
    people = {"FDS2": "rises with flexion", "FDP2": "about constant", "EDC2": "not constant"}
    sources = {"FDS2": "Martin2012", "FDP2": "FingerArms2021", "EDC2": "FingerArms2021"}

    def course(muscle: str) -> Callable[[Specimen], list[float]]:
        def measure(specimen: Specimen) -> list[float]:
            model, hand = specimen.model, specimen.hand
            if muscle not in hand.muscle_names:
                return [np.nan]
            base = rest_angles(model, hand)
            curve = sweep(model, hand, "mcp2_flexion", base, angles=np.deg2rad(COURSE_DEG))
            return [float(arm) for arm in 1e3 * curve.arms[:, hand.muscle_names.index(muscle)]]

        return measure

    return [
        Line(
            f"arm of {muscle} at the knuckle at 0 / 30 / 60 / 90 deg [mm]",
            people[muscle],
            sources[muscle],
            course(muscle),
        )
        for muscle in COURSE_MUSCLES
    ]


def force_lines() -> list[Line]:
    """Force of the pads."""

    def press(posture: str) -> Callable[[Specimen], list[float]]:
        def measure(specimen: Specimen) -> list[float]:
            model, hand = specimen.model, specimen.hand
            angles = named_posture(hand, PRESSING_DEG[posture], hand.limits(model))
            return [feasible_forces(model, hand, digit, angles).force for digit in DIGITS]

        return measure

    def shares(specimen: Specimen) -> list[float]:
        forces = np.array(press("bent")(specimen)[1:])
        return [float(share) for share in 100 * forces / forces.sum()]

    def total(specimen: Specimen) -> list[float]:
        return [float(sum(press("bent")(specimen)[1:]))]

    return [
        Line(
            f"pad force, thumb to little finger, {posture} [N]",
            "64.7 (SD 19.6), 50, 42, 32, 30 (SD near 30 %)",
            "TaiwanWorkers2019, Li1998",
            press(posture),
            digits=0,
        )
        for posture in PRESSING_DEG
    ] + [
        Line(
            "sum of four fingers pressing one at a time, bent [N]",
            "154",
            "Li1998",
            total,
            low=154 * (1 - USUAL_SPREAD),
            high=154 * (1 + USUAL_SPREAD),
            digits=0,
        ),
        Line(
            "shares of four fingers, bent [%]",
            "32, 27, 21, 19 (pressing); 25, 35, 25, 14 (grip)",
            "Li1998, MacDermid2004",
            shares,
            digits=0,
        ),
    ]


def speed_lines() -> list[Line]:
    """Tapping and mass."""

    def tap(finger: str) -> Callable[[Specimen], list[float]]:
        def measure(specimen: Specimen) -> list[float]:
            tapping = tapping_rate(specimen.model, specimen.hand, finger)
            return [tapping.equal_rate, tapping.rate]

        return measure

    def mass(specimen: Specimen) -> list[float]:
        model, hand = specimen.model, specimen.hand
        wrist = int(model.jnt_bodyid[hand.joint_ids(model)[hand.joints.index("flexion")]])
        return [float(sum(model.body_mass[body] for body in bodies_below(model, wrist)))]

    return [
        *(
            Line(
                f"tapping, {finger}, equal / best shares [Hz]",
                f"{TAPPING_HZ[finger]:g}; 5 to 7",
                "Aoki2003 (recalled), NeurosciLett2009",
                tap(finger),
                low=TAPPING_HZ[finger] * (1 - TAPPING_SHARE),
                high=7.0 * (1 + TAPPING_SHARE),
            )
            for finger in FINGERS
        ),
        Line(
            "mass of the hand [kg]",
            "0.346 (women, 170 mm) to 0.445 (men, 190 mm)",
            "deLeva1996",
            mass,
            low=HAND_MASS[0],
            high=HAND_MASS[1],
            digits=3,
        ),
    ]


def range_lines() -> list[Line]:
    """Ranges of motion that differ between models."""

    def span(joint: str) -> Callable[[Specimen], list[float]]:
        def measure(specimen: Specimen) -> list[float]:
            model, hand = specimen.model, specimen.hand
            if joint not in hand.joints:
                return [0.0]
            low, high = np.rad2deg(hand.limits(model)[hand.joints.index(joint)])
            return [float(high - low)]

        return measure

    metacarpals = {"cmc4_flexion": (11.6, 20.0), "cmc5_flexion": (27.0, 31.7)}
    return [
        *(
            Line(
                f"abduction and adduction of knuckle {finger} in all [deg]",
                f"40; {ABDUCTION_DEG[finger]:g}",
                "AAOS; Cobos 2008 (recalled)",
                span(f"mcp{finger}_abduction"),
                low=40.0,
                high=ABDUCTION_DEG[finger] * 1.05,
                digits=0,
            )
            for finger in FINGER_NUMBERS
        ),
        *(
            Line(
                f"flexion of metacarpal {joint[3]} in all [deg]",
                f"{low:g} to {high:g}",
                "ElShennawy2001, McFarland2023",
                span(joint),
                low=low,
                high=high,
            )
            for joint, (low, high) in metacarpals.items()
        ),
    ]


def _cell(line: Line, values: list[float]) -> str:
    """The values of a hand; bold where one is outside people's range."""
    tolerance = 0.5 * 10.0**-line.digits
    outside = any(
        np.isfinite(value) and not line.low - tolerance <= value <= line.high + tolerance
        for value in values
    )
    text = " / ".join(
        "none" if not np.isfinite(value) else f"{value:.{line.digits}f}" for value in values
    )
    return f"**{text}**" if outside else text


if __name__ == "__main__":
    run_script(main, Args, __doc__)
