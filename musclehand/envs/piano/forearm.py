"""Moves of the forearm, as a part of the high-level policy's action.

With each latent action, the policy tells where the forearm's base should be when that action ends,
and how fast; a cubic Hermite spline leads there. Position and velocity are told relative to where
the base would be at constant velocity, so that an action of 0.5 continues the motion. Numbers are
scaled by an inverse hyperbolic sine: small moves are told finely, large ones coarsely.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.envs.piano.body import ForearmPath

ACCELERATION = 60.0
"""[m/s^2] Largest mean acceleration in a move. Leaps are planned with a mean of 35
(`planning.strokes.release`), and more than that at their ends."""

RETURN_TIME = 0.02
"""[s] Time constant of the return to a plan: nine tenths of the way in 80 ms."""

LINEAR_SHARE = 0.05
"""Moves well below this share of the largest are told in proportion, those above by their
logarithm."""

_RANGE = float(np.arcsinh(1.0 / LINEAR_SHARE))

MOVE_SIZE = 6
"""Numbers of an action that tell a move: three of the position, three of the velocity."""


class ForearmMove(NamedTuple):
    """Cubic moves of n forearms."""

    start: ForearmPath
    """Path at the beginning. Shapes (n, 3)."""

    place: np.ndarray
    """[m] Position at the end. Shape (n, 3)."""

    speed: np.ndarray
    """[m/s] Velocity at the end. Shape (n, 3)."""

    duration: float
    """[s] Duration."""


def decode_move(action: np.ndarray, start: ForearmPath, duration: float) -> ForearmMove:
    """The move that an action tells.

    Args:
        action: three numbers of the position and three of the velocity, 0 to 1. Shape (n, 6).
        start: current path of the forearms.
        duration: of the move [s].
    """
    scaled = np.sinh((2.0 * action - 1.0) * _RANGE) * LINEAR_SHARE
    place, speed = np.split(scaled, 2, axis=1)
    largest = ACCELERATION * duration
    straight_on = start.place + start.speed * duration
    return ForearmMove(
        start=start,
        place=straight_on + 0.5 * largest * duration * place,
        speed=start.speed + largest * speed,
        duration=duration,
    )


def encode_move(
    start: ForearmPath, place: np.ndarray, speed: np.ndarray, duration: float
) -> np.ndarray:
    """The action that tells a move, the inverse of `decode_move`; clipped to what can be told.
    Shape (n, 6).

    Args:
        start: current path of the forearms.
        place: position at the end [m]. Shape (n, 3).
        speed: velocity at the end [m/s]. Shape (n, 3).
        duration: of the move [s].
    """
    largest = ACCELERATION * duration
    straight_on = start.place + start.speed * duration
    shares = np.hstack(
        [(place - straight_on) / (0.5 * largest * duration), (speed - start.speed) / largest]
    )
    return np.asarray(0.5 + 0.5 * np.arcsinh(np.clip(shares, -1.0, 1.0) / LINEAR_SHARE) / _RANGE)


def return_to_plan(
    current: ForearmPath, plan: ForearmPath, later_plan: ForearmPath, duration: float
) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity, after a while, of forearms that return to a plan like a critically
    damped spring, in about `RETURN_TIME` times four. Shapes (n, 3).

    A policy that learns from this does not know the plan, and will be off by some millimetres in
    all directions. Labels that corrected this in one step would be mostly noise.

    Args:
        current: path of the forearms.
        plan: path they should have.
        later_plan: path they should have after `duration`.
        duration: [s].
    """
    offset = current.place - plan.place
    drift = current.speed - plan.speed
    rate = 1.0 / RETURN_TIME
    swing = drift + rate * offset
    remaining = np.exp(-rate * duration)
    place = later_plan.place + (offset + swing * duration) * remaining
    return place, later_plan.speed + (drift - rate * swing * duration) * remaining


def path_at(move: ForearmMove, time: float) -> ForearmPath:
    """Path of the forearms within a move.

    Args:
        move: cubic moves.
        time: since their beginning [s].
    """
    duration = move.duration
    share = time / duration
    start = move.start.place
    speed = move.start.speed
    distance = move.place - start
    # Cubic Hermite: place + speed s + b s^2 + c s^3 over the share s of the duration.
    b = 3.0 * distance - duration * (2.0 * speed + move.speed)
    c = duration * (speed + move.speed) - 2.0 * distance
    return ForearmPath(
        place=start + duration * speed * share + b * share**2 + c * share**3,
        speed=speed + (2.0 * b * share + 3.0 * c * share**2) / duration,
        acceleration=(2.0 * b + 6.0 * c * share) / duration**2,
    )
