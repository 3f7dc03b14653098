"""How a planner moves forearms: it says where one should be when an intention ends and how fast; a
cubic leads there.

Told as a right forearm's, relative to where it would be if it went on as it does, so that doing
nothing is in the middle of what can be told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.envs.piano.body import ForearmPath

ACCELERATION = 60.0
"""Of the forearm, at most, on average over a move [m/s^2]. Leaps are planned with 35
(`planning.strokes.release`) from end to end, and more of it at their ends."""

BACK = 0.02
"""Time constant of coming back to a plan [s]: nine tenths of the way in 80 ms."""

FINE = 0.05
"""Shares of the largest move well below that are told in proportion, those above by their
logarithm: small moves need to be told exactly, large ones do not."""

_MOST = float(np.arcsinh(1.0 / FINE))

MOVE_SIZE = 6
"""Numbers that tell of a move."""


class ForearmMove(NamedTuple):
    """From `here` along cubics, that end at `place` [m] with `speed` [m/s] after `duration` [s];
    shapes (n, 3)."""

    here: ForearmPath
    place: np.ndarray
    speed: np.ndarray
    duration: float


def move_of(action: np.ndarray, here: ForearmPath, duration: float) -> ForearmMove:
    """The move that is told.

    Args:
        action: three numbers for the place and three for the speed, 0 to 1. Shape (n, 6).
        here: where forearms are.
        duration: of the move [s].
    """
    place, speed = np.split(np.sinh((2.0 * action - 1.0) * _MOST) * FINE, 2, axis=1)
    most = ACCELERATION * duration
    on = here.place + here.speed * duration
    return ForearmMove(
        here, on + 0.5 * most * duration * place, here.speed + most * speed, duration
    )


def offset_action(
    here: ForearmPath, place: np.ndarray, speed: np.ndarray, duration: float
) -> np.ndarray:
    """What tells a move that ends at a place with a speed; undoes `move_of`. Shape (n, 6).

    Args:
        here: where forearms are.
        place: where they should be [m]. Shape (n, 3).
        speed: and how fast [m/s]. Shape (n, 3).
        duration: of the move [s].
    """
    most = ACCELERATION * duration
    on = here.place + here.speed * duration
    told = np.hstack([(place - on) / (0.5 * most * duration), (speed - here.speed) / most])
    return np.asarray(0.5 + 0.5 * np.arcsinh(np.clip(told, -1.0, 1.0) / FINE) / _MOST)


def back_on(
    here: ForearmPath, plan: ForearmPath, there: ForearmPath, duration: float
) -> tuple[np.ndarray, np.ndarray]:
    """Place and speed, after a while, of forearms that come back to a plan as a critically damped
    spring does, in about `BACK` times four. Shapes (n, 3).

    Who is to learn from that does not know the plan, and will be off by some millimetres one way
    and the other: they should not be made good in one step.

    Args:
        here: where forearms are.
        plan: where they should be.
        there: where they should be after that.
        duration: of the while [s].
    """
    off = here.place - plan.place
    drift = here.speed - plan.speed
    rate = 1.0 / BACK
    swing = drift + rate * off
    left = np.exp(-rate * duration)
    place = there.place + (off + swing * duration) * left
    return place, there.speed + (drift - rate * swing * duration) * left


def moved(move: ForearmMove, time: float) -> ForearmPath:
    """Where forearms are so long after a move's beginning [s]."""
    share, duration, (start, speed, _) = time / move.duration, move.duration, move.here
    apart = move.place - start
    # Cubic Hermite: place + speed s + b s^2 + c s^3 over the share s of the way.
    b = 3.0 * apart - duration * (2.0 * speed + move.speed)
    c = duration * (speed + move.speed) - 2.0 * apart
    return ForearmPath(
        start + duration * speed * share + b * share**2 + c * share**3,
        speed + (2.0 * b * share + 3.0 * c * share**2) / duration,
        (2.0 * b + 6.0 * c * share) / duration**2,
    )
