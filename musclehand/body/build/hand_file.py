"""Any hand in an MJCF file, prepared to replace ours at a keyboard and in inverse kinematics.

A scene needs one hand at a time: its root at the origin, no other parts, fingertips as sites, and
geoms that collide with keys. The root is the bone that carries all muscles and joints of the hand.
If a file has only a right hand, its left hand is the mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, PALM_JOINTS, Side
from musclehand.body.build.mirror import mirror_hand
from musclehand.body.build.overlay import KEY_BIT
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import Naming, find_naming
from musclehand.body.untrusted.model_file import read_model
from musclehand.core.errors import ModelError
from musclehand.core.mujoco_warnings import silence_mujoco


@dataclass(frozen=True, eq=False)
class HandFile:
    """One or two hands of a model file."""

    source: str
    """Path of the file."""

    spec: mujoco.MjSpec = field(repr=False)
    """The model as read, with a site at each fingertip."""

    naming: Naming
    """Names of its parts."""

    @cached_property
    def both(self) -> Naming:
        """The naming with patterns for both hands; the model may lack the left one."""
        has_left = Side.LEFT in self.naming.sides(self._model)
        return self.naming if has_left else self.naming.with_both_sides()

    def hand_spec(self, side: Side) -> mujoco.MjSpec:
        """One hand alone, its root at the origin, without gravity.

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
        missing = set(HAND_JOINTS) - set(PALM_JOINTS) - set(hand.joints)
        reversed_joints = [
            joint for joint, sign in zip(hand.joints, hand.signs, strict=True) if sign < 0
        ]
        problem = None
        if missing:
            problem = f"lacks {min(missing)}"
        elif reversed_joints:
            problem = f"reverses {reversed_joints[0]}"
        elif _is_reordered(hand):
            problem = "reorders joints"
        if problem:
            raise ModelError(self.source, f"{problem}: it can be checked, not played")
        complete = self.spec.copy()
        root = complete.body(model.body(root_body(model, hand)).name)
        _fix_inertia(root, model)
        _drop_pictures(complete, root)
        _enable_key_contact(root)
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
        """Adds one hand to a scene.

        Args:
            frame: frame of the scene's spec, at which the root is attached.
            side: which hand.
            strength_scale: factor on the peak force of all muscles.

        Raises:
            ModelError: the hand cannot be cut out of its model.
        """
        spec = self.hand_spec(side)
        for actuator in spec.actuators:
            actuator.gainprm[2] *= strength_scale
            actuator.biasprm[2] *= strength_scale
        with silence_mujoco():
            frame.attach_body(spec.worldbody.first_body(), "", "")


def read_hand(path: Path, *, naming: Path | None = None, root: Path | None = None) -> HandFile:
    """Reads the hands of a model file.

    Args:
        path: an MJCF file, untrusted (see `body.untrusted.model_file`).
        naming: a naming file (see `body.naming`); by default the bundled one that fits.
        root: folder that all files of the model must lie in, by default that of the file itself.

    Raises:
        ModelError: the file cannot be used, or no hand in it has the names of a naming.
    """
    file = read_model(path, root=root)
    try:
        names = find_naming(file.model, naming)
    except ModelError as error:
        raise ModelError(
            path if error.source == "model" else error.source, error.problem
        ) from error
    add_tip_sites(file.spec, names)
    return HandFile(str(path), file.spec, names)


def add_tip_sites(spec: mujoco.MjSpec, naming: Naming) -> None:
    """Adds a site at every fingertip that the naming gives as a body, such as MUSIC-Hand's.

    Args:
        spec: the model; changed in place.
        naming: its names.
    """
    for side in Side:
        for digit in DIGITS:
            names = naming.tip_names(digit, side)
            if any(spec.site(name) is not None for name in names):
                continue
            body = next(filter(None, map(spec.body, names)), None)
            if body is not None:
                body.add_site(name=body.name, size=[0.002, 0, 0])


