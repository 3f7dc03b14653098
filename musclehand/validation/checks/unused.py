"""Numbers without effect (V37): what a file says and MuJoCo does not use.

MuJoCo takes such numbers without a word, and whoever edits them waits for a change that never
comes. They are no fault of the hand, so that they are a warning at most.
"""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np

from musclehand.validation.check import Check, Finding, Specimen, Verdict

USUAL_SCALES = (1.0, 200.0)
"""Values of a muscle's scale that nobody has chosen: MuJoCo's default, and that of many files."""

SAME_LENGTH = 1e-5
"""Lengths that differ by less are equal [m]: XML files have six digits."""

FLAGS = {
    mujoco.mjtDisableBit.mjDSBL_CONSTRAINT: "limits, couplings and contacts",
    mujoco.mjtDisableBit.mjDSBL_EQUALITY: "couplings of joints",
    mujoco.mjtDisableBit.mjDSBL_LIMIT: "limits of joints and tendons",
    mujoco.mjtDisableBit.mjDSBL_CONTACT: "contacts",
    mujoco.mjtDisableBit.mjDSBL_SPRING: "stiffness of joints and tendons",
    mujoco.mjtDisableBit.mjDSBL_DAMPER: "damping of joints and tendons",
    mujoco.mjtDisableBit.mjDSBL_ACTUATION: "forces of muscles",
    mujoco.mjtDisableBit.mjDSBL_CLAMPCTRL: "control ranges",
}
"""Options of a model that switch off what its numbers describe."""


def check_unused(specimen: Specimen) -> Finding:
    """V37: does MuJoCo use the numbers that the model gives?

    Lengths of springs without stiffness are told, but are no warning: MuJoCo writes them into every
    file, where they are those of the model before its last edit.
    """
    offenders = (
        *_options(specimen.model),
        *_joints(specimen),
        *_couplings(specimen),
        *_tendons(specimen),
        *_muscles(specimen),
        *_replaced(specimen),
    )
    verdict = Verdict.WARN if offenders else Verdict.PASS
    summary = f"{len(offenders)} numbers or options without the effect that they seem to have"
    springs = _springs(specimen)
    if springs:
        summary += f"; springlength of {springs}, without stiffness, is not used"
    return Finding(verdict, summary, float(len(offenders)), offenders)


def _options(model: mujoco.MjModel) -> Iterator[str]:
    for bit, words in FLAGS.items():
        if model.opt.disableflags & bit:
            yield f"option {bit.name.removeprefix('mjDSBL_').lower()}: switches off the {words}"


def _joints(specimen: Specimen) -> Iterator[str]:
    model = specimen.model
    for number in specimen.hand.joint_ids(model):
        name = model.joint(number).name
        if not model.jnt_limited[number] and np.any(model.jnt_range[number]):
            low, high = np.rad2deg(model.jnt_range[number])
            yield f"joint {name}: range {low:.4g} to {high:.4g} deg, but it is not limited"
        address = model.jnt_qposadr[number]
        spring = float(model.qpos_spring[address] - model.qpos0[address])
        if spring and not _has_stiffness(model, "jnt", number):
            yield f"joint {name}: springref {np.rad2deg(spring):.4g} deg, but it has no stiffness"


def _has_stiffness(model: mujoco.MjModel, kind: str, number: int) -> bool:
    """Whether a joint ("jnt") or tendon ("tendon") has stiffness, linear or in higher powers."""
    linear = getattr(model, f"{kind}_stiffness")[number]
    # Older versions of MuJoCo have no polynomials.
    powers = getattr(model, f"{kind}_stiffnesspoly", None)
    return bool(np.any(linear)) or (powers is not None and bool(np.any(powers[number])))


def _couplings(specimen: Specimen) -> Iterator[str]:
    model = specimen.model
    joints = set(specimen.hand.joint_ids(model).tolist())
    for number in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
        if int(model.eq_obj1id[number]) in joints and not model.eq_active0[number]:
            follower = model.joint(int(model.eq_obj1id[number])).name
            yield f"coupling of {follower}: not active"


