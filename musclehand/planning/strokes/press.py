"""Key presses of one finger: for each note the strike, the hold and the release, with their times.

A press has the descent of `strokes.strike` and a minimum-jerk movement up. It is timed so that the
key crosses its sounding point at the note's onset and its silent point at the note's end. Where two
notes of the finger follow each other closely, both movements are squeezed. The timeline of the
finger over the whole piece is made of its presses in `strokes.stroke`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters, key_top_point
from musclehand.piano.keys import velocity_to_key_speed
from musclehand.planning.strokes.corrections import Correction, NoteKey
from musclehand.planning.strokes.strike import (
    Descent,
    Levels,
    Number,
    StrokeConfig,
    plan_descent,
    plan_strike,
)

LOADED_TIP_GAP = 0.001
"""[m] Distance between the outline of a fingertip and the top of a key that it moves: the skin's
contact margin (`body.build.overlay.SKIN_CONTACT_MARGIN`, 1.2 mm) less the compression of its
pulp under the load of the key. Chosen."""

SHARE_DOWN = 0.7
"""[share] of the time between two notes of a finger that the strike of the second one may take;
chosen by `experiments/bench_repertoire.py`. It overlaps with the release of the first one."""

SHARE_UP = 0.7
"""[share] of that time that the release of the first note may take; chosen likewise."""

LEAST_TIME = 0.03
"""[s] no strike is planned to take less until the key sounds; chosen likewise."""

LEAST_RISE_TIME = 0.01
"""[s] no release is cut to take less; chosen likewise."""

SAME_STROKE = 0.3
"""[s] a finger stays on a key that it plays again within this time; chosen likewise."""

BLACK_HEIGHT = 0.0125
"""[m] height of the black keys' tops over the white ones, as in `models/piano/keyboard.json`."""

BLACK_FROM = 0.045
"""[m] depth, from the front edge of the white keys, from which fingers begin to rise over the black
keys, 15 mm before these begin."""

BLACK_RISE = 0.015
"""[m] distance over which they rise."""


class KeyLoad(NamedTuple):
    """Load of a key on the fingertip that moves it, at the place of the fingertip."""

    stiffness: Number
    """[N/m]"""

    damping: Number
    """[N s/m]"""

    mass: Number
    """[kg]"""


class Press(NamedTuple):
    """One key press of one finger; heights are those of the fingertip's centre.

    From `touch` to `leave` the fingertip stays on its point of the key. Before and after that it
    moves with the hand. Fields are those of one press, or arrays for n presses of one finger, of
    shape (n, ...).
    """

    key: Number
    """Index of the key, 0 to 87."""

    point: np.ndarray
    """[m] x and y at which the finger presses, on the keyboard. Shape (2,)."""

    sideways_weight: Number
    """[share] weight of an error in x in the trajectory."""

    load: KeyLoad
    """Of the key, from `surface` over a distance of `dip`."""

    surface: Number
    """[m] height with the fingertip on the key at rest."""

    dip: Number
    """[m] distance from there to the key's stop."""

    descent: Descent
    """The way down."""

    release_height: Number
    """[m] height to which the fingertip rises."""

    touch: Number
    """[s] time at which the fingertip meets the key, or comes below the tops of black keys beside
    it."""

    lift: Number
    """[s] time at which the fingertip begins to rise."""

    leave: Number
    """[s] time at which the key has fallen silent, or the fingertip is above the black keys."""

    up: Number
    """[s] time at which the fingertip is at `release_height`."""

    end: Number
    """[s] time until which the finger belongs to this press."""


class Keyboard(NamedTuple):
    """The keys as presses are planned for, and how fingers strike them."""

    piano: PianoParameters
    """Mass, stiffness and damping of the keys."""

    geometry: KeyboardGeometry
    """Places of the keys."""

    config: StrokeConfig
    """Constants of strokes."""


class _Time(NamedTuple):
    """Time that there is for a press."""

    strike: float
    """[s] for the strike."""

    settled: float
    """[s] from the hand's arrival at its place to the onset."""

    release: float
    """[s] for the release."""


