"""A stage for films of playing that look like films of people: opaque skin, a piano of wood, and a
camera that hangs over the keyboard.

The films are material for `musclehand.watch`: detectors of hands that were trained on photographs
recognise them, and everything in them has an exact truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, FINGER_NUMBERS, Side
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.recording import Recording, RecordingError
from musclehand.piano.geometry import PianoParameters, load_piano_parameters
from musclehand.sim.render.flesh import Flesh, add_flesh
from musclehand.sim.render.opengl import Canvas
from musclehand.sim.scene import forearm_joint, scene_spec

SKIN_RGB = (0.80, 0.59, 0.49)
"""Colour of skin, a light brown; chosen."""

TARGET = (-0.05, 0.0)
"""[m] y and z of the point looked at: between the wrists and the keys, at the keys' height."""

FIELDS = {"height": (0.3, 5.0), "tilt_deg": (-60.0, 60.0), "fovy_deg": (5.0, 120.0)}
"""Legal values of `FilmCamera`."""

WOOD = {"dark": (0.09, 0.07, 0.06), "light": (0.62, 0.45, 0.29)}
"""Colours of the fallboard: black lacquer, and light wood."""

FLOOR_RGB = (0.42, 0.33, 0.25)
"""Colour of the floor: brown boards."""

_JOINTS = ("cmc_flexion", "mp_flexion", "ip_flexion")
_FINGER_JOINTS = ("mcp{}_flexion", "pm{}_flexion", "md{}_flexion")


class Lamp(NamedTuple):
    """The light of a film."""

    position: tuple[float, float, float]
    """[m] Of the lamp, whose shadows are drawn."""

    diffuse: float
    """Brightness of the lamp, 0 to 1."""

    ambient: float
    """Brightness of the light from everywhere, 0 to 1."""

    warmth: float
    """Share of blue that the light lacks, 0 to 1."""


LIGHTS: Mapping[str, Lamp] = {
    "room": Lamp((-0.3, -0.6, 1.9), 0.50, 0.42, 0.04),
    "left": Lamp((-1.3, -0.3, 1.2), 0.65, 0.28, 0.02),
    "lamp": Lamp((0.5, 0.5, 0.9), 0.70, 0.22, 0.18),
    "dim": Lamp((0.2, -0.5, 1.8), 0.28, 0.25, 0.08),
}
"""Lights by name: a bright room, a window at the left, a warm lamp on the piano, a dim room."""


@dataclass(frozen=True)
class FilmCamera:
    """A camera that hangs over the keyboard and does not move.

    Raises:
        InvalidValue: a value is out of range.
    """

    height: float = 1.4
    """[m] Height above the white keys."""

    tilt_deg: float = 0.0
    """[deg] Between the view and straight down; a tilted camera hangs on the player's side."""

    fovy_deg: float = 30.0
    """[deg] Angle of view over the height of the picture."""

    offset: float = 0.0
    """[m] Position of the point looked at along the keyboard, 0 at its centre."""

    yaw_deg: float = 0.0
    """[deg] Turn of the camera about the vertical, anticlockwise from above."""

    depth: float = TARGET[0]
    """[m] Position of the point looked at into the piano."""

    def __post_init__(self) -> None:
        for name, (low, high) in FIELDS.items():
            if not low <= getattr(self, name) <= high:
                raise InvalidValue(f"camera's {name}", getattr(self, name), f"{low:g}..{high:g}")
        if not np.isfinite([self.offset, self.yaw_deg, self.depth]).all():
            raise InvalidValue("camera's offset, yaw_deg and depth", self, "finite numbers")

    def focal(self, picture_height: int) -> float:
        """Focal length [pixels] for pictures of a height [pixels]."""
        return float(0.5 * picture_height / np.tan(0.5 * np.radians(self.fovy_deg)))

    @property
    def rotation(self) -> np.ndarray:
        """Axes of the camera in the world: to the right of the picture, down, and ahead.
        Shape (3, 3)."""
        tilt, yaw = np.radians([self.tilt_deg, self.yaw_deg])
        right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        forwards = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        ahead = np.sin(tilt) * forwards - np.cos(tilt) * np.array([0.0, 0.0, 1.0])
        return np.array([right, np.cross(ahead, right), ahead])

    @property
    def position(self) -> np.ndarray:
        """[m] Position in the world. Shape (3,)."""
        ahead = self.rotation[2]
        target = np.array([self.offset, self.depth, TARGET[1]])
        return target - ahead * (self.height / -ahead[2])


