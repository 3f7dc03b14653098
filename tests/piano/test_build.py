"""The piano's physics: free at rest, the forces it takes, how it comes back, at 1 to 4 ms."""

import warnings

import mujoco
import numpy as np
import pytest

from musclehand.core.errors import UnknownName
from musclehand.piano.build import build_piano, find_keys, key_names, press_force
from musclehand.piano.geometry import key_top_point, keyboard_geometry, load_piano_parameters

PARAMS = load_piano_parameters()
GEOMETRY = keyboard_geometry(PARAMS)
STEPS = (0.001, 0.002, 0.004)


@pytest.fixture(scope="module")
def model():
    model = build_piano(PARAMS).compile()
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    return model


@pytest.fixture(params=STEPS)
def stepped(model, request):
    before = model.opt.timestep
    model.opt.timestep = request.param
    yield model
    model.opt.timestep = before


def run(model, data, seconds):
    for _ in range(round(seconds / model.opt.timestep)):
        mujoco.mj_step(model, data)


def at_front_edge(model, data, keys, force):
    """Press straight down on every key's front top edge, wherever it is now, by its torque about
    the hinge."""
    point = key_top_point(GEOMETRY, np.arange(88), GEOMETRY.front_y, data.qpos[keys.qpos])
    data.qfrc_applied[keys.dof] = force * (GEOMETRY.hinge_y - point[:, 1])


def test_88_hinges_in_order_and_a_case_that_nothing_hits(model):
    keys = find_keys(model)
    assert (model.nq, model.nv, model.nu) == (88, 88, 0)
    assert key_names()[0] == "key/000_A0"
    assert key_names()[87] == "key/087_C8"
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(data.xanchor[keys.joint][:, 0], GEOMETRY.x)
    np.testing.assert_allclose(data.xanchor[keys.joint][:, 1], GEOMETRY.hinge_y)
    case = [g for g in range(model.ngeom) if g not in keys.geom]
    assert len(case) == 5
    assert not model.geom_contype[case].any()
    assert not model.geom_conaffinity[case].any()


def test_boxes_are_where_the_geometry_says(model):
    keys = find_keys(model)
    data = mujoco.MjData(model)
    for angle in (0.0, 0.05):
        data.qpos[keys.qpos] = angle
        mujoco.mj_forward(model, data)
        rotation = data.geom_xmat[keys.geom].reshape(-1, 3, 3)
        half = model.geom_size[keys.geom]
        front_top = data.geom_xpos[keys.geom] + np.einsum(
            "kij,kj->ki", rotation, half * np.array([0, -1, 1])
        )
        np.testing.assert_allclose(
            front_top, key_top_point(GEOMETRY, np.arange(88), GEOMETRY.front_y, angle), atol=1e-12
        )
    np.testing.assert_allclose(2 * half[:, 0], GEOMETRY.width)


def test_inertia_is_the_uniform_bars_about_its_end(model):
    keys = find_keys(model)
    mass = np.where(GEOMETRY.black, 0.02, 0.04)
    thickness = np.where(GEOMETRY.black, 0.018, 0.0225)
    expected = mass * (GEOMETRY.length**2 / 3 + thickness**2 / 12) + 0.001
    np.testing.assert_allclose(model.dof_M0[keys.dof], expected)
    assert mujoco.mj_getTotalmass(model) == pytest.approx(mass.sum())


def test_at_rest_under_gravity_nothing_moves_and_no_constraint_is_active(stepped):
    data = mujoco.MjData(stepped)
    assert stepped.opt.gravity[2] < -9
    run(stepped, data, 1.0)
    assert data.nefc == 0
    assert np.abs(data.qpos).max() < 1e-4


def test_keys_do_not_meet_each_other(model):
    keys = find_keys(model)
    data = mujoco.MjData(model)
    data.qpos[keys.qpos[::2]] = 0.06
    mujoco.mj_forward(model, data)
    assert data.ncon == 0


