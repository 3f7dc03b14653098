"""Computed muscle control: holds and moves a hand in the scene, within what muscles can do."""

import mujoco
import numpy as np
import pytest
from scipy.optimize import lsq_linear

from musclehand.body.anatomy import HAND_JOINTS, Side, coupled_joint, coupling_ratio
from musclehand.body.muscle import muscle_force, muscle_parameters, reachable_activation
from musclehand.body.posture import PLAYING_POSTURE_DEG
from musclehand.control.arrays import HandTarget
from musclehand.control.criterion import CRITERIA
from musclehand.control.hand_state import HandReader
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.core.errors import InvalidValue, UnknownName
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
    return np.deg2rad([PLAYING_POSTURE_DEG.get(name, 0.0) for name in HAND_JOINTS])[
        hand.independent
    ]


def one_hand(qpos, qvel, press):
    return HandTarget(qpos[None], qvel[None], press[None], np.zeros((1, 6)))


class Rig:
    """One hand in the air on a forearm that holds still."""

    def __init__(self, scene, config=None):
        self.scene = scene
        self.model = scene.model
        self.hand = scene.hands[Side.RIGHT]
        self.carrier = scene.forearms[Side.RIGHT]
        self.data = mujoco.MjData(self.model)
        self.control = MuscleControl(
            self.model, [self.hand], [self.carrier.dofs], sim_steps=SIM_STEPS, config=config
        )
        self.muscles = muscle_parameters(self.model, self.hand.muscles)
        self.data.qpos[self.hand.qpos] = self.hand.expand @ posture(self.hand)
        self.data.qpos[self.carrier.qpos[2]] = HEIGHT
        self.interval = SIM_STEPS * self.model.opt.timestep

    def step(self, qpos, qvel):
        """One control interval towards joints `qpos` moving at `qvel` at its end; returns
        excitations."""
        data = self.data
        hand = self.hand
        mujoco.mj_step1(self.model, data)
        target = one_hand(qpos, qvel, np.zeros(5))
        state = self.control.reader.read(data)
        act = data.act[hand.act].copy()
        wanted = self.control.activations(state, target)[0]
        low, high = reachable_activation(self.muscles, act, self.model.opt.timestep, SIM_STEPS)
        assert (wanted >= low - TOLERANCE).all()
        assert (wanted <= high + TOLERANCE).all()
        ctrl = self.control.excitations(data, target)[0]
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
    """A slow wave of the middle finger's knuckle is followed within a few degrees, and the
    others keep still."""
    rig = Rig(solo)
    home = posture(rig.hand)
    joint = [HAND_JOINTS[i] for i in rig.hand.independent].index("mcp3_flexion")
    size = np.deg2rad(12)
    rate = 2 * np.pi * 1.5
    worst = 0.0
    for step in range(160):
        time = (step + 1) * rig.interval
        qpos = home.copy()
        qvel = np.zeros_like(home)
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
    state = rig.control.reader.read(rig.data)
    effort = []
    for force in (0.0, 2.0, 5.0):
        press = np.array([0, force, 0, 0, 0])
        act = rig.control.activations(state, one_hand(wanted, np.zeros_like(wanted), press))[0]
        flexors = [rig.model.actuator(f"{name}2_r").id for name in ("FDP", "FDS")]
        effort.append(act[np.isin(rig.hand.muscles, flexors)].sum())
    assert effort[0] < effort[1] < effort[2]


def test_deciding_changes_nothing(solo):
    rig = Rig(solo)
    rig.step(posture(rig.hand), np.zeros(19))
    mujoco.mj_step1(rig.model, rig.data)
    before = [getattr(rig.data, name).copy() for name in ("qpos", "qvel", "act", "ctrl")]
    target = one_hand(posture(rig.hand), np.zeros(19), np.zeros(5))
    one = rig.control.excitations(rig.data, target)
    other = rig.control.excitations(rig.data, target)
    # The solver starts where it ended the last time, which may round differently.
    assert one == pytest.approx(other, abs=1e-9)
    for name, value in zip(("qpos", "qvel", "act", "ctrl"), before, strict=True):
        assert np.array_equal(getattr(rig.data, name), value)


def test_the_activations_are_those_of_the_plain_formulas(solo):
    """The same programme put together step by step from MuJoCo's dense matrices has the same
    solution."""
    rig = Rig(solo)
    home = posture(rig.hand)
    for _ in range(20):
        rig.step(home, np.zeros(19))
    model = rig.model
    data = rig.data
    hand = rig.hand
    config = rig.control.config
    mujoco.mj_step1(model, data)
    rng = np.random.default_rng(5)
    key_mass = 0.1 * rng.random(5)
    key_damping = 3 * rng.random(5)
    target = one_hand(home + 0.05 * rng.normal(size=19), rng.normal(size=19), 3 * rng.random(5))
    target = target._replace(key_mass=key_mass[None], key_damping=key_damping[None])
    found = rig.control.activations(rig.control.reader.read(data), target)[0]
    read = HandReader(model, [hand], [rig.carrier.dofs]).read(data)
    rate = np.array([config.wrist_rate] * 3 + [config.finger_rate] * 16)
    wanted = target.qvel[0] + rate * (target.qpos[0] - read.qpos[0])
    damping = hand.expand.T @ np.diag(model.dof_damping[hand.dofs]) @ hand.expand
    gain, bias = muscle_force(
        rig.muscles, data.actuator_length[hand.muscles], data.actuator_velocity[hand.muscles]
    )
    # A key is a mass and a damper that go up and down with the tip.
    down = read.tips[0, 2::3]
    damping = damping + down.T @ np.diag(key_damping) @ down
    inertia = read.inertia[0] + down.T @ np.diag(key_mass) @ down
    torque = inertia @ (wanted - read.qvel[0]) / rig.interval + damping @ wanted + read.load[0]
    torque -= read.tips[0, 2::3].T @ target.press[0] + bias @ read.arms[0]
    response = rig.interval * np.linalg.inv(inertia + rig.interval * damping)
    weight = np.concatenate([read.tips[0] @ response, config.joint_weight * response])
    matrix = np.vstack([weight @ read.arms[0].T * gain, np.sqrt(config.effort) * np.eye(46)])
    bounds = reachable_activation(rig.muscles, data.act[hand.act], model.opt.timestep, SIM_STEPS)
    right = np.concatenate([weight @ torque, np.zeros(46)])
    assert found == pytest.approx(
        lsq_linear(matrix, right, bounds, method="bvls", tol=1e-14).x, abs=1e-6
    )