def _springs(specimen: Specimen) -> str:
    """The tendons that have a spring's length but no stiffness, in words; empty for none."""
    model = specimen.model
    data = mujoco.MjData(model)
    data.qpos[:] = model.qpos_spring
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_tendon(model, data)
    names = []
    for tendon in dict.fromkeys(specimen.hand.tendons.tolist()):
        gap = np.abs(model.tendon_lengthspring[tendon] - data.ten_length[tendon])
        if gap.max() > SAME_LENGTH and not _has_stiffness(model, "tendon", tendon):
            names.append(model.tendon(tendon).name)
    return names[0] if len(names) == 1 else f"{len(names)} tendons" if names else ""


def _tendons(specimen: Specimen) -> Iterator[str]:
    model = specimen.model
    for tendon in dict.fromkeys(specimen.hand.tendons.tolist()):
        if not model.tendon_limited[tendon] and np.any(model.tendon_range[tendon]):
            span = _lengths(model.tendon_range[tendon])
            yield f"tendon {model.tendon(tendon).name}: range {span} mm, but it is not limited"


def _muscles(specimen: Specimen) -> Iterator[str]:
    model = specimen.model
    for number in specimen.hand.muscles:
        name = model.actuator(int(number)).name
        gear = model.actuator_gear[number]
        if np.any(gear[1:]):
            yield f"muscle {name}: gear {gear[0]:g}, its other five numbers are not used"
        force, scale = model.actuator_gainprm[number, 2:4]
        if force >= 0 and scale not in USUAL_SCALES:
            yield f"muscle {name}: scale {scale:g} is not used, because its force is {force:g} N"
        for kind, limited, span in (
            ("ctrlrange", model.actuator_ctrllimited, model.actuator_ctrlrange),
            ("forcerange", model.actuator_forcelimited, model.actuator_forcerange),
            ("actrange", model.actuator_actlimited, model.actuator_actrange),
        ):
            low, high = span[number]
            if not limited[number] and (low or high):
                yield f"muscle {name}: {kind} {low:g} to {high:g}, but it is not limited"
            elif kind == "ctrlrange" and limited[number] and (low < 0.0 or high > 1.0):
                yield f"muscle {name}: ctrlrange {low:g} to {high:g}; muscles take 0 to 1 only"


def _replaced(specimen: Specimen) -> Iterator[str]:
    """Numbers of the file that the compiler has replaced by its own."""
    spec = specimen.spec
    model = specimen.model
    if spec is None:
        return
    for number in specimen.hand.muscles:
        name = model.actuator(int(number)).name
        part = spec.actuator(name)
        if part is None:
            continue
        given = np.asarray(part.lengthrange, dtype=float)
        taken = model.actuator_lengthrange[number]
        if np.any(given) and np.any(np.abs(given - taken) > SAME_LENGTH):
            yield (
                f"muscle {name}: lengthrange {_lengths(given)} mm, "
                f"but MuJoCo takes {_lengths(taken)} mm, which it has computed"
            )
    if spec.compiler.inertiafromgeom == mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_TRUE:
        named = [body.name for body in spec.bodies if body.explicitinertial]
        if named:
            yield (
                f"inertial of {len(named)} bodies ({named[0]} ...): not used, because the "
                "compiler's inertiafromgeom is true"
            )


def _lengths(span: np.ndarray) -> str:
    """Two lengths in mm, or the first if they are equal: "228.5 to 279.1"."""
    low, high = 1e3 * np.asarray(span, dtype=float)
    return f"{low:.1f}" if low == high else f"{low:.1f} to {high:.1f}"


CHECKS: tuple[Check, ...] = (
    Check(
        code="V37",
        title="Numbers without effect",
        asks="Does MuJoCo use the numbers that the model gives for joints, tendons and muscles?",
        threshold="a warning for each that has no effect",
        source="MuJoCo's XML reference, and what its compiler keeps",
        run=check_unused,
    ),
)
"""The checks of this module."""