def test_static_force_at_the_front_edge(model):
    keys = find_keys(model)
    force = press_force(PARAMS, GEOMETRY.on_angle)
    np.testing.assert_allclose(force[~GEOMETRY.black], 0.77, atol=0.005)
    np.testing.assert_allclose(force[GEOMETRY.black], 1.77, atol=0.005)
    for factor, sounds in ((0.99, False), (1.01, True)):
        data = mujoco.MjData(model)
        for _ in range(500):
            at_front_edge(model, data, keys, factor * force)
            mujoco.mj_step(model, data)
        assert np.all((data.qpos[keys.qpos] > GEOMETRY.on_angle) == sounds)


def test_a_pressed_key_reaches_the_bottom_and_stops_there(stepped):
    keys = find_keys(stepped)
    data = mujoco.MjData(stepped)
    deepest = np.zeros(88)
    for _ in range(round(0.4 / stepped.opt.timestep)):
        at_front_edge(stepped, data, keys, 3.0)
        mujoco.mj_step(stepped, data)
        deepest = np.maximum(deepest, data.qpos[keys.qpos])
    assert np.all(data.qpos[keys.qpos] > GEOMETRY.full_angle - 1e-3)
    assert np.all(data.qpos[keys.qpos] < GEOMETRY.full_angle + 3e-3)
    assert np.all(
        (deepest - GEOMETRY.full_angle) * GEOMETRY.length < 1.5e-3
    )  # on impact, 0.6 mm at steps of 1 ms
    assert np.abs(data.qvel).max() < 1e-3
    assert data.nefc == 88


def test_a_let_go_key_comes_back_in_time_for_fast_repeats(stepped):
    keys = find_keys(stepped)
    data = mujoco.MjData(stepped)
    data.qpos[keys.qpos] = GEOMETRY.full_angle
    silent = np.full(88, np.inf)
    up = np.full(88, np.inf)
    lowest = 0.0
    while data.time < 0.5:
        mujoco.mj_step(stepped, data)
        angle = data.qpos[keys.qpos]
        silent = np.where(angle < GEOMETRY.off_angle, np.minimum(silent, data.time), silent)
        up = np.where(angle < 0.1 * GEOMETRY.full_angle, np.minimum(up, data.time), up)
        lowest = min(lowest, float(angle.min()))
    # measured: 20 ms (white) and 16 ms (black) to silence, 52 and 50 ms to nine tenths of the way
    # up
    assert silent.max() < 0.025
    assert up.max() < 0.06
    assert lowest > -0.006
    assert np.abs(data.qpos).max() < 1e-4
    assert data.nefc == 0


@pytest.mark.parametrize("bits", [(0, 1), (0, 2), (4, 0)])
def test_a_ball_lands_on_a_key_if_its_bits_say_so(bits):
    spec = build_piano(PARAMS, contype=bits[0], conaffinity=bits[1])
    ball = spec.worldbody.add_body(name="ball", pos=[GEOMETRY.x[39], 0.03, 0.02])
    ball.add_freejoint()
    ball.add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.008, 0, 0], mass=0.02, contype=1, conaffinity=0
    )
    model = spec.compile()
    data = mujoco.MjData(model)
    run(model, data, 0.2)
    height = data.body("ball").xpos[2]
    if bits == (0, 1):
        assert height > 0.0
        assert data.joint("key/039_C4").qpos[0] > 0.005
        assert model.geom_friction[model.geom("key/039_C4").id][0] == 0.8
    else:
        assert height < -0.1


def test_attached_under_a_prefix(model):
    scene = mujoco.MjSpec()
    scene.compiler.degree = False
    scene.attach(
        build_piano(PARAMS), prefix="piano/", frame=scene.worldbody.add_frame(pos=[0, 0, 0.7])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        attached = scene.compile()
    keys = find_keys(attached, prefix="piano/")
    plain = find_keys(model)
    np.testing.assert_array_equal(attached.jnt_range[keys.joint], model.jnt_range[plain.joint])
    with pytest.raises(UnknownName, match="key/000_A0"):
        find_keys(attached)
