"""What changed in the bones of a hand, their mass, what they touch things with, and how they are
simulated.

The hand is everything that its muscles attach to and all that hangs on it; where its root is in the
world does not matter.
"""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.hand_index import bodies_below, path_sites
from musclehand.validate.check import Specimen
from musclehand.validate.difference.compare import Change
from musclehand.validate.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    Frame,
    format_array,
    describe_bone,
    describe_change,
    describe_shift,
    neutral_frame,
    numbers_differ,
)

EQUAL_MASS = 1e-6
EQUAL_INERTIA = 1e-11
"""Changes of mass [kg] and of a principal moment of inertia [kg m^2] that are none."""

NOTABLE_SHARE = 0.2
LIGHT = 0.01
"""Change of a mass worth a look, and the mass [kg] that lighter bones are taken to have there."""

_OPTIONS = (
    ("timestep", "time step [s]", 1.0),
    ("gravity", "gravity [m/s^2]", 1.0),
    ("integrator", "integrator", 1.0),
    ("solver", "solver", 0.5),
    ("cone", "friction cone", 0.5),
    ("jacobian", "Jacobian", 0.1),
    ("iterations", "solver iterations", 0.5),
    ("ls_iterations", "line search iterations", 0.2),
    ("noslip_iterations", "no-slip iterations", 0.5),
    ("tolerance", "solver tolerance", 0.2),
    ("ls_tolerance", "line search tolerance", 0.1),
    ("impratio", "impratio", 0.5),
    ("wind", "wind [m/s]", 0.5),
    ("density", "density of the medium [kg/m^3]", 0.5),
    ("viscosity", "viscosity of the medium [Pa s]", 0.5),
    ("disableflags", "disable flags", 1.0),
    ("enableflags", "enable flags", 1.0),
)
"""Field of `mjOption`, its name in words, and its weight."""

_ENUMS = {
    "integrator": mujoco.mjtIntegrator,
    "solver": mujoco.mjtSolver,
    "cone": mujoco.mjtCone,
    "jacobian": mujoco.mjtJacobian,
}

_CONTACT = (
    ("geom_size", "size [m]", 2.0),
    ("geom_pos", "place [m]", 2.0),
    ("geom_friction", "friction", 1.0),
    ("geom_margin", "margin [m]", 1.0),
    ("geom_gap", "gap [m]", 1.0),
    ("geom_condim", "condim", 1.0),
    ("geom_contype", "contype", 1.0),
    ("geom_conaffinity", "conaffinity", 1.0),
    ("geom_priority", "priority", 0.5),
    ("geom_solref", "solref", 0.5),
    ("geom_solimp", "solimp", 0.5),
)
"""Field of a geom that touches, its name in words, and its weight."""


def compare_bodies(before: Specimen, after: Specimen) -> list[Change]:
    """All changes of the bones of two hands and of the simulation, in no order."""
    old = hand_bones(before)
    new = hand_bones(after)
    changes = [Change("bones", name, "removed", 20.0) for name in old if name not in new]
    changes += [Change("bones", name, "added", 20.0) for name in new if name not in old]
    frame = neutral_frame(before)
    for name in old:
        if name in new:
            changes += _inertia(before, after, old[name], new[name], name, frame)
            changes += _contacts(before, after, old[name], new[name], name)
    changes += _places(before, after, old, new, frame)
    return [*changes, *_excluded(before, after, old, new), *_options(before.model, after.model)]


def hand_bones(specimen: Specimen) -> dict[str, int]:
    """Ids of the bodies of a hand by the bones' names in words, in the model's order."""
    model = specimen.model
    hand = specimen.hand
    held = {int(model.jnt_bodyid[joint]) for joint in hand.joint_ids(model)}
    for tendon in hand.tendons:
        held |= {int(model.site_bodyid[site]) for site in path_sites(model, tendon)}
    held.discard(0)
    names = {body: model.body(body).name for body in sorted(bodies_below(model, *held))}
    words = {
        body: describe_bone(specimen.naming.base_of(name, hand.side) or name)
        for body, name in names.items()
    }
    told = list(words.values())
    found = {}
    for body, word in words.items():
        # Bodies without a name, or two with the same, keep their number.
        found[word if word and told.count(word) == 1 else f"{word} body {body}".strip()] = body
    return found


