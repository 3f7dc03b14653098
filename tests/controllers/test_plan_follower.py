"""Hands that follow a plan: whatever drives the muscles, a plan can be played again and again."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.conditions.enslaving import shared_drives
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.body.conditions.mixing import DriveMixer
from musclehand.controllers.high_level import HighLevelController
from musclehand.controllers.keyboard import KeyboardController
from musclehand.controllers.muscle import MuscleController, playing_control
from musclehand.controllers.plan_follower import PlanFollower
from musclehand.controllers.rigid import RigidController
from musclehand.controllers.run import Run
from musclehand.controllers.torque import TorqueController
from musclehand.controllers.tracking_policy import TrackingPolicyController
from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_motion import policy_plan_config
from musclehand.music.repertoire import load_piece
from musclehand.music.score import keyboard_score
from musclehand.planning.plan import PlanConfig, plan_performance
from musclehand.sim.scene import build_scene

LEVEL = 0.125


class ConstantExcitations:
    """The same excitation of all muscles; notes what it was given."""

    def __init__(self, scene, muscle_control):
        self.muscle_control = muscle_control
        self.steps = []
        self.accelerations = []

    def reference_at(self, stream, step):
        self.steps.append(step)
        return stream.at(step)

    def excitations(self, data, state, reference, wrist_acc):
        self.accelerations.append(wrist_acc.copy())
        return np.minimum(np.full(state.act.shape, LEVEL), self.muscle_control.ceiling)


@pytest.fixture(scope="module")
def clip():
    return keyboard_score(load_piece("ode_to_joy").clip(0, 0.5))


@pytest.fixture(scope="module")
def plan(clip):
    return plan_performance(clip)


def follower(plan, **options):
    return PlanFollower(plan, ConstantExcitations, control=playing_control(), **options)


def steps_of(player, count):
    """Controls and reference angles of the first control steps of a run. Shapes (count, n)."""
    model = player.scene.model
    data = mujoco.MjData(model)
    player.reset(data)
    controls = []
    angles = []
    for step in range(count):
        mujoco.mj_step1(model, data)
        player.control(data, step)
        angles.append(np.concatenate([hand.qpos for hand in player.reference().values()]))
        for substep in range(player.sim_steps):
            player.drive(data, step, substep)
            controls.append(data.ctrl.copy())
            mujoco.mj_step(model, data)
    return np.array(controls), np.array(angles)


def test_it_has_the_plan_s_score_and_times(plan):
    player = follower(plan)
    assert (player.score, player.planned()) == (plan.score, plan.planned)
    assert (player.lead_in, player.sim_steps) == (plan.lead_in, plan.config.sim_steps)
    assert player.scene.model.opt.timestep == plan.sim_dt


def test_the_source_drives_all_muscles_and_servos_the_forearms(plan):
    player = follower(plan)
    assert player.reference() == {}
    controls, _ = steps_of(player, 20)
    muscles = player.muscle_control.muscles.ravel()
    assert np.all(controls[:, muscles] == LEVEL)
    forearms = np.concatenate([forearm.actuators for forearm in player.scene.forearms.values()])
    assert sorted([*muscles, *forearms]) == list(range(player.scene.model.nu))
    assert np.ptp(controls[:, forearms], axis=0).max() > 0
    assert player.source.steps == list(range(20))
    assert all(part.shape == (2, 6) for part in player.source.accelerations)


def test_a_run_begins_where_the_plan_does_and_follows_its_motion(plan):
    player = follower(plan)
    data = mujoco.MjData(player.scene.model)
    player.reset(data)
    motion = plan.motion()
    first = dict(zip(plan.sides, motion.at(0), strict=True))
    for side, hand in player.scene.hands.items():
        assert np.array_equal(data.qpos[hand.qpos], first[side].qpos)
        assert np.array_equal(data.qpos[player.scene.forearms[side].qpos[:4]], first[side].wrist[0])
    _, angles = steps_of(player, 40)
    motion = plan.motion()
    for step in range(40):
        expected = np.concatenate([hand.qpos for hand in motion.at(step)])
        assert np.array_equal(angles[step], expected)


def test_tired_muscles_get_less(plan):
    player = follower(plan, fatigue=FatigueParameters(initial=0.95))
    rested = follower(plan).muscle_control.ceiling
    controls, _ = steps_of(player, 2)
    assert player.muscle_control.ceiling.shape == rested.shape
    assert (player.muscle_control.ceiling < 0.1 * rested).all()
    assert controls[:, player.muscle_control.muscles].max() < 0.1 * LEVEL + 0.05


@pytest.mark.parametrize(
    "controller", ["muscle", "tired", "torque", "rigid", "policy", "high-level", "keyboard"]
)
def test_a_second_run_is_the_same_as_the_first(controller, clip, plan):
    if controller == "muscle":
        player = MuscleController(plan)
    elif controller == "tired":
        player = MuscleController(plan, fatigue=FatigueParameters())
    elif controller in ("torque", "rigid"):
        player = (TorqueController if controller == "torque" else RigidController)(plan)
    elif controller == "policy":
        player = TrackingPolicyController(plan_performance(clip, config=policy_plan_config()))
    elif controller == "high-level":
        player = HighLevelController(clip)
    else:
        player = KeyboardController(clip)
    first, second = (Run(player, end=1.5) for _ in range(2))
    assert first.play() == second.play()
    assert first.body_metrics() == second.body_metrics()
    assert np.array_equal(first.data.qpos, second.data.qpos)
    assert np.array_equal(first.data.act, second.data.act)


def test_a_run_that_broke_off_leaves_nothing_for_the_next(plan):
    whole = steps_of(follower(plan), 40)
    player = follower(plan)
    steps_of(player, 25)
    player.close()
    for expected, values in zip(whole, steps_of(player, 40), strict=True):
        assert np.array_equal(values, expected)


def test_closing_twice_does_nothing(plan):
    player = follower(plan)
    player.close()
    player.close()


def test_a_scene_with_other_hands_or_steps_is_refused(plan):
    with pytest.raises(InvalidValue, match="scene's hands and time step"):
        follower(plan, scene=build_scene(sides=(Side.LEFT,)))
    scene = build_scene()
    scene.model.opt.timestep = 0.001
    with pytest.raises(InvalidValue, match="scene's hands and time step"):
        follower(plan, scene=scene)


def test_one_hand_can_play_alone(clip):
    plan = plan_performance(clip, sides=(Side.RIGHT,))
    player = follower(plan)
    assert tuple(player.scene.hands) == (Side.RIGHT,)
    controls, angles = steps_of(player, 3)
    assert (controls.shape[1], angles.shape[1]) == (46 + 6, 25)


def test_a_policy_refuses_a_plan_of_another_rate(clip):
    plan = plan_performance(clip, config=PlanConfig(sim_steps=5))
    with pytest.raises(InvalidValue, match=r"sim_steps is 5.*policy_plan_config"):
        TrackingPolicyController(plan)


def test_fingers_of_a_hand_that_shares_drive_are_commanded_together(clip, tables):
    design = apply_condition(tables, find_condition("enslaving"))
    player = MuscleController(plan_performance(clip, design=design))
    mixer = DriveMixer(tables.muscle_names, design.drives)
    count = len(tables.muscle_names)
    controls, _ = steps_of(player, 40)
    for hand in player.scene.hands.values():
        excitations = controls[:, hand.muscles]
        commands = np.linalg.solve(mixer.matrix, excitations.T).T
        assert commands.shape[1] == count
        # Not more than rounding below zero: no slip contracts less than its neighbours make it.
        unclipped = excitations[:, mixer.shared].max(axis=1) < 1.0
        assert commands[unclipped][:, mixer.shared].min() > -1e-9
        assert excitations[:, mixer.shared].max() > 0.05


@pytest.mark.parametrize("kind", [TrackingPolicyController, HighLevelController])
def test_what_a_policy_commands_is_mixed_where_slips_share_drive(kind, clip, tables):
    design = replace(tables, drives=shared_drives())
    outcomes = []
    for hand_design in (tables, design):
        scene = build_scene(design=hand_design)
        if kind is HighLevelController:
            player = kind(clip, scene=scene)
        else:
            plan = plan_performance(clip, design=hand_design, config=policy_plan_config())
            player = kind(plan, scene=scene)
        data = mujoco.MjData(player.scene.model)
        player.reset(data)
        mujoco.mj_step1(player.scene.model, data)
        player.control(data, 0)
        outcomes.append([data.ctrl[hand.muscles] for hand in player.scene.hands.values()])
    mixer = DriveMixer(tables.muscle_names, design.drives)
    for alone, mixed in zip(*outcomes, strict=True):
        assert mixed == pytest.approx(mixer.mix(alone), abs=1e-12)
        assert np.abs(mixed - alone).max() > 1e-3
