"""Plans on disk: JSON that says everything a plan follows from, and what came out of planning.

Joint angles are not written: they follow from the rest, to the last bit, with the same versions of
numpy, MuJoCo and this package. A plan for other hands than the bundled one is read with that design
given, and refused for any other.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.dataclass_json import from_plain
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.quadratic import SolverError
from musclehand.music.formats.score_file import MAX_DURATION, MAX_NOTES
from musclehand.music.formats.score_json import score_from_dict
from musclehand.music.score import Finger, Score
from musclehand.piano.geometry import PianoParameters, keyboard_geometry
from musclehand.planning.plan import FORMAT, VERSION, PerformancePlan, PlanConfig, plan_fingered
from musclehand.planning.strokes.corrections import Correction, Corrections, IdleLift
from musclehand.planning.strokes.person import person_from_dict

MAX_BYTES = 64_000_000
"""Larger files are refused unread."""

MAX_KEYBOARD = 10.0
"""[m] wider keyboards are refused; those of pianos are 1.2 m wide."""

_DAMAGE = (
    ArithmeticError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    InvalidValue,
    SolverError,
)
"""Errors of planning with values that no plan has."""


def load_plan(path: str | PathLike[str], *, design: HandDesign | None = None) -> PerformancePlan:
    """Reads a plan that `PerformancePlan.save` wrote.

    Args:
        path: of the file.
        design: hands that it was made for, by default the bundled one.

    Raises:
        FileError: there is no such file, it is damaged, or it was made for other hands.
    """
    path = Path(path)
    data = _read(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FileError(path, "is no plan of musclehand")
    if data.get("version") != VERSION:
        problem = f"has version {data.get('version')!r} in place of {VERSION}"
        raise FileError(path, f"{problem}; plan its score again with this release")
    try:
        hand_sha256 = data["hand_sha256"]
        planned = _score(data, "planned")
        plan = _plan_from_dict(data, design)
    except _DAMAGE as error:
        raise FileError(path, f"is damaged ({type(error).__name__}: {error})") from error
    if plan.hand_sha256 != hand_sha256:
        raise FileError(path, "was made for other hands; give them as design")
    if plan.planned != planned:
        raise FileError(path, "does not follow from its own scores; it was made by another version")
    return plan


def _read(path: Path) -> Any:
    """The JSON in a file.

    Raises:
        FileError: it is none, or no regular file, or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileError(path, "is no regular file")
        if status.st_size > MAX_BYTES:
            raise FileError(path, f"is larger than {MAX_BYTES // 10**6} MB, so it is no plan")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"is no JSON ({error})") from error


def _score(data: Mapping[str, Any], name: str) -> Score:
    """One of a plan's scores, within the limits of score files."""
    score = score_from_dict(data[name])
    if len(score) > MAX_NOTES or score.duration > MAX_DURATION:
        raise ValueError(f"{name} has {len(score):,} notes and lasts {score.duration:.4g} s")
    return score


def _piano(data: Mapping[str, Any]) -> PianoParameters:
    """The parameters of a keyboard that fits into a room."""
    piano = from_plain(PianoParameters, data["piano"], name="piano")
    geometry = keyboard_geometry(piano)
    width = float(np.ptp(geometry.x) + geometry.width.max())
    if not width <= MAX_KEYBOARD:
        raise ValueError(f"piano is {width:.4g} m wide")
    return piano


def _corrections(data: Mapping[str, Any]) -> Corrections:
    """What practice had taught, all of it finite."""
    notes = {}
    for onset, pitch, *changes in data["notes"]:
        if len(changes) != len(Correction._fields):
            raise ValueError(f"a correction has {len(changes)} values")
        notes[_finite(onset), int(pitch)] = Correction(*map(_finite, changes))
    lifts = tuple(
        IdleLift(Side(side), Finger(finger), _finite(start), _finite(end), _finite(height))
        for side, finger, start, end, height in data["lifts"]
    )
    return Corrections(notes, lifts)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    return number


def _plan_from_dict(data: Mapping[str, Any], design: HandDesign | None) -> PerformancePlan:
    return plan_fingered(
        target=_score(data, "target"),
        score=_score(data, "score"),
        design=design,
        piano=_piano(data),
        config=from_plain(PlanConfig, data["config"], name="config"),
        sides=tuple(Side(side) for side in data["sides"]),
        lead_in=float(data["lead_in_s"]),
        tail=float(data["tail_s"]),
        sim_dt=float(data["sim_dt_s"]),
        corrections=_corrections(data["corrections"]),
        person={
            Side(side): person_from_dict(motion) for side, motion in data.get("person", {}).items()
        },
    )
