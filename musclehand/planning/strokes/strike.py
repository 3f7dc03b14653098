"""How one finger goes down on a key: from rest over it to the speed that the note's loudness asks
for.

A key sounds as loud as it is fast where it sounds. The fingertip gathers that speed on its way to
the key and keeps it all the way down, where there is time; where there is none it has that speed
where the key sounds, and is faster before. Against a minimum-jerk movement to the bottom, this
needs a third of the acceleration for the same loudness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Number: TypeAlias = Any
"""A number of one stroke, or an array of shape (n,) for n of them."""

STEEPEST = 2.5
"""Final speed of a swing over its mean speed; beyond it the finger would have to go up first."""

_HEIGHTS = 12
"""Heights tried between the highest and the lowest."""


@dataclass(frozen=True)
class StrokeConfig:
    """Times [s] and distances [m] of a stroke.

    A finger waits `hover` above the key that it will strike, up to `most_hover` for a loud note
    that would take less than the shortest of `press_times`, down to `least_hover` for a soft one
    that would take longer than the longest, and `quick_hover` if it has no time; a key played again
    is let up to `least_rise` above where it falls silent, at the least; `rest_hover` for a finger
    that waits, all at least `clearance` above the black keys where the finger is between or close
    to them. Notes softer than `softest` [MIDI] are played like that. The hand has to be `near` its
    place when the finger touches its key. `overtravel` of the reference below the key's stop makes
    contact firm. `release_time` of one up; `travel_time` for moving to the next key; a finger lets
    go `same_key_gap` before it plays again, or as long as a leap takes, but keeps a key for at
    least `least_hold` of the time between its notes; `reach`: a key is let go when the wrist is
    further than this from where it would hold it; `press_force` [N] beyond what the key itself
    needs; `idle_weight` of a waiting finger in the inverse kinematics, against 1; `delay`,
    `release_delay`: strokes begin, and keys are let go, that much earlier than kinematics asks for,
    which is how late muscles and keys answer (measured on generated scores; fingers that strike are
    fed forward what their keys need, and are in time); an error `sideways`, along the keyboard,
    counts that much against one along a key or in height, but for a finger on a black key, hardly
    wider than its tip; one in height counts `height_weight` for a finger that strikes, as its loudness
    depends on nothing else.
    """

    hover: float = 0.010
    most_hover: float = 0.02
    least_hover: float = 0.003
    quick_hover: float = 0.004
    least_rise: float = 0.003
    clearance: float = 0.004
    rest_hover: float = 0.012
    softest: float = 35.0
    near: float = 0.01
    overtravel: float = 0.0035
    press_times: tuple[float, float] = (0.04, 0.2)
    release_time: float = 0.06
    travel_time: float = 0.25
    same_key_gap: float = 0.08
    least_hold: float = 0.4
    reach: float = 0.03
    press_force: float = 1.0
    idle_weight: float = 0.08
    delay: float = 0.0
    release_delay: float = 0.005
    sideways: float = 0.3
    height_weight: float = 10.0


class Levels(NamedTuple):
    """Heights of a fingertip's centre [m]: on the key at rest (`surface`), where the key sounds
    and falls silent, where it stands at its stop and presses on (`low`), and over the black keys
    between which it plays (`ground`)."""

    surface: float
    sound: float
    silent: float
    low: float
    ground: float


class Descent(NamedTuple):
    """The way down: from rest at height `high` at time `down` to `turn` at `begin`, where it has
    its `speed`, with that to `sound` at `onset`, and on to `low` at `bottom` [m, s, m/s].
    Numbers, or arrays for n strokes, of shape (n,)."""

    speed: Number
    high: Number
    turn: Number
    sound: Number
    low: Number
    down: Number
    begin: Number
    onset: Number
    bottom: Number

    def height(self, times: np.ndarray) -> np.ndarray:
        """Of the tip at `times` [s]: `high` before and `low` after, shape (n,)."""
        way = self.high - self.turn
        last = self.turn - self.sound
        steepness = self.speed * (self.begin - self.down) / np.maximum(way, 1e-9)
        height = self.high - way * swing(_share(times, self.down, self.begin), steepness)
        height = height - last * _share(times, self.begin, self.onset)
        return np.asarray(height - (self.sound - self.low) * _share(times, self.onset, self.bottom))


def _share(times: np.ndarray, begin: Number, end: Number) -> np.ndarray:
    return np.asarray(np.clip((times - begin) / np.maximum(end - begin, 1e-9), 0.0, 1.0))


def swing(share: np.ndarray, steepness: Number) -> np.ndarray:
    """Way covered, 0 to 1, at a share of the time: the movement of least jerk from rest to a speed
    kept from there on.

    `steepness`: that speed over the mean speed, cut at `STEEPEST`; 2 never brakes. A quintic whose
    acceleration is 0 at both ends, as Flash & Hogan's (1985, J Neurosci 5:1688), which it is for a
    steepness of 0.
    """
    r = np.minimum(steepness, STEEPEST)
    return np.asarray(
        share**3 * (10.0 - 4.0 * r + share * (7.0 * r - 15.0 + share * (6.0 - 3.0 * r)))
    )


def strike(
    levels: Levels, speed: float, time: float, config: StrokeConfig, *, repeated: bool
) -> tuple[float, float]:
    """Height from which a stroke begins, and how long it takes from there until the key sounds [m,
    s].

    Args:
        levels: of tip and key.
        speed: of the fingertip where the key sounds [m/s].
        time: that the stroke may take [s].
        config: constants.
        repeated: the finger is on the key already, which then need not come up all the way.
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
    in_air = np.maximum(heights - surface, 0.0)
    # At half the speed on average as far as the key, then with all of it; from below the key's
    # surface, at half of it.
    needed = np.where(in_air > 0.0, 2.0 * in_air + surface - sound, 2.0 * (heights - sound)) / speed
    usual = np.maximum(surface + config.hover, over)
    possible = (needed <= min(time, longest)) & ((heights <= usual) | (needed <= shortest))
    if possible.any():
        first = int(np.argmax(possible))
        return float(heights[first]), float(needed[first])
    high = float(heights[-1]) if repeated else max(surface + config.quick_hover, over)
    return high, min(time, longest)


def fall(
    levels: Levels, speed: float, high: float, *, down: float, onset: float, bottom: float
) -> Descent:
    """The way down at those times [s]: what time there is with one speed through the key, or else a
    swing to the sound.

    Args:
        levels: of tip and key.
        speed: where the key sounds [m/s].
        high: where it begins [m].
        down, onset, bottom: when it begins, sounds and ends [s].
    """
    turn = levels.surface
    begin = onset - (turn - levels.sound) / speed
    if high <= turn or (begin - down) * speed < (2.0 - 1e-6) * (high - turn):
        turn = levels.sound
        begin = onset
    return Descent(speed, high, turn, levels.sound, levels.low, down, begin, onset, bottom)
