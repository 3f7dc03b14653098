"""Jacobian of one control step of muscle-driven hands.

This is no derivative of MuJoCo's step by finite differences, which would cost a simulation for
every muscle and joint. It is the derivative of the equations that matter: activation dynamics,
muscle force by activation, length and velocity, and the joints' inertia, damping and stiffness,
integrated as MuJoCo's `implicitfast` does. Joint limits are soft constraints
(`envs.gradients.soft_constraint`). Of contact there is the inertia of keys that fingers move, the
keys' stops, and friction that holds fingertips on keys. Tests compare it with finite differences of
the simulation.
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
"""[m] Finite difference of muscle length."""

_SPEED_STEP = 1e-3
"""[m/s] Finite difference of muscle velocity."""

_ACTIVITY_STEP = 5e-3
"""Finite difference of excitation and activation. Activation rises faster than it falls; this is
wide enough to see both where excitation is about equal to activation."""


class KeyContact(NamedTuple):
    """Keys under the fingertips of n hands."""

    mass: np.ndarray
    """[kg] Effective mass of the key that each fingertip moves. Shape (n, 5)."""

    damping: np.ndarray
    """[N s/m] Effective damping of that key. Shape (n, 5)."""

    held: np.ndarray
    """Whether the fingertip holds its key on the stop. Shape (n, 5)."""


class SensoryJacobian(NamedTuple):
    """Jacobian of the proprioception of n hands with respect to their state: k independent joint
    angles and velocities, and m activations."""

    arms: np.ndarray
    """[m/rad] Muscle lengths by angles. Shape (n, m, k)."""

    length: np.ndarray
    """[1/m] Sensed fibre length by muscle length. Shape (m,)."""

    velocity: np.ndarray
    """[s/m] Sensed fibre velocity by muscle velocity. Shape (m,)."""

    force_by_activation: np.ndarray
    """Sensed force by activation. Shape (n, m)."""

    force_by_length: np.ndarray
    """[1/m] Sensed force by muscle length. Shape (n, m)."""

    force_by_speed: np.ndarray
    """[s/m] Sensed force by muscle velocity. Shape (n, m)."""

    tips: np.ndarray
    """[m/rad] Fingertips by angles. Shape (n, 15, k)."""

    expand: np.ndarray
    """All joint angles by independent ones. Shape (j, k)."""

    def vjp(self, gradient: Proprioception) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vector-Jacobian product. The forearm does not depend on the muscles.

        Args:
            gradient: with respect to proprioception.

        Returns:
            Gradients with respect to angles (n, k), velocities (n, k) and activations (n, m).
        """
        length = gradient.length * self.length + gradient.force * self.force_by_length
        velocity = gradient.velocity * self.velocity + gradient.force * self.force_by_speed
        by_length = np.einsum("nmk,nm->nk", self.arms, length)
        by_velocity = np.einsum("nmk,nm->nk", self.arms, velocity)
        by_tips = np.einsum("nrk,nr->nk", self.tips, gradient.tips.reshape(len(gradient.tips), -1))
        angles = gradient.angles @ self.expand + by_length + by_tips
        speeds = gradient.speeds @ self.expand + by_velocity
        return angles, speeds, gradient.activation + gradient.force * self.force_by_activation


class StepJacobian(NamedTuple):
    """Jacobian of one step of the policy, of n hands with k independent joints and m muscles.

    Activation enters the mechanics by its mean over the step.
    """

    speed_by_speed: np.ndarray
    """Final velocities by initial velocities. Shape (n, k, k)."""

    speed_by_angle: np.ndarray
    """[1/s] Final velocities by initial angles. Shape (n, k, k)."""

    angle_by_speed: np.ndarray
    """[s] Final angles by initial velocities. Shape (n, k, k)."""

    angle_by_angle: np.ndarray
    """Final angles by initial angles. Shape (n, k, k)."""

    speed_by_mean: np.ndarray
    """[rad/s] Final velocities by mean activations. Shape (n, k, m)."""

    angle_by_mean: np.ndarray
    """[rad] Final angles by mean activations. Shape (n, k, m)."""

    mean_by_excitation: np.ndarray
    """Mean activation by excitation. Shape (n, m)."""

    mean_by_activation: np.ndarray
    """Mean activation by initial activation. Shape (n, m)."""

    end_by_excitation: np.ndarray
    """Final activation by excitation. Shape (n, m)."""

    end_by_activation: np.ndarray
    """Final activation by initial activation. Shape (n, m)."""

    sensory: SensoryJacobian
    """Jacobian of proprioception before the step."""


