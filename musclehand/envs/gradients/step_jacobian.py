"""How one step of muscle-driven hands answers to small changes: of excitation, activation, joint
speed and angle.

Not a derivative of MuJoCo's step, which costs a simulation for every muscle and joint, but the
equations that matter written down: activation dynamics, muscle force by activation, length and
speed, and the hand's inertia and damping, which are implicit as in MuJoCo's integrator. Joints have
ends (`envs.gradients.soft_constraint`). Of contact there is the inertia of keys that fingers move,
that keys end, and that fingertips stick to them. Tests hold it against differences of the
simulation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.muscle import muscle_parameters
from musclehand.control.arrays import HandState
from musclehand.envs.gradients.soft_constraint import JointLimits, KeyStop
from musclehand.envs.reference import mirrors
from musclehand.envs.tracking.body import Proprioception, TrackingBody

_LENGTH_STEP = 1e-5
_SPEED_STEP = 1e-3
_ACTIVITY_STEP = 5e-3
"""Differences by which slopes of the muscles' curves are taken [m, m/s, 1]; activation rises
faster than it falls, and the last one is wide enough to see both where excitation is about the
activation there is."""


class KeyContact(NamedTuple):
    """What keys do to fingertips: `mass` [kg] and `damping` [N s/m] of those that they move, and
    whether they are `held` down to the stop. Shapes (n, 5)."""

    mass: np.ndarray
    damping: np.ndarray
    held: np.ndarray


class SensoryJacobian(NamedTuple):
    """What n hands feel, by their state: `arms` (n, m, k), tendon lengths by joints [m/rad];
    `length`, `velocity` (m,), what is sensed by lengths [1/m] and their speeds [s/m];
    `force_by_activation`, `force_by_length`, `force_by_speed` (n, m), the sensed force by
    activation, tendon length and its speed; `tips` (n, 15, k), fingertips by joints; `expand`
    (j, k), all joints by independent ones."""

    arms: np.ndarray
    length: np.ndarray
    velocity: np.ndarray
    force_by_activation: np.ndarray
    force_by_length: np.ndarray
    force_by_speed: np.ndarray
    tips: np.ndarray
    expand: np.ndarray

    def back(self, by: Proprioception) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How something changes with angles (n, k), speeds (n, k) and activations (n, m), told
        how it does with what is felt. The forearm is not the muscles' to move."""
        length = by.length * self.length + by.force * self.force_by_length
        velocity = by.velocity * self.velocity + by.force * self.force_by_speed
        pulled, pulling = (np.einsum("nmk,nm->nk", self.arms, part) for part in (length, velocity))
        tips = np.einsum("nrk,nr->nk", self.tips, by.tips.reshape(len(by.tips), -1))
        angles = by.angles @ self.expand + pulled + tips
        speeds = by.speeds @ self.expand + pulling
        return angles, speeds, by.activation + by.force * self.force_by_activation


class StepJacobian(NamedTuple):
    """Of n hands with k independent joints and m muscles, over one step of the policy.

    `speed_by_speed`, `speed_by_angle`, `angle_by_speed`, `angle_by_angle` (n, k, k): speed and
    angle at the end by those at the beginning; `speed_by_mean`, `angle_by_mean` (n, k, m): by the
    mean activation in between; that one and the activation at the end by excitation and by
    activation at the beginning: `mean_by_excitation`, `mean_by_activation`, `end_by_excitation`,
    `end_by_activation` (n, m). `senses`: of what is felt at the beginning.
    """

    speed_by_speed: np.ndarray
    speed_by_angle: np.ndarray
    angle_by_speed: np.ndarray
    angle_by_angle: np.ndarray
    speed_by_mean: np.ndarray
    angle_by_mean: np.ndarray
    mean_by_excitation: np.ndarray
    mean_by_activation: np.ndarray
    end_by_excitation: np.ndarray
    end_by_activation: np.ndarray
    senses: SensoryJacobian


