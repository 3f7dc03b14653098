"""Maps from anatomical names to the names of a model.

Every model names its joints and muscles in its own way. A naming is a JSON file with the
correspondence. Those in `models/naming` are tried automatically; `--map FILE` reads another one.
All three maps run from the anatomical name to the model's:

    {
      "name": "My hand",
      "right": {"joints": "{}_r", "muscles": "{}", "tips": "{}_r"},
      "left": null,
      "joints": {"mcp2_flexion": "index_mcp", "mcp2_abduction": "-index_spread"},
      "muscles": {"DI1": "RI2", "FDP2": "FDP2"},
      "tips": {"index": "IFtip"}
    }

Its entries:

    name      name of the model in reports
    right     how names of the right hand are written, with `{}` for the part: one pattern for all,
              such as "{}_r" or "R:{}", or one each for joints, muscles and tips; a list of patterns
              is tried in turn; null: the model has no such hand
    left      the same for the left hand
    joints    anatomical joint (`body.anatomy.HAND_JOINTS`) -> the model's joint; a minus in front
              reverses its sign
    muscles   anatomical muscle (`models/hand/muscles.csv`) -> the model's muscle; muscles that are
              not listed keep their name
    tips      digit (`body.anatomy.DIGITS`) -> the model's site at the tip, or the body whose origin
              is the tip

Parts that the model lacks may be listed or not. Older files, whose muscles run the other way, are
still read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import mujoco

from musclehand.body.anatomy import THUMB_JOINTS, Side
from musclehand.body.naming_entries import parse_entries
from musclehand.body.naming_patterns import Patterns, part_of, recognise
from musclehand.core.errors import ModelError

FEWEST_JOINTS = 3
"""Fewest joints of a naming that a hand of its model has; chosen, a finger without abduction."""

MAX_BYTES = 100_000
"""[bytes] Largest naming file that is read; chosen, 25 times the largest bundled one."""

CLOSE = 0.8
"""Least similarity (`difflib`) of a name that is suggested for one that a model lacks; chosen, so
that joints of neighbouring fingers are suggested only where no naming uses them."""

_FOLDER = "musclehand.models.naming"
_OWN = "musclehand.json"

_OBJECTS = {
    "joints": mujoco.mjtObj.mjOBJ_JOINT,
    "muscles": mujoco.mjtObj.mjOBJ_ACTUATOR,
    "tips": mujoco.mjtObj.mjOBJ_SITE,
}


@dataclass(frozen=True)
class Naming:
    """A model's names for the parts of a hand."""

    name: str
    """Name of the model in reports."""

    right: Patterns | None
    """Patterns of names of the right hand; None if the model has no right hand."""

    left: Patterns | None
    """Patterns of names of the left hand; None if the model has no left hand."""

    joints: Mapping[str, str] = field(hash=False)
    """The model's joint by anatomical joint; a minus in front reverses its sign."""

    muscles: Mapping[str, str] = field(hash=False)
    """The model's muscle by anatomical muscle."""

    tips: Mapping[str, str] = field(hash=False)
    """The model's site or body at the tip by digit."""

    def patterns(self, side: Side) -> Patterns | None:
        """Patterns of names of a side, None if the model has no such hand."""
        return self.right if side is Side.RIGHT else self.left

    def name_of(self, base: str, side: Side) -> str:
        """The model's name of a part on a side, written as its joints are.

        Raises:
            ModelError: the naming has no such side.
        """
        patterns = self.patterns(side)
        if patterns is None:
            raise ModelError(f"naming {self.name}", f"has no {side.name.lower()} hand")
        return patterns.joints[0].format(base)

    def base_of(self, name: str, side: Side) -> str | None:
        """The part that a model's name denotes, None if the name is not of that side."""
        patterns = self.patterns(side)
        bases = (part_of(pattern, name) for pattern in (patterns.all if patterns else ()))
        return next((base for base in bases if base is not None), None)

    def muscle(self, name: str, side: Side) -> str | None:
        """The anatomical muscle that a model's muscle is.

        Returns:
            Its name; None if the naming does not list the muscle on that side.
        """
        patterns = self.patterns(side)
        bases = {part_of(pattern, name) for pattern in (patterns.muscles if patterns else ())}
        return next((muscle for muscle, base in self.muscles.items() if base in bases), None)

    def tip_names(self, digit: str, side: Side) -> tuple[str, ...]:
        """The names that a fingertip may have; none if the naming lacks the digit or the side."""
        patterns = self.patterns(side)
        if patterns is None or digit not in self.tips:
            return ()
        return tuple(pattern.format(self.tips[digit]) for pattern in patterns.tips)

    def tip(self, model: mujoco.MjModel, digit: str, side: Side) -> int | None:
        """Id of the site at a fingertip; None if the model has no such site."""
        return _first(model, mujoco.mjtObj.mjOBJ_SITE, self.tip_names(digit, side))

    def joint(self, model: mujoco.MjModel, joint: str, side: Side) -> tuple[int, float] | None:
        """Looks up an anatomical joint in a model.

        Args:
            model: the model.
            joint: one of `body.anatomy.HAND_JOINTS`.
            side: which hand.

        Returns:
            Id of the model's joint, and the sign between its values and anatomical ones; None if
            the model has no such joint.
        """
        base = self.joints.get(joint)
        patterns = self.patterns(side)
        if base is None or patterns is None:
            return None
        sign = -1.0 if base.startswith("-") else 1.0
        names = (pattern.format(base.removeprefix("-")) for pattern in patterns.joints)
        number = _first(model, mujoco.mjtObj.mjOBJ_JOINT, names)
        return None if number is None else (number, sign)

    def sides(self, model: mujoco.MjModel) -> tuple[Side, ...]:
        """The hands that a model has under this naming, right before left."""
        fewest = max(1, min(FEWEST_JOINTS, len(self.joints)))
        return tuple(side for side in Side if len(self._joint_ids(model, side)) >= fewest)

    def with_both_sides(self) -> Naming:
        """A naming of both hands for a model of a right one, whose left one is a mirror image.

        Raises:
            ModelError: the naming has no right hand.
        """
        if self.right is None:
            raise ModelError(f"naming {self.name}", "has no right hand")
        if self.left is not None and len(self.right.all) == len(self.left.all) == 1:
            return self
        return replace(self, left=self.right.with_tail("_left"))

    def on_the_left(self, name: str) -> str:
        """The name that a part of the right hand has on its mirror image.

        Raises:
            ModelError: the naming lacks a side; `with_both_sides` adds it.
        """
        base = self.base_of(name, Side.RIGHT)
        if base is not None and self.right is not None and self.left is not None:
            for right, left in zip(self.right.all, self.left.all, strict=True):
                if part_of(right, name) == base:
                    return left.format(base)
        return self.name_of(name, Side.LEFT)

    def _joint_ids(self, model: mujoco.MjModel, side: Side) -> list[int]:
        places = (self.joint(model, joint, side) for joint in self.joints)
        return [place[0] for place in places if place is not None]


