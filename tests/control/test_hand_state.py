"""The gathered state of the hands is MuJoCo's own, from its dense matrices and site Jacobians."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.control.hand_state import HandReader
from musclehand.core.errors import ModelError
from musclehand.sim.scene import build_scene
from support.dense import dense_dynamics


@pytest.fixture(scope="module")
def scene():
    return build_scene()


def shaken(model, seed):
    """Data with all joints and speeds anywhere, positions and velocities computed."""
    rng = np.random.default_rng(seed)
    data = mujoco.MjData(model)
    low, high = model.jnt_range.T
    limited = model.jnt_limited.astype(bool)
    data.qpos[:] = np.where(
        limited, low + rng.random(model.nq) * (high - low), 0.2 * rng.normal(size=model.nq)
    )
    data.qvel[:] = rng.normal(size=model.nv)
    data.act[:] = rng.random(model.na)
    mujoco.mj_step1(model, data)
    return data


@pytest.mark.parametrize("seed", range(4))
def test_state_is_mujocos(scene, seed):
    model = scene.model
    forearms = [carrier.dofs for carrier in scene.forearms.values()]
    reader = HandReader(model, list(scene.hands.values()), forearms)
    reader.read(shaken(model, 100 + seed))  # what was read before leaves nothing behind
    data = shaken(model, seed)
    state = reader.read(data)
    mass, moment = dense_dynamics(model, data)
    assert 0.5 * data.qvel @ mass @ data.qvel > 0
    for i, (hand, carrier) in enumerate(zip(scene.hands.values(), forearms, strict=True)):
        expand = hand.expand
        dofs = hand.dofs
        assert state.inertia[i] == pytest.approx(
            expand.T @ mass[np.ix_(dofs, dofs)] @ expand, abs=1e-12
        )
        assert state.coupling[i] == pytest.approx(expand.T @ mass[np.ix_(dofs, carrier)], abs=1e-12)
        assert state.forearm_inertia[i] == pytest.approx(mass[np.ix_(carrier, carrier)], abs=1e-12)
        assert state.arms[i] == pytest.approx(
            moment[np.ix_(hand.muscles, dofs)] @ expand, abs=1e-12
        )
        assert state.load[i] == pytest.approx(
            expand.T @ (data.qfrc_bias - data.qfrc_spring)[dofs], abs=1e-12
        )
        assert state.forearm_load[i] == pytest.approx(data.qfrc_bias[carrier], abs=1e-12)
        assert np.array_equal(state.qpos[i], data.qpos[hand.qpos][hand.independent])
        assert np.array_equal(state.qvel[i], data.qvel[dofs][hand.independent])
        assert np.array_equal(state.length[i], data.actuator_length[hand.muscles])
        assert np.array_equal(state.velocity[i], data.actuator_velocity[hand.muscles])
        assert np.array_equal(state.act[i], data.act[hand.act])
        jacobian = np.zeros((3, model.nv))
        for tip, site in enumerate(hand.tips):
            mujoco.mj_jacSite(model, data, jacobian, None, site)
            assert state.tips[i, 3 * tip : 3 * tip + 3] == pytest.approx(
                jacobian[:, dofs] @ expand, abs=1e-12
            )


def test_hands_without_carriers(scene):
    data = shaken(scene.model, 9)
    none = np.array([], dtype=int)
    state = HandReader(scene.model, [scene.hands[Side.LEFT]], [none]).read(data)
    coupling = HandReader(
        scene.model, [scene.hands[Side.LEFT]], [scene.forearms[Side.LEFT].dofs]
    ).read(data)
    assert state.coupling.shape == (1, 19, 0)
    assert state.inertia == pytest.approx(coupling.inertia)
    assert state.load == pytest.approx(coupling.load)


def test_hands_that_differ_are_an_error(scene):
    hands = list(scene.hands.values())
    forearms = [scene.forearms[Side.RIGHT].dofs, np.array([], dtype=int)]
    with pytest.raises(ModelError, match="differ"):
        HandReader(scene.model, hands, forearms)
