"""Tracking test of a hand model: one hand alone, its elbow fixed, follows a motion by computed
muscle control.

The conditions are the same for every model, so that hands can be compared: no gravity, no contacts,
the implicitfast integrator, and the same control. The fingertips' reference is the reference
posture of the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import data_at, prepared_copy
from musclehand.body.anatomy import INDEPENDENT_JOINTS, NUM_TIPS, coupled_joint, coupling_ratio
from musclehand.body.build.table_rows import SharedDrive
from musclehand.body.conditions.mixing import DriveMixer, mixed_excitations
from musclehand.body.hand_index import HandIndex
from musclehand.control.arrays import HandTarget
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.core.errors import InvalidValue, ModelError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.quadratic import SolverError
from musclehand.core.time_steps import CONTROL_DT, SIM_STEPS

SETTLE = 0.25
"""Time at the start that does not count [s]: muscles begin without activation."""


@dataclass(frozen=True, eq=False)
class TrackingResult:
    """How one motion was followed, after the first `SETTLE` seconds.

    Arrays hold k control steps, n joints and m muscles; they are empty where the simulation failed
    before that.
    """

    failure: str | None
    """When and how the simulation broke down, None if it did not; later steps do not count."""

    joints: tuple[str, ...]
    """Names of the joints. Length n."""

    time: np.ndarray = field(repr=False)
    """[s] after each control step. Shape (k,)."""

    reference: np.ndarray = field(repr=False)
    """[rad] reference of the joints. Shape (k, n)."""

    angles: np.ndarray = field(repr=False)
    """[rad] angles that were reached. Shape (k, n)."""

    tip_errors: np.ndarray = field(repr=False)
    """[m] distances of the fingertips from their reference. Shape (k, 5)."""

    activation: np.ndarray = field(repr=False)
    """Mean over the muscles. Shape (k,)."""

    activations: np.ndarray | None = field(default=None, repr=False)
    """Of every muscle, where they were kept. Shape (k, m)."""

    @property
    def joint_rmse(self) -> np.ndarray:
        """Root mean square error of each joint [rad]. Shape (n,)."""
        if not len(self.time):
            return np.full(len(self.joints), np.nan)
        return np.asarray(np.sqrt(np.mean(np.square(self.angles - self.reference), axis=0)))

    @property
    def rmse(self) -> float:
        """Root mean square error over all joints and times [rad]."""
        return float(np.sqrt(np.mean(np.square(self.joint_rmse))))

    def tip_error(self, percentile: float = 50.0) -> float:
        """Distance of the fingertips from where they should be, all five and all times [m]."""
        return float(np.percentile(self.tip_errors, percentile)) if len(self.time) else float("nan")

    @property
    def mean_activation(self) -> float:
        """Mean activation over muscles and time, 0 to 1."""
        return float(self.activation.mean()) if len(self.time) else float("nan")


def whole_posture(hand: HandIndex, independent: np.ndarray) -> np.ndarray:
    """Angles or speeds of all joints that a hand has, from those of the 19 joints that are free in
    a human hand.

    Joints that follow others do so by `anatomy.coupling_ratio`, whether or not the model couples
    them.

    Args:
        hand: whose joints.
        independent: values of `INDEPENDENT_JOINTS`. Shape (..., 19).

    Returns:
        In the order of `hand.joints`. Shape (..., n).
    """
    columns = [INDEPENDENT_JOINTS.index(coupled_joint(joint) or joint) for joint in hand.joints]
    ratios = np.array([coupling_ratio(joint) for joint in hand.joints])
    return np.asarray(independent[..., columns] * ratios)


def track(
    model: mujoco.MjModel,
    hand: HandIndex,
    angles: np.ndarray,
    speeds: np.ndarray,
    *,
    dt: float = CONTROL_DT,
    control: ControlConfig | None = None,
    drives: Sequence[SharedDrive] = (),
    aware: bool = True,
) -> TrackingResult:
    """Has a hand follow a motion that starts at rest.

    Args:
        model: with this hand and nothing that moves but it; not changed.
        hand: where it is.
        angles: reference joint angles, as in `whole_posture`, every `dt` from 0 on [rad]. Shape (T,
            19).
        speeds: their rates [rad/s]. Shape (T, 19).
        dt: a control step, `SIM_STEPS` steps of the simulation [s].
        control: gains; the player's by default.
        drives: that muscles of the hand share; none where all are independent.
        aware: whether the control knows of the drives, or commands as if there were none.

    Raises:
        InvalidValue: the motion's arrays differ in shape or are not finite, or `dt` is not above 0.
        ModelError: joints beside the hand's, or such that are turned round against the anatomical
            ones; a muscle of a drive is missing.
    """
    shapes = np.shape(angles), np.shape(speeds)
    if shapes != ((len(angles), len(INDEPENDENT_JOINTS)),) * 2 or not (
        np.isfinite(angles).all() and np.isfinite(speeds).all()
    ):
        raise InvalidValue(
            "motion", shapes, f"finite angles and speeds of shape (T, {len(INDEPENDENT_JOINTS)})"
        )
    if model.nv != len(hand.dofs) or (hand.signs < 0).any():
        raise ModelError(
            "model", "needs one hand alone, its elbow fixed, all joints turning as in MyoSim's hand"
        )
    twin = prepared_copy(
        model, dt=dt / SIM_STEPS, integrator=mujoco.mjtIntegrator.mjINT_IMPLICITFAST, gravity=False
    )
    twin.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    follower = _Follower(twin, hand, control, drives, aware=aware)
    goal = whole_posture(hand, np.asarray(angles))
    rates = whole_posture(hand, np.asarray(speeds))
    data = data_at(twin, hand, goal[0])
    steps = len(goal) - 1
    reached = np.empty((steps, goal.shape[1]))
    activations = np.empty((steps, len(hand.act)))
    failure: str | None = None
    done = 0
    with silence_mujoco():
        while done < steps and failure is None:
            failure = follower.step(data, goal[done + 1], rates[done + 1])
            if failure is None:
                reached[done], activations[done] = hand.angles(data), data.act[hand.act]
                done += 1
    counted = slice(min(round(SETTLE / dt), done), done)
    reference = goal[1:][counted]
    reached = reached[counted]
    apart = tip_positions(twin, data, hand, reached) - tip_positions(twin, data, hand, reference)
    return TrackingResult(
        failure=failure,
        joints=hand.joints,
        time=np.arange(1, steps + 1)[counted] * dt,
        reference=reference,
        angles=reached,
        tip_errors=np.linalg.norm(apart, axis=2),
        activation=activations[counted].mean(axis=1),
        activations=activations[counted],
    )


def tip_positions(
    model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex, angles: np.ndarray
) -> np.ndarray:
    """Where the fingertips are in postures of the hand, world [m]; `data` is used for it.

    Args:
        model: with the hand.
        data: of the model, to compute in.
        hand: where it is.
        angles: of all its joints [rad]. Shape (k, n).

    Returns:
        Shape (k, 5, 3).
    """
    tips = np.empty((len(angles), NUM_TIPS, 3))
    for row, posture in zip(tips, angles, strict=True):
        hand.pose(data, posture)
        mujoco.mj_kinematics(model, data)
        row[:] = data.site_xpos[hand.tips]
    return tips


class _Follower:
    """Computed muscle control of a hand with its elbow fixed."""

    def __init__(
        self,
        model: mujoco.MjModel,
        hand: HandIndex,
        config: ControlConfig | None,
        drives: Sequence[SharedDrive],
        *,
        aware: bool,
    ) -> None:
        self.model = model
        self.hand = hand
        self.control = MuscleControl(
            model,
            [hand],
            [np.array([], dtype=int)],
            sim_steps=SIM_STEPS,
            config=config,
            drives=drives if aware else (),
        )
        self._mixers = [] if aware or not drives else [DriveMixer(hand.muscle_names, drives)]

    def step(self, data: mujoco.MjData, goal: np.ndarray, rates: np.ndarray) -> str | None:
        """One control step to joint angles and rates, (n,), at its end. Returns what broke down,
        if anything did."""
        hand = self.hand
        model = self.model
        before = data.time
        mujoco.mj_step1(model, data)
        target = HandTarget(
            goal[None, hand.independent],
            rates[None, hand.independent],
            np.zeros((1, NUM_TIPS)),
            np.zeros((1, 0)),
        )
        try:
            commands = self.control.excitations(data, target)
        except SolverError as error:
            return f"no control at {before:.2f} s: {error}"
        mixed = mixed_excitations(self._mixers, commands, self.control.ceiling)
        data.ctrl[hand.muscles] = mixed[0]
        mujoco.mj_step2(model, data)
        mujoco.mj_step(model, data, nstep=SIM_STEPS - 1)
        if not all(np.isfinite(part).all() for part in (data.qpos, data.qvel, data.act)):
            return f"not finite at {before:.2f} s"
        # MuJoCo starts over without an exception when a simulation blows up; its clock shows it.
        if data.time < before + (SIM_STEPS - 0.5) * model.opt.timestep:
            return f"unstable, started over by MuJoCo at {before:.2f} s"
        return None