def find_naming(model: mujoco.MjModel, path: Path | None = None) -> Naming:
    """Selects the naming of a model: that of a file, or the bundled one with most matches.

    The names of the bundled namings are recognised in other patterns too, such as "robot/{}_r",
    and with patterns that differ between joints, muscles and fingertips. Of a file, only kinds of
    parts that the model does not have under its patterns are looked for under others.

    Args:
        model: any hand.
        path: a naming file; None compares the bundled namings by their joints, tips and muscles.

    Raises:
        ModelError: the file is not a naming, no naming fits the model, or the file names a part
            that the model has under a similar name.
    """
    if path is not None:
        return _fitted(read_naming(path), model, str(path))
    bundled = known_namings()
    # Where two fit equally, one as it is comes before one with other patterns.
    candidates = [*bundled, *(_rewritten(naming, model) for naming in bundled)]
    best = max(candidates, key=lambda naming: (_fit(naming, model), _is_in_order(naming, model)))
    if not best.sides(model):
        names = ", ".join(naming.name for naming in bundled)
        raise _no_hand(model, f"at least {FEWEST_JOINTS} joints of a hand named as in: {names}")
    return best


def _no_hand(model: mujoco.MjModel, legal: str) -> ModelError:
    joints = _names(model, mujoco.mjtObj.mjOBJ_JOINT)
    examples = ", ".join(joints[:6]) + (", ..." if len(joints) > 6 else "")
    problem = f"its joints ({examples}) fit no naming; needed are {legal}; give one with --map"
    return ModelError("model", problem)


