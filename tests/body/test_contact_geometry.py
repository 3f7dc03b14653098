"""Axes of capsules and excluded pairs against MuJoCo itself."""

import mujoco
import numpy as np

from musclehand.body.contact_geometry import excluded_bodies, half_axis

MODEL = mujoco.MjModel.from_xml_string("""
<mujoco>
  <worldbody>
    <body name="a"><geom type="capsule" size="0.01" fromto="0.1 0.2 0.3 0.3 0.1 0.2"/></body>
    <body name="b"><geom type="capsule" size="0.02 0.05" euler="30 40 50"/></body>
    <body name="c"><geom size="0.01"/></body>
  </worldbody>
  <contact><exclude body1="c" body2="a"/><exclude body1="b" body2="c"/></contact>
</mujoco>
""")


def test_the_axis_leads_to_the_ends_that_the_capsule_was_given():
    ends = MODEL.geom_pos[0] + np.array([[-1.0], [1.0]]) * half_axis(MODEL, 0)
    expected = np.array([[0.1, 0.2, 0.3], [0.3, 0.1, 0.2]])
    order = np.argsort(ends[:, 0])
    np.testing.assert_allclose(ends[order], expected, atol=1e-12)


def test_the_axis_is_the_third_one_of_the_geom():
    data = mujoco.MjData(MODEL)
    mujoco.mj_kinematics(MODEL, data)
    expected = 0.05 * data.geom_xmat[1].reshape(3, 3)[:, 2]
    np.testing.assert_allclose(half_axis(MODEL, 1), expected, atol=1e-12)


def test_excluded_pairs_have_the_smaller_id_first_whatever_the_file_says():
    ids = {name: MODEL.body(name).id for name in "abc"}
    assert excluded_bodies(MODEL) == {(ids["a"], ids["c"]), (ids["b"], ids["c"])}
