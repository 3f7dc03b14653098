"""Parameters of the keyboard, and the geometry of its 88 keys.

The world frame is in metres with z up. x grows along the keyboard from bass to treble and is 0 at
its centre. y grows from the player into the piano: the fronts of white keys are at y = 0, hinges at
the far end of the keys. The tops of white keys at rest lie at z = 0. The angle of a key is 0 at
rest and positive with its front down.
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
"""[white keys] Distance of the black keys C# .. A# from the gap that they stand over, if all keys
are equally wide at the back.

There, the five keys C..E share the width of three white keys, and the seven keys F..B that of four.
"""


@dataclass(frozen=True)
class PianoParameters:
    """Measures of a keyboard. Values and sources are in `models/piano/keyboard.json`.

    Raises:
        InvalidValue: a value is out of its range.
    """

    white_width: float
    """[m] Width of a white key."""

    white_length: float
    """[m] Length of a white key, from its front edge to the hinge."""

    white_thickness: float
    """[m] Thickness of a white key."""

    white_gap: float
    """[m] Gap between two white keys."""

    white_travel: float
    """[m] Key dip: distance that the front edge of a white key goes down."""

    white_mass: float
    """[kg] Mass of a white key."""

    black_width: float
    """[m] Width of a black key."""

    black_length: float
    """[m] Length of a black key, from its front edge to the hinge."""

    black_thickness: float
    """[m] Thickness of a black key."""

    black_rise: float
    """[m] Height of the tops of black keys above those of white keys."""

    black_travel: float
    """[m] Key dip: distance that the front edge of a black key goes down."""

    black_mass: float
    """[kg] Mass of a black key."""

    black_spread: float
    """Displacement of the outer black keys of every group of two or three, 0 to 1.

    At 0 they stand over the gaps between white keys; at 1 all keys are equally wide behind their
    fronts, as on a piano."""

    stiffness: float
    """[N m/rad] Stiffness of the spring that lifts a key."""

    damping: float
    """[N m s/rad] Damping of a key."""

    armature: float
    """[kg m^2] Moment of inertia that the action (hammer and levers) adds to a key."""

    on_band: float
    """[rad] Distance from the bottom stop at which a key sounds: `KeyboardGeometry.on_angle` is
    full travel minus this."""

    off_band: float
    """[rad] Distance from the bottom stop at which a key falls silent: `KeyboardGeometry.off_angle`
    is full travel minus this. Larger than `on_band` (hysteresis)."""

    rest_margin: float
    """[rad] Angle above rest at which the upper stop lies."""

    friction: tuple[float, ...]
    """MuJoCo friction of the keys: sliding, torsional, rolling."""

    contact_solref: tuple[float, ...]
    """MuJoCo solref of contacts with the keys."""

    contact_solimp: tuple[float, ...]
    """MuJoCo solimp of contacts with the keys."""

    stop_solref: tuple[float, ...]
    """MuJoCo solref of the upper and lower stop."""

    stop_solimp: tuple[float, ...]
    """MuJoCo solimp of the upper and lower stop."""

    hammer_ratio: float
    """Speed of the hammer divided by the speed of the key's front edge."""

    midi_at_1_m_s: float
    """MIDI velocity at a hammer speed of 1 m/s."""

    midi_per_decade: float
    """Increase of MIDI velocity per decade of hammer speed."""

    pedal_threshold: float
    """Position of the sustain pedal above which it is down, 0 (up) to 1 (down)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name in _VECTOR_SIZES or field.name == "black_spread":
                continue
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidValue(
                    f"piano parameter {field.name}", value, "a finite number above 0"
                )
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
    """Load the parameters of a keyboard from a table like `models/piano/keyboard.json`.

    Args:
        path: the table; by default the bundled one.

    Raises:
        ModelError: the file is missing or not JSON, a parameter is missing or unknown, or a value
            is not legal.
    """
    source = _TABLE if path is None else str(path)
    try:
        if path is None:
            text = resources.files("musclehand.models.piano").joinpath(_TABLE).read_text("utf-8")
        else:
            text = Path(path).read_text("utf-8")
        rows = json.loads(text)["parameters"]
        values = {name: row["value"] for name, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(source, f"not a table of piano parameters ({error})") from error
    names = {field.name for field in fields(PianoParameters)}
    if values.keys() != names:
        raise ModelError(
            source, f"parameters missing or unknown: {', '.join(sorted(names ^ values.keys()))}"
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
    """Positions, sizes and angles of the 88 keys, in the world frame.

    All arrays are read-only and have a row for each key, from A0 to C8.
    """

    black: np.ndarray
    """The key is black. Shape (88,), bool."""

    x: np.ndarray
    """[m] Centre of the key along the keyboard. Shape (88,)."""

    width: np.ndarray
    """[m] Width of the key. Shape (88,)."""

    length: np.ndarray
    """[m] Distance from the hinge to the front edge. Shape (88,)."""

    front_y: np.ndarray
    """[m] Front edge. Shape (88,)."""

    top_z: np.ndarray
    """[m] Height of the top at rest. Shape (88,)."""

    hinge_y: np.ndarray
    """[m] Hinge axis, parallel to x. Shape (88,)."""

    hinge_z: np.ndarray
    """[m] Height of the hinge axis. Shape (88,)."""

    full_angle: np.ndarray
    """[rad] Angle at the bottom stop. Shape (88,)."""

    on_angle: np.ndarray
    """[rad] Angle at which the key sounds (`PianoParameters.on_band`). Shape (88,)."""

    off_angle: np.ndarray
    """[rad] Angle at which the key falls silent (`PianoParameters.off_band`). Shape (88,)."""

    press_y: np.ndarray
    """[m] Front and back end of the part that a finger can press at the key's full width.

    On a white key, this part lies in front of the black keys. Shape (88, 2)."""

    back_x: np.ndarray
    """[m] Left and right edge of the part of a white key that is free between its black neighbours.

    For a black key, its own edges. Shape (88, 2)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            getattr(self, field.name).setflags(write=False)


def keyboard_geometry(params: PianoParameters) -> KeyboardGeometry:
    """Compute positions, sizes and angles of the 88 keys."""
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
    """Position of a point on the middle line of a key's top when the key is pressed.

    `key`, `y` and `angle` broadcast.

    Args:
        geometry: the keyboard.
        key: index of the key, 0 to 87.
        y: y coordinate of the point when the key is at rest [m].
        angle: angle of the key [rad].

    Returns:
        The point in the world frame. Shape (..., 3) [m].
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
    """Distance along the keyboard between the centres of two keys.

    Args:
        geometry: the keyboard.
        p: MIDI pitches; broadcast with `q`.
        q: MIDI pitches.

    Returns:
        Distances [m], 0 or above.

    Raises:
        InvalidValue: a pitch is not on the keyboard.
    """
    p = np.asarray(p)
    q = np.asarray(q)
    for pitch in (p, q):
        if pitch.size and not (pitch.min() >= LOWEST_PITCH and pitch.max() <= HIGHEST_PITCH):
            raise InvalidValue("pitch", pitch.tolist(), f"{LOWEST_PITCH}..{HIGHEST_PITCH}")
    return np.abs(geometry.x[p - LOWEST_PITCH] - geometry.x[q - LOWEST_PITCH])
