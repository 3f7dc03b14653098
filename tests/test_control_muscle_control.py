"""Computed muscle control: holds and moves a hand in the scene, within what muscles can do."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import DIP_PER_PIP, HAND_JOINTS, Side, coupled_joint
from musclehand.body.muscle import excitation_for, muscle_parameters, reachable_activation
from musclehand.control.muscle_control import HandTarget, MuscleControl, as_slice, dense_dynamics
from musclehand.motion.retarget import PLAYING_POSTURE_DEG
from musclehand.sim.scene import build_scene

SIM_STEPS = 4
TOLERANCE = 1e-5
"""Of the solver, on activations."""

HEIGHT = 0.3
"""Of the carrier, clear of the keys [m]."""


@pytest.fixture(scope="module")
def solo():
    return build_scene(sides=(Side.RIGHT,))


def posture(hand):
    return np.deg2rad([PLAYING_POSTURE_DEG.get(name, 0.0) for name in HAND_JOINTS])[hand.independent]


class Rig:
    """One hand in the air on a forearm that holds still."""

    def __init__(self, scene):
        self.scene, self.model = scene, scene.model
        self.hand, self.carrier = scene.hands[Side.RIGHT], scene.carriers[Side.RIGHT]
        self.data = mujoco.MjData(self.model)
        self.control = MuscleControl(self.model, self.hand, self.carrier.dofs, sim_steps=SIM_STEPS)
        self.muscles = muscle_parameters(self.model, self.hand.muscles)
        self.data.qpos[self.hand.qpos] = self.hand.expand @ posture(self.hand)
        self.data.qpos[self.carrier.qpos[2]] = HEIGHT
        self.interval = SIM_STEPS * self.model.opt.timestep

    def step(self, qpos, qvel):
        """One control interval towards joints `qpos` moving at `qvel` at its end; returns excitations."""
        data, hand = self.data, self.hand
        mujoco.mj_step1(self.model, data)
        mass, moment = dense_dynamics(self.model, data)
        target = HandTarget(qpos, qvel, np.zeros(5), np.zeros(6))
        act = data.act[hand.act].copy()
        wanted = self.control.activations(data, mass, moment, target)
        low, high = reachable_activation(self.muscles, act, self.model.opt.timestep, SIM_STEPS)
        assert (wanted >= low - TOLERANCE).all()
        assert (wanted <= high + TOLERANCE).all()
        ctrl = excitation_for(self.muscles, act, wanted, self.model.opt.timestep, SIM_STEPS)
        data.ctrl[hand.muscles] = ctrl
        feed = data.qfrc_bias[self.carrier.dofs]
        data.ctrl[self.carrier.actuators] = feed / self.carrier.kp + [0, 0, HEIGHT, 0, 0, 0]
        mujoco.mj_step2(self.model, data)
        for _ in range(SIM_STEPS - 1):
            mujoco.mj_step(self.model, data)
        return ctrl

    def error(self, qpos):
        return (self.data.qpos[self.hand.qpos])[self.hand.independent] - qpos


def test_a_posture_is_held_against_gravity(solo):
    rig = Rig(solo)
    wanted = posture(rig.hand)
    for step in range(150):
        ctrl = rig.step(wanted, np.zeros_like(wanted))
        assert ((ctrl >= 0) & (ctrl <= 1)).all()
        if step > 40:
            assert np.abs(rig.error(wanted)).max() < np.deg2rad(2.5)
    assert rig.data.act[rig.hand.act].mean() < 0.3
    assert np.abs(rig.data.qvel[rig.hand.dofs]).max() < 0.3


def test_without_control_the_hand_falls(solo):
    """What is held above is not held by the joints: relaxed, the same posture is lost."""
    rig = Rig(solo)
    for _ in range(600):
        rig.data.ctrl[rig.carrier.actuators[2]] = HEIGHT
        mujoco.mj_step(rig.model, rig.data)
    assert np.abs(rig.error(posture(rig.hand))).max() > np.deg2rad(10)


def test_a_finger_moves_as_wanted(solo):
    """A slow wave of the middle finger's knuckle is followed within a few degrees, and the others keep still."""
    rig = Rig(solo)
    home = posture(rig.hand)
    joint = [HAND_JOINTS[i] for i in rig.hand.independent].index("mcp3_flexion")
    size, rate, worst = np.deg2rad(12), 2 * np.pi * 1.5, 0.0
    for step in range(160):
        time = (step + 1) * rig.interval
        qpos, qvel = home.copy(), np.zeros_like(home)
        qpos[joint] += size * (1 - np.cos(rate * time)) / 2
        qvel[joint] = size * rate * np.sin(rate * time) / 2
        rig.step(qpos, qvel)
        if step > 40:
            worst = max(worst, np.abs(rig.error(qpos)).max())
    assert worst < np.deg2rad(4)


