"""Backends against a plain loop of `mj_step`, and against each other."""

import importlib.util

import mujoco
import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.sim.cpu import CpuBackend

WORLDS = 5
HAS_WARP = importlib.util.find_spec("mujoco_warp") is not None

BACKENDS = [
    "cpu",
    pytest.param(
        "warp", marks=[pytest.mark.slow, pytest.mark.skipif(not HAS_WARP, reason="no mujoco_warp")]
    ),
]


def make_backend(kind, model, num_worlds=WORLDS):
    if kind == "cpu":
        return CpuBackend(model, num_worlds)
    from musclehand.sim.warp import WarpBackend

    return WarpBackend(model, num_worlds, device="cpu")


@pytest.fixture(params=BACKENDS)
def backend(request, right_hand):
    return make_backend(request.param, right_hand[0])


def controls(model, steps, seed=0):
    return np.random.default_rng(seed).random((steps, WORLDS, model.nu)) * 0.3


def plain_loop(model, world, ctrl):
    data = mujoco.MjData(model)
    for row in ctrl[:, world]:
        data.ctrl[:] = row
        mujoco.mj_step(model, data, nstep=4)
    mujoco.mj_forward(model, data)
    return data


def run(backend, ctrl):
    for rows in ctrl:
        backend.write("ctrl", rows)
        backend.step(4)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_has_the_bits_of_a_plain_loop_at_any_number_of_threads(right_hand, threads):
    model, _hand = right_hand
    batch = CpuBackend(model, WORLDS, num_threads=threads)
    ctrl = controls(model, 25)
    batch.read("site_xpos")
    run(batch, ctrl)
    for world in range(WORLDS):
        data = plain_loop(model, world, ctrl)
        for name in ("qpos", "qvel", "act", "actuator_length", "site_xpos", "qfrc_bias"):
            np.testing.assert_array_equal(
                batch.read(name)[world], getattr(data, name), err_msg=name
            )
        assert batch.read("time")[world] == data.time


def test_what_follows_from_a_state_is_current_after_every_call(backend, right_hand):
    model, hand = right_hand
    backend.read("site_xpos")
    posture = np.tile(model.qpos0, (2, 1))
    posture[:, hand.qpos[hand.joints.index("mcp2_flexion")]] = [0.3, 0.9]
    chosen = np.array([1, 3])
    backend.write("qpos", posture, chosen)
    backend.forward(chosen)
    data = mujoco.MjData(model)
    for world, qpos in zip(chosen, posture, strict=True):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        np.testing.assert_allclose(backend.read("site_xpos")[world], data.site_xpos, atol=1e-6)
    backend.reset(chosen)
    np.testing.assert_allclose(
        backend.read("site_xpos")[1], backend.read("site_xpos")[0], atol=1e-6
    )


def test_a_state_put_back_goes_on_the_same_way(backend, right_hand):
    model, _ = right_hand
    ctrl = controls(model, 6)
    run(backend, ctrl[:3])
    kept = backend.state()
    run(backend, ctrl[3:])
    after = backend.state()
    backend.reset()
    assert not np.array_equal(backend.state(), after)
    backend.restore(kept)
    run(backend, ctrl[3:])
    np.testing.assert_array_equal(backend.state(), after)


def test_worlds_that_are_reset_leave_their_neighbours_alone(backend, right_hand):
    model, _ = right_hand
    ctrl = controls(model, 4)
    run(backend, ctrl)
    before = backend.state()
    backend.reset(np.array([0, 2]))
    now = backend.state()
    np.testing.assert_array_equal(now[[1, 3, 4]], before[[1, 3, 4]])
    np.testing.assert_allclose(
        backend.read("qpos")[[0, 2]], np.tile(model.qpos0, (2, 1)), atol=1e-7
    )
    assert (backend.read("time")[[0, 2]] == 0).all()


def test_a_world_has_the_strength_it_is_given(backend, right_hand):
    model, hand = right_hand
    weak = backend.field("actuator_gainprm")[[1]]
    weak[:, hand.muscles, 2] *= 0.5
    backend.set_field("actuator_gainprm", weak, np.array([1]))
    ctrl = np.repeat(controls(model, 8)[:, :1], WORLDS, axis=1)
    run(backend, ctrl)
    weakened = mujoco.MjModel.__copy__(model)
    weakened.actuator_gainprm[:] = weak[0]
    for world, oracle in ((0, model), (1, weakened), (2, model)):
        expected = plain_loop(oracle, world, ctrl)
        np.testing.assert_allclose(backend.read("qpos")[world], expected.qpos, atol=1e-5)
    assert np.abs(backend.read("qpos")[0] - backend.read("qpos")[1]).max() > 1e-3


def test_a_heavier_world_is_heavier_in_everything_that_follows(backend, right_hand):
    model, _ = right_hand
    mass = backend.field("body_mass")
    inertia = backend.field("body_inertia")
    backend.set_field("body_mass", 1.3 * mass[[1]], np.array([1]))
    backend.set_field("body_inertia", 1.3 * inertia[[1]], np.array([1]))
    heavy = mujoco.MjModel.__copy__(model)
    heavy.body_mass[:] *= 1.3
    heavy.body_inertia[:] *= 1.3
    data = mujoco.MjData(heavy)
    mujoco.mj_setConst(heavy, data)
    followed = {0: model, 1: heavy, 2: model}
    if isinstance(backend, CpuBackend):
        # Its `field` tells what was set, not what follows.
        for world, oracle in followed.items():
            np.testing.assert_allclose(
                backend.model_of(world).body_subtreemass, oracle.body_subtreemass
            )
            np.testing.assert_allclose(
                backend.model_of(world).body_invweight0, oracle.body_invweight0
            )
    else:
        for world, oracle in followed.items():
            for name in ("body_subtreemass", "body_invweight0", "dof_invweight0"):
                np.testing.assert_allclose(
                    backend.field(name)[world], getattr(oracle, name), err_msg=name
                )
    ctrl = np.repeat(controls(model, 8)[:, :1], WORLDS, axis=1)
    run(backend, ctrl)
    for world, oracle in followed.items():
        np.testing.assert_allclose(
            backend.read("qpos")[world], plain_loop(oracle, world, ctrl).qpos, atol=1e-5
        )
    assert np.abs(backend.read("qpos")[0] - backend.read("qpos")[1]).max() > 1e-3


@pytest.mark.parametrize("wrong", ["read", "write", "field", "restore", "set_field"])
def test_what_is_not_there_is_said(right_hand, wrong):
    batch = CpuBackend(right_hand[0], 2)
    calls = {
        "read": lambda: batch.read("nothing"),
        "write": lambda: batch.write("site_xpos", np.zeros(3)),
        "field": lambda: batch.field("qpos"),
        "restore": lambda: batch.restore(np.zeros((2, 3))),
        "set_field": lambda: batch.set_field("body_mass", np.zeros((2, 3))),
    }
    with pytest.raises(InvalidValue):
        calls[wrong]()
    with pytest.raises(InvalidValue):
        CpuBackend(right_hand[0], 0)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_WARP, reason="no mujoco_warp")
def test_a_second_on_warp_agrees_with_the_cpu(right_hand):
    model, _ = right_hand
    ctrl = controls(model, 125)
    reference = make_backend("cpu", model)
    tested = make_backend("warp", model)
    run(reference, ctrl)
    run(tested, ctrl)
    assert np.abs(reference.read("qpos") - tested.read("qpos")).max() < 2e-3
    assert np.abs(reference.read("time") - tested.read("time")).max() < 1e-4
