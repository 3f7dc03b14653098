"""Soft constraints as masses, dampers and springs: against MuJoCo's steps."""

import mujoco
import numpy as np
import pytest

from musclehand.envs.gradients.soft_constraint import JointLimits, KeyStop, linearise
from musclehand.envs.tracking.body import TrackingBody

HINGE = """
<mujoco>
 <compiler angle="radian"/>
 <option timestep="0.002" gravity="0 0 0" integrator="implicitfast"/>
 <worldbody>
  <body>
   <joint type="hinge" axis="0 1 0" limited="true" range="-1 1" margin="0.05"
    solreflimit="0.005 {ratio}" solimplimit="0.9 0.95 0.002 0.5 2"/>
   <geom size="0.02" pos="0.05 0 0" mass="0.03"/>
  </body>
 </worldbody>
</mujoco>
"""


@pytest.mark.parametrize("ratio", [0.7, 1.0])
@pytest.mark.parametrize("depth", [2e-4, 1.2e-3, 0.01])
def test_an_end_answers_as_a_mass_a_damper_and_a_spring_would(depth, ratio):
    model = mujoco.MjModel.from_xml_string(HINGE.format(ratio=ratio))
    data = mujoco.MjData(model)
    dt = model.opt.timestep

    def speed(angle, before):
        mujoco.mj_resetData(model, data)
        data.qpos[0], data.qvel[0] = angle, before
        mujoco.mj_step(model, data)
        return data.qvel[0]

    angle = 1.0 - 0.05 + depth
    part = linearise(model.jnt_solref[0], model.jnt_solimp[0], model.dof_invweight0[0], depth)
    inertia = 1.0 / model.dof_invweight0[0]
    by_speed = (speed(angle, 1e-6) - speed(angle, -1e-6)) / 2e-6
    assert by_speed == pytest.approx(1.0 - dt * part.damping / (inertia + part.mass), abs=1e-6)
    # How stiff it is changes with depth where it sets in, which is left out: the secant is right,
    # not the slope.
    assert speed(angle, 0.0) == pytest.approx(
        -dt * part.stiffness * depth / (inertia + part.mass), rel=1e-6
    )


def test_joints_are_held_at_their_ends_only_and_by_their_springs():
    body = TrackingBody(1)
    model = body.model
    hand = body.hand
    ends = JointLimits(model, hand)
    joints = model.dof_jntid[hand.dofs]
    low, high = model.jnt_range[joints].T
    middle = 0.5 * (low + high)
    assert not np.any(ends.at(middle[None]))
    for end in (low, high):
        assert all((part > 0).all() for part in ends.at(end[None]))
    data = mujoco.MjData(model)
    step = 1e-6
    angles = low + 0.3 * (high - low)
    torques = []
    for sign in (1, -1):
        data.qpos[hand.qpos] = angles + sign * step
        mujoco.mj_forward(model, data)
        torques.append(data.qfrc_spring[hand.dofs].copy())
    np.testing.assert_allclose(
        ends.springs(angles[None])[0], (torques[1] - torques[0]) / (2 * step), rtol=1e-4, atol=1e-7
    )


def test_a_key_that_is_down_gives_way_by_less_than_its_pad_and_its_stop():
    body = TrackingBody(1, keys=True)
    down, aside = KeyStop.of(body.model, body.hand, body.key_joints[0])
    assert all(part.shape == (5,) for part in (*down, *aside))
    # 2 N go less than 0.2 mm down, and a sliding fingertip stands still within a few steps.
    assert (2.0 / down.stiffness < 2e-4).all()
    assert (aside.stiffness == 0).all()
    assert (aside.damping / aside.mass > 100).all()
