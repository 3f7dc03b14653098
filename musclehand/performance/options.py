"""Options of a performance as a user gives them, in words and file names, and their checks.

The same options are keyword arguments of `musclehand.play` and flags of `musclehand play`;
`performance.settings` turns them into the settings of a player. This module loads no heavy library,
so that wrong options are named at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from typing_extensions import TypedDict

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.world.names import OBSERVER, PREDICTORS, check_delay, parse_world

CONTROLLERS = ("muscle", "policy", "high-level", "keyboard", "torque", "rigid")
"""Names of the built-in controllers (`performance.players`)."""

FOLLOW_PLANS = ("muscle", "policy", "torque", "rigid")
"""Controllers that follow a plan, and so can rehearse it."""

HAVE_POLICIES = ("policy", "high-level")
"""Controllers that a policy file can be given to."""

ORACLES = ("torque", "rigid")
"""Controllers that are no model of a hand, and show at which stage a performance loses notes:
ideal joint torques, and hands that are moved exactly along the reference."""

COMMANDS_ONLY = ("muscle", "policy", "high-level")
"""Controllers that act by commands to muscles and forearms alone: those that nerves can delay, and
that can play in another world than their own model."""

NO_PREDICTOR = "none"
"""In place of the name of a predictor."""

PEDALS = ("written", "auto")
"""Sustain pedal as in the score, or added where a hand has to leave its keys early."""

CHORDS = ("thinned", "rolled")
"""Chords wider than a hand lose a note, or are rolled."""

MOST_REHEARSALS = 10
"""Most runs before the one that counts; what they teach is learnt in the first few."""


@dataclass(frozen=True)
class PlayOptions:
    """How a score is to be played. `check` looks at everything but the files."""

    controller: str = "muscle"
    """One of `CONTROLLERS`."""

    policy: str | PathLike[str] | None = None
    """JSON file of the policy, with "policy" and "high-level"; None: the bundled one."""

    condition: str | None = None
    """Condition of both hands, such as "ulnar-palsy" (`body.conditions.condition`)."""

    model: str | PathLike[str] | None = None
    """MJCF file of the hands; None: the bundled ones."""

    naming: str | PathLike[str] | None = None
    """JSON file that says which part of the model is which, where its names are not known."""

    root: str | PathLike[str] | None = None
    """Folder that the model's includes and meshes may come from; None: its own."""

    criterion: str = "squares"
    """How muscles share work (`control.criterion`)."""

    co_contraction: float = 0.0
    """Activation that muscles hold where the task needs nothing of them, 0 to 1."""

    chords: str = "thinned"
    """Chords wider than a hand lose a note ("thinned") or are rolled ("rolled")."""

    pedal: str = "written"
    """Sustain pedal "written" as in the score, or "auto"."""

    rehearsals: int = 0
    """Runs before the one that counts, 0 to `MOST_REHEARSALS`."""

    processes: int | None = None
    """1 or 2; None: where a second process pays."""

    like: str | PathLike[str] | None = None
    """File of a person's motion (`motion.person`), which is followed where the notes leave the
    hands free; with a controller of `FOLLOW_PLANS`. None: nobody's."""

    sensory_delay_ms: float = 0.0
    """[ms] from a state of the body to the player's knowledge of it; with a world of its own, the
    delay that the player reckons with."""

    command_delay_ms: float = 0.0
    """[ms] from the player's decision to the change of an excitation; with a world of its own, the
    delay that the player reckons with."""

    predictor: str = OBSERVER
    """How the player makes up for delays (`world.names.PREDICTORS`), or "none"."""

    world: str | None = None
    """World to play in, such as "surrogate:t1:7" (`world.names.parse_world`); None: the player's
    own model."""

    def check(self) -> None:
        """Checks the options without reading a file.

        Raises:
            UnknownName, InvalidValue: an option is out of range, or does not go with another.
        """
        from musclehand.control.criterion import CRITERIA

        check_player(self.controller, self.policy, self.pedal, self.rehearsals, self.processes)
        if self.like is not None:
            check_like(self.controller)
        _check_name("criterion", self.criterion, CRITERIA)
        _check_name("chords", self.chords, CHORDS)
        self._check_world()
        if not 0.0 <= self.co_contraction <= 1.0:
            raise InvalidValue("co-contraction", self.co_contraction, "an activation, 0 to 1")
        if self.naming is not None and self.model is None:
            raise InvalidValue("naming map", str(self.naming), "left out without a model")
        if self.condition is not None and self.model is not None:
            alone = "left out with a model: only the bundled hand can have one"
            raise InvalidValue("condition", self.condition, alone)
        for name in ("condition", "model", "criterion", "co_contraction", "chords"):
            value = getattr(self, name)
            default = PlayOptions.__dataclass_fields__[name].default
            able = ("muscle", *ORACLES) if name in ("model", "chords") else ("muscle",)
            if value != default and self.controller not in able:
                option = name.replace("_", "-")
                legal = f"left out, or with controller {' or '.join(able)}"
                raise InvalidValue(option, str(value), legal)

    def _check_world(self) -> None:
        """Checks delays, predictor and world."""
        _check_name("predictor", self.predictor, (*PREDICTORS, NO_PREDICTOR))
        for name in ("sensory_delay", "command_delay"):
            check_delay(name.replace("_", " "), 1e-3 * getattr(self, f"{name}_ms"))
        if self.world is not None:
            parse_world(self.world)
        if self.parted and self.controller not in COMMANDS_ONLY:
            legal = f"{' or '.join(COMMANDS_ONLY)}, with delays or a world"
            raise InvalidValue("controller", self.controller, legal)
        for name in ("condition", "model"):
            if self.world is not None and getattr(self, name) is not None:
                legal = "left out with a world, which has the bundled hands"
                raise InvalidValue(name, str(getattr(self, name)), legal)

    @property
    def parted(self) -> bool:
        """Whether nerves or a world stand between the player's belief and the keys."""
        return bool(self.world or self.sensory_delay_ms or self.command_delay_ms)


