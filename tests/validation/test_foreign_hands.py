"""Hands of other packages are opened without a map, by the names that those packages give them.

The models are built from myo-sim, with the names of the package in question; a last test opens
those of musclemimic-models where it is installed.
"""

import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, PALM_JOINTS, Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import NO_TIP, HandIndex
from musclehand.body.naming import find_naming, known_namings
from musclehand.core.errors import ModelError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation import diff, validate
from musclehand.validation.specimen import open_specimens

JOINTS = tuple(joint for joint in HAND_JOINTS if joint not in PALM_JOINTS)
NAMINGS = {naming.name: naming for naming in known_namings()}
TIPS = {"THtip", "IFtip", "MFtip", "RFtip", "LFtip"}


def myosim(name):
    compose = pytest.importorskip("myo_sim.build.compose")
    with silence_mujoco():
        return compose.build_spec(name)


@pytest.fixture(scope="module")
def hand_text():
    """MyoHand's right hand as MJCF, without meshes and pictures."""
    spec = myosim("myohand_r")
    with silence_mujoco():
        spec.compile()
        text = spec.to_xml()
    text = re.sub(
        r"<(mesh|texture|material|layer) [^>]*>|</material>|<geom [^>]*mesh=[^>]*>", "", text
    )
    return re.sub(r' material="[^"]*"', "", text)


def renamed(text, change):
    """The model with `change(tag, name)` in place of every name."""
    attributes = "name|joint|joint1|joint2|site|sidesite|geom|geom1|geom2|body1|body2|tendon"

    def element(match):
        names = re.sub(
            rf' ({attributes})="([^"]*)"',
            lambda m: f' {m[1]}="{change(match[1], m[1], m[2])}"',
            match[2],
        )
        return f"<{match[1]}{names}>"

    return re.sub(r"<(\w+)((?: [^<>]*)?)>", element, text)


def kind_of(tag, attribute):
    """What a name in MJCF is of: joint, muscle, site or another part."""
    if attribute == "name":
        return {"general": "muscle", "muscle": "muscle", "joint": "joint", "site": "site"}.get(tag)
    return "joint" if attribute.startswith("joint") else attribute.replace("side", "")


def opened(text):
    with silence_mujoco():
        return open_specimens(mujoco.MjSpec.from_string(text))


def test_myohand_0_1_7_has_no_suffix_and_its_thumb_s_names_exchanged(hand_text):
    exchange = {"cmc_flexion": "cmc_abduction", "cmc_abduction": "cmc_flexion"}

    def change(tag, attribute, name):
        base = name.removesuffix("_r")
        return exchange.get(base, base) if kind_of(tag, attribute) == "joint" else base

    (specimen,) = opened(renamed(hand_text, change))
    assert specimen.naming is NAMINGS["MyoHand 0.1.7"]
    assert specimen.hand.joints == JOINTS
    assert len(specimen.hand.muscles) == 39
    assert not np.diff(specimen.hand.dofs).any() - 1, "the thumb's joints in order"


def test_music_hand_has_prefixes_and_bodies_for_tips(hand_text):
    exchange = {"cmc_flexion": "cmc_abduction", "cmc_abduction": "cmc_flexion"}

    def change(tag, attribute, name):
        base = name.removesuffix("_r")
        kind = kind_of(tag, attribute)
        if kind == "muscle" and base == "UI_UB5":
            base = "ADM"
        return f"R:{exchange.get(base, base) if kind == 'joint' else base}"

    spec = mujoco.MjSpec.from_string(renamed(hand_text, change))
    for tip in sorted(TIPS):
        site = spec.site(f"R:{tip}")
        site.parent.add_body(name=site.name, pos=site.pos)
        spec.delete(site)
    with silence_mujoco():
        (specimen,) = open_specimens(spec)
    assert specimen.naming is NAMINGS["MUSIC-Hand"]
    assert specimen.hand.digits == DIGITS
    assert len(specimen.hand.muscles) == 39


def test_musclemimic_s_muscles_have_another_suffix_than_its_joints(hand_text):
    """The left hand has "_l" at joints and "_left" at muscles and tips, the right one nothing."""

    def change(tag, attribute, name):
        base = name.removesuffix("_r")
        kind = kind_of(tag, attribute)
        if kind == "muscle" or (kind == "site" and base in TIPS):
            return f"{base}_left"
        return f"{base}_l"

    (specimen,) = opened(renamed(hand_text, change))
    assert specimen.hand.side is Side.LEFT
    assert "joints {}_l, muscles {}_left, tips {}_left" in specimen.naming.name
    assert len(specimen.hand.muscles) == 39
    assert "DI1" in specimen.hand.muscle_names


@pytest.mark.parametrize("as_model", [False, True], ids=["MjSpec", "MjModel"])
def test_myoarm_lacks_suffixes_here_and_there(as_model):
    spec = myosim("myoarm_r")
    with silence_mujoco():
        source = spec.compile() if as_model else spec
    (specimen,) = open_specimens(source)
    hand = specimen.hand
    assert specimen.naming.name.startswith("MyoHand 0.2.3 (right: joints {}_r or {}, muscles {}")
    assert hand.joints == JOINTS
    assert hand.digits == DIGITS
    named = set(hand.muscle_names)
    assert {"DI1", "LU4", "FPL", "SUP", "BIClong", "BRD"} <= named
    assert not {"DELT1", "TRIlong", "BRA"} & named, "muscles of the arm alone are not the hand's"
    assert validate(specimen, checks=["V01"]).passed


