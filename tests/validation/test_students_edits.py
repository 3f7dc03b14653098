"""What students do to an exported hand: each edit gets one line that names the cause, or the right
check fails.

The tables below say, for each edit, what must be said of it. Edits are made in the XML that
`musclehand export` writes, as with a text editor.
"""

from typing import NamedTuple
from xml.etree import ElementTree

import mujoco
import pytest

from musclehand.cli import main
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation.check import Verdict
from musclehand.validation.difference.compare import compare
from musclehand.validation.specimen import open_specimens
from musclehand.validation.suite import examine
from support.xml_edits import (
    HandXml,
    added,
    all_of,
    axis_turned,
    copied,
    exchanged,
    fibre,
    in_unit,
    muscle_copied,
    names_exchanged,
    put,
    put_first,
    removed,
    renamed,
    site_mirrored,
    site_moved,
    stations,
    swapped,
    times,
    times_all,
)

PARTS = "V01"
CONSTANTS = "V02"
LENGTH_RANGES = "V03"
FORCE_OVER_RANGE = "V04"
FIBRE_LENGTHS = "V05"
PEAK_FORCES = "V06"
SIGNS_OF_ARMS = "V08"
MISSING_ARMS = "V09"
SIZE_OF_ARMS = "V11"
PAD_FORCE = "V14"
DRIFT = "V17"
INERTIA = "V18"
RANGES = "V19"
COLLISIONS = "V20"
SIDES = "V21"
TAPPING = "V22"
NAMES = "V24"
PASSIVE_TORQUE = "V26"
WRIST_STRENGTH = "V30"
PASSIVE_CURVES = "V31"
SIZE = "V35"
DIRECTIONS = "V36"
UNUSED = "V37"
TIME_CONSTANTS = "V38"
COUPLINGS = "V39"

MCP2 = "mcp2_flexion_r"
FDP2 = "FDP2_r"
COUPLING = "md2_flexion_coupling_r"


def element(text):
    return ElementTree.fromstring(text)


def include(file):
    return added("mujoco", f'<include file="{file}"/>')


def move(hand, site, body):
    hand.parent(site).remove(site)
    hand.part("body", body).append(site)


def to_motor(actuator):
    actuator.tag = "motor"
    for attribute in set(actuator.attrib) - {"name", "tendon"}:
        del actuator.attrib[attribute]


class Answer(NamedTuple):
    """What a check must say of an edit."""

    code: str
    """The check."""

    words: str
    """Words of a line about a part at fault."""

    verdict: Verdict = Verdict.FAIL
    """Its verdict."""


def warning(code, words):
    return Answer(code, words, Verdict.WARN)


