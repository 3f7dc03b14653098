"""Kinematics of a strike: the descent of one fingertip on one key, from rest to the key's stop.

Three modules plan the fingers, each with the one before:

- `strokes.strike`: the descent on a key, for a given speed where the key sounds;
- `strokes.press`: one key press, which is a strike, a hold and a release, with all its times;
- `strokes.stroke`: the timeline of each finger of a hand, which is its presses and the movements
  between them, and the targets that follow for the fingertips.

A key sounds as loud as it is fast where it sounds. The fingertip gathers that speed until the key
sounds, and takes the key with it on the way: a pressed touch (Goebl, Bresin & Galembo 2005, J
Acoust Soc Am 118:1154). A key is several times as heavy as the fingertip that meets it. A fingertip
that has all its speed when it meets the key loses about half of it there, and muscles that make up
for the loss go too far. If time is short, the fingertip is faster before than where the key sounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Number: TypeAlias = Any
"""A number of one stroke, or an array of shape (n,) for n strokes."""

STEEPEST = 2.5
"""Largest ratio of the final speed of a swing to its mean speed. Beyond 2.5 the quintic of `swing`
would begin upwards."""

_HEIGHTS = 12
"""Starting heights that are tried between the highest and the lowest."""


@dataclass(frozen=True)
class StrokeConfig:
    """Times, distances and weights of strokes.

    All were chosen by `experiments/bench_repertoire.py` (option `--generated`, and the repertoire)
    unless stated otherwise.
    """

    hover: float = 0.005
    """[m] height above its key from which a finger strikes: the lower, the slower it meets the
    key. Chosen on a third of recorded performances (`experiments/bench_literature.py`)."""

    most_hover: float = 0.02
    """[m] the same for a loud note, which would take less than the shortest of `press_times`."""

    least_hover: float = 0.003
    """[m] the same for a soft note, which would take more than the longest of `press_times`."""

    quick_hover: float = 0.004
    """[m] the same for a finger without time."""

    least_rise: float = 0.003
    """[m] a key that is played again rises at least this far above the point at which it falls
    silent."""

    clearance: float = 0.004
    """[m] fingers between or close to black keys stay at least this far above their tops."""

    rest_hover: float = 0.012
    """[m] height above the keys of a finger that waits."""

    softest: float = 25.0
    """[MIDI velocity] softer notes are played with this one at first sight."""

    softest_learnt: float = 20.0
    """[MIDI velocity] practice makes notes no softer than this; chosen, close to the softest tones
    that a piano sounds."""

    arrival_distance: float = 0.01
    """[m] the hand has arrived when it is this close to its place; a finger touches its key no
    earlier."""

    overtravel: float = 0.0025
    """[m] the target of a pressing finger lies this far below the key's stop, for firm contact."""

    press_times: tuple[float, float] = (0.04, 0.2)
    """[s] shortest and longest time of a descent."""

    release_time: float = 0.06
    """[s] of the finger's way up, if there is that time."""

    travel_time: float = 0.25
    """[s] of a finger's way between its place at rest and a key."""

    same_key_gap: float = 0.08
    """[s] a finger leaves its key this long before it plays again, or as long as a leap takes."""

    least_hold: float = 0.4
    """[share] of the time between two notes of a finger for which it keeps the first key."""

    hold_distance: float = 0.06
    """[m] a key is released when the wrist of the bundled hand is further than this from its pose
    for that key; it grows with the hand's span."""

    press_force: float = 1.0
    """[N] force on a held key, beyond what the key itself needs."""

    idle_weight: float = 0.08
    """[share] weight of a waiting finger in the trajectory, against a finger on its key."""

    delay: float = 0.0
    """[s] strokes begin this much earlier than kinematics asks for. Fingers that strike are fed
    forward what their keys need, and are in time."""

    release_delay: float = 0.005
    """[s] releases begin this much earlier than kinematics asks for, which is the delay of muscles
    and keys."""

    sideways_weight: float = 0.3
    """[share] weight of a target's error along the keyboard, against errors along the key. It is 1
    for a finger on a black key, which is hardly wider than the fingertip."""

    height_weight: float = 10.0
    """[share] weight of a target's error in height while a finger strikes, as its loudness depends
    on nothing else."""