def root_body(model: mujoco.MjModel, hand: HandIndex) -> int:
    """Id of the deepest body that carries all joints and path points of a hand."""
    bodies = {int(model.jnt_bodyid[joint]) for joint in hand.joint_ids(model)}
    # A joint moves its body against the parent, which is part of the hand as well.
    bodies = {int(model.body_parentid[body]) for body in bodies}
    for tendon in hand.tendons:
        first = model.tendon_adr[tendon]
        for wrap in range(first, first + model.tendon_num[tendon]):
            number = model.wrap_objid[wrap]
            if model.wrap_type[wrap] == mujoco.mjtWrap.mjWRAP_SITE:
                bodies.add(int(model.site_bodyid[number]))
            elif int(model.wrap_type[wrap]) in (
                mujoco.mjtWrap.mjWRAP_SPHERE,
                mujoco.mjtWrap.mjWRAP_CYLINDER,
            ):
                bodies.add(int(model.geom_bodyid[number]))
    chains = [_ancestors(model, body) for body in bodies]
    common = set(chains[0]).intersection(*chains[1:])
    return max(common, key=lambda body: len(_ancestors(model, body)))


def _is_reordered(hand: HandIndex) -> bool:
    """Whether the joints do not follow each other in anatomical order, or stand among others."""
    is_palm = np.isin(hand.joints, PALM_JOINTS)
    apart = np.diff(np.sort(hand.dofs)) != 1
    return bool((np.diff(hand.dofs[~is_palm]) <= 0).any() or apart.any())


def _ancestors(model: mujoco.MjModel, body: int) -> list[int]:
    chain = [body]
    while body:
        body = int(model.body_parentid[body])
        chain.append(body)
    return chain


def _fix_root(spec: mujoco.MjSpec, root: Any) -> None:
    """Removes the joints of the root, which the scene replaces, and all actuators but muscles."""
    for actuator in list(spec.actuators):
        if actuator.trntype != mujoco.mjtTrn.mjTRN_TENDON:
            spec.delete(actuator)
    for joint in list(root.joints):
        spec.delete(joint)


def _fix_inertia(body: Any, model: mujoco.MjModel) -> None:
    """Makes the inertia of each body explicit as compiled: the compiler settings of the file may
    differ from the scene's."""
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
    """Removes meshes without contact, materials and unused files, which slow down loading."""
    hand = _below(root)
    inside = {body.name for body in hand}
    used = {
        geom.meshname for body in hand for geom in body.geoms if geom.contype or geom.conaffinity
    }
    for body in spec.bodies:
        for geom in list(body.geoms):
            if geom.meshname and not (body.name in inside and (geom.contype or geom.conaffinity)):
                spec.delete(geom)
    for part in (*(geom for body in hand for geom in body.geoms), *spec.sites, *spec.tendons):
        part.material = ""
    for asset in (
        *(mesh for mesh in spec.meshes if mesh.name not in used),
        *spec.materials,
        *spec.textures,
    ):
        spec.delete(asset)


def _enable_key_contact(root: Any) -> None:
    """Makes all colliding geoms collide with keys, in a model without the bit for keys."""
    touching = [
        geom for body in _below(root) for geom in body.geoms if geom.contype or geom.conaffinity
    ]
    if not any(geom.conaffinity & KEY_BIT for geom in touching):
        for geom in touching:
            geom.conaffinity |= KEY_BIT


def _below(body: Any) -> list[Any]:
    return [body, *(inner for child in body.bodies for inner in _below(child))]


def _check_frames(source: str, model: mujoco.MjModel, side: Side, naming: Naming) -> None:
    """Checks that fingers point along -y and the thumb along +x of the root, as in MyoSim.

    Raises:
        ModelError: they point elsewhere at neutral.
    """
    hand = HandIndex.from_model(model, side, naming)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    places = {
        joint: data.xanchor[number]
        for joint, number in zip(hand.joints, hand.joint_ids(model), strict=True)
    }
    along = places["mcp3_flexion"] - places["flexion"]
    across = places["mcp2_flexion"] - places["mcp5_flexion"]
    if -along[1] < 0.8 * np.linalg.norm(along) or across[0] < 0.6 * np.linalg.norm(across):
        raise ModelError(
            source,
            "its fingers do not point along -y and its thumb along +x of the forearm's frame",
        )
