"""What a player believes of its body now, from senses that are late and commands that it has sent.

Late senses alone make a player with high gains unstable: 8 ms are enough. A `StatePredictor` is a
forward model (Miall, Weir, Wolpert & Stein 1993, J Mot Behav 25:203): the belief, a simulation of
hands, keys and contacts, lives through the commands that were sent, and late senses correct it. It
keeps its own past. Senses are compared with what the belief was when they arose. Two ways to
correct it are built in:

- "observer": the difference is added, in part, to the present belief and to the past since then, so
  that it counts once (as in a Smith predictor). It costs one simulation beside the world.
- "rollout": the past belief is corrected, and all commands since then are simulated again. It costs
  as many simulations as fit into the delay.

What the belief lacks all the time, such as strength, is learnt as a drift of its accelerations. The
keys and the activations that the belief has are its own: neither is felt. Without differences
both ways are one, and the prediction is exact.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.core.errors import UnknownName
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.sim.scene import Scene
from musclehand.world.names import OBSERVER, PREDICTORS, ROLLOUT
from musclehand.world.senses import BodyIndex, Delays, Senses, steps_of
from musclehand.world.world import Start

FULL_STATE = mujoco.mjtState.mjSTATE_INTEGRATION
"""Everything that the next simulation step depends on."""


@dataclass(frozen=True)
class Gains:
    """What a difference between senses and belief changes in the belief, in every control step.

    Chosen among some twenty settings on a piece in three worlds of tier "t1" without a shift of the
    keyboard, with delays of about 17, 31 and 50 ms; the choice is not sharp. A share of a tenth
    averages senses over 40 ms at 250 Hz. Without drift, a hand of half the strength is believed to
    be where it is not.
    """

    angle: float = 0.1
    """Share of the difference of angles and places."""

    speed: float = 0.2
    """Share of the difference of velocities."""

    drift: float = 25.0
    """[1/s^2] Of angles and places, that the belief's accelerations change by from then on: what
    the belief lacks steadily, for want of strength or weight, is learnt."""

    activation: float = 0.0
    """Share of the difference of activations, 0: a player does not feel activation, and knows the
    commands that it sent."""


class Belief(Protocol):
    """What a player believes of its body, control step by control step."""

    def begin(self, start: Start) -> None:
        """Begins a run, with the body where it begins."""

    def estimate(self, senses: Senses) -> mujoco.MjData:
        """The body as it will be when the next command arrives, positions and velocities
        computed."""

    def sent(self, commands: np.ndarray) -> None:
        """Takes note of the commands of a control step. Shape (sim_steps, a)."""


class LateBelief(Belief):
    """The body is believed to be as it was felt, whatever time has passed."""

    def __init__(self, scene: Scene) -> None:
        """
        Args:
            scene: of the player.
        """
        # Nothing that players read depends on contacts.
        self._model = copy.copy(scene.model)
        self._model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
        self._body = BodyIndex(scene)
        self._data = mujoco.MjData(self._model)

    @override
    def begin(self, start: Start) -> None:
        self._data = mujoco.MjData(self._model)

    @override
    def estimate(self, senses: Senses) -> mujoco.MjData:
        self._body.write(self._data, senses)
        mujoco.mj_step1(self._model, self._data)
        return self._data

    @override
    def sent(self, commands: np.ndarray) -> None:
        self._data.ctrl[self._body.actuators] = commands[-1]
        self._data.time += len(commands) * self._model.opt.timestep


class StatePredictor(Belief):
    """The belief rolled forward by the delay of senses and commands."""

    def __init__(
        self,
        scene: Scene,
        delays: Delays,
        *,
        method: str = OBSERVER,
        gains: Gains | None = None,
    ) -> None:
        """
        Args:
            scene: of the player, which is simulated.
            delays: that the player reckons with.
            method: one of `PREDICTORS`.
            gains: of the correction; None: the defaults.

        Raises:
            UnknownName: no such method.
        """
        if method not in PREDICTORS:
            raise UnknownName("predictor", method, PREDICTORS)
        self._model = scene.model
        self._body = BodyIndex(scene)
        self._method = method
        self._gains = gains or Gains()
        self._project = _Projection(scene, len(self._body.qpos))
        dt = scene.model.opt.timestep
        self._late = steps_of(delays.sensory, dt) + steps_of(delays.command, dt)
        self._size = mujoco.mj_stateSize(self._model, FULL_STATE)
        self._data = mujoco.MjData(self._model)
        self._past = deque[Senses](maxlen=self._late + 1)
        self._states = deque[np.ndarray](maxlen=self._late)

    @override
    def begin(self, start: Start) -> None:
        self._data = mujoco.MjData(self._model)
        self._data.qpos[self._body.qpos] = start.angles
        self._past.clear()
        self._states.clear()
        self._drift = np.zeros(len(self._body.dofs))
        self._drifting = False
        self._past.append(self._body.read(self._data))

    @override
    def estimate(self, senses: Senses) -> mujoco.MjData:
        difference = self._difference(senses)
        with silence_mujoco():
            if difference is not None:
                self._learn(senses)
                if self._method == OBSERVER or not self._states:
                    self._shift(difference)
                else:
                    self._again(difference)
            mujoco.mj_step1(self._model, self._data)
        return self._data

    @override
    def sent(self, commands: np.ndarray) -> None:
        with silence_mujoco():
            for number, command in enumerate(commands):
                self._data.ctrl[self._body.actuators] = command
                self._step(computed=number == 0)

    def _step(self, *, computed: bool) -> None:
        """One simulation step with the controls that are set.

        Args:
            computed: positions and velocities are.
        """
        if self._method == ROLLOUT and self._late:
            state = np.empty(self._size)
            mujoco.mj_getState(self._model, self._data, state, FULL_STATE)
            self._states.append(state)
        if self._drifting:
            self._data.qvel[self._body.dofs] += self._model.opt.timestep * self._drift
        if computed:
            mujoco.mj_step2(self._model, self._data)
        else:
            mujoco.mj_step(self._model, self._data)
        self._past.append(self._body.read(self._data))

    def _difference(self, senses: Senses) -> Senses | None:
        """What corrects the belief of the time at which the senses arose; None for nothing."""
        gains, past = self._gains, self._past[0]
        angles, speeds = senses.angles - past.angles, senses.speeds - past.speeds
        activation = senses.activation - past.activation
        if not (angles.any() or speeds.any() or (gains.activation and activation.any())):
            return None
        return Senses(
            gains.angle * self._project(angles),
            gains.speed * self._project(speeds),
            gains.activation * activation,
        )

    def _learn(self, senses: Senses) -> None:
        """Learns what acceleration the belief lacks all the time."""
        if self._gains.drift:
            difference = self._project(senses.angles - self._past[0].angles)
            self._drift += self._gains.drift * difference
            self._drifting = True

    def _shift(self, difference: Senses) -> None:
        """Moves the present, and all of the past that is still to be compared."""
        self._body.write(self._data, _sum(self._body.read(self._data), difference))
        self._past = deque((_sum(senses, difference) for senses in self._past), self._late + 1)

    def _again(self, difference: Senses) -> None:
        """Corrects the past, and lives through all commands since then again."""
        states = list(self._states)
        mujoco.mj_setState(self._model, self._data, states[0], FULL_STATE)
        past = _sum(self._past[0], difference)
        self._body.write(self._data, past)
        self._states.clear()
        self._past.clear()
        self._past.append(past)
        probe = self._data.ctrl.copy()
        for state in states:
            mujoco.mj_extractState(
                self._model, state, FULL_STATE, probe, mujoco.mjtState.mjSTATE_CTRL
            )
            self._data.ctrl[:] = probe
            self._step(computed=False)


class _Projection:
    """Differences of coupled joints as their couplings allow them."""

    def __init__(self, scene: Scene, size: int) -> None:
        self._size = size
        self._parts = []
        first = 0
        for hand in scene.hands.values():
            self._parts.append((first, hand.independent, hand.expand))
            first += len(hand.qpos)

    def __call__(self, difference: np.ndarray) -> np.ndarray:
        """Of all joints. Shape (n,)."""
        out = difference.copy()
        for first, independent, expand in self._parts:
            out[first : first + len(expand)] = expand @ difference[first + independent]
        return out


def _sum(first: Senses, second: Senses) -> Senses:
    """Two records added, activations kept between 0 and 1."""
    return Senses(
        first.angles + second.angles,
        first.speeds + second.speeds,
        np.clip(first.activation + second.activation, 0.0, 1.0),
    )