class FilmStage:
    """Two hands at a piano in any posture, lit and coloured like a film."""

    model: mujoco.MjModel
    """The model that is drawn."""

    data: mujoco.MjData
    """The state of the last `pose`."""

    def __init__(
        self,
        recording: Recording,
        camera: FilmCamera,
        *,
        fallboard: str = "dark",
        light: str = "room",
        piano: PianoParameters | None = None,
    ) -> None:
        """Builds the scene of a recording.

        Args:
            recording: of a performance by one or two hands; must outlive the stage.
            camera: the viewpoint.
            fallboard: colour of the wood behind the keys, of `WOOD`.
            light: of `LIGHTS`.
            piano: that was played; the bundled one where None.

        Raises:
            UnknownName: no such fallboard or light.
            RecordingError: the recording has no postures, or is of a model other than this one.
        """
        if fallboard not in WOOD:
            raise UnknownName("fallboard", fallboard, WOOD)
        if light not in LIGHTS:
            raise UnknownName("light", light, LIGHTS)
        if "qpos" not in recording.channels or recording.num_rows < 2:
            raise RecordingError(recording.path, "has no postures; there is nothing to film")
        names = recording["qpos"].names
        self.sides = tuple(side for side in Side if forearm_joint(side, "x") in names)
        piano = piano or load_piano_parameters()
        spec = scene_spec(sides=self.sides, piano=piano)
        _furnish(spec, piano, WOOD[fallboard], camera)
        _light(spec, LIGHTS[light])
        for side in self.sides:
            add_flesh(spec, side)
        self.model = spec.compile()
        joints = [self.model.joint(i).name for i in range(self.model.njnt)]
        if sorted(joints) != sorted(names):
            raise RecordingError(
                recording.path,
                "was made with another model than this release's; it cannot be filmed",
            )
        self._address = np.array([self.model.joint(name).qposadr[0] for name in names])
        self.time = np.asarray(recording["time"][:], dtype=float)
        """[s] Times of the recording's rows, 0 at the beginning of the score. Shape (rows,)."""
        self._recording = recording
        self.data = mujoco.MjData(self.model)
        self._flesh = [Flesh(self.model, side) for side in self.sides]
        self._points = {side: _point_ids(self.model, side) for side in self.sides}
        _dress(self.model)

    def pose(self, time: float) -> None:
        """Sets hands and keys to a time, by linear interpolation between the recording's rows.

        Args:
            time: [s], 0 at the beginning of the score; held at the recording's ends.
        """
        after = int(np.clip(np.searchsorted(self.time, time), 1, len(self.time) - 1))
        span = self.time[after] - self.time[after - 1]
        share = float(np.clip((time - self.time[after - 1]) / span, 0.0, 1.0))
        rows = np.asarray(self._recording["qpos"][after - 1 : after + 1], dtype=float)
        self.data.qpos[self._address] = (1 - share) * rows[0] + share * rows[1]
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        for flesh in self._flesh:
            flesh.pose(self.data)

    def points(self, side: Side) -> np.ndarray:
        """The 21 points of a hand in the present posture, in the world.

        Wrist, then base joint, two further joints and tip of thumb, index, middle, ring and little
        finger: the order of MediaPipe Hands (Zhang et al. 2020, arXiv:2006.10214).

        Returns:
            [m] Shape (21, 3).
        """
        ids, tips = self._points[side]
        anchors, ends = self.data.xanchor[ids], self.data.site_xpos[tips]
        digits = [np.vstack([anchors[1 + 3 * i : 4 + 3 * i], ends[i]]) for i in range(len(DIGITS))]
        return np.vstack([anchors[:1], *digits])

    def draw(self, canvas: Canvas) -> np.ndarray:
        """A picture of the present posture. Shape (height, width, 3), uint8.

        Args:
            canvas: of this stage's model.
        """
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = self.model.camera("film").id
        canvas.option.flags[mujoco.mjtVisFlag.mjVIS_TENDON] = 0
        canvas.option.flags[mujoco.mjtVisFlag.mjVIS_ACTUATOR] = 0
        return canvas.draw(self.data, view)

    def roughen(self) -> None:
        """Draws faster: without shadows and smooth edges. Call it before a canvas is made."""
        self.model.vis.quality.offsamples = 0
        self.model.light_castshadow[:] = 0
        self.model.vis.quality.numslices = 14
        self.model.vis.quality.numstacks = 8


