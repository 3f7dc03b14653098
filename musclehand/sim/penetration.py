"""Does anything pass through anything? Depths measured on the outlines of the hands, from a
recording.

The outlines are the capsules of `segments.csv` and the boxes of the keys, the same that carry the
contacts of the simulation. Contacts are soft there, so a pressing fingertip sinks in a little; what
is deeper than `TOLERANCE` would show. Every control step recorded is looked at. Measured are

    keys         digits and palms against keys
    same hand    digits against digits of the same hand, but for the pairs that share skin or that one joint connects
    other hand   digits and palms of one hand against those of the other

Forearms are left out: they touch nothing in the simulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.overlay import KEY_BIT, SKIN_BIT
from musclehand.body.build.tables import HandTables
from musclehand.core.errors import ModelError
from musclehand.core.recording import Recording, RecordingError
from musclehand.sim.scene import Scene, build_scene, forearm_joint

TOLERANCE = 1e-3
"""Depth [m] beyond which a penetration counts; a fingertip's pulp gives by more than that."""

KINDS = ("keys", "same hand", "other hand")


class Depth(NamedTuple):
    """Penetrations of one kind: the deepest [m], when [s] and between which two geoms, and the
    share of the steps in which any was deeper than `TOLERANCE`. No time and no geoms where
    nothing ever touched."""

    largest: float
    time: float | None
    geoms: tuple[str, str] | None
    share: float


class PenetrationReport(NamedTuple):
    """What `measure_penetration` found; see the module docstring for the three kinds. `steps`
    looked at."""

    keys: Depth
    same_hand: Depth
    other_hand: Depth
    steps: int

    @property
    def largest(self) -> float:
        """The deepest penetration of all [m]."""
        return max(self.keys.largest, self.same_hand.largest, self.other_hand.largest)


def measure_penetration(recording: str | PathLike[str] | Recording) -> PenetrationReport:
    """Penetrations in every control step of a recording.

    Args:
        recording: a file, or one that is open.

    Raises:
        RecordingError: it cannot be read, or was made with another model.
    """
    if isinstance(recording, Recording):
        return _measure(recording)
    with Recording.open(recording) as opened:
        return _measure(opened)


class PenetrationMeter:
    """Finds penetrations in a scene, posture by posture.

    Args:
        scene: one with hands built from tables; a copy of its model is used.

    Raises:
        ModelError: the hands are somebody's model.
    """

    def __init__(self, scene: Scene) -> None:
        self._model = scene.model.__copy__()
        self._data = mujoco.MjData(self._model)
        self._kind = _classify(self._model, scene)

    def measure(self, qpos: np.ndarray) -> Iterator[tuple[str, float, tuple[str, str]]]:
        """Kind, depth [m] and names of the two geoms of every penetration in a posture. `qpos`
        of shape (nq,)."""
        model = self._model
        data = self._data
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        contacts = data.contact
        for index in np.flatnonzero(contacts.dist < 0.0):
            one, two = (int(geom) for geom in contacts.geom[index])
            kind = self._kind_of(one, two)
            if kind is not None:
                yield (
                    kind,
                    -float(contacts.dist[index]),
                    (model.geom(one).name, model.geom(two).name),
                )

    def _kind_of(self, one: int, two: int) -> str | None:
        first, second = sorted((self._kind[one], self._kind[two]))
        if first == ("key",) or second == ("key",):
            return "keys" if first != second else None
        if first[1:] != second[1:]:
            return "other hand"
        return "same hand" if first[0] == second[0] == "digit" else None


def _classify(model: mujoco.MjModel, scene: Scene) -> dict[int, tuple[str, ...]]:
    """("key",), or ("digit" or "palm", side) for every geom that is looked at; palms are made to
    touch hands too."""
    if not isinstance(scene.design, HandTables):
        raise ModelError(
            scene.design.source, "has no outlines to measure; only hands built from tables have"
        )
    kind: dict[int, tuple[str, ...]] = {int(geom): ("key",) for geom in scene.keys.geom}
    for side in scene.hands:
        for row in scene.design.segments:
            if row.layer == "arm":
                continue
            geom = model.geom(side.name_of(f"skin_{row.body}")).id
            kind[geom] = (row.layer, side.value)
            model.geom_contype[geom], model.geom_conaffinity[geom] = SKIN_BIT, SKIN_BIT | KEY_BIT
    return kind


def _measure(recording: Recording) -> PenetrationReport:
    if "qpos" not in recording.channels:
        raise RecordingError(
            recording.path, "has no channel 'qpos'; there are no postures to look at"
        )
    names = recording["qpos"].names
    scene = build_scene(sides=tuple(side for side in Side if forearm_joint(side, "x") in names))
    joints = tuple(scene.model.joint(i).name for i in range(scene.model.njnt))
    if joints != names:
        raise RecordingError(
            recording.path, "was made with another model than this release's; it cannot be measured"
        )
    meter = PenetrationMeter(scene)
    times = recording["time"][:]
    worst: dict[str, tuple[float, float | None, tuple[str, str] | None]] = dict.fromkeys(
        KINDS, (0.0, None, None)
    )
    steps_over = dict.fromkeys(KINDS, 0)
    for row, qpos in enumerate(_rows(recording)):
        over = set()
        for kind, depth, geoms in meter.measure(qpos):
            if depth > TOLERANCE:
                over.add(kind)
            if depth > worst[kind][0]:
                worst[kind] = (depth, float(times[row]), geoms)
        for kind in over:
            steps_over[kind] += 1
    steps = max(recording.num_rows, 1)
    keys, same_hand, other_hand = (
        Depth(*worst[kind], share=steps_over[kind] / steps) for kind in KINDS
    )
    return PenetrationReport(keys, same_hand, other_hand, recording.num_rows)


def _rows(recording: Recording, block: int = 1024) -> Iterator[np.ndarray]:
    """Every posture in order, a block of them in memory at a time."""
    for first in range(0, recording.num_rows, block):
        yield from recording["qpos"][first : first + block]
