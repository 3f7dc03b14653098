"""The recording of a performance: channels, tables and provenance of one HDF5 file."""

from __future__ import annotations

import platform
from importlib.metadata import version
from os import PathLike

import mujoco
import numpy as np

import musclehand
from musclehand.body.anatomy import HAND_JOINTS
from musclehand.controllers.controller import Controller
from musclehand.core.recording import Channel, RecordingWriter
from musclehand.music.score import Score
from musclehand.planning.plan import model_sha256

NOTE_COLUMNS = {
    "onset": "s",
    "offset": "s",
    "pitch": "MIDI",
    "velocity": "MIDI",
    "hand": "0/1",
    "finger": "1-5",
}
"""Columns of note tables and their units; -1 and 0 where hand and finger are not known."""


def note_table(score: Score) -> np.ndarray:
    """Notes as rows of `NOTE_COLUMNS`. Shape (num_notes, 6)."""
    rows = [
        (
            note.onset,
            note.offset,
            note.pitch,
            note.velocity,
            -1 if note.hand is None else int(note.hand),
            int(note.finger or 0),
        )
        for note in score.notes
    ]
    return np.array(rows, dtype=float).reshape(-1, len(NOTE_COLUMNS))


def provenance(model: mujoco.MjModel, seed: int) -> dict[str, object]:
    """Versions, a hash of the compiled model, and the seed: what it takes to repeat a result."""
    packages = ("mujoco", "myo-sim", "numpy", "scipy", "daqp", "numba")
    return {
        "musclehand": musclehand.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "model_sha256": model_sha256(model),
        "seed": int(seed),
    }


def open_recording(
    path: str | PathLike[str], controller: Controller, target: Score, seed: int
) -> RecordingWriter:
    """A recording to write one row to in every control step.

    Args:
        path: of the HDF5 file.
        controller: that will play.
        target: score that the performance is judged by.
        seed: written to the metadata.

    Raises:
        OutputError: the file cannot be written.
    """
    scene = controller.scene
    model = scene.model
    joints = tuple(model.joint(i).name for i in range(model.njnt))
    keys = tuple(model.joint(int(i)).name for i in scene.keys.joint)
    channels = {
        "time": Channel("s"),
        "qpos": Channel("rad or m", (model.nq,), joints, "f4"),
        "qvel": Channel("rad/s or m/s", (model.nv,), joints, "f4"),
        "key_angle": Channel("rad", (len(keys),), keys, "f4"),
    }
    if scene.hands:
        actuators = tuple(model.actuator(i).name for i in range(model.nu))
        muscles = tuple(
            side.name_of(name) for side, hand in scene.hands.items() for name in hand.muscle_names
        )
        joint_names = tuple(side.name_of(joint) for side in scene.hands for joint in HAND_JOINTS)
        channels |= {
            "act": Channel("1", (model.na,), muscles, "f4"),
            "ctrl": Channel("1; m, rad for forearms", (model.nu,), actuators, "f4"),
            "muscle_force": Channel("N, pull negative", (len(muscles),), muscles, "f4"),
            "reference": Channel("rad", (len(joint_names),), joint_names, "f4"),
        }
    metadata = {
        "title": target.title,
        "controller": type(controller).__name__,
        "lead_in_s": controller.lead_in,
        "control_dt_s": controller.sim_steps * model.opt.timestep,
        **provenance(model, seed),
    }
    writer = RecordingWriter(
        path, channels, tables={"score": NOTE_COLUMNS, "played": NOTE_COLUMNS}, metadata=metadata
    )
    writer.extend_table("score", note_table(controller.score))
    return writer
