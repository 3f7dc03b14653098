"""Settings of the built-in players: everything that goes with a controller's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.body.build.hand_file import read_hand
from musclehand.body.build.table_rows import HandTables
from musclehand.body.build.tables import load_tables
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.control.muscle_control import ControlConfig
from musclehand.controllers.muscle import playing_control
from musclehand.controllers.world_run import Nerves
from musclehand.core.errors import FileError, InvalidValue
from musclehand.motion.clip import MotionClip
from musclehand.motion.person import check_person, read_person, retime
from musclehand.performance.options import (
    COMMANDS_ONLY,
    FOLLOW_PLANS,
    NO_PREDICTOR,
    ORACLES,
    PlayOptions,
    check_like,
    check_player,
)
from musclehand.planning.plan import PlanConfig
from musclehand.policies.files import BUNDLED, HIGH_LEVEL, TRACKING, find_policy
from musclehand.world.senses import Delays


@dataclass(frozen=True)
class PlayerSettings:
    """How a score is played by a built-in controller.

    Raises:
        UnknownName, InvalidValue: a value is out of range, or does not go with the controller.
    """

    controller: str = "muscle"
    """"muscle": computed muscle control follows a plan; "policy": a tracking policy follows it;
    "high-level": a high-level policy plays at sight; "keyboard": the keys play themselves.
    "torque" and "rigid" are oracles that follow a plan: ideal joint torques, and hands that are
    moved exactly along the reference."""

    design: HandDesign | None = None
    """Hands to play with, not with "keyboard"; None: the bundled ones."""

    fatigue: FatigueParameters | None = None
    """How muscles tire, with a controller that uses them; None: they do not."""

    plan: PlanConfig | None = None
    """Constants of planning, not with "keyboard"; None: the defaults."""

    control: ControlConfig | None = None
    """Settings of muscle control, with "muscle"; None: the defaults."""

    pedal: str = "written"
    """"written" as the score has it, or "auto": added where a hand has to leave its keys early."""

    rehearsals: int = 0
    """Practice runs, in which timing, loudness and place are learnt, and of which the best one
    counts; with a controller that follows a plan."""

    processes: int | None = None
    """2 solves the reference ahead in a second process, with the same result; None: where it
    pays."""

    policy: str | PathLike[str] | None = None
    """File of the policy, with "policy" and "high-level"; None: the bundled one."""

    like: Mapping[Side, MotionClip] | None = None
    """A person's hands on the score's clock (`motion.person`), which the motion follows where the
    notes leave it free, and is compared with; with a controller that follows a plan. None:
    nobody's."""

    nerves: Nerves | None = None
    """Delays that the player reckons with, and how; without a world its nerves have them. With a
    controller of `options.COMMANDS_ONLY`. None: there is no delay."""

    world: str | None = None
    """Name of a world to play in (`world.names.parse_world`), with a controller of
    `options.COMMANDS_ONLY`; None: the player's own model."""

    def __post_init__(self) -> None:
        check_player(self.controller, self.policy, self.pedal, self.rehearsals, self.processes)
        if self.control is not None and self.controller != "muscle":
            legal = "muscle, to have settings of muscle control"
            raise InvalidValue("controller", self.controller, legal)
        if self.like is not None:
            check_like(self.controller)
            for clip in self.like.values():
                check_person(clip)
        if self.fatigue is not None and self.controller in ORACLES:
            raise InvalidValue("controller", self.controller, "one with muscles, which tire")
        if (self.nerves or self.world) and self.controller not in COMMANDS_ONLY:
            legal = f"{' or '.join(COMMANDS_ONLY)}, with nerves or a world"
            raise InvalidValue("controller", self.controller, legal)
        for name in ("design", "fatigue", "plan"):
            if self.controller == "keyboard" and getattr(self, name) is not None:
                raise InvalidValue("controller", self.controller, f"one with hands, for its {name}")

    @property
    def follows_plan(self) -> bool:
        """Whether the controller follows a plan."""
        return self.controller in FOLLOW_PLANS


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
    if options.criterion != "squares" and isinstance(design, HandTables) and design.drives:
        legal = f'"squares" with the condition {options.condition}, whose muscles share drive'
        raise InvalidValue("criterion", options.criterion, legal)
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
        policy=_policy_file(options),
        like=None if options.like is None else read_person(options.like),
        nerves=_nerves(options),
        world=options.world,
    )


def settings_for_part(
    settings: PlayerSettings, clip: tuple[float, float] | None, tempo: float
) -> PlayerSettings:
    """The settings for a part of a score at its tempo: the person's motion is moved along.

    Args:
        settings: for the whole score as written.
        clip: part of the score that is played [s]; None: all of it.
        tempo: factor on the tempo.
    """
    if settings.like is None or (clip is None and tempo == 1.0):
        return settings
    start = 0.0 if clip is None else clip[0]
    like = {
        side: retime(motion, start=start, speed=tempo) for side, motion in settings.like.items()
    }
    return replace(settings, like=like)


def _nerves(options: PlayOptions) -> Nerves | None:
    """What the player reckons with; None where nothing is late."""
    if not options.parted:
        return None
    delays = Delays(1e-3 * options.sensory_delay_ms, 1e-3 * options.command_delay_ms)
    return Nerves(delays, None if options.predictor == NO_PREDICTOR else options.predictor)


def _policy_file(options: PlayOptions) -> Path | None:
    """The policy's file, found before results of an earlier performance are deleted."""
    if options.policy is None:
        return None
    follows_plan = options.controller == "policy"
    name, default = (TRACKING, "tracking") if follows_plan else (HIGH_LEVEL, "sight_reading")
    path = find_policy(options.policy, name, default)
    if not path.is_file():
        bundled = ", ".join(BUNDLED)
        raise FileError(path, f"there is no such file; the bundled policies are {bundled}")
    return path


def _hands(options: PlayOptions) -> tuple[HandDesign | None, FatigueParameters | None]:
    """Design and fatigue of the hands, None for the bundled ones and for none."""
    if options.model is not None:
        naming = None if options.naming is None else Path(options.naming)
        root = None if options.root is None else Path(options.root)
        return read_hand(Path(options.model), naming=naming, root=root), None
    if options.condition is None:
        return None, None
    condition = find_condition(options.condition)
    return apply_condition(load_tables(), condition), condition.fatigue
