"""What changed most between two hand models, in one picture: moment arms before and after, and peak
forces.

Drawn without matplotlib's global state (no pyplot).
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import sweep
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import REST_DEG, named_posture
from musclehand.core.errors import OutputError
from musclehand.validate.check import Specimen
from musclehand.validate.difference.compare import Change, Difference, paired
from musclehand.validate.wording import EQUAL_SHARE, describe_joint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ARMS = 6
MOST_BARS = 16
"""Moment arms with a panel of their own, and muscles with a bar."""

_COLUMNS = 3
_BEFORE = "#8C8C8C"
_AFTER = "#0072B2"
_WEAKER = "#D55E00"
_INK = "#333333"


class ArmCurves(NamedTuple):
    """A moment arm over the range of its joint, other joints at rest: angles [deg] and arms
    [mm], shapes (count,)."""

    muscle: str
    joint: str
    angles_before: np.ndarray
    arms_before: np.ndarray
    angles_after: np.ndarray
    arms_after: np.ndarray


def arm_curves(before: Specimen, after: Specimen, changes: Sequence[Change]) -> list[ArmCurves]:
    """The arms that changed most, in the order of the changes, at most `MOST_ARMS`, each
    muscle's worst joint first."""
    arms = [change for change in changes if change.group == "moment arms" and change.muscle]
    muscles: list[str] = []
    first: list[Change] = []
    others: list[Change] = []
    for change in arms:
        (others if change.muscle in muscles else first).append(change)
        muscles.append(change.muscle)
    curves = []
    for change in (first + others)[:MOST_ARMS]:
        lines: list[np.ndarray] = []
        for one in (before, after):
            base = named_posture(one.hand, REST_DEG, one.hand.limits(one.model))
            swept = sweep(one.model, one.hand, change.joint, base)
            lines += [
                np.degrees(swept.angles),
                1e3 * swept.arms[:, one.hand.muscle_names.index(change.muscle)],
            ]
        curves.append(ArmCurves(change.muscle, change.joint, *lines))
    return curves


def force_changes(before: Specimen, after: Specimen) -> list[tuple[str, float]]:
    """Muscles of both hands with another peak force and its change [%], the largest first."""
    forces = [
        dict(
            zip(
                one.hand.muscle_names,
                muscle_parameters(one.model, one.hand.muscles).f0,
                strict=True,
            )
        )
        for one in (before, after)
    ]
    found = [
        (name, 100.0 * (float(forces[1][name] / force) - 1.0))
        for name, force in forces[0].items()
        if name in forces[1] and force > 0 and abs(forces[1][name] / force - 1.0) > EQUAL_SHARE
    ]
    return sorted(found, key=lambda item: -abs(item[1]))


def draw_difference(
    difference: Difference, before: Sequence[Specimen], after: Sequence[Specimen]
) -> Figure:
    """Arms that changed most and relative changes of peak force, of the first hand that both
    models have."""
    from matplotlib.figure import Figure as MatplotlibFigure

    one, other = paired(before, after)[0]
    here = [change for change in difference.changes if one.hand.side in change.sides]
    curves = arm_curves(one, other, here)
    forces = force_changes(one, other)
    columns = min(max(len(curves), 1), _COLUMNS)
    rows = -(-len(curves) // columns) + bool(forces)
    figure = MatplotlibFigure(
        figsize=(max(5.5, 3.4 * columns), 0.7 + 2.4 * max(rows, 1)), layout="constrained"
    )
    names = (f"before: {_name(difference.before)}", f"after: {_name(difference.after)}")
    figure.suptitle(
        f"{one.hand.side.name.lower()} hand, {'; '.join(names)}", fontsize=10, x=0.01, ha="left"
    )
    if not rows:
        figure.text(
            0.5,
            0.5,
            "no difference in moment arms and peak forces",
            ha="center",
            va="center",
            color=_INK,
        )
        return figure
    grid = figure.add_gridspec(rows, columns)
    for i, curve in enumerate(curves):
        _draw_arms(figure.add_subplot(grid[i // columns, i % columns]), curve, legend=i == 0)
    if forces:
        _draw_forces(figure.add_subplot(grid[rows - 1, :]), forces)
    return figure


def save_difference(
    path: str | PathLike[str],
    difference: Difference,
    before: Sequence[Specimen],
    after: Sequence[Specimen],
) -> None:
    """Draws into a file: PNG, or what else its name asks for (PDF, SVG).

    Raises:
        OutputError: the file cannot be written, or matplotlib does not know its kind.
    """
    figure = draw_difference(difference, before, after)
    try:
        figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:
        raise OutputError(path, str(error)) from error


def _draw_arms(axes: Axes, curve: ArmCurves, *, legend: bool) -> None:
    axes.plot(curve.angles_before, curve.arms_before, color=_BEFORE, linestyle="--", label="before")
    axes.plot(curve.angles_after, curve.arms_after, color=_AFTER, label="after")
    axes.axhline(0.0, color="#DDDDDD", linewidth=0.8, zorder=0)
    axes.set_title(curve.muscle, loc="left", fontsize=9, color=_INK)
    axes.set_xlabel(f"{describe_joint(curve.joint)} [deg]", fontsize=8)
    axes.set_ylabel("moment arm [mm]", fontsize=8)
    if legend:
        axes.legend(frameon=False, fontsize=8)
    _tidy(axes)


def _draw_forces(axes: Axes, forces: list[tuple[str, float]]) -> None:
    shown = forces[:MOST_BARS]
    places = np.arange(len(shown))
    values = [value for _, value in shown]
    axes.bar(
        places, values, color=[_AFTER if value > 0 else _WEAKER for value in values], width=0.7
    )
    axes.axhline(0.0, color=_INK, linewidth=0.8)
    axes.set_xticks(places, [name for name, _ in shown], fontsize=8)
    axes.set_xlim(-0.6, max(len(shown), 4) - 0.4)
    more = (
        f" ({len(forces) - MOST_BARS} smaller changes not shown)" if len(forces) > MOST_BARS else ""
    )
    axes.set_title(f"Peak force{more}", loc="left", fontsize=9, color=_INK)
    axes.set_ylabel("change [%]", fontsize=8)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _name(source: str) -> str:
    """The last part of a path; dollar signs would be read as formulas."""
    return Path(source).name.replace("$", r"\$")
