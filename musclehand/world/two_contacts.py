"""Key sensor of an electric piano: two contacts under each key, read by a clock.

The second contact closes where the key sounds, the first one where it falls silent, higher up. A
note begins at the tick that finds the second contact closed, and its velocity follows from the
number of ticks since the first one closed. It ends at the tick that finds the first contact open. A
key must open its first contact before it can sound again.
"""

from __future__ import annotations

import math

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import NUM_KEYS, key_to_pitch
from musclehand.music.score import Note, Pedal, Score
from musclehand.piano.geometry import PianoParameters, keyboard_geometry
from musclehand.piano.keys import key_speed_to_velocity

TICK = 0.001
"""[s] Clock of the contacts: common keyboards are read once a millisecond."""

RESTING, MOVING, SOUNDING = range(3)
"""Neither contact closed since the last release, the first one alone, and both."""

_EARLY = 1e-9
"""[s] A tick is due so much before its time, against rounding errors."""


class TwoContactSensor:
    """Hears the notes of 88 keys by two contacts each; as `piano.keys.KeySensor` is used."""

    def __init__(self, params: PianoParameters, *, start: float = 0.0) -> None:
        """
        Args:
            params: of the keyboard; `on_band` and `off_band` place the contacts.
            start: simulation time at which the time of notes is 0 [s].
        """
        geometry = keyboard_geometry(params)
        self._params = params
        self._start = start
        self._first, self._second = geometry.off_angle, geometry.on_angle
        self._way = (self._second - self._first) * geometry.length
        self._state = np.full(NUM_KEYS, RESTING)
        self._closed = np.zeros(NUM_KEYS)
        self._begun: dict[int, tuple[float, int]] = {}
        self._notes: list[Note] = []
        self._pedals: list[Pedal] = []
        self._pedal_begun: float | None = None
        self._next = 0
        self._time = -math.inf

    def update(
        self, time: float, key_angles: np.ndarray, key_velocities: np.ndarray, pedal: float = 0.0
    ) -> None:
        """Takes the state after a simulation step; nothing happens between two ticks.

        Args:
            time: of the simulation [s], later than in the last call.
            key_angles: [rad]. Shape (88,).
            key_velocities: not used: contacts know nothing of them. Shape (88,).
            pedal: position of the sustain pedal, 0 to 1.

        Raises:
            InvalidValue: the time is not later than in the last call.
        """
        if not time > self._time:
            raise InvalidValue("time", time, f"later than the last update at {self._time} s")
        self._time = time
        if time < self._next * TICK - _EARLY:
            return
        tick = math.floor(time / TICK + 1e-6)
        self._next = tick + 1
        moment = tick * TICK
        first, second = key_angles >= self._first, key_angles >= self._second
        changed = (self._state == RESTING) & first
        self._closed[changed] = moment
        self._state[changed] = MOVING
        for key in np.flatnonzero((self._state == MOVING) & second).tolist():
            self._begin(key, moment)
        for key in np.flatnonzero((self._state != RESTING) & ~first).tolist():
            self._state[key] = RESTING
            self._end(key, moment)
        if (pedal > self._params.pedal_threshold) != (self._pedal_begun is not None):
            self._switch_pedal(moment)

    def finish(self, time: float) -> Score:
        """The notes and pedal spans until `time` [s], where those that still last end; the sensor
        itself does not change."""
        notes = [self._note(key, *begun, time) for key, begun in self._begun.items()]
        pedals = list(self._pedals)
        if self._pedal_begun is not None:
            pedals += self._span(self._pedal_begun, time)
        return Score((*self._notes, *(note for note in notes if note)), tuple(pedals))

    def _begin(self, key: int, moment: float) -> None:
        ticks = max(round((moment - self._closed[key]) / TICK), 1)
        speed = self._way[key] / (ticks * TICK)
        self._state[key] = SOUNDING
        self._begun[key] = (moment, int(key_speed_to_velocity(self._params, speed)))

    def _end(self, key: int, moment: float) -> None:
        if key in self._begun:
            note = self._note(key, *self._begun.pop(key), moment)
            if note is not None:
                self._notes.append(note)

    def _note(self, key: int, onset: float, velocity: int, offset: float) -> Note | None:
        onset = max(round(onset - self._start, 9), 0.0)
        offset = round(offset - self._start, 9)
        return Note(onset, key_to_pitch(key), offset, velocity) if offset > onset else None

    def _switch_pedal(self, moment: float) -> None:
        if self._pedal_begun is None:
            self._pedal_begun = moment
            return
        self._pedals += self._span(self._pedal_begun, moment)
        self._pedal_begun = None

    def _span(self, start: float, end: float) -> list[Pedal]:
        start, end = max(start - self._start, 0.0), end - self._start
        return [Pedal(start, end)] if end > start else []
