"""Simulated muscles of a motion by name or from a file, for a bundled or a foreign hand model."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.hand_file import HandFile
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.emg.io.simulated import SimulatedMuscles
from musclehand.emg.model.wrist_movements import (
    MOVEMENTS_DEG,
    simulate_motion,
    simulate_movement,
)
from musclehand.motion.clip import read_clips
from musclehand.validation.specimen import open_specimens


class JointMotion(NamedTuple):
    """A motion of the independent joints of a hand."""

    angles: np.ndarray
    """[rad] Shape (T, 19)."""

    speeds: np.ndarray
    """[rad/s] Shape (T, 19)."""

    dt: float
    """[s] time step."""


def simulate(
    motion: str | PathLike[str],
    *,
    clip: str | None = None,
    model: str | PathLike[str] = "musclehand",
    hold: float = 5.0,
) -> SimulatedMuscles:
    """Muscle activations of a hand that follows a motion, by computed muscle control.

    The elbow is fixed; there is no gravity and no contact, but in a fist the palm pushes back on
    the fingers.

        muscles = simulate("extension")
        write_simulated("extension.sto", muscles)

    Args:
        motion: a held wrist movement (flexion, extension, radial-deviation, ulnar-deviation,
            pronation, supination, fist), or a file of motion clips.
        clip: name of the clip, for a file with several.
        model: musclehand, myohand or an MJCF file; its right hand follows clips of either side.
        hold: time that a wrist movement is held [s].

    Raises:
        MusclehandError: no such motion or model, or the hand cannot follow.
    """
    compiled, hand = open_hand(model)
    movement = str(motion).replace("-", " ")
    if movement in MOVEMENTS_DEG:
        return simulate_movement(compiled, hand, movement, hold=hold)
    path = read_motion(motion, clip)
    return simulate_motion(compiled, hand, path.angles, path.speeds, dt=path.dt)


def open_hand(source: str | PathLike[str]) -> tuple[mujoco.MjModel, HandIndex]:
    """The right hand of a model alone, its elbow fixed.

    Raises:
        MusclehandError: the model cannot be used or has no right hand.
    """
    if str(source) == "musclehand":
        bundled = load_hand(Side.RIGHT)
        return bundled, HandIndex.from_model(bundled, Side.RIGHT)
    specimen = open_specimens(source, side="right")[0]
    assert specimen.spec is not None
    with silence_mujoco():
        file = HandFile(str(source), specimen.spec, specimen.naming)
        model = file.hand_spec(Side.RIGHT).compile()
    return model, HandIndex.from_model(model, Side.RIGHT, specimen.naming)


def read_motion(path: str | PathLike[str], clip: str | None = None) -> JointMotion:
    """A motion from a file of clips.

    Args:
        path: the file.
        clip: name of the clip; may be left out for a file with a single one.

    Raises:
        MusclehandError: no such file or clip.
    """
    if not Path(path).exists() and Path(path).suffix == "":
        movements = [name.replace(" ", "-") for name in MOVEMENTS_DEG]
        raise UnknownName("movement or file", str(path), movements)
    clips = {item.name: item for item in read_clips(path)}
    if clip is None and len(clips) != 1:
        raise InvalidValue("clip", None, f"one of {', '.join(list(clips)[:12])}")
    if clip is not None and clip not in clips:
        raise UnknownName("clip", clip, clips)
    motion = clips[clip] if clip is not None else next(iter(clips.values()))
    columns = [HAND_JOINTS.index(joint) for joint in INDEPENDENT_JOINTS]
    return JointMotion(
        angles=motion.qpos[:, columns].astype(float),
        speeds=motion.qvel[:, columns].astype(float),
        dt=motion.dt,
    )