def _fit(naming: Naming, model: mujoco.MjModel) -> int:
    """Number of a naming's joints, fingertips and muscles that the model has."""
    return sum(
        name is not None
        for side in naming.sides(model)
        for _, _, name in _listed(naming, model, side)
    )


def _is_in_order(naming: Naming, model: mujoco.MjModel) -> bool:
    """Whether the thumb's joints follow each other in the model as in the anatomy.

    The first one is flexion in all versions of MyoSim, but not by its name.
    """
    for side in naming.sides(model):
        places = [naming.joint(model, joint, side) for joint in THUMB_JOINTS]
        ids = [place[0] for place in places if place is not None]
        if ids != sorted(ids):
            return False
    return True


def _listed(
    naming: Naming, model: mujoco.MjModel, side: Side
) -> Iterator[tuple[str, tuple[str, ...], str | None]]:
    """The parts that a naming lists for a side: their kind, the names that they may have, and the
    name that they have in the model, if they are there."""
    patterns = naming.patterns(side)
    if patterns is None:
        return
    bodies = mujoco.mjtObj.mjOBJ_BODY
    for kind, parts, forms in (
        ("joints", naming.joints, patterns.joints),
        ("muscles", naming.muscles, patterns.muscles),
        ("tips", naming.tips, patterns.tips),
    ):
        for part in parts.values():
            names = tuple(form.format(part.removeprefix("-")) for form in forms)
            number = _first(model, _OBJECTS[kind], names)
            if number is None and kind == "tips" and _first(model, bodies, names) is not None:
                yield kind, names, names[0]
            else:
                yield kind, names, None if number is None else names[0]


def _rewritten(naming: Naming, model: mujoco.MjModel) -> Naming:
    """A naming with the patterns in which the model writes its parts."""
    patterns = _recognised(naming, model)
    if not patterns:
        return naming
    words = "; ".join(f"{side.name.lower()}: {patterns[side]}" for side in Side if side in patterns)
    return replace(
        naming,
        name=f"{naming.name} ({words})",
        right=patterns.get(Side.RIGHT),
        left=patterns.get(Side.LEFT),
    )


def _recognised(naming: Naming, model: mujoco.MjModel) -> dict[Side, Patterns]:
    joints = [joint.removeprefix("-") for joint in naming.joints.values()]
    parts = {"joints": joints, "muscles": naming.muscles.values(), "tips": naming.tips.values()}
    names = {kind: _names(model, number) for kind, number in _OBJECTS.items()}
    names["tips"] += _names(model, mujoco.mjtObj.mjOBJ_BODY)
    return recognise(parts, names)


def _fitted(naming: Naming, model: mujoco.MjModel, source: str) -> Naming:
    """A naming of a file with other patterns for kinds of which the model has no part under its
    own."""
    if not naming.sides(model):
        listed = [
            name for side in Side for _, names, _ in _listed(naming, model, side) for name in names
        ]
        example = f", such as {listed[0]}" if listed else ""
        raise _no_hand(model, f"at least {FEWEST_JOINTS} joints of {source}{example}")
    recognised = _recognised(naming, model)
    for side in naming.sides(model):
        patterns = naming.patterns(side)
        has = {kind for kind, _, name in _listed(naming, model, side) if name is not None}
        if patterns is None or side not in recognised:
            continue
        lacking = {kind: getattr(recognised[side], kind) for kind in _OBJECTS if kind not in has}
        fitted = replace(patterns, **lacking)
        is_right = side is Side.RIGHT
        naming = replace(naming, right=fitted) if is_right else replace(naming, left=fitted)
    _check_spelling(naming, model, source)
    return naming


