"""One finger's notes as strokes: when each key goes down and up, from what height, and how fast."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters, key_top_point
from musclehand.piano.keys import velocity_to_key_speed
from musclehand.planning.strokes.rehearsal import Correction, Corrections
from musclehand.planning.strokes.strike import Descent, Levels, Number, StrokeConfig, fall, strike

TIP_RADIUS = np.array([6.0, 5.2, 5.2, 5.2, 4.8]) * 1e-3
"""Radius of the five fingertips [m], as in `models/hand/segments.csv` (a test holds them equal)."""

LOADED_TIP_GAP = 0.001
"""[m] Distance between the outline of a fingertip and the top of a key that it moves: the skin's
contact margin (`body.build.overlay.SKIN_CONTACT_MARGIN`, 1.2 mm) less the compression of its
pulp under the load of the key. Chosen."""

SHARE_DOWN = 0.7
SHARE_UP = 0.7
"""Of the time between two notes of a finger, what a stroke down and one up may take; they
overlap."""

LEAST_TIME = 0.03
"""No stroke is planned to take less until the key sounds [s]."""

SAME_STROKE = 0.3
"""A key played again within this [s] is not left by its finger."""


class KeyLoad(NamedTuple):
    """What a key puts against a fingertip that moves it: `stiffness` [N/m], `damping` [N s/m]
    and `mass` [kg]."""

    stiffness: Number
    damping: Number
    mass: Number


class Press(NamedTuple):
    """One note of one finger with the times [s] of its stroke and the heights [m] of the tip's
    centre.

    `key` 0..87; `point` x, y on the keyboard; `sideways` what an error in x counts; `load` of the
    key from its `surface` as far as its `dip`; the way down; up from `lift` until `up` to `risen`.
    The tip stays on its point from `touch`, when it meets the key, to `leave`, when the key has
    fallen silent; between black keys as long as it is below their tops. Before and after it moves
    with the hand, and is this press's until `end`. One press, or arrays for n of one finger, shape
    (n, ...).
    """

    key: Number
    point: np.ndarray
    sideways: Number
    load: KeyLoad
    surface: Number
    dip: Number
    fall: Descent
    risen: Number
    touch: Number
    lift: Number
    leave: Number
    up: Number
    end: Number


def min_jerk(share: np.ndarray) -> np.ndarray:
    """Position of a minimum-jerk movement from 0 to 1 at the given share of its time (clipped)."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * s * (10.0 + s * (-15.0 + 6.0 * s))


_SHARE = np.linspace(0.0, 1.0, 201)
_PROGRESS = min_jerk(_SHARE)


def time_share(progress: np.ndarray | float) -> float:
    """The share of its time at which a minimum-jerk movement has come `progress` of its way."""
    return float(np.interp(progress, _PROGRESS, _SHARE))


def ground_height(y: np.ndarray) -> np.ndarray:
    """Height to clear at depth `y` [m]: the white tops in front, the black ones further in."""
    return 0.0125 * min_jerk((y - 0.045) / 0.015)


def key_load(piano: PianoParameters, geometry: KeyboardGeometry, key: int, lever: float) -> KeyLoad:
    """Of a key, pushed at `lever` [m] from its hinge: a rod that turns about its end, and the
    hammer's share of it."""
    mass = piano.black_mass if geometry.black[key] else piano.white_mass
    inertia = piano.armature + mass * float(geometry.length[key]) ** 2 / 3.0
    return KeyLoad(piano.stiffness / lever**2, piano.damping / lever**2, inertia / lever**2)