class Levels(NamedTuple):
    """Heights of a fingertip's centre over one key, above the tops of the white keys at rest."""

    surface: float
    """[m] on the key at rest."""

    sound: float
    """[m] where the key sounds."""

    silent: float
    """[m] where the key falls silent."""

    low: float
    """[m] below the key's stop, where the finger presses on."""

    ground: float
    """[m] over the black keys between which the finger plays."""


class Descent(NamedTuple):
    """A descent: from rest at `high`, a swing down to `sound`, then steadily to `low`.

    Its fields are numbers of one descent, or arrays of shape (n,) for n descents.
    """

    speed: Number
    """[m/s] downwards, where the key sounds."""

    high: Number
    """[m] height at which it starts."""

    sound: Number
    """[m] height where the key sounds."""

    low: Number
    """[m] height at which it ends."""

    start: Number
    """[s] time at `high`."""

    onset: Number
    """[s] time at `sound`."""

    bottom: Number
    """[s] time at `low`."""

    def height(self, times: np.ndarray) -> np.ndarray:
        """Height of the fingertip's centre [m]. Shape (n,).

        Args:
            times: at which to ask [s]; before the descent it is `high`, after it `low`. Shape (n,).
        """
        drop = self.high - self.sound
        steepness = self.speed * (self.onset - self.start) / np.maximum(drop, 1e-9)
        height = self.high - drop * swing(_share(times, self.start, self.onset), steepness)
        return np.asarray(height - (self.sound - self.low) * _share(times, self.onset, self.bottom))


def _share(times: np.ndarray, begin: Number, end: Number) -> np.ndarray:
    """Share of the time from `begin` to `end` that has passed, 0 to 1."""
    return np.asarray(np.clip((times - begin) / np.maximum(end - begin, 1e-9), 0.0, 1.0))


def swing(share: np.ndarray, steepness: Number) -> np.ndarray:
    """Movement of least jerk from rest to a final speed that is kept afterwards.

    A quintic whose acceleration is 0 at both ends. With a steepness of 0 it is the minimum-jerk
    movement of Flash & Hogan (1985, J Neurosci 5:1688).

    Args:
        share: of the movement's time, 0 to 1.
        steepness: final speed over mean speed, cut at `STEEPEST`; with 2 it never brakes.

    Returns:
        Share of the distance covered, 0 to 1.
    """
    r = np.minimum(steepness, STEEPEST)
    return np.asarray(
        share**3 * (10.0 - 4.0 * r + share * (7.0 * r - 15.0 + share * (6.0 - 3.0 * r)))
    )


def plan_strike(
    levels: Levels, speed: float, time: float, config: StrokeConfig, *, repeated: bool
) -> tuple[float, float]:
    """Starting height and duration of a strike.

    The highest height is taken from which the time suffices. It is above the nominal height only
    where the descent takes no more than the shortest time.

    Args:
        levels: of fingertip and key.
        speed: of the fingertip where the key sounds [m/s].
        time: that the strike may take [s].
        config: constants of strokes.
        repeated: the finger is on the key already, which then need not rise all the way.

    Returns:
        The height [m], and the time from there until the key sounds [s].
    """
    surface = levels.surface
    sound = levels.sound
    shortest, longest = config.press_times
    over = levels.ground + config.clearance
    heights = np.maximum(
        surface + np.linspace(config.most_hover, config.least_hover, _HEIGHTS), over
    )
    if repeated:
        heights = np.append(
            heights, np.linspace(surface, levels.silent + config.least_rise, _HEIGHTS // 2)
        )
    # At half the speed on average.
    needed = 2.0 * (heights - sound) / speed
    nominal = np.maximum(surface + config.hover, over)
    possible = (needed <= min(time, longest)) & ((heights <= nominal) | (needed <= shortest))
    if possible.any():
        first = int(np.argmax(possible))
        return float(heights[first]), float(needed[first])
    high = float(heights[-1]) if repeated else max(surface + config.quick_hover, over)
    return high, min(time, longest)


def plan_descent(
    levels: Levels, speed: float, high: float, *, start: float, onset: float, bottom: float
) -> Descent:
    """The descent at given times.

    Args:
        levels: of fingertip and key.
        speed: where the key sounds [m/s].
        high: height at which it starts [m].
        start: time at which it starts [s].
        onset: time at which the key sounds [s].
        bottom: time at which it ends [s].
    """
    return Descent(
        speed=speed,
        high=high,
        sound=levels.sound,
        low=levels.low,
        start=start,
        onset=onset,
        bottom=bottom,
    )
