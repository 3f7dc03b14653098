"""Findings as files: JSON for programs, and an HTML page for people.

The JSON object has `schema` (1; raised when the meaning of an entry changes), `musclehand` and
`mujoco` (versions) and `models`, a list of hands with `name`, `source`, `side`, `naming`, `passed`
and `checks`: each with `code`, `title`, `asks`, `threshold`, `source`, `verdict`, `summary`,
`value` (null where there is none), `offenders` and `seconds`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mujoco

import musclehand
from musclehand.core.atomic import write_file
from musclehand.core.errors import OutputError
from musclehand.validation.report.page import build_page
from musclehand.validation.suite import Examination, Result

SCHEMA = 1
"""Version of the JSON object."""

PAGE = "validation.html"
TABLE = "validation.json"
"""Names of the files in a report folder."""


def write_report(examinations: Sequence[Examination], folder: Path) -> tuple[Path, Path]:
    """Writes the page and the JSON file into a folder, which is created if need be.

    Args:
        examinations: hands, all of which have been through the same checks.
        folder: where to write.

    Returns:
        Paths of the page and of the JSON file.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, str(error.strerror or error)) from error
    page = folder / PAGE
    table = folder / TABLE
    write_file(page, build_page(examinations).encode("utf-8", errors="replace"))
    write_json(examinations, table)
    return page, table


def write_json(examinations: Sequence[Examination], path: Path) -> None:
    """Writes the results as JSON.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(as_json(examinations), indent=1, allow_nan=False, ensure_ascii=False)
    write_file(path, f"{text}\n".encode("utf-8", errors="replace"))


def as_json(examinations: Sequence[Examination]) -> dict[str, Any]:
    """The results as the JSON object described above."""
    return {
        "schema": SCHEMA,
        "musclehand": musclehand.__version__,
        "mujoco": mujoco.__version__,
        "models": [
            {
                "name": examination.name,
                "source": examination.specimen.source,
                "side": examination.specimen.hand.side.name.lower(),
                "naming": examination.specimen.naming.name,
                "passed": examination.passed,
                "checks": [_entry(result) for result in examination.results],
            }
            for examination in examinations
        ],
    }


def _entry(result: Result) -> dict[str, Any]:
    check = result.check
    finding = result.finding
    value = finding.value
    return {
        "code": check.code,
        "title": check.title,
        "asks": check.asks,
        "threshold": check.threshold,
        "source": check.source,
        "verdict": finding.verdict.value,
        "summary": finding.summary,
        "value": float(value) if value is not None and math.isfinite(value) else None,
        "offenders": list(finding.offenders),
        "seconds": round(result.seconds, 3),
    }
