"""An edit of an exported file is told in the words of who made it."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen
from musclehand.validation.difference.compare import compare
from musclehand.validation.specimen import open_specimens

INDEX_MCP = "mcp2_flexion"
SITE = "FDP2_m2b"
MUSCLE = "FDP2"


def specimen_of(spec, side):
    model = spec.compile()
    return Specimen("hand", model, HandIndex.from_model(model, side), own_naming(), spec)


@pytest.fixture(scope="module", params=list(Side), ids=lambda side: side.name.lower())
def original(request):
    return specimen_of(hand_spec(request.param), request.param)


@pytest.fixture
def side(original):
    return original.hand.side


@pytest.fixture
def spec(original):
    return original.spec.copy()


def changes(original, spec, group):
    told = compare([original], [specimen_of(spec, original.hand.side)]).changes
    return [change for change in told if change.group == group]


def only(original, spec, group):
    (change,) = changes(original, spec, group)
    return change


def turn_axis(joint, towards, degrees):
    """Turns the axis of a joint towards a direction that is square to it."""
    axis = np.asarray(joint.axis) / np.linalg.norm(joint.axis)
    across = np.asarray(towards) - axis * (axis @ towards)
    across /= np.linalg.norm(across)
    angle = np.deg2rad(degrees)
    joint.axis = np.cos(angle) * axis + np.sin(angle) * across


def test_a_flipped_axis(original, spec, side):
    joint = spec.joint(side.name_of(INDEX_MCP))
    joint.axis = -np.asarray(joint.axis)
    change = only(original, spec, "joints")
    ends = "(radial -> ulnar)" if side is Side.RIGHT else "(ulnar -> radial)"
    assert change.part == "index MCP flexion"
    assert change.words == f"axis of mcp2_flexion turned by 180 deg {ends}"
    assert change.joint == INDEX_MCP
    assert change.new == pytest.approx(180.0)


@pytest.mark.parametrize("degrees", [0.5, 7.5, 30.0, 90.0, 120.0, 179.0])
def test_a_turned_axis(original, spec, side, degrees):
    turn_axis(spec.joint(side.name_of(INDEX_MCP)), np.array([0.0, 0.0, 1.0]), degrees)
    change = only(original, spec, "joints")
    assert change.new == pytest.approx(degrees, abs=0.01)
    assert change.words.startswith(f"axis of mcp2_flexion turned by {degrees:g} deg")


def test_swapped_axes(original, spec, side):
    flexion, abduction = (
        spec.joint(side.name_of(f"mcp2_{motion}")) for motion in ("flexion", "abduction")
    )
    flexion.axis, abduction.axis = np.array(abduction.axis), np.array(flexion.axis)
    told = changes(original, spec, "joints")
    assert {change.joint for change in told} == {"mcp2_flexion", "mcp2_abduction"}
    assert all("turned by" in change.words and "->" in change.words for change in told)


def test_every_joint_that_is_flipped(original, side):
    for name in original.hand.joints:
        spec = original.spec.copy()
        joint = spec.joint(side.name_of(name))
        joint.axis = -np.asarray(joint.axis)
        told = changes(original, spec, "joints")
        assert [change.joint for change in told] == [name]
        assert "turned by 180 deg" in told[0].words


def test_the_axis_leads_the_list(original, spec, side):
    joint = spec.joint(side.name_of(INDEX_MCP))
    joint.axis = -np.asarray(joint.axis)
    told = compare([original], [specimen_of(spec, side)])
    assert told.changes[0].group == "joints"
    assert "axis of mcp2_flexion turned by 180 deg" in str(told)


def test_a_moved_axis(original, spec, side):
    joint = spec.joint(side.name_of(INDEX_MCP))
    joint.pos = np.asarray(joint.pos) + np.array([0.0, -0.005, 0.0])
    change = only(original, spec, "joints")
    assert change.words == "axis of mcp2_flexion moved 5.0 mm distal"


def test_limits_taken_off(original, spec, side):
    spec.joint(side.name_of(INDEX_MCP)).limited = 0
    change = only(original, spec, "range of motion")
    assert change.words.endswith("deg -> none")


def test_another_reference_angle(original, spec, side):
    spec.joint(side.name_of(INDEX_MCP)).ref = np.deg2rad(20)
    change = only(original, spec, "joints")
    assert change.words == "angle as drawn (ref) 0.0 -> 20.0 deg (+20.0)"


def test_another_order_of_joints(original, side, tmp_path):
    xml = original.spec.to_xml()
    first, second = (
        next(line for line in xml.splitlines() if f'<joint name="{side.name_of(name)}"' in line)
        for name in ("mcp2_flexion", "mcp2_abduction")
    )
    swapped = xml.replace(first, "@").replace(second, first).replace("@", second)
    path = tmp_path / "hand.xml"
    path.write_text(swapped)
    told = compare([original], open_specimens(path)).changes
    (change,) = (change for change in told if change.group == "joints")
    assert change.part == "proximal phalanx of the index finger"
    assert change.words == (
        "turned by mcp2_abduction, then mcp2_flexion, before by mcp2_flexion, then mcp2_abduction"
    )


def test_a_fingertip_moved(original, spec, side):
    site = spec.site(original.model.site(int(original.hand.tips[1])).name)
    site.pos = np.asarray(site.pos) + np.array([0.0, -0.004, 0.0])
    change = only(original, spec, "fingertips")
    assert (change.part, change.words) == ("tip of the index finger", "moved 4.0 mm distal")


def test_a_surface_moved_thickened_and_replaced(original, spec, side):
    geom = spec.geom(side.name_of("wristcyl_palmar"))
    geom.size = [1.5 * geom.size[0], *geom.size[1:]]
    told = changes(original, spec, "paths")
    assert MUSCLE in {change.muscle for change in told}
    assert all("surface wristcyl_palmar: radius" in change.words for change in told)
    assert all("(+50 %)" in change.words for change in told)


def test_the_other_side_of_a_surface(original, side, tmp_path):
    xml = original.spec.to_xml()
    path = tmp_path / "hand.xml"
    palm, back = side.name_of("wrist_palm"), side.name_of("wrist_back")
    path.write_text(xml.replace(f'sidesite="{palm}"', f'sidesite="{back}"'))
    told = compare([original], open_specimens(path)).changes
    words = [c.words for c in told if (c.group, c.muscle) == ("paths", MUSCLE)]
    assert any(text.startswith("added: point wrist_back") for text in words)
    assert any(text.startswith("removed: point wrist_palm") for text in words)


def test_no_side_of_a_surface(original, side, tmp_path):
    xml = original.spec.to_xml()
    path = tmp_path / "hand.xml"
    path.write_text(xml.replace(f' sidesite="{side.name_of("wrist_palm")}"', ""))
    told = compare([original], open_specimens(path)).changes
    words = [c.words for c in told if (c.group, c.muscle) == ("paths", MUSCLE)]
    assert any(text.startswith("removed: point wrist_palm") for text in words)


def test_the_control_of_a_muscle(original, spec, side):
    actuator = spec.actuator(side.name_of(MUSCLE))
    actuator.gear = [2.0, *actuator.gear[1:]]
    actuator.ctrlrange = [0.0, 100.0]
    actuator.forcerange = [-10.0, 0.0]
    actuator.forcelimited = 1
    told = {change.words for change in changes(original, spec, "control")}
    assert told == {
        "gear 1 -> 2",
        "range of excitation 0 1 -> 0 100",
        "range of force [N] none -> -10",
    }


def test_passive_constants_that_are_not_the_active_ones(original, spec, side):
    actuator = spec.actuator(side.name_of(MUSCLE))
    actuator.biasprm[7] = 2.0 * actuator.gainprm[7]
    change = only(original, spec, "passive constants")
    assert change.words.startswith("passive fpmax")
    assert change.words.endswith("(+100 %)")


def test_a_tendon_that_is_a_spring_itself(original, spec, side):
    spec.tendon(side.name_of(MUSCLE)).stiffness = [1e4, 0.0, 0.0]
    told = [change.words for change in changes(original, spec, "tendons")]
    assert "stiffness [N/m] 0 -> 10000" in told


def test_a_coupling_with_an_offset_and_a_curve(original, spec, side):
    equality = spec.equality(side.name_of("md2_flexion_coupling"))
    equality.data[0] = np.deg2rad(10)
    equality.data[2] = 0.3
    told = {change.words for change in changes(original, spec, "couplings")}
    assert told == {"offset 0.0 -> 10.0 deg", "higher coefficients 0 0 0 -> 0.3 0 0"}


def test_extra_parts(original, spec, side):
    tendon = spec.add_tendon(name=side.name_of("ligament"))
    tendon.wrap_site(side.name_of("FDP2_m0a"))
    tendon.wrap_site(side.name_of("FDP2_m1a"))
    spec.add_actuator(name=side.name_of("motor"), trntype=0, target=side.name_of(INDEX_MCP))
    geoms = [side.name_of(name) for name in ("skin_2proxph", "skin_4proxph")]
    spec.add_pair(geomname1=geoms[0], geomname2=geoms[1])
    told = {
        (c.group, c.part, c.words) for c in compare([original], [specimen_of(spec, side)]).changes
    }
    assert told == {
        ("tendons", "tendon ligament", "added"),
        ("actuators", "actuator motor", "added"),
        ("contacts", "pair skin_2proxph and skin_4proxph", "added"),
    }


def test_an_outline_turned(original, spec, side):
    geom = spec.geom(side.name_of("skin_2proxph"))
    ends = np.reshape(geom.fromto, (2, 3)) if np.isfinite(geom.fromto).all() else None
    if ends is None:
        geom.quat = [1.0, 0.0, 0.0, 0.0]
    else:
        centre = ends.mean(axis=0)
        reach = np.array([np.linalg.norm(ends[1] - ends[0]) / 2, 0.0, 0.0])
        geom.fromto = [*(centre - reach), *(centre + reach)]
    told = [change.words for change in changes(original, spec, "contacts")]
    assert any(words.startswith("outline turned by") for words in told)


def test_flags_of_the_simulation_by_name(original, spec):
    spec.option.disableflags |= 1 << 11
    change = only(original, spec, "simulation")
    assert (change.part, change.words) == ("disabled", "none -> actuation")
