"""The self-playing keyboard: forces on the keys alone that play a score exactly, with no hands.

It is the oracle of the chain from score to metrics: whatever is read, timed, sensed and scored
after it must come out perfect, or the fault is not the hands'. Every key follows a reference angle
given on the grid of physics steps, and the force of each step is the one that makes MuJoCo's next
state meet it. A stroke fixes the three samples around the sensor's crossing, so that interpolation
between steps finds the onset and speed that the score asks for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import NUM_KEYS
from musclehand.music.score import Note, Score
from musclehand.piano.build import find_keys
from musclehand.piano.geometry import PianoParameters, keyboard_geometry
from musclehand.piano.keys import velocity_to_key_speed

_FAR = 2**40  # a step beyond any piece
_HOLD = 0.5  # a held key rests this far from sounding angle to bottom
_CEILING = 0.9  # and a stroke ends below this
_OVERRUN = 0.006  # [rad] past the ceiling's stop for single samples of the loudest strokes
_RELEASE_SPEED = 1.5  # [rad/s] through the release angle
_SETTLE_TIME = 0.008  # [s] from a stroke's end to the held angle, and from there to the release
_RETURN_TIME = 0.03  # [s] from release to rest
_LONGEST_STROKE = 0.08  # [s] from rest to just before sounding
_INTEGRATORS = (
    mujoco.mjtIntegrator.mjINT_EULER,
    mujoco.mjtIntegrator.mjINT_IMPLICIT,
    mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
)


class _Key(NamedTuple):
    """What planning needs of one key: angles [rad] and lever [m]."""

    on: float
    off: float
    full: float
    length: float


class _Press(NamedTuple):
    """A stroke's samples: `before` at step k-1, `below` at k, `above` at k+1, and its speed
    [rad/step]."""

    step: int
    before: float
    below: float
    above: float
    speed: float


class KeyboardPlayer:
    """Plays a score on a compiled piano by generalized forces on its 88 key joints.

    Call `apply(data)` before every `mj_step`. Simulation time `start` is the score's time 0, to
    leave room for the first stroke; give `KeySensor` the same. Steps must fall on multiples of the
    timestep.

    Exact while notes last 3 steps and keys are up for 4 (a shorter one is lengthened, or the
    release before it moved earlier), and for all velocities at steps of 2 ms; longer steps cannot
    show the fastest strokes: they come softer.

    Raises:
        InvalidValue: the score presses a key that is down (pass it through `keyboard_score` first),
            begins before the first stroke can, or the model's integrator is not one this can
            invert.
        UnknownName: the model has no keyboard.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        params: PianoParameters,
        score: Score,
        *,
        start: float = 0.1,
        prefix: str = "",
    ) -> None:
        if model.opt.integrator not in _INTEGRATORS:
            raise InvalidValue(
                "integrator", int(model.opt.integrator), "Euler, implicit or implicitfast"
            )
        self._dt = float(model.opt.timestep)
        keys = find_keys(model, prefix=prefix)
        self._qpos = keys.qpos
        self._dof = keys.dof
        self._stiffness = model.jnt_stiffness[keys.joint].copy()
        self._springref = model.qpos_spring[keys.qpos].copy()
        self._damping = model.dof_damping[keys.dof].copy()
        # The three integrators solve (M + h D) (v' - v) = h (applied - k (q - q0) - D v), then q' =
        # q + h v'.
        self._inertia = model.dof_M0[keys.dof] + self._dt * self._damping
        self._start = start
        starts = sorted(pedal.start for pedal in score.pedals)
        ends = sorted(pedal.end for pedal in score.pedals)
        self._pedal_starts = np.array(starts)
        self._pedal_ends = np.array(ends)

        geometry = keyboard_geometry(params)
        lines: list[list[Note]] = [[] for _ in range(NUM_KEYS)]
        for note in score.notes:
            lines[note.key].append(note)
        self._anchors = [
            _plan_key(
                line,
                _Key(
                    *(
                        float(a[key])
                        for a in (
                            geometry.on_angle,
                            geometry.off_angle,
                            geometry.full_angle,
                            geometry.length,
                        )
                    )
                ),
                params,
                self._dt,
                start,
            )
            for key, line in enumerate(lines)
        ]
        self._from_step = np.full(NUM_KEYS, _FAR)
        self._to_step = np.full(NUM_KEYS, _FAR)
        self._from_angle = np.zeros(NUM_KEYS)
        self._to_angle = np.zeros(NUM_KEYS)

    def reference(self, step: int) -> np.ndarray:
        """Where the keys are to be at a physics step [rad]. Shape (88,)."""
        for key in np.flatnonzero((step > self._to_step) | (step <= self._from_step)):
            steps, angles = self._anchors[key]
            i = int(np.searchsorted(steps, step))
            self._from_step[key], self._to_step[key] = steps[i - 1], steps[i]
            self._from_angle[key], self._to_angle[key] = angles[i - 1], angles[i]
        s = (step - self._from_step) / (self._to_step - self._from_step)
        return self._from_angle + (self._to_angle - self._from_angle) * s * s * (3.0 - 2.0 * s)

    def apply(self, data: mujoco.MjData) -> None:
        """Write the forces of the coming step into `data.qfrc_applied`, at the key joints only
        [N m]."""
        step = round(data.time / self._dt)
        angle = data.qpos[self._qpos]
        speed = data.qvel[self._dof]
        wanted = (self.reference(step + 1) - angle) / self._dt
        passive = self._stiffness * (angle - self._springref) + self._damping * speed
        data.qfrc_applied[self._dof] = self._inertia * (wanted - speed) / self._dt + passive

    def pedal(self, time: float) -> float:
        """The sustain pedal at simulation time `time` [s]: 0 up, 1 down."""
        t = time - self._start
        down = np.searchsorted(self._pedal_starts, t, "right") - np.searchsorted(
            self._pedal_ends, t, "right"
        )
        return float(down > 0)