def min_jerk(share: np.ndarray) -> np.ndarray:
    """Position of a minimum-jerk movement from 0 to 1 (Flash & Hogan 1985, J Neurosci 5:1688).

    Args:
        share: of the movement's time, cut to 0..1.
    """
    s = np.clip(share, 0.0, 1.0)
    return s * s * s * (10.0 + s * (-15.0 + 6.0 * s))


_SHARE = np.linspace(0.0, 1.0, 201)
_PROGRESS = min_jerk(_SHARE)


def time_share(progress: np.ndarray | float) -> float:
    """Share of its time at which a minimum-jerk movement has covered a share of its distance."""
    return float(np.interp(progress, _PROGRESS, _SHARE))


def ground_height(y: np.ndarray) -> np.ndarray:
    """Height that fingers clear: white tops in front, black tops further in [m].

    Args:
        y: depth on the keyboard [m].
    """
    return BLACK_HEIGHT * min_jerk((y - BLACK_FROM) / BLACK_RISE)


def key_load(piano: PianoParameters, geometry: KeyboardGeometry, key: int, lever: float) -> KeyLoad:
    """Load of a key on a fingertip.

    The key is a rod that turns about its end, with the hammer's inertia added at the hinge.

    Args:
        piano: parameters of the keys.
        geometry: places of the keys.
        key: index of the key, 0 to 87.
        lever: distance of the fingertip from the hinge [m].
    """
    mass = piano.black_mass if geometry.black[key] else piano.white_mass
    inertia = piano.armature + mass * float(geometry.length[key]) ** 2 / 3.0
    return KeyLoad(piano.stiffness / lever**2, piano.damping / lever**2, inertia / lever**2)


def plan_presses(
    notes: Sequence[Note],
    points: np.ndarray,
    settled: np.ndarray,
    *,
    radius: float,
    keyboard: Keyboard,
    corrections: Mapping[NoteKey, Correction],
) -> list[Press]:
    """Plans the presses of one finger, squeezed where two notes follow each other closely.

    Args:
        notes: of the finger, in order of onset.
        points: x and y at which it presses each key [m]. Shape (n, 2).
        settled: time from the hand's arrival at its place to each onset [s]. Shape (n,).
        radius: of the fingertip [m].
        keyboard: the keys.
        corrections: from earlier runs, by onset [s] and pitch.
    """
    config = keyboard.config
    presses: list[Press] = []
    for i, note in enumerate(notes):
        correction = corrections.get((note.onset, note.pitch), Correction())
        before = notes[i - 1] if i else None
        gap = note.onset - before.offset if before is not None else np.inf
        repeated = before is not None and before.pitch == note.pitch and gap < SAME_STROKE
        gap_after = notes[i + 1].onset - note.offset if i + 1 < len(notes) else np.inf
        time = _Time(
            strike=max(SHARE_DOWN * gap, LEAST_TIME),
            settled=float(settled[i]),
            release=min(config.release_time, SHARE_UP * gap_after),
        )
        press = _press(
            note,
            points[i] + (correction.sideways, correction.inwards),
            time,
            radius=radius,
            keyboard=keyboard,
            correction=correction,
            before=presses[-1] if presses else None,
            repeated=repeated,
        )
        if presses:
            presses[-1] = _followed(presses[-1], press, repeated=repeated)
        presses.append(press)
    return presses


def _levels(keyboard: Keyboard, key: int, y: float, radius: float) -> Levels:
    """Heights of a fingertip on a key.

    Args:
        keyboard: the keys.
        key: index of the key.
        y: depth at which the finger presses it [m].
        radius: of the fingertip [m].
    """
    geometry = keyboard.geometry
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
        surface=top + radius + LOADED_TIP_GAP,
        sound=sound + radius + LOADED_TIP_GAP,
        silent=silent + radius,
        low=stop - keyboard.config.overtravel + radius,
        ground=ground,
    )


