"""Settings of the built-in players: everything that goes with a controller's name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike

from musclehand.body.build.hand import HandDesign
from musclehand.body.build.hand_file import read_hand
from musclehand.body.build.tables import load_tables
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.control.muscle_control import ControlConfig
from musclehand.controllers.muscle import playing_control
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.performance.options import CONTROLLERS, PEDALS, PlayOptions
from musclehand.planning.plan import PlanConfig


@dataclass(frozen=True)
class PlayerSettings:
    """How a score is played by a built-in controller.

    Raises:
        UnknownName, InvalidValue: a value is out of range, or does not go with the controller.
    """

    controller: str = "muscle"
    """"muscle": computed muscle control follows a plan; "policy": a tracking policy follows it;
    "high-level": a high-level policy plays at sight; "keyboard": the keys play themselves."""

    design: HandDesign | None = None
    """Hands to play with; None: the bundled ones."""

    fatigue: FatigueParameters | None = None
    """How muscles tire; None: they do not."""

    plan: PlanConfig | None = None
    """Constants of planning; None: the defaults."""

    control: ControlConfig | None = None
    """Settings of muscle control, with "muscle"; None: the defaults."""

    pedal: str = "written"
    """"written" as the score has it, or "auto": added where a hand has to leave its keys early."""

    rehearsals: int = 0
    """Runs before the one that counts, in which timing and loudness are learnt; with plans only."""

    processes: int | None = None
    """2 solves the reference ahead in a second process, with the same result; None: where it
    pays."""

    policy: str | PathLike[str] | None = None
    """File of the policy, with "policy" and "high-level"; None: the bundled one."""

    def __post_init__(self) -> None:
        if self.controller not in CONTROLLERS:
            raise UnknownName("controller", self.controller, CONTROLLERS)
        if self.pedal not in PEDALS:
            raise UnknownName("pedal", self.pedal, PEDALS)
        if self.processes not in (None, 1, 2):
            raise InvalidValue("processes", self.processes, "1 or 2")
        if self.rehearsals < 0 or (self.rehearsals and not self.follows_plan):
            legal = "0 or more with muscle or policy; other controllers do not rehearse"
            raise InvalidValue("rehearsals", self.rehearsals, legal)

    @property
    def follows_plan(self) -> bool:
        """Whether the controller follows a plan."""
        return self.controller in ("muscle", "policy")


def settings_of(options: PlayOptions) -> PlayerSettings:
    """The settings that a user's options mean; reads the model and the condition.

    Args:
        options: as the user gave them.

    Raises:
        UnknownName, InvalidValue: an option is out of range, or does not go with another.
        FileError, ModelError: the model cannot be used.
    """
    options.check()
    design, fatigue = _hands(options)
    plan: PlanConfig | None = None
    control: ControlConfig | None = None
    if options.chords != "thinned":
        plan = PlanConfig()
        plan = replace(plan, fingering=replace(plan.fingering, roll_chords=True))
    if options.criterion != "squares" or options.co_contraction != 0.0:
        control = replace(
            playing_control(),
            criterion=options.criterion,
            co_contraction=options.co_contraction,
        )
    return PlayerSettings(
        controller=options.controller,
        design=design,
        fatigue=fatigue,
        plan=plan,
        control=control,
        pedal=options.pedal,
        rehearsals=options.rehearsals,
        processes=options.processes,
        policy=options.policy,
    )


def _hands(options: PlayOptions) -> tuple[HandDesign | None, FatigueParameters | None]:
    """Design and fatigue of the hands, None for the bundled ones and for none."""
    if options.model is not None:
        return read_hand(options.model, naming=options.naming, root=options.root), None
    if options.condition is None:
        return None, None
    condition = find_condition(options.condition)
    return apply_condition(load_tables(), condition), condition.fatigue
