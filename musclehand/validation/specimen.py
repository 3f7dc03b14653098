"""Hands to examine, from a model file, a model in memory, or the name of a bundled model.

`musclehand` is this package's hand. `myohand` is MyoHand of the installed myo-sim: a right hand
with the arm and torso that it is attached to. Other names are paths of MJCF files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TypeAlias

import mujoco

from musclehand.body.anatomy import DIGITS, Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.build.hand_file import add_tip_sites
from musclehand.body.build.table_rows import HandTables
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import Naming, find_naming
from musclehand.body.untrusted.model_file import check_compiled, read_model
from musclehand.body.untrusted.part_names import name_parts
from musclehand.core.errors import InvalidValue, ModelError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation.check import Specimen

ModelSource: TypeAlias = str | PathLike[str] | mujoco.MjModel | mujoco.MjSpec
"""A model: the path of an MJCF file, the name of a bundled model, or a model in memory."""

SIDES = {"left": (Side.LEFT,), "right": (Side.RIGHT,), "both": (Side.RIGHT, Side.LEFT)}
"""Legal values of `side`."""

_ANY_MODEL = "model"
"""The name that errors of `body` give a model."""

_MUJOCO_DEFAULT = "MuJoCo Model"
_LONGEST_PROBLEM = 300


def open_specimens(
    source: ModelSource,
    *,
    naming: str | PathLike[str] | None = None,
    root: str | PathLike[str] | None = None,
    side: str | None = "both",
    visual: bool = False,
    tables: HandTables | None = None,
    strength_scale: float = 1.0,
    name: str | None = None,
) -> tuple[Specimen, ...]:
    """Opens the hands of a model, right before left.

    Fingertips that the naming gives as bodies (as in MUSIC-Hand) become sites at their origins. A
    model in memory is not changed.

    Args:
        source: path of an MJCF file, "musclehand" or "myohand" (a file of that name comes first),
            or an `MjModel` or `MjSpec`.
        naming: a file that maps names to parts (see `body.naming`), by default found by the model's
            names.
        root: folder that all files of the model must lie in, by default that of the file itself.
        side: "left", "right", or "both" (or None) for the hands that the model has.
        visual: the bundled hand with its bone meshes, for pictures; other models keep their meshes
            anyway.
        tables: for `musclehand`, another design than the bundled one, such as another size.
        strength_scale: for `musclehand`, a factor on all peak forces.
        name: of the model in reports, by default `model_name(source)`.

    Returns:
        One specimen for each hand; the two hands of a file share one model.

    Raises:
        InvalidValue: an illegal side.
        ModelError: the model or the naming cannot be used, or the model lacks the hand asked for.
    """
    side = side or "both"
    if side not in SIDES:
        raise InvalidValue("side", side, f"one of {', '.join(SIDES)}")
    label = name or model_name(source)
    naming_file = None if naming is None else Path(naming)
    if isinstance(source, mujoco.MjModel):
        specimens = _model_specimens(label, source, naming_file, SIDES[side])
    elif isinstance(source, mujoco.MjSpec):
        specimens = _spec_specimens(label, _copied(label, source), naming_file, SIDES[side])
    elif fspath(source) == "musclehand" and not Path(source).is_file():
        design = partial(hand_spec, design=tables, strength_scale=strength_scale)
        return tuple(
            _bundled(label, partial(design, hand_side), hand_side, naming_file, visual=visual)
            for hand_side in SIDES[side]
        )
    else:
        spec = _file_spec(Path(source), None if root is None else Path(root))
        specimens = _spec_specimens(label, spec, naming_file, SIDES[side])
    if not specimens:
        raise ModelError(label, f"has no {side} hand")
    return specimens


def model_name(source: ModelSource) -> str:
    """The name of a model in reports.

    A path or the name of a bundled model stays as it is; a model in memory has the name that it
    carries, and its type: "musclehand (MjSpec)", or "MjSpec" without a name.
    """
    if isinstance(source, mujoco.MjModel):
        name = bytes(source.names).split(b"\0")[0].decode("utf-8", errors="replace")
    elif isinstance(source, mujoco.MjSpec):
        name = source.modelname
    else:
        return fspath(source)
    kind = type(source).__name__
    return kind if name in ("", _MUJOCO_DEFAULT) else f"{name} ({kind})"


def _bundled(
    name: str,
    build: Callable[..., mujoco.MjSpec],
    side: Side,
    naming: Path | None,
    *,
    visual: bool,
) -> Specimen:
    (specimen,) = _spec_specimens(name, build(visual=visual), naming, (side,))
    return replace(specimen, with_bones=partial(_compile_with_bones, build))


def _compile_with_bones(build: Callable[..., mujoco.MjSpec]) -> mujoco.MjModel:
    return build(visual=True).compile()


def _file_spec(path: Path, root: Path | None) -> mujoco.MjSpec:
    """The spec of a file, or of MyoHand where there is no file of its name."""
    if str(path) == "myohand" and not path.is_file():
        from myo_sim.build.compose import build_spec

        with silence_mujoco():
            return build_spec("myohand_r")
    return read_model(path, root=root).spec


def _spec_specimens(
    name: str, spec: mujoco.MjSpec, naming: Path | None, sides: tuple[Side, ...]
) -> tuple[Specimen, ...]:
    """The hands of one spec, which gets fingertip sites where it lacks them."""
    with silence_mujoco(), _named_errors(name):
        compiled = _compile(name, spec)
        check_compiled(name, compiled)
        names = find_naming(compiled, naming)
        add_tip_sites(spec, names)
        model = _compile(name, spec)
        hands = _hands(model, names, sides)
    return tuple(Specimen(name, model, hand, names, spec) for hand in hands)


def _model_specimens(
    name: str, model: mujoco.MjModel, naming: Path | None, sides: tuple[Side, ...]
) -> tuple[Specimen, ...]:
    """The hands of a compiled model, to which no fingertip sites can be added."""
    check_compiled(name, model)
    with _named_errors(name):
        names = find_naming(model, naming)
        _check_tips(name, model, names)
        hands = _hands(model, names, sides)
    return tuple(Specimen(name, model, hand, names) for hand in hands)


def _check_tips(name: str, model: mujoco.MjModel, naming: Naming) -> None:
    """Refuses a compiled model whose fingertips are bodies, which sites cannot be added to."""
    for side in naming.sides(model):
        for digit in DIGITS:
            names = naming.tip_names(digit, side)
            bodies = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name) for name in names]
            if naming.tip(model, digit, side) is None and max(bodies, default=-1) >= 0:
                tip = model.body(max(bodies)).name
                problem = (
                    f"its fingertip {tip} is a body and must be a site; give its MjSpec or file"
                )
                raise ModelError(name, problem)


def _hands(model: mujoco.MjModel, naming: Naming, sides: tuple[Side, ...]) -> list[HandIndex]:
    present = naming.sides(model)
    return [HandIndex.from_model(model, side, naming) for side in sides if side in present]


def _copied(name: str, spec: mujoco.MjSpec) -> mujoco.MjSpec:
    """A copy of a spec.

    Raises:
        ModelError: a part refers to one that does not exist; MuJoCo's copy would leave it out.
    """
    copy = spec.copy()
    kinds = ("actuators", "tendons", "equalities", "sensors", "pairs", "excludes")
    if any(len(getattr(copy, kind)) < len(getattr(spec, kind)) for kind in kinds):
        with silence_mujoco():
            _compile(name, spec)
    return copy


def _compile(name: str, spec: mujoco.MjSpec) -> mujoco.MjModel:
    try:
        return spec.compile()
    except ValueError as error:
        problem = " ".join(name_parts(str(error), spec).split())[:_LONGEST_PROBLEM]
        raise ModelError(name, f"MuJoCo does not take it: {problem}") from error


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Gives errors about "model" the model's name."""
    try:
        yield
    except ModelError as error:
        if error.source != _ANY_MODEL:
            raise
        raise ModelError(name, error.problem) from error
