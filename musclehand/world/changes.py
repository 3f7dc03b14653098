"""The simulation of a surrogate world: every parameter of its truth reaches model or nerves.

Constants that MuJoCo derives from inertia (`dof_M0`, `dof_invweight0`) are set anew at the end
(`mj_setConst`): keys are bodies that move by themselves, whose inertia it takes from there.
"""

from __future__ import annotations

import math
from dataclasses import replace

import mujoco
import numpy as np

from musclehand.piano.geometry import keyboard_geometry
from musclehand.piano.keys import KeySensor
from musclehand.sim.scene import Scene, build_scene
from musclehand.world.key_torques import KeyTorques
from musclehand.world.senses import Delays, SenseNoise
from musclehand.world.simulated import Ear, Nature, SimulatedWorld
from musclehand.world.truth import Structure, Truth
from musclehand.world.two_contacts import TwoContactSensor

PEAK_FORCE = 2
"""Place of the peak force among MuJoCo's parameters of a muscle."""

MUSCLE_SCATTER = 0.15
"""Standard deviation of the logarithm of single muscles' strength; chosen."""

FINE_DT = 0.001
"""[s] Simulation step of tier "t1": half the player's."""

SPEED_NOISE = 10.0
"""[1/s] Standard deviation of sensed velocities over that of angles; chosen."""

PLACE_NOISE = 0.05
"""[m/rad] Standard deviation of a forearm's place over that of angles; chosen: a length of 5 cm."""

INTEGRATORS = {
    "euler": mujoco.mjtIntegrator.mjINT_EULER,
    "implicit": mujoco.mjtIntegrator.mjINT_IMPLICIT,
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
}


def make_world(truth: Truth, *, seed: int = 0) -> SimulatedWorld:
    """The world of a truth, with the bundled hands.

    Args:
        truth: its parameters.
        seed: of its noise.
    """
    structure = truth.structure
    scene = world_scene(truth)
    noise = SenseNoise()
    if structure is not None:
        angle = structure.angle_noise
        place = PLACE_NOISE * angle
        noise = SenseNoise(angle, SPEED_NOISE * angle, place, SPEED_NOISE * place)
    on_angle = keyboard_geometry(scene.piano).on_angle
    torques = KeyTorques(truth.key_friction, structure.let_off if structure else 0.0, on_angle)

    def make_ear(start: float) -> Ear:
        ear = KeySensor if structure is None else TwoContactSensor
        return ear(scene.piano, start=start)

    nature = Nature(
        delays=Delays(truth.sensory_delay, truth.command_delay),
        noise=noise,
        motor_noise=structure.motor_noise if structure else 0.0,
        key_torque=torques,
        make_ear=make_ear,
        seed=seed,
    )
    return SimulatedWorld(scene, nature)


def world_scene(truth: Truth) -> Scene:
    """The scene of a truth: hands, forearms and keys."""
    scene = build_scene()
    piano = scene.piano
    piano = replace(
        piano,
        on_band=truth.on_band,
        off_band=truth.on_band + truth.off_gap,
        midi_at_1_m_s=piano.midi_at_1_m_s + truth.velocity_offset,
        midi_per_decade=piano.midi_per_decade * truth.velocity_slope,
    )
    scene = replace(scene, piano=piano)
    _place_keyboard(scene, truth)
    _change_keys(scene, truth)
    _change_body(scene, truth)
    if truth.structure is not None:
        _change_structure(scene, truth.structure)
    mujoco.mj_setConst(scene.model, mujoco.MjData(scene.model))
    return scene


def _place_keyboard(scene: Scene, truth: Truth) -> None:
    """Moves and turns all keys; the case, which nothing touches, stays."""
    model = scene.model
    bodies = model.jnt_bodyid[scene.keys.joint]
    cos, sin = math.cos(truth.keyboard_yaw), math.sin(truth.keyboard_yaw)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    offset = np.array([truth.keyboard_x, truth.keyboard_y, truth.keyboard_z])
    model.body_pos[bodies] = model.body_pos[bodies] @ turn.T + offset
    half = 0.5 * truth.keyboard_yaw
    model.body_quat[bodies] = [math.cos(half), 0.0, 0.0, math.sin(half)]


def _change_keys(scene: Scene, truth: Truth) -> None:
    model, keys = scene.model, scene.keys
    bodies = model.jnt_bodyid[keys.joint]
    model.body_mass[bodies] *= truth.key_inertia
    model.body_inertia[bodies] *= truth.key_inertia
    model.dof_armature[keys.dof] *= truth.key_inertia
    model.dof_damping[keys.dof] *= truth.key_damping
    black = keyboard_geometry(scene.piano).black
    springs = np.where(black, truth.key_spring_black, truth.key_spring_white)
    model.jnt_stiffness[keys.joint] *= springs


def _change_body(scene: Scene, truth: Truth) -> None:
    model = scene.model
    for hand in scene.hands.values():
        extrinsic = crosses_wrist(scene.model, hand.tendons, hand.dofs[:3])
        strength = np.where(extrinsic, truth.strength_extrinsic, truth.strength_intrinsic)
        _strengthen(model, hand.muscles, strength)
        model.actuator_dynprm[hand.muscles, 0] *= truth.activation_rise
        model.actuator_dynprm[hand.muscles, 1] *= truth.activation_fall
        model.dof_damping[hand.dofs] *= truth.joint_damping
    for forearm in scene.forearms.values():
        # A position servo's force is kp (set point - position) - kd velocity.
        model.actuator_gainprm[forearm.actuators, 0] *= truth.servo_stiffness
        model.actuator_biasprm[forearm.actuators, 1] *= truth.servo_stiffness
        model.actuator_biasprm[forearm.actuators, 2] *= truth.servo_damping


def _change_structure(scene: Scene, structure: Structure) -> None:
    model, keys = scene.model, scene.keys
    model.opt.timestep = FINE_DT
    model.opt.integrator = INTEGRATORS[structure.integrator]
    model.opt.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    model.geom_solref[keys.geom, 0] *= structure.contact_time
    model.jnt_stiffness[keys.joint] *= structure.key_springs
    model.body_pos[model.jnt_bodyid[keys.joint], 2] += structure.key_heights
    rng = np.random.default_rng(structure.muscle_seed)
    for hand in scene.hands.values():
        scatter = np.exp(MUSCLE_SCATTER * rng.standard_normal(len(hand.muscles)))
        _strengthen(model, hand.muscles, scatter)


def _strengthen(model: mujoco.MjModel, muscles: np.ndarray, factor: np.ndarray) -> None:
    model.actuator_gainprm[muscles, PEAK_FORCE] *= factor
    model.actuator_biasprm[muscles, PEAK_FORCE] *= factor


def crosses_wrist(model: mujoco.MjModel, tendons: np.ndarray, wrist: np.ndarray) -> np.ndarray:
    """Which muscles have a moment arm about the wrist: the extrinsic ones. Shape (m,), bool.

    Args:
        model: with the hand.
        tendons: of the muscles. Shape (m,).
        wrist: degrees of freedom of forearm rotation and wrist.
    """
    data = mujoco.MjData(model)
    mujoco.mj_fwdPosition(model, data)
    crossing = np.zeros(len(tendons), dtype=bool)
    for row, tendon in enumerate(tendons):
        first = model.ten_J_rowadr[tendon]
        span = slice(first, first + model.ten_J_rownnz[tendon])
        columns, arms = model.ten_J_colind[span], data.ten_J[span]
        crossing[row] = bool(np.any(np.isin(columns, wrist) & (np.abs(arms) > 1e-6)))
    return crossing