def _point_ids(model: mujoco.MjModel, side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Joints at a hand's points, the wrist first, and sites at its tips."""
    joints = ["flexion", *_JOINTS]
    joints += [name.format(number) for number in FINGER_NUMBERS for name in _FINGER_JOINTS]
    tips = [model.site(side.name_of(f"tip_{digit}")).id for digit in DIGITS]
    return np.array([model.joint(side.name_of(joint)).id for joint in joints]), np.array(tips)


def _furnish(
    spec: mujoco.MjSpec,
    piano: PianoParameters,
    wood: tuple[float, float, float],
    camera: FilmCamera,
) -> None:
    """Adds the piano's body, the floor and the camera."""
    boxes = {
        "lid": ((0.72, 0.20, 0.02), (0.0, piano.white_length + 0.22, 0.05)),
        "arm_bass": ((0.05, 0.11, 0.04), (-0.69, 0.06, -0.01)),
        "arm_treble": ((0.05, 0.11, 0.04), (0.69, 0.06, -0.01)),
    }
    case = spec.material("piano/case")
    case.rgba = [*wood, 1.0]
    for name, (size, place) in boxes.items():
        spec.worldbody.add_geom(
            name=f"film/{name}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=size,
            pos=place,
            contype=0,
            conaffinity=0,
            material="piano/case",
        )
    spec.worldbody.add_geom(
        name="film/floor",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[3.0, 3.0, 0.01],
        pos=[0.0, 0.0, -0.75],
        contype=0,
        conaffinity=0,
        rgba=[*FLOOR_RGB, 1.0],
    )
    right, down, ahead = camera.rotation
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.column_stack([right, -down, -ahead]).ravel())
    spec.worldbody.add_camera(name="film", pos=camera.position, quat=quat, fovy=camera.fovy_deg)


def _light(spec: mujoco.MjSpec, lamp: Lamp) -> None:
    tint = np.array([1.0, 1.0 - 0.4 * lamp.warmth, 1.0 - lamp.warmth])
    spec.visual.headlight.ambient = lamp.ambient * tint
    spec.visual.headlight.diffuse = 0.12 * tint
    spec.visual.headlight.specular = [0.0, 0.0, 0.0]
    spec.visual.quality.shadowsize = 4096
    spec.visual.quality.offsamples = 4
    beam = np.array([0.0, 0.05, 0.0]) - np.array(lamp.position)
    spec.worldbody.add_light(
        pos=lamp.position,
        dir=beam / np.linalg.norm(beam),
        cutoff=70.0,
        castshadow=True,
        diffuse=lamp.diffuse * tint,
        specular=0.1 * tint,
    )


def _dress(model: mujoco.MjModel) -> None:
    """Makes skin opaque, and everything that is no geom invisible."""
    for row in range(model.ngeom):
        if model.geom(row).name.startswith(("skin_", "flesh_")):
            model.geom_matid[row] = -1
            model.geom_rgba[row] = (*SKIN_RGB, 1.0)
    model.site_rgba[:, 3] = 0.0
    model.tendon_rgba[:, 3] = 0.0