def _flips(before: Specimen, after: Specimen) -> tuple[np.ndarray, np.ndarray]:
    """Factors that make positions those of a right hand. Shapes (3,)."""
    one, other = (np.array([1.0, 1.0, hand.hand.side.mirror]) for hand in (before, after))
    return one, other


def _inertia(
    before: Specimen, after: Specimen, one: int, other: int, name: str, frame: Frame
) -> list[Change]:
    part = name
    changes = []
    a = float(before.model.body_mass[one])
    b = float(after.model.body_mass[other])
    if numbers_differ(a, b, least=EQUAL_MASS):
        weight = abs(float(np.log(max(b, LIGHT) / max(a, LIGHT)))) / NOTABLE_SHARE
        words = f"mass {describe_change(1e3 * a, 1e3 * b, 'g', 1)}"
        changes.append(Change("inertia", part, words, weight, 1e3 * a, 1e3 * b, "g", words))
    old, new = (
        np.sort(hand.model.body_inertia[body]) for hand, body in ((before, one), (after, other))
    )
    if any(numbers_differ(x, y, least=EQUAL_INERTIA) for x, y in zip(old, new, strict=True)):
        x = 1e7 * float(old[-1])
        y = 1e7 * float(new[-1])
        if not numbers_differ(x, y, least=1e7 * EQUAL_INERTIA):
            x = 1e7 * float(old[0])
            y = 1e7 * float(new[0])
        weight = min(abs(float(np.log(max(y, 1e-3) / max(x, 1e-3)))), 2.0)
        words = f"moment of inertia {describe_change(x, y, 'g cm^2', 1)}"
        changes.append(Change("inertia", part, words, weight, x, y, "g cm^2"))
    flips = _flips(before, after)
    shift = after.model.body_ipos[other] * flips[1] - before.model.body_ipos[one] * flips[0]
    if min(a, b) > 0 and np.linalg.norm(shift) > EQUAL_LENGTH:
        turn = frame.axes @ frame.data.xmat[one].reshape(3, 3)
        words = f"centre of mass moved {describe_shift(turn @ (shift * flips[0]))}"
        length = float(np.linalg.norm(shift))
        changes.append(Change("inertia", part, words, length / 0.005, 0.0, 1e3 * length, "mm"))
    return changes


def _places(
    before: Specimen, after: Specimen, old: dict[str, int], new: dict[str, int], frame: Frame
) -> list[Change]:
    """Where each bone is on the one it hangs on."""
    changes = []
    flips = _flips(before, after)
    parents = [
        {name: hand.model.body_parentid[body] for name, body in bones.items()}
        for hand, bones in ((before, old), (after, new))
    ]
    names = [{body: name for name, body in bones.items()} for bones in (old, new)]
    for name in (name for name in old if name in new):
        holders = [
            known.get(int(parent[name])) for known, parent in zip(names, parents, strict=True)
        ]
        if holders[0] is None or holders[1] is None:
            continue
        if holders[0] != holders[1]:
            words = f"hangs on the {holders[1]}, before on the {holders[0]}"
            changes.append(Change("bones", name, words, 10.0))
            continue
        shift = (
            after.model.body_pos[new[name]] * flips[1] - before.model.body_pos[old[name]] * flips[0]
        )
        length = float(np.linalg.norm(shift))
        if length > EQUAL_LENGTH:
            turn = frame.axes @ frame.data.xmat[parents[0][name]].reshape(3, 3)
            where = describe_shift(turn @ (shift * flips[0]))
            words = f"begins {where} of where it did on the {holders[0]}"
            changes.append(Change("bones", name, words, length / 0.003, 0.0, 1e3 * length, "mm"))
        turns = [hand.model.body_quat[bones[name]] for hand, bones in ((before, old), (after, new))]
        for turned, flip in zip(turns, flips, strict=True):
            turned[1:3] = turned[1:3] * flip[2]
        angle = float(np.degrees(2.0 * np.arccos(np.clip(abs(turns[0] @ turns[1]), 0.0, 1.0))))
        if angle > 0.1:
            changes.append(
                Change("bones", name, f"turned by {angle:.1f} deg", angle / 10, 0, angle, "deg")
            )
    return changes


