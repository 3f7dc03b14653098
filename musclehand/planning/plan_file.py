"""Plans on disk: JSON that says everything a plan follows from, and what came out of planning.

Joint angles are not written: they follow from the rest, to the last bit, with the same versions of
numpy, MuJoCo and this package. A plan for other hands than the bundled one is read with that design
given, and refused for any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.dataclass_json import from_plain
from musclehand.core.errors import FileError, InvalidValue
from musclehand.music.formats.score_json import score_from_dict
from musclehand.piano.geometry import PianoParameters
from musclehand.planning.plan import FORMAT, VERSION, PerformancePlan, PlanConfig, plan_fingered
from musclehand.planning.strokes.rehearsal import Correction

MAX_BYTES = 64_000_000
"""Larger files are refused unread."""


def load_plan(path: str | PathLike[str], *, design: HandDesign | None = None) -> PerformancePlan:
    """Reads a plan that `PerformancePlan.save` wrote.

    Args:
        path: of the file.
        design: hands that it was made for, by default the bundled one.

    Raises:
        FileError: there is no such file, it is damaged, or it was made for other hands.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileError(path, f"is larger than {MAX_BYTES // 10**6} MB, so it is no plan")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"is no JSON ({error})") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FileError(path, "is no plan of musclehand")
    if data.get("version") != VERSION:
        raise FileError(path, f"has version {data.get('version')!r} in place of {VERSION}")
    try:
        plan = _plan_from_dict(data, design)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidValue) as error:
        raise FileError(path, f"is damaged ({type(error).__name__}: {error})") from error
    if plan.hand_sha256 != data["hand_sha256"]:
        raise FileError(path, "was made for other hands; give them as design")
    if plan.planned != score_from_dict(data["planned"]):
        raise FileError(path, "does not follow from its own scores; it was made by another version")
    return plan


def _plan_from_dict(data: Mapping[str, Any], design: HandDesign | None) -> PerformancePlan:
    corrections = {
        (float(onset), int(pitch)): Correction(float(strike), float(release), float(velocity))
        for onset, pitch, strike, release, velocity in data["corrections"]
    }
    return plan_fingered(
        target=score_from_dict(data["target"]),
        score=score_from_dict(data["score"]),
        design=design,
        piano=from_plain(PianoParameters, data["piano"], name="piano"),
        config=from_plain(PlanConfig, data["config"], name="config"),
        sides=tuple(Side(side) for side in data["sides"]),
        lead_in=float(data["lead_in_s"]),
        tail=float(data["tail_s"]),
        sim_dt=float(data["sim_dt_s"]),
        corrections=corrections,
    )