def test_two_hands_are_solved_as_each_alone():
    scene = build_scene()
    model = scene.model
    data = mujoco.MjData(scene.model)
    rng = np.random.default_rng(6)
    for hand in scene.hands.values():
        data.qpos[hand.qpos] = hand.expand @ posture(hand)
    data.qvel[:] = 0.1 * rng.normal(size=model.nv)
    data.act[:] = rng.random(model.na)
    mujoco.mj_step1(model, data)
    goal = [rng.normal(size=shape) for shape in ((2, 19), (2, 19), (2, 5), (2, 6))]
    hands = list(scene.hands.values())
    forearms = [carrier.dofs for carrier in scene.forearms.values()]
    both = MuscleControl(model, hands, forearms, sim_steps=SIM_STEPS)
    together = both.excitations(data, HandTarget(*goal))
    for i in range(2):
        alone = MuscleControl(model, hands[i : i + 1], forearms[i : i + 1], sim_steps=SIM_STEPS)
        one = alone.excitations(data, HandTarget(*(part[i : i + 1] for part in goal)))
        assert one[0] == pytest.approx(together[i], abs=1e-7)


def test_no_excitation_is_above_its_ceiling(solo):
    rig = Rig(solo)
    rig.data.act[:] = 0.5
    mujoco.mj_step1(rig.model, rig.data)
    rng = np.random.default_rng(7)
    rig.control.ceiling = rng.random((1, 46))
    target = one_hand(posture(rig.hand) + 1.0, np.zeros(19), np.full(5, 10.0))
    found = rig.control.excitations(rig.data, target)
    assert (found <= rig.control.ceiling).all()
    _, high = reachable_activation(
        rig.muscles, rig.data.act, 0.002, SIM_STEPS, ceiling=rig.control.ceiling[0]
    )
    assert (
        rig.control.activations(rig.control.reader.read(rig.data), target)[0] <= high + TOLERANCE
    ).all()


def held(scene, config, steps=120):
    """Mean angles (19,) and activations (46,) of a posture held, once it has settled."""
    rig = Rig(scene, config)
    angles = []
    act = []
    for step in range(steps):
        rig.step(posture(rig.hand), np.zeros(19))
        if step >= steps // 2:
            angles.append(rig.error(posture(rig.hand)))
            act.append(rig.data.act[rig.hand.act].copy())
    return np.mean(angles, axis=0), np.mean(act, axis=0)


def test_co_contraction_raises_antagonists_and_leaves_the_hand_where_it_is(solo):
    """Where index and middle finger bend, muscles on both sides of the joint pull harder, and
    the angle stays within half a degree: passive tissue of 0.04 N m/rad holds it softly."""
    plain = held(solo, ControlConfig())
    stiff = held(solo, ControlConfig(co_contraction=0.1))
    assert stiff[0] == pytest.approx(plain[0], abs=np.deg2rad(0.5))
    rig = Rig(solo)
    mujoco.mj_step1(rig.model, rig.data)
    state = rig.control.reader.read(rig.data)
    gain, _ = muscle_force(rig.muscles, state.length[0], state.velocity[0])
    free = [HAND_JOINTS[i] for i in rig.hand.independent]
    for name in ("mcp2_flexion", "pm2_flexion", "mcp3_flexion", "pm3_flexion", "flexion"):
        torque = state.arms[0, :, free.index(name)] * gain
        for side in (torque > 0, torque < 0):
            before, after = (abs(torque[side] @ act[side]) for _, act in (plain, stiff))
            assert after > 1.2 * before


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_criterion_holds_the_hand(solo, criterion):
    error, act = held(solo, ControlConfig(criterion=criterion))
    assert np.abs(error).max() < np.deg2rad(3.0)
    assert act.max() < 1.0


def test_criteria_differ_as_they_should(solo):
    """The hardest-working muscle works least hard by min-max, and by cubes less hard than by
    squares."""
    most = [
        held(solo, ControlConfig(criterion=criterion))[1].max()
        for criterion in ("min-max", "cubes", "squares")
    ]
    assert most[0] < most[1] < most[2]


def test_control_that_makes_no_sense_is_named(solo):
    with pytest.raises(UnknownName, match="criterion"):
        Rig(solo, ControlConfig(criterion="entropy"))
    with pytest.raises(InvalidValue, match="co_contraction"):
        Rig(solo, ControlConfig(co_contraction=1.5))


def test_coupled_joints_are_left_to_the_coupling(solo):
    hand = solo.hands[Side.RIGHT]
    full = hand.expand @ posture(hand)
    for i, name in enumerate(HAND_JOINTS):
        if coupled_joint(name) is not None:
            assert full[i] == pytest.approx(
                coupling_ratio(name) * full[HAND_JOINTS.index(coupled_joint(name))]
            )
