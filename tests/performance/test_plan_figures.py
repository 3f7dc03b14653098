"""The plan's own figures beside those of its performance."""

from __future__ import annotations

from dataclasses import fields

from musclehand.controllers.muscle import MuscleController
from musclehand.music.repertoire import load_piece
from musclehand.performance.perform import perform
from musclehand.performance.plan_figures import NO_PLAN, PlanFigures
from musclehand.planning.plan import plan_performance


def test_a_performance_of_a_plan_has_the_plans_figures() -> None:
    plan = plan_performance(load_piece("ode_to_joy").clip(0, 2))
    result = perform(plan.target, MuscleController(plan))
    assert result.plan == PlanFigures.of(plan)
    assert result.plan.plan_frame_f1_micro == plan.metrics.frame_f1_micro
    assert result.plan.plan_heard_frame_f1_micro == plan.metrics.heard_frame_f1_micro
    assert result.plan.plan_key_time_kept == plan.key_time_kept
    assert result.summary()["heard_frame_f1_micro"] == result.metrics.heard_frame_f1_micro


def test_a_keyboard_follows_no_plan() -> None:
    result = perform(load_piece("ode_to_joy").clip(0, 2), "keyboard")
    assert result.plan is None
    assert NO_PLAN.as_dict() == {field.name: None for field in fields(PlanFigures)}
    assert result.metrics.velocity_f1 == result.metrics.heard_frame_f1_micro == 1.0
