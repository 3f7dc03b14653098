"""Numbers that MuJoCo does not use are told, each by its part; those that it uses are not."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.build.hand import hand_spec
from musclehand.validation.check import Verdict
from musclehand.validation.checks.unused import check_unused
from support.changed_specimens import specimen_of


@pytest.fixture
def spec():
    return hand_spec()


def lines_of(spec):
    finding = check_unused(specimen_of(spec))
    assert finding.verdict is (Verdict.WARN if finding.offenders else Verdict.PASS)
    assert finding.value == len(finding.offenders)
    return finding.offenders


def test_every_number_of_our_hands_has_an_effect(ours, other_side, spec):
    for specimen in (ours, other_side, specimen_of(spec)):
        finding = check_unused(specimen)
        assert finding.verdict is Verdict.PASS, finding.offenders


def test_myohand_has_a_spring_length_without_a_spring(myohand):
    finding = check_unused(myohand)
    assert finding.verdict is Verdict.PASS
    assert finding.summary.endswith("springlength of EPL_tendon_r, without stiffness, is not used")


def test_a_spring_length_counts_with_stiffness_only(spec):
    usual = check_unused(specimen_of(spec)).summary
    spec.tendon("EPL_r").springlength = [0.2, 0.25]
    told = "; springlength of EPL_r, without stiffness, is not used"
    assert check_unused(specimen_of(spec)).summary == usual + told
    spec.tendon("FDP2_r").springlength = [0.2, 0.25]
    assert "springlength of 2 tendons" in check_unused(specimen_of(spec)).summary
    for name in ("EPL_r", "FDP2_r"):
        spec.tendon(name).stiffness = [1.0, 0.0, 0.0]
    assert check_unused(specimen_of(spec)).summary == usual


def test_ranges_of_what_is_not_limited(spec):
    joint = spec.joint("pm3_flexion_r")
    joint.limited = mujoco.mjtLimited.mjLIMITED_FALSE
    joint.range = np.deg2rad([0.0, 100.0])
    spec.tendon("EPL_r").range = [0.1, 0.3]
    spec.tendon("EPL_r").limited = mujoco.mjtLimited.mjLIMITED_FALSE
    muscle = spec.actuator("FDP2_r")
    muscle.ctrllimited = mujoco.mjtLimited.mjLIMITED_FALSE
    muscle.forcerange = [-50.0, 0.0]
    muscle.forcelimited = mujoco.mjtLimited.mjLIMITED_FALSE
    assert lines_of(spec) == (
        "joint pm3_flexion_r: range 0 to 100 deg, but it is not limited",
        "tendon EPL_r: range 100.0 to 300.0 mm, but it is not limited",
        "muscle FDP2_r: ctrlrange 0 to 1, but it is not limited",
        "muscle FDP2_r: forcerange -50 to 0, but it is not limited",
    )


def test_a_rest_angle_without_stiffness(spec):
    joint = spec.joint("pm3_flexion_r")
    joint.springref = 0.5
    assert not lines_of(spec)
    joint.stiffness = [0.0, 0.0, 0.0]
    assert lines_of(spec) == ("joint pm3_flexion_r: springref 28.65 deg, but it has no stiffness",)
    joint.stiffness = [0.0, 0.0, 0.1]
    assert not lines_of(spec)


def test_numbers_of_muscles(spec):
    muscle = spec.actuator("FDP2_r")
    muscle.gear = [1.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    muscle.gainprm[3] = muscle.biasprm[3] = 400.0
    muscle.ctrlrange = [-1.0, 2.0]
    force = muscle.gainprm[2]
    assert lines_of(spec) == (
        "muscle FDP2_r: gear 1, its other five numbers are not used",
        f"muscle FDP2_r: scale 400 is not used, because its force is {force:g} N",
        "muscle FDP2_r: ctrlrange -1 to 2; muscles take 0 to 1 only",
    )


def test_mujoco_leaves_scale_and_ctrlrange_out_indeed(spec):
    """The force of a muscle with another scale and an excitation above 1 is the same."""
    forces = []
    for scale, high, excitation in ((1.0, 1.0, 1.0), (400.0, 5.0, 5.0)):
        muscle = spec.actuator("FDP2_r")
        muscle.gainprm[3] = muscle.biasprm[3] = scale
        muscle.ctrlrange = [0.0, high]
        model = spec.compile()
        data = mujoco.MjData(model)
        data.ctrl[model.actuator("FDP2_r").id] = excitation
        for _ in range(50):
            mujoco.mj_step(model, data)
        forces.append(float(data.actuator_force[model.actuator("FDP2_r").id]))
    assert forces[0] < -1.0
    assert forces[0] == forces[1]


def test_a_length_range_that_the_compiler_replaces(spec):
    """MuJoCo computes a range anew where the lower end is not below the upper one."""
    specimen = specimen_of(spec)
    part = spec.actuator("FDP2_r")
    low, high = part.lengthrange
    part.lengthrange = [high, low]  # as in the file; the model is not compiled again
    assert check_unused(specimen).offenders == (
        f"muscle FDP2_r: lengthrange {1e3 * high:.1f} to {1e3 * low:.1f} mm, "
        f"but MuJoCo takes {1e3 * low:.1f} to {1e3 * high:.1f} mm, which it has computed",
    )


def test_couplings_and_options_that_are_off(spec):
    for equality in spec.equalities:
        if equality.name1 == "md2_flexion_r":
            equality.active = False
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_LIMIT
    assert lines_of(spec) == (
        "option limit: switches off the limits of joints and tendons",
        "coupling of md2_flexion_r: not active",
    )


def test_inertias_that_geoms_replace(spec):
    body = spec.body("distph2_r")
    body.explicitinertial = True
    body.mass = 0.005
    body.inertia = [1e-6, 1e-6, 1e-6]
    assert not lines_of(spec)
    spec.compiler.inertiafromgeom = mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_TRUE
    (line,) = lines_of(spec)
    assert line.startswith("inertial of ")
    assert line.endswith("the compiler's inertiafromgeom is true")


def test_a_model_without_a_spec_is_judged_by_what_it_has(ours):
    assert check_unused(replace(ours, spec=None)).verdict is Verdict.PASS
