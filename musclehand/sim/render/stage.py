"""A recording put back on stage: the visual scene in any posture recorded, lit, coloured and
framed.

Bones, translucent skin, and muscles as lines that grow red with their activation. A key that sounds
is green when the score asks for it there and orange-red when it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import UnknownName
from musclehand.core.recording import Recording, RecordingError
from musclehand.piano.geometry import keyboard_geometry
from musclehand.sim.render.mesh import simplify_meshes
from musclehand.sim.scene import Scene, build_scene, forearm_joint

RIGHT_RGBA = (0.10, 0.68, 0.48, 1.0)
WRONG_RGBA = (0.86, 0.33, 0.05, 1.0)
"""Key colours: bluish green and vermilion of Okabe and Ito's palette, told apart by everybody."""

REST_RGB = np.array([0.30, 0.33, 0.46])
ACTIVE_RGB = np.array([1.0, 0.20, 0.08])
"""Muscle colours at activation 0 and 1, in between by the square root: playing uses some 5 % of
a muscle."""

TENDON_WIDTH = (0.0007, 0.0016)
"""Half the width of a muscle's line at activation 0 and 1 [m]."""

RIGHT_NOTE_TOLERANCE = 0.1
"""A key's colour is right when its onset is this near to one asked of it [s]; the wider one of
the metrics."""

BONE_RGBA = (0.86, 0.81, 0.71, 1.0)
SKIN_ALPHA = 0.40
FOREARM_ALPHA = 0.12

HAND_REACH = 0.11
"""What a hand covers to either side of its wrist [m]."""


@dataclass(frozen=True)
class View:
    """Where a camera stands, in MuJoCo's degrees: `azimuth` 90 looks into the piano, `elevation`
    -90 straight down.

    It looks at a point `depth` into the piano and `height` above the keys [m], at least `span` wide
    [m]; where along the keyboard is found from the piece. Without the `fallboard` where that would
    be in the way.
    """

    azimuth: float
    elevation: float
    span: float
    depth: float
    height: float
    fallboard: bool = True


VIEWS: Mapping[str, View] = {
    "player": View(azimuth=96.0, elevation=-40.0, span=0.62, depth=-0.02, height=0.0),
    "front": View(
        azimuth=270.0, elevation=-20.0, span=0.42, depth=0.02, height=0.03, fallboard=False
    ),
    "side": View(azimuth=168.0, elevation=-14.0, span=0.40, depth=-0.03, height=0.02),
    "top": View(azimuth=90.0, elevation=-89.0, span=0.56, depth=-0.02, height=0.0),
}


def colour_muscles(model: mujoco.MjModel, tendons: np.ndarray, activation: np.ndarray) -> None:
    """Shows activations, 0 to 1, shape (m,), as colours and widths of these tendons of the
    model."""
    act = np.sqrt(np.clip(activation, 0.0, 1.0))[:, None]
    model.tendon_rgba[tendons, :3] = REST_RGB + act * (ACTIVE_RGB - REST_RGB)
    low, high = TENDON_WIDTH
    model.tendon_width[tendons] = low + (high - low) * act[:, 0]