def test_pressing_asks_for_more_muscle(solo):
    rig = Rig(solo)
    wanted = posture(rig.hand)
    for _ in range(30):
        rig.step(wanted, np.zeros_like(wanted))
    mujoco.mj_step1(rig.model, rig.data)
    mass, moment = dense_dynamics(rig.model, rig.data)
    effort = []
    for force in (0.0, 2.0, 5.0):
        press = np.array([0, force, 0, 0, 0])
        target = HandTarget(wanted, np.zeros_like(wanted), press, np.zeros(6))
        act = rig.control.activations(rig.data, mass, moment, target)
        flexors = [rig.model.actuator(f"{name}2_r").id for name in ("FDP", "FDS")]
        effort.append(act[np.isin(rig.hand.muscles, flexors)].sum())
    assert effort[0] < effort[1] < effort[2]


def test_deciding_changes_nothing(solo):
    rig = Rig(solo)
    rig.step(posture(rig.hand), np.zeros(19))
    mujoco.mj_step1(rig.model, rig.data)
    before = [getattr(rig.data, name).copy() for name in ("qpos", "qvel", "act", "ctrl")]
    mass, moment = dense_dynamics(rig.model, rig.data)
    target = HandTarget(posture(rig.hand), np.zeros(19), np.zeros(5), np.zeros(6))
    one = rig.control.activations(rig.data, mass, moment, target)
    other = rig.control.activations(rig.data, mass, moment, target)
    assert np.array_equal(one, other)
    for name, value in zip(("qpos", "qvel", "act", "ctrl"), before, strict=True):
        assert np.array_equal(getattr(rig.data, name), value)


def test_dense_dynamics_are_mujocos(solo):
    """The mass matrix gives the kinetic energy, and moment arms give actuator velocities."""
    model, data = solo.model, mujoco.MjData(solo.model)
    rng = np.random.default_rng(4)
    data.qpos[solo.hands[Side.RIGHT].qpos] = solo.hands[Side.RIGHT].expand @ posture(solo.hands[Side.RIGHT])
    data.qvel[:] = rng.normal(size=model.nv)
    model_flags = model.opt.enableflags
    model.opt.enableflags = model_flags | mujoco.mjtEnableBit.mjENBL_ENERGY
    mujoco.mj_forward(model, data)
    model.opt.enableflags = model_flags
    mass, moment = dense_dynamics(model, data)
    assert mass == pytest.approx(mass.T)
    assert 0.5 * data.qvel @ mass @ data.qvel == pytest.approx(data.energy[1])
    assert moment @ data.qvel == pytest.approx(data.actuator_velocity, abs=1e-12)


def test_slices_of_ids():
    assert as_slice(np.array([3, 4, 5])) == slice(3, 6)
    with pytest.raises(ValueError, match="not consecutive"):
        as_slice(np.array([3, 5]))


def test_coupled_joints_are_left_to_the_coupling(solo):
    hand = solo.hands[Side.RIGHT]
    full = hand.expand @ posture(hand)
    for i, name in enumerate(HAND_JOINTS):
        if coupled_joint(name) is not None:
            assert full[i] == pytest.approx(DIP_PER_PIP * full[HAND_JOINTS.index(coupled_joint(name))])