class PlayKeywords(TypedDict, total=False):
    """The fields of `PlayOptions` as keyword arguments, for type checkers and editors."""

    controller: str
    policy: str | PathLike[str] | None
    condition: str | None
    model: str | PathLike[str] | None
    naming: str | PathLike[str] | None
    root: str | PathLike[str] | None
    criterion: str
    co_contraction: float
    chords: str
    pedal: str
    rehearsals: int
    processes: int | None
    like: str | PathLike[str] | None
    sensory_delay_ms: float
    command_delay_ms: float
    predictor: str
    world: str | None


def check_player(
    controller: str,
    policy: str | PathLike[str] | None,
    pedal: str,
    rehearsals: int,
    processes: int | None,
) -> None:
    """Checks what `PlayOptions` and `performance.settings.PlayerSettings` have in common.

    Args:
        controller: one of `CONTROLLERS`.
        policy: file of the policy, with a controller of `HAVE_POLICIES`.
        pedal: one of `PEDALS`.
        rehearsals: 0 to `MOST_REHEARSALS`, with a controller of `FOLLOW_PLANS`.
        processes: 1, 2 or None.

    Raises:
        UnknownName, InvalidValue: a value is out of range, or does not go with the controller.
    """
    _check_name("controller", controller, CONTROLLERS)
    _check_name("pedal", pedal, PEDALS)
    if not 0 <= rehearsals <= (MOST_REHEARSALS if controller in FOLLOW_PLANS else 0):
        legal = f"0 to {MOST_REHEARSALS}, with controller {' or '.join(FOLLOW_PLANS)}"
        raise InvalidValue("rehearsals", rehearsals, legal)
    if policy is not None and controller not in HAVE_POLICIES:
        legal = f"left out, or with controller {' or '.join(HAVE_POLICIES)}"
        raise InvalidValue("policy", str(policy), legal)
    if processes not in (None, 1, 2):
        raise InvalidValue("processes", processes, "1 or 2")


def check_like(controller: str) -> None:
    """Checks that a controller can follow a person's motion.

    Args:
        controller: one of `CONTROLLERS`.

    Raises:
        InvalidValue: it follows no plan.
    """
    if controller not in FOLLOW_PLANS:
        legal = f"{' or '.join(FOLLOW_PLANS)}, to follow a person's motion"
        raise InvalidValue("controller", controller, legal)


def _check_name(kind: str, name: str, legal: tuple[str, ...]) -> None:
    if name not in legal:
        raise UnknownName(kind, name, legal)
