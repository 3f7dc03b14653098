"""Hands are opened by word or by file, with the sides asked for and fingertips where a naming
gives bodies."""

import json

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.naming import own_naming
from musclehand.core.errors import InvalidValue, ModelError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation.specimen import open_specimens


@pytest.fixture(scope="module")
def right_xml(tmp_path_factory):
    path = tmp_path_factory.mktemp("hand") / "right.xml"
    spec = hand_spec(Side.RIGHT)
    spec.compile()
    path.write_text(spec.to_xml())
    return path


def test_our_hand_by_its_name():
    right, left = open_specimens("musclehand")
    assert (right.hand.side, left.hand.side) == (Side.RIGHT, Side.LEFT)
    assert right.naming is own_naming()
    assert right.postures.shape == (300, len(HAND_JOINTS))
    only = open_specimens("musclehand", side="left")
    assert [specimen.hand.side for specimen in only] == [Side.LEFT]


def test_myohand_by_its_name():
    (specimen,) = open_specimens("myohand")
    assert specimen.naming.name == "MyoHand 0.2.3"
    assert len(specimen.hand.muscles) == 39
    with pytest.raises(ModelError, match="myohand: has no left hand"):
        open_specimens("myohand", side="left")


def test_a_file(right_xml):
    (specimen,) = open_specimens(str(right_xml))
    assert specimen.source == str(right_xml)
    assert specimen.spec is not None
    assert (
        specimen.hand.muscle_names
        == open_specimens("musclehand", side="right")[0].hand.muscle_names
    )
    with pytest.raises(ModelError, match="no left hand"):
        open_specimens(str(right_xml), side="left")


def test_two_hands_of_a_file_share_a_model(tmp_path):
    spec = hand_spec(Side.RIGHT)
    path = tmp_path / "both.xml"
    with silence_mujoco():
        spec.worldbody.add_frame(pos=[1, 0, 0]).attach_body(
            hand_spec(Side.LEFT).body("humerus_l"), "", ""
        )
        spec.compile()
        path.write_text(spec.to_xml())
    right, left = open_specimens(str(path))
    assert right.model is left.model
    assert not set(right.hand.muscles) & set(left.hand.muscles)


def test_fingertips_that_are_bodies_become_sites(right_xml, tmp_path):
    spec = mujoco.MjSpec.from_file(str(right_xml))
    for digit in DIGITS:
        site = spec.site(f"tip_{digit}_r")
        site.parent.add_body(name=f"nail_{digit}_r", pos=site.pos)
        spec.delete(site)
    spec.compile()
    path = tmp_path / "bodies.xml"
    path.write_text(spec.to_xml())
    own = own_naming()
    entries = {
        "name": "with nails",
        "right": "{}_r",
        "left": None,
        "joints": dict(own.joints),
        "muscles": {},
        "tips": {digit: f"nail_{digit}" for digit in DIGITS},
    }
    naming = tmp_path / "map.json"
    naming.write_text(json.dumps(entries))
    (opened,) = open_specimens(str(path), naming=naming)
    (original,) = open_specimens(str(right_xml))
    places = []
    for specimen in (opened, original):
        data = mujoco.MjData(specimen.model)
        mujoco.mj_forward(specimen.model, data)
        places.append(data.site_xpos[specimen.hand.tips])
    assert places[0] == pytest.approx(places[1], abs=1e-5)
    assert np.ptp(places[0][:, 0]) > 0.03


def test_what_cannot_be_opened_says_why(right_xml, tmp_path):
    with pytest.raises(InvalidValue, match="side"):
        open_specimens("musclehand", side="upper")
    with pytest.raises(ModelError):
        open_specimens(str(tmp_path / "nothing.xml"))
    ball = tmp_path / "ball.xml"
    ball.write_text(
        "<mujoco><worldbody><body><joint name='j'/><geom size='1'/></body></worldbody>"
        "<actuator><muscle joint='j' lengthrange='0 1'/></actuator></mujoco>"
    )
    with pytest.raises(ModelError, match=r"ball\.xml: .*--map"):
        open_specimens(str(ball))