def _check_spelling(naming: Naming, model: mujoco.MjModel, source: str) -> None:
    """Refuses a naming of a file that spells a part otherwise than the model.

    Raises:
        ModelError: the model lacks a part, but has one of a similar name that is not listed.
    """
    for side in naming.sides(model):
        for kind, names, present in _listed(naming, model, side):
            similar = None if present else similar_name(naming, model, kind, names[0])
            if similar is not None:
                problem = f"the model has no {kind[:-1]} {names[0]!r}; did you mean {similar!r}?"
                raise ModelError(source, problem)


def similar_name(naming: Naming, model: mujoco.MjModel, kind: str, name: str) -> str | None:
    """A name that may have been meant by one that a model lacks.

    Args:
        naming: the model's naming; its own names are not suggested.
        model: the model.
        kind: "joints", "muscles" or "tips".
        name: the name that the model lacks.

    Returns:
        The most similar name of the kind that the naming does not use; None if there is none.
    """
    used = {
        option for side in Side for _, names, _ in _listed(naming, model, side) for option in names
    }
    free = [option for option in _names(model, _OBJECTS[kind]) if option not in used]
    return next(iter(difflib.get_close_matches(name, free, n=1, cutoff=CLOSE)), None)


def known_namings() -> tuple[Naming, ...]:
    """The bundled namings; that of our own model comes first."""
    return (own_naming(), *_foreign_namings())


@lru_cache(maxsize=1)
def own_naming() -> Naming:
    """The naming of the hand of `models/hand`."""
    return Naming(*parse_entries(_OWN, _bundled(_OWN), None))


@lru_cache(maxsize=1)
def _foreign_namings() -> tuple[Naming, ...]:
    names = sorted(entry.name for entry in files(_FOLDER).iterdir())
    muscles = own_naming().muscles
    return tuple(
        Naming(*parse_entries(name, _bundled(name), muscles))
        for name in names
        if name.endswith(".json") and name != _OWN
    )


def _bundled(name: str) -> str:
    return files(_FOLDER).joinpath(name).read_text(encoding="utf-8")


def read_naming(path: Path) -> Naming:
    """Reads a naming file.

    Raises:
        ModelError: it cannot be read, is not JSON, or an entry is missing, of another type or the
            wrong way round.
        UnknownName: it names an entry, joint, muscle or digit that does not exist.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(str(path), f"{size} bytes; a naming has at most {MAX_BYTES}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(str(path), f"cannot be read: {error}") from error
    return Naming(*parse_entries(str(path), text, own_naming().muscles))


def _names(model: mujoco.MjModel, kind: mujoco.mjtObj) -> list[str]:
    """Names of all joints, actuators, sites or bodies."""
    accessor, count = {
        mujoco.mjtObj.mjOBJ_JOINT: (model.joint, model.njnt),
        mujoco.mjtObj.mjOBJ_ACTUATOR: (model.actuator, model.nu),
        mujoco.mjtObj.mjOBJ_SITE: (model.site, model.nsite),
        mujoco.mjtObj.mjOBJ_BODY: (model.body, model.nbody),
    }[kind]
    return [accessor(number).name for number in range(count)]


def _first(model: mujoco.MjModel, kind: mujoco.mjtObj, names: Iterable[str]) -> int | None:
    """Id of the first of some names that a model has."""
    numbers = (mujoco.mj_name2id(model, kind, name) for name in names)
    return next((number for number in numbers if number >= 0), None)
