"""The state of a viewer: a hand in a posture with excited muscles, static or simulated."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.moment_arm import Sweep, moment_arms, sweep
from musclehand.body.build.tables import load_tables
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import PLAYING_POSTURE_DEG, REST_DEG, couple, named_posture, place
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.validation.check import Specimen

POSTURES: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "rest": REST_DEG,
    "playing": PLAYING_POSTURE_DEG,
}
"""Named postures [deg]; joints that are not named are at 0."""

SILENT_COLOUR = np.array([40.0, 84.0, 160.0])
ACTIVE_COLOUR = np.array([228.0, 16.0, 10.0])
"""Red, green and blue of a tendon at activation 0 and 1, 0..255."""

SMALLEST_ARM = 1e-4
"""Smaller arms are not listed [m]."""

_PULLEY = -2
"""Kind of a path point that ends one branch of a tendon; the next point begins another."""


class Lines(NamedTuple):
    """Straight pieces of tendons."""

    points: np.ndarray
    """[m] both ends of each piece. Shape (s, 2, 3)."""

    colours: np.ndarray
    """Red, green and blue at both ends, 0..255. Shape (s, 2, 3), uint8."""


class MuscleFacts(NamedTuple):
    """Names and constants of a muscle."""

    muscle: str
    """Abbreviation, such as "FDP2"."""

    name: str
    """Anatomical name."""

    group: str
    """Group of our tables, such as "wrist"; "other" for muscles that they lack."""

    f0: float
    """[N] peak force along the tendon."""

    l0: float
    """[m] optimal fibre length."""

    lts: float
    """[m] tendon slack length."""


class HandState:
    """One hand that sliders or its muscles move. Methods may be called from several threads.

    Without simulation, activations equal excitations, so that colours follow the sliders.
    """

    limits: np.ndarray
    """[rad] range of each joint. Shape (n, 2)."""

    excitations: np.ndarray
    """Excitation of each muscle, 0..1. Shape (m,)."""

    def __init__(self, specimen: Specimen) -> None:
        """Puts the hand at rest."""
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
        """Anatomical joint angles [rad]. Shape (n,)."""
        return self.hand.angles(self._data).copy()

    @property
    def activations(self) -> np.ndarray:
        """Muscle activations, 0..1. Shape (m,)."""
        return np.array(self._data.act[self.hand.act])

    def set_angles(self, angles: np.ndarray) -> None:
        """Sets a posture without velocity; coupled joints follow their drivers.

        Args:
            angles: anatomical, clipped to the limits [rad]. Shape (n,).
        """
        with self.lock:
            angles = couple(self.hand, np.clip(angles, self.limits[:, 0], self.limits[:, 1]))
            self._data.qvel[:] = 0.0
            self._data.act[self.hand.act] = self.excitations
            place(self.model, self._data, self.hand, angles)

    def set_joint(self, joint: str, angle: float) -> None:
        """Turns one joint.

        Args:
            joint: anatomical name.
            angle: clipped to the limits [rad].

        Raises:
            UnknownName: the hand has no such joint.
        """
        with self.lock:
            angles = self.angles
            angles[self._joint(joint)] = angle
            self.set_angles(angles)

    def set_posture(self, name: str) -> None:
        """Sets one of `POSTURES`.

        Raises:
            UnknownName: there is no such posture.
        """
        if name not in POSTURES:
            raise UnknownName("posture", name, POSTURES)
        self.set_angles(named_posture(self.hand, POSTURES[name], self.limits))

    def set_excitation(self, muscle: str, value: float, *, simulated: bool = False) -> None:
        """Excites a muscle.

        Args:
            muscle: abbreviation, such as "FDP2".
            value: excitation, 0..1.
            simulated: whether activation follows by its dynamics; else it is `value` at once.

        Raises:
            InvalidValue: the value is outside 0..1.
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
        """Simulates with constant excitations.

        Args:
            seconds: simulated time [s].

        Returns:
            Whether the simulation is stable; if not, the hand is back at rest.
        """
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
        """Positions [m] and quaternions of bodies. Shapes (k, 3) and (k, 4)."""
        with self.lock:
            return self._data.xpos[bodies].copy(), self._data.xquat[bodies].copy()

    def tendon_lines(self) -> Lines:
        """The paths of all muscles, coloured by activation; arcs on surfaces are straight here."""
        with self.lock:
            points = []
            owners = []
            xpos = self._data.wrap_xpos.reshape(-1, 3)
            kinds = self._data.wrap_obj.reshape(-1)
            for number, tendon in enumerate(self.hand.tendons):
                first = self._data.ten_wrapadr[tendon]
                count = self._data.ten_wrapnum[tendon]
                for i in range(first, first + count - 1):
                    if _PULLEY not in (kinds[i], kinds[i + 1]):
                        points.append(xpos[[i, i + 1]])
                        owners.append(number)
            activations = self.activations[:, None].clip(0, 1)
            shades = SILENT_COLOUR + activations * (ACTIVE_COLOUR - SILENT_COLOUR)
            colours = np.repeat(shades[owners, None], 2, axis=1).astype(np.uint8)
            return Lines(np.array(points, dtype=np.float32), colours)

    def arm_table(self, muscle: str) -> list[tuple[str, float]]:
        """Joints that a muscle moves in this posture, with its arms [m], the largest first.

        Raises:
            UnknownName: the hand has no such muscle.
        """
        arms = moment_arms(self.model, self.hand, self.angles[None])[0, self._muscle(muscle)]
        order = np.argsort(-np.abs(arms))
        return [
            (self.hand.joints[i], float(arms[i])) for i in order if abs(arms[i]) >= SMALLEST_ARM
        ]

    def arm_curve(self, muscle: str, joint: str) -> Sweep:
        """A muscle's arm over the range of a joint, other joints as they are.

        Args:
            muscle: abbreviation, such as "FDP2".
            joint: anatomical name.

        Returns:
            Angles [rad] and arms [m]. Shapes (count,).

        Raises:
            UnknownName: the hand has no such muscle or joint.
        """
        number = self._muscle(muscle)
        swept = sweep(self.model, self.hand, joint, self.angles)
        return Sweep(swept.angles, swept.arms[:, number])

    def muscles(self) -> list[MuscleFacts]:
        """All muscles of the hand, in the model's order."""
        rows = {row.muscle: row for row in load_tables().muscles}
        params = muscle_parameters(self.model, self.hand.muscles)
        facts = []
        for i, muscle in enumerate(self.hand.muscle_names):
            row = rows.get(muscle)
            facts.append(
                MuscleFacts(
                    muscle=muscle,
                    name=row.name if row else muscle,
                    group=row.group if row else "other",
                    f0=float(params.f0[i]),
                    l0=float(params.l0[i]),
                    lts=float(params.lts[i]),
                )
            )
        return facts

    def _joint(self, joint: str) -> int:
        if joint not in self.hand.joints:
            raise UnknownName("joint", joint, self.hand.joints)
        return self.hand.joints.index(joint)

    def _muscle(self, muscle: str) -> int:
        if muscle not in self.hand.muscle_names:
            raise UnknownName("muscle", muscle, self.hand.muscle_names)
        return self.hand.muscle_names.index(muscle)
