"""The visual scene of a recording, in any recorded posture: lit, coloured and framed.

It shows bones, translucent skin, and muscles as lines that turn red with activation. A sounding key
is green when the score has that note at that time, and orange-red when it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.errors import UnknownName
from musclehand.core.recording import Recording, RecordingError
from musclehand.music.pitch import LOWEST_PITCH
from musclehand.piano.geometry import keyboard_geometry
from musclehand.sim.render.mesh import simplify_meshes
from musclehand.sim.scene import Scene, build_scene, forearm_joint

RIGHT_RGBA = (0.10, 0.68, 0.48, 1.0)
WRONG_RGBA = (0.86, 0.33, 0.05, 1.0)
"""Key colours: bluish green and vermilion of the palette of Okabe and Ito (2008), which is safe for
colour-blind readers."""

REST_RGB = np.array([0.30, 0.33, 0.46])
ACTIVE_RGB = np.array([1.0, 0.20, 0.08])
"""Muscle colours at activation 0 and 1, interpolated by the square root of activation: playing uses
about 5 % of a muscle."""

TENDON_WIDTH = (0.0007, 0.0016)
"""Half the width of a muscle's line at activation 0 and 1 [m]."""

RIGHT_NOTE_TOLERANCE = 0.1
"""A note is right when the score has an onset of its key this near [s]; the wider tolerance of the
metrics."""

BONE_RGBA = (0.86, 0.81, 0.71, 1.0)
"""Colour of bones, less bright than the keys."""

SKIN_ALPHA = 0.40
FOREARM_ALPHA = 0.12
"""Opacity of the skin of the hand, and of the forearm, which would hide the hand."""

WHITE_KEY_RGB = (0.86, 0.85, 0.82)
"""Colour of white keys, dimmed so that highlights show."""

HAND_REACH = 0.11
"""Space that a hand covers on either side of its wrist [m]."""

REACH_STRIDE = 10
"""Every this many rows are looked at to find the reach of a whole piece."""


@dataclass(frozen=True)
class View:
    """A viewpoint. The recording determines its position along the keyboard."""

    azimuth: float
    """[deg] as in MuJoCo: 90 looks into the piano."""

    elevation: float
    """[deg] as in MuJoCo: -90 looks straight down."""

    span: float
    """[m] least width in view."""

    depth: float
    """[m] the point looked at, into the piano."""

    height: float
    """[m] the point looked at, above the keys."""

    fallboard: bool = True
    """Whether the board behind the keys is drawn; it hides the hands from some viewpoints."""


VIEWS: Mapping[str, View] = {
    "player": View(azimuth=96.0, elevation=-40.0, span=0.62, depth=-0.02, height=0.0),
    "front": View(
        azimuth=270.0, elevation=-20.0, span=0.42, depth=0.02, height=0.03, fallboard=False
    ),
    "side": View(azimuth=168.0, elevation=-14.0, span=0.40, depth=-0.03, height=0.02),
    "top": View(azimuth=90.0, elevation=-89.0, span=0.56, depth=-0.02, height=0.0),
}


def colour_muscles(model: mujoco.MjModel, tendons: np.ndarray, activation: np.ndarray) -> None:
    """Shows activations as colours and widths of tendons.

    Args:
        model: its tendons are changed in place.
        tendons: ids of the tendons. Shape (m,).
        activation: 0 to 1. Shape (m,).
    """
    act = np.sqrt(np.clip(activation, 0.0, 1.0))[:, None]
    model.tendon_rgba[tendons, :3] = REST_RGB + act * (ACTIVE_RGB - REST_RGB)
    low, high = TENDON_WIDTH
    model.tendon_width[tendons] = low + (high - low) * act[:, 0]


