"""Maps from anatomical names to the names of a model.

Every model names its joints and muscles in its own way. A naming is a JSON file with the
correspondence. Those in `models/naming` are tried automatically; `--map FILE` reads another one.
Its entries:

    name      name of the model in reports
    right     pattern of names of the right hand, with `{}` for the part: "{}_r", "R:{}", "{}";
              null: the model has no such hand
    left      the same for the left hand
    joints    anatomical joint (`body.anatomy.HAND_JOINTS`) -> the model's joint; a minus in front
              reverses its sign
    muscles   the model's muscle -> the anatomical one (`models/hand/muscles.csv`); muscles that are
              not listed keep their name
    tips      digit (`body.anatomy.DIGITS`) -> the model's site at the tip, or the body whose origin
              is the tip
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import mujoco

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side
from musclehand.core.errors import ModelError, UnknownName

FEWEST_JOINTS = 12
"""Fewest joints of a naming that a hand of its model has; chosen, about half of all."""

MAX_BYTES = 100_000
"""[bytes] Largest naming file that is read; chosen, 25 times the largest bundled one."""


@dataclass(frozen=True)
class Naming:
    """A model's names for the parts of a hand."""

    name: str
    """Name of the model in reports."""

    right: str | None
    """Pattern of names of the right hand, such as "{}_r"; None if the model has no right hand."""

    left: str | None
    """Pattern of names of the left hand; None if the model has no left hand."""

    joints: Mapping[str, str] = field(hash=False)
    """The model's joint by anatomical joint; a minus in front reverses its sign."""

    muscles: Mapping[str, str] = field(hash=False)
    """The anatomical muscle by the model's muscle."""

    tips: Mapping[str, str] = field(hash=False)
    """The model's site or body at the tip by digit."""

    def pattern(self, side: Side) -> str | None:
        """Pattern of names of a side, None if the model has no such hand."""
        return self.right if side is Side.RIGHT else self.left

    def name_of(self, base: str, side: Side) -> str:
        """The model's name of a part on a side.

        Raises:
            ModelError: the naming has no such side.
        """
        pattern = self.pattern(side)
        if pattern is None:
            raise ModelError(f"naming {self.name}", f"has no {side.name.lower()} hand")
        return pattern.format(base)

    def base_of(self, name: str, side: Side) -> str | None:
        """The part that a model's name denotes, None if the name is not of that side."""
        pattern = self.pattern(side)
        if pattern is None:
            return None
        head, tail = pattern.split("{}")
        if not (name.startswith(head) and name.endswith(tail)):
            return None
        return name[len(head) : len(name) - len(tail)]

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
        if base is None or self.pattern(side) is None:
            return None
        sign = -1.0 if base.startswith("-") else 1.0
        number = mujoco.mj_name2id(
            model, mujoco.mjtObj.mjOBJ_JOINT, self.name_of(base.removeprefix("-"), side)
        )
        return None if number < 0 else (number, sign)

    def sides(self, model: mujoco.MjModel) -> tuple[Side, ...]:
        """The hands that a model has under this naming, right before left."""
        counts = {
            side: sum(self.joint(model, joint, side) is not None for joint in self.joints)
            for side in Side
        }
        return tuple(side for side in Side if counts[side] >= FEWEST_JOINTS)


def find_naming(model: mujoco.MjModel, path: Path | None = None) -> Naming:
    """Selects the naming of a model: that of a file, or the bundled one with most matches.

    Args:
        model: any hand.
        path: a naming file; None compares the bundled namings by their joints, tips and muscles.

    Raises:
        ModelError: the file is not a naming, or no naming fits the model.
    """
    candidates = known_namings() if path is None else (read_naming(path),)
    best = max(candidates, key=lambda naming: _fit(naming, model))
    if not best.sides(model):
        names = ", ".join(naming.name for naming in candidates)
        examples = ", ".join(model.joint(i).name for i in range(min(model.njnt, 6)))
        legal = f"at least {FEWEST_JOINTS} joints of a hand named as in: {names}"
        raise ModelError(
            "model",
            f"its joints ({examples}, ...) fit no naming; needed are {legal}; give one with --map",
        )
    return best


def _fit(naming: Naming, model: mujoco.MjModel) -> int:
    """Number of a naming's joints, fingertips and muscles that the model has."""
    matches = 0
    for side in naming.sides(model):
        matches += sum(naming.joint(model, joint, side) is not None for joint in naming.joints)
        sites = [naming.name_of(site, side) for site in naming.tips.values()]
        muscles = [naming.name_of(muscle, side) for muscle in naming.muscles]
        matches += sum(
            mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, name) >= 0 for name in sites
        )
        matches += sum(
            mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_ACTUATOR, name) >= 0 for name in muscles
        )
    return matches


@lru_cache(maxsize=1)
def known_namings() -> tuple[Naming, ...]:
    """The bundled namings; that of our own model comes first."""
    folder = files("musclehand.models.naming")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    names.sort(key=lambda name: name != "musclehand.json")
    return tuple(_parse(name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names)


def own_naming() -> Naming:
    """The naming of the hand of `models/hand`."""
    return known_namings()[0]


def read_naming(path: Path) -> Naming:
    """Reads a naming file.

    Raises:
        ModelError: it cannot be read, is not JSON, or an entry is missing or of another type.
        UnknownName: it names a joint or digit that is not in `body.anatomy`.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(
                str(path), f"{path.stat().st_size} bytes; a naming has at most {MAX_BYTES}"
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(str(path), f"cannot be read: {error}") from error
    return _parse(str(path), text)


def _parse(source: str, text: str) -> Naming:
    try:
        entries = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelError(source, f"is not JSON: {error}") from error
    if not isinstance(entries, dict) or not isinstance(entries.get("name"), str):
        raise ModelError(
            source, "must be a JSON object with name, right, left, joints, muscles and tips"
        )
    patterns = [entries.get("right"), entries.get("left")]
    for pattern in patterns:
        if pattern is not None and not (isinstance(pattern, str) and pattern.count("{}") == 1):
            raise ModelError(
                source, f"right and left are patterns such as '{{}}_r' or null, not {pattern!r}"
            )
    joints = _mapping(source, entries, "joints", HAND_JOINTS)
    muscles = _mapping(source, entries, "muscles", None)
    tips = _mapping(source, entries, "tips", DIGITS)
    return Naming(
        name=entries["name"],
        right=patterns[0],
        left=patterns[1],
        joints=joints,
        muscles=muscles,
        tips=tips,
    )


def _mapping(source: str, entries: dict, key: str, legal: tuple[str, ...] | None) -> dict[str, str]:
    mapping = entries.get(key)
    if not isinstance(mapping, dict) or not all(
        isinstance(value, str) and value for value in mapping.values()
    ):
        raise ModelError(source, f"{key} must be an object of names")
    for name in mapping:
        if legal is not None and name not in legal:
            raise UnknownName(f"{key} of {source}", name, legal)
    return dict(mapping)
