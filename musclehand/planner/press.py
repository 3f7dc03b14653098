"""One finger's notes as strokes: when each key goes down and up, from what height, and how fast.

A stroke has two parts. The fingertip comes down from rest to the speed that the note's loudness asks of the key; then
it takes the key down at that speed to the bottom. Against one minimum-jerk movement this needs a third of the
acceleration for the same loudness, and leaves the speed at the key what it should be wherever the key sounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters, key_top_point
from musclehand.piano.keys import velocity_to_key_speed
from musclehand.planner.rehearsal import Correction, Corrections

TIP_RADIUS = np.array([6.0, 5.2, 5.2, 5.2, 4.8]) * 1e-3
"""Radius of the five fingertips [m], as in `models/hand/segments.csv` (a test holds them equal)."""


@dataclass(frozen=True)
class StrokeConfig:
    """Times [s] and distances [m] of a stroke.

    `hover` above the key before it is struck, less down to `least_hover` for a soft note, `rest_hover` for a finger
    that waits, all at least `clearance` above the black keys where the finger is between or close to them; `overtravel`
    of the reference below the key's stop, which makes contact firm; `press_times` shortest and longest of a stroke
    down, in between as the note's velocity asks for, `release_time` of one up; `travel_time` for moving to the next
    key; a finger lets go `same_key_gap` before it plays again, or as long as a leap takes, but keeps a key for at least
    `least_hold` of the time between its notes; `reach` [m]: a key is let go when the wrist is further than this from
    where it would hold it; `press_force` [N] beyond the key's spring; `idle_weight` of a waiting finger in the inverse
    kinematics, against 1; `delay`, `release_delay` [s]: strokes begin that much earlier than kinematics asks for, which
    is how late muscles and keys answer (measured on generated scores); an error `sideways`, along the keyboard, counts
    that much against one along a key or in height, but for a finger on a black key, hardly wider than its tip.
    """

    hover: float = 0.010
    least_hover: float = 0.003
    clearance: float = 0.004
    rest_hover: float = 0.012
    overtravel: float = 0.0035
    press_times: tuple[float, float] = (0.04, 0.2)
    release_time: float = 0.06
    travel_time: float = 0.25
    same_key_gap: float = 0.08
    least_hold: float = 0.4
    reach: float = 0.03
    press_force: float = 1.0
    idle_weight: float = 0.08
    delay: float = 0.01
    release_delay: float = 0.007
    sideways: float = 0.3


PULP = 0.001
"""How far a fingertip's skin is from a key that it moves [m]: contact is soft."""


class Press(NamedTuple):
    """One note of one finger with the times [s] of its stroke and the heights [m] of the tip's centre.

    `point` x, y on the keyboard; `sideways` what an error in x counts; down from `high` at `down` to `low` at `bottom`,
    up from `lift` until `up`. The tip stays on its point from `touch`, when it meets the key, to `leave`, when the key
    has fallen silent; between black keys as long as it is below their tops. Before and after it moves with the hand.
    At `meet` it begins to move the key, with its centre at `surface`, against a spring of `stiffness` [N/m], as far as
    `dip` [m].
    """

    note: Note
    point: np.ndarray
    sideways: float
    stiffness: float
    dip: float
    high: float
    surface: float
    low: float
    down: float
    touch: float
    meet: float
    bottom: float
    lift: float
    leave: float
    up: float


def min_jerk(share: np.ndarray) -> np.ndarray:
    """Position of a minimum-jerk movement from 0 to 1 at the given share of its time (clipped)."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * s * (10.0 + s * (-15.0 + 6.0 * s))


def approach(share: np.ndarray) -> np.ndarray:
    """Way covered at a share of the time (clipped): from rest without a jerk to a constant speed of twice the mean."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * s * (2.0 - s)


_SHARE = np.linspace(0.0, 1.0, 201)
_PROGRESS, _APPROACH = min_jerk(_SHARE), approach(_SHARE)


