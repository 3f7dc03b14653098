"""Names and directions: what is called otherwise, turned, flipped or unknown is told, by geometry."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Verdict
from musclehand.validation.checks.names import (
    ODD_TURN_DEG,
    WRONG_TURN_DEG,
    check_directions,
    check_names,
)
from support.changed_specimens import changed, make_muscle, specimen_of


def turned(specimen, joint, axis, degrees):
    """The hand with the axis of a joint turned about another axis, both in the body's frame."""
    number = specimen.hand.joint_ids(specimen.model)[specimen.hand.joints.index(joint)]

    def turn(model):
        quat = np.zeros(4)
        mujoco.mju_axisAngle2Quat(quat, np.asarray(axis, dtype=float), np.deg2rad(degrees))
        rotated = np.zeros(3)
        mujoco.mju_rotVecQuat(rotated, model.jnt_axis[number], quat)
        model.jnt_axis[number] = rotated

    return changed(specimen, turn)


def test_our_hands_and_myohand_move_where_their_names_say(ours, other_side, myohand):
    for specimen in (ours, other_side, myohand):
        for check in (check_names, check_directions):
            finding = check(specimen)
            assert finding.verdict is Verdict.PASS, finding.offenders
            assert not finding.offenders


@pytest.mark.parametrize("joint", HAND_JOINTS)
def test_a_flipped_axis_is_named(ours, joint):
    number = ours.hand.joint_ids(ours.model)[ours.hand.joints.index(joint)]

    def flip(model):
        model.jnt_axis[number] *= -1.0

    finding = check_directions(changed(ours, flip))
    assert finding.verdict is Verdict.FAIL
    (line,) = finding.offenders
    assert line.startswith(f"{joint}_r: positive angles")


@pytest.mark.parametrize("joint", ["mcp3_flexion", "pm3_flexion", "md3_flexion", "mcp3_abduction"])
def test_an_axis_turned_about_the_finger_is_named(ours, joint):
    """By a quarter the fingertip moves sideways."""
    usual = check_directions(ours).value
    finding = check_directions(turned(ours, joint, (0.0, 1.0, 0.0), 90.0))
    assert finding.verdict is Verdict.FAIL
    assert finding.offenders[0].startswith(f"{joint}_r: positive angles")
    assert finding.value == pytest.approx(90.0, abs=usual)


def test_the_angle_is_that_by_which_an_axis_was_turned():
    """A hand of straight bars, whose axes lie along its directions: closed form."""
    for degrees, verdict in ((0.0, Verdict.PASS), (30.0, Verdict.PASS), (50.0, Verdict.WARN)):
        specimen = bars(degrees)
        finding = check_directions(specimen)
        assert finding.verdict is verdict
        assert finding.value == pytest.approx(degrees, abs=1e-3)
    assert check_directions(bars(70.0)).verdict is Verdict.FAIL
    assert check_directions(bars(180.0)).value == pytest.approx(180.0, abs=1e-3)
    assert ODD_TURN_DEG < 50.0 < WRONG_TURN_DEG < 70.0


def bars(degrees):
    """Index, middle and little finger as bars along -y from a wrist; the axis of the middle finger
    turned about the finger."""
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    palm = spec.worldbody.add_body(name="palm")
    palm.add_geom(size=[0.01, 0, 0])
    palm.add_joint(name="flexion_r", axis=[1, 0, 0])
    spec.worldbody.add_site(name="origin")
    palm.add_site(name="insertion", pos=[0.0, -0.02, 0.01])
    turn = np.deg2rad(degrees)
    for finger, digit, x in ((2, "index", 0.02), (3, "middle", 0.0), (5, "little", -0.02)):
        bar = palm.add_body(name=f"bar{finger}", pos=[x, -0.08, 0.0])
        bar.add_geom(size=[0.005, 0, 0], pos=[0, -0.05, 0])
        axis = [np.cos(turn), 0.0, np.sin(turn)] if finger == 3 else [1.0, 0.0, 0.0]
        bar.add_joint(name=f"mcp{finger}_flexion_r", axis=axis)
        bar.add_site(name=f"tip_{digit}_r", pos=[0.0, -0.1, 0.0])
    tendon = spec.add_tendon(name="FCR_r")
    tendon.wrap_site("origin")
    tendon.wrap_site("insertion")
    muscle = spec.add_actuator(name="FCR_r", trntype=mujoco.mjtTrn.mjTRN_TENDON, target="FCR_r")
    make_muscle(muscle, force=1, lengthrange=[0.01, 0.03])
    return specimen_of(spec)


