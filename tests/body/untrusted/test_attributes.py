"""Attributes that MuJoCo does not have are refused wherever they stand, with the one that was
meant."""

import re

import mujoco
import pytest

from musclehand.body.untrusted.attributes import body_attributes
from musclehand.body.untrusted.model_file import read_model
from musclehand.core.errors import ModelError

MUSCLE = """<tendon><spatial name="t"><site site="a"/><site site="b"/></spatial></tendon>
<actuator><muscle name="m" tendon="t" lengthrange="0.05 0.15"/></actuator>"""


def model(joint='type="hinge"', geom="", body="", frames=1):
    frame = "<frame>" * frames
    return f"""<mujoco><worldbody><site name="a"/>{frame}
<body name="bone" {body}>
<joint name="hinge" {joint}/>
<geom size="0.01" mass="0.2" {geom}/>
<site name="b" pos="0.1 0 0"/></body>{frame.replace("<", "</")}</worldbody>{MUSCLE}</mujoco>"""


def refusal(tmp_path, **changes):
    path = tmp_path / "model.xml"
    path.write_text(model(**changes))
    with pytest.raises(ModelError) as error:
        read_model(path)
    return str(error.value)


def test_the_schema_is_read_from_mujoco():
    schema = body_attributes()
    assert {"body", "joint", "geom", "site", "inertial", "camera", "light"} <= set(schema)
    assert {"armature", "axis", "range", "springref"} <= schema["joint"]
    assert "mass" in schema["geom"]
    assert "mass" not in schema["site"]
    assert not {name for names in schema.values() for name in names if "(" in name}


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize(
    ("changes", "line", "element", "typo", "meant"),
    [
        ({"joint": 'rnage="0 1"'}, 3, "<joint name='hinge'>", "rnage", "range"),
        ({"joint": 'armatur="0.1"'}, 3, "<joint name='hinge'>", "armatur", "armature"),
        ({"geom": 'frction="1"'}, 4, "<geom>", "frction", "friction"),
        ({"body": 'quaat="1 0 0 0"'}, 2, "<body name='bone'>", "quaat", "quat"),
    ],
)
def test_a_typo_in_a_frame_is_named(tmp_path, frames, changes, line, element, typo, meant):
    message = refusal(tmp_path, frames=frames, **changes)
    assert f"line {line}, {element}: unknown attribute {typo!r}; did you mean: " in message
    assert re.search(rf"\b{meant}\b", message.split("did you mean")[1])


def test_mujoco_itself_does_not_notice(tmp_path):
    """The reason for the check; without it the model would be read."""
    mujoco.MjModel.from_xml_string(model(joint='rnage="0 1"'))


def test_outside_frames_it_is_the_same(tmp_path):
    assert "unknown attribute 'rnage'" in refusal(tmp_path, joint='rnage="0 1"', frames=0)


@pytest.mark.parametrize("value", ["-1", "-1e-9", " -0.5"])
def test_an_armature_below_0(tmp_path, value):
    message = refusal(tmp_path, joint=f'armature="{value}"')
    assert "line 3, <joint name='hinge'>: armature is" in message
    assert "at least 0" in message


@pytest.mark.parametrize("value", ["0", "-0", "1e-4"])
def test_other_armatures_are_read(tmp_path, value):
    path = tmp_path / "model.xml"
    path.write_text(model(joint=f'armature="{value}"'))
    assert read_model(path).model.nu == 1
