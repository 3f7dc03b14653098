"""A hand that somebody wrote as MJCF, made ready to stand in for ours: at a keyboard, for inverse
kinematics.

What a scene needs is one hand at a time with its root at the origin, nothing but the hand in it,
fingertips as sites and geoms that feel keys. The root is the bone that all muscles and joints of
the hand hang on. A file with a right hand only is given a left one by mirroring.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side
from musclehand.body.hand_index import HandIndex
from musclehand.body.build.mirror import mirror_hand
from musclehand.body.untrusted.model_file import read_model
from musclehand.body.naming import Naming, find_naming
from musclehand.body.build.overlay import KEY_BIT
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.errors import ModelError


@dataclass(frozen=True, eq=False)
class HandFile:
    """One or two hands of a model: `spec` as read, and `naming`, what its parts are called."""

    source: str
    spec: mujoco.MjSpec = field(repr=False)
    naming: Naming

    @cached_property
    def both(self) -> Naming:
        """The naming with a pattern for either hand, made up for the one that the model does not
        have."""
        return replace(self.naming, left=self.naming.left or f"{self.naming.right}_left")

    def hand_spec(self, side: Side) -> mujoco.MjSpec:
        """One hand by itself, its root at the origin; no gravity.

        Raises:
            ModelError: the model lacks a right hand, or its frames are not those of MyoSim's hand.
        """
        if side is Side.LEFT and side not in self.naming.sides(self._model):
            return mirror_hand(self.hand_spec(Side.RIGHT), self.both)
        return self._cut_out(side)

    @cached_property
    def _model(self) -> mujoco.MjModel:
        with silence_mujoco():
            return self.spec.copy().compile()

    def _cut_out(self, side: Side) -> mujoco.MjSpec:
        model = self._model
        hand = HandIndex.from_model(model, side, self.naming)
        missing = set(HAND_JOINTS) - set(hand.joints)
        others = [joint for joint, sign in zip(hand.joints, hand.signs, strict=True) if sign < 0]
        if missing or others or (np.diff(hand.dofs) != 1).any():
            what = f"lacks {min(missing)}" if missing else f"reverses {others[0]}" if others else "reorders joints"
            raise ModelError(self.source, f"{what}: it can be checked, not played")
        whole = self.spec.copy()
        root = whole.body(model.body(root_body(model, hand)).name)
        _fix_inertia(root, model)
        _drop_pictures(whole, root)
        _feel_keys(root)
        spec = mujoco.MjSpec()
        spec.compiler.degree = False
        spec.compiler.boundmass = 0.0
        spec.option.gravity = [0, 0, 0]
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        with silence_mujoco():
            attached = spec.worldbody.add_frame().attach_body(root, "", "")
            attached.pos = [0, 0, 0]
            attached.quat = [1, 0, 0, 0]
            _fix_root(spec, attached)
            _check_frames(self.source, spec.copy().compile(), side, self.naming)
        return spec

    def attach(self, frame: Any, side: Side, *, strength_scale: float = 1.0) -> None:
        """Puts one hand into a scene, its root at `frame`."""
        spec = self.hand_spec(side)
        for actuator in spec.actuators:
            actuator.gainprm[2] *= strength_scale
            actuator.biasprm[2] *= strength_scale
        with silence_mujoco():
            frame.attach_body(spec.worldbody.first_body(), "", "")


def read_hand(path: Path, *, naming: Path | None = None, root: Path | None = None) -> HandFile:
    """The hands of a model file.

    Args:
        path: an MJCF file; it may hold anything (see `body.untrusted.model_file`).
        naming: a file that says which part is which, by default found by the model's names.
        root: folder that all files of the model must lie in, by default that of the file itself.

    Raises:
        ModelError: the file cannot be used, or holds no hand with the names that the naming knows.
    """
    found = read_model(path, root=root)
    try:
        names = find_naming(found.model, naming)
    except ModelError as error:
        raise ModelError(path if error.source == "model" else error.source, error.problem) from error
    add_tip_sites(found.spec, names)
    return HandFile(str(path), found.spec, names)


def add_tip_sites(spec: mujoco.MjSpec, naming: Naming) -> None:
    """Adds a site at every fingertip that the naming gives as a body (`MUSIC-Hand` has no sites
    there); in place."""
    for side in Side:
        if naming.pattern(side) is None:
            continue
        for digit in DIGITS:
            name = naming.name_of(naming.tips.get(digit, ""), side)
            body = spec.body(name)
            if spec.site(name) is None and body is not None:
                body.add_site(name=name, size=[0.002, 0, 0])


def root_body(model: mujoco.MjModel, hand: HandIndex) -> int:
    """Id of the innermost body below which all joints and all path points of the hand are."""
    bodies = {int(model.jnt_bodyid[joint]) for joint in hand.joint_ids(model)}
    # A joint moves its body against the parent, which has to come along.
    bodies = {int(model.body_parentid[body]) for body in bodies}
    for tendon in hand.tendons:
        first = model.tendon_adr[tendon]
        for wrap in range(first, first + model.tendon_num[tendon]):
            number = model.wrap_objid[wrap]
            if model.wrap_type[wrap] == mujoco.mjtWrap.mjWRAP_SITE:
                bodies.add(int(model.site_bodyid[number]))
            elif model.wrap_type[wrap] in (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER):
                bodies.add(int(model.geom_bodyid[number]))
    chains = [_ancestors(model, body) for body in bodies]
    common = set(chains[0]).intersection(*chains[1:])
    return max(common, key=lambda body: len(_ancestors(model, body)))


def _ancestors(model: mujoco.MjModel, body: int) -> list[int]:
    chain = [body]
    while body:
        body = int(model.body_parentid[body])
        chain.append(body)
    return chain


def _fix_root(spec: mujoco.MjSpec, root: Any) -> None:
    """Takes the root's own joints away (what carries the hand is the scene's), and all actuators
    but muscles."""
    for actuator in list(spec.actuators):
        if actuator.trntype != mujoco.mjtTrn.mjTRN_TENDON:
            spec.delete(actuator)
    for joint in list(root.joints):
        spec.delete(joint)


def _fix_inertia(body: Any, model: mujoco.MjModel) -> None:
    """Writes down the inertia each body has in its own model, where compiler settings may have
    changed it."""
    number = model.body(body.name).id
    body.explicitinertial = True
    body.mass = model.body_mass[number]
    body.inertia = model.body_inertia[number]
    body.ipos = model.body_ipos[number]
    body.iquat = model.body_iquat[number]
    body.fullinertia = np.full(6, np.nan)
    for child in body.bodies:
        _fix_inertia(child, model)


def _drop_pictures(spec: mujoco.MjSpec, root: Any) -> None:
    """Removes meshes that touch nothing, materials, and the files that nothing then needs: they
    cost loading time."""
    hand = _below(root)
    inside = {body.name for body in hand}
    used = {geom.meshname for body in hand for geom in body.geoms if geom.contype or geom.conaffinity}
    for body in spec.bodies:
        for geom in list(body.geoms):
            if geom.meshname and not (body.name in inside and (geom.contype or geom.conaffinity)):
                spec.delete(geom)
    for part in (*(geom for body in hand for geom in body.geoms), *spec.sites, *spec.tendons):
        part.material = ""
    for asset in (*(mesh for mesh in spec.meshes if mesh.name not in used), *spec.materials, *spec.textures):
        spec.delete(asset)


def _feel_keys(root: Any) -> None:
    """Lets geoms that touch anything touch keys, where the model does not know of keys at all."""
    touching = [geom for body in _below(root) for geom in body.geoms if geom.contype or geom.conaffinity]
    if not any(geom.conaffinity & KEY_BIT for geom in touching):
        for geom in touching:
            geom.conaffinity |= KEY_BIT


def _below(body: Any) -> list[Any]:
    return [body, *(inner for child in body.bodies for inner in _below(child))]


def _check_frames(source: str, model: mujoco.MjModel, side: Side, naming: Naming) -> None:
    """Fingers along -y and the thumb along +x of the root at neutral, as in MyoSim.

    Raises:
        ModelError: they point somewhere else.
    """
    hand = HandIndex.from_model(model, side, naming)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    places = {joint: data.xanchor[number] for joint, number in zip(hand.joints, hand.joint_ids(model), strict=True)}
    along = places["mcp3_flexion"] - places["flexion"]
    across = places["mcp2_flexion"] - places["mcp5_flexion"]
    if -along[1] < 0.8 * np.linalg.norm(along) or across[0] < 0.6 * np.linalg.norm(across):
        raise ModelError(source, "its fingers do not point along -y and its thumb along +x of the forearm's frame")
