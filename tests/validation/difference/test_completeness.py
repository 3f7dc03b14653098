"""Whatever number of a hand's parts is changed, if it moves the hand, a difference tells it."""

import copy

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen
from musclehand.validation.difference import muscles
from musclehand.validation.difference.compare import compare

DRAWN = (
    "_rgba",
    "_matid",
    "_width",
    "_castshadow",
    "_dataid",
    "site_type",
    "site_size",
    "site_quat",
)
"""Fields of pictures."""

NAMES = ("_user", "_group", "_plugin")
"""Fields for the user, for the viewer and for plug-ins, which are refused in files."""

ADDRESSES = (
    "adr",
    "num",
    "_bodyid",
    "_parentid",
    "_jntid",
    "_treeid",
    "_rootid",
    "_weldid",
    "_trnid",
)
"""Fields that say where things are; to change them alone makes no model."""

COMPUTED = (
    *("_length0", "_invweight0", "_acc0", "_M0", "_subtreemass", "_rbound", "_aabb", "_sameframe"),
    *("_simple", "dof_length", "_ctrlspec", "_mocapid", "_treenum", "_actuatorid", "_signature"),
    *("eq_objtype", "body_contype", "body_conaffinity", "body_margin", "_history", "_cranklength"),
)
"""Fields that MuJoCo computes from others, or that a muscle and a bone do not have."""

LEGAL = {
    "jnt_type": [int(mujoco.mjtJoint.mjJNT_SLIDE)],
    "eq_obj1id": [2],
    **{name: [0.5, 0.5, 0.5, 0.5] for name in ("geom_quat", "body_quat", "body_iquat")},
}
"""Other legal values of fields that cannot have just any."""

SWITCHES = ("jnt_actfrclimited", "tendon_limited", "tendon_actfrclimited", "tendon_stiffness")
SWITCHES += ("actuator_forcelimited", "actuator_actlimited")
"""Switched on in both models, so that the ranges count."""


@pytest.fixture(scope="module")
def base():
    spec = hand_spec(Side.RIGHT)
    spec.add_pair(geomname1="skin_2proxph_r", geomname2="skin_4proxph_r")
    model = spec.compile()
    for switch in SWITCHES:
        getattr(model, switch)[:] = 1
    return model


@pytest.fixture(autouse=True)
def few_postures(monkeypatch):
    monkeypatch.setattr(muscles, "NUM_POSTURES", 1)


def rows(model):
    """A part of each kind, by the beginning of its fields."""
    joint = model.joint("mcp2_flexion_r").id
    return {
        "jnt": joint,
        "dof": model.jnt_dofadr[joint],
        "body": model.body("2proxph_r").id,
        "geom": model.geom("skin_2proxph_r").id,
        "site": int(HandIndex.from_model(model, Side.RIGHT).tips[1]),
        "tendon": model.tendon("FDP2_r").id,
        "actuator": model.actuator("FDP2_r").id,
        "eq": model.equality("md2_flexion_coupling_r").id,
        "pair": 0,
    }


def fields():
    model = hand_spec(Side.RIGHT).compile()
    skipped = (*DRAWN, *NAMES, *ADDRESSES, *COMPUTED)
    for name in sorted(dir(model)):
        kind = name.split("_")[0]
        if (
            kind in rows(model)
            and "_" in name
            and isinstance(getattr(model, name), np.ndarray)
            and not name.endswith(skipped)
        ):
            yield name


def specimen(model):
    return Specimen("hand", model, HandIndex.from_model(model, Side.RIGHT), own_naming())


@pytest.mark.parametrize("field", list(fields()))
def test_every_number_of_a_part_is_compared(base, field):
    edited = copy.deepcopy(base)
    row = rows(base)[field.split("_")[0]]
    values = np.atleast_2d(getattr(edited, field).T).T
    values[row] = changed(field, values[row])
    told = compare([specimen(base)], [specimen(edited)]).changes
    assert told, f"nobody tells a change of {field}"


def changed(field, numbers):
    """Other legal numbers of a field, of which one differs or all do."""
    if field in LEGAL:
        return LEGAL[field]
    first = numbers[0]
    first = first + 0.3 if isinstance(first, np.floating) else not first
    return [first, *numbers[1:]]


@pytest.mark.parametrize(
    "field", [name for name in dir(mujoco.MjOption) if not name.startswith("_")]
)
def test_every_option_is_compared(base, field):
    edited = copy.deepcopy(base)
    value = getattr(edited.opt, field)
    if isinstance(value, np.ndarray):
        value[0] += 0.3
    else:
        setattr(edited.opt, field, value - 1 if value else 1)
    (change,) = compare([specimen(base)], [specimen(edited)]).changes
    assert change.group == "simulation"