class Stage:
    """The visual scene of one recording. `pose` puts it where the recording was at a time.

    Args:
        recording: open; must outlive the stage.
        bone_edge: thin the bones' meshes to triangles of about this edge [m]; as they are without
            it.

    Raises:
        RecordingError: it was made with another model, or has no positions.
    """

    def __init__(self, recording: Recording, *, bone_edge: float | None = None) -> None:
        for channel in ("time", "qpos"):
            if channel not in recording.channels:
                raise RecordingError(
                    recording.path, f"has no channel {channel!r}; there is nothing to draw"
                )
        if recording.num_rows == 0:
            raise RecordingError(recording.path, "has no rows; there is nothing to draw")
        names = recording["qpos"].names
        sides = tuple(side for side in Side if forearm_joint(side, "x") in names)
        self.scene: Scene = build_scene(sides=sides, visual=True)
        self.model, self.data = self.scene.model, mujoco.MjData(self.scene.model)
        joints = [self.model.joint(i).name for i in range(self.model.njnt)]
        if sorted(joints) != sorted(names):
            raise RecordingError(
                recording.path,
                "was made with another model than this release's; it cannot be drawn",
            )
        self._address = np.array([self.model.joint(name).qposadr[0] for name in names])
        self._recording = recording
        self.time = np.asarray(recording["time"][:], dtype=float)
        self._tendons = self._find_tendons()
        self._key_rgba = self._key_colours()
        self._asked = _notes(recording, "score")
        self._heard = _judge(_notes(recording, "played"), self._asked)
        self._light()
        self._dress()
        if bone_edge is not None:
            simplify_meshes(self.model, bone_edge)

    def pose(self, time: float) -> None:
        """The posture, muscle and key colours at `time` [s] (0 is the score's), that of the
        nearest row."""
        row = self.row_at(time)
        self.data.qpos[self._address] = self._recording["qpos"][row]
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        mujoco.mj_tendon(self.model, self.data)
        if len(self._tendons):
            colour_muscles(self.model, self._tendons, self._recording["act"][row])
        self._colour_keys(time)

    def row_at(self, time: float) -> int:
        """The row recorded nearest to `time` [s]."""
        after = int(np.searchsorted(self.time, time))
        before = max(after - 1, 0)
        after = min(after, len(self.time) - 1)
        return before if time - self.time[before] <= self.time[after] - time else after

    def camera(self, name: str, *, aspect: float, time: float | None = None) -> mujoco.MjvCamera:
        """A camera of `VIEWS` that has in view where the hands are at `time` [s], or all they reach
        in the piece.

        Raises:
            UnknownName: no such view.
        """
        if name not in VIEWS:
            raise UnknownName("camera", name, VIEWS)
        view = VIEWS[name]
        low, high = self._reach(time)
        camera = mujoco.MjvCamera()
        camera.lookat[:] = [0.5 * (low + high), view.depth, view.height]
        camera.azimuth = view.azimuth
        camera.elevation = view.elevation
        across = abs(np.sin(np.radians(view.azimuth)))
        width = max(across * (high - low), view.span)
        camera.distance = (
            0.5 * width / (aspect * np.tan(0.5 * np.radians(self.model.vis.global_.fovy)))
        )
        # From the side, the nearer hand lies half the reach closer than the point looked at.
        camera.distance += 0.5 * abs(np.cos(np.radians(view.azimuth))) * (high - low)
        return camera

    def hide_fallboard(self) -> None:
        """Takes away the board behind the keys, to look at the player from there."""
        board = self.model.geom("case/fallboard").id
        self.model.geom_matid[board], self.model.geom_rgba[board, 3] = -1, 0.0

    def _reach(self, time: float | None) -> tuple[float, float]:
        """From where to where along the keyboard hands and keys played reach [m]."""
        names = self._recording["qpos"].names
        columns = [names.index(forearm_joint(side, "x")) for side in self.scene.hands]
        rows = (
            slice(None, None, 10)
            if time is None
            else slice(self.row_at(time), self.row_at(time) + 1)
        )
        edges = [self._recording["qpos"][rows][:, column] for column in columns]
        if not edges:
            keys = [keyboard_geometry(self.scene.piano).x[self._asked[:, 2].astype(int) - 21]]
            edges = [keys[0]] if keys[0].size else [np.zeros(1)]
        return min(float(x.min()) for x in edges) - HAND_REACH, max(
            float(x.max()) for x in edges
        ) + HAND_REACH

    def _find_tendons(self) -> np.ndarray:
        if "act" not in self._recording.channels:
            return np.zeros(0, dtype=int)
        return np.array([self.model.tendon(name).id for name in self._recording["act"].names])

    def _key_colours(self) -> np.ndarray:
        """Every key's own colour, freed from its material so that it can change. Shape (88, 4)."""
        keys = self.scene.keys.geom
        colours = np.array(self.model.mat_rgba[self.model.geom_matid[keys]])
        white = colours[:, 0] > 0.5
        colours[white, :3] = [0.86, 0.85, 0.82]
        return colours

    def _colour_keys(self, time: float) -> None:
        # A material hides a geom's own colour unless it is dropped; gloss then comes from MuJoCo's
        # defaults.
        keys = self.scene.keys.geom
        self.model.geom_matid[keys] = -1
        self.model.geom_rgba[keys] = self._key_rgba
        sounding = (self._heard[:, 0] <= time) & (time < self._heard[:, 1])
        for _, _, pitch, right in self._heard[sounding]:
            colour = np.array(RIGHT_RGBA if right else WRONG_RGBA)
            self.model.geom_rgba[keys[int(pitch) - 21]] = colour

    def _light(self) -> None:
        """A lamp over the player's left shoulder that casts shadows where the hands play, a weak
        one opposite."""
        model = self.model
        model.vis.headlight.ambient[:] = 0.30
        model.vis.headlight.diffuse[:] = 0.22
        model.vis.headlight.specular[:] = 0.05
        model.light_diffuse[0], model.light_diffuse[1] = 0.52, 0.16
        model.light_specular[:] = 0.15
        low, high = self._reach(None)
        lamp = np.array([0.5 * (low + high) - 0.35, -0.75, 1.3])
        target = np.array([0.5 * (low + high), 0.02, 0.0])
        beam = target - lamp
        model.light_pos[0], model.light_dir[0] = lamp, beam / np.linalg.norm(beam)
        half_angle = np.degrees(np.arctan2(0.5 * (high - low) + 0.15, np.linalg.norm(beam)))
        model.vis.map.shadowscale = float(np.clip(half_angle / model.light_cutoff[0], 0.05, 1.0))
        model.vis.quality.shadowsize = 2048
        model.vis.quality.offsamples = 4
        model.vis.quality.numslices = 20
        model.vis.quality.numstacks = 8
        model.vis.quality.numquads = 1

    def _dress(self) -> None:
        """Bones less bright than the keys, skin translucent, the forearm's most of all."""
        for row in range(self.model.ngeom):
            name = self.model.geom(row).name
            if name.startswith("bone_"):
                self.model.geom_rgba[row] = BONE_RGBA
            elif name.startswith("skin_"):
                forearm = name[len("skin_") : -len("_r")] in ("ulna", "radius")
                self.model.geom_rgba[row, 3] = FOREARM_ALPHA if forearm else SKIN_ALPHA


def _notes(recording: Recording, table: str) -> np.ndarray:
    """Onset [s], offset [s] and pitch of the notes in a table. Shape (num_notes, 3)."""
    if table not in recording.tables:
        return np.zeros((0, 3))
    content: Any = recording.table(table)
    columns = [content.columns.index(name) for name in ("onset", "offset", "pitch")]
    return content.values[:, columns]


def _judge(heard: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The notes heard with a fourth column: 1 where the score has that note there, else 0. Shape
    (num_notes, 4)."""
    right = np.zeros(len(heard))
    for pitch in np.unique(heard[:, 2]):
        mine = heard[:, 2] == pitch
        onsets = np.sort(asked[asked[:, 2] == pitch, 0])
        if onsets.size:
            index = np.searchsorted(onsets, heard[mine, 0])
            near = [
                np.abs(heard[mine, 0] - onsets[np.clip(index + i, 0, onsets.size - 1)])
                for i in (-1, 0)
            ]
            right[mine] = np.minimum(*near) <= RIGHT_NOTE_TOLERANCE
    return np.column_stack([heard, right])
