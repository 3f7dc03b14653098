"""Key sensor: turns key angles into notes, and key speeds into MIDI velocities.

A key sounds when it comes within `on_band` of full travel (RoboPianist: 0.5 degrees) and falls
silent when it leaves `off_band` (1 degree: half a degree of hysteresis, where RoboPianist has
none). Both times are found between two physics steps by linear interpolation of the angle. The
speed at the onset is interpolated from the angular velocities in the same way; it sets the
velocity of the note.
"""

from __future__ import annotations

import math

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import NUM_KEYS, key_to_pitch
from musclehand.music.score import Note, Pedal, Score
from musclehand.piano.geometry import PianoParameters, keyboard_geometry


def key_speed_to_velocity(params: PianoParameters, speed: np.ndarray | float) -> np.ndarray:
    """MIDI velocity of a key from the speed of its front edge as it sounds [m/s].

    The hammer flies at `hammer_ratio` times that speed. The velocity grows with the logarithm of
    the hammer's speed, as Goebl and Bresin measured it on a Disklavier.

    Returns:
        Velocities from 1 to 127, int, in the shape of `speed`. Speeds beyond the scale are clipped,
        also speeds of 0 and below (1).
    """
    hammer = params.hammer_ratio * np.asarray(speed, dtype=float)
    velocity = params.midi_at_1_m_s + params.midi_per_decade * np.log10(np.maximum(hammer, 1e-9))
    return np.clip(np.rint(velocity), 1, 127).astype(int)


def velocity_to_key_speed(params: PianoParameters, velocity: np.ndarray | float) -> np.ndarray:
    """Speed of a key's front edge [m/s] for a MIDI velocity: the inverse of
    `key_speed_to_velocity`."""
    hammer = 10.0 ** (
        (np.asarray(velocity, dtype=float) - params.midi_at_1_m_s) / params.midi_per_decade
    )
    return hammer / params.hammer_ratio


class KeySensor:
    """Records the notes played on the 88 keys and the sustain pedal, step by step.

    Call `update` after every physics step and `finish` at the end. Memory grows with the number of
    notes alone. The first update only sets the initial state: a key that is already down then is
    silent until it has been released. Times are rounded to 1 ns, so that a note played on the beat
    does not come a rounding error before it.
    """

    def __init__(self, params: PianoParameters, *, start: float = 0.0) -> None:
        """Make a sensor in its initial state.

        Args:
            params: measures of the keyboard.
            start: simulation time at which the time of notes is 0 [s]. Notes are cut off there;
                those that ended before it are left out.
        """
        geometry = keyboard_geometry(params)
        self._params = params
        self._start = start
        self._on = geometry.on_angle
        self._off = geometry.off_angle
        self._length = geometry.length
        self._time = -math.inf
        self._angle = np.zeros(NUM_KEYS)
        self._velocity = np.zeros(NUM_KEYS)
        self._down = np.zeros(NUM_KEYS, dtype=bool)
        self._level = self._on.copy()
        self._pressed = np.zeros(NUM_KEYS, dtype=bool)
        self._begun: dict[int, tuple[float, int]] = {}
        self._pedal_begun: float | None = None
        self._notes: list[Note] = []
        self._pedals: list[Pedal] = []

    @property
    def down(self) -> np.ndarray:
        """Keys that are down, that is, sound without the pedal. Shape (88,), bool, a copy."""
        return self._down.copy()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes that have ended, in the order of their ends."""
        return tuple(self._notes)

    def update(
        self, time: float, key_angles: np.ndarray, key_velocities: np.ndarray, pedal: float = 0.0
    ) -> None:
        """Record the state after a physics step. Arrays are not kept.

        Args:
            time: simulation time [s], later than in the last call.
            key_angles: angles of the keys [rad]. Shape (88,).
            key_velocities: angular velocities of the keys [rad/s]. Shape (88,).
            pedal: position of the sustain pedal, 0 (up) to 1 (down); down above
                `PianoParameters.pedal_threshold`.

        Raises:
            InvalidValue: the time is not later than in the last call, or a key that passes its
                threshold has an angle that is not finite.
        """
        if not time > self._time:
            raise InvalidValue("time", time, f"later than the last update at {self._time} s")
        if self._time == -math.inf:
            np.greater_equal(key_angles, self._on, out=self._down)
            self._level = np.where(self._down, self._off, self._on)
        else:
            np.greater_equal(key_angles, self._level, out=self._pressed)
            if self._pressed.tobytes() != self._down.tobytes():
                for key in np.flatnonzero(self._pressed != self._down):
                    self._cross(int(key), time, float(key_angles[key]), float(key_velocities[key]))
        if (pedal > self._params.pedal_threshold) != (self._pedal_begun is not None):
            self._switch_pedal(time)
        self._time = time
        self._angle[:] = key_angles
        self._velocity[:] = key_velocities

    def finish(self, time: float) -> Score:
        """The notes and pedal spans played until `time` [s], where those that still last end.

        The sensor itself does not change.

        Raises:
            InvalidValue: `time` is before the last update.
        """
        if time < self._time:
            raise InvalidValue("time", time, f"not before the last update at {self._time} s")
        notes = list(self._notes)
        pedals = list(self._pedals)
        for key, (onset, velocity) in self._begun.items():
            note = self._note(key, onset, time, velocity)
            if note is not None:
                notes.append(note)
        if self._pedal_begun is not None:
            span = self._span(self._pedal_begun, time)
            if span is not None:
                pedals.append(span)
        return Score(tuple(notes), tuple(pedals))

    def _cross(self, key: int, time: float, angle: float, velocity: float) -> None:
        """Begin or end the note of a key that passed its threshold since the last update."""
        rise = angle - self._angle[key]
        if not math.isfinite(rise):
            raise InvalidValue(f"angle of key {key}", angle, "a finite number of radians")
        fraction = min(max((self._level[key] - self._angle[key]) / rise, 0.0), 1.0)
        moment = self._time + fraction * (time - self._time)
        self._down[key] = not self._down[key]
        if self._down[key]:
            self._level[key] = self._off[key]
            angular_speed = (1.0 - fraction) * self._velocity[key] + fraction * velocity
            edge_speed = angular_speed * self._length[key]
            self._begun[key] = (moment, int(key_speed_to_velocity(self._params, edge_speed)))
            return
        self._level[key] = self._on[key]
        if key not in self._begun:
            return
        onset, midi_velocity = self._begun.pop(key)
        note = self._note(key, onset, moment, midi_velocity)
        if note is not None:
            self._notes.append(note)

    def _switch_pedal(self, time: float) -> None:
        if self._pedal_begun is None:
            self._pedal_begun = time
            return
        span = self._span(self._pedal_begun, time)
        self._pedal_begun = None
        if span is not None:
            self._pedals.append(span)

    def _note(self, key: int, onset: float, offset: float, velocity: int) -> Note | None:
        onset = max(float(round(onset - self._start, 9)), 0.0)
        offset = float(round(offset - self._start, 9))
        return Note(onset, key_to_pitch(key), offset, velocity) if offset > onset else None

    def _span(self, start: float, end: float) -> Pedal | None:
        start = max(start - self._start, 0.0)
        end = end - self._start
        return Pedal(start, end) if end > start else None