def _contacts(before: Specimen, after: Specimen, one: int, other: int, name: str) -> list[Change]:
    """Changes of the geoms of a bone that can touch something; matched by name, or by order
    where names differ."""
    old, new = (_touching(hand, body) for hand, body in ((before, one), (after, other)))
    if len(old) == len(new) and not set(old) & set(new):
        old, new = (
            {str(i + 1): geom for i, geom in enumerate(found.values())} for found in (old, new)
        )
    part = name
    changes = []
    changes += [
        Change("contacts", part, f"outline {geom} no longer touches anything", 3.0)
        for geom in old
        if geom not in new
    ]
    changes += [
        Change("contacts", part, f"outline {geom} added", 3.0) for geom in new if geom not in old
    ]
    mirror = np.array([1.0, 1.0, before.hand.side.mirror * after.hand.side.mirror])
    for geom in (geom for geom in old if geom in new):
        for field, words, weight in _CONTACT:
            a = np.atleast_1d(getattr(before.model, field)[old[geom]]).astype(float)
            b = np.atleast_1d(getattr(after.model, field)[new[geom]]).astype(float)
            b = b * mirror if field == "geom_pos" else b
            if not np.allclose(
                a, b, rtol=EQUAL_SHARE, atol=EQUAL_LENGTH if "[m]" in words else 1e-9
            ):
                told = f"{words} {format_array(a)} -> {format_array(b)}"
                changes.append(Change("contacts", part, told, weight, alike=told))
    return changes


def _touching(specimen: Specimen, body: int) -> dict[str, int]:
    model = specimen.model
    found: dict[str, int] = {}
    first = int(model.body_geomadr[body])
    for geom in range(first, first + int(model.body_geomnum[body])):
        if model.geom_contype[geom] or model.geom_conaffinity[geom]:
            name = model.geom(geom).name
            found[
                (specimen.naming.base_of(name, specimen.hand.side) or name) or f"{len(found) + 1}"
            ] = geom
    return found


def _excluded(
    before: Specimen, after: Specimen, old: dict[str, int], new: dict[str, int]
) -> list[Change]:
    """Pairs of bones that may pass through each other."""
    pairs = [_exclusions(hand.model, bones) for hand, bones in ((before, old), (after, new))]
    changes = []
    for pair in sorted(pairs[0] ^ pairs[1]):
        part = " and ".join(pair)
        words = "can touch each other now" if pair in pairs[0] else "can no longer touch each other"
        changes.append(Change("contacts", part, words, 1.0))
    return changes


def _exclusions(model: mujoco.MjModel, bones: dict[str, int]) -> set[tuple[str, str]]:
    names = {body: name for name, body in bones.items()}
    pairs = set()
    for signature in model.exclude_signature:
        one = names.get(int(signature) >> 16)
        other = names.get(int(signature) & 0xFFFF)
        if one is not None and other is not None:
            pairs.add((min(one, other), max(one, other)))
    return pairs


def _options(before: mujoco.MjModel, after: mujoco.MjModel) -> list[Change]:
    changes = []
    for field, part, weight in _OPTIONS:
        old, new = (
            np.atleast_1d(getattr(model.opt, field)).astype(float) for model in (before, after)
        )
        if np.allclose(old, new, rtol=EQUAL_SHARE, atol=1e-12):
            continue
        kind = _ENUMS.get(field)
        one = format_array(old)
        other = format_array(new)
        if kind is not None:
            one, other = (kind(int(value[0])).name.split("_")[-1].lower() for value in (old, new))
        changes.append(Change("simulation", part, f"{one} -> {other}", weight))
    return changes
