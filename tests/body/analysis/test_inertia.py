"""Inertia about joints against closed forms of rods."""

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.inertia import SMALLEST_REACH, extent, joint_inertia
from musclehand.body.hand_index import HandIndex, bodies_below


def test_inertia_about_a_joint_is_that_of_its_bodies_by_the_parallel_axis_theorem(ours):
    model = ours.model
    hand = ours.hand
    result = joint_inertia(model, hand)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    for i, joint in enumerate(hand.joint_ids(model)):
        axis = data.xaxis[joint]
        total = 0.0
        for body in bodies_below(model, int(model.jnt_bodyid[joint])):
            turn = data.ximat[body].reshape(3, 3)
            own = turn @ np.diag(model.body_inertia[body]) @ turn.T
            across = np.cross(axis, data.xipos[body] - data.xanchor[joint])
            total += axis @ own @ axis + model.body_mass[body] * across @ across
        assert result.inertia[i] - result.armature[i] == pytest.approx(total, rel=1e-9)


def test_bodies_alone_have_the_inertia_of_limbs(ours):
    """Fingers have a fifth to a third of m L^2 about their joints."""
    result = joint_inertia(ours.model, ours.hand)
    share = (result.inertia - result.armature) / result.most
    for joint, value in zip(ours.hand.joints, share, strict=True):
        if joint.startswith(("mcp", "pm", "md")):
            assert 0.2 < value < 0.34


ROD = """
<mujoco>
  <worldbody>
    <body>
      <joint name="mcp2_flexion_r" axis="0 0 1" armature="{armature}"/>
      <geom type="box" size="0.05 0.001 0.001" pos="0.05 0 0" mass="0.03"/>
      <site name="tip_index_r" pos="0.1 0 0"/>
      <site name="insertion" pos="0.02 0.005 0"/>
      <site name="near" pos="0 0.01 0"/>
      <geom name="surface" type="cylinder" size="0.02 0.5" pos="0 0 0" mass="0" contype="0"
       conaffinity="0"/>
    </body>
    <site name="origin" pos="-0.1 0.03 0"/>
  </worldbody>
  <tendon>
    <spatial name="FDP2_r">
      <site site="origin"/><geom geom="surface"/><site site="insertion"/>
    </spatial>
  </tendon>
  <actuator><muscle name="FDP2_r" tendon="FDP2_r" lengthrange="0.1 0.2"/></actuator>
</mujoco>
"""


def rod(armature):
    return mujoco.MjModel.from_xml_string(ROD.format(armature=armature))


@pytest.mark.parametrize("armature", [0.0, 1e-4, 1e-2])
def test_a_bar_about_its_end(armature):
    """(a^2 + b^2) m / 12 about the middle, and m (a / 2)^2; the wrapping surface is no part."""
    model = rod(armature)
    result = joint_inertia(model, index_of(model))
    bar = 0.03 * ((0.1**2 + 0.002**2) / 12.0 + 0.05**2)
    assert result.inertia == pytest.approx([bar + armature])
    assert result.armature == pytest.approx([armature])
    assert result.reach == pytest.approx([np.hypot(0.1, 0.001)])
    assert result.ratio == pytest.approx((bar + armature) / (0.03 * (0.1**2 + 0.001**2)))


def index_of(model):
    """The one finger as a hand, whose other parts are not there."""
    joint = model.joint("mcp2_flexion_r").id
    return HandIndex(
        side=None,
        joints=("mcp2_flexion",),
        muscle_names=(),
        dofs=model.jnt_dofadr[[joint]],
        qpos=model.jnt_qposadr[[joint]],
        signs=np.ones(1),
        muscles=np.array([], dtype=int),
        act=np.array([], dtype=int),
        tendons=np.array([], dtype=int),
        tips=np.full(5, -1),
        expand=np.eye(1),
        independent=np.array([0]),
    )


def test_points_span_what_is_there():
    model = rod(0.0)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    points = extent(model, data, bodies_below(model, 1))
    assert points.max(axis=0) == pytest.approx([0.1, 0.01, 0.001])
    assert points.min(axis=0) == pytest.approx([0.0, -0.001, -0.001])
    assert SMALLEST_REACH < 0.005