class Stage:
    """The visual scene of one recording; `pose` sets it to a time."""

    scene: Scene
    """The scene with bone meshes."""

    model: mujoco.MjModel
    """The model of the scene, lit and coloured."""

    data: mujoco.MjData
    """The state at the time of the last `pose`."""

    time: np.ndarray
    """[s] time of each row of the recording. Shape (rows,)."""

    def __init__(
        self,
        recording: Recording,
        *,
        bone_edge: float | None = None,
        design: HandDesign | None = None,
    ) -> None:
        """Builds the scene that a recording was made in.

        Args:
            recording: open; must outlive the stage.
            bone_edge: simplify the bones' meshes to triangles of about this edge [m]; None leaves
                them as they are.
            design: the hands that played; the bundled ones where None.

        Raises:
            RecordingError: the recording was made with another model, or has no positions.
        """
        for channel in ("time", "qpos"):
            if channel not in recording.channels:
                raise RecordingError(
                    recording.path, f"has no channel {channel!r}; there is nothing to draw"
                )
        if recording.num_rows == 0:
            raise RecordingError(recording.path, "has no rows; there is nothing to draw")
        names = recording["qpos"].names
        sides = tuple(side for side in Side if forearm_joint(side, "x") in names)
        self.scene = build_scene(sides=sides, visual=True, design=design)
        self.model = self.scene.model
        self.data = mujoco.MjData(self.model)
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
        self._score_notes = _notes(recording, "score")
        self._played_notes = _judge(_notes(recording, "played"), self._score_notes)
        self._light()
        self._dress()
        if bone_edge is not None:
            simplify_meshes(self.model, bone_edge)

    def pose(self, time: float) -> None:
        """Sets posture, muscle colours and key colours to a time of the score.

        Args:
            time: [s], 0 at the beginning of the score; the nearest row is shown.
        """
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
        """A camera that has the hands in view.

        Args:
            name: of `VIEWS`.
            aspect: width of the picture over its height.
            time: [s] when the hands must be in view; None for all positions in the piece.

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
        # Seen from the side, the nearer hand is closer than the point looked at by half the reach.
        camera.distance += 0.5 * abs(np.cos(np.radians(view.azimuth))) * (high - low)
        return camera

    def hide_fallboard(self) -> None:
        """Hides the board behind the keys, for viewpoints from behind it."""
        board = self.model.geom("case/fallboard").id
        self.model.geom_matid[board] = -1
        self.model.geom_rgba[board, 3] = 0.0

    def _reach(self, time: float | None) -> tuple[float, float]:
        """Lowest and highest position along the keyboard that hands reach, or else keys [m]."""
        names = self._recording["qpos"].names
        columns = [names.index(forearm_joint(side, "x")) for side in self.scene.hands]
        rows = slice(None, None, REACH_STRIDE)
        if time is not None:
            rows = slice(self.row_at(time), self.row_at(time) + 1)
        positions = [self._recording["qpos"][rows][:, column] for column in columns]
        if not positions:
            keys = self._score_notes[:, 2].astype(int) - LOWEST_PITCH
            positions = [keyboard_geometry(self.scene.piano).x[keys] if keys.size else np.zeros(1)]
        low = min(float(x.min()) for x in positions) - HAND_REACH
        high = max(float(x.max()) for x in positions) + HAND_REACH
        return low, high

    @property
    def rest_colours(self) -> np.ndarray:
        """Colours of the keys where nothing sounds. Shape (88, 4)."""
        return self._key_rgba.copy()

    def _find_tendons(self) -> np.ndarray:
        if "act" not in self._recording.channels:
            return np.zeros(0, dtype=int)
        return np.array([self.model.tendon(name).id for name in self._recording["act"].names])

    def _key_colours(self) -> np.ndarray:
        """The colour of every key's material, for geoms without material. Shape (88, 4)."""
        keys = self.scene.keys.geom
        colours = np.array(self.model.mat_rgba[self.model.geom_matid[keys]])
        white = colours[:, 0] > 0.5
        colours[white, :3] = WHITE_KEY_RGB
        return colours

    def _colour_keys(self, time: float) -> None:
        # A material overrides the colour of a geom: it is removed. Gloss is then MuJoCo's default.
        keys = self.scene.keys.geom
        self.model.geom_matid[keys] = -1
        self.model.geom_rgba[keys] = self._key_rgba
        notes = self._played_notes
        sounding = (notes[:, 0] <= time) & (time < notes[:, 1])
        for _, _, pitch, right in notes[sounding]:
            colour = np.array(RIGHT_RGBA if right else WRONG_RGBA)
            self.model.geom_rgba[keys[int(pitch) - LOWEST_PITCH]] = colour

    def _light(self) -> None:
        """Lights the stage: a lamp over the player's left shoulder, and a weak one opposite.

        The first lamp's shadows cover the part of the keyboard that the hands reach.
        """
        model = self.model
        model.vis.headlight.ambient[:] = 0.30
        model.vis.headlight.diffuse[:] = 0.22
        model.vis.headlight.specular[:] = 0.05
        model.light_diffuse[0] = 0.52
        model.light_diffuse[1] = 0.16
        model.light_specular[:] = 0.15
        low, high = self._reach(None)
        lamp = np.array([0.5 * (low + high) - 0.35, -0.75, 1.3])
        target = np.array([0.5 * (low + high), 0.02, 0.0])
        beam = target - lamp
        model.light_pos[0] = lamp
        model.light_dir[0] = beam / np.linalg.norm(beam)
        half_angle = np.degrees(np.arctan2(0.5 * (high - low) + 0.15, np.linalg.norm(beam)))
        model.vis.map.shadowscale = float(np.clip(half_angle / model.light_cutoff[0], 0.05, 1.0))
        model.vis.quality.shadowsize = 2048
        model.vis.quality.offsamples = 4
        model.vis.quality.numslices = 20
        model.vis.quality.numstacks = 8
        model.vis.quality.numquads = 1

    def _dress(self) -> None:
        """Colours bones, and makes skin translucent."""
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


def _judge(played: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The played notes with a fourth column: 1 where the score has the note at that time, else 0.

    Args:
        played: onset [s], offset [s] and pitch. Shape (num_notes, 3).
        score: the same of the score.

    Returns:
        Shape (num_notes, 4).
    """
    right = np.zeros(len(played))
    for pitch in np.unique(played[:, 2]):
        rows = played[:, 2] == pitch
        onsets = np.sort(score[score[:, 2] == pitch, 0])
        if onsets.size:
            index = np.searchsorted(onsets, played[rows, 0])
            distances = [
                np.abs(played[rows, 0] - onsets[np.clip(index + i, 0, onsets.size - 1)])
                for i in (-1, 0)
            ]
            right[rows] = np.minimum(*distances) <= RIGHT_NOTE_TOLERANCE
    return np.column_stack([played, right])
