"""What a performance is told besides its metrics: figures of its plan, and remarks on what was hit.

A controller that follows a plan cannot be better than the plan. Its figures are the ceiling of the
performance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from musclehand.controllers.controller import Controller
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.formats.score_file import format_count
from musclehand.music.metrics import Figure, PerformanceMetrics
from musclehand.music.score import Score
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.playable import (
    BEYOND,
    PlayableLimits,
    correct_remarks,
    list_notes,
)
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


def performance_remarks(
    player: Controller, target: Score, played: Score, metrics: PerformanceMetrics
) -> tuple[str, ...]:
    """Remarks of the score, corrected by what was hit, and one on the keys that were brushed.

    Args:
        player: that has played.
        target: what is judged by.
        played: the notes that sounded.
        metrics: of the performance.
    """
    remarks = player.score.remarks
    if any(BEYOND in remark for remark in remarks):
        remarks = correct_remarks(player.score, target, played, limits=_limits(player))
    extra = metrics.extra_notes
    if not extra:
        return remarks
    loudness = [f"with velocity {note.velocity}" for note in extra]
    brushed = f"{format_count(len(extra), 'note')} struck that no written note asks for"
    return (*remarks, f"{brushed}: {list_notes(extra, loudness)}")


def _limits(player: Controller) -> PlayableLimits:
    """Limits of the hands that have played."""
    config = FingeringConfig() if player.plan is None else player.plan.config.fingering
    size = HandIk(design=player.scene.design).playing.size.span
    return PlayableLimits(hand_span=config.widest * size, chord_window=config.chord_window)
