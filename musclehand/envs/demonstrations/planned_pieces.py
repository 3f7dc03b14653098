"""Pieces with the plans of the model-based player, from which high-level policies learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.demonstrations.planned_motion import (
    FrameBuilder,
    clip_from_frames,
    load_references,
    plan_frames,
    policy_plan_config,
    save_references,
)
from musclehand.envs.piano.body import SIDES
from musclehand.envs.piano.goals import HandNotes, hand_notes
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.envs.reference import ReferenceSet, join
from musclehand.motion.clip import LEAD_KEPT
from musclehand.music.score import Score
from musclehand.piano.geometry import keyboard_geometry
from musclehand.planning.plan import PlanConfig
from musclehand.planning.strokes.motion import notes_of
from musclehand.sim.scene import Scene, build_scene


def plan_pieces(
    scores: Iterable[tuple[str, Score]],
    *,
    config: PlanConfig | None = None,
    scene: Scene | None = None,
) -> PlannedPieces:
    """Plans scores for both hands.

    Args:
        scores: with their names.
        config: constants of planning, by default those for a policy.
        scene: hands and piano of the plan, by default the built-in ones.

    Raises:
        InvalidValue: there is no score, or one without notes.
    """
    config = config or policy_plan_config()
    scene = scene or build_scene(sides=SIDES)
    builder = FrameBuilder(scene.hands)
    geometry = keyboard_geometry(scene.piano)
    dt = config.sim_steps * scene.model.opt.timestep
    muscles = len(next(iter(scene.hands.values())).muscles)
    clips = tuple(list[ReferenceSet]() for _ in SIDES)
    notes = tuple(list[HandNotes]() for _ in SIDES)
    for name, score in scores:
        if not score.notes:
            raise InvalidValue(f"notes of {name}", 0, "1 or more")
        plan, rows = plan_frames(score, scene, builder, config)
        for number, side in enumerate(SIDES):
            frames = [row[number] for row in rows]
            clips[number].append(
                clip_from_frames(frames, name=name, kind="piece", side=side, dt=dt, muscles=muscles)
            )
            side_notes = notes_of(plan.score.notes, side, lead_in=LEAD_KEPT)
            notes[number].append(hand_notes(side_notes, side, geometry))
    if not clips[0]:
        raise InvalidValue("scores", 0, "1 or more")
    return PlannedPieces(
        hands=tuple(join(of_side) for of_side in clips), notes=tuple(map(tuple, notes))
    )


def load_or_plan_pieces(
    folder: Path, identity: Mapping[str, Any], plan: Callable[[], PlannedPieces]
) -> PlannedPieces:
    """Reads the planned pieces of a folder; if they are not there yet, plans and writes them first.

    Args:
        folder: of the pieces.
        identity: what they are made from; values of JSON.
        plan: makes them.

    Raises:
        FileError: the folder holds other pieces.
        OutputError: they cannot be written.
    """
    from musclehand.core.checkpoint import load_latest

    # The notes of the last side are written last.
    if load_latest(folder / f"{SIDES[-1].value}_notes") is None:
        save_pieces(folder, plan(), identity)
    return load_pieces(folder, identity)


def save_pieces(folder: Path, pieces: PlannedPieces, identity: Mapping[str, Any]) -> None:
    """Writes planned pieces to a folder.

    Args:
        folder: made if it is not there.
        pieces: to write.
        identity: what they were made from, to be checked when they are loaded; values of JSON.

    Raises:
        OutputError: they cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint

    for side, references, notes in zip(SIDES, pieces.hands, pieces.notes, strict=True):
        save_references(folder / side.value, references, identity)
        arrays = {
            name: np.concatenate([getattr(of_piece, name) for of_piece in notes])
            for name in _NOTE_FIELDS
        }
        arrays["count"] = np.array([len(of_piece.onset) for of_piece in notes])
        save_checkpoint(folder / f"{side.value}_notes", 1, arrays, dict(identity))


def load_pieces(folder: Path, identity: Mapping[str, Any]) -> PlannedPieces:
    """Reads planned pieces that `save_pieces` wrote.

    Args:
        folder: of the pieces.
        identity: what they have to be made from.

    Raises:
        FileError: there are none, they are damaged, or were made from something else.
    """
    from musclehand.core.checkpoint import load_latest

    hands = []
    notes = []
    for side in SIDES:
        hands.append(load_references(folder / side.value, identity))
        checkpoint = load_latest(folder / f"{side.value}_notes", **identity)
        if checkpoint is None or not {*_NOTE_FIELDS, "count"} <= checkpoint.arrays.keys():
            raise FileError(folder / f"{side.value}_notes", "holds no notes")
        arrays = checkpoint.arrays
        edges = np.cumsum(arrays["count"])[:-1]
        parts = [np.split(arrays[name], edges) for name in _NOTE_FIELDS]
        notes.append(tuple(HandNotes(*columns) for columns in zip(*parts, strict=True)))
    return PlannedPieces(hands=tuple(hands), notes=tuple(notes))


_NOTE_FIELDS = tuple(field.name for field in fields(HandNotes))
"""Arrays of notes on file."""
