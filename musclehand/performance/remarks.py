"""Remarks on a performance: those of its score, corrected by what was hit, and its brushed keys."""

from __future__ import annotations

from musclehand.controllers.controller import Controller
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.formats.score_file import format_count
from musclehand.music.metrics import PerformanceMetrics
from musclehand.music.score import Score
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.playable import (
    BEYOND,
    PlayableLimits,
    correct_remarks,
    list_notes,
)


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