CHECKED = {
    # units
    "a site in millimetres": (
        times("site", "FDP2_m0a_r", "pos", 1e3),
        Answer(LENGTH_RANGES, "FDP2"),
    ),
    "the hand in millimetres": (in_unit(1e3), Answer(SIZE, "mm")),
    "the hand in centimetres": (in_unit(1e2), Answer(SIZE, "cm")),
    "one range in degrees": (
        put("joint", MCP2, range="-35 90"),
        Answer(RANGES, "mcp2_flexion: flexion 5157 deg"),
    ),
    "a compiler in degrees": (put_first("compiler", angle="degree"), Answer(RANGES, "pm2_flexion")),
    "one force in kN": (times("muscle", FDP2, "force", 1e-3), Answer(PEAK_FORCES, "FDP2: 0.1 N")),
    "all forces in kN": (times_all("muscle", "force", 1e-3), Answer(WRIST_STRENGTH, "0.0 N m")),
    "all forces in grams": (times_all("muscle", "force", 102.0), Answer(WRIST_STRENGTH, "N m")),
    "a rest angle in degrees": (
        put("joint", MCP2, springref="35"),
        Answer(PASSIVE_CURVES, "index MCP flexion"),
    ),
    "one mass in grams": (
        times("geom", "skin_2proxph_r", "mass", 1e3),
        Answer(INERTIA, "hand from the wrist down"),
    ),
    "all masses in grams": (
        times_all("geom", "mass", 1e3),
        Answer(INERTIA, "hand from the wrist down"),
    ),
    "stiffness per degree": (
        times("joint", MCP2, "stiffness", 57.3),
        Answer(PASSIVE_CURVES, "index MCP flexion"),
    ),
    "time constants in ms": (
        put("muscle", FDP2, timeconst="10 20"),
        Answer(TIME_CONSTANTS, "FDP2: activation 10000 ms"),
    ),
    "damping in mN m s": (
        times("joint", MCP2, "damping", 1e3),
        Answer(TAPPING, "index: 0 Hz"),
    ),
    "excitation in per cent": (
        put("muscle", FDP2, ctrlrange="0 100"),
        warning(UNUSED, "FDP2_r: ctrlrange 0 to 100"),
    ),
    "a coupling in per cent": (
        put("joint", COUPLING, polycoef="0 67 0 0 0"),
        Answer(COUPLINGS, "md2_flexion: 67.00 times pm2_flexion, which leads it to"),
    ),
    "a length range in millimetres": (
        times("muscle", FDP2, "lengthrange", 1e3),
        Answer(LENGTH_RANGES, "FDP2: range"),
    ),
    # axes
    "a flexion axis flipped": (
        times("joint", MCP2, "axis", -1.0),
        Answer(DIRECTIONS, "mcp2_flexion"),
    ),
    "an abduction axis flipped": (
        put("joint", "mcp4_abduction_r", axis="0 0 -1"),
        Answer(DIRECTIONS, "mcp4_abduction"),
    ),
    "a thumb axis flipped": (
        times("joint", "ip_flexion_r", "axis", -1.0),
        Answer(DIRECTIONS, "ip_flexion"),
    ),
    "a wrist axis flipped": (
        times("joint", "flexion_r", "axis", -1.0),
        Answer(DIRECTIONS, "flexion"),
    ),
    "the forearm's axis flipped": (
        times("joint", "pro_sup_r", "axis", -1.0),
        Answer(DIRECTIONS, "pro_sup"),
    ),
    "two axes exchanged": (
        exchanged("joint", (MCP2, "mcp2_abduction_r"), "axis"),
        Answer(DIRECTIONS, "mcp2_flexion"),
    ),
    "an axis turned by 45 deg": (axis_turned(MCP2, 45.0), Answer(SIZE_OF_ARMS, "mcp2_flexion")),
    "an axis turned by 70 deg": (axis_turned(MCP2, 70.0), Answer(DIRECTIONS, "mcp2_flexion")),
    "an axis moved by 10 mm": (
        put("joint", MCP2, pos="0 -0.01 0"),
        Answer(SIGNS_OF_ARMS, "mcp2_flexion"),
    ),
    # names
    "a joint misspelt": (
        renamed("pm2_flexion_r", "pm2_flexoin_r"),
        warning(NAMES, "pm2_flexion: not in the model"),
    ),
    "flexion and abduction of the thumb exchanged": (
        names_exchanged("cmc_flexion_r", "cmc_abduction_r"),
        Answer(NAMES, "cmc_flexion_r"),
    ),
    "flexion and abduction of a finger exchanged": (
        names_exchanged(MCP2, "mcp2_abduction_r"),
        Answer(DIRECTIONS, "mcp2_flexion"),
    ),
    "joints of two fingers exchanged": (
        names_exchanged(MCP2, "mcp3_flexion_r"),
        Answer(MISSING_ARMS, "mcp2_flexion"),
    ),
    "a muscle misspelt": (renamed(FDP2, "FPD2_r"), warning(NAMES, "FPD2")),
    "a muscle in small letters": (put("muscle", FDP2, name="fdp2_r"), warning(NAMES, "fdp2")),
    "the suffix of the other side": (put("muscle", FDP2, name="FDP2_l"), warning(NAMES, "FDP2_l")),
    # missing and extra parts
    "a muscle removed": (
        all_of(removed("muscle", FDP2), removed("spatial", FDP2)),
        Answer(PAD_FORCE, "index"),
    ),
    "a tendon without its muscle": (removed("muscle", FDP2), Answer(PARTS, "tendon FDP2_r")),
    "a muscle on another tendon": (
        put("muscle", FDP2, tendon="FDP3_r"),
        Answer(MISSING_ARMS, "FDP2 at mcp2_flexion"),
    ),
    "two muscles on one tendon": (
        added("actuator", '<muscle name="FDP2two_r" tendon="FDP2_r" force="10"/>'),
        warning(NAMES, "FDP2two"),
    ),
    "a muscle of one's own": (muscle_copied(FDP2, "MYMUS_r"), warning(NAMES, "MYMUS")),
    "a muscle of one's own without a side": (muscle_copied(FDP2, "MYMUS"), warning(NAMES, "MYMUS")),
    "a muscle twice under like names": (muscle_copied(FDP2, "FDP2b_r"), warning(NAMES, "FDP2b")),
    "a point left out of a path": (
        stations(FDP2, lambda path: [s for s in path if s.get("site") != "FDP2_m0a_r"]),
        Answer(SIZE_OF_ARMS, "FDP2 at mcp2_flexion"),
    ),
    "the insertion left out": (
        stations(FDP2, lambda path: path[:-1]),
        Answer(MISSING_ARMS, "FDP2 at md2_flexion"),
    ),
    "a path from origin to insertion": (
        stations(FDP2, lambda path: [path[0], path[-1]]),
        Answer(SIZE_OF_ARMS, "FDP2"),
    ),
    "a wrap left out": (
        stations(FDP2, lambda path: [s for s in path if s.tag != "geom"]),
        Answer(SIZE_OF_ARMS, "FDP2 at flexion"),
    ),
    "points in another order": (
        stations(FDP2, lambda path: [*path[:-3], path[-1], path[-3], path[-2]]),
        Answer(SIZE_OF_ARMS, "FDP2 at md2_flexion"),
    ),
    "a finger that touches nothing": (
        all_of(
            *(
                put("geom", f"skin_{bone}_r", contype="0", conaffinity="0")
                for bone in ("2proxph", "midph2", "distph2")
            )
        ),
        Answer(COLLISIONS, "thumb and index"),
    ),
    # lengths
    "a length range exchanged": (
        swapped("muscle", FDP2, "lengthrange"),
        warning(UNUSED, "FDP2_r: lengthrange"),
    ),
    "a length range of another muscle": (
        copied("muscle", FDP2, "lengthrange", "FCR_r"),
        Answer(LENGTH_RANGES, "FDP2"),
    ),
    "an origin moved, the length range stale": (
        site_moved("ECRL_r", 0, (0.0, 0.03, 0.0)),
        Answer(LENGTH_RANGES, "ECRL"),
    ),
    "no range of fibres": (put("muscle", FDP2, range=None), Answer(FIBRE_LENGTHS, "FDP2")),
    "a slack length below 0": (
        fibre(FDP2, slack=-0.02),
        Answer(FIBRE_LENGTHS, "FDP2: tendon slack length -20.0 mm"),
    ),
    "a slack length of 0": (fibre(FDP2, slack=0.0), Answer(PASSIVE_TORQUE, "N m")),
    "a fibre twice as long": (fibre(FDP2, l0=2.0), Answer(FIBRE_LENGTHS, "FDP2: l0")),
    "a fibre half as long": (fibre(FDP2, l0=0.5), Answer(FORCE_OVER_RANGE, "FDP2")),
    # forces
    "ten times the force": (times("muscle", FDP2, "force", 10.0), Answer(PEAK_FORCES, "FDP2")),
    "no force": (put("muscle", FDP2, force="0"), Answer(PEAK_FORCES, "FDP2: 0.0 N")),
    "no force given": (put("muscle", FDP2, force=None), Answer(PEAK_FORCES, "FDP2")),
    "a force of another muscle": (
        copied("muscle", "LU2_r", "force", FDP2),
        Answer(PEAK_FORCES, "LU2"),
    ),
    "ten times all forces": (times_all("muscle", "force", 10.0), Answer(WRIST_STRENGTH, "N m")),
    "a gear of 2": (put("muscle", FDP2, gear="2"), Answer(LENGTH_RANGES, "FDP2")),
    "a gear of -1": (put("muscle", FDP2, gear="-1"), Answer(SIGNS_OF_ARMS, "FDP2")),
    "a gear of 0": (put("muscle", FDP2, gear="0"), Answer(MISSING_ARMS, "FDP2")),
    # inertia
    "100 times the armature": (
        times_all("joint", "armature", 100.0),
        Answer(INERTIA, "md5_flexion"),
    ),
    "100 times one armature": (
        times("joint", "md2_flexion_r", "armature", 100.0),
        Answer(INERTIA, "md2_flexion"),
    ),
    "a least inertia of all bodies": (
        put_first("compiler", boundinertia="0.01"),
        Answer(INERTIA, "kg m^2"),
    ),
    "a least mass of all bodies": (
        put_first("compiler", boundmass="1"),
        Answer(INERTIA, "hand from the wrist down"),
    ),
    "the mass of the whole body": (
        put_first("compiler", settotalmass="70"),
        Answer(INERTIA, "hand from the wrist down"),
    ),
    "the inertia of another body": (
        lambda hand: hand.part("body", "distph2_r").append(
            element('<inertial pos="0 0 0" mass="0.01" diaginertia="1 1 1"/>')
        ),
        Answer(INERTIA, "distph2_r"),
    ),
    # sides
    "an insertion of the other side": (
        all_of(site_mirrored(FDP2, -1), site_mirrored(FDP2, -2)),
        Answer(SIGNS_OF_ARMS, "FDP2 at md2_flexion"),
    ),
    "a pulley of the other side": (site_mirrored(FDP2, -6), Answer(SIGNS_OF_ARMS, "FDP2")),
    "a point on the next finger": (
        lambda hand: move(hand, hand.path_site(FDP2, -1), "distph3_r"),
        Answer(MISSING_ARMS, "FDP2 at md2_flexion"),
    ),
    "a wrap on the wrong side": (
        lambda hand: [
            station.set("sidesite", "wrist_back_r")
            for station in hand.path(FDP2)
            if station.get("sidesite")
        ],
        Answer(SIGNS_OF_ARMS, "FDP2 at flexion"),
    ),
    # joints and couplings
    "no limits": (put("joint", MCP2, limited="false"), Answer(RANGES, "mcp2_flexion")),
    "a range to the other side": (
        put("joint", MCP2, range="-1.5708 0.61"),
        Answer(RANGES, "mcp2_flexion"),
    ),
    "a range too small": (put("joint", MCP2, range="0 0.1"), Answer(RANGES, "mcp2_flexion")),
    "a range too large": (put("joint", MCP2, range="-0.61 3.0"), Answer(RANGES, "mcp2_flexion")),
    "damping below 0": (put("joint", MCP2, damping="-0.02"), Answer(DRIFT, "mcp2_flexion")),
    "a coupling to the other side": (
        put("joint", COUPLING, polycoef="0 -0.67 0 0 0"),
        Answer(COUPLINGS, "md2_flexion: -0.67 times pm2_flexion: one flexes"),
    ),
    "a coupling of another finger": (
        put("joint", COUPLING, joint2="pm5_flexion_r"),
        Answer(COUPLINGS, "md2_flexion: 0.67 times pm5_flexion, a joint of the little"),
    ),
    # options
    "muscles switched off": (
        added("option", '<flag actuation="disable"/>'),
        warning(UNUSED, "actuation"),
    ),
    "couplings switched off": (
        added("option", '<flag equality="disable"/>'),
        warning(UNUSED, "equality"),
    ),
    "limits switched off": (added("option", '<flag limit="disable"/>'), warning(UNUSED, "limit")),
}