def _press(
    note: Note,
    point: np.ndarray,
    time: _Time,
    *,
    radius: float,
    keyboard: Keyboard,
    correction: Correction,
    before: Press | None,
    repeated: bool,
) -> Press:
    """Plans one press.

    Args:
        note: to play.
        point: x and y at which the finger presses the key [m]. Shape (2,).
        time: that there is.
        radius: of the fingertip [m].
        keyboard: the keys.
        correction: from earlier runs.
        before: press of the finger before this one.
        repeated: that press is on the same key, and the finger stays on it.
    """
    piano, geometry, config = keyboard
    key = note.key
    levels = _levels(keyboard, key, float(point[1]), radius)
    levels = levels._replace(low=levels.low - correction.depth)
    lever = float(geometry.hinge_y[key] - point[1])
    exact = geometry.black[key] or correction.sideways != 0.0
    descent = _descent(
        note,
        levels,
        time,
        lever=lever,
        keyboard=keyboard,
        correction=correction,
        before=before,
        repeated=repeated,
    )
    high = descent.high
    offset = note.offset - config.release_delay - correction.release
    touch = descent.start
    if high > levels.ground:
        times = descent.start + _SHARE * (descent.onset - descent.start)
        touch = float(times[np.argmax(descent.height(times) <= levels.ground)])
    rise = high - levels.low
    silent = time_share((levels.silent - levels.low) / rise)
    lift = max(offset - silent * time.release, descent.bottom)
    clear = levels.ground if levels.ground > levels.surface else levels.silent
    up = lift + time.release
    return Press(
        key=key,
        point=point,
        sideways_weight=1.0 if exact else config.sideways_weight,
        load=key_load(piano, geometry, key, lever),
        surface=levels.surface,
        dip=levels.surface - levels.low - config.overtravel - correction.depth - LOADED_TIP_GAP,
        descent=descent,
        release_height=high,
        touch=touch,
        lift=lift,
        leave=lift + time_share((clear - levels.low) / rise) * time.release,
        up=up,
        end=up,
    )


def _descent(
    note: Note,
    levels: Levels,
    time: _Time,
    *,
    lever: float,
    keyboard: Keyboard,
    correction: Correction,
    before: Press | None,
    repeated: bool,
) -> Descent:
    """Plans the way down of one press; arguments as for `_press`.

    Args:
        note: to play.
        levels: heights of the fingertip on the key.
        time: that there is.
        lever: distance of the fingertip from the key's hinge [m].
        keyboard: the keys.
        correction: from earlier runs.
        before: press of the finger before this one.
        repeated: that press is on the same key, and the finger stays on it.
    """
    piano, geometry, config = keyboard
    key_speed = float(velocity_to_key_speed(piano, _velocity(note, correction, config)))
    speed = key_speed * lever / float(geometry.length[note.key])
    # In the air the finger may move with the hand, but it has to touch its key near its
    # place.
    latest = max(time.settled + 2.0 * config.least_hover / speed, config.press_times[0])
    high, duration = plan_strike(levels, speed, min(time.strike, latest), config, repeated=repeated)
    onset = note.onset - config.delay - correction.strike
    start = onset - duration
    if before is not None and start < before.up:
        # Half of what there is between the notes, and the finger has to be on its way up first.
        half = before.lift + 0.5 * (onset - before.lift)
        start = min(max(start, half), onset - 0.5 * LEAST_TIME)
    bottom = onset + (levels.sound - levels.low) / speed
    bottom = min(bottom, max(onset + 0.5 * (note.offset - note.onset), onset + 0.01))
    return plan_descent(levels, speed, high, start=start, onset=onset, bottom=bottom)


def _velocity(note: Note, correction: Correction, config: StrokeConfig) -> float:
    """MIDI velocity that a strike is planned for. Only what sounded too loud goes below the softest
    one of first sight.

    Args:
        note: to play.
        correction: from earlier runs.
        config: constants of strokes.
    """
    louder = max(note.velocity + max(correction.velocity, 0.0), config.softest)
    softer = max(louder + min(correction.velocity, 0.0), config.softest_learnt)
    return min(softer, 127.0)


def _followed(press: Press, following: Press, *, repeated: bool) -> Press:
    """A press with the end that the next press of its finger leaves to it.

    Args:
        press: to end.
        following: press of the same finger.
        repeated: it is on the same key, and the finger stays on it.
    """
    start = float(following.descent.start)
    if start < press.up:
        up = max(press.lift + LEAST_RISE_TIME, start)
        press = press._replace(up=up, end=up, leave=min(press.leave, up))
    if repeated and following.descent.high <= press.surface:
        # The finger stays on the key, which comes up only as far as the next strike begins.
        press = press._replace(release_height=float(following.descent.high), leave=start, end=start)
    return press