def test_a_hand_of_the_wrong_side_moves_like_the_other(ours):
    wrong = replace(ours, hand=replace(ours.hand, side=Side.LEFT))
    finding = check_directions(wrong)
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.endswith("it moves like the other hand")
    assert not check_directions(ours).summary.endswith("other hand")


def test_directions_need_a_wrist_and_knuckles(ours):
    kept = [i for i, joint in enumerate(ours.hand.joints) if joint != "mcp5_flexion"]
    hand = replace(
        ours.hand,
        joints=tuple(ours.hand.joints[i] for i in kept),
        dofs=ours.hand.dofs[kept],
        qpos=ours.hand.qpos[kept],
        signs=ours.hand.signs[kept],
    )
    finding = check_directions(replace(ours, hand=hand))
    assert finding.verdict is Verdict.SKIP
    assert "mcp5_flexion" in finding.summary


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


def with_copy_of(muscle, name, *, shift=0.0):
    """Our hand with a second muscle along the path of one, its points shifted [m]."""
    spec = hand_spec()
    tendon = spec.add_tendon(name=name)
    for wrap in spec.tendon(f"{muscle}_r").path:
        if wrap.type == mujoco.mjtWrap.mjWRAP_SITE:
            site = wrap.target
            twin = site.parent.add_site(
                name=f"{name}_{site.name}", pos=np.add(site.pos, [0.0, 0.0, shift])
            )
            tendon.wrap_site(twin.name)
        elif wrap.type in (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER):
            side = wrap.sidesite.name if wrap.sidesite is not None else ""
            tendon.wrap_geom(wrap.target.name, side)
        else:
            tendon.wrap_pulley(wrap.divisor)
    actuator = spec.add_actuator(name=name, trntype=mujoco.mjtTrn.mjTRN_TENDON, target=name)
    make_muscle(actuator, force=50, lengthrange=[0.3, 0.4])
    return spec


@pytest.mark.parametrize("muscle", ["FDP2", "EPL", "DI1", "ECU"])
def test_an_unknown_muscle_is_named_with_the_path_that_it_has(muscle):
    finding = check_names(specimen_of(with_copy_of(muscle, "MYMUS_r")))
    assert finding.verdict is Verdict.WARN
    (line,) = finding.offenders
    assert line.startswith("muscle MYMUS_r: no anatomical name, so that checks of published")
    assert line.endswith(f"its path is that of {muscle}")


def test_a_similar_path_is_said_to_be_similar():
    (line,) = check_names(specimen_of(with_copy_of("ECRL", "MYMUS_r", shift=-0.003))).offenders
    assert line.endswith("its path is nearly that of ECRL")


def test_a_muscle_that_has_lost_its_name_is_recognised():
    spec = hand_spec()
    spec.actuator("FDP2_r").name = "MYMUS_r"
    (line,) = check_names(specimen_of(spec)).offenders
    assert line.endswith("its path is that of FDP2 in the bundled hand: name it in a naming file")


def test_a_muscle_with_the_suffix_of_the_other_hand_is_recognised():
    spec = hand_spec()
    spec.actuator("FDP2_r").name = "FDP2_l"
    (line,) = check_names(specimen_of(spec)).offenders
    assert line.startswith("muscle FDP2_l: no anatomical name")
    assert "that of FDP2 in the bundled hand" in line


def test_a_path_like_no_others_has_no_likeness(ours):
    spec = hand_spec()
    tendon = spec.add_tendon(name="MYMUS_r")
    for site in ("tip_index_r", "tip_little_r"):
        tendon.wrap_site(site)
    actuator = spec.add_actuator(
        name="MYMUS_r", trntype=mujoco.mjtTrn.mjTRN_TENDON, target="MYMUS_r"
    )
    make_muscle(actuator, force=50, lengthrange=[0.01, 0.1])
    (line,) = check_names(specimen_of(spec)).offenders
    assert line.endswith("no known muscle has such a path")


def test_the_palms_joints_need_not_be_there_and_the_order_of_others_counts(ours, myohand):
    assert "cmc4_flexion" not in myohand.hand.joints
    assert check_names(myohand).verdict is Verdict.PASS
    qpos = ours.hand.qpos.copy()
    first = ours.hand.joints.index("pm2_flexion")
    second = ours.hand.joints.index("md2_flexion")
    qpos[[first, second]] = qpos[[second, first]]
    finding = check_names(replace(ours, hand=replace(ours.hand, qpos=qpos)))
    assert finding.offenders == ("order of joints: md2_flexion where pm2_flexion is expected",)
