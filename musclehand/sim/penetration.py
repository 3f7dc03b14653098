"""Penetration depths of hands and keys, measured from a recording.

The outlines are the capsules of `segments.csv` and the boxes of the keys, the geoms that carry the
contacts of the simulation. Contacts are soft, so that a pressing fingertip sinks in a little; a
depth above `TOLERANCE` would be visible. Every recorded control step is measured. The kinds are

    keys         digits and palms against keys
    same hand    digits against digits of the same hand, except pairs that share skin or a joint
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
from musclehand.body.build.table_rows import HandTables
from musclehand.core.errors import ModelError
from musclehand.core.recording import Recording, RecordingError
from musclehand.sim.scene import Scene, build_scene, forearm_joint

TOLERANCE = 1e-3
"""Depth beyond which a penetration counts [m]; a fingertip's pulp yields by more than that."""

KINDS = ("keys", "same hand", "other hand")


class Depth(NamedTuple):
    """Penetrations of one kind over a recording."""

    largest: float
    """[m] deepest penetration; 0 where nothing ever touched."""

    time: float | None
    """[s] time of the deepest penetration; None where nothing ever touched."""

    geoms: tuple[str, str] | None
    """Names of the two geoms of the deepest penetration; None where nothing ever touched."""

    share: float
    """Share of the control steps with a penetration deeper than `TOLERANCE`, 0 to 1."""


class PenetrationReport(NamedTuple):
    """Penetrations of a recording by kind; see the module's docstring for the kinds."""

    keys: Depth
    """Hands in keys."""

    same_hand: Depth
    """Digits in digits of the same hand."""

    other_hand: Depth
    """One hand in the other."""

    steps: int
    """Number of control steps measured."""

    @property
    def largest(self) -> float:
        """The deepest penetration of all kinds [m]."""
        return max(self.keys.largest, self.same_hand.largest, self.other_hand.largest)


def measure_penetration(recording: str | PathLike[str] | Recording) -> PenetrationReport:
    """Measures the penetrations in every control step of a recording.

    Args:
        recording: a file, or an open recording.

    Raises:
        RecordingError: the file cannot be read, or was made with another model.
    """
    if isinstance(recording, Recording):
        return _measure(recording)
    with Recording.open(recording) as opened:
        return _measure(opened)


class PenetrationMeter:
    """Measures the penetrations of a scene, posture by posture."""

    def __init__(self, scene: Scene) -> None:
        """Prepares a copy of the scene's model.

        Args:
            scene: with hands built from tables.

        Raises:
            ModelError: the hands are of a model file, which has no outlines.
        """
        self._model = scene.model.__copy__()
        self._data = mujoco.MjData(self._model)
        self._kind = _classify(self._model, scene)

    def measure(self, qpos: np.ndarray) -> Iterator[tuple[str, float, tuple[str, str]]]:
        """Kind, depth [m] and names of the two geoms of every penetration in a posture.

        Args:
            qpos: the positions of all joints. Shape (nq,).
        """
        model = self._model
        data = self._data
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        contacts = data.contact
        for index in np.flatnonzero(contacts.dist < 0.0):
            geom1, geom2 = (int(geom) for geom in contacts.geom[index])
            kind = self._kind_of(geom1, geom2)
            if kind is not None:
                names = (model.geom(geom1).name, model.geom(geom2).name)
                yield kind, -float(contacts.dist[index]), names

    def _kind_of(self, geom1: int, geom2: int) -> str | None:
        first, second = sorted((self._kind[geom1], self._kind[geom2]))
        if first == ("key",) or second == ("key",):
            return "keys" if first != second else None
        if first[1:] != second[1:]:
            return "other hand"
        return "same hand" if first[0] == second[0] == "digit" else None


def _classify(model: mujoco.MjModel, scene: Scene) -> dict[int, tuple[str, ...]]:
    """("key",), or ("digit" or "palm", side) for every geom that is measured.

    Palms get the contact bits with which they touch hands as well as keys.
    """
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
            model.geom_contype[geom] = SKIN_BIT
            model.geom_conaffinity[geom] = SKIN_BIT | KEY_BIT
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
        kinds_over = set()
        for kind, depth, geoms in meter.measure(qpos):
            if depth > TOLERANCE:
                kinds_over.add(kind)
            if depth > worst[kind][0]:
                worst[kind] = (depth, float(times[row]), geoms)
        for kind in kinds_over:
            steps_over[kind] += 1
    steps = max(recording.num_rows, 1)
    keys, same_hand, other_hand = (
        Depth(*worst[kind], share=steps_over[kind] / steps) for kind in KINDS
    )
    return PenetrationReport(keys, same_hand, other_hand, steps=recording.num_rows)


def _rows(recording: Recording, block: int = 1024) -> Iterator[np.ndarray]:
    """Every posture in order, with a block of them in memory at a time."""
    for first in range(0, recording.num_rows, block):
        yield from recording["qpos"][first : first + block]
