"""What a viewer shows, without the viewer: a hand in a posture, its muscles excited, at rest or
simulated."""

from __future__ import annotations

from threading import RLock
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.moment_arm import Sweep, moment_arms, sweep
from musclehand.body.build.tables import load_tables
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import PLAYING_POSTURE_DEG, REST_DEG, couple, named_posture, place
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.validate.check import Specimen

POSTURES = {"neutral": {}, "rest": REST_DEG, "playing": PLAYING_POSTURE_DEG}

SILENT_COLOUR = np.array([40.0, 84.0, 160.0])
ACTIVE_COLOUR = np.array([228.0, 16.0, 10.0])
"""Red, green, blue of a tendon without activation and with all of it, 0..255."""

SMALLEST_ARM = 1e-4
"""Arms below it are not listed [m]."""


class Lines(NamedTuple):
    """Straight pieces of tendons: `points` (s, 2, 3) [m] and `colours` (s, 2, 3) 0..255."""

    points: np.ndarray
    colours: np.ndarray


class MuscleFacts(NamedTuple):
    """What a muscle is: its anatomical name and group, peak force [N], optimal fibre and slack
    length [m]."""

    muscle: str
    name: str
    group: str
    f0: float
    l0: float
    lts: float


class HandState:
    """One hand that is moved by hand or simulated. Methods may be called from several threads.

    Activations are the excitations while nothing is simulated, so that colours follow the sliders.
    """

    def __init__(self, specimen: Specimen) -> None:
        self.specimen = specimen
        self.model = specimen.model
        self.hand = specimen.hand
        self.limits = self.hand.limits(self.model)
        self.excitations = np.zeros(len(self.hand.muscles))
        self.lock = RLock()
        self._data = mujoco.MjData(self.model)
        self.set_posture("rest")

    @property
    def angles(self) -> np.ndarray:
        """Where the joints are, anatomical [rad]. Shape (n,)."""
        return self.hand.angles(self._data).copy()

    @property
    def activations(self) -> np.ndarray:
        """Of all muscles, 0..1. Shape (m,)."""
        return np.array(self._data.act[self.hand.act])

    def set_angles(self, angles: np.ndarray) -> None:
        """Puts the hand into a posture [rad], shape (n,), at rest; coupled joints follow their
        drivers."""
        with self.lock:
            angles = couple(self.hand, np.clip(angles, self.limits[:, 0], self.limits[:, 1]))
            self._data.qvel[:] = 0.0
            self._data.act[self.hand.act] = self.excitations
            place(self.model, self._data, self.hand, angles)

    def set_joint(self, joint: str, angle: float) -> None:
        """Turns one joint [rad], within its limits.

        Raises:
            UnknownName: the hand has no such joint.
        """
        with self.lock:
            angles = self.angles
            angles[self._place_of(joint)] = angle
            self.set_angles(angles)

    def set_posture(self, name: str) -> None:
        """Takes one of `POSTURES`.

        Raises:
            UnknownName: there is no such posture.
        """
        if name not in POSTURES:
            raise UnknownName("posture", name, POSTURES)
        self.set_angles(named_posture(self.hand, POSTURES[name], self.limits))

    def set_excitation(self, muscle: str, value: float, *, simulated: bool = False) -> None:
        """Excites a muscle, 0..1; unless simulated, its activation is the same at once.

        Raises:
            InvalidValue: outside 0..1.
            UnknownName: the hand has no such muscle.
        """
        if not 0.0 <= value <= 1.0:
            raise InvalidValue("excitation", value, "a number from 0 to 1")
        with self.lock:
            number = self._muscle(muscle)
            self.excitations[number] = value
            if not simulated:
                self._data.act[self.hand.act[number]] = value

    def advance(self, seconds: float) -> bool:
        """Simulates with the excitations as they are; False, and back to rest, if that becomes
        unstable."""
        with self.lock:
            self._data.ctrl[self.hand.muscles] = self.excitations
            for _ in range(max(1, round(seconds / self.model.opt.timestep))):
                mujoco.mj_step(self.model, self._data)
            kinds = (
                mujoco.mjtWarning.mjWARN_BADQACC,
                mujoco.mjtWarning.mjWARN_BADQPOS,
                mujoco.mjtWarning.mjWARN_BADQVEL,
            )
            stable = not any(self._data.warning[kind].number for kind in kinds)
            if stable:
                mujoco.mj_forward(self.model, self._data)
            else:
                mujoco.mj_resetData(self.model, self._data)
                self.set_posture("rest")
            return stable

    def body_poses(self, bodies: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Where bodies are: positions (k, 3) [m] and quaternions (k, 4)."""
        with self.lock:
            return self._data.xpos[bodies].copy(), self._data.xquat[bodies].copy()

    def tendon_lines(self) -> Lines:
        """The paths of all muscles, coloured by activation; what wraps around a surface is a
        straight piece here."""
        with self.lock:
            points = []
            owners = []
            xpos = self._data.wrap_xpos.reshape(-1, 3)
            on = self._data.wrap_obj.reshape(-1)
            for number, tendon in enumerate(self.hand.tendons):
                first = self._data.ten_wrapadr[tendon]
                count = self._data.ten_wrapnum[tendon]
                for i in range(first, first + count - 1):
                    # A pulley (-2) ends one branch; the next one begins anew.
                    if on[i] != -2 and on[i + 1] != -2:
                        points.append(xpos[[i, i + 1]])
                        owners.append(number)
            shades = SILENT_COLOUR + self.activations[:, None].clip(0, 1) * (
                ACTIVE_COLOUR - SILENT_COLOUR
            )
            colours = np.repeat(shades[owners, None], 2, axis=1).astype(np.uint8)
            return Lines(np.array(points, dtype=np.float32), colours)

    def arm_table(self, muscle: str) -> list[tuple[str, float]]:
        """Joints that a muscle moves and its arm about each [m] in this posture, the largest first.

        Raises:
            UnknownName: the hand has no such muscle.
        """
        arms = moment_arms(self.model, self.hand, self.angles[None])[0, self._muscle(muscle)]
        order = np.argsort(-np.abs(arms))
        return [
            (self.hand.joints[i], float(arms[i])) for i in order if abs(arms[i]) >= SMALLEST_ARM
        ]

    def arm_curve(self, muscle: str, joint: str) -> Sweep:
        """A muscle's arm over the range of a joint, other joints as they are: `arms` is (count,)
        [m].

        Raises:
            UnknownName: the hand has no such muscle or joint.
        """
        number = self._muscle(muscle)
        swept = sweep(self.model, self.hand, joint, self.angles)
        return Sweep(swept.angles, swept.arms[:, number])

    def muscles(self) -> list[MuscleFacts]:
        """All muscles of the hand, in the model's order."""
        known = {row.muscle: row for row in load_tables().muscles}
        params = muscle_parameters(self.model, self.hand.muscles)
        facts = []
        for i, muscle in enumerate(self.hand.muscle_names):
            row = known.get(muscle)
            name, group = (row.name, row.group) if row else (muscle, "other")
            facts.append(
                MuscleFacts(
                    muscle,
                    name,
                    group,
                    float(params.f0[i]),
                    float(params.l0[i]),
                    float(params.lts[i]),
                )
            )
        return facts

    def _place_of(self, joint: str) -> int:
        if joint not in self.hand.joints:
            raise UnknownName("joint", joint, self.hand.joints)
        return self.hand.joints.index(joint)

    def _muscle(self, muscle: str) -> int:
        if muscle not in self.hand.muscle_names:
            raise UnknownName("muscle", muscle, self.hand.muscle_names)
        return self.hand.muscle_names.index(muscle)