REFUSED = {
    # units
    "a time step in ms": (put_first("option", timestep="2"), ("timestep is '2'", "[s]")),
    "a number with its unit": (put("joint", MCP2, range="-35deg 90deg"), ("range", "joint")),
    "a decimal comma": (put("joint", MCP2, range="-0,61 1,57"), ("range", "joint")),
    "not a number": (put("muscle", FDP2, force="nan"), (FDP2, "force has 'nan'")),
    # axes
    "an axis of no length": (put("joint", MCP2, axis="0 0 0"), (MCP2, "axis")),
    "an axis of two numbers": (put("joint", MCP2, axis="1 0"), ("axis", "enough data")),
    # names
    "a joint twice": (renamed(MCP2, "mcp3_flexion_r"), ("repeated name 'mcp3_flexion_r'", "joint")),
    "a muscle twice": (put("muscle", FDP2, name="FDP3_r"), ("repeated name 'FDP3_r'", "actuator")),
    "a joint of a coupling misspelt": (
        put("joint", COUPLING, joint2="pm2_flexoin_r"),
        ("unknown joint 'pm2_flexoin_r'", "pm2_flexion_r"),
    ),
    "a tendon misspelt": (
        put("muscle", FDP2, tendon="FPD2_r"),
        ("unknown tendon 'FPD2_r'", FDP2),
    ),
    "a site misspelt": (
        lambda hand: hand.path(FDP2)[0].set("site", "FDP2-P1"),
        ("unknown site 'FDP2-P1'", "FDP2-P1_r"),
    ),
    "an attribute misspelt": (put("joint", MCP2, rnage="0 1"), (MCP2, "rnage", "range")),
    "an attribute of another element": (
        put("site", "FDP2_m0a_r", mass="0.1"),
        ("FDP2_m0a_r", "mass"),
    ),
    "an element misspelt": (
        lambda hand: setattr(hand.part("joint", MCP2), "tag", "jiont"),
        ("jiont",),
    ),
    # missing and extra parts
    "a tendon removed": (removed("spatial", FDP2), ("unknown tendon 'FDP2_r'", "muscle")),
    "a site removed": (removed("site", "FDP2_m0a_r"), ("unknown site 'FDP2_m0a_r'",)),
    "a bone removed": (removed("body", "distph2_r"), ("distph2_r",)),
    "a joint removed, its coupling kept": (
        removed("joint", "md2_flexion_r"),
        ("unknown joint 'md2_flexion_r'", "coupling"),
    ),
    "a path of one point": (stations(FDP2, lambda path: path[:1]), (FDP2, "at least two")),
    "motors in place of muscles": (
        lambda hand: [to_motor(actuator) for actuator in hand.root.find("actuator")],
        ("has no muscles", "46 actuators"),
    ),
    # lengths, forces, constants
    "a range of fibres exchanged": (swapped("muscle", FDP2, "range"), (FDP2, "range[0]<range[1]")),
    "a range of motion exchanged": (swapped("joint", MCP2, "range"), (MCP2, "range[0]")),
    "a range of excitation exchanged": (
        put("muscle", FDP2, ctrlrange="1 0"),
        (FDP2, "control range"),
    ),
    "a shortest fibre above 1": (put("muscle", FDP2, lmin="1.2"), (FDP2, "lmin<1<lmax")),
    "no speed": (put("muscle", FDP2, vmax="0"), (FDP2, "vmax")),
    "no divisor": (put_first("pulley", divisor="0"), ("pulley divisor must be positive",)),
    "a branch without its pulley": (
        lambda hand: hand.parent(hand.section("pulley")).remove(hand.section("pulley")),
        ("repeated", "EDC2_r"),
    ),
    # inertia
    "no mass": (put("geom", "skin_distph2_r", mass="0"), ("distph2_r", "mass and inertia")),
    "a mass below 0": (put("geom", "skin_distph2_r", mass="-1"), ("skin_distph2_r", "negative")),
    "an armature below 0": (put("joint", MCP2, armature="-1"), ("armature", MCP2)),
    "an impossible inertia": (
        lambda hand: hand.part("body", "distph2_r").append(
            element('<inertial pos="0 0 0" mass="0.01" diaginertia="1e-6 1e-6 1e-4"/>')
        ),
        ("distph2_r", "inertia must satisfy"),
    ),
    # includes
    "an included file that is not there": (
        include("bones.xml"),
        ("include", "no file", "bones.xml"),
    ),
    "an included file elsewhere": (include("/etc/passwd"), ("include", "/etc/passwd", "absolute")),
    "an included file of the folder above": (include("../bones.xml"), ("include", "outside")),
    "a file that includes itself": (include("edited.xml"), ("edited.xml", "includes itself")),
    "a mesh that is not there": (
        added("mujoco", '<asset><mesh name="bone" file="bone.stl"/></asset>'),
        ("mesh", "no file", "bone.stl"),
    ),
}

