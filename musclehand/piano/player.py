"""Player piano: forces on the keys that play a score exactly, without hands.

It is the oracle of the chain from score to metrics: with it, every figure must be perfect, so that
all errors of other players are their own. Every key follows a reference angle on the grid of
physics steps by inverse dynamics: the force of each step takes MuJoCo's next state to the
reference. A stroke fixes the three samples around the threshold of the sensor, so that the sensor's
interpolation between steps finds the onset and speed of the note.
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

_FAR = 2**40
"""[steps] A step beyond the end of any piece."""

_HOLD = 0.5
"""Angle of a held key, as a share of the way from the sounding angle to the bottom stop."""

_CEILING = 0.9
"""Largest angle of an ordinary stroke, as a share of the way from the sounding angle to the bottom
stop."""

_OVERRUN = 0.006
"""[rad] Angle by which single samples of the loudest strokes may go beyond the bottom stop."""

_RELEASE_SPEED = 1.5
"""[rad/s] Angular speed through the release angle."""

_SETTLE_TIME = 0.008
"""[s] Time from the end of a stroke to the held angle, and from the held angle to the release."""

_RETURN_TIME = 0.03
"""[s] Time from the release to rest."""

_LONGEST_STROKE = 0.08
"""[s] Longest time from rest to the step before the key sounds."""

_INTEGRATORS = (
    mujoco.mjtIntegrator.mjINT_EULER,
    mujoco.mjtIntegrator.mjINT_IMPLICIT,
    mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
)


class _Key(NamedTuple):
    """Angles and length of a key."""

    on_angle: float
    """[rad] Angle at which the key sounds."""

    off_angle: float
    """[rad] Angle at which the key falls silent."""

    full_angle: float
    """[rad] Angle at the bottom stop."""

    length: float
    """[m] Distance from the hinge to the front edge."""


class _Press(NamedTuple):
    """Samples of a stroke around the step k before its onset."""

    step: int
    """The step k."""

    before: float
    """[rad] Angle at step k-1."""

    below: float
    """[rad] Angle at step k, below the sounding angle."""

    above: float
    """[rad] Angle at step k+1, above the sounding angle."""

    speed: float
    """[rad/step] Angular speed at the onset."""


class KeyboardPlayer:
    """Plays a score on a compiled piano by generalised forces on its 88 key joints.

    Call `apply(data)` before every `mj_step`, at simulation times that are multiples of the
    timestep.

    The performance is exact if notes last at least 3 steps and keys are up for at least 4. A
    shorter note is lengthened, or the release before it moved earlier. At timesteps of 2 ms it is
    exact for all velocities; longer timesteps cannot resolve the fastest strokes, which become
    softer.
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
        """Plan all strokes of a score.

        Args:
            model: a compiled model with a keyboard.
            params: measures of that keyboard.
            score: the notes; a key must not be pressed while it is down (`keyboard_score`).
            start: simulation time at which the time of the score is 0 [s], to leave room for the
                first stroke. `KeySensor` takes the same.
            prefix: prefix of names with which the piano was attached.

        Raises:
            InvalidValue: the score presses a key that is down, or begins before the first stroke is
                possible, or the dynamics of the model's integrator cannot be inverted.
            UnknownName: the model has no keyboard.
        """
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
        # All three integrators solve (M + h D) (v' - v) = h (applied - k (q - q0) - D v), and then
        # q' = q + h v'.
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
        key_data = [
            _Key(
                on_angle=float(geometry.on_angle[key]),
                off_angle=float(geometry.off_angle[key]),
                full_angle=float(geometry.full_angle[key]),
                length=float(geometry.length[key]),
            )
            for key in range(NUM_KEYS)
        ]
        self._anchors = [
            _plan_key(line, key, params, self._dt, start)
            for line, key in zip(lines, key_data, strict=True)
        ]
        self._from_step = np.full(NUM_KEYS, _FAR)
        self._to_step = np.full(NUM_KEYS, _FAR)
        self._from_angle = np.zeros(NUM_KEYS)
        self._to_angle = np.zeros(NUM_KEYS)

    def reference(self, step: int) -> np.ndarray:
        """Reference angles of the keys at a physics step [rad]. Shape (88,)."""
        for key in np.flatnonzero((step > self._to_step) | (step <= self._from_step)):
            steps, angles = self._anchors[key]
            i = int(np.searchsorted(steps, step))
            self._from_step[key] = steps[i - 1]
            self._to_step[key] = steps[i]
            self._from_angle[key] = angles[i - 1]
            self._to_angle[key] = angles[i]
        s = (step - self._from_step) / (self._to_step - self._from_step)
        return self._from_angle + (self._to_angle - self._from_angle) * s * s * (3.0 - 2.0 * s)

    def apply(self, data: mujoco.MjData) -> None:
        """Write the torques of the next step [N m] into `data.qfrc_applied`, at the key joints."""
        step = round(data.time / self._dt)
        angle = data.qpos[self._qpos]
        speed = data.qvel[self._dof]
        target_speed = (self.reference(step + 1) - angle) / self._dt
        passive = self._stiffness * (angle - self._springref) + self._damping * speed
        data.qfrc_applied[self._dof] = self._inertia * (target_speed - speed) / self._dt + passive

    def pedal(self, time: float) -> float:
        """Position of the sustain pedal at simulation time `time` [s]: 0 (up) or 1 (down)."""
        t = time - self._start
        down = np.searchsorted(self._pedal_starts, t, "right") - np.searchsorted(
            self._pedal_ends, t, "right"
        )
        return float(down > 0)


