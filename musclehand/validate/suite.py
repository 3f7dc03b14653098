"""All checks, run on one hand after the other.

A model that is not fit for a question (no wrist to turn, a muscle that MuJoCo cannot simulate) gets
a finding that says so; anything unforeseen is a defect of ours and is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

from musclehand.core.errors import MusclehandError, UnknownName
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validate.check import Check, Finding, Specimen, Verdict
from musclehand.validate.checks import arms, behaviour, bones, fibres, ranges, strength, structure

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *structure.CHECKS,
            *fibres.CHECKS,
            *arms.CHECKS,
            *strength.CHECKS,
            *behaviour.CHECKS,
            *ranges.CHECKS,
            *bones.CHECKS,
        ),
        key=lambda check: check.code,
    )
)
"""Every check there is, by code."""

Progress = Callable[[Specimen, Check], None]
"""Called before each check."""


class Result(NamedTuple):
    """What came of one check on one hand, and how long it took [s]."""

    check: Check
    finding: Finding
    seconds: float


class Examination(NamedTuple):
    """One hand and the results of its checks, in the order of `CHECKS`."""

    specimen: Specimen
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(result.finding.verdict is not Verdict.FAIL for result in self.results)

    @property
    def name(self) -> str:
        """What the hand is called in reports: the model and the side."""
        return f"{self.specimen.source} {self.specimen.hand.side.name.lower()}"


def select_checks(codes: Sequence[str] | None = None) -> tuple[Check, ...]:
    """The checks with these codes, in their usual order; None or nothing for all.

    Raises:
        UnknownName: no check has that code.
    """
    wanted = {code.upper() for code in codes or ()}
    known = {check.code for check in CHECKS}
    for code in sorted(wanted - known):
        raise UnknownName("check", code, known)
    return tuple(check for check in CHECKS if not wanted or check.code in wanted)


def run_checks(
    specimen: Specimen,
    codes: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    partner: Specimen | None = None,
) -> tuple[Result, ...]:
    """Puts one hand through checks.

    Args:
        specimen: the hand.
        codes: which checks, such as ("V12", "V14"); by default all.
        progress: called before each check.
        partner: the other hand, where it is in a model of its own; the two are then compared as
            mirror images.

    Raises:
        UnknownName: no check has one of the codes.
    """
    results = []
    for check in select_checks(codes):
        if progress is not None:
            progress(specimen, check)
        start = perf_counter()
        with silence_mujoco():
            finding = _answer(check, specimen, partner)
        results.append(Result(check, finding, perf_counter() - start))
    return tuple(results)


def examine(
    specimens: Sequence[Specimen],
    codes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> tuple[Examination, ...]:
    """Puts hands through checks, comparing those of one source with each other as left and right.

    Raises:
        UnknownName: no check has one of the codes.
    """
    found = []
    for specimen in specimens:
        others = [
            other
            for other in specimens
            if other.source == specimen.source and other is not specimen
        ]
        partner = (
            others[0]
            if len(others) == 1 and others[0].hand.side is not specimen.hand.side
            else None
        )
        found.append(Examination(specimen, run_checks(specimen, codes, progress, partner=partner)))
    return tuple(found)


def _answer(check: Check, specimen: Specimen, partner: Specimen | None) -> Finding:
    try:
        if check.run is ranges.check_mirror and partner is not None:
            return ranges.compare_sides(specimen, partner)
        return check.run(specimen)
    except MusclehandError as error:
        return Finding(Verdict.FAIL, f"cannot be answered: {error}", None, (str(error),))
