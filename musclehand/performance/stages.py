"""Several players on one plan, and what their hands did: the material of `performance.causes`.

The stages of a performance, in order: the plan (notes alone), rigid hands that are moved exactly
along its reference, ideal joint torques, and the player itself. Each loses what those before it
lose, and something of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, Side, digit_joints
from musclehand.body.hand_index import bodies_below
from musclehand.controllers.controller import Controller
from musclehand.controllers.rigid import RigidController
from musclehand.controllers.run import Run
from musclehand.controllers.torque import TorqueController
from musclehand.core.progress import Progress
from musclehand.music.pitch import NUM_KEYS
from musclehand.music.score import Score
from musclehand.planning.plan import TAIL, PerformancePlan
from musclehand.sim.scene import Scene

PLAN, RIGID, TORQUE = "plan", "rigid", "torque"
"""Names of the stages before the player."""

NOTHING = -1
"""In place of the number of a digit or key that a geometry does not belong to."""


class Track(NamedTuple):
    """What a player did, T control steps of h hands."""

    time: np.ndarray
    """[s] on the score's clock. Shape (T,)."""

    qpos: np.ndarray
    """[rad, m] positions of all joints of the scene. Shape (T, nq)."""

    played: Score
    """The notes that sounded."""

    targets: np.ndarray | None = None
    """[m] where the plan wants the fingertips, in the world. Shape (T, h, 5, 3). None: not
    recorded."""

    def row(self, time: float) -> int:
        """The control step nearest to a time of the score [s]."""
        return int(np.argmin(np.abs(self.time - time)))

    def rows(self, start: float, end: float) -> range:
        """Control steps from one time to another [s], both included."""
        first, last = np.searchsorted(self.time, [start, end + 1e-9])
        return range(int(first), int(last))


class Touch(NamedTuple):
    """A finger on a key in one control step."""

    key: int
    """0 to 87."""

    digit: int
    """5 times the row of the hand, and 0 for the thumb to 4 for the little finger."""

    at_tip: bool
    """The last bone touches."""

    distance: float
    """[m] between the outlines, negative where they overlap."""


class HandsOnKeys:
    """Places and contacts of the hands of a scene in recorded positions."""

    def __init__(self, scene: Scene) -> None:
        """
        Args:
            scene: that was played in, with contacts between fingers.
        """
        self.scene = scene
        self.sides = tuple(scene.hands)
        self._model = scene.model
        self._data = mujoco.MjData(scene.model)
        self._tips = np.array([hand.tips for hand in scene.hands.values()], dtype=int)
        self._arms = np.array([forearm.qpos[:3] for forearm in scene.forearms.values()])
        self._key = np.full(scene.model.ngeom, NOTHING)
        self._key[scene.keys.geom] = np.arange(NUM_KEYS)
        self._digit, self._distal = _digits(scene)
        mujoco.mj_kinematics(self._model, self._data)
        place = self._data.geom_xpos[scene.keys.geom]
        self.key_x: np.ndarray = place[:, 0].copy()
        """[m] middles of the keys. Shape (88,)."""
        self.key_half_width: np.ndarray = scene.model.geom_size[scene.keys.geom, 0].copy()
        """[m] Shape (88,)."""

    def tips(self, track: Track, rows: range) -> np.ndarray:
        """Fingertips in the world [m]. Shape (len(rows), h, 5, 3)."""
        places = np.zeros((len(rows), *self._tips.shape, 3))
        for i, row in enumerate(rows):
            self._data.qpos[:] = track.qpos[row]
            mujoco.mj_kinematics(self._model, self._data)
            places[i] = self._data.site_xpos[self._tips]
        return places

    def forearms(self, track: Track, row: int) -> np.ndarray:
        """Places of the forearm bases in one control step [m]. Shape (h, 3)."""
        return np.asarray(track.qpos[row][self._arms], dtype=float)

    def touches(self, track: Track, rows: range) -> list[Touch]:
        """Contacts of fingers with keys in some control steps."""
        touches = []
        for _, first, second, distance in self._contacts(track, rows):
            for key_geom, geom in ((first, second), (second, first)):
                key, digit = int(self._key[key_geom]), int(self._digit[geom])
                if key != NOTHING and digit != NOTHING:
                    touches.append(Touch(key, digit, bool(self._distal[geom]), distance))
        return touches

    def overlap(self, track: Track, rows: range, digit: int) -> float:
        """How deep a digit lies in other digits at most [m]; 0 where it touches none.

        Args:
            track: of the positions.
            rows: control steps.
            digit: its number, as in `Touch`.
        """
        deepest = 0.0
        for _, first, second, distance in self._contacts(track, rows):
            pair = {int(self._digit[first]), int(self._digit[second])}
            if digit in pair and NOTHING not in pair and len(pair) == 2:
                deepest = max(deepest, -distance)
        return deepest

    def _contacts(self, track: Track, rows: range) -> list[tuple[int, int, int, float]]:
        """Control step, two geometries and their distance [m] of every contact."""
        contacts = []
        for row in rows:
            self._data.qpos[:] = track.qpos[row]
            mujoco.mj_kinematics(self._model, self._data)
            mujoco.mj_comPos(self._model, self._data)
            mujoco.mj_collision(self._model, self._data)
            contact = self._data.contact
            for (first, second), distance in zip(
                contact.geom.tolist(), contact.dist.tolist(), strict=True
            ):
                contacts.append((row, first, second, distance))
        return contacts


