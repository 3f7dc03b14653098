"""The parts of a check: a question about a hand model, a threshold with its source, and a finding.

Checks are functions of the modules of `validation.checks`, each of which has a tuple `CHECKS`;
`validation.suite` runs them all. A check takes a `Specimen` and returns a `Finding`; it does not
print, draw or write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.extremes import Extremes, length_extremes
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import Naming

KNUCKLES = 0.042904
"""Distance of the outer knuckles of MyoSim's hand, without its part along the hand [m]."""

NUM_POSTURES = 300
"""Random postures over the range of motion in which a hand is examined."""


class Verdict(Enum):
    """Outcome of a check; `SKIP` where a model lacks the parts that the question is about."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Series(NamedTuple):
    """One curve, bar group or scatter of a `Panel`."""

    label: str
    """Name in the legend; "FDP2, published" is the published variant of "FDP2"."""

    x: np.ndarray
    """Abscissae. Shape (p,)."""

    y: np.ndarray
    """Ordinates. Shape (p,)."""

    error: np.ndarray | None = None
    """Half-lengths of error bars, shape (p,); None for none."""


class Panel(NamedTuple):
    """A figure as data, which the report draws."""

    title: str
    """Text above the figure."""

    xlabel: str
    """Label of the horizontal axis, with the unit."""

    ylabel: str
    """Label of the vertical axis, with the unit."""

    kind: str
    """ "line", "points" or "bars"."""

    series: tuple[Series, ...]
    """The curves, scatters or bar groups."""

    ticks: tuple[str, ...] = ()
    """Labels at x = 0, 1, 2, ...; none for a numeric axis."""

    limit: float | None = None
    """Ordinate of the threshold, drawn as a dashed line."""


@dataclass(frozen=True)
class Finding:
    """The answer to a check."""

    verdict: Verdict
    """Outcome."""

    summary: str
    """One line with the decisive number and its unit."""

    value: float | None = None
    """The decisive number, in the unit of `summary`; None where there is none."""

    offenders: tuple[str, ...] = ()
    """One line for each part at fault, worst first, with its name and number."""

    panels: tuple[Panel, ...] = ()
    """Figures, where they say more than words."""


@dataclass(frozen=True)
class Specimen:
    """The hand under test: one side of a compiled model, which checks must not change."""

    source: str
    """Name of the model in reports."""

    model: mujoco.MjModel
    """The compiled model; checks that need changes copy it."""

    hand: HandIndex
    """Addresses of the hand's parts in the model."""

    naming: Naming
    """The map from the model's names to anatomical ones."""

    spec: mujoco.MjSpec | None = field(default=None, compare=False)
    """The spec that `model` was compiled from; None where there is a compiled model only."""

    with_bones: Callable[[], mujoco.MjModel] | None = field(default=None, compare=False)
    """Builds the same model with its bone meshes, where `model` leaves them out."""

    @cached_property
    def thickness(self) -> float:
        """Size of the hand relative to MyoSim's, by the distance of its outer knuckles across the
        hand; 1 without them."""
        data = mujoco.MjData(self.model)
        mujoco.mj_kinematics(self.model, data)
        ids = dict(zip(self.hand.joints, self.hand.joint_ids(self.model), strict=True))
        if not {"flexion", "mcp2_flexion", "mcp3_flexion", "mcp5_flexion"} <= ids.keys():
            return 1.0
        along = data.xanchor[ids["mcp3_flexion"]] - data.xanchor[ids["flexion"]]
        along = along / np.linalg.norm(along)
        across = data.xanchor[ids["mcp2_flexion"]] - data.xanchor[ids["mcp5_flexion"]]
        return float(np.linalg.norm(across - along * (along @ across))) / KNUCKLES

    @cached_property
    def postures(self) -> np.ndarray:
        """Random postures over the range of motion, anatomical angles [rad].

        Shape (`NUM_POSTURES`, n).
        """
        from musclehand.body.posture import sample_postures

        rng = np.random.default_rng(0)
        return sample_postures(self.hand, self.hand.limits(self.model), NUM_POSTURES, rng)

    @cached_property
    def extremes(self) -> Extremes:
        """Shortest and longest paths of the muscles over the whole range of motion."""
        return length_extremes(self.model, self.hand)


class Check(NamedTuple):
    """A question about a hand model, with the function that answers it."""

    code: str
    """Such as "V12"."""

    title: str
    """Two or three words."""

    asks: str
    """The question, one sentence."""

    threshold: str
    """What passes, in words, with the numbers that the function tests."""

    source: str
    """Where the threshold is from."""

    run: Callable[[Specimen], Finding]
    """Answers the question for a hand."""