class BodyJacobian:
    """Computes the Jacobians of a body's steps."""

    def __init__(self, body: TrackingBody, *, sim_steps: int) -> None:
        """
        Args:
            body: the hands.
            sim_steps: simulation steps in a step of the policy.
        """
        from musclehand.control.kernels import muscle as muscle_kernels

        self._kernels = muscle_kernels
        self._body = body
        self._steps = sim_steps
        self._dt = body.model.opt.timestep
        hand = body.hand
        count = body.backend.num_worlds
        self._muscles = muscle_parameters(body.model, hand.muscles)
        self._params = np.repeat(np.array(self._muscles)[None], count, axis=0)
        self._mirror = np.tile(mirrors(body.side)[1], 5)[:, None]
        self._damping = hand.expand.T @ np.diag(body.model.dof_damping[hand.dofs]) @ hand.expand
        self._limits = JointLimits(body.model, hand)
        self._key_stop = KeyStop.of(body.model, hand, body.key_joints[0]) if body.keys else None

    def at(self, state: HandState, excitation: np.ndarray, keys: KeyContact) -> StepJacobian:
        """Jacobian of the step that begins in a state.

        Args:
            state: of all hands.
            excitation: constant during the step. Shape (n, m).
            keys: under the fingertips.
        """
        arms = state.arms
        expand = self._body.hand.expand
        gain, by_length, by_speed = self._forces(state)
        stiffness, damping = (
            np.einsum("nmi,nm,nmj->nij", arms, -derivative, arms, optimize=True)
            for derivative in (by_length, by_speed)
        )
        inertia = np.array(state.inertia)
        drag = np.zeros_like(damping)
        damping += self._damping
        angles = state.qpos @ expand.T
        limits = self._limits.at(angles)
        springs = limits.stiffness + self._limits.springs(angles)
        for matrix, of_joints in (
            (inertia, limits.mass),
            (drag, limits.damping),
            (stiffness, springs),
        ):
            matrix += np.einsum("ji,nj,jk->nik", expand, of_joints, expand, optimize=True)
        if self._key_stop is not None:
            self._add_keys(state, keys, self._key_stop, inertia, damping, drag, stiffness)
        response = self._integrate(inertia, damping, drag, stiffness)
        torque = np.einsum("nmj,nm->njm", arms, gain)
        by_excitation = self._activity_derivatives(state.act, excitation, 0.0, _ACTIVITY_STEP)
        by_activation = self._activity_derivatives(state.act, excitation, _ACTIVITY_STEP, 0.0)
        return StepJacobian(
            speed_by_speed=response[0, 0],
            speed_by_angle=response[0, 1],
            angle_by_speed=response[1, 0],
            angle_by_angle=response[1, 1],
            speed_by_mean=response[0, 2] @ torque,
            angle_by_mean=response[1, 2] @ torque,
            mean_by_excitation=by_excitation[0],
            mean_by_activation=by_activation[0],
            end_by_excitation=by_excitation[1],
            end_by_activation=by_activation[1],
            sensory=self._sensory(state, gain, by_length, by_speed),
        )

    def sensory(self, state: HandState) -> SensoryJacobian:
        """Jacobian of proprioception in a state, mirrored to right hands."""
        return self._sensory(state, *self._forces(state))

    def _sensory(
        self, state: HandState, gain: np.ndarray, by_length: np.ndarray, by_speed: np.ndarray
    ) -> SensoryJacobian:
        params = self._muscles
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
    def _add_keys(
        state: HandState,
        keys: KeyContact,
        stop: KeyStop,
        inertia: np.ndarray,
        damping: np.ndarray,
        drag: np.ndarray,
        stiffness: np.ndarray,
    ) -> None:
        """Adds the keys under the fingertips to inertia, damping, drag and stiffness, in place.
        Shapes (n, k, k)."""
        on_key = np.maximum(keys.held, keys.mass > 0.0)
        held = stop.down.times(keys.held)
        stuck = stop.aside.times(on_key)
        vertical = (keys.mass + held.mass, keys.damping, held.damping, held.stiffness)
        sideways = (stuck.mass, None, stuck.damping, None)
        for axis, of_tips in ((2, vertical), (0, sideways), (1, sideways)):
            jacobian = state.tips[:, axis::3]
            for matrix, values in zip((inertia, damping, drag, stiffness), of_tips, strict=True):
                if values is not None:
                    matrix += np.einsum(
                        "nti,nt,ntj->nij", jacobian, values, jacobian, optimize=True
                    )

    def _integrate(
        self, inertia: np.ndarray, damping: np.ndarray, drag: np.ndarray, stiffness: np.ndarray
    ) -> np.ndarray:
        """Linear response over the simulation steps: final velocity and angle, by initial velocity,
        by initial angle, and by a constant torque. Shape (2, 3, n, k, k).

        As in MuJoCo's integrator `implicitfast`: damping is implicit, drag and stiffness of
        constraints are explicit, and angles follow the new velocities.

        Args:
            inertia: shape (n, k, k).
            damping: of muscles, joints and moved keys. Shape (n, k, k).
            drag: damping of constraints. Shape (n, k, k).
            stiffness: shape (n, k, k).
        """
        dt = self._dt
        identity = np.broadcast_to(np.eye(inertia.shape[1]), inertia.shape)
        mobility = np.linalg.inv(inertia + dt * damping)
        by_speed = mobility @ (inertia - dt * drag)
        by_angle = -dt * mobility @ stiffness
        zero = np.zeros_like(inertia)
        speed = np.array([identity, zero, zero])
        angle = np.array([zero, identity, zero])
        for _ in range(self._steps):
            speed = by_speed @ speed + by_angle @ angle
            speed[2] += dt * mobility
            angle = angle + dt * speed
        return np.array([speed, angle])

    def _forces(self, state: HandState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Muscle force by activation [N], by length [N/m] and by velocity [N s/m]. Shapes (n,
        m)."""

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

    def _activity_derivatives(
        self,
        activation: np.ndarray,
        excitation: np.ndarray,
        activation_step: float,
        excitation_step: float,
    ) -> np.ndarray:
        """Central differences of mean and final activation over the step. Shape (2, n, m).

        Args:
            activation: initial. Shape (n, m).
            excitation: shape (n, m).
            activation_step: difference of the activation, or 0.
            excitation_step: difference of the excitation, or 0.
        """
        results = np.empty((2, 2, *activation.shape))
        for (mean, end), sign in zip(results, (1.0, -1.0), strict=True):
            start = activation + sign * activation_step
            ctrl = excitation + sign * excitation_step
            self._kernels.respond(self._params, start, ctrl, self._dt, self._steps, mean, end)
        return np.asarray((results[0] - results[1]) / (2.0 * (activation_step + excitation_step)))