class _Rows:
    """Keeps in memory what a recording would hold."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._time: list[float] = []
        self._qpos: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []

    def append(self, **row: np.ndarray | float) -> None:
        """A control step, as `core.recording.RecordingWriter.append` takes it."""
        self._time.append(float(row["time"]))
        self._qpos.append(np.array(row["qpos"], dtype="f4"))
        hands = self._controller.reference().values()
        self._targets.append(np.array([hand.tips for hand in hands], dtype="f4"))

    def track(self, played: Score) -> Track:
        """All steps so far."""
        return Track(np.array(self._time), np.array(self._qpos), played, np.array(self._targets))


def play_track(controller: Controller, target: Score, *, progress: Progress | None = None) -> Track:
    """Plays once, and keeps what the hands did; the controller is closed then.

    Args:
        controller: that follows a plan.
        target: score that is judged by.
        progress: called with simulated time and all of it [s].

    Raises:
        SimulationError: the simulation became unstable.
    """
    with closing(controller):
        end = controller.lead_in + max(target.duration, controller.score.duration) + TAIL
        run = Run(controller, end=end, progress=progress)
        rows = _Rows(controller)
        played = run.play(rows)
    return rows.track(played)


def play_stages(
    plan: PerformancePlan,
    scene: Scene,
    *,
    names: tuple[str, ...] = (RIGID, TORQUE),
    progress: Progress | None = None,
) -> dict[str, Track]:
    """The oracles on a plan, by name.

    Args:
        plan: to follow.
        scene: with its hands and piano; it stays as it is.
        names: of `RIGID` and `TORQUE`.
        progress: called with simulated time and all of it [s].

    Raises:
        SimulationError: the simulation became unstable.
    """
    makers: dict[str, Callable[..., Controller]] = {
        RIGID: RigidController,
        TORQUE: TorqueController,
    }
    tracks = {}
    for number, name in enumerate(names):
        tracks[name] = play_track(
            makers[name](plan, scene=scene),
            plan.target,
            progress=_part(progress, number, len(names)),
        )
    return tracks


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """The progress of one run of several."""
    if progress is None:
        return None
    return lambda done, end: progress(done + number * end, count * end)


def _digits(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Number of every geometry's digit, as in `Touch`, and whether it is on the last bone.

    Shapes (geometries,).
    """
    model = scene.model
    digit = np.full(model.ngeom, NOTHING)
    distal = np.zeros(model.ngeom, dtype=bool)
    for row, hand in enumerate(scene.hands.values()):
        for number, name in enumerate(DIGITS):
            joints = set(digit_joints(name))
            dofs = [
                dof for joint, dof in zip(hand.joints, hand.dofs, strict=True) if joint in joints
            ]
            bodies = sorted(bodies_below(model, *(int(model.dof_bodyid[dof]) for dof in dofs)))
            digit[np.isin(model.geom_bodyid, bodies)] = len(DIGITS) * row + number
            last = int(model.site_bodyid[hand.tips[number]])
            distal |= model.geom_bodyid == last
    return digit, distal


def digit_of(sides: tuple[Side, ...], side: Side, finger: int) -> int:
    """Number of a digit as in `Touch`.

    Args:
        sides: of the scene, in its order.
        side: of the hand.
        finger: 1 for the thumb to 5.
    """
    return len(DIGITS) * sides.index(side) + finger - 1
