"""Which hands `musclehand play` plays with, how their muscles share the work, and what becomes
of wide chords."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from musclehand.core.errors import InvalidValue, UnknownName

if TYPE_CHECKING:
    from musclehand.body.build.hand import HandDesign
    from musclehand.body.conditions.fatigue import FatigueParameters
    from musclehand.cli.main import PlayArgs
    from musclehand.controllers.muscle import MuscleConfig


class Hands(NamedTuple):
    """What hands to play with, as `perform` takes it; None: ours, which do not tire, controlled
    as by default."""

    design: HandDesign | None
    fatigue: FatigueParameters | None
    config: MuscleConfig | None


def choose_hands(args: PlayArgs) -> Hands:
    """The hands that are asked for.

    Raises:
        MusclehandError: no such condition, way to share work or usable model, or no hands that
            could have it.
    """
    from musclehand.body.build.hand_file import read_hand
    from musclehand.body.build.tables import load_tables
    from musclehand.body.conditions.condition import apply_condition, find_condition

    for option, value in (("condition", args.condition), ("model", args.model)):
        if value is not None and args.controller != "muscle":
            raise InvalidValue(option, str(value), "left out, or with --controller muscle")
    if args.map is not None and args.model is None:
        raise InvalidValue("map", str(args.map), "left out without --model")
    config = _choose_config(args)
    if args.model is not None:
        if args.condition is not None:
            raise InvalidValue(
                "condition", args.condition, "left out with --model: only our own hand can have one"
            )
        return Hands(read_hand(args.model, naming=args.map, root=args.root), None, config)
    if args.condition is None:
        return Hands(None, None, config)
    condition = find_condition(args.condition)
    return Hands(apply_condition(load_tables(), condition), condition.fatigue, config)


CHORDS = ("thinned", "rolled")


def _choose_config(args: PlayArgs) -> MuscleConfig | None:
    """How muscles share work, and what becomes of wide chords, as asked for; None where it is as
    by default."""
    from musclehand.control.criterion import CRITERIA

    for option, value, known in (
        ("criterion", args.criterion, CRITERIA),
        ("chords", args.chords, CHORDS),
    ):
        if value not in known:
            raise UnknownName(option, value, known)
    if not 0.0 <= args.co_contraction <= 1.0:
        raise InvalidValue("co-contraction", args.co_contraction, "an activation, 0 to 1")
    usual = {"criterion": "squares", "co_contraction": 0.0, "chords": "thinned"}
    asked = [name for name, default in usual.items() if getattr(args, name) != default]
    if not asked:
        return None
    if args.controller != "muscle":
        option = asked[0].replace("_", "-")
        value = getattr(args, asked[0])
        raise InvalidValue(option, value, "left out, or with --controller muscle")
    from musclehand.controllers.muscle import MuscleConfig

    config = MuscleConfig()
    control = replace(config.control, criterion=args.criterion, co_contraction=args.co_contraction)
    fingering = replace(config.fingering, roll_chords=args.chords == "rolled")
    return replace(config, control=control, fingering=fingering)