class BodyJacobian:
    """The slopes of a body's steps."""

    def __init__(self, body: TrackingBody, *, sim_steps: int) -> None:
        """`sim_steps`: of the simulation in a step of the policy."""
        from musclehand.control.kernels import muscle as compiled_muscle

        self._kernels = compiled_muscle
        self._body = body
        self._steps = sim_steps
        self._dt = body.model.opt.timestep
        hand = body.hand
        count = body.backend.num_worlds
        self._told = muscle_parameters(body.model, hand.muscles)
        self._params = np.repeat(np.array(self._told)[None], count, axis=0)
        self._mirror = np.tile(mirrors(body.side)[1], 5)[:, None]
        self._damping = hand.expand.T @ np.diag(body.model.dof_damping[hand.dofs]) @ hand.expand
        self._ends = JointLimits(body.model, hand)
        self._bottom = KeyStop.of(body.model, hand, body.key_joints[0]) if body.keys else None

    def at(self, state: HandState, excitation: np.ndarray, keys: KeyContact) -> StepJacobian:
        """The slopes of the step that begins in a state.

        Args:
            state: of all hands.
            excitation: held during the step. Shape (n, m).
            keys: that they touch.
        """
        arms = state.arms
        gain, by_length, by_speed = self._forces(state)
        stiffness, damping = (
            np.einsum("nmi,nm,nmj->nij", arms, -slope, arms, optimize=True)
            for slope in (by_length, by_speed)
        )
        inertia = np.array(state.inertia)
        drag = np.zeros_like(damping)
        damping += self._damping
        angles = state.qpos @ self._body.hand.expand.T
        ends = self._ends.at(angles)
        springs = ends.stiffness + self._ends.springs(angles)
        for whole, part in ((inertia, ends.mass), (drag, ends.damping), (stiffness, springs)):
            whole += np.einsum(
                "ji,nj,jk->nik", self._body.hand.expand, part, self._body.hand.expand, optimize=True
            )
        if self._bottom is not None:
            self._touch(state, keys, self._bottom, inertia, damping, drag, stiffness)
        moved = self._moving(inertia, damping, drag, stiffness)
        pull = np.einsum("nmj,nm->njm", arms, gain)
        by_excitation = self._activity_slopes(state.act, excitation, 0.0, _ACTIVITY_STEP)
        by_activation = self._activity_slopes(state.act, excitation, _ACTIVITY_STEP, 0.0)
        return StepJacobian(
            speed_by_speed=moved[0, 0],
            speed_by_angle=moved[0, 1],
            angle_by_speed=moved[1, 0],
            angle_by_angle=moved[1, 1],
            speed_by_mean=moved[0, 2] @ pull,
            angle_by_mean=moved[1, 2] @ pull,
            mean_by_excitation=by_excitation[0],
            mean_by_activation=by_activation[0],
            end_by_excitation=by_excitation[1],
            end_by_activation=by_activation[1],
            senses=self._felt(state, gain, by_length, by_speed),
        )

    def senses(self, state: HandState) -> SensoryJacobian:
        """What the hands feel, by their state; as a right hand's."""
        return self._felt(state, *self._forces(state))

    def _felt(
        self, state: HandState, gain: np.ndarray, by_length: np.ndarray, by_speed: np.ndarray
    ) -> SensoryJacobian:
        params = self._told
        return SensoryJacobian(
            arms=state.arms,
            length=1.0 / params.l0,
            velocity=1.0 / (params.l0 * params.vmax),
            force_by_activation=-gain / params.f0,
            force_by_length=-by_length / params.f0,
            force_by_speed=-by_speed / params.f0,
            tips=state.tips * self._mirror,
            expand=self._body.hand.expand,
        )

    @staticmethod
    def _touch(state: HandState, keys: KeyContact, bottom: KeyStop, *wholes: np.ndarray) -> None:
        """Adds what fingertips meet at keys to inertia, damping, what of it is not implicit, and
        stiffness."""
        on_key = np.maximum(keys.held, keys.mass > 0.0)
        held = bottom.down.times(keys.held)
        stuck = bottom.aside.times(on_key)
        along = (keys.mass + held.mass, keys.damping, held.damping, held.stiffness)
        aside = (stuck.mass, None, stuck.damping, None)
        for axis, parts in ((2, along), (0, aside), (1, aside)):
            tips = state.tips[:, axis::3]
            for whole, part in zip(wholes, parts, strict=True):
                if part is not None:
                    whole += np.einsum("nti,nt,ntj->nij", tips, part, tips, optimize=True)

    def _moving(
        self, inertia: np.ndarray, damping: np.ndarray, drag: np.ndarray, stiffness: np.ndarray
    ) -> np.ndarray:
        """Over the simulation steps: speed and angle, by speed, by angle, and by a torque held.
        Shape (2, 3, n, k, k).

        As the simulation does it: `damping` is implicit, `drag` and `stiffness` are not, and angles
        follow speeds.
        """
        dt = self._dt
        one = np.broadcast_to(np.eye(inertia.shape[1]), inertia.shape)
        mobility = np.linalg.inv(inertia + dt * damping)
        discount = mobility @ (inertia - dt * drag)
        pulling = -dt * mobility @ stiffness
        none = np.zeros_like(inertia)
        speed = np.array([one, none, none])
        angle = np.array([none, one, none])
        for _ in range(self._steps):
            speed = discount @ speed + pulling @ angle
            speed[2] += dt * mobility
            angle = angle + dt * speed
        return np.array([speed, angle])

    def _forces(self, state: HandState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Muscle force by activation [N], by length [N/m] and by speed [N s/m]. Shapes (n, m)."""

        def forces(length: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            gain = np.empty_like(length)
            bias = np.empty_like(length)
            self._kernels.forces(self._params, length, speed, gain, bias)
            return gain, gain * state.act + bias

        gain, force = forces(state.length, state.velocity)
        longer = forces(state.length + _LENGTH_STEP, state.velocity)[1]
        faster = forces(state.length, state.velocity + _SPEED_STEP)[1]
        strength = self._body.strength
        return (
            strength * gain,
            strength * (longer - force) / _LENGTH_STEP,
            strength * (faster - force) / _SPEED_STEP,
        )

    def _activity_slopes(
        self,
        activation: np.ndarray,
        excitation: np.ndarray,
        more_activation: float,
        more_excitation: float,
    ) -> np.ndarray:
        """Mean activation over the simulation steps, and that at the end, by one of both. Shape
        (2, n, m)."""
        ends = np.empty((2, 2, *activation.shape))
        for (mean, end), sign in zip(ends, (1.0, -1.0), strict=True):
            start = activation + sign * more_activation
            ctrl = excitation + sign * more_excitation
            self._kernels.respond(self._params, start, ctrl, self._dt, self._steps, mean, end)
        return np.asarray((ends[0] - ends[1]) / (2.0 * (more_activation + more_excitation)))
