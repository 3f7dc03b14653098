"""A figure of the largest changes between two hands: moment arms before and after, peak forces.

It is drawn without Matplotlib's global state (no pyplot).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import sweep
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import REST_DEG, named_posture
from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import Change
from musclehand.validation.wording import EQUAL_SHARE, describe_joint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ARMS = 6
MOST_BARS = 16
"""Most moment arms that have a panel, and most muscles that have a bar."""

_COLUMNS = 3
_BEFORE = "#8C8C8C"
_AFTER = "#0072B2"
_WEAKER = "#D55E00"
_INK = "#333333"


class ArmCurves(NamedTuple):
    """A moment arm of both hands over the range of its joint, other joints at rest."""

    muscle: str
    """Anatomical name."""

    joint: str
    """Anatomical name."""

    angles_before: np.ndarray
    """[deg] joint angles of the first hand. Shape (count,)."""

    arms_before: np.ndarray
    """[mm] arms of the first hand. Shape (count,)."""

    angles_after: np.ndarray
    """[deg] joint angles of the second hand. Shape (count,)."""

    arms_after: np.ndarray
    """[mm] arms of the second hand. Shape (count,)."""


def arm_curves(before: Specimen, after: Specimen, changes: Sequence[Change]) -> list[ArmCurves]:
    """Curves of the arms that changed most, at most `MOST_ARMS`.

    Args:
        before: a hand.
        after: another.
        changes: from one to the other; their order is that of the curves, but for a muscle's second
            and further joints, which come after all muscles' first ones.
    """
    arms = [change for change in changes if change.group == "moment arms" and change.muscle]
    muscles: set[str] = set()
    first: list[Change] = []
    further: list[Change] = []
    for change in arms:
        (further if change.muscle in muscles else first).append(change)
        muscles.add(change.muscle)
    curves = []
    for change in (first + further)[:MOST_ARMS]:
        lines = [*_arm_curve(before, change), *_arm_curve(after, change)]
        curves.append(ArmCurves(change.muscle, change.joint, *lines))
    return curves


def _arm_curve(specimen: Specimen, change: Change) -> tuple[np.ndarray, np.ndarray]:
    """Angles [deg] and arms [mm] of one hand, other joints at rest."""
    hand = specimen.hand
    posture = named_posture(hand, REST_DEG, hand.limits(specimen.model))
    swept = sweep(specimen.model, hand, change.joint, posture)
    arms = swept.arms[:, hand.muscle_names.index(change.muscle)]
    return np.degrees(swept.angles), 1e3 * arms


def force_changes(before: Specimen, after: Specimen) -> list[tuple[str, float]]:
    """Muscles of both hands whose peak force changed, with the change [%], the largest first."""
    old = _peak_forces(before)
    new = _peak_forces(after)
    changes = [
        (name, 100.0 * (float(new[name] / force) - 1.0))
        for name, force in old.items()
        if name in new and force > 0 and abs(new[name] / force - 1.0) > EQUAL_SHARE
    ]
    return sorted(changes, key=lambda item: -abs(item[1]))


def _peak_forces(specimen: Specimen) -> dict[str, float]:
    """Peak force of each muscle [N]."""
    forces = muscle_parameters(specimen.model, specimen.hand.muscles).f0
    return dict(zip(specimen.hand.muscle_names, forces, strict=True))


def draw_changes(
    changes: Sequence[Change], before: Specimen, after: Specimen, *, names: tuple[str, str]
) -> Figure:
    """Draws the arms that changed most, and the relative changes of peak force.

    Args:
        changes: of all hands, in order.
        before: the hand to draw.
        after: the hand that it was compared with.
        names: of the two models.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    side = before.hand.side
    curves = arm_curves(before, after, [change for change in changes if side in change.sides])
    forces = force_changes(before, after)
    columns = min(max(len(curves), 1), _COLUMNS)
    rows = -(-len(curves) // columns) + bool(forces)
    size = (max(5.5, 3.4 * columns), 0.7 + 2.4 * max(rows, 1))
    figure = MatplotlibFigure(figsize=size, layout="constrained")
    title = f"{side.name.lower()} hand, before: {_name(names[0])}; after: {_name(names[1])}"
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    if not rows:
        words = "no difference in moment arms and peak forces"
        figure.text(0.5, 0.5, words, ha="center", va="center", color=_INK)
        return figure
    grid = figure.add_gridspec(rows, columns)
    for i, curve in enumerate(curves):
        _draw_arms(figure.add_subplot(grid[i // columns, i % columns]), curve, legend=i == 0)
    if forces:
        _draw_forces(figure.add_subplot(grid[rows - 1, :]), forces)
    return figure


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
    x = np.arange(len(shown))
    values = [value for _, value in shown]
    colours = [_AFTER if value > 0 else _WEAKER for value in values]
    axes.bar(x, values, color=colours, width=0.7)
    axes.axhline(0.0, color=_INK, linewidth=0.8)
    axes.set_xticks(x, [name for name, _ in shown], fontsize=8)
    axes.set_xlim(-0.6, max(len(shown), 4) - 0.4)
    title = "Peak force"
    if len(forces) > MOST_BARS:
        title += f" ({len(forces) - MOST_BARS} smaller changes not shown)"
    axes.set_title(title, loc="left", fontsize=9, color=_INK)
    axes.set_ylabel("change [%]", fontsize=8)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _name(source: str) -> str:
    """The last part of a path, with dollar signs escaped, which Matplotlib takes for formulas."""
    return Path(source).name.replace("$", r"\$")
