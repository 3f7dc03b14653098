"""Validation and comparison of hand models: the public functions.

report = validate("my_hand.xml")          # also an MjModel, an MjSpec, or a list of these
print(report)
report.save("report")
print(diff("hand.xml", "my_hand.xml"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from musclehand.body.naming import read_naming
from musclehand.core.errors import ModelError, MusclehandError
from musclehand.core.progress import Progress
from musclehand.validation.check import Check, Finding, Specimen, Verdict
from musclehand.validation.difference.compare import Difference, compare
from musclehand.validation.report.text import findings_html, findings_text
from musclehand.validation.report.write import as_json, write_report
from musclehand.validation.specimen import ModelSource, model_name, open_specimens
from musclehand.validation.suite import Examination, OnCheck, examine, select_checks
from musclehand.validation.text import PLAIN_WIDTH, render_plain

HandSource: TypeAlias = ModelSource | Specimen
"""A model as `open_specimens` takes it, or a hand of `open_specimens`."""


class Failure(NamedTuple):
    """A check that a hand does not pass."""

    hand: str
    """Name of the model and side."""

    check: Check
    """The check."""

    finding: Finding
    """Its answer, with the parts at fault."""


@dataclass(frozen=True, eq=False)
class ValidationReport:
    """The findings of a validation.

    `print` shows a table of verdicts with the parts at fault; in a notebook a report shows itself.
    """

    examinations: tuple[Examination, ...]
    """All hands with their findings: the validated ones, then those to compare with."""

    num_validated: int
    """Number of validated hands, the first of `examinations`."""

    @property
    def validated(self) -> tuple[Examination, ...]:
        """The validated hands, without those to compare with."""
        return self.examinations[: self.num_validated]

    @property
    def passed(self) -> bool:
        """Whether no check fails on the validated hands; warnings pass."""
        return all(examination.passed for examination in self.validated)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The failed checks of the validated hands, in order."""
        return tuple(
            Failure(examination.name, result.check, result.finding)
            for examination in self.validated
            for result in examination.results
            if result.finding.verdict is Verdict.FAIL
        )

    def save(self, folder: str | PathLike[str]) -> tuple[Path, Path]:
        """Writes a page with figures and a JSON file into a folder, which is created if need be.

        Returns:
            Paths of the page (validation.html) and of the JSON file (validation.json).

        Raises:
            OutputError: the folder or a file cannot be written.
        """
        return write_report(self.examinations, Path(folder))

    def as_json(self) -> dict[str, Any]:
        """The findings as the JSON object of `validation.report.write`."""
        return as_json(self.examinations)

    def to_text(self, *, width: int = PLAIN_WIDTH) -> str:
        """The verdicts and the parts at fault as plain text.

        Args:
            width: of the table [characters].
        """
        return render_plain(findings_text(self.examinations, self.validated), width=width)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return findings_html(self.examinations, self.validated)


def validate(
    model: HandSource | Sequence[HandSource],
    *,
    against: HandSource | Sequence[HandSource] = (),
    checks: Sequence[str] | None = None,
    side: str | None = None,
    naming: str | PathLike[str] | None = None,
    root: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    on_check: OnCheck | None = None,
) -> ValidationReport:
    """Validates hand models: are they anatomical, stable and strong enough?

    Args:
        model: path of an MJCF file, name of a bundled model ("musclehand", "myohand"), `MjModel`,
            `MjSpec`, hand of `open_specimens`, or a list of these. Models are not changed.
        against: other models, to put through the same checks and to show beside `model`.
        checks: codes of checks, such as ["V12", "V14"]; by default all.
        side: "left" or "right"; by default the hands that a model has.
        naming: a JSON file that maps the names of `model` to anatomical ones, by default found by
            the model's names.
        root: folder that all files of a model must lie in, by default that of the file itself.
        progress: called after each check with the number of checks done, and of all checks.
        on_check: called with the hand and the check before each check.

    Raises:
        MusclehandError: a model occurs twice.
        ModelError: a model or the naming cannot be used, or a model lacks the side.
        InvalidValue: an illegal side.
        UnknownName: no check has one of the codes.
    """
    codes = [checks] if isinstance(checks, str) else checks
    selected = select_checks(codes)
    models = _listed(model)
    references = _listed(against)
    _check_different([*models, *references])
    names = _unique_names([*models, *references])
    validated: list[Specimen] = []
    for source in models:
        validated += _open(source, names, side=side, naming=naming, root=root)
    compared: list[Specimen] = []
    for source in references:
        compared += _open(source, names, side=side, root=root)
    specimens = [*validated, *compared]
    counter = _Counter(progress, on_check, total=len(selected) * len(specimens))
    examinations = examine(specimens, codes, counter.announce)
    counter.finish()
    return ValidationReport(examinations, num_validated=len(validated))


