"""Figures of the plan that a performance follows: the ceiling of what it can reach."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from musclehand.music.metrics import Figure

if TYPE_CHECKING:
    from musclehand.planning.plan import PerformancePlan


@dataclass(frozen=True)
class PlanFigures:
    """A plan against what is judged by, as if it were played exactly; see `music.metrics`."""

    plan_onset_f1_50ms: Figure
    """Note F1 by onsets within 50 ms."""

    plan_frame_f1_mean: Figure
    """Frame F1, averaged over steps."""

    plan_frame_f1_micro: Figure
    """Frame F1, counted over all steps and keys."""

    plan_heard_frame_f1_mean: Figure
    """Frame F1 of what is heard, averaged over steps."""

    plan_heard_frame_f1_micro: Figure
    """Frame F1 of what is heard, counted over all steps and keys."""

    plan_key_time_kept: Figure
    """Share of the written key time for which keys are down in the plan: a sum over notes."""

    def as_dict(self) -> dict[str, Figure]:
        """The figures by name."""
        return asdict(self)

    @classmethod
    def of(cls, plan: PerformancePlan) -> PlanFigures:
        """The figures of a plan."""
        metrics = plan.metrics
        return cls(
            plan_onset_f1_50ms=metrics.onset_f1_50ms,
            plan_frame_f1_mean=metrics.frame_f1_mean,
            plan_frame_f1_micro=metrics.frame_f1_micro,
            plan_heard_frame_f1_mean=metrics.heard_frame_f1_mean,
            plan_heard_frame_f1_micro=metrics.heard_frame_f1_micro,
            plan_key_time_kept=plan.key_time_kept,
        )


NO_PLAN = PlanFigures(None, None, None, None, None, None)
"""Figures where no plan was followed."""