HARMLESS = {
    "a suffix forgotten": put("muscle", FDP2, name="FDP2"),
    "another order of the muscles": lambda hand: hand.root.find("actuator").append(
        hand.root.find("actuator").remove(part := hand.part("muscle", FDP2)) or part
    ),
}

TOLD = {
    "a flipped axis": (
        times("joint", MCP2, "axis", -1.0),
        "axis of mcp2_flexion turned by 180 deg",
    ),
    "an axis turned by 30 deg": (axis_turned(MCP2, 30.0), "axis of mcp2_flexion turned by 30 deg"),
    "an axis moved": (
        put("joint", MCP2, pos="0 -0.01 0"),
        "axis of mcp2_flexion moved 10.0 mm distal",
    ),
    "an armature": (times("joint", MCP2, "armature", 2.0), "armature"),
    "a damping": (times("joint", MCP2, "damping", 2.0), "damping"),
    "a coupling removed": (removed("joint", COUPLING), "no longer follows index PIP flexion"),
    "a coupling switched off": (put("joint", COUPLING, active="false"), "no longer follows"),
    "the smoothing of time constants": (put("muscle", FDP2, tausmooth="0.5"), "smoothing"),
    "half the excitation": (
        put("muscle", FDP2, ctrlrange="0 0.5"),
        "range of excitation 0 1 -> 0 0.5",
    ),
    "a limited force": (
        put("muscle", FDP2, forcerange="-10 0", forcelimited="true"),
        "range of force [N] none -> -10",
    ),
    "a limited torque": (
        put("joint", MCP2, actuatorfrcrange="-1 1", actuatorfrclimited="true"),
        "range of muscle torque [N m] none -> -1 1",
    ),
    "a stretchable tendon": (put("spatial", FDP2, stiffness="10000"), "stiffness [N/m] 0 -> 10000"),
    "a motor": (
        added("actuator", '<motor name="motor_r" joint="mcp2_flexion_r"/>'),
        "added",
    ),
    "a tendon": (
        added(
            "tendon",
            '<spatial name="x_r"><site site="FDP2_m0a_r"/><site site="FDP2_m0b_r"/></spatial>',
        ),
        "added",
    ),
    "a fingertip": (
        lambda hand: hand.part("site", "tip_index_r").set("pos", "0 0 0"),
        "moved",
    ),
    "a wrap without a side": (
        lambda hand: [station.attrib.pop("sidesite", None) for station in hand.path(FDP2)],
        "removed: point wrist_palm",
    ),
    "a path the other way round": (
        stations(FDP2, lambda path: path[::-1]),
        "runs in another order",
    ),
    "weightlessness of a bone": (put("body", "2proxph_r", gravcomp="1"), "share of gravity"),
}


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "hand.xml"
    assert main(["export", str(path)]) == 0
    return HandXml(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def original(hand):
    return opened(hand)


def opened(hand):
    """The specimen of a hand that can be read; from memory, which is faster than a file."""
    with silence_mujoco():
        spec = mujoco.MjSpec.from_string(hand.text())
    (specimen,) = open_specimens(spec)
    return specimen


def findings(specimen, code):
    (examination,) = examine([specimen], [code])
    return examination.results[0].finding


def edited(hand, edit):
    copy = hand.copy()
    edit(copy)
    assert copy.text() != hand.text()
    return copy


@pytest.mark.parametrize(("edit", "answer"), CHECKED.values(), ids=CHECKED.keys())
def test_the_right_check_fails(hand, edit, answer):
    finding = findings(opened(edited(hand, edit)), answer.code)
    assert finding.verdict is answer.verdict, finding
    assert any(answer.words in line for line in finding.offenders), finding.offenders


@pytest.mark.parametrize("code", sorted({answer.code for _, answer in CHECKED.values()}))
def test_it_does_not_fail_without_the_edit(original, code):
    finding = findings(original, code)
    assert finding.verdict is not Verdict.FAIL, finding
    said = {(a.code, a.words) for _, a in CHECKED.values() if a.verdict is Verdict.WARN}
    for words in (words for said_code, words in said if said_code == code):
        assert not any(words in line for line in finding.offenders)


@pytest.mark.parametrize(("edit", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_one_line_names_the_cause(hand, edit, words, tmp_path, capsys):
    path = tmp_path / "edited.xml"
    path.write_text(edited(hand, edit).text(), encoding="utf-8")
    assert main(["validate", str(path), "--checks", PARTS]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    for word in (*words, "edited.xml"):
        assert word in line, line


@pytest.mark.parametrize(("edit", "words"), TOLD.values(), ids=TOLD.keys())
def test_a_difference_names_what_is_legal(hand, original, edit, words):
    told = compare([original], [opened(edited(hand, edit))]).changes
    assert any(words in change.words for change in told), [change.words for change in told]


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_does_no_harm_makes_no_difference(hand, original, edit):
    assert compare([original], [opened(edited(hand, edit))]).changes == ()