def diff(
    before: HandSource | Sequence[HandSource],
    after: HandSource | Sequence[HandSource],
    *,
    side: str | None = None,
    naming: str | PathLike[str] | None = None,
    root: str | PathLike[str] | None = None,
) -> Difference:
    """Compares two hand models in anatomical words.

    Muscles, joints and bones are matched by their anatomical names. The difference has muscles with
    their force and fibres, paths, moment arms, joints with their axes, ranges of motion, couplings,
    springs and dampers, inertia, fingertips, contacts, and options of the simulation; the heaviest
    changes come first.

    Args:
        before: path of an MJCF file, name of a bundled model ("musclehand", "myohand"), `MjModel`,
            `MjSpec`, hand of `open_specimens`, or a list of these that are the hands of one model.
        after: the same, to compare with it.
        side: "left" or "right"; by default the hands that the models have.
        naming: a JSON file that maps names to anatomical ones, for the models that it fits.
        root: folder that all files of a model must lie in, by default that of the file itself.

    Raises:
        ModelError: a model or the naming cannot be used, or a model lacks the side.
        InvalidValue: an illegal side.
    """
    if naming is not None:
        read_naming(Path(naming))
    hands = []
    for model in (before, after):
        specimens: list[Specimen] = []
        for source in _listed(model):
            specimens += _open_fitting(source, side=side, naming=naming, root=root)
        hands.append(specimens)
    return compare(*hands)


class _Counter:
    """Reports the progress of an examination."""

    def __init__(self, progress: Progress | None, on_check: OnCheck | None, *, total: int) -> None:
        self._progress = progress
        self._on_check = on_check
        self._total = total
        self._started = 0

    def announce(self, specimen: Specimen, check: Check) -> None:
        """Called before each check."""
        if self._started:
            self._report()
        self._started += 1
        if self._on_check is not None:
            self._on_check(specimen, check)

    def finish(self) -> None:
        """Called after the last check."""
        self._report()

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self._started, self._total)


def _listed(model: HandSource | Sequence[HandSource]) -> list[HandSource]:
    """The models of a list, or the only one."""
    if isinstance(model, list | tuple):
        return list(model)
    return [model]


def _check_different(models: Sequence[HandSource]) -> None:
    """Refuses a model that occurs twice; hands that are open already count once for each model."""
    keys: list[object] = [*{model.source for model in models if isinstance(model, Specimen)}]
    for model in models:
        if isinstance(model, str | PathLike):
            keys.append(str(model))
        elif not isinstance(model, Specimen):
            keys.append(id(model))
    if len(set(keys)) < len(keys):
        raise MusclehandError("a model is compared with itself: name each only once")


def _unique_names(models: Sequence[HandSource]) -> dict[int, str]:
    """Names of models in memory in reports, by the identity of the model.

    Models with the same name are numbered: "MjModel", "MjModel 2".
    """
    names: dict[int, str] = {}
    for model in models:
        if isinstance(model, Specimen):
            continue
        base = model_name(model)
        name = base
        number = 1
        while name in names.values():
            number += 1
            name = f"{base} {number}"
        names[id(model)] = name
    return names


def _open(
    source: HandSource,
    names: dict[int, str] | None = None,
    *,
    side: str | None,
    naming: str | PathLike[str] | None = None,
    root: str | PathLike[str] | None = None,
) -> Sequence[Specimen]:
    """The hands of a model; a hand that is open already stays as it is."""
    if isinstance(source, Specimen):
        return [source]
    name = None if names is None else names[id(source)]
    return open_specimens(source, naming=naming, root=root, side=side, name=name)


def _open_fitting(
    source: HandSource,
    *,
    side: str | None,
    naming: str | PathLike[str] | None,
    root: str | PathLike[str] | None,
) -> Sequence[Specimen]:
    """The hands of a model, named by the naming where it fits the model."""
    try:
        return _open(source, side=side, naming=naming, root=root)
    except ModelError as problem:
        if naming is None:
            raise
        try:
            return _open(source, side=side, root=root)
        except ModelError:
            raise problem from None
