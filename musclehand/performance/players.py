"""Players by name: from a controller's name and settings to a controller for a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from musclehand.body.anatomy import Side
from musclehand.controllers.contact_log import ContactLog
from musclehand.controllers.controller import Controller
from musclehand.controllers.keyboard import KeyboardController
from musclehand.controllers.muscle import MuscleController
from musclehand.controllers.rigid import RigidController
from musclehand.controllers.torque import TorqueController
from musclehand.core.helper_process import HelperProcess, processors
from musclehand.motion.clip import MotionClip
from musclehand.music.score import Score
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.lookahead import start_helper
from musclehand.planning.plan import PerformancePlan, PlanConfig, plan_performance
from musclehand.planning.strokes.corrections import Corrections
from musclehand.sim.scene import Scene, build_scene

if TYPE_CHECKING:
    from musclehand.policies.tracking import TrackingPolicy

TWO_PROCESSES_FROM = 5.0
"""[s] length of a score from which a second process is worth its start."""


class PlanPlayer:
    """Makes controllers that follow plans of one score: for its rehearsals and its performance."""

    def __init__(self, target: Score, settings: PlayerSettings) -> None:
        """
        Args:
            target: to play (`music.score.keyboard_score`).
            settings: of a controller that follows a plan.

        Raises:
            FileError: the policy cannot be read, or was made for other hands.
            ModelError: the design is not one that can play.
        """
        self._settings = settings
        self._policy = _load_policy(settings)
        self._processes = _processes(settings.processes, target)
        self._helper = self._start_helper()
        with _closed_on_error(self._helper):
            self.plan = plan_performance(
                target, design=settings.design, config=self._plan_config(), like=settings.like
            )
            self._scene = build_scene(design=settings.design)

    @property
    def scene(self) -> Scene:
        """That its controllers play in."""
        return self._scene

    @property
    def like(self) -> Mapping[Side, MotionClip] | None:
        """The person's hands that its plans follow."""
        return self._settings.like

    @property
    def final_plan(self) -> PerformancePlan:
        """The plan for the performance: with the pedal that the settings ask for."""
        return self.plan.with_auto_pedal() if self._settings.pedal == "auto" else self.plan

    def controller(self, plan: PerformancePlan) -> Controller:
        """A controller for one run of a plan."""
        settings = self._settings
        helper = self._helper
        self._helper = None
        with _closed_on_error(helper):
            if settings.controller == "rigid":
                return RigidController(plan, scene=self._scene, helper=helper)
            if settings.controller == "torque":
                return TorqueController(plan, scene=self._scene, helper=helper)
            if self._policy is None:
                return MuscleController(
                    plan,
                    control=settings.control,
                    scene=self._scene,
                    fatigue=settings.fatigue,
                    helper=helper,
                )
            from musclehand.controllers.tracking_policy import TrackingPolicyController

            return TrackingPolicyController(
                plan,
                self._policy,
                scene=self._scene,
                fatigue=settings.fatigue,
                helper=helper,
            )

    def contact_log(self, plan: PerformancePlan) -> ContactLog:
        """A log of what fingers touch in one run of a plan."""
        return ContactLog(self._scene, plan.planned, lead_in=plan.lead_in)

    def replan(self, corrections: Corrections) -> None:
        """Plans anew with what the last run has shown."""
        self._helper = self._start_helper()
        with _closed_on_error(self._helper):
            self.plan = self.plan.with_corrections(corrections)

    def _start_helper(self) -> HelperProcess | None:
        """The second process loads its libraries while this one plans."""
        return start_helper() if self._processes > 1 else None

    def _plan_config(self) -> PlanConfig | None:
        if self._policy is None:
            return self._settings.plan
        from musclehand.envs.demonstrations.planned_motion import policy_plan_config

        return policy_plan_config(self._settings.plan)


def make_controller(target: Score, settings: PlayerSettings) -> Controller:
    """A controller for one run of a score.

    Args:
        target: to play, one note a key at a time (`music.score.keyboard_score`).
        settings: name of the controller and everything else; rehearsals are not done here.

    Raises:
        FileError: the policy cannot be read, or was made for other hands.
        ModelError: the design is not one that can play.
    """
    if settings.follows_plan:
        player = PlanPlayer(target, settings)
        return player.controller(player.final_plan)
    if settings.controller == "keyboard":
        # It holds every key to its end: there is nothing for another pedal to hold.
        return KeyboardController(target)
    # Loads torch, which no other controller needs.
    from musclehand.controllers.high_level import HighLevelController

    return HighLevelController(
        target,
        settings.policy,
        config=settings.plan,
        pedal_auto=settings.pedal == "auto",
        scene=None if settings.design is None else build_scene(design=settings.design),
        fatigue=settings.fatigue,
    )


def _load_policy(settings: PlayerSettings) -> TrackingPolicy | None:
    """The policy that follows the plan, None where no policy does."""
    if settings.controller != "policy":
        return None
    # Loads torch, which no other controller needs.
    from musclehand.policies.tracking import load_tracking_policy

    return load_tracking_policy(settings.policy)


@contextmanager
def _closed_on_error(helper: HelperProcess | None) -> Iterator[None]:
    """Ends the second process if the block raises, before anybody else can."""
    try:
        yield
    except BaseException:
        if helper is not None:
            helper.close()
        raise


def _processes(number: int | None, score: Score) -> int:
    """As set, or by default two where there is another processor and the score is long enough."""
    return number or (2 if score.duration >= TWO_PROCESSES_FROM and processors() > 1 else 1)
