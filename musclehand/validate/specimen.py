"""Hands to examine, from a model file or from the name of a model that comes along.

`musclehand` is this package's hand, `myohand` MyoHand of the installed myo-sim (a right hand, with
the arm and torso that it hangs on); anything else is a path of an MJCF file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import mujoco

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.build.hand_file import add_tip_sites
from musclehand.body.build.tables import HandTables
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import find_naming
from musclehand.body.untrusted.model_file import read_model
from musclehand.core.errors import InvalidValue, ModelError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validate.check import Specimen

SIDES = {"left": (Side.LEFT,), "right": (Side.RIGHT,), "both": (Side.RIGHT, Side.LEFT)}
"""What `side` may be."""


def open_specimens(
    source: str,
    *,
    naming: Path | None = None,
    root: Path | None = None,
    side: str = "both",
    visual: bool = False,
    tables: HandTables | None = None,
    strength_scale: float = 1.0,
) -> tuple[Specimen, ...]:
    """The hands of a model, right before left.

    Fingertips that the naming gives as bodies (as in MUSIC-Hand) become sites at their origins.

    Args:
        source: path of an MJCF file, or `musclehand` or `myohand`; a file of that name goes before
            the word.
        naming: a file that says which part is which (see `body.naming`), by default found by the
            model's names.
        root: folder that all files of the model must lie in, by default that of the file itself.
        side: "left", "right", or "both" for those the model has.
        visual: our own hand with its bone meshes, for pictures; other models have theirs anyway.
        tables: for `musclehand`, another hand than the one that comes with the package (of another
            size, say).
        strength_scale: for `musclehand`, factor on all peak forces.

    Returns:
        One specimen a hand; the two hands of a file share one model.

    Raises:
        InvalidValue: another side than these.
        ModelError: the file or the naming cannot be used, or the model lacks the hand asked for.
    """
    if side not in SIDES:
        raise InvalidValue("side", side, f"one of {', '.join(SIDES)}")
    if source == "musclehand" and not Path(source).is_file():
        specimens = []
        for one in SIDES[side]:
            build = partial(hand_spec, one, design=tables, strength_scale=strength_scale)
            (specimen,) = _specimens(source, build(visual=visual), naming, (one,))
            specimens.append(replace(specimen, with_bones=partial(_compiled, build)))
        return tuple(specimens)
    spec = (
        _myohand()
        if source == "myohand" and not Path(source).is_file()
        else read_model(Path(source), root=root).spec
    )
    found = _specimens(source, spec, naming, SIDES[side])
    if not found:
        raise ModelError(source, f"has no {side} hand")
    return found


def _compiled(build: Callable[..., mujoco.MjSpec]) -> mujoco.MjModel:
    return build(visual=True).compile()


def _specimens(
    source: str, spec: mujoco.MjSpec, naming: Path | None, sides: tuple[Side, ...]
) -> tuple[Specimen, ...]:
    """The hands of one spec, which gets fingertip sites where it lacks them."""
    with silence_mujoco(), _named(source):
        names = find_naming(spec.compile(), naming)
        add_tip_sites(spec, names)
        model = spec.compile()
        hands = [
            HandIndex.from_model(model, side, names) for side in sides if side in names.sides(model)
        ]
    return tuple(Specimen(source, model, hand, names, spec) for hand in hands)


@contextmanager
def _named(source: str) -> Iterator[None]:
    """Errors about "model" say which one."""
    try:
        yield
    except ModelError as error:
        if error.source != "model":
            raise
        raise ModelError(source, error.problem) from error


def _myohand() -> mujoco.MjSpec:
    from myo_sim.build.compose import build_spec

    with silence_mujoco():
        return build_spec("myohand_r")