def test_two_arms_are_two_hands():
    spec = myosim("myoarms")
    with silence_mujoco():
        right, left = open_specimens(spec)
    assert (right.hand.side, left.hand.side) == (Side.RIGHT, Side.LEFT)
    assert right.hand.joints == left.hand.joints == JOINTS
    assert right.hand.muscle_names == left.hand.muscle_names
    assert not set(right.hand.muscles) & set(left.hand.muscles)


def test_a_hand_on_a_robot_keeps_its_names(hand_text):
    (specimen,) = opened(renamed(hand_text, lambda tag, attribute, name: f"robot/{name}"))
    assert "all names robot/{}_r" in specimen.naming.name
    assert len(specimen.hand.muscles) == 39


def finger(digit):
    """Our hand without the other digits and the wrist."""
    number = DIGITS.index(digit) + 1
    spec = hand_spec(Side.RIGHT)
    for equality in list(spec.equalities):
        spec.delete(equality)
    model = spec.copy().compile()
    hand = HandIndex.from_model(model, Side.RIGHT)
    own = {"thumb": ("cmc_", "mp_", "ip_")}.get(
        digit, tuple(f"{part}{number}_" for part in ("mcp", "pm", "md"))
    )
    kept = {joint for joint in hand.joints if joint.startswith(own) and joint not in PALM_JOINTS}
    tip_body = int(model.site_bodyid[hand.tips[number - 1]])
    for actuator in list(spec.actuators):
        tendon = model.tendon(actuator.target).id
        part = slice(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
        bones = set(model.site_bodyid[model.wrap_objid[part][model.wrap_type[part] == 3]].tolist())
        chain = _ancestors(model, tip_body) & _moved(model, hand, kept)
        if not bones & chain:
            name = actuator.target
            spec.delete(actuator)
            spec.delete(spec.tendon(name))
    for site in [site for site in spec.sites if site.name.startswith("tip_")]:
        if site.name != f"tip_{digit}_r":
            spec.delete(site)
    for joint in list(spec.joints):
        if joint.name.removesuffix("_r") not in kept:
            spec.delete(joint)
    return spec


def _ancestors(model, body):
    chain = set()
    while body:
        chain.add(body)
        body = int(model.body_parentid[body])
    return chain


def _moved(model, hand, joints):
    return {int(model.jnt_bodyid[model.joint(f"{joint}_r").id]) for joint in joints}


@pytest.mark.parametrize("digit", DIGITS)
def test_a_single_finger_is_opened_and_judged(digit):
    spec = finger(digit)
    with silence_mujoco():
        (specimen,) = open_specimens(spec)
    hand = specimen.hand
    assert hand.digits == (digit,)
    assert len(hand.joints) == 4
    assert Counter(hand.tips.tolist())[NO_TIP] == 4
    report = validate(spec, checks=["V01", "V03", "V08", "V10", "V12", "V14", "V24"])
    for result in report.validated[0].results:
        assert "cannot be answered" not in result.finding.summary, result.check.code
    assert diff(spec, spec).changes == ()


def test_a_digit_with_joints_needs_a_tip():
    spec = hand_spec(Side.RIGHT)
    spec.delete(spec.site("tip_ring_r"))
    with pytest.raises(ModelError, match=r"no site at the tip of: ring \('tip_ring_r'\)"):
        open_specimens(spec)


def test_a_misspelt_joint_is_shown():
    spec = hand_spec(Side.RIGHT)
    spec.joint("pm3_flexion_r").name = "pm3_flexon_r"
    for equality in list(spec.equalities):
        spec.delete(equality)
    finding = validate(spec, checks=["V24"]).validated[0].results[0].finding
    line = "joint pm3_flexion: not in the model, which has a joint 'pm3_flexon_r'"
    assert line in finding.offenders


def test_a_muscle_of_a_tendon_that_is_not_there_is_named():
    """MuJoCo's copy of a spec leaves such a muscle out without a word."""
    spec = hand_spec(Side.RIGHT)
    spec.actuator("APL_r").target = "nothing"
    assert spec.copy().actuator("APL_r") is None
    with pytest.raises(ModelError, match="'nothing' not found in actuator 'APL_r'"):
        open_specimens(spec)


@pytest.mark.skipif(find_spec("musclemimic_models") is None, reason="musclemimic-models is missing")
@pytest.mark.parametrize("file", ["arm/myoarm_bimanual.xml", "body/myofullbody.xml"])
def test_musclemimic_s_own_files(file):
    root = Path(find_spec("musclemimic_models").submodule_search_locations[0]) / "model"
    right, left = open_specimens(root / file, root=root)
    assert right.hand.joints == left.hand.joints == JOINTS
    assert len(right.hand.muscles) == len(left.hand.muscles) == 43
    assert find_naming(right.model).name.startswith("MyoHand 0.2.3 (right: joints {}_r, muscles {}")
