"""Scores with what the player plans for both hands: what planners learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.demonstrations.planned_motion import (
    LEAD_KEPT,
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
    """Plans scores.

    Args:
        scores: with their names.
        config: how to plan, by default for a policy.
        scene: that would be played in.

    Raises:
        InvalidValue: there is no score, or one without notes.
    """
    config = config or policy_plan_config()
    scene = scene or build_scene(sides=SIDES)
    frames = FrameBuilder(scene.hands)
    geometry = keyboard_geometry(scene.piano)
    dt = config.sim_steps * scene.model.opt.timestep
    muscles = len(next(iter(scene.hands.values())).muscles)
    hands = tuple(list[ReferenceSet]() for _ in SIDES)
    told = tuple(list[HandNotes]() for _ in SIDES)
    for name, plain in scores:
        if not plain.notes:
            raise InvalidValue(f"notes of {name}", 0, "1 or more")
        plan, rows = plan_frames(plain, scene, frames, config)
        for number, side in enumerate(SIDES):
            hands[number].append(
                clip_from_frames([both[number] for both in rows], name, "piece", side, dt, muscles)
            )
            told[number].append(
                hand_notes(notes_of(plan.score.notes, side, lead_in=LEAD_KEPT), side, geometry)
            )
    if not hands[0]:
        raise InvalidValue("scores", 0, "1 or more")
    return PlannedPieces(tuple(join(clips) for clips in hands), tuple(map(tuple, told)))


def load_or_plan_pieces(
    folder: Path, known: Mapping[str, Any], make: Callable[[], PlannedPieces]
) -> PlannedPieces:
    """The planned pieces of a folder; if they are not all there yet, they are made and kept.

    Args:
        folder: of theirs.
        known: what they come of.
        make: plans them.

    Raises:
        FileError: the folder holds others.
        OutputError: they cannot be written.
    """
    from musclehand.core.checkpoint import load_latest

    # The last of what is written.
    if load_latest(folder / f"{SIDES[-1].value}_notes") is None:
        save_pieces(folder, make(), known)
    return load_pieces(folder, known)


def save_pieces(folder: Path, pieces: PlannedPieces, known: Mapping[str, Any]) -> None:
    """Keeps planned pieces on file; `known`: what they came of.

    Raises:
        OutputError: they cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint

    for side, references, notes in zip(SIDES, pieces.hands, pieces.notes, strict=True):
        save_references(folder / side.value, references, known)
        arrays = {
            name: np.concatenate([getattr(one, name) for one in notes]) for name in _NOTE_FIELDS
        }
        arrays["count"] = np.array([len(one.onset) for one in notes])
        save_checkpoint(folder / f"{side.value}_notes", 1, arrays, dict(known))


def load_pieces(folder: Path, known: Mapping[str, Any]) -> PlannedPieces:
    """Planned pieces that were kept.

    Raises:
        FileError: there are none, they are damaged, or came of something else than is `known`.
    """
    from musclehand.core.checkpoint import load_latest

    hands = []
    notes = []
    for side in SIDES:
        hands.append(load_references(folder / side.value, known))
        found = load_latest(folder / f"{side.value}_notes", **known)
        if found is None or not {*_NOTE_FIELDS, "count"} <= found.arrays.keys():
            raise FileError(folder / f"{side.value}_notes", "holds no notes")
        edges = np.cumsum(found.arrays["count"])[:-1]
        parts = [np.split(found.arrays[name], edges) for name in _NOTE_FIELDS]
        notes.append(tuple(HandNotes(*one) for one in zip(*parts, strict=True)))
    return PlannedPieces(tuple(hands), tuple(notes))


_NOTE_FIELDS = tuple(field.name for field in fields(HandNotes))