def time_share(progress: np.ndarray | float) -> float:
    """The share of its time at which a minimum-jerk movement has come `progress` of its way."""
    return float(np.interp(progress, _PROGRESS, _SHARE))


def ground_height(y: np.ndarray) -> np.ndarray:
    """Height to clear at depth `y` [m]: the white tops in front, the black ones further in."""
    return 0.0125 * min_jerk((y - 0.045) / 0.015)


def strike(surface: float, low: float, ground: float, speed: float, config: StrokeConfig) -> tuple[float, float]:
    """Height from which a stroke begins, and how long it takes from there to the bottom [m, s].

    The fingertip meets the key with the wanted speed [m/s] and takes it down with that. A soft note starts closer to
    its key, as a pianist's does; a stroke from high above would take too long. All heights are of the tip's centre:
    `surface` where it meets the key, `low` at the bottom, `ground` over the black keys between which it plays [m].
    """
    shortest, longest = config.press_times
    for hover in np.linspace(config.hover, config.least_hover, 8):
        high = max(surface + float(hover), ground + config.clearance)
        time = (2.0 * (high - surface) + surface - low) / speed
        if time <= longest:
            break
    return high, min(max(time, shortest), longest)


def plan_presses(
    notes: list[Note],
    points: np.ndarray,
    finger: int,
    piano: PianoParameters,
    geometry: KeyboardGeometry,
    config: StrokeConfig,
    corrections: Corrections,
) -> list[Press]:
    """Stroke times of one finger's notes, squeezed where two notes follow each other closely."""
    presses: list[Press] = []
    radius = TIP_RADIUS[finger - 1]
    for i, note in enumerate(notes):
        y, key = float(points[i, 1]), note.key
        top, sound, silent, stop = (
            float(key_top_point(geometry, key, y, angle)[2])
            for angle in (0.0, geometry.on_angle[key], geometry.off_angle[key], geometry.full_angle[key])
        )
        lever = float(geometry.hinge_y[key] - y)
        learnt = corrections.get((note.onset, note.pitch), Correction())
        velocity = min(max(note.velocity + learnt.velocity, 1.0), 127.0)
        speed = float(velocity_to_key_speed(piano, velocity)) * lever / float(geometry.length[key])
        surface, low, ground = (
            top + radius + PULP,
            stop - config.overtravel + radius,
            max(top, float(ground_height(np.array(y)))) + radius,
        )
        high, press_time = strike(surface, low, ground, speed, config)
        room_before = note.onset - (notes[i - 1].offset if i else -np.inf)
        room_after = (notes[i + 1].onset if i + 1 < len(notes) else np.inf) - note.offset
        press_time = min(press_time, 0.7 * room_before)
        release_time = min(config.release_time, 0.7 * room_after)
        onset, offset = note.onset - config.delay - learnt.strike, note.offset - config.release_delay - learnt.release
        way = 2.0 * (high - surface) + surface - low
        bottom = onset + (sound + radius + PULP - low) / way * press_time
        down = bottom - press_time
        lift = offset - time_share((silent + radius - low) / (high - low)) * release_time
        lift = max(lift, bottom)
        if presses and down < presses[-1].up:
            previous = presses[-1]
            down = min(max(down, previous.lift + 0.5 * (bottom - previous.lift)), bottom - 0.02)
            up = max(previous.lift + 0.01, min(previous.up, down))
            presses[-1] = previous._replace(up=up, leave=min(previous.leave, up))
        meet = down + 2.0 * (high - surface) / way * (bottom - down)
        touch = down + float(np.interp((high - ground) / (high - surface), _APPROACH, _SHARE)) * (meet - down)
        up = lift + release_time
        clear = ground if ground > top + radius else silent + radius
        leave = lift + time_share((clear - low) / (high - low)) * release_time
        heights = high, surface, low
        times = down, touch, meet, bottom, lift, leave, up
        stiffness = piano.stiffness / lever**2
        sideways = 1.0 if geometry.black[key] else config.sideways
        presses.append(Press(note, points[i], sideways, stiffness, top - stop, *heights, *times))
    return presses
