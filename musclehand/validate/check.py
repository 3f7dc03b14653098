"""What a check is: a question about a hand model, a threshold with its source, and the finding that
answers it.

Checks live in the modules of this package, each with a tuple `CHECKS`; `validate.suite` runs them
all. A check gets a `Specimen` and gives back a `Finding`; it does not print, draw or write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import Naming

KNUCKLES = 0.04515
"""From the knuckle of the index to that of the little finger in MyoSim's hand [m]."""


class Verdict(Enum):
    """What came of a check; `SKIP` where a model lacks what the question is about."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Series(NamedTuple):
    """Points of one curve, bar group or scatter in a `Panel`; `error` are half-lengths of error
    bars or None."""

    label: str
    x: np.ndarray
    y: np.ndarray
    error: np.ndarray | None = None


class Panel(NamedTuple):
    """A figure as data, drawn by the report. `kind` is "line", "points" or "bars" (x are then
    positions of `ticks`)."""

    title: str
    xlabel: str
    ylabel: str
    kind: str
    series: tuple[Series, ...]
    ticks: tuple[str, ...] = ()
    limit: float | None = None


@dataclass(frozen=True)
class Finding:
    """The answer to a check.

    `summary` is one line with the decisive number and its unit; `value` that number (None where
    there is none); `offenders` one line each, worst first, naming part and number; `panels` figures
    where they say more.
    """

    verdict: Verdict
    summary: str
    value: float | None = None
    offenders: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True)
class Specimen:
    """The hand under test: one side of a compiled model. Checks do not change `model`; copies are
    theirs to change.

    `source` is what the report calls it. `spec` is there for what compilation forgets; None where
    only a compiled model is at hand. `with_bones` builds the same model with its bone meshes, where
    `model` leaves them out.
    """

    source: str
    model: mujoco.MjModel
    hand: HandIndex
    naming: Naming
    spec: mujoco.MjSpec | None = field(default=None, compare=False)
    with_bones: Callable[[], mujoco.MjModel] | None = field(default=None, compare=False)

    @cached_property
    def thickness(self) -> float:
        """How many times as thick the hand is as MyoSim's, by the distance of its outer
        knuckles; 1 without them."""
        data = mujoco.MjData(self.model)
        mujoco.mj_kinematics(self.model, data)
        ids = dict(zip(self.hand.joints, self.hand.joint_ids(self.model), strict=True))
        if not {"mcp2_flexion", "mcp5_flexion"} <= ids.keys():
            return 1.0
        across = data.xanchor[ids["mcp2_flexion"]] - data.xanchor[ids["mcp5_flexion"]]
        return float(np.linalg.norm(across)) / KNUCKLES

    @cached_property
    def postures(self) -> np.ndarray:
        """300 random postures over the range of motion, anatomical angles [rad]. Shape (300, n)."""
        from musclehand.body.posture import sample_postures

        return sample_postures(
            self.hand, self.hand.limits(self.model), 300, np.random.default_rng(0)
        )


class Check(NamedTuple):
    """A question with its threshold: `code` as "V12", `asks` in one sentence, `threshold` and
    `source` in words."""

    code: str
    title: str
    asks: str
    threshold: str
    source: str
    run: Callable[[Specimen], Finding]
