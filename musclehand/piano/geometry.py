"""The keyboard's parameters, and where each of its 88 keys is.

World: z up, metres. x grows along the keyboard from bass to treble, 0 at its centre. y grows from
the player into the piano: white fronts at y = 0, hinges at the far end of the keys. White tops at
rest lie at z = 0. A key's angle is 0 at rest and positive with its front down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.errors import InvalidValue, ModelError
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH, NUM_KEYS, is_black, key_to_pitch

_VECTOR_SIZES = {
    "friction": 3,
    "contact_solref": 2,
    "contact_solimp": 5,
    "stop_solref": 2,
    "stop_solimp": 5,
}
_TABLE = "keyboard.json"

_OUT_OF_GAP = {1: -0.1, 3: 0.1, 6: -1 / 7, 8: 0.0, 10: 1 / 7}
"""How far the black keys C# .. A# are from the gap they stand over, in white keys, where the
five keys C..E share the width of three white ones equally and the seven keys F..B that of four."""


@dataclass(frozen=True)
class PianoParameters:
    """What a keyboard is made of. Values, units and sources: `models/piano/keyboard.json`.

    Lengths [m], masses [kg], `stiffness` [N m/rad], `damping` [N m s/rad], `armature` [kg m^2],
    bands and margin [rad]. `*_travel` is how far the front edge goes down, `black_rise` how far
    black tops stand over white ones. `black_spread` moves the outer black keys of every group of
    two and three apart, from 0, over the gaps between white keys, to 1, as far as it takes for all
    keys to be equally wide behind their fronts, as on a piano. A key sounds within `on_band` of
    full travel and falls silent outside `off_band` of it.
    """

    white_width: float
    white_length: float
    white_thickness: float
    white_gap: float
    white_travel: float
    white_mass: float
    black_width: float
    black_length: float
    black_thickness: float
    black_rise: float
    black_travel: float
    black_mass: float
    black_spread: float
    stiffness: float
    damping: float
    armature: float
    on_band: float
    off_band: float
    rest_margin: float
    friction: tuple[float, ...]
    contact_solref: tuple[float, ...]
    contact_solimp: tuple[float, ...]
    stop_solref: tuple[float, ...]
    stop_solimp: tuple[float, ...]
    hammer_ratio: float
    midi_at_1_m_s: float
    midi_per_decade: float
    pedal_threshold: float

    def __post_init__(self) -> None:
        for name in (
            field.name
            for field in fields(self)
            if field.name not in (*_VECTOR_SIZES, "black_spread")
        ):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidValue(f"piano parameter {name}", value, "a finite number above 0")
        if not 0.0 <= self.black_spread <= 1.0:
            raise InvalidValue("piano parameter black_spread", self.black_spread, "0..1")
        for name, size in _VECTOR_SIZES.items():
            value = getattr(self, name)
            if len(value) != size or not np.all(np.isfinite(value)):
                raise InvalidValue(f"piano parameter {name}", value, f"{size} finite numbers")
        shortest = min(
            np.arctan(self.white_travel / self.white_length),
            np.arctan(self.black_travel / self.black_length),
        )
        if not self.on_band < self.off_band < shortest:
            raise InvalidValue(
                "piano parameter off_band",
                self.off_band,
                f"{self.on_band} < off_band < {shortest:.4f}",
            )


def load_piano_parameters(path: str | PathLike[str] | None = None) -> PianoParameters:
    """The parameters in a table like `models/piano/keyboard.json`, or in that one.

    Raises:
        ModelError: the file is missing, not JSON, lacks a parameter or has one too many, or a value
            is not legal.
    """
    source = _TABLE if path is None else str(path)
    try:
        text = (
            resources.files("musclehand.models.piano").joinpath(_TABLE).read_text("utf-8")
            if path is None
            else Path(path).read_text("utf-8")
        )
        rows = json.loads(text)["parameters"]
        values = {name: row["value"] for name, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(source, f"not a table of piano parameters ({error})") from error
    known = {field.name for field in fields(PianoParameters)}
    if values.keys() != known:
        raise ModelError(
            source, f"parameters missing or unknown: {', '.join(sorted(known ^ values.keys()))}"
        )
    try:
        numbers: dict[str, Any] = {
            name: tuple(map(float, value)) if name in _VECTOR_SIZES else float(value)
            for name, value in values.items()
        }
        return PianoParameters(**numbers)
    except (TypeError, ValueError, InvalidValue) as error:
        raise ModelError(source, str(error)) from error


@dataclass(frozen=True, eq=False)
class KeyboardGeometry:
    """Where the 88 keys are. Read-only arrays, one row a key; lengths [m], angles [rad], world
    frame.

    `x`, `width`, `length`, `front_y`, `top_z`: shape (88,), at rest. `hinge_y`, `hinge_z`: the
    axis, parallel to x. `full_angle`: at the bottom stop; `on_angle`, `off_angle`: where the key
    sounds and falls silent. `press_y`: shape (88, 2), where a finger may press a key at its full
    width: in front of the black keys on a white one. `back_x`: shape (88, 2), the strip of a white
    key that is free beside its black neighbours, for fingers between them; a black key's own edges.
    """

    black: np.ndarray
    x: np.ndarray
    width: np.ndarray
    length: np.ndarray
    front_y: np.ndarray
    top_z: np.ndarray
    hinge_y: np.ndarray
    hinge_z: np.ndarray
    full_angle: np.ndarray
    on_angle: np.ndarray
    off_angle: np.ndarray
    press_y: np.ndarray
    back_x: np.ndarray

    def __post_init__(self) -> None:
        for field in fields(self):
            getattr(self, field.name).setflags(write=False)


def keyboard_geometry(params: PianoParameters) -> KeyboardGeometry:
    """Positions, sizes and angles of the 88 keys. Black keys stand over the gaps between white
    ones, or beside them."""
    black = np.array([is_black(key_to_pitch(key)) for key in range(NUM_KEYS)])
    pitch_x = params.white_width + params.white_gap
    rank = np.cumsum(~black) - 1.0
    aside = np.array([_OUT_OF_GAP.get(key_to_pitch(key) % 12, 0.0) for key in range(NUM_KEYS)])
    x = (rank + 0.5 * black + params.black_spread * aside - 0.5 * rank[-1]) * pitch_x
    width = np.where(black, params.black_width, params.white_width)
    length = np.where(black, params.black_length, params.white_length)
    thickness = np.where(black, params.black_thickness, params.white_thickness)
    top_z = np.where(black, params.black_rise, 0.0)
    front_y = params.white_length - length
    full = np.arctan(np.where(black, params.black_travel, params.white_travel) / length)

    back_x = np.stack([x - 0.5 * width, x + 0.5 * width], axis=1)
    for key in np.flatnonzero(~black):
        if key > 0 and black[key - 1]:
            back_x[key, 0] = max(back_x[key, 0], x[key - 1] + 0.5 * params.black_width)
        if key + 1 < NUM_KEYS and black[key + 1]:
            back_x[key, 1] = min(back_x[key, 1], x[key + 1] - 0.5 * params.black_width)
    black_front = params.white_length - params.black_length
    return KeyboardGeometry(
        black=black,
        x=x,
        width=width,
        length=length,
        front_y=front_y,
        top_z=top_z,
        hinge_y=np.full(NUM_KEYS, params.white_length),
        hinge_z=top_z - 0.5 * thickness,
        full_angle=full,
        on_angle=full - params.on_band,
        off_angle=full - params.off_band,
        press_y=np.stack([front_y, np.where(black, params.white_length, black_front)], axis=1),
        back_x=back_x,
    )


def key_top_point(
    geometry: KeyboardGeometry,
    key: np.ndarray | int,
    y: np.ndarray | float,
    angle: np.ndarray | float = 0.0,
) -> np.ndarray:
    """The point on the middle of a key's top that lies at `y` [m] at rest, when the key is down by
    `angle` [rad].

    `key`, `y` and `angle` broadcast. Shape (..., 3) [m].
    """
    key, y, angle = np.broadcast_arrays(
        np.asarray(key), np.asarray(y, dtype=float), np.asarray(angle, dtype=float)
    )
    along = y - geometry.hinge_y[key]
    above = geometry.top_z[key] - geometry.hinge_z[key]
    cos = np.cos(angle)
    sin = np.sin(angle)
    return np.stack(
        [
            geometry.x[key],
            geometry.hinge_y[key] + along * cos - above * sin,
            geometry.hinge_z[key] + along * sin + above * cos,
        ],
        axis=-1,
    )


def key_distance(
    geometry: KeyboardGeometry, p: np.ndarray | int, q: np.ndarray | int
) -> np.ndarray:
    """Distance along the keyboard between the centres of the keys of two MIDI pitches [m].
    Broadcasts.

    Raises:
        InvalidValue: a pitch is not on the keyboard.
    """
    p = np.asarray(p)
    q = np.asarray(q)
    for pitch in (p, q):
        if pitch.size and not (pitch.min() >= LOWEST_PITCH and pitch.max() <= HIGHEST_PITCH):
            raise InvalidValue("pitch", pitch.tolist(), f"{LOWEST_PITCH}..{HIGHEST_PITCH}")
    return np.abs(geometry.x[p - LOWEST_PITCH] - geometry.x[q - LOWEST_PITCH])
