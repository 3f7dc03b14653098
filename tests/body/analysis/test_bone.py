"""Inside and distance against solids whose answers are known."""

import mujoco
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musclehand.body.analysis.bone import bones, depth, surface_distance, winding_number

HALF = 0.01
BOX = np.array([[x, y, z] for x in (-HALF, HALF) for y in (-HALF, HALF) for z in (-HALF, HALF)])
FACES = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)]
FACES += [(2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
CORNERS = BOX[np.array(FACES)]

MODEL = f"""<mujoco><asset><mesh name="box" vertex="{" ".join(f"{v:g}" for v in BOX.ravel())}"/>
</asset>
<worldbody><body name="bone" pos=".1 0 0" euler="0 0 90">
<geom type="mesh" mesh="box" pos="0 .05 0"/></body>
<body name="far" pos="1 0 0"><geom type="mesh" mesh="box"/></body></worldbody></mujoco>"""

places = st.tuples(*[st.floats(-0.03, 0.03).filter(lambda x: abs(abs(x) - HALF) > 1e-4)] * 3).map(
    np.array
)


@settings(max_examples=200, deadline=None)
@given(places)
def test_a_box_contains_what_is_within_its_sides(point):
    inside = bool((np.abs(point) < HALF).all())
    assert winding_number(point, CORNERS) == pytest.approx(float(inside), abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(places)
def test_distance_to_a_box(point):
    outside = np.linalg.norm(np.maximum(np.abs(point) - HALF, 0.0))
    expected = outside if outside > 0 else HALF - np.abs(point).max()
    assert surface_distance(point, CORNERS) == pytest.approx(expected, abs=1e-9)


SIDE = 0.02
TETRAHEDRON = SIDE * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
SIDES = TETRAHEDRON[np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])]


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[st.floats(-0.01, 0.03).filter(lambda x: abs(x) > 1e-4)] * 3).map(np.array))
def test_a_tetrahedron_contains_what_is_on_the_inner_side_of_its_planes(point):
    heights = np.array([*point, (SIDE - point.sum()) / np.sqrt(3)])
    assume(abs(heights[3]) > 1e-4)
    assert winding_number(point, SIDES) == pytest.approx(float((heights > 0).all()), abs=1e-6)
    if (heights > 0).all():
        assert surface_distance(point, SIDES) == pytest.approx(heights.min(), abs=1e-9)


def sphere(radius, count):
    """A sphere of triangles, `count` to the half circle, that lie less than radius (pi/count)^2
    / 2 inside it."""
    polar = np.linspace(0, np.pi, count + 1)
    around = np.linspace(0, 2 * np.pi, 2 * count + 1)
    rings = np.array(
        [[(np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)) for a in around] for p in polar]
    )
    quads = [
        (rings[i, j], rings[i + 1, j], rings[i + 1, j + 1], rings[i, j + 1])
        for i, j in np.ndindex(count, 2 * count)
    ]
    return radius * np.array([corner for a, b, c, d in quads for corner in ((a, b, c), (a, c, d))])


BALL = sphere(0.01, 40)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0, 0.02).filter(lambda r: abs(r - 0.01) > 1e-4),
    st.floats(0, 3.14),
    st.floats(0, 6.28),
)
def test_distance_to_a_ball_is_the_radius_less_the_distance_from_its_centre(away, polar, around):
    """Its triangles at the poles have no area: two of their corners are the pole."""
    point = away * np.array(
        [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)]
    )
    assert winding_number(point, BALL) == pytest.approx(float(away < 0.01), abs=1e-6)
    flat = 0.01 * (np.pi / 40) ** 2 / 2
    assert surface_distance(point, BALL) == pytest.approx(abs(away - 0.01), abs=flat)


def test_a_triangle_without_area_does_not_hide_the_others():
    point = np.array([0.002, 0.001, 0.013])
    assert surface_distance(point, np.concatenate([CORNERS, [[BOX[0]] * 3]])) == pytest.approx(
        0.003
    )
    needle = np.array([[[0, 0, 0], [0.01, 0, 0], [0.02, 0, 0]]])
    assert surface_distance(np.array([0.005, 0.003, 0.004]), needle) == pytest.approx(0.005)


def test_a_bone_with_large_triangles_is_near_all_over_them():
    """A point close to the middle of a large face, far from its corners, beside a small bone
    that is farther away."""
    large, small = (" ".join(f"{v:g}" for v in (scale * BOX).ravel()) for scale in (5, 0.1))
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><asset><mesh name="large" vertex="{large}"/>
        <mesh name="small" vertex="{small}"/>
        </asset><worldbody>
        <body name="large"><geom type="mesh" mesh="large"/></body>
        <body name="small" pos="0 0 .058"><geom type="mesh" mesh="small"/></body>
        </worldbody></mujoco>"""
    )
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    result = depth(data, bones(model), np.array([[0, 0, 0.051]]))
    assert result.distance == pytest.approx([0.001], abs=1e-6)
    assert result.nearest.tolist() == [model.body("large").id]


def test_depth_in_turned_and_shifted_bones():
    model = mujoco.MjModel.from_xml_string(MODEL)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    # The box is 0.05 along the body's y, which is the world's -x.
    result = depth(
        data, bones(model), np.array([[0.05, 0, 0], [0.058, 0, 0], [0.063, 0, 0], [1, 0, 0.012]])
    )
    bone = model.body("bone").id
    far = model.body("far").id
    assert result.inside.tolist() == [bone, bone, -1, -1]
    assert result.distance == pytest.approx([0.010, 0.002, 0.003, 0.002], abs=1e-6)
    assert result.nearest.tolist() == [bone, bone, bone, far]


def test_without_bones_there_is_no_depth(right_hand):
    model, _ = right_hand
    assert bones(model) == ()
    with pytest.raises(ValueError, match="bone"):
        depth(mujoco.MjData(model), (), np.zeros((1, 3)))
