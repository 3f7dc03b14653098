"""Points in joint coordinates: their coordinates are the moment arms that MuJoCo finds."""

import itertools

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.analysis.moment_arm import moment_arms
from musclehand.body.build.joint_site import flexion_arm, joint_frame, place_site
from musclehand.body.build.myosim import MyoSimArm
from musclehand.core.errors import ModelError

THUMB = ("cmc", "mp", "ip")
FINGER = ("mcp", "pm", "md")
JOINTS = ("wrist", *THUMB, *(f"{part}{finger}" for part in FINGER for finger in range(2, 6)))


@pytest.fixture(scope="module")
def source():
    return MyoSimArm()


@pytest.mark.parametrize("joint", JOINTS)
def test_frames_are_right_handed_and_centred_on_the_joint(source, tables, right_hand, joint):
    model, _ = right_hand
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    frame = joint_frame(source.find, tables, joint)
    radial, distal, dorsal = frame.axes
    assert frame.axes @ frame.axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert -np.cross(radial, distal) == pytest.approx(dorsal)
    number = model.joint("flexion_r" if joint == "wrist" else f"{joint}_flexion_r").id
    for body, centre in (frame.proximal, frame.distal):
        assert data.body(f"{body}_r").xpos + centre == pytest.approx(data.xanchor[number], abs=1e-9)
    # In the fingers and the wrist the axis of flexion is radial; MyoSim turns the thumb's the other
    # way round.
    turn = -1.0 if joint in THUMB else 1.0
    assert turn * data.xaxis[number] == pytest.approx(radial, abs=1e-9)


def test_the_sign_along_the_bone_says_which_bone(source, tables):
    frame = joint_frame(source.find, tables, "pm2")
    body, pos = place_site(frame, (0.001, -0.010, 0.003))
    assert body == "2proxph"
    offset = (pos - frame.proximal[1]) @ frame.axes.T
    assert offset == pytest.approx([0.001, -0.010, 0.003])
    assert place_site(frame, (0.001, 0.010, 0.003))[0] == "midph2"


def test_dorsal_distance_is_the_moment_arm_of_every_pair(tables, right_hand):
    """At neutral a pair of points gives -z in flexion; behind a pulley half of it."""
    model, hand = right_hand
    arms = moment_arms(model, hand, np.zeros((1, len(hand.joints))))[0]
    checked = 0
    for muscle in tables.muscle_names:
        share = 1.0
        path = [row for row in tables.paths if row.muscle == muscle]
        for station, following in itertools.pairwise(path):
            share = 1.0 / float(station.name) if station.kind == "pulley" else share
            finger = (
                station.kind == following.kind == "joint_site"
                and station.body == following.body
                and station.body[:-1] in FINGER
            )
            if finger and station.pos[1] < 0 < following.pos[1]:
                assert station.pos[2] == following.pos[2], station
                joint = hand.joints.index(f"{station.body}_flexion")
                expected = -share * station.pos[2]
                assert arms[hand.muscle_names.index(muscle), joint] == pytest.approx(
                    expected, abs=1e-12
                ), station
                checked += 1
    assert checked > 50


HINGE = """<mujoco><worldbody><site name="p" pos="-{a} {h} 0"/><body>
  <joint axis="0 0 -1"/><geom size=".001"/>
<site name="d" pos="{b} {h} 0"/></body></worldbody>
<tendon><spatial name="t"><site site="p"/><site site="d"/></spatial></tendon></mujoco>"""


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.004, 0.03),
    st.floats(0.004, 0.03),
    st.floats(-0.015, 0.015),
    st.floats(-1.4, 1.4).filter(lambda q: q),
)
def test_the_closed_form_is_what_mujoco_finds(a, b, h, angle):
    model = mujoco.MjModel.from_xml_string(HINGE.format(a=a, b=b, h=h))
    data = mujoco.MjData(model)
    lengths = []
    for step in (-1e-5, 1e-5):
        data.qpos[0] = angle + step
        mujoco.mj_forward(model, data)
        lengths.append(data.ten_length[0])
    assert flexion_arm(a, b, h, angle) == pytest.approx(-(lengths[1] - lengths[0]) / 2e-5, abs=2e-6)


def test_an_unknown_joint_is_named(source, tables):
    with pytest.raises(ModelError, match="mcp7"):
        joint_frame(source.find, tables, "mcp7")