def plan_presses(
    notes: list[Note],
    points: np.ndarray,
    finger: int,
    piano: PianoParameters,
    geometry: KeyboardGeometry,
    config: StrokeConfig,
    corrections: Corrections,
    near: np.ndarray | None = None,
) -> list[Press]:
    """Stroke times of one finger's notes, squeezed where two notes follow each other closely.

    `near`: for how long before each note the hand is near its place there [s]; always, by default.
    Shape (n,).
    """
    presses: list[Press] = []
    for i, note in enumerate(notes):
        learnt = corrections.get((note.onset, note.pitch), Correction())
        before = notes[i - 1] if i else None
        room = note.onset - before.offset if before is not None else np.inf
        again = before is not None and before.pitch == note.pitch and room < SAME_STROKE
        time = max(SHARE_DOWN * room, LEAST_TIME)
        room_after = notes[i + 1].onset - note.offset if i + 1 < len(notes) else np.inf
        press = _press(
            note,
            points[i],
            _levels(geometry, note.key, float(points[i, 1]), TIP_RADIUS[finger - 1], config),
            (piano, geometry, config),
            learnt,
            time=time,
            near=np.inf if near is None else float(near[i]),
            release_time=min(config.release_time, SHARE_UP * room_after),
            before=presses[-1] if presses else None,
            again=again,
        )
        if presses:
            presses[-1] = _followed(presses[-1], press, again=again)
        presses.append(press)
    return presses


def _levels(
    geometry: KeyboardGeometry, key: int, y: float, radius: float, config: StrokeConfig
) -> Levels:
    top, sound, silent, stop = (
        float(key_top_point(geometry, key, y, angle)[2])
        for angle in (
            0.0,
            geometry.on_angle[key],
            geometry.off_angle[key],
            geometry.full_angle[key],
        )
    )
    ground = max(top, float(ground_height(np.array(y)))) + radius
    return Levels(
        top + radius + LOADED_TIP_GAP,
        sound + radius + LOADED_TIP_GAP,
        silent + radius,
        stop - config.overtravel + radius,
        ground,
    )


def _press(
    note: Note,
    point: np.ndarray,
    levels: Levels,
    setting: tuple[PianoParameters, KeyboardGeometry, StrokeConfig],
    learnt: Correction,
    *,
    time: float,
    near: float,
    release_time: float,
    before: Press | None,
    again: bool,
) -> Press:
    """One press in the `time` there is for the stroke down; `again`: on the key of the press
    before it."""
    piano, geometry, config = setting
    key = note.key
    lever = float(geometry.hinge_y[key] - point[1])
    velocity = min(max(note.velocity + learnt.velocity, config.softest), 127.0)
    speed = float(velocity_to_key_speed(piano, velocity)) * lever / float(geometry.length[key])
    # In the air the finger may come along with the hand, but it has to touch its key near its
    # place.
    time = min(time, max(near + 2.0 * config.least_hover / speed, config.press_times[0]))
    high, taken = strike(levels, speed, time, config, repeated=again)
    onset = note.onset - config.delay - learnt.strike
    offset = note.offset - config.release_delay - learnt.release
    down = onset - taken
    if before is not None and down < before.up:
        # Half of what there is between the notes, and the finger has to be on its way up first.
        down = min(max(down, before.lift + 0.5 * (onset - before.lift)), onset - 0.5 * LEAST_TIME)
    bottom = onset + (levels.sound - levels.low) / speed
    bottom = min(bottom, max(onset + 0.5 * (note.offset - note.onset), onset + 0.01))
    way = fall(levels, speed, high, down=down, onset=onset, bottom=bottom)
    times = down + _SHARE * (onset - down)
    touch = (
        float(times[np.argmax(way.height(times) <= levels.ground)])
        if high > levels.ground
        else down
    )
    lift = max(
        offset - time_share((levels.silent - levels.low) / (high - levels.low)) * release_time,
        bottom,
    )
    clear = levels.ground if levels.ground > levels.surface else levels.silent
    leave = lift + time_share((clear - levels.low) / (high - levels.low)) * release_time
    sideways = 1.0 if geometry.black[key] else config.sideways
    load = key_load(piano, geometry, key, lever)
    dip = levels.surface - levels.low - config.overtravel - LOADED_TIP_GAP
    up = lift + release_time
    return Press(
        key, point, sideways, load, levels.surface, dip, way, high, touch, lift, leave, up, up
    )


def _followed(press: Press, following: Press, *, again: bool) -> Press:
    """A press with the end that the next one of its finger leaves it; `again`: on the same key."""
    down = float(following.fall.down)
    if down < press.up:
        up = max(press.lift + 0.01, down)
        press = press._replace(up=up, end=up, leave=min(press.leave, up))
    if again and following.fall.high <= press.surface:
        # The finger stays on the key, which comes up only as far as the next stroke begins.
        press = press._replace(risen=float(following.fall.high), leave=down, end=down)
    return press
