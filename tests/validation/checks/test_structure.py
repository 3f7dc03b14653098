"""Checks of structure find what was broken on purpose, and what is known to be wrong with
MyoHand."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.inertia import joint_inertia
from musclehand.body.analysis.size import USUAL_LENGTH, load_hand_sizes
from musclehand.body.build.hand import hand_spec
from musclehand.body.build.scaling import scale_tables
from musclehand.body.build.tables import load_tables
from musclehand.body.naming import own_naming
from musclehand.validation.check import Verdict
from musclehand.validation.checks import structure
from musclehand.validation.checks.structure import (
    CHECKS,
    check_collisions,
    check_constants,
    check_inertia,
    check_parts,
    check_size,
)
from support.changed_specimens import changed, specimen_of


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_our_hand_passes(ours, check):
    finding = check.run(ours)
    if check.code == "V18":  # small joints have armature for the sake of stable steps
        assert finding.verdict is not Verdict.FAIL, finding.offenders
        assert all("of it armature" in line for line in finding.offenders)
        return
    assert finding.verdict is Verdict.PASS, finding.offenders
    assert not finding.offenders


def scaled_spec(length):
    return hand_spec(design=scale_tables(load_tables(), hand_length=length))


def test_myohand_passes_and_fails_as_measured_before(myohand):
    findings = {check.code: check.run(myohand) for check in CHECKS}
    assert {code: finding.verdict.value for code, finding in findings.items()} == {
        "V01": "pass",
        "V02": "pass",
        "V18": "fail",
        "V20": "fail",
        "V35": "pass",
    }
    named = " ".join(findings["V18"].offenders)
    for finger in range(2, 6):
        assert f"midph{finger}_r" in named
        assert f"distph{finger}_r" in named
    assert findings["V20"].value == 0.0
    assert len(findings["V20"].offenders) == 10
    assert "thumb and index: 6 of 6" in findings["V20"].offenders[0]


def test_an_idle_tendon_is_named_and_a_ligament_is_not():
    spec = hand_spec()
    for name, stiffness in (("stray", 0.0), ("ligament", 100.0)):
        tendon = spec.add_tendon(name=name)
        tendon.stiffness = stiffness if np.ndim(tendon.stiffness) == 0 else [stiffness, 0, 0]
        for site in ("tip_index_r", "tip_middle_r"):
            tendon.wrap_site(site)
    finding = check_parts(specimen_of(spec))
    assert finding.verdict is Verdict.FAIL
    assert finding.offenders == (
        "tendon stray: no actuator pulls it, nothing limits or stretches it",
    )


def test_two_actuators_for_one_muscle():
    spec = hand_spec()
    muscles = {**own_naming().muscles, "FDP2": "FDP3"}
    del muscles["FDP3"]
    naming = replace(own_naming(), muscles=muscles)
    finding = check_parts(specimen_of(spec, naming))
    assert finding.offenders == ("muscle FDP2: 2 actuators stand for it",)


def test_constants_that_differ_are_named(ours):
    def change(model):
        model.actuator_biasprm[ours.hand.muscles[4], 2] = 77.0

    finding = check_constants(changed(ours, change))
    force = ours.model.actuator_gainprm[ours.hand.muscles[4], 2]
    assert finding.offenders == (f"{ours.hand.muscle_names[4]}: force {force:g} and 77",)
    assert check_constants(ours).verdict is Verdict.PASS


@pytest.mark.parametrize(("damping", "possible"), [(0.0, True), (0.9, True), (20.0, False)])
def test_a_joint_that_is_held_by_its_damping_is_named(ours, damping, possible):
    dof = ours.hand.dofs[ours.hand.joints.index("mcp2_flexion")]

    def hold(model):
        model.dof_damping[dof] = damping

    offenders = check_constants(changed(ours, hold)).offenders
    line = f"mcp2_flexion: damping {damping:g} N m s/rad"
    assert offenders == (() if possible else (line,))


def test_inertia_of_a_bone_and_mass_of_a_hand(ours):
    body = ours.model.body("midph3_r").id

    def heavy(model):
        model.body_inertia[body] *= 1000.0

    finding = check_inertia(changed(ours, heavy))
    assert "midph3_r" in [line.split(":")[0] for line in finding.offenders]
    length = np.linalg.norm(ours.model.body_pos[ours.model.body("distph3_r").id])
    physical = ours.model.body_inertia[body].max() / (ours.model.body_mass[body] * length**2)
    assert finding.value < 1000.0 * 4.0 * physical  # the bone's length is at most twice its size

    def light(model):
        model.body_mass[:] *= 0.5
        model.body_subtreemass[:] *= 0.5

    offenders = check_inertia(changed(ours, light)).offenders
    half = 0.5 * ours.model.body_subtreemass[ours.model.body("lunate_r").id]
    assert half < 0.23
    assert offenders[0] == f"hand from the wrist down: {half:.3f} kg"


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        (0.0, Verdict.PASS),
        (0.5, Verdict.PASS),
        (1.2, Verdict.WARN),
        (9.0, Verdict.WARN),
        (11.0, Verdict.FAIL),
        (100.0, Verdict.FAIL),
    ],
)
def test_armature_counts_as_inertia_does(ours, factor, verdict):
    """`factor` times the largest inertia that parts of this mass and reach can have."""

    def arm(model):
        most = joint_inertia(ours.model, ours.hand).most
        model.dof_armature[ours.hand.dofs] = factor * most

    finding = check_inertia(changed(ours, arm))
    assert finding.verdict is verdict
    bodies_only = joint_inertia(changed(ours, arm).model, ours.hand)
    share = (bodies_only.inertia - bodies_only.armature) / bodies_only.most
    assert finding.value == pytest.approx(factor + share.max(), rel=1e-6, abs=0.3)
    assert (share < 1.0).all()
    if verdict is not Verdict.PASS:
        assert {line.split(":")[0] for line in finding.offenders} == {*ours.hand.joints}
        assert all("of it armature" in line for line in finding.offenders)


def test_a_fingertip_with_the_inertia_of_a_rotor_is_named(ours):
    dof = ours.hand.dofs[ours.hand.joints.index("md2_flexion")]

    def arm(model):
        model.dof_armature[ours.hand.dofs] = 0.0
        model.dof_armature[dof] = 1e-2

    (line,) = check_inertia(changed(ours, arm)).offenders
    assert line.startswith("md2_flexion: 1.0e-02 kg m^2 is")
    assert line.endswith("100% of it armature")


@pytest.mark.parametrize(
    ("mass", "possible"), [(0.22, False), (0.24, True), (0.74, True), (0.76, False)]
)
def test_hands_weigh_from_230_to_750_g(ours, mass, possible):
    own = ours.model.body_subtreemass[ours.model.body("lunate_r").id]

    def weigh(model):
        for part in (model.body_mass, model.body_subtreemass, model.body_inertia):
            part *= mass / own

    finding = check_inertia(changed(ours, weigh))
    assert f"hand {mass:.3f} kg" in finding.summary
    assert any("hand from the wrist" in line for line in finding.offenders) != possible


@pytest.mark.parametrize(
    ("scale", "verdict", "words"),
    [
        (1000.0, Verdict.FAIL, "looks as if it were in mm"),
        (100.0, Verdict.FAIL, "looks as if it were in cm"),
        (1.0 / 0.0254, Verdict.FAIL, "looks as if it were in inches"),
        (0.1, Verdict.FAIL, "hand length 17.14 mm; adults have 131 to 243"),
        (1.6, Verdict.WARN, "hand length 274.3 mm"),
        (0.6, Verdict.WARN, "hand length 102.8 mm"),
        (1.0, Verdict.PASS, ""),
    ],
)
def test_a_hand_is_as_large_as_peoples(ours, scale, verdict, words):
    """One in millimetres is 171 m long for MuJoCo."""

    def stretch(model):
        for part in (model.body_pos, model.jnt_pos, model.site_pos):
            part *= scale

    finding = check_size(changed(ours, stretch))
    assert finding.verdict is verdict
    assert words in " ".join(finding.offenders)
    assert finding.value == pytest.approx(scale * check_size(ours).value)


def test_a_phalanx_of_twice_its_length_is_named(ours):
    def stretch(model):
        model.body_pos[model.body("midph4_r").id] *= 2.0

    (line,) = check_size(changed(ours, stretch)).offenders
    assert line.startswith("ring proximal phalanx 80.")
    assert "1.9 times" in line
    assert check_size(ours).verdict is Verdict.PASS


@pytest.mark.parametrize("length", [0.14, 0.16, 0.19, 0.22])
def test_hands_of_many_sizes_are_peoples(length):
    assert check_size(specimen_of(scaled_spec(length))).verdict is Verdict.PASS


def test_the_limits_of_size_are_those_of_the_table():
    """The 5th percentile of women and the 95th of men, and beyond as far as both lie apart."""
    rows = [row for row in load_hand_sizes() if row.source == "ANSUR2"]
    by = {(row.sex, row.percentile): row for row in rows}
    for name, limits in (
        ("length", structure.ADULT_LENGTH),
        ("breadth", structure.ADULT_BREADTH),
    ):
        women = [getattr(by["female", percentile], name) for percentile in (5.0, 95.0)]
        men = [getattr(by["male", percentile], name) for percentile in (5.0, 95.0)]
        assert limits == pytest.approx((2 * women[0] - women[1], 2 * men[1] - men[0]))
    mean = np.mean([by[sex, 50.0].length for sex in ("female", "male")])
    assert pytest.approx(mean, abs=1e-3) == USUAL_LENGTH


def test_what_may_touch_agrees_with_what_mujoco_finds(ours):
    """Fingers squeezed together: MuJoCo reports contacts of a bone exactly where the check says
    there can be any."""

    def blind(model):
        geoms = model.geom_bodyid == model.body("midph2_r").id
        model.geom_contype[geoms] = model.geom_conaffinity[geoms] = 0

    specimen = changed(ours, blind)
    finding = check_collisions(specimen)
    assert finding.verdict is Verdict.FAIL
    assert len(finding.offenders) == 4
    assert all("index" in line and "midph2_r" in line for line in finding.offenders)
    for hand, expected in ((ours, True), (specimen, False)):
        data = mujoco.MjData(hand.model)
        data.qpos[hand.hand.qpos[hand.hand.joints.index("mcp2_abduction")]] = -0.35
        data.qpos[hand.hand.qpos[hand.hand.joints.index("mcp3_abduction")]] = 0.35
        mujoco.mj_forward(hand.model, data)
        geoms = np.asarray(data.contact.geom).reshape(-1, 2)
        bodies = {hand.model.body(int(body)).name for body in hand.model.geom_bodyid[geoms].ravel()}
        assert ("midph2_r" in bodies) is expected


def test_neighbours_that_collide_are_named():
    spec = hand_spec()
    for exclude in list(spec.excludes):
        if {exclude.bodyname1, exclude.bodyname2} == {"midph4_r", "distph4_r"}:
            spec.delete(exclude)
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_FILTERPARENT
    finding = check_collisions(specimen_of(spec))
    assert any(
        "midph4_r and distph4_r: neighbours in one digit collide" in line
        for line in finding.offenders
    )
