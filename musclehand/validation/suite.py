"""The suite of all checks, run on one hand after the other.

A model that is not fit for a question (no wrist, a muscle that MuJoCo cannot simulate) gets a
finding that says so; any other error is a defect of a check and is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

from musclehand.core.errors import MusclehandError, UnknownName
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation.check import Check, Finding, Specimen, Verdict
from musclehand.validation.checks import (
    arms,
    behaviour,
    bones,
    couplings,
    courses,
    effort,
    fibres,
    names,
    proportions,
    ranges,
    strength,
    structure,
    times,
    unused,
    wrist,
)

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *structure.CHECKS,
            *fibres.CHECKS,
            *arms.CHECKS,
            *courses.CHECKS,
            *strength.CHECKS,
            *proportions.CHECKS,
            *wrist.CHECKS,
            *effort.CHECKS,
            *behaviour.CHECKS,
            *names.CHECKS,
            *unused.CHECKS,
            *times.CHECKS,
            *couplings.CHECKS,
            *ranges.CHECKS,
            *bones.CHECKS,
        ),
        key=lambda check: check.code,
    )
)
"""All checks, by code."""

OnCheck = Callable[[Specimen, Check], None]
"""Called with the hand and the check before each check."""


class Result(NamedTuple):
    """The outcome of one check on one hand."""

    check: Check
    """The check."""

    finding: Finding
    """Its answer for the hand."""

    seconds: float
    """[s] duration of the check."""


class Examination(NamedTuple):
    """One hand and the results of its checks."""

    specimen: Specimen
    """The hand."""

    results: tuple[Result, ...]
    """The results, in the order of `CHECKS`."""

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(result.finding.verdict is not Verdict.FAIL for result in self.results)

    @property
    def name(self) -> str:
        """Name of the hand in reports: the model and the side."""
        return f"{self.specimen.source} {self.specimen.hand.side.name.lower()}"


def select_checks(codes: Sequence[str] | None = None) -> tuple[Check, ...]:
    """The checks with these codes, in the order of `CHECKS`; all without codes.

    Raises:
        UnknownName: no check has that code.
    """
    chosen = {code.upper() for code in codes or ()}
    legal = {check.code for check in CHECKS}
    for code in sorted(chosen - legal):
        raise UnknownName("check", code, legal)
    return tuple(check for check in CHECKS if not chosen or check.code in chosen)


def run_checks(
    specimen: Specimen,
    codes: Sequence[str] | None = None,
    on_check: OnCheck | None = None,
    *,
    partner: Specimen | None = None,
) -> tuple[Result, ...]:
    """Runs checks on one hand.

    Args:
        specimen: the hand.
        codes: which checks, such as ("V12", "V14"); by default all.
        on_check: called before each check.
        partner: the opposite hand, where it is a model of its own; the two are then compared as
            mirror images.

    Raises:
        UnknownName: no check has one of the codes.
    """
    results = []
    for check in select_checks(codes):
        if on_check is not None:
            on_check(specimen, check)
        start = perf_counter()
        with silence_mujoco():
            finding = _answer(check, specimen, partner)
        results.append(Result(check, finding, perf_counter() - start))
    return tuple(results)


def examine(
    specimens: Sequence[Specimen],
    codes: Sequence[str] | None = None,
    on_check: OnCheck | None = None,
) -> tuple[Examination, ...]:
    """Runs checks on several hands; two hands of one source are also compared as left and right.

    Args:
        specimens: the hands.
        codes: which checks, such as ("V12", "V14"); by default all.
        on_check: called before each check.

    Raises:
        UnknownName: no check has one of the codes.
    """
    examinations = []
    for specimen in specimens:
        partner = _partner(specimen, specimens)
        results = run_checks(specimen, codes, on_check, partner=partner)
        examinations.append(Examination(specimen, results))
    return tuple(examinations)


def _partner(specimen: Specimen, specimens: Sequence[Specimen]) -> Specimen | None:
    """The only other hand of the same source, if it is of the opposite side."""
    candidates = [
        candidate
        for candidate in specimens
        if candidate.source == specimen.source and candidate is not specimen
    ]
    if len(candidates) != 1 or candidates[0].hand.side is specimen.hand.side:
        return None
    return candidates[0]


def _answer(check: Check, specimen: Specimen, partner: Specimen | None) -> Finding:
    try:
        if check.run is ranges.check_mirror and partner is not None:
            return ranges.compare_sides(specimen, partner)
        return check.run(specimen)
    except MusclehandError as error:
        return Finding(Verdict.FAIL, f"cannot be answered: {error}", None, (str(error),))
