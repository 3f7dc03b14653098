"""Moves of the forearm, as a part of the high-level policy's action.

With each latent action, the policy chooses position and velocity of the forearm's base at the end
of that action; a cubic Hermite spline leads there. Both are relative to a motion at constant
velocity, so that an action of 0.5 continues the motion. Numbers are scaled by an inverse hyperbolic
sine: small moves are encoded finely, large ones coarsely.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.envs.piano.body import ForearmState

ACCELERATION = 60.0
"""[m/s^2] Largest mean acceleration in a move. Leaps are planned with a mean of 35
(`planning.strokes.release`), and more than that at their ends."""

RETURN_TIME = 0.02
"""[s] Time constant of the return to a plan: nine tenths of the way in 80 ms."""

LINEAR_SHARE = 0.05
"""Moves well below this share of the largest are encoded in proportion, those above by their
logarithm."""

_RANGE = float(np.arcsinh(1.0 / LINEAR_SHARE))
"""Inverse hyperbolic sine of the largest move, to which actions of 0 and 1 are scaled."""

MOVE_SIZE = 6
"""Numbers of an action that encode a move: three of the position, three of the velocity."""


class ForearmMove(NamedTuple):
    """Cubic moves of n forearms."""

    start: ForearmState
    """State of motion at the beginning. Shapes (n, 3)."""

    position: np.ndarray
    """[m] Position at the end. Shape (n, 3)."""

    velocity: np.ndarray
    """[m/s] Velocity at the end. Shape (n, 3)."""

    duration: float
    """[s] Duration."""


def decode_move(action: np.ndarray, start: ForearmState, duration: float) -> ForearmMove:
    """The move that an action encodes.

    Args:
        action: three numbers of the position and three of the velocity, 0 to 1. Shape (n, 6).
        start: current state of the forearms.
        duration: of the move [s].
    """
    scaled = np.sinh((2.0 * action - 1.0) * _RANGE) * LINEAR_SHARE
    position, velocity = np.split(scaled, 2, axis=1)
    largest = ACCELERATION * duration
    straight_on = start.position + start.velocity * duration
    return ForearmMove(
        start=start,
        position=straight_on + 0.5 * largest * duration * position,
        velocity=start.velocity + largest * velocity,
        duration=duration,
    )


def encode_move(
    start: ForearmState, position: np.ndarray, velocity: np.ndarray, duration: float
) -> np.ndarray:
    """The action that encodes a move, the inverse of `decode_move`; clipped to the largest moves
    that an action can encode. Shape (n, 6).

    Args:
        start: current state of the forearms.
        position: position at the end [m]. Shape (n, 3).
        velocity: velocity at the end [m/s]. Shape (n, 3).
        duration: of the move [s].
    """
    largest = ACCELERATION * duration
    straight_on = start.position + start.velocity * duration
    shares = np.hstack(
        [
            (position - straight_on) / (0.5 * largest * duration),
            (velocity - start.velocity) / largest,
        ]
    )
    return np.asarray(0.5 + 0.5 * np.arcsinh(np.clip(shares, -1.0, 1.0) / LINEAR_SHARE) / _RANGE)


def return_to_plan(
    current: ForearmState, plan: ForearmState, later_plan: ForearmState, duration: float
) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity, after a while, of forearms that return to a plan like a critically
    damped spring, in about `RETURN_TIME` times four. Shapes (n, 3).

    A policy that learns from this does not know the plan, and will be off by some millimetres in
    all directions. Labels that corrected this in one step would be mostly noise.

    Args:
        current: state of the forearms.
        plan: planned state.
        later_plan: planned state after `duration`.
        duration: [s].
    """
    offset = current.position - plan.position
    drift = current.velocity - plan.velocity
    rate = 1.0 / RETURN_TIME
    swing = drift + rate * offset
    remaining = np.exp(-rate * duration)
    position = later_plan.position + (offset + swing * duration) * remaining
    return position, later_plan.velocity + (drift - rate * swing * duration) * remaining


def state_at(move: ForearmMove, time: float) -> ForearmState:
    """State of the forearms within a move.

    Args:
        move: cubic moves.
        time: since their beginning [s].
    """
    duration = move.duration
    share = time / duration
    start = move.start.position
    velocity = move.start.velocity
    distance = move.position - start
    # Cubic Hermite: start + velocity s + b s^2 + c s^3 over the share s of the duration.
    b = 3.0 * distance - duration * (2.0 * velocity + move.velocity)
    c = duration * (velocity + move.velocity) - 2.0 * distance
    return ForearmState(
        position=start + duration * velocity * share + b * share**2 + c * share**3,
        velocity=velocity + (2.0 * b * share + 3.0 * c * share**2) / duration,
        acceleration=(2.0 * b + 6.0 * c * share) / duration**2,
    )
