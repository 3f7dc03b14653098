"""Checks of structure find what was broken on purpose, and what is known to be wrong with
MyoHand."""

import copy
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen, Verdict
from musclehand.validation.checks.structure import (
    CHECKS,
    check_collisions,
    check_gain_and_bias,
    check_inertia,
    check_names,
    check_parts,
)


def changed(specimen, change):
    """The same hand in a copy of its model that `change` has been at."""
    model = copy.copy(specimen.model)
    change(model)
    return replace(specimen, model=model)


def specimen_of(spec, naming=None):
    model = spec.compile()
    naming = naming or own_naming()
    return Specimen("changed", model, HandIndex.from_model(model, Side.RIGHT, naming), naming, spec)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_our_hand_passes(ours, check):
    finding = check.run(ours)
    assert finding.verdict is Verdict.PASS, finding.offenders
    assert not finding.offenders


def test_myohand_passes_and_fails_as_measured_before(myohand):
    findings = {check.code: check.run(myohand) for check in CHECKS}
    assert {code: finding.verdict.value for code, finding in findings.items()} == {
        "V01": "pass",
        "V02": "pass",
        "V18": "fail",
        "V20": "fail",
        "V24": "pass",
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
    naming = replace(own_naming(), muscles={**own_naming().muscles, "FDP3": "FDP2"})
    finding = check_parts(specimen_of(spec, naming))
    assert finding.offenders == ("muscle FDP2: 2 actuators stand for it",)


def test_constants_that_differ_are_named(ours):
    def change(model):
        model.actuator_biasprm[ours.hand.muscles[4], 2] = 77.0

    finding = check_gain_and_bias(changed(ours, change))
    force = ours.model.actuator_gainprm[ours.hand.muscles[4], 2]
    assert finding.offenders == (f"{ours.hand.muscle_names[4]}: force {force:g} and 77",)
    assert check_gain_and_bias(ours).verdict is Verdict.PASS


def test_inertia_of_a_bone_and_mass_of_a_hand(ours):
    body = ours.model.body("midph3_r").id

    def heavy(model):
        model.body_inertia[body] *= 1000.0

    finding = check_inertia(changed(ours, heavy))
    assert [line.split(":")[0] for line in finding.offenders] == ["midph3_r"]
    length = np.linalg.norm(ours.model.body_pos[ours.model.body("distph3_r").id])
    physical = ours.model.body_inertia[body].max() / (ours.model.body_mass[body] * length**2)
    assert finding.value < 1000.0 * physical  # the size seen is at least the bone's length

    def light(model):
        model.body_mass[:] *= 0.5
        model.body_subtreemass[:] *= 0.5  # 0.18 kg

    offenders = check_inertia(changed(ours, light)).offenders
    assert offenders[0].startswith("hand from the wrist down: 0.18")


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
    assert (finding.verdict is Verdict.PASS) == possible


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


def test_swapped_names_of_the_thumb_are_seen_by_how_it_moves():
    own = own_naming()
    swapped = replace(
        own, joints={**own.joints, "cmc_flexion": "cmc_abduction", "cmc_abduction": "cmc_flexion"}
    )
    spec = hand_spec()
    finding = check_names(specimen_of(spec, swapped))
    assert finding.verdict is Verdict.FAIL
    assert len(finding.offenders) >= 2
    assert all("takes" in line for line in finding.offenders[:2])
    flexion = spec.joint("cmc_flexion_r")
    abduction = spec.joint("cmc_abduction_r")
    flexion.name = "other"
    abduction.name = "cmc_flexion_r"
    flexion.name = "cmc_abduction_r"
    finding = check_names(specimen_of(spec, swapped))
    assert finding.verdict is Verdict.FAIL
    assert "cmc_abduction_r: called abduction" in finding.offenders[0]
    assert "cmc_flexion_r: called flexion" in finding.offenders[1]


def test_reversed_signs_are_a_warning(ours):
    naming = replace(own_naming(), joints={**own_naming().joints, "deviation": "-deviation"})
    hand = HandIndex.from_model(ours.model, Side.RIGHT, naming)
    finding = check_names(replace(ours, hand=hand, naming=naming))
    assert finding.verdict is Verdict.WARN
    assert finding.offenders == ("deviation_r: positive the other way round",)