def _plan_key(
    notes: Sequence[Note], key: _Key, params: PianoParameters, dt: float, start: float
) -> tuple[np.ndarray, np.ndarray]:
    """Reference of a key: steps and angles [rad] of anchor points, to be joined by smooth steps.

    The key is at rest before the first and after the last.
    """
    for before, after in pairwise(notes):
        if after.onset <= before.offset:
            raise InvalidValue(
                "note",
                after,
                f"begun after its key was released at {before.offset} s; use keyboard_score",
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
        _add_release(points, press, key, offset=(start + note.offset) / dt, latest=latest, dt=dt)
    if notes:
        points.append((points[-1][0] + math.ceil(_RETURN_TIME / dt), 0.0))
    points.append((_FAR, 0.0))
    steps, angles = zip(*points, strict=True)
    return np.array(steps), np.array(angles)


def _press(note: Note, key: _Key, params: PianoParameters, dt: float, start: float) -> _Press:
    """The samples around a note's onset, on a line of the note's speed if the stop leaves room.

    The onset lies a fraction f after step k. The sensor reads `below` and `above` at k and k+1,
    whose line must meet the sounding angle at f, and the speed (1-f) v[k] + f v[k+1]. If a fast
    stroke would run into the stop, `above` is lowered, which slows v[k+1]. A faster v[k], from a
    lower `before`, compensates for it as far as the rest position allows.
    """
    k, f = _split((start + note.onset) / dt)
    speed = float(velocity_to_key_speed(params, note.velocity)) / key.length * dt
    over = min(speed * (1 - f), _CEILING * (key.full_angle - key.on_angle))
    if f > 0:
        # Solve before = 0 for `over`; beyond it, only a single sample in the stop is left.
        needed = (speed / (1 - f) - key.on_angle) * ((1 - f) / f) ** 2
        deepest = key.full_angle - key.on_angle + _OVERRUN
        over = min(speed * (1 - f), max(over, min(needed, deepest)))
    speed_after = over / (1 - f)
    below = key.on_angle - f * speed_after
    before = max(0.0, below - (speed - f * speed_after) / (1 - f))
    return _Press(step=k, before=before, below=below, above=key.on_angle + over, speed=speed)


def _add_descent(points: list[tuple[int, float]], press: _Press, dt: float) -> None:
    """Go back to rest if there is time, and then down to the three samples of the stroke."""
    last_step, last_angle = points[-1]
    arrive = press.step - 1
    room = arrive - last_step
    # A smooth step is 1.5 times as fast in its middle as on average: twice the time keeps it slower
    # than the stroke.
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
    points: list[tuple[int, float]],
    press: _Press,
    key: _Key,
    *,
    offset: float,
    latest: int,
    dt: float,
) -> None:
    """Hold the key, and lift it through the release angle at `offset` [steps], at the latest at
    step `latest`."""
    m, g = _split(offset)
    if m > latest:
        m = latest
        g = 0.5
    if m <= press.step + 1:
        # No time for a hold: leave from the end of the stroke, as steeply as rest allows.
        g = g if m == press.step + 1 else 0.5
        rise = (press.above - key.off_angle) / max(g, 1e-3)
        points.append((press.step + 2, max(0.0, press.above - rise)))
        return
    settle = math.ceil(_SETTLE_TIME / dt)
    held = key.on_angle + _HOLD * (key.full_angle - key.on_angle)
    if m - (press.step + 1) >= 2 * settle + 1:
        points += [(press.step + 1 + settle, held), (m - settle, held)]
    elif press.above > held and m - (press.step + 1) >= 2:
        points.append((press.step + 2, held))
    rise = _RELEASE_SPEED * dt
    points += [(m, key.off_angle + rise * g), (m + 1, key.off_angle - rise * (1 - g))]


def _split(steps: float) -> tuple[int, float]:
    """Split a time in steps into a whole step and a fraction; rounding errors below are ignored."""
    step = math.floor(steps + 1e-6)
    return step, max(0.0, steps - step)
