"""Inside and distance against solids whose answers are known."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.bone import bones, depth, surface_distance, winding

HALF = 0.01
BOX = np.array([[x, y, z] for x in (-HALF, HALF) for y in (-HALF, HALF) for z in (-HALF, HALF)])
FACES = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)]
FACES += [(2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
CORNERS = BOX[np.array(FACES)]

MODEL = f"""<mujoco><asset><mesh name="box" vertex="{" ".join(f"{v:g}" for v in BOX.ravel())}"/></asset>
<worldbody><body name="bone" pos=".1 0 0" euler="0 0 90"><geom type="mesh" mesh="box" pos="0 .05 0"/></body>
<body name="far" pos="1 0 0"><geom type="mesh" mesh="box"/></body></worldbody></mujoco>"""

places = st.tuples(*[st.floats(-0.03, 0.03).filter(lambda x: abs(abs(x) - HALF) > 1e-4)] * 3).map(np.array)


@settings(max_examples=200, deadline=None)
@given(places)
def test_a_box_contains_what_is_within_its_sides(point):
    inside = bool((np.abs(point) < HALF).all())
    assert winding(point, CORNERS) == pytest.approx(float(inside), abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(places)
def test_distance_to_a_box(point):
    outside = np.linalg.norm(np.maximum(np.abs(point) - HALF, 0.0))
    expected = outside if outside > 0 else HALF - np.abs(point).max()
    assert surface_distance(point, CORNERS) == pytest.approx(expected, abs=1e-9)


def test_depth_in_turned_and_shifted_bones():
    model = mujoco.MjModel.from_xml_string(MODEL)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    # The box is 0.05 along the body's y, which is the world's -x.
    found = depth(data, bones(model), np.array([[0.05, 0, 0], [0.058, 0, 0], [0.063, 0, 0], [1, 0, 0.012]]))
    bone, far = model.body("bone").id, model.body("far").id
    assert found.inside.tolist() == [bone, bone, -1, -1]
    assert found.distance == pytest.approx([0.010, 0.002, 0.003, 0.002], abs=1e-6)
    assert found.nearest.tolist() == [bone, bone, bone, far]


def test_without_bones_there_is_no_depth(right_hand):
    model, _ = right_hand
    assert bones(model) == ()
    with pytest.raises(ValueError, match="bone"):
        depth(mujoco.MjData(model), (), np.zeros((1, 3)))