def _plan_key(
    notes: Sequence[Note], key: _Key, params: PianoParameters, dt: float, start: float
) -> tuple[np.ndarray, np.ndarray]:
    """A key's reference as (step, angle [rad]) pairs to be joined by smooth steps; at rest
    before and after."""
    for before, after in pairwise(notes):
        if after.onset <= before.offset:
            raise InvalidValue(
                "note",
                after,
                f"begun after its key was let go at {before.offset} s; use keyboard_score",
            )
    if notes and (start + notes[0].onset) / dt < 3:
        raise InvalidValue(
            "start",
            start,
            f"such that the first onset at {notes[0].onset} s leaves 3 steps of {dt} s",
        )
    presses = [_press(note, key, params, dt, start) for note in notes]
    points: list[tuple[int, float]] = [(-_FAR, 0.0), (0, 0.0)]
    for i, (note, press) in enumerate(zip(notes, presses, strict=True)):
        _add_descent(points, press, dt)
        latest = presses[i + 1].step - 2 if i + 1 < len(presses) else _FAR
        _add_release(points, press, key, (start + note.offset) / dt, latest, dt)
    if notes:
        points.append((points[-1][0] + math.ceil(_RETURN_TIME / dt), 0.0))
    points.append((_FAR, 0.0))
    steps, angles = zip(*points, strict=True)
    return np.array(steps), np.array(angles)


def _press(note: Note, key: _Key, params: PianoParameters, dt: float, start: float) -> _Press:
    """The samples around a note's onset, on a line of the wanted speed where the stop leaves room
    for it.

    The onset lies a fraction f after step k. The sensor sees `below` and `above` at k and k+1,
    whose line must meet the sounding angle at f, and the speed (1-f) v[k] + f v[k+1]. When a fast
    stroke would run into the stop, `above` is lowered, which slows v[k+1]; a faster v[k], that is a
    lower `before`, makes up for it, as far as rest allows.
    """
    k, f = _split((start + note.onset) / dt)
    wanted = float(velocity_to_key_speed(params, note.velocity)) / key.length * dt
    over = min(wanted * (1 - f), _CEILING * (key.full - key.on))
    if f > 0:
        # Solves before = 0 for `over`: beyond this the last resort is a single sample in the stop.
        needed = (wanted / (1 - f) - key.on) * ((1 - f) / f) ** 2
        over = min(wanted * (1 - f), max(over, min(needed, key.full - key.on + _OVERRUN)))
    last = over / (1 - f)
    below = key.on - f * last
    before = max(0.0, below - (wanted - f * last) / (1 - f))
    return _Press(k, before, below, key.on + over, wanted)


def _add_descent(points: list[tuple[int, float]], press: _Press, dt: float) -> None:
    """From where the key is: back to rest if there is time, then down to the stroke's three
    samples."""
    last_step, last_angle = points[-1]
    arrive = press.step - 1
    room = arrive - last_step
    # A smooth step is 1.5 times as fast in its middle as on the whole: twice the time keeps it
    # below the stroke.
    down = math.ceil(min(_LONGEST_STROKE / dt, 2.0 * press.before / press.speed)) + 1
    up = math.ceil(_RETURN_TIME / dt) if last_angle > 0 else 0
    if room >= up + down:
        if up:
            points.append((last_step + up, 0.0))
        points.append((arrive - down, 0.0))
    elif room >= 2:
        turn = last_step + min(max(round(room * up / (up + down)), 1), room - 1)
        points.append((turn, min(last_angle, press.before) * (1.0 - room / (up + down))))
    for step, angle in (
        (arrive, press.before),
        (press.step, press.below),
        (press.step + 1, press.above),
    ):
        if step > points[-1][0]:
            points.append((step, angle))


def _add_release(
    points: list[tuple[int, float]], press: _Press, key: _Key, offset: float, latest: int, dt: float
) -> None:
    """From the stroke's end: held, then up through the release angle at `offset` [steps], by
    step `latest` at most."""
    m, g = _split(offset)
    if m > latest:
        m = latest
        g = 0.5
    if m <= press.step + 1:
        # No time for a hold: leave straight from the stroke's end, as steeply as rest allows.
        g = g if m == press.step + 1 else 0.5
        top = press.above
        points.append((press.step + 2, max(0.0, top - (top - key.off) / max(g, 1e-3))))
        return
    settle = math.ceil(_SETTLE_TIME / dt)
    held = key.on + _HOLD * (key.full - key.on)
    if m - (press.step + 1) >= 2 * settle + 1:
        points += [(press.step + 1 + settle, held), (m - settle, held)]
    elif press.above > held and m - (press.step + 1) >= 2:
        points.append((press.step + 2, held))
    rise = _RELEASE_SPEED * dt
    points += [(m, key.off + rise * g), (m + 1, key.off - rise * (1 - g))]


def _split(steps: float) -> tuple[int, float]:
    """A time in steps as a whole step and the fraction after it; a hair before a step is that
    step."""
    whole = math.floor(steps + 1e-6)
    return whole, max(0.0, steps - whole)
